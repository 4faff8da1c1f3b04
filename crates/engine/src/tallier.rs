//! The unordered part's sums: each worker's tallies, until they are handed to its facts.

use crate::call_tallier::CallTallier;
use crate::facts::{FactLog, TallyKind, slice_of};
use hashbrown::HashTable;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use watchfire_detections::SLICE_MS;
use watchfire_detections::tally::{FlowKey, FlowTally, QueryKey, QueryTally, RecordPlace};
use watchfire_knowledge::Knowledge;
use watchfire_model::{ApiCall, DnsQuery, Time, VpcFlow};

/// Tallies of one kind held before they are handed over: as many as fit into a processor's cache, nearly. A tally that is
/// cut in two this way costs a merge.
const TALLIES_MAX: usize = 4_096;

type FixedState = foldhash::fast::FixedState;

/// The tallies of one worker.
#[derive(Default)]
pub(crate) struct Tallier {
    places: Places,
    flows: Flows,
    queries: HashTable<QueryEntry>,
    calls: CallTallier,
    domains: Domains,
}

/// Flows in the order in which they first came, and where each is by its hash: the entries are large, and the index,
/// which every record goes through, is small enough to stay in the nearest cache.
#[derive(Default)]
struct Flows {
    entries: Vec<FlowEntry>,
    index: HashTable<u32>,
    /// The entry of the last record: the other direction of a conversation mostly follows it.
    last: usize,
}

struct FlowEntry {
    hash: u64,
    place: u32,
    key: FlowKey,
    tally: FlowTally,
}

struct QueryEntry {
    hash: u64,
    hour: i64,
    place: u32,
    client: Option<IpAddr>,
    domain: Box<str>,
    tally: QueryTally,
}

impl Flows {
    /// The tally of this key. On the hot path.
    fn tally(&mut self, place: u32, key: &FlowKey) -> &mut FlowTally {
        let is_it = |entry: &FlowEntry| entry.place == place && entry.key == *key;
        if !self.entries.get(self.last).is_some_and(is_it) {
            let hash = hash_of(|hasher| {
                hasher.write_u32(place);
                key.hash(hasher);
            });
            let Self { entries, index, .. } = self;
            let found = index.find(hash, |&at| {
                let entry = &entries[at as usize];
                entry.hash == hash && is_it(entry)
            });
            self.last = match found {
                Some(&at) => at as usize,
                None => {
                    let at = entries.len();
                    entries.push(FlowEntry { hash, place, key: *key, tally: FlowTally::default() });
                    // Fits: they are handed over long before.
                    index.insert_unique(hash, at as u32, |&other| entries[other as usize].hash);
                    at
                }
            };
        }
        &mut self.entries[self.last].tally
    }
}

impl Tallier {
    /// Takes in a flow.
    pub(crate) fn add_flow(&mut self, flow: &VpcFlow<'_>, place: RecordPlace, facts: &mut FactLog) {
        let Some((key, is_upstream)) = FlowKey::of(flow) else { return };
        let seen_at =
            self.places.number([&flow.account, &flow.region, &flow.vpc_id, &flow.interface_id, &flow.instance_id]);
        self.flows.tally(seen_at, &key).add(flow, &key, is_upstream, place);
        if self.flows.entries.len() >= TALLIES_MAX {
            self.flush_flows(facts);
        }
    }

    /// Takes in a query.
    pub(crate) fn add_query(
        &mut self,
        query: &DnsQuery<'_>,
        knowledge: &Knowledge,
        place: RecordPlace,
        facts: &mut FactLog,
    ) {
        let name = normal_name(&query.name);
        let name_hash = QueryTally::name_hash(&name);
        let (domain, domain_hash) = self.domains.of(&name, name_hash, knowledge);
        let seen_at = self.places.number([
            &query.account,
            &query.region,
            &query.vpc_id,
            &query.resolver_endpoint,
            &query.instance_id,
        ]);
        let (hour, client) = (query.time.hour(), query.source);
        let hash = hash_of(|hasher| {
            hasher.write_u64(domain_hash);
            hasher.write_u32(seen_at);
            hasher.write_i64(hour);
            match client {
                Some(IpAddr::V4(v4)) => hasher.write_u32(v4.to_bits()),
                Some(IpAddr::V6(v6)) => hasher.write_u128(v6.to_bits()),
                None => hasher.write_u8(0),
            }
        });
        let is_same = |entry: &QueryEntry| {
            (entry.hour, entry.place, entry.client) == (hour, seen_at, client) && *entry.domain == *domain
        };
        let entry = self.queries.entry(hash, is_same, |entry| entry.hash).or_insert_with(|| QueryEntry {
            hash,
            hour,
            place: seen_at,
            client,
            domain: domain.into(),
            tally: QueryTally::default(),
        });
        entry.into_mut().tally.add(query, (&name, name_hash), hour, place);
        if self.queries.len() >= TALLIES_MAX {
            self.flush_queries(facts);
        }
    }

