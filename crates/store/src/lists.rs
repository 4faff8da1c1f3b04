//! Lists and statistics of findings, evaluated in the database.
//!
//! A list is a walk along an index that has the wanted order, until the page is full; unless one of the criteria is met
//! by so few findings that taking those and sorting them is cheaper. Which it is, is counted beforehand, up to
//! `RARE_MAX`: the statement is then told its index, so that its cost does not hang on what a planner guesses.

use crate::attributes::{self, Place, place};
use crate::database::Connection;
use crate::dialect::of_json;
use crate::findings::{Scope, bucket, detectors};
use crate::sql::{Row, Sql, Value as SqlValue};
use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchfire_export::{Criterion, CriterionTest, FindingCriteria};
use watchfire_model::Time;

/// Findings that are taken and sorted rather than looked for along an index. A row costs about three microseconds to
/// fetch, and a page of 50 along an index passes a million / RARE_MAX × 50 rows: the two meet at some thousands.
pub(crate) const RARE_MAX: i64 = 4_000;

/// The order of a list. Among equals, by `updatedAt` in the same direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// An attribute of ListFindings. Of several values the lowest counts; none is lower than any, numbers are lower
    /// than texts.
    pub attribute: String,
    /// Highest first.
    pub descending: bool,
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Self {
        Self { attribute: "updatedAt".to_owned(), descending: true }
    }
}

/// A place in a sorted list: after one finding. Findings that come or go elsewhere do not move it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    key: Value,
    updated: i64,
    no: i64,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The findings, each with the index of its scope in what was asked.
    pub findings: Vec<(usize, String)>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

/// What statistics count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// The account.
    Account,
    /// The day of `updatedAt`, in UTC, and the severity.
    Date,
    /// The finding type.
    FindingType,
    /// The account, the type and the id of the resource.
    Resource,
    /// The severity.
    Severity,
    /// The finding type and the severity.
    TypeAndSeverity,
}

/// One row of statistics. What the grouping does not say is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// The account.
    pub account: String,
    /// The day's first moment.
    pub date: Option<Time>,
    /// The finding type.
    pub finding_type: String,
    /// The type of resource.
    pub resource_type: String,
    /// The resource's id.
    pub resource_id: String,
    /// The severity.
    pub severity: Option<f64>,
    /// How many findings.
    pub count: u64,
    /// The newest `updatedAt` among them.
    pub newest: Time,
}

impl Store {
    /// The ids of the findings of these detectors that meet the criteria, in order, at most `limit`, those after `after`.
    ///
    /// Criteria are over the attributes of [`watchfire_export::list_attributes`], without wildcards; others are an error.
    pub async fn list_findings(
        &self,
        scopes: &[Scope],
        criteria: &FindingCriteria,
        sort: &Sort,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let (scopes, criteria) = (scopes.to_vec(), criteria.clone());
        let (sort, after, rare_max) = (sort.clone(), after.cloned(), self.rare_max);
        let list = List { criteria, sort, after, limit, rare_max };
        self.database.read(move |connection| list.page(connection, &scopes)).await
    }

    /// The findings of these detectors that have this value among their ids, addresses and names (`ATTRIBUTES`), in no order:
    /// what an index tells at once. `None` if there are more than `limit`, or so many detectors that asking the index for
    /// each takes longer than a page may. A value that has the same hash comes too: look whether it is there.
    pub async fn findings_named(
        &self,
        scopes: &[Scope],
        value: &str,
        limit: usize,
    ) -> Result<Option<Vec<(usize, String)>>, StoreError> {
        let (scopes, value) = (scopes.to_vec(), value.to_owned());
        self.database.read(move |connection| named(connection, &scopes, &value, limit)).await
    }

