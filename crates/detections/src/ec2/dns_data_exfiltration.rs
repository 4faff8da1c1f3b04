//! Data leave in the names that a host asks for.

use crate::behaviour::{Behaviour, Scene, Verdict};
use crate::shared::{subject, tallied_query};
use crate::tally::{QueryKey, QueryTally, QueryType, RecordPlace};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_knowledge::statistics::log2_milli;
use watchfire_model::{FindingType, Severity, Time};

const EXFILTRATION: FindingType = FindingType::new("Trojan:EC2/DNSDataExfiltration");

/// Information in the names of an hour.
pub(crate) static BYTES_PER_HOUR: Threshold = Threshold {
    key: "ec2.dns_exfiltration.bytes_per_hour",
    default: 2_500.0,
    min: 200.0,
    max: 1e9,
    unit: "bytes of information in distinct names, an hour",
    source: "Information-based heavy hitters reach 0.7 B/s, 2.5 kB/h, with a false-alert rate below 0.004 over 250 G \
             queries (Ozery et al., 2024); of 3,800 client-domain-hours of ordinary traffic the largest had 0.19 kB",
    summary: "how much the names below one domain must carry in any hour",
};

/// Distinct names in an hour.
pub(crate) static NAMES: Threshold = Threshold {
    key: "ec2.dns_exfiltration.names",
    default: 20.0,
    min: 2.0,
    max: 1e6,
    unit: "distinct names, an hour",
    source: "Our choice: a transfer in so few names is smaller than the limit of bytes whatever they hold",
    summary: "how many distinct names below one domain must carry it",
};

/// A domain that so many of the clients use is infrastructure.
pub(crate) static COMMON_SHARE: Threshold = Threshold {
    key: "ec2.dns_exfiltration.common_client_share",
    default: 20.0,
    min: 1.0,
    max: 100.0,
    unit: "percent of clients, of at least ten",
    source: "Our choice: software that every host runs, such as a virus scanner's look-ups, is on many; a thief's is not",
    summary: "a domain used by so many clients, and known for 14 days, is exempt",
};

/// A domain must have been known so long to be exempt for being common.
const COMMON_DAYS: i64 = 14;
/// Fewer clients make no share.
const CLIENTS_MIN: usize = 10;
/// No character of a name can carry more: names have 37 usable characters, and 5 bits are base32.
const BITS_PER_CHARACTER_MAX_MILLI: u64 = 5_000;
/// Windows begin at each sixth of an hour.
const STEP_MS: i64 = Time::HOUR_MS / 6;
/// Client-domain pairs remembered for the hour before, and domains for their age.
const ENTITIES_MAX: usize = 200_000;
/// Pairs with less than this part of the limit of names are forgotten at once: two such hours make no window.
const NAMES_KEPT_MIN: u64 = 5;
/// Records shown.
const RECORDS_MAX: usize = 10;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[EXFILTRATION],
    summary: "The names that an instance asked for below one domain carry data out.",
    listens: &[Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Exfiltration::default())),
};

/// Evidence: the names below one registered domain that one client asked for within any hour (windows begin every ten
/// minutes, so none is missed at an hour's edge) hold at least 2,500 bytes of information in at least 20 distinct names.
/// The information of a name is the length of what stands below the domain, without dots, times the entropy of its
/// characters (at most 5 bits). Beyond 64 distinct names an hour the number is estimated from the 64 smallest hashes.
///
/// No evidence: private and reverse zones, AWS's own zones, DNS block lists and mail keys (`_domainkey`), and a domain that
/// has been common among the clients for 14 days.
///
/// False positives: virus scanners, block lists and content networks that put hashes into names, where they are not common
/// among your hosts yet. Tests of DNS itself. Suppress the finding for the domain, or trust it (`--trusted`).
#[derive(Default, Serialize, Deserialize)]
struct Exfiltration {
    /// The hour that is being shown.
    hour: i64,
    /// What clients asked below each domain in that hour, if it is worth a look.
    current: BTreeMap<PairKey, PairHour>,
    /// The hour before.
    previous: BTreeMap<PairKey, PairHour>,
    /// Clients seen in the current hour, by a short text each.
    clients: BTreeSet<String>,
    /// When each domain worth a look was first seen, and how many clients used it in the current hour.
    domains: BTreeMap<Box<str>, DomainUse>,
    evicted: u64,
}

/// Client (account, VPC, instance or address) and domain.
type PairKey = (String, Box<str>);

