//! One call of an AWS API, as CloudTrail records it.

use crate::Time;
use serde_json::Value;
use std::borrow::Cow;
use std::net::IpAddr;

/// One CloudTrail event.
///
/// `request`, `response`, `additional` and `resources` are raw JSON text (empty when absent): they are parsed only
/// when a rule that wants this very call asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiCall<'a> {
    /// `eventTime`.
    pub time: Time,
    /// `eventSource`, such as `s3.amazonaws.com`.
    pub source: Cow<'a, str>,
    /// `eventName`, such as `GetObject`.
    pub name: Cow<'a, str>,
    /// `eventID`; empty in events that have none, which then cannot be recognised as duplicates.
    pub event_id: Cow<'a, str>,
    /// `sharedEventID`: the same for the copies of one event in several accounts or regions.
    pub shared_event_id: Cow<'a, str>,
    /// `eventType`: `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`, ….
    pub event_type: Cow<'a, str>,
    /// `eventCategory`, else derived from `managementEvent`.
    pub category: CallCategory,
    /// `awsRegion`.
    pub region: Cow<'a, str>,
    /// `recipientAccountId`, the account whose log this is.
    pub recipient_account: Cow<'a, str>,
    /// `sourceIPAddress` as written: an address, or the name of a service.
    pub source_address: Cow<'a, str>,
    /// `sourceIPAddress` where it is an address.
    pub source_ip: Option<IpAddr>,
    /// `userAgent`.
    pub user_agent: Cow<'a, str>,
    /// `errorCode`; empty on success, where CloudTrail leaves it out.
    pub error_code: Cow<'a, str>,
    /// `errorMessage`.
    pub error_message: Cow<'a, str>,
    /// `readOnly`, where given.
    pub read_only: Option<bool>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Cow<'a, str>,
    /// `vpcEndpointAccountId`.
    pub vpc_endpoint_account: Cow<'a, str>,
    /// `userIdentity`.
    pub identity: Identity<'a>,
    /// `requestParameters` as JSON text.
    pub request: &'a str,
    /// `responseElements` as JSON text.
    pub response: &'a str,
    /// `additionalEventData` as JSON text.
    pub additional: &'a str,
    /// `resources` as JSON text.
    pub resources: &'a str,
}

/// What kind of activity a CloudTrail event records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallCategory {
    /// Control plane. The default for old events, which name no category.
    #[default]
    Management,
    /// Data plane: object reads, invocations.
    Data,
    /// Through a VPC endpoint, seen from its owner.
    NetworkActivity,
}

/// `userIdentity`, whose shape depends on its type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity<'a> {
    /// `type`.
    pub kind: IdentityKind,
    /// `type` as written, for findings.
    pub kind_text: Cow<'a, str>,
    /// `principalId`, such as `AROA…:i-0ab…`.
    pub principal_id: Cow<'a, str>,
    /// `arn`.
    pub arn: Cow<'a, str>,
    /// `accountId`, the caller's own account.
    pub account: Cow<'a, str>,
    /// `accessKeyId`.
    pub access_key_id: Cow<'a, str>,
    /// `userName`.
    pub user_name: Cow<'a, str>,
    /// `invokedBy`: the service that called for the principal.
    pub invoked_by: Cow<'a, str>,
    /// `sessionContext.sessionIssuer`.
    pub issuer: SessionIssuer<'a>,
    /// `sessionContext.sourceIdentity`: the person behind a role, where set.
    pub source_identity: Cow<'a, str>,
    /// `sessionContext.ec2RoleDelivery`: `1.0` or `2.0`, the metadata service version that handed the key out.
    pub ec2_role_delivery: Cow<'a, str>,
    /// `sessionContext.assumedRoot` is true: a session made by `sts:AssumeRoot`.
    pub assumed_root: bool,
    /// `onBehalfOf.userId`: the IAM Identity Center user.
    pub on_behalf_of: Cow<'a, str>,
    /// `inScopeOf.credentialsIssuedTo`, else `inScopeOf.sourceArn`: the resource that a service role's credentials were issued to.
    pub issued_to: Cow<'a, str>,
    /// `inScopeOf.issuerType`: what that resource is, such as `AWS::Lambda::Function`.
    pub issued_to_type: Cow<'a, str>,
}

/// The role or user that a temporary session belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionIssuer<'a> {
    /// `type`: `Role`, `IAMUser`, `Root`.
    pub kind: Cow<'a, str>,
    /// `principalId`.
    pub principal_id: Cow<'a, str>,
    /// `arn`.
    pub arn: Cow<'a, str>,
    /// `accountId`.
    pub account: Cow<'a, str>,
    /// `userName`.
    pub user_name: Cow<'a, str>,
}

