//! One normalised log event, typed by its source.
//!
//! Records borrow from the buffer they were read from: a record allocates nothing unless a text in it was escaped.
//! A text that the log lacks, leaves null or gives in another type is empty here, for to a rule these mean the same.

mod api_call;
mod dns_query;
mod vpc_flow;

pub use api_call::{ApiCall, CallCategory, Identity, IdentityKind, SessionIssuer};
pub use dns_query::{DnsAnswers, DnsQuery};
pub use vpc_flow::{Direction, LogStatus, Verdict, VpcFlow};

use crate::Time;
use std::fmt;

/// One log event.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "records live on the stack of the parser; a box would allocate for each")]
pub enum Record<'a> {
    /// A CloudTrail event: management, data or network activity.
    ApiCall(ApiCall<'a>),
    /// A VPC flow log record.
    Flow(VpcFlow<'a>),
    /// A Route 53 Resolver query log record.
    DnsQuery(DnsQuery<'a>),
}

/// The source a record came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub enum RecordKind {
    /// [`Record::ApiCall`].
    ApiCall,
    /// [`Record::Flow`].
    Flow,
    /// [`Record::DnsQuery`].
    DnsQuery,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::ApiCall, Self::Flow, Self::DnsQuery];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiCall => "cloudtrail",
            Self::Flow => "vpc-flow",
            Self::DnsQuery => "dns",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Record<'_> {
    /// Which source this is of.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::ApiCall(_) => RecordKind::ApiCall,
            Self::Flow(_) => RecordKind::Flow,
            Self::DnsQuery(_) => RecordKind::DnsQuery,
        }
    }

    /// When it happened: the call, the start of the flow window, the query.
    pub fn time(&self) -> Time {
        match self {
            Self::ApiCall(call) => call.time,
            Self::Flow(flow) => flow.start,
            Self::DnsQuery(query) => query.time,
        }
    }

    /// The account whose log it stands in; empty if unknown.
    pub fn account(&self) -> &str {
        match self {
            Self::ApiCall(call) => call.account(),
            Self::Flow(flow) => &flow.account,
            Self::DnsQuery(query) => &query.account,
        }
    }

    /// The region it happened in; empty if unknown.
    pub fn region(&self) -> &str {
        match self {
            Self::ApiCall(call) => &call.region,
            Self::Flow(flow) => &flow.region,
            Self::DnsQuery(query) => &query.region,
        }
    }
}
