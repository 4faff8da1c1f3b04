//! Findings for others: GuardDuty's JSON for machines; a table, an explanation, a report in HTML and the
//! account of a scan for people.
//!
//! Each form has one file. Nothing here decides anything: a value that the finding lacks is left out, never invented.

mod account;
mod asff;
#[doc(hidden)]
pub mod conformance;
mod csv;
mod diff;
mod ecs;
mod eventbridge;
mod explain;
mod filter;
mod guardduty;
mod html;
mod markdown;
mod mitre;
mod ocsf;
#[cfg(test)]
mod samples;
mod schema;
mod table;
mod text;
mod timeline;
mod wire;

pub use account::{
    EXAMPLES_MAX, FileAccount, Gap, NotEvaluated, RecordAccount, RejectedFile, RejectedRecord, ScanAccount, Span,
};
pub use asff::asff_finding;
pub use csv::{CSV_COLUMNS, write_csv};
pub use diff::{FindingsDiff, diff_findings};
pub use ecs::{ECS_VERSION, ecs_event};
pub use eventbridge::{EVENT_BYTES_MAX, eventbridge_event};
pub use explain::{Part as ExplainedPart, explain, facts as explained_facts, indented as indented_json, is_json};
pub use filter::{
    AttributeValue, Criterion, CriterionTest, Filter, FilterError, FindingCriteria, attribute_values, list_attributes,
};
pub use guardduty::{
    VERSION, detector_id, finding_arn, finding_json, json_document, partition, write_json, write_jsonl,
};
pub use html::{BASE_STYLE, write_html};
pub use markdown::{markdown_finding, markdown_summary};
pub use mitre::{tactic_name, technique_url};
pub use ocsf::{OCSF_VERSION, ocsf_finding};
pub use schema::FINDING_SCHEMA;
pub use table::{table, table_of_json};
pub use text::{TEXT_WIDTH, counted, grouped, harmless, wrapped, wrapped_field};
pub use timeline::timeline_events;
pub use wire::{party as party_in_words, resource as resource_in_words};
