//! An instance contacts an address outside in a rhythm.

use crate::behaviour::{Behaviour, FlowView, Scene, Verdict};
use crate::shared::contact::{TCP, UDP};
use crate::shared::host::Host;
use crate::shared::rhythm::{Gaps, Rhythm, Sizes};
use crate::shared::state::{self, pairs};
use crate::shared::tallied_flow::{self, minute, quoted};
use crate::shared::{connection, subject};
use crate::tally::{QueryKey, QueryTally, RecordPlace};
use crate::thresholds::Threshold;
use crate::{Detection, Interest, Need, Rule};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_model::{FindingType, Severity, Signal, Time};

const BEACON: FindingType = FindingType::new("Behavior:EC2/Beacon.Watchfire");

/// What the score must reach.
pub(crate) static SCORE: Threshold = Threshold {
    key: "ec2.beacon.score",
    default: 0.75,
    min: 0.3,
    max: 1.3,
    unit: "points, of about 1",
    source: "detection-methods, section 4: of 4,486 series without rhythm 0.1 percent score 0.50 or more; the rest is for \
             what is regular and harmless",
    summary: "how regular the contacts must be, more or less by what else is known",
};

/// Contacts.
pub(crate) static CONTACTS: Threshold = Threshold {
    key: "ec2.beacon.contacts",
    default: 12.0,
    min: 6.0,
    max: 10_000.0,
    unit: "connections begun",
    source: "detection-methods, section 4",
    summary: "how many contacts make a series",
};

/// Hours with contacts.
pub(crate) static HOURS: Threshold = Threshold {
    key: "ec2.beacon.hours",
    default: 3.0,
    min: 1.0,
    max: 168.0,
    unit: "distinct clock hours",
    source: "detection-methods, section 4",
    summary: "over how many hours the contacts must spread",
};

/// Connections begun in ten minutes that are reconnecting.
pub(crate) static RECONNECTS: Threshold = Threshold {
    key: "ec2.beacon.reconnects",
    default: 120.0,
    min: 20.0,
    max: 1e6,
    unit: "connections begun to one service in ten minutes",
    source: "detection-methods, section 4 (strobe): one in five seconds",
    summary: "how many connections to a new service, of one small size, are reconnecting without success",
};

/// Who reconnects and gets nowhere sends less than this each time, in bytes: a TLS handshake and a request take more. Source:
/// RFC 8446 (a ClientHello of today has about 500 bytes, each packet 40 to 60 of headers, about ten are sent).
const RECONNECT_BYTES_MAX: u64 = 1_000;
/// The share of reconnects of one size, lower bound, in 1/10000. Source: detection-methods, section 4 (strobe).
const RECONNECT_SIZE_MIN: u32 = 8_000;
/// What each modifier adds or takes away, in 1/10000. Source: RITA's modifiers, as detection-methods, section 4, quotes them.
const MODIFIER: i64 = 1_500;
/// A contact first seen within so many days is new; known for so many it is old.
const NEW_DAYS: i64 = 7;
const OLD_DAYS: i64 = 30;
/// Fewer hosts make no share for the account's habits.
const HOSTS_MIN: usize = 3;
/// Percent of the hosts that make a contact common; and rare, with enough hosts to tell.
const COMMON_PERCENT: usize = 50;
const RARE_PERCENT: usize = 2;
const RARE_HOSTS_MIN: usize = 50;

/// Series remembered. About 300 bytes each, those with a history 1,000.
const SERIES_MAX: usize = 100_000;
/// Hosts whose first day is remembered.
const HOSTS_MAX: usize = 100_000;
/// Addresses whose names are remembered.
const NAMES_MAX: usize = 100_000;
/// A series of less than three contacts is forgotten after so long, any other after the second.
const SHORT_MEMORY_MS: i64 = 6 * Time::HOUR_MS;
/// While there is room, a series of less than three contacts is kept so long: twice a day is a rhythm, too.
const ROOMY_MEMORY_MS: i64 = 25 * Time::HOUR_MS;
/// There is room up to so many series.
const ROOMY_SERIES_MAX: usize = SERIES_MAX / 4;
const MEMORY_MS: i64 = 2 * Time::DAY_MS;
/// A series is judged on the contacts of so long, then it begins anew: a changed rhythm must not hide behind the old one.
const SPAN_MS: i64 = 7 * Time::DAY_MS;
/// A series is reported once in so long.
const REPORT_MS: i64 = Time::DAY_MS;
/// Our ports remembered of each series.
const PORTS_MAX: usize = 64;
/// Records shown.
const RECORDS_MAX: usize = 10;
/// Addresses remembered of each name.
const ADDRESSES_MAX: usize = 8;
const STATE_VERSION: u32 = 2;

/// DNS and NTP: their servers are asked in a rhythm, and have checks of their own.
const EXEMPT_UDP_PORTS: [u16; 2] = [53, 123];
/// Domains that systems ask in a rhythm: updates of operating systems, certificate status (OCSP), time. Source: the
/// documentation of their operators.
const EXEMPT_DOMAINS: [&str; 33] = [
    "almalinux.org",
    "alpinelinux.org",
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazontrust.com",
    "apple.com",
    "aws",
    "centos.org",
    "debian.org",
    "digicert.com",
    "entrust.net",
    "fedoraproject.org",
    "globalsign.com",
    "identrust.com",
    "lencr.org",
    "microsoft.com",
    "msftconnecttest.com",
    "ntp.org",
    "opensuse.org",
    "pki.goog",
    "redhat.com",
    "rockylinux.org",
    "sectigo.com",
    "snapcraft.io",
    "suse.com",
    "symcb.com",
    "ubuntu.com",
    "usertrust.com",
    "windows.com",
    "windows.net",
    "windowsupdate.com",
    "gstatic.com",
    "googleapis.com",
];

