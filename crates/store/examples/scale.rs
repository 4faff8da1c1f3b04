//! What the store costs at scale: fills one with findings, then asks it what ListFindings and GetFindings would.
//!
//! `cargo run --release -p watchfire-store --example scale -- [FINDINGS [FOLDER | URL | postgresql]]`, 1,000,000 by default,
//! in a temporary folder; with `postgresql`, in a PostgreSQL server that it starts from the programs on this machine, with
//! its settings as they come, and that flushes to disk. Writing is set against a floor measured in the same run: the same JSON into a plain SQLite table with the same
//! durability and batches, no index. See docs/benchmarks.md.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used, reason = "a measurement")]

#[path = "../tests/shared/postgres.rs"]
mod postgres;

use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use watchfire_export::FindingCriteria;
use watchfire_model::Time;
use watchfire_store::{FindingWrite, Grouping, Location, PostgresUrl, Scope, Sort, Store};

const BATCH: u64 = 500;
const WRITERS: u64 = 4;
/// Questions of each kind.
const QUESTIONS: u64 = 300;

const COUNTRIES: [&str; 4] = ["Netherlands", "Germany", "France", "Brazil"];

const TYPES: [(&str, f64, bool); 12] = [
    ("Recon:EC2/PortProbeUnprotectedPort", 2.0, false),
    ("UnauthorizedAccess:EC2/SSHBruteForce", 2.0, false),
    ("UnauthorizedAccess:EC2/RDPBruteForce", 2.0, false),
    ("CryptoCurrency:EC2/BitcoinTool.B!DNS", 8.0, false),
    ("Backdoor:EC2/C&CActivity.B", 8.0, false),
    ("Trojan:EC2/DNSDataExfiltration", 8.0, false),
    ("UnauthorizedAccess:IAMUser/TorIPCaller", 5.0, true),
    ("Recon:IAMUser/MaliciousIPCaller", 5.0, true),
    ("Discovery:IAMUser/AnomalousBehavior", 2.0, true),
    ("Persistence:IAMUser/AnomalousBehavior", 5.0, true),
    ("Stealth:IAMUser/CloudTrailLoggingDisabled", 2.0, true),
    ("PenTest:IAMUser/KaliLinux", 5.0, true),
];

