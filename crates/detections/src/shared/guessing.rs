//! Password guessing, from the shape of conversations: many, short, and all alike.
//!
//! Nobody sees the passwords in flow logs, but a program that guesses them holds the same dialogue again and again. So an
//! attempt is a whole conversation of a login's length, joined over slices by the client's port, and what counts is how many
//! there are and how much alike they are. Source: Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX" (2014),
//! and the constants of their SSHCure.

use crate::behaviour::{End, FlowView, Verdict};
use crate::shared::contact::TCP;
use crate::shared::host::Host;
use crate::shared::scan::{FAST_MS, SLOW_MS, percent, quoted, span};
use crate::shared::state::pairs;
use crate::shared::subject::{self, Origin};
use crate::tally::{Place, RecordPlace};
use crate::{Context, Scene, Threshold, Thresholds};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_knowledge::statistics::wilson_lower;
use watchfire_model::{
    Action, ConnectionDirection, FindingType, NetworkConnectionAction, ResourceRole, Severity, Signal, Time,
};

/// A service whose passwords are guessed.
pub(crate) struct Service {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) ports: &'static [u16],
    /// Packets of the client in an attempt: at least, at most.
    pub(crate) packets: (u32, u32),
}

/// Packets of an attempt: SSHCure's constants for its brute-force phase.
pub(crate) static SSH: Service = Service { name: "SSH", ports: &[22], packets: (11, 51) };
/// From the handshake with a refused login over TLS (about ten packets of the client) to a drawn logon screen. Source:
/// MS-RDPBCGR, section 1.3.1.1 (the connection sequence), counted by packets; the upper bound from detection-methods.
pub(crate) static RDP: Service = Service { name: "RDP", ports: &[3389], packets: (7, 100) };
/// One or more refused requests by HTTP; how many go through one connection is up to the tool. Source: MS-WSMV over HTTP
/// with Negotiate takes three requests.
pub(crate) static WIN_RM: Service = Service { name: "WinRM", ports: &[5985, 5986], packets: (5, 100) };

/// Attempts in ten minutes.
pub(crate) static ATTEMPTS: Threshold = Threshold {
    key: "ec2.guessing.attempts",
    default: 20.0,
    min: 5.0,
    max: 100.0,
    unit: "attempts by one host at another in ten minutes",
    source: "the catalogue's suggested rule; GuardDuty's tester makes 20",
    summary: "how many alike login-length connections in ten minutes are guessing",
};

/// Attempts in a day.
pub(crate) static SLOW_ATTEMPTS: Threshold = Threshold {
    key: "ec2.guessing.slow_attempts",
    default: 40.0,
    min: 5.0,
    max: 200.0,
    unit: "attempts by one host at another in 24 hours",
    source: "detection-methods, section 3",
    summary: "how many alike login-length connections in 24 hours are slow guessing",
};

/// How much alike.
pub(crate) static ALIKE: Threshold = Threshold {
    key: "ec2.guessing.alike",
    default: 0.6,
    min: 0.1,
    max: 1.0,
    unit: "share of the connections, lower bound",
    source: "detection-methods, section 3",
    summary: "what share of the connections must have nearly the same number of packets",
};

/// Targets of one source, each with a few attempts.
pub(crate) static SPRAY_TARGETS: Threshold = Threshold {
    key: "ec2.guessing.spray_targets",
    default: 10.0,
    min: 3.0,
    max: 10_000.0,
    unit: "targets of one source in an hour, at least five attempts at each",
    source: "detection-methods, section 3",
    summary: "how many targets make a few attempts at each a spray",
};

/// Sources at one target, each with a few attempts.
pub(crate) static SOURCES: Threshold = Threshold {
    key: "ec2.guessing.sources",
    default: 20.0,
    min: 3.0,
    max: 10_000.0,
    unit: "sources at one target in an hour, at least three attempts by each",
    source: "detection-methods, section 3",
    summary: "how many sources make a few attempts by each a distributed attack",
};

/// Attempts at one target by sources of which each makes one or two.
pub(crate) static POOLED_ATTEMPTS: Threshold = Threshold {
    key: "ec2.guessing.pooled_attempts",
    default: 100.0,
    min: 20.0,
    max: 100_000.0,
    unit: "attempts at one target in an hour, by at least 50 sources",
    source: "our choice: five times what one host must make in ten minutes; a host with port 22 open to the internet sees about \
             ten an hour",
    summary: "how many attempts at one target are a distributed attack, however few each source makes",
};

/// Sources that share [`POOLED_ATTEMPTS`]. Source: our choice; fewer make three attempts each sooner or later.
const POOLED_SOURCES_MIN: u64 = 50;
/// Attempts at each target of a spray, by each source of a distributed attack. Source: detection-methods, section 3.
const SPRAY_EACH_MIN: usize = 5;
const SOURCE_EACH_MIN: usize = 3;
/// The pooled similarity of a distributed attack, in 1/10000. Source: detection-methods, section 3.
const POOLED_MIN: u32 = 7_000;
/// The reach of sprays and distributed attacks.
const CAMPAIGN_MS: i64 = Time::HOUR_MS;

