//! What is counted and kept beside documents and findings: usage, what waits to be sent, secrets, checkpoints.

use crate::changes::now_ms;
use crate::sql::Sql;
use crate::{Change, Store, StoreError};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// What may wait in one queue. When it is full the oldest goes, and is counted: a destination that is gone must not fill
/// the disk, and what is newest is what a person wants to hear of first.
pub const OUTBOX_MAX: u64 = 100_000;

/// Events and bytes that were analysed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageDelta {
    /// The account whose logs they were.
    pub account: String,
    /// The region.
    pub region: String,
    /// The source: `CLOUD_TRAIL`, `FLOW_LOGS`, `DNS_LOGS`, ….
    pub source: String,
    /// The resource, where usage is counted by it: an instance, a bucket. Otherwise empty.
    pub resource: String,
    /// Days since the epoch, of arrival.
    pub day: i64,
    /// How many events.
    pub events: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

/// Which usage to sum; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRange {
    /// The accounts.
    pub accounts: Option<Vec<String>>,
    /// The region.
    pub region: Option<String>,
    /// The first day, since the epoch.
    pub from_day: Option<i64>,
    /// The last day.
    pub to_day: Option<i64>,
}

/// Usage, summed over days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The source.
    pub source: String,
    /// The resource, or empty.
    pub resource: String,
    /// How many events.
    pub events: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The first day with any.
    pub first_day: i64,
    /// The last.
    pub last_day: i64,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxItem {
    /// Where it goes: one queue for each destination.
    pub queue: String,
    /// What it is, so that it waits once however often it is pushed: a finding's id and `updatedAt`, say.
    pub name: String,
    /// What is sent.
    pub body: Value,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// Its number, by which it is marked as sent.
    pub no: i64,
    /// What it is.
    pub name: String,
    /// What is sent.
    pub body: Value,
    /// Since when it waits, ms since the epoch.
    pub created: i64,
}

/// What became of all that was pushed into a queue: `pushed = waiting + sent + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// In the queue now.
    pub waiting: u64,
    /// Ever pushed.
    pub pushed: u64,
    /// Marked as sent.
    pub sent: u64,
    /// Dropped, because the queue was full or was removed.
    pub dropped: u64,
}

/// A sealed secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The account it belongs to.
    pub account: String,
    /// Its id: an access key's.
    pub id: String,
    /// What the caller sealed; the store cannot read it.
    pub sealed: Vec<u8>,
    /// When it was put, ms since the epoch.
    pub created: i64,
}

impl Store {
    /// Adds to what was analysed.
    pub async fn add_usage(&self, deltas: Vec<UsageDelta>) -> Result<(), StoreError> {
        self.commit(vec![Change::Usage(deltas)]).await.map(drop)
    }

    /// What was analysed, by account, region, source and resource, in this order.
    pub async fn usage(&self, range: &UsageRange) -> Result<Vec<Usage>, StoreError> {
        let range = range.clone();
        self.sqlite.read(move |connection| usage(connection, &range)).await
    }

    /// What waits in a queue, oldest first.
    pub async fn outbox(&self, queue: &str, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let queue = queue.to_owned();
        self.sqlite.read(move |connection| waiting(connection, &queue, limit)).await
    }

    /// Marks what was sent: it waits no longer. What is not there any more is left out.
    pub async fn outbox_sent(&self, queue: &str, numbers: Vec<i64>) -> Result<(), StoreError> {
        let queue = queue.to_owned();
        self.sqlite
            .write(move |connection| {
                let mut delete = connection.prepare_cached("DELETE FROM outbox WHERE queue = $1 AND no = $2")?;
                let mut sent: i64 = 0;
                for no in numbers {
                    sent += i64::from(delete.execute(params![queue, no])? > 0);
                }
                let mut count = connection.prepare_cached(
                    "UPDATE outbox_counts SET waiting = waiting - $1, sent = sent + $1 WHERE queue = $2",
                )?;
                count.execute(params![sent, queue])?;
                Ok(())
            })
            .await
    }

