//! Variants that are seen in flows: guessing, scans, floods, mail, volumes, beacons, and what looks like them.

use super::Variant;
use super::account::{Account, Flow, HOUR, UDP, Went};
use std::net::IpAddr;

const SSH: &str = "UnauthorizedAccess:EC2/SSHBruteForce";
const ENTERED: &str = "CredentialAccess:EC2/SuccessfulBruteForce.Watchfire";
const RDP: &str = "UnauthorizedAccess:EC2/RDPBruteForce";
const WIN_RM: &str = "Impact:EC2/WinRMBruteForce";
const PORTSCAN: &str = "Recon:EC2/Portscan";
const SWEEP: &str = "Impact:EC2/PortSweep";
const LATERAL: &str = "Discovery:EC2/LateralScan.Watchfire";
const SPAM: &str = "Backdoor:EC2/Spambot";
const VOLUME: &str = "Behavior:EC2/TrafficVolumeUnusual";
const PORT: &str = "Behavior:EC2/NetworkPortUnusual";
const BEACON: &str = "Behavior:EC2/Beacon.Watchfire";
const LONG: &str = "Behavior:EC2/LongConnection.Watchfire";
const DAY: i64 = 24 * HOUR;

pub(crate) fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    guessing(&mut all);
    entered(&mut all);
    like_guessing(&mut all);
    scans(&mut all);
    scans_by_size(&mut all);
    like_scans(&mut all);
    floods(&mut all);
    amounts(&mut all);
    rhythms(&mut all);
    all
}

/// A login attempt from outside: packets there, at a second.
fn attempt(it: &mut Account, second: i64, source: IpAddr, port: u16, packets: u64) {
    let flow = Flow { is_out: false, ..session(it, second, 0, source, port, packets) };
    it.write(&flow);
}

/// A session that a host opens.
fn session(it: &mut Account, second: i64, host: usize, remote: IpAddr, port: u16, packets: u64) -> Flow {
    let back = packets - packets / 8;
    Flow {
        seconds: 2 + packets as i64 / 12,
        packets: (packets, back),
        bytes: (packets * 110, back * 160),
        ..it.flow(second, host, remote, port)
    }
}

/// Packets of an attempt in which the tool tries so many passwords.
fn attempt_packets(it: &mut Account, passwords: u64) -> u64 {
    11 + passwords * 2 + it.random.below(3)
}

fn guessing(all: &mut Vec<Variant>) {
    let mut attack =
        |name: &str, of: &'static str, make: fn(&mut Account)| all.push(Variant::attack("guessing", name, of, make));
    attack("SSH, 200 a minute", SSH, |it| many(it, 22, 2_000, 300, 1));
    attack("SSH, 4 a minute", SSH, |it| many(it, 22, 120, 15_000, 1));
    attack("SSH, one a minute", SSH, |it| many(it, 22, 300, 60_000, 1));
    attack("SSH, one in ten minutes for a day", SSH, |it| many(it, 22, 120, 600_000, 1));
    attack("SSH, three passwords a connection", SSH, |it| many(it, 22, 60, 20_000, 3));
    attack("SSH, six passwords a connection", SSH, |it| many(it, 22, 60, 20_000, 6));
    attack("RDP, 10 a minute", RDP, |it| many(it, 3_389, 200, 6_000, 4));
    attack("RDP, one a minute", RDP, |it| many(it, 3_389, 200, 60_000, 8));
    attack("WinRM from another host, 12 a minute", WIN_RM, |it| {
        for step in 0..150 {
            let (packets, remote) = (attempt_packets(it, 1), it.neighbour(2));
            it.telling = vec![remote.to_string()];
            let flow = session(it, it.from + step * 5, 1, remote, 5_985, packets);
            it.write(&flow);
        }
    });
    attack("SSH by IPv6", SSH, |it| {
        let source = IpAddr::from([0x2a02, 0x4780, 0, 1, 0, 0, 0, 0x66]);
        it.telling.push(source.to_string());
        for step in 0..60 {
            let packets = attempt_packets(it, 1);
            attempt(it, it.from + step * 7, source, 22, packets);
        }
    });
    attack("SSH from a host of ours at strangers", SSH, |it| {
        let target = it.outside(4);
        it.telling.push(target.to_string());
        for step in 0..200 {
            let packets = attempt_packets(it, 1);
            let flow = session(it, it.from + step * 3, 1, target, 22, packets);
            it.write(&flow);
        }
    });
    attack("SSH, 60 sources, 5 tries each in an hour", SSH, |it| distributed(it, 60, 5, HOUR));
    attack("SSH, 300 sources, 2 tries each in an hour", SSH, |it| distributed(it, 300, 2, HOUR));
    attack("SSH, 500 sources, one try each in an hour", SSH, |it| distributed(it, 500, 1, HOUR));
    attack("SSH, 400 sources, 10 tries each in a day", SSH, |it| distributed(it, 400, 10, 20 * HOUR));
    attack("RDP, 200 sources, 2 tries each in an hour", RDP, |it| {
        for step in 0..400_u64 {
            let source = it.outside(1_000 + step % 200);
            let packets = attempt_packets(it, 6);
            attempt(it, it.from + step as i64 * 9, source, 3_389, packets);
        }
    });
    all.push(Variant::limit("guessing", "SSH on port 2222, 12 a minute", SSH, |it| many(it, 2_222, 200, 5_000, 1)));
}

