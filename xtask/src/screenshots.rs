//! `xtask screenshots`: photographs the HTML report of `samples/` and the console over them, with a browser that has no
//! window.

use crate::arguments::Arguments;
use crate::browser::{self, Browser, Screen};
use crate::console_checks::{Served, check};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
screenshots: photograph the HTML report of `samples/`, and the console.

  --program FILE  the program [target/release/watchfire]
  --browser FILE  Chromium or Chrome [the one on the path]
  --folder DIR    where the pictures go [docs/images]";

/// A larger picture makes README.md slow to open.
const BYTES_MAX: usize = 300_000;

/// The name of each picture of the report and what it is taken on.
const REPORT: [(&str, Screen); 2] = [
    ("report-light", Screen { width: 1280, height: 940, dark: false }),
    ("report-dark", Screen { width: 1280, height: 940, dark: true }),
];

/// The same of the console.
const CONSOLE: [(&str, Screen); 2] = [
    ("console-list", Screen { width: 1280, height: 860, dark: false }),
    ("console-finding", Screen { width: 1280, height: 1000, dark: false }),
];

/// Findings that the samples give: the console is photographed when it has them all.
const SAMPLES: usize = 19;

/// A type whose finding shows what findings have to say.
const SHOWN_TYPE: &str = "Recon:EC2/PortProbeUnprotectedPort";

/// Makes the report and the pictures.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let program: PathBuf = arguments.value("--program")?.unwrap_or_else(|| "target/release/watchfire".into());
    let named: Option<PathBuf> = arguments.value("--browser")?;
    let folder: PathBuf = arguments.value("--folder")?.unwrap_or_else(|| "docs/images".into());
    arguments.finish()?;
    let path = named.or_else(browser::installed).context("no Chromium is on the path; --browser names one")?;
    fs::create_dir_all(&folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    let mut browser = Browser::start(&path)?;
    report(&mut browser, &program, &folder)?;
    console(&mut browser, &program, &folder)
}

fn report(browser: &mut Browser, program: &Path, folder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    let report = scratch.path().join("report.html");
    let done = Command::new(program)
        .args(["scan", "samples", "--quiet", "--format", "html", "--output"])
        .arg(&report)
        .status()
        .with_context(|| format!("could not run `{}`; build it with `cargo build --release`", program.display()))?;
    ensure!(done.success(), "`watchfire scan samples` failed");
    for (name, screen) in REPORT {
        browser.show_on(screen)?;
        browser.open(&report, "")?;
        take(browser, folder, name)?;
    }
    Ok(())
}

fn console(browser: &mut Browser, program: &Path, folder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    let served = Served::start(program, &scratch.path().join("data"), Path::new("samples/AWSLogs"))?;
    served.sign_in(browser, &served.key)?;
    served.wait_for(browser, SAMPLES)?;
    let list = format!("{}/console/findings", served.endpoint);
    for (name, screen) in CONSOLE {
        browser.show_on(screen)?;
        browser.open_page(&list)?;
        if name == "console-finding" {
            let open = format!(
                "[...document.querySelectorAll('.findings tr')].find((row) => row.innerText.includes('{SHOWN_TYPE}'))"
            );
            let open = format!("(({open}) ?? document).querySelector('td.what a').click()");
            browser.and_loads(|browser| browser.evaluate(&open).map(drop))?;
        }
        check(browser, &served.endpoint)?;
        take(browser, folder, name)?;
    }
    Ok(())
}

fn take(browser: &mut Browser, folder: &Path, name: &str) -> Result<()> {
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
    Ok(())
}