pub(crate) const DETECTION: Detection = Detection {
    reports: &[BEACON],
    summary: "An instance contacted an address outside at even distances and sent about the same each time.",
    listens: &[Interest::FlowTallies, Interest::QueryTallies],
    needs: &[Need::Flows],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(Beacons::default())),
};

/// Evidence: the connections that the instance opened to one public address, port and protocol, at least twelve of them in at
/// least three clock hours, score 0.75 or more. The score is `0.4 · band + 0.3 · size + 0.3 · regularity`. Band: the share of
/// the gaps between connections that lie in the best eight neighbouring steps of 5 percent (±20 percent), and 0.7 times those
/// an octave above, where one beat is missing. Size: the share of connections whose sent bytes lie in the best two
/// neighbouring steps of 10 percent. Both shares are lower bounds (Wilson, z = 2), so that few never look certain. Regularity:
/// the mean of one minus the Bowley skewness of the gaps and of (median − median absolute deviation) / median.
///
/// Then what else is known counts 0.15 each: for it, that a threat list names the address, that the contact is new (within 7
/// days) to a host that was known for a week before, and that at most 2 percent of 50 hosts or more share it; against it, that
/// half of the account's hosts share it, once more that all of them do (at least three), and that it is 30 days old. Of long connections only the beginning counts: their
/// later records are joined by the client's port.
///
/// Where the queries show that a name leads to several addresses, the connections to all of them are judged together as well,
/// from the hour after on: an implant behind a content network shows no rhythm at any one address.
///
/// Gaps under 5 seconds are reconnecting, not rhythm. They are told by themselves: at least 120 connections within a slice of
/// ten minutes, at most 1,000 bytes sent in each, four of five of one size (lower bound), to a service that is new (within 7
/// days) to a host that was known for a week before, or that a threat list names.
///
/// A series needs a second contact within 25 hours, or six where very many are remembered, and a third within two days.
///
/// No evidence: time servers and DNS; services that AWS runs itself; names of operating systems' updates and of certificate
/// status, where the queries are logged.
///
/// False positives: agents that report to their vendor, monitoring, polling clients. Rhythm is not guilt: the finding is Low
/// unless a list or the novelty of the contact speaks for it. Trust the address (`--trusted`).
#[derive(Serialize, Deserialize)]
struct Beacons {
    #[serde(with = "pairs")]
    series: BTreeMap<Key, Series>,
    /// When each host was first seen.
    hosts: Bounded<Host, Time>,
    /// Names that led to an address, by account.
    names: Bounded<(Box<str>, IpAddr), Box<str>>,
    /// The addresses that a name led to, by account.
    addresses: Bounded<(Box<str>, Box<str>), Vec<IpAddr>>,
    /// The contacts with all addresses of a name that has several.
    #[serde(with = "pairs")]
    named: BTreeMap<NamedKey, Series>,
    /// What began in the slice that is being shown: its addresses come in their own order, not in that of time.
    #[serde(skip)]
    begun: Vec<(NamedKey, Start)>,
    evicted: u64,
    reported: u64,
}

/// Remote address, port, protocol, host: who shares a contact stands together.
type Key = (IpAddr, u16, u8, Host);

/// When a connection began, what was sent, and where its first record stands.
type Start = (Time, u64, RecordPlace);

/// Name, port, protocol, host.
type NamedKey = (Box<str>, u16, u8, Host);

/// The contacts of one host with one service.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Series {
    /// The first contact ever, and the first since it began anew.
    known_since: Time,
    first: Time,
    /// When the last connection began.
    last: Time,
    starts: u64,
    gaps: Gaps,
    sizes: Sizes,
    hours: BTreeSet<i64>,
    /// When the connection from each of our ports had its last packet.
    open: OpenPorts,
    reported_at: Option<Time>,
    /// The latest connections.
    records: Vec<(Time, RecordPlace)>,
}

/// The last packet of the connection from each of our ports, the latest [`PORTS_MAX`] of them.
///
/// Two lists in order of the ports, saved as a map: to look through a tree for the oldest, with each connection of a busy
/// service, took most of the time.
#[derive(Clone, Debug, Default)]
struct OpenPorts {
    ports: Vec<u16>,
    /// In milliseconds.
    lasts: Vec<i64>,
}

impl OpenPorts {
    fn last_of(&self, port: u16) -> Option<Time> {
        let place = self.ports.binary_search(&port).ok()?;
        self.lasts.get(place).map(|last| Time::from_ms(*last))
    }

    /// Notes a last packet; where there is no room, the port whose last packet is the oldest is forgotten, of several the
    /// lowest.
    fn note(&mut self, port: u16, last: Time) {
        let mut found = self.ports.binary_search(&port);
        if found.is_err() && self.ports.len() >= PORTS_MAX {
            let oldest = self.lasts.iter().copied().min();
            if let Some(place) = self.lasts.iter().position(|last| Some(*last) == oldest) {
                self.ports.remove(place);
                self.lasts.remove(place);
            }
            found = self.ports.binary_search(&port);
        }
        match found {
            Ok(place) => self.lasts[place] = self.lasts[place].max(last.ms()),
            Err(place) => {
                self.ports.insert(place, port);
                self.lasts.insert(place, last.ms());
            }
        }
    }

    fn retain(&mut self, is_kept: impl Fn(Time) -> bool) {
        if self.lasts.iter().all(|last| is_kept(Time::from_ms(*last))) {
            return;
        }
        let mut lasts = self.lasts.iter();
        self.ports.retain(|_| lasts.next().is_some_and(|last| is_kept(Time::from_ms(*last))));
        self.lasts.retain(|last| is_kept(Time::from_ms(*last)));
    }
}

impl Serialize for OpenPorts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.ports.iter().zip(self.lasts.iter().map(|last| Time::from_ms(*last))))
    }
}

