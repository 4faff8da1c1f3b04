//! Lists that hold for the logs of some accounts and regions only: those that users set through the API.
//!
//! The lists for everyone are large and stay as they are while a program runs; these are small and change at any time. So
//! they are a structure of their own, built anew as a whole with each change, beside one that is never touched. All
//! holders' lists are merged into it, each marked with its holder's number: an answer is filtered by that number, and memory
//! grows with the entries, not with the accounts. Several accounts may have one holder: the members of an administrator.
//!
//! An answer for an account and region joins both structures: trusted in either is trusted.

use super::builder::IndicatorsBuilder;
use super::{Coverage, Found, IndicatorList, Indicators, ListOrigin, ListRole, Subject, domains, weight};
use crate::address::canonical;
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_model::{ListKind, ThreatMatch, Time};

/// Lists of one holder, and where they hold.
#[derive(Debug, Default)]
pub struct ListGroup {
    /// Account and region of the logs.
    pub places: Vec<(String, String)>,
    /// The lists.
    pub lists: Vec<(IndicatorList, ListRole)>,
}

/// All holders' lists. The default value holds none.
#[derive(Debug, Default)]
pub struct OwnLists {
    indicators: Indicators,
    /// The holder's number, by account and region.
    holders: BTreeMap<Box<str>, BTreeMap<Box<str>, u32>>,
}

/// The lists that hold for what is logged in one account and region: everyone's, and its own.
#[derive(Clone, Copy, Debug)]
pub struct Lists<'a> {
    shared: &'a Indicators,
    own: Option<(&'a Indicators, u32)>,
}

impl OwnLists {
    /// Merges the lists. Of two groups for one place the later holds.
    pub fn new(groups: Vec<ListGroup>) -> Self {
        let mut builder = IndicatorsBuilder::default();
        let mut holders: BTreeMap<Box<str>, BTreeMap<Box<str>, u32>> = BTreeMap::new();
        for (holder, group) in (1..).zip(groups) {
            for (account, region) in group.places {
                holders.entry(account.into()).or_default().insert(region.into(), holder);
            }
            for (list, role) in group.lists {
                builder.add_for(holder, list, role);
            }
        }
        Self { indicators: builder.merged(), holders }
    }

    /// The lists that hold for what is logged in an account and region, beside these for everyone.
    #[inline]
    pub fn beside<'a>(&'a self, shared: &'a Indicators, account: &str, region: &str) -> Lists<'a> {
        Lists { shared, own: self.holder(account, region).map(|holder| (&self.indicators, holder)) }
    }

    /// Whether an account and region has lists of its own.
    #[inline]
    pub fn hold_for(&self, account: &str, region: &str) -> bool {
        self.holder(account, region).is_some()
    }

    fn holder(&self, account: &str, region: &str) -> Option<u32> {
        if self.holders.is_empty() {
            return None;
        }
        self.holders.get(account)?.get(region).copied()
    }
}

impl<'a> Lists<'a> {
    /// Everyone's lists alone.
    pub fn of(shared: &'a Indicators) -> Self {
        Self { shared, own: None }
    }

    /// The kinds of the lists that cover this address, as bits; 0 if trusted or not publicly routable.
    pub fn ip_kinds(&self, ip: IpAddr) -> u32 {
        let shared = self.shared.ip_kinds(ip);
        self.kinds(shared, |own, holder| own.ip_held(ip, holder), || self.shared.trusted_ip(ip).is_some())
    }

    /// Every threat entry that covers this address, sorted; empty if trusted or not publicly routable.
    pub fn ip_matches(&self, ip: IpAddr) -> Vec<ThreatMatch> {
        self.ip_found(ip, None).into_iter().map(|(threat, _)| threat).collect()
    }

    /// The threat entries of these kinds that cover this address at this time, sorted; empty if they are not enough for a
    /// finding.
    pub fn ip_threats(&self, ip: IpAddr, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        weight::enough(self.ip_found(ip, Some(at)), kinds)
    }

