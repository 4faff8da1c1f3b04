//! A client whose failed queries look like an algorithm's.

use crate::behaviour::{Behaviour, Scene, Verdict};
use crate::shared::dga::{DgaModel, DgaThreshold, SCORE_UNIT, judged_label};
use crate::shared::dga_decision::{
    self, BAD_PER_MILLE, EXAMPLES_MAX, Enough, GENERATED_MIN, GENERATED_PERCENT_MIN, NxDomain, RATE_FAILED_MIN,
    RATE_FIRES_AT, RateTest, UsualFailures, WINDOW_MS, are_misspellings, counted_domain, muted,
};
use crate::shared::reputation::is_dynamic;
use crate::shared::tallied_flow::quoted;
use crate::shared::{subject, tallied_query};
use crate::tally::{QueryKey, QueryTally, QueryType, RecordPlace, SubName};
use crate::thresholds::Threshold;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_knowledge::Suffixes;
use watchfire_knowledge::statistics::stable_hash;
use watchfire_model::{FindingType, Severity, Signal, Time};

/// Failed names that look generated.
pub(crate) static NAMES: Threshold = Threshold {
    key: "ec2.dga.names",
    default: GENERATED_MIN as f64,
    min: 2.0,
    max: 10_000.0,
    unit: "distinct failed domains in an hour that look generated",
    source: "detection-methods, section 6a: with fifty failed domains an hour a benign client has five by chance once in a \
             million hours",
    summary: "how many generated-looking domains a client must ask for in vain",
};

/// Their share.
pub(crate) static SHARE: Threshold = Threshold {
    key: "ec2.dga.share",
    default: GENERATED_PERCENT_MIN as f64,
    min: 0.0,
    max: 100.0,
    unit: "percent of the domains that failed in the hour",
    source: "detection-methods, section 6a",
    summary: "which share of a client's failed domains must look generated",
};

/// Clients, and names that are known to resolve, remembered at once.
const CLIENTS_MAX: usize = 200_000;
/// See [`CLIENTS_MAX`]; eight bytes each, some more in the tree.
const RESOLVED_MAX: usize = 1_000_000;
/// Records shown.
const RECORDS_MAX: usize = 10;
/// A client that was reported is not reported again for so long; its failures are not learnt for so long either.
const QUIET_MS: i64 = Time::HOUR_MS;

/// Evidence: of the registered domains under which a client's queries failed (NXDOMAIN) within an hour, at least five have a
/// label that the model takes for generated, at a threshold that one benign label in a thousand passes, and they are a tenth
/// of all that failed; or, whatever they look like, so many of the domains asked for fail that the sequential test tells
/// them from what is usual for this client (at least 20 failed ones, or fewer of a client that is known for a week of hours: four
/// times the most of any of them, at least ten; a domain that failed in the hour before as well is what a program keeps asking
/// for, and is not counted again). A client of which half failed all along is not judged so. Below a provider of dynamic DNS each customer's name counts as
/// a domain.
///
/// No evidence: one name; what lies under a name that resolves, names of one label, search domains and local zones; domains
/// that are asked for their mail servers only; look-ups of addresses, hashes and mail policies; SERVFAIL and REFUSED.
///
/// Nor one word in many spellings, as tools ask for that look after a brand.
///
/// False positives: log analysers that look up whatever others send them; tools that try the misspellings of many brands. Families
/// that put words together are seen by the rate alone, and only if nothing else the client does resolves.
pub(crate) struct GeneratedNames {
    finding_type: FindingType,
    state: State,
    /// The current hour, by client.
    current: BTreeMap<String, Vec<Asked>>,
    /// Of each client one key, to say who it is.
    keys: BTreeMap<String, QueryKey>,
    last_client: tallied_query::LastClient,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Failed domains of the hour before, by client.
    previous: BTreeMap<String, Vec<Asked>>,
    previous_hour: i64,
    clients: BTreeMap<String, Client>,
    /// Hashes of names and registered domains that were answered.
    resolved: BTreeSet<u64>,
    evicted: u64,
}

