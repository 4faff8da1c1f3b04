//! Reads files on all threads, then replays what matters in order of event time.
//!
//! files → contents → records → facts ─▶ replay → findings. Every file is accounted for. Which thread read what, and
//! when, leaves no trace in the findings.

use crate::contents::each_record;
use crate::evidence::fetch_evidence;
use crate::progress::Progress;
use crate::resume::Resume;
use crate::saved_baseline::{self, BaselineWriter, SavedBaseline};
use crate::spool::TemporaryFile;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use watchfire_detections::{DETECTIONS, Thresholds};
use watchfire_engine::{
    Census, CoverageMap, FactLog, FlowFormats, ListenIndex, Replay, ReplayCounts, Scope, SourceFile, Worker,
};
use watchfire_ingest::{
    Content, FileOutcome, FileProblem, FoundFile, Limits, Listing, Narrowing, PieceKind, Queue, Scratch, Turn, list,
    read,
};
use watchfire_knowledge::Knowledge;
use watchfire_knowledge::baseline::Baselines;
use watchfire_model::{Finding, FindingType, Record, Time};
use watchfire_parse::{Origin, Raw, Report, Skipped};
use xxhash_rust::xxh3::xxh3_128;

/// What to scan.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Files and folders that teach what is normal, and of which nothing is reported: logs, and saved baselines.
    pub baselines: Vec<PathBuf>,
    /// Threads that read and parse; 0 is 1.
    pub threads: usize,
    /// What is analysed.
    pub scope: Scope,
    /// The account of records that name none.
    pub assume_account: String,
    /// The region of records that name none.
    pub assume_region: String,
    /// Bounds on what is read.
    pub limits: Limits,
    /// What detections of behaviour decide by.
    pub thresholds: Thresholds,
    /// Types that are not reported.
    pub disabled: Vec<FindingType>,
}

/// What a scan found, and the parts of its account.
pub struct ScanOutcome {
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The files that were listed, and what could not be.
    pub listing: Listing,
    /// What became of each listed file, in the same order.
    pub files: Vec<FileResult>,
    /// What was learnt from and not reported on: the same of the baselines.
    pub learnt: Learnt,
    /// Records by account, region, source and hour.
    pub coverage: CoverageMap,
    /// S3 data events read.
    pub s3_data_events: u64,
    /// Management events read.
    pub management_events: u64,
    /// Records outside the scope.
    pub outside: u64,
    /// Records without an account.
    pub without_account: u64,
    /// What the ordered part did.
    pub replay: ReplayCounts,
}

/// What taught.
#[derive(Default)]
pub struct Learnt {
    /// The files that were listed, and what could not be.
    pub listing: Listing,
    /// What became of each.
    pub files: Vec<FileResult>,
    /// Its records.
    pub coverage: CoverageMap,
    /// What is normal for the host that was asked for, in sentences; empty if nothing was learnt of it.
    pub host: Vec<String>,
}

/// What became of one file.
#[derive(Debug, Default)]
pub struct FileResult {
    /// What its records were, and what was wrong with them.
    pub report: Report,
    /// What reading it gave; `None` only if the program stopped before.
    pub outcome: Option<FileOutcome>,
    /// Its content had been read before.
    pub is_repeated: bool,
}

