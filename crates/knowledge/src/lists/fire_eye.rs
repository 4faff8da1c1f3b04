//! FireEye's iSIGHT indicators: a CSV of some 48 columns, of which a row fills a few.
//!
//! ```text
//! reportId, title, …, sha256, …, cidr, domain, …, ip, …, malwareFamily, …, observationTime
//! ```
//!
//! Of each row the columns `cidr`, `domain`, `ip` and `sha256` are used, however many of them are filled. Blank lines may
//! stand between rows. A row whose other columns alone are filled (an MD5, a URL, a mail address) is refused.

use super::table::{Row, column, rows, titles};
use super::{EntryError, ListFormat, ReadList, moment};
use crate::indicators::{EntryDetails, IndicatorList};

/// The columns that hold entries.
const INDICATORS: [&str; 4] = ["cidr", "domain", "ip", "sha256"];

/// Whether these are this form's titles.
pub(super) fn is_header(titles: &[String]) -> bool {
    column(titles, "reportid").is_some() && INDICATORS.iter().all(|title| column(titles, title).is_some())
}

/// Reads a list.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::FireEye, defaults);
    let mut header: Option<Vec<String>> = None;
    rows(bytes, b',', |row| match &header {
        None => header = Some(titles(row)),
        Some(titles) => take(&mut read, row, titles),
    });
    read
}

fn take(read: &mut ReadList, row: &Row<'_>, titles: &[String]) {
    let field = |title: &str| row.field(column(titles, title));
    let seen = moment(&field("observationtime")).or_else(|| moment(&field("publishdate")));
    let family = field("malwarefamily");
    let mut is_empty = true;
    for text in INDICATORS.map(field).iter().filter(|text| !text.is_empty()) {
        is_empty = false;
        read.take(row.line, text, &family, EntryDetails { seen, ..EntryDetails::default() });
    }
    if is_empty {
        read.reject(row.line, &row.text(), EntryError::ObjectKind);
    }
}
