//! Prefixes flattened into sorted, disjoint ranges, for look-ups that answer *all* covering entries at once.
//!
//! A longest-match trie answers one entry and costs a pointer chase for each level. Here the nesting is resolved once,
//! when the table is built: each range knows the set of everything that covers it.

use ipnet::IpNet;
use std::net::IpAddr;

/// An address as a number.
pub(crate) trait Address: Copy + Ord {
    /// The highest 16 bits.
    fn top16(self) -> usize;
    /// The next address, if this is not the last.
    fn next(self) -> Option<Self>;
    /// The previous address, if this is not the first.
    fn previous(self) -> Option<Self>;
}

impl Address for u32 {
    fn top16(self) -> usize {
        (self >> 16) as usize
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Address for u128 {
    fn top16(self) -> usize {
        (self >> 112) as usize
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// One prefix as its first and last address, and the entry that it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix<A> {
    pub(crate) first: A,
    pub(crate) last: A,
    pub(crate) entry: u32,
}

/// Prefixes by family.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    pub(crate) v4: Vec<Prefix<u32>>,
    pub(crate) v6: Vec<Prefix<u128>>,
}

impl Prefixes {
    pub(crate) fn push(&mut self, network: IpNet, entry: u32) {
        match (network.network(), network.broadcast()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                self.v4.push(Prefix { first: first.into(), last: last.into(), entry });
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                self.v6.push(Prefix { first: first.into(), last: last.into(), entry });
            }
            _ => {} // A network and its last address are of one family.
        }
    }
}

/// Puts outer prefixes before inner ones, and equal ones in order of entry.
pub(crate) fn sort<A: Address>(prefixes: &mut [Prefix<A>]) {
    prefixes.sort_unstable_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)).then(a.entry.cmp(&b.entry)));
}

/// Calls `emit` with each maximal run of addresses that one set of entries covers, in order.
///
/// The prefixes must nest or be disjoint, as CIDR prefixes always do. Outer entries come before inner ones in a set.
pub(crate) fn flatten<A: Address>(mut prefixes: Vec<Prefix<A>>, mut emit: impl FnMut(A, A, &[u32])) {
    sort(&mut prefixes);
    let (mut lasts, mut entries) = (Vec::<A>::new(), Vec::<u32>::new());
    // The first address not yet emitted while prefixes are open; `None` past the very last address.
    let mut at: Option<A> = None;
    for prefix in &prefixes {
        while let Some(&last) = lasts.last()
            && last < prefix.first
        {
            close(&mut at, last, &entries, &mut emit);
            lasts.pop();
            entries.pop();
        }
        if !lasts.is_empty()
            && let (Some(from), Some(to)) = (at, prefix.first.previous())
            && from <= to
        {
            emit(from, to, &entries);
        }
        at = Some(prefix.first);
        lasts.push(prefix.last);
        entries.push(prefix.entry);
    }
    while let Some(last) = lasts.pop() {
        close(&mut at, last, &entries, &mut emit);
        entries.pop();
    }
}

/// Emits what is left of the innermost open prefix.
fn close<A: Address>(at: &mut Option<A>, last: A, entries: &[u32], emit: &mut impl FnMut(A, A, &[u32])) {
    if let Some(from) = *at
        && from <= last
    {
        emit(from, last, entries);
        *at = last.next();
    }
}

/// Sorted disjoint ranges with a value each, behind an index of the highest 16 bits.
#[derive(Debug)]
pub(crate) struct RangeTable<A> {
    /// For each value of the highest 16 bits, the first range that starts there or later. Empty if there are no ranges.
    index: Vec<u32>,
    firsts: Vec<A>,
    lasts: Vec<A>,
    values: Vec<u32>,
}

impl<A> Default for RangeTable<A> {
    fn default() -> Self {
        Self { index: Vec::new(), firsts: Vec::new(), lasts: Vec::new(), values: Vec::new() }
    }
}

impl<A: Address> RangeTable<A> {
    /// Appends a range behind all others; neighbours of the same value become one.
    pub(crate) fn push(&mut self, first: A, last: A, value: u32) {
        if let (Some(previous), Some(&same)) = (self.lasts.last_mut(), self.values.last())
            && same == value
            && previous.next() == Some(first)
        {
            *previous = last;
            return;
        }
        self.firsts.push(first);
        self.lasts.push(last);
        self.values.push(value);
    }

