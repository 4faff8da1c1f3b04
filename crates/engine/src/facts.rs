//! What the ordered part of the engine needs of a record, kept by slices of event time until their turn comes.
//!
//! Records are read in any order, on any thread. What a rule may have to see goes into a [`FactLog`], one per worker,
//! in the slice of event time it belongs to; beyond a bound the slices go to a [`Spool`] outside this crate. Later
//! each slice is taken out whole, from all workers, and put in order.

use hashbrown::HashMap;
use std::io;
use watchfire_detections::SLICE_MS;
use watchfire_model::{RecordKind, Time};

/// Bytes that one worker's facts may take before they go to the spool.
const MEMORY_MAX: usize = 24 << 20;

/// Somewhere to put bytes that do not fit into memory: a temporary file, in practice.
pub trait Spool {
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
    /// The flow format, by its place in the worker's table, beginning with 1; 0 for none.
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

/// One worker's facts and event ids, by slice.
#[derive(Default)]
pub struct FactLog {
    slices: HashMap<i64, Slice, foldhash::fast::FixedState>,
    in_memory: usize,
}

#[derive(Default)]
struct Slice {
    facts: Vec<u8>,
    ids: Vec<u8>,
    spooled_facts: Vec<(u64, usize)>,
    spooled_ids: Vec<(u64, usize)>,
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

    /// Whether it is time to call [`Self::spill`].
    pub fn is_full(&self) -> bool {
        self.in_memory > MEMORY_MAX
    }

    /// Moves everything to the spool.
    pub fn spill(&mut self, spool: &mut dyn Spool) -> io::Result<()> {
        for slice in self.slices.values_mut() {
            for (bytes, places) in
                [(&mut slice.facts, &mut slice.spooled_facts), (&mut slice.ids, &mut slice.spooled_ids)]
            {
                if !bytes.is_empty() {
                    places.push((spool.append(bytes)?, bytes.len()));
                    *bytes = Vec::new();
                }
            }
        }
        self.in_memory = 0;
        Ok(())
    }

    /// The slices that hold something, in no order.
    pub fn slices(&self) -> impl Iterator<Item = i64> {
        self.slices.keys().copied()
    }

    /// Takes a slice out.
    pub fn take(&mut self, slice: i64) -> Taken {
        let taken = self.slices.remove(&slice).unwrap_or_default();
        self.in_memory = self.in_memory.saturating_sub(taken.facts.len() + taken.ids.len());
        Taken(taken)
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
        fn bytes_that_are_no_fact_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Fact::decode(&bytes);
        }
    }
}
