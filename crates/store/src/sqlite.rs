//! Connections: one thread that writes, and a pool for reading.

use crate::schema::{self, Migration};
use crate::{FILE_NAME, StoreError};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Reading connections that stay open. SQLite reads in parallel; more than the cores of a small machine gains nothing.
const READERS_MAX: usize = 8;

/// Jobs in one transaction at most, so that the first of them does not wait for ever for its answer.
const JOBS_PER_TRANSACTION_MAX: usize = 256;

/// Jobs that may wait for the writer; further callers wait before they are let in.
const JOBS_WAITING_MAX: usize = 4_096;

/// How long a connection waits for a lock that another process holds, `watchfire keys` or a backup for instance.
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// Page cache of the writer and of each reader, KiB. Inserts of findings touch random pages of their indexes.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// One database.
pub(crate) struct Sqlite {
    path: PathBuf,
    jobs: mpsc::SyncSender<Job>,
    idle: Mutex<Vec<Connection>>,
    /// Permits to read: as many as connections may be open.
    readers: Semaphore,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Writes, in a savepoint of its own; or hears why no transaction could begin. Returns how to answer its caller, once it
/// is known whether the transaction held.
type Job = Box<dyn FnOnce(Result<&Connection, &str>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

impl Sqlite {
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|cause| StoreError::Directory { path: folder.to_owned(), cause })?;
        let path = folder.join(FILE_NAME);
        let failed = |cause| StoreError::Open { path: path.clone(), cause };
        let mut connection = connect(&path, WRITER_CACHE_KIB).map_err(failed)?;
        schema::migrate(&mut connection).map_err(|error| match error {
            Migration::Newer(found) => StoreError::NewerSchema { path: path.clone(), found, ours: schema::VERSION },
            Migration::Sql(cause) => failed(cause),
        })?;
        let (jobs, waiting) = mpsc::sync_channel(JOBS_WAITING_MAX);
        thread::spawn(move || write(connection, &waiting));
        Ok(Self { path, jobs, idle: Mutex::new(Vec::new()), readers: Semaphore::new(READERS_MAX) })
    }

    /// Runs `job` in the next transaction, and returns once that is on disk. If `job` fails, its writes are undone and
    /// those of others in the same transaction are not.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
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

    /// Opens a connection of its own for a backup, which would keep a reader for long.
    pub(crate) fn connect_for_backup(&self) -> impl FnOnce() -> rusqlite::Result<Connection> + Send + 'static {
        let path = self.path.clone();
        move || connect(&path, READER_CACHE_KIB)
    }

    /// Runs `job` on a reading connection, beside the writer.
    pub(crate) async fn read<T, F>(self: &std::sync::Arc<Self>, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let _permit = self.readers.acquire().await.map_err(|_| StoreError::Closed)?;
        let sqlite = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let idle = sqlite.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => {
                    let connection = connect(&sqlite.path, READER_CACHE_KIB)?;
                    connection.pragma_update(None, "query_only", true)?;
                    connection
                }
            };
            // One snapshot for all statements of the job.
            let transaction = connection.unchecked_transaction()?;
            let result = job(&transaction);
            transaction.rollback()?;
            sqlite.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        done.await.map_err(|_| StoreError::Closed)?
    }
}

/// Opens a connection. `synchronous=FULL` flushes the log of WAL at each commit, so that an acknowledged write survives
/// a power cut as well as a kill; `NORMAL` would survive the kill only.
fn connect(path: &Path, cache_kib: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// The thread that writes: takes what waits, writes it as one transaction, answers, until every handle is gone.
fn write(mut connection: Connection, waiting: &mpsc::Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let more = waiting.try_iter().take(JOBS_PER_TRANSACTION_MAX - 1);
        let jobs: Vec<Job> = std::iter::once(first).chain(more).collect();
        let mut answers = Vec::with_capacity(jobs.len());
        let failure = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => {
                answers.extend(jobs.into_iter().map(|job| job(Ok(&transaction))));
                transaction.commit().err().map(|error| error.to_string())
            }
            Err(error) => {
                let failure = error.to_string();
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
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = job(connection);
    match &result {
        Ok(_) => connection.execute_batch("RELEASE job")?,
        Err(_) => connection.execute_batch("ROLLBACK TO job; RELEASE job")?,
    }
    result
}
