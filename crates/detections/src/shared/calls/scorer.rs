//! What an hour of calls says about habits: sessions, their scores, what fires, and what is learnt.

use super::caller::{Caller, Outcome};
use super::explain;
use super::limits::{AccountScores, Limits, Place, Question};
use super::places;
use super::risk::{self, HIGH_RISK_TENTHS, Risk, Tactic};
use super::score::{self, Factor, Known, Levels, ScoredStep};
use super::session::{Pace, SessionKey, Step, cut};
use super::text::Text;
use crate::shared::api_class::S3DataClass;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Learning, Scene, Threshold, Thresholds};
use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;
use watchfire_knowledge::baseline::{EntityKind, EntityRef, Feature, Frequency, Lessons, Metric};
use watchfire_knowledge::statistics::stable_hash;
use watchfire_model::{FindingType, Time};

/// Days of the account before anything fires.
pub(crate) static ACCOUNT_DAYS: Threshold = Threshold {
    key: "calls.anomalous_behavior.account_days",
    default: 7.0,
    min: 1.0,
    max: 90.0,
    unit: "days",
    source: "our choice: a week has every day of the week",
    summary: "An account of which less is known is learnt, not judged.",
};
/// Active hours of a principal before calls of ordinary risk count.
pub(crate) static PRINCIPAL_HOURS: Threshold = Threshold {
    key: "calls.anomalous_behavior.principal_hours",
    default: 20.0,
    min: 0.0,
    max: 2_000.0,
    unit: "active hours",
    source: "our choice: about a working week of somebody who uses AWS half of the day",
    summary: "Of a principal that was active for less, only calls of high risk count.",
};
/// Principals that begin the same within a day.
pub(crate) static STARTERS: Threshold = Threshold {
    key: "calls.anomalous_behavior.starters",
    default: 3.0,
    min: 2.0,
    max: 1_000.0,
    unit: "principals",
    source: "our choice: a new tool, pipeline or console page comes to several at once",
    summary: "A call of ordinary risk that so many principals begin to make within 24 hours is not counted.",
};
/// So many different calls of high risk on two days each make an administrator. Source: our choice; a deployment that
/// manages one kind of thing makes three or four.
const TRADE_MIN: usize = 5;
/// Circumstances that add less than this are no news.
const NEWS_MILLI: i64 = 1_000;
/// From where and with what a session is made is unusual if that alone adds so much: a network that is new to the caller and
/// its account adds six bits, a home that is new to the caller only, one or two. Source: our choice, between the two.
const VISIT_MILLI: i64 = 3_000;
/// A principal that is known for so many days and was hardly active is no newcomer, but forgotten. Source: our choice, the
/// time after which an account's own limits hold.
const FORGOTTEN_DAYS: u32 = 14;
/// Days of an account after which its strangers are judged: by then its own places are known, though not yet its habits.
/// Source: our choice; on generated accounts it finds twice as many attacks of the first week.
const STRANGERS_DAYS: u64 = 3;
/// A token is news for this long.
const STARTS_MS: i64 = 24 * Time::HOUR_MS;
/// What strangers do with somebody's credentials is not learnt for this long. Source: 24 hours, as for all that fires.
const STRANGERS_MS: i64 = 24 * Time::HOUR_MS;
/// Bounds of the state.
const OPEN_MAX: usize = 50_000;
const STARTS_MAX: usize = 200_000;
const ACCOUNTS_MAX: usize = 10_000;
const YOUNG_MAX: usize = 50_000;
/// Room for the steps of a session, to begin with.
const STEPS_USUAL: usize = 8;
/// Steps kept of a session that goes on.
const STEPS_MAX: usize = 400;
/// Records shown in a finding.
pub(crate) const RECORDS_MAX: usize = 8;

const STATE_VERSION: u64 = 3;
/// The version before roles were told apart: a step of it has none, and the rest is the same.
const STATE_WITHOUT_ROLES: u64 = 2;

/// The values of [`Feature::HourOfDay`].
const HOURS_OF_DAY: [&str; 24] = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16", "17", "18",
    "19", "20", "21", "22", "23",
];

/// Which calls are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plane {
    /// Management events.
    Management,
    /// Data events of S3, and the management events that change who may use a bucket.
    S3,
}

/// The sessions of one plane.
pub(crate) struct Scorer {
    plane: Plane,
    /// What the hour that is being shown holds, one caller after the other; empty between hours.
    hour: Vec<(Arc<SessionKey>, Vec<Step>)>,
    state: State,
}

