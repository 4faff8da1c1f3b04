//! Lists of the accounts' own: what is trusted, what is a threat.

use super::filters::places_menu;
use super::forms::{Done, Form, Trouble, ask_to_delete, client_token, place_of, place_value, refuse_readers, settable};
use super::page::{Tab, choose, frame, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, Fields, address, encoded, go_to, way_back};
use crate::documents;
use crate::error::{ApiError, ErrorClass};
use crate::resources::sets::{Content, IpSets, Kind, Set, State, ThreatEntitySets, ThreatIntelSets, TrustedEntitySets};
use crate::service::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
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

/// The forms of lists, as the API names them. Source: the model, `IpSetFormat` and its siblings, which are one.
const FORMATS: [(&str, &str); 6] = [
    ("TXT", "Plain text, one entry a line"),
    ("STIX", "STIX"),
    ("OTX_CSV", "Open Threat Exchange CSV"),
    ("ALIEN_VAULT", "AlienVault reputation feed"),
    ("PROOF_POINT", "Proofpoint ET CSV"),
    ("FIRE_EYE", "FireEye iSIGHT CSV"),
];

/// Characters of a list's name, of its location, and digits of an account. Source: the model, `Name`, `Location`,
/// `ExpectedBucketOwner`.
const NAME_LENGTH: (usize, usize) = (1, 300);
const LOCATION_LENGTH: (usize, usize) = (1, 300);
const OWNER_LENGTH: (usize, usize) = (0, 12);

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
            @if viewer.may_change() {
                p.acts { a.button.main href=(address(&format!("{PATH}/new"), [("place", place_value(account, region).trim_matches('/'))])) { "New list" } }
            }
            @if shown.is_empty() {
                p { "There are no lists here." }
            } @else {
                (table(viewer, &shown, &address(PATH, [("account", account), ("region", region)])))
            }
            @if count > SHOWN_MAX {
                p.note { "The first " (SHOWN_MAX) " of " (grouped(count as u64)) " lists are shown: choose an account or a region." }
            }
            p.dim { "A list is read when it is activated, and kept as it was then until it is activated again." }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Lists, "Lists", notice, content)))
}

/// Shows what one list holds.
pub(crate) async fn show_one(
    viewer: &Viewer,
    named: (&str, &str, &str, &str),
    notice: Option<&str>,
) -> Result<Answer, ApiError> {
    let shown = one(viewer, named).await?;
    let (words, id) = (words_of(shown.kind), named.3);
    let text = |name: &str| shown.told.get(name).and_then(Value::as_str).unwrap_or_default();
    let content = content(viewer, &shown.scope, id).await?;
    let lines = content.as_ref().map(lines);
    let page = html! {
        p.trail { a href=(PATH) { "← Lists" } }
        section {
            h1 { (text("name")) }
            (super::page::pairs([
                ("Kind", html! { (words) }),
                ("State", html! {
                    (state(text("status"))) " " (shown.error)
                    @if text("status") == "ACTIVATING" { a href=(path_of(&shown)) { "Look again" } }
                }),
                ("Format", html! { (text("format")) }),
                ("Location", html! { (text("location")) }),
                ("Account", html! { (shown.scope.account) }),
                ("Region", html! { (shown.scope.region) }),
                ("Entries", html! { (shown.entries.map_or("not read".to_owned(), grouped)) }),
            ]))
            @if viewer.may_change() && !is_deleted(&shown) {
                form.acts method="post" action=(PATH) {
                    (switch(viewer, &shown, &path_of(&shown)))
                    a.button href={ (path_of(&shown)) "/edit" } { "Edit" }
                    a.button href={ (path_of(&shown)) "/delete" } { "Delete" }
                }
            }
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
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Lists, text("name"), notice, page)))
}

