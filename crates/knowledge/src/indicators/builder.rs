//! Merging lists.

use super::label::{Label, Labels, Shape};
use super::{EntrySets, Indicator, IndicatorList, Indicators, ListInfo, ListRole};
use crate::address::{NOT_ROUTABLE_V4, NOT_ROUTABLE_V6};
use crate::ranges::{Address, Prefix, Prefixes, RangeTable, SHARDS, Shards, flatten};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use ipnet::IpNet;
use std::hash::BuildHasher;

/// Collects lists; [`Self::build`] merges them. The order in which lists are added changes no answer.
#[derive(Debug, Default)]
pub struct IndicatorsBuilder {
    lists: Vec<(IndicatorList, ListRole, u32)>,
}

/// The holder of lists that hold for everyone.
pub(super) const EVERYONE: u32 = 0;

/// Stands in a set for "not publicly routable": silences the set as a trusted entry does, and names no list.
const NOT_ROUTABLE: u32 = u32::MAX;

impl IndicatorsBuilder {
    /// Adds a threat list.
    pub fn add(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Threat, EVERYONE));
        self
    }

    /// Adds a trusted list, whose entries silence threat entries.
    pub fn trusted(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Trusted, EVERYONE));
        self
    }

    /// Adds a guard: a list of what many share, which makes public lists about it weigh little.
    pub fn guard(&mut self, list: IndicatorList) -> &mut Self {
        self.lists.push((list, ListRole::Guard, EVERYONE));
        self
    }

    /// Adds a list of one holder among several.
    pub(super) fn add_for(&mut self, holder: u32, list: IndicatorList, role: ListRole) {
        self.lists.push((list, role, holder));
    }

    /// Merges everything that was added.
    pub fn build(self) -> Indicators {
        let mut indicators = self.merged();
        indicators.v4_touched = touched(&indicators.v4, &indicators.sets);
        indicators
    }

    /// The same without what answers for all lists at once, which lists of several holders have no use for.
    pub(super) fn merged(self) -> Indicators {
        let mut indicators = Indicators::default();
        let mut prefixes = Prefixes::default();
        let counts = |count: fn(&IndicatorList) -> usize| self.lists.iter().map(|(list, ..)| count(list)).sum();
        let name_bytes = counts(|list| list.entries.name_bytes());
        indicators.domains.reserve(counts(|list| list.entries.name_count()), name_bytes);
        let mut v4_counts = [1; SHARDS]; // Of the prefixes that are not routable, there is one in a shard.
        self.lists.iter().for_each(|(list, ..)| list.entries.count_v4(&mut v4_counts));
        prefixes.v4.reserve(&v4_counts);
        let (mut names, mut labels) = (Names::default(), Labels::default());
        names.number("", &mut indicators.threat_names);
        for (list, role, holder) in self.lists {
            add_list(&mut indicators, &mut prefixes, &mut names, &mut labels, (list, role, holder));
        }
        indicators.domains.finish();
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
    fn number(&mut self, name: &str, names: &mut Vec<Box<str>>) -> u32 {
        if name.is_empty() && !names.is_empty() {
            return 0;
        }
        if let Some(&number) = self.0.get(name) {
            return number;
        }
        let number = names.len() as u32;
        names.push(name.into());
        self.0.insert(name.into(), number);
        number
    }
}

fn add_list(
    indicators: &mut Indicators,
    prefixes: &mut Prefixes,
    names: &mut Names,
    labels: &mut Labels,
    (list, role, holder): (IndicatorList, ListRole, u32),
) {
    let id = indicators.lists.len() as u32;
    let bits = match role {
        ListRole::Threat => Some(list.kind.bit()),
        ListRole::Trusted => None,
        ListRole::Guard => Some(0),
    };
    let plain = if list.include_subdomains { Shape::ExactAndBelow } else { Shape::Exact };
    indicators.entry_count += list.entries.len();
    let IndicatorList { name, kind, version, origin, confidence, entries, .. } = list;
    indicators.lists.push(ListInfo { name, kind, version, role, origin, confidence, holder });
    for entry in entries.into_entries() {
        let threat_name = names.number(&entry.threat_name, &mut indicators.threat_names);
        let shape = match &entry.indicator {
            Indicator::Network(network) => Shape::Bits(network.prefix_len()),
            Indicator::Domain(_) => plain,
            Indicator::Below(_) => Shape::Below,
            Indicator::Sha256(_) | Indicator::AccessKey(_) => Shape::Whole,
        };
        let label = Label { list: id, threat_name, shape, details: entry.details };
        let label = labels.number(label, &mut indicators.labels);
        match entry.indicator {
            Indicator::Network(network) => prefixes.push(network, label),
            Indicator::Domain(name) | Indicator::Below(name) => indicators.domains.insert(&name, shape, bits, label),
            Indicator::Sha256(digest) => indicators.hashes.push((*digest, label)),
            Indicator::AccessKey(key) => indicators.keys.push((key, label)),
        }
    }
}

