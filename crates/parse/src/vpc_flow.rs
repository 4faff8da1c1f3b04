//! VPC flow log records: lines of columns, in the order that a header line gives or in that of version 2.

use crate::address::{dotted, other_address};
use crate::report::Skipped;
use crate::{Origin, delimited, or_else, simd};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;
use watchfire_model::{Direction, LogStatus, Time, Verdict, VpcFlow};

/// Columns that a line may have. The newest version documents about forty.
const COLUMNS_MAX: usize = 128;

/// Separators that are noted down at once.
const STRIDE: usize = 8;

/// Columns of version 2.
const VERSION_2_COLUMNS: usize = 14;

const VERSION_2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                         action log-status";

/// The order of the columns of a flow log, compiled from its header line. Its text form is that line.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlowFormat {
    header: String,
    columns: Vec<Column>,
    /// Whether the columns begin with those of version 2: most lines have these, and most formats that somebody chose begin
    /// with them.
    begins_as_version_2: bool,
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
    /// or a column that has not the shape of a name. Names may stand between commas, in quotes.
    pub fn from_header(line: &str) -> Option<Self> {
        let normal = |name: &str| name.replace('_', "-");
        let names: Vec<String> = match delimited::cells(line.trim_end()) {
            Some(cells) => cells.iter().map(|name| normal(name.trim())).collect(),
            None => line.split_ascii_whitespace().map(normal).collect(),
        };
        let has_shape = |name: &String| {
            name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if names.len() > COLUMNS_MAX || !names.iter().all(has_shape) {
            return None;
        }
        let columns: Vec<Column> = names.iter().map(|name| Column::from_name(name)).collect();
        let known = columns.iter().filter(|&&column| column != Column::Unknown).count();
        let begins_as_version_2 = columns.starts_with(&Self::version_2().columns);
        (known >= 2).then(|| Self { header: names.join(" "), columns, begins_as_version_2 })
    }

    /// Version 2, the format of flow logs for which none was chosen.
    pub fn version_2() -> &'static Self {
        static FORMAT: OnceLock<FlowFormat> = OnceLock::new();
        FORMAT.get_or_init(|| {
            let columns = VERSION_2.split(' ').map(Column::from_name).collect();
            Self { header: VERSION_2.to_owned(), columns, begins_as_version_2: true }
        })
    }

    /// How many columns a line has.
    pub(crate) fn column_count(&self) -> usize {
        self.columns.len()
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
    ends: [usize; COLUMNS_MAX + STRIDE],
    column_count: usize,
    start: usize,
    end: usize,
}

