//! The engine's memory, and its three steps: take in, replay what is due, save.

use super::looks::{Looks, Stamp};
use super::taken::{Taken, all, facts_name};
use super::{Place, now_ms};
use crate::contents::each_record;
use crate::evidence::fetch_evidence;
use crate::spool::TemporaryFile;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;
use watchfire_api::{HeldLists, LogDetector, detector_of_logs};
use watchfire_detections::{DETECTIONS, SLICE_MS};
use watchfire_engine::{FactLog, Replay, RestoreError, SourceFile, Worker};
use watchfire_export::{detector_id, finding_json, partition};
use watchfire_ingest::{FoundFile, Scratch, read};
use watchfire_knowledge::OwnLists;
use watchfire_model::{Finding, Record, RecordKind, Time, catalogue};
use watchfire_parse::{Origin, Raw};
use watchfire_store::{Change, FindingWrite, Scope, UsageDelta};

/// The checkpoint that holds the state.
const STATE: &str = "engine";
/// Files whose reading is saved at once.
const FILES_AT_ONCE: usize = 50;
/// Event time that is replayed between two savings: what a killed process has to do again, against the cost of writing the
/// whole state.
const REPLAYED_AT_ONCE_MS: i64 = 7 * Time::DAY_MS;

/// The part of the state that is the service's own, saved with that of the engine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// How often slices have been replayed.
    runs: u64,
    /// Every slice that ends by this moment had been replayed after the last run, milliseconds since 1970.
    until: Option<i64>,
    /// Records that came later than their slice's turn.
    late: u64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    progress: Progress,
    replay: Value,
}

/// Everything in memory. What is in the store is never behind what anybody was told.
pub struct Engine<'a> {
    place: &'a Place<'a>,
    replay: Replay<'a>,
    /// The lists that the API's sets make, and which they are.
    own_lists: Arc<OwnLists>,
    held_lists: HeldLists,
    progress: Progress,
    /// By the file's number.
    taken: Vec<Taken>,
    sources: Vec<SourceFile>,
    /// Where each can be read, if it has been seen since the start.
    found: Vec<Option<FoundFile>>,
    /// The newest number of each name.
    by_name: HashMap<String, u32>,
    /// The first number of each content in its place.
    by_content: HashMap<(String, (String, String)), u32>,
    /// What waits for its turn, of all files.
    kept: FactLog,
    /// The files that it is of, with their last slice.
    waiting: BTreeMap<u32, i64>,
    spool: TemporaryFile,
    /// The newest event of each source, and when it was last heard from.
    heard: HashMap<(String, String, RecordKind), (Time, Instant)>,
    scratch: Scratch,
    looks: Looks,
    /// Files that gave nothing but trouble: tried again at each look, told of once.
    told: HashSet<(String, Stamp)>,
    batch: Batch,
}

/// What was read since the last saving.
#[derive(Default)]
struct Batch {
    files: usize,
    changes: Vec<Change>,
    usage: BTreeMap<(String, String, &'static str), (u64, u64)>,
}

impl<'a> Engine<'a> {
    /// Goes on from what was saved.
    pub fn open(place: &'a Place<'a>) -> Result<Self> {
        let taken = place.runtime.block_on(all(place.store))?;
        let saved = place.runtime.block_on(place.store.checkpoint(STATE))?;
        let (replay, progress) = restored(place, saved)?;
        let mut engine = Self {
            place,
            replay,
            own_lists: Arc::default(),
            held_lists: HeldLists::default(),
            progress,
            taken: Vec::new(),
            sources: Vec::new(),
            found: Vec::new(),
            by_name: HashMap::new(),
            by_content: HashMap::new(),
            kept: FactLog::default(),
            waiting: BTreeMap::new(),
            spool: TemporaryFile::default(),
            heard: HashMap::new(),
            scratch: Scratch::new(),
            looks: Looks::default(),
            told: HashSet::new(),
            batch: Batch::default(),
        };
        engine.replay.note_changes();
        for file in taken {
            let (rank, waits) = (engine.remember(file, None), engine.taken.last().is_some_and(|file| file.waits));
            if waits {
                engine.keep_again(rank)?;
            }
        }
        Ok(engine)
    }

