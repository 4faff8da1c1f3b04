//! An instance floods a target outside.

use crate::behaviour::{Behaviour, End, FlowView, Scene, Verdict};
use crate::shared::contact::{ICMP, ICMP_V6, TCP, UDP, protocol_name};
use crate::shared::host::Host;
use crate::shared::state::{self, pairs};
use crate::shared::subject;
use crate::shared::tallied_flow::{self, minute, quoted};
use crate::tally::Conversation;
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule, SLICE_MS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_model::{FindingType, Severity, Signal, Time};

const DNS: FindingType = FindingType::new("Backdoor:EC2/DenialOfService.Dns");
const TCP_FLOOD: FindingType = FindingType::new("Backdoor:EC2/DenialOfService.Tcp");
const UDP_FLOOD: FindingType = FindingType::new("Backdoor:EC2/DenialOfService.Udp");
const UDP_ON_TCP_PORTS: FindingType = FindingType::new("Backdoor:EC2/DenialOfService.UdpOnTcpPorts");
const UNUSUAL_PROTOCOL: FindingType = FindingType::new("Backdoor:EC2/DenialOfService.UnusualProtocol");

const FASTNETMON: &str = "FastNetMon's defaults, as detection-methods, section 5, quotes them";

/// A flood by packets.
pub(crate) static PACKETS_PER_SECOND: Threshold = Threshold {
    key: "ec2.denial_of_service.packets_per_second",
    default: 20_000.0,
    min: 100.0,
    max: 1e9,
    unit: "packets a second to one target, mean of a minute",
    source: FASTNETMON,
    summary: "how many packets make a flood, whatever the instance sent before",
};

/// A flood by bits.
pub(crate) static MEGABITS_PER_SECOND: Threshold = Threshold {
    key: "ec2.denial_of_service.megabits_per_second",
    default: 1_000.0,
    min: 1.0,
    max: 1e6,
    unit: "Mbit a second to one target, mean of a minute",
    source: FASTNETMON,
    summary: "how much traffic makes a flood, whatever the instance sent before",
};

/// A flood by flow records.
pub(crate) static RECORDS_PER_SECOND: Threshold = Threshold {
    key: "ec2.denial_of_service.records_per_second",
    default: 3_500.0,
    min: 10.0,
    max: 1e9,
    unit: "flow records a second to one target, mean of a minute",
    source: FASTNETMON,
    summary: "how many flow records make a flood, whatever the instance sent before",
};

/// A flood for this instance.
pub(crate) static OWN_PACKETS_PER_SECOND: Threshold = Threshold {
    key: "ec2.denial_of_service.own_packets_per_second",
    default: 2_000.0,
    min: 10.0,
    max: 1e9,
    unit: "packets a second to one target, mean of a minute",
    source: "detection-methods, section 5",
    summary: "how many packets make a flood if they are many times what the instance ever sent one way",
};

/// A slow flood for this instance.
pub(crate) static OWN_PACKETS: Threshold = Threshold {
    key: "ec2.denial_of_service.own_packets",
    default: 100_000.0,
    min: 1_000.0,
    max: 1e12,
    unit: "packets to one target in ten minutes",
    source: "The catalogue's suggested rule",
    summary: "how many packets in ten minutes make a flood if they are many times what the instance ever sent one way",
};

/// How many times its own.
pub(crate) static OWN_FACTOR: Threshold = Threshold {
    key: "ec2.denial_of_service.own_factor",
    default: 10.0,
    min: 1.0,
    max: 1e6,
    unit: "times the largest of the last 30 days",
    source: "detection-methods, section 5",
    summary: "how many times its own largest one-way traffic an instance must send",
};

/// One-sidedness.
pub(crate) static SENT_TO_RECEIVED: Threshold = Threshold {
    key: "ec2.denial_of_service.sent_to_received",
    default: 20.0,
    min: 10.0,
    max: 1e6,
    unit: "packets sent for each received",
    source: "The catalogue's suggested rule; a dialogue has about as many each way, a bulk upload about two to one",
    summary: "how one-sided the traffic must be",
};

/// Traffic less one-sided than this is not looked at. The least that [`SENT_TO_RECEIVED`] can be set to.
const ONE_WAY_MIN: u64 = 10;
/// Percent of TCP records that are lone SYNs. Source: detection-methods, section 5.
const SYN_PERCENT_MIN: u64 = 80;
/// A SYN with all options that fit takes 80 bytes by IPv4; larger packets carry data. Source: RFC 9293, section 3.1.
const SYN_BYTES_MAX: u64 = 80;
/// Packets of TCP sent for each received that no upload reaches: receivers acknowledge at the latest after two bundles of
/// 64 KiB, which is 90 packets of 1,460 bytes.
const TCP_UNANSWERED_MIN: u64 = 100;
/// Questions sent to one name server for each answer that only a flood reaches at such a rate: a server that answers is asked
/// once for each answer, and a resolver turns away from one that leaves half unanswered. Source: RFC 9520, section 3 (failures
/// to resolve are remembered, and servers that do not answer are asked less).
const DNS_UNANSWERED_MIN: u64 = 2;
/// Packets of one connection without a word: opened, answered, and closed or reset, each repeated. Source: RFC 9293, section 3.5
/// (three to open, four to close), with room for repetitions.
const WORDLESS_PACKETS_MAX: u64 = 10;
/// A stream of UDP of which the receiver reports back so often, on average, is no flood for being long: feedback of video and
/// sound comes each five seconds at the least often. Source: RFC 3550, section 6.2, with half of the reports lost.
const REPORTS_A_MINUTE: u64 = 6;
/// Ports normally served over TCP. Not 443, which is QUIC's too. Source: detection-methods, section 5; 110 and 143 with
/// their encrypted forms.
const TCP_PORTS: [u16; 15] = [20, 21, 22, 23, 25, 80, 110, 143, 445, 993, 995, 3306, 3389, 5432, 8080];
/// Protocols that a host uses in its daily work, besides ICMP, TCP and UDP: ESP, AH. GRE (47) is a network's, not a host's.
const USUAL_PROTOCOLS: [u8; 2] = [50, 51];
/// UDP by which logs, metrics and flows are sent to a collector that never answers: syslog, NetFlow and IPFIX, sFlow, statsd,
/// GELF. Only floods by rate are reported there. Source: IANA's registry; the collectors' documentation.
const TELEMETRY_PORTS: [u16; 9] = [514, 2055, 4739, 6343, 8125, 9995, 9996, 12_201, 24_224];

