//! What the ordered part of the engine needs of a record, kept by slices of event time until their turn comes.
//!
//! Records are read in any order, on any thread. What a rule may have to see goes into a [`FactLog`], one per worker,
//! in the slice of event time it belongs to; beyond a bound the slices go to a [`Spool`] outside this crate. Later
//! each slice is taken out whole, from all workers, and put in order.

use crate::event_ids::Calls;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use watchfire_detections::SLICE_MS;
use watchfire_detections::tally::{FlowTally, Kept, QueryTally, RecordPlace};
use watchfire_model::{RecordKind, Time};
use watchfire_parse::FlowFormat;

/// Bytes that one worker's facts may take before they go to the spool.
const MEMORY_MAX: usize = 24 << 20;

/// The form of what [`FactLog::save`] writes. Raise it with every change of the bytes of a fact, of a tally or of a census.
pub const KEPT_FORM: u32 = 4;
/// The forms that [`FactLog::restore`] reads. In the third calls had no object, and what has none is written as it was then:
/// of such a file roles are not told apart.
pub const KEPT_FORMS_READ: RangeInclusive<u32> = 3..=KEPT_FORM;

/// Somewhere to put bytes that do not fit into memory: a temporary file, in practice.
pub trait Spool: Send {
    /// Appends bytes and says at which offset they stand.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64>;
    /// Reads so many bytes from this offset to the end of `into`.
    fn read(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()>;
}

/// One record that rules may have to see, or one thing about the estate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fact<'a> {
    /// Event time.
    pub time: Time,
    /// The event's identity; 0 for records that have none.
    pub id: u128,
    /// Not 0: of the facts of this group in one clock hour, only the first counts.
    pub group: u64,
    /// The file, by its rank.
    pub file: u32,
    /// Where in the file.
    pub position: u64,
    /// What it is.
    pub kind: FactKind,
    /// The flow format, by its place in [`FlowFormats`], beginning with 1; 0 for none.
    pub format: u32,
    /// The record's bytes, or the parts of what was seen, separated by spaces.
    pub text: &'a str,
}

/// What a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKind {
    /// An interface was seen: `account interface instance address`, `-` for what is not known.
    Interface,
    /// A record for the rules.
    Record(RecordKind),
}

impl FactKind {
    const fn code(self) -> u8 {
        match self {
            Self::Interface => 0,
            Self::Record(RecordKind::ApiCall) => 1,
            Self::Record(RecordKind::Flow) => 2,
            Self::Record(RecordKind::DnsQuery) => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Interface),
            1 => Some(Self::Record(RecordKind::ApiCall)),
            2 => Some(Self::Record(RecordKind::Flow)),
            3 => Some(Self::Record(RecordKind::DnsQuery)),
            _ => None,
        }
    }
}

/// What a partial sum is of. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TallyKind {
    /// Calls.
    Call,
    /// Flows.
    Flow,
    /// Queries.
    Query,
}

/// Partial sums of one kind whose keys begin alike, and the bytes after them.
pub(crate) struct Batch<'b> {
    pub(crate) kind: TallyKind,
    /// What their keys begin with: that is long, and the same for many.
    pub(crate) prefix: &'b [u8],
    pub(crate) items: Items<'b>,
}

/// The rest of each key, and its sums.
pub(crate) struct Items<'b>(&'b [u8]);

/// Takes the partial sums of a batch.
pub(crate) struct BatchWriter<'a>(&'a mut Vec<u8>);

impl BatchWriter<'_> {
    /// Adds one.
    pub(crate) fn add<T: Kept>(&mut self, encode_key: impl FnOnce(&mut Vec<u8>), tally: &T) {
        self.add_encoded(encode_key, |into| tally.encode(into));
    }

    /// Adds one that knows how to write itself.
    pub(crate) fn add_encoded(
        &mut self,
        encode_key: impl FnOnce(&mut Vec<u8>),
        encode_value: impl FnOnce(&mut Vec<u8>),
    ) {
        let Self(into) = self;
        let begin = into.len();
        into.extend_from_slice(&[0; 8]);
        encode_key(into);
        let key_length = into.len() - begin - 8;
        encode_value(into);
        let value_length = into.len() - begin - 8 - key_length;
        set_lengths(into, begin, [key_length, value_length]);
    }
}

