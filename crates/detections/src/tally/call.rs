//! Calls of one API by one caller, alike in all that a habit is made of, in one clock hour.

use super::RecordPlace;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use watchfire_model::{ApiCall, IdentityKind, Time};

/// Longer user agents are cut: what tells clients apart stands at the beginning.
const AGENT_MAX: usize = 256;

/// What is summed together. Texts are as in [`ApiCall`] and its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTallyKey {
    /// The clock hour.
    pub hour: i64,
    /// `recipientAccountId`, else the caller's account.
    pub account: Box<str>,
    /// `awsRegion`.
    pub region: Box<str>,
    /// `userIdentity.type`.
    pub identity_type: Box<str>,
    /// `userIdentity.arn`.
    pub arn: Box<str>,
    /// `userIdentity.principalId`.
    pub principal_id: Box<str>,
    /// `userIdentity.accountId`.
    pub identity_account: Box<str>,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Box<str>,
    /// `userIdentity.userName`.
    pub user_name: Box<str>,
    /// `sessionIssuer.arn`: the role of a session.
    pub issuer_arn: Box<str>,
    /// `sessionIssuer.userName`.
    pub issuer_name: Box<str>,
    /// `sourceIPAddress`.
    pub source_address: Box<str>,
    /// `userAgent`, at most 256 bytes.
    pub user_agent: Box<str>,
    /// `eventSource`.
    pub source: Box<str>,
    /// `eventName`.
    pub name: Box<str>,
    /// `errorCode`; for a console sign-in that failed, `Failure`.
    pub error_code: Box<str>,
    /// `requestParameters.bucketName`, for S3.
    pub bucket: Box<str>,
    /// `vpcEndpointId`.
    pub vpc_endpoint: Box<str>,
    /// Whether this is a data event.
    pub is_data: bool,
    /// Whether `ec2RoleDelivery` is given: the credentials are an instance's.
    pub is_instance_role: bool,
}

/// Parts of a key, in the order in which they are encoded.
const PARTS: usize = 18;

impl CallTallyKey {
    /// Whether habits are kept of who made the call: a principal with credentials, not a service for itself or for
    /// somebody, whose address and client say nothing about the caller. The console passes on what a person clicks, and
    /// CloudTrail has called it the invoker. What the owner of a VPC endpoint sees is a copy.
    pub fn is_kept(call: &ApiCall<'_>) -> bool {
        use IdentityKind::{AwsService, Unknown};
        let invoker = &call.identity.invoked_by;
        !matches!(call.identity.kind, AwsService | Unknown)
            && (invoker.is_empty() || invoker == "signin.amazonaws.com")
            && call.source_ip.is_some()
            && call.category != watchfire_model::CallCategory::NetworkActivity
    }

    /// Bytes that tell calls apart that are not summed together; their order is that of the keys of one hour.
    pub fn encode(call: &ApiCall<'_>, into: &mut Vec<u8>) {
        let identity = &call.identity;
        let failed_login = call.error_code.is_empty() && !call.succeeded();
        let bucket = if call.source == "s3.amazonaws.com" { bucket(call.request) } else { "" };
        let flags = match (call.category == watchfire_model::CallCategory::Data, identity.ec2_role_delivery.is_empty())
        {
            (false, true) => "",
            (false, false) => "i",
            (true, true) => "d",
            (true, false) => "di",
        };
        let parts: [&str; PARTS] = [
            call.account(),
            &identity.issuer.arn,
            &identity.arn,
            &identity.kind_text,
            &identity.principal_id,
            &identity.account,
            &identity.access_key_id,
            &identity.user_name,
            &identity.issuer.user_name,
            &call.region,
            &call.source_address,
            cut(&call.user_agent, AGENT_MAX),
            &call.source,
            &call.name,
            if failed_login { "Failure" } else { &call.error_code },
            bucket,
            &call.vpc_endpoint_id,
            flags,
        ];
        for part in parts {
            // The separator cannot stand in a part: hostile text must not pretend to be another key.
            if part.as_bytes().contains(&0) {
                into.extend(part.bytes().map(|byte| if byte == 0 { b' ' } else { byte }));
            } else {
                into.extend_from_slice(part.as_bytes());
            }
            into.push(0);
        }
    }

