//! `xtask scenarios`: writes the logs of those scenarios that show a behaviour, where hand-written records would be too
//! many. What must be found of them stands in their `expected.json`, which is not written here.

use super::attacks::CALL_FAMILIES;
use super::estate::{Estate, Host, Kind, Plan, Principal, Role};
use super::hosts::{Connection, Outcome, Peer, TCP, UDP};
use super::people::Call;
use super::write::{call_log, flow_log};
use crate::arguments::Arguments;
use crate::gzip::Deflater;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

const HELP: &str = "\
Writes the logs of the scenarios of behaviours anew; the same each time. Then run
`UPDATE_EXPECTED=1 cargo test -p watchfire --test scenarios` and read what it changed.

  xtask scenarios [--out DIR]    (scenarios)";

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Everybody's office.
const OFFICE: [u8; 4] = [198, 51, 100, 7];
const COMMAND_LINE: &str = "aws-cli/2.27.3 md/awscrt#0.23.4 ua/2.0 os/macos#24.2.0 md/arch#arm64 lang/python#3.12.6";
const OTHER_PROGRAM: &str =
    "Boto3/1.36.2 md/Botocore#1.36.2 ua/2.0 os/linux#6.1.119 lang/python#3.11.6 Botocore/1.36.2";
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// The logs of one scenario.
#[derive(Default)]
struct Logs {
    calls: Vec<Call>,
    connections: Vec<Connection>,
}

/// A scenario's folder, its estate, older logs and the logs to judge.
struct Folder {
    name: &'static str,
    estate: Estate,
    baseline: Logs,
    events: Logs,
}

/// The task.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let out: PathBuf = arguments.value("--out")?.unwrap_or_else(|| "scenarios".into());
    arguments.finish()?;
    let folders = [
        scans(),
        guessing(),
        floods(),
        spam(),
        amounts(),
        resolvers(),
        beacon(),
        identities(),
        buckets(),
        login(),
        guessed_login(),
        token(),
        fortnight(),
        silence(),
        rest(),
    ];
    folders.iter().try_for_each(|folder| write(folder, &out.join(folder.name)))
}

fn write(folder: &Folder, path: &Path) -> Result<()> {
    let mut deflater = Deflater::new()?;
    for (name, logs) in [("baseline", &folder.baseline), ("events", &folder.events)] {
        let mut files = Vec::new();
        if !logs.calls.is_empty() {
            files.push(("calls.json.gz", call_log(&folder.estate, &logs.calls)));
        }
        if !logs.connections.is_empty() {
            files.push(("flows.log.gz", flow_log(&folder.estate, &logs.connections)));
        }
        for (file, text) in files {
            let (place, mut compressed) = (path.join(name).join(file), Vec::new());
            std::fs::create_dir_all(path.join(name)).with_context(|| format!("creating `{}`", path.display()))?;
            deflater.deflate(text.as_bytes(), &mut compressed);
            std::fs::write(&place, compressed).with_context(|| format!("writing `{}`", place.display()))?;
        }
    }
    Ok(())
}

/// An account with a few hosts in one subnet, and users.
fn stage(window: i64, hosts: u8, users: &[&str]) -> Estate {
    let mut estate = Estate::of(Plan { seed: 2, principals: 5, hosts: 0, days: 30, has_attacks: false });
    estate.account = "111122223333".to_owned();
    estate.region = "us-east-1";
    estate.window = window;
    estate.buckets = (0..4).map(|number| format!("example-reports-{number}")).collect();
    estate.hosts = (0..hosts)
        .map(|number| Host {
            role: Role::App,
            address: [10, 0, 1, 10 + 10 * number],
            interface: format!("eni-0e{number:015x}"),
            instance: format!("i-0e{number:015x}"),
            subnet: "subnet-0e000000000000001".to_owned(),
            seed: u64::from(number),
            starts: 0,
        })
        .collect();
    estate.principals = users
        .iter()
        .enumerate()
        .map(|(number, &name)| Principal {
            kind: Kind::Function,
            name: name.to_owned(),
            session: String::new(),
            id: format!("AIDAEXAMPLE{}", name.to_uppercase()),
            starts: 0,
            seed: number as u64,
            habits: Vec::new(),
        })
        .collect();
    estate
}

