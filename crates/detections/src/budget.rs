//! How many findings of behaviour a person is asked to look at.
//!
//! What opens more findings of one type in one account and day than [`NEW_FINDINGS_PER_DAY`] goes into one summary, with a
//! count. How rare a score must be before it fires is each detection's own setting; docs/evaluation.md says how many false
//! alarms a day the defaults give. Exact rules obey neither.

use crate::thresholds::Threshold;

/// New findings of one type in one account and day, beyond which the rest goes into one summary.
pub static NEW_FINDINGS_PER_DAY: Threshold = Threshold {
    key: "budget.new_findings_per_day",
    default: 10.0,
    min: 1.0,
    max: 100_000.0,
    unit: "findings a day, type and account",
    source: "Our choice: as many as a person reads",
    summary: "what a behaviour finds beyond it goes into one summary finding with a count",
};
