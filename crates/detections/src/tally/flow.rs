//! Flows between two addresses on one service port, seen at one interface in ten minutes.

mod sums;

pub use sums::{FlowSums, Room};

use super::bytes::{Reader, put_group};
use super::{Kept, RecordPlace, Sample, Sampled};
use crate::shared::contact::SLICE_MS;
use std::net::{IpAddr, Ipv6Addr};
use watchfire_model::{Direction, LogStatus, Time, VpcFlow};

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Conversations kept one by one in each tally: more than any guessing that a person must see one by one, and 64 in ten
/// minutes is one every nine seconds.
const CONVERSATIONS_MAX: usize = 64;
/// A record of so few packets is no dialogue. Source: detection-methods, section 2 (outcome of a contact).
const FEW_PACKETS: u64 = 3;

/// Ports that servers listen on though they lie in the range that clients also use, or above 1023: the side with such a
/// port serves. Source: IANA's registry of service names, the ports in common use.
const KNOWN_PORTS: [u16; 40] = [
    1080, 1194, 1389, 1433, 1434, 1521, 1701, 1723, 1812, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3268, 3269,
    3306, 3389, 4444, 4789, 5060, 5432, 5601, 5672, 5900, 5985, 5986, 6379, 6443, 8000, 8080, 8443, 8888, 9092, 9200,
    11211, 27017,
];
/// WireGuard's port, the one service of many hosts among the ports that clients use. Source: its documentation; IANA has none.
const WIREGUARD: u16 = 51_820;
/// The lowest port that clients use by default: Linux from 32768, Windows and IANA from 49152.
const EPHEMERAL_MIN: u16 = 32_768;

/// How little a port looks like a service's: the side with the lower rank serves.
///
/// On the hot path: the client's port of most records is an ephemeral one, and needs no search.
#[inline]
pub fn service_rank(port: u16) -> u8 {
    match port {
        0 => 4,
        1..1024 => 0,
        WIREGUARD => 1,
        EPHEMERAL_MIN.. => 3,
        1024..EPHEMERAL_MIN => 2 - u8::from(is_known(port)),
    }
}

/// Whether the port is one of [`KNOWN_PORTS`]: a bit for each, as a search takes six steps that no processor foresees.
#[inline]
const fn is_known(port: u16) -> bool {
    static BITS: [u64; EPHEMERAL_MIN as usize / 64] = {
        let mut bits = [0; EPHEMERAL_MIN as usize / 64];
        let mut at = 0;
        while at < KNOWN_PORTS.len() {
            bits[KNOWN_PORTS[at] as usize / 64] |= 1 << (KNOWN_PORTS[at] % 64);
            at += 1;
        }
        bits
    };
    let place = port as usize / 64;
    place < BITS.len() && BITS[place] >> (port % 64) & 1 == 1
}

/// What is summed together: two addresses, the port of the side that looks like a server, the protocol, at one interface.
///
/// Which side opened the conversation is not decided here, but from the sums ([`FlowTally`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The slice of ten minutes.
    pub slice: i64,
    client: u128,
    server: u128,
    /// The server's port; 0 where the protocol has none.
    pub port: u16,
    /// The IANA number of the protocol.
    pub protocol: u8,
}

impl FlowKey {
    /// The key of a record, and whether its packets go from the client to the server; `None` for a record without packets
    /// or addresses.
    #[inline]
    pub fn of(flow: &VpcFlow<'_>) -> Option<(Self, bool)> {
        if flow.status != LogStatus::Ok {
            return None;
        }
        let source = bits(flow.packet_source.as_ref().or(flow.source.as_ref())?);
        let target = bits(flow.packet_target.as_ref().or(flow.target.as_ref())?);
        // The lower rank serves, then the lower port, then the lower address: both directions must give one key.
        let source_rank = (service_rank(flow.source_port), flow.source_port, source);
        let target_rank = (service_rank(flow.target_port), flow.target_port, target);
        let is_upstream = target_rank < source_rank;
        let (client, server, port) =
            if is_upstream { (source, target, flow.target_port) } else { (target, source, flow.source_port) };
        let slice = flow.start.ms().div_euclid(SLICE_MS);
        Some((Self { slice, client, server, port, protocol: flow.protocol }, is_upstream))
    }

