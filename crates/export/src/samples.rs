//! Findings to test with: one for each action, with everything known and with nothing known.

use std::net::IpAddr;
use watchfire_model::{
    AccessKey, Action, Anomaly, ApiCallAction, Bucket, BucketPermission, ConnectionDirection, DnsRequestAction,
    Evidence, EvidenceRecord, Finding, FindingType, Instance, KnowledgeUsed, ListKind, NetworkConnectionAction,
    NetworkInterface, PortProbe, PortProbeAction, ProfileWord, PublicAccess, Remote, RemoteAccount, Resource,
    ResourceKind, ResourceRole, Severity, Signal, ThreatMatch, Time,
};

pub(crate) fn all() -> Vec<Finding> {
    vec![api_call(), s3_call(), connection(), port_probe(), dns_request(), bare()]
}

/// A Tor exit node used the key of a user.
pub(crate) fn api_call() -> Finding {
    let mut signal = signal("UnauthorizedAccess:IAMUser/TorIPCaller", Severity::MEDIUM, "user/alice");
    signal.resource = Resource { kind: ResourceKind::AccessKey, access_key: Some(alice()), ..Resource::default() };
    signal.action = Action::ApiCall(ApiCallAction {
        api: "ListBuckets".into(),
        service: "s3.amazonaws.com".into(),
        caller_type: "Remote IP".into(),
        error_code: "AccessDenied".into(),
        user_agent: "aws-cli/2.15".into(),
        remote: Some(remote("198.51.100.7")),
        remote_account: Some(RemoteAccount { account_id: String::new(), affiliated: false }),
        ..ApiCallAction::default()
    });
    signal.role = Some(ResourceRole::Target);
    signal.threats = vec![
        threat("Tor exits", "198.51.100.7", ""),
        threat("Bad hosts", "198.51.100.0/24", "Mirai"),
        threat("Bad hosts", "198.51.0.0/16", "Emotet"),
    ];
    signal.title = "The API ListBuckets was called from a Tor exit node.".into();
    signal.description = "The user alice called ListBuckets from 198.51.100.7, a Tor exit node.".into();
    signal.reasons = vec!["198.51.100.7 is an entry of the list `Tor exits`.".into()];
    signal.missing = vec!["Whether the user has a second factor is not in the log.".into()];
    finding(signal, 3)
}

/// A user did what they never do.
pub(crate) fn anomaly() -> Finding {
    let mut finding = api_call();
    finding.latest.finding_type = FindingType::new("Persistence:IAMUser/AnomalousBehavior");
    let mut anomaly = Anomaly::default();
    anomaly.normal("userIdentity", "api", ProfileWord::Frequent, vec!["ListBuckets".into()]);
    anomaly.normal_amount("bucket", "getObjectCount", ProfileWord::Average, 12);
    anomaly.unusual("userIdentity", "api", ProfileWord::Unseen, vec!["CreateAccessKey".into()]);
    anomaly.unusual_amount("bucket", "getObjectCount", 4_000);
    finding.latest.anomaly = Some(Box::new(anomaly));
    finding
}

/// A user opened a bucket to everyone.
pub(crate) fn s3_call() -> Finding {
    let mut signal = signal("Policy:S3/BucketAnonymousAccessGranted", Severity::HIGH, "reports");
    let bucket = Bucket {
        name: "reports".into(),
        arn: "arn:aws:s3:::reports".into(),
        role: "Destination".into(),
        created_at: Some(Time::from_ms(1_513_612_691_551)),
        owner_id: "0123456789abcdef".into(),
        tags: vec![("team".into(), String::new())],
        encryption: Some(("AES256".into(), String::new())),
        public_access: Some(PublicAccess {
            effective: BucketPermission::Public,
            acl: (Some(true), None),
            policy: (None, None),
            bucket_block: Some([false, true, false, false]),
            account_block: Some([false; 4]),
        }),
    };
    signal.resource = Resource {
        kind: ResourceKind::S3Bucket,
        access_key: Some(alice()),
        buckets: vec![bucket],
        ..Resource::default()
    };
    signal.action = Action::ApiCall(ApiCallAction {
        api: "PutBucketAcl".into(),
        service: "s3.amazonaws.com".into(),
        caller_type: "Domain".into(),
        domain: "cloudformation.amazonaws.com".into(),
        remote_account: Some(RemoteAccount { account_id: "444455556666".into(), affiliated: true }),
        affected_resources: [("AWS::S3::Bucket".to_owned(), "reports".to_owned())].into(),
        ..ApiCallAction::default()
    });
    signal.additional = [("unusual".to_owned(), serde_json::json!({"hours": [3]}))].into();
    signal.title = "The bucket reports was opened to everyone.".into();
    finding(signal, 1)
}

/// An instance attacks another host over SSH.
pub(crate) fn connection() -> Finding {
    let mut signal = signal("UnauthorizedAccess:EC2/SSHBruteForce", Severity::HIGH, "i-0123456789abcdef0");
    signal.resource = Resource { kind: ResourceKind::Instance, instance: Some(instance()), ..Resource::default() };
    signal.action = Action::NetworkConnection(NetworkConnectionAction {
        direction: ConnectionDirection::Outbound,
        protocol: "TCP".into(),
        blocked: false,
        local_ip: Some(ip("10.0.0.23")),
        local_port: 39_677,
        local_interface: "eni-0123456789abcdef0".into(),
        remote: Some(remote("203.0.113.9")),
        remote_port: 22,
    });
    signal.role = Some(ResourceRole::Actor);
    signal.title = "The instance i-0123456789abcdef0 guesses SSH passwords.".into();
    signal.reasons = vec!["40 short connections to 203.0.113.9:22 in 60 seconds; 20 are enough.".into()];
    finding(signal, 40)
}

