//! The engine's memory, and its three steps: take in, replay what is due, save.

use super::counters::Source;
use super::looks::{Look, Looks, Stamp};
use super::reading::{FileRead, Metered, RESOURCES_MAX, Reading, S3_FEATURE, Task, read_all};
use super::taken::{Files, News, Taken, facts_name, put};
use super::trace::Earlier;
use super::{Place, now_ms};
use crate::cli::account_id;
use crate::evidence::fetch_evidence;
use crate::server_settings::is_region;
use crate::spool::TemporaryFile;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use watchfire_api::{HeldDetectors, HeldLists, LogDetector, Switches, detector_of_logs};
use watchfire_detections::{DETECTIONS, SLICE_MS};
use watchfire_engine::{FactLog, Replay, RestoreError, SourceFile, SwitchedOff};
use watchfire_export::{detector_id, finding_json, partition};
use watchfire_ingest::FoundFile;
use watchfire_knowledge::OwnLists;
use watchfire_model::{Finding, FindingType, RecordKind, Time, catalogue};
use watchfire_parse::Origin;
use watchfire_store::{Change, FindingWrite, OutboxItem, Scope, UsageDelta, UsageRange};

/// The checkpoint that holds the state.
const STATE: &str = "engine";
/// Files whose reading is saved at once.
const FILES_AT_ONCE: usize = 50;
/// Files that are read, for each thread, before they are taken in: what is read waits in memory for its turn.
const FILES_PER_THREAD: usize = 4;
/// Sentences about files that one look gives the log at most: 10,000 files of one kind of trouble are one trouble.
const SENTENCES_MAX: usize = 50;
/// Records are told of that lie further ahead of this machine's clock, milliseconds. A clock that the network sets is not
/// wrong by so much, and a wrong time zone is by no less.
const AHEAD_MS: i64 = Time::HOUR_MS;
/// Event time that is replayed before it is asked whether to save.
const REPLAYED_AT_ONCE_MS: i64 = 7 * Time::DAY_MS;
/// The whole state is written at each saving, so that the larger it is, the rarer it must be: after a saving that took so
/// long, the next waits this many times as long. So saving takes a twentieth of the time at most, and a process that is
/// killed has to judge again what it judged in twenty times the time that saving takes.
const SAVING_REST: u32 = 20;
/// But what was found is never kept from the store for longer, however long saving takes.
const SAVING_REST_MAX: Duration = Duration::from_secs(60);

/// The part of the state that is the service's own, saved with that of the engine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// How often slices have been replayed. No number occurs twice, not even after a kill.
    runs: u64,
    /// Every slice that ends by this moment had been replayed after the last run, milliseconds since 1970.
    until: Option<i64>,
    /// Records that came later than their slice's turn.
    late: u64,
    /// The detectors whose findings the state holds, by account and region.
    #[serde(default)]
    detectors: BTreeMap<String, BTreeMap<String, String>>,
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
    held_detectors: HeldDetectors,
    progress: Progress,
    files: Files,
    /// What waits for its turn, of all files.
    kept: FactLog,
    /// The files that it is of, with their last slice.
    waiting: BTreeMap<u32, i64>,
    spool: TemporaryFile,
    /// The newest event of each source, and when it was last heard from.
    heard: HashMap<(String, String, RecordKind), (Time, Instant)>,
    looks: Looks,
    /// Files that gave nothing but trouble: tried again at each look, told of once.
    told: HashSet<(String, Stamp)>,
    /// Sentences about files since the last look.
    sentences: usize,
    /// Whether it was told that records lie ahead of the clock.
    told_ahead: bool,
    batch: Batch,
    metered: MeteredBuckets,
    /// Whether slices were replayed since the last saving; when that ended, and how long it took.
    is_ahead: bool,
    saved: Option<(Instant, Duration)>,
}

/// What was read since the last saving.
#[derive(Default)]
struct Batch {
    files: usize,
    late: u64,
    changes: Vec<Change>,
    usage: BTreeMap<Metered, (u64, u64)>,
}

