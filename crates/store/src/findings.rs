//! Findings: stored once, grown, archived, read back, forgotten.

use crate::attributes::{self, Facts};
use crate::changes::now_ms;
use crate::database::Connection;
use crate::dialect::Table;
use crate::sql::{Kind, Row, Sql, Value as SqlValue, values};
use crate::{Change, Store, StoreError};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use watchfire_model::Time;

/// Earlier occurrences of a finding that are kept: the first, and the newest of the others. What was dropped is counted.
pub const OCCURRENCES_MAX: u64 = 100;

/// Findings that are removed in one transaction, so that writers in between do not wait long.
const REMOVED_AT_ONCE_MAX: usize = 500;

/// Findings that one statement asks for or writes.
const WRITTEN_AT_ONCE_MAX: usize = 500;

/// The detector whose findings are meant. Deleting it, by [`Change::DeleteTree`], makes them vanish.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The detector's id.
    pub detector: String,
}

/// A finding to write.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingWrite {
    /// Its JSON, as [`watchfire_export::finding_json`] writes it.
    pub body: Value,
    /// The ARN of the filter that archives it if it is new.
    pub suppressed_by: Option<String>,
}

/// What became of a finding that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingOutcome {
    /// What was done.
    pub written: Written,
    /// Whether it is archived now.
    pub archived: bool,
    /// Whether it is archived because a filter did so when it was born.
    pub suppressed: bool,
}

/// What was done with a finding that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There was none with its id.
    New,
    /// It replaced an earlier state, which went into its history.
    Grown,
    /// The same state was there already, or a later one: nothing was written. So what is written twice counts once.
    Unchanged,
}

/// A finding read back.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFinding {
    /// Whose it is.
    pub scope: Scope,
    /// Its JSON as it was written, with `service.archived` and `service.userFeedback` as they are now.
    pub body: Value,
    /// Whether a filter archived it when it was born.
    pub suppressed: bool,
    /// The ARN of that filter, if the store was told.
    pub suppressed_by: Option<String>,
    /// When this machine last received it, ms since the epoch.
    pub arrived: i64,
    /// What a person wrote with the feedback.
    pub comments: Option<String>,
}

/// Earlier occurrences of a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What is kept, oldest first: of the finding's JSON, what changes from one occurrence to the next.
    pub occurrences: Vec<Value>,
    /// How many there ever were, those that were dropped included.
    pub count: u64,
}

/// What people thought of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// It helped.
    Useful,
    /// It did not.
    NotUseful,
}

impl Store {
    /// Writes findings, all or none. They are on disk when it returns; outcomes are in the order of the writes.
    pub async fn put_findings(
        &self,
        scope: &Scope,
        writes: Vec<FindingWrite>,
    ) -> Result<Vec<FindingOutcome>, StoreError> {
        let change = Change::Findings { scope: scope.clone(), writes };
        Ok(self.commit(vec![change]).await?.findings)
    }

    /// The findings with these ids, in the order of the ids; those that are in none of the scopes are left out.
    pub async fn findings(&self, scopes: &[Scope], ids: &[String]) -> Result<Vec<StoredFinding>, StoreError> {
        let (scopes, ids) = (scopes.to_vec(), ids.to_vec());
        self.database.read(move |connection| read(connection, &scopes, &ids, &[])).await
    }

    /// As [`Self::findings`], without those in whose JSON one of these texts stands nowhere, in whatever case: a search need not
    /// take apart what it will pass over. What JSON writes otherwise (quotes, backslashes, control characters) says nothing,
    /// nor do texts for findings with feedback, which is no part of their JSON.
    pub async fn findings_with(
        &self,
        scopes: &[Scope],
        ids: &[String],
        texts: &[String],
    ) -> Result<Vec<StoredFinding>, StoreError> {
        let (scopes, ids) = (scopes.to_vec(), ids.to_vec());
        let is_plain = |text: &&String| !text.chars().any(|one| one.is_control() || one == '"' || one == '\\');
        let texts: Vec<String> = texts.iter().filter(is_plain).map(|text| text.to_lowercase()).collect();
        self.database.read(move |connection| read(connection, &scopes, &ids, &texts)).await
    }

    /// The earlier occurrences of a finding; `None` if there is no such finding.
    pub async fn history(&self, scope: &Scope, id: &str) -> Result<Option<History>, StoreError> {
        let (scope, id) = (scope.clone(), id.to_owned());
        self.database.read(move |connection| history(connection, &scope, &id)).await
    }

