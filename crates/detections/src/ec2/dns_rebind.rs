//! A public name turns private.

use crate::behaviour::{Behaviour, Scene, Verdict};
use crate::shared::state::{self, pairs};
use crate::shared::tallied_flow::quoted;
use crate::shared::{METADATA_ADDRESSES, subject, tallied_query};
use crate::tally::{Answered, QueryKey, QueryTally, RecordPlace, SubName};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use watchfire_knowledge::statistics::stable_hash;
use watchfire_knowledge::{Bounded, is_publicly_routable};
use watchfire_model::{FindingType, ResourceRole, Severity, Time};

const REBIND: FindingType = FindingType::new("Behavior:EC2/DnsRebind.Watchfire");

/// How soon the name must turn.
pub(crate) static MINUTES: Threshold = Threshold {
    key: "ec2.dns_rebind.minutes",
    default: 60.0,
    min: 1.0,
    max: 60.0,
    unit: "minutes",
    source: "detection-methods, section 6c: within an hour. A rebinding name lives for seconds; resolvers and clients may \
             hold its first answer for longer",
    summary: "how long after an answer with public addresses the private one may come",
};

/// How long a domain must have been asked for to be nobody's trick.
pub(crate) static KNOWN_DAYS: Threshold = Threshold {
    key: "ec2.dns_rebind.known_days",
    default: 14.0,
    min: 1.0,
    max: 365.0,
    unit: "days",
    source: "Our choice, as for domains that are common: 14 days of history. Names for rebinding are new to their victims",
    summary: "a domain that three clients or more ask for, and that was first asked for so long ago, may move inside",
};

/// So many clients make a domain the network's, not one visitor's. Source: detection-methods, section 1b (networks that at
/// least three others use are nobody's own).
const KNOWN_CLIENTS: usize = 3;
/// So many registered domains that lead to one private address make it a page that a filter shows. Our choice.
const PAGE_DOMAINS: usize = 3;
/// A name below a domain of which private answers were given so long before is one with two views.
const TWO_VIEWS_MS: i64 = Time::DAY_MS;
/// A name that leads to the client itself and stays there was given up by its owner, unless nobody had asked for its domain
/// until so long before: a name for rebinding is new to its victim. Our choice.
const NEW_MS: i64 = Time::DAY_MS;
/// How long a domain, and a private address, is remembered. Source: detection-methods, section 0.4 (30 days).
const MEMORY_MS: i64 = 30 * Time::DAY_MS;
/// Domains and private addresses remembered: about 80 bytes each.
const REMEMBERED_MAX: usize = 100_000;
/// Names of the hour before: about 80 bytes each.
const NAMES_MAX: usize = 100_000;
const STATE_VERSION: u32 = 2;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[REBIND],
    summary: "A public name led an instance to the internet, and soon after to a private address.",
    listens: &[Interest::QueryTallies],
    needs: &[Need::DnsQueries],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Rebinds::default())),
};

/// Evidence: a name that anyone could have registered was answered to one client with public addresses, and within an hour, to
/// the same client, with a private one of the same family: RFC 1918, carrier-grade NAT, link-local, loopback, unique local
/// IPv6, each also written as an IPv4-mapped address. A program that checked the first address and connects to the second
/// reaches what is inside on behalf of whoever owns the name.
///
/// 0.0.0.0, ::, 127.0.0.1 and ::1 are also what filters answer for names that they block, and owners for names that they give up.
/// They count only where the name went back and forth, for neither takes its answer back; 127.0.0.1 and ::1, which few filters
/// answer, also where nobody asked for the domain until a day before and no filter is at work, which would lead other domains
/// there too. One answer that holds both a public address and one of the client itself counts at once: a browser tries the second
/// when the first is closed. Not for the domain itself, where it is an owner's mistake, but for a name below it. Metadata addresses have a type of their own (MetadataDNSRebind), which needs no public answer before.
///
/// No evidence: private zones and AWS's own; answers that DNS Firewall gave; a trusted domain (`--trusted`); a domain below
/// which private addresses were answered a day before already, as where a name has one view inside and one outside; a private
/// address to which three registered domains or more lead, the page that a filter shows; a domain that three clients or more
/// ask for and that was first asked for 14 days ago, which may move behind a private load balancer. Of a client that asks
/// for more than 64 names below one domain in an hour only a sample is looked at.
///
/// False positives: a service of your own, new to these logs, that moves from a public to a private address; a home or lab
/// host with dynamic DNS; a test for this weakness. Trust the domain, or suppress the finding for it.
#[derive(Serialize, Deserialize)]
struct Rebinds {
    /// The hour that is being shown.
    hour: i64,
    /// By client and name, when each led to the internet last, in the hour before and in this one.
    #[serde(with = "pairs")]
    before: BTreeMap<NameKey, Public>,
    #[serde(with = "pairs")]
    current: BTreeMap<NameKey, Public>,
    /// Domains that were asked for.
    domains: Bounded<u64, Usage>,
    /// Private addresses by account (its hash), with the domains that led there: each account has a network of its own. Those of
    /// the client itself by client: names of developers' machines lead there everywhere, and a filter is at work for each client.
    inside: Bounded<(u64, IpAddr), Vec<u64>>,
    /// What may be a turn, until the hour has been shown whole.
    #[serde(skip)]
    turns: Vec<Turn>,
    evicted: u64,
    reported: u64,
    /// The last client's text, and its hash.
    #[serde(skip)]
    last_client: (tallied_query::LastClient, u64),
}

