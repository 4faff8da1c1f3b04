//! Flows between two addresses on one service port, seen at one interface in ten minutes.

use super::{Place, Places, RecordPlace, Sample, Sampled, offset_ms, saturating_u32};
use crate::shared::contact::{SLICE_MS, TCP};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
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
/// The lowest port that clients use by default: Linux from 32768, Windows and IANA from 49152.
const EPHEMERAL_MIN: u16 = 32_768;

/// How little a port looks like a service's: the side with the lower rank serves.
pub fn service_rank(port: u16) -> u8 {
    match port {
        0 => 4,
        1..1024 => 0,
        _ if KNOWN_PORTS.binary_search(&port).is_ok() => 1,
        1024..EPHEMERAL_MIN => 2,
        EPHEMERAL_MIN.. => 3,
    }
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
    pub fn of(flow: &VpcFlow<'_>) -> Option<(Self, bool)> {
        if flow.status != LogStatus::Ok {
            return None;
        }
        let (source, target) = (bits(flow.real_source()?), bits(flow.real_target()?));
        // The lower rank serves, then the lower port, then the lower address: both directions must give one key.
        let source_rank = (service_rank(flow.source_port), flow.source_port, source);
        let target_rank = (service_rank(flow.target_port), flow.target_port, target);
        let is_upstream = target_rank < source_rank;
        let (client, server, port) =
            if is_upstream { (source, target, flow.target_port) } else { (target, source, flow.source_port) };
        let slice = flow.start.ms().div_euclid(SLICE_MS);
        Some((Self { slice, client, server, port, protocol: flow.protocol }, is_upstream))
    }

    /// The side that looks like a client.
    pub fn client(&self) -> IpAddr {
        address(self.client)
    }

    /// The side that looks like a server.
    pub fn server(&self) -> IpAddr {
        address(self.server)
    }

    /// Bytes whose order is that of the keys of one slice. `place` is what [`Place::encode`] wrote.
    pub fn encode(&self, place: &[u8], into: &mut Vec<u8>) {
        into.extend_from_slice(place);
        into.extend_from_slice(&self.client.to_be_bytes());
        into.extend_from_slice(&self.server.to_be_bytes());
        into.extend_from_slice(&self.port.to_be_bytes());
        into.push(self.protocol);
    }

    /// Reads what [`Self::encode`] wrote in this slice. `None` where the bytes are not that.
    pub fn decode(slice: i64, bytes: &[u8], places: &mut Places) -> Option<(Self, Place)> {
        let (place, ends) = places.read(bytes)?;
        let ends: &[u8; 35] = ends.try_into().ok()?;
        let key = Self {
            slice,
            client: u128::from_be_bytes(ends[0..16].try_into().ok()?),
            server: u128::from_be_bytes(ends[16..32].try_into().ok()?),
            port: u16::from_be_bytes(ends[32..34].try_into().ok()?),
            protocol: ends[34],
        };
        Some((key, place))
    }
}

/// What one side sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// One conversation: the records with one port of the client, both directions. Saved as bytes: there are very many.
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
        Self::hash_of(self.port)
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
    const fn hash_of(port: u16) -> u64 {
        port.wrapping_mul(0x9e37) as u64
    }
}

/// Bytes of a saved conversation.
const CONVERSATION_BYTES: usize = 54;

impl Conversation {
    fn to_bytes(self) -> [u8; CONVERSATION_BYTES] {
        let mut bytes = [0; CONVERSATION_BYTES];
        let flags = u8::from(self.rejected.0) | u8::from(self.rejected.1) << 1 | u8::from(self.earliest.0) << 2;
        let numbers = [
            self.first,
            self.last,
            self.up_packets,
            self.down_packets,
            self.up_bytes,
            self.down_bytes,
            self.earliest.1,
            self.earliest.2,
            self.place.file,
            self.place.tie,
        ];
        bytes[..2].copy_from_slice(&self.port.to_le_bytes());
        bytes[2..5].copy_from_slice(&[self.up_flags, self.down_flags, flags]);
        bytes[6..46].copy_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
        bytes[46..].copy_from_slice(&self.place.position.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; CONVERSATION_BYTES] = bytes.try_into().ok()?;
        let (numbers, _) = bytes[6..46].as_chunks::<4>();
        let number = |at: usize| numbers.get(at).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let flag = |bit: u8| bytes[4] >> bit & 1 == 1;
        Some(Self {
            port: u16::from_le_bytes([bytes[0], bytes[1]]),
            up_flags: bytes[2],
            down_flags: bytes[3],
            rejected: (flag(0), flag(1)),
            first: number(0),
            last: number(1),
            up_packets: number(2),
            down_packets: number(3),
            up_bytes: number(4),
            down_bytes: number(5),
            earliest: (flag(2), number(6), number(7)),
            place: RecordPlace {
                tie: number(9),
                file: number(8),
                position: u64::from_le_bytes(*bytes.last_chunk::<8>()?),
            },
        })
    }
}

impl Serialize for Conversation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for Conversation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::of_bytes(bytes)
            .ok_or_else(|| serde::de::Error::invalid_length(bytes.len(), &"the bytes of a conversation"))
    }
}

impl FlowTally {
    /// Takes in a record of this key. On the hot path.
    pub fn add(&mut self, flow: &VpcFlow<'_>, key: &FlowKey, is_upstream: bool, place: RecordPlace) {
        let begin = key.slice.saturating_mul(SLICE_MS);
        let (first, last) = (offset_ms(flow.start.ms(), begin), offset_ms(flow.end.ms().max(flow.start.ms()), begin));
        self.last = self.last.max(last);
        let flags = flow.tcp_flags.filter(|_| flow.protocol == TCP);
        let side = if is_upstream { &mut self.up } else { &mut self.down };
        side.add(flow, flags, first);
        let port = if is_upstream { flow.source_port } else { flow.target_port };
        let hash = Conversation::hash_of(port);
        if self.conversations.is_out_of_reach(hash) {
            return;
        }
        if !self.conversations.has_room_for(hash) && self.conversations.get_mut(hash).is_none() {
            self.conversations.pass_over();
            return;
        }
        let (packets, bytes) = (saturating_u32(flow.packet_count), saturating_u32(flow.byte_count));
        let mut conversation = Conversation {
            port,
            first,
            last,
            place,
            earliest: (!is_upstream, packets, bytes),
            ..Conversation::default()
        };
        if is_upstream {
            (conversation.up_packets, conversation.up_bytes) = (packets, bytes);
            (conversation.up_flags, conversation.rejected.0) = (flags.unwrap_or(0), flow.is_rejected());
        } else {
            (conversation.down_packets, conversation.down_bytes) = (packets, bytes);
            (conversation.down_flags, conversation.rejected.1) = (flags.unwrap_or(0), flow.is_rejected());
        }
        self.conversations.insert(conversation);
    }

    /// Takes in what another part summed.
    pub fn merge(&mut self, other: Self) {
        self.up.merge(&other.up);
        self.down.merge(&other.down);
        self.last = self.last.max(other.last);
        self.conversations.merge(other.conversations);
    }

    /// Puts the conversations in order, once all records were taken in.
    pub fn settle(&mut self) {
        self.conversations.settle();
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

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn address(bits: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()
}