/// What is remembered from hour to hour.
#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Sessions that may go on in the next hour.
    #[serde(with = "open_sessions")]
    open: HashMap<Arc<SessionKey>, Session, foldhash::fast::FixedState>,
    /// Who began to use a token, and when, by account and token.
    #[serde(with = "hashed_pairs")]
    starts: HashMap<(Text, Text), Vec<Start>, foldhash::fast::FixedState>,
    /// Scores by account.
    scores: BTreeMap<String, AccountScores>,
    /// Accounts that are not judged yet: days; and principals that are not judged wholly: hours.
    young_accounts: BTreeMap<String, u32>,
    young_principals: BTreeMap<String, u32>,
    /// Those that are, by a hash of their name.
    grown_accounts: BTreeSet<u64>,
    grown_principals: BTreeSet<u64>,
    /// When a stranger was last found with the credentials of whom.
    #[serde(default)]
    strangers: BTreeMap<String, Time>,
    evicted: u64,
}

/// A session as far as it was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) begin: Time,
    pub(crate) end: Time,
    pub(crate) steps: Vec<ScoredStep>,
    pub(crate) shared: Vec<Factor>,
    /// What was reported of it.
    fired: Vec<FindingType>,
}

/// A session of the hour that is judged.
struct Heard {
    key: Arc<SessionKey>,
    known: Known,
    session: Session,
    /// Whether it may go on in the next hour.
    is_open: bool,
}

/// That a principal began to use something.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Start {
    principal: Text,
    at: Time,
    /// From which network, if that is not its usual place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    away: Option<Text>,
}

impl Scorer {
    /// Nothing seen yet.
    pub(crate) fn new(plane: Plane) -> Self {
        Self { plane, hour: Vec::new(), state: State::default() }
    }

