//! The logs of one account in which one variant happens: flows and queries, as AWS delivers them.

use crate::generate::random::Random;
use crate::generate::{START_SECONDS, iso, resource_id};
use serde_json::json;
use std::fmt::Write;
use std::net::IpAddr;

/// Seconds of an hour, a day.
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// TCP, UDP.
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
/// Days of quiet work before the variant where it needs a history.
const HISTORY_DAYS: i64 = 15;
const HOSTS: usize = 4;
const REGION: &str = "eu-central-1";
const WORDS: [&str; 24] = [
    "amber", "basket", "candle", "delta", "engine", "forest", "garden", "harbor", "island", "jacket", "kettle",
    "ladder", "market", "needle", "orange", "pepper", "quarry", "ribbon", "silver", "timber", "urban", "velvet",
    "window", "yellow",
];

/// How flows are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Whether in AWS's default format, which has no flags, instances or directions.
    pub(crate) is_default: bool,
    /// Seconds over which records are summed up.
    pub(crate) window: i64,
}

/// How a connection went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Went {
    Answered,
    /// A reset.
    Refused,
    Silent,
    /// Dropped by a security group.
    Rejected,
}

/// One connection of a host.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) second: i64,
    pub(crate) seconds: i64,
    pub(crate) host: usize,
    pub(crate) remote: IpAddr,
    /// The server's port, the client's.
    pub(crate) port: u16,
    pub(crate) client_port: u16,
    /// Whether the host opened it.
    pub(crate) is_out: bool,
    pub(crate) protocol: u8,
    /// From client to server, and back.
    pub(crate) packets: (u64, u64),
    pub(crate) bytes: (u64, u64),
    pub(crate) went: Went,
}

/// An account, and what is written of it.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) random: Random,
    form: Form,
    /// Midnight of the day on which the variant happens.
    pub(crate) day: i64,
    has_history: bool,
    /// What a right explanation names.
    pub(crate) telling: Vec<String>,
    /// When what is to be found begins.
    pub(crate) from: i64,
    pub(crate) flows: String,
    pub(crate) queries: String,
    pub(crate) records: u64,
}

impl Account {
    /// With hosts that do their usual work: from two weeks before if there is to be a history.
    pub(crate) fn new(number: u64, seed: u64, form: Form, has_history: bool) -> Self {
        // 2026-03-16, a Monday.
        let day = START_SECONDS + HISTORY_DAYS * DAY - START_SECONDS.rem_euclid(DAY);
        let mut account = Self {
            id: format!("{:012}", 200_000_000_000 + seed * 10_000 + number),
            random: Random::of(&[seed, number, 0x7661]),
            form,
            day,
            has_history,
            telling: Vec::new(),
            from: day,
            flows: String::from(if form.is_default { HEADER_2 } else { HEADER_5 }),
            queries: String::new(),
            records: 0,
        };
        account.usual_work();
        account
    }

    /// A second of the day on which the variant happens.
    pub(crate) fn at(&self, hour: i64) -> i64 {
        self.day + hour * HOUR
    }

    /// The first day that is logged.
    pub(crate) fn first_day(&self) -> i64 {
        if self.has_history { self.day - HISTORY_DAYS * DAY } else { self.day }
    }

    /// The address of a host.
    pub(crate) fn address(&self, host: usize) -> String {
        format!("10.0.1.{}", 10 + host)
    }

    fn address_6(host: usize) -> String {
        format!("2600:1f18:1:2::{}", 10 + host)
    }

    /// Somebody on the internet: an address that no list names.
    pub(crate) fn outside(&self, number: u64) -> IpAddr {
        let block = [11_u8, 21, 22, 26, 28, 29, 30, 33][(number % 8) as usize];
        let mut random = Random::of(&[number, self.number()]);
        let mut byte = || 1 + random.below(250) as u8;
        IpAddr::from([block, byte(), byte(), byte()])
    }

    /// A port that clients take.
    pub(crate) fn client_port(&mut self) -> u16 {
        self.random.range(32_768, 60_999) as u16
    }

