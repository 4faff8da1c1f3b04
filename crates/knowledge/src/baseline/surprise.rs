//! How surprising a value is, from the habits of an entity and of those it belongs to.

use super::Baselines;
use super::entity::{Entity, EntityKind, EntityRef};
use super::feature::Feature;
use super::presence::{Frequency, Presence};
use super::profile::{Profile, ProfileState};
use crate::statistics::{COUNT_ONE, Mass, log2_milli};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use watchfire_model::Time;

/// No value counts for more. Source: 24 bits are one in 17 million, more than any history here can tell.
const BITS_MAX_MILLI: u32 = 24_000;
/// Probabilities are kept in 2^-60.
const ONE_Q60: u64 = 1 << 60;

/// How surprising a value is, and everything it follows from.
///
/// Witten–Bell back-off (Witten and Bell, 1991): with N the sum of the counts at a level and T its different values,
/// `λ = N/(N+T)` and `p = λ·count/N + (1−λ)·p of the level above`, which is `(count + T·p of the level above)/(N + T)`.
/// Above the last level stands 1/V. The surprise is −log2 p. So a new subject borrows the habits of its peers, and a
/// long, narrow history leaves little room for anything new.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Surprise {
    /// −log2 p, in 1/1000 bit, at most 24,000.
    pub bits_milli: u32,
    /// V: see [`Feature::values_in_the_world`].
    pub values_in_the_world: u64,
    /// The levels in the order of the question: the subject first, those it belongs to after it.
    pub levels: SurpriseLevels,
}

/// At most three levels, without a piece of memory of their own: there are a dozen surprises for each session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SurpriseLevels {
    count: u8,
    /// Those beyond the count are [`SurpriseLevel::NOTHING`].
    all: [SurpriseLevel; Self::MAX],
}

/// One level's part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SurpriseLevel {
    /// What stands at this level.
    pub kind: EntityKind,
    /// How often the value was seen there, in 1/1024; 0 if never, or if it is forgotten.
    pub count_1024: u64,
    /// N: the sum of the counts of all values, in 1/1024.
    pub total_1024: u64,
    /// T: different values.
    pub distinct: u64,
    /// λ in 1/10000: how much the level's own history counts against the level above.
    pub lambda_10000: u32,
    /// −log2 of the probability at this level, in 1/1000 bit.
    pub bits_milli: u32,
}

impl SurpriseLevels {
    /// How many there may be.
    pub const MAX: usize = 3;

    const NONE: Self = Self { count: 0, all: [SurpriseLevel::NOTHING; Self::MAX] };

    /// One more at the end. More than there may be are left out.
    fn push(&mut self, level: SurpriseLevel) {
        if let Some(place) = self.all.get_mut(usize::from(self.count)) {
            *place = level;
            self.count += 1;
        }
    }

    fn reversed(mut self) -> Self {
        self.all[..usize::from(self.count)].reverse();
        self
    }
}

impl Deref for SurpriseLevels {
    type Target = [SurpriseLevel];

    fn deref(&self) -> &[SurpriseLevel] {
        &self.all[..usize::from(self.count)]
    }
}

/// As a list.
impl Serialize for SurpriseLevels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&**self)
    }
}

impl<'de> Deserialize<'de> for SurpriseLevels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut levels = Self::NONE;
        Vec::<SurpriseLevel>::deserialize(deserializer)?.into_iter().for_each(|level| levels.push(level));
        Ok(levels)
    }
}

