//! `xtask evaluate`: what the program finds of attacks at known places, and what it says without one.
//!
//! Estates are generated from a seed, attacks put into them, and the whole is scanned as `watchfire scan` does it. The
//! generator knows how companies work and how attackers do, and nothing of how detections decide.

mod attacks;
mod baselines;
mod estate;
mod hosts;
mod labelled;
mod mmdb;
mod people;
pub(crate) mod scenarios;
mod score;
pub(crate) mod variants;
mod write;

use crate::arguments::Arguments;
use anyhow::{Context, Result, bail};
use baselines::Baselines;
use estate::{Estate, Plan};
use labelled::Labelled;
use score::Figures;
use serde_json::json;
use std::path::{Path, PathBuf};
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, scan};
use watchfire_knowledge::Knowledge;
use watchfire_model::Finding;
use write::Writer;

const HELP: &str = "\
Generates estates with attacks in them, scans them, and prints recall, false alarms and time to detect, beside two simple
methods. docs/evaluation.md explains the figures.

  cargo run --release -p xtask -- evaluate [OPTIONS]

  --estates N      how many estates, each with the next seed (4)
  --seed N         the first seed (1)
  --principals N   people, pipelines, workloads and integrations of an account (60)
  --hosts N        hosts of an account (30)
  --days N         days of logs (30)
  --quiet          inject no attacks
  --data DIR       labelled logs besides those of scenarios/ (repeatable)
  --details FILE   write a line for each missed attack and each false alarm
  --keep DIR       write the logs there, and leave them
  --format FORM    table or json (table)";

/// The task.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let estates: u64 = arguments.value("--estates")?.unwrap_or(4);
    let seed: u64 = arguments.value("--seed")?.unwrap_or(1);
    let principals = arguments.value("--principals")?.unwrap_or(60);
    let hosts = arguments.value("--hosts")?.unwrap_or(30);
    let days = arguments.value("--days")?.unwrap_or(30);
    let has_attacks = !arguments.switch("--quiet");
    let mut folders = vec![PathBuf::from("scenarios")];
    while let Some(folder) = arguments.value::<PathBuf>("--data")? {
        folders.push(folder);
    }
    let details: Option<PathBuf> = arguments.value("--details")?;
    let keep: Option<PathBuf> = arguments.value("--keep")?;
    let format = arguments.value("--format")?.unwrap_or_else(|| "table".to_owned());
    arguments.finish()?;
    if principals < 5 || days < 18 {
        bail!("an estate has 5 principals and 18 days at least: two weeks are learnt from");
    }
    if !["table", "json"].contains(&format.as_str()) {
        bail!("`--format` is table or json");
    }
    let mut figures = Figures::default();
    for seed in seed..seed + estates {
        let plan = Plan { seed, principals, hosts, days, has_attacks };
        let temporary = tempfile::tempdir().context("could not make a folder")?;
        let folder = keep.as_ref().map_or_else(|| temporary.path().to_owned(), |keep| keep.join(seed.to_string()));
        evaluate(plan, &folder, &mut figures)?;
        eprintln!("estate {seed} done");
    }
    let mut labelled = Labelled::default();
    for folder in folders {
        labelled.add(&folder)?;
    }
    if let Some(file) = details {
        std::fs::write(&file, figures.details.join("\n") + "\n")
            .with_context(|| format!("writing `{}`", file.display()))?;
    }
    if format == "json" {
        println!("{:#}", json!({ "estates": figures.json(), "labelled": labelled.json() }));
    } else {
        print!("{}{}", figures.table(), labelled.table());
    }
    Ok(())
}

/// Generates an estate below a folder, scans it, and adds what was found to the figures.
fn evaluate(plan: Plan, folder: &Path, figures: &mut Figures) -> Result<()> {
    let estate = Estate::of(plan);
    let attacks = attacks::plan(&estate);
    let mut writer = Writer::new(folder)?;
    let mut baselines = Baselines::default();
    for day in 0..plan.days {
        let mut calls = people::calls(&estate, day);
        let usual = calls.clone();
        attacks::calls(&estate, &attacks, day, &usual, &mut calls);
        let mut traffic = hosts::traffic(&estate, day);
        attacks::traffic(&estate, &attacks, day, &mut traffic);
        baselines.day(&estate, day, &calls, &traffic);
        writer.day(&estate, day, &calls, &traffic)?;
    }
    let findings = found(folder, &estate)?;
    figures.add(&estate, &attacks, &findings, &baselines, writer.records);
    Ok(())
}

