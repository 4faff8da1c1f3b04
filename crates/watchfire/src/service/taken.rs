//! Which files the engine has taken in: one document of the store for each.

use super::looks::Stamp;
use serde::{Deserialize, Serialize};
use watchfire_store::{Change, Document, Expect, Key, Range, Store, StoreError};

/// The kind of their documents; they belong to no account.
const KIND: &str = "watchedFile";
/// Documents that are read at once.
const PAGE: usize = 1_000;

/// A file that was read, or the part of one that came later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// Its name in evidence.
    pub name: String,
    /// How it was when it was read.
    pub stamp: Stamp,
    /// The hash of its content: hexadecimal, as JSON's numbers end before 128 bits.
    pub content: String,
    /// The account and region that its place tells.
    pub place: (String, String),
    /// Where its last record stands; `None` if it has none.
    pub last_position: Option<u64>,
    /// The number of the first file with the same content and place, often its own.
    pub canonical: u32,
    /// Whether records of it wait for their turn: they are in the checkpoint named by [`facts_name`].
    pub waits: bool,
}

impl Taken {
    /// Writes what is known of the file with this number.
    pub fn put(&self, rank: u32) -> Change {
        // A structure of texts and numbers cannot fail.
        Change::Put { key: key(rank), body: serde_json::to_value(self).unwrap_or_default(), expect: Expect::Any }
    }
}

/// The checkpoint of the records that wait.
pub fn facts_name(rank: u32) -> String {
    format!("engine records {rank}")
}

/// All files that were ever taken in, by their number.
pub async fn all(store: &Store) -> Result<Vec<Taken>, StoreError> {
    let range =
        Range { kind: KIND, account: Some(String::new()), region: Some(String::new()), parent: Some(String::new()) };
    let mut all = Vec::new();
    let mut after: Option<Key> = None;
    loop {
        let page = store.documents(&range, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.key.clone());
        for Document { body, .. } in page {
            all.push(serde_json::from_value(body).map_err(|cause| StoreError::Corrupt { what: KIND, cause })?);
        }
        if is_last {
            return Ok(all);
        }
    }
}

fn key(rank: u32) -> Key {
    // In the order of numbers, none is left out: a file's number is its place among them.
    let id = format!("{rank:010}");
    Key { account: String::new(), region: String::new(), kind: KIND, parent: String::new(), id }
}
