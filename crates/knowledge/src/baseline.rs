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

pub use entity::{Entity, EntityKind, EntityRef};
pub use feature::{Feature, Metric, Period};
pub use lessons::{Lessons, LessonsOf};
pub use presence::{Frequency, Presence, WINDOW_DAYS};
pub use profile::{HOLD_HOURS, Profile};
pub use saved::{BASELINE_VERSION, BaselineError};
pub use surprise::{Habits, Surprise, SurpriseLevel, SurpriseLevels};
pub use volume::Volume;

use crate::statistics::stable_hash;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use lessons::{About, Row};
use presence::Seen;
use profile::ProfileState;
use std::hash::BuildHasher;
use symbols::{Learnt, Symbols};
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
    /// No profile is held in this hour or a later one: see [`HOLD_HOURS`].
    held_until: u32,
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
    pub fn profile<'e>(&self, entity: impl Into<EntityRef<'e>>) -> Option<Profile<'_>> {
        let entity = entity.into();
        let state = self.state(entity).filter(|state| state.active_hours > 0)?;
        Some(Profile { kind: entity.kind, state, symbols: &self.symbols })
    }

    /// How common this value is for this entity; unseen if nothing was learnt of it.
    pub fn frequency<'e>(
        &self,
        entity: impl Into<EntityRef<'e>>,
        feature: Feature,
        value: &str,
        now: Time,
    ) -> Frequency {
        self.profile(entity).map_or(Frequency::Unseen, |profile| profile.frequency(feature, value, now))
    }

    /// Takes in the lessons of hours that are over, hour by hour.
    ///
    /// All lessons of an hour must be in one piece ([`Lessons::merge`]): what an entity has learnt of a later hour cannot
    /// be learnt of an earlier one any more, and is counted.
    pub fn apply(&mut self, mut lessons: Lessons) {
        self.counts.incomplete += u64::from(!lessons.is_complete());
        self.counts.out_of_range += lessons.out_of_range();
        let mut rows = lessons.take_rows();
        // Nearly always they are of one hour, which the sort sees at once.
        rows.sort_by_key(|(row, _)| row.hour);
        let mut order = Order::of(&lessons);
        for of_hour in rows.chunk_by(|(one, _), (next, _)| one.hour == next.hour) {
            let Some((Row { hour, .. }, _)) = of_hour.first() else { continue };
            let keys = of_hour.iter().map(|(row, amount)| (order.key(row), *amount)).collect();
            self.close_hour(*hour, keys, &lessons, &mut order);
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
        self.held_until = self.held_until.max(other.held_until);
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

    fn state(&self, entity: EntityRef<'_>) -> Option<&ProfileState> {
        self.find(entity.kind, entity.kept_id()).map(|at| &self.slots[at].state)
    }

    fn find(&self, kind: EntityKind, id: &str) -> Option<usize> {
        let hash = self.hasher.hash_one((kind, id));
        let is_it = |&at: &u32| self.slots[at as usize].kind == kind && *self.slots[at as usize].id == *id;
        self.index.find(hash, is_it).map(|&at| at as usize)
    }

    /// The place of an entity's profile, which begins in this hour if there was none.
    fn place_of(&mut self, kind: EntityKind, id: &str, hour: u32) -> usize {
        if let Some(at) = self.find(kind, id) {
            return at;
        }
        let hash = self.hasher.hash_one((kind, id));
        let at = self.slots.len();
        self.slots.push(Slot { kind, id: id.into(), state: ProfileState::begun(hour) });
        let Self { slots, index, hasher, .. } = self;
        index.insert_unique(hash, at as u32, |&other| slots[other as usize].hash(hasher));
        at
    }

    fn close_hour(&mut self, hour: u32, mut rows: Vec<(Key, u64)>, lessons: &Lessons, order: &mut Order) {
        for (key, _) in rows.iter().filter(|(key, _)| key.tag() == Key::FIRED) {
            let (kind, id) = key.kind_and_id();
            let at = self.place_of(kind, lessons.id(id), hour);
            let held_until = &mut self.slots[at].state.held_until;
            *held_until = (*held_until).max(hour + HOLD_HOURS);
            self.held_until = self.held_until.max(*held_until);
        }
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows.dedup_by(add_same);
        let (mut taught, mut through) = (Vec::with_capacity(2 * rows.len()), Vec::with_capacity(2 * rows.len()));
        for own in rows.chunk_by(|one, next| one.0.entity() == next.0.entity()) {
            if !self.withholds(hour, own, lessons) {
                taught.extend_from_slice(own);
                add_parents(own, &mut through);
            }
        }
        through.sort_unstable_by_key(|(key, _)| *key);
        taught.append(&mut through);
        // Two runs in order, which a stable sort merges.
        taught.sort_by_key(|(key, _)| *key);
        taught.dedup_by(add_same);
        for own in taught.chunk_by(|one, next| one.0.entity() == next.0.entity()) {
            // A parent may be held as well, and what it would have learnt through others is withheld like its own.
            if !self.withholds(hour, own, lessons) {
                self.learn(hour, own, lessons, order);
            }
        }
    }

    /// Whether the entity of these rows is held in this hour; such hours are counted.
    fn withholds(&mut self, hour: u32, rows: &[(Key, u64)], lessons: &Lessons) -> bool {
        let Some(&(key, _)) = rows.first().filter(|_| self.held_until > hour) else { return false };
        let (kind, id) = key.kind_and_id();
        let Some(at) = self.find(kind, lessons.id(id)) else { return false };
        let state = &mut self.slots[at].state;
        if state.held_until <= hour {
            return false;
        }
        state.withheld_hours = state.withheld_hours.saturating_add(1);
        self.counts.withheld_hours += 1;
        true
    }

    /// One entity's hour.
    fn learn(&mut self, hour: u32, rows: &[(Key, u64)], lessons: &Lessons, order: &mut Order) {
        let Some(&(first, _)) = rows.first() else { return };
        if rows.iter().all(|(key, _)| !key.is_done()) {
            return;
        }
        let (kind, id) = first.kind_and_id();
        let at = self.place_of(kind, lessons.id(id), hour);
        let Self { slots, symbols, counts, .. } = self;
        let state = &mut slots[at].state;
        if !state.advance(hour) {
            counts.late += rows.len() as u64;
            return;
        }
        let Order { values, ours, .. } = order;
        let mut texts = Learnt { symbols, theirs: lessons.texts().1, ours };
        for alike in rows.chunk_by(|one, next| one.0.subject() == next.0.subject()) {
            let Some(&(key, amount)) = alike.first() else { continue };
            if let Some(feature) = key.feature() {
                let numbers = alike.iter().map(|(key, _)| values.number(key.value()));
                if feature == Feature::Api {
                    state.add(kind, Metric::DistinctApisPerHour, alike.len() as u64);
                }
                state.learn(kind, feature, numbers, &mut texts);
            } else if let Some(metric) = key.metric() {
                state.add(kind, metric, amount);
            }
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
        let mut held = [0; EntityKind::ALL.len()];
        self.slots.iter().for_each(|slot| held[slot.kind as usize] += 1);
        for (kind, count) in EntityKind::ALL.into_iter().zip(held) {
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

/// Adds up two lessons, if they say the same.
fn add_same(later: &mut (Key, u64), kept: &mut (Key, u64)) -> bool {
    let is_same = later.0 == kept.0;
    kept.1 = if is_same { kept.1.saturating_add(later.1) } else { kept.1 };
    is_same
}

/// What an entity does, its parents did too.
fn add_parents(own: &[(Key, u64)], through: &mut Vec<(Key, u64)>) {
    for (parent, _) in own.iter().filter(|(key, _)| key.tag() == Key::PARENT) {
        through
            .extend(own.iter().filter(|(key, _)| key.is_done()).map(|&(key, amount)| (key.of_parent(*parent), amount)));
    }
}

/// A lesson as a number. The order is that in which an hour is learnt: one entity after the other, no matter which comes
/// first, as none learns from another; then what it is about, values by hash, so that none comes first for its name.
///
/// From the highest bit: 8 for the kind of entity, 32 for the number of its id, 8 for the tag, 8 for the kind, feature or
/// metric, 32 for the number of the parent's id or the rank of the value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    const FIRED: u8 = 0;
    const PARENT: u8 = 1;
    const ACTIVE: u8 = 2;
    const SEEN: u8 = 3;
    const AMOUNT: u8 = 4;

    fn new((kind, id): (EntityKind, u32), (tag, about): (u8, u8), value: u32) -> Self {
        let entity = u128::from(kind as u8) << 32 | u128::from(id);
        Self(entity << 48 | u128::from(tag) << 40 | u128::from(about) << 32 | u128::from(value))
    }

    /// Kind and number of the entity.
    const fn entity(self) -> u64 {
        (self.0 >> 48) as u64
    }

    /// The same apart.
    const fn kind_and_id(self) -> (EntityKind, u32) {
        (EntityKind::ALL[(self.0 >> 80) as usize % EntityKind::ALL.len()], self.entity() as u32)
    }

    const fn tag(self) -> u8 {
        (self.0 >> 40) as u8
    }

    const fn about(self) -> u8 {
        (self.0 >> 32) as u8
    }

    /// Everything but the value.
    const fn subject(self) -> u128 {
        self.0 >> 32
    }

    const fn value(self) -> u32 {
        self.0 as u32
    }

    /// Whether it is something that the entity did.
    const fn is_done(self) -> bool {
        self.tag() >= Self::ACTIVE
    }

    fn feature(self) -> Option<Feature> {
        Feature::ALL.get(self.about() as usize).copied().filter(|_| self.tag() == Self::SEEN)
    }

    fn metric(self) -> Option<Metric> {
        Metric::ALL.get(self.about() as usize).copied().filter(|_| self.tag() == Self::AMOUNT)
    }

    /// The same, done by the entity that the other key names as a parent.
    fn of_parent(self, parent: Self) -> Self {
        let entity = u128::from(parent.about()) << 32 | u128::from(parent.value());
        Self(entity << 48 | self.0 & ((1 << 48) - 1))
    }
}

/// The ranks of values of some lessons.
struct Order {
    values: Ranks,
    /// Our numbers of the values, as far as they were looked up.
    ours: Vec<Option<u32>>,
}

impl Order {
    fn of(lessons: &Lessons) -> Self {
        let (_, values) = lessons.texts();
        Self {
            values: Ranks::of(&values.iter().map(|value| (stable_hash(value.as_bytes()), value)).collect::<Vec<_>>()),
            ours: vec![None; values.len()],
        }
    }

    fn key(&self, row: &Row) -> Key {
        let (about, value) = match row.about {
            About::Fired => ((Key::FIRED, 0), 0),
            About::Parent(kind, id) => ((Key::PARENT, kind as u8), id),
            About::Active => ((Key::ACTIVE, 0), 0),
            About::Seen(feature, value) => ((Key::SEEN, feature as u8), self.values.rank(value)),
            About::Amount(metric) => ((Key::AMOUNT, metric as u8), 0),
        };
        Key::new((row.kind, row.id), about, value)
    }
}

/// Numbers by rank, and ranks by number.
struct Ranks {
    numbers: Vec<u32>,
    ranks: Vec<u32>,
}

impl Ranks {
    /// Of each item the place when sorted.
    fn of<T: Ord>(items: &[T]) -> Self {
        let mut numbers: Vec<u32> = (0..items.len() as u32).collect();
        numbers.sort_unstable_by(|&one, &other| items[one as usize].cmp(&items[other as usize]));
        let mut ranks = vec![0; items.len()];
        numbers.iter().zip(0..).for_each(|(&number, rank)| ranks[number as usize] = rank);
        Self { numbers, ranks }
    }

    fn rank(&self, number: u32) -> u32 {
        self.ranks.get(number as usize).copied().unwrap_or_default()
    }

    fn number(&self, rank: u32) -> u32 {
        self.numbers.get(rank as usize).copied().unwrap_or_default()
    }
}
