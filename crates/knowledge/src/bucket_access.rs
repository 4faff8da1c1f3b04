//! A bucket's effective permission: what its policy and its ACL give, and what Block Public Access takes back.

use crate::bucket_acl::AclVerdict;
use crate::bucket_policy::{PolicyVerdict, element};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchfire_model::{BucketPermission, PublicAccess};

/// The four settings of Block Public Access, of a bucket or of an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// ACLs that let strangers in have no effect.
    pub ignore_public_acls: bool,
    /// A policy that lets strangers in is only good for AWS services and the bucket's own account.
    pub restrict_public_buckets: bool,
    /// Requests that set an ACL that lets strangers in are refused. Changes nothing that is already set.
    pub block_public_acls: bool,
    /// Requests that set a policy that lets strangers in are refused. Changes nothing that is already set.
    pub block_public_policy: bool,
}

impl PublicAccessBlock {
    /// Reads the `requestParameters` of `PutBucketPublicAccessBlock`, `PutPublicAccessBlock` or
    /// `PutAccountPublicAccessBlock`; `None` if they hold no configuration. A setting that is left out is off.
    pub fn parse(request: &Value) -> Option<Self> {
        let configuration = element(request.as_object()?, "PublicAccessBlockConfiguration")?.as_object()?;
        let is_on = |name: &str| match element(configuration, name) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
            _ => false,
        };
        Some(Self {
            ignore_public_acls: is_on("IgnorePublicAcls"),
            restrict_public_buckets: is_on("RestrictPublicBuckets"),
            block_public_acls: is_on("BlockPublicAcls"),
            block_public_policy: is_on("BlockPublicPolicy"),
        })
    }

    /// In the order of [`PublicAccess::bucket_block`].
    pub const fn flags(self) -> [bool; 4] {
        [self.ignore_public_acls, self.restrict_public_buckets, self.block_public_acls, self.block_public_policy]
    }
}

/// Puts together what is known of a bucket. `None`: not known, which is not the same as not set.
///
/// The bucket is public if one known way in is surely not taken back, and not public if each way is surely shut. A
/// setting counts if the bucket or the account has it, so it is surely off only when both are known.
pub fn effective(
    policy: Option<&PolicyVerdict>,
    acl: Option<&AclVerdict>,
    bucket_block: Option<PublicAccessBlock>,
    account_block: Option<PublicAccessBlock>,
) -> PublicAccess {
    let policy_opens = policy.map_or((None, None), |policy| {
        let sure = |given| if_sure(given, policy.allows_understood, policy.denials_understood);
        (sure(policy.allows_public_read()), sure(policy.allows_public_write()))
    });
    let acl_opens = acl.map_or((None, None), |acl| {
        let sure = |given| if_sure(given, acl.complete, true);
        (sure(acl.allows_public_read()), sure(acl.allows_public_write()))
    });
    let either_block =
        |setting: fn(PublicAccessBlock) -> bool| either(bucket_block.map(setting), account_block.map(setting));
    let by_policy =
        stays_open(either(policy_opens.0, policy_opens.1), either_block(|block| block.restrict_public_buckets));
    let by_acl = stays_open(either(acl_opens.0, acl_opens.1), either_block(|block| block.ignore_public_acls));
    let effective = match either(by_policy, by_acl) {
        Some(true) => BucketPermission::Public,
        Some(false) => BucketPermission::NotPublic,
        None => BucketPermission::Unknown,
    };
    PublicAccess {
        effective,
        acl: acl_opens,
        policy: policy_opens,
        bucket_block: bucket_block.map(PublicAccessBlock::flags),
        account_block: account_block.map(PublicAccessBlock::flags),
    }
}

/// That something is given is sure if no denial may take it; that it is not, if nothing else may give it.
fn if_sure(given: bool, allows_understood: bool, denials_understood: bool) -> Option<bool> {
    let sure = if given { denials_understood } else { allows_understood };
    sure.then_some(given)
}

fn stays_open(opens: Option<bool>, taken_back: Option<bool>) -> Option<bool> {
    match (opens, taken_back) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    }
}

