//! Someone opened a bucket to the whole internet.

use crate::shared::bucket_grant::report;
use crate::{Context, Detection, Interest::Api, Need, Rule};
use watchfire_knowledge::bucket_policy::Audience;
use watchfire_model::{ApiCall, FindingType, Signal};

const GRANTED: FindingType = FindingType::new("Policy:S3/BucketAnonymousAccessGranted");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[GRANTED],
    summary: "A new policy or ACL opens a bucket to anyone on the internet.",
    listens: &[Api("s3:CreateBucket"), Api("s3:PutBucketAcl"), Api("s3:PutBucketPolicy")],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: a granted call that sets a policy or ACL which lets in anyone on the internet.
///
/// A wildcard in the text is no evidence: a condition or a denial may leave nobody but those whom the policy names. If
/// only callers with credentials are let in, the other type says so. ACLs of objects open no bucket.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    report(GRANTED, Audience::Anyone, event, context, signals);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet};
    use watchfire_model::{BucketPermission, Severity};

    const OPENS: &str =
        r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}"#;

    fn event(hour: u8, name: &str, parameters: &str) -> String {
        r#"{"eventSource": "s3.amazonaws.com", "eventName": "NAME", "eventTime": "2024-01-15THOUR:45:23Z",
            "awsRegion": "us-west-2", "sourceIPAddress": "198.51.100.7",
            "requestParameters": {"bucketName": "reports", PARAMETERS}, "responseElements": null,
            "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#
            .replace("NAME", name)
            .replace("HOUR", &format!("{hour:02}"))
            .replace("PARAMETERS", parameters)
    }

    fn policy(statements: &str) -> String {
        event(10, "PutBucketPolicy", &format!(r#""policy": "", "bucketPolicy": {{"Statement": [{statements}]}}"#))
    }

    #[test]
    fn the_statement_and_what_it_gives_are_named() {
        let signals = check_fires(&DETECTION, &[&policy(OPENS)]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (GRANTED, Severity::HIGH));
        assert_eq!(signals[0].title, "Bucket reports was opened to anyone on the internet.");
        assert!(signals[0].reasons[1].contains("#1"), "{:?}", signals[0].reasons);
        let access = signals[0].resource.buckets[0].public_access.clone().unwrap();
        assert_eq!((access.policy, access.effective), ((Some(true), Some(false)), BucketPermission::Unknown));
    }

    #[test]
    fn a_policy_for_aws_principals_only_is_left_to_the_other_type() {
        check_quiet(
            &DETECTION,
            &[&policy(
                r#"{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::reports/*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}}"#,
            )],
        );
    }

    #[test]
    fn a_condition_or_a_denial_that_keeps_strangers_out_stays_quiet() {
        let own = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}}"#;
        check_quiet(&DETECTION, &[&policy(own)]);
        let denied = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::reports",
            "arn:aws:s3:::reports/*"], "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}"#;
        check_quiet(&DETECTION, &[&policy(&format!("{OPENS}, {denied}"))]);
    }

    #[test]
    fn an_acl_counts_also_when_the_bucket_is_made_with_it() {
        let acl = r#""acl": [""], "x-amz-acl": ["public-read"]"#;
        check_fires(&DETECTION, &[&event(10, "PutBucketAcl", acl)]);
        check_fires(&DETECTION, &[&event(10, "CreateBucket", acl)]);
        check_quiet(&DETECTION, &[&event(10, "PutObjectAcl", acl)]);
        check_quiet(&DETECTION, &[&event(10, "PutBucketAcl", r#""x-amz-acl": ["private"]"#)]);
    }

    #[test]
    fn a_block_that_takes_it_back_is_mentioned() {
        let block = event(
            9,
            "PutBucketPublicAccessBlock",
            r#""PublicAccessBlockConfiguration": {"RestrictPublicBuckets": true, "IgnorePublicAcls": true}"#,
        );
        let signals = check_fires(&DETECTION, &[&block, &policy(OPENS)]);
        assert!(signals[0].reasons.iter().any(|reason| reason.contains("takes the policy's public access back")));
    }

    #[test]
    fn a_refused_call_stays_quiet() {
        let refused = policy(OPENS).replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#);
        check_quiet(&DETECTION, &[&refused]);
    }
}
