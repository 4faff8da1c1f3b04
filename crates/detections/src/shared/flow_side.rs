//! Which end of a flow tally is ours, and which opened the conversations.

use crate::Context;
use crate::behaviour::{End, FlowView, Found};
use crate::shared::contact::TCP;
use crate::shared::state::pairs;
use crate::tally::{FlowKey, FlowTally, Place, service_rank};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::is_publicly_routable;

/// Interfaces whose own address is remembered. About 100 bytes each. When full, all are learnt anew.
const INTERFACES_MAX: usize = 500_000;

/// The addresses of interfaces, learnt from which address all their traffic shares: flow logs of version 2 name neither
/// the instance nor the direction.
#[derive(Default, Serialize, Deserialize)]
pub struct InterfaceAddresses {
    /// By account and interface; `None` where no one address is shared by all traffic: several addresses, or a gateway.
    #[serde(with = "pairs")]
    known: Known,
    /// The same of its IPv6 traffic: an interface with addresses of both kinds has none that all traffic shares.
    #[serde(with = "pairs", default)]
    known_v6: Known,
}

/// By account and interface.
type Known = BTreeMap<(Box<str>, Box<str>), Option<IpAddr>>;

/// A tally as it was merged.
pub type MergedFlow = (FlowKey, Place, FlowTally);

impl InterfaceAddresses {
    /// Learns from all flow tallies of one slice: of each interface, the address that all its tallies have in common, if
    /// there were at least two with different other ends. IPv4 and IPv6 are learnt apart.
    pub fn learn(&mut self, slice: &[MergedFlow]) {
        let mut shared: HashMap<(&str, &str, bool), Shared, foldhash::fast::FixedState> = HashMap::default();
        // The tallies of one place follow each other: an interface is looked up once, not with each of its tallies.
        let is_v6 = |flow: &MergedFlow| flow.0.client().is_ipv6();
        for alike in slice.chunk_by(|one, next| one.1 == next.1 && is_v6(one) == is_v6(next)) {
            let Some((key, place, _)) = alike.first().filter(|(_, place, _)| !place.interface.is_empty()) else {
                continue;
            };
            let candidates = [Some(key.client()), Some(key.server())];
            let of = (&*place.account, &*place.interface, key.client().is_ipv6());
            let known = shared.entry(of).or_insert(Shared { candidates });
            for (key, ..) in alike {
                if known.candidates == [None, None] {
                    break;
                }
                known.keep([key.client(), key.server()]);
            }
        }
        for ((account, interface, is_v6), shared) in shared {
            let known = if is_v6 { &mut self.known_v6 } else { &mut self.known };
            note(known, account, interface, shared.candidates);
        }
    }

    /// The interface's own address by IPv4 and by IPv6, as far as they are known.
    fn get(&self, place: &Place) -> [Option<IpAddr>; 2] {
        let key = (place.account.clone(), place.interface.clone());
        [&self.known, &self.known_v6].map(|known| known.get(&key).copied().flatten())
    }

    /// Interfaces known, and about how many bytes they take.
    pub fn size(&self) -> (u64, u64) {
        let count = (self.known.len() + self.known_v6.len()) as u64;
        (count, count * 100)
    }
}

fn note(map: &mut Known, account: &str, interface: &str, candidates: [Option<IpAddr>; 2]) {
    let key = (Box::from(account), Box::from(interface));
    let is_among = |address: &IpAddr| candidates.contains(&Some(*address));
    match (candidates, map.get(&key)) {
        // Of one pair nothing is learnt; what was known stands if it is one of the two.
        ([Some(_), Some(_)], Some(Some(known))) if !is_among(known) => {
            map.insert(key, None);
        }
        ([Some(_), Some(_)], _) | (_, Some(None)) => {}
        ([None, None], _) => {
            map.insert(key, None);
        }
        ([Some(one), None] | [None, Some(one)], known) => {
            let contradicts = known.is_some_and(|known| *known != Some(one));
            if map.len() >= INTERFACES_MAX {
                map.clear();
            }
            map.insert(key, (!contradicts).then_some(one));
        }
    }
}

