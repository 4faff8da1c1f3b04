//! What an entry of a list is said to be.

use std::fmt;

/// The kind of a threat list, which decides the finding types that its entries can make.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum ListKind {
    /// Command and control servers.
    C2,
    /// Tor exit nodes: where Tor traffic leaves for the internet.
    TorExit,
    /// Tor guards, middle relays and directory authorities.
    TorRelay,
    /// Mining pools and other cryptocurrency nodes.
    Mining,
    /// Phishing sites.
    Phishing,
    /// Hosts that collect stolen data.
    DropPoint,
    /// Sinkholes and black holes.
    BlackHole,
    /// Sites that serve drive-by downloads.
    DriveBy,
    /// Names known to come from a domain generation algorithm.
    Dga,
    /// Known internet scanners.
    Scanner,
    /// Names with a reputation for abuse (`Impact:EC2/AbusedDomainRequest.Reputation`).
    AbusedReputation,
    /// Names with a reputation for cryptocurrency.
    MiningReputation,
    /// Names with a reputation for malice.
    MaliciousReputation,
    /// Names with a suspicious reputation.
    SuspiciousReputation,
    /// Access key ids known to be exposed.
    LeakedKey,
    /// Known bad, without a narrower claim.
    Malicious,
    /// The user's own threat list: makes the `.Custom` types.
    Custom,
}

impl ListKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 17] = [
        Self::C2,
        Self::TorExit,
        Self::TorRelay,
        Self::Mining,
        Self::Phishing,
        Self::DropPoint,
        Self::BlackHole,
        Self::DriveBy,
        Self::Dga,
        Self::Scanner,
        Self::AbusedReputation,
        Self::MiningReputation,
        Self::MaliciousReputation,
        Self::SuspiciousReputation,
        Self::LeakedKey,
        Self::Malicious,
        Self::Custom,
    ];

    /// The spelling on the command line and in list headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::C2 => "c2",
            Self::TorExit => "tor-exit",
            Self::TorRelay => "tor-relay",
            Self::Mining => "mining",
            Self::Phishing => "phishing",
            Self::DropPoint => "drop-point",
            Self::BlackHole => "black-hole",
            Self::DriveBy => "drive-by",
            Self::Dga => "dga",
            Self::Scanner => "scanner",
            Self::AbusedReputation => "abused-reputation",
            Self::MiningReputation => "mining-reputation",
            Self::MaliciousReputation => "malicious-reputation",
            Self::SuspiciousReputation => "suspicious-reputation",
            Self::LeakedKey => "leaked-key",
            Self::Malicious => "malicious",
            Self::Custom => "custom",
        }
    }

    /// The kind with this spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// One bit per kind, so that a set of kinds is a `u32`.
    pub const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
