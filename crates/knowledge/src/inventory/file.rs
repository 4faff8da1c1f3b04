//! The file's content, word for word. Field names are those of the JSON.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_model::{Bucket, BucketPermission, Instance, NetworkInterface, PublicAccess, Time};

/// The whole file. Empty texts and absent values are not known.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InventoryFile {
    /// The day the inventory was taken, such as `2026-01-31`; findings name it.
    pub date: String,
    /// The accounts.
    pub accounts: Vec<InventoryAccount>,
    /// EC2 instances, also terminated ones whose logs are read.
    pub instances: Vec<InventoryInstance>,
    /// Buckets.
    pub buckets: Vec<InventoryBucket>,
    /// NAT gateways, through which many hosts share an address.
    pub nat_gateways: Vec<InventoryNatGateway>,
    /// VPC endpoints and who owns them.
    pub vpc_endpoints: Vec<InventoryVpcEndpoint>,
    /// IAM roles and who may assume them.
    pub roles: Vec<InventoryRole>,
}

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryAccount {
    /// Twelve digits.
    pub id: String,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// The administrator account: accounts of one administrator are affiliated.
    #[serde(default)]
    pub administrator: String,
    /// Whether the account's logs are read here; absent if not known.
    #[serde(default)]
    pub monitored: Option<bool>,
    /// Public addresses and prefixes that the account owns.
    #[serde(default)]
    pub addresses: Vec<AddressOrPrefix>,
}

/// `198.51.100.7` or `198.51.100.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressOrPrefix(pub IpNet);

impl<'de> Deserialize<'de> for AddressOrPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = text.parse::<IpAddr>().map(|ip| IpNet::from(crate::address::canonical(ip)));
        match address.ok().or_else(|| text.parse().ok()) {
            Some(network) => Ok(Self(network)),
            None => Err(serde::de::Error::custom(format!("`{text}` is neither an address nor a prefix"))),
        }
    }
}

/// One EC2 instance.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryInstance {
    /// `i-…`.
    pub id: String,
    /// The account that owns it.
    #[serde(default)]
    pub account: String,
    /// Its region.
    #[serde(default)]
    pub region: String,
    /// Such as `m5.large`.
    #[serde(default, rename = "type")]
    pub instance_type: String,
    /// `ami-…`.
    #[serde(default)]
    pub image: String,
    /// The image's description.
    #[serde(default)]
    pub image_description: String,
    /// Such as `windows`; empty for Linux and where not known.
    #[serde(default)]
    pub platform: String,
    /// Its instance profile.
    #[serde(default)]
    pub profile: Option<InventoryProfile>,
    /// Such as `running`.
    #[serde(default)]
    pub state: String,
    /// Such as `eu-west-1a`.
    #[serde(default)]
    pub availability_zone: String,
    /// When it was launched: RFC 3339, or a date.
    #[serde(default, deserialize_with = "optional_time")]
    pub launch_time: Option<Time>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The EMR cluster it belongs to, `j-…`.
    #[serde(default)]
    pub emr_cluster: String,
    /// Its network interfaces.
    #[serde(default)]
    pub interfaces: Vec<InventoryInterface>,
}

/// An instance profile.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryProfile {
    /// Its ARN.
    #[serde(default)]
    pub arn: String,
    /// Its id, `AIPA…`.
    #[serde(default)]
    pub id: String,
}

/// One network interface of an instance.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryInterface {
    /// `eni-…`.
    #[serde(default)]
    pub id: String,
    /// Its primary private IPv4 address.
    #[serde(default)]
    pub private_ip: Option<IpAddr>,
    /// Its public IPv4 address.
    #[serde(default)]
    pub public_ip: Option<IpAddr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub ipv6: Vec<IpAddr>,
    /// `subnet-…`.
    #[serde(default)]
    pub subnet: String,
    /// `vpc-…`.
    #[serde(default)]
    pub vpc: String,
    /// Its security groups.
    #[serde(default)]
    pub security_groups: Vec<InventorySecurityGroup>,
    /// TCP ports that the security groups open to the whole internet. Empty: none is. Absent: not known.
    #[serde(default)]
    pub open_ports: Option<Vec<u16>>,
}

impl InventoryInterface {
    /// Whether this port is open to the whole internet; `None` if not known.
    pub fn is_open(&self, port: u16) -> Option<bool> {
        self.open_ports.as_ref().map(|ports| ports.contains(&port))
    }
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventorySecurityGroup {
    /// `sg-…`.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// One bucket.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryBucket {
    /// Its name.
    pub name: String,
    /// The account that owns it.
    #[serde(default)]
    pub account: String,
    /// Its region.
    #[serde(default)]
    pub region: String,
    /// The canonical user id of its owner.
    #[serde(default)]
    pub owner: String,
    /// When it was made: RFC 3339, or a date.
    #[serde(default, deserialize_with = "optional_time")]
    pub created: Option<Time>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Its default encryption.
    #[serde(default)]
    pub encryption: Option<InventoryEncryption>,
    /// What the public may do with it.
    #[serde(default)]
    pub public_access: Option<InventoryPublicAccess>,
}

/// Default encryption of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryEncryption {
    /// `AES256` or `aws:kms`.
    #[serde(rename = "type")]
    pub encryption_type: String,
    /// The ARN of the KMS key.
    #[serde(default)]
    pub key: String,
}

