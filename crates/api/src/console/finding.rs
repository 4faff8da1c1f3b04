//! One finding: what happened, why it was raised, what to do, the records behind it, and how it came about.

use super::page::{Tab, age, badge, frame, level_name, level_of, marked, moment, pairs, rank, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, encoded, go_to, way_back};
use crate::error::{ApiError, ErrorClass};
use crate::own::whole_finding;
use crate::service::{Answer, with_body};
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use watchfire_export::{
    ExplainedPart, counted, explained_facts, grouped, harmless, indented_json, is_json, tactic_name, technique_url,
};
use watchfire_model::catalogue::{self, CatalogueEntry};
use watchfire_store::Scope;

/// Earlier occurrences on the page, the newest; the store keeps more. Ours: one screen.
const OCCURRENCES_SHOWN_MAX: usize = 20;

/// Bytes of one record on the page; the finding as JSON has it whole. Ours: some 400 lines.
const RECORD_BYTES_MAX: usize = 16 * 1024;

/// Which finding an address names.
pub(crate) struct Named<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) id: &'a str,
}

/// A finding that the viewer may see.
struct Seen {
    scope: Scope,
    /// As `own::whole_finding` tells it.
    whole: Value,
}

impl Seen {
    /// Its JSON as it was written: nothing in it is harmless yet.
    fn body(&self) -> &Value {
        &self.whole["finding"]
    }
}

impl Named<'_> {
    fn address(&self) -> String {
        format!("/console/findings/{}/{}/{}", encoded(self.account), encoded(self.region), encoded(self.id))
    }
}

async fn find(viewer: &Viewer, named: &Named<'_>) -> Result<Seen, ApiError> {
    let scope = scope_of(&viewer.detector(named.account, named.region).await?);
    let missing = || {
        let Named { account, region, id } = named;
        let message = format!("There is no finding {id} in account {account}, region {region}. It may have expired.");
        ApiError::of(ErrorClass::ResourceNotFound, message)
    };
    let whole = whole_finding(&viewer.service.store, std::slice::from_ref(&scope), named.id).await?;
    Ok(Seen { scope, whole: whole.ok_or_else(missing)? })
}

/// A finding that the viewer may see, as it was written, and whose it is.
pub(crate) async fn read(viewer: &Viewer, named: &Named<'_>) -> Result<(Scope, Value), ApiError> {
    let Seen { scope, mut whole } = find(viewer, named).await?;
    Ok((scope, whole["finding"].take()))
}

/// The finding as JSON, our own block included.
pub(crate) async fn document(viewer: &Viewer, named: &Named<'_>) -> Result<Answer, ApiError> {
    let seen = find(viewer, named).await?;
    Ok(with_body(StatusCode::OK, "application/json", format!("{:#}\n", seen.body()).into()))
}

/// Archives it, takes it out of the archive, or keeps what a person thought of it.
pub(crate) async fn change(viewer: &Viewer, ask: &Ask, named: &Named<'_>) -> Result<(Answer, String), ApiError> {
    let scope = scope_of(&viewer.detector(named.account, named.region).await?);
    let this = [(scope, named.id.to_owned())];
    let notice = match ask.form.get("action") {
        "archive" => {
            viewer.set_archived(&this, true).await?;
            "Archived. New occurrences grow it, and it stays archived."
        }
        "unarchive" => {
            viewer.set_archived(&this, false).await?;
            "Taken out of the archive."
        }
        action @ ("useful" | "not-useful") => {
            let feedback = if action == "useful" { "USEFUL" } else { "NOT_USEFUL" };
            let mut body = json!({"feedback": feedback});
            let comments = ask.form.get("comments").trim();
            if !comments.is_empty() {
                body["comments"] = json!(comments);
            }
            viewer.change_findings(&this, "/findings/feedback", body).await?;
            "Your feedback is kept with the finding."
        }
        _ => return Err(ApiError::bad_request("the form names no action")),
    };
    Ok((go_to(way_back(ask.form.get("back"), &named.address())), notice.to_owned()))
}

