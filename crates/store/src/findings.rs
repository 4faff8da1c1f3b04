//! Findings: stored once, grown, archived, read back, forgotten.

use crate::attributes::{self, Facts};
use crate::changes::now_ms;
use crate::sql::Sql;
use crate::{Change, Store, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value, json};
use watchfire_model::Time;

/// Earlier occurrences of a finding that are kept: the first, and the newest of the others. What was dropped is counted.
pub const OCCURRENCES_MAX: u64 = 100;

/// Findings that are removed in one transaction, so that writers in between do not wait long.
const REMOVED_AT_ONCE_MAX: usize = 500;

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
        self.sqlite.read(move |connection| read(connection, &scopes, &ids)).await
    }

    /// The earlier occurrences of a finding; `None` if there is no such finding.
    pub async fn history(&self, scope: &Scope, id: &str) -> Result<Option<History>, StoreError> {
        let (scope, id) = (scope.clone(), id.to_owned());
        self.sqlite.read(move |connection| history(connection, &scope, &id)).await
    }

    /// Archives findings, or takes them out of the archive; answers how many of the ids there are.
    pub async fn set_archived(&self, scopes: &[Scope], ids: &[String], archived: bool) -> Result<usize, StoreError> {
        let (scopes, ids) = (scopes.to_vec(), ids.to_vec());
        // A finding that a person archives is not suppressed: events about it go on being sent.
        let set = move |sql: &mut Sql| {
            sql.push("archived = ").bind(i64::from(archived));
            sql.push(", suppressed = CASE WHEN archived = 0 OR ").bind(i64::from(!archived));
            sql.push(" = 1 THEN 0 ELSE suppressed END");
        };
        self.sqlite.write(move |connection| update(connection, &scopes, &ids, set)).await
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
            sql.push("feedback = ").bind(feedback.name().to_owned());
            sql.push(", comments = ").bind(comments);
        };
        self.sqlite.write(move |connection| update(connection, &scopes, &ids, set)).await
    }

    /// How many findings of a detector filters have archived when they were born.
    pub async fn suppressed_count(&self, scope: &Scope) -> Result<u64, StoreError> {
        let scope = scope.clone();
        self.sqlite
            .read(move |connection| {
                let Some(detector) = detector_no(connection, &scope)? else { return Ok(0) };
                let mut sql =
                    Sql::new("SELECT count(*) FROM findings WHERE archived = 1 AND suppressed = 1 AND detector = ");
                sql.bind(detector);
                Ok(sql.number(connection)?.unsigned_abs())
            })
            .await
    }

    /// Removes findings that last arrived before `arrived_before` (ms since the epoch), and what is left of deleted
    /// detectors. Answers how many findings went. In small steps, between which others may write.
    pub async fn remove_expired(&self, arrived_before: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let step = self.sqlite.write(move |connection| remove_some(connection, arrived_before)).await?;
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
    let texts = pointers.iter().filter_map(|pointer| finding.pointer(&format!("/resource{pointer}"))?.as_str());
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

/// Writes one finding.
pub(crate) fn put(
    connection: &Connection,
    detector: i64,
    finding: &Prepared,
    now: i64,
) -> Result<FindingOutcome, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT f.no, f.updated, f.archived, f.suppressed, f.facts, b.body \
         FROM findings f JOIN bodies b ON b.finding = f.no WHERE f.detector = $1 AND f.id = $2",
    )?;
    let stored = select.query_row(params![detector, finding.id], Stored::of).optional()?;
    let Some(stored) = stored else {
        insert(connection, detector, finding, now)?;
        let (archived, suppressed) = (finding.archived, finding.suppressed_by.is_some());
        return Ok(FindingOutcome { written: Written::New, archived, suppressed });
    };
    let outcome = |written| FindingOutcome { written, archived: stored.archived, suppressed: stored.suppressed };
    if finding.updated < stored.updated || finding.body == stored.body {
        return Ok(outcome(Written::Unchanged));
    }
    let earlier = unpack("finding", &stored.body)?;
    let is_growth = finding.updated > stored.updated || count_of(&earlier) != finding.count;
    if is_growth {
        keep_occurrence(connection, stored.no, &earlier)?;
    }
    let mut statement = connection.prepare_cached(
        "UPDATE findings SET updated = $1, severity = $2, type = $3, resource_type = $4, role = $5, action = $6, \
         resource_id = $7, occurrences = occurrences + $8, arrived = $9, facts = $10 WHERE no = $11",
    )?;
    statement.execute(params![
        finding.updated,
        finding.severity,
        finding.finding_type,
        finding.resource_type,
        finding.role,
        finding.action,
        finding.resource_id,
        i64::from(is_growth),
        now,
        finding.facts.json,
        stored.no,
    ])?;
    connection
        .prepare_cached("UPDATE bodies SET body = $1 WHERE finding = $2")?
        .execute(params![finding.body, stored.no])?;
    let before = attributes::needles_of(&stored.facts);
    let mut remove = connection.prepare_cached(DELETE_NEEDLE)?;
    for (code, hash) in before.difference(&finding.facts.needles) {
        remove.execute(params![detector, code, hash, stored.no])?;
    }
    let mut add = connection.prepare_cached(INSERT_NEEDLE)?;
    for (code, hash) in finding.facts.needles.difference(&before) {
        add.execute(params![detector, code, hash, stored.no])?;
    }
    Ok(outcome(Written::Grown))
}

