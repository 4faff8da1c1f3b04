//! Threat lists and trusted lists, merged into one immutable structure that answers *every* covering entry.
//!
//! A trusted entry silences all threat entries where it applies. A guard entry says that many share the thing, so that a
//! public list alone proves little. Lists act only on publicly routable addresses.

mod builder;
mod domains;
mod entries;
mod label;
mod list;
mod own;
mod weight;

pub use builder::IndicatorsBuilder;
pub use entries::ListEntries;
pub use list::{EntryDetails, Indicator, IndicatorList, ListEntry, ListOrigin};
pub use own::{ListGroup, Lists, OwnLists};
pub use weight::WEIGHT_MIN;

use crate::address::canonical;
use crate::ranges::RangeTable;
use domains::Domains;
pub(crate) use domains::normalise;
use label::{Label, Subject};
use std::net::IpAddr;
use watchfire_model::{KnowledgeUsed, ListKind, ThreatMatch, Time};

/// All lists, ready for look-ups. The default value holds none.
#[derive(Debug, Default)]
pub struct Indicators {
    lists: Vec<ListInfo>,
    labels: Vec<Label>,
    /// How many entries all lists have together.
    entry_count: usize,
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
    /// For whose logs it holds: see [`own`].
    holder: u32,
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

/// An entry that was found: its label, and what it names.
type Found<'a> = (u32, Subject<'a>);

