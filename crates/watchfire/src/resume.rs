//! `--resume FILE`: what a scan has read so far, so that one that was killed goes on where it stopped.
//!
//! The file begins with a line that says which scan it belongs to; another scan (other paths may be named, but the
//! same period, accounts, lists, inventory and program) refuses it. Behind it stands one frame for each file that was
//! read without a complaint: its account, and what rules may have to see of it. A frame is written when its file has
//! been read, in one piece with its length and checksum; a torn one at the end is cut off. Files that were repeated,
//! gave complaints, are members of archives, or of which more concerns rules than fits into memory are read again: they
//! are few, and what they say stays exact.
//!
//! A scan that finishes removes the file.

use crate::config::Settings;
use crate::format::Format;
use crate::scan::{FileResult, ScanOptions};
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::Hasher;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use watchfire_detections::Thresholds;
use watchfire_engine::{Census, FactLog, FlowFormats, Spool};
use watchfire_ingest::{Compression, FileOutcome, FoundFile, Source};
use watchfire_parse::{Remark, Report, Skipped};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Raise it with every change of what a frame holds.
const FORM: u32 = 4;
/// No frame is longer; a longer one is torn.
const FRAME_BYTES_MAX: u64 = 16 << 30;

/// What was read by earlier runs, and the file that is added to.
pub struct Resume {
    path: PathBuf,
    file: Mutex<File>,
    earlier: HashMap<String, Frame>,
}

/// Where a frame's payload stands.
#[derive(Clone, Copy)]
struct Frame {
    offset: u64,
    length: usize,
}

#[derive(Serialize, Deserialize)]
struct Head {
    watchfire_resume: u32,
    /// Of everything that decides what is kept of a file.
    scan: String,
}

/// The part of a frame that is JSON; what the engine keeps follows it.
#[derive(Serialize, Deserialize)]
struct Saved {
    name: String,
    size: u64,
    version: String,
    report: SavedReport,
    outcome: SavedOutcome,
    census: Census,
}

/// A report without rejections.
#[derive(Serialize, Deserialize)]
struct SavedReport {
    records: [u64; 3],
    formats: Vec<u64>,
    skipped: BTreeMap<Skipped, u64>,
    remarks: BTreeMap<Remark, u64>,
    is_digest: bool,
}

/// An outcome without problems.
#[derive(Serialize, Deserialize)]
struct SavedOutcome {
    compressed_bytes: u64,
    bytes: u64,
    compression: Compression,
    /// Hexadecimal: JSON's numbers end before 128 bits.
    content_hash: String,
}

/// A file that need not be read again.
pub struct AlreadyRead {
    /// What became of it.
    pub result: FileResult,
    /// What was counted.
    pub census: Census,
    /// What rules may have to see.
    pub facts: FactLog,
}

