//! Runs the detections over records in order of event time, and folds what they say into findings.
//!
//! Two parts. The unordered part ([`Worker`]) looks at every record once, in whatever order files come and on
//! whatever thread, and keeps only what some rule may have to see, in slices of event time. The ordered part
//! ([`Replay`]) takes slice after slice, puts its records into one order that depends on nothing but the records, and
//! runs the rules. The same records and knowledge therefore give the same findings, for any file order, number of
//! threads or size of batch. `scan` replays everything at the end of its input; a service replays each slice once its
//! lateness has passed ([`Replay::run`] with `until`).
//!
//! No I/O and no clock: what does not fit into memory goes through [`Spool`], which the caller provides.

mod ahead;
mod call_tallier;
mod census;
mod event_ids;
mod facts;
mod fold;
mod index;
mod judging;
mod learning;
mod names;
mod order;
mod replay;
mod storm;
mod switches;
mod tallier;
mod tallies;
#[cfg(test)]
mod tests;
mod worker;

pub use census::{Census, Coverage, CoverageMap};
pub use facts::{FactLog, FlowFormats, KEPT_FORM, KEPT_FORMS_READ, Spool, Taken};
pub use fold::{EVIDENCE_MAX, OPEN_FOR_MS, show_text};
pub use index::ListenIndex;
pub use replay::{Replay, ReplayCounts, RestoreError, SourceFile, SourceFiles, StillLearning};
pub use switches::SwitchedOff;
pub use worker::{Scope, Worker};