    /// Looks, reads and judges until it is asked to stop.
    pub fn go_on(&mut self) -> Result<()> {
        loop {
            self.follow_the_api()?;
            let look = self.looks.look(&self.place.options.paths, &self.place.options.scan.limits);
            for complaint in look.complaints {
                (self.place.report)(&complaint);
            }
            for (file, name, stamp) in look.at_rest {
                if self.place.stop.is_asked_for() {
                    break;
                }
                self.take_in(file, name, stamp)?;
                if self.batch.files >= FILES_AT_ONCE {
                    self.save_batch()?;
                }
            }
            self.save_batch()?;
            self.replay_what_is_due()?;
            if self.place.stop.wait(self.place.options.look_every) {
                return Ok(());
            }
        }
    }

    /// Takes over what was changed through the API since the last look.
    fn follow_the_api(&mut self) -> Result<()> {
        if let Some(lists) = self.place.runtime.block_on(self.held_lists.changed(self.place.store))? {
            self.own_lists = Arc::new(lists);
            self.replay.hold_lists(Arc::clone(&self.own_lists));
        }
        Ok(())
    }

    /// Gives a file its number.
    fn remember(&mut self, file: Taken, found: Option<FoundFile>) -> u32 {
        let rank = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        self.sources.push(SourceFile {
            name: file.name.clone(),
            origin: self.origin(&file.place),
            canonical: file.canonical,
            is_baseline: false,
        });
        self.by_name.insert(file.name.clone(), rank);
        self.by_content.entry((file.content.clone(), file.place.clone())).or_insert(rank);
        self.found.push(found);
        self.taken.push(file);
        rank
    }

    fn origin(&self, (account, region): &(String, String)) -> Origin {
        let options = &self.place.options.scan;
        Origin {
            account: account.clone(),
            region: region.clone(),
            assumed_account: options.assume_account.clone(),
            assumed_region: options.assume_region.clone(),
            flow_format: None,
        }
    }

    /// Takes back from the store what waited of a file. The form says after how many runs it was written: if there was
    /// another since, the slices up to its end are done.
    fn keep_again(&mut self, rank: u32) -> Result<()> {
        let saved = self.place.runtime.block_on(self.place.store.checkpoint(&facts_name(rank)))?;
        let restored = saved.as_deref().and_then(|saved| {
            let (runs, facts) = saved.split_first_chunk::<8>()?;
            Some((u64::from_le_bytes(*runs), FactLog::restore(facts, rank, self.place.formats)?))
        });
        let Some((runs, mut facts)) = restored else {
            let name = &self.sources[rank as usize].name;
            (self.place.report)(&format!("{name}: what was kept of it cannot be read by this version and is left out"));
            return Ok(());
        };
        if let Some(until) = self.progress.until.filter(|_| self.progress.runs > runs) {
            let done: Vec<i64> = facts.slices().filter(|&slice| end_of(slice) <= until).collect();
            for slice in done {
                facts.take(slice);
            }
        }
        self.keep(rank, facts)
    }

    fn keep(&mut self, rank: u32, facts: FactLog) -> Result<()> {
        if let Some(last) = facts.slices().max() {
            self.waiting.insert(rank, last);
        }
        self.kept.absorb(facts);
        if self.kept.is_full() {
            self.kept.spill(&mut self.spool).context("could not write a temporary file")?;
        }
        Ok(())
    }