/// The dozen shapes of `userIdentity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdentityKind {
    /// The account's root user.
    Root,
    /// A user with long-lived credentials.
    IamUser,
    /// A session of a role.
    AssumedRole,
    /// A role as such (in cross-account events).
    Role,
    /// A session from `GetFederationToken`.
    FederatedUser,
    /// A web identity, at `AssumeRoleWithWebIdentity`.
    WebIdentityUser,
    /// A SAML identity, at `AssumeRoleWithSAML`.
    SamlUser,
    /// A directory user.
    Directory,
    /// An IAM Identity Center user.
    IdentityCenterUser,
    /// Another AWS account; anonymous callers of S3 have this with the account `ANONYMOUS_PRINCIPAL`.
    AwsAccount,
    /// An AWS service.
    AwsService,
    /// Anything else, or none.
    #[default]
    Unknown,
}

impl IdentityKind {
    /// The kind that `userIdentity.type` names.
    pub fn from_name(name: &str) -> Self {
        match name {
            "Root" => Self::Root,
            "IAMUser" => Self::IamUser,
            "AssumedRole" => Self::AssumedRole,
            "Role" => Self::Role,
            "FederatedUser" => Self::FederatedUser,
            "WebIdentityUser" => Self::WebIdentityUser,
            "SAMLUser" => Self::SamlUser,
            "Directory" => Self::Directory,
            "IdentityCenterUser" => Self::IdentityCenterUser,
            "AWSAccount" => Self::AwsAccount,
            "AWSService" => Self::AwsService,
            _ => Self::Unknown,
        }
    }
}

impl<'a> ApiCall<'a> {
    /// Whether the call was granted and did what it says.
    ///
    /// CloudTrail leaves `errorCode` out on success; console sign-ins say it in `responseElements` instead.
    pub fn succeeded(&self) -> bool {
        self.error_code.is_empty() && !(self.name == "ConsoleLogin" && self.response.contains("\"Failure\""))
    }

    /// The service by its short name: `s3` of `s3.amazonaws.com`.
    pub fn service(&self) -> &str {
        self.source.split('.').next().unwrap_or_default()
    }

    /// `service:Name`, such as `cloudtrail:StopLogging`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service(), self.name)
    }

    /// The account whose log this is: `recipientAccountId`, else the caller's account.
    pub fn account(&self) -> &str {
        if self.recipient_account.is_empty() { &self.identity.account } else { &self.recipient_account }
    }

    /// Whether this is a call to the data plane of S3.
    pub fn is_s3_data(&self) -> bool {
        self.category == CallCategory::Data && self.source == "s3.amazonaws.com"
    }

    /// Whether a principal with credentials made the call. Anonymous S3 requests have none: CloudTrail gives them the
    /// account `ANONYMOUS_PRINCIPAL`, `anonymous` in older events.
    pub fn is_authenticated(&self) -> bool {
        let identity = &self.identity;
        let anonymous = [&identity.account, &identity.principal_id]
            .into_iter()
            .any(|name| name == "ANONYMOUS_PRINCIPAL" || name.eq_ignore_ascii_case("anonymous"));
        let nobody =
            identity.kind == IdentityKind::Unknown && identity.arn.is_empty() && identity.access_key_id.is_empty();
        !anonymous && !nobody
    }

    /// `requestParameters`, parsed. `Null` when absent or not JSON (`HIDDEN_DUE_TO_SECURITY_REASONS`).
    pub fn request_json(&self) -> Value {
        serde_json::from_str(self.request).unwrap_or(Value::Null)
    }

    /// `responseElements`, parsed. `Null` when absent or not JSON.
    pub fn response_json(&self) -> Value {
        serde_json::from_str(self.response).unwrap_or(Value::Null)
    }

    /// `resources`, parsed: a list of `{accountId, type, ARN}`. `Null` when absent or not JSON.
    pub fn resources_json(&self) -> Value {
        serde_json::from_str(self.resources).unwrap_or(Value::Null)
    }

    /// One text or number of `requestParameters` by key; services differ in the case of keys, so case is ignored.
    pub fn parameter(&self, key: &str) -> Option<String> {
        let [value] = self.parameters([key]);
        value
    }

    /// Several of them: the request is parsed once.
    pub fn parameters<const N: usize>(&self, keys: [&str; N]) -> [Option<String>; N] {
        let Value::Object(parameters) = self.request_json() else { return keys.map(|_| None) };
        keys.map(|key| {
            let (_, value) = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
            match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(flag) => Some(flag.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            }
        })
    }
}