    /// Takes in a call.
    pub(crate) fn add_call(&mut self, call: &ApiCall<'_>, id: u128, place: RecordPlace, facts: &mut FactLog) {
        self.calls.add(call, id, place, facts);
    }

    /// Hands everything over.
    pub(crate) fn flush(&mut self, facts: &mut FactLog) {
        self.flush_flows(facts);
        self.flush_queries(facts);
        self.calls.flush(facts);
    }

    /// In order, as the ordered part wants them: it runs on one thread, and merges what is sorted already. One place after
    /// the other, so that its name is written once, not with each tally.
    fn flush_flows(&mut self, facts: &mut FactLog) {
        let Flows { entries, index, last } = &mut self.flows;
        entries.iter_mut().for_each(|entry| entry.tally.settle());
        let rank = |at: &u32| {
            let entry = &entries[*at as usize];
            (entry.key.slice, entry.place, entry.key)
        };
        let mut order: Vec<u32> = (0..entries.len() as u32).collect();
        order.sort_unstable_by_key(rank);
        for alike in order.chunk_by(|one, next| (rank(one).0, rank(one).1) == (rank(next).0, rank(next).1)) {
            let Some((slice, place, _)) = alike.first().map(rank) else { continue };
            facts.push_tallies(slice, TallyKind::Flow, self.places.get(place), |batch| {
                for &at in alike {
                    let entry = &entries[at as usize];
                    batch.add(|into| entry.key.encode(into), &entry.tally);
                }
            });
        }
        entries.clear();
        index.clear();
        *last = 0;
    }

    fn flush_queries(&mut self, facts: &mut FactLog) {
        let mut entries: Vec<QueryEntry> = self.queries.drain().collect();
        let rank = |entry: &QueryEntry| (entry.hour, entry.place, entry.client);
        entries.sort_unstable_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.domain.cmp(&other.domain)));
        let mut client = Vec::new();
        for alike in entries.chunk_by_mut(|one, next| rank(one) == rank(next)) {
            let Some((hour, place, address)) = alike.first().map(rank) else { continue };
            client.clear();
            QueryKey::encode_client(self.places.get(place), address, &mut client);
            facts.push_tallies(last_slice_of(hour), TallyKind::Query, &client, |batch| {
                for entry in alike {
                    entry.tally.settle();
                    batch.add(|into| into.extend_from_slice(entry.domain.as_bytes()), &entry.tally);
                }
            });
        }
    }
}

/// Registered domains of names seen lately: most queries ask for what was asked before.
struct Domains {
    /// By the lowest bits of the name's hash: the hash, that of the domain, and how many bytes of the name are the domain.
    slots: Box<[(u64, u64, u32)]>,
}

impl Domains {
    const SLOTS: usize = 8_192;

    /// The registered domain of a normal name, the whole name where there is none above it; and its hash.
    fn of<'n>(&mut self, name: &'n str, name_hash: u64, knowledge: &Knowledge) -> (&'n str, u64) {
        let slot = &mut self.slots[name_hash as usize % Self::SLOTS];
        if slot.0 != name_hash || slot.2 == 0 {
            let domain = knowledge.registered_domain(name);
            let domain = if domain.is_empty() { name } else { domain };
            *slot = (name_hash, QueryTally::name_hash(domain), u32::try_from(domain.len()).unwrap_or(u32::MAX));
        }
        let domain = name.len().checked_sub(slot.2 as usize).and_then(|begin| name.get(begin..));
        match domain {
            Some(domain) => (domain, slot.1),
            None => (name, name_hash),
        }
    }
}

impl Default for Domains {
    fn default() -> Self {
        Self { slots: vec![(0, 0, 0); Self::SLOTS].into() }
    }
}

/// The slice in which a clock hour is complete.
pub(crate) fn last_slice_of(hour: i64) -> i64 {
    slice_of(Time::from_ms(hour.saturating_add(1).saturating_mul(Time::HOUR_MS).saturating_sub(SLICE_MS)))
}

