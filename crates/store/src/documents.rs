//! Documents: every API resource but findings, a JSON body under a key.

use crate::database::Connection;
use crate::sql::{Row, Sql, values};
use crate::{Expect, Store, StoreError};
use serde_json::Value;

/// Names one document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The account it belongs to.
    pub account: String,
    /// The region; empty for what has none.
    pub region: String,
    /// What it is: `detector`, `filter`, ….
    pub kind: &'static str,
    /// The detector that it hangs on, or empty.
    pub parent: String,
    /// Its id or name, unique under the parent for its kind.
    pub id: String,
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name.
    pub key: Key,
    /// Its content.
    pub body: Value,
    /// 1 when it was made, and one more with each change.
    pub version: u64,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// When it was last changed, ms since the epoch.
    pub updated: i64,
}

/// Which documents to list; what is `None` may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Their kind.
    pub kind: &'static str,
    /// Their account.
    pub account: Option<String>,
    /// Their region.
    pub region: Option<String>,
    /// Their parent.
    pub parent: Option<String>,
}

impl Store {
    /// One document, if there is such.
    pub async fn document(&self, key: &Key) -> Result<Option<Document>, StoreError> {
        let key = key.clone();
        self.database.read(move |connection| get(connection, &key)).await
    }

    /// Documents of a kind by (account, region, parent, id), at most `limit`, those after `after` in that order.
    ///
    /// The last one's key is the next call's `after`: what is put or removed in between moves no other document from
    /// one page to another.
    pub async fn documents(
        &self,
        range: &Range,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let (range, after) = (range.clone(), after.cloned());
        self.database.read(move |connection| list(connection, &range, after.as_ref(), limit)).await
    }
}

impl Store {
    /// Tells one state of all documents of these kinds from another: numbers that change with every document that is put
    /// or deleted. Reading them is cheap beside reading the documents.
    pub async fn documents_stamp(&self, kinds: &[&'static str]) -> Result<Vec<[i64; 3]>, StoreError> {
        let kinds = kinds.to_vec();
        self.database.read(move |connection| kinds.iter().map(|kind| stamp(connection, kind)).collect()).await
    }
}

fn stamp(connection: &dyn Connection, kind: &str) -> Result<[i64; 3], StoreError> {
    let found = connection.first(
        "SELECT count(*), CAST(coalesce(sum(version), 0) AS BIGINT), CAST(coalesce(sum(updated), 0) AS BIGINT) \
         FROM documents WHERE kind = $1",
        &values![kind],
    )?;
    let mut row = found.ok_or(StoreError::WrongKind)?;
    Ok([row.take(0)?, row.take(1)?, row.take(2)?])
}

fn get(connection: &dyn Connection, key: &Key) -> Result<Option<Document>, StoreError> {
    let found = connection.first(
        "SELECT body, version, created, updated FROM documents \
         WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4 AND id = $5",
        &values![key.kind, &key.account, &key.region, &key.parent, &key.id],
    )?;
    let Some(mut row) = found else { return Ok(None) };
    let body: String = row.take(0)?;
    document(key.clone(), &body, row.take(1)?, row.take(2)?, row.take(3)?).map(Some)
}

fn list(
    connection: &dyn Connection,
    range: &Range,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Document>, StoreError> {
    let mut sql = Sql::new(
        connection.dialect(),
        "SELECT account, region, parent, id, body, version, created, updated FROM documents WHERE kind = ",
    );
    sql.bind(range.kind);
    let columns = [("account", &range.account), ("region", &range.region), ("parent", &range.parent)];
    for (column, wanted) in columns.iter().filter_map(|(column, wanted)| Some((column, wanted.as_ref()?))) {
        sql.push(" AND ").push(column).push(" = ").bind(wanted);
    }
    if let Some(after) = after {
        sql.push(" AND (account, region, parent, id) > (").bind(&after.account).push(", ").bind(&after.region);
        sql.push(", ").bind(&after.parent).push(", ").bind(&after.id).push(")");
    }
    sql.push(" ORDER BY account, region, parent, id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let found = |mut row: Row| {
        let (account, region, parent, id) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
        let body: String = row.take(4)?;
        let key = Key { account, region, kind: range.kind, parent, id };
        document(key, &body, row.take(5)?, row.take(6)?, row.take(7)?)
    };
    sql.query(connection)?.into_iter().map(found).collect()
}

fn document(key: Key, body: &str, version: i64, created: i64, updated: i64) -> Result<Document, StoreError> {
    let body = serde_json::from_str(body).map_err(|cause| StoreError::Corrupt { what: "document", cause })?;
    Ok(Document { key, body, version: version.unsigned_abs(), created, updated })
}

/// Writes a document and answers its new version.
pub(crate) fn put(
    connection: &dyn Connection,
    key: &Key,
    body: &Value,
    expect: Expect,
    now: i64,
) -> Result<u64, StoreError> {
    let version = version(connection, key)?;
    check(key, version, expect)?;
    let body = body.to_string();
    match version {
        None => {
            connection.execute(
                "INSERT INTO documents (kind, account, region, parent, id, body, version, created, updated) \
                 VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)",
                &values![key.kind, &key.account, &key.region, &key.parent, &key.id, body, now],
            )?;
            Ok(1)
        }
        Some(version) => {
            connection.execute(
                "UPDATE documents SET body = $1, version = version + 1, updated = $2 \
                 WHERE kind = $3 AND account = $4 AND region = $5 AND parent = $6 AND id = $7",
                &values![body, now, key.kind, &key.account, &key.region, &key.parent, &key.id],
            )?;
            Ok(version + 1)
        }
    }
}

/// Removes a document.
pub(crate) fn delete(connection: &dyn Connection, key: &Key, expect: Expect) -> Result<(), StoreError> {
    check(key, version(connection, key)?, expect)?;
    connection.execute(
        "DELETE FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4 AND id = $5",
        &values![key.kind, &key.account, &key.region, &key.parent, &key.id],
    )?;
    Ok(())
}

/// Removes every document under a parent.
pub(crate) fn delete_tree(
    connection: &dyn Connection,
    account: &str,
    region: &str,
    parent: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM documents WHERE account = $1 AND region = $2 AND parent = $3";
    connection.execute(sql, &values![account, region, parent]).map(drop)
}

fn version(connection: &dyn Connection, key: &Key) -> Result<Option<u64>, StoreError> {
    let found = connection.first(
        "SELECT version FROM documents WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4 AND id = $5",
        &values![key.kind, &key.account, &key.region, &key.parent, &key.id],
    )?;
    let Some(mut row) = found else { return Ok(None) };
    Ok(Some(row.take::<i64>(0)?.unsigned_abs()))
}

fn check(key: &Key, found: Option<u64>, expect: Expect) -> Result<(), StoreError> {
    let as_expected = match expect {
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found == Some(version),
        Expect::Any => true,
    };
    if as_expected { Ok(()) } else { Err(StoreError::Conflict { kind: key.kind, id: key.id.clone() }) }
}
