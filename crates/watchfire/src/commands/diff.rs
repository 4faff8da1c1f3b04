//! `watchfire diff`.

use super::{STATUS_DIFFERENT, print};
use crate::cli::{DiffArguments, DiffFormat};
use crate::findings_file::read_findings;
use anyhow::Result;
use std::process::ExitCode;
use watchfire_export::diff_findings;

/// Compares two files of findings and says what differs and why.
pub fn run(arguments: &DiffArguments) -> Result<ExitCode> {
    let diff = diff_findings(&read_findings(&arguments.old)?, &read_findings(&arguments.new)?);
    match arguments.format {
        DiffFormat::Text => print(&diff.to_text())?,
        DiffFormat::Json => print(&format!("{:#}\n", diff.to_json()))?,
    }
    Ok(if diff.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(STATUS_DIFFERENT) })
}
