//! `watchfire explain`.

use super::print;
use super::scan::options;
use crate::cli::ExplainArguments;
use crate::config::{Settings, is_coloured};
use crate::load;
use crate::progress::Progress;
use crate::scan::scan;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use watchfire_export::{explain, finding_json};

/// Ids shorter than this are too likely to fit several findings.
const ID_CHARS_MIN: usize = 4;
/// A findings file larger than this is a log.
const FINDINGS_BYTES_MAX: u64 = 1 << 30;

/// Finds the finding, in a file of findings or by scanning again, and explains it.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    if arguments.id.len() < ID_CHARS_MIN {
        bail!("give at least {ID_CHARS_MIN} characters of the finding's id");
    }
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

/// The findings in a file, if it is one of findings.
fn findings_in(path: &Path) -> Result<Option<Vec<Value>>> {
    let shown = path.display();
    let about = std::fs::metadata(path).with_context(|| format!("could not read `{shown}`"))?;
    if !about.is_file() || about.len() > FINDINGS_BYTES_MAX {
        return Ok(None);
    }
    let bytes = std::fs::read(path).with_context(|| format!("could not read `{shown}`"))?;
    let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(None) };
    let whole = serde_json::from_str::<Value>(text).ok().map(|document| vec![document]);
    let lines = || {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| serde_json::from_str(line).ok())
            .collect::<Option<Vec<Value>>>()
    };
    let Some(documents) = whole.or_else(lines) else { return Ok(None) };
    let findings: Vec<Value> = documents
        .into_iter()
        .flat_map(|document| match document {
            Value::Array(items) => items,
            Value::Object(mut object) => match object.remove("findings") {
                Some(Value::Array(items)) => items,
                _ => vec![Value::Object(object)],
            },
            other => vec![other],
        })
        .collect();
    let are_findings = findings.iter().all(|finding| {
        finding.get("id").is_some() && finding.get("type").is_some() && finding.get("service").is_some()
    });
    Ok((are_findings && !findings.is_empty()).then_some(findings))
}
