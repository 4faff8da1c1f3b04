//! The plain text form of a list: one entry a line.
//!
//! ```text
//! # name: Our C2 list
//! # kind: c2
//! # date: 2026-01-31
//! # subdomains: yes
//! 198.51.100.7            # Emotet
//! 2001:db8:1::/48
//! example.com
//! *.example.org
//! ```
//!
//! Entries are IPv4 and IPv6 addresses and prefixes, domains, `*.` wildcards, SHA-256 digests and access key ids.
//! `#` and `;` begin a comment line; after white space they begin a comment that names the entry's threat.
//! Nothing a file holds makes reading fail: what cannot be used is counted, with the line and a sentence.

use super::entry::plain_v4;
use super::{EntryError, ListFormat, ReadList, sound_text, without_mark};
use crate::indicators::{EntryDetails, IndicatorList};
use watchfire_model::ListKind;

/// Reads a list. The header comments win over what `defaults` says; its entries are ignored.
pub fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut lines = LineReader::new(defaults);
    lines.feed(bytes);
    lines.finish()
}

/// Reads a list piece by piece: a list of millions of lines is never there whole.
pub(super) struct LineReader {
    read: ReadList,
    /// What the header says that all entries are.
    list_threat: Box<str>,
    /// How many lines were read.
    line: u64,
    /// The line that the last piece did not end.
    rest: Vec<u8>,
}

impl LineReader {
    pub(super) fn new(defaults: &IndicatorList) -> Self {
        let read = ReadList::new(ListFormat::Txt, defaults);
        Self { read, list_threat: Box::default(), line: 0, rest: Vec::new() }
    }

    /// Reads the next bytes of the list.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        if !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            self.rest.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            if self.rest.ends_with(b"\n") {
                let rest = std::mem::take(&mut self.rest);
                self.take_lines(&rest);
            }
        }
        let end = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        self.take_lines(&bytes[..end]);
        self.rest.extend_from_slice(&bytes[end..]);
    }

    /// The list, once all is fed.
    pub(super) fn finish(mut self) -> ReadList {
        let rest = std::mem::take(&mut self.rest);
        self.take_lines(&rest);
        self.read
    }

    /// Reads whole lines.
    fn take_lines(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let bytes = if self.line == 0 { without_mark(bytes) } else { bytes };
        let text = sound_text(bytes);
        for line in lines(text.strip_suffix('\n').unwrap_or(&text)) {
            self.line += 1;
            self.take_line(line);
        }
    }

    fn take_line(&mut self, line: &str) {
        let Self { read, list_threat, line: number, .. } = self;
        // Lists of millions consist of such lines, and nothing is to be cut from them.
        if let Some(address) = plain_v4(line) {
            return read.take_address(*number, line, address, list_threat);
        }
        // Line ends of old Macs, and of whoever mixed them.
        if line.contains('\r') {
            return line.split('\r').for_each(|part| self.take_line(part));
        }
        let line = line.trim();
        if let Some(comment) = line.strip_prefix(['#', ';']) {
            // Comments between entries are prose, whatever they look like.
            if read.list.entries.is_empty() && !read_header(comment, &mut read.list, list_threat) {
                read.reject(*number, line, EntryError::Header);
            }
            return;
        }
        let (entry, threat) = split_comment(line);
        if entry.is_empty() {
            return;
        }
        let threat = if threat.is_empty() { list_threat } else { threat };
        let entry = without_quotes(entry);
        read.take(*number, entry, threat, EntryDetails::default());
    }
}

/// The lines, without what ends them. The standard library's way takes twice as long on short ones.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]).map(move |end| {
        let line = text.get(start..end).unwrap_or_default();
        start = end + 1;
        line.strip_suffix('\r').unwrap_or(line)
    })
}

/// Takes `key: value` from a header comment; false if the key is ours and the value makes no sense.
fn read_header(comment: &str, list: &mut IndicatorList, threat: &mut Box<str>) -> bool {
    let Some((key, value)) = comment.split_once(':') else { return true };
    let value = value.trim();
    match key.trim().to_ascii_lowercase().as_str() {
        "name" => list.name = value.to_owned(),
        "date" | "version" => list.version = value.to_owned(),
        "source" => list.source = value.to_owned(),
        "licence" | "license" => list.licence = value.to_owned(),
        "threat" => *threat = value.into(),
        "confidence" => match value.trim_end_matches('%').trim_end().parse() {
            Ok(percent @ 0..=100) => list.confidence = percent,
            _ => return false,
        },
        "kind" => match ListKind::from_name(&value.to_ascii_lowercase()) {
            Some(kind) => list.kind = kind,
            None => return false,
        },
        "subdomains" => match value.to_ascii_lowercase().as_str() {
            "yes" | "true" => list.include_subdomains = true,
            "no" | "false" => list.include_subdomains = false,
            _ => return false,
        },
        _ => {}
    }
    true
}

/// The entry between its quotes, if it has them.
fn without_quotes(entry: &str) -> &str {
    let between = |quote| entry.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(entry)
}

/// Splits `entry  # threat` or `entry  ; threat`. A sign that follows no white space belongs to the entry.
fn split_comment(line: &str) -> (&str, &str) {
    let hash = line.match_indices(['#', ';']).find(|&(at, _)| line[..at].ends_with(char::is_whitespace));
    match hash {
        Some((at, _)) => (line[..at].trim_end(), line[at + 1..].trim()),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests;