/// The names of one pair in one hour.
#[derive(Clone, Serialize, Deserialize)]
struct PairHour {
    names: Vec<Carried>,
    /// Distinct names, of which `names` are all or a sample.
    distinct: u64,
    /// Whether a window that ended in it was reported: what is left of it does not count again.
    has_fired: bool,
}

/// One name, and what it carries.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Carried {
    first: Time,
    name: Box<str>,
    /// Length of what stands below the domain, without dots.
    length: u64,
    /// Entropy of its characters, in thousandths of a bit.
    entropy_milli: u64,
    place: RecordPlace,
}

#[derive(Default, Serialize, Deserialize)]
struct DomainUse {
    first_day: i64,
    last_day: i64,
    clients: u32,
}

/// An hour of one pair.
struct Window {
    begin: Time,
    /// Distinct names and bytes, estimated.
    distinct: u64,
    bytes: u64,
    /// Means over the names that were kept.
    mean_length_milli: u64,
    mean_entropy_milli: u64,
    kept: Vec<Carried>,
}

impl Behaviour for Exfiltration {
    fn query(&mut self, key: &QueryKey, tally: &QueryTally, scene: &mut Scene<'_>) {
        self.begin_hour(key.hour);
        let client = tallied_query::client(key);
        if self.clients.len() < ENTITIES_MAX && !self.clients.contains(&client) {
            self.clients.insert(client.clone());
        }
        if !tallied_query::is_public(&key.domain) || tally.name_count() < NAMES_KEPT_MIN {
            return;
        }
        let pair_key = (client, key.domain.clone());
        let mut pair = PairHour::of(key, tally);
        let window = pair.busiest(self.previous.get(&pair_key), key.hour);
        self.note_domain(key);
        if window.bytes >= scene.thresholds.count(&BYTES_PER_HOUR)
            && window.distinct >= scene.thresholds.count(&NAMES)
            && !self.is_common(&key.domain, key.hour / 24, scene)
            && !is_trusted(key, scene)
        {
            let verdict = verdict(key, tally, &window, scene);
            scene.verdicts.push(verdict);
            pair.has_fired = true;
        }
        if self.current.len() < ENTITIES_MAX {
            self.current.insert(pair_key, pair);
        } else {
            self.evicted += 1;
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.domains.retain(|_, usage| now.day() - usage.last_day <= 60);
        std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let names: usize = self.current.values().chain(self.previous.values()).map(|pair| pair.names.len()).sum();
        let pairs = self.current.len() + self.previous.len();
        (pairs as u64, (names * 120 + pairs * 120 + self.domains.len() * 80 + self.clients.len() * 60) as u64)
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": 1, "state": {
            "hour": self.hour, "current": pairs(&self.current), "previous": pairs(&self.previous),
            "clients": self.clients, "domains": self.domains, "evicted": self.evicted } })
    }

    fn load(&mut self, state: serde_json::Value) -> Result<(), String> {
        let read = |error: serde_json::Error| format!("the state of {EXFILTRATION} could not be read: {error}");
        let saved: Saved = serde_json::from_value(state["state"].clone()).map_err(read)?;
        *self = Self {
            hour: saved.hour,
            current: saved.current.into_iter().collect(),
            previous: saved.previous.into_iter().collect(),
            clients: saved.clients,
            domains: saved.domains,
            evicted: saved.evicted,
        };
        Ok(())
    }
}

/// JSON's keys are texts, so pairs are saved as a list.
#[derive(Deserialize)]
struct Saved {
    hour: i64,
    current: Vec<(PairKey, PairHour)>,
    previous: Vec<(PairKey, PairHour)>,
    clients: BTreeSet<String>,
    domains: BTreeMap<Box<str>, DomainUse>,
    evicted: u64,
}

fn pairs(map: &BTreeMap<PairKey, PairHour>) -> Vec<(&PairKey, &PairHour)> {
    map.iter().collect()
}

impl Exfiltration {
    fn begin_hour(&mut self, hour: i64) {
        if hour == self.hour {
            return;
        }
        let current = std::mem::take(&mut self.current);
        self.previous = if hour == self.hour + 1 { current } else { BTreeMap::new() };
        self.hour = hour;
        self.clients.clear();
        for usage in self.domains.values_mut() {
            usage.clients = 0;
        }
    }

