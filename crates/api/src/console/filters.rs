//! Filters: saved criteria, and those that archive what is new and fits. They are made, changed and deleted by the API's
//! own operations.

use super::finding;
use super::forms::{Done, Form, Trouble, ask_to_delete, client_token, place_of, place_value, refuse_readers, settable};
use super::list;
use super::page::{Tab, choose, frame, moment_ms, place_address, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, Fields, address, encoded, go_to};
use crate::documents::{self, Document, Held};
use crate::error::{ApiError, ErrorClass};
use crate::generated::types::FilterAction;
use crate::relationship::Member;
use crate::resources::filters::Filter;
use crate::resources::findings::{criteria as read_criteria, not_listed};
use crate::service::Answer;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use watchfire_export::{CriterionTest, FindingCriteria, attribute_values, counted, grouped, harmless, list_attributes};
use watchfire_store::{Cursor, Grouping, Key, Range, Scope, Sort};

const PATH: &str = "/console/filters";

/// Filters on one page. Source of the hundred that one detector can have: GuardDuty's quotas.
const SHOWN_MAX: usize = 300;

/// Names of filters, their descriptions and ranks. Source: the model, `FilterName`, `FilterDescription`, `FilterRank`.
const NAME_LENGTH: (usize, usize) = (3, 64);
const DESCRIPTION_LENGTH: (usize, usize) = (0, 512);
const RANKS: (i64, i64) = (1, 100);

/// How long findings are read to count those that criteria fit which the database does not list by. Ours: a page should be
/// there before one wonders.
const COUNTING_MS_MAX: i64 = 250;

/// Findings read at once while counting.
const COUNTED_AT_ONCE: usize = 250;

/// What tells one resource from others, the most telling first.
const RESOURCE_NAMES: [&str; 9] = [
    "resource.instanceDetails.instanceId",
    "resource.s3BucketDetails.name",
    "resource.eksClusterDetails.name",
    "resource.ecsClusterDetails.name",
    "resource.lambdaDetails.functionName",
    "resource.rdsDbInstanceDetails.dbInstanceIdentifier",
    "resource.containerDetails.name",
    "resource.accessKeyDetails.userName",
    "resource.accessKeyDetails.principalId",
];

/// Values of one attribute that are offered to choose from.
const OFFERED_MAX: usize = 5;

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
            @if viewer.may_change() {
                p.acts { a.button.main href=(address(&new_path(), [("place", place_value(account, region).trim_matches('/'))])) { "New filter" } }
            }
            @if filters.is_empty() { p { "There are no filters here." } } @else { (table(viewer, &filters)) }
            @if filters.len() > SHOWN_MAX {
                p.note { "The first " (SHOWN_MAX) " of " (grouped(filters.len() as u64)) " are shown." }
            }
            p { (counted(suppressed, "finding")) " kept in the archive because a filter put " (if suppressed == 1 { "it" } else { "them" }) " there. "
                a href={ (web::address("/console/findings", [("state", "archived"), ("account", account), ("region", region)])) } { "Archived findings" }
            }
            p.dim { "Those that archive are tried by rank, and put away what is new and fits; they change nothing that is here \
                already." }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Filters, "Filters", notice, content)))
}

