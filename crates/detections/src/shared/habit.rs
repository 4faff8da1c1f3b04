//! What a host is in the habit of contacting: the ports, the resolvers, day by day; and whether a contact is new.
//!
//! Exact sets, bounded. A value that a host contacts for the first time once its learning days are over is **new** for 24
//! hours; only then is it learnt, so that a busy hour of an intruder does not make itself normal. Source:
//! detection-methods, section 0.10.

use crate::behaviour::{FlowView, Learning};
use crate::shared::host::Host;
use crate::shared::state::pairs;
use crate::tally::Place;
use crate::{Context, Threshold};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use watchfire_knowledge::Bounded;
use watchfire_model::Time;

/// Hosts and groups remembered. At most 128 values of 40 bytes each; most have a handful.
const HOSTS_MAX: usize = 100_000;
/// Values remembered of each host. A host that contacts more has no habit that a new one could break.
const VALUES_MAX: usize = 128;
/// Days without contact after which a value is forgotten. Source: GuardDuty's frequency words look back 30 days.
const MEMORY_DAYS: i64 = 30;
/// How long a new value stays new.
const NEW_MS: i64 = Time::DAY_MS;

/// Days of history before a first contact counts as new, for the types that use habits.
pub(crate) const fn learning_days(key: &'static str) -> Threshold {
    Threshold {
        key,
        default: 14.0,
        min: 0.0,
        max: 90.0,
        unit: "days with traffic before the day that is judged",
        source: "GuardDuty's user guide speaks of recent history; 14 days see every weekly job twice",
        summary: "how long a host (or the hosts of its image) must have been watched before it is judged",
    }
}

/// The habits of all hosts.
#[derive(Serialize, Deserialize)]
#[serde(bound = "V: Ord + Clone + Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct Habits<V> {
    hosts: Bounded<Host, Habit<V>>,
    /// By image.
    groups: Bounded<Host, Habit<V>>,
    /// Learning days in force at the last look.
    needed: u32,
    /// Of the evictions, how many were reported.
    reported: u64,
    /// The place and day that were touched last: tallies come in runs of one place.
    #[serde(skip)]
    touched: Option<(Place, i64)>,
}

/// What one host contacts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "V: Ord + Serialize + for<'a> Deserialize<'a>")]
pub(crate) struct Habit<V> {
    first: Time,
    last_day: i64,
    /// Days with traffic, the current one among them.
    days: u32,
    #[serde(with = "pairs")]
    values: BTreeMap<V, Known>,
    /// Whether there were more values than are kept.
    is_cut: bool,
    group: Option<Host>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    last_day: i64,
    /// When it was first contacted, if that was new; `None`: learnt.
    born: Option<Time>,
    /// The last contact.
    last: Time,
    /// Contacts since it was new, by the caller's measure.
    weight: u64,
    /// Whether the caller reported it.
    is_reported: bool,
}

/// What a contact is for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// It has been contacted before, or there is no habit to break.
    Known,
    /// The history is too short.
    Learning,
    /// It is new.
    New(New),
}

/// What is known of a host for which a value is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct New {
    /// Since when the host has been watched, or its group where the host itself is young.
    pub(crate) since: Time,
    /// Days with traffic before the day of the first contact.
    pub(crate) days: u32,
    /// Whether the group's history stands for the host's own.
    pub(crate) is_by_group: bool,
    /// Values that it has contacted before.
    pub(crate) others: usize,
    /// The first contact.
    pub(crate) born: Time,
    /// Contacts since, by the caller's measure.
    pub(crate) weight: u64,
}

impl<V> Default for Habits<V>
where
    V: Ord + Clone,
{
    fn default() -> Self {
        Self { hosts: Bounded::new(HOSTS_MAX), groups: Bounded::new(HOSTS_MAX), needed: 0, reported: 0, touched: None }
    }
}

impl<V: Ord + Clone> Habits<V> {
    /// Notes that a host was there. For every tally, whatever it shows, before [`Self::contact`].
    pub(crate) fn touch(&mut self, view: &FlowView<'_>, context: &Context<'_>, needed: u32) {
        self.needed = needed;
        let now = view.slice().0;
        if !view.is_transit
            && self.touched.as_ref().is_some_and(|(place, day)| place == view.place && *day == now.day())
        {
            return;
        }
        let Some(host) = Host::of(view, context) else { return };
        let habit = self.hosts.touch(host.clone(), now, || Habit::new(now));
        if habit.note_day(now) {
            habit.group = host.group(view, context);
        }
        if let Some(group) = habit.group.clone() {
            self.groups.touch(group, now, || Habit::new(now)).note_day(now);
        }
        if !view.is_transit {
            self.touched = Some((view.place.clone(), now.day()));
        }
    }

