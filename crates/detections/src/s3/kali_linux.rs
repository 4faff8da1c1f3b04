//! Someone with credentials reaches into a bucket from Kali Linux.

use crate::shared::pen_test::{PenTestDistribution::Kali, report_s3_data};
use crate::{Detection, Interest::PenTestAgent, Need, Rule};
use watchfire_model::FindingType;

const KALI: FindingType = FindingType::new("PenTest:S3/KaliLinux");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[KALI],
    summary: "A bucket's objects were listed, read or changed from a computer that runs Kali Linux, a system for penetration tests.",
    listens: &[PenTestAgent],
    needs: &[Need::S3DataEvents],
    file: file!(),
    rule: Rule::Call(|event, context, signals| report_s3_data(Kali, KALI, event, context, signals)),
};

#[cfg(test)]
mod tests {
    use crate::testing::{check_fires, check_quiet};

    const EVENT: &str = r#"{"eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "eventCategory": "Data", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "requestParameters": {"bucketName": "reports"}, "responseElements": null,
        "userAgent": "aws-cli/2.15.0 ua/2.0 os/linux#6.5.0 md/distrib#kali.2025", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    #[test]
    fn the_user_agent_names_the_distribution() {
        let signals = check_fires(&super::DETECTION, &[EVENT]);
        assert_eq!(signals[0].finding_type, super::KALI);
        assert!(signals[0].reasons[0].contains("md/distrib#kali.2025"), "{:?}", signals[0].reasons);
    }

    #[test]
    fn the_name_elsewhere_in_the_agent_stays_quiet() {
        let other = EVENT.replace(
            "aws-cli/2.15.0 ua/2.0 os/linux#6.5.0 md/distrib#kali.2025",
            "aws-cli/2.15.0 ua/2.0 os/linux#6.5.0 md/distrib#ubuntu.22 app/kali-report",
        );
        assert_ne!(other, EVENT);
        check_quiet(&super::DETECTION, &[&other]);
    }

    #[test]
    fn a_management_event_is_left_to_its_own_type() {
        let other = EVENT.replace(
            r#""eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "eventCategory": "Data""#,
            r#""eventSource": "s3.amazonaws.com", "eventName": "ListBuckets""#,
        );
        assert_ne!(other, EVENT);
        check_quiet(&super::DETECTION, &[&other]);
    }

    #[test]
    fn an_anonymous_request_stays_quiet() {
        let anonymous = EVENT.replace(
            r#""type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory""#,
            r#""type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL""#,
        );
        assert_ne!(anonymous, EVENT);
        check_quiet(&super::DETECTION, &[&anonymous]);
    }
}