    /// Reads what [`Self::encode`] wrote in this hour. `None` where the bytes are not that.
    pub fn decode(hour: i64, bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.split('\0');
        let mut part = || parts.next();
        let mut key = Self { hour, account: part()?.into(), ..Self::default() };
        for field in [
            &mut key.issuer_arn,
            &mut key.arn,
            &mut key.identity_type,
            &mut key.principal_id,
            &mut key.identity_account,
            &mut key.access_key_id,
            &mut key.user_name,
            &mut key.issuer_name,
            &mut key.region,
            &mut key.source_address,
            &mut key.user_agent,
            &mut key.source,
            &mut key.name,
            &mut key.error_code,
            &mut key.bucket,
            &mut key.vpc_endpoint,
        ] {
            *field = part()?.into();
        }
        let flags = part()?;
        (key.is_data, key.is_instance_role) = (flags.contains('d'), flags.contains('i'));
        Some(key)
    }

    /// `sourceIPAddress` as an address.
    pub fn source_ip(&self) -> Option<IpAddr> {
        self.source_address.parse().ok()
    }

    /// The service by its short name: `s3` of `s3.amazonaws.com`.
    pub fn service(&self) -> &str {
        self.source.split('.').next().unwrap_or_default()
    }
}

/// The sums of one [`CallTallyKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTally {
    /// Calls.
    pub calls: u64,
    /// The first and the last.
    pub first: Time,
    /// See `first`.
    pub last: Time,
    /// The minutes of the hour with a call, as bits from the hour's first.
    pub minutes: u64,
    /// Identity of the first: it decides among calls of one moment.
    pub first_id: u128,
    /// Where the first stands.
    pub place: RecordPlace,
}

impl CallTally {
    /// Takes in one call.
    pub fn add(&mut self, time: Time, id: u128, place: RecordPlace) {
        let minutes = 1 << (time.ms().rem_euclid(Time::HOUR_MS) / Time::MINUTE_MS);
        self.merge(Self { calls: 1, first: time, last: time, minutes, first_id: id, place });
    }

    /// The first call, the last, and the beginnings of the minutes between them that have one; in order.
    pub fn moments(&self) -> Vec<Time> {
        let hour = self.first.ms().div_euclid(Time::HOUR_MS) * Time::HOUR_MS;
        let begins = (0..60).filter(|minute| self.minutes >> minute & 1 == 1);
        let begins = begins.map(|minute| Time::from_ms(hour + minute * Time::MINUTE_MS));
        let between = begins.filter(|begin| (self.first..=self.last).contains(begin));
        let mut moments: Vec<Time> = [self.first].into_iter().chain(between).chain([self.last]).collect();
        moments.dedup();
        moments
    }

    /// Takes in what another part summed.
    pub fn merge(&mut self, other: Self) {
        if self.calls == 0 {
            *self = other;
            return;
        }
        self.calls = self.calls.saturating_add(other.calls);
        self.last = self.last.max(other.last);
        self.minutes |= other.minutes;
        if (other.first, other.first_id, other.place) < (self.first, self.first_id, self.place) {
            (self.first, self.first_id, self.place) = (other.first, other.first_id, other.place);
        }
    }
}

/// The value of `bucketName` in a request, found without parsing: every S3 data event has one, and names of buckets have
/// no escapes. A quoted text that mentions it has a backslash before the quote.
fn bucket(request: &str) -> &str {
    const KEY: &str = "\"bucketName\":\"";
    let Some(begin) = request.find(KEY) else { return "" };
    let rest = &request[begin + KEY.len()..];
    rest.split('"').next().unwrap_or_default()
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
