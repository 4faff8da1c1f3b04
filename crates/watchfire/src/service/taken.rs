//! Which files the engine has taken in: one document of the store for each, as many as are remembered.
//!
//! **How long a file is remembered.** At most so many files as the options say, those that were changed last. When there
//! are more, the ones that were changed longest ago are forgotten, and the moment of change of the newest of them is kept as
//! a mark: whatever was last changed by then counts as read, whether or not it is still there. A file moves the mark only
//! when all files that were changed before it have been read and judged. So a folder that keeps its files for years is not
//! read twice, and a file that comes with a date before the mark is told of and not read.

use super::looks::Stamp;
use super::trace::{Earlier, Trace};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use watchfire_engine::SourceFile;
use watchfire_ingest::FoundFile;
use watchfire_model::{RecordKind, Time};
use watchfire_store::{Change, Document, Expect, Key, Range, Store, StoreError};

/// The kind of their documents; they belong to no account.
const KIND: &str = "watchedFile";
/// Documents that are read at once.
const PAGE: usize = 1_000;
/// The checkpoint of the [`Position`].
const POSITION: &str = "engine files";

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
    /// What its records were.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// The number of the first file with the same content and place, often its own.
    pub canonical: u32,
    /// Whether records of it wait for their turn: they are in the checkpoint named by [`facts_name`].
    pub waits: bool,
}

/// A moment of change: seconds since 1970, and nanoseconds.
pub type Changed = (i64, i64);

/// What is remembered beside the files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The number of the next file. None is given twice: what behaviours remember of records names them by it.
    pub next: u32,
    /// What was last changed by this moment counts as read.
    pub forgotten: Option<Changed>,
    /// The newest event of each source.
    pub heard: Vec<((String, String, RecordKind), Time)>,
}

/// What a file in a folder is to us.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// It was read as it is.
    Known(u32),
    /// It counts as read: see the mark.
    PassedOver,
    /// It is to be read, behind the first of these that it begins with.
    New(Vec<Earlier>),
}

/// The files that are remembered.
#[derive(Default)]
pub struct Files {
    taken: BTreeMap<u32, Taken>,
    /// The same, as the engine's replay needs them.
    pub sources: BTreeMap<u32, SourceFile>,
    /// Where each can be read, if it has been seen since the start.
    found: BTreeMap<u32, FoundFile>,
    /// The newest number of each name.
    by_name: HashMap<String, u32>,
    /// The newest number of each inode.
    by_inode: HashMap<u64, u32>,
    /// The first number of each content in its place.
    by_content: HashMap<(String, (String, String)), u32>,
    pub position: Position,
}

impl Files {
    /// What is stored; sources are made by `source`.
    pub async fn load(store: &Store, source: impl Fn(&Taken) -> SourceFile) -> Result<Self> {
        let mut files = Self::default();
        for (rank, taken) in all(store).await? {
            let source = source(&taken);
            files.add(rank, taken, source, None);
        }
        if let Some(saved) = store.checkpoint(POSITION).await? {
            let next = files.position.next;
            files.position = serde_json::from_slice(&saved)?;
            files.position.next = files.position.next.max(next);
        }
        Ok(files)
    }

    /// Takes a file in.
    pub fn add(&mut self, rank: u32, taken: Taken, source: SourceFile, found: Option<FoundFile>) {
        self.position.next = self.position.next.max(rank.saturating_add(1));
        self.sources.insert(rank, source);
        self.by_name.insert(taken.name.clone(), rank);
        self.by_inode.insert(taken.stamp.inode, rank);
        self.by_content.entry((taken.content.clone(), taken.place.clone())).or_insert(rank);
        self.found.extend(found.map(|found| (rank, found)));
        self.taken.insert(rank, taken);
    }

