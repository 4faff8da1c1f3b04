//! The sums of one key while records come in.

use super::{CONVERSATIONS_MAX, Conversation, FlowKey, Sent, encode};
use crate::shared::contact::{SLICE_MS, TCP};
use crate::tally::{RecordPlace, Sampled, offset_ms, saturating_u32};
use watchfire_model::VpcFlow;

/// Conversations kept until the larger half is dropped. Their places must fit into a byte.
const ROOM: usize = 2 * CONVERSATIONS_MAX;
/// Room for those of pairs with few.
const FEW: usize = 8;
/// Pieces of memory that wait to be used again, of each size at most: 7 MB of the larger.
const WAITING_MAX: usize = 1_024;

/// Memory of conversations that were handed over, for the next. To ask for it and give it back each time was a tenth of
/// what a flow took.
#[derive(Default)]
pub struct Room {
    few: Vec<Vec<Conversation>>,
    many: Vec<Vec<Conversation>>,
    many_in_use: usize,
}

impl Room {
    /// How many sums hold the larger pieces, about 7 kB each.
    pub fn in_use(&self) -> usize {
        self.many_in_use
    }

    /// Makes room for one more, of which there are at most [`ROOM`].
    fn grow(&mut self, kept: &mut Vec<Conversation>) {
        let mut larger = if kept.capacity() == 0 {
            self.few.pop().unwrap_or_else(|| Vec::with_capacity(FEW))
        } else {
            self.many_in_use += 1;
            self.many.pop().unwrap_or_else(|| Vec::with_capacity(ROOM))
        };
        larger.extend_from_slice(kept);
        self.take_back(std::mem::replace(kept, larger));
    }

    fn take_back(&mut self, mut piece: Vec<Conversation>) {
        if piece.capacity() == 0 {
            return;
        }
        piece.clear();
        let is_large = piece.capacity() >= ROOM;
        self.many_in_use -= usize::from(is_large);
        let pieces = if is_large { &mut self.many } else { &mut self.few };
        if pieces.len() < WAITING_MAX {
            pieces.push(piece);
        }
    }
}

/// What a [`FlowTally`](super::FlowTally) is made of: the same sums, and conversations in the order in which they came.
///
/// A conversation's records mostly follow each other, both directions at one moment: the latest one lies within, and is
/// added to without a search. What came before is only appended to, so that one port may stand there several times; they
/// are merged, and the `CONVERSATIONS_MAX` with the smallest hashes are chosen, when there is no more room and at the end.
/// What is kept so is what [`Sample`](crate::tally::Sample) says.
#[derive(Debug)]
pub struct FlowSums {
    up: Sent,
    down: Sent,
    last: u32,
    /// What has a larger hash is out of reach.
    bound: u16,
    is_cut: bool,
    has_latest: bool,
    latest: Conversation,
    earlier: Vec<Conversation>,
}

impl Default for FlowSums {
    fn default() -> Self {
        Self {
            up: Sent::default(),
            down: Sent::default(),
            last: 0,
            bound: u16::MAX,
            is_cut: false,
            has_latest: false,
            latest: Conversation::default(),
            earlier: Vec::new(),
        }
    }
}