    /// A hash of the key at the place with this number: the same in every run.
    #[inline]
    pub fn hash_at(&self, place: u32) -> u64 {
        // Both halves of a product: each bit of it depends on bits of both factors. Three products take a third of what a
        // hasher takes that is fed part by part.
        fn mixed(one: u64, other: u64) -> u64 {
            let product = u128::from(one) * u128::from(other);
            product as u64 ^ (product >> 64) as u64
        }
        let ends = mixed(self.client as u64 ^ 0x9e37_79b9_7f4a_7c15, self.server as u64 ^ 0xc2b2_ae3d_27d4_eb4f);
        let high = mixed(
            (self.client >> 64) as u64 ^ 0x1656_67b1_9e37_79f9,
            (self.server >> 64) as u64 ^ 0x27d4_eb2f_1656_67c5,
        );
        let rest = u64::from(place) << 32 | u64::from(self.port) << 8 | u64::from(self.protocol);
        let rest = rest ^ (self.slice as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed(ends ^ rest.rotate_left(17), high.rotate_left(32) ^ rest ^ 0xa076_1d64_78bd_642f)
    }

    /// The side that looks like a client.
    pub fn client(&self) -> IpAddr {
        address(self.client)
    }

    /// The side that looks like a server.
    pub fn server(&self) -> IpAddr {
        address(self.server)
    }

    /// Bytes whose order is that of the keys of one slice and place.
    pub fn encode(&self, into: &mut Vec<u8>) {
        let mut bytes = [0; KEY_BYTES];
        bytes[0..16].copy_from_slice(&self.client.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.server.to_be_bytes());
        bytes[32..34].copy_from_slice(&self.port.to_be_bytes());
        bytes[34] = self.protocol;
        into.extend_from_slice(&bytes);
    }

    /// Reads what [`Self::encode`] wrote in this slice. `None` where the bytes are not that.
    pub fn decode(slice: i64, bytes: &[u8]) -> Option<Self> {
        let ends: &[u8; KEY_BYTES] = bytes.try_into().ok()?;
        Some(Self {
            slice,
            client: u128::from_be_bytes(ends[0..16].try_into().ok()?),
            server: u128::from_be_bytes(ends[16..32].try_into().ok()?),
            port: u16::from_be_bytes(ends[32..34].try_into().ok()?),
            protocol: ends[34],
        })
    }
}

/// Bytes of an encoded key.
const KEY_BYTES: usize = 16 + 16 + 2 + 1;

/// What one side sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Records of this direction.
    pub records: u32,
    /// Records of it that were dropped (REJECT).
    pub rejected: u32,
    /// Records with a SYN and no ACK.
    pub syn: u32,
    /// Records with a SYN and an ACK.
    pub syn_ack: u32,
    /// Records with a reset and no SYN.
    pub reset: u32,
    /// Records of a format without flags, or of a protocol without.
    pub without_flags: u32,
    /// Records of at most three packets.
    pub small: u32,
    /// Records that the interface logged as entering it.
    pub ingress: u32,
    /// Records that the interface logged as leaving it.
    pub egress: u32,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// The earliest start, in milliseconds of the slice; `u32::MAX` without records.
    pub first: u32,
}

/// The sums of one [`FlowKey`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowTally {
    /// From the client to the server.
    pub up: Sent,
    /// From the server to the client.
    pub down: Sent,
    /// The latest end, in milliseconds of the slice.
    pub last: u32,
    /// The conversations, told apart by the client's port: all if they are few, else a sample.
    pub conversations: Sample<Conversation, CONVERSATIONS_MAX>,
}

