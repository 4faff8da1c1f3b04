//! What must outlive the process: API resources, findings, usage, checkpoints, what waits to be sent.
//!
//! One SQLite file under the data directory. **When a call that writes returns, what it wrote is on disk**, and what one
//! [`Store::commit`] writes is there as a whole or not at all. The store knows no HTTP and no wire shape but the
//! finding's JSON, which it indexes.
//!
//! Writes go through one thread, which puts all that wait into one transaction: one flush to disk for many callers.
//! Reads run beside it on connections of their own, and see what was committed when they began.

mod attributes;
mod backup;
mod changes;
mod database;
mod dialect;
mod documents;
mod error;
mod findings;
mod lease;
mod ledgers;
mod lists;
mod postgres;
mod schema;
mod sql;
mod sqlite;

pub use backup::restore;
pub use changes::{Change, Committed, Expect};
pub use documents::{Document, Key, Range};
pub use error::StoreError;
pub use findings::{
    Feedback, FindingOutcome, FindingWrite, History, OCCURRENCES_MAX, Scope, StoredFinding, Written, arrived_before,
};
pub use lease::Lease;
pub use ledgers::{OUTBOX_MAX, OutboxCounts, OutboxEntry, OutboxItem, Usage, UsageDelta, UsageRange};
pub use lists::{Cursor, Group, Grouping, Page, Sort};
pub use postgres::PostgresUrl;

use database::{Connector, Database};
use lease::Held;
use sqlite::Sqlite;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a store keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `watchfire.db` in this folder, which is made if need be.
    Directory(PathBuf),
    /// The tables of the first schema in the search path of this database, which are made if need be.
    Postgres(PostgresUrl),
}

/// The name of the database in the data directory. SQLite keeps `-wal` and `-shm` files beside it while it is open.
pub const FILE_NAME: &str = "watchfire.db";

/// A handle; clones share the same connections. Other processes may have the same store open.
#[derive(Clone, Debug)]
pub struct Store {
    database: Arc<Database>,
    /// See [`lists`].
    rare_max: i64,
    /// What must still be this process's at each commit.
    lease: Option<Arc<Held>>,
}

impl Store {
    /// Opens a store, makes it if there is none, and brings an older one to this version's schema.
    ///
    /// Blocks while it connects and migrates. A store written by a newer version is an error that says so: it is left as
    /// it is.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let connector: Arc<dyn Connector> = match location {
            Location::Directory(folder) => Arc::new(Sqlite::of(folder)?),
            Location::Postgres(url) => Arc::new(url.clone()),
        };
        Ok(Self { database: Arc::new(Database::open(connector)?), rare_max: lists::RARE_MAX, lease: None })
    }

    /// The same store, for which fewer findings are many: tests take every way to a list with it.
    #[doc(hidden)]
    pub fn with_rare_max(self, rare_max: i64) -> Self {
        Self { rare_max, ..self }
    }
}
