//! Findings for others: GuardDuty's JSON for machines; a table, an explanation and the account of a scan for people.
//!
//! Each form has one file. Nothing here decides anything: a value that the finding lacks is left out, never invented.

#[doc(hidden)]
pub mod conformance;
mod guardduty;
#[cfg(test)]
mod samples;
mod schema;

pub use guardduty::{detector_id, finding_arn, finding_json, json_document, partition, write_json, write_jsonl};
pub use schema::FINDING_SCHEMA;
