//! An instance sends far more to one remote host than it ever did.

use crate::Thresholds;
use crate::behaviour::{Behaviour, FlowView, Learning, Scene, Verdict};
use crate::shared::host::Host;
use crate::shared::state;
use crate::shared::tallied_flow::{self, minute, quoted};
use crate::shared::{connection, habit, subject};
use crate::tally::RecordPlace;
use crate::thresholds::Threshold;
use crate::{Context, Detection, Interest, Need, Rule, SLICE_MS};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use watchfire_knowledge::Bounded;
use watchfire_model::{FindingType, Severity, Signal, Time};

const VOLUME: FindingType = FindingType::new("Behavior:EC2/TrafficVolumeUnusual");

/// Days of history before volumes are judged.
pub(crate) static LEARNING_DAYS: Threshold = habit::learning_days("ec2.traffic_volume_unusual.learning_days");

/// What is worth a look at all.
pub(crate) static BYTES: Threshold = Threshold {
    key: "ec2.traffic_volume_unusual.bytes",
    default: 104_857_600.0,
    min: 1e6,
    max: 1e15,
    unit: "bytes sent to one remote network, an hour",
    source: "The catalogue's suggested rule: 100 MiB",
    summary: "how much an instance must send in an hour, whatever it sent before",
};

/// Compared with the same remote network.
pub(crate) static PEER_FACTOR: Threshold = Threshold {
    key: "ec2.traffic_volume_unusual.peer_factor",
    default: 8.0,
    min: 1.5,
    max: 1e6,
    unit: "times its largest hour to the same remote network",
    source: "detection-methods, section 5",
    summary: "how many times as much as ever before it must send to a remote network that it knows",
};

/// Compared with all.
pub(crate) static HOST_FACTOR: Threshold = Threshold {
    key: "ec2.traffic_volume_unusual.host_factor",
    default: 3.0,
    min: 1.0,
    max: 1e6,
    unit: "times its largest hour to any one remote network around this hour of the day",
    source: "Our choice: the largest of 90 hours is exceeded threefold about once in 5,000 hours of log-normal traffic",
    summary: "how many times as much as it ever sent to anyone around this hour of the day it must send",
};

/// Tallies of fewer bytes are left out: they make no volume.
const TALLY_BYTES_MIN: u64 = 10_000;
/// Slices in an hour: hours begin at each.
const HOUR_SLICES: i64 = Time::HOUR_MS / SLICE_MS;
/// Hosts and remote networks of each. About 100 bytes a network and 1,500 a host.
const HOSTS_MAX: usize = 50_000;
const PEERS_MAX: usize = 64;
/// The largest hours are remembered in two spans: for 15 to 30 days.
const SPAN_DAYS: i64 = 15;
/// An hour is learnt two hours later, so that a rising flow does not teach its own beginning.
const WAIT_HOURS: i64 = 2;
/// What was reported is not learnt for so long. Source: detection-methods, section 0.10.
const NOT_LEARNT_MS: i64 = Time::DAY_MS;
/// Remote networks told of a host.
const PEERS_DESCRIBED: usize = 5;
/// Records shown.
const RECORDS_MAX: usize = 10;
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[VOLUME],
    summary: "An instance sent far more to one remote network than it ever did.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Volumes::default())),
};

/// Evidence: within an hour (one begins every ten minutes) the instance sent at least 100 MiB to one remote network outside;
/// that is three times its largest hour to any one of them around this hour of the day (the clock hour and its neighbours);
/// and it is eight times its largest hour to this one, or the network is new to it. Largest hours are those of the last 15 to
/// 30 days; the instance must have been watched on 14 days of traffic. A remote network is a /24 (a /48 by IPv6), or one of
/// the services that AWS runs itself in one region. What was reported is not learnt for 24 hours.
///
/// No evidence: traffic inside, and what the instance receives.
///
/// False positives: a migration, a new backup, a load test, a content network that changed its addresses. Trust the address
/// (`--trusted`).
#[derive(Serialize, Deserialize)]
struct Volumes {
    hosts: Bounded<Host, Sender>,
    /// What was touched in the slice being shown.
    touched: BTreeSet<(Host, Box<str>)>,
    #[serde(skip)]
    prepared: BTreeMap<(Host, Box<str>), Prepared>,
    needed: u32,
    evicted: u64,
    reported: u64,
}