/// A list that the viewer may see.
async fn one(viewer: &Viewer, (account, region, kind, id): (&str, &str, &str, &str)) -> Result<Shown, ApiError> {
    let missing = || ApiError::of(ErrorClass::ResourceNotFound, "There is no such list.");
    let (kind, _) = KINDS.iter().find(|(name, _)| *name == kind).copied().ok_or_else(missing)?;
    let scope = scope_of(&viewer.detector(account, region).await?);
    let key = Key {
        account: scope.account.clone(),
        region: scope.region.clone(),
        kind: stored_kind(kind),
        parent: scope.detector.clone(),
        id: id.to_owned(),
    };
    let stored = viewer.service.store.document(&key).await?.ok_or_else(missing)?;
    let error = harmless(stored.body.get("error").and_then(Value::as_str).unwrap_or_default()).into_owned();
    Ok(Shown { error, ..read(viewer, Place { scope, kind, id: id.to_owned() }).await? })
}

/// What the store calls a kind.
fn stored_kind(kind: &str) -> &'static str {
    match kind {
        "ipset" => IpSets::KIND,
        "threatintelset" => ThreatIntelSets::KIND,
        "trustedentityset" => TrustedEntitySets::KIND,
        _ => ThreatEntitySets::KIND,
    }
}

fn words_of(kind: &str) -> &'static str {
    KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, words)| words)
}

fn path_of(one: &Shown) -> String {
    let Scope { account, region, .. } = &one.scope;
    format!("{PATH}/{}/{}/{}/{}", encoded(account), encoded(region), one.kind, encoded(&one.id))
}

fn is_deleted(one: &Shown) -> bool {
    matches!(one.told.get("status").and_then(Value::as_str), Some("DELETED" | "DELETE_PENDING"))
}

/// The form of a new list.
pub(crate) async fn show_new(viewer: &Viewer, ask: &Ask) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "lists")?;
    let given = [
        ("clientToken", client_token()?),
        ("place", ask.query.get("place").to_owned()),
        ("kind", "threatintelset".to_owned()),
        ("format", "TXT".to_owned()),
        ("activate", "true".to_owned()),
    ];
    let values = Fields(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    page_of_form(viewer, &Form { values: &values, trouble: None }, None, StatusCode::OK).await
}

/// The form of a list that there is.
pub(crate) async fn show_edit(viewer: &Viewer, named: (&str, &str, &str, &str)) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "lists")?;
    let shown = one(viewer, named).await?;
    let fields = ["name", "location", "expectedBucketOwner"];
    let told = |name: &str| shown.told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let now = fields.iter().map(|name| ((*name).to_owned(), told(name)));
    let was = fields.iter().map(|name| (format!("was-{name}"), told(name)));
    let values = Fields(now.chain(was).collect());
    page_of_form(viewer, &Form { values: &values, trouble: None }, Some(&shown), StatusCode::OK).await
}

/// Asks whether a list is to be deleted.
pub(crate) async fn show_delete(viewer: &Viewer, named: (&str, &str, &str, &str)) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "lists")?;
    let shown = one(viewer, named).await?;
    let name = shown.told.get("name").and_then(Value::as_str).unwrap_or_default();
    let lost = html! {
        p { (words_of(shown.kind)) ", in account " (shown.scope.account) ", region " (shown.scope.region) "."
            @if let Some(entries) = shown.entries { " It is in use, and has " (grouped(entries)) " entries." }
        }
        p { "Findings that it gave rise to stay. The object that it was read from is not touched." }
    };
    let (path, title) = (path_of(&shown), format!("Delete the list {name}?"));
    let content = ask_to_delete(viewer, &format!("{path}/delete"), &path, &title, lost);
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Lists, &title, None, content)))
}

/// Makes a list.
pub(crate) async fn create(viewer: &Viewer, ask: &Ask) -> Result<Done, ApiError> {
    let unknown = || ApiError::bad_request("the form names no kind of list");
    let (kind, _) = KINDS.iter().find(|(name, _)| *name == ask.form.get("kind")).ok_or_else(unknown)?;
    let (account, region) = place_of(ask.form.get("place"));
    let scope = scope_of(&viewer.detector(account, region).await?);
    let activate = !ask.form.get("activate").is_empty();
    let mut body = Map::new();
    for name in ["name", "format", "location", "expectedBucketOwner", "clientToken"] {
        if !ask.form.get(name).trim().is_empty() {
            body.insert(name.to_owned(), json!(ask.form.get(name).trim()));
        }
    }
    body.insert("activate".to_owned(), json!(activate));
    let made = match viewer.call_detector(&scope, "POST", &format!("/{kind}"), Value::Object(body)).await {
        Ok(made) => made,
        Err(error) => return again(viewer, ask, None, Trouble::from_refusal(error)?).await,
    };
    // The answer has one member, the id; its name differs from kind to kind.
    let id = made.as_object().and_then(|made| made.values().find_map(Value::as_str)).unwrap_or_default();
    let notice = match activate {
        true => "The list is made, and being read. Its state says how that went.",
        false => "The list is made. It acts when it is activated.",
    };
    let path = format!("{PATH}/{}/{}/{kind}/{}", encoded(&scope.account), encoded(&scope.region), encoded(id));
    Ok((go_to(&path), notice.to_owned()).into())
}

