//! `xtask variants`: attacks in other shapes than our recordings have, and what looks like them and is none, each in an
//! account of its own, several times with other seeds.
//!
//! An estate (`xtask evaluate`) asks what a company would see; this asks where each method ends. So a variant stands by
//! itself: a few hosts that work as usual, and one thing that happens.

mod account;
mod names;
mod network;

use crate::arguments::Arguments;
use crate::gzip::Deflater;
use account::{Account, Form, HOUR};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, scan};
use watchfire_knowledge::Knowledge;
use watchfire_model::Finding;

const HELP: &str = "\
Writes variants of attacks over the network and of what looks like them, each into an account of its own, scans them, and
prints what was found of each: as the type that should come, after how long, with the right explanation, and what was said
besides. docs/evaluation.md explains the figures.

  cargo run --release -p xtask -- variants [OPTIONS]

  --seeds N        how often each, with other seeds (3)
  --seed N         the first seed (1)
  --only TEXT      variants whose group or name holds the text
  --default-form   flows in AWS's default format, without flags and instances
  --window N       seconds over which flows are summed up (60)
  --details FILE   write the reasons of each finding
  --keep DIR       write the logs there, and leave them";

/// What should be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Should {
    /// A finding of this type.
    Find(&'static str),
    /// As good as nothing can be seen: a finding of this type would be welcome, and its lack is told in the documentation.
    MayFind(&'static str),
    StayQuiet,
    /// It is harmless, and not to be told from an attack.
    MayAlarm,
}

/// One variant.
pub(crate) struct Variant {
    group: &'static str,
    name: String,
    should: Should,
    has_history: bool,
    /// Types that are right to come besides: they say nothing but what is so.
    besides: &'static [&'static str],
    make: Box<dyn Fn(&mut Account)>,
}

impl Variant {
    fn new(group: &'static str, name: &str, should: Should, make: impl Fn(&mut Account) + 'static) -> Self {
        Self { group, name: name.to_owned(), should, has_history: false, besides: &[], make: Box::new(make) }
    }

    /// Must be found as this type.
    fn attack(group: &'static str, name: &str, of: &'static str, make: impl Fn(&mut Account) + 'static) -> Self {
        Self::new(group, name, Should::Find(of), make)
    }

    /// An attack beyond what the method can see.
    fn limit(group: &'static str, name: &str, of: &'static str, make: impl Fn(&mut Account) + 'static) -> Self {
        Self::attack(group, name, of, make).may_be_missed()
    }

    /// Nothing may be said of it.
    fn benign(group: &'static str, name: &str, make: impl Fn(&mut Account) + 'static) -> Self {
        Self::new(group, name, Should::StayQuiet, make)
    }

    /// After two quiet weeks.
    fn with_history(mut self) -> Self {
        self.has_history = true;
        self
    }

    /// These types may come besides.
    fn besides(mut self, types: &'static [&'static str]) -> Self {
        self.besides = types;
        self
    }

    /// Beyond what the method can see.
    fn may_be_missed(mut self) -> Self {
        if let Should::Find(of) = self.should {
            self.should = Should::MayFind(of);
        }
        self
    }

    fn may_alarm(mut self) -> Self {
        self.should = Should::MayAlarm;
        self
    }
}

/// What was found of a variant, over all seeds.
#[derive(Default, Debug)]
struct Counted {
    runs: u64,
    found: u64,
    /// Findings of the type whose text names what it should.
    explained: u64,
    minutes: Vec<i64>,
    others: BTreeMap<String, u64>,
}

/// The task.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let seeds: u64 = arguments.value("--seeds")?.unwrap_or(3);
    let seed: u64 = arguments.value("--seed")?.unwrap_or(1);
    let only: String = arguments.value("--only")?.unwrap_or_default();
    let form =
        Form { is_default: arguments.switch("--default-form"), window: arguments.value("--window")?.unwrap_or(60) };
    let details: Option<PathBuf> = arguments.value("--details")?;
    let keep: Option<PathBuf> = arguments.value("--keep")?;
    arguments.finish()?;
    let mut variants: Vec<(u64, Variant)> =
        (0..).zip(names::variants().into_iter().chain(network::variants())).collect();
    variants.retain(|(_, variant)| variant.group.contains(&only) || variant.name.contains(&only));
    let temporary = tempfile::tempdir().context("could not make a folder")?;
    let folder = keep.unwrap_or_else(|| temporary.path().to_owned());
    let mut lines = Vec::new();
    let counted = measure(&variants, seed..seed + seeds, form, &folder, &mut lines)?;
    if let Some(file) = details {
        std::fs::write(&file, lines.join("\n") + "\n").with_context(|| format!("writing `{}`", file.display()))?;
    }
    print!("{}", table(&variants, &counted));
    Ok(())
}

