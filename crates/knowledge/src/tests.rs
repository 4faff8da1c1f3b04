//! The questions that detections ask, together.

use crate::{Indicator, Inventory, Knowledge};
use watchfire_model::ListKind;

#[test]
fn knowing_nothing_is_an_answer() {
    let knowledge = Knowledge::default();
    let ip = "198.51.100.7".parse().unwrap();
    assert_eq!((knowledge.ip_kinds(ip), knowledge.domain_kinds("example.com")), (0, 0));
    assert_eq!(knowledge.key_matches("AKIAIOSFODNN7EXAMPLE"), []);
    assert!(!knowledge.has_leaked_keys() && knowledge.cloud_ranges.lookup(ip).is_none());
    assert_eq!(knowledge.remote(ip), watchfire_model::Remote::unknown(ip));
    let kinds: Vec<_> = knowledge.used_versions().into_iter().map(|used| used.kind).collect();
    assert_eq!(kinds, ["public-suffixes"]);
}

#[test]
fn everything_that_ships_names_its_version() {
    let mut knowledge = Knowledge::shipped();
    knowledge.inventory = Inventory::from_json(br#"{"date": "2026-01-31", "accounts": [{"id": "1"}]}"#).unwrap();
    let used = knowledge.used_versions();
    assert!(used.is_sorted());
    for kind in ["c2", "tor-exit", "scanner", "aws-ranges", "public-suffixes", "inventory"] {
        assert!(used.iter().any(|used| used.kind == kind && !used.version.is_empty()), "{kind}");
    }
}

#[test]
fn every_shipped_entry_is_found_by_its_own_text() {
    let knowledge = Knowledge::shipped();
    for list in crate::default_lists::load() {
        for entry in list.entries.iter() {
            let text = entry.indicator.to_string();
            let (kinds, matches) = match &entry.indicator {
                Indicator::Network(network) => {
                    (knowledge.ip_kinds(network.addr()), knowledge.ip_matches(network.addr()))
                }
                Indicator::Domain(name) => (knowledge.domain_kinds(name), knowledge.domain_matches(name)),
                Indicator::Below(name) => {
                    let below = format!("x.{name}");
                    (knowledge.domain_kinds(&below), knowledge.domain_matches(&below))
                }
                _ => continue,
            };
            assert_ne!(kinds & list.kind.bit(), 0, "{text}");
            assert!(matches.iter().any(|found| found.list == list.name && found.entry == text), "{text}");
        }
    }
}

#[test]
fn a_tor_exit_of_the_shipped_list_is_an_exit_and_a_relay() {
    let kinds = Knowledge::shipped().ip_kinds("101.99.92.179".parse().unwrap());
    assert_eq!(kinds & ListKind::TorExit.bit(), ListKind::TorExit.bit());
    assert_eq!(kinds & ListKind::TorRelay.bit(), ListKind::TorRelay.bit());
}