/// Guessing of which a login comes out.
fn entered(all: &mut Vec<Variant>) {
    let mut attack = |name: &str, make: fn(&mut Account)| {
        all.push(Variant::attack("entered", name, ENTERED, make).besides(&[SSH]));
    };
    attack("SSH, then a session of 40 minutes", |it| login(it, 1_250, 2_400, 1_800));
    attack("SSH, then a tool dropped within 14 seconds", |it| login(it, 1_250, 14, 70));
    attack("SSH, then a session six hours later", |it| login(it, 6 * HOUR, 1_800, 900));
    all.push(
        Variant::benign("like entered", "SSH, and a port of the client used for two attempts", |it| {
            let source = it.outside(3);
            for step in 0..150 {
                let packets = attempt_packets(it, 1);
                let flow = Flow { is_out: false, ..session(it, it.from + step * 4, 0, source, 22, packets) };
                it.write(&flow);
                if step == 75 {
                    it.write(&Flow { second: flow.second + 210, ..flow });
                }
            }
        })
        .besides(&[SSH]),
    );
}

/// 100 attempts in 20 minutes, and after so many seconds a connection so long, with so many packets. Of more attempts in ten
/// minutes than are looked at one by one a short connection may be passed over.
fn login(it: &mut Account, after: i64, seconds: i64, packets: u64) {
    many(it, 22, 100, 12_000, 1);
    let source = it.outside(3);
    let flow = Flow { is_out: false, seconds, ..session(it, it.from + after, 0, source, 22, packets) };
    it.write(&flow);
}

fn many(it: &mut Account, port: u16, count: i64, gap_ms: i64, passwords: u64) {
    let source = it.outside(3);
    it.telling.push(source.to_string());
    for step in 0..count {
        let packets = attempt_packets(it, passwords);
        let second = it.from + step * gap_ms / 1_000 + it.random.below(1 + gap_ms as u64 / 3_000) as i64;
        attempt(it, second, source, port, packets);
    }
}

fn distributed(it: &mut Account, sources: u64, tries: u64, seconds: i64) {
    let count = sources * tries;
    it.telling.push("sources".to_owned());
    for step in 0..count {
        let source = it.outside(1_000 + step % sources);
        let packets = attempt_packets(it, 1);
        attempt(it, it.from + step as i64 * seconds / count as i64, source, 22, packets);
    }
}