impl FlowSums {
    /// Takes in a record of this key; `place` says where it stands, and is asked only where that matters. On the hot path.
    #[inline]
    pub fn add(
        &mut self,
        flow: &VpcFlow<'_>,
        key: &FlowKey,
        is_upstream: bool,
        room: &mut Room,
        place: impl Fn() -> RecordPlace,
    ) {
        let begin = key.slice.saturating_mul(SLICE_MS);
        let (first, last) = (offset_ms(flow.start.ms(), begin), offset_ms(flow.end.ms().max(flow.start.ms()), begin));
        self.last = self.last.max(last);
        let flags = flow.tcp_flags.filter(|_| flow.protocol == TCP);
        let side = if is_upstream { &mut self.up } else { &mut self.down };
        side.add(flow, flags, first);
        let port = if is_upstream { flow.source_port } else { flow.target_port };
        if Conversation::port_hash(port) > self.bound {
            return;
        }
        let (packets, bytes) = (saturating_u32(flow.packet_count), saturating_u32(flow.byte_count));
        let earliest = (!is_upstream, packets, bytes);
        let (flags, is_rejected) = (flags.unwrap_or(0), flow.is_rejected());
        if self.has_latest && self.latest.port == port {
            let known = &mut self.latest;
            if (first, earliest) <= (known.first, known.earliest) {
                let place = place();
                if (first, earliest, place) < (known.first, known.earliest, known.place) {
                    (known.first, known.earliest, known.place) = (first, earliest, place);
                }
            }
            known.last = known.last.max(last);
            if is_upstream {
                known.up_packets = known.up_packets.saturating_add(packets);
                known.up_bytes = known.up_bytes.saturating_add(bytes);
                known.up_flags |= flags;
                known.rejected.0 |= is_rejected;
            } else {
                known.down_packets = known.down_packets.saturating_add(packets);
                known.down_bytes = known.down_bytes.saturating_add(bytes);
                known.down_flags |= flags;
                known.rejected.1 |= is_rejected;
            }
            return;
        }
        if self.has_latest {
            self.put_aside(room);
        }
        self.has_latest = true;
        let of_up = |number: u32| if is_upstream { number } else { 0 };
        let of_down = |number: u32| if is_upstream { 0 } else { number };
        self.latest = Conversation {
            port,
            up_flags: if is_upstream { flags } else { 0 },
            down_flags: if is_upstream { 0 } else { flags },
            rejected: (is_rejected && is_upstream, is_rejected && !is_upstream),
            first,
            last,
            up_packets: of_up(packets),
            down_packets: of_down(packets),
            up_bytes: of_up(bytes),
            down_bytes: of_down(bytes),
            place: place(),
            earliest,
        };
    }

    /// Puts the latest conversation to those before it.
    #[inline]
    fn put_aside(&mut self, room: &mut Room) {
        if self.earlier.len() == self.earlier.capacity() {
            self.make_room(room);
        }
        self.earlier.push(self.latest);
    }

    #[cold]
    fn make_room(&mut self, room: &mut Room) {
        if self.earlier.len() < ROOM { room.grow(&mut self.earlier) } else { self.cut() }
    }

    /// Merges those of one port, and drops what has not one of the smallest hashes.
    fn cut(&mut self) {
        let mut order = [0; ROOM];
        let kept = self.settle(&mut order);
        let mut is_kept = [false; ROOM];
        order[..kept].iter().for_each(|&rank| is_kept[place_of(rank)] = true);
        let mut places = is_kept.into_iter();
        self.earlier.retain(|_| places.next().unwrap_or(false));
    }

    /// Merges those of one port; in `order` the ranks of the ones to keep, in order of their hashes, and how many these are.
    fn settle(&mut self, order: &mut [u32; ROOM]) -> usize {
        let mut count = self.earlier.len().min(ROOM);
        for (place, one) in self.earlier.iter().take(count).enumerate() {
            order[place] = u32::from(Conversation::port_hash(one.port)) << 8 | place as u32;
        }
        order[..count].sort_unstable();
        let mut distinct = 0usize;
        for at in 0..count {
            let rank = order[at];
            if let Some(&known) = distinct.checked_sub(1).and_then(|before| order.get(before))
                && known >> 8 == rank >> 8
            {
                let again = self.earlier[place_of(rank)];
                self.earlier[place_of(known)].merge(again);
            } else {
                order[distinct] = rank;
                distinct += 1;
            }
        }
        count = distinct.min(CONVERSATIONS_MAX);
        if distinct > count {
            self.is_cut = true;
            self.bound = (order[count - 1] >> 8) as u16;
        }
        count
    }

    /// Appends the bytes of the [`FlowTally`](super::FlowTally) that the sums are, and gives back its memory.
    pub fn hand_over(&mut self, room: &mut Room, into: &mut Vec<u8>) {
        if self.earlier.is_empty() {
            let all = std::slice::from_ref(&self.latest).iter().filter(|_| self.has_latest);
            encode((&self.up, &self.down), self.last, (all, usize::from(self.has_latest), false), into);
            return;
        }
        self.put_aside(room);
        let mut order = [0; ROOM];
        let kept = self.settle(&mut order);
        let all = order[..kept].iter().map(|&rank| &self.earlier[place_of(rank)]);
        encode((&self.up, &self.down), self.last, (all, kept, self.is_cut), into);
        room.take_back(std::mem::take(&mut self.earlier));
    }