    fn note_domain(&mut self, key: &QueryKey) {
        let day = key.hour.div_euclid(24);
        if self.domains.len() >= ENTITIES_MAX && !self.domains.contains_key(&key.domain) {
            self.evicted += 1;
            return;
        }
        let usage =
            self.domains.entry(key.domain.clone()).or_insert(DomainUse { first_day: day, ..DomainUse::default() });
        usage.last_day = day;
        usage.clients += 1;
    }

    /// Whether many of this hour's clients so far use the domain, and it is nothing new. The keys of an hour come in order,
    /// so the answer is the same in every run.
    fn is_common(&self, domain: &str, day: i64, scene: &Scene<'_>) -> bool {
        let Some(usage) = self.domains.get(domain) else { return false };
        let share = f64::from(usage.clients) * 100.0 / self.clients.len().max(1) as f64;
        self.clients.len() >= CLIENTS_MIN
            && day - usage.first_day >= COMMON_DAYS
            && share >= scene.thresholds.get(&COMMON_SHARE)
    }
}

fn is_trusted(key: &QueryKey, scene: &Scene<'_>) -> bool {
    scene.context.lists(&key.place.account, &key.place.region).trusted_domain(&key.domain).is_some()
}

impl PairHour {
    fn of(key: &QueryKey, tally: &QueryTally) -> Self {
        let carried = tally.names.kept().iter().filter_map(|name| {
            let below = name.below(&key.domain);
            if is_machinery(below) {
                return None;
            }
            let (length, entropy_milli) = content(below);
            let first = QueryTally::moment(key.hour, name.first);
            Some(Carried { first, name: name.name.clone(), length, entropy_milli, place: name.place })
        });
        let mut names: Vec<Carried> = carried.collect();
        names.sort_unstable();
        let kept = tally.names.kept().len().max(1) as u64;
        // An estimate may be more than there were queries.
        let distinct = tally.name_count().min(u64::from(tally.queries)) * names.len() as u64 / kept;
        Self { names, distinct, has_fired: false }
    }

    /// The window that carries most among those that end in this hour.
    fn busiest(&self, previous: Option<&Self>, hour: i64) -> Window {
        let begin = hour.saturating_mul(Time::HOUR_MS);
        let previous = previous.filter(|previous| !previous.has_fired);
        let windows = (if previous.is_some() { -5 } else { 0 }..=0)
            .map(|step| self.window(previous, begin.saturating_add(step * STEP_MS)));
        // The whole hour last: of equals it is the one to speak of.
        let busiest = windows.max_by_key(|window| window.bytes);
        busiest.unwrap_or_else(|| self.window(None, begin))
    }

    /// The hour from a moment on. A name counts where it was first asked for.
    fn window(&self, previous: Option<&Self>, begin_ms: i64) -> Window {
        let inside = |carried: &&Carried| (begin_ms..begin_ms + Time::HOUR_MS).contains(&carried.first.ms());
        let (mut bits_milli, mut distinct) = (0u64, 0);
        let mut kept: Vec<Carried> = Vec::new();
        for pair in previous.into_iter().chain([self]) {
            let known: BTreeSet<Box<str>> = kept.iter().map(|carried| carried.name.clone()).collect();
            let new: Vec<&Carried> =
                pair.names.iter().filter(inside).filter(|carried| !known.contains(&carried.name)).collect();
            let bits: u64 = new.iter().map(|carried| carried.bits_milli()).sum();
            let all = pair.names.len().max(1) as u64;
            bits_milli += bits.saturating_mul(pair.distinct) / all;
            distinct += new.len() as u64 * pair.distinct / all;
            kept.extend(new.into_iter().cloned());
        }
        kept.sort_unstable();
        let mean = |value: fn(&Carried) -> u64| kept.iter().map(value).sum::<u64>() / kept.len().max(1) as u64;
        Window {
            begin: Time::from_ms(begin_ms),
            distinct,
            bytes: bits_milli / 8_000,
            mean_length_milli: mean(|carried| carried.length * 1_000),
            mean_entropy_milli: mean(|carried| carried.entropy_milli),
            kept,
        }
    }
}

impl Carried {
    /// Length times entropy, in thousandths of a bit.
    fn bits_milli(&self) -> u64 {
        self.length * self.entropy_milli.min(BITS_PER_CHARACTER_MAX_MILLI)
    }
}

/// Names that machines make for a purpose that is known: keys of mail, service discovery, block lists asked by address.
fn is_machinery(below: &str) -> bool {
    let labels = || below.split('.');
    labels().any(|label| label.starts_with('_')) || labels().filter(|label| is_octet(label)).count() >= 4
}

