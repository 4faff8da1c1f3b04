//! Findings about buckets.

pub(crate) mod kali_linux;
pub(crate) mod malicious_ip_caller;
pub(crate) mod parrot_linux;
pub(crate) mod pentoo_linux;
pub(crate) mod tor_ip_caller;
