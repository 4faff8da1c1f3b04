//! A ticket: each finding as Markdown that reads the same in GitHub, GitLab, Jira and a text editor.
//!
//! Names in logs are chosen by attackers. What stands in a code span or block is not interpreted, so everything from a
//! log stands in one, and nothing that could end it is left in.

use crate::explain::{indented, is_json};
use crate::table::level_name;
use crate::text::{counted, grouped, harmless};
use crate::{mitre, wire};
use serde_json::Value;
use watchfire_model::{Severity, catalogue};

/// Lines of one record that are shown. Same as in the explanation.
const RECORD_LINES_MAX: usize = 80;

/// The heading above several findings.
pub fn markdown_summary(count: u64) -> String {
    format!("# Watchfire: {}\n", counted(count, "finding"))
}

/// One finding, beginning with an empty line and a heading.
pub fn markdown_finding(finding: &Value) -> String {
    let text = |pointer: &str| wire::text(finding, pointer);
    let name = text("/type");
    let severity = wire::severity(finding);
    let level = level_name(severity.map(Severity::level));
    let title = if text("/title").is_empty() { name } else { text("/title") };
    let mut out = format!("\n## {level}: {}\n\n", sentence(title));
    paragraph(&mut out, text("/description"));
    out.push_str("| | |\n| --- | --- |\n");
    let mut row = |label: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("| {label} | {value} |\n"));
        }
    };
    row("Type", code(name));
    row("Severity", severity.map_or(String::new(), |severity| format!("{} ({level})", severity.number())));
    row("Resource", code(&wire::resource(finding)));
    row("Other side", code(&wire::party(finding)));
    row("Account, region", listed([text("/accountId"), text("/region")]));
    row("Action", action(finding));
    row("First seen", code(text("/service/eventFirstSeen")));
    row("Last seen", code(text("/service/eventLastSeen")));
    row("Count", wire::number(finding, "/service/count").map_or(String::new(), grouped));
    let lists = wire::list(finding, "/service/evidence/threatIntelligenceDetails").iter();
    row("Lists", listed(lists.map(|list| wire::text(list, "/threatListName"))));
    row("MITRE ATT&CK", attack(name));
    row("Finding", code(text("/id")));
    if wire::is_archived(finding) {
        row("Archived", "yes, by a suppression rule or a person".to_owned());
    }
    items(&mut out, "Why", &wire::texts(finding, "/watchfire/explanation"));
    items(&mut out, "What is not known", &wire::texts(finding, "/watchfire/missing"));
    if let Some(entry) = catalogue::entry(name).filter(|entry| !entry.remediation.is_empty()) {
        out.push_str("\n### What to do\n\n");
        paragraph(&mut out, &entry.remediation);
    }
    records(&mut out, finding);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn action(finding: &Value) -> String {
    let action = wire::action_details(finding);
    listed([
        wire::text(finding, "/service/action/actionType"),
        wire::text(action, "/api"),
        wire::text(action, "/serviceName"),
        wire::text(action, "/errorCode"),
    ])
}

fn attack(name: &str) -> String {
    let tactics = mitre::tactics(name).into_iter().map(|tactic| format!("{} {}", tactic.id, tactic.name));
    let techniques = mitre::techniques(name).iter();
    let techniques = techniques.map(|id| format!("[{id}]({})", mitre::technique_url(id)));
    tactics.chain(techniques).collect::<Vec<_>>().join(", ")
}

fn paragraph(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.push_str(&sentence(text));
        out.push_str("\n\n");
    }
}

fn items(out: &mut String, heading: &str, sentences: &[&str]) {
    if sentences.is_empty() {
        return;
    }
    out.push_str(&format!("\n### {heading}\n\n"));
    for text in sentences {
        out.push_str(&format!("- {}\n", sentence(text)));
    }
}

fn records(out: &mut String, finding: &Value) {
    let records = [wire::list(finding, "/watchfire/evidence/first"), wire::list(finding, "/watchfire/evidence/last")];
    let records = records.concat();
    if records.is_empty() {
        return;
    }
    let count = wire::number(finding, "/watchfire/evidence/count").unwrap_or(records.len() as u64);
    out.push_str(&format!("\n### Evidence: {}\n", counted(count, "record")));
    for record in &records {
        let position = wire::number(record, "/position").map_or(String::new(), |at| format!(", position {at}"));
        let (time, file) = (code(wire::text(record, "/time")), code(wire::text(record, "/file")));
        out.push_str(&format!("\n{time} in {file}{position}\n\n"));
        let raw = wire::text(record, "/raw");
        let text = if is_json(raw) { indented(raw) } else { raw.to_owned() };
        let lines: Vec<String> = text.lines().map(unfenced).collect();
        out.push_str(if is_json(raw) { "```json\n" } else { "```text\n" });
        for line in lines.iter().take(RECORD_LINES_MAX) {
            out.push_str(line);
            out.push('\n');
        }
        if lines.len() > RECORD_LINES_MAX {
            out.push_str(&format!("… {}\n", counted((lines.len() - RECORD_LINES_MAX) as u64, "more line")));
        }
        out.push_str("```\n");
    }
}

fn listed<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).map(code).collect::<Vec<_>>().join(", ")
}

/// A code span, inside of which nothing is interpreted.
///
/// What would end it, or the cell of a table, is written out: escaping a backtick or a bar works differently
/// everywhere.
fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    format!("`{}`", unfenced(text.trim()).replace('|', "\\u{7c}"))
}

fn unfenced(text: &str) -> String {
    harmless(text).replace('`', "\\u{60}")
}