/// UDP services that answer anyone with far more than they were asked, so that who writes another's address as his own floods
/// that one through them: QOTD, CHARGEN, DNS, portmapper, NTP, SNMP, CLDAP, RIP, SSDP, WS-Discovery, mDNS, memcached.
/// Source: CISA, "UDP-Based Amplification Attacks" (TA14-017A).
const REFLECTING_PORTS: [u16; 12] = [17, 19, 53, 111, 123, 161, 389, 520, 1900, 3702, 5353, 11_211];
/// Bytes answered for each byte asked that make an answer an amplification. Source: our choice; all of these reach it
/// by TA14-017A, and an honest request of NTP is answered with as many bytes as it has.
const AMPLIFIED_MIN: u64 = 5;

/// Minutes of a slice, and two more for records that end after it.
const MINUTES: usize = 12;
/// Minutes in a slice.
const SLICE_MINUTES: usize = (SLICE_MS / Time::MINUTE_MS) as usize;
/// Targets of one-way traffic in a slice. About 200 bytes each.
const TARGETS_MAX: usize = 100_000;
/// Packets in a slice below which a target is not remembered for the next, and no finding is prepared: a hundredth of what
/// ten minutes must have, so that a window over the edge of a slice lacks not more.
const NOTABLE_PACKETS: u64 = 1_000;
/// Hosts whose largest one-way traffic is remembered, and how long.
const HOSTS_MAX: usize = 100_000;
const MEMORY_MS: i64 = 30 * Time::DAY_MS;
/// What was reported is not learnt for so long. Source: detection-methods, section 0.10.
const NOT_LEARNT_MS: i64 = Time::DAY_MS;
/// Records shown.
const RECORDS_MAX: usize = 10;
const STATE_VERSION: u32 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DNS, TCP_FLOOD, UDP_FLOOD, UDP_ON_TCP_PORTS, UNUSUAL_PROTOCOL],
    summary: "An instance sends one target outside far more than it gets back, at the rate of a flood.",
    listens: &[Interest::FlowTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Floods::default())),
};

/// Evidence: to one public address, by one kind of traffic, the instance sent at least 20 packets for each that came back,
/// and one of these: in one minute at least 20,000 packets a second, 1,000 Mbit/s, or 3,500 flow records a second; or at
/// least 2,000 packets a second and ten times its own largest minute; or in ten minutes at least 100,000 packets and ten times
/// its own largest ten minutes. Of TCP, besides, four of five records must be lone SYNs of at most 80 bytes a packet, or there
/// must be a hundred packets for each that came back, which no upload reaches. A target that is alive answers each SYN: of TCP
/// without a word (at most 80 bytes a packet both ways, and lone SYNs or at most ten packets a record) the answers do not speak
/// against a flood, but ten minutes are not enough then, it must be the rate. So it is with questions by DNS of which half or less were answered.
///
/// The kinds, in this order: UDP to port 53; UDP to a port normally served over TCP (not 443, which is QUIC's too); other UDP;
/// TCP; protocols that hosts rarely use (not IPsec; ICMP by packets, bits or records a second only). Ports are summed, so that a flood over many ports counts as one.
/// How packets spread over the minutes is told from the conversations; where there were more than 64 on one port, from a
/// sample of them. What was reported does not count as the instance's own for 24 hours.
///
/// An instance whose own service is abused by others floods as well: what one of the UDP services that are known for it (such as
/// NTP, DNS, SSDP, CLDAP, memcached) answers one address counts as a flood of UDP if it has five times the bytes of what was asked
/// and the rate of a minute is that of a flood; ten minutes are not enough.
///
/// No evidence: private targets, whatever they are sent. Other traffic that the other side asked for. Collectors of logs, metrics and
/// flows on their usual UDP ports, unless they are flooded by rate. Ten minutes of UDP whose receiver reports back each ten
/// seconds, as with video and sound.
///
/// False positives: load tests against an address outside; video sent one way to a receiver that never reports; a collector of logs on a port of your own
/// choice. Trust the address (`--trusted`).
#[derive(Default, Serialize, Deserialize)]
struct Floods {
    /// The largest one-way traffic of each host.
    hosts: Past,
    /// The slice being shown, and the hosts in it that sent one way.
    slice: i64,
    senders: Vec<Host>,
    #[serde(with = "pairs")]
    current: BTreeMap<(u32, IpAddr, Kind), Sums>,
    /// What is worth remembering of the slice before.
    #[serde(with = "pairs")]
    previous: BTreeMap<(Host, IpAddr, Kind), [u64; MINUTES]>,
    previous_slice: i64,
    #[serde(skip)]
    prepared: BTreeMap<(u32, IpAddr, Kind), Prepared>,
    evicted: u64,
    reported: u64,
}