/// One conversation: the records with one port of the client, both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// The client's port.
    pub port: u16,
    /// TCP flags of the client's records, OR-ed; 0 without.
    pub up_flags: u8,
    /// TCP flags of the server's records, OR-ed.
    pub down_flags: u8,
    /// Whether a record of the client, of the server was dropped (REJECT).
    pub rejected: (bool, bool),
    /// The first start, in milliseconds of the slice.
    pub first: u32,
    /// The last end.
    pub last: u32,
    /// Packets of the client.
    pub up_packets: u32,
    /// Packets of the server.
    pub down_packets: u32,
    /// Bytes of the client.
    pub up_bytes: u32,
    /// Bytes of the server.
    pub down_bytes: u32,
    /// Where its earliest record stands.
    pub place: RecordPlace,
    /// What orders records that start together: whether it is the server's, its packets and bytes.
    earliest: (bool, u32, u32),
}

impl Sampled for Conversation {
    fn hash(&self) -> u64 {
        Self::port_hash(self.port).into()
    }

    fn merge(&mut self, other: Self) {
        self.up_flags |= other.up_flags;
        self.down_flags |= other.down_flags;
        self.rejected = (self.rejected.0 || other.rejected.0, self.rejected.1 || other.rejected.1);
        if (other.first, other.earliest, other.place) < (self.first, self.earliest, self.place) {
            (self.first, self.earliest, self.place) = (other.first, other.earliest, other.place);
        }
        self.last = self.last.max(other.last);
        self.up_packets = self.up_packets.saturating_add(other.up_packets);
        self.down_packets = self.down_packets.saturating_add(other.down_packets);
        self.up_bytes = self.up_bytes.saturating_add(other.up_bytes);
        self.down_bytes = self.down_bytes.saturating_add(other.down_bytes);
    }
}

impl Conversation {
    /// The largest hash.
    pub const HASH_MAX: u64 = u16::MAX as u64;

    /// A permutation of the ports: multiplication by an odd number.
    const fn port_hash(port: u16) -> u16 {
        port.wrapping_mul(0x9e37)
    }
}

/// What the flags of an encoded conversation mean.
mod bit {
    pub(super) const UP_REJECTED: u8 = 1;
    pub(super) const DOWN_REJECTED: u8 = 2;
    /// The earliest record is the server's.
    pub(super) const DOWN_FIRST: u8 = 4;
    /// The earliest record is all that its side sent.
    pub(super) const IS_ALL: u8 = 8;
    /// Its times are whole seconds, as AWS writes them.
    pub(super) const SECONDS: u8 = 16;
    /// Four more numbers follow, which are mostly 0.
    pub(super) const MORE: u8 = 32;
}

impl Conversation {
    /// `file`: of the conversation before, which is mostly this one's.
    fn encode(&self, file: u32, into: &mut Vec<u8>) {
        let (is_down, packets, bytes) = self.earliest;
        let sent = if is_down { (self.down_packets, self.down_bytes) } else { (self.up_packets, self.up_bytes) };
        let is_all = sent == (packets, bytes);
        let is_seconds = self.first.is_multiple_of(1_000) && self.last.is_multiple_of(1_000);
        let (first, last) = if is_seconds { (self.first / 1_000, self.last / 1_000) } else { (self.first, self.last) };
        let (packets, bytes) = if is_all { (0, 0) } else { (packets, bytes) };
        let position = self.place.position;
        let more = [packets, bytes, self.place.file ^ file, (position >> 32) as u32];
        let bits = [
            (self.rejected.0, bit::UP_REJECTED),
            (self.rejected.1, bit::DOWN_REJECTED),
            (is_down, bit::DOWN_FIRST),
            (is_all, bit::IS_ALL),
            (is_seconds, bit::SECONDS),
            (more != [0; 4], bit::MORE),
        ];
        let bits = bits.into_iter().fold(0, |all, (is_set, bit)| all | (u8::from(is_set) * bit));
        let [low, high] = self.port.to_le_bytes();
        let numbers = [
            first,
            last.wrapping_sub(first),
            self.up_packets,
            self.up_bytes,
            self.down_packets,
            self.down_bytes,
            position as u32,
            self.place.tie,
        ];
        put_group([bits, low, high, self.up_flags, self.down_flags], numbers, into);
        if more != [0; 4] {
            put_group([], more, into);
        }
    }