impl<'a> Line<'a> {
    /// A line that has yet to be split.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, ends: [0; COLUMNS_MAX + STRIDE], column_count: 0, start: 0, end: 0 }
    }

    /// Splits the line that starts here at its spaces and answers where its line break, or the end of the text, stands.
    ///
    /// AWS writes single spaces. [`Line::read`] knows what to do with lines that someone has aligned.
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
            // Eight at once without asking whether there are so many: the question would be mispredicted in each block.
            let found = spaces.count_ones() as usize;
            let mut next = count;
            loop {
                if let Some(ends) = self.ends.get_mut(next..next + STRIDE) {
                    for end in ends {
                        *end = at + spaces.trailing_zeros() as usize;
                        spaces &= spaces.wrapping_sub(1);
                    }
                }
                next += STRIDE;
                if next >= count + found {
                    break;
                }
            }
            count += found;
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
    fn split_at_runs(&self) -> Vec<&'a str> {
        self.as_str().split_ascii_whitespace().collect()
    }

    /// The line without its line break and trailing blanks.
    #[inline(always)]
    pub(crate) fn as_str(&self) -> &'a str {
        simd::piece(self.text, self.start, self.end)
    }

    /// Whether the line has the shape of a version 2 record.
    #[inline(always)]
    pub(crate) fn is_version_2(&self) -> bool {
        let line = self.as_str();
        let status = ["OK", "NODATA", "SKIPDATA"].iter().any(|status| line.ends_with(status));
        line.starts_with('2')
            && status
            && (self.column_count == VERSION_2_COLUMNS || self.split_at_runs().len() == VERSION_2_COLUMNS)
    }

    /// Reads the columns into `flow`. Every column of the format is overwritten; the others must be empty already.
    #[inline(always)]
    pub(crate) fn read(&self, format: &FlowFormat, flow: &mut VpcFlow<'a>, origin: &'a Origin) -> Outcome {
        let columns = format.columns.as_slice();
        if columns.len() != self.column_count {
            return self.read_runs(columns, flow, origin).unwrap_or(WRONG_COLUMN_COUNT);
        }
        let read = if format.begins_as_version_2 {
            let rest = columns.get(VERSION_2_COLUMNS..).unwrap_or_default();
            match self.read_version_2(flow) {
                Ok(_) if rest.is_empty() => Ok(()),
                Ok(known) => read_columns(rest.iter().copied().zip(self.cells_from(VERSION_2_COLUMNS)), flow, known),
                Err(reason) => Err(reason),
            }
        } else {
            forget_times(flow);
            read_columns(columns.iter().copied().zip(self.cells_from(0)), flow, NONE_KNOWN)
        };
        match read {
            Ok(()) => complete(flow, origin),
            Err(reason) => self.read_runs(columns, flow, origin).unwrap_or(Outcome::Rejected(reason)),
        }
    }

    /// The column at this place, which must be one of those that the line has.
    #[inline(always)]
    fn cell(&self, place: usize) -> Cell<'a> {
        let start = if place == 0 { self.start } else { self.ends[place - 1] + 1 };
        Cell { text: self.text, start, end: self.ends[place] }
    }

    /// The columns from this place on.
    #[inline(always)]
    fn cells_from(&self, place: usize) -> impl Iterator<Item = Cell<'a>> {
        let mut start = if place == 0 { self.start } else { self.ends[place - 1] + 1 };
        self.ends[place..].iter().map(move |&end| {
            let cell = Cell { text: self.text, start, end };
            start = end + 1;
            cell
        })
    }

    /// The same as [`read_columns`] for the columns of version 2, and the addresses for those that follow. Without asking of
    /// each column which it is: the jump that answers is foreseen so badly that it took a quarter of the time.
    #[inline(always)]
    fn read_version_2(&self, flow: &mut VpcFlow<'a>) -> Result<[Known<'a>; 2], &'static str> {
        const { assert!(VERSION_2_COLUMNS <= COLUMNS_MAX) };
        flow.account = self.cell(1).name();
        flow.interface_id = self.cell(2).name();
        let source = (self.cell(3).bytes(), self.cell(3).address(&mut flow.source)?);
        let target = (self.cell(4).bytes(), self.cell(4).address(&mut flow.target)?);
        flow.source_port = self.cell(5).number()?.unwrap_or_default();
        flow.target_port = self.cell(6).number()?.unwrap_or_default();
        flow.protocol = self.cell(7).number()?.unwrap_or_default();
        flow.packet_count = self.cell(8).number()?.unwrap_or_default();
        flow.byte_count = self.cell(9).number()?.unwrap_or_default();
        flow.start = self.cell(10).seconds()?;
        flow.end = self.cell(11).seconds()?;
        flow.verdict = self.cell(12).verdict();
        flow.status = self.cell(VERSION_2_COLUMNS - 1).status();
        Ok([source, target])
    }

    /// Reads the line as one whose columns stand apart by runs of blanks; `None` if that makes no sense either.
    #[cold]
    fn read_runs(&self, columns: &[Column], flow: &mut VpcFlow<'a>, origin: &'a Origin) -> Option<Outcome> {
        let texts = self.split_at_runs();
        if texts.len() != columns.len() {
            return None;
        }
        let cells = texts.into_iter().map(|text| Cell { text, start: 0, end: text.len() });
        forget_times(flow);
        let read = read_columns(columns.iter().copied().zip(cells), flow, NONE_KNOWN);
        Some(read.map_or_else(Outcome::Rejected, |()| complete(flow, origin)))
    }
}