/// Connections that follow each other by the clock, further apart than this, are a timer's: a fetch, a poll, a check. A program that
/// guesses has no reason to wait. Source: our choice; a login takes a few seconds, and one in 30 seconds is what
/// [`ATTEMPTS`] asks for.
const BEAT_MIN_MS: i64 = 25 * Time::SECOND_MS;
/// The same of one host at many targets: who takes one after the other comes to each of them by the clock, too, but sooner.
/// Source: our choice; monitoring checks each host once in five minutes (Nagios' `check_interval`).
const CAMPAIGN_BEAT_MIN_MS: i64 = 2 * Time::MINUTE_MS;
/// How far from the beat a gap may lie: so many milliseconds, or so much of the beat, in percent. Source: our choice; timers
/// are exact, and flow logs have whole seconds.
const BEAT_SLACK_MS: i64 = 3 * Time::SECOND_MS;
const BEAT_SLACK_PERCENT: i64 = 5;
/// Beats that a gap may take: one or two may be missing.
const BEATS_MAX: i64 = 3;
/// Percent of the gaps that must keep the beat.
const ON_BEAT_PERCENT_MIN: usize = 80;

/// Nearly the same number of packets: the largest at most 1.1⁴ times the smallest, which is ±20 %. In 1/10000.
const ALIKE_FACTOR: u64 = 14_641;
/// Packets of an answer that is more than a refusal.
const ANSWER_PACKETS_MIN: u32 = 3;
/// Packets of a client that said something.
const CLIENT_PACKETS_MIN: u64 = 4;
/// A conversation without an end that was silent so long counts as over; if it goes on, it is joined again.
const SILENT_MS: i64 = Time::MINUTE_MS;
/// The same port of the client after a longer silence is another conversation.
const JOIN_MS: i64 = Time::HOUR_MS;
/// On so many earlier days a pair must have talked to be established. Source: detection-methods, section 3.
const ESTABLISHED_DAYS: usize = 7;
/// How much more than its own maximum an established pair may have. Source: as above.
const OWN_MAXIMUM_FACTOR: u64 = 5;
/// Days remembered of a pair.
const HISTORY_DAYS: i64 = 30;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// Pairs remembered: about 400 bytes, and 64 for each conversation of the last day.
const PAIRS_MAX: usize = 100_000;
/// Conversations per pair, the latest.
const CONVERSATIONS_MAX: usize = 256;
/// Records shown.
const RECORDS_MAX: usize = 10;

/// Who guesses at whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct PairKey {
    host: Host,
    remote: IpAddr,
    port: u16,
    is_outbound: bool,
}

impl PairKey {
    /// Whether our side opened the connections.
    pub(crate) fn is_outbound(&self) -> bool {
        self.is_outbound
    }

    /// The other address.
    pub(crate) fn remote(&self) -> IpAddr {
        self.remote
    }
}

/// What they said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    origin: Origin,
    remote_is_internal: bool,
    /// Of the last 24 hours, in order of time.
    conversations: Vec<Joined>,
    /// Conversations in busy slices that were not looked at one by one, since the last finding.
    passed_over: u64,
    /// The last moment of the last slice in which some were passed over: what goes on after it may have begun there unseen.
    #[serde(default)]
    passed_over_until: Option<i64>,
    /// By day: the most conversations in ten minutes, and on the day.
    #[serde(with = "pairs")]
    history: BTreeMap<i64, (u64, u64)>,
    found_at: Option<i64>,
    /// How long after the account's first flow they first talked, in milliseconds.
    #[serde(default)]
    began_after_ms: Option<i64>,
}

/// A conversation, whole: its pieces of all slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Joined {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) port: u16,
    /// Of the client.
    pub(crate) packets: u32,
    pub(crate) bytes: u64,
    answer_packets: u32,
    is_closed: bool,
    pub(crate) is_reported: bool,
    pub(crate) place: RecordPlace,
}

/// All pairs on the ports of some services.
#[derive(Serialize, Deserialize)]
pub(crate) struct Guesses {
    pairs: Bounded<PairKey, Pair>,
    touched: BTreeSet<PairKey>,
    reported: u64,
    dropped: u64,
    /// The first flow of any kind, by account.
    #[serde(default)]
    since: BTreeMap<Box<str>, i64>,
    /// The place of the last flow, and that of its account: they come in runs of one place.
    #[serde(skip)]
    current: Option<(Place, i64)>,
}

/// Attempts that are guessing.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    /// In order of time.
    pub(crate) attempts: Vec<Joined>,
    /// How many conversations were of a login's length or longer.
    all: u64,
    alike: Alike,
    limit: u64,
    setting: &'static Threshold,
    time: &'static str,
    /// "from 203.0.113.9": the other side, or the other sides.
    whom: String,
}

/// What belongs together although each pair by itself is little.
struct Campaign<'a> {
    /// Pairs with their attempts of the last hour, in order.
    pairs: Vec<(&'a PairKey, Vec<Joined>)>,
    /// Conversations of a login's length or longer.
    all: u64,
}