/// Known scanners probe two ports, one of them over IPv6.
pub(crate) fn port_probe() -> Finding {
    let mut signal = signal("Recon:EC2/PortProbeUnprotectedPort", Severity::LOW, "i-0123456789abcdef0");
    signal.resource = Resource { kind: ResourceKind::Instance, instance: Some(instance()), ..Resource::default() };
    let probe = |port, address| PortProbe { local_port: port, local_ip: None, remote: Remote::unknown(ip(address)) };
    signal.action = Action::PortProbe(PortProbeAction {
        blocked: false,
        probes: vec![probe(22, "2001:db8::1"), probe(8081, "203.0.113.9")],
    });
    finding(signal, 2)
}

/// An instance looks up a name of a generated domain.
pub(crate) fn dns_request() -> Finding {
    let mut signal = signal("Trojan:EC2/DGADomainRequest.B", Severity::HIGH, "i-0123456789abcdef0");
    signal.resource = Resource { kind: ResourceKind::Instance, instance: Some(instance()), ..Resource::default() };
    signal.action = Action::DnsRequest(DnsRequestAction {
        domain: "xkqzjvwp.example.com".into(),
        domain_with_suffix: "example.com".into(),
        protocol: "UDP".into(),
        blocked: true,
        vpc_owner: "111122223333".into(),
    });
    finding(signal, 1)
}

/// Nothing is known but the type.
pub(crate) fn bare() -> Finding {
    let mut finding = finding(signal("Recon:EC2/Portscan", Severity::MEDIUM, "eni-1"), 1);
    finding.latest.resource.kind = ResourceKind::Instance;
    finding.latest.action = Action::NetworkConnection(NetworkConnectionAction::default());
    finding.evidence = Evidence::default();
    finding.knowledge.clear();
    finding
}

fn signal(finding_type: &'static str, severity: Severity, entity: &str) -> Signal {
    let mut signal = Signal::new(FindingType::new(finding_type), severity, entity);
    signal.account = "111122223333".into();
    signal.region = "eu-west-1".into();
    signal
}

fn finding(latest: Signal, count: u64) -> Finding {
    let first_seen = Time::parse_utc("2026-01-31T12:00:00Z").unwrap();
    let last_seen = first_seen.plus_ms(if count == 1 { 0 } else { 5 * Time::MINUTE_MS });
    let record = |time| {
        EvidenceRecord {
        time,
        file: "logs/2026/01/31.json.gz".into(),
        position: 1_234,
        sha256: "ab".repeat(32),
        raw: r#"{"eventName":"ListBuckets","sourceIPAddress":"198.51.100.7","errorCode":"AccessDenied","list":[],"n":1.50}"#.into(),
    }
    };
    Finding {
        id: format!("{:032x}", latest.finding_type.as_str().len()),
        latest,
        count,
        first_seen,
        last_seen,
        created: first_seen,
        updated: last_seen,
        evidence: Evidence { count, first: vec![record(first_seen)], last: vec![record(last_seen)] },
        knowledge: vec![
            KnowledgeUsed { name: "Tor exits".into(), kind: "tor-exit".into(), version: "2026-01-30".into() },
            KnowledgeUsed { name: "countries".into(), kind: "geography".into(), version: String::new() },
        ],
        archived: false,
    }
}

fn alice() -> AccessKey {
    AccessKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        principal_id: "AIDAEXAMPLE".into(),
        user_name: "alice".into(),
        user_type: "IAMUser".into(),
    }
}

fn instance() -> Instance {
    Instance {
        instance_id: "i-0123456789abcdef0".into(),
        profile_arn: "arn:aws:iam::111122223333:instance-profile/web".into(),
        tags: vec![("Name".into(), "web-1".into())],
        interfaces: vec![NetworkInterface {
            interface_id: "eni-0123456789abcdef0".into(),
            private_ip: Some(ip("10.0.0.23")),
            public_ip: Some(ip("198.51.100.1")),
            ipv6: vec![ip("2001:db8::23")],
            vpc_id: "vpc-1".into(),
            security_groups: vec![("sg-1".into(), "web".into())],
            ..NetworkInterface::default()
        }],
        ..Instance::default()
    }
}

fn remote(address: &str) -> Remote {
    Remote {
        city: "Rivertown".into(),
        country_code: "NL".into(),
        country_name: "Netherlands".into(),
        location: Some((52.5, f64::from(4))),
        asn: Some(64_500),
        asn_org: "Example Net".into(),
        ..Remote::unknown(ip(address))
    }
}

fn threat(list: &str, entry: &str, name: &str) -> ThreatMatch {
    ThreatMatch {
        list: list.into(),
        kind: ListKind::TorExit,
        version: "2026-01-30".into(),
        entry: entry.into(),
        threat_name: name.into(),
        matched: "198.51.100.7".into(),
        seen: None,
        age_days: None,
        weight: 100,
        guard: String::new(),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
