//! Which events a sum of calls was made of, so that copies of one event in several files count once.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
        // Even if whoever made the identities counted them up.
        self.keep((id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (id >> 32), 1));
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

/// As bytes, since random numbers get no shorter: those that occurred once after all others, without their count.
impl Serialize for EventIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let repeated = || self.kept.iter().filter(|(_, count)| *count > 1);
        let once = self.kept.iter().filter(|(_, count)| *count == 1);
        let head = [self.named, self.bound, repeated().count() as u64].into_iter();
        let numbers = head.chain(repeated().flat_map(|&(id, count)| [id, count.into()])).chain(once.map(|(id, _)| *id));
        let mut bytes = Vec::with_capacity(24 + self.kept.len() * 8);
        numbers.for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for EventIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::invalid_length(bytes.len(), &"the identities of events");
        let numbers: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let (&[named, bound, repeated], rest) = numbers.split_first_chunk::<3>().ok_or_else(wrong)?;
        let repeated = usize::try_from(repeated).ok().and_then(|count| count.checked_mul(2)).ok_or_else(wrong)?;
        let (repeated, once) = rest.split_at_checked(repeated).ok_or_else(wrong)?;
        let counted =
            repeated.as_chunks::<2>().0.iter().map(|&[id, count]| (id, u32::try_from(count).unwrap_or(u32::MAX)));
        Ok(Self { kept: counted.chain(once.iter().map(|id| (*id, 1))).collect(), named, bound })
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
                let saved = postcard::to_stdvec(&part).unwrap();
                merged.merge(postcard::from_bytes(&saved).unwrap());
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
