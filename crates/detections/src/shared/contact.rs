//! A flow as a contact between one of our resources and a remote address: which side is ours, and who opened it.
//!
//! A flow record is one direction of one window. Before a rule may name an ACTOR or a TARGET, the records of both
//! directions are put together: the engine shows all records of a slice of time to [`Conversations::learn`] first, and
//! only then asks for [`Conversations::contact`] of each. Within a slice the order of records changes nothing.

use crate::Context;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use watchfire_knowledge::{Lists, is_publicly_routable};
use watchfire_model::{ConnectionDirection, Direction, Time, VpcFlow};

/// The protocol number of TCP at IANA.
pub const TCP: u8 = 6;
/// UDP's number.
pub const UDP: u8 = 17;
/// ICMP's number.
pub const ICMP: u8 = 1;
/// ICMP's number in IPv6.
pub const ICMP_V6: u8 = 58;

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// The slices of event time in which records are put in order and conversations are learnt, in milliseconds. Ten minutes
/// is the longest window of a flow record, so that both directions of a conversation lie in one slice or in the next.
/// Source: AWS, "VPC flow log records", aggregation interval.
pub const SLICE_MS: i64 = 10 * Time::MINUTE_MS;

/// A conversation without packets for this long is over. AWS cuts records at 10 minutes at the latest, so an hour is
/// six missed records.
const IDLE_MS: i64 = Time::HOUR_MS;

/// Conversations remembered at once; beyond it the oldest are forgotten, and counted. About 200 bytes each: 100 MB.
const CONVERSATIONS_MAX: usize = 500_000;

/// The lowest port that clients use by default: Linux from 32768, Windows and IANA from 49152.
const EPHEMERAL_MIN: u16 = 32_768;

/// Bytes of a TCP packet of headers alone, by IP version. A refusal (RST) is one; a SYN or SYN-ACK is longer, because
/// every TCP sends at least its segment size with it. Source: RFC 9293, sections 3.1 and 3.7.1.
const BARE_BYTES_V4: u64 = 40;
const BARE_BYTES_V6: u64 = 60;

/// Packets of an opener who sends data: a SYN, an ACK, the data, and its end.
const DATA_PACKETS_MIN: u64 = 4;

/// Bytes of options that a packet may carry which flags show to be a refusal: as many as any TCP sends, and not enough
/// for data. Source: a SYN of Linux has 20 bytes of options.
const OPTIONS_BYTES: u64 = 20;

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
    /// Whether packets went both ways, accepted, and the answer was more than a refusal (RST).
    pub is_answered: bool,
    /// Whether the only answer was a refusal: the packets arrived, and nothing listened.
    pub is_refused: bool,
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
    /// The lists that hold where it was seen.
    pub fn lists<'c>(&self, context: &Context<'c>) -> Lists<'c> {
        context.lists(&self.flow.account, &self.flow.region)
    }

    /// Whether this record shall speak for its window: that of the side that opened the conversation, or the other
    /// side's as long as nothing of the opener was seen. So both directions of a window count once.
    pub fn speaks(&self) -> bool {
        match self.direction {
            ConnectionDirection::Inbound => !self.is_outgoing || self.packets_in == 0,
            ConnectionDirection::Outbound | ConnectionDirection::Unknown => self.is_outgoing || self.packets_out == 0,
        }
    }

    /// Whether the side that opened a TCP connection was let in and sent data, which TCP allows once the other side has
    /// answered: packets larger than the SYNs that an opener without answer repeats.
    pub fn opener_sent_data(&self) -> bool {
        let (packets, bytes) = match self.direction {
            ConnectionDirection::Inbound => (self.packets_in, self.bytes_in),
            ConnectionDirection::Outbound => (self.packets_out, self.bytes_out),
            ConnectionDirection::Unknown => return false,
        };
        let headers = if self.remote.is_ipv6() { BARE_BYTES_V6 } else { BARE_BYTES_V4 };
        self.flow.protocol == TCP
            && !self.flow.is_rejected()
            && packets >= DATA_PACKETS_MIN
            && bytes > packets.saturating_mul(headers + OPTIONS_BYTES)
    }

    /// The AWS service that AWS names as the owner of the other address; empty if it names none.
    pub fn remote_service(&self) -> &str {
        if self.is_outgoing { &self.flow.target_service } else { &self.flow.source_service }
    }

    /// Whether the record was made where packets pass through: they enter the interface although they leave us, or the
    /// other way round. The interface (and its instance) is a gateway's then, and our side is only its address.
    pub fn is_transit(&self) -> bool {
        match self.flow.direction {
            Some(Direction::Egress) => !self.is_outgoing,
            Some(Direction::Ingress) => self.is_outgoing,
            None => false,
        }
    }

    /// Whether this is ICMP, of either IP version.
    pub fn is_icmp(&self) -> bool {
        is_icmp(self.flow.protocol)
    }
}

