//! CloudTrail events: one JSON object each, whatever they were delivered in.

use crate::address::address;
use crate::json::{Fault, Walker};
use crate::report::Skipped;
use crate::{Origin, or_else};
use std::borrow::Cow;
use watchfire_model::{ApiCall, CallCategory, Identity, IdentityKind, SessionIssuer, Time};

/// What an object turned out to be.
pub(crate) enum Outcome {
    /// An event to analyse.
    Event,
    /// An event of a kind that is not analysed.
    Skipped(Skipped),
    /// An event that lacks what no event can do without.
    Rejected(&'static str),
    /// No event.
    Foreign,
}

/// Whether an object with this member is a CloudTrail event. `resources` is not here: EventBridge has one too.
pub(crate) fn is_event_key(key: &str) -> bool {
    matches!(
        key,
        "additionalEventData"
            | "awsRegion"
            | "errorCode"
            | "errorMessage"
            | "eventCategory"
            | "eventID"
            | "eventName"
            | "eventSource"
            | "eventTime"
            | "eventType"
            | "eventVersion"
            | "insightDetails"
            | "managementEvent"
            | "readOnly"
            | "recipientAccountId"
            | "requestID"
            | "requestParameters"
            | "responseElements"
            | "sharedEventID"
            | "sourceIPAddress"
            | "userAgent"
            | "userIdentity"
            | "vpcEndpointId"
    )
}

/// Walks the object whose `{` comes next into `call`, which is overwritten.
pub(crate) fn event<'a>(walker: &mut Walker<'a>, call: &mut ApiCall<'a>, origin: &'a Origin) -> Result<Outcome, Fault> {
    *call = ApiCall::default();
    let mut time = None;
    let mut category = Cow::Borrowed("");
    let mut is_management = None;
    let mut is_insight = false;
    walker.object(|walker, key| {
        // By length first, so that a key is compared with the few of its length only.
        match key.len() {
            7 if key == "eventID" => call.event_id = walker.text()?,
            8 if key == "readOnly" => call.read_only = walker.boolean()?,
            9 => match key {
                "eventTime" => time = moment(&walker.text()?),
                "eventName" => call.name = walker.text()?,
                "awsRegion" => call.region = walker.text()?,
                "userAgent" => call.user_agent = walker.text()?,
                "eventType" => call.event_type = walker.text()?,
                "errorCode" => call.error_code = walker.text()?,
                "resources" => call.resources = walker.raw()?,
                _ => walker.skip()?,
            },
            11 if key == "eventSource" => call.source = walker.text()?,
            12 if key == "userIdentity" => {
                call.identity = Identity::default();
                walker.object_if_any(|walker, key| identity_member(walker, key, &mut call.identity))?;
                complete(&mut call.identity);
            }
            12 if key == "errorMessage" => call.error_message = walker.text()?,
            13 => match key {
                "eventCategory" => category = walker.text()?,
                "sharedEventID" => call.shared_event_id = walker.text()?,
                "vpcEndpointId" => call.vpc_endpoint_id = walker.text()?,
                _ => walker.skip()?,
            },
            14 if key == "insightDetails" => {
                is_insight = true;
                walker.skip()?;
            }
            15 => match key {
                "sourceIPAddress" => call.source_address = walker.text()?,
                "managementEvent" => is_management = walker.boolean()?,
                _ => walker.skip()?,
            },
            16 if key == "responseElements" => call.response = walker.raw()?,
            17 if key == "requestParameters" => call.request = walker.raw()?,
            18 if key == "recipientAccountId" => call.recipient_account = walker.text()?,
            19 if key == "additionalEventData" => call.additional = walker.raw()?,
            20 if key == "vpcEndpointAccountId" => call.vpc_endpoint_account = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })?;
    call.source_ip = address(&call.source_address);
    call.category = match (category.as_ref(), is_management) {
        ("Data", _) | ("", Some(false)) => CallCategory::Data,
        ("NetworkActivity", _) => CallCategory::NetworkActivity,
        _ => CallCategory::Management,
    };
    place(call, origin);
    let Some(time) = time else {
        let is_event = !call.name.is_empty() || !call.source.is_empty();
        return Ok(if is_event { Outcome::Rejected("the event has no readable eventTime") } else { Outcome::Foreign });
    };
    call.time = time;
    Ok(match category.as_ref() {
        _ if is_insight => Outcome::Skipped(Skipped::Insight),
        "Insight" => Outcome::Skipped(Skipped::Insight),
        "" | "Management" | "Data" | "NetworkActivity" => match (call.source.as_ref(), call.name.as_ref()) {
            ("", "") => Outcome::Rejected("the event has neither eventSource nor eventName"),
            ("aws:s3", _) => Outcome::Skipped(Skipped::Notification),
            _ => Outcome::Event,
        },
        _ => Outcome::Skipped(Skipped::OtherCategory),
    })
}

fn identity_member<'a>(walker: &mut Walker<'a>, key: &str, identity: &mut Identity<'a>) -> Result<(), Fault> {
    match key {
        "type" => identity.kind_text = walker.text()?,
        "principalId" => identity.principal_id = walker.text()?,
        "arn" => identity.arn = walker.text()?,
        "accountId" => identity.account = walker.text()?,
        "accessKeyId" => identity.access_key_id = walker.text()?,
        "userName" => identity.user_name = walker.text()?,
        "invokedBy" => identity.invoked_by = walker.text()?,
        "sessionContext" => session_context(walker, identity)?,
        "onBehalfOf" => {
            identity.on_behalf_of = Cow::Borrowed("");
            walker.object_if_any(|walker, key| {
                match key {
                    "userId" => identity.on_behalf_of = walker.text()?,
                    _ => walker.skip()?,
                }
                Ok(())
            })?;
        }
        "inScopeOf" => in_scope_of(walker, identity)?,
        _ => walker.skip()?,
    }
    Ok(())
}

