//! Older logs teach and are not reported on.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

mod support;

use std::path::PathBuf;
use support::{json, knowledge, repository};
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, ScanOutcome, scan};

fn scan_with(paths: &[&str], baselines: &[&str]) -> ScanOutcome {
    let sample = |name: &&str| repository().join("samples/AWSLogs/111122223333").join(name);
    let options = ScanOptions {
        paths: paths.iter().map(sample).collect::<Vec<PathBuf>>(),
        baselines: baselines.iter().map(sample).collect(),
        threads: 2,
        ..ScanOptions::default()
    };
    scan(&options, &knowledge(None), &Progress::new(true), None).unwrap()
}

#[test]
fn nothing_of_a_baseline_is_reported() {
    let outcome = scan_with(&["vpcdnsquerylogs"], &["CloudTrail", "vpcflowlogs"]);
    assert_eq!(json(&outcome.findings), json(&scan_with(&["vpcdnsquerylogs"], &[]).findings));
    assert!(!outcome.findings.is_empty());
    assert!(outcome.learnt.coverage.len() > outcome.coverage.len());
}

#[test]
fn what_is_asked_about_is_reported_also_if_it_is_a_baseline_too() {
    let alone = scan_with(&["CloudTrail", "vpcflowlogs"], &[]);
    let both = scan_with(&["CloudTrail", "vpcflowlogs"], &["CloudTrail", "vpcflowlogs"]);
    assert_eq!(json(&both.findings), json(&alone.findings));
    assert!(both.learnt.files.iter().all(|file| file.is_repeated));
    assert!(both.learnt.coverage.is_empty());
}