/// The open conversations of every interface.
#[derive(Default, Serialize, Deserialize)]
pub struct Conversations {
    #[serde(with = "in_order")]
    open: HashMap<Key, Conversation, foldhash::fast::FixedState>,
    evicted: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    local: IpAddr,
    remote: IpAddr,
    local_port: u16,
    remote_port: u16,
    protocol: u8,
    interface: Box<str>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Conversation {
    out: Side,
    into: Side,
    last: Time,
    /// The slice of the newest record, for [`Conversations::learn`].
    slice: Option<i64>,
}

/// What one side sent. Sums and flags only, so that the order of records does not matter.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Side {
    packets: u64,
    bytes: u64,
    first: Option<Time>,
    /// Sent a SYN without ACK, a SYN with ACK.
    syn: bool,
    syn_ack: bool,
    /// Had a record that AWS let through.
    accepted: bool,
    /// Had a record let through that was more than a refusal.
    substance: bool,
    /// Had a record of resets and nothing else; one that may be, of a format without flags; one that is not.
    reset: bool,
    perhaps_reset: bool,
    other: bool,
}

impl Conversations {
    /// Takes the record in. All records of a slice of time first, then [`Self::contact`].
    pub fn learn(&mut self, flow: &VpcFlow<'_>, context: &Context<'_>) {
        let Some((key, is_outgoing)) = key_of(flow, context) else { return };
        if self.open.len() >= CONVERSATIONS_MAX && !self.open.contains_key(&key) {
            self.evict_oldest();
        }
        let conversation = self.open.entry(key).or_default();
        let slice = flow.start.ms().div_euclid(SLICE_MS);
        if conversation.slice != Some(slice) {
            // Decided by the slice, not by the record: whichever record of the slice comes first decides the same.
            if slice.saturating_mul(SLICE_MS).saturating_sub(conversation.last.ms()) > IDLE_MS {
                *conversation = Conversation::default(); // The ports were used again.
            }
            conversation.slice = Some(slice);
        }
        conversation.take_in(flow, is_outgoing);
    }

