//! The entries of one list, kept small: ten million IPv4 entries take 80 MB, a million names 30 MB.

use super::{EntryDetails, Indicator, ListEntry};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::hash::BuildHasher;

const HASHER: FixedState = FixedState::with_seed(0x656e_7472_6965_7300);

/// What a slot is, in its highest two bits.
///
/// An IPv4 prefix: 24 bits number of the threat's name, 6 bits length, 32 bits address. A name: 18 bits number of the
/// threat's name, 8 bits length, 36 bits where it begins in [`ListEntries::text`]. Anything else: a position in
/// [`ListEntries::others`]; so are entries of which the list says more.
const KIND: u64 = 3 << 62;
const V4: u64 = 0;
const DOMAIN: u64 = 1 << 62;
const BELOW: u64 = 2 << 62;
const OTHER: u64 = 3 << 62;

/// Bits of the number of a threat's name.
const V4_NAME_BITS: u32 = 24;
const DOMAIN_NAME_BITS: u32 = 18;

/// Bits of a place in the text.
const START_BITS: u32 = 36;

/// Entries in the order in which the list has them.
#[derive(Clone, Default)]
pub struct ListEntries {
    slots: Vec<u64>,
    /// Domains, one behind the other.
    text: String,
    others: Vec<ListEntry>,
    /// Names of threats, each once.
    names: Vec<Box<str>>,
    /// Positions in `names`.
    numbers: HashTable<u32>,
}

impl ListEntries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds one behind the others.
    pub fn push(&mut self, entry: ListEntry) {
        let ListEntry { indicator, threat_name, details } = entry;
        self.add(indicator, &threat_name, details);
    }

    /// Adds one behind the others, without a copy of the threat's name if it is known already.
    pub fn add(&mut self, indicator: Indicator, threat_name: &str, details: Option<Box<EntryDetails>>) {
        let slot = if details.is_none() { self.slot(&indicator, threat_name) } else { None };
        self.slots.push(slot.unwrap_or(OTHER | self.others.len() as u64));
        if slot.is_none() {
            self.others.push(ListEntry { indicator, threat_name: threat_name.into(), details });
        }
    }

    /// The entry at this position.
    pub fn get(&self, at: usize) -> Option<ListEntry> {
        self.entry(*self.slots.get(at)?)
    }

    /// Every entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = ListEntry> + Clone + '_ {
        self.slots.iter().filter_map(|&slot| self.entry(slot))
    }

    /// Gives up room that is not used.
    pub fn shrink(&mut self) {
        self.slots.shrink_to_fit();
        self.text.shrink_to_fit();
        self.others.shrink_to_fit();
    }

    /// How many are IPv4 prefixes.
    pub(super) fn v4_count(&self) -> usize {
        let is_v4 = |entry: &&ListEntry| matches!(entry.indicator, Indicator::Network(IpNet::V4(_)));
        self.slots.iter().filter(|&&slot| slot & KIND == V4).count() + self.others.iter().filter(is_v4).count()
    }

    /// How many are names.
    pub(super) fn name_count(&self) -> usize {
        let is_name = |entry: &&ListEntry| matches!(entry.indicator, Indicator::Domain(_) | Indicator::Below(_));
        let in_text = self.slots.iter().filter(|&&slot| matches!(slot & KIND, DOMAIN | BELOW));
        in_text.count() + self.others.iter().filter(is_name).count()
    }

    /// How many bytes the names have together.
    pub(super) fn name_bytes(&self) -> usize {
        let length = |entry: &ListEntry| match &entry.indicator {
            Indicator::Domain(name) | Indicator::Below(name) => name.len(),
            _ => 0,
        };
        self.text.len() + self.others.iter().map(length).sum::<usize>()
    }

    /// The slot of an entry of which the list says nothing but perhaps a name; `None` if it has to be kept whole.
    fn slot(&mut self, indicator: &Indicator, threat_name: &str) -> Option<u64> {
        let (kind, name) = match indicator {
            Indicator::Network(IpNet::V4(network)) => {
                let threat = self.number(threat_name, V4_NAME_BITS)?;
                let (address, length) = (u32::from(network.addr()), network.prefix_len());
                return Some(V4 | threat << 38 | u64::from(length) << 32 | u64::from(address));
            }
            Indicator::Domain(name) => (DOMAIN, name),
            Indicator::Below(name) => (BELOW, name),
            _ => return None,
        };
        let (start, length) = (self.text.len() as u64, u8::try_from(name.len()).ok()?);
        if start >> START_BITS != 0 {
            return None;
        }
        let threat = self.number(threat_name, DOMAIN_NAME_BITS)?;
        self.text.push_str(name);
        Some(kind | threat << (START_BITS + 8) | u64::from(length) << START_BITS | start)
    }

    fn entry(&self, slot: u64) -> Option<ListEntry> {
        let rest = slot & !KIND;
        let (indicator, threat) = match slot & KIND {
            OTHER => return self.others.get(rest as usize).cloned(),
            V4 => {
                let network = Ipv4Net::new((rest as u32).into(), (rest >> 32) as u8 & 63).ok()?;
                (Indicator::Network(network.into()), rest >> 38)
            }
            kind => {
                let (start, length) = (rest & ((1 << START_BITS) - 1), rest >> START_BITS & 0xff);
                let name = self.text.get(start as usize..(start + length) as usize)?.into();
                let indicator = if kind == DOMAIN { Indicator::Domain(name) } else { Indicator::Below(name) };
                (indicator, rest >> (START_BITS + 8))
            }
        };
        let threat_name = self.names.get(threat as usize)?.clone();
        Some(ListEntry { indicator, threat_name, details: None })
    }

    /// The number of a threat's name; `None` if there are too many of them for so many bits.
    fn number(&mut self, name: &str, bits: u32) -> Option<u64> {
        let Self { names, numbers, .. } = self;
        // Most lists name nothing, and many one thing.
        if names.first().is_some_and(|first| **first == *name) {
            return Some(0);
        }
        let hash = HASHER.hash_one(name);
        let fits = |number: u32| (number >> bits == 0).then_some(u64::from(number));
        if let Some(&number) = numbers.find(hash, |&number| *names[number as usize] == *name) {
            return fits(number);
        }
        let number = u32::try_from(names.len()).ok()?;
        let fitting = fits(number)?;
        numbers.insert_unique(hash, number, |&number| HASHER.hash_one(&*names[number as usize]));
        names.push(name.into());
        Some(fitting)
    }
}