/// A registered domain that a client asked for in an hour.
#[derive(Clone, Serialize, Deserialize)]
struct Asked {
    first: Time,
    domain: Box<str>,
    /// A name under it that failed.
    name: Box<str>,
    failed: bool,
    place: RecordPlace,
}

#[derive(Default, Serialize, Deserialize)]
struct Client {
    usual: UsualFailures,
    /// Hours with queries that were learnt, and the most failed domains in one of them.
    #[serde(default)]
    hours: u32,
    #[serde(default)]
    most_failed: u32,
    rate: RateTest,
    reported: Option<Time>,
    last_hour: i64,
}

impl GeneratedNames {
    /// Nothing seen yet.
    pub(crate) fn new(finding_type: FindingType) -> Self {
        Self {
            finding_type,
            state: State::default(),
            current: BTreeMap::new(),
            keys: BTreeMap::new(),
            last_client: tallied_query::LastClient::default(),
        }
    }

    /// What was answered is known before the first failure of the hour is judged, so that order does not matter.
    fn note_resolved(&mut self, domain: &str) {
        if self.state.resolved.len() >= RESOLVED_MAX {
            self.state.evicted += self.state.resolved.len() as u64;
            self.state.resolved.clear();
        }
        self.state.resolved.insert(stable_hash(domain.as_bytes()));
    }

    /// Each customer of a provider of dynamic DNS as a domain.
    fn take_customers(&mut self, key: &QueryKey, tally: &QueryTally) {
        let mut customers: BTreeMap<&str, Asked> = BTreeMap::new();
        let mut sorted: Vec<&SubName> = tally.names.kept().iter().collect();
        sorted.sort_unstable_by_key(|name| (name.first, &name.name));
        for name in sorted {
            let customer = counted_domain(&name.name, |provider| provider == &*key.domain);
            let is_answered = name.answers().next().is_some();
            if customer == &*key.domain || !(is_answered || name.nx) {
                continue;
            }
            let known = customers.entry(customer).or_insert_with(|| Asked {
                first: QueryTally::moment(key.hour, name.first),
                domain: customer.into(),
                name: name.name.clone(),
                failed: true,
                place: name.place,
            });
            known.failed &= !is_answered;
        }
        for asked in customers.into_values() {
            if !asked.failed {
                self.note_resolved(&asked.domain);
            }
            self.take(key, asked);
        }
    }

    fn take(&mut self, key: &QueryKey, asked: Asked) {
        let (who, _) = self.last_client.text(key, tallied_query::client);
        if let Some(all) = self.current.get_mut(who) {
            all.push(asked);
            return;
        }
        self.current.insert(who.to_owned(), vec![asked]);
        self.keys.entry(who.to_owned()).or_insert_with(|| key.clone());
    }

    /// The domains that a client asked for, in order of time, without those that say nothing.
    fn judged(&self, asked: Vec<Asked>) -> Vec<Asked> {
        let resolves = |name: &str| self.state.resolved.contains(&stable_hash(name.as_bytes()));
        let says_nothing = |one: &Asked| {
            // What nobody can register stands in the tally as its own domain: a browser's probes, a suffix.
            let is_registered = !Suffixes.registered_domain(&one.domain).is_empty();
            let domain = if is_registered { &*one.domain } else { "" };
            muted(&one.name, domain, resolves).is_some()
        };
        let mut judged: Vec<Asked> = asked.into_iter().filter(|one| !one.failed || !says_nothing(one)).collect();
        judged.sort_unstable_by(|one, other| (one.first, &one.domain).cmp(&(other.first, &other.domain)));
        judged
    }

