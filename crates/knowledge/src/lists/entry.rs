//! One entry of a list: from text to its normal form, or the reason why it is refused.

use crate::address::{canonical, is_publicly_routable};
use crate::indicators::Indicator;
use crate::suffixes::Suffixes;
use ipnet::IpNet;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

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
    /// An MD5, a SHA-1 and the like.
    #[error("of a file's digests only SHA-256 is matched")]
    OtherDigest,
    /// `Contains`, `LIKE`, `DoesNotEqual`.
    #[error("the comparison is not supported: only equality, lists of values and inclusive ranges are")]
    Comparison,
    /// `[a AND b]`.
    #[error("a pattern that wants several things at once is not supported: one of them alone would accuse too much")]
    Conjunction,
    /// A pattern that is none.
    #[error("the pattern could not be read")]
    Pattern,
    /// A pattern made to take memory.
    #[error("the pattern is longer than 1 MiB")]
    PatternTooLong,
    /// Patterns in Snort's or YARA's language.
    #[error("the pattern is in another language than STIX's")]
    PatternLanguage,
    /// Mail addresses, mutexes, processes.
    #[error(
        "this kind of thing is not matched: addresses, domains, URLs that are a whole host and SHA-256 digests are"
    )]
    ObjectKind,
    /// The list knows better.
    #[error("the list itself says that it is not meant for detection")]
    NotForDetection,
    /// Revoked, deleted.
    #[error("the list has withdrawn the entry")]
    Withdrawn,
    /// A range that is none.
    #[error("not a range of addresses of one family, the lowest first")]
    Range,
    /// A row that is too short.
    #[error("the row has nothing in the column that holds the entries")]
    Column,
    /// A file without the column.
    #[error("no column has the wanted title; name one with `csv:COLUMN`")]
    NoSuchColumn,
    /// A file that is no whole XML or JSON document.
    #[error("the document is not well-formed from here on, or not what its beginning promised; the rest was not read")]
    Malformed,
    /// A login page, an error page.
    #[error("the file is a web page and no list: a server may have answered with a page for people")]
    WebPage,
    /// RSS, SVG and the like.
    #[error("of XML only STIX 1 is read, and nothing of it is in this document")]
    OtherXml,
    /// JSON of another kind.
    #[error("of JSON only STIX 2, MISP events and MISP warning lists are read, and this document is none of them")]
    OtherJson,
    /// Archives, programs, pictures.
    #[error("the file is not text: unpack it first, if it is an archive")]
    Binary,
    /// A hostile document.
    #[error("the document is nested too deeply; the rest was not read")]
    TooDeep,
    /// Regular expressions and substrings of warning lists.
    #[error("regular expressions and parts of names are not supported")]
    Expression,
    /// `198.51.100.7, high`.
    #[error("several things in one line: a line holds one entry; of a table name the column, as in `csv:1`")]
    Several,
    /// Anything else.
    #[error("neither an address, a prefix, a domain, a SHA-256 digest nor an access key id")]
    Unknown,
    /// A value of a header comment.
    #[error("the header has an unknown value; kinds are spelt as in `--threat-list`, `subdomains` is yes or no")]
    Header,
}

impl EntryError {
    /// Whether it says that the file as a whole is no list, rather than something of one entry.
    pub fn is_of_the_file(self) -> bool {
        matches!(self, Self::WebPage | Self::OtherXml | Self::OtherJson | Self::Binary)
    }
}

/// Reads one entry into its normal form. A URL without path means its host. What reports write so that nobody opens it
/// (`198.51.100[.]7`, `hxxp://example[.]com`) means what it meant before.
pub fn indicator(text: &str) -> Result<Indicator, EntryError> {
    as_written(text).or_else(|reason| with_its_fangs(text).map_or(Err(reason), |text| as_written(&text)))
}