impl<'a> Engine<'a> {
    /// Goes on from what was saved.
    pub fn open(place: &'a Place<'a>) -> Result<Self> {
        let (runtime, store) = (place.runtime, place.store);
        let source = |taken: &Taken| source_of(place, &taken.name, &taken.place, taken.canonical);
        let files = runtime.block_on(Files::load(store, source))?;
        let saved = runtime.block_on(store.checkpoint(STATE))?;
        let (replay, progress) = restored(place, saved)?;
        let started = instant();
        // Who was heard from before is waited for again: a restart must not make anything late.
        let heard = files.position.heard.iter().map(|(source, newest)| (source.clone(), (*newest, started)));
        let mut engine = Self {
            place,
            replay,
            own_lists: Arc::default(),
            held_lists: HeldLists::default(),
            held_detectors: HeldDetectors::default(),
            progress,
            heard: heard.collect(),
            kept: FactLog::default(),
            waiting: BTreeMap::new(),
            spool: TemporaryFile::default(),
            looks: Looks::default(),
            told: HashSet::new(),
            sentences: 0,
            told_ahead: false,
            batch: Batch::default(),
            metered: MeteredBuckets::default(),
            is_ahead: false,
            saved: None,
            files,
        };
        engine.replay.note_changes();
        let mut runs = engine.progress.runs;
        for rank in engine.files.waiting() {
            runs = runs.max(engine.keep_again(rank)?);
        }
        engine.progress.runs = runs;
        Ok(engine)
    }

    /// Looks, reads and judges until it is asked to stop.
    pub fn go_on(&mut self) -> Result<()> {
        loop {
            self.follow_the_api()?;
            let look = self.looks.look(&self.place.options.paths, &self.place.options.scan.limits);
            self.take_in(look)?;
            self.end_sentences();
            self.tell_what_is_ahead();
            self.replay_what_is_due()?;
            self.save_run_if_due()?;
            if self.place.stop.wait(self.place.options.look_every) {
                return self.save_run();
            }
        }
    }

    /// Says something about a file, unless this look has said enough.
    fn tell(&mut self, sentence: &str) {
        self.sentences += 1;
        if self.sentences <= SENTENCES_MAX {
            (self.place.report)(sentence);
        }
    }

    /// Says what was left out since the last look.
    fn end_sentences(&mut self) {
        let left_out = std::mem::take(&mut self.sentences).saturating_sub(SENTENCES_MAX);
        if left_out > 0 {
            (self.place.report)(&format!(
                "{left_out} more such lines are left out; `watchfire scan --account-file` tells what is wrong with each file"
            ));
        }
    }

    /// Says, once, that records wait for this machine's clock, which may be wrong.
    fn tell_what_is_ahead(&mut self) {
        let now = now_ms();
        let last = self.kept.slices().max().filter(|&last| end_of(last) > now.saturating_add(AHEAD_MS));
        if let Some(last) = last.filter(|_| !self.told_ahead) {
            (self.place.report)(&format!(
                "there are records of {}, but this machine's clock says {}: those ahead of it wait until it gets there. If the \
                 clock is wrong, set it",
                Time::from_ms(last.saturating_mul(SLICE_MS)),
                Time::from_ms(now),
            ));
        }
        self.told_ahead = last.is_some();
    }

    /// Takes over what was changed through the API since the last look.
    fn follow_the_api(&mut self) -> Result<()> {
        let Place { runtime, store, .. } = *self.place;
        if let Some(lists) = runtime.block_on(self.held_lists.changed(store))? {
            self.own_lists = Arc::new(lists);
            self.replay.hold_lists(Arc::clone(&self.own_lists));
        }
        let Some(places) = runtime.block_on(self.held_detectors.changed(store))? else { return Ok(()) };
        let (mut off, mut by_switches) = (SwitchedOff::default(), HashMap::new());
        let mut detectors: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for place in places {
            let wants: Vec<bool> = plans().map(|plan| wants(place.switches.as_ref(), plan)).collect();
            let types = by_switches.entry(wants).or_insert_with(|| Arc::new(off_types(place.switches.as_ref())));
            if !types.is_empty() {
                off.set(&place.account, &place.region, Arc::clone(types));
            }
            let id = place.switches.map(|switches| switches.id).unwrap_or_default();
            let before = self.progress.detectors.get(&place.account).and_then(|regions| regions.get(&place.region));
            if before.is_some_and(|before| *before != id) {
                // Its findings went with the detector. Another one begins without any.
                self.replay.forget_findings(&place.account, &place.region);
            }
            detectors.entry(place.account).or_default().insert(place.region, id);
        }
        self.replay.hold_switches(off);
        self.progress.detectors = detectors;
        Ok(())
    }

