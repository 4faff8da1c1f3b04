//! What a list says.

use super::ListEntries;
use ipnet::IpNet;
use std::fmt;
use watchfire_model::{ListKind, Time};

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
    /// Who stands behind it.
    pub origin: ListOrigin,
    /// How likely an entry of it is right, in percent. Says nothing of a list that is taken at its word.
    pub confidence: u8,
    /// The entries.
    pub entries: ListEntries,
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
            origin: ListOrigin::Own,
            confidence: 100,
            entries: ListEntries::default(),
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
    /// What else the list says of it, if it says anything. Boxed, for most lists say nothing.
    pub details: Option<Box<EntryDetails>>,
}

/// What a list says of an entry besides its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryDetails {
    /// When it was last seen to be what the list says.
    pub seen: Option<Time>,
    /// When it ends to be so: it does not match events from then on.
    pub until: Option<Time>,
    /// How likely the entry is right, in percent.
    pub confidence: Option<u8>,
}

/// Who stands behind a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListOrigin {
    /// The user handed it over: it is taken at its word. It does not age, and a guard only adds a remark.
    #[default]
    Own,
    /// It ships with the program, or was fetched as a feed: confidence, ageing and guards apply.
    Public,
}

/// What an entry matches, in normal form: [`lists::indicator`](crate::lists::indicator) makes it from text.
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
