//! Who tries many doors: first contacts, what became of each, and the walk that tells a scanner from a client.
//!
//! A client knows whom it calls: most of its first contacts are answered. A scanner does not. So each first contact moves a
//! walk up if it failed and down if it was answered; the walk alone says how sure we are, and the number of doors within
//! ten minutes or a day says that it matters. Source: Jung, Paxson, Berger and Balakrishnan, "Fast Portscan Detection Using
//! Sequential Hypothesis Testing" (2004).

use crate::behaviour::{Exchanged, FlowView, Verdict};
use crate::shared::contact::{TCP, UDP, protocol_name};
use crate::shared::host::Host;
use crate::shared::state::pairs;
use crate::shared::subject::Origin;
use crate::tally::{Conversation, Place, RecordPlace};
use crate::{Context, Threshold, Thresholds};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use watchfire_knowledge::Bounded;
use watchfire_knowledge::statistics::{Sprt, log_likelihood_ratio_milli, stable_hash};
use watchfire_model::{Action, ConnectionDirection, NetworkConnectionAction, ResourceRole, Signal, Time};

/// The short window: as long as a slice, but it may begin anywhere.
pub(crate) const FAST_MS: i64 = 10 * Time::MINUTE_MS;
/// The long window.
pub(crate) const SLOW_MS: i64 = Time::DAY_MS;
/// The same door again within this time is no first contact.
const AGAIN_MS: i64 = Time::HOUR_MS;
/// A contact so short before the end of a slice may be answered in the next: it waits for that. A SYN is repeated after one
/// second, so three seconds are more than any round trip. Source: RFC 6298, section 2.
const EDGE_MS: i64 = 3 * Time::SECOND_MS;
/// How much more than ever on an earlier day counts as new for a host that is used to failures. Source: detection-methods,
/// section 2 (fan-out).
const OWN_MAXIMUM_FACTOR: u64 = 5;
/// What follows a finding is not learnt for so long. Source: detection-methods, section 0.10.
const NOT_LEARNT_MS: i64 = Time::DAY_MS;
/// Days of which the maximum is remembered.
const HISTORY_DAYS: i64 = 30;
/// Days after which a door that was answered once is a stranger's again.
const KNOWN_DAYS: i64 = 30;

/// Of a scanner's first contacts so many of 10,000 fail; of a client's so many. Source: Jung et al., section 5.
const FAILS: (u32, u32) = (8_000, 2_000);

/// Packets each way up to which a conversation was none. Source: detection-methods, section 2.
const FEW_PACKETS: u32 = 3;
/// A SYN with the options that any system sends. Source: RFC 9293, section 3.1; Linux sends 20 bytes of options.
const SYN_BYTES_MAX: (u64, u64) = (60, 80);
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// Hosts remembered. About 300 bytes, and their doors.
const HOSTS_MAX: usize = 100_000;
/// Doors that answered, remembered per host. About 20 bytes each.
const KNOWN_MAX: usize = 4_096;
/// Groups (a target, a port) per host.
const GROUPS_MAX: usize = 1_024;
/// Doors per group: ten times what any rule asks for. About 80 bytes each.
const DOORS_MAX: usize = 1_024;
/// Up to so many conversations are looked through again by each kind of scan.
const FEW_CONVERSATIONS: usize = 4;
/// Records shown.
const RECORDS_MAX: usize = 10;

/// UDP ports on which an unanswered packet says nothing: DNS and NTP are asked of many, QUIC is given up for TCP, and
/// traceroute counts up from its first port on purpose. Source: detection-methods, section 2; RFC 9000; traceroute(8).
const QUIET_UDP_PORTS: [(u16, u16); 4] = [(53, 53), (123, 123), (443, 443), (33_434, 33_534)];

/// A door: an address and a port.
pub(crate) type Door = (IpAddr, u16);