fn add_networks(indicators: &mut Indicators, mut prefixes: Prefixes) {
    if prefixes.v4.is_empty() && prefixes.v6.is_empty() {
        return;
    }
    let v4 = NOT_ROUTABLE_V4.iter().filter_map(|&(ip, length)| IpNet::new(ip.into(), length).ok());
    let v6 = NOT_ROUTABLE_V6.iter().filter_map(|&(ip, length)| IpNet::new(ip.into(), length).ok());
    v4.chain(v6).for_each(|network| prefixes.push(network, NOT_ROUTABLE));
    drop_repeated(&mut prefixes.v4, &indicators.labels);
    drop_repeated(&mut prefixes.v6, &indicators.labels);

    let mut sets = SetInterner::default();
    indicators.v4 = table(prefixes.v4, indicators, &mut sets);
    indicators.v6 = table(prefixes.v6, indicators, &mut sets);
    indicators.sets = sets.finish();
}

/// Keeps one of several equal prefixes of one list. Without this, a list that repeats a wide prefix would put the
/// repetitions into the set of every range below it; with it, a set has at most one entry per length and list. The one
/// that was seen last is kept: to be seen again makes an entry young again.
fn drop_repeated<A: Address>(prefixes: &mut Shards<A>, labels: &[Label]) {
    let list = |prefix: &Prefix<A>| labels.get(prefix.entry as usize).map(|label| label.list);
    let seen = |prefix: &Prefix<A>| labels.get(prefix.entry as usize)?.details.as_ref()?.seen;
    // Labels are numbered list by list, so those of one list stand together among equal prefixes.
    prefixes.for_each_sorted(|shard| {
        shard.dedup_by(|later, kept| {
            let is_same = later.first == kept.first && later.last == kept.last && list(later) == list(kept);
            if is_same && seen(later) > seen(kept) {
                kept.entry = later.entry;
            }
            is_same
        });
    });
}

fn table<A: Address>(prefixes: Shards<A>, indicators: &Indicators, sets: &mut SetInterner) -> RangeTable<A> {
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
    /// The set of each label alone, or [`NO_SET`]: nearly every range of a large list has one label.
    alone: Vec<u32>,
}

const NO_SET: u32 = u32::MAX;

impl SetInterner {
    fn intern(&mut self, labels: &[u32], indicators: &Indicators) -> u32 {
        const HASHER: FixedState = FixedState::with_seed(0x7365_7473);
        let sets = &mut self.sets;
        if sets.starts.is_empty() {
            sets.starts.push(0);
        }
        if let [label] = labels
            && let Some(&number) = self.alone.get(*label as usize)
            && number != NO_SET
        {
            return number;
        }
        let hash = HASHER.hash_one(labels);
        if let Some(&number) = self.numbers.find(hash, |&number| sets.members(number) == labels) {
            return number;
        }
        let number = sets.kinds.len() as u32;
        sets.members.extend_from_slice(labels);
        sets.starts.push(sets.members.len() as u32);
        sets.kinds.push(kinds(labels, indicators));
        self.numbers.insert_unique(hash, number, |&number| HASHER.hash_one(sets.members(number)));
        if let [label] = labels
            && *label != NOT_ROUTABLE
        {
            self.alone.resize(self.alone.len().max(*label as usize + 1), NO_SET);
            self.alone[*label as usize] = number;
        }
        number
    }

    fn finish(self) -> EntrySets {
        self.sets
    }
}

fn kinds(labels: &[u32], indicators: &Indicators) -> u32 {
    let lists = labels.iter().map(|&label| indicators.list_of(label).map(|(_, list)| list));
    // A label without a list is the mark of unroutable space.
    let bits = lists.map(|list| match list?.role {
        ListRole::Threat => Some(list?.kind.bit()),
        ListRole::Trusted => None,
        ListRole::Guard => Some(0),
    });
    bits.collect::<Option<Vec<u32>>>().map_or(0, |bits| bits.into_iter().fold(0, |all, bit| all | bit))
}