/// In lower case, without the final dot; most names are written so already.
fn normal_name<'n>(name: &'n str) -> Cow<'n, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // All bytes, without a branch for each: the compiler then looks at sixteen at once.
    let is_normal = name.bytes().fold(true, |normal, byte| normal & !byte.is_ascii_uppercase() & (byte != 0));
    if !is_normal { Cow::Owned(name.to_ascii_lowercase().replace('\0', " ")) } else { Cow::Borrowed(name) }
}

fn hash_of(write: impl FnOnce(&mut foldhash::fast::FoldHasher<'_>)) -> u64 {
    let mut hasher = FixedState::with_seed(0x5441_4c4c_5941_4c4c).build_hasher();
    write(&mut hasher);
    hasher.finish()
}

/// Where records were seen, each by a number.
#[derive(Default)]
struct Places {
    /// As [`Place::encode`](watchfire_detections::tally::Place::encode) writes them.
    all: Vec<Box<[u8]>>,
    /// By hashes of 128 bits: alike means the same, without a look at the bytes.
    numbers: HashTable<(u128, u32)>,
    last: LastPlaces,
    scratch: Vec<u8>,
}

/// Places of the last records. An interface's flows come together, queries of a network's instances do not; to compare is a
/// tenth of hashing.
struct LastPlaces([LastPlace; Self::SLOTS]);

impl LastPlaces {
    const SLOTS: usize = 64;

    /// By the ends of the interface's and the instance's id, which differ.
    fn slot(&mut self, [.., interface, instance]: [&str; 5]) -> &mut LastPlace {
        let end = |id: &str| id.as_bytes().last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
        let mixed = (end(interface) ^ end(instance).rotate_left(16)).wrapping_mul(0x9e37_79b9) >> 16;
        &mut self.0[mixed as usize % Self::SLOTS]
    }
}

impl Default for LastPlaces {
    fn default() -> Self {
        Self(std::array::from_fn(|_| LastPlace::default()))
    }
}

/// Whether two short texts are alike: their first and their last bytes, which meet in the middle. A function that compares
/// memory of any length, called five times, took longer than all the rest of a look-up, and much longer for empty texts,
/// which lie nowhere.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        text.first_chunk().zip(text.last_chunk())
    }
    one.len() == other.len()
        && match one.len() {
            0 => true,
            4..=8 => ends::<4>(one) == ends::<4>(other),
            9..=16 => ends::<8>(one) == ends::<8>(other),
            17..=32 => ends::<16>(one) == ends::<16>(other),
            _ => one == other,
        }
}

/// A place of the last records.
#[derive(Default)]
struct LastPlace {
    /// All parts, one after the other, and where each ends.
    text: Vec<u8>,
    ends: [usize; 5],
    number: Option<u32>,
}

impl LastPlace {
    fn is(&self, parts: [&str; 5]) -> bool {
        let mut begin = 0;
        parts.into_iter().zip(self.ends).all(|(part, end)| {
            let same = self.text.get(begin..end).is_some_and(|known| is_same(known, part.as_bytes()));
            begin = end;
            same
        })
    }

    fn note(&mut self, parts: [&str; 5], number: u32) {
        self.text.clear();
        for (part, end) in parts.into_iter().zip(&mut self.ends) {
            self.text.extend_from_slice(part.as_bytes());
            *end = self.text.len();
        }
        self.number = Some(number);
    }
}

impl Places {
    /// The number of (account, region, VPC, interface, instance). On the hot path.
    fn number(&mut self, parts: [&str; 5]) -> u32 {
        let last = self.last.slot(parts);
        match last.number {
            Some(number) if last.is(parts) => number,
            _ => {
                let number = self.look_up(parts);
                self.last.slot(parts).note(parts, number);
                number
            }
        }
    }

    fn look_up(&mut self, parts: [&str; 5]) -> u32 {
        let scratch = &mut self.scratch;
        scratch.clear();
        for part in parts {
            scratch.extend_from_slice(part.as_bytes());
            // A length cannot be forged by what a part holds, as a separator could.
            scratch.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        let hash = xxhash_rust::xxh3::xxh3_128(scratch);
        let table_hash = |hash: u128| hash as u64;
        match self.numbers.find(table_hash(hash), |&(known, _)| known == hash) {
            Some(&(_, number)) => number,
            None => {
                let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
                self.all.push(encoded(parts));
                self.numbers.insert_unique(table_hash(hash), (hash, number), |&(known, _)| table_hash(known));
                number
            }
        }
    }

    fn get(&self, number: u32) -> &[u8] {
        &self.all[number as usize]
    }
}

/// Parts of keys are separated by zero bytes, which only hostile logs have.
fn encoded(parts: [&str; 5]) -> Box<[u8]> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(part.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
        bytes.push(0);
    }
    bytes.into()
}