    /// What a file in a folder is to us, of which the path tells the account and region `place`.
    pub fn news(&self, name: &str, stamp: &Stamp, place: &(String, String)) -> News {
        let named = self.by_name.get(name).and_then(|rank| Some((*rank, self.taken.get(rank)?)));
        if let Some((rank, _)) = named.filter(|(_, earlier)| earlier.stamp == *stamp) {
            return News::Known(rank);
        }
        let named = named.map(|(_, earlier)| earlier);
        // Logs are rotated to another name.
        let moved = self.by_inode.get(&stamp.inode).and_then(|rank| self.taken.get(rank));
        let moved = moved.filter(|earlier| earlier.place == *place && earlier.trace.is_some());
        let candidates = [
            named.filter(|earlier| earlier.stamp.inode == stamp.inode),
            moved,
            // What synchronises folders makes a new file in the place of the old.
            named.filter(|earlier| earlier.trace.is_some()),
        ];
        let candidates = candidates.into_iter().flatten().filter(|earlier| earlier.stamp.size < stamp.size);
        let mut earlier: Vec<Earlier> = candidates
            .filter_map(|Taken { last_position, trace, .. }| {
                Some(Earlier { position: (*last_position)?, trace: *trace })
            })
            .collect();
        earlier.dedup();
        let is_forgotten = || self.position.forgotten.is_some_and(|mark| stamp.modified <= mark);
        if named.is_none() && earlier.is_empty() && is_forgotten() {
            return News::PassedOver;
        }
        News::New(earlier)
    }

    /// Says where a file can be read.
    pub fn seen(&mut self, rank: u32, found: FoundFile) {
        self.found.entry(rank).or_insert(found);
    }

    /// The file with this content in this place, if there was one.
    pub fn same_content(&self, content: &str, place: &(String, String)) -> Option<u32> {
        self.by_content.get(&(content.to_owned(), place.clone())).copied()
    }

    /// The numbers of files of which records wait.
    pub fn waiting(&self) -> Vec<u32> {
        self.taken.iter().filter(|(_, taken)| taken.waits).map(|(rank, _)| *rank).collect()
    }

    /// Nothing of a file waits any more: the changes that say so.
    pub fn judged(&mut self, rank: u32) -> Vec<Change> {
        let Some(taken) = self.taken.get_mut(&rank) else { return Vec::new() };
        taken.waits = false;
        vec![put(rank, taken), Change::DropCheckpoint { name: facts_name(rank) }]
    }

    /// The files that can be read, with what they are to the engine.
    pub fn readable(&self) -> (Vec<&FoundFile>, Vec<SourceFile>) {
        let both = self.found.iter().filter_map(|(rank, found)| Some((found, self.sources.get(rank)?.clone())));
        both.unzip()
    }

    /// Forgets what is too much: the changes that do so. `unread` is the earliest moment of change of any file that is
    /// there and has not been read.
    pub fn forget(&mut self, remembered_max: usize, unread: Option<Changed>) -> Vec<Change> {
        let excess = self.taken.len().saturating_sub(remembered_max);
        // Many at once, so that it is not done with each file.
        if excess <= remembered_max / 10 {
            return Vec::new();
        }
        let mut times: Vec<Changed> = self.taken.values().map(|taken| taken.stamp.modified).collect();
        times.sort_unstable();
        let waiting = self.taken.values().filter(|taken| taken.waits).map(|taken| taken.stamp.modified);
        let bound = waiting.chain(unread).min();
        let oldest = times[..excess].iter().rev().find(|time| bound.is_none_or(|bound| **time < bound));
        let Some(&mark) = oldest else { return Vec::new() };
        self.position.forgotten = self.position.forgotten.max(Some(mark));
        let ranks: Vec<u32> =
            self.taken.iter().filter(|(_, taken)| taken.stamp.modified <= mark).map(|(rank, _)| *rank).collect();
        let mut changes = Vec::new();
        for rank in ranks {
            let Some(taken) = self.taken.remove(&rank) else { continue };
            self.sources.remove(&rank);
            self.found.remove(&rank);
            if self.by_name.get(&taken.name) == Some(&rank) {
                self.by_name.remove(&taken.name);
            }
            if self.by_inode.get(&taken.stamp.inode) == Some(&rank) {
                self.by_inode.remove(&taken.stamp.inode);
            }
            let content = (taken.content, taken.place);
            if self.by_content.get(&content) == Some(&rank) {
                self.by_content.remove(&content);
            }
            changes.push(Change::Delete { key: key(rank), expect: Expect::Any });
        }
        changes.push(self.put_position());
        changes
    }

