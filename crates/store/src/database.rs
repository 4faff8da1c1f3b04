//! One database of either kind: a thread that writes, a pool of connections that read.
//!
//! Jobs are written against [`Connection`], which blocks, since SQLite does. All that differs between SQLite and
//! PostgreSQL is in `sqlite`, `postgres` and `dialect`.
//!
//! **Writing transactions come one after the other, whoever writes.** SQLite has it so; on PostgreSQL each begins by
//! taking an advisory lock, so that several servers may share a database, and no job has to think of what others do
//! meanwhile. Each carries all that waits, which is what makes it fast enough.
//!
//! **A lost connection loses no acknowledged write**: callers are answered after the commit. One that is found lost
//! before a transaction began is replaced, for up to [`PATIENCE`]; one that is lost later is an error to those in the
//! transaction, of which nothing was written, or, where only the answer to the commit was lost, all.

use crate::StoreError;
use crate::dialect::{Dialect, Table};
use crate::schema;
use crate::sql::{Row, Value};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// Reading connections that stay open. More than the cores of a small machine gains nothing.
const READERS_MAX: usize = 8;

/// Jobs in one transaction at most, so that the first of them does not wait for ever for its answer.
const JOBS_PER_TRANSACTION_MAX: usize = 256;

/// Jobs that may wait for the writer; further callers wait before they are let in.
const JOBS_WAITING_MAX: usize = 4_096;

/// How long a connection waits for a lock that another process holds, and how long a lost connection is tried again,
/// before callers hear of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// How often a read is done on another connection because the last was lost.
const READ_ATTEMPTS_MAX: usize = 3;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// One connection.
pub(crate) trait Connection: Send {
    fn dialect(&self) -> Dialect;

    /// Begins a transaction that writes, which no other does until it ends.
    fn begin_write(&self) -> Result<(), StoreError>;

    /// Begins a transaction that reads: one snapshot for all its statements.
    fn begin_read(&self) -> Result<(), StoreError>;

    /// Ends a transaction; what it wrote is on disk when this returns.
    fn commit(&self) -> Result<(), StoreError>;

    /// Runs statements that have no parameters.
    fn batch(&self, statements: &str) -> Result<(), StoreError>;

    /// Runs a statement; answers how many rows it changed.
    fn execute(&self, statement: &str, values: &[Value]) -> Result<u64, StoreError>;

    /// Runs a statement for each of these; answers how many rows all changed.
    fn execute_each(&self, statement: &str, each: &[Vec<Value>]) -> Result<u64, StoreError>;

    /// Runs a statement that answers rows.
    fn query(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Writes new rows into a table.
    fn insert_all(&self, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError>;

    /// The version of the schema; 0 if there is none.
    fn schema_version(&self) -> Result<u32, StoreError>;

    fn set_schema_version(&self, version: u32) -> Result<(), StoreError>;

    /// Whether it is of no use any more.
    fn is_lost(&self) -> bool {
        false
    }
}

impl dyn Connection + '_ {
    /// The first row, if there is one.
    pub(crate) fn first(&self, statement: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(statement, values)?.into_iter().next())
    }

    /// The one number that a statement selects.
    pub(crate) fn number(&self, statement: &str, values: &[Value]) -> Result<i64, StoreError> {
        self.first(statement, values)?.ok_or(StoreError::WrongKind)?.take(0)
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    Read,
}

/// Where connections come from.
pub(crate) trait Connector: Send + Sync {
    /// How people know the database; never with its password.
    fn name(&self) -> String;

    fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>, StoreError>;

    /// Writes a copy of what is committed now to a file that does not exist.
    fn copy(&self, file: &Path) -> Result<(), StoreError>;

    /// Takes a lock that one holder has at a time, among all processes with this database open, until it is dropped or
    /// its process ends. `None` if another has it.
    fn lock(&self, name: &str) -> Result<Option<Box<dyn Send>>, StoreError>;
}

/// One database.
pub(crate) struct Database {
    pub(crate) connector: Arc<dyn Connector>,
    jobs: mpsc::SyncSender<Job>,
    idle: Mutex<Vec<Box<dyn Connection>>>,
    /// Permits to read: as many as connections may be open.
    readers: Semaphore,
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("name", &self.connector.name()).finish_non_exhaustive()
    }
}

