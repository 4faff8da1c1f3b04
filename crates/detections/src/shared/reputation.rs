//! The reputation of a domain: from a list of reputations, or from points for what it does.

use crate::Thresholds;
use crate::behaviour::{Behaviour, Learning, Scene, Verdict};
use crate::shared::dga::{DgaModel, DgaThreshold, SCORE_UNIT, judged_label};
use crate::shared::{listed_flow, listed_query, subject, tallied_query};
use crate::tally::{QueryKey, QueryTally};
use crate::thresholds::Threshold;
use crate::{Context, Observed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_knowledge::statistics::stable_hash;
use watchfire_knowledge::{ListRole, is_publicly_routable};
use watchfire_model::{FindingType, ListKind, Severity, Signal, Time};

/// Points from which a name has the reputation of a bad one.
pub(crate) static POINTS: Threshold = Threshold {
    key: "ec2.reputation.points",
    default: 8.0,
    min: 4.0,
    max: 20.0,
    unit: "points",
    source: "Our choice: no single sign is enough, nor any two",
    summary: "how many points a domain must have to be reported",
};

/// Days of queries after which "never asked for before" means something.
const LEARNING_DAYS: i64 = 7;
/// A domain is new for so long.
const NEW_HOURS: i64 = 24;
/// Distinct addresses that make a domain look like fast flux, and how many different /16 networks they must lie in.
/// Source: Holz et al., "Measuring and Detecting Fast-Flux Service Networks" (NDSS 2008), whose score passes at ten addresses
/// in five networks; lifetimes of answers are not logged.
const FLUX_ADDRESSES: usize = 10;
/// See [`FLUX_ADDRESSES`].
const FLUX_NETWORKS: usize = 5;
/// Domains whose first query is remembered. About 40 bytes each.
const DOMAINS_MAX: usize = 500_000;
/// New domains looked at in an hour.
const CANDIDATES_MAX: usize = 20_000;
/// Clients of a domain that are reported, and records shown.
const CLIENTS_SHOWN: usize = 5;

/// Top-level domains in which far more names are malicious than elsewhere. Source: Interisle, "Phishing Landscape" and
/// "Malware Landscape" of 2022 to 2024; Spamhaus's statistics of abused top-level domains. As recalled in 2026: check before
/// quoting.
const ABUSED_TOP_LEVEL: [&str; 22] = [
    "bond", "buzz", "cf", "cfd", "click", "cyou", "ga", "gq", "icu", "lol", "ml", "monster", "pw", "quest", "rest",
    "sbs", "su", "surf", "tk", "top", "work", "xyz",
];

/// Where anyone gets a name for any address at once: dynamic DNS and tunnels. Source: the providers' own pages.
const DYNAMIC_DNS: [&str; 26] = [
    "chickenkiller.com",
    "ddns.net",
    "duckdns.org",
    "dynu.net",
    "dyndns.org",
    "freeddns.org",
    "gotdns.com",
    "hopto.org",
    "loca.lt",
    "mooo.com",
    "myftp.org",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "no-ip.biz",
    "no-ip.org",
    "ply.gg",
    "portmap.host",
    "portmap.io",
    "redirectme.net",
    "serveblog.net",
    "serveo.net",
    "sytes.net",
    "trycloudflare.com",
    "us.to",
    "zapto.org",
];

/// Words of mining pools and coins, as labels or parts of labels between hyphens.
const MINING_WORDS: [&str; 16] = [
    "bitcoin",
    "btc",
    "crypto",
    "ethermine",
    "hashrate",
    "miner",
    "miners",
    "mining",
    "monero",
    "nanopool",
    "nicehash",
    "pool",
    "stratum",
    "supportxmr",
    "xmr",
    "xmrig",
];

/// Which of the four types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Cheap top-level domains, dynamic DNS.
    Abused,
    /// Cryptocurrency.
    Mining,
    /// Where listed hosts live, fast flux.
    Malicious,
    /// Everything else.
    Suspicious,
}