    /// The record as a contact, with all that is known of its conversation; `None` when it has no two addresses or
    /// neither side can be told to be ours.
    pub fn contact<'a>(&self, flow: &'a VpcFlow<'a>, context: &Context<'_>) -> Option<Contact<'a>> {
        let (key, is_outgoing) = key_of(flow, context)?;
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
            is_answered: known.is_answered(direction),
            is_refused: known.is_refused(direction),
            packets_out: known.out.packets,
            packets_in: known.into.packets,
            bytes_out: known.out.bytes,
            bytes_in: known.into.bytes,
        })
    }

    /// Forgets what has been idle for an hour before `now`.
    pub fn expire(&mut self, now: Time) {
        self.open.retain(|_, conversation| now.ms().saturating_sub(conversation.last.ms()) <= IDLE_MS);
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
        let side = if is_outgoing { &mut self.out } else { &mut self.into };
        side.take_in(flow);
        self.last = self.last.max(flow.end).max(flow.start);
    }

    /// Who opened it, and the surest sign that says so.
    fn direction(&self, key: &Key) -> (ConnectionDirection, &'static str) {
        use ConnectionDirection::{Inbound, Outbound, Unknown};
        let (out, into) = (&self.out, &self.into);
        // Before the flags: an unasked SYN-ACK is an answer to someone who forged our address, not to us.
        if out.first.is_none() && !into.accepted {
            return (Inbound, "only packets from the other side were seen, and none was let in");
        }
        if out.first.is_none() && !into.other {
            return (Unknown, "only refusals (RST) from the other side were seen, of something that was not");
        }
        if out.is_only_resets() && !into.is_only_resets() {
            return (Inbound, "our side only refused (RST)");
        }
        // Not so of the other side: scanners send hand-made SYNs without the segment size that every system sends.
        if out.perhaps_reset && !out.other && into.first.is_some() {
            return (Inbound, "our side sent nothing longer than a refusal (RST), and a SYN is longer");
        }
        match (out.syn_ack, into.syn_ack) {
            (false, true) => return (Outbound, "the other side answered a SYN (SYN-ACK)"),
            (true, false) => return (Inbound, "our side answered a SYN (SYN-ACK)"),
            _ => {}
        }
        match (out.syn, into.syn) {
            (true, false) => return (Outbound, "only our side sent a SYN"),
            (false, true) => return (Inbound, "only the other side sent a SYN"),
            _ => {}
        }
        if into.is_only_resets() && out.first.is_some() && !out.is_only_resets() {
            return (Outbound, "the other side only refused (RST)");
        }
        if !is_icmp(key.protocol) {
            let (ours, theirs) = (service_rank(key.local_port), service_rank(key.remote_port));
            if ours < theirs {
                return (Inbound, "our port is a service's and theirs is a client's");
            }
            if ours > theirs {
                return (Outbound, "their port is a service's and ours is a client's");
            }
        }
        match (out.first, into.first) {
            // An echo reply, an "unreachable": what we send by ICMP is often an answer to what another record shows.
            (Some(_), None) if is_icmp(key.protocol) => (Unknown, "ICMP from our side alone may be an answer"),
            (Some(_), None) => (Outbound, "only packets from our side were seen"),
            (None, Some(_)) => (Inbound, "only packets from the other side were seen"),
            (Some(out), Some(into)) if out < into => (Outbound, "our side was seen first"),
            (Some(out), Some(into)) if into < out => (Inbound, "the other side was seen first"),
            _ => (Unknown, "neither flags, ports nor times tell"),
        }
    }

    fn is_answered(&self, direction: ConnectionDirection) -> bool {
        match direction {
            ConnectionDirection::Inbound => self.into.accepted && self.out.substance,
            ConnectionDirection::Outbound => self.out.accepted && self.into.substance,
            ConnectionDirection::Unknown => self.out.substance && self.into.substance,
        }
    }

    fn is_refused(&self, direction: ConnectionDirection) -> bool {
        let answer = if direction == ConnectionDirection::Inbound { &self.out } else { &self.into };
        answer.accepted && !answer.substance
    }
}

impl Side {
    fn take_in(&mut self, flow: &VpcFlow<'_>) {
        self.packets = self.packets.saturating_add(flow.packet_count);
        self.bytes = self.bytes.saturating_add(flow.byte_count);
        self.first = Some(self.first.map_or(flow.start, |first| first.min(flow.start)));
        let flags = flow.tcp_flags.filter(|_| flow.protocol == TCP);
        // SYN-ACK is logged as 18, a lone SYN as 2; the bits of a whole window are OR-ed, so FIN and RST may stand
        // beside them. A lone ACK is not logged. Source: AWS, "VPC flow log records", `tcp-flags`.
        match flags.map_or(0, |flags| flags & (SYN | ACK)) {
            SYN => self.syn = true,
            both if both == SYN | ACK => self.syn_ack = true,
            _ => {}
        }
        match flags {
            _ if !is_refusal(flow, flags) => self.other = true,
            Some(_) => self.reset = true,
            None => self.perhaps_reset = true,
        }
        if !flow.is_rejected() && flow.packet_count > 0 {
            self.accepted = true;
            self.substance |= !is_refusal(flow, flags);
        }
    }