fn like_guessing(all: &mut Vec<Variant>) {
    let mut benign = |name: &str, make: fn(&mut Account)| all.push(Variant::benign("like guessing", name, make));
    benign("a playbook: 3 hosts, a session for each of 60 tasks", |it| {
        for task in 0..60 {
            for host in 1..4 {
                let packets = 30 + it.random.below(90);
                let remote = it.neighbour(host);
                let flow = session(it, it.from + task * 12 + host as i64, 0, remote, 22, packets);
                it.write(&flow);
            }
        }
    });
    benign("a playbook that shares one session a host", |it| {
        for run in 0..6 {
            for host in 1..4 {
                let packets = 300 + it.random.below(900);
                let remote = it.neighbour(host);
                let flow = Flow { seconds: 240, ..session(it, it.from + run * HOUR, 0, remote, 22, packets) };
                it.write(&flow);
            }
        }
    });
    benign("a monitor logs in by SSH every five minutes", |it| {
        for step in 0..240 {
            let remote = it.neighbour(2);
            let packets = 24 + it.random.below(3);
            let flow = session(it, it.from + step * 300, 0, remote, 22, packets);
            it.write(&flow);
        }
    });
    benign("a health check opens port 22 every ten seconds", |it| {
        for step in 0..3_000 {
            let remote = it.neighbour(2);
            let flow = Flow { packets: (4, 3), bytes: (240, 200), ..it.flow(it.from + step * 10, 0, remote, 22) };
            it.write(&flow);
        }
    });
    benign("a git server: 60 people and builds fetch all day", |it| {
        for step in 0..2_400_u64 {
            let number = it.random.below(60);
            let source = it.outside(2_000 + number);
            let size = it.random.spread(22, 900);
            attempt(it, it.from + step as i64 * 12, source, 22, size);
        }
    });
    benign("a bastion: 30 people, a few sessions each", |it| {
        for step in 0..150_u64 {
            let source = it.outside(3_000 + step % 30);
            let size = it.random.spread(60, 6_000);
            let long = size as i64 / 2;
            let flow =
                Flow { is_out: false, seconds: long, ..session(it, it.from + step as i64 * 200, 0, source, 22, size) };
            it.write(&flow);
        }
    });
    benign("the noise of the internet at port 22", |it| {
        for step in 0..1_200_u64 {
            let source = it.outside(5_000 + step % 700);
            // Most want to know whether something listens; a few try one password.
            let packets = if step % 12 == 0 { attempt_packets(it, 1) } else { 5 };
            attempt(it, it.from + step as i64 * 70, source, 22, packets);
        }
    });
    benign("files by SFTP from a partner every quarter of an hour", |it| {
        let source = it.outside(40);
        for step in 0..80 {
            let size = it.random.spread(80, 3_000);
            attempt(it, it.from + step * 900, source, 22, size);
        }
    });
    benign("people on a remote desktop gateway", |it| {
        for step in 0..90_u64 {
            let source = it.outside(6_000 + step % 25);
            let size = it.random.spread(2_000, 90_000);
            let flow = Flow {
                is_out: false,
                seconds: 1_500,
                ..session(it, it.from + step as i64 * 300, 0, source, 3_389, size)
            };
            it.write(&flow);
        }
    });
}

fn scans(all: &mut Vec<Variant>) {
    for (name, count, gap_ms, went) in [
        ("1,000 ports, refused, 20 a second", 1_000_u64, 50, Went::Refused),
        ("100 ports, unanswered, one in 2 s", 100, 2_000, Went::Silent),
        ("200 ports, one in 30 s", 200, 30_000, Went::Refused),
        ("20 ports, one a second", 20, 1_000, Went::Refused),
        ("60 ports, dropped by our own group", 60, 1_000, Went::Rejected),
        ("80 ports, one in five minutes", 80, 300_000, Went::Silent),
    ] {
        all.push(Variant::attack("scan", name, PORTSCAN, move |it| {
            let target = it.outside(11);
            it.telling.push(target.to_string());
            ports(it, target, count, gap_ms, went);
        }));
    }
    all.push(Variant::attack("scan", "200 ports of an IPv6 host", PORTSCAN, |it| {
        let target = IpAddr::from([0x2a02, 0x4780, 0, 1, 0, 0, 0, 0x77]);
        it.telling.push(target.to_string());
        ports(it, target, 200, 200, Went::Refused);
    }));
    all.push(Variant::attack("scan", "200 UDP ports", PORTSCAN, |it| {
        let target = it.outside(12);
        it.telling.push(target.to_string());
        for step in 0..200 {
            let port = 100 + it.random.below(8_000) as u16;
            let flow = Flow {
                protocol: UDP,
                packets: (1, 0),
                ..it.failing(it.from + step / 2, 1, target, port, Went::Silent)
            };
            it.write(&flow);
        }
    }));
    all.push(Variant::attack("scan", "another host of ours, 300 ports", PORTSCAN, |it| {
        let target = it.neighbour(3);
        it.telling.push(target.to_string());
        ports(it, target, 300, 100, Went::Refused);
    }));
    for (name, port, count, gap_ms, percent) in [
        ("port 445 of 250 hosts, 10 a second", 445_u16, 250_u64, 100, 3),
        ("port 23 of 400 hosts, one in 20 s", 23, 400, 20_000, 5),
        ("port 6379 of 200 hosts, a third answers", 6_379, 200, 500, 33),
        ("port 443 of 300 hosts, half answers", 443, 300, 300, 50),
        ("port 80 of 150 hosts, two thirds answer", 80, 150, 400, 66),
        ("port 22 of 130 hosts, one in 5 minutes", 22, 130, 300_000, 10),
    ] {
        all.push(Variant::attack("scan", name, SWEEP, move |it| {
            it.telling.push(format!("port {port}"));
            for step in 0..count {
                let target = it.outside(10_000 + step);
                let second = it.from + step as i64 * gap_ms / 1_000;
                let flow = if it.random.percent(percent) {
                    Flow { bytes: (420, 700), ..it.flow(second, 1, target, port) }
                } else {
                    it.failing(second, 1, target, port, Went::Silent)
                };
                it.write(&flow);
            }
        }));
    }
    all.push(Variant::attack("scan", "IPv6 hosts, port 22", SWEEP, |it| {
        it.telling.push("port 22".to_owned());
        for step in 0..120_u16 {
            let target = IpAddr::from([0x2a02, 0x4780, 0, step, 0, 0, 0, 1]);
            let flow = it.failing(it.from + i64::from(step), 1, target, 22, Went::Silent);
            it.write(&flow);
        }
    }));
    for (name, gap, ports) in [
        ("the subnet, SMB and RDP", 1, &[445_u16, 3_389][..]),
        ("the subnet slowly, ten ports", 20, &[21, 22, 80, 139, 445, 1_433, 3_306, 3_389, 5_432, 8_080][..]),
    ] {
        all.push(Variant::attack("scan", name, LATERAL, move |it| {
            for (step, last) in (20..250_u8).enumerate() {
                let port = ports[step % ports.len()];
                let went = if last % 9 == 0 { Went::Refused } else { Went::Silent };
                let target = IpAddr::from([10, 0, 1, last]);
                let flow = it.failing(it.from + step as i64 * gap, 1, target, port, went);
                it.write(&flow);
            }
        }));
    }
}