    /// Archives findings, or takes them out of the archive; answers how many of the ids there are.
    pub async fn set_archived(&self, scopes: &[Scope], ids: &[String], archived: bool) -> Result<usize, StoreError> {
        let (scopes, ids) = (scopes.to_vec(), ids.to_vec());
        // A finding that a person archives is not suppressed: events about it go on being sent.
        let set = move |sql: &mut Sql| {
            sql.push("archived = ").bind(archived);
            sql.push(", suppressed = CASE WHEN archived = 0 OR ").bind(!archived);
            sql.push(" = 1 THEN 0 ELSE suppressed END");
        };
        self.database.write(move |connection| update(connection, &scopes, &ids, set)).await
    }

    /// Keeps what a person thought of findings; answers how many of the ids there are.
    pub async fn set_feedback(
        &self,
        scopes: &[Scope],
        ids: &[String],
        feedback: Feedback,
        comments: Option<String>,
    ) -> Result<usize, StoreError> {
        let (scopes, ids) = (scopes.to_vec(), ids.to_vec());
        let set = move |sql: &mut Sql| {
            sql.push("feedback = ").bind(feedback.name());
            sql.push(", comments = ").bind(comments);
        };
        self.database.write(move |connection| update(connection, &scopes, &ids, set)).await
    }

    /// How many findings of a detector filters have archived when they were born.
    pub async fn suppressed_count(&self, scope: &Scope) -> Result<u64, StoreError> {
        let scope = scope.clone();
        self.database
            .read(move |connection| {
                let Some(detector) = detector_no(connection, &scope)? else { return Ok(0) };
                let sql = "SELECT count(*) FROM findings WHERE archived = 1 AND suppressed = 1 AND detector = $1";
                Ok(connection.number(sql, &values![detector])?.unsigned_abs())
            })
            .await
    }

    /// Whether there are findings, and all of them last arrived before `arrived_before` (ms since the epoch).
    pub async fn have_all_expired(&self, arrived_before: i64) -> Result<bool, StoreError> {
        self.database
            .read(move |connection| {
                let any = connection.first("SELECT no FROM findings LIMIT 1", &values![])?;
                let newer = connection
                    .first("SELECT no FROM findings WHERE arrived >= $1 LIMIT 1", &values![arrived_before])?;
                Ok(any.is_some() && newer.is_none())
            })
            .await
    }

    /// Removes findings that last arrived before `arrived_before` (ms since the epoch), and what is left of deleted
    /// detectors. Answers how many findings went. In small steps, between which others may write.
    pub async fn remove_expired(&self, arrived_before: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let step = self.database.write(move |connection| remove_some(connection, arrived_before)).await?;
            removed += step as u64;
            if step < REMOVED_AT_ONCE_MAX {
                return Ok(removed);
            }
        }
    }
}

impl Feedback {
    /// As the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Useful => "USEFUL",
            Self::NotUseful => "NOT_USEFUL",
        }
    }
}

/// A finding taken apart for its row. Done before the writing thread is asked, which is the one that must not wait.
#[derive(Debug)]
pub(crate) struct Prepared {
    id: String,
    updated: i64,
    count: i64,
    severity: f64,
    archived: bool,
    suppressed_by: Option<String>,
    finding_type: String,
    resource_type: String,
    role: String,
    action: String,
    resource_id: String,
    facts: Facts,
    body: Vec<u8>,
}

impl Prepared {
    pub(crate) fn of(scope: &Scope, write: &FindingWrite) -> Result<Self, StoreError> {
        let body = &write.body;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let lacks = |member: &'static str| StoreError::NotAFinding { id: text("/id"), member };
        let updated = Time::parse_utc(&text("/updatedAt")).ok_or_else(|| lacks("updatedAt"))?;
        let severity = body.get("severity").and_then(Value::as_f64).ok_or_else(|| lacks("severity"))?;
        for member in ["id", "type"] {
            if text(&format!("/{member}")).is_empty() {
                return Err(lacks(member));
            }
        }
        // Lists of several accounts look at the detector's account instead of the finding's.
        if text("/accountId") != scope.account {
            return Err(lacks("accountId of its detector"));
        }
        Ok(Self {
            id: text("/id"),
            updated: updated.ms(),
            count: body.pointer("/service/count").and_then(Value::as_i64).unwrap_or(1),
            severity,
            archived: write.suppressed_by.is_some()
                || body.pointer("/service/archived").and_then(Value::as_bool) == Some(true),
            suppressed_by: write.suppressed_by.clone(),
            finding_type: text("/type"),
            resource_type: text("/resource/resourceType"),
            role: text("/service/resourceRole"),
            action: text("/service/action/actionType"),
            resource_id: resource_id(body),
            facts: attributes::facts(body),
            body: pack(body)?,
        })
    }
}

