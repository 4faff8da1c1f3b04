//! Filters: saved criteria, and those that archive what is new and fits.

use super::page::{Tab, choose, frame, moment_ms};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask};
use crate::documents::{self, Document, Held};
use crate::error::ApiError;
use crate::generated::types::FilterAction;
use crate::resources::filters::Filter;
use crate::service::Answer;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::Value;
use watchfire_export::{counted, grouped, harmless};
use watchfire_store::{Range, Scope};

const PATH: &str = "/console/filters";

/// Filters on one page. Source of the hundred that one detector can have: GuardDuty's quotas.
const SHOWN_MAX: usize = 300;

/// The operators in words. Source: the model, `Condition`, with its older names.
const OPERATORS: [(&str, &str); 16] = [
    ("equals", "is"),
    ("eq", "is"),
    ("notEquals", "is not"),
    ("neq", "is not"),
    ("matches", "matches"),
    ("notMatches", "does not match"),
    ("greaterThan", "above"),
    ("gt", "above"),
    ("greaterThanOrEqual", "at least"),
    ("gte", "at least"),
    ("lessThan", "below"),
    ("lt", "below"),
    ("lessThanOrEqual", "at most"),
    ("lte", "at most"),
    ("Equals", "is"),
    ("NotEquals", "is not"),
];

/// Shows all filters, by the order in which they are tried.
pub(crate) async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let (account, region) = (ask.query.get("account"), ask.query.get("region"));
    let all: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    let is_meant = |scope: &&Scope| {
        (account.is_empty() || scope.account == account) && (region.is_empty() || scope.region == region)
    };
    let meant: Vec<&Scope> = all.iter().filter(is_meant).collect();
    let range = Range { kind: Filter::KIND, account: None, region: None, parent: None };
    let mut filters = documents::all::<Filter>(&viewer.service.store, &range).await?;
    filters.retain(|held| {
        meant.iter().any(|scope| {
            scope.account == held.key.account && scope.region == held.key.region && scope.detector == held.key.parent
        })
    });
    filters.sort_by(|a, b| (&a.key.account, &a.key.region, a.rank).cmp(&(&b.key.account, &b.key.region, b.rank)));
    let mut suppressed = 0;
    for scope in meant.iter().take(SHOWN_MAX) {
        suppressed += viewer.service.store.suppressed_count(scope).await?;
    }
    let content = html! {
        h1 { "Filters" }
        (choose(PATH, &all, account, region))
        section {
            @if filters.is_empty() { p { "There are no filters here." } } @else { (table(&filters)) }
            @if filters.len() > SHOWN_MAX {
                p.note { "The first " (SHOWN_MAX) " of " (grouped(filters.len() as u64)) " are shown." }
            }
            p { (counted(suppressed, "finding")) " kept in the archive because a filter put " (if suppressed == 1 { "it" } else { "them" }) " there. "
                a href={ (web::address("/console/findings", [("state", "archived"), ("account", account), ("region", region)])) } { "Archived findings" }
            }
            p.dim { "Filters are made with the API: " code { "aws guardduty create-filter" } "." }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Filters, "Filters", notice, content)))
}

fn table(filters: &[Held<Filter>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Filters" {
            table {
                thead { tr {
                    th.number scope="col" { "Rank" } th scope="col" { "Name" } th scope="col" { "Does" }
                    th scope="col" { "Findings whose" } th scope="col" { "Account, region" } th scope="col" { "Changed" }
                } }
                tbody {
                    @for held in filters.iter().take(SHOWN_MAX) {
                        tr {
                            td.number { (held.rank) }
                            td { (harmless(&held.key.id))
                                @if let Some(description) = &held.description { div.dim { (harmless(description)) } }
                            }
                            td { (if held.action == FilterAction::Archive { "archives new findings" } else { "nothing by itself" }) }
                            td { (criteria(&held.finding_criteria)) }
                            td { (held.key.account) div.dim { (held.key.region) } }
                            td.number { (moment_ms(held.changed)) }
                        }
                    }
                }
            }
        }
    }
}

/// The criteria in words, one attribute a line.
fn criteria(document: &Value) -> Markup {
    let document = tame(document.clone());
    let attributes = document.get("criterion").and_then(Value::as_object);
    let mut lines: Vec<(String, String)> = Vec::new();
    for (attribute, tests) in attributes.into_iter().flatten() {
        for (operator, value) in tests.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let words =
                OPERATORS.iter().find(|(name, _)| name == operator).map_or(operator.as_str(), |(_, words)| words);
            let values: Vec<String> = match value {
                Value::Array(values) => values.iter().map(plain).collect(),
                one => vec![plain(one)],
            };
            lines.push((attribute.clone(), format!("{words} {}", values.join(" or "))));
        }
    }
    html! {
        ul.plain { @for (attribute, test) in &lines { li { code { (attribute) } " " (test) } } }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn criteria_read_as_sentences_and_are_escaped() {
        let document =
            json!({"criterion": {"type": {"eq": ["Recon:EC2/Portscan", "<b>\u{202e}"]}, "severity": {"gte": 4}}});
        let shown = criteria(&document).into_string();
        assert!(shown.contains("<code>type</code> is Recon:EC2/Portscan or &lt;b&gt;\\u{202e}"), "{shown}");
        assert!(shown.contains("<code>severity</code> at least 4"), "{shown}");
    }
}
