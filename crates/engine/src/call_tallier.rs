//! The unordered part's sums of calls: each worker's, until they are handed to its facts.

use crate::event_ids::encode_calls;
use crate::facts::{FactLog, TallyKind};
use crate::tallier::{is_same, last_slice_of};
use crate::worker::fold_id;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use watchfire_detections::tally::{CLIENT_PARTS, CallParts, CallTally, CallTallyKey, REST_PARTS, RecordPlace};
use watchfire_model::ApiCall;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Sums held before they are handed over: they are small, and their keys are not looked at.
const CALLS_MAX: usize = 16_384;
/// Events noted before the sums are handed over, 16 bytes each.
const EVENTS_MAX: usize = 262_144;
/// Clients remembered, about 700 bytes each, and calls, about 150; then all are forgotten, which costs time and nothing else.
const CLIENTS_MAX: usize = 20_000;
const RESTS_MAX: usize = 50_000;

/// The sums of calls of one worker.
#[derive(Default)]
pub(crate) struct CallTallier {
    /// Who called: twelve texts of 300 bytes that most calls share with others.
    clients: Numbers<CLIENT_PARTS>,
    /// What was called: the rest of the keys.
    rests: Numbers<REST_PARTS>,
    entries: Vec<CallEntry>,
    /// Where each is by its hash.
    index: HashTable<u32>,
    /// The entry and the identity of each event that has one: written one after the other, and dealt out to the entries
    /// when these are handed over, which costs less than a list for each.
    events: Vec<(u32, u64)>,
}

/// Found by its numbers, without a look at its key: that lies elsewhere in memory, and to fetch it takes as long as all the
/// rest.
struct CallEntry {
    hour: i64,
    client: u32,
    rest: u32,
    tally: CallTally,
}

impl CallEntry {
    fn hash(hour: i64, client: u32, rest: u32) -> u64 {
        let numbers = u64::from(client) << 32 | u64::from(rest);
        (numbers ^ (hour as u64).rotate_left(24)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
    }
}

/// Lists of texts, each by a number.
struct Numbers<const N: usize> {
    secret: Secret,
    scratch: Vec<u8>,
    by_hash: HashTable<(u128, u32)>,
    /// As they are written in keys.
    encoded: Vec<Box<[u8]>>,
    /// Lists of the last calls. To compare one costs a third of hashing it.
    last: Box<[Last<N>]>,
}

/// A list of the last calls: its number, and its texts one after the other.
struct Last<const N: usize> {
    number: Option<u32>,
    lengths: [u32; N],
    texts: Vec<u8>,
}

impl<const N: usize> Default for Numbers<N> {
    fn default() -> Self {
        let none = || Last { number: None, lengths: [0; N], texts: Vec::new() };
        Self {
            secret: Secret::default(),
            scratch: Vec::new(),
            by_hash: HashTable::default(),
            encoded: Vec::new(),
            last: (0..Self::SLOTS).map(|_| none()).collect(),
        }
    }
}

impl<const N: usize> Numbers<N> {
    /// A power of two; an hour of one account and region has a few hundred of either.
    const SLOTS: usize = 2_048;

    /// The number of these texts, which `encode` writes. On the hot path.
    #[inline]
    fn number(&mut self, parts: &[&str; N], encode: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let slot = Self::slot(parts);
        let last = &self.last[slot];
        match last.number {
            Some(number) if last.is(parts) => number,
            _ => {
                let number = self.look_up(parts, encode);
                self.last[slot].note(parts, number);
                number
            }
        }
    }

