//! A flow as a contact between one of our resources and a remote address: which side is ours, and who opened it.
//!
//! A flow record is one direction of one window. Before a rule may name an ACTOR or a TARGET, the records of both
//! directions are put together: the engine shows all records of a slice of time to [`Conversations::learn`] first, and
//! only then asks for [`Conversations::contact`] of each.

use hashbrown::HashMap;
use std::net::IpAddr;
use watchfire_model::{ConnectionDirection, Direction, Time, VpcFlow};

/// TCP's number. Source: IANA protocol numbers.
pub const TCP: u8 = 6;
/// UDP's number.
pub const UDP: u8 = 17;

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A conversation without packets for this long is over. AWS cuts records at 10 minutes at the latest, so an hour is
/// six missed records.
const IDLE_MS: i64 = Time::HOUR_MS;

/// Conversations remembered at once; beyond it the oldest are forgotten, and counted. 120 bytes each: 60 MB.
const CONVERSATIONS_MAX: usize = 500_000;

/// The lowest port that clients use by default: Linux from 32768, Windows and IANA from 49152.
const EPHEMERAL_MIN: u16 = 32_768;

/// One flow record, seen from our side.
pub struct Contact<'a> {
    /// The record.
    pub flow: &'a VpcFlow<'a>,
    /// Our address.
    pub local: IpAddr,
    /// Our port.
    pub local_port: u16,
    /// The other address.
    pub remote: IpAddr,
    /// The other port.
    pub remote_port: u16,
    /// Whether this record's packets went from us to them.
    pub is_outgoing: bool,
    /// Who opened the conversation.
    pub direction: ConnectionDirection,
    /// How we know who opened it, as the end of a sentence.
    pub opened_because: &'static str,
    /// Whether packets went both ways, accepted, and not merely to refuse (a lone RST).
    pub is_answered: bool,
    /// Packets from us so far.
    pub packets_out: u64,
    /// Packets from them so far.
    pub packets_in: u64,
    /// Bytes from us so far.
    pub bytes_out: u64,
    /// Bytes from them so far.
    pub bytes_in: u64,
}

impl Contact<'_> {
    /// The other end is one of AWS's own services by AWS's word, or a private address: not an outside party.
    pub fn is_local_service(&self) -> bool {
        let service = if self.is_outgoing { &self.flow.target_service } else { &self.flow.source_service };
        !service.is_empty() && service != "EC2"
    }
}

/// The open conversations of every interface.
#[derive(Default)]
pub struct Conversations {
    open: HashMap<Key, Conversation, foldhash::fast::FixedState>,
    evicted: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    local: IpAddr,
    remote: IpAddr,
    local_port: u16,
    remote_port: u16,
    protocol: u8,
    interface: Box<str>,
}

#[derive(Clone, Default)]
struct Conversation {
    opener: Opener,
    packets_out: u64,
    packets_in: u64,
    bytes_out: u64,
    bytes_in: u64,
    accepted_out: bool,
    accepted_in: bool,
    refused: bool,
    first_out: Option<Time>,
    first_in: Option<Time>,
    last: Time,
}

/// Who opened a conversation, from the surest sign seen so far.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Opener {
    #[default]
    Unseen,
    ByFlags {
        ours: bool,
    },
}

impl Conversations {
    /// Takes the record in. All records of a slice of time first, then [`Self::contact`].
    pub fn learn(&mut self, flow: &VpcFlow<'_>, is_remote: impl Fn(IpAddr) -> bool) {
        let Some((key, is_outgoing)) = key_of(flow, is_remote) else { return };
        if self.open.len() >= CONVERSATIONS_MAX && !self.open.contains_key(&key) {
            self.evict_oldest();
        }
        let conversation = self.open.entry(key).or_default();
        if flow.start.ms() - conversation.last.ms() > IDLE_MS {
            *conversation = Conversation::default(); // The ports were used again.
        }
        conversation.take_in(flow, is_outgoing);
    }

    /// The record as a contact, with all that is known of its conversation; `None` when it has no two addresses or
    /// neither side can be told to be ours.
    pub fn contact<'a>(&self, flow: &'a VpcFlow<'a>, is_remote: impl Fn(IpAddr) -> bool) -> Option<Contact<'a>> {
        let (key, is_outgoing) = key_of(flow, is_remote)?;
        let known = self.open.get(&key).cloned().unwrap_or_else(|| {
            let mut alone = Conversation::default();
            alone.take_in(flow, is_outgoing);
            alone
        });
        let (direction, opened_because) = known.direction(&key);
        Some(Contact {
            flow,
            local: key.local,
            local_port: key.local_port,
            remote: key.remote,
            remote_port: key.remote_port,
            is_outgoing,
            direction,
            opened_because,
            is_answered: known.is_answered(key.protocol, direction),
            packets_out: known.packets_out,
            packets_in: known.packets_in,
            bytes_out: known.bytes_out,
            bytes_in: known.bytes_in,
        })
    }

    /// Forgets what has been idle for an hour before `now`.
    pub fn expire(&mut self, now: Time) {
        self.open.retain(|_, conversation| now.ms() - conversation.last.ms() <= IDLE_MS);
    }

    /// Conversations held, and how many were dropped for lack of room.
    pub fn size(&self) -> (u64, u64) {
        (self.open.len() as u64, self.evicted)
    }