/// Shapes that need more than a glance: both kinds of addresses at one interface, refusals without flags.
fn scans_by_size(all: &mut Vec<Variant>) {
    all.push(Variant::attack("scan", "60 hosts of ours, all up, port 3306 refused", LATERAL, |it| {
        for last in 20..80_u8 {
            let target = IpAddr::from([10, 0, 1, last]);
            let flow = it.failing(it.from + i64::from(last) / 5, 1, target, 3_306, Went::Refused);
            it.write(&flow);
        }
    }));
}

/// Tries so many ports of a target in no order, a few of them answered.
fn ports(it: &mut Account, target: IpAddr, count: u64, gap_ms: i64, went: Went) {
    for step in 0..count {
        let port = 1 + ((step * 7_919 + 13) % 10_007) as u16;
        let second = it.from + step as i64 * gap_ms / 1_000;
        let flow =
            if port == 22 { it.flow(second, 1, target, port) } else { it.failing(second, 1, target, port, went) };
        it.write(&flow);
    }
}

fn like_scans(all: &mut Vec<Variant>) {
    // What looks after a list of endpoints in turn does so in a rhythm.
    let mut benign = |name: &str, make: fn(&mut Account)| {
        all.push(Variant::benign("like a scan", name, make).besides(&[BEACON]));
    };
    benign("a monitor of 200 endpoints, four of them down", |it| {
        for step in 0..4_000_u64 {
            let (number, second) = (step % 200, it.from + step as i64 * 3);
            let (target, port) = (it.outside(20_000 + number), [80, 443, 8_443, 22][number as usize % 4]);
            let flow = if number < 4 {
                it.failing(second, 1, target, port, Went::Silent)
            } else {
                it.flow(second, 1, target, port)
            };
            it.write(&flow);
        }
    });
    benign("service discovery: registered ports of a neighbour, some dead", |it| {
        for step in 0..600_u64 {
            let (port, target) = (20_000 + (step % 25) as u16, it.neighbour(2));
            let second = it.from + step as i64 * 10;
            let flow = if step % 25 < 6 {
                it.failing(second, 1, target, port, Went::Refused)
            } else {
                it.flow(second, 1, target, port)
            };
            it.write(&flow);
        }
    });
    benign("a web server answers clients on their ports", |it| {
        for step in 0..3_000_u64 {
            let source = it.outside(30_000 + step % 90);
            let flow = Flow { is_out: false, ..it.flow(it.from + step as i64 * 3, 0, source, 443) };
            it.write(&flow);
        }
    });
    benign("a service on a high port answers one busy client", |it| {
        let source = it.outside(31_000);
        for step in 0..2_000 {
            let flow = Flow { is_out: false, ..it.flow(it.from + step * 4, 0, source, 50_051) };
            it.write(&flow);
        }
    });
    benign("transfers by passive FTP", |it| {
        let target = it.outside(32_000);
        for step in 0..400 {
            let port = 40_000 + it.random.below(9_000) as u16;
            let flow = Flow { bytes: (900, 80_000), ..it.flow(it.from + step * 30, 1, target, port) };
            it.write(&flow);
        }
    });
    benign("late answers and resets of closed connections", |it| {
        for step in 0..500_u64 {
            let source = it.outside(33_000 + step % 40);
            let flow = Flow {
                is_out: false,
                went: Went::Refused,
                bytes: (60, 40),
                ..it.flow(it.from + step as i64 * 8, 0, source, 443)
            };
            it.write(&flow);
        }
    });
    benign("peers of a file-sharing program, a third gone", |it| {
        for step in 0..900_u64 {
            let (target, port) = (it.outside(34_000 + step % 500), 20_000 + it.random.below(40_000) as u16);
            let second = it.from + step as i64 * 9;
            let flow = if step % 3 == 0 {
                it.failing(second, 1, target, port, Went::Silent)
            } else {
                it.flow(second, 1, target, port)
            };
            it.write(&flow);
        }
    });
    benign("a crawler of web servers, a tenth gone", |it| {
        for step in 0..1_500_u64 {
            let (target, second) = (it.outside(36_000 + step), it.from + step as i64 * 4);
            let flow = if step % 10 == 0 {
                it.failing(second, 1, target, 443, Went::Silent)
            } else {
                it.flow(second, 1, target, 443)
            };
            it.write(&flow);
        }
    });
    benign("a cache whose database is down for an hour", |it| {
        for step in 0..3_600 {
            let target = it.neighbour(3);
            let flow = it.failing(it.from + step, 1, target, 6_379, Went::Refused);
            it.write(&flow);
        }
    });
    benign("an update of a fleet: 60 hosts gone from the list", |it| {
        for round in 0..30_i64 {
            for host in 0..12_u8 {
                let target = IpAddr::from([10, 0, 2, 20 + host]);
                let flow = it.failing(it.from + round * 60 + i64::from(host), 1, target, 8_080, Went::Silent);
                it.write(&flow);
            }
        }
    });
    all.push(
        Variant::benign("like a scan", "an assessor of our own, the same night each week", |it| {
            for week in 0..3 {
                let at = it.day - 14 * DAY + week * 7 * DAY + HOUR;
                for step in 0..600_u64 {
                    let target = it.neighbour(2);
                    let flow = it.failing(at + step as i64, 1, target, 1 + (step * 13 % 9_000) as u16, Went::Refused);
                    it.write(&flow);
                }
            }
        })
        .with_history()
        .may_alarm(),
    );
}

