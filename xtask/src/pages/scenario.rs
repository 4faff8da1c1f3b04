//! Which folder of `scenarios/` gives a finding type, and the command that shows it.

use anyhow::Context;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use watchfire_model::{FindingType, ListKind};

/// A scenario, as far as a page tells of it.
#[derive(Clone)]
pub(super) struct Scenario {
    name: String,
    pub(super) about: String,
    types: Vec<String>,
    /// The files of `knowledge/`.
    knowledge: Vec<String>,
    /// Whether older logs teach first.
    has_baseline: bool,
}

impl Scenario {
    /// Every scenario that has logs of its own, in order of names.
    pub(super) fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let mut scenarios = Vec::new();
        for entry in std::fs::read_dir(root.join("scenarios")).context("could not list `scenarios`")? {
            let folder = entry?.path();
            if folder.join("events").is_dir() {
                scenarios.push(Self::read(&folder)?);
            }
        }
        scenarios.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(scenarios)
    }

    fn read(folder: &Path) -> anyhow::Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = folder.join("expected.json");
        let text = std::fs::read_to_string(&file).with_context(|| format!("could not read `{}`", file.display()))?;
        let expected: Value = serde_json::from_str(&text).with_context(|| format!("`{}`", file.display()))?;
        let findings = expected["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let types = findings.iter().filter_map(|finding| finding["type"].as_str()).map(str::to_owned).collect();
        Ok(Self {
            about: expected["about"].as_str().unwrap_or_default().to_owned(),
            types,
            knowledge: knowledge(folder)?,
            has_baseline: folder.join("baseline").is_dir(),
            name,
        })
    }

    pub(super) fn gives(&self, finding_type: FindingType) -> bool {
        self.types.iter().any(|given| given == finding_type.as_str())
    }

    /// The command that reports this type alone, with the lists of these kinds; long ones go over several lines.
    pub(super) fn command(&self, finding_type: FindingType, kinds: &[ListKind]) -> String {
        let mut command = format!("watchfire scan scenarios/{}/events --type '{finding_type}'", self.name);
        if self.has_baseline {
            let _ = write!(command, " \\\n    --baseline scenarios/{}/baseline", self.name);
        }
        for file in &self.knowledge {
            let path = format!("scenarios/{}/knowledge/{file}", self.name);
            let option = match (file.as_str(), file.strip_suffix(".txt").and_then(ListKind::from_name)) {
                ("trusted.txt", _) => format!("--trusted {path}"),
                ("inventory.json", _) => format!("--inventory {path}"),
                (name, _) if name.ends_with(".mmdb") => format!("--geoip {path}"),
                (_, Some(kind)) if kinds.contains(&kind) => format!("--intel {kind}={path}"),
                _ => continue,
            };
            let _ = write!(command, " \\\n    {option}");
        }
        command
    }
}

/// `KIND.txt` are threat lists, `trusted.txt` the trusted list, `inventory.json` the inventory, `NAME.mmdb` geography.
fn knowledge(folder: &Path) -> anyhow::Result<Vec<String>> {
    let knowledge = folder.join("knowledge");
    let mut files: Vec<String> = Vec::new();
    if knowledge.is_dir() {
        for entry in std::fs::read_dir(&knowledge)? {
            files.push(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(files)
}
