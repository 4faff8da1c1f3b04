//! VPC flow log records: lines of columns, in the order that a header line gives or in that of version 2.

use crate::address::address;
use crate::report::Skipped;
use crate::{Origin, or_else, simd};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;
use watchfire_model::{Direction, LogStatus, Time, Verdict, VpcFlow};

/// Columns that a line may have. The newest version documents about forty.
const COLUMNS_MAX: usize = 128;

const VERSION_2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                         action log-status";

/// The order of the columns of a flow log, compiled from its header line. Its text form is that line.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlowFormat {
    header: String,
    columns: Vec<Column>,
}

/// A column of any documented version.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Column {
    AccountId,
    InterfaceId,
    SourceAddress,
    TargetAddress,
    SourcePort,
    TargetPort,
    Protocol,
    Packets,
    Bytes,
    Start,
    End,
    Action,
    LogStatus,
    VpcId,
    SubnetId,
    InstanceId,
    TcpFlags,
    PacketSourceAddress,
    PacketTargetAddress,
    Region,
    PacketSourceService,
    PacketTargetService,
    FlowDirection,
    TrafficPath,
    /// Documented, and nothing that a record holds.
    Other,
    /// Of a version newer than this program.
    Unknown,
}

impl Column {
    fn from_name(name: &str) -> Self {
        match name {
            "account-id" => Self::AccountId,
            "interface-id" => Self::InterfaceId,
            "srcaddr" => Self::SourceAddress,
            "dstaddr" => Self::TargetAddress,
            "srcport" => Self::SourcePort,
            "dstport" => Self::TargetPort,
            "protocol" => Self::Protocol,
            "packets" => Self::Packets,
            "bytes" => Self::Bytes,
            "start" => Self::Start,
            "end" => Self::End,
            "action" => Self::Action,
            "log-status" => Self::LogStatus,
            "vpc-id" => Self::VpcId,
            "subnet-id" => Self::SubnetId,
            "instance-id" => Self::InstanceId,
            "tcp-flags" => Self::TcpFlags,
            "pkt-srcaddr" => Self::PacketSourceAddress,
            "pkt-dstaddr" => Self::PacketTargetAddress,
            "region" => Self::Region,
            "pkt-src-aws-service" => Self::PacketSourceService,
            "pkt-dst-aws-service" => Self::PacketTargetService,
            "flow-direction" => Self::FlowDirection,
            "traffic-path" => Self::TrafficPath,
            "version" | "type" | "az-id" | "sublocation-type" | "sublocation-id" | "reject-reason" | "resource-id"
            | "encryption-status" => Self::Other,
            _ if name.starts_with("ecs-") => Self::Other,
            _ => Self::Unknown,
        }
    }
}

impl FlowFormat {
    /// The format that this header line gives; `None` if the line is no header: fewer than two columns that are known,
    /// or a column that has not the shape of a name.
    pub fn from_header(line: &str) -> Option<Self> {
        let names: Vec<String> = line.split_ascii_whitespace().map(|name| name.replace('_', "-")).collect();
        let has_shape = |name: &String| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if names.len() > COLUMNS_MAX || !names.iter().all(has_shape) {
            return None;
        }
        let columns: Vec<Column> = names.iter().map(|name| Column::from_name(name)).collect();
        let known = columns.iter().filter(|&&column| column != Column::Unknown).count();
        (known >= 2).then(|| Self { header: names.join(" "), columns })
    }

    /// Version 2, the format of flow logs for which none was chosen.
    pub fn version_2() -> &'static Self {
        static FORMAT: OnceLock<FlowFormat> = OnceLock::new();
        FORMAT.get_or_init(|| {
            let columns = VERSION_2.split(' ').map(Column::from_name).collect();
            Self { header: VERSION_2.to_owned(), columns }
        })
    }

    /// The header line, from which [`FlowFormat::from_header`] makes the same format again.
    pub fn header(&self) -> &str {
        &self.header
    }
}

impl fmt::Display for FlowFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.header)
    }
}

impl fmt::Debug for FlowFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("FlowFormat").field(&self.header).finish()
    }
}

/// What a line turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// A record with traffic.
    Flow,
    /// A window of which nothing is to be analysed.
    Skipped(Skipped),
    /// A line that does not fit the format.
    Rejected(&'static str),
}

/// A number of columns that the format does not have.
pub(crate) const WRONG_COLUMN_COUNT: Outcome =
    Outcome::Rejected("the flow record has another number of columns than its header");