    /// Counts the findings of these detectors that meet the criteria, by `grouping`: at most `limit` rows, those with the
    /// most findings first (the fewest first if `ascending`).
    pub async fn statistics(
        &self,
        scopes: &[Scope],
        criteria: &FindingCriteria,
        grouping: Grouping,
        ascending: bool,
        limit: usize,
    ) -> Result<Vec<Group>, StoreError> {
        let (scopes, criteria) = (scopes.to_vec(), criteria.clone());
        self.database.read(move |connection| count(connection, &scopes, &criteria, grouping, ascending, limit)).await
    }
}

/// One finding on its way into a page.
struct Entry {
    key: SqlValue,
    updated: i64,
    no: i64,
    scope: usize,
    id: String,
}

/// A question for a page.
struct List {
    criteria: FindingCriteria,
    sort: Sort,
    after: Option<Cursor>,
    limit: usize,
    rare_max: i64,
}

impl List {
    fn page(&self, connection: &dyn Connection, scopes: &[Scope]) -> Result<Page, StoreError> {
        let attribute = &self.sort.attribute;
        let sorted_by = place(attribute).ok_or_else(|| StoreError::NotListed { attribute: attribute.clone() })?;
        let mut entries = Vec::new();
        // Each detector's rows come in order, and the page takes the best of all: no index spans detectors.
        for (detector, scope) in detectors(connection, scopes)? {
            if !accounts_fit(&self.criteria, scope) {
                continue;
            }
            let at = scopes.iter().position(|other| other == scope).unwrap_or_default();
            let sql = self.sql(connection, detector, scope, sorted_by)?;
            for mut row in sql.query(connection)? {
                let (key, updated, no, id) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
                entries.push(Entry { key, updated, no, scope: at, id });
            }
        }
        entries.sort_by(|a, b| {
            let order = compare(&a.key, &b.key).then(a.updated.cmp(&b.updated)).then(a.no.cmp(&b.no));
            if self.sort.descending { order.reverse() } else { order }
        });
        let more = entries.len() > self.limit;
        entries.truncate(self.limit);
        let next = entries.last().filter(|_| more).map(|last| Cursor {
            key: json_of(&last.key),
            updated: last.updated,
            no: last.no,
        });
        Ok(Page { findings: entries.into_iter().map(|entry| (entry.scope, entry.id)).collect(), next })
    }

    /// Selects (key, updated, no, id) of one detector's page, and one more, by which it is known whether there is a next.
    fn sql(
        &self,
        connection: &dyn Connection,
        detector: i64,
        scope: &Scope,
        sorted_by: Place,
    ) -> Result<Sql, StoreError> {
        let way = way(connection, detector, &self.criteria, sorted_by, self.rare_max)?;
        let dialect = connection.dialect();
        let mut sql = Sql::new(dialect, "SELECT ");
        key(&mut sql, sorted_by, scope);
        sql.push(" AS key, f.updated, f.no, f.id FROM ");
        match &way {
            Way::Index(index) => {
                sql.push("findings f");
                dialect.along(&mut sql, index);
                sql.push(" WHERE f.detector = ").bind(detector);
            }
            Way::Free => {
                sql.push("findings f WHERE f.detector = ").bind(detector);
            }
            Way::Needle(code, hashes) => {
                sql.push("(SELECT DISTINCT finding FROM needles WHERE ");
                needles(&mut sql, &buckets(connection)?, &[detector], *code, hashes);
                sql.push(") n").push(dialect.ordered_join()).push("findings f ON f.no = n.finding WHERE f.detector = ");
                sql.bind(detector);
            }
        }
        for criterion in self.criteria.iter() {
            sql.push(" AND ");
            condition(&mut sql, criterion)?;
        }
        let (beyond, order) = if self.sort.descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some(after) = &self.after {
            // Written out, because the first comparison alone is what an index can begin at.
            let part = |sql: &mut Sql, operator: &str| {
                sql.push(" ");
                key(sql, sorted_by, scope);
                sql.push(" ").push(operator).push(" ").bind(of_json(&after.key));
            };
            sql.push(" AND");
            part(&mut sql, &format!("{beyond}="));
            sql.push(" AND (");
            part(&mut sql, beyond);
            sql.push(" OR f.updated ").push(beyond).push(" ").bind(after.updated);
            sql.push(" OR (f.updated = ").bind(after.updated).push(" AND f.no ").push(beyond).push(" ").bind(after.no);
            sql.push("))");
        }
        sql.push(" ORDER BY ");
        if !matches!(sorted_by, Place::Account | Place::Number("updated")) {
            sql.push("key ").push(order).push(", ");
        }
        sql.push("f.updated ").push(order).push(", f.no ").push(order);
        sql.push(" LIMIT ").bind(i64::try_from(self.limit.saturating_add(1)).unwrap_or(i64::MAX));
        Ok(sql)
    }
}

