//! Somebody signed in to the console from two places too far apart, or after guessing the password.

use crate::Thresholds;
use crate::shared::calls::caller::Network;
use crate::shared::calls::explain::{access_key, action, severity};
use crate::shared::calls::places;
use crate::shared::calls::session::{SessionKey, Step};
use crate::shared::calls::text::{Text, shared};
use crate::tally::{CallTally, CallTallyKey, ClientParts, RecordPlace};
use crate::{Behaviour, Detection, Interest, Learning, Need, Rule, Scene, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use watchfire_knowledge::Spot;
use watchfire_model::{Action, FindingType, Resource, ResourceKind, ResourceRole, Signal, Time};

const LOGIN: FindingType = FindingType::new("UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B");

/// How fast nobody travels.
pub(crate) static SPEED: Threshold = Threshold {
    key: "iam_user.console_login_success.speed",
    default: 900.0,
    min: 100.0,
    max: 20_000.0,
    unit: "km/h",
    source: "speed of an airliner",
    summary: "Two sign-ins between which the traveller must have been this fast are two people.",
};
/// How far apart two places must be.
pub(crate) static DISTANCE: Threshold = Threshold {
    key: "iam_user.console_login_success.distance",
    default: 500.0,
    min: 50.0,
    max: 20_000.0,
    unit: "km",
    source: "our choice: what databases of places are wrong by, with room",
    summary: "Places nearer than this are not told apart.",
};
/// How long an identity is watched first.
pub(crate) static LEARNING_DAYS: Threshold = Threshold {
    key: "iam_user.console_login_success.learning_days",
    default: 7.0,
    min: 0.0,
    max: 90.0,
    unit: "days",
    source: "Microsoft's detector of impossible travel watches a new user for seven days",
    summary: "In its first days an identity's places are recorded, not judged.",
};

/// How many failed sign-ins before one that succeeds are guessing.
pub(crate) static FAILURES: Threshold = Threshold {
    key: "iam_user.console_login_success.failures",
    default: 5.0,
    min: 2.0,
    max: 100_000.0,
    unit: "failed sign-ins in 24 hours",
    source: "our choice: who mistypes does so two or three times and then asks for a new password",
    summary: "A sign-in from a network that is new to its identity, after so many that failed, is a guessed password.",
};

/// So many failures are guessing also where nothing was learnt yet. Source: as for attempts over the network
/// (`ec2.guessing.attempts`).
const FAILURES_UNLEARNT: u64 = 20;
/// So many times the sign-ins that succeeded from that network must have failed. Source: our choice; the first day of a new
/// VPN brings failures too, but most who use it get in.
const FAILED_TO_SUCCEEDED: u64 = 4;
/// For how long failures count. Source: the interval of all sums by day.
const GUESSES_MS: i64 = 24 * Time::HOUR_MS;
/// Attempts remembered: by hour, account, network and name. The oldest give way.
const ATTEMPTS_MAX: usize = 20_000;
/// Failed sign-ins shown in a finding, besides the one that succeeded.
const SHOWN_MAX: usize = 7;

/// The least time that is reckoned with: two clocks differ, and a finding needs no speed of light. Source: the design.
const TIME_MIN_MS: i64 = 5 * Time::MINUTE_MS;
/// Half of the earth's circumference at the default speed takes 22 hours: older sign-ins prove nothing.
const MEMORY_MS: i64 = 26 * Time::HOUR_MS;
/// Sign-ins remembered of one identity, the newest; of identities, the latest to sign in.
const LOGINS_MAX: usize = 8;
const IDENTITIES_MAX: usize = 100_000;
const STATE_VERSION: u64 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[LOGIN],
    summary: "One identity signed in to the console from two places between which nobody travels that fast, or after guessing.",
    listens: &[Interest::CallTallies],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(ConsoleLogins::default())),
};

/// Identities with their last sign-ins.
#[derive(Default, Serialize, Deserialize)]
struct ConsoleLogins {
    identities: BTreeMap<String, Identity>,
    /// Sign-ins of the last day, whether they succeeded or not.
    #[serde(default, with = "as_pairs")]
    attempts: BTreeMap<Attempt, Tries>,
    evicted: u64,
}