    fn judge(&mut self, who: &str, asked: Vec<Asked>, hour: i64, scene: &mut Scene<'_>) {
        if self.client(who, hour).is_none() {
            return;
        }
        let asked = self.judged(asked);
        let is_next = self.state.previous_hour + 1 == hour;
        let previous = if is_next { self.state.previous.remove(who) } else { None }.unwrap_or_default();
        let known: BTreeSet<Box<str>> = previous.iter().map(|one| one.domain.clone()).collect();
        let failed: Vec<Asked> = previous.into_iter().chain(asked.iter().filter(|one| one.failed).cloned()).collect();
        // An algorithm asks for new names; a program keeps asking for those that are gone.
        let asked: Vec<Asked> = asked.into_iter().filter(|one| !one.failed || !known.contains(&one.domain)).collect();
        let verdict = self.by_model(who, &failed, scene).or_else(|| self.by_rate(who, &asked, scene));
        let Some(client) = self.state.clients.get_mut(who) else { return };
        match verdict {
            Some(verdict) => {
                client.reported = Some(verdict.end);
                client.rate = RateTest::default();
                scene.verdicts.push(verdict);
            }
            None => {
                let failed = asked.iter().filter(|one| one.failed).count();
                client.usual.asked += asked.len() as u64;
                client.usual.failed += failed as u64;
                client.hours = client.hours.saturating_add(1);
                client.most_failed = client.most_failed.max(u32::try_from(failed).unwrap_or(u32::MAX));
            }
        }
    }

    fn client(&mut self, who: &str, hour: i64) -> Option<&mut Client> {
        if self.state.clients.len() >= CLIENTS_MAX && !self.state.clients.contains_key(who) {
            self.state.evicted += 1;
            return None;
        }
        let client = self.state.clients.entry(who.to_owned()).or_default();
        client.last_hour = hour;
        Some(client)
    }

    fn by_model(&self, who: &str, failed: &[Asked], scene: &Scene<'_>) -> Option<Verdict> {
        let model = DgaModel::shipped();
        let reported = self.state.clients.get(who).and_then(|client| client.reported);
        let is_new = |one: &&Asked| reported.is_none_or(|end| one.first > end.plus_ms(QUIET_MS - WINDOW_MS));
        let domains: Vec<NxDomain<'_>> =
            failed.iter().filter(is_new).map(|one| NxDomain::new(&one.domain, one.first, model)).collect();
        let found = dga_decision::generated_names(&domains, model, enough(scene))?;
        let score = |score: i32| f64::from(score) / f64::from(SCORE_UNIT);
        let examples: Vec<String> =
            found.examples.iter().map(|(domain, points)| format!("{domain} ({:.2})", score(*points))).collect();
        let reasons = vec![
            format!(
                "From {} to {}: {} distinct registered domains did not exist, and {} of them look generated: their score is at \
                 least {:.2}, which one benign name in a thousand reaches.",
                found.since,
                found.until,
                found.failed,
                found.generated,
                score(found.threshold)
            ),
            format!(
                "Limits: {} such names in an hour, and {} % of those that failed; here {} and {} × 100 ÷ {} = {} %.",
                quoted(&NAMES, scene.thresholds),
                quoted(&SHARE, scene.thresholds),
                found.generated,
                found.generated,
                found.failed,
                found.generated * 100 / found.failed.max(1)
            ),
            format!("The highest scores: {}.", examples.join(", ")),
            self.usual(who),
        ];
        let is_generated = |one: &&Asked| {
            let points = judged_label(&one.domain).map(|label| model.score(label));
            points.is_some_and(|points| model.is_above(points, DgaThreshold::PerMille))
        };
        let inside = |one: &&Asked| one.first >= found.since && one.first <= found.until;
        let shown: Vec<&Asked> = failed.iter().filter(inside).filter(is_generated).collect();
        if are_misspellings(shown.iter().map(|one| &*one.domain)) {
            return None;
        }
        let count = format!("{} names that do not exist and look generated", found.generated);
        Some(self.verdict(who, &count, reasons, &shown, (found.failed as u64, shown.first().copied()), scene))
    }

