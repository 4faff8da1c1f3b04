//! Threat lists and trusted lists, merged into one immutable structure that answers *every* covering entry.
//!
//! A trusted entry silences all threat entries where it applies. Lists act only on publicly routable addresses.

mod builder;
mod domains;
mod list;

pub use builder::IndicatorsBuilder;
pub use list::{Indicator, IndicatorList, ListEntry};

use crate::address::canonical;
use crate::ranges::RangeTable;
use domains::Domains;
pub(crate) use domains::normalise;
use std::net::IpAddr;
use watchfire_model::{KnowledgeUsed, ListKind, ThreatMatch};

/// All lists, ready for look-ups. The default value holds none.
#[derive(Debug, Default)]
pub struct Indicators {
    lists: Vec<ListInfo>,
    entries: Vec<Entry>,
    v4: RangeTable<u32>,
    /// One bit for each /24 that a threat entry touches: most addresses miss, and this answers them with one read.
    /// 2 MB, or empty if no list has an IPv4 entry.
    v4_touched: Vec<u64>,
    v6: RangeTable<u128>,
    sets: EntrySets,
    domains: Domains,
    /// Sorted by digest.
    hashes: Vec<([u8; 32], u32)>,
    /// Sorted by key id.
    keys: Vec<(Box<str>, u32)>,
}

/// What is kept of a list besides its entries.
#[derive(Debug)]
struct ListInfo {
    name: String,
    kind: ListKind,
    version: String,
    trusted: bool,
}

/// One entry of one list.
#[derive(Debug)]
struct Entry {
    list: u32,
    indicator: Indicator,
    threat_name: Box<str>,
}

/// Interned sets of entries, and what each means.
#[derive(Debug, Default)]
struct EntrySets {
    members: Vec<u32>,
    /// Where each set begins in `members`; one more at the end.
    starts: Vec<u32>,
    /// The kinds of each set; 0 if an entry of a trusted list is in it.
    kinds: Vec<u32>,
}

impl EntrySets {
    fn members(&self, set: u32) -> &[u32] {
        let bounds = self.starts.get(set as usize..set as usize + 2);
        bounds.and_then(|bounds| self.members.get(bounds[0] as usize..bounds[1] as usize)).unwrap_or_default()
    }
}

impl Indicators {
    /// The kinds of the lists that cover this address, as bits; 0 if trusted or not publicly routable.
    #[inline]
    pub fn ip_kinds(&self, ip: IpAddr) -> u32 {
        let set = match canonical(ip) {
            IpAddr::V4(ip) => {
                let ip = u32::from(ip);
                let word = self.v4_touched.get((ip >> 14) as usize).copied().unwrap_or(0);
                if word >> ((ip >> 8) & 63) & 1 == 0 {
                    return 0;
                }
                self.v4.get(ip)
            }
            IpAddr::V6(ip) => self.v6.get(ip.into()),
        };
        set.and_then(|set| self.sets.kinds.get(set as usize).copied()).unwrap_or(0)
    }

    /// Every threat entry that covers this address, sorted; empty if trusted or not publicly routable.
    pub fn ip_matches(&self, ip: IpAddr) -> Vec<ThreatMatch> {
        let ip = canonical(ip);
        match self.ip_set(ip) {
            Some(set) if self.sets.kinds.get(set as usize) != Some(&0) => {
                self.matches(self.sets.members(set).iter().copied(), &ip.to_string())
            }
            _ => Vec::new(),
        }
    }

    /// The trusted list that covers this address, if one does: the first by name.
    pub fn trusted_ip(&self, ip: IpAddr) -> Option<&str> {
        let set = self.ip_set(canonical(ip))?;
        self.trusted_name(self.sets.members(set).iter().copied())
    }

    /// The kinds of the lists that cover this name, as bits; 0 if trusted.
    #[inline]
    pub fn domain_kinds(&self, name: &str) -> u32 {
        if self.domains.is_empty() {
            return 0;
        }
        self.domains.kinds(&domains::normalise(name))
    }

