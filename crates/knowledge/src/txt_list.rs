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

use crate::address::{canonical, is_publicly_routable};
use crate::indicators::{Indicator, IndicatorList, ListEntry};
use crate::suffixes::Suffixes;
use ipnet::IpNet;
use std::borrow::Cow;
use std::net::IpAddr;
use watchfire_model::ListKind;

/// What could be read of a list, and what could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtList {
    /// The list.
    pub list: IndicatorList,
    /// How many lines were refused.
    pub rejected_count: u64,
    /// The first refused lines, at most [`REJECTED_KEPT_MAX`].
    pub rejected: Vec<Rejected>,
}

/// One refused line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// From 1.
    pub line: u64,
    /// The entry, cut to [`REJECTED_TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// Why.
    pub reason: EntryError,
}

/// Refused lines that are kept in words: enough to see a pattern. The others are only counted.
pub const REJECTED_KEPT_MAX: usize = 20;

/// Characters of a refused line that are kept: an entry with its comment, not a page of the wrong file.
pub const REJECTED_TEXT_CHARS_MAX: usize = 100;

/// The shortest IPv4 prefix a list may hold, in bits. No registry ever gave a larger block to one holder.
pub const PREFIX_BITS_MIN_V4: u8 = 8;

/// The shortest IPv6 prefix a list may hold, in bits. The largest blocks given to one holder are /19 and /20.
pub const PREFIX_BITS_MIN_V6: u8 = 16;

/// Why an entry is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum EntryError {
    /// `0.0.0.0/0` and the like.
    #[error("the prefix covers too much of the internet: the shortest allowed are /8 for IPv4 and /16 for IPv6")]
    PrefixTooShort,
    /// Private and other special ranges.
    #[error("the range is not publicly routable, and lists apply to publicly routable addresses only")]
    NotRoutable,
    /// `com`, `*.co.uk`.
    #[error("everyone's domains end in this name: it is a top-level domain or another public suffix")]
    PublicSuffix,
    /// `http://example.com/x`, `example.com/x`.
    #[error("a URL is not supported: write its host, if all of the host is meant")]
    Url,
    /// `198.51.100.1:443`.
    #[error("an address with a port is not supported: write the address, if all of its ports are meant")]
    Port,
    /// Anything else.
    #[error("neither an address, a prefix, a domain, a SHA-256 digest nor an access key id")]
    Unknown,
    /// A value of a header comment.
    #[error("the header has an unknown value; kinds are spelt as in `--threat-list`, `subdomains` is yes or no")]
    Header,
}

/// Reads a list. The header comments win over what `defaults` says; its entries are ignored.
pub fn parse(bytes: &[u8], defaults: &IndicatorList) -> TxtList {
    // Checking first is several times faster than the lossy reading, and nearly every list is sound.
    let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let list = IndicatorList { entries: Vec::new(), ..defaults.clone() };
    let mut parsed = TxtList { list, rejected_count: 0, rejected: Vec::new() };
    let mut list_threat: Box<str> = Box::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(comment) = line.strip_prefix(['#', ';']) {
            // Comments between entries are prose, whatever they look like.
            if parsed.list.entries.is_empty() && !read_header(comment, &mut parsed.list, &mut list_threat) {
                parsed.reject(number, line, EntryError::Header);
            }
            continue;
        }
        let (entry, threat) = split_comment(line);
        if entry.is_empty() {
            continue;
        }
        match indicator(entry) {
            Ok(indicator) => {
                let threat_name = if threat.is_empty() { list_threat.clone() } else { threat.into() };
                parsed.list.entries.push(ListEntry { indicator, threat_name });
            }
            Err(reason) => parsed.reject(number, entry, reason),
        }
    }
    parsed
}

