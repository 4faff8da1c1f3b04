//! The unordered part's sums: each worker's tallies, until they are handed to its facts.

use crate::call_tallier::CallTallier;
use crate::facts::{FactLog, TallyKind, slice_of};
use crate::names::Name;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use watchfire_detections::SLICE_MS;
use watchfire_detections::tally::{AnswerReach, FlowKey, FlowSums, QueryKey, QueryTally, RecordPlace, Room};
use watchfire_model::{ApiCall, DnsQuery, Time, VpcFlow};

/// Tallies of one kind held before they are handed over: as many as fit into a processor's cache, nearly. A tally that is
/// cut in two this way costs a merge.
const TALLIES_MAX: usize = 4_096;
/// The same for flows, of which most are of one record: a slice of a busy account. Not all of them may be of pairs with many
/// conversations, 7 kB each.
const FLOWS_MAX: usize = 16_384;
const BUSY_FLOWS_MAX: usize = 2_048;

type FixedState = foldhash::fast::FixedState;

/// The tallies of one worker.
#[derive(Default)]
pub(crate) struct Tallier {
    places: Places,
    flows: Flows,
    queries: Queries,
    calls: CallTallier,
}

/// Flows in the order in which they first came, and where each is by its hash: the entries are large, and the index,
/// which every record goes through, is small enough to stay in the nearest cache.
#[derive(Default)]
struct Flows {
    entries: Vec<FlowEntry>,
    index: HashTable<u32>,
    /// The entry of the last record: the other direction of a conversation mostly follows it.
    last: usize,
    room: Room,
}

struct FlowEntry {
    hash: u64,
    place: u32,
    key: FlowKey,
    sums: FlowSums,
}

/// Queries in the order in which they first came, and where each is by its hash.
#[derive(Default)]
struct Queries {
    entries: Vec<QueryEntry>,
    index: HashTable<u32>,
    /// The entry of the last query: one for the other kind of address mostly follows.
    last: usize,
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
    /// The sums of this key. On the hot path.
    #[inline]
    fn sums(&mut self, place: u32, key: &FlowKey) -> (&mut FlowSums, &mut Room) {
        let is_it = |entry: &FlowEntry| entry.place == place && entry.key == *key;
        if !self.entries.get(self.last).is_some_and(is_it) {
            self.last = self.find(place, key);
        }
        (&mut self.entries[self.last].sums, &mut self.room)
    }

    fn find(&mut self, place: u32, key: &FlowKey) -> usize {
        let hash = key.hash_at(place);
        let Self { entries, index, .. } = self;
        let found = index.find(hash, |&at| {
            let entry = &entries[at as usize];
            entry.hash == hash && entry.place == place && entry.key == *key
        });
        match found {
            Some(&at) => at as usize,
            None => {
                let at = entries.len();
                entries.push(FlowEntry { hash, place, key: *key, sums: FlowSums::default() });
                // Fits: they are handed over long before.
                index.insert_unique(hash, at as u32, |&other| entries[other as usize].hash);
                at
            }
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= FLOWS_MAX || self.room.in_use() >= BUSY_FLOWS_MAX
    }
}

impl Tallier {
    /// Takes in a flow; `place` says where it stands.
    pub(crate) fn add_flow(&mut self, flow: &VpcFlow<'_>, place: impl Fn() -> RecordPlace, facts: &mut FactLog) {
        let Some((key, is_upstream)) = FlowKey::of(flow) else { return };
        let seen_at =
            self.places.number([&flow.account, &flow.region, &flow.vpc_id, &flow.interface_id, &flow.instance_id]);
        let (sums, room) = self.flows.sums(seen_at, &key);
        sums.add(flow, &key, is_upstream, room, place);
        if self.flows.is_full() {
            self.flush_flows(facts);
        }
    }

