//! What is learnt of an entity: features have values, metrics have amounts.

use super::entity::{EntityKind, Scope, cut};
use serde::{Deserialize, Serialize};

/// The longest value that is kept, in bytes; what is longer is cut. The longest domain name has 253.
const VALUE_BYTES_MAX: usize = 256;

/// A side of an entity's behaviour that has values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// What was called, and how it ended: `iam:CreateUser:ok`.
    Api,
    /// The autonomous system that calls come from, or traffic goes to.
    Asn,
    /// The country that calls come from.
    Country,
    /// The region that is called.
    Region,
    /// The family of the user agent.
    AgentFamily,
    /// The kind of identity.
    UserType,
    /// The bucket that is used.
    Bucket,
    /// Who uses it.
    Principal,
    /// The network that calls come from: a /24, a /48.
    Network,
    /// The port, with its protocol, that is contacted: `tcp/443`.
    RemotePort,
    /// The port, with its protocol, that is served.
    LocalPort,
    /// Who is talked to: a domain, or autonomous system and network.
    Peer,
    /// The resolver that is asked.
    Resolver,
    /// The registered domain that is asked for.
    QueriedDomain,
    /// The clock hour of the day, in UTC, from `00` to `23`.
    HourOfDay,
    /// The role that is assumed, by its name.
    Role,
}

impl Feature {
    /// Every feature, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Api,
        Self::Asn,
        Self::Country,
        Self::Region,
        Self::AgentFamily,
        Self::UserType,
        Self::Bucket,
        Self::Principal,
        Self::Network,
        Self::RemotePort,
        Self::LocalPort,
        Self::Peer,
        Self::Resolver,
        Self::QueriedDomain,
        Self::HourOfDay,
        Self::Role,
    ];

    /// The feature in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Asn => "autonomous system",
            Self::Country => "country",
            Self::Region => "region",
            Self::AgentFamily => "user agent",
            Self::UserType => "user type",
            Self::Bucket => "bucket",
            Self::Principal => "principal",
            Self::Network => "network",
            Self::RemotePort => "remote port",
            Self::LocalPort => "local port",
            Self::Peer => "peer",
            Self::Resolver => "resolver",
            Self::QueriedDomain => "queried domain",
            Self::HourOfDay => "hour of the day (UTC)",
            Self::Role => "role",
        }
    }

    /// V: how many values there are in the world, as far as it matters. A value that nobody was seen with has the
    /// probability 1/V. Source: our choice; rounded counts of AWS's actions with their outcomes, of the autonomous
    /// systems that call APIs, of countries, of families of agents, of ports.
    pub const fn values_in_the_world(self) -> u64 {
        match self {
            Self::Api => 20_000,
            Self::Asn => 5_000,
            Self::Country => 250,
            Self::Region => 40,
            Self::HourOfDay => 24,
            Self::AgentFamily => 30,
            Self::UserType => 10,
            Self::Bucket | Self::Principal | Self::Role => 10_000,
            Self::RemotePort | Self::LocalPort => 65_536,
            Self::Resolver => 1_000,
            Self::Network | Self::Peer | Self::QueriedDomain => 1_000_000,
        }
    }

    /// How many values of this feature a profile holds: the longest unseen gives way. Source: our choice, so that no
    /// feature fills a profile alone.
    pub(super) const fn values_max(self, scope: Scope) -> usize {
        let single = match self {
            Self::Api => 256,
            Self::QueriedDomain => 192,
            Self::Bucket | Self::Principal | Self::Peer | Self::RemotePort | Self::LocalPort | Self::Role => 96,
            Self::Asn | Self::Network => 48,
            Self::Country | Self::Region | Self::AgentFamily | Self::Resolver => 32,
            Self::UserType => 12,
            Self::HourOfDay => 24,
        };
        single * scope.factor()
    }

    /// The value as it is kept.
    pub(super) fn kept_value(value: &str) -> &str {
        cut(value, VALUE_BYTES_MAX)
    }
}

/// How long the pieces of a metric are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// A clock hour, in UTC.
    Hour,
    /// A day, in UTC.
    Day,
}

impl Period {
    /// The number of the period that this hour since the epoch lies in.
    pub(super) const fn of_hour(self, hour: u32) -> u32 {
        match self {
            Self::Hour => hour,
            Self::Day => hour / 24,
        }
    }

