//! Someone weakened what the account asks of passwords, or tried to.

use crate::shared::call;
use crate::{Context, Detection, Interest::Api, Need, Rule};
use watchfire_knowledge::PasswordPolicy;
use watchfire_model::{ApiCall, FindingType, Severity, Signal};

const WEAKENED: FindingType = FindingType::new("Stealth:IAMUser/PasswordPolicyChange");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[WEAKENED],
    summary: "An identity weakened or deleted the account's password policy, or tried to.",
    listens: &[Api("iam:UpdateAccountPasswordPolicy"), Api("iam:DeleteAccountPasswordPolicy")],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Call(detect),
};

/// A shorter minimum than this is a substantial weakening. Source: IAM's default password policy asks for eight
/// characters.
const LENGTH_MIN: u32 = 8;
/// So many of the four character classes. Source: IAM's default password policy.
const CLASSES_MIN: usize = 3;
/// So many requirements lost at once are a substantial weakening. Source: our choice; GuardDuty does not publish its
/// scale.
const LOSSES_MEDIUM_MIN: usize = 2;

/// Evidence: a policy weaker than the one before, or its deletion; an attempt that was refused counts like the deed.
///
/// The former policy is the one that the log last showed being set. If it shows none, the new one is held against IAM's
/// default policy, which is in force where no other is: whatever it asks less than that is weak. A change that asks
/// as much or more stays quiet, and so does deleting a policy that does not exist.
///
/// False positives: a policy that follows newer advice (long, and without classes of characters) loses classes, and is
/// reported for that. An account whose people all sign in through an identity provider may have no use for the policy.
fn detect(event: &ApiCall<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
    let Some(change) = weakening(event, context) else { return };
    let caller = call::caller(event);
    let verb = if event.succeeded() { "" } else { "tried to " };
    let did = match (event.name.as_ref(), event.succeeded()) {
        ("DeleteAccountPasswordPolicy", true) => "deleted",
        ("DeleteAccountPasswordPolicy", false) => "delete",
        (_, true) => "weakened",
        (_, false) => "weaken",
    };
    let mut signal = call::signal(WEAKENED, change.severity, event, context);
    signal.title = format!("{caller} {verb}{did} the account's password policy.");
    signal.description = format!(
        "{caller} {verb}{did} the password policy of account {} by calling {}. Weaker passwords are easier to guess.",
        event.account(),
        event.action()
    );
    let mut reasons = vec![format!("{caller} called {} {}.", event.action(), call::origin(event))];
    reasons.extend(change.reasons);
    reasons.append(&mut signal.reasons);
    reasons.push(call::outcome(event));
    signal.reasons = reasons;
    signal.missing.extend(change.missing);
    signals.push(signal);
}

struct Weakening {
    severity: Severity,
    reasons: Vec<String>,
    missing: Option<String>,
}

fn weakening(event: &ApiCall<'_>, context: &Context<'_>) -> Option<Weakening> {
    match event.name.as_ref() {
        "DeleteAccountPasswordPolicy" => (!event.error_code.starts_with("NoSuchEntity")).then(|| Weakening {
            severity: Severity::HIGH,
            reasons: vec!["Without a policy of its own the account falls back to IAM's default.".to_owned()],
            missing: None,
        }),
        "UpdateAccountPasswordPolicy" => update(event, context),
        _ => None,
    }
}

fn update(event: &ApiCall<'_>, context: &Context<'_>) -> Option<Weakening> {
    let request = event.request_json();
    if !request.is_object() {
        // CloudTrail leaves the parameters of refused calls out.
        return (!event.succeeded()).then(|| Weakening {
            severity: Severity::LOW,
            reasons: Vec::new(),
            missing: Some("The event does not say what the new policy would have been.".to_owned()),
        });
    }
    let new = PasswordPolicy::from_request(&request);
    let (losses, compared, missing) = match context.estate.password_policy(event.account()) {
        Some(former) => (losses(&former, &new), "the former policy", None),
        None => (
            below_default(&new),
            "IAM's default policy (8 characters, three of four character classes)",
            Some("The former policy was not seen, so the new one was held against IAM's default.".to_owned()),
        ),
    };
    if losses.is_empty() {
        return None;
    }
    let is_short = losses.iter().any(|loss| matches!(loss, Loss::Length { to, .. } if *to < LENGTH_MIN));
    let is_substantial = is_short || (missing.is_none() && losses.len() >= LOSSES_MEDIUM_MIN);
    let mut reasons: Vec<String> = losses.iter().map(Loss::reason).collect();
    reasons.push(format!("It was compared with {compared}: {} requirement(s) are weaker.", losses.len()));
    let severity = if is_substantial { Severity::MEDIUM } else { Severity::LOW };
    Some(Weakening { severity, reasons, missing })
}