/// A campaign's part that is one finding's.
struct Part {
    /// The pair that the finding shows: that of the latest attempt.
    shown: PairKey,
    /// All its pairs.
    pairs: Vec<PairKey>,
    guess: Guess,
    what: String,
}

/// The beat of some conversations, in order of time.
struct Beat {
    /// The median gap, in milliseconds.
    period_ms: i64,
    /// How many of the first so many gaps keep it.
    on_beat: Vec<usize>,
}

/// How many of some conversations have nearly the same number of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alike {
    count: u64,
    /// The fewest and the most packets among them.
    pub(crate) packets: (u32, u32),
    /// The lower bound of the share, in 1/10000.
    bound: u32,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            pairs: Bounded::new(PAIRS_MAX),
            touched: BTreeSet::new(),
            reported: 0,
            dropped: 0,
            since: BTreeMap::new(),
            current: None,
        }
    }
}

impl Guesses {
    /// Takes in a tally, if it is of one of these services.
    pub(crate) fn flow(&mut self, view: &FlowView<'_>, services: &[&Service], context: &Context<'_>) {
        let first = view.first().ms();
        let since = match &self.current {
            Some((place, since)) if place.is(view.place) && first >= *since => *since,
            _ => {
                let since = match self.since.get_mut(&*view.place.account) {
                    Some(since) => {
                        *since = first.min(*since);
                        *since
                    }
                    None => *self.since.entry(view.place.account.clone()).or_insert(first),
                };
                self.current = Some((view.place.clone(), since));
                since
            }
        };
        if !view.is_tcp() || !services.iter().any(|service| service.ports.contains(&view.key.port)) {
            return;
        }
        let is_opened_by_client = view.opener.is_some_and(|(end, _)| end == End::Client);
        let (up, down) = (&view.tally.up, &view.tally.down);
        if !is_opened_by_client || up.packets < CLIENT_PACKETS_MIN || down.packets == 0 {
            return;
        }
        let Some(host) = Host::of(view, context) else { return };
        let key = PairKey { host, remote: view.remote(), port: view.key.port, is_outbound: view.is_outbound() };
        let pair = self.pairs.touch(key.clone(), view.first(), || Pair::new(view, since));
        self.dropped += pair.take_in(view);
        self.touched.insert(key);
    }

