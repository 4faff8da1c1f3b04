//! How much an entry weighs at a moment, and how much is enough.
//!
//! A list that the user handed over is taken at its word. Of public lists: the weight of an entry is the confidence of its
//! list, times its own, less by age if the list dates its entries, and little if a guard covers the thing. Entries of
//! several lists add up as independent witnesses do. All in whole percent, so that every machine reckons the same.

use super::label::{Label, Shape};
use super::{ListInfo, ListOrigin};
use watchfire_model::{ListKind, ThreatMatch, Time};

/// The weight of all entries together that is enough for a finding, in percent. Source: design, "Threat-intelligence
/// matching". A scanner list is enough for a port probe whatever it weighs: that type claims no more than a scanner.
pub const WEIGHT_MIN: u8 = 50;

/// The most that public lists weigh about what a guard covers, in percent.
const GUARDED_WEIGHT_MAX: u8 = 30;

/// What an entry weighs, and how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) percent: u8,
    pub(super) seen: Option<Time>,
    pub(super) age_days: Option<u32>,
}

/// What the entry weighs at this time; `None` if it has ended, or has aged to nothing. Without a time nothing ages.
pub(super) fn weigh(label: &Label, list: &ListInfo, guarded: bool, at: Option<Time>) -> Option<Weighed> {
    let details = label.details.as_deref().copied().unwrap_or_default();
    if let (Some(until), Some(at)) = (details.until, at)
        && until <= at
    {
        return None;
    }
    let age_ms = details.seen.zip(at).map(|(seen, at)| age_ms(seen, at));
    let weighed = |percent| Weighed { percent, seen: details.seen, age_days: age_ms.map(days) };
    if list.origin == ListOrigin::Own {
        return Some(weighed(details.confidence.unwrap_or(100).min(100)));
    }
    let left = match (age_ms, lifetime_ms(list.kind, label.shape)) {
        (Some(age), Some(lifetime)) => left_percent(age, lifetime),
        _ => 100,
    };
    let confidence = u32::from(list.confidence.min(100)) * u32::from(details.confidence.unwrap_or(100).min(100)) / 100;
    let percent = (confidence * left / 100) as u8;
    let percent = if guarded { percent.min(GUARDED_WEIGHT_MAX) } else { percent };
    (percent > 0).then(|| weighed(percent))
}

/// An entry that weighs nothing any more.
pub(super) fn gone(label: &Label, at: Time) -> Weighed {
    let seen = label.details.as_ref().and_then(|details| details.seen);
    Weighed { percent: 0, seen, age_days: seen.map(|seen| days(age_ms(seen, at))) }
}

/// The matches of these kinds if they are enough for a finding, else none.
pub(super) fn enough(mut matches: Vec<(ThreatMatch, ListOrigin)>, kinds: &[ListKind]) -> Vec<ThreatMatch> {
    matches.retain(|(threat, _)| kinds.contains(&threat.kind));
    let is_enough =
        matches.iter().any(|(threat, origin)| *origin == ListOrigin::Own || threat.kind == ListKind::Scanner)
            || together(matches.iter().map(|(threat, _)| threat)) >= u32::from(WEIGHT_MIN);
    matches.into_iter().filter(|_| is_enough).map(|(threat, _)| threat).collect()
}

/// What independent witnesses weigh together, in percent: `1 − Π(1 − weight)`. Of one list only the heaviest entry counts.
/// The matches must be sorted, so that those of one list stand together.
fn together<'a>(matches: impl Iterator<Item = &'a ThreatMatch>) -> u32 {
    let mut lists: Vec<(&str, u8)> = Vec::new();
    for threat in matches {
        match lists.last_mut() {
            Some((list, weight)) if *list == threat.list => *weight = threat.weight.max(*weight),
            _ => lists.push((&threat.list, threat.weight)),
        }
    }
    // In hundredths of a percent, so that little is lost to rounding.
    let doubt = lists.iter().fold(10_000, |doubt, &(_, weight)| doubt * (100 - u32::from(weight.min(100))) / 100);
    (10_000 - doubt) / 100
}

/// How long before `at` something was seen, in milliseconds; 0 if it was seen later.
fn age_ms(seen: Time, at: Time) -> u64 {
    at.ms().saturating_sub(seen.ms()).try_into().unwrap_or(0)
}