/// The first conversation of ten minutes with one door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Try {
    /// When, in milliseconds.
    pub(crate) at: i64,
    /// Whom.
    pub(crate) door: Door,
    /// The IANA number.
    pub(crate) protocol: u8,
    /// Our port.
    pub(crate) own_port: u16,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// Whether the other end is ours or private.
    pub(crate) is_internal: bool,
    /// Where its record stands.
    pub(crate) place: RecordPlace,
}

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Nobody was there who wanted to talk, or nobody wanted to talk with them.
    Failed(Failure),
    /// A conversation.
    Answered,
    /// Neither can be told.
    Unclear,
    /// Answered on an earlier occasion: whatever came of it today, they know each other.
    Known,
}

/// How a contact failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// No answer.
    Unanswered,
    /// A reset.
    Refused,
    /// Security groups or network ACLs dropped it.
    Rejected,
    /// There was an answer, and the asker left after two packets.
    Abandoned,
}

/// Which tries belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct GroupKey {
    pub(crate) target: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: u8,
}

/// What one kind of scan looks at.
pub(crate) struct Kind {
    /// The group of a try, if this kind of scan looks at it.
    pub(crate) group: fn(&Try) -> Option<GroupKey>,
    /// Whether answered tries are of interest before the first one failed.
    pub(crate) counts_answered: bool,
    /// Whether leaving at once is a failure: load balancers check their targets so.
    pub(crate) counts_abandoned: bool,
}

/// What all hosts tried.
#[derive(Serialize, Deserialize)]
pub(crate) struct Scanners {
    hosts: Bounded<Host, Source>,
    /// Of the evictions, how many were reported.
    reported: u64,
    /// Groups and doors dropped for lack of room.
    dropped: u64,
    /// Hosts with tries that wait for the next slice.
    holding: BTreeSet<Host>,
    /// What the tallies of the open slice showed.
    #[serde(skip)]
    slice: Slice,
}

/// What the tallies of one slice showed, by host. Found by hash and put in order at its end: hosts are texts, and to keep
/// a million of them in order took half a minute.
#[derive(Default)]
struct Slice {
    hosts: Vec<(Host, Origin, Vec<Try>)>,
    places: HashMap<Host, usize, foldhash::fast::FixedState>,
    /// The host of the last tally: they come in runs.
    last: Option<(IpAddr, Place, Option<usize>)>,
}

/// What one host tried.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Source {
    origin: Origin,
    /// Doors that answered, by hash, with the last day.
    #[serde(with = "pairs")]
    known: BTreeMap<u64, i64>,
    #[serde(with = "pairs")]
    groups: BTreeMap<GroupKey, Group>,
    held: Vec<Try>,
    first_day: i64,
    /// The day on which doors were last forgotten: what is known of one changes by days.
    #[serde(skip)]
    forgotten_on: Option<i64>,
}

/// Tries that belong together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Group {
    /// How sure we are.
    pub(crate) walk: Walk,
    #[serde(with = "pairs")]
    doors: BTreeMap<Door, Tried>,
    /// By day: the most that failed in ten minutes, and that failed on the day. Of days on which nothing was found.
    #[serde(with = "pairs")]
    history: BTreeMap<i64, (u64, u64)>,
    /// When the last try was, and when something was last found.
    last: i64,
    found_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Tried {
    first: Try,
    is_reported: bool,
}

/// The walk of one group, with what it takes to recompute it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    test: Sprt,
    /// Where it was when counting began.
    base_milli: i64,
    failed: u64,
    answered: u64,
}

/// Tries of a group within a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// In order of time.
    pub(crate) failed: Vec<Try>,
    /// How many others were new and did not fail.
    pub(crate) others: u64,
    /// How many doors were known already.
    pub(crate) known: u64,
}

/// A group with the host behind it, to be judged.
pub(crate) struct Suspect<'a> {
    /// Our end.
    pub(crate) origin: &'a Origin,
    /// What the tries have in common.
    pub(crate) key: GroupKey,
    /// The tries.
    pub(crate) group: &'a mut Group,
    /// The end of the slice.
    pub(crate) now: Time,
    /// Days since the host was first seen.
    pub(crate) age_days: i64,
}