impl<'b> Batch<'b> {
    /// Reads a batch and the bytes after it. `None` at the end, or where the bytes are not that.
    pub(crate) fn decode(bytes: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let (&code, rest) = bytes.split_first()?;
        let kind = [TallyKind::Call, TallyKind::Flow, TallyKind::Query].into_iter().find(|kind| *kind as u8 == code)?;
        let (prefix, items, rest) = split_lengths(rest)?;
        Some((Self { kind, prefix, items: Items(items) }, rest))
    }
}

impl<'b> Iterator for Items<'b> {
    type Item = (&'b [u8], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value, rest) = split_lengths(self.0)?;
        self.0 = rest;
        Some((key, value))
    }
}

/// Two pieces whose lengths stand before them, and the bytes after them.
fn split_lengths(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (one, rest) = bytes.split_first_chunk::<4>()?;
    let (other, rest) = rest.split_first_chunk::<4>()?;
    let (one, rest) = rest.split_at_checked(u32::from_le_bytes(*one) as usize)?;
    let (other, rest) = rest.split_at_checked(u32::from_le_bytes(*other) as usize)?;
    Some((one, other, rest))
}

fn set_lengths(bytes: &mut [u8], at: usize, lengths: [usize; 2]) {
    let lengths = lengths.map(|length| u32::try_from(length).unwrap_or(0).to_le_bytes());
    bytes[at..at + 8].copy_from_slice(lengths.as_flattened());
}

/// One worker's facts, event ids and partial sums, by slice.
#[derive(Default)]
pub struct FactLog {
    slices: HashMap<i64, Slice, foldhash::fast::FixedState>,
    in_memory: usize,
    /// Memory of sums that went to the spool, to be used again: new memory costs a page fault for each 4 KiB, and that was a
    /// seventh of the time that flows took.
    spare: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Slice {
    facts: Vec<u8>,
    ids: Vec<u8>,
    tallies: Vec<u8>,
    spooled_facts: Vec<(u64, usize)>,
    spooled_ids: Vec<(u64, usize)>,
    spooled_tallies: Vec<(u64, usize)>,
}

/// The slice that this moment lies in.
pub const fn slice_of(time: Time) -> i64 {
    time.ms().div_euclid(SLICE_MS)
}

impl FactLog {
    /// Adds a fact.
    pub fn push(&mut self, fact: &Fact<'_>) {
        let slice = self.slices.entry(slice_of(fact.time)).or_default();
        let before = slice.facts.len();
        fact.encode(&mut slice.facts);
        self.in_memory += slice.facts.len() - before;
    }

    /// Notes an event's identity, so that duplicates can be counted. On the hot path: eight bytes for each API event.
    pub fn push_id(&mut self, time: Time, id: u64) {
        let slice = self.slices.entry(slice_of(time)).or_default();
        slice.ids.extend_from_slice(&id.to_le_bytes());
        self.in_memory += 8;
    }

    /// Adds partial sums of one kind to the slice in which their bucket ends: the bytes that all their keys begin with, and
    /// then each.
    pub(crate) fn push_tallies(
        &mut self,
        slice: i64,
        kind: TallyKind,
        prefix: &[u8],
        add_all: impl FnOnce(&mut BatchWriter<'_>),
    ) {
        let into = &mut self.slices.entry(slice).or_default().tallies;
        if into.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            *into = spare;
        }
        let before = into.len();
        into.push(kind as u8);
        into.extend_from_slice(&[0; 8]);
        into.extend_from_slice(prefix);
        let begin = into.len();
        add_all(&mut BatchWriter(into));
        let length = into.len() - begin;
        set_lengths(into, before + 1, [prefix.len(), length]);
        self.in_memory += into.len() - before;
    }

    /// Takes saved partial sums back, of the file with this rank now.
    fn restore_tallies(&mut self, slice: i64, mut bytes: &[u8], file: u32) -> Option<()> {
        fn restored<T: Kept>(batch: Batch<'_>, into: &mut BatchWriter<'_>, change: impl Fn(&mut T)) -> Option<()> {
            for (key, value) in batch.items {
                let mut tally = T::decode(value)?;
                change(&mut tally);
                into.add(|into| into.extend_from_slice(key), &tally);
            }
            Some(())
        }
        while !bytes.is_empty() {
            let (batch, after) = Batch::decode(bytes)?;
            bytes = after;
            let moved = |place: &mut RecordPlace| place.file = file;
            let mut is_whole = None;
            self.push_tallies(slice, batch.kind, batch.prefix, |into| {
                is_whole = match batch.kind {
                    TallyKind::Call => restored(batch, into, |calls: &mut Calls| moved(&mut calls.tally.place)),
                    TallyKind::Flow => restored(batch, into, |tally: &mut FlowTally| tally.each_place(moved)),
                    TallyKind::Query => restored(batch, into, |tally: &mut QueryTally| tally.each_place(moved)),
                };
            });
            is_whole?;
        }
        Some(())
    }