fn as_written(text: &str) -> Result<Indicator, EntryError> {
    // Cheap tests first: nearly every entry of nearly every list is an address or a plain name.
    if let Some(address) = plain_v4(text) {
        return checked_address(address);
    }
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
    if let Some(host) = host_of_bare_url(text) {
        return as_written(host);
    }
    if matches!(text.len(), 32 | 40 | 56 | 96 | 128) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(EntryError::OtherDigest);
    }
    match text.strip_prefix("*.") {
        Some(parent) => checked_domain(parent).map(Indicator::Below),
        None => checked_domain(text).map(Indicator::Domain),
    }
}

/// An IPv4 address of four decimal numbers without leading zeros, which is what lists of millions consist of. The standard
/// library reads the same ones, three times slower.
pub(super) fn plain_v4(text: &str) -> Option<Ipv4Addr> {
    let (mut address, mut number, mut digits, mut dots) = (0u32, 0u32, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if digits < 3 && (digits == 0 || number > 0) => {
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && dots < 3 => {
                address = address << 8 | number;
                (number, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
        if number > 255 {
            return None;
        }
    }
    (dots == 3 && digits > 0).then(|| (address << 8 | number).into())
}

/// The entry as it was before somebody made it harmless to click on; `None` if nobody did.
fn with_its_fangs(text: &str) -> Option<String> {
    let dots = ["[.]", "(.)", "{.}", "[dot]", "(dot)"];
    let scheme = text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("hxxp"));
    if scheme.is_none() && !text.contains("[:]") && !dots.iter().any(|dot| text.contains(dot)) {
        return None;
    }
    let text = scheme.map_or_else(|| text.to_owned(), |scheme| format!("http{}", &text[scheme.len()..]));
    Some(dots.iter().fold(text.replace("[:]", ":"), |text, dot| text.replace(dot, ".")))
}

/// `example.com` of `https://example.com/`: a URL that names nothing but a host. `None` for anything else.
fn host_of_bare_url(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ':', '*']);
    (is_scheme && is_host).then_some(host)
}

/// Reads an inclusive range into the prefixes that cover it exactly.
pub(super) fn range(first: &str, last: &str) -> Result<Vec<Indicator>, EntryError> {
    let address = |text: &str| text.trim().parse().map(canonical).map_err(|_| EntryError::Range);
    let networks: Vec<IpNet> = match (address(first)?, address(last)?) {
        (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
            ipnet::Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
            ipnet::Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
        }
        _ => return Err(EntryError::Range),
    };
    // All or none: a range of which a part is refused is not what the list meant.
    networks.into_iter().map(checked_network).collect()
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

/// One IPv4 address as an entry.
pub(super) fn checked_address(address: Ipv4Addr) -> Result<Indicator, EntryError> {
    checked_network(IpNet::V4(address.into()))
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
    } else if text.contains([',', ';', ' ', '\t', '|']) {
        EntryError::Several
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
mod tests {
    use super::{EntryError, indicator, plain_v4};
    use proptest::prelude::*;

    #[test]
    fn what_was_made_harmless_to_click_on_is_read() {
        let read = |text| indicator(text).map(|indicator| indicator.to_string());
        for text in ["198.51.100[.]7", "hxxp://198[.]51(.)100[dot]7/", "HXXPS[:]//198.51.100.7"] {
            assert_eq!(read(text).as_deref(), Ok("198.51.100.7"), "{text}");
        }
        assert_eq!(read("bad[.]example[.]com").as_deref(), Ok("bad.example.com"));
        assert_eq!(read("hxxp://bad[.]example[.]com/x"), Err(EntryError::Url));
        assert_eq!(read(&"[(".repeat(100_000)), Err(EntryError::Unknown));
    }

    proptest! {
        #[test]
        fn plain_addresses_are_read_as_the_standard_library_does(
            text in "[0-9.]{0,16}|([0-9]{1,3}\\.){3}[0-9]{1,3}",
            octets in any::<[u8; 4]>(),
        ) {
            prop_assert_eq!(plain_v4(&text), text.parse().ok());
            let address = std::net::Ipv4Addr::from(octets);
            prop_assert_eq!(plain_v4(&address.to_string()), Some(address));
        }
    }
}