/// A kind of flood, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Dns,
    UdpOnTcpPorts,
    Udp,
    /// UDP to the port of a collector.
    Telemetry,
    Tcp,
    UnusualProtocol,
    /// ICMP, of which a little is everyday.
    Ping,
    /// Answers of UDP services that amplify.
    Reflection,
}

/// The largest one-way traffic of each host.
#[derive(Serialize, Deserialize)]
struct Past(Bounded<Host, Own>);

/// The largest one-way traffic of one host to one target.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Own {
    packets_a_minute: u64,
    packets_in_ten: u64,
    /// The same of the last slice: learnt with the next one, because a flood may have begun in it.
    waiting: (u64, u64),
    /// Since when it has been reported.
    reported_since: Option<Time>,
}

/// What one host sent one target in a slice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sums {
    packets_out: u64,
    packets_in: u64,
    bytes_out: u64,
    #[serde(default)]
    bytes_in: u64,
    records: u64,
    records_all: u64,
    syn: u64,
    minutes: [u64; MINUTES],
    first: Time,
    last: Time,
    protocol: u8,
    /// Whether the minutes are estimated from a sample.
    is_sampled: bool,
}

/// What a finding needs of the largest tally.
struct Prepared {
    kind: Kind,
    packets_out: u64,
    signal: Signal,
    records: Vec<(Time, crate::tally::RecordPlace)>,
}

/// Why traffic is a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    PacketRate,
    BitRate,
    RecordRate,
    OwnRate,
    OwnTenMinutes,
}

impl Default for Past {
    fn default() -> Self {
        Self(Bounded::new(HOSTS_MAX))
    }
}

impl Behaviour for Floods {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let (packets_out, packets_in) = view.packets_out_in();
        let is_one_way = packets_out >= packets_in.saturating_mul(ONE_WAY_MIN);
        let is_wordless =
            view.is_tcp() && packets_out >= packets_in && is_small(view.bytes_out_in(), (packets_out, packets_in));
        let is_reflection = is_reflection(view);
        let is_unanswered = view.key.protocol == UDP
            && view.key.port == 53
            && packets_out >= packets_in.saturating_mul(DNS_UNANSWERED_MIN);
        let is_sent = !view.is_inbound() && (is_one_way || is_wordless || is_unanswered);
        if view.remote_is_internal || !(is_reflection || is_sent) {
            return;
        }
        let kind = if is_reflection { Some(Kind::Reflection) } else { Kind::of(view) };
        let Some(kind) = kind else { return };
        let Some(sender) = self.sender(view, scene) else { return };
        let key = (sender, view.remote(), kind);
        if self.current.len() >= TARGETS_MAX && !self.current.contains_key(&key) {
            self.evicted += 1;
            return;
        }
        let sums = self.current.entry(key).or_default();
        sums.add(view);
        let is_largest = self.prepared.get(&key).is_none_or(|prepared| prepared.packets_out < packets_out);
        if sums.packets_out >= NOTABLE_PACKETS
            && is_largest
            && let Some(signal) = tallied_flow::signal(kind.finding_type(), Severity::HIGH, view, &scene.context)
        {
            self.prepared.insert(key, Prepared { kind, packets_out, signal, records: view.records(RECORDS_MAX) });
        }
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let current = std::mem::take(&mut self.current);
        let senders = std::mem::take(&mut self.senders);
        let mut prepared = std::mem::take(&mut self.prepared);
        let slice = end.ms().div_euclid(SLICE_MS) - 1;
        if self.previous_slice != slice - 1 {
            self.previous.clear();
        }
        let mut remembered = BTreeMap::new();
        let mut seen: BTreeMap<&Host, (u64, u64, bool)> = BTreeMap::new();
        for ((sender, remote, kind), sums) in &current {
            let Some(host) = senders.get(*sender as usize) else { continue };
            let key = (host.clone(), *remote, *kind);
            let in_ten = sums.in_ten_minutes(self.previous.get(&key));
            let own = self.hosts.0.get(host).copied().unwrap_or_default();
            let why = sums.why(*kind, in_ten, &own, scene);
            let largest = seen.entry(host).or_default();
            if let Some(why) = why
                && let Some(prepared) = prepared.remove(&(*sender, *remote, *kind))
                && scene.context.lists(&host.account, &host.region).trusted_ip(*remote).is_none()
            {
                let verdict = verdict(prepared, sums, *remote, why, in_ten, &own, scene);
                scene.verdicts.push(verdict);
                largest.2 = true;
            }
            largest.0 = largest.0.max(sums.busiest_minute());
            largest.1 = largest.1.max(in_ten);
            if sums.packets_out >= NOTABLE_PACKETS {
                remembered.insert(key, sums.minutes);
            }
        }
        for (host, (packets_a_minute, packets_in_ten, has_fired)) in seen {
            if packets_in_ten >= NOTABLE_PACKETS {
                let own = self.hosts.0.touch(host.clone(), end, Own::default);
                own.learn(packets_a_minute, packets_in_ten, has_fired, end);
            }
        }
        (self.previous, self.previous_slice) = (remembered, slice);
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.hosts.0.forget_before(now.plus_ms(-MEMORY_MS));
        let evicted = self.evicted + self.hosts.0.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        let (hosts, targets) = (self.hosts.0.len() as u64, (self.previous.len() + self.current.len()) as u64);
        (hosts + targets, hosts * 250 + targets * 300)
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        *self = state::load(UDP_FLOOD, STATE_VERSION, saved)?;
        self.hosts.0.reindex();
        Ok(())
    }
}

