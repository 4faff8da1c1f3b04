//! What changed between two runs, and why.
//!
//! Ids are deterministic, so findings are matched by id. The same records, knowledge and program give the same
//! findings: where knowledge and program are the same, what differs is the input.

use crate::table::level_name;
use crate::text::{TEXT_WIDTH, counted, cut_middle, harmless, wrap};
use crate::wire;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_model::Severity;

/// The difference between two sets of findings.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingsDiff {
    appeared: Vec<Difference>,
    vanished: Vec<Difference>,
    changed: Vec<Difference>,
    unchanged: u64,
}

/// One finding that differs.
#[derive(Clone, Debug, PartialEq)]
struct Difference {
    finding: Value,
    /// What differs: field, before, now. Empty if the finding is on one side only.
    fields: Vec<(&'static str, String, String)>,
    reasons: Vec<Reason>,
}

/// Why a finding differs.
#[derive(Clone, Debug, PartialEq)]
struct Reason {
    cause: Cause,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Knowledge,
    Version,
    Input,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::Knowledge => "knowledge",
            Self::Version => "version",
            Self::Input => "input",
        }
    }
}

/// Compares findings, as JSON. The order on either side does not matter.
pub fn diff_findings(old: &[Value], new: &[Value]) -> FindingsDiff {
    let (old_side, new_side) = (Side::of(old), Side::of(new));
    let mut diff = FindingsDiff { appeared: Vec::new(), vanished: Vec::new(), changed: Vec::new(), unchanged: 0 };
    for (id, finding) in &new_side.by_id {
        match old_side.by_id.get(id) {
            None => diff.appeared.push(one_sided(finding, &old_side, "before")),
            Some(before) => match changes(before, finding) {
                Some(difference) => diff.changed.push(difference),
                None => diff.unchanged += 1,
            },
        }
    }
    for (id, finding) in &old_side.by_id {
        if !new_side.by_id.contains_key(id) {
            diff.vanished.push(one_sided(finding, &new_side, "now"));
        }
    }
    for list in [&mut diff.appeared, &mut diff.vanished, &mut diff.changed] {
        list.sort_by(|a, b| order(&a.finding).cmp(&order(&b.finding)));
    }
    diff
}

/// The worst first.
fn order(finding: &Value) -> (std::cmp::Reverse<Option<Severity>>, &str, &str) {
    (std::cmp::Reverse(wire::severity(finding)), wire::text(finding, "/type"), wire::text(finding, "/id"))
}

/// One set of findings, and all that its findings say about how they were made.
struct Side<'a> {
    by_id: BTreeMap<&'a str, &'a Value>,
    knowledge: BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>,
    versions: BTreeSet<&'a str>,
}

impl<'a> Side<'a> {
    fn of(findings: &'a [Value]) -> Self {
        let mut side = Self { by_id: BTreeMap::new(), knowledge: BTreeMap::new(), versions: BTreeSet::new() };
        for finding in findings {
            side.by_id.insert(wire::text(finding, "/id"), finding);
            side.versions.extend([version(finding)].into_iter().filter(|version| !version.is_empty()));
            for (source, version) in knowledge(finding) {
                side.knowledge.entry(source).or_default().insert(version);
            }
        }
        side
    }
}

fn version(finding: &Value) -> &str {
    wire::text(finding, "/watchfire/version")
}

/// Kind and name of each list, with its version.
fn knowledge(finding: &Value) -> BTreeMap<(&str, &str), &str> {
    let used = wire::list(finding, "/watchfire/knowledge").iter();
    used.map(|used| ((wire::text(used, "/kind"), wire::text(used, "/name")), wire::text(used, "/version"))).collect()
}

