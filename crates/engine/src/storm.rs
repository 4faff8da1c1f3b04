//! A storm of findings of one type becomes one summary with a count, never silence.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_detections::Verdict;
use watchfire_model::{FindingType, Signal};

/// Entities that a summary names.
const NAMED_MAX: usize = 50;

/// Findings of behaviour opened on a day, by type, account and region.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Storms {
    day: i64,
    #[serde(with = "as_pairs")]
    by_type: BTreeMap<Key, Storm>,
    /// Entities that went into a summary, over all days.
    pub(crate) summarised: u64,
}

type Key = (FindingType, String, String);

#[derive(Default, Serialize, Deserialize)]
struct Storm {
    opened: u64,
    /// Entities in the summary; the first few by name.
    named: BTreeSet<String>,
    /// Hashes would do; entities are short, and a storm of a hundred thousand takes a few megabytes for one day.
    entities: BTreeSet<String>,
}

impl Storms {
    /// The verdict as it is to be folded: itself, or, when it would open more findings of its type in one day, account and
    /// region than `per_day`, one that grows that day's summary.
    pub(crate) fn pass(&mut self, mut verdict: Verdict, opens: bool, per_day: u64) -> Verdict {
        let day = verdict.begin.day();
        if day > self.day {
            self.day = day;
            self.by_type.clear();
        }
        let signal = &verdict.signal;
        let key = (signal.finding_type, signal.account.clone(), signal.region.clone());
        let storm = self.by_type.entry(key).or_default();
        if !opens {
            return verdict;
        }
        if storm.opened < per_day {
            storm.opened += 1;
            return verdict;
        }
        if storm.entities.insert(signal.entity.clone()) {
            self.summarised += 1;
        }
        if storm.named.len() < NAMED_MAX {
            storm.named.insert(signal.entity.clone());
        }
        summarise(&mut verdict.signal, storm, per_day, &verdict.begin.date());
        verdict
    }
}

fn summarise(signal: &mut Signal, storm: &Storm, per_day: u64, date: &str) {
    let count = storm.entities.len();
    let named: Vec<&str> = storm.named.iter().map(String::as_str).collect();
    let and_more = if count > named.len() { format!(", and {} more", count - named.len()) } else { String::new() };
    let latest = std::mem::take(&mut signal.title);
    signal.reasons.splice(
        0..0,
        [
            format!(
                "On {date} this type was found of more than {per_day} resources of the account (setting \
                 `budget.new_findings_per_day`); each of the first {per_day} has a finding of its own, the other {count} \
                 are in this one: {}{and_more}.",
                named.join(", ")
            ),
            format!("What follows is about the latest of them, {}: {latest}", signal.entity),
        ],
    );
    signal.entity = format!("more than {per_day} on {date}");
    signal.title = format!("{count} more resources show the same on {date}.");
    signal.description = format!(
        "{} was found of {count} more resources of account {} on {date} than have a finding of their own. Many at once \
         are one cause more often than many attacks: look at what they have in common first.",
        signal.finding_type, signal.account
    );
}

/// JSON's keys are texts.
mod as_pairs {
    use super::{BTreeMap, Deserialize, Key, Storm};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<Key, Storm>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Key, Storm>, D::Error> {
        let pairs: Vec<(Key, Storm)> = Vec::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_model::{Severity, Time};

    fn verdict(entity: &str, day: i64) -> Verdict {
        let finding_type = FindingType::new("Trojan:EC2/DNSDataExfiltration");
        let begin = Time::from_ms(day * Time::DAY_MS + 5);
        let signal = Signal { title: "It leaks.".to_owned(), ..Signal::new(finding_type, Severity::HIGH, entity) };
        Verdict { signal, begin, end: begin, records: Vec::new(), record_count: 1 }
    }

    #[test]
    fn beyond_the_budget_of_a_day_there_is_one_summary_that_counts() {
        let mut storms = Storms::default();
        let passed: Vec<Verdict> = ["a", "b", "c", "d", "c"].map(|who| storms.pass(verdict(who, 1), true, 2)).into();
        let entities: Vec<&str> = passed.iter().map(|verdict| verdict.signal.entity.as_str()).collect();
        let summary = "more than 2 on 1970-01-02";
        assert_eq!(entities, ["a", "b", summary, summary, summary]);
        assert_eq!(passed[4].signal.title, "2 more resources show the same on 1970-01-02.");
        assert!(passed[4].signal.reasons[0].ends_with("the other 2 are in this one: c, d."));
        assert!(passed[4].signal.reasons[1].ends_with("about the latest of them, c: It leaks."));
        assert_eq!(storms.summarised, 2);
    }

    #[test]
    fn what_grows_a_finding_that_is_open_and_what_comes_the_next_day_passes() {
        let mut storms = Storms::default();
        for (who, day, opens) in [("a", 1, true), ("a", 1, false), ("b", 2, true), ("b", 2, false)] {
            assert_eq!(storms.pass(verdict(who, day), opens, 1).signal.entity, who);
        }
        assert_eq!(storms.pass(verdict("c", 2), true, 1).signal.entity, "more than 1 on 1970-01-03");
    }

    #[test]
    fn a_saved_day_goes_on_where_it_stopped() {
        let mut storms = Storms::default();
        storms.pass(verdict("a", 1), true, 1);
        let saved = serde_json::to_value(&storms).unwrap();
        let mut restored: Storms = serde_json::from_value(saved).unwrap();
        assert_eq!(restored.pass(verdict("b", 1), true, 1).signal.entity, "more than 1 on 1970-01-02");
    }
}