fn floods(all: &mut Vec<Variant>) {
    for (name, kind, protocol, port, size, a_second) in [
        ("UDP, 40,000 packets a second", "Backdoor:EC2/DenialOfService.Udp", UDP, 27_015_u16, 512_u64, 40_000_u64),
        ("UDP to many ports, 5,000 a second", "Backdoor:EC2/DenialOfService.Udp", UDP, 0, 900, 5_000),
        ("DNS, 30,000 a second", "Backdoor:EC2/DenialOfService.Dns", UDP, 53, 70, 30_000),
        ("UDP to port 22, 30,000 a second", "Backdoor:EC2/DenialOfService.UdpOnTcpPorts", UDP, 22, 800, 30_000),
        ("SYN, 30,000 a second", "Backdoor:EC2/DenialOfService.Tcp", 6, 80, 60, 30_000),
        ("SYN, 4,000 a second", "Backdoor:EC2/DenialOfService.Tcp", 6, 443, 60, 4_000),
        ("protocol 99, 30,000 a second", "Backdoor:EC2/DenialOfService.UnusualProtocol", 99, 0, 300, 30_000),
        ("memcached's port as a reflector's victim", "Backdoor:EC2/DenialOfService.Udp", UDP, 11_211, 1_400, 25_000),
    ] {
        all.push(
            Variant::attack("flood", name, kind, move |it| {
                let target = it.outside(50);
                it.telling.push(target.to_string());
                for minute in 0..4 {
                    for part in 0..40_u64 {
                        let packets = a_second * 60 / 40;
                        let port =
                            if protocol == UDP && port == 0 { 1_025 + it.random.below(30_000) as u16 } else { port };
                        let client_port = if protocol == 99 { 0 } else { it.client_port() };
                        let flow = Flow {
                            protocol,
                            client_port,
                            seconds: 40,
                            packets: (packets, 0),
                            bytes: (packets * size, 0),
                            ..it.failing(it.from + minute * 60 + part as i64 / 4, 1, target, port, Went::Silent)
                        };
                        it.write(&flow);
                    }
                }
            })
            .with_history(),
        );
    }
    all.push(
        Variant::attack("flood", "SYN, 3,000 a second, all answered", "Backdoor:EC2/DenialOfService.Tcp", |it| {
            let target = it.outside(55);
            it.telling.push(target.to_string());
            for step in 0..24_000 {
                let flow = Flow {
                    packets: (8, 7),
                    bytes: (8 * 44, 7 * 40),
                    ..it.failing(it.from + step / 400, 1, target, 443, Went::Refused)
                };
                it.write(&flow);
            }
        })
        .with_history(),
    );
    all.push(
        Variant::attack("flood", "ICMP, 30,000 a second", "Backdoor:EC2/DenialOfService.UnusualProtocol", |it| {
            let target = it.outside(56);
            it.telling.push(target.to_string());
            let packets = 30_000 * 180;
            let flow = Flow {
                protocol: 1,
                client_port: 0,
                seconds: 180,
                packets: (packets, 0),
                bytes: (packets * 84, 0),
                ..it.failing(it.from, 1, target, 0, Went::Silent)
            };
            it.write(&flow);
        })
        .with_history(),
    );
    // An amount that the host never sent before is one, whatever it is for.
    let mut benign = |name: &str, make: fn(&mut Account)| {
        all.push(Variant::benign("like a flood", name, make).with_history().besides(&[VOLUME, PORT]));
    };
    benign("a load test of our site outside, answered", |it| {
        let target = it.outside(51);
        for step in 0..3_000 {
            let flow = Flow { bytes: (4_000, 60_000), ..it.flow(it.from + step / 10, 1, target, 443) };
            it.write(&flow);
        }
    });
    benign("video sent one way over a quarter of an hour", |it| {
        let target = it.outside(52);
        for part in 0..15 {
            let flow = Flow {
                protocol: UDP,
                client_port: 40_000,
                seconds: 59,
                packets: (60_000, 2_000),
                bytes: (60_000 * 1_200, 2_000 * 90),
                ..it.flow(it.from + part * 60, 1, target, 5_004)
            };
            it.write(&flow);
        }
    });
    benign("a viewer's stream, with reports", |it| {
        let target = it.outside(57);
        for part in 0..40 {
            let flow = Flow {
                protocol: UDP,
                client_port: 40_002,
                seconds: 59,
                packets: (15_000, 60),
                bytes: (15_000 * 1_100, 60 * 80),
                ..it.flow(it.from + part * 60, 1, target, 50_004)
            };
            it.write(&flow);
        }
    });
    benign("a large upload by QUIC", |it| {
        let target = it.outside(53);
        for part in 0..10 {
            let flow = Flow {
                protocol: UDP,
                client_port: 41_000,
                seconds: 59,
                packets: (200_000, 60_000),
                bytes: (200_000 * 1_250, 60_000 * 60),
                ..it.flow(it.from + part * 60, 1, target, 443)
            };
            it.write(&flow);
        }
    });
    benign("logs to a collector that never answers", |it| {
        let target = it.outside(54);
        for part in 0..60 {
            let flow = Flow {
                protocol: UDP,
                client_port: 42_000,
                seconds: 59,
                packets: (12_000, 0),
                bytes: (12_000 * 500, 0),
                ..it.failing(it.from + part * 60, 1, target, 514, Went::Silent)
            };
            it.write(&flow);
        }
    });
}