/// Shows it.
pub(crate) async fn show(
    viewer: &Viewer,
    ask: &Ask,
    named: &Named<'_>,
    notice: Option<&str>,
) -> Result<Answer, ApiError> {
    let seen = find(viewer, named).await?;
    let body = tame(seen.body().clone());
    let name = text(&body, "/type");
    let title = if text(&body, "/title").is_empty() { name } else { text(&body, "/title") };
    let list = way_back(ask.query.get("list"), "/console/findings");
    let here = web::address(&named.address(), [("list", ask.query.get("list"))]);
    let content = html! {
        p.trail { a href=(list) { "← Findings" } }
        (head(viewer, &seen, &body, title, &here))
        (what_and_why(&body, catalogue::entry(name)))
        (facts(seen.body()))
        (evidence(seen.body()))
        (occurrences(&seen, &body))
        (as_json(&seen, named))
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Findings, title, notice, content)))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn severity(body: &Value) -> f64 {
    body.get("severity").and_then(Value::as_f64).unwrap_or_default()
}

fn is_archived(body: &Value) -> bool {
    body.pointer("/service/archived").and_then(Value::as_bool) == Some(true)
}

fn head(viewer: &Viewer, seen: &Seen, body: &Value, title: &str, here: &str) -> Markup {
    let count = body.pointer("/service/count").and_then(Value::as_u64).unwrap_or(1);
    let last = text(body, "/service/eventLastSeen");
    let level = level_of(severity(body)).map_or(3, rank);
    html! {
        section class={ "top s" (level) } {
            div {
                h1 { (badge(severity(body))) " " (marked(title)) }
                p.mono.dim { (text(body, "/type")) }
                div.beside {
                    (pairs([
                        ("Account", html! { (seen.scope.account) }),
                        ("Region", html! { (seen.scope.region) }),
                        ("State", html! {
                            (if is_archived(body) { "archived" } else { "open" })
                            @if let Some(filter) = seen.whole["suppressedBy"].as_str() {
                                ", by the filter " (harmless(filter.rsplit('/').next().unwrap_or_default()))
                            } @else if seen.whole["suppressed"].as_bool() == Some(true) { ", by a filter when it was new" }
                        }),
                        ("Id", html! { span.mono { (text(body, "/id")) } }),
                    ]))
                    (pairs([
                        ("First seen", html! { (moment(text(body, "/service/eventFirstSeen"))) }),
                        ("Last seen", html! { (moment(last)) " " span.dim { (age(last, viewer.now)) } }),
                        ("Count", html! { (grouped(count)) }),
                    ]))
                }
            }
            (actions(viewer, seen, body, here))
        }
    }
}

fn actions(viewer: &Viewer, seen: &Seen, body: &Value, here: &str) -> Markup {
    let feedback = text(body, "/service/userFeedback");
    let comments = harmless(seen.whole["comments"].as_str().unwrap_or_default());
    let place = format!("{}/{}/{}", seen.scope.account, seen.scope.region, text(seen.body(), "/id"));
    let like = web::address("/console/filters/new", [("like", place.as_str())]);
    html! {
        @if viewer.may_change() {
            form.deeds method="post" action=(here.split('?').next().unwrap_or_default()) {
                (token(viewer))
                input type="hidden" name="back" value=(here);
                div.acts {
                    @if is_archived(body) {
                        button.main type="submit" name="action" value="unarchive" { "Take out of the archive" }
                    } @else {
                        button.main type="submit" name="action" value="archive" { "Archive" }
                    }
                    a.button href=(like) { "Suppress findings like this" }
                }
                details open[!feedback.is_empty()] {
                    summary { "Was it useful?" @if !feedback.is_empty() { " You said " (if feedback == "USEFUL" { "yes" } else { "no" }) "." } }
                    label { "Comment"
                        textarea name="comments" rows="2" maxlength="1000" { (comments) }
                    }
                    div.acts {
                        button type="submit" name="action" value="useful" { "Useful" }
                        button type="submit" name="action" value="not-useful" { "Not useful" }
                    }
                }
            }
        }
    }
}

