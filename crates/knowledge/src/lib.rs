//! What a detection may ask besides the record.

pub mod bucket_access;
pub mod bucket_acl;
pub mod bucket_policy;
