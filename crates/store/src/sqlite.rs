//! SQLite: one file under the data directory.

use crate::database::{Connection, Connector, PATIENCE, Purpose};
use crate::dialect::{Dialect, Table};
use crate::sql::{Row, Value};
use crate::{FILE_NAME, StoreError, backup};
use rusqlite::OpenFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Pages of 4 KiB in the log before they are put in their places. Random index pages are written once for many changes.
const LOG_PAGES: i64 = 8_192;

/// Page cache of the writer and of each reader, KiB. Inserts of findings touch random pages of their indexes.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 128;

/// The database of a data directory.
pub(crate) struct Sqlite {
    path: PathBuf,
}

impl Sqlite {
    /// Makes the folder if need be.
    pub(crate) fn of(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|cause| StoreError::Directory { path: folder.to_owned(), cause })?;
        let path = folder.join(FILE_NAME);
        // SQLite makes files that others may read; those beside the database it makes like it.
        match backup::private(&path) {
            Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(StoreError::File { path, cause }),
            _ => Ok(Self { path }),
        }
    }
}

impl Connector for Sqlite {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>, StoreError> {
        let failed = |cause| StoreError::Open { path: self.path.clone(), cause };
        let cache = if purpose == Purpose::Write { WRITER_CACHE_KIB } else { READER_CACHE_KIB };
        let connection = connect(&self.path, cache).map_err(failed)?;
        connection.pragma_update(None, "query_only", purpose == Purpose::Read).map_err(failed)?;
        Ok(Box::new(connection))
    }

    fn copy(&self, file: &Path) -> Result<(), StoreError> {
        // A connection of its own: it would keep a reader for long.
        let connection = connect(&self.path, READER_CACHE_KIB)?;
        rusqlite::Connection::execute(&connection, "VACUUM INTO $1", [file.to_string_lossy().as_ref()])?;
        Ok(())
    }

    fn lock(&self, name: &str) -> Result<Option<Box<dyn Send>>, StoreError> {
        // The system gives it up when the process ends, however that ends.
        let path = self.path.with_file_name(format!("{name}.lock"));
        let failed = |cause| StoreError::File { path: path.clone(), cause };
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// Opens a connection. `synchronous=FULL` flushes the log of WAL at each commit, so that an acknowledged write survives
/// a power cut as well as a kill; `NORMAL` would survive the kill only.
fn connect(path: &Path, cache_kib: i64) -> rusqlite::Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

impl Connection for rusqlite::Connection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn begin_write(&self) -> Result<(), StoreError> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn begin_read(&self) -> Result<(), StoreError> {
        self.batch("BEGIN")
    }

    fn commit(&self) -> Result<(), StoreError> {
        self.batch("COMMIT")
    }

    fn batch(&self, statements: &str) -> Result<(), StoreError> {
        Ok(self.execute_batch(statements)?)
    }

    fn execute(&self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(self.prepare_cached(statement)?.execute(rusqlite::params_from_iter(values))? as u64)
    }

    fn execute_each(&self, statement: &str, each: &[Vec<Value>]) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(statement)?;
        let mut changed = 0;
        for values in each {
            changed += statement.execute(rusqlite::params_from_iter(values))? as u64;
        }
        Ok(changed)
    }

    fn query(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare_cached(statement)?;
        let columns = statement.column_count();
        let mut found = statement.query(rusqlite::params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(Row((0..columns).map(|at| Ok(read(row.get_ref(at)?))).collect::<rusqlite::Result<_>>()?));
        }
        Ok(rows)
    }

    fn insert_all(&self, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
        self.execute_each(&Dialect::Sqlite.insert(table), &rows).map(drop)
    }

    fn schema_version(&self) -> Result<u32, StoreError> {
        Ok(self.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    fn set_schema_version(&self, version: u32) -> Result<(), StoreError> {
        Ok(self.pragma_update(None, "user_version", version)?)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) | Self::Json(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Array(..) => return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into())),
        }))
    }
}

fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Blob(value.to_vec()),
    }
}