impl Default for Scanners {
    fn default() -> Self {
        Self {
            hosts: Bounded::new(HOSTS_MAX),
            reported: 0,
            dropped: 0,
            holding: BTreeSet::new(),
            slice: Slice::default(),
        }
    }
}

impl Scanners {
    /// Takes in a tally.
    pub(crate) fn flow(&mut self, view: &FlowView<'_>, context: &Context<'_>) {
        if !view.is_outbound() || !matches!(view.key.protocol, TCP | UDP) || !is_a_host(view.remote()) {
            return;
        }
        let Some(tries) = self.slice.of(view, context) else { return };
        // A scan or a storm is very many flows of one conversation each: to keep what each shows would take more memory than
        // it saves time.
        if view.tally.conversations.kept().len() <= FEW_CONVERSATIONS {
            add_tries(view, tries);
        } else {
            let found = view.found.tries.get_or_init(|| {
                let mut tries = Vec::new();
                add_tries(view, &mut tries);
                tries.into()
            });
            tries.extend_from_slice(found);
        }
    }

    /// Judges what the slice brought: each group with a new try, in order.
    pub(crate) fn close(&mut self, kind: &Kind, end: Time, judge: &mut dyn FnMut(Suspect<'_>)) {
        let mut slice = std::mem::take(&mut self.slice);
        let waiting = std::mem::take(&mut self.holding);
        for host in waiting {
            if let Some(known) = self.hosts.get(&host).filter(|_| !slice.places.contains_key(&host)) {
                slice.hosts.push((host, known.origin.clone(), Vec::new()));
            }
        }
        slice.hosts.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
        for (host, origin, tries) in slice.hosts {
            let source = self.hosts.touch(host.clone(), end, || Source::new(origin.clone(), end));
            source.origin = origin;
            let touched = source.take_in(tries, kind, end);
            self.dropped += source.keep_bounds();
            if !source.held.is_empty() {
                self.holding.insert(host);
            }
            let age_days = end.day() - source.first_day;
            for key in touched {
                let Some(group) = source.groups.get_mut(&key) else { continue };
                group.forget_before(end);
                judge(Suspect { origin: &source.origin, key, group, now: end, age_days });
            }
        }
    }

    /// Forgets what is out of reach; how much was dropped for lack of room since the last call.
    pub(crate) fn expire(&mut self, now: Time) -> u64 {
        self.hosts.forget_before(now.plus_ms(-KNOWN_DAYS * Time::DAY_MS));
        self.hosts.values_mut().for_each(|source| source.forget_before(now));
        let dropped = self.hosts.evicted() + self.dropped - self.reported;
        self.reported += dropped;
        dropped
    }

    /// Hosts, and about how many bytes they take.
    pub(crate) fn size(&self) -> (u64, u64) {
        let bytes: usize = self
            .hosts
            .iter()
            .map(|(_, source)| {
                let doors: usize = source.groups.values().map(|group| 200 + group.doors.len() * 80).sum();
                300 + source.known.len() * 20 + doors
            })
            .sum();
        (self.hosts.len() as u64, bytes as u64)
    }

    /// After the state was read back.
    pub(crate) fn reindex(mut self) -> Self {
        self.hosts.reindex();
        self
    }
}

impl Slice {
    /// The tries of the host at our end of a flow, as far as the slice was shown.
    fn of(&mut self, view: &FlowView<'_>, context: &Context<'_>) -> Option<&mut Vec<Try>> {
        let is_last = self.last.as_ref().is_some_and(|(local, place, _)| *local == view.local() && place == view.place);
        if !is_last {
            let at = Host::of(view, context).map(|host| {
                *self.places.entry(host).or_insert_with_key(|host| {
                    self.hosts.push((host.clone(), Origin::of(view), Vec::new()));
                    self.hosts.len() - 1
                })
            });
            self.last = Some((view.local(), view.place.clone(), at));
        }
        let (.., at) = self.last.as_ref()?;
        self.hosts.get_mut((*at)?).map(|(.., tries)| tries)
    }
}

impl Source {
    fn new(origin: Origin, now: Time) -> Self {
        let (known, groups) = (BTreeMap::new(), BTreeMap::new());
        Self { origin, known, groups, held: Vec::new(), first_day: now.day(), forgotten_on: None }
    }

