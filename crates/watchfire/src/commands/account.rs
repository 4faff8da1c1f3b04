//! The account of a scan, gathered from its parts.

use crate::load::Loaded;
use crate::scan::{FileResult, ScanOutcome};
use std::collections::BTreeSet;
use watchfire_detections::{DETECTIONS, Need};
use watchfire_engine::{Coverage, CoverageMap, StillLearning};
use watchfire_export::{Gap, NotEvaluated, ScanAccount, Span};
use watchfire_ingest::{FileProblem, ListProblem};
use watchfire_model::{FindingType, ListKind, RecordKind, catalogue};

/// Types that were switched off and are named in the text; the JSON names all.
const SWITCHED_OFF_NAMED: usize = 5;

/// What was read, what was not, and what could not be judged.
pub fn account(outcome: &ScanOutcome, loaded: &Loaded, disabled: &[FindingType]) -> ScanAccount {
    let mut account = ScanAccount::default();
    for problem in outcome.listing.problems.iter().chain(&outcome.learnt.listing.problems) {
        let reason = with_cause(&problem.reason);
        match problem.reason {
            ListProblem::SameFile { .. } | ListProblem::SameFolder { .. } => {
                account.files.note_incomplete(problem.display(), "reached by another name too", reason)
            }
            _ => {
                account.files.listed += 1;
                account.files.reject(problem.display(), list_class(&problem.reason), reason);
            }
        }
    }
    let learnt = outcome.learnt.listing.files.iter().zip(&outcome.learnt.files);
    for (file, result) in outcome.listing.files.iter().zip(&outcome.files).chain(learnt) {
        add_file(&mut account, &file.display(), result);
    }
    account.records.duplicates = outcome.replay.duplicates;
    account.records.outside_period = outcome.outside;
    for ((_, _, kind), coverage) in &outcome.coverage {
        *account.records.analysed.entry(kind.name().to_owned()).or_default() += coverage.records;
    }
    account.spans = spans(&outcome.coverage);
    account.learnt = spans(&outcome.learnt.coverage);
    // Only API events have an identity to be recognised by: each copy beyond the first is counted as a duplicate alone.
    if let Some(calls) = account.records.analysed.get_mut(RecordKind::ApiCall.name()) {
        *calls = calls.saturating_sub(outcome.replay.duplicates);
    }
    account.not_evaluated = not_evaluated(outcome, loaded);
    add_learning(&mut account.not_evaluated, &outcome.replay.learning);
    add_switched_off(&mut account.not_evaluated, disabled);
    account.summarised = outcome.replay.summarised;
    for (name, _, bytes) in outcome.replay.state.iter().filter(|(_, count, _)| *count > 0) {
        account.state_bytes.insert(name.clone(), *bytes);
    }
    account
}

fn spans(coverage: &CoverageMap) -> Vec<Span> {
    let span = |((account, region, kind), coverage): (&(String, String, RecordKind), &Coverage)| Span {
        account: account.clone(),
        region: region.clone(),
        source: kind.name().to_owned(),
        first: coverage.first,
        last: coverage.last,
        records: coverage.records,
        gaps: coverage.gaps().into_iter().map(|(from, to)| Gap { from, to }).collect(),
    };
    coverage.iter().map(span).collect()
}

fn add_file(account: &mut ScanAccount, name: &str, result: &FileResult) {
    let files = &mut account.files;
    files.listed += 1;
    if let Some(outcome) = &result.outcome {
        account.bytes_read += outcome.compressed_bytes;
        account.bytes_unpacked += outcome.bytes;
    }
    if result.is_repeated {
        files.duplicates += 1;
        return;
    }
    for (what, count) in &result.report.skipped {
        *account.records.skipped.entry(what.to_string()).or_default() += count;
    }
    let problem = result.problems().first();
    if let Some(what) = result.not_a_log() {
        *files.not_logs.entry(what).or_default() += 1;
        return;
    }
    if !result.holds_a_log() {
        match problem {
            Some(problem) => files.reject(name, problem_class(problem), with_cause(problem)),
            None if result.report.rejected_count > 0 => {
                let why =
                    result.report.rejected.first().map_or("no record was recognised", |rejection| rejection.reason);
                files.reject(name, "not a log of a known format", format!("not a log of a known format: {why}"));
            }
            None => files.reject(name, "holds no record", "holds no record"),
        }
        return;
    }
    files.analysed += 1;
    for problem in result.problems() {
        files.note_incomplete(name, problem_class(problem), with_cause(problem));
    }
    for (remark, count) in &result.report.remarks {
        files.note_incomplete(name, &remark.to_string(), format!("{remark} ({count})"));
    }
    for (reason, count) in &result.report.rejected_by_reason {
        *account.records.rejected.entry((*reason).to_owned()).or_default() += count;
    }
    for rejection in &result.report.rejected {
        account.records.add_example(name, rejection.position, rejection.reason);
    }
}

/// What went wrong, and why, as far as errors tell.
pub fn with_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn problem_class(problem: &FileProblem) -> &'static str {
    match problem {
        FileProblem::Unreadable { .. } => "could not be read",
        FileProblem::Truncated { .. } => "ends early",
        FileProblem::Corrupt { .. } => "damaged",
        FileProblem::TooLarge { .. } => "grows beyond the limit",
        FileProblem::Unsupported { .. } => "a format that is not supported",
        FileProblem::TooManyLayers => "compressed too many times over",
        FileProblem::Empty => "empty",
        FileProblem::TrailingBytes { .. } => "bytes after the end ignored",
        FileProblem::OverlongRecords { .. } => "records too long to be any",
    }
}

