//! Lists in every form that people and programs hand around, from bytes to entries.
//!
//! The form is recognised by content, or named. Nothing a file holds makes reading fail: what cannot be used is counted,
//! with its line and a sentence, and the rest of the list is used.

mod alien_vault;
mod csv_column;
mod entry;
mod fire_eye;
mod json;
mod misp_event;
mod misp_warning_list;
mod otx_csv;
mod proof_point;
mod reader;
mod stix1;
mod stix2;
mod table;
pub mod txt;

pub use entry::{EntryError, PREFIX_BITS_MIN_V4, PREFIX_BITS_MIN_V6, indicator};
pub use reader::ListReader;

use crate::indicators::{EntryDetails, Indicator, IndicatorList, ListEntries};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use watchfire_model::Time;

/// How many bytes a list file may have if nobody says otherwise: 35 MB, GuardDuty's own limit for uploaded lists.
pub const LIST_BYTES_MAX: u64 = 35 << 20;

/// Refused entries that are kept in words: enough to see a pattern. The others are only counted.
pub const REJECTED_KEPT_MAX: usize = 20;

/// Characters of a refused entry that are kept: an entry with its comment, not a page of the wrong file.
pub const REJECTED_TEXT_CHARS_MAX: usize = 100;

/// The form of a list file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// One entry a line.
    Txt,
    /// STIX 1.x, in XML.
    Stix1,
    /// STIX 2.0 and 2.1 bundles, and the answers of TAXII 2 servers.
    Stix2,
    /// AlienVault's Open Threat Exchange, exported as CSV.
    OtxCsv,
    /// AlienVault's IP reputation, separated by `#`.
    AlienVault,
    /// Proofpoint's Emerging Threats intelligence, in CSV.
    ProofPoint,
    /// FireEye's iSIGHT indicators, in CSV.
    FireEye,
    /// MISP events, and the answers of MISP's search for events and attributes.
    MispEvent,
    /// A MISP warning list: names what is harmless.
    MispWarningList,
    /// Any other CSV, of which one column holds the entries.
    Csv {
        /// The column's title, in any case, or its number from 1. `None`: the first title that is known for indicators.
        column: Option<String>,
    },
}

impl ListFormat {
    /// Every form, in the order of the documentation. CSV without its column.
    pub const ALL: [Self; 10] = [
        Self::Txt,
        Self::Stix1,
        Self::OtxCsv,
        Self::AlienVault,
        Self::ProofPoint,
        Self::FireEye,
        Self::Stix2,
        Self::MispEvent,
        Self::MispWarningList,
        Self::Csv { column: None },
    ];

    /// The spelling on the command line and in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Stix1 => "stix1",
            Self::Stix2 => "stix2",
            Self::OtxCsv => "otx-csv",
            Self::AlienVault => "alien-vault",
            Self::ProofPoint => "proof-point",
            Self::FireEye => "fire-eye",
            Self::MispEvent => "misp",
            Self::MispWarningList => "misp-warning-list",
            Self::Csv { .. } => "csv",
        }
    }

    /// The form with this spelling; `csv` may be followed by `:` and a column.
    ///
    /// GuardDuty's own names (`OTX_CSV`, `STIX`) are understood too.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some((csv, column)) = name.split_once(':') {
            let is_csv = csv.eq_ignore_ascii_case("csv") && !column.is_empty();
            return is_csv.then(|| Self::Csv { column: Some(column.to_owned()) });
        }
        let name = name.to_ascii_lowercase().replace('_', "-");
        if name == "stix" {
            return Some(Self::Stix1);
        }
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for ListFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv { column: Some(column) } => write!(formatter, "csv:{column}"),
            format => formatter.pad(format.name()),
        }
    }
}

/// What could be read of a list, and what could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadList {
    /// The list.
    pub list: IndicatorList,
    /// The form it was read in.
    pub format: ListFormat,
    /// How many entries were refused.
    pub rejected_count: u64,
    /// How many for which reason.
    pub rejected_by_reason: BTreeMap<EntryError, u64>,
    /// The first refused entries, at most [`REJECTED_KEPT_MAX`].
    pub rejected: Vec<Rejected>,
}

/// One refused entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where it stands, or where the object begins that holds it; from 1.
    pub line: u64,
    /// The entry, cut to [`REJECTED_TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// Why.
    pub reason: EntryError,
}

