//! Holds findings against the attacks that were injected, and counts.

use super::attacks::{Attack, Sight};
use super::baselines::Baselines;
use super::estate::Estate;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use watchfire_model::{Finding, Time};

/// How long before an attack a finding about it may begin: sums begin with their hour.
const BEFORE_SECONDS: i64 = 3_600;
/// How long after its end it may come: what is judged by the day comes with the day's end.
const AFTER_SECONDS: i64 = 26 * 3_600;

/// The parts of an estate's time: what is quiet at first may not be later.
pub(crate) const PERIODS: [(&str, i64); 3] = [("week 1", 7), ("week 2", 14), ("after", i64::MAX)];

/// What was found of the attacks of one family and variant, over all estates.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub(crate) attacks: u64,
    /// With the type that should come.
    pub(crate) as_expected: u64,
    /// With any type.
    pub(crate) at_all: u64,
    /// Seconds from an attack's begin until the finding could be told.
    pub(crate) seconds: Vec<i64>,
    pub(crate) by_first_seen: u64,
    pub(crate) by_static_threshold: u64,
    /// Other types that were found instead.
    pub(crate) instead: BTreeMap<String, u64>,
}

/// (sight, family, variant, expected type).
pub(crate) type FamilyKey = (Sight, &'static str, &'static str, &'static str);

/// All figures.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) families: BTreeMap<FamilyKey, Found>,
    /// Findings that no attack explains, by type and period.
    pub(crate) false_alarms: BTreeMap<String, [u64; 3]>,
    /// Days of accounts, by period.
    pub(crate) days: [i64; 3],
    /// Days of accounts after which the simple methods speak.
    pub(crate) days_after_week: i64,
    /// Of calls, flows, queries.
    pub(crate) first_seen: [u64; 3],
    pub(crate) static_threshold: [u64; 3],
    pub(crate) records: [u64; 3],
    /// Lines on each false alarm and missed attack, to look into.
    pub(crate) details: Vec<String>,
}