impl Resume {
    /// Opens the file, or begins it.
    pub fn open(path: &Path, scan: u128) -> Result<Self> {
        let not_opened = || format!("could not open `{}` to resume from", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(not_opened)?;
        if !file.metadata().with_context(not_opened)?.is_file() {
            bail!("`{}` is no file: --resume writes one, and removes it at the end", path.display());
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("`{}` is in use by another scan", path.display()),
            Err(TryLockError::Error(cause)) => return Err(cause).with_context(not_opened),
        }
        let scan = format!("{scan:032x}");
        let mut earlier = HashMap::new();
        if file.metadata().with_context(not_opened)?.len() == 0 {
            let head = serde_json::to_string(&Head { watchfire_resume: FORM, scan })?;
            writeln!(file, "{head}").with_context(not_opened)?;
        } else {
            let mut reader = BufReader::new(&file);
            let mut line = String::new();
            (&mut reader).take(1024).read_line(&mut line).with_context(not_opened)?;
            let head: Head = serde_json::from_str(&line)
                .map_err(|_| anyhow!("`{}` is no file that --resume wrote", path.display()))?;
            if head.watchfire_resume != FORM || head.scan != scan {
                bail!(
                    "`{}` belongs to another scan (other options, lists or version): remove it, or name another file",
                    path.display()
                );
            }
            let mut end = line.len() as u64;
            while let Some((name, frame)) = next_frame(&mut reader, end).with_context(not_opened)? {
                end = frame.offset + frame.length as u64;
                earlier.insert(name, frame);
            }
            file.set_len(end).with_context(not_opened)?;
            file.seek(SeekFrom::End(0)).with_context(not_opened)?;
        }
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), earlier })
    }

    /// Whether an earlier run read a file of this name.
    pub fn holds(&self, file: &FoundFile) -> bool {
        self.earlier.contains_key(&file.display())
    }

    /// How many files earlier runs have read.
    pub fn count(&self) -> usize {
        self.earlier.len()
    }

    /// What an earlier run kept of this file, if the file is still the same. `rank` is its place in the list now.
    pub fn take(&self, file: &FoundFile, rank: u32, formats: &FlowFormats) -> Result<Option<AlreadyRead>> {
        let (name, version) = (file.display(), version(file));
        let (Some(frame), Some(version)) = (self.earlier.get(&name), version) else { return Ok(None) };
        let mut payload = vec![0; frame.length];
        self.lock().read_exact_at(&mut payload, frame.offset).with_context(|| self.not_read())?;
        let (saved, facts) = open_payload(&payload).with_context(|| self.not_read())?;
        if saved.size != file.size || saved.version != version {
            return Ok(None);
        }
        let facts = FactLog::restore(facts, rank, formats).with_context(|| self.not_read())?;
        let result = saved.result().with_context(|| self.not_read())?;
        Ok(Some(AlreadyRead { result, census: saved.census, facts }))
    }

    /// Notes that a file has been read, if that may be relied on.
    pub fn save(
        &self,
        file: &FoundFile,
        result: &FileResult,
        (census, facts): (&Census, &FactLog),
        formats: &FlowFormats,
        spool: &mut dyn Spool,
    ) -> Result<()> {
        let (Some(version), Some(outcome)) = (version(file), &result.outcome) else { return Ok(()) };
        if result.is_repeated || result.report.rejected_count > 0 || !outcome.problems.is_empty() {
            return Ok(());
        }
        // What did not fit into memory once is not gathered there again.
        if facts.is_spilled() {
            return Ok(());
        }
        let saved = Saved {
            name: file.display(),
            size: file.size,
            version,
            report: SavedReport::of(&result.report),
            outcome: SavedOutcome::of(outcome),
            census: census.clone(),
        };
        let not_written = || format!("could not write to `{}`", self.path.display());
        let facts = facts.save(formats, spool).with_context(not_written)?;
        let json = serde_json::to_vec(&saved)?;
        let mut frame = vec![0; 16];
        frame.extend_from_slice(&(json.len() as u64).to_le_bytes());
        frame.extend_from_slice(&json);
        frame.extend_from_slice(&facts);
        let checksum = xxh3_64(&frame[16..]);
        let length = (frame.len() - 16) as u64;
        frame[..8].copy_from_slice(&length.to_le_bytes());
        frame[8..16].copy_from_slice(&checksum.to_le_bytes());
        self.lock().write_all(&frame).with_context(not_written)
    }

    /// The scan is done: the file is of no more use.
    pub fn finish(self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("could not remove `{}`", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn not_read(&self) -> String {
        format!("could not read `{}`: remove it to begin anew", self.path.display())
    }
}

/// Reads one frame and says where its payload stands. `None` at the end or where the rest is torn.
fn next_frame(reader: &mut impl Read, at: u64) -> std::io::Result<Option<(String, Frame)>> {
    let mut head = Vec::new();
    reader.take(16).read_to_end(&mut head)?;
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return Ok(None) };
    let Some(checksum) = rest.first_chunk::<8>() else { return Ok(None) };
    let length = u64::from_le_bytes(*length);
    if length > FRAME_BYTES_MAX {
        return Ok(None);
    }
    let mut payload = Vec::new();
    reader.take(length).read_to_end(&mut payload)?;
    if payload.len() as u64 != length || xxh3_64(&payload) != u64::from_le_bytes(*checksum) {
        return Ok(None);
    }
    let name = open_payload(&payload).map(|(saved, _)| saved.name);
    Ok(name.map(|name| (name, Frame { offset: at + 16, length: payload.len() })))
}

