//! `watchfire explain`.

use super::print;
use super::scan::{ensure_there, options};
use crate::cli::ExplainArguments;
use crate::config::{Settings, is_coloured};
use crate::findings_file::findings_in;
use crate::load;
use crate::progress::Progress;
use crate::scan::scan;
use anyhow::{Result, bail};
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use watchfire_export::{explain, finding_json};

/// Ids shorter than this are too likely to fit several findings.
const ID_CHARS_MIN: usize = 4;

/// Finds the finding, in a file of findings or by scanning again, and explains it.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    if arguments.id.len() < ID_CHARS_MIN {
        bail!("give at least {ID_CHARS_MIN} characters of the finding's id");
    }
    ensure_there(&arguments.paths, &arguments.input)?;
    let mut findings = Vec::new();
    let mut logs: Vec<PathBuf> = Vec::new();
    for path in &arguments.paths {
        match findings_in(path)? {
            Some(found) => findings.extend(found),
            None => logs.push(path.clone()),
        }
    }
    if !logs.is_empty() {
        let settings = Settings::from_arguments(&arguments.input)?;
        let loaded = load::knowledge(&settings)?;
        let outcome = scan(
            &options(&logs, &arguments.input, &settings),
            &loaded.knowledge,
            &Progress::new(arguments.input.quiet),
            None,
        )?;
        findings.extend(outcome.findings.iter().map(finding_json));
    }
    let id = arguments.id.to_ascii_lowercase();
    let matching: Vec<&Value> = findings.iter().filter(|finding| id_of(finding).starts_with(&id)).collect();
    match matching.as_slice() {
        [] => bail!("no finding with the id `{id}` among {}", findings.len()),
        [finding] => {
            print(&explain(finding, is_coloured(arguments.input.color, &io::stdout())))?;
            Ok(ExitCode::SUCCESS)
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|finding| id_of(finding)).collect();
            bail!("{} findings begin with `{id}`; give more of it: {}", ids.len(), ids.join(", "))
        }
    }
}

fn id_of(finding: &Value) -> &str {
    finding.get("id").and_then(Value::as_str).unwrap_or_default()
}
