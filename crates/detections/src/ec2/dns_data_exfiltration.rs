//! Data leave in the names that a host asks for.

use crate::behaviour::{Behaviour, Scene, Verdict};
use crate::shared::dga_decision::is_look_up_service;
use crate::shared::idle_names::IdleNames;
use crate::shared::reputation::is_well_known;
use crate::shared::{subject, tallied_query};
use crate::tally::{QueryKey, QueryTally, QueryType, RecordPlace, SubName};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_knowledge::statistics::{log2_milli, stable_hash};
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

/// Information in the names of a day.
pub(crate) static BYTES_PER_DAY: Threshold = Threshold {
    key: "ec2.dns_exfiltration.bytes_per_day",
    default: 4_000.0,
    min: 500.0,
    max: 1e9,
    unit: "bytes of information in distinct names, in 24 hours",
    source: "detection-methods, section 6b: 4 kB a day is worth a look; asked for only where most queries are of the types \
             that tunnels use, because names that vary all day are ordinary where addresses are asked for",
    summary: "how much the names below one domain must carry in 24 hours where most queries are for TXT, NULL, CNAME, MX or SRV",
};

/// Information in the names of a day that are asked for as addresses.
pub(crate) static ADDRESS_BYTES_PER_DAY: Threshold = Threshold {
    key: "ec2.dns_exfiltration.address_bytes_per_day",
    default: 6_000.0,
    min: 500.0,
    max: 1e9,
    unit: "bytes of information in distinct long names, in 24 hours",
    source: "Our choice: twice the limit of a day for the types that tunnels use, and asked for only below a domain that is new;              three times as much where all is new because the logs are younger than a week",
    summary: "how much long names below one new domain must carry in 24 hours where addresses are asked for",
};

/// What answers may carry in an hour.
pub(crate) static ANSWER_BYTES: Threshold = Threshold {
    key: "ec2.dns_exfiltration.answer_bytes_per_hour",
    default: 20_000.0,
    min: 1_000.0,
    max: 1e9,
    unit: "bytes of answers to TXT and NULL, to at least 100 distinct names below one domain, an hour",
    source: "Our choice: a hundred full answers of TXT (255 bytes, RFC 1035, section 3.3.14); of 26,000 queries of a network of \
             77 hosts the largest domain-hour had 48 bytes",
    summary: "how much the answers to TXT and NULL below one domain must carry in a clock hour",
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
/// Names that carry less than this on average do not count, unless most queries are of the types that tunnels use: customers,
/// hosts and places have names as short. Sixteen characters are ten bytes at most, about the header of a tunnel's protocol
/// (dnscat2's has nine). Source: dnscat2's protocol documentation.
const CARRIED_MIN_MILLI: u64 = 16_000;
/// Short names carry data where so many of an hour are new: at least one in 3.6 seconds. Source: our choice; of 72,000 recorded
/// queries of 79 hosts no registered domain had a tenth of it in an hour.
const SHORT_NAMES_MIN: u64 = 1_000;
/// And where their characters are used evenly, as an encoding does: the index of coincidence times the characters in use, in
/// thousandths. Even use gives 1,000, English 1,700 (Friedman, The Index of Coincidence, 1922), base64 in lower case 1,076.
const EVEN_MAX_MILLI: u64 = 1_300;
/// An encoding uses so many different characters: hexadecimal digits are sixteen, and numbers, which count hosts, ten.
const EVEN_CHARACTERS_MIN: usize = 14;
/// So many characters are needed to tell.
const EVEN_LENGTH_MIN: u64 = 200;
/// What names with a UUID carry is an identifier, unless it is so many times the limit.
const UUID_FACTOR: u64 = 10;
/// Names of a slow tunnel that asks for addresses must carry so much on average, and as many bits a character: an encoding, not
/// words. Source: our choice; 24 characters of hexadecimal digits are twelve bytes, and digits alone have 3.3 bits.
const LONG_MIN_MILLI: u64 = 24_000;
/// See [`LONG_MIN_MILLI`].
const LONG_ENTROPY_MIN_MILLI: u64 = 3_000;
/// A domain is new for so many days after anyone asked for it first, and logs are young for so many.
const NEW_DAYS: i64 = 2;
/// See [`NEW_DAYS`].
const YOUNG_DAYS: i64 = 7;
/// Where all domains are new, for the logs are young, so many times as much is asked for.
const YOUNG_FACTOR: u64 = 4;
/// A name that is asked for so often in an hour is come back to: what it carries is no news. Tunnels repeat a query when an
/// answer is late; both kinds of addresses, three times each, are six.
const AGAIN_MIN: u32 = 6;
/// Labels that begin with an underscore are a registered purpose (RFC 8552) up to this length; the longest in use has 16.
const PURPOSE_MAX: usize = 20;
/// What a record of an answer takes in the log besides its data: `{"Rdata":"","Type":"TXT","Class":"IN"}`, brackets and quotes.
const ANSWER_FRAME_BYTES: u64 = 50;
/// Distinct names of an hour whose answers carry data: each answer is asked for by a name of its own, or it came from a cache.
const ANSWERED_NAMES_MIN: u64 = 100;
/// Hours of a day that count together, and hashes of names remembered of them.
const DAY_HOURS: i64 = 24;
const DAY_NAMES_MAX: usize = 2_000;
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
/// minutes, so none is missed at an hour's edge) carry at least 2,500 bytes of information in at least 20 distinct names.
/// Of each name only what no other name of the hour has counts: not labels that several have, and not what a label has in
/// common with the beginning of its neighbour in the alphabet. The information is the length of the rest times the entropy of
/// its characters (at most 5 bits). Beyond 64 distinct names an hour the number is estimated from the 64 smallest hashes.
/// The names must carry 16 characters on average, or most queries must be for TXT, NULL, CNAME, MX or SRV, as tunnels' are, or
/// there must be a thousand of them below a domain that is new, half of which exist, in which all characters occur about equally
/// often. Where most
/// names have a UUID, ten times the bytes are asked for.
///
/// Or, slowly: the same comes to 4,000 bytes within 24 hours, and most queries are for those types; or to 6,000 bytes in names
/// of at least 24 characters and 3 bits a character, where addresses are asked for, below a domain that nobody asked for until
/// two days ago and that is none of the most visited sites (24,000 bytes while the account's logs are younger than a week;
/// names with a UUID do not count here).
/// Or, the other way: the answers to TXT and NULL carry 20,000 bytes in a clock hour, asked for by at least 100 distinct names;
/// or at least 100 names of an hour are answered with IPv6 addresses of which half lie where none are given out, so that no host
/// can have them: such answers are data.
///
/// Or nothing is carried yet: one or two names below one domain are asked for at least twelve times in three clock hours of a day, with
/// a mean gap that differs by half at most from hour to hour, and every answer leads to 0.0.0.0 or to a public resolver, as those
/// to an implant that waits for orders (Cobalt Strike over DNS). Not where three domains lead to that address, as a filter's do, not
/// below dynamic DNS, where that is a host that is off, and not below the most visited sites. Low, or medium where the domain is
/// new to a client that is known for a week.
///
/// No evidence: names that were asked for in the hour before, or six times in one hour; private and reverse zones, AWS's own
/// zones; the numbers of a reversed address before a block list and labels of a purpose (`_domainkey`), whose rest counts;
/// services that are asked about names, addresses and files (block lists, virus scanners); and a domain that has been common
/// among the clients for 14 days.
///
/// False positives: virus scanners, content networks and probes that put hashes into names, where they are not common among
/// your hosts yet. Tests of DNS itself. Suppress the finding for the domain, or trust it (`--trusted`). What stays unseen: a
/// tunnel of short names that asks for addresses once a minute, and one that is spread over many domains or hosts; an implant at
/// rest whose name leads to an address as any other.
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
    #[serde(skip)]
    last_client: tallied_query::LastClient,
    /// When each domain worth a look was first seen, and how many clients used it in the current hour.
    domains: BTreeMap<Box<str>, DomainUse>,
    /// What pairs asked for in the last 24 hours, where most queries were of the types that tunnels use, or names are long.
    days: BTreeMap<PairKey, PairDay>,
    /// The first day with queries, by account.
    since: BTreeMap<Box<str>, i64>,
    /// Names of implants that wait for orders.
    idle: IdleNames,
    evicted: u64,
    /// How many of the above `idle` was last told to have dropped.
    idle_evicted: u64,
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
    /// What no other name of the hour has.
    #[serde(default)]
    rest: Box<str>,
    /// Its length, without dots.
    length: u64,
    /// Entropy of its characters, in thousandths of a bit.
    entropy_milli: u64,
    place: RecordPlace,
}

