//! GuardDuty's JSON, as GetFindings, EventBridge and the S3 export write it.
//!
//! Names are the `locationName`s of the service model in `api/`. What is not known is left out. All of our own stands
//! under one key at the top, `watchfire`, described by `docs/schema/watchfire-finding.schema.json`.

use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use watchfire_model as model;
use watchfire_model::{Action, BucketPermission, ConnectionDirection, Finding, ResourceKind, ResourceRole, Time};

/// The version of the finding's format, the only one GuardDuty has.
const SCHEMA_VERSION: &str = "2.0";

/// `count` is a 32-bit integer in the service model; clients in typed languages fail on more.
const WIRE_COUNT_MAX: u64 = i32::MAX as u64;

/// The version of the program that writes `watchfire.version`: other versions may judge the same records otherwise.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One finding as JSON.
pub fn finding_json(finding: &Finding) -> Value {
    // Fails only for maps whose keys are not texts, and the wire structs have none.
    serde_json::to_value(WireFinding::of(finding)).unwrap_or_default()
}

/// `{"findings": […]}`, in the order given.
pub fn json_document(findings: &[Finding]) -> Value {
    serde_json::json!({ "findings": findings.iter().map(finding_json).collect::<Vec<_>>() })
}

/// Writes `{"findings": […]}`, indented, with keys in the order GuardDuty's documentation uses.
pub fn write_json(findings: &[Finding], out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { findings })?;
    out.write_all(b"\n")
}

