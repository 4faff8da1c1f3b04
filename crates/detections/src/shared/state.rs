//! How behaviours save and load their state.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use watchfire_model::FindingType;

/// The state as JSON, with its version. What cannot be written is saved as nothing, and begins anew.
pub(crate) fn save<T: Serialize>(version: u32, state: &T) -> Value {
    serde_json::json!({ "version": version, "state": state })
}

/// Reads what [`save`] wrote. An error is a sentence.
pub(crate) fn load<T: DeserializeOwned>(of: FindingType, version: u32, mut saved: Value) -> Result<T, String> {
    if saved["version"] != version {
        return Err(format!("the state of {of} has version {}; this is version {version}", saved["version"]));
    }
    serde_json::from_value(saved["state"].take())
        .map_err(|error| format!("the state of {of} could not be read: {error}"))
}

/// A map as a list of pairs in order of its keys: the keys of JSON's maps are texts.
pub(crate) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