    /// Drops all that waits in a queue, whose destination is gone, and counts it.
    pub async fn outbox_drop(&self, queue: &str) -> Result<(), StoreError> {
        let queue = queue.to_owned();
        self.sqlite
            .write(move |connection| {
                connection.prepare_cached("DELETE FROM outbox WHERE queue = $1")?.execute([&queue])?;
                let mut count = connection.prepare_cached(
                    "UPDATE outbox_counts SET dropped = dropped + waiting, waiting = 0 WHERE queue = $1",
                )?;
                count.execute([&queue])?;
                Ok(())
            })
            .await
    }

    /// What became of what was pushed into a queue.
    pub async fn outbox_counts(&self, queue: &str) -> Result<OutboxCounts, StoreError> {
        let queue = queue.to_owned();
        self.sqlite.read(move |connection| counts(connection, &queue)).await
    }

    /// Keeps a sealed secret, over one with the same account and id. An id belongs to one account only.
    pub async fn put_secret(&self, account: &str, id: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
        let (account, id) = (account.to_owned(), id.to_owned());
        self.sqlite
            .write(move |connection| {
                let mut statement = connection.prepare_cached(
                    "INSERT INTO secrets (account, id, sealed, created) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (account, id) DO UPDATE SET sealed = excluded.sealed, created = excluded.created",
                )?;
                statement.execute(params![account, id, sealed, now_ms()])?;
                Ok(())
            })
            .await
    }

    /// A secret by its id, whichever account it belongs to.
    pub async fn secret(&self, id: &str) -> Result<Option<Secret>, StoreError> {
        let id = id.to_owned();
        self.sqlite
            .read(move |connection| {
                let mut statement =
                    connection.prepare_cached("SELECT account, id, sealed, created FROM secrets WHERE id = $1")?;
                Ok(statement.query_row([id], secret).optional()?)
            })
            .await
    }