/// What one host sends.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sender {
    first: Time,
    last_day: i64,
    /// Days with traffic, the current one among them.
    days: u32,
    /// The largest hour to any one remote network, by clock hour of the day.
    hours: BTreeMap<u8, Largest>,
    /// The largest hour to any one that ended in each of the last clock hours, not learnt yet. Not a network's own, because
    /// many are never sent to again.
    #[serde(default)]
    waiting: BTreeMap<i64, u64>,
    peers: BTreeMap<Box<str>, Peer>,
}

/// One remote network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Peer {
    /// Bytes sent in the slices of the last hour.
    slices: Vec<(i64, u64)>,
    /// The largest hour that ended in each of the last clock hours, not learnt yet.
    waiting: BTreeMap<i64, u64>,
    largest: Largest,
    last_day: i64,
    reported_since: Option<Time>,
}

/// The largest of the current span of days and of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Largest {
    span: i64,
    current: u64,
    previous: u64,
}

/// What a finding needs of the largest tally.
struct Prepared {
    bytes: u64,
    signal: Signal,
    first: Time,
    last: Time,
    records: Vec<(Time, RecordPlace)>,
    record_count: u64,
}

/// What is asked for, and what there was.
struct Judged {
    bytes: u64,
    peer: u64,
    host: u64,
    hour_of_day: u8,
}

impl Default for Volumes {
    fn default() -> Self {
        Self {
            hosts: Bounded::new(HOSTS_MAX),
            touched: BTreeSet::new(),
            prepared: BTreeMap::new(),
            needed: 0,
            evicted: 0,
            reported: 0,
        }
    }
}

impl Behaviour for Volumes {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        self.needed = scene.thresholds.count(&LEARNING_DAYS) as u32;
        if view.remote_is_internal {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        let (slice, now) = (view.key.slice, view.slice().0);
        let sender =
            self.hosts.touch(host.clone(), now, || Sender { first: now, last_day: i64::MIN, ..Sender::default() });
        sender.note_day(now.day());
        let (bytes, _) = view.bytes_out_in();
        if bytes < TALLY_BYTES_MIN {
            return;
        }
        let is_service = connection::is_to_aws_service(view, &scene.context);
        let network = network_of(view.remote(), is_service, &scene.context);
        let in_hour = sender.add(&network, slice, bytes, now.day(), &mut self.evicted);
        let key = (host, network);
        let is_largest = self.prepared.get(&key).is_none_or(|prepared| prepared.bytes < bytes);
        if in_hour >= scene.thresholds.count(&BYTES)
            && is_largest
            && let Some(signal) = tallied_flow::signal(VOLUME, Severity::MEDIUM, view, &scene.context)
        {
            self.prepared.insert(key.clone(), Prepared::of(signal, bytes, view));
        }
        self.touched.insert(key);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let mut prepared = std::mem::take(&mut self.prepared);
        for key in std::mem::take(&mut self.touched) {
            let (host, network) = &key;
            let needed = self.needed;
            if self.hosts.get(host).is_none() {
                continue;
            }
            let sender = self.hosts.touch(host.clone(), end.plus_ms(-SLICE_MS), Sender::default);
            let Some(judged) = sender.close(network, end, needed, scene) else { continue };
            let Some(prepared) = prepared.remove(&key) else { continue };
            let is_trusted = scene.context.lists(&host.account, &host.region).trusted_ip(prepared.remote()).is_some();
            if let Some(peer) = sender.peers.get_mut(network).filter(|_| !is_trusted) {
                peer.reported_since.get_or_insert(end);
                scene.verdicts.push(verdict(prepared, &judged, network, sender, end, scene));
            }
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.hosts.forget_before(now.plus_ms(-2 * SPAN_DAYS * Time::DAY_MS));
        let evicted = self.evicted + self.hosts.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        let peers: usize = self.hosts.iter().map(|(_, sender)| sender.peers.len()).sum();
        (self.hosts.len() as u64, (self.hosts.len() * 1_500 + peers * 250) as u64)
    }

    fn learning(&self, _thresholds: &Thresholds) -> Vec<Learning> {
        habit::learning("instance", self.hosts.iter().map(|(_, sender)| sender.days), self.needed)
    }

    fn describe(&self, host: &str) -> Vec<String> {
        let known = self.hosts.iter().filter(|(known, _)| &*known.id == host);
        known.map(|(_, sender)| sender.described()).collect()
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        *self = state::load(VOLUME, STATE_VERSION, saved)?;
        self.hosts.reindex();
        Ok(())
    }
}

impl Sender {
    fn described(&self) -> String {
        let day = self.last_day;
        let largest = self.hours.values().map(|hour| hour.of(day)).max().unwrap_or(0);
        let mut peers: Vec<(u64, &str)> =
            self.peers.iter().map(|(name, peer)| (peer.largest.of(day), &**name)).collect();
        peers.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
        let named: Vec<String> =
            peers.iter().take(PEERS_DESCRIBED).map(|(bytes, name)| format!("{name} ({bytes} bytes)")).collect();
        let to = if named.is_empty() { String::new() } else { format!("; most to {}", named.join(", ")) };
        format!(
            "traffic sent: its largest hour to one remote network was {largest} bytes, of {} networks in 15 to 30 days{to}; watched \
             on {} days since {}",
            peers.len(),
            self.days,
            self.first.date()
        )
    }

