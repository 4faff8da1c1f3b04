//! What the logs themselves have shown of the estate, up to a moment of event time.
//!
//! The inventory that a user hands over is what is; this is what was seen to be: who made which bucket public, where
//! trails write, which instance an interface belongs to, which addresses a role's credentials came from. The engine
//! shows it each record *after* the detections have judged it, in order of event time, so it never knows the future:
//! `scan` and `serve` learn the same.

use crate::Knowledge;
use crate::bounded::Bounded;
use crate::bucket_access::{PublicAccessBlock, effective};
use crate::bucket_acl::{AclVerdict, evaluate_acl};
use crate::bucket_policy::{Audience, PolicyVerdict, evaluate_policy};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_model::{ApiCall, Bucket, IdentityKind, Instance, NetworkInterface, Time};

/// Buckets remembered; about 1 KB each.
const BUCKETS_MAX: usize = 100_000;
/// Instances remembered; about 500 B each.
const INSTANCES_MAX: usize = 200_000;
/// Temporary keys of instances remembered; about 150 B each.
const KEYS_MAX: usize = 200_000;
/// Addresses that credentials came from, remembered; about 200 B each.
const EGRESS_MAX: usize = 100_000;
/// Roles whose service is known, remembered; about 300 B each.
const ROLES_MAX: usize = 50_000;
/// Addresses of interfaces, remembered; about 100 B each.
const ADDRESSES_MAX: usize = 500_000;

/// A temporary key is bound to the addresses of its first 15 minutes. Source: Netflix, "Detecting Credential
/// Compromise in AWS" (2018).
pub const BINDING_MS: i64 = 15 * Time::MINUTE_MS;
/// Keys of instance roles live six hours; twice that, and a key that is still used is another.
const KEY_LIFE_MS: i64 = 12 * Time::HOUR_MS;
/// Instances whose credentials came from an address before it counts as shared egress. Source: our choice, so that one
/// thief with two stolen keys is no gateway.
pub const EGRESS_INSTANCES_MIN: usize = 3;
/// Earlier days on which they did. Source: our choice, with [`EGRESS_INSTANCES_MIN`].
pub const EGRESS_DAYS_MIN: usize = 2;
/// Session names of a service's role that are remembered one by one.
const SESSION_NAMES_MAX: usize = 64;

/// The estate as the logs have shown it so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Estate {
    buckets: Bounded<String, BucketState>,
    accounts: BTreeMap<String, AccountState>,
    /// (account, trail) → bucket.
    trails: BTreeMap<String, TrailState>,
    /// Buckets that CloudTrail was seen writing to, whatever the trail.
    log_buckets: Bounded<String, ()>,
    instances: Bounded<String, InstanceState>,
    interfaces: Bounded<String, String>,
    own_addresses: Bounded<(String, IpAddr), ()>,
    keys: Bounded<String, KeyState>,
    instance_addresses: Bounded<String, BTreeSet<IpAddr>>,
    egress: Bounded<(String, IpAddr), EgressState>,
    roles: Bounded<String, BTreeMap<Workload, BTreeSet<String>>>,
    /// (role, session) made by a caller that is no AWS service, with a name like a task's id.
    foreign_sessions: Bounded<(String, String), ()>,
}

impl Default for Estate {
    fn default() -> Self {
        Self {
            buckets: Bounded::new(BUCKETS_MAX),
            accounts: BTreeMap::new(),
            trails: BTreeMap::new(),
            log_buckets: Bounded::new(BUCKETS_MAX),
            instances: Bounded::new(INSTANCES_MAX),
            interfaces: Bounded::new(INSTANCES_MAX),
            own_addresses: Bounded::new(ADDRESSES_MAX),
            keys: Bounded::new(KEYS_MAX),
            instance_addresses: Bounded::new(INSTANCES_MAX),
            egress: Bounded::new(EGRESS_MAX),
            roles: Bounded::new(ROLES_MAX),
            foreign_sessions: Bounded::new(ROLES_MAX),
        }
    }
}

