//! `watchfire types`.

use super::print;
use crate::cli::{TypesArguments, type_matches};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fmt::Write as _;
use std::process::ExitCode;
use watchfire_detections::{DETECTIONS, Detection, thresholds};
use watchfire_model::catalogue::{self, CatalogueEntry};

/// Lists the finding types, or describes those that match.
pub fn run(arguments: &TypesArguments) -> Result<ExitCode> {
    let pattern = arguments.name.as_deref().unwrap_or("*");
    let all = if arguments.own { &[] } else { catalogue::all() };
    // Types of our own are listed apart, so that nobody takes them for Amazon's; by name they are found all the same.
    let own = if arguments.own || arguments.name.is_some() { catalogue::own() } else { &[] };
    let entries: Vec<&CatalogueEntry> = all
        .iter()
        .chain(own)
        .filter(|entry| type_matches(pattern, &entry.name) && (!arguments.live || detection_of(&entry.name).is_some()))
        .collect();
    if entries.is_empty() {
        bail!("no finding type matches `{pattern}`{}; `watchfire types` lists them all", alike(pattern));
    }
    let text = match (arguments.json, arguments.name.is_some()) {
        (true, _) => as_json(&entries)?,
        (false, true) => entries.iter().map(|entry| described(entry)).collect::<Vec<_>>().join("\n"),
        (false, false) => listed(&entries),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// "; did you mean …?": the types that have the word in them, however it is written, or else the one most like it.
fn alike(pattern: &str) -> String {
    const NAMED: usize = 5;
    let letters =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let word = letters(pattern);
    let all = || catalogue::all().iter().chain(catalogue::own()).map(|entry| entry.name.as_str());
    let mut found: Vec<&str> = all().filter(|name| !word.is_empty() && letters(name).contains(&word)).collect();
    if found.is_empty() {
        found.extend(thresholds::nearest(pattern, all()));
    }
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", or one of {more} more"),
    };
    found.truncate(NAMED);
    if found.is_empty() { String::new() } else { format!("; did you mean {}{more}?", found.join(", ")) }
}

fn detection_of(name: &str) -> Option<&'static Detection> {
    DETECTIONS.iter().copied().find(|detection| detection.reports.iter().any(|reported| reported.as_str() == name))
}

fn status(entry: &CatalogueEntry) -> &'static str {
    match (detection_of(&entry.name), entry.retired) {
        (Some(_), _) => "live",
        (None, true) => "retired",
        (None, false) => "not yet",
    }
}

fn severity(entry: &CatalogueEntry) -> String {
    let numbers = entry.severity.as_ref().map_or(&[][..], |severity| severity.as_slice());
    let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
    if entry.severity_variants.len() > 1 { format!("{}*", numbers.join("-")) } else { numbers.join("-") }
}

fn listed(entries: &[&CatalogueEntry]) -> String {
    let mut text = format!("{:<9} {:>8}  TYPE\n", "STATUS", "SEVERITY");
    for entry in entries {
        let _ = writeln!(text, "{:<9} {:>8}  {}", status(entry), severity(entry), entry.name);
    }
    let live = entries.iter().filter(|entry| detection_of(&entry.name).is_some()).count();
    let _ = writeln!(
        text,
        "\n{} types, {live} detected by this version. * depends on context: watchfire types TYPE",
        entries.len()
    );
    text
}

fn described(entry: &CatalogueEntry) -> String {
    let mut text = format!("{}\n", entry.name);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{}", watchfire_export::wrapped_field(name, value));
        }
    };
    let detection = detection_of(&entry.name);
    let state = match status(entry) {
        "live" => "detected by this version",
        "retired" => "retired by Amazon; never emitted",
        _ => "not detected by this version yet",
    };
    line("Status", state);
    line("Detects", &entry.detects);
    line("How", detection.map_or("", |detection| detection.summary));
    line("Severity", &severity(entry));
    for variant in &entry.severity_variants {
        line("", &format!("{} when {}", variant.severity, variant.when));
    }
    line("Read from", entry.data_source.as_deref().unwrap_or_default());
    line("Plan", &entry.plan);
    line("ATT&CK", &[entry.tactic.mitre_tactics.join(", "), entry.tactic.mitre_techniques.join(", ")].join("  "));
    line("Remediation", &entry.remediation);
    line("Test", &entry.test);
    line("Unpublished", &entry.undocumented);
    line("Source", &entry.source);
    text
}

fn as_json(entries: &[&CatalogueEntry]) -> Result<String> {
    let values: Vec<_> = entries
        .iter()
        .map(|entry| {
            let severity = entry.severity.as_ref().map_or(&[][..], |severity| severity.as_slice());
            json!({"type": entry.name, "status": status(entry), "severity": severity, "plan": entry.plan, "dataSource": entry.data_source,
                "method": entry.method, "detects": entry.detects, "remediation": entry.remediation, "test": entry.test})
        })
        .collect();
    Ok(serde_json::to_string_pretty(&values).context("could not write the types as JSON")? + "\n")
}