    fn note_day(&mut self, day: i64) {
        if day > self.last_day {
            self.last_day = day;
            self.days += 1;
            self.peers.retain(|_, peer| day - peer.last_day <= 2 * SPAN_DAYS);
        }
    }

    /// Adds bytes of a slice, and returns those of the hour that ends with it. The network that was silent longest makes
    /// room for a new one.
    fn add(&mut self, network: &str, slice: i64, bytes: u64, day: i64, evicted: &mut u64) -> u64 {
        if self.peers.len() >= PEERS_MAX && !self.peers.contains_key(network) {
            let silent =
                self.peers.iter().map(|(name, peer)| (peer.slices.last().map(|last| last.0), name.clone())).min();
            if let Some((_, name)) = silent {
                self.peers.remove(&name);
                *evicted += 1;
            }
        }
        let peer = self.peers.entry(network.into()).or_default();
        peer.last_day = day;
        peer.slices.retain(|(at, _)| *at > slice - HOUR_SLICES);
        match peer.slices.last_mut() {
            Some((at, sum)) if *at == slice => *sum = sum.saturating_add(bytes),
            _ => peer.slices.push((slice, bytes)),
        }
        peer.slices.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Judges the hour that ends with the slice, and learns what has waited. `Some`: it is unusual.
    fn close(&mut self, network: &str, end: Time, needed: u32, scene: &Scene<'_>) -> Option<Judged> {
        let hour = end.plus_ms(-1).hour();
        let day = end.plus_ms(-1).day();
        let hour_of_day = hour.rem_euclid(24) as u8;
        let peer = self.peers.get_mut(network)?;
        let bytes = peer.slices.iter().map(|(_, bytes)| bytes).sum();
        peer.learn(hour);
        for (at, bytes) in due(&mut self.waiting, hour) {
            self.hours.entry(at.rem_euclid(24) as u8).or_default().raise(bytes, at.div_euclid(24));
        }
        let around = [23, 0, 1].map(|offset| (hour_of_day + offset) % 24);
        let host = around.iter().filter_map(|at| self.hours.get(at)).map(|largest| largest.of(day)).max().unwrap_or(0);
        let judged = Judged { bytes, peer: peer.largest.of(day), host, hour_of_day };
        let is_watched = self.days.saturating_sub(1) >= needed;
        let is_unusual = is_watched && judged.is_unusual(scene);
        let is_old_news = peer.reported_since.is_some_and(|since| end.ms() - since.ms() >= NOT_LEARNT_MS);
        if !is_unusual || is_old_news {
            for waiting in [&mut peer.waiting, &mut self.waiting] {
                let most = waiting.entry(hour).or_default();
                *most = bytes.max(*most);
            }
        }
        if !is_unusual {
            peer.reported_since = peer.reported_since.filter(|_| !is_old_news);
        }
        is_unusual.then_some(judged)
    }
}

impl Peer {
    /// Takes what has waited long enough into its largest hours.
    fn learn(&mut self, hour: i64) {
        for (at, bytes) in due(&mut self.waiting, hour) {
            self.largest.raise(bytes, at.div_euclid(24));
        }
    }
}

/// Takes out what has waited long enough: hours and their bytes.
fn due(waiting: &mut BTreeMap<i64, u64>, hour: i64) -> BTreeMap<i64, u64> {
    let still = waiting.split_off(&(hour - WAIT_HOURS + 1));
    std::mem::replace(waiting, still)
}

impl Largest {
    fn turn(&mut self, day: i64) {
        let span = day.div_euclid(SPAN_DAYS);
        if span > self.span {
            self.previous = if span == self.span + 1 { self.current } else { 0 };
            self.current = 0;
            self.span = span;
        }
    }

