//! JSON documents in pieces that know where they stand.

use super::{EntryError, Lines, ListFormat, ReadList, as_text};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of an object, unread.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A document, and how far its lines are counted.
pub(super) struct Document<'a> {
    text: &'a str,
    lines: Lines,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, lines: Lines::default() }
    }

    /// The line where a part of the document begins, from 1.
    pub(super) fn line(&mut self, part: &RawValue) -> u64 {
        self.lines.of(self.text.as_bytes(), position(self.text, part))
    }

    /// The members of the whole document; an error is noted as a refused entry.
    pub(super) fn members(&self, read: &mut ReadList) -> Option<Members<'a>> {
        self.parsed(read)
    }

    /// The document as this type; an error is noted as a refused entry.
    pub(super) fn parsed<T: serde::Deserialize<'a>>(&self, read: &mut ReadList) -> Option<T> {
        match serde_json::from_str(self.text) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let at = self.text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
                read.reject(error.line().max(1) as u64, at.trim(), EntryError::Malformed);
                None
            }
        }
    }
}

/// Where a part begins in the document that it was read from.
pub(super) fn position(document: &str, part: &RawValue) -> usize {
    (part.get().as_ptr() as usize).saturating_sub(document.as_ptr() as usize)
}

/// The members of an object; `None` if it is none.
pub(super) fn members(part: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(part.get()).ok()
}

/// The elements of an array; none if it is none.
pub(super) fn elements<'a>(part: Option<&&'a RawValue>) -> Vec<&'a RawValue> {
    part.and_then(|part| serde_json::from_str(part.get()).ok()).unwrap_or_default()
}

/// A member's text; empty if it is missing or no text. Numbers are written out.
pub(super) fn text(value: &Value, member: &str) -> String {
    match value.get(member) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Whether a member is true.
pub(super) fn is_true(value: &Value, member: &str) -> bool {
    matches!(value.get(member), Some(Value::Bool(true)))
}

/// Which of the JSON forms it is.
pub(super) fn recognise(bytes: &[u8]) -> ListFormat {
    let text = as_text(bytes);
    let first: Option<Members<'_>> = if text.trim_start().starts_with('[') {
        let elements: Vec<Members<'_>> = serde_json::from_str(&text).unwrap_or_default();
        elements.into_iter().next()
    } else {
        serde_json::from_str(&text).ok()
    };
    let Some(members) = first else { return ListFormat::Stix2 };
    let has = |name: &str| members.contains_key(name);
    if has("Event") || has("response") || has("Attribute") {
        ListFormat::MispEvent
    } else if has("list") {
        ListFormat::MispWarningList
    } else {
        ListFormat::Stix2
    }
}
