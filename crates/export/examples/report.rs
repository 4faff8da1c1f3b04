//! `cargo run -p watchfire-export --example report -- COUNT FILE`: the report of a made-up incident with that many
//! findings, to look at and to photograph. The same count gives the same file.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use watchfire_export::{Gap, NotEvaluated, ScanAccount, Span, write_html};
use watchfire_model::{
    AccessKey, Action, ApiCallAction, Bucket, ConnectionDirection, DnsRequestAction, Evidence, EvidenceRecord, Finding,
    FindingType, Instance, KnowledgeUsed, NetworkConnectionAction, NetworkInterface, Remote, Resource, ResourceKind,
    ResourceRole, Severity, Signal, Time,
};

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "us-west-2", "ap-southeast-2"];
const USERS: [&str; 7] = ["alice", "build-agent", "deploy", "mallory", "backup", "data-export", "it-support"];
/// City, country code, country, latitude, longitude, network.
const PLACES: [(&str, &str, &str, f64, f64, &str); 9] = [
    ("Amsterdam", "NL", "Netherlands", 52.37, 4.9, "Example Hosting"),
    ("Singapore", "SG", "Singapore", 1.35, 103.82, "Example Cloud Asia"),
    ("São Paulo", "BR", "Brazil", -23.55, -46.63, "Exemplo Telecom"),
    ("Ashburn", "US", "United States", 39.04, -77.49, "Example Transit"),
    ("Nairobi", "KE", "Kenya", -1.29, 36.82, "Example Mobile"),
    ("Sydney", "AU", "Australia", -33.87, 151.21, "Example Broadband"),
    ("Warsaw", "PL", "Poland", 52.23, 21.01, "Example Networks"),
    ("Seoul", "KR", "South Korea", 37.57, 126.98, "Example Datacentre"),
    ("", "ZA", "South Africa", -29.0, 25.1, "Example Fixed"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let count: usize = words.next().ok_or("how many findings?")?.parse()?;
    let file = words.next().ok_or("which file?")?;
    let begin = Time::parse_utc("2026-03-02T00:00:00Z").ok_or("no moment")?;
    let mut dice = Dice(7);
    let findings: Vec<Finding> = (0..count).map(|index| finding(index, begin, &mut dice)).collect();
    let mut out = BufWriter::new(File::create(file)?);
    write_html(&findings, &account(begin), &mut out)?;
    Ok(out.flush()?)
}

/// Numbers that look like chance and are always the same (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides.max(1) as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

fn finding(index: usize, begin: Time, dice: &mut Dice) -> Finding {
    let (user, place) = (dice.one_of(&USERS), dice.one_of(&PLACES));
    let bucket = format!("example-{}", dice.one_of(&["reports", "backups", "customer-exports", "www"]));
    let instance = format!("i-0{:016x}", 0x00ab_54c2_9d77_31e0_u64 + dice.below(9) as u64);
    let address = format!("203.0.113.{}", 1 + dice.below(254));
    let mut signal = match if count_is_small(index) { index % 3 } else { dice.below(9) } {
        0 => {
            let mut signal = call_signal(
                "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
                Severity::HIGH,
                "GetSecretValue",
                "secretsmanager.amazonaws.com",
                user,
                &address,
                place,
            );
            signal.title = format!("Credentials of the role {user} were used from outside AWS.");
            signal.description = format!(
                "Credentials that were made for the instance {instance} through its role were used from {address}, \
                 an address outside AWS."
            );
            signal.reasons = vec![
                format!(
                    "The session was named after the instance {instance}, so the credentials come from its \
                     metadata service."
                ),
                format!(
                    "{address} is in none of AWS's published ranges, and not among the estate's own \
                 addresses."
                ),
            ];
            signal.missing = vec![
                "Whether the address belongs to a VPN of yours is not known: no list of trusted addresses was \
                 given."
                    .into(),
            ];
            signal
        }
        1 => {
            let mut signal = signal("CryptoCurrency:EC2/BitcoinTool.B!DNS", Severity::HIGH, &instance);
            signal.action = Action::DnsRequest(DnsRequestAction {
                domain: "pool.mining.example".into(),
                domain_with_suffix: "mining.example".into(),
                protocol: "UDP".into(),
                ..DnsRequestAction::default()
            });
            signal.title = format!("The instance {instance} looked up a name of a mining pool.");
            signal.description = format!(
                "The instance {instance} asked for pool.mining.example, a name that is listed as a pool for mining \
                 crypto-currency."
            );
            signal.reasons =
                vec!["pool.mining.example is an entry of the list `mining pools`, version 2026-03-01.".into()];
            signal
        }
        2 => {
            let mut signal = call_signal(
                "Stealth:IAMUser/CloudTrailLoggingDisabled",
                Severity::LOW,
                "StopLogging",
                "cloudtrail.amazonaws.com",
                user,
                &address,
                place,
            );
            signal.title = "The trail organisation-audit was switched off.".into();
            signal.description = format!(
                "The user {user} stopped the trail organisation-audit. What follows in this account and region may \
                 not be in any log."
            );
            signal.reasons = vec!["StopLogging succeeded for the trail organisation-audit.".into()];
            signal
        }
        3 | 4 => {
            let mut signal = call_signal(
                "UnauthorizedAccess:IAMUser/TorIPCaller",
                Severity::MEDIUM,
                "ListBuckets",
                "s3.amazonaws.com",
                user,
                &address,
                place,
            );
            signal.title = "The API ListBuckets was called from a Tor exit node.".into();
            signal.description = format!("The user {user} called ListBuckets from {address}, a Tor exit node.");
            signal.reasons = vec![format!("{address} is an entry of the list `Tor exits`, version 2026-03-01.")];
            signal
        }
        5 => {
            let mut signal = call_signal(
                "Policy:S3/BucketAnonymousAccessGranted",
                Severity::HIGH,
                "PutBucketAcl",
                "s3.amazonaws.com",
                user,
                &address,
                place,
            );
            signal.entity.clone_from(&bucket);
            signal.resource.kind = ResourceKind::S3Bucket;
            signal.resource.buckets = vec![Bucket {
                arn: format!("arn:aws:s3:::{bucket}"),
                name: bucket.clone(),
                role: "Destination".into(),
                ..Bucket::default()
            }];
            signal.title = format!("The bucket {bucket} was opened to everyone.");
            signal.description = format!(
                "The user {user} changed the access control list of {bucket}: everyone on the internet may read it."
            );
            signal
        }
        6 => {
            let mut signal = call_signal(
                "PenTest:IAMUser/KaliLinux",
                Severity::MEDIUM,
                "GetCallerIdentity",
                "sts.amazonaws.com",
                user,
                &address,
                place,
            );
            signal.title = "The API GetCallerIdentity was called from a Kali Linux machine.".into();
            signal
        }
        7 => {
            let mut signal = connection_signal(
                "UnauthorizedAccess:EC2/TorRelay",
                Severity::HIGH,
                &instance,
                &address,
                9001,
                ConnectionDirection::Outbound,
                place,
            );
            signal.title = format!("The instance {instance} speaks with the Tor network as a relay.");
            signal
        }
        _ => {
            let mut signal = connection_signal(
                "Recon:EC2/PortProbeUnprotectedPort",
                Severity::LOW,
                &instance,
                &address,
                22,
                ConnectionDirection::Inbound,
                place,
            );
            signal.title = format!("An unprotected port of the instance {instance} is being probed.");
            signal.reasons = vec![format!("{address} is an entry of the list `scanners`, and port 22 answered.")];
            signal
        }
    };
    if signal.resource.kind == ResourceKind::Instance {
        signal.resource.instance = Some(machine(&instance));
    }
    signal.account = if count_is_small(index) { ACCOUNTS[0] } else { dice.one_of(&ACCOUNTS) }.to_owned();
    signal.region = if count_is_small(index) { REGIONS[0] } else { dice.one_of(&REGIONS) }.to_owned();
    // Most of it in one bad night.
    let hour = if dice.below(3) == 0 { dice.below(7 * 24 - 4) } else { 74 + dice.below(9) };
    let first = begin.plus_ms(hour as i64 * Time::HOUR_MS + dice.below(3_600_000) as i64);
    let count = 1 + if dice.below(3) == 0 { dice.below(40) as u64 } else { 0 };
    let last = first.plus_ms((count as i64 - 1) * 4 * Time::MINUTE_MS);
    whole(index, signal, count, first, last)
}

/// The first three show three kinds.
fn count_is_small(index: usize) -> bool {
    index < 3
}

fn signal(name: &'static str, severity: Severity, entity: &str) -> Signal {
    let mut signal = Signal::new(FindingType::new(name), severity, entity);
    signal.resource.kind = ResourceKind::Instance;
    signal.role = Some(ResourceRole::Target);
    signal
}

fn call_signal(
    name: &'static str,
    severity: Severity,
    api: &str,
    service: &str,
    user: &str,
    address: &str,
    place: Place,
) -> Signal {
    let mut signal = signal(name, severity, user);
    signal.resource = Resource {
        kind: ResourceKind::AccessKey,
        access_key: Some(AccessKey {
            access_key_id: format!("AKIAIOSFODNN7{:>07}", user.to_uppercase().replace('-', "")),
            principal_id: "AIDACKCEVSQ6C2EXAMPLE".into(),
            user_name: user.into(),
            user_type: if name.contains("Exfiltration") { "AssumedRole" } else { "IAMUser" }.into(),
        }),
        ..Resource::default()
    };
    signal.action = Action::ApiCall(ApiCallAction {
        api: api.into(),
        service: service.into(),
        caller_type: "Remote IP".into(),
        user_agent: "aws-cli/2.15.0 Python/3.11".into(),
        remote: Some(remote(address, place)),
        ..ApiCallAction::default()
    });
    signal
}

fn connection_signal(
    name: &'static str,
    severity: Severity,
    instance: &str,
    address: &str,
    port: u16,
    direction: ConnectionDirection,
    place: Place,
) -> Signal {
    let mut signal = signal(name, severity, instance);
    let (local_port, remote_port) =
        if direction == ConnectionDirection::Inbound { (port, 40_113) } else { (40_113, port) };
    signal.action = Action::NetworkConnection(NetworkConnectionAction {
        direction,
        protocol: "TCP".into(),
        local_ip: "10.0.0.23".parse().ok(),
        local_port,
        remote: Some(remote(address, place)),
        remote_port,
        ..NetworkConnectionAction::default()
    });
    signal
}

type Place = (&'static str, &'static str, &'static str, f64, f64, &'static str);

fn remote(address: &str, (city, code, country, latitude, longitude, network): Place) -> Remote {
    let ip = address.parse().unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let location = (!city.is_empty()).then_some((latitude, longitude));
    Remote {
        city: city.into(),
        country_code: code.into(),
        country_name: country.into(),
        location,
        asn: Some(64_500),
        asn_org: network.into(),
        ..Remote::unknown(ip)
    }
}

fn machine(id: &str) -> Instance {
    Instance {
        instance_id: id.into(),
        instance_type: "m7g.large".into(),
        tags: vec![("Name".into(), format!("web-{}", &id[id.len() - 1..]))],
        interfaces: vec![NetworkInterface {
            interface_id: id.replacen("i-", "eni-", 1),
            private_ip: "10.0.0.23".parse().ok(),
            public_ip: "198.51.100.23".parse().ok(),
            vpc_id: "vpc-0a1b2c3d4e5f60718".into(),
            ..NetworkInterface::default()
        }],
        ..Instance::default()
    }
}

fn whole(index: usize, signal: Signal, count: u64, first_seen: Time, last_seen: Time) -> Finding {
    let (account, region) = (signal.account.as_str(), signal.region.as_str());
    let name = match &signal.action {
        Action::ApiCall(call) => call.api.as_str(),
        Action::DnsRequest(_) => "query",
        _ => "flow",
    };
    let day = first_seen.date();
    let (folder, stamp) = (day.replace('-', "/"), day.replace('-', ""));
    let hour = first_seen.hour().rem_euclid(24);
    let file =
        format!("AWSLogs/{account}/CloudTrail/{region}/{folder}/{account}_CloudTrail_{region}_{stamp}T{hour:02}55Z.gz");
    let record = |time: Time, number: u64| {
        let user = signal.entity.as_str();
        let raw = serde_json::json!({
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDACKCEVSQ6C2EXAMPLE",
                "arn": format!("arn:aws:iam::{account}:user/{user}"),
                "accountId": account,
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            },
            "eventTime": time.to_string(),
            "eventSource": "example.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-cli/2.15.0 Python/3.11",
            "requestParameters": {"maxResults": number},
            "responseElements": null,
            "requestID": format!("{index:08x}-0000-4000-8000-{number:012x}"),
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": account,
        });
        let raw = raw.to_string();
        EvidenceRecord {
            time,
            file: file.clone(),
            position: 4096 * number,
            sha256: format!("{:064x}", index * 1000 + number as usize),
            raw,
        }
    };
    let first = (0..count.min(5))
        .map(|number| record(first_seen.plus_ms(number as i64 * 4 * Time::MINUTE_MS), number))
        .collect();
    let knowledge = vec![
        KnowledgeUsed { name: "Tor exits".into(), kind: "tor-exit".into(), version: "2026-03-01".into() },
        KnowledgeUsed { name: "DBIP-City-Lite".into(), kind: "geography".into(), version: "2026-03-01".into() },
    ];
    Finding {
        id: format!("{:032x}", 0x7a11_0000_0000_u64 + index as u64),
        count,
        first_seen,
        last_seen,
        created: first_seen,
        updated: last_seen,
        evidence: Evidence { count, first, last: Vec::new() },
        knowledge,
        archived: false,
        latest: signal,
    }
}

