//! One finding as text for a person, from its JSON: what happened, to whom, how bad, when, and how we know.
//!
//! Works for GuardDuty's own findings too, which lack reasons and records. Everything that comes from the document is
//! made harmless first, and no line is wider than [`TEXT_WIDTH`].

use crate::mitre::tactic_name;
use crate::table::{level_ink, level_name};
use crate::text::{Ink, TEXT_WIDTH, chop, columns, counted, harmless, pad, paint, wrap};
use crate::wire;
use serde_json::Value;
use watchfire_model::Severity;
use watchfire_model::catalogue::{self, CatalogueEntry};

/// Lines of one record that are shown. A record of CloudTrail has about 60; a few have thousands.
const RECORD_LINES_MAX: usize = 80;

/// The columns of labels such as `Address`.
const LABEL_COLUMNS: usize = 12;

const INDENT: &str = "  ";

/// Where records stand, under their numbers.
const RECORD_MARGIN: &str = "     ";

/// A piece of the explanation, for other pages than a terminal's. Nothing in it is made harmless yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A title: what follows stands under it.
    Section(String),
    /// A sentence or several.
    Paragraph(String),
    /// One of a list.
    Item(String),
    /// A label, and what is known.
    Pair(String, String),
}

/// Whom it concerns, who did it and how, further details, and what was consulted: the part of the explanation that is
/// facts, not sentences. Texts are as they stood: nothing is made harmless.
pub fn facts(finding_json: &Value) -> Vec<Part> {
    let mut page = Page { out: String::new(), colour: false, parts: Vec::new() };
    to_whom(&mut page, finding_json);
    by_whom(&mut page, finding_json);
    further(&mut page, finding_json);
    knowledge(&mut page, finding_json);
    page.parts
}

/// The finding, explained.
pub fn explain(finding_json: &Value, colour: bool) -> String {
    let name = wire::text(finding_json, "/type");
    let entry = catalogue::entry(name);
    let mut page = Page { out: String::new(), colour, parts: Vec::new() };
    heading(&mut page, finding_json);
    what_happened(&mut page, finding_json, entry);
    to_whom(&mut page, finding_json);
    by_whom(&mut page, finding_json);
    how_bad(&mut page, finding_json, entry);
    when(&mut page, finding_json);
    further(&mut page, finding_json);
    knowledge(&mut page, finding_json);
    evidence(&mut page, finding_json);
    not_known(&mut page, finding_json);
    what_to_do(&mut page, entry);
    mitre(&mut page, entry);
    page.out
}

fn severity(finding: &Value) -> Option<Severity> {
    finding.get("severity").and_then(Value::as_f64).and_then(Severity::from_number)
}

fn heading(page: &mut Page, finding: &Value) {
    let title = wire::text(finding, "/title");
    let name = wire::text(finding, "/type");
    page.bold(if title.is_empty() { name } else { title });
    let level = severity(finding).map(Severity::level);
    let level_text = paint(level_name(level), level_ink(level), page.colour);
    let name = harmless(name).into_owned();
    page.raw_line(&format!("{level_text}  {}", crate::text::cut_middle(&name, TEXT_WIDTH - 10)));
    page.dim(wire::text(finding, "/id"));
}

fn what_happened(page: &mut Page, finding: &Value, entry: Option<&CatalogueEntry>) {
    let description = wire::text(finding, "/description");
    let detects = entry.map_or("", |entry| entry.detects.as_str());
    if description.is_empty() && detects.is_empty() {
        return;
    }
    page.section("What happened");
    page.paragraph(description);
    if !detects.is_empty() {
        page.paragraph(&format!("Amazon describes the type so: {detects}"));
    }
}

