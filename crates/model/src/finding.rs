//! Signals about the same thing, folded together.

use crate::{Signal, Time};
use serde::{Deserialize, Serialize};

/// What a customer sees: one issue, its occurrences counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// 32 hexadecimal digits, the same for the same opening record.
    pub id: String,
    /// The newest occurrence, whose details the finding shows.
    pub latest: Signal,
    /// Occurrences, from 1.
    pub count: u64,
    /// Start of the first occurrence.
    pub first_seen: Time,
    /// End of the last occurrence.
    pub last_seen: Time,
    /// When the finding was made. In `scan` the event time of the opening record.
    pub created: Time,
    /// When it last changed. In `scan` the event time of the last record: it is never before `last_seen`.
    pub updated: Time,
    /// The records that caused it.
    pub evidence: Evidence,
    /// The lists and data sets consulted.
    pub knowledge: Vec<KnowledgeUsed>,
    /// Whether it was put away, by a suppression rule or a person.
    #[serde(default)]
    pub archived: bool,
}

/// The records behind a finding: the first and last few, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How many records counted.
    pub count: u64,
    /// The first few, in order of time.
    pub first: Vec<EvidenceRecord>,
    /// The last few that are not among the first, in order of time.
    pub last: Vec<EvidenceRecord>,
}

/// One record as it stood in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Event time.
    pub time: Time,
    /// The file, as given or found; members of archives as `archive!member`.
    pub file: String,
    /// Byte offset in the decompressed content (the row number in a Parquet file).
    pub position: u64,
    /// SHA-256 of `raw`, hexadecimal.
    pub sha256: String,
    /// The record's bytes as text.
    pub raw: String,
}

/// One list or data set, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KnowledgeUsed {
    /// Its name.
    pub name: String,
    /// What it is: a list kind, `geography`, `asn`, `aws-ranges`, `inventory`, `public-suffixes`.
    pub kind: String,
    /// Its date or version; empty if it gives none.
    pub version: String,
}
