//! Pieces that several detections share.

pub(crate) mod api_class;
pub(crate) mod bucket_grant;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod connection;
pub mod contact;
pub(crate) mod credential_place;
pub mod dga;
pub mod dga_decision;
pub mod flow_side;
pub(crate) mod generated_names;
pub(crate) mod guessing;
pub(crate) mod habit;
pub(crate) mod host;
pub(crate) mod listed_caller;
pub(crate) mod listed_flow;
pub(crate) mod listed_query;
pub(crate) mod new_resolver;
pub mod pen_test;
pub(crate) mod port_probe;
pub(crate) mod public_access_block;
pub(crate) mod reputation;
pub(crate) mod resolver;
pub(crate) mod rhythm;
pub(crate) mod scan;
pub(crate) mod state;
pub(crate) mod subject;
pub(crate) mod tallied_flow;
pub(crate) mod tallied_query;

/// The addresses of AWS's metadata and credential services, as answers write them. Source: AWS documentation of the
/// instance metadata service (both families), of task metadata, and of the credential endpoints of tasks and pods.
pub const METADATA_ADDRESSES: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];
