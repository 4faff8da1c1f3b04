//! Texts that many steps share: a copy is a counter, not an allocation.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A shared text, saved as a plain one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Text(Arc<str>);

/// Different texts in order. Nearly always there is none or one, which needs no list.
#[derive(Clone, Default)]
pub(crate) enum Names {
    /// None.
    #[default]
    None,
    /// One.
    One(Text),
    /// Several.
    Several(Vec<Text>),
}

impl Text {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Alike, in the same order and with the same hash.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Names {
    /// Adds others; of more than `max` the first in order stay.
    pub(crate) fn add(&mut self, more: Self, max: usize) {
        match (&*self, &more) {
            (_, Self::None) => {}
            (Self::None, _) => *self = more,
            (Self::One(one), Self::One(other)) if one == other => {}
            _ => {
                let mut names: Vec<Text> = self.iter().chain(more.iter()).cloned().collect();
                names.sort_unstable();
                names.dedup();
                names.truncate(max);
                *self = names.into();
            }
        }
    }
}

impl From<Vec<Text>> for Names {
    fn from(mut names: Vec<Text>) -> Self {
        match names.len() {
            0 => Self::None,
            1 => names.pop().map_or(Self::None, Self::One),
            _ => Self::Several(names),
        }
    }
}

impl Deref for Names {
    type Target = [Text];

    fn deref(&self) -> &[Text] {
        match self {
            Self::None => &[],
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Text>::deserialize(deserializer).map(Self::from)
    }
}

/// Shared values, saved as plain ones.
pub(crate) mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, Text};

    #[test]
    fn names_are_sorted_without_repetition_and_bounded() {
        let of = |names: &[&str]| Names::from(names.iter().map(|name| Text::from(*name)).collect::<Vec<_>>());
        let mut names = Names::default();
        for more in [of(&["c"]), of(&["c"]), of(&["a", "c"]), of(&[]), of(&["b"])] {
            names.add(more, 2);
        }
        assert_eq!(names, of(&["a", "b"]));
        let saved = serde_json::to_string(&names).unwrap();
        assert_eq!((saved.as_str(), serde_json::from_str::<Names>(&saved).unwrap()), ("[\"a\",\"b\"]", names));
    }
}
