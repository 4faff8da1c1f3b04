//! `xtask pages`: writes `docs/findings/`, one page for each finding type that this version detects, with an index.
//!
//! A page is made of what the detection says about itself (summary, header, doc comments, thresholds, names of tests),
//! of the catalogue and of `scenarios/`. Nothing on it is written by hand, so it cannot say what the code does not; where
//! it reads badly, the doc comment does. A test fails where the pages are not what this would write.

mod page;
mod scenario;
mod source;

use crate::arguments::Arguments;
use anyhow::Context;
use page::Material;
use scenario::Scenario;
use source::{Common, Source};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use watchfire_detections::DETECTIONS;
use watchfire_detections::thresholds::GROUPS;
use watchfire_model::FindingType;

const HELP: &str = "\
pages: write the page of each finding type and their index into `docs/findings`, their lines into `docs/SUMMARY.md`, and
`docs/thresholds.md`.";

/// Where the pages stand.
const FOLDER: &str = "docs/findings";
/// The page of all settings of the detections of behaviour.
const THRESHOLDS: &str = "docs/thresholds.md";
/// The book's table of contents.
const SUMMARY: &str = "docs/SUMMARY.md";
/// The line of the table of contents under which the pages stand.
const SUMMARY_LINE: &str = "- [Finding types](findings/README.md)\n";

/// Writes the pages that changed, and removes those of types that are gone.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    arguments.finish()?;
    let root = root();
    std::fs::create_dir_all(root.join(FOLDER)).context("could not make `docs/findings`")?;
    let wanted = written(&root)?;
    for stray in strays(&root, &wanted)? {
        std::fs::remove_file(root.join(&stray)).with_context(|| format!("could not remove `{stray}`"))?;
    }
    let count = wanted.len();
    for (place, text) in wanted {
        std::fs::write(root.join(&place), text).with_context(|| format!("could not write `{place}`"))?;
    }
    println!("{count} files written");
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The name of a type's page: letters and digits in lower case, `-` where the type has its signs.
fn file_name(finding_type: FindingType) -> String {
    let text = finding_type.as_str().replace('&', "").to_ascii_lowercase();
    let name: String = text.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
    name + ".md"
}

/// Every file that belongs to the pages, with what must stand in it.
fn written(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let common = common(root)?;
    let scenarios = Scenario::all(root)?;
    let mut files = BTreeMap::new();
    for detection in DETECTIONS {
        let source = Source::read(root, &place_of(detection.file))?;
        for &finding_type in detection.reports {
            // Found by following the code. Of what is shared, the list knows better who uses which part.
            let listed = page::settings_of(finding_type);
            for key in page::asked_settings(finding_type, &source, &common) {
                let is_listed = listed.iter().any(|setting| setting.key == key);
                anyhow::ensure!(is_listed, "{finding_type} asks for `{key}`: say so in GROUPS of thresholds.rs");
            }
            let material = Material {
                finding_type,
                detection,
                entry: page::entry_of(finding_type)?,
                source: &source,
                common: &common,
                scenario: scenarios.iter().find(|scenario| scenario.gives(finding_type)).cloned(),
            };
            files.insert(format!("{FOLDER}/{}", file_name(finding_type)), page::page(&material));
        }
    }
    files.insert(format!("{FOLDER}/README.md"), index()?);
    files.insert(THRESHOLDS.to_owned(), thresholds());
    let summary = std::fs::read_to_string(root.join(SUMMARY)).with_context(|| format!("could not read `{SUMMARY}`"))?;
    files.insert(SUMMARY.to_owned(), with_pages(&summary)?);
    Ok(files)
}

/// Pages in the folder that are not wanted there.
fn strays(root: &Path, wanted: &BTreeMap<String, String>) -> anyhow::Result<Vec<String>> {
    let mut strays = Vec::new();
    for entry in std::fs::read_dir(root.join(FOLDER)).with_context(|| format!("could not list `{FOLDER}`"))? {
        let place = format!("{FOLDER}/{}", entry?.file_name().to_string_lossy());
        if !wanted.contains_key(&place) {
            strays.push(place);
        }
    }
    Ok(strays)
}