fn open_payload(payload: &[u8]) -> Option<(Saved, &[u8])> {
    let (length, rest) = payload.split_first_chunk::<8>()?;
    let (json, facts) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(json).ok()?, facts))
}

/// What tells one state of a file from another; `None` where nothing does.
fn version(file: &FoundFile) -> Option<String> {
    match &file.source {
        Source::Disk => {
            let metadata = std::fs::metadata(&file.path).ok()?;
            Some(format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec()))
        }
        Source::Object(object) => Some(object.version().to_owned()).filter(|version| !version.is_empty()),
        Source::Member(_) => None,
    }
}

/// A number for everything that decides what a scan keeps of a file.
pub fn scan_identity(options: &ScanOptions, settings: &Settings) -> Result<u128> {
    let mut hash = Xxh3::new();
    // Neither how many threads read nor how is decided what is found, and shown, decides what is kept.
    let settings = Settings {
        threads: 0,
        format: Format::Table,
        min_severity: None,
        thresholds: Thresholds::default(),
        disabled: Vec::new(),
        ..settings.clone()
    };
    let (scope, limits, baselines) = (&options.scope, &options.limits, &options.baselines);
    let said = format!("{FORM} {} {scope:?} {limits:?} {baselines:?} {settings:?}", env!("CARGO_PKG_VERSION"));
    hash.update(said.as_bytes());
    let mut files: Vec<PathBuf> = settings.intel.iter().map(|intel| intel.file.clone()).collect();
    for more in [&settings.trusted, &settings.guards, &settings.geoip] {
        files.extend_from_slice(more);
    }
    files.extend(settings.aws_ranges.iter().chain(&settings.inventory).cloned());
    if !settings.feeds.is_empty() {
        let fetched = std::fs::read_dir(&settings.feed_folder).into_iter().flatten().flatten();
        let mut fetched: Vec<PathBuf> = fetched.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        fetched.sort();
        files.append(&mut fetched);
    }
    for file in &files {
        let not_read = || format!("could not read `{}`", file.display());
        let mut reader = BufReader::new(File::open(file).with_context(not_read)?);
        hash.write_u8(0);
        loop {
            let part = reader.fill_buf().with_context(not_read)?;
            if part.is_empty() {
                break;
            }
            hash.update(part);
            let read = part.len();
            reader.consume(read);
        }
    }
    Ok(hash.digest128())
}

impl SavedReport {
    fn of(report: &Report) -> Self {
        Self {
            records: report.records,
            formats: report.formats.to_vec(),
            skipped: report.skipped.clone(),
            remarks: report.remarks.clone(),
            is_digest: report.is_digest,
        }
    }
}

impl SavedOutcome {
    fn of(outcome: &FileOutcome) -> Self {
        Self {
            compressed_bytes: outcome.compressed_bytes,
            bytes: outcome.bytes,
            compression: outcome.compression,
            content_hash: format!("{:032x}", outcome.content_hash),
        }
    }
}

impl Saved {
    fn result(&self) -> Option<FileResult> {
        let report = Report {
            records: self.report.records,
            formats: self.report.formats.as_slice().try_into().ok()?,
            skipped: self.report.skipped.clone(),
            remarks: self.report.remarks.clone(),
            is_digest: self.report.is_digest,
            ..Report::default()
        };
        let outcome = FileOutcome {
            compressed_bytes: self.outcome.compressed_bytes,
            bytes: self.outcome.bytes,
            compression: self.outcome.compression,
            content_hash: u128::from_str_radix(&self.outcome.content_hash, 16).ok()?,
            problems: Vec::new(),
        };
        Some(FileResult { report, outcome: Some(outcome), is_repeated: false })
    }
}