fn last_block(rest: &[u8]) -> [u8; simd::BLOCK] {
    let mut block = [b'\n'; simd::BLOCK];
    for (place, byte) in block.iter_mut().zip(rest) {
        *place = *byte;
    }
    block
}

/// Fills in what the line does not say itself, and judges it.
#[inline(always)]
fn complete<'a>(flow: &mut VpcFlow<'a>, origin: &'a Origin) -> Outcome {
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

const NO_ADDRESS: &str = "an address column of the flow record holds no address";
const NO_NUMBER: &str = "a number column of the flow record holds no such number";

#[inline(always)]
fn read_columns<'a>(
    columns: impl Iterator<Item = (Column, Cell<'a>)>,
    flow: &mut VpcFlow<'a>,
    [mut source, mut target]: [Known<'a>; 2],
) -> Result<(), &'static str> {
    for (column, cell) in columns {
        match column {
            Column::AccountId => flow.account = cell.name(),
            Column::InterfaceId => flow.interface_id = cell.name(),
            Column::SourceAddress => source = (cell.bytes(), cell.address(&mut flow.source)?),
            Column::TargetAddress => target = (cell.bytes(), cell.address(&mut flow.target)?),
            Column::SourcePort => flow.source_port = cell.number()?.unwrap_or_default(),
            Column::TargetPort => flow.target_port = cell.number()?.unwrap_or_default(),
            Column::Protocol => flow.protocol = cell.number()?.unwrap_or_default(),
            Column::Packets => flow.packet_count = cell.number()?.unwrap_or_default(),
            Column::Bytes => flow.byte_count = cell.number()?.unwrap_or_default(),
            Column::Start => flow.start = cell.seconds()?,
            Column::End => flow.end = cell.seconds()?,
            Column::Action => flow.verdict = cell.verdict(),
            Column::LogStatus => flow.status = cell.status(),
            Column::VpcId => flow.vpc_id = cell.name(),
            Column::SubnetId => flow.subnet_id = cell.name(),
            Column::InstanceId => flow.instance_id = cell.name(),
            Column::TcpFlags => flow.tcp_flags = cell.number()?,
            Column::PacketSourceAddress => cell.packet_address(&mut flow.packet_source, source)?,
            Column::PacketTargetAddress => cell.packet_address(&mut flow.packet_target, target)?,
            Column::Region => flow.region = cell.name(),
            Column::PacketSourceService => flow.source_service = cell.name(),
            Column::PacketTargetService => flow.target_service = cell.name(),
            Column::FlowDirection => flow.direction = cell.direction(),
            Column::TrafficPath => flow.traffic_path = cell.number()?,
            Column::Other | Column::Unknown => {}
        }
    }
    Ok(())
}

/// An address that was read before in this line: its text, and its bits if it is IPv4.
type Known<'a> = (&'a [u8], Option<u32>);

