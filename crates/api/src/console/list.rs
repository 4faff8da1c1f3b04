//! The list of findings: filtered, searched, sorted, in pages, and archived from.

use super::page::{LEVELS, Tab, age, badge, frame, level_of, marked, menu, minute, rank, token};
use super::viewer::{Viewer, scope_of, tame};
use super::web::{self, Ask, Fields, address, go_to, way_back};
use crate::error::ApiError;
use crate::resources::findings::{criteria, not_listed};
use crate::service::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use watchfire_export::{FindingCriteria, attribute_values, counted, grouped, party_in_words, resource_in_words};
use watchfire_model::SeverityLevel;
use watchfire_store::{Cursor, Group, Grouping, Page, Scope, Sort};

/// Findings on a page. Ours: what fits a few screens.
const SIZE_DEFAULT: usize = 50;
const SIZES: [usize; 3] = [25, 50, 200];

/// How long one page reads findings when a text is searched, which no index tells. Ours: a page should be there before one
/// wonders; it says how far it has come, and goes on from there.
const SEARCH_MS_MAX: i64 = 200;

/// Findings that an id, an address or a name may lead to at once; what has more is searched as a text, which fills a page soon.
const NAMED_MAX: usize = 1_000;

/// Findings read at once while searching: as many as fill the page if all fit, then twice as many each time, up to this.
const LOOKED_AT_ONCE_MAX: usize = 800;

/// Earlier pages whose places an address remembers. Ours: some 4 kB, which all browsers and proxies take.
const TRAIL_MAX: usize = 40;

/// Finding types with their severities that are counted. Ours: more than there are types, each in a few severities.
const GROUPS_MAX: usize = 2_000;

/// The parameters that say which findings are meant, and in which order; the others say where in the list we are.
const QUESTION: [&str; 12] =
    ["q", "severity", "type", "account", "region", "resource", "state", "within", "sort", "order", "size", "whole"];

/// How a list can be sorted: the parameter, the attribute, and whether the highest comes first unless told otherwise.
const SORTS: [(&str, &str, bool); 5] = [
    ("severity", "severity", true),
    ("updated", "updatedAt", true),
    ("type", "type", false),
    ("account", "accountId", false),
    ("region", "region", false),
];

/// Choices of severity: the parameter, the words, and the least and the first that is too much.
const SEVERITIES: [(&str, &str, f64, f64); 6] = [
    ("critical", "Critical", 9.0, 11.0),
    ("high+", "High or worse", 7.0, 11.0),
    ("high", "High only", 7.0, 9.0),
    ("medium+", "Medium or worse", 4.0, 11.0),
    ("medium", "Medium only", 4.0, 7.0),
    ("low", "Low only", 0.0, 4.0),
];

/// Choices of the newest occurrence: the parameter, the words, and the milliseconds.
const WITHIN: [(&str, &str, i64); 4] = [
    ("1h", "the last hour", 3_600_000),
    ("24h", "the last 24 hours", 24 * 3_600_000),
    ("7d", "the last 7 days", 7 * 24 * 3_600_000),
    ("30d", "the last 30 days", 30 * 24 * 3_600_000),
];

/// What is asked for, as the address has it.
struct Question<'a>(&'a Fields);

/// A finding on a page.
pub(crate) struct Row {
    scope: Scope,
    pub(crate) body: Value,
}

/// The findings of a page.
struct Rows {
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<Cursor>,
    /// How many findings were searched without coming to an end of them or of the page.
    looked_at: Option<usize>,
    /// How many there are with exactly this id, address or name, if that is what was searched for.
    named: Option<usize>,
}

impl<'a> Question<'a> {
    fn get(&self, name: &'a str) -> &'a str {
        self.0.get(name)
    }

    /// What is searched for, in small letters.
    fn words(&self) -> Vec<String> {
        self.get("q").to_lowercase().split_whitespace().map(str::to_owned).collect()
    }

    fn resource(&self) -> String {
        self.get("resource").trim().to_lowercase()
    }

    /// Whether findings have to be read to know which are meant.
    fn is_search(&self) -> bool {
        !self.words().is_empty() || !self.resource().is_empty()
    }

    /// The one word that is searched for, if an index may know it: `whole` asks for a search of all texts instead.
    fn name(&self) -> Option<&'a str> {
        let word = self.get("q").trim();
        let may_be_one = !word.is_empty() && !word.contains(char::is_whitespace) && self.resource().is_empty();
        (may_be_one && self.get("at").is_empty() && self.get("whole").is_empty()).then_some(word)
    }

