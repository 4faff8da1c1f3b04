//! The honest account of a scan: what was read, what was not, and what could not be judged.
//!
//! The numbers must add up: every listed file is analysed, a duplicate, or rejected with a reason; every record found is
//! counted under exactly one heading. Where they do not add up, the account says so itself.

use crate::text::{columns, counted, cut_middle, grouped, harmless, pad, wrap};
use serde::{Serialize, Serializer};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use watchfire_model::Time;

/// Examples kept of each kind of rejection; the totals count all. Enough to see a pattern, few enough to read.
pub const EXAMPLES_MAX: usize = 20;

/// Examples and gaps shown in the text; the JSON has all that were kept.
const SHOWN_MAX: usize = 5;
/// Parts of the memory that the text names, the largest.
const MEMORY_NAMED: usize = 3;

/// What a scan read, and what it did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanAccount {
    /// The files.
    pub files: FileAccount,
    /// The records in them.
    pub records: RecordAccount,
    /// What period each source of logs covers.
    pub spans: Vec<Span>,
    /// What taught and was not reported on (`--baseline`).
    pub learnt: Vec<Span>,
    /// What no rule could judge, and why.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Bytes of memory that rules needed, by kind of entity.
    pub state_bytes: BTreeMap<String, u64>,
    /// Bytes read from files, as stored.
    pub bytes_read: u64,
    /// Bytes after decompression.
    pub bytes_unpacked: u64,
    /// How long the scan took, in seconds.
    pub seconds: f64,
    /// Findings that `--min-severity` or `--type` held back.
    pub not_reported: u64,
    /// Findings that a filter of `--suppress` put away, by the filter's name.
    pub suppressed: BTreeMap<String, u64>,
    /// Resources whose finding of behaviour went into the summary of a day, there being so many.
    pub summarised: u64,
    /// Findings that stood in the file of `--only-new-since` already.
    pub known_before: u64,
}

/// Files by what became of them: listed = analysed + duplicates + not logs + rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileAccount {
    /// Files given or found.
    pub listed: u64,
    /// Files read to the end.
    pub analysed: u64,
    /// Files with the same content as another.
    pub duplicates: u64,
    /// Files that are no logs but belong to them, by what they are, such as CloudTrail digest files.
    pub not_logs: BTreeMap<String, u64>,
    /// Analysed files of which something is missing or was left out, by what.
    pub incomplete: BTreeMap<String, u64>,
    /// Some of them.
    pub incomplete_examples: Vec<RejectedFile>,
    /// Files that could not be read, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Some of them: the first by name, whatever order they were met in.
    pub rejected_examples: Vec<RejectedFile>,
    /// The first of each reason, for the text.
    #[serde(skip)]
    rejected_first: BTreeMap<String, RejectedFile>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RejectedFile {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// Records by what became of them. Each is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordAccount {
    /// Records that rules saw, by kind.
    pub analysed: BTreeMap<String, u64>,
    /// Records that hold nothing to judge, by reason, such as flow records of windows without data.
    pub skipped: BTreeMap<String, u64>,
    /// Records that could not be understood, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Some of them: the first by file and position.
    pub rejected_examples: Vec<RejectedRecord>,
    /// Records that were seen before.
    pub duplicates: u64,
    /// Records before `--from` or after `--to`.
    pub outside_period: u64,
}

/// A record that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RejectedRecord {
    /// The file.
    pub file: String,
    /// Byte offset in the decompressed content, or the row.
    pub position: u64,
    /// Why.
    pub reason: String,
}

/// What one source of one account and region covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The kind of log.
    pub source: String,
    /// The earliest record.
    #[serde(serialize_with = "as_text")]
    pub first: Time,
    /// The latest record.
    #[serde(serialize_with = "as_text")]
    pub last: Time,
    /// How many records.
    pub records: u64,
    /// Periods within without any record.
    pub gaps: Vec<Gap>,
}