fn is_octet(label: &str) -> bool {
    label.parse::<u8>().is_ok()
}

/// Characters besides dots, and the entropy of their distribution in thousandths of a bit. Source: Shannon 1948, order 0.
fn content(below: &str) -> (u64, u64) {
    let mut counts = [0u64; 256];
    for byte in below.bytes().filter(|&byte| byte != b'.') {
        counts[usize::from(byte)] += 1;
    }
    let length: u64 = counts.iter().sum();
    let surprise = counts.iter().filter(|&&count| count > 0).map(|&count| count as i64 * log2_milli(length, count));
    let entropy = surprise.sum::<i64>().max(0).unsigned_abs() / length.max(1);
    (length, entropy)
}

fn verdict(key: &QueryKey, tally: &QueryTally, window: &Window, scene: &Scene<'_>) -> Verdict {
    let example = window.kept.iter().max_by_key(|carried| (carried.length, &carried.name));
    let example = example.map_or(&*key.domain, |carried| &carried.name);
    let mut signal = tallied_query::signal(EXFILTRATION, Severity::HIGH, key, tally, example, &scene.context);
    let end = Time::from_ms(window.begin.ms() + Time::HOUR_MS);
    let who = subject::name(&signal);
    signal.title = format!("{who} may be sending data out in DNS queries.");
    signal.description = format!(
        "{who} asked for about {} distinct names below {} between {} and {end}, which carry about {} bytes of information. \
         Ordinary names carry a hundredth of that.",
        window.distinct, key.domain, window.begin, window.bytes
    );
    signal.reasons = reasons(tally, window, scene);
    let last = window.kept.iter().map(|carried| carried.first).max().unwrap_or(end);
    let records = window.kept.iter().map(|carried| (carried.first, carried.place)).take(RECORDS_MAX).collect();
    let begin = window.kept.first().map_or(window.begin, |carried| carried.first);
    Verdict { signal, begin, end: last, records, record_count: u64::from(tally.queries) }
}

fn reasons(tally: &QueryTally, window: &Window, scene: &Scene<'_>) -> Vec<String> {
    let kept = window.kept.len() as u64;
    let names = if window.distinct == kept {
        format!("{kept} distinct names")
    } else {
        format!("about {} distinct names (estimated from the {kept} with the smallest hashes)", window.distinct)
    };
    let sum: u64 = window.kept.iter().map(Carried::bits_milli).sum();
    let (length, entropy) = (thousandths(window.mean_length_milli), thousandths(window.mean_entropy_milli));
    let examples: Vec<String> = window.kept.iter().take(3).map(|carried| format!("`{}`", carried.name)).collect();
    vec![
        format!(
            "From {}, in an hour: {names}; below the domain {length} characters and {entropy} bits of entropy a character \
             on average.",
            window.begin
        ),
        format!(
            "Length × entropy (at most 5 bits), summed over {kept} names: {} bits; × {} ÷ {kept} names ÷ 8 = {} bytes. Limits: \
             {} bytes (`{}`) and {} names (`{}`) an hour.",
            thousandths(sum),
            window.distinct,
            window.bytes,
            scene.thresholds.get(&BYTES_PER_HOUR),
            BYTES_PER_HOUR.key,
            scene.thresholds.get(&NAMES),
            NAMES.key
        ),
        format!(
            "Of {} queries in the clock hour {} were for TXT, {} for NULL, {} for CNAME and {} for MX; {} were answered, {} with \
             NXDOMAIN.",
            tally.queries,
            tally.of_type(QueryType::Txt),
            tally.of_type(QueryType::Null),
            tally.of_type(QueryType::Cname),
            tally.of_type(QueryType::Mx),
            tally.answered,
            tally.nx
        ),
        format!("The first names: {}.", examples.join(", ")),
    ]
}

fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use std::fmt::Write as _;
    use watchfire_knowledge::Knowledge;

    /// A query at a second of a day.
    fn line(second: u32, name: &str) -> String {
        query_line(name, &[]).replace("2024-04-19T12:00:00Z", &time(second))
    }

    fn time(second: u32) -> String {
        format!("2026-01-31T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
    }

    /// So many distinct names of 50 base32 characters, one every `gap` seconds from a second of the day on.
    fn tunnel(from: u32, count: u32, gap: u32, domain: &str) -> Vec<String> {
        let mut state = 7u64;
        let name = |_| {
            let mut name = String::new();
            for _ in 0..50 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let letter = b"abcdefghijklmnopqrstuvwxyz234567"[(state >> 59) as usize];
                let _ = write!(name, "{}", char::from(letter));
            }
            name
        };
        let names: Vec<String> = (0..count).map(name).collect();
        names.iter().zip(0..).map(|(name, at)| line(from + at * gap, &format!("{name}.{domain}."))).collect()
    }

    fn found(lines: &[String]) -> Vec<Verdict> {
        verdicts(&DETECTION, &Knowledge::default(), &[&lines.join("\n")])
    }

    #[test]
    fn a_tunnel_is_found_and_its_arithmetic_can_be_done_again() {
        let verdicts = found(&tunnel(3_600, 120, 20, "t.evil.example"));
        assert_eq!(verdicts.len(), 1);
        let signal = &verdicts[0].signal;
        assert!(signal.reasons[0].contains("estimated from the 6"), "{}", signal.reasons[0]);
        // "…: B bits; × N ÷ K names ÷ 8 = T bytes."
        let number = |text: &str| text.trim().split(' ').next().unwrap().parse::<f64>().unwrap();
        let sum = signal.reasons[1].split("names: ").nth(1).map(number).unwrap();
        let distinct = signal.reasons[1].split("× ").nth(2).map(number).unwrap();
        let kept = signal.reasons[1].split("÷ ").nth(1).map(number).unwrap();
        let bytes = signal.reasons[1].split("= ").nth(1).map(number).unwrap();
        assert!((sum * distinct / kept / 8.0 - bytes).abs() < 1.0, "{}", signal.reasons[1]);
        // The truth: 120 names of 50 characters, nearly 5 bits each.
        assert!((2_700.0..4_200.0).contains(&bytes), "{bytes}");
        assert_eq!(verdicts[0].records.len(), RECORDS_MAX);
    }

    #[test]
    fn a_tunnel_across_an_hours_edge_is_not_missed() {
        assert_eq!(found(&tunnel(7_200 - 1_500, 100, 30, "evil.example")).len(), 1);
    }

    #[test]
    fn the_rest_of_what_was_reported_is_not_reported_again() {
        let mut lines = tunnel(3_600, 170, 20, "evil.example");
        lines.push(line(7_300, "www.evil.example."));
        assert_eq!(found(&lines).len(), 1);
    }

    #[test]
    fn half_as_much_stays_quiet() {
        assert!(found(&tunnel(3_600, 60, 30, "evil.example")).is_empty());
    }

    #[test]
    fn the_same_spread_over_three_hours_stays_quiet() {
        assert!(found(&tunnel(3_600, 100, 108, "evil.example")).is_empty());
    }

    #[test]
    fn many_ordinary_names_stay_quiet() {
        let lines: Vec<String> = (0..300).map(|at| line(3_600 + at * 10, &format!("img{at}.cdn.example."))).collect();
        assert!(found(&lines).is_empty());
    }

    #[test]
    fn private_and_amazons_zones_and_block_lists_stay_quiet() {
        for domain in ["corp.internal", "eu-west-1.rds.amazonaws.com", "d1.cloudfront.net", "ip6.arpa"] {
            assert!(found(&tunnel(3_600, 200, 10, domain)).is_empty(), "{domain}");
        }
        let address = |at: u32| format!("{}.{}.{}.{}.bl.example.", at % 256, at / 7 % 256, at * 3 % 256, at * 11 % 256);
        let lines: Vec<String> = (0..900).map(|at| line(3_600 + at * 3, &address(at))).collect();
        assert!(found(&lines).is_empty());
    }

    #[test]
    fn a_stop_and_a_restart_between_two_hours_change_nothing() {
        let mut behaviour = Exfiltration::default();
        let key = ("client".to_owned(), Box::from("evil.example"));
        let carried = Carried {
            first: Time::from_ms(5),
            name: "a.evil.example".into(),
            length: 1,
            entropy_milli: 0,
            place: RecordPlace::default(),
        };
        behaviour.hour = 7;
        behaviour.current.insert(key, PairHour { names: vec![carried], distinct: 1, has_fired: true });
        let saved = behaviour.save();
        let mut restored = Exfiltration::default();
        restored.load(saved.clone()).unwrap();
        assert_eq!(restored.save(), saved);
    }

    #[test]
    fn entropy_is_that_of_the_characters() {
        assert_eq!(content("aaaa"), (4, 0));
        assert_eq!(content("ab.ab"), (4, 1_000));
        assert_eq!(content(""), (0, 0));
    }
}