impl<'de> Deserialize<'de> for OpenPorts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = BTreeMap::<u16, Time>::deserialize(deserializer)?;
        Ok(Self { ports: known.keys().copied().collect(), lasts: known.values().map(|last| last.ms()).collect() })
    }
}

/// Whom a series contacts.
struct Contacted<'c> {
    remote: IpAddr,
    host: &'c Host,
    /// The name that led there.
    name: Option<&'c str>,
    /// How many addresses it has, where they are judged together.
    addresses: Option<usize>,
    /// Hosts that contact it too, this one among them.
    sharing: usize,
}

impl Contacted<'_> {
    /// As findings call it.
    fn shown(&self) -> String {
        match (self.name, self.addresses) {
            (Some(name), Some(_)) => format!("{name} ({} and other addresses)", self.remote),
            _ => self.remote.to_string(),
        }
    }
}

/// A modifier of the score, and why.
struct Modifier {
    points: i64,
    because: String,
}

impl Default for Beacons {
    fn default() -> Self {
        Self {
            series: BTreeMap::new(),
            hosts: Bounded::new(HOSTS_MAX),
            names: Bounded::new(NAMES_MAX),
            addresses: Bounded::new(NAMES_MAX),
            named: BTreeMap::new(),
            begun: Vec::new(),
            evicted: 0,
            reported: 0,
        }
    }
}

impl Behaviour for Beacons {
    fn flow(&mut self, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let is_judged = tallied_flow::is_request_outside(view)
            && match view.key.protocol {
                TCP => true,
                UDP => !EXEMPT_UDP_PORTS.contains(&view.key.port),
                _ => false,
            };
        if !is_judged {
            return;
        }
        let Some(host) = Host::of(view, &scene.context) else { return };
        self.hosts.touch(host.clone(), view.first(), || view.first());
        if connection::is_to_aws_service(view, &scene.context) {
            return;
        }
        let key = (view.remote(), view.key.port, view.key.protocol, host);
        if self.series.len() >= SERIES_MAX && !self.series.contains_key(&key) {
            self.evicted += 1;
            return;
        }
        let series = self.series.entry(key.clone()).or_insert_with(|| Series::new(view.first()));
        if series.take_in(view) && series.is_due(scene) {
            self.judge(&key, view, scene);
        }
        if view.tally.conversation_count() >= scene.thresholds.count(&RECONNECTS) {
            self.judge_reconnects(&key, view, scene);
        }
        self.follow_name(&key, view, scene);
    }

    fn query(&mut self, key: &QueryKey, tally: &QueryTally, _: &mut Scene<'_>) {
        let at = Time::from_ms(key.hour * Time::HOUR_MS);
        let account = &key.place.account;
        for name in tally.names.kept() {
            if name.answers().next().is_none() {
                continue;
            }
            let is_known = |(of, other): &(Box<str>, Box<str>)| *other == name.name && of == account;
            let addresses = match self.addresses.touch_known(&(account, &name.name), is_known, at) {
                Some(addresses) => addresses,
                None => self.addresses.touch((account.clone(), name.name.clone()), at, Vec::new),
            };
            for answer in name.answers() {
                if addresses.len() < ADDRESSES_MAX && !addresses.contains(&answer) {
                    addresses.push(answer);
                }
            }
            for answer in name.answers() {
                let is_known = |(of, other): &(Box<str>, IpAddr)| *other == answer && of == account;
                match self.names.touch_known(&(account, answer), is_known, at) {
                    Some(last) if *last == name.name => {}
                    Some(last) => *last = name.name.clone(),
                    None => *self.names.touch((account.clone(), answer), at, Box::default) = name.name.clone(),
                }
            }
        }
    }

    fn close(&mut self, _end: Time, _: &mut Scene<'_>) {
        self.begun.sort_unstable();
        for (key, (at, sent, place)) in std::mem::take(&mut self.begun) {
            if let Some(series) = self.named.get_mut(&key) {
                series.start(at, sent, place);
            }
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        let silent = |series: &Series| now.ms() - series.last.ms();
        let is_roomy = self.series.len() + self.named.len() <= ROOMY_SERIES_MAX;
        let short_ms = if is_roomy { ROOMY_MEMORY_MS } else { SHORT_MEMORY_MS };
        let is_kept = |series: &Series| silent(series) < if series.starts < 3 { short_ms } else { MEMORY_MS };
        self.series.retain(|_, series| is_kept(series));
        self.named.retain(|_, series| is_kept(series));
        for series in self.series.values_mut().chain(self.named.values_mut()) {
            series.open.retain(|last| now.ms() - last.ms() <= connection::IDLE_MS);
        }
        self.names.forget_before(now.plus_ms(-MEMORY_MS));
        self.addresses.forget_before(now.plus_ms(-MEMORY_MS));
        self.hosts.forget_before(now.plus_ms(-OLD_DAYS * Time::DAY_MS));
        let evicted = self.evicted + self.hosts.evicted() + self.names.evicted() + self.addresses.evicted();
        let dropped = evicted.saturating_sub(self.reported);
        self.reported = evicted;
        dropped
    }

    fn size(&self) -> (u64, u64) {
        let all = || self.series.values().chain(self.named.values());
        let buckets: usize = all().map(|series| series.gaps.len() + series.sizes.len()).sum();
        let rest = self.hosts.len() * 200 + self.names.len() * 150 + self.addresses.len() * 200;
        let series = self.series.len() + self.named.len();
        (series as u64, (series * 400 + buckets * 16 + rest) as u64)
    }

    fn save(&self) -> serde_json::Value {
        state::save(STATE_VERSION, self)
    }

    fn load(&mut self, saved: serde_json::Value) -> Result<(), String> {
        *self = state::load(BEACON, STATE_VERSION, saved)?;
        self.hosts.reindex();
        self.names.reindex();
        self.addresses.reindex();
        Ok(())
    }
}

impl Beacons {
    fn judge(&mut self, key: &Key, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let (remote, port, protocol, host) = key;
        let Some(series) = self.series.get(key) else { return };
        let from = (*remote, *port, *protocol, Host::new(&host.account, "", ""));
        let sharing = self.series.range(from..).take_while(|((ip, at, by, one), _)| {
            (ip, at, by) == (remote, port, protocol) && one.account == host.account
        });
        let contacted =
            Contacted { remote: *remote, host, name: self.name_of(key), addresses: None, sharing: sharing.count() };
        let Some(verdict) = self.verdict(series, &contacted, view, scene) else { return };
        let reported_at = Some(verdict.end);
        scene.verdicts.push(verdict);
        if let Some(series) = self.series.get_mut(key) {
            series.reported_at = reported_at;
        }
    }

