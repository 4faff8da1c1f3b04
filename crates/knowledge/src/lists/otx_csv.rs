//! AlienVault's Open Threat Exchange, exported as CSV.
//!
//! ```text
//! Indicator type, Indicator, Description
//! CIDR, 192.0.2.0/24, scanning
//! Domain name, bad.example.net, phishing
//! ```
//!
//! The type is not looked at: the indicator shows what it is, and OTX's spelling of types changed over the years.

use super::table::{Row, column, rows, titles};
use super::{EntryError, ListFormat, ReadList};
use crate::indicators::{EntryDetails, IndicatorList};

/// Whether these are this form's titles.
pub(super) fn is_header(titles: &[String]) -> bool {
    column(titles, "indicator type").is_some() && column(titles, "indicator").is_some()
}

/// Reads a list.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::OtxCsv, defaults);
    let mut columns = None;
    rows(bytes, b',', |row| match columns {
        None => {
            let titles = titles(row);
            // Without titles the columns stand in the order that the form has.
            let known = is_header(&titles);
            let columns_of = |title, usual| if known { column(&titles, title) } else { Some(usual) };
            columns = Some((columns_of("indicator", 1), columns_of("description", 2)));
            if !known {
                take(&mut read, row, (Some(1), Some(2)));
            }
        }
        Some(columns) => take(&mut read, row, columns),
    });
    read
}

fn take(read: &mut ReadList, row: &Row<'_>, (indicator, description): (Option<usize>, Option<usize>)) {
    match row.field(indicator) {
        text if text.is_empty() => read.reject(row.line, &row.text(), EntryError::Column),
        text => read.take(row.line, &text, &row.field(description), EntryDetails::default()),
    }
}
