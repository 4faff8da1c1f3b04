//! Which events a sum of calls was made of, so that copies of one event in several files count once.

use watchfire_detections::tally::{CallTally, Kept};

/// Distinct identities kept of each sum, eight bytes each: so many calls of one API by one caller in one hour are counted
/// exactly, whatever copies there are. Our choice: 4 KiB for each sum that is larger.
const KEPT_MAX: usize = 512;

/// The identities of a sum's events: all of them, or every occurrence of those with the smallest.
///
/// What a part has dropped, larger ones than [`KEPT_MAX`] others, is dropped by every merge with it, so that what a
/// merged sum holds is complete: the answer does not depend on how the events were dealt out. Source: bottom-k sketches,
/// Cohen and Kaplan, "Summarizing data using bottom-k sketches" (PODC 2007).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventIds {
    /// Each with how often it occurred; until it is pruned it may stand there several times.
    kept: Vec<(u64, u32)>,
    /// Events that have an identity, copies included.
    named: u64,
    /// Larger identities were dropped, if this is not 0.
    bound: u64,
}

impl EventIds {
    /// Notes an event. 0 is no identity: of such an event nobody can say whether it is a copy.
    pub(crate) fn add(&mut self, id: u64) {
        if id == 0 {
            return;
        }
        self.named += 1;
        self.keep((mixed(id), 1));
        if self.kept.len() >= 2 * KEPT_MAX {
            self.prune();
        }
    }

    fn keep(&mut self, one: (u64, u32)) {
        if self.bound == 0 || one.0 <= self.bound {
            self.kept.push(one);
        }
    }

    /// Takes in what another part noted.
    pub(crate) fn merge(&mut self, other: Self) {
        self.named = self.named.saturating_add(other.named);
        if other.bound != 0 {
            self.bound = if self.bound == 0 { other.bound } else { self.bound.min(other.bound) };
            let bound = self.bound;
            self.kept.retain(|(id, _)| *id <= bound);
        }
        other.kept.into_iter().for_each(|one| self.keep(one));
        self.prune();
    }

    /// Adds up what occurred several times, and drops what is larger than the smallest so many.
    fn prune(&mut self) {
        self.kept.sort_unstable();
        self.kept.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1 = earlier.1.saturating_add(later.1);
            }
            is_same
        });
        if self.kept.len() > KEPT_MAX {
            self.kept.truncate(KEPT_MAX);
            self.bound = self.kept.last().map_or(0, |(id, _)| *id);
        }
    }

    /// How many of the events were copies of others: exact where all identities were kept, else as their part among those
    /// that were.
    pub(crate) fn copies(mut self) -> u64 {
        self.prune();
        let occurrences: u64 = self.kept.iter().map(|(_, count)| u64::from(*count)).sum();
        let copies = occurrences - self.kept.len() as u64;
        if self.bound == 0 {
            return copies;
        }
        let scaled = u128::from(self.named) * u128::from(copies) / u128::from(occurrences.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

/// An identity in which no order is left, even if whoever made them counted them up.
const fn mixed(id: u64) -> u64 {
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (id >> 32)
}

/// Writes a sum of calls and which events it was made of, as [`Calls`] encodes itself: these identities, of which none is 0.
pub(crate) fn encode_calls(tally: &CallTally, ids: &mut [u64], into: &mut Vec<u8>) {
    if ids.len() < 2 * KEPT_MAX {
        ids.iter_mut().for_each(|id| *id = mixed(*id));
        ids.sort_unstable();
        if ids.is_sorted_by(|one, next| one < next) {
            encode_tally(tally, into);
            into.extend_from_slice([ids.len() as u64, 0, 0].map(u64::to_le_bytes).as_flattened());
            ids.iter().for_each(|id| into.extend_from_slice(&id.to_le_bytes()));
            return;
        }
        let kept = ids.iter().map(|id| (*id, 1)).collect();
        let mut all = EventIds { kept, named: ids.len() as u64, bound: 0 };
        all.prune();
        return Calls { tally: *tally, ids: all }.encode(into);
    }
    let mut all = EventIds::default();
    ids.iter().for_each(|id| all.add(*id));
    Calls { tally: *tally, ids: all }.encode(into);
}

/// The tally with its length before it.
fn encode_tally(tally: &CallTally, into: &mut Vec<u8>) {
    let begin = into.len();
    into.push(0);
    tally.encode(into);
    let length = into.len() - begin - 1;
    if let Some(place) = into.get_mut(begin) {
        *place = length as u8; // A tally of calls has less than 80 bytes.
    }
}

/// A sum of calls, and which events it was made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// The sum, copies included.
    pub(crate) tally: CallTally,
    /// The events.
    pub(crate) ids: EventIds,
}

impl Calls {
    /// Takes in what another part summed.
    pub(crate) fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.ids.merge(other.ids);
    }

    /// The sum that these bytes are, in which each event counts once, where there are no other parts: mostly all of its
    /// events are different, and to see that takes no list of them.
    pub(crate) fn only(bytes: &[u8]) -> Option<CallTally> {
        let (&length, rest) = bytes.split_first()?;
        let (tally, ids) = rest.split_at_checked(usize::from(length))?;
        let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let (head, ids) = ids.as_chunks::<8>().0.split_first_chunk::<3>()?;
        let are_different = ids.is_sorted_by(|one, next| number(one) < number(next));
        if number(&head[1]) == 0 && number(&head[2]) == 0 && are_different {
            let tally = CallTally::decode(tally)?;
            return Some(CallTally { calls: tally.calls.max(1), ..tally });
        }
        Self::decode(bytes).map(Self::once)
    }

    /// The sum of all parts, in which each event counts once.
    pub(crate) fn once(self) -> CallTally {
        let mut tally = self.tally;
        tally.calls = tally.calls.saturating_sub(self.ids.copies()).max(1);
        tally
    }
}