    /// The day that a period lies in.
    pub(super) const fn day(self, period: u32) -> u32 {
        match self {
            Self::Hour => period / 24,
            Self::Day => period,
        }
    }

    /// The period in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// A side of an entity's behaviour that has an amount in each period. Periods without any are not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// API calls.
    ApiCallsPerHour,
    /// Calls that were denied.
    DeniedPerHour,
    /// Different values of [`Feature::Api`]: counted when an hour closes, from what was seen; not to be reported.
    DistinctApisPerHour,
    /// Calls of S3 data events.
    S3CallsPerDay,
    /// Objects read.
    S3ReadsPerDay,
    /// Objects deleted.
    S3DeletesPerDay,
    /// Bytes sent.
    BytesOutPerHour,
    /// Bytes received.
    BytesInPerHour,
    /// Connections opened.
    ConnectionsPerHour,
    /// Connections opened in vain.
    FailedConnectionsPerHour,
    /// DNS queries.
    QueriesPerHour,
    /// DNS queries for names that do not exist.
    NxDomainsPerHour,
    /// Bytes that names under a domain can have carried.
    DnsBytesOutPerHour,
    /// Failed logins.
    FailedLoginsPerHour,
    /// Objects written.
    S3WritesPerDay,
}

/// What is kept of a metric besides its sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    /// Nothing.
    Sums,
    /// A limit with a chosen rate of alarms; 0.1 KB while it learns, then at most 0.9 KB.
    Tail,
    /// The same over what is usual for the hour of the week; 0.5 KB more.
    TailOfWeek,
}

impl Metric {
    /// Every metric, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::ApiCallsPerHour,
        Self::DeniedPerHour,
        Self::DistinctApisPerHour,
        Self::S3CallsPerDay,
        Self::S3ReadsPerDay,
        Self::S3DeletesPerDay,
        Self::BytesOutPerHour,
        Self::BytesInPerHour,
        Self::ConnectionsPerHour,
        Self::FailedConnectionsPerHour,
        Self::QueriesPerHour,
        Self::NxDomainsPerHour,
        Self::DnsBytesOutPerHour,
        Self::FailedLoginsPerHour,
        Self::S3WritesPerDay,
    ];

    /// The amount in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ApiCallsPerHour => "API calls",
            Self::DeniedPerHour => "denied calls",
            Self::DistinctApisPerHour => "different APIs",
            Self::S3CallsPerDay => "S3 calls",
            Self::S3ReadsPerDay => "objects read",
            Self::S3DeletesPerDay => "objects deleted",
            Self::BytesOutPerHour => "bytes sent",
            Self::BytesInPerHour => "bytes received",
            Self::ConnectionsPerHour => "connections",
            Self::FailedConnectionsPerHour => "failed connections",
            Self::QueriesPerHour => "queries",
            Self::NxDomainsPerHour => "queries for names that do not exist",
            Self::DnsBytesOutPerHour => "bytes carried by names",
            Self::FailedLoginsPerHour => "failed logins",
            Self::S3WritesPerDay => "objects written",
        }
    }

    /// How long its periods are.
    pub const fn period(self) -> Period {
        match self {
            Self::S3CallsPerDay | Self::S3ReadsPerDay | Self::S3DeletesPerDay | Self::S3WritesPerDay => Period::Day,
            _ => Period::Hour,
        }
    }

    /// What is kept of it for this kind of entity. Source: our choice; hosts and accounts have weekly rhythms, single
    /// principals rarely, and a principal may cost 6 KB.
    pub(super) const fn detail(self, kind: EntityKind) -> Detail {
        match (kind, self.period()) {
            (EntityKind::Account, Period::Hour) => Detail::TailOfWeek,
            (EntityKind::Instance, _) if matches!(self, Self::BytesOutPerHour) => Detail::TailOfWeek,
            (EntityKind::Instance, _) if matches!(self, Self::ConnectionsPerHour) => Detail::Tail,
            (EntityKind::Principal, _) if matches!(self, Self::DeniedPerHour | Self::DistinctApisPerHour) => {
                Detail::Tail
            }
            (EntityKind::Principal | EntityKind::Bucket, Period::Day) => Detail::Tail,
            (EntityKind::DnsClient, _) if matches!(self, Self::NxDomainsPerHour) => Detail::Tail,
            (EntityKind::Domain, _) if matches!(self, Self::DnsBytesOutPerHour) => Detail::Tail,
            _ => Detail::Sums,
        }
    }
}
