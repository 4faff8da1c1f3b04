//! What a list says.

use ipnet::IpNet;
use std::fmt;
use watchfire_model::ListKind;

/// One list as read from a file, before it is merged with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndicatorList {
    /// The name that findings show.
    pub name: String,
    /// What its entries are said to be. Without meaning for a trusted list.
    pub kind: ListKind,
    /// Its date or version; empty if it gives none.
    pub version: String,
    /// Whether a plain domain entry also covers every name below it.
    pub include_subdomains: bool,
    /// Where it comes from; empty if it does not say.
    pub source: String,
    /// Its licence; empty if it does not say.
    pub licence: String,
    /// The entries.
    pub entries: Vec<ListEntry>,
}

impl IndicatorList {
    /// A list without entries.
    pub fn new(name: impl Into<String>, kind: ListKind) -> Self {
        Self {
            name: name.into(),
            kind,
            version: String::new(),
            include_subdomains: false,
            source: String::new(),
            licence: String::new(),
            entries: Vec::new(),
        }
    }
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListEntry {
    /// What it matches.
    pub indicator: Indicator,
    /// What the list calls the threat; empty if it gives no name.
    pub threat_name: Box<str>,
}

/// What an entry matches, in normal form: [`txt_list::indicator`](crate::txt_list::indicator) makes it from text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Indicator {
    /// Addresses. A single one is a prefix of full length.
    Network(IpNet),
    /// A name, in lower-case ASCII without trailing dot; with those below it if the list includes subdomains.
    Domain(Box<str>),
    /// Everything below this name, but not the name itself: written `*.example.com`.
    Below(Box<str>),
    /// A file's SHA-256. Boxed, for it is rare and would make every entry larger.
    Sha256(Box<[u8; 32]>),
    /// An access key id.
    AccessKey(Box<str>),
}

/// As a list would write it.
impl fmt::Display for Indicator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => network.addr().fmt(formatter),
            Self::Network(network) => network.fmt(formatter),
            Self::Domain(name) | Self::AccessKey(name) => formatter.write_str(name),
            Self::Below(name) => write!(formatter, "*.{name}"),
            Self::Sha256(digest) => digest.iter().try_for_each(|byte| write!(formatter, "{byte:02x}")),
        }
    }
}
