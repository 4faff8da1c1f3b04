//! `xtask notices`: writes `THIRD-PARTY-NOTICES.md`, the licences of every crate that the program is built from.
//!
//! The texts are those that the crates' authors put into their packages, as cargo downloaded them; equal texts stand
//! once. Nothing is fetched: a build has fetched everything before. A test compares names, versions and licences of the
//! page with `Cargo.lock`, so that a changed dependency cannot be forgotten.

use crate::arguments::Arguments;
use anyhow::{Context, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
notices: write the licences of all crates in the program.

  --out FILE  [THIRD-PARTY-NOTICES.md]";

const PAGE: &str = "THIRD-PARTY-NOTICES.md";

/// What is distributed runs on Linux; crates for other systems are not in it.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// How deep below a crate's folder its C libraries keep their licences: `zstd/LICENSE`, `third_party/fiat/LICENSE`.
const FOLDERS_MAX: usize = 3;

const HEAD: &str = "\
# Third-party notices

Written by `cargo run -p xtask -- notices`; a test compares it with `Cargo.lock`.

Watchfire is built from these crates, and from the Rust standard library (https://github.com/rust-lang/rust), which is
Copyright (c) The Rust Project Contributors and used under the MIT licence or the Apache License 2.0. Crates that only
tests and house tasks use are left out. The notices of data that ships in the program stand in `NOTICE` and
`docs/threat-lists.md`.

Where a crate may be used under one of several licences, the texts of all of them stand here as its authors ship them;
zstd, which is under the BSD licence or the GPL, is used under the BSD licence.

| crate | version | licence |
| --- | --- | --- |
";

/// A crate as the page names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Named {
    name: String,
    version: String,
    licence: String,
}

/// Writes the page.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let out: PathBuf = arguments.value("--out")?.unwrap_or_else(|| PAGE.into());
    arguments.finish()?;

    let crates = crates_of_the_program(Path::new("."))?;
    let page = page(&crates)?;
    fs::write(&out, &page).with_context(|| format!("could not write `{}`", out.display()))?;
    println!("{}: {} crates, {} kB", out.display(), crates.len(), page.len() / 1000);
    Ok(())
}

fn page(crates: &BTreeMap<Named, PathBuf>) -> anyhow::Result<String> {
    let mut page = String::from(HEAD);
    for crate_ in crates.keys() {
        page += &row(crate_);
    }
    let mut silent = Vec::new();
    let mut texts: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for (crate_, folder) in crates {
        let label = format!("{} {}", crate_.name, crate_.version);
        let files = licence_files(folder)?;
        if files.is_empty() {
            silent.push(label);
            continue;
        }
        for file in files {
            let bytes = fs::read(&file).with_context(|| format!("could not read `{}`", file.display()))?;
            let text = tidied(&String::from_utf8_lossy(&bytes));
            if is_gpl(&text) {
                continue;
            }
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            texts.entry(words).or_insert_with(|| (text, BTreeSet::new())).1.insert(label.clone());
        }
    }
    if !silent.is_empty() {
        page += "\nThese packages bring no text of their licence; the table names it: ";
        page += &silent.join(", ");
        page += ".\n";
    }
    page += "\n## Texts\n";
    for (text, used_by) in texts.values() {
        let used_by: Vec<&str> = used_by.iter().map(String::as_str).collect();
        page += &format!("\n### {}\n\n````text\n{text}````\n", used_by.join(", "));
    }
    Ok(page)
}

fn row(crate_: &Named) -> String {
    format!("| {} | {} | {} |\n", crate_.name, crate_.version, crate_.licence)
}

/// Every crate from elsewhere that `watchfire` needs to be built, tests apart, with the folder it lies in.
fn crates_of_the_program(root: &Path) -> anyhow::Result<BTreeMap<Named, PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    for platform in PLATFORMS {
        command.args(["--filter-platform", platform]);
    }
    let output = command.output().context("could not run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("could not read what `cargo metadata` says")?;
    Ok(needed(&metadata, "watchfire"))
}

