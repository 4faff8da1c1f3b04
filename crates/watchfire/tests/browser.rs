//! The HTML report in a browser: what a reader sees of a thousand findings, and what hostile names can make a browser do.
//!
//! `tools/test.sh` installs Chromium where it can. Where there is none, the test says on standard error that nothing was looked
//! at; with `CI` set, as `.ci/run` does, it fails.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/browser.rs"]
#[allow(dead_code, reason = "pictures are taken by `xtask`")]
mod browser;
#[path = "support/report_checks.rs"]
mod report_checks;

use browser::Browser;
use report_checks::{HOSTILE, KINDS, logs, look_for_obedience, make, open_large, use_by_keyboard};
use std::io::Write;
use std::path::{Path, PathBuf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_watchfire");
const GEOGRAPHY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../knowledge/tests/data/GeoLite2-City-Test.mmdb");

/// The browser of this machine; `None`, loudly, if there is none.
fn found() -> Option<PathBuf> {
    let found = browser::installed();
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "there is no Chromium to open the HTML report in: `bash tools/setup.sh --tests`, or install it"
        );
        // Not by a macro, whose words a passed test keeps to itself.
        let _ = writeln!(std::io::stderr(), "NOT TESTED: no Chromium is here, so nothing opened the HTML report");
    }
    found
}

#[test]
fn a_report_of_a_thousand_findings_opens_is_searched_and_used_by_keyboard() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    make(Path::new(PROGRAM), &logs(1_000, |number| format!("user-{number:04}")), GEOGRAPHY, &report).unwrap();
    let mut browser = Browser::start(&path).unwrap();
    let opened = open_large(&mut browser, &report, 1_000).unwrap();
    assert!(opened.ready_ms > 0.0 && opened.elements > 1_000);
    use_by_keyboard(&mut browser, &report, 1_000).unwrap();
}

#[test]
fn no_name_in_a_report_is_obeyed_and_nothing_is_fetched() {
    let Some(path) = found() else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let findings = HOSTILE.len() * KINDS;
    make(Path::new(PROGRAM), &logs(findings, |number| HOSTILE[number / KINDS].to_owned()), GEOGRAPHY, &report).unwrap();
    let seen = look_for_obedience(&mut Browser::start(&path).unwrap(), &report, findings).unwrap();
    assert_eq!(seen.len(), 3, "{seen:?}");
}