/// Evidence: either a list of reputations has the name, or the registered domain has eight points or more. Points, each
/// shown with its reason: never asked for in the organisation before the last 24 hours, after at least seven days of queries,
/// 3; not among the most visited sites, 1; a top-level domain with much abuse, 1; dynamic DNS or a tunnel's name, 1; a name
/// that looks generated (above the model's 0.1 % threshold), 2; an answer in the /24 (IPv6: /64) of a listed address, 2; ten
/// addresses in five networks within an hour, 3; used by a fifth of the clients (of at least ten), −6.
///
/// The kind decides the type: a word of cryptocurrency, then listed neighbours or fast flux, then an abused top-level domain
/// or dynamic DNS, then the rest. Only names that were answered count. Age of registration is not known offline.
///
/// False positives: small firms with young names under cheap top-level domains; a developer's own dynamic name. Trust the
/// domain (`--trusted`), or raise the limit.
pub(crate) struct Reputation {
    finding_type: FindingType,
    kind: Kind,
    state: State,
    /// Domains of the current hour that may have enough points, by name.
    candidates: BTreeMap<Box<str>, Candidate>,
    clients: BTreeSet<String>,
    last_client: tallied_query::LastClient,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// The first and the latest hour with any query.
    first_hour: Option<i64>,
    last_hour: i64,
    /// By hash of the domain, the hour of its first query.
    first_seen: BTreeMap<u64, i32>,
    evicted: u64,
}

/// A domain in the current hour.
#[derive(Default)]
struct Candidate {
    clients: u32,
    addresses: BTreeSet<IpAddr>,
    shown: Vec<(QueryKey, QueryTally)>,
}

/// A reason for points.
struct Point {
    points: i32,
    why: String,
}

impl Reputation {
    /// Nothing seen yet.
    pub(crate) fn new(finding_type: FindingType, kind: Kind) -> Self {
        Self {
            finding_type,
            kind,
            state: State::default(),
            candidates: BTreeMap::new(),
            clients: BTreeSet::new(),
            last_client: tallied_query::LastClient::default(),
        }
    }

    fn first_seen(&mut self, key: &QueryKey) -> i64 {
        let hash = stable_hash(key.domain.as_bytes());
        if self.state.first_seen.len() >= DOMAINS_MAX && !self.state.first_seen.contains_key(&hash) {
            self.state.evicted += 1;
            return i64::MIN; // Not known to be new.
        }
        let hour = i32::try_from(key.hour).unwrap_or(i32::MAX);
        i64::from(*self.state.first_seen.entry(hash).or_insert(hour))
    }

    fn has_learnt(&self, hour: i64) -> bool {
        self.state.first_hour.is_some_and(|first| hour - first >= LEARNING_DAYS * 24)
    }

    fn judge(&self, domain: &str, candidate: &Candidate, scene: &mut Scene<'_>) {
        let points = self.points(domain, candidate, &scene.context);
        let sum: i32 = points.iter().map(|point| point.points).sum();
        let limit = scene.thresholds.get(&POINTS);
        if f64::from(sum) < limit || kind_of(domain, candidate, &scene.context) != self.kind {
            return;
        }
        for (key, tally) in &candidate.shown {
            let verdict = self.verdict(key, tally, &points, sum, limit, scene);
            scene.verdicts.push(verdict);
        }
    }

