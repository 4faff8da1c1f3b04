//! A short-term root session of a member account is used.

use crate::shared::call;
use crate::{Context, Detection, Interest::RootCall, Need, Rule};
use watchfire_model::{ApiCall, FindingType, IdentityKind, Severity, Signal};

const SHORT_TERM_ROOT_USED: FindingType = FindingType::new("Policy:IAMUser/ShortTermRootCredentialUsage");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[SHORT_TERM_ROOT_USED],
    summary: "A session made by sts:AssumeRoot called an API as the root user of a member account.",
    listens: &[RootCall],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a call by a root user whose session `sts:AssumeRoot` made, which CloudTrail marks with `assumedRoot`.
///
/// A temporary key alone does not make a session such: the console gives the root user one too.
///
/// False positives: tasks that the organization's administrators planned, such as removing a policy that locked everyone
/// out of a bucket.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let is_assumed = event.identity.kind == IdentityKind::Root && event.identity.assumed_root;
    if !is_assumed || call::is_by_service(event) || !call::proves_credentials(event) {
        return;
    }
    let mut signal = call::signal(SHORT_TERM_ROOT_USED, Severity::LOW, event, context);
    signal.title = format!("API {} was called with short-term root credentials.", event.name);
    signal.description = format!(
        "A short-term session of the root user of account {} called {} {}.",
        event.account(),
        event.action(),
        call::origin(event)
    );
    let reason = format!(
        "The root user called {} {}, in a session that the event marks with `assumedRoot`.",
        event.action(),
        call::origin(event)
    );
    signal.reasons.insert(0, reason);
    signal.reasons.push(call::outcome(event));
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet};

    const CALL: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "DeleteBucketPolicy", "eventTime": "2024-12-03T13:06:24Z",
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "requestParameters": {"bucketName": "locked"},
        "responseElements": null, "eventType": "AwsApiCall", "recipientAccountId": "222233334444",
        "userIdentity": {"type": "Root", "principalId": "222233334444", "arn": "arn:aws:iam::222233334444:root",
            "accountId": "222233334444", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {"attributes": {"mfaAuthenticated": "false"}, "assumedRoot": "true"}}}"#;

    #[test]
    fn an_assumed_root_session_is_reported() {
        let signals = check_fires(&DETECTION, &[CALL]);
        assert_eq!(signals[0].finding_type, SHORT_TERM_ROOT_USED);
    }

    #[test]
    fn the_console_session_of_a_root_user_has_a_temporary_key_too_and_stays_quiet() {
        check_quiet(&DETECTION, &[&CALL.replace(r#", "assumedRoot": "true""#, "")]);
    }
}