impl Floods {
    /// The number of the host in this slice. Tallies come in runs of one host.
    fn sender(&mut self, view: &FlowView<'_>, scene: &Scene<'_>) -> Option<u32> {
        let host = Host::of(view, &scene.context)?;
        if self.senders.last() != Some(&host) {
            self.senders.push(host);
        }
        u32::try_from(self.senders.len() - 1).ok()
    }
}

impl Kind {
    fn of(view: &FlowView<'_>) -> Option<Self> {
        let port = remote_port(view);
        match view.key.protocol {
            TCP => Some(Self::Tcp),
            UDP if port == 53 => Some(Self::Dns),
            UDP if TCP_PORTS.contains(&port) => Some(Self::UdpOnTcpPorts),
            UDP if TELEMETRY_PORTS.contains(&port) => Some(Self::Telemetry),
            UDP => Some(Self::Udp),
            ICMP | ICMP_V6 => Some(Self::Ping),
            protocol => (!USUAL_PROTOCOLS.contains(&protocol)).then_some(Self::UnusualProtocol),
        }
    }

    const fn finding_type(self) -> FindingType {
        match self {
            Self::Dns => DNS,
            Self::UdpOnTcpPorts => UDP_ON_TCP_PORTS,
            Self::Udp | Self::Telemetry | Self::Reflection => UDP_FLOOD,
            Self::Tcp => TCP_FLOOD,
            Self::UnusualProtocol | Self::Ping => UNUSUAL_PROTOCOL,
        }
    }
}

/// The port that was flooded: the service's, or where ours looks more like one, that of the largest conversation.
fn remote_port(view: &FlowView<'_>) -> u16 {
    match view.local_end {
        End::Client => view.key.port,
        End::Server => {
            let kept = view.tally.conversations.kept().iter();
            kept.max_by_key(|one| (one.down_packets, one.port)).map_or(0, |one| one.port)
        }
    }
}

/// Our port: the service's, or where the other one looks more like one, that of the largest conversation.
fn own_port(view: &FlowView<'_>) -> u16 {
    match view.local_end {
        End::Server => view.key.port,
        End::Client => {
            let kept = view.tally.conversations.kept().iter();
            kept.max_by_key(|one| (one.up_packets, one.port)).map_or(0, |one| one.port)
        }
    }
}

/// Whether a service of ours answers with far more than it was asked: [`REFLECTING_PORTS`], [`AMPLIFIED_MIN`].
fn is_reflection(view: &FlowView<'_>) -> bool {
    let (bytes_out, bytes_in) = view.bytes_out_in();
    view.key.protocol == UDP
        && is_amplified(bytes_out, bytes_in)
        && REFLECTING_PORTS.contains(&own_port(view))
        && !REFLECTING_PORTS.contains(&remote_port(view))
}

/// Whether so much was answered to so much; without a question there is no answer.
const fn is_amplified(bytes_out: u64, bytes_in: u64) -> bool {
    bytes_in > 0 && bytes_out >= bytes_in.saturating_mul(AMPLIFIED_MIN)
}

impl Own {
    fn learn(&mut self, packets_a_minute: u64, packets_in_ten: u64, has_fired: bool, now: Time) {
        if has_fired {
            let since = *self.reported_since.get_or_insert(now);
            if now.ms() - since.ms() < NOT_LEARNT_MS {
                self.waiting = (0, 0);
                return;
            }
        }
        self.reported_since = self.reported_since.filter(|_| has_fired);
        let waiting = std::mem::replace(&mut self.waiting, (packets_a_minute, packets_in_ten));
        self.packets_a_minute = self.packets_a_minute.max(waiting.0);
        self.packets_in_ten = self.packets_in_ten.max(waiting.1);
    }
}

impl Sums {
    fn add(&mut self, view: &FlowView<'_>) {
        let sent = if view.local_end == End::Client { &view.tally.up } else { &view.tally.down };
        let (packets_out, packets_in) = view.packets_out_in();
        let (first, last) = (view.first(), view.last());
        self.first = if self.records == 0 { first } else { self.first.min(first) };
        self.last = self.last.max(last);
        self.protocol = view.key.protocol;
        self.packets_out = self.packets_out.saturating_add(packets_out);
        self.packets_in = self.packets_in.saturating_add(packets_in);
        let (bytes_out, bytes_in) = view.bytes_out_in();
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.records += u64::from(sent.records);
        self.records_all += view.record_count();
        self.syn += u64::from(sent.syn);
        self.is_sampled |= view.tally.conversations.is_cut();
        for (sum, packets) in self.minutes.iter_mut().zip(minutes(view, packets_out)) {
            *sum = sum.saturating_add(packets);
        }
    }

    fn busiest_minute(&self) -> u64 {
        self.minutes.iter().copied().max().unwrap_or(0)
    }

    /// The most packets in any ten minutes that end in this slice. `previous` are the minutes of the slice before.
    fn in_ten_minutes(&self, previous: Option<&[u64; MINUTES]>) -> u64 {
        let mut line = [0u64; SLICE_MINUTES + MINUTES];
        for (at, packets) in previous.into_iter().flatten().enumerate() {
            line[at] = *packets;
        }
        for (at, packets) in self.minutes.iter().enumerate() {
            line[SLICE_MINUTES + at] += packets;
        }
        line.windows(SLICE_MINUTES).map(|window| window.iter().sum()).max().unwrap_or(0)
    }

