//! What the tests of whole scans share.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod recut;

use std::path::{Path, PathBuf};
use watchfire::cli::{Format, IntelArgument};
use watchfire::config::Settings;
use watchfire::load;
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, ScanOutcome, scan};
use watchfire_knowledge::Knowledge;
use watchfire_knowledge::lists::LIST_BYTES_MAX;
use watchfire_model::{Finding, ListKind};

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folders of `scenarios/`, in order.
pub fn scenarios() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(repository().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What the program knows by itself, and what a scenario's `knowledge/` adds: `KIND.txt` are threat lists, `trusted.txt`
/// is the trusted list, `inventory.json` the inventory, `NAME.mmdb` databases of geography.
pub fn knowledge(scenario: Option<&Path>) -> Knowledge {
    let mut settings = Settings {
        server: watchfire::server_settings::ServerSection::default(),
        config_file: None,
        threads: 1,
        format: Format::Json,
        min_severity: None,
        assume_account: String::new(),
        assume_region: String::new(),
        default_intel: true,
        intel: Vec::new(),
        feeds: Vec::new(),
        feed_folder: PathBuf::new(),
        list_bytes_max: LIST_BYTES_MAX,
        guards: Vec::new(),
        trusted: Vec::new(),
        geoip: Vec::new(),
        aws_ranges: None,
        inventory: None,
        thresholds: Default::default(),
        disabled: Vec::new(),
    };
    let folder = scenario.map(|scenario| scenario.join("knowledge")).filter(|folder| folder.is_dir());
    let files = folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        match file.file_name().unwrap().to_str().unwrap() {
            "trusted.txt" => settings.trusted.push(file),
            "inventory.json" => settings.inventory = Some(file),
            name if name.ends_with(".mmdb") => settings.geoip.push(file),
            name => {
                let kind = name.strip_suffix(".txt").and_then(ListKind::from_name);
                let kind = kind.unwrap_or_else(|| panic!("{} is named after no kind of list", file.display()));
                settings.intel.push(IntelArgument { kind, format: None, file });
            }
        }
    }
    let loaded = load::knowledge(&settings).unwrap();
    assert!(loaded.remarks.is_empty(), "{:?}", loaded.remarks);
    loaded.knowledge
}

/// Scans these paths on so many threads.
pub fn scan_paths(paths: &[PathBuf], knowledge: &Knowledge, threads: usize) -> ScanOutcome {
    let options = ScanOptions { paths: paths.to_vec(), threads, ..ScanOptions::default() };
    scan(&options, knowledge, &Progress::new(true), None).unwrap()
}

/// The findings as the program writes them.
pub fn json(findings: &[Finding]) -> String {
    let mut out = Vec::new();
    watchfire_export::write_json(findings, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The same without the places of the evidence.
pub fn placeless(findings: &[Finding]) -> String {
    let mut document = watchfire_export::json_document(findings);
    recut::without_places(&mut document);
    serde_json::to_string_pretty(&document).unwrap()
}