/// Scans; what `resume` holds is not read again. Only what makes going on pointless is an error: a temporary file that
/// cannot be written.
pub fn scan(
    options: &ScanOptions,
    knowledge: &Knowledge,
    progress: &Progress,
    resume: Option<&Resume>,
) -> Result<ScanOutcome> {
    let narrowed = narrowing(&options.scope);
    let listing = list(&options.paths, &options.limits, &narrowed);
    // What teaches may be older than what is asked about.
    let teaching = Narrowing { from: None, to: None, ..narrowed };
    let (saved, baselines) = saved_baseline::opened(&options.baselines)?;
    let learnt_listing = list(&baselines, &options.limits, &teaching);
    let sizes: Vec<u64> = listing.files.iter().chain(&learnt_listing.files).map(|file| file.size).collect();
    progress.begin(sizes.len() as u64, sizes.iter().sum());
    let index = ListenIndex::new(DETECTIONS);
    let shared = Shared { claims: Mutex::default(), spool: Mutex::default(), formats: FlowFormats::default() };
    let read_all = |files: &[FoundFile], first_rank: usize, scope: &Scope| {
        let origins: Vec<Origin> = files.iter().map(|file| origin(file, options)).collect();
        let place = Place {
            origins: &origins,
            first_rank,
            index: &index,
            knowledge,
            scope,
            options,
            shared: &shared,
            resume,
            keep: None,
        };
        read_all(files, &place, progress)
    };
    let readings = read_all(&listing.files, 0, &options.scope)?;
    let teaching_scope = Scope { from: None, ..options.scope.clone() };
    let mut learnt = read_all(&learnt_listing.files, listing.files.len(), &teaching_scope)?;
    progress.end();
    let parts = take_saved(saved, listing.files.len() + learnt_listing.files.len(), &shared, &mut learnt)?;

    let sources = sources(&listing.files, &learnt_listing.files, parts, &shared, options);
    let mut outcome = ScanOutcome {
        findings: Vec::new(),
        files: readings.results,
        s3_data_events: readings.census.s3_data_events,
        management_events: readings.census.management_events,
        outside: readings.census.outside,
        without_account: readings.census.without_account,
        coverage: readings.census.coverage(),
        learnt: Learnt {
            listing: learnt_listing,
            files: learnt.results,
            coverage: learnt.census.coverage(),
            host: Vec::new(),
        },
        replay: ReplayCounts::default(),
        listing,
    };
    let mut kept = readings.facts;
    kept.extend(learnt.facts);
    let mut replay = Replay::new(DETECTIONS, &index, knowledge)
        .with_thresholds(options.thresholds.clone())
        .with_threads(options.threads)
        .without_types(options.disabled.iter().copied());
    let mut spool = shared.spool.into_inner().unwrap_or_else(PoisonError::into_inner);
    replay
        .run(&mut kept, &shared.formats.all(), &sources, &mut spool, None)
        .context("could not write or read back a temporary file")?;
    (outcome.findings, outcome.replay) = replay.finish();
    let files: Vec<&FoundFile> = outcome.listing.files.iter().chain(&outcome.learnt.listing.files).collect();
    fetch_evidence(&mut outcome.findings, &files, &sources, options);
    Ok(outcome)
}

/// What the replay must know of every file, by rank: those that are reported on first.
fn sources(
    reported: &[FoundFile],
    teaching: &[FoundFile],
    saved: Vec<(String, Origin)>,
    shared: &Shared,
    options: &ScanOptions,
) -> Vec<SourceFile> {
    let canonical = lock(&shared.claims).canonical(reported.len() + teaching.len() + saved.len());
    let files = reported.iter().map(|file| (file, false)).chain(teaching.iter().map(|file| (file, true)));
    let source = |((file, is_baseline), canonical): ((&FoundFile, bool), u32)| SourceFile {
        name: file.display(),
        origin: origin(file, options),
        canonical,
        is_baseline,
    };
    let mut sources: Vec<SourceFile> = files.zip(canonical.iter().copied()).map(source).collect();
    for ((name, origin), &canonical) in saved.into_iter().zip(&canonical[sources.len()..]) {
        sources.push(SourceFile { name, origin, canonical, is_baseline: true });
    }
    sources
}

/// Takes in what saved baselines hold, without what was read already. Their parts, whose ranks follow those of all files.
fn take_saved(
    saved: Vec<SavedBaseline>,
    first_rank: usize,
    shared: &Shared,
    learnt: &mut Readings,
) -> Result<Vec<(String, Origin)>> {
    let (mut facts, mut parts) = (FactLog::default(), Vec::new());
    for baseline in saved {
        baseline.each_part(&mut |part| {
            let rank = u32::try_from(first_rank + parts.len()).unwrap_or(u32::MAX);
            parts.push((part.name.clone(), part.origin.clone()));
            if !lock(&shared.claims).claim(part.content_hash, &part.origin, rank) {
                return Ok(());
            }
            facts.absorb(part.facts(rank, &shared.formats)?);
            learnt.census.merge(part.census);
            if facts.is_full() {
                facts.spill(&mut *lock(&shared.spool)).context("could not write a temporary file")?;
            }
            Ok(())
        })?;
    }
    learnt.facts.push(facts);
    Ok(parts)
}