/// A finding that the other side lacks.
fn one_sided(finding: &Value, other: &Side<'_>, when: &str) -> Difference {
    let mut reasons = Vec::new();
    for ((kind, name), version) in knowledge(finding) {
        match other.knowledge.get(&(kind, name)) {
            None if !other.by_id.is_empty() => reasons.push(Reason {
                cause: Cause::Knowledge,
                text: format!("it rests on `{name}` ({kind}), which no finding names {when}"),
            }),
            Some(versions) if !versions.contains(version) => reasons.push(Reason {
                cause: Cause::Knowledge,
                text: format!(
                    "`{name}` ({kind}) has version {} here, {when} {}",
                    or_none(version),
                    versions_text(versions)
                ),
            }),
            _ => {}
        }
    }
    let own = version(finding);
    if !own.is_empty() && !other.versions.is_empty() && !other.versions.contains(own) {
        let others = versions_text(&other.versions);
        reasons.push(Reason { cause: Cause::Version, text: format!("made by version {own}, {when} {others}") });
    }
    if reasons.is_empty() {
        let text = if other.by_id.is_empty() {
            format!("there is no finding {when}, so lists and versions cannot be compared")
        } else {
            format!("lists and version are the same: {when} its records were not read, or not asked for")
        };
        reasons.push(Reason { cause: Cause::Input, text });
    }
    Difference { finding: finding.clone(), fields: Vec::new(), reasons }
}

fn or_none(version: &str) -> &str {
    if version.is_empty() { "none" } else { version }
}

fn versions_text(versions: &BTreeSet<&str>) -> String {
    versions.iter().map(|version| or_none(version)).collect::<Vec<_>>().join(", ")
}

/// How two findings with the same id differ, if they do.
///
/// The file and position of a record are no difference (the same records may lie in other files), nor is a newer list
/// or program that came to the same.
fn changes(old: &Value, new: &Value) -> Option<Difference> {
    if essence(old) == essence(new) {
        return None;
    }
    const FIELDS: [(&str, &str); 9] = [
        ("severity", "/severity"),
        ("title", "/title"),
        ("description", "/description"),
        ("count", "/service/count"),
        ("first seen", "/service/eventFirstSeen"),
        ("last seen", "/service/eventLastSeen"),
        ("archived", "/service/archived"),
        ("records", "/watchfire/evidence/count"),
        ("resource", "/resource"),
    ];
    let shown = |finding: &Value, pointer: &str| match finding.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(_)) => wire::resource(finding),
        Some(value) => value.to_string(),
        None => "nothing".to_owned(),
    };
    let differing = FIELDS.into_iter().filter(|(_, pointer)| old.pointer(pointer) != new.pointer(pointer));
    let mut fields: Vec<_> =
        differing.map(|(name, pointer)| (name, shown(old, pointer), shown(new, pointer))).collect();
    if old.pointer("/service/action") != new.pointer("/service/action") {
        fields.push(("action", other_party(old), other_party(new)));
    }
    let mut reasons = Vec::new();
    if records(old) != records(new) {
        let count = |finding| counted(wire::number(finding, "/watchfire/evidence/count").unwrap_or(0), "record");
        let text = format!("other records: {} before, {} now", count(old), count(new));
        reasons.push(Reason { cause: Cause::Input, text });
    }
    let (before, now) = (knowledge(old), knowledge(new));
    for ((kind, name), version) in &now {
        match before.get(&(*kind, *name)) {
            None => reasons.push(Reason { cause: Cause::Knowledge, text: format!("now also `{name}` ({kind})") }),
            Some(old) if old != version => reasons.push(Reason {
                cause: Cause::Knowledge,
                text: format!("`{name}` ({kind}) had version {}, now {}", or_none(old), or_none(version)),
            }),
            Some(_) => {}
        }
    }
    for (kind, name) in before.keys().filter(|source| !now.contains_key(*source)) {
        reasons.push(Reason { cause: Cause::Knowledge, text: format!("no longer `{name}` ({kind})") });
    }
    if version(old) != version(new) {
        let text = format!("made by version {}, now {}", or_none(version(old)), or_none(version(new)));
        reasons.push(Reason { cause: Cause::Version, text });
    }
    if reasons.is_empty() {
        let text = "lists, version and the records shown are the same: other records of the input, or other options";
        reasons.push(Reason { cause: Cause::Input, text: text.to_owned() });
    }
    Some(Difference { finding: new.clone(), fields, reasons })
}

