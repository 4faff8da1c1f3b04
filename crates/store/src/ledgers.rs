//! What is counted and kept beside documents and findings: usage, what waits to be sent, checkpoints.

use crate::database::Connection;
use crate::sql::{Row, Sql, Value as SqlValue, values};
use crate::{Change, Store, StoreError};
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

impl Store {
    /// Adds to what was analysed.
    pub async fn add_usage(&self, deltas: Vec<UsageDelta>) -> Result<(), StoreError> {
        self.commit(vec![Change::Usage(deltas)]).await.map(drop)
    }

    /// What was analysed, by account, region, source and resource, in this order.
    pub async fn usage(&self, range: &UsageRange) -> Result<Vec<Usage>, StoreError> {
        let range = range.clone();
        self.database.read(move |connection| usage(connection, &range)).await
    }

    /// What waits in a queue, oldest first.
    pub async fn outbox(&self, queue: &str, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let queue = queue.to_owned();
        self.database.read(move |connection| waiting(connection, &queue, limit)).await
    }

    /// Marks what was sent: it waits no longer. What is not there any more is left out.
    pub async fn outbox_sent(&self, queue: &str, numbers: Vec<i64>) -> Result<(), StoreError> {
        let queue = queue.to_owned();
        self.database
            .write(move |connection| {
                let each: Vec<Vec<SqlValue>> = numbers.iter().map(|&no| values![&queue, no].to_vec()).collect();
                let sent = connection.execute_each("DELETE FROM outbox WHERE queue = $1 AND no = $2", &each)?;
                connection.execute(
                    "UPDATE outbox_counts SET waiting = waiting - $1, sent = sent + $1 WHERE queue = $2",
                    &values![whole(sent), queue],
                )?;
                Ok(())
            })
            .await
    }

    /// Drops all that waits in a queue, whose destination is gone, and counts it.
    pub async fn outbox_drop(&self, queue: &str) -> Result<(), StoreError> {
        let queue = queue.to_owned();
        self.database
            .write(move |connection| {
                connection.execute("DELETE FROM outbox WHERE queue = $1", &values![&queue])?;
                connection.execute(
                    "UPDATE outbox_counts SET dropped = dropped + waiting, waiting = 0 WHERE queue = $1",
                    &values![queue],
                )?;
                Ok(())
            })
            .await
    }

    /// What became of what was pushed into a queue.
    pub async fn outbox_counts(&self, queue: &str) -> Result<OutboxCounts, StoreError> {
        let queue = queue.to_owned();
        self.database.read(move |connection| counts(connection, &queue)).await
    }

    /// The state that was saved under a name by [`Change::Checkpoint`].
    pub async fn checkpoint(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.database.read(move |connection| state(connection, &name)).await
    }
}

pub(crate) fn add_usage(connection: &dyn Connection, deltas: &[UsageDelta]) -> Result<(), StoreError> {
    let each: Vec<Vec<SqlValue>> = deltas
        .iter()
        .map(|delta| {
            let UsageDelta { account, region, source, resource, day, events, bytes } = delta;
            values![account, region, source, resource, *day, whole(*events), whole(*bytes)].to_vec()
        })
        .collect();
    connection.execute_each(
        "INSERT INTO usage (account, region, source, resource, day, events, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (account, region, day, source, resource) \
         DO UPDATE SET events = usage.events + excluded.events, bytes = usage.bytes + excluded.bytes",
        &each,
    )?;
    Ok(())
}