    /// Takes in the tries of a slice and those that waited for it, in order of time; which groups they belong to.
    fn take_in(&mut self, mut tries: Vec<Try>, kind: &Kind, end: Time) -> BTreeSet<GroupKey> {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            let goes_on: BTreeSet<(Door, u8)> =
                tries.iter().filter(|one| !one.outcome.is_failure()).map(|one| (one.door, one.protocol)).collect();
            tries.extend(held.into_iter().filter(|one| !goes_on.contains(&(one.door, one.protocol))));
        }
        tries.sort_unstable();
        let mut touched = BTreeSet::new();
        for one in tries {
            if one.outcome.is_failure() && one.at >= end.ms() - EDGE_MS && one.at < end.ms() {
                self.held.push(one);
            } else {
                touched.extend(self.take(one, kind));
            }
        }
        touched
    }

    fn take(&mut self, mut one: Try, kind: &Kind) -> Option<GroupKey> {
        let hash = hash_of(&one);
        let is_answered = one.outcome == Outcome::Answered;
        let known = self.known.get_mut(&hash);
        let is_known = known.is_some();
        match known {
            Some(day) if is_answered => *day = Time::from_ms(one.at).day(),
            None if is_answered => drop(self.known.insert(hash, Time::from_ms(one.at).day())),
            _ => {}
        }
        let key = (kind.group)(&one)?;
        if one.outcome == Outcome::Failed(Failure::Abandoned) && !kind.counts_abandoned {
            one.outcome = Outcome::Unclear;
        }
        // Known doors tell nothing, but an answer takes back a failure that came before it.
        let failed = |group: &Group| group.doors.get(&one.door).is_some_and(|tried| tried.first.outcome.is_failure());
        let takes_back = one.outcome == Outcome::Answered && self.groups.get(&key).is_some_and(failed);
        if is_known && !takes_back {
            one.outcome = Outcome::Known;
        }
        let begins = one.outcome.is_failure() || kind.counts_answered;
        if !begins && !self.groups.contains_key(&key) {
            return None;
        }
        self.groups.entry(key).or_default().take(one);
        Some(key)
    }

    /// Drops the oldest beyond the bounds; how many.
    fn keep_bounds(&mut self) -> u64 {
        let mut dropped = 0;
        if self.known.len() > KNOWN_MAX {
            let keep = |(&hash, &day): (&u64, &i64)| (day, hash);
            dropped += drop_smallest(&mut self.known, KNOWN_MAX / 4, keep);
        }
        if self.groups.len() > GROUPS_MAX {
            dropped += drop_smallest(&mut self.groups, GROUPS_MAX / 4, |(key, group)| (group.last, *key));
        }
        for group in self.groups.values_mut().filter(|group| group.doors.len() > DOORS_MAX) {
            let surplus = group.doors.len() - DOORS_MAX;
            dropped += drop_smallest(&mut group.doors, surplus, |(door, tried)| (tried.first.at, *door));
        }
        dropped
    }

    fn forget_before(&mut self, now: Time) {
        let day = now.day();
        if self.forgotten_on.replace(day) != Some(day) {
            self.known.retain(|_, last| day - *last <= KNOWN_DAYS);
        }
        self.groups.retain(|_, group| {
            group.forget_before(now);
            !group.doors.is_empty() || !group.history.is_empty()
        });
    }
}

