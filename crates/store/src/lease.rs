//! What one process does at a time, of all that have a store open.
//!
//! A lease is two things. A lock that its holder's end gives up, whatever that end was, so that another process can begin
//! at once: a lock on a file, or PostgreSQL's on a connection. And a number in the store, which grows with each holder and
//! which each of the holder's commits looks at: a holder whose lock was lost unnoticed, because its connection broke, can
//! write nothing any more once another has begun.

use crate::changes::now_ms;
use crate::database::Connection;
use crate::{Store, StoreError, ledgers};
use std::fmt;
use std::sync::Arc;

/// The right to do something that one process does at a time. Given back when it is dropped.
pub struct Lease {
    store: Store,
    _lock: Box<dyn Send>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lease").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Lease {
    /// The store, for the holder: [`Store::commit`] fails with [`StoreError::LeaseLost`], and writes nothing, once
    /// another process has the lease.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Who holds a lease.
#[derive(Debug)]
pub(crate) struct Held {
    name: String,
    number: i64,
}

impl Held {
    /// Whether it is still held, in the transaction that is to write.
    pub(crate) fn check(&self, connection: &dyn Connection) -> Result<(), StoreError> {
        if number(connection, &self.name)? == self.number {
            return Ok(());
        }
        Err(StoreError::LeaseLost { name: self.name.clone() })
    }
}

impl Store {
    /// Takes a lease; `None` if another process has it, or another lease of this one. The name is a word.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        let (connector, wanted) = (self.database.connector.clone(), name.to_owned());
        let lock = tokio::task::spawn_blocking(move || connector.lock(&wanted)).await;
        let Some(lock) = lock.map_err(|_| StoreError::Closed)?? else { return Ok(None) };
        let wanted = name.to_owned();
        let number = self.database.write(move |connection| raise(connection, &wanted)).await?;
        let held = Held { name: name.to_owned(), number };
        Ok(Some(Lease { store: Self { lease: Some(Arc::new(held)), ..self.clone() }, _lock: lock }))
    }
}

/// The checkpoint that holds the number.
fn place(name: &str) -> String {
    format!("lease of the {name}")
}

fn number(connection: &dyn Connection, name: &str) -> Result<i64, StoreError> {
    let Some(state) = ledgers::state(connection, &place(name))? else { return Ok(0) };
    let bytes = <[u8; 8]>::try_from(state.as_slice()).map_err(|_| StoreError::WrongKind)?;
    Ok(i64::from_le_bytes(bytes))
}

fn raise(connection: &dyn Connection, name: &str) -> Result<i64, StoreError> {
    let next = number(connection, name)? + 1;
    ledgers::save(connection, &place(name), &next.to_le_bytes(), now_ms())?;
    Ok(next)
}