    fn decode(file: u32, reader: &mut Reader<'_>) -> Option<Self> {
        let [bits, low, high, up_flags, down_flags] = reader.chunk()?;
        let [first, lasted, up_packets, up_bytes, down_packets, down_bytes, position, tie] = reader.group()?;
        let more = if bits & bit::MORE != 0 { reader.group()? } else { [0; 4] };
        let [packets, bytes, other_file, position_high] = more;
        let has = |bit: u8| bits & bit != 0;
        let scale = if has(bit::SECONDS) { 1_000 } else { 1 };
        let is_down = has(bit::DOWN_FIRST);
        let sent = if is_down { (down_packets, down_bytes) } else { (up_packets, up_bytes) };
        let (packets, bytes) = if has(bit::IS_ALL) { sent } else { (packets, bytes) };
        let position = u64::from(position_high) << 32 | u64::from(position);
        Some(Self {
            port: u16::from_le_bytes([low, high]),
            up_flags,
            down_flags,
            rejected: (has(bit::UP_REJECTED), has(bit::DOWN_REJECTED)),
            first: first.checked_mul(scale)?,
            last: first.wrapping_add(lasted).checked_mul(scale)?,
            up_packets,
            down_packets,
            up_bytes,
            down_bytes,
            place: RecordPlace { tie, file: other_file ^ file, position },
            earliest: (is_down, packets, bytes),
        })
    }
}

impl Sent {
    fn encode(&self, into: &mut Vec<u8>) {
        let (packets, bytes) = (self.packets, self.bytes);
        let large = [(packets >> 32) as u32, (bytes >> 32) as u32, 0, 0];
        let numbers = [
            self.records,
            self.rejected,
            self.syn,
            self.syn_ack,
            self.reset,
            self.without_flags,
            self.small,
            self.ingress,
            self.egress,
            self.first,
            packets as u32,
            bytes as u32,
        ];
        put_group([u8::from(large != [0; 4])], numbers, into);
        if large != [0; 4] {
            put_group([], large, into);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let [is_large] = reader.chunk()?;
        let numbers: [u32; 12] = reader.group()?;
        let [records, rejected, syn, syn_ack, reset, without_flags, small, ingress, egress, first, rest @ ..] = numbers;
        let [packets_high, bytes_high, ..] = if is_large == 0 { [0; 4] } else { reader.group()? };
        let [packets, bytes] = rest;
        let whole = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let (packets, bytes) = (whole(packets_high, packets), whole(bytes_high, bytes));
        Some(Self {
            records,
            rejected,
            syn,
            syn_ack,
            reset,
            without_flags,
            small,
            ingress,
            egress,
            packets,
            bytes,
            first,
        })
    }
}

/// Appends the bytes of a tally: what either side sent, the last end, and the conversations in order, how many they are and
/// whether there were more.
fn encode<'c>(
    (up, down): (&Sent, &Sent),
    last: u32,
    (kept, count, is_cut): (impl Iterator<Item = &'c Conversation>, usize, bool),
    into: &mut Vec<u8>,
) {
    let sides = [up, down].map(|side| (side, *side != Sent::default()));
    let [(_, has_up), (_, has_down)] = sides;
    let bits = u8::from(has_up) | u8::from(has_down) << 1 | u8::from(is_cut) << 2;
    // At most as many as are kept.
    put_group([bits, count as u8], [last, 0, 0, 0], into);
    sides.into_iter().filter(|(_, is_there)| *is_there).for_each(|(side, _)| side.encode(into));
    let mut file = 0;
    for conversation in kept {
        conversation.encode(file, into);
        file = conversation.place.file;
    }
}

impl Kept for FlowTally {
    fn encode(&self, into: &mut Vec<u8>) {
        let kept = self.conversations.kept();
        encode((&self.up, &self.down), self.last, (kept.iter(), kept.len(), self.conversations.is_cut()), into);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let [bits, count] = reader.chunk()?;
        let [last, ..] = reader.group::<4>()?;
        let mut side = |bit: u8| if bits & bit != 0 { Sent::decode(&mut reader) } else { Some(Sent::default()) };
        let (up, down) = (side(1)?, side(2)?);
        let mut kept = Vec::with_capacity(usize::from(count).min(CONVERSATIONS_MAX));
        let mut file = 0;
        for _ in 0..count {
            let conversation = Conversation::decode(file, &mut reader)?;
            file = conversation.place.file;
            kept.push(conversation);
        }
        Some(Self { up, down, last, conversations: Sample::restored(kept, bits & 4 != 0) })
    }
}

impl FlowTally {
    /// Takes in what another part summed.
    pub fn merge(&mut self, other: Self) {
        self.up.merge(&other.up);
        self.down.merge(&other.down);
        self.last = self.last.max(other.last);
        self.conversations.merge(other.conversations);
    }