    fn points(&self, domain: &str, candidate: &Candidate, context: &Context<'_>) -> Vec<Point> {
        let mut points = Vec::new();
        let mut add = |given: bool, number: i32, why: String| {
            if given {
                points.push(Point { points: number, why });
            }
        };
        let learnt = self.state.first_hour.map_or(0, |first| (self.state.last_hour - first) / 24);
        add(true, 3, format!("nobody asked for {domain} in {learnt} days before the last {NEW_HOURS} hours"));
        add(true, 1, "no list of the most visited sites has it".to_owned());
        let top = domain.rsplit('.').next().unwrap_or_default();
        add(is_abused_top_level(domain), 1, format!("the top-level domain .{top} has much abuse"));
        add(is_dynamic(domain), 1, "it is a name of dynamic DNS or of a tunnel".to_owned());
        let score = generated_score(domain);
        add(score.is_some(), 2, score.unwrap_or_default());
        let neighbour = candidate.addresses.iter().find_map(|ip| listed_neighbour(*ip, context));
        add(neighbour.is_some(), 2, neighbour.unwrap_or_default());
        let (addresses, networks) = (candidate.addresses.len(), networks(&candidate.addresses));
        add(is_flux(candidate), 3, format!("it led to {addresses} addresses in {networks} networks within an hour"));
        let share = u64::from(candidate.clients) * 100 / self.clients.len().max(1) as u64;
        add(self.clients.len() >= 10 && share >= 20, -6, format!("{share} % of {} clients use it", self.clients.len()));
        points
    }

    fn verdict(
        &self,
        key: &QueryKey,
        tally: &QueryTally,
        points: &[Point],
        sum: i32,
        limit: f64,
        scene: &Scene<'_>,
    ) -> Verdict {
        let mut names: Vec<_> = tally.names.kept().iter().collect();
        names.sort_unstable_by_key(|name| (name.first, &name.name));
        let name = names.first().map_or(&*key.domain, |name| &name.name);
        let mut signal = tallied_query::signal(self.finding_type, self.severity(), key, tally, name, &scene.context);
        let who = subject::name(&signal);
        signal.title = format!("{who} queried a name with {}.", self.reputation());
        signal.description = format!(
            "{who} queried {name}. The domain {} has {sum} points, and {limit} make {}.",
            key.domain,
            self.reputation()
        );
        signal.reasons = points.iter().map(|point| format!("{:+}: {}.", point.points, point.why)).collect();
        let terms: Vec<String> = points.iter().map(|point| format!("{:+}", point.points)).collect();
        signal.reasons.push(format!("{} = {sum}; the limit is {limit} (`{}`).", terms.join(" "), POINTS.key));
        signal.missing.push("When the domain was registered is not known offline.".to_owned());
        let moment = |offset| QueryTally::moment(key.hour, offset);
        let records = names.iter().take(CLIENTS_SHOWN).map(|name| (moment(name.first), name.place)).collect();
        Verdict {
            signal,
            begin: moment(tally.first),
            end: moment(tally.last),
            records,
            record_count: u64::from(tally.queries),
        }
    }

    fn severity(&self) -> Severity {
        match self.kind {
            Kind::Abused => Severity::MEDIUM,
            Kind::Mining | Kind::Malicious => Severity::HIGH,
            Kind::Suspicious => Severity::LOW,
        }
    }

    fn list_kind(&self) -> ListKind {
        match self.kind {
            Kind::Abused => ListKind::AbusedReputation,
            Kind::Mining => ListKind::MiningReputation,
            Kind::Malicious => ListKind::MaliciousReputation,
            Kind::Suspicious => ListKind::SuspiciousReputation,
        }
    }

    fn reputation(&self) -> &'static str {
        match self.kind {
            Kind::Abused => "the reputation of an abused one",
            Kind::Mining => "a low reputation that has to do with cryptocurrency",
            Kind::Malicious => "the reputation of a malicious one",
            Kind::Suspicious => "the reputation of a suspicious one",
        }
    }
}

impl Behaviour for Reputation {
    fn record(&mut self, record: &Observed<'_>, context: &Context<'_>, signals: &mut Vec<Signal>) {
        let Observed::Query(query) = record else { return };
        let listed = listed_query::signal(self.finding_type, self.severity(), self.list_kind(), query, context);
        let Some(mut signal) = listed else { return };
        let who = subject::name(&signal);
        signal.title = format!("{who} queried a name with {}.", self.reputation());
        signal.description = format!(
            "{who} queried {}. According to {} it has {}.",
            listed_query::domain(query),
            listed_flow::list_names(&signal.threats),
            self.reputation()
        );
        signals.push(signal);
    }

