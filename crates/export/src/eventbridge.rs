//! EventBridge events, whole: what an event bus delivers when GuardDuty has a finding.

use crate::wire;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What EventBridge takes in one entry. Source: Amazon EventBridge user guide, PutEvents entry size, 256 KB.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;

/// The event that carries this finding.
///
/// Its id is a hash of the finding's id and the moment it last changed: the same finding gives the same event, and a
/// finding that grew since gives another, so that a consumer who drops repeated events does not miss it.
pub fn eventbridge_event(finding: &Value) -> Value {
    let updated = wire::text(finding, "/updatedAt");
    let event = json!({
        "version": "0",
        "id": event_id(wire::text(finding, "/id"), updated),
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": wire::text(finding, "/accountId"),
        "time": to_the_second(updated),
        "region": wire::text(finding, "/region"),
        "resources": [],
        "detail": finding,
    });
    if event.to_string().len() > EVENT_BYTES_MAX { without_records(event) } else { event }
}

/// A UUID of version 8, whose content RFC 9562 leaves to us.
fn event_id(id: &str, updated: &str) -> String {
    let digest = Sha256::digest(format!("watchfire event\n{id}\n{updated}"));
    let mut digits: Vec<char> =
        digest.iter().take(16).flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from).collect();
    digits[12] = '8';
    digits[16] = match digits[16] {
        '0'..='3' => '8',
        '4'..='7' => '9',
        '8'..='b' => 'a',
        _ => 'b',
    };
    let digits: String = digits.into_iter().collect();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// EventBridge gives times without fractions.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}

/// Records of 64 KiB each do not fit into an event; where they stand does.
fn without_records(mut event: Value) -> Value {
    for list in ["first", "last"] {
        let records = event.pointer_mut(&format!("/detail/watchfire/evidence/{list}")).and_then(Value::as_array_mut);
        for record in records.into_iter().flatten() {
            record["raw"] = Value::from("");
        }
    }
    if let Some(Value::Array(missing)) = event.pointer_mut("/detail/watchfire/missing") {
        missing.push(Value::from("The records' text is left out: the event would be larger than EventBridge takes."));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::ServiceModel;
    use crate::{finding_json, samples};

    #[test]
    fn an_event_is_what_the_bus_delivers() {
        let model = ServiceModel::committed().unwrap();
        for finding in samples::all() {
            let event = eventbridge_event(&finding_json(&finding));
            let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(
                keys,
                ["account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"]
            );
            assert_eq!(event["account"], "111122223333");
            assert_eq!(event["time"].as_str().unwrap().len(), "2026-01-31T12:05:00Z".len());
            assert_eq!(model.check_finding(&event["detail"]), []);
        }
    }

    #[test]
    fn the_id_is_a_uuid_and_changes_with_the_finding_only() {
        let finding = finding_json(&samples::api_call());
        let id = |finding: &Value| eventbridge_event(finding)["id"].as_str().unwrap().to_owned();
        let shape: String = id(&finding).chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(id(&finding), id(&finding));
        assert!(id(&finding).as_bytes()[14] == b'8' && b"89ab".contains(&id(&finding).as_bytes()[19]));
        let mut grown = finding.clone();
        grown["updatedAt"] = json!("2026-02-01T00:00:00.000Z");
        assert_ne!(id(&finding), id(&grown));
    }

    /// Rules as people write them, with EventBridge's semantics: every key must be there, and one of the values fit.
    #[test]
    fn rules_for_guardduty_match() {
        let event = eventbridge_event(&finding_json(&samples::api_call()));
        assert!(matches(&json!({"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]}), &event));
        assert!(matches(&json!({"detail": {"severity": [{"numeric": [">=", 4]}]}}), &event));
        assert!(!matches(&json!({"detail": {"severity": [{"numeric": [">=", 7]}]}}), &event));
        assert!(matches(&json!({"detail": {"type": [{"prefix": "UnauthorizedAccess:"}]}}), &event));
        assert!(matches(&json!({"detail": {"service": {"archived": [false]}}}), &event));
        assert!(!matches(&json!({"detail": {"type": ["Recon:EC2/Portscan"]}}), &event));
    }

    fn matches(pattern: &Value, event: &Value) -> bool {
        match pattern {
            Value::Object(members) => {
                members.iter().all(|(key, inner)| event.get(key).is_some_and(|event| matches(inner, event)))
            }
            Value::Array(choices) => choices.iter().any(|choice| match choice {
                Value::Object(test) if test.contains_key("prefix") => {
                    event.as_str().unwrap_or_default().starts_with(test["prefix"].as_str().unwrap())
                }
                Value::Object(test) => {
                    assert_eq!(test["numeric"][0], ">=");
                    event.as_f64() >= test["numeric"][1].as_f64()
                }
                plain => plain == event,
            }),
            _ => panic!("a pattern is made of objects and lists"),
        }
    }

    #[test]
    fn an_event_stays_within_the_buss_limit() {
        let mut finding = samples::api_call();
        finding.evidence.first[0].raw = "x".repeat(300_000);
        let event = eventbridge_event(&finding_json(&finding));
        assert!(event.to_string().len() < EVENT_BYTES_MAX);
        assert_eq!(event.pointer("/detail/watchfire/evidence/first/0/position"), Some(&json!(1234)));
        assert!(event["detail"]["watchfire"]["missing"].to_string().contains("larger than EventBridge takes"));
    }
}