/// A sequence of numbers that is the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The n-th of all findings: its type (the first are common, the last are rare), its instance or key, its address.
fn finding(at: u64) -> Value {
    let mut numbers = Numbers(at);
    // Each type half as frequent as the one before it, down to one in four thousand.
    let kind = (numbers.below(4_096) + 1).leading_zeros().saturating_sub(51) as usize % TYPES.len();
    let (finding_type, severity, about_key) = TYPES[kind];
    let (instance, user, address) = (numbers.below(20_000), numbers.below(5_000), numbers.below(50_000));
    let address = format!("198.{}.{}.{}", 18 + address / 65_536, address / 256 % 256, address % 256);
    let remote = json!({"ipAddressV4": address, "city": {"cityName": "Amsterdam"},
        "country": {"countryName": COUNTRIES[numbers.below(4) as usize]},
        "geoLocation": {"lat": 52.37, "lon": 4.89},
        "organization": {"asn": numbers.below(500).to_string(), "asnOrg": "Example Hosting", "isp": "Example", "org": "x"}});
    let time = Time::from_seconds(1_760_000_000 + at as i64 * 5).to_string();
    let resource = if about_key {
        json!({"resourceType": "AccessKey", "accessKeyDetails": {"accessKeyId": format!("AKIA{user:016}"),
            "principalId": format!("AIDA{user:016}"), "userName": format!("user-{user}"), "userType": "IAMUser"}})
    } else {
        json!({"resourceType": "Instance", "instanceDetails": {"instanceId": format!("i-{instance:017x}"),
            "instanceType": "m5.large", "imageId": "ami-0123456789abcdef0", "availabilityZone": "eu-west-1a",
            "iamInstanceProfile": {"arn": "arn:aws:iam::111122223333:instance-profile/web", "id": "AIPA000000000WEB"},
            "networkInterfaces": [{"networkInterfaceId": format!("eni-{instance:017x}"), "subnetId": "subnet-1",
                "vpcId": "vpc-1", "privateIpAddress": format!("10.0.{}.{}", instance / 256, instance % 256),
                "privateIpAddresses": [{"privateIpAddress": format!("10.0.{}.{}", instance / 256, instance % 256)}],
                "publicIp": format!("203.0.{}.{}", instance / 256, instance % 256),
                "securityGroups": [{"groupId": "sg-1", "groupName": "web"}]}],
            "tags": [{"key": "Name", "value": format!("web-{instance}")}]}})
    };
    let action = if about_key {
        json!({"actionType": "AWS_API_CALL", "awsApiCallAction": {"api": "ListBuckets", "serviceName": "s3.amazonaws.com",
            "callerType": "Remote IP", "remoteIpDetails": remote}})
    } else {
        json!({"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {"connectionDirection": "INBOUND",
            "protocol": "TCP", "blocked": false, "localPortDetails": {"port": 22, "portName": "SSH"},
            "remotePortDetails": {"port": 40_000 + numbers.below(20_000)}, "remoteIpDetails": remote}})
    };
    let raw = "{\"eventVersion\":\"1.08\"".repeat(60);
    json!({
        "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "partition": "aws",
        "id": format!("{:016x}{at:016x}", Numbers(at ^ 0xABCD).below(u64::MAX)), "type": finding_type,
        "severity": severity, "title": "A title of some length about what was seen of this resource.",
        "description": "A description of the length that descriptions have, with the names and numbers of the issue.",
        "createdAt": time, "updatedAt": time, "resource": resource,
        "service": {"serviceName": "guardduty", "archived": at.is_multiple_of(10), "count": 1, "resourceRole": "TARGET",
            "eventFirstSeen": time, "eventLastSeen": time, "action": action},
        "watchfire": {"evidence": [{"raw": raw}]},
    })
}

fn scope() -> Scope {
    Scope { account: "111122223333".into(), region: "eu-west-1".into(), detector: "d".repeat(32) }
}