/// Reads files and keeps what a baseline holds of each: what becomes of them, and the period they cover.
pub fn save_baseline(
    options: &ScanOptions,
    knowledge: &Knowledge,
    progress: &Progress,
    writer: &BaselineWriter,
) -> Result<Learnt> {
    let listing = list(&options.paths, &options.limits, &narrowing(&options.scope));
    progress.begin(listing.files.len() as u64, listing.files.iter().map(|file| file.size).sum());
    let index = ListenIndex::new(DETECTIONS);
    let shared = Shared { claims: Mutex::default(), spool: Mutex::default(), formats: FlowFormats::default() };
    let origins: Vec<Origin> = listing.files.iter().map(|file| origin(file, options)).collect();
    let place = Place {
        origins: &origins,
        first_rank: 0,
        index: &index,
        knowledge,
        scope: &options.scope,
        options,
        shared: &shared,
        resume: None,
        keep: Some(writer),
    };
    let readings = read_all(&listing.files, &place, progress)?;
    progress.end();
    Ok(Learnt { listing, files: readings.results, coverage: readings.census.coverage(), host: Vec::new() })
}

/// What all paths of `options.baselines` teach.
pub fn learn(options: &ScanOptions, knowledge: &Knowledge, progress: &Progress) -> Result<(Baselines, Learnt)> {
    learn_about("", options, knowledge, progress)
}

/// The same, with what is normal for the host with this id: see [`Learnt::host`].
pub fn learn_about(
    host: &str,
    options: &ScanOptions,
    knowledge: &Knowledge,
    progress: &Progress,
) -> Result<(Baselines, Learnt)> {
    let (saved, logs) = saved_baseline::opened(&options.baselines)?;
    let listing = list(&logs, &options.limits, &narrowing(&options.scope));
    progress.begin(listing.files.len() as u64, listing.files.iter().map(|file| file.size).sum());
    let index = ListenIndex::new(DETECTIONS);
    let shared = Shared { claims: Mutex::default(), spool: Mutex::default(), formats: FlowFormats::default() };
    let origins: Vec<Origin> = listing.files.iter().map(|file| origin(file, options)).collect();
    let place = Place {
        origins: &origins,
        first_rank: 0,
        index: &index,
        knowledge,
        scope: &options.scope,
        options,
        shared: &shared,
        resume: None,
        keep: None,
    };
    let mut readings = read_all(&listing.files, &place, progress)?;
    progress.end();
    let parts = take_saved(saved, listing.files.len(), &shared, &mut readings)?;
    let sources = sources(&[], &listing.files, parts, &shared, options);
    let mut replay = Replay::new(DETECTIONS, &index, knowledge)
        .with_thresholds(options.thresholds.clone())
        .with_threads(options.threads);
    let mut spool = shared.spool.into_inner().unwrap_or_else(PoisonError::into_inner);
    replay
        .run(&mut readings.facts, &shared.formats.all(), &sources, &mut spool, None)
        .context("could not write or read back a temporary file")?;
    let host = if host.is_empty() { Vec::new() } else { replay.describe_host(host) };
    let learnt = Learnt { listing, files: readings.results, coverage: readings.census.coverage(), host };
    Ok((replay.into_baselines(), learnt))
}

/// What keys of a bucket can tell of the scope.
fn narrowing(scope: &Scope) -> Narrowing {
    let day = |time: Time| {
        let moment = jiff::Timestamp::from_millisecond(time.ms()).ok()?;
        Some(jiff::tz::Offset::UTC.to_datetime(moment).date())
    };
    Narrowing {
        from: scope.from.and_then(day),
        to: scope.to.and_then(day),
        accounts: scope.accounts.clone(),
        regions: scope.regions.clone(),
    }
}

fn origin(file: &FoundFile, options: &ScanOptions) -> Origin {
    let place = file.origin();
    Origin {
        account: place.account.unwrap_or_default(),
        region: place.region.unwrap_or_default(),
        assumed_account: options.assume_account.clone(),
        assumed_region: options.assume_region.clone(),
        flow_format: None,
    }
}

