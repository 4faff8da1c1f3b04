//! `watchfire scan`.

use super::account::account;
use super::{STATUS_FAIL_ON, STATUS_NOTHING_READ, is_broken_pipe, say};
use crate::cli::{Format, InputArguments, ScanArguments, type_matches};
use crate::config::{Settings, is_coloured};
use crate::load;
use crate::progress::Progress;
use crate::scan::{FileResult, ScanOptions, ScanOutcome, scan};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use watchfire_engine::Scope;
use watchfire_export::{TEXT_WIDTH, table, write_json, write_jsonl};
use watchfire_model::Finding;

/// Scans, reports, and says what was read.
pub fn run(arguments: &ScanArguments) -> Result<ExitCode> {
    #[expect(clippy::disallowed_methods, reason = "how long a scan took is told to people; no finding depends on it")]
    let begin = Instant::now();
    if let (Some(from), Some(to)) = (arguments.input.from, arguments.input.to)
        && from >= to
    {
        bail!("nothing lies from {from} to {to}: --from is the first moment, --to the first one after the period");
    }
    let settings = Settings::from_arguments(&arguments.input)?;
    let loaded = load::knowledge(&settings)?;
    let progress = Progress::new(arguments.input.quiet);
    let mut outcome = scan(&options(&arguments.paths, &arguments.input, &settings), &loaded.knowledge, &progress)?;
    let findings = std::mem::take(&mut outcome.findings);
    let held_back = findings.len();
    let reported: Vec<Finding> =
        findings.into_iter().filter(|finding| is_wanted(finding, arguments, &settings)).collect();
    let held_back = held_back - reported.len();

    let written = report(&reported, arguments, &settings);
    if let Err(error) = written
        && !is_broken_pipe(&error)
    {
        return Err(error); // A reader that has seen enough (`| head`) is no reason to leave out the account.
    }
    let mut account = account(&outcome, &loaded);
    account.seconds = begin.elapsed().as_secs_f64();
    account.not_reported = held_back as u64;
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

fn report(findings: &[Finding], arguments: &ScanArguments, settings: &Settings) -> Result<()> {
    let format = arguments.format.unwrap_or(settings.format);
    match &arguments.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("could not write `{}`", path.display()))?;
            let mut out = BufWriter::new(file);
            write(findings, format, false, &mut out).with_context(|| format!("could not write `{}`", path.display()))
        }
        None => {
            let coloured = is_coloured(arguments.input.color, &io::stdout());
            write(findings, format, coloured, &mut BufWriter::new(io::stdout().lock()))
                .context("could not write to standard output")
        }
    }
}

fn write(findings: &[Finding], format: Format, coloured: bool, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(table(findings, coloured).as_bytes())?,
        Format::Json => write_json(findings, out)?,
        Format::Jsonl => write_jsonl(findings, out)?,
    }
    out.flush()
}

fn status(reported: &[Finding], outcome: &ScanOutcome, arguments: &ScanArguments) -> ExitCode {
    let reached = arguments
        .fail_on
        .is_some_and(|level| reported.iter().any(|finding| finding.latest.severity >= level.minimum()));
    // A file that is no log is not nothing, but a folder of such files is not what anyone meant to scan.
    let anything_read = outcome.files.iter().any(FileResult::holds_a_log);
    match (reached, anything_read) {
        (true, _) => ExitCode::from(STATUS_FAIL_ON),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => {
            let reasons = if arguments.input.quiet { "scan without --quiet" } else { "see the account above" };
            say(&format!("watchfire: nothing could be read as a log; {reasons} for the reasons\n"));
            ExitCode::from(STATUS_NOTHING_READ)
        }
    }
}