    /// Writes what is remembered beside the files.
    pub fn put_position(&self) -> Change {
        // Numbers and texts cannot fail.
        Change::Checkpoint { name: POSITION.to_owned(), state: serde_json::to_vec(&self.position).unwrap_or_default() }
    }
}

/// Writes what is known of the file with this number.
pub fn put(rank: u32, taken: &Taken) -> Change {
    // A structure of texts and numbers cannot fail.
    Change::Put { key: key(rank), body: serde_json::to_value(taken).unwrap_or_default(), expect: Expect::Any }
}

/// The checkpoint of the records that wait.
pub fn facts_name(rank: u32) -> String {
    format!("engine records {rank}")
}

/// All files that are remembered, with their numbers.
async fn all(store: &Store) -> Result<Vec<(u32, Taken)>, StoreError> {
    let range =
        Range { kind: KIND, account: Some(String::new()), region: Some(String::new()), parent: Some(String::new()) };
    let mut all = Vec::new();
    let mut after: Option<Key> = None;
    loop {
        let page = store.documents(&range, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.key.clone());
        for Document { key, body, .. } in page {
            let taken = serde_json::from_value(body).map_err(|cause| StoreError::Corrupt { what: KIND, cause })?;
            all.extend(key.id.parse().ok().map(|rank| (rank, taken)));
        }
        if is_last {
            return Ok(all);
        }
    }
}

fn key(rank: u32) -> Key {
    let id = format!("{rank:010}");
    Key { account: String::new(), region: String::new(), kind: KIND, parent: String::new(), id }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(time: i64) -> Stamp {
        Stamp { size: 1, modified: (time, 0), inode: 1 }
    }

    fn files(times: impl IntoIterator<Item = i64>) -> Files {
        let mut files = Files::default();
        for (rank, time) in (0..).zip(times) {
            let (name, content) = (format!("{time}.json"), time.to_string());
            let taken = Taken { name, stamp: stamp(time), content, ..Taken::default() };
            files.add(rank, taken, SourceFile::default(), None);
        }
        files
    }

    #[test]
    fn the_oldest_are_forgotten_and_count_as_read() {
        let (mut files, place) = (files((0..25).rev()), Default::default());
        let changes = files.forget(20, None);
        assert_eq!((changes.len(), files.taken.len(), files.position.forgotten), (6, 20, Some((4, 0))));
        assert_eq!(files.news("4.json", &stamp(4), &place), News::PassedOver);
        assert_eq!(files.news("another.json", &stamp(3), &place), News::PassedOver, "it came with an old date");
        assert_eq!(files.news("another.json", &stamp(5), &place), News::New(vec![]));
        assert_eq!(files.news("5.json", &stamp(5), &place), News::Known(19));
        assert_eq!(files.position.next, 25, "no number is given again");
    }

    #[test]
    fn nothing_is_forgotten_that_a_file_still_to_be_read_could_be_taken_for() {
        let mut unread = files(0..25);
        unread.forget(20, Some((2, 0)));
        assert_eq!((unread.taken.len(), unread.position.forgotten), (23, Some((1, 0))));
        let mut waiting = files(0..25);
        waiting.taken.get_mut(&0).unwrap().waits = true;
        assert!(waiting.forget(20, None).is_empty());
        assert!(files(0..22).forget(20, None).is_empty(), "a tenth more is no matter");
    }
}