    /// Whether it is time to call [`Self::spill`].
    pub fn is_full(&self) -> bool {
        self.in_memory > MEMORY_MAX
    }

    /// Moves everything to the spool.
    pub fn spill(&mut self, spool: &mut dyn Spool) -> io::Result<()> {
        for slice in self.slices.values_mut() {
            for (bytes, places) in [
                (&mut slice.facts, &mut slice.spooled_facts),
                (&mut slice.ids, &mut slice.spooled_ids),
                (&mut slice.tallies, &mut slice.spooled_tallies),
            ] {
                if !bytes.is_empty() {
                    places.push((spool.append(bytes)?, bytes.len()));
                    bytes.clear();
                }
            }
            (slice.facts, slice.ids) = (Vec::new(), Vec::new());
            self.spare.push(std::mem::take(&mut slice.tallies));
        }
        self.spare.retain(|spare| spare.capacity() > 0);
        let mut room = MEMORY_MAX;
        self.spare.retain(|spare| {
            let fits = spare.capacity() <= room;
            room -= if fits { spare.capacity() } else { 0 };
            fits
        });
        self.in_memory = 0;
        Ok(())
    }

    /// Nothing more will come for a while: gives memory back that holds nothing.
    pub fn rest(&mut self) {
        self.spare = Vec::new();
    }

    /// Whether some of it went to the spool.
    pub fn is_spilled(&self) -> bool {
        self.slices.values().any(|slice| {
            [&slice.spooled_facts, &slice.spooled_ids, &slice.spooled_tallies].iter().any(|places| !places.is_empty())
        })
    }

    /// Takes in all that another kept, which went to the same spool.
    pub fn absorb(&mut self, other: Self) {
        self.in_memory += other.in_memory;
        for (slice, theirs) in other.slices {
            let ours = self.slices.entry(slice).or_default();
            ours.facts.extend_from_slice(&theirs.facts);
            ours.ids.extend_from_slice(&theirs.ids);
            ours.tallies.extend_from_slice(&theirs.tallies);
            ours.spooled_facts.extend(theirs.spooled_facts);
            ours.spooled_ids.extend(theirs.spooled_ids);
            ours.spooled_tallies.extend(theirs.spooled_tallies);
        }
    }

    /// Everything kept of one file, as bytes that [`Self::restore`] reads: in the form [`KEPT_FORM`]. The same records give
    /// the same bytes in every process and on any thread: slices and sums are put in order here, because the maps in which
    /// they are kept have orders of their own, and formats are numbered anew, by where each is met first.
    pub fn save(&self, formats: &FlowFormats, spool: &mut dyn Spool) -> io::Result<Vec<u8>> {
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        let mut headers = String::new();
        let (mut facts, mut ids, mut tallies) = (Vec::new(), Vec::new(), Vec::new());
        let mut slices: Vec<(i64, &Slice)> = self.slices.iter().map(|(&slice, kept)| (slice, kept)).collect();
        slices.sort_unstable_by_key(|(slice, _)| *slice);
        for (slice, kept) in slices {
            each_part(&kept.facts, &kept.spooled_facts, spool, |mut bytes, _| {
                while let Some((fact, after)) = Fact::decode(bytes) {
                    bytes = after;
                    let next = u32::try_from(numbers.len() + 1).unwrap_or(0);
                    let format = match (numbers.get(&fact.format), formats.get(fact.format)) {
                        (Some(&number), _) => number,
                        (None, None) => 0,
                        (None, Some(format)) => {
                            headers.push_str(&format!("{next} {}\n", format.header()));
                            numbers.insert(fact.format, next);
                            next
                        }
                    };
                    Fact { format, ..fact }.encode(&mut facts);
                }
                Ok(())
            })?;
            let mut of_slice = Vec::new();
            each_part(&kept.tallies, &kept.spooled_tallies, spool, |bytes, _| {
                of_slice.extend_from_slice(bytes);
                Ok(())
            })?;
            if !of_slice.is_empty() {
                let of_slice = in_order(&of_slice);
                tallies.extend_from_slice(&slice.to_le_bytes());
                tallies.extend_from_slice(&(of_slice.len() as u64).to_le_bytes());
                tallies.extend_from_slice(&of_slice);
            }
            each_part(&kept.ids, &kept.spooled_ids, spool, |bytes, _| {
                for id in bytes.as_chunks::<8>().0 {
                    ids.extend_from_slice(&slice.to_le_bytes());
                    ids.extend_from_slice(id);
                }
                Ok(())
            })?;
        }
        let mut saved = Vec::with_capacity(facts.len() + ids.len() + tallies.len() + 64);
        for part in [headers.as_bytes(), &ids, &tallies, &facts] {
            saved.extend_from_slice(&(part.len() as u64).to_le_bytes());
            saved.extend_from_slice(part);
        }
        Ok(saved)
    }