fn list_class(_: &ListProblem) -> &'static str {
    "could not be listed"
}

/// The detections whose input or knowledge was missing, grouped by what was missing.
fn not_evaluated(outcome: &ScanOutcome, loaded: &Loaded) -> Vec<NotEvaluated> {
    let has = |kind: RecordKind| outcome.coverage.keys().any(|(_, _, covered)| *covered == kind);
    let mut missing: Vec<NotEvaluated> = Vec::new();
    for detection in DETECTIONS {
        for need in detection.needs {
            let (what, why) = match *need {
                Need::ManagementEvents if outcome.management_events == 0 => {
                    ("Management activity".to_owned(), "no CloudTrail management event was read".to_owned())
                }
                Need::S3DataEvents if outcome.s3_data_events == 0 => {
                    ("Object access in S3".to_owned(), "no CloudTrail data event of S3 was read".to_owned())
                }
                Need::Flows if !has(RecordKind::Flow) => {
                    ("Network traffic".to_owned(), "no VPC flow record was read".to_owned())
                }
                Need::DnsQueries if !has(RecordKind::DnsQuery) => {
                    ("DNS queries".to_owned(), "no Resolver query log record was read".to_owned())
                }
                Need::Lists(kinds) if !kinds.iter().any(|kind| loaded.kinds & kind.bit() != 0) => {
                    (lists(kinds), "no such list was given (--intel)".to_owned())
                }
                Need::Inventory if loaded.knowledge.inventory.is_empty() => {
                    ("What only an inventory tells".to_owned(), "no inventory was given (--inventory)".to_owned())
                }
                _ => continue,
            };
            let types = detection.reports.iter().map(|finding_type| finding_type.to_string());
            match missing.iter_mut().find(|known| known.what == what) {
                Some(known) => known.types.extend(types),
                None => missing.push(NotEvaluated { what, why, types: types.collect() }),
            }
        }
    }
    for entry in &mut missing {
        entry.types.sort();
        entry.types.dedup();
    }
    let live: BTreeSet<&str> =
        DETECTIONS.iter().flat_map(|detection| detection.reports).map(|finding_type| finding_type.as_str()).collect();
    let not_yet = catalogue::all().iter().filter(|entry| {
        !entry.retired && ["foundational", "s3"].contains(&entry.plan.as_str()) && !live.contains(entry.name.as_str())
    });
    let types: Vec<String> = not_yet.map(|entry| entry.name.clone()).collect();
    if !types.is_empty() {
        missing.push(NotEvaluated {
            what: "Behaviour and anomalies".to_owned(),
            why: "this version has no detection for them yet".to_owned(),
            types,
        });
    }
    missing
}

/// What was not judged for lack of history, detections that lack the same in one entry.
fn add_learning(missing: &mut Vec<NotEvaluated>, learning: &[StillLearning]) {
    for entry in learning.iter().map(still_learning) {
        match missing.iter_mut().find(|known| (&known.what, &known.why) == (&entry.what, &entry.why)) {
            Some(known) => known.types.extend(entry.types),
            None => missing.push(entry),
        }
    }
}

/// Types that were switched off are not evaluated for that reason, whatever else was missing.
fn add_switched_off(missing: &mut Vec<NotEvaluated>, disabled: &[FindingType]) {
    let is_off = |name: &String| disabled.iter().any(|off| off.as_str() == name);
    for entry in missing.iter_mut() {
        entry.types.retain(|name| !is_off(name));
    }
    missing.retain(|entry| !entry.types.is_empty());
    if disabled.is_empty() {
        return;
    }
    let types: Vec<String> = disabled.iter().map(ToString::to_string).collect();
    let and_more = match types.len().saturating_sub(SWITCHED_OFF_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = types.iter().take(SWITCHED_OFF_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    missing.insert(
        0,
        NotEvaluated {
            what: "Switched off".to_owned(),
            why: format!("{named}{and_more}, by `detections.disable` or --disable"),
            types,
        },
    );
}

/// "Behaviour, by account: not evaluated, learning day 3 of 7 (holds for 1 of 2)".
fn still_learning(learning: &StillLearning) -> NotEvaluated {
    let ((learning_count, judged), (reached, of, unit)) = (learning.counts, &learning.progress);
    // Of principals that were active for too few hours what is of high risk is judged nevertheless.
    let how = if unit == "active hour" { "only calls of high risk evaluated" } else { "not evaluated" };
    // Calls on objects have histories of their own, beside those of management.
    let is_s3 = learning.types.iter().all(|finding_type| finding_type.as_str().contains(":S3/"));
    NotEvaluated {
        what: format!("Behaviour{}, by {}", if is_s3 { " in S3" } else { "" }, learning.entity_kind),
        why: format!(
            "{how}, learning {unit} {reached} of {of} (holds for {learning_count} of {}); --baseline reads older logs first",
            learning_count + judged
        ),
        types: learning.types.iter().map(ToString::to_string).collect(),
    }
}

fn lists(kinds: &[ListKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    format!("Lists of kind {}", names.join(", "))
}
