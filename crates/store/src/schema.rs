//! The tables, as numbered steps that are never changed once released: a new version adds a step.
//!
//! One text for both databases. Words in braces stand for what they say differently; `Dialect::schema` knows them.

use crate::StoreError;
use crate::database::Connection;

/// Each step, in order. Version n is what a database has after the first n steps.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The newest version that this program knows.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings a database, whose name is for people, to [`VERSION`].
pub(crate) fn migrate(connection: &dyn Connection, name: &str) -> Result<(), StoreError> {
    // Writing transactions come one after the other: of two processes that open a new store, the second finds it made.
    connection.begin_write()?;
    let migrated = steps(connection, name).and_then(|()| connection.commit());
    if migrated.is_err() {
        let _ = connection.batch("ROLLBACK");
    }
    migrated
}

fn steps(connection: &dyn Connection, name: &str) -> Result<(), StoreError> {
    let found = connection.schema_version()?;
    readable(found, name)?;
    for step in &MIGRATIONS[found as usize..] {
        connection.batch(&connection.dialect().schema(step))?;
    }
    if found < VERSION { connection.set_schema_version(VERSION) } else { Ok(()) }
}

/// Whether this program can read, or bring up to date, a database of this version.
pub(crate) fn readable(found: u32, name: &str) -> Result<(), StoreError> {
    if found > VERSION {
        return Err(StoreError::NewerSchema { name: name.to_owned(), found, ours: VERSION });
    }
    Ok(())
}