    fn query(&mut self, key: &QueryKey, tally: &QueryTally, scene: &mut Scene<'_>) {
        self.state.first_hour.get_or_insert(key.hour);
        self.state.last_hour = key.hour;
        if self.clients.len() < CANDIDATES_MAX {
            let (client, is_another) = self.last_client.text(key, |key| {
                let address = key.client.map_or_else(String::new, |client| client.to_string());
                format!("{} {} {address}", key.place.account, key.place.instance)
            });
            if is_another {
                self.clients.insert(client.to_owned());
            }
        }
        let is_new = key.hour - self.first_seen(key) < NEW_HOURS;
        let moment = QueryTally::moment(key.hour, tally.first);
        if !is_new
            || !self.has_learnt(key.hour)
            || tally.answered == 0
            || !tallied_query::is_public(&key.domain)
            || is_well_known(key, moment, &scene.context)
        {
            return;
        }
        if self.candidates.len() >= CANDIDATES_MAX && !self.candidates.contains_key(&key.domain) {
            self.state.evicted += 1;
            return;
        }
        let candidate = self.candidates.entry(key.domain.clone()).or_default();
        candidate.clients += 1;
        candidate.addresses.extend(tally.names.kept().iter().flat_map(|name| name.answers()));
        if candidate.shown.len() < CLIENTS_SHOWN {
            candidate.shown.push((key.clone(), tally.clone()));
        }
    }

    fn close(&mut self, _end: Time, scene: &mut Scene<'_>) {
        for (domain, candidate) in std::mem::take(&mut self.candidates) {
            self.judge(&domain, &candidate, scene);
        }
        self.clients.clear();
        self.last_client = tallied_query::LastClient::default();
    }

    fn expire(&mut self, _now: Time) -> u64 {
        std::mem::take(&mut self.state.evicted)
    }

    fn size(&self) -> (u64, u64) {
        (self.state.first_seen.len() as u64, self.state.first_seen.len() as u64 * 40)
    }

    fn learning(&self, _thresholds: &Thresholds) -> Vec<Learning> {
        let Some(first) = self.state.first_hour else { return Vec::new() };
        if self.has_learnt(self.state.last_hour) {
            return Vec::new();
        }
        let reached = u32::try_from((self.state.last_hour - first) / 24 + 1).unwrap_or(1);
        let of = LEARNING_DAYS as u32;
        vec![Learning { entity_kind: "queried domain", learning: 1, judged: 0, reached, of, unit: "day" }]
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": 1, "state": self.state })
    }

    fn load(&mut self, mut state: serde_json::Value) -> Result<(), String> {
        let read = |error| format!("the state of {} could not be read: {error}", self.finding_type);
        self.state = serde_json::from_value(state["state"].take()).map_err(read)?;
        Ok(())
    }
}

/// Whether the domain is trusted, or a guard has it: one of the most visited sites, or a shared service.
pub(crate) fn is_well_known(key: &QueryKey, at: Time, context: &Context<'_>) -> bool {
    let coverage = context.lists(&key.place.account, &key.place.region).domain_coverage(&key.domain, at);
    coverage.iter().any(|found| found.role != ListRole::Threat)
}

fn kind_of(domain: &str, candidate: &Candidate, context: &Context<'_>) -> Kind {
    let names = candidate.shown.iter().flat_map(|(_, tally)| tally.names.kept()).map(|name| &*name.name);
    if names.chain([domain]).any(speaks_of_mining) {
        Kind::Mining
    } else if is_flux(candidate) || candidate.addresses.iter().any(|ip| listed_neighbour(*ip, context).is_some()) {
        Kind::Malicious
    } else if is_abused_top_level(domain) || is_dynamic(domain) {
        Kind::Abused
    } else {
        Kind::Suspicious
    }
}

fn speaks_of_mining(name: &str) -> bool {
    name.split(['.', '-']).any(|word| MINING_WORDS.contains(&word))
}

