//! Logs with labels that others wrote: the repository's scenarios, and folders given with `--data`.
//!
//! Three forms are understood. `expected.json` in a folder, as in `scenarios/`: the findings that must come, and no other.
//! `labels.json`, or `NAME.labels.json` beside `NAME.jsonl.gz`: a list of entries with `expected`, groups of types of which
//! each must be met by one, and `acceptable`, types that may come besides. An entry names a `file`, below the folder given,
//! or a `case`, a line `{"case": …, "event": …}` of the file beside it. Logs without a label are scanned too; of these it
//! is only told what was found.

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, scan};
use watchfire_knowledge::{IndicatorList, IndicatorsBuilder, Inventory, Knowledge, default_lists, lists};
use watchfire_model::ListKind;

/// What was found of what labels expect.
#[derive(Default)]
pub(crate) struct Labelled {
    /// Type → (expected, found).
    by_type: BTreeMap<String, (u64, u64)>,
    /// Types that no label expects or accepts, with how often.
    besides: BTreeMap<String, u64>,
    /// Places with labels.
    places: u64,
    /// What was expected and did not come.
    missed: Vec<String>,
    /// Path → types with their number, of logs without labels.
    unlabelled: Vec<(String, BTreeMap<String, u64>)>,
}

impl Labelled {
    /// Adds everything below a folder.
    pub(crate) fn add(&mut self, folder: &Path) -> Result<()> {
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        let mut covered: BTreeSet<PathBuf> = BTreeSet::new();
        for file in files.iter().filter(|file| file.ends_with("expected.json")) {
            let scenario = file.parent().unwrap_or(folder);
            self.scenario(scenario)?;
            covered.extend(files.iter().filter(|file| file.starts_with(scenario)).cloned());
        }
        for file in files.iter().filter(|file| file.to_string_lossy().ends_with("labels.json")) {
            covered.insert(file.clone());
            let text = std::fs::read(file).with_context(|| format!("reading `{}`", file.display()))?;
            let Value::Array(entries) =
                serde_json::from_slice(&text).with_context(|| format!("`{}`", file.display()))?
            else {
                continue;
            };
            self.entries(folder, file, &entries, &mut covered)?;
        }
        for file in files.into_iter().filter(|file| !covered.contains(file)) {
            if let Some(found) = types(std::slice::from_ref(&file), &[], &Knowledge::shipped())? {
                self.unlabelled.push((file.display().to_string(), found));
            }
        }
        Ok(())
    }

