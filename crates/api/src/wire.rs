//! Values as they stand on the wire.

use jiff::Timestamp as Moment;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment as the protocol writes it: a JSON number of seconds since 1970, to the millisecond.
///
/// Members of that type only. Many members that look like times are text: see [`iso8601`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    /// Milliseconds since 1970.
    pub(crate) milliseconds: i64,
}

impl Timestamp {
    /// From milliseconds since 1970.
    pub(crate) fn of(milliseconds: i64) -> Self {
        Self { milliseconds }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.milliseconds % 1000 {
            0 => serializer.serialize_i64(self.milliseconds / 1000),
            _ => serializer.serialize_f64(self.milliseconds as f64 / 1000.0),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let milliseconds = (f64::deserialize(deserializer)? * 1000.0).round();
        // Beyond the year 9999 no calendar of ours goes.
        if milliseconds.abs() < 253_402_300_800_000.0 {
            Ok(Self { milliseconds: milliseconds as i64 })
        } else {
            Err(D::Error::custom("a time beyond the year 9999"))
        }
    }
}

/// `2026-03-01T12:34:56.789Z`: what members hold that are text in the model and times in fact.
pub(crate) fn iso8601(milliseconds: i64) -> String {
    let moment = Moment::from_millisecond(milliseconds).unwrap_or(Moment::UNIX_EPOCH);
    format!("{moment:.3}")
}

/// An enumeration of the service model: the Rust name and the text on the wire.
macro_rules! wire_enum {
    ($name:ident { $($variant:ident = $wire:literal,)* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub(crate) enum $name {
            $(#[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// All values, in the order of the model.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text on the wire.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),* }
            }
        }
    };
}
pub(crate) use wire_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_a_number_of_seconds() {
        assert_eq!(serde_json::to_string(&Timestamp::of(1_772_368_496_000)).unwrap(), "1772368496");
        assert_eq!(serde_json::to_string(&Timestamp::of(1_772_368_496_789)).unwrap(), "1772368496.789");
        assert_eq!(serde_json::from_str::<Timestamp>("1772368496.789").unwrap(), Timestamp::of(1_772_368_496_789));
        assert!(serde_json::from_str::<Timestamp>("1e300").is_err());
        assert!(serde_json::from_str::<Timestamp>("\"2026-03-01T00:00:00Z\"").is_err());
    }

    #[test]
    fn a_time_in_text_has_milliseconds() {
        assert_eq!(iso8601(1_772_368_496_000), "2026-03-01T12:34:56.000Z");
    }
}