    /// The tally.
    #[cfg(test)]
    pub(crate) fn finish(mut self, room: &mut Room) -> super::FlowTally {
        let mut bytes = Vec::new();
        self.hand_over(room, &mut bytes);
        crate::tally::Kept::decode(&bytes).unwrap()
    }
}

/// Where the conversation of a rank stands.
const fn place_of(rank: u32) -> usize {
    (rank & 0xff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::FlowTally;
    use proptest::prelude::*;
    use watchfire_model::{LogStatus, Time, Verdict};

    /// Records of one key: its client's port, seconds, packets, whether the server's, and what they say beyond.
    fn sums(records: &[(u16, i64, u64, bool, u32)], room: &mut Room) -> FlowTally {
        let mut sums = FlowSums::default();
        for &(port, at, packets, is_down, tie) in records {
            let address = |last: u8| Some(std::net::IpAddr::from([10, 0, 0, last]));
            let (source_port, target_port) = if is_down { (443, port) } else { (port, 443) };
            let flow = VpcFlow {
                source: address(if is_down { 2 } else { 1 }),
                target: address(if is_down { 1 } else { 2 }),
                source_port,
                target_port,
                protocol: TCP,
                packet_count: packets,
                byte_count: packets * 60,
                start: Time::from_seconds(at),
                end: Time::from_seconds(at + 5),
                verdict: Some(if packets == 1 { Verdict::Reject } else { Verdict::Accept }),
                tcp_flags: Some(packets as u8),
                status: LogStatus::Ok,
                ..VpcFlow::default()
            };
            let (key, is_upstream) = FlowKey::of(&flow).unwrap();
            assert_eq!(is_upstream, !is_down);
            sums.add(&flow, &key, is_upstream, room, || RecordPlace { tie, file: tie % 3, position: tie.into() });
        }
        sums.finish(room)
    }

    proptest! {
        /// However records are dealt out, in whatever order: the sums are the same, and so is each conversation kept.
        #[test]
        fn any_parts_of_flows_in_any_order_merge_to_the_same(
            records in proptest::collection::vec((40_000u16..40_200, 0i64..600, 1u64..4, any::<bool>(), any::<u32>()), 0..600),
            parts in proptest::collection::vec(0usize..3, 600),
            many in any::<bool>(),
        ) {
            let mut records = records;
            if !many {
                records.truncate(12);
            }
            let mut room = Room::default();
            let whole = sums(&records, &mut room);
            let mut merged: Option<FlowTally> = None;
            for part in 0..3 {
                let own: Vec<_> = records.iter().zip(&parts).rev().filter(|(_, of)| **of == part).map(|(one, _)| *one).collect();
                let tally = sums(&own, &mut room);
                match &mut merged {
                    Some(merged) => merged.merge(tally),
                    None => merged = Some(tally),
                }
            }
            prop_assert_eq!(merged.unwrap(), whole.clone());
            prop_assert_eq!(room.in_use(), 0);
            let ports: std::collections::BTreeSet<u16> = records.iter().map(|record| record.0).collect();
            prop_assert_eq!(whole.conversations.kept().len(), ports.len().min(CONVERSATIONS_MAX));
            prop_assert_eq!(whole.conversations.is_cut(), ports.len() > CONVERSATIONS_MAX);
            for kept in whole.conversations.kept() {
                let own = || records.iter().filter(|record| record.0 == kept.port);
                let packets = |is_down: bool| own().filter(|record| record.3 == is_down).map(|record| record.2 as u32).sum::<u32>();
                prop_assert_eq!((kept.up_packets, kept.down_packets), (packets(false), packets(true)));
                prop_assert_eq!(kept.first, own().map(|record| record.1 as u32 * 1_000).min().unwrap());
            }
        }
    }
}