fn address(last: u8) -> Peer {
    Peer::Address([203, 0, 113, last])
}

/// A short, answered connection that a host opens.
fn connection(host: usize, second: i64, peer: Peer, port: u16) -> Connection {
    Connection {
        second,
        seconds: 1,
        host,
        peer,
        is_outgoing: true,
        protocol: TCP,
        port,
        client_port: 32_768 + (second % 28_000) as u16,
        bytes: (1_800, 5_400),
        packets: (0, 0),
        outcome: Outcome::Answered,
        attack: None,
    }
}

/// What the hosts usually do: every half hour something from a partner, for so many days.
fn usual_traffic(estate: &Estate, days: i64) -> Vec<Connection> {
    let mut connections = Vec::new();
    for host in 0..estate.hosts.len() {
        for half in 0..days * 48 {
            let second = estate.midnight(0) + half * 1_800 + 97 * host as i64 + half * 131 % 900;
            let partner = Peer::Address([198, 51, 100, 20 + (half % 3) as u8]);
            let bytes = 1_500 + (half * 7_919 % 2_400) as u64;
            connections.push(Connection { bytes: (bytes, bytes * 3), ..connection(host, second, partner, 443) });
        }
    }
    connections
}

fn scans() -> Folder {
    let estate = stage(60, 4, &[]);
    let at = estate.midnight(0) + 9 * HOUR;
    let mut connections = Vec::new();
    for port in 0..120 {
        // The first host looks for open ports of the second.
        let refused = connection(0, at + i64::from(port), Peer::Host(1), 20 + port * 13);
        let outcome = if port == 3 { Outcome::Answered } else { Outcome::Refused };
        connections.push(Connection { outcome, bytes: (44, 40), ..refused });
    }
    for last in 1..=90 {
        // The third looks for file shares on the internet, the fourth for SSH among its neighbours.
        let silent = |it: Connection| Connection { outcome: Outcome::Silent, bytes: (60, 0), ..it };
        connections.push(silent(connection(2, at + i64::from(last), address(last), 445)));
        let neighbour = Peer::Nobody([10, 0, 1, 100 + last]);
        connections.push(silent(connection(3, at + i64::from(last) * 2, neighbour, 22)));
    }
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "hosts-that-scan", estate, baseline: Logs::default(), events }
}

fn guessing() -> Folder {
    let estate = stage(60, 4, &[]);
    let at = estate.midnight(0) + 2 * HOUR;
    let mut connections = Vec::new();
    for attempt in 0..48 {
        let second = at + attempt * 11;
        let packets = |it: Connection, there: u64| Connection {
            seconds: 3,
            packets: (there, there - 1),
            bytes: (there * 150, there * 190),
            client_port: 40_000 + attempt as u16,
            ..it
        };
        let from_outside = Connection { is_outgoing: false, ..connection(0, second, address(9), 22) };
        connections.push(packets(from_outside, 14 + attempt as u64 % 2));
        connections.push(packets(connection(1, second, address(20), 3_389), 31));
        connections.push(packets(connection(2, second, Peer::Host(3), 5_985), 11));
    }
    connections.push(Connection {
        is_outgoing: false,
        seconds: 900,
        packets: (300, 420),
        bytes: (40_000, 800_000),
        client_port: 50_000,
        ..connection(0, at + 500, address(9), 22)
    });
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "passwords-are-guessed", estate, baseline: Logs::default(), events }
}

