//! What the records of some hours teach, as counts that add up.
//!
//! Workers collect lessons in any order and any sharding; [`Lessons::merge`] sums them; at the close of an hour
//! [`super::Baselines::apply`] takes them in. Whether something is learnt at all is decided there, from the sums: that a
//! value was seen counts once an hour, a parent learns what its members did, and who fired a rule in this hour teaches
//! nothing, not even through a parent.

use super::entity::{EntityKind, EntityRef};
use super::feature::{Feature, Metric};
use super::presence::HOUR_MAX;
use super::symbols::Symbols;
use crate::statistics::stable_hash;
use std::hash::Hasher;
use xxhash_rust::xxh3::Xxh3;

/// Lessons that are taken in at once; 140 MB at most. Beyond, the ones with the smallest hashes are kept, the same for any
/// order and sharding, and [`Lessons::is_complete`] says no. It is an hour of 100,000 busy principals. Source: our choice.
const LESSONS_MAX: usize = 1_800_000;

/// Rows from which on the same ones are added up, so that what is said over and over takes no room.
const ADD_UP_FROM: usize = 65_536;

/// Increments of some hours. See the module's description.
#[derive(Clone, Debug)]
pub struct Lessons {
    ids: Symbols,
    values: Symbols,
    /// What was seen or done, and how much of it where that has a meaning, else 0. In no order, and the same may stand
    /// there several times: whoever takes them sorts them anyway, and to look for each as it comes takes ten times as
    /// long as to append it.
    rows: Vec<(Row, u64)>,
    rows_max: usize,
    /// The same are added up when there are so many.
    add_up_at: usize,
    is_complete: bool,
    /// Lessons of hours before 1970 or after 3883.
    out_of_range: u64,
    /// How often all were numbered anew.
    renumbered: u32,
}

/// Lessons of one entity in one hour: see [`Lessons::of`].
pub struct LessonsOf<'l> {
    lessons: &'l mut Lessons,
    entity: EntityRef<'l>,
    hour: i64,
    /// The entity's number, and when it was looked up.
    number: Option<u32>,
    renumbered: u32,
}

/// One lesson. Numbers are of the symbols beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Row {
    pub(super) hour: u32,
    pub(super) kind: EntityKind,
    pub(super) id: u32,
    pub(super) about: About,
}

/// What a lesson is about. The order is that in which an hour is learnt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum About {
    /// A rule fired on the entity.
    Fired,
    /// The entity belongs to this one.
    Parent(EntityKind, u32),
    /// The entity did something.
    Active,
    /// It was seen with this value.
    Seen(Feature, u32),
    /// There was an amount.
    Amount(Metric),
}

impl Default for Lessons {
    fn default() -> Self {
        Self::with_room(LESSONS_MAX)
    }
}

impl Lessons {
    /// None yet, and room for fewer than usual.
    pub(super) fn with_room(rows_max: usize) -> Self {
        Self {
            ids: Symbols::default(),
            values: Symbols::default(),
            rows: Vec::new(),
            rows_max,
            add_up_at: ADD_UP_FROM.min(2 * rows_max),
            is_complete: true,
            out_of_range: 0,
            renumbered: 0,
        }
    }

    /// For many lessons of one entity in one hour: the entity is looked up once.
    pub fn of<'l>(&'l mut self, entity: impl Into<EntityRef<'l>>, hour: i64) -> LessonsOf<'l> {
        let entity = entity.into();
        let (number, renumbered) = (self.ids.number(entity.kept_id()), self.renumbered);
        LessonsOf { lessons: self, entity, hour, number, renumbered }
    }