    /// Shows each pair that talked in this slice, or had not finished in the last, in order.
    pub(crate) fn close(
        &mut self,
        end: Time,
        services: &[&'static Service],
        judge: &mut dyn FnMut(&PairKey, &'static Service, &mut Pair),
    ) {
        for key in std::mem::take(&mut self.touched) {
            let Some(service) = services.iter().find(|service| service.ports.contains(&key.port)) else { continue };
            let Some(pair) = self.pairs.get_mut(&key) else { continue };
            pair.forget_before(end);
            judge(&key, service, pair);
            if pair.conversations.iter().any(|one| !one.is_over(end)) {
                self.touched.insert(key);
            }
        }
    }

    /// All pairs with conversations since `since`, in order.
    fn active(&self, since: i64) -> impl Iterator<Item = (&PairKey, &Pair)> {
        self.pairs.iter().filter(move |(_, pair)| pair.conversations.last().is_some_and(|one| one.first >= since))
    }

    /// Forgets what is out of reach; how much was dropped for lack of room since the last call.
    pub(crate) fn expire(&mut self, now: Time) -> u64 {
        self.pairs.forget_before(now.plus_ms(-HISTORY_DAYS * Time::DAY_MS));
        self.pairs.values_mut().for_each(|pair| pair.forget_before(now));
        let dropped = self.pairs.evicted() + self.dropped - self.reported;
        self.reported += dropped;
        dropped
    }

    /// Pairs, and about how many bytes they take.
    pub(crate) fn size(&self) -> (u64, u64) {
        let bytes: usize = self.pairs.iter().map(|(_, pair)| 400 + pair.conversations.len() * 64).sum();
        (self.pairs.len() as u64, bytes as u64)
    }

    /// After the state was read back.
    pub(crate) fn reindex(mut self) -> Self {
        self.pairs.reindex();
        self
    }

    /// What is said about each pair of this slice: guessing by one host at another, sprays, distributed attacks.
    pub(crate) fn verdicts(
        &mut self,
        end: Time,
        service: &'static Service,
        finding_type: FindingType,
        scene: &mut Scene<'_>,
    ) {
        let touched = self.touched.clone();
        let mut found = Vec::new();
        self.close(end, &[service], &mut |key, service, pair| {
            let guess = pair.guess(key, service, end, scene.thresholds, true);
            match guess {
                Some(guess) => found.extend(pair.verdict(key, service, finding_type, &guess, "", scene)),
                None => pair.learn(service, end),
            }
        });
        for part in self.campaigns(end, service, &touched, scene.thresholds) {
            let Some(pair) = self.pairs.get_mut(&part.shown) else { continue };
            found.extend(pair.verdict(&part.shown, service, finding_type, &part.guess, &part.what, scene));
            for key in &part.pairs {
                if let Some(pair) = self.pairs.get_mut(key) {
                    pair.mark(&part.guess.attempts);
                }
            }
        }
        scene.verdicts.append(&mut found);
    }

    /// Attempts too few by one host at another, that are many together: of one source at many targets, or of many sources
    /// at one target, within the last hour.
    fn campaigns(
        &self,
        end: Time,
        service: &'static Service,
        touched: &BTreeSet<PairKey>,
        thresholds: &Thresholds,
    ) -> Vec<Part> {
        if touched.is_empty() {
            return Vec::new();
        }
        let (mut sprays, mut sprayed, mut targets) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut pooled = BTreeMap::new();
        for (key, pair) in self.active(end.ms() - CAMPAIGN_MS).filter(|(_, pair)| !pair.is_established(end)) {
            let (attempts, all) = pair.attempts_since(end.ms() - CAMPAIGN_MS, service, end);
            if attempts.is_empty() || pair.is_check(key, service, end) {
                continue;
            }
            if attempts.len() >= SPRAY_EACH_MIN && key.is_outbound {
                Campaign::add(&mut sprays, &key.host, key, &attempts, all);
            }
            if attempts.len() >= SPRAY_EACH_MIN && !key.is_outbound {
                Campaign::add(&mut sprayed, (&key.host.account, key.remote), key, &attempts, all);
            }
            if attempts.len() >= SOURCE_EACH_MIN && !key.is_outbound {
                Campaign::add(&mut targets, &key.host, key, &attempts, all);
            }
            if !key.is_outbound {
                Campaign::add(&mut pooled, &key.host, key, &attempts, all);
            }
        }
        let test =
            Test { service, touched, thresholds, alike_min: share(thresholds.get(&ALIKE)), setting: &SPRAY_TARGETS };
        let mut parts: Vec<Part> =
            sprays.values().filter_map(|spray| spray.part(&test, "targets", &spray.pairs)).collect();
        for spray in sprayed.values() {
            // Each target has a finding of its own.
            parts.extend(spray.pairs.chunks(1).filter_map(|pair| spray.part(&test, "targets", pair)));
        }
        let by_each = Test { alike_min: POOLED_MIN, setting: &SOURCES, ..test };
        let together = Test { alike_min: POOLED_MIN, setting: &POOLED_ATTEMPTS, ..test };
        for (host, attack) in &pooled {
            let of_each =
                targets.get(host).and_then(|attack: &Campaign<'_>| attack.part(&by_each, "sources", &attack.pairs));
            parts.extend(of_each.or_else(|| attack.part(&together, "sources", &attack.pairs)));
        }
        parts
    }
}

/// What a campaign must fulfil.
#[derive(Clone, Copy)]
struct Test<'a> {
    service: &'static Service,
    touched: &'a BTreeSet<PairKey>,
    thresholds: &'a Thresholds,
    alike_min: u32,
    setting: &'static Threshold,
}

impl<'a> Campaign<'a> {
    fn add<K: Ord>(campaigns: &mut BTreeMap<K, Self>, of: K, key: &'a PairKey, attempts: &[Joined], all: u64) {
        let campaign = campaigns.entry(of).or_insert(Self { pairs: Vec::new(), all: 0 });
        campaign.pairs.push((key, attempts.to_vec()));
        campaign.all += all;
    }

    /// Whether they are enough: targets or sources, or attempts by enough sources.
    fn is_enough(&self, attempts: u64, test: &Test<'_>) -> bool {
        let (pairs, limit) = (self.pairs.len() as u64, test.thresholds.count(test.setting));
        if test.setting.key == POOLED_ATTEMPTS.key {
            attempts >= limit && pairs >= POOLED_SOURCES_MIN
        } else {
            pairs >= limit
        }
    }

    /// What this part of the campaign is, if the whole is one and the part has something new in this slice.
    fn part(&self, test: &Test<'_>, others: &str, part: &[(&PairKey, Vec<Joined>)]) -> Option<Part> {
        let pooled: Vec<Joined> = self.pairs.iter().flat_map(|(_, attempts)| attempts.iter().copied()).collect();
        let limit = test.thresholds.count(test.setting);
        let alike = Alike::of_some(&pooled, self.all, test.service);
        let is_new = |(key, attempts): &(&PairKey, Vec<Joined>)| {
            test.touched.contains(*key) && attempts.iter().any(|one| !one.is_reported)
        };
        if !self.is_enough(pooled.len() as u64, test) || alike.bound < test.alike_min || !part.iter().any(is_new) {
            return None;
        }
        let mut attempts: Vec<Joined> = part.iter().flat_map(|(_, attempts)| attempts.iter().copied()).collect();
        attempts.sort_unstable();
        let latest = |(key, attempts): &(&PairKey, Vec<Joined>)| (attempts.last().copied(), (*key).clone());
        let shown = part.iter().map(latest).max()?.1;
        let way = if shown.is_outbound { "to" } else { "from" };
        let whom = match part {
            [_] => format!("{way} {}", shown.remote),
            _ => format!("{way} {} {others}, the latest {}", part.len(), shown.remote),
        };
        let what = format!(
            "It is a campaign of one host against many or of many against one: within an hour {} {others} with {} attempts; \
             {} of {} connections of such length or longer have {} to {} packets (a share of at least {}; {} is asked for). \
             The limit is {} {}.",
            self.pairs.len(),
            pooled.len(),
            alike.count,
            self.all,
            alike.packets.0,
            alike.packets.1,
            percent(alike.bound.into(), 10_000),
            percent(test.alike_min.into(), 10_000),
            quoted(test.setting, test.thresholds),
            if test.setting.key == POOLED_ATTEMPTS.key { "attempts by at least 50 sources" } else { others }
        );
        let (all, alike) = (attempts.len() as u64, Alike::of(&attempts, test.service));
        let guess = Guess { attempts, all, alike, limit, setting: test.setting, time: "an hour", whom };
        Some(Part { shown, pairs: part.iter().map(|(key, _)| (*key).clone()).collect(), guess, what })
    }
}

impl Pair {
    fn new(view: &FlowView<'_>, since: i64) -> Self {
        Self {
            origin: Origin::of(view),
            remote_is_internal: view.remote_is_internal,
            conversations: Vec::new(),
            passed_over: 0,
            passed_over_until: None,
            history: BTreeMap::new(),
            found_at: None,
            began_after_ms: Some(view.first().ms() - since),
        }
    }

    /// Joins the conversations of a slice to those that are open; how many were dropped for lack of room.
    fn take_in(&mut self, view: &FlowView<'_>) -> u64 {
        let has_flags = view.tally.up.without_flags + view.tally.down.without_flags == 0;
        let kept = view.tally.conversations.kept();
        for conversation in kept {
            let flags = conversation.up_flags | conversation.down_flags;
            let piece = Joined {
                first: view.moment(conversation.first).ms(),
                last: view.moment(conversation.last).ms(),
                port: conversation.port,
                packets: conversation.up_packets,
                bytes: conversation.up_bytes.into(),
                answer_packets: conversation.down_packets,
                is_closed: flags & (FIN | RST) != 0,
                is_reported: false,
                place: conversation.place,
            };
            let opens = conversation.up_flags & SYN != 0;
            let may_begin = opens || !has_flags || self.may_have_begun_unseen(&piece);
            match self.open(&piece, opens) {
                Some(open) => open.join(&piece),
                // A piece of a conversation whose beginning was not seen is none of a login's length, unless it began among
                // those that were passed over: the one login that succeeds does.
                None if may_begin && piece.packets > 0 => self.conversations.push(piece),
                None => {}
            }
        }
        let passed_over = view.tally.conversation_count().saturating_sub(kept.len() as u64);
        self.passed_over += passed_over;
        if passed_over > 0 {
            self.passed_over_until = Some(view.last().ms());
        }
        self.conversations.sort_unstable();
        let surplus = self.conversations.len().saturating_sub(CONVERSATIONS_MAX);
        self.conversations.drain(..surplus);
        surplus as u64
    }

    fn may_have_begun_unseen(&self, piece: &Joined) -> bool {
        self.passed_over_until.is_some_and(|until| (0..=FAST_MS).contains(&(piece.first - until)))
    }

    /// The conversation that this piece goes on with.
    fn open(&mut self, piece: &Joined, opens: bool) -> Option<&mut Joined> {
        let silence_max = if opens { SILENT_MS } else { JOIN_MS };
        let same = |one: &&mut Joined| one.port == piece.port && (piece.first - one.last).abs() <= silence_max;
        self.conversations.iter_mut().rev().find(same)
    }

    fn forget_before(&mut self, now: Time) {
        self.conversations.retain(|one| now.ms() - one.first <= SLOW_MS);
        self.history.retain(|&day, _| now.day() - day <= HISTORY_DAYS);
    }

    /// The attempts since then, and how many conversations were of such length or longer.
    fn attempts_since(&self, since: i64, service: &Service, now: Time) -> (Vec<Joined>, u64) {
        let all = || self.conversations.iter().filter(|one| one.first >= since && one.is_long_enough(service, now));
        (all().filter(|one| one.is_attempt(service, now)).copied().collect(), all().count() as u64)
    }

    /// Whether it is a pair of our own hosts that talked when these logs began, or soon after, and not for long enough to tell
    /// what is usual: a check or a job that logs in all day cannot be told from slow guessing then.
    fn is_not_known_yet(&self, days: usize) -> bool {
        let week_ms = ESTABLISHED_DAYS as i64 * Time::DAY_MS;
        self.remote_is_internal && days < ESTABLISHED_DAYS && self.began_after_ms.is_none_or(|after| after < week_ms)
    }

    /// Whether one of our own hosts opens the connections: strangers may keep a beat, too.
    fn is_opened_by_ours(&self, key: &PairKey) -> bool {
        key.is_outbound || self.remote_is_internal
    }

    /// Whether it is a check of ours that went on by the clock when these logs began: of many targets, each would be a spray's.
    fn is_check(&self, key: &PairKey, service: &Service, now: Time) -> bool {
        if !self.is_opened_by_ours(key) {
            return false;
        }
        let judged: Vec<&Joined> = self.conversations.iter().filter(|one| one.is_long_enough(service, now)).collect();
        Beat::of(&judged, CAMPAIGN_BEAT_MIN_MS).is_some_and(|beat| {
            beat.is_kept(0, judged.len())
                && self.began_after_ms.is_some_and(|after| after <= BEATS_MAX * beat.period_ms)
        })
    }

    /// On how many earlier days they talked, and the most in ten minutes and on a day.
    fn own_maximum(&self, now: Time) -> (usize, (u64, u64)) {
        let today = Time::from_ms(now.ms() - 1).day();
        let earlier = self.history.range(..today).map(|(_, &most)| most);
        let most = earlier.clone().fold((0, 0), |most, (fast, slow)| (most.0.max(fast), most.1.max(slow)));
        (earlier.count(), most)
    }

    fn is_established(&self, now: Time) -> bool {
        self.own_maximum(now).0 >= ESTABLISHED_DAYS
    }

    /// Learns the day, unless something was found within 24 hours.
    fn learn(&mut self, service: &Service, now: Time) {
        if self.found_at.is_some_and(|at| now.ms() - at < Time::DAY_MS) {
            return;
        }
        let judged: Vec<i64> =
            self.conversations.iter().filter(|one| one.is_long_enough(service, now)).map(|one| one.first).collect();
        if judged.is_empty() {
            return;
        }
        let fast = judged
            .iter()
            .enumerate()
            .map(|(at, first)| judged[at..].iter().take_while(|later| *later - first < FAST_MS).count() as u64);
        let most = self.history.entry(Time::from_ms(now.ms() - 1).day()).or_default();
        *most = (most.0.max(fast.max().unwrap_or(0)), most.1.max(judged.len() as u64));
    }

    /// The guessing that these conversations are, if they are; with `is_news` only if it has an attempt that was not
    /// reported yet.
    pub(crate) fn guess(
        &self,
        key: &PairKey,
        service: &Service,
        now: Time,
        thresholds: &Thresholds,
        is_news: bool,
    ) -> Option<Guess> {
        let judged: Vec<&Joined> = self.conversations.iter().filter(|one| one.is_long_enough(service, now)).collect();
        let (days, most) = self.own_maximum(now);
        let of = |setting: &'static Threshold, most: u64| {
            let own = if days >= ESTABLISHED_DAYS { most.saturating_mul(OWN_MAXIMUM_FACTOR) } else { 0 };
            thresholds.count(setting).max(own)
        };
        let (fast, slow) = (of(&ATTEMPTS, most.0), of(&SLOW_ATTEMPTS, most.1));
        let whom = format!("{} {}", if key.is_outbound { "to" } else { "from" }, key.remote);
        let beat = if self.is_opened_by_ours(key) { Beat::of(&judged, BEAT_MIN_MS) } else { None };
        let find = |span_ms, limit, setting, time| {
            best_window(&judged, span_ms, is_news, |begin, window| {
                if beat.as_ref().is_some_and(|beat| beat.is_kept(begin, window.len())) {
                    return None;
                }
                let (attempts, alike) = (attempts_of(window, service, now), Alike::of_all(window, service));
                let is_guessing = attempts.len() as u64 >= limit && alike.bound >= share(thresholds.get(&ALIKE));
                let all = window.len() as u64;
                is_guessing.then_some(Guess { attempts, all, alike, limit, setting, time, whom: whom.clone() })
            })
        };
        find(FAST_MS, fast, &ATTEMPTS, "ten minutes").or_else(|| {
            if self.is_not_known_yet(days) { None } else { find(SLOW_MS, slow, &SLOW_ATTEMPTS, "24 hours") }
        })
    }

    /// Of the last 24 hours, in order of time.
    pub(crate) fn conversations(&self) -> &[Joined] {
        &self.conversations
    }

    /// It was reported.
    pub(crate) fn mark_reported(&mut self, conversation: &Joined) {
        let same = |one: &&mut Joined| (one.first, one.port) == (conversation.first, conversation.port);
        if let Some(one) = self.conversations.iter_mut().find(same) {
            one.is_reported = true;
        }
    }

    fn verdict(
        &mut self,
        key: &PairKey,
        service: &Service,
        finding_type: FindingType,
        guess: &Guess,
        campaign: &str,
        scene: &Scene<'_>,
    ) -> Option<Verdict> {
        let severity = if key.is_outbound || self.remote_is_internal { Severity::HIGH } else { Severity::LOW };
        let mut signal = self.signal(key, guess.attempts.last()?, finding_type, severity, &scene.context)?;
        let (name, who) = (service.name, subject::lower(&subject::name(&signal)));
        let (attacker, target) =
            if key.is_outbound { (who, key.remote.to_string()) } else { (key.remote.to_string(), who) };
        signal.title = capitalised(&format!("{attacker} is performing {name} brute force attacks against {target}."));
        signal.description = format!(
            "{} Brute force attacks are used to gain unauthorized access to an instance by guessing the {name} password.",
            signal.title
        );
        signal.reasons.push(guess.sentence(key, service));
        if campaign.is_empty() {
            signal.reasons.push(guess.limits(scene.thresholds));
        } else {
            signal.reasons.push(campaign.to_owned());
        }
        signal.reasons.push(self.history_sentence());
        if self.passed_over > 0 {
            signal.missing.push(format!(
                "In busy ten minutes only 64 connections are looked at one by one; there were about {} more.",
                self.passed_over
            ));
        }
        Some(self.report(signal, guess))
    }

    /// A signal about our end of this pair, with its action and role.
    pub(crate) fn signal(
        &self,
        key: &PairKey,
        shown: &Joined,
        finding_type: FindingType,
        severity: Severity,
        context: &Context<'_>,
    ) -> Option<Signal> {
        let mut signal = self.origin.signal(finding_type, severity, context)?;
        let (direction, ports) = if key.is_outbound {
            (ConnectionDirection::Outbound, (shown.port, key.port))
        } else {
            (ConnectionDirection::Inbound, (key.port, shown.port))
        };
        signal.action = Action::NetworkConnection(NetworkConnectionAction {
            direction,
            protocol: crate::shared::contact::protocol_name(TCP),
            blocked: false,
            local_ip: Some(self.origin.local),
            local_port: ports.0,
            local_interface: self.origin.place.interface.to_string(),
            remote: Some(context.knowledge.remote(key.remote)),
            remote_port: ports.1,
        });
        signal.role = Some(if key.is_outbound { ResourceRole::Actor } else { ResourceRole::Target });
        if key.is_outbound {
            // An instance that is attacked and attacks others has two findings of one type.
            signal.entity.push_str(subject::AS_ACTOR);
        }
        Some(signal)
    }

    fn report(&mut self, signal: Signal, guess: &Guess) -> Verdict {
        let record_count = guess.attempts.iter().filter(|one| !one.is_reported).count() as u64;
        let first = guess.attempts.first().map_or(0, |one| one.first);
        let last = guess.attempts.iter().map(|one| one.last).max().unwrap_or(first);
        let records =
            guess.attempts.iter().take(RECORDS_MAX).map(|one| (Time::from_ms(one.first), one.place)).collect();
        self.mark(&guess.attempts);
        Verdict { signal, begin: Time::from_ms(first), end: Time::from_ms(last), records, record_count }
    }

    /// These were reported, and what surrounds them is not learnt.
    fn mark(&mut self, attempts: &[Joined]) {
        let shown: BTreeSet<(i64, u16)> = attempts.iter().map(|one| (one.first, one.port)).collect();
        let Some(last) = attempts.last().map(|one| one.first) else { return };
        for one in self.conversations.iter_mut().filter(|one| shown.contains(&(one.first, one.port))) {
            one.is_reported = true;
        }
        self.passed_over = 0;
        self.found_at = self.found_at.max(Some(last));
        self.history.remove(&Time::from_ms(last).day());
    }

    fn history_sentence(&self) -> String {
        let last = self.conversations.last().map_or(Time::LATEST, |one| Time::from_ms(one.first.saturating_add(1)));
        match self.own_maximum(last) {
            (0, _) => "No earlier day of the last 30 is known on which the two had such connections without a finding."
                .to_owned(),
            (days, (fast, slow)) => format!(
                "On {days} earlier days of the last 30 there were such connections between the two without a finding, at \
                 most {fast} in ten minutes and {slow} on a day; after {ESTABLISHED_DAYS} such days the limit is at least \
                 {OWN_MAXIMUM_FACTOR} times that."
            ),
        }
    }
}

impl Joined {
    fn join(&mut self, piece: &Self) {
        if (piece.first, piece.place) < (self.first, self.place) {
            (self.first, self.place) = (piece.first, piece.place);
        }
        self.last = self.last.max(piece.last);
        self.packets = self.packets.saturating_add(piece.packets);
        self.bytes = self.bytes.saturating_add(piece.bytes);
        self.answer_packets = self.answer_packets.saturating_add(piece.answer_packets);
        self.is_closed |= piece.is_closed;
    }

    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.is_closed || now.ms() - self.last >= SILENT_MS
    }

