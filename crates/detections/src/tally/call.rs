//! Calls of one API by one caller, alike in all that a habit is made of, in one clock hour.

use super::bytes::{Reader, Writer};
use super::piece::Piece;
use super::{Kept, RecordPlace};
use crate::shared::calls::session::{Deed, InCommon, SessionKey, Shown};
use hashbrown::{HashMap, HashTable};
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use watchfire_knowledge::Knowledge;
use watchfire_knowledge::bucket_access::PublicAccessBlock;
use watchfire_model::{ApiCall, IdentityKind, Time};

/// Longer user agents are cut: what tells clients apart stands at the beginning.
const AGENT_MAX: usize = 256;
/// Longer objects are cut. Source: an ARN of a role has 37 bytes before its path and name; names have 64 at most, and paths
/// that people give are short, though IAM allows 512. It is also what a baseline keeps of a value.
const OBJECT_MAX: usize = 256;
/// The object of a call that sets all of Block Public Access: it shuts the public out, where any other lets some of it in.
pub(crate) const SHUTS: &str = "all on";

/// What is summed together. What recurs from hour to hour is shared by all keys that were read with the same [`CallKeys`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTallyKey {
    /// The clock hour.
    pub hour: i64,
    /// Who called, from where and with which program.
    pub client: Client,
    /// What was called, and how it ended.
    pub api: Api,
    /// `requestParameters.bucketName`, for S3.
    pub bucket: Box<str>,
    /// `vpcEndpointId`.
    pub vpc_endpoint: Box<str>,
    /// Whether this is a data event.
    pub is_data: bool,
    /// Whether `ec2RoleDelivery` is given: the credentials are an instance's.
    pub is_instance_role: bool,
    /// What the call was about, for the few APIs where it tells good from bad: the ARN of the role that is assumed, at most
    /// 256 bytes; `all on` where all of Block Public Access is set.
    pub object: Box<str>,
}

/// Who called, from where and with which program. Cheap to copy: keys in order come in runs of one client.
#[derive(Clone, Default)]
pub struct Client(Arc<ClientInner>);

/// What a [`Client`] is made of. Texts are as in [`ApiCall`] and its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientParts {
    /// `recipientAccountId`, else the caller's account.
    pub account: Piece,
    /// `sessionIssuer.arn`: the role of a session.
    pub issuer_arn: Piece,
    /// `userIdentity.arn`.
    pub arn: Piece,
    /// `userIdentity.type`.
    pub identity_type: Piece,
    /// `userIdentity.principalId`.
    pub principal_id: Piece,
    /// `userIdentity.accountId`.
    pub identity_account: Piece,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Piece,
    /// `userIdentity.userName`.
    pub user_name: Piece,
    /// `sessionIssuer.userName`.
    pub issuer_name: Piece,
    /// `awsRegion`.
    pub region: Piece,
    /// `sourceIPAddress`.
    pub source_address: Piece,
    /// `userAgent`, at most 256 bytes.
    pub user_agent: Piece,
}

#[derive(Default)]
struct ClientInner {
    parts: ClientParts,
    /// The session that its calls belong to, made when it is first asked for: with credentials of an instance, and without.
    sessions: [OnceLock<Option<Arc<SessionKey>>>; 2],
    /// What findings show of it.
    shown: OnceLock<Arc<Shown>>,
}

/// What was called, and how it ended. Cheap to copy.
#[derive(Clone, Default)]
pub struct Api(Arc<ApiInner>);

/// What an [`Api`] is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiParts {
    /// `eventSource`.
    pub source: Box<str>,
    /// `eventName`.
    pub name: Box<str>,
    /// `errorCode`; for a console sign-in that failed, `Failure`.
    pub error_code: Box<str>,
}

#[derive(Default)]
struct ApiInner {
    parts: ApiParts,
    /// What follows from it for habits, made when it is first asked for: of any call, and of one that [`SHUTS`].
    deeds: [OnceLock<Arc<Deed>>; 2],
}