fn to_whom(page: &mut Page, finding: &Value) {
    page.section("To whom");
    let role = match wire::text(finding, "/service/resourceRole") {
        "TARGET" => ", the target",
        "ACTOR" => ", the one that acts",
        _ => "",
    };
    page.pair("Resource", &format!("{}{role}", wire::resource(finding)));
    page.pair("Account", wire::text(finding, "/accountId"));
    page.pair("Region", wire::text(finding, "/region"));
    if wire::is_about_a_key(finding) {
        page.pair("Access key", wire::text(finding, "/resource/accessKeyDetails/accessKeyId"));
        page.pair("Principal", wire::text(finding, "/resource/accessKeyDetails/principalId"));
        return;
    }
    for bucket in wire::list(finding, "/resource/s3BucketDetails") {
        let access = match wire::text(bucket, "/publicAccess/effectivePermission") {
            "PUBLIC" => "open to everyone",
            "NOT_PUBLIC" => "closed to the public",
            _ => "",
        };
        page.pair("Bucket", &listed([wire::text(bucket, "/arn"), access]));
    }
    if let Some(instance) = finding.pointer("/resource/instanceDetails") {
        page.pair("Profile", wire::text(instance, "/iamInstanceProfile/arn"));
        for interface in wire::list(instance, "/networkInterfaces") {
            let parts = ["/networkInterfaceId", "/privateIpAddress", "/publicIp", "/vpcId"];
            page.pair("Interface", &listed(parts.map(|part| wire::text(interface, part))));
        }
    }
}

fn by_whom(page: &mut Page, finding: &Value) {
    let Some(action) = finding.pointer("/service/action") else { return };
    page.section("By whom, and how");
    if let Some(key) = finding.pointer("/resource/accessKeyDetails").filter(|_| !wire::is_about_a_key(finding)) {
        page.pair("Identity", &listed([wire::key_name(key).as_str(), wire::text(key, "/accessKeyId")]));
    }
    if let Some(call) = action.get("awsApiCallAction") {
        page.pair("Call", &listed([wire::text(call, "/api"), wire::text(call, "/serviceName")]));
        page.pair("Error", wire::text(call, "/errorCode"));
        page.pair("Service", wire::text(call, "/domainDetails/domain"));
        page.pair("Agent", wire::text(call, "/userAgent"));
        remote(page, call);
        if let Some(account) = call.get("remoteAccountDetails") {
            let affiliated =
                if account["affiliated"].as_bool() == Some(true) { "affiliated" } else { "not affiliated" };
            let number = wire::text(account, "/accountId");
            page.pair("Caller's", &listed([if number.is_empty() { "account unknown" } else { number }, affiliated]));
        }
        for (kind, name) in call.get("affectedResources").and_then(Value::as_object).into_iter().flatten() {
            page.pair("Affected", &format!("{kind} {}", name.as_str().unwrap_or_default()));
        }
    }
    if let Some(connection) = action.get("networkConnectionAction") {
        let direction = wire::text(connection, "/connectionDirection").to_lowercase();
        let direction = if direction == "unknown" { "direction not known".to_owned() } else { direction };
        let blocked = if connection["blocked"].as_bool() == Some(true) { "blocked" } else { "" };
        page.pair("Connection", &listed([wire::text(connection, "/protocol"), &direction, blocked]));
        page.pair("Our side", &side(connection, "local"));
        page.pair("Their port", &port(connection, "remote"));
        remote(page, connection);
    }
    let mut probed = String::new();
    for probe in wire::list(action, "/portProbeAction/portProbeDetails") {
        // Many scanners of one port are its addresses.
        let door = side(probe, "local");
        if door != probed {
            page.pair("Probed", &door);
            probed = door;
        }
        remote(page, probe);
    }
    if let Some(request) = action.get("dnsRequestAction") {
        let blocked = if request["blocked"].as_bool() == Some(true) { "blocked by the DNS firewall" } else { "" };
        page.pair("Looked up", &listed([wire::text(request, "/domain"), wire::text(request, "/protocol"), blocked]));
        page.pair("Registered", wire::text(request, "/domainWithSuffix"));
    }
    if !KNOWN_BLOCKS.iter().any(|block| action.get(block).is_some()) {
        page.pair("Activity", wire::text(action, "/actionType"));
        action.as_object().into_iter().flatten().for_each(|(_, block)| remote(page, block));
    }
}

const KNOWN_BLOCKS: [&str; 4] = ["awsApiCallAction", "networkConnectionAction", "portProbeAction", "dnsRequestAction"];

fn remote(page: &mut Page, action: &Value) {
    let details = |key: &str| wire::text(action, &format!("/remoteIpDetails/{key}"));
    let addresses = [details("ipAddressV4"), details("ipAddressV6")];
    page.pair("Address", &listed(addresses));
    page.pair(
        "Place",
        &listed([details("city/cityName"), details("country/countryName"), details("country/countryCode")]),
    );
    let asn = details("organization/asn");
    let asn = if asn.is_empty() { String::new() } else { format!("AS{asn}") };
    page.pair("Network", &listed([asn.as_str(), details("organization/asnOrg")]));
}