    /// Takes in a query; `name` is what follows from its name, and whether it is that of the query before, `answers` where its
    /// answer leads, `place` says where it stands.
    pub(crate) fn add_query(
        &mut self,
        query: &DnsQuery<'_>,
        (name, is_last): (Name, bool),
        answers: AnswerReach,
        place: impl Fn() -> RecordPlace,
        facts: &mut FactLog,
    ) {
        let seen_at = self.places.number([
            &query.account,
            &query.region,
            &query.vpc_id,
            &query.resolver_endpoint,
            &query.instance_id,
        ]);
        let (hour, client) = (query.time.hour(), query.source);
        let normal = name.normal(&query.name);
        let Queries { entries, index, last } = &mut self.queries;
        let is_same = |entry: &QueryEntry| (entry.hour, entry.place, entry.client) == (hour, seen_at, client);
        if is_last
            && let Some(entry) = entries.get_mut(*last)
            && is_same(entry)
        {
            entry.tally.add(query, (&normal, name.hash), answers, hour, place);
            return;
        }
        let (domain, domain_hash) = (name.domain(&normal), name.domain_hash);
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
        let found = index.find(hash, |&at| {
            let entry = &entries[at as usize];
            entry.hash == hash && is_same(entry) && *entry.domain == *domain
        });
        *last = match found {
            Some(&at) => at as usize,
            None => {
                let at = entries.len();
                let (domain, tally) = (domain.into(), QueryTally::default());
                entries.push(QueryEntry { hash, hour, place: seen_at, client, domain, tally });
                // Fits: they are handed over long before.
                index.insert_unique(hash, at as u32, |&other| entries[other as usize].hash);
                at
            }
        };
        entries[*last].tally.add(query, (&normal, name.hash), answers, hour, place);
        if entries.len() >= TALLIES_MAX {
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
        let Flows { entries, index, last, room } = &mut self.flows;
        let mut order: Vec<(i64, u32, FlowKey, u32)> =
            entries.iter().zip(0..).map(|(entry, at)| (entry.key.slice, entry.place, entry.key, at)).collect();
        order.sort_unstable();
        for alike in order.chunk_by(|one, next| (one.0, one.1) == (next.0, next.1)) {
            let Some(&(slice, place, ..)) = alike.first() else { continue };
            facts.push_tallies(slice, TallyKind::Flow, self.places.get(place), |batch| {
                for &(.., at) in alike {
                    let entry = &mut entries[at as usize];
                    batch.add_encoded(|into| entry.key.encode(into), |into| entry.sums.hand_over(room, into));
                }
            });
        }
        entries.clear();
        index.clear();
        *last = 0;
    }

    fn flush_queries(&mut self, facts: &mut FactLog) {
        let mut entries = std::mem::take(&mut self.queries.entries);
        self.queries.index.clear();
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
        entries.clear();
        self.queries.entries = entries;
    }
}

/// The slice in which a clock hour is complete.
pub(crate) fn last_slice_of(hour: i64) -> i64 {
    slice_of(Time::from_ms(hour.saturating_add(1).saturating_mul(Time::HOUR_MS).saturating_sub(SLICE_MS)))
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
struct LastPlaces(Box<[LastPlace]>);

impl LastPlaces {
    /// A power of two. Places that share a slot are looked up each time: many more slots than a network has instances.
    const SLOTS: usize = 512;

    /// By the ends of the interface's and the instance's id, which differ.
    fn slot(&mut self, [.., interface, instance]: [&str; 5]) -> &mut LastPlace {
        let end = |id: &str| id.as_bytes().last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
        let mixed = (end(interface) ^ end(instance).rotate_left(16)).wrapping_mul(0x9e37_79b9) >> 16;
        &mut self.0[mixed as usize % Self::SLOTS]
    }
}

impl Default for LastPlaces {
    fn default() -> Self {
        Self((0..Self::SLOTS).map(|_| LastPlace::default()).collect())
    }
}

/// Whether two short texts are alike: their first and their last bytes, which meet in the middle. A function that compares
/// memory of any length, called five times, took longer than all the rest of a look-up, and much longer for empty texts,
/// which lie nowhere.
#[inline(always)]
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    #[inline(always)]
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

/// A place of the last records. The text lies within: to look for it elsewhere took as long as to compare it.
struct LastPlace {
    /// How long each part is.
    lengths: [u8; 5],
    number: Option<u32>,
    /// All parts, one after the other.
    text: [u8; Self::TEXT_MAX],
}

impl Default for LastPlace {
    fn default() -> Self {
        Self { lengths: [0; 5], number: None, text: [0; Self::TEXT_MAX] }
    }
}

impl LastPlace {
    /// More than AWS's ids take: 12 bytes of account, up to 14 of region, 21 of VPC and interface, 19 of instance. What is
    /// longer is looked up each time.
    const TEXT_MAX: usize = 112;

    /// Without a loop, which is compiled as a function of its own, and without leaving at the first that differs: they hardly
    /// ever do.
    #[inline(always)]
    fn is(&self, [account, region, vpc, interface, instance]: [&str; 5]) -> bool {
        let [account_length, region_length, vpc_length, interface_length, instance_length] = self.lengths;
        let (is_account, rest) = begins_with(&self.text, account_length, account);
        let (is_region, rest) = begins_with(rest, region_length, region);
        let (is_vpc, rest) = begins_with(rest, vpc_length, vpc);
        let (is_interface, rest) = begins_with(rest, interface_length, interface);
        let (is_instance, _) = begins_with(rest, instance_length, instance);
        is_account & is_region & is_vpc & is_interface & is_instance
    }

    fn note(&mut self, parts: [&str; 5], number: u32) {
        self.number = None;
        let mut at = 0;
        for (part, length) in parts.into_iter().zip(&mut self.lengths) {
            let Some(place) = self.text.get_mut(at..at + part.len()) else { return };
            place.copy_from_slice(part.as_bytes());
            at += part.len();
            // Fits, as the text does.
            *length = part.len() as u8;
        }
        self.number = Some(number);
    }
}

/// Whether the first so many bytes are this text, and those after them.
#[inline(always)]
fn begins_with<'t>(text: &'t [u8], length: u8, part: &str) -> (bool, &'t [u8]) {
    let (known, after) = text.split_at_checked(length.into()).unwrap_or_default();
    (is_same(known, part.as_bytes()), after)
}

impl Places {
    /// The number of (account, region, VPC, interface, instance). On the hot path: inlined, because a list of texts that is
    /// handed over waits until all of it is written.
    #[inline(always)]
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

    #[inline(never)]
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