impl Group {
    /// Takes a try in, unless the same door was tried within the hour; then an answer takes a failure back.
    fn take(&mut self, one: Try) {
        self.last = self.last.max(one.at);
        if let Some(tried) = self.doors.get_mut(&one.door) {
            let takes_back = tried.first.outcome.is_failure() && !one.outcome.is_failure();
            if takes_back && one.outcome == Outcome::Answered {
                tried.first.outcome = Outcome::Answered;
                self.walk.observe(false);
            }
            if takes_back || one.at - tried.first.at < AGAIN_MS {
                return;
            }
        }
        match one.outcome {
            Outcome::Failed(_) => self.walk.observe(true),
            Outcome::Answered => self.walk.observe(false),
            Outcome::Unclear | Outcome::Known => {}
        }
        self.doors.insert(one.door, Tried { first: one, is_reported: false });
    }

    /// The tries of the span that had the most failures, among those with one that was not reported yet.
    pub(crate) fn busiest(&self, span_ms: i64) -> Window {
        self.busiest_until(span_ms, i64::MIN)
    }

    /// The same of ten minutes that reach into the slice which ends now: only of these it is still known what was answered.
    pub(crate) fn busiest_now(&self, now: Time) -> Window {
        self.busiest_until(FAST_MS, now.ms() - FAST_MS - EDGE_MS)
    }

    /// The same, whose last failure was not before `last_min_ms`.
    fn busiest_until(&self, span_ms: i64, last_min_ms: i64) -> Window {
        let mut failed: Vec<&Tried> = self.doors.values().filter(|tried| tried.first.outcome.is_failure()).collect();
        failed.sort_unstable_by_key(|tried| tried.first);
        let (mut best, mut begin, mut after_new) = (0..0, 0, 0);
        for end in 0..failed.len() {
            while failed[end].first.at - failed[begin].first.at >= span_ms {
                begin += 1;
            }
            if !failed[end].is_reported {
                after_new = end + 1;
            }
            let is_late_enough = failed[end].first.at >= last_min_ms;
            if is_late_enough && end + 1 - begin > best.len() && after_new > begin {
                best = begin..end + 1;
            }
        }
        let failed: Vec<Try> = failed[best].iter().map(|tried| tried.first).collect();
        let (Some(first), Some(last)) = (failed.first(), failed.last()) else {
            return Window { failed, others: 0, known: 0 };
        };
        // As much before the first as after the last: the window may lie anywhere that holds the failures.
        let within = last.at - span_ms + 1..first.at + span_ms;
        let count = |is: fn(Outcome) -> bool| {
            let others =
                self.doors.values().filter(|tried| within.contains(&tried.first.at) && is(tried.first.outcome));
            others.count() as u64
        };
        let others = count(|outcome| matches!(outcome, Outcome::Answered | Outcome::Unclear));
        Window { others, known: count(|outcome| outcome == Outcome::Known), failed }
    }

    /// The largest numbers of earlier days: of ten minutes, of a day.
    pub(crate) fn own_maximum(&self, now: Time) -> (u64, u64) {
        let today = Time::from_ms(now.ms() - 1).day();
        let earlier = self.history.range(..today).map(|(_, &most)| most);
        earlier.fold((0, 0), |most, (fast, slow)| (most.0.max(fast), most.1.max(slow)))
    }

    /// Learns how many failed on a day on which nothing was found; few need no memory, for no limit rests on them.
    pub(crate) fn learn(&mut self, now: Time, fast: u64, slow: u64) {
        let today = Time::from_ms(now.ms() - 1).day();
        if self.found_at.is_some_and(|at| now.ms() - at < NOT_LEARNT_MS) {
            return;
        }
        if fast * OWN_MAXIMUM_FACTOR > 15 || slow * OWN_MAXIMUM_FACTOR > 60 {
            let most = self.history.entry(today).or_default();
            *most = (most.0.max(fast), most.1.max(slow));
        }
    }