/// Writes and scans the variants, and counts.
fn measure(
    variants: &[(u64, Variant)],
    seeds: std::ops::Range<u64>,
    form: Form,
    folder: &Path,
    lines: &mut Vec<String>,
) -> Result<Vec<Counted>> {
    let mut deflater = Deflater::new()?;
    let mut accounts = BTreeMap::new();
    for (place, (number, variant)) in variants.iter().enumerate() {
        for seed in seeds.clone() {
            let mut account = Account::new(*number, seed, form, variant.has_history);
            account.from = account.at(6) + (seed as i64 * 811) % HOUR;
            (variant.make)(&mut account);
            write(&account, folder, &mut deflater)?;
            accounts.insert(account.id.clone(), (place, account.from, account.telling));
        }
    }
    let options = ScanOptions { paths: vec![folder.to_owned()], threads: 2, ..ScanOptions::default() };
    let findings = scan(&options, &Knowledge::shipped(), &Progress::new(true), None)?.findings;
    let mut counted: Vec<Counted> = variants.iter().map(|_| Counted::default()).collect();
    let mut by_account: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &findings {
        by_account.entry(&finding.latest.account).or_default().push(finding);
    }
    for (id, (place, from, telling)) in &accounts {
        let of_account = by_account.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let variant = &variants[*place].1;
        counted[*place].add(variant.should, *from, telling, of_account);
        lines.extend(of_account.iter().map(|finding| {
            let latest = &finding.latest;
            format!(
                "{}, {} ({id}): {} of {}: {}",
                variant.group,
                variant.name,
                latest.finding_type,
                latest.entity,
                latest.reasons.join(" ")
            )
        }));
    }
    Ok(counted)
}

impl Counted {
    fn add(&mut self, should: Should, from: i64, telling: &[String], findings: &[&Finding]) {
        self.runs += 1;
        let wanted = match should {
            Should::Find(wanted) | Should::MayFind(wanted) => wanted,
            Should::StayQuiet | Should::MayAlarm => "",
        };
        let is_wanted = |finding: &&&Finding| finding.latest.finding_type.as_str() == wanted;
        for finding in findings.iter().filter(|finding| !is_wanted(finding)) {
            *self.others.entry(finding.latest.finding_type.as_str().to_owned()).or_default() += 1;
        }
        let text = |finding: &Finding| {
            format!("{} {} {}", finding.latest.title, finding.latest.description, finding.latest.reasons.join(" "))
        };
        let found: Vec<&&Finding> = findings.iter().filter(is_wanted).collect();
        self.found += u64::from(!found.is_empty());
        let is_told = |finding: &&&&Finding| telling.iter().all(|word| text(finding).contains(word.as_str()));
        self.explained += u64::from(found.iter().any(|finding| is_told(&finding)));
        let first = found.iter().map(|finding| finding.created.ms().div_euclid(1_000)).min();
        self.minutes.extend(first.map(|first| (first - from) / 60));
    }
}

fn table(variants: &[(u64, Variant)], counted: &[Counted]) -> String {
    let mut text = String::from(
        "| variant | runs | found | explained | minutes | besides |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for ((_, variant), counted) in variants.iter().zip(counted) {
        let others: Vec<String> = counted.others.iter().map(|(of, count)| format!("{count} {of}")).collect();
        let mut minutes = counted.minutes.clone();
        minutes.sort_unstable();
        let minutes = minutes.get(minutes.len() / 2).map_or_else(String::new, i64::to_string);
        let (found, explained) = match variant.should {
            Should::Find(_) => (counted.found.to_string(), counted.explained.to_string()),
            Should::MayFind(_) => (format!("({})", counted.found), counted.explained.to_string()),
            Should::StayQuiet => ("quiet".to_owned(), String::new()),
            Should::MayAlarm => ("(quiet)".to_owned(), String::new()),
        };
        let mark = match variant.should {
            Should::Find(_) if counted.explained < counted.runs => "! ",
            Should::StayQuiet if counted.others.keys().any(|of| !variant.besides.contains(&of.as_str())) => "! ",
            _ => "",
        };
        text.push_str(&format!(
            "| {mark}{}: {} | {} | {found} | {explained} | {minutes} | {} |\n",
            variant.group,
            variant.name,
            counted.runs,
            others.join(", ")
        ));
    }
    text
}

/// The files of an account: AWS's places.
fn write(account: &Account, folder: &Path, deflater: &mut Deflater) -> Result<()> {
    let (id, vpc) = (&account.id, account.vpc());
    let files = [
        (
            format!(
                "AWSLogs/{id}/vpcflowlogs/eu-central-1/2026/03/16/{id}_vpcflowlogs_eu-central-1_fl-0a_20260316T0000Z_0a.log.gz"
            ),
            &account.flows,
        ),
        (
            format!(
                "AWSLogs/{id}/vpcdnsquerylogs/{vpc}/2026/03/16/{vpc}_vpcdnsquerylogs_{id}_20260316T0000Z_0a.log.gz"
            ),
            &account.queries,
        ),
    ];
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("creating `{}`", folder.display()))?;
        }
        let mut compressed = Vec::new();
        deflater.deflate(text.as_bytes(), &mut compressed);
        std::fs::write(&path, &compressed).with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variants that need no history, once each: what was measured stays so.
    #[test]
    fn tunnels_and_guessing_in_other_shapes_are_found_and_what_looks_like_them_is_not() {
        let groups = ["tunnel", "like a tunnel", "guessing", "like guessing"];
        let mut variants: Vec<(u64, Variant)> =
            (0..).zip(names::variants().into_iter().chain(network::variants())).collect();
        variants.retain(|(_, variant)| groups.contains(&variant.group) && !variant.has_history);
        assert!(variants.len() > 60, "{}", variants.len());
        let folder = tempfile::tempdir().unwrap();
        let (form, mut lines) = (Form { is_default: false, window: 60 }, Vec::new());
        let counted = measure(&variants, 7..8, form, folder.path(), &mut lines).unwrap();
        let table = table(&variants, &counted);
        let failed: Vec<&str> = table.lines().filter(|line| line.starts_with("| !")).collect();
        assert!(failed.is_empty(), "{}\n{}", failed.join("\n"), lines.join("\n"));
    }
}
