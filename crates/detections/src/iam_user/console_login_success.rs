//! Somebody signed in to the console from two places too far apart.

use crate::Thresholds;
use crate::shared::calls::explain::{access_key, action, severity};
use crate::shared::calls::places;
use crate::shared::calls::session::{SessionKey, Step};
use crate::shared::calls::text::shared;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Behaviour, Detection, Interest, Learning, Need, Rule, Scene, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    summary: "One identity signed in to the console from two places between which nobody travels that fast.",
    listens: &[Interest::CallTallies],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(ConsoleLogins::default())),
};

/// Identities with their last sign-ins.
#[derive(Default, Serialize, Deserialize)]
struct ConsoleLogins {
    identities: BTreeMap<String, Identity>,
    evicted: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    /// The first day on which it signed in.
    first_day: i64,
    /// The newest last; those of the hour not in order until it closes.
    logins: Vec<Login>,
    /// Those before this moment were judged.
    judged_until: Time,
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
/// No evidence is a sign-in from a network that the identity used on two earlier days or that three others use: a VPN
/// or an office has its exit elsewhere. In the first seven days of an identity its places are only recorded. Without a
/// database with coordinates nothing can be said. A failed sign-in proves no identity.
///
/// False positives: a VPN or a phone that is used for the first time, and a network that moved while the database did
/// not. The finding names both networks.
impl Behaviour for ConsoleLogins {
    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        let api = &key.api;
        if &*api.name != "ConsoleLogin" || &*api.source != "signin.amazonaws.com" || !api.error_code.is_empty() {
            return;
        }
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let identity = self.identities.entry(session.caller.principal.to_string()).or_insert_with(|| Identity {
            first_day: tally.first.day(),
            logins: Vec::new(),
            judged_until: Time::from_ms(i64::MIN),
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
        for identity in self.identities.values_mut() {
            identity.logins.sort_by(|one, other| {
                (one.at, &one.key, one.step.place).cmp(&(other.at, &other.key, other.step.place))
            });
            identity.judge(scene);
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
            self.place(from, scene),
            (to.at.ms() - from.at.ms()) / Time::MINUTE_MS,
            self.place(to, scene),
            self.distance_km
        );
        signal.reasons = vec![
            format!(
                "Sign-ins at {} from {} and at {} from {}: {} km apart without both radii of uncertainty, in {} minutes \
                 (five at least): {} km/h. The limits are {} km and {} km/h.",
                from.at,
                self.place(from, scene),
                to.at,
                self.place(to, scene),
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

    /// "203.0.113.9 (Linköping, Sweden, AS29518)".
    fn place(&self, login: &Login, scene: &Scene<'_>) -> String {
        let address = &login.step.shown.address;
        let Ok(ip) = address.parse::<IpAddr>() else { return address.to_string() };
        let remote = scene.context.knowledge.remote(ip);
        let parts = [remote.city.as_str(), remote.country_name.as_str(), login.key.network.name.as_str()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{address} ({})", parts.join(", "))
    }

    fn habit(&self, login: &Login, scene: &Scene<'_>) -> String {
        let network = &login.key.network;
        match places::known_because(&login.key.caller, network, login.at, scene) {
            Some(reason) => format!("The network {} {reason}.", network.name),
            None => format!(
                "The network {} was not used by this identity on {} earlier days, and not by {} others.",
                network.name,
                places::HABIT_DAYS,
                places::SHARED_BY
            ),
        }
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
