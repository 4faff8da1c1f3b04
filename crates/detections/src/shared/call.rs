//! What every finding about an API call has in common.

use crate::Context;
use std::collections::BTreeMap;
use watchfire_model::{
    AccessKey, Action, ApiCall, ApiCallAction, Bucket, FindingType, IdentityKind, Resource, ResourceKind, ResourceRole,
    Severity, Signal,
};

/// A signal about the principal that made a call: keyed by the principal, with the call as its action.
pub(crate) fn signal(
    finding_type: FindingType,
    severity: Severity,
    call: &ApiCall<'_>,
    context: &Context<'_>,
) -> Signal {
    let mut signal = Signal::new(finding_type, severity, call.identity.principal());
    signal.account = call.account().to_owned();
    signal.region = call.region.to_string();
    signal.resource =
        Resource { kind: ResourceKind::AccessKey, access_key: Some(access_key(call)), ..Resource::default() };
    signal.action = Action::ApiCall(action(call, context));
    signal.role = Some(ResourceRole::Target);
    if let Some(person) = call.identity.person() {
        signal.additional.insert("sessionPerson".to_owned(), person.into());
        signal.reasons.push(format!("The log names `{person}` as the person behind the session."));
    }
    note_what_is_missing(&mut signal, call, context);
    signal
}

/// A signal about a bucket that a call acted upon: keyed by bucket and principal.
pub(crate) fn bucket_signal(
    finding_type: FindingType,
    severity: Severity,
    call: &ApiCall<'_>,
    bucket: &str,
    context: &Context<'_>,
) -> Signal {
    let mut signal = signal(finding_type, severity, call, context);
    if bucket.is_empty() {
        signal.missing.push("The event does not name the bucket.".to_owned());
        return signal;
    }
    signal.entity = format!("{bucket} {}", signal.entity);
    let account = owner_account(call).unwrap_or_else(|| call.account().to_owned());
    signal.resource.buckets = vec![context.bucket(bucket, &account)];
    if let Some(source) = copy_source(call).filter(|source| source != bucket) {
        let copied_from = Bucket { role: "Source".to_owned(), ..context.bucket(&source, "") };
        signal.resource.buckets.push(copied_from);
    }
    if let Action::ApiCall(action) = &mut signal.action {
        action.affected_resources.insert("AWS::S3::Bucket".to_owned(), bucket.to_owned());
    }
    signal
}

/// A signal about a call to the data plane of S3, which is about the bucket rather than about the key.
pub(crate) fn s3_data_signal(
    finding_type: FindingType,
    severity: Severity,
    call: &ApiCall<'_>,
    context: &Context<'_>,
) -> Signal {
    let mut signal = bucket_signal(finding_type, severity, call, &bucket_name(call), context);
    signal.resource.kind = ResourceKind::S3Bucket;
    signal
}

/// Whether an AWS service made the call, for itself or for a principal: then the address is no caller's.
///
/// The console is no such service: it passes on what a person clicks, and CloudTrail has called it the invoker.
pub(crate) fn is_by_service(call: &ApiCall<'_>) -> bool {
    let identity = &call.identity;
    let is_invoked = !identity.invoked_by.is_empty() && identity.invoked_by != "signin.amazonaws.com";
    // A name instead of an address is a service's, `AWS Internal` too.
    let is_from_service = call.source_ip.is_none() && !call.source_address.is_empty();
    is_invoked || is_from_service || call.event_type == "AwsServiceEvent" || identity.kind == IdentityKind::AwsService
}

/// Whether the call shows that someone holds credentials of the principal.
///
/// A refused call does: it was signed before it was refused. A failed sign-in does not, nor do the steps before a
/// sign-in, which need no more than an e-mail address, nor a request whose signature was not accepted.
pub(crate) fn proves_credentials(call: &ApiCall<'_>) -> bool {
    let is_only_a_claim = match call.name.as_ref() {
        "CheckMfa" | "PasswordRecoveryRequested" => true,
        "ConsoleLogin" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" | "ExternalIdPDirectoryLogin" => {
            !call.succeeded()
        }
        _ => SIGNATURE_ERRORS.contains(&call.error_code.as_ref()),
    };
    call.is_authenticated() && !is_only_a_claim
}

