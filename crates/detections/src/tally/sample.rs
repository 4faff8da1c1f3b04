//! A bounded sample of distinct things that can be merged exactly: those with the smallest hashes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A thing of which a [`Sample`] keeps some.
pub trait Sampled {
    /// Tells it from others, evenly spread: a permutation or a hash of its identity.
    fn hash(&self) -> u64;
    /// Takes in what another part knew of the same thing. Commutative and associative.
    fn merge(&mut self, other: Self);
}

/// The `K` things with the smallest hashes.
///
/// Whatever was dropped has a larger hash than all that is kept, in this part and so in every merge with it. So what a
/// merged sample holds was never dropped by any part, and its sums are complete. Source: bottom-k sketches, Cohen and
/// Kaplan, "Summarizing data using bottom-k sketches" (PODC 2007).
///
/// While things are inserted they stay where they are and an index is kept in order; [`Self::settle`], a merge and saving
/// put them in order of their hashes, which is what a reader may rely on.
#[derive(Clone, Debug)]
pub struct Sample<T, const K: usize> {
    kept: Vec<T>,
    /// (hash, place in `kept`) in order; empty while there are few.
    index: Vec<(u64, u32)>,
    /// What has a larger hash is out of reach: the largest that is kept, once something was dropped for it. Kept here so
    /// that most of what a busy sample is shown does not touch what it keeps. Only ever too large.
    bound: u64,
    /// Whether something was dropped: then `kept` is full, and the number of things is estimated.
    is_cut: bool,
}

/// Up to so many things are looked through one by one.
const FEW: usize = 8;

impl<T, const K: usize> Default for Sample<T, K> {
    fn default() -> Self {
        Self { kept: Vec::new(), index: Vec::new(), bound: u64::MAX, is_cut: false }
    }
}

/// Of settled samples.
impl<T: PartialEq, const K: usize> PartialEq for Sample<T, K> {
    fn eq(&self, other: &Self) -> bool {
        (&self.kept, self.is_cut) == (&other.kept, other.is_cut)
    }
}

impl<T: Sampled, const K: usize> Sample<T, K> {
    /// Takes one in: merges it with its like, or keeps it if its hash is small enough.
    pub fn insert(&mut self, thing: T) {
        let hash = thing.hash();
        match self.find(hash) {
            Ok(place) => self.kept[place].merge(thing),
            Err(at) => self.insert_at(at, hash, thing),
        }
    }

    /// The one with this hash, if it is kept.
    pub fn get_mut(&mut self, hash: u64) -> Option<&mut T> {
        let place = self.find(hash).ok()?;
        Some(&mut self.kept[place])
    }

    /// The place in `kept`, else that in the index.
    fn find(&self, hash: u64) -> Result<usize, usize> {
        if self.index.is_empty() {
            return self.kept.iter().position(|one| one.hash() == hash).ok_or(0);
        }
        self.index.binary_search_by_key(&hash, |&(known, _)| known).map(|at| self.index[at].1 as usize)
    }

    /// Whether something was dropped already that had a smaller hash than this: then nothing changes.
    pub fn is_out_of_reach(&self, hash: u64) -> bool {
        hash > self.bound
    }

    /// Whether one with this hash, not kept now, would be.
    pub fn has_room_for(&self, hash: u64) -> bool {
        self.kept.len() < K || self.largest().is_some_and(|largest| hash < largest)
    }

    /// Notes that one was not taken in because its hash is too large ([`Self::has_room_for`] said so).
    pub fn pass_over(&mut self) {
        self.is_cut = true;
        self.bound = self.largest().unwrap_or(u64::MAX);
    }

    fn largest(&self) -> Option<u64> {
        match self.index.last() {
            Some(&(hash, _)) => Some(hash),
            None => self.kept.iter().map(Sampled::hash).max(),
        }
    }

    fn insert_at(&mut self, at: usize, hash: u64, thing: T) {
        if self.kept.len() < K {
            self.kept.push(thing);
            if !self.index.is_empty() {
                self.index.insert(at, (hash, self.kept.len() as u32 - 1));
            } else if self.kept.len() > FEW || self.kept.len() == K {
                self.reindex();
            }
            return;
        }
        if at < self.index.len()
            && let Some((_, place)) = self.index.pop()
        {
            self.kept[place as usize] = thing;
            self.index.insert(at, (hash, place));
        }
        self.pass_over();
    }

