//! The unordered part's sums of calls: each worker's, until they are handed to its facts.

use crate::event_ids::encode_calls;
use crate::facts::{FactLog, TallyKind};
use crate::tallier::last_slice_of;
use crate::worker::fold_id;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::ops::Range;
use watchfire_detections::tally::{CallParts, CallTally, CallTallyKey, RecordPlace};
use watchfire_model::ApiCall;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Sums held before they are handed over: they are small, and their keys are not looked at.
const CALLS_MAX: usize = 16_384;
/// Events noted before the sums are handed over, 16 bytes each.
const EVENTS_MAX: usize = 262_144;
/// Clients remembered, about 350 bytes each; then all are forgotten, which costs time and nothing else.
const CLIENTS_MAX: usize = 20_000;

/// The sums of calls of one worker.
#[derive(Default)]
pub(crate) struct CallTallier {
    clients: Clients,
    entries: Vec<CallEntry>,
    /// Where each is by its hash.
    index: HashTable<u32>,
    /// The keys of calls, one after the other, each without its client.
    keys: Vec<u8>,
    /// The entry and the identity of each event that has one: written one after the other, and dealt out to the entries
    /// when these are handed over, which costs less than a list for each.
    events: Vec<(u32, u64)>,
}

/// Found by its client's number and a hash of the rest, without a look at the key: it lies elsewhere in memory, and to
/// fetch it takes as long as all the rest.
struct CallEntry {
    hash: u128,
    hour: i64,
    client: u32,
    /// Where its key stands among all.
    key: Range<u32>,
    tally: CallTally,
}

impl CallEntry {
    fn table_hash(client: u32, hash: u128) -> u64 {
        (hash as u64 ^ u64::from(client)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
    }
}

/// Who called, each by a number: twelve texts of 300 bytes that most calls share with others.
#[derive(Default)]
struct Clients {
    secret: Secret,
    scratch: Vec<u8>,
    numbers: HashTable<(u128, u32)>,
    /// As [`CallParts::encode_client`] writes them.
    texts: Vec<Box<[u8]>>,
}

impl Clients {
    /// The number of the call's client. On the hot path.
    fn number(&mut self, parts: &CallParts<'_>) -> u32 {
        let hash = self.hash(parts.client());
        if let Some(&(_, number)) = self.numbers.find(hash as u64, |(known, _)| *known == hash) {
            return number;
        }
        let mut text = Vec::new();
        parts.encode_client(&mut text);
        // Fits: they are forgotten long before.
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.numbers.insert_unique(hash as u64, (hash, number), |(known, _)| *known as u64);
        number
    }

    /// Of parts with their lengths, so that none can pass for a piece of another. In one piece of memory: to hash each part
    /// by itself takes three times as long.
    fn hash(&mut self, parts: &[&str]) -> u128 {
        self.scratch.clear();
        for part in parts {
            self.scratch.extend_from_slice(part.as_bytes());
        }
        for part in parts {
            self.scratch.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        xxh3_128_with_secret(&self.scratch, &self.secret.0)
    }
}

/// Random bytes of this process, so that nobody can write two calls with the same hash. A secret, not a seed, from which one
/// would be made for each call.
struct Secret([u8; 192]);

impl Default for Secret {
    fn default() -> Self {
        let state = RandomState::default();
        let mut secret = [0; 192];
        for (at, bytes) in secret.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            *bytes = state.hash_one(at).to_le_bytes();
        }
        Self(secret)
    }
}

impl CallTallier {
    /// Takes in a call.
    pub(crate) fn add(&mut self, call: &ApiCall<'_>, id: u128, place: RecordPlace, facts: &mut FactLog) {
        if !CallTallyKey::is_kept(call) {
            return;
        }
        let (hour, parts) = (call.time.hour(), CallParts::of(call));
        let client = self.clients.number(&parts);
        let hash = self.clients.hash(parts.rest());
        let Self { entries, index, keys, events, .. } = self;
        let table_hash = CallEntry::table_hash(client, hash);
        let is_same = |at: &u32| {
            let entry = &entries[*at as usize];
            (entry.hash, entry.client, entry.hour) == (hash, client, hour)
        };
        let at = match index.find(table_hash, is_same) {
            Some(&at) => at,
            None => {
                let begin = keys.len() as u32;
                parts.encode_rest(keys);
                // All of these numbers fit: sums are handed over long before.
                let at = entries.len() as u32;
                let key = begin..keys.len() as u32;
                entries.push(CallEntry { hash, hour, client, key, tally: CallTally::default() });
                index.insert_unique(table_hash, at, |&other| {
                    let other = &entries[other as usize];
                    CallEntry::table_hash(other.client, other.hash)
                });
                at
            }
        };
        entries[at as usize].tally.add(call.time, id, place);
        match fold_id(id) {
            0 => {} // Of such an event nobody can say whether it is a copy.
            folded => events.push((at, folded)),
        }
        if entries.len() >= CALLS_MAX || events.len() >= EVENTS_MAX {
            self.flush(facts);
        }
    }

    /// Hands everything over: one client's hour after the other, each in the order of its keys.
    pub(crate) fn flush(&mut self, facts: &mut FactLog) {
        let Self { clients, entries, index, keys, events } = self;
        let mut ids = Dealt::of(events, entries.len());
        let key = |at: u32| {
            let Range { start, end } = entries[at as usize].key;
            &keys[start as usize..end as usize]
        };
        let mut order: Vec<(i64, u32, u32)> = Vec::with_capacity(entries.len());
        order.extend(entries.iter().zip(0..).map(|(entry, at)| (entry.hour, entry.client, at)));
        order.sort_unstable();
        for alike in order.chunk_by_mut(|one, next| (one.0, one.1) == (next.0, next.1)) {
            alike.sort_unstable_by(|one, other| key(one.2).cmp(key(other.2)));
            let Some(&(hour, client, _)) = alike.first() else { continue };
            let Some(client) = clients.texts.get(client as usize) else { continue };
            facts.push_tallies(last_slice_of(hour), TallyKind::Call, client, |batch| {
                for &(_, _, at) in alike.iter() {
                    let (tally, ids) = (&entries[at as usize].tally, ids.of_entry(at as usize));
                    batch.add_encoded(|into| into.extend_from_slice(key(at)), |into| encode_calls(tally, ids, into));
                }
            });
        }
        entries.clear();
        index.clear();
        keys.clear();
        events.clear();
        if clients.texts.len() > CLIENTS_MAX {
            clients.texts.clear();
            clients.numbers.clear();
        }
    }
}

/// Identities of events, those of each entry together.
struct Dealt {
    ids: Vec<u64>,
    /// Where those of each entry end.
    ends: Vec<u32>,
}

impl Dealt {
    fn of(events: &[(u32, u64)], entries: usize) -> Self {
        let mut ends = vec![0u32; entries];
        events.iter().for_each(|&(at, _)| ends[at as usize] += 1);
        let mut begin = 0;
        for end in &mut ends {
            let count = *end;
            *end = begin;
            begin += count;
        }
        let mut ids = vec![0; events.len()];
        for &(at, id) in events {
            let next = &mut ends[at as usize];
            ids[*next as usize] = id;
            *next += 1;
        }
        Self { ids, ends }
    }

    fn of_entry(&mut self, at: usize) -> &mut [u64] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &mut self.ids[begin as usize..self.ends[at] as usize]
    }
}