/// What a scan of the folder finds, with what ships in the program and a map of the estate's networks.
fn found(folder: &Path, estate: &Estate) -> Result<Vec<Finding>> {
    let mut knowledge = Knowledge::shipped();
    knowledge.geography.add(mmdb::database(&estate.networks)).context("the map of the networks")?;
    let options = ScanOptions { paths: vec![folder.to_owned()], threads: 2, ..ScanOptions::default() };
    Ok(scan(&options, &knowledge, &Progress::new(true), None)?.findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The committed counts of the small benchmark.
    const EXPECTED: &str = "src/evaluate/expected.json";

    /// Small enough for every run of the tests; large benchmarks are run by hand.
    const SMALL: Plan = Plan { seed: 3, principals: 16, hosts: 5, days: 20, has_attacks: true };

    fn figures() -> Figures {
        let folder = tempfile::tempdir().unwrap();
        let mut figures = Figures::default();
        evaluate(SMALL, folder.path(), &mut figures).unwrap();
        figures
    }

    /// A gate, not a goal: it says that something changed, and a person decides whether for the better.
    #[test]
    fn the_small_benchmark_counts_as_before() {
        let figures = figures();
        let found = figures.json();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXPECTED);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&file, format!("{found:#}\n")).unwrap();
            return;
        }
        let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let different: Vec<String> = expected
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, value)| found[*key] != **value)
            .map(|(key, value)| format!("{key} was {value:#}, is {:#}", found[key]))
            .collect();
        assert!(
            different.is_empty(),
            "{}\n{}\nThe counts of the small benchmark changed. If a missed attack is found now or a false alarm is gone, \
             or if what was lost is worth what the change brings, write them anew with `UPDATE_EXPECTED=1 cargo test -p \
             xtask the_small_benchmark` and say why in the commit; docs/evaluation.md tells what the figures mean.",
            different.join("\n"),
            figures.details.join("\n")
        );
    }

    #[test]
    fn the_same_plan_gives_the_same_records() {
        let records = || {
            let estate = Estate::of(Plan { days: 18, ..SMALL });
            let attacks = attacks::plan(&estate);
            let mut calls = people::calls(&estate, 16);
            let usual = calls.clone();
            attacks::calls(&estate, &attacks, 16, &usual, &mut calls);
            let mut traffic = hosts::traffic(&estate, 16);
            attacks::traffic(&estate, &attacks, 16, &mut traffic);
            format!("{calls:?} {:?} {:?}", traffic.connections, traffic.queries)
        };
        assert!(!records().is_empty());
        assert_eq!(records(), records());
    }

    #[test]
    fn what_is_written_is_read_without_a_complaint() {
        let folder = tempfile::tempdir().unwrap();
        let estate = Estate::of(Plan { days: 18, hosts: 16, ..SMALL });
        let attacks = attacks::plan(&estate);
        let mut writer = Writer::new(folder.path()).unwrap();
        let mut calls = people::calls(&estate, 16);
        let usual = calls.clone();
        attacks::calls(&estate, &attacks, 16, &usual, &mut calls);
        let mut traffic = hosts::traffic(&estate, 16);
        attacks::traffic(&estate, &attacks, 16, &mut traffic);
        writer.day(&estate, 16, &calls, &traffic).unwrap();
        let options = ScanOptions { paths: vec![folder.path().to_owned()], threads: 1, ..ScanOptions::default() };
        let outcome = scan(&options, &Knowledge::shipped(), &Progress::new(true), None).unwrap();
        let read: u64 = outcome.files.iter().map(|file| file.report.record_count()).sum();
        assert!(outcome.files.iter().all(|file| file.report.rejected_count == 0 && file.problems().is_empty()));
        assert_eq!(read, writer.records.iter().sum::<u64>());
    }
}
