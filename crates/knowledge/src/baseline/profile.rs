//! The habits of one entity.

use super::entity::EntityKind;
use super::feature::{Feature, Metric};
use super::presence::{Frequency, HOUR_MAX, Presence, Seen, moved_mass};
use super::symbols::{Learnt, Symbols};
use super::volume::{Volume, VolumeState};
use crate::statistics::Mass;
use watchfire_model::Time;

/// Hours in which nothing is learnt of an entity that a rule has fired on. Source: 24 hours, so that what fired does not
/// become normal while it is looked at.
pub const HOLD_HOURS: u32 = 24;

/// What is kept of one entity. Masses are of the epoch of its last day.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ProfileState {
    pub(super) first_hour: u32,
    pub(super) last_hour: u32,
    pub(super) active_hours: u32,
    pub(super) active_days: u32,
    /// The first hour in which is learnt again.
    pub(super) held_until: u32,
    /// Hours in which something was not learnt for that reason.
    pub(super) withheld_hours: u32,
    /// Sorted by feature.
    pub(super) features: Vec<FeatureState>,
    /// Sorted by metric.
    pub(super) volumes: Vec<VolumeState>,
}

/// The values of one feature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FeatureState {
    pub(super) feature: Feature,
    /// New values that were not taken, and old ones that had to give way.
    pub(super) dropped: u32,
    /// The sum of all masses.
    pub(super) total: u64,
    /// Sorted by symbol.
    pub(super) values: Vec<Seen>,
}

/// What is normal for one entity: the questions that detections ask.
#[derive(Clone, Copy)]
pub struct Profile<'a> {
    pub(super) kind: EntityKind,
    pub(super) state: &'a ProfileState,
    pub(super) symbols: &'a Symbols,
}

impl<'a> Profile<'a> {
    /// The kind of entity.
    pub fn kind(self) -> EntityKind {
        self.kind
    }

    /// The first day, since the epoch, on which anything was learnt.
    pub fn first_day(self) -> i64 {
        (self.state.first_hour / 24).into()
    }

    /// The last hour, since the epoch, in which anything was learnt.
    pub fn last_hour(self) -> i64 {
        self.state.last_hour.into()
    }

    /// Hours in which anything was learnt.
    pub fn active_hours(self) -> u32 {
        self.state.active_hours
    }

    /// Days on which anything was learnt.
    pub fn active_days(self) -> u32 {
        self.state.active_days
    }

    /// Whole days since the first: 0 on the first day. The day of learning that a finding names is one more.
    pub fn age_days(self, now: Time) -> u32 {
        now.day().saturating_sub(self.first_day()).clamp(0, u32::MAX.into()) as u32
    }

    /// The hour, since the epoch, in which learning goes on, if a rule has fired and it does not learn now.
    pub fn held_until(self, now: Time) -> Option<i64> {
        Some(i64::from(self.state.held_until)).filter(|&until| until > now.hour())
    }

    /// How often and when this value was seen; `None` if it was not, or is forgotten.
    pub fn presence(self, feature: Feature, value: &str, now: Time) -> Option<Presence> {
        let symbol = self.symbols.get(Feature::kept_value(value))?;
        self.state.presence(feature, symbol, now)
    }

    /// How common this value is for the entity.
    pub fn frequency(self, feature: Feature, value: &str, now: Time) -> Frequency {
        Frequency::of(self.presence(feature, value, now))
    }

    /// Different values of a feature that are remembered.
    pub fn distinct(self, feature: Feature) -> usize {
        self.state.feature(feature).map_or(0, |of| of.values.len())
    }

    /// All values of a feature, the most frequent first, ties by text.
    pub fn values(self, feature: Feature, now: Time) -> Vec<(&'a str, Presence)> {
        let Some(of) = self.state.feature(feature) else { return Vec::new() };
        let (epoch, day) = (self.state.epoch(), self.state.day_of(now));
        let seen = of.values.iter().filter_map(|value| Some((value.symbol, value.presence(epoch, day)?)));
        let mut values: Vec<_> = seen.map(|(symbol, presence)| (self.symbols.text(symbol), presence)).collect();
        values.sort_by(|one, other| other.1.count_1024.cmp(&one.1.count_1024).then(one.0.cmp(other.0)));
        values
    }

