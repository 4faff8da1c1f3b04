//! Proofpoint's Emerging Threats intelligence, in CSV.
//!
//! ```text
//! ip, category, score, first_seen, last_seen, ports (|)
//! 198.51.100.1, 1, 100, 2026-01-01, 2026-01-31,
//! 203.0.113.1, 1, 100, 2026-01-01, 2026-01-31, 80|443
//! ```
//!
//! The first column is named `ip` or `domain`, and either may hold both. Category and score are Proofpoint's numbers; the
//! score is no probability, so it is not taken for a confidence. Ports are not looked at: the entry counts on all.

use super::table::{column, rows, titles};
use super::{ListFormat, ReadList, moment};
use crate::indicators::{EntryDetails, IndicatorList};

/// Whether these are this form's titles.
pub(super) fn is_header(titles: &[String]) -> bool {
    let first = titles.first().map(String::as_str);
    matches!(first, Some("ip" | "domain")) && column(titles, "category").is_some() && column(titles, "score").is_some()
}

/// Reads a list.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::ProofPoint, defaults);
    let mut is_first = true;
    rows(bytes, b',', |row| {
        if std::mem::take(&mut is_first) && is_header(&titles(row)) {
            return;
        }
        let seen = moment(&row.field(Some(4))).or_else(|| moment(&row.field(Some(3))));
        read.take(row.line, &row.field(Some(0)), "", EntryDetails { seen, ..EntryDetails::default() });
    });
    read
}