/// The id of what a finding is about, as statistics by resource name it. Samples carry details of other kinds of
/// resource too; the type of resource decides.
fn resource_id(finding: &Value) -> String {
    let pointers: &[&str] = match finding.pointer("/resource/resourceType").and_then(Value::as_str).unwrap_or_default()
    {
        "Instance" => &["/instanceDetails/instanceId"],
        "AccessKey" => {
            &["/accessKeyDetails/accessKeyId", "/accessKeyDetails/principalId", "/accessKeyDetails/userName"]
        }
        "S3Bucket" | "S3Object" => &["/s3BucketDetails/0/arn", "/s3BucketDetails/0/name"],
        "EKSCluster" => &["/eksClusterDetails/arn", "/eksClusterDetails/name"],
        "ECSCluster" => &["/ecsClusterDetails/arn", "/ecsClusterDetails/name"],
        "Container" => &["/containerDetails/id", "/containerDetails/name"],
        "Lambda" => &["/lambdaDetails/functionArn", "/lambdaDetails/functionName"],
        "RDSDBInstance" => &["/rdsDbInstanceDetails/dbInstanceArn", "/rdsDbInstanceDetails/dbInstanceIdentifier"],
        "RDSLimitlessDB" => {
            &["/rdsLimitlessDbDetails/dbShardGroupArn", "/rdsLimitlessDbDetails/dbShardGroupIdentifier"]
        }
        _ => &[],
    };
    let mut texts = pointers.iter().filter_map(|pointer| finding.pointer(&format!("/resource{pointer}"))?.as_str());
    let id = texts.find(|text| !text.is_empty()).unwrap_or_default();
    if id.len() <= RESOURCE_ID_MAX {
        return id.to_owned();
    }
    let kept = &id[..id.floor_char_boundary(RESOURCE_ID_MAX)];
    format!("{kept}…{:016x}", xxhash_rust::xxh3::xxh3_64(id.as_bytes()))
}

/// Bytes of the id of a resource that statistics name it by. Of a longer one, which no service gives, the hash tells the
/// rest: the text is from a log, and an entry of PostgreSQL's indexes ends at 2,704 bytes.
const RESOURCE_ID_MAX: usize = 1_024;

/// Writes findings of a detector, in their order; answers what became of each.
pub(crate) fn put(
    connection: &dyn Connection,
    detector: i64,
    findings: Vec<Prepared>,
    now: i64,
) -> Result<Vec<FindingOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(findings.len());
    let (mut together, mut ids) = (Vec::new(), HashSet::new());
    for finding in findings {
        // What comes twice is written first, and grows then.
        if !ids.insert(finding.id.clone()) || together.len() >= WRITTEN_AT_ONCE_MAX {
            outcomes.extend(put_different(connection, detector, std::mem::take(&mut together), now)?);
            ids.clear();
            ids.insert(finding.id.clone());
        }
        together.push(finding);
    }
    outcomes.extend(put_different(connection, detector, together, now)?);
    Ok(outcomes)
}

/// Writes findings of which no two have one id.
fn put_different(
    connection: &dyn Connection,
    detector: i64,
    findings: Vec<Prepared>,
    now: i64,
) -> Result<Vec<FindingOutcome>, StoreError> {
    let mut stored = stored(connection, detector, &findings)?;
    let (mut outcomes, mut new, mut grown) = (Vec::with_capacity(findings.len()), Vec::new(), Vec::new());
    for finding in findings {
        let Some(stored) = stored.remove(&finding.id) else {
            let (archived, suppressed) = (finding.archived, finding.suppressed_by.is_some());
            outcomes.push(FindingOutcome { written: Written::New, archived, suppressed });
            new.push(finding);
            continue;
        };
        let (archived, suppressed) = (stored.archived, stored.suppressed);
        if finding.updated < stored.updated || finding.body == stored.body {
            outcomes.push(FindingOutcome { written: Written::Unchanged, archived, suppressed });
            continue;
        }
        outcomes.push(FindingOutcome { written: Written::Grown, archived, suppressed });
        grown.push((stored, finding));
    }
    if !new.is_empty() {
        insert(connection, detector, new, now)?;
    }
    if !grown.is_empty() {
        grow(connection, detector, grown, now)?;
    }
    Ok(outcomes)
}