    /// Since which day, counted from the epoch, a feature has values: the earliest first day of those that are remembered.
    pub fn first_day_of(self, feature: Feature, now: Time) -> Option<i64> {
        let of = self.state.feature(feature)?;
        let (epoch, day) = (self.state.epoch(), self.state.day_of(now));
        of.values.iter().filter_map(|value| Some(value.presence(epoch, day)?.first_day)).min()
    }

    /// New values of a feature that were not taken, because there were too many on a day, and old ones that gave way.
    pub fn dropped(self, feature: Feature) -> u32 {
        self.state.feature(feature).map_or(0, |of| of.dropped)
    }

    /// What was normal of a metric before this moment. `rate_ppb` is the chosen probability, in 1e-9, that a good amount
    /// exceeds the limit.
    pub fn volume(self, metric: Metric, now: Time, rate_ppb: u32) -> Option<Volume> {
        let hour = now.hour().clamp(0, HOUR_MAX.into()) as u32;
        let at = self.state.volumes.binary_search_by_key(&metric, |volume| volume.metric).ok()?;
        Some(self.state.volumes[at].as_of(hour, rate_ppb)).filter(|volume| volume.periods > 0)
    }
}

impl ProfileState {
    /// A profile that begins in this hour, of which nothing is learnt yet.
    pub(super) fn begun(hour: u32) -> Self {
        Self { first_hour: hour, last_hour: hour, ..Self::default() }
    }

    pub(super) fn epoch(&self) -> u32 {
        Mass::epoch(self.last_hour / 24)
    }

    /// The day of a question, which is never before the last day that was learnt.
    pub(super) fn day_of(&self, now: Time) -> u32 {
        (now.day().clamp(0, (HOUR_MAX / 24).into()) as u32).max(self.last_hour / 24)
    }

    pub(super) fn feature(&self, feature: Feature) -> Option<&FeatureState> {
        let at = self.features.binary_search_by_key(&feature, |of| of.feature).ok()?;
        Some(&self.features[at])
    }

    pub(super) fn presence(&self, feature: Feature, symbol: u32, now: Time) -> Option<Presence> {
        self.feature(feature)?.value(symbol)?.presence(self.epoch(), self.day_of(now))
    }

    /// Begins an hour in which something is learnt. `false` if it lies before the newest: then nothing may be learnt.
    pub(super) fn advance(&mut self, hour: u32) -> bool {
        let is_first = self.active_hours == 0;
        if is_first {
            self.first_hour = hour;
        } else if hour <= self.last_hour {
            return hour == self.last_hour;
        }
        let (before, day) = (self.last_hour / 24, hour / 24);
        self.active_hours += 1;
        if is_first || day > before {
            self.active_days += 1;
            self.sweep(before.min(day), day);
        }
        self.last_hour = hour;
        true
    }

    /// Takes in the values of one feature that were seen in the current hour, each by its number among the lessons: those
    /// that are known, then the new ones in their order, as many as there may be on a day.
    pub(super) fn learn(
        &mut self,
        kind: EntityKind,
        feature: Feature,
        values: impl Iterator<Item = u32>,
        texts: &mut Learnt<'_>,
    ) {
        let hour = self.last_hour;
        let at = self.place_of(feature);
        let of = &mut self.features[at];
        let new: Vec<u32> = values.filter(|&value| !of.touch(texts.symbol(value), hour)).collect();
        if new.is_empty() {
            return;
        }
        let room = kind.scope().new_values_a_day_max().saturating_sub(of.new_on(hour / 24));
        of.dropped = of.dropped.saturating_add(u32::try_from(new.len().saturating_sub(room)).unwrap_or(u32::MAX));
        for value in new.into_iter().take(room) {
            let Some(symbol) = texts.new_symbol(value) else { break };
            self.make_room(kind, at, 1, texts.symbols);
            self.features[at].insert(Seen::first(symbol, hour));
        }
    }

