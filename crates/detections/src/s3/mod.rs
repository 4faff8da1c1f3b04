//! Findings about buckets.