    /// Whether it is over and as long as an attempt or longer.
    fn is_long_enough(&self, service: &Service, now: Time) -> bool {
        self.is_over(now) && self.is_answered() && self.packets >= service.packets.0
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answer_packets >= ANSWER_PACKETS_MIN
    }

    fn is_attempt(&self, service: &Service, now: Time) -> bool {
        self.is_long_enough(service, now) && self.packets <= service.packets.1
    }
}

impl Guess {
    /// How many, when, how much alike.
    pub(crate) fn sentence(&self, key: &PairKey, service: &Service) -> String {
        let (first, last) = match (self.attempts.first(), self.attempts.last()) {
            (Some(first), Some(last)) => (first.first, last.first),
            _ => (0, 0),
        };
        format!(
            "There were {} short {} connections (TCP port {}) {} {}, each with {} to {} packets of the client and an \
             answer; {} of all {} of such length or longer had {} to {} packets, a share of at least {} (Wilson's lower \
             bound at z = 2).",
            self.attempts.len(),
            service.name,
            key.port,
            self.whom,
            span(first, last),
            service.packets.0,
            service.packets.1,
            self.alike.count,
            self.all,
            self.alike.packets.0,
            self.alike.packets.1,
            percent(self.alike.bound.into(), 10_000)
        )
    }

