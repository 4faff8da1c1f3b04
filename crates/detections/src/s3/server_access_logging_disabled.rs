//! Someone switched off the log of who asks a bucket for what.

use crate::shared::call;
use crate::{Context, Detection, Interest::Api, Need, Rule};
use serde_json::{Map, Value};
use watchfire_model::{ApiCall, FindingType, Severity, Signal};

const LOGGING_DISABLED: FindingType = FindingType::new("Stealth:S3/ServerAccessLoggingDisabled");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LOGGING_DISABLED],
    summary: "An identity switched off server access logging of a bucket.",
    listens: &[Api("s3:PutBucketLogging")],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a granted `PutBucketLogging` whose status does not enable logging.
///
/// There is no call to delete the setting: an empty status does it. An event that hides its request says nothing about
/// it, and a refused call changes nothing. Whether the bucket was logging before is not asked: the log seldom
/// shows it.
///
/// False positives: tools that write a bucket's whole configuration send an empty status though logging was never on.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if event.name != "PutBucketLogging" || !event.succeeded() || !disables(&event.request_json()) {
        return;
    }
    let (bucket, caller) = (call::bucket_name(event), call::caller(event));
    let mut signal = call::bucket_signal(LOGGING_DISABLED, Severity::LOW, event, &bucket, context);
    signal.title = format!("Server access logging of bucket {bucket} was disabled.");
    signal.description = format!(
        "{caller} switched off server access logging of bucket {bucket}. Requests to it are no longer logged there."
    );
    let reason = format!(
        "{caller} called {} {} with a status that has no `LoggingEnabled`.",
        event.action(),
        call::origin(event)
    );
    signal.reasons.insert(0, reason);
    signal.reasons.push(call::outcome(event));
    signal.missing.push("Whether logging was on before is not in the event.".to_owned());
    signals.push(signal);
}

/// Whether the request sets a status that enables nothing. CloudTrail writes an empty one as an object with nothing but
/// its `xmlns`, or as an empty text; a request that names its bucket and no status sets an empty one as well.
fn disables(request: &Value) -> bool {
    let Some(members) = request.as_object() else { return false };
    let status = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("BucketLoggingStatus"));
    match status.map(|(_, status)| status) {
        Some(Value::Object(status)) => status.get("LoggingEnabled").is_none_or(|enabled| enabled.is_null()),
        Some(Value::String(status)) => status.trim().is_empty(),
        Some(Value::Null) | None => members.contains_key("bucketName") && !names_a_target(members),
        Some(_) => false,
    }
}

/// Whether the request names a target in another shape, which some tools that rewrite events leave.
fn names_a_target(members: &Map<String, Value>) -> bool {
    members.contains_key("LoggingEnabled")
        || members.get("logging").is_some_and(|logging| logging.as_str().is_none_or(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet};

    const EVENT: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "PutBucketLogging", "eventTime": "2024-01-15T10:45:23Z",
        "awsRegion": "us-west-2", "sourceIPAddress": "198.51.100.7", "requestParameters": {"logging": "", "bucketName": "reports",
            "BucketLoggingStatus": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
            "Host": "reports.s3.us-west-2.amazonaws.com"},
        "responseElements": null, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;
    const EMPTY: &str = r#"{"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}"#;

    #[test]
    fn an_empty_status_is_reported_in_any_shape() {
        let signals = check_fires(&DETECTION, &[EVENT]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (LOGGING_DISABLED, Severity::LOW));
        assert_eq!(signals[0].resource.buckets[0].name, "reports");
        check_fires(&DETECTION, &[&EVENT.replace(EMPTY, r#""""#)]);
        check_fires(&DETECTION, &[&EVENT.replace(EMPTY, "{}")]);
        check_fires(&DETECTION, &[&EVENT.replace(EMPTY, "null")]);
        check_fires(&DETECTION, &[&EVENT.replace("BucketLoggingStatus", "bucketLoggingStatus")]);
        check_fires(&DETECTION, &[&EVENT.replace("BucketLoggingStatus", "somethingElse")]);
    }

    #[test]
    fn setting_a_target_stays_quiet() {
        let enables = EVENT.replace(
            EMPTY,
            r#"{"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "a/"}}"#,
        );
        check_quiet(&DETECTION, &[&enables]);
    }

    #[test]
    fn a_request_that_is_hidden_or_names_a_target_elsewhere_says_nothing() {
        let target = EVENT
            .replace("BucketLoggingStatus", "somethingElse")
            .replace(r#""logging": """#, r#""logging": [{"targetBucket": "logs", "targetPrefix": "a/"}]"#);
        check_quiet(&DETECTION, &[&target]);
        check_quiet(
            &DETECTION,
            &[&EVENT.replace(
                r#""requestParameters": {"#,
                r#""requestParameters": "HIDDEN_DUE_TO_SECURITY_REASONS", "x": {"#,
            )],
        );
    }

    #[test]
    fn a_refused_call_stays_quiet() {
        check_quiet(&DETECTION, &[&EVENT.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#)]);
    }
}
