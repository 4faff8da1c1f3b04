//! Changes of S3's Block Public Access, of a bucket or of a whole account.

use crate::shared::call;
use watchfire_knowledge::bucket_access::PublicAccessBlock;
use watchfire_model::ApiCall;

/// The settings by name, in the order of [`PublicAccessBlock::flags`].
const NAMES: [&str; 4] = ["IgnorePublicAcls", "RestrictPublicBuckets", "BlockPublicAcls", "BlockPublicPolicy"];

/// Whose settings a call changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Level {
    /// One bucket's.
    Bucket,
    /// The whole account's.
    Account,
}

/// Whose settings this call changes; `None` for any other call.
///
/// Two names say it themselves; the API's own names are used for both, and then only a bucket's change names a bucket.
pub(crate) fn level(event: &ApiCall<'_>) -> Option<Level> {
    if !matches!(event.service(), "s3" | "s3-control") {
        return None;
    }
    match event.name.as_ref() {
        "PutBucketPublicAccessBlock" | "DeleteBucketPublicAccessBlock" => Some(Level::Bucket),
        "PutAccountPublicAccessBlock" | "DeleteAccountPublicAccessBlock" => Some(Level::Account),
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" if call::bucket_name(event).is_empty() => {
            Some(Level::Account)
        }
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => Some(Level::Bucket),
        _ => None,
    }
}

/// What the call takes off, as a sentence; `None` if it takes nothing off that was on.
///
/// Evidence: at least one of the four settings goes off. GuardDuty does not say whether one of the four settings suffices. It does here: each one shut a way in. A setting of
/// which the log does not show that it was off before counts as on, as it is by default for new buckets.
///
/// False positives: a bucket that is meant to be public, and infrastructure code that takes the block off and sets it
/// again. Where the settings were off before the logs begin, taking them off once more is reported.
pub(crate) fn taken_off(event: &ApiCall<'_>, former: Option<PublicAccessBlock>) -> Option<String> {
    let new = if event.name.starts_with("Delete") {
        PublicAccessBlock::default()
    } else {
        // An event may hold no configuration: then nothing is known of it.
        PublicAccessBlock::parse(&event.request_json())?
    };
    let was = former.map_or([true; 4], PublicAccessBlock::flags);
    let off: Vec<&str> =
        (0..4).filter(|&setting| was[setting] && !new.flags()[setting]).map(|setting| NAMES[setting]).collect();
    if off.is_empty() {
        return None;
    }
    let before =
        if former.is_some() { "the log shows that they were on before" } else { "their state before was not seen" };
    Some(format!(
        "{} of the 4 settings are off after it that shut the public out ({}); {before}.",
        off.len(),
        off.join(", ")
    ))
}