/// Errors that say that the request was not signed by the key it names. Source: "Common errors" of the API references
/// of IAM, EC2 and S3.
pub(crate) const SIGNATURE_ERRORS: [&str; 8] = [
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The bucket that a copy reads from: `x-amz-copy-source` is `bucket/key`, URL-encoded or not, or an access point's ARN,
/// which names no bucket.
fn copy_source(call: &ApiCall<'_>) -> Option<String> {
    if !matches!(call.name.as_ref(), "CopyObject" | "UploadPartCopy") {
        return None;
    }
    let source = call.parameter("x-amz-copy-source")?;
    let source = source.replace("%2F", "/").replace("%2f", "/");
    let bucket = source.trim_start_matches('/').split('/').next().unwrap_or_default();
    (!bucket.is_empty() && !bucket.contains(':') && !bucket.contains('%')).then(|| bucket.to_owned())
}

/// `accessKeyDetails`. A service that calls by itself has no key.
pub(crate) fn access_key(call: &ApiCall<'_>) -> AccessKey {
    let identity = &call.identity;
    AccessKey {
        access_key_id: identity.access_key_id.to_string(),
        principal_id: identity.principal_id.to_string(),
        user_name: identity.display_name(),
        user_type: identity.kind_text.to_string(),
    }
}

/// The bucket that a call names: in its parameters, else among its resources.
pub fn bucket_name(call: &ApiCall<'_>) -> String {
    if let Some(name) = call.parameter("bucketName").or_else(|| call.parameter("bucket")) {
        return name;
    }
    let resources = call.resources_json();
    let arns = resources
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|resource| resource.get("ARN").and_then(|arn| arn.as_str()));
    let name =
        arns.filter_map(|arn| arn.split(":::").nth(1)).find_map(|path| path.split('/').next().map(str::to_owned));
    name.unwrap_or_default()
}

/// The account that owns the bucket, where the event's `resources` say so.
pub(crate) fn owner_account(call: &ApiCall<'_>) -> Option<String> {
    let resources = call.resources_json();
    let buckets = resources
        .as_array()
        .into_iter()
        .flatten()
        .filter(|resource| resource.get("type").and_then(|kind| kind.as_str()) == Some("AWS::S3::Bucket"));
    buckets.filter_map(|resource| resource.get("accountId")?.as_str().map(str::to_owned)).next()
}

/// How people would name the caller: "Role `deploy`".
pub(crate) fn caller(call: &ApiCall<'_>) -> String {
    let name = call.identity.display_name();
    match call.identity.kind {
        IdentityKind::Root => "The root user".to_owned(),
        IdentityKind::IamUser => format!("User `{name}`"),
        IdentityKind::AssumedRole | IdentityKind::Role => format!("Role `{name}`"),
        IdentityKind::FederatedUser => format!("Federated user `{name}`"),
        IdentityKind::AwsService => format!("Service `{name}`"),
        _ => format!("`{name}`"),
    }
}

/// "from 198.51.100.7": where the call came from, as the middle of a sentence.
pub(crate) fn origin(call: &ApiCall<'_>) -> String {
    if call.source_address.is_empty() {
        "from an address that the event does not give".to_owned()
    } else {
        format!("from {}", call.source_address)
    }
}

/// "It succeeded." or "It was refused with AccessDenied."
pub(crate) fn outcome(call: &ApiCall<'_>) -> String {
    match (call.succeeded(), call.error_code.as_ref()) {
        (true, _) => "The call succeeded: the event has no `errorCode`.".to_owned(),
        (false, "") => "The call failed.".to_owned(),
        (false, code) => format!("The call failed with `{code}`."),
    }
}

fn action(call: &ApiCall<'_>, context: &Context<'_>) -> ApiCallAction {
    let is_address = call.source_ip.is_some();
    ApiCallAction {
        api: call.name.to_string(),
        service: call.source.to_string(),
        // Source: the two values that GuardDuty's findings show.
        caller_type: if is_address { "Remote IP" } else { "Domain" }.to_owned(),
        error_code: call.error_code.to_string(),
        user_agent: call.user_agent.to_string(),
        remote: call.source_ip.map(|ip| context.knowledge.remote(ip)),
        domain: if is_address { String::new() } else { call.source_address.to_string() },
        remote_account: None,
        affected_resources: BTreeMap::new(),
    }
}

fn note_what_is_missing(signal: &mut Signal, call: &ApiCall<'_>, context: &Context<'_>) {
    if call.identity.access_key_id.is_empty() && call.identity.kind != IdentityKind::AwsService {
        signal.missing.push("The event names no access key.".to_owned());
    }
    if signal.account.is_empty() {
        signal.missing.push("The event names no account.".to_owned());
    }
    if let Some(ip) = call.source_ip {
        let remote = context.knowledge.remote(ip);
        if remote.country_code.is_empty() {
            signal.missing.push(format!(
                "Country and network of {ip} are not known: no geography that covers it was given (--geoip)."
            ));
        }
    }
}
