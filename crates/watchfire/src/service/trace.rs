//! Whether a file is one that was read before and has been added to, or another in its place.
//!
//! Neither a name nor an inode tells: logs are rotated to another name, synchronised to another inode, and written over where
//! they are. What tells is the records: those that were read before stand where they stood. Taken for added to, another
//! file would lose its beginning; taken for another, one that was added to would count twice.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// What is remembered of the records of a file, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// How many there are.
    records: u64,
    /// The hash of the texts of all but the last.
    before: u64,
    /// The hash of the last one's text, and its bytes: the file may have ended within it.
    last: u64,
    last_bytes: u64,
}

impl Trace {
    /// Adds the next record.
    pub fn add(&mut self, text: &str) {
        if self.records > 0 {
            self.before = xxh3_64_with_seed(&self.last.to_le_bytes(), self.before);
        }
        self.records += 1;
        self.last = xxh3_64(text.as_bytes());
        self.last_bytes = text.len() as u64;
    }

    /// Whether a file begins with these records, of which `now` has been read and `text` is the last.
    pub fn is_reached(&self, now: &Self, text: &str) -> bool {
        let begins = usize::try_from(self.last_bytes).ok().and_then(|bytes| text.as_bytes().get(..bytes));
        self.records == now.records
            && self.before == now.before
            && begins.is_some_and(|begins| xxh3_64(begins) == self.last)
    }
}

/// What was read of a file before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Where its last record stands.
    pub position: u64,
    /// What its records were; versions that did not remember it went by name and inode.
    pub trace: Option<Trace>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a file of these records is one that had those.
    fn goes_on(earlier: &[&str], now: &[&str]) -> bool {
        let (mut of_earlier, mut of_now) = (Trace::default(), Trace::default());
        earlier.iter().for_each(|text| of_earlier.add(text));
        now.iter().any(|text| {
            of_now.add(text);
            of_earlier.is_reached(&of_now, text)
        })
    }

    #[test]
    fn a_file_goes_on_where_its_records_stand_as_they_stood() {
        assert!(goes_on(&["a", "b"], &["a", "b"]));
        assert!(goes_on(&["a", "b"], &["a", "b", "c"]));
        assert!(goes_on(&["a", "b O"], &["a", "b OK", "c"]), "the last one had not been written to its end");
        for other in [&["x", "b", "c"][..], &["a", "x", "c"], &["b", "a", "c"], &["a"], &["ab", "c"], &[]] {
            assert!(!goes_on(&["a", "b"], other), "{other:?}");
        }
    }
}