    fn reindex(&mut self) {
        self.index.clear();
        self.index.extend(self.kept.iter().zip(0..).map(|(one, place)| (one.hash(), place)));
        self.index.sort_unstable();
    }

    /// Takes in what another part kept, and settles.
    pub fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|thing| self.insert(thing));
        self.is_cut |= other.is_cut;
        self.settle();
    }

    /// Puts what is kept in order of hashes.
    pub fn settle(&mut self) {
        if !self.kept.is_sorted_by_key(Sampled::hash) {
            self.kept.sort_unstable_by_key(Sampled::hash);
            if !self.index.is_empty() {
                self.reindex();
            }
        }
    }

    /// Shows each to be changed, though not its hash.
    pub(super) fn each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.kept.iter_mut().for_each(change);
    }

    /// Those kept; in order of their hashes if the sample is settled.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }

    /// Whether there were more than are kept.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many distinct things there were: exact if nothing was dropped, else `(K − 1) / U`, where `U` is the largest
    /// kept hash as a share of `hash_max`. The standard error is `1/√(K − 2)`: 13 % at 64. Source: as above; Beyer et al.,
    /// "On synopses for distinct-value estimation" (SIGMOD 2007).
    pub fn distinct(&self, hash_max: u64) -> u64 {
        let count = self.kept.len() as u64;
        let Some(largest) = self.largest().filter(|_| self.is_cut) else { return count };
        let scaled = u128::from(count.saturating_sub(1)) * (u128::from(hash_max) + 1) / (u128::from(largest) + 1);
        u64::try_from(scaled).unwrap_or(u64::MAX).max(count)
    }
}

/// What is kept in order of hashes, and whether something was dropped.
impl<T: Sampled + Serialize, const K: usize> Serialize for Sample<T, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.kept.is_sorted_by_key(Sampled::hash) {
            return (&self.kept, self.is_cut).serialize(serializer);
        }
        let mut sorted: Vec<&T> = self.kept.iter().collect();
        sorted.sort_unstable_by_key(|one| one.hash());
        (sorted, self.is_cut).serialize(serializer)
    }
}

impl<'de, T: Sampled + Deserialize<'de>, const K: usize> Deserialize<'de> for Sample<T, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kept, is_cut) = Deserialize::deserialize(deserializer)?;
        let mut sample = Self { kept, is_cut, ..Self::default() };
        if sample.kept.len() > FEW {
            sample.reindex();
        }
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Counted(u64, u32);

    impl Sampled for Counted {
        fn hash(&self) -> u64 {
            self.0
        }

        fn merge(&mut self, other: Self) {
            self.1 += other.1;
        }
    }

    proptest! {
        #[test]
        fn any_parts_in_any_order_merge_to_the_same(
            things in proptest::collection::vec((0u64..40, 0usize..4), 0..120),
            shuffle in proptest::collection::vec(any::<u32>(), 120),
        ) {
            let mut whole = Sample::<Counted, 8>::default();
            for (hash, _) in &things {
                whole.insert(Counted(*hash, 1));
            }
            whole.settle();
            let mut order: Vec<usize> = (0..things.len()).collect();
            order.sort_by_key(|&at| shuffle[at]);
            let mut parts = vec![Sample::<Counted, 8>::default(); 4];
            for at in order {
                parts[things[at].1].insert(Counted(things[at].0, 1));
            }
            let mut merged = Sample::default();
            parts.into_iter().rev().for_each(|part| merged.merge(part));
            prop_assert_eq!(&merged, &whole);
            let distinct = things.iter().map(|(hash, _)| hash).collect::<std::collections::BTreeSet<_>>().len();
            prop_assert_eq!(whole.is_cut(), distinct > 8);
            if distinct <= 8 {
                prop_assert_eq!(whole.distinct(u64::MAX), distinct as u64);
            }
        }
    }

    #[test]
    fn a_cut_sample_estimates() {
        let mut sample = Sample::<Counted, 64>::default();
        for serial in 0u64..10_000 {
            sample.insert(Counted(serial.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1));
        }
        assert!((7_000..13_000).contains(&sample.distinct(u64::MAX)), "{}", sample.distinct(u64::MAX));
    }
}