/// One thing that the new policy asks less of.
enum Loss {
    Length { from: u32, to: u32 },
    Class(&'static str),
    Classes { to: usize },
    Age { from: u32, to: Option<u32> },
    Reuse { from: u32, to: Option<u32> },
}

/// In the order of [`PasswordPolicy::classes`].
const CLASS_NAMES: [&str; 4] = ["symbols", "numbers", "upper-case letters", "lower-case letters"];

impl Loss {
    fn reason(&self) -> String {
        match self {
            Self::Length { from, to } => format!("The minimum length is {to} characters, instead of {from}."),
            Self::Class(name) => format!("Passwords no longer need {name}."),
            Self::Classes { to } => format!("Passwords need {to} of four character classes, instead of {CLASSES_MIN}."),
            Self::Age { from, to: Some(to) } => format!("Passwords expire after {to} days, instead of {from}."),
            Self::Age { from, to: None } => format!("Passwords no longer expire; before, they did after {from} days."),
            Self::Reuse { from, to } => {
                format!("The last {} passwords may not be used again, instead of {from}.", to.unwrap_or(0))
            }
        }
    }
}

fn losses(former: &PasswordPolicy, new: &PasswordPolicy) -> Vec<Loss> {
    let mut losses = Vec::new();
    if new.minimum_length < former.minimum_length {
        losses.push(Loss::Length { from: former.minimum_length, to: new.minimum_length });
    }
    for (at, name) in CLASS_NAMES.into_iter().enumerate() {
        if former.classes[at] && !new.classes[at] {
            losses.push(Loss::Class(name));
        }
    }
    if let Some(from) = former.max_age_days
        && new.max_age_days.is_none_or(|to| to > from)
    {
        losses.push(Loss::Age { from, to: new.max_age_days });
    }
    if let Some(from) = former.reuse_prevention
        && new.reuse_prevention.is_none_or(|to| to < from)
    {
        losses.push(Loss::Reuse { from, to: new.reuse_prevention });
    }
    losses
}

fn below_default(new: &PasswordPolicy) -> Vec<Loss> {
    let mut losses = Vec::new();
    if new.minimum_length < LENGTH_MIN {
        losses.push(Loss::Length { from: LENGTH_MIN, to: new.minimum_length });
    }
    let class_count = new.classes.iter().filter(|&&asked| asked).count();
    if class_count < CLASSES_MIN {
        losses.push(Loss::Classes { to: class_count });
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_fires, check_quiet, signals};
    use watchfire_knowledge::Knowledge;

    const STRONG: &str = r#"{"minimumPasswordLength": 14, "requireSymbols": true, "requireNumbers": true,
        "requireUppercaseCharacters": true, "requireLowercaseCharacters": true, "maxPasswordAge": 90,
        "passwordReusePrevention": 24}"#;

    fn event(hour: u8, name: &str, parameters: &str) -> String {
        format!(
            r#"{{"eventSource": "iam.amazonaws.com", "eventName": "{name}", "eventTime": "2024-07-31T{hour:02}:06:24Z",
            "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "requestParameters": {parameters},
            "responseElements": null, "recipientAccountId": "111122223333",
            "userIdentity": {{"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}}}"#
        )
    }

    fn update(hour: u8, parameters: &str) -> String {
        event(hour, "UpdateAccountPasswordPolicy", parameters)
    }

    fn refused(event: &str) -> String {
        event.replace(r#""awsRegion""#, r#""errorCode": "AccessDenied", "awsRegion""#)
    }

    #[test]
    fn six_characters_are_substantially_weak_whatever_was_before() {
        let signals = check_fires(&DETECTION, &[&update(1, r#"{"minimumPasswordLength": 6}"#)]);
        assert_eq!(signals[0].severity, Severity::MEDIUM);
        assert!(signals[0].missing.iter().any(|missing| missing.contains("former policy was not seen")));
    }

    #[test]
    fn severity_follows_what_was_lost() {
        let check = |from: &str, to: &str, severity: Severity| {
            let after = STRONG.replace(from, to);
            let found = signals(&DETECTION, &Knowledge::default(), &[&update(1, STRONG), &update(2, &after)]);
            assert_eq!(found.iter().map(|signal| signal.severity).collect::<Vec<_>>(), [severity], "{to}");
        };
        check(r#"Length": 14"#, r#"Length": 12"#, Severity::LOW);
        check(r#"Age": 90"#, r#"Age": 365"#, Severity::LOW);
        check(r#""requireSymbols": true"#, r#""requireSymbols": false"#, Severity::LOW);
        check(r#""requireSymbols": true, "requireNumbers": true"#, r#""requireSymbols": false"#, Severity::MEDIUM);
        check(r#"Length": 14"#, r#"Length": 7"#, Severity::MEDIUM);
    }

    #[test]
    fn deleting_is_severe_also_when_it_is_refused() {
        let delete = event(1, "DeleteAccountPasswordPolicy", "null");
        assert_eq!(check_fires(&DETECTION, &[&delete])[0].severity, Severity::HIGH);
        let signals = check_fires(&DETECTION, &[&refused(&delete)]);
        assert_eq!(signals[0].title, "User `mallory` tried to delete the account's password policy.");
    }

    #[test]
    fn an_attempt_without_parameters_is_reported_as_far_as_it_is_known() {
        assert_eq!(check_fires(&DETECTION, &[&refused(&update(1, "null"))])[0].severity, Severity::LOW);
    }

    #[test]
    fn a_change_that_asks_as_much_or_more_stays_quiet() {
        check_quiet(&DETECTION, &[&update(1, STRONG), &update(2, STRONG)]);
        check_quiet(&DETECTION, &[&update(1, STRONG), &update(2, &STRONG.replace("14", "20").replace("90", "60"))]);
    }

    #[test]
    fn deleting_what_does_not_exist_stays_quiet() {
        let delete = event(1, "DeleteAccountPasswordPolicy", "null");
        check_quiet(
            &DETECTION,
            &[&delete.replace(r#""awsRegion""#, r#""errorCode": "NoSuchEntityException", "awsRegion""#)],
        );
    }
}
