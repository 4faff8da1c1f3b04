//! Baselines and lessons as they are saved: versioned, sorted, equal states as equal bytes.

use super::entity::{Entity, EntityKind};
use super::feature::Feature;
use super::lessons::{About, Row};
use super::presence::{HOUR_MAX, Seen};
use super::profile::{FeatureState, ProfileState};
use super::volume::VolumeState;
use super::{BaselineCounts, Baselines, Lessons, Metric, Slot};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The version of what is saved.
pub const BASELINE_VERSION: u32 = 1;

/// What was saved could not be read.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is not what we save, or damaged.
    #[error("could not read the saved baseline")]
    Unreadable(#[source] serde_json::Error),
    /// Another version of the program wrote it.
    #[error("the baseline was saved in version {found}; this program reads version {BASELINE_VERSION}")]
    WrongVersion {
        /// The version that it says it has.
        found: u32,
    },
    /// It contradicts itself.
    #[error("the saved baseline is damaged: {0}")]
    Damaged(&'static str),
}

/// One value: the place of its text, mass, last hour, days between first and last, days of the last thirty as bits.
type SavedValue = (u32, u32, u32, u32, u32);

#[derive(Serialize, Deserialize)]
struct SavedFeature {
    feature: Feature,
    #[serde(default, skip_serializing_if = "is_zero")]
    dropped: u32,
    values: Vec<SavedValue>,
}

#[derive(Serialize, Deserialize)]
struct SavedProfile {
    kind: EntityKind,
    id: String,
    first_hour: u32,
    last_hour: u32,
    active_hours: u32,
    active_days: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    held_until: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    withheld_hours: u32,
    features: Vec<SavedFeature>,
    volumes: Vec<VolumeState>,
}

#[derive(Deserialize)]
struct Saved {
    version: u32,
    counts: BaselineCounts,
    texts: Vec<String>,
    profiles: Vec<SavedProfile>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Baselines {
    /// Reads what was saved as JSON (`serde_json::to_vec`).
    pub fn from_json(bytes: &[u8]) -> Result<Self, BaselineError> {
        let Version { version: found } = serde_json::from_slice(bytes).map_err(BaselineError::Unreadable)?;
        if found != BASELINE_VERSION {
            return Err(BaselineError::WrongVersion { found });
        }
        restored(serde_json::from_slice(bytes).map_err(BaselineError::Unreadable)?)
    }
}

impl<'a> Deserialize<'a> for Baselines {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        restored(Saved::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Baselines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts = Texts::used_by(self);
        let mut slots: Vec<&Slot> = self.slots.iter().collect();
        slots.sort_unstable_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        let mut saved = serializer.serialize_struct("Baselines", 4)?;
        saved.serialize_field("version", &BASELINE_VERSION)?;
        saved.serialize_field("counts", &self.counts)?;
        saved.serialize_field("texts", &texts.sorted)?;
        saved.serialize_field("profiles", &Profiles { slots, texts: &texts })?;
        saved.end()
    }
}

/// One profile after the other, so that not all are in memory twice.
struct Profiles<'a> {
    slots: Vec<&'a Slot>,
    texts: &'a Texts<'a>,
}

impl Serialize for Profiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.slots.iter().map(|slot| saved_profile(slot, self.texts)))
    }
}

/// The texts in use, sorted, and the place of each by its number.
struct Texts<'a> {
    sorted: Vec<&'a str>,
    places: Vec<u32>,
}

impl<'a> Texts<'a> {
    fn used_by(baselines: &'a Baselines) -> Self {
        let mut is_used = vec![false; baselines.symbols.len()];
        for of in baselines.slots.iter().flat_map(|slot| &slot.state.features) {
            of.values.iter().for_each(|value| is_used[value.symbol as usize] = true);
        }
        let used = baselines.symbols.iter().zip(0u32..).filter(|&(_, number)| is_used[number as usize]);
        let mut used: Vec<(&str, u32)> = used.collect();
        used.sort_unstable();
        let mut places = vec![0; is_used.len()];
        used.iter().zip(0..).for_each(|(&(_, number), place)| places[number as usize] = place);
        Self { sorted: used.into_iter().map(|(text, _)| text).collect(), places }
    }
}

fn saved_profile(slot: &Slot, texts: &Texts<'_>) -> SavedProfile {
    let state = &slot.state;
    let is_empty = |of: &&FeatureState| of.values.is_empty() && of.dropped == 0;
    let features = state.features.iter().filter(|of| !is_empty(of)).map(|of| {
        let place = |symbol: u32| texts.places[symbol as usize];
        let parts = of
            .values
            .iter()
            .map(|seen| (place(seen.symbol), seen.mass, seen.last_hour(), seen.age_days(), seen.days()));
        let mut values: Vec<SavedValue> = parts.collect();
        values.sort_unstable();
        SavedFeature { feature: of.feature, dropped: of.dropped, values }
    });
    SavedProfile {
        kind: slot.kind,
        id: slot.id.to_string(),
        first_hour: state.first_hour,
        last_hour: state.last_hour,
        active_hours: state.active_hours,
        active_days: state.active_days,
        held_until: state.held_until,
        withheld_hours: state.withheld_hours,
        features: features.collect(),
        volumes: state.volumes.clone(),
    }
}