fn other_party(finding: &Value) -> String {
    let party = wire::party(finding);
    if party.is_empty() { wire::text(finding, "/service/action/actionType").to_owned() } else { party }
}

/// The finding without what may differ between equal findings.
fn essence(finding: &Value) -> Value {
    let mut finding = finding.clone();
    if let Some(ours) = finding.get_mut("watchfire").and_then(Value::as_object_mut) {
        ours.remove("version");
        ours.remove("knowledge");
    }
    for list in ["first", "last"] {
        let records = finding.pointer_mut(&format!("/watchfire/evidence/{list}")).and_then(Value::as_array_mut);
        for record in records.into_iter().flatten().filter_map(Value::as_object_mut) {
            record.remove("file");
            record.remove("position");
        }
    }
    finding
}

fn records(finding: &Value) -> (Option<u64>, Vec<&str>) {
    let lists = ["first", "last"].map(|list| wire::list(finding, &format!("/watchfire/evidence/{list}")));
    let hashes = lists.into_iter().flatten().map(|record| wire::text(record, "/sha256"));
    (wire::number(finding, "/watchfire/evidence/count"), hashes.collect())
}

impl FindingsDiff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.vanished.is_empty() && self.changed.is_empty()
    }

    /// As JSON: `appeared`, `vanished`, `changed`, each a list with `id`, `type`, `severity`, `title`, `reasons` and,
    /// where it changed, `changes`; `unchanged` is a count.
    pub fn to_json(&self) -> Value {
        let list = |differences: &[Difference]| differences.iter().map(Difference::to_json).collect::<Value>();
        json!({
            "appeared": list(&self.appeared),
            "vanished": list(&self.vanished),
            "changed": list(&self.changed),
            "unchanged": self.unchanged,
        })
    }

    /// As text for people, made harmless.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for (sign, heading, differences) in
            [('+', "Appeared", &self.appeared), ('-', "Vanished", &self.vanished), ('~', "Changed", &self.changed)]
        {
            if !differences.is_empty() {
                out.push_str(&format!("{heading}: {}\n", counted(differences.len() as u64, "finding")));
                differences.iter().for_each(|difference| difference.write(sign, &mut out));
                out.push('\n');
            }
        }
        out.push_str(&format!(
            "{} appeared, {} vanished, {} changed, {} the same.\n",
            self.appeared.len(),
            self.vanished.len(),
            self.changed.len(),
            self.unchanged
        ));
        out
    }
}

impl Difference {
    fn to_json(&self) -> Value {
        let text = |pointer: &str| wire::text(&self.finding, pointer);
        let reasons = self.reasons.iter().map(|reason| json!({"cause": reason.cause.name(), "text": reason.text}));
        let changes = self.fields.iter().map(|(field, old, new)| json!({"field": field, "before": old, "now": new}));
        wire::known([
            ("id", json!(text("/id"))),
            ("type", json!(text("/type"))),
            ("severity", self.finding.get("severity").cloned().unwrap_or_default()),
            ("title", json!(text("/title"))),
            ("changes", changes.collect()),
            ("reasons", reasons.collect()),
        ])
    }

