//! A key that is known to be exposed is used.

use crate::shared::call;
use crate::{Context, Detection, Interest::LeakedKey, Need, Rule};
use watchfire_model::{ApiCall, FindingType, ListKind, Severity, Signal};

const COMPROMISED: FindingType = FindingType::new("CredentialAccess:IAMUser/CompromisedCredentials");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[COMPROMISED],
    summary: "An access key that a list names as exposed was used.",
    listens: &[LeakedKey],
    needs: &[Need::ManagementEvents, Need::Lists(&[ListKind::LeakedKey])],
    file: file!(),
    rule: Rule::Call(detect),
};

/// Evidence: any call signed with a listed key, on objects too, refused or not: the secret is in use.
///
/// Who uses it, the owner or a thief, the call does not tell; an exposed key should be used by neither. A request whose
/// signature was not accepted is no evidence: its sender knows the key's id and not its secret.
///
/// False positives: the owner who has not changed the key yet. A key that was laid out as bait is not one: its use is what
/// it is for.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let key = event.identity.access_key_id.as_ref();
    if key.is_empty() || !call::proves_credentials(event) {
        return;
    }
    // An own list may hold keys as well: whatever list names the key says that it is out.
    let kinds = [ListKind::LeakedKey, ListKind::Custom, ListKind::Malicious];
    let threats = context.knowledge.key_threats(key, &kinds, event.time);
    if threats.is_empty() {
        return;
    }
    let caller = call::caller(event);
    let mut signal = call::signal(COMPROMISED, Severity::HIGH, event, context);
    signal.title = format!("An exposed access key of {} was used.", in_a_sentence(&caller));
    signal.description =
        format!("{caller} called {} with access key {key}, which is known to be exposed.", event.action());
    let mut reasons =
        vec![format!("{caller} called {} {} with access key `{key}`.", event.action(), call::origin(event))];
    for threat in &threats {
        let dated = if threat.version.is_empty() { String::new() } else { format!(" of {}", threat.version) };
        reasons.push(format!("The list `{}`{dated} names the key `{key}` as exposed.", threat.list));
    }
    reasons.append(&mut signal.reasons);
    reasons.push(call::outcome(event));
    signal.reasons = reasons;
    signal.missing.push("How the key became exposed is not known.".to_owned());
    if event.is_s3_data() {
        let bucket = call::bucket_name(event);
        if !bucket.is_empty() {
            signal.resource.buckets = vec![context.bucket(&bucket, event.account())];
        }
    }
    signal.threats = threats;
    signals.push(signal);
}

/// "user `mallory`" of "User `mallory`".
fn in_a_sentence(caller: &str) -> String {
    let mut letters = caller.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires_with, check_quiet_with, knowing};
    use watchfire_knowledge::Knowledge;

    const CALL: &str = r#"{"eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "eventTime": "2024-07-31T13:06:24Z",
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "requestParameters": null, "responseElements": null,
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "userName": "ci",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#;

    fn leaked() -> Knowledge {
        knowing(ListKind::LeakedKey, &["AKIAIOSFODNN7EXAMPLE"])
    }

    #[test]
    fn the_key_is_named_with_the_list() {
        let signals = check_fires_with(&DETECTION, &leaked(), &[CALL]);
        assert_eq!((signals[0].finding_type, signals[0].severity), (COMPROMISED, Severity::HIGH));
        assert!(signals[0].reasons[0].contains("`AKIAIOSFODNN7EXAMPLE`"), "{:?}", signals[0].reasons);
        assert_eq!(signals[0].title, "An exposed access key of user `ci` was used.");
    }

    #[test]
    fn refused_calls_and_calls_on_objects_count() {
        let refused = CALL.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#);
        check_fires_with(&DETECTION, &leaked(), &[&refused]);
        let read = CALL.replace("sts.", "s3.").replace("GetCallerIdentity", "GetObject").replace(
            r#""requestParameters": null"#,
            r#""eventCategory": "Data", "requestParameters": {"bucketName": "b"}"#,
        );
        assert_eq!(check_fires_with(&DETECTION, &leaked(), &[&read])[0].resource.buckets[0].name, "b");
    }

    #[test]
    fn another_key_of_the_same_user_stays_quiet() {
        check_quiet_with(&DETECTION, &leaked(), &[&CALL.replace("AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE")]);
    }

    #[test]
    fn knowing_the_id_without_the_secret_stays_quiet() {
        let forged = CALL.replace(r#""awsRegion""#, r#""errorCode": "SignatureDoesNotMatch", "awsRegion""#);
        check_quiet_with(&DETECTION, &leaked(), &[&forged]);
    }
}
