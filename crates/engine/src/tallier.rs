//! The unordered part's sums: each worker's tallies, until they are handed to its facts.

use crate::event_ids::EventIds;
use crate::facts::{FactLog, TallyKind, slice_of};
use crate::worker::fold_id;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashTable};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::ops::Range;
use watchfire_detections::SLICE_MS;
use watchfire_detections::tally::{
    CallParts, CallTally, CallTallyKey, FlowKey, FlowTally, QueryKey, QueryTally, RecordPlace,
};
use watchfire_knowledge::Knowledge;
use watchfire_model::{ApiCall, DnsQuery, Time, VpcFlow};

/// Tallies of one kind held before they are handed over: as many as fit into a processor's cache, nearly. A tally that is
/// cut in two this way costs a merge.
const TALLIES_MAX: usize = 4_096;
/// The same for calls, whose sums are small and whose keys are not looked at.
const CALLS_MAX: usize = 16_384;

type FixedState = foldhash::fast::FixedState;

/// The tallies of one worker.
#[derive(Default)]
pub(crate) struct Tallier {
    places: Places,
    flows: HashMap<(u32, FlowKey), FlowTally, FixedState>,
    queries: HashTable<QueryEntry>,
    calls: HashTable<CallEntry>,
    call_hashes: [RandomState; 2],
    /// The keys of calls, one after the other.
    call_keys: Vec<u8>,
    domains: Domains,
}

struct QueryEntry {
    hash: u64,
    hour: i64,
    place: u32,
    client: Option<IpAddr>,
    domain: Box<str>,
    tally: QueryTally,
}

/// Found by two hashes, without a look at the key: it lies elsewhere in memory, and to fetch it takes as long as all the
/// rest. Their seeds are of this process, so that nobody can write two calls with the same.
struct CallEntry {
    hashes: [u64; 2],
    hour: i64,
    /// Where its key stands among all.
    key: Range<usize>,
    tally: CallTally,
    ids: EventIds,
}