    /// A made-up company's domain.
    pub(crate) fn company(&self, number: u64) -> String {
        let mut random = Random::of(&[number, 77]);
        let ending = *random.pick(&["com", "net", "io", "de", "org"]);
        format!("{}{}.{ending}", random.pick(&WORDS), random.pick(&WORDS))
    }

    /// Each hour every host asks for some names, and talks with a partner over HTTPS.
    fn usual_work(&mut self) {
        let partners: Vec<IpAddr> = (0..3).map(|number| self.outside(900 + number)).collect();
        for hour in 0..(self.day + DAY - self.first_day()) / HOUR {
            for host in 0..HOSTS {
                let begin = self.first_day() + hour * HOUR;
                for part in 0..3 {
                    let second = begin + part * 1_200 + self.random.below(1_000) as i64;
                    let number = self.random.below(40);
                    let domain = self.company(number);
                    let partner = *self.random.clone().pick(&partners);
                    self.ask(second, host, &format!("api.{domain}"), "A", "NOERROR", &[(&partner.to_string(), "A")]);
                    let sent = 1_500 + self.random.below(2_000);
                    let port = self.client_port();
                    let flow =
                        Flow { bytes: (sent, sent * 3), client_port: port, ..self.flow(second, host, partner, 443) };
                    self.write(&flow);
                }
            }
        }
    }

    /// A short, answered connection that a host opens.
    pub(crate) fn flow(&mut self, second: i64, host: usize, remote: IpAddr, port: u16) -> Flow {
        Flow {
            second,
            seconds: 1,
            host,
            remote,
            port,
            client_port: self.client_port(),
            is_out: true,
            protocol: TCP,
            packets: (0, 0),
            bytes: (900, 2_400),
            went: Went::Answered,
        }
    }

    /// The same with another way to go.
    pub(crate) fn failing(&mut self, second: i64, host: usize, remote: IpAddr, port: u16, went: Went) -> Flow {
        Flow { went, bytes: (44, 40), seconds: 0, ..self.flow(second, host, remote, port) }
    }

    /// Another host of the account, as a remote end.
    pub(crate) fn neighbour(&self, host: usize) -> IpAddr {
        IpAddr::from([10, 0, 1, 10 + host as u8])
    }

    /// Writes a query and its answer.
    pub(crate) fn ask(
        &mut self,
        second: i64,
        host: usize,
        name: &str,
        kind: &str,
        code: &str,
        answers: &[(&str, &str)],
    ) {
        if second >= self.day + DAY {
            return; // All logs end together.
        }
        let answers: Vec<_> =
            answers.iter().map(|(data, kind)| json!({"Rdata": data, "Type": kind, "Class": "IN"})).collect();
        let port = 32_768 + self.random.below(28_000);
        let line = json!({
            "version": "1.100000", "account_id": self.id, "region": REGION, "vpc_id": self.vpc(),
            "query_timestamp": iso(second), "query_name": format!("{name}."), "query_type": kind, "query_class": "IN",
            "rcode": code, "answers": answers, "srcaddr": self.address(host), "srcport": port.to_string(),
            "transport": "UDP", "srcids": {"instance": self.instance(host)},
        });
        let _ = writeln!(self.queries, "{line}");
        self.records += 1;
    }

    /// Writes a connection: a record each way for each window, at each end that is ours.
    pub(crate) fn write(&mut self, flow: &Flow) {
        let size = self.form.window;
        let end = (flow.second + flow.seconds).min(self.day + DAY - 1);
        if flow.second > end {
            return;
        }
        let (first, last) = (flow.second.div_euclid(size), end.div_euclid(size));
        let count = (last - first + 1) as u64;
        let (packets, bytes) = (packets(flow), flow.bytes);
        let share = |whole: u64, number: u64| whole / count + if number == 0 { whole % count } else { 0 };
        let peer = (0..HOSTS).find(|&host| self.neighbour(host) == flow.remote);
        for number in 0..count {
            let window = first + number as i64;
            let piece = Piece {
                start: flow.second.max(window * size),
                end: end.min((window + 1) * size - 1),
                packets: (share(packets.0, number), share(packets.1, number)),
                bytes: (share(bytes.0, number), share(bytes.1, number)),
                is_first: number == 0,
                is_last: number + 1 == count,
            };
            self.records_of(flow, &piece, flow.host, true);
            if let Some(peer) = peer.filter(|_| flow.went != Went::Silent) {
                self.records_of(flow, &piece, peer, false);
            }
        }
    }