    fn raise(&mut self, bytes: u64, day: i64) {
        self.turn(day);
        self.current = self.current.max(bytes);
    }

    fn of(mut self, day: i64) -> u64 {
        self.turn(day);
        self.current.max(self.previous)
    }
}

impl Judged {
    fn is_unusual(&self, scene: &Scene<'_>) -> bool {
        let times = |bytes: u64, factor: f64| bytes as f64 * factor;
        let bytes = self.bytes as f64;
        self.bytes >= scene.thresholds.count(&BYTES)
            && bytes >= times(self.peer, scene.thresholds.get(&PEER_FACTOR))
            && bytes >= times(self.host, scene.thresholds.get(&HOST_FACTOR))
    }
}

impl Prepared {
    fn of(signal: Signal, bytes: u64, view: &FlowView<'_>) -> Self {
        let (first, last) = (view.first(), view.last());
        Self { bytes, signal, first, last, records: view.records(RECORDS_MAX), record_count: view.record_count() }
    }

    fn remote(&self) -> IpAddr {
        match &self.signal.action {
            watchfire_model::Action::NetworkConnection(action) => action.remote.as_ref().map(|remote| remote.ip),
            _ => None,
        }
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// The remote network of an address: "203.0.113.0/24", "2001:db8:1::/48", or a service of AWS, "S3 in eu-west-1".
/// `is_service`: see [`connection::is_aws_service`].
fn network_of(address: IpAddr, is_service: bool, context: &Context<'_>) -> Box<str> {
    if is_service && let Some((region, service)) = context.knowledge.cloud_ranges.lookup(address) {
        return format!("{service} in {region}").into();
    }
    match address {
        IpAddr::V4(v4) => format!("{}/24", Ipv4Addr::from(u32::from(v4) & !0xff)).into(),
        IpAddr::V6(v6) => format!("{}/48", Ipv6Addr::from(u128::from(v6) >> 80 << 80)).into(),
    }
}

fn verdict(
    prepared: Prepared,
    judged: &Judged,
    network: &str,
    sender: &Sender,
    end: Time,
    scene: &Scene<'_>,
) -> Verdict {
    let mut signal = prepared.signal;
    let quote = |threshold| quoted(threshold, scene.thresholds);
    let peer = match judged.peer {
        0 => format!("It has no history of sending to {network}."),
        largest => format!(
            "Its largest hour to {network} in the last 15 to 30 days had {largest} bytes; {} times as many are asked for.",
            quote(&PEER_FACTOR)
        ),
    };
    signal.reasons = vec![
        format!(
            "In the hour before {} it sent {} bytes to {network}; at least {} are asked for.",
            minute(end),
            judged.bytes,
            quote(&BYTES)
        ),
        peer,
        format!(
            "Its largest hour to any one remote network around {}:00 to {}:59 UTC in the last 15 to 30 days had {} bytes; {} \
             times as many are asked for.",
            (judged.hour_of_day + 23) % 24,
            (judged.hour_of_day + 1) % 24,
            judged.host,
            quote(&HOST_FACTOR)
        ),
        format!(
            "It has been watched since {}, on {} days with traffic before this one (at least {}).",
            sender.first.date(),
            sender.days.saturating_sub(1),
            quote(&LEARNING_DAYS)
        ),
    ];
    let who = subject::name(&signal);
    signal.additional.insert("outBytes".to_owned(), judged.bytes.into());
    signal.title = format!("{who} sends an unusual amount of traffic to a remote host.");
    signal.description = format!(
        "{who} sent {} bytes to {network} in an hour. It never sent so much there, nor to anyone around this hour of the day.",
        judged.bytes
    );
    Verdict {
        signal,
        begin: prepared.first,
        end: prepared.last,
        records: prepared.records,
        record_count: prepared.record_count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, found};
    use crate::testing::FlowLine;

    const MIB: u64 = 1_048_576;

    fn upload(remote: &str, after: i64, mib: u64) -> FlowLine {
        FlowLine::out(40_000, remote, 443).packets(mib * 750, mib * MIB).after(after)
    }

    /// So many MiB to a known host each hour of so many days.
    fn usual(count: i64, mib: u64) -> Vec<FlowLine> {
        (0..count * 24).map(|hour| upload("198.51.100.20", hour * 3_600, mib)).collect()
    }

    #[test]
    fn much_to_a_new_network_is_reported() {
        let flows = [usual(15, 5), vec![upload("203.0.113.9", 14 * DAY + 7_200, 5_000)]].concat();
        let verdicts = found(&DETECTION, &flows);
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[0].contains(&format!("{} bytes to 203.0.113.0/24", 5_000 * MIB)), "{reasons:?}");
        assert!(reasons[1].contains("no history"), "{reasons:?}");
        assert!(reasons[2].contains(&format!("had {} bytes; 3 (`ec2.", 5 * MIB)), "{reasons:?}");
        assert!(reasons[3].contains("on 14 days with traffic before this one (at least 14"), "{reasons:?}");
    }

    #[test]
    fn eight_times_as_much_to_a_known_host_is_reported_and_seven_is_not() {
        let jump =
            |mib| found(&DETECTION, &[usual(14, 50), vec![upload("198.51.100.20", 14 * DAY + 7_200, mib)]].concat());
        assert_eq!(jump(400).len(), 1);
        assert!(jump(350).is_empty());
    }

    #[test]
    fn an_hour_over_two_clock_hours_is_one() {
        let parts = |each| -> Vec<FlowLine> {
            (0..6).map(|at| upload("203.0.113.9", 14 * DAY + 7_200 + 1_800 + at * 600, each)).collect()
        };
        let verdicts = found(&DETECTION, &[usual(15, 5), parts(18)].concat());
        assert_eq!(verdicts.len(), 1);
        assert!(found(&DETECTION, &[usual(15, 5), parts(16)].concat()).is_empty());
    }

    #[test]
    fn a_nightly_backup_does_not_hide_a_spike_by_day() {
        let backup = (0..15).map(|day| upload("198.51.100.77", day * DAY + 2 * 3_600, 3_000)).collect();
        let spike = |hour: i64| vec![upload("203.0.113.9", 14 * DAY + hour * 3_600, 300)];
        assert_eq!(found(&DETECTION, &[usual(15, 5), backup, spike(12)].concat()).len(), 1);
        let backup = (0..15).map(|day| upload("198.51.100.77", day * DAY + 2 * 3_600, 3_000)).collect();
        assert!(found(&DETECTION, &[usual(15, 5), backup, spike(3)].concat()).is_empty());
    }

    /// Calls, viewers and peers: each evening somebody else, whom it never sends to again.
    #[test]
    fn hours_to_networks_that_never_come_back_are_usual_all_the_same() {
        let evenings = || (0..15).map(|day| upload(&format!("203.0.{day}.9"), day * DAY + 20 * 3_600, 300));
        let then = |mib| vec![upload("198.51.100.9", 15 * DAY + 20 * 3_600, mib)];
        let judged = |mib| found(&DETECTION, &[usual(16, 5), evenings().collect(), then(mib)].concat());
        assert!(judged(800).is_empty());
        assert_eq!(judged(1_000).len(), 1);
    }

    #[test]
    fn it_is_learnt_a_day_after_it_was_reported() {
        let daily =
            |from: i64, to: i64| (from..to).map(|hour| upload("203.0.113.9", hour * 3_600 + 14 * DAY, 500)).collect();
        let flows: Vec<FlowLine> = [usual(18, 5), daily(0, 72)].concat();
        let verdicts = found(&DETECTION, &flows);
        let last = verdicts.iter().map(|verdict| verdict.end.ms()).max().unwrap();
        let first = verdicts[0].begin.ms();
        assert!((24..29).contains(&((last - first) / Time::HOUR_MS)), "{}", (last - first) / Time::HOUR_MS);
    }

    #[test]
    fn young_hosts_and_traffic_inside_stay_quiet() {
        assert!(found(&DETECTION, &[usual(10, 5), vec![upload("203.0.113.9", 9 * DAY, 5_000)]].concat()).is_empty());
        assert!(found(&DETECTION, &[usual(15, 5), vec![upload("10.0.9.9", 14 * DAY, 5_000)]].concat()).is_empty());
        let download = FlowLine::into("203.0.113.9", 443, 40_000).packets(4_000_000, 5_000 * MIB).after(14 * DAY);
        assert!(found(&DETECTION, &[usual(15, 5), vec![download]].concat()).is_empty());
        assert!(found(&DETECTION, &[days(15), vec![upload("203.0.113.9", 14 * DAY, 90)]].concat()).is_empty());
    }

    #[test]
    fn networks_have_names() {
        let knowledge = watchfire_knowledge::Knowledge::shipped();
        let estate = watchfire_knowledge::Estate::default();
        let context = Context { knowledge: &knowledge, own_lists: None, estate: &estate };
        let name = |address: &str| {
            let address = address.parse().unwrap();
            network_of(address, connection::is_aws_service(address, &context), &context).to_string()
        };
        assert_eq!(name("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(name("2a02:db8:1:2::3"), "2a02:db8:1::/48");
        assert!(name("52.216.1.1").starts_with("S3 in us-east-1"));
    }

    #[test]
    fn the_largest_hour_is_forgotten_after_two_spans() {
        let mut largest = Largest::default();
        largest.raise(7, 0);
        assert_eq!((largest.of(14), largest.of(29), largest.of(30)), (7, 7, 0));
    }

    #[test]
    fn a_restart_changes_nothing() {
        let mut volumes = Volumes::default();
        let host = Host::new("1", "r", "i-1");
        let sender = volumes.hosts.touch(host, Time::from_ms(5), Sender::default);
        sender.add("203.0.113.0/24", 3, 77, 0, &mut 0);
        sender.hours.entry(7).or_default().raise(9, 1);
        let mut restarted = Volumes::default();
        restarted.load(volumes.save()).unwrap();
        assert_eq!(restarted.save(), volumes.save());
    }
}
