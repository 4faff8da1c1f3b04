//! Someone switched off the audit trail.

use crate::shared::call;
use crate::{Context, Detection, Interest::Api, Need, Rule};
use watchfire_model::{Action, ApiCall, FindingType, Severity, Signal};

const LOGGING_DISABLED: FindingType = FindingType::new("Stealth:IAMUser/CloudTrailLoggingDisabled");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LOGGING_DISABLED],
    summary: "An identity stopped, deleted or narrowed a CloudTrail trail, or deleted the bucket that holds its logs.",
    listens: &[
        Api("cloudtrail:StopLogging"),
        Api("cloudtrail:DeleteTrail"),
        Api("cloudtrail:UpdateTrail"),
        Api("s3:DeleteBucket"),
    ],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a granted call after which a trail records less, and the trail it named.
///
/// A refused call changes nothing, so it is not evidence of stealth. `UpdateTrail` counts only when it switches
/// something off: most updates are housekeeping. `PutEventSelectors` is left to the anomaly types: the trail goes on, and
/// GuardDuty's description names calls that delete or update a trail. Deleting a bucket counts when a trail is known to
/// write there: by the trail's own calls, or because CloudTrail was seen checking or writing to the bucket.
///
/// False positives: trails that are replaced, or that go with a stack which is taken down; the caller is then the role of
/// a pipeline. Another trail, an organization's for one, may still record everything: look before you relax.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if !event.succeeded() {
        return;
    }
    let trail = event.parameter("name").or_else(|| event.parameter("trailName"));
    let (trail, loss) = match event.name.as_ref() {
        "StopLogging" => (trail, "stopped recording".to_owned()),
        "DeleteTrail" => (trail, "was deleted".to_owned()),
        "UpdateTrail" => match switched_off(event) {
            Some(loss) => (trail, loss),
            None => return,
        },
        _ => {
            let bucket = call::bucket_name(event);
            let Some(trail) = context.estate.trail_writing_to(&bucket) else { return };
            let trail = (!trail.is_empty()).then(|| trail.to_owned());
            (trail, format!("lost the bucket `{bucket}` that held its logs"))
        }
    };
    let trail = trail.unwrap_or_else(|| "(not named in the event)".to_owned());
    let caller = call::caller(event);
    let mut signal = call::signal(LOGGING_DISABLED, Severity::LOW, event, context);
    signal.title = format!("AWS CloudTrail trail {trail} was disabled.");
    signal.description = format!(
        "AWS CloudTrail trail {trail} {loss} when {caller} called {}. An attacker may do this to hide what they do next.",
        event.name
    );
    signal
        .reasons
        .insert(0, format!("{caller} called {} {}, and trail {trail} {loss}.", event.action(), call::origin(event)));
    signal.reasons.push(call::outcome(event));
    if let Action::ApiCall(action) = &mut signal.action {
        action.affected_resources.insert("AWS::CloudTrail::Trail".to_owned(), trail);
    }
    signals.push(signal);
}

/// What an update takes away from a trail, if anything.
fn switched_off(event: &ApiCall<'_>) -> Option<String> {
    let request = event.request_json();
    let narrowed: Vec<&str> = ["isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation"]
        .into_iter()
        .filter(|key| request.get(key).is_some_and(|value| value == false || value == "false"))
        .collect();
    (!narrowed.is_empty()).then(|| format!("was narrowed ({} set to false)", narrowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_fires, check_quiet};

    const STOP: &str = r#"{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "requestParameters": {"name": "audit"}, "responseElements": null,
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory"}}"#;

    #[test]
    fn a_stopped_trail_is_reported_with_its_name() {
        let signals = check_fires(&super::DETECTION, &[STOP]);
        assert_eq!(signals[0].finding_type, super::LOGGING_DISABLED);
        assert_eq!(signals[0].entity, "arn:aws:iam::111122223333:user/mallory");
        assert!(signals[0].title.contains("trail audit"), "{}", signals[0].title);
    }

    #[test]
    fn a_refused_call_stays_quiet() {
        check_quiet(
            &super::DETECTION,
            &[&STOP.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#)],
        );
    }

    #[test]
    fn an_update_that_takes_nothing_away_stays_quiet() {
        let update = STOP.replace("StopLogging", "UpdateTrail");
        check_quiet(
            &super::DETECTION,
            &[&update.replace(r#"{"name": "audit"}"#, r#"{"name": "audit", "isMultiRegionTrail": true}"#)],
        );
        check_fires(
            &super::DETECTION,
            &[&update.replace(r#"{"name": "audit"}"#, r#"{"name": "audit", "isMultiRegionTrail": false}"#)],
        );
    }

    #[test]
    fn deleting_a_bucket_matters_only_if_a_trail_writes_there() {
        let create = STOP
            .replace("StopLogging", "CreateTrail")
            .replace(r#"{"name": "audit"}"#, r#"{"name": "audit", "s3BucketName": "audit-logs"}"#);
        let delete = STOP
            .replace("cloudtrail.amazonaws", "s3.amazonaws")
            .replace("StopLogging", "DeleteBucket")
            .replace("13:06:24", "14:00:00");
        check_fires(
            &super::DETECTION,
            &[&create, &delete.replace(r#"{"name": "audit"}"#, r#"{"bucketName": "audit-logs"}"#)],
        );
        let update = STOP.replace("StopLogging", "UpdateTrail").replace(
            r#""responseElements": null"#,
            r#""responseElements": {"name": "audit", "s3BucketName": "audit-logs"}"#,
        );
        check_fires(
            &super::DETECTION,
            &[&update, &delete.replace(r#"{"name": "audit"}"#, r#"{"bucketName": "audit-logs"}"#)],
        );
        check_quiet(
            &super::DETECTION,
            &[&create, &delete.replace(r#"{"name": "audit"}"#, r#"{"bucketName": "holiday-pictures"}"#)],
        );
        let deleted = delete.replace(r#"{"name": "audit"}"#, r#"{"bucketName": "audit-logs"}"#);
        let checked = STOP
            .replace("cloudtrail.amazonaws", "s3.amazonaws")
            .replace("StopLogging", "GetBucketAcl")
            .replace(r#"{"name": "audit"}"#, r#"{"bucketName": "audit-logs"}"#);
        let (checked, by_a_person) = (
            checked.replace(
                r#""type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory""#,
                r#""type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com""#,
            ),
            checked,
        );
        check_fires(&super::DETECTION, &[&checked, &deleted]);
        check_quiet(&super::DETECTION, &[&by_a_person, &deleted]);
    }
}
