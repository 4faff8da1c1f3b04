//! Who called, in words that stay the same from day to day: principal, peers, place, program, outcome.

use super::text::Text;
use crate::shared::call::SIGNATURE_ERRORS;
use crate::tally::{ClientParts, Piece};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use watchfire_knowledge::baseline::{EntityKind, EntityRef};
use watchfire_knowledge::{Knowledge, is_publicly_routable};

/// The subject of a call and those it belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// The normalised ARN: a user's, a role's, the root's; of a person who signs in through a role, the role's and the
    /// person's name.
    pub(crate) principal: Text,
    /// `account/group`.
    pub(crate) peers: String,
    /// The account whose log this is.
    pub(crate) account: Text,
}

/// Where a call came from, as far as it stays the same while a laptop moves through a town.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct Network {
    /// `AS64500`; `AWS us-east-1` for an address of AWS; without a database of autonomous systems `198.51.0.0/16`, or of
    /// IPv6 the /32; `private` for an address inside a VPC.
    pub(crate) name: Text,
    /// The country's code; empty if it is not known.
    pub(crate) country: Text,
    /// Who announces the address; empty if it is not known.
    pub(crate) organisation: String,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// It was granted.
    Ok,
    /// The caller was not allowed.
    Denied,
    /// It failed for another reason.
    Error,
}

impl Caller {
    /// The caller of these calls; `None` for a caller without credentials, or of whom the log says nothing.
    pub(crate) fn of(client: &ClientParts, is_instance_role: bool) -> Option<Self> {
        let is_anonymous = |name: &str| name == "ANONYMOUS_PRINCIPAL" || name.eq_ignore_ascii_case("anonymous");
        if is_anonymous(&client.identity_account) || is_anonymous(&client.principal_id) || client.account.is_empty() {
            return None;
        }
        let role = role_arn(client);
        let person = role.as_ref().and_then(|_| person(client));
        let principal = match (role.as_deref(), person) {
            (Some(role), Some(person)) => format!("{role}/{person}"),
            (Some(role), None) => role.to_owned(),
            (None, _) if &*client.identity_type == "Root" => root_arn(client),
            (None, _) => first_of([&client.arn, &client.principal_id, &client.user_name, &client.access_key_id])?,
        };
        let group = peer_group(client, is_instance_role, role.as_deref(), person.is_some());
        let peers = format!("{}/{group}", client.account);
        Some(Self { principal: (&*principal).into(), peers, account: (&*client.account).into() })
    }

    /// The levels that surprise backs off through: principal, peers, account.
    pub(crate) fn levels(&self) -> [EntityRef<'_>; 3] {
        [
            EntityRef::new(EntityKind::Principal, &self.principal),
            EntityRef::new(EntityKind::PeerGroup, &self.peers),
            EntityRef::new(EntityKind::Account, &self.account),
        ]
    }

    /// The principal as people call it: the last part of its name. The roles of AWS's Identity Center stand in a path of
    /// AWS's that tells nothing, and which ARNs of sessions do not have: it is left out.
    pub(crate) fn short_name(&self) -> &str {
        let resource = self.principal.rsplit(':').next().unwrap_or(&self.principal);
        let name = resource.split_once('/').map_or(resource, |(_, name)| name);
        let at = if name.starts_with("aws-reserved/") { name.find("AWSReservedSSO_") } else { None };
        at.map_or(name, |at| &name[at..])
    }
}

/// Tells this session from others of the same principal: the role session, else the access key, else nothing, as for
/// sign-ins.
///
/// Each `AssumeRole` gives new keys, so that a tool that assumes a role for each step would look like many callers.
/// Instances, functions and tools name their sessions with serial numbers, which are left out.
pub(crate) fn session_name(client: &ClientParts) -> String {
    match session_part(client) {
        Some(session) => without_serials(session),
        None => client.access_key_id.to_string(),
    }
}

/// Whether the call shows that someone holds credentials: not if it was refused because of its signature, and not a
/// sign-in that failed.
pub(crate) fn proves_credentials(name: &str, error: &str) -> bool {
    const CLAIMS: [&str; 2] = ["CheckMfa", "PasswordRecoveryRequested"];
    const SIGN_INS: [&str; 4] =
        ["ConsoleLogin", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "ExternalIdPDirectoryLogin"];
    !CLAIMS.contains(&name) && !SIGNATURE_ERRORS.contains(&error) && (error.is_empty() || !SIGN_INS.contains(&name))
}

