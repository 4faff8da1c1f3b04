//! Threat lists and trusted lists, merged into one immutable structure that answers *every* covering entry.
//!
//! A trusted entry silences all threat entries where it applies. A guard entry says that many share the thing, so that a
//! public list alone proves little. Lists act only on publicly routable addresses.

mod builder;
mod domains;
mod list;
mod weight;

pub use builder::IndicatorsBuilder;
pub use list::{EntryDetails, Indicator, IndicatorList, ListEntry, ListOrigin};
pub use weight::WEIGHT_MIN;

use crate::address::canonical;
use crate::ranges::RangeTable;
use domains::Domains;
pub(crate) use domains::normalise;
use std::net::IpAddr;
use watchfire_model::{KnowledgeUsed, ListKind, ThreatMatch, Time};

/// All lists, ready for look-ups. The default value holds none.
#[derive(Debug, Default)]
pub struct Indicators {
    lists: Vec<ListInfo>,
    entries: Vec<Entry>,
    /// The names of threats, each once: a list of millions has few. The first is empty.
    threat_names: Vec<Box<str>>,
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
    role: ListRole,
    origin: ListOrigin,
    confidence: u8,
}

/// What a list is used for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ListRole {
    /// What it covers is bad.
    Threat,
    /// What it covers never makes a finding.
    Trusted,
    /// What it covers is shared by many, such as a public resolver.
    Guard,
}

/// One entry that covers what was looked up, of any list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Coverage {
    /// What its list is used for.
    pub role: ListRole,
    /// The entry. The kind means nothing of a list that is no threat list.
    pub entry: ThreatMatch,
}

