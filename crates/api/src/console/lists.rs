//! Lists of the accounts' own: what is trusted, what is a threat.

use super::page::{Tab, choose, frame, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, address, go_to, way_back};
use crate::documents;
use crate::error::{ApiError, ErrorClass};
use crate::resources::sets::{Content, IpSets, Kind, Set, State, ThreatEntitySets, ThreatIntelSets, TrustedEntitySets};
use crate::service::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use watchfire_export::{grouped, harmless};
use watchfire_store::{Key, Range, Scope};

const PATH: &str = "/console/lists";

/// Lists on one page. Ours: 14 is what one detector can have.
const SHOWN_MAX: usize = 200;

/// Lines of a list that its page shows. Ours.
const LINES_MAX: usize = 500;

/// The four kinds: as the API's paths have them, and for people.
const KINDS: [(&str, &str); 4] = [
    ("ipset", "Trusted addresses"),
    ("threatintelset", "Threats: addresses"),
    ("trustedentityset", "Trusted addresses and domains"),
    ("threatentityset", "Threats: addresses and domains"),
];

/// A list, where it is and what the API says of it.
struct Shown {
    scope: Scope,
    kind: &'static str,
    id: String,
    told: Value,
    /// Why it cannot be used; of the two older kinds the API does not tell.
    error: String,
    entries: Option<u64>,
}

/// Where a list is.
struct Place {
    scope: Scope,
    kind: &'static str,
    id: String,
}

/// Shows all lists.
pub(crate) async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let (account, region) = (ask.query.get("account"), ask.query.get("region"));
    let all: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    let is_meant = |scope: &&Scope| {
        (account.is_empty() || scope.account == account) && (region.is_empty() || scope.region == region)
    };
    let meant: Vec<Scope> = all.iter().filter(is_meant).cloned().collect();
    let mut places: Vec<(Place, String)> = Vec::new();
    find::<IpSets>(viewer, &meant, "ipset", &mut places).await?;
    find::<ThreatIntelSets>(viewer, &meant, "threatintelset", &mut places).await?;
    find::<TrustedEntitySets>(viewer, &meant, "trustedentityset", &mut places).await?;
    find::<ThreatEntitySets>(viewer, &meant, "threatentityset", &mut places).await?;
    let count = places.len();
    let mut shown = Vec::new();
    for (place, error) in places.into_iter().take(SHOWN_MAX) {
        shown.push(Shown { error, ..read(viewer, place).await? });
    }
    let content = html! {
        h1 { "Lists" }
        (choose(PATH, &all, account, region))
        section {
            @if shown.is_empty() {
                p { "There are no lists here." }
            } @else {
                (table(viewer, &shown, &address(PATH, [("account", account), ("region", region)])))
            }
            @if count > SHOWN_MAX {
                p.note { "The first " (SHOWN_MAX) " of " (grouped(count as u64)) " lists are shown: choose an account or a region." }
            }
            p.dim { "Lists are made with the API: " code { "aws guardduty create-threat-intel-set" }
                ", for instance. A list is read from S3 when it is activated." }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Lists, "Lists", notice, content)))
}

/// Shows what one list holds.
pub(crate) async fn show_one(
    viewer: &Viewer,
    (account, region, kind, id): (&str, &str, &str, &str),
) -> Result<Answer, ApiError> {
    let missing = || ApiError::of(ErrorClass::ResourceNotFound, "There is no such list.");
    let (kind, words) = KINDS.iter().find(|(name, _)| *name == kind).copied().ok_or_else(missing)?;
    let scope = scope_of(&viewer.detector(account, region).await?);
    let shown = read(viewer, Place { scope, kind, id: id.to_owned() }).await?;
    let text = |name: &str| shown.told.get(name).and_then(Value::as_str).unwrap_or_default();
    let content = content(viewer, &shown.scope, id).await?;
    let lines = content.as_ref().map(lines);
    let page = html! {
        p.trail { a href=(PATH) { "← Lists" } }
        section {
            h1 { (text("name")) }
            (super::page::pairs([
                ("Kind", html! { (words) }),
                ("State", html! { (state(text("status"))) " " (shown.error) }),
                ("Format", html! { (text("format")) }),
                ("Location", html! { (text("location")) }),
                ("Account", html! { (shown.scope.account) }),
                ("Region", html! { (shown.scope.region) }),
                ("Entries", html! { (shown.entries.map_or("not read".to_owned(), grouped)) }),
            ]))
        }
        section {
            h2 { "What was read" }
            @match lines {
                None => p.dim { "Nothing: the list is not active." },
                Some((lines, is_whole)) => {
                    pre tabindex="0" { @for line in lines { (line) "\n" } }
                    @if !is_whole { p.dim { "The first " (LINES_MAX) " lines." } }
                }
            }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Lists, text("name"), None, page)))
}

