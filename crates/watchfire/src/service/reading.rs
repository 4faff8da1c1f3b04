//! Reads files on several threads. What comes of them is the same for any number: each is read by itself, and taken in by
//! the caller in the order of the files.

use super::looks::Stamp;
use crate::contents::each_record;
use crate::scan::ScanOptions;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use watchfire_engine::{Census, FactLog, FlowFormats, ListenIndex, Worker};
use watchfire_ingest::{FoundFile, Scratch, read};
use watchfire_knowledge::{Knowledge, OwnLists};
use watchfire_model::Record;
use watchfire_parse::{Origin, Raw};

/// The feature under which S3 data events are metered: they have a switch of their own.
pub const S3_FEATURE: &str = "S3_DATA_EVENTS";

/// What reading needs.
pub struct Reading<'a> {
    pub index: &'a ListenIndex,
    pub knowledge: &'a Knowledge,
    pub own_lists: &'a OwnLists,
    pub formats: &'a FlowFormats,
    pub options: &'a ScanOptions,
    /// Slices that end by this moment have been judged, milliseconds since 1970.
    pub until: Option<i64>,
}

/// A file to read.
pub struct Task {
    pub file: FoundFile,
    pub name: String,
    pub stamp: Stamp,
    /// Its number.
    pub rank: u32,
    /// Read what stands behind this place only.
    pub after: Option<u64>,
    pub origin: Origin,
}

/// What was read of a file.
pub struct FileRead {
    pub task: Task,
    pub facts: FactLog,
    pub census: Census,
    pub meter: Meter,
    /// Where its last record stands.
    pub last_position: Option<u64>,
    /// Records whose slice was judged before.
    pub late: u64,
    /// Sentences.
    pub troubles: Vec<String>,
    /// The hash of its content.
    pub content: String,
    /// It gave nothing: it may at another time.
    pub is_unreadable: bool,
}

/// Account, region, and the feature that is charged.
pub type Metered = (String, String, &'static str);

/// Events and bytes.
#[derive(Default)]
pub struct Meter {
    sums: BTreeMap<Metered, (u64, u64)>,
    /// The last one's, which is mostly the next one's too.
    last: Option<(Metered, (u64, u64))>,
}

impl Meter {
    fn count(&mut self, record: &Record<'_>, bytes: usize) {
        let feature = match record {
            Record::ApiCall(call) if call.is_s3_data() => S3_FEATURE,
            Record::ApiCall(_) => "CLOUD_TRAIL",
            Record::Flow(_) => "FLOW_LOGS",
            Record::DnsQuery(_) => "DNS_LOGS",
        };
        let place = (record.account(), record.region(), feature);
        match &mut self.last {
            Some(((account, region, of), sum)) if place == (account.as_str(), region.as_str(), *of) => {
                *sum = (sum.0 + 1, sum.1 + bytes as u64);
            }
            _ => {
                self.settle();
                self.last = Some(((place.0.to_owned(), place.1.to_owned(), feature), (1, bytes as u64)));
            }
        }
    }

    fn settle(&mut self) {
        if let Some((metered, (events, bytes))) = self.last.take() {
            let sum = self.sums.entry(metered).or_default();
            *sum = (sum.0 + events, sum.1 + bytes);
        }
    }

    /// The sums.
    pub fn sums(mut self) -> BTreeMap<Metered, (u64, u64)> {
        self.settle();
        self.sums
    }
}

/// Reads all, on as many threads as the options say, and answers in the order of the tasks.
pub fn read_all(reading: &Reading<'_>, tasks: Vec<Task>) -> Vec<FileRead> {
    let threads = reading.options.threads.clamp(1, tasks.len().max(1));
    let tasks: Vec<Mutex<Option<Task>>> = tasks.into_iter().map(|task| Mutex::new(Some(task))).collect();
    let done: Vec<Mutex<Option<FileRead>>> = tasks.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    let read_share = || {
        let mut scratch = Scratch::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let (Some(task), Some(done)) = (tasks.get(turn), done.get(turn)) else { break };
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            let read = task.map(|task| read_one(reading, task, &mut scratch));
            *done.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(read_share);
        }
        read_share();
    });
    done.into_iter().filter_map(|done| done.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn read_one(reading: &Reading<'_>, task: Task, scratch: &mut Scratch) -> FileRead {
    let Reading { index, knowledge, own_lists, formats, options, until } = *reading;
    let mut worker = Worker::new(index, knowledge, &options.scope, formats).with_own_lists(own_lists);
    let (mut last_position, mut late, mut rejected, mut meter) = (task.after, 0, 0, Meter::default());
    let outcome = read(&task.file, None, &options.limits, scratch, &mut |content| {
        let report = each_record(content, &task.origin, &mut |record: &Record<'_>, raw: Raw<'_>| {
            if task.after.is_some_and(|after| raw.position <= after) {
                return;
            }
            last_position = last_position.max(Some(raw.position));
            let end = super::engine::end_of(super::engine::slice_of(record.time()));
            late += u64::from(until.is_some_and(|until| end <= until));
            meter.count(record, raw.text.len());
            worker.observe(record, raw, task.rank);
        });
        rejected += report.rejected_count;
    });
    let mut troubles: Vec<String> = outcome.problems.iter().map(ToString::to_string).collect();
    if rejected > 0 {
        troubles.push(format!("{rejected} of its records could not be read"));
    }
    let (facts, census) = worker.finish();
    FileRead {
        facts,
        census,
        meter,
        last_position,
        late,
        troubles,
        content: format!("{:032x}", outcome.content_hash),
        is_unreadable: outcome.bytes == 0 && !outcome.problems.is_empty(),
        task,
    }
}