/// A period without any record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// The last record before.
    #[serde(serialize_with = "as_text")]
    pub from: Time,
    /// The first record after.
    #[serde(serialize_with = "as_text")]
    pub to: Time,
}

/// Something that no rule could judge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotEvaluated {
    /// What, such as `DNS queries`.
    pub what: String,
    /// Why, such as `no resolver query log was given`.
    pub why: String,
    /// The finding types that could not be found therefore.
    pub types: Vec<String>,
}

impl FileAccount {
    /// Counts a file that could not be read.
    pub fn reject(&mut self, file: impl Into<String>, class: &str, reason: impl Into<String>) {
        *self.rejected.entry(class.to_owned()).or_default() += 1;
        let example = RejectedFile { file: file.into(), reason: reason.into() };
        match self.rejected_first.get_mut(class) {
            Some(first) if *first <= example => {}
            Some(first) => *first = example.clone(),
            None => drop(self.rejected_first.insert(class.to_owned(), example.clone())),
        }
        keep_first(&mut self.rejected_examples, example);
    }

    /// One of each class, so that fifty text files do not hide the one log that could not be opened; then the first.
    fn rejected_shown(&self) -> Vec<(String, &str)> {
        let mut shown: Vec<&RejectedFile> = self.rejected_first.values().collect();
        let others =
            self.rejected_examples.iter().filter(|example| !self.rejected_first.values().any(|one| one == *example));
        shown.extend(others.take(SHOWN_MAX.saturating_sub(self.rejected_first.len())));
        shown.into_iter().map(|example| (example.file.clone(), example.reason.as_str())).collect()
    }

    /// Notes that something of an analysed file is missing or was left out, by class, and why in full.
    pub fn note_incomplete(&mut self, file: impl Into<String>, class: &str, reason: impl Into<String>) {
        *self.incomplete.entry(class.to_owned()).or_default() += 1;
        keep_first(&mut self.incomplete_examples, RejectedFile { file: file.into(), reason: reason.into() });
    }

    /// How many could not be read.
    pub fn rejected_total(&self) -> u64 {
        total(&self.rejected)
    }

    /// Listed files of which nothing is known: not 0 is a fault of ours.
    pub fn unaccounted(&self) -> u64 {
        let accounted = [self.analysed, self.duplicates, total(&self.not_logs), self.rejected_total()];
        self.listed.abs_diff(accounted.into_iter().fold(0, u64::saturating_add))
    }
}

impl RecordAccount {
    /// Counts a record that could not be understood.
    pub fn reject(&mut self, file: impl Into<String>, position: u64, reason: impl Into<String>) {
        let reason = reason.into();
        *self.rejected.entry(reason.clone()).or_default() += 1;
        keep_first(&mut self.rejected_examples, RejectedRecord { file: file.into(), position, reason });
    }

    /// Keeps an example of a record that is counted already.
    pub fn add_example(&mut self, file: impl Into<String>, position: u64, reason: impl Into<String>) {
        keep_first(&mut self.rejected_examples, RejectedRecord { file: file.into(), position, reason: reason.into() });
    }

    /// How many records rules saw.
    pub fn analysed_total(&self) -> u64 {
        total(&self.analysed)
    }

    /// How many could not be understood.
    pub fn rejected_total(&self) -> u64 {
        total(&self.rejected)
    }
}

/// The first by order, so that which are kept does not depend on which thread was faster.
fn keep_first<T: Ord>(kept: &mut Vec<T>, new: T) {
    let at = kept.partition_point(|old| *old <= new);
    if at < EXAMPLES_MAX {
        kept.insert(at, new);
        kept.truncate(EXAMPLES_MAX);
    }
}

pub(crate) fn total(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().fold(0, |sum, count| sum.saturating_add(*count))
}

fn as_text<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

