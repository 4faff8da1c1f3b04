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

/// Slots of a block: 512 KiB.
const BLOCK: usize = 1 << 16;

/// Bits of a place in the text: the number of the block, and [`TEXT_BLOCK_BITS`] of the place in it.
const START_BITS: u32 = 36;
const TEXT_BLOCK_BITS: u32 = 20;

/// Bytes of a block of text.
const TEXT_BLOCK: usize = 1 << TEXT_BLOCK_BITS;

/// Entries in the order in which the list has them.
#[derive(Clone, Default)]
pub struct ListEntries {
    /// In blocks, all but the last of which are full: many entries are never moved, and are freed little by little.
    slots: Vec<Vec<u64>>,
    len: usize,
    /// Domains, one behind the other, in blocks of up to [`TEXT_BLOCK`] bytes.
    text: Vec<String>,
    others: Vec<ListEntry>,
    /// Names of threats, each once.
    names: Vec<Box<str>>,
    /// Positions in `names`.
    numbers: HashTable<u32>,
}

impl ListEntries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one behind the others.
    pub fn push(&mut self, entry: ListEntry) {
        let ListEntry { indicator, threat_name, details } = entry;
        self.add(indicator, &threat_name, details);
    }

    /// Adds one behind the others, without a copy of the threat's name if it is known already.
    pub fn add(&mut self, indicator: Indicator, threat_name: &str, details: Option<Box<EntryDetails>>) {
        let slot = if details.is_none() { self.slot(&indicator, threat_name) } else { None };
        let packed = slot.unwrap_or(OTHER | self.others.len() as u64);
        match self.slots.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(packed),
            Some(_) => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(packed);
                self.slots.push(block);
            }
            None => self.slots.push(vec![packed]),
        }
        self.len += 1;
        if slot.is_none() {
            self.others.push(ListEntry { indicator, threat_name: threat_name.into(), details });
        }
    }

    /// The entry at this position.
    pub fn get(&self, at: usize) -> Option<ListEntry> {
        self.entry(*self.slots.get(at / BLOCK)?.get(at % BLOCK)?)
    }

    /// Every entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = ListEntry> + Clone + '_ {
        self.slots.iter().flatten().filter_map(|&slot| self.entry(slot))
    }

    /// Every entry, in order; memory is given up on the way.
    pub(super) fn into_entries(mut self) -> impl Iterator<Item = ListEntry> {
        let slots = std::mem::take(&mut self.slots);
        let mut read_blocks = 0;
        slots.into_iter().flatten().filter_map(move |slot| {
            if matches!(slot & KIND, DOMAIN | BELOW) {
                let block = text_block(slot);
                while read_blocks < block {
                    self.text[read_blocks] = String::new();
                    read_blocks += 1;
                }
            }
            self.entry(slot)
        })
    }

    /// Gives up room that is not used.
    pub fn shrink(&mut self) {
        self.slots.iter_mut().for_each(Vec::shrink_to_fit);
        self.text.iter_mut().for_each(String::shrink_to_fit);
        self.others.shrink_to_fit();
    }

    /// Adds up how many IPv4 prefixes there are of each first byte.
    pub(super) fn count_v4(&self, counts: &mut [usize; 256]) {
        for &slot in self.slots.iter().flatten().filter(|&&slot| slot & KIND == V4) {
            counts[(slot >> 24) as usize & 255] += 1;
        }
        for entry in &self.others {
            if let Indicator::Network(IpNet::V4(network)) = entry.indicator {
                counts[usize::from(network.addr().octets()[0])] += 1;
            }
        }
    }

    /// How many are names.
    pub(super) fn name_count(&self) -> usize {
        let is_name = |entry: &&ListEntry| matches!(entry.indicator, Indicator::Domain(_) | Indicator::Below(_));
        let in_text = self.slots.iter().flatten().filter(|&&slot| matches!(slot & KIND, DOMAIN | BELOW));
        in_text.count() + self.others.iter().filter(is_name).count()
    }

    /// How many bytes the names have together.
    pub(super) fn name_bytes(&self) -> usize {
        let length = |entry: &ListEntry| match &entry.indicator {
            Indicator::Domain(name) | Indicator::Below(name) => name.len(),
            _ => 0,
        };
        self.text.iter().map(String::len).sum::<usize>() + self.others.iter().map(length).sum::<usize>()
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
        let length = u8::try_from(name.len()).ok()?;
        if self.text.last().is_none_or(|block| block.len() + name.len() > TEXT_BLOCK) {
            if self.text.len() >= 1 << (START_BITS - TEXT_BLOCK_BITS) {
                return None;
            }
            self.text.push(String::new());
        }
        let threat = self.number(threat_name, DOMAIN_NAME_BITS)?;
        let number = self.text.len() - 1;
        let block = self.text.last_mut()?;
        let start = (number << TEXT_BLOCK_BITS | block.len()) as u64;
        block.push_str(name);
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
                let start = rest as usize & (TEXT_BLOCK - 1);
                let end = start + (rest >> START_BITS & 0xff) as usize;
                let name = self.text.get(text_block(slot))?.get(start..end)?.into();
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
        // Most lists name nothing, and many one thing. Empty texts are not compared: glibc's `memcmp` looks at where they would
        // be, which is nowhere, and that takes it longer than all the rest of reading an address.
        if names.first().is_some_and(|first| first.len() == name.len() && (name.is_empty() || **first == *name)) {
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

/// The number of the block that holds the name of this slot.
fn text_block(slot: u64) -> usize {
    (slot as usize & ((1 << START_BITS) - 1)) >> TEXT_BLOCK_BITS
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
        let mut v4 = [0; 256];
        list.count_v4(&mut v4);
        assert_eq!((v4[198], v4[9], v4.iter().sum::<usize>(), list.name_count()), (3, 3, 6, 9));
        assert_eq!(list.iter().collect::<Vec<_>>(), entries);
        assert_eq!(list.clone().into_entries().collect::<Vec<_>>(), entries);
        assert_eq!((list.len(), list.get(1).as_ref(), list.get(entries.len())), (entries.len(), entries.get(1), None));
    }

    #[test]
    fn many_entries_lie_in_blocks() {
        let entry = |at: usize| ListEntry {
            indicator: indicator(&format!("9.{}.{}.{}", at >> 16, at >> 8 & 255, at & 255)).unwrap(),
            threat_name: Box::default(),
            details: None,
        };
        let count = 2 * super::BLOCK + 3;
        let list: ListEntries = (0..count).map(entry).collect();
        assert_eq!((list.len(), list.slots.len()), (count, 3));
        for at in [0, super::BLOCK - 1, super::BLOCK, count - 1] {
            assert_eq!(list.get(at), Some(entry(at)));
        }
        assert!(list.iter().eq((0..count).map(entry)) && list.into_entries().eq((0..count).map(entry)));
    }

    #[test]
    fn many_names_lie_in_blocks() {
        let entry = |at: usize| ListEntry {
            indicator: indicator(&format!("{}{at}.example.com", "a".repeat(50))).unwrap(),
            threat_name: Box::default(),
            details: None,
        };
        let count = 2 * super::TEXT_BLOCK / 60;
        let list: ListEntries = (0..count).map(entry).collect();
        assert_eq!(list.text.len(), 3);
        assert!(list.iter().eq((0..count).map(entry)) && list.into_entries().eq((0..count).map(entry)));
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