    /// The trusted list that covers this address, if one does: the first by name, everyone's before its own.
    pub fn trusted_ip(&self, ip: IpAddr) -> Option<&'a str> {
        let own = self.own.and_then(|(own, holder)| {
            let labels = own.ip_labels(canonical(ip)).iter().copied();
            own.name_of(ListRole::Trusted, labels.filter(|&label| own.is_held(label, holder)))
        });
        self.shared.trusted_ip(ip).or(own)
    }

    /// The kinds of the lists that cover this name, as bits; 0 if trusted.
    pub fn domain_kinds(&self, name: &str) -> u32 {
        let shared = self.shared.domain_kinds(name);
        if self.own.is_none_or(|(own, _)| own.domains.is_empty()) {
            return shared;
        }
        let normal = domains::normalise(name);
        self.kinds(
            shared,
            |own, holder| own.domain_held(&normal, holder),
            || self.shared.trusted_domain(name).is_some(),
        )
    }

    /// The threat entries of these kinds that cover this name at this time, sorted; empty if they are not enough for a
    /// finding.
    pub fn domain_threats(&self, name: &str, kinds: &[ListKind], at: Time) -> Vec<ThreatMatch> {
        let normal = domains::normalise(name);
        let shared = self.shared.matches(self.shared.domain_entries(&normal), &normal, Some(at));
        let found = self.joined(
            shared,
            &normal,
            Some(at),
            |own, holder| own.domain_held(&normal, holder),
            || self.shared.trusted_domain(name).is_some(),
        );
        weight::enough(found, kinds)
    }

    /// The trusted list that covers this name, if one does: the first by name, everyone's before its own.
    pub fn trusted_domain(&self, name: &str) -> Option<&'a str> {
        let own = self.own.and_then(|(own, holder)| {
            let normal = domains::normalise(name);
            let labels = own.domains.covering(&normal).into_iter().map(|(label, _)| label);
            own.name_of(ListRole::Trusted, labels.filter(|&label| own.is_held(label, holder)))
        });
        self.shared.trusted_domain(name).or(own)
    }

    /// Everything that any list says of this name, trusted lists and guards too, sorted.
    pub fn domain_coverage(&self, name: &str, at: Time) -> Vec<Coverage> {
        let mut coverage = self.shared.domain_coverage(name, at);
        if let Some((own, holder)) = self.own {
            let normal = domains::normalise(name);
            let held = own.domains.covering(&normal).into_iter().filter(|&(label, _)| own.is_held(label, holder));
            let held = held.map(|(label, name)| (label, Subject::Text(name)));
            coverage.extend(own.coverage(held.collect::<Vec<_>>().into_iter(), &normal, at));
            coverage.sort_unstable();
        }
        coverage
    }

    fn kinds(
        &self,
        shared: u32,
        held: impl FnOnce(&'a Indicators, u32) -> Option<Vec<Found<'a>>>,
        is_trusted: impl FnOnce() -> bool,
    ) -> u32 {
        let Some((own, holder)) = self.own else { return shared };
        let Some(held) = held(own, holder) else { return 0 };
        let bits = held.iter().filter_map(|&(label, _)| Some(own.list_of(label)?.1.kind.bit()));
        let bits = bits.fold(0, |all, bit| all | bit);
        // No kinds of everyone's lists may also mean that one of them trusts it.
        if bits != 0 && shared == 0 && is_trusted() { 0 } else { shared | bits }
    }

    fn ip_found(&self, ip: IpAddr, at: Option<Time>) -> Vec<(ThreatMatch, ListOrigin)> {
        let ip = canonical(ip);
        let text = ip.to_string();
        let shared = self.shared.matches(self.shared.ip_entries(ip), &text, at);
        let held = |own: &'a Indicators, holder| own.ip_held(ip, holder);
        self.joined(shared, &text, at, held, || self.shared.trusted_ip(ip).is_some())
    }

    fn joined<'n>(
        &self,
        mut found: Vec<(ThreatMatch, ListOrigin)>,
        matched: &str,
        at: Option<Time>,
        held: impl FnOnce(&'a Indicators, u32) -> Option<Vec<Found<'n>>>,
        is_trusted: impl FnOnce() -> bool,
    ) -> Vec<(ThreatMatch, ListOrigin)> {
        let Some((own, holder)) = self.own else { return found };
        let Some(held) = held(own, holder) else { return Vec::new() };
        if held.is_empty() || (found.is_empty() && is_trusted()) {
            return found;
        }
        found.extend(own.matches(held.iter().copied(), matched, at));
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found
    }
}

impl Indicators {
    fn is_held(&self, label: u32, holder: u32) -> bool {
        self.list_of(label).is_some_and(|(_, list)| list.holder == holder)
    }

    fn ip_labels(&self, ip: IpAddr) -> &[u32] {
        self.ip_set(ip).map(|set| self.sets.members(set)).unwrap_or_default()
    }

    /// One holder's threat entries that cover an address; `None` if it trusts it, or if it is not publicly routable.
    fn ip_held<'a>(&self, ip: IpAddr, holder: u32) -> Option<Vec<Found<'a>>> {
        let ip = canonical(ip);
        self.held(self.ip_labels(ip).iter().map(|&label| (label, Subject::Address(ip))), holder)
    }