/// What every thread reads by.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// By the file's place in the list.
    origins: &'a [Origin],
    /// The rank of the first file in the list.
    first_rank: usize,
    index: &'a ListenIndex,
    knowledge: &'a Knowledge,
    scope: &'a Scope,
    options: &'a ScanOptions,
    shared: &'a Shared,
    resume: Option<&'a Resume>,
    /// Where what each file teaches is kept.
    keep: Option<&'a BaselineWriter>,
}

/// What all reading shares.
struct Shared {
    claims: Mutex<Claims>,
    spool: Mutex<TemporaryFile>,
    formats: FlowFormats,
}

/// What was read.
#[derive(Default)]
struct Readings {
    /// Of each thread.
    facts: Vec<FactLog>,
    census: Census,
    results: Vec<FileResult>,
}

/// What one thread read; the results by the place of their file in the list.
struct ThreadReadings {
    facts: FactLog,
    census: Census,
    results: Vec<(usize, FileResult)>,
}

/// Which contents have been read, so that none counts twice.
#[derive(Default)]
struct Claims {
    /// (hash of content and origin) → the files that have it, the first being the one that was read.
    by_content: HashMap<(u128, u128), Vec<u32>>,
}

impl Claims {
    /// Whether this file is the first with its content. Call once per file.
    fn claim(&mut self, content: u128, origin: &Origin, file: u32) -> bool {
        // Where a log lies says whose it is, if its records do not.
        let place = xxh3_128(format!("{} {}", origin.account, origin.region).as_bytes());
        let files = self.by_content.entry((content, place)).or_default();
        files.push(file);
        files.len() == 1
    }

    /// For each file the first by name among those with its content.
    fn canonical(&self, count: usize) -> Vec<u32> {
        let mut canonical: Vec<u32> = (0..count).map(|file| u32::try_from(file).unwrap_or(u32::MAX)).collect();
        for files in self.by_content.values() {
            let Some(&first) = files.iter().min() else { continue };
            for &file in files {
                canonical[file as usize] = first;
            }
        }
        canonical
    }
}

/// Reads every file.
fn read_all(files: &[FoundFile], place: &Place<'_>, progress: &Progress) -> Result<Readings> {
    let queue = Queue::new(files, &place.options.limits, |file| place.resume.is_some_and(|resume| resume.holds(file)));
    let threads = place.options.threads.clamp(1, files.len().max(1));
    let read_share = || -> Result<ThreadReadings> {
        let mut reader = Reader { place, scratch: Scratch::new(), worker: place.worker() };
        let mut results = Vec::new();
        while let Some(turn) = queue.next() {
            let at = turn.place;
            let result = reader.read_file(&files[at], turn)?;
            progress.file_done(files[at].size, result.report.record_count());
            results.push((at, result));
        }
        let (facts, census) = reader.worker.finish();
        Ok(ThreadReadings { facts, census, results })
    };
    let outcomes: Vec<Result<ThreadReadings>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(read_share)).collect();
        let mut outcomes = vec![read_share()];
        outcomes.extend(
            others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        outcomes
    });
    // Each result in the place of its file, also if one should be missing.
    let mut all = Readings { results: files.iter().map(|_| FileResult::default()).collect(), ..Readings::default() };
    for outcome in outcomes {
        let thread = outcome?;
        all.facts.push(thread.facts);
        all.census.merge(thread.census);
        for (place, result) in thread.results {
            all.results[place] = result;
        }
    }
    Ok(all)
}

impl<'a> Place<'a> {
    fn worker(&self) -> Worker<'a> {
        Worker::new(self.index, self.knowledge, self.scope, &self.shared.formats)
    }
}

/// One thread's reader.
struct Reader<'a, 'c> {
    place: &'c Place<'a>,
    scratch: Scratch,
    /// Sees the records of whole contents.
    worker: Worker<'a>,
}