impl Extend<ListEntry> for ListEntries {
    fn extend<T: IntoIterator<Item = ListEntry>>(&mut self, entries: T) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }
}

impl FromIterator<ListEntry> for ListEntries {
    fn from_iter<T: IntoIterator<Item = ListEntry>>(entries: T) -> Self {
        let mut list = Self::default();
        list.extend(entries);
        list
    }
}

impl PartialEq for ListEntries {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for ListEntries {}

impl fmt::Debug for ListEntries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::ListEntries;
    use crate::indicators::{EntryDetails, ListEntry};
    use crate::lists::indicator;
    use watchfire_model::Time;

    #[test]
    fn entries_come_out_as_they_went_in() {
        let details =
            EntryDetails { seen: Some(Time::parse_lenient("2026-01-01").unwrap()), ..EntryDetails::default() };
        let long = format!("{}.example.com", vec!["a"; 120].join("."));
        let texts = ["198.51.100.7", "9.1.0.0/16", "2001:db8::/32", "*.example.com", "example.com", &long];
        let entries: Vec<ListEntry> = texts
            .iter()
            .flat_map(|text| [(text, "", None), (text, "Emotet", None), (text, "", Some(Box::new(details)))])
            .filter_map(|(text, name, details)| {
                Some(ListEntry { indicator: indicator(text).ok()?, threat_name: name.into(), details })
            })
            .collect();
        let list: ListEntries = entries.iter().cloned().collect();
        assert_eq!((list.v4_count(), list.name_count()), (6, 9));
        assert_eq!(list.iter().collect::<Vec<_>>(), entries);
        assert_eq!((list.len(), list.get(1).as_ref(), list.get(entries.len())), (entries.len(), entries.get(1), None));
    }

    #[test]
    fn more_threats_than_have_a_number_keep_their_names() {
        let entry = |at: u32| ListEntry {
            indicator: indicator(&format!("h{at}.example.com")).unwrap(),
            threat_name: format!("threat {at}").into(),
            details: None,
        };
        let list: ListEntries = (0..(1 << super::DOMAIN_NAME_BITS) + 3).map(entry).collect();
        assert_eq!(list.others.len(), 3);
        for at in [0, 1, list.len() - 4, list.len() - 1] {
            assert_eq!(list.get(at), Some(entry(at as u32)));
        }
    }
}
