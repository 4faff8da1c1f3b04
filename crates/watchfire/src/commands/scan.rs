//! `watchfire scan`.

use super::account::account;
use super::{STATUS_FAIL_ON, STATUS_NOTHING_READ, is_broken_pipe, say};
use crate::cli::{InputArguments, ScanArguments};
use crate::config::{Settings, is_coloured};
use crate::format::{Format, Report};
use crate::load;
use crate::progress::Progress;
use crate::resume::{Resume, scan_identity};
use crate::scan::{FileResult, ScanOptions, ScanOutcome, scan};
use crate::selection::Selection;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use watchfire_engine::Scope;
use watchfire_export::{ScanAccount, TEXT_WIDTH};
use watchfire_model::Finding;

/// The file name that stands for standard output.
const STANDARD_OUTPUT: &str = "-";
/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

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
    let outputs = outputs(arguments, &settings)?;
    let selection = Selection::from_arguments(arguments, &settings)?;
    let loaded = load::knowledge(&settings)?;
    ensure_there(&arguments.paths, &arguments.input)?;
    let progress = Progress::new(arguments.input.quiet);
    let options = options(&arguments.paths, &arguments.input, &settings);
    let resume = match &arguments.resume {
        Some(file) => Some(Resume::open(file, scan_identity(&options, &settings)?)?),
        None => None,
    };
    let mut outcome = scan(&options, &loaded.knowledge, &progress, resume.as_ref())?;
    let findings = std::mem::take(&mut outcome.findings);
    let mut account = account(&outcome, &loaded, &settings.disabled);
    let reported = selection.apply(findings, &mut account);

    let written = report(&reported, &account, &outputs, arguments);
    if let Err(error) = written
        && !is_broken_pipe(&error)
    {
        return Err(error); // A reader that has seen enough (`| head`) is no reason to leave out the account.
    }
    account.seconds = begin.elapsed().as_secs_f64();
    if let Some(file) = &arguments.account_file {
        let text = serde_json::to_string_pretty(&account).context("could not write the account as JSON")?;
        std::fs::write(file, text + "\n").with_context(|| format!("could not write `{}`", file.display()))?;
    }
    let resumed = resume.as_ref().map_or(0, Resume::count);
    if let Some(resume) = resume {
        resume.finish()?;
    }
    if !arguments.input.quiet {
        if resumed > 0 {
            say(&format!("{resumed} files had been read by an earlier run.\n"));
        }
        for remark in &loaded.remarks {
            say(&format!("{remark}\n"));
        }
        say(&format!("\n{}", account.to_text(TEXT_WIDTH)));
    }
    Ok(status(&reported, &outcome, arguments))
}

/// A path that is misspelt is a mistake of the command line, told before hours are spent on the others: logs or history
/// that are silently not there make a scan that silently finds nothing.
pub fn ensure_there(paths: &[PathBuf], input: &InputArguments) -> Result<()> {
    let given = paths.iter().map(|path| ("", path)).chain(input.baseline.iter().map(|path| ("`--baseline`: ", path)));
    for (option, path) in given {
        let elsewhere = path.as_path() == Path::new(STANDARD_INPUT) || path.to_string_lossy().starts_with("s3://");
        // What is there and cannot be read is told in the account.
        let is_missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        if !elsewhere && path.symlink_metadata().is_err_and(is_missing) {
            bail!("{option}there is no such file or folder: `{}`", path.display());
        }
    }
    Ok(())
}

/// What the command line and the settings say to scan.
pub fn options(paths: &[PathBuf], input: &InputArguments, settings: &Settings) -> ScanOptions {
    ScanOptions {
        paths: paths.to_vec(),
        baselines: input.baseline.clone(),
        threads: settings.threads,
        scope: Scope { from: input.from, to: input.to, accounts: input.account.clone(), regions: input.region.clone() },
        assume_account: settings.assume_account.clone(),
        assume_region: settings.assume_region.clone(),
        thresholds: settings.thresholds.clone(),
        disabled: settings.disabled.clone(),
        ..ScanOptions::default()
    }
}

/// Where the report goes, in which forms. Standard output if no file is named.
fn outputs(arguments: &ScanArguments, settings: &Settings) -> Result<Vec<(Format, PathBuf)>> {
    let usual = arguments.format.unwrap_or(settings.format);
    let mut outputs: Vec<(Format, PathBuf)> = Vec::new();
    for output in &arguments.output {
        if outputs.iter().any(|(_, file)| *file == output.file) {
            bail!("`{}` is named twice by --output: one report would overwrite the other", output.file.display());
        }
        outputs.push((output.format.unwrap_or(usual), output.file.clone()));
    }
    if outputs.is_empty() {
        outputs.push((usual, PathBuf::from(STANDARD_OUTPUT)));
    }
    Ok(outputs)
}

fn report(
    findings: &[Finding],
    account: &ScanAccount,
    outputs: &[(Format, PathBuf)],
    arguments: &ScanArguments,
) -> Result<()> {
    let mut broken_pipe = None;
    for (format, path) in outputs {
        if path.as_path() == Path::new(STANDARD_OUTPUT) {
            let coloured = is_coloured(arguments.input.color, &io::stdout());
            let report = Report { findings, account, coloured };
            let written = format.write(&report, &mut BufWriter::new(io::stdout().lock()));
            match written.context("could not write to standard output") {
                Err(error) if is_broken_pipe(&error) => broken_pipe = Some(error), // The files are wanted all the same.
                other => other?,
            }
            continue;
        }
        let not_written = || format!("could not write `{}`", path.display());
        let mut out = BufWriter::new(File::create(path).with_context(not_written)?);
        let report = Report { findings, account, coloured: false };
        format.write(&report, &mut out).with_context(not_written)?;
    }
    broken_pipe.map_or(Ok(()), Err)
}

fn status(reported: &[Finding], outcome: &ScanOutcome, arguments: &ScanArguments) -> ExitCode {
    let reached = arguments.fail_on.is_some_and(|level| {
        reported.iter().any(|finding| !finding.archived && finding.latest.severity >= level.minimum())
    });
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