    /// The entity was seen with this value in this hour since the epoch. Said twice is said once.
    pub fn seen<'e>(&mut self, entity: impl Into<EntityRef<'e>>, feature: Feature, value: &str, hour: i64) {
        self.of(entity.into(), hour).seen(feature, value);
    }

    /// So much more of this metric in this hour. Said twice is twice as much.
    ///
    /// What follows from what was seen ([`Metric::DistinctApisPerHour`]) is not to be reported, and is left out.
    pub fn volume<'e>(&mut self, entity: impl Into<EntityRef<'e>>, metric: Metric, hour: i64, amount: u64) {
        self.of(entity.into(), hour).volume(metric, amount);
    }

    /// The entity was active in this hour. What is seen with a value or an amount is active without saying so.
    pub fn active<'e>(&mut self, entity: impl Into<EntityRef<'e>>, hour: i64) {
        self.note(entity.into(), hour, About::Active, 0);
    }

    /// The entity belongs to another in this hour: whatever it teaches, the other learns too. Not over two steps: say of
    /// a principal both its group and its account.
    pub fn member<'e>(&mut self, entity: impl Into<EntityRef<'e>>, parent: impl Into<EntityRef<'e>>, hour: i64) {
        self.of(entity.into(), hour).member(parent.into());
    }

    /// A rule fired on the entity in this hour: neither it nor its parents learn from what it does in this hour and the
    /// 23 after it ([`super::HOLD_HOURS`]).
    pub fn fired<'e>(&mut self, entity: impl Into<EntityRef<'e>>, hour: i64) {
        self.note(entity.into(), hour, About::Fired, 0);
    }

    /// Takes in the lessons of another worker.
    pub fn merge(&mut self, other: &Self) {
        self.is_complete &= other.is_complete;
        self.out_of_range = self.out_of_range.saturating_add(other.out_of_range);
        // Each text is looked up once, however many rows it stands in.
        let (mut ids, mut values) = (vec![None; other.ids.len()], vec![None; other.values.len()]);
        for (row, amount) in &other.rows {
            let Some(id) = ours(&mut self.ids, &other.ids, &mut ids, row.id) else { continue };
            let about = match row.about {
                About::Parent(kind, parent) => {
                    ours(&mut self.ids, &other.ids, &mut ids, parent).map(|id| About::Parent(kind, id))
                }
                About::Seen(feature, value) => {
                    ours(&mut self.values, &other.values, &mut values, value).map(|value| About::Seen(feature, value))
                }
                other => Some(other),
            };
            let before = self.renumbered;
            if let Some(about) = about {
                self.add(Row { id, about, ..*row }, *amount);
            }
            if self.renumbered != before {
                ids.fill(None);
                values.fill(None);
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let mut rows: Vec<Row> = self.rows.iter().map(|(row, _)| *row).collect();
        rows.sort_unstable();
        rows.dedup();
        rows.len()
    }

    /// Whether none had to be left out for lack of room.
    pub fn is_complete(&self) -> bool {
        self.is_complete && (self.rows.len() <= self.rows_max || self.len() <= self.rows_max)
    }

    /// Lessons that were not taken, because no log has records of such hours: before 1970, or after 3883.
    pub fn out_of_range(&self) -> u64 {
        self.out_of_range
    }

    /// Bytes held, about.
    pub fn size_bytes(&self) -> usize {
        self.ids.size_bytes() + self.values.size_bytes() + self.rows.capacity() * size_of::<(Row, u64)>()
    }

    pub(super) fn id(&self, number: u32) -> &str {
        self.ids.text(number)
    }

    pub(super) fn value(&self, number: u32) -> &str {
        self.values.text(number)
    }

    /// All ids and all values, in the order of their numbers.
    pub(super) fn texts(&self) -> (&Symbols, &Symbols) {
        (&self.ids, &self.values)
    }

    /// All rows, in no order. Of lessons that fit ([`Self::fitting`]) each once.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Row, u64)> {
        self.rows.iter().copied()
    }

    /// None yet, but some may have been left out before.
    pub(super) fn restored(is_complete: bool, out_of_range: u64) -> Self {
        Self { is_complete, out_of_range, ..Self::default() }
    }

    /// Each row once, without what does not fit.
    pub(super) fn fitting(&self) -> Self {
        let mut fitting = self.clone();
        fitting.add_up();
        fitting
    }

    /// The rows that fit, in no order. The same may be there several times.
    pub(super) fn take_rows(&mut self) -> Vec<(Row, u64)> {
        if self.rows.len() > self.rows_max {
            self.add_up();
        }
        std::mem::take(&mut self.rows)
    }

    fn note(&mut self, entity: EntityRef<'_>, hour: i64, about: About, amount: u64) {
        self.of(entity, hour).note(about, amount);
    }

    fn note_number(&mut self, kind: EntityKind, id: Option<u32>, hour: i64, about: About, amount: u64) {
        let Some(hour) = u32::try_from(hour).ok().filter(|&hour| hour <= HOUR_MAX) else {
            self.out_of_range += 1;
            return;
        };
        if let Some(id) = id {
            self.add(Row { hour, kind, id, about }, amount);
        }
    }

    fn add(&mut self, row: Row, amount: u64) {
        self.rows.push((row, amount));
        if self.rows.len() > self.add_up_at {
            self.add_up();
        }
    }

    /// Makes one row of those that say the same, and leaves out what does not fit then.
    fn add_up(&mut self) {
        self.rows.sort_unstable_by_key(|(row, _)| *row);
        self.rows.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            kept.1 = if is_same { kept.1.saturating_add(later.1) } else { kept.1 };
            is_same
        });
        if self.rows.len() > self.rows_max {
            self.prune();
        }
        self.add_up_at = (2 * self.rows.len()).max(ADD_UP_FROM).min(2 * self.rows_max);
    }

    /// Keeps the rows with the smallest hashes, and before them those that decide about others.
    ///
    /// A row that is left out has so many before it that it would be left out of any sum as well: that is why the same
    /// stay for any order and any sharding.
    fn prune(&mut self) {
        let mut ranks: Vec<(u64, (Row, u64))> = self.rows.iter().map(|&row| (self.rank(row.0), row)).collect();
        ranks.sort_unstable_by_key(|&(rank, _)| rank);
        ranks.truncate(self.rows_max);
        self.rows = ranks.into_iter().map(|(_, row)| row).collect();
        self.is_complete = false;
        // Once more from the beginning, without the texts of what was left out.
        let renumbered = self.renumbered.wrapping_add(1);
        let kept = std::mem::replace(self, Self { renumbered, ..Self::with_room(self.rows_max) });
        self.merge(&kept);
    }

    /// A hash of what the row says; equal numbers of different rows do not occur in practice (1 in 2^41 at the bound).
    fn rank(&self, row: Row) -> u64 {
        let mut hasher = Xxh3::new();
        hasher.write_u32(row.hour);
        hasher.write_u8(row.kind as u8);
        hasher.write_u64(stable_hash(self.id(row.id).as_bytes()));
        let first = match row.about {
            About::Fired | About::Parent(..) => 0,
            _ => 1 << 63,
        };
        match row.about {
            About::Fired => hasher.write_u8(0),
            About::Parent(kind, id) => {
                hasher.write_u8(1);
                hasher.write_u8(kind as u8);
                hasher.write_u64(stable_hash(self.id(id).as_bytes()));
            }
            About::Active => hasher.write_u8(2),
            About::Seen(feature, value) => {
                hasher.write_u8(3);
                hasher.write_u8(feature as u8);
                hasher.write_u64(stable_hash(self.value(value).as_bytes()));
            }
            About::Amount(metric) => {
                hasher.write_u8(4);
                hasher.write_u8(metric as u8);
            }
        }
        first | hasher.digest() >> 1
    }
}