    fn is_only_resets(&self) -> bool {
        self.reset && !self.other && !self.perhaps_reset
    }
}

/// Whether the record shows nothing but refusals. Where the format lacks flags its size must tell.
fn is_refusal(flow: &VpcFlow<'_>, flags: Option<u8>) -> bool {
    let options = if flags.is_some() { OPTIONS_BYTES } else { 0 };
    flow.protocol == TCP && is_bare(flow, options) && flags.is_none_or(|flags| flags & (SYN | RST) == RST)
}

/// Whether every packet was headers alone, with no more than so many bytes of options.
fn is_bare(flow: &VpcFlow<'_>, options: u64) -> bool {
    let headers = if flow.source.is_some_and(|source| source.is_ipv6()) { BARE_BYTES_V6 } else { BARE_BYTES_V4 };
    flow.byte_count <= flow.packet_count.saturating_mul(headers + options)
}

const fn is_icmp(protocol: u8) -> bool {
    matches!(protocol, ICMP | ICMP_V6)
}

/// The name in findings: `TCP`, `UDP`, `ICMP`, or the number of another protocol.
pub fn protocol_name(protocol: u8) -> String {
    match protocol {
        TCP => "TCP".to_owned(),
        UDP => "UDP".to_owned(),
        ICMP => "ICMP".to_owned(),
        ICMP_V6 => "ICMPv6".to_owned(),
        other => other.to_string(),
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

/// How much an address looks like the other side's: 0 for one of our own or a private one, 1 for a public one, 2 for
/// one of a list.
fn remoteness(ip: IpAddr, flow: &VpcFlow<'_>, context: &Context<'_>) -> u8 {
    if context.lists(&flow.account, &flow.region).ip_kinds(ip) != 0 {
        2
    } else {
        u8::from(is_publicly_routable(ip) && !context.estate.owns(&flow.account, ip))
    }
}

/// The two ends of a flow, ours first, and whether its packets leave us.
fn key_of(flow: &VpcFlow<'_>, context: &Context<'_>) -> Option<(Key, bool)> {
    let (source, target) = (flow.real_source()?, flow.real_target()?);
    let by_interface = flow.direction.map(|direction| direction == Direction::Egress);
    let is_outgoing = match (remoteness(source, flow, context), remoteness(target, flow, context)) {
        // On a NAT gateway's or load balancer's interface `flow-direction` is that interface's: a packet from an
        // instance to the internet enters it. Where exactly one end can be remote, that is the remote one.
        (0, 1..) => true,
        (1.., 0) => false,
        // Both can be, as in IPv6, where our own addresses are public: the interface knows. Version 2 lacks its word,
        // and then the listed one is the other side.
        (source, target) if source != target => by_interface.unwrap_or(source < target),
        _ => by_interface?,
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

/// A saved state lists conversations in order of their keys, so that equal states are equal bytes.
mod in_order {
    use super::{Conversation, Deserialize, HashMap, Key};
    use serde::{Deserializer, Serializer};

    type Open = HashMap<Key, Conversation, foldhash::fast::FixedState>;

    pub(super) fn serialize<S: Serializer>(open: &Open, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs: Vec<(&Key, &Conversation)> = open.iter().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        serializer.collect_seq(pairs)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Open, D::Error> {
        let pairs: Vec<(Key, Conversation)> = Vec::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FLOW_HEADER, FlowLine, knowing};
    use ConnectionDirection::{Inbound, Outbound, Unknown};
    use proptest::prelude::*;
    use std::sync::LazyLock;
    use watchfire_knowledge::{Estate, Knowledge};
    use watchfire_model::{ListKind, Record};
    use watchfire_parse::Origin;

    const REMOTE: &str = "198.51.100.7";

    #[test]
    fn a_refusal_with_options_is_one_where_flags_say_so() {
        let lines = |flags| {
            [
                FlowLine::into(REMOTE, 50_000, 22).flags(2).packets(1, 60),
                FlowLine::out(22, REMOTE, 50_000).flags(flags).packets(1, 60),
            ]
        };
        let refused = |flags| {
            let lines = lines(flags).map(|line| line.to_string());
            contacts_with(&Knowledge::default(), FLOW_HEADER, &lines)[0].0.2
        };
        assert!(refused(4));
        assert!(!refused(18));
    }

    /// What of a contact the rules decide by.
    type Seen = (ConnectionDirection, bool, bool, u64, u64);

    /// The contacts of these lines, in their order.
    fn contacts_with(knowledge: &Knowledge, header: &str, lines: &[String]) -> Vec<(Seen, bool, IpAddr)> {
        let content = format!("{header}\n{}", lines.join("\n"));
        let estate = Estate::default();
        let context = Context { knowledge, own_lists: None, estate: &estate };
        let mut conversations = Conversations::default();
        let mut contacts = Vec::new();
        for learning in [true, false] {
            watchfire_parse::parse(content.as_bytes(), &Origin::default(), &mut |record, _| {
                let Record::Flow(flow) = record else { return };
                if learning {
                    conversations.learn(flow, &context);
                } else if let Some(contact) = conversations.contact(flow, &context) {
                    let Contact { direction, is_answered, is_refused, packets_out, packets_in, .. } = contact;
                    contacts.push((
                        (direction, is_answered, is_refused, packets_out, packets_in),
                        contact.speaks(),
                        contact.remote,
                    ));
                }
            });
        }
        contacts
    }

    fn contacts(flows: &[FlowLine]) -> Vec<(Seen, bool, IpAddr)> {
        let lines: Vec<String> = flows.iter().map(FlowLine::to_string).collect();
        static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| knowing(ListKind::C2, &[REMOTE]));
        contacts_with(&KNOWLEDGE, FLOW_HEADER, &lines)
    }

    fn check(flows: &[FlowLine], direction: ConnectionDirection, is_answered: bool) {
        for (seen, _, _) in contacts(flows) {
            assert_eq!((seen.0, seen.1), (direction, is_answered), "{flows:#?}");
        }
    }

    fn out() -> FlowLine {
        FlowLine::out(50_000, REMOTE, 443)
    }

    fn into() -> FlowLine {
        FlowLine::into(REMOTE, 443, 50_000)
    }

    #[test]
    fn flags_tell_who_opened_it() {
        check(&[out().flags(3), into().flags(19)], Outbound, true);
        // A scanner that sends from port 443 to a client's port: the flags are surer than the ports.
        check(&[into().flags(2), out().flags(18)], Inbound, true);
    }

    #[test]
    fn without_flags_the_ports_tell() {
        check(&[out(), into()], Outbound, true);
        check(&[FlowLine::into(REMOTE, 50_000, 22), FlowLine::out(22, REMOTE, 50_000)], Inbound, true);
    }

    #[test]
    fn among_equal_ports_the_first_tells() {
        let (out, into) = (FlowLine::out(50_000, REMOTE, 60_000), FlowLine::into(REMOTE, 60_000, 50_000));
        check(&[out.clone(), into.clone().after(3)], Outbound, true);
        check(&[out.clone().after(3), into.clone()], Inbound, true);
        check(&[out, into], Unknown, true);
    }

    #[test]
    fn a_reset_is_a_refusal_and_no_answer() {
        let refused = [into().flags(2).packets(1, 60), out().flags(4).packets(1, 40)];
        check(&refused, Inbound, false);
        assert!(contacts(&refused)[0].0.2);
        // Three SYNs, three resets, in one window.
        check(&[out().flags(2).packets(3, 180), into().flags(4).packets(3, 120)], Outbound, false);
    }

    #[test]
    fn a_scan_that_resets_an_open_port_was_answered() {
        // SYN, SYN-ACK, RST, the last of them in a window of its own.
        check(
            &[into().flags(2).packets(1, 44), out().flags(18).packets(1, 44), into().flags(4).packets(1, 40).after(60)],
            Inbound,
            true,
        );
    }

    #[test]
    fn a_session_that_ends_in_a_reset_was_answered() {
        check(&[out().flags(2), into().flags(18), into().flags(4).packets(1, 40).after(60)], Outbound, true);
    }

    #[test]
    fn our_reset_alone_is_an_answer_to_something_unseen() {
        check(&[FlowLine::out(50_000, REMOTE, 40_000).flags(4).packets(1, 40)], Inbound, false);
    }

    #[test]
    fn an_unasked_syn_ack_is_no_connection_of_ours() {
        check(&[into().flags(18).packets(1, 44).rejected()], Inbound, false);
        check(&[into().flags(18).packets(1, 44), out().flags(4).packets(1, 40)], Inbound, false);
    }

    #[test]
    fn an_unasked_refusal_tells_nothing() {
        check(&[into().flags(4).packets(1, 40)], Unknown, false);
    }

    #[test]
    fn a_rejected_attempt_of_ours_is_ours_and_unanswered() {
        check(&[out().flags(2).packets(3, 180).rejected()], Outbound, false);
    }

    #[test]
    fn a_reply_that_was_rejected_is_no_answer() {
        check(&[out().flags(2), into().flags(18).rejected()], Outbound, false);
    }

    #[test]
    fn what_we_send_by_icmp_alone_may_be_an_answer() {
        check(&[FlowLine::out(0, REMOTE, 0).protocol(1)], Unknown, false);
        let ping = [FlowLine::into(REMOTE, 0, 0).protocol(1), FlowLine::out(0, REMOTE, 0).protocol(1)];
        check(&ping, Unknown, true);
    }

    #[test]
    fn the_openers_record_speaks_and_the_other_does_not() {
        let speaks = |flows: &[FlowLine]| contacts(flows).iter().map(|(_, speaks, _)| *speaks).collect::<Vec<_>>();
        assert_eq!(speaks(&[out().flags(2), into().flags(18)]), [true, false]);
        assert_eq!(speaks(&[into().flags(2), out().flags(18)]), [true, false]);
        assert_eq!(speaks(&[into().flags(18)]), [true], "nothing of the opener was seen");
    }

    #[test]
    fn an_hour_of_silence_makes_it_another_conversation() {
        let after = |seconds| [out().flags(2), into().flags(18), out().after(seconds).flags(2)];
        assert_eq!(contacts(&after(1_800))[2].0.3, 20);
        assert_eq!(contacts(&after(2 * 3_600))[2].0.3, 10);
    }

    #[test]
    fn in_ipv6_both_ends_are_public_and_the_interface_or_the_list_knows_ours() {
        let knowledge = knowing(ListKind::C2, &["2001:db8:bad::7"]);
        let line = FlowLine::out(50_000, "2001:db8:bad::7", 443).local("2001:db8:1::10").to_string();
        let seen = contacts_with(&knowledge, FLOW_HEADER, &[line]);
        assert_eq!((seen[0].0.0, seen[0].2), (Outbound, "2001:db8:bad::7".parse().unwrap()));
        let version_2 =
            "2 111122223333 eni-1 2001:db8:1::10 2001:db8:bad::7 50000 443 6 9 900 1713484800 1713484860 ACCEPT OK";
        let header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
            action log-status";
        let seen = contacts_with(&knowledge, header, &[version_2.to_owned()]);
        assert_eq!((seen[0].0.0, seen[0].2), (Outbound, "2001:db8:bad::7".parse().unwrap()));
    }

    #[test]
    fn a_packet_on_its_way_through_a_gateway_is_its_senders() {
        let line = out().of("eni-nat", "-").to_string().replace(" egress", " ingress");
        let seen = contacts_with(&knowing(ListKind::C2, &[REMOTE]), FLOW_HEADER, &[line]);
        assert_eq!((seen[0].0.0, seen[0].2), (Outbound, REMOTE.parse().unwrap()));
    }

    #[test]
    fn without_flags_the_size_tells_a_refusal() {
        let line = |flow: FlowLine| flow.to_string().split(' ').take(14).collect::<Vec<_>>().join(" ");
        let header: Vec<&str> = FLOW_HEADER.split_ascii_whitespace().take(14).collect();
        let check = |flows: [FlowLine; 2], expected: (ConnectionDirection, bool)| {
            let seen = contacts_with(&knowing(ListKind::C2, &[REMOTE]), &header.join(" "), &flows.map(line));
            assert_eq!((seen[0].0.0, seen[0].0.1), expected);
        };
        let probe = FlowLine::into(REMOTE, 22_869, 50_000).packets(1, 60);
        check([probe.clone(), FlowLine::out(50_000, REMOTE, 22_869).packets(1, 40)], (Inbound, false));
        check([out().packets(3, 180), into().packets(3, 120)], (Outbound, false));
        check([out().packets(4, 600), into().packets(4, 900)], (Outbound, true));
    }

    #[test]
    fn numbers_beyond_all_measure_do_not_overflow() {
        let huge = || out().packets(u64::MAX, u64::MAX);
        assert_eq!(contacts(&[huge(), huge()])[0].0.3, u64::MAX);
    }

    prop_compose! {
        /// A record of one of few conversations, within one slice of ten minutes.
        fn any_flow()(
            outgoing in any::<bool>(), ports in 0usize..3, protocol in prop::sample::select(vec![1u8, 6, 17]),
            flags in prop::sample::select(vec![0u8, 1, 2, 3, 4, 6, 18, 19, 22]), packets in 0u64..4, each in 40u64..80,
            seconds in 0i64..600, rejected in any::<bool>(), day in 0i64..2,
        ) -> (i64, FlowLine) {
            let (local, remote) = [(50_000, 443), (22, 50_000), (50_000, 60_000)][ports];
            let line = if outgoing {
                FlowLine::out(local, REMOTE, remote)
            } else {
                FlowLine::into(REMOTE, remote, local)
            };
            let line = line.protocol(protocol).flags(flags).packets(packets, packets * each);
            let line = line.after(day * 86_400 + seconds);
            (day, if rejected { line.rejected() } else { line })
        }
    }

    proptest! {
        #[test]
        fn the_order_of_records_within_a_slice_does_not_matter(
            (flows, shuffled) in proptest::collection::vec(any_flow(), 0..24).prop_flat_map(|flows| {
                let indexed: Vec<(usize, (i64, FlowLine))> = flows.into_iter().enumerate().collect();
                (Just(indexed.clone()), Just(indexed).prop_shuffle())
            })
        ) {
            // Slices stay in order, as the engine runs them; only within one may records stand anyhow.
            let seen = |mut flows: Vec<(usize, (i64, FlowLine))>| {
                flows.sort_by_key(|(_, (day, _))| *day);
                let places: Vec<usize> = flows.iter().map(|(place, _)| *place).collect();
                let lines: Vec<FlowLine> = flows.into_iter().map(|(_, (_, line))| line).collect();
                let mut seen: Vec<_> = places.into_iter().zip(contacts(&lines)).collect();
                seen.sort_by_key(|(place, _)| *place);
                seen
            };
            prop_assert_eq!(seen(flows), seen(shuffled));
        }
    }
}