    fn judge_reconnects(&mut self, key: &Key, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        let Some(series) = self.series.get(key) else { return };
        let count = view.tally.conversation_count();
        let bytes_each = view.bytes_out_in().0 / count.max(1);
        let is_reported = series.reported_at.is_some_and(|at| series.last.ms() - at.ms() < REPORT_MS);
        let kept = view.tally.conversations.kept();
        let mut sizes = Sizes::default();
        let begun = kept.iter().filter(|one| connection::begins(view, one));
        begun.for_each(|one| sizes.add(u64::from(view.exchanged(one).0.bytes)));
        let rhythm = Rhythm::of(&Gaps::default(), &sizes);
        let name = self.name_of(key);
        let contacted = Contacted { remote: key.0, host: &key.3, name, addresses: None, sharing: 0 };
        let new: Vec<Modifier> = self.modifiers(series, &contacted, scene);
        let new: Vec<&Modifier> = new.iter().filter(|modifier| modifier.points > 0).collect();
        let is_trusted = view.lists(&scene.context).trusted_ip(key.0).is_some();
        if is_reported
            || bytes_each > RECONNECT_BYTES_MAX
            || rhythm.size < RECONNECT_SIZE_MIN
            || new.is_empty()
            || name.is_some_and(is_exempt)
            || is_trusted
        {
            return;
        }
        let Some(mut signal) = tallied_flow::signal(BEACON, Severity::LOW, view, &scene.context) else { return };
        let port = tallied_flow::port_name(view, view.key.port);
        let (first, last) = (view.first(), view.last());
        signal.reasons.push(format!(
            "About {count} connections to {} on {port} between {} and {}; at least {} in ten minutes are asked for. On average \
             {bytes_each} bytes were sent in each, at most {RECONNECT_BYTES_MAX} count.",
            key.0,
            minute(first),
            minute(last),
            quoted(&RECONNECTS, scene.thresholds)
        ));
        signal.reasons.push(rhythm.size_text());
        let because: Vec<&str> = new.iter().map(|modifier| modifier.because.as_str()).collect();
        signal.reasons.push(format!("What speaks for it: {}.", because.join("; ")));
        match name {
            Some(name) => signal.reasons.push(format!("The last name that led to {} was {name}.", key.0)),
            None => signal.missing.push(format!("The name that led to {}: no query for it was seen.", key.0)),
        }
        let who = subject::name(&signal);
        signal.title = format!("{who} reconnects to {} again and again.", key.0);
        signal.description = format!(
            "{who} opened about {count} connections to {} on {port} within ten minutes and sent next to nothing in each. Implants \
             try their server like this when it does not answer; so do programs whose service is down.",
            key.0
        );
        let records = kept.iter().map(|one| (view.moment(one.first), one.place)).take(RECORDS_MAX).collect();
        scene.verdicts.push(Verdict { signal, begin: first, end: last, records, record_count: count });
        if let Some(series) = self.series.get_mut(key) {
            series.reported_at = Some(last);
        }
    }

    /// Takes the flows in for all addresses of the name that led to this one.
    fn follow_name(&mut self, key: &Key, view: &FlowView<'_>, scene: &mut Scene<'_>) {
        if self.addresses.is_empty() {
            return; // Without queries no name is known.
        }
        let (remote, port, protocol, host) = key;
        let Some(name) = self.names.get(&(host.account.clone(), *remote)).cloned() else { return };
        let addresses = self.addresses.get(&(host.account.clone(), name.clone())).map_or(0, Vec::len);
        if addresses < 2 {
            return;
        }
        let named = (name, *port, *protocol, host.clone());
        if self.series.len() + self.named.len() >= SERIES_MAX && !self.named.contains_key(&named) {
            self.evicted += 1;
            return;
        }
        let series = self.named.entry(named.clone()).or_insert_with(|| Series::new(view.first()));
        let is_due = series.is_due(scene); // By the slices before; this one is told when it has been shown whole.
        let begun = series.begun_in(view);
        self.begun.extend(begun.into_iter().map(|start| (named.clone(), start)));
        if !is_due {
            return;
        }
        let Some(series) = self.named.get(&named) else { return };
        let at_address = self.series.get(key).and_then(|series| series.reported_at);
        if at_address.is_some_and(|at| series.last.ms() - at.ms() < REPORT_MS) {
            return; // The rhythm shows at this address already.
        }
        let from = (named.0.clone(), *port, *protocol, Host::new(&host.account, "", ""));
        let sharing = self.named.range(from..).take_while(|((name, at, by, one), _)| {
            (name, at, by) == (&named.0, port, protocol) && one.account == host.account
        });
        let contacted = Contacted {
            remote: *remote,
            host,
            name: Some(&named.0),
            addresses: Some(addresses),
            sharing: sharing.count(),
        };
        let Some(verdict) = self.verdict(series, &contacted, view, scene) else { return };
        let reported_at = Some(verdict.end);
        scene.verdicts.push(verdict);
        if let Some(series) = self.named.get_mut(&named) {
            series.reported_at = reported_at;
        }
    }