/// Whether the criteria on the account let anything of this detector pass.
fn accounts_fit(criteria: &FindingCriteria, scope: &Scope) -> bool {
    let account = json!({"accountId": scope.account});
    criteria.iter().filter(|criterion| criterion.attribute == "accountId").all(|criterion| criterion.is_met(&account))
}

/// How a list reaches its findings.
enum Way {
    /// Along this index, or those entries of it that a criterion allows.
    Index(&'static str),
    /// Those that have a needle.
    Needle(u16, Vec<i64>),
    /// As the database thinks best: every finding of the detector is looked at, or nearly.
    Free,
}

fn way(
    connection: &dyn Connection,
    detector: i64,
    criteria: &FindingCriteria,
    sorted_by: Place,
    rare_max: i64,
) -> Result<Way, StoreError> {
    let mut rarest: Option<(i64, Way)> = None;
    for criterion in criteria.iter() {
        let Some((count, way)) = rarity(connection, detector, criterion, rare_max)? else { continue };
        if count < rarest.as_ref().map_or(rare_max, |(rarest, _)| *rarest) {
            rarest = Some((count, way));
        }
    }
    if let Some((_, way)) = rarest {
        return Ok(way);
    }
    // One value of an indexed column: its stretch of the index is in order of `updated` already.
    let one_value = |criterion: &&Criterion| match &criterion.test {
        CriterionTest::Equals(values) => values.len() == 1,
        _ => false,
    };
    let is_of_one_type = criteria.iter().filter(one_value).any(|criterion| criterion.attribute == "type");
    if is_of_one_type && sorted_by == Place::Number("severity") {
        return Ok(Way::Index("findings_by_type_severity"));
    }
    let indexes = criteria.iter().filter(one_value).filter_map(|criterion| index(place(&criterion.attribute)?));
    match sorted_by {
        // Within a detector the account says nothing.
        Place::Account | Place::Number("updated") => {
            Ok(Way::Index(indexes.into_iter().next().unwrap_or("findings_by_updated")))
        }
        other => Ok(index(other).map_or(Way::Free, Way::Index)),
    }
}

/// The index of a column, which goes on with `updated`.
fn index(place: Place) -> Option<&'static str> {
    match place {
        Place::Text("type") => Some("findings_by_type"),
        Place::Text("resource_type") => Some("findings_by_resource_type"),
        Place::Number("severity") => Some("findings_by_severity"),
        Place::Number("updated") => Some("findings_by_updated"),
        Place::Archived => Some("findings_by_archived"),
        _ => None,
    }
}

