//! `xtask determinism`: the same records in other files give the same findings, shown with the real program.
//!
//! Compares byte for byte where the files are the same, and without the places of the evidence where they are not.

#[path = "../../crates/watchfire/tests/support/recut.rs"]
mod recut;

use crate::arguments::Arguments;
use anyhow::{Context, bail, ensure};
use recut::{Dice, LogFile, Packing};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HELP: &str = "\
Gives the program the same records in other files and compares what it finds.

  --data DIR     add the logs below this folder to those of the repository (repeatable)
  --binary FILE  the program [default: `watchfire` beside this one]
  --seed N       how files are named, cut and packed [default: 1]";

pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let mut roots = vec![PathBuf::from("samples"), PathBuf::from("scenarios")];
    while let Some(folder) = arguments.value::<PathBuf>("--data")? {
        roots.push(folder);
    }
    let beside = std::env::current_exe()?.with_file_name("watchfire");
    let binary = arguments.value("--binary")?.unwrap_or(beside);
    let seed: u64 = arguments.value("--seed")?.unwrap_or(1);
    arguments.finish()?;
    ensure!(binary.is_file(), "there is no program `{}`: build it, or name it with --binary", binary.display());
    let proof = Proof { binary, scratch: tempfile::tempdir()?, dice: Dice::new(seed) };
    proof.run(&roots)
}

struct Proof {
    binary: PathBuf,
    scratch: tempfile::TempDir,
    dice: Dice,
}

/// What one scan gave.
struct Scan {
    report: String,
    account: Value,
}

impl Scan {
    fn findings(&self) -> anyhow::Result<Value> {
        let mut findings: Value = serde_json::from_str(&self.report)?;
        recut::without_places(&mut findings);
        Ok(findings)
    }

    fn summary(&self) -> String {
        let number = |pointer: &str| self.account.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let records: u64 = self
            .account
            .pointer("/records/analysed")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|kinds| kinds.values().filter_map(Value::as_u64))
            .sum();
        format!(
            "{} files, {records} records, {} copies of events",
            number("/files/listed"),
            number("/records/duplicates")
        )
    }
}

impl Proof {
    fn run(mut self, roots: &[PathBuf]) -> anyhow::Result<()> {
        let paths: Vec<OsString> = roots.iter().map(|root| root.clone().into_os_string()).collect();
        let base = self.scan(&paths, 1)?;
        let count = |value: &Value| value.pointer("/findings").and_then(Value::as_array).map_or(0, Vec::len);
        let findings = base.findings()?;
        println!("{:<44} {} findings from {}", "one thread", count(&findings), base.summary());
        ensure!(count(&findings) > 0, "nothing was found, so nothing can be compared");

        let mut failures = Vec::new();
        let mut compare = |what: &str, scan: &Scan, is_same: bool, how: &str| {
            println!("{what:<44} {} from {}", if is_same { how } else { "DIFFERENT" }, scan.summary());
            if !is_same {
                failures.push(what.to_owned());
            }
        };
        const SAME_BYTES: &str = "the same bytes";
        for threads in [2, 7] {
            let scan = self.scan(&paths, threads)?;
            compare(&format!("{threads} threads"), &scan, scan.report == base.report, SAME_BYTES);
        }
        let reversed: Vec<OsString> = paths.iter().rev().cloned().collect();
        let scan = self.scan(&reversed, 2)?;
        compare("arguments in another order", &scan, scan.report == base.report, SAME_BYTES);

        const SAME_FINDINGS: &str = "the same findings";
        let files = recut::load(roots)?;
        let mut variants: Vec<(String, Vec<LogFile>, Vec<Packing>)> = vec![
            ("files under other names".to_owned(), files.clone(), vec![Packing::Plain]),
            ("gzip, gzip in members, zstd, plain".to_owned(), files.clone(), Packing::ALL.to_vec()),
        ];
        for parts in [1, 3, 17] {
            let dealt = recut::deal(&files, parts, false, &mut self.dice);
            variants.push((format!("records dealt into {parts} files a kind and place"), dealt, Packing::ALL.to_vec()));
        }
        let twice = recut::deal(&files, 5, true, &mut self.dice);
        variants.push(("every API event in two files".to_owned(), twice, Packing::ALL.to_vec()));
        let doubled = [files.clone(), files.clone()].concat();
        variants.push(("every file twice".to_owned(), doubled, Packing::ALL.to_vec()));
        for (number, (what, files, packings)) in variants.into_iter().enumerate() {
            let folder = self.scratch.path().join(number.to_string());
            recut::write(&files, &folder, &packings, &mut self.dice)?;
            let scan = self.scan(&[folder.clone().into_os_string()], 1 + number % 3)?;
            let found = scan.findings()?;
            compare(&what, &scan, found == findings, SAME_FINDINGS);
            if found != findings {
                explain(&findings, &found);
            }
            std::fs::remove_dir_all(folder)?;
        }
        if failures.is_empty() { Ok(()) } else { bail!("different findings: {}", failures.join("; ")) }
    }

    fn scan(&self, paths: &[OsString], threads: usize) -> anyhow::Result<Scan> {
        let account = self.scratch.path().join("account.json");
        let output = Command::new(&self.binary)
            .arg("scan")
            .args(paths)
            .args(["--format", "json", "--quiet", "--threads", &threads.to_string(), "--account-file"])
            .arg(&account)
            .env("XDG_CONFIG_HOME", self.scratch.path())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("could not run `{}`", self.binary.display()))?;
        ensure!(output.status.success(), "the program ended with {}", output.status);
        Ok(Scan { report: String::from_utf8(output.stdout)?, account: read_json(&account)? })
    }
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// Names the findings that differ, so that one can be looked into.
fn explain(expected: &Value, found: &Value) {
    let list = |value: &Value| value.pointer("/findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |finding: &Value| {
        let text = |pointer: &str| finding.pointer(pointer).map_or_else(String::new, Value::to_string);
        format!("{} {} count {}", text("/type"), text("/id"), text("/service/count"))
    };
    let (expected, found) = (list(expected), list(found));
    for finding in expected.iter().filter(|finding| !found.contains(finding)) {
        println!("    only before: {}", name(finding));
    }
    for finding in found.iter().filter(|finding| !expected.contains(finding)) {
        println!("    only after:  {}", name(finding));
    }
}
