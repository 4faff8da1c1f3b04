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
    include_str!("schema/5.sql"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn checkpoints_of_older_versions_stay_and_are_found_without_reading_their_neighbours() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for step in &MIGRATIONS[..4] {
            connection.execute_batch(&Dialect::Sqlite.schema(step)).unwrap();
        }
        Connection::set_schema_version(&connection, 4).unwrap();
        connection.execute("INSERT INTO checkpoints VALUES ('engine', x'0102', 3)", []).unwrap();
        let has_numbers = || connection.prepare("SELECT rowid FROM checkpoints").is_ok();
        assert!(!has_numbers());
        migrate(&connection, "store").unwrap();
        assert!(has_numbers());
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let kept: (String, Vec<u8>, i64) = connection.query_row("SELECT * FROM checkpoints", [], read).unwrap();
        assert_eq!(kept, ("engine".to_owned(), vec![1, 2], 3));
        assert_eq!(connection.schema_version().unwrap(), VERSION);
    }
}