    fn size(&self) -> usize {
        self.get("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(SIZE_DEFAULT)
    }

    /// The parameter that it is sorted by, and whether the highest comes first.
    fn sorted_by(&self) -> (&'static str, bool) {
        let sort = SORTS.iter().find(|(name, ..)| *name == self.get("sort")).unwrap_or(&SORTS[0]);
        let descending = match self.get("order") {
            "asc" => false,
            "desc" => true,
            _ => sort.2,
        };
        (sort.0, descending)
    }

    fn sort(&self) -> Sort {
        let (name, descending) = self.sorted_by();
        let attribute =
            SORTS.iter().find(|(other, ..)| *other == name).map_or("severity", |(_, attribute, _)| attribute);
        Sort { attribute: attribute.to_owned(), descending }
    }

    /// The criteria in GuardDuty's form, which the API has read; those in `without` left out.
    fn criteria(&self, now: i64, without: &[&str]) -> Value {
        let mut criterion = Map::new();
        let asked = |name: &'static str| if without.contains(&name) { "" } else { self.get(name) };
        if let Some((.., least, limit)) = SEVERITIES.iter().find(|(name, ..)| *name == asked("severity")) {
            criterion.insert("severity".to_owned(), json!({"gte": least, "lt": limit}));
        }
        if !asked("type").is_empty() {
            criterion.insert("type".to_owned(), json!({"eq": [asked("type")]}));
        }
        match asked("state") {
            "all" => {}
            "archived" => drop(criterion.insert("service.archived".to_owned(), json!({"eq": ["true"]}))),
            _ => drop(criterion.insert("service.archived".to_owned(), json!({"eq": ["false"]}))),
        }
        if let Some((.., length)) = WITHIN.iter().find(|(name, ..)| *name == asked("within")) {
            criterion.insert("updatedAt".to_owned(), json!({"gte": now - length}));
        }
        let resource = self.get("resource").trim();
        if is_instance_id(resource) {
            // Named whole, an instance is found by its index; the search then looks at its findings alone.
            criterion.insert("resource.instanceDetails.instanceId".to_owned(), json!({"eq": [resource]}));
        }
        json!({"criterion": criterion})
    }

    /// The address of this list with some parameters set anew. Where in the list is forgotten, unless it is among them.
    fn address(&self, set: &[(&str, &str)]) -> String {
        let kept = QUESTION.iter().filter(|name| !set.iter().any(|(other, _)| other == *name));
        let kept: Vec<(&str, &str)> = kept.map(|name| (*name, self.get(name))).collect();
        address("/console/findings", kept.into_iter().chain(set.iter().copied()))
    }

    /// The address of the form for a filter of what the list is narrowed to.
    fn filter_address(&self) -> String {
        let asked = ["q", "severity", "type", "account", "resource", "within"].map(|name| (name, self.get(name)));
        let place = format!("{}/{}", self.get("account"), self.get("region"));
        let place = if place == "/" { "" } else { &place };
        address("/console/filters/new", [("from", "list"), ("place", place)].into_iter().chain(asked))
    }

    /// The address of this page.
    fn here(&self) -> String {
        self.address(&["at", "trail", "n"].map(|name| (name, self.get(name))))
    }

    /// Whether anything is asked beyond what a list shows by itself.
    fn is_narrowed(&self) -> bool {
        QUESTION[..8].iter().any(|name| !self.get(name).is_empty())
    }

    fn fits(&self, body: &Value) -> bool {
        let resource = self.resource();
        let words = self.words();
        (resource.is_empty() || body.get("resource").is_some_and(|part| haystack(part).contains(&resource)))
            && (words.is_empty() || {
                let text = haystack(body);
                words.iter().all(|word| text.contains(word))
            })
    }
}

/// What a filter can hold of what the list is narrowed to; and the words for what it cannot. Filters judge new findings, which
/// are in no archive, and at no time in particular.
pub(crate) fn as_filter(asked: &Fields) -> (Map<String, Value>, Vec<&'static str>) {
    let question = Question(asked);
    let criteria = question.criteria(0, &["within"]);
    let mut criterion = criteria.get("criterion").and_then(Value::as_object).cloned().unwrap_or_default();
    criterion.remove("service.archived");
    if !question.get("account").is_empty() {
        criterion.insert("accountId".to_owned(), json!({"eq": [question.get("account")]}));
    }
    let resource = question.get("resource").trim();
    let left_out = [
        ("the search for a text", !question.words().is_empty()),
        ("the part of a resource's name", !resource.is_empty() && !is_instance_id(resource)),
        ("the time", !question.get("within").is_empty()),
    ];
    (criterion, left_out.into_iter().filter(|(_, is_left_out)| *is_left_out).map(|(words, _)| words).collect())
}

fn is_instance_id(text: &str) -> bool {
    let digits = text.strip_prefix("i-").unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Every text and number of a value, in small letters, a line each.
fn haystack(value: &Value) -> String {
    fn gather(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => out.push_str(text),
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| gather(item, out)),
            Value::Object(members) => members.values().for_each(|member| gather(member, out)),
            Value::Null | Value::Bool(_) => {}
        }
        out.push('\n');
    }
    let mut out = String::new();
    gather(value, &mut out);
    out.to_lowercase()
}