fn days(age_ms: u64) -> u32 {
    (age_ms / Time::DAY_MS.unsigned_abs()).try_into().unwrap_or(u32::MAX)
}

/// How long an entry of such a kind means anything; `None`: for ever. Source: design, "Threat-intelligence matching":
/// Tor 1 day, addresses 14, domains 60, digests for ever. An exposed key stays exposed.
fn lifetime_ms(kind: ListKind, shape: Shape) -> Option<u64> {
    let days = match (kind, shape) {
        (ListKind::TorExit | ListKind::TorRelay, _) => 1,
        (_, Shape::Bits(_)) => 14,
        (_, Shape::Exact | Shape::ExactAndBelow | Shape::Below) => 60,
        (_, Shape::Whole) => return None,
    };
    Some(days * Time::DAY_MS.unsigned_abs())
}

/// What is left of an entry's weight at this age, in percent: MISP's decay, `1 − (age / lifetime)^(1/2)`.
/// Source: MISP, "Decaying of indicators", with the decay speed 2 of its model for network indicators.
fn left_percent(age_ms: u64, lifetime_ms: u64) -> u32 {
    if age_ms >= lifetime_ms {
        return 0;
    }
    // The root of ten thousandths is hundredths.
    let used = (age_ms.saturating_mul(10_000) / lifetime_ms.max(1)).isqrt();
    100 - used.min(100) as u32
}

#[cfg(test)]
mod tests {
    use super::{left_percent, together};
    use crate::indicators::{EntryDetails, IndicatorList, Indicators, IndicatorsBuilder, ListEntry, ListOrigin};
    use crate::lists;
    use watchfire_model::{ListKind, ThreatMatch, Time};

    fn time(text: &str) -> Time {
        Time::parse_lenient(text).unwrap()
    }

    fn list(name: &str, origin: ListOrigin, confidence: u8, seen: Option<&str>, text: &str) -> IndicatorList {
        let defaults = IndicatorList { origin, confidence, ..IndicatorList::new(name, ListKind::C2) };
        let list = lists::txt::parse(text.as_bytes(), &defaults).list;
        let details = seen.map(|seen| EntryDetails { seen: Some(time(seen)), ..EntryDetails::default() });
        with_details(list, details)
    }

    fn with_details(mut list: IndicatorList, details: Option<EntryDetails>) -> IndicatorList {
        let entries = list.entries.iter();
        list.entries = entries.map(|entry| ListEntry { details: details.map(Box::new), ..entry }).collect();
        list
    }

    fn indicators(lists: Vec<IndicatorList>, guard: &str) -> Indicators {
        let mut builder = IndicatorsBuilder::default();
        for list in lists {
            builder.add(list);
        }
        builder.guard(list("shared by many", ListOrigin::Own, 100, None, guard));
        builder.build()
    }

    /// The weights of what is found at this time, as "list weight".
    fn found(indicators: &Indicators, what: &str, at: &str) -> Vec<String> {
        let threats = match what.parse() {
            Ok(ip) => indicators.ip_threats(ip, &[ListKind::C2], time(at)),
            Err(_) => indicators.domain_threats(what, &[ListKind::C2], time(at)),
        };
        threats.iter().map(|threat| format!("{} {}", threat.list, threat.weight)).collect()
    }

    const PUBLIC: ListOrigin = ListOrigin::Public;
    const IP: &str = "198.51.100.7";

    #[test]
    fn one_confident_list_is_enough_and_one_doubtful_is_not() {
        let sure = indicators(vec![list("sure", PUBLIC, 90, None, IP)], "");
        assert_eq!(found(&sure, IP, "2026-01-01"), ["sure 90"]);
        let doubtful = indicators(vec![list("doubtful", PUBLIC, 40, None, IP)], "");
        assert_eq!(found(&doubtful, IP, "2026-01-01"), [""; 0]);
        // For a look at everything it is still there.
        assert_eq!(doubtful.ip_matches(IP.parse().unwrap())[0].weight, 40);
    }