    fn by_rate(&mut self, who: &str, asked: &[Asked], scene: &Scene<'_>) -> Option<Verdict> {
        let usual_line = self.usual(who);
        let client = self.state.clients.get_mut(who).filter(|client| !client.usual.is_hopeless())?;
        let failed_min = UsualFailures::failed_min(client.hours, client.most_failed);
        for (at, one) in asked.iter().enumerate() {
            if !client.rate.observe(one.first, one.failed, client.usual, failed_min) {
                continue;
            }
            let rate = client.rate;
            let nats = |log_odds: i32| f64::from(log_odds) / 1_024.0;
            let usual = client.usual.per_mille();
            let known = if failed_min < RATE_FAILED_MIN {
                format!(
                    ", because in {} hours with queries before it never had more than {}",
                    client.hours, client.most_failed
                )
            } else {
                String::new()
            };
            let mut reasons = vec![
                format!(
                    "From {} to {}: of {} registered domains asked for, {} did not exist.",
                    rate.since, rate.until, rate.asked, rate.failed
                ),
                format!(
                    "Sequential test: each failure adds ln({BAD_PER_MILLE} ÷ {usual}) = {:.3}, each answer ln({} ÷ {}) = {:.3}; \
                     the walk stands at {:.2}, and {:.2} is enough with {failed_min} failures{known}.",
                    nats(dga_decision::step(true, usual)),
                    1_000 - BAD_PER_MILLE,
                    1_000 - usual,
                    nats(dga_decision::step(false, usual)),
                    nats(rate.log_odds),
                    nats(RATE_FIRES_AT)
                ),
                usual_line,
            ];
            let shown: Vec<&Asked> = asked[..=at].iter().filter(|one| one.failed && one.first >= rate.since).collect();
            if are_misspellings(shown.iter().map(|one| &*one.domain)) {
                client.rate = RateTest::default();
                return None;
            }
            let latest: Vec<&str> = shown.iter().rev().take(EXAMPLES_MAX).map(|one| &*one.domain).collect();
            reasons.push(format!("The latest of them: {}.", latest.join(", ")));
            let count = format!("{} names that do not exist, far more than is usual for it", rate.failed);
            // The last one is surely of those that were too many: the first may be an ordinary failure before them.
            let example = shown.last().copied();
            return Some(self.verdict(who, &count, reasons, &shown, (u64::from(rate.failed), example), scene));
        }
        None
    }

    fn usual(&self, who: &str) -> String {
        let usual = self.state.clients.get(who).map_or_else(UsualFailures::default, |client| client.usual);
        format!(
            "Before, {} of {} domains that this client asked for, counted once an hour, failed.",
            usual.failed, usual.asked
        )
    }

    fn verdict(
        &self,
        who: &str,
        count: &str,
        reasons: Vec<String>,
        shown: &[&Asked],
        (record_count, example): (u64, Option<&Asked>),
        scene: &Scene<'_>,
    ) -> Verdict {
        let unknown = QueryKey { hour: 0, place: Default::default(), client: None, domain: Box::default() };
        let first = shown.first();
        let key = QueryKey {
            domain: example.map_or_else(Box::default, |one| one.domain.clone()),
            ..self.keys.get(who).unwrap_or(&unknown).clone()
        };
        let name = example.map_or("", |one| &one.name);
        let (severity, tally) = (Severity::HIGH, QueryTally::default());
        let mut signal: Signal = tallied_query::signal(self.finding_type, severity, &key, &tally, name, &scene.context);
        let subject = subject::name(&signal);
        signal.title = format!("{subject} queried algorithmically generated names.");
        signal.description =
            format!("{subject} queried {count}. Malware finds its server by trying names that an algorithm makes.");
        signal.reasons = reasons;
        let moment = |one: Option<&&Asked>| one.map_or(Time::default(), |one| one.first);
        Verdict {
            signal,
            begin: moment(first),
            end: moment(shown.last()),
            records: shown.iter().take(RECORDS_MAX).map(|one| (one.first, one.place)).collect(),
            record_count,
        }
    }
}

