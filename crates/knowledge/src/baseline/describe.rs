//! What is normal for an entity, in words and numbers.

use super::feature::{Feature, Metric};
use super::presence::{Presence, WINDOW_DAYS};
use super::profile::Profile;
use super::surprise::in_thousandths;
use super::volume::Volume;
use super::{Baselines, Entity};
use watchfire_model::Time;

/// Values that are named of each feature.
const VALUES_SHOWN: usize = 10;
/// The rate at which limits are shown: one good amount in 10,000 lies beyond.
const SHOWN_RATE_PPB: u32 = 100_000;

impl Baselines {
    /// What is normal for this entity as of a moment, line by line: since when, how active, the most frequent values of
    /// each feature, the amounts of each metric. One line if nothing was learnt.
    pub fn describe(&self, entity: &Entity, now: Time) -> Vec<String> {
        let title = format!("{} {}", entity.kind.words(), entity.id);
        let Some(profile) = self.profile(entity) else { return vec![format!("{title}: nothing was learnt")] };
        let mut lines = vec![title, age(profile, now)];
        if let Some(until) = profile.held_until(now) {
            lines.push(format!("A rule fired: nothing is learnt until {}", hour(until)));
        }
        lines.extend(Feature::ALL.into_iter().filter_map(|feature| values(profile, feature, now)));
        let volumes = Metric::ALL.into_iter().filter_map(|metric| profile.volume(metric, now, SHOWN_RATE_PPB));
        lines.extend(volumes.map(|volume| amounts(&volume)));
        lines
    }
}

fn age(profile: Profile<'_>, now: Time) -> String {
    format!(
        "Known since {} (day {}), active in {} and on {}, last {}",
        day(profile.first_day()),
        profile.age_days(now) + 1,
        counted(profile.active_hours().into(), "hour"),
        counted(profile.active_days().into(), "day"),
        hour(profile.last_hour())
    )
}

fn values(profile: Profile<'_>, feature: Feature, now: Time) -> Option<String> {
    let values = profile.values(feature, now);
    if values.is_empty() {
        return None;
    }
    let hours = feature == Feature::HourOfDay;
    let mut chosen: Vec<_> = values.iter().take(if hours { 24 } else { VALUES_SHOWN }).collect();
    if hours {
        chosen.sort_by_key(|(hour, _)| *hour); // A day reads from morning to evening.
    }
    let shown: Vec<String> = chosen.iter().map(|(value, presence)| seen(value, *presence)).collect();
    let others = values.len() - shown.len();
    let more = if others > 0 { format!("; and {others} more") } else { String::new() };
    let dropped = match profile.dropped(feature) {
        0 => String::new(),
        count => format!(" ({count} left out)"),
    };
    Some(format!("{}, {}: {}{more}{dropped}", feature.words(), counted(values.len() as u64, "value"), shown.join("; ")))
}

fn seen(value: &str, presence: Presence) -> String {
    let count = in_thousandths(u64::from(presence.count_1024) * 1000 / 1024);
    match presence.days_seen {
        0 => format!("{value} last on {}, count {count}", day(presence.last_hour / 24)),
        days => format!("{value} on {days} of {WINDOW_DAYS} days, count {count}, since {}", day(presence.first_day)),
    }
}

fn amounts(volume: &Volume) -> String {
    let period = volume.metric.period().words();
    let max = match volume.max {
        0 => format!("none in {WINDOW_DAYS} days"),
        max => format!("most {max} on {}", day(volume.max_day)),
    };
    let limit = match (volume.limit(), &volume.tail) {
        (Some(limit), Some(tail)) => format!("; limit {limit}, learnt from {}", counted(tail.points, period)),
        _ => String::new(),
    };
    format!(
        "{} per {period}: mean {} over {}, {max}{limit}",
        volume.metric.words(),
        in_thousandths(volume.mean_milli()),
        counted(volume.periods.into(), period),
    )
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn day(day: i64) -> String {
    Time::from_ms(day.saturating_mul(Time::DAY_MS)).date()
}

fn hour(hour: i64) -> String {
    let moment = Time::from_ms(hour.saturating_mul(Time::HOUR_MS)).to_string();
    format!("{}:00", moment.chars().take(13).collect::<String>().replace('T', " "))
}