/// `file!()` as seen from the root, however the build names it.
fn place_of(file: &str) -> String {
    let file = file.replace('\\', "/");
    file.find("crates/").map_or(file.clone(), |begin| file[begin..].to_owned())
}

fn common(root: &Path) -> anyhow::Result<Common> {
    let folder = "crates/detections/src/shared";
    let named = |place: String| {
        let name = Path::new(&place).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, Source::read(root, &place)?))
    };
    let shared = rust_files(root, folder)?.into_iter().map(named).collect::<anyhow::Result<_>>()?;
    let knowledge = rust_files(root, "crates/knowledge/src")?;
    let knowledge = knowledge.iter().map(|place| Source::read(root, place)).collect::<anyhow::Result<_>>()?;
    Ok(Common { shared, knowledge })
}

/// The files of Rust right in this folder, in order.
fn rust_files(root: &Path, folder: &str) -> anyhow::Result<Vec<String>> {
    let mut places = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).with_context(|| format!("could not list `{folder}`"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rs") {
            places.push(format!("{folder}/{name}"));
        }
    }
    places.sort();
    Ok(places)
}

/// All types that are detected, by resource, then by name.
fn live_types() -> BTreeMap<&'static str, Vec<FindingType>> {
    let mut types: BTreeMap<&str, Vec<FindingType>> = BTreeMap::new();
    for detection in DETECTIONS {
        for &finding_type in detection.reports {
            types.entry(finding_type.resource()).or_default().push(finding_type);
        }
    }
    types.values_mut().for_each(|types| types.sort_by_key(|finding_type| finding_type.as_str()));
    types
}

/// What people call the resource of a finding type.
fn resource_name(resource: &str) -> &str {
    match resource {
        "EC2" => "EC2 instances",
        "IAMUser" => "IAM identities",
        "S3" => "S3 buckets",
        "Kubernetes" => "Kubernetes clusters",
        "Lambda" => "Lambda functions",
        "RDS" => "RDS databases",
        "Runtime" => "Processes at run time",
        other => other,
    }
}

fn index() -> anyhow::Result<String> {
    let types = live_types();
    let count: usize = types.values().map(Vec::len).sum();
    let mut text = format!(
        "# Finding types\n\nThe {count} types that this version detects, each with its page: what it means, what counts as \
         evidence, thresholds and their sources, what stays quiet, what to do, and how to see it happen. \
         `watchfire types` lists all that are known, also those that are not detected yet.\n\n## By purpose\n\n"
    );
    let mut purposes: BTreeMap<&str, Vec<FindingType>> = BTreeMap::new();
    for &finding_type in types.values().flatten() {
        purposes.entry(finding_type.purpose()).or_default().push(finding_type);
    }
    for (purpose, types) in purposes {
        let short = |one: &FindingType| {
            let name = one.as_str().split_once(':').map_or(one.as_str(), |(_, name)| name);
            format!("[{name}]({})", file_name(*one))
        };
        let _ = writeln!(text, "- **{purpose}**: {}", types.iter().map(short).collect::<Vec<_>>().join(", "));
    }
    for (resource, types) in types {
        let _ = write!(
            text,
            "\n## {}\n\n| type | severity | what was seen |\n| --- | --- | --- |\n",
            resource_name(resource)
        );
        for finding_type in types {
            let severity = page::severity(page::entry_of(finding_type)?);
            let summary = page::detection_of(finding_type).map_or("", |detection| detection.summary);
            let _ = writeln!(text, "| [{finding_type}]({}) | {severity} | {summary} |", file_name(finding_type));
        }
    }
    Ok(text)
}