/// Parts that tell clients apart; they are encoded first.
pub const CLIENT_PARTS: usize = 12;
/// Parts that tell apart the calls of one client: those of the API, bucket, endpoint, flags, object.
pub const REST_PARTS: usize = API_PARTS + 4;
const API_PARTS: usize = 3;

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

    /// What follows from the call for habits.
    pub(crate) fn deed(&self) -> &Arc<Deed> {
        // A role may be asked for by any text.
        self.api.deed_of(&*self.object == SHUTS && !self.api.deed().assumes_a_role)
    }

    /// The ARN of the role that was to be assumed.
    pub(crate) fn role(&self) -> Option<&str> {
        let is_of_role = !self.object.is_empty() && self.api.deed().assumes_a_role;
        is_of_role.then_some(&*self.object)
    }
}

/// What a call's key is made of, still in the record.
pub struct CallParts<'c> {
    client: [&'c str; CLIENT_PARTS],
    rest: [&'c str; REST_PARTS],
}

impl<'c> CallParts<'c> {
    /// The parts of this call.
    pub fn of(call: &'c ApiCall<'_>) -> Self {
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
        let client = [
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
        ];
        let outcome = if failed_login { "Failure" } else { &call.error_code };
        let object = object(call);
        Self { client, rest: [&call.source, &call.name, outcome, bucket, &call.vpc_endpoint_id, flags, object] }
    }

    /// Bytes that tell clients apart, and then those that tell apart the calls of one client that are not summed together;
    /// in the order of these two are the keys of one hour.
    pub fn encode(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut client, mut rest) = (Vec::new(), Vec::new());
        self.encode_client(&mut client);
        self.encode_rest(&mut rest);
        (client, rest)
    }

    /// The first half of [`Self::encode`].
    pub fn encode_client(&self, into: &mut Vec<u8>) {
        encode(&self.client, into);
    }

    /// The second half of [`Self::encode`].
    pub fn encode_rest(&self, into: &mut Vec<u8>) {
        // A call without an object is written as before there were objects: sums of that time are added up with it.
        let [before @ .., object] = &self.rest;
        encode(if object.is_empty() { before } else { &self.rest }, into);
    }

    /// The parts that tell clients apart.
    pub fn client(&self) -> &[&'c str; CLIENT_PARTS] {
        &self.client
    }

    /// The parts that tell apart the calls of one client.
    pub fn rest(&self) -> &[&'c str; REST_PARTS] {
        &self.rest
    }
}

fn encode(parts: &[&str], into: &mut Vec<u8>) {
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

impl Client {
    /// The client with these parts.
    pub fn new(parts: ClientParts) -> Self {
        Self(Arc::new(ClientInner { parts, ..ClientInner::default() }))
    }

    /// Its session, made by the first who asks: whoever asks must have the same knowledge.
    pub(crate) fn session(
        &self,
        is_instance_role: bool,
        make: impl FnOnce() -> Option<SessionKey>,
    ) -> Option<&Arc<SessionKey>> {
        self.0.sessions[usize::from(is_instance_role)].get_or_init(|| make().map(Arc::new)).as_ref()
    }

    /// What findings show of it.
    pub(crate) fn shown(&self) -> &Arc<Shown> {
        self.0.shown.get_or_init(|| Arc::new(Shown::of(&self.0.parts, &mut InCommon::default())))
    }

    fn shown_with(&self, in_common: &mut InCommon) -> &Arc<Shown> {
        self.0.shown.get_or_init(|| Arc::new(Shown::of(&self.0.parts, in_common)))
    }
}

impl ClientParts {
    /// Reads the parts from bytes in which each ends with a zero.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let text: Arc<str> = std::str::from_utf8(bytes).ok()?.into();
        let mut ends = memchr::memchr_iter(0, bytes);
        let (mut parts, mut begin) = (Self::default(), 0);
        for field in [
            &mut parts.account,
            &mut parts.issuer_arn,
            &mut parts.arn,
            &mut parts.identity_type,
            &mut parts.principal_id,
            &mut parts.identity_account,
            &mut parts.access_key_id,
            &mut parts.user_name,
            &mut parts.issuer_name,
            &mut parts.region,
            &mut parts.source_address,
            &mut parts.user_agent,
        ] {
            let end = ends.next()?;
            *field = Piece::of(&text, begin, end);
            begin = end + 1;
        }
        Some(parts)
    }

    /// `sourceIPAddress` as an address.
    pub fn source_ip(&self) -> Option<IpAddr> {
        self.source_address.parse().ok()
    }
}

