//! Changes that open a bucket to strangers.

use crate::Context;
use crate::shared::call;
use serde_json::Value;
use watchfire_knowledge::bucket_acl::evaluate_acl;
use watchfire_knowledge::bucket_policy::{Audience, Grant, evaluate_policy};
use watchfire_model::{ApiCall, BucketPermission, FindingType, PublicAccess, Severity, Signal};

/// What a call gives to strangers.
struct Opening {
    /// `policy` or `ACL`.
    by: &'static str,
    audience: Audience,
    grants: Vec<Grant>,
    /// Sentences on what was weighed besides the grants.
    weighed: Vec<String>,
    /// Sentences on what was not understood.
    missing: Vec<String>,
    /// Whether nothing that may take the grants back was left out.
    is_sure: bool,
}

/// Reports a granted call that opens a bucket to this audience and no wider one.
///
/// Evidence: the policy or ACL that the call sets, weighed as S3 would weigh it. The call itself grants, so it is reported
/// also if the bucket was as open before. Block Public Access may take it all back; GuardDuty does not reflect that and
/// leaves the effective permission unknown, and so does this, but says what is known of it.
///
/// False positives: buckets that are meant for strangers, such as a website's or a public data set's; suppress the finding
/// by the bucket's name. Infrastructure code that sets the same policy again makes another occurrence.
pub(crate) fn report(
    finding_type: FindingType,
    audience: Audience,
    event: &ApiCall<'_>,
    context: &Context<'_>,
    signals: &mut Vec<Signal>,
) {
    if event.service() != "s3" || !event.succeeded() {
        return;
    }
    let bucket = call::bucket_name(event);
    let Some(opening) = opening(event, &bucket).filter(|opening| opening.audience == audience) else { return };
    let (caller, by, whom) = (call::caller(event), opening.by, audience.words());
    let mut signal = call::bucket_signal(finding_type, Severity::HIGH, event, &bucket, context);
    signal.title = format!("Bucket {bucket} was opened to {whom}.");
    signal.description =
        format!("{caller} called {} and set a {by} that opens bucket {bucket} to {whom}.", event.action());
    let mut reasons = vec![format!("{caller} called {} {}.", event.action(), call::origin(event))];
    reasons.extend(opening.grants.iter().map(|grant| grant.reason.clone()));
    reasons.extend(opening.weighed.iter().cloned());
    let block = Block::of(by, &bucket, event.account(), context);
    reasons.push(block.sentence(by));
    reasons.append(&mut signal.reasons);
    reasons.push(call::outcome(event));
    signal.reasons = reasons;
    signal.missing.extend(opening.missing.iter().cloned());
    if let Some(bucket) = signal.resource.buckets.first_mut() {
        bucket.public_access = Some(access_after(bucket.public_access.take(), &opening, block, context, event));
    }
    signals.push(signal);
}

fn opening(event: &ApiCall<'_>, bucket: &str) -> Option<Opening> {
    let request = event.request_json();
    match event.name.as_ref() {
        "PutBucketPolicy" => {
            let policy = request.get("bucketPolicy").or_else(|| request.get("policy")).unwrap_or(&Value::Null);
            let verdict = evaluate_policy(policy, bucket, event.time);
            let mut missing = verdict.notes;
            missing.extend(
                verdict
                    .conditions_not_understood
                    .iter()
                    .map(|condition| format!("The condition {condition} of the policy is not understood.")),
            );
            Some(Opening {
                by: "policy",
                audience: verdict.audience,
                grants: verdict.grants,
                weighed: verdict.denied.into_iter().map(|denial| denial.reason).collect(),
                missing,
                is_sure: verdict.denials_understood,
            })
        }
        "PutBucketAcl" | "CreateBucket" => {
            let verdict = evaluate_acl(&request);
            Some(Opening {
                by: "ACL",
                audience: verdict.audience,
                grants: verdict.grants,
                weighed: Vec::new(),
                missing: verdict.notes,
                is_sure: true,
            })
        }
        _ => None,
    }
}

/// Whether Block Public Access takes back what the call gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// The bucket's or the account's does.
    TakesBack,
    /// Neither does.
    Leaves,
    /// Not enough of it was seen.
    Unknown,
}

impl Block {
    fn of(by: &str, bucket: &str, account: &str, context: &Context<'_>) -> Self {
        let blocks = [context.estate.bucket_block(bucket), context.estate.account_block(account)];
        let takes_back = blocks.map(|block| {
            block.map(|block| if by == "policy" { block.restrict_public_buckets } else { block.ignore_public_acls })
        });
        match takes_back {
            [Some(true), _] | [_, Some(true)] => Self::TakesBack,
            [Some(false), Some(false)] => Self::Leaves,
            _ => Self::Unknown,
        }
    }

    fn sentence(self, by: &str) -> String {
        match self {
            Self::TakesBack => format!(
                "Block Public Access, as the log last showed it, takes the {by}'s public access back; the grant stands \
                 all the same, and counts as soon as the block is lifted."
            ),
            Self::Leaves => format!("Block Public Access is known not to take the {by}'s public access back."),
            Self::Unknown => {
                "Whether Block Public Access of the bucket or the account takes this back was not seen.".to_owned()
            }
        }
    }
}

/// What is known of the bucket's public access once the call was granted.
fn access_after(
    before: Option<PublicAccess>,
    opening: &Opening,
    block: Block,
    context: &Context<'_>,
    event: &ApiCall<'_>,
) -> PublicAccess {
    let mut access = before.unwrap_or_default();
    let reads = opening.grants.iter().any(|grant| grant.read || grant.list);
    let writes = opening.grants.iter().any(|grant| grant.write);
    // What the call does not give, another grant that was not understood may: that is not known to be shut.
    let known = |given: bool| (given && opening.is_sure || !given && opening.missing.is_empty()).then_some(given);
    let given = (known(reads), known(writes));
    if opening.by == "policy" {
        access.policy = given
    } else {
        access.acl = given
    }
    if let Some(account_block) = context.estate.account_block(event.account()) {
        access.account_block = Some(account_block.flags());
    }
    access.effective =
        if block == Block::Leaves && opening.is_sure { BucketPermission::Public } else { BucketPermission::Unknown };
    access
}