    /// Takes back from the store what waited of a file, and answers after how many runs it was written. If there was
    /// another since, the slices up to its end are done.
    fn keep_again(&mut self, rank: u32) -> Result<u64> {
        let saved = self.place.runtime.block_on(self.place.store.checkpoint(&facts_name(rank)))?;
        let restored = saved.as_deref().and_then(|saved| {
            let (runs, facts) = saved.split_first_chunk::<8>()?;
            Some((u64::from_le_bytes(*runs), FactLog::restore(facts, rank, self.place.formats)?))
        });
        let Some((runs, mut facts)) = restored else {
            let name = self.files.sources.get(&rank).map_or("", |source| &source.name);
            (self.place.report)(&format!("{name}: what was kept of it cannot be read by this version and is left out"));
            return Ok(0);
        };
        if let Some(until) = self.progress.until.filter(|_| self.progress.runs > runs) {
            let done: Vec<i64> = facts.slices().filter(|&slice| end_of(slice) <= until).collect();
            for slice in done {
                facts.take(slice);
            }
        }
        self.keep(rank, facts)?;
        Ok(runs)
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

    /// Reads what is new or has changed.
    fn take_in(&mut self, look: Look) -> Result<()> {
        for complaint in look.complaints {
            self.tell(&complaint);
        }
        let mut unread = look.moving;
        let mut new = Vec::new();
        for (file, name, stamp) in look.at_rest {
            match self.files.news(&name, &stamp, &place_of(&file)) {
                News::Known(rank) => self.files.seen(rank, file),
                News::PassedOver => {
                    if self.told.insert((name.clone(), stamp)) {
                        self.tell(&format!(
                            "{name}: it was last changed before files that are no longer remembered, and is not read"
                        ));
                    }
                }
                News::New(earlier) => new.push((file, name, stamp, earlier)),
            }
        }
        let at_once = (self.place.options.scan.threads.max(1) * FILES_PER_THREAD).min(FILES_AT_ONCE);
        let mut new = new.into_iter().peekable();
        while new.peek().is_some() {
            if self.place.stop.is_asked_for() {
                return self.save_batch();
            }
            for read in self.read(new.by_ref().take(at_once).collect()) {
                let modified = read.task.stamp.modified;
                if !self.admit(read)? {
                    unread = unread.into_iter().chain([modified]).min();
                }
            }
            if self.batch.files >= FILES_AT_ONCE {
                self.save_batch()?;
            }
        }
        self.save_batch()?;
        let changes = self.files.forget(self.place.options.files_remembered, unread);
        if !changes.is_empty() {
            self.place.runtime.block_on(self.place.store.commit(changes)).context("could not forget old files")?;
        }
        Ok(())
    }

    fn read(&self, files: Vec<(FoundFile, String, Stamp, Vec<Earlier>)>) -> Vec<FileRead> {
        let tasks = (self.files.position.next..).zip(files).map(|(rank, (file, name, stamp, earlier))| {
            let origin = origin_of(self.place, &place_of(&file));
            Task { file, name, stamp, rank, earlier, origin }
        });
        let reading = Reading {
            index: self.place.index,
            knowledge: self.place.knowledge,
            own_lists: &self.own_lists,
            formats: self.place.formats,
            options: &self.place.options.scan,
            until: self.progress.until,
        };
        read_all(&reading, tasks.collect())
    }

    /// Takes in what was read of a file; answers whether there was anything to read.
    fn admit(&mut self, read: FileRead) -> Result<bool> {
        let Task { file, name, stamp, rank, origin, .. } = read.task;
        if !read.troubles.is_empty() && self.told.insert((name.clone(), stamp.clone())) {
            self.tell(&format!("{name}: {}", read.troubles.join("; ")));
        }
        if read.is_unreadable {
            return Ok(false); // It could not be opened, say: it may be at the next look.
        }
        let (content, place) = (read.content, (origin.account, origin.region));
        let repeated = self.files.same_content(&content, &place);
        let facts = read.facts;
        let waits = repeated.is_none() && facts.slices().next().is_some();
        let canonical = repeated.unwrap_or(rank);
        let source = source_of(self.place, &name, &place, canonical);
        let (last_position, trace) = (read.last_position, Some(read.trace));
        let taken = Taken { name: name.clone(), stamp, content, place, last_position, trace, canonical, waits };
        self.batch.changes.push(put(rank, &taken));
        self.batch.files += 1;
        self.files.add(rank, taken, source, Some(file));
        if repeated.is_some() {
            return Ok(true);
        }
        self.progress.late += read.late;
        self.batch.late += read.late;
        if read.late > 0 {
            self.tell(&format!("{name}: {} of its records are later than their turn", read.late));
        }
        for (key, (events, bytes)) in read.meter.sums() {
            let sum = self.batch.usage.entry(key).or_default();
            *sum = (sum.0 + events, sum.1 + bytes);
        }
        let (heard, newest_possible) = (instant(), Time::from_ms(now_ms()));
        for (source, coverage) in read.census.coverage() {
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
        Ok(true)
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
        let counters = self.place.counters;
        let mut counted: Vec<(Source, u64, u64)> = Vec::new();
        let day = now_ms().div_euclid(Time::DAY_MS);
        let mut usage: BTreeMap<Metered, (u64, u64)> = BTreeMap::new();
        for ((account, region, feature, resource), sum) in batch.usage {
            let resource = self.metered.named(self.place, day, (&account, &region), resource)?;
            let entry = usage.entry((account, region, feature, resource)).or_default();
            *entry = (entry.0 + sum.0, entry.1 + sum.1);
        }
        for ((account, region, feature, resource), (events, bytes)) in usage {
            counted.push((Source { source: feature }, events, bytes));
            let detector = detectors.of(self.place, &account, &region)?;
            let plan = if feature == S3_FEATURE { "s3" } else { "" };
            if detector.as_ref().is_some_and(|detector| detector.switches.wants(plan)) {
                let source = feature.to_owned();
                deltas.push(UsageDelta { account, region, source, resource, day, events, bytes });
            }
        }
        changes.push(Change::Usage(deltas));
        let mut heard: Vec<_> = self.heard.iter().map(|(source, (newest, _))| (source.clone(), *newest)).collect();
        heard.sort_unstable();
        self.files.position.heard = heard;
        changes.push(self.files.put_position());
        self.place.runtime.block_on(self.place.store.commit(changes)).context("could not save what was read")?;
        counters.files.inc_by(batch.files as u64);
        counters.late.inc_by(batch.late);
        for (source, events, bytes) in counted {
            counters.events.get_or_create(&source).inc_by(events);
            counters.bytes.get_or_create(&source).inc_by(bytes);
        }
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
                    &self.files.sources,
                    &mut self.spool,
                    Some(Time::from_ms(until)),
                )
                .context("could not write or read back a temporary file")?;
            self.progress.runs += 1;
            self.progress.until = Some(until);
            self.is_ahead = true;
            self.save_run_if_due()?;
        }
        if self.waiting.is_empty() {
            self.spool = TemporaryFile::default(); // Nothing refers to it any more.
        }
        Ok(())
    }