impl Api {
    /// The API and outcome with these parts.
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(ApiInner { parts, ..ApiInner::default() }))
    }

    /// What follows from it for habits, if it is about nothing that matters.
    pub(crate) fn deed(&self) -> &Arc<Deed> {
        self.deed_of(false)
    }

    fn deed_of(&self, shuts: bool) -> &Arc<Deed> {
        self.0.deeds[usize::from(shuts)].get_or_init(|| Arc::new(Deed::of(&self.0.parts, shuts)))
    }
}

impl ApiParts {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut texts = std::str::from_utf8(bytes).ok()?;
        let mut text = || next_part(&mut texts).map(Box::<str>::from);
        Some(Self { source: text()?, name: text()?, error_code: text()? })
    }

    /// The service by its short name: `s3` of `s3.amazonaws.com`.
    pub fn service(&self) -> &str {
        self.source.split('.').next().unwrap_or_default()
    }
}

impl Deref for Client {
    type Target = ClientParts;

    fn deref(&self) -> &ClientParts {
        &self.0.parts
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parts == other.0.parts
    }
}

impl Eq for Client {}

/// As its parts: what was computed from them says nothing more.
impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.parts.fmt(formatter)
    }
}

impl Deref for Api {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0.parts
    }
}

impl PartialEq for Api {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parts == other.0.parts
    }
}

impl Eq for Api {}

/// As its parts, as for a client.
impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.parts.fmt(formatter)
    }
}

/// Clients and APIs read before, so that each is made once, and what follows from it computed once, for as long as a scan
/// lasts.
#[derive(Default)]
pub struct CallKeys {
    /// Each with the hash of its text.
    clients: HashTable<(u64, Client)>,
    in_common: InCommon,
    apis: HashMap<Box<[u8]>, Api, foldhash::fast::FixedState>,
    hasher: foldhash::fast::FixedState,
}

impl CallKeys {
    /// Clients remembered at most, about 2,000 bytes each; then all are forgotten, which costs time and nothing else.
    const CLIENTS_MAX: usize = 20_000;
    /// The same for APIs with their outcomes, about 500 bytes each.
    const APIS_MAX: usize = 50_000;

    /// Reads the second half of what [`CallParts::encode`] wrote in this hour, and finds out what follows from the client
    /// with this knowledge, always the same. `None` where the bytes are not that.
    pub fn decode(&mut self, hour: i64, client: &Client, rest: &[u8], knowledge: &Knowledge) -> Option<CallTallyKey> {
        let (api, rest) = self.api(rest)?;
        let mut rest = std::str::from_utf8(rest).ok()?;
        let (bucket, vpc_endpoint, flags) = (next_part(&mut rest)?, next_part(&mut rest)?, next_part(&mut rest)?);
        let object = if rest.is_empty() { "" } else { next_part(&mut rest)? };
        let (is_data, is_instance_role) = (flags.contains('d'), flags.contains('i'));
        client.shown_with(&mut self.in_common);
        client.session(is_instance_role, || {
            SessionKey::of_client(client, is_instance_role, knowledge, &mut self.in_common)
        });
        Some(CallTallyKey {
            hour,
            client: client.clone(),
            api,
            bucket: bucket.into(),
            vpc_endpoint: vpc_endpoint.into(),
            is_data,
            is_instance_role,
            object: object.into(),
        })
    }

    /// Reads the first half. `None` where the bytes are not that.
    pub fn client(&mut self, bytes: &[u8]) -> Option<Client> {
        let hash = self.hasher.hash_one(bytes);
        // The first piece of what was read is one of all of it.
        let is_it = |(of, known): &(u64, Client)| *of == hash && known.account.whole().as_bytes() == bytes;
        if let Some((_, client)) = self.clients.find(hash, is_it) {
            return Some(client.clone());
        }
        let client = Client::new(ClientParts::decode(bytes)?);
        if self.clients.len() >= Self::CLIENTS_MAX {
            self.clients.clear();
        }
        self.clients.insert_unique(hash, (hash, client.clone()), |(of, _)| *of);
        Some(client)
    }

