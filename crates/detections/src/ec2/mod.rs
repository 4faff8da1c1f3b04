//! Findings about instances.
