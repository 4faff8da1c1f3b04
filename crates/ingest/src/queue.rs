//! Files handed to threads one after the other; small objects of buckets are fetched before their turn.
//!
//! Fetching a small object is waiting: some are under way at any time, and what has arrived waits for a thread, within a
//! bound of memory. Large objects are fetched while they are read.

use crate::list::FoundFile;
use crate::read::Limits;
use crate::s3::prefetch;
use crate::source::Source;
use bytes::Bytes;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use tokio::sync::OwnedSemaphorePermit;

/// What was fetched of a file before its turn.
pub struct Fetched {
    pub(crate) bytes: io::Result<Bytes>,
    /// Its share of the memory, given back when it has been read.
    pub(crate) _share: Option<OwnedSemaphorePermit>,
}

/// A file's turn.
pub struct Turn {
    /// Its place in the list.
    pub place: usize,
    /// What was fetched of it, to be given to [`crate::read`].
    pub fetched: Option<Fetched>,
}

/// Files to be read, the largest first so that no thread is left with a large one at the end.
pub struct Queue {
    at_hand: Vec<usize>,
    next: AtomicUsize,
    far: Option<Mutex<mpsc::Receiver<Turn>>>,
}

impl Queue {
    /// A queue of these files; what is far away begins to be fetched, unless `is_known`: that need not be read again.
    pub fn new(files: &[FoundFile], limits: &Limits, is_known: impl Fn(&FoundFile) -> bool) -> Self {
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_key(|&place| (std::cmp::Reverse(files[place].size), place));
        let is_small_object = |place: &usize| {
            matches!(files[*place].source, Source::Object(_))
                && files[*place].size <= limits.compressed_whole_bytes as u64
                && !is_known(&files[*place])
        };
        let (far, at_hand): (Vec<_>, Vec<_>) = order.into_iter().partition(is_small_object);
        let objects = far.into_iter().filter_map(|place| match &files[place].source {
            Source::Object(object) => Some((place, object.clone())),
            _ => None,
        });
        Self { at_hand, next: AtomicUsize::new(0), far: prefetch(objects.collect()).map(Mutex::new) }
    }

    /// The next file; `None` when every one has had its turn.
    pub fn next(&self) -> Option<Turn> {
        if let Some(&place) = self.at_hand.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            return Some(Turn { place, fetched: None });
        }
        self.far.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}