fn amounts(all: &mut Vec<Variant>) {
    for (name, count, gap) in [("60 servers in 20 minutes", 60_u64, 20), ("240 servers over ten hours", 240, 150)] {
        all.push(
            Variant::attack("mail", name, SPAM, move |it| {
                for step in 0..count {
                    let target = it.outside(40_000 + step);
                    let flow =
                        Flow { bytes: (6_000, 900), seconds: 3, ..it.flow(it.from + step as i64 * gap, 1, target, 25) };
                    it.write(&flow);
                }
            })
            .with_history(),
        );
    }
    all.push(
        Variant::benign("like mail", "one relay, by ports 587 and 25, on the first day", |it| {
            let target = it.outside(41);
            for step in 0..200 {
                let flow = Flow {
                    bytes: (6_000, 900),
                    ..it.flow(it.from + step * 300, 1, target, if step % 2 == 0 { 587 } else { 25 })
                };
                it.write(&flow);
            }
        })
        .besides(&[BEACON]),
    );
    for (name, mib, hours) in [
        ("40 GiB in an hour to a stranger", 40_000_u64, 1),
        ("2 GiB in an hour to a stranger", 2_000, 1),
        ("6 GiB over six hours to a stranger", 6_000, 6),
    ] {
        all.push(
            Variant::attack("volume", name, VOLUME, move |it| {
                let target = it.outside(60);
                it.telling.push(target.to_string().rsplit_once('.').map_or(String::new(), |(net, _)| net.to_owned()));
                for part in 0..hours * 6 {
                    let bytes = (mib << 20) / (hours as u64 * 6);
                    let flow = Flow {
                        seconds: 580,
                        bytes: (bytes, bytes / 300),
                        ..it.flow(it.from + part * 600, 1, target, 443)
                    };
                    it.write(&flow);
                }
            })
            .with_history(),
        );
    }
    all.push(
        Variant::benign("like a volume", "a backup outside each night", |it| {
            let target = it.outside(61);
            for day in -15..1 {
                for part in 0..6 {
                    let bytes = 700_000_000 + it.random.below(300_000_000);
                    let second = it.day + day * DAY + 2 * HOUR + part * 500;
                    let flow = Flow { seconds: 480, bytes: (bytes, bytes / 300), ..it.flow(second, 1, target, 443) };
                    it.write(&flow);
                }
            }
        })
        .with_history(),
    );
    all.push(
        Variant::benign("like a volume", "calls of an hour, each day with somebody else", |it| {
            for day in -15..1 {
                let target = it.outside(63 + (day + 15) as u64 * 8);
                let bytes = 250_000_000 + it.random.below(250_000_000);
                let second = it.day + day * DAY + 10 * HOUR;
                let flow = Flow {
                    protocol: UDP,
                    seconds: 3_000,
                    bytes: (bytes, bytes),
                    packets: (bytes / 700, bytes / 700),
                    ..it.flow(second, 1, target, 8_801)
                };
                it.write(&flow);
            }
        })
        .with_history(),
    );
    all.push(
        Variant::benign("like a volume", "a replica inside that is built anew", |it| {
            for part in 0..12 {
                let remote = it.neighbour(3);
                let flow = Flow {
                    seconds: 580,
                    bytes: (4 << 30, 9_000_000),
                    ..it.flow(it.from + part * 600, 1, remote, 5_432)
                };
                it.write(&flow);
            }
        })
        .with_history(),
    );
    for (name, port) in [("IRC", 6_667_u16), ("a shell's listener", 4_444), ("a miner's pool", 3_333)] {
        all.push(
            Variant::attack("port", name, PORT, move |it| {
                let target = it.outside(62);
                it.telling.push(port.to_string());
                for step in 0..8 {
                    let flow =
                        Flow { seconds: 200, bytes: (4_000, 9_000), ..it.flow(it.from + step * 400, 1, target, port) };
                    it.write(&flow);
                }
            })
            .with_history(),
        );
    }
}