/// What is known of a subject and of those it belongs to, from near to far: looked up once, for many questions.
#[derive(Clone, Copy)]
pub struct Habits<'b> {
    baselines: &'b Baselines,
    levels: [(EntityKind, Option<&'b ProfileState>); 3],
}

impl<'b> Habits<'b> {
    /// What is normal at each level; `None` where nothing was learnt.
    pub fn profiles(&self) -> [Option<Profile<'b>>; 3] {
        self.levels.map(|(kind, state)| {
            let state = state.filter(|state| state.active_hours > 0)?;
            Some(Profile { kind, state, symbols: self.baselines.symbols() })
        })
    }

    /// How surprising this value is, as [`Baselines::surprise_milli_bits`] says, and how common at each level, as
    /// [`Baselines::frequency`] says.
    pub fn assess(&self, feature: Feature, value: &str, now: Time) -> (Surprise, [Frequency; 3]) {
        let symbol = self.baselines.symbols().get(Feature::kept_value(value));
        let mut probability = ONE_Q60 / feature.values_in_the_world();
        let mut parts = SurpriseLevels::NONE;
        let mut common = [Frequency::Unseen; 3];
        for (&(kind, state), common) in self.levels.iter().zip(&mut common).rev() {
            let (mut level, presence) = level(kind, state, feature, symbol, now);
            probability = level.probability(probability);
            level.bits_milli = bits_milli(probability);
            *common = Frequency::of(presence.filter(|_| state.is_some_and(|state| state.active_hours > 0)));
            parts.push(level);
        }
        let levels = parts.reversed();
        let bits_milli = levels.first().map_or_else(|| bits_milli(probability), |nearest| nearest.bits_milli);
        (Surprise { bits_milli, values_in_the_world: feature.values_in_the_world(), levels }, common)
    }
}

impl Baselines {
    /// What is known of a subject, of its peers and of its account, say.
    pub fn habits(&self, levels: [EntityRef<'_>; 3]) -> Habits<'_> {
        Habits { baselines: self, levels: levels.map(|entity| (entity.kind, self.state(entity))) }
    }

    /// How surprising this value is for the first of `levels`, the others being those it belongs to, from near to far:
    /// principal, peer group, account; at most [`SurpriseLevels::MAX`]. Levels of which nothing is known do not count.
    pub fn surprise_milli_bits(&self, levels: &[&Entity], feature: Feature, value: &str, now: Time) -> Surprise {
        let mut parts = SurpriseLevels::NONE;
        let bits_milli = self.back_off(levels, feature, value, now, |level| parts.push(level));
        Surprise { bits_milli, values_in_the_world: feature.values_in_the_world(), levels: parts.reversed() }
    }

    /// The same without its parts, for what is asked of every record.
    pub fn surprise_bits(&self, levels: &[&Entity], feature: Feature, value: &str, now: Time) -> u32 {
        self.back_off(levels, feature, value, now, |_| ())
    }

    fn back_off(
        &self,
        levels: &[&Entity],
        feature: Feature,
        value: &str,
        now: Time,
        mut note: impl FnMut(SurpriseLevel),
    ) -> u32 {
        let symbol = self.symbols().get(Feature::kept_value(value));
        let mut probability = ONE_Q60 / feature.values_in_the_world();
        for entity in levels.iter().rev() {
            let (mut level, _) = level(entity.kind, self.state((*entity).into()), feature, symbol, now);
            probability = level.probability(probability);
            level.bits_milli = bits_milli(probability);
            note(level);
        }
        bits_milli(probability)
    }
}

/// One level without its bits, and how often and when the value was seen there.
fn level(
    kind: EntityKind,
    state: Option<&ProfileState>,
    feature: Feature,
    symbol: Option<u32>,
    now: Time,
) -> (SurpriseLevel, Option<Presence>) {
    let mut level = SurpriseLevel { kind, ..SurpriseLevel::NOTHING };
    let Some(state) = state else { return (level, None) };
    let Some(of) = state.feature(feature) else { return (level, None) };
    let (epoch, day) = (state.epoch(), state.day_of(now));
    level.total_1024 = Mass::count_1024(of.total, epoch, day);
    level.distinct = of.values.len() as u64;
    let presence = symbol.and_then(|symbol| of.value(symbol)?.presence(epoch, day));
    level.count_1024 = presence.map_or(0, |presence| presence.count_1024.into());
    let whole = level.total_1024 + level.distinct * u64::from(COUNT_ONE);
    level.lambda_10000 = (level.total_1024 * 10_000 / whole.max(1)) as u32;
    (level, presence)
}

impl SurpriseLevel {
    const NOTHING: Self =
        Self { kind: EntityKind::Principal, count_1024: 0, total_1024: 0, distinct: 0, lambda_10000: 0, bits_milli: 0 };

    /// The probability here, from that of the level above, both in 2^-60.
    fn probability(&self, above: u64) -> u64 {
        let distinct_1024 = u128::from(self.distinct) * u128::from(COUNT_ONE);
        let whole = u128::from(self.total_1024) + distinct_1024;
        if whole == 0 {
            return above;
        }
        // The count is part of the total, but both are rounded down: never more than certain.
        let count = u128::from(self.count_1024.min(self.total_1024));
        ((count * u128::from(ONE_Q60) + distinct_1024 * u128::from(above)) / whole) as u64
    }
}

/// The arithmetic in one line, the far levels first, so that it can be followed by hand.
impl fmt::Display for Surprise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1/{}", self.values_in_the_world)?;
        for level in self.levels.iter().rev() {
            write!(
                formatter,
                "; {}: ({} + {}·p)/({} + {}), {} bits",
                level.kind.words(),
                in_thousandths(level.count_1024 * 1000 / 1024),
                level.distinct,
                in_thousandths(level.total_1024 * 1000 / 1024),
                level.distinct,
                in_thousandths(level.bits_milli.into())
            )?;
        }
        Ok(())
    }
}

fn bits_milli(probability: u64) -> u32 {
    (log2_milli(ONE_Q60, probability.max(1)).clamp(0, BITS_MAX_MILLI.into())) as u32
}

/// `12.345`, without zeros at the end.
pub(super) fn in_thousandths(milli: u64) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