/// Who tried to sign in from where, in which hour.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct Attempt {
    hour: i64,
    account: Text,
    network: Text,
    /// As who. Of a sign-in that failed the log has no ARN, so that this is the user's name.
    name: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Tries {
    failed: u64,
    succeeded: u64,
    /// The first and the last that failed.
    first: Time,
    last: Time,
    place: RecordPlace,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    /// The first day on which it signed in.
    first_day: i64,
    /// The newest last; those of the hour not in order until it closes.
    logins: Vec<Login>,
    /// Those before this moment were judged.
    judged_until: Time,
    /// When a guessed password was last told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guessed: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Login {
    at: Time,
    #[serde(with = "shared")]
    key: Arc<SessionKey>,
    step: Step,
}

/// Evidence: two successful sign-ins of one identity, and places between which it would have had to travel faster than an
/// airliner: the distance along the earth's surface, less the radius within which the database is sure of each place, by
/// the time between them, reckoned as five minutes at least.
///
/// Or: a sign-in that succeeds from a network that is new to the identity, after five that failed within 24 hours. Those
/// count that named the identity, from any network that is new to it, and those from the same network whomever they
/// named: who tries one password with many names guesses too. At least four must have failed for each that succeeded
/// from that network. This needs no database of places.
///
/// No evidence is a sign-in from a network that the identity used on two earlier days or that three others use: a VPN
/// or an office has its exit elsewhere. In the first seven days of an identity its places are only recorded, and in
/// those of an account only twenty failures count. Without a database with coordinates nothing can be said about
/// distances. A failed sign-in alone proves no identity and makes no finding.
///
/// False positives: a VPN or a phone that is used for the first time, a network that moved while the database did
/// not, and an owner who forgot the password on a journey. The finding names the networks.
impl Behaviour for ConsoleLogins {
    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        let api = &key.api;
        if &*api.name != "ConsoleLogin" || &*api.source != "signin.amazonaws.com" {
            return;
        }
        if let Some(claimed) = SessionKey::claimed(key, &scene.context) {
            self.tried(key, tally, claimed);
        }
        if !api.error_code.is_empty() {
            return;
        }
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let identity = self.identities.entry(session.caller.principal.to_string()).or_insert_with(|| Identity {
            first_day: tally.first.day(),
            logins: Vec::new(),
            judged_until: Time::from_ms(i64::MIN),
            guessed: None,
        });
        identity.first_day = identity.first_day.min(tally.first.day());
        let step = Step::of(key, tally);
        let moments = if tally.first == tally.last { vec![tally.first] } else { vec![tally.first, tally.last] };
        identity.logins.extend(moments.into_iter().map(|at| Login {
            at,
            key: Arc::clone(session),
            step: step.clone(),
        }));
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        if end.ms() % Time::HOUR_MS != 0 {
            return;
        }
        let oldest = end.ms() - GUESSES_MS - Time::HOUR_MS;
        self.attempts.retain(|_, tries| tries.last.ms() >= oldest);
        while self.attempts.len() > ATTEMPTS_MAX && self.attempts.pop_first().is_some() {
            self.evicted += 1;
        }
        for identity in self.identities.values_mut() {
            identity.logins.sort_by(|one, other| {
                (one.at, &one.key, one.step.place).cmp(&(other.at, &other.key, other.step.place))
            });
            identity.judge(scene);
            identity.judge_guesses(&self.attempts, scene);
            identity.judged_until = end;
            identity.logins.retain(|login| end.ms() - login.at.ms() <= MEMORY_MS);
            let surplus = identity.logins.len().saturating_sub(LOGINS_MAX);
            identity.logins.drain(..surplus);
        }
        while self.identities.len() > IDENTITIES_MAX {
            self.evict();
        }
    }

    fn expire(&mut self, _: Time) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    fn size(&self) -> (u64, u64) {
        let logins: usize = self.identities.values().map(|identity| identity.logins.len()).sum();
        (self.identities.len() as u64, (self.identities.len() * 150 + logins * 900) as u64)
    }

    fn learning(&self, thresholds: &Thresholds) -> Vec<Learning> {
        let ages = self.identities.values().map(|identity| identity.judged_until.day() - identity.first_day);
        let of = i64::try_from(thresholds.count(&LEARNING_DAYS)).unwrap_or(i64::MAX);
        let young: Vec<i64> = ages.clone().filter(|age| *age < of).collect();
        let Some(oldest) = young.iter().max() else { return Vec::new() };
        vec![Learning {
            entity_kind: "identity that signs in to the console",
            learning: young.len() as u64,
            judged: (self.identities.len() - young.len()) as u64,
            reached: u32::try_from(oldest + 1).unwrap_or(1),
            of: u32::try_from(of).unwrap_or(u32::MAX),
            unit: "day",
        }]
    }

    fn save(&self) -> serde_json::Value {
        serde_json::json!({ "version": STATE_VERSION, "state": self })
    }

    fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        if saved["version"] != STATE_VERSION {
            return Err(format!("the state of sign-ins has version {}, not {STATE_VERSION}", saved["version"]));
        }
        *self = serde_json::from_value(saved["state"].take())
            .map_err(|cause| format!("the state of sign-ins cannot be read: {cause}"))?;
        Ok(())
    }
}