/// Neither was.
const NONE_KNOWN: [Known<'static>; 2] = [(b"", None), (b"", None)];

/// What a line leaves out must not come from the line before.
#[inline(always)]
fn forget_times(flow: &mut VpcFlow<'_>) {
    (flow.start, flow.end) = (UNKNOWN, UNKNOWN);
}

/// One column of one line: a stretch of the text. Numbers are read with what stands before them in sight.
#[derive(Clone, Copy)]
struct Cell<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Cell<'a> {
    #[inline(always)]
    fn bytes(self) -> &'a [u8] {
        self.text.as_bytes().get(self.start..self.end).unwrap_or_default()
    }

    #[inline(always)]
    fn as_str(self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Empty for `-`.
    #[inline(always)]
    fn name(self) -> Cow<'a, str> {
        let text = self.as_str();
        Cow::Borrowed(if text == "-" { "" } else { text })
    }

    /// Puts the address, `None` for `-`, into its place, and answers the bits of IPv4.
    ///
    /// In place, because an address handed from function to function is copied in pieces that stall the processor.
    #[inline(always)]
    fn address(self, place: &mut Option<IpAddr>) -> Result<Option<u32>, &'static str> {
        let Some(bits) = dotted(self.text.as_bytes(), self.start, self.end) else {
            self.other_address(place)?;
            return Ok(None);
        };
        *place = Some(IpAddr::V4(Ipv4Addr::from_bits(bits)));
        Ok(Some(bits))
    }

    #[cold]
    fn other_address(self, place: &mut Option<IpAddr>) -> Result<(), &'static str> {
        *place = other_address(self.as_str());
        if place.is_none() && self.bytes() != b"-" { Err(NO_ADDRESS) } else { Ok(()) }
    }

    /// The same for the packet's own address, which mostly is the one known already.
    #[inline(always)]
    fn packet_address(self, place: &mut Option<IpAddr>, known: Known<'_>) -> Result<(), &'static str> {
        match known {
            (text, Some(bits)) if text == self.bytes() => *place = Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
            _ => drop(self.address(place)?),
        }
        Ok(())
    }

    /// `None` for `-`.
    #[inline(always)]
    fn number<N: TryFrom<u64>>(self) -> Result<Option<N>, &'static str> {
        match digits(self.text.as_bytes(), self.start, self.end) {
            Some(number) => N::try_from(number).map(Some).map_err(|_| NO_NUMBER),
            None if self.bytes() == b"-" => Ok(None),
            None => Err(NO_NUMBER),
        }
    }

    #[inline(always)]
    fn seconds(self) -> Result<Time, &'static str> {
        let time = self.number::<i64>()?.map_or(UNKNOWN, Time::from_seconds);
        if time <= Time::LATEST { Ok(time) } else { Err(NO_NUMBER) }
    }

    #[inline(always)]
    fn verdict(self) -> Option<Verdict> {
        match self.bytes() {
            b"ACCEPT" => Some(Verdict::Accept),
            b"REJECT" => Some(Verdict::Reject),
            _ => None,
        }
    }

    #[inline(always)]
    fn status(self) -> LogStatus {
        match self.bytes() {
            b"NODATA" => LogStatus::NoData,
            b"SKIPDATA" => LogStatus::SkipData,
            _ => LogStatus::Ok,
        }
    }

    #[inline(always)]
    fn direction(self) -> Option<Direction> {
        match self.bytes() {
            b"ingress" => Some(Direction::Ingress),
            b"egress" => Some(Direction::Egress),
            _ => None,
        }
    }
}

/// The number that the digits in `bytes[start..end]` write. Counts of digits differ from record to record, so there is
/// no loop over them: eight are read at once, with the bytes before the number masked out.
#[inline(always)]
fn digits(bytes: &[u8], start: usize, end: usize) -> Option<u64> {
    let length = end.checked_sub(start)?;
    match length {
        1..=8 => eight_digits(bytes, end, length),
        9..=16 => {
            let high = eight_digits(bytes, end - 8, length - 8)?;
            Some(high * 100_000_000 + eight_digits(bytes, end, 8)?)
        }
        _ => long_digits(bytes.get(start..end)?),
    }
}