fn floods() -> Folder {
    let estate = stage(60, 5, &[]);
    let at = estate.midnight(0) + 4 * HOUR;
    let kinds = [(TCP, 443, 60), (UDP, 9_987, 900), (UDP, 53, 70), (UDP, 80, 900), (89, 0, 60)];
    let mut connections = Vec::new();
    for (host, (protocol, port, size)) in kinds.into_iter().enumerate() {
        for part in 0..5 * 6 {
            let packets = 60 * 30_000 / 6;
            connections.push(Connection {
                protocol,
                seconds: 4,
                client_port: if protocol == 89 { 0 } else { 40_000 + part as u16 },
                packets: (packets, 0),
                bytes: (packets * size, 0),
                outcome: Outcome::Silent,
                ..connection(host, at + part * 10 + 1, address(50 + host as u8), port)
            });
        }
    }
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "hosts-that-flood", estate, baseline: Logs::default(), events }
}

fn spam() -> Folder {
    let estate = stage(600, 1, &[]);
    let baseline = Logs { connections: usual_traffic(&estate, 15), ..Logs::default() };
    let at = estate.midnight(15) + 3 * HOUR;
    let letter = |number: i64| Connection {
        seconds: 3,
        bytes: (5_000 + 37 * number as u64, 900),
        ..connection(0, at + number * 40, address(number as u8 + 1), 25)
    };
    let events = Logs { connections: (0..60).map(letter).collect(), ..Logs::default() };
    Folder { name: "mail-to-strangers", estate, baseline, events }
}

fn amounts() -> Folder {
    let estate = stage(600, 2, &[]);
    let baseline = Logs { connections: usual_traffic(&estate, 16), ..Logs::default() };
    let at = estate.midnight(16) + 3 * HOUR;
    let mut connections: Vec<Connection> = (0..6)
        .map(|number| Connection {
            seconds: 200,
            bytes: (5_000, 12_000),
            ..connection(0, at + number * 500, address(66), 6_667)
        })
        .collect();
    connections.extend((0..6).map(|number| Connection {
        seconds: 560,
        bytes: (4 << 30, 40 << 20),
        ..connection(1, at + number * 600, address(67), 443)
    }));
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "a-new-port-and-much-more-traffic", estate, baseline, events }
}

fn resolvers() -> Folder {
    let estate = stage(600, 3, &[]);
    let baseline = Logs { connections: usual_traffic(&estate, 15), ..Logs::default() };
    let at = estate.midnight(15) + 6 * HOUR;
    let mut connections = Vec::new();
    for number in 0..60 {
        let second = at + number * 50;
        connections.push(Connection {
            protocol: UDP,
            packets: (1, 1),
            bytes: (76, 240),
            ..connection(0, second, address(53), 53)
        });
        // Public facts: resolvers that anybody may ask.
        let over_https = connection(1, second, Peer::Address([1, 1, 1, 1]), 443);
        connections.push(Connection { bytes: (1_900, 4_200), ..over_https });
        let over_tls = connection(2, second, Peer::Address([9, 9, 9, 9]), 853);
        connections.push(Connection { bytes: (1_900, 4_200), ..over_tls });
    }
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "resolvers-of-their-own", estate, baseline, events }
}

fn beacon() -> Folder {
    let estate = stage(600, 2, &[]);
    let baseline = Logs { connections: usual_traffic(&estate, 3), ..Logs::default() };
    let at = estate.midnight(3);
    let mut connections: Vec<Connection> = (0..96)
        .map(|number| {
            let jitter = number * 7_919 % 60;
            let bytes = (820 + (number % 5) as u64 * 9, 1_300);
            Connection { bytes, ..connection(0, at + number * 300 + jitter, address(77), 443) }
        })
        .collect();
    connections.push(Connection {
        seconds: 9 * HOUR,
        bytes: (9_000_000, 3_000_000),
        ..connection(1, at + 400, address(78), 8_443)
    });
    let events = Logs { connections, ..Logs::default() };
    Folder { name: "a-beacon-and-a-tunnel", estate, baseline, events }
}

