//! Findings read back from a file: JSON lines, a list, or `{"findings": […]}`, ours or GuardDuty's own.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// A findings file larger than this is a log.
const FINDINGS_BYTES_MAX: u64 = 1 << 30;

/// The findings in a file. That it holds none is no error, that it holds something else is.
pub fn read_findings(path: &Path) -> Result<Vec<Value>> {
    match findings_in(path)? {
        Some(findings) => Ok(findings),
        None => bail!("`{}` is no file of findings (--format jsonl or json)", path.display()),
    }
}

/// The findings in a file, if it is one of findings.
pub fn findings_in(path: &Path) -> Result<Option<Vec<Value>>> {
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
        finding.get("id").is_some_and(Value::is_string)
            && finding.get("type").is_some()
            && finding.get("service").is_some()
    });
    Ok(are_findings.then_some(findings))
}
