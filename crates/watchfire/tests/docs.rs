//! What the documents promise, held against the program.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use watchfire::config::{ConfigFile, KnowledgeSection, ScanSection, parse};
use watchfire_detections::DETECTIONS;
use watchfire_model::ListKind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The contents of a document's code blocks of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == language {
                blocks.push(content.join("\n"));
            }
        }
    }
    blocks
}

/// What the program prints when it runs in the checkout without anyone's configuration.
fn printed(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_watchfire"));
    let output =
        program.args(arguments).current_dir(root()).env("XDG_CONFIG_HOME", root().join("docs")).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_readmes_two_commands_are_one_line_each() {
    let blocks = blocks(&read("README.md"), "sh");
    assert_eq!(blocks.len(), 2, "README.md has the command that scans and the one that tests, and no other `sh` block");
    for block in &blocks {
        assert_eq!(block.lines().count(), 1, "`{block}` must be one line, to be copied as it stands");
    }
    assert!(blocks[0].contains(" scan samples"), "the first command scans the sample: `{}`", blocks[0]);
}

#[test]
fn the_readmes_test_command_is_what_ci_runs() {
    let blocks = blocks(&read("README.md"), "sh");
    let ci = read(".ci/run");
    assert!(ci.lines().any(|line| line == blocks[1]), "`.ci/run` must run `{}`, word for word", blocks[1]);
}

#[test]
fn the_readme_counts_the_finding_types_as_the_program_does() {
    let count: usize = DETECTIONS.iter().map(|detection| detection.reports.len()).sum();
    let claim = format!("**{count} finding types**");
    assert!(read("README.md").contains(&claim), "README.md must say {claim}");
}

#[test]
fn the_readmes_example_of_a_finding_is_in_the_sample() {
    let page = read("README.md");
    let example = page.lines().find_map(|line| line.strip_prefix("$ watchfire explain ")).unwrap();
    let arguments: Vec<&str> = ["explain", "--quiet"].into_iter().chain(example.split(' ')).collect();
    assert!(printed(&arguments).contains("What happened"), "`watchfire explain {example}`");
}

#[test]
fn the_readmes_picture_shows_what_the_program_prints() {
    let picture = read("docs/images/scan.svg");
    let table = printed(&["scan", "--quiet", "--color", "never", "samples"]);
    let lines: Vec<&str> = table.lines().collect();
    for word in lines[3].split_whitespace().chain([*lines.last().unwrap()]) {
        assert!(
            picture.contains(word),
            "docs/images/scan.svg does not show `{word}`: `cargo build --release && cargo run -p xtask -- picture`"
        );
    }
}

#[test]
fn every_key_of_the_configuration_is_in_the_example() {
    let file = parse(&read("docs/config.example.toml")).unwrap();
    // Taken apart whole, so that a new key does not compile before it is looked for here.
    let ConfigFile { scan, knowledge } = file;
    let ScanSection { threads, format, min_severity, assume_account, assume_region } = scan;
    let KnowledgeSection {
        default_intel,
        intel,
        feed,
        feed_folder,
        list_bytes_max,
        guards,
        trusted,
        geoip,
        aws_ranges,
        inventory,
    } = knowledge;
    assert!(feed_folder.is_some() && list_bytes_max.is_some() && !guards.is_empty());
    assert!(intel.iter().any(|intel| intel.format.is_some() && intel.column.is_some()));
    assert!(feed.iter().any(|feed| feed.confidence.is_some()) && feed.iter().any(|feed| feed.subdomains));
    assert!(threads.is_some() && format.is_some() && min_severity.is_some());
    assert!(assume_account.is_some() && assume_region.is_some() && default_intel.is_some());
    assert!(!intel.is_empty() && !trusted.is_empty() && !geoip.is_empty());
    assert!(aws_ranges.is_some() && inventory.is_some());
}

#[test]
fn every_key_of_the_configuration_is_described() {
    let page = read("docs/configuration.md");
    let example = read("docs/config.example.toml");
    let mut section = "";
    for line in example.lines() {
        if let Some(name) = line.strip_prefix("[[").and_then(|line| line.strip_suffix("]]")) {
            assert!(page.contains(&format!("`{name}`")), "docs/configuration.md does not describe `{name}`");
            section = "";
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((key, _)) = line.split_once(" = ")
            && !section.is_empty()
        {
            let key = format!("`{section}.{key}`");
            assert!(page.contains(&key), "docs/configuration.md does not describe {key}");
        }
    }
}

#[test]
fn every_kind_of_list_is_documented() {
    let page = read("docs/configuration.md");
    for kind in ListKind::ALL {
        assert!(page.contains(&format!("`{}`", kind.name())), "docs/configuration.md does not name the kind `{kind}`");
    }
}