impl Figures {
    /// Adds what was found in one estate.
    pub(crate) fn add(
        &mut self,
        estate: &Estate,
        attacks: &[Attack],
        findings: &[Finding],
        baselines: &Baselines,
        records: [u64; 3],
    ) {
        let mut explained = vec![false; findings.len()];
        for (number, attack) in attacks.iter().enumerate() {
            let key = (attack.sight, attack.family, attack.variant, attack.expected);
            let found = self.families.entry(key).or_default();
            found.attacks += 1;
            found.by_first_seen += u64::from(baselines.first_seen.found.contains(&number));
            found.by_static_threshold += u64::from(baselines.static_threshold.found.contains(&number));
            let (mut as_expected, mut at_all, mut first) = (false, false, i64::MAX);
            for (place, finding) in findings.iter().enumerate().filter(|(_, finding)| concerns(finding, attack)) {
                explained[place] = true;
                at_all = true;
                let name = finding.latest.finding_type.as_str();
                if name == attack.expected {
                    as_expected = true;
                    first = first.min(told(finding) - attack.from);
                } else {
                    *found.instead.entry(name.to_owned()).or_default() += 1;
                }
            }
            found.as_expected += u64::from(as_expected);
            found.at_all += u64::from(at_all);
            if as_expected && first >= -BEFORE_SECONDS {
                found.seconds.push(first.max(0));
            }
            if !as_expected {
                let day = (attack.from - estate.midnight(0)) / 86_400;
                self.details.push(format!(
                    "missed: seed {} day {day}: {}, {}: {} of {}{}",
                    estate.plan.seed,
                    attack.family,
                    attack.variant,
                    attack.expected,
                    attack.entities.join(" / "),
                    if at_all { " (another type came)" } else { "" }
                ));
            }
        }
        for (finding, _) in findings.iter().zip(&explained).filter(|(_, is_explained)| !**is_explained) {
            let day = (seconds(finding.first_seen) - estate.midnight(0)).div_euclid(86_400);
            let period = period(day);
            let name = finding.latest.finding_type.as_str().to_owned();
            self.false_alarms.entry(name.clone()).or_default()[period] += 1;
            self.details.push(format!(
                "false: seed {} day {day}: {name} of {}: {}",
                estate.plan.seed,
                finding.latest.entity,
                finding.latest.reasons.join(" ")
            ));
        }
        for day in 0..estate.plan.days {
            self.days[period(day)] += 1;
            self.days_after_week += i64::from(day >= 7);
        }
        let sums = [
            (&mut self.first_seen, baselines.first_seen.false_alarms),
            (&mut self.static_threshold, baselines.static_threshold.false_alarms),
            (&mut self.records, records),
        ];
        for (sum, more) in sums {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let families: Vec<Value> = self
            .families
            .iter()
            .map(|((_, family, variant, expected), found)| {
                json!({
                    "family": family, "variant": variant, "type": expected, "attacks": found.attacks,
                    "found": found.as_expected, "foundWithAnyType": found.at_all,
                    "medianSecondsToDetect": median(&found.seconds),
                    "foundByFirstSeen": found.by_first_seen, "foundByStaticThreshold": found.by_static_threshold,
                    "otherTypes": found.instead,
                })
            })
            .collect();
        json!({
            "records": { "calls": self.records[0], "flows": self.records[1], "queries": self.records[2] },
            "accountDays": self.days,
            "attacks": families,
            "falseAlarms": self.false_alarms,
            "baselines": {
                "accountDays": self.days_after_week,
                "firstSeenFalseAlarms": self.first_seen,
                "staticThresholdFalseAlarms": self.static_threshold,
            },
        })
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        let [calls, flows, queries] = self.records;
        let days: i64 = self.days.iter().sum();
        let _ = writeln!(text, "{days} account days: {calls} calls, {flows} flow records, {queries} queries\n");
        let _ = writeln!(
            text,
            "{:<62} {:>7} {:>6} {:>9} {:>9} {:>6} {:>7}",
            "attack", "attacks", "found", "any type", "time (h)", "first", "static"
        );
        let mut totals = [Found::default(), Found::default(), Found::default()];
        for ((sight, family, variant, expected), found) in &self.families {
            let total = &mut totals[*sight as usize];
            total.attacks += found.attacks;
            total.as_expected += found.as_expected;
            total.at_all += found.at_all;
            total.by_first_seen += found.by_first_seen;
            total.by_static_threshold += found.by_static_threshold;
            total.seconds.extend(&found.seconds);
            row(&mut text, &format!("{family}, {variant}"), found);
            let _ = expected;
        }
        for (name, total) in ["all seen in calls", "all seen in flows", "all seen in queries"].iter().zip(&totals) {
            row(&mut text, name, total);
        }
        let mut by_type: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for ((_, _, _, expected), found) in &self.families {
            let sum = by_type.entry(expected).or_default();
            *sum = (sum.0 + found.attacks, sum.1 + found.as_expected);
        }
        let _ = writeln!(
            text,
            "\n{:<62} {:>12} {:>10} {:>10} {:>10}",
            "finding type", "recall", "week 1", "week 2", "after"
        );
        let _ = writeln!(text, "{:<62} {:>12} {:>32}", "", "", "false alarms per account and day");
        let mut names: Vec<&str> =
            by_type.keys().copied().chain(self.false_alarms.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        let rate = |count: u64, days: i64| {
            if days == 0 { "-".to_owned() } else { format!("{:.3}", count as f64 / days as f64) }
        };
        let mut sums = [0; 3];
        for name in names {
            let recall = by_type.get(name).map_or("-".to_owned(), |(attacks, found)| format!("{found} of {attacks}"));
            let counts = self.false_alarms.get(name).copied().unwrap_or_default();
            (0..3).for_each(|period| sums[period] += counts[period]);
            let rates: Vec<String> = (0..3).map(|period| rate(counts[period], self.days[period])).collect();
            let _ = writeln!(text, "{name:<62} {recall:>12} {:>10} {:>10} {:>10}", rates[0], rates[1], rates[2]);
        }
        let rates: Vec<String> = (0..3).map(|period| rate(sums[period], self.days[period])).collect();
        let _ = writeln!(text, "{:<62} {:>12} {:>10} {:>10} {:>10}", "all", "", rates[0], rates[1], rates[2]);
        for (name, counts) in [("first seen", self.first_seen), ("static threshold", self.static_threshold)] {
            let rates: Vec<String> = counts.iter().map(|&count| rate(count, self.days_after_week)).collect();
            let _ = writeln!(
                text,
                "{name}: false alarms per account and day after the first week: {} of calls, {} of flows, {} of queries",
                rates[0], rates[1], rates[2]
            );
        }
        text
    }
}

fn row(text: &mut String, name: &str, found: &Found) {
    use std::fmt::Write;
    let hours = median(&found.seconds).map_or("-".to_owned(), |seconds| format!("{:.1}", seconds as f64 / 3_600.0));
    let _ = writeln!(
        text,
        "{name:<62} {:>7} {:>6} {:>9} {hours:>9} {:>6} {:>7}",
        found.attacks, found.as_expected, found.at_all, found.by_first_seen, found.by_static_threshold
    );
}

fn period(day: i64) -> usize {
    PERIODS.iter().position(|(_, end)| day < *end).unwrap_or(2)
}

fn seconds(time: Time) -> i64 {
    time.ms() / 1_000
}

/// When a finding could be told: with the last record that it needed. Of one that came again the end of its first
/// occurrence is not kept, and its begin stands for it.
fn told(finding: &Finding) -> i64 {
    seconds(if finding.count == 1 { finding.last_seen } else { finding.created })
}

fn median(values: &[i64]) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// Whether a finding is about an attack's victim at its time.
fn concerns(finding: &Finding, attack: &Attack) -> bool {
    let is_in_time = seconds(finding.first_seen) <= attack.to + AFTER_SECONDS
        && seconds(finding.last_seen) >= attack.from - BEFORE_SECONDS;
    let latest = &finding.latest;
    let resource = format!("{} {:?}", latest.entity, latest.resource);
    is_in_time && attack.entities.iter().any(|name| holds(&resource, name))
}

/// Whether a text has this name as a word: `10.20.0.1` is not in `10.20.0.16`.
fn holds(text: &str, name: &str) -> bool {
    let continues = |one: Option<char>| one.is_some_and(|one| one.is_ascii_alphanumeric());
    text.match_indices(name)
        .any(|(at, _)| !continues(text[..at].chars().next_back()) && !continues(text[at + name.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_only() {
        assert!(holds("i-1 10.20.0.1 x", "10.20.0.1") && !holds("10.20.0.16", "10.20.0.1"));
    }

    #[test]
    fn periods_are_weeks() {
        assert_eq!([period(0), period(6), period(7), period(14), period(80)], [0, 0, 1, 2, 2]);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[5, 1, 9]), Some(5));
    }
}
