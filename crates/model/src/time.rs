//! Event time.

use std::fmt;

/// A moment of event time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Comes from a record, never from the clock of this machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Time(i64);

/// The text was not a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeError;

impl fmt::Display for TimeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a moment: write 2026-01-31T12:00:00Z or 2026-01-31")
    }
}

impl std::error::Error for TimeError {}

impl Time {
    /// One second in milliseconds.
    pub const SECOND_MS: i64 = 1_000;
    /// One minute in milliseconds.
    pub const MINUTE_MS: i64 = 60_000;
    /// One hour in milliseconds.
    pub const HOUR_MS: i64 = 3_600_000;
    /// One day in milliseconds.
    pub const DAY_MS: i64 = 86_400_000;

    /// The last moment that a log can mean, 9999-12-30T00:00:00Z: what lies later cannot be written as a moment.
    pub const LATEST: Self = Self(253_402_128_000_000);

    /// From milliseconds since the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Whole days since the epoch.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY_MS)
    }

    /// Whole hours since the epoch.
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(Self::HOUR_MS)
    }

    /// This moment, later by so many milliseconds.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the only form that AWS logs use; `None` for anything else, and for what
    /// lies after [`Self::LATEST`].
    ///
    /// A fraction is cut to milliseconds. This is on the hot path: it allocates nothing and looks at each byte once.
    pub fn parse_utc(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 20
            || bytes[4] != b'-'
            || bytes[7] != b'-'
            || bytes[10] != b'T'
            || bytes[13] != b':'
            || bytes[16] != b':'
        {
            return None;
        }
        let two = |at: usize| -> Option<i64> {
            let (high, low) = (bytes[at].wrapping_sub(b'0'), bytes[at + 1].wrapping_sub(b'0'));
            (high <= 9 && low <= 9).then(|| i64::from(high) * 10 + i64::from(low))
        };
        let year = two(0)? * 100 + two(2)?;
        let (month, day, hour, minute, second) = (two(5)?, two(8)?, two(11)?, two(14)?, two(17)?);
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return None;
        }
        let ms = match &bytes[19..] {
            b"Z" => 0,
            [b'.', digits @ .., b'Z'] if !digits.is_empty() => {
                let mut ms = 0;
                for index in 0..3 {
                    let digit = digits.get(index).map_or(0, |byte| byte.wrapping_sub(b'0'));
                    ms = ms * 10 + i64::from(digit);
                }
                digits.iter().all(u8::is_ascii_digit).then_some(ms)?
            }
            _ => return None,
        };
        let days = days_from_civil(year, month, day);
        let moment = Self((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + ms);
        (moment <= Self::LATEST).then_some(moment)
    }

    /// Reads what a person writes: RFC 3339 with any offset, or a date, which means its first moment in UTC.
    pub fn parse_lenient(text: &str) -> Result<Self, TimeError> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Self(moment.as_millisecond())).filter(|moment| *moment <= Self::LATEST).ok_or(TimeError);
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| TimeError)?;
        let days = days_from_civil(date.year().into(), date.month().into(), date.day().into());
        Ok(Self(days * Self::DAY_MS))
    }

    /// `2026-01-31`, the day in UTC.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

/// `2026-01-31T12:00:00.000Z`, as GuardDuty writes moments. Out-of-range moments print as their number.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(formatter, "{moment:.3}"),
            Err(_) => write!(formatter, "{}ms", self.0),
        }
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (the usual March-based era arithmetic).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::Time;
    use proptest::prelude::*;

    #[test]
    fn a_moment_prints_as_guardduty_writes_it() {
        let moment = Time::parse_utc("2024-02-29T23:59:59.1239Z").unwrap();
        assert_eq!(moment.to_string(), "2024-02-29T23:59:59.123Z");
        assert_eq!(moment.date(), "2024-02-29");
    }

    #[test]
    fn the_latest_moment_can_be_written() {
        assert_eq!(Time::LATEST.to_string(), "9999-12-30T00:00:00.000Z");
        assert_eq!(Time::parse_utc("9999-12-30T00:00:00Z"), Some(Time::LATEST));
        assert!(Time::parse_lenient("9999-12-30T20:00:00Z").is_err());
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2023-02-29T00:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(Time::parse_utc(text), None, "{text}");
        }
    }

    #[test]
    fn a_person_may_write_a_date_or_an_offset() {
        assert_eq!(Time::parse_lenient("2024-05-01").unwrap(), Time::parse_utc("2024-05-01T00:00:00Z").unwrap());
        assert_eq!(
            Time::parse_lenient("2024-05-01T02:00:00+02:00").unwrap(),
            Time::parse_utc("2024-05-01T00:00:00Z").unwrap()
        );
        assert!(Time::parse_lenient("yesterday").is_err());
    }

    proptest! {
        #[test]
        fn parsing_agrees_with_a_calendar_library(seconds in 0i64..4_102_444_800) {
            let text = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            prop_assert_eq!(Time::parse_utc(&text), Some(Time::from_seconds(seconds)));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = Time::parse_utc(&text);
        }
    }
}