    /// These were reported; the walk begins anew, and the day is not learnt.
    pub(crate) fn report(&mut self, window: &Window, now: Time) -> u64 {
        let mut count = 0;
        for one in &window.failed {
            if let Some(tried) = self.doors.get_mut(&one.door) {
                count += u64::from(!tried.is_reported);
                tried.is_reported = true;
            }
        }
        self.walk = Walk::default();
        self.found_at = Some(now.ms());
        self.history.remove(&Time::from_ms(now.ms() - 1).day());
        count
    }

    fn forget_before(&mut self, now: Time) {
        self.doors.retain(|_, tried| {
            let reach = if tried.first.outcome.is_failure() { SLOW_MS } else { 2 * FAST_MS + EDGE_MS };
            now.ms() - tried.first.at <= reach
        });
        let day = now.day();
        self.history.retain(|&on, _| day - on <= HISTORY_DAYS);
    }
}

impl Walk {
    /// One step, in 1/1000 nat.
    pub(crate) fn step_milli() -> i64 {
        log_likelihood_ratio_milli(FAILS.0, FAILS.1)
    }

    fn observe(&mut self, has_failed: bool) {
        let step = Self::step_milli();
        self.test.observe(if has_failed { step } else { -step });
        *(if has_failed { &mut self.failed } else { &mut self.answered }) += 1;
        if self.test.walk_milli() == Sprt::FLOOR_MILLI {
            (self.base_milli, self.failed, self.answered) = (Sprt::FLOOR_MILLI, 0, 0);
        }
    }

    /// Whether it is at the firing line or above.
    pub(crate) fn has_fired(&self) -> bool {
        self.test.has_fired()
    }

    /// The arithmetic, as a sentence.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "The walk stands at {} and fires at {}: since it was last at {}, {} first contacts failed and {} were \
             answered, and each moves it by ln(0.8/0.2) = {} (a scanner's fail in 80 of 100 cases, a client's in 20).",
            nats(self.test.walk_milli()),
            nats(Sprt::FIRE_MILLI),
            nats(self.base_milli),
            self.failed,
            self.answered,
            nats(Self::step_milli())
        )
    }
}

impl Outcome {
    /// Whether it failed.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl Suspect<'_> {
    /// What this group must reach: the setting, or five times what it had on any earlier day without a finding.
    pub(crate) fn limit(&self, floor: u64, own_maximum: u64) -> u64 {
        floor.max(own_maximum.saturating_mul(OWN_MAXIMUM_FACTOR))
    }

    /// The verdict about this window: its action, role, what became of the tries, the walk, the history.
    pub(crate) fn verdict(&mut self, mut signal: Signal, window: &Window, context: &Context<'_>) -> Option<Verdict> {
        let (first, last) = (window.failed.first()?, window.failed.last()?);
        signal.role = Some(ResourceRole::Actor);
        signal.action = self.action(last, context);
        signal.reasons.push(failures(&window.failed));
        signal.reasons.push(self.group.walk.sentence());
        signal.reasons.push(self.history());
        let places = window.failed.iter().map(|one| (Time::from_ms(one.at), one.place));
        let mut records: Vec<(Time, RecordPlace)> = places.collect();
        let surplus = records.len().saturating_sub(RECORDS_MAX);
        if surplus > 0 {
            records.drain(RECORDS_MAX / 2..RECORDS_MAX / 2 + surplus);
        }
        let (begin, end) = (Time::from_ms(first.at), Time::from_ms(last.at));
        let record_count = self.group.report(window, self.now);
        Some(Verdict { signal, begin, end, records, record_count })
    }

    fn action(&self, last: &Try, context: &Context<'_>) -> Action {
        Action::NetworkConnection(NetworkConnectionAction {
            direction: ConnectionDirection::Outbound,
            protocol: protocol_name(last.protocol),
            blocked: last.outcome == Outcome::Failed(Failure::Rejected),
            local_ip: Some(self.origin.local),
            local_port: last.own_port,
            local_interface: self.origin.place.interface.to_string(),
            remote: Some(context.knowledge.remote(last.door.0)),
            remote_port: last.door.1,
        })
    }

