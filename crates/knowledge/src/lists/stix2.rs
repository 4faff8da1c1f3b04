//! STIX 2.0 and 2.1: bundles, and the envelopes of TAXII 2 servers.
//!
//! ```text
//! {"type": "bundle", "objects": [{"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.7']", …}]}
//! ```
//!
//! Only indicators count; a bundle's identities, malware and observed data are passed over. Of an indicator are used: its
//! pattern, `valid_from`, `valid_until`, `confidence` and `name`. One that is revoked, or said to be benign, is refused.

mod pattern;

use super::json::{Document, elements, is_true, text};
use super::{EntryError, ListFormat, ReadList, as_text, moment};
use crate::indicators::{EntryDetails, IndicatorList};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Reads a bundle.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::Stix2, defaults);
    let content = as_text(bytes);
    let mut document = Document::new(&content);
    if is_other_json(&content) {
        read.reject(1, "", EntryError::OtherJson);
        return read;
    }
    let Some(members) = document.members(&mut read) else { return read };
    if !members.contains_key("objects") {
        read.reject(1, "", EntryError::OtherJson);
    }
    for object in elements(members.get("objects")) {
        let line = document.line(object);
        match serde_json::from_str(object.get()) {
            Ok(value) => take(&mut read, line, &value),
            Err(_) => read.reject(line, object.get(), EntryError::Malformed),
        }
    }
    read
}

/// Whether it is sound JSON, but no object: an array, or one object a line.
fn is_other_json(content: &str) -> bool {
    let is_sound = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    let first_line = content.trim_start().lines().next().unwrap_or_default();
    let is_array = content.trim_start().starts_with('[');
    is_array && is_sound(content) || first_line.len() < content.trim().len() && is_sound(first_line)
}

fn take(read: &mut ReadList, line: u64, object: &Value) {
    if text(object, "type") != "indicator" {
        return;
    }
    let pattern = text(object, "pattern");
    let language = text(object, "pattern_type"); // STIX 2.0 has no such member, and one language.
    let refusal = if is_true(object, "revoked") {
        Some(EntryError::Withdrawn)
    } else if is_benign(object) {
        Some(EntryError::NotForDetection)
    } else if !language.is_empty() && language != "stix" {
        Some(EntryError::PatternLanguage)
    } else {
        None
    };
    if let Some(reason) = refusal {
        return read.reject(line, &pattern, reason);
    }
    let details = EntryDetails {
        seen: moment(&text(object, "valid_from")),
        until: moment(&text(object, "valid_until")),
        confidence: object
            .get("confidence")
            .and_then(Value::as_u64)
            .and_then(|percent| percent.min(100).try_into().ok()),
    };
    let name = text(object, "name");
    match pattern::values(&pattern) {
        Err(reason) => read.reject(line, &pattern, reason),
        Ok(values) => {
            for value in values {
                match value {
                    Ok(value) => read.take(line, &value, &name, details),
                    Err(reason) => read.reject(line, &pattern, reason),
                }
            }
        }
    }
}

/// Whether the indicator says of itself that what it describes does no harm.
fn is_benign(object: &Value) -> bool {
    let words = ["indicator_types", "labels"].map(|member| object.get(member).and_then(Value::as_array));
    words.into_iter().flatten().flatten().any(|word| word == "benign")
}