/// Findings a second into a plain table.
fn floor(folder: &Path, count: u64) -> f64 {
    let connection = Connection::open(folder.join("floor.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute("CREATE TABLE floor (no INTEGER PRIMARY KEY, body TEXT)", []).unwrap();
    let bodies: Vec<String> = (0..count).map(|at| finding(at).to_string()).collect();
    let begin = Instant::now();
    for batch in bodies.chunks(BATCH as usize) {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut insert = connection.prepare_cached("INSERT INTO floor (body) VALUES ($1)").unwrap();
        for body in batch {
            insert.execute([body]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    count as f64 / begin.elapsed().as_secs_f64()
}

/// Writes the findings from..to, and answers how many a second. Making their JSON is not counted.
async fn fill(store: &Store, from: u64, to: u64) -> f64 {
    let (mut written, mut busy, mut at) = (0, Duration::ZERO, from);
    while at < to {
        let batches: Vec<Vec<FindingWrite>> = (0..WRITERS * 4)
            .map(|batch| (at + batch * BATCH)..(at + (batch + 1) * BATCH).min(to))
            .map(|range| range.map(|at| FindingWrite { body: finding(at), suppressed_by: None }).collect())
            .collect();
        written += batches.iter().map(|batch: &Vec<_>| batch.len()).sum::<usize>();
        at += WRITERS * 4 * BATCH;
        let begin = Instant::now();
        let mut lanes: Vec<Vec<Vec<FindingWrite>>> = (0..WRITERS).map(|_| Vec::new()).collect();
        for (at, batch) in batches.into_iter().enumerate() {
            lanes[at % WRITERS as usize].push(batch);
        }
        let tasks: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                let store = store.clone();
                tokio::spawn(async move {
                    for batch in lane {
                        store.put_findings(&scope(), batch).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        busy += begin.elapsed();
    }
    written as f64 / busy.as_secs_f64()
}

struct Times(Vec<Duration>);

impl Times {
    fn say(mut self, what: &str) {
        self.0.sort();
        let at = |part: f64| self.0[((self.0.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        println!("{what:<72} p50 {:>8.2}  p99 {:>8.2}  max {:>8.2} ms", at(0.5), at(0.99), at(1.0));
    }
}

async fn ask(store: &Store, what: &str, questions: u64, criterion: impl Fn(&mut Numbers) -> Value, sort: &Sort) {
    let mut numbers = Numbers(7);
    let mut times = Vec::new();
    for _ in 0..questions {
        let criteria = FindingCriteria::parse("", &json!({"criterion": criterion(&mut numbers)})).unwrap();
        let begin = Instant::now();
        store.list_findings(&[scope()], &criteria, sort, None, 50).await.unwrap();
        times.push(begin.elapsed());
    }
    Times(times).say(what);
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let place = arguments.next().unwrap_or_else(|| temporary.path().display().to_string());
    let server = (place == "postgresql").then(|| postgres::Server::begin(postgres::Purpose::Measure).unwrap());
    let place = server.as_ref().map_or(place, postgres::Server::schema);
    let location = match PostgresUrl::parse(&place) {
        Ok(url) => Location::Postgres(url),
        Err(_) => Location::Directory(place.clone().into()),
    };
    let floor = floor(temporary.path(), count.min(50_000));
    std::fs::remove_file(temporary.path().join("floor.db")).unwrap();
    let store = Store::open(&location).unwrap();
    let early = fill(&store, 0, count.min(50_000)).await;
    fill(&store, 50_000, count.saturating_sub(50_000)).await;
    let late = fill(&store, count.saturating_sub(50_000).max(50_000), count).await;
    let size = match &server {
        Some(server) => server.sql(&place, "SELECT pg_database_size(current_database())").parse().unwrap(),
        None => std::fs::metadata(Path::new(&place).join("watchfire.db")).map_or(0, |data| data.len()),
    };
    if let Some(server) = &server {
        server.sql(&place, "VACUUM ANALYZE"); // As autovacuum does a minute later.
    }
    println!("plain inserts (the floor)   {floor:>8.0}/s");
    println!("new findings, empty store   {early:>8.0}/s, {:.2} of the floor", early / floor);
    println!("new findings, full store    {late:>8.0}/s, {:.2} of the floor", late / floor);
    println!("{count} findings, {} MB", size / 1_000_000);

    let newest = Sort::default();
    let severe = Sort { attribute: "severity".into(), descending: true };
    let kind = |numbers: &mut Numbers| json!({"eq": [TYPES[numbers.below(12) as usize].0]});
    ask(&store, "all, newest first", QUESTIONS, |_| json!({}), &newest).await;
    ask(&store, "one type, common or rare", QUESTIONS, |numbers| json!({"type": kind(numbers)}), &newest).await;
    ask(&store, "one type, by severity", QUESTIONS, |numbers| json!({"type": kind(numbers)}), &severe).await;
    let severity = |numbers: &mut Numbers| {
        let least = [2, 4, 7][numbers.below(3) as usize];
        json!({"severity": {"gte": least}})
    };
    ask(&store, "severity at least, newest first", QUESTIONS, severity, &newest).await;
    ask(&store, "severity at least, by severity", QUESTIONS, severity, &severe).await;
    let resource = |numbers: &mut Numbers| {
        let kind = ["AccessKey", "Instance"][numbers.below(2) as usize];
        json!({"resource.resourceType": {"eq": [kind]}})
    };
    ask(&store, "resource type, newest first", QUESTIONS, resource, &newest).await;
    let archived = |numbers: &mut Numbers| {
        let archived = ["true", "false"][numbers.below(2) as usize];
        json!({"service.archived": {"eq": [archived]}})
    };
    ask(&store, "archived or not, newest first", QUESTIONS, archived, &newest).await;
    let instance = |numbers: &mut Numbers| json!({"resource.instanceDetails.instanceId": {"eq": [format!("i-{:017x}", numbers.below(20_000))]}});
    ask(&store, "one instance, newest first", QUESTIONS, instance, &newest).await;
    ask(&store, "one instance, by severity", QUESTIONS, instance, &severe).await;
    let key = |numbers: &mut Numbers| json!({"resource.accessKeyDetails.accessKeyId": {"eq": [format!("AKIA{:016}", numbers.below(5_000))]}});
    ask(&store, "one access key, newest first", QUESTIONS, key, &newest).await;
    let address = |numbers: &mut Numbers| {
        let address = numbers.below(50_000);
        let address = format!("198.18.{}.{}", address / 256, address % 256);
        json!({"service.action.networkConnectionAction.remoteIpDetails.ipAddressV4": {"eq": [address]}})
    };
    ask(&store, "one address, newest first", QUESTIONS, address, &newest).await;
    let five = |numbers: &mut Numbers| {
        json!({"type": kind(numbers), "severity": {"gte": 2}, "service.archived": {"eq": ["false"]},
            "resource.resourceType": {"eq": ["Instance", "AccessKey"]}, "accountId": {"eq": ["111122223333"]}})
    };
    ask(&store, "five criteria, by severity", QUESTIONS, five, &severe).await;
    let country = |numbers: &mut Numbers| {
        let country = COUNTRIES[numbers.below(4) as usize];
        json!({"service.action.awsApiCallAction.remoteIpDetails.country.countryName": {"eq": [country]}})
    };
    ask(&store, "one country, newest first", QUESTIONS, country, &newest).await;

    // The worst: every finding is looked at.
    let nowhere = |_: &mut Numbers| json!({"service.action.awsApiCallAction.remoteIpDetails.country.countryName": {"eq": ["Nowhere"]}});
    ask(&store, "worst: a value without needle that no finding has", 3, nowhere, &newest).await;
    let asn =
        Sort { attribute: "service.action.networkConnectionAction.remotePortDetails.port".into(), descending: false };
    ask(&store, "worst: sorted by an attribute without index", 3, |_| json!({}), &asn).await;

    let mut times = Vec::new();
    let mut numbers = Numbers(9);
    for _ in 0..QUESTIONS {
        let ids: Vec<String> = (0..50)
            .map(|_| numbers.below(count))
            .map(|at| format!("{:016x}{at:016x}", Numbers(at ^ 0xABCD).below(u64::MAX)))
            .collect();
        let begin = Instant::now();
        assert_eq!(store.findings(&[scope()], &ids).await.unwrap().len(), 50);
        times.push(begin.elapsed());
    }
    Times(times).say("GetFindings of 50");
    for (what, grouping) in [
        ("severity", Grouping::Severity),
        ("type", Grouping::FindingType),
        ("date", Grouping::Date),
        ("account", Grouping::Account),
        ("resource", Grouping::Resource),
    ] {
        let mut times = Vec::new();
        for _ in 0..3 {
            let begin = Instant::now();
            store.statistics(&[scope()], &FindingCriteria::default(), grouping, false, 100).await.unwrap();
            times.push(begin.elapsed());
        }
        Times(times).say(&format!("statistics of all by {what}"));
        let open = FindingCriteria::parse("", &json!({"criterion": {"service.archived": {"eq": ["false"]}}})).unwrap();
        let mut times = Vec::new();
        for _ in 0..3 {
            let begin = Instant::now();
            store.statistics(&[scope()], &open, grouping, false, 100).await.unwrap();
            times.push(begin.elapsed());
        }
        Times(times).say(&format!("statistics of those not archived by {what}"));
    }
}