/// Hashes of client and name.
type NameKey = (u64, u64);

/// A name that led to the internet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Public {
    at: Time,
    address: IpAddr,
    place: RecordPlace,
}

/// A domain that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Usage {
    since: Time,
    /// Hashes of the first clients.
    clients: Vec<u64>,
    /// When a name below it first led inside, of names that are nobody's trick.
    inside_since: Option<Time>,
    /// A name below it was reported: what it answers is no habit.
    is_reported: bool,
}

/// A name that led to the internet and then inside.
struct Turn {
    key: QueryKey,
    tally: QueryTally,
    name: Box<str>,
    queries: u32,
    public: Public,
    inside: Public,
    /// How it turned.
    manner: Manner,
}

/// How a name turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    /// From the internet to the inside.
    Once,
    /// It led to the internet again afterwards, or inside before.
    BackAndForth,
    /// One answer held both.
    AtOnce,
}

impl Default for Rebinds {
    fn default() -> Self {
        Self {
            hour: i64::MIN,
            before: BTreeMap::new(),
            current: BTreeMap::new(),
            domains: Bounded::new(REMEMBERED_MAX),
            inside: Bounded::new(REMEMBERED_MAX),
            turns: Vec::new(),
            evicted: 0,
            reported: 0,
            last_client: Default::default(),
        }
    }
}

impl Behaviour for Rebinds {
    fn query(&mut self, key: &QueryKey, tally: &QueryTally, _scene: &mut Scene<'_>) {
        if !tallied_query::is_public(&key.domain) {
            return;
        }
        self.begin_hour(key.hour);
        let (last, hash) = &mut self.last_client;
        if let (text, true) = last.text(key, tallied_query::client) {
            *hash = stable_hash(text.as_bytes());
        }
        let client = *hash;
        self.note_domain(key, tally, client);
        for name in tally.names.kept() {
            let name_key = (client, stable_hash(name.name.as_bytes()));
            if let Some(inside) = &name.inside {
                self.note_inside(key, inside, client);
                let earlier = self.before.get(&name_key);
                // What DNS Firewall answers is the network's own doing.
                let turn = turn(key, name, earlier).filter(|_| tally.blocked == 0);
                if let Some((public, inside, manner)) = turn {
                    let (key, tally, queries) = (key.clone(), tally.clone(), name.queries);
                    self.turns.push(Turn { key, tally, name: name.name.clone(), queries, public, inside, manner });
                }
            }
            let Some(public) = &name.public else { continue };
            if self.current.len() >= NAMES_MAX {
                self.evicted += 1;
            } else if let Some(&address) = public.addresses.first() {
                let at = QueryTally::moment(key.hour, public.last);
                self.current.insert(name_key, Public { at, address, place: public.last_place });
            }
        }
    }

