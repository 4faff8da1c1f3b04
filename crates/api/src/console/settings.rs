//! Detectors and what they analyse.

use super::page::{Tab, choose, frame, moment, pairs, place_address, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, go_to};
use crate::documents::Held;
use crate::error::ApiError;
use crate::generated::types::{DetectorStatus, FeatureStatus};
use crate::resources::detectors::Detector;
use crate::service::Answer;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use watchfire_store::Scope;

const PATH: &str = "/console/settings";

/// What features are, for people, and whether Watchfire reads logs of that kind.
const FEATURES: [(&str, &str, bool); 12] = [
    ("CLOUD_TRAIL", "Calls that manage the account, from CloudTrail", true),
    ("FLOW_LOGS", "Connections, from VPC flow logs", true),
    ("DNS_LOGS", "Names that instances look up, from resolver query logs", true),
    ("S3_DATA_EVENTS", "Calls on objects in S3, from CloudTrail's data events", true),
    ("EKS_AUDIT_LOGS", "Audit logs of EKS clusters", false),
    ("EBS_MALWARE_PROTECTION", "Malware on the volumes of instances", false),
    ("RDS_LOGIN_EVENTS", "Logins to databases", false),
    ("LAMBDA_NETWORK_LOGS", "Connections of Lambda functions", false),
    ("EKS_RUNTIME_MONITORING", "Processes on the nodes of EKS clusters", false),
    ("RUNTIME_MONITORING", "Processes on instances and in containers", false),
    ("AI_PROTECTION", "AI workloads", false),
    ("AI_ANALYST", "The analyst", false),
];

/// How often findings that grow are told again.
const FREQUENCIES: [(&str, &str); 3] =
    [("FIFTEEN_MINUTES", "every 15 minutes"), ("ONE_HOUR", "every hour"), ("SIX_HOURS", "every 6 hours")];

/// A switch of the form: a feature, or a part of one, which is named `FEATURE/PART`.
struct Switch {
    name: String,
    is_on: bool,
    updated: i64,
    parts: Vec<Switch>,
}

/// Shows the settings of the detector that the address names, or all detectors to choose from.
pub(crate) async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let detectors = viewer.detectors().await?;
    let (account, region) = (ask.query.get("account"), ask.query.get("region"));
    let is_meant = |held: &&Held<Detector>| {
        (account.is_empty() || held.key.account == account) && (region.is_empty() || held.key.region == region)
    };
    let meant: Vec<&Held<Detector>> = detectors.iter().filter(is_meant).collect();
    let scopes: Vec<Scope> = detectors.iter().map(scope_of).collect();
    let content = html! {
        h1 { "Settings" }
        (choose(PATH, &scopes, account, region))
        @match meant.as_slice() {
            [one] => (one_detector(viewer, one).await?),
            [] => section { p { "There is no detector here." } },
            several => (all_detectors(several)),
        }
        @if viewer.may_change() { (new_detector(viewer)) }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Settings, "Settings", notice, content)))
}

/// Changes a detector, makes one, or has it make samples.
pub(crate) async fn change(viewer: &Viewer, ask: &Ask) -> Result<(Answer, String), ApiError> {
    let (account, region) = (ask.form.get("account"), ask.form.get("region").trim());
    let notice = match ask.form.get("action") {
        "create" => {
            // In the account of one's own key: which others the server holds is the keys' to say.
            viewer.call(&viewer.key.account, region, "POST", "/detector", json!({"enable": true})).await?;
            "The detector is on."
        }
        "samples" => {
            let scope = scope_of(&viewer.detector(account, region).await?);
            viewer.call_detector(&scope, "POST", "/findings/create", json!({})).await?;
            "Sample findings were made, one of each type. Their titles begin with [SAMPLE]."
        }
        "save" => {
            let scope = scope_of(&viewer.detector(account, region).await?);
            let body = wanted(ask);
            if body.as_object().is_none_or(|body| body.is_empty()) {
                "Nothing was changed."
            } else {
                viewer.call_detector(&scope, "POST", "", body).await?;
                "The settings are saved, and hold from the next records on."
            }
        }
        _ => return Err(ApiError::bad_request("the form names no action")),
    };
    let account = if ask.form.get("action") == "create" { &viewer.key.account } else { account };
    Ok((go_to(&place_address(PATH, account, region)), notice.to_owned()))
}