    /// By the ends of the texts, where they differ.
    #[inline]
    fn slot(parts: &[&str; N]) -> usize {
        let mixed = parts.iter().fold(0u64, |mixed, part| {
            let end = part.as_bytes().last_chunk::<4>().map_or(part.len() as u32, |end| u32::from_le_bytes(*end));
            (mixed.rotate_left(5) ^ u64::from(end)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        (mixed >> 40) as usize % Self::SLOTS
    }

    #[inline(never)]
    fn look_up(&mut self, parts: &[&str; N], encode: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let hash = self.hash(parts);
        if let Some(&(_, number)) = self.by_hash.find(hash as u64, |(known, _)| *known == hash) {
            return number;
        }
        let mut text = Vec::new();
        encode(&mut text);
        // Fits: they are forgotten long before.
        let number = self.encoded.len() as u32;
        self.encoded.push(text.into());
        self.by_hash.insert_unique(hash as u64, (hash, number), |(known, _)| *known as u64);
        number
    }

    /// Of parts with their lengths, so that none can pass for a piece of another. In one piece of memory: to hash each part
    /// by itself takes three times as long.
    fn hash(&mut self, parts: &[&str; N]) -> u128 {
        self.scratch.clear();
        for part in parts {
            self.scratch.extend_from_slice(part.as_bytes());
        }
        for part in parts {
            self.scratch.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        xxh3_128_with_secret(&self.scratch, &self.secret.0)
    }

    fn get(&self, number: u32) -> &[u8] {
        self.encoded.get(number as usize).map_or(&[], |text| text)
    }

    /// Forgets all, if there are more than this.
    fn bound(&mut self, most: usize) {
        if self.encoded.len() > most {
            self.encoded.clear();
            self.by_hash.clear();
            self.last.iter_mut().for_each(|last| last.number = None);
        }
    }
}

impl<const N: usize> Last<N> {
    /// Without leaving at the first that differs: they hardly ever do.
    #[inline]
    fn is(&self, parts: &[&str; N]) -> bool {
        let same_lengths =
            parts.iter().zip(self.lengths).fold(true, |same, (part, length)| same & (part.len() == length as usize));
        let mut rest = self.texts.as_slice();
        same_lengths
            && parts.iter().fold(true, |same, part| {
                let (known, after) = rest.split_at_checked(part.len()).unwrap_or_default();
                rest = after;
                same & is_same(known, part.as_bytes())
            })
    }

    fn note(&mut self, parts: &[&str; N], number: u32) {
        self.texts.clear();
        parts.iter().for_each(|part| self.texts.extend_from_slice(part.as_bytes()));
        self.lengths = parts.map(|part| u32::try_from(part.len()).unwrap_or(u32::MAX));
        self.number = Some(number);
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
        let Self { clients, rests, entries, index, events } = self;
        let client = clients.number(parts.client(), |into| parts.encode_client(into));
        let rest = rests.number(parts.rest(), |into| parts.encode_rest(into));
        let hash = CallEntry::hash(hour, client, rest);
        let is_it = |at: &u32| {
            let entry = &entries[*at as usize];
            (entry.client, entry.rest, entry.hour) == (client, rest, hour)
        };
        let at = match index.find(hash, is_it) {
            Some(&at) => at,
            None => {
                // Fits: sums are handed over long before.
                let at = entries.len() as u32;
                entries.push(CallEntry { hour, client, rest, tally: CallTally::default() });
                index.insert_unique(hash, at, |&other| {
                    let other = &entries[other as usize];
                    CallEntry::hash(other.hour, other.client, other.rest)
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
        let Self { clients, rests, entries, index, events } = self;
        let mut ids = Dealt::of(events, entries.len());
        let mut order: Vec<(i64, u32, u32, u32)> = Vec::with_capacity(entries.len());
        order.extend(entries.iter().zip(0..).map(|(entry, at)| (entry.hour, entry.client, entry.rest, at)));
        order.sort_unstable();
        for alike in order.chunk_by_mut(|one, next| (one.0, one.1) == (next.0, next.1)) {
            alike.sort_unstable_by(|one, other| rests.get(one.2).cmp(rests.get(other.2)));
            let Some(&(hour, client, ..)) = alike.first() else { continue };
            facts.push_tallies(last_slice_of(hour), TallyKind::Call, clients.get(client), |batch| {
                for &(.., rest, at) in alike.iter() {
                    let (tally, ids) = (&entries[at as usize].tally, ids.of_entry(at as usize));
                    let key = |into: &mut Vec<u8>| into.extend_from_slice(rests.get(rest));
                    batch.add_encoded(key, |into| encode_calls(tally, ids, into));
                }
            });
        }
        entries.clear();
        index.clear();
        events.clear();
        clients.bound(CLIENTS_MAX);
        rests.bound(RESTS_MAX);
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
