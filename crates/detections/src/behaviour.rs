//! What a detection of behaviour is: it judges tallies, not records.

use crate::shared::contact::{TCP, protocol_name};
use crate::shared::host::Host;
use crate::shared::scan::Try;
use crate::tally::{
    CallTally, CallTallyKey, Conversation, FlowKey, FlowTally, Place, QueryKey, QueryTally, RecordPlace,
};
use crate::{Context, Observed, SLICE_MS, Thresholds};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::OnceLock;
use watchfire_knowledge::Lists;
use watchfire_knowledge::baseline::{Baselines, Lessons};
use watchfire_model::{Action, ConnectionDirection, NetworkConnectionAction, Signal, Time};

/// The memory of a detection that judges tallies. State is per entity, bounded and serialisable.
///
/// For each slice of ten minutes in order: all tallies whose bucket ends with the slice, in order of their keys (calls,
/// flows, queries), then [`Self::close`]. The slice's records have been judged and learnt by the estate before.
pub trait Behaviour: Send {
    /// Takes in a record that the detection listens to besides tallies, in order of time.
    fn record(&mut self, _record: &Observed<'_>, _context: &Context<'_>, _signals: &mut Vec<Signal>) {}
    /// Takes in the flows between two addresses in ten minutes.
    fn flow(&mut self, _flow: &FlowView<'_>, _scene: &mut Scene<'_>) {}
    /// Takes in the queries of one client below one domain in an hour.
    fn query(&mut self, _key: &QueryKey, _tally: &QueryTally, _scene: &mut Scene<'_>) {}
    /// Takes in the calls of one API by one caller in an hour.
    fn call(&mut self, _key: &CallTallyKey, _tally: &CallTally, _scene: &mut Scene<'_>) {}
    /// All tallies of the slice have been shown. `end` is its end; where it is that of a clock hour, the hour is complete.
    fn close(&mut self, _end: Time, _scene: &mut Scene<'_>) {}
    /// Forgets what lies out of reach, and returns how many entities were dropped for lack of room since the last call.
    fn expire(&mut self, now: Time) -> u64;
    /// Entities held now, and their size in bytes.
    fn size(&self) -> (u64, u64);
    /// What could not be judged yet for lack of history, by kind of entity. Empty if everything was.
    fn learning(&self, _thresholds: &Thresholds) -> Vec<Learning> {
        Vec::new()
    }
    /// What is normal for the host with this id (an instance's, an interface's, an address), in sentences with numbers; none
    /// if nothing is known of such a host.
    fn describe(&self, _host: &str) -> Vec<String> {
        Vec::new()
    }
    /// The state as JSON, with a version.
    fn save(&self) -> serde_json::Value;
    /// Takes a saved state back. An error is a sentence.
    fn load(&mut self, state: serde_json::Value) -> Result<(), String>;
}

/// Entities of one kind whose history is too short: "principal: not evaluated, learning day 3 of 7".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Learning {
    /// What is learnt about, in a word: `account`, `principal`, ….
    pub entity_kind: &'static str,
    /// How many are not judged, or not wholly.
    pub learning: u64,
    /// How many are.
    pub judged: u64,
    /// How far the one with the longest history among the former is: from 1.
    pub reached: u32,
    /// How far they must be.
    pub of: u32,
    /// What `reached` and `of` count: `day`, `active hour`.
    pub unit: &'static str,
}

/// What a behaviour may ask besides the tally, and where it says what it found.
pub struct Scene<'a> {
    /// Lists, geography, ranges, inventory; and the estate up to the end of the slice.
    pub context: Context<'a>,
    /// The settings in force.
    pub thresholds: &'a Thresholds,
    /// What was normal when the hour before this one closed. It may still be taking that in: who asks waits for it.
    pub baselines: &'a (dyn Deref<Target = Baselines> + Sync),
    /// What this hour teaches.
    pub lessons: &'a mut Lessons,
    /// What was found.
    pub verdicts: &'a mut Vec<Verdict>,
}

/// What a behaviour found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What it says.
    pub signal: Signal,
    /// When the activity began.
    pub begin: Time,
    /// When it ended, as far as it was seen.
    pub end: Time,
    /// The records to show, in order of time: where each stands. Their text is fetched at the end.
    pub records: Vec<(Time, RecordPlace)>,
    /// How many records there were.
    pub record_count: u64,
}

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The side that looks like a client by its port.
    Client,
    /// The other.
    Server,
}

/// A flow tally, seen from our side.
pub struct FlowView<'a> {
    /// What was summed.
    pub key: &'a FlowKey,
    /// Where it was seen.
    pub place: &'a Place,
    /// The sums.
    pub tally: &'a FlowTally,
    /// Which end is ours: the one at this interface.
    pub local_end: End,
    /// Whether the other end is ours as well, or private.
    pub remote_is_internal: bool,
    /// Whether the packets only passed through this interface, as at a NAT gateway or load balancer: their sender's own
    /// interface is logged too, if flow logs are on there.
    pub is_transit: bool,
    /// Which end opened the conversations, and why we think so; `None` where nothing tells.
    pub opener: Option<(End, &'static str)>,
    /// What several behaviours ask of it, found by the first of them.
    pub(crate) found: Found,
}

/// What follows from a flow and is asked for by several behaviours: each asked for itself before, which was a third of their
/// time.
#[derive(Default)]
pub(crate) struct Found {
    /// See [`Host::of`].
    pub(crate) host: OnceLock<Option<Host>>,
    /// See [`is_aws_service`](crate::shared::connection::is_aws_service).
    pub(crate) is_aws_service: OnceLock<bool>,
    /// What it shows of first contacts.
    pub(crate) tries: OnceLock<Box<[Try]>>,
}