    fn write(&self, sign: char, out: &mut String) {
        const INDENT: &str = "      ";
        let text = |pointer: &str| harmless(wire::text(&self.finding, pointer)).into_owned();
        let level = level_name(wire::severity(&self.finding).map(Severity::level));
        let name = cut_middle(&text("/type"), TEXT_WIDTH - 14);
        out.push_str(&format!("  {sign} {level:<8}  {name}\n"));
        out.push_str(&format!("{INDENT}{}\n", cut_middle(&text("/id"), TEXT_WIDTH - INDENT.len())));
        let resource = harmless(&wire::resource(&self.finding)).into_owned();
        out.push_str(&format!("{INDENT}{}\n", cut_middle(&resource, TEXT_WIDTH - INDENT.len())));
        let fields =
            self.fields.iter().map(|(field, old, new)| format!("{field}: {} → {}", harmless(old), harmless(new)));
        let reasons = self.reasons.iter().map(|reason| format!("{}: {}", reason.cause.name(), harmless(&reason.text)));
        for line in fields.chain(reasons).flat_map(|line| wrap(&line, TEXT_WIDTH - INDENT.len())) {
            out.push_str(&format!("{INDENT}{line}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::columns;
    use crate::{finding_json, samples};

    fn findings() -> Vec<Value> {
        samples::all()
            .iter()
            .enumerate()
            .map(|(at, finding)| {
                let mut finding = finding_json(finding);
                finding["id"] = json!(format!("{at:032x}"));
                finding
            })
            .collect()
    }

    fn causes(list: &Value) -> Vec<&str> {
        wire::list(list, "/0/reasons").iter().map(|reason| wire::text(reason, "/cause")).collect()
    }

    #[test]
    fn the_same_findings_do_not_differ_whatever_files_they_stand_in() {
        let mut moved = findings();
        moved.reverse();
        moved[5]["watchfire"]["evidence"]["first"][0]["file"] = json!("elsewhere.json");
        moved[5]["watchfire"]["knowledge"][0]["version"] = json!("2026-02-28");
        moved[5]["watchfire"]["version"] = json!("9.9.9");
        let diff = diff_findings(&findings(), &moved);
        assert!(diff.is_empty());
        assert_eq!(diff.to_json(), json!({"appeared": [], "vanished": [], "changed": [], "unchanged": 6}));
        assert_eq!(diff.to_text(), "0 appeared, 0 vanished, 0 changed, 6 the same.\n");
    }

    #[test]
    fn a_new_list_explains_a_new_finding() {
        let mut new = findings();
        new[0]["watchfire"]["knowledge"][0]["version"] = json!("2026-02-28");
        let json = diff_findings(&findings()[1..], &new).to_json();
        assert_eq!(json["appeared"][0]["type"], "UnauthorizedAccess:IAMUser/TorIPCaller");
        assert_eq!(causes(&json["appeared"]), ["knowledge"]);
        assert!(json["appeared"].to_string().contains("has version 2026-02-28 here, before 2026-01-30"));
        let mut unheard = findings();
        unheard[0]["watchfire"]["knowledge"][0]["name"] = json!("Fresh list");
        let text = diff_findings(&findings()[1..], &unheard).to_text();
        assert!(text.contains("it rests on `Fresh list` (tor-exit), which no finding names before"), "{text}");
    }

    #[test]
    fn with_the_same_knowledge_and_program_the_input_differs() {
        let json = diff_findings(&findings(), &findings()[1..]).to_json();
        assert_eq!(causes(&json["vanished"]), ["input"]);
        let empty = diff_findings(&[], &findings()[..1]).to_json();
        assert!(empty["appeared"].to_string().contains("cannot be compared"));
    }

    #[test]
    fn another_program_is_named() {
        let mut new = findings();
        new.iter_mut().for_each(|finding| finding["watchfire"]["version"] = json!("9.9.9"));
        let json = diff_findings(&findings()[1..], &new).to_json();
        assert_eq!(causes(&json["appeared"]), ["version"]);
    }

    #[test]
    fn a_change_is_shown_with_what_it_was() {
        let mut new = findings();
        new[0]["service"]["count"] = json!(9);
        new[0]["severity"] = json!(8);
        new[0]["watchfire"]["evidence"]["count"] = json!(9);
        let diff = diff_findings(&findings(), &new);
        let json = diff.to_json();
        assert_eq!(causes(&json["changed"]), ["input"]);
        assert_eq!(json["changed"][0]["changes"][1], json!({"field": "count", "before": "3", "now": "9"}));
        assert!(diff.to_text().contains("severity: 5 → 8"), "{}", diff.to_text());
    }

    #[test]
    fn hostile_names_are_harmless_and_lines_keep_their_width() {
        let mut new = findings();
        new[0]["title"] = json!("\u{1b}[2J");
        new[0]["type"] = json!("x\u{1b}[2J".repeat(60));
        new[0]["id"] = json!("\u{202e}");
        let text = diff_findings(&findings(), &new).to_text();
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        assert!(text.lines().all(|line| columns(line) <= TEXT_WIDTH), "{text}");
    }
}