    /// Takes in the calls of one API by one caller.
    pub(crate) fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &Scene<'_>) {
        if !self.plane.is_judged(key) {
            return;
        }
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let step = Step::of(key, tally);
        match self.hour.last_mut() {
            Some((last, steps)) if last == session => steps.push(step),
            _ => {
                let mut steps = Vec::with_capacity(STEPS_USUAL);
                steps.push(step);
                self.hour.push((Arc::clone(session), steps));
            }
        }
    }

    /// Judges the hour that ends here, and teaches what it holds.
    pub(crate) fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        if end.ms() % Time::HOUR_MS != 0 {
            return;
        }
        let begin = end.plus_ms(-Time::HOUR_MS);
        let mut noted: Option<Arc<Caller>> = None;
        for Heard { key, known, mut session, is_open } in self.score_hour(begin, scene) {
            self.weigh(&key, &mut session, scene, begin);
            self.mute(&key, &mut session, known, scene.thresholds);
            // The sessions of one caller follow each other.
            if noted.as_ref() != Some(&key.caller) {
                self.note_age(&key, known, scene.thresholds);
                noted = Some(Arc::clone(&key.caller));
            }
            let has_fired = self.judge(&key, &mut session, (begin, known), scene);
            self.teach(&key, &session, begin, has_fired, scene.lessons);
            if is_open && end.ms() - session.end.ms() <= session.pace().idle_gap_ms {
                session.steps.truncate(STEPS_MAX);
                self.state.open.insert(key, session);
            }
        }
        self.bound();
    }

    /// Forgets what lies out of reach.
    pub(crate) fn expire(&mut self, now: Time) -> u64 {
        self.state.open.retain(|_, session| now.ms() - session.end.ms() <= session.pace().idle_gap_ms + Time::HOUR_MS);
        self.state.starts.retain(|_, starts| {
            starts.retain(|start| now.ms() - start.at.ms() < STARTS_MS);
            !starts.is_empty()
        });
        self.state.strangers.retain(|_, at| now.ms() - at.ms() < STRANGERS_MS + Time::HOUR_MS);
        std::mem::take(&mut self.state.evicted)
    }

    /// Sessions that may go on, and bytes.
    pub(crate) fn size(&self) -> (u64, u64) {
        let steps: usize = self.state.open.values().map(|session| session.steps.len()).sum();
        let scores: usize = self.state.scores.values().map(AccountScores::size_bytes).sum();
        let names = self.state.young_principals.len() + self.state.grown_principals.len();
        let bytes = steps * 900 + self.state.starts.len() * 200 + scores + names * 60;
        (self.state.open.len() as u64, bytes as u64)
    }

    /// Accounts and principals of which too little is known.
    pub(crate) fn learning(&self, thresholds: &Thresholds) -> Vec<Learning> {
        let of =
            |entity_kind, young: &BTreeMap<String, u32>, grown: &BTreeSet<u64>, threshold: &Threshold, unit, from| {
                Learning {
                    entity_kind,
                    learning: young.len() as u64,
                    judged: grown.len() as u64,
                    reached: young.values().max().map_or(0, |most| most + from),
                    of: u32::try_from(thresholds.count(threshold)).unwrap_or(u32::MAX),
                    unit,
                }
            };
        let state = &self.state;
        let accounts = of("account", &state.young_accounts, &state.grown_accounts, &ACCOUNT_DAYS, "day", 1);
        let principals =
            of("principal", &state.young_principals, &state.grown_principals, &PRINCIPAL_HOURS, "active hour", 0);
        [accounts, principals].into_iter().filter(|learning| learning.learning > 0).collect()
    }

    /// The state as JSON.
    pub(crate) fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": STATE_VERSION, "state": self.state })
    }

    /// Takes a saved state back.
    pub(crate) fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        if saved["version"] != STATE_VERSION && saved["version"] != STATE_WITHOUT_ROLES {
            return Err(format!("the state of sessions has version {}, not {STATE_VERSION}", saved["version"]));
        }
        let state = serde_json::from_value(saved["state"].take());
        self.state = state.map_err(|cause| format!("the state of sessions cannot be read: {cause}"))?;
        Ok(())
    }

    /// What the hour holds by session, in order.
    fn take_hour(&mut self) -> Vec<(Arc<SessionKey>, Vec<Step>)> {
        let mut hour = std::mem::take(&mut self.hour);
        hour.sort_by(|one, other| one.0.cmp(&other.0));
        hour.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1.append(&mut later.1);
            }
            same
        });
        hour
    }

    /// The hour's sessions with their surprises. Nothing is decided yet: who else began the same must be known first.
    fn score_hour(&mut self, begin: Time, scene: &Scene<'_>) -> Vec<Heard> {
        let hour = self.take_hour();
        let mut heard = Vec::with_capacity(hour.len());
        let mut last: Option<(Arc<Caller>, Levels<'_>)> = None;
        for (key, steps) in hour {
            let levels = match &last {
                Some((caller, levels)) if *caller == key.caller => *levels,
                _ => Levels::of(key.caller.levels(), scene.baselines, begin),
            };
            last = Some((Arc::clone(&key.caller), levels));
            let known = levels.known();
            let mut earlier = self.state.open.remove(&key);
            let begun = earlier.as_ref().map(|session| (session.begin, session.end));
            let mut shared = earlier.is_none().then(|| Session::shared(&key, &steps, &levels));
            let known_shared = earlier.as_ref().map(|session| &session.shared).or(shared.as_ref());
            let mut cut = cut(steps, begun, known_shared.map_or(Pace::USUAL, |shared| Pace::of(shared)));
            let pieces = cut.len();
            for (at, (goes_on, steps)) in cut.drain(..).enumerate() {
                let mut session = match earlier.take().filter(|_| goes_on) {
                    Some(session) => session,
                    None => {
                        let shared = shared.take().unwrap_or_else(|| Session::shared(&key, &steps, &levels));
                        Session::begun(&steps, shared)
                    }
                };
                session.take_in(steps, self.plane, &levels);
                self.note_starts(&key, &session, begin);
                heard.push(Heard { key: Arc::clone(&key), known, session, is_open: at + 1 == pieces });
            }
        }
        heard
    }

    fn note_starts(&mut self, key: &SessionKey, session: &Session, begin: Time) {
        let plane = self.plane;
        let place = place_of(&session.shared);
        let away = (place != Place::Usual).then(|| key.network.name.clone());
        let new = session.steps.iter().filter(|scored| {
            scored.factor.common[0] == Frequency::Unseen
                && scored.step.last >= begin
                // A thief mutes nothing that matters.
                && !(place == Place::Strange && plane.risk(&scored.step).weight_tenths >= HIGH_RISK_TENTHS)
        });
        for scored in new {
            let token = (key.caller.account.clone(), scored.step.token.clone());
            let starts = self.state.starts.entry(token).or_default();
            if !starts.iter().any(|known| known.principal == key.caller.principal) {
                let principal = key.caller.principal.clone();
                starts.push(Start { principal, at: scored.step.first, away: away.clone() });
            }
        }
    }

    /// Weighs calls of high risk like any other where they are the caller's trade and nothing else is new.
    ///
    /// An administrator makes another such call every few days; from the same desk with the same program that is no theft.
    fn weigh(&self, key: &SessionKey, session: &mut Session, scene: &Scene<'_>, now: Time) {
        let has_news = |scored: &ScoredStep| {
            self.plane.risk(&scored.step).weight_tenths >= HIGH_RISK_TENTHS && scored.factor.is_rare_for_caller()
        };
        let has_no_other_news = |session: &Session| {
            let steps: Vec<&ScoredStep> = session.steps.iter().collect();
            score::context_milli(&session.shared, &steps) < NEWS_MILLI
        };
        let is_trade =
            session.steps.iter().any(has_news) && has_no_other_news(session) && is_administrator(key, scene, now);
        for scored in &mut session.steps {
            let weight = self.plane.risk(&scored.step).weight_tenths;
            scored.weight_tenths = if is_trade { weight.min(10) } else { weight };
            scored.factor.points_milli = i64::from(scored.factor.surprise.bits_milli) * scored.weight_tenths / 10;
        }
    }

    /// Decides which steps count.
    fn mute(&self, key: &SessionKey, session: &mut Session, known: Known, thresholds: &Thresholds) {
        let place = place_of(&session.shared);
        let is_forgotten = place != Place::Usual && known.principal_days >= FORGOTTEN_DAYS;
        let is_young = u64::from(known.hours) < thresholds.count(&PRINCIPAL_HOURS) && !is_forgotten;
        let starters_min = thresholds.count(&STARTERS);
        for scored in &mut session.steps {
            let is_begun_by_many =
                || self.starters(&key.caller.account, &scored.step, scored.is_high_risk()) as u64 >= starters_min;
            // What several begin on one day from their usual places, or each from a home of its own, has one cause: an
            // incident, or a new duty.
            scored.muted = !(scored.is_high_risk() && place == Place::Strange) && is_begun_by_many();
            scored.counts = !scored.muted && (scored.is_high_risk() || !is_young);
        }
    }

    /// How many principals began this within a day before or after.
    fn starters(&self, account: &Text, step: &Step, is_high_risk: bool) -> usize {
        let starts = self.state.starts.get(&Token { account, token: &step.token });
        starts.map_or(0, |starts| starters(starts, step.first, is_high_risk))
    }

    fn note_age(&mut self, key: &SessionKey, known: Known, thresholds: &Thresholds) {
        let Known { hours, account_days: days, .. } = known;
        let State { young_accounts, grown_accounts, young_principals, grown_principals, .. } = &mut self.state;
        let account_grown = u64::from(days) >= thresholds.count(&ACCOUNT_DAYS);
        note(young_accounts, grown_accounts, &key.caller.account, days, account_grown);
        let principal_grown = u64::from(hours) >= thresholds.count(&PRINCIPAL_HOURS);
        note(young_principals, grown_principals, &key.caller.principal, hours, principal_grown);
    }

    /// Says what is unusual. Whether anything was, now or earlier in this session.
    fn judge(
        &mut self,
        key: &SessionKey,
        session: &mut Session,
        (hour, known): (Time, Known),
        scene: &mut Scene<'_>,
    ) -> bool {
        let steps: Vec<&ScoredStep> = session.steps.iter().collect();
        let whole = score::score(&session.shared, &steps);
        // What is compared with the limits is what has something to fire on; the rest is as good as nothing.
        let has_news = score::gates_open(&session.shared, &steps);
        let place = place_of(&session.shared);
        let types = if has_news { self.plane.by_type(&steps) } else { Vec::new() };
        let account_days = u64::from(known.account_days);
        let is_learnt = account_days >= scene.thresholds.count(&ACCOUNT_DAYS);
        let is_judged = is_learnt || (place == Place::Strange && account_days >= STRANGERS_DAYS);
        let scored = types.first().map(|(finding_type, _)| (*finding_type, whole));
        let limits = |finding_type: FindingType| {
            let (account_days, now) = (known.account_days, session.begin);
            let question = Question { finding_type, now, account_days, place };
            let scores = self.state.scores.get(&*key.caller.account);
            scores.map_or_else(|| Limits::set(scene.thresholds), |scores| scores.limits(question, scene.thresholds))
        };
        let crosses = |limits: Limits, steps: &[&ScoredStep]| {
            limits.are_reached(score::score(&session.shared, steps)) && score::gates_open(&session.shared, steps)
        };
        let mut fired = Vec::new();
        let primary = types.first().map(|(finding_type, _)| limits(*finding_type));
        if let Some(limits_of_all) = primary.filter(|limits| is_judged && crosses(*limits, &steps)) {
            for (finding_type, of_type) in types {
                // What else was done is reported by itself if it would have fired by itself; looking around goes with all.
                if fired.is_empty() {
                    fired.push((finding_type, steps.clone(), limits_of_all));
                } else if !self.plane.is_discovery(finding_type) {
                    let limits = limits(finding_type);
                    if crosses(limits, &of_type) {
                        fired.push((finding_type, of_type, limits));
                    }
                }
            }
        }
        // A visit is one session, in however many hours it goes on. Of an account that is new everything is news: that is
        // not learnt as usual, nor what a stranger did.
        let is_new = session.begin >= hour || place == Place::Usual;
        let is_good = fired.is_empty() || place != Place::Strange;
        if is_learnt && is_new && is_good {
            let scores = self.state.scores.entry(key.caller.account.to_string());
            let scores = scores.or_insert_with(|| AccountScores::begun(session.begin));
            scores.learn(scored, place, session.begin, scene.thresholds);
        }
        let reported = |finding_type: &FindingType| session.fired.contains(finding_type);
        for (finding_type, of_type, limits) in fired.iter().filter(|(finding_type, ..)| !reported(finding_type)) {
            let case = explain::Case { plane: self.plane, key, session, steps: of_type, limits: *limits, known };
            let verdict = explain::verdict(*finding_type, &case, scene);
            scene.verdicts.extend(verdict);
        }
        let types: Vec<FindingType> = fired.into_iter().map(|(finding_type, ..)| finding_type).collect();
        let has_fired = !types.is_empty() || !session.fired.is_empty();
        session.fired.extend(types);
        session.fired.sort_unstable();
        session.fired.dedup();
        has_fired
    }

    /// Teaches what the hour held, but for what strangers did: of an identity with whose credentials one was found nothing is
    /// learnt for a day from unusual places, and from its usual ones it is learnt all the time.
    ///
    /// What fired from the usual place is learnt like anything else: it was told once. Withheld, it would be news each time,
    /// for ever, of which findings would say that it was never done before; and of whoever begins a new duty nothing would
    /// be learnt as long as each day brings something new.
    fn teach(&mut self, key: &SessionKey, session: &Session, begin: Time, has_fired: bool, lessons: &mut Lessons) {
        let hour = begin.hour();
        let [principal, peers, account] = key.caller.levels();
        if session.pace() == Pace::VISIT {
            let strangers = &mut self.state.strangers;
            if has_fired {
                strangers.insert(key.caller.principal.to_string(), begin);
            }
            if strangers.get(&*key.caller.principal).is_some_and(|at| begin.ms() - at.ms() < STRANGERS_MS) {
                return;
            }
        }
        let users = places::users_entity(&key.caller, &key.network);
        lessons.seen(&users, Feature::Principal, &key.caller.principal, hour);
        lessons.seen(peers, Feature::Principal, &key.caller.principal, hour);
        let mut own = lessons.of(principal, hour);
        own.member(peers);
        own.member(account);
        own.seen(Feature::HourOfDay, HOURS_OF_DAY[hour.rem_euclid(24) as usize]);
        session.shared.iter().for_each(|factor| own.seen(factor.feature, &factor.value));
        let (mut calls, mut denied, mut region) = (0u64, 0u64, None);
        let steps = || session.steps.iter().map(|scored| &scored.step).filter(|step| step.last >= begin);
        for step in steps() {
            own.seen(Feature::Api, &step.token);
            for name in step.regions.iter().filter(|name| region != Some(*name)) {
                own.seen(Feature::Region, name);
            }
            region = step.regions.last().or(region);
            calls = calls.saturating_add(step.latest_calls);
            denied = denied.saturating_add(if step.outcome == Outcome::Denied { step.latest_calls } else { 0 });
            step.buckets.iter().for_each(|bucket| own.seen(Feature::Bucket, bucket));
            step.roles.iter().for_each(|role| own.seen(Feature::Role, role));
        }
        own.volume(Metric::ApiCallsPerHour, calls);
        own.volume(Metric::DeniedPerHour, denied);
        for step in steps() {
            for bucket in step.buckets.iter() {
                let mut of_bucket = lessons.of(EntityRef::new(EntityKind::Bucket, bucket), hour);
                of_bucket.seen(Feature::Principal, &key.caller.principal);
                of_bucket.seen(Feature::Api, &step.token);
                session.shared.iter().for_each(|factor| of_bucket.seen(factor.feature, &factor.value));
            }
        }
    }

    /// Lets what is oldest give way where there is too much.
    fn bound(&mut self) {
        let State {
            open, starts, scores, young_accounts, young_principals, grown_principals, strangers, evicted, ..
        } = &mut self.state;
        *evicted += drop_first_unordered(open, OPEN_MAX, |session| session.end)
            + drop_first_unordered(starts, STARTS_MAX, |starts| {
                starts.first().map_or(Time::default(), |start| start.at)
            })
            + drop_first(scores, ACCOUNTS_MAX, |scores| scores.since)
            + drop_first(young_accounts, ACCOUNTS_MAX, |days| *days)
            + drop_first(young_principals, YOUNG_MAX, |hours| *hours)
            + drop_first(strangers, YOUNG_MAX, |at| *at);
        while grown_principals.len() > 4 * YOUNG_MAX {
            grown_principals.pop_first();
        }
    }
}

