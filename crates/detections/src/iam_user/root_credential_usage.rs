//! The root user is used.

use crate::shared::call;
use crate::{Context, Detection, Interest::RootCall, Need, Rule};
use watchfire_model::{ApiCall, FindingType, IdentityKind, Severity, Signal};

const ROOT_USED: FindingType = FindingType::new("Policy:IAMUser/RootCredentialUsage");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[ROOT_USED],
    summary: "The account's root user signed in or called an API.",
    listens: &[RootCall],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a call or a successful sign-in by the root user in person, refused calls and calls on objects too.
///
/// What an AWS service does in the root user's name, and what the account does by itself, is no use of credentials. A
/// failed sign-in is none either: anyone who knows the e-mail address can try. Sessions of `sts:AssumeRoot` have a type
/// of their own.
///
/// False positives: the few tasks that only the root user can do, such as closing the account. Each use is reported, so
/// hold it against what was planned.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let is_root = event.identity.kind == IdentityKind::Root && !event.identity.assumed_root;
    if !is_root || call::is_by_service(event) || !call::proves_credentials(event) {
        return;
    }
    let mut signal = call::signal(ROOT_USED, Severity::LOW, event, context);
    signal.title = format!("API {} was called with root credentials.", event.name);
    signal.description = format!(
        "The root user of account {} called {} {}. The root user cannot be restricted and should not do daily work.",
        event.account(),
        event.action(),
        call::origin(event)
    );
    signal.reasons.insert(0, format!("The root user called {} {}.", event.action(), call::origin(event)));
    signal.reasons.push(call::outcome(event));
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet};

    const CALL: &str = r#"{"eventSource": "iam.amazonaws.com", "eventName": "ListAccessKeys", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "requestParameters": null, "responseElements": null,
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
            "accountId": "111122223333", "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}}"#;

    #[test]
    fn a_call_of_the_root_user_is_reported() {
        let signals = check_fires(&DETECTION, &[CALL]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (ROOT_USED, Severity::LOW));
        assert_eq!(signals[0].entity, "arn:aws:iam::111122223333:root");
    }

    #[test]
    fn a_call_through_the_console_counts_though_the_console_is_called_its_invoker() {
        check_fires(
            &DETECTION,
            &[&CALL.replace(r#""accessKeyId""#, r#""invokedBy": "signin.amazonaws.com", "accessKeyId""#)],
        );
    }

    #[test]
    fn a_read_of_an_object_counts() {
        let read = CALL
            .replace("iam.", "s3.")
            .replace("ListAccessKeys", "GetObject")
            .replace(r#""eventType""#, r#""eventCategory": "Data", "eventType""#);
        check_fires(&DETECTION, &[&read]);
    }

    #[test]
    fn a_sign_in_counts_if_it_succeeds() {
        let sign_in = |outcome: &str| {
            CALL.replace("iam.", "signin.")
                .replace("ListAccessKeys", "ConsoleLogin")
                .replace("AwsApiCall", "AwsConsoleSignIn")
                .replace(
                    r#""responseElements": null"#,
                    &format!(r#""responseElements": {{"ConsoleLogin": "{outcome}"}}"#),
                )
        };
        check_fires(&DETECTION, &[&sign_in("Success")]);
        check_quiet(&DETECTION, &[&sign_in("Failure")]);
        check_quiet(
            &DETECTION,
            &[&sign_in("Success")
                .replace(r#""ConsoleLogin", "eventTime""#, r#""PasswordRecoveryRequested", "eventTime""#)],
        );
    }

    #[test]
    fn what_services_do_in_its_name_stays_quiet() {
        check_quiet(&DETECTION, &[&CALL.replace("198.51.100.7", "AWS Internal")]);
        check_quiet(&DETECTION, &[&CALL.replace("AwsApiCall", "AwsServiceEvent")]);
        check_quiet(
            &DETECTION,
            &[&CALL.replace(r#""accessKeyId""#, r#""invokedBy": "support.amazonaws.com", "accessKeyId""#)],
        );
    }

    #[test]
    fn an_assumed_root_session_is_left_to_its_own_type() {
        check_quiet(
            &DETECTION,
            &[&CALL.replace(r#""sessionContext": {"#, r#""sessionContext": {"assumedRoot": "true", "#)],
        );
    }
}