/// Shows the list.
pub(crate) async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let question = Question(&ask.query);
    let all: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    let (account, region) = (question.get("account"), question.get("region"));
    let is_meant = |scope: &&Scope| {
        (account.is_empty() || scope.account == account) && (region.is_empty() || scope.region == region)
    };
    let scopes: Vec<Scope> = all.iter().filter(is_meant).cloned().collect();
    let found = find(viewer, &question, &scopes).await?;
    let counts = counts(viewer, &question, &scopes).await?;
    let tally = if question.is_search() { Vec::new() } else { of_type(&counts, question.get("type")) };
    let types = of_severity(&counts, question.get("severity"));
    let content = html! {
        h1 { (heading(&question)) }
        (filters(&question, &all, &types))
        @if !tally.is_empty() { (severities(&question, &tally)) }
        (table(viewer, &question, &found, &all))
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Findings, "Findings", notice, content)))
}

fn heading(question: &Question<'_>) -> &'static str {
    match question.get("state") {
        "archived" => "Archived findings",
        "all" => "All findings",
        _ => "Open findings",
    }
}

/// Archives the chosen findings, or takes them out of the archive.
pub(crate) async fn change(viewer: &Viewer, ask: &Ask) -> Result<(Answer, String), ApiError> {
    let archived = match ask.form.get("action") {
        "archive" => true,
        "unarchive" => false,
        _ => return Err(ApiError::bad_request("the form names no action")),
    };
    if ask.form.all("pick").count() > SIZES[SIZES.len() - 1] {
        return Err(ApiError::bad_request("the form names more findings than a page shows"));
    }
    let mut findings = Vec::new();
    let mut scopes: HashMap<(String, String), Scope> = HashMap::new();
    for picked in ask.form.all("pick") {
        let mut parts = picked.splitn(3, '/');
        let (Some(account), Some(region), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ApiError::bad_request("the form names no finding"));
        };
        let place = (account.to_owned(), region.to_owned());
        if !scopes.contains_key(&place) {
            scopes.insert(place.clone(), scope_of(&viewer.detector(account, region).await?));
        }
        findings.push((scopes[&place].clone(), id.to_owned()));
    }
    viewer.set_archived(&findings, archived).await?;
    let what = counted(findings.len() as u64, "finding");
    let notice = match (findings.is_empty(), archived) {
        (true, _) => "No finding was chosen.".to_owned(),
        (_, true) => format!("{what} archived. New occurrences grow them, and they stay archived."),
        (_, false) => format!("{what} taken out of the archive."),
    };
    Ok((go_to(way_back(ask.form.get("back"), "/console/findings")), notice))
}