    /// What [`Self::save`] wrote, of the file with this rank now. `None` where the bytes are not that.
    pub fn restore(saved: &[u8], file: u32, formats: &FlowFormats) -> Option<Self> {
        let (headers, rest) = sized(saved)?;
        let (ids, rest) = sized(rest)?;
        let (mut tallies, rest) = sized(rest)?;
        let (mut facts, _) = sized(rest)?;
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        for line in std::str::from_utf8(headers).ok()?.lines() {
            let (number, header) = line.split_once(' ')?;
            numbers.insert(number.parse().ok()?, formats.number(&FlowFormat::from_header(header)?));
        }
        let mut log = Self::default();
        for pair in ids.as_chunks::<16>().0 {
            let (slice, id) = pair.split_at(8);
            let slice = log.slices.entry(i64::from_le_bytes(slice.try_into().ok()?)).or_default();
            slice.ids.extend_from_slice(id);
            log.in_memory += 8;
        }
        while let Some((slice, rest)) = tallies.split_first_chunk::<8>() {
            let (of_slice, after) = sized(rest)?;
            log.restore_tallies(i64::from_le_bytes(*slice), of_slice, file)?;
            tallies = after;
        }
        while !facts.is_empty() {
            let (fact, after) = Fact::decode(facts)?;
            facts = after;
            log.push(&Fact { file, format: numbers.get(&fact.format).copied().unwrap_or(0), ..fact });
        }
        Some(log)
    }

    /// The slices that hold something, in no order.
    pub fn slices(&self) -> impl Iterator<Item = i64> {
        self.slices.keys().copied()
    }

    /// Takes a slice out.
    pub fn take(&mut self, slice: i64) -> Taken {
        let taken = self.slices.remove(&slice).unwrap_or_default();
        self.in_memory = self.in_memory.saturating_sub(taken.facts.len() + taken.ids.len() + taken.tallies.len());
        Taken(taken)
    }
}

/// The flow formats that facts refer to, of all workers.
#[derive(Default, Debug)]
pub struct FlowFormats(Mutex<Vec<FlowFormat>>);

impl FlowFormats {
    /// The number that stands for this format: the same for all workers, from 1.
    pub fn number(&self, format: &FlowFormat) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().position(|known| known == format).unwrap_or_else(|| {
            known.push(format.clone());
            known.len() - 1
        });
        u32::try_from(place + 1).unwrap_or(0)
    }

    /// The format with this number.
    pub fn get(&self, number: u32) -> Option<FlowFormat> {
        let place = number.checked_sub(1)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place as usize).cloned()
    }

    /// All formats, by number.
    pub fn all(&self) -> Vec<FlowFormat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What one worker kept of a slice.
pub struct Taken(Slice);