    fn api<'b>(&mut self, bytes: &'b [u8]) -> Option<(Api, &'b [u8])> {
        let (own, rest) = split_parts(bytes, API_PARTS)?;
        if let Some(api) = self.apis.get(own) {
            return Some((api.clone(), rest));
        }
        let api = Api::new(ApiParts::decode(own)?);
        if self.apis.len() >= Self::APIS_MAX {
            self.apis.clear();
        }
        self.apis.insert(own.into(), api.clone());
        Some((api, rest))
    }
}

/// The text before the next zero, which is taken away with it.
fn next_part<'t>(texts: &mut &'t str) -> Option<&'t str> {
    let end = memchr::memchr(0, texts.as_bytes())?;
    let part = texts.get(..end)?;
    *texts = texts.get(end + 1..)?;
    Some(part)
}

/// The first so many parts, each with the zero at its end, and what follows them.
fn split_parts(bytes: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr_iter(0, bytes).nth(count.checked_sub(1)?)?;
    Some(bytes.split_at(end + 1))
}

/// The sums of one [`CallTallyKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Kept for CallTally {
    fn encode(&self, into: &mut Vec<u8>) {
        let mut writer = Writer::<80>::new();
        let (first, last) = (self.first.ms() as u64, self.last.ms() as u64);
        let fixed = [self.first_id.to_le_bytes(), (u128::from(first) << 64 | u128::from(self.minutes)).to_le_bytes()];
        fixed.as_flattened().iter().for_each(|byte| writer.byte(*byte));
        writer.number(last.wrapping_sub(first));
        writer.number(self.calls);
        writer.place(self.place);
        writer.finish(into);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let first_id = u128::from_le_bytes(reader.chunk()?);
        let (minutes, first) = (u64::from_le_bytes(reader.chunk()?), u64::from_le_bytes(reader.chunk()?));
        let last = first.wrapping_add(reader.number()?);
        let calls = reader.number()?;
        let (first, last) = (Time::from_ms(first as i64), Time::from_ms(last as i64));
        Some(Self { calls, first, last, minutes, first_id, place: reader.place()? })
    }
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

/// What the call was about. On the hot path: a look at the name, and at the request of those few only.
fn object<'c>(call: &'c ApiCall<'_>) -> &'c str {
    match &*call.name {
        "AssumeRole" if call.source == "sts.amazonaws.com" => cut(role(call.request), OBJECT_MAX),
        "PutBucketPublicAccessBlock" | "PutPublicAccessBlock" | "PutAccountPublicAccessBlock" => {
            let set = PublicAccessBlock::parse(&call.request_json());
            // Of what the event does not show the worse is assumed.
            if set.is_some_and(|set| set.flags() == [true; 4]) { SHUTS } else { "" }
        }
        _ => "",
    }
}

