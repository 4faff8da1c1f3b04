//! The tables, as numbered steps that are never changed once released: a new version adds a step.
//!
//! Statements keep to what SQLite and PostgreSQL share where that costs nothing: type names, `$1` for parameters.

use rusqlite::{Connection, TransactionBehavior};

/// Each step, in order. Version n is what a database has after the first n steps; `user_version` holds it.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The newest version that this program knows.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the database to [`VERSION`]. `Err(Some(found))` if it has a newer one.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Migration> {
    // Immediate: of two processes that open a new store at the same time, the second waits and then finds it made.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    readable(found)?;
    for step in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Whether this program can read, or bring up to date, a database of this version.
pub(crate) fn readable(found: u32) -> Result<(), Migration> {
    if found > VERSION { Err(Migration::Newer(found)) } else { Ok(()) }
}

/// Why a database was not brought to this version.
#[derive(Debug)]
pub(crate) enum Migration {
    Newer(u32),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Migration {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}
