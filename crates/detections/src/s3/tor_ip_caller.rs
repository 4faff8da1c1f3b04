//! Someone with credentials reaches into a bucket through Tor.

use crate::shared::api_class::S3DataClass;
use crate::shared::listed_caller::{TOR_EXIT, report_s3_data};
use crate::{Context, Detection, Interest::CallFrom, Need, Rule};
use watchfire_model::{ApiCall, FindingType, Severity, Signal};

const DISCOVERY: FindingType = FindingType::new("Discovery:S3/TorIPCaller");
const ACCESS: FindingType = FindingType::new("UnauthorizedAccess:S3/TorIPCaller");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DISCOVERY, ACCESS],
    summary: "A bucket's objects were listed, read or changed from a Tor exit node.",
    listens: &[CallFrom(TOR_EXIT)],
    needs: &[Need::S3DataEvents, Need::Lists(TOR_EXIT)],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a data event of S3 by a caller with credentials, from an exit node.
///
/// Looking around is discovery, all else is access. An anonymous request is no evidence: people may read a public
/// bucket through Tor.
///
/// False positives: people who use Tor for their privacy. Whether they may is a matter of your rules.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let (finding_type, severity) = match S3DataClass::of(&event.name) {
        S3DataClass::Discovery => (DISCOVERY, Severity::MEDIUM),
        S3DataClass::Exfiltration | S3DataClass::Impact => (ACCESS, Severity::HIGH),
    };
    report_s3_data(finding_type, severity, TOR_EXIT, event, context, signals);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires_with, check_quiet_with, knowing};
    use watchfire_model::ListKind;

    const LIST: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "eventCategory": "Data", "managementEvent": false,
        "requestParameters": {"bucketName": "reports"}, "responseElements": null, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    #[test]
    fn listing_is_discovery_and_reading_is_access() {
        let knowledge = knowing(ListKind::TorExit, &["198.51.100.7"]);
        let signals = check_fires_with(&DETECTION, &knowledge, &[LIST]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (DISCOVERY, Severity::MEDIUM));
        let signals = check_fires_with(&DETECTION, &knowledge, &[&LIST.replace("ListObjects", "GetObject")]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (ACCESS, Severity::HIGH));
    }

    #[test]
    fn an_anonymous_reader_stays_quiet() {
        let anonymous = LIST.replace(
            r#""type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE""#,
            r#""type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL""#,
        );
        assert_ne!(anonymous, LIST);
        check_quiet_with(&DETECTION, &knowing(ListKind::TorExit, &["198.51.100.7"]), &[&anonymous]);
    }

    #[test]
    fn the_neighbour_of_an_exit_stays_quiet() {
        check_quiet_with(&DETECTION, &knowing(ListKind::TorExit, &["198.51.100.8"]), &[LIST]);
    }
}
