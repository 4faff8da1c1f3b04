//! A piece of a text that others have pieces of too.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A piece of a shared text: to copy it, or to cut another from the same text, takes no memory. Saved as a plain text.
#[derive(Clone, Default)]
pub struct Piece {
    whole: Arc<str>,
    begin: u32,
    end: u32,
}

impl Piece {
    /// From one byte of the text to before another; the empty text if these are no places in it.
    pub(crate) fn of(whole: &Arc<str>, begin: usize, end: usize) -> Self {
        match (u32::try_from(begin), u32::try_from(end), whole.get(begin..end)) {
            (Ok(begin), Ok(end), Some(_)) => Self { whole: Arc::clone(whole), begin, end },
            _ => Self::default(),
        }
    }

    /// The text that it is a piece of.
    pub(crate) fn whole(&self) -> &str {
        &self.whole
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::of(&text.into(), 0, text.len())
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        self.whole.get(self.begin as usize..self.end as usize).unwrap_or_default()
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Piece {}

impl fmt::Display for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl Serialize for Piece {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(&*text))
    }
}