    fn save_run_if_due(&mut self) -> Result<()> {
        let now = instant();
        let rests =
            |(ended, took): (Instant, Duration)| now.duration_since(ended) < (took * SAVING_REST).min(SAVING_REST_MAX);
        if self.saved.is_some_and(rests) { Ok(()) } else { self.save_run() }
    }

    /// Saves what was found, with the state that found it.
    fn save_run(&mut self) -> Result<()> {
        if !self.is_ahead {
            return Ok(());
        }
        let began = instant();
        let mut findings = self.replay.take_changed();
        let (files, sources) = self.files.readable();
        fetch_evidence(&mut findings, &files, &sources, &self.place.options.scan);
        for finding in &findings {
            self.replay.keep_evidence(finding);
        }
        let mut changes = self.finding_changes(&findings)?;
        let is_written = |change: &Change| match change {
            Change::Findings { writes, .. } => writes.len() as u64,
            _ => 0,
        };
        let written = changes.iter().map(is_written).sum();
        let exports = changes.iter().filter(|change| matches!(change, Change::Outbox(_))).count();
        let until = self.progress.until.unwrap_or(i64::MIN);
        let done: Vec<u32> =
            self.waiting.iter().filter(|(_, last)| end_of(**last) <= until).map(|(&rank, _)| rank).collect();
        for rank in done {
            self.waiting.remove(&rank);
            changes.extend(self.files.judged(rank));
        }
        let saved = Saved { progress: self.progress.clone(), replay: self.replay.save()? };
        changes.push(Change::Checkpoint { name: STATE.to_owned(), state: serde_json::to_vec(&saved)? });
        self.place.runtime.block_on(self.place.store.commit(changes)).context("could not save what was found")?;
        self.place.counters.findings.inc_by(written);
        self.place.counters.exports.inc_by(exports as u64);
        self.place.counters.judged_until.set(until.div_euclid(Time::SECOND_MS).max(0));
        self.is_ahead = false;
        let ended = instant();
        self.saved = Some((ended, ended.duration_since(began)));
        Ok(())
    }

