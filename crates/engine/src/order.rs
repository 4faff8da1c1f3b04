//! The facts of one slice of event time in their one order, however many there are.
//!
//! The order is [`Fact::order`]: it depends on nothing but the records and where they stand. What fits into one run is
//! sorted in memory. More is sorted run by run, the runs wait in the [`Spool`], and reading merges them: memory is one
//! run and a window on each of the others, whatever a storm brought.

use crate::facts::{Fact, Spool};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;

/// Bytes of facts sorted at once: more than a quiet estate's ten minutes, and little beside the 256 MiB that a scan may
/// take.
const RUN_BYTES_MAX: usize = 16 << 20;
/// Bytes read at once of each run that is being merged: the 640 runs of ten gigabytes need 40 MB.
const WINDOW_BYTES: usize = 64 << 10;

/// Takes the facts of a slice in any order.
pub struct Sorter {
    run_bytes_max: usize,
    run: Run,
    spooled: Vec<SpooledRun>,
}

/// The facts of a slice, to be read in order as often as wanted.
pub struct OrderedFacts {
    /// All facts, if they fit.
    run: Run,
    /// Else all facts, in several runs.
    spooled: Vec<SpooledRun>,
}

/// Facts in memory; `entries` has their order once sorted.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where a fact begins, and the part of its order that nearly always decides.
struct Entry {
    time: i64,
    id: u128,
    begin: usize,
}

/// Sorted facts in the spool: (offset, length) of windows, each of whole facts.
type SpooledRun = Vec<(u64, usize)>;

impl Default for Sorter {
    fn default() -> Self {
        Self::with_runs_of(RUN_BYTES_MAX)
    }
}

impl Sorter {
    /// Sorts so many bytes at once.
    fn with_runs_of(run_bytes_max: usize) -> Self {
        Self { run_bytes_max, run: Run::default(), spooled: Vec::new() }
    }

    /// Takes one fact.
    pub fn push(&mut self, fact: &Fact<'_>, spool: &mut dyn Spool) -> io::Result<()> {
        self.run.push(fact);
        if self.run.bytes.len() > self.run_bytes_max {
            self.spill(spool)?;
        }
        Ok(())
    }

    /// All facts have come.
    pub fn finish(mut self, spool: &mut dyn Spool) -> io::Result<OrderedFacts> {
        if !self.spooled.is_empty() {
            self.spill(spool)?;
        }
        self.run.sort();
        Ok(OrderedFacts { run: self.run, spooled: self.spooled })
    }

    fn spill(&mut self, spool: &mut dyn Spool) -> io::Result<()> {
        self.run.sort();
        let mut windows = SpooledRun::new();
        let mut window = Vec::with_capacity(WINDOW_BYTES);
        for fact in self.run.facts() {
            fact.encode(&mut window);
            if window.len() >= WINDOW_BYTES {
                windows.push((spool.append(&window)?, window.len()));
                window.clear();
            }
        }
        if !window.is_empty() {
            windows.push((spool.append(&window)?, window.len()));
        }
        self.spooled.push(windows);
        self.run.clear();
        Ok(())
    }
}

impl OrderedFacts {
    /// Bytes of facts in memory.
    pub fn bytes(&self) -> usize {
        self.run.bytes.len()
    }

    /// Shows every fact, in order.
    pub fn for_each(&self, spool: &mut dyn Spool, visit: &mut dyn FnMut(&Fact<'_>)) -> io::Result<()> {
        self.run.facts().for_each(|fact| visit(&fact));
        let mut runs: Vec<RunReader<'_>> = self.spooled.iter().map(|windows| RunReader::new(windows)).collect();
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (place, run) in runs.iter_mut().enumerate() {
            let mut head = Head { run: place, ..Head::default() };
            if run.next_into(&mut head, spool)? {
                heads.push(Reverse(head));
            }
        }
        while let Some(Reverse(mut head)) = heads.pop() {
            if let Some((fact, _)) = Fact::decode(&head.fact) {
                visit(&fact);
            }
            if runs[head.run].next_into(&mut head, spool)? {
                heads.push(Reverse(head));
            }
        }
        Ok(())
    }
}

impl Run {
    fn push(&mut self, fact: &Fact<'_>) {
        self.entries.push(Entry { time: fact.time.ms(), id: fact.id, begin: self.bytes.len() });
        fact.encode(&mut self.bytes);
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.entries.sort_unstable_by(|one, other| {
            (one.time, one.id)
                .cmp(&(other.time, other.id))
                .then_with(|| in_full(&bytes[one.begin..], &bytes[other.begin..]))
        });
    }