/// The own addresses of one interface after the other: tallies come in runs of one place, and the look-up is by two texts.
pub struct OwnAddress<'i> {
    of: &'i InterfaceAddresses,
    last: Option<(Place, [Option<IpAddr>; 2])>,
}

impl<'i> OwnAddress<'i> {
    /// Of these interfaces.
    pub fn of(addresses: &'i InterfaceAddresses) -> Self {
        Self { of: addresses, last: None }
    }

    /// That of the kind that the conversation has.
    fn at(&mut self, place: &Place, key: &FlowKey) -> Option<IpAddr> {
        let kind = usize::from(key.client().is_ipv6());
        match &self.last {
            Some((last, addresses)) if last.is(place) => addresses[kind],
            _ => {
                let addresses = self.of.get(place);
                self.last = Some((place.clone(), addresses));
                addresses[kind]
            }
        }
    }
}

struct Shared {
    candidates: [Option<IpAddr>; 2],
}

impl Shared {
    fn keep(&mut self, ends: [IpAddr; 2]) {
        for candidate in &mut self.candidates {
            *candidate = candidate.filter(|address| ends.contains(address));
        }
    }
}

/// The tally seen from our side; `None` where neither end can be told to be ours.
pub fn view<'a>(merged: &'a MergedFlow, own: &mut OwnAddress<'_>, context: &Context<'_>) -> Option<FlowView<'a>> {
    let (key, place, tally) = merged;
    let is_external = |ip: IpAddr| is_publicly_routable(ip) && !context.estate.owns(&place.account, ip);
    let (client, server) = (is_external(key.client()), is_external(key.server()));
    let by_interface = by_direction(tally);
    let local_end = match (client, server) {
        // On a gateway's interface the direction is that interface's; where exactly one end can be remote, it is.
        (false, true) => End::Client,
        (true, false) => End::Server,
        _ => by_interface.or_else(|| by_address(key, own.at(place, key))).or_else(|| by_range(key, context))?,
    };
    Some(FlowView {
        key,
        place,
        tally,
        local_end,
        remote_is_internal: if local_end == End::Client { !server } else { !client },
        is_transit: by_interface.is_some_and(|end| end != local_end),
        opener: opener(key, tally),
        found: Found::default(),
    })
}

/// The end at the interface, by the directions of the records.
fn by_direction(tally: &FlowTally) -> Option<End> {
    let client = u64::from(tally.up.egress) + u64::from(tally.down.ingress);
    let server = u64::from(tally.up.ingress) + u64::from(tally.down.egress);
    match client.cmp(&server) {
        std::cmp::Ordering::Greater => Some(End::Client),
        std::cmp::Ordering::Less => Some(End::Server),
        std::cmp::Ordering::Equal => None,
    }
}

fn by_address(key: &FlowKey, own: Option<IpAddr>) -> Option<End> {
    match own? {
        own if own == key.client() => Some(End::Client),
        own if own == key.server() => Some(End::Server),
        _ => None,
    }
}

/// Of two addresses by IPv6, which are all public, that of EC2 if the other is none: VPCs get theirs from Amazon's ranges, unless
/// someone brings his own. Source: Amazon VPC user guide, "IPv6 addressing".
fn by_range(key: &FlowKey, context: &Context<'_>) -> Option<End> {
    let (client, server) = (key.client(), key.server());
    let is_of_ec2 = |ip| context.knowledge.cloud_ranges.lookup(ip).is_some_and(|(_, service)| service == "EC2");
    match client.is_ipv6().then(|| (is_of_ec2(client), is_of_ec2(server)))? {
        (true, false) => Some(End::Client),
        (false, true) => Some(End::Server),
        _ => None,
    }
}

