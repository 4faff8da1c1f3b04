//! Resources as documents of the store: typed bodies under a key.

use crate::error::ApiError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Deref;
use watchfire_store::{Change, Document as Stored, Expect, Key, Range, Store, StoreError};

/// Documents read at once.
pub(crate) const READ_AT_ONCE: usize = 200;

/// What one kind of document holds.
pub(crate) trait Document: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind's name in the store; never changed once released.
    const KIND: &'static str;
}

/// A document that was read, with what it takes to change it and notice that another request did so meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Held<T> {
    /// Its name in the store.
    pub(crate) key: Key,
    /// What it holds.
    pub(crate) body: T,
    /// When it was made, milliseconds since 1970.
    pub(crate) created: i64,
    /// When it was last changed, milliseconds since 1970.
    pub(crate) updated: i64,
    /// One more with each change; 1 at first.
    pub(crate) version: u64,
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T: Document> Held<T> {
    /// Reads what the store gave. What does not read was written by a newer version, or by nobody.
    pub(crate) fn of(stored: Stored) -> Result<Self, ApiError> {
        let body = serde_json::from_value(stored.body)
            .map_err(|error| ApiError::internal(format_args!("the {} `{}`: {error}", T::KIND, stored.key.id)))?;
        Ok(Self { key: stored.key, body, created: stored.created, updated: stored.updated, version: stored.version })
    }

    /// Writes another body in its place, if nobody changed it meanwhile.
    pub(crate) fn replace(&self, body: &T) -> Change {
        put(self.key.clone(), body, Expect::Version(self.version))
    }

    /// Removes it, if nobody changed it meanwhile.
    pub(crate) fn delete(&self) -> Change {
        Change::Delete { key: self.key.clone(), expect: Expect::Version(self.version) }
    }
}

/// All documents of a range.
pub(crate) async fn all<T: Document>(store: &Store, range: &Range) -> Result<Vec<Held<T>>, ApiError> {
    let mut found: Vec<Held<T>> = Vec::new();
    loop {
        let after = found.last().map(|held| held.key.clone());
        let more = store.documents(range, after.as_ref(), READ_AT_ONCE).await?;
        let is_last = more.len() < READ_AT_ONCE;
        for document in more {
            found.push(Held::of(document)?);
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// Writes a document.
pub(crate) fn put<T: Document>(key: Key, body: &T, expect: Expect) -> Change {
    // Bodies are structures of texts, numbers and lists, which cannot fail.
    Change::Put { key, body: serde_json::to_value(body).unwrap_or_default(), expect }
}

/// What the store refused, as an answer. A conflict is tried again, with what is there by then.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::race(),
            other => {
                let mut causes = vec![other.to_string()];
                let mut cause = std::error::Error::source(&other);
                while let Some(one) = cause {
                    causes.push(one.to_string());
                    cause = one.source();
                }
                Self::internal(causes.join(": "))
            }
        }
    }
}
