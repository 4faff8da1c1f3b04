//! AlienVault's IP reputation, separated by `#`.
//!
//! ```text
//! 192.0.2.1#4#2#Malicious Host#KR##37.5111999512,126.974098206#3
//! ```
//!
//! Indicator, reliability (1 to 10), risk (1 to 10), what it does, country, city, place, revision. The indicator may be a
//! name or a digest. Reliability is no probability, so it is not taken for a confidence.

use super::table::rows;
use super::{ListFormat, ReadList};
use crate::indicators::{EntryDetails, IndicatorList};

/// Fields of a row.
const FIELDS: usize = 8;

/// Whether a line is a row of this form.
pub(super) fn is_row(line: &str) -> bool {
    let fields: Vec<&str> = line.trim().split('#').collect();
    let is_number = |at: usize| fields.get(at).is_some_and(|field| field.trim().parse::<u32>().is_ok());
    fields.len() == FIELDS && is_number(1) && is_number(2)
}

/// Reads a list.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::AlienVault, defaults);
    rows(bytes, b'#', |row| {
        let entry = row.field(Some(0));
        // `# a comment` is a row without an indicator.
        if !entry.is_empty() {
            read.take(row.line, &entry, &row.field(Some(3)), EntryDetails::default());
        }
    });
    read
}