fn side(action: &Value, side: &str) -> String {
    let address = |key: &str| wire::text(action, &format!("/{side}IpDetails/{key}"));
    let interface = wire::text(action, "/localNetworkInterface");
    listed([address("ipAddressV4"), address("ipAddressV6"), &port(action, side), interface])
}

fn port(action: &Value, side: &str) -> String {
    match wire::number(action, &format!("/{side}PortDetails/port")) {
        Some(number) => match wire::text(action, &format!("/{side}PortDetails/portName")) {
            "" | "Unknown" => format!("port {number}"),
            name => format!("port {number} ({name})"),
        },
        None => String::new(),
    }
}

fn how_bad(page: &mut Page, finding: &Value, entry: Option<&CatalogueEntry>) {
    page.section("How bad, and why");
    if let Some(severity) = severity(finding) {
        page.paragraph(&format!(
            "{}: {} on a scale of 1 to 10.",
            level_name(Some(severity.level())),
            severity.number()
        ));
    }
    let variants: Vec<String> = entry
        .map_or(&[][..], |entry| &entry.severity_variants)
        .iter()
        .map(|variant| format!("{} ({})", variant.severity, variant.when))
        .collect();
    if !variants.is_empty() {
        page.paragraph(&format!("The severity of this type depends on context: {}.", variants.join(", ")));
    }
    let reasons = wire::texts(finding, "/watchfire/explanation");
    if reasons.is_empty() {
        page.paragraph("The finding does not say why it was made.");
    }
    reasons.into_iter().for_each(|reason| page.item(reason));
}

fn when(page: &mut Page, finding: &Value) {
    page.section("When");
    page.pair("First seen", wire::text(finding, "/service/eventFirstSeen"));
    page.pair("Last seen", wire::text(finding, "/service/eventLastSeen"));
    if let Some(count) = wire::number(finding, "/service/count") {
        page.pair("Count", &crate::text::grouped(count));
    }
    page.pair("Made", wire::text(finding, "/createdAt"));
    page.pair("Changed", wire::text(finding, "/updatedAt"));
}

/// `additionalInfo`: what stands inside `value`, or beside it where that does not read. Lists have their own section.
fn further(page: &mut Page, finding: &Value) {
    let Some(info) = finding.pointer("/service/additionalInfo") else { return };
    let inside: Option<Value> = serde_json::from_str(wire::text(info, "/value")).ok();
    let keys = inside.as_ref().unwrap_or(info).as_object();
    let keys: Vec<_> = keys
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "value" | "type" | "threatListName" | "threatName"))
        .collect();
    if keys.is_empty() {
        return;
    }
    page.section("Further details");
    for (key, value) in keys {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(inner, value)| detail(page, &format!("{key}.{inner}"), value))
            }
            _ => detail(page, key, value),
        }
    }
}

fn detail(page: &mut Page, key: &str, value: &Value) {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if !value.is_empty() {
        page.item(&format!("{key}: {value}"));
    }
}

fn knowledge(page: &mut Page, finding: &Value) {
    let used = wire::list(finding, "/watchfire/knowledge");
    let matched = wire::list(finding, "/service/evidence/threatIntelligenceDetails");
    if used.is_empty() && matched.is_empty() {
        return;
    }
    page.section("Lists and data consulted");
    for list in matched {
        let names = wire::texts(list, "/threatNames").join(", ");
        let names = if names.is_empty() { String::new() } else { format!(" ({names})") };
        page.item(&format!("Matched: {}{names}", wire::text(list, "/threatListName")));
    }
    for source in used {
        let version = wire::text(source, "/version");
        let version = if version.is_empty() { String::new() } else { format!(", version {version}") };
        page.item(&format!("Consulted: {} ({}{version})", wire::text(source, "/name"), wire::text(source, "/kind")));
    }
}

