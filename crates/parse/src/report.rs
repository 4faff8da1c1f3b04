//! What became of the text: every record read, skipped or rejected is counted here.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use watchfire_model::RecordKind;

/// Rejections kept with their position; beyond, they are only counted. Enough to see a pattern, small enough to print.
pub const REJECTIONS_KEPT_MAX: usize = 20;

/// What became of one text, or of several, merged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Records given to the sink, by [`RecordKind`] in declaration order.
    pub records: [u64; 3],
    /// The same records by [`Format`] in declaration order.
    pub formats: [u64; Format::ALL.len()],
    /// Records that were understood and are not analysed.
    pub skipped: BTreeMap<Skipped, u64>,
    /// The first rejections, at most [`REJECTIONS_KEPT_MAX`].
    pub rejected: Vec<Rejection>,
    /// All rejections.
    pub rejected_count: u64,
    /// All rejections by reason.
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
    /// What the user may want to know although nothing was rejected for it.
    pub remarks: BTreeMap<Remark, u64>,
    /// A CloudTrail digest file stood here: it describes logs and is none.
    pub is_digest: bool,
}

/// What the records were delivered in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// `{"Records":[…]}`, as CloudTrail writes to S3.
    CloudTrailFile,
    /// CloudTrail events by themselves: JSON lines, an array, one event.
    CloudTrailEvents,
    /// `detail` of an EventBridge event.
    EventBridge,
    /// The answer of `cloudtrail lookup-events`.
    LookupEvents,
    /// VPC flow records under a header line.
    FlowWithHeader,
    /// VPC flow records without a header line.
    FlowWithoutHeader,
    /// Resolver query log records.
    ResolverQuery,
}

impl Format {
    /// Every format, in declaration order.
    pub const ALL: [Self; 7] = [
        Self::CloudTrailFile,
        Self::CloudTrailEvents,
        Self::EventBridge,
        Self::LookupEvents,
        Self::FlowWithHeader,
        Self::FlowWithoutHeader,
        Self::ResolverQuery,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloudTrailFile => "CloudTrail log file",
            Self::CloudTrailEvents => "CloudTrail events",
            Self::EventBridge => "EventBridge events",
            Self::LookupEvents => "CloudTrail event history",
            Self::FlowWithHeader => "VPC flow log with header",
            Self::FlowWithoutHeader => "VPC flow log without header",
            Self::ResolverQuery => "Resolver query log",
        }
    }
}

/// What was understood and is not analysed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Skipped {
    /// A CloudTrail Insights event.
    Insight,
    /// A CloudTrail event of another category than management, data, network activity and Insights.
    OtherCategory,
    /// A CloudTrail digest file.
    Digest,
    /// A flow window without traffic.
    NoData,
    /// A flow window of which AWS skipped records: traffic that no log shows.
    SkipData,
    /// A message that a log subscription sends to test its target.
    ControlMessage,
    /// An EventBridge event that holds no CloudTrail event.
    OtherEvent,
    /// An S3 event notification.
    Notification,
}

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Insight => "CloudTrail Insights event",
            Self::OtherCategory => "CloudTrail event of another category",
            Self::Digest => "CloudTrail digest file",
            Self::NoData => "flow window without traffic",
            Self::SkipData => "flow window with records skipped by AWS",
            Self::ControlMessage => "subscription control message",
            Self::OtherEvent => "EventBridge event from elsewhere",
            Self::Notification => "S3 event notification",
        })
    }
}

/// What the user may want to know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Remark {
    /// The text ended inside a record or a list; all before was used.
    Truncated,
    /// Bytes that are no UTF-8 were read as question marks; counted in bytes.
    InvalidUtf8,
    /// A broken record in a list was left out, and reading went on at one that looked whole.
    Resynchronised,
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Truncated => "the text is cut off",
            Self::InvalidUtf8 => "bytes that are no UTF-8",
            Self::Resynchronised => "reading went on behind a broken record",
        })
    }
}

/// One stretch of text that gave no record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// Byte offset in the content.
    pub position: u64,
    /// Why, as a sentence without its full stop.
    pub reason: &'static str,
}

impl Report {
    /// Adds what became of another text.
    pub fn merge(&mut self, other: &Self) {
        self.records.iter_mut().zip(other.records).for_each(|(sum, count)| *sum += count);
        self.formats.iter_mut().zip(other.formats).for_each(|(sum, count)| *sum += count);
        other.skipped.iter().for_each(|(&what, count)| *self.skipped.entry(what).or_default() += count);
        other.remarks.iter().for_each(|(&what, count)| *self.remarks.entry(what).or_default() += count);
        other.rejected_by_reason.iter().for_each(|(&why, n)| *self.rejected_by_reason.entry(why).or_default() += n);
        let room = REJECTIONS_KEPT_MAX.saturating_sub(self.rejected.len());
        self.rejected.extend(other.rejected.iter().take(room));
        self.rejected_count += other.rejected_count;
        self.is_digest |= other.is_digest;
    }

    /// Records given to the sink.
    pub fn record_count(&self) -> u64 {
        self.records.iter().sum()
    }

    /// Whether the text ended inside a record or a list.
    pub fn is_truncated(&self) -> bool {
        self.remarks.contains_key(&Remark::Truncated)
    }

    #[inline(always)]
    pub(crate) fn count(&mut self, kind: RecordKind, format: Format) {
        self.records[kind as usize] += 1;
        self.formats[format as usize] += 1;
    }

    pub(crate) fn skip(&mut self, what: Skipped) {
        *self.skipped.entry(what).or_default() += 1;
        self.is_digest |= what == Skipped::Digest;
    }

    pub(crate) fn remark(&mut self, what: Remark, count: u64) {
        *self.remarks.entry(what).or_default() += count;
    }

    #[cold]
    pub(crate) fn reject(&mut self, position: u64, reason: &'static str) {
        self.rejected_count += 1;
        *self.rejected_by_reason.entry(reason).or_default() += 1;
        if self.rejected.len() < REJECTIONS_KEPT_MAX {
            self.rejected.push(Rejection { position, reason });
        }
    }
}