/// A finding as it is stored.
struct Stored {
    no: i64,
    updated: i64,
    archived: bool,
    suppressed: bool,
    occurrences: i64,
    facts: String,
    body: Vec<u8>,
}

/// Those of the findings that are stored already, by id.
fn stored(
    connection: &dyn Connection,
    detector: i64,
    findings: &[Prepared],
) -> Result<HashMap<String, Stored>, StoreError> {
    let mut sql = Sql::new(
        connection.dialect(),
        "SELECT f.id, f.no, f.updated, f.archived, f.suppressed, f.occurrences, f.facts, b.body \
         FROM findings f JOIN bodies b ON b.finding = f.no WHERE f.detector = ",
    );
    sql.bind(detector).push(" AND f.id").is_in(findings.iter().map(|finding| &finding.id));
    let stored = |mut row: Row| {
        let stored = Stored {
            no: row.take(1)?,
            updated: row.take(2)?,
            archived: row.take(3)?,
            suppressed: row.take(4)?,
            occurrences: row.take(5)?,
            facts: row.take(6)?,
            body: row.take(7)?,
        };
        Ok((row.take(0)?, stored))
    };
    sql.query(connection)?.into_iter().map(stored).collect()
}

const FINDINGS: Table = Table {
    name: "findings",
    columns: &[
        ("no", Kind::Integer),
        ("detector", Kind::Integer),
        ("id", Kind::Text),
        ("updated", Kind::Integer),
        ("severity", Kind::Real),
        ("archived", Kind::Integer),
        ("suppressed", Kind::Integer),
        ("type", Kind::Text),
        ("resource_type", Kind::Text),
        ("role", Kind::Text),
        ("action", Kind::Text),
        ("resource_id", Kind::Text),
        ("occurrences", Kind::Integer),
        ("arrived", Kind::Integer),
        ("facts", Kind::Json),
        ("suppressed_by", Kind::Text),
    ],
};
const BODIES: Table = Table { name: "bodies", columns: &[("finding", Kind::Integer), ("body", Kind::Blob)] };
const HISTORY: Table =
    Table { name: "history", columns: &[("finding", Kind::Integer), ("number", Kind::Integer), ("body", Kind::Blob)] };
const NEEDLES: Table = Table {
    name: "needles",
    columns: &[
        ("detector", Kind::Integer),
        ("bucket", Kind::Integer),
        ("attribute", Kind::Integer),
        ("hash", Kind::Integer),
        ("finding", Kind::Integer),
    ],
};

/// The bucket in which a finding's needles are, as the schema says.
pub(crate) const fn bucket(finding: i64) -> i64 {
    finding / 32_768
}

fn needle(detector: i64, finding: i64, (code, hash): (u16, i64)) -> [SqlValue; 5] {
    values![detector, bucket(finding), code, hash, finding]
}

fn insert(connection: &dyn Connection, detector: i64, findings: Vec<Prepared>, now: i64) -> Result<(), StoreError> {
    // Only one transaction writes at a time, so nobody else takes these numbers.
    let last = connection.number("SELECT coalesce(max(no), 0) FROM findings", &[])?;
    let (mut rows, mut bodies, mut needles) = (Vec::new(), Vec::new(), Vec::new());
    for (no, finding) in (last + 1..).zip(findings) {
        needles.extend(finding.facts.needles.iter().map(|&each| (each, no)));
        rows.push(
            values![
                no,
                detector,
                finding.id,
                finding.updated,
                finding.severity,
                finding.archived,
                finding.suppressed_by.is_some(),
                finding.finding_type,
                finding.resource_type,
                finding.role,
                finding.action,
                finding.resource_id,
                0i64,
                now,
                SqlValue::Json(finding.facts.json),
                finding.suppressed_by,
            ]
            .to_vec(),
        );
        bodies.push(values![no, finding.body].to_vec());
    }
    connection.insert_all(&FINDINGS, rows)?;
    connection.insert_all(&BODIES, bodies)?;
    // In the order of the table, so that its pages are visited once.
    needles.sort_unstable_by_key(|&(each, no)| (bucket(no), each, no));
    connection.insert_all(&NEEDLES, needles.into_iter().map(|(each, no)| needle(detector, no, each).to_vec()).collect())
}