fn session_context<'a>(walker: &mut Walker<'a>, identity: &mut Identity<'a>) -> Result<(), Fault> {
    identity.issuer = SessionIssuer::default();
    identity.source_identity = Cow::Borrowed("");
    identity.ec2_role_delivery = Cow::Borrowed("");
    identity.assumed_root = false;
    walker.object_if_any(|walker, key| {
        match key {
            "sessionIssuer" => {
                identity.issuer = SessionIssuer::default();
                walker.object_if_any(|walker, key| issuer_member(walker, key, &mut identity.issuer))?;
            }
            "sourceIdentity" => identity.source_identity = walker.text()?,
            "ec2RoleDelivery" => identity.ec2_role_delivery = walker.text_or_number()?,
            "assumedRoot" => identity.assumed_root = walker.boolean()? == Some(true),
            _ => walker.skip()?,
        }
        Ok(())
    })
}

fn issuer_member<'a>(walker: &mut Walker<'a>, key: &str, issuer: &mut SessionIssuer<'a>) -> Result<(), Fault> {
    match key {
        "type" => issuer.kind = walker.text()?,
        "principalId" => issuer.principal_id = walker.text()?,
        "arn" => issuer.arn = walker.text()?,
        "accountId" => issuer.account = walker.text()?,
        "userName" => issuer.user_name = walker.text()?,
        _ => walker.skip()?,
    }
    Ok(())
}

fn in_scope_of<'a>(walker: &mut Walker<'a>, identity: &mut Identity<'a>) -> Result<(), Fault> {
    let (mut issued_to, mut source) = (Cow::Borrowed(""), Cow::Borrowed(""));
    identity.issued_to_type = Cow::Borrowed("");
    walker.object_if_any(|walker, key| {
        match key {
            "issuerType" => identity.issued_to_type = walker.text()?,
            "credentialsIssuedTo" => issued_to = walker.text()?,
            "sourceArn" => source = walker.text()?,
            _ => walker.skip()?,
        }
        Ok(())
    })?;
    identity.issued_to = if issued_to.is_empty() { source } else { issued_to };
    Ok(())
}

fn complete(identity: &mut Identity<'_>) {
    identity.kind = IdentityKind::from_name(&identity.kind_text);
}

/// Says where the event happened, if it does not say so itself.
fn place<'a>(call: &mut ApiCall<'a>, origin: &'a Origin) {
    if call.region.is_empty() {
        call.region = Cow::Borrowed(or_else(&origin.region, &origin.assumed_region));
    }
    if call.recipient_account.is_empty() {
        // The caller's account is a better guess than an assumption, but the log's place is better still.
        let assumed = if call.identity.account.is_empty() { origin.assumed_account.as_str() } else { "" };
        call.recipient_account = Cow::Borrowed(or_else(&origin.account, assumed));
    }
}

/// The moment that this text names. All of AWS writes UTC with a `Z`; tools that rewrite events may not.
#[inline(always)]
pub(crate) fn moment(text: &str) -> Option<Time> {
    Time::parse_utc(text).or_else(|| odd_moment(text))
}

#[cold]
fn odd_moment(text: &str) -> Option<Time> {
    Time::parse_lenient(text).ok()
}