/// The names of one pair in 24 hours.
#[derive(Clone, Default, Serialize, Deserialize)]
struct PairDay {
    /// By clock hour: distinct names that are new, and the bytes that they carry.
    hours: BTreeMap<i64, (u64, u64)>,
    /// Hashes of the names.
    seen: BTreeSet<u64>,
    reported: Option<i64>,
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
        self.idle.query(key, tally);
        if !self.since.contains_key(&key.place.account) {
            self.since.insert(key.place.account.clone(), key.hour.div_euclid(24));
        }
        let (client, is_another) = self.last_client.text(key, tallied_query::client);
        if is_another && self.clients.len() < ENTITIES_MAX && !self.clients.contains(client) {
            self.clients.insert(client.to_owned());
        }
        if !tallied_query::is_public(&key.domain) || tally.name_count() < NAMES_KEPT_MIN {
            return;
        }
        let pair_key = (client.to_owned(), key.domain.clone());
        let previous = self.previous.get(&pair_key);
        let mut pair = PairHour::of(key, tally);
        pair.leave_out(previous);
        let window = pair.busiest(previous, key.hour);
        self.note_domain(key);
        let uses_tunnels_types = uses_tunnels_types(tally);
        let factor = if window.are_mostly_uuids() { UUID_FACTOR } else { 1 };
        let is_enough = window.bytes >= scene.thresholds.count(&BYTES_PER_HOUR).saturating_mul(factor)
            && window.distinct >= scene.thresholds.count(&NAMES)
            && (uses_tunnels_types
                || window.mean_length_milli >= CARRIED_MIN_MILLI
                || self.are_many_short(&window, key, tally, scene));
        let are_long = window.mean_length_milli >= LONG_MIN_MILLI
            && window.mean_entropy_milli >= LONG_ENTROPY_MIN_MILLI
            && !window.are_mostly_uuids();
        let slowly = if uses_tunnels_types || are_long { self.day(&pair_key, &pair, key.hour) } else { None };
        let is_slow = |bytes: u64| uses_tunnels_types && bytes >= scene.thresholds.count(&BYTES_PER_DAY);
        let why = if is_enough {
            Some(Why::Names)
        } else if let Some(sums) = slowly.filter(|(_, bytes)| is_slow(*bytes)) {
            Some(Why::NamesOfADay(sums))
        } else if let Some(sums) =
            slowly.filter(|(_, bytes)| are_long && self.is_much_below_a_new_domain(key, *bytes, scene))
        {
            Some(Why::LongNamesOfADay(sums))
        } else {
            pair.answers(tally, scene).map(Why::Answers).or_else(|| pair.addresses_of_nobody(tally))
        };
        if let Some(why) = why
            && !self.is_common(&key.domain, key.hour / 24, scene)
            && !is_trusted(key, scene)
        {
            let verdict = verdict(key, tally, &window, &why, scene);
            scene.verdicts.push(verdict);
            pair.has_fired = is_enough;
            if let Some(day) = self.days.get_mut(&pair_key) {
                day.reported = Some(key.hour);
            }
        }
        if self.current.len() < ENTITIES_MAX {
            self.current.insert(pair_key, pair);
        } else {
            self.evicted += 1;
        }
    }

    fn close(&mut self, _end: Time, scene: &mut Scene<'_>) {
        self.idle.close(EXFILTRATION, scene);
    }

    fn expire(&mut self, now: Time) -> u64 {
        let idle_evicted = self.idle.expire(now);
        self.evicted += idle_evicted.saturating_sub(self.idle_evicted);
        self.idle_evicted = idle_evicted;
        self.domains.retain(|_, usage| now.day() - usage.last_day <= 60);
        self.days.retain(|_, day| day.hours.keys().next_back().is_some_and(|last| now.hour() - last <= DAY_HOURS));
        std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let names: usize = self.current.values().chain(self.previous.values()).map(|pair| pair.names.len()).sum();
        let pairs = self.current.len() + self.previous.len();
        let days: usize = self.days.values().map(|day| 200 + day.hours.len() * 40 + day.seen.len() * 16).sum();
        (
            pairs as u64,
            (days
                + names * 120
                + pairs * 120
                + self.domains.len() * 80
                + self.clients.len() * 60
                + self.idle.len() * 150) as u64,
        )
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": 1, "state": {
            "hour": self.hour, "current": pairs(&self.current), "previous": pairs(&self.previous),
            "clients": self.clients, "domains": self.domains, "days": self.days.iter().collect::<Vec<_>>(),
            "since": self.since, "idle": self.idle, "idle_evicted": self.idle_evicted, "evicted": self.evicted } })
    }

    fn load(&mut self, state: serde_json::Value) -> Result<(), String> {
        let read = |error: serde_json::Error| format!("the state of {EXFILTRATION} could not be read: {error}");
        let saved: Saved = serde_json::from_value(state["state"].clone()).map_err(read)?;
        *self = Self {
            hour: saved.hour,
            current: saved.current.into_iter().collect(),
            previous: saved.previous.into_iter().collect(),
            clients: saved.clients,
            last_client: tallied_query::LastClient::default(),
            domains: saved.domains,
            days: saved.days.into_iter().collect(),
            since: saved.since,
            idle: saved.idle,
            idle_evicted: saved.idle_evicted,
            evicted: saved.evicted,
        };
        self.idle.reindex();
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
    #[serde(default)]
    days: Vec<(PairKey, PairDay)>,
    #[serde(default)]
    since: BTreeMap<Box<str>, i64>,
    #[serde(default)]
    idle: IdleNames,
    #[serde(default)]
    idle_evicted: u64,
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
        self.last_client = tallied_query::LastClient::default();
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

    /// Adds what is new of an hour to the pair's day; distinct names and bytes of the last 24 hours, unless they were reported.
    fn day(&mut self, pair_key: &PairKey, pair: &PairHour, hour: i64) -> Option<(u64, u64)> {
        if self.days.len() >= ENTITIES_MAX && !self.days.contains_key(pair_key) {
            self.evicted += 1;
            return None;
        }
        let day = self.days.entry(pair_key.clone()).or_default();
        day.hours.retain(|&at, _| hour - at < DAY_HOURS);
        let is_new =
            |carried: &&Carried| carried.length > 0 && !day.seen.contains(&stable_hash(carried.name.as_bytes()));
        let new: Vec<&Carried> = pair.names.iter().filter(is_new).collect();
        let bits: u64 = new.iter().map(|carried| carried.bits_milli()).sum();
        let scale = |amount: u64| amount.saturating_mul(pair.distinct) / pair.names.len().max(1) as u64;
        day.hours.insert(hour, (scale(new.len() as u64), scale(bits) / 8_000));
        if day.seen.len() < DAY_NAMES_MAX {
            day.seen.extend(new.iter().map(|carried| stable_hash(carried.name.as_bytes())));
        }
        let sums = day.hours.values().fold((0, 0), |sum, hour| (sum.0 + hour.0, sum.1 + hour.1));
        day.reported.is_none_or(|at| hour - at >= DAY_HOURS).then_some(sums)
    }

    /// Whether so many bytes in long names of a day are too many for a domain that nobody asked for before.
    fn is_much_below_a_new_domain(&self, key: &QueryKey, bytes: u64, scene: &Scene<'_>) -> bool {
        let day = key.hour.div_euclid(24);
        let is_young = self.since.get(&key.place.account).is_none_or(|since| day - since < YOUNG_DAYS);
        let limit = scene.thresholds.count(&ADDRESS_BYTES_PER_DAY);
        let limit = if is_young { limit.saturating_mul(YOUNG_FACTOR) } else { limit };
        bytes >= limit && self.is_new_and_unknown(key, scene)
    }

    /// Whether so many short names are data, although names of customers and hosts are as short. They are not where most do not
    /// exist: tests of resolvers, floods and whoever guesses names ask for more of these than any thief.
    fn are_many_short(&self, window: &Window, key: &QueryKey, tally: &QueryTally, scene: &Scene<'_>) -> bool {
        window.distinct >= SHORT_NAMES_MIN
            && u64::from(tally.nx) * 2 <= u64::from(tally.queries)
            && window.are_even()
            && self.is_new_and_unknown(key, scene)
    }

    /// Whether nobody asked for the domain until two days ago, and it is none of the most visited sites.
    fn is_new_and_unknown(&self, key: &QueryKey, scene: &Scene<'_>) -> bool {
        let day = key.hour.div_euclid(24);
        let is_new = self.domains.get(&key.domain).is_none_or(|usage| day - usage.first_day <= NEW_DAYS);
        let now = Time::from_ms(key.hour.saturating_mul(Time::HOUR_MS));
        is_new && !is_well_known(key, now, &scene.context)
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
        let kept = tally.names.kept();
        let is_exempt = is_look_up_service(&key.domain);
        let carries = |name: &SubName| !is_exempt && name.queries < AGAIN_MIN;
        let labels: Vec<Vec<&str>> = kept
            .iter()
            .map(|name| if carries(name) { labels_of(name.below(&key.domain)) } else { Vec::new() })
            .collect();
        let shared = Shared::of(&labels);
        let carried = kept.iter().zip(&labels).map(|(name, labels)| {
            let rest: String = labels.iter().map(|label| shared.rest(label)).collect();
            let (length, entropy_milli) = content(&rest);
            let first = QueryTally::moment(key.hour, name.first);
            Carried { first, name: name.name.clone(), rest: rest.into(), length, entropy_milli, place: name.place }
        });
        let mut names: Vec<Carried> = carried.collect();
        names.sort_unstable();
        // An estimate may be more than there were queries.
        let distinct = tally.name_count().min(u64::from(tally.queries));
        Self { names, distinct, has_fired: false }
    }

    /// Names that the hour before had carry nothing now. Both hours keep the smallest hashes, so names that are asked for again
    /// and again are in both.
    fn leave_out(&mut self, previous: Option<&Self>) {
        let Some(previous) = previous else { return };
        let known: BTreeSet<&str> = previous.names.iter().map(|carried| &*carried.name).collect();
        self.names.iter_mut().filter(|carried| known.contains(&*carried.name)).for_each(|carried| carried.length = 0);
    }

    /// What the answers carry, if it is enough: names that carry something, and bytes.
    fn answers(&self, tally: &QueryTally, scene: &Scene<'_>) -> Option<(u64, u64)> {
        let asked = tally.of_type(QueryType::Txt) + tally.of_type(QueryType::Null);
        let carrying = self.names.iter().filter(|carried| carried.length > 0).count() as u64;
        let names = carrying * self.distinct / self.names.len().max(1) as u64;
        let bytes = tally.answer_bytes.saturating_sub(u64::from(tally.answered) * ANSWER_FRAME_BYTES);
        let is_enough = bytes >= scene.thresholds.count(&ANSWER_BYTES)
            && names >= ANSWERED_NAMES_MIN
            && u64::from(asked) * 2 >= u64::from(tally.queries);
        is_enough.then_some((names, bytes))
    }

    /// The names that were answered with addresses which no host can have, if they are enough, and the bytes of those.
    fn addresses_of_nobody(&self, tally: &QueryTally) -> Option<Why> {
        let kept = tally.names.kept();
        let answered: Vec<&SubName> = kept.iter().filter(|name| name.answers().any(|ip| ip.is_ipv6())).collect();
        let odd = answered.iter().filter(|name| name.answers().any(is_nobodys)).count() as u64;
        let all = kept.len().max(1) as u64;
        let names = answered.len() as u64 * self.distinct / all;
        let is_enough = names >= ANSWERED_NAMES_MIN && odd * 2 >= answered.len() as u64;
        is_enough.then_some(Why::Addresses { names, odd, of: answered.len() as u64 })
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
        let inside = |carried: &&Carried| {
            carried.length > 0 && (begin_ms..begin_ms + Time::HOUR_MS).contains(&carried.first.ms())
        };
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

/// Whether an IPv6 address lies where none are given out: neither global unicast (2000::/3), nor local, nor with an IPv4 address
/// inside, nor the one that means nowhere (100::/64). Source: IANA's registries of IPv6 address space and of special addresses.
fn is_nobodys(address: IpAddr) -> bool {
    let IpAddr::V6(v6) = address.to_canonical() else { return false };
    let first = v6.segments()[0];
    first >> 13 != 1 && !matches!(first, 0 | 0x64 | 0x100) && !matches!(first >> 8, 0xfc..=0xff)
}

impl Window {
    /// Whether the characters that only one name has occur about equally often, and are more than digits.
    fn are_even(&self) -> bool {
        let mut counts = [0u64; 256];
        self.kept
            .iter()
            .flat_map(|carried| carried.rest.bytes())
            .filter(|&byte| byte != b'.')
            .for_each(|byte| counts[usize::from(byte)] += 1);
        let length: u64 = counts.iter().sum();
        // Hyphens and what else is rare is left out: it would make many characters of few.
        let used = counts.iter().filter(|&&count| count * 200 > length).count() as u64;
        let pairs: u64 = counts.iter().map(|&count| count * count.saturating_sub(1)).sum();
        let all = length * length.saturating_sub(1);
        length >= EVEN_LENGTH_MIN && used >= EVEN_CHARACTERS_MIN as u64 && pairs * used * 1_000 <= all * EVEN_MAX_MILLI
    }

    /// Whether most names have a UUID for a label: probes and pages name what they measure so.
    fn are_mostly_uuids(&self) -> bool {
        let with_uuid = self.kept.iter().filter(|carried| carried.name.split('.').any(is_uuid)).count();
        with_uuid * 2 > self.kept.len()
    }
}

/// Whether a label is a UUID as text: hexadecimal digits in groups of 8, 4, 4, 4 and 12. Source: RFC 9562, section 4.
fn is_uuid(label: &str) -> bool {
    let is_hexadecimal = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = label.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && label.split('-').all(is_hexadecimal)
}

impl Carried {
    /// Length times entropy, in thousandths of a bit.
    fn bits_milli(&self) -> u64 {
        self.length * self.entropy_milli.min(BITS_PER_CHARACTER_MAX_MILLI)
    }
}

/// Why names are reported.
enum Why {
    Names,
    /// Distinct names and bytes of 24 hours.
    NamesOfADay((u64, u64)),
    /// The same of long names that are asked for as addresses.
    LongNamesOfADay((u64, u64)),
    /// Distinct names, and bytes of their answers.
    Answers((u64, u64)),
    /// Distinct names that were answered with IPv6 addresses; of those that were kept, how many of how many had one that no host
    /// can have.
    Addresses {
        names: u64,
        odd: u64,
        of: u64,
    },
}

/// Whether most queries were of the types that tunnels use, because their answers hold more than an address.
fn uses_tunnels_types(tally: &QueryTally) -> bool {
    use QueryType::{Cname, Mx, Null, Srv, Txt};
    let count: u32 = [Txt, Null, Cname, Mx, Srv].into_iter().map(|query_type| tally.of_type(query_type)).sum();
    u64::from(count) * 2 >= u64::from(tally.queries)
}

/// The labels of a name that may carry something: without labels of a known purpose, and without a reversed address before
/// them, which has four numbers, or 32 (by IPv6; 16 for a network). Source: RFC 5782, section 2.
fn labels_of(below: &str) -> Vec<&str> {
    let labels: Vec<&str> = below.split('.').filter(|label| !label.is_empty()).collect();
    let is_digit = |label: &&&str| label.len() == 1 && label.as_bytes()[0].is_ascii_hexdigit();
    let numbers = labels.iter().take_while(|label| label.parse::<u8>().is_ok()).count();
    let digits = labels.iter().take_while(is_digit).count();
    let address = if matches!(digits, 16 | 32) {
        digits
    } else if numbers == 4 {
        4
    } else {
        0
    };
    let has_purpose = |label: &str| label.starts_with('_') && label.len() <= PURPOSE_MAX;
    labels.into_iter().skip(address).filter(|label| !has_purpose(label)).collect()
}

/// The labels of an hour's names: how many names have each, in order.
struct Shared<'n>(BTreeMap<&'n str, u32>);

impl<'n> Shared<'n> {
    fn of(labels: &[Vec<&'n str>]) -> Self {
        let mut counts = BTreeMap::new();
        for name in labels {
            let distinct: BTreeSet<&str> = name.iter().copied().collect();
            distinct.into_iter().for_each(|label| *counts.entry(label).or_insert(0) += 1);
        }
        Self(counts)
    }

    /// What no other name has: nothing of a label that several have, else what is left behind the beginning that it has in
    /// common with a neighbour in the alphabet.
    fn rest(&self, label: &'n str) -> &'n str {
        if self.0.get(label).is_some_and(|&count| count > 1) {
            return "";
        }
        let before = self.0.range(..label).next_back();
        let after = self.0.range::<str, _>((std::ops::Bound::Excluded(label), std::ops::Bound::Unbounded)).next();
        let common = before.into_iter().chain(after).map(|(other, _)| common_beginning(label, other)).max();
        label.get(common.unwrap_or(0)..).unwrap_or(label)
    }
}

/// Bytes that two texts have in common at their beginning.
fn common_beginning(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(ours, theirs)| ours == theirs).count()
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

fn verdict(key: &QueryKey, tally: &QueryTally, window: &Window, why: &Why, scene: &Scene<'_>) -> Verdict {
    let example = window.kept.iter().max_by_key(|carried| (carried.length, &carried.name));
    let example = example.map_or(&*key.domain, |carried| &carried.name);
    let severity =
        if matches!(why, Why::NamesOfADay(_) | Why::LongNamesOfADay(_)) { Severity::MEDIUM } else { Severity::HIGH };
    let mut signal = tallied_query::signal(EXFILTRATION, severity, key, tally, example, &scene.context);
    let end = Time::from_ms(window.begin.ms() + Time::HOUR_MS);
    let (who, domain) = (subject::name(&signal), &key.domain);
    signal.title = match why {
        Why::Answers(_) | Why::Addresses { .. } => format!("{who} may be exchanging data in DNS queries."),
        _ => format!("{who} may be sending data out in DNS queries."),
    };
    signal.description = match why {
        Why::Names => format!(
            "{who} asked for about {} distinct names below {domain} between {} and {end}, which carry about {} bytes of \
             information. Ordinary names carry a hundredth of that.",
            window.distinct, window.begin, window.bytes
        ),
        Why::NamesOfADay((names, bytes)) => format!(
            "{who} asked for about {names} distinct names below {domain} within 24 hours, most of them for TXT, NULL, CNAME, MX \
             or SRV, which carry about {bytes} bytes of information."
        ),
        Why::LongNamesOfADay((names, bytes)) => format!(
            "{who} asked for about {names} distinct long names below {domain}, which is new, within 24 hours. They carry about \
             {bytes} bytes of information."
        ),
        Why::Answers((names, bytes)) => format!(
            "{who} asked for about {names} distinct names below {domain} within an hour, whose answers to TXT and NULL carry \
             about {bytes} bytes. Ordinary domains have a few such answers."
        ),
        Why::Addresses { names, .. } => format!(
            "{who} asked for about {names} distinct names below {domain} within an hour, which were answered with IPv6 addresses \
             that no host can have. Such answers carry data."
        ),
    };
    signal.reasons = reasons(tally, window, why, scene);
    let last = window.kept.iter().map(|carried| carried.first).max().unwrap_or(end);
    let records = window.kept.iter().map(|carried| (carried.first, carried.place)).take(RECORDS_MAX).collect();
    let begin = window.kept.first().map_or(window.begin, |carried| carried.first);
    Verdict { signal, begin, end: last, records, record_count: u64::from(tally.queries) }
}

fn reasons(tally: &QueryTally, window: &Window, why: &Why, scene: &Scene<'_>) -> Vec<String> {
    let kept = window.kept.len() as u64;
    let names = if window.distinct == kept {
        format!("{kept} distinct names")
    } else {
        format!("about {} distinct names (estimated from the {kept} with the smallest hashes)", window.distinct)
    };
    let sum: u64 = window.kept.iter().map(Carried::bits_milli).sum();
    let (length, entropy) = (thousandths(window.mean_length_milli), thousandths(window.mean_entropy_milli));
    let examples: Vec<String> = window.kept.iter().take(3).map(|carried| format!("`{}`", carried.name)).collect();
    let mut reasons = vec![
        format!(
            "From {}, in an hour: {names}; what no other name has is {length} characters and {entropy} bits of entropy a \
             character on average.",
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
    ];
    match why {
        Why::Names => {}
        Why::NamesOfADay((names, bytes)) => reasons.insert(
            2,
            format!(
                "With the 23 clock hours before, names that were asked for already left out: {names} distinct names and {bytes} \
                 bytes. The limit is {} bytes (`{}`) in 24 hours where most queries are for TXT, NULL, CNAME, MX or SRV.",
                scene.thresholds.get(&BYTES_PER_DAY),
                BYTES_PER_DAY.key
            ),
        ),
        Why::LongNamesOfADay((names, bytes)) => reasons.insert(
            2,
            format!(
                "With the 23 clock hours before, names that were asked for already left out: {names} distinct names and {bytes} \
                 bytes. The limit is {} bytes (`{}`) in 24 hours where names carry {} characters or more of at least {} bits \
                 each, below a domain that nobody asked for until {NEW_DAYS} days ago; {YOUNG_FACTOR} times that while the \
                 account's logs are younger than {YOUNG_DAYS} days.",
                scene.thresholds.get(&ADDRESS_BYTES_PER_DAY),
                ADDRESS_BYTES_PER_DAY.key,
                LONG_MIN_MILLI / 1_000,
                LONG_ENTROPY_MIN_MILLI / 1_000
            ),
        ),
        Why::Answers((names, bytes)) => reasons.insert(
            2,
            format!(
                "The answers of the clock hour have {} bytes as logged; less {ANSWER_FRAME_BYTES} for each of {} answered \
                 queries, {bytes} bytes, for about {names} distinct names. The limits are {} bytes (`{}`) and \
                 {ANSWERED_NAMES_MIN} names.",
                tally.answer_bytes,
                tally.answered,
                scene.thresholds.get(&ANSWER_BYTES),
                ANSWER_BYTES.key
            ),
        ),
        Why::Addresses { names, odd, of } => reasons.insert(
            2,
            format!(
                "About {names} names of the clock hour were answered with IPv6 addresses; the limit is {ANSWERED_NAMES_MIN}. Of {of} \
                 of them {odd} have an address that lies neither in 2000::/3, where all that are given out lie, nor in a local \
                 range: half of them are asked for. An address holds 16 bytes."
            ),
        ),
    }
    reasons
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

    /// The same lines as queries of another type, each with an answer.
    fn as_type(lines: &[String], kind: &str, answer: &str) -> Vec<String> {
        let answers = format!(r#""answers":[{{"Rdata":"{answer}","Type":"{kind}","Class":"IN"}}]"#);
        let turn = |line: &String| {
            let line = line.replace(r#""query_type":"A""#, &format!(r#""query_type":"{kind}""#));
            line.replace(r#""answers":[]"#, &answers).replace("NXDOMAIN", "NOERROR")
        };
        lines.iter().map(turn).collect()
    }

    #[test]
    fn a_slow_tunnel_is_found_within_the_day_by_the_types_it_asks_for() {
        // A name of 50 characters in four minutes: half a kilobyte an hour.
        let slow = tunnel(600, 280, 240, "evil.example");
        let verdicts = found(&as_type(&slow, "TXT", "ok"));
        assert_eq!((verdicts.len(), verdicts[0].signal.severity), (1, Severity::MEDIUM));
        assert!(verdicts[0].signal.reasons[2].contains("ec2.dns_exfiltration.bytes_per_day"));
        assert!(found(&slow).is_empty(), "asked for addresses, it looks like any probe");
        let few = tunnel(600, 90, 700, "evil.example");
        assert!(found(&as_type(&few, "TXT", "ok")).is_empty());
    }

    /// An ordinary query an hour on so many days before the day of the others.
    fn history(days: u32, domain: &str) -> Vec<String> {
        let at = |hour: u32| {
            let date = format!("2026-01-{:02}T{:02}:00:00Z", 31 - days + hour / 24, hour % 24);
            query_line(&format!("www.{domain}."), &[]).replace("2024-04-19T12:00:00Z", &date)
        };
        (0..days * 24).map(at).collect()
    }

    #[test]
    fn a_slow_tunnel_that_asks_for_addresses_is_found_below_a_new_domain() {
        let slow = || tunnel(600, 320, 240, "evil.example");
        let verdicts = found(&[history(10, "company.example"), slow()].concat());
        assert_eq!((verdicts.len(), verdicts[0].signal.severity), (1, Severity::MEDIUM));
        assert!(verdicts[0].signal.reasons[2].contains("ec2.dns_exfiltration.address_bytes_per_day"));
        assert!(found(&slow()).is_empty(), "logs that are young ask for four times as much");
        assert!(found(&[history(10, "company.example"), tunnel(600, 120, 240, "evil.example")].concat()).is_empty());
    }

    #[test]
    fn a_new_probe_that_names_its_measurements_by_uuid_stays_quiet() {
        let uuid =
            |at: u32| format!("{:08x}-7f3a-4c1e-9b2d-{:012x}", at.wrapping_mul(2_654_435_761), u64::from(at) << 19);
        let probe = |at: u32| line(600 + at * 60, &format!("{}.probe.example.", uuid(at)));
        let queries: Vec<String> = (0..1_300).map(probe).collect();
        assert!(found(&[history(10, "company.example"), queries].concat()).is_empty());
        assert!(is_uuid("0e37df36-f698-11e6-8dd4-cb9ced3df976") && !is_uuid("0e37df36-f698-11e6-8dd4-cb9ced3df97"));
    }

    #[test]
    fn a_scanner_whose_long_names_are_nothing_new_stays_quiet() {
        // Since ten days some names each hour, and many more on the last day.
        let before = (0..240u32).flat_map(|hour| {
            let date = format!("2026-01-{:02}T{:02}:", 21 + hour / 24, hour % 24);
            let long = tunnel(3_600, 6, 9, &format!("h{hour}.probe.example"));
            long.into_iter().map(move |line| line.replace("2026-01-31T01:", &date)).collect::<Vec<_>>()
        });
        let queries: Vec<String> = before.chain(tunnel(600, 320, 240, "probe.example")).collect();
        assert!(found(&queries).is_empty());
    }

    #[test]
    fn data_that_come_in_answers_are_found() {
        let lines = |count: u32| -> Vec<String> {
            (0..count).map(|at| line(3_600 + at * 5, &format!("{at}.evil.example."))).collect()
        };
        let long = "x".repeat(240);
        let verdicts = found(&as_type(&lines(300), "TXT", &long));
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.title.contains("exchanging"), "{}", verdicts[0].signal.title);
        assert!(found(&as_type(&lines(300), "TXT", "v=spf1 -all")).is_empty());
        assert!(found(&as_type(&lines(60), "TXT", &long)).is_empty(), "too few names");
    }

    /// So many distinct short names in an hour, each of eight digits or letters.
    fn short(count: u32, alphabet: &[u8], domain: &str) -> Vec<String> {
        let mut state = 5u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        };
        let names: Vec<String> = (0..count).map(|_| (0..8).map(|_| letter()).collect()).collect();
        let lines: Vec<String> =
            names.iter().zip(0..).map(|(name, at)| line(3_600 + at, &format!("{name}.{domain}."))).collect();
        as_type(&lines, "A", "203.0.113.80")
    }

    #[test]
    fn thousands_of_short_names_in_an_encoding_are_found_below_a_new_domain() {
        let hex = b"0123456789abcdef";
        let verdicts = found(&short(2_400, hex, "evil.example"));
        assert_eq!(verdicts.len(), 1);
        assert!(found(&short(700, hex, "evil.example")).is_empty(), "too few");
        assert!(found(&short(2_400, b"0123456789", "evil.example")).is_empty(), "numbers");
        let fails = |line: &String| line.replace("NOERROR", "NXDOMAIN");
        let guessed: Vec<String> = short(2_400, hex, "evil.example").iter().map(fails).collect();
        assert!(found(&guessed).is_empty(), "none of them exists");
        let english =
            b"eeeeeeeeeeeetttttttttaaaaaaaaoooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucccmmwwffggyyppbbvk";
        assert!(found(&short(2_400, english, "evil.example")).is_empty(), "letters as in words");
        let before: Vec<String> =
            short(40, hex, "evil.example").iter().map(|line| line.replace("-31T", "-21T")).collect();
        assert!(found(&[before, short(2_400, hex, "evil.example")].concat()).is_empty(), "known for ten days");
    }

    #[test]
    fn a_stage_that_comes_in_addresses_is_found() {
        let lines = |count: u32, address: &dyn Fn(u32) -> String| -> Vec<String> {
            let one = |at| as_type(&[line(3_600 + at * 5, &format!("node-{at}.evil.example."))], "AAAA", &address(at));
            (0..count).flat_map(one).collect()
        };
        // Machine code in steps of 16 bytes: where it begins is any of 65,536 numbers.
        let code = |at: u32| format!("{:x}:48ff:c0{:02x}::{at:x}", at.wrapping_mul(40_503) % 65_536, at % 256);
        let verdicts = found(&lines(300, &code));
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].signal.reasons[2].contains("neither in 2000::/3"), "{:#?}", verdicts[0].signal.reasons);
        assert!(found(&lines(60, &code)).is_empty(), "too few");
        assert!(found(&lines(300, &|at| format!("2001:db8:{at:x}::1"))).is_empty(), "a content network");
        assert!(found(&lines(300, &|at| format!("64:ff9b::c000:{at:x}"))).is_empty(), "translated from IPv4");
        assert!(found(&lines(300, &|at| format!("fd00:ec2::{at:x}"))).is_empty(), "local");
    }

    #[test]
    fn names_with_a_uuid_below_an_application_are_identifiers() {
        let uuid = |at: u32| {
            format!("{:08x}-7f3a-4c1e-9b2d-{:012x}", at.wrapping_mul(2_654_435_761), u64::from(at) * 977_777_771)
        };
        let queries = |count: u32| -> Vec<String> {
            (0..count).map(|at| line(3_600 + at, &format!("{}.app.firm.example.", uuid(at)))).collect()
        };
        assert!(found(&queries(300)).is_empty());
        assert_eq!(found(&queries(3_400)).len(), 1, "ten times as much");
    }

    #[test]
    fn data_before_a_key_or_an_address_count_and_the_key_and_the_address_do_not() {
        for domain in ["_domainkey.evil.example", "9.113.0.203.evil.example"] {
            assert_eq!(found(&tunnel(3_600, 120, 20, domain)).len(), 1, "{domain}");
        }
        assert_eq!(labels_of("4.3.2.1"), Vec::<&str>::new());
        assert_eq!(labels_of("4.3.2.1.key"), ["key"]);
        assert_eq!(labels_of("s1._domainkey"), ["s1"]);
        assert_eq!(labels_of("4.3.2.1.77"), ["4", "3", "2", "1", "77"]);
        assert_eq!(labels_of(&format!("{}v6", "a.".repeat(32))), ["v6"]);
    }

    #[test]
    fn hosts_that_are_numbered_carry_their_numbers_only() {
        let name =
            |at: u32| format!("{}-{at:04}.eu-west-1.nodes.prod.company.example.", ["web", "cache"][at as usize % 2]);
        let lines: Vec<String> = (0..1_500).map(|at| line(3_600 + at * 2, &name(at))).collect();
        assert!(found(&lines).is_empty());
        let names = ["web-0001", "web-0002", "api"];
        let labels: Vec<Vec<&str>> = names.iter().map(|name| vec![*name, "prod"]).collect();
        let shared = Shared::of(&labels);
        assert_eq!(names.map(|name| shared.rest(name)), ["1", "2", "api"]);
        assert_eq!(shared.rest("prod"), "");
    }

    #[test]
    fn names_that_are_asked_for_again_and_again_stay_quiet() {
        let once = tunnel(3_600, 60, 20, "warehouse.example");
        let again = |times: u32, gap: u32| -> Vec<String> {
            let at = |round: u32| tunnel(3_600 + round * gap, 110, 5, "warehouse.example");
            (0..times).flat_map(at).collect()
        };
        assert!(found(&once).is_empty());
        assert!(found(&again(6, 580)).is_empty(), "six times an hour");
        assert_eq!(found(&again(1, 0)).len(), 1, "once");
        assert_eq!(found(&again(3, 3_600)).len(), 1, "each hour: only the first was news");
    }

    #[test]
    fn customers_of_a_service_and_services_that_are_asked_about_others_stay_quiet() {
        let customer = |at: u32| format!("{}-{}.desk.example.", word(at), word(at / 26 + 7 * at));
        let lines: Vec<String> = (0..900).map(|at| line(3_600 + at * 3, &customer(at))).collect();
        assert!(found(&lines).is_empty());
        assert!(found(&tunnel(3_600, 200, 10, "avqs.mcafee.com")).is_empty());
        assert!(found(&tunnel(3_600, 200, 10, "multi.surbl.org")).is_empty());
    }

    fn word(at: u32) -> String {
        let letters = |at: u32| char::from(b'a' + (at % 26) as u8);
        [at, at + 4, at * 3 + 1, at + 9, at * 7].into_iter().map(letters).collect()
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
            rest: "a".into(),
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