impl FlowView<'_> {
    /// The lists that hold where it was seen.
    pub fn lists<'c>(&self, context: &Context<'c>) -> Lists<'c> {
        context.lists(&self.place.account, &self.place.region)
    }

    /// Our address.
    pub fn local(&self) -> IpAddr {
        self.address(self.local_end)
    }

    /// The other address.
    pub fn remote(&self) -> IpAddr {
        self.address(self.local_end.other())
    }

    /// The address of an end.
    pub fn address(&self, end: End) -> IpAddr {
        match end {
            End::Client => self.key.client(),
            End::Server => self.key.server(),
        }
    }

    /// Whether our side opened the conversations.
    pub fn is_outbound(&self) -> bool {
        self.opener.is_some_and(|(opener, _)| opener == self.local_end)
    }

    /// Whether the other side opened them.
    pub fn is_inbound(&self) -> bool {
        self.opener.is_some_and(|(opener, _)| opener != self.local_end)
    }

    /// The conversations with the port that was contacted, as far as they were kept. Where the opener has the lower port,
    /// the contacted one is the conversation's.
    pub fn contacts(&self) -> impl Iterator<Item = (u16, &Conversation)> {
        let is_turned = self.opener.is_some_and(|(opener, _)| opener == End::Server);
        let kept = self.tally.conversations.kept().iter();
        kept.map(move |conversation| (if is_turned { conversation.port } else { self.key.port }, conversation))
    }

    /// What the opener, and what the other side sent in this conversation: (packets, bytes, flags, rejected) each.
    pub fn exchanged(&self, conversation: &Conversation) -> (Exchanged, Exchanged) {
        let up = Exchanged {
            packets: conversation.up_packets,
            bytes: conversation.up_bytes,
            flags: conversation.up_flags,
            rejected: conversation.rejected.0,
        };
        let down = Exchanged {
            packets: conversation.down_packets,
            bytes: conversation.down_bytes,
            flags: conversation.down_flags,
            rejected: conversation.rejected.1,
        };
        if self.opener.is_some_and(|(opener, _)| opener == End::Server) { (down, up) } else { (up, down) }
    }

    /// Bytes from us, and to us.
    pub fn bytes_out_in(&self) -> (u64, u64) {
        match self.local_end {
            End::Client => (self.tally.up.bytes, self.tally.down.bytes),
            End::Server => (self.tally.down.bytes, self.tally.up.bytes),
        }
    }

    /// Packets from us, and to us.
    pub fn packets_out_in(&self) -> (u64, u64) {
        match self.local_end {
            End::Client => (self.tally.up.packets, self.tally.down.packets),
            End::Server => (self.tally.down.packets, self.tally.up.packets),
        }
    }

    /// When the first record began.
    pub fn first(&self) -> Time {
        let (up, down) = (&self.tally.up, &self.tally.down);
        let first = match (up.records, down.records) {
            (0, _) => down.first,
            (_, 0) => up.first,
            _ => up.first.min(down.first),
        };
        self.moment(first)
    }

    /// When the last record ended.
    pub fn last(&self) -> Time {
        self.moment(self.tally.last)
    }

    /// The moment of an offset in the slice.
    pub fn moment(&self, offset: u32) -> Time {
        FlowTally::moment(self.key, offset)
    }

    /// Whether this is TCP.
    pub fn is_tcp(&self) -> bool {
        self.key.protocol == TCP
    }

    /// The action of a finding about this traffic, with this remote port; the local port is 0 where there were several.
    pub fn action(&self, context: &Context<'_>) -> Action {
        let (local_port, remote_port) = self.ports();
        let rejected = self.tally.up.rejected + self.tally.down.rejected;
        Action::NetworkConnection(NetworkConnectionAction {
            direction: match (self.is_outbound(), self.is_inbound()) {
                (true, _) => ConnectionDirection::Outbound,
                (_, true) => ConnectionDirection::Inbound,
                _ => ConnectionDirection::Unknown,
            },
            protocol: protocol_name(self.key.protocol),
            blocked: rejected > 0 && rejected == self.tally.up.records + self.tally.down.records,
            local_ip: Some(self.local()),
            local_port,
            local_interface: self.place.interface.to_string(),
            remote: Some(context.knowledge.remote(self.remote())),
            remote_port,
        })
    }

    /// (local, remote) port, that of the earliest conversation for the client's.
    pub fn ports(&self) -> (u16, u16) {
        let earliest = self.tally.conversations.kept().iter().min_by_key(|one| (one.first, one.port));
        let client_port = earliest.map_or(0, |conversation| conversation.port);
        match self.local_end {
            End::Client => (client_port, self.key.port),
            End::Server => (self.key.port, client_port),
        }
    }

    /// The first records of the first conversations, in order of time, at most `count`.
    pub fn records(&self, count: usize) -> Vec<(Time, RecordPlace)> {
        let kept = self.tally.conversations.kept().iter();
        let mut records: Vec<_> = kept.map(|one| (self.moment(one.first), one.place)).collect();
        records.sort_unstable();
        records.truncate(count);
        records
    }

    /// Records of both directions.
    pub fn record_count(&self) -> u64 {
        u64::from(self.tally.up.records) + u64::from(self.tally.down.records)
    }

    /// Begin and end of the slice.
    pub fn slice(&self) -> (Time, Time) {
        let begin = self.key.slice.saturating_mul(SLICE_MS);
        (Time::from_ms(begin), Time::from_ms(begin.saturating_add(SLICE_MS)))
    }
}

impl End {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What one side sent in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// Packets.
    pub packets: u32,
    /// Bytes.
    pub bytes: u32,
    /// TCP flags, OR-ed; 0 where the format has none.
    pub flags: u8,
    /// Whether a record was dropped (REJECT).
    pub rejected: bool,
}
