//! Reads files on several threads. What comes of them is the same for any number: each is read by itself, and taken in by
//! the caller in the order of the files.

use super::looks::Stamp;
use super::trace::{Earlier, Trace};
use crate::commands::with_cause;
use crate::contents::each_record;
use crate::scan::ScanOptions;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use watchfire_api::is_bucket_name;
use watchfire_detections::bucket_name;
use watchfire_engine::{Census, FactLog, FlowFormats, ListenIndex, Worker};
use watchfire_ingest::{FileProblem, FoundFile, Scratch, read};
use watchfire_knowledge::{Knowledge, OwnLists};
use watchfire_model::{ApiCall, Record};
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
    /// If the file begins with what was read at one of these times, only what stands behind it is read.
    pub earlier: Vec<Earlier>,
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
    pub trace: Trace,
    /// Records whose slice was judged before.
    pub late: u64,
    /// Sentences.
    pub troubles: Vec<String>,
    /// The hash of its content.
    pub content: String,
    /// It gave nothing: it may at another time.
    pub is_unreadable: bool,
}

/// Account, region, the feature that is charged, and the resource: of S3 data events the bucket, else nothing.
pub type Metered = (String, String, &'static str, String);

/// Buckets that the usage of a file is told apart by, and that of an account and region on one day. What others have is summed
/// under no name: so whoever writes names into logs fills neither memory nor the store.
pub const RESOURCES_MAX: usize = 1_000;

/// Events and bytes.
#[derive(Default)]
pub struct Meter {
    sums: BTreeMap<Metered, (u64, u64)>,
    buckets: HashSet<String>,
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
        let bucket = match record {
            Record::ApiCall(call) if feature == S3_FEATURE => self.bucket(call),
            _ => String::new(),
        };
        let place = (record.account(), record.region(), feature);
        match &mut self.last {
            Some(((account, region, of, resource), sum))
                if place == (account.as_str(), region.as_str(), *of) && *resource == bucket =>
            {
                *sum = (sum.0 + 1, sum.1 + bytes as u64);
            }
            _ => {
                self.settle();
                let metered = (place.0.to_owned(), place.1.to_owned(), feature, bucket);
                self.last = Some((metered, (1, bytes as u64)));
            }
        }
    }

    /// The bucket that a data event is about; empty if it names none that can exist, or one too many.
    fn bucket(&mut self, call: &ApiCall<'_>) -> String {
        let name = bucket_name(call);
        if self.buckets.contains(&name) {
            return name;
        }
        if !is_bucket_name(&name) || self.buckets.len() >= RESOURCES_MAX {
            return String::new();
        }
        self.buckets.insert(name.clone());
        name
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

fn read_one(reading: &Reading<'_>, mut task: Task, scratch: &mut Scratch) -> FileRead {
    let Reading { index, knowledge, own_lists, formats, options, until } = *reading;
    let mut worker = Worker::new(index, knowledge, &options.scope, formats).with_own_lists(own_lists);
    let (mut last_position, mut late, mut rejected, mut meter) = (None, 0, 0, Meter::default());
    let mut trace = Trace::default();
    let earlier = task.earlier.first().copied();
    let mut goes_on = earlier.is_none_or(|earlier| earlier.trace.is_none());
    let outcome = read(&task.file, None, &options.limits, scratch, &mut |content| {
        let report = each_record(content, &task.origin, &mut |record: &Record<'_>, raw: Raw<'_>| {
            trace.add(raw.text);
            last_position = last_position.max(Some(raw.position));
            if let Some(earlier) = earlier.filter(|earlier| raw.position <= earlier.position) {
                goes_on |= earlier.trace.is_some_and(|before| before.is_reached(&trace, raw.text));
                return;
            }
            if !goes_on {
                return;
            }
            let end = super::engine::end_of(super::engine::slice_of(record.time()));
            late += u64::from(until.is_some_and(|until| end <= until));
            meter.count(record, raw.text.len());
            worker.observe(record, raw, task.rank);
        });
        rejected += report.rejected_count;
    });
    let is_broken_off = outcome.problems.iter().any(|problem| matches!(problem, FileProblem::Unreadable { .. }));
    if !goes_on && !is_broken_off {
        task.earlier.remove(0); // It is another file.
        return read_one(reading, task, scratch);
    }
    let mut troubles: Vec<String> = outcome.problems.iter().map(|problem| with_cause(problem)).collect();
    if rejected > 0 {
        troubles.push(format!("{rejected} of its records could not be read"));
    }
    let (facts, census) = worker.finish();
    FileRead {
        facts,
        census,
        meter,
        last_position,
        trace,
        late,
        troubles,
        content: format!("{:032x}", outcome.content_hash),
        // What went wrong before it was clear which file it is would count what was read before once more.
        is_unreadable: !goes_on || outcome.bytes == 0 && !outcome.problems.is_empty(),
        task,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::TemporaryFile;
    use std::fmt::Write;
    use watchfire_detections::DETECTIONS;
    use watchfire_ingest::{Limits, Narrowing, list};

    /// Files of every source. Each flow log has columns of its own, so that threads race for the numbers of their formats;
    /// callers, names and pairs are many, so that an order of a map would show.
    fn write_logs(folder: &std::path::Path) {
        let columns = ["bytes", "packets", "tcp-flags", "log-status", "flow-direction", "vpc-id"];
        for file in 0..6usize {
            let mut flows = format!(
                "account-id interface-id srcaddr dstaddr srcport dstport protocol start end {}\n",
                columns[file]
            );
            let mut queries = String::new();
            let mut calls = Vec::new();
            for at in 0..400 {
                let (second, host) = (1_700_000_000 + at * 7, at % 50);
                let extra = ["900", "6", "2", "OK", "egress", "vpc-1"][file];
                let _ = writeln!(
                    flows,
                    "111122223333 eni-{host} 10.0.0.{host} 198.51.100.{} {} 443 6 {second} {} {extra}",
                    at % 90,
                    4_000 + at,
                    second + 60
                );
                let moment = format!("2023-11-14T{:02}:{:02}:00Z", 10 + at / 60, at % 60);
                let _ = writeln!(
                    queries,
                    r#"{{"version":"1.1","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-1","query_timestamp":"{moment}","query_name":"n{at}.d{host}.example.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[],"srcaddr":"10.0.0.{host}","srcport":"5","transport":"UDP","srcids":{{"instance":"i-{host:017x}"}}}}"#
                );
                calls.push(format!(r#"{{"eventTime":"{moment}","eventSource":"ec2.amazonaws.com","eventName":"Describe{}","eventID":"00000000-0000-0000-{file:04x}-{at:012x}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.{host}","userAgent":"aws-cli/2","managementEvent":true,"requestParameters":null,"userIdentity":{{"type":"IAMUser","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/u{host}","accessKeyId":"AKIA{host:016}","userName":"u{host}"}}}}"#, at % 20));
            }
            std::fs::write(folder.join(format!("{file}-flows.log")), flows).unwrap();
            std::fs::write(folder.join(format!("{file}-queries.log")), queries).unwrap();
            std::fs::write(folder.join(format!("{file}-calls.json")), format!("{{\"Records\":[{}]}}", calls.join(",")))
                .unwrap();
        }
    }

    /// What is kept of each file, as it goes into the store.
    fn kept(folder: &std::path::Path, threads: usize) -> Vec<(u32, usize, Vec<u8>)> {
        let (index, knowledge, own_lists) = (ListenIndex::new(DETECTIONS), Knowledge::default(), OwnLists::default());
        let formats = FlowFormats::default();
        let options = ScanOptions { threads, ..ScanOptions::default() };
        let reading = Reading {
            index: &index,
            knowledge: &knowledge,
            own_lists: &own_lists,
            formats: &formats,
            options: &options,
            until: None,
        };
        let files = list(&[folder.to_owned()], &Limits::default(), &Narrowing::default()).files;
        let tasks = (0..).zip(files).map(|(rank, file)| {
            let name = file.display();
            Task { file, name, stamp: Stamp::default(), rank, earlier: vec![], origin: Origin::default() }
        });
        let mut spool = TemporaryFile::default();
        let read = read_all(&reading, tasks.collect());
        read.into_iter()
            .map(|read| {
                assert!(read.troubles.is_empty(), "{:?}", read.troubles);
                (read.task.rank, read.facts.slices().count(), read.facts.save(&formats, &mut spool).unwrap())
            })
            .collect()
    }

    #[test]
    fn what_is_kept_of_files_is_the_same_bytes_on_any_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        write_logs(folder.path());
        let once = kept(folder.path(), 1);
        assert_eq!(once.len(), 18);
        assert!(once.iter().all(|(_, slices, bytes)| *slices > 3 && bytes.len() > 10_000));
        for threads in [1, 2, 4] {
            for (one, other) in once.iter().zip(kept(folder.path(), threads)) {
                assert!(*one == other, "file {} on {threads} threads", one.0);
            }
        }
    }
}