const INSERT_NEEDLE: &str = "INSERT INTO needles (detector, attribute, hash, finding) VALUES ($1, $2, $3, $4)";
const DELETE_NEEDLE: &str = "DELETE FROM needles WHERE detector = $1 AND attribute = $2 AND hash = $3 AND finding = $4";

struct Stored {
    no: i64,
    updated: i64,
    archived: bool,
    suppressed: bool,
    facts: String,
    body: Vec<u8>,
}

impl Stored {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            no: row.get(0)?,
            updated: row.get(1)?,
            archived: row.get(2)?,
            suppressed: row.get(3)?,
            facts: row.get(4)?,
            body: row.get(5)?,
        })
    }
}

fn insert(connection: &Connection, detector: i64, finding: &Prepared, now: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO findings (detector, id, updated, severity, archived, suppressed, type, resource_type, role, action, \
         resource_id, occurrences, arrived, facts, suppressed_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14)",
    )?;
    let no = statement.insert(params![
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
        now,
        finding.facts.json,
        finding.suppressed_by,
    ])?;
    let mut body = connection.prepare_cached("INSERT INTO bodies (finding, body) VALUES ($1, $2)")?;
    body.execute(params![no, finding.body])?;
    let mut needle = connection.prepare_cached(INSERT_NEEDLE)?;
    for (code, hash) in &finding.facts.needles {
        needle.execute(params![detector, code, hash, no])?;
    }
    Ok(())
}

fn count_of(finding: &Value) -> i64 {
    finding.pointer("/service/count").and_then(Value::as_i64).unwrap_or(1)
}

/// Puts what a finding says now into its history, and drops what is too much.
fn keep_occurrence(connection: &Connection, no: i64, finding: &Value) -> Result<(), StoreError> {
    let service = finding.get("service").and_then(Value::as_object);
    let kept = ["action", "additionalInfo", "count", "eventFirstSeen", "eventLastSeen", "evidence", "resourceRole"];
    let service: Map<String, Value> = service
        .into_iter()
        .flatten()
        .filter(|(member, _)| kept.contains(&member.as_str()))
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect();
    let occurrence = json!({
        "updatedAt": finding.get("updatedAt"),
        "severity": finding.get("severity"),
        "title": finding.get("title"),
        "service": service,
    });
    let mut statement = connection.prepare_cached("SELECT occurrences + 1 FROM findings WHERE no = $1")?;
    let number: i64 = statement.query_row([no], |row| row.get(0))?;
    let mut statement = connection.prepare_cached("INSERT INTO history (finding, number, body) VALUES ($1, $2, $3)")?;
    statement.execute(params![no, number, pack(&occurrence)?])?;
    let newest_kept = number - (OCCURRENCES_MAX as i64 - 1);
    let mut statement =
        connection.prepare_cached("DELETE FROM history WHERE finding = $1 AND number > 1 AND number <= $2")?;
    statement.execute(params![no, newest_kept])?;
    Ok(())
}

fn read(connection: &Connection, scopes: &[Scope], ids: &[String]) -> Result<Vec<StoredFinding>, StoreError> {
    let mut found = Vec::new();
    let detectors = detectors(connection, scopes)?;
    let mut statement = connection.prepare_cached(
        "SELECT f.archived, f.suppressed, f.arrived, f.feedback, f.comments, b.body, f.suppressed_by \
         FROM findings f JOIN bodies b ON b.finding = f.no WHERE f.detector = $1 AND f.id = $2",
    )?;
    for id in ids {
        for (detector, scope) in &detectors {
            let mut rows = statement.query(params![detector, id])?;
            let Some(row) = rows.next()? else { continue };
            let mut body = unpack("finding", &row.get::<_, Vec<u8>>(5)?)?;
            if let Some(service) = body.get_mut("service").and_then(Value::as_object_mut) {
                service.insert("archived".to_owned(), Value::Bool(row.get(0)?));
                if let Some(feedback) = row.get::<_, Option<String>>(3)? {
                    service.insert("userFeedback".to_owned(), Value::String(feedback));
                }
            }
            let suppressed = row.get(1)?;
            found.push(StoredFinding {
                scope: (*scope).clone(),
                body,
                suppressed,
                suppressed_by: row.get::<_, Option<String>>(6)?.filter(|_| suppressed),
                arrived: row.get(2)?,
                comments: row.get(4)?,
            });
            break;
        }
    }
    Ok(found)
}