impl ConsoleLogins {
    /// Notes a sign-in, whether it succeeded or not.
    fn tried(&mut self, key: &CallTallyKey, tally: &CallTally, claimed: &SessionKey) {
        let attempt = Attempt {
            hour: key.hour,
            account: claimed.caller.account.clone(),
            network: claimed.network.name.clone(),
            name: name_of(&key.client).to_owned(),
        };
        let CallTally { calls, first, last, place, .. } = *tally;
        let has_failed = !key.api.error_code.is_empty();
        let tries = self.attempts.entry(attempt).or_insert(Tries { failed: 0, succeeded: 0, first, last, place });
        if !has_failed {
            tries.succeeded = tries.succeeded.saturating_add(calls);
            return;
        }
        // What stands there so far may be sign-ins that succeeded.
        if tries.failed == 0 || (first, place) < (tries.first, tries.place) {
            (tries.first, tries.place) = (first, place);
        }
        tries.last = if tries.failed == 0 { last } else { tries.last.max(last) };
        tries.failed = tries.failed.saturating_add(calls);
    }

    /// Forgets the identity that has not signed in for the longest time, the first by name of several.
    fn evict(&mut self) {
        let oldest = self
            .identities
            .iter()
            .min_by_key(|(name, identity)| (identity.logins.last().map(|login| login.at), name.as_str()))
            .map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.identities.remove(&name);
            self.evicted += 1;
        }
    }
}

impl Identity {
    /// Compares each sign-in of the hour with those before it, the latest first.
    fn judge(&self, scene: &mut Scene<'_>) {
        let min_days = scene.thresholds.count(&LEARNING_DAYS) as i64;
        for (at, login) in self.logins.iter().enumerate().filter(|(_, login)| login.at >= self.judged_until) {
            if login.at.day() - self.first_day < min_days {
                continue;
            }
            let journey = self.logins[..at].iter().rev().find_map(|earlier| Journey::of(earlier, login, scene));
            if let Some(verdict) = journey.and_then(|journey| journey.verdict(scene)) {
                scene.verdicts.push(verdict);
                return; // One an hour: what follows is the way back.
            }
        }
    }
}

/// The user's name, which alone a failed sign-in has; of the root user, who has none, the end of its ARN.
fn name_of(client: &ClientParts) -> &str {
    match &*client.user_name {
        "" => client.arn.rsplit([':', '/']).next().unwrap_or_default(),
        name => name,
    }
}

impl Identity {
    /// Looks for failures before each sign-in of the hour from a network that is new to the identity.
    fn judge_guesses(&mut self, attempts: &BTreeMap<Attempt, Tries>, scene: &mut Scene<'_>) {
        let is_told = |guessed: Option<Time>, at: Time| guessed.is_some_and(|told| at.ms() - told.ms() < GUESSES_MS);
        let judged_until = self.judged_until;
        for login in self.logins.iter().filter(|login| login.at >= judged_until) {
            if is_told(self.guessed, login.at) {
                continue;
            }
            let verdict = Guesses::before(login, attempts, scene).and_then(|guesses| guesses.verdict(scene));
            if let Some(verdict) = verdict {
                self.guessed = Some(login.at);
                scene.verdicts.push(verdict);
            }
        }
    }
}