fn enough(scene: &Scene<'_>) -> Enough {
    let names = usize::try_from(scene.thresholds.count(&NAMES)).unwrap_or(usize::MAX);
    Enough { names, percent: scene.thresholds.get(&SHARE) }
}

impl Behaviour for GeneratedNames {
    fn query(&mut self, key: &QueryKey, tally: &QueryTally, _scene: &mut Scene<'_>) {
        if is_dynamic(&key.domain) {
            return self.take_customers(key, tally);
        }
        if tally.answered > 0 {
            self.note_resolved(&key.domain);
        }
        let failed = tally.answered == 0 && tally.nx > 0;
        // A mail server asks whether a sender's domain takes mail; a program that looks for its server asks for addresses.
        let asked_for_addresses = tally.of_type(QueryType::A) + tally.of_type(QueryType::Aaaa) > 0;
        let is_mail = !asked_for_addresses && tally.of_type(QueryType::Mx) > 0;
        if !failed && tally.answered == 0 || failed && is_mail {
            return;
        }
        let first = |names: &mut dyn Iterator<Item = &SubName>| {
            names.min_by_key(|name| (name.first, &name.name)).map(|name| (name.name.clone(), name.first, name.place))
        };
        let kept = tally.names.kept();
        let Some((name, at, place)) =
            first(&mut kept.iter().filter(|name| name.nx)).or_else(|| first(&mut kept.iter()))
        else {
            return;
        };
        let asked = Asked { first: QueryTally::moment(key.hour, at), domain: key.domain.clone(), name, failed, place };
        self.take(key, asked);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        if self.current.is_empty() {
            return;
        }
        let hour = end.plus_ms(-1).hour();
        let current = std::mem::take(&mut self.current);
        let mut failed = BTreeMap::new();
        for (who, asked) in current {
            let kept: Vec<Asked> = self.judged(asked.iter().filter(|one| one.failed).cloned().collect());
            if !kept.is_empty() {
                failed.insert(who.clone(), kept);
            }
            self.judge(&who, asked, hour, scene);
        }
        (self.state.previous, self.state.previous_hour) = (failed, hour);
        self.keys.clear();
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.state.clients.retain(|_, client| now.hour() - client.last_hour <= 30 * 24);
        std::mem::take(&mut self.state.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let failed: usize = self.state.previous.values().map(Vec::len).sum();
        let bytes = self.state.clients.len() * 160 + self.state.resolved.len() * 16 + failed * 120;
        (self.state.clients.len() as u64, bytes as u64)
    }

    fn describe(&self, host: &str) -> Vec<String> {
        let is_host = |who: &str| who.split(' ').any(|part| part == host);
        let known = self.state.clients.iter().filter(|(who, _)| is_host(who));
        let described = known.map(|(_, client)| {
            let UsualFailures { failed, asked } = client.usual;
            format!(
                "names asked for: {asked} registered domains, each counted once an hour, of which {failed} did not exist; {} of \
                 1,000 are expected to fail",
                client.usual.per_mille()
            )
        });
        described.collect()
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

#[cfg(test)]
mod tests {
    use crate::ec2::dga_domain_request::BY_MODEL;
    use crate::testing::*;
    use crate::{Detection, Verdict};
    use watchfire_knowledge::Knowledge;

    const DETECTION: &Detection = &BY_MODEL;

    fn line(second: u32, name: &str, answers: &[(&str, &str)]) -> String {
        let time = format!("2026-01-31T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60);
        query_line(name, answers).replace("2024-04-19T12:00:00Z", &time)
    }

    /// Names of twenty random letters.
    fn generated(count: u32, from: u32, gap: u32) -> Vec<String> {
        let mut state = 11u64;
        let mut name = || -> String {
            let mut letter = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'a' + ((state >> 33) % 26) as u8)
            };
            (0..20).map(|_| letter()).collect()
        };
        (0..count).map(|at| line(from + at * gap, &format!("{}.com.", name()), &[])).collect()
    }

    fn found(lines: &[String]) -> Vec<Verdict> {
        verdicts(DETECTION, &Knowledge::default(), &[&lines.join("\n")])
    }

    #[test]
    fn a_dozen_generated_names_that_fail_are_reported_with_their_scores() {
        let verdicts = found(&generated(12, 3_600, 30));
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[1].contains("× 100 ÷"), "{reasons:#?}");
        assert!(reasons[2].starts_with("The highest scores:"), "{reasons:#?}");
        assert!(!verdicts[0].records.is_empty());
    }

    #[test]
    fn an_hours_edge_hides_nothing() {
        assert_eq!(found(&generated(6, 7_200 - 90, 30)).len(), 1);
    }

    #[test]
    fn four_names_and_names_that_are_answered_stay_quiet() {
        assert!(found(&generated(3, 3_600, 30)).is_empty());
        let answered: Vec<String> = generated(12, 3_600, 30)
            .iter()
            .map(|line| {
                line.replace("NXDOMAIN", "NOERROR")
                    .replace("\"answers\":[]", r#""answers":[{"Rdata":"198.51.100.7","Type":"A","Class":"IN"}]"#)
            })
            .collect();
        assert!(found(&answered).is_empty());
    }

    #[test]
    fn typing_errors_and_search_suffixes_stay_quiet() {
        let names = [
            "gogle-mail.com.",
            "facebok.com.",
            "wheather.com.",
            "api.corp.internal.",
            "db.svc.cluster.local.",
            "printer.",
        ];
        let lines: Vec<String> = names.iter().zip(0..).map(|(name, at)| line(3_600 + at * 60, name, &[])).collect();
        assert!(found(&lines).is_empty());
    }

    #[test]
    fn a_browsers_probes_of_one_label_stay_quiet() {
        let lines: Vec<String> = generated(30, 3_600, 30).iter().map(|line| line.replace(".com.", ".")).collect();
        assert!(found(&lines).is_empty());
    }

    #[test]
    fn names_below_a_provider_of_dynamic_dns_are_domains_of_their_own() {
        let mut lines: Vec<String> =
            generated(12, 3_600, 30).iter().map(|line| line.replace(".com.", ".ddns.net.")).collect();
        lines.push(line(3_500, "somebody.ddns.net.", &[("198.51.100.7", "A")]));
        let verdicts = found(&lines);
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.reasons[2].contains(".ddns.net ("), "{:#?}", verdicts[0].signal.reasons);
    }

    #[test]
    fn domains_of_which_only_the_mail_servers_are_asked_for_stay_quiet() {
        let as_mail = |line: &String| line.replace(r#""query_type":"A""#, r#""query_type":"MX""#);
        let lines: Vec<String> = generated(40, 3_600, 30).iter().map(as_mail).collect();
        assert!(lines[0].contains(r#""MX""#));
        assert!(found(&lines).is_empty());
    }

    #[test]
    fn the_same_dead_domains_hour_after_hour_stay_quiet() {
        // A history in which nearly everything resolves, then fifteen domains that are gone, asked for each hour.
        let mut lines: Vec<String> =
            (0..400).map(|at| line(at * 30, &format!("www.site{at}.example."), &[("198.51.100.7", "A")])).collect();
        let dead =
            |at: u32| format!("old-partner-{}.com.", ["a", "b", "c"][at as usize % 3].repeat(1 + at as usize / 3));
        lines.extend((0..60).map(|at| line(18_100 + at / 15 * 3_600 + at % 15, &dead(at % 15), &[])));
        assert!(found(&lines).is_empty());
        // As many new ones are told.
        lines.extend((60..120).map(|at| line(36_100 + at / 15 * 3_600 + at % 15, &format!("partner-{at}.com."), &[])));
        assert!(!found(&lines).is_empty());
    }

    #[test]
    fn the_misspellings_of_one_brand_stay_quiet() {
        let brand = "lemonharbor";
        let spelt = |at: u32| {
            let (place, letter) = ((at % 11) as usize, char::from(b'a' + (at / 11 * 5 % 26) as u8));
            format!("{}{letter}{}.com.", &brand[..place], &brand[place + 1..])
        };
        let mut lines: Vec<String> =
            (0..400).map(|at| line(at * 30, &format!("www.site{at}.example."), &[("198.51.100.7", "A")])).collect();
        lines.extend((0..50).map(|at| line(20_000 + at * 20, &spelt(at), &[])));
        assert!(found(&lines).is_empty());
    }

    /// Lines of other hours: a week in which each hour asks for so many domains that are gone, and others that are not.
    fn week(dead: u32) -> Vec<String> {
        let hour = |at: u32, name: &str, answers: &[(&str, &str)]| {
            let date = format!("2026-01-{:02}T{:02}:30:00Z", 20 + at / 24, at % 24);
            query_line(name, answers).replace("2024-04-19T12:00:00Z", &date)
        };
        let asked = |at: u32| {
            let gone = (0..dead).map(move |one| hour(at, &format!("gone-{at}-partner-{one}.com."), &[]));
            let alive = (0..9).map(move |one| hour(at, &format!("www.site{one}.example."), &[("198.51.100.7", "A")]));
            gone.chain(alive)
        };
        (0..170).flat_map(asked).collect()
    }

    #[test]
    fn of_a_client_known_for_a_week_a_dozen_failures_are_enough() {
        let words = |count: u32| -> Vec<String> {
            (0..count).map(|at| line(20_000 + at, &format!("garden-{}-table.com.", word(at)), &[])).collect()
        };
        let verdicts = found(&[week(1), words(12)].concat());
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[1].contains("with 10 failures, because in 170 hours with queries before"), "{reasons:#?}");
        assert!(found(&[week(1), words(9)].concat()).is_empty());
        assert!(found(&[week(3), words(11)].concat()).is_empty(), "four times as many as ever are asked for");
        assert!(found(&words(12)).is_empty(), "nothing is known of it");
    }

    fn word(at: u32) -> &'static str {
        ["green", "river", "cloud", "happy", "stone", "light", "money", "paper", "house", "lemon", "water", "horse"]
            [at as usize % 12]
    }

    #[test]
    fn a_client_of_which_most_fails_all_along_stays_quiet() {
        let more: Vec<String> =
            (0..40).map(|at| line(20_000 + at, &format!("{}-shop-{at}.com.", word(at)), &[])).collect();
        let verdicts = found(&[week(12), more].concat());
        let last = verdicts.iter().map(|verdict| verdict.begin.to_string()).max().unwrap_or_default();
        assert!(last.as_str() < "2026-01-31", "{last}");
    }

    #[test]
    fn fifty_words_that_all_fail_are_seen_by_their_rate() {
        let words = ["green", "table", "river", "cloud", "happy", "stone", "light", "money", "paper", "house"];
        let name =
            |at: u32| format!("{}{}.com.", words[at as usize % 10], words[(at as usize / 10 + at as usize + 3) % 10]);
        // A history in which nearly everything resolves.
        let mut lines: Vec<String> =
            (0..400).map(|at| line(at * 30, &format!("www.site{at}.example."), &[("198.51.100.7", "A")])).collect();
        lines.extend((0..50).map(|at| line(20_000 + at * 20, &name(at), &[])));
        let verdicts = found(&lines);
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[1].starts_with("Sequential test"), "{reasons:#?}");
        assert!(reasons[3].starts_with("The latest of them: ") && reasons[3].contains(".com"), "{reasons:#?}");
    }
}