fn history(connection: &Connection, scope: &Scope, id: &str) -> Result<Option<History>, StoreError> {
    let Some(detector) = detector_no(connection, scope)? else { return Ok(None) };
    let mut statement =
        connection.prepare_cached("SELECT no, occurrences FROM findings WHERE detector = $1 AND id = $2")?;
    let row: Option<(i64, i64)> =
        statement.query_row(params![detector, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((no, count)) = row else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT body FROM history WHERE finding = $1 ORDER BY number")?;
    let bodies: Vec<Vec<u8>> = statement.query_map([no], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let occurrences = bodies.iter().map(|body| unpack("occurrence", body)).collect::<Result<_, _>>()?;
    Ok(Some(History { occurrences, count: count.unsigned_abs() }))
}

fn update(
    connection: &Connection,
    scopes: &[Scope],
    ids: &[String],
    set: impl FnOnce(&mut Sql),
) -> Result<usize, StoreError> {
    let detectors = detectors(connection, scopes)?;
    let mut sql = Sql::new("UPDATE findings SET ");
    set(&mut sql);
    sql.push(" WHERE detector IN (").bind_all(detectors.iter().map(|(no, _)| *no));
    sql.push(") AND id IN (").bind_all(ids.iter().cloned()).push(")");
    Ok(sql.prepare(connection)?.execute(sql.params())?)
}

fn remove_some(connection: &Connection, arrived_before: i64) -> Result<usize, StoreError> {
    let expired = "SELECT no, detector, facts FROM findings WHERE arrived < $1 LIMIT $2";
    let mut rows = rows_to_remove(connection, expired, arrived_before, REMOVED_AT_ONCE_MAX)?;
    let deleted = "SELECT f.no, f.detector, f.facts FROM detectors d JOIN findings f ON f.detector = d.no \
                   WHERE d.deleted = $1 LIMIT $2";
    let more = rows_to_remove(connection, deleted, 1, REMOVED_AT_ONCE_MAX - rows.len())?;
    rows.extend(more.into_iter().filter(|(no, ..)| !rows.iter().any(|(other, ..)| other == no)).collect::<Vec<_>>());
    let mut needle = connection.prepare_cached(DELETE_NEEDLE)?;
    for (no, detector, facts) in &rows {
        for (code, hash) in attributes::needles_of(facts) {
            needle.execute(params![detector, code, hash, no])?;
        }
        for sql in [
            "DELETE FROM findings WHERE no = $1",
            "DELETE FROM bodies WHERE finding = $1",
            "DELETE FROM history WHERE finding = $1",
        ] {
            connection.prepare_cached(sql)?.execute([no])?;
        }
    }
    connection.execute(
        "DELETE FROM detectors WHERE deleted = 1 AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.detector = no)",
        [],
    )?;
    Ok(rows.len())
}

fn rows_to_remove(
    connection: &Connection,
    sql: &str,
    value: i64,
    limit: usize,
) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(0);
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![value, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The number of a detector that holds findings.
pub(crate) fn detector_no(connection: &Connection, scope: &Scope) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT no FROM detectors WHERE account = $1 AND region = $2 AND detector = $3 AND deleted = 0",
    )?;
    Ok(statement.query_row(params![scope.account, scope.region, scope.detector], |row| row.get(0)).optional()?)
}

/// The numbers of those detectors that hold findings.
pub(crate) fn detectors<'s>(connection: &Connection, scopes: &'s [Scope]) -> Result<Vec<(i64, &'s Scope)>, StoreError> {
    let mut found = Vec::new();
    for scope in scopes {
        if let Some(no) = detector_no(connection, scope)? {
            found.push((no, scope));
        }
    }
    Ok(found)
}

/// The number of a detector, given to it now if it has none.
pub(crate) fn detector_no_or_new(connection: &Connection, scope: &Scope) -> Result<i64, StoreError> {
    if let Some(no) = detector_no(connection, scope)? {
        return Ok(no);
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO detectors (account, region, detector) VALUES ($1, $2, $3)")?;
    Ok(statement.insert(params![scope.account, scope.region, scope.detector])?)
}

/// Makes a detector's findings invisible at once; [`Store::remove_expired`] removes them. Its row gives up its name, so
/// that a detector of the same id may come.
pub(crate) fn delete_detector(
    connection: &Connection,
    account: &str,
    region: &str,
    detector: &str,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE detectors SET deleted = 1, detector = detector || ' deleted ' || no \
         WHERE account = $1 AND region = $2 AND detector = $3 AND deleted = 0",
    )?;
    statement.execute(params![account, region, detector])?;
    Ok(())
}

/// The age at which findings go is counted from this clock, as their arrival is.
pub fn arrived_before(retention: std::time::Duration) -> i64 {
    now_ms().saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX))
}

/// JSON as it is stored: compressed. A finding's is three kilobytes of names that all findings share, and less to write is
/// less to wait for.
fn pack(value: &Value) -> Result<Vec<u8>, StoreError> {
    zstd::bulk::compress(value.to_string().as_bytes(), COMPRESSION).map_err(|cause| StoreError::Pack { cause })
}

/// zstd's fastest ordinary level.
const COMPRESSION: i32 = 1;

fn unpack(what: &'static str, bytes: &[u8]) -> Result<Value, StoreError> {
    let text = zstd::stream::decode_all(bytes).map_err(|cause| StoreError::Unpack { what, cause })?;
    serde_json::from_slice(&text).map_err(|cause| StoreError::Corrupt { what, cause })
}
