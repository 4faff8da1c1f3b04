//! The findings as the script reads them: JSON inside the page, in which nothing can end the element it stands in.
//!
//! Each finding may take only its share of the page. Sentences come first, then facts, then records in their order;
//! what is left out is counted, and the reader is told where it stands whole.

use super::digest::{Digest, Row, TypeGroup, rank};
use super::timeline::Axis;
use crate::explain::Part;
use crate::mitre::tactic_name;
use crate::text::harmless;
use serde_json::{Value, json};
use std::collections::HashMap;
use watchfire_model::EvidenceRecord;

/// Findings in the list. A page of more opens slowly, and nobody reads them one by one.
pub(super) const LISTED_MAX: usize = 5_000;

/// Bytes for all findings: with the rest of the page, 1,000 findings stay under 3 MB.
const SHARED_BYTES: usize = 2_300_000;
/// The share of one finding: at least its sentences and a bit of its record, at most what a person can read.
const SHARE_BYTES: std::ops::Range<usize> = 1_500..48_000;
/// Bytes of a sentence or a name.
const TEXT_BYTES: usize = 600;
/// Bytes below which a piece of a record tells nothing.
const RECORD_BYTES_MIN: usize = 160;
/// Bytes of a record's time, place and hash.
const RECORD_HEAD_BYTES: usize = 150;

/// The JSON, safe inside a `script` element.
pub(super) fn json(digest: &Digest<'_>) -> String {
    let listed = &digest.rows[..digest.rows.len().min(LISTED_MAX)];
    let share = (SHARED_BYTES / listed.len().max(1)).clamp(SHARE_BYTES.start, SHARE_BYTES.end);
    let mut files = Files::default();
    let findings: Vec<Value> = listed.iter().map(|row| finding(row, share, &mut files)).collect();
    let (from, length) = digest.period.map_or((0, 1), |(from, to)| {
        let axis = Axis::new(from, to);
        (axis.from, axis.length)
    });
    let document = json!({
        "from": from,
        "length": length,
        "types": digest.types.iter().map(finding_type).collect::<Vec<_>>(),
        "tactics": digest.by_tactic().iter().map(|(id, name, _)| json!([id, name])).collect::<Vec<_>>(),
        "entities": digest.entities.iter().map(|entity| short(&entity.name, TEXT_BYTES / 4)).collect::<Vec<_>>(),
        "places": digest.places.iter().map(|place| short(&place.name, TEXT_BYTES / 4)).collect::<Vec<_>>(),
        "files": files.names,
        "findings": findings,
    });
    in_script(&document.to_string())
}

/// `<` could open a comment or close the element; the rest is for readers who paste it elsewhere.
fn in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 50);
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out
}

fn finding_type(group: &TypeGroup) -> Value {
    let entry = group.entry;
    let variants = entry.map_or(&[][..], |entry| &entry.severity_variants);
    let named = |id: &String| json!([id, tactic_name(id)]);
    json!({
        "n": group.name,
        "d": entry.map_or("", |entry| &entry.detects),
        "r": entry.map_or("", |entry| &entry.remediation),
        "b": normal(entry.and_then(|entry| entry.method.as_deref())),
        "v": variants.iter().map(|one| format!("{} ({})", one.severity, one.when)).collect::<Vec<_>>(),
        "t": group.tactics().iter().map(named).collect::<Vec<_>>(),
        "q": entry.map_or(&[][..], |entry| &entry.tactic.mitre_techniques),
    })
}

/// What the finding is compared with. Nothing has learned what is usual yet, and the report says so.
fn normal(method: Option<&str>) -> &'static str {
    match method {
        Some("threat-intel") => {
            "Contact with what stands on a threat list is normal for nothing, so no normal had to be learned. Where it is \
             meant, as in research or with a partner on a shared address, name the address with --trusted."
        }
        Some("signature") => {
            "The mark in the record suffices; no normal was learned. The usual innocent reason is a test that was \
             announced."
        }
        Some("rule") => {
            "The rule holds whatever is usual here; no normal was learned, so whether this identity does it often is not \
             known. The usual innocent reason is a planned change."
        }
        _ => "No normal was learned for this type.",
    }
}

fn finding(row: &Row<'_>, share: usize, files: &mut Files) -> Value {
    let finding = row.finding;
    let signal = &finding.latest;
    let mut room = Room(share.saturating_sub(400)); // Ids, times, keys.
    let title = room.take(row.title(), TEXT_BYTES);
    let resource = room.take(&row.resource, TEXT_BYTES / 2);
    let party = room.take(&row.party, TEXT_BYTES / 2);
    let description = room.take(&signal.description, TEXT_BYTES);
    let (why, why_left) = room.list(&signal.reasons, share / 4);
    let (missing, missing_left) = room.list(&signal.missing, share / 5);
    let (facts, facts_left) = facts(row, &mut room, share / 3);
    let records = records(finding.evidence.first.iter().chain(&finding.evidence.last), &mut room, files);
    json!({
        "i": finding.id,
        "t": row.type_index,
        "s": signal.severity.number(),
        "l": rank(row.level()),
        "a": short(&signal.account, TEXT_BYTES / 6),
        "g": short(&signal.region, TEXT_BYTES / 6),
        "f": finding.first_seen.ms(),
        "u": finding.last_seen.ms(),
        "c": finding.count,
        "h": title,
        "d": description,
        "w": resource,
        "p": party,
        "e": row.entities,
        "o": row.places,
        "y": why,
        "m": missing,
        "x": facts,
        "r": records,
        "n": finding.evidence.count,
        "k": u8::from(finding.archived),
        "z": u8::from(why_left || missing_left || facts_left),
    })
}