fn table(viewer: &Viewer, filters: &[Held<Filter>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Filters" {
            table {
                thead { tr {
                    th.number scope="col" { "Rank" } th scope="col" { "Name" } th scope="col" { "What it does" }
                    th scope="col" { "Findings whose" } th scope="col" { "Account, region" } th scope="col" { "Changed" }
                    @if viewer.may_change() { th scope="col" { span.unseen { "Change" } } }
                } }
                tbody {
                    @for held in filters.iter().take(SHOWN_MAX) {
                        tr {
                            td.number { (held.rank) }
                            td {
                                @if viewer.may_change() { a href=(path_of(held)) { (harmless(&held.key.id)) } }
                                @else { (harmless(&held.key.id)) }
                                @if let Some(description) = &held.description { div.dim { (harmless(description)) } }
                            }
                            td { (does(held.action)) }
                            td { (criteria(&held.finding_criteria)) }
                            td { (held.key.account) div.dim { (held.key.region) } }
                            td.number { (moment_ms(held.changed)) }
                            @if viewer.may_change() {
                                @let name = harmless(&held.key.id);
                                td.links {
                                    a href=(path_of(held)) aria-label={ "Edit the filter " (name) } { "Edit" } " "
                                    a href={ (path_of(held)) "/delete" } aria-label={ "Delete the filter " (name) } { "Delete" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn new_path() -> String {
    format!("{PATH}/new")
}

fn path_of(held: &Held<Filter>) -> String {
    let Key { account, region, id, .. } = &held.key;
    format!("{PATH}/{}/{}/{}", encoded(account), encoded(region), encoded(id))
}

/// The form of a new filter: empty, from what the list of findings is narrowed to, or from one finding.
pub(crate) async fn show_new(viewer: &Viewer, ask: &Ask) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "filters")?;
    let mut values = Fields::default();
    let mut set = |name: &str, value: String| values.0.push((name.to_owned(), value));
    let mut left_out = Vec::new();
    let mut offered = Vec::new();
    set("clientToken", client_token()?);
    set("rank", "1".to_owned());
    let like: Vec<&str> = ask.query.get("like").splitn(3, '/').collect();
    if let [account, region, id] = like.as_slice() {
        let (scope, finding) = finding::read(viewer, &finding::Named { account, region, id }).await?;
        let holder = viewer.actor(&scope).await?;
        let mut criterion = like_this(&finding);
        if holder.account != scope.account {
            criterion.insert("accountId".to_owned(), json!({"eq": [scope.account]}));
        }
        set("place", place_value(&holder.account, &holder.region));
        set("name", name_for(&criterion));
        set("action", "ARCHIVE".to_owned());
        set("findingCriteria", json_text(&Value::Object(criterion)));
        offered = others(&finding);
    } else if !ask.query.get("from").is_empty() {
        let (criterion, left) = list::as_filter(&ask.query);
        left_out = left;
        set("place", ask.query.get("place").to_owned());
        set("action", "ARCHIVE".to_owned());
        if !criterion.is_empty() {
            set("name", name_for(&criterion));
            set("findingCriteria", json_text(&Value::Object(criterion)));
        }
    } else {
        set("place", ask.query.get("place").to_owned());
        set("action", "ARCHIVE".to_owned());
    }
    let form = Form { values: &values, trouble: None };
    let more = html! {
        @if !left_out.is_empty() {
            p.note { "A filter cannot hold everything that the list was narrowed by. Left out: " (left_out.join(", ")) "." }
        }
    };
    page_of_form(viewer, &form, None, &more, &offered, StatusCode::OK).await
}

/// The form of a filter that there is.
pub(crate) async fn show_one(viewer: &Viewer, named: (&str, &str, &str)) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "filters")?;
    let held = find(viewer, named).await?;
    let values = values_of(&held);
    page_of_form(viewer, &Form { values: &values, trouble: None }, Some(&held), &html! {}, &[], StatusCode::OK).await
}

/// Asks whether a filter is to be deleted.
pub(crate) async fn show_delete(viewer: &Viewer, named: (&str, &str, &str)) -> Result<Answer, ApiError> {
    refuse_readers(viewer, "filters")?;
    let held = find(viewer, named).await?;
    let lost = html! {
        p { "It " (does(held.action)) ". Findings whose" }
        (criteria(&held.finding_criteria))
        @if held.action == FilterAction::Archive {
            p { "will be open again when they are new. What it has archived stays in the archive." }
        } @else {
            p { "are not touched." }
        }
    };
    let title = format!("Delete the filter {}?", harmless(&held.key.id));
    let content = ask_to_delete(viewer, &format!("{}/delete", path_of(&held)), PATH, &title, lost);
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Filters, &title, None, content)))
}

async fn find(viewer: &Viewer, (account, region, name): (&str, &str, &str)) -> Result<Held<Filter>, ApiError> {
    let scope = scope_of(&viewer.detector(account, region).await?);
    let key = Key {
        account: scope.account,
        region: scope.region,
        kind: Filter::KIND,
        parent: scope.detector,
        id: name.to_owned(),
    };
    let missing = || ApiError::of(ErrorClass::ResourceNotFound, "There is no such filter.");
    viewer.service.store.document(&key).await?.map(Held::of).transpose()?.ok_or_else(missing)
}

/// What the fields of a filter's form say, and beside each what it was when the page was made.
fn values_of(held: &Held<Filter>) -> Fields {
    let action = if held.action == FilterAction::Archive { "ARCHIVE" } else { "NOOP" };
    let criterion = held.finding_criteria.get("criterion").cloned().unwrap_or_default();
    let shown = [
        ("description", harmless(held.description.as_deref().unwrap_or_default()).into_owned()),
        ("action", action.to_owned()),
        ("rank", held.rank.to_string()),
        ("findingCriteria", json_text(&criterion)),
    ];
    let was = shown.iter().map(|(name, value)| (format!("was-{name}"), value.clone()));
    Fields(shown.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain(was).collect())
}

/// Makes a filter, or counts what it would fit.
pub(crate) async fn create(viewer: &Viewer, ask: &Ask) -> Result<Done, ApiError> {
    let (account, region) = place_of(ask.form.get("place"));
    let outcome = match ask.form.get("action-of-form") {
        "count" => read(ask.form.get("findingCriteria")).map(|_| None),
        _ => match read(ask.form.get("findingCriteria")) {
            Ok(criterion) => {
                let scope = scope_of(&viewer.detector(account, region).await?);
                let made = viewer.call_detector(&scope, "POST", "/filter", whole(&ask.form, criterion)).await;
                made.map_or_else(|error| Trouble::from_refusal(error).map(Err), |_| Ok(Ok(Some(scope))))?
            }
            Err(trouble) => Err(trouble),
        },
    };
    match outcome {
        Ok(Some(scope)) => {
            let notice = format!("The filter {} is made. {}", harmless(ask.form.get("name")), from_now_on(&ask.form));
            Ok((go_to(&place_address(PATH, &scope.account, &scope.region)), notice).into())
        }
        Ok(None) => again(viewer, ask, None, None).await,
        Err(trouble) => again(viewer, ask, None, Some(&trouble)).await,
    }
}

/// Changes a filter, or counts what it would fit.
pub(crate) async fn change(viewer: &Viewer, ask: &Ask, named: (&str, &str, &str)) -> Result<Done, ApiError> {
    let held = find(viewer, named).await?;
    let criterion = match read(ask.form.get("findingCriteria")) {
        Ok(_) if ask.form.get("action-of-form") == "count" => return again(viewer, ask, Some(&held), None).await,
        Ok(criterion) => criterion,
        Err(trouble) => return again(viewer, ask, Some(&held), Some(&trouble)).await,
    };
    let body = differences(&ask.form, criterion);
    let Scope { account, region, .. } = scope_in(&held);
    let mut notice = format!("The filter {} is saved. {}", harmless(&held.key.id), from_now_on(&ask.form));
    if body.is_empty() {
        "Nothing was changed.".clone_into(&mut notice);
    } else {
        let path = format!("/filter/{}", encoded(&held.key.id));
        if let Err(error) = viewer.call_detector(&scope_in(&held), "POST", &path, Value::Object(body)).await {
            return again(viewer, ask, Some(&held), Some(&Trouble::from_refusal(error)?)).await;
        }
    }
    Ok((go_to(&place_address(PATH, &account, &region)), notice).into())
}

/// Deletes a filter.
pub(crate) async fn delete(viewer: &Viewer, named: (&str, &str, &str)) -> Result<Done, ApiError> {
    let held = find(viewer, named).await?;
    let path = format!("/filter/{}", encoded(&held.key.id));
    viewer.call_detector(&scope_in(&held), "DELETE", &path, Value::Null).await?;
    let notice = format!("The filter {} is deleted.", harmless(&held.key.id));
    Ok((go_to(&place_address(PATH, &held.key.account, &held.key.region)), notice).into())
}

fn scope_in(held: &Held<Filter>) -> Scope {
    let Key { account, region, parent, .. } = held.key.clone();
    Scope { account, region, detector: parent }
}

fn from_now_on(form: &Fields) -> &'static str {
    match form.get("action") {
        "ARCHIVE" => "It archives what is new and fits; findings that are here already stay where they are.",
        _ => "It is kept, and archives nothing.",
    }
}

/// The form as it came, with what is wrong, or with the count that was asked for.
async fn again(
    viewer: &Viewer,
    ask: &Ask,
    held: Option<&Held<Filter>>,
    trouble: Option<&Trouble>,
) -> Result<Done, ApiError> {
    let form = Form { values: &ask.form, trouble };
    let status = if trouble.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(Done::Again(page_of_form(viewer, &form, held, &html! {}, &[], status).await?))
}

/// All that `CreateFilter` takes.
fn whole(form: &Fields, criterion: Value) -> Value {
    let mut body = Map::new();
    for name in ["name", "description", "action", "clientToken"] {
        if !form.get(name).trim().is_empty() {
            body.insert(name.to_owned(), json!(form.get(name).trim()));
        }
    }
    if !form.get("rank").is_empty() {
        body.insert("rank".to_owned(), rank(form));
    }
    body.insert("findingCriteria".to_owned(), json!({"criterion": criterion}));
    Value::Object(body)
}

/// What `UpdateFilter` is to change: only what differs from what the page had shown, so that what somebody else has set
/// meanwhile stays.
fn differences(form: &Fields, criterion: Value) -> Map<String, Value> {
    // Browsers send line breaks as CR and LF.
    let plain = |name: &str| form.get(name).replace("\r\n", "\n").trim().to_owned();
    let differs = |name: &str| plain(name) != plain(&format!("was-{name}"));
    let mut body = Map::new();
    for name in ["description", "action"].into_iter().filter(|name| differs(name)) {
        body.insert(name.to_owned(), json!(plain(name)));
    }
    if differs("rank") {
        body.insert("rank".to_owned(), rank(form));
    }
    if differs("findingCriteria") {
        body.insert("findingCriteria".to_owned(), json!({"criterion": criterion}));
    }
    body
}

/// A number, or what was written instead, which the API will refuse.
fn rank(form: &Fields) -> Value {
    let text = form.get("rank").trim();
    text.parse::<i64>().map_or_else(|_| json!(text), |rank| json!(rank))
}

/// The criteria of a form: the attributes with their tests, alone or as a request of the API has them.
fn read(text: &str) -> Result<Value, Trouble> {
    let trouble = |message: String| Trouble::of("findingCriteria", harmless(&message).into_owned());
    let document: Value =
        serde_json::from_str(text.trim()).map_err(|error| trouble(format!("The criteria are not JSON: {error}.")))?;
    let Value::Object(members) = document else {
        return Err(trouble(
            "The criteria must be a JSON object: {\"type\": {\"eq\": [\"Recon:EC2/Portscan\"]}}.".to_owned(),
        ));
    };
    let is_envelope = |(name, value): (&String, &Value)| {
        members.len() == 1 && name.eq_ignore_ascii_case("criterion") && value.is_object()
    };
    let criterion = match members.iter().find(|member| is_envelope(*member)) {
        Some((_, criterion)) => criterion.clone(),
        None => Value::Object(members),
    };
    if criterion.as_object().is_some_and(Map::is_empty) {
        return Err(trouble("The criteria name no attribute; a filter needs one at least.".to_owned()));
    }
    match read_criteria(Some(&json!({"criterion": criterion}))) {
        Ok(_) => Ok(criterion),
        Err(error) => Err(trouble(error.message)),
    }
}

/// JSON that can be shown in a form and read back: what a browser would obey or not show is written as JSON escapes.
fn json_text(value: &Value) -> String {
    // An attribute a line.
    let whole = match value.as_object().filter(|members| !members.is_empty()) {
        Some(members) => {
            let line = |(name, tests): (&String, &Value)| format!("  {}: {tests}", Value::from(name.as_str()));
            format!("{{\n{}\n}}", members.iter().map(line).collect::<Vec<_>>().join(",\n"))
        }
        None => value.to_string(),
    };
    // All that is written otherwise stands within strings: what is between them is ASCII.
    let escaped = |is_shown: &dyn Fn(char) -> bool| -> String {
        let mut shown = String::with_capacity(whole.len());
        for character in whole.chars() {
            if character == '\n' || is_shown(character) {
                shown.push(character);
            } else {
                shown.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
        shown
    };
    let shown = escaped(&|character| {
        let text = character.to_string();
        *harmless(&text) == *text
    });
    // What is harmless alone may be none in a stack of marks.
    if shown.lines().all(|line| *harmless(line) == *line) {
        shown
    } else {
        escaped(&|character| (' '..='~').contains(&character))
    }
}

/// What findings like this one have in common: the type and the resource.
fn like_this(finding: &Value) -> Map<String, Value> {
    let mut criterion = Map::new();
    let kinds = attribute_values(finding, "type");
    if let Some(kind) = kinds.first() {
        criterion.insert("type".to_owned(), json!({"eq": [kind.text]}));
    }
    for attribute in RESOURCE_NAMES {
        if let Some(value) = attribute_values(finding, attribute).first().filter(|value| !value.text.is_empty()) {
            criterion.insert(attribute.to_owned(), json!({"eq": [value.text]}));
            break;
        }
    }
    criterion
}

/// The finding's other attributes that a filter of any action may ask for, as lines of criteria.
fn others(finding: &Value) -> Vec<String> {
    let is_fixed = |attribute: &String| {
        ["id", "type", "severity", "service.archived", "updatedAt", "region"].contains(&attribute.as_str())
            || RESOURCE_NAMES.contains(&attribute.as_str())
    };
    let mut lines = Vec::new();
    for attribute in list_attributes().into_iter().filter(|attribute| !is_fixed(attribute)) {
        let values: Vec<String> =
            attribute_values(finding, &attribute).into_iter().take(OFFERED_MAX).map(|value| value.text).collect();
        if !values.is_empty() {
            let line = json_text(&json!({attribute: {"eq": values}}));
            lines.extend(line.lines().nth(1).map(|line| line.trim().to_owned()));
        }
    }
    lines
}

/// A name that the API takes, after the type and the resource.
fn name_for(criterion: &Map<String, Value>) -> String {
    let first = |attribute: &str| {
        criterion.get(attribute).and_then(|tests| tests.pointer("/eq/0")).and_then(Value::as_str).unwrap_or_default()
    };
    let resource = RESOURCE_NAMES.iter().map(|name| first(name)).find(|name| !name.is_empty()).unwrap_or_default();
    let whole = if resource.is_empty() { first("type").to_owned() } else { format!("{} {resource}", first("type")) };
    let is_good = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let name: String = whole.chars().map(|one| if is_good(one) { one } else { '-' }).take(NAME_LENGTH.1).collect();
    if name.len() < NAME_LENGTH.0 { String::new() } else { name }
}

/// How many findings criteria fit.
struct Fitting {
    count: u64,
    /// How many were looked at, newest first, if that was not all of them.
    looked_at: Option<u64>,
}

/// Counts the findings of a filter's holder, its members included, that criteria fit.
async fn count(viewer: &Viewer, scope: &Scope, criterion: &Value) -> Result<Fitting, ApiError> {
    let criteria = read_criteria(Some(&json!({"criterion": criterion})))?;
    let scopes = governed(viewer, scope).await?;
    let store = &viewer.service.store;
    let listed = list_attributes();
    let is_listed = criteria.iter().all(|criterion| {
        listed.contains(&criterion.attribute)
            && !matches!(criterion.test, CriterionTest::Matches(_) | CriterionTest::NotMatches(_))
    });
    if is_listed {
        let groups = store.statistics(&scopes, &criteria, Grouping::Account, false, scopes.len()).await;
        let count = groups.map_err(not_listed)?.iter().map(|group| group.count).sum();
        return Ok(Fitting { count, looked_at: None });
    }
    let begin = viewer.moment();
    let (mut count, mut looked_at) = (0, 0);
    let mut after: Option<Cursor> = None;
    loop {
        let all = FindingCriteria::default();
        let page = store.list_findings(&scopes, &all, &Sort::default(), after.as_ref(), COUNTED_AT_ONCE).await?;
        for row in list::read(viewer, &scopes, &page).await?.into_iter().flatten() {
            count += u64::from(criteria.matches(&row.body));
        }
        looked_at += page.findings.len() as u64;
        match page.next {
            None => return Ok(Fitting { count, looked_at: None }),
            Some(_) if viewer.moment() - begin > COUNTING_MS_MAX => {
                return Ok(Fitting { count, looked_at: Some(looked_at) });
            }
            next => after = next,
        }
    }
}

/// The detectors for which a holder's filters act: its own, and those of its members.
async fn governed(viewer: &Viewer, scope: &Scope) -> Result<Vec<Scope>, ApiError> {
    let range = Range {
        kind: Member::KIND,
        account: Some(scope.account.clone()),
        region: Some(scope.region.clone()),
        parent: Some(scope.detector.clone()),
    };
    let members = documents::all::<Member>(&viewer.service.store, &range).await?;
    let members: HashSet<String> =
        members.into_iter().filter(|held| held.status.is_associated()).map(|held| held.key.id).collect();
    let mut scopes: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    scopes.retain(|one| one.region == scope.region && (one.account == scope.account || members.contains(&one.account)));
    Ok(scopes)
}

/// The page of a form, with how many findings its criteria fit, if they can be read.
async fn page_of_form(
    viewer: &Viewer,
    form: &Form<'_>,
    held: Option<&Held<Filter>>,
    more: &Markup,
    offered: &[String],
    status: StatusCode,
) -> Result<Answer, ApiError> {
    let places = settable(viewer).await?;
    let asked = place_of(form.get("place"));
    let is_asked = |scope: &&Scope| {
        (asked.0.is_empty() || scope.account == asked.0) && (asked.1.is_empty() || scope.region == asked.1)
    };
    let place = match held {
        Some(held) => Some(scope_in(held)),
        None => places.iter().find(is_asked).or_else(|| places.first()).cloned(),
    };
    let fitting = match (&place, read(form.get("findingCriteria"))) {
        (Some(scope), Ok(criterion)) if !form.get("findingCriteria").is_empty() => {
            Some(count(viewer, scope, &criterion).await?)
        }
        _ => None,
    };
    let title = match held {
        Some(held) => format!("Filter {}", harmless(&held.key.id)),
        None => "New filter".to_owned(),
    };
    let content = html! {
        p.trail { a href=(PATH) { "← Filters" } }
        h1 { (title) }
        (form.note())
        (more)
        @match &place {
            None => section { p { "Filters here are set by the administrator of the organization, and hold for its members." } },
            Some(scope) => (fields(viewer, form, held, (scope, &places), fitting.as_ref())),
        }
        (help(offered))
    };
    Ok(web::answer(status, frame(viewer, Tab::Filters, &title, None, content)))
}

fn fields(
    viewer: &Viewer,
    form: &Form<'_>,
    held: Option<&Held<Filter>>,
    (place, places): (&Scope, &[Scope]),
    fitting: Option<&Fitting>,
) -> Markup {
    let path = held.map_or_else(new_path, path_of);
    let name_hint = html! { "3 to 64 letters, digits, dots, hyphens and underscores; no other filter here has it." };
    let rank_hint = html! { "1 to 100. Filters are tried from 1 on; one that stands there moves down." };
    let action_hint = html! { "A filter that archives is what the API calls a suppression rule." };
    let criteria_hint = html! {
        "JSON: attributes with tests, all of which must be met. Tests are " code { "eq" } ", " code { "neq" } ", "
        code { "gt" } ", " code { "gte" } ", " code { "lt" } ", " code { "lte" } "; a filter that archives may also use "
        code { "matches" } " and " code { "notMatches" } " with " code { "*" } " and " code { "?" }
        ", and attributes that lists do not know."
    };
    html! {
        form.edit method="post" action=(path) {
            section {
                (token(viewer))
                @if held.is_none() { input type="hidden" name="clientToken" value=(form.get("clientToken")); }
                @for name in ["description", "action", "rank", "findingCriteria"] {
                    @if held.is_some() { input type="hidden" name={ "was-" (name) } value=(form.get(&format!("was-{name}"))); }
                }
                @match held {
                    Some(_) => p { "Account " (place.account) ", region " (place.region) },
                    None => {
                        (places_menu(form, place, places))
                        (form.line("name", "Name", NAME_LENGTH, name_hint))
                    }
                }
                (form.line("description", "Description", DESCRIPTION_LENGTH, html! { "For people. It may stay empty." }))
                (form.menu("action", "What it does", [
                    ("ARCHIVE", "Archives new findings that fit"),
                    ("NOOP", "Nothing: it keeps a search"),
                ], action_hint))
                (form.number("rank", "Rank", RANKS, rank_hint))
                (form.text("findingCriteria", "Findings whose", 10, criteria_hint))
                @if let Some(fitting) = fitting { (how_many(fitting)) }
                p.acts {
                    button.main type="submit" name="action-of-form" value="save" { "Save" }
                    button type="submit" name="action-of-form" value="count" formnovalidate { "Count findings that fit" }
                    a.button href=(PATH) { "Cancel" }
                    @if held.is_some() { a.button href={ (path) "/delete" } { "Delete" } }
                }
            }
        }
    }
}

/// The menu of the places that a new thing can be made in.
pub(crate) fn places_menu(form: &Form<'_>, place: &Scope, places: &[Scope]) -> Markup {
    let chosen = place_value(&place.account, &place.region);
    let values = Fields(vec![("place".to_owned(), chosen)]);
    let choices: Vec<(String, String)> = places
        .iter()
        .map(|scope| (place_value(&scope.account, &scope.region), format!("{}, {}", scope.account, scope.region)))
        .collect();
    let choices = choices.iter().map(|(value, words)| (value.as_str(), words.as_str()));
    let hint = html! { "An administrator's holds for its members too." };
    Form { values: &values, trouble: form.trouble }.menu("place", "Account, region", choices, hint)
}

fn how_many(fitting: &Fitting) -> Markup {
    html! {
        p.note role="status" {
            @match fitting.looked_at {
                None => { strong { (counted(fitting.count, "finding")) } " of those held fit, open and archived ones." },
                Some(looked_at) => {
                    strong { (counted(fitting.count, "finding")) } " of the newest " (grouped(looked_at)) " fit. More were not "
                    "looked at: these criteria have to be held against each finding."
                }
            }
        }
    }
}

fn help(offered: &[String]) -> Markup {
    html! {
        @if !offered.is_empty() {
            section {
                details {
                    summary { "What else the finding says" }
                    p.dim { "Each line can be put among the criteria, to make the filter narrower." }
                    ul.plain { @for line in offered { li { code { (line) } } } }
                }
            }
        }
        section {
            details {
                summary { "Attributes that lists and filters know" }
                ul.plain.columns { @for attribute in list_attributes() { li { code { (attribute) } } } }
                p.dim { "Filters that archive know more: every text and number of a finding's form." }
            }
        }
    }
}

fn does(action: FilterAction) -> &'static str {
    if action == FilterAction::Archive { "archives new findings" } else { "does nothing by itself" }
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
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn criteria_read_as_sentences_and_are_escaped() {
        let document =
            json!({"criterion": {"type": {"eq": ["Recon:EC2/Portscan", "<b>\u{202e}"]}, "severity": {"gte": 4}}});
        let shown = criteria(&document).into_string();
        assert!(shown.contains("<code>type</code> is Recon:EC2/Portscan or &lt;b&gt;\\u{202e}"), "{shown}");
        assert!(shown.contains("<code>severity</code> at least 4"), "{shown}");
    }

    #[test]
    fn criteria_are_read_with_and_without_their_envelope() {
        let bare = json!({"type": {"eq": ["Recon:EC2/Portscan"]}});
        assert_eq!(read(&bare.to_string()), Ok(bare.clone()));
        assert_eq!(read(&json!({"criterion": bare}).to_string()), Ok(bare.clone()));
        assert_eq!(read(&json!({"Criterion": bare}).to_string()), Ok(bare));
        let wrong = |text: &str| read(text).unwrap_err();
        assert_eq!(wrong("{\"type\": }").field.as_deref(), Some("findingCriteria"));
        assert!(wrong("{\"type\": }").message.contains("line 1 column 10"), "{}", wrong("{\"type\": }").message);
        assert!(wrong("[]").message.contains("JSON object"));
        assert!(wrong("{}").message.contains("no attribute"));
        assert!(wrong("{\"color\": {\"eq\": [\"red\"]}}").message.contains("color"));
    }

    #[test]
    fn only_what_was_changed_in_the_form_is_set() {
        let form = |pairs: &[(&str, &str)]| {
            Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let same = [("rank", "2"), ("was-rank", "2"), ("findingCriteria", "{\r\n}"), ("was-findingCriteria", "{\n}")];
        assert_eq!(differences(&form(&same), json!({})), Map::new());
        let other = [("rank", "3"), ("was-rank", "2"), ("description", ""), ("was-description", "old")];
        assert_eq!(Value::Object(differences(&form(&other), json!({}))), json!({"rank": 3, "description": ""}));
    }

    #[test]
    fn a_filter_for_findings_like_one_names_the_type_and_the_resource() {
        let finding = json!({"type": "Recon:EC2/Portscan", "severity": 5.0, "region": "eu-west-1",
            "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-1"}},
            "service": {"archived": false, "resourceRole": "TARGET"}});
        let criterion = like_this(&finding);
        let expected = json!({"type": {"eq": ["Recon:EC2/Portscan"]},
            "resource.instanceDetails.instanceId": {"eq": ["i-1"]}});
        assert_eq!(Value::Object(criterion.clone()), expected);
        assert_eq!(name_for(&criterion), "Recon-EC2-Portscan-i-1");
        let offered = others(&finding);
        assert!(offered.contains(&"\"service.resourceRole\": {\"eq\":[\"TARGET\"]}".to_owned()), "{offered:?}");
        for line in offered {
            assert!(read(&format!("{{{line}}}")).is_ok(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_a_form_shows_of_criteria_is_harmless_and_reads_back(text in any::<String>()) {
            let value = json!({"type": {"eq": [text, "\u{202e}\u{1b}\u{1f525}"]}});
            let shown = json_text(&value);
            prop_assert!(shown.lines().all(|line| harmless(line) == line), "{}", shown);
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
    }
}