/// How many of these began within a day before or after this moment. Of what is of high risk those who are away count once
/// for each network: a thief with several keys sits in one place.
fn starters(starts: &[Start], moment: Time, is_high_risk: bool) -> usize {
    let in_time = starts.iter().filter(|start| (start.at.ms() - moment.ms()).abs() < STARTS_MS);
    if !is_high_risk {
        return in_time.count();
    }
    let (away, usual): (Vec<&Start>, Vec<&Start>) = in_time.partition(|start| start.away.is_some());
    usual.len() + away.iter().map(|start| &start.away).collect::<BTreeSet<_>>().len()
}

impl Pace {
    /// Of a session with these circumstances.
    fn of(shared: &[Factor]) -> Self {
        if is_from_a_usual_place(shared) { Self::USUAL } else { Self::VISIT }
    }
}

/// Who calls from there with that: a stranger's place has something that nobody of the account had in a month.
fn place_of(shared: &[Factor]) -> Place {
    match shared.iter().all(|factor| factor.common[2] > Frequency::Rare) {
        _ if is_from_a_usual_place(shared) => Place::Usual,
        true => Place::OfAccount,
        false => Place::Strange,
    }
}

/// Whether from where and with what was called is known: to the caller, or well enough to those it belongs to.
fn is_from_a_usual_place(shared: &[Factor]) -> bool {
    score::context_milli(shared, &[]) < VISIT_MILLI
}