    /// The findings that are wanted, under the detectors of their accounts and regions; and what is to be exported of them.
    fn finding_changes(&self, findings: &[Finding]) -> Result<Vec<Change>> {
        let mut detectors = Detectors::default();
        let mut by_scope: BTreeMap<Scope, Vec<FindingWrite>> = BTreeMap::new();
        let mut exports = Vec::new();
        let mut homeless = 0;
        for finding in findings {
            let (account, region) = (&finding.latest.account, &finding.latest.region);
            if !is_place(account, region) {
                homeless += 1;
                continue;
            }
            let Some(detector) = detectors.of(self.place, account, region)? else { continue };
            // What was switched off since the last look.
            if !detector.switches.wants(plan_of(finding.latest.finding_type)) {
                continue;
            }
            let id = detector.switches.id.clone();
            let scope = Scope { account: account.clone(), region: region.clone(), detector: id };
            let body = under_detector(finding_json(finding), &scope, &finding.id);
            let suppressed_by = detector.suppressed_by(&body).map(str::to_owned);
            if suppressed_by.is_none() {
                // Once for each state of the finding: it grows with its count.
                let name = format!("{} {} {}", finding.id, body["updatedAt"], body["service"]["count"]);
                exports.extend(detector.export_queues.iter().map(|queue| {
                    Change::Outbox(OutboxItem { queue: queue.clone(), name: name.clone(), body: body.clone() })
                }));
            }
            by_scope.entry(scope).or_default().push(FindingWrite { body, suppressed_by });
        }
        if homeless > 0 {
            self.place.counters.homeless.inc_by(homeless);
            (self.place.report)(&format!(
                "{homeless} findings are of logs that name no account, so that no detector can hold them: set `account` \
                 under [server], or watch the logs in folders named as AWS names them, AWSLogs/ACCOUNT/SERVICE/REGION"
            ));
        }
        let written = by_scope.into_iter().map(|(scope, writes)| Change::Findings { scope, writes });
        Ok(written.chain(exports).collect())
    }
}

/// The account and region that a file's path tells; empty where it does not.
fn place_of(file: &FoundFile) -> (String, String) {
    let origin = file.origin();
    (origin.account.unwrap_or_default(), origin.region.unwrap_or_default())
}

fn origin_of(place: &Place<'_>, (account, region): &(String, String)) -> Origin {
    let options = &place.options.scan;
    Origin {
        account: account.clone(),
        region: region.clone(),
        assumed_account: options.assume_account.clone(),
        assumed_region: options.assume_region.clone(),
        flow_format: None,
    }
}