/// One line and where its columns stand in it.
pub(crate) struct Line<'a> {
    text: &'a str,
    /// End of each column, in bytes of the text that the line was split from.
    ends: [usize; COLUMNS_MAX],
    column_count: usize,
    start: usize,
    end: usize,
}

impl<'a> Line<'a> {
    /// A line that has yet to be split.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, ends: [0; COLUMNS_MAX], column_count: 0, start: 0, end: 0 }
    }

    /// Splits the line that starts here at its spaces and answers where its line break, or the end of the text, stands.
    ///
    /// Each run of spaces and tabs is one separator, although AWS writes single spaces only.
    #[inline(always)]
    pub(crate) fn split(&mut self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        self.start = start;
        self.column_count = 0;
        let mut at = start;
        let mut count = 0;
        let line_break = loop {
            let Some(rest) = bytes.get(at..) else { break bytes.len() };
            let (mut spaces, newlines) = match rest.first_chunk() {
                Some(block) => simd::separators(block),
                None => simd::separators(&last_block(rest)),
            };
            if newlines != 0 {
                spaces &= (newlines & newlines.wrapping_neg()) - 1;
            }
            while spaces != 0 {
                if let Some(end) = self.ends.get_mut(count) {
                    *end = at + spaces.trailing_zeros() as usize;
                }
                count += 1;
                spaces &= spaces - 1;
            }
            if newlines != 0 {
                break at + newlines.trailing_zeros() as usize;
            }
            at += simd::BLOCK;
        };
        // The last block may have been filled up with line breaks.
        let line_break = line_break.min(bytes.len());
        let mut end = line_break;
        while end > start && matches!(bytes.get(end - 1), Some(b'\r' | b' ' | b'\t' | 0)) {
            end -= 1;
        }
        self.end = end;
        while count > 0 && self.ends.get(count - 1).is_some_and(|&last| last >= end) {
            count -= 1;
        }
        if let Some(last) = self.ends.get_mut(count) {
            *last = end;
        }
        self.column_count = count + 1;
        line_break
    }

    /// Splits anew at every run of blanks.
    #[cold]
    fn split_at_runs(&mut self) -> Vec<&'a str> {
        self.as_str().split_ascii_whitespace().collect()
    }

    /// The line without its line break and trailing blanks.
    #[inline(always)]
    pub(crate) fn as_str(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether the line has the shape of a version 2 record.
    pub(crate) fn is_version_2(&self) -> bool {
        let line = self.as_str();
        let status = line.rsplit([' ', '\t']).next().unwrap_or_default();
        line.starts_with('2')
            && matches!(status, "OK" | "NODATA" | "SKIPDATA")
            && line.split_ascii_whitespace().count() == FlowFormat::version_2().columns.len()
    }

    /// Reads the columns into `flow`. Every column of the format is overwritten; the others must be empty already.
    #[inline(always)]
    pub(crate) fn read(&mut self, format: &FlowFormat, flow: &mut VpcFlow<'a>, origin: &'a Origin) -> Outcome {
        let columns = format.columns.as_slice();
        if columns.len() != self.column_count {
            let texts = self.split_at_runs();
            if columns.len() != texts.len() {
                return WRONG_COLUMN_COUNT;
            }
            return read_columns(columns.iter().copied().zip(texts), flow, origin);
        }
        let text = self.text;
        let mut start = self.start;
        let texts = self.ends.iter().map(|&end| {
            let column = text.get(start..end).unwrap_or_default();
            start = end + 1;
            column
        });
        read_columns(columns.iter().copied().zip(texts), flow, origin)
    }
}

fn last_block(rest: &[u8]) -> [u8; simd::BLOCK] {
    let mut block = [b'\n'; simd::BLOCK];
    for (place, byte) in block.iter_mut().zip(rest) {
        *place = *byte;
    }
    block
}

#[inline(always)]
fn read_columns<'a>(
    columns: impl Iterator<Item = (Column, &'a str)>,
    flow: &mut VpcFlow<'a>,
    origin: &'a Origin,
) -> Outcome {
    match read_each_column(columns, flow) {
        Ok(()) => {}
        Err(reason) => return Outcome::Rejected(reason),
    }
    if flow.account.is_empty() {
        flow.account = Cow::Borrowed(or_else(&origin.account, &origin.assumed_account));
    }
    if flow.region.is_empty() {
        flow.region = Cow::Borrowed(or_else(&origin.region, &origin.assumed_region));
    }
    match flow.status {
        LogStatus::NoData => return Outcome::Skipped(Skipped::NoData),
        LogStatus::SkipData => return Outcome::Skipped(Skipped::SkipData),
        LogStatus::Ok => {}
    }
    match (flow.start, flow.end) {
        (UNKNOWN, UNKNOWN) => return Outcome::Rejected("the flow record has no time"),
        (UNKNOWN, end) => flow.start = end,
        (start, UNKNOWN) => flow.end = start,
        _ => {}
    }
    Outcome::Flow
}