impl Session {
    /// The circumstances of a session that begins with these steps.
    fn shared(key: &SessionKey, steps: &[Step], levels: &Levels<'_>) -> Vec<Factor> {
        let user_type = steps.first().map_or_else(Text::default, |step| step.shown.user_type.clone());
        levels.of_session(key, &user_type)
    }

    fn begun(steps: &[Step], shared: Vec<Factor>) -> Self {
        let begin = steps.first().map_or(Time::default(), |step| step.first);
        Self { begin, end: begin, steps: Vec::new(), shared, fired: Vec::new() }
    }

    /// How long it may pause and last.
    pub(crate) fn pace(&self) -> Pace {
        Pace::of(&self.shared)
    }

    /// What was done before keeps its surprise of then: by now it has been learnt.
    fn take_in(&mut self, steps: Vec<Step>, plane: Plane, levels: &Levels<'_>) {
        self.steps.reserve_exact(steps.len());
        let is_usual_place = self.pace() == Pace::USUAL;
        let mut last_region = None;
        let earlier = self.steps.len();
        for step in steps {
            self.end = self.end.max(step.last);
            // Those of one hour are different.
            match self.steps[..earlier].iter_mut().find(|known| known.step.is_like(&step)) {
                Some(known) => known.step.merge(step),
                None => self.steps.push(scored(step, (plane, is_usual_place), levels, &mut last_region)),
            }
        }
    }
}