/// "its label looks generated: score 4.20, …", if it does.
fn generated_score(domain: &str) -> Option<String> {
    let model = DgaModel::shipped();
    let score = model.score(judged_label(domain)?);
    let number = |score: i32| f64::from(score) / f64::from(SCORE_UNIT);
    model.is_above(score, DgaThreshold::PerMille).then(|| {
        let limit = number(model.threshold(DgaThreshold::PerMille));
        format!(
            "its label looks generated: its score is {:.2}, and one benign name in a thousand has {limit:.2}",
            number(score)
        )
    })
}

fn is_abused_top_level(domain: &str) -> bool {
    domain.rsplit('.').next().is_some_and(|top| ABUSED_TOP_LEVEL.contains(&top))
}

pub(crate) fn is_dynamic(domain: &str) -> bool {
    DYNAMIC_DNS
        .iter()
        .any(|zone| domain.strip_suffix(zone).is_some_and(|below| below.is_empty() || below.ends_with('.')))
}

fn is_flux(candidate: &Candidate) -> bool {
    candidate.addresses.len() >= FLUX_ADDRESSES && networks(&candidate.addresses) >= FLUX_NETWORKS
}

/// Different /16 networks (IPv6: /32).
fn networks(addresses: &BTreeSet<IpAddr>) -> usize {
    let network = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => (4, v4.to_bits() >> 16),
        IpAddr::V6(v6) => (6, (v6.to_bits() >> 96) as u32),
    };
    addresses.iter().map(network).collect::<BTreeSet<_>>().len()
}

/// The kinds of lists whose addresses say something about their neighbours: not scanners and Tor, which live anywhere.
const NEIGHBOUR_KINDS: [ListKind; 5] =
    [ListKind::C2, ListKind::Malicious, ListKind::DropPoint, ListKind::DriveBy, ListKind::Phishing];

/// "it led to 203.0.113.7, and 203.0.113.9 beside it is on a list": listed addresses in the same /24 (IPv6: the first of the
/// same /64 alone, for there are too many).
fn listed_neighbour(ip: IpAddr, context: &Context<'_>) -> Option<String> {
    if !is_publicly_routable(ip) {
        return None;
    }
    let wanted = NEIGHBOUR_KINDS.iter().fold(0, |bits, kind| bits | kind.bit());
    let is_listed = |ip: IpAddr| context.knowledge.ip_kinds(ip) & wanted != 0;
    let neighbour = match ip {
        IpAddr::V4(v4) => {
            let network = v4.to_bits() & 0xffff_ff00;
            (0..256).map(|host| IpAddr::from((network | host).to_be_bytes())).find(|ip| is_listed(*ip))
        }
        IpAddr::V6(_) => is_listed(ip).then_some(ip),
    };
    neighbour.map(|listed| format!("it led to {ip}, in whose network {listed} is on a threat list"))
}

#[cfg(test)]
mod tests {
    use crate::ec2::{
        abused_domain_request, bitcoin_domain_request, malicious_domain_request, suspicious_domain_request,
    };
    use crate::testing::*;
    use crate::{Detection, Verdict};
    use watchfire_knowledge::Knowledge;
    use watchfire_model::{ListKind, Severity};

    /// Eight days in which an ordinary name is asked for, and then these names with these answers.
    fn after_a_week(names: &[(&str, &[&str])]) -> String {
        let at = |line: String, moment: &str| line.replace("2024-04-19T12:00:00Z", moment);
        let ordinary = (1..=8).map(|day| {
            at(query_line("www.shop.example.", &[("198.51.100.80", "A")]), &format!("2024-04-{day:02}T12:00:00Z"))
        });
        let later = names.iter().map(|(name, answers)| {
            let answers: Vec<(&str, &str)> = answers.iter().map(|address| (*address, "A")).collect();
            at(query_line(name, &answers), "2024-04-09T12:00:00Z")
        });
        ordinary.chain(later).collect::<Vec<_>>().join("\n")
    }

    fn found(detection: &Detection, knowledge: &Knowledge, lines: &str) -> Vec<Verdict> {
        verdicts(detection, knowledge, &[lines])
    }

    const LISTED: &[&str] = &["45.61.136.9"];
    const FLUX: &[&str] = &["45.61.136.200"];

