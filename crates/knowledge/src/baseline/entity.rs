//! Whose habits are learnt.

use serde::{Deserialize, Serialize};

/// The longest id that is kept, in bytes; what is longer is cut. An ARN has at most 2,048, but roles and users 200.
const ID_BYTES_MAX: usize = 512;

/// A kind of subject that has habits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// A user, a role or another identity: its normalised ARN.
    Principal,
    /// Principals that are alike: `account/name of the group`.
    PeerGroup,
    /// An account: its twelve digits.
    Account,
    /// An instance: `account/instance`.
    Instance,
    /// Instances that are alike: `account/name of the group`.
    InstanceGroup,
    /// A bucket: its name.
    Bucket,
    /// Whoever sends DNS queries: `account/instance` or `account/address`.
    DnsClient,
    /// A registered domain.
    Domain,
    /// All accounts together.
    Organization,
    /// A principal's use of one bucket: `ARN bucket`.
    PrincipalBucket,
    /// An instance's traffic with one peer: `account/instance peer`.
    InstancePeer,
}

/// How many others speak through an entity: it decides how much a profile holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    /// One.
    Single,
    /// Some that are alike.
    Group,
    /// Whole accounts.
    Estate,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Principal,
        Self::PeerGroup,
        Self::Account,
        Self::Instance,
        Self::InstanceGroup,
        Self::Bucket,
        Self::DnsClient,
        Self::Domain,
        Self::Organization,
        Self::PrincipalBucket,
        Self::InstancePeer,
    ];

    /// The kind in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::PeerGroup => "peer group",
            Self::Account => "account",
            Self::Instance => "instance",
            Self::InstanceGroup => "instance group",
            Self::Bucket => "bucket",
            Self::DnsClient => "DNS client",
            Self::Domain => "domain",
            Self::Organization => "organization",
            Self::PrincipalBucket => "principal and bucket",
            Self::InstancePeer => "instance and peer",
        }
    }

    /// How many are remembered. Source: our choice; a typical profile of a principal is 2 KB, of an instance's peer
    /// 0.3 KB.
    pub const fn entities_max(self) -> usize {
        match self {
            Self::Organization => 16,
            Self::Account => 10_000,
            Self::PeerGroup | Self::InstanceGroup => 50_000,
            Self::Principal | Self::Instance | Self::DnsClient | Self::Bucket => 200_000,
            Self::Domain | Self::PrincipalBucket | Self::InstancePeer => 400_000,
        }
    }

    pub(super) const fn scope(self) -> Scope {
        match self {
            Self::Account | Self::Organization => Scope::Estate,
            Self::PeerGroup | Self::InstanceGroup | Self::Bucket | Self::Domain => Scope::Group,
            _ => Scope::Single,
        }
    }
}

impl Scope {
    /// Values of all features together.
    ///
    /// Source: 384 of 16 bytes are the 6 KB that a principal may cost; groups and accounts are few, and hold the
    /// habits of many.
    pub(super) const fn values_max(self) -> usize {
        self.factor() * 384
    }

    /// New values that a profile takes in a day, of each feature. Source: 20 for one subject, so that a day of new
    /// behaviour does not become normal at once; groups and accounts learn through many.
    pub(super) const fn new_values_a_day_max(self) -> usize {
        match self {
            Self::Single => 20,
            Self::Group => 200,
            Self::Estate => 2_000,
        }
    }

    /// How many times what a single subject's profile holds.
    pub(super) const fn factor(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Group => 4,
            Self::Estate => 16,
        }
    }
}

/// A subject that has habits: what it is, and which one. The id includes the account where it does not follow from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Which one.
    pub id: String,
}

/// An [`Entity`] whose id stands elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntityRef<'e> {
    /// What it is.
    pub kind: EntityKind,
    /// Which one.
    pub id: &'e str,
}

impl<'e> EntityRef<'e> {
    /// The entity of this kind with this id.
    pub const fn new(kind: EntityKind, id: &'e str) -> Self {
        Self { kind, id }
    }

    /// The id as it is kept.
    pub(super) fn kept_id(self) -> &'e str {
        cut(self.id, ID_BYTES_MAX)
    }
}

impl<'e> From<&'e Entity> for EntityRef<'e> {
    fn from(entity: &'e Entity) -> Self {
        Self { kind: entity.kind, id: &entity.id }
    }
}

impl<'e> From<&EntityRef<'e>> for EntityRef<'e> {
    fn from(entity: &EntityRef<'e>) -> Self {
        *entity
    }
}

impl Entity {
    /// The entity of this kind with this id.
    pub fn new(kind: EntityKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// The first so many bytes of a text, and no part of a character.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