    fn verdict(
        &self,
        series: &Series,
        contacted: &Contacted<'_>,
        view: &FlowView<'_>,
        scene: &Scene<'_>,
    ) -> Option<Verdict> {
        let rhythm = Rhythm::of(&series.gaps, &series.sizes);
        let limit = (scene.thresholds.get(&SCORE) * 10_000.0) as i64;
        if i64::from(rhythm.score) + 3 * MODIFIER < limit {
            return None; // Whatever speaks for it: there are three modifiers.
        }
        let modifiers = self.modifiers(series, contacted, scene);
        let total = i64::from(rhythm.score) + modifiers.iter().map(|modifier| modifier.points).sum::<i64>();
        let indicators = view.lists(&scene.context);
        let is_trusted = indicators.trusted_ip(contacted.remote).is_some()
            || contacted.addresses.is_some()
                && contacted.name.is_some_and(|name| indicators.trusted_domain(name).is_some());
        if total < limit || contacted.name.is_some_and(is_exempt) || is_trusted {
            return None;
        }
        let signal = signal(contacted, series, &rhythm, &modifiers, view, scene)?;
        let (begin, end, records) = (series.first, series.last, series.records.clone());
        Some(Verdict { signal, begin, end, records, record_count: series.starts })
    }

    fn modifiers(&self, series: &Series, contacted: &Contacted<'_>, scene: &Scene<'_>) -> Vec<Modifier> {
        let Contacted { remote, host, sharing, .. } = contacted;
        let (host, sharing) = (*host, *sharing);
        let mut modifiers = Vec::new();
        let mut add = |points, because: String| modifiers.push(Modifier { points, because });
        let listed = scene.context.lists(&host.account, &host.region).ip_matches(*remote);
        if let Some(threat) = listed.first() {
            add(MODIFIER, format!("{remote} is on the list `{}`", threat.list));
        }
        let known_for = (series.last.ms() - series.known_since.ms()) / Time::DAY_MS;
        let host_before = self.hosts.get(host).map_or(0, |first| series.known_since.ms() - first.ms()) / Time::DAY_MS;
        if known_for >= OLD_DAYS {
            add(-MODIFIER, format!("the contact is {known_for} days old"));
        } else if known_for < NEW_DAYS && host_before >= NEW_DAYS {
            add(
                MODIFIER,
                format!("the contact is {known_for} days old, and the host was known for {host_before} days before"),
            );
        }
        let hosts = self.hosts.keys().filter(|one| one.account == host.account).count();
        if hosts >= HOSTS_MIN && sharing * 100 >= hosts * COMMON_PERCENT {
            add(-MODIFIER, format!("{sharing} of {hosts} hosts have it"));
            if sharing >= hosts {
                add(-MODIFIER, "that is all of them".to_owned());
            }
        } else if hosts >= RARE_HOSTS_MIN && sharing * 100 <= hosts * RARE_PERCENT {
            add(MODIFIER, format!("only {sharing} of {hosts} hosts has it"));
        }
        modifiers
    }