impl Tallier {
    /// Takes in a flow.
    pub(crate) fn add_flow(&mut self, flow: &VpcFlow<'_>, place: RecordPlace, facts: &mut FactLog) {
        let Some((key, is_upstream)) = FlowKey::of(flow) else { return };
        let seen_at =
            self.places.number([&flow.account, &flow.region, &flow.vpc_id, &flow.interface_id, &flow.instance_id]);
        self.flows.entry((seen_at, key)).or_default().add(flow, &key, is_upstream, place);
        if self.flows.len() >= TALLIES_MAX {
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
        let domain = self.domains.of(&name, knowledge);
        let seen_at = self.places.number([
            &query.account,
            &query.region,
            &query.vpc_id,
            &query.resolver_endpoint,
            &query.instance_id,
        ]);
        let (hour, client) = (query.time.hour(), query.source);
        let hash = hash_of(|hasher| {
            hasher.write(domain.as_bytes());
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
        entry.into_mut().tally.add(query, &name, hour, place);
        if self.queries.len() >= TALLIES_MAX {
            self.flush_queries(facts);
        }
    }

    /// Takes in a call.
    pub(crate) fn add_call(&mut self, call: &ApiCall<'_>, id: u128, place: RecordPlace, facts: &mut FactLog) {
        if !CallTallyKey::is_kept(call) {
            return;
        }
        let (hour, parts) = (call.time.hour(), CallParts::of(call));
        let hashes = self.call_hashes.each_ref().map(|state| {
            let mut hasher = state.build_hasher();
            parts.hash(&mut hasher);
            hasher.write_i64(hour);
            hasher.finish()
        });
        let is_same = |entry: &CallEntry| (entry.hashes, entry.hour) == (hashes, hour);
        let entry = self.calls.entry(hashes[0], is_same, |entry| entry.hashes[0]).or_insert_with(|| {
            let begin = self.call_keys.len();
            parts.encode(&mut self.call_keys);
            let key = begin..self.call_keys.len();
            CallEntry { hashes, hour, key, tally: CallTally::default(), ids: EventIds::default() }
        });
        let entry = entry.into_mut();
        entry.tally.add(call.time, id, place);
        entry.ids.add(fold_id(id));
        if self.calls.len() >= CALLS_MAX {
            self.flush_calls(facts);
        }
    }

    /// Hands everything over.
    pub(crate) fn flush(&mut self, facts: &mut FactLog) {
        self.flush_flows(facts);
        self.flush_queries(facts);
        self.flush_calls(facts);
    }

    fn flush_flows(&mut self, facts: &mut FactLog) {
        for ((place, key), tally) in self.flows.drain() {
            let place = self.places.get(place);
            facts.push_tally(key.slice, TallyKind::Flow, &tally, |into| key.encode(place, into));
        }
    }

    fn flush_queries(&mut self, facts: &mut FactLog) {
        for entry in self.queries.drain() {
            let place = self.places.get(entry.place);
            let encode = |into: &mut Vec<u8>| QueryKey::encode(place, entry.client, &entry.domain, into);
            facts.push_tally(last_slice_of(entry.hour), TallyKind::Query, &entry.tally, encode);
        }
    }

    fn flush_calls(&mut self, facts: &mut FactLog) {
        for entry in self.calls.drain() {
            let key = self.call_keys.get(entry.key).unwrap_or_default();
            let encode = |into: &mut Vec<u8>| into.extend_from_slice(key);
            facts.push_tally(last_slice_of(entry.hour), TallyKind::Call, &(entry.tally, entry.ids), encode);
        }
        self.call_keys.clear();
    }
}

/// Registered domains of names seen lately: most queries ask for what was asked before.
struct Domains {
    /// By the lowest bits of the name's hash: the hash, and how many bytes of the name are the domain.
    slots: Box<[(u64, u32)]>,
}

impl Domains {
    const SLOTS: usize = 8_192;

    /// The registered domain of a normal name, the whole name where there is none above it.
    fn of<'n>(&mut self, name: &'n str, knowledge: &Knowledge) -> &'n str {
        let hash = hash_of(|hasher| {
            hasher.write(name.as_bytes());
            hasher.write_usize(name.len());
        });
        let slot = &mut self.slots[hash as usize % Self::SLOTS];
        if slot.0 != hash {
            let domain = knowledge.registered_domain(name);
            let length = if domain.is_empty() { name.len() } else { domain.len() };
            *slot = (hash, u32::try_from(length).unwrap_or(u32::MAX));
        }
        name.len().checked_sub(slot.1 as usize).and_then(|begin| name.get(begin..)).unwrap_or(name)
    }
}

impl Default for Domains {
    fn default() -> Self {
        Self { slots: vec![(0, 0); Self::SLOTS].into() }
    }
}

/// The slice in which a clock hour is complete.
fn last_slice_of(hour: i64) -> i64 {
    slice_of(Time::from_ms(hour.saturating_add(1).saturating_mul(Time::HOUR_MS).saturating_sub(SLICE_MS)))
}

/// In lower case, without the final dot; most names are written so already.
fn normal_name<'n>(name: &'n str) -> Cow<'n, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase() || byte == 0) {
        Cow::Owned(name.to_ascii_lowercase().replace('\0', " "))
    } else {
        Cow::Borrowed(name)
    }
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
    last: (u128, u32),
    scratch: Vec<u8>,
}

impl Places {
    /// The number of (account, region, VPC, interface, instance). On the hot path.
    fn number(&mut self, parts: [&str; 5]) -> u32 {
        let scratch = &mut self.scratch;
        scratch.clear();
        for part in parts {
            scratch.extend_from_slice(part.as_bytes());
            // A length cannot be forged by what a part holds, as a separator could.
            scratch.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        let hash = xxhash_rust::xxh3::xxh3_128(scratch);
        if self.last.0 == hash && !self.all.is_empty() {
            return self.last.1;
        }
        let table_hash = |hash: u128| hash as u64;
        let number = match self.numbers.find(table_hash(hash), |&(known, _)| known == hash) {
            Some(&(_, number)) => number,
            None => {
                let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
                self.all.push(encoded(parts));
                self.numbers.insert_unique(table_hash(hash), (hash, number), |&(known, _)| table_hash(known));
                number
            }
        };
        self.last = (hash, number);
        number
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
