//! A bounded sample of distinct things that can be merged exactly: those with the smallest hashes.

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
/// While things are inserted up to twice as many are kept, in no order, and only then the larger half is dropped: to find
/// the largest each time would cost more than all the rest. [`Self::settle`] and a merge leave at most `K`, in order of
/// their hashes, which is what a reader may rely on.
#[derive(Clone, Debug)]
pub struct Sample<T, const K: usize> {
    kept: Vec<T>,
    /// Places in `kept`, from 1, by the lowest bits of the hashes, 0 for none; empty while there are few. A look-up is one
    /// probe; a search in a sorted index mispredicts a branch in each of its six steps.
    slots: Vec<u8>,
    /// What has a larger hash is out of reach. Kept here so that most of what a busy sample is shown does not touch what it
    /// keeps. Only ever too large.
    bound: u64,
    /// Whether something was dropped: then the number of things is estimated.
    is_cut: bool,
    /// Where the last one that was asked for stands: it is mostly asked for again.
    last: usize,
}

/// Up to so many things are looked through one by one.
const FEW: usize = 8;
/// A power of two, and at least twice of what is kept, so that hardly any probe meets another thing.
const SLOTS: usize = 256;

impl<T, const K: usize> Default for Sample<T, K> {
    fn default() -> Self {
        Self { kept: Vec::new(), slots: Vec::new(), bound: u64::MAX, is_cut: false, last: 0 }
    }
}

/// Of settled samples.
impl<T: PartialEq, const K: usize> PartialEq for Sample<T, K> {
    fn eq(&self, other: &Self) -> bool {
        (&self.kept, self.is_cut) == (&other.kept, other.is_cut)
    }
}

impl<T: Sampled, const K: usize> Sample<T, K> {
    /// As many as may be kept for a while. Places must fit into the slots' bytes.
    const ROOM: usize = {
        assert!(2 * K <= SLOTS / 2);
        2 * K
    };

    /// Takes one in: merges it with its like, or keeps it if its hash is small enough.
    pub fn insert(&mut self, thing: T) {
        let hash = thing.hash();
        if self.is_out_of_reach(hash) {
            return;
        }
        match self.get_mut(hash) {
            Some(known) => known.merge(thing),
            None => {
                self.insert_new(thing);
            }
        }
    }

    /// What was kept of a settled sample, read back.
    pub(super) fn restored(kept: Vec<T>, is_cut: bool) -> Self {
        let mut sample = Self { kept, is_cut, ..Self::default() };
        // Bytes may come from elsewhere.
        sample.settle();
        sample
    }

    /// The one with this hash, if it is kept.
    #[inline]
    pub fn get_mut(&mut self, hash: u64) -> Option<&mut T> {
        if self.kept.get(self.last).is_none_or(|one| one.hash() != hash) {
            self.last = self.find(hash)?;
        }
        self.kept.get_mut(self.last)
    }

    fn find(&self, hash: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return self.kept.iter().position(|one| one.hash() == hash);
        }
        let mut slot = hash as usize % SLOTS;
        loop {
            let place = usize::from(self.slots[slot]).checked_sub(1)?;
            if self.kept[place].hash() == hash {
                return Some(place);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Whether something was dropped already that had a smaller hash than this: then nothing changes.
    pub fn is_out_of_reach(&self, hash: u64) -> bool {
        hash > self.bound
    }

    /// Keeps one that is neither known ([`Self::get_mut`] said so) nor out of reach. `None`: its hash is too large after
    /// all.
    pub fn insert_new(&mut self, thing: T) -> Option<&mut T> {
        let hash = thing.hash();
        if self.kept.len() >= Self::ROOM {
            self.drop_largest();
            if self.is_out_of_reach(hash) {
                return None;
            }
        }
        if self.kept.len() == self.kept.capacity() && self.kept.len() >= FEW {
            // Four times as many at once: to move them took as long as to insert them.
            self.kept.reserve_exact((3 * self.kept.len()).min(Self::ROOM));
        }
        self.kept.push(thing);
        self.last = self.kept.len() - 1;
        match (self.slots.is_empty(), self.kept.len()) {
            (false, count) => self.note(hash, count),
            (true, count) if count > FEW => self.reindex(),
            _ => {}
        }
        self.kept.last_mut()
    }

    fn note(&mut self, hash: u64, count: usize) {
        let mut slot = hash as usize % SLOTS;
        while self.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        // Fits: there are at most `ROOM`.
        self.slots[slot] = count as u8;
    }

    fn reindex(&mut self) {
        self.slots.clear();
        self.slots.resize(SLOTS, 0);
        for place in 0..self.kept.len() {
            self.note(self.kept[place].hash(), place + 1);
        }
    }

    /// Drops what has not one of the `K` smallest hashes. There must be more than `K`.
    fn drop_largest(&mut self) {
        let (_, last, _) = self.kept.select_nth_unstable_by_key(K - 1, Sampled::hash);
        self.bound = last.hash();
        self.kept.truncate(K);
        self.is_cut = true;
        self.reindex();
    }

    /// Takes in what another part kept, and settles.
    pub fn merge(&mut self, mut other: Self) {
        self.settle();
        other.settle();
        self.is_cut |= other.is_cut;
        if self.kept.is_empty() {
            self.kept = other.kept;
            return;
        }
        let mut ours = std::mem::take(&mut self.kept).into_iter().peekable();
        let mut theirs = other.kept.into_iter().peekable();
        while self.kept.len() < K {
            let (one, another) = match (ours.peek(), theirs.peek()) {
                (Some(one), Some(another)) => (one.hash() <= another.hash(), another.hash() <= one.hash()),
                (one, another) => (one.is_some(), another.is_some()),
            };
            match (ours.next_if(|_| one), theirs.next_if(|_| another)) {
                (Some(mut one), Some(another)) => {
                    one.merge(another);
                    self.kept.push(one);
                }
                (Some(one), None) | (None, Some(one)) => self.kept.push(one),
                (None, None) => return,
            }
        }
        self.is_cut |= ours.next().is_some() || theirs.next().is_some();
    }

    /// Leaves the `K` with the smallest hashes, in order of these.
    pub fn settle(&mut self) {
        if self.kept.len() > K {
            self.drop_largest();
        }
        if !self.kept.is_sorted_by_key(Sampled::hash) {
            self.kept.sort_unstable_by_key(Sampled::hash);
        }
        self.slots = Vec::new();
    }

    /// Shows each to be changed, though not its hash.
    pub(super) fn each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.kept.iter_mut().for_each(change);
    }

    /// Those kept; in order of their hashes and at most `K` if the sample is settled.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }

    /// Whether there were more than are kept. Of a settled sample.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many distinct things there were, of a settled sample: exact if nothing was dropped, else `(K − 1) / U`, where `U`
    /// is the largest kept hash as a share of `hash_max`. The standard error is `1/√(K − 2)`: 13 % at 64. Source: as above;
    /// Beyer et al., "On synopses for distinct-value estimation" (SIGMOD 2007).
    pub fn distinct(&self, hash_max: u64) -> u64 {
        let count = self.kept.len() as u64;
        let Some(largest) = self.kept.last().map(Sampled::hash).filter(|_| self.is_cut) else { return count };
        let scaled = u128::from(count.saturating_sub(1)) * (u128::from(hash_max) + 1) / (u128::from(largest) + 1);
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
        sample.settle();
        assert!((7_000..13_000).contains(&sample.distinct(u64::MAX)), "{}", sample.distinct(u64::MAX));
    }
}
