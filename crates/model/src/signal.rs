//! What one detection says about one record, and the parts that a finding is made of.
//!
//! The parts are named after GuardDuty's JSON; a value that is not known is absent, never invented.

use crate::{Anomaly, FindingType, ListKind, Severity, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What one detection says about one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The type of the finding this belongs to.
    pub finding_type: FindingType,
    /// Severity by context.
    pub severity: Severity,
    /// The account that owns the resource.
    pub account: String,
    /// The region.
    pub region: String,
    /// What the finding is about, within type, account and region: signals of one entity fold into one finding.
    pub entity: String,
    /// The resource, in detail.
    pub resource: Resource,
    /// The activity.
    pub action: Action,
    /// Whether the resource is the victim or the culprit.
    pub role: Option<ResourceRole>,
    /// The list entries that matched; empty for rules without lists.
    pub threats: Vec<ThreatMatch>,
    /// Further keys of `service.additionalInfo`.
    pub additional: BTreeMap<String, serde_json::Value>,
    /// What was unusual, where the finding is about habits.
    #[serde(default)]
    pub anomaly: Option<Box<Anomaly>>,
    /// One line, as GuardDuty titles its findings.
    pub title: String,
    /// What happened, as GuardDuty describes it.
    pub description: String,
    /// Whole sentences with the numbers that made the rule fire.
    pub reasons: Vec<String>,
    /// Whole sentences on what could not be known, and why.
    pub missing: Vec<String>,
    /// Kinds of knowledge consulted besides the lists in `threats`: `aws-ranges`, `inventory`, `public-suffixes`, ….
    pub consulted: Vec<String>,
}

impl Signal {
    /// A signal of this type about this entity; the rest is filled in by the detection.
    pub fn new(finding_type: FindingType, severity: Severity, entity: impl Into<String>) -> Self {
        Self {
            finding_type,
            severity,
            account: String::new(),
            region: String::new(),
            entity: entity.into(),
            resource: Resource::default(),
            action: Action::default(),
            role: None,
            threats: Vec::new(),
            additional: BTreeMap::new(),
            anomaly: None,
            title: String::new(),
            description: String::new(),
            reasons: Vec::new(),
            missing: Vec::new(),
            consulted: Vec::new(),
        }
    }
}

/// Whether the resource was attacked or attacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Serialize, Deserialize)]
pub enum ResourceRole {
    /// The resource is the victim.
    Target,
    /// The resource is the culprit.
    Actor,
}

/// `resource`: what the finding is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// `resourceType`.
    pub kind: ResourceKind,
    /// `accessKeyDetails`.
    pub access_key: Option<AccessKey>,
    /// `instanceDetails`.
    pub instance: Option<Instance>,
    /// `s3BucketDetails`.
    pub buckets: Vec<Bucket>,
}

/// `resourceType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
pub enum ResourceKind {
    /// An identity's credentials.
    #[default]
    AccessKey,
    /// An EC2 instance, or an interface whose instance is not known.
    Instance,
    /// A bucket.
    S3Bucket,
}

/// `accessKeyDetails`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccessKey {
    /// `accessKeyId`.
    pub access_key_id: String,
    /// `principalId`.
    pub principal_id: String,
    /// `userName`: the user, or the role of a session.
    pub user_name: String,
    /// `userType`: CloudTrail's `userIdentity.type`.
    pub user_type: String,
}

/// `instanceDetails`. Empty texts are not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// `instanceId`.
    pub instance_id: String,
    /// `instanceType`.
    pub instance_type: String,
    /// `imageId`.
    pub image_id: String,
    /// `imageDescription`.
    pub image_description: String,
    /// `instanceState`.
    pub state: String,
    /// `availabilityZone`.
    pub availability_zone: String,
    /// `launchTime`.
    pub launch_time: String,
    /// `platform`.
    pub platform: String,
    /// `iamInstanceProfile.arn`.
    pub profile_arn: String,
    /// `iamInstanceProfile.id`.
    pub profile_id: String,
    /// `tags`.
    pub tags: Vec<(String, String)>,
    /// `networkInterfaces`.
    pub interfaces: Vec<NetworkInterface>,
}