/// Interned sets of labels, and what each means.
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
        let labels = self.ip_set(ip).map(|set| self.sets.members(set)).unwrap_or_default();
        self.coverage(labels.iter().map(|&label| (label, Subject::Address(ip))), &ip.to_string(), at)
    }

    /// The trusted list that covers this address, if one does: the first by name.
    pub fn trusted_ip(&self, ip: IpAddr) -> Option<&str> {
        let set = self.ip_set(canonical(ip))?;
        self.name_of(ListRole::Trusted, self.sets.members(set).iter().copied())
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
        let labels = self.domains.covering(&name).into_iter();
        self.coverage(labels.map(|(label, name)| (label, Subject::Text(name))), &name, at)
    }

    /// The trusted list that covers this name, if one does: the first by name.
    pub fn trusted_domain(&self, name: &str) -> Option<&str> {
        let name = domains::normalise(name);
        self.name_of(ListRole::Trusted, self.domains.covering(&name).into_iter().map(|(label, _)| label))
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
        self.untrusted(self.hash_entries(digest, &text), &text, None).into_iter().map(|(threat, _)| threat).collect()
    }

    /// Everything that any list says of this SHA-256 digest, sorted.
    pub fn hash_coverage(&self, digest: &[u8; 32], at: Time) -> Vec<Coverage> {
        let text = Indicator::Sha256(Box::new(*digest)).to_string();
        self.coverage(self.hash_entries(digest, &text), &text, at)
    }

    /// How many entries all lists have together.
    pub fn entry_count(&self) -> usize {
        self.entry_count
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

    fn list_of(&self, label: u32) -> Option<(&Label, &ListInfo)> {
        let label = self.labels.get(label as usize)?;
        Some((label, self.lists.get(label.list as usize)?))
    }

    /// The entries that cover an address; none if it is trusted or not publicly routable.
    fn ip_entries(&self, ip: IpAddr) -> impl Iterator<Item = Found<'_>> + Clone + '_ {
        let set = self.ip_set(ip).filter(|&set| self.sets.kinds.get(set as usize) != Some(&0));
        let labels = set.map(|set| self.sets.members(set)).unwrap_or_default();
        labels.iter().map(move |&label| (label, Subject::Address(ip)))
    }

    /// The entries that cover a normalised name; none if it is trusted.
    fn domain_entries<'a>(&self, name: &'a str) -> impl Iterator<Item = Found<'a>> + Clone + use<'a> {
        let labels = if self.domains.kinds(name) == 0 { Vec::new() } else { self.domains.covering(name) };
        labels.into_iter().map(|(label, name)| (label, Subject::Text(name)))
    }

    fn key_entries<'a>(&'a self, key_id: &'a str) -> impl Iterator<Item = Found<'a>> + Clone + 'a {
        let from = self.keys.partition_point(|(key, _)| &**key < key_id);
        let found = self.keys[from..].iter().take_while(move |(key, _)| &**key == key_id);
        found.map(move |&(_, label)| (label, Subject::Text(key_id)))
    }

    /// `text` is the digest as lists write it.
    fn hash_entries<'a>(&'a self, digest: &'a [u8; 32], text: &'a str) -> impl Iterator<Item = Found<'a>> + Clone + 'a {
        let from = self.hashes.partition_point(|(hash, _)| hash < digest);
        let found = self.hashes[from..].iter().take_while(move |(hash, _)| hash == digest);
        found.map(move |&(_, label)| (label, Subject::Text(text)))
    }

    /// The first list, by name, of those with this role.
    fn name_of(&self, role: ListRole, labels: impl Iterator<Item = u32>) -> Option<&str> {
        let lists = labels.filter_map(|label| self.list_of(label)).map(|(_, list)| list);
        lists.filter(|list| list.role == role).map(|list| list.name.as_str()).min()
    }

    fn untrusted<'a>(
        &self,
        entries: impl Iterator<Item = Found<'a>> + Clone,
        matched: &str,
        at: Option<Time>,
    ) -> Vec<(ThreatMatch, ListOrigin)> {
        match self.name_of(ListRole::Trusted, entries.clone().map(|(label, _)| label)) {
            Some(_) => Vec::new(),
            None => self.matches(entries, matched, at),
        }
    }

    /// The threat entries among these, weighed, sorted, each once, with who stands behind it. Without a time nothing ages
    /// and nothing ends.
    fn matches<'a>(
        &self,
        entries: impl Iterator<Item = Found<'a>> + Clone,
        matched: &str,
        at: Option<Time>,
    ) -> Vec<(ThreatMatch, ListOrigin)> {
        let guard = self.name_of(ListRole::Guard, entries.clone().map(|(label, _)| label)).unwrap_or_default();
        let mut matches: Vec<_> = entries
            .filter_map(|(label, subject)| {
                let (label, list) = self.list_of(label).filter(|(_, list)| list.role == ListRole::Threat)?;
                let weighed = weight::weigh(label, list, !guard.is_empty(), at)?;
                Some((self.threat(label, subject, list, matched, weighed, guard), list.origin))
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
        label: &Label,
        subject: Subject<'_>,
        list: &ListInfo,
        matched: &str,
        weighed: weight::Weighed,
        guard: &str,
    ) -> ThreatMatch {
        let name = self.threat_names.get(label.threat_name as usize).map(|name| name.to_string());
        ThreatMatch {
            list: list.name.clone(),
            kind: list.kind,
            version: list.version.clone(),
            entry: label.shape.written(subject),
            threat_name: name.unwrap_or_default(),
            matched: matched.to_owned(),
            seen: weighed.seen,
            age_days: weighed.age_days,
            weight: weighed.percent,
            guard: guard.to_owned(),
        }
    }

    fn coverage<'a>(&self, entries: impl Iterator<Item = Found<'a>> + Clone, matched: &str, at: Time) -> Vec<Coverage> {
        let guard = self.name_of(ListRole::Guard, entries.clone().map(|(label, _)| label)).unwrap_or_default();
        let mut coverage: Vec<_> = entries
            .filter_map(|(label, subject)| {
                let (label, list) = self.list_of(label)?;
                let weighed = weight::weigh(label, list, !guard.is_empty(), Some(at));
                let weighed = weighed.unwrap_or_else(|| weight::gone(label, at));
                let guard = if list.role == ListRole::Threat { guard } else { "" };
                let entry = self.threat(label, subject, list, matched, weighed, guard);
                Some(Coverage { role: list.role, entry })
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