/// Reads a list. `format` is what the user says it is; without it the content decides.
///
/// What the file says of itself wins over what `defaults` says, whose entries are ignored.
pub fn read(bytes: &[u8], format: Option<&ListFormat>, defaults: &IndicatorList) -> ReadList {
    let bytes = as_utf8(bytes);
    if is_binary(&bytes) {
        let mut read = ReadList::new(format.cloned().unwrap_or(ListFormat::Txt), defaults);
        read.reject(1, "", EntryError::Binary);
        return read;
    }
    let format = format.cloned().unwrap_or_else(|| recognise_unmarked(&bytes));
    finished(match &format {
        ListFormat::Txt => txt::parse(&bytes, defaults),
        ListFormat::Stix1 => stix1::parse(&bytes, defaults),
        ListFormat::Stix2 => stix2::parse(&bytes, defaults),
        ListFormat::OtxCsv => otx_csv::parse(&bytes, defaults),
        ListFormat::AlienVault => alien_vault::parse(&bytes, defaults),
        ListFormat::ProofPoint => proof_point::parse(&bytes, defaults),
        ListFormat::FireEye => fire_eye::parse(&bytes, defaults),
        ListFormat::MispEvent => misp_event::parse(&bytes, defaults),
        ListFormat::MispWarningList => misp_warning_list::parse(&bytes, defaults),
        ListFormat::Csv { column } => csv_column::parse(&bytes, column.as_deref(), defaults),
    })
}

fn finished(mut read: ReadList) -> ReadList {
    read.list.entries.shrink();
    read
}

/// How much of a file is looked at to tell that it is no text.
const BINARY_HEAD_BYTES: usize = 512;

/// Whether the beginning is that of no text: a NUL, or so many control characters as compressed data have. Archives and
/// Parquet files show it within their first bytes.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(BINARY_HEAD_BYTES)];
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    head.contains(&0) || head.iter().filter(|&&byte| is_control(byte)).count() * 20 > head.len()
}

/// The form of a list, by its content. What looks like nothing else is text.
///
/// Looks at the beginning only, so that it costs nothing on a large list; the bytes must be UTF-8 or close to it.
pub fn recognise(bytes: &[u8]) -> ListFormat {
    recognise_unmarked(without_mark(bytes))
}

/// The same, of bytes without a mark: a second one is a part of the text.
fn recognise_unmarked(bytes: &[u8]) -> ListFormat {
    let Some(at) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else { return ListFormat::Txt };
    match bytes[at] {
        b'<' => ListFormat::Stix1,
        b'{' | b'[' => json::recognise(bytes),
        _ => table::recognise(bytes),
    }
}

/// A byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

/// The bytes as UTF-8, without byte order mark. Windows tools write UTF-16, which begins with its own mark.
fn as_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(without_mark(bytes)),
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// The bytes as text. Checking first is several times faster than the lossy reading, and nearly every list is sound.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    sound_text(without_mark(bytes))
}

/// The same, of bytes without a mark.
fn sound_text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

impl ReadList {
    /// Nothing read yet.
    fn new(format: ListFormat, defaults: &IndicatorList) -> Self {
        let list = IndicatorList { entries: ListEntries::default(), ..defaults.clone() };
        Self { list, format, rejected_count: 0, rejected_by_reason: BTreeMap::new(), rejected: Vec::new() }
    }

    /// Reads an entry from text and takes it in, or refuses it.
    fn take(&mut self, line: u64, text: &str, threat: &str, details: EntryDetails) {
        match indicator(text) {
            Ok(indicator) => self.push(indicator, threat, details),
            Err(reason) => self.reject(line, text, reason),
        }
    }

    /// Takes an address in, or refuses it.
    fn take_address(&mut self, line: u64, text: &str, address: Ipv4Addr, threat: &str) {
        match entry::checked_address(address) {
            Ok(indicator) => self.push(indicator, threat, EntryDetails::default()),
            Err(reason) => self.reject(line, text, reason),
        }
    }

    fn push(&mut self, indicator: Indicator, threat: &str, details: EntryDetails) {
        let details = (details != EntryDetails::default()).then(|| Box::new(details));
        self.list.entries.add(indicator, threat, details);
    }

    fn reject(&mut self, line: u64, text: &str, reason: EntryError) {
        self.rejected_count += 1;
        *self.rejected_by_reason.entry(reason).or_default() += 1;
        if self.rejected.len() < REJECTED_KEPT_MAX {
            let text = text.chars().take(REJECTED_TEXT_CHARS_MAX).collect();
            self.rejected.push(Rejected { line, text, reason });
        }
    }
}

/// A moment as lists write it: RFC 3339, `2026-01-31 12:00:00` (which means UTC), a date, or seconds since 1970.
fn moment(text: &str) -> Option<Time> {
    let text = text.trim();
    if text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = Time::from_seconds(text.parse().ok()?);
        return (seconds <= Time::LATEST).then_some(seconds);
    }
    let as_written = Time::parse_lenient(text).ok();
    as_written
        .or_else(|| Time::parse_lenient(&format!("{}Z", text.trim_end_matches(" UTC").replacen(' ', "T", 1))).ok())
}

/// Lines counted up to positions, which had better only grow.
#[derive(Default)]
struct Lines {
    at: usize,
    line: u64,
}

impl Lines {
    /// The line, from 1, of this position.
    fn of(&mut self, bytes: &[u8], position: usize) -> u64 {
        let position = position.min(bytes.len());
        if position < self.at {
            *self = Self::default();
        }
        if position > self.at {
            self.line += bytes[self.at..position].iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.at = position;
        }
        self.line + 1
    }
}

#[cfg(test)]
mod tests;