    /// Shows where each conversation's earliest record stands, to be changed.
    pub fn each_place(&mut self, mut change: impl FnMut(&mut RecordPlace)) {
        self.conversations.each_mut(|conversation| change(&mut conversation.place));
    }

    /// How many conversations there were, estimated where there were very many.
    pub fn conversation_count(&self) -> u64 {
        self.conversations.distinct(Conversation::HASH_MAX)
    }

    /// The moment of an offset in the slice of this key.
    pub fn moment(key: &FlowKey, offset: u32) -> Time {
        Time::from_ms(key.slice.saturating_mul(SLICE_MS).saturating_add(i64::from(offset)))
    }
}

impl Sent {
    #[inline]
    fn add(&mut self, flow: &VpcFlow<'_>, flags: Option<u8>, first: u32) {
        self.first = if self.records == 0 { first } else { self.first.min(first) };
        self.records += 1;
        self.rejected += u32::from(flow.is_rejected());
        match flags {
            None => self.without_flags += 1,
            Some(flags) if flags & (SYN | ACK) == SYN => self.syn += 1,
            Some(flags) if flags & SYN != 0 => self.syn_ack += 1,
            Some(flags) => self.reset += u32::from(flags & RST != 0),
        }
        self.small += u32::from(flow.packet_count <= FEW_PACKETS);
        self.ingress += u32::from(flow.direction == Some(Direction::Ingress));
        self.egress += u32::from(flow.direction == Some(Direction::Egress));
        self.packets = self.packets.saturating_add(flow.packet_count);
        self.bytes = self.bytes.saturating_add(flow.byte_count);
    }

    fn merge(&mut self, other: &Self) {
        self.first = match (self.records, other.records) {
            (0, _) => other.first,
            (_, 0) => self.first,
            _ => self.first.min(other.first),
        };
        self.records = self.records.saturating_add(other.records);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.syn = self.syn.saturating_add(other.syn);
        self.syn_ack = self.syn_ack.saturating_add(other.syn_ack);
        self.reset = self.reset.saturating_add(other.reset);
        self.without_flags = self.without_flags.saturating_add(other.without_flags);
        self.small = self.small.saturating_add(other.small);
        self.ingress = self.ingress.saturating_add(other.ingress);
        self.egress = self.egress.saturating_add(other.egress);
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// By reference: an address that was written just now, in pieces, is not copied whole without waiting for them.
#[inline]
fn bits(address: &IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => 0xffff << 32 | u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn address(bits: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()
}