/// `last_region` is what was said of the last region: the steps of a session are mostly in one.
fn scored(
    step: Step,
    (plane, is_usual_place): (Plane, bool),
    levels: &Levels<'_>,
    last_region: &mut Option<Factor>,
) -> ScoredStep {
    let Risk { tactic, weight_tenths } = plane.risk(&step);
    let mut places = Vec::new();
    if !step.roles.is_empty() && levels.are_roles_learnt() {
        places.extend(step.roles.iter().filter_map(|role| levels.circumstance(Feature::Role, role)));
        places.retain(|place| place.points_milli > 0);
    }
    let asks_for_news = places.iter().any(Factor::is_rare_for_caller);
    let mut factor = api_factor(&step, (is_usual_place, asks_for_news), levels);
    factor.points_milli = factor.points_milli * weight_tenths / 10;
    for region in step.regions.iter() {
        if last_region.as_ref().is_none_or(|last| last.value != *region) {
            *last_region = levels.circumstance(Feature::Region, region);
        }
        places.extend(last_region.iter().filter(|place| place.points_milli > 0).cloned());
    }
    let buckets = step.buckets.iter().filter_map(|bucket| levels.circumstance(Feature::Bucket, bucket));
    places.extend(buckets.filter(|place| place.points_milli > 0));
    ScoredStep { step, tactic, weight_tenths, factor, counts: true, muted: false, places }
}

/// How surprising the call is. One that failed (throttled, not found, in conflict) is no more news than the same call with
/// success: what somebody does each day fails one day. One that was denied is: somebody tries what is not theirs; unless
/// the caller itself does it with success, and sits where it usually does: then a permission changed. Not so of a role that
/// it never assumed.
fn api_factor(step: &Step, (is_usual_place, asks_for_news): (bool, bool), levels: &Levels<'_>) -> Factor {
    let factor = levels.factor(Feature::Api, &step.token);
    let is_tried = step.outcome == Outcome::Denied && (!is_usual_place || asks_for_news);
    if step.outcome == Outcome::Ok || is_tried {
        return factor;
    }
    let succeeding = levels.factor(Feature::Api, &Text::from(&*step.token_of(Outcome::Ok)));
    let is_own = step.outcome == Outcome::Error || succeeding.common[0] > Frequency::Unseen;
    if is_own && succeeding.points_milli < factor.points_milli { succeeding } else { factor }
}

