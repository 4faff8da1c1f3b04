//! MISP events, and the answers of MISP's search for events and for attributes.
//!
//! ```text
//! {"Event": {"info": "…", "Attribute": [{"type": "ip-dst", "value": "198.51.100.7", "to_ids": true, …}], "Object": […]}}
//! ```
//!
//! Only attributes that MISP marks for detection (`to_ids`) count; the others describe what the event is about. Of an
//! attribute are used: type, value, `last_seen`, else `first_seen`, else `timestamp`; the event's `info` names the threat.

use super::json::{Document, Members, elements, is_true, members, position, text};
use super::{EntryError, ListFormat, ReadList, as_text, moment};
use crate::indicators::{EntryDetails, IndicatorList};
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads events.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::MispEvent, defaults);
    let content = as_text(bytes);
    let mut document = Document::new(&content);
    let Some(root) = document.parsed::<&RawValue>(&mut read) else { return read };
    for event in events(root) {
        let info: String = event.get("info").and_then(|info| serde_json::from_str(info.get()).ok()).unwrap_or_default();
        for attribute in attributes(&content, &event) {
            let line = document.line(attribute);
            match serde_json::from_str(attribute.get()) {
                Ok(value) => take(&mut read, line, &value, &info),
                Err(_) => read.reject(line, attribute.get(), EntryError::Malformed),
            }
        }
    }
    read
}

/// The events of any of the forms: one, a list of them, an answer with a list of them, an answer with attributes alone.
fn events(root: &RawValue) -> Vec<Members<'_>> {
    let Some(document) = members(root) else {
        return elements(Some(&root)).into_iter().filter_map(event).collect();
    };
    match document.get("response") {
        Some(response) if response.get().starts_with('[') => {
            elements(Some(response)).into_iter().filter_map(event).collect()
        }
        Some(response) => members(response).into_iter().collect(),
        None => event(root).into_iter().collect(),
    }
}

fn event(part: &RawValue) -> Option<Members<'_>> {
    let members_of_part = members(part)?;
    match members_of_part.get("Event") {
        Some(event) => members(event),
        None => Some(members_of_part),
    }
}

/// The attributes of an event and of its objects, in the order of the document.
fn attributes<'a>(content: &str, event: &Members<'a>) -> Vec<&'a RawValue> {
    let mut attributes = elements(event.get("Attribute"));
    for object in elements(event.get("Object")) {
        attributes.extend(members(object).map(|object| elements(object.get("Attribute"))).unwrap_or_default());
    }
    attributes.sort_by_key(|attribute| position(content, attribute));
    attributes
}

fn take(read: &mut ReadList, line: u64, attribute: &Value, info: &str) {
    let value = text(attribute, "value");
    if is_true(attribute, "deleted") {
        return read.reject(line, &value, EntryError::Withdrawn);
    }
    if !is_true(attribute, "to_ids") {
        return read.reject(line, &value, EntryError::NotForDetection);
    }
    let seen = ["last_seen", "first_seen", "timestamp"].iter().find_map(|member| moment(&text(attribute, member)));
    let details = EntryDetails { seen, ..EntryDetails::default() };
    let (first, second) = value.split_once('|').unwrap_or((&value, ""));
    match text(attribute, "type").as_str() {
        "ip-src" | "ip-dst" | "domain" | "hostname" | "url" | "sha256" => read.take(line, &value, info, details),
        "ip-src|port" | "ip-dst|port" | "hostname|port" => read.reject(line, &value, EntryError::Port),
        // Each half alone is what the attribute accuses.
        "domain|ip" => [first, second].into_iter().for_each(|half| read.take(line, half, info, details)),
        "filename|sha256" => read.take(line, second, info, details),
        "md5" | "sha1" | "sha224" | "sha384" | "sha512" | "filename|md5" | "filename|sha1" => {
            read.reject(line, &value, EntryError::OtherDigest);
        }
        _ => read.reject(line, &value, EntryError::ObjectKind),
    }
}