/// Writes one finding a line, as GuardDuty exports to S3.
pub fn write_jsonl(findings: &[Finding], out: &mut dyn io::Write) -> io::Result<()> {
    for finding in findings {
        serde_json::to_writer(&mut *out, &WireFinding::of(finding))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The partition a region lies in: `aws`, `aws-cn`, `aws-us-gov`, ….
pub fn partition(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    PARTITIONS.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

/// The detector of an account and region: 32 hexadecimal digits, the same on every machine.
pub fn detector_id(account: &str, region: &str) -> String {
    let digest = Sha256::digest(format!("watchfire detector\n{account}\n{region}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// `arn:{partition}:guardduty:{region}:{account}:detector/{detector}/finding/{id}`.
pub fn finding_arn(account: &str, region: &str, id: &str) -> String {
    let (partition, detector) = (partition(region), detector_id(account, region));
    format!("arn:{partition}:guardduty:{region}:{account}:detector/{detector}/finding/{id}")
}

struct Document<'a> {
    findings: &'a [Finding],
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<F> {
            findings: F,
        }
        struct Each<'a>(&'a [Finding]);
        impl Serialize for Each<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map(WireFinding::of)) // One at a time: evidence can be large.
            }
        }
        Whole { findings: Each(self.findings) }.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireFinding<'a> {
    schema_version: &'static str,
    account_id: &'a str,
    region: &'a str,
    partition: &'static str,
    id: &'a str,
    arn: String,
    #[serde(rename = "type")]
    finding_type: &'static str,
    resource: WireResource<'a>,
    service: WireService<'a>,
    #[serde(serialize_with = "whole_if_whole")]
    severity: f64,
    #[serde(serialize_with = "as_text")]
    created_at: Time,
    #[serde(serialize_with = "as_text")]
    updated_at: Time,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    watchfire: Ours<'a>,
}

impl<'a> WireFinding<'a> {
    fn of(finding: &'a Finding) -> Self {
        let signal = &finding.latest;
        Self {
            schema_version: SCHEMA_VERSION,
            account_id: &signal.account,
            region: &signal.region,
            partition: partition(&signal.region),
            id: &finding.id,
            arn: finding_arn(&signal.account, &signal.region, &finding.id),
            finding_type: signal.finding_type.as_str(),
            resource: WireResource::of(&signal.resource),
            service: WireService::of(finding),
            severity: signal.severity.number(),
            created_at: finding.created,
            updated_at: finding.updated,
            title: &signal.title,
            description: &signal.description,
            watchfire: Ours::of(finding),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireService<'a> {
    service_name: &'static str,
    detector_id: String,
    action: WireAction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_role: Option<&'static str>,
    additional_info: AdditionalInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<WireEvidence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detection: Option<WireDetection<'a>>,
    #[serde(serialize_with = "as_text")]
    event_first_seen: Time,
    #[serde(serialize_with = "as_text")]
    event_last_seen: Time,
    archived: bool,
    count: u64,
}

impl<'a> WireService<'a> {
    fn of(finding: &'a Finding) -> Self {
        let signal = &finding.latest;
        Self {
            service_name: "guardduty",
            detector_id: detector_id(&signal.account, &signal.region),
            action: WireAction::of(&signal.action),
            resource_role: signal.role.map(|role| match role {
                ResourceRole::Target => "TARGET",
                ResourceRole::Actor => "ACTOR",
            }),
            additional_info: AdditionalInfo::of(signal),
            evidence: WireEvidence::of(&signal.threats),
            detection: signal.anomaly.as_deref().filter(|anomaly| !anomaly.is_empty()).map(WireDetection::of),
            event_first_seen: finding.first_seen,
            event_last_seen: finding.last_seen,
            archived: finding.archived,
            count: finding.count.min(WIRE_COUNT_MAX),
        }
    }
}

/// Written twice, as GuardDuty does: once as JSON inside a text, once as keys beside it.
#[derive(Serialize)]
struct AdditionalInfo {
    value: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    keys: BTreeMap<String, Value>,
}

impl AdditionalInfo {
    fn of(signal: &model::Signal) -> Self {
        let mut keys = signal.additional.clone();
        // One list and one name, as GuardDuty has it here; `evidence` names them all.
        let mut add = |key: &str, text: &str| {
            if !text.is_empty() {
                keys.entry(key.to_owned()).or_insert_with(|| Value::from(text));
            }
        };
        if let Some(first) = signal.threats.first() {
            let of_the_same_list = signal.threats.iter().filter(|threat| threat.list == first.list);
            let name = of_the_same_list.map(|threat| threat.threat_name.as_str()).find(|name| !name.is_empty());
            add("threatListName", &first.list);
            add("threatName", name.unwrap_or_default());
        }
        let value = serde_json::to_string(&keys).unwrap_or_default();
        keys.retain(|key, _| key != "value" && key != "type"); // The two names that are taken.
        Self { value, kind: "default", keys }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireEvidence<'a> {
    threat_intelligence_details: Vec<ThreatList<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreatList<'a> {
    threat_list_name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threat_names: Vec<&'a str>,
}

impl<'a> WireEvidence<'a> {
    fn of(threats: &'a [model::ThreatMatch]) -> Option<Self> {
        let mut lists: Vec<ThreatList<'a>> = Vec::new();
        for threat in threats {
            let index = lists.iter().position(|list| list.threat_list_name == threat.list).unwrap_or_else(|| {
                lists.push(ThreatList { threat_list_name: &threat.list, threat_names: Vec::new() });
                lists.len() - 1
            });
            let names = &mut lists[index].threat_names;
            if !threat.threat_name.is_empty() && !names.contains(&threat.threat_name.as_str()) {
                names.push(&threat.threat_name);
            }
        }
        (!lists.is_empty()).then_some(Self { threat_intelligence_details: lists })
    }
}

#[derive(Serialize)]
struct WireDetection<'a> {
    anomaly: WireAnomaly<'a>,
}

#[derive(Serialize)]
struct WireAnomaly<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profiles: Scopes<'a, Vec<WireObserved<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unusual: Option<WireUnusual<'a>>,
}

#[derive(Serialize)]
struct WireUnusual<'a> {
    behavior: Scopes<'a, WireObserved<'a>>,
}

/// Scope → feature → what was seen there.
type Scopes<'a, T> = BTreeMap<&'a str, BTreeMap<&'a str, T>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireObserved<'a> {
    profile_type: &'static str,
    profile_subtype: &'static str,
    observations: WireObservations<'a>,
}

#[derive(Serialize)]
struct WireObservations<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    text: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    number: &'a [i64],
}

impl<'a> WireDetection<'a> {
    fn of(anomaly: &'a model::Anomaly) -> Self {
        let behavior = scopes(&anomaly.unusual, WireObserved::of);
        Self {
            anomaly: WireAnomaly {
                profiles: scopes(&anomaly.profiles, |observed| observed.iter().map(WireObserved::of).collect()),
                unusual: (!behavior.is_empty()).then_some(WireUnusual { behavior }),
            },
        }
    }
}

