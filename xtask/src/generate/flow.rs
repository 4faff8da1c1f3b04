//! VPC flow logs: the default format (version 2) in most accounts, a custom one with the fields of version 5 in the rest.
//!
//! Each host has a role and the peers that go with it, for as long as the corpus lasts. Hosts that face the internet
//! also see its noise: single SYN packets from everywhere, nearly all rejected.

use super::random::Random;
use super::{FilePlan, Plan, REGIONS, account_id, account_regions, civil, dotted, ec2_address, resource_id};
use std::fmt::Write;

const HEADER_2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n";
const HEADER_5: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction\n";

/// Hosts of an account in one region.
const HOSTS: u64 = 40;

/// Seconds over which AWS sums up one record on current instance types.
const WINDOW_SECONDS: i64 = 60;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// An instance with one interface.
struct Host {
    interface: String,
    instance: String,
    subnet: String,
    address: String,
    faces_internet: bool,
    peers: Vec<Peer>,
}

/// One conversation that a host has again and again.
struct Peer {
    address: String,
    protocol: u8,
    port: u16,
    /// The host opened it, rather than the peer.
    is_outgoing: bool,
    /// Bytes sent to the side that answers, and back, in one window: the middle of what is usual.
    bytes: (u64, u64),
}

/// One line, without what the interface gives.
struct Line<'a> {
    source: &'a str,
    target: &'a str,
    source_port: u16,
    target_port: u16,
    protocol: u8,
    packets: u64,
    bytes: u64,
    start: i64,
    end: i64,
    action: &'a str,
    flags: u8,
    direction: &'a str,
}

pub(super) fn render(plan: &Plan, file: &FilePlan, text: &mut String) -> String {
    let random = &mut Random::of(&[file.seed]);
    let account = account_id(plan, file.account);
    let is_custom = file.account % 5 == 3;
    let vpc = resource_id("vpc", &[plan.seed, file.account, file.region as u64]);
    let hosts = hosts(plan, file);
    let mut left = file.records;
    text.push_str(if is_custom { HEADER_5 } else { HEADER_2 });

    // Interfaces report window by window, each with all its lines together.
    let windows = (file.seconds / WINDOW_SECONDS).max(1);
    let blocks = (file.records / 12).max(1);
    for block in 0..=u64::MAX {
        let window = file.start + (block.min(blocks) as i64 * windows / blocks as i64) * WINDOW_SECONDS;
        let host = random.favour(&hosts);
        let mut write = |line: &Line<'_>| {
            if left > 0 {
                left -= 1;
                write_line(text, &account, &vpc, host, is_custom, line);
            }
        };
        for _ in 0..random.range(3, 9) {
            let peer = random.favour(&host.peers);
            conversation(random, host, peer, window, &mut write);
        }
        if host.faces_internet {
            for _ in 0..random.below(4) {
                noise(random, host, window, &mut write);
            }
        }
        if random.percent(1) && left > 0 {
            left -= 1;
            write_empty(text, &account, &vpc, host, is_custom, window);
        }
        if left == 0 {
            break;
        }
    }
    let region = REGIONS[file.region];
    let day = civil(file.start, "%Y/%m/%d");
    let minute = civil(file.start, "%Y%m%dT%H%MZ");
    let mut path =
        format!("AWSLogs/{account}/vpcflowlogs/{region}/{day}/{account}_vpcflowlogs_{region}_fl-{}", &vpc[4..]);
    let _ = write!(path, "_{minute}_");
    random.hex(8, &mut path);
    path.push_str(".log.gz");
    path
}

