//! What a detection may ask besides the record: threat lists, geography, AWS's ranges, public suffixes, the inventory.
//!
//! Everything here is handed over as bytes or text and is immutable once built: nothing reads a file or a clock,
//! and the same inputs give the same answers, in the same order. What is not known is absent, never guessed.

mod address;
pub mod baseline;
mod bounded;
pub mod bucket_access;
pub mod bucket_acl;
pub mod bucket_policy;
mod cloud_ranges;
pub mod default_lists;
mod estate;
mod geography;
mod indicators;
mod inventory;
pub mod lists;
mod ranges;
pub mod statistics;
mod suffixes;

pub use address::is_publicly_routable;
pub use bounded::Bounded;
pub use cloud_ranges::{CloudRanges, CloudRangesError};
pub use estate::{
    BINDING_MS, EGRESS_DAYS_MIN, EGRESS_INSTANCES_MIN, Estate, LEARNS_FROM, PasswordPolicy, Workload, instance_session,
    is_cloudtrail, is_task_id,
};
pub use geography::{Geography, GeographyError, Spot};
pub use indicators::{
    Coverage, EntryDetails, Indicator, IndicatorList, Indicators, IndicatorsBuilder, ListEntries, ListEntry, ListGroup,
    ListOrigin, ListRole, Lists, OwnLists, WEIGHT_MIN,
};
pub use inventory::{
    AddressOrPrefix, Inventory, InventoryAccount, InventoryBlock, InventoryBucket, InventoryEncryption, InventoryError,
    InventoryFile, InventoryInstance, InventoryInterface, InventoryNatGateway, InventoryPermission, InventoryProfile,
    InventoryPublicAccess, InventoryReadWrite, InventoryRole, InventorySecurityGroup, InventoryVpcEndpoint,
};
pub use lists::{EntryError, ListFormat, ReadList};
pub use suffixes::Suffixes;

use std::net::IpAddr;
use watchfire_model::{KnowledgeUsed, ListKind, Remote, ThreatMatch, Time};

/// Everything a detection may ask. The default value knows nothing and answers every question with "not known".
#[derive(Debug, Default)]
pub struct Knowledge {
    /// The threat lists and the trusted lists.
    pub indicators: Indicators,
    /// Where an address is, and who announces it.
    pub geography: Geography,
    /// Which addresses are AWS's own.
    pub cloud_ranges: CloudRanges,
    /// Where a registered domain begins.
    pub suffixes: Suffixes,
    /// The accounts, instances, buckets and endpoints that the operator described.
    pub inventory: Inventory,
}

impl Knowledge {
    /// What ships in the program: the default lists and AWS's ranges, without geography and inventory.
    pub fn shipped() -> Self {
        let mut builder = IndicatorsBuilder::default();
        for list in default_lists::load() {
            builder.add(list);
        }
        for guard in default_lists::guards() {
            builder.guard(guard);
        }
        Self { indicators: builder.build(), cloud_ranges: CloudRanges::shipped(), ..Self::default() }
    }

    /// The lists that hold for what is logged in an account and region: those of this knowledge, and of `own` those that
    /// are meant for it.
    pub fn lists<'a>(&'a self, own: Option<&'a OwnLists>, account: &str, region: &str) -> Lists<'a> {
        match own {
            Some(own) => own.beside(&self.indicators, account, region),
            None => Lists::of(&self.indicators),
        }
    }

    /// The kinds of the lists that cover this address, as [`ListKind::bit`](watchfire_model::ListKind::bit)s.
    ///
    /// 0 if a trusted list covers it or it is not publicly routable. Meant for every record: it allocates nothing.
    pub fn ip_kinds(&self, ip: IpAddr) -> u32 {
        self.indicators.ip_kinds(ip)
    }

    /// Every entry of every list that covers this address, sorted. Empty where [`Self::ip_kinds`] is 0.
    pub fn ip_matches(&self, ip: IpAddr) -> Vec<ThreatMatch> {
        self.indicators.ip_matches(ip)
    }

    /// The kinds of the lists that cover this name, as bits; 0 if a trusted list covers it.
    ///
    /// Any case, with or without the trailing dot, in Unicode or in punycode. Allocates only if the name is not
    /// already in lower-case ASCII.
    pub fn domain_kinds(&self, name: &str) -> u32 {
        self.indicators.domain_kinds(name)
    }

    /// Every entry of every list that covers this name, sorted. Empty where [`Self::domain_kinds`] is 0.
    pub fn domain_matches(&self, name: &str) -> Vec<ThreatMatch> {
        self.indicators.domain_matches(name)
    }

    /// Every entry that names this access key id, sorted.
    pub fn key_matches(&self, access_key_id: &str) -> Vec<ThreatMatch> {
        self.indicators.key_matches(access_key_id)
    }

    /// The entries of lists of these kinds that cover this address at this time, sorted; empty if they are not enough
    /// for a finding. See [`WEIGHT_MIN`].
    pub fn ip_threats(&self, ip: IpAddr, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        self.indicators.ip_threats(ip, kinds, at)
    }

    /// The same of a name.
    pub fn domain_threats(&self, name: &str, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        self.indicators.domain_threats(name, kinds, at)
    }

    /// The same of an access key id.
    pub fn key_threats(&self, access_key_id: &str, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        self.indicators.key_threats(access_key_id, kinds, at)
    }

    /// Whether any list names access keys: without one, asking for each call is a waste.
    pub fn has_leaked_keys(&self) -> bool {
        self.indicators.has_keys()
    }

    /// The address with what the geography databases say about it.
    pub fn remote(&self, ip: IpAddr) -> Remote {
        self.geography.remote(ip)
    }

    /// The registered domain of this name, such as `example.co.uk` of `www.example.co.uk`; empty if it has none.
    pub fn registered_domain<'a>(&self, name: &'a str) -> &'a str {
        self.suffixes.registered_domain(name)
    }

    /// The lists and data sets that stand behind the answers, sorted.
    pub fn used_versions(&self) -> Vec<KnowledgeUsed> {
        let mut used = self.indicators.used_versions();
        used.extend(self.geography.used_versions());
        used.extend(self.cloud_ranges.used_version());
        used.push(self.suffixes.used_version());
        used.extend(self.inventory.used_version());
        used.sort();
        used
    }
}

#[cfg(test)]
mod tests;
