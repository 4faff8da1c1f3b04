//! `watchfire scan`.

use super::account::account;
use super::{STATUS_FAIL_ON, STATUS_NOTHING_READ, say};
use crate::cli::{Format, InputArguments, ScanArguments, type_matches};
use crate::config::{Settings, is_coloured};
use crate::load;
use crate::progress::Progress;
use crate::scan::{ScanOptions, ScanOutcome, scan};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use watchfire_engine::Scope;
use watchfire_export::{ScanAccount, TEXT_WIDTH, table, write_html, write_json, write_jsonl};
use watchfire_model::Finding;

/// Scans, reports, and says what was read.
pub fn run(arguments: &ScanArguments) -> Result<ExitCode> {
    #[expect(clippy::disallowed_methods, reason = "how long a scan took is told to people; no finding depends on it")]
    let begin = Instant::now();
    let settings = Settings::from_arguments(&arguments.input)?;
    let loaded = load::knowledge(&settings)?;
    let progress = Progress::new(arguments.input.quiet);
    let mut outcome = scan(&options(&arguments.paths, &arguments.input, &settings), &loaded.knowledge, &progress)?;
    let findings = std::mem::take(&mut outcome.findings);
    let held_back = findings.len();
    let reported: Vec<Finding> =
        findings.into_iter().filter(|finding| is_wanted(finding, arguments, &settings)).collect();
    let held_back = held_back - reported.len();

    let mut account = account(&outcome, &loaded);
    account.not_reported = held_back as u64;
    report(&reported, &account, arguments, &settings)?;
    account.seconds = begin.elapsed().as_secs_f64();
    if let Some(file) = &arguments.account_file {
        let text = serde_json::to_string_pretty(&account).context("could not write the account as JSON")?;
        std::fs::write(file, text + "\n").with_context(|| format!("could not write `{}`", file.display()))?;
    }
    if !arguments.input.quiet {
        for remark in &loaded.remarks {
            say(&format!("{remark}\n"));
        }
        say(&format!("\n{}", account.to_text(TEXT_WIDTH)));
    }
    Ok(status(&reported, &outcome, arguments))
}

/// What the command line and the settings say to scan.
pub fn options(paths: &[PathBuf], input: &InputArguments, settings: &Settings) -> ScanOptions {
    ScanOptions {
        paths: paths.to_vec(),
        threads: settings.threads,
        scope: Scope { from: input.from, to: input.to, accounts: input.account.clone(), regions: input.region.clone() },
        assume_account: settings.assume_account.clone(),
        assume_region: settings.assume_region.clone(),
        ..ScanOptions::default()
    }
}

fn is_wanted(finding: &Finding, arguments: &ScanArguments, settings: &Settings) -> bool {
    let severe = arguments.min_severity.or(settings.min_severity).is_none_or(|least| finding.latest.severity >= least);
    let name = finding.latest.finding_type.as_str();
    severe && (arguments.types.is_empty() || arguments.types.iter().any(|pattern| type_matches(pattern, name)))
}

fn report(findings: &[Finding], account: &ScanAccount, arguments: &ScanArguments, settings: &Settings) -> Result<()> {
    let format = arguments.format.unwrap_or(settings.format);
    match &arguments.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("could not write `{}`", path.display()))?;
            let mut out = BufWriter::new(file);
            write(findings, account, format, false, &mut out)
                .with_context(|| format!("could not write `{}`", path.display()))
        }
        None => {
            let coloured = is_coloured(arguments.input.color, &io::stdout());
            write(findings, account, format, coloured, &mut BufWriter::new(io::stdout().lock()))
                .context("could not write to standard output")
        }
    }
}

fn write(
    findings: &[Finding],
    account: &ScanAccount,
    format: Format,
    coloured: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(table(findings, coloured).as_bytes())?,
        Format::Json => write_json(findings, out)?,
        Format::Jsonl => write_jsonl(findings, out)?,
        Format::Html => write_html(findings, account, out)?,
    }
    out.flush()
}

fn status(reported: &[Finding], outcome: &ScanOutcome, arguments: &ScanArguments) -> ExitCode {
    let reached = arguments
        .fail_on
        .is_some_and(|level| reported.iter().any(|finding| finding.latest.severity >= level.minimum()));
    let anything_read = outcome.files.iter().any(|file| file.outcome.as_ref().is_some_and(|outcome| outcome.bytes > 0));
    match (reached, anything_read) {
        (true, _) => ExitCode::from(STATUS_FAIL_ON),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => {
            say("watchfire: nothing could be read; see the account above for the reasons\n");
            ExitCode::from(STATUS_NOTHING_READ)
        }
    }
}