/// All settings, in the groups of their detections.
fn thresholds() -> String {
    let mut text = "# Thresholds\n\nWhat the detections of behaviour decide by. Each can be set under `[thresholds]` in the \
                    [configuration](configuration.md), as in `ec2.beacon.score = 0.8`, or with `--threshold KEY=VALUE`. A finding \
                    quotes the value that was in force. `watchfire thresholds` prints what follows with the values in force, \
                    `watchfire thresholds KEY` one of them.\n"
        .to_owned();
    for group in GROUPS {
        let link = |one: &FindingType| format!("[{one}](findings/{})", file_name(*one));
        let types = group.types();
        let heading = match group.detections {
            [] => "All types that judge behaviour".to_owned(),
            _ => types.iter().map(link).collect::<Vec<_>>().join(", "),
        };
        let _ = write!(text, "\n{heading}:\n\n| key | default | range | unit | decides | source |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for one in group.thresholds {
            let (what, source) = (one.summary.trim_end_matches('.'), one.source.trim_end_matches('.'));
            let range = format!("{} to {}", one.min, one.max);
            let _ = writeln!(text, "| `{}` | {} | {range} | {} | {what} | {source} |", one.key, one.default, one.unit);
        }
    }
    text
}

/// The table of contents with the pages under their line; all other lines are written by hand.
fn with_pages(summary: &str) -> anyhow::Result<String> {
    let (before, after) =
        summary.split_once(SUMMARY_LINE).with_context(|| format!("{SUMMARY} has no line `{}`", SUMMARY_LINE.trim()))?;
    let kept = after.lines().skip_while(|line| line.starts_with(' '));
    let after: String = kept.map(|line| format!("{line}\n")).collect();
    let mut pages = String::new();
    for finding_type in live_types().into_values().flatten() {
        let _ = writeln!(pages, "  - [{finding_type}](findings/{})", file_name(finding_type));
    }
    Ok(format!("{before}{SUMMARY_LINE}{pages}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use watchfire_model::catalogue::OWN_MECHANISM;

    #[test]
    fn the_pages_say_what_the_code_says() {
        let wanted = written(&root()).unwrap();
        let mut stale: Vec<String> = strays(&root(), &wanted).unwrap();
        for (place, text) in &wanted {
            if std::fs::read_to_string(root().join(place)).unwrap_or_default() != *text {
                stale.push(place.clone());
            }
        }
        assert!(stale.is_empty(), "run `cargo run -p xtask -- pages`, and read what it changed: {stale:#?}");
    }

    #[test]
    fn every_type_has_a_page_of_its_own() {
        let types: Vec<FindingType> = live_types().into_values().flatten().collect();
        let names: BTreeSet<String> = types.iter().map(|finding_type| file_name(*finding_type)).collect();
        assert_eq!(names.len(), types.len());
        assert!(names.contains("backdoor-ec2-ccactivity-b-dns.md"), "{names:?}");
    }

    #[test]
    fn every_page_answers_every_question() {
        let mut missing = Vec::new();
        for (place, text) in written(&root()).unwrap() {
            if [SUMMARY, THRESHOLDS].contains(&place.as_str()) || place.ends_with("README.md") {
                continue;
            }
            let questions = [
                ("## What it means", "write the header of the detection's file (`//!`)"),
                ("## Evidence", "begin the doc comment of the rule's function with `Evidence:`"),
                ("## False positives", "add a paragraph that begins with `False positives:` to that comment"),
                ("## What it needs", "say in `needs` what the detection cannot do without"),
                ("## What to do", "the catalogue has no `remediation`"),
                ("## How to trigger it safely", "the catalogue has no `test`"),
                ("$ watchfire scan scenarios/", "no folder of `scenarios` gives the type"),
            ];
            // Nobody has published a test for types of our own.
            let is_own = text.lines().next().unwrap_or_default().ends_with(OWN_MECHANISM);
            for (heading, what_to_do) in questions {
                let is_excused = is_own && heading.contains("trigger");
                if !is_excused && !text.contains(heading) {
                    missing.push(format!("{place} has no `{heading}`: {what_to_do}"));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn what_a_page_says_that_the_account_says_is_what_it_says() {
        let account = std::fs::read_to_string(root().join("crates/watchfire/src/commands/account.rs")).unwrap();
        for (place, text) in written(&root()).unwrap() {
            let Some((_, needs)) = text.split_once("## What it needs\n\n") else { continue };
            for row in needs.lines().take_while(|line| !line.starts_with('#')).skip(2).filter(|line| !line.is_empty()) {
                let said = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
                let why = said.rsplit(": ").next().unwrap_or_default();
                assert!(account.contains(&format!("\"{why}\"")), "{place}: the account of a scan does not say `{why}`");
            }
        }
    }
}