    fn facts(&self) -> impl Iterator<Item = Fact<'_>> {
        self.entries.iter().filter_map(|entry| Some(Fact::decode(&self.bytes[entry.begin..])?.0))
    }

    /// Keeps its memory: the next run is as large.
    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// The order of the facts that these bytes begin with.
fn in_full(one: &[u8], other: &[u8]) -> Ordering {
    match (Fact::decode(one), Fact::decode(other)) {
        (Some((one, _)), Some((other, _))) => one.order().cmp(&other.order()),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// Reads a run from the spool, window by window.
struct RunReader<'a> {
    windows: std::slice::Iter<'a, (u64, usize)>,
    window: Vec<u8>,
    at: usize,
}

impl<'a> RunReader<'a> {
    fn new(windows: &'a [(u64, usize)]) -> Self {
        Self { windows: windows.iter(), window: Vec::new(), at: 0 }
    }

    /// Puts the next fact into `head`. `false` at the end.
    fn next_into(&mut self, head: &mut Head, spool: &mut dyn Spool) -> io::Result<bool> {
        if self.at == self.window.len() {
            let Some(&(offset, length)) = self.windows.next() else { return Ok(false) };
            self.window.clear();
            self.at = 0;
            spool.read(offset, length, &mut self.window)?;
        }
        let rest = &self.window[self.at..];
        let (fact, after) = Fact::decode(rest).ok_or(io::ErrorKind::InvalidData)?;
        let length = rest.len() - after.len();
        (head.time, head.id) = (fact.time.ms(), fact.id);
        head.fact.clear();
        head.fact.extend_from_slice(&rest[..length]);
        self.at += length;
        Ok(true)
    }
}

/// The first fact of a run that has not been shown.
#[derive(Default)]
struct Head {
    time: i64,
    id: u128,
    fact: Vec<u8>,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time, self.id)
            .cmp(&(other.time, other.id))
            .then_with(|| in_full(&self.fact, &other.fact))
            .then_with(|| self.run.cmp(&other.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactKind;
    use crate::facts::tests::Memory;
    use proptest::prelude::*;
    use watchfire_model::{RecordKind, Time};

    fn ordered(facts: &[(i64, u128, String, u32)], run_bytes_max: usize) -> Vec<(i64, u128, String, u32)> {
        let mut spool = Memory::default();
        let mut sorter = Sorter::with_runs_of(run_bytes_max);
        for (time, id, text, file) in facts {
            let (time, kind) = (Time::from_ms(*time), FactKind::Record(RecordKind::Flow));
            let fact = Fact { time, id: *id, group: 7, file: *file, position: 9, kind, format: 3, text };
            sorter.push(&fact, &mut spool).unwrap();
        }
        let sorted = sorter.finish(&mut spool).unwrap();
        let mut seen = Vec::new();
        sorted
            .for_each(&mut spool, &mut |fact| seen.push((fact.time.ms(), fact.id, fact.text.to_owned(), fact.file)))
            .unwrap();
        seen
    }

    proptest! {
        #[test]
        fn facts_come_in_one_order_whether_they_fit_or_not(
            facts in proptest::collection::vec((-3i64..3, 0u128..3, "[ab]{0,3}", 0u32..3), 0..80),
            run_bytes_max in 0usize..2_000,
        ) {
            let mut expected = facts.clone();
            expected.sort();
            prop_assert_eq!(&ordered(&facts, run_bytes_max), &expected);
            prop_assert_eq!(&ordered(&facts, usize::MAX), &expected);
        }
    }
}