    /// What a contact means, and learns it. `weight` is the contact's in the caller's measure.
    pub(crate) fn contact(&mut self, host: &Host, value: &V, at: Time, weight: u64) -> Novelty {
        let needed = self.needed;
        let Some(group) = self.hosts.get(host).map(|habit| habit.group.clone()) else { return Novelty::Known };
        let by_group = group.as_ref().and_then(|group| self.groups.get(group));
        let group_days = by_group.map(|group| (group.first, group.learnt_days(at)));
        let group_knows = by_group.is_some_and(|group| group.knows(value) || group.is_cut);
        let habit = self.hosts.touch(host.clone(), at, || Habit::new(at));
        let own = (habit.first, habit.learnt_days(at));
        let history = match group_days {
            _ if own.1 >= needed => Some((own, false)),
            Some(days) if days.1 >= needed => Some((days, true)),
            _ => None,
        };
        let others = habit.values.values().filter(|known| known.born.is_none()).count();
        let state = habit.take_in(value, at, weight, history.is_some() && !group_knows);
        let is_learnt = state.is_some_and(|known| known.born.is_none());
        if let Some(group) = group.filter(|_| is_learnt || history.is_none()) {
            self.groups.touch(group, at, || Habit::new(at)).take_in(value, at, weight, false);
        }
        match (history, state) {
            (None, _) => Novelty::Learning,
            (Some(((since, days), is_by_group)), Some(Known { born: Some(born), weight, .. })) => {
                Novelty::New(New { since, days, is_by_group, others, born, weight })
            }
            _ => Novelty::Known,
        }
    }

    /// Notes that a new value was reported.
    pub(crate) fn note_report(&mut self, host: &Host, value: &V, at: Time) {
        if self.hosts.get(host).is_some() {
            let habit = self.hosts.touch(host.clone(), at, || Habit::new(at));
            if let Some(known) = habit.values.get_mut(value) {
                known.is_reported = true;
            }
        }
    }

    /// The values that a host is used to, in order.
    pub(crate) fn known(&self, host: &Host) -> Vec<V> {
        let values = self.hosts.get(host).map(|habit| &habit.values);
        let learnt = values.into_iter().flatten().filter(|(_, known)| known.born.is_none());
        learnt.map(|(value, _)| value.clone()).collect()
    }

    /// What hosts with this id are used to: "watched on 18 days since 2024-04-01; … tcp 22, tcp 25", for each.
    pub(crate) fn described(&self, id: &str, what: &str, named: impl Fn(&V) -> String) -> Vec<String> {
        let hosts = self.hosts.iter().filter(|(host, _)| &*host.id == id);
        hosts
            .map(|(_, habit)| {
                let learnt: Vec<String> = habit
                    .values
                    .iter()
                    .filter(|(_, known)| known.born.is_none())
                    .map(|(value, _)| named(value))
                    .collect();
                let values = match (learnt.is_empty(), habit.is_cut) {
                    (true, _) => "none".to_owned(),
                    (false, true) => format!("{}, and more than are kept", learnt.join(", ")),
                    (false, false) => learnt.join(", "),
                };
                format!("{what}: {values}; watched on {} days since {}", habit.days, habit.first.date())
            })
            .collect()
    }

    /// Forgets what has been silent for 30 days; returns how many hosts were dropped for lack of room.
    pub(crate) fn expire(&mut self, now: Time) -> u64 {
        let horizon = now.plus_ms(-MEMORY_DAYS * Time::DAY_MS);
        self.touched = None;
        self.hosts.forget_before(horizon);
        self.groups.forget_before(horizon);
        let evicted = self.hosts.evicted() + self.groups.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    /// Hosts held, and about their bytes.
    pub(crate) fn size(&self) -> (u64, u64) {
        let values =
            |habits: &Bounded<Host, Habit<V>>| -> usize { habits.iter().map(|(_, one)| one.values.len()).sum() };
        let hosts = self.hosts.len() + self.groups.len();
        let values = values(&self.hosts) + values(&self.groups);
        (hosts as u64, (hosts * 250 + values * (size_of::<V>() + size_of::<Known>() + 16)) as u64)
    }

    /// How many hosts have a history of not more than so many days.
    pub(crate) fn learning(&self, of: u32) -> Vec<Learning> {
        let all = self.hosts.iter().map(|(_, habit)| {
            let group = habit.group.as_ref().and_then(|group| self.groups.get(group)).map_or(0, |group| group.days);
            habit.days.max(group)
        });
        learning("instance", all, of)
    }

    /// Learning days in force at the last look.
    pub(crate) fn needed(&self) -> u32 {
        self.needed
    }

    /// What was read back, ready for use.
    pub(crate) fn restored(mut self) -> Self {
        self.hosts.reindex();
        self.groups.reindex();
        self
    }
}

/// "instance: not evaluated, learning day 3 of 14", from the days of each, the current one among them.
pub(crate) fn learning(entity_kind: &'static str, days: impl Iterator<Item = u32>, of: u32) -> Vec<Learning> {
    let (mut learning, mut judged, mut reached) = (0, 0, 0);
    for days in days {
        if days > of {
            judged += 1;
        } else {
            learning += 1;
            reached = reached.max(days);
        }
    }
    if learning == 0 {
        return Vec::new();
    }
    vec![Learning { entity_kind, learning, judged, reached, of, unit: "day" }]
}

impl<V: Ord + Clone> Habit<V> {
    fn new(now: Time) -> Self {
        Self { first: now, last_day: i64::MIN, days: 0, values: BTreeMap::new(), is_cut: false, group: None }
    }

