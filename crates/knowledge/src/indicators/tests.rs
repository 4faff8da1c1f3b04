//! The lists as a user writes them, and the answers.

use super::{Indicator, IndicatorList, Indicators, IndicatorsBuilder, ListEntry};
use crate::lists;
use proptest::prelude::*;
use std::net::IpAddr;
use watchfire_model::ListKind;

fn list(name: &str, kind: ListKind, text: &str) -> IndicatorList {
    let parsed = lists::txt::parse(text.as_bytes(), &IndicatorList::new(name, kind));
    assert_eq!(parsed.rejected, []);
    parsed.list
}

fn indicators(threats: &[IndicatorList], trusted: &str) -> Indicators {
    let mut builder = IndicatorsBuilder::default();
    for list in threats {
        builder.add(list.clone());
    }
    builder.trusted(list("ours", ListKind::Custom, trusted));
    builder.build()
}

/// The covering entries as `list: entry`.
fn covering(indicators: &Indicators, what: &str) -> Vec<String> {
    let matches = match what.parse() {
        Ok(ip) => {
            let matches = indicators.ip_matches(ip);
            let kinds = matches.iter().fold(0, |kinds, found| kinds | found.kind.bit());
            assert_eq!(indicators.ip_kinds(ip), kinds, "{what}");
            matches
        }
        Err(_) => {
            let matches = indicators.domain_matches(what);
            let kinds = matches.iter().fold(0, |kinds, found| kinds | found.kind.bit());
            assert_eq!(indicators.domain_kinds(what), kinds, "{what}");
            matches
        }
    };
    matches.iter().map(|found| format!("{}: {}", found.list, found.entry)).collect()
}

#[test]
fn every_covering_list_answers() {
    let threats = [
        list("c2", ListKind::C2, "198.51.100.0/24\n198.51.100.7 # Emotet\n2001:db8::/32"),
        list("tor", ListKind::TorExit, "198.51.100.7\n2001:db8:1::1"),
    ];
    let indicators = indicators(&threats, "");
    assert_eq!(covering(&indicators, "198.51.100.7"), ["c2: 198.51.100.0/24", "c2: 198.51.100.7", "tor: 198.51.100.7"]);
    assert_eq!(covering(&indicators, "198.51.100.8"), ["c2: 198.51.100.0/24"]);
    assert_eq!(covering(&indicators, "198.51.101.7"), [""; 0]);
    assert_eq!(covering(&indicators, "2001:db8:1::1"), ["c2: 2001:db8::/32", "tor: 2001:db8:1::1"]);
    assert_eq!(covering(&indicators, "::ffff:198.51.100.8"), ["c2: 198.51.100.0/24"]);
    let emotet = &indicators.ip_matches("198.51.100.7".parse().unwrap())[1];
    assert_eq!((emotet.threat_name.as_str(), emotet.matched.as_str()), ("Emotet", "198.51.100.7"));
}

#[test]
fn a_trusted_entry_silences_every_threat_entry() {
    let threats = [list("c2", ListKind::C2, "# subdomains: yes\n198.51.100.0/24\nexample.com\nexample.org")];
    let indicators = indicators(&threats, "198.51.100.0/25\n*.example.com\nexample.org");
    assert_eq!(covering(&indicators, "198.51.100.127"), [""; 0]);
    assert_eq!(indicators.trusted_ip("198.51.100.127".parse().unwrap()), Some("ours"));
    assert_eq!(covering(&indicators, "198.51.100.128"), ["c2: 198.51.100.0/24"]);
    assert_eq!(covering(&indicators, "www.example.com"), [""; 0]);
    assert_eq!(covering(&indicators, "example.com"), ["c2: example.com"]);
    assert_eq!(covering(&indicators, "example.org"), [""; 0]);
    assert_eq!(covering(&indicators, "www.example.org"), ["c2: example.org"]);
    assert_eq!(indicators.trusted_domain("a.b.example.com"), Some("ours"));
}

#[test]
fn addresses_that_the_internet_cannot_route_match_nothing() {
    // 192.0.0.0/8 is allowed on a list and covers 192.168.0.0/16.
    let indicators = indicators(&[list("wide", ListKind::Malicious, "192.0.0.0/8")], "");
    assert_eq!(covering(&indicators, "192.168.0.1"), [""; 0]);
    assert_eq!(covering(&indicators, "192.169.0.1"), ["wide: 192.0.0.0/8"]);
    assert_eq!(covering(&indicators, "192.0.2.1"), ["wide: 192.0.0.0/8"]);
}

#[test]
fn a_domain_covers_itself_unless_the_list_says_more() {
    let threats = [
        list("exact", ListKind::C2, "example.com\nEvil.Example.ORG."),
        list("below", ListKind::Phishing, "*.example.com"),
        list("all", ListKind::Mining, "# subdomains: yes\nexample.com"),
    ];
    let indicators = indicators(&threats, "");
    assert_eq!(covering(&indicators, "example.com"), ["all: example.com", "exact: example.com"]);
    assert_eq!(covering(&indicators, "WWW.example.com."), ["all: example.com", "below: *.example.com"]);
    assert_eq!(covering(&indicators, "evil.example.org"), ["exact: evil.example.org"]);
    assert_eq!(covering(&indicators, "notexample.com"), [""; 0]);
    assert_eq!(covering(&indicators, "com"), [""; 0]);
    assert_eq!(covering(&indicators, ""), [""; 0]);
}

#[test]
fn names_in_other_scripts_match_in_either_spelling() {
    let indicators = indicators(&[list("idn", ListKind::C2, "bücher.example.com")], "");
    assert_eq!(covering(&indicators, "xn--bcher-kva.example.com"), ["idn: xn--bcher-kva.example.com"]);
    assert_eq!(covering(&indicators, "BÜCHER.example.com"), ["idn: xn--bcher-kva.example.com"]);
}

