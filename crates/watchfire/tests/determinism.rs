//! The same records give the same findings: whatever the threads, the order of arguments, the names, cuts and
//! compression of files, and however often they are given.
//!
//! With `WATCHFIRE_TEST_DATA` set to a folder, the logs below it are compared too.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

mod support;

use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use support::recut::{self, Dice, LogFile, Packing};
use support::{json, knowledge, placeless, repository, scan_paths, scenarios};
use watchfire_knowledge::Knowledge;

/// Some logs, what is known when they are read, and a name for messages.
struct Corpus {
    name: String,
    paths: Vec<PathBuf>,
    knowledge: Knowledge,
}

fn corpora() -> Vec<Corpus> {
    let mut corpora: Vec<Corpus> = scenarios()
        .into_iter()
        .filter(|scenario| scenario.join("events").is_dir())
        .map(|scenario| Corpus {
            name: scenario.file_name().unwrap().to_string_lossy().into_owned(),
            paths: vec![scenario.join("events")],
            knowledge: knowledge(Some(&scenario)),
        })
        .collect();
    let services = ["CloudTrail", "vpcflowlogs", "vpcdnsquerylogs"];
    let sample = repository().join("samples/AWSLogs/111122223333");
    corpora.push(Corpus {
        name: "the sample".to_owned(),
        paths: services.iter().map(|service| sample.join(service)).collect(),
        knowledge: knowledge(None),
    });
    if let Some(folder) = std::env::var_os("WATCHFIRE_TEST_DATA") {
        corpora.push(Corpus {
            name: folder.to_string_lossy().into_owned(),
            paths: vec![folder.into()],
            knowledge: knowledge(None),
        });
    }
    corpora
}

#[test]
fn threads_and_the_order_of_arguments_change_no_byte() {
    for corpus in corpora() {
        let once = json(&scan_paths(&corpus.paths, &corpus.knowledge, 1).findings);
        for threads in [2, 7] {
            assert_eq!(json(&scan_paths(&corpus.paths, &corpus.knowledge, threads).findings), once, "{}", corpus.name);
        }
        let reversed: Vec<PathBuf> = corpus.paths.iter().rev().cloned().collect();
        assert_eq!(json(&scan_paths(&reversed, &corpus.knowledge, 2).findings), once, "{}", corpus.name);
    }
}

#[test]
fn names_cuts_and_compression_change_no_finding() {
    for corpus in corpora() {
        let once = placeless(&scan_paths(&corpus.paths, &corpus.knowledge, 1).findings);
        let files = recut::load(&corpus.paths).unwrap();
        let check = |what: &str, files: &[LogFile], packings: &[Packing], seed: u64| {
            let folder = tempfile::tempdir().unwrap();
            let paths = recut::write(files, folder.path(), packings, &mut Dice::new(seed)).unwrap();
            let outcome = scan_paths(&paths, &corpus.knowledge, 3);
            assert_eq!(placeless(&outcome.findings), once, "{}: {what}", corpus.name);
        };
        for packing in Packing::ALL {
            check(&format!("other names, {packing:?}"), &files, &[packing], packing as u64);
        }
        for (seed, parts) in [(1, 1), (2, 2), (3, 9)] {
            let dealt = recut::deal(&files, parts, false, &mut Dice::new(seed));
            check(&format!("dealt into {parts}"), &dealt, &Packing::ALL, seed);
        }
    }
}

