//! `xtask report`: makes HTML reports with the program, measures them, and has a browser look for anything that a log
//! could make it do.
//!
//! What is looked for is what the program's tests look for (`crates/watchfire/tests/browser.rs`); here with any number of
//! findings, with times, and with pictures.

use crate::arguments::Arguments;
use crate::browser::{self, Browser, Screen};
use anyhow::{Context, Result, ensure};
use checks::{HOSTILE, KINDS, logs, look_for_obedience, make, open_large, use_by_keyboard};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../../crates/watchfire/tests/support/report_checks.rs"]
mod checks;

/// A database of a few places, so that the report has a map.
const GEOGRAPHY: &str = "crates/knowledge/tests/data/GeoLite2-City-Test.mmdb";

const HELP: &str = "\
report: make HTML reports with the program, measure them, and have a browser check that no name in them is obeyed.

  cargo build --release -p watchfire && cargo run -p xtask -- report [OPTIONS]

  --program FILE  the program [target/release/watchfire]
  --findings N    findings of the measured report [1000]
  --browser FILE  Chromium or Chrome [the one on the path]
  --no-browser    only size and time
  --keep DIR      keep the reports there, with pictures of them

Fails where a report of 1,000 findings or fewer is larger than 3 MB or takes longer than 2 s to make or 1 s to open, and
where a name was obeyed.";

/// What the report of so many findings may take.
const PROMISED_FINDINGS: usize = 1_000;
const BYTES_MAX: u64 = 3_000_000;
const MAKING_MAX: Duration = Duration::from_secs(2);
const OPENING_MS_MAX: f64 = 1_000.0;

/// Makes, measures, looks.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    let findings: usize = arguments.value("--findings")?.unwrap_or(PROMISED_FINDINGS);
    let with_browser = !arguments.switch("--no-browser");
    let named: Option<PathBuf> = arguments.value("--browser")?;
    let keep: Option<PathBuf> = arguments.value("--keep")?;
    arguments.finish()?;
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    let folder = keep.clone().unwrap_or_else(|| scratch.path().to_owned());
    fs::create_dir_all(&folder).with_context(|| format!("could not make `{}`", folder.display()))?;

    let large = folder.join(format!("report-{findings}.html"));
    measure(&program, &logs(findings, |number| format!("user-{number:04}")), findings, &large)?;
    let hostile = folder.join("report-hostile.html");
    let names = HOSTILE.len() * KINDS;
    make(&program, &logs(names, |number| HOSTILE[number / KINDS].to_owned()), GEOGRAPHY, &hostile)?;
    if !with_browser {
        println!("no browser looked at the reports, as asked");
        return Ok(());
    }
    let path = named.or_else(browser::installed).context("no Chromium is on the path; --no-browser leaves it out")?;
    let mut browser = Browser::start(&path)?;
    let opened = open_large(&mut browser, &large, findings)?;
    println!("opened in {:.0} ms with {} elements", opened.ready_ms, opened.elements);
    ensure!(findings > PROMISED_FINDINGS || opened.ready_ms < OPENING_MS_MAX, "the report opens slowly");
    use_by_keyboard(&mut browser, &large, findings)?;
    for line in look_for_obedience(&mut browser, &hostile, names)? {
        println!("{line}");
    }
    if keep.is_some() {
        photograph(&mut browser, &large)?;
        photograph(&mut browser, &hostile)?;
    }
    Ok(())
}

fn measure(program: &Path, log: &str, findings: usize, report: &Path) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "how long the program takes is measured here")]
    let begin = Instant::now();
    make(program, log, GEOGRAPHY, report)?;
    let took = begin.elapsed();
    let bytes = fs::metadata(report).context("there is no report")?.len();
    println!(
        "{findings} findings: {:.2} MB; {:.2} s to read the log and make the report",
        bytes as f64 / 1e6,
        took.as_secs_f64()
    );
    if findings <= PROMISED_FINDINGS {
        ensure!(bytes < BYTES_MAX, "the report is larger than {BYTES_MAX} bytes");
        ensure!(took < MAKING_MAX || cfg!(debug_assertions) && took < 10 * MAKING_MAX, "that took too long");
    }
    Ok(())
}

/// Pictures beside the report: wide and narrow, light and dark, and on paper.
fn photograph(browser: &mut Browser, report: &Path) -> Result<()> {
    for (name, width, dark) in [("light", 1280, false), ("dark", 1280, true), ("narrow", 400, false)] {
        browser.show_on(Screen { width, height: 900, dark })?;
        browser.open(report, "")?;
        let picture = report.with_extension(format!("{name}.png"));
        fs::write(&picture, browser.picture(true)?).context("could not write a picture")?;
    }
    fs::write(report.with_extension("pdf"), browser.print()?).context("could not write a PDF")
}
