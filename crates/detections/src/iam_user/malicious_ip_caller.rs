//! Someone with credentials calls from an address known to be malicious, or from one of the user's own list.

use crate::shared::api_class::is_reconnaissance;
use crate::shared::listed_caller::{CUSTOM, MALICIOUS, report_management};
use crate::{Context, Detection, Interest::CallFrom, Need, Rule};
use watchfire_model::{ApiCall, FindingType, ListKind, Signal};

const RECON: FindingType = FindingType::new("Recon:IAMUser/MaliciousIPCaller");
const RECON_CUSTOM: FindingType = FindingType::new("Recon:IAMUser/MaliciousIPCaller.Custom");
const ACCESS: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/MaliciousIPCaller");
const ACCESS_CUSTOM: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[RECON, RECON_CUSTOM, ACCESS, ACCESS_CUSTOM],
    summary: "An identity called an API from an address on a list of malicious addresses or on one of your own lists.",
    listens: &[CallFrom(MALICIOUS), CallFrom(CUSTOM)],
    needs: &[Need::ManagementEvents, Need::Lists(&[ListKind::Malicious, ListKind::C2, ListKind::Custom])],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a management call with credentials, from an address that a list covers.
///
/// Looking around is reconnaissance, all else is access. Built-in lists and the user's own are told apart, so that an
/// address on both gives both findings. See [`report_management`] for what is no evidence.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let looks_around = is_reconnaissance(&event.name);
    let (built_in, custom) = if looks_around { (RECON, RECON_CUSTOM) } else { (ACCESS, ACCESS_CUSTOM) };
    report_management(built_in, MALICIOUS, event, context, signals);
    report_management(custom, CUSTOM, event, context, signals);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires_with, check_quiet_with, knowing, knowing_lists};

    const CREATE: &str = r#"{"eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "requestParameters": {"userName": "backdoor"},
        "responseElements": null, "recipientAccountId": "111122223333", "eventType": "AwsApiCall", "managementEvent": true,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    fn types(signals: &[Signal]) -> Vec<FindingType> {
        signals.iter().map(|signal| signal.finding_type).collect()
    }

    #[test]
    fn a_change_is_access_and_a_listing_is_reconnaissance() {
        let knowledge = knowing(ListKind::Malicious, &["198.51.100.0/24"]);
        let signals = check_fires_with(&DETECTION, &knowledge, &[CREATE]);
        assert_eq!(types(&signals), [ACCESS]);
        assert_eq!(signals[0].threats[0].entry, "198.51.100.0/24");
        assert!(
            signals[0].reasons[1].contains("`198.51.100.0/24`, which covers 198.51.100.7"),
            "{:?}",
            signals[0].reasons
        );
        let list = CREATE.replace("iam.amazonaws.com", "s3.amazonaws.com").replace("CreateUser", "ListBuckets");
        assert_eq!(types(&check_fires_with(&DETECTION, &knowledge, &[&list])), [RECON]);
        let oneself = CREATE.replace("CreateUser", "GetUser");
        assert_eq!(types(&check_fires_with(&DETECTION, &knowledge, &[&oneself])), [ACCESS]);
    }

    #[test]
    fn an_own_list_makes_the_custom_types_and_both_lists_make_both() {
        let own = knowing(ListKind::Custom, &["198.51.100.7"]);
        let signals = check_fires_with(&DETECTION, &own, &[CREATE]);
        assert_eq!(types(&signals), [ACCESS_CUSTOM]);
        assert_eq!(signals[0].additional["threatListName"], "test-custom");
        let both = knowing_lists(&[(ListKind::Custom, &["198.51.100.7"]), (ListKind::C2, &["198.51.100.7"])], &[]);
        let signals = check_fires_with(&DETECTION, &both, &[CREATE]);
        assert_eq!(types(&signals), [ACCESS, ACCESS_CUSTOM]);
        assert!(signals.iter().all(|signal| signal.threats.len() == 1));
    }

    #[test]
    fn a_refused_call_fires_and_shows_the_error() {
        let refused = CREATE.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#);
        let signals = check_fires_with(&DETECTION, &knowing(ListKind::Malicious, &["198.51.100.7"]), &[&refused]);
        assert!(signals[0].reasons.iter().any(|reason| reason.contains("`AccessDenied`")));
    }

    #[test]
    fn a_signature_that_was_not_accepted_proves_no_credentials() {
        let forged = CREATE.replace(r#""awsRegion""#, r#""errorCode": "SignatureDoesNotMatch", "awsRegion""#);
        check_quiet_with(&DETECTION, &knowing(ListKind::Malicious, &["198.51.100.7"]), &[&forged]);
    }

    #[test]
    fn scanners_and_tor_exits_are_not_malicious_callers() {
        for kind in [ListKind::Scanner, ListKind::TorExit, ListKind::TorRelay, ListKind::Mining, ListKind::BlackHole] {
            check_quiet_with(&DETECTION, &knowing(kind, &["198.51.100.7"]), &[CREATE]);
        }
    }

    #[test]
    fn what_a_service_does_for_someone_stays_quiet() {
        let knowledge = knowing(ListKind::Malicious, &["198.51.100.7"]);
        let by_service = CREATE.replace(r#""userName": "mallory","#, r#""invokedBy": "cloudformation.amazonaws.com","#);
        check_quiet_with(&DETECTION, &knowledge, &[&by_service]);
    }

    #[test]
    fn an_object_read_is_left_to_the_types_of_s3() {
        let read = CREATE
            .replace("iam.amazonaws.com", "s3.amazonaws.com")
            .replace("CreateUser", "GetObject")
            .replace(r#""managementEvent": true"#, r#""managementEvent": false, "eventCategory": "Data""#);
        check_quiet_with(&DETECTION, &knowing(ListKind::Malicious, &["198.51.100.7"]), &[&read]);
    }
}
