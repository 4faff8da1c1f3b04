//! Rows and columns: what the CSV forms share.

use super::{ListFormat, alien_vault, csv_column, fire_eye, otx_csv, proof_point};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::borrow::Cow;

/// One row.
pub(super) struct Row<'a> {
    record: &'a ByteRecord,
    /// Where it begins, from 1.
    pub(super) line: u64,
}

impl Row<'_> {
    /// A field, without the spaces around it; empty if the row is shorter.
    pub(super) fn field(&self, at: Option<usize>) -> Cow<'_, str> {
        let field = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        String::from_utf8_lossy(field)
    }

    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    /// The whole row, to be shown.
    pub(super) fn text(&self) -> String {
        let fields: Vec<_> = self.record.iter().map(String::from_utf8_lossy).collect();
        fields.join(", ")
    }
}

/// Calls `take` with every row that is not blank.
pub(super) fn rows(bytes: &[u8], delimiter: u8, mut take: impl FnMut(&Row<'_>)) {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(Trim::All).delimiter(delimiter);
    if delimiter == b'#' {
        builder.quoting(false); // AlienVault's form has no quotes, and its descriptions may have one.
    } else {
        builder.comment(Some(b'#'));
    }
    let bytes = without_spaces(bytes, delimiter);
    let mut reader = builder.from_reader(&*bytes);
    let mut record = ByteRecord::new();
    // Bytes in memory and rows of any length: there is no error left to happen.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        if record.iter().any(|field| !field.is_empty()) {
            let line =
                record.position().map_or(0, |position| position.line() + skipped_lines(&bytes, position, delimiter));
            take(&Row { record: &record, line });
        }
    }
}

/// The blank lines and comments that the reader counts as part of the row behind them.
///
/// The reader takes a carriage return for the end of a row, too. What looked for line feeds alone would look through all the rest
/// of a file that has none, for each of its rows.
fn skipped_lines(bytes: &[u8], position: &csv::Position, delimiter: u8) -> u64 {
    let mut rest = bytes.get(position.byte() as usize..).unwrap_or_default();
    let mut count = 0;
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        let line = rest[..end].trim_ascii();
        if !line.is_empty() && (delimiter == b'#' || !line.starts_with(b"#")) {
            break;
        }
        count += u64::from(rest[end] == b'\n');
        rest = &rest[end + 1..];
    }
    count
}

/// The rows without the spaces in front of a quote, which would make it an ordinary character: `a, "b, c"`.
fn without_spaces(bytes: &[u8], delimiter: u8) -> Cow<'_, [u8]> {
    if delimiter == b'#' || !bytes.windows(2).any(|pair| pair == b" \"") {
        return Cow::Borrowed(bytes);
    }
    let mut without = Vec::with_capacity(bytes.len());
    let (mut is_start, mut is_quoted) = (true, false);
    for &byte in bytes {
        if is_start && !is_quoted && byte == b' ' {
            continue;
        }
        is_quoted ^= byte == b'"' && (is_quoted || is_start);
        is_start = !is_quoted && (byte == delimiter || byte == b'\n');
        without.push(byte);
    }
    Cow::Owned(without)
}

/// The titles of the first row that is not blank, in lower case.
pub(super) fn titles(row: &Row<'_>) -> Vec<String> {
    row.record.iter().map(|field| String::from_utf8_lossy(field).trim().to_lowercase()).collect()
}

/// The column with this title.
pub(super) fn column(titles: &[String], title: &str) -> Option<usize> {
    titles.iter().position(|known| known == title)
}

/// Which of the CSV forms it is; text if none.
pub(super) fn recognise(bytes: &[u8]) -> ListFormat {
    let Some(line) = first_line(bytes) else { return ListFormat::Txt };
    if alien_vault::is_row(&line) {
        return ListFormat::AlienVault;
    }
    let mut format = ListFormat::Txt;
    rows(line.as_bytes(), csv_column::delimiter(&line), |row| {
        let titles = titles(row);
        format = if fire_eye::is_header(&titles) {
            ListFormat::FireEye
        } else if otx_csv::is_header(&titles) {
            ListFormat::OtxCsv
        } else if proof_point::is_header(&titles) {
            ListFormat::ProofPoint
        } else if csv_column::is_header(&titles) {
            ListFormat::Csv { column: None }
        } else {
            ListFormat::Txt
        };
    });
    match format {
        // A header may hide in a comment.
        ListFormat::Txt if csv_column::has_header(bytes) => ListFormat::Csv { column: None },
        format => format,
    }
}

/// The first line that is neither blank nor a comment.
fn first_line(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b";"))
        .map(String::from_utf8_lossy)
        .next()
}