/// A call of a user, from the office with the command line.
fn call(principal: usize, second: i64, api: &'static str) -> Call {
    Call {
        second,
        principal,
        api,
        address: OFFICE,
        agent: COMMAND_LINE.to_owned(),
        error: "",
        about: (second / 60 % 3) as u64,
        session: 0,
        attack: None,
    }
}

/// Three times a day each user does something of these.
fn usual_calls(estate: &Estate, days: i64, apis: &[&'static str]) -> Vec<Call> {
    let mut calls = Vec::new();
    for principal in 0..estate.principals.len() {
        for visit in 0..days * 3 {
            let second = estate.midnight(visit / 3) + (9 + visit % 3 * 3) * HOUR + 211 * principal as i64 + visit * 17;
            let at = (visit as usize * 3 + principal) % apis.len();
            calls.push(call(principal, second, apis[at]));
        }
    }
    calls
}

/// The calls of one of the families of attacks, by this user's key from elsewhere.
fn stolen(estate: &Estate, family: &str, principal: usize, begin: i64, repeat: u64) -> Vec<Call> {
    let (_, _, steps) = CALL_FAMILIES.iter().find(|known| known.0 == family).copied().unwrap_or_default();
    let mut calls = Vec::new();
    let mut second = estate.midnight(0) + begin;
    for &(api, most) in steps {
        for about in 0..most.min(repeat) {
            second += 9;
            calls.push(Call {
                address: [203, 0, 113, 20 + principal as u8],
                agent: OTHER_PROGRAM.to_owned(),
                about: 90 + about,
                attack: Some(0),
                ..call(principal, second, api)
            });
        }
    }
    calls
}

fn identities() -> Folder {
    const FAMILIES: [&str; 8] = [
        "discovery",
        "credential access",
        "persistence",
        "privilege escalation",
        "defense evasion",
        "exfiltration",
        "impact",
        "initial access",
    ];
    let estate = stage(600, 0, &["ana", "ben", "cleo", "dan", "eva", "finn", "gil", "hana"]);
    let usual = [
        "ec2:DescribeInstances",
        "logs:DescribeLogGroups",
        "monitoring:GetMetricData",
        "s3:ListBuckets",
        "ec2:DescribeTags",
    ];
    let baseline = Logs { calls: usual_calls(&estate, 10, &usual), ..Logs::default() };
    let of = |(principal, family): (usize, &&str)| {
        stolen(&estate, family, principal, 10 * DAY + principal as i64 * 2 * HOUR, 3)
    };
    let events = Logs { calls: FAMILIES.iter().enumerate().flat_map(of).collect(), ..Logs::default() };
    Folder { name: "stolen-keys-of-an-office", estate, baseline, events }
}

fn buckets() -> Folder {
    const FAMILIES: [&str; 5] =
        ["bucket discovery", "bucket exfiltration", "bucket deletion", "bucket opening", "bucket overwriting"];
    let estate = stage(600, 0, &["ana", "ben", "cleo", "dan", "eva"]);
    let usual = ["s3:ListObjects", "s3:GetObject", "s3:HeadObject", "s3:GetObject"];
    let mut calls = usual_calls(&estate, 10, &usual);
    // Ana writes reports, and reads none.
    calls.iter_mut().filter(|call| call.principal == 0).for_each(|call| call.api = "s3:PutObject");
    let baseline = Logs { calls, ..Logs::default() };
    let of = |(principal, family): (usize, &&str)| {
        stolen(&estate, family, principal, 10 * DAY + principal as i64 * 3 * HOUR, 110)
    };
    let mut calls: Vec<Call> = FAMILIES.iter().enumerate().flat_map(of).collect();
    // Who looks for what is worth taking asks who may read it, and for older versions.
    let last = calls.iter().rfind(|call| call.principal == 0).cloned();
    for (part, api) in ["s3:GetObjectAcl", "s3:GetObjectTagging", "s3:ListObjectVersions"].into_iter().enumerate() {
        calls.extend(last.iter().map(|last| Call { api, second: last.second + 10 + part as i64, ..last.clone() }));
    }
    let events = Logs { calls, ..Logs::default() };
    Folder { name: "buckets-in-the-wrong-hands", estate, baseline, events }
}

/// Addresses of MaxMind's test database: a town in Sweden, where ana lives, and London and a town in the United States.
fn login() -> Folder {
    let estate = stage(600, 0, &["ana", "ben"]);
    let sign_in = |principal: usize, second: i64, address: [u8; 4]| Call {
        address,
        agent: BROWSER.to_owned(),
        ..call(principal, second, "signin:ConsoleLogin")
    };
    let (home, abroad) = ([89, 160, 20, 112], [216, 160, 83, 56]);
    let usual = (0..14).flat_map(|day| {
        [
            sign_in(0, estate.midnight(day) + 8 * HOUR, home),
            sign_in(1, estate.midnight(day) + 9 * HOUR, [81, 2, 69, 142]),
        ]
    });
    let baseline = Logs { calls: usual.collect(), ..Logs::default() };
    let at = estate.midnight(14) + 8 * HOUR;
    let events = Logs { calls: vec![sign_in(0, at, home), sign_in(0, at + 2 * HOUR, abroad)], ..Logs::default() };
    Folder { name: "a-login-from-far-away", estate, baseline, events }
}

/// Ana's password is guessed from a network that nobody uses. Ben mistypes his at a hotel, as people do.
fn guessed_login() -> Folder {
    let estate = stage(600, 0, &["ana", "ben"]);
    let sign_in = |principal: usize, second: i64, address: [u8; 4], error: &'static str| Call {
        address,
        error,
        agent: BROWSER.to_owned(),
        ..call(principal, second, "signin:ConsoleLogin")
    };
    let usual = (0..14).flat_map(|day| {
        [
            sign_in(0, estate.midnight(day) + 8 * HOUR, OFFICE, ""),
            sign_in(1, estate.midnight(day) + 9 * HOUR, OFFICE, ""),
        ]
    });
    let baseline = Logs { calls: usual.collect(), ..Logs::default() };
    const FAILED: &str = "Failed authentication";
    let (guesser, hotel) = ([203, 0, 113, 77], [198, 51, 100, 30]);
    let (night, evening) = (estate.midnight(14) + 3 * HOUR, estate.midnight(14) + 20 * HOUR);
    let mut calls: Vec<Call> = (0..9).map(|at| sign_in(0, night + at * 70, guesser, FAILED)).collect();
    calls.push(sign_in(0, night + 700, guesser, ""));
    calls.extend((0..2).map(|at| sign_in(1, evening + at * 30, hotel, FAILED)));
    calls.push(sign_in(1, evening + 90, hotel, ""));
    Folder { name: "a-password-is-guessed", estate, baseline, events: Logs { calls, ..Logs::default() } }
}