/// Sign-ins that failed before one that succeeded.
struct Guesses<'l> {
    login: &'l Login,
    /// With those of the identity itself first.
    failed: Vec<(&'l Attempt, &'l Tries)>,
    /// Failures: as the identity, and as others from the same network.
    own: u64,
    others: u64,
    /// Sign-ins that succeeded from the same network.
    succeeded: u64,
    account_days: u32,
}

impl<'l> Guesses<'l> {
    fn before(login: &'l Login, attempts: &'l BTreeMap<Attempt, Tries>, scene: &Scene<'_>) -> Option<Self> {
        let (caller, network) = (&login.key.caller, &login.key.network);
        if places::known_because(caller, network, login.at, scene).is_some() {
            return None;
        }
        let user: &str = &login.step.shown.user_name;
        let is_same = |name: &str| name == user || caller.principal.rsplit([':', '/']).next() == Some(name);
        let from = Attempt {
            hour: login.at.hour() - GUESSES_MS / Time::HOUR_MS,
            account: Text::default(),
            network: Text::default(),
            name: String::new(),
        };
        let (mut failed, mut own, mut others, mut succeeded) = (Vec::new(), 0u64, 0u64, 0u64);
        let of_account = attempts.range(from..).filter(|(attempt, _)| attempt.account == caller.account);
        for (attempt, tries) in of_account.filter(|(_, tries)| tries.first.ms() >= login.at.ms() - GUESSES_MS) {
            let (is_own, is_here) = (is_same(&attempt.name), attempt.network == network.name);
            if is_here {
                succeeded = succeeded.saturating_add(tries.succeeded);
            }
            // Its owner mistypes too, where it usually is.
            let is_elsewhere = || places::known_because(caller, &named(&attempt.network), login.at, scene).is_none();
            if tries.failed == 0 || tries.first >= login.at || !(is_here || (is_own && is_elsewhere())) {
                continue;
            }
            // Of those that went on afterwards only the first is sure to have come before.
            let count = if tries.last <= login.at { tries.failed } else { 1 };
            *(if is_own { &mut own } else { &mut others }) += count;
            failed.push((!is_own, attempt, tries));
        }
        failed.sort_by_key(|(is_other, _, tries)| (*is_other, tries.first, tries.place));
        let [_, _, account] = caller.levels();
        let hour = Time::from_ms(login.at.hour().saturating_mul(Time::HOUR_MS));
        let account_days = scene.baselines.profile(account).map_or(0, |profile| profile.age_days(hour));
        let failed = failed.into_iter().map(|(_, attempt, tries)| (attempt, tries)).collect();
        let guesses = Self { login, failed, own, others, succeeded, account_days };
        (guesses.total() >= guesses.limit(scene)).then_some(guesses)
    }

    fn total(&self) -> u64 {
        self.own.saturating_add(self.others)
    }

    fn limit(&self, scene: &Scene<'_>) -> u64 {
        let limit = scene.thresholds.count(&FAILURES);
        let is_learnt = u64::from(self.account_days) >= scene.thresholds.count(&LEARNING_DAYS);
        let limit = if is_learnt { limit } else { limit.max(FAILURES_UNLEARNT) };
        limit.max(self.succeeded.saturating_mul(FAILED_TO_SUCCEEDED))
    }