/// `[title, [[label, value] or text, …]]` for each section; and whether anything was left out.
fn facts(row: &Row<'_>, room: &mut Room, bytes_max: usize) -> (Vec<Value>, bool) {
    let mut sections: Vec<(String, Vec<Value>)> = Vec::new();
    let mut left = bytes_max;
    for part in &row.facts {
        let (size, value) = match part {
            Part::Section(title) => {
                sections.push((title.clone(), Vec::new()));
                continue;
            }
            Part::Paragraph(text) | Part::Item(text) => {
                let text = short(text, TEXT_BYTES);
                (cost(&text) + 3, json!(text))
            }
            Part::Pair(label, text) => {
                let (label, text) = (short(label, TEXT_BYTES / 6), short(text, TEXT_BYTES));
                (cost(&text) + cost(&label) + 8, json!([label, text]))
            }
        };
        if size > left || !room.spend(size) {
            sections.retain(|(_, lines)| !lines.is_empty());
            return (sections.into_iter().map(|section| json!(section)).collect(), true);
        }
        left -= size;
        if let Some((_, lines)) = sections.last_mut() {
            lines.push(value);
        }
    }
    sections.retain(|(_, lines)| !lines.is_empty());
    (sections.into_iter().map(|section| json!(section)).collect(), false)
}

/// `[time, file, position, hash, text, whole?]` for each record for which there is room, in order.
fn records<'a>(records: impl Iterator<Item = &'a EvidenceRecord>, room: &mut Room, files: &mut Files) -> Vec<Value> {
    let mut shown = Vec::new();
    for record in records {
        let head = RECORD_HEAD_BYTES + files.cost_of(&record.file);
        let needed = RECORD_BYTES_MIN.min(record.raw.len());
        let Some(left) = room.0.checked_sub(head).filter(|left| *left >= needed) else { break };
        let text = short(&record.raw, left);
        let whole = u8::from(text == harmless(&record.raw));
        room.0 = room.0.saturating_sub(head + cost(&text));
        shown.push(json!([record.time.ms(), files.index(&record.file), record.position, record.sha256, text, whole]));
        if whole == 0 {
            break;
        }
    }
    shown
}

/// The names of files, each once: they are long, and many records share one.
#[derive(Default)]
struct Files {
    names: Vec<String>,
    index_of: HashMap<String, usize>,
}

impl Files {
    fn cost_of(&self, name: &str) -> usize {
        if self.index_of.contains_key(name) { 0 } else { cost(&short(name, TEXT_BYTES)) + 3 }
    }

    fn index(&mut self, name: &str) -> usize {
        let names = &mut self.names;
        *self.index_of.entry(name.to_owned()).or_insert_with(|| {
            names.push(short(name, TEXT_BYTES));
            names.len() - 1
        })
    }
}

/// Bytes that one finding may still take.
struct Room(usize);

impl Room {
    /// Takes so many bytes, if they are there.
    fn spend(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }

    /// A text, shortened to what may be taken.
    fn take(&mut self, text: &str, bytes_max: usize) -> String {
        let text = short(text, bytes_max.min(self.0));
        self.0 = self.0.saturating_sub(cost(&text) + 3);
        text
    }

    /// The first texts that fit; and whether any did not.
    fn list(&mut self, texts: &[String], bytes_max: usize) -> (Vec<String>, bool) {
        let mut left = bytes_max;
        let mut kept = Vec::new();
        for text in texts {
            let text = short(text, TEXT_BYTES);
            let size = cost(&text) + 3;
            if size > left || !self.spend(size) {
                return (kept, true);
            }
            left -= size;
            kept.push(text);
        }
        (kept, false)
    }
}

/// The text made harmless, cut where it would take more bytes than this in the page; a cut shows as `…`.
fn short(text: &str, bytes_max: usize) -> String {
    let text = harmless(text);
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += cost_of(character);
        if used > bytes_max {
            return format!("{}…", &text[..at]);
        }
    }
    text.into_owned()
}

/// The bytes a text takes in the page.
fn cost(text: &str) -> usize {
    text.chars().map(cost_of).sum()
}

fn cost_of(character: char) -> usize {
    match character {
        '<' | '>' | '&' => 6,
        '"' | '\\' => 2,
        _ => character.len_utf8(),
    }
}