/// How many findings meet a criterion, at most `rare_max`, and the way to them; `None` if no index tells.
fn rarity(
    connection: &dyn Connection,
    detector: i64,
    criterion: &Criterion,
    rare_max: i64,
) -> Result<Option<(i64, Way)>, StoreError> {
    let Some(place) = place(&criterion.attribute) else { return Ok(None) };
    let mut sql = Sql::new(connection.dialect(), "SELECT count(*) FROM (SELECT 1 FROM ");
    let way = match (place, &criterion.test) {
        (Place::Text("id"), CriterionTest::Equals(_)) => return Ok(Some((-1, Way::Free))),
        (Place::Needle(code), CriterionTest::Equals(wanted)) => {
            let hashes: Vec<i64> =
                wanted.iter().flat_map(|text| attributes::wanted(text)).map(|value| attributes::hash(&value)).collect();
            sql.push("needles WHERE ");
            needles(&mut sql, &buckets(connection)?, &[detector], code, &hashes);
            Way::Needle(code, hashes)
        }
        // What is not equal is nearly everything.
        (_, CriterionTest::NotEquals(_)) => return Ok(None),
        (place, _) => {
            let Some(index) = index(place) else { return Ok(None) };
            sql.push("findings f");
            connection.dialect().along(&mut sql, index);
            sql.push(" WHERE f.detector = ").bind(detector).push(" AND ");
            condition(&mut sql, criterion)?;
            Way::Index(index)
        }
    };
    sql.push(" LIMIT ").bind(rare_max).push(") found");
    Ok(Some((sql.number(connection)?, way)))
}

/// The buckets that needles are in, for [`needles`].
fn buckets(connection: &dyn Connection) -> Result<String, StoreError> {
    let ends = connection.first("SELECT (SELECT min(no) FROM findings), (SELECT max(no) FROM findings)", &[])?;
    let mut ends = ends.ok_or(StoreError::WrongKind)?;
    let (first, last): (Option<i64>, Option<i64>) = (ends.take(0)?, ends.take(1)?);
    let buckets: Vec<String> =
        (bucket(first.unwrap_or(0))..=bucket(last.unwrap_or(0))).map(|bucket| bucket.to_string()).collect();
    Ok(buckets.join(", "))
}

fn needles(sql: &mut Sql, buckets: &str, detectors: &[i64], code: u16, hashes: &[i64]) {
    sql.push("detector").is_in(detectors.iter().copied()).push(" AND bucket IN (").push(buckets);
    sql.push(") AND attribute = ").bind(code).push(" AND hash").is_in(hashes.iter().copied());
}

/// What a list is sorted by.
fn key(sql: &mut Sql, sorted_by: Place, scope: &Scope) {
    match sorted_by {
        Place::Account => {
            sql.bind(&scope.account);
        }
        Place::Text(column) | Place::Number(column) => {
            sql.push("f.").push(column);
        }
        Place::Archived => {
            sql.push("f.archived");
        }
        Place::Fact(code) | Place::Needle(code) => sql.dialect().lowest_fact(sql, code),
    }
}

/// A criterion as a condition on the row `f`. The account was looked at before.
fn condition(sql: &mut Sql, criterion: &Criterion) -> Result<(), StoreError> {
    let attribute = || criterion.attribute.clone();
    let place = place(&criterion.attribute).ok_or_else(|| StoreError::NotListed { attribute: attribute() })?;
    let test = &criterion.test;
    let (operator, bound) = match test {
        CriterionTest::Equals(wanted) | CriterionTest::NotEquals(wanted) => {
            equals(sql, place, wanted, matches!(test, CriterionTest::NotEquals(_)));
            return Ok(());
        }
        CriterionTest::Greater(bound) => (">", *bound),
        CriterionTest::GreaterOrEqual(bound) => (">=", *bound),
        CriterionTest::Less(bound) => ("<", *bound),
        CriterionTest::LessOrEqual(bound) => ("<=", *bound),
        CriterionTest::Matches(_) | CriterionTest::NotMatches(_) => {
            return Err(StoreError::Wildcards { attribute: attribute() });
        }
    };
    match place {
        Place::Account => {
            sql.push(TRUE);
        }
        // Neither texts nor booleans are numbers.
        Place::Text(_) | Place::Archived => {
            sql.push(FALSE);
        }
        Place::Number(column) => {
            sql.push("f.").push(column).push(" ").push(operator).push(" ").bind(bound);
        }
        Place::Fact(code) | Place::Needle(code) => sql.dialect().fact_is(sql, code, operator, bound),
    }
    Ok(())
}

const TRUE: &str = "1 = 1";
const FALSE: &str = "1 = 0";