    fn verdict(&self, scene: &Scene<'_>) -> Option<Verdict> {
        let (login, caller, count) = (self.login, &self.login.key.caller, self.total());
        let (name, network) = (caller.short_name(), &login.key.network.name);
        let first = self.failed.iter().map(|(_, tries)| tries.first).min()?;
        let mut signal = Signal::new(LOGIN, severity(LOGIN), caller.principal.to_string());
        signal.account = caller.account.to_string();
        signal.region = login.step.shown.region.to_string();
        signal.role = Some(ResourceRole::Target);
        signal.resource = Resource {
            kind: ResourceKind::AccessKey,
            access_key: Some(access_key(&login.step)),
            ..Resource::default()
        };
        signal.action = Action::ApiCall(action(&login.step, "", &scene.context));
        signal.title = format!("`{name}` signed in to the console after {count} sign-ins failed.");
        signal.description = format!(
            "`{name}` signed in to the console from {}, a network that is new to it, after {count} sign-ins had failed: \
             the password may have been guessed.",
            place_of(login, scene)
        );
        let networks: BTreeSet<&Text> = self.failed.iter().map(|(attempt, _)| &attempt.network).collect();
        let names: BTreeSet<&str> = self.failed.iter().map(|(attempt, _)| attempt.name.as_str()).collect();
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let others = match self.others {
            0 => String::new(),
            others => format!(", and {others} as others from the same network"),
        };
        signal.reasons = vec![
            format!(
                "Since {first}, {} sign-ins as `{name}` failed{others}: from {}, with {}. At {} a sign-in as `{name}` from {} \
                 succeeded.",
                self.own,
                many(networks.len(), "network"),
                many(names.len(), "name"),
                login.at,
                place_of(login, scene)
            ),
            format!("The network {network} {}.", new_words()),
            format!(
                "Unusual are at least {} failures in 24 hours, and {FAILED_TO_SUCCEEDED} for each sign-in that succeeded from \
                 that network ({}){}: {count} ≥ {}.",
                scene.thresholds.count(&FAILURES),
                self.succeeded,
                match u64::from(self.account_days) < scene.thresholds.count(&LEARNING_DAYS) {
                    true => format!(", and {FAILURES_UNLEARNT} while less than a week is known of the account"),
                    false => String::new(),
                },
                self.limit(scene)
            ),
        ];
        signal.consulted = vec!["baseline".to_owned()];
        let mut records: Vec<_> =
            self.failed.iter().take(SHOWN_MAX).map(|(_, tries)| (tries.first, tries.place)).collect();
        records.push((login.at, login.step.place));
        records.sort_unstable();
        Some(Verdict { signal, begin: first, end: login.at, records, record_count: count.saturating_add(1) })
    }
}

/// A network of which only the name is known.
fn named(name: &Text) -> Network {
    Network { name: name.clone(), country: Text::default(), organisation: String::new() }
}

/// That a network is new, as the end of a sentence.
fn new_words() -> String {
    format!(
        "was not used by this identity on {} earlier days, and not by {} others",
        places::HABIT_DAYS,
        places::SHARED_BY
    )
}

/// "203.0.113.9 (Linköping, Sweden, AS29518)".
fn place_of(login: &Login, scene: &Scene<'_>) -> String {
    let address = &login.step.shown.address;
    let Ok(ip) = address.parse::<IpAddr>() else { return address.to_string() };
    let remote = scene.context.knowledge.remote(ip);
    let parts = [remote.city.as_str(), remote.country_name.as_str(), login.key.network.name.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{address} ({})", parts.join(", "))
}

/// Two sign-ins that one person cannot have made.
struct Journey<'l> {
    from: &'l Login,
    to: &'l Login,
    distance_km: u32,
    speed_kmh: u64,
}

impl<'l> Journey<'l> {
    fn of(from: &'l Login, to: &'l Login, scene: &Scene<'_>) -> Option<Self> {
        let spot = |login: &Login| -> Option<Spot> {
            let ip: IpAddr = login.step.shown.address.parse().ok()?;
            scene.context.knowledge.geography.spot(ip)
        };
        let distance_km = spot(from)?.least_distance_km(spot(to)?);
        let elapsed_ms = (to.at.ms() - from.at.ms()).max(TIME_MIN_MS);
        let speed_kmh = u64::from(distance_km) * Time::HOUR_MS as u64 / elapsed_ms as u64;
        let is_far = u64::from(distance_km) >= scene.thresholds.count(&DISTANCE);
        let is_news =
            |login: &Login| places::known_because(&login.key.caller, &login.key.network, login.at, scene).is_none();
        // A thief's place is new; where both are known, both belong to the owner. The owner's own is usually known.
        let is_suspicious = is_far && speed_kmh >= scene.thresholds.count(&SPEED) && from.key.network != to.key.network;
        (is_suspicious && (is_news(to) || is_news(from))).then_some(Self { from, to, distance_km, speed_kmh })
    }