    fn name_of(&self, key: &Key) -> Option<&str> {
        let (remote, _, _, host) = key;
        self.names.get(&(host.account.clone(), *remote)).map(|name| &**name)
    }
}

fn is_exempt(name: &str) -> bool {
    let lies_in = |zone: &&str| name.strip_suffix(*zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.starts_with("ocsp.") || EXEMPT_DOMAINS.iter().any(lies_in)
}

fn signal(
    contacted: &Contacted<'_>,
    series: &Series,
    rhythm: &Rhythm,
    modifiers: &[Modifier],
    view: &FlowView<'_>,
    scene: &Scene<'_>,
) -> Option<Signal> {
    let (to, remote) = (contacted.shown(), contacted.remote);
    let is_backed = modifiers.iter().any(|modifier| modifier.points > 0);
    let severity = if is_backed { Severity::MEDIUM } else { Severity::LOW };
    let mut signal = tallied_flow::signal(BEACON, severity, view, &scene.context)?;
    let port = tallied_flow::port_name(view, view.key.port);
    signal.reasons = vec![
        format!(
            "{} connections to {to} on {port} began between {} and {}, in {} clock hours; at least {} in {} are asked for.",
            series.starts,
            minute(series.first),
            minute(series.last),
            series.hours.len(),
            quoted(&CONTACTS, scene.thresholds),
            quoted(&HOURS, scene.thresholds)
        ),
        rhythm.band_text(),
        rhythm.size_text(),
        rhythm.regularity_text(),
        scored(rhythm, modifiers, scene),
    ];
    match (contacted.name, contacted.addresses) {
        (Some(name), Some(count)) => {
            let count = if count < ADDRESSES_MAX { count.to_string() } else { format!("{count} or more") };
            signal.reasons.push(format!("{name} leads to {count} addresses; their connections were judged together."));
        }
        (Some(name), None) => signal.reasons.push(format!("The last name that led to {remote} was {name}.")),
        _ => signal.missing.push(format!("The name that led to {remote}: no query for it was seen.")),
    }
    let who = subject::name(&signal);
    signal.title = format!("{who} contacts {to} in a rhythm.");
    let mean_gap_ms = (series.last.ms() - series.first.ms()).unsigned_abs() / series.starts.saturating_sub(1).max(1);
    signal.description = format!(
        "{who} opened {} connections to {to} on {port}, about one in {} seconds. Implants ask for their orders like this; so do \
         monitoring agents.",
        series.starts,
        rhythm.period_seconds(mean_gap_ms)
    );
    Some(signal)
}

/// "Score: 0.4 · 0.9123 + 0.3 · … = 0.8842; + 0.15, because …. Together …; at least … is asked for."
fn scored(rhythm: &Rhythm, modifiers: &[Modifier], scene: &Scene<'_>) -> String {
    let mut text = rhythm.score_text();
    let mut total = i64::from(rhythm.score);
    for Modifier { points, because } in modifiers {
        total += points;
        text += &format!(" {} 0.15, because {because}.", if *points > 0 { "Plus" } else { "Minus" });
    }
    let sign = if total < 0 { "-" } else { "" };
    let total = total.unsigned_abs();
    let limit = quoted(&SCORE, scene.thresholds);
    text + &format!(" Together {sign}{}.{:04}; at least {limit} is asked for.", total / 10_000, total % 10_000)
}

impl Series {
    fn new(first: Time) -> Self {
        Self {
            known_since: first,
            first,
            last: Time::from_ms(i64::MIN / 2),
            starts: 0,
            gaps: Gaps::default(),
            sizes: Sizes::default(),
            hours: BTreeSet::new(),
            open: OpenPorts::default(),
            reported_at: None,
            records: Vec::new(),
        }
    }

    /// Takes a tally in; true if a connection began in it.
    fn take_in(&mut self, view: &FlowView<'_>) -> bool {
        let begun = self.begun_in(view);
        begun.iter().for_each(|&(at, sent, place)| self.start(at, sent, place));
        !begun.is_empty()
    }

    /// The connections that began in a tally, in order.
    fn begun_in(&mut self, view: &FlowView<'_>) -> Vec<Start> {
        let mut conversations: Vec<_> = view.tally.conversations.kept().iter().collect();
        conversations.sort_unstable_by_key(|one| (one.first, one.port));
        let mut begun = Vec::new();
        for conversation in conversations {
            let goes_on = self
                .open
                .last_of(conversation.port)
                .is_some_and(|last| connection::continues(view, conversation, last));
            if !goes_on && connection::begins(view, conversation) {
                let sent = view.exchanged(conversation).0.bytes;
                begun.push((view.moment(conversation.first), u64::from(sent), conversation.place));
            }
            self.open.note(conversation.port, view.moment(conversation.last));
        }
        begun
    }

    fn start(&mut self, at: Time, sent: u64, place: RecordPlace) {
        if self.starts > 0 && at.ms() - self.first.ms() >= SPAN_MS {
            let (known_since, reported_at) = (self.known_since, self.reported_at);
            let open = std::mem::take(&mut self.open);
            *self = Self { known_since, reported_at, open, ..Self::new(at) };
        }
        if self.starts > 0 {
            self.gaps.add(u64::try_from(at.ms() - self.last.ms()).unwrap_or(0));
        } else {
            self.first = at;
        }
        self.sizes.add(sent);
        self.starts += 1;
        if self.last.hour() != at.hour() {
            self.hours.insert(at.hour());
        }
        self.last = self.last.max(at);
        if self.records.len() >= RECORDS_MAX {
            self.records.remove(0);
        }
        self.records.push((at, place));
    }

    fn is_due(&self, scene: &Scene<'_>) -> bool {
        self.starts >= scene.thresholds.count(&CONTACTS)
            && self.hours.len() as u64 >= scene.thresholds.count(&HOURS)
            && self.reported_at.is_none_or(|at| self.last.ms() - at.ms() >= REPORT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::new_resolver::tests::{DAY, days, found};
    use crate::testing::*;
    use proptest::prelude::*;
    use watchfire_model::ListKind;

    const REMOTE: &str = "203.0.113.9";

    /// Connections that begin so many seconds after the first line, each with so many bytes sent.
    fn contacts(begins: impl IntoIterator<Item = i64>, sent: impl Fn(i64) -> u64) -> Vec<FlowLine> {
        let contact = |(at, begin): (usize, i64)| {
            let port = 40_000 + (at % 20_000) as u16;
            [
                FlowLine::out(port, REMOTE, 8_443).flags(3).packets(8, sent(begin)).after(begin),
                FlowLine::into(REMOTE, 8_443, port).flags(19).packets(8, 900).after(begin),
            ]
        };
        begins.into_iter().enumerate().flat_map(contact).collect()
    }

    /// Gaps around a period, with this much jitter in percent, from a fixed sequence.
    fn jittered(period: i64, percent: i64, count: usize) -> Vec<i64> {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut at = 0;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let offset = (state >> 33) as i64 % (2 * percent * period / 100 + 1);
                at += period - percent * period / 100 + offset;
                at
            })
            .collect()
    }

    proptest! {
        /// The open ports are a map from which the oldest falls when there is no more room, and are saved as one.
        #[test]
        fn open_ports_are_the_latest(notes in proptest::collection::vec((0u16..90, 0i64..50), 0..300), horizon in 0i64..50) {
            let (mut ports, mut known) = (OpenPorts::default(), BTreeMap::new());
            for (port, at) in notes {
                let at = Time::from_ms(at);
                if known.len() >= PORTS_MAX && !known.contains_key(&port) {
                    let oldest = known.iter().map(|(port, last)| (*last, *port)).min();
                    oldest.and_then(|(_, port)| known.remove(&port));
                }
                known.entry(port).and_modify(|last: &mut Time| *last = at.max(*last)).or_insert(at);
                ports.note(port, at);
                prop_assert_eq!(ports.last_of(port), known.get(&port).copied());
            }
            ports.retain(|last| last.ms() >= horizon);
            known.retain(|_, last| last.ms() >= horizon);
            let saved = serde_json::to_value(&ports).unwrap();
            prop_assert_eq!(&saved, &serde_json::to_value(&known).unwrap());
            let restored: OpenPorts = serde_json::from_value(saved).unwrap();
            prop_assert_eq!((restored.ports, restored.lasts), (ports.ports, ports.lasts));
        }
    }

    #[test]
    fn a_beacon_with_jitter_is_reported_once_a_day() {
        for (period, percent) in [(60, 0), (300, 20), (600, 30)] {
            let begins = jittered(period, percent, (DAY / period) as usize - 20);
            let verdicts = found(&DETECTION, &contacts(begins, |begin| 850 + begin as u64 % 20));
            assert_eq!(verdicts.len(), 1, "{period} {percent}");
            assert_eq!(verdicts[0].signal.severity, Severity::LOW);
        }
    }

    #[test]
    fn twice_a_day_is_a_rhythm() {
        // Something else goes on in between, or nothing would be forgotten.
        let others: Vec<FlowLine> = (0..84_u16)
            .map(|n| {
                FlowLine::out(30_000 + n, &format!("198.51.100.{n}"), 443)
                    .flags(3)
                    .packets(8, 900)
                    .after(7_200 * i64::from(n))
            })
            .collect();
        let twice_a_day = |percent| [contacts(jittered(DAY / 2, percent, 14), |_| 850), others.clone()].concat();
        let verdicts = found(&DETECTION, &twice_a_day(2));
        assert!(verdicts[0].signal.reasons[0].starts_with("12 connections"), "{:?}", verdicts[0].signal.reasons);
        // At any time of the day it is none, nor is once in two days.
        assert!(found(&DETECTION, &twice_a_day(50)).is_empty());
        assert!(found(&DETECTION, &contacts(jittered(2 * DAY, 0, 14), |_| 850)).is_empty());
    }

    #[test]
    fn a_person_can_recompute_the_score() {
        let verdicts = found(&DETECTION, &contacts((0..40).map(|at| at * 300), |_| 850));
        let reasons = &verdicts[0].signal.reasons;
        let numbers = |text: &str| -> Vec<f64> {
            text.split(|one: char| !one.is_ascii_digit() && one != '.')
                .filter_map(|part| part.trim_matches('.').parse().ok())
                .collect()
        };
        // "Band: 24 of 24 gaps …, 0 …: the lower bound of 24.0 of 24 is 0.8571."
        let wilson = |k: f64, n: f64| (k + 2.0 - 2.0 * (k * (n - k) / n + 1.0).sqrt()) / (n + 4.0);
        let band = numbers(&reasons[1]);
        let (within, gaps, octave) = (band[0], band[1], band[4]);
        let band_bound = wilson(within + 0.7 * octave, gaps);
        assert!((band_bound - band.last().unwrap()).abs() < 2e-4, "{reasons:?}");
        let size = numbers(&reasons[2]);
        let size_bound = wilson(size[0], size[1]);
        assert!((size_bound - size.last().unwrap()).abs() < 2e-4, "{reasons:?}");
        let regularity = *numbers(&reasons[3]).last().unwrap();
        let score = 0.4 * band_bound + 0.3 * size_bound + 0.3 * regularity;
        let said = numbers(reasons[4].split("Together").nth(1).unwrap())[0];
        assert!((score - said).abs() < 5e-4, "{score} {reasons:?}");
        assert!(reasons[4].ends_with("at least 0.75 (`ec2.beacon.score`) is asked for."));
    }

    #[test]
    fn one_long_connection_is_no_beacon_however_often_it_is_logged() {
        for flags in [0u8, 2] {
            let line = |at: i64| {
                let first = if at == 0 { flags } else { 0 };
                [
                    FlowLine::out(50_000, REMOTE, 8_443).flags(first).after(at * 60),
                    FlowLine::into(REMOTE, 8_443, 50_000).after(at * 60),
                ]
            };
            assert!(found(&DETECTION, &(0..900).flat_map(line).collect::<Vec<_>>()).is_empty());
        }
    }

    #[test]
    fn people_stay_quiet() {
        // Gaps from seconds to an hour, as a person's.
        let mut at = 0;
        let begins: Vec<i64> = (0i64..300)
            .map(|step| {
                at += [7, 13, 45, 600, 9, 80, 2_400, 30, 5, 200][(step % 10) as usize] * (1 + step % 7);
                at
            })
            .collect();
        assert!(found(&DETECTION, &contacts(begins, |begin| 300 + begin as u64 * 37 % 9_000)).is_empty());
    }

    #[test]
    fn eleven_contacts_or_two_hours_stay_quiet() {
        assert!(found(&DETECTION, &contacts((0..11).map(|at| at * 1_200), |_| 850)).is_empty());
        assert!(found(&DETECTION, &contacts((0..100).map(|at| at * 60), |_| 850)).is_empty());
    }

    #[test]
    fn time_servers_and_private_addresses_stay_quiet() {
        let time = |at: i64| FlowLine::out(123, REMOTE, 123).protocol(17).packets(1, 76).after(at * 64);
        assert!(found(&DETECTION, &(0..900).map(time).collect::<Vec<_>>()).is_empty());
        let inside = |at: i64| FlowLine::out(40_000 + at as u16, "10.0.9.9", 8_443).flags(2).after(at * 60);
        assert!(found(&DETECTION, &(0..900).map(inside).collect::<Vec<_>>()).is_empty());
    }

    #[test]
    fn a_new_contact_of_a_known_host_and_a_listed_one_weigh_more() {
        let begins = || (0..60).map(|at| 10 * DAY + at * 300);
        let verdicts = found(&DETECTION, &[days(11), contacts(begins(), |_| 850)].concat());
        let signal = &verdicts[0].signal;
        assert_eq!(signal.severity, Severity::MEDIUM);
        assert!(signal.reasons[4].contains("and the host was known for 10 days before"), "{:?}", signal.reasons);
        let lines: Vec<String> =
            contacts((0..60).map(|at| at * 300), |_| 850).iter().map(FlowLine::to_string).collect();
        let listed = verdicts_of(&format!("{FLOW_HEADER}\n{}", lines.join("\n")));
        assert_eq!(listed[0].signal.severity, Severity::MEDIUM);
        assert!(listed[0].signal.reasons[4].contains("is on the list `test-c2`"), "{:?}", listed[0].signal.reasons);
    }

    fn verdicts_of(file: &str) -> Vec<crate::Verdict> {
        verdicts(&DETECTION, &knowing(ListKind::C2, &[REMOTE]), &[file])
    }

    #[test]
    fn the_name_of_an_update_server_exempts() {
        let lines: Vec<String> =
            contacts((0..60).map(|at| at * 300), |_| 850).iter().map(FlowLine::to_string).collect();
        let flows = format!("{FLOW_HEADER}\n{}", lines.join("\n"));
        let queries = |name: &str| query_line(name, &[(REMOTE, "A")]).replace("T12:00:00Z", "T00:00:01Z");
        let found = |name: &str| verdicts(&DETECTION, &Default::default(), &[&flows, &queries(name)]);
        assert!(found("archive.ubuntu.com.").is_empty());
        assert!(found("ocsp.example.com.").is_empty());
        let verdicts = found("archive.ubuntu.com.example.");
        assert!(verdicts[0].signal.reasons[5].contains("archive.ubuntu.com.example"));
    }

    /// Connections every five minutes to one of four addresses, by no order that an address would show.
    fn in_turns(sent: impl Fn(i64) -> u64) -> String {
        let mut state = 7u64;
        let lines: Vec<String> = contacts((0..150).map(|at| at * 300), sent)
            .chunks(2)
            .flat_map(|pair| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let address = format!("203.0.113.{}", 31 + (state >> 60) % 4);
                pair.iter().map(|line| line.to_string().replace(REMOTE, &address)).collect::<Vec<_>>()
            })
            .collect();
        format!("{FLOW_HEADER}\n{}", lines.join("\n"))
    }

    fn leads_to(name: &str, addresses: &[&str]) -> String {
        let answers: Vec<(&str, &str)> = addresses.iter().map(|address| (*address, "A")).collect();
        query_line(name, &answers).replace("T12:00:00Z", "T00:00:01Z")
    }

    #[test]
    fn a_name_with_several_addresses_is_judged_as_one() {
        let all = ["203.0.113.31", "203.0.113.32", "203.0.113.33", "203.0.113.34"];
        let found = |files: &[&str]| verdicts(&DETECTION, &Default::default(), files);
        let flows = in_turns(|begin| 850 + begin as u64 % 20);
        let verdicts = found(&[&flows, &leads_to("cdn.example.", &all)]);
        assert_eq!(verdicts.len(), 1);
        let reasons = &verdicts[0].signal.reasons;
        assert!(reasons[0].contains("connections to cdn.example (203.0.113.3"), "{reasons:?}");
        assert!(reasons[5].contains("cdn.example leads to 4 addresses; their connections were judged together"));
        assert!(found(&[&flows]).is_empty(), "no address shows a rhythm of its own");
    }

    /// Connections to our service, one every other second for a quarter of an hour, each with so many bytes sent.
    fn reconnects(from: i64, sent: u64) -> Vec<FlowLine> {
        let one = |at: i64| {
            let port = 30_000 + (at % 20_000) as u16;
            [
                FlowLine::out(port, REMOTE, 8_443).flags(2).packets(1, sent).after(from + at * 2),
                FlowLine::into(REMOTE, 8_443, port).flags(4).packets(1, 40).after(from + at * 2),
            ]
        };
        (0..450).flat_map(one).collect()
    }

    #[test]
    fn a_known_host_that_reconnects_to_somebody_new_without_success_is_told() {
        let flows = [days(9), reconnects(8 * DAY + 3_600, 60)].concat();
        let verdicts = found(&DETECTION, &flows);
        assert_eq!((verdicts.len(), verdicts[0].signal.severity), (1, Severity::LOW));
        assert!(verdicts[0].signal.title.contains("reconnects"), "{}", verdicts[0].signal.title);
    }

    #[test]
    fn reconnecting_to_what_answered_before_or_on_the_first_day_or_with_work_stays_quiet() {
        let known =
            contacts((0..192).map(|hour| hour * 3_600 + hour * hour * 911 % 3_400), |at| 300 + (at * 7 % 9_000) as u64);
        let flows = [days(9), known, reconnects(8 * DAY + 3_600, 60)].concat();
        assert!(found(&DETECTION, &flows).is_empty());
        assert!(found(&DETECTION, &reconnects(3_600, 60)).is_empty());
        let flows = [days(9), reconnects(8 * DAY + 3_600, 4_000)].concat();
        assert!(found(&DETECTION, &flows).is_empty());
    }

    #[test]
    fn names_of_one_address_each_and_update_servers_stay_quiet() {
        let found = |files: &[&str]| verdicts(&DETECTION, &Default::default(), files);
        let flows = in_turns(|begin| 850 + begin as u64 % 20);
        let apart: Vec<String> =
            (31..35).map(|last| leads_to(&format!("n{last}.example."), &[&format!("203.0.113.{last}")])).collect();
        assert!(found(&[&flows, &apart.join("\n")]).is_empty());
        let all = ["203.0.113.31", "203.0.113.32", "203.0.113.33", "203.0.113.34"];
        assert!(found(&[&flows, &leads_to("archive.ubuntu.com.", &all)]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_restart_anywhere_changes_nothing(begins in proptest::collection::vec(0i64..40_000, 1..60), at in 0usize..60) {
            let mut sorted = begins;
            sorted.sort_unstable();
            let (mut whole, mut cut) = (Series::new(Time::from_ms(0)), Series::new(Time::from_ms(0)));
            for (step, begin) in sorted.iter().enumerate() {
                if step == at {
                    cut = serde_json::from_value(serde_json::to_value(&cut).unwrap()).unwrap();
                }
                whole.start(Time::from_seconds(*begin), 850, RecordPlace::default());
                cut.start(Time::from_seconds(*begin), 850, RecordPlace::default());
            }
            prop_assert_eq!(serde_json::to_value(&whole).unwrap(), serde_json::to_value(&cut).unwrap());
        }
    }
}