fn what_and_why(body: &Value, entry: Option<&CatalogueEntry>) -> Markup {
    let description = text(body, "/description");
    let reasons = texts(body, "/watchfire/explanation");
    let missing = texts(body, "/watchfire/missing");
    let level = level_of(severity(body)).map_or("Unknown", level_name);
    let variants = entry.map_or(&[][..], |entry| &entry.severity_variants);
    let remediation = entry.map_or("", |entry| entry.remediation.as_str());
    html! {
        section.two {
            div {
                h2 { "What happened" }
                @if !description.is_empty() { p { (marked(description)) } }
                @if let Some(entry) = entry.filter(|entry| !entry.detects.is_empty()) {
                    p.dim { "The type: " (entry.detects) }
                }
                h2 { "Why it was raised" }
                @if reasons.is_empty() {
                    p { "The finding does not say." }
                } @else {
                    ul.reasons { @for reason in reasons { li { (marked(reason)) } } }
                }
                @if !missing.is_empty() {
                    h2 { "What is not known" }
                    ul { @for sentence in missing { li { (marked(sentence)) } } }
                }
            }
            div.soft {
                h2 { "What to do" }
                p { (if remediation.is_empty() { "The catalogue has no advice for this type." } else { remediation }) }
                h2 { "How bad" }
                p { (level) ", " (severity(body)) " of 10." }
                @if !variants.is_empty() {
                    p.dim { "The severity of this type depends on context: "
                        @for (at, variant) in variants.iter().enumerate() {
                            @if at > 0 { ", " } (variant.severity) " (" (variant.when) ")"
                        }
                        "."
                    }
                }
                @if let Some(entry) = entry { (attack(entry)) }
            }
        }
    }
}

/// The links lead elsewhere when a person follows them; nothing is fetched before.
fn attack(entry: &CatalogueEntry) -> Markup {
    let (tactics, techniques) = (&entry.tactic.mitre_tactics, &entry.tactic.mitre_techniques);
    html! {
        @if !tactics.is_empty() || !techniques.is_empty() {
            h2 { "MITRE ATT&CK" }
            ul.plain {
                @for id in tactics {
                    li { a href={ "https://attack.mitre.org/tactics/" (id) "/" } rel="noreferrer noopener" { (tactic_name(id)) " (" (id) ")" } }
                }
                @for id in techniques {
                    li { a href=(technique_url(id)) rel="noreferrer noopener" { "Technique " (id) } }
                }
            }
        }
    }
}

/// A part of the facts: its title, what is known by label, and sentences.
#[derive(Default)]
struct Facts {
    title: String,
    known: Vec<(String, String)>,
    items: Vec<String>,
}

/// Whom it concerns, who did it and how, further details, what was consulted.
fn facts(body: &Value) -> Markup {
    let mut sections: Vec<Facts> = Vec::new();
    let tamed = |text: &str| harmless(text).into_owned();
    for part in explained_facts(body) {
        match (part, sections.last_mut()) {
            (ExplainedPart::Section(title), _) => sections.push(Facts { title: tamed(&title), ..Facts::default() }),
            (ExplainedPart::Pair(label, value), Some(last)) => last.known.push((tamed(&label), tamed(&value))),
            (ExplainedPart::Paragraph(text) | ExplainedPart::Item(text), Some(last)) => last.items.push(tamed(&text)),
            (_, None) => {}
        }
    }
    sections.retain(|section| !section.known.is_empty() || !section.items.is_empty());
    html! {
        @if !sections.is_empty() {
            section.facts {
                @for Facts { title, known, items } in &sections {
                    div {
                        h2 { (title) }
                        @if !known.is_empty() {
                            (pairs(known.iter().map(|(label, value)| (label.as_str(), html! { (value) }))))
                        }
                        @if !items.is_empty() { ul { @for item in items { li { (item) } } } }
                    }
                }
            }
        }
    }
}

fn evidence(body: &Value) -> Markup {
    let Some(evidence) = body.pointer("/watchfire/evidence") else { return html! {} };
    let list = |pointer: &str| evidence.pointer(pointer).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let records: Vec<&Value> = list("/first").iter().chain(list("/last")).collect();
    let count = evidence.pointer("/count").and_then(Value::as_u64).unwrap_or_default();
    let sentence = match (count, records.len() as u64) {
        (0, 0) => "The finding carries no record.".to_owned(),
        (count, kept) if count > kept => {
            format!("{}, of which the finding keeps the first and the last, {kept} in all.", counted(count, "record"))
        }
        (count, _) => format!("{}.", counted(count, "record")),
    };
    html! {
        section {
            h2 { "Evidence" }
            p.dim { (sentence) }
            @for (at, record) in records.into_iter().enumerate() { (one_record(at, record)) }
        }
    }
}