/// Puts later states in the places of earlier ones, which go into the history.
fn grow(
    connection: &dyn Connection,
    detector: i64,
    findings: Vec<(Stored, Prepared)>,
    now: i64,
) -> Result<(), StoreError> {
    let (mut rows, mut bodies, mut history, mut old_history) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut old_needles, mut new_needles) = (Vec::new(), Vec::new());
    for (stored, finding) in findings {
        let no = stored.no;
        let earlier = unpack("finding", &stored.body)?;
        let is_growth = finding.updated > stored.updated || count_of(&earlier) != finding.count;
        if is_growth {
            let number = stored.occurrences + 1;
            history.push(values![no, number, pack(&occurrence(&earlier))?].to_vec());
            old_history.push(values![no, number - (OCCURRENCES_MAX as i64 - 1)].to_vec());
        }
        let before = attributes::needles_of(&stored.facts);
        old_needles.extend(before.difference(&finding.facts.needles).map(|&each| needle(detector, no, each).to_vec()));
        new_needles.extend(finding.facts.needles.difference(&before).map(|&each| needle(detector, no, each).to_vec()));
        rows.push(
            values![
                finding.updated,
                finding.severity,
                finding.finding_type,
                finding.resource_type,
                finding.role,
                finding.action,
                finding.resource_id,
                is_growth,
                now,
                SqlValue::Json(finding.facts.json),
                no,
            ]
            .to_vec(),
        );
        bodies.push(values![finding.body, no].to_vec());
    }
    connection.insert_all(&HISTORY, history)?;
    // The first stays, and the newest of the others.
    let sql = "DELETE FROM history WHERE finding = $1 AND number > 1 AND number <= $2";
    connection.execute_each(sql, &old_history)?;
    let sql = "UPDATE findings SET updated = $1, severity = $2, type = $3, resource_type = $4, role = $5, action = $6, \
               resource_id = $7, occurrences = occurrences + $8, arrived = $9, facts = $10 WHERE no = $11";
    connection.execute_each(sql, &rows)?;
    connection.execute_each("UPDATE bodies SET body = $1 WHERE finding = $2", &bodies)?;
    connection.execute_each(DELETE_NEEDLE, &old_needles)?;
    connection.insert_all(&NEEDLES, new_needles)
}

const DELETE_NEEDLE: &str =
    "DELETE FROM needles WHERE detector = $1 AND bucket = $2 AND attribute = $3 AND hash = $4 AND finding = $5";

fn count_of(finding: &Value) -> i64 {
    finding.pointer("/service/count").and_then(Value::as_i64).unwrap_or(1)
}

/// What the history keeps of a finding.
fn occurrence(finding: &Value) -> Value {
    let service = finding.get("service").and_then(Value::as_object);
    let kept = ["action", "additionalInfo", "count", "eventFirstSeen", "eventLastSeen", "evidence", "resourceRole"];
    let service: Map<String, Value> = service
        .into_iter()
        .flatten()
        .filter(|(member, _)| kept.contains(&member.as_str()))
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect();
    json!({
        "updatedAt": finding.get("updatedAt"),
        "severity": finding.get("severity"),
        "title": finding.get("title"),
        "service": service,
    })
}