/// Follows the dependencies from one of our crates through `cargo metadata`'s answer.
fn needed(metadata: &Value, from: &str) -> BTreeMap<Named, PathBuf> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();

    let ours = |package: &Value| package["source"].is_null();
    let mut waiting: Vec<String> = packages
        .iter()
        .filter(|(_, package)| package["name"] == from && ours(package))
        .map(|(id, _)| id.clone())
        .collect();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut found = BTreeMap::new();
    while let Some(id) = waiting.pop() {
        if let Some(package) = packages.get(&id).filter(|package| !ours(package)) {
            let (name, version) = (text(&package["name"]), text(&package["version"]));
            let licence = package["license"].as_str().unwrap_or("see its text").to_owned();
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let folder = manifest.parent().map(Path::to_owned).unwrap_or_default();
            found.insert(Named { name, version, licence }, folder);
        }
        let Some(node) = nodes.get(&id) else { continue };
        for dependency in list(&node["deps"]) {
            let is_for_tests_only = list(&dependency["dep_kinds"]).iter().all(|kind| kind["kind"] == "dev");
            let id = text(&dependency["pkg"]);
            if !is_for_tests_only && seen.insert(id.clone()) {
                waiting.push(id);
            }
        }
    }
    found
}

/// The licences and notices in a crate's package, in order.
fn licence_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("could not list `{}`", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < FOLDERS_MAX {
                waiting.push((entry.path(), depth + 1));
            } else if kind.is_file() && is_licence(&entry.file_name().to_string_lossy()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_licence(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_text = !name.contains('.') || [".txt", ".md", ".third-party"].iter().any(|end| name.ends_with(end));
    let words = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
    is_text && words.iter().any(|word| name.starts_with(word))
}

/// zstd's other licence, which is not the one we use it under.
fn is_gpl(text: &str) -> bool {
    text.trim_start().starts_with("GNU GENERAL PUBLIC LICENSE")
}

/// The text with plain line ends, without space at the ends of lines, and with one line end at its own end.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches([' ', '\t', '\r', '\u{c}'])).collect();
    format!("{}\n", lines.join("\n").trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::{PAGE, crates_of_the_program, is_licence, needed, row, tidied};
    use serde_json::json;
    use std::fs;
    use std::path::Path;

    #[test]
    #[cfg(target_os = "linux")] // Elsewhere cargo has not fetched the crates for Linux.
    fn the_notices_are_those_of_the_crates_in_cargo_lock() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        let table = page.split("| --- | --- | --- |\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let expected: String = crates_of_the_program(&root).unwrap().keys().map(row).collect();
        for line in expected.lines() {
            assert!(table.contains(line), "{PAGE} lacks {line}\nrun `cargo run -p xtask -- notices`");
        }
        assert_eq!(table.trim_end(), expected.trim_end(), "run `cargo run -p xtask -- notices`");
    }

    #[test]
    fn what_only_tests_need_is_left_out() {
        let package = |name: &str, source: serde_json::Value| {
            json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT", "source": source,
                "manifest_path": format!("/crates/{name}/Cargo.toml")})
        };
        let metadata = json!({
            "packages": [package("watchfire", json!(null)), package("own", json!(null)),
                package("used", json!("registry")), package("tested", json!("registry"))],
            "resolve": {"nodes": [
                {"id": "watchfire", "deps": [
                    {"pkg": "own", "dep_kinds": [{"kind": null}]},
                    {"pkg": "tested", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "own", "deps": [{"pkg": "used", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]}]},
            ]}
        });
        let found = needed(&metadata, "watchfire");
        let names: Vec<&str> = found.keys().map(|crate_| crate_.name.as_str()).collect();
        assert_eq!(names, ["used"]);
        assert_eq!(found.values().next().unwrap(), Path::new("/crates/used"));
    }

    #[test]
    fn licences_are_told_by_their_names() {
        for name in ["LICENSE", "LICENSE-MIT", "license-apache-2.0.txt", "COPYING", "UNLICENSE", "NOTICE", "LICENSE.md"]
        {
            assert!(is_licence(name), "{name}");
        }
        for name in ["license.rs", "README.md", "copyright.html", "license.c"] {
            assert!(!is_licence(name), "{name}");
        }
        assert_eq!(tidied("\r\na \r\n\r\nb\u{c}\n\n"), "a\n\nb\n");
    }
}