impl ScanAccount {
    /// The account in words, within so many columns.
    pub fn to_text(&self, width: usize) -> String {
        let mut page = Page { out: String::new(), width };
        self.files_text(&mut page);
        self.records_text(&mut page);
        self.spans_text(&mut page);
        self.not_evaluated_text(&mut page);
        self.cost_text(&mut page);
        page.out
    }

    fn files_text(&self, page: &mut Page) {
        let files = &self.files;
        page.heading("Files");
        if files.listed == 0 {
            page.paragraph("No file was found, so nothing was analysed: that there are no findings means nothing.");
        } else if files.analysed == files.listed {
            page.paragraph(&format!("{} found, and read to the end.", counted(files.listed, "file")));
        } else {
            page.paragraph(&format!(
                "{} found, {} of them read to the end.",
                counted(files.listed, "file"),
                grouped(files.analysed)
            ));
        }
        if files.duplicates > 0 {
            let duplicates = counted(files.duplicates, "file");
            page.paragraph(&format!("{duplicates} not read again, the content being that of another."));
        }
        if !files.not_logs.is_empty() {
            page.paragraph(&format!("{} not logs:", counted(total(&files.not_logs), "file")));
            page.counts(&files.not_logs);
        }
        if !files.incomplete.is_empty() {
            page.paragraph(&format!("{} analysed as far as could be read:", counted(total(&files.incomplete), "file")));
            page.counts(&files.incomplete);
            let examples = files.incomplete_examples.iter().take(SHOWN_MAX);
            let examples = examples.map(|example| (example.file.clone(), example.reason.as_str()));
            page.examples(examples.collect(), total(&files.incomplete));
        }
        if !files.rejected.is_empty() {
            page.paragraph(&format!("{} NOT read:", counted(files.rejected_total(), "file")));
            page.counts(&files.rejected);
            page.examples(files.rejected_shown(), files.rejected_total());
        }
        if files.unaccounted() > 0 {
            page.paragraph(&format!(
                "These numbers do not add up: {} without an account. This is a fault in Watchfire.",
                counted(files.unaccounted(), "file")
            ));
        }
    }

    fn records_text(&self, page: &mut Page) {
        let records = &self.records;
        page.heading("Records");
        page.paragraph(&format!("{} analysed.", counted(records.analysed_total(), "record")));
        page.counts(&records.analysed);
        if records.duplicates > 0 {
            page.paragraph(&format!("{} dropped that had been seen before.", counted(records.duplicates, "record")));
        }
        if records.outside_period > 0 {
            page.paragraph(&format!(
                "{} outside what was asked for (--from, --to, --account, --region).",
                counted(records.outside_period, "record")
            ));
        }
        if !records.skipped.is_empty() {
            page.paragraph(&format!("{} with nothing to judge:", counted(total(&records.skipped), "record")));
            page.counts(&records.skipped);
        }
        if !records.rejected.is_empty() {
            page.paragraph(&format!("{} NOT understood:", counted(records.rejected_total(), "record")));
            page.counts(&records.rejected);
            let examples = records.rejected_examples.iter().take(SHOWN_MAX);
            let examples = examples
                .map(|example| (format!("{} at {}", example.file, example.position), example.reason.as_str()))
                .collect();
            page.examples(examples, records.rejected_total());
        }
    }

    fn spans_text(&self, page: &mut Page) {
        for (heading, spans) in [("Period covered", &self.spans), ("Learnt from, not reported on", &self.learnt)] {
            if !spans.is_empty() {
                page.heading(heading);
                page.spans(spans);
            }
        }
    }

    fn not_evaluated_text(&self, page: &mut Page) {
        if self.not_evaluated.is_empty() {
            return;
        }
        page.heading("Not evaluated");
        page.paragraph("Silence about these means nothing:");
        for gap in &self.not_evaluated {
            let types = match gap.types.len() {
                0 => String::new(),
                count => format!(" ({})", counted(count as u64, "finding type")),
            };
            page.item(&format!("{}: {}{types}", gap.what, gap.why));
        }
    }