fn source_of(place: &Place<'_>, name: &str, of: &(String, String), canonical: u32) -> SourceFile {
    SourceFile { name: name.to_owned(), origin: origin_of(place, of), canonical, is_baseline: false }
}

/// The plan in which a type is reported, as the catalogue names it.
fn plan_of(finding_type: FindingType) -> &'static str {
    catalogue::entry(finding_type.as_str()).map_or("", |entry| entry.plan.as_str())
}

fn reported() -> impl Iterator<Item = FindingType> {
    DETECTIONS.iter().flat_map(|detection| detection.reports.iter().copied())
}

/// The plans of all types that are reported.
fn plans() -> impl Iterator<Item = &'static str> {
    reported().map(plan_of).collect::<BTreeSet<_>>().into_iter()
}

/// Whether a plan is on; nothing is where the detector was deleted.
fn wants(switches: Option<&Switches>, plan: &str) -> bool {
    switches.is_some_and(|switches| switches.wants(plan))
}

/// The types that are off.
fn off_types(switches: Option<&Switches>) -> BTreeSet<FindingType> {
    reported().filter(|one| !wants(switches, plan_of(*one))).collect()
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

/// The buckets that have a row of their own in today's usage, by account and region.
#[derive(Default)]
struct MeteredBuckets {
    day: i64,
    named: HashMap<(String, String), HashSet<String>>,
}

impl MeteredBuckets {
    /// The name under which a bucket's usage is summed: its own, or none if that would be one too many.
    fn named(
        &mut self,
        place: &Place<'_>,
        day: i64,
        (account, region): (&str, &str),
        bucket: String,
    ) -> Result<String> {
        if bucket.is_empty() || !is_place(account, region) {
            return Ok(String::new());
        }
        if self.day != day {
            *self = Self { day, named: HashMap::new() };
        }
        let key = (account.to_owned(), region.to_owned());
        if !self.named.contains_key(&key) {
            let range = UsageRange {
                accounts: Some(vec![key.0.clone()]),
                region: Some(key.1.clone()),
                from_day: Some(day),
                to_day: Some(day),
            };
            let rows = place.runtime.block_on(place.store.usage(&range)).context("could not look up usage")?;
            let named = rows.into_iter().map(|row| row.resource).filter(|resource| !resource.is_empty());
            self.named.insert(key.clone(), named.collect());
        }
        let named = self.named.entry(key).or_default();
        if named.contains(&bucket) {
            return Ok(bucket);
        }
        if named.len() >= RESOURCES_MAX {
            return Ok(String::new());
        }
        named.insert(bucket.clone());
        Ok(bucket)
    }
}

/// The detectors of the places that one transaction concerns, each asked for once.
#[derive(Default)]
struct Detectors(HashMap<(String, String), Option<LogDetector>>);

impl Detectors {
    fn of(&mut self, place: &Place<'_>, account: &str, region: &str) -> Result<Option<LogDetector>> {
        if !is_place(account, region) {
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

/// Whether an account and region that a log names, which may name anything, are such as can have a detector.
fn is_place(account: &str, region: &str) -> bool {
    account_id(account).is_ok() && is_region(region)
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

/// The slice of ten minutes that a moment lies in.
pub const fn slice_of(time: Time) -> i64 {
    time.ms().div_euclid(SLICE_MS)
}

/// When a slice ends, milliseconds since 1970.
pub const fn end_of(slice: i64) -> i64 {
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
    fn what_a_log_calls_an_account_need_not_be_one() {
        assert!(is_place("111122223333", "us-gov-west-1"));
        for (account, region) in [
            ("", "us-east-1"),
            ("unknown", "us-east-1"),
            ("11112222333\u{661}", "us-east-1"),
            ("111122223333", ""),
            ("111122223333", "us east 1"),
            ("111122223333", "a-region-whose-name-is-longer-than-any"),
        ] {
            assert!(!is_place(account, region), "{account} {region}");
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