fn token() -> Folder {
    let mut estate = stage(600, 0, &["deploy", "reports"]);
    for principal in &mut estate.principals {
        principal.session = "session".to_owned();
        principal.id = principal.id.replace("AIDA", "AROA");
    }
    let usual = ["ec2:DescribeInstances", "logs:DescribeLogGroups", "monitoring:GetMetricData"];
    let baseline = Logs { calls: usual_calls(&estate, 10, &usual), ..Logs::default() };
    let at = estate.midnight(10) + 10 * HOUR;
    let mut calls = Vec::new();
    for turn in 0..6 {
        calls.push(call(0, at + turn * 200, usual[turn as usize % 3]));
        let stolen = call(0, at + turn * 200 + 90, usual[(turn as usize + 1) % 3]);
        calls.push(Call { address: [203, 0, 113, 90], ..stolen });
    }
    let events = Logs { calls, ..Logs::default() };
    Folder { name: "a-token-in-two-places", estate, baseline, events }
}

/// The calls of a pipeline, four an hour, on these days.
fn steady_calls(estate: &Estate, from: i64, to: i64) -> Vec<Call> {
    let usual = ["ec2:DescribeInstances", "logs:DescribeLogGroups", "monitoring:GetMetricData"];
    let quarters = (from * 96..to * 96).map(|quarter| {
        let second = estate.midnight(0) + quarter * 900 + quarter * 131 % 800;
        call(0, second, usual[(quarter % 3) as usize])
    });
    quarters.collect()
}

