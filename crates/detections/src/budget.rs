//! How many findings of behaviour a person is asked to look at.
//!
//! Two bounds. The first decides how rare a score must be before it fires: so many findings of one type in one account and
//! day, by severity ([`per_day`]), divided by the decisions of a day, is the rate of false alarms that a threshold is set
//! for. The second is for storms ([`NEW_FINDINGS_PER_DAY`]): what opens more findings of one type in one account and day
//! goes into one summary, with a count. Exact rules obey neither.

use crate::thresholds::{Threshold, Thresholds};
use watchfire_model::{Severity, SeverityLevel};

const SOURCE: &str = "Our choice: as many as a person reads. Of what decides, see docs/evaluation.md";

/// False alarms a day that a finding of severity Low may cause, for each type and account.
pub static LOW: Threshold = budget("budget.low", 1.0, "the same for findings of severity Low");
/// The same of severity Medium.
pub static MEDIUM: Threshold = budget("budget.medium", 0.3, "the same for findings of severity Medium");
/// The same of severity High.
pub static HIGH: Threshold = budget("budget.high", 0.1, "how many false alarms of severity High a type may raise");
/// The same of severity Critical.
pub static CRITICAL: Threshold = budget("budget.critical", 0.05, "the same for findings of severity Critical");

/// New findings of one type in one account and day, beyond which the rest goes into one summary.
pub static NEW_FINDINGS_PER_DAY: Threshold = Threshold {
    key: "budget.new_findings_per_day",
    default: 10.0,
    min: 1.0,
    max: 100_000.0,
    unit: "findings a day, type and account",
    source: SOURCE,
    summary: "what a behaviour finds beyond it goes into one summary finding with a count",
};

const fn budget(key: &'static str, default: f64, summary: &'static str) -> Threshold {
    Threshold {
        key,
        default,
        min: 0.001,
        max: 100.0,
        unit: "false alarms a day, type and account",
        source: SOURCE,
        summary,
    }
}

/// False alarms a day that a type of this severity may raise in one account.
pub fn per_day(severity: Severity, thresholds: &Thresholds) -> f64 {
    let threshold = match severity.level() {
        SeverityLevel::Critical => &CRITICAL,
        SeverityLevel::High => &HIGH,
        SeverityLevel::Medium => &MEDIUM,
        SeverityLevel::Low => &LOW,
    };
    thresholds.get(threshold)
}