impl TxtList {
    fn reject(&mut self, line: u64, text: &str, reason: EntryError) {
        self.rejected_count += 1;
        if self.rejected.len() < REJECTED_KEPT_MAX {
            let text = text.chars().take(REJECTED_TEXT_CHARS_MAX).collect();
            self.rejected.push(Rejected { line, text, reason });
        }
    }
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

/// Splits `entry  # threat` or `entry  ; threat`. A sign that follows no white space belongs to the entry.
fn split_comment(line: &str) -> (&str, &str) {
    let hash = line.match_indices(['#', ';']).find(|&(at, _)| line[..at].ends_with(char::is_whitespace));
    match hash {
        Some((at, _)) => (line[..at].trim_end(), line[at + 1..].trim()),
        None => (line, ""),
    }
}

/// Reads one entry into its normal form.
pub fn indicator(text: &str) -> Result<Indicator, EntryError> {
    // Cheap tests first: nearly every entry of nearly every list is an address or a plain name.
    if text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'/'))
        && let Some(network) = network(text)
    {
        return checked_network(network);
    }
    if let Some(digest) = sha256(text) {
        return Ok(Indicator::Sha256(Box::new(digest)));
    }
    if is_access_key(text) {
        return Ok(Indicator::AccessKey(text.into()));
    }
    match text.strip_prefix("*.") {
        Some(parent) => checked_domain(parent).map(Indicator::Below),
        None => checked_domain(text).map(Indicator::Domain),
    }
}

fn network(text: &str) -> Option<IpNet> {
    let network = match text.contains('/') {
        true => text.parse::<IpNet>().ok()?.trunc(),
        false => text.parse::<IpAddr>().ok()?.into(),
    };
    // `::ffff:198.51.100.0/120` means `198.51.100.0/24`.
    match (network.addr(), canonical(network.addr())) {
        (IpAddr::V6(_), IpAddr::V4(v4)) if network.prefix_len() >= 96 => {
            IpNet::new(v4.into(), network.prefix_len() - 96).ok()
        }
        _ => Some(network),
    }
}

fn checked_network(network: IpNet) -> Result<Indicator, EntryError> {
    let bits_min = if network.addr().is_ipv4() { PREFIX_BITS_MIN_V4 } else { PREFIX_BITS_MIN_V6 };
    if network.prefix_len() < bits_min {
        return Err(EntryError::PrefixTooShort);
    }
    // A prefix this long with both ends outside is outside as a whole.
    if !is_publicly_routable(network.network()) && !is_publicly_routable(network.broadcast()) {
        return Err(EntryError::NotRoutable);
    }
    Ok(Indicator::Network(network))
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let text = text.as_bytes();
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(digest)
}

/// `AKIA` (a user's key) or `ASIA` (a session's) and 16 capitals or digits.
fn is_access_key(text: &str) -> bool {
    text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn checked_domain(text: &str) -> Result<Box<str>, EntryError> {
    let name: Cow<'_, str> = crate::indicators::normalise(text);
    if is_domain(&name) {
        return if Suffixes.is_suffix(&name) { Err(EntryError::PublicSuffix) } else { Ok(name.into()) };
    }
    if Suffixes.is_suffix(&name) && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(EntryError::PublicSuffix);
    }
    let host = text.split('/').next().unwrap_or_default();
    let is_bad_prefix = host.parse::<IpAddr>().is_ok()
        && text[host.len()..].strip_prefix('/').is_some_and(|bits| bits.parse::<u64>().is_ok());
    Err(if text.contains('/') && !is_bad_prefix {
        EntryError::Url
    } else if text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        EntryError::Port
    } else {
        EntryError::Unknown
    })
}

/// Whether a normalised text has the shape of a name with at least two labels, the last of them not a number.
fn is_domain(name: &str) -> bool {
    let (mut label_length, mut label_count, mut is_number) = (0, 1, true);
    for byte in name.bytes() {
        match byte {
            b'.' if label_length > 0 => (label_length, label_count, is_number) = (0, label_count + 1, true),
            b'0'..=b'9' | b'a'..=b'z' | b'-' | b'_' if label_length < 63 => {
                label_length += 1;
                is_number &= byte.is_ascii_digit();
            }
            _ => return false,
        }
    }
    name.len() <= 253 && label_count > 1 && label_length > 0 && !is_number
}

#[cfg(test)]
mod tests;