    /// Adds an amount of the current hour.
    pub(super) fn add(&mut self, kind: EntityKind, metric: Metric, amount: u64) {
        let hour = self.last_hour;
        let at = match self.volumes.binary_search_by_key(&metric, |volume| volume.metric) {
            Ok(at) => at,
            Err(at) => {
                self.volumes.reserve_exact(1);
                self.volumes.insert(at, VolumeState::new(metric, kind, hour));
                at
            }
        };
        self.volumes[at].add(hour, amount);
    }

    /// The same entity's profile from elsewhere: another period, or another part of the records.
    pub(super) fn merge(&mut self, other: Self, kind: EntityKind, symbols: &Symbols) {
        let held_until = self.held_until.max(other.held_until);
        let withheld_hours = self.withheld_hours.saturating_add(other.withheld_hours);
        if self.active_hours > 0 && other.active_hours > 0 {
            self.merge_learnt(other, kind, symbols);
        } else if other.active_hours > 0 {
            *self = other;
        }
        (self.held_until, self.withheld_hours) = (held_until, withheld_hours);
    }

    fn merge_learnt(&mut self, other: Self, kind: EntityKind, symbols: &Symbols) {
        let (begins, ends) = (self.first_hour.max(other.first_hour), self.last_hour.min(other.last_hour));
        let (own_epoch, other_epoch) = (self.epoch(), other.epoch());
        self.active_hours = self.active_hours.saturating_add(other.active_hours) - u32::from(ends >= begins);
        self.active_days = self.active_days.saturating_add(other.active_days) - u32::from(ends / 24 >= begins / 24);
        self.first_hour = self.first_hour.min(other.first_hour);
        self.last_hour = self.last_hour.max(other.last_hour);
        let (epoch, day) = (self.epoch(), self.last_hour / 24);
        for of in &other.features {
            self.place_of(of.feature);
        }
        for of in &mut self.features {
            let others = other.features.iter().find(|others| others.feature == of.feature);
            of.merge(own_epoch, others, other_epoch, epoch);
            of.sweep(epoch, epoch, day);
        }
        for volume in other.volumes {
            match self.volumes.binary_search_by_key(&volume.metric, |own| own.metric) {
                Ok(at) => self.volumes[at].merge(volume),
                Err(at) => self.volumes.insert(at, volume),
            }
        }
        (0..self.features.len()).for_each(|at| while self.make_room(kind, at, 0, symbols) {});
    }

    /// Lets the longest unseen value give way if `more` would not fit. Whether one had to.
    fn make_room(&mut self, kind: EntityKind, at: usize, more: usize, symbols: &Symbols) -> bool {
        let of = &self.features[at];
        let all: usize = self.features.iter().map(|of| of.values.len()).sum();
        if of.values.len() + more > of.feature.values_max(kind.scope()) {
            self.features[at].drop_longest_unseen(symbols);
            return true;
        }
        if all + more > kind.scope().values_max() {
            let oldest =
                (0..self.features.len()).filter_map(|at| Some((self.features[at].longest_unseen(symbols)?, at)));
            let oldest = oldest.min_by(|one, other| longer_unseen(one.0, other.0, symbols)).map_or(at, |(_, at)| at);
            self.features[oldest].drop_longest_unseen(symbols);
            return true;
        }
        false
    }

    /// A new day: masses of the new epoch, and what is too little is forgotten.
    fn sweep(&mut self, before: u32, day: u32) {
        for of in &mut self.features {
            of.sweep(Mass::epoch(before), Mass::epoch(day), day);
        }
    }

    fn place_of(&mut self, feature: Feature) -> usize {
        match self.features.binary_search_by_key(&feature, |of| of.feature) {
            Ok(at) => at,
            Err(at) => {
                self.features.reserve_exact(1);
                self.features.insert(at, FeatureState { feature, dropped: 0, total: 0, values: Vec::new() });
                at
            }
        }
    }

    /// Bytes held besides the value itself.
    pub(super) fn size_bytes(&self) -> usize {
        let values: usize = self.features.iter().map(|of| of.values.capacity() * size_of::<Seen>()).sum();
        let volumes: usize = self.volumes.iter().map(VolumeState::size_bytes).sum();
        let lists =
            self.features.capacity() * size_of::<FeatureState>() + self.volumes.capacity() * size_of::<VolumeState>();
        values + volumes + lists
    }
}