impl Plane {
    /// Whether these calls are judged here.
    fn is_judged(self, key: &CallTallyKey) -> bool {
        match self {
            Self::Management => !key.is_data,
            Self::S3 => {
                let (as_data, as_any) = key.deed().of_buckets;
                as_any || (as_data && key.is_data)
            }
        }
    }

    fn risk(self, step: &Step) -> Risk {
        match self {
            Self::Management => management_risk(step),
            Self::S3 => step.s3_risk,
        }
    }

    /// Whether a finding of this type says no more than that somebody looked around.
    fn is_discovery(self, finding_type: FindingType) -> bool {
        finding_type.purpose() == "Discovery"
    }

    /// The type that a step of this kind gives.
    pub(crate) fn finding_type(self, scored: &ScoredStep) -> Option<FindingType> {
        match self {
            Self::Management => scored.tactic.map(Tactic::identity_type),
            Self::S3 => Some(s3_type(scored.step.api())),
        }
    }

    /// The steps by the type that they give: that of the largest contributor first.
    fn by_type<'s>(self, steps: &[&'s ScoredStep]) -> Vec<(FindingType, Vec<&'s ScoredStep>)> {
        let mut types: Vec<(FindingType, Vec<&ScoredStep>)> = Vec::new();
        for step in steps.iter().filter(|step| step.counts) {
            let Some(finding_type) = self.finding_type(step) else { continue };
            match types.iter_mut().find(|(known, _)| *known == finding_type) {
                Some((_, of_type)) => of_type.push(step),
                None => types.push((finding_type, vec![step])),
            }
        }
        let most = |steps: &[&ScoredStep]| {
            steps.iter().map(|step| (step.points_milli(), step.tactic)).max().unwrap_or_default()
        };
        types.sort_by(|one, other| most(&other.1).cmp(&most(&one.1)).then_with(|| one.0.cmp(&other.0)));
        types
    }
}

/// Reading by the console weighs as what the console does in the background: a page makes a dozen calls of its own.
fn management_risk(step: &Step) -> Risk {
    let risk = step.management_risk;
    let by_console = step.shown.is_by_console;
    let only_looks = risk.tactic == Some(Tactic::Discovery) && step.outcome == Outcome::Ok;
    if by_console && only_looks { Risk { weight_tenths: risk.weight_tenths.min(6), ..risk } } else { risk }
}

const S3_DISCOVERY: FindingType = FindingType::new("Discovery:S3/AnomalousBehavior");
const S3_EXFILTRATION: FindingType = FindingType::new("Exfiltration:S3/AnomalousBehavior");
const S3_DELETE: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Delete");
const S3_PERMISSION: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Permission");
const S3_WRITE: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Write");

/// Calls that change who may use a bucket or an object. Source: S3's API reference.
pub(super) fn changes_permission(name: &str) -> bool {
    const PERMISSION: [&str; 8] = [
        "DeleteBucketPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PutBucketAcl",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketPublicAccessBlock",
        "PutObjectAcl",
        "PutPublicAccessBlock",
    ];
    PERMISSION.contains(&name)
}

fn s3_type(api: &str) -> FindingType {
    match S3DataClass::of(api) {
        _ if changes_permission(api) => S3_PERMISSION,
        S3DataClass::Discovery => S3_DISCOVERY,
        S3DataClass::Exfiltration => S3_EXFILTRATION,
        S3DataClass::Impact if api.starts_with("Delete") => S3_DELETE,
        S3DataClass::Impact => S3_WRITE,
    }
}

/// What a use of a bucket is for, and its weight.
pub(super) fn s3_risk(api: &str) -> Risk {
    let finding_type = s3_type(api);
    let (tactic, weight_tenths) = match finding_type.purpose() {
        "Discovery" => (Tactic::Discovery, 10),
        "Exfiltration" => (Tactic::Exfiltration, 10),
        _ if finding_type == S3_WRITE => (Tactic::Impact, 10),
        _ => (Tactic::Impact, 15),
    };
    Risk { tactic: Some(tactic), weight_tenths }
}

/// Whether different calls of high risk are this caller's habit.
fn is_administrator(key: &SessionKey, scene: &Scene<'_>, now: Time) -> bool {
    let [principal, ..] = key.caller.levels();
    let Some(profile) = scene.baselines.profile(principal) else { return false };
    let is_high = |token: &str| {
        let mut parts = token.split(':');
        let (service, api) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        parts.next() == Some("ok") && risk::management(service, api).weight_tenths >= HIGH_RISK_TENTHS
    };
    let habits = profile.values(Feature::Api, now);
    let high = habits.iter().filter(|(token, presence)| presence.days_seen >= 2 && is_high(token));
    high.take(TRADE_MIN).count() == TRADE_MIN
}