    fn why(&self, kind: Kind, in_ten: u64, own: &Own, scene: &Scene<'_>) -> Option<Why> {
        let at_least = |value: u64, threshold| value >= scene.thresholds.count(threshold);
        let is_one_sided = self.is_one_sided(scene);
        let is_wordless = kind == Kind::Tcp && self.is_wordless_tcp();
        let is_reflection = kind == Kind::Reflection && is_amplified(self.bytes_out, self.bytes_in);
        if kind == Kind::Reflection && !is_reflection {
            return None;
        }
        let is_unanswered = kind == Kind::Dns && self.packets_out >= self.packets_in.saturating_mul(DNS_UNANSWERED_MIN);
        let is_by_rate = is_wordless || is_reflection || is_unanswered;
        if !is_by_rate && (!is_one_sided || (kind == Kind::Tcp && !self.is_unanswered_tcp())) {
            return None;
        }
        let factor = scene.thresholds.count(&OWN_FACTOR);
        let busiest = self.busiest_minute();
        if at_least(busiest / 60, &PACKETS_PER_SECOND) {
            Some(Why::PacketRate)
        } else if at_least(self.share(busiest, self.bytes_out) * 8 / 60 / 1_000_000, &MEGABITS_PER_SECOND) {
            Some(Why::BitRate)
        } else if at_least(self.share(busiest, self.records) / 60, &RECORDS_PER_SECOND) {
            Some(Why::RecordRate)
        } else if matches!(kind, Kind::Telemetry | Kind::Ping) {
            None
        } else if at_least(busiest / 60, &OWN_PACKETS_PER_SECOND) && busiest >= own.packets_a_minute * factor {
            Some(Why::OwnRate)
        } else if is_reflection || !is_one_sided || (kind == Kind::Udp && self.is_reported_back()) {
            None
        } else if at_least(in_ten, &OWN_PACKETS) && in_ten >= own.packets_in_ten * factor {
            Some(Why::OwnTenMinutes)
        } else {
            None
        }
    }

    /// Of a sum over the slice, the part of so many packets.
    fn share(&self, packets: u64, of: u64) -> u64 {
        scale(of, packets, self.packets_out)
    }

    fn is_one_sided(&self, scene: &Scene<'_>) -> bool {
        self.packets_out >= self.packets_in.saturating_mul(scene.thresholds.count(&SENT_TO_RECEIVED))
    }

    /// Whether connections were opened and nothing was said in them, by either side: [`WORDLESS_PACKETS_MAX`].
    fn is_wordless_tcp(&self) -> bool {
        let is_many_small = self.packets_out <= self.records.saturating_mul(WORDLESS_PACKETS_MAX)
            || self.syn * 100 >= self.records * SYN_PERCENT_MIN;
        self.packets_out >= self.packets_in
            && is_many_small
            && is_small((self.bytes_out, self.bytes_in), (self.packets_out, self.packets_in))
    }

    /// Whether the receiver reported back all the time: [`REPORTS_A_MINUTE`].
    fn is_reported_back(&self) -> bool {
        let minutes = self.minutes.iter().filter(|packets| **packets > 0).count() as u64;
        self.packets_in >= minutes.max(1) * REPORTS_A_MINUTE
    }

    fn is_unanswered_tcp(&self) -> bool {
        // The flags of a record are those of all its packets: a short upload shows a SYN, too, but is made of larger packets.
        let is_syn_flood = self.syn * 100 >= self.records * SYN_PERCENT_MIN
            && self.bytes_out <= self.packets_out.saturating_mul(SYN_BYTES_MAX);
        is_syn_flood || self.packets_out >= self.packets_in.saturating_mul(TCP_UNANSWERED_MIN)
    }
}

/// Whether packets are too small to carry data, on average, each way: [`SYN_BYTES_MAX`].
fn is_small(bytes: (u64, u64), packets: (u64, u64)) -> bool {
    bytes.0 <= packets.0.saturating_mul(SYN_BYTES_MAX) && bytes.1 <= packets.1.saturating_mul(SYN_BYTES_MAX)
}