    fn put_away_text(&self, page: &mut Page) {
        if self.suppressed.is_empty() && self.known_before == 0 {
            return;
        }
        page.heading("Put away");
        for (filter, count) in &self.suppressed {
            page.item(&format!("{} suppressed by the filter `{filter}`", counted(*count, "finding")));
        }
        if self.known_before > 0 {
            page.item(&format!("{} known before (--only-new-since)", counted(self.known_before, "finding")));
        }
    }

    fn cost_text(&self, page: &mut Page) {
        if self.not_reported > 0 {
            let held_back = counted(self.not_reported, "finding");
            page.heading("Not reported");
            page.paragraph(&format!("{held_back} held back by --min-severity or --type."));
        }
        if self.summarised > 0 {
            page.heading("In summaries");
            page.paragraph(&format!(
                "{} beyond the daily budget of a type are counted in that day's summary finding (setting \
                 budget.new_findings_per_day).",
                counted(self.summarised, "resource")
            ));
        }
        self.put_away_text(page);
        page.heading("Cost");
        let rate = match self.seconds > 0.0 && self.seconds.is_finite() {
            true => format!(", {}/s", bytes((self.bytes_unpacked as f64 / self.seconds) as u64)),
            false => String::new(),
        };
        page.paragraph(&format!(
            "{} read, {} unpacked, in {:.1} seconds{rate}.",
            bytes(self.bytes_read),
            bytes(self.bytes_unpacked),
            self.seconds
        ));
        if !self.state_bytes.is_empty() {
            page.paragraph(&self.memory_sentence());
        }
    }
}

impl ScanAccount {
    /// The sum, and what takes the most of it: the JSON names every part.
    fn memory_sentence(&self) -> String {
        let mut parts: Vec<(&String, u64)> = self.state_bytes.iter().map(|(kind, size)| (kind, *size)).collect();
        parts.sort_by_key(|(kind, size)| (Reverse(*size), *kind));
        let sum = parts.iter().fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
        let named: Vec<String> =
            parts.iter().take(MEMORY_NAMED).map(|(kind, size)| format!("{kind} {}", bytes(*size))).collect();
        match parts.len().saturating_sub(MEMORY_NAMED) {
            0 => format!("The rules needed {} of memory: {}.", bytes(sum), named.join(", ")),
            more => format!(
                "The rules needed {} of memory: {}, and {} more.",
                bytes(sum),
                named.join(", "),
                grouped(more as u64)
            ),
        }
    }
}

/// `2026-01-31 12:00`.
pub(crate) fn to_the_minute(time: Time) -> String {
    time.to_string().replacen('T', " ", 1).chars().take(16).collect()
}

/// `3 days`, `5 hours`, `12 minutes`: the largest unit of which there are at least two.
pub(crate) fn duration(ms: i64) -> String {
    let units = [(Time::DAY_MS, "day"), (Time::HOUR_MS, "hour"), (Time::MINUTE_MS, "minute")];
    let (length, name) = units.into_iter().find(|(length, _)| ms >= 2 * length).unwrap_or((Time::SECOND_MS, "second"));
    counted(ms.max(0).unsigned_abs() / length.unsigned_abs(), name)
}