fn read(
    connection: &dyn Connection,
    scopes: &[Scope],
    ids: &[String],
    texts: &[String],
) -> Result<Vec<StoredFinding>, StoreError> {
    let detectors = detectors(connection, scopes)?;
    let mut sql = Sql::new(
        connection.dialect(),
        "SELECT f.detector, f.id, f.archived, f.suppressed, f.arrived, f.feedback, f.comments, b.body, f.suppressed_by \
         FROM findings f JOIN bodies b ON b.finding = f.no WHERE f.detector",
    );
    sql.is_in(detectors.iter().map(|(no, _)| *no)).push(" AND f.id").is_in(ids);
    // Of an id that several have, the first of them.
    let mut found: HashMap<String, (usize, StoredFinding)> = HashMap::new();
    for mut row in sql.query(connection)? {
        let (detector, id): (i64, String) = (row.take(0)?, row.take(1)?);
        let at = detectors.iter().position(|(no, _)| *no == detector).ok_or(StoreError::WrongKind)?;
        if found.get(&id).is_some_and(|(other, _)| *other <= at) {
            continue;
        }
        let feedback = row.take::<Option<String>>(5)?;
        let json = unpacked("finding", &row.take::<Vec<u8>>(7)?)?;
        if feedback.is_none() && !has_all(&json, texts) {
            continue;
        }
        let mut body = parsed("finding", &json)?;
        if let Some(service) = body.get_mut("service").and_then(Value::as_object_mut) {
            service.insert("archived".to_owned(), Value::Bool(row.take(2)?));
            if let Some(feedback) = feedback {
                service.insert("userFeedback".to_owned(), Value::String(feedback));
            }
        }
        let scope = detectors[at].1.clone();
        let (suppressed, arrived, comments) = (row.take(3)?, row.take(4)?, row.take(6)?);
        let suppressed_by = row.take::<Option<String>>(8)?.filter(|_| suppressed);
        found.insert(id, (at, StoredFinding { scope, body, suppressed, suppressed_by, arrived, comments }));
    }
    Ok(ids.iter().filter_map(|id| Some(found.get(id)?.1.clone())).collect())
}

fn history(connection: &dyn Connection, scope: &Scope, id: &str) -> Result<Option<History>, StoreError> {
    let Some(detector) = detector_no(connection, scope)? else { return Ok(None) };
    let sql = "SELECT no, occurrences FROM findings WHERE detector = $1 AND id = $2";
    let Some(mut row) = connection.first(sql, &values![detector, id])? else { return Ok(None) };
    let (no, count): (i64, i64) = (row.take(0)?, row.take(1)?);
    let bodies = connection.query("SELECT body FROM history WHERE finding = $1 ORDER BY number", &values![no])?;
    let occurrence = |mut row: Row| unpack("occurrence", &row.take::<Vec<u8>>(0)?);
    let occurrences = bodies.into_iter().map(occurrence).collect::<Result<_, _>>()?;
    Ok(Some(History { occurrences, count: count.unsigned_abs() }))
}

fn update(
    connection: &dyn Connection,
    scopes: &[Scope],
    ids: &[String],
    set: impl FnOnce(&mut Sql),
) -> Result<usize, StoreError> {
    let detectors = detectors(connection, scopes)?;
    let mut sql = Sql::new(connection.dialect(), "UPDATE findings SET ");
    set(&mut sql);
    sql.push(" WHERE detector").is_in(detectors.iter().map(|(no, _)| *no)).push(" AND id").is_in(ids);
    Ok(usize::try_from(sql.execute(connection)?).unwrap_or(usize::MAX))
}

fn remove_some(connection: &dyn Connection, arrived_before: i64) -> Result<usize, StoreError> {
    let expired = "SELECT no, detector, facts FROM findings WHERE arrived < $1 LIMIT $2";
    let mut rows = rows_to_remove(connection, expired, arrived_before, REMOVED_AT_ONCE_MAX)?;
    let deleted = "SELECT f.no, f.detector, f.facts FROM detectors d JOIN findings f ON f.detector = d.no \
                   WHERE d.deleted = $1 LIMIT $2";
    let more = rows_to_remove(connection, deleted, 1, REMOVED_AT_ONCE_MAX - rows.len())?;
    rows.extend(more.into_iter().filter(|(no, ..)| !rows.iter().any(|(other, ..)| other == no)).collect::<Vec<_>>());
    let needles: Vec<Vec<SqlValue>> = rows
        .iter()
        .flat_map(|(no, detector, facts)| {
            attributes::needles_of(facts).into_iter().map(|each| needle(*detector, *no, each).to_vec())
        })
        .collect();
    connection.execute_each(DELETE_NEEDLE, &needles)?;
    let numbers: Vec<Vec<SqlValue>> = rows.iter().map(|(no, ..)| values![*no].to_vec()).collect();
    for sql in [
        "DELETE FROM findings WHERE no = $1",
        "DELETE FROM bodies WHERE finding = $1",
        "DELETE FROM history WHERE finding = $1",
    ] {
        connection.execute_each(sql, &numbers)?;
    }
    connection.batch(
        "DELETE FROM detectors WHERE deleted = 1 \
         AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.detector = detectors.no)",
    )?;
    Ok(rows.len())
}