fn scopes<'a, T, W>(of: &'a BTreeMap<String, BTreeMap<String, T>>, wire: impl Fn(&'a T) -> W + Copy) -> Scopes<'a, W> {
    let features = |features: &'a BTreeMap<String, T>| {
        features.iter().map(|(feature, observed)| (feature.as_str(), wire(observed))).collect()
    };
    of.iter().map(|(scope, of)| (scope.as_str(), features(of))).collect()
}

impl<'a> WireObserved<'a> {
    fn of(observed: &'a model::Observed) -> Self {
        Self {
            profile_type: observed.word.profile_type(),
            profile_subtype: observed.word.name(),
            observations: WireObservations { text: &observed.texts, number: &observed.numbers },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAction<'a> {
    action_type: &'static str,
    #[serde(flatten)]
    block: ActionBlock<'a>,
}

#[derive(Serialize)]
enum ActionBlock<'a> {
    #[serde(rename = "awsApiCallAction")]
    ApiCall(ApiCallBlock<'a>),
    #[serde(rename = "networkConnectionAction")]
    Connection(ConnectionBlock<'a>),
    #[serde(rename = "portProbeAction")]
    PortProbe(PortProbeBlock<'a>),
    #[serde(rename = "dnsRequestAction")]
    Dns(DnsBlock<'a>),
}

impl<'a> WireAction<'a> {
    fn of(action: &'a Action) -> Self {
        let (action_type, block) = match action {
            Action::ApiCall(call) => ("AWS_API_CALL", ActionBlock::ApiCall(ApiCallBlock::of(call))),
            Action::NetworkConnection(connection) => {
                ("NETWORK_CONNECTION", ActionBlock::Connection(ConnectionBlock::of(connection)))
            }
            Action::PortProbe(probe) => ("PORT_PROBE", ActionBlock::PortProbe(PortProbeBlock::of(probe))),
            Action::DnsRequest(request) => ("DNS_REQUEST", ActionBlock::Dns(DnsBlock::of(request))),
        };
        Self { action_type, block }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiCallBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    api: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    service_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    caller_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    error_code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_ip_details: Option<RemoteBlock<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_details: Option<DomainBlock<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_account_details: Option<RemoteAccountBlock<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    affected_resources: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct DomainBlock<'a> {
    domain: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoteAccountBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    account_id: &'a str,
    affiliated: bool,
}

impl<'a> ApiCallBlock<'a> {
    fn of(call: &'a model::ApiCallAction) -> Self {
        Self {
            api: &call.api,
            service_name: &call.service,
            caller_type: &call.caller_type,
            error_code: &call.error_code,
            user_agent: &call.user_agent,
            remote_ip_details: call.remote.as_ref().map(RemoteBlock::of),
            domain_details: (!call.domain.is_empty()).then_some(DomainBlock { domain: &call.domain }),
            remote_account_details: call
                .remote_account
                .as_ref()
                .map(|account| RemoteAccountBlock { account_id: &account.account_id, affiliated: account.affiliated }),
            affected_resources: &call.affected_resources,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionBlock<'a> {
    connection_direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_ip_details: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_port_details: Option<Port>,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_network_interface: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_ip_details: Option<RemoteBlock<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_port_details: Option<Port>,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'a str,
    blocked: bool,
}

impl<'a> ConnectionBlock<'a> {
    fn of(connection: &'a model::NetworkConnectionAction) -> Self {
        Self {
            connection_direction: match connection.direction {
                ConnectionDirection::Inbound => "INBOUND",
                ConnectionDirection::Outbound => "OUTBOUND",
                ConnectionDirection::Unknown => "UNKNOWN",
            },
            local_ip_details: connection.local_ip.map(Address::of),
            local_port_details: Port::of(connection.local_port),
            local_network_interface: &connection.local_interface,
            remote_ip_details: connection.remote.as_ref().map(RemoteBlock::of),
            remote_port_details: Port::of(connection.remote_port),
            protocol: &connection.protocol,
            blocked: connection.blocked,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PortProbeBlock<'a> {
    port_probe_details: Vec<ProbeBlock<'a>>,
    blocked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProbeBlock<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    local_port_details: Option<Port>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_ip_details: Option<Address>,
    remote_ip_details: RemoteBlock<'a>,
}

impl<'a> PortProbeBlock<'a> {
    fn of(action: &'a model::PortProbeAction) -> Self {
        let details = action.probes.iter().map(|probe| ProbeBlock {
            local_port_details: Port::of(probe.local_port),
            local_ip_details: probe.local_ip.map(Address::of),
            remote_ip_details: RemoteBlock::of(&probe.remote),
        });
        Self { port_probe_details: details.collect(), blocked: action.blocked }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DnsBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain_with_suffix: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'a str,
    blocked: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    vpc_owner_account_id: &'a str,
}

impl<'a> DnsBlock<'a> {
    fn of(request: &'a model::DnsRequestAction) -> Self {
        Self {
            domain: &request.domain,
            domain_with_suffix: &request.domain_with_suffix,
            protocol: &request.protocol,
            blocked: request.blocked,
            vpc_owner_account_id: &request.vpc_owner,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoteBlock<'a> {
    #[serde(flatten)]
    address: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<City<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Country<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    geo_location: Option<GeoLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Organization<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct City<'a> {
    city_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Country<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    country_code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    country_name: &'a str,
}

#[derive(Serialize)]
struct GeoLocation {
    lat: f64,
    lon: f64,
}

/// `asn` is a text on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Organization<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    asn_org: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    isp: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    org: &'a str,
}

impl<'a> RemoteBlock<'a> {
    fn of(remote: &'a model::Remote) -> Self {
        let organization = Organization {
            asn: remote.asn.map(|number| number.to_string()),
            asn_org: &remote.asn_org,
            isp: &remote.isp,
            org: &remote.org,
        };
        let names = [organization.asn_org, organization.isp, organization.org];
        let organization_known = organization.asn.is_some() || names.iter().any(|name| !name.is_empty());
        let country = Country { country_code: &remote.country_code, country_name: &remote.country_name };
        let country_known = !country.country_code.is_empty() || !country.country_name.is_empty();
        Self {
            address: Address::of(remote.ip),
            city: (!remote.city.is_empty()).then_some(City { city_name: &remote.city }),
            country: country_known.then_some(country),
            // JSON has no number for what is not finite; a broken database must not break the document.
            geo_location: remote
                .location
                .filter(|(lat, lon)| lat.is_finite() && lon.is_finite())
                .map(|(lat, lon)| GeoLocation { lat, lon }),
            organization: organization_known.then_some(organization),
        }
    }
}

#[derive(Serialize)]
enum Address {
    #[serde(rename = "ipAddressV4")]
    V4(String),
    #[serde(rename = "ipAddressV6")]
    V6(String),
}

impl Address {
    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4(ip.to_string()),
            IpAddr::V6(_) => Self::V6(ip.to_string()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    port: u16,
    port_name: &'static str,
}

impl Port {
    /// Port 0 is the absence of one: ICMP has none, and a scan has many.
    fn of(port: u16) -> Option<Self> {
        (port != 0).then_some(Self { port, port_name: port_name(port) })
    }
}

/// The name GuardDuty gives a port. SSH, HTTP, HTTPS, RDP and MySQL are seen in its samples, with `Unknown` for the
/// rest; the others are the services' usual names.
pub(crate) fn port_name(port: u16) -> &'static str {
    match port {
        20 => "FTP Data",
        21 => "FTP",
        22 => "SSH",
        23 => "Telnet",
        25 => "SMTP",
        53 => "DNS",
        80 => "HTTP",
        110 => "POP3",
        123 => "NTP",
        143 => "IMAP",
        389 => "LDAP",
        443 => "HTTPS",
        445 => "SMB",
        636 => "LDAPS",
        1433 => "MSSQL",
        3306 => "MySQL",
        3389 => "RDP",
        5432 => "PostgreSQL",
        _ => "Unknown",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireResource<'a> {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_details: Option<AccessKeyBlock<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    s3_bucket_details: Vec<BucketBlock<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_details: Option<InstanceBlock<'a>>,
}

impl<'a> WireResource<'a> {
    fn of(resource: &'a model::Resource) -> Self {
        Self {
            resource_type: match resource.kind {
                ResourceKind::AccessKey => "AccessKey",
                ResourceKind::Instance => "Instance",
                ResourceKind::S3Bucket => "S3Bucket",
            },
            access_key_details: resource.access_key.as_ref().map(AccessKeyBlock::of),
            s3_bucket_details: resource.buckets.iter().map(BucketBlock::of).collect(),
            instance_details: resource.instance.as_ref().map(InstanceBlock::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessKeyBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    access_key_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    principal_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_type: &'a str,
}

impl<'a> AccessKeyBlock<'a> {
    fn of(key: &'a model::AccessKey) -> Self {
        Self {
            access_key_id: &key.access_key_id,
            principal_id: &key.principal_id,
            user_name: &key.user_name,
            user_type: &key.user_type,
        }
    }
}

#[derive(Serialize)]
struct Tag<'a> {
    key: &'a str,
    value: &'a str, // A tag's value may be empty, and then that is what is known.
}

fn tags(pairs: &[(String, String)]) -> Vec<Tag<'_>> {
    pairs.iter().map(|(key, value)| Tag { key, value }).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    arn: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    role: &'a str,
    /// A `timestamp` of the service model: a number of seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_server_side_encryption: Option<Encryption<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_access: Option<PublicAccessBlock>,
}

#[derive(Serialize)]
struct Owner<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encryption<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    encryption_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kms_master_key_arn: &'a str,
}

impl<'a> BucketBlock<'a> {
    fn of(bucket: &'a model::Bucket) -> Self {
        Self {
            arn: &bucket.arn,
            name: &bucket.name,
            role: &bucket.role,
            created_at: bucket.created_at.map(|time| time.ms().div_euclid(Time::SECOND_MS)),
            owner: (!bucket.owner_id.is_empty()).then_some(Owner { id: &bucket.owner_id }),
            tags: tags(&bucket.tags),
            default_server_side_encryption: bucket
                .encryption
                .as_ref()
                .map(|(encryption_type, key)| Encryption { encryption_type, kms_master_key_arn: key }),
            public_access: bucket.public_access.as_ref().map(PublicAccessBlock::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicAccessBlock {
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_configuration: Option<PermissionConfiguration>,
    effective_permission: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_level_permissions: Option<BucketPermissions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_level_permissions: Option<AccountPermissions>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketPermissions {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_control_list: Option<Allows>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_policy: Option<Allows>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_public_access: Option<BlockPublicAccess>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountPermissions {
    block_public_access: BlockPublicAccess,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allows {
    #[serde(skip_serializing_if = "Option::is_none")]
    allows_public_read_access: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allows_public_write_access: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockPublicAccess {
    ignore_public_acls: bool,
    restrict_public_buckets: bool,
    block_public_acls: bool,
    block_public_policy: bool,
}

impl PublicAccessBlock {
    fn of(access: &model::PublicAccess) -> Self {
        let bucket = BucketPermissions {
            access_control_list: Allows::of(access.acl),
            bucket_policy: Allows::of(access.policy),
            block_public_access: access.bucket_block.map(BlockPublicAccess::of),
        };
        let bucket_known =
            access.bucket_block.is_some() || bucket.access_control_list.is_some() || bucket.bucket_policy.is_some();
        let configuration = PermissionConfiguration {
            bucket_level_permissions: bucket_known.then_some(bucket),
            account_level_permissions: access
                .account_block
                .map(|block| AccountPermissions { block_public_access: BlockPublicAccess::of(block) }),
        };
        Self {
            permission_configuration: (bucket_known || access.account_block.is_some()).then_some(configuration),
            effective_permission: match access.effective {
                BucketPermission::Public => "PUBLIC",
                BucketPermission::NotPublic => "NOT_PUBLIC",
                BucketPermission::Unknown => "UNKNOWN",
            },
        }
    }
}

impl Allows {
    fn of((read, write): (Option<bool>, Option<bool>)) -> Option<Self> {
        let known = read.is_some() || write.is_some();
        known.then_some(Self { allows_public_read_access: read, allows_public_write_access: write })
    }
}

impl BlockPublicAccess {
    fn of([ignore_public_acls, restrict_public_buckets, block_public_acls, block_public_policy]: [bool; 4]) -> Self {
        Self { ignore_public_acls, restrict_public_buckets, block_public_acls, block_public_policy }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    instance_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instance_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    launch_time: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    platform: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iam_instance_profile: Option<Profile<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network_interfaces: Vec<InterfaceBlock<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instance_state: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    availability_zone: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image_description: &'a str,
}

#[derive(Serialize)]
struct Profile<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    arn: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
}

impl<'a> InstanceBlock<'a> {
    fn of(instance: &'a model::Instance) -> Self {
        let profile = Profile { arn: &instance.profile_arn, id: &instance.profile_id };
        let profile_known = !profile.arn.is_empty() || !profile.id.is_empty();
        Self {
            instance_id: &instance.instance_id,
            instance_type: &instance.instance_type,
            launch_time: &instance.launch_time,
            platform: &instance.platform,
            iam_instance_profile: profile_known.then_some(profile),
            network_interfaces: instance.interfaces.iter().map(InterfaceBlock::of).collect(),
            tags: tags(&instance.tags),
            instance_state: &instance.state,
            availability_zone: &instance.availability_zone,
            image_id: &instance.image_id,
            image_description: &instance.image_description,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    network_interface_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_ip_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "str::is_empty")]
    private_dns_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "str::is_empty")]
    public_dns_name: &'a str,
    #[serde(skip_serializing_if = "<[IpAddr]>::is_empty")]
    ipv6_addresses: &'a [IpAddr],
    #[serde(skip_serializing_if = "str::is_empty")]
    subnet_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    vpc_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    security_groups: Vec<SecurityGroup<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityGroup<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    group_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group_name: &'a str,
}

impl<'a> InterfaceBlock<'a> {
    fn of(interface: &'a model::NetworkInterface) -> Self {
        let groups = interface.security_groups.iter();
        Self {
            network_interface_id: &interface.interface_id,
            private_ip_address: interface.private_ip,
            private_dns_name: &interface.private_dns_name,
            public_ip: interface.public_ip,
            public_dns_name: &interface.public_dns_name,
            ipv6_addresses: &interface.ipv6,
            subnet_id: &interface.subnet_id,
            vpc_id: &interface.vpc_id,
            security_groups: groups.map(|(group_id, group_name)| SecurityGroup { group_id, group_name }).collect(),
        }
    }
}

/// The key `watchfire`: why the finding was made, from which records, by which lists, and what is not known.
#[derive(Serialize)]
struct Ours<'a> {
    version: &'static str,
    explanation: Vec<Cow<'a, str>>,
    evidence: OurEvidence<'a>,
    knowledge: Vec<Knowledge<'a>>,
    missing: &'a [String],
}

#[derive(Serialize)]
struct OurEvidence<'a> {
    count: u64,
    first: Vec<OurRecord<'a>>,
    last: Vec<OurRecord<'a>>,
}

#[derive(Serialize)]
struct OurRecord<'a> {
    #[serde(serialize_with = "as_text")]
    time: Time,
    file: &'a str,
    position: u64,
    sha256: &'a str,
    raw: &'a str,
}

#[derive(Serialize)]
struct Knowledge<'a> {
    name: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
}

impl<'a> Ours<'a> {
    fn of(finding: &'a Finding) -> Self {
        let reasons = finding.latest.reasons.iter().map(|reason| Cow::Borrowed(reason.as_str()));
        let used = finding.knowledge.iter();
        Self {
            version: VERSION,
            explanation: reasons.chain([Cow::Owned(count_sentence(finding))]).collect(),
            evidence: OurEvidence {
                count: finding.evidence.count,
                first: finding.evidence.first.iter().map(OurRecord::of).collect(),
                last: finding.evidence.last.iter().map(OurRecord::of).collect(),
            },
            knowledge: used
                .map(|used| Knowledge { name: &used.name, kind: &used.kind, version: &used.version })
                .collect(),
            missing: &finding.latest.missing,
        }
    }
}

impl<'a> OurRecord<'a> {
    fn of(record: &'a model::EvidenceRecord) -> Self {
        Self {
            time: record.time,
            file: &record.file,
            position: record.position,
            sha256: &record.sha256,
            raw: &record.raw,
        }
    }
}

fn count_sentence(finding: &Finding) -> String {
    let times = match finding.count {
        0 | 1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let (first, last) = (finding.first_seen, finding.last_seen);
    match (first == last, finding.count) {
        (true, _) => format!("Seen {times}, at {first}."),
        (false, 0 | 1) => format!("Seen once, from {first} to {last}."),
        (false, _) => format!("Seen {times} between {first} and {last}; the details are those of the newest."),
    }
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// 8 and not 8.0, as GuardDuty writes it: to some readers of JSON the two are different values.
fn whole_if_whole<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 { serializer.serialize_i64(*number as i64) } else { serializer.serialize_f64(*number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::ServiceModel;
    use crate::samples;
    use serde_json::json;

    #[test]
    fn every_finding_has_the_shape_of_the_service_model() {
        let model = ServiceModel::committed().unwrap();
        for finding in samples::all().into_iter().chain([samples::anomaly()]) {
            assert_eq!(model.check_finding(&finding_json(&finding)), [], "{}", finding.latest.finding_type);
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        for finding in samples::all() {
            let json = finding_json(&finding);
            check_no_empty(&json["service"]["action"], "action");
            check_no_empty(&json["resource"]["instanceDetails"], "instanceDetails");
        }
        let bare = finding_json(&samples::bare());
        assert_eq!(bare["resource"], json!({"resourceType": "Instance"}));
        assert_eq!(
            bare["service"]["action"],
            json!({"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {"connectionDirection": "UNKNOWN", "blocked": false}})
        );
        for key in ["title", "description"] {
            assert_eq!(bare.get(key), None);
        }
        assert_eq!(bare["service"].get("evidence"), None);
        assert_eq!(bare["service"].get("resourceRole"), None);
    }

    fn check_no_empty(value: &Value, path: &str) {
        match value {
            Value::String(text) => assert!(!text.is_empty(), "{path}"),
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                assert!(!value.is_null(), "{path}.{key}");
                check_no_empty(value, &format!("{path}.{key}"));
            }),
            Value::Array(items) => items.iter().for_each(|item| check_no_empty(item, path)),
            _ => {}
        }
    }

    #[test]
    fn lists_are_grouped_and_the_first_is_named_beside() {
        let json = finding_json(&samples::api_call());
        assert_eq!(
            json["service"]["evidence"]["threatIntelligenceDetails"],
            json!([{"threatListName": "Tor exits"}, {"threatListName": "Bad hosts", "threatNames": ["Mirai", "Emotet"]}])
        );
        let value = r#"{"threatListName":"Tor exits"}"#;
        assert_eq!(
            json["service"]["additionalInfo"],
            json!({"value": value, "type": "default", "threatListName": "Tor exits"})
        );
    }

    #[test]
    fn additional_keys_cannot_hide_value_and_type() {
        let mut finding = samples::s3_call();
        finding.latest.additional.insert("type".into(), json!("hostile"));
        let json = finding_json(&finding);
        assert_eq!(
            json["service"]["additionalInfo"],
            json!({"value": r#"{"type":"hostile","unusual":{"hours":[3]}}"#, "type": "default", "unusual": {"hours": [3]}})
        );
    }

    #[test]
    fn a_call_shows_address_or_service_and_whole_numbers_stay_whole() {
        let call = finding_json(&samples::api_call());
        assert_eq!(call["severity"].to_string(), "5");
        assert_eq!(
            call["service"]["action"]["awsApiCallAction"]["remoteIpDetails"],
            json!({"ipAddressV4": "198.51.100.7", "city": {"cityName": "Rivertown"},
                "country": {"countryCode": "NL", "countryName": "Netherlands"}, "geoLocation": {"lat": 52.5, "lon": 4.0},
                "organization": {"asn": "64500", "asnOrg": "Example Net"}})
        );
        let s3 = finding_json(&samples::s3_call());
        let action = &s3["service"]["action"]["awsApiCallAction"];
        assert_eq!(action["domainDetails"], json!({"domain": "cloudformation.amazonaws.com"}));
        assert_eq!(action["affectedResources"], json!({"AWS::S3::Bucket": "reports"}));
        assert_eq!(action["remoteAccountDetails"], json!({"accountId": "444455556666", "affiliated": true}));
        assert_eq!(s3["resource"]["s3BucketDetails"][0]["createdAt"], json!(1_513_612_691));
    }

    #[test]
    fn what_was_unusual_stands_beside_what_is_normal() {
        let json = finding_json(&samples::anomaly());
        assert_eq!(
            json["service"]["detection"]["anomaly"],
            json!({
                "profiles": {
                    "bucket": {"getObjectCount": [
                        {"profileType": "VOLUME", "profileSubtype": "AVERAGE", "observations": {"number": [12]}}]},
                    "userIdentity": {"api": [
                        {"profileType": "FREQUENCY", "profileSubtype": "FREQUENT",
                         "observations": {"text": ["ListBuckets"]}}]}
                },
                "unusual": {"behavior": {
                    "bucket": {"getObjectCount":
                        {"profileType": "VOLUME", "profileSubtype": "COUNT", "observations": {"number": [4000]}}},
                    "userIdentity": {"api":
                        {"profileType": "FREQUENCY", "profileSubtype": "UNSEEN",
                         "observations": {"text": ["CreateAccessKey"]}}}
                }}
            })
        );
        assert_eq!(finding_json(&samples::api_call())["service"].get("detection"), None);
    }

    #[test]
    fn ports_have_names_and_addresses_have_versions() {
        let json = finding_json(&samples::port_probe());
        let probes = &json["service"]["action"]["portProbeAction"]["portProbeDetails"];
        assert_eq!(probes[0]["localPortDetails"], json!({"port": 22, "portName": "SSH"}));
        assert_eq!(probes[0]["remoteIpDetails"], json!({"ipAddressV6": "2001:db8::1"}));
        assert_eq!(probes[1]["localPortDetails"], json!({"port": 8081, "portName": "Unknown"}));
    }

    #[test]
    fn the_arn_names_partition_and_detector() {
        let detector = detector_id("111122223333", "cn-north-1");
        assert_eq!(detector.len(), 32);
        assert_eq!(
            finding_arn("111122223333", "cn-north-1", "ab"),
            format!("arn:aws-cn:guardduty:cn-north-1:111122223333:detector/{detector}/finding/ab")
        );
        assert_ne!(detector, detector_id("111122223333", "cn-northwest-1"));
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("us-east-1"), "aws");
        assert_eq!(partition(""), "aws");
    }

    #[test]
    fn the_explanation_ends_with_the_count() {
        let last = |finding: &Finding| {
            let json = finding_json(finding);
            json["watchfire"]["explanation"].as_array().unwrap().last().cloned().unwrap()
        };
        let mut finding = samples::api_call();
        assert_eq!(
            last(&finding),
            "Seen 3 times between 2026-01-31T12:00:00.000Z and 2026-01-31T12:05:00.000Z; the details are those of the newest."
        );
        finding.last_seen = finding.first_seen;
        assert_eq!(last(&finding), "Seen 3 times, at 2026-01-31T12:00:00.000Z.");
        assert_eq!(last(&samples::s3_call()), "Seen once, at 2026-01-31T12:00:00.000Z.");
    }

    #[test]
    fn a_count_beyond_the_wire_is_cut_there_and_whole_in_the_evidence() {
        let mut finding = samples::api_call();
        finding.count = u64::MAX;
        finding.evidence.count = u64::MAX;
        let json = finding_json(&finding);
        assert_eq!(json["service"]["count"], json!(i32::MAX));
        assert_eq!(json["watchfire"]["evidence"]["count"], json!(u64::MAX));
    }

    #[test]
    fn keys_are_written_in_a_fixed_order() {
        let mut line = Vec::new();
        write_jsonl(&[samples::s3_call()], &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(
            line.starts_with(r#"{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-west-1","#),
            "{line}"
        );
        assert!(line.ends_with("\"missing\":[]}}\n") && line.lines().count() == 1);
    }

    #[test]
    fn the_document_reads_back_as_the_findings() {
        let findings = samples::all();
        let mut text = Vec::new();
        write_json(&findings, &mut text).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json_document(&findings));
        let mut empty = Vec::new();
        write_json(&[], &mut empty).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&empty).unwrap(), json!({"findings": []}));
    }
}