    fn scenario(&mut self, folder: &Path) -> Result<()> {
        let label: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json"))?)
            .with_context(|| format!("`{}/expected.json`", folder.display()))?;
        let events = folder.join(label["events"].as_str().unwrap_or("events"));
        let baseline = Some(folder.join("baseline")).filter(|folder| folder.is_dir());
        let knowledge = knowledge(&folder.join("knowledge"))?;
        let found = types(&[events], baseline.as_slice(), &knowledge)?.unwrap_or_default();
        let expected = label["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<Vec<String>> =
            expected.iter().filter_map(|finding| finding["type"].as_str()).map(|name| vec![name.to_owned()]).collect();
        self.compare(&folder.display().to_string(), &names, &[], &found);
        Ok(())
    }

    fn entries(
        &mut self,
        root: &Path,
        labels: &Path,
        entries: &[Value],
        covered: &mut BTreeSet<PathBuf>,
    ) -> Result<()> {
        let strings = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let cases = labels.to_string_lossy().replace(".labels.json", ".jsonl.gz");
        let cases =
            if Path::new(&cases).is_file() && cases.ends_with(".gz") { lines(Path::new(&cases))? } else { Vec::new() };
        covered.insert(labels.to_string_lossy().replace(".labels.json", ".jsonl.gz").into());
        for entry in entries {
            let groups: Vec<Vec<String>> = entry["expected"].as_array().into_iter().flatten().map(strings).collect();
            let acceptable = strings(&entry["acceptable"]);
            let temporary = tempfile::tempdir().context("could not make a folder")?;
            let (name, path) = if let Some(file) = entry["file"].as_str() {
                // Relative to the folder given, or to one above it.
                let places = [Some(root), root.parent(), labels.parent()];
                let place = places.into_iter().flatten().map(|place| place.join(file)).find(|path| path.is_file());
                let Some(path) = place else { continue };
                covered.insert(path.clone());
                (file.to_owned(), path)
            } else if let Some(case) = entry["case"].as_str() {
                let Some(line) = cases.iter().find(|line| line["case"] == case) else { continue };
                let path = temporary.path().join("events.jsonl");
                std::fs::write(&path, line["event"].to_string() + "\n")?;
                (case.to_owned(), path)
            } else {
                continue;
            };
            if let Some(found) = types(&[path], &[], &Knowledge::shipped())? {
                self.compare(&name, &groups, &acceptable, &found);
            }
        }
        Ok(())
    }

    fn compare(&mut self, place: &str, groups: &[Vec<String>], acceptable: &[String], found: &BTreeMap<String, u64>) {
        self.places += 1;
        for group in groups {
            let came = group.iter().find(|name| found.contains_key(*name));
            let Some(name) = came.or(group.first()) else { continue };
            let sum = self.by_type.entry(name.clone()).or_default();
            *sum = (sum.0 + 1, sum.1 + u64::from(came.is_some()));
            if came.is_none() {
                self.missed.push(format!("{place}: {name}"));
            }
        }
        for (name, count) in found {
            if !groups.iter().flatten().chain(acceptable).any(|known| known == name) {
                *self.besides.entry(name.clone()).or_default() += count;
            }
        }
    }

    pub(crate) fn json(&self) -> Value {
        let types = |types: &BTreeMap<String, u64>| json!(types);
        json!({
            "places": self.places,
            "types": self.by_type.iter().map(|(name, (expected, found))| json!({"type": name, "expected": expected, "found": found})).collect::<Vec<_>>(),
            "missed": self.missed,
            "neitherExpectedNorAccepted": types(&self.besides),
            "withoutLabels": self.unlabelled.iter().map(|(path, found)| json!({"path": path, "found": found})).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        if self.places == 0 && self.unlabelled.is_empty() {
            return text;
        }
        let _ = writeln!(
            text,
            "\n{} labelled places\n\n{:<70} {:>9} {:>6}",
            self.places, "finding type", "expected", "found"
        );
        for (name, (expected, found)) in &self.by_type {
            let _ = writeln!(text, "{name:<70} {expected:>9} {found:>6}");
        }
        for missed in &self.missed {
            let _ = writeln!(text, "missed: {missed}");
        }
        for (name, count) in &self.besides {
            let _ = writeln!(text, "neither expected nor accepted: {count} {name}");
        }
        for (path, found) in &self.unlabelled {
            let found: Vec<String> = found.iter().map(|(name, count)| format!("{count} {name}")).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            let _ = writeln!(text, "without a label: {path}: {found}");
        }
        text
    }
}

/// Types with how many findings there are of each; `None` if no record was read.
fn types(paths: &[PathBuf], baselines: &[PathBuf], knowledge: &Knowledge) -> Result<Option<BTreeMap<String, u64>>> {
    let options =
        ScanOptions { paths: paths.to_vec(), baselines: baselines.to_vec(), threads: 2, ..ScanOptions::default() };
    let outcome = scan(&options, knowledge, &Progress::new(true), None)?;
    if outcome.files.iter().all(|file| file.report.record_count() == 0) {
        return Ok(None);
    }
    let mut types = BTreeMap::new();
    for finding in outcome.findings {
        *types.entry(finding.latest.finding_type.as_str().to_owned()).or_default() += 1;
    }
    Ok(Some(types))
}

/// What ships in the program, and what a folder adds: `KIND.txt` are threat lists, `trusted.txt` the trusted list,
/// `inventory.json` the inventory.
fn knowledge(folder: &Path) -> Result<Knowledge> {
    if !folder.is_dir() {
        return Ok(Knowledge::shipped());
    }
    let mut builder = IndicatorsBuilder::default();
    for list in default_lists::load() {
        builder.add(list);
    }
    for guard in default_lists::guards() {
        builder.guard(guard);
    }
    let mut knowledge = Knowledge::shipped();
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    for file in files {
        let bytes = std::fs::read(&file).with_context(|| format!("reading `{}`", file.display()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = |kind| lists::read(&bytes, None, &IndicatorList::new(stem.clone(), kind)).list;
        match (stem.as_str(), file.extension().and_then(|kind| kind.to_str())) {
            ("inventory", Some("json")) => {
                knowledge.inventory = Inventory::from_json(&bytes).context("an inventory")?
            }
            ("trusted", Some("txt")) => drop(builder.trusted(read(ListKind::Custom))),
            (_, Some("mmdb")) => drop(knowledge.geography.add(bytes).context("a map of networks")?),
            (name, _) => {
                if let Some(kind) = ListKind::from_name(name) {
                    builder.add(read(kind));
                }
            }
        }
    }
    knowledge.indicators = builder.build();
    Ok(knowledge)
}

/// The lines of a gzip file of JSON lines.
fn lines(file: &Path) -> Result<Vec<Value>> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(|| format!("opening `{}`", file.display()))?;
    MultiGzDecoder::new(opened).read_to_string(&mut text).with_context(|| format!("reading `{}`", file.display()))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("`{}`", file.display()))).collect()
}

/// Every file below a folder, in order.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing `{}`", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_met_by_any_of_its_types_and_the_rest_is_counted() {
        let mut labelled = Labelled::default();
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let found = BTreeMap::from([("B".to_owned(), 2), ("C".to_owned(), 1), ("D".to_owned(), 3)]);
        labelled.compare("x", &[names(&["A", "B"]), names(&["E"])], &names(&["C"]), &found);
        assert_eq!(labelled.by_type["B"], (1, 1));
        assert_eq!(labelled.by_type["E"], (1, 0));
        assert_eq!(labelled.missed, ["x: E"]);
        assert_eq!(labelled.besides, BTreeMap::from([("D".to_owned(), 3)]));
    }
}
