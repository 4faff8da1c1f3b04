//! Lists and statistics of findings, evaluated in the database.
//!
//! A list is a walk along an index that has the wanted order, until the page is full; unless one of the criteria is met
//! by so few findings that taking those and sorting them is cheaper. Which it is, is counted beforehand, up to
//! `RARE_MAX`: the statement is then told its index, so that its cost does not hang on what a planner guesses.

use crate::attributes::{self, Place, place};
use crate::findings::{Scope, detectors};
use crate::sql::Sql;
use crate::{Store, StoreError};
use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
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
        self.sqlite.read(move |connection| list.page(connection, &scopes)).await
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
        self.sqlite.read(move |connection| count(connection, &scopes, &criteria, grouping, ascending, limit)).await
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
    fn page(&self, connection: &Connection, scopes: &[Scope]) -> Result<Page, StoreError> {
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
            let mut statement = sql.prepare(connection)?;
            let rows = statement.query_map(sql.params(), |row| {
                Ok(Entry { key: row.get(0)?, updated: row.get(1)?, no: row.get(2)?, scope: at, id: row.get(3)? })
            })?;
            for row in rows {
                entries.push(row?);
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
    fn sql(&self, connection: &Connection, detector: i64, scope: &Scope, sorted_by: Place) -> Result<Sql, StoreError> {
        let way = way(connection, detector, &self.criteria, sorted_by, self.rare_max)?;
        let mut sql = Sql::new("SELECT ");
        key(&mut sql, sorted_by, scope);
        sql.push(" AS key, f.updated, f.no, f.id FROM ");
        match &way {
            Way::Index(index) => {
                sql.push("findings f INDEXED BY ").push(index).push(" WHERE f.detector = ").bind(detector);
            }
            Way::Free => {
                sql.push("findings f WHERE f.detector = ").bind(detector);
            }
            Way::Needle(code, hashes) => {
                sql.push("(SELECT DISTINCT finding FROM needles WHERE ");
                needles(&mut sql, &[detector], *code, hashes);
                // CROSS JOIN: SQLite then takes the tables in this order.
                sql.push(") n CROSS JOIN findings f ON f.no = n.finding WHERE f.detector = ").bind(detector);
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
                sql.push(operator).bind(sql_of(&after.key));
            };
            sql.push(" AND");
            part(&mut sql, &format!("{beyond}="));
            sql.push(" AND (");
            part(&mut sql, beyond);
            sql.push(" OR f.updated ").push(beyond).bind(after.updated);
            sql.push(" OR (f.updated = ").bind(after.updated).push(" AND f.no ").push(beyond).bind(after.no).push("))");
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
    /// As SQLite thinks best: every finding of the detector is looked at, or nearly.
    Free,
}

fn way(
    connection: &Connection,
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
    connection: &Connection,
    detector: i64,
    criterion: &Criterion,
    rare_max: i64,
) -> Result<Option<(i64, Way)>, StoreError> {
    let Some(place) = place(&criterion.attribute) else { return Ok(None) };
    let mut sql = Sql::new("SELECT count(*) FROM (SELECT 1 FROM ");
    let way = match (place, &criterion.test) {
        (Place::Text("id"), CriterionTest::Equals(_)) => return Ok(Some((-1, Way::Free))),
        (Place::Needle(code), CriterionTest::Equals(wanted)) => {
            let hashes: Vec<i64> =
                wanted.iter().flat_map(|text| attributes::wanted(text)).map(|value| attributes::hash(&value)).collect();
            sql.push("needles WHERE ");
            needles(&mut sql, &[detector], code, &hashes);
            Way::Needle(code, hashes)
        }
        // What is not equal is nearly everything.
        (_, CriterionTest::NotEquals(_)) => return Ok(None),
        (place, _) => {
            let Some(index) = index(place) else { return Ok(None) };
            sql.push("findings f INDEXED BY ").push(index).push(" WHERE f.detector = ").bind(detector).push(" AND ");
            condition(&mut sql, criterion)?;
            Way::Index(index)
        }
    };
    sql.push(" LIMIT ").bind(rare_max).push(")");
    Ok(Some((sql.number(connection)?, way)))
}

fn needles(sql: &mut Sql, detectors: &[i64], code: u16, hashes: &[i64]) {
    sql.push("detector IN (").bind_all(detectors.iter().copied()).push(") AND attribute = ").bind(i64::from(code));
    sql.push(" AND hash IN (").bind_all(hashes.iter().copied()).push(")");
}

/// What a list is sorted by.
fn key(sql: &mut Sql, sorted_by: Place, scope: &Scope) {
    match sorted_by {
        Place::Account => sql.bind(scope.account.clone()),
        Place::Text(column) | Place::Number(column) => sql.push("f.").push(column),
        Place::Archived => sql.push("f.archived"),
        Place::Fact(code) | Place::Needle(code) => sql
            .push("coalesce((SELECT min(j.value) FROM json_each(f.facts, '$.\"")
            .push(&code.to_string())
            // Lower than any value that a finding has.
            .push("\"') j), -1e308)"),
    };
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
        CriterionTest::Greater(bound) => (" > ", *bound),
        CriterionTest::GreaterOrEqual(bound) => (" >= ", *bound),
        CriterionTest::Less(bound) => (" < ", *bound),
        CriterionTest::LessOrEqual(bound) => (" <= ", *bound),
        CriterionTest::Matches(_) | CriterionTest::NotMatches(_) => {
            return Err(StoreError::Wildcards { attribute: attribute() });
        }
    };
    match place {
        Place::Account => sql.push("1"),
        // Neither texts nor booleans are numbers.
        Place::Text(_) | Place::Archived => sql.push("0"),
        Place::Number(column) => sql.push("f.").push(column).push(operator).bind(bound),
        Place::Fact(code) | Place::Needle(code) => {
            each(sql, code);
            sql.push("j.type IN ('integer', 'real') AND j.value").push(operator).bind(bound).push(")")
        }
    };
    Ok(())
}

/// Writes the beginning of a look at each value of a fact.
fn each(sql: &mut Sql, code: u16) {
    sql.push("EXISTS (SELECT 1 FROM json_each(f.facts, '$.\"").push(&code.to_string()).push("\"') j WHERE ");
}

fn equals(sql: &mut Sql, place: Place, wanted: &[String], not: bool) {
    if not {
        sql.push("NOT ");
    }
    match place {
        Place::Account => {
            // NOT 0, or 1.
            sql.push(if not { "0" } else { "1" });
        }
        Place::Text(column) => {
            // An empty column says that the finding has no such attribute.
            let wanted: Vec<String> = wanted.iter().filter(|text| !text.is_empty()).cloned().collect();
            sql.push("f.").push(column).push(" IN (").bind_all(wanted).push(")");
        }
        Place::Number(column) => {
            let numbers: Vec<f64> = wanted.iter().filter_map(|text| text.parse().ok()).collect();
            sql.push("f.").push(column).push(" IN (").bind_all(numbers).push(")");
        }
        Place::Archived => {
            let values = wanted.iter().filter_map(|text| ["false", "true"].iter().position(|known| known == text));
            let values: Vec<i64> = values.map(|at| at as i64).collect();
            sql.push("f.archived IN (").bind_all(values).push(")");
        }
        Place::Fact(code) | Place::Needle(code) => {
            sql.push("(");
            let values: Vec<Value> = wanted.iter().flat_map(|text| attributes::wanted(text)).collect();
            if values.iter().all(Value::is_string) {
                // A text that the facts do not hold anywhere is not this one's either, and that is quickly seen.
                sql.push("(");
                for (at, value) in values.iter().enumerate() {
                    sql.push(if at > 0 { " OR " } else { "" })
                        .push("instr(f.facts, ")
                        .bind(value.to_string())
                        .push(")");
                }
                sql.push(") AND ");
            }
            each(sql, code);
            sql.push("j.value IN (").bind_all(values.iter().map(sql_of)).push(")))");
        }
    }
}

fn sql_of(value: &Value) -> SqlValue {
    match value {
        Value::String(text) => SqlValue::Text(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => SqlValue::Integer(whole),
            None => SqlValue::Real(number.as_f64().unwrap_or_default()),
        },
        _ => SqlValue::Null,
    }
}

fn json_of(value: &SqlValue) -> Value {
    match value {
        SqlValue::Text(text) => Value::from(text.as_str()),
        SqlValue::Integer(whole) => Value::from(*whole),
        SqlValue::Real(number) => Value::from(*number),
        SqlValue::Null | SqlValue::Blob(_) => Value::Null,
    }
}

/// SQLite's order: numbers by value, then texts by bytes.
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

/// `updated`, cut to the first moment of its day. Written so that days before 1970 are cut downwards as well.
const DAY: &str = "(f.updated - (((f.updated % 86400000) + 86400000) % 86400000))";

fn count(
    connection: &Connection,
    scopes: &[Scope],
    criteria: &FindingCriteria,
    grouping: Grouping,
    ascending: bool,
    limit: usize,
) -> Result<Vec<Group>, StoreError> {
    let found = detectors(connection, scopes)?;
    let detectors: Vec<i64> =
        found.iter().filter(|(_, scope)| accounts_fit(criteria, scope)).map(|(no, _)| *no).collect();
    let columns = match grouping {
        Grouping::Account => "d.account",
        Grouping::Date => &format!("{DAY}, f.severity"),
        Grouping::FindingType => "f.type",
        Grouping::Resource => "d.account, f.resource_type, f.resource_id",
        Grouping::Severity => "f.severity",
    };
    let mut sql = Sql::new("SELECT count(*) AS many, max(f.updated), ");
    sql.push(columns).push(" FROM findings f");
    if matches!(grouping, Grouping::Account | Grouping::Resource) {
        sql.push(" JOIN detectors d ON d.no = f.detector");
    }
    sql.push(" WHERE f.detector IN (").bind_all(detectors.iter().copied()).push(")");
    for criterion in criteria.iter() {
        // All that have the needle are wanted, so looking them up beats looking at every finding.
        if let (Some(Place::Needle(code)), CriterionTest::Equals(wanted)) =
            (place(&criterion.attribute), &criterion.test)
        {
            let hashes = wanted.iter().flat_map(|text| attributes::wanted(text)).map(|value| attributes::hash(&value));
            sql.push(" AND f.no IN (SELECT finding FROM needles WHERE ");
            needles(&mut sql, &detectors, code, &hashes.collect::<Vec<_>>());
            sql.push(")");
        }
        sql.push(" AND ");
        condition(&mut sql, criterion)?;
    }
    if grouping == Grouping::Resource {
        sql.push(" AND f.resource_id <> ''");
    }
    sql.push(" GROUP BY ").push(columns).push(" ORDER BY many ").push(if ascending { "ASC" } else { "DESC" });
    sql.push(", ").push(columns).push(" LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut statement = sql.prepare(connection)?;
    let rows = statement.query_map(sql.params(), |row| {
        let mut group = Group {
            count: row.get::<_, i64>(0)?.unsigned_abs(),
            newest: Time::from_ms(row.get(1)?),
            ..Group::default()
        };
        match grouping {
            Grouping::Account => group.account = row.get(2)?,
            Grouping::Date => {
                group.date = Some(Time::from_ms(row.get(2)?));
                group.severity = Some(row.get(3)?);
            }
            Grouping::FindingType => group.finding_type = row.get(2)?,
            Grouping::Resource => {
                (group.account, group.resource_type, group.resource_id) = (row.get(2)?, row.get(3)?, row.get(4)?);
            }
            Grouping::Severity => group.severity = Some(row.get(2)?),
        }
        Ok(group)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