fn restored(saved: Saved) -> Result<Baselines, BaselineError> {
    if saved.version != BASELINE_VERSION {
        return Err(BaselineError::WrongVersion { found: saved.version });
    }
    let mut baselines = Baselines { counts: saved.counts, ..Baselines::default() };
    for text in &saved.texts {
        let number = baselines.symbols.number(text).ok_or(BaselineError::Damaged("it has too many texts"))?;
        if number as usize + 1 != baselines.symbols.len() {
            return Err(BaselineError::Damaged("a text stands there twice"));
        }
    }
    for profile in saved.profiles {
        let before = baselines.slots.len();
        let at = baselines.place_of(profile.kind, &profile.id, profile.first_hour);
        if at != before {
            return Err(BaselineError::Damaged("an entity stands there twice"));
        }
        let state = restored_profile(profile, saved.texts.len())?;
        baselines.held_until = baselines.held_until.max(state.held_until);
        baselines.slots[at].state = state;
    }
    baselines.symbols_used = saved.texts.len();
    Ok(baselines)
}

fn restored_profile(saved: SavedProfile, texts: usize) -> Result<ProfileState, BaselineError> {
    if saved.first_hour > saved.last_hour || saved.last_hour > HOUR_MAX {
        return Err(BaselineError::Damaged("an hour is impossible"));
    }
    if !saved.features.is_sorted_by(|one, next| one.feature < next.feature)
        || !saved.volumes.is_sorted_by(|one, next| one.metric < next.metric)
    {
        return Err(BaselineError::Damaged("a feature or metric stands there twice"));
    }
    let features = saved.features.into_iter().map(|of| restored_feature(of, saved.last_hour, texts));
    Ok(ProfileState {
        first_hour: saved.first_hour,
        last_hour: saved.last_hour,
        active_hours: saved.active_hours,
        active_days: saved.active_days,
        held_until: saved.held_until,
        withheld_hours: saved.withheld_hours,
        features: features.collect::<Result<_, _>>()?,
        volumes: saved.volumes,
    })
}

fn restored_feature(saved: SavedFeature, last_hour: u32, texts: usize) -> Result<FeatureState, BaselineError> {
    let mut values = Vec::with_capacity(saved.values.len());
    for (place, mass, last, age_days, days) in saved.values {
        if place as usize >= texts || last > last_hour {
            return Err(BaselineError::Damaged("a value has no text, or was seen after the last hour"));
        }
        values.push(Seen::from_parts(place, mass, last, age_days, days));
    }
    if !values.is_sorted_by(|one, next| one.symbol < next.symbol) {
        return Err(BaselineError::Damaged("a value stands there twice"));
    }
    let mut state = FeatureState { feature: saved.feature, dropped: saved.dropped, total: 0, values: Vec::new() };
    state.set_values(values);
    Ok(state)
}

/// One lesson: hour, kind of entity, id, what it is about, and how much.
type SavedLesson<T> = (u32, EntityKind, T, SavedAbout<T>, u64);

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum SavedAbout<T> {
    Fired,
    Parent(EntityKind, T),
    Active,
    Seen(Feature, T),
    Amount(Metric),
}

#[derive(Deserialize)]
struct SavedLessons {
    version: u32,
    complete: bool,
    out_of_range: u64,
    rows: Vec<SavedLesson<String>>,
}

impl Lessons {
    fn saved_row(&self, row: Row, amount: u64) -> SavedLesson<&str> {
        let about = match row.about {
            About::Fired => SavedAbout::Fired,
            About::Parent(kind, id) => SavedAbout::Parent(kind, self.id(id)),
            About::Active => SavedAbout::Active,
            About::Seen(feature, value) => SavedAbout::Seen(feature, self.value(value)),
            About::Amount(metric) => SavedAbout::Amount(metric),
        };
        (row.hour, row.kind, self.id(row.id), about, amount)
    }
}

/// Sorted: equal lessons are equal bytes.
impl Serialize for Lessons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fitting = self.fitting();
        let mut rows: Vec<SavedLesson<&str>> =
            fitting.rows().map(|(row, amount)| fitting.saved_row(row, amount)).collect();
        rows.sort_unstable();
        let mut saved = serializer.serialize_struct("Lessons", 4)?;
        saved.serialize_field("version", &BASELINE_VERSION)?;
        saved.serialize_field("complete", &fitting.is_complete())?;
        saved.serialize_field("out_of_range", &fitting.out_of_range())?;
        saved.serialize_field("rows", &rows)?;
        saved.end()
    }
}

impl<'a> Deserialize<'a> for Lessons {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = SavedLessons::deserialize(deserializer)?;
        if saved.version != BASELINE_VERSION {
            return Err(serde::de::Error::custom(BaselineError::WrongVersion { found: saved.version }));
        }
        let mut lessons = Self::restored(saved.complete, saved.out_of_range);
        for (hour, kind, id, about, amount) in saved.rows {
            let (entity, hour) = (Entity { kind, id }, hour.into());
            match about {
                SavedAbout::Fired => lessons.fired(&entity, hour),
                SavedAbout::Parent(kind, id) => lessons.member(&entity, &Entity { kind, id }, hour),
                SavedAbout::Active => lessons.active(&entity, hour),
                SavedAbout::Seen(feature, value) => lessons.seen(&entity, feature, &value, hour),
                SavedAbout::Amount(metric) => lessons.volume(&entity, metric, hour, amount),
            }
        }
        Ok(lessons)
    }
}