/// The findings of the page that the address names.
async fn find(viewer: &Viewer, question: &Question<'_>, scopes: &[Scope]) -> Result<Rows, ApiError> {
    let wanted = question.criteria(viewer.now, &[]);
    let criteria = criteria(Some(&wanted))?;
    let (sort, size) = (question.sort(), question.size());
    let mut after: Option<Cursor> = cursor_of(question.get("at"));
    let store = &viewer.service.store;
    let list = async |after: Option<&Cursor>, limit: usize| -> Result<Page, ApiError> {
        store.list_findings(scopes, &criteria, &sort, after, limit).await.map_err(not_listed)
    };
    if !question.is_search() {
        let page = list(after.as_ref(), size).await?;
        let rows = read(viewer, scopes, &page).await?;
        return Ok(Rows { rows: rows.into_iter().flatten().collect(), next: page.next, looked_at: None, named: None });
    }
    if let Some(name) = question.name()
        && let Some(rows) = named(viewer, question, scopes, (name, &criteria)).await?
    {
        return Ok(rows);
    }
    let begin = viewer.moment();
    let words: Vec<String> = question.words().into_iter().chain([question.resource()]).collect();
    let mut found: Vec<Row> = Vec::new();
    let mut looked_at = 0;
    let mut at_once = size;
    loop {
        let page = list(after.as_ref(), at_once).await?;
        at_once = (at_once * 2).min(LOOKED_AT_ONCE_MAX);
        let count = page.findings.len();
        for (at, row) in read_with(viewer, scopes, &page, &words).await?.into_iter().enumerate() {
            let Some(row) = row.filter(|row| question.fits(&row.body)) else { continue };
            found.push(row);
            if found.len() == size {
                // The place after this one finding: the list up to it ends there.
                let next = if at + 1 == count { page.next } else { list(after.as_ref(), at + 1).await?.next };
                return Ok(Rows { rows: found, next, looked_at: None, named: None });
            }
        }
        looked_at += count;
        match page.next {
            None => return Ok(Rows { rows: found, next: None, looked_at: None, named: None }),
            next if viewer.moment() - begin >= SEARCH_MS_MAX => {
                return Ok(Rows { rows: found, next, looked_at: Some(looked_at), named: None });
            }
            next => after = next,
        }
    }
}

/// The findings that have exactly this id, address or name, if there are some, in the list's order.
async fn named(
    viewer: &Viewer,
    question: &Question<'_>,
    scopes: &[Scope],
    (name, criteria): (&str, &FindingCriteria),
) -> Result<Option<Rows>, ApiError> {
    let Some(findings) = viewer.service.store.findings_named(scopes, name, NAMED_MAX).await? else { return Ok(None) };
    let page = Page { findings, next: None };
    let mut rows: Vec<Row> = read(viewer, scopes, &page).await?.into_iter().flatten().collect();
    rows.retain(|row| criteria.matches(&row.body) && question.fits(&row.body));
    let Sort { attribute, descending } = question.sort();
    rows.sort_by_cached_key(|row| {
        let first = |attribute: &str| attribute_values(&row.body, attribute).into_iter().next();
        let severity = first(&attribute).and_then(|value| value.number).map_or(0, |number| (number * 1000.0) as i64);
        let text = first(&attribute).map(|value| value.text).unwrap_or_default();
        let updated = first("updatedAt").and_then(|value| value.number).map_or(0, |number| number as i64);
        (severity, text, updated)
    });
    if descending {
        rows.reverse();
    }
    let count = rows.len();
    rows.truncate(SIZES[SIZES.len() - 1]);
    Ok((count > 0).then_some(Rows { rows, next: None, looked_at: None, named: Some(count) }))
}

/// The findings of a page of the store, in its order; nothing for one that was removed meanwhile.
pub(crate) async fn read(viewer: &Viewer, scopes: &[Scope], page: &Page) -> Result<Vec<Option<Row>>, ApiError> {
    read_with(viewer, scopes, page, &[]).await
}

/// The same, and nothing for one in which one of these texts stands nowhere.
async fn read_with(
    viewer: &Viewer,
    scopes: &[Scope],
    page: &Page,
    texts: &[String],
) -> Result<Vec<Option<Row>>, ApiError> {
    let mut ids_of: HashMap<usize, Vec<String>> = HashMap::new();
    for (at, id) in &page.findings {
        ids_of.entry(*at).or_default().push(id.clone());
    }
    let mut bodies: HashMap<(usize, String), Value> = HashMap::new();
    for (at, ids) in ids_of {
        for stored in viewer.service.store.findings_with(std::slice::from_ref(&scopes[at]), &ids, texts).await? {
            let id = stored.body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            bodies.insert((at, id), stored.body);
        }
    }
    let row = |place: &(usize, String)| Some(Row { scope: scopes[place.0].clone(), body: bodies.remove(place)? });
    Ok(page.findings.iter().map(row).collect())
}

