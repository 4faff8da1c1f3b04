//! MISP warning lists, which name what is harmless or shared by many.
//!
//! ```text
//! {"name": "…", "version": 20260131, "type": "cidr", "list": ["198.51.100.0/24", "203.0.113.1"]}
//! ```
//!
//! Good as a guard or a trusted list. `hostname` covers the name and everything below it, `string` and `cidr` what they
//! say; `substring` and `regex` are refused.

use super::json::{Document, elements};
use super::{EntryError, ListFormat, ReadList, as_text};
use crate::indicators::{EntryDetails, IndicatorList};
use serde_json::Value;

/// Reads a warning list.
pub(super) fn parse(bytes: &[u8], defaults: &IndicatorList) -> ReadList {
    let mut read = ReadList::new(ListFormat::MispWarningList, defaults);
    let content = as_text(bytes);
    let mut document = Document::new(&content);
    let Some(members) = document.members(&mut read) else { return read };
    let text = |name: &str| match members.get(name).and_then(|part| serde_json::from_str(part.get()).ok()) {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (name, kind) = (text("name"), text("type"));
    read.list.version = text("version");
    if !name.is_empty() {
        read.list.name = name;
    }
    read.list.include_subdomains = kind == "hostname";
    let is_supported = matches!(kind.as_str(), "cidr" | "hostname" | "string" | "");
    for element in elements(members.get("list")) {
        let line = document.line(element);
        match serde_json::from_str::<String>(element.get()) {
            Err(_) => read.reject(line, element.get(), EntryError::Malformed),
            Ok(entry) if !is_supported => read.reject(line, &entry, EntryError::Expression),
            // `.example.com` means everything below.
            Ok(entry) => match entry.strip_prefix('.') {
                Some(parent) => read.take(line, &format!("*.{parent}"), "", EntryDetails::default()),
                None => read.take(line, &entry, "", EntryDetails::default()),
            },
        }
    }
    read
}