    /// The secrets of an account, or of all, by account and id.
    pub async fn secrets(&self, account: Option<&str>) -> Result<Vec<Secret>, StoreError> {
        let account = account.map(str::to_owned);
        self.sqlite
            .read(move |connection| {
                let mut sql = Sql::new("SELECT account, id, sealed, created FROM secrets");
                if let Some(account) = account {
                    sql.push(" WHERE account = ").bind(account);
                }
                sql.push(" ORDER BY account, id");
                let mut statement = sql.prepare(connection)?;
                let secrets = statement.query_map(sql.params(), secret)?;
                Ok(secrets.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Removes a secret; answers whether there was one.
    pub async fn delete_secret(&self, account: &str, id: &str) -> Result<bool, StoreError> {
        let (account, id) = (account.to_owned(), id.to_owned());
        self.sqlite
            .write(move |connection| {
                let mut statement = connection.prepare_cached("DELETE FROM secrets WHERE account = $1 AND id = $2")?;
                Ok(statement.execute(params![account, id])? > 0)
            })
            .await
    }

    /// The state that was saved under a name by [`Change::Checkpoint`].
    pub async fn checkpoint(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.sqlite
            .read(move |connection| {
                let mut statement = connection.prepare_cached("SELECT state FROM checkpoints WHERE name = $1")?;
                Ok(statement.query_row([name], |row| row.get(0)).optional()?)
            })
            .await
    }
}

pub(crate) fn add_usage(connection: &Connection, deltas: &[UsageDelta]) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO usage (account, region, source, resource, day, events, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (account, region, day, source, resource) \
         DO UPDATE SET events = events + excluded.events, bytes = bytes + excluded.bytes",
    )?;
    for delta in deltas {
        let UsageDelta { account, region, source, resource, day, events, bytes } = delta;
        statement.execute(params![account, region, source, resource, day, whole(*events), whole(*bytes)])?;
    }
    Ok(())
}

/// SQL's integers have a sign.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn usage(connection: &Connection, range: &UsageRange) -> Result<Vec<Usage>, StoreError> {
    let mut sql = Sql::new(
        "SELECT account, region, source, resource, sum(events), sum(bytes), min(day), max(day) FROM usage WHERE 1 = 1",
    );
    if let Some(accounts) = &range.accounts {
        sql.push(" AND account IN (").bind_all(accounts.iter().cloned()).push(")");
    }
    if let Some(region) = &range.region {
        sql.push(" AND region = ").bind(region.clone());
    }
    if let Some(day) = range.from_day {
        sql.push(" AND day >= ").bind(day);
    }
    if let Some(day) = range.to_day {
        sql.push(" AND day <= ").bind(day);
    }
    sql.push(" GROUP BY account, region, source, resource ORDER BY account, region, source, resource");
    let mut statement = sql.prepare(connection)?;
    let rows = statement.query_map(sql.params(), |row| {
        Ok(Usage {
            account: row.get(0)?,
            region: row.get(1)?,
            source: row.get(2)?,
            resource: row.get(3)?,
            events: row.get::<_, i64>(4)?.unsigned_abs(),
            bytes: row.get::<_, i64>(5)?.unsigned_abs(),
            first_day: row.get(6)?,
            last_day: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts an item into its queue, once; drops the oldest if the queue is full.
pub(crate) fn push(connection: &Connection, item: &OutboxItem, now: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outbox (queue, name, body, created) VALUES ($1, $2, $3, $4) ON CONFLICT (queue, name) DO NOTHING",
    )?;
    if statement.execute(params![item.queue, item.name, item.body.to_string(), now])? == 0 {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO outbox_counts (queue, waiting, pushed, sent, dropped) VALUES ($1, 1, 1, 0, 0) \
         ON CONFLICT (queue) DO UPDATE SET waiting = waiting + 1, pushed = pushed + 1",
    )?;
    statement.execute([&item.queue])?;
    if counts(connection, &item.queue)?.waiting > OUTBOX_MAX {
        let mut statement = connection.prepare_cached(
            "DELETE FROM outbox WHERE no = (SELECT no FROM outbox WHERE queue = $1 ORDER BY no LIMIT 1)",
        )?;
        statement.execute([&item.queue])?;
        let mut statement = connection
            .prepare_cached("UPDATE outbox_counts SET waiting = waiting - 1, dropped = dropped + 1 WHERE queue = $1")?;
        statement.execute([&item.queue])?;
    }
    Ok(())
}

fn counts(connection: &Connection, queue: &str) -> Result<OutboxCounts, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT waiting, pushed, sent, dropped FROM outbox_counts WHERE queue = $1")?;
    let counts = statement.query_row([queue], |row| {
        let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(OutboxCounts { waiting: count(0)?, pushed: count(1)?, sent: count(2)?, dropped: count(3)? })
    });
    Ok(counts.optional()?.unwrap_or_default())
}

fn waiting(connection: &Connection, queue: &str, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT no, name, body, created FROM outbox WHERE queue = $1 ORDER BY no LIMIT $2")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![queue, limit], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?))
    })?;
    let mut entries = Vec::new();
    for row in rows {
        let (no, name, body, created) = row?;
        let body = serde_json::from_str(&body).map_err(|cause| StoreError::Corrupt { what: "outbox item", cause })?;
        entries.push(OutboxEntry { no, name, body, created });
    }
    Ok(entries)
}

fn secret(row: &rusqlite::Row<'_>) -> rusqlite::Result<Secret> {
    Ok(Secret { account: row.get(0)?, id: row.get(1)?, sealed: row.get(2)?, created: row.get(3)? })
}

/// Forgets the state under a name.
pub(crate) fn forget(connection: &Connection, name: &str) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM checkpoints WHERE name = $1")?.execute([name])?;
    Ok(())
}

/// Saves a state under a name.
pub(crate) fn save(connection: &Connection, name: &str, state: &[u8], now: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO checkpoints (name, state, updated) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET state = excluded.state, updated = excluded.updated",
    )?;
    statement.execute(params![name, state, now])?;
    Ok(())
}