    /// Counts a day; true if it is a new one.
    fn note_day(&mut self, now: Time) -> bool {
        if now.day() <= self.last_day {
            return false;
        }
        self.last_day = now.day();
        self.days += 1;
        self.values.retain(|_, known| now.day() - known.last_day <= MEMORY_DAYS);
        self.is_cut &= self.values.len() >= VALUES_MAX / 2;
        true
    }

    /// Whole days before that of `at`.
    fn learnt_days(&self, at: Time) -> u32 {
        if at.day() <= self.last_day { self.days.saturating_sub(1) } else { self.days }
    }

    fn knows(&self, value: &V) -> bool {
        self.values.get(value).is_some_and(|known| known.born.is_none())
    }

    /// Learns a contact, and returns what is known of it then; `None` if there is no room.
    fn take_in(&mut self, value: &V, at: Time, weight: u64, can_be_new: bool) -> Option<Known> {
        if !self.values.contains_key(value) && self.values.len() >= VALUES_MAX {
            self.is_cut = true;
        }
        let can_be_new = can_be_new && !self.is_cut;
        if self.is_cut && !self.values.contains_key(value) {
            return None;
        }
        let born = can_be_new.then_some(at);
        let fresh = Known { last_day: at.day(), born, last: at, weight: 0, is_reported: false };
        let known = self.values.entry(value.clone()).or_insert(fresh);
        known.age(at, can_be_new);
        known.last_day = known.last_day.max(at.day());
        known.last = known.last.max(at);
        known.weight = known.weight.saturating_add(weight);
        Some(*known)
    }
}

impl Known {
    /// What was new becomes normal after a day, if it goes on; what was reported and then stopped is new once more.
    fn age(&mut self, at: Time, can_be_new: bool) {
        let Some(born) = self.born else { return };
        if at.ms() - born.ms() < NEW_MS {
            return;
        }
        let is_pause = at.ms() - self.last.ms() >= NEW_MS;
        self.born = (self.is_reported && is_pause && can_be_new).then_some(at);
        self.weight = 0;
        self.is_reported = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, hour: i64) -> Time {
        Time::from_ms(day * Time::DAY_MS + hour * Time::HOUR_MS)
    }

    /// A habit with one contact a day on so many days.
    fn habit(days: i64) -> Habit<u16> {
        let mut habit = Habit::new(at(0, 0));
        for day in 0..days {
            habit.note_day(at(day, 0));
            habit.take_in(&443, at(day, 1), 1, false);
        }
        habit
    }

    #[test]
    fn a_new_value_stays_new_for_a_day_and_is_learnt_if_it_goes_on() {
        let mut habit = habit(14);
        let mut contact = |day, hour| habit.take_in(&25, at(day, hour), 1, true).unwrap();
        assert_eq!(contact(14, 3).born, Some(at(14, 3)));
        assert_eq!((contact(15, 2).born, contact(15, 2).weight), (Some(at(14, 3)), 3));
        assert_eq!(contact(15, 3).born, None);
        assert_eq!(contact(20, 3).born, None);
    }

    #[test]
    fn what_was_reported_and_stopped_is_not_learnt() {
        let mut habit = habit(14);
        habit.take_in(&25, at(14, 3), 1, true);
        habit.values.get_mut(&25).unwrap().is_reported = true;
        assert_eq!(habit.take_in(&25, at(16, 3), 1, true).unwrap().born, Some(at(16, 3)));
        assert_eq!(habit.take_in(&26, at(14, 3), 1, true).unwrap().born, Some(at(14, 3)));
        assert_eq!(habit.take_in(&26, at(16, 3), 1, true).unwrap().born, None);
    }

    #[test]
    fn days_without_traffic_are_not_learnt() {
        let mut habit = habit(5);
        assert_eq!((habit.learnt_days(at(4, 5)), habit.learnt_days(at(9, 0))), (4, 5));
        assert!(habit.note_day(at(9, 0)) && !habit.note_day(at(9, 5)));
        assert_eq!(habit.learnt_days(at(9, 6)), 5);
    }

    #[test]
    fn a_host_that_contacts_everything_has_no_habit() {
        let mut habit = habit(14);
        for port in 0..1_000 {
            habit.take_in(&port, at(13, 2), 1, false);
        }
        assert!(habit.is_cut && habit.values.len() == VALUES_MAX);
        assert_eq!(habit.take_in(&50_000, at(14, 3), 1, true), None);
    }

    #[test]
    fn what_is_not_used_for_a_month_is_forgotten() {
        let mut habit = habit(2);
        habit.note_day(at(40, 0));
        assert!(habit.values.is_empty());
    }

    #[test]
    fn the_account_of_learning_names_the_furthest() {
        assert_eq!(
            learning("instance", [15, 3, 7].into_iter(), 14),
            [Learning { entity_kind: "instance", learning: 2, judged: 1, reached: 7, of: 14, unit: "day" }]
        );
        assert!(learning("instance", [15].into_iter(), 14).is_empty());
    }
}