/// Public access to a bucket.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InventoryPublicAccess {
    /// What is left after all settings.
    pub effective: InventoryPermission,
    /// What the ACL allows the public.
    pub acl: InventoryReadWrite,
    /// What the policy allows the public.
    pub policy: InventoryReadWrite,
    /// The bucket's block-public-access settings.
    pub bucket_block: Option<InventoryBlock>,
    /// Those of the account.
    pub account_block: Option<InventoryBlock>,
}

/// Whether a bucket is public in effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InventoryPermission {
    /// Open to everyone.
    Public,
    /// Closed to the public.
    NotPublic,
    /// Not known.
    #[default]
    Unknown,
}

/// Read and write, each perhaps not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InventoryReadWrite {
    /// The public may read.
    pub read: Option<bool>,
    /// The public may write.
    pub write: Option<bool>,
}

/// The four block-public-access settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryBlock {
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
}

/// One NAT gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryNatGateway {
    /// `nat-…`.
    pub id: String,
    /// The account that owns it.
    #[serde(default)]
    pub account: String,
    /// Its network interface, `eni-…`.
    #[serde(default)]
    pub interface: String,
    /// Its public addresses.
    #[serde(default)]
    pub public_ips: Vec<IpAddr>,
}

/// One VPC endpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryVpcEndpoint {
    /// `vpce-…`.
    pub id: String,
    /// The account that owns it.
    pub account: String,
}

/// One IAM role.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryRole {
    /// Its ARN.
    pub arn: String,
    /// The services that its trust policy lets assume it, such as `lambda.amazonaws.com`.
    #[serde(default)]
    pub trusts: Vec<String>,
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Time::parse_lenient(&text).map(Some).map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}")))
}

impl From<&InventoryInstance> for Instance {
    fn from(instance: &InventoryInstance) -> Self {
        let profile = instance.profile.clone().unwrap_or_default();
        Self {
            instance_id: instance.id.clone(),
            instance_type: instance.instance_type.clone(),
            image_id: instance.image.clone(),
            image_description: instance.image_description.clone(),
            state: instance.state.clone(),
            availability_zone: instance.availability_zone.clone(),
            launch_time: instance.launch_time.map(|time| time.to_string()).unwrap_or_default(),
            platform: instance.platform.clone(),
            profile_arn: profile.arn,
            profile_id: profile.id,
            tags: pairs(&instance.tags),
            interfaces: instance.interfaces.iter().map(NetworkInterface::from).collect(),
        }
    }
}

impl From<&InventoryInterface> for NetworkInterface {
    fn from(interface: &InventoryInterface) -> Self {
        let groups = interface.security_groups.iter().map(|group| (group.id.clone(), group.name.clone()));
        Self {
            interface_id: interface.id.clone(),
            private_ip: interface.private_ip,
            public_ip: interface.public_ip,
            ipv6: interface.ipv6.clone(),
            private_dns_name: String::new(),
            public_dns_name: String::new(),
            subnet_id: interface.subnet.clone(),
            vpc_id: interface.vpc.clone(),
            security_groups: groups.collect(),
        }
    }
}

/// The role of the bucket (`Destination` or `Source`) depends on the finding and is left empty.
impl From<&InventoryBucket> for Bucket {
    fn from(bucket: &InventoryBucket) -> Self {
        let encryption = bucket.encryption.clone();
        Self {
            name: bucket.name.clone(),
            arn: format!("arn:{}:s3:::{}", partition(&bucket.region), bucket.name),
            role: String::new(),
            created_at: bucket.created,
            owner_id: bucket.owner.clone(),
            tags: pairs(&bucket.tags),
            encryption: encryption.map(|encryption| (encryption.encryption_type, encryption.key)),
            public_access: bucket.public_access.as_ref().map(PublicAccess::from),
        }
    }
}

impl From<&InventoryPublicAccess> for PublicAccess {
    fn from(access: &InventoryPublicAccess) -> Self {
        Self {
            effective: match access.effective {
                InventoryPermission::Public => BucketPermission::Public,
                InventoryPermission::NotPublic => BucketPermission::NotPublic,
                InventoryPermission::Unknown => BucketPermission::Unknown,
            },
            acl: (access.acl.read, access.acl.write),
            policy: (access.policy.read, access.policy.write),
            bucket_block: access.bucket_block.map(InventoryBlock::settings),
            account_block: access.account_block.map(InventoryBlock::settings),
        }
    }
}

impl InventoryBlock {
    /// In the order of [`PublicAccess::bucket_block`].
    fn settings(self) -> [bool; 4] {
        [self.ignore_public_acls, self.restrict_public_buckets, self.block_public_acls, self.block_public_policy]
    }
}

/// The partition in the ARNs of a region.
fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn pairs(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
