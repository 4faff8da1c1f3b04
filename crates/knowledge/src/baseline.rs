//! What is normal: for a principal, its peers, its account, an instance, a bucket, a domain.
//!
//! **Words.** A *baseline* is everything learnt; a *profile* is what it says of one entity; a *lesson* is what records
//! of one hour add to it ([`Lessons`]).
//!
//! **What is promised.**
//! - State is integers. The same lessons give the same state, byte for byte, for any sharding, any order of merging and
//!   any grouping of hours, as long as hours close in order and all lessons of an hour are merged before it closes.
//! - A question is answered from closed hours only: [`Baselines::apply`] is called when an hour is over, and nothing
//!   changes in between.
//! - Everything is bounded. What gives way is decided by event time and text, never by arrival, and counted.
//! - No number is hidden: [`Surprise`], [`Volume`] and [`Presence`] hold all that a person needs to compute them again.
//!
//! A value counts once an hour, so that a busy loop cannot dominate; what is a month old counts half; a profile takes
//! twenty new values a feature and day; from what fired a rule nothing is learnt for a day.

mod describe;
mod entity;
mod feature;
mod lessons;
mod presence;
mod profile;
mod saved;
mod surprise;
mod symbols;
#[cfg(test)]
mod tests;
mod volume;

pub use entity::{Entity, EntityKind};
pub use feature::{Feature, Metric, Period};
pub use lessons::Lessons;
pub use presence::{Frequency, Presence, WINDOW_DAYS};
pub use profile::{HOLD_HOURS, Profile};
pub use saved::{BASELINE_VERSION, BaselineError};
pub use surprise::{Surprise, SurpriseLevel};
pub use volume::Volume;

use crate::statistics::stable_hash;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use lessons::{About, Row};
use presence::Seen;
use profile::ProfileState;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use symbols::Symbols;
use watchfire_model::Time;

/// Unused texts below this number are left where they are.
const UNUSED_TEXTS_MIN: usize = 65_536;

/// Everything learnt. See the module's description.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    slots: Vec<Slot>,
    index: HashTable<u32>,
    hasher: FixedState,
    symbols: Symbols,
    /// How many texts were in use when they were last counted.
    symbols_used: usize,
    counts: BaselineCounts,
}

/// What was left out, and why: for the account of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct BaselineCounts {
    /// Profiles forgotten for lack of room.
    pub evicted: u64,
    /// Lessons of an hour before the newest that the entity had learnt.
    pub late: u64,
    /// Hours of an entity that taught nothing, because a rule had fired on it.
    pub withheld_hours: u64,
    /// Applications of lessons that were not complete; see [`Lessons::is_complete`].
    pub incomplete: u64,
    /// Lessons of impossible hours; see [`Lessons::out_of_range`].
    pub out_of_range: u64,
}

#[derive(Clone, Debug)]
struct Slot {
    kind: EntityKind,
    id: Box<str>,
    state: ProfileState,
}