/// What the form changes, as `UpdateDetector` takes it. Only what differs from what the page had shown: what somebody else
/// has set meanwhile stays.
fn wanted(ask: &Ask) -> Value {
    let mut body = json!({});
    let is = |field: &str, name: &str| ask.form.all(field).any(|value| value == name);
    let changed = |name: &str| is("on", name) != is("was", name);
    let status = |name: &str| if is("on", name) { "ENABLED" } else { "DISABLED" };
    if changed("detector") {
        body["enable"] = json!(is("on", "detector"));
    }
    let frequency = ask.form.get("frequency");
    if !frequency.is_empty() && frequency != ask.form.get("was-frequency") {
        body["findingPublishingFrequency"] = json!(frequency);
    }
    let mut features: Vec<Value> = Vec::new();
    for shown in ask.form.all("shown").filter(|name| *name != "detector" && changed(name)) {
        let (feature, part) = shown.split_once('/').unwrap_or((shown, ""));
        let at = features.iter().position(|one| one["name"] == feature).unwrap_or_else(|| {
            features.push(json!({"name": feature, "status": status(feature)}));
            features.len() - 1
        });
        if !part.is_empty() {
            let parts = &mut features[at]["additionalConfiguration"];
            let part = json!({"name": part, "status": status(shown)});
            match parts.as_array_mut() {
                Some(parts) => parts.push(part),
                None => *parts = json!([part]),
            }
        }
    }
    if !features.is_empty() {
        body["features"] = json!(features);
    }
    body
}

