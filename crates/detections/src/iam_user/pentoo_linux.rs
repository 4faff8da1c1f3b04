//! Someone with credentials works on Pentoo Linux.

use crate::shared::pen_test::{PenTestDistribution::Pentoo, report_management};
use crate::{Detection, Interest::PenTestAgent, Need, Rule};
use watchfire_model::FindingType;

const PENTOO: FindingType = FindingType::new("PenTest:IAMUser/PentooLinux");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[PENTOO],
    summary: "An identity called an API from a computer that runs Pentoo Linux, a system for penetration tests.",
    listens: &[PenTestAgent],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(|event, context, signals| report_management(Pentoo, PENTOO, event, context, signals)),
};

#[cfg(test)]
mod tests {
    use crate::testing::{check_fires, check_quiet};

    const EVENT: &str = r#"{"eventSource": "iam.amazonaws.com", "eventName": "GetUser", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "requestParameters": null, "responseElements": null,
        "userAgent": "aws-cli/1.22.34 Python/3.9.9 Linux/5.15.0-pentoo botocore/1.27", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    #[test]
    fn the_user_agent_names_the_distribution() {
        let signals = check_fires(&super::DETECTION, &[EVENT]);
        assert_eq!(signals[0].finding_type, super::PENTOO);
        assert!(signals[0].reasons[0].contains("Linux/5.15.0-pentoo"), "{:?}", signals[0].reasons);
    }

    #[test]
    fn the_name_elsewhere_in_the_agent_stays_quiet() {
        let other = EVENT.replace(
            "aws-cli/1.22.34 Python/3.9.9 Linux/5.15.0-pentoo botocore/1.27",
            "aws-cli/2.15.0 ua/2.0 os/linux#6.5.0 md/distrib#gentoo.2",
        );
        assert_ne!(other, EVENT);
        check_quiet(&super::DETECTION, &[&other]);
    }

    #[test]
    fn a_data_event_of_s3_is_left_to_its_own_type() {
        let other = EVENT.replace(
            r#""eventSource": "iam.amazonaws.com", "eventName": "GetUser""#,
            r#""eventSource": "s3.amazonaws.com", "eventName": "ListObjects", "eventCategory": "Data""#,
        );
        assert_ne!(other, EVENT);
        check_quiet(&super::DETECTION, &[&other]);
    }

    #[test]
    fn a_refused_call_still_shows_that_someone_holds_the_key() {
        let refused = EVENT.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#);
        let signals = check_fires(&super::DETECTION, &[&refused]);
        assert!(signals[0].reasons.iter().any(|reason| reason.contains("AccessDenied")), "{:?}", signals[0].reasons);
    }
}