    fn verdict(&self, scene: &Scene<'_>) -> Option<Verdict> {
        let (from, to, caller) = (self.from, self.to, &self.to.key.caller);
        let name = caller.short_name();
        let mut signal = Signal::new(LOGIN, severity(LOGIN), caller.principal.to_string());
        signal.account = caller.account.to_string();
        signal.region = to.step.shown.region.to_string();
        signal.role = Some(ResourceRole::Target);
        signal.resource =
            Resource { kind: ResourceKind::AccessKey, access_key: Some(access_key(&to.step)), ..Resource::default() };
        signal.action = Action::ApiCall(action(&to.step, "", &scene.context));
        signal.title = format!("`{name}` signed in to the console from two distant places.");
        signal.description = format!(
            "`{name}` signed in from {} and, {} minutes later, from {}, at least {} km away.",
            place_of(from, scene),
            (to.at.ms() - from.at.ms()) / Time::MINUTE_MS,
            place_of(to, scene),
            self.distance_km
        );
        signal.reasons = vec![
            format!(
                "Sign-ins at {} from {} and at {} from {}: {} km apart without both radii of uncertainty, in {} minutes \
                 (five at least): {} km/h. The limits are {} km and {} km/h.",
                from.at,
                place_of(from, scene),
                to.at,
                place_of(to, scene),
                self.distance_km,
                (to.at.ms() - from.at.ms()).max(TIME_MIN_MS) / Time::MINUTE_MS,
                self.speed_kmh,
                scene.thresholds.count(&DISTANCE),
                scene.thresholds.count(&SPEED)
            ),
            self.habit(from, scene),
            self.habit(to, scene),
        ];
        signal.consulted = vec!["geography".to_owned(), "baseline".to_owned()];
        let records = vec![(from.at, from.step.place), (to.at, to.step.place)];
        Some(Verdict { signal, begin: from.at, end: to.at, records, record_count: 2 })
    }

    fn habit(&self, login: &Login, scene: &Scene<'_>) -> String {
        let network = &login.key.network;
        match places::known_because(&login.key.caller, network, login.at, scene) {
            Some(reason) => format!("The network {} {reason}.", network.name),
            None => format!("The network {} {}.", network.name, new_words()),
        }
    }
}