    /// The limits in force.
    pub(crate) fn limits(&self, thresholds: &Thresholds) -> String {
        format!(
            "The limit is {} within {} (at least {}), and they must be alike: a share of at least {}.",
            self.limit,
            self.time,
            quoted(self.setting, thresholds),
            quoted(&ALIKE, thresholds)
        )
    }

    /// Whether ten minutes were enough to tell.
    pub(crate) fn is_fast(&self) -> bool {
        self.setting.key == ATTEMPTS.key
    }

    /// The mean number of packets of the attempts, rounded down.
    pub(crate) fn mean_packets(&self) -> u64 {
        let sum: u64 = self.attempts.iter().map(|one| u64::from(one.packets)).sum();
        sum / (self.attempts.len() as u64).max(1)
    }

    /// The most packets of nine in ten attempts, and of those that are alike.
    pub(crate) fn usual_max(&self) -> u32 {
        let mut packets: Vec<u32> = self.attempts.iter().map(|one| one.packets).collect();
        packets.sort_unstable();
        let of_nine_in_ten = packets.get(packets.len() * 9 / 10).copied().unwrap_or(0);
        self.alike.packets.1.max(of_nine_in_ten)
    }
}

impl Beat {
    /// The beat of these, if it is at least so long.
    fn of(conversations: &[&Joined], least_ms: i64) -> Option<Self> {
        let gaps: Vec<i64> = conversations.windows(2).map(|pair| pair[1].first - pair[0].first).collect();
        let mut sorted = gaps.clone();
        sorted.sort_unstable();
        let period_ms = *sorted.get(sorted.len() / 2).filter(|median| **median >= least_ms)?;
        let slack = BEAT_SLACK_MS.max(period_ms * BEAT_SLACK_PERCENT / 100);
        let mut on_beat = Vec::with_capacity(gaps.len() + 1);
        let mut count = 0;
        on_beat.push(0);
        for gap in gaps {
            let beats = ((gap + period_ms / 2) / period_ms).clamp(1, BEATS_MAX);
            count += usize::from((gap - beats * period_ms).abs() <= slack);
            on_beat.push(count);
        }
        Some(Self { period_ms, on_beat })
    }

