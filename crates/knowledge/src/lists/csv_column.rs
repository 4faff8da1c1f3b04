//! Any CSV of which one column holds the entries.
//!
//! Separated by commas, semicolons or tabs; the titles may stand in the last comment line above the first row, as
//! abuse.ch writes them. Columns with well-known titles give the date of a row and the name of its threat.

use super::table::{Row, column, rows, titles};
use super::{EntryError, ListFormat, ReadList, as_text, moment};
use crate::indicators::{EntryDetails, IndicatorList};

/// Titles of columns that hold entries, the likeliest first.
const INDICATORS: [&str; 22] = [
    "indicator",
    "ioc",
    "ioc_value",
    "indicator_value",
    "observable",
    "ip",
    "ip_address",
    "ipaddress",
    "ip address",
    "dst_ip",
    "src_ip",
    "address",
    "cidr",
    "network",
    "domain",
    "domain_name",
    "hostname",
    "host",
    "fqdn",
    "sha256",
    "sha256_hash",
    "value",
];

/// Titles of columns that date a row, the latest event first.
const SEEN: [&str; 8] =
    ["last_seen", "last_seen_utc", "last_online", "lastseen", "first_seen", "first_seen_utc", "firstseen", "date"];

/// Titles of columns that name a threat.
const THREATS: [&str; 6] = ["malware", "malware_printable", "malware_family", "threat", "threat_name", "description"];

/// Whether one of these is the title of a column of entries. One column alone is a list in text form.
pub(super) fn is_header(titles: &[String]) -> bool {
    titles.len() > 1 && indicators(titles).is_some()
}

/// Whether the titles stand in the last comment line above the first row.
pub(super) fn has_header(bytes: &[u8]) -> bool {
    header_comment(bytes).is_some_and(|titles| is_header(&titles))
}

/// What separates the columns of this line: whichever of `,`, `;` and tab it has most.
pub(super) fn delimiter(line: &str) -> u8 {
    let count = |delimiter: u8| line.bytes().filter(|&byte| byte == delimiter).count();
    let mut best = b',';
    for delimiter in [b';', b'\t'] {
        if count(delimiter) > count(best) {
            best = delimiter;
        }
    }
    best
}

/// Reads a list of which this column holds the entries.
pub(super) fn parse(bytes: &[u8], wanted: Option<&str>, defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::Csv { column: wanted.map(str::to_owned) }, defaults);
    let text = as_text(bytes);
    let delimiter = text.lines().find(|line| !is_comment(line)).map_or(b',', delimiter);
    let wanted = wanted.map(|wanted| wanted.trim().to_lowercase());
    let commented = header_comment(bytes).filter(|titles| entries_column(titles, wanted.as_deref()).is_some());
    let mut header: Option<(Vec<String>, Option<usize>)> = commented.map(|titles| {
        let entries = entries_column(&titles, wanted.as_deref());
        (titles, entries)
    });
    rows(text.as_bytes(), delimiter, |row| {
        if header.is_none() {
            let titles = titles(row);
            let entries = entries_column(&titles, wanted.as_deref());
            if entries.is_some() {
                header = Some((titles, entries));
                return;
            }
            // A column by number needs no titles; the first row may be titles all the same.
            let number = wanted.as_deref().and_then(|wanted| wanted.parse::<usize>().ok());
            header = Some((Vec::new(), number.and_then(|number| number.checked_sub(1))));
            if number.is_none() {
                read.reject(row.line, &row.text(), EntryError::NoSuchColumn);
                return;
            }
        }
        if let Some((titles, Some(entries))) = &header {
            take(&mut read, row, titles, *entries);
        }
    });
    read
}

fn take(read: &mut ReadList, row: &Row<'_>, titles: &[String], entries: usize) {
    let text = row.field(Some(entries));
    if entries >= row.len() || text.is_empty() {
        return read.reject(row.line, &row.text(), EntryError::Column);
    }
    let filled = |known: &[&str]| {
        known.iter().map(|title| row.field(column(titles, title))).find(|field| !field.is_empty()).unwrap_or_default()
    };
    let seen = SEEN.iter().find_map(|title| moment(&row.field(column(titles, title))));
    read.take(row.line, &text, &filled(&THREATS), EntryDetails { seen, ..EntryDetails::default() });
}

fn entries_column(titles: &[String], wanted: Option<&str>) -> Option<usize> {
    match wanted {
        Some(wanted) => column(titles, wanted),
        None => indicators(titles),
    }
}

fn indicators(titles: &[String]) -> Option<usize> {
    INDICATORS.iter().find_map(|title| column(titles, title))
}

fn is_comment(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn header_comment(bytes: &[u8]) -> Option<Vec<String>> {
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let comment =
        lines.take_while(|line| line.is_empty() || line.starts_with(b"#")).filter(|line| line.len() > 1).last()?;
    let comment = as_text(&comment[1..]);
    let mut found = None;
    rows(comment.as_bytes(), delimiter(&comment), |row| found = Some(titles(row)));
    found.filter(|titles| titles.len() > 1)
}