impl Identity<'_> {
    /// The session name of a role session: what follows the colon of `principalId`, else the end of the ARN.
    pub fn session_name(&self) -> &str {
        if let Some((_, name)) = self.principal_id.split_once(':') {
            return name;
        }
        if self.arn.contains(":assumed-role/") { self.arn.rsplit('/').next().unwrap_or_default() } else { "" }
    }

    /// The principal behind the call, whichever session or key it used: a user's, a role's or the root's ARN, else the
    /// best name the event has. Findings about identities are keyed by it.
    pub fn principal(&self) -> String {
        match self.kind {
            IdentityKind::Root => root_arn(self),
            IdentityKind::AssumedRole if !self.issuer.arn.is_empty() => self.issuer.arn.to_string(),
            IdentityKind::AssumedRole if self.arn.contains(":assumed-role/") => role_arn(&self.arn),
            IdentityKind::FederatedUser if !self.issuer.arn.is_empty() => self.issuer.arn.to_string(),
            IdentityKind::AwsService => first_of([&self.invoked_by, &self.principal_id]),
            IdentityKind::IdentityCenterUser => first_of([&self.on_behalf_of, &self.principal_id]),
            _ => {
                let stable_id = self.principal_id.split(':').next().unwrap_or_default();
                first_of([self.arn.as_ref(), stable_id, &self.user_name, &self.access_key_id, &self.account])
            }
        }
    }

    /// The name people know the principal by: the user's, the role's, `Root`.
    pub fn display_name(&self) -> String {
        match self.kind {
            IdentityKind::Root => "Root".to_owned(),
            IdentityKind::AssumedRole | IdentityKind::FederatedUser if !self.issuer.user_name.is_empty() => {
                self.issuer.user_name.to_string()
            }
            IdentityKind::AssumedRole => self.arn.split('/').nth(1).unwrap_or(&self.arn).to_owned(),
            IdentityKind::AwsService => self.invoked_by.to_string(),
            _ => {
                let arn_tail = self.arn.rsplit(['/', ':']).next().unwrap_or_default();
                first_of([&self.user_name, arn_tail, &self.on_behalf_of, &self.principal_id, &self.account])
            }
        }
    }

    /// The person behind a session, where the log tells: the source identity, the Identity Center user, or a session
    /// name that holds an e-mail address (single sign-on puts one there).
    pub fn person(&self) -> Option<&str> {
        let session = self.session_name();
        [self.source_identity.as_ref(), self.on_behalf_of.as_ref()]
            .into_iter()
            .find(|name| !name.is_empty())
            .or_else(|| session.contains('@').then_some(session))
    }
}

fn first_of<'a>(names: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> String {
    names.into_iter().map(AsRef::as_ref).find(|name| !name.is_empty()).unwrap_or("unknown").to_owned()
}

fn root_arn(identity: &Identity<'_>) -> String {
    if identity.account.is_empty() {
        first_of([&identity.arn, &identity.principal_id])
    } else {
        format!("arn:{}:iam::{}:root", partition(&identity.arn), identity.account)
    }
}

/// `arn:aws:iam::1:role/Name` of `arn:aws:sts::1:assumed-role/Name/session`. The path of the role is not in a session's ARN.
fn role_arn(session_arn: &str) -> String {
    let account = session_arn.split(':').nth(4).unwrap_or_default();
    let role = session_arn.split('/').nth(1).unwrap_or_default();
    format!("arn:{}:iam::{account}:role/{role}", partition(session_arn))
}

fn partition(arn: &str) -> &str {
    arn.strip_prefix("arn:").and_then(|rest| rest.split(':').next()).filter(|name| !name.is_empty()).unwrap_or("aws")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_session_is_known_by_its_role() {
        let mut identity = Identity {
            kind: IdentityKind::AssumedRole,
            principal_id: "AROAEXAMPLE:i-0123456789abcdef0".into(),
            arn: "arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0".into(),
            ..Identity::default()
        };
        assert_eq!(identity.principal(), "arn:aws:iam::111122223333:role/web");
        assert_eq!(identity.session_name(), "i-0123456789abcdef0");
        assert_eq!(identity.display_name(), "web");
        identity.issuer.arn = "arn:aws:iam::111122223333:role/app/web".into();
        assert_eq!(identity.principal(), "arn:aws:iam::111122223333:role/app/web");
    }

    #[test]
    fn an_identity_without_anything_still_has_a_key() {
        assert_eq!(Identity::default().principal(), "unknown");
    }

    #[test]
    fn an_anonymous_request_is_made_without_credentials() {
        let by = |account: &'static str| {
            let identity = Identity { kind: IdentityKind::AwsAccount, account: account.into(), ..Identity::default() };
            ApiCall { identity, ..ApiCall::default() }.is_authenticated()
        };
        assert!(!by("ANONYMOUS_PRINCIPAL"));
        assert!(!by("anonymous"));
        assert!(by("111122223333"));
    }

    #[test]
    fn a_failed_sign_in_is_no_success() {
        let call =
            ApiCall { name: "ConsoleLogin".into(), response: r#"{"ConsoleLogin":"Failure"}"#, ..ApiCall::default() };
        assert!(!call.succeeded());
    }

    #[test]
    fn parameters_are_found_whatever_their_case() {
        let call = ApiCall { request: r#"{"BucketName":"a"}"#, ..ApiCall::default() };
        assert_eq!(call.parameter("bucketName").as_deref(), Some("a"));
        assert_eq!(call.parameters(["key", "bucketname"]), [None, Some("a".to_owned())]);
        assert_eq!(ApiCall { request: r#""HIDDEN""#, ..ApiCall::default() }.parameter("bucketName"), None);
    }
}
