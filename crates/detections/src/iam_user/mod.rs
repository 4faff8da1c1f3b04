//! Findings about identities.

pub(crate) mod cloud_trail_logging_disabled;
pub(crate) mod compromised_credentials;
pub(crate) mod kali_linux;
pub(crate) mod malicious_ip_caller;
pub(crate) mod parrot_linux;
pub(crate) mod pentoo_linux;
pub(crate) mod tor_ip_caller;