fn evidence(page: &mut Page, finding: &Value) {
    let Some(evidence) = finding.pointer("/watchfire/evidence") else { return };
    let records = [wire::list(evidence, "/first"), wire::list(evidence, "/last")].concat();
    let count = wire::number(evidence, "/count").unwrap_or(0);
    page.section("Evidence");
    let shown = records.len() as u64;
    page.paragraph(&match (count, shown) {
        (0, 0) => "The finding carries no record.".to_owned(),
        (count, shown) if count > shown => {
            format!("{}, of which the finding keeps the first and last, {shown} in all.", counted(count, "record"))
        }
        (count, _) => format!("{}.", counted(count, "record")),
    });
    for (index, record) in records.iter().enumerate() {
        let position = wire::number(record, "/position").map_or(String::new(), |at| format!("position {at}"));
        page.blank();
        page.hanging(&format!("{:>4} ", index + 1), RECORD_MARGIN, wire::text(record, "/time"));
        page.hanging(RECORD_MARGIN, RECORD_MARGIN, &listed([wire::text(record, "/file"), &position]));
        page.hanging(RECORD_MARGIN, RECORD_MARGIN, &format!("SHA-256 {}", wire::text(record, "/sha256")));
        page.record(wire::text(record, "/raw"));
    }
}

fn not_known(page: &mut Page, finding: &Value) {
    let missing = wire::texts(finding, "/watchfire/missing");
    if missing.is_empty() {
        return;
    }
    page.section("What is not known");
    missing.into_iter().for_each(|sentence| page.item(sentence));
}

fn what_to_do(page: &mut Page, entry: Option<&CatalogueEntry>) {
    let Some(remediation) = entry.map(|entry| entry.remediation.as_str()).filter(|text| !text.is_empty()) else {
        return;
    };
    page.section("What to do");
    page.paragraph(remediation);
}

fn mitre(page: &mut Page, entry: Option<&CatalogueEntry>) {
    let Some(tactic) = entry.map(|entry| &entry.tactic) else { return };
    if tactic.mitre_tactics.is_empty() && tactic.mitre_techniques.is_empty() {
        return;
    }
    page.section("MITRE ATT&CK");
    let tactics: Vec<String> = tactic.mitre_tactics.iter().map(|id| format!("{id} {}", tactic_name(id))).collect();
    page.pair("Tactics", tactics.join(", ").trim());
    page.pair("Techniques", &tactic.mitre_techniques.join(", "));
}

/// What is known of these, with commas.
fn listed<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The text being written. Each method makes harmless what it is given.
struct Page {
    out: String,
    colour: bool,
    /// What was written, as [`facts`] answers it.
    parts: Vec<Part>,
}

impl Page {
    fn raw_line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn inked(&mut self, text: &str, ink: Ink) {
        for line in wrap(&harmless(text), TEXT_WIDTH) {
            let line = paint(&line, ink, self.colour);
            self.raw_line(&line);
        }
    }

    fn bold(&mut self, text: &str) {
        self.inked(text, Ink::Bold);
    }

    fn dim(&mut self, text: &str) {
        self.inked(text, Ink::Dim);
    }

    fn section(&mut self, title: &str) {
        self.parts.push(Part::Section(title.to_owned()));
        self.blank();
        self.bold(title);
    }

    fn paragraph(&mut self, text: &str) {
        self.parts.push(Part::Paragraph(text.to_owned()));
        self.hanging(INDENT, INDENT, text);
    }

    fn item(&mut self, text: &str) {
        self.parts.push(Part::Item(text.to_owned()));
        self.hanging("  - ", "    ", text);
    }

    /// A label and what is known; nothing when nothing is.
    fn pair(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.parts.push(Part::Pair(label.to_owned(), text.to_owned()));
            let label = pad(label, LABEL_COLUMNS);
            self.hanging(&format!("{INDENT}{label}"), &" ".repeat(INDENT.len() + LABEL_COLUMNS), text);
        }
    }

    fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        let room = TEXT_WIDTH.saturating_sub(columns(first).max(columns(rest)));
        for (index, line) in wrap(&harmless(text), room).iter().enumerate() {
            let start = if index == 0 { first } else { rest };
            self.raw_line(&format!("{start}{line}"));
        }
    }

    /// A record as it stood in the log: JSON indented, anything else as it is.
    fn record(&mut self, raw: &str) {
        let room = TEXT_WIDTH - RECORD_MARGIN.len();
        let text = if is_json(raw) { indented(raw) } else { raw.to_owned() };
        let lines: Vec<String> = text.lines().flat_map(|line| chop(&harmless(line), room)).collect();
        for line in lines.iter().take(RECORD_LINES_MAX) {
            let line = paint(line, Ink::Dim, self.colour);
            self.raw_line(&format!("{RECORD_MARGIN}{line}"));
        }
        if lines.len() > RECORD_LINES_MAX {
            let more = counted((lines.len() - RECORD_LINES_MAX) as u64, "more line");
            self.raw_line(&format!("{RECORD_MARGIN}… {more}; the findings file has the record whole."));
        }
    }
}

