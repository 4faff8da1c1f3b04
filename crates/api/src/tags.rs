//! Tags of a resource. They are part of the resource's own document: what `TagResource` sets, its `Get` shows.

use crate::error::ApiError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Source: AWS's rules for tags.
const TAGS_MAX: usize = 50;
const KEY_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;
const RESERVED: &str = "aws:";
const PUNCTUATION: &str = " +-=._:/@";

/// Keys and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(BTreeMap<String, String>);

impl Tags {
    /// The tags of a new resource.
    pub(crate) fn of(tags: Option<BTreeMap<String, String>>) -> Result<Self, ApiError> {
        let mut all = Self::default();
        all.set(tags.unwrap_or_default())?;
        Ok(all)
    }

    /// Adds tags, and gives those that are there their new values.
    pub(crate) fn set(&mut self, tags: BTreeMap<String, String>) -> Result<(), ApiError> {
        let is_good = |(key, value): (&String, &String)| {
            !key.is_empty()
                && key.chars().count() <= KEY_LENGTH_MAX
                && value.chars().count() <= VALUE_LENGTH_MAX
                && !key.to_ascii_lowercase().starts_with(RESERVED)
                && key.chars().all(|letter| letter.is_alphanumeric() || PUNCTUATION.contains(letter))
        };
        if !tags.iter().all(is_good) {
            return Err(ApiError::invalid_parameter("tags"));
        }
        self.0.extend(tags);
        if self.0.len() > TAGS_MAX {
            return Err(ApiError::limit_exceeded(format_args!("a resource has at most {TAGS_MAX} tags")));
        }
        Ok(())
    }

    /// Removes tags; those that are not there are no error.
    pub(crate) fn remove(&mut self, keys: &[String]) {
        self.0.retain(|key, _| !keys.contains(key));
    }
}

impl From<Tags> for BTreeMap<String, String> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn tags_keep_awss_rules() {
        let mut tags = Tags::default();
        for key in ["team", "Cost Center", "a+b=c.d_e:f/g@h", "naïve"] {
            tags.set(tag(key, "")).unwrap();
        }
        for key in ["", "aws:x", "AWS:x", "what?", &"k".repeat(129)] {
            assert!(tags.set(tag(key, "")).is_err(), "{key}");
        }
        assert!(tags.set(tag("k", &"v".repeat(257))).is_err());
        let many = (0..50).map(|number| (format!("k{number}"), String::new())).collect();
        assert!(tags.set(many).is_err());
    }
}