impl Taken {
    /// Shows its facts, in no order.
    pub fn each_fact(
        &self,
        spool: &mut dyn Spool,
        mut visit: impl FnMut(Fact<'_>, &mut dyn Spool) -> io::Result<()>,
    ) -> io::Result<()> {
        each_part(&self.0.facts, &self.0.spooled_facts, spool, |mut bytes, spool| {
            while let Some((fact, after)) = Fact::decode(bytes) {
                bytes = after;
                visit(fact, spool)?;
            }
            Ok(())
        })
    }

    /// Appends the bytes of its partial sums, in no order.
    pub(crate) fn tally_bytes(&self, spool: &mut dyn Spool, into: &mut Vec<u8>) -> io::Result<()> {
        let spooled: usize = self.0.spooled_tallies.iter().map(|(_, length)| length).sum();
        into.reserve_exact(self.0.tallies.len() + spooled);
        into.extend_from_slice(&self.0.tallies);
        self.0.spooled_tallies.iter().try_for_each(|&(offset, length)| spool.read(offset, length, into))
    }

    /// How many identities of events it holds.
    pub fn id_count(&self) -> usize {
        (self.0.ids.len() + self.0.spooled_ids.iter().map(|(_, length)| length).sum::<usize>()) / 8
    }

    /// Shows the identities, in no order.
    pub fn each_id(&self, spool: &mut dyn Spool, mut visit: impl FnMut(u64)) -> io::Result<()> {
        each_part(&self.0.ids, &self.0.spooled_ids, spool, |bytes, _| {
            bytes.as_chunks::<8>().0.iter().for_each(|id| visit(u64::from_le_bytes(*id)));
            Ok(())
        })
    }
}

/// Shows the bytes in memory and then those in the spool, each part as it was written.
fn each_part(
    in_memory: &[u8],
    spooled: &[(u64, usize)],
    spool: &mut dyn Spool,
    mut visit: impl FnMut(&[u8], &mut dyn Spool) -> io::Result<()>,
) -> io::Result<()> {
    visit(in_memory, spool)?;
    let mut part = Vec::new();
    for &(offset, length) in spooled {
        part.clear();
        spool.read(offset, length, &mut part)?;
        visit(&part, spool)?;
    }
    Ok(())
}

/// Sums in one saved batch: far fewer than lengths of 32 bits hold.
const SAVED_ITEMS_MAX: usize = 65_536;

/// Batches of partial sums by kind and beginning of their keys, each once, its sums by key.
fn in_order(mut bytes: &[u8]) -> Vec<u8> {
    type Item<'b> = (&'b [u8], &'b [u8]);
    let mut batches: BTreeMap<(TallyKind, &[u8]), Vec<Item<'_>>> = BTreeMap::new();
    let length = bytes.len();
    while let Some((batch, after)) = Batch::decode(bytes) {
        bytes = after;
        batches.entry((batch.kind, batch.prefix)).or_default().extend(batch.items);
    }
    let mut into = Vec::with_capacity(length);
    for ((kind, prefix), mut items) in batches {
        items.sort_unstable();
        for items in items.chunks(SAVED_ITEMS_MAX) {
            let before = into.len();
            into.push(kind as u8);
            into.extend_from_slice(&[0; 8]);
            into.extend_from_slice(prefix);
            let begin = into.len();
            for (key, value) in items {
                let at = into.len();
                into.extend_from_slice(&[0; 8]);
                into.extend_from_slice(key);
                into.extend_from_slice(value);
                set_lengths(&mut into, at, [key.len(), value.len()]);
            }
            let length = into.len() - begin;
            set_lengths(&mut into, before + 1, [prefix.len(), length]);
        }
    }
    into
}

/// A part that begins with its length, and what follows it.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Bytes of a fact besides its text.
const HEAD: usize = 8 + 16 + 8 + 4 + 8 + 1 + 4 + 4;

impl<'a> Fact<'a> {
    /// What the order of facts goes by: time and identity, then what the record says, then where it stands.
    pub fn order(&self) -> (Time, u128, FactKind, &'a str, u32, u64) {
        (self.time, self.id, self.kind, self.text, self.file, self.position)
    }

    /// Appends its bytes.
    pub fn encode(&self, into: &mut Vec<u8>) {
        let mut head = [0; HEAD];
        head[0..8].copy_from_slice(&self.time.ms().to_le_bytes());
        head[8..24].copy_from_slice(&self.id.to_le_bytes());
        head[24..32].copy_from_slice(&self.group.to_le_bytes());
        head[32..36].copy_from_slice(&self.file.to_le_bytes());
        head[36..44].copy_from_slice(&self.position.to_le_bytes());
        head[44] = self.kind.code();
        head[45..49].copy_from_slice(&self.format.to_le_bytes());
        let length = u32::try_from(self.text.len()).unwrap_or(0);
        head[49..53].copy_from_slice(&length.to_le_bytes());
        into.extend_from_slice(&head);
        if length > 0 {
            into.extend_from_slice(self.text.as_bytes());
        }
    }