/// Counts what the list would hold if it were not narrowed to a type and a severity, by both.
async fn counts(viewer: &Viewer, question: &Question<'_>, scopes: &[Scope]) -> Result<Vec<Group>, ApiError> {
    let criteria = criteria(Some(&question.criteria(viewer.now, &["type", "severity"])))?;
    let store = &viewer.service.store;
    store.statistics(scopes, &criteria, Grouping::TypeAndSeverity, false, GROUPS_MAX).await.map_err(not_listed)
}

/// The counts of a type, or all.
fn of_type<'a>(counts: &'a [Group], wanted: &str) -> Vec<&'a Group> {
    counts.iter().filter(|group| wanted.is_empty() || group.finding_type == wanted).collect()
}

/// The counts of a choice of severity, or all.
fn of_severity<'a>(counts: &'a [Group], wanted: &str) -> Vec<&'a Group> {
    let bounds = SEVERITIES.iter().find(|(name, ..)| *name == wanted).map(|(.., least, limit)| *least..*limit);
    let fits = |group: &&Group| {
        bounds.as_ref().is_none_or(|bounds| group.severity.is_some_and(|severity| bounds.contains(&severity)))
    };
    counts.iter().filter(fits).collect()
}

fn filters(question: &Question<'_>, all: &[Scope], types: &[&Group]) -> Markup {
    let accounts: BTreeSet<&str> = all.iter().map(|scope| scope.account.as_str()).collect();
    let regions: BTreeSet<&str> = all.iter().map(|scope| scope.region.as_str()).collect();
    let names: BTreeSet<&str> = types.iter().map(|group| group.finding_type.as_str()).collect();
    let wanted_type = question.get("type");
    let more = [("resource", question.get("resource")), ("within", question.get("within"))];
    let (sort, descending) = question.sorted_by();
    html! {
        form.filters method="get" action="/console/findings" role="search" aria-label="Filter findings" {
            label.grow { "Search"
                input type="search" name="q" value=(question.get("q")) autocomplete="off" spellcheck="false"
                    placeholder="name, address, type, id, anything in a record";
            }
            label { "Severity"
                select name="severity" {
                    option value="" { "Any" }
                    @for (name, words, ..) in SEVERITIES {
                        option value=(name) selected[name == question.get("severity")] { (words) }
                    }
                }
            }
            label { "Type"
                select name="type" {
                    option value="" { "Any" }
                    @if !wanted_type.is_empty() && !names.contains(&wanted_type) {
                        option value=(wanted_type) selected { (wanted_type) }
                    }
                    @for name in names { option value=(name) selected[name == wanted_type] { (name) } }
                }
            }
            @if accounts.len() > 1 { (menu("Account", "account", &accounts, question.get("account"))) }
            @if regions.len() > 1 { (menu("Region", "region", &regions, question.get("region"))) }
            label { "State"
                select name="state" {
                    @for (value, words) in [("", "Open"), ("archived", "Archived"), ("all", "All")] {
                        option value=(value) selected[value == question.get("state")] { (words) }
                    }
                }
            }
            details.more open[more.iter().any(|(_, value)| !value.is_empty())] {
                summary { "More" }
                div {
                    label { "Resource"
                        input type="text" name="resource" value=(question.get("resource")) autocomplete="off"
                            spellcheck="false" placeholder="instance, bucket, user, key";
                    }
                    label { "Last seen within"
                        select name="within" {
                            option value="" { "any time" }
                            @for (name, words, _) in WITHIN {
                                option value=(name) selected[name == question.get("within")] { (words) }
                            }
                        }
                    }
                    label { "On a page"
                        select name="size" {
                            @for size in SIZES {
                                option value=(size) selected[size == question.size()] { (size) }
                            }
                        }
                    }
                }
            }
            input type="hidden" name="sort" value=(sort);
            input type="hidden" name="order" value=(if descending { "desc" } else { "asc" });
            span.acts {
                button.main type="submit" { "Show" }
                @if question.is_narrowed() { a.button href="/console/findings" { "Clear" } }
            }
        }
    }
}