fn equals(sql: &mut Sql, place: Place, wanted: &[String], not: bool) {
    if place == Place::Account {
        sql.push(TRUE); // It was looked at before.
        return;
    }
    if not {
        sql.push("NOT ");
    }
    match place {
        Place::Account => {}
        Place::Text(column) => {
            // An empty column says that the finding has no such attribute.
            sql.push("f.").push(column).is_in(wanted.iter().filter(|text| !text.is_empty()));
        }
        Place::Number(column) => {
            let numbers = wanted.iter().filter_map(|text| text.parse().ok()).filter(|number: &f64| !number.is_nan());
            sql.push("f.").push(column).is_in(numbers);
        }
        Place::Archived => {
            let values = wanted.iter().filter_map(|text| ["false", "true"].iter().position(|known| known == text));
            sql.push("f.archived").is_in(values.map(|at| at as i64));
        }
        Place::Fact(code) | Place::Needle(code) => {
            let values: Vec<Value> = wanted.iter().flat_map(|text| attributes::wanted(text)).collect();
            sql.dialect().fact_is_in(sql, code, &values);
        }
    }
}

fn json_of(value: &SqlValue) -> Value {
    match value {
        SqlValue::Text(text) => Value::from(text.as_str()),
        SqlValue::Integer(whole) => Value::from(*whole),
        SqlValue::Real(number) => Value::from(*number),
        _ => Value::Null,
    }
}

