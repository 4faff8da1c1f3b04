//! Findings for others: GuardDuty's JSON for machines; a table, an explanation, a report in HTML and the
//! account of a scan for people.
//!
//! Each form has one file. Nothing here decides anything: a value that the finding lacks is left out, never invented.

mod account;
#[doc(hidden)]
pub mod conformance;
mod explain;
mod guardduty;
mod html;
#[cfg(test)]
mod samples;
mod schema;
mod table;
mod text;
mod wire;

pub use account::{
    EXAMPLES_MAX, FileAccount, Gap, NotEvaluated, RecordAccount, RejectedFile, RejectedRecord, ScanAccount, Span,
};
pub use explain::explain;
pub use guardduty::{detector_id, finding_arn, finding_json, json_document, partition, write_json, write_jsonl};
pub use html::write_html;
pub use schema::FINDING_SCHEMA;
pub use table::{table, table_of_json};
pub use text::{TEXT_WIDTH, wrapped_field};