    #[test]
    fn two_doubtful_lists_are_enough_and_one_list_twice_is_not() {
        let two = indicators(vec![list("a", PUBLIC, 40, None, IP), list("b", PUBLIC, 40, None, IP)], "");
        assert_eq!(found(&two, IP, "2026-01-01"), ["a 40", "b 40"]);
        let twice = indicators(vec![list("a", PUBLIC, 40, None, "198.51.100.7\n198.51.100.0/24")], "");
        assert_eq!(found(&twice, IP, "2026-01-01"), [""; 0]);
    }

    #[test]
    fn dated_entries_of_public_lists_age_to_nothing() {
        let dated = indicators(vec![list("dated", PUBLIC, 100, Some("2026-01-01"), "198.51.100.7\nexample.com")], "");
        assert_eq!(found(&dated, IP, "2026-01-01"), ["dated 100"]);
        assert_eq!(found(&dated, IP, "2026-01-04T12:00:00Z"), ["dated 50"]); // A quarter of 14 days.
        assert_eq!(found(&dated, IP, "2026-01-05"), [""; 0]);
        assert_eq!(found(&dated, "example.com", "2026-01-05"), ["dated 75"]); // 4 of 60 days.
        assert_eq!(found(&dated, IP, "2025-06-01"), ["dated 100"], "an event before the sighting");
        assert_eq!(found(&dated, "example.com", "2026-03-02"), [""; 0]);
    }

    #[test]
    fn the_latest_of_several_dates_counts() {
        let mut both = list("dated", PUBLIC, 100, Some("2025-01-01"), "198.51.100.7\nexample.com");
        both.entries.extend(list("dated", PUBLIC, 100, Some("2026-01-01"), "198.51.100.7\nexample.com").entries.iter());
        both.entries.extend(list("dated", PUBLIC, 100, Some("2024-01-01"), "198.51.100.7\nexample.com").entries.iter());
        let dated = indicators(vec![both], "");
        assert_eq!(found(&dated, IP, "2026-01-01"), ["dated 100"]);
        assert_eq!(found(&dated, "example.com", "2026-01-01"), ["dated 100"]);
    }

    #[test]
    fn an_own_list_is_taken_at_its_word() {
        let own = indicators(vec![list("own", ListOrigin::Own, 10, Some("2020-01-01"), IP)], IP);
        let threats = own.ip_threats(IP.parse().unwrap(), &[ListKind::C2], time("2026-01-01"));
        assert_eq!(threats.len(), 1);
        let ThreatMatch { weight, age_days, guard, .. } = &threats[0];
        assert_eq!((*weight, *age_days, guard.as_str()), (100, Some(2192), "shared by many"));
    }

    #[test]
    fn what_many_share_needs_more_than_a_public_list() {
        let guarded = indicators(
            vec![list("sure", PUBLIC, 90, None, "198.51.100.7\nexample.com")],
            "198.51.100.0/24\nexample.com",
        );
        assert_eq!(found(&guarded, IP, "2026-01-01"), [""; 0]);
        assert_eq!(found(&guarded, "example.com", "2026-01-01"), [""; 0]);
        assert_eq!(guarded.domain_matches("example.com")[0].weight, 30);
        // A guard is no trusted list, and lists nothing by itself.
        assert_eq!(guarded.ip_kinds("198.51.100.8".parse().unwrap()), 0);
        assert_ne!(guarded.ip_kinds(IP.parse().unwrap()), 0);
    }

    #[test]
    fn an_entry_ends_when_it_says_so() {
        let until = Some(time("2026-01-10"));
        let ending = list("ending", ListOrigin::Own, 100, None, "198.51.100.7");
        let ending = with_details(ending, Some(EntryDetails { until, ..EntryDetails::default() }));
        let ending = indicators(vec![ending], "");
        assert_eq!(found(&ending, IP, "2026-01-09T23:59:59Z"), ["ending 100"]);
        assert_eq!(found(&ending, IP, "2026-01-10"), [""; 0]);
        assert_eq!(ending.ip_coverage(IP.parse().unwrap(), time("2026-01-10"))[0].entry.weight, 0);
    }

    #[test]
    fn decay_is_that_of_misp() {
        assert_eq!([0, 1, 25, 50, 64, 99, 100, 101].map(|age| left_percent(age, 100)), [100, 90, 50, 30, 20, 1, 0, 0]);
        assert_eq!(left_percent(u64::MAX, u64::MAX), 0);
        assert_eq!(together([].into_iter()), 0);
    }
}