    /// Every threat entry that covers this name, sorted; empty if trusted.
    pub fn domain_matches(&self, name: &str) -> Vec<ThreatMatch> {
        let name = domains::normalise(name);
        if self.domains.kinds(&name) == 0 {
            return Vec::new();
        }
        self.matches(self.domains.covering(&name), &name)
    }

    /// The trusted list that covers this name, if one does: the first by name.
    pub fn trusted_domain(&self, name: &str) -> Option<&str> {
        self.trusted_name(self.domains.covering(&domains::normalise(name)).into_iter())
    }

    /// Every threat entry that names this access key id, sorted; empty if trusted.
    pub fn key_matches(&self, access_key_id: &str) -> Vec<ThreatMatch> {
        let from = self.keys.partition_point(|(key, _)| &**key < access_key_id);
        let same = self.keys[from..].iter().take_while(|(key, _)| &**key == access_key_id).map(|&(_, entry)| entry);
        self.untrusted_matches(same, access_key_id)
    }

    /// Whether any list names access keys.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Every threat entry with this SHA-256 digest, sorted; empty if trusted.
    pub fn hash_matches(&self, digest: &[u8; 32]) -> Vec<ThreatMatch> {
        let from = self.hashes.partition_point(|(hash, _)| hash < digest);
        let same = self.hashes[from..].iter().take_while(|(hash, _)| hash == digest).map(|&(_, entry)| entry);
        self.untrusted_matches(same, &Indicator::Sha256(Box::new(*digest)).to_string())
    }

    /// How many entries all lists have together.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// The lists, sorted by name. A trusted list has the kind `trusted`.
    pub fn used_versions(&self) -> Vec<KnowledgeUsed> {
        let mut used: Vec<_> = self.lists.iter().map(ListInfo::used).collect();
        used.sort();
        used
    }

    fn ip_set(&self, ip: IpAddr) -> Option<u32> {
        match ip {
            IpAddr::V4(ip) => self.v4.get(ip.into()),
            IpAddr::V6(ip) => self.v6.get(ip.into()),
        }
    }

    fn list_of(&self, entry: u32) -> Option<(&Entry, &ListInfo)> {
        let entry = self.entries.get(entry as usize)?;
        Some((entry, self.lists.get(entry.list as usize)?))
    }

    fn trusted_name(&self, entries: impl Iterator<Item = u32>) -> Option<&str> {
        let lists = entries.filter_map(|entry| self.list_of(entry)).map(|(_, list)| list);
        lists.filter(|list| list.trusted).map(|list| list.name.as_str()).min()
    }

    fn untrusted_matches(&self, entries: impl Iterator<Item = u32> + Clone, matched: &str) -> Vec<ThreatMatch> {
        match self.trusted_name(entries.clone()) {
            Some(_) => Vec::new(),
            None => self.matches(entries, matched),
        }
    }

    fn matches(&self, entries: impl IntoIterator<Item = u32>, matched: &str) -> Vec<ThreatMatch> {
        let found = entries.into_iter().filter_map(|entry| self.list_of(entry));
        let mut matches: Vec<_> = found
            .map(|(entry, list)| ThreatMatch {
                list: list.name.clone(),
                kind: list.kind,
                version: list.version.clone(),
                entry: entry.indicator.to_string(),
                threat_name: entry.threat_name.to_string(),
                matched: matched.to_owned(),
            })
            .collect();
        matches.sort();
        matches.dedup();
        matches
    }
}

impl ListInfo {
    fn used(&self) -> KnowledgeUsed {
        let kind = if self.trusted { "trusted" } else { self.kind.name() };
        KnowledgeUsed { name: self.name.clone(), kind: kind.to_owned(), version: self.version.clone() }
    }
}

#[cfg(test)]
mod tests;
