//! Findings about identities.

pub(crate) mod cloud_trail_logging_disabled;