/// One of `instanceDetails.networkInterfaces`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// `networkInterfaceId`.
    pub interface_id: String,
    /// `privateIpAddress`.
    pub private_ip: Option<IpAddr>,
    /// `publicIp`.
    pub public_ip: Option<IpAddr>,
    /// `ipv6Addresses`.
    pub ipv6: Vec<IpAddr>,
    /// `privateDnsName`.
    pub private_dns_name: String,
    /// `publicDnsName`.
    pub public_dns_name: String,
    /// `subnetId`.
    pub subnet_id: String,
    /// `vpcId`.
    pub vpc_id: String,
    /// `securityGroups`: (id, name).
    pub security_groups: Vec<(String, String)>,
}

/// One of `s3BucketDetails`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// `name`.
    pub name: String,
    /// `arn`.
    pub arn: String,
    /// `type`: `Destination` for the bucket acted upon, `Source` for the one copied from.
    pub role: String,
    /// `createdAt`.
    pub created_at: Option<Time>,
    /// `owner.id`, the canonical id.
    pub owner_id: String,
    /// `tags`.
    pub tags: Vec<(String, String)>,
    /// `defaultServerSideEncryption`: (type, key ARN).
    pub encryption: Option<(String, String)>,
    /// `publicAccess`, where derivable.
    pub public_access: Option<PublicAccess>,
}

/// `publicAccess`. `None` in a field: not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// `effectivePermission`.
    pub effective: BucketPermission,
    /// ACL allows the public to (read, write).
    pub acl: (Option<bool>, Option<bool>),
    /// Policy allows the public to (read, write).
    pub policy: (Option<bool>, Option<bool>),
    /// Bucket-level block-public-access: ignorePublicAcls, restrictPublicBuckets, blockPublicAcls, blockPublicPolicy.
    pub bucket_block: Option<[bool; 4]>,
    /// The same of the account.
    pub account_block: Option<[bool; 4]>,
}

/// `effectivePermission`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
pub enum BucketPermission {
    /// Open to everyone.
    Public,
    /// Closed to the public.
    NotPublic,
    /// Could not be decided.
    #[default]
    Unknown,
}

/// `service.action`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// `AWS_API_CALL`.
    ApiCall(ApiCallAction),
    /// `NETWORK_CONNECTION`.
    NetworkConnection(NetworkConnectionAction),
    /// `PORT_PROBE`.
    PortProbe(PortProbeAction),
    /// `DNS_REQUEST`.
    DnsRequest(DnsRequestAction),
}

impl Default for Action {
    fn default() -> Self {
        Self::ApiCall(ApiCallAction::default())
    }
}

/// `awsApiCallAction`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiCallAction {
    /// `api`.
    pub api: String,
    /// `serviceName`, such as `s3.amazonaws.com`.
    pub service: String,
    /// `callerType`: `Remote IP`, or `Domain` for a call by a service.
    pub caller_type: String,
    /// `errorCode`; empty on success.
    pub error_code: String,
    /// `userAgent`.
    pub user_agent: String,
    /// `remoteIpDetails`.
    pub remote: Option<Remote>,
    /// `domainDetails.domain`: the service that called.
    pub domain: String,
    /// `remoteAccountDetails`.
    pub remote_account: Option<RemoteAccount>,
    /// `affectedResources`: CloudFormation type to name, such as `AWS::S3::Bucket`.
    pub affected_resources: BTreeMap<String, String>,
}

/// `remoteAccountDetails`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteAccount {
    /// `accountId`; empty when the address belongs to AWS but its account is not known.
    pub account_id: String,
    /// `affiliated`: the same administrator account.
    pub affiliated: bool,
}