    /// Reads one fact and the bytes after it. `None` at the end, or where the bytes are not a fact's.
    pub fn decode(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let length = u32::from_le_bytes(head[49..53].try_into().ok()?) as usize;
        let (text, rest) = rest.split_at_checked(length)?;
        let fact = Self {
            time: Time::from_ms(i64::from_le_bytes(head[0..8].try_into().ok()?)),
            id: u128::from_le_bytes(head[8..24].try_into().ok()?),
            group: u64::from_le_bytes(head[24..32].try_into().ok()?),
            file: u32::from_le_bytes(head[32..36].try_into().ok()?),
            position: u64::from_le_bytes(head[36..44].try_into().ok()?),
            kind: FactKind::from_code(head[44])?,
            format: u32::from_le_bytes(head[45..49].try_into().ok()?),
            text: std::str::from_utf8(text).ok()?,
        };
        Some((fact, rest))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A spool in memory.
    #[derive(Default)]
    pub(crate) struct Memory(Vec<u8>);

    impl Spool for Memory {
        fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
            let offset = self.0.len() as u64;
            self.0.extend_from_slice(bytes);
            Ok(offset)
        }

        fn read(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
            let begin = usize::try_from(offset).map_err(io::Error::other)?;
            into.extend_from_slice(self.0.get(begin..begin + length).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn facts_come_out_of_their_slice_spilled_or_not(
            facts in proptest::collection::vec((0i64..100_000_000, any::<u128>(), any::<u32>(), "\\PC{0,50}", any::<bool>()), 0..60)
        ) {
            let (mut log, mut spool) = (FactLog::default(), Memory::default());
            let mut expected: Vec<(i64, u128, String)> = Vec::new();
            for (time, id, file, text, spill) in &facts {
                let time = Time::from_ms(*time);
                let kind = FactKind::Record(RecordKind::Flow);
                log.push(&Fact { time, id: *id, group: 7, file: *file, position: 9, kind, format: 3, text });
                expected.push((slice_of(time), *id, text.clone()));
                if *spill {
                    log.spill(&mut spool).unwrap();
                }
            }
            let mut found = Vec::new();
            for slice in log.slices().collect::<Vec<_>>() {
                let taken = log.take(slice);
                taken
                    .each_fact(&mut spool, |fact, _| {
                        assert_eq!(slice_of(fact.time), slice);
                        found.push((slice, fact.id, fact.text.to_owned()));
                        Ok(())
                    })
                    .unwrap();
            }
            expected.sort();
            found.sort();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn what_was_saved_comes_back_as_facts_of_the_file_as_it_ranks_now(
            facts in proptest::collection::vec((0i64..100_000_000, any::<u128>(), "\\PC{0,50}", any::<bool>()), 0..40),
            ids in proptest::collection::vec((0i64..100_000_000, any::<u64>()), 0..40),
        ) {
            const HEADER: &str = "version srcaddr dstaddr start";
            let (formats, later) = (FlowFormats::default(), FlowFormats::default());
            let format = formats.number(&FlowFormat::from_header(HEADER).unwrap());
            later.number(&FlowFormat::from_header("version dstaddr start").unwrap());
            let (mut log, mut spool) = (FactLog::default(), Memory::default());
            for (time, id, text, spill) in &facts {
                let (time, kind) = (Time::from_ms(*time), FactKind::Record(RecordKind::Flow));
                log.push(&Fact { time, id: *id, group: 7, file: 3, position: 9, kind, format, text });
                if *spill {
                    log.spill(&mut spool).unwrap();
                }
            }
            ids.iter().for_each(|(time, id)| log.push_id(Time::from_ms(*time), *id));
            let saved = log.save(&formats, &mut spool).unwrap();
            let mut restored = FactLog::restore(&saved, 5, &later).unwrap();
            let mut spool = Memory::default();
            let (mut found, mut found_ids) = (Vec::new(), Vec::new());
            for slice in restored.slices().collect::<Vec<_>>() {
                let taken = restored.take(slice);
                taken.each_fact(&mut spool, |fact, _| {
                    assert_eq!((fact.file, later.get(fact.format).unwrap().header()), (5, HEADER));
                    found.push((fact.time.ms(), fact.id, fact.text.to_owned()));
                    Ok(())
                }).unwrap();
                taken.each_id(&mut spool, |id| found_ids.push((slice, id))).unwrap();
            }
            let mut expected: Vec<_> = facts.iter().map(|(time, id, text, _)| (*time, *id, text.clone())).collect();
            let mut expected_ids: Vec<_> = ids.iter().map(|&(time, id)| (slice_of(Time::from_ms(time)), id)).collect();
            expected.sort();
            found.sort();
            expected_ids.sort_unstable();
            found_ids.sort_unstable();
            prop_assert_eq!((found, found_ids), (expected, expected_ids));
        }

        #[test]
        fn bytes_that_were_not_saved_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = FactLog::restore(&bytes, 0, &FlowFormats::default());
        }

        #[test]
        fn bytes_that_are_no_fact_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Fact::decode(&bytes);
        }
    }
}