impl Baselines {
    /// What is normal for this entity; `None` if nothing was learnt of it.
    pub fn profile(&self, entity: &Entity) -> Option<Profile<'_>> {
        let state = self.state(entity).filter(|state| state.active_hours > 0)?;
        Some(Profile { kind: entity.kind, state, symbols: &self.symbols })
    }

    /// How common this value is for this entity; unseen if nothing was learnt of it.
    pub fn frequency(&self, entity: &Entity, feature: Feature, value: &str, now: Time) -> Frequency {
        self.profile(entity).map_or(Frequency::Unseen, |profile| profile.frequency(feature, value, now))
    }

    /// Takes in the lessons of hours that are over, hour by hour.
    ///
    /// All lessons of an hour must be in one piece ([`Lessons::merge`]): what an entity has learnt of a later hour cannot
    /// be learnt of an earlier one any more, and is counted.
    pub fn apply(&mut self, mut lessons: Lessons) {
        self.counts.incomplete += u64::from(!lessons.is_complete());
        self.counts.out_of_range += lessons.out_of_range();
        let rows = lessons.take_rows();
        let order = Order::of(&lessons);
        let mut hours: BTreeMap<u32, Vec<(Row, u64)>> = BTreeMap::new();
        for (row, amount) in rows {
            hours.entry(row.hour).or_default().push((row, amount));
        }
        for (hour, rows) in hours {
            self.close_hour(hour, rows, &lessons, &order);
            self.evict();
        }
        self.forget_unused_texts();
    }

    /// Adds what another baseline has learnt.
    ///
    /// Exact where they share no entity. Exact, for entities whose periods follow each other and were cut at midnight
    /// (UTC), in presences, counts, sums and maxima, as long as no bound was met, no hold reached over the cut, and
    /// nothing was forgotten on either side: within 129 days. Later a value's count is too small by less than 0.1 for what
    /// one side alone had forgotten. Where periods overlap, a day counts once among the days on which a value was seen,
    /// and an hour that both saw twice in its count, but for the newest. Limits and means of the week cannot be added:
    /// those that learnt from more stay.
    pub fn merge(&mut self, other: &Self) {
        for slot in &other.slots {
            let state = self.adopted(&slot.state, &other.symbols);
            let at = self.place_of(slot.kind, &slot.id, slot.state.first_hour);
            self.slots[at].state.merge(state, slot.kind, &self.symbols);
        }
        self.counts.add(other.counts);
        self.evict();
        self.forget_unused_texts();
    }

    /// All entities of which something was learnt, by kind and id.
    pub fn entities(&self) -> Vec<Entity> {
        let learnt = self.slots.iter().filter(|slot| slot.state.active_hours > 0);
        let mut entities: Vec<Entity> = learnt.map(|slot| Entity::new(slot.kind, &*slot.id)).collect();
        entities.sort_unstable();
        entities
    }

    /// How many profiles are held.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing was learnt.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What was left out.
    pub fn counts(&self) -> BaselineCounts {
        self.counts
    }

    /// Bytes held, about.
    pub fn size_bytes(&self) -> usize {
        let slots: usize = self.slots.iter().map(|slot| slot.id.len() + slot.state.size_bytes()).sum();
        slots + self.slots.capacity() * size_of::<Slot>() + 5 * self.index.capacity() + self.symbols.size_bytes()
    }

    fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    fn state(&self, entity: &Entity) -> Option<&ProfileState> {
        let (kind, id) = (entity.kind, entity.kept_id());
        let hash = self.hasher.hash_one((kind, id));
        let is_it = |&at: &u32| self.slots[at as usize].kind == kind && *self.slots[at as usize].id == *id;
        self.index.find(hash, is_it).map(|&at| &self.slots[at as usize].state)
    }

    /// The place of an entity's profile, which begins in this hour if there was none.
    fn place_of(&mut self, kind: EntityKind, id: &str, hour: u32) -> usize {
        let hash = self.hasher.hash_one((kind, id));
        let is_it = |&at: &u32| self.slots[at as usize].kind == kind && *self.slots[at as usize].id == *id;
        if let Some(&at) = self.index.find(hash, is_it) {
            return at as usize;
        }
        let at = self.slots.len();
        self.slots.push(Slot { kind, id: id.into(), state: ProfileState::begun(hour) });
        let Self { slots, index, hasher, .. } = self;
        index.insert_unique(hash, at as u32, |&other| slots[other as usize].hash(hasher));
        at
    }

    fn close_hour(&mut self, hour: u32, mut rows: Vec<(Row, u64)>, lessons: &Lessons, order: &Order) {
        for (row, _) in rows.iter().filter(|(row, _)| row.about == About::Fired) {
            let at = self.place_of(row.kind, lessons.id(row.id), hour);
            let held_until = &mut self.slots[at].state.held_until;
            *held_until = (*held_until).max(hour + HOLD_HOURS);
        }
        self.withhold(hour, &mut rows, lessons);
        add_parents(&mut rows);
        rows.sort_unstable_by_key(|(row, _)| order.key(row));
        rows.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 = if same { kept.1.saturating_add(later.1) } else { kept.1 };
            same
        });
        // A parent may be held as well, and what it would have learnt through others is withheld like its own.
        self.withhold(hour, &mut rows, lessons);
        for own in rows.chunk_by(|one, next| (one.0.kind, one.0.id) == (next.0.kind, next.0.id)) {
            self.learn(hour, own, lessons);
        }
    }

    /// Leaves out the rows of entities that are held in this hour, and counts such hours.
    fn withhold(&mut self, hour: u32, rows: &mut Vec<(Row, u64)>, lessons: &Lessons) {
        let mut held: BTreeMap<(EntityKind, u32), bool> = BTreeMap::new();
        rows.retain(|(row, _)| {
            let is_held = *held.entry((row.kind, row.id)).or_insert_with(|| {
                let entity = Entity::new(row.kind, lessons.id(row.id));
                self.state(&entity).is_some_and(|state| state.held_until > hour)
            });
            !is_held
        });
        for (&(kind, id), _) in held.iter().filter(|(_, is_held)| **is_held) {
            let at = self.place_of(kind, lessons.id(id), hour);
            let state = &mut self.slots[at].state;
            state.withheld_hours = state.withheld_hours.saturating_add(1);
            self.counts.withheld_hours += 1;
        }
    }

    /// One entity's hour.
    fn learn(&mut self, hour: u32, rows: &[(Row, u64)], lessons: &Lessons) {
        let Some(&(Row { kind, id, .. }, _)) = rows.first() else { return };
        if rows.iter().all(|(row, _)| matches!(row.about, About::Fired | About::Parent(..))) {
            return;
        }
        let at = self.place_of(kind, lessons.id(id), hour);
        let Self { slots, symbols, counts, .. } = self;
        let state = &mut slots[at].state;
        if !state.advance(hour) {
            counts.late += rows.len() as u64;
            return;
        }
        let mut seen: BTreeMap<Feature, Vec<&str>> = BTreeMap::new();
        for &(row, amount) in rows {
            match row.about {
                About::Seen(feature, value) => seen.entry(feature).or_default().push(lessons.value(value)),
                About::Amount(metric) => state.add(kind, metric, amount),
                About::Fired | About::Parent(..) | About::Active => {}
            }
        }
        if let Some(apis) = seen.get(&Feature::Api) {
            state.add(kind, Metric::DistinctApisPerHour, apis.len() as u64);
        }
        for (feature, values) in seen {
            state.learn(kind, feature, &values, symbols);
        }
    }

    /// A profile of another baseline, with our numbers for its texts.
    fn adopted(&mut self, state: &ProfileState, symbols: &Symbols) -> ProfileState {
        let mut adopted = state.clone();
        for of in &mut adopted.features {
            let ours = |value: &Seen| Some(Seen { symbol: self.symbols.number(symbols.text(value.symbol))?, ..*value });
            of.set_values(of.values.iter().filter_map(ours).collect());
        }
        adopted
    }

    /// Forgets, of each kind of which there are too many, an eighth: the longest inactive, ties by id.
    fn evict(&mut self) {
        let mut held: BTreeMap<EntityKind, usize> = BTreeMap::new();
        self.slots.iter().for_each(|slot| *held.entry(slot.kind).or_default() += 1);
        for (kind, count) in held {
            let max = kind.entities_max();
            if count > max {
                self.evict_of(kind, count - (max - max / 8));
            }
        }
    }

    fn evict_of(&mut self, kind: EntityKind, count: usize) {
        let mut ages: Vec<(u32, Box<str>)> = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.kind == kind) {
            ages.push((slot.state.last_hour, slot.id.clone()));
        }
        ages.sort_unstable();
        // All that come before this one go.
        let Some(first_kept) = ages.into_iter().nth(count) else { return };
        let before = self.slots.len();
        self.slots
            .retain(|slot| slot.kind != kind || (slot.state.last_hour, &slot.id) >= (first_kept.0, &first_kept.1));
        self.counts.evicted += (before - self.slots.len()) as u64;
        self.reindex();
    }

    fn reindex(&mut self) {
        let Self { slots, index, hasher, .. } = self;
        index.clear();
        for at in 0..slots.len() as u32 {
            let hash = slots[at as usize].hash(hasher);
            index.insert_unique(hash, at, |&other| slots[other as usize].hash(hasher));
        }
    }

    /// When most texts may be unused, keeps those that are used.
    fn forget_unused_texts(&mut self) {
        if self.symbols.len() < 2 * self.symbols_used + UNUSED_TEXTS_MIN {
            return;
        }
        let old = std::mem::take(&mut self.symbols);
        let mut slots = std::mem::take(&mut self.slots);
        for of in slots.iter_mut().flat_map(|slot| &mut slot.state.features) {
            let kept = |value: &Seen| Some(Seen { symbol: self.symbols.number(old.text(value.symbol))?, ..*value });
            of.set_values(of.values.iter().filter_map(kept).collect());
        }
        self.slots = slots;
        self.symbols_used = self.symbols.len();
    }
}