    fn close(&mut self, _end: Time, scene: &mut Scene<'_>) {
        for turn in std::mem::take(&mut self.turns) {
            self.judge(&turn, scene);
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.domains.forget_before(now.plus_ms(-MEMORY_MS));
        self.inside.forget_before(now.plus_ms(-MEMORY_MS));
        let evicted = self.evicted + self.domains.evicted() + self.inside.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        let names = self.before.len() + self.current.len();
        let remembered = self.domains.len() + self.inside.len();
        ((names + remembered) as u64, (names * 80 + remembered * 120) as u64)
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        if saved["version"] == 1 {
            // Private addresses were not told apart by account: they are learnt anew, which takes a day.
            saved["version"] = STATE_VERSION.into();
            saved["state"]["inside"] = serde_json::to_value(Self::default().inside).unwrap_or_default();
        }
        *self = state::load(REBIND, STATE_VERSION, saved)?;
        self.domains.reindex();
        self.inside.reindex();
        Ok(())
    }
}

impl Rebinds {
    fn begin_hour(&mut self, hour: i64) {
        if hour == self.hour {
            return;
        }
        let current = std::mem::take(&mut self.current);
        self.before = if hour == self.hour.saturating_add(1) { current } else { BTreeMap::new() };
        self.hour = hour;
    }

    fn note_domain(&mut self, key: &QueryKey, tally: &QueryTally, client: u64) {
        let at = QueryTally::moment(key.hour, tally.first);
        let fresh = || Usage { since: at, clients: Vec::new(), inside_since: None, is_reported: false };
        let usage = self.domains.touch(stable_hash(key.domain.as_bytes()), at, fresh);
        usage.since = usage.since.min(at);
        if usage.clients.len() < KNOWN_CLIENTS && !usage.clients.contains(&client) {
            usage.clients.push(client);
        }
    }

    fn note_inside(&mut self, key: &QueryKey, inside: &Answered, client: u64) {
        let (domain, at) = (stable_hash(key.domain.as_bytes()), QueryTally::moment(key.hour, inside.first));
        if let Some(usage) = self.domains.get_mut(&domain) {
            usage.inside_since = Some(usage.inside_since.map_or(at, |since| since.min(at)));
        }
        for address in inside.addresses.iter().filter(|address| Reached::of(**address).is_some()) {
            let domains = self.inside.touch((whose(key, *address, client), *address), at, Vec::new);
            if domains.len() < PAGE_DOMAINS && !domains.contains(&domain) {
                domains.push(domain);
            }
        }
    }

    fn judge(&mut self, turn: &Turn, scene: &mut Scene<'_>) {
        let Turn { key, public, inside, .. } = turn;
        let domain = stable_hash(key.domain.as_bytes());
        let Some(usage) = self.domains.get_mut(&domain) else { return };
        let apart_ms = inside.at.ms() - public.at.ms();
        let has_two_views =
            usage.inside_since.is_some_and(|since| inside.at.ms() - since.ms() >= TWO_VIEWS_MS) && !usage.is_reported;
        let is_known = usage.clients.len() >= KNOWN_CLIENTS
            && (inside.at.ms() - usage.since.ms()) as f64 >= scene.thresholds.get(&KNOWN_DAYS) * Time::DAY_MS as f64;
        let client = stable_hash(tallied_query::client(key).as_bytes());
        let place = (whose(key, inside.address, client), inside.address);
        // A filter gives no answers that are half another's.
        let is_page = turn.manner != Manner::AtOnce
            && self.inside.get(&place).is_some_and(|domains| domains.len() >= PAGE_DOMAINS);
        // What stays at 0.0.0.0 is blocked by a filter of today; what stays with the client itself is given up, if it is old.
        let is_given_up = turn.manner == Manner::Once
            && Reached::of(inside.address) == Some(Reached::Sink)
            && (inside.address.to_canonical().is_unspecified() || inside.at.ms() - usage.since.ms() > NEW_MS);
        if apart_ms as f64 > scene.thresholds.get(&MINUTES) * Time::MINUTE_MS as f64
            || has_two_views
            || is_known
            || is_page
            || is_given_up
            || scene.context.lists(&key.place.account, &key.place.region).trusted_domain(&turn.name).is_some()
        {
            return;
        }
        usage.is_reported = true;
        let verdict = verdict(turn, usage, scene);
        scene.verdicts.push(verdict);
    }
}

/// What a private address is, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reached {
    /// Of a network that is not the internet.
    Private,
    LinkLocal,
    /// The client itself, by another address than the usual one.
    Loopback,
    /// What filters answer: the client itself, or nowhere.
    Sink,
}