impl<'a> Reader<'a, '_> {
    /// Reads one file. What a file in pieces is a copy of is known only at its end: such a file has a worker of its own,
    /// which can then be left out as a whole. So has every file that may be resumed.
    fn read_file(&mut self, file: &FoundFile, turn: Turn) -> Result<FileResult> {
        let origin = &self.place.origins[turn.place];
        let rank = u32::try_from(self.place.first_rank + turn.place).unwrap_or(u32::MAX);
        if let Some(result) = self.already_read(file, origin, rank)? {
            return Ok(result);
        }
        let mut result = FileResult::default();
        let mut own_worker: Option<Worker<'a>> = None;
        let mut failure = None;
        let mut was_claimed = false;
        let outcome = read(file, turn.fetched, &self.place.options.limits, &mut self.scratch, &mut |content| {
            if failure.is_some() || result.is_repeated {
                return;
            }
            let mut is_whole = false;
            if let Content::Text(piece) = content
                && piece.kind == PieceKind::Whole
            {
                (is_whole, was_claimed) = (true, true);
                let hash = piece.content_hash.unwrap_or_else(|| xxh3_128(piece.bytes));
                result.is_repeated = !lock(&self.place.shared.claims).claim(hash, origin, rank);
                if result.is_repeated {
                    return;
                }
            }
            let worker = if is_whole && self.place.resume.is_none() && self.place.keep.is_none() {
                &mut self.worker
            } else {
                own_worker.get_or_insert_with(|| self.place.worker())
            };
            let sink = &mut |record: &Record<'_>, raw: Raw<'_>| worker.observe(record, raw, rank);
            result.report.merge(&each_record(content, origin, sink));
            if worker.facts.is_full() {
                failure = spill(worker, &self.place.shared.spool).err();
            }
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        if !was_claimed && outcome.bytes > 0 {
            result.is_repeated = !lock(&self.place.shared.claims).claim(outcome.content_hash, origin, rank);
        }
        result.outcome = Some(outcome);
        if let Some(worker) = own_worker
            && !result.is_repeated
        {
            let (facts, census) = worker.finish();
            if let (Some(writer), Some(outcome)) = (self.place.keep, &result.outcome) {
                let mut spool = lock(&self.place.shared.spool);
                let kept = facts.save(&self.place.shared.formats, &mut *spool);
                drop(spool);
                let part = (outcome.content_hash, origin, &census);
                writer.add(&file.display(), part, &kept.context("could not read back a temporary file")?)?;
                self.worker.census.merge(census);
                return Ok(result);
            }
            if let Some(resume) = self.place.resume {
                resume.save(
                    file,
                    &result,
                    (&census, &facts),
                    &self.place.shared.formats,
                    &mut *lock(&self.place.shared.spool),
                )?;
            }
            self.absorb(facts, census)?;
        }
        Ok(result)
    }

    /// What an earlier run read of this file.
    fn already_read(&mut self, file: &FoundFile, origin: &Origin, rank: u32) -> Result<Option<FileResult>> {
        let Some(resume) = self.place.resume else { return Ok(None) };
        let Some(mut earlier) = resume.take(file, rank, &self.place.shared.formats)? else { return Ok(None) };
        let hash = earlier.result.outcome.as_ref().map_or(0, |outcome| outcome.content_hash);
        if lock(&self.place.shared.claims).claim(hash, origin, rank) {
            self.absorb(earlier.facts, earlier.census)?;
        } else {
            earlier.result.is_repeated = true;
        }
        Ok(Some(earlier.result))
    }

    fn absorb(&mut self, facts: FactLog, census: Census) -> Result<()> {
        self.worker.facts.absorb(facts);
        self.worker.census.merge(census);
        if self.worker.facts.is_full() { spill(&mut self.worker, &self.place.shared.spool) } else { Ok(()) }
    }
}

fn spill(worker: &mut Worker<'_>, spool: &Mutex<TemporaryFile>) -> Result<()> {
    worker.facts.spill(&mut *lock(spool)).context("could not write a temporary file")
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileResult {
    /// What kind of file that is no log this is, if it is one.
    pub fn not_a_log(&self) -> Option<String> {
        let only_skipped = self.report.record_count() == 0 && self.report.rejected_count == 0;
        (only_skipped && self.report.is_digest).then(|| Skipped::Digest.to_string())
    }

    /// Whether anything of a known format was found.
    pub fn holds_a_log(&self) -> bool {
        self.report.record_count() > 0 || !self.report.skipped.is_empty()
    }

    /// What was wrong with it.
    pub fn problems(&self) -> &[FileProblem] {
        self.outcome.as_ref().map_or(&[], |outcome| &outcome.problems)
    }
}