/// Changes a list.
pub(crate) async fn edit(viewer: &Viewer, ask: &Ask, named: (&str, &str, &str, &str)) -> Result<Done, ApiError> {
    let shown = one(viewer, named).await?;
    let mut body = Map::new();
    for name in ["name", "location", "expectedBucketOwner"] {
        // What somebody else has set since the page was made stays.
        if ask.form.get(name).trim() != ask.form.get(&format!("was-{name}")).trim() {
            body.insert(name.to_owned(), json!(ask.form.get(name).trim()));
        }
    }
    let mut notice = "The list is saved.";
    if body.is_empty() {
        notice = "Nothing was changed.";
    } else {
        let is_elsewhere = body.contains_key("location");
        let path = format!("/{}/{}", shown.kind, encoded(&shown.id));
        if let Err(error) = viewer.call_detector(&shown.scope, "POST", &path, Value::Object(body)).await {
            return again(viewer, ask, Some(&shown), Trouble::from_refusal(error)?).await;
        }
        if is_elsewhere {
            notice = "The list is saved. Its state says whether it is read from there now, or waits to be activated.";
        }
    }
    Ok((go_to(&path_of(&shown)), notice.to_owned()).into())
}

/// Deletes a list.
pub(crate) async fn delete(viewer: &Viewer, named: (&str, &str, &str, &str)) -> Result<Done, ApiError> {
    let shown = one(viewer, named).await?;
    let path = format!("/{}/{}", shown.kind, encoded(&shown.id));
    viewer.call_detector(&shown.scope, "DELETE", &path, Value::Null).await?;
    let name = shown.told.get("name").and_then(Value::as_str).unwrap_or_default();
    Ok((go_to(PATH), format!("The list {name} is deleted.")).into())
}

/// The form as it came, with what is wrong.
async fn again(viewer: &Viewer, ask: &Ask, held: Option<&Shown>, trouble: Trouble) -> Result<Done, ApiError> {
    let form = Form { values: &ask.form, trouble: Some(&trouble) };
    Ok(Done::Again(page_of_form(viewer, &form, held, StatusCode::BAD_REQUEST).await?))
}

async fn page_of_form(
    viewer: &Viewer,
    form: &Form<'_>,
    held: Option<&Shown>,
    status: StatusCode,
) -> Result<Answer, ApiError> {
    let places = settable(viewer).await?;
    let asked = place_of(form.get("place"));
    let is_asked = |scope: &&Scope| {
        (asked.0.is_empty() || scope.account == asked.0) && (asked.1.is_empty() || scope.region == asked.1)
    };
    let place = match held {
        Some(held) => Some(&held.scope),
        None => places.iter().find(is_asked).or_else(|| places.first()),
    };
    let title = match held {
        Some(held) => format!("Edit the list {}", held.told.get("name").and_then(Value::as_str).unwrap_or_default()),
        None => "New list".to_owned(),
    };
    let content = html! {
        p.trail { a href=(PATH) { "← Lists" } }
        h1 { (title) }
        (form.note())
        @match place {
            None => section { p { "Lists here are set by the administrator of the organization, and hold for its members." } },
            Some(scope) => (fields(viewer, form, held, (scope, &places))),
        }
    };
    Ok(web::answer(status, frame(viewer, Tab::Lists, &title, None, content)))
}

