//! VPC flow logs: text in columns that the first line names.

use super::Counted;
use super::simd::{AddressTable, Text, field_ends};
use std::net::Ipv6Addr;

/// Bytes whose field ends are found before the lines in them are read: the positions stay in the first-level cache.
const WINDOW: usize = 8 << 10;

/// More columns than AWS defines.
const COLUMNS_MAX: usize = 64;

/// One flow record. A column that the format lacks, or that holds `-`, is 0 or empty.
#[derive(Default, Debug, PartialEq)]
pub(crate) struct Flow<'a> {
    pub(crate) interface: &'a [u8],
    pub(crate) instance: &'a [u8],
    /// Addresses as IPv6 has them: an IPv4 address is mapped.
    pub(crate) source: u128,
    pub(crate) target: u128,
    pub(crate) packet_source: u128,
    pub(crate) packet_target: u128,
    pub(crate) source_port: u64,
    pub(crate) target_port: u64,
    pub(crate) protocol: u64,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The first letter: `A` or `R`.
    pub(crate) action: u64,
    pub(crate) flags: u64,
    /// The first letter: `i` or `e`.
    pub(crate) direction: u64,
}

/// Where the header puts the columns. A column that is missing stands at [`COLUMNS_MAX`], where every line is empty.
struct Columns {
    count: usize,
    /// Whether there are others than those of the default format.
    has_more: bool,
    interface: usize,
    instance: usize,
    source: usize,
    target: usize,
    packet_source: usize,
    packet_target: usize,
    source_port: usize,
    target_port: usize,
    protocol: usize,
    packets: usize,
    bytes: usize,
    start: usize,
    end: usize,
    action: usize,
    flags: usize,
    direction: usize,
}

impl Columns {
    fn new(header: &[u8]) -> Option<Self> {
        let names: Vec<&[u8]> = header.split(|&byte| byte == b' ').collect();
        let place = |name: &[u8]| names.iter().position(|&column| column == name).unwrap_or(COLUMNS_MAX);
        (names.len() < COLUMNS_MAX && names.contains(&b"srcaddr".as_slice())).then(|| Self {
            count: names.len(),
            has_more: names.len() > 14,
            interface: place(b"interface-id"),
            instance: place(b"instance-id"),
            source: place(b"srcaddr"),
            target: place(b"dstaddr"),
            packet_source: place(b"pkt-srcaddr"),
            packet_target: place(b"pkt-dstaddr"),
            source_port: place(b"srcport"),
            target_port: place(b"dstport"),
            protocol: place(b"protocol"),
            packets: place(b"packets"),
            bytes: place(b"bytes"),
            start: place(b"start"),
            end: place(b"end"),
            action: place(b"action"),
            flags: place(b"tcp-flags"),
            direction: place(b"flow-direction"),
        })
    }
}

/// Reads flow logs; holds what is used again for each file.
pub(crate) struct Reader {
    addresses: AddressTable,
    ends: Vec<u32>,
}

impl Reader {
    /// A reader.
    pub(crate) fn new() -> Self {
        Self { addresses: AddressTable::new(), ends: Vec::new() }
    }

    /// Projects each record of a file and sums it up.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    pub(crate) fn scan(&mut self, text: Text<'_>) -> Counted {
        let mut counted = Counted::default();
        self.each(text, |flow| {
            counted.records += 1;
            // Every number goes into the sum, so none can be left out.
            counted.checksum = counted.checksum.wrapping_add(sum(flow));
        });
        counted
    }

    /// Calls `see` with each record of a file. A line with another number of columns than the header is left out.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
    #[inline]
    pub(crate) fn each(&mut self, text: Text<'_>, mut see: impl FnMut(&Flow<'_>)) {
        let content = text.slice(0, text.len());
        let header = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let Some(columns) = Columns::new(header) else { return };
        let count = columns.count;
        let mut at = header.len() + 1;
        while at < text.len() {
            let window_end = at + WINDOW;
            field_ends(text, at, window_end, &mut self.ends);
            if window_end >= text.len() && text.byte(text.len() - 1) > b' ' {
                self.ends.push(text.len() as u32); // the last line may lack its line feed
            }
            let before = at;
            // Each line's fields lie between the positions from the end of the line before to its own.
            let mut from = 0;
            while let Some(ends) = self.ends.get(from..=from + count) {
                let end = ends[count] as usize;
                if text.byte(end) > b'\n' {
                    break;
                }
                see(&flow(&self.addresses, text, &columns, ends));
                at = end + 1;
                from += count;
            }
            if at == before {
                at = next_line(text, at);
            }
        }
    }
}

