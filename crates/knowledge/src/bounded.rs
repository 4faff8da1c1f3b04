//! A map with room for so many entities, that forgets the longest untouched first and counts what it forgot.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use watchfire_model::Time;

/// A map of entities with the event time of their last touch.
///
/// Eviction is decided by (last touch, key), so that the same records leave the same entities whatever their route.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "K: Ord + Clone + Serialize + for<'a> Deserialize<'a>, V: Serialize + for<'a> Deserialize<'a>")]
pub struct Bounded<K, V> {
    entries: Vec<(K, i64, V)>,
    #[serde(skip)]
    index: BTreeMap<K, usize>,
    max: usize,
    evicted: u64,
}

impl<K: Ord + Clone, V> Bounded<K, V> {
    /// Room for `max` entities.
    pub fn new(max: usize) -> Self {
        Self { entries: Vec::new(), index: BTreeMap::new(), max, evicted: 0 }
    }

    /// The entity's value.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.index.get(key).and_then(|&place| self.entries.get(place)).map(|(_, _, value)| value)
    }

    /// The same, to be changed; no touch.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = *self.index.get(key)?;
        self.entries.get_mut(place).map(|(_, _, value)| value)
    }

    /// The entity's value, made by `default` if it is new, touched at `now`.
    pub fn touch(&mut self, key: K, now: Time, default: impl FnOnce() -> V) -> &mut V {
        if !self.index.contains_key(&key) {
            if self.entries.len() >= self.max {
                self.evict();
            }
            self.index.insert(key.clone(), self.entries.len());
            self.entries.push((key.clone(), now.ms(), default()));
        }
        let place = self.index.get(&key).copied().unwrap_or_default();
        let (_, touched, value) = &mut self.entries[place];
        *touched = (*touched).max(now.ms());
        value
    }

    /// Forgets one entity.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.index.remove(key)?;
        let (_, _, value) = self.entries.swap_remove(place);
        if let Some((moved, _, _)) = self.entries.get(place) {
            self.index.insert(moved.clone(), place);
        }
        Some(value)
    }

    /// Forgets every entity last touched before `horizon`.
    pub fn forget_before(&mut self, horizon: Time) {
        self.entries.retain(|(_, touched, _)| *touched >= horizon.ms());
        self.reindex();
    }

    /// All entities in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.index.iter().map(|(key, &place)| (key, &self.entries[place].2))
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
        self.index = self.entries.iter().enumerate().map(|(place, (key, _, _))| (key.clone(), place)).collect();
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
    }
}