impl Outcome {
    /// The outcome that this `errorCode` means.
    ///
    /// Source: "Common errors" and "Error codes" of the API references of EC2 (`Client.UnauthorizedOperation`), S3
    /// (`AccessDenied`) and the services that append `Exception`.
    pub(crate) fn of(error_code: &str) -> Self {
        const DENIED: [&str; 6] = [
            "AccessDenied",
            "UnauthorizedOperation",
            "NotAuthorized",
            "Unauthorized",
            "Forbidden",
            "AuthorizationError",
        ];
        if error_code.is_empty() {
            return Self::Ok;
        }
        let code = error_code.strip_prefix("Client.").unwrap_or(error_code);
        if DENIED.iter().any(|denied| code.starts_with(denied)) { Self::Denied } else { Self::Error }
    }

    /// In one word.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

impl Network {
    /// The network of an address.
    pub(crate) fn of(ip: IpAddr, knowledge: &Knowledge) -> Self {
        let ip = ip.to_canonical();
        if !is_publicly_routable(ip) {
            return Self { name: "private".into(), country: Text::default(), organisation: String::new() };
        }
        let remote = knowledge.remote(ip);
        let aws = knowledge.cloud_ranges.lookup(ip);
        let name = match (remote.asn, aws) {
            (Some(number), _) => format!("AS{number}"),
            (None, Some((region, _))) => format!("AWS {region}"),
            (None, None) => prefix(ip),
        };
        Self { name: (&*name).into(), country: (&*remote.country_code).into(), organisation: remote.asn_org }
    }

    /// Whether the name is that of an autonomous system, not of a piece of address space.
    pub(crate) fn is_autonomous_system(&self) -> bool {
        self.name.starts_with("AS")
    }
}

fn prefix(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            format!("{first}.{second}.0.0/16")
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            format!("{first:x}:{second:x}::/32")
        }
    }
}

/// Whether callers choose a service's region: global services log all their calls in one region. Source: AWS documentation
/// of global service events.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum RegionChoice {
    /// Never.
    None,
    /// Not where the region is `us-east-1`, which is that of the global endpoint as well.
    Elsewhere,
    /// Always.
    Free,
}

impl RegionChoice {
    /// That of the service with this short name.
    pub(super) fn of(service: &str) -> Self {
        const GLOBAL: [&str; 11] = [
            "account",
            "budgets",
            "ce",
            "cloudfront",
            "health",
            "iam",
            "organizations",
            "route53",
            "route53domains",
            "signin",
            "support",
        ];
        match service {
            "sts" => Self::Elsewhere,
            _ if GLOBAL.contains(&service) => Self::None,
            _ => Self::Free,
        }
    }

    /// Whether this region tells something about the caller.
    pub(super) fn is_told_by(self, region: &str) -> bool {
        match self {
            Self::None => false,
            Self::Elsewhere => !region.is_empty() && region != "us-east-1",
            Self::Free => !region.is_empty(),
        }
    }
}