/// A kind of resource that AWS hands a role's credentials to, other than an instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Workload {
    /// A Lambda function.
    Lambda,
    /// An ECS task.
    EcsTask,
}

impl Workload {
    /// The service principal that assumes such roles.
    pub const fn service(self) -> &'static str {
        match self {
            Self::Lambda => "lambda.amazonaws.com",
            Self::EcsTask => "ecs-tasks.amazonaws.com",
        }
    }

    /// The kind with this service principal.
    pub fn from_service(service: &str) -> Option<Self> {
        [Self::Lambda, Self::EcsTask].into_iter().find(|kind| kind.service() == service)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct BucketState {
    account: String,
    created_ms: Option<i64>,
    policy: Option<PolicyVerdict>,
    acl: Option<AclVerdict>,
    block: Option<PublicAccessBlock>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct AccountState {
    block: Option<PublicAccessBlock>,
    password_policy: Option<PasswordPolicy>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct TrailState {
    name: String,
    bucket: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct InstanceState {
    instance_type: String,
    image_id: String,
    zone: String,
    launch_time: String,
    platform: String,
    profile_arn: String,
    profile_id: String,
    tags: Vec<(String, String)>,
    interface_id: String,
    private_ip: Option<IpAddr>,
    subnet_id: String,
    vpc_id: String,
    security_groups: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct KeyState {
    first_ms: i64,
    addresses: BTreeSet<IpAddr>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct EgressState {
    instances: BTreeSet<String>,
    days: BTreeSet<i64>,
}

/// `PasswordPolicy` of an account, as IAM takes it. Fields left out of a call fall back to IAM's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// Characters; IAM's default is 6.
    pub minimum_length: u32,
    /// Character classes asked for: symbols, numbers, upper case, lower case.
    pub classes: [bool; 4],
    /// Days until a password expires; `None`: never.
    pub max_age_days: Option<u32>,
    /// Old passwords that may not be used again; `None`: any may.
    pub reuse_prevention: Option<u32>,
}

impl PasswordPolicy {
    /// The policy that `UpdateAccountPasswordPolicy` with these parameters leaves behind.
    ///
    /// Source: IAM API reference: a parameter that is left out is set to its default, not left as it was.
    pub fn from_request(request: &Value) -> Self {
        let number = |key: &str| {
            request
                .get(key)
                .and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()))
                .and_then(|value| u32::try_from(value).ok())
        };
        let flag = |key: &str| request.get(key).is_some_and(|value| value == true || value == "true");
        Self {
            minimum_length: number("minimumPasswordLength").unwrap_or(6),
            classes: ["requireSymbols", "requireNumbers", "requireUppercaseCharacters", "requireLowercaseCharacters"]
                .map(flag),
            max_age_days: number("maxPasswordAge").filter(|&days| days > 0),
            reuse_prevention: number("passwordReusePrevention").filter(|&count| count > 0),
        }
    }
}

/// The calls that the estate learns from, besides those that detections listen to.
pub const LEARNS_FROM: &[&str] = &[
    "cloudtrail:CreateTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:DeleteTrail",
    "ec2:RunInstances",
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateAccountPasswordPolicy",
    "iam:DeleteAccountPasswordPolicy",
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock",
    "s3:DeletePublicAccessBlock",
    "s3:PutAccountPublicAccessBlock",
    "s3:DeleteAccountPublicAccessBlock",
];

impl Estate {
    /// Takes in what a call shows. Refused calls change nothing and teach nothing.
    pub fn learn_call(&mut self, call: &ApiCall<'_>) {
        if !call.succeeded() {
            return;
        }
        self.learn_credentials(call);
        match (call.service(), call.name.as_ref()) {
            ("sts", "AssumeRole") if call.identity.kind == IdentityKind::AwsService => self.learn_workload_role(call),
            ("sts", "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity") => {
                self.learn_foreign_session(call);
            }
            ("iam", "CreateRole" | "UpdateAssumeRolePolicy") => self.learn_trust(call),
            ("iam", "UpdateAccountPasswordPolicy") => {
                self.account(call).password_policy = Some(PasswordPolicy::from_request(&call.request_json()));
            }
            ("iam", "DeleteAccountPasswordPolicy") => self.account(call).password_policy = None,
            ("ec2", "RunInstances") => self.learn_instances(call),
            ("cloudtrail", "CreateTrail" | "UpdateTrail") => self.learn_trail(call),
            ("cloudtrail", "DeleteTrail") => {
                if let Some(name) = call.parameter("name") {
                    self.trails.remove(&trail_key(call.account(), &name));
                }
            }
            ("s3", "GetBucketAcl" | "PutObject") if is_cloudtrail(call) => {
                if let Some(bucket) = call.parameter("bucketName") {
                    self.log_buckets.touch(bucket, call.time, || ());
                }
            }
            ("s3" | "s3-control", _) => self.learn_bucket(call),
            _ => {}
        }
    }

    /// Takes in that an interface of this instance has this address.
    pub fn learn_interface(
        &mut self,
        account: &str,
        interface_id: &str,
        instance_id: &str,
        address: Option<IpAddr>,
        at: Time,
    ) {
        if !interface_id.is_empty() && !instance_id.is_empty() {
            *self.interfaces.touch(interface_id.to_owned(), at, String::new) = instance_id.to_owned();
        }
        if let Some(address) = address {
            self.own_addresses.touch((account.to_owned(), address), at, || ());
        }
    }

    /// The name of a trail that is known to write to this bucket; empty if only CloudTrail's own calls tell of one.
    pub fn trail_writing_to(&self, bucket: &str) -> Option<&str> {
        let named = self.trails.values().find(|trail| !bucket.is_empty() && trail.bucket == bucket);
        named
            .map(|trail| trail.name.as_str())
            .or_else(|| self.log_buckets.get(&bucket.to_owned()).is_some().then_some(""))
    }

    /// Whether someone other than an AWS service was seen to make this session of this role. Only sessions named like a
    /// task's id are remembered.
    pub fn is_made_by_others(&self, role_arn: &str, session_name: &str) -> bool {
        self.foreign_sessions.get(&(role_arn.to_owned(), session_name.to_owned())).is_some()
    }

    /// The account's password policy, if a change of it was seen.
    pub fn password_policy(&self, account: &str) -> Option<PasswordPolicy> {
        self.accounts.get(account)?.password_policy
    }

    /// Whether flow logs of this account showed this address on an interface of its own.
    pub fn owns(&self, account: &str, address: IpAddr) -> bool {
        self.own_addresses.get(&(account.to_owned(), address)).is_some()
    }

    /// Whether three or more instances' credentials came from this address on two or more days before `now`.
    pub fn is_shared_egress(&self, account: &str, address: IpAddr, now: Time) -> bool {
        let Some(egress) = self.egress.get(&(account.to_owned(), address)) else { return false };
        egress.instances.len() >= EGRESS_INSTANCES_MIN
            && egress.days.iter().filter(|&&day| day < now.day()).count() >= EGRESS_DAYS_MIN
    }

    /// When this temporary key was first seen; `None` if never.
    pub fn key_first_seen(&self, key: &str) -> Option<Time> {
        self.keys.get(&key.to_owned()).map(|state| Time::from_ms(state.first_ms))
    }

    /// Whether the address is bound to the key (its first 15 minutes) or to the instance by an earlier key.
    pub fn is_bound(&self, key: &str, instance_id: &str, address: IpAddr) -> bool {
        let by_key = self.keys.get(&key.to_owned()).is_some_and(|state| state.addresses.contains(&address));
        by_key
            || self
                .instance_addresses
                .get(&instance_id.to_owned())
                .is_some_and(|addresses| addresses.contains(&address))
    }

    /// The addresses bound to the key or to the instance by an earlier key; see [`Self::is_bound`].
    pub fn bound_addresses(&self, key: &str, instance_id: &str) -> BTreeSet<IpAddr> {
        let by_key = self.keys.get(&key.to_owned()).map(|state| &state.addresses);
        let by_instance = self.instance_addresses.get(&instance_id.to_owned());
        by_key.into_iter().chain(by_instance).flatten().copied().collect()
    }

    /// What AWS hands this role's credentials to, if it was seen doing so (or the role trusts the service) for a
    /// session of this name.
    pub fn workload_of(&self, role_arn: &str, session_name: &str) -> Option<Workload> {
        let services = self.roles.get(&role_arn.to_owned())?;
        let (&kind, _) = services.iter().find(|(_, names)| names.contains(session_name) || names.is_empty())?;
        Some(kind)
    }

    /// The instance behind these ids: the inventory's word first, then what the logs showed, then the ids themselves.
    pub fn instance(
        &self,
        knowledge: &Knowledge,
        account: &str,
        instance_id: &str,
        interface_id: &str,
        address: Option<IpAddr>,
    ) -> Instance {
        let instance_id = if instance_id.is_empty() {
            self.interfaces.get(&interface_id.to_owned()).map_or("", String::as_str)
        } else {
            instance_id
        };
        let inventory = &knowledge.inventory;
        let by_interface = || inventory.interface(interface_id).map(|(instance, _)| instance);
        let by_address = || {
            address
                .and_then(|ip| inventory.by_public_ip(ip))
                .filter(|(instance, _)| instance.account == account)
                .map(|(instance, _)| instance)
        };
        if let Some(known) = inventory.instance(instance_id).or_else(by_interface).or_else(by_address) {
            return known.into();
        }
        let mut instance = Instance { instance_id: instance_id.to_owned(), ..Instance::default() };
        let mut interface = NetworkInterface { interface_id: interface_id.to_owned(), ..NetworkInterface::default() };
        if let Some(state) = self.instances.get(&instance_id.to_owned()) {
            state.describe(&mut instance);
            if interface_id.is_empty() || interface_id == state.interface_id {
                interface = state.interface();
            }
        }
        match address {
            Some(address @ IpAddr::V6(_)) if !interface.ipv6.contains(&address) => interface.ipv6.push(address),
            Some(address @ IpAddr::V4(_)) if interface.private_ip.is_none() => interface.private_ip = Some(address),
            _ => {}
        }
        if interface != NetworkInterface::default() {
            instance.interfaces.push(interface);
        }
        instance
    }

    /// What is known of a bucket: the inventory's word first, then what the logs showed.
    pub fn bucket(&self, knowledge: &Knowledge, name: &str, account: &str) -> Bucket {
        let mut bucket = knowledge.inventory.bucket(name).map(Bucket::from).unwrap_or_else(|| Bucket {
            name: name.to_owned(),
            arn: format!("arn:aws:s3:::{name}"),
            ..Bucket::default()
        });
        "Destination".clone_into(&mut bucket.role);
        let state = self.buckets.get(&name.to_owned());
        if bucket.created_at.is_none() {
            bucket.created_at = state.and_then(|state| state.created_ms).map(Time::from_ms);
        }
        if bucket.public_access.is_none() {
            let account_block = self.accounts.get(account).and_then(|account| account.block);
            let (policy, acl, block) =
                state.map_or((None, None, None), |state| (state.policy.as_ref(), state.acl.as_ref(), state.block));
            if policy.is_some() || acl.is_some() || block.is_some() || account_block.is_some() {
                bucket.public_access = Some(effective(policy, acl, block, account_block));
            }
        }
        bucket
    }

    /// The audience that the bucket's policy and ACL had before, as far as the logs showed: `None` if never seen.
    pub fn bucket_audience(&self, name: &str) -> Option<Audience> {
        let state = self.buckets.get(&name.to_owned())?;
        let policy = state.policy.as_ref().map(|policy| policy.audience);
        let acl = state.acl.as_ref().map(|acl| acl.audience);
        policy.max(acl)
    }

    /// The bucket's own Block Public Access, if a change of it was seen.
    pub fn bucket_block(&self, name: &str) -> Option<PublicAccessBlock> {
        self.buckets.get(&name.to_owned())?.block
    }

    /// The account's Block Public Access, if a change of it was seen.
    pub fn account_block(&self, account: &str) -> Option<PublicAccessBlock> {
        self.accounts.get(account)?.block
    }

    /// Forgets keys that have expired by `now`.
    pub fn expire(&mut self, now: Time) {
        self.keys.forget_before(now.plus_ms(-KEY_LIFE_MS));
    }

    /// Rebuilds what is not saved, after the state was read back.
    pub fn restored(mut self) -> Self {
        self.buckets.reindex();
        self.instances.reindex();
        self.interfaces.reindex();
        self.own_addresses.reindex();
        self.keys.reindex();
        self.instance_addresses.reindex();
        self.egress.reindex();
        self.roles.reindex();
        self.log_buckets.reindex();
        self.foreign_sessions.reindex();
        self
    }

    /// Per kind of entity: its name, how many are held, their approximate bytes, and how many were forgotten for room.
    pub fn sizes(&self) -> Vec<(&'static str, u64, u64, u64)> {
        let size = |name, count: usize, each: u64, evicted| (name, count as u64, count as u64 * each, evicted);
        vec![
            size("buckets", self.buckets.len(), 1_000, self.buckets.evicted()),
            size("accounts", self.accounts.len(), 200, 0),
            size("trails", self.trails.len(), 150, 0),
            size("instances", self.instances.len(), 500, self.instances.evicted()),
            size("interfaces", self.interfaces.len(), 150, self.interfaces.evicted()),
            size("own addresses", self.own_addresses.len(), 120, self.own_addresses.evicted()),
            size("temporary keys", self.keys.len(), 150, self.keys.evicted()),
            size("instance addresses", self.instance_addresses.len(), 150, self.instance_addresses.evicted()),
            size("egress addresses", self.egress.len(), 250, self.egress.evicted()),
            size("workload roles", self.roles.len(), 300, self.roles.evicted()),
            size("log buckets", self.log_buckets.len(), 100, self.log_buckets.evicted()),
            size("others' sessions", self.foreign_sessions.len(), 200, self.foreign_sessions.evicted()),
        ]
    }

    fn account(&mut self, call: &ApiCall<'_>) -> &mut AccountState {
        self.accounts.entry(call.account().to_owned()).or_default()
    }

    /// Binds a session of an instance's role to the address it came from.
    fn learn_credentials(&mut self, call: &ApiCall<'_>) {
        let Some(instance_id) = instance_session(call) else { return };
        let Some(address) = call.source_ip else { return };
        // An event that names no key: the session stands for it, so that keys of other instances are not mixed up with it.
        let identity = &call.identity;
        let key = if identity.access_key_id.is_empty() { &identity.arn } else { &identity.access_key_id };
        let key = key.to_string();
        let first_ms = call.time.ms();
        let state = self.keys.touch(key, call.time, || KeyState { first_ms, addresses: BTreeSet::new() });
        if call.time.ms() - state.first_ms <= BINDING_MS {
            state.addresses.insert(address);
            let addresses = self.instance_addresses.touch(instance_id.to_owned(), call.time, BTreeSet::new);
            if addresses.len() < 32 {
                addresses.insert(address);
            }
        }
        let egress = self.egress.touch((call.account().to_owned(), address), call.time, EgressState::default);
        if egress.instances.len() < EGRESS_INSTANCES_MIN {
            egress.instances.insert(instance_id.to_owned());
        }
        if egress.days.len() <= EGRESS_DAYS_MIN {
            egress.days.insert(call.time.day());
        }
    }

    /// A service assumed a role for one of its workloads.
    fn learn_workload_role(&mut self, call: &ApiCall<'_>) {
        let Some(kind) =
            Workload::from_service(&call.identity.invoked_by).or_else(|| Workload::from_service(&call.source_address))
        else {
            return;
        };
        let [Some(role), Some(session)] = call.parameters(["roleArn", "roleSessionName"]) else {
            return;
        };
        let names = self.roles.touch(role, call.time, BTreeMap::new).entry(kind).or_default();
        if names.len() < SESSION_NAMES_MAX {
            names.insert(session);
        }
    }

    /// A person or another account made a session.
    fn learn_foreign_session(&mut self, call: &ApiCall<'_>) {
        let [Some(role), Some(session)] = call.parameters(["roleArn", "roleSessionName"]) else {
            return;
        };
        if is_task_id(&session) {
            self.foreign_sessions.touch((role, session), call.time, || ());
        }
    }

    /// A role's trust policy names a service.
    fn learn_trust(&mut self, call: &ApiCall<'_>) {
        let request = call.request_json();
        let name = request.get("roleName").and_then(Value::as_str).unwrap_or_default();
        let path = request.get("path").and_then(Value::as_str).unwrap_or("/");
        let document = request
            .get("assumeRolePolicyDocument")
            .or_else(|| request.get("policyDocument"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let role = format!("arn:aws:iam::{}:role{path}{name}", call.account());
        for kind in [Workload::Lambda, Workload::EcsTask] {
            // The service alone: a role that people may assume as well is no proof of who holds its sessions.
            if !name.is_empty()
                && document.contains(kind.service())
                && !document.contains("\"AWS\"")
                && !document.contains("%22AWS%22")
            {
                self.roles.touch(role.clone(), call.time, BTreeMap::new).entry(kind).or_default();
            }
        }
    }

    fn learn_trail(&mut self, call: &ApiCall<'_>) {
        let answered =
            || call.response_json().get("s3BucketName").and_then(|bucket| bucket.as_str().map(str::to_owned));
        // An update that leaves the bucket as it is names it in the answer only.
        let bucket = call.parameter("s3BucketName").or_else(answered);
        let (Some(name), Some(bucket)) = (call.parameter("name"), bucket) else { return };
        self.trails.insert(trail_key(call.account(), &name), TrailState { name, bucket });
    }

    fn learn_bucket(&mut self, call: &ApiCall<'_>) {
        let request = call.request_json();
        match call.name.as_ref() {
            "PutAccountPublicAccessBlock" => {
                self.account(call).block = PublicAccessBlock::parse(&request);
                return;
            }
            "DeleteAccountPublicAccessBlock" => {
                self.account(call).block = Some(PublicAccessBlock::default());
                return;
            }
            _ => {}
        }
        let Some(name) = call.parameter("bucketName") else {
            match call.name.as_ref() {
                "PutPublicAccessBlock" => self.account(call).block = PublicAccessBlock::parse(&request),
                "DeletePublicAccessBlock" => self.account(call).block = Some(PublicAccessBlock::default()),
                _ => {}
            }
            return;
        };
        if !LEARNS_FROM.iter().any(|api| api.strip_prefix("s3:") == Some(&call.name)) {
            return;
        }
        if call.name == "DeleteBucket" {
            self.buckets.remove(&name);
            return;
        }
        let account = call.account().to_owned();
        let state = self.buckets.touch(name.clone(), call.time, || BucketState { account, ..BucketState::default() });
        match call.name.as_ref() {
            "CreateBucket" => {
                // A new bucket has no policy, and its block-public-access is all on unless the account's age says
                // otherwise (since April 2023): what is not seen stays unknown.
                state.created_ms = Some(call.time.ms());
                state.policy = Some(PolicyVerdict::none());
                state.acl = Some(evaluate_acl(&request));
            }
            "PutBucketPolicy" => {
                state.policy = Some(evaluate_policy(
                    request.get("bucketPolicy").or_else(|| request.get("policy")).unwrap_or(&Value::Null),
                    &name,
                    call.time,
                ))
            }
            "DeleteBucketPolicy" => state.policy = Some(PolicyVerdict::none()),
            "PutBucketAcl" => state.acl = Some(evaluate_acl(&request)),
            "PutBucketPublicAccessBlock" | "PutPublicAccessBlock" => state.block = PublicAccessBlock::parse(&request),
            "DeleteBucketPublicAccessBlock" | "DeletePublicAccessBlock" => {
                state.block = Some(PublicAccessBlock::default())
            }
            _ => {}
        }
    }

    /// `RunInstances` answers with what was started.
    fn learn_instances(&mut self, call: &ApiCall<'_>) {
        let response = call.response_json();
        let items = response.pointer("/instancesSet/items").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            let Some(id) = item.get("instanceId").and_then(Value::as_str) else { continue };
            let state = InstanceState::from_response(item);
            if !state.interface_id.is_empty() {
                *self.interfaces.touch(state.interface_id.clone(), call.time, String::new) = id.to_owned();
            }
            *self.instances.touch(id.to_owned(), call.time, InstanceState::default) = state;
        }
    }
}

/// The instance that this call's session belongs to, if its credentials are those of an instance's role.
///
/// EC2 names such sessions after the instance, and since 2022 CloudTrail says `ec2RoleDelivery`.
pub fn instance_session<'a>(call: &'a ApiCall<'_>) -> Option<&'a str> {
    let identity = &call.identity;
    if identity.kind != IdentityKind::AssumedRole {
        return None;
    }
    let session = identity.session_name();
    let is_instance_id = session
        .strip_prefix("i-")
        .is_some_and(|id| matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (is_instance_id || !identity.ec2_role_delivery.is_empty()).then_some(session)
}

/// Whether a name is the id of an ECS task as it is made today: 32 hexadecimal digits.
pub fn is_task_id(session: &str) -> bool {
    session.len() == 32 && session.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether CloudTrail itself calls, as it does to check a log bucket and to write there.
pub fn is_cloudtrail(call: &ApiCall<'_>) -> bool {
    const SERVICE: &str = "cloudtrail.amazonaws.com";
    call.identity.kind == IdentityKind::AwsService
        && (call.identity.invoked_by == SERVICE || call.source_address == SERVICE)
}

fn trail_key(account: &str, name: &str) -> String {
    // Calls name a trail by its name or by its ARN.
    format!("{account} {}", name.rsplit('/').next().unwrap_or(name))
}

impl InstanceState {
    fn from_response(item: &Value) -> Self {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let interface = item.pointer("/networkInterfaceSet/items/0").unwrap_or(&Value::Null);
        let pairs = |list: Option<&Value>, first: &str, second: &str| -> Vec<(String, String)> {
            let items = list.and_then(Value::as_array).into_iter().flatten();
            let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            items.map(|item| (text(item, first), text(item, second))).collect()
        };
        Self {
            instance_type: text("/instanceType"),
            image_id: text("/imageId"),
            zone: text("/placement/availabilityZone"),
            launch_time: item
                .get("launchTime")
                .and_then(Value::as_i64)
                .map_or_else(|| text("/launchTime"), |ms| Time::from_ms(ms).to_string()),
            platform: text("/platform"),
            profile_arn: text("/iamInstanceProfile/arn"),
            profile_id: text("/iamInstanceProfile/id"),
            tags: pairs(item.pointer("/tagSet/items"), "key", "value"),
            interface_id: interface.get("networkInterfaceId").and_then(Value::as_str).unwrap_or_default().to_owned(),
            private_ip: text("/privateIpAddress").parse().ok(),
            subnet_id: text("/subnetId"),
            vpc_id: text("/vpcId"),
            security_groups: pairs(item.pointer("/groupSet/items"), "groupId", "groupName"),
        }
    }

    fn describe(&self, instance: &mut Instance) {
        instance.instance_type.clone_from(&self.instance_type);
        instance.image_id.clone_from(&self.image_id);
        instance.availability_zone.clone_from(&self.zone);
        instance.launch_time.clone_from(&self.launch_time);
        instance.platform.clone_from(&self.platform);
        instance.profile_arn.clone_from(&self.profile_arn);
        instance.profile_id.clone_from(&self.profile_id);
        instance.tags.clone_from(&self.tags);
    }

    fn interface(&self) -> NetworkInterface {
        NetworkInterface {
            interface_id: self.interface_id.clone(),
            private_ip: self.private_ip,
            subnet_id: self.subnet_id.clone(),
            vpc_id: self.vpc_id.clone(),
            security_groups: self.security_groups.clone(),
            ..NetworkInterface::default()
        }
    }
}