/// The moment of records that say none. No flow log is as old as the epoch.
const UNKNOWN: Time = Time::from_ms(0);

#[inline(always)]
fn read_each_column<'a>(
    columns: impl Iterator<Item = (Column, &'a str)>,
    flow: &mut VpcFlow<'a>,
) -> Result<(), &'static str> {
    // What a line leaves out must not come from the line before.
    (flow.start, flow.end) = (UNKNOWN, UNKNOWN);
    let (mut source, mut target) = ("", "");
    for (column, text) in columns {
        match column {
            Column::AccountId => flow.account = name(text),
            Column::InterfaceId => flow.interface_id = name(text),
            Column::SourceAddress => {
                source = text;
                flow.source = address_or_none(text)?;
            }
            Column::TargetAddress => {
                target = text;
                flow.target = address_or_none(text)?;
            }
            Column::SourcePort => flow.source_port = number(text)?.unwrap_or_default(),
            Column::TargetPort => flow.target_port = number(text)?.unwrap_or_default(),
            Column::Protocol => flow.protocol = number(text)?.unwrap_or_default(),
            Column::Packets => flow.packet_count = number(text)?.unwrap_or_default(),
            Column::Bytes => flow.byte_count = number(text)?.unwrap_or_default(),
            Column::Start => flow.start = seconds(text)?,
            Column::End => flow.end = seconds(text)?,
            Column::Action => flow.verdict = verdict(text),
            Column::LogStatus => flow.status = status(text),
            Column::VpcId => flow.vpc_id = name(text),
            Column::SubnetId => flow.subnet_id = name(text),
            Column::InstanceId => flow.instance_id = name(text),
            Column::TcpFlags => flow.tcp_flags = number(text)?,
            // Mostly the same text as the address without `pkt`, which then need not be read again.
            Column::PacketSourceAddress if text == source => flow.packet_source = flow.source,
            Column::PacketTargetAddress if text == target => flow.packet_target = flow.target,
            Column::PacketSourceAddress => flow.packet_source = address_or_none(text)?,
            Column::PacketTargetAddress => flow.packet_target = address_or_none(text)?,
            Column::Region => flow.region = name(text),
            Column::PacketSourceService => flow.source_service = name(text),
            Column::PacketTargetService => flow.target_service = name(text),
            Column::FlowDirection => flow.direction = direction(text),
            Column::TrafficPath => flow.traffic_path = number(text)?,
            Column::Other | Column::Unknown => {}
        }
    }
    Ok(())
}

#[inline(always)]
fn name(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(if text == "-" { "" } else { text })
}

#[inline(always)]
fn address_or_none(text: &str) -> Result<Option<IpAddr>, &'static str> {
    match address(text) {
        None if text != "-" => Err("an address column of the flow record holds no address"),
        address => Ok(address),
    }
}

/// `None` for `-`.
#[inline(always)]
fn number<N: TryFrom<u64>>(text: &str) -> Result<Option<N>, &'static str> {
    const NO_NUMBER: &str = "a number column of the flow record holds no such number";
    match digits(text.as_bytes()) {
        Some(number) => N::try_from(number).map(Some).map_err(|_| NO_NUMBER),
        None if text == "-" => Ok(None),
        None => Err(NO_NUMBER),
    }
}

#[inline(always)]
fn seconds(text: &str) -> Result<Time, &'static str> {
    Ok(number::<i64>(text)?.map_or(UNKNOWN, Time::from_seconds))
}

#[inline(always)]
fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    let mut number = 0u64;
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

#[inline(always)]
fn verdict(text: &str) -> Option<Verdict> {
    match text {
        "ACCEPT" => Some(Verdict::Accept),
        "REJECT" => Some(Verdict::Reject),
        _ => None,
    }
}

#[inline(always)]
fn status(text: &str) -> LogStatus {
    match text {
        "NODATA" => LogStatus::NoData,
        "SKIPDATA" => LogStatus::SkipData,
        _ => LogStatus::Ok,
    }
}

#[inline(always)]
fn direction(text: &str) -> Option<Direction> {
    match text {
        "ingress" => Some(Direction::Ingress),
        "egress" => Some(Direction::Egress),
        _ => None,
    }
}