    /// Whether so many conversations from this one on keep it.
    fn is_kept(&self, begin: usize, count: usize) -> bool {
        let gaps = count.saturating_sub(1);
        let at = |place: usize| self.on_beat.get(place).copied().unwrap_or(0);
        let kept = at(begin + gaps).saturating_sub(at(begin));
        gaps > 0 && kept * 100 >= gaps * ON_BEAT_PERCENT_MIN
    }
}

impl Alike {
    fn of(conversations: &[Joined], service: &Service) -> Self {
        Self::of_all(&conversations.iter().collect::<Vec<_>>(), service)
    }

    /// The most attempts whose numbers of packets lie within [`ALIKE_FACTOR`], of all conversations.
    fn of_all(conversations: &[&Joined], service: &Service) -> Self {
        Self::within(conversations, conversations.len() as u64, service)
    }

    /// The same of these, which are some of so many.
    fn of_some(conversations: &[Joined], all: u64, service: &Service) -> Self {
        Self::within(&conversations.iter().collect::<Vec<_>>(), all, service)
    }

    fn within(conversations: &[&Joined], all: u64, service: &Service) -> Self {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        for one in conversations.iter().filter(|one| (service.packets.0..=service.packets.1).contains(&one.packets)) {
            *counts.entry(one.packets).or_default() += 1;
        }
        let mut best = Self::default();
        for &low in counts.keys() {
            let high = (u64::from(low) * ALIKE_FACTOR / 10_000) as u32;
            let (mut count, mut most) = (0, low);
            for (&packets, many) in counts.range(low..=high) {
                (count, most) = (count + many, packets);
            }
            if count > best.count {
                best = Self { count, packets: (low, most), bound: 0 };
            }
        }
        Self { bound: wilson_lower(best.count, all), ..best }
    }
}

/// The largest window of this length that satisfies.
fn best_window(
    all: &[&Joined],
    span_ms: i64,
    is_news: bool,
    judge: impl Fn(usize, &[&Joined]) -> Option<Guess>,
) -> Option<Guess> {
    let (mut best, mut begin, mut after_new): (Option<Guess>, usize, usize) = (None, 0, 0);
    for end in 0..all.len() {
        while all[end].first - all[begin].first >= span_ms {
            begin += 1;
        }
        if !all[end].is_reported {
            after_new = end + 1;
        }
        let is_larger = best.as_ref().is_none_or(|best| end + 1 - begin > best.all as usize);
        if is_larger && (after_new > begin || !is_news) {
            best = judge(begin, &all[begin..=end]).or(best);
        }
    }
    best
}

fn attempts_of(window: &[&Joined], service: &Service, now: Time) -> Vec<Joined> {
    window.iter().filter(|one| one.is_attempt(service, now)).map(|one| **one).collect()
}

/// A share as 1/10000.
fn share(value: f64) -> u32 {
    (value * 10_000.0) as u32
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