fn rhythms(all: &mut Vec<Variant>) {
    for (name, period, jitter, sizes) in [
        ("every 60 s", 60_i64, 0_u64, 40_u64),
        ("every 45 s, 30 % jitter", 45, 30, 60),
        ("every 5 minutes, 50 % jitter", 300, 50, 60),
        ("every half hour, 20 % jitter", 1_800, 20, 60),
        ("every hour", 3_600, 5, 30),
        ("every 10 minutes, sizes that vary by half", 600, 10, 500),
    ] {
        all.push(
            Variant::attack("beacon", name, BEACON, move |it| {
                let target = it.outside(70);
                it.telling.push(target.to_string());
                let mut second = it.day + 600;
                while second < it.day + 23 * HOUR {
                    let sent = 800 + it.random.below(sizes);
                    let flow = Flow { bytes: (sent, 1_200), ..it.flow(second, 1, target, 443) };
                    it.write(&flow);
                    let spread = period * jitter as i64 / 100;
                    second += period - spread + it.random.below(2 * spread as u64 + 1) as i64;
                }
            })
            .with_history(),
        );
    }
    for (name, gap, went, bytes) in [
        ("reconnects every 2 s, refused", 2, Went::Refused, (52, 40)),
        ("reconnects every 3 s, unanswered", 3, Went::Silent, (60, 0)),
        ("reconnects every 2 s, says hello", 2, Went::Answered, (340, 120)),
    ] {
        all.push(
            Variant::attack("strobe", name, BEACON, move |it| {
                let target = it.outside(71);
                it.telling.push(target.to_string());
                for step in 0..2_400 {
                    let flow = Flow { went, bytes, ..it.flow(it.from + step * gap, 1, target, 5_888) };
                    it.write(&flow);
                }
            })
            .with_history(),
        );
    }
    all.push(Variant::attack("long connection", "a tunnel of WireGuard for ten hours", LONG, |it| {
        let target = it.outside(73);
        it.telling.push(target.to_string());
        let flow = Flow {
            protocol: UDP,
            seconds: 10 * HOUR,
            bytes: (4_000_000, 9_000_000),
            ..it.flow(it.from, 1, target, 51_820)
        };
        it.write(&flow);
    }));
    all.push(Variant::attack("long connection", "ten hours to a stranger", LONG, |it| {
        let target = it.outside(72);
        it.telling.push(target.to_string());
        let flow = Flow { seconds: 10 * HOUR, bytes: (4_000_000, 9_000_000), ..it.flow(it.from, 1, target, 8_443) };
        it.write(&flow);
    }));
    for has_history in [false, true] {
        let mut benign = |name: &str, make: fn(&mut Account)| {
            let name = if has_history { format!("{name}, as for two weeks") } else { name.to_owned() };
            let variant = Variant::benign("like a beacon", &name, make);
            // Rhythm is not guilt, and one agent's cannot be told from an implant's: a mild finding, once.
            let has_rhythm =
                ["an agent reports every minute", "long polling", "an API that is called 40 times a minute with"];
            let is_rhythm = has_rhythm.iter().any(|beginning| name.starts_with(beginning));
            let variant = if is_rhythm { variant.may_alarm() } else { variant };
            all.push(if has_history { variant.with_history() } else { variant });
        };
        benign("time servers", |it| {
            daily(
                it,
                |it, second| {
                    let number = it.random.below(4);
                    let target = it.outside(80 + number);
                    Flow { protocol: UDP, packets: (1, 1), bytes: (76, 76), ..it.flow(second, 1, target, 123) }
                },
                256,
            )
        });
        benign("an agent reports every minute", |it| {
            daily(
                it,
                |it, second| {
                    let target = it.outside(85);
                    let sent = 1_500 + it.random.below(6_000);
                    Flow { bytes: (sent, 800), ..it.flow(second, 1, target, 443) }
                },
                60,
            )
        });
        benign("all hosts' agents report every 5 minutes", |it| {
            for host in 0..4 {
                daily(
                    it,
                    |it, second| {
                        let target = it.outside(86);
                        let sent = 2_000 + it.random.below(300);
                        Flow { bytes: (sent, 800), ..it.flow(second + host as i64 * 13, host, target, 443) }
                    },
                    300,
                );
            }
        });
        benign("long polling", |it| {
            daily(
                it,
                |it, second| {
                    let target = it.outside(87);
                    let seconds = it.random.range(2, 30) as i64;
                    Flow { seconds, bytes: (900, 500), ..it.flow(second, 1, target, 443) }
                },
                31,
            )
        });
        benign("a pool of connections to a database outside, tried anew", |it| {
            daily(
                it,
                |it, second| {
                    let target = it.outside(88);
                    let bytes = it.random.spread(2_000, 400_000);
                    let late = it.random.below(40) as i64;
                    Flow { seconds: 20, bytes: (bytes, bytes * 2), ..it.flow(second + late, 1, target, 5_432) }
                },
                45,
            )
        });
        benign("a service outside that is down: tries every 2 s for an hour", |it| {
            let target = it.outside(89);
            if it.first_day() < it.day {
                // It was up for two weeks.
                for step in 0..14 * 48 {
                    let late = it.random.below(1_700) as i64;
                    let flow = it.flow(it.first_day() + step * 1_800 + late, 1, target, 8_883);
                    it.write(&flow);
                }
            }
            for step in 0..1_800 {
                let flow = it.failing(it.from + step * 2, 1, target, 8_883, Went::Refused);
                it.write(&flow);
            }
        });
        benign("an API that is called 40 times a minute", |it| {
            daily(
                it,
                |it, second| {
                    let target = it.outside(90);
                    let sent = it.random.spread(600, 20_000);
                    Flow { bytes: (sent, sent * 2), ..it.flow(second, 1, target, 443) }
                },
                2,
            )
        });
        benign("an API that is called 40 times a minute with the same request", |it| {
            daily(
                it,
                |it, second| {
                    let target = it.outside(91);
                    Flow { bytes: (1_040, 900), ..it.flow(second, 1, target, 443) }
                },
                2,
            )
        });
    }
}

/// Does something every so many seconds, on the day or from the first logged day on (there ten times as rarely, to keep the
/// logs small, where it is done every few seconds).
fn daily(it: &mut Account, mut what: impl FnMut(&mut Account, i64) -> Flow, gap: i64) {
    let mut second = it.first_day() + 300;
    while second < it.day + 23 * HOUR {
        let flow = what(it, second);
        it.write(&flow);
        let is_rare = gap < 30 && (second < it.day || second > it.day + 6 * HOUR);
        second += if is_rare { gap * 10 } else { gap };
    }
}
