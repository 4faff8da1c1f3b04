//! One line a record of evidence, as Timesketch imports them.
//!
//! `message`, `datetime` and `timestamp_desc` are what Timesketch asks for (Timesketch user guide, "Import from JSON or
//! CSV"); `timestamp` is in microseconds. Everything else becomes an attribute of the event.

use crate::table::level_name;
use crate::wire;
use serde_json::{Value, json};
use watchfire_model::Severity;

const MICROSECONDS_PER_MS: i64 = 1_000;

/// The finding's records, one event each; without records, the finding's own last activity.
pub fn timeline_events(finding: &Value) -> Vec<Value> {
    let records: Vec<&Value> = ["first", "last"]
        .into_iter()
        .flat_map(|list| wire::list(finding, &format!("/watchfire/evidence/{list}")))
        .filter(|record| wire::time_ms(record, "/time").is_some())
        .collect();
    if records.is_empty() {
        let seen = wire::time_ms(finding, "/service/eventLastSeen").or_else(|| wire::time_ms(finding, "/updatedAt"));
        return seen.map(|ms| event(finding, ms, "Last Seen", &Value::Null)).into_iter().collect();
    }
    let times = records.iter().filter_map(|record| Some((wire::time_ms(record, "/time")?, *record)));
    times.map(|(ms, record)| event(finding, ms, "Event Logged", record)).collect()
}

fn event(finding: &Value, ms: i64, about: &str, record: &Value) -> Value {
    let text = |pointer: &str| wire::text(finding, pointer);
    let level = level_name(wire::severity(finding).map(Severity::level));
    let what = if text("/title").is_empty() { text("/type") } else { text("/title") };
    let datetime = watchfire_model::Time::from_ms(ms).to_string().replace('Z', "+00:00");
    wire::known([
        ("message", json!(format!("[{level}] {}: {what}", text("/type")))),
        ("datetime", json!(datetime)),
        ("timestamp", json!(ms.saturating_mul(MICROSECONDS_PER_MS))),
        ("timestamp_desc", json!(about)),
        ("data_type", json!("watchfire:finding:record")),
        ("finding_id", json!(text("/id"))),
        ("finding_type", json!(text("/type"))),
        ("severity", finding.get("severity").cloned().unwrap_or_default()),
        ("level", json!(level.to_lowercase())),
        ("account", json!(text("/accountId"))),
        ("region", json!(text("/region"))),
        ("resource", json!(wire::resource(finding))),
        ("user_name", json!(text("/resource/accessKeyDetails/userName"))),
        ("remote_ip", json!(wire::address(wire::other_side(finding)))),
        ("file", json!(wire::text(record, "/file"))),
        ("position", json!(wire::number(record, "/position"))),
        ("sha256", json!(wire::text(record, "/sha256"))),
        ("record", json!(wire::text(record, "/raw"))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};

    #[test]
    fn every_record_is_an_event_with_timesketchs_fields() {
        let events = timeline_events(&finding_json(&samples::api_call()));
        assert_eq!(events.len(), 2);
        for event in &events {
            for field in ["message", "datetime", "timestamp_desc"] {
                assert!(!wire::text(event, &format!("/{field}")).is_empty(), "{field} is one that Timesketch asks for");
            }
        }
        assert_eq!(events[0]["datetime"], "2026-01-31T12:00:00.000+00:00");
        assert_eq!(events[0]["timestamp"], json!(1_769_860_800_000_000_i64));
        assert_eq!(events[0]["finding_type"], "UnauthorizedAccess:IAMUser/TorIPCaller");
        assert!(wire::text(&events[0], "/record").contains("ListBuckets"));
    }

    #[test]
    fn a_finding_without_records_is_one_event() {
        let bare = timeline_events(&finding_json(&samples::bare()));
        assert_eq!((bare.len(), &bare[0]["timestamp_desc"]), (1, &json!("Last Seen")));
        assert!(timeline_events(&json!({})).is_empty());
    }
}
