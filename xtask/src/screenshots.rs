//! `xtask screenshots`: photographs the HTML report for README.md, with a browser that has no window.

use crate::arguments::Arguments;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
screenshots: photograph the HTML report of a made-up incident.

  --browser FILE  Chromium or Chrome [chromium]
  --folder DIR    where the pictures go [docs/images]";

/// A larger picture makes README.md slow to open.
const BYTES_MAX: u64 = 300_000;

/// Name, findings, width and height in pixels, dark colours, and the part of the page.
const PICTURES: [(&str, u32, u32, u32, bool, &str); 3] = [
    ("report-light", 250, 1280, 860, false, ""),
    ("report-dark", 250, 1280, 860, true, ""),
    ("report-narrow", 250, 500, 1000, false, ""),
];

/// Makes the reports and the pictures.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let browser: PathBuf = arguments.value("--browser")?.unwrap_or_else(|| "chromium".into());
    let folder: PathBuf = arguments.value("--folder")?.unwrap_or_else(|| "docs/images".into());
    arguments.finish()?;
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    for (name, findings, width, height, dark, part) in PICTURES {
        let report = scratch.path().join(format!("{findings}.html"));
        if !report.exists() {
            make_report(findings, &report)?;
        }
        let picture = folder.join(format!("{name}.png"));
        let mut command = Command::new(&browser);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--hide-scrollbars", "--virtual-time-budget=3000"]);
        command.arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }));
        command.arg(format!("--user-data-dir={}", scratch.path().join("profile").display()));
        command.arg(format!("--window-size={width},{height}"));
        command.arg(format!("--screenshot={}", picture.display()));
        command.arg(format!("file://{}{part}", report.display()));
        let done = command.output().with_context(|| format!("could not run `{}`", browser.display()))?;
        let bytes = std::fs::metadata(&picture).map(|file| file.len()).unwrap_or_default();
        if !done.status.success() || bytes == 0 {
            bail!("`{}` made no picture: {}", browser.display(), String::from_utf8_lossy(&done.stderr));
        }
        if bytes > BYTES_MAX {
            bail!("`{}` has {bytes} bytes, more than {BYTES_MAX}: make it smaller", picture.display());
        }
        println!("{}: {bytes} bytes", picture.display());
    }
    Ok(())
}

fn make_report(findings: u32, report: &Path) -> anyhow::Result<()> {
    let count = findings.to_string();
    let done = Command::new("cargo")
        .args(["run", "--quiet", "-p", "watchfire-export", "--example", "report", "--", &count])
        .arg(report)
        .status()
        .context("could not run cargo")?;
    if !done.success() {
        bail!("the example `report` of watchfire-export failed");
    }
    Ok(())
}