/// "Or", when either may be unknown.
fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicAccessBlock, effective};
    use crate::bucket_acl::{AclVerdict, evaluate_acl};
    use crate::bucket_policy::{PolicyVerdict, evaluate_policy};
    use serde_json::json;
    use watchfire_model::{BucketPermission, Time};

    const OFF: Option<PublicAccessBlock> = Some(PublicAccessBlock {
        ignore_public_acls: false,
        restrict_public_buckets: false,
        block_public_acls: false,
        block_public_policy: false,
    });
    const ON: Option<PublicAccessBlock> = Some(PublicAccessBlock {
        ignore_public_acls: true,
        restrict_public_buckets: true,
        block_public_acls: true,
        block_public_policy: true,
    });

    fn public_policy() -> PolicyVerdict {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
        evaluate_policy(&json!({"Statement": statement}), "bucket", Time::from_seconds(1_767_225_600))
    }

    fn private_acl() -> AclVerdict {
        evaluate_acl(&json!({"x-amz-acl": "private"}))
    }

    fn public_acl() -> AclVerdict {
        evaluate_acl(&json!({"x-amz-acl": "public-read"}))
    }

    #[test]
    fn settings_are_booleans_or_texts_and_off_when_left_out() {
        let request = json!({"publicAccessBlock": [""], "bucketName": "b", "PublicAccessBlockConfiguration": {
            "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
            "RestrictPublicBuckets": true, "BlockPublicPolicy": "true", "BlockPublicAcls": "false"}});
        let block = PublicAccessBlock::parse(&request).unwrap();
        assert_eq!(block.flags(), [false, true, false, true]);
        assert_eq!(PublicAccessBlock::parse(&json!({"accountId": "111122223333"})), None);
    }

    #[test]
    fn a_public_policy_with_nothing_in_its_way_is_public() {
        let access = effective(Some(&public_policy()), None, OFF, OFF);
        assert_eq!(access.effective, BucketPermission::Public);
        assert_eq!((access.policy, access.acl), ((Some(true), Some(false)), (None, None)));
        assert_eq!(access.bucket_block, Some([false; 4]));
    }

    #[test]
    fn what_the_account_blocks_the_bucket_cannot_open() {
        let access = effective(Some(&public_policy()), Some(&public_acl()), OFF, ON);
        assert_eq!(access.effective, BucketPermission::NotPublic);
    }

    #[test]
    fn a_block_nobody_has_seen_leaves_it_open_whether_a_public_policy_counts() {
        let access = effective(Some(&public_policy()), Some(&private_acl()), OFF, None);
        assert_eq!(access.effective, BucketPermission::Unknown);
    }

    #[test]
    fn a_block_on_both_ways_decides_without_policy_and_acl() {
        assert_eq!(effective(None, None, ON, None).effective, BucketPermission::NotPublic);
        assert_eq!(effective(None, None, None, None).effective, BucketPermission::Unknown);
    }

    #[test]
    fn a_refusal_of_new_acls_does_not_shut_an_old_one() {
        let refuses = Some(PublicAccessBlock { block_public_acls: true, ..PublicAccessBlock::default() });
        let access = effective(None, Some(&public_acl()), refuses, OFF);
        assert_eq!(access.effective, BucketPermission::Public);
    }

    #[test]
    fn what_was_not_understood_is_not_said_to_be_shut() {
        let strange = evaluate_policy(&json!("not a policy"), "bucket", Time::from_seconds(1_767_225_600));
        let access = effective(Some(&strange), Some(&private_acl()), OFF, OFF);
        assert_eq!((access.effective, access.policy), (BucketPermission::Unknown, (None, None)));
        let denied_perhaps = json!({"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
             "Condition": {"StringEquals": {"aws:BrandNewKey": "x"}}}]});
        let access = effective(
            Some(&evaluate_policy(&denied_perhaps, "bucket", Time::from_seconds(1_767_225_600))),
            Some(&private_acl()),
            OFF,
            OFF,
        );
        assert_eq!((access.effective, access.policy), (BucketPermission::Unknown, (None, Some(false))));
    }
}
