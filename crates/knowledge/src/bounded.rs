//! A map with room for so many entities, that forgets the longest untouched first and counts what it forgot.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, Hash};
use watchfire_model::Time;

/// A map of entities with the event time of their last touch.
///
/// Eviction is decided by (last touch, key), so that the same records leave the same entities whatever their route. The
/// index is a hash table, since most touches are of entities that are known; what is listed is sorted first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "K: Ord + Clone + Serialize + for<'a> Deserialize<'a>, V: Serialize + for<'a> Deserialize<'a>")]
pub struct Bounded<K, V> {
    entries: Vec<(K, i64, V)>,
    /// Places in `entries`, by the hashes of their keys.
    #[serde(skip)]
    index: HashTable<(u64, usize)>,
    max: usize,
    evicted: u64,
}

/// A shipped seed: the order of nothing depends on it, but the same run should take the same path.
fn hash_of(key: &impl Hash) -> u64 {
    foldhash::fast::FixedState::with_seed(0x626f_756e_6465_6421).hash_one(key)
}

impl<K: Ord + Hash + Clone, V> Bounded<K, V> {
    /// Room for `max` entities.
    pub fn new(max: usize) -> Self {
        Self { entries: Vec::new(), index: HashTable::new(), max, evicted: 0 }
    }

    fn place(&self, hash: u64, key: &K) -> Option<usize> {
        let is_same = |&(other, place): &(u64, usize)| other == hash && self.entries[place].0 == *key;
        self.index.find(hash, is_same).map(|&(_, place)| place)
    }

    /// The entity's value.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.place(hash_of(key), key).map(|place| &self.entries[place].2)
    }

    /// The same, to be changed; no touch.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(hash_of(key), key)?;
        Some(&mut self.entries[place].2)
    }

    /// The entity's value, made by `default` if it is new, touched at `now`.
    pub fn touch(&mut self, key: K, now: Time, default: impl FnOnce() -> V) -> &mut V {
        let hash = hash_of(&key);
        match self.place(hash, &key) {
            Some(place) => self.touch_at(place, now),
            None => self.insert(hash, key, now, default()),
        }
    }

    /// The value of an entity that is known, touched at `now`; `key` are the parts of its key, borrowed, which hash as the key
    /// itself does, and `is` tells whether a key has these parts. For keys that are dear to make.
    pub fn touch_known(&mut self, key: &impl Hash, is: impl Fn(&K) -> bool, now: Time) -> Option<&mut V> {
        let hash = hash_of(key);
        let is_same = |&(other, place): &(u64, usize)| other == hash && is(&self.entries[place].0);
        let place = self.index.find(hash, is_same).map(|&(_, place)| place)?;
        Some(self.touch_at(place, now))
    }

    fn touch_at(&mut self, place: usize, now: Time) -> &mut V {
        let (_, touched, value) = &mut self.entries[place];
        *touched = (*touched).max(now.ms());
        value
    }

    fn insert(&mut self, hash: u64, key: K, now: Time, value: V) -> &mut V {
        if self.entries.len() >= self.max {
            self.evict();
        }
        let place = self.entries.len();
        self.entries.push((key, now.ms(), value));
        self.index.insert_unique(hash, (hash, place), |&(hash, _)| hash);
        &mut self.entries[place].2
    }

    /// Forgets one entity.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let hash = hash_of(key);
        let place = self.place(hash, key)?;
        let is_at = |at: usize| move |&(_, other): &(u64, usize)| other == at;
        self.index.find_entry(hash, is_at(place)).ok()?.remove();
        let (_, _, value) = self.entries.swap_remove(place);
        if let Some((moved, _, _)) = self.entries.get(place)
            && let Some(entry) = self.index.find_mut(hash_of(moved), is_at(self.entries.len()))
        {
            entry.1 = place;
        }
        Some(value)
    }

    /// Forgets every entity last touched before `horizon`.
    pub fn forget_before(&mut self, horizon: Time) {
        let is_kept = |touched: i64| touched >= horizon.ms();
        if self.entries.iter().all(|(_, touched, _)| is_kept(*touched)) {
            return;
        }
        // Where each goes, so that no key must be hashed again: keys are texts, anywhere in memory.
        let mut kept = 0;
        let moved: Vec<Option<usize>> = self
            .entries
            .iter()
            .map(|(_, touched, _)| {
                let place = is_kept(*touched).then_some(kept);
                kept += usize::from(place.is_some());
                place
            })
            .collect();
        self.entries.retain(|(_, touched, _)| is_kept(*touched));
        self.index.retain(|(_, place)| match moved.get(*place).copied().flatten() {
            Some(moved) => {
                *place = moved;
                true
            }
            None => false,
        });
    }

    /// All entities in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut sorted: Vec<(&K, &V)> = self.entries.iter().map(|(key, _, value)| (key, value)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted.into_iter()
    }

    /// All keys, in no order that means anything.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, ..)| key)
    }

    /// All values, in no order that means anything.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, _, value)| value)
    }

    /// All values, in no order that means anything.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, _, value)| value)
    }

    /// How many entities are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entities were forgotten for lack of room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Rebuilds the index after a state was read back.
    pub fn reindex(&mut self) {
        let hashes = self.entries.iter().enumerate().map(|(place, (key, _, _))| (hash_of(key), place));
        self.index.clear();
        for entry in hashes {
            self.index.insert_unique(entry.0, entry, |&(hash, _)| hash);
        }
    }

    /// Forgets an eighth at once, so that a full map does not search for the oldest at each new entity.
    fn evict(&mut self) {
        let mut ages: Vec<(i64, K)> = self.entries.iter().map(|(key, touched, _)| (*touched, key.clone())).collect();
        ages.sort_unstable();
        ages.truncate((self.max / 8).max(1));
        self.evicted += ages.len() as u64;
        for (_, key) in &ages {
            self.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_untouched_is_forgotten_first() {
        let mut map = Bounded::new(2);
        for (key, at) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            map.touch(key, Time::from_seconds(at), || 0);
        }
        assert_eq!(map.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(map.evicted(), 1);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_bound(touches in proptest::collection::vec((0u8..40, 0i64..1000), 0..200)) {
            let mut map = Bounded::new(8);
            for (key, at) in touches {
                map.touch(key, Time::from_seconds(at), || ());
                prop_assert!(map.len() <= 8);
                prop_assert!(map.get(&key).is_some());
            }
        }

        #[test]
        fn what_was_touched_since_is_still_found(
            touches in proptest::collection::vec((0u8..40, 0i64..1000), 0..200),
            horizon in 0i64..1000,
        ) {
            let mut map = Bounded::new(50);
            let mut expected = std::collections::BTreeMap::new();
            for (key, at) in touches {
                let key = format!("{key}");
                let at = *expected.entry(key.clone()).and_modify(|last: &mut i64| *last = at.max(*last)).or_insert(at);
                let known = map.touch_known(&key, |other: &String| *other == key, Time::from_seconds(at)).is_some();
                prop_assert_eq!(known, map.get(&key).is_some());
                map.touch(key.clone(), Time::from_seconds(at), || key.clone());
            }
            map.forget_before(Time::from_seconds(horizon));
            expected.retain(|_, at| *at >= horizon);
            prop_assert_eq!(map.len(), expected.len());
            for key in expected.keys() {
                prop_assert_eq!(map.get(key), Some(key));
            }
        }
    }
}