/// The first stands open; the others are one line each.
fn one_record(at: usize, record: &Value) -> Markup {
    let raw = text(record, "/raw");
    let position = record.get("position").and_then(Value::as_u64).unwrap_or_default();
    let (shown, is_whole) = shown_record(raw);
    html! {
        details.record open[at == 0] {
            summary {
                span.number { (moment(&harmless(text(record, "/time")))) } " "
                span.where { (harmless(text(record, "/file"))) ", position " (grouped(position)) }
            }
            pre tabindex="0" { (shown) }
            @if !is_whole { p.dim { "Cut here. The finding as JSON has the record whole." } }
            p.where.mono { "SHA-256 " (harmless(text(record, "/sha256"))) }
        }
    }
}

/// A record with line breaks, harmless, and whether that is all of it.
fn shown_record(raw: &str) -> (String, bool) {
    let whole = if is_json(raw) { indented_json(raw) } else { raw.to_owned() };
    let mut shown = String::new();
    for line in whole.lines() {
        let line = harmless(line);
        if shown.len() + line.len() > RECORD_BYTES_MAX {
            let room = RECORD_BYTES_MAX.saturating_sub(shown.len());
            let end = (0..=room.min(line.len())).rev().find(|&end| line.is_char_boundary(end)).unwrap_or_default();
            shown.push_str(&line[..end]);
            return (shown, false);
        }
        shown.push_str(&line);
        shown.push('\n');
    }
    (shown, true)
}

/// How it came about: each state that the finding had, the newest first.
fn occurrences(seen: &Seen, body: &Value) -> Markup {
    let kept = seen.whole.pointer("/history/occurrences").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if kept.is_empty() {
        return html! {};
    }
    let count = seen.whole.pointer("/history/count").and_then(Value::as_u64).unwrap_or_default();
    let earlier: Vec<Value> = kept.iter().rev().cloned().map(tame).collect();
    let shown = earlier.iter().take(OCCURRENCES_SHOWN_MAX);
    let row = |state: &Value| {
        html! {
            tr {
                td.number { (moment(text(state, "/updatedAt"))) }
                td { (badge(severity(state))) }
                td.number { (grouped(state.pointer("/service/count").and_then(Value::as_u64).unwrap_or(1))) }
                td.number { (moment(text(state, "/service/eventLastSeen"))) }
                td { (text(state, "/title")) }
            }
        }
    };
    html! {
        section {
            h2 { "Occurrences" }
            p.dim {
                "It has grown " (counted(count, "time")) "."
                @if earlier.len() > OCCURRENCES_SHOWN_MAX { " The newest " (OCCURRENCES_SHOWN_MAX) " earlier states are shown." }
            }
            div.scroll tabindex="0" role="region" aria-label="Occurrences" {
                table {
                    thead { tr {
                        th scope="col" { "State of" } th scope="col" { "Severity" } th.number scope="col" { "Count" }
                        th scope="col" { "Last seen" } th scope="col" { "Title" }
                    } }
                    tbody {
                        (row(body))
                        @for state in shown { (row(state)) }
                    }
                }
            }
        }
    }
}

fn as_json(seen: &Seen, named: &Named<'_>) -> Markup {
    let (shown, is_whole) = shown_record(&seen.body().to_string());
    html! {
        section {
            details {
                summary { "The finding as JSON" }
                p { a href={ (named.address()) "/json" } { "Open it alone" } ", in GuardDuty's form with the key "
                    code { "watchfire" } "." }
                pre tabindex="0" { (shown) }
                @if !is_whole { p.dim { "Cut here; alone it is whole." } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_in_json_is_shown_with_line_breaks_and_keeps_its_order() {
        assert_eq!(shown_record(r#"{"b":1,"a":"x"}"#), ("{\n  \"b\": 1,\n  \"a\": \"x\"\n}\n".to_owned(), true));
        assert_eq!(
            shown_record("2 111122223333 eni-1 \u{1b}[2J"),
            ("2 111122223333 eni-1 \\u{1b}[2J\n".to_owned(), true)
        );
    }

    proptest! {
        #[test]
        fn no_record_takes_more_than_its_share_and_none_is_obeyed(raw in ".{0,400}", repeat in 1usize..80) {
            let (shown, _) = shown_record(&raw.repeat(repeat));
            prop_assert!(shown.len() <= RECORD_BYTES_MAX + 1);
            prop_assert!(shown.lines().all(|line| harmless(line) == line));
        }
    }
}