/// Behind the next line feed.
#[cold]
fn next_line(text: Text<'_>, at: usize) -> usize {
    let rest = text.slice(at, text.len());
    at + rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |offset| offset + 1)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
#[inline]
fn flow<'a>(addresses: &AddressTable, text: Text<'a>, columns: &Columns, ends: &[u32]) -> Flow<'a> {
    // Where a field begins and ends; both at the start of the text if the format lacks it.
    let field = |column: usize| match ends.get(column..) {
        Some(&[before, end, ..]) => (before as usize + 1, end as usize),
        _ => (0, 0),
    };
    let slice = |column| {
        let (from, to) = field(column);
        text.slice(from, to)
    };
    let letter = |column| {
        let (from, to) = field(column);
        if from < to { u64::from(text.byte(from)) } else { 0 }
    };
    let number = |column| {
        let (from, to) = field(column);
        number(text, from, to)
    };
    let address = |column| {
        let (from, to) = field(column);
        match addresses.parse(text, from, to) {
            Some(address) => 0xffff_0000_0000 | u128::from(address),
            None => other_address(text.slice(from, to)),
        }
    };
    let mut flow = Flow {
        interface: slice(columns.interface),
        source: address(columns.source),
        target: address(columns.target),
        source_port: number(columns.source_port),
        target_port: number(columns.target_port),
        protocol: number(columns.protocol),
        packets: number(columns.packets),
        bytes: number(columns.bytes),
        start: number(columns.start),
        end: number(columns.end),
        action: letter(columns.action),
        ..Flow::default()
    };
    if columns.has_more {
        flow.instance = slice(columns.instance);
        flow.packet_source = address(columns.packet_source);
        flow.packet_target = address(columns.packet_target);
        flow.flags = number(columns.flags);
        flow.direction = letter(columns.direction);
    }
    flow
}

/// IPv6, `-` or nothing.
#[inline(never)]
fn other_address(field: &[u8]) -> u128 {
    let parse = || std::str::from_utf8(field).ok()?.parse::<Ipv6Addr>().ok();
    if field.len() < 2 { 0 } else { parse().map_or(0, u128::from) }
}

/// The number in `from..to`, which holds only digits; 0 for `-` and for nothing.
#[inline(always)]
fn number(text: Text<'_>, from: usize, to: usize) -> u64 {
    let length = to.wrapping_sub(from);
    if length <= 8 {
        return eight_digits(text, to, length);
    }
    if length > 16 {
        return long_number(text.slice(from, to));
    }
    eight_digits(text, to - 8, length - 8) * 100_000_000 + eight_digits(text, to, 8)
}

/// The number of up to eight digits that ends before `to`: all digits at once, in pairs, fours and eights.
#[inline(always)]
fn eight_digits(text: Text<'_>, to: usize, length: usize) -> u64 {
    let word = text.word(to.wrapping_sub(8));
    if length == 0 || word >> 56 == u64::from(b'-') {
        return 0;
    }
    let digits = (word ^ 0x3030_3030_3030_3030) & (u64::MAX << (64 - 8 * length as u32));
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

#[cold]
fn long_number(field: &[u8]) -> u64 {
    std::str::from_utf8(field).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn sum(flow: &Flow<'_>) -> u64 {
    let addresses = flow.source ^ flow.target.rotate_left(1) ^ flow.packet_source.rotate_left(2) ^ flow.packet_target;
    let texts = flow.interface.len() + flow.instance.len();
    let letters = (flow.action << 8) | flow.direction;
    let numbers = [flow.source_port, flow.target_port, flow.protocol, flow.packets, flow.bytes, flow.start, flow.end];
    let sum = numbers.iter().fold(flow.flags + letters, |sum, &number| sum.wrapping_mul(3).wrapping_add(number));
    sum.wrapping_add(texts as u64).wrapping_add(addresses as u64).wrapping_add((addresses >> 64) as u64)
}