/// Keys that are no texts, as a list of pairs.
mod as_pairs {
    use super::{Attempt, Tries};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<Attempt, Tries>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Attempt, Tries>, D::Error> {
        Ok(Vec::<(Attempt, Tries)>::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::calls::testing::{CallLine, call, log};
    use crate::testing::verdicts;
    use watchfire_knowledge::{Geography, Knowledge};

    // Networks of MaxMind's test database: Linköping and London; its ASN database knows the former.
    const SWEDEN: &str = "89.160.20.112";
    const LONDON: &str = "81.2.69.142";

    fn knowledge() -> Knowledge {
        let mut geography = Geography::default();
        geography.add(include_bytes!("../../../knowledge/tests/data/GeoLite2-City-Test.mmdb").to_vec()).unwrap();
        Knowledge { geography, ..Knowledge::default() }
    }

    fn login(address: &str, day: i64, minute: i64) -> CallLine {
        call("signin:ConsoleLogin").from(address).with("Mozilla/5.0").at(day, minute)
    }

    fn found(calls: &[CallLine]) -> Vec<Verdict> {
        verdicts(&DETECTION, &knowledge(), &[&log(calls)])
    }

    #[test]
    fn faster_than_an_airliner_fires() {
        let found = found(&[login(SWEDEN, 0, 600), login(SWEDEN, 8, 600), login(LONDON, 8, 610)]);
        assert_eq!(found.len(), 1);
        let reason = &found[0].signal.reasons[0];
        assert!(reason.contains("km apart") && reason.contains("The limits are 500 km and 900 km/h."), "{reason}");
        assert_eq!(found[0].signal.entity, "arn:aws:iam::111122223333:user/alice");
    }

    #[test]
    fn the_turn_of_the_hour_hides_nothing() {
        assert_eq!(found(&[login(SWEDEN, 0, 600), login(SWEDEN, 8, 655), login(LONDON, 8, 665)]).len(), 1);
    }

    #[test]
    fn a_flight_takes_its_time() {
        assert!(found(&[login(SWEDEN, 0, 600), login(SWEDEN, 8, 600), login(LONDON, 8, 760)]).is_empty());
    }

    #[test]
    fn an_identity_is_watched_for_a_week_first() {
        assert!(found(&[login(SWEDEN, 0, 600), login(SWEDEN, 2, 600), login(LONDON, 2, 610)]).is_empty());
        let mut behaviour = ConsoleLogins::default();
        crate::testing::show(&mut behaviour, &knowledge(), &[&log(&[login(SWEDEN, 0, 600), login(SWEDEN, 2, 600)])]);
        let learning = behaviour.learning(&Thresholds::default());
        assert_eq!((learning[0].learning, learning[0].reached, learning[0].of), (1, 3, 7));
    }

    #[test]
    fn a_failed_sign_in_proves_nothing() {
        let failed = login(LONDON, 8, 610).failing("Failure");
        assert!(found(&[login(SWEDEN, 0, 600), login(SWEDEN, 8, 600), failed]).is_empty());
    }

    /// So many attempts as this user, one a minute, and then one that succeeds.
    fn guessed(user: &str, failures: i64, day: i64) -> Vec<CallLine> {
        let failed = (0..failures).map(|at| login(LONDON, day, 600 + at).by(user).failing("Failure"));
        failed.chain([login(LONDON, day, 600 + failures).by(user)]).collect()
    }

    #[test]
    fn a_sign_in_after_guessing_fires_and_a_mistyped_password_does_not() {
        let found_guessed = found(&guessed("alice", 20, 8));
        assert_eq!(found_guessed.len(), 1);
        let signal = &found_guessed[0].signal;
        assert!(signal.reasons[0].contains("20 sign-ins as `alice` failed"), "{}", signal.reasons[0]);
        assert_eq!(
            (found_guessed[0].record_count, signal.entity.as_str()),
            (21, "arn:aws:iam::111122223333:user/alice")
        );
        assert!(found(&guessed("alice", 3, 8)).is_empty());
        // Guessing that does not succeed is no finding of this type.
        assert!(found(&guessed("alice", 20, 8)[..20]).is_empty());
    }

    #[test]
    fn one_password_tried_with_many_names_is_guessing_too() {
        let mut spray: Vec<CallLine> =
            (0..24).map(|at| login(LONDON, 8, 600 + at).by(&format!("user{at}")).failing("Failure")).collect();
        spray.push(login(LONDON, 8, 630).by("bob"));
        let found_spray = found(&spray);
        assert_eq!(found_spray.len(), 1);
        assert!(found_spray[0].signal.reasons[0].contains("24 as others from the same network"));
        // The first day of a new way out: most who try get in.
        spray.extend((0..8).map(|at| login(LONDON, 8, 605 + at).by(&format!("user{at}"))));
        assert!(found(&spray).is_empty());
    }

    #[test]
    fn without_a_database_nothing_is_said() {
        let calls = log(&[login(SWEDEN, 0, 600), login(SWEDEN, 8, 600), login(LONDON, 8, 610)]);
        assert!(verdicts(&DETECTION, &Knowledge::default(), &[&calls]).is_empty());
    }

    #[test]
    fn a_saved_state_goes_on() {
        let mut behaviour = ConsoleLogins::default();
        crate::testing::show(&mut behaviour, &knowledge(), &[&log(&[login(SWEDEN, 0, 600)])]);
        let mut restored = ConsoleLogins::default();
        restored.load(behaviour.save()).unwrap();
        assert_eq!(restored.save(), behaviour.save());
        assert!(restored.load(serde_json::json!({})).is_err());
    }
}