fn rows_to_remove(
    connection: &dyn Connection,
    sql: &str,
    value: i64,
    limit: usize,
) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(0);
    let taken = |mut row: Row| Ok((row.take(0)?, row.take(1)?, row.take(2)?));
    connection.query(sql, &values![value, limit])?.into_iter().map(taken).collect()
}

/// The number of a detector that holds findings.
pub(crate) fn detector_no(connection: &dyn Connection, scope: &Scope) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT no FROM detectors WHERE account = $1 AND region = $2 AND detector = $3 AND deleted = 0";
    let row = connection.first(sql, &values![&scope.account, &scope.region, &scope.detector])?;
    row.map(|mut row| row.take(0)).transpose()
}

/// The numbers of those detectors that hold findings.
pub(crate) fn detectors<'s>(
    connection: &dyn Connection,
    scopes: &'s [Scope],
) -> Result<Vec<(i64, &'s Scope)>, StoreError> {
    let mut found = Vec::new();
    for scope in scopes {
        if let Some(no) = detector_no(connection, scope)? {
            found.push((no, scope));
        }
    }
    Ok(found)
}

/// The number of a detector, given to it now if it has none.
pub(crate) fn detector_no_or_new(connection: &dyn Connection, scope: &Scope) -> Result<i64, StoreError> {
    if let Some(no) = detector_no(connection, scope)? {
        return Ok(no);
    }
    let sql = "INSERT INTO detectors (no, account, region, detector) \
               SELECT coalesce(max(no), 0) + 1, $1, $2, $3 FROM detectors RETURNING no";
    connection.number(sql, &values![&scope.account, &scope.region, &scope.detector])
}

/// Makes a detector's findings invisible at once; [`Store::remove_expired`] removes them. Its row gives up its name, so
/// that a detector of the same id may come.
pub(crate) fn delete_detector(
    connection: &dyn Connection,
    account: &str,
    region: &str,
    detector: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE detectors SET deleted = 1, detector = detector || ' deleted ' || no \
               WHERE account = $1 AND region = $2 AND detector = $3 AND deleted = 0";
    connection.execute(sql, &values![account, region, detector]).map(drop)
}

/// The age at which findings go is counted from this clock, as their arrival is.
pub fn arrived_before(retention: std::time::Duration) -> i64 {
    now_ms().saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX))
}

thread_local! {
    /// Contexts of zstd take longer to make than a finding takes to compress.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// zstd's fastest ordinary level.
const COMPRESSION: i32 = 1;

/// JSON as it is stored: compressed. A finding's is three kilobytes of names that all findings share, and less to write is
/// less to wait for.
fn pack(value: &Value) -> Result<Vec<u8>, StoreError> {
    let packed = PACKER.with_borrow_mut(|packer| {
        let packer = match packer {
            Some(packer) => packer,
            None => packer.insert(zstd::bulk::Compressor::new(COMPRESSION)?),
        };
        packer.compress(value.to_string().as_bytes())
    });
    packed.map_err(|cause| StoreError::Pack { cause })
}

fn unpack(what: &'static str, bytes: &[u8]) -> Result<Value, StoreError> {
    parsed(what, &unpacked(what, bytes)?)
}

fn parsed(what: &'static str, json: &[u8]) -> Result<Value, StoreError> {
    serde_json::from_slice(json).map_err(|cause| StoreError::Corrupt { what, cause })
}

/// Whether each of these texts, which are in small letters, stands in JSON.
fn has_all(json: &[u8], texts: &[String]) -> bool {
    let Some(json) = (!texts.is_empty()).then(|| String::from_utf8_lossy(json).to_lowercase()) else { return true };
    texts.iter().all(|text| json.contains(text))
}

/// JSON as [`pack`] was given it.
fn unpacked(what: &'static str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let text = UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            None => unpacker.insert(zstd::bulk::Decompressor::new()?),
        };
        // What `pack` wrote says how long it is.
        let size = zstd::bulk::Decompressor::upper_bound(bytes).unwrap_or(bytes.len());
        unpacker.decompress(bytes, size)
    });
    text.map_err(|cause| StoreError::Unpack { what, cause })
}