/// The databases' order: numbers by value, then texts by bytes.
fn compare(a: &SqlValue, b: &SqlValue) -> std::cmp::Ordering {
    let number = |value: &SqlValue| match value {
        SqlValue::Integer(whole) => Some(*whole as f64),
        SqlValue::Real(number) => Some(*number),
        _ => None,
    };
    match (a, b) {
        (SqlValue::Text(a), SqlValue::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
    }
}

/// Places of the index of needles that one question may look at. Each takes some microseconds; ours: a tenth of a second.
const NEEDLE_PLACES_MAX: usize = 20_000;

fn named(
    connection: &dyn Connection,
    scopes: &[Scope],
    value: &str,
    limit: usize,
) -> Result<Option<Vec<(usize, String)>>, StoreError> {
    let found = detectors(connection, scopes)?;
    let numbers: Vec<i64> = found.iter().map(|(no, _)| *no).collect();
    let code = |(_, place): &(&str, Place)| if let Place::Needle(code) = place { Some(i64::from(*code)) } else { None };
    let codes: Vec<i64> = attributes::ATTRIBUTES.iter().filter_map(code).collect();
    let buckets = buckets(connection)?;
    if numbers.len() * codes.len() * buckets.split(',').count() > NEEDLE_PLACES_MAX {
        return Ok(None);
    }
    let hashes = attributes::wanted(value).map(|value| attributes::hash(&value));
    let bound = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut by_needle =
        Sql::new(connection.dialect(), "SELECT f.detector, f.id FROM (SELECT DISTINCT finding FROM needles WHERE ");
    by_needle.push("detector").is_in(numbers.iter().copied()).push(" AND bucket IN (").push(&buckets);
    by_needle.push(") AND attribute").is_in(codes).push(" AND hash").is_in(hashes).push(" LIMIT ").bind(bound);
    by_needle.push(") n").push(connection.dialect().ordered_join()).push("findings f ON f.no = n.finding");
    let mut by_id = Sql::new(connection.dialect(), "SELECT f.detector, f.id FROM findings f WHERE f.detector");
    by_id.is_in(numbers.iter().copied()).push(" AND f.id").is_in([value]);
    let mut all: Vec<(usize, String)> = Vec::new();
    for mut row in by_needle.query(connection)?.into_iter().chain(by_id.query(connection)?) {
        let (detector, id): (i64, String) = (row.take(0)?, row.take(1)?);
        let scope = found.iter().find(|(no, _)| *no == detector).map(|(_, scope)| *scope);
        if let Some(at) = scopes.iter().position(|other| Some(other) == scope) {
            all.push((at, id));
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(Some(all).filter(|all| all.len() <= limit))
}

/// `updated`, cut to the first moment of its day; and the severity. Written so that days before 1970 are cut downwards as
/// well.
const DAY: &str = "(f.updated - (((f.updated % 86400000) + 86400000) % 86400000)) AS day, f.severity";

fn count(
    connection: &dyn Connection,
    scopes: &[Scope],
    criteria: &FindingCriteria,
    grouping: Grouping,
    ascending: bool,
    limit: usize,
) -> Result<Vec<Group>, StoreError> {
    let found = detectors(connection, scopes)?;
    let detectors: Vec<i64> =
        found.iter().filter(|(_, scope)| accounts_fit(criteria, scope)).map(|(no, _)| *no).collect();
    // What is told apart within a detector, and then over all.
    let (inner, outer) = match grouping {
        Grouping::Account => ("", "d.account"),
        Grouping::Date => (DAY, "g.day, g.severity"),
        Grouping::FindingType => ("f.type", "g.type"),
        Grouping::Resource => ("f.resource_type, f.resource_id", "d.account, g.resource_type, g.resource_id"),
        Grouping::Severity => ("f.severity", "g.severity"),
        Grouping::TypeAndSeverity => ("f.type, f.severity", "g.type, g.severity"),
    };
    let comma = if inner.is_empty() { "" } else { ", " };
    let mut sql = Sql::new(connection.dialect(), "SELECT CAST(sum(g.many) AS BIGINT) AS total, max(g.newest), ");
    sql.push(outer)
        .push(" FROM (SELECT f.detector, count(*) AS many, max(f.updated) AS newest")
        .push(comma)
        .push(inner);
    sql.push(" FROM findings f WHERE f.detector").is_in(detectors.iter().copied());
    for criterion in criteria.iter() {
        // All that have the needle are wanted, so looking them up beats looking at every finding.
        if let (Some(Place::Needle(code)), CriterionTest::Equals(wanted)) =
            (place(&criterion.attribute), &criterion.test)
        {
            let hashes = wanted.iter().flat_map(|text| attributes::wanted(text)).map(|value| attributes::hash(&value));
            sql.push(" AND f.no IN (SELECT finding FROM needles WHERE ");
            needles(&mut sql, &buckets(connection)?, &detectors, code, &hashes.collect::<Vec<_>>());
            sql.push(")");
        }
        sql.push(" AND ");
        condition(&mut sql, criterion)?;
    }
    if grouping == Grouping::Resource {
        sql.push(" AND f.resource_id <> ''");
    }
    let inner = if grouping == Grouping::Date { "day, f.severity" } else { inner };
    sql.push(" GROUP BY f.detector").push(comma).push(inner).push(") g");
    if matches!(grouping, Grouping::Account | Grouping::Resource) {
        sql.push(" JOIN detectors d ON d.no = g.detector");
    }
    sql.push(" GROUP BY ").push(outer).push(" ORDER BY total ").push(if ascending { "ASC" } else { "DESC" });
    sql.push(", ").push(outer).push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let group = |mut row: Row| {
        let mut group = Group {
            count: row.take::<i64>(0)?.unsigned_abs(),
            newest: Time::from_ms(row.take(1)?),
            ..Group::default()
        };
        match grouping {
            Grouping::Account => group.account = row.take(2)?,
            Grouping::Date => {
                group.date = Some(Time::from_ms(row.take(2)?));
                group.severity = Some(row.take(3)?);
            }
            Grouping::FindingType => group.finding_type = row.take(2)?,
            Grouping::Resource => {
                (group.account, group.resource_type, group.resource_id) = (row.take(2)?, row.take(3)?, row.take(4)?);
            }
            Grouping::Severity => group.severity = Some(row.take(2)?),
            Grouping::TypeAndSeverity => (group.finding_type, group.severity) = (row.take(2)?, Some(row.take(3)?)),
        }
        Ok(group)
    };
    sql.query(connection)?.into_iter().map(group).collect()
}
