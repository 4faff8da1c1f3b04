//! A bounded sample of distinct things that can be merged exactly: those with the smallest hashes.

use serde::{Deserialize, Serialize};

/// A thing of which a [`Sample`] keeps some.
pub trait Sampled {
    /// Tells it from others, evenly spread: a permutation or a hash of its identity.
    fn hash(&self) -> u64;
    /// Takes in what another part knew of the same thing. Commutative and associative.
    fn merge(&mut self, other: Self);
}

/// The `K` things with the smallest hashes, in order of their hashes.
///
/// Whatever was dropped has a larger hash than all that is kept, in this part and so in every merge with it. So what a
/// merged sample holds was never dropped by any part, and its sums are complete. Source: bottom-k sketches, Cohen and
/// Kaplan, "Summarizing data using bottom-k sketches" (PODC 2007).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample<T, const K: usize> {
    kept: Vec<T>,
    /// What has a larger hash is out of reach: the largest that is kept, once something was dropped for it. Kept here so
    /// that most of what a busy sample is shown does not touch what it keeps. Only ever too large.
    #[serde(skip, default = "no_bound")]
    bound: u64,
    /// Whether something was dropped: then `kept` is full, and the number of things is estimated.
    is_cut: bool,
}

impl<T, const K: usize> Default for Sample<T, K> {
    fn default() -> Self {
        Self { kept: Vec::new(), bound: no_bound(), is_cut: false }
    }
}

fn no_bound() -> u64 {
    u64::MAX
}

impl<T: PartialEq, const K: usize> PartialEq for Sample<T, K> {
    fn eq(&self, other: &Self) -> bool {
        (&self.kept, self.is_cut) == (&other.kept, other.is_cut)
    }
}

impl<T: Sampled, const K: usize> Sample<T, K> {
    /// Takes one in: merges it with its like, or keeps it if its hash is small enough.
    pub fn insert(&mut self, thing: T) {
        let hash = thing.hash();
        match self.kept.binary_search_by_key(&hash, Sampled::hash) {
            Ok(at) => self.kept[at].merge(thing),
            Err(at) => self.insert_at(at, thing),
        }
    }

    /// The one with this hash, if it is kept.
    pub fn get_mut(&mut self, hash: u64) -> Option<&mut T> {
        let at = self.kept.binary_search_by_key(&hash, Sampled::hash).ok()?;
        Some(&mut self.kept[at])
    }

    /// Whether something was dropped already that had a smaller hash than this: then nothing changes.
    pub fn is_out_of_reach(&self, hash: u64) -> bool {
        hash > self.bound
    }

    /// Whether one with this hash, not kept now, would be.
    pub fn has_room_for(&self, hash: u64) -> bool {
        self.kept.len() < K || self.kept.last().is_some_and(|last| hash < last.hash())
    }

    /// Notes that one was not taken in because its hash is too large ([`Self::has_room_for`] said so).
    pub fn pass_over(&mut self) {
        self.cut();
    }

    fn insert_at(&mut self, at: usize, thing: T) {
        if at == K {
            self.cut();
            return;
        }
        let is_full = self.kept.len() == K;
        if is_full {
            self.kept.pop();
        }
        self.kept.insert(at, thing);
        if is_full {
            self.cut();
        }
    }

    /// Something was dropped.
    fn cut(&mut self) {
        self.is_cut = true;
        self.bound = self.kept.last().map_or(u64::MAX, Sampled::hash);
    }

    /// Takes in what another part kept.
    pub fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|thing| self.insert(thing));
        self.is_cut |= other.is_cut;
    }

    /// Shows each to be changed, though not its hash.
    pub(super) fn each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.kept.iter_mut().for_each(change);
    }

    /// Those kept, in order of their hashes.
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
        let Some(largest) = self.kept.last().filter(|_| self.is_cut) else { return count };
        let scaled =
            u128::from(count.saturating_sub(1)) * (u128::from(hash_max) + 1) / (u128::from(largest.hash()) + 1);
        u64::try_from(scaled).unwrap_or(u64::MAX).max(count)
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