    /// Bytes that one conversation takes.
    pub const BYTES_EACH: u64 = (size_of::<Key>() + size_of::<Conversation>() + 24) as u64;

    /// Drops the older half: rare and dear, so that it happens seldom. By (last packet, key), never by map order.
    fn evict_oldest(&mut self) {
        let mut ages: Vec<(Time, Key)> =
            self.open.iter().map(|(key, conversation)| (conversation.last, key.clone())).collect();
        ages.sort_unstable();
        ages.truncate(CONVERSATIONS_MAX / 2);
        self.evicted += ages.len() as u64;
        for (_, key) in ages {
            self.open.remove(&key);
        }
    }
}

impl Conversation {
    fn take_in(&mut self, flow: &VpcFlow<'_>, is_outgoing: bool) {
        let accepted = !flow.is_rejected();
        if is_outgoing {
            self.packets_out += flow.packet_count;
            self.bytes_out += flow.byte_count;
            self.accepted_out |= accepted;
            self.first_out = Some(self.first_out.map_or(flow.start, |first| first.min(flow.start)));
        } else {
            self.packets_in += flow.packet_count;
            self.bytes_in += flow.byte_count;
            self.accepted_in |= accepted;
            self.first_in = Some(self.first_in.map_or(flow.start, |first| first.min(flow.start)));
        }
        self.last = self.last.max(flow.end).max(flow.start);
        let Some(flags) = flow.tcp_flags.filter(|_| flow.protocol == TCP) else { return };
        // A side that only ever resets had no listener. SYN-ACK is logged as 18, a lone SYN as 2; the bits of a whole
        // window are OR-ed, so FIN and RST may stand beside them. Source: AWS, "VPC flow log records", `tcp-flags`.
        if flags & (SYN | ACK) == SYN | ACK {
            self.opener = Opener::ByFlags { ours: !is_outgoing };
        } else if flags & SYN != 0 && self.opener == Opener::Unseen {
            self.opener = Opener::ByFlags { ours: is_outgoing };
        } else if flags & RST != 0 && flags & SYN == 0 && flow.packet_count <= 1 {
            self.refused = true;
        }
    }

    /// Who opened it, and the sign that says so: flags, else ports, else who was seen first.
    fn direction(&self, key: &Key) -> (ConnectionDirection, &'static str) {
        let side = |ours: bool| if ours { ConnectionDirection::Outbound } else { ConnectionDirection::Inbound };
        if let Opener::ByFlags { ours } = self.opener {
            return (side(ours), "the TCP flags show which side sent the first SYN");
        }
        match (service_rank(key.local_port), service_rank(key.remote_port)) {
            (ours, theirs) if ours < theirs => {
                return (side(false), "our port is a service's and theirs is a client's");
            }
            (ours, theirs) if ours > theirs => return (side(true), "their port is a service's and ours is a client's"),
            _ => {}
        }
        match (self.first_out, self.first_in) {
            (Some(_), None) => (side(true), "only packets from our side were seen"),
            (None, Some(_)) => (side(false), "only packets from the other side were seen"),
            (Some(out), Some(into)) if out < into => (side(true), "our side was seen first"),
            (Some(out), Some(into)) if into < out => (side(false), "the other side was seen first"),
            _ => (ConnectionDirection::Unknown, "neither flags, ports nor times tell"),
        }
    }

    fn is_answered(&self, protocol: u8, direction: ConnectionDirection) -> bool {
        let both = self.accepted_out && self.accepted_in && self.packets_out > 0 && self.packets_in > 0;
        let answer_packets = if direction == ConnectionDirection::Inbound { self.packets_out } else { self.packets_in };
        both && !(protocol == TCP && self.refused && answer_packets <= 1)
    }
}

/// 0 for a port below 1024, 1 for a registered port, 2 for a client's port, 3 for none: the lower side serves.
fn service_rank(port: u16) -> u8 {
    match port {
        0 => 3,
        1..1024 => 0,
        1024..EPHEMERAL_MIN => 1,
        EPHEMERAL_MIN.. => 2,
    }
}

/// The two ends of a flow, ours first, and whether its packets leave us.
fn key_of(flow: &VpcFlow<'_>, is_remote: impl Fn(IpAddr) -> bool) -> Option<(Key, bool)> {
    let (source, target) = (flow.real_source()?, flow.real_target()?);
    let is_outgoing = match flow.direction {
        Some(Direction::Egress) => true,
        Some(Direction::Ingress) => false,
        None => match (is_remote(source), is_remote(target)) {
            (false, true) => true,
            (true, false) => false,
            _ => return None,
        },
    };
    // On a NAT gateway's or load balancer's interface `flow-direction` is that interface's: a packet from an instance to
    // the internet enters it. Where exactly one end can be remote, that is the remote one.
    let is_outgoing = match (is_remote(source), is_remote(target)) {
        (false, true) => true,
        (true, false) => false,
        _ => is_outgoing,
    };
    let ends = if is_outgoing {
        (source, flow.source_port, target, flow.target_port)
    } else {
        (target, flow.target_port, source, flow.source_port)
    };
    let key = Key {
        local: ends.0,
        local_port: ends.1,
        remote: ends.2,
        remote_port: ends.3,
        protocol: flow.protocol,
        interface: flow.interface_id.as_ref().into(),
    };
    Some((key, is_outgoing))
}
