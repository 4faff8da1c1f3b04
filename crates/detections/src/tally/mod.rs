//! Tallies: what many records of one bucket of time say together, as numbers that can be summed.
//!
//! Behaviour shows in numbers: how many hosts were tried, how often, how much was sent. The unordered part of the engine
//! sums them per key, on any thread, and the ordered part adds the partial sums of all threads before a
//! [`Behaviour`](crate::Behaviour) sees them. Two promises make the result independent of files, cuts and threads:
//!
//! - Merging is commutative and associative. Sums, minima, maxima, flags, and samples that keep the smallest hashes:
//!   what a sample has dropped, no merge brings back, and what survived is complete.
//! - A tally refers to the records it was made of by file and position, not by their text. The earliest is chosen by what
//!   the records say, so that its choice does not depend on where they stand, unless they are alike in all that counts.
//!
//! A flow's bucket is a slice of ten minutes, a query's and a call's is a clock hour: floods and guessing are short, names
//! and habits are not.

mod call;
mod flow;
mod query;
mod sample;

pub use call::{CallTally, CallTallyKey};
pub use flow::{Conversation, FlowKey, FlowTally, Sent, service_rank};
pub use query::{QueryKey, QueryTally, QueryType, SubName};
pub use sample::{Sample, Sampled};

use serde::{Deserialize, Serialize};

/// Where a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordPlace {
    /// The file, by its rank.
    pub file: u32,
    /// Where in the file.
    pub position: u64,
}

/// Where traffic or queries were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The account.
    pub account: Box<str>,
    /// The region.
    pub region: Box<str>,
    /// The VPC; empty if not known.
    pub vpc: Box<str>,
    /// The network interface; empty for queries.
    pub interface: Box<str>,
    /// The instance; empty if not known.
    pub instance: Box<str>,
}

/// Milliseconds of a moment within its bucket, as far as 32 bits go.
pub(crate) fn offset_ms(moment_ms: i64, bucket_begin_ms: i64) -> u32 {
    u32::try_from(moment_ms.saturating_sub(bucket_begin_ms).max(0)).unwrap_or(u32::MAX)
}

pub(crate) fn saturating_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
