//! Merging lists.

use super::domains::Scope;
use super::{Entry, EntrySets, Indicator, IndicatorList, Indicators, ListEntry, ListInfo, ListRole};
use crate::address::{NOT_ROUTABLE_V4, NOT_ROUTABLE_V6};
use crate::ranges::{Address, Prefix, Prefixes, RangeTable, flatten, sort};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use ipnet::IpNet;
use std::hash::BuildHasher;

/// Collects lists; [`Self::build`] merges them. The order in which lists are added changes no answer.
#[derive(Debug, Default)]
pub struct IndicatorsBuilder {
    lists: Vec<(IndicatorList, ListRole)>,
}

/// Stands in a set for "not publicly routable": silences the set as a trusted entry does, and names no list.
const NOT_ROUTABLE: u32 = u32::MAX;

impl IndicatorsBuilder {
    /// Adds a threat list.
    pub fn add(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Threat));
        self
    }

    /// Adds a trusted list, whose entries silence threat entries.
    pub fn trusted(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Trusted));
        self
    }

    /// Adds a guard: a list of what many share, which makes public lists about it weigh little.
    pub fn guard(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Guard));
        self
    }

    /// Merges everything that was added.
    pub fn build(self) -> Indicators {
        let mut indicators = Indicators::default();
        let mut prefixes = Prefixes::default();
        let entries = self.lists.iter().flat_map(|(list, _)| &list.entries);
        let is_name = |entry: &&ListEntry| matches!(entry.indicator, Indicator::Domain(_) | Indicator::Below(_));
        indicators.domains.reserve(entries.clone().filter(is_name).count());
        indicators.entries.reserve(entries.count());
        let mut names = Names::default();
        names.number("".into(), &mut indicators.threat_names);
        for (list, role) in self.lists {
            add_list(&mut indicators, &mut prefixes, &mut names, list, role);
        }
        indicators.hashes.sort_unstable();
        indicators.keys.sort_unstable();
        add_networks(&mut indicators, prefixes);
        indicators
    }
}

/// Gives equal names of threats one number.
#[derive(Default)]
struct Names(HashMap<Box<str>, u32, FixedState>);

impl Names {
    fn number(&mut self, name: Box<str>, names: &mut Vec<Box<str>>) -> u32 {
        if name.is_empty() && !names.is_empty() {
            return 0;
        }
        if let Some(&number) = self.0.get(&name) {
            return number;
        }
        let number = names.len() as u32;
        names.push(name.clone());
        self.0.insert(name, number);
        number
    }
}

fn add_list(
    indicators: &mut Indicators,
    prefixes: &mut Prefixes,
    names: &mut Names,
    list: IndicatorList,
    role: ListRole,
) {
    let id = indicators.lists.len() as u32;
    let bits = match role {
        ListRole::Threat => Some(list.kind.bit()),
        ListRole::Trusted => None,
        ListRole::Guard => Some(0),
    };
    let plain = if list.include_subdomains { Scope::ExactAndBelow } else { Scope::Exact };
    for entry in list.entries {
        let number = indicators.entries.len() as u32;
        match &entry.indicator {
            Indicator::Network(network) => prefixes.push(*network, number),
            Indicator::Domain(name) => indicators.domains.insert(name, plain, bits, number),
            Indicator::Below(name) => indicators.domains.insert(name, Scope::Below, bits, number),
            Indicator::Sha256(digest) => indicators.hashes.push((**digest, number)),
            Indicator::AccessKey(key) => indicators.keys.push((key.clone(), number)),
        }
        let threat_name = names.number(entry.threat_name, &mut indicators.threat_names);
        indicators.entries.push(Entry { list: id, threat_name, indicator: entry.indicator, details: entry.details });
    }
    let IndicatorList { name, kind, version, origin, confidence, .. } = list;
    indicators.lists.push(ListInfo { name, kind, version, role, origin, confidence });
}