/// Both directions of one conversation in one window.
fn conversation(random: &mut Random, host: &Host, peer: &Peer, window: i64, write: &mut impl FnMut(&Line<'_>)) {
    let client_port = random.range(32_768, 60_999) as u16;
    let start = window + random.below(50) as i64;
    let end = (start + random.below(20) as i64).min(window + WINDOW_SECONDS - 1);
    let scale = random.spread(100, 1_600);
    let sizes = [peer.bytes.0 * scale / 400, peer.bytes.1 * scale / 400];
    let (there, back) = if peer.is_outgoing { ("egress", "ingress") } else { ("ingress", "egress") };
    let (client, server) =
        if peer.is_outgoing { (&host.address, &peer.address) } else { (&peer.address, &host.address) };
    let is_short = random.percent(70);
    let flags = match (peer.protocol, is_short) {
        (TCP, true) => [3, 19],
        (TCP, false) => *random.pick(&[[0, 0], [2, 18], [1, 1]]),
        _ => [0, 0],
    };
    let mut line = Line {
        source: client,
        target: server,
        source_port: client_port,
        target_port: peer.port,
        protocol: peer.protocol,
        packets: packets(sizes[0]),
        bytes: sizes[0],
        start,
        end,
        action: "ACCEPT",
        flags: flags[0],
        direction: there,
    };
    write(&line);
    (line.source, line.target) = (server, client);
    (line.source_port, line.target_port) = (peer.port, client_port);
    (line.packets, line.bytes, line.flags, line.direction) = (packets(sizes[1]), sizes[1], flags[1], back);
    write(&line);
}

/// One packet or two from a stranger to a port that is closed to it.
fn noise(random: &mut Random, host: &Host, window: i64, write: &mut impl FnMut(&Line<'_>)) {
    const PROBED: [u16; 14] = [23, 22, 445, 3389, 8080, 5060, 1433, 6379, 8443, 5555, 2323, 81, 25, 123];
    let stranger = dotted(stranger(random));
    let start = window + random.below(WINDOW_SECONDS as u64) as i64;
    let packets = random.range(1, 3);
    write(&Line {
        source: &stranger,
        target: &host.address,
        source_port: random.range(1_024, 65_535) as u16,
        target_port: if random.percent(60) { *random.pick(&PROBED) } else { random.range(1, 65_535) as u16 },
        protocol: if random.percent(92) { TCP } else { UDP },
        packets,
        bytes: packets * 40,
        start,
        end: start,
        action: "REJECT",
        flags: 2,
        direction: "ingress",
    });
}

/// Frames are full in bulk and small otherwise.
fn packets(bytes: u64) -> u64 {
    if bytes > 20_000 { bytes / 1_380 + 2 } else { bytes / 420 + 2 }
}

/// Somewhere on the internet, outside Amazon's largest blocks and whatever is not routed.
fn stranger(random: &mut Random) -> [u8; 4] {
    const FIRST: [u8; 24] =
        [5, 31, 37, 45, 62, 71, 78, 80, 87, 89, 91, 93, 94, 101, 103, 109, 141, 159, 176, 185, 193, 194, 195, 212];
    [*random.pick(&FIRST), random.below(256) as u8, random.below(256) as u8, random.range(1, 255) as u8]
}

fn write_line(text: &mut String, account: &str, vpc: &str, host: &Host, is_custom: bool, line: &Line<'_>) {
    let Line { source, target, source_port, target_port, protocol, packets, bytes, start, end, action, .. } = line;
    let version = if is_custom { 5 } else { 2 };
    let _ = write!(
        text,
        "{version} {account} {} {source} {target} {source_port} {target_port} {protocol} {packets} {bytes} {start} {end} {action} OK",
        host.interface
    );
    if is_custom {
        let _ = write!(
            text,
            " {vpc} {} {} {} IPv4 {source} {target} {}",
            host.subnet, host.instance, line.flags, line.direction
        );
    }
    text.push('\n');
}

/// A window without traffic.
fn write_empty(text: &mut String, account: &str, vpc: &str, host: &Host, is_custom: bool, window: i64) {
    let end = window + WINDOW_SECONDS - 1;
    let version = if is_custom { 5 } else { 2 };
    let _ = write!(text, "{version} {account} {} - - - - - - - {window} {end} - NODATA", host.interface);
    if is_custom {
        let _ = write!(text, " {vpc} {} {} - - - - -", host.subnet, host.instance);
    }
    text.push('\n');
}

/// The hosts of the file's account and region, most talkative first.
fn hosts(plan: &Plan, file: &FilePlan) -> Vec<Host> {
    let place = file.region as u64;
    let address = |host: u64| format!("10.{}.{}.{}", file.account % 200 + 1, 16 * place + host % 3, 10 + host * 5);
    let services: Vec<[u8; 4]> = {
        let mut random = Random::of(&[plan.seed, file.account, place, 0x7365]);
        (0..12).map(|_| ec2_address(file.region, &mut random)).collect()
    };
    let make = |index: u64| {
        let parts = [plan.seed, file.account, place, index];
        let random = &mut Random::of(&parts);
        let mut peers = Vec::new();
        let mut peer = |address: String, protocol, port, is_outgoing, bytes| {
            peers.push(Peer { address, protocol, port, is_outgoing, bytes });
        };
        let near = |random: &mut Random| address((index + random.range(1, HOSTS)) % HOSTS);
        let role = index % 5;
        for _ in 0..random.range(4, 12) {
            match role {
                // A load balancer: the public in front, applications behind.
                0 => {
                    peer(dotted(stranger(random)), TCP, 443, false, (2_400, 18_000));
                    peer(near(random), TCP, 8080, true, (1_900, 15_000));
                }
                // An application.
                1 | 2 => {
                    peer(near(random), TCP, 8080, false, (1_900, 15_000));
                    peer(near(random), TCP, 5432, true, (3_100, 9_000));
                    peer(near(random), TCP, 6379, true, (700, 1_100));
                }
                // A database or a cache.
                3 => peer(near(random), TCP, *random.pick(&[5432, 6379, 3306]), false, (3_100, 9_000)),
                // A worker: queues and buckets.
                _ => peer(dotted(*random.favour(&services)), TCP, 443, true, (5_200, 48_000)),
            }
        }
        // Every host has an agent that reports, and takes the time.
        peer(dotted(*random.pick(&services)), TCP, 443, true, (4_100, 6_300));
        peer(dotted([18, 64 + random.below(8) as u8, 20, 7]), TCP, 443, true, (1_300, 5_100));
        peer(near(random), UDP, 123, true, (76, 76));
        Host {
            interface: resource_id("eni", &[parts[0], parts[1], parts[2], parts[3], 1]),
            instance: resource_id("i", &[parts[0], parts[1], parts[2], parts[3], 2]),
            subnet: resource_id("subnet", &[plan.seed, file.account, place, index % 3, 3]),
            address: address(index),
            faces_internet: role == 0,
            peers,
        }
    };
    debug_assert!(account_regions(plan, file.account).contains(&file.region));
    (0..HOSTS).map(make).collect()
}