    /// Makes the table ready for look-ups, once everything is pushed.
    pub(crate) fn finish(&mut self) {
        self.index.clear();
        if self.firsts.is_empty() {
            return;
        }
        self.index.reserve_exact(65_537);
        for (position, first) in self.firsts.iter().enumerate() {
            while self.index.len() <= first.top16() {
                self.index.push(position as u32);
            }
        }
        self.index.resize(65_537, self.firsts.len() as u32);
    }

    /// The value of the range that holds this address.
    pub(crate) fn get(&self, address: A) -> Option<u32> {
        let top = address.top16();
        let (&low, &high) = (self.index.get(top)?, self.index.get(top + 1)?);
        let starts = self.firsts.get(low as usize..high as usize)?;
        // The range before those that start in this block may reach into it.
        let position = (low as usize + starts.partition_point(|&first| first <= address)).checked_sub(1)?;
        (address <= *self.lasts.get(position)?).then(|| self.values[position])
    }

    /// Every range with its value, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (A, A, u32)> + '_ {
        self.firsts.iter().zip(&self.lasts).zip(&self.values).map(|((&first, &last), &value)| (first, last, value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefix, RangeTable, flatten};
    use proptest::prelude::*;

    fn prefix(bits: u32, length: u32, entry: u32) -> Prefix<u32> {
        let host = u32::MAX.checked_shr(length).unwrap_or(0);
        Prefix { first: bits & !host, last: bits | host, entry }
    }

    fn flattened(prefixes: Vec<Prefix<u32>>) -> Vec<(u32, u32, Vec<u32>)> {
        let mut ranges = Vec::new();
        flatten(prefixes, |first, last, entries| ranges.push((first, last, entries.to_vec())));
        ranges
    }

    #[test]
    fn nested_prefixes_become_ranges_that_know_everything_above_them() {
        let ranges = flattened(vec![prefix(0x0a00_0000, 8, 0), prefix(0x0a01_0000, 16, 1), prefix(0x0a01_0000, 16, 2)]);
        assert_eq!(
            ranges,
            [
                (0x0a00_0000, 0x0a00_ffff, vec![0]),
                (0x0a01_0000, 0x0a01_ffff, vec![0, 1, 2]),
                (0x0a02_0000, 0x0aff_ffff, vec![0]),
            ]
        );
    }

    #[test]
    fn the_very_last_address_is_reached_and_not_passed() {
        assert_eq!(
            flattened(vec![prefix(u32::MAX, 31, 0), prefix(u32::MAX, 32, 1)]),
            [(u32::MAX - 1, u32::MAX - 1, vec![0]), (u32::MAX, u32::MAX, vec![0, 1])]
        );
        assert_eq!(flattened(vec![prefix(0, 0, 7)]), [(0, u32::MAX, vec![7])]);
    }

    #[test]
    fn neighbours_of_one_value_become_one_range() {
        let mut table = RangeTable::default();
        table.push(1u32, 2, 9);
        table.push(3, 4, 9);
        table.push(6, 7, 9);
        table.finish();
        assert_eq!(table.iter().collect::<Vec<_>>(), [(1, 4, 9), (6, 7, 9)]);
        assert_eq!([0, 1, 4, 5, 7, 8].map(|address| table.get(address)), [None, Some(9), Some(9), None, Some(9), None]);
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_asking_every_prefix(
            bits in proptest::collection::vec((any::<u32>(), 0u32..=32), 0..40),
            probes in proptest::collection::vec(any::<u32>(), 0..40),
        ) {
            // Few distinct high bits, so that prefixes really nest.
            let prefixes: Vec<_> =
                bits.iter().enumerate().map(|(entry, &(bits, length))| prefix(bits & 0xc000_03ff, length, entry as u32)).collect();
            let mut sets = Vec::new();
            let mut table = RangeTable::default();
            flatten(prefixes.clone(), |first, last, entries| {
                table.push(first, last, sets.len() as u32);
                sets.push(entries.to_vec());
            });
            table.finish();
            let edges = prefixes.iter().flat_map(|prefix| {
                [prefix.first, prefix.last, prefix.first.wrapping_sub(1), prefix.last.wrapping_add(1)]
            });
            for address in probes.iter().map(|probe| probe & 0xc000_03ff).chain(edges) {
                let mut expected: Vec<u32> = prefixes.iter()
                    .filter(|prefix| (prefix.first..=prefix.last).contains(&address)).map(|prefix| prefix.entry).collect();
                expected.sort_unstable();
                let mut found = table.get(address).map(|set| sets[set as usize].clone()).unwrap_or_default();
                found.sort_unstable();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