impl Slot {
    fn hash(&self, hasher: &FixedState) -> u64 {
        hasher.hash_one((self.kind, &*self.id))
    }
}

impl BaselineCounts {
    fn add(&mut self, other: Self) {
        self.evicted += other.evicted;
        self.late += other.late;
        self.withheld_hours += other.withheld_hours;
        self.incomplete += other.incomplete;
        self.out_of_range += other.out_of_range;
    }
}

/// What entities do, their parents did too.
fn add_parents(rows: &mut Vec<(Row, u64)>) {
    let mut parents: BTreeMap<(EntityKind, u32), Vec<(EntityKind, u32)>> = BTreeMap::new();
    for (row, _) in rows.iter() {
        if let About::Parent(kind, id) = row.about {
            parents.entry((row.kind, row.id)).or_default().push((kind, id));
        }
    }
    let mut through: Vec<(Row, u64)> = Vec::new();
    for (row, amount) in rows.iter().filter(|(row, _)| !matches!(row.about, About::Fired | About::Parent(..))) {
        for &(kind, id) in parents.get(&(row.kind, row.id)).into_iter().flatten() {
            through.push((Row { kind, id, ..*row }, *amount));
        }
    }
    rows.append(&mut through);
}

/// The order in which an hour is learnt: entities by kind and id, values by hash, so that none comes first for its name.
struct Order {
    ids: Vec<u32>,
    values: Vec<u32>,
}

impl Order {
    fn of(lessons: &Lessons) -> Self {
        let (ids, values) = lessons.texts();
        Self {
            ids: ranks(ids.map(|id| (0, id)).collect()),
            values: ranks(values.map(|value| (stable_hash(value.as_bytes()), value)).collect()),
        }
    }

    fn key(&self, row: &Row) -> (EntityKind, u32, About) {
        let rank = |ranks: &[u32], number: u32| ranks.get(number as usize).copied().unwrap_or_default();
        let about = match row.about {
            About::Seen(feature, value) => About::Seen(feature, rank(&self.values, value)),
            About::Parent(kind, id) => About::Parent(kind, rank(&self.ids, id)),
            other => other,
        };
        (row.kind, rank(&self.ids, row.id), about)
    }
}

/// For each item its place when sorted.
fn ranks<T: Ord>(items: Vec<T>) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..items.len() as u32).collect();
    sorted.sort_unstable_by(|&one, &other| items[one as usize].cmp(&items[other as usize]));
    let mut ranks = vec![0; items.len()];
    sorted.iter().zip(0..).for_each(|(&number, rank)| ranks[number as usize] = rank);
    ranks
}