/// A name without the parts that differ from one session to the next: runs of three or more digits, and of eight or more
/// hexadecimal digits that hold a digit.
pub(crate) fn without_serials(name: &str) -> String {
    let mut steady = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let is_after_letter = steady.bytes().last().is_some_and(|last| last.is_ascii_alphabetic());
        let is_hex = run >= 8 && !is_after_letter && rest[..run].bytes().any(|byte| byte.is_ascii_digit());
        if is_hex || digits >= 3 {
            rest = &rest[if is_hex { run } else { digits }..];
        } else {
            steady.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    steady
}

/// The session name of a role session.
fn session_part(client: &ClientParts) -> Option<&str> {
    let arn: &str = &client.arn;
    if &*client.identity_type != "AssumedRole" && !arn.contains(":assumed-role/") {
        return None;
    }
    client
        .principal_id
        .split_once(':')
        .map(|(_, name)| name)
        .or_else(|| arn.rsplit('/').next())
        .filter(|name| !name.is_empty())
}

/// The person who uses the role: where sessions are named after people, as single sign-on does.
fn person(client: &ClientParts) -> Option<&str> {
    let session = session_part(client)?;
    let by_sign_on = client.issuer_name.starts_with("AWSReservedSSO_") || client.arn.contains("/AWSReservedSSO_");
    (by_sign_on || session.contains('@')).then_some(session)
}

fn role_arn(client: &ClientParts) -> Option<String> {
    let session = session_part(client)?;
    if !client.issuer_arn.is_empty() {
        return Some(client.issuer_arn.to_string());
    }
    let account = client.arn.split(':').nth(4).unwrap_or_default();
    let partition = client.arn.split(':').nth(1).filter(|name| !name.is_empty()).unwrap_or("aws");
    let role = client.arn.split('/').nth(1).filter(|role| *role != session || client.arn.matches('/').count() == 1)?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

fn root_arn(client: &ClientParts) -> String {
    let partition = client.arn.split(':').nth(1).filter(|name| !name.is_empty()).unwrap_or("aws");
    let account = if client.identity_account.is_empty() { &client.account } else { &client.identity_account };
    format!("arn:{partition}:iam::{account}:root")
}

/// Those who do about the same: people of one role, users, instances, services' roles, other roles.
fn peer_group(client: &ClientParts, is_instance_role: bool, role: Option<&str>, is_person: bool) -> String {
    match role {
        Some(role) if is_person => format!("people of {}", role.rsplit('/').next().unwrap_or(role)),
        Some(role) if role.contains(":role/aws-service-role/") => "service-linked roles".to_owned(),
        Some(_) if is_instance_role || session_part(client).is_some_and(|name| name.starts_with("i-")) => {
            "instance roles".to_owned()
        }
        Some(_) => "roles".to_owned(),
        None if &*client.identity_type == "Root" => "root".to_owned(),
        None => "users".to_owned(),
    }
}

fn first_of<'k>(names: impl IntoIterator<Item = &'k Piece>) -> Option<String> {
    names.into_iter().find(|name| !name.is_empty()).map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(identity_type: &str, arn: &str, principal_id: &str, issuer_arn: &str) -> ClientParts {
        ClientParts {
            account: "111122223333".into(),
            identity_account: "111122223333".into(),
            identity_type: identity_type.into(),
            arn: arn.into(),
            principal_id: principal_id.into(),
            issuer_arn: issuer_arn.into(),
            issuer_name: issuer_arn.rsplit('/').next().unwrap_or_default().into(),
            ..ClientParts::default()
        }
    }

    #[test]
    fn roles_are_principals_and_so_are_people_behind_them() {
        let of = |key: &ClientParts| {
            Caller::of(key, false).map(|caller| (caller.principal.to_string(), caller.peers)).unwrap()
        };
        let instance = key(
            "AssumedRole",
            "arn:aws:sts::111122223333:assumed-role/web/i-0c000000000000001",
            "AROAEXAMPLE:i-0c000000000000001",
            "",
        );
        assert_eq!(
            of(&instance),
            ("arn:aws:iam::111122223333:role/web".to_owned(), "111122223333/instance roles".to_owned())
        );
        let person = key(
            "AssumedRole",
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_1b74cd717d47002b/alice",
            "AROAEXAMPLE:alice",
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1b74cd717d47002b",
        );
        let (principal, peers) = of(&person);
        let short = Caller::of(&person, false).unwrap().short_name().to_owned();
        assert_eq!(short, "AWSReservedSSO_Admin_1b74cd717d47002b/alice", "without AWS's path");
        assert!(principal.ends_with("AWSReservedSSO_Admin_1b74cd717d47002b/alice"), "{principal}");
        assert_eq!(peers, "111122223333/people of AWSReservedSSO_Admin_1b74cd717d47002b");
        let user = key("IAMUser", "arn:aws:iam::111122223333:user/alice", "AIDAEXAMPLE", "");
        assert_eq!(of(&user).1, "111122223333/users");
        let root = key("Root", "arn:aws:iam::111122223333:root", "111122223333", "");
        assert_eq!(of(&root).0, "arn:aws:iam::111122223333:root");
    }

    #[test]
    fn nobody_is_no_caller() {
        let mut anonymous = key("AWSAccount", "", "", "");
        anonymous.identity_account = "ANONYMOUS_PRINCIPAL".into();
        assert_eq!(Caller::of(&anonymous, false), None);
    }

    #[test]
    fn serial_numbers_are_left_out() {
        for (name, steady) in [
            ("i-0c000000000000001", "i-"),
            ("botocore-session-1713484800", "botocore-session-"),
            ("GitHubActions", "GitHubActions"),
            ("deploy-7f3a9c2e1b", "deploy-"),
            ("alice2", "alice2"),
            ("decade", "decade"),
            ("1234é567", "é"),
        ] {
            assert_eq!(without_serials(name), steady);
        }
    }

    #[test]
    fn a_refusal_is_told_from_a_failure() {
        for code in ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation"] {
            assert_eq!(Outcome::of(code), Outcome::Denied, "{code}");
        }
        assert_eq!(Outcome::of(""), Outcome::Ok);
        assert_eq!(Outcome::of("NoSuchBucket"), Outcome::Error);
    }

    #[test]
    fn what_proves_nothing_is_left_out() {
        let call = proves_credentials;
        assert!(call("ListUsers", "AccessDenied") && call("ConsoleLogin", ""));
        assert!(!call("ConsoleLogin", "Failure") && !call("ListUsers", "InvalidClientTokenId"));
    }

    proptest! {
        #[test]
        fn any_key_is_survived(arn: String, principal: String, kind in "(AssumedRole|IAMUser|Root|AWSAccount)", issuer: String) {
            let key = key(&kind, &arn, &principal, &issuer);
            Caller::of(&key, false);
            session_name(&key);
        }
    }
}