/// `value · part / whole`.
fn scale(value: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// How our packets spread over the minutes of the slice, from the conversations that were kept.
fn minutes(view: &FlowView<'_>, packets_out: u64) -> [u64; MINUTES] {
    let sent =
        |one: &Conversation| u64::from(if view.local_end == End::Client { one.up_packets } else { one.down_packets });
    let mut minutes = [0u64; MINUTES];
    for conversation in view.tally.conversations.kept() {
        spread(&mut minutes, conversation, sent(conversation));
    }
    let kept: u64 = minutes.iter().sum();
    if kept == 0 {
        let first = view.first().ms() - view.slice().0.ms();
        minutes[minute_of(first)] = packets_out;
        return minutes;
    }
    minutes.map(|packets| scale(packets, packets_out, kept))
}

/// Evenly over the minutes that it lasted, from the one in which it began; what lasted a minute or less is one minute's.
fn spread(minutes: &mut [u64; MINUTES], conversation: &Conversation, packets: u64) {
    let begin = minute_of(i64::from(conversation.first));
    let lasted = i64::from(conversation.last.saturating_sub(conversation.first));
    let count = usize::try_from((lasted + Time::MINUTE_MS - 1) / Time::MINUTE_MS).unwrap_or(MINUTES);
    let count = count.clamp(1, MINUTES - begin);
    for at in 0..count {
        let share = packets / count as u64 + u64::from((at as u64) < packets % count as u64);
        minutes[begin + at] = minutes[begin + at].saturating_add(share);
    }
}

fn minute_of(offset_ms: i64) -> usize {
    usize::try_from(offset_ms / Time::MINUTE_MS).unwrap_or(0).min(SLICE_MINUTES - 1)
}

fn verdict(
    prepared: Prepared,
    sums: &Sums,
    remote: IpAddr,
    why: Why,
    in_ten: u64,
    own: &Own,
    scene: &Scene<'_>,
) -> Verdict {
    let mut signal = prepared.signal;
    let kind = prepared.kind;
    let who = subject::name(&signal);
    let protocol = protocol_name(sums.protocol);
    let mut reasons =
        vec![sent(sums, kind, remote, &protocol, scene), busiest(sums), explained(why, sums, in_ten, own, scene)];
    if sums.protocol == TCP && sums.is_one_sided(scene) {
        reasons.push(format!(
            "{} of {} records that it sent show a lone SYN, and a packet has {} bytes; at least {SYN_PERCENT_MIN} percent and \
             at most {SYN_BYTES_MAX} bytes, or {TCP_UNANSWERED_MIN} packets for each received, are asked for.",
            sums.syn,
            sums.records,
            sums.bytes_out / sums.packets_out.max(1)
        ));
    }
    signal.reasons = reasons;
    if sums.is_sampled {
        signal.missing.push(
            "How packets spread over the minutes is estimated: there were more than 64 conversations on one port, and a \
             sample of them tells."
                .to_owned(),
        );
    }
    signal.title = format!("{who} may be taking part in a denial-of-service attack by {protocol}.");
    let why = if kind == Kind::Dns && !sums.is_one_sided(scene) {
        "So many questions, of which so few were answered, are"
    } else if kind == Kind::Reflection {
        "So many answers, so much larger than what was asked, are"
    } else if sums.is_one_sided(scene) {
        "So much, and so one-sided, is"
    } else {
        "So many connections without a word are"
    };
    signal.description = format!(
        "{who} sent {remote} {} packets by {protocol} and got {} back. {why} a flood.",
        sums.packets_out, sums.packets_in
    );
    Verdict { signal, begin: sums.first, end: sums.last, records: prepared.records, record_count: sums.records_all }
}

fn sent(sums: &Sums, kind: Kind, remote: IpAddr, protocol: &str, scene: &Scene<'_>) -> String {
    let asked = if kind == Kind::Dns && !sums.is_one_sided(scene) {
        format!("at least {DNS_UNANSWERED_MIN} questions sent for each answer are asked for, and the rate of a flood")
    } else if kind == Kind::Reflection {
        format!(
            "they carry {} bytes, and {AMPLIFIED_MIN} bytes answered for each asked are asked for. Who asked may have written the \
             address of a victim as his own",
            sums.bytes_in
        )
    } else if sums.is_one_sided(scene) {
        format!("at least {} sent for each received are asked for", quoted(&SENT_TO_RECEIVED, scene.thresholds))
    } else {
        format!("they carry {} bytes, and packets of at most {SYN_BYTES_MAX} bytes carry no data", sums.bytes_in)
    };
    format!(
        "Between {} and {} it sent {remote} {} packets ({} bytes) by {protocol} in {} records, and {} came back: {asked}.",
        minute(sums.first),
        minute(sums.last),
        sums.packets_out,
        sums.bytes_out,
        sums.records,
        sums.packets_in,
    )
}

fn busiest(sums: &Sums) -> String {
    let packets = sums.busiest_minute();
    format!(
        "Its busiest minute had {packets} packets: {} packets, {} Mbit and {} records a second.",
        packets / 60,
        sums.share(packets, sums.bytes_out) * 8 / 60 / 1_000_000,
        sums.share(packets, sums.records) / 60
    )
}

fn explained(why: Why, sums: &Sums, in_ten: u64, own: &Own, scene: &Scene<'_>) -> String {
    let limit = |threshold| quoted(threshold, scene.thresholds);
    let factor = limit(&OWN_FACTOR);
    match why {
        Why::PacketRate => format!("{} packets a second are a flood.", limit(&PACKETS_PER_SECOND)),
        Why::BitRate => format!("{} Mbit a second are a flood.", limit(&MEGABITS_PER_SECOND)),
        Why::RecordRate => format!("{} records a second are a flood.", limit(&RECORDS_PER_SECOND)),
        Why::OwnRate => format!(
            "{} packets a second are a flood if the minute has {factor} times the packets of the largest that it sent one way \
             before; that had {}, and this one has {}.",
            limit(&OWN_PACKETS_PER_SECOND),
            own.packets_a_minute,
            sums.busiest_minute()
        ),
        Why::OwnTenMinutes => format!(
            "{} packets in ten minutes are a flood if they are {factor} times the most that it sent one way before; that was \
             {}, and these were {in_ten}.",
            limit(&OWN_PACKETS),
            own.packets_in_ten
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{exchange, found};
    use crate::testing::{FlowLine, flow_verdicts_in_default_form};

    const TARGET: &str = "203.0.113.9";

    fn udp(port: u16, packets: u64) -> FlowLine {
        FlowLine::out(40_000, TARGET, port).protocol(17).packets(packets, packets * 64)
    }

    fn kind(flows: &[FlowLine]) -> Vec<&'static str> {
        found(&DETECTION, flows).iter().map(|verdict| verdict.signal.finding_type.as_str()).collect()
    }

    #[test]
    fn floods_are_told_by_protocol_and_port() {
        for (flow, expected) in [
            (udp(53, 400_000), DNS),
            (udp(80, 400_000), UDP_ON_TCP_PORTS),
            (udp(9_999, 400_000), UDP_FLOOD),
            (udp(443, 400_000), UDP_FLOOD),
            (FlowLine::out(0, TARGET, 0).protocol(2).packets(400_000, 9_000_000), UNUSUAL_PROTOCOL),
            (FlowLine::out(40_000, TARGET, 80).flags(2).packets(400_000, 16_000_000), TCP_FLOOD),
        ] {
            assert_eq!(kind(&[flow]), [expected.as_str()]);
        }
    }

    #[test]
    fn a_person_can_recompute_it() {
        let verdicts = found(&DETECTION, &[udp(9_999, 400_000), exchange(TARGET, 9_999, 17, 5)[1].clone()]);
        let reasons = &verdicts[0].signal.reasons;
        assert!(
            reasons[0].contains("400000 packets (25600000 bytes) by UDP in 1 records, and 10 came back"),
            "{reasons:?}"
        );
        // 400,000 / 60 = 6,666; 25,600,000 · 8 / 60 / 1,000,000 = 3.
        assert!(reasons[1].contains("400000 packets: 6666 packets, 3 Mbit and 0 records a second"), "{reasons:?}");
        assert!(reasons[2].starts_with("2000 (`ec2.denial_of_service.own_packets_per_second`) packets a second"));
        assert!(reasons[2].contains("that had 0, and this one has 400000"), "{reasons:?}");
    }

    #[test]
    fn many_conversations_and_many_ports_count_as_one_flood() {
        let each_port_once = |port: u16| FlowLine::out(1_024 + port, TARGET, 53).protocol(17).packets(40, 2_560);
        assert_eq!(kind(&(0..6_000).map(each_port_once).collect::<Vec<_>>()), [DNS.as_str()]);
        let random_ports = |port: u16| FlowLine::out(60_999, TARGET, 10_000 + port).protocol(17).packets(40, 2_560);
        assert_eq!(kind(&(0..6_000).map(random_ports).collect::<Vec<_>>()), [UDP_FLOOD.as_str()]);
    }

    #[test]
    fn a_slow_flood_over_the_edge_of_a_slice_is_seen() {
        // 15 minutes of 10,000 packets, of which 7 lie before the edge: no slice has 100,000.
        let flows: Vec<FlowLine> = (0..15).map(|at| udp(9_999, 10_000).after(180 + at * 60)).collect();
        let verdicts = found(&DETECTION, &flows);
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.reasons[2].contains("these were 100000"), "{:?}", verdicts[0].signal.reasons);
        assert!(found(&DETECTION, &flows[..9]).is_empty());
    }

    #[test]
    fn private_targets_and_answered_traffic_stay_quiet() {
        let private = FlowLine::out(40_000, "10.0.9.9", 9_999).protocol(17).packets(9_000_000, 576_000_000);
        assert!(found(&DETECTION, &[private]).is_empty());
        let answered = FlowLine::into(TARGET, 9_999, 40_000).protocol(17).packets(100_000, 6_400_000);
        assert!(found(&DETECTION, &[udp(9_999, 1_900_000), answered.clone()]).is_empty());
        assert_eq!(found(&DETECTION, &[udp(9_999, 2_000_000), answered]).len(), 1);
    }

    #[test]
    fn an_upload_stays_quiet() {
        for flags in [0, 2, 3] {
            let upload = FlowLine::out(40_000, TARGET, 443).flags(flags).packets(4_000_000, 5_840_000_000);
            let acknowledged = FlowLine::into(TARGET, 443, 40_000).flags(18).packets(45_000, 1_800_000);
            assert!(found(&DETECTION, &[upload, acknowledged]).is_empty());
        }
    }

    /// A target that is alive answers each SYN, with a SYN-ACK or a reset. What says something is no flood.
    #[test]
    fn a_flood_of_connections_without_a_word_is_told_although_it_is_answered() {
        let flood = |sent: u64, bytes: u64, flags: u8| -> Vec<FlowLine> {
            let pair = move |port: u16| {
                [
                    FlowLine::out(1_024 + port, TARGET, 443).flags(flags).packets(sent, sent * 44),
                    FlowLine::into(TARGET, 443, 1_024 + port).flags(flags * 2).packets(sent, sent * bytes),
                ]
            };
            (0..30_000).flat_map(pair).collect()
        };
        for flags in [2, 0] {
            let verdicts = found(&DETECTION, &flood(6, 40, flags));
            assert_eq!(verdicts.len(), 1, "{flags}");
            assert_eq!(verdicts[0].signal.finding_type, TCP_FLOOD);
            assert!(verdicts[0].signal.description.ends_with("So many connections without a word are a flood."));
        }
        assert!(found(&DETECTION, &flood(6, 400, 2)).is_empty());
        assert!(found(&DETECTION, &flood(2, 40, 2)).is_empty());
    }

    #[test]
    fn video_whose_receiver_reports_back_stays_quiet() {
        let minute = |at: i64, reports: u64| {
            let back = FlowLine::into(TARGET, 50_004, 40_000).protocol(17).packets(reports, reports * 80);
            [udp(50_004, 40_000).after(at * 60), back.after(at * 60 + 1)]
        };
        let video = |reports| -> Vec<FlowLine> { (0..12).flat_map(|at| minute(at, reports)).collect() };
        assert!(found(&DETECTION, &video(12)).is_empty());
        assert!(!found(&DETECTION, &video(1)).is_empty());
    }

    #[test]
    fn a_flood_of_pings_is_told_by_its_rate_only() {
        let ping = |packets: u64| FlowLine::out(0, TARGET, 0).protocol(1).packets(packets, packets * 84);
        assert_eq!(kind(&[ping(1_300_000)]), [UNUSUAL_PROTOCOL.as_str()]);
        assert!(found(&DETECTION, &[ping(900_000)]).is_empty());
    }

    #[test]
    fn logs_to_a_collector_stay_quiet_unless_they_flood() {
        assert!(found(&DETECTION, &[udp(514, 900_000)]).is_empty());
        assert_eq!(kind(&[udp(514, 1_200_000)]), [UDP_FLOOD.as_str()]);
    }

    #[test]
    fn what_it_always_sent_is_its_own() {
        // 1,500 packets a second for a day before; then 2,500, and then 16,000.
        let stream = |slice: i64, packets: u64| udp(9_999, packets).after(slice * 600);
        let past: Vec<FlowLine> = (0..4).map(|slice| stream(slice, 90_000)).collect();
        let more = [past.clone(), vec![stream(5, 150_000)]].concat();
        assert!(found(&DETECTION, &more).is_empty());
        assert_eq!(found(&DETECTION, &[more, vec![stream(6, 1_600_000)]].concat()).len(), 1);
    }

    #[test]
    fn answers_to_others_stay_quiet() {
        let asked = FlowLine::into(TARGET, 50_000, 9_999).protocol(17).packets(1, 60);
        let served = FlowLine::out(9_999, TARGET, 50_000).protocol(17).packets(500_000, 600_000_000).after(1);
        assert!(found(&DETECTION, &[asked, served]).is_empty());
    }

    /// Requests to a service of ours in another's name, and what it answers him.
    #[test]
    fn a_service_that_amplifies_floods_who_never_asked() {
        let abused = |port: u16, asked: u64, answered: u64| {
            [
                FlowLine::into(TARGET, 50_000, port).protocol(17).packets(40_000, 40_000 * asked),
                FlowLine::out(port, TARGET, 50_000).protocol(17).packets(400_000, 400_000 * answered).after(1),
            ]
        };
        let verdicts = found(&DETECTION, &abused(123, 60, 468));
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].signal.finding_type, UDP_FLOOD);
        assert!(verdicts[0].signal.reasons[0].contains("they carry 2400000 bytes"), "{:?}", verdicts[0].signal.reasons);
        // As many bytes as were asked, a service that is not known for it, less than a flood.
        assert!(found(&DETECTION, &abused(123, 468, 100)).is_empty());
        assert!(found(&DETECTION, &abused(27_015, 60, 468)).is_empty());
        let little = [
            FlowLine::into(TARGET, 50_000, 53).protocol(17).packets(10_000, 700_000),
            FlowLine::out(53, TARGET, 50_000).protocol(17).packets(100_000, 50_000_000).after(1),
        ];
        assert!(found(&DETECTION, &little).is_empty());
    }

    #[test]
    fn a_name_server_that_answers_few_of_the_questions_is_flooded() {
        let asked = |answers: u64| {
            [udp(53, 400_000), FlowLine::into(TARGET, 53, 40_000).protocol(17).packets(answers, answers * 120).after(1)]
        };
        let verdicts = found(&DETECTION, &asked(120_000));
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].signal.finding_type, DNS);
        assert!(verdicts[0].signal.description.contains("so few were answered"));
        assert!(found(&DETECTION, &asked(250_000)).is_empty());
        // Ten minutes below the rate of a flood are not enough.
        let slow = |at: i64| {
            [
                udp(53, 40_000).after(at * 60),
                FlowLine::into(TARGET, 53, 40_000).protocol(17).packets(12_000, 900_000).after(at * 60),
            ]
        };
        assert!(found(&DETECTION, &(0..9).flat_map(slow).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn ipv6_floods_count() {
        let flow = FlowLine::out(40_000, "2a02:db8::9", 9_999).local("2600:1f18::10").protocol(17);
        let flood = [flow.packets(400_000, 25_600_000)];
        assert_eq!(kind(&flood), [UDP_FLOOD.as_str()]);
        // Nothing but the range tells in the default format which end is ours.
        assert_eq!(flow_verdicts_in_default_form(&DETECTION, &flood).len(), 1);
    }

    #[test]
    fn a_restart_between_slices_changes_nothing() {
        let mut floods = Floods::default();
        let host = Host::new("1", "r", "i-1");
        floods.hosts.0.touch(host.clone(), Time::from_ms(0), || Own { packets_a_minute: 7, ..Own::default() });
        floods.previous.insert((host.clone(), TARGET.parse().unwrap(), Kind::Tcp), [3; MINUTES]);
        let mut restarted = Floods::default();
        restarted.load(floods.save()).unwrap();
        assert_eq!(restarted.save(), floods.save());
        assert_eq!(restarted.hosts.0.get(&host).unwrap().packets_a_minute, 7);
        assert!(restarted.load(serde_json::json!({"version": 2})).unwrap_err().contains("has version 2"));
    }
}