#[test]
fn what_is_given_twice_counts_once() {
    for corpus in corpora() {
        let once = scan_paths(&corpus.paths, &corpus.knowledge, 1);
        let files = recut::load(&corpus.paths).unwrap();
        let scan = |files: &[LogFile]| {
            let folder = tempfile::tempdir().unwrap();
            let paths = recut::write(files, folder.path(), &Packing::ALL, &mut Dice::new(4)).unwrap();
            let outcome = scan_paths(&paths, &corpus.knowledge, 2);
            assert_eq!(placeless(&outcome.findings), placeless(&once.findings), "{}", corpus.name);
            outcome
        };
        let doubled = scan(&[files.clone(), files.clone()].concat());
        assert_eq!(doubled.files.iter().filter(|file| file.is_repeated).count(), files.len(), "{}", corpus.name);
        let repeated = scan(&recut::deal(&files, 4, true, &mut Dice::new(5)));
        let has_events = once.management_events + once.s3_data_events > 0;
        assert!(!has_events || repeated.replay.duplicates > once.replay.duplicates, "{}", corpus.name);
    }
}

static KNOWLEDGE: LazyLock<Knowledge> =
    LazyLock::new(|| knowledge(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/determinism"))));

/// One record that a rule looks at, or one that none does.
#[derive(Clone, Debug)]
enum Event {
    /// An API call: which template, at which second of two hours, by whom, with which id.
    Call { template: usize, second: u32, user: u8, id: u64 },
    /// A call with the credentials of an instance's role: at which second, from which address; delivered to a second
    /// account as well, as events about resources of another account are, or without any id, as no real one is.
    Session { second: u32, address: usize, id: u64, copy: Copies },
    /// A conversation: which remote, at which second, on which client port, opened by us.
    Flow { remote: usize, second: u32, port: u16, is_outgoing: bool, flags: u8, is_answered: bool },
    /// A query: for which name, at which second, by which instance.
    Query { name: usize, second: u32, instance: u8 },
}

/// In how many accounts' logs an event stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Copies {
    One,
    Two,
    /// One, and nothing says which event it is.
    Nameless,
}

/// (service, API, request, address, agent)
const CALLS: [(&str, &str, &str, &str, &str); 9] = [
    ("cloudtrail", "StopLogging", r#"{"name":"main"}"#, "198.51.100.20", "aws-cli/2.27.50"),
    ("ec2", "DescribeInstances", "null", "203.0.113.57", "aws-cli/2.27.50"),
    ("iam", "CreateUser", r#"{"userName":"backup2"}"#, "203.0.113.57", "aws-cli/2.27.50 md/distrib#kali.2025"),
    ("s3", "PutBucketLogging", r#"{"bucketName":"b","BucketLoggingStatus":{}}"#, "198.51.100.20", "console"),
    ("s3", "DeleteBucketPublicAccessBlock", r#"{"bucketName":"b"}"#, "198.51.100.20", "console"),
    (
        "s3",
        "PutBucketPublicAccessBlock",
        r#"{"bucketName":"b","PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}}"#,
        "198.51.100.20",
        "console",
    ),
    (
        "iam",
        "UpdateAccountPasswordPolicy",
        r#"{"minimumPasswordLength":10,"requireSymbols":true,"requireNumbers":true,"requireUppercaseCharacters":true}"#,
        "198.51.100.20",
        "console",
    ),
    (
        "iam",
        "UpdateAccountPasswordPolicy",
        r#"{"minimumPasswordLength":7,"requireNumbers":true}"#,
        "198.51.100.20",
        "console",
    ),
    (
        "sts",
        "AssumeRole",
        r#"{"roleArn":"arn:aws:iam::111122223333:role/Deploy","roleSessionName":"s"}"#,
        "203.0.113.57",
        "aws-cli/2.27.50",
    ),
];
const REMOTES: [&str; 9] = [
    "203.0.113.7",
    "203.0.113.17",
    "203.0.113.101",
    "203.0.113.102",
    "203.0.113.103",
    "203.0.113.104",
    "203.0.113.105",
    "192.0.2.40",
    "198.51.100.90",
];
/// Three of AWS, one elsewhere.
const ADDRESSES: [&str; 4] = ["52.42.146.205", "52.42.146.206", "3.80.0.10", "203.0.113.57"];
const NAMES: [&str; 4] =
    ["c2.guarddutyc2activityb.com.", "guarddutyphishingactivity.com.", "www.example.com.", "rebind.example.org."];
const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                      action log-status instance-id tcp-flags flow-direction";
/// 2026-03-10T08:00:00Z.
const BEGIN: u32 = 1_773_129_600;

fn event() -> impl Strategy<Value = Event> {
    let second = 0..7_200u32;
    prop_oneof![
        (0..CALLS.len(), second.clone(), 0..3u8, any::<u64>()).prop_map(|(template, second, user, id)| Event::Call {
            template,
            second,
            user,
            id
        }),
        (
            second.clone(),
            0..ADDRESSES.len(),
            any::<u64>(),
            prop_oneof![Just(Copies::One), Just(Copies::Two), Just(Copies::Nameless)]
        )
            .prop_map(|(second, address, id, copy)| Event::Session {
                second: second / 600 * 600,
                address,
                id: id % 8,
                copy
            }),
        (0..REMOTES.len(), second.clone(), 40_000..40_004u16, any::<bool>(), 0..4u8, any::<bool>()).prop_map(
            |(remote, second, port, is_outgoing, flags, is_answered)| Event::Flow {
                remote,
                second,
                port,
                is_outgoing,
                flags,
                is_answered
            }
        ),
        (0..NAMES.len(), second, 0..2u8).prop_map(|(name, second, instance)| Event::Query { name, second, instance }),
    ]
}

fn clock(second: u32) -> String {
    format!("2026-03-10T{:02}:{:02}:{:02}Z", 8 + second / 3_600, second / 60 % 60, second % 60)
}

fn call_text(template: usize, second: u32, user: u8, id: u64) -> String {
    let (service, api, request, address, agent) = CALLS[template];
    let mut text = String::new();
    write!(
        text,
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE{user}","arn":"arn:aws:iam::111122223333:user/u{user}","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE{user}","userName":"u{user}"}},"eventTime":"{}","eventSource":"{service}.amazonaws.com","eventName":"{api}","awsRegion":"us-east-1","sourceIPAddress":"{address}","userAgent":"{agent}","requestParameters":{request},"responseElements":null,"eventID":"{:08x}-0000-4000-8000-{:012x}","eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#,
        clock(second),
        id >> 32,
        id & 0xffff_ffff
    )
    .unwrap();
    text
}

fn session_texts(second: u32, address: usize, id: u64, copy: Copies) -> Vec<String> {
    // One id is never given to two events: it stands for all that is said of this one.
    let unique = u64::from(second) * 1_000 + address as u64 * 10 + id;
    let address = ADDRESSES[address];
    let event = |recipient: &str, number: u64, request: &str| {
        let identity = match copy {
            Copies::One => format!(r#""eventID":"{number:08x}-1111-4000-8000-{unique:012x}","#),
            Copies::Two => format!(
                r#""eventID":"{number:08x}-2222-4000-8000-{unique:012x}","sharedEventID":"33333333-3333-4000-8000-{unique:012x}","#
            ),
            Copies::Nameless => String::new(),
        };
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:i-0c000000000000001","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0c000000000000001","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/web","accountId":"111122223333","userName":"web"}}}}}},"eventTime":"{}","eventSource":"s3.amazonaws.com","eventName":"ListObjects","awsRegion":"us-east-1","sourceIPAddress":"{address}","userAgent":"x","requestParameters":{request},"responseElements":null,{identity}"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"{recipient}","eventCategory":"Data"}}"#,
            clock(second)
        )
    };
    let own = event("111122223333", 1, r#"{"bucketName":"theirs"}"#);
    match copy {
        Copies::One => vec![own],
        Copies::Two => vec![own, event("444455556666", 2, r#"{"bucketName":"theirs","more":"detail"}"#)],
        Copies::Nameless => vec![event("111122223333", 1, &format!(r#"{{"bucketName":"b{id}"}}"#))],
    }
}

fn flow_texts(remote: usize, second: u32, port: u16, is_outgoing: bool, flags: u8, is_answered: bool) -> Vec<String> {
    let (remote, local) = (REMOTES[remote], "10.0.1.10");
    let (begin, end) = (BEGIN + second, BEGIN + second + 60);
    let (ours, theirs) = if is_outgoing { (port, 9001) } else { (9200, port) };
    let (first, answer) = [(2, 18), (3, 19), (16, 16), (2, 4)][usize::from(flags)];
    let (our_flags, their_flags) = if is_outgoing { (first, answer) } else { (answer, first) };
    let record = |source: &str, target: &str, from: u16, to: u16, flags: i32, way: &str| {
        let bytes = if flags == 4 { 400 } else { 2_000 };
        format!(
            "5 111122223333 eni-0a000000000000001 {source} {target} {from} {to} 6 10 {bytes} {begin} {end} ACCEPT OK \
             i-0c000000000000001 {flags} {way}"
        )
    };
    let out = record(local, remote, ours, theirs, our_flags, "egress");
    let into = record(remote, local, theirs, ours, their_flags, "ingress");
    let opening = if is_outgoing { out.clone() } else { into.clone() };
    if is_answered { vec![out, into] } else { vec![opening] }
}

fn query_text(name: usize, second: u32, instance: u8) -> String {
    let name = NAMES[name];
    let answer = if name.starts_with("rebind") { "169.254.169.254" } else { "198.51.100.90" };
    format!(
        r#"{{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-0a1b2c3d4e5f60718","query_timestamp":"{}","query_name":"{name}","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{{"Rdata":"{answer}","Type":"A","Class":"IN"}}],"srcaddr":"10.0.1.1{instance}","srcport":"40000","transport":"UDP","srcids":{{"instance":"i-0c00000000000000{instance}"}}}}"#,
        clock(second)
    )
}

/// The events as a day's logs would have them: one file for each source.
fn logs(events: &[Event]) -> Vec<LogFile> {
    let (mut calls, mut flows, mut queries) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        match *event {
            Event::Call { template, second, user, id } => calls.push(call_text(template, second, user, id)),
            Event::Session { second, address, id, copy } => calls.extend(session_texts(second, address, id, copy)),
            Event::Flow { remote, second, port, is_outgoing, flags, is_answered } => {
                flows.extend(flow_texts(remote, second, port, is_outgoing, flags, is_answered));
            }
            Event::Query { name, second, instance } => queries.push(query_text(name, second, instance)),
        }
    }
    flows.sort();
    flows.dedup();
    let file = |service: &str, content: String| LogFile {
        path: format!("AWSLogs/111122223333/{service}/us-east-1/2026/03/10/x").into(),
        content: content.into_bytes(),
    };
    let mut files = Vec::new();
    if !calls.is_empty() {
        files.push(file("CloudTrail", format!("{{\"Records\":[{}]}}", calls.join(","))));
    }
    if !flows.is_empty() {
        files.push(file("vpcflowlogs", format!("{HEADER}\n{}\n", flows.join("\n"))));
    }
    if !queries.is_empty() {
        files.push(file("vpcdnsquerylogs", queries.join("\n") + "\n"));
    }
    files
}

fn findings(files: &[LogFile], packings: &[Packing], threads: usize, dice: &mut Dice) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = recut::write(files, folder.path(), packings, dice).unwrap();
    placeless(&scan_paths(&paths, &KNOWLEDGE, threads).findings)
}

/// The lines that only one of them has.
fn difference(one: &str, other: &str) -> String {
    let only = |these: &str, those: &str, sign: char| -> String {
        let those: std::collections::BTreeSet<&str> = those.lines().collect();
        these
            .lines()
            .filter(|line| !those.contains(line))
            .fold(String::new(), |text, line| text + &format!("{sign} {line}\n"))
    };
    only(one, other, '-') + &only(other, one, '+')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_cut_gives_the_same_findings(
        events in proptest::collection::vec(event(), 1..60),
        parts in 1..6usize,
        threads in 1..4usize,
        twice in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let files = logs(&events);
        let mut dice = Dice::new(seed);
        let once = findings(&files, &[Packing::Plain], 1, &mut dice);
        let dealt = recut::deal(&files, parts, twice, &mut dice);
        let again = findings(&dealt, &Packing::ALL, threads, &mut dice);
        prop_assert!(again == once, "{}", difference(&once, &again));
    }
}

/// The property above would hold of a program that finds nothing.
#[test]
fn the_events_of_the_property_make_findings_of_many_types() {
    let mut events: Vec<Event> = (0..CALLS.len())
        .map(|template| Event::Call { template, second: 60 + 60 * template as u32, user: 0, id: template as u64 })
        .collect();
    for (second, address) in [(0, 0), (1_200, 1), (1_800, 3)] {
        events.push(Event::Session { second, address, id: second.into(), copy: Copies::Two });
    }
    events.extend((0..NAMES.len()).map(|name| Event::Query { name, second: 30, instance: 0 }));
    for is_outgoing in [false, true] {
        events.extend((0..REMOTES.len()).map(|remote| Event::Flow {
            remote,
            second: 100 + remote as u32,
            port: 40_000,
            is_outgoing,
            flags: 0,
            is_answered: true,
        }));
    }
    let found = findings(&logs(&events), &[Packing::Plain], 1, &mut Dice::new(1));
    for name in [
        "CloudTrailLoggingDisabled",
        "Recon:IAMUser/MaliciousIPCaller",
        "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
        "InstanceCredentialExfiltration.InsideAWS",
        "InstanceCredentialExfiltration.OutsideAWS",
        "PenTest:IAMUser/KaliLinux",
        "ServerAccessLoggingDisabled",
        "BucketBlockPublicAccessDisabled",
        "PasswordPolicyChange",
        "C&CActivity.B\"",
        "C&CActivity.B!DNS",
        "BitcoinTool.B\"",
        "TorClient",
        "TorRelay",
        "PortProbeUnprotectedPort",
        "PhishingDomainRequest",
        "MetadataDNSRebind",
    ] {
        assert!(found.contains(name), "{name}");
    }
}

/// Larger than what is read at once, and more facts than are kept in memory: the pieces and the temporary file leave no
/// trace.
#[test]
fn a_log_that_is_read_in_pieces_gives_what_its_parts_give() {
    let calls: Vec<String> =
        (0..45_000u32).map(|at| call_text(0, at % 7_200, (at % 50) as u8, u64::from(at))).collect();
    let flows: Vec<String> = (0..90_000u32)
        .map(|at| flow_texts(0, at % 7_200, 40_000 + (at % 4_000) as u16, true, 0, false).remove(0))
        .collect();
    let place = |service: &str, content: String| LogFile {
        path: format!("AWSLogs/111122223333/{service}/us-east-1/2026/03/10/x").into(),
        content: content.into_bytes(),
    };
    let padding = " ".repeat(400);
    let large = [
        place("CloudTrail", format!("{{\"Records\":[{}]}}", calls.join(&format!(",{padding}")))),
        place("vpcflowlogs", format!("{HEADER}\n{}\n", flows.join("\n"))),
    ];
    assert!(large[0].content.len() > 33 << 20, "more than Limits::whole_bytes");
    let mut dice = Dice::new(6);
    let once = findings(&large, &[Packing::Plain], 1, &mut dice);
    assert!(once.contains("\"count\": 900") && once.contains("C&CActivity.B"));
    let again = findings(&recut::deal(&large, 5, false, &mut dice), &Packing::ALL, 3, &mut dice);
    assert!(again == once, "{}", difference(&once, &again));
    let doubled = findings(&[large.clone(), large].concat(), &Packing::ALL, 2, &mut dice);
    assert!(doubled == once, "{}", difference(&once, &doubled));
}