/// `networkConnectionAction`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkConnectionAction {
    /// `connectionDirection`.
    pub direction: ConnectionDirection,
    /// `protocol`: `TCP`, `UDP`, `ICMP` or the number.
    pub protocol: String,
    /// `blocked`.
    pub blocked: bool,
    /// `localIpDetails`.
    pub local_ip: Option<IpAddr>,
    /// `localPortDetails.port`.
    pub local_port: u16,
    /// `localNetworkInterface`.
    pub local_interface: String,
    /// `remoteIpDetails`.
    pub remote: Option<Remote>,
    /// `remotePortDetails.port`.
    pub remote_port: u16,
}

/// Who opened the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Serialize, Deserialize)]
pub enum ConnectionDirection {
    /// The remote side did.
    Inbound,
    /// Our resource did.
    Outbound,
    /// The records do not tell.
    #[default]
    Unknown,
}

/// `portProbeAction`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortProbeAction {
    /// `blocked`.
    pub blocked: bool,
    /// `portProbeDetails`.
    pub probes: Vec<PortProbe>,
}

/// One of `portProbeDetails`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortProbe {
    /// `localPortDetails.port`.
    pub local_port: u16,
    /// `localIpDetails`.
    pub local_ip: Option<IpAddr>,
    /// `remoteIpDetails`.
    pub remote: Remote,
}

/// `dnsRequestAction`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DnsRequestAction {
    /// `domain`, without the trailing dot.
    pub domain: String,
    /// `domainWithSuffix`: the registered domain under the public suffix.
    pub domain_with_suffix: String,
    /// `protocol`: `UDP` or `TCP`.
    pub protocol: String,
    /// `blocked`, by DNS Firewall.
    pub blocked: bool,
    /// `vpcOwnerAccountId`.
    pub vpc_owner: String,
}

/// `remoteIpDetails`. Empty texts and `None` are not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    /// `ipAddressV4` or `ipAddressV6`.
    pub ip: IpAddr,
    /// `city.cityName`.
    pub city: String,
    /// `country.countryCode`.
    pub country_code: String,
    /// `country.countryName`.
    pub country_name: String,
    /// `geoLocation`: latitude, longitude in degrees.
    pub location: Option<(f64, f64)>,
    /// `organization.asn`.
    pub asn: Option<u32>,
    /// `organization.asnOrg`.
    pub asn_org: String,
    /// `organization.isp`.
    pub isp: String,
    /// `organization.org`.
    pub org: String,
}

impl Remote {
    /// An address of which nothing else is known.
    pub fn unknown(ip: IpAddr) -> Self {
        Self {
            ip,
            city: String::new(),
            country_code: String::new(),
            country_name: String::new(),
            location: None,
            asn: None,
            asn_org: String::new(),
            isp: String::new(),
            org: String::new(),
        }
    }
}

/// One entry of one list that covers what was looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ThreatMatch {
    /// The list's name.
    pub list: String,
    /// The list's kind.
    pub kind: ListKind,
    /// The list's date or version as its header gives it; empty if it gives none.
    pub version: String,
    /// The entry's text, such as `198.51.100.0/24`.
    pub entry: String,
    /// What the list calls the threat, such as a malware family; empty if it gives no name.
    pub threat_name: String,
    /// The address, name or key that was looked up.
    pub matched: String,
    /// When the entry was last seen to be what the list says; `None` where the list does not date its entries.
    #[serde(default)]
    pub seen: Option<Time>,
    /// How old the entry was at the event, in whole days; 0 for an event before [`Self::seen`].
    #[serde(default)]
    pub age_days: Option<u32>,
    /// How much the entry weighs at the event, in percent: the list's confidence, less by age and by guards.
    #[serde(default)]
    pub weight: u8,
    /// A guard list that covers what was looked up, such as one of public resolvers; empty if none does.
    #[serde(default)]
    pub guard: String,
}

impl ThreatMatch {
    /// Whether both are the same entry of the same list about the same thing, perhaps at different times.
    pub fn is_same_entry(&self, other: &Self) -> bool {
        fn parts(threat: &ThreatMatch) -> (ListKind, [&str; 5]) {
            let ThreatMatch { list, kind, version, entry, threat_name, matched, .. } = threat;
            (*kind, [list, version, entry, threat_name, matched])
        }
        parts(self) == parts(other)
    }
}
