//! What can go wrong with a store.

use crate::postgres;
use std::path::PathBuf;

/// A call to the store failed. Nothing of a failed call was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory could not be made.
    #[error("could not make the data directory `{}`", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The database could not be opened.
    #[error("could not open the database `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// SQLite's files are not such as it wrote, or do not belong together.
    #[error(
        "the database `{name}` is damaged, or a file beside it (`-wal`, `-shm`) was removed or is that of another: put back \
         all that were there, or move all of them away and restore a backup with `watchfire restore`"
    )]
    Damaged {
        /// The file.
        name: String,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// The database was written by a newer version of the program.
    #[error(
        "the database `{name}` has schema version {found}, and this program knows versions up to {ours}: use the newer \
         program, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The file, or the URL without its password.
        name: String,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        ours: u32,
    },
    /// A file that must not be there yet.
    #[error("`{}` exists already, and is left as it is: name another, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("could not copy to or from `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file that is to be restored is damaged, or was not written by a backup.
    #[error("`{}` is not a whole backup of a store", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// A document was not as the change expected it: it exists, does not exist, or has another version.
    #[error("the {kind} `{id}` was changed or removed by another call")]
    Conflict {
        /// The kind of document.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// What was to be stored as a finding is none.
    #[error("the finding `{id}` lacks the {member}, as its detector needs it")]
    NotAFinding {
        /// Its id, as far as it has one.
        id: String,
        /// What it lacks.
        member: &'static str,
    },
    /// Lists cannot be filtered or sorted by an attribute.
    #[error("findings cannot be listed by the attribute `{attribute}`")]
    NotListed {
        /// The attribute.
        attribute: String,
    },
    /// Lists know no wildcards.
    #[error("`matches` and `notMatches` work in filters only, not in lists: `{attribute}`")]
    Wildcards {
        /// The attribute.
        attribute: String,
    },
    /// A statement failed: a full or broken disk, or a lock that another process does not give up.
    #[error("the database refused a statement")]
    Sql(#[from] rusqlite::Error),
    /// The same, of PostgreSQL; or the connection to it was lost.
    #[error("the database refused a statement, or the connection to it was lost")]
    Postgres(#[source] tokio_postgres::Error),
    /// A database URL is not one that can be used.
    #[error(
        "the database URL cannot be used: {problem}. Write postgresql://USER@HOST:PORT/DATABASE, and the password into \
         PGPASSWORD or a file"
    )]
    DatabaseUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// PostgreSQL could not be reached, or let nobody in.
    #[error("could not connect to the database {name}")]
    Connect {
        /// The URL without its password.
        name: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no place for tables.
    #[error("none of the schemas in the search path of {name} exists: make one with `CREATE SCHEMA`")]
    NoSchema {
        /// The URL without its password.
        name: String,
    },
    /// The database cannot hold every text.
    #[error(
        "the database {name} has the encoding {encoding}, which cannot hold every text of a log: make one with \
         `createdb --encoding UTF8 --template template0`"
    )]
    Encoding {
        /// The URL without its password.
        name: String,
        /// Its encoding.
        encoding: String,
    },
    /// Only the embedded database is copied by this program.
    #[error(
        "this program copies the embedded database only: copy PostgreSQL's with `pg_dump`, and restore it with `psql`"
    )]
    NotEmbedded,
    /// What was to be written is no longer this process's to write: another one has taken over.
    #[error("another process has taken over the {name}")]
    LeaseLost {
        /// What.
        name: String,
    },
    /// A column holds something else than this program writes there.
    #[error("the database holds a value of a kind that this program does not write there")]
    WrongKind,
    /// Something stored cannot be read back.
    #[error("a stored {what} is not what this program wrote")]
    Corrupt {
        /// What it was.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        cause: serde_json::Error,
    },
    /// A finding could not be compressed.
    #[error("a finding could not be compressed")]
    Pack {
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Something stored cannot be decompressed.
    #[error("a stored {what} is damaged")]
    Unpack {
        /// What it was.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        cause: std::io::Error,
    },
    /// The transaction that held this call's writes, with those of others, could not be written to disk.
    #[error("could not write to the database: {0}")]
    Commit(String),
    /// The thread that writes has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The same; of the database with this name, which was being opened, it says so if that is damaged.
    pub(crate) fn at_opening(self, name: &str) -> Self {
        match self {
            Self::Open { cause, .. } | Self::Sql(cause) if is_damage(&cause) => {
                Self::Damaged { name: name.to_owned(), cause }
            }
            other => other,
        }
    }

    /// Whether the connection failed, and not what was asked of it.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self {
            Self::Postgres(error) => postgres::is_lost(error),
            Self::Connect { cause, .. } => match cause.downcast_ref::<tokio_postgres::Error>() {
                Some(error) => postgres::is_lost(error),
                None => cause.is::<tokio::time::error::Elapsed>(),
            },
            _ => false,
        }
    }
}

/// Whether SQLite could read the files and not make sense of them.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    error.sqlite_error().is_some_and(|error| {
        matches!(error.code, DatabaseCorrupt | NotADatabase)
            || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ
    })
}