fn all_detectors(detectors: &[&Held<Detector>]) -> Markup {
    html! {
        section {
            h2 { "Detectors" }
            div.scroll tabindex="0" role="region" aria-label="Detectors" {
                table {
                    thead { tr {
                        th scope="col" { "Account" } th scope="col" { "Region" } th scope="col" { "State" }
                        th.number scope="col" { "Features on" } th scope="col" { "Id" }
                    } }
                    tbody {
                        @for held in detectors {
                            @let on = held.features.iter().filter(|one| one.status == FeatureStatus::Enabled).count();
                            tr {
                                td { a href=(place_address(PATH, &held.key.account, &held.key.region)) { (held.key.account) } }
                                td { (held.key.region) }
                                td { (state(held.status == DetectorStatus::Enabled)) }
                                td.number { (on) " of " (held.features.iter().count()) }
                                td.mono { (held.id) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(is_on: bool) -> Markup {
    html! {
        @if is_on { span.state.on { "enabled" } } @else { span.state { "suspended" } }
    }
}

async fn one_detector(viewer: &Viewer, held: &Held<Detector>) -> Result<Markup, ApiError> {
    let scope = scope_of(held);
    let told = tame(viewer.call_detector(&scope, "GET", "", Value::Null).await?);
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_on = text("status") == "ENABLED";
    let frequency = text("findingPublishingFrequency");
    let may = viewer.may_change();
    let switches = switches(&told);
    let switchable = |name: &str| held.features.iter().any(|feature| feature.name.as_str() == name);
    Ok(html! {
        form method="post" action=(PATH) {
            (token(viewer))
            input type="hidden" name="account" value=(scope.account);
            input type="hidden" name="region" value=(scope.region);
            section {
                h2 { "Detector of " (scope.account) " in " (scope.region) }
                (pairs([
                    ("Id", html! { span.mono { (scope.detector) } }),
                    ("Made", html! { (moment(text("createdAt"))) }),
                    ("Changed", html! { (moment(text("updatedAt"))) }),
                ]))
                ul.switches {
                    li {
                        (switch("detector", is_on, may, html! {
                            span.name { "Detection is on" }
                            span.dim { " While it is off, logs of this account and region give no findings." }
                        }))
                    }
                }
                label.fields { span { "Findings that grow are told again" }
                    select name="frequency" disabled[!may] {
                        @for (value, words) in FREQUENCIES {
                            option value=(value) selected[value == frequency] { (words) }
                        }
                    }
                }
                input type="hidden" name="was-frequency" value=(frequency);
            }
            section {
                h2 { "What is analysed" }
                ul.switches {
                    @for one in &switches { li { (feature(one, may && switchable(&one.name))) } }
                }
            }
            @if may {
                p.acts {
                    button.main type="submit" name="action" value="save" { "Save" }
                    button type="submit" name="action" value="samples" { "Make sample findings" }
                }
            } @else {
                p.note { "Your key is read-only: an administrator key of this account can change this." }
            }
        }
    })
}

/// The features that a detector has, as it tells them.
fn switches(told: &Value) -> Vec<Switch> {
    fn of(value: &Value, above: &str) -> Switch {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = if above.is_empty() { text("name").to_owned() } else { format!("{above}/{}", text("name")) };
        let parts = value.get("additionalConfiguration").and_then(Value::as_array);
        let seconds = value.get("updatedAt").and_then(Value::as_f64).unwrap_or_default();
        Switch {
            parts: parts.into_iter().flatten().map(|part| of(part, &name)).collect(),
            is_on: text("status") == "ENABLED",
            updated: (seconds * 1_000.0) as i64,
            name,
        }
    }
    let features = told.get("features").and_then(Value::as_array);
    features.into_iter().flatten().map(|feature| of(feature, "")).collect()
}

fn feature(one: &Switch, may: bool) -> Markup {
    let known = FEATURES.iter().find(|(name, ..)| *name == one.name);
    let has_logs = known.is_some_and(|(.., has_logs)| *has_logs);
    html! {
        (switch(&one.name, one.is_on, may, html! {
            span {
                span.name { (known.map_or(one.name.as_str(), |(_, words, _)| words)) }
                " " span.mono.dim { (one.name) }
                @if !has_logs { span.dim { " Kept; Watchfire does not analyse these yet." } }
                @if one.updated > 0 { span.dim.wide-only { " Set " (super::page::moment_ms(one.updated)) "." } }
            }
        }))
        @if !one.parts.is_empty() {
            ul {
                @for part in &one.parts {
                    @let name = part.name.rsplit('/').next().unwrap_or_default();
                    li { (switch(&part.name, part.is_on, may, html! { span.mono { (name) } })) }
                }
            }
        }
    }
}

/// A box to tick, with what it was when the page was made.
fn switch(name: &str, is_on: bool, may: bool, label: Markup) -> Markup {
    html! {
        label {
            input type="checkbox" name="on" value=(name) checked[is_on] disabled[!may];
            span { (label) }
        }
        // A box that cannot be ticked is not sent, and must not look as if it had been changed.
        @if may {
            input type="hidden" name="shown" value=(name);
            @if is_on { input type="hidden" name="was" value=(name); }
        }
    }
}

fn new_detector(viewer: &Viewer) -> Markup {
    html! {
        section {
            h2 { "Another region" }
            p.dim { "Where logs arrive a detector is made by itself, unless one was deleted there." }
            form.choose method="post" action=(PATH) {
                (token(viewer))
                label { "Region"
                    input type="text" name="region" required pattern="[a-z]{2}(-[a-z]+)+-[0-9]{1,2}" placeholder="eu-central-1"
                        autocomplete="off" spellcheck="false";
                }
                button type="submit" name="action" value="create" { "Make a detector in account " (viewer.key.account) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::web::{Fields, Inlet};
    use super::*;
    use hyper::{HeaderMap, Method};

    fn form(pairs: &[(&str, &str)]) -> Ask {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ask {
            method: Method::POST,
            path: PATH.to_owned(),
            query: Fields::default(),
            headers: HeaderMap::new(),
            form: Fields(pairs.collect()),
            inlet: Inlet::default(),
        }
    }

    #[test]
    fn only_what_was_changed_on_the_page_is_set() {
        let shown = [("shown", "A"), ("shown", "B"), ("was", "B"), ("shown", "detector"), ("was", "detector")];
        let unchanged = [&shown[..], &[("on", "B"), ("on", "detector"), ("frequency", "X"), ("was-frequency", "X")]];
        assert_eq!(wanted(&form(&unchanged.concat())), json!({}));
        let changed = [&shown[..], &[("on", "A"), ("frequency", "Y"), ("was-frequency", "X")]].concat();
        let features = json!([{"name": "A", "status": "ENABLED"}, {"name": "B", "status": "DISABLED"}]);
        let expected = json!({"enable": false, "findingPublishingFrequency": "Y", "features": features});
        assert_eq!(wanted(&form(&changed)), expected);
    }

    #[test]
    fn a_part_is_set_under_its_feature_which_stays_as_it_is() {
        let pairs = [("shown", "A"), ("was", "A"), ("on", "A"), ("shown", "A/P"), ("on", "A/P")];
        let part = json!([{"name": "P", "status": "ENABLED"}]);
        let expected = json!({"features": [{"name": "A", "status": "ENABLED", "additionalConfiguration": part}]});
        assert_eq!(wanted(&form(&pairs)), expected);
    }
}
