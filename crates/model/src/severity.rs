//! How bad a finding is, on GuardDuty's scale.

use std::fmt;

/// Severity in tenths, 1.0 to 10.0. Impact of the type, never the size of an anomaly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, serde::Serialize, serde::Deserialize)]
pub struct Severity(u8);

impl Severity {
    /// 2.0, the value GuardDuty uses in practice for *Low* (1.0–3.9).
    pub const LOW: Self = Self(20);
    /// 5.0, the value in practice for *Medium* (4.0–6.9).
    pub const MEDIUM: Self = Self(50);
    /// 8.0, the value in practice for *High* (7.0–8.9).
    pub const HIGH: Self = Self(80);
    /// 9.0, the value in practice for *Critical* (9.0–10.0).
    pub const CRITICAL: Self = Self(90);

    /// A severity from its number; `None` outside 1.0 to 10.0. Rounded to a tenth.
    pub fn from_number(number: f64) -> Option<Self> {
        let tenths = (number * 10.0).round();
        (10.0..=100.0).contains(&tenths).then_some(Self(tenths as u8))
    }

    /// The number that goes on the wire: 2.0, 5.0, 8.0, 9.0, …
    pub fn number(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// The named level this number falls into.
    pub fn level(self) -> SeverityLevel {
        match self.0 {
            ..40 => SeverityLevel::Low,
            40..70 => SeverityLevel::Medium,
            70..90 => SeverityLevel::High,
            90.. => SeverityLevel::Critical,
        }
    }
}

/// The four levels of the console.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum SeverityLevel {
    /// 1.0 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

impl SeverityLevel {
    /// The lowest severity of this level.
    pub fn minimum(self) -> Severity {
        Severity(match self {
            Self::Low => 10,
            Self::Medium => 40,
            Self::High => 70,
            Self::Critical => 90,
        })
    }
}

impl fmt::Display for SeverityLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        })
    }
}
