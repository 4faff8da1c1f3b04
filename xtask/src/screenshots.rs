//! `xtask screenshots`: photographs the HTML report of `samples/` for README.md, with a browser that has no window.

use crate::arguments::Arguments;
use crate::browser::{self, Browser, Screen};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const HELP: &str = "\
screenshots: photograph the HTML report of `samples/`.

  --program FILE  the program [target/release/watchfire]
  --browser FILE  Chromium or Chrome [the one on the path]
  --folder DIR    where the pictures go [docs/images]";

/// A larger picture makes README.md slow to open.
const BYTES_MAX: usize = 300_000;

/// The name of each picture and what it is taken on.
const PICTURES: [(&str, Screen); 2] = [
    ("report-light", Screen { width: 1280, height: 940, dark: false }),
    ("report-dark", Screen { width: 1280, height: 940, dark: true }),
];

/// Makes the report and the pictures.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    let named: Option<PathBuf> = arguments.value("--browser")?;
    let folder: PathBuf = arguments.value("--folder")?.unwrap_or_else(|| "docs/images".into());
    arguments.finish()?;
    let path = named.or_else(browser::installed).context("no Chromium is on the path; --browser names one")?;
    fs::create_dir_all(&folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    let report = scratch.path().join("report.html");
    let done = Command::new(&program)
        .args(["scan", "samples", "--quiet", "--format", "html", "--output"])
        .arg(&report)
        .status()
        .with_context(|| format!("could not run `{}`; build it with `cargo build --release`", program.display()))?;
    ensure!(done.success(), "`watchfire scan samples` failed");

    let mut browser = Browser::start(&path)?;
    for (name, screen) in PICTURES {
        browser.show_on(screen)?;
        browser.open(&report, "")?;
        let bytes = browser.picture(false)?;
        let picture = folder.join(format!("{name}.png"));
        ensure!(
            bytes.len() <= BYTES_MAX,
            "`{}` would have {} bytes, more than {BYTES_MAX}: make it smaller",
            picture.display(),
            bytes.len()
        );
        fs::write(&picture, &bytes).with_context(|| format!("could not write `{}`", picture.display()))?;
        println!("{}: {} bytes", picture.display(), bytes.len());
    }
    Ok(())
}
