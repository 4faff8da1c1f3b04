//! Findings about buckets.

pub(crate) mod account_block_public_access_disabled;
pub(crate) mod anomalous_behavior;
pub(crate) mod bucket_anonymous_access_granted;
pub(crate) mod bucket_block_public_access_disabled;
pub(crate) mod bucket_public_access_granted;
pub(crate) mod kali_linux;
pub(crate) mod malicious_ip_caller;
pub(crate) mod parrot_linux;
pub(crate) mod pentoo_linux;
pub(crate) mod server_access_logging_disabled;
pub(crate) mod tor_ip_caller;