/// The number that the last `length` (1 to 8) bytes before `end` write.
#[inline(always)]
fn eight_digits(bytes: &[u8], end: usize, length: usize) -> Option<u64> {
    let word = match end.checked_sub(8).and_then(|start| bytes.get(start..end)?.first_chunk()) {
        Some(word) => u64::from_le_bytes(*word),
        None => return long_digits(bytes.get(end.checked_sub(length)?..end)?),
    };
    let wanted = u64::MAX << (64 - 8 * length);
    let digits = (word ^ 0x3030_3030_3030_3030) & wanted;
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cold]
fn long_digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    bytes.iter().try_fold(0u64, |number, byte| number.checked_mul(10)?.checked_add(u64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_line_gives_the_format_and_the_format_the_line() {
        let line = "account_id srcaddr a-column-of-version-99 start";
        let format = FlowFormat::from_header(line).unwrap();
        assert_eq!(format.header(), "account-id srcaddr a-column-of-version-99 start");
        assert_eq!(FlowFormat::from_header(format.header()), Some(format));
        assert_eq!(FlowFormat::from_header(FlowFormat::version_2().header()).as_ref(), Some(FlowFormat::version_2()));
        assert_eq!(FlowFormat::from_header("start the engine"), None);
        assert_eq!(FlowFormat::from_header("version 2"), None);
    }

    proptest! {
        /// Columns that begin as version 2 have a way of their own; behind another column, the general one is taken.
        #[test]
        fn version_2_is_read_as_any_format_is(
            cells in proptest::collection::vec(
                "-|OK|NODATA|ACCEPT|REJECT|[0-9]{1,12}|10\\.0\\.[0-9]{1,3}\\.1|2600::[0-9]{1,3}|eni-[0-9]{1,4}", 12),
            plain in any::<bool>(),
            packet in "-|10\\.0\\.0\\.1|192\\.0\\.2\\.8|2600::1",
        ) {
            const MORE: &str = "pkt-srcaddr pkt-dstaddr flow-direction";
            let mut cells = cells;
            if plain {
                let usual = ["123456789012", "eni-1", "10.0.0.1", "192.0.2.7", "443", "50000", "6", "5", "420", "1700000000", "1700000060"];
                cells.splice(..11, usual.map(str::to_owned));
            }
            let origin = Origin::default();
            let line = format!("2 {} OK {packet} 10.0.0.9 ingress", cells.join(" "));
            let with_more = format!("x {line}");
            let own_format = FlowFormat::from_header(&format!("{VERSION_2} {MORE}")).unwrap();
            let general = FlowFormat::from_header(&format!("az-id {VERSION_2} {MORE}")).unwrap();
            assert!(own_format.begins_as_version_2 && !general.begins_as_version_2);
            let (mut own, mut other) = (VpcFlow::default(), VpcFlow::default());
            let mut of_own = Line::new(&line);
            of_own.split(0);
            let mut of_other = Line::new(&with_more);
            of_other.split(0);
            let outcome = of_own.read(&own_format, &mut own, &origin);
            prop_assert_eq!(outcome, of_other.read(&general, &mut other, &origin));
            if outcome == Outcome::Flow {
                prop_assert_eq!(format!("{own:?}"), format!("{other:?}"));
            }
        }

        #[test]
        fn digits_read_as_std_reads_them(before in "[ -~]{0,9}", text in "[0-9]{1,21}|[0-9+a]{1,18}", after in "[ -~]{0,3}") {
            let whole = format!("{before}{text}{after}");
            let (start, end) = (before.len(), before.len() + text.len());
            let expected = if text.starts_with('+') { None } else { text.parse().ok() };
            prop_assert_eq!(digits(whole.as_bytes(), start, end), expected);
        }

        #[test]
        fn lines_are_split_at_their_spaces(cells in proptest::collection::vec("[a-z.-]{1,30}", 1..40), before in "[a-z]{0,70}") {
            let text = format!("{before}\n{}\r\nnext line", cells.join(" "));
            let mut line = Line::new(&text);
            let start = before.len() + 1;
            let line_break = line.split(start);
            prop_assert_eq!(text.as_bytes()[line_break], b'\n');
            prop_assert_eq!(line.as_str(), cells.join(" "));
            prop_assert_eq!(line.column_count, cells.len());
            let mut from = start;
            for (cell, &end) in cells.iter().zip(&line.ends) {
                prop_assert_eq!(cell, &text[from..end]);
                from = end + 1;
            }
        }
    }
}