impl Reached {
    /// `None` for public addresses, for those that lead nowhere, and for those of metadata services.
    fn of(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        if METADATA_ADDRESSES.iter().any(|metadata| metadata.parse() == Ok(address)) {
            return None;
        }
        match address {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED | Ipv4Addr::LOCALHOST) => Some(Self::Sink),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED | Ipv6Addr::LOCALHOST) => Some(Self::Sink),
            IpAddr::V4(v4) if v4.is_loopback() => Some(Self::Loopback),
            IpAddr::V4(v4) if v4.is_link_local() => Some(Self::LinkLocal),
            // Carrier-grade NAT (RFC 6598), which networks of containers use as well.
            IpAddr::V4(v4) if v4.is_private() || v4.to_bits() >> 22 == 0x6440_0000 >> 22 => Some(Self::Private),
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(Self::LinkLocal),
            IpAddr::V6(v6) if v6.is_unique_local() => Some(Self::Private),
            _ => None,
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Private => "a private address",
            Self::LinkLocal => "an address of the local link",
            Self::Loopback => "an address of the client itself",
            Self::Sink => "the address of the client itself",
        }
    }
}

/// Whose a private address is: the account's (its hash), or this client's.
fn whose(key: &QueryKey, address: IpAddr, client: u64) -> u64 {
    match Reached::of(address) {
        Some(Reached::Sink | Reached::Loopback) => client,
        _ => stable_hash(key.place.account.as_bytes()),
    }
}

/// The public answer, the private one after it or with it, and how the name turned.
fn turn(key: &QueryKey, name: &SubName, before: Option<&Public>) -> Option<(Public, Public, Manner)> {
    let answered = name.inside.as_deref()?;
    let address = answered.addresses.iter().copied().find(|address| Reached::of(*address).is_some())?;
    let is_alike = |public: &IpAddr| public.is_ipv4() == address.is_ipv4();
    let moment = |offset| QueryTally::moment(key.hour, offset);
    let now = name.public.as_ref().filter(|public| public.addresses.first().is_some_and(is_alike));
    let first_inside = Public { at: moment(answered.first), address, place: answered.place };
    let last_inside = Public { at: moment(answered.last), address, place: answered.last_place };
    let of = |offset, place, public: &Answered| {
        Some(Public { at: moment(offset), address: *public.addresses.first()?, place })
    };
    let itself = |address: &&IpAddr| matches!(Reached::of(**address), Some(Reached::Sink | Reached::Loopback));
    let outside = |address: &&IpAddr| is_publicly_routable(**address);
    // What stands at the domain itself is a mistake of its owner's: two of 72,000 recorded queries for ordinary sites were
    // answered so. Tools make a name below it for each victim.
    let is_of_its_own = !matches!(name.below(&key.domain), "" | "www");
    if let (true, Some(&itself), Some(&public)) =
        (is_of_its_own, answered.addresses.iter().find(itself), answered.addresses.iter().find(outside))
    {
        let at_once = |address| Public { at: moment(answered.first), address, place: answered.place };
        return Some((at_once(public), at_once(itself), Manner::AtOnce));
    }
    let (public, inside) = match (now, before.filter(|before| is_alike(&before.address))) {
        (Some(now), _) if now.last < answered.first => (of(now.last, now.last_place, now)?, first_inside),
        (Some(now), _) if now.first < answered.first => (of(now.first, now.place, now)?, first_inside),
        (_, Some(before)) => (before.clone(), first_inside),
        (Some(now), None) if now.first < answered.last => (of(now.first, now.place, now)?, last_inside),
        _ => return None,
    };
    let goes_back = now.is_some_and(|now| {
        moment(now.last) > inside.at || (inside.at > moment(answered.first) && public.at > moment(answered.first))
    });
    Some((public, inside, if goes_back { Manner::BackAndForth } else { Manner::Once }))
}

