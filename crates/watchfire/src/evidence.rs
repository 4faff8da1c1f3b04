//! The text of records that behaviours name: a second look at the files that hold them.
//!
//! A behaviour judges sums of many records, and what a sum keeps of its records is where they stand. Only the few that a
//! finding shows are read again, once all findings are known: of the files that hold one, each once. A record that cannot
//! be had any more, because its file is gone or has changed, is named in the finding as missing.

use crate::contents::each_record;
use crate::scan::ScanOptions;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use watchfire_engine::{SourceFile, show_text};
use watchfire_ingest::{FoundFile, Queue, Scratch, read};
use watchfire_model::{EvidenceRecord, Finding, Record};
use watchfire_parse::Raw;

/// Places of records by the name of their file.
type Wanted = BTreeMap<String, BTreeSet<u64>>;
/// Texts by the name of the file and the place in it.
type Texts = HashMap<(String, u64), String>;

/// Fetches what records named by behaviours say.
pub fn fetch_evidence(findings: &mut [Finding], files: &[&FoundFile], sources: &[SourceFile], options: &ScanOptions) {
    let mut wanted = Wanted::new();
    for record in findings.iter().flat_map(|finding| records(finding)).filter(|record| is_pending(record)) {
        wanted.entry(record.file.clone()).or_default().insert(record.position);
    }
    if wanted.is_empty() {
        return;
    }
    let texts = texts(&wanted, files, sources, options);
    for finding in findings {
        fill(finding, &texts);
    }
}

fn records(finding: &Finding) -> impl Iterator<Item = &EvidenceRecord> {
    finding.evidence.first.iter().chain(&finding.evidence.last)
}

/// Whether a behaviour named it and its text has not been fetched: the text of a record is never empty.
fn is_pending(record: &EvidenceRecord) -> bool {
    record.sha256.is_empty()
}

/// Reads the files that hold something wanted, on all threads.
fn texts(wanted: &Wanted, files: &[&FoundFile], sources: &[SourceFile], options: &ScanOptions) -> Texts {
    let files: Vec<(FoundFile, &SourceFile)> = files
        .iter()
        .zip(sources)
        .filter(|(_, source)| wanted.contains_key(&source.name))
        .map(|(file, source)| ((*file).clone(), source))
        .collect();
    let (files, sources): (Vec<FoundFile>, Vec<&SourceFile>) = files.into_iter().unzip();
    let queue = Queue::new(&files, &options.limits, |_| false);
    let texts = Mutex::new(Texts::new());
    let read_share = || {
        let mut scratch = Scratch::new();
        while let Some(turn) = queue.next() {
            let (file, source) = (&files[turn.place], sources[turn.place]);
            let Some(positions) = wanted.get(&source.name) else { continue };
            let mut found = Vec::new();
            let _ = read(file, turn.fetched, &options.limits, &mut scratch, &mut |content| {
                each_record(content, &source.origin, &mut |_: &Record<'_>, raw: Raw<'_>| {
                    if positions.contains(&raw.position) {
                        found.push(((source.name.clone(), raw.position), raw.text.to_owned()));
                    }
                });
            });
            texts.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.threads.clamp(1, wanted.len()) {
            scope.spawn(read_share);
        }
        read_share();
    });
    texts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn fill(finding: &mut Finding, texts: &Texts) {
    let mut missing = 0;
    for record in finding.evidence.first.iter_mut().chain(&mut finding.evidence.last) {
        if !is_pending(record) {
            continue;
        }
        match texts.get(&(record.file.clone(), record.position)) {
            Some(text) => show_text(record, text),
            None => missing += 1,
        }
    }
    if missing > 0 {
        finding.latest.missing.push(format!(
            "{missing} of its records could not be read a second time, so their text is not shown: their files are gone \
             or have changed since they were read."
        ));
    }
}