/// Whether the text is an object or a list in JSON.
pub fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// JSON with line breaks, keys and numbers exactly as they stood: it is evidence, and parsing would reorder and rewrite.
/// Text that is no JSON comes out as some text. What stands in it is not made harmless.
pub fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if in_text {
            out.push(character);
            in_text = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '"' => {
                in_text = true;
                out.push('"');
            }
            '{' | '[' => {
                while characters.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                out.push(character);
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        line_break(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line_break(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                line_break(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => out.push(character),
        }
    }
    out
}

/// Beyond this depth lines start no further right, so that deep records stay readable and small.
const DEPTH_SHOWN_MAX: usize = 12;

fn line_break(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&INDENT.repeat(depth.min(DEPTH_SHOWN_MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding_json, samples};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_finding_reads_from_what_happened_to_what_to_do() {
        let text = explain(&finding_json(&samples::api_call()), false);
        assert_eq!(text, include_str!("../tests/fixtures/explained_api_call.txt"));
    }

    #[test]
    fn every_finding_has_its_sections_and_keeps_to_the_page() {
        for finding in samples::all() {
            let text = explain(&finding_json(&finding), false);
            for section in ["To whom", "By whom, and how", "How bad, and why", "When", "Evidence", "What to do"] {
                assert!(text.contains(&format!("\n{section}\n")), "{section}\n{text}");
            }
            check_page(&text);
        }
    }

    fn check_page(text: &str) {
        for line in text.lines() {
            assert!(columns(line) <= TEXT_WIDTH, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn guardduty_own_findings_are_explained_too() {
        for text in [
            include_str!("../tests/fixtures/network_connection.json"),
            include_str!("../tests/fixtures/rds_login.json"),
            include_str!("../tests/fixtures/s3_bucket.json"),
        ] {
            let text = explain(&serde_json::from_str(text).unwrap(), false);
            assert!(text.contains("The finding does not say why it was made."), "{text}");
            assert!(text.contains("\n  Address "), "{text}");
            check_page(&text);
        }
    }

    #[test]
    fn json_is_indented_without_rewriting_it() {
        assert_eq!(
            indented(r#"{"b":1.50,"a":[ ],"s":"{\"x\": \\","n":[1, {"k":null}]}"#),
            "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"s\": \"{\\\"x\\\": \\\\\",\n  \"n\": [\n    1,\n    {\n      \"k\": null\n    }\n  ]\n}"
        );
    }

    #[test]
    fn a_long_record_is_cut_and_says_so() {
        let mut finding = finding_json(&samples::api_call());
        let many: Vec<u32> = (0..200).collect();
        finding["watchfire"]["evidence"]["first"][0]["raw"] = json!(json!(many).to_string());
        let text = explain(&finding, false);
        assert!(text.contains("… 122 more lines; the findings file has the record whole."), "{text}");
    }

    #[test]
    fn escapes_in_a_record_are_written_out() {
        let mut finding = samples::api_call();
        finding.evidence.first[0].raw = "GET /\u{1b}]0;owned\u{7}\r\n\u{202e}".into();
        finding.latest.title = "\u{1b}[31m".into();
        let text = explain(&finding_json(&finding), false);
        assert!(text.contains("GET /\\u{1b}]0;owned\\u{7}") && text.starts_with("\\u{1b}[31m"), "{text}");
        check_page(&text);
    }

    proptest! {
        #[test]
        fn any_text_anywhere_is_answered(hostile in any::<String>(), raw in any::<String>()) {
            let finding = json!({"type": hostile, "title": hostile, "description": hostile, "id": hostile, "accountId": hostile,
                "resource": {"accessKeyDetails": {"userName": hostile}, "resourceType": hostile},
                "service": {"action": {"awsApiCallAction": {"api": hostile, "affectedResources": {&hostile: hostile}}},
                    "additionalInfo": {"value": hostile, &hostile: hostile}},
                "watchfire": {"explanation": [hostile], "missing": [hostile], "knowledge": [{"name": hostile}],
                    "evidence": {"count": 1, "first": [{"file": hostile, "raw": raw}]}}});
            let text = explain(&finding, false);
            for line in text.lines() {
                prop_assert!(columns(line) <= TEXT_WIDTH, "{line}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