#[test]
fn keys_and_digests_are_found() {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!("AKIAIOSFODNN7EXAMPLE # a public repository\n{}", digest.to_uppercase());
    let indicators = indicators(&[list("leaks", ListKind::LeakedKey, &text)], "");
    assert!(indicators.has_keys());
    let found = indicators.key_matches("AKIAIOSFODNN7EXAMPLE");
    assert_eq!((found.len(), found[0].threat_name.as_str()), (1, "a public repository"));
    assert_eq!(indicators.key_matches("AKIAIOSFODNN7EXAMPLF"), []);
    let Ok(Indicator::Sha256(bytes)) = lists::indicator(digest) else { panic!() };
    assert_eq!(indicators.hash_matches(&bytes)[0].entry, digest);
}

#[test]
fn nothing_is_known_without_lists() {
    let none = Indicators::default();
    assert_eq!(none.ip_kinds("198.51.100.7".parse().unwrap()), 0);
    assert_eq!(none.ip_matches("2001:db8::1".parse().unwrap()), []);
    assert_eq!(none.domain_kinds("example.com"), 0);
    assert!(!none.has_keys());
}

/// Prefixes with few distinct high bits, so that they nest.
fn network() -> impl Strategy<Value = ipnet::IpNet> {
    let v4 = (any::<u32>(), 8u8..=32).prop_map(|(bits, length)| {
        let ip = std::net::Ipv4Addr::from(0xc000_0000 | (bits & 0x00ff_000f));
        ipnet::IpNet::new(ip.into(), length).unwrap().trunc()
    });
    let v6 = (any::<u128>(), 16u8..=128).prop_map(|(bits, length)| {
        let ip = std::net::Ipv6Addr::from((0x2600u128 << 112) | (bits & (0xff << 88 | 0xf)));
        ipnet::IpNet::new(ip.into(), length).unwrap().trunc()
    });
    prop_oneof![v4, v6]
}

fn ip_near(network: ipnet::IpNet, bits: u128) -> IpAddr {
    match network.network() {
        IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) ^ (bits as u32 & 0x00ff_000f)).into()),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) ^ (bits & (0xff << 88 | 0xf))).into()),
    }
}

proptest! {
    #[test]
    fn addresses_agree_with_asking_every_entry(
        entries in proptest::collection::vec((network(), 0usize..4), 0..40),
        probes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u128>()), 1..40),
    ) {
        let kinds = [ListKind::C2, ListKind::TorExit, ListKind::C2];
        let mut lists: Vec<_> = (0..4).map(|at| IndicatorList::new(at.to_string(), *kinds.get(at).unwrap_or(&ListKind::Custom))).collect();
        for &(network, at) in &entries {
            lists[at].entries.push(ListEntry { indicator: Indicator::Network(network), threat_name: "".into(), details: None });
        }
        let mut builder = IndicatorsBuilder::default();
        builder.trusted(lists.pop().unwrap());
        lists.into_iter().rev().for_each(|list| { builder.add(list); });
        let indicators = builder.build();
        for (index, bits) in probes {
            let Some((network, _)) = entries.get(index.index(entries.len().max(1))) else { continue };
            let ip = ip_near(*network, bits);
            let covers = |wanted: bool| entries.iter().filter(move |(network, at)| network.contains(&ip) && (*at == 3) == wanted);
            let silent = covers(true).count() > 0 || !crate::is_publicly_routable(ip);
            let mut expected: Vec<_> = covers(false).map(|(network, at)| {
                format!("{at}: {}", Indicator::Network(*network))
            }).filter(|_| !silent).collect();
            expected.sort();
            expected.dedup();
            let mut found = covering(&indicators, &ip.to_string());
            found.sort();
            prop_assert_eq!(found, expected, "{}", ip);
        }
    }

    #[test]
    fn names_agree_with_asking_every_entry(
        entries in proptest::collection::vec(("(\\*\\.)?[ab](\\.[ab]){0,3}\\.com", 0usize..3), 0..20),
        probes in proptest::collection::vec("[ab](\\.[ab]){0,4}\\.com", 1..20),
    ) {
        let mut lists = [
            IndicatorList::new("0", ListKind::C2),
            IndicatorList { include_subdomains: true, ..IndicatorList::new("1", ListKind::Phishing) },
            IndicatorList::new("2", ListKind::Custom),
        ];
        for (text, at) in &entries {
            lists[*at].entries.push(ListEntry { indicator: lists::indicator(text).unwrap(), threat_name: "".into(), details: None });
        }
        let mut builder = IndicatorsBuilder::default();
        let [exact, all, trusted] = lists;
        builder.add(exact).add(all).trusted(trusted);
        let indicators = builder.build();
        for name in probes {
            let covers = |text: &str, at: usize| match text.strip_prefix("*.") {
                Some(parent) => name.ends_with(&format!(".{parent}")),
                None => name == text || (at == 1 && name.ends_with(&format!(".{text}"))),
            };
            let silent = entries.iter().any(|(text, at)| *at == 2 && covers(text, *at));
            let mut expected: Vec<_> = entries.iter().filter(|(text, at)| *at != 2 && covers(text, *at) && !silent)
                .map(|(text, at)| format!("{at}: {text}")).collect();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(covering(&indicators, &name), expected, "{}", name);
        }
    }

    #[test]
    fn any_name_is_answered(name in ".{0,80}") {
        let indicators = indicators(&[list("c2", ListKind::C2, "example.com")], "");
        covering(&indicators, &name);
    }
}
