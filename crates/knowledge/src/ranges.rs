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
    /// The last address that begins with these bits; `None` if it is the very last.
    fn last_of_top(top: usize, bits: u32) -> Option<Self>;
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

    fn last_of_top(top: usize, bits: u32) -> Option<Self> {
        (top as u32 + 1).checked_mul(1 << (32 - bits)).map(|next| next - 1)
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

    fn last_of_top(top: usize, bits: u32) -> Option<Self> {
        (top as u128 + 1).checked_mul(1 << (128 - bits)).map(|next| next - 1)
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// Prefixes and ranges lie in shards by the highest byte of their first address. Sorting and flattening take one shard after
/// the other, so that nothing large is ever there twice.
pub(crate) const SHARDS: usize = 256;

/// The bits that name a shard.
const SHARD_BITS: u32 = 8;

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
    pub(crate) v4: Shards<u32>,
    pub(crate) v6: Shards<u128>,
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

/// Prefixes of one family, in shards.
#[derive(Debug)]
pub(crate) struct Shards<A>(Vec<Vec<Prefix<A>>>);

impl<A> Default for Shards<A> {
    fn default() -> Self {
        Self(std::iter::repeat_with(Vec::new).take(SHARDS).collect())
    }
}

impl<A: Address> Shards<A> {
    fn push(&mut self, prefix: Prefix<A>) {
        self.0[prefix.first.top(SHARD_BITS)].push(prefix);
    }

    /// Makes room for so many prefixes in each shard, which spares moving them several times.
    pub(crate) fn reserve(&mut self, counts: &[usize; SHARDS]) {
        self.0.iter_mut().zip(counts).for_each(|(shard, &count)| shard.reserve_exact(count));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Sorts each shard and lets it be changed.
    pub(crate) fn for_each_sorted(&mut self, mut change: impl FnMut(&mut Vec<Prefix<A>>)) {
        for shard in &mut self.0 {
            sort(shard);
            change(shard);
        }
    }
}

/// Puts outer prefixes before inner ones, and equal ones in order of entry.
pub(crate) fn sort<A: Address>(prefixes: &mut [Prefix<A>]) {
    let order = |a: &Prefix<A>, b: &Prefix<A>| {
        a.first.cmp(&b.first).then_with(|| b.last.cmp(&a.last)).then_with(|| a.entry.cmp(&b.entry))
    };
    if !prefixes.is_sorted_by(|a, b| order(a, b).is_le()) {
        sort_dealt(prefixes, A::BYTES, &order);
    }
}

/// Sorts prefixes whose first addresses differ in so many of the lowest bytes only.
fn sort_dealt<A: Address>(
    prefixes: &mut [Prefix<A>],
    bytes: u32,
    order: &impl Fn(&Prefix<A>, &Prefix<A>) -> std::cmp::Ordering,
) {
    if prefixes.len() < DEALT_MIN || bytes == 0 {
        return prefixes.sort_unstable_by(order);
    }
    // Many of them are dealt out by the highest byte first, which is several times faster than to compare them.
    let mut rest = prefixes;
    for count in deal(rest, |prefix| prefix.first.byte(bytes - 1)) {
        let (same, others) = rest.split_at_mut(count);
        sort_dealt(same, bytes - 1, order);
        rest = others;
    }
}

/// From so many prefixes on, dealing pays.
const DEALT_MIN: usize = 1 << 10;

/// Puts the prefixes in order of a byte, in their place, and says how many there are of each.
fn deal<A: Copy>(prefixes: &mut [Prefix<A>], byte: impl Fn(&Prefix<A>) -> usize) -> [usize; 256] {
    let mut counts = [0usize; 256];
    prefixes.iter().for_each(|prefix| counts[byte(prefix)] += 1);
    let (mut next, mut end, mut before) = ([0usize; 256], [0usize; 256], 0);
    for value in 0..256 {
        next[value] = before;
        before += counts[value];
        end[value] = before;
    }
    for value in 0..256 {
        while next[value] < end[value] {
            // Each is put where it belongs, and what stood there is the next to be put.
            let mut prefix = prefixes[next[value]];
            let mut belongs = byte(&prefix);
            while belongs != value {
                std::mem::swap(&mut prefixes[next[belongs]], &mut prefix);
                next[belongs] += 1;
                belongs = byte(&prefix);
            }
            prefixes[next[value]] = prefix;
            next[value] += 1;
        }
    }
    counts
}

/// Calls `emit` with each maximal run of addresses that one set of entries covers, in order.
///
/// The prefixes must nest or be disjoint, as CIDR prefixes always do. Outer entries come before inner ones in a set. The memory
/// of a shard is given up before the next one is looked at.
pub(crate) fn flatten<A: Address>(prefixes: Shards<A>, mut emit: impl FnMut(A, A, &[u32])) {
    let sorted = prefixes.0.into_iter().flat_map(|mut shard| {
        sort(&mut shard);
        shard
    });
    let (mut lasts, mut entries) = (Vec::<A>::new(), Vec::<u32>::new());
    // The first address not yet emitted while prefixes are open; `None` past the very last address.
    let mut at: Option<A> = None;
    for prefix in sorted {
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

/// Sorted disjoint ranges with a value each, in shards, behind an index of the highest bits. No range leaves its shard.
#[derive(Debug)]
pub(crate) struct RangeTable<A> {
    /// For each shard, and in it for each value of the bits that the index has beyond the shard's: the first range that
    /// starts there or later; and one more, how many there are. Empty if there are no ranges.
    index: Vec<u32>,
    index_bits: u32,
    /// All shards, or none.
    shards: Vec<Vec<Range<A>>>,
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
        Self { index: Vec::new(), index_bits: INDEX_BITS, shards: Vec::new() }
    }
}

impl<A: Address> RangeTable<A> {
    /// Appends a range behind all others; neighbours of the same value become one.
    pub(crate) fn push(&mut self, mut first: A, last: A, value: u32) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Vec::new);
        }
        while let Some(end) = A::last_of_top(first.top(SHARD_BITS), SHARD_BITS).filter(|&end| end < last) {
            self.push_within(first, end, value);
            let Some(next) = end.next() else { return };
            first = next;
        }
        self.push_within(first, last, value);
    }

    fn push_within(&mut self, first: A, last: A, value: u32) {
        let shard = &mut self.shards[first.top(SHARD_BITS)];
        if let Some(previous) = shard.last_mut()
            && previous.value == value
            && previous.last.next() == Some(first)
        {
            previous.last = last;
            return;
        }
        shard.push(Range { first, last, value });
    }

    /// Makes the table ready for look-ups, once everything is pushed.
    pub(crate) fn finish(&mut self) {
        self.index.clear();
        let count: usize = self.shards.iter().map(Vec::len).sum();
        if count == 0 {
            return self.shards.clear();
        }
        self.shards.iter_mut().for_each(Vec::shrink_to_fit);
        self.index_bits = if count < LARGE_MIN { INDEX_BITS } else { LARGE_INDEX_BITS };
        let blocks = self.blocks();
        self.index.reserve_exact(SHARDS * (blocks + 1));
        for (number, shard) in self.shards.iter().enumerate() {
            let start = number * (blocks + 1);
            for (position, range) in shard.iter().enumerate() {
                let block = range.first.top(self.index_bits) & (blocks - 1);
                while self.index.len() <= start + block {
                    self.index.push(position as u32);
                }
            }
            self.index.resize(start + blocks + 1, shard.len() as u32);
        }
    }

    /// How many blocks of a shard the index tells apart.
    fn blocks(&self) -> usize {
        1 << (self.index_bits - SHARD_BITS)
    }

    /// The value of the range that holds this address.
    pub(crate) fn get(&self, address: A) -> Option<u32> {
        let blocks = self.blocks();
        let shard = address.top(SHARD_BITS);
        let at = shard * (blocks + 1) + (address.top(self.index_bits) & (blocks - 1));
        let (&low, &high) = (self.index.get(at)?, self.index.get(at + 1)?);
        let ranges = self.shards.get(shard)?;
        let starts = ranges.get(low as usize..high as usize)?;
        // The range before those that start in this block may reach into it.
        let position = (low as usize + starts.partition_point(|range| range.first <= address)).checked_sub(1)?;
        let range = ranges.get(position)?;
        (address <= range.last).then_some(range.value)
    }

    /// Every range with its value, in order; one that leaves its shard is several.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (A, A, u32)> + '_ {
        self.shards.iter().flatten().map(|range| (range.first, range.last, range.value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Prefix, RangeTable, Shards, flatten, sort};
    use proptest::prelude::*;

    fn prefix(bits: u32, length: u32, entry: u32) -> Prefix<u32> {
        let host = u32::MAX.checked_shr(length).unwrap_or(0);
        Prefix { first: bits & !host, last: bits | host, entry }
    }

    fn shards(prefixes: &[Prefix<u32>]) -> Shards<u32> {
        let mut shards = Shards::default();
        prefixes.iter().for_each(|&prefix| shards.push(prefix));
        shards
    }

    fn flattened(prefixes: Vec<Prefix<u32>>) -> Vec<(u32, u32, Vec<u32>)> {
        let mut ranges = Vec::new();
        flatten(shards(&prefixes), |first, last, entries| ranges.push((first, last, entries.to_vec())));
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
    fn a_range_over_many_shards_is_found_in_each() {
        let mut table = RangeTable::default();
        table.push(0x00ff_fffeu32, 0x0300_0001, 7);
        table.push(0xfe00_0000, u32::MAX, 8);
        table.finish();
        let asked =
            [0x00ff_fffd, 0x00ff_fffe, 0x0100_0000, 0x02ff_ffff, 0x0300_0001, 0x0300_0002, 0xfe00_0000, u32::MAX];
        let found = asked.map(|address| table.get(address));
        assert_eq!(found, [None, Some(7), Some(7), Some(7), Some(7), None, Some(8), Some(8)]);
        assert_eq!((u32::last_of_top(1, 8), u32::last_of_top(255, 8)), (Some(0x01ff_ffff), None));
        assert_eq!((u128::last_of_top(0, 8), u128::last_of_top(255, 8)), (Some((1 << 120) - 1), None));
    }

    #[test]
    fn many_prefixes_are_sorted_as_few_are() {
        let mut state = 1u32;
        let mut prefixes: Vec<_> = (0..200 * super::DEALT_MIN as u32)
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
            flatten(shards(&prefixes), |first, last, entries| {
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