impl FeatureState {
    /// The value with this symbol.
    pub(super) fn value(&self, symbol: u32) -> Option<Seen> {
        let at = self.values.binary_search_by_key(&symbol, |value| value.symbol).ok()?;
        Some(self.values[at])
    }

    /// Takes in that a value was seen in this hour. `false` if it is not here.
    fn touch(&mut self, symbol: Option<u32>, hour: u32) -> bool {
        let place = |symbol: u32| self.values.binary_search_by_key(&symbol, |value| value.symbol).ok();
        let Some(at) = symbol.and_then(place) else { return false };
        let value = &mut self.values[at];
        let before = value.mass;
        value.touch(hour);
        self.total += u64::from(value.mass - before);
        true
    }

    /// Puts these values in place of those that were here, in any order of their symbols.
    pub(super) fn set_values(&mut self, mut values: Vec<Seen>) {
        values.sort_unstable_by_key(|value| value.symbol);
        self.total = values.iter().map(|value| u64::from(value.mass)).sum();
        self.values = values;
    }

    /// Values that were first seen on this day.
    fn new_on(&self, day: u32) -> usize {
        self.values.iter().filter(|value| value.age_days() == 0 && value.last_day() == day).count()
    }

    fn insert(&mut self, seen: Seen) {
        if let Err(at) = self.values.binary_search_by_key(&seen.symbol, |value| value.symbol) {
            if self.values.len() == self.values.capacity() {
                self.values.reserve_exact(ROOM_STEP);
            }
            self.values.insert(at, seen);
            self.total += u64::from(seen.mass);
        }
    }

    fn longest_unseen(&self, symbols: &Symbols) -> Option<Seen> {
        self.values.iter().copied().min_by(|&one, &other| longer_unseen(one, other, symbols))
    }

    fn drop_longest_unseen(&mut self, symbols: &Symbols) {
        let Some(oldest) = self.longest_unseen(symbols) else { return };
        self.values.retain(|value| value.symbol != oldest.symbol);
        self.total -= u64::from(oldest.mass);
        self.dropped = self.dropped.saturating_add(1);
    }

    /// Masses of a later epoch, without what is too little to remember on this day.
    fn sweep(&mut self, before: u32, epoch: u32, day: u32) {
        self.values.retain_mut(|value| {
            value.mass = moved_mass(value.mass, epoch - before);
            !value.is_forgotten(epoch, day)
        });
        self.total = self.values.iter().map(|value| u64::from(value.mass)).sum();
    }

    /// The masses of both are of an epoch of their own, those of the sum of a third, the later. The total is left to the
    /// sweep that must follow.
    fn merge(&mut self, own_epoch: u32, others: Option<&Self>, other_epoch: u32, epoch: u32) {
        let own = self.values.iter().map(|&value| (value, own_epoch));
        let other = others.into_iter().flat_map(|of| &of.values).map(|&value| (value, other_epoch));
        let mut all: Vec<(Seen, u32)> = own.chain(other).collect();
        all.sort_by_key(|(value, _)| value.symbol);
        let same = all.chunk_by(|one, next| one.0.symbol == next.0.symbol);
        self.values = same
            .filter_map(|values| match *values {
                [] => None,
                [(value, own)] => Some(Seen { mass: moved_mass(value.mass, epoch - own), ..value }),
                [one, other, ..] => Some(Seen::merged(one, other, epoch)),
            })
            .collect();
        self.dropped = self.dropped.saturating_add(others.map_or(0, |of| of.dropped));
    }
}

/// Room for so many values is made at a time: a little slack in each of 100,000 profiles, instead of half.
const ROOM_STEP: usize = 4;

/// Which of two values gives way first: the longer unseen, then the lighter, then the first by text.
fn longer_unseen(one: Seen, other: Seen, symbols: &Symbols) -> std::cmp::Ordering {
    let by_use = (one.last_hour(), one.mass).cmp(&(other.last_hour(), other.mass));
    by_use.then_with(|| symbols.text(one.symbol).cmp(symbols.text(other.symbol)))
}