/// Writes, in a savepoint of its own; or hears why no transaction could begin. Returns how to answer its caller, once it
/// is known whether the transaction held.
type Job = Box<dyn FnOnce(Result<&dyn Connection, &str>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

impl Database {
    /// Connects, and brings the schema to this version.
    pub(crate) fn open(connector: Arc<dyn Connector>) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::sync_channel(JOBS_WAITING_MAX);
        let (opened, is_open) = mpsc::sync_channel(1);
        let for_writing = connector.clone();
        // On the thread that will write: a caller may be where PostgreSQL's client must not block.
        thread::spawn(move || {
            let connection = for_writing.connect(Purpose::Write).and_then(|connection| {
                schema::migrate(&*connection, &for_writing.name())?;
                Ok(connection)
            });
            let connection = connection.map_err(|error| error.at_opening(&for_writing.name()));
            match connection {
                Ok(connection) => {
                    let _ = opened.send(Ok(()));
                    write(connection, &*for_writing, &waiting);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        is_open.recv().map_err(|_| StoreError::Closed)??;
        Ok(Self { connector, jobs, idle: Mutex::new(Vec::new()), readers: Semaphore::new(READERS_MAX) })
    }

    /// Runs `job` in the next transaction, and returns once that is on disk. If `job` fails, its writes are undone and
    /// those of others in the same transaction are not.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => in_savepoint(connection, job),
                Err(failure) => Err(StoreError::Commit(failure.to_owned())),
            };
            Box::new(move |failure: Option<&str>| {
                let result = match failure {
                    Some(failure) if result.is_ok() => Err(StoreError::Commit(failure.to_owned())),
                    _ => result,
                };
                // A caller that no longer waits has gone away; its writes stand.
                let _ = answer.send(result);
            })
        });
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
            Err(mpsc::TrySendError::Full(job)) => {
                // Waiting blocks, so it is done where blocking is allowed.
                let jobs = self.jobs.clone();
                let sent = tokio::task::spawn_blocking(move || jobs.send(job)).await;
                sent.map_err(|_| StoreError::Closed)?.map_err(|_| StoreError::Closed)?;
            }
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `job` on a reading connection, beside the writer; again, if the connection is lost meanwhile.
    pub(crate) async fn read<T, F>(self: &Arc<Self>, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let _permit = self.readers.acquire().await.map_err(|_| StoreError::Closed)?;
        let database = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut attempts = 1..=READ_ATTEMPTS_MAX;
            loop {
                let result = database.read_once(&job);
                attempts.next();
                match result {
                    Err(error) if error.is_lost_connection() && !attempts.is_empty() => {}
                    result => return result,
                }
            }
        });
        done.await.map_err(|_| StoreError::Closed)?
    }

    fn read_once<T>(&self, job: impl Fn(&dyn Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = None;
        persist(&*self.connector, Purpose::Read, &mut connection, &|| idle().pop())?;
        let connection = connection.ok_or(StoreError::Closed)?;
        let result = job(&*connection);
        if connection.batch("ROLLBACK").is_ok() {
            idle().push(connection);
        }
        result
    }
}

/// Begins a transaction, on one that is idle or a new connection if there is none or it is lost. A server that lets no
/// more connections in may let one go at any time, and another reader of ours may be done.
fn persist(
    connector: &dyn Connector,
    purpose: Purpose,
    connection: &mut Option<Box<dyn Connection>>,
    idle: &dyn Fn() -> Option<Box<dyn Connection>>,
) -> Result<(), StoreError> {
    let begin = now();
    loop {
        if connection.is_none() {
            *connection = idle();
        }
        let begun = begin_on(connector, purpose, connection);
        let Err(error) = begun else { return Ok(()) };
        let is_lost = error.is_lost_connection() || connection.as_ref().is_some_and(|connection| connection.is_lost());
        if !is_lost || begin.elapsed() >= PATIENCE {
            if let Some(connection) = connection {
                // Where it was half begun; there may be nothing to undo.
                let _ = connection.batch("ROLLBACK");
            }
            return Err(error);
        }
        // A pool outlives its server; its other connections are as dead, and are found so at once.
        if connection.take().is_none() {
            thread::sleep(PAUSE);
        }
    }
}

fn begin_on(
    connector: &dyn Connector,
    purpose: Purpose,
    connection: &mut Option<Box<dyn Connection>>,
) -> Result<(), StoreError> {
    if connection.as_ref().is_some_and(|connection| connection.is_lost()) {
        *connection = None;
    }
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connector.connect(purpose)?),
    };
    match purpose {
        Purpose::Write => connection.begin_write(),
        Purpose::Read => connection.begin_read(),
    }
}

/// The thread that writes: takes what waits, writes it as one transaction, answers, until every handle is gone.
fn write(connection: Box<dyn Connection>, connector: &dyn Connector, waiting: &mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    while let Ok(first) = waiting.recv() {
        let begun = persist(connector, Purpose::Write, &mut connection, &|| None);
        let more = waiting.try_iter().take(JOBS_PER_TRANSACTION_MAX - 1);
        let jobs: Vec<Job> = std::iter::once(first).chain(more).collect();
        let mut answers = Vec::with_capacity(jobs.len());
        let failure = match (begun, &connection) {
            (Ok(()), Some(connection)) => {
                answers.extend(jobs.into_iter().map(|job| job(Ok(&**connection))));
                connection.commit().err().map(|error| {
                    let _ = connection.batch("ROLLBACK");
                    told(&error)
                })
            }
            (begun, _) => {
                let failure = begun.err().map_or_else(String::new, |error| told(&error));
                answers.extend(jobs.into_iter().map(|job| job(Err(&failure))));
                Some(failure)
            }
        };
        for answer in answers {
            answer(failure.as_deref());
        }
    }
}

fn in_savepoint<T>(
    connection: &dyn Connection,
    job: impl FnOnce(&dyn Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.batch("SAVEPOINT job")?;
    let result = job(connection);
    match &result {
        Ok(_) => connection.batch("RELEASE job")?,
        Err(_) => connection.batch("ROLLBACK TO job; RELEASE job")?,
    }
    result
}

/// An error with its causes, in one line.
fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "how long to wait for a database is measured on this machine's clock")]
fn now() -> Instant {
    Instant::now()
}