/// Flow logs of ten hosts that end with a call that deletes them, while calls go on.
fn silence() -> Folder {
    let estate = stage(600, 10, &["pipeline", "mallory"]);
    let (judged, stop) = (estate.midnight(9), estate.midnight(9) + 10 * HOUR);
    let (older, newer): (Vec<Connection>, Vec<Connection>) =
        usual_traffic(&estate, 10).into_iter().partition(|connection| connection.second < judged);
    let newer = newer.into_iter().filter(|connection| connection.second < stop).collect();
    let mut calls = steady_calls(&estate, 9, 10);
    calls.push(call(1, stop, "ec2:DeleteFlowLogs"));
    calls.sort_by_key(|call| call.second);
    let baseline = Logs { calls: steady_calls(&estate, 0, 9), connections: older };
    Folder { name: "a-log-falls-silent", baseline, events: Logs { calls, connections: newer }, estate }
}

/// Ten hosts that work by day and on working days only, and whose logs end before those of the calls.
fn rest() -> Folder {
    let estate = stage(600, 10, &["pipeline"]);
    let begin = estate.midnight(0);
    let at_work = |connection: &Connection| {
        let (day, hour) = (connection.second / DAY, connection.second % DAY / HOUR);
        // 1970 began on a Thursday; the fifteenth day is a holiday.
        (day + 3) % 7 < 5 && (8..18).contains(&hour) && (connection.second - begin) / DAY != 14
    };
    let work = usual_traffic(&estate, 17).into_iter().filter(at_work);
    let (older, newer) = work.partition(|connection| connection.second < estate.midnight(10));
    let baseline = Logs { calls: steady_calls(&estate, 0, 10), connections: older };
    let events = Logs { calls: steady_calls(&estate, 10, 17), connections: newer };
    Folder { name: "logs-that-rest", estate, baseline, events }
}

/// An administrator does in two weeks what attackers do too, from the usual desk with the usual programs.
fn fortnight() -> Folder {
    const CHORES: [&str; 18] = [
        "iam:CreateUser",
        "iam:ListUsers",
        "iam:CreateRole",
        "iam:AttachRolePolicy",
        "iam:CreateAccessKey",
        "iam:UpdateAccessKey",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DescribeSecurityGroups",
        "iam:PutRolePolicy",
        "iam:ListRoles",
        "secretsmanager:GetSecretValue",
        "ec2:CreateSnapshot",
        "iam:UpdateAssumeRolePolicy",
        "iam:GetRole",
        "lambda:UpdateFunctionCode20150331v2",
        "ssm:SendCommand",
        "kms:CreateGrant",
        "iam:CreatePolicyVersion",
    ];
    let estate = stage(600, 0, &["ana", "ben", "cleo"]);
    let usual = ["ec2:DescribeInstances", "logs:DescribeLogGroups", "monitoring:GetMetricData", "s3:ListBuckets"];
    let chores = |from: i64, to: i64| {
        (from..to).flat_map(move |day| (0..8).map(move |hour| (day, hour))).map(|(day, hour)| {
            let chore = CHORES[((day * 5 + hour * 7) % 18) as usize];
            call(0, estate.midnight(day) + (9 + hour) * HOUR + day * 61 % 900, chore)
        })
    };
    let mut calls = usual_calls(&estate, 14, &usual);
    calls.extend(chores(0, 14));
    let baseline = Logs { calls, ..Logs::default() };
    let events = Logs { calls: chores(14, 28).collect(), ..Logs::default() };
    Folder { name: "an-administrators-fortnight", estate: stage(600, 0, &["ana", "ben", "cleo"]), baseline, events }
}