/// The value of `roleArn` in a request, found without parsing, with spaces or without. ARNs have no escapes; a quoted text
/// that mentions it has a backslash before the quote.
fn role(request: &str) -> &str {
    const KEY: &str = "\"roleArn\"";
    let Some(begin) = request.find(KEY) else { return "" };
    let rest = request[begin + KEY.len()..].trim_start();
    let value = rest.strip_prefix(':').and_then(|rest| rest.trim_start().strip_prefix('"'));
    value.and_then(|value| value.split('"').next()).unwrap_or_default()
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again(texts in proptest::collection::vec("[a\\x00é]{0,3}", CLIENT_PARTS + REST_PARTS)) {
            let parts = CallParts {
                client: std::array::from_fn(|at| texts[at].as_str()),
                rest: std::array::from_fn(|at| texts[CLIENT_PARTS + at].as_str()),
            };
            let (client, rest) = parts.encode();
            let (mut keys, knowledge) = (CallKeys::default(), Knowledge::default());
            let client = keys.client(&client).unwrap();
            let key = keys.decode(7, &client, &rest, &knowledge).unwrap();
            let clean: Vec<String> = texts.iter().map(|text| text.replace('\0', " ")).collect();
            let read: [&str; 6] = [
                &key.client.account,
                &key.client.user_agent,
                &key.api.source,
                &key.api.error_code,
                &key.bucket,
                &key.object,
            ];
            prop_assert_eq!(read.map(|part| part.to_string()), [0, 11, 12, 14, 15, 18].map(|at| clean[at].clone()));
            prop_assert_eq!(key, keys.decode(7, &client, &rest, &knowledge).unwrap());
            let cut = &rest[..rest.len().min(REST_PARTS - 3)];
            prop_assert!(keys.decode(7, &client, cut, &knowledge).is_none());
        }
    }

    fn object_of(source: &str, name: &str, request: &str) -> String {
        let call = ApiCall { source: source.into(), name: name.into(), request, ..ApiCall::default() };
        object(&call).to_owned()
    }

    #[test]
    fn the_role_that_is_assumed_is_what_a_call_is_about() {
        let sts = |request: &str| object_of("sts.amazonaws.com", "AssumeRole", request);
        let role = "arn:aws:iam::111122223333:role/Deploy";
        let compact = r#"{"roleArn":"arn:aws:iam::111122223333:role/Deploy","roleSessionName":"x"}"#;
        assert_eq!(sts(compact), role);
        assert_eq!(sts(&compact.replace("\":\"", "\" : \"")), role);
        // A policy that mentions another role, and requests that name none.
        let policy = r#"{"policy":"{\"roleArn\":\"arn:aws:iam::111122223333:role/Other\"}","roleArn":"Deploy"}"#;
        assert_eq!(sts(policy), "Deploy");
        for nothing in ["", "null", "{}", r#"{"roleArn":null}"#, r#"{"roleArn""#, r#"{"roleArn":"#] {
            assert_eq!(sts(nothing), "", "{nothing}");
        }
        assert_eq!(sts(&compact.replace("Deploy", &"é".repeat(300))).len(), OBJECT_MAX - 1, "cut between letters");
        assert_eq!(object_of("sts.amazonaws.com", "AssumeRoleWithSAML", compact), "");
        assert_eq!(object_of("iam.amazonaws.com", "PassRole", compact), "");
    }

    #[test]
    fn to_shut_the_public_out_is_told_from_letting_some_of_it_in() {
        let set = |name: &str, flags: [bool; 4]| {
            let [ignore, restrict, acls, policy] = flags;
            let request = serde_json::json!({"bucketName": "b", "PublicAccessBlockConfiguration": {
                "IgnorePublicAcls": ignore, "RestrictPublicBuckets": restrict, "BlockPublicAcls": acls, "BlockPublicPolicy": policy}});
            object_of("s3.amazonaws.com", name, &request.to_string())
        };
        for name in ["PutBucketPublicAccessBlock", "PutPublicAccessBlock", "PutAccountPublicAccessBlock"] {
            assert_eq!(set(name, [true; 4]), SHUTS);
            assert_eq!(set(name, [true, true, true, false]), "");
            assert_eq!(object_of("s3.amazonaws.com", name, r#"{"bucketName":"b"}"#), "", "nothing is shown of it");
        }
        assert_eq!(set("DeleteBucketPublicAccessBlock", [true; 4]), "");
        assert_eq!(set("PutBucketAcl", [true; 4]), "");
    }

    #[test]
    fn a_call_without_an_object_is_written_as_before_there_were_objects() {
        let call = |name: &'static str| ApiCall {
            source: "sts.amazonaws.com".into(),
            name: name.into(),
            request: r#"{"roleArn":"arn"}"#,
            ..ApiCall::default()
        };
        let zeros = |name| CallParts::of(&call(name)).encode().1.iter().filter(|byte| **byte == 0).count();
        assert_eq!((zeros("GetCallerIdentity"), zeros("AssumeRole")), (REST_PARTS - 1, REST_PARTS));
    }
}
