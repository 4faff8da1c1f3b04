//! What is known of all finding types, from the committed catalogue.

use serde::Deserialize;
use std::sync::OnceLock;

/// One finding type of the catalogue. Texts are ours, facts are GuardDuty's; `source` names where they were read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueEntry {
    /// The full name.
    #[serde(rename = "type")]
    pub name: String,
    /// The protection plan: `foundational`, `s3`, …
    pub plan: String,
    /// The log it is decided from.
    pub data_source: Option<String>,
    /// `resourceType` of its findings.
    pub resource_type: Option<OneOrMany<String>>,
    /// The severity without context, 1 to 10; two numbers are a range.
    pub severity: Option<OneOrMany<f64>>,
    /// Severities by context.
    #[serde(default)]
    pub severity_variants: Vec<SeverityVariant>,
    /// `actionType` of its findings.
    pub action_type: Option<String>,
    /// How it is decided: `rule`, `threat-intel`, `signature`, `behaviour`, `anomaly`, ….
    pub method: Option<String>,
    /// MITRE ATT&CK.
    #[serde(default)]
    pub tactic: Tactic,
    /// What it detects.
    #[serde(default)]
    pub detects: String,
    /// What to do about it.
    #[serde(default)]
    pub remediation: String,
    /// How to provoke it.
    #[serde(default)]
    pub test: String,
    /// What the vendor does not publish.
    #[serde(default)]
    pub undocumented: String,
    /// Whether the vendor no longer emits it.
    #[serde(default)]
    pub retired: bool,
    /// Where the facts were read.
    #[serde(default)]
    pub source: String,
}

/// One value, or several of which one applies.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// Several.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// A severity that depends on context.
#[derive(Clone, Debug, Deserialize)]
pub struct SeverityVariant {
    /// 1 to 10.
    pub severity: f64,
    /// The context, in words.
    pub when: String,
}

/// MITRE ATT&CK ids.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tactic {
    /// Such as `TA0011`.
    #[serde(default)]
    pub mitre_tactics: Vec<String>,
    /// Such as `T1071`.
    #[serde(default)]
    pub mitre_techniques: Vec<String>,
}

const FINDING_TYPES: &str = include_str!("../../../catalogue/finding-types.json");
const OWN_TYPES: &str = include_str!("../../../catalogue/own-types.json");

/// The mechanism of types that GuardDuty does not have, as in `Behavior:EC2/Beacon.Watchfire`.
pub const OWN_MECHANISM: &str = ".Watchfire";

/// Every finding type of GuardDuty, in the catalogue's order. Parsed once, on first use.
pub fn all() -> &'static [CatalogueEntry] {
    static ENTRIES: OnceLock<Vec<CatalogueEntry>> = OnceLock::new();
    // The file is committed and the test below reads it: it cannot be malformed in a build that passed its tests.
    ENTRIES.get_or_init(|| serde_json::from_str(FINDING_TYPES).unwrap_or_default())
}

/// The finding types of our own, in alphabetical order: in GuardDuty's grammar, with [`OWN_MECHANISM`].
pub fn own() -> &'static [CatalogueEntry] {
    static ENTRIES: OnceLock<Vec<CatalogueEntry>> = OnceLock::new();
    ENTRIES.get_or_init(|| serde_json::from_str(OWN_TYPES).unwrap_or_default())
}

/// The entry of this finding type, GuardDuty's or our own.
pub fn entry(name: &str) -> Option<&'static CatalogueEntry> {
    all().iter().chain(own()).find(|entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_catalogue_is_whole() {
        assert_eq!(super::all().len(), 252);
        assert!(super::entry("Recon:EC2/Portscan").is_some());
    }

    #[test]
    fn our_own_types_are_marked_as_such_and_in_order() {
        let names: Vec<&str> = super::own().iter().map(|entry| entry.name.as_str()).collect();
        assert!(!names.is_empty() && names.is_sorted());
        assert!(names.iter().all(|name| name.ends_with(super::OWN_MECHANISM)), "{names:?}");
        assert!(super::all().iter().all(|entry| !entry.name.contains(super::OWN_MECHANISM)));
        let mut all: Vec<&str> = super::all().iter().map(|entry| entry.name.as_str()).chain(names).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
