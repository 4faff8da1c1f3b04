//! What every finding about an API call has in common.

use crate::Context;
use std::collections::BTreeMap;
use watchfire_model::{
    AccessKey, Action, ApiCall, ApiCallAction, FindingType, IdentityKind, Resource, ResourceKind, ResourceRole,
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
    if let Action::ApiCall(action) = &mut signal.action {
        action.affected_resources.insert("AWS::S3::Bucket".to_owned(), bucket.to_owned());
    }
    signal
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
pub(crate) fn bucket_name(call: &ApiCall<'_>) -> String {
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
