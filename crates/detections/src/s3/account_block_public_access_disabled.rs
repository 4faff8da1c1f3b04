//! Someone took off the guard that keeps the buckets of a whole account from the public.

use crate::shared::call;
use crate::shared::public_access_block::{Level, level, taken_off};
use crate::{Context, Detection, Interest::Api, Need, Rule};
use watchfire_model::{ApiCall, FindingType, Severity, Signal};

const DISABLED: FindingType = FindingType::new("Policy:S3/AccountBlockPublicAccessDisabled");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DISABLED],
    summary: "An identity switched off Block Public Access of the account.",
    listens: &[
        Api("s3:DeleteAccountPublicAccessBlock"),
        Api("s3:PutAccountPublicAccessBlock"),
        Api("s3:DeletePublicAccessBlock"),
        Api("s3:PutPublicAccessBlock"),
    ],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a granted call after which at least one of the four settings is off that was on or not known to be off.
///
/// All four on is no evidence, nor is taking off what the log shows to be off already. A refused call changes nothing.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    if !event.succeeded() || level(event) != Some(Level::Account) {
        return;
    }
    let Some(loss) = taken_off(event, context.estate.account_block(event.account())) else { return };
    let caller = call::caller(event);
    let mut signal = call::signal(DISABLED, Severity::LOW, event, context);
    signal.title = format!("Block Public Access of account {} was disabled.", event.account());
    signal.description = format!(
        "{caller} switched off Amazon S3 Block Public Access for the whole account {}. Its buckets can be opened to the \
         public one by one.",
        event.account()
    );
    signal.reasons.insert(0, format!("{caller} called {} {}: {loss}", event.action(), call::origin(event)));
    signal.reasons.push(call::outcome(event));
    signals.push(signal);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet, signals};
    use watchfire_knowledge::Knowledge;

    const OFF: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "PutAccountPublicAccessBlock", "eventTime": "2024-01-15T10:45:23Z",
        "awsRegion": "us-west-2", "sourceIPAddress": "198.51.100.7", "requestParameters": {"accountId": "111122223333",
            "PublicAccessBlockConfiguration": {"xmlns": "http://awss3control.amazonaws.com/doc/2018-08-20/",
                "RestrictPublicBuckets": false, "BlockPublicPolicy": false, "BlockPublicAcls": false, "IgnorePublicAcls": false},
            "Host": "111122223333.s3-control.us-west-2.amazonaws.com"},
        "responseElements": null, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    fn at(hour: u8, event: &str) -> String {
        event.replace("T10:", &format!("T{hour:02}:"))
    }

    #[test]
    fn four_settings_off_are_reported() {
        let found = check_fires(&DETECTION, &[OFF]);
        assert_eq!((found[0].finding_type, found[0].severity), (DISABLED, Severity::LOW));
        assert_eq!(found[0].entity, "arn:aws:iam::111122223333:user/mallory");
        assert!(found[0].reasons[0].contains("4 of the 4 settings"), "{:?}", found[0].reasons);
        check_fires(&DETECTION, &[&OFF.replace("PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock")]);
    }

    #[test]
    fn one_setting_off_suffices_and_four_on_stay_quiet() {
        let on = OFF.replace("false", "true");
        let one_off = on.replace(r#""BlockPublicAcls": true"#, r#""BlockPublicAcls": false"#);
        assert!(check_fires(&DETECTION, &[&one_off])[0].reasons[0].contains("(BlockPublicAcls)"));
        check_quiet(&DETECTION, &[&on]);
    }

    #[test]
    fn what_is_known_to_be_off_cannot_be_taken_off_again() {
        assert_eq!(signals(&DETECTION, &Knowledge::default(), &[&at(9, OFF), &at(10, OFF)]).len(), 1);
        let on = OFF.replace("false", "true");
        assert_eq!(signals(&DETECTION, &Knowledge::default(), &[&at(9, OFF), &at(10, &on), &at(11, OFF)]).len(), 2);
    }

    #[test]
    fn a_refused_call_stays_quiet() {
        check_quiet(&DETECTION, &[&OFF.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#)]);
    }

    #[test]
    fn a_change_of_one_bucket_is_left_to_its_own_type() {
        let bucket = OFF
            .replace("PutAccountPublicAccessBlock", "PutPublicAccessBlock")
            .replace(r#""accountId": "111122223333","#, r#""bucketName": "reports","#);
        check_quiet(&DETECTION, &[&bucket]);
        check_quiet(&DETECTION, &[&bucket.replace("PutPublicAccessBlock", "PutBucketPublicAccessBlock")]);
    }

    #[test]
    fn the_api_of_the_control_endpoint_is_the_same_without_a_bucket() {
        let control = OFF.replace("PutAccountPublicAccessBlock", "PutPublicAccessBlock");
        check_fires(&DETECTION, &[&control.replace("s3.amazonaws.com", "s3-control.amazonaws.com")]);
    }
}