    fn history(&self) -> String {
        let (fast, slow) = self.group.own_maximum(self.now);
        match self.age_days {
            0 => "This host was first seen on this day: what is normal for it is not known.".to_owned(),
            days if (fast, slow) == (0, 0) => {
                format!("On the {days} days since this host was first seen it had hardly any such failures.")
            }
            days => format!(
                "On the {days} days since this host was first seen it had at most {fast} such failures in ten minutes and \
                 {slow} in a day."
            ),
        }
    }
}

/// Appends the tries of a tally: one for each door, the best of its conversations.
fn add_tries(view: &FlowView<'_>, tries: &mut Vec<Try>) {
    let has_flags = view.is_tcp() && view.tally.up.without_flags + view.tally.down.without_flags == 0;
    let begin = tries.len();
    for (port, conversation) in view.contacts() {
        let Some(outcome) = outcome(view, conversation, has_flags) else { continue };
        if is_quiet(view.key.protocol, port) {
            continue;
        }
        let one = Try {
            at: view.moment(conversation.first).ms(),
            door: (view.remote(), port),
            protocol: view.key.protocol,
            own_port: if port == view.key.port { conversation.port } else { view.key.port },
            outcome,
            is_internal: view.remote_is_internal,
            place: conversation.place,
        };
        match tries[begin..].iter_mut().find(|known| known.door == one.door) {
            Some(known) if rank(&one) < rank(known) => *known = one,
            Some(_) => {}
            None => tries.push(one),
        }
    }
}

/// An answer speaks louder than a failure, whatever came first.
fn rank(one: &Try) -> (u8, Try) {
    let rank = match one.outcome {
        Outcome::Answered | Outcome::Known => 0,
        Outcome::Unclear => 1,
        Outcome::Failed(_) => 2,
    };
    (rank, *one)
}

/// What became of a conversation; `None` if it shows no contact.
fn outcome(view: &FlowView<'_>, conversation: &Conversation, has_flags: bool) -> Option<Outcome> {
    let (opener, answer) = view.exchanged(conversation);
    if !view.is_tcp() {
        return Some(match (answer.packets, opener.rejected) {
            (0, true) => Outcome::Failed(Failure::Rejected),
            (0, false) if opener.packets <= FEW_PACKETS => Outcome::Failed(Failure::Unanswered),
            (0, false) => Outcome::Unclear,
            _ => Outcome::Answered,
        });
    }
    let is_opening = !has_flags || opener.flags & SYN != 0;
    if answer.packets >= FEW_PACKETS && opener.packets > FEW_PACKETS {
        return Some(Outcome::Answered);
    }
    if !is_opening {
        // A late piece of an older conversation. Nothing but a reset says nothing at all.
        return (opener.packets > 0 || answer.flags & RST == 0).then_some(Outcome::Unclear);
    }
    Some(failure(view, opener, answer, has_flags).map_or(Outcome::Unclear, Outcome::Failed))
}

fn failure(view: &FlowView<'_>, opener: Exchanged, answer: Exchanged, has_flags: bool) -> Option<Failure> {
    let is_short = opener.packets <= FEW_PACKETS && answer.packets <= FEW_PACKETS;
    let is_bare = u64::from(opener.bytes) <= u64::from(opener.packets) * syn_bytes(view.remote());
    if answer.packets == 0 || answer.rejected {
        // A SYN may be repeated more often than three times; data would be longer.
        let is_unheard = opener.packets <= FEW_PACKETS || is_bare;
        let failure = if opener.rejected || answer.rejected { Failure::Rejected } else { Failure::Unanswered };
        return is_unheard.then_some(failure);
    }
    let is_reset = answer.flags & RST != 0 && answer.flags & SYN == 0;
    // Without flags the size tells: nothing else that comes back first has no options at all.
    let is_bare_answer = !has_flags
        && u64::from(answer.bytes) <= u64::from(answer.packets) * reset_bytes(view.remote())
        && answer.packets <= opener.packets;
    if (is_reset && (is_short || is_bare)) || (is_bare_answer && is_short && is_bare) {
        return Some(Failure::Refused);
    }
    // Someone who opens a connection and keeps it without a word has not left.
    let has_left = !has_flags || (opener.flags | answer.flags) & (FIN | RST) != 0;
    let is_given_up = opener.packets < FEW_PACKETS || (opener.flags & RST != 0 && is_bare);
    (is_short && is_given_up && has_left).then_some(Failure::Abandoned)
}

