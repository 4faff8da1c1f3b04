//! What is generated from the service model; see `xtask/src/api.rs`.

#[rustfmt::skip] // Laid out by the generator, so that a test can compare bytes.
mod operations;
#[rustfmt::skip]
#[allow(dead_code, reason = "the whole model is generated; nested members that no handler reads are stored as they came")]
pub(crate) mod types;

pub(crate) use operations::{Operation, marker};
