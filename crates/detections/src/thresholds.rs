//! Settings of the detections of behaviour: each with its default, its range, its unit and its source.

use std::collections::BTreeMap;

/// One setting. Declared beside the detection that uses it.
#[derive(Debug)]
pub struct Threshold {
    /// Its name in the configuration, such as `ec2.port_scan.failed_contacts`.
    pub key: &'static str,
    /// In force unless it is set.
    pub default: f64,
    /// The least that makes sense.
    pub min: f64,
    /// The most that makes sense.
    pub max: f64,
    /// What it counts: `contacts`, `bytes an hour`, `bits`.
    pub unit: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    /// What it decides, in one sentence.
    pub summary: &'static str,
}

/// The values in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Only those that differ from their default.
    set: BTreeMap<&'static str, f64>,
}

impl Thresholds {
    /// The value in force.
    pub fn get(&self, threshold: &Threshold) -> f64 {
        self.set.get(threshold.key).copied().unwrap_or(threshold.default)
    }

    /// The value in force as a whole number.
    pub fn count(&self, threshold: &Threshold) -> u64 {
        // Bounded by the setting's own range, which is never negative where a count is asked for.
        self.get(threshold).max(0.0) as u64
    }

    /// Sets a value.
    pub fn set(&mut self, threshold: &'static Threshold, value: f64) {
        self.set.insert(threshold.key, value);
    }

    /// Whether the default is in force.
    pub fn is_default(&self, threshold: &Threshold) -> bool {
        !self.set.contains_key(threshold.key)
    }
}