fn verdict(turn: &Turn, usage: &Usage, scene: &Scene<'_>) -> Verdict {
    let Turn { key, tally, name, public, inside, manner, .. } = turn;
    let mut signal = tallied_query::signal(REBIND, Severity::MEDIUM, key, tally, name, &scene.context);
    // The one who owns the name attacks; the instance that asked is made to reach what is inside.
    signal.role = Some(ResourceRole::Target);
    let who = subject::name(&signal);
    let said = Reached::of(inside.address).map_or("a private address", Reached::said);
    signal.title = format!("{who} may be the target of a DNS rebinding attack by {name}.");
    let then = if *manner == Manner::AtOnce { "at the same time" } else { "then" };
    signal.description = format!(
        "{name} led {} to {}, which anyone can reach, and {then} to {}, {said}. Whoever owns the name may be making a program \
         there connect to something inside on their behalf.",
        subject::lower(&who),
        public.address,
        inside.address
    );
    let seconds = (inside.at.ms() - public.at.ms()) / Time::SECOND_MS;
    signal.reasons = vec![format!(
        "{name} was answered with {} at {}, and with {}, {said}, at {}: {seconds} seconds later. Up to {} minutes count.",
        public.address,
        public.at,
        inside.address,
        inside.at,
        quoted(&MINUTES, scene.thresholds)
    )];
    match manner {
        Manner::Once if Reached::of(inside.address) == Some(Reached::Sink) => signal.reasons.push(
            "Filters answer so too, but fewer than three domains led there; and owners who give a name up, but nobody asked for this \
             domain until a day before."
                .to_owned(),
        ),
        Manner::Once => {}
        Manner::BackAndForth => {
            signal.reasons.push("The name went back and forth between the two within the hour.".to_owned());
        }
        Manner::AtOnce => signal.reasons.push("One answer held both.".to_owned()),
    }
    signal.reasons.push(format!(
        "The first query below {} in these logs is of {}, and the first private answer of {}; {} asked for it.",
        key.domain,
        usage.since,
        usage.inside_since.unwrap_or(inside.at),
        match usage.clients.len() {
            1 => "one client".to_owned(),
            KNOWN_CLIENTS.. => format!("{KNOWN_CLIENTS} clients or more"),
            count => format!("{count} clients"),
        }
    ));
    let mut records = vec![(public.at, public.place), (inside.at, inside.place)];
    records.sort_unstable();
    records.dedup();
    let record_count = u64::from(turn.queries).max(records.len() as u64);
    Verdict { signal, begin: public.at, end: inside.at, records, record_count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use watchfire_knowledge::Knowledge;

    const PUBLIC: &str = "203.0.113.80";

    /// An answer at a second of the first day.
    fn answer(second: i64, name: &str, address: &str) -> String {
        let kind = if address.contains(':') { "AAAA" } else { "A" };
        let moment = Time::from_ms(1_713_484_800_000 + second * 1_000).to_string().replace(".000Z", "Z");
        query_line(name, &[(address, kind)])
            .replace("2024-04-19T12:00:00Z", &moment)
            .replace(r#""query_type":"A""#, &format!(r#""query_type":"{kind}""#))
    }

    fn by(client: u8, line: String) -> String {
        line.replace(INSTANCE, &format!("i-0c00000000000010{client}")).replace(LOCAL, &format!("10.0.1.{client}"))
    }

    fn found(lines: &[String]) -> Vec<Verdict> {
        verdicts(&DETECTION, &Knowledge::default(), &[&lines.join("\n")])
    }

    fn turned(name: &str, public: &str, inside: &str) -> Vec<Verdict> {
        found(&[answer(100, name, public), answer(160, name, inside)])
    }

    #[test]
    fn a_name_that_turns_private_fires() {
        for (public, inside) in [
            (PUBLIC, "10.0.0.9"),
            (PUBLIC, "172.20.1.1"),
            (PUBLIC, "192.168.1.1"),
            (PUBLIC, "100.64.3.4"),
            (PUBLIC, "169.254.1.1"),
            (PUBLIC, "127.0.0.53"),
            ("2001:db8::80", "fd12:3456::1"),
            ("2001:db8::80", "fe80::1"),
            ("2001:db8::80", "::ffff:10.0.0.9"),
        ] {
            let verdicts = turned("a.rebind.example.", public, inside);
            assert_eq!(verdicts.len(), 1, "{inside}");
            let signal = &verdicts[0].signal;
            assert!(signal.reasons[0].contains("60 seconds later. Up to 60 (`ec2.dns_rebind.minutes`) minutes"));
            assert_eq!((signal.role, verdicts[0].records.len()), (Some(ResourceRole::Target), 2));
        }
    }

    #[test]
    fn the_turn_of_the_hour_hides_nothing() {
        let name = "a.rebind.example.";
        assert_eq!(found(&[answer(3_500, name, PUBLIC), answer(3_700, name, "10.0.0.9")]).len(), 1);
    }

    #[test]
    fn more_than_an_hour_stays_quiet() {
        let name = "a.rebind.example.";
        assert!(found(&[answer(100, name, PUBLIC), answer(3_800, name, "10.0.0.9")]).is_empty());
        assert!(found(&[answer(100, name, PUBLIC), answer(9_000, name, "10.0.0.9")]).is_empty());
    }

    #[test]
    fn another_client_and_another_name_stay_quiet() {
        let inside = answer(160, "a.rebind.example.", "10.0.0.9");
        assert!(found(&[answer(100, "a.rebind.example.", PUBLIC), by(2, inside)]).is_empty());
        let other = [answer(100, "www.firm.example.", PUBLIC), answer(160, "db.firm.example.", "10.0.0.9")];
        assert!(found(&other).is_empty());
    }

    #[test]
    fn a_name_that_turns_public_stays_quiet() {
        assert!(turned("a.firm.example.", "10.0.0.9", PUBLIC).is_empty());
    }

    #[test]
    fn a_new_name_that_turns_to_the_client_itself_fires() {
        let verdicts = turned("a.rebind.example.", PUBLIC, "127.0.0.1");
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.reasons[1].contains("fewer than three domains led there"));
        for sink in ["::1", "::ffff:127.0.0.1"] {
            assert_eq!(turned("a.rebind.example.", "2001:db8::80", sink).len(), 1, "{sink}");
        }
    }

    #[test]
    fn a_state_of_version_1_is_taken_over_but_for_private_addresses() {
        let mut behaviour = Rebinds::default();
        behaviour.domains.touch(7, Time::from_seconds(100), || Usage {
            since: Time::from_seconds(100),
            clients: Vec::new(),
            inside_since: None,
            is_reported: false,
        });
        behaviour.inside.touch((1, "10.0.0.9".parse().unwrap()), Time::from_seconds(100), Vec::new);
        let mut saved = behaviour.save();
        let addresses = Bounded::<IpAddr, Vec<u64>>::new(REMEMBERED_MAX);
        (saved["version"], saved["state"]["inside"]) = (1.into(), serde_json::to_value(addresses).unwrap());
        let mut loaded = Rebinds::default();
        loaded.load(saved).unwrap();
        assert_eq!((loaded.domains.len(), loaded.inside.len()), (1, 0));
        assert!(loaded.load(serde_json::json!({ "version": 3, "state": {} })).is_err());
    }

    #[test]
    fn a_name_that_its_owner_gives_up_stays_quiet() {
        let (day, name) = (86_400, "shop.firm.example.");
        let lines = [answer(100, name, PUBLIC), answer(2 * day, name, PUBLIC), answer(2 * day + 60, name, "127.0.0.1")];
        assert!(found(&lines).is_empty());
        assert_eq!(found(&lines[1..]).len(), 1);
    }

    #[test]
    fn what_a_filter_answers_stays_quiet() {
        assert!(turned("ads.example.", PUBLIC, "0.0.0.0").is_empty());
        assert!(turned("ads.example.", "2001:db8::80", "::").is_empty());
        for sink in ["0.0.0.0", "127.0.0.1"] {
            let blocked = |at: i64, name: &str| [answer(at, name, PUBLIC), answer(at + 60, name, sink)];
            let names = ["ads.example.", "pixel.example.net.", "trk.example.org."];
            let lines: Vec<String> = (100..).zip(names).flat_map(|(at, name)| blocked(at, name)).collect();
            assert!(found(&lines).is_empty(), "{sink}");
        }
        let blocked = answer(160, "ads.example.", "10.0.0.9")
            .replace(r#""transport""#, r#""firewall_rule_action":"BLOCK","transport""#);
        assert!(found(&[answer(100, "ads.example.", PUBLIC), blocked]).is_empty());
    }

    #[test]
    fn a_name_that_goes_back_and_forth_to_the_client_itself_fires() {
        let name = "a.rebind.example.";
        let lines = [answer(100, name, PUBLIC), answer(110, name, "127.0.0.1"), answer(120, name, PUBLIC)];
        let verdicts = found(&lines);
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.reasons[1].contains("back and forth"));
    }

    #[test]
    fn a_filters_page_stays_quiet() {
        let names = ["one.example.", "two.example.org.", "three.example.net."];
        let page =
            |at: usize, name: &str| [answer(100 + at as i64, name, PUBLIC), answer(200 + at as i64, name, "10.9.9.9")];
        let lines: Vec<String> = names.iter().enumerate().flat_map(|(at, name)| page(at, name)).collect();
        assert!(found(&lines).is_empty());
        assert_eq!(found(&lines[..4]).len(), 2);
        // Another account's page, and another client's names of its own, say nothing.
        let other = |line: &String| line.replace("111122223333", "444455556666");
        let apart: Vec<String> = lines[..4].iter().cloned().chain(lines[4..].iter().map(other)).collect();
        assert_eq!(found(&apart).len(), 3);
        let local = |name: &str| by(2, answer(50, name, "127.0.0.1"));
        let mut lines: Vec<String> = names.iter().map(|name| local(name)).collect();
        lines.extend([answer(100, "a.rebind.example.", PUBLIC), answer(160, "a.rebind.example.", "127.0.0.1")]);
        assert_eq!(found(&lines).len(), 1);
    }

    #[test]
    fn a_name_with_two_views_stays_quiet() {
        let day = 86_400;
        let views = [
            answer(100, "db.firm.example.", "10.0.0.7"),
            answer(day + 200, "app.firm.example.", PUBLIC),
            answer(day + 300, "app.firm.example.", "10.0.0.9"),
        ];
        assert!(found(&views).is_empty());
        assert_eq!(found(&views[1..]).len(), 1);
    }

    #[test]
    fn a_domain_that_many_know_may_move_inside_and_stays_quiet() {
        let known = |day: i64| (1..=3).map(move |client| by(client, answer(day * 86_400, "app.firm.example.", PUBLIC)));
        let moved = (1..=3).map(|client| by(client, answer(15 * 86_400 + 60, "app.firm.example.", "10.0.0.9")));
        let lines: Vec<String> = known(0).chain(known(15)).chain(moved.clone()).collect();
        assert!(found(&lines).is_empty());
        let young: Vec<String> = known(15).chain(moved).collect();
        assert_eq!(found(&young).len(), 3);
    }

    #[test]
    fn names_that_hold_their_private_address_and_mixed_answers_stay_quiet() {
        assert!(turned("10-0-0-9.nip.example.", "10.0.0.9", "10.0.0.9").is_empty());
        let name = "both.example.";
        let both = |second| {
            let inside = r#"{"Class":"IN","Rdata":"10.0.0.9","Type":"A"},"#;
            answer(second, name, PUBLIC).replace(r#""answers":["#, &format!(r#""answers":[{inside}"#))
        };
        assert!(both(100).contains("10.0.0.9"));
        assert!(found(&[both(100), both(160)]).is_empty());
        // Nobody serves a page at the client itself, though owners put it beside their own by mistake.
        for itself in ["127.0.0.1", "0.0.0.0"] {
            let at_the_domain = both(100).replace("10.0.0.9", itself);
            let verdicts = found(&[at_the_domain.replace("both.example.", "s-17.both.example.")]);
            assert_eq!(verdicts.len(), 1, "{itself}");
            assert_eq!(verdicts[0].signal.reasons[1], "One answer held both.");
            assert!(found(&[at_the_domain]).is_empty());
        }
        // Public by IPv4 and private by IPv6, as in a network with addresses of its own, is two views at once.
        assert!(turned("dual.example.", PUBLIC, "fd12:3456::1").is_empty());
    }

    #[test]
    fn private_zones_aws_and_metadata_stay_quiet() {
        assert!(turned("db.corp.internal.", PUBLIC, "10.0.0.9").is_empty());
        assert!(turned("x.rds.amazonaws.com.", PUBLIC, "10.0.0.9").is_empty());
        assert!(turned("a.rebind.example.", PUBLIC, "169.254.169.254").is_empty());
    }

    #[test]
    fn it_goes_on_where_it_was_saved() {
        let mut rebinds = Rebinds::default();
        let lines = [answer(3_500, "a.rebind.example.", PUBLIC), answer(3_550, "b.example.org.", "10.0.0.9")];
        show(&mut rebinds, &Knowledge::default(), &[&lines.join("\n")]);
        let mut restored = Rebinds::default();
        restored.load(rebinds.save()).unwrap();
        assert_eq!((restored.current.len(), restored.save()), (1, rebinds.save()));
        assert!(restored.load(serde_json::json!({"version": 9})).is_err());
    }
}