/// A sentence of ours with names of the log in it: what we quoted, and every other word that is not plain, stands in a
/// code span. A name that has backticks itself may be cut elsewhere, but all of it passes through here.
fn sentence(text: &str) -> String {
    if text.matches('`').count() % 2 == 1 {
        return words(text, true);
    }
    let mut said = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = if at % 2 == 1 { code(part) } else { words(part, at == 0) };
        // Two code spans side by side would be read as one.
        if said.ends_with('`') && part.starts_with('`') {
            said.push(' ');
        }
        said.push_str(&part);
    }
    said
}

/// Words, each marked if it is not plain. White space at both ends remains, as one space.
fn words(text: &str, is_beginning: bool) -> String {
    let words = text.split_whitespace().enumerate();
    let marked = words
        .map(|(at, word)| if is_plain(word, is_beginning && at == 0) { word.to_owned() } else { marked(word) })
        .collect::<Vec<_>>()
        .join(" ");
    let space = |is_there: bool| if is_there { " " } else { "" };
    let begins = !is_beginning && text.starts_with(char::is_whitespace);
    let ends = !marked.is_empty() && text.ends_with(char::is_whitespace);
    format!("{}{marked}{}", space(begins), space(ends))
}

/// Keeps a comma or a full stop out of the code span.
fn marked(word: &str) -> String {
    let end = word.trim_end_matches([',', '.', ';', ':']).len();
    let (word, tail) = word.split_at(end);
    format!("{}{tail}", code(word))
}

/// Whether no reader of Markdown would make anything of this word: a link, a mention, a list, an emphasis.
fn is_plain(word: &str, is_first: bool) -> bool {
    let only_letters = word.chars().all(|c| c.is_alphanumeric() || ",.;:'()/-".contains(c));
    let is_link = word.contains("//") || word.to_ascii_lowercase().contains("www.") || word.contains("](");
    let is_marker = is_first
        && (word.starts_with('-') || word.ends_with(['.', ')']) && word.starts_with(|c: char| c.is_ascii_digit()));
    let is_rule = word.contains("--") || word.contains(":-");
    harmless(word) == word && only_letters && !is_link && !is_marker && !is_rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_ticket_says_what_happened_and_what_to_do() {
        let ticket = markdown_finding(&finding_json(&samples::api_call()));
        for part in [
            "\n## Medium: The API ListBuckets was called from a Tor exit node.\n",
            "| Type | `UnauthorizedAccess:IAMUser/TorIPCaller` |\n",
            "| Resource | `user alice` |\n",
            "[T1078.004](https://attack.mitre.org/techniques/T1078/004/)",
            "### What to do\n",
            "### Evidence: 3 records\n",
            "```json\n{",
        ] {
            assert!(ticket.contains(part), "{part}\n{ticket}");
        }
        assert_eq!(markdown_summary(2), "# Watchfire: 2 findings\n");
    }

    #[test]
    fn what_a_reader_would_interpret_stands_in_code() {
        for (text, shown) in [
            ("by @everyone, now", "by `@everyone`, now"),
            ("<img src=x>", "`<img` `src=x>`"),
            ("see https://evil.example/x.", "see `https://evil.example/x`."),
            ("[click](javascript:alert(1))", "`[click](javascript:alert(1))`"),
            ("a`b|c", "`a\\u{60}b\\u{7c}c`"),
            ("the list `crypto mining` (x), as `a|b`; it", "the list `crypto mining` (x), as `a\\u{7c}b`; it"),
            ("of `one`@two three", "of `one` `@two` three"),
            ("- item", "`-` item"),
            ("1. one", "`1`. one"),
            ("**bold** _it_ #12", "`**bold**` `_it_` `#12`"),
        ] {
            assert_eq!(sentence(text), shown);
        }
    }

    /// What stands outside of code, line by line, must be ours: no log can put any of these there.
    fn check_nothing_escapes(ticket: &str, name: &str) {
        let mut in_block = false;
        for line in ticket.lines() {
            if line.starts_with("```") {
                in_block = !in_block;
                continue;
            }
            if in_block {
                continue;
            }
            let mut outside = String::new();
            for (at, piece) in line.split('`').enumerate() {
                if at % 2 == 0 {
                    outside.push_str(piece);
                }
            }
            assert_eq!(line.matches('`').count() % 2, 0, "{name}: {line}");
            let outside = outside.replace("](https://attack.mitre.org/", "").replace('[', "");
            for bad in ["<", ">", "@", "](", "**", "http", "&lt", "~"] {
                assert!(!outside.replace("ATT&CK", "").contains(bad), "{name}: {line}");
            }
            assert!(!line.starts_with('|') || line.matches('|').count() == 3, "{name}: a cell more: {line}");
        }
        assert!(!in_block, "{name}: a block was not closed");
    }

    fn hostile(name: &str) -> String {
        let mut finding = finding_json(&samples::api_call());
        finding["title"] = json!(format!("The user {name} did it."));
        finding["description"] = json!(name);
        finding["resource"]["accessKeyDetails"]["userName"] = json!(name);
        finding["service"]["action"]["awsApiCallAction"]["api"] = json!(name);
        finding["watchfire"]["explanation"] = json!([name]);
        finding["watchfire"]["evidence"]["first"][0]["raw"] = json!(name);
        markdown_finding(&finding)
    }

    #[test]
    fn hostile_names_stay_names() {
        for name in [
            "<script>alert(1)</script>",
            "```\n# Owned\n```",
            "a|b|c",
            "x\\|y",
            "`rm`",
            "](http://x)",
            "![x](http://x/y.png)",
            "@admin",
            "\u{202e}evil",
            "\n\n## High: nothing here\n",
            "<!-- ",
            "~~~",
        ] {
            check_nothing_escapes(&hostile(name), name);
        }
    }

    proptest! {
        #[test]
        fn any_name_stays_a_name(name in any::<String>()) {
            check_nothing_escapes(&hostile(&name), &name);
        }
    }
}