fn account(begin: Time) -> ScanAccount {
    let mut account = ScanAccount { bytes_read: 48_120_331, bytes_unpacked: 611_902_844, ..ScanAccount::default() };
    account.files.listed = 2_016;
    account.files.analysed = 2_013;
    account.files.duplicates = 2;
    account.files.reject(
        "AWSLogs/444455556666/CloudTrail/eu-west-1/2026/03/04/damaged.json.gz",
        "damaged compression",
        "the gzip stream ends in the middle of a block",
    );
    account.records.analysed = [("CloudTrail".to_owned(), 412_006), ("VPC flow".to_owned(), 5_310_442)].into();
    account.records.duplicates = 1_204;
    let hours = |count: i64| begin.plus_ms(count * Time::HOUR_MS);
    for (number, owner) in ACCOUNTS.into_iter().enumerate() {
        let gaps = if number == 1 {
            vec![Gap { from: hours(61), to: hours(83) }, Gap { from: hours(120), to: hours(126) }]
        } else {
            Vec::new()
        };
        let span = |region: &str, source: &str, gaps| Span {
            account: owner.into(),
            region: region.into(),
            source: source.into(),
            first: hours(number as i64 * 5),
            last: hours(7 * 24),
            records: 137_335,
            gaps,
        };
        account.spans.push(span("us-east-1", "CloudTrail", gaps));
        account.spans.push(span("eu-west-1", "VPC flow", Vec::new()));
    }
    account.not_evaluated = vec![NotEvaluated {
        what: "DNS queries".into(),
        why: "no resolver query log was given for 444455556666".into(),
        types: vec!["Trojan:EC2/DGADomainRequest.B".into(), "Trojan:EC2/PhishingDomainRequest!DNS".into()],
    }];
    account
}