/// Our number of another's text.
fn ours(symbols: &mut Symbols, theirs: &Symbols, known: &mut [Option<u32>], number: u32) -> Option<u32> {
    let place = known.get_mut(number as usize)?;
    if place.is_none() {
        *place = symbols.number(theirs.text(number));
    }
    *place
}

impl LessonsOf<'_> {
    /// As [`Lessons::seen`].
    pub fn seen(&mut self, feature: Feature, value: &str) {
        if let Some(value) = self.lessons.values.number(Feature::kept_value(value)) {
            self.note(About::Seen(feature, value), 0);
        }
    }

    /// As [`Lessons::volume`].
    pub fn volume(&mut self, metric: Metric, amount: u64) {
        if amount > 0 && metric != Metric::DistinctApisPerHour {
            self.note(About::Amount(metric), amount);
        }
    }

    /// As [`Lessons::member`].
    pub fn member<'e>(&mut self, parent: impl Into<EntityRef<'e>>) {
        let parent = parent.into();
        if let Some(id) = self.lessons.ids.number(parent.kept_id()) {
            self.note(About::Parent(parent.kind, id), 0);
        }
    }

    /// As [`Lessons::fired`].
    pub fn fired(&mut self) {
        self.note(About::Fired, 0);
    }

    fn note(&mut self, about: About, amount: u64) {
        if self.renumbered != self.lessons.renumbered {
            self.renumbered = self.lessons.renumbered;
            self.number = self.lessons.ids.number(self.entity.kept_id());
        }
        self.lessons.note_number(self.entity.kind, self.number, self.hour, about, amount);
    }
}