/// Activates a list or puts it out of use.
pub(crate) async fn change(viewer: &Viewer, ask: &Ask) -> Result<(Answer, String), ApiError> {
    let field = |name: &'static str| ask.form.get(name);
    let unknown = || ApiError::bad_request("the form names no list");
    let (kind, _) = KINDS.iter().find(|(name, _)| *name == field("kind")).ok_or_else(unknown)?;
    let activate = match field("action") {
        "activate" => true,
        "deactivate" => false,
        _ => return Err(ApiError::bad_request("the form names no action")),
    };
    let scope = scope_of(&viewer.detector(field("account"), field("region")).await?);
    let path = format!("/{kind}/{}", web::encoded(field("id")));
    viewer.call_detector(&scope, "POST", &path, json!({"activate": activate})).await?;
    let notice = match activate {
        true => "The list is being read. Its state says how that went.",
        false => "The list is no longer used.",
    };
    Ok((go_to(way_back(field("back"), PATH)), notice.to_owned()))
}

/// The lists of a kind under these detectors.
async fn find<K: Kind>(
    viewer: &Viewer,
    scopes: &[Scope],
    kind: &'static str,
    places: &mut Vec<(Place, String)>,
) -> Result<(), ApiError> {
    let accounts: std::collections::BTreeSet<&str> = scopes.iter().map(|scope| scope.account.as_str()).collect();
    let only = accounts.first().filter(|_| accounts.len() == 1).map(|account| (*account).to_owned());
    let range = Range { kind: K::KIND, account: only, region: None, parent: None };
    for held in documents::all::<Set<K>>(&viewer.service.store, &range).await? {
        let scope = scopes.iter().find(|scope| {
            scope.account == held.key.account && scope.region == held.key.region && scope.detector == held.key.parent
        });
        if let Some(scope) = scope.filter(|_| held.state != State::Deleted) {
            let error = harmless(held.error.as_deref().unwrap_or_default()).into_owned();
            places.push((Place { scope: scope.clone(), kind, id: held.key.id.clone() }, error));
        }
    }
    Ok(())
}

async fn read(viewer: &Viewer, Place { scope, kind, id }: Place) -> Result<Shown, ApiError> {
    let path = format!("/{kind}/{}", web::encoded(&id));
    let told = tame(viewer.call_detector(&scope, "GET", &path, Value::Null).await?);
    let entries = content(viewer, &scope, &id).await?.and_then(|content| content.entries);
    let error = told.get("errorDetails").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Shown { scope, kind, id, told, error, entries })
}

/// What was read of a list.
async fn content(viewer: &Viewer, scope: &Scope, id: &str) -> Result<Option<Content>, ApiError> {
    let key = Key {
        account: scope.account.clone(),
        region: scope.region.clone(),
        kind: <Content as documents::Document>::KIND,
        parent: scope.detector.clone(),
        id: id.to_owned(),
    };
    let stored = viewer.service.store.document(&key).await?;
    Ok(stored.map(documents::Held::<Content>::of).transpose()?.map(|held| held.body))
}

/// The first lines of a list, harmless, and whether those are all.
fn lines(content: &Content) -> (Vec<String>, bool) {
    let bytes = STANDARD.decode(&content.bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let cut = |line: &str| harmless(&line.chars().take(200).collect::<String>()).into_owned();
    let lines: Vec<String> = text.lines().take(LINES_MAX).map(cut).collect();
    let is_whole = text.lines().nth(LINES_MAX).is_none();
    (lines, is_whole)
}

fn state(status: &str) -> Markup {
    html! {
        @match status {
            "ACTIVE" => span.state.on { "active" },
            "ERROR" => span.state.bad { "error" },
            other => span.state { (other.to_lowercase().replace('_', " ")) },
        }
    }
}

fn table(viewer: &Viewer, shown: &[Shown], here: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Lists" {
            table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "State" }
                    th.number scope="col" { "Entries" } th scope="col" { "Format, location" }
                    th scope="col" { "Account, region" }
                    @if viewer.may_change() { th scope="col" { span.unseen { "Change" } } }
                } }
                tbody { @for one in shown { (row(viewer, one, here)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, one: &Shown, here: &str) -> Markup {
    let text = |name: &str| one.told.get(name).and_then(Value::as_str).unwrap_or_default();
    let Scope { account, region, .. } = &one.scope;
    let kind = KINDS.iter().find(|(name, _)| *name == one.kind).map_or("", |(_, words)| words);
    let is_on = matches!(text("status"), "ACTIVE" | "ACTIVATING");
    html! {
        tr {
            td { a href={ (PATH) "/" (account) "/" (region) "/" (one.kind) "/" (one.id) } { (text("name")) } }
            td { (kind) }
            td { (state(text("status"))) @if !one.error.is_empty() { div.dim { (one.error) } } }
            td.number { (one.entries.map_or("–".to_owned(), grouped)) }
            td { (text("format")) div.dim { (text("location")) } }
            td { (account) div.dim { (region) } }
            @if viewer.may_change() {
                td {
                    form method="post" action=(PATH) {
                        (token(viewer))
                        input type="hidden" name="account" value=(account);
                        input type="hidden" name="region" value=(region);
                        input type="hidden" name="kind" value=(one.kind);
                        input type="hidden" name="id" value=(one.id);
                        input type="hidden" name="back" value=(here);
                        @if is_on {
                            button type="submit" name="action" value="deactivate" { "Deactivate" }
                        } @else {
                            button type="submit" name="action" value="activate" { "Activate" }
                        }
                    }
                }
            }
        }
    }
}