/// SQL's integers have a sign.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn usage(connection: &dyn Connection, range: &UsageRange) -> Result<Vec<Usage>, StoreError> {
    let mut sql = Sql::new(
        connection.dialect(),
        "SELECT account, region, source, resource, CAST(sum(events) AS BIGINT), CAST(sum(bytes) AS BIGINT), min(day), \
         max(day) FROM usage WHERE 1 = 1",
    );
    if let Some(accounts) = &range.accounts {
        sql.push(" AND account").is_in(accounts);
    }
    if let Some(region) = &range.region {
        sql.push(" AND region = ").bind(region);
    }
    if let Some(day) = range.from_day {
        sql.push(" AND day >= ").bind(day);
    }
    if let Some(day) = range.to_day {
        sql.push(" AND day <= ").bind(day);
    }
    sql.push(" GROUP BY account, region, source, resource ORDER BY account, region, source, resource");
    let usage = |mut row: Row| {
        Ok(Usage {
            account: row.take(0)?,
            region: row.take(1)?,
            source: row.take(2)?,
            resource: row.take(3)?,
            events: row.take::<i64>(4)?.unsigned_abs(),
            bytes: row.take::<i64>(5)?.unsigned_abs(),
            first_day: row.take(6)?,
            last_day: row.take(7)?,
        })
    };
    sql.query(connection)?.into_iter().map(usage).collect()
}

/// Puts an item into its queue, once; drops the oldest if the queue is full.
pub(crate) fn push(connection: &dyn Connection, item: &OutboxItem, now: i64) -> Result<(), StoreError> {
    let pushed = connection.execute(
        "INSERT INTO outbox (queue, name, body, created) VALUES ($1, $2, $3, $4) ON CONFLICT (queue, name) DO NOTHING",
        &values![&item.queue, &item.name, item.body.to_string(), now],
    )?;
    if pushed == 0 {
        return Ok(());
    }
    connection.execute(
        "INSERT INTO outbox_counts (queue, waiting, pushed, sent, dropped) VALUES ($1, 1, 1, 0, 0) \
         ON CONFLICT (queue) DO UPDATE SET waiting = outbox_counts.waiting + 1, pushed = outbox_counts.pushed + 1",
        &values![&item.queue],
    )?;
    if counts(connection, &item.queue)?.waiting > OUTBOX_MAX {
        connection.execute(
            "DELETE FROM outbox WHERE no = (SELECT no FROM outbox WHERE queue = $1 ORDER BY no LIMIT 1)",
            &values![&item.queue],
        )?;
        connection.execute(
            "UPDATE outbox_counts SET waiting = waiting - 1, dropped = dropped + 1 WHERE queue = $1",
            &values![&item.queue],
        )?;
    }
    Ok(())
}

fn counts(connection: &dyn Connection, queue: &str) -> Result<OutboxCounts, StoreError> {
    let sql = "SELECT waiting, pushed, sent, dropped FROM outbox_counts WHERE queue = $1";
    let Some(mut row) = connection.first(sql, &values![queue])? else { return Ok(OutboxCounts::default()) };
    let mut count = |at| row.take(at).map(i64::unsigned_abs);
    Ok(OutboxCounts { waiting: count(0)?, pushed: count(1)?, sent: count(2)?, dropped: count(3)? })
}

fn waiting(connection: &dyn Connection, queue: &str, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
    let sql = "SELECT no, name, body, created FROM outbox WHERE queue = $1 ORDER BY no LIMIT $2";
    let entry = |mut row: Row| {
        let body: String = row.take(2)?;
        let body = serde_json::from_str(&body).map_err(|cause| StoreError::Corrupt { what: "outbox item", cause })?;
        Ok(OutboxEntry { no: row.take(0)?, name: row.take(1)?, body, created: row.take(3)? })
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.query(sql, &values![queue, limit])?.into_iter().map(entry).collect()
}

/// The state under a name.
pub(crate) fn state(connection: &dyn Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = connection.first("SELECT state FROM checkpoints WHERE name = $1", &values![name])?;
    row.map(|mut row| row.take(0)).transpose()
}

/// Forgets the state under a name.
pub(crate) fn forget(connection: &dyn Connection, name: &str) -> Result<(), StoreError> {
    connection.execute("DELETE FROM checkpoints WHERE name = $1", &values![name]).map(drop)
}

/// Saves a state under a name.
pub(crate) fn save(connection: &dyn Connection, name: &str, state: &[u8], now: i64) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO checkpoints (name, state, updated) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET state = excluded.state, updated = excluded.updated",
        &values![name, state, now],
    )?;
    Ok(())
}
