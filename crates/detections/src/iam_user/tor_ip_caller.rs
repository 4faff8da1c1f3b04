//! Someone with credentials calls through Tor.

use crate::shared::api_class::is_reconnaissance;
use crate::shared::listed_caller::{TOR_EXIT, report_management};
use crate::{Context, Detection, Interest::CallFrom, Need, Rule};
use watchfire_model::{ApiCall, FindingType, Signal};

const RECON: FindingType = FindingType::new("Recon:IAMUser/TorIPCaller");
const ACCESS: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/TorIPCaller");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[RECON, ACCESS],
    summary: "An identity called an API from a Tor exit node.",
    listens: &[CallFrom(TOR_EXIT)],
    needs: &[Need::ManagementEvents, Need::Lists(TOR_EXIT)],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a management call with credentials, from an exit node; a sign-in to the console is access.
///
/// Relays that are no exits cannot be where a call comes from. A failed sign-in is no evidence: whoever typed it held no
/// credentials. See [`report_management`] for the rest.
///
/// False positives: people who use Tor for their privacy. Whether they may is a matter of your rules.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let finding_type = if is_reconnaissance(&event.name) { RECON } else { ACCESS };
    report_management(finding_type, TOR_EXIT, event, context, signals);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires_with, check_quiet_with, knowing};
    use watchfire_model::ListKind;

    const LOGIN: &str = r#"{"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "us-east-1", "sourceIPAddress": "2001:db8::7", "requestParameters": null, "eventType": "AwsConsoleSignIn",
        "responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "No"},
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": "111122223333"}}"#;

    #[test]
    fn a_sign_in_through_tor_is_access() {
        let knowledge = knowing(ListKind::TorExit, &["2001:db8::7"]);
        let signals = check_fires_with(&DETECTION, &knowledge, &[LOGIN]);
        assert_eq!(signals[0].finding_type, ACCESS);
        assert_eq!(signals[0].title, "API ConsoleLogin was called from a Tor exit node.");
    }

    #[test]
    fn a_failed_sign_in_proves_no_credentials() {
        let failed = LOGIN.replace("Success", "Failure");
        check_quiet_with(&DETECTION, &knowing(ListKind::TorExit, &["2001:db8::7"]), &[&failed]);
    }

    #[test]
    fn a_listing_through_tor_is_reconnaissance() {
        let list = LOGIN.replace("ConsoleLogin", "ListBuckets").replace("signin.", "s3.");
        let signals = check_fires_with(&DETECTION, &knowing(ListKind::TorExit, &["2001:db8::7"]), &[&list]);
        assert_eq!(signals[0].finding_type, RECON);
    }

    #[test]
    fn a_relay_that_is_no_exit_stays_quiet() {
        check_quiet_with(&DETECTION, &knowing(ListKind::TorRelay, &["2001:db8::7"]), &[LOGIN]);
    }
}
