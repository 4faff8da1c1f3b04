//! A client that asks for one name in a rhythm although the answers lead nowhere.
//!
//! An implant that takes its orders from DNS (Cobalt Strike's, and others with a name for each victim) asks for its own name
//! at each beat. While there is nothing to do, the answer is an address at which nothing of that name can be: 0.0.0.0, or that
//! of a public resolver. The rhythm of an ordinary name says nothing, because the log holds what the resolver's cache does not;
//! but a program that wants to reach something has no use for such an answer, and one that gets it gives up or is repaired.

use crate::behaviour::{Scene, Verdict};
use crate::shared::reputation::{is_dynamic, is_well_known};
use crate::shared::state::pairs;
use crate::shared::{resolver, subject, tallied_query};
use crate::tally::{QueryKey, QueryTally, RecordPlace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_knowledge::statistics::stable_hash;
use watchfire_model::{FindingType, Severity, Time};

/// Distinct names of an hour below the domain, at most: the implant's, and the domain's own.
const NAMES_MAX: usize = 2;
/// Queries and hours that make a series. Source: detection-methods, section 4 (contacts and hours of a beacon).
const SERIES_QUERIES_MIN: u64 = 12;
/// See [`SERIES_QUERIES_MIN`].
const SERIES_HOURS_MIN: usize = 3;
/// Queries of an hour, at least: one beat in twenty minutes.
const QUERIES_MIN: u32 = 4;
/// The slowest hour's mean gap is at most so many percent of the fastest's: beats that are drawn at random within half of the
/// sleep around it (Cobalt Strike's jitter) differ by less than a fifth over the hour. Our choice.
const GAP_PERCENT_MAX: u64 = 150;
/// So many registered domains that lead to one such address are a filter's work. As in `dns_rebind`.
const FILTER_DOMAINS: usize = 3;
/// The domains of those who run public resolvers, whose names lead there on purpose. Source: each operator's own documentation.
const RESOLVER_DOMAINS: [&str; 32] = [
    "114dns.com",
    "adguard-dns.com",
    "adguard.com",
    "alidns.com",
    "applied-privacy.net",
    "cira.ca",
    "cleanbrowsing.org",
    "cloudflare-dns.com",
    "cloudflare.com",
    "comodo.com",
    "controld.com",
    "digitale-gesellschaft.ch",
    "dns.google",
    "dns.sb",
    "dns.watch",
    "dns0.eu",
    "dnspod.cn",
    "doh.pub",
    "dot.pub",
    "ffmuc.net",
    "google.com",
    "he.net",
    "iij.jp",
    "libredns.gr",
    "mullvad.net",
    "nextdns.io",
    "one.one",
    "opendns.com",
    "quad9.net",
    "safedns.com",
    "ultradns.net",
    "yandex.net",
];
/// Hours that count together.
const HOURS_KEPT: i64 = 24;
/// A series is reported once in so many hours.
const REPORT_HOURS: i64 = 24;
/// A domain is new to a client within so many days, and a client is known after as many.
const NEW_DAYS: i64 = 7;
/// Memory of addresses and clients.
const MEMORY_MS: i64 = 30 * Time::DAY_MS;
/// Pairs, addresses and clients remembered: about 300 bytes each.
const REMEMBERED_MAX: usize = 20_000;

/// What is known of such names.
#[derive(Serialize, Deserialize)]
pub(crate) struct IdleNames {
    /// By client and domain.
    #[serde(with = "pairs")]
    series: BTreeMap<(Box<str>, Box<str>), Series>,
    /// By account (its hash) and address that leads nowhere, the domains that led there.
    nowhere: Bounded<(u64, IpAddr), Vec<u64>>,
    /// When each client, and each client's domain of a series, was first seen, by their hash.
    since: Bounded<u64, Time>,
    #[serde(skip)]
    last_client: tallied_query::LastClient,
    /// What may be told, until the hour has been shown whole.
    #[serde(skip)]
    due: Vec<(QueryKey, QueryTally)>,
    evicted: u64,
}

/// The hours of one pair.
#[derive(Default, Serialize, Deserialize)]
struct Series {
    hours: BTreeMap<i64, Hour>,
    reported: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Hour {
    queries: u32,
    /// The mean gap between queries.
    gap_ms: u64,
    first: Time,
    last: Time,
    address: IpAddr,
    name: Box<str>,
    place: RecordPlace,
}

impl Default for IdleNames {
    fn default() -> Self {
        Self {
            series: BTreeMap::new(),
            nowhere: Bounded::new(REMEMBERED_MAX),
            since: Bounded::new(REMEMBERED_MAX),
            last_client: tallied_query::LastClient::default(),
            due: Vec::new(),
            evicted: 0,
        }
    }
}

/// Whether nothing that is asked for by a name of its own can be at this address.
fn is_nowhere(address: IpAddr) -> bool {
    address.to_canonical().is_unspecified() || resolver::operator(address).is_some()
}

impl IdleNames {
    /// Takes in an hour's queries.
    pub(crate) fn query(&mut self, key: &QueryKey, tally: &QueryTally) {
        let at = Time::from_ms(key.hour.saturating_mul(Time::HOUR_MS));
        let (client, is_another) = self.last_client.text(key, tallied_query::client);
        if is_another {
            self.since.touch(stable_hash(client.as_bytes()), at, || at);
        }
        let mut answers = tally.names.kept().iter().flat_map(|name| name.answers().map(move |address| (name, address)));
        let Some((name, address)) = answers.next().filter(|(_, address)| is_nowhere(*address)) else { return };
        if answers.any(|(_, address)| !is_nowhere(address))
            || RESOLVER_DOMAINS.contains(&&*key.domain)
            || !tallied_query::is_public(&key.domain)
        {
            return;
        }
        let domains = self.nowhere.touch((stable_hash(key.place.account.as_bytes()), address), at, Vec::new);
        let domain = stable_hash(key.domain.as_bytes());
        if domains.len() < FILTER_DOMAINS && !domains.contains(&domain) {
            domains.push(domain);
        }
        let lasted = u64::from(tally.last.saturating_sub(tally.first));
        if tally.names.kept().len() > NAMES_MAX || name.queries < QUERIES_MIN || lasted == 0 {
            return;
        }
        let pair = (Box::from(client), key.domain.clone());
        if self.series.len() >= REMEMBERED_MAX && !self.series.contains_key(&pair) {
            self.evicted += 1;
            return;
        }
        let moment = |offset| QueryTally::moment(key.hour, offset);
        let hour = Hour {
            queries: tally.queries,
            gap_ms: lasted / u64::from(tally.queries.saturating_sub(1).max(1)),
            first: moment(tally.first),
            last: moment(tally.last),
            address,
            name: name.name.clone(),
            place: name.place,
        };
        self.since.touch(stable_hash(format!("{client} {}", key.domain).as_bytes()), at, || at);
        let series = self.series.entry(pair).or_default();
        series.hours.retain(|&before, _| key.hour - before < HOURS_KEPT);
        series.hours.insert(key.hour, hour);
        self.due.push((key.clone(), tally.clone()));
    }

    /// Judges what the hour showed, once all of it is known.
    pub(crate) fn close(&mut self, finding_type: FindingType, scene: &mut Scene<'_>) {
        self.last_client = tallied_query::LastClient::default(); // Each hour touches each client.
        for (key, tally) in std::mem::take(&mut self.due) {
            let client: Box<str> = tallied_query::client(&key).into();
            let known_since = |of: &str| self.since.get(&stable_hash(of.as_bytes())).copied();
            let (host_since, pair_since) = (known_since(&client), known_since(&format!("{client} {}", key.domain)));
            let Some(series) = self.series.get_mut(&(client, key.domain.clone())) else { continue };
            let queries: u64 = series.hours.values().map(|hour| u64::from(hour.queries)).sum();
            let gaps = || series.hours.values().map(|hour| hour.gap_ms);
            let (fastest, slowest) = (gaps().min().unwrap_or(0), gaps().max().unwrap_or(0));
            let Some((begin, latest)) =
                series.hours.values().next().map(|hour| hour.first).zip(series.hours.values().next_back().cloned())
            else {
                continue;
            };
            let account = stable_hash(key.place.account.as_bytes());
            let is_filtered =
                (self.nowhere.get(&(account, latest.address))).is_some_and(|domains| domains.len() >= FILTER_DOMAINS);
            let is_reported = series.reported.is_some_and(|at| key.hour - at < REPORT_HOURS);
            if queries < SERIES_QUERIES_MIN
                || series.hours.len() < SERIES_HOURS_MIN
                || slowest * 100 > fastest * GAP_PERCENT_MAX
                || is_filtered
                || is_reported
                || is_dynamic(&key.domain)
                || is_well_known(&key, latest.last, &scene.context)
                || scene.context.lists(&key.place.account, &key.place.region).trusted_domain(&key.domain).is_some()
            {
                continue;
            }
            series.reported = Some(key.hour);
            let days = |from: Option<Time>, to: Option<Time>| match (from, to) {
                (Some(from), Some(to)) => (to.ms() - from.ms()) / Time::DAY_MS,
                _ => 0,
            };
            let before = days(host_since, pair_since);
            let is_new = before >= NEW_DAYS && days(pair_since, Some(latest.last)) < NEW_DAYS;
            let severity = if is_new { Severity::MEDIUM } else { Severity::LOW };
            let mut signal = tallied_query::signal(finding_type, severity, &key, &tally, &latest.name, &scene.context);
            let who = subject::name(&signal);
            let (name, address) = (&latest.name, latest.address);
            signal.title = format!("{who} asks for {name} in a rhythm, and the answers lead nowhere.");
            signal.description = format!(
                "{who} asked {queries} times for {name} in {} hours, and each answer was {address}, at which nothing of that name \
                 can be. Implants that take their orders from DNS ask like this while there are none; so do programs whose service \
                 was given up.",
                series.hours.len()
            );
            let leads = resolver::operator(address).map_or_else(
                || format!("{address}, which is no address"),
                |operator| format!("{address}, a public resolver of {operator}"),
            );
            signal.reasons = vec![
                format!(
                    "{queries} queries between {begin} and {}, in {} clock hours of {HOURS_KEPT}; at least {SERIES_QUERIES_MIN} in \
                     {SERIES_HOURS_MIN} are asked for.",
                    latest.last,
                    series.hours.len()
                ),
                format!(
                    "The mean gap of an hour lies between {} and {} seconds: {} ÷ {} = {} %. At most {GAP_PERCENT_MAX} % count.",
                    fastest / 1_000,
                    slowest / 1_000,
                    slowest,
                    fastest,
                    slowest * 100 / fastest.max(1)
                ),
                format!(
                    "Every answer leads to {leads}. Filters answer so too, but fewer than {FILTER_DOMAINS} domains led there in 30 \
                     days."
                ),
            ];
            if is_new {
                signal
                    .reasons
                    .push(format!("The domain is new to the client, which was known for {before} days before."));
            }
            let records = series.hours.values().map(|hour| (hour.first, hour.place)).collect();
            scene.verdicts.push(Verdict { signal, begin, end: latest.last, records, record_count: queries });
        }
    }

    /// Forgets what is old; how many entities were dropped for lack of room, ever.
    pub(crate) fn expire(&mut self, now: Time) -> u64 {
        self.series
            .retain(|_, series| series.hours.keys().next_back().is_some_and(|last| now.hour() - last <= HOURS_KEPT));
        self.nowhere.forget_before(now.plus_ms(-MEMORY_MS));
        self.since.forget_before(now.plus_ms(-MEMORY_MS));
        self.evicted + self.nowhere.evicted() + self.since.evicted()
    }

    /// How many entities are held.
    pub(crate) fn len(&self) -> usize {
        self.series.len() + self.nowhere.len() + self.since.len()
    }

    /// After it was restored.
    pub(crate) fn reindex(&mut self) {
        self.nowhere.reindex();
        self.since.reindex();
    }
}

#[cfg(test)]
mod tests {
    use crate::ec2::dns_data_exfiltration::DETECTION;
    use crate::testing::*;
    use crate::{Detection, Verdict};
    use watchfire_knowledge::Knowledge;
    use watchfire_model::{Severity, Time};

    const TUNNELS: &Detection = &DETECTION;

    /// An answer at a second of the first day.
    fn answer(second: i64, name: &str, address: &str) -> String {
        let moment = Time::from_ms(1_713_484_800_000 + second * 1_000).to_string().replace(".000Z", "Z");
        query_line(name, &[(address, "A")]).replace("2024-04-19T12:00:00Z", &moment)
    }

    /// A beat each minute or so from a moment on.
    fn beats(from: i64, count: i64, name: &str, address: &str) -> Vec<String> {
        (0..count).map(|at| answer(from + at * 60 + at * at % 23, name, address)).collect()
    }

    fn found(lines: &[String]) -> Vec<Verdict> {
        verdicts(TUNNELS, &Knowledge::default(), &[&lines.join("\n")])
    }

    #[test]
    fn an_implant_that_waits_is_found_by_answers_that_lead_nowhere() {
        for address in ["0.0.0.0", "8.8.8.8"] {
            let verdicts = found(&beats(1_000, 240, "5f3a91c2.evil.example.", address));
            assert_eq!((verdicts.len(), verdicts[0].signal.severity), (1, Severity::LOW), "{address}");
            assert!(verdicts[0].signal.description.contains("5f3a91c2.evil.example"));
            assert!(verdicts[0].signal.reasons[1].contains("The mean gap"), "{:#?}", verdicts[0].signal.reasons);
        }
        let day = 86_400;
        let known: Vec<String> = (0..9).map(|at| answer(at * day, "www.firm.example.", "203.0.113.80")).collect();
        let verdicts = found(&[known, beats(9 * day, 240, "5f3a91c2.evil.example.", "0.0.0.0")].concat());
        assert_eq!((verdicts.len(), verdicts[0].signal.severity), (1, Severity::MEDIUM));
    }

    #[test]
    fn a_name_that_leads_somewhere_and_one_that_is_asked_for_twice_an_hour_stay_quiet() {
        assert!(found(&beats(1_000, 240, "api.firm.example.", "203.0.113.80")).is_empty());
        assert!(found(&beats(1_000, 240, "dns.google.", "8.8.8.8")).is_empty(), "the resolver itself");
        assert!(found(&beats(1_000, 90, "api.firm.example.", "0.0.0.0")).is_empty(), "two hours");
        let seldom: Vec<String> = (0..40).map(|at| answer(at * 1_800, "api.firm.example.", "0.0.0.0")).collect();
        assert!(found(&seldom).is_empty());
        let both =
            [beats(1_000, 240, "api.firm.example.", "0.0.0.0"), beats(1_010, 240, "www.firm.example.", "203.0.113.80")];
        assert!(found(&both.concat()).is_empty(), "the domain leads somewhere");
    }

    #[test]
    fn without_a_rhythm_it_stays_quiet() {
        let hours = [(0, 40), (1, 5), (2, 25), (3, 50)];
        let uneven = hours.into_iter().flat_map(|(hour, count)| {
            (0..count).map(move |at| answer(hour * 3_600 + at * (3_500 / count), "api.firm.example.", "0.0.0.0"))
        });
        assert!(found(&uneven.collect::<Vec<String>>()).is_empty());
    }

    #[test]
    fn what_a_filter_blocks_stays_quiet() {
        let other = |at: i64, name: &str| answer(at, name, "0.0.0.0");
        let filter = vec![other(100, "ads.example."), other(200, "pixel.example.net.")];
        assert!(found(&[filter.clone(), beats(1_000, 240, "telemetry.example.org.", "0.0.0.0")].concat()).is_empty());
        assert_eq!(
            found(&[filter[..1].to_vec(), beats(1_000, 240, "telemetry.example.org.", "0.0.0.0")].concat()).len(),
            1
        );
    }
}
