//! Whole attacks, and near misses: the folders of `scenarios/` give exactly the findings that stand beside them.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

mod support;

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use support::{knowledge, repository, scenarios};
use watchfire::progress::Progress;
use watchfire::scan::{ScanOptions, scan};
use watchfire_detections::DETECTIONS;
use watchfire_export::conformance::ServiceModel;
use watchfire_export::finding_json;
use watchfire_model::{Finding, FindingType};

/// `expected.json`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// What happens, in a sentence or two.
    about: String,
    /// The logs, relative to the scenario, where they are not its `events/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<PathBuf>,
    /// Says that nothing must be found: such a scenario is a near miss.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    quiet: bool,
    /// The findings, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<ExpectedFinding>,
}

#[derive(Clone, Deserialize, Serialize, PartialEq, PartialOrd, Debug)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    #[serde(rename = "type")]
    finding_type: String,
    /// The principal, the instance, or bucket and principal.
    entity: String,
    severity: f64,
    count: u64,
    role: String,
}

impl ExpectedFinding {
    fn of(finding: &Finding) -> Self {
        let role = finding_json(finding).pointer("/service/resourceRole").cloned().unwrap_or_default();
        Self {
            finding_type: finding.latest.finding_type.to_string(),
            entity: finding.latest.entity.clone(),
            severity: finding.latest.severity.number(),
            count: finding.count,
            role: role.as_str().unwrap_or_default().to_owned(),
        }
    }
}

fn expected(scenario: &Path) -> Expected {
    let file = scenario.join("expected.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Every scenario and what is found in it.
static FOUND: LazyLock<Vec<(PathBuf, Vec<Finding>)>> = LazyLock::new(|| {
    scenarios().into_iter().map(|scenario| (scenario.clone(), found(&scenario, &expected(&scenario)))).collect()
});

fn found(scenario: &Path, expected: &Expected) -> Vec<Finding> {
    let events = scenario.join(expected.events.as_deref().unwrap_or(Path::new("events")));
    let baselines = Some(scenario.join("baseline")).filter(|folder| folder.is_dir());
    let options = ScanOptions {
        paths: vec![events],
        baselines: baselines.into_iter().collect(),
        threads: 2,
        ..ScanOptions::default()
    };
    let outcome = scan(&options, &knowledge(Some(scenario)), &Progress::new(true), None).unwrap();
    for (file, result) in outcome.listing.files.iter().zip(&outcome.files) {
        assert!(result.report.record_count() > 0, "{}: {:?}", file.display(), result.report);
        assert!(result.problems().is_empty() && result.report.rejected_count == 0, "{}", file.display());
    }
    outcome.findings
}

/// With `UPDATE_EXPECTED` set it writes what was found instead of comparing; read the difference before you commit it.
#[test]
fn every_scenario_gives_its_findings_and_no_other() {
    let mut wrong = Vec::new();
    for (scenario, findings) in FOUND.iter() {
        let name = scenario.file_name().unwrap().to_string_lossy().into_owned();
        let mut expected = expected(scenario);
        assert!(
            expected.quiet == expected.findings.is_empty() || std::env::var_os("UPDATE_EXPECTED").is_some(),
            "{name}"
        );
        let sorted = |mut findings: Vec<ExpectedFinding>| {
            findings.sort_by(|one, other| one.partial_cmp(other).unwrap());
            findings
        };
        let found = sorted(findings.iter().map(ExpectedFinding::of).collect());
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            expected.findings = found;
            let text = serde_json::to_string_pretty(&expected).unwrap() + "\n";
            std::fs::write(scenario.join("expected.json"), text).unwrap();
            continue;
        }
        let wanted = sorted(expected.findings);
        let only = |these: &[ExpectedFinding], those: &[ExpectedFinding]| -> Vec<String> {
            these.iter().filter(|finding| !those.contains(finding)).map(|finding| format!("{finding:?}")).collect()
        };
        if found != wanted {
            wrong.push(format!(
                "{name}\n  missing: {:#?}\n  too many: {:#?}",
                only(&wanted, &found),
                only(&found, &wanted)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_occurs_in_a_scenario() {
    let shown: BTreeSet<String> = scenarios()
        .iter()
        .filter(|scenario| expected(scenario).events.is_none())
        .flat_map(|scenario| expected(scenario).findings)
        .map(|finding| finding.finding_type)
        .collect();
    let live: BTreeSet<FindingType> = DETECTIONS.iter().flat_map(|detection| detection.reports).copied().collect();
    let not_shown: Vec<FindingType> =
        live.into_iter().filter(|finding_type| !shown.contains(finding_type.as_str())).collect();
    assert!(not_shown.is_empty(), "add a scenario that gives {not_shown:?}");
}

#[test]
fn the_sample_shows_at_least_ten_types() {
    let expected = expected(&repository().join("scenarios/the-sample-of-the-readme"));
    let types: BTreeSet<String> = expected.findings.into_iter().map(|finding| finding.finding_type).collect();
    assert!(types.len() >= 10, "{types:?}");
}

#[test]
fn every_finding_has_the_shape_of_the_service_model() {
    let model = ServiceModel::committed().unwrap();
    for (_, findings) in FOUND.iter() {
        for finding in findings {
            let violations: Vec<String> =
                model.check_finding(&finding_json(finding)).iter().map(ToString::to_string).collect();
            assert!(violations.is_empty(), "{}: {violations:#?}", finding.latest.finding_type);
        }
    }
}

/// Nothing is claimed that nobody can follow: a finding says why, shows its records, and what it consulted has a name.
#[test]
fn every_finding_explains_itself() {
    for (_, findings) in FOUND.iter() {
        for finding in findings {
            let name = finding.latest.finding_type;
            assert!(!finding.latest.title.is_empty() && !finding.latest.description.is_empty(), "{name}");
            assert!(!finding.latest.reasons.is_empty(), "{name}");
            let evidence = &finding.evidence;
            assert!(evidence.first.iter().all(|record| !record.raw.is_empty() && record.sha256.len() == 64), "{name}");
            // What a behaviour finds at once rests on many records.
            assert!(evidence.count >= finding.count, "{name}");
            assert!(finding.latest.threats.is_empty() || !finding.knowledge.is_empty(), "{name}");
            for threat in &finding.latest.threats {
                assert!(finding.knowledge.iter().any(|used| used.name == threat.list), "{name}: {}", threat.list);
            }
        }
    }
}