/// Who opened the conversations, and the surest sign that says so. Sums, not single conversations: of one client and one
/// service port all are alike.
fn opener(key: &FlowKey, tally: &FlowTally) -> Option<(End, &'static str)> {
    let (up, down) = (&tally.up, &tally.down);
    if key.protocol == TCP {
        match (up.syn, down.syn) {
            (1.., 0) => return Some((End::Client, "only this side sent SYNs")),
            (0, 1..) => return Some((End::Server, "only this side sent SYNs")),
            _ => {}
        }
        match (up.syn_ack, down.syn_ack) {
            (0, 1..) => return Some((End::Client, "the other side answered SYNs (SYN-ACK)")),
            (1.., 0) => return Some((End::Server, "the other side answered SYNs (SYN-ACK)")),
            _ => {}
        }
    }
    let client_port = tally.conversations.kept().first().map_or(0, |conversation| conversation.port);
    if service_rank(key.port) < service_rank(client_port) {
        return Some((End::Client, "the other port is a service's and its own is a client's"));
    }
    match (up.records, down.records) {
        (1.., 0) => Some((End::Client, "only its packets were seen")),
        (0, 1..) => Some((End::Server, "only its packets were seen")),
        _ if up.first < down.first => Some((End::Client, "it was seen first")),
        _ if down.first < up.first => Some((End::Server, "it was seen first")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Parts;

    const OWN_V4: &str = "10.0.1.10";
    const OWN_V6: &str = "2001:db8:1::10";

    fn merged(client: &str, server: &str) -> MergedFlow {
        let flow = watchfire_model::VpcFlow {
            status: watchfire_model::LogStatus::Ok,
            source: client.parse().ok(),
            target: server.parse().ok(),
            source_port: 40_000,
            target_port: 443,
            protocol: TCP,
            ..watchfire_model::VpcFlow::default()
        };
        let (key, _) = FlowKey::of(&flow).unwrap();
        let place = Place::new(Parts { account: "111122223333".into(), interface: "eni-1".into(), ..Parts::default() });
        (key, place, FlowTally::default())
    }

    /// An interface with addresses of both kinds: each is told by what its own kind's traffic shares.
    #[test]
    fn an_interface_of_both_kinds_has_an_address_of_each() {
        let mut addresses = InterfaceAddresses::default();
        let slice = [
            merged(OWN_V4, "203.0.113.5"),
            merged(OWN_V6, "2001:db8:9::1"),
            merged(OWN_V4, "203.0.113.6"),
            merged("2001:db8:9::2", OWN_V6),
        ];
        addresses.learn(&slice);
        let own = |flow: &MergedFlow| OwnAddress::of(&addresses).at(&flow.1, &flow.0);
        assert_eq!(own(&slice[0]), OWN_V4.parse().ok());
        assert_eq!(own(&slice[1]), OWN_V6.parse().ok());
        // One place after the other is remembered, with both of its addresses.
        let mut last = OwnAddress::of(&addresses);
        let both = [0, 1, 0].map(|at| last.at(&slice[at].1, &slice[at].0));
        assert_eq!(both, [OWN_V4, OWN_V6, OWN_V4].map(|address| address.parse().ok()));
    }

    /// Behind a gateway there are many; nothing is shared, and a single pair tells nothing.
    #[test]
    fn what_nothing_shares_is_not_known() {
        let mut addresses = InterfaceAddresses::default();
        let slice = [merged(OWN_V6, "2001:db8:9::1"), merged("2001:db8:1::11", "2001:db8:9::2")];
        addresses.learn(&slice);
        assert_eq!(addresses.get(&slice[0].1), [None; 2]);
        let pair = [merged(OWN_V4, "203.0.113.5")];
        addresses.learn(&pair);
        assert_eq!(addresses.get(&pair[0].1), [None; 2]);
    }
}