/// The tally with its length before it, then the identities: as they are, since random numbers get no shorter, and those
/// that occurred once after all others, without their count.
impl Kept for Calls {
    fn encode(&self, into: &mut Vec<u8>) {
        encode_tally(&self.tally, into);
        let ids = &self.ids;
        let repeated = || ids.kept.iter().filter(|(_, count)| *count > 1);
        let once = ids.kept.iter().filter(|(_, count)| *count == 1);
        let head = [ids.named, ids.bound, repeated().count() as u64].into_iter();
        let numbers = head.chain(repeated().flat_map(|&(id, count)| [id, count.into()])).chain(once.map(|(id, _)| *id));
        numbers.for_each(|number| into.extend_from_slice(&number.to_le_bytes()));
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&length, rest) = bytes.split_first()?;
        let (tally, ids) = rest.split_at_checked(usize::from(length))?;
        let tally = CallTally::decode(tally)?;
        let numbers: Vec<u64> = ids.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let (&[named, bound, repeated], rest) = numbers.split_first_chunk::<3>()?;
        let repeated = usize::try_from(repeated).ok()?.checked_mul(2)?;
        let (repeated, once) = rest.split_at_checked(repeated)?;
        let counted =
            repeated.as_chunks::<2>().0.iter().map(|&[id, count]| (id, u32::try_from(count).unwrap_or(u32::MAX)));
        let kept = counted.chain(once.iter().map(|id| (*id, 1))).collect();
        Some(Self { tally, ids: EventIds { kept, named, bound } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ids: impl IntoIterator<Item = u64>) -> EventIds {
        let mut all = EventIds::default();
        ids.into_iter().for_each(|id| all.add(id));
        all
    }

    proptest! {
        #[test]
        fn copies_are_counted_the_same_however_they_are_dealt_out(
            events in proptest::collection::vec((1u64..3_000, 0usize..4), 0..6_000),
        ) {
            let whole = of(events.iter().map(|(id, _)| *id)).copies();
            let mut merged = EventIds::default();
            for part in 0..4 {
                let part = of(events.iter().filter(|(_, to)| *to == part).map(|(id, _)| *id));
                let mut saved = Vec::new();
                Calls { tally: CallTally::default(), ids: part }.encode(&mut saved);
                merged.merge(Calls::decode(&saved).unwrap().ids);
            }
            prop_assert_eq!(merged.copies(), whole);
            let distinct = events.iter().map(|(id, _)| id).collect::<std::collections::BTreeSet<_>>().len();
            if distinct <= KEPT_MAX {
                prop_assert_eq!(whole, (events.len() - distinct) as u64);
            }
        }
    }

    #[test]
    fn a_log_given_twice_counts_once_however_long_it_is() {
        for count in [3, 500, 20_000] {
            assert_eq!(of((1..=count).chain(1..=count)).copies(), count);
            assert_eq!(of(1..=count).copies(), 0);
        }
    }

    #[test]
    fn one_event_a_million_times_takes_no_room() {
        let many = of(std::iter::repeat_n(7, 1_000_000));
        assert!(many.kept.len() <= 2 * KEPT_MAX);
        assert_eq!(many.copies(), 999_999);
    }

    #[test]
    fn events_without_an_identity_are_no_copies() {
        assert_eq!(of([0, 0, 7, 7, 0]).copies(), 1);
    }
}
