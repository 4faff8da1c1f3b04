//! Texts kept once, named by numbers. The numbers depend on the order of arrival and never leave this crate.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Texts in one piece of memory: four bytes and the text itself for each.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    text: String,
    ends: Vec<u32>,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Symbols {
    /// The number of a text, if it is known.
    pub(super) fn get(&self, text: &str) -> Option<u32> {
        self.index.find(self.hasher.hash_one(text), |&number| self.text(number) == text).copied()
    }

    /// The number of a text, new if it was not known. `None` when four gigabytes of text are full.
    pub(super) fn number(&mut self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        if let Some(&number) = self.index.find(hash, |&number| self.text(number) == text) {
            return Some(number);
        }
        let number = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        let Self { text, ends, index, hasher } = self;
        index.insert_unique(hash, number, |&other| hasher.hash_one(slice(text, ends, other)));
        Some(number)
    }

    /// The text of a number; empty if there is no such number.
    pub(super) fn text(&self, number: u32) -> &str {
        slice(&self.text, &self.ends, number)
    }

    /// All texts, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|number| self.text(number))
    }

    /// How many texts are known.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held.
    pub(super) fn size_bytes(&self) -> usize {
        self.text.capacity() + 4 * self.ends.capacity() + 5 * self.index.capacity()
    }
}

/// Our numbers for texts that another has numbered: each is looked up once.
pub(super) struct Learnt<'t> {
    pub(super) symbols: &'t mut Symbols,
    pub(super) theirs: &'t Symbols,
    /// By their number, as far as ours is known.
    pub(super) ours: &'t mut [Option<u32>],
}

impl Learnt<'_> {
    /// Our number of their text, if it is known.
    pub(super) fn symbol(&mut self, theirs: u32) -> Option<u32> {
        let ours = self.ours.get_mut(theirs as usize)?;
        if ours.is_none() {
            *ours = self.symbols.get(self.theirs.text(theirs));
        }
        *ours
    }

    /// The same, new if it was not known. `None` when there is no room for more text.
    pub(super) fn new_symbol(&mut self, theirs: u32) -> Option<u32> {
        self.symbols.number(self.theirs.text(theirs))
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], number: u32) -> &'a str {
    let at = number as usize;
    let Some(&end) = ends.get(at) else { return "" };
    let begin = at.checked_sub(1).map_or(0, |before| ends[before]);
    &text[begin as usize..end as usize]
}