    fn records_of(&mut self, flow: &Flow, piece: &Piece, host: usize, is_own: bool) {
        let ours = if flow.remote.is_ipv6() { Self::address_6(flow.host) } else { self.address(flow.host) };
        let theirs = flow.remote.to_string();
        let (client, server) = if flow.is_out { (&ours, &theirs) } else { (&theirs, &ours) };
        // Whether the packets of the client leave this interface.
        let leaves = flow.is_out == is_own;
        let (there, back) = match (flow.protocol, flow.went) {
            (TCP, Went::Answered) => match (piece.is_first, piece.is_last) {
                (true, true) => (3, 19),
                (true, false) => (2, 18),
                (false, true) => (1, 1),
                (false, false) => (0, 0),
            },
            (TCP, Went::Refused) => (2, 4),
            (TCP, _) => (2, 0),
            _ => (0, 0),
        };
        let up = (client.as_str(), server.as_str(), flow.client_port, flow.port, there, leaves);
        self.record(host, up, flow, piece, (piece.packets.0, piece.bytes.0));
        if matches!(flow.went, Went::Answered | Went::Refused) {
            let down = (server.as_str(), client.as_str(), flow.port, flow.client_port, back, !leaves);
            self.record(host, down, flow, piece, (piece.packets.1, piece.bytes.1));
        }
    }

    fn record(
        &mut self,
        host: usize,
        (from, to, from_port, to_port, flags, leaves): (&str, &str, u16, u16, u8, bool),
        flow: &Flow,
        piece: &Piece,
        (packets, bytes): (u64, u64),
    ) {
        if packets == 0 {
            return;
        }
        let (id, interface, protocol) = (self.id.clone(), self.interface(host), flow.protocol);
        let action = if flow.went == Went::Rejected { "REJECT" } else { "ACCEPT" };
        let bytes = bytes.max(packets * 40);
        let (version, start, end) = (if self.form.is_default { 2 } else { 5 }, piece.start, piece.end);
        let _ = write!(
            self.flows,
            "{version} {id} {interface} {from} {to} {from_port} {to_port} {protocol} {packets} {bytes} {start} {end} {action} OK"
        );
        if !self.form.is_default {
            let (vpc, instance) = (self.vpc(), self.instance(host));
            let family = if flow.remote.is_ipv6() { "IPv6" } else { "IPv4" };
            let way = if leaves { "egress" } else { "ingress" };
            let _ = write!(self.flows, " {vpc} subnet-0a{id} {instance} {flags} {family} {from} {to} {way}");
        }
        self.flows.push('\n');
        self.records += 1;
    }

    /// The VPC's name.
    pub(crate) fn vpc(&self) -> String {
        resource_id("vpc", &[self.number()])
    }

    fn instance(&self, host: usize) -> String {
        resource_id("i", &[self.number(), host as u64])
    }

    fn interface(&self, host: usize) -> String {
        resource_id("eni", &[self.number(), host as u64])
    }

    fn number(&self) -> u64 {
        self.id.parse().unwrap_or_default()
    }
}

/// What of a connection falls into one window.
struct Piece {
    start: i64,
    end: i64,
    packets: (u64, u64),
    bytes: (u64, u64),
    is_first: bool,
    is_last: bool,
}

/// Handshake, data in full frames, acknowledgements and goodbye.
fn packets(flow: &Flow) -> (u64, u64) {
    let (sent, back) = flow.bytes;
    match flow.went {
        _ if flow.packets != (0, 0) => flow.packets,
        Went::Refused | Went::Rejected => (1, 1),
        Went::Silent => (2, 0),
        Went::Answered if flow.protocol != TCP => (1 + sent / 1_200, 1 + back / 1_200),
        Went::Answered => (4 + sent / 1_380 + back / 5_000, 3 + back / 1_380 + sent / 5_000),
    }
}

const HEADER_2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
const HEADER_5: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction\n";