/// How many findings of each level there are, each a way to them alone.
fn severities(question: &Question<'_>, counts: &[&Group]) -> Markup {
    let of = |level: SeverityLevel| -> u64 {
        let fits = |group: &&&Group| group.severity.and_then(level_of) == Some(level);
        counts.iter().filter(fits).map(|group| group.count).sum()
    };
    let total: u64 = counts.iter().map(|group| group.count).sum();
    let chosen = question.get("severity");
    html! {
        ul.tally aria-label="Findings by severity" {
            @for (level, name) in LEVELS {
                @let value = name.to_lowercase();
                li class={ "s" (rank(level)) } {
                    a href=(question.address(&[("severity", &value)])) aria-current=[(chosen == value).then_some("true")] {
                        strong { (grouped(of(level))) } " " (value)
                    }
                }
            }
            li { a href=(question.address(&[("severity", "")])) { strong { (grouped(total)) } " in all" } }
        }
    }
}

fn table(viewer: &Viewer, question: &Question<'_>, found: &Rows, all: &[Scope]) -> Markup {
    if found.rows.is_empty() {
        return html! { section { (nothing(question, found, all)) (turn(question, found)) } };
    }
    let shows_place = all.len() > 1;
    html! {
        form #list method="post" action="/console/findings" {
            (token(viewer))
            input type="hidden" name="back" value=(question.here());
            section.sheet {
                div.over {
                    p.dim { (range(question, found))
                        @if found.named.is_some() {
                            " · " a href=(question.address(&[("whole", "1")])) { "Search all texts for it" }
                        }
                        @if viewer.may_change() && question.is_narrowed() {
                            " · " a href=(question.filter_address()) { "Save this search as a filter" }
                        }
                    }
                    @if viewer.may_change() { (acts(question)) }
                }
                table.findings role="table" aria-label="Findings" {
                    thead role="rowgroup" {
                        tr role="row" {
                            @if viewer.may_change() {
                                th.pick role="columnheader" scope="col" {
                                    input type="checkbox" data-all hidden aria-label="Choose all on this page";
                                }
                            }
                            (column(question, "severity", "Severity", "level"))
                            (column(question, "type", "Finding", "what"))
                            th.whom role="columnheader" scope="col" { "Resource, other side" }
                            @if shows_place { (column(question, "account", "Account, region", "place")) }
                            th.number.times role="columnheader" scope="col" { "Count" }
                            (column(question, "updated", "Last seen", "when"))
                        }
                    }
                    tbody role="rowgroup" {
                        @for row in &found.rows { (line(viewer, question, row, shows_place)) }
                    }
                }
                (turn(question, found))
            }
        }
    }
}

fn acts(question: &Question<'_>) -> Markup {
    let state = question.get("state");
    html! {
        div.acts {
            @if state != "archived" { button type="submit" name="action" value="archive" { "Archive chosen" } }
            @if !state.is_empty() {
                button type="submit" name="action" value="unarchive" { "Take out of the archive" }
            }
        }
    }
}

/// A heading that sorts.
fn column(question: &Question<'_>, sort: &'static str, name: &str, class: &str) -> Markup {
    let (by, descending) = question.sorted_by();
    let is_ours = by == sort;
    let first = SORTS.iter().any(|(other, _, descending)| *other == sort && *descending);
    let next = if is_ours { !descending } else { first };
    let order = if next { "desc" } else { "asc" };
    html! {
        th class=(class) role="columnheader" scope="col" aria-sort=[is_ours.then_some(if descending { "descending" } else { "ascending" })] {
            a href=(question.address(&[("sort", sort), ("order", order)])) {
                (name)
                @if is_ours { span.arrow aria-hidden="true" { (if descending { " ↓" } else { " ↑" }) } }
            }
        }
    }
}

fn line(viewer: &Viewer, question: &Question<'_>, row: &Row, shows_place: bool) -> Markup {
    let body = tame(row.body.clone());
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let title = if text("/title").is_empty() { text("/type") } else { text("/title") };
    let severity = body.get("severity").and_then(Value::as_f64).unwrap_or_default();
    let count = body.pointer("/service/count").and_then(Value::as_u64).unwrap_or(1);
    let last =
        if text("/service/eventLastSeen").is_empty() { text("/updatedAt") } else { text("/service/eventLastSeen") };
    let is_archived = body.pointer("/service/archived").and_then(Value::as_bool) == Some(true);
    let Scope { account, region, .. } = &row.scope;
    let place = format!("{account}/{region}/{}", text("/id"));
    let way = address(&format!("/console/findings/{place}"), [("list", question.here().as_str())]);
    html! {
        tr role="row" {
            @if viewer.may_change() {
                td.pick role="cell" { input type="checkbox" name="pick" value=(place) aria-label={ "Choose: " (title) }; }
            }
            td.level role="cell" { (badge(severity)) }
            td.what role="cell" {
                a href=(way) { (marked(title)) }
                div.sub.mono { (text("/type")) @if is_archived { span.mark { "archived" } } }
            }
            td.whom role="cell" {
                (resource_in_words(&body))
                div.sub { (party_in_words(&body)) }
            }
            @if shows_place { td.place role="cell" { (account) div.sub { (region) } } }
            td.number.times role="cell" {
                @if count > 1 { span.narrow-only { "Seen " } (grouped(count)) span.narrow-only { " times" } }
                @else { span.wide-only { "1" } }
            }
            td.when.number role="cell" { (minute(last)) div.sub { (age(last, viewer.now)) } }
        }
    }
}

