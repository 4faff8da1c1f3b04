//! How often and when a value was seen, in sixteen bytes.

use crate::statistics::Mass;
use serde::{Deserialize, Serialize};

/// Days that [`Presence::days_seen`] looks back, and that frequency words are about.
pub const WINDOW_DAYS: u32 = 30;
/// A value whose count falls below 0.05 is forgotten: one sighting after 130 days. Source: our choice; a twentieth of a
/// sighting moves no surprise.
pub(super) const COUNT_MIN_1024: u64 = 51;
/// The last hour since the epoch that can be kept: in the year 3883.
pub(super) const HOUR_MAX: u32 = (1 << 24) - 1;
/// The first day is kept this far back.
const AGE_DAYS_MAX: u32 = (1 << 10) - 1;

/// How often and when a value was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Presence {
    /// Hours in which it was seen, each worth 2^(−d/30) after d days, in 1/1024.
    pub count_1024: u32,
    /// The last hour, since the epoch, in which it was seen.
    pub last_hour: i64,
    /// On how many of the last thirty days, today included, it was seen.
    pub days_seen: u32,
    /// The first day, since the epoch. It reaches back 1,023 days before the last.
    pub first_day: i64,
}

/// How common a value is, in the words of GuardDuty's findings, over the last thirty days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Frequency {
    /// Never, as far as is remembered.
    Unseen,
    /// Not in the last thirty days, but before.
    Rare,
    /// On one to three days.
    Infrequent,
    /// On four days or more: weekly to daily.
    Frequent,
}

impl Frequency {
    /// The word for a value with this presence.
    pub fn of(presence: Option<Presence>) -> Self {
        match presence.map(|presence| presence.days_seen) {
            None => Self::Unseen,
            Some(0) => Self::Rare,
            Some(1..=3) => Self::Infrequent,
            Some(_) => Self::Frequent,
        }
    }

    /// As GuardDuty writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unseen => "UNSEEN",
            Self::Rare => "RARE",
            Self::Infrequent => "INFREQUENT",
            Self::Frequent => "FREQUENT",
        }
    }
}

/// A value of a profile. Its mass is of the epoch of the profile's last day, its bits of days count back from its own
/// last day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) symbol: u32,
    pub(super) mass: u32,
    /// 24 bits last hour, 10 bits days between first and last, 30 bits days.
    pub(super) when: u64,
}

impl Seen {
    /// Seen for the first time, in this hour.
    pub(super) fn first(symbol: u32, hour: u32) -> Self {
        Self { symbol, mass: Mass::of_one(hour / 24), when: pack(hour, 0, 1) }
    }

    /// From its parts, as they are saved.
    pub(super) fn from_parts(symbol: u32, mass: u32, last_hour: u32, age_days: u32, days: u32) -> Self {
        Self { symbol, mass, when: pack(last_hour.min(HOUR_MAX), age_days.min(AGE_DAYS_MAX), days & DAYS_MASK) }
    }

    pub(super) fn last_hour(self) -> u32 {
        (self.when >> 40) as u32
    }

    pub(super) fn last_day(self) -> u32 {
        self.last_hour() / 24
    }

    pub(super) fn age_days(self) -> u32 {
        (self.when >> 30) as u32 & AGE_DAYS_MAX
    }

    /// One bit for each day, the lowest for the last.
    pub(super) fn days(self) -> u32 {
        self.when as u32 & DAYS_MASK
    }

    pub(super) fn first_day(self) -> u32 {
        self.last_day().saturating_sub(self.age_days())
    }

    /// Takes in an hour of the profile's day. The same hour counts once, an earlier one not at all.
    pub(super) fn touch(&mut self, hour: u32) {
        if hour <= self.last_hour() {
            return;
        }
        let later = hour / 24 - self.last_day();
        let age = (self.age_days() + later).min(AGE_DAYS_MAX);
        self.when = pack(hour, age, moved(self.days(), later) | 1);
        self.mass = self.mass.saturating_add(Mass::of_one(hour / 24));
    }

    /// As seen on a day by someone who asks; `None` if it is forgotten by then.
    pub(super) fn presence(self, epoch: u32, day: u32) -> Option<Presence> {
        let count = Mass::count_1024(self.mass.into(), epoch, day);
        if count < COUNT_MIN_1024 {
            return None;
        }
        Some(Presence {
            count_1024: count as u32,
            last_hour: self.last_hour().into(),
            days_seen: moved(self.days(), day.saturating_sub(self.last_day())).count_ones(),
            first_day: self.first_day().into(),
        })
    }

    /// The same value in two profiles of one entity, each with the epoch of its mass, as of a third epoch, the later.
    ///
    /// Periods that follow each other add up exactly. Where they overlap, a day counts once in the days, the newest
    /// hour once in the mass, and another hour that both saw twice.
    pub(super) fn merged(one: (Self, u32), other: (Self, u32), epoch: u32) -> Self {
        let ((early, early_epoch), (late, late_epoch)) =
            if one.0.last_hour() <= other.0.last_hour() { (one, other) } else { (other, one) };
        let late_mass = moved_mass(late.mass, epoch - late_epoch);
        let begun = late.first_day();
        // What was forgotten when the later one began would not have been there to add to.
        if early.last_day() < begun && early.is_forgotten(early_epoch, begun) {
            return Self { mass: late_mass, ..late };
        }
        let first_day = early.first_day().min(begun);
        let days = late.days() | moved(early.days(), late.last_day() - early.last_day());
        let twice = if early.last_hour() == late.last_hour() { Mass::of_one(late.last_day()) } else { 0 };
        let mass = moved_mass(early.mass, epoch - early_epoch)
            .saturating_add(late_mass)
            .saturating_sub(moved_mass(twice, epoch - Mass::epoch(late.last_day())));
        Self::from_parts(late.symbol, mass, late.last_hour(), late.last_day() - first_day, days)
    }

    /// Whether nothing is left worth remembering on a day that is not before the epoch.
    pub(super) fn is_forgotten(self, epoch: u32, day: u32) -> bool {
        let now = Mass::epoch(day).max(epoch);
        let mass = moved_mass(self.mass, now - epoch);
        Mass::count_1024(mass.into(), now, day) < COUNT_MIN_1024
    }
}

/// A value's mass in a later epoch.
pub(super) fn moved_mass(mass: u32, epochs: u32) -> u32 {
    Mass::moved(mass.into(), epochs) as u32
}

const DAYS_MASK: u32 = (1 << WINDOW_DAYS) - 1;

fn pack(last_hour: u32, age_days: u32, days: u32) -> u64 {
    u64::from(last_hour) << 40 | u64::from(age_days) << 30 | u64::from(days)
}

fn moved(days: u32, later: u32) -> u32 {
    days.checked_shl(later).unwrap_or(0) & DAYS_MASK
}
