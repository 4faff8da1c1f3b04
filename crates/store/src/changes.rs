//! Changes that are written together or not at all.

use crate::documents::{self, Key};
use crate::{Store, StoreError};
use rusqlite::Connection;
use serde_json::Value;

/// What a change asks of the document that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is none.
    Absent,
    /// There is one, with this version: nobody has changed it since it was read.
    Version(u64),
    /// Anything, or nothing.
    Any,
}

/// One change. See [`Store::commit`].
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes a document.
    Put {
        /// Which.
        key: Key,
        /// Its new body.
        body: Value,
        /// What must be there now.
        expect: Expect,
    },
    /// Removes a document. With [`Expect::Any`], one that is not there is no error.
    Delete {
        /// Which.
        key: Key,
        /// What must be there now.
        expect: Expect,
    },
    /// Removes every document under a parent: a detector with all that belongs to it. Not the parent itself.
    DeleteTree {
        /// The parent's account.
        account: String,
        /// The parent's region.
        region: String,
        /// The parent's id.
        parent: String,
    },
}

/// What [`Store::commit`] wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// The new version of each document that was put, in the order of the changes.
    pub versions: Vec<u64>,
}

impl Store {
    /// Writes all changes, in order, or none; they are on disk when it returns.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<Committed, StoreError> {
        self.sqlite.write(move |connection| apply(connection, changes)).await
    }
}

fn apply(connection: &Connection, changes: Vec<Change>) -> Result<Committed, StoreError> {
    let mut committed = Committed::default();
    let now = now_ms();
    for change in changes {
        match change {
            Change::Put { key, body, expect } => {
                committed.versions.push(documents::put(connection, &key, &body, expect, now)?);
            }
            Change::Delete { key, expect } => documents::delete(connection, &key, expect)?,
            Change::DeleteTree { account, region, parent } => {
                documents::delete_tree(connection, &account, &region, &parent)?;
            }
        }
    }
    Ok(committed)
}

/// This machine's clock, ms since the epoch.
#[expect(clippy::disallowed_methods, reason = "when something was stored is a fact about this machine, not the logs")]
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