fn nothing(question: &Question<'_>, found: &Rows, all: &[Scope]) -> Markup {
    html! {
        @if let Some(count) = found.looked_at {
            p { "Nothing among the " (grouped(count as u64)) " findings that were searched here." }
        } @else if all.is_empty() {
            p { "No detector is on in any region yet. One is made when logs arrive, or in the "
                a href="/console/settings" { "settings" } "." }
        } @else if question.is_narrowed() || !question.get("at").is_empty() {
            p { "No finding fits. " a href="/console/findings" { "All open findings" } }
        } @else {
            p { "No open findings. " a href="/console/findings?state=all" { "All findings" }
                " has those that were archived; the " a href="/console/settings" { "settings" }
                " can make sample findings, to see what they look like." }
        }
    }
}

/// Which findings of the list these are.
fn range(question: &Question<'_>, found: &Rows) -> String {
    let pages: usize = question.get("n").parse().unwrap_or_default();
    let first = pages.saturating_mul(question.size()) + 1;
    let last = first + found.rows.len() - 1;
    if let Some(count) = found.named {
        let all = counted(count as u64, "finding");
        let shown =
            if count > found.rows.len() { format!(", the first {} shown", found.rows.len()) } else { String::new() };
        return format!("{all} with exactly this id, address or name{shown}");
    }
    match found.looked_at {
        _ if question.is_search() => format!("{} on this page", counted(found.rows.len() as u64, "finding")),
        _ if first == last => format!("Finding {}", grouped(first as u64)),
        _ => format!("Findings {} to {}", grouped(first as u64), grouped(last as u64)),
    }
}

/// The way to the pages before and after. Each place in the list is named, not numbered, so that what comes and goes
/// meanwhile moves no finding from one page to another.
fn turn(question: &Question<'_>, found: &Rows) -> Markup {
    let pages: usize = question.get("n").parse().unwrap_or_default();
    let (at, trail) = (question.get("at"), question.get("trail"));
    let mut earlier: Vec<&str> = trail.split('~').filter(|place| !place.is_empty()).collect();
    let back = match earlier.pop() {
        Some(place) => question.address(&[
            ("at", place),
            ("trail", &earlier.join("~")),
            ("n", &pages.saturating_sub(1).to_string()),
        ]),
        None => question.address(&[]),
    };
    let next = found.next.as_ref().map(|cursor| {
        let mut places: Vec<&str> = trail.split('~').chain([at]).filter(|place| !place.is_empty()).collect();
        places.drain(..places.len().saturating_sub(TRAIL_MAX));
        question.address(&[("at", &place_of(cursor)), ("trail", &places.join("~")), ("n", &(pages + 1).to_string())])
    });
    html! {
        @if let Some(count) = found.looked_at {
            p.note { (grouped(count as u64)) " findings were searched in the time that a page may take; there are more. \
                Narrowed by type, severity or time, a search comes to its end sooner." }
        }
        @if !at.is_empty() || next.is_some() {
            nav.turn aria-label="Pages of the list" {
                @if !at.is_empty() {
                    a.button href=(question.address(&[])) { "First page" }
                    a.button href=(back) rel="prev" { "Previous" }
                }
                @if let Some(next) = next {
                    a.button href=(next) rel="next" { (if found.looked_at.is_some() { "Search on" } else { "Next" }) }
                }
            }
        }
    }
}

/// A place in the list as an address has it.
fn place_of(cursor: &Cursor) -> String {
    // Texts and numbers cannot fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Nothing of a made-up place is believed: it says where to begin in what the viewer may see anyway.
fn cursor_of(place: &str) -> Option<Cursor> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(place).ok()?).ok()
}