/// A reset is the header alone, 40 bytes by IPv4 and 60 by IPv6; a SYN-ACK has at least the option of the segment's size
/// besides. Source: RFC 9293, sections 3.1 and 3.7.1 (every SYN carries the option, as all systems do).
fn reset_bytes(address: IpAddr) -> u64 {
    if address.is_ipv6() { 60 } else { 40 }
}

fn syn_bytes(address: IpAddr) -> u64 {
    if address.is_ipv6() { SYN_BYTES_MAX.1 } else { SYN_BYTES_MAX.0 }
}

fn is_quiet(protocol: u8, port: u16) -> bool {
    protocol == UDP && QUIET_UDP_PORTS.iter().any(|&(first, last)| (first..=last).contains(&port))
}

/// Not a group of hosts, and not the link itself.
fn is_a_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_multicast() || v4.is_broadcast() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_multicast() || v6.is_unicast_link_local() || v6.is_unspecified()),
    }
}

fn hash_of(one: &Try) -> u64 {
    let mut bytes = [0; 19];
    let bits = match one.door.0 {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    bytes[..16].copy_from_slice(&bits.to_be_bytes());
    bytes[16..18].copy_from_slice(&one.door.1.to_be_bytes());
    bytes[18] = one.protocol;
    stable_hash(&bytes)
}

fn drop_smallest<K: Ord + Copy, V, R: Ord>(
    map: &mut BTreeMap<K, V>,
    count: usize,
    rank: impl Fn((&K, &V)) -> R,
) -> u64 {
    let mut ranked: Vec<(R, K)> = map.iter().map(|(key, value)| (rank((key, value)), *key)).collect();
    ranked.sort_unstable();
    ranked.truncate(count);
    for (_, key) in &ranked {
        map.remove(key);
    }
    ranked.len() as u64
}

/// "209 failed: 180 unanswered, 20 refused (RST), 9 dropped by …".
fn failures(failed: &[Try]) -> String {
    let count = |failure| failed.iter().filter(|one| one.outcome == Outcome::Failed(failure)).count();
    format!(
        "Of the {} failed contacts {} had no answer, {} were refused (RST), {} were dropped by security groups or network \
         ACLs (REJECT), and {} were answered and given up at once.",
        failed.len(),
        count(Failure::Unanswered),
        count(Failure::Refused),
        count(Failure::Rejected),
        count(Failure::Abandoned)
    )
}

/// The setting, as reasons quote it.
pub(crate) fn quoted(threshold: &Threshold, thresholds: &Thresholds) -> String {
    format!("{} (setting `{}`)", thresholds.get(threshold), threshold.key)
}

/// "from 2024-04-19 12:00:00 to 2024-04-19 12:09:59 (UTC)".
pub(crate) fn span(begin_ms: i64, end_ms: i64) -> String {
    let clock = |ms: i64| {
        let text = Time::from_ms(ms).to_string();
        text.get(..19).map_or(text.clone(), |short| short.replace('T', " "))
    };
    format!("from {} to {} (UTC)", clock(begin_ms), clock(end_ms))
}

/// "97.5 %", rounded down.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let tenths = part * 1_000 / whole.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// 1/1000 nat as a decimal number.
fn nats(milli: i64) -> String {
    format!("{}{}.{:03}", if milli < 0 { "-" } else { "" }, milli.abs() / 1_000, milli.abs() % 1_000)
}
