//! Someone with credentials reaches into a bucket from a malicious address, or from one of the user's own list.

use crate::shared::api_class::S3DataClass;
use crate::shared::listed_caller::{CUSTOM, MALICIOUS, report_s3_data};
use crate::{Context, Detection, Interest::CallFrom, Need, Rule};
use watchfire_model::{ApiCall, FindingType, ListKind, Severity, Signal};

const DISCOVERY: FindingType = FindingType::new("Discovery:S3/MaliciousIPCaller");
const DISCOVERY_CUSTOM: FindingType = FindingType::new("Discovery:S3/MaliciousIPCaller.Custom");
const EXFILTRATION: FindingType = FindingType::new("Exfiltration:S3/MaliciousIPCaller");
const IMPACT: FindingType = FindingType::new("Impact:S3/MaliciousIPCaller");
const ACCESS_CUSTOM: FindingType = FindingType::new("UnauthorizedAccess:S3/MaliciousIPCaller.Custom");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DISCOVERY, DISCOVERY_CUSTOM, EXFILTRATION, IMPACT, ACCESS_CUSTOM],
    summary: "A bucket's objects were listed, read or changed from an address on a list of malicious addresses or on one of your own lists.",
    listens: &[CallFrom(MALICIOUS), CallFrom(CUSTOM)],
    needs: &[Need::S3DataEvents, Need::Lists(&[ListKind::Malicious, ListKind::C2, ListKind::Custom])],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a data event of S3 by a caller with credentials, from an address that a list covers.
///
/// What the call does names the type; own lists know only looking around and the rest. An anonymous request is no
/// evidence: a public bucket is there to be asked. Management calls have types of their own.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let (built_in, custom) = match S3DataClass::of(&event.name) {
        S3DataClass::Discovery => (DISCOVERY, DISCOVERY_CUSTOM),
        S3DataClass::Exfiltration => (EXFILTRATION, ACCESS_CUSTOM),
        S3DataClass::Impact => (IMPACT, ACCESS_CUSTOM),
    };
    report_s3_data(built_in, Severity::HIGH, MALICIOUS, event, context, signals);
    report_s3_data(custom, Severity::HIGH, CUSTOM, event, context, signals);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires_with, check_quiet_with, knowing};
    use watchfire_knowledge::Knowledge;
    use watchfire_model::ResourceKind;

    const READ: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "eventCategory": "Data", "managementEvent": false,
        "requestParameters": {"bucketName": "reports", "key": "2024.csv"}, "responseElements": null,
        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::reports/2024.csv"},
            {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::reports"}],
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    fn listed(kind: ListKind) -> Knowledge {
        knowing(kind, &["198.51.100.7"])
    }

    #[test]
    fn what_the_call_does_names_the_type() {
        for (name, built_in, custom) in [
            ("ListObjects", DISCOVERY, DISCOVERY_CUSTOM),
            ("GetObjectAcl", DISCOVERY, DISCOVERY_CUSTOM),
            ("GetObject", EXFILTRATION, ACCESS_CUSTOM),
            ("PutObject", IMPACT, ACCESS_CUSTOM),
            ("DeleteObjects", IMPACT, ACCESS_CUSTOM),
        ] {
            let event = READ.replace("GetObject", name);
            let signals = check_fires_with(&DETECTION, &listed(ListKind::Malicious), &[&event]);
            assert_eq!((signals.len(), signals[0].finding_type), (1, built_in), "{name}");
            let signals = check_fires_with(&DETECTION, &listed(ListKind::Custom), &[&event]);
            assert_eq!((signals.len(), signals[0].finding_type), (1, custom), "{name}");
        }
    }

    #[test]
    fn the_finding_is_about_the_bucket_and_who_touched_it() {
        let signals = check_fires_with(&DETECTION, &listed(ListKind::C2), &[READ]);
        assert_eq!(signals[0].resource.kind, ResourceKind::S3Bucket);
        assert_eq!(signals[0].entity, "reports arn:aws:iam::111122223333:user/mallory");
        assert_eq!(signals[0].resource.buckets.len(), 1);
    }

    #[test]
    fn a_copy_shows_the_bucket_it_reads_from() {
        let copy = READ
            .replace("GetObject", "CopyObject")
            .replace(r#""key": "2024.csv""#, r#""key": "2024.csv", "x-amz-copy-source": "/payroll%2F2024.csv""#);
        let signals = check_fires_with(&DETECTION, &listed(ListKind::Malicious), &[&copy]);
        let roles: Vec<(&str, &str)> =
            signals[0].resource.buckets.iter().map(|bucket| (bucket.name.as_str(), bucket.role.as_str())).collect();
        assert_eq!(roles, [("reports", "Destination"), ("payroll", "Source")]);
    }

    #[test]
    fn an_anonymous_request_stays_quiet() {
        let anonymous = READ.replace(
            r#""type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE""#,
            r#""type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL""#,
        );
        assert_ne!(anonymous, READ);
        check_quiet_with(&DETECTION, &listed(ListKind::Malicious), &[&anonymous]);
    }

    #[test]
    fn a_management_call_is_left_to_the_types_of_identities() {
        let list = READ
            .replace("GetObject", "ListBuckets")
            .replace(r#""eventCategory": "Data", "managementEvent": false"#, r#""managementEvent": true"#);
        check_quiet_with(&DETECTION, &listed(ListKind::Malicious), &[&list]);
    }
}