fn note(young: &mut BTreeMap<String, u32>, grown: &mut BTreeSet<u64>, name: &str, reached: u32, is_grown: bool) {
    if is_grown {
        young.remove(name);
        grown.insert(stable_hash(name.as_bytes()));
    } else if let Some(known) = young.get_mut(name) {
        *known = reached;
    } else {
        young.insert(name.to_owned(), reached);
    }
}

/// As [`drop_first`], where the map has no order.
fn drop_first_unordered<K: Ord + Clone + Hash, V, R: Ord>(
    map: &mut HashMap<K, V, foldhash::fast::FixedState>,
    max: usize,
    rank: impl Fn(&V) -> R,
) -> u64 {
    if map.len() <= max {
        return 0;
    }
    let mut in_order: BTreeMap<K, V> = map.drain().collect();
    let dropped = drop_first(&mut in_order, max, rank);
    map.extend(in_order);
    dropped
}

/// A token of an account, to be looked up.
#[derive(Hash)]
struct Token<'t> {
    account: &'t str,
    token: &'t str,
}

impl Equivalent<(Text, Text)> for Token<'_> {
    fn equivalent(&self, (account, token): &(Text, Text)) -> bool {
        (self.account, self.token) == (&**account, &**token)
    }
}

/// Drops the entries with the smallest rank beyond `max`; ties by key. How many.
fn drop_first<K: Ord + Clone, V, R: Ord>(map: &mut BTreeMap<K, V>, max: usize, rank: impl Fn(&V) -> R) -> u64 {
    if map.len() <= max {
        return 0;
    }
    let surplus = map.len() - max + max / 8;
    let mut ranks: Vec<(R, K)> = map.iter().map(|(key, value)| (rank(value), key.clone())).collect();
    ranks.sort_unstable();
    ranks.truncate(surplus);
    ranks.iter().for_each(|(_, key)| {
        map.remove(key);
    });
    ranks.len() as u64
}

/// Maps whose keys are no texts, as lists of pairs.
pub(super) mod pairs {
    use serde::{Serialize, Serializer};
    use std::collections::BTreeMap;

    pub(in super::super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }
}

/// The same where the map has no order: it is saved in one.
mod hashed_pairs {
    use hashbrown::HashMap;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;
    use std::hash::Hash;

    pub(super) fn serialize<K: Serialize + Ord, V: Serialize, B, S: Serializer>(
        map: &HashMap<K, V, B>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::pairs::serialize(&map.iter().collect::<BTreeMap<_, _>>(), serializer)
    }

    pub(super) fn deserialize<'de, K, V, B, D>(deserializer: D) -> Result<HashMap<K, V, B>, D::Error>
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de>,
        B: Default + std::hash::BuildHasher,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// The same where the keys are shared.
mod open_sessions {
    use super::{Session, SessionKey};
    use hashbrown::HashMap;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    type Open = HashMap<Arc<SessionKey>, Session, foldhash::fast::FixedState>;

    pub(super) fn serialize<S: Serializer>(map: &Open, serializer: S) -> Result<S::Ok, S::Error> {
        let in_order: BTreeMap<&SessionKey, &Session> = map.iter().map(|(key, session)| (&**key, session)).collect();
        serializer.collect_seq(in_order)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Open, D::Error> {
        let saved = Vec::<(SessionKey, Session)>::deserialize(deserializer)?;
        Ok(saved.into_iter().map(|(key, session)| (Arc::new(key), session)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thief_with_several_keys_is_one_who_begins() {
        let start = |principal: &str, away: Option<&str>| Start {
            principal: principal.into(),
            at: Time::from_ms(Time::HOUR_MS),
            away: away.map(Text::from),
        };
        let count = |away: [Option<&str>; 3], is_high_risk: bool| {
            let starts: Vec<Start> = ["a", "b", "c"].iter().zip(away).map(|(name, away)| start(name, away)).collect();
            starters(&starts, Time::from_ms(3 * Time::HOUR_MS), is_high_risk)
        };
        let (home, other, third) = (Some("AS64500"), Some("AS64501"), Some("AS64502"));
        assert_eq!(count([home, home, home], true), 1);
        assert_eq!(count([home, other, third], true), 3, "each at home");
        assert_eq!(count([None, None, home], true), 3);
        assert_eq!(count([home, home, home], false), 3);
        assert_eq!(starters(&[start("a", None)], Time::from_ms(25 * Time::HOUR_MS), true), 0, "a day before");
    }
}