    /// Reads a file that is new or has changed.
    fn take_in(&mut self, file: FoundFile, name: String, stamp: Stamp) -> Result<()> {
        let mut after = None;
        if let Some(&rank) = self.by_name.get(&name) {
            let earlier = &self.taken[rank as usize];
            if earlier.stamp == stamp {
                self.found[rank as usize].get_or_insert(file);
                return Ok(());
            }
            // Added to: what was read is not read again. Anything else is another file of the same name.
            if earlier.stamp.inode == stamp.inode && earlier.stamp.size < stamp.size {
                after = earlier.last_position;
            }
        }
        let rank = u32::try_from(self.taken.len()).unwrap_or(u32::MAX);
        let path_origin = file.origin();
        let place = (path_origin.account.unwrap_or_default(), path_origin.region.unwrap_or_default());
        let origin = self.origin(&place);
        let options = &self.place.options.scan;
        let mut worker = Worker::new(self.place.index, self.place.knowledge, &options.scope, self.place.formats)
            .with_own_lists(&self.own_lists);
        let (mut last_position, mut late, mut rejected) = (after, 0, 0);
        let mut usage: BTreeMap<(String, String, &'static str), (u64, u64)> = BTreeMap::new();
        let until = self.progress.until;
        let outcome = read(&file, None, &options.limits, &mut self.scratch, &mut |content| {
            let report = each_record(content, &origin, &mut |record: &Record<'_>, raw: Raw<'_>| {
                if after.is_some_and(|after| raw.position <= after) {
                    return;
                }
                last_position = last_position.max(Some(raw.position));
                late += u64::from(until.is_some_and(|until| end_of(slice_of(record.time())) <= until));
                meter(&mut usage, record, raw.text.len());
                worker.observe(record, raw, rank);
            });
            rejected += report.rejected_count;
        });
        let mut troubles: Vec<String> = outcome.problems.iter().map(ToString::to_string).collect();
        if rejected > 0 {
            troubles.push(format!("{rejected} of its records could not be read"));
        }
        if !troubles.is_empty() && self.told.insert((name.clone(), stamp.clone())) {
            (self.place.report)(&format!("{name}: {}", troubles.join("; ")));
        }
        if outcome.bytes == 0 && !outcome.problems.is_empty() {
            return Ok(()); // It could not be opened, say: it may be at the next look.
        }
        let content = format!("{:032x}", outcome.content_hash);
        let repeated = self.by_content.get(&(content.clone(), place.clone())).copied();
        let (facts, census) = worker.finish();
        let waits = repeated.is_none() && facts.slices().next().is_some();
        let canonical = repeated.unwrap_or(rank);
        let taken = Taken { name: name.clone(), stamp, content, place, last_position, canonical, waits };
        self.batch.changes.push(taken.put(rank));
        self.batch.files += 1;
        self.remember(taken, Some(file));
        if repeated.is_some() {
            return Ok(());
        }
        self.progress.late += late;
        if late > 0 {
            (self.place.report)(&format!("{name}: {late} of its records are later than their turn"));
        }
        for (key, (events, bytes)) in usage {
            let sum = self.batch.usage.entry(key).or_default();
            *sum = (sum.0 + events, sum.1 + bytes);
        }
        let (heard, newest_possible) = (instant(), Time::from_ms(now_ms()));
        for (source, coverage) in census.coverage() {
            // What claims to come from the future does not hurry the rest.
            let newest = coverage.last.min(newest_possible);
            let entry = self.heard.entry(source).or_insert((newest, heard));
            *entry = (entry.0.max(newest), heard);
        }
        if waits {
            let mut state = self.progress.runs.to_le_bytes().to_vec();
            state.extend(facts.save(self.place.formats, &mut self.spool).context("could not keep records")?);
            self.batch.changes.push(Change::Checkpoint { name: facts_name(rank), state });
            self.keep(rank, facts)?;
        }
        Ok(())
    }

    /// Saves what was read. Where logs arrive, a detector is made; what is metered is what an enabled one analyses.
    fn save_batch(&mut self) -> Result<()> {
        if self.batch.files == 0 {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let mut changes = batch.changes;
        let mut detectors = Detectors::default();
        let mut deltas = Vec::new();
        for ((account, region, source), (events, bytes)) in batch.usage {
            let detector = detectors.of(self.place, &account, &region)?;
            let plan = if source == S3_SOURCE { "s3" } else { "" };
            if detector.as_ref().is_some_and(|detector| detector.wants(plan)) {
                let (source, resource, day) = (source.to_owned(), String::new(), now_ms().div_euclid(Time::DAY_MS));
                deltas.push(UsageDelta { account, region, source, resource, day, events, bytes });
            }
        }
        changes.push(Change::Usage(deltas));
        self.place.runtime.block_on(self.place.store.commit(changes)).context("could not save what was read")?;
        Ok(())
    }

    /// Up to when slices may be judged: until lateness before the newest event of the source that is furthest behind, or, if
    /// all are silent, until the end of what there is.
    fn due(&self) -> Option<i64> {
        let now = instant();
        let is_heard = |heard: &Instant| now.duration_since(*heard) < self.place.options.idle;
        let newest = self.heard.values().filter(|(_, heard)| is_heard(heard)).map(|(newest, _)| newest.ms()).min();
        let last = self.kept.slices().map(end_of).filter(|&end| end <= now_ms()).max();
        let until = newest.map(|newest| newest.saturating_sub(self.place.options.lateness_ms)).or(last)?;
        // What came too late for its slice is judged at once.
        Some(until.max(self.progress.until.unwrap_or(i64::MIN)))
    }

    fn replay_what_is_due(&mut self) -> Result<()> {
        let Some(due) = self.due() else { return Ok(()) };
        while let Some(first) = self.kept.slices().map(end_of).filter(|&end| end <= due).min() {
            if self.place.stop.is_asked_for() {
                return Ok(());
            }
            let done = self.progress.until.unwrap_or(i64::MIN);
            // Every slice up to `until` is done after a run, and that is all that has to be remembered.
            let until = due.min(first.max(done).saturating_add(REPLAYED_AT_ONCE_MS));
            let formats = self.place.formats.all();
            self.replay
                .run(
                    std::slice::from_mut(&mut self.kept),
                    &formats,
                    &self.sources,
                    &mut self.spool,
                    Some(Time::from_ms(until)),
                )
                .context("could not write or read back a temporary file")?;
            self.progress.runs += 1;
            self.progress.until = Some(until);
            self.save_run()?;
        }
        if self.waiting.is_empty() {
            self.spool = TemporaryFile::default(); // Nothing refers to it any more.
        }
        Ok(())
    }

    /// Saves what was found, with the state that found it.
    fn save_run(&mut self) -> Result<()> {
        let mut findings = self.replay.take_changed();
        let seen = self.found.iter().zip(&self.sources).filter_map(|(file, source)| Some((file.as_ref()?, source)));
        let (files, sources): (Vec<&FoundFile>, Vec<SourceFile>) =
            seen.map(|(file, source)| (file, source.clone())).unzip();
        fetch_evidence(&mut findings, &files, &sources, &self.place.options.scan);
        for finding in &findings {
            self.replay.keep_evidence(finding);
        }
        let mut changes = self.finding_changes(&findings)?;
        let until = self.progress.until.unwrap_or(i64::MIN);
        let done: Vec<u32> =
            self.waiting.iter().filter(|(_, last)| end_of(**last) <= until).map(|(&rank, _)| rank).collect();
        for rank in done {
            self.waiting.remove(&rank);
            let taken = &mut self.taken[rank as usize];
            taken.waits = false;
            changes.push(taken.put(rank));
            changes.push(Change::DropCheckpoint { name: facts_name(rank) });
        }
        let saved = Saved { progress: self.progress.clone(), replay: self.replay.save()? };
        changes.push(Change::Checkpoint { name: STATE.to_owned(), state: serde_json::to_vec(&saved)? });
        self.place.runtime.block_on(self.place.store.commit(changes)).context("could not save what was found")?;
        Ok(())
    }

    /// The findings that are wanted, under the detectors of their accounts and regions.
    fn finding_changes(&self, findings: &[Finding]) -> Result<Vec<Change>> {
        let mut detectors = Detectors::default();
        let mut by_scope: BTreeMap<Scope, Vec<FindingWrite>> = BTreeMap::new();
        for finding in findings {
            let (account, region) = (&finding.latest.account, &finding.latest.region);
            let name = finding.latest.finding_type.as_str();
            let plan = catalogue::entry(name).map_or("", |entry| entry.plan.as_str());
            let Some(detector) = detectors.of(self.place, account, region)? else { continue };
            if !detector.wants(plan) {
                continue;
            }
            let scope = Scope { account: account.clone(), region: region.clone(), detector: detector.id.clone() };
            let body = under_detector(finding_json(finding), &scope, &finding.id);
            let suppressed_by = detector.suppressed_by(&body).map(str::to_owned);
            by_scope.entry(scope).or_default().push(FindingWrite { body, suppressed_by });
        }
        Ok(by_scope.into_iter().map(|(scope, writes)| Change::Findings { scope, writes }).collect())
    }
}

/// The state that was saved, or a new one: that of another version cannot be used, and says so.
fn restored<'a>(place: &Place<'a>, saved: Option<Vec<u8>>) -> Result<(Replay<'a>, Progress)> {
    let options = &place.options.scan;
    let new = || Replay::new(DETECTIONS, place.index, place.knowledge);
    let (replay, progress) = match saved {
        None => (new(), Progress::default()),
        Some(saved) => {
            let saved: Saved = serde_json::from_slice(&saved).context("the engine's saved state cannot be read")?;
            match Replay::restore(DETECTIONS, place.index, place.knowledge, saved.replay) {
                Ok(replay) => (replay, saved.progress),
                Err(error @ RestoreError::WrongVersion { .. }) => {
                    (place.report)(&format!("what the engine had learnt is lost, and learnt anew: {error}"));
                    (new(), saved.progress)
                }
                Err(error) => return Err(error).context("the engine's saved state cannot be used"),
            }
        }
    };
    let replay = replay.with_thresholds(options.thresholds.clone()).without_types(options.disabled.iter().copied());
    Ok((replay, progress))
}

/// The detectors of the places that one transaction concerns, each asked for once.
#[derive(Default)]
struct Detectors(HashMap<(String, String), Option<LogDetector>>);

impl Detectors {
    fn of(&mut self, place: &Place<'_>, account: &str, region: &str) -> Result<Option<LogDetector>> {
        if account.is_empty() || region.is_empty() {
            return Ok(None); // Nobody could ask for it.
        }
        let key = (account.to_owned(), region.to_owned());
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let id = detector_id(account, region);
        let found = place.runtime.block_on(detector_of_logs(place.store, (account, region), &id, now_ms()))?;
        self.0.insert(key, found.clone());
        Ok(found)
    }
}

/// The same finding as one of this detector.
fn under_detector(mut body: Value, scope: &Scope, id: &str) -> Value {
    let Scope { account, region, detector } = scope;
    let partition = partition(region);
    body["arn"] =
        Value::String(format!("arn:{partition}:guardduty:{region}:{account}:detector/{detector}/finding/{id}"));
    if let Some(service) = body.get_mut("service").and_then(Value::as_object_mut) {
        service.insert("detectorId".to_owned(), Value::String(detector.clone()));
    }
    body
}

/// The source under which S3 data events are metered: they have a switch of their own.
const S3_SOURCE: &str = "S3_LOGS";

fn meter(usage: &mut BTreeMap<(String, String, &'static str), (u64, u64)>, record: &Record<'_>, bytes: usize) {
    let source = match record {
        Record::ApiCall(call) if call.is_s3_data() => S3_SOURCE,
        Record::ApiCall(_) => "CLOUD_TRAIL",
        Record::Flow(_) => "FLOW_LOGS",
        Record::DnsQuery(_) => "DNS_LOGS",
    };
    let sum = usage.entry((record.account().to_owned(), record.region().to_owned(), source)).or_default();
    *sum = (sum.0 + 1, sum.1 + bytes as u64);
}

const fn slice_of(time: Time) -> i64 {
    time.ms().div_euclid(SLICE_MS)
}

/// When a slice ends, milliseconds since 1970.
const fn end_of(slice: i64) -> i64 {
    slice.saturating_add(1).saturating_mul(SLICE_MS)
}

#[expect(clippy::disallowed_methods, reason = "how long a source has been silent is measured on this machine's clock")]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_where_the_next_begins() {
        for ms in [-1, 0, 1, SLICE_MS - 1, SLICE_MS] {
            let slice = slice_of(Time::from_ms(ms));
            assert!(end_of(slice) > ms && end_of(slice - 1) <= ms);
        }
    }

    #[test]
    fn a_finding_names_the_detector_that_holds_it() {
        let scope = Scope { account: "111122223333".into(), region: "cn-north-1".into(), detector: "d".into() };
        let body = under_detector(serde_json::json!({"arn": "x", "service": {"count": 1}}), &scope, "f");
        assert_eq!(body["arn"], "arn:aws-cn:guardduty:cn-north-1:111122223333:detector/d/finding/f");
        assert_eq!((&body["service"]["detectorId"], &body["service"]["count"]), (&"d".into(), &1.into()));
    }
}