fn add_networks(indicators: &mut Indicators, mut prefixes: Prefixes) {
    if prefixes.v4.is_empty() && prefixes.v6.is_empty() {
        return;
    }
    let v4 = NOT_ROUTABLE_V4.iter().filter_map(|&(ip, length)| IpNet::new(ip.into(), length).ok());
    let v6 = NOT_ROUTABLE_V6.iter().filter_map(|&(ip, length)| IpNet::new(ip.into(), length).ok());
    v4.chain(v6).for_each(|network| prefixes.push(network, NOT_ROUTABLE));
    drop_repeated(&mut prefixes.v4, &indicators.entries);
    drop_repeated(&mut prefixes.v6, &indicators.entries);

    let mut sets = SetInterner::default();
    indicators.v4 = table(prefixes.v4, indicators, &mut sets);
    indicators.v6 = table(prefixes.v6, indicators, &mut sets);
    indicators.sets = sets.finish();
    indicators.v4_touched = touched(&indicators.v4, &indicators.sets);
}

/// Keeps one of several equal prefixes of one list. Without this, a list that repeats a wide prefix would put the
/// repetitions into the set of every range below it; with it, a set has at most one entry per length and list. The one
/// that was seen last is kept: to be seen again makes an entry young again.
fn drop_repeated<A: Address>(prefixes: &mut Vec<Prefix<A>>, entries: &[Entry]) {
    let list = |prefix: &Prefix<A>| entries.get(prefix.entry as usize).map(|entry| entry.list);
    // Entries are numbered list by list, so those of one list stand together among equal prefixes.
    sort(prefixes);
    let seen = |prefix: &Prefix<A>| entries.get(prefix.entry as usize)?.details.as_ref()?.seen;
    prefixes.dedup_by(|later, kept| {
        let is_same = later.first == kept.first && later.last == kept.last && list(later) == list(kept);
        if is_same && seen(later) > seen(kept) {
            kept.entry = later.entry;
        }
        is_same
    });
}

fn table<A: Address>(prefixes: Vec<Prefix<A>>, indicators: &Indicators, sets: &mut SetInterner) -> RangeTable<A> {
    let mut table = RangeTable::default();
    flatten(prefixes, |first, last, entries| {
        // Ranges that no list mentions are not kept: they answer like any other miss.
        if entries != [NOT_ROUTABLE] {
            table.push(first, last, sets.intern(entries, indicators));
        }
    });
    table.finish();
    table
}

/// The bitmap of the /24 blocks in which a threat entry applies.
fn touched(table: &RangeTable<u32>, sets: &EntrySets) -> Vec<u64> {
    let mut bitmap = vec![0u64; 1 << 18];
    let mut any = false;
    for (first, last, set) in table.iter() {
        if sets.kinds[set as usize] != 0 {
            any = true;
            (first >> 8..=last >> 8).for_each(|block| bitmap[(block >> 6) as usize] |= 1 << (block & 63));
        }
    }
    if any { bitmap } else { Vec::new() }
}

/// Gives equal sets one number.
#[derive(Default)]
struct SetInterner {
    sets: EntrySets,
    numbers: HashTable<u32>,
}

impl SetInterner {
    fn intern(&mut self, entries: &[u32], indicators: &Indicators) -> u32 {
        const HASHER: FixedState = FixedState::with_seed(0x7365_7473);
        let sets = &mut self.sets;
        if sets.starts.is_empty() {
            sets.starts.push(0);
        }
        let hash = HASHER.hash_one(entries);
        if let Some(&number) = self.numbers.find(hash, |&number| sets.members(number) == entries) {
            return number;
        }
        let number = sets.kinds.len() as u32;
        sets.members.extend_from_slice(entries);
        sets.starts.push(sets.members.len() as u32);
        sets.kinds.push(kinds(entries, indicators));
        self.numbers.insert_unique(hash, number, |&number| HASHER.hash_one(sets.members(number)));
        number
    }

    fn finish(self) -> EntrySets {
        self.sets
    }
}

fn kinds(entries: &[u32], indicators: &Indicators) -> u32 {
    let lists = entries.iter().map(|&entry| indicators.list_of(entry).map(|(_, list)| list));
    // An entry without a list is the mark of unroutable space.
    let bits = lists.map(|list| match list?.role {
        ListRole::Threat => Some(list?.kind.bit()),
        ListRole::Trusted => None,
        ListRole::Guard => Some(0),
    });
    bits.collect::<Option<Vec<u32>>>().map_or(0, |bits| bits.into_iter().fold(0, |all, bit| all | bit))
}
