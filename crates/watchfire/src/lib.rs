//! The program: command line, configuration, composition. Only this crate joins the others.
//!
//! bytes → records → facts → signals → findings → report. See [`scan::scan`] for the whole flow.

pub mod buckets;
pub mod cli;
pub mod commands;
pub mod config;
pub mod contents;
pub mod data;
pub mod evidence;
pub mod feeds;
pub mod findings_file;
pub mod format;
pub mod load;
pub mod progress;
pub mod resume;
pub mod saved_baseline;
pub mod scan;
pub mod selection;
pub mod server_settings;
pub mod service;
pub mod spool;
pub mod telemetry;
pub mod version;
