//! The k smallest hashes of what was seen: how many different things, and a fair sample of them.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The seed of [`stable_hash`]. Saved states depend on it: a change of it is a change of their version.
const SEED: u64 = 0x5741_5443_4846_4952;

/// A 64-bit hash that is the same on every machine and in every version: XXH3 with a fixed seed.
///
/// Not against forgery: who may choose names and knows the seed can search for names with large hashes, which a sketch
/// does not keep and an estimate misses.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, SEED)
}

/// The items with the k smallest hashes, each with a value. Any order and any sharding gives the same.
///
/// The hash is the identity: the same hash is the same item, and of two values for it the smaller stays. So `T` should
/// follow from what was hashed (a length, a name). Source: bottom-k sketches, Cohen and Kaplan (2007).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BottomK<T> {
    k: usize,
    /// Sorted by hash, each hash once, at most `k`.
    items: Vec<(u64, T)>,
}

impl<T: Ord> BottomK<T> {
    /// Room for the `k` smallest; at least 3, for which an estimate begins to mean something.
    pub fn new(k: usize) -> Self {
        Self { k: k.max(3), items: Vec::new() }
    }

    /// Takes one item in. Whether it is new here.
    pub fn insert(&mut self, hash: u64, value: T) -> bool {
        match self.items.binary_search_by_key(&hash, |item| item.0) {
            Ok(at) => {
                if value < self.items[at].1 {
                    self.items[at].1 = value;
                }
                false
            }
            Err(at) if at < self.k => {
                self.items.insert(at, (hash, value));
                self.items.truncate(self.k);
                true
            }
            Err(_) => false,
        }
    }

    /// Takes in all that another has seen. Of two different sizes the smaller holds from now on.
    pub fn merge(&mut self, other: Self) {
        self.k = self.k.min(other.k);
        for (hash, value) in other.items {
            self.insert(hash, value);
        }
        self.items.truncate(self.k);
    }

    /// How many different items were seen: exact below k, else (k − 1)/U with U the k-th smallest hash as a share of
    /// all hashes. The relative standard error is about 1/√(k − 2): 13 % for 64.
    pub fn estimate(&self) -> u64 {
        match self.items.last() {
            Some(&(largest, _)) if self.items.len() >= self.k => {
                let estimate = ((self.k as u128 - 1) << 64) / (u128::from(largest) + 1);
                u64::try_from(estimate).unwrap_or(u64::MAX)
            }
            _ => self.items.len() as u64,
        }
    }

    /// Whether [`Self::estimate`] is a count.
    pub fn is_exact(&self) -> bool {
        self.items.len() < self.k
    }

    /// The items kept, by hash: all of them where the count is exact, else a sample in which each had the same chance.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.items.iter().map(|(hash, value)| (*hash, value))
    }

    /// How many items are kept.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none was seen.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(k: usize, names: impl IntoIterator<Item = u32>) -> BottomK<u32> {
        let mut sketch = BottomK::new(k);
        names.into_iter().for_each(|name| {
            sketch.insert(stable_hash(&name.to_le_bytes()), name % 7);
        });
        sketch
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(stable_hash(b""), 0xaf19_b11d_3f06_71cb);
        assert_eq!(stable_hash(b"www.example.com"), 0xad05_788f_b43e_6638);
    }

    #[test]
    fn few_things_are_counted_exactly() {
        let sketch = of(64, (0..63).chain(0..63));
        assert_eq!((sketch.estimate(), sketch.is_exact(), sketch.len()), (63, true, 63));
        assert_eq!(of(64, []).estimate(), 0);
    }

    #[test]
    fn many_things_are_counted_within_five_standard_errors() {
        for (seed, count) in [(0, 100), (1 << 20, 1_000), (2 << 20, 30_000), (3 << 20, 200_000)] {
            let estimate = of(64, seed..seed + count).estimate() as f64 / f64::from(count);
            assert!((1.0 - estimate).abs() < 5.0 * 0.13, "{count}: {estimate}");
        }
    }

    /// Over many sets the estimate is right on average, and as far off as the formula says.
    #[test]
    fn the_estimate_is_fair() {
        let ratios: Vec<f64> =
            (0..400u32).map(|set| of(64, set << 12..(set << 12) + 2_000).estimate() as f64 / 2_000.0).collect();
        let mean = ratios.iter().sum::<f64>() / 400.0;
        let error = (ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
        assert!((0.10..0.16).contains(&error), "{error}");
    }

    proptest! {
        #[test]
        fn any_sharding_in_any_order_gives_the_same(names in proptest::collection::vec((0u32..400, 0usize..4), 0..300), k in 3usize..80) {
            let whole = of(k, names.iter().map(|&(name, _)| name));
            let shard = |wanted: usize| of(k, names.iter().filter(|(_, shard)| *shard == wanted).map(|&(name, _)| name));
            let mut forth = shard(0);
            (1..4).for_each(|at| forth.merge(shard(at)));
            // The other way round, and paired differently.
            let (mut back, mut pair) = (shard(3), shard(1));
            pair.merge(shard(0));
            back.merge(shard(2));
            back.merge(pair);
            prop_assert_eq!(&forth, &whole);
            prop_assert_eq!(&back, &whole);
        }

        #[test]
        fn it_never_holds_more_than_k(names in proptest::collection::vec(any::<u32>(), 0..300), k in 0usize..20) {
            prop_assert!(of(k, names).len() <= k.max(3));
        }
    }
}