/// `1.2 GB`, in powers of ten as disks and networks count.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(size, _)| count >= *size) {
        Some((size, name)) => format!("{:.1} {name}", count as f64 / size as f64),
        None => counted(count, "byte"),
    }
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn spans(&mut self, spans: &[Span]) {
        for span in spans {
            let place = [span.account.as_str(), &span.region, &span.source];
            let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
            self.paragraph(&format!(
                "{}: {} to {}, {}.",
                place.join(" "),
                to_the_minute(span.first),
                to_the_minute(span.last),
                counted(span.records, "record")
            ));
            for gap in span.gaps.iter().take(SHOWN_MAX) {
                let (from, to) = (to_the_minute(gap.from), to_the_minute(gap.to));
                self.item(&format!("nothing between {from} and {to} ({})", duration(gap.to.ms() - gap.from.ms())));
            }
            if span.gaps.len() > SHOWN_MAX {
                self.item(&format!("and {}", counted((span.gaps.len() - SHOWN_MAX) as u64, "more gap")));
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn heading(&mut self, title: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.line(title);
    }

    fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        for (index, line) in wrap(&harmless(text), self.width.saturating_sub(columns(first))).iter().enumerate() {
            self.line(&format!("{}{line}", if index == 0 { first } else { rest }));
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.hanging("  ", "  ", text);
    }

    fn item(&mut self, text: &str) {
        self.hanging("    - ", "      ", text);
    }

    fn counts(&mut self, counts: &BTreeMap<String, u64>) {
        let widest = counts.values().map(|count| grouped(*count).len()).max().unwrap_or(0);
        for (name, count) in counts {
            let first = format!("    {:>widest$}  ", grouped(*count));
            self.hanging(&first, &" ".repeat(first.len()), name);
        }
    }

    /// Names at the left, reasons after them; both cut rather than wrapped, for these are many.
    fn examples(&mut self, examples: Vec<(String, &str)>, total: u64) {
        let shown: Vec<(String, String)> = examples
            .into_iter()
            .map(|(name, reason)| (harmless(&name).into_owned(), harmless(reason).into_owned()))
            .collect();
        let room = self.width.saturating_sub(4);
        let widest = shown.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        let fits = |(_, reason): &(String, String)| widest + 2 + columns(reason) <= room;
        let side_by_side = shown.iter().all(fits);
        for (name, reason) in &shown {
            if side_by_side {
                self.line(&format!("    {}  {reason}", pad(name, widest)));
            } else {
                self.line(&format!("    {}", cut_middle(name, room)));
                for line in wrap(reason, room.saturating_sub(2)) {
                    self.line(&format!("      {line}"));
                }
            }
        }
        let more = total.saturating_sub(shown.len() as u64);
        if more > 0 {
            self.line(&format!("    and {} more; --account-file names up to {EXAMPLES_MAX}", grouped(more)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account() -> ScanAccount {
        let mut account =
            ScanAccount { bytes_read: 12_345_678, bytes_unpacked: 98_765_432, seconds: 1.5, ..ScanAccount::default() };
        account.files = FileAccount { listed: 1_204, analysed: 1_200, duplicates: 2, ..FileAccount::default() };
        account.files.reject("logs/b.json.gz", "the gzip stream ends early", "the gzip stream ends early");
        account.files.reject("logs/a.txt", "no log format is recognised", "no log format is recognised");
        account.records.analysed = [("API calls".to_owned(), 1_000_000), ("DNS queries".to_owned(), 7)].into();
        account.records.skipped = [("no data in the window".to_owned(), 12)].into();
        account.records.duplicates = 1;
        account.records.outside_period = 30;
        account.records.reject("logs/c.json", 77, "not JSON");
        let start = Time::parse_utc("2026-01-01T00:00:00Z").unwrap();
        account.spans = vec![Span {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            source: "CloudTrail".into(),
            first: start,
            last: start.plus_ms(30 * Time::DAY_MS),
            records: 1_000_000,
            gaps: vec![Gap { from: start.plus_ms(Time::DAY_MS), to: start.plus_ms(Time::DAY_MS + 5 * Time::HOUR_MS) }],
        }];
        account.not_evaluated = vec![NotEvaluated {
            what: "VPC flows".into(),
            why: "no flow log was given".into(),
            types: vec!["Recon:EC2/Portscan".into()],
        }];
        account.state_bytes = [("instances".to_owned(), 2_048)].into();
        account
    }

    #[test]
    fn the_account_says_what_was_read_and_what_was_not() {
        assert_eq!(
            account().to_text(100),
            "\
Files
  1,204 files found, 1,200 of them read to the end.
  2 files not read again, the content being that of another.
  2 files NOT read:
    1  no log format is recognised
    1  the gzip stream ends early
    logs/a.txt      no log format is recognised
    logs/b.json.gz  the gzip stream ends early

Records
  1,000,007 records analysed.
    1,000,000  API calls
            7  DNS queries
  1 record dropped that had been seen before.
  30 records outside what was asked for (--from, --to, --account, --region).
  12 records with nothing to judge:
    12  no data in the window
  1 record NOT understood:
    1  not JSON
    logs/c.json at 77  not JSON

Period covered
  111122223333 eu-west-1 CloudTrail: 2026-01-01 00:00 to 2026-01-31 00:00, 1,000,000 records.
    - nothing between 2026-01-02 00:00 and 2026-01-02 05:00 (5 hours)

Not evaluated
  Silence about these means nothing:
    - VPC flows: no flow log was given (1 finding type)

Cost
  12.3 MB read, 98.8 MB unpacked, in 1.5 seconds, 65.8 MB/s.
  The rules needed 2.0 kB of memory: instances 2.0 kB.
"
        );
    }

    #[test]
    fn an_empty_scan_does_not_sound_like_good_news() {
        let text = ScanAccount::default().to_text(100);
        assert!(text.starts_with("Files\n  No file was found, so nothing was analysed:"), "{text}");
    }

    #[test]
    fn a_file_without_an_account_is_admitted() {
        let mut account = account();
        account.files.listed += 1;
        assert!(account.to_text(100).contains("do not add up: 1 file without an account"));
    }

    #[test]
    fn the_examples_kept_do_not_depend_on_the_order() {
        let (mut forth, mut back) = (FileAccount::default(), FileAccount::default());
        for number in 0..100 {
            forth.reject(format!("{number:03}"), "broken", "broken");
            back.reject(format!("{:03}", 99 - number), "broken", "broken");
        }
        assert_eq!(forth, back);
        assert_eq!((forth.rejected_total(), forth.rejected_examples.len()), (100, EXAMPLES_MAX));
    }

    #[test]
    fn of_each_reason_one_file_is_named_however_many_others_there_are() {
        let mut account = account();
        (0..100).for_each(|number| account.files.reject(format!("a{number:03}.txt"), "not a log", "not a log"));
        account.files.reject("z.json.gz", "could not be read", "permission denied");
        let text = account.to_text(100);
        assert!(text.contains("\n    z.json.gz       permission denied\n"), "{text}");
        assert!(text.contains("\n    and 98 more; --account-file names up to 20\n"), "{text}");
    }

    #[test]
    fn of_the_memory_the_largest_parts_are_named() {
        let mut account = account();
        account.state_bytes = (1..=5).map(|number| (format!("part {number}"), number * 1_000)).collect();
        assert_eq!(
            account.memory_sentence(),
            "The rules needed 15.0 kB of memory: part 5 5.0 kB, part 4 4.0 kB, part 3 3.0 kB, and 2 more."
        );
    }

    #[test]
    fn the_json_has_moments_as_text() {
        let json = serde_json::to_value(account()).unwrap();
        assert_eq!(json["spans"][0]["gaps"][0]["from"], "2026-01-02T00:00:00.000Z");
        assert_eq!(json["files"]["rejectedExamples"][0]["file"], "logs/a.txt");
        assert_eq!(json["notEvaluated"][0]["types"][0], "Recon:EC2/Portscan");
    }

    proptest! {
        #[test]
        fn hostile_file_names_keep_to_the_page(name in any::<String>(), reason in any::<String>(), width in 60usize..120) {
            let mut account = account();
            account.files.reject(name.clone(), &reason, reason.clone());
            account.records.reject(name.clone(), u64::MAX, reason.clone());
            account.not_evaluated.push(NotEvaluated { what: name, why: reason, types: Vec::new() });
            for line in account.to_text(width).lines() {
                prop_assert!(columns(line) <= width, "{line}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