    #[test]
    fn a_name_on_a_list_of_reputations_is_reported() {
        for (detection, kind, severity) in [
            (&abused_domain_request::DETECTION, ListKind::AbusedReputation, Severity::MEDIUM),
            (&bitcoin_domain_request::DETECTION, ListKind::MiningReputation, Severity::HIGH),
            (&malicious_domain_request::REPUTATION, ListKind::MaliciousReputation, Severity::HIGH),
            (&suspicious_domain_request::DETECTION, ListKind::SuspiciousReputation, Severity::LOW),
        ] {
            let knowledge = knowing(kind, &["low.example.com"]);
            let signals = query_signals(detection, &knowledge, &[query_line("low.example.com.", &[])]);
            assert_eq!((signals.len(), signals[0].severity), (1, severity));
            assert!(query_signals(detection, &knowledge, &[query_line("other.example.com.", &[])]).is_empty());
        }
    }

    #[test]
    fn points_add_up_to_a_finding_whose_sum_can_be_done_again() {
        // New 3, rare 1, .top 1, dynamic 0, beside a listed address 2: seven; as a tunnel's name one more.
        let knowledge = knowing(ListKind::C2, LISTED);
        let quiet = after_a_week(&[("a.fresh-offers.top.", FLUX)]);
        assert!(found(&malicious_domain_request::REPUTATION, &knowledge, &quiet).is_empty());
        let mut thresholds = crate::Thresholds::default();
        thresholds.set(&super::POINTS, 7.0);
        let verdicts = verdicts_with(&malicious_domain_request::REPUTATION, &knowledge, &thresholds, &[&quiet]);
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        let sum: i32 =
            reasons[..reasons.len() - 1].iter().map(|one| one.split(':').next().unwrap().parse::<i32>().unwrap()).sum();
        assert!(reasons.last().unwrap().contains(&format!("= {sum};")), "{reasons:#?}");
        assert_eq!(sum, 7);
    }

    #[test]
    fn the_kind_decides_the_type() {
        let knowledge = knowing(ListKind::C2, LISTED);
        let mut thresholds = crate::Thresholds::default();
        thresholds.set(&super::POINTS, 4.0);
        for (name, answers, expected) in [
            ("xmr.pool-of-mine.com.", &["198.51.100.9"][..], [0, 1, 0, 0]),
            ("www.pleasant-garden.com.", FLUX, [0, 0, 1, 0]),
            ("www.pleasant-garden.top.", &["198.51.100.9"], [1, 0, 0, 0]),
            ("www.pleasant-garden.com.", &["198.51.100.9"], [0, 0, 0, 1]),
        ] {
            let lines = after_a_week(&[(name, answers)]);
            let counts = [
                &abused_domain_request::DETECTION,
                &bitcoin_domain_request::DETECTION,
                &malicious_domain_request::REPUTATION,
                &suspicious_domain_request::DETECTION,
            ]
            .map(|detection| verdicts_with(detection, &knowledge, &thresholds, &[&lines]).len());
            assert_eq!(counts, expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_new_or_was_not_answered_stays_quiet() {
        let mut thresholds = crate::Thresholds::default();
        thresholds.set(&super::POINTS, 4.0);
        for lines in
            [after_a_week(&[("www.shop.example.", &["198.51.100.80"])]), after_a_week(&[("typo.example.", &[])])]
        {
            let verdicts =
                verdicts_with(&suspicious_domain_request::DETECTION, &Knowledge::default(), &thresholds, &[&lines]);
            assert!(verdicts.is_empty());
        }
    }

    #[test]
    fn without_a_week_of_queries_nothing_is_new() {
        let mut thresholds = crate::Thresholds::default();
        thresholds.set(&super::POINTS, 4.0);
        let lines = query_line("www.pleasant-garden.top.", &[("198.51.100.9", "A")]);
        let verdicts = verdicts_with(&abused_domain_request::DETECTION, &Knowledge::default(), &thresholds, &[&lines]);
        assert!(verdicts.is_empty());
    }
}