    /// The same of a normalised name.
    fn domain_held<'a>(&self, name: &'a str, holder: u32) -> Option<Vec<Found<'a>>> {
        self.held(self.domains.covering(name).into_iter().map(|(label, name)| (label, Subject::Text(name))), holder)
    }

    fn held<'a>(&self, entries: impl Iterator<Item = Found<'a>>, holder: u32) -> Option<Vec<Found<'a>>> {
        let mut held = Vec::new();
        for (label, subject) in entries {
            let (_, list) = self.list_of(label)?; // A label without a list is the mark of unroutable space.
            match list.role {
                _ if list.holder != holder => {}
                ListRole::Trusted => return None,
                _ => held.push((label, subject)),
            }
        }
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::txt;

    const REGION: &str = "eu-west-1";

    fn list(name: &str, text: &str) -> IndicatorList {
        txt::parse(text.as_bytes(), &IndicatorList::new(name, ListKind::Custom)).list
    }

    fn group(accounts: &[&str], threat: &str, trusted: &str) -> ListGroup {
        ListGroup {
            places: accounts.iter().map(|account| ((*account).to_owned(), REGION.to_owned())).collect(),
            lists: vec![
                (list(&format!("threats of {}", accounts[0]), threat), ListRole::Threat),
                (list(&format!("trusted by {}", accounts[0]), trusted), ListRole::Trusted),
            ],
        }
    }

    fn shared() -> Indicators {
        let mut builder = IndicatorsBuilder::default();
        builder.add(IndicatorList { kind: ListKind::C2, ..list("everyone", "198.51.100.7\nevil.example.com") });
        builder.trusted(list("partner", "9.9.9.9\npartner.example.com"));
        builder.build()
    }

    /// The names of the lists that match an address or a name.
    fn names(lists: Lists<'_>, what: &str) -> Vec<String> {
        let (kinds, at) = ([ListKind::C2, ListKind::Custom], Time::from_ms(0));
        let (bits, threats) = match what.parse::<IpAddr>() {
            Ok(ip) => (lists.ip_kinds(ip), lists.ip_threats(ip, &kinds, at)),
            Err(_) => (lists.domain_kinds(what), lists.domain_threats(what, &kinds, at)),
        };
        let expected = threats.iter().fold(0, |bits, threat| bits | threat.kind.bit());
        assert_eq!(bits, expected, "the kinds are those of the matches: {what}");
        threats.into_iter().map(|threat| threat.list).collect()
    }

    #[test]
    fn a_holders_lists_act_for_its_places_and_no_other() {
        let own = OwnLists::new(vec![
            group(&["a", "member"], "198.51.100.7\n203.0.113.5\nbad.example.com", "192.0.2.1"),
            group(&["b"], "198.51.100.8", "203.0.113.5\n198.51.100.7\nevil.example.com"),
        ]);
        let shared = shared();
        let of = |account, what| names(own.beside(&shared, account, REGION), what);
        for account in ["a", "member"] {
            assert_eq!(of(account, "198.51.100.7"), ["everyone", "threats of a"]);
            assert_eq!(of(account, "bad.example.com"), ["threats of a"]);
            assert_eq!(of(account, "evil.example.com"), ["everyone"]);
            assert_eq!(of(account, "198.51.100.8"), [""; 0], "of another's list");
        }
        // What b trusts is bad for the others all the same.
        assert_eq!(of("b", "198.51.100.7"), [""; 0]);
        assert_eq!(of("b", "evil.example.com"), [""; 0]);
        assert_eq!(of("b", "198.51.100.8"), ["threats of b"]);
        assert_eq!(of("c", "198.51.100.7"), ["everyone"]);
        assert_eq!(names(own.beside(&shared, "a", "us-east-1"), "bad.example.com"), [""; 0], "another region");
        let trusted = |account, ip: &str| own.beside(&shared, account, REGION).trusted_ip(ip.parse().unwrap());
        assert_eq!((trusted("b", "203.0.113.5"), trusted("a", "203.0.113.5")), (Some("trusted by b"), None));
    }

    #[test]
    fn what_everyone_trusts_no_own_list_can_make_bad() {
        let own = OwnLists::new(vec![group(&["a"], "9.9.9.9\n9.9.9.10\npartner.example.com\n10.1.2.3", "")]);
        let shared = shared();
        let of = |what| names(own.beside(&shared, "a", REGION), what);
        assert_eq!(of("9.9.9.9"), [""; 0]);
        assert_eq!(of("partner.example.com"), [""; 0]);
        assert_eq!(of("9.9.9.10"), ["threats of a"]);
        assert_eq!(of("10.1.2.3"), [""; 0], "not publicly routable");
    }
}
