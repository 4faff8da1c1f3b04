//! The vocabulary: records, signals, findings, and the plain values they are made of.
//!
//! Nothing here reads a file, a socket, the environment or a clock. Every other crate lies above this one.

mod anomaly;
pub mod catalogue;
mod finding;
mod finding_type;
mod list_kind;
mod record;
mod severity;
mod signal;
mod time;

pub use anomaly::{Anomaly, Observed, ProfileWord};
pub use finding::{Evidence, EvidenceRecord, Finding, KnowledgeUsed};
pub use finding_type::FindingType;
pub use list_kind::ListKind;
pub use record::{
    ApiCall, CallCategory, Direction, DnsAnswers, DnsQuery, Identity, IdentityKind, LogStatus, Record, RecordKind,
    SessionIssuer, Verdict, VpcFlow,
};
pub use severity::{Severity, SeverityLevel};
pub use signal::{
    AccessKey, Action, ApiCallAction, Bucket, BucketPermission, ConnectionDirection, DnsRequestAction, Instance,
    NetworkConnectionAction, NetworkInterface, PortProbe, PortProbeAction, PublicAccess, Remote, RemoteAccount,
    Resource, ResourceKind, ResourceRole, Signal, ThreatMatch,
};
pub use time::{Time, TimeError};