fn fields(viewer: &Viewer, form: &Form<'_>, held: Option<&Shown>, (place, places): (&Scope, &[Scope])) -> Markup {
    let path = held.map_or_else(|| format!("{PATH}/new"), |held| format!("{}/edit", path_of(held)));
    let cancel = held.map_or_else(|| PATH.to_owned(), path_of);
    let allowed = &viewer.service.list_urls;
    let location_hint = html! {
        "An object in S3: " code { "s3://bucket/list.txt" } ", or its address with " code { "https://" } "."
        @if !allowed.is_empty() {
            " Or what begins with "
            @for (at, begin) in allowed.iter().enumerate() { @if at > 0 { " or " } code { (begin) } }
            "."
        }
    };
    let kind_hint = html! {
        "An account and region can have " (IpSets::SETS_MAX) " list of trusted addresses, with "
        (grouped(IpSets::ENTRIES_MAX as u64)) " entries; " (ThreatIntelSets::SETS_MAX) " of threats, with "
        (grouped(ThreatIntelSets::ENTRIES_MAX as u64)) " each; with domains " (TrustedEntitySets::SETS_MAX)
        " trusted and " (ThreatEntitySets::SETS_MAX) " of threats, with "
        (grouped(ThreatEntitySets::ENTRIES_MAX as u64)) " each."
    };
    let owner_hint = html! { "Digits. The list is read only from a bucket of this account. It may stay empty." };
    html! {
        form.edit method="post" action=(path) {
            section {
                (token(viewer))
                @match held {
                    Some(held) => {
                        p { (words_of(held.kind)) ", in account " (place.account) ", region " (place.region) }
                        @for name in ["name", "location", "expectedBucketOwner"] {
                            input type="hidden" name={ "was-" (name) } value=(form.get(&format!("was-{name}")));
                        }
                    },
                    None => {
                        input type="hidden" name="clientToken" value=(form.get("clientToken"));
                        (places_menu(form, place, places))
                        (form.menu("kind", "What it holds", KINDS, kind_hint))
                    }
                }
                (form.line("name", "Name", NAME_LENGTH, html! { "Findings name it when it gave rise to them." }))
                (form.line("location", "Location", LOCATION_LENGTH, location_hint))
                @if held.is_none() { (form.menu("format", "Format", FORMATS, html! { "A list that is of another is refused when it is read." })) }
                (form.line("expectedBucketOwner", "Account that owns the bucket", OWNER_LENGTH, owner_hint))
                @if held.is_none() {
                    label.tick {
                        input type="checkbox" name="activate" value="true" checked[!form.get("activate").is_empty()];
                        span { "Activate it: it is read now, and acts from then on" }
                    }
                }
                p.acts {
                    button.main type="submit" { (if held.is_some() { "Save" } else { "Make the list" }) }
                    a.button href=(cancel) { "Cancel" }
                }
            }
        }
    }
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
    html! {
        tr {
            td { a href=(path_of(one)) { (text("name")) } }
            td { (words_of(one.kind)) }
            td { (state(text("status"))) @if !one.error.is_empty() { div.dim { (one.error) } } }
            td.number { (one.entries.map_or("–".to_owned(), grouped)) }
            td { (text("format")) div.dim { (text("location")) } }
            td { (account) div.dim { (region) } }
            @if viewer.may_change() {
                td {
                    form method="post" action=(PATH) { (switch(viewer, one, here)) }
                }
            }
        }
    }
}

/// The fields and the button of a form that puts a list into use or out of it.
fn switch(viewer: &Viewer, one: &Shown, here: &str) -> Markup {
    let text = |name: &str| one.told.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    html! {
        (token(viewer))
        input type="hidden" name="account" value=(one.scope.account);
        input type="hidden" name="region" value=(one.scope.region);
        input type="hidden" name="kind" value=(one.kind);
        input type="hidden" name="id" value=(one.id);
        input type="hidden" name="back" value=(here);
        @match text("status") {
            "ACTIVE" => {
                button type="submit" name="action" value="deactivate" aria-label={ "Deactivate " (name) } { "Deactivate" } " "
                button type="submit" name="action" value="activate" aria-label={ "Read " (name) " again" } { "Read again" }
            },
            "ACTIVATING" => {
                button type="submit" name="action" value="deactivate" aria-label={ "Deactivate " (name) } { "Deactivate" }
            },
            _ => {
                button type="submit" name="action" value="activate" aria-label={ "Activate " (name) } { "Activate" }
            },
        }
    }
}
