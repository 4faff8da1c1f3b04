//! Prefixes flattened into sorted, disjoint ranges, for look-ups that answer *all* covering entries at once.
//!
//! A longest-match trie answers one entry and costs a pointer chase for each level. Here the nesting is resolved once,
//! when the table is built: each range knows the set of everything that covers it.

use ipnet::IpNet;
use std::net::IpAddr;

/// An address as a number.
pub(crate) trait Address: Copy + Ord {
    /// How many bytes it has.
    const BYTES: u32;
    /// One of its bytes, the lowest first.
    fn byte(self, at: u32) -> usize;
    /// So many of the highest bits, at most 32.
    fn top(self, bits: u32) -> usize;
    /// The next address, if this is not the last.
    fn next(self) -> Option<Self>;
    /// The previous address, if this is not the first.
    fn previous(self) -> Option<Self>;
}

impl Address for u32 {
    const BYTES: u32 = 4;

    fn byte(self, at: u32) -> usize {
        (self >> (8 * at)) as usize & 255
    }

    fn top(self, bits: u32) -> usize {
        (self >> (32 - bits)) as usize
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Address for u128 {
    const BYTES: u32 = 16;

    fn byte(self, at: u32) -> usize {
        (self >> (8 * at)) as usize & 255
    }

    fn top(self, bits: u32) -> usize {
        (self >> (128 - bits)) as usize
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
pub(crate) fn sort<A: Address>(prefixes: &mut Vec<Prefix<A>>) {
    let order = |a: &Prefix<A>, b: &Prefix<A>| {
        a.first.cmp(&b.first).then_with(|| b.last.cmp(&a.last)).then_with(|| a.entry.cmp(&b.entry))
    };
    if prefixes.len() < DEALT_MIN || prefixes.is_sorted_by(|a, b| order(a, b).is_le()) {
        return prefixes.sort_unstable_by(order);
    }
    // Millions of them are dealt out by their first address, the lowest byte first: several times faster. Afterwards only
    // neighbours with the same first address stand in no order.
    let mut other = prefixes.clone();
    for byte in 0..A::BYTES {
        if deal(prefixes, &mut other, |prefix| prefix.first.byte(byte)) {
            std::mem::swap(prefixes, &mut other);
        }
    }
    prefixes.chunk_by_mut(|a, b| a.first == b.first).for_each(|same| same.sort_unstable_by(order));
}

/// From so many prefixes on, dealing pays.
const DEALT_MIN: usize = 1 << 18;

/// Copies the prefixes in order of a byte, equal ones in the order in which they are. False, and nothing is copied, if the
/// byte is the same of all.
fn deal<A: Copy>(from: &[Prefix<A>], to: &mut [Prefix<A>], byte: impl Fn(&Prefix<A>) -> usize) -> bool {
    let mut places = [0usize; 256];
    from.iter().for_each(|prefix| places[byte(prefix)] += 1);
    if places.contains(&from.len()) {
        return false;
    }
    let mut before = 0;
    for place in &mut places {
        before += std::mem::replace(place, before);
    }
    for prefix in from {
        let place = &mut places[byte(prefix)];
        to[*place] = *prefix;
        *place += 1;
    }
    true
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

/// Sorted disjoint ranges with a value each, behind an index of the highest bits.
#[derive(Debug)]
pub(crate) struct RangeTable<A> {
    /// For each value of the highest [`Self::index_bits`] bits, the first range that starts there or later. Empty if there
    /// are no ranges.
    index: Vec<u32>,
    index_bits: u32,
    ranges: Vec<Range<A>>,
}

/// One range: all of it side by side, so that a look-up waits for memory once.
#[derive(Clone, Copy, Debug)]
struct Range<A> {
    first: A,
    last: A,
    value: u32,
}

/// Bits of the index, and of the index of a large table: 256 KiB and 4 MiB.
const INDEX_BITS: u32 = 16;
const LARGE_INDEX_BITS: u32 = 20;

/// From so many ranges on, a table has a large index: with ten million of them some ten start in a block.
const LARGE_MIN: usize = 1 << 20;

impl<A> Default for RangeTable<A> {
    fn default() -> Self {
        Self { index: Vec::new(), index_bits: INDEX_BITS, ranges: Vec::new() }
    }
}

impl<A: Address> RangeTable<A> {
    /// Appends a range behind all others; neighbours of the same value become one.
    pub(crate) fn push(&mut self, first: A, last: A, value: u32) {
        if let Some(previous) = self.ranges.last_mut()
            && previous.value == value
            && previous.last.next() == Some(first)
        {
            previous.last = last;
            return;
        }
        self.ranges.push(Range { first, last, value });
    }

    /// Makes room for so many ranges.
    pub(crate) fn reserve(&mut self, ranges: usize) {
        self.ranges.reserve_exact(ranges);
    }

    /// Makes the table ready for look-ups, once everything is pushed.
    pub(crate) fn finish(&mut self) {
        self.ranges.shrink_to_fit();
        self.index.clear();
        if self.ranges.is_empty() {
            return;
        }
        self.index_bits = if self.ranges.len() < LARGE_MIN { INDEX_BITS } else { LARGE_INDEX_BITS };
        let blocks = 1 << self.index_bits;
        self.index.reserve_exact(blocks + 1);
        for (position, range) in self.ranges.iter().enumerate() {
            while self.index.len() <= range.first.top(self.index_bits) {
                self.index.push(position as u32);
            }
        }
        self.index.resize(blocks + 1, self.ranges.len() as u32);
    }

    /// The value of the range that holds this address.
    pub(crate) fn get(&self, address: A) -> Option<u32> {
        let top = address.top(self.index_bits);
        let (&low, &high) = (self.index.get(top)?, self.index.get(top + 1)?);
        let starts = self.ranges.get(low as usize..high as usize)?;
        // The range before those that start in this block may reach into it.
        let position = (low as usize + starts.partition_point(|range| range.first <= address)).checked_sub(1)?;
        let range = self.ranges.get(position)?;
        (address <= range.last).then_some(range.value)
    }

    /// Every range with its value, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (A, A, u32)> + '_ {
        self.ranges.iter().map(|range| (range.first, range.last, range.value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefix, RangeTable, flatten, sort};
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

    #[test]
    fn many_prefixes_are_sorted_as_few_are() {
        let mut state = 1u32;
        let mut prefixes: Vec<_> = (0..super::DEALT_MIN as u32 + 5)
            .map(|entry| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                prefix(state & 0xf00f_ff00, 20 + (state >> 3) % 13, entry % 7)
            })
            .collect();
        let key = |prefix: &Prefix<u32>| (prefix.first, !prefix.last, prefix.entry);
        let mut expected: Vec<_> = prefixes.iter().map(key).collect();
        expected.sort_unstable();
        sort(&mut prefixes);
        assert!(prefixes.iter().map(key).eq(expected));
    }

    #[test]
    fn a_large_table_answers_like_a_small_one() {
        let mut table = RangeTable::default();
        let count = super::LARGE_MIN as u32 + 3;
        (0..count).for_each(|at| table.push(at * 4000, at * 4000 + 9, at));
        table.finish();
        for at in [0, 1, 77, 70_000, count - 1] {
            let first = at * 4000;
            let found = [first.wrapping_sub(1), first, first + 9, first + 10].map(|address| table.get(address));
            assert_eq!(found, [None, Some(at), Some(at), None], "{at}");
        }
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