/// One entry of one list.
#[derive(Debug)]
struct Entry {
    list: u32,
    threat_name: u32,
    indicator: Indicator,
    details: Option<Box<EntryDetails>>,
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
        self.matches(self.ip_entries(ip), &ip.to_string(), None).into_iter().map(|(threat, _)| threat).collect()
    }

    /// The threat entries of these kinds that cover this address at this time, sorted; empty if they weigh too little
    /// together, or if the address is trusted or not publicly routable.
    pub fn ip_threats(&self, ip: IpAddr, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        let ip = canonical(ip);
        weight::enough(self.matches(self.ip_entries(ip), &ip.to_string(), Some(at)), kinds)
    }

    /// Everything that any list says of this address, trusted lists and guards too, sorted.
    pub fn ip_coverage(&self, ip: IpAddr, at: Time) -> Vec<Coverage> {
        let ip = canonical(ip);
        let entries = self.ip_set(ip).map(|set| self.sets.members(set)).unwrap_or_default();
        self.coverage(entries.iter().copied(), &ip.to_string(), at)
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
        self.matches(self.domain_entries(&name), &name, None).into_iter().map(|(threat, _)| threat).collect()
    }

    /// The threat entries of these kinds that cover this name at this time, sorted; empty if they weigh too little
    /// together, or if the name is trusted.
    pub fn domain_threats(&self, name: &str, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        let name = domains::normalise(name);
        weight::enough(self.matches(self.domain_entries(&name), &name, Some(at)), kinds)
    }

    /// Everything that any list says of this name, trusted lists and guards too, sorted.
    pub fn domain_coverage(&self, name: &str, at: Time) -> Vec<Coverage> {
        let name = domains::normalise(name);
        self.coverage(self.domains.covering(&name).into_iter(), &name, at)
    }

    /// The trusted list that covers this name, if one does: the first by name.
    pub fn trusted_domain(&self, name: &str) -> Option<&str> {
        self.trusted_name(self.domains.covering(&domains::normalise(name)).into_iter())
    }

    /// Every threat entry that names this access key id, sorted; empty if trusted.
    pub fn key_matches(&self, access_key_id: &str) -> Vec<ThreatMatch> {
        self.untrusted(self.key_entries(access_key_id), access_key_id, None)
            .into_iter()
            .map(|(threat, _)| threat)
            .collect()
    }

    /// The threat entries of these kinds that name this access key id at this time, sorted; empty if they weigh too
    /// little together, or if the key is trusted.
    pub fn key_threats(&self, access_key_id: &str, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        weight::enough(self.untrusted(self.key_entries(access_key_id), access_key_id, Some(at)), kinds)
    }

    /// Everything that any list says of this access key id, sorted.
    pub fn key_coverage(&self, access_key_id: &str, at: Time) -> Vec<Coverage> {
        self.coverage(self.key_entries(access_key_id), access_key_id, at)
    }

    /// Whether any list names access keys.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Every threat entry with this SHA-256 digest, sorted; empty if trusted.
    pub fn hash_matches(&self, digest: &[u8; 32]) -> Vec<ThreatMatch> {
        let text = Indicator::Sha256(Box::new(*digest)).to_string();
        self.untrusted(self.hash_entries(digest), &text, None).into_iter().map(|(threat, _)| threat).collect()
    }

    /// Everything that any list says of this SHA-256 digest, sorted.
    pub fn hash_coverage(&self, digest: &[u8; 32], at: Time) -> Vec<Coverage> {
        self.coverage(self.hash_entries(digest), &Indicator::Sha256(Box::new(*digest)).to_string(), at)
    }

    /// How many entries all lists have together.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// The lists, sorted by name. A trusted list has the kind `trusted`, a guard `guard`.
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

    /// The entries that cover an address; none if it is trusted or not publicly routable.
    fn ip_entries(&self, ip: IpAddr) -> impl Iterator<Item = u32> + Clone + '_ {
        let set = self.ip_set(ip).filter(|&set| self.sets.kinds.get(set as usize) != Some(&0));
        set.map(|set| self.sets.members(set)).unwrap_or_default().iter().copied()
    }

    /// The entries that cover a normalised name; none if it is trusted.
    fn domain_entries(&self, name: &str) -> std::vec::IntoIter<u32> {
        match self.domains.kinds(name) {
            0 => Vec::new().into_iter(),
            _ => self.domains.covering(name).into_iter(),
        }
    }

    fn key_entries<'a>(&'a self, key_id: &'a str) -> impl Iterator<Item = u32> + Clone + 'a {
        let from = self.keys.partition_point(|(key, _)| &**key < key_id);
        self.keys[from..].iter().take_while(move |(key, _)| &**key == key_id).map(|&(_, entry)| entry)
    }

    fn hash_entries<'a>(&'a self, digest: &'a [u8; 32]) -> impl Iterator<Item = u32> + Clone + 'a {
        let from = self.hashes.partition_point(|(hash, _)| hash < digest);
        self.hashes[from..].iter().take_while(move |(hash, _)| hash == digest).map(|&(_, entry)| entry)
    }

    fn trusted_name(&self, entries: impl Iterator<Item = u32>) -> Option<&str> {
        self.name_of(ListRole::Trusted, entries)
    }

    /// The first list, by name, of those with this role.
    fn name_of(&self, role: ListRole, entries: impl Iterator<Item = u32>) -> Option<&str> {
        let lists = entries.filter_map(|entry| self.list_of(entry)).map(|(_, list)| list);
        lists.filter(|list| list.role == role).map(|list| list.name.as_str()).min()
    }

    fn untrusted(
        &self,
        entries: impl Iterator<Item = u32> + Clone,
        matched: &str,
        at: Option<Time>,
    ) -> Vec<(ThreatMatch, ListOrigin)> {
        match self.trusted_name(entries.clone()) {
            Some(_) => Vec::new(),
            None => self.matches(entries, matched, at),
        }
    }

    /// The threat entries among these, weighed, sorted, each once, with who stands behind it. Without a time nothing ages
    /// and nothing ends.
    fn matches(
        &self,
        entries: impl Iterator<Item = u32> + Clone,
        matched: &str,
        at: Option<Time>,
    ) -> Vec<(ThreatMatch, ListOrigin)> {
        let guard = self.name_of(ListRole::Guard, entries.clone()).unwrap_or_default();
        let found = entries.filter_map(|entry| self.list_of(entry)).filter(|(_, list)| list.role == ListRole::Threat);
        let mut matches: Vec<_> = found
            .filter_map(|(entry, list)| {
                let weighed = weight::weigh(entry, list, !guard.is_empty(), at)?;
                Some((self.threat(entry, list, matched, weighed, guard), list.origin))
            })
            .collect();
        matches.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        matches.dedup_by(|later, kept| {
            let is_same = later.0.is_same_entry(&kept.0);
            if is_same && later.0.weight > kept.0.weight {
                std::mem::swap(later, kept);
            }
            is_same
        });
        matches
    }

    fn threat(
        &self,
        entry: &Entry,
        list: &ListInfo,
        matched: &str,
        weighed: weight::Weighed,
        guard: &str,
    ) -> ThreatMatch {
        let name = self.threat_names.get(entry.threat_name as usize).map(|name| name.to_string());
        ThreatMatch {
            list: list.name.clone(),
            kind: list.kind,
            version: list.version.clone(),
            entry: entry.indicator.to_string(),
            threat_name: name.unwrap_or_default(),
            matched: matched.to_owned(),
            seen: weighed.seen,
            age_days: weighed.age_days,
            weight: weighed.percent,
            guard: guard.to_owned(),
        }
    }

    fn coverage(&self, entries: impl Iterator<Item = u32> + Clone, matched: &str, at: Time) -> Vec<Coverage> {
        let guard = self.name_of(ListRole::Guard, entries.clone()).unwrap_or_default();
        let found = entries.filter_map(|entry| self.list_of(entry));
        let mut coverage: Vec<_> = found
            .map(|(entry, list)| {
                let weighed = weight::weigh(entry, list, !guard.is_empty(), Some(at));
                let guard = if list.role == ListRole::Threat { guard } else { "" };
                let entry =
                    self.threat(entry, list, matched, weighed.unwrap_or_else(|| weight::gone(entry, at)), guard);
                Coverage { role: list.role, entry }
            })
            .collect();
        coverage.sort_unstable();
        coverage.dedup();
        coverage
    }
}

impl ListInfo {
    fn used(&self) -> KnowledgeUsed {
        let kind = match self.role {
            ListRole::Threat => self.kind.name(),
            ListRole::Trusted => "trusted",
            ListRole::Guard => "guard",
        };
        KnowledgeUsed { name: self.name.clone(), kind: kind.to_owned(), version: self.version.clone() }
    }
}

#[cfg(test)]
mod tests;
