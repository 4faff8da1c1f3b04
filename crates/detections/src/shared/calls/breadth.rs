//! Buckets that an identity looks into, and roles that it asks for, for the first time, counted over 24 hours: who looks
//! through an account, or tries what a key opens, makes calls that it may make each day; only what they are about is new,
//! and how much of it there is.

use super::caller::{Caller, Outcome};
use super::explain::{access_key, action, severity};
use super::roles;
use super::scorer::RECORDS_MAX;
use super::session::{SessionKey, Step};
use super::text::{Text, shared};
use crate::shared::api_class::S3DataClass;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Scene, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use watchfire_knowledge::baseline::{Feature, Frequency, Profile};
use watchfire_model::{Action, Anomaly, FindingType, ProfileWord, Resource, ResourceKind, ResourceRole, Signal, Time};

/// So many new buckets in 24 hours.
pub(crate) static NEW_BUCKETS: Threshold = Threshold {
    key: "s3.anomalous_behavior.new_buckets",
    default: 8.0,
    min: 2.0,
    max: 100_000.0,
    unit: "buckets in 24 hours",
    source: "our choice: work brings a bucket or two of others in a day",
    summary: "Who looks into so many buckets for the first time, and has used no more before, looks through them.",
};

/// So many new roles in 24 hours.
pub(crate) static NEW_ROLES: Threshold = Threshold {
    key: "calls.anomalous_behavior.new_roles",
    default: 8.0,
    min: 2.0,
    max: 100_000.0,
    unit: "roles in 24 hours",
    source: "our choice, the number for buckets: work brings a role or two of others in a day, lists of roles to try have a dozen",
    summary: "Who asks for so many roles of names that it never assumed, and has assumed no more before, tries what a key opens.",
};

const DISCOVERY: FindingType = FindingType::new("Discovery:S3/AnomalousBehavior");
const INITIAL_ACCESS: FindingType = FindingType::new("InitialAccess:IAMUser/AnomalousBehavior");
/// Days since an identity was first seen, and hours in which it was active: of somebody younger everything is new. Source:
/// as for amounts on buckets.
const AGE_DAYS_MIN: u32 = 7;
const ACTIVE_HOURS_MIN: u32 = 3;
const HOURS: i64 = 24;
/// Buckets or roles noted of one identity, and identities.
const OBJECTS_MAX: usize = 256;
const IDENTITIES_MAX: usize = 20_000;
/// Buckets or roles named in a finding. Source: GuardDuty shows up to twenty values.
const SHOWN_MAX: usize = 20;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Of {
    /// Buckets that are looked into.
    #[default]
    Buckets,
    /// Roles that are asked for, each by its ARN. New is one whose name, without account and region, was never assumed.
    Roles,
}

/// What identities looked into, or asked for, for the first time in the last 24 hours.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Breadth {
    /// A state of before roles were counted is of buckets.
    #[serde(default)]
    of: Of,
    identities: BTreeMap<Text, Looks>,
    evicted: u64,
}

/// Of one identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Looks {
    #[serde(with = "shared")]
    caller: Arc<Caller>,
    /// By bucket, or ARN: the hour of the first call about it, with that call.
    #[serde(alias = "buckets")]
    objects: BTreeMap<Text, (i64, Step)>,
    /// The last hour that was reported.
    fired_hour: Option<i64>,
}

impl Of {
    /// What the call is about, if it counts.
    fn object(self, key: &CallTallyKey) -> Option<&str> {
        let object = match self {
            Self::Buckets => {
                let is_look = &*key.api.source == "s3.amazonaws.com"
                    && !key.bucket.is_empty()
                    && S3DataClass::of(&key.api.name) == S3DataClass::Discovery;
                is_look.then_some(&*key.bucket)
            }
            Self::Roles => key.role(),
        };
        object.filter(|_| Outcome::of(&key.api.error_code) != Outcome::Error)
    }

    /// What habits are kept of, and its value for this one.
    fn habit(self, object: &str) -> (Feature, Cow<'_, str>) {
        match self {
            Self::Buckets => (Feature::Bucket, Cow::Borrowed(object)),
            Self::Roles => (Feature::Role, roles::name(object)),
        }
    }

    fn threshold(self) -> &'static Threshold {
        match self {
            Self::Buckets => &NEW_BUCKETS,
            Self::Roles => &NEW_ROLES,
        }
    }

    /// Whether what is new can be told from what was not noted.
    fn is_learnt(self, caller: &Caller, now: Time, scene: &Scene<'_>) -> bool {
        let [.., account] = caller.levels();
        self == Self::Buckets || roles::are_learnt(scene.baselines.profile(account), now)
    }
}

impl Breadth {
    /// Nothing seen yet.
    pub(crate) fn new(of: Of) -> Self {
        Self { of, ..Self::default() }
    }

    /// Takes in calls.
    pub(crate) fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &Scene<'_>) {
        let Some(object) = self.of.object(key) else { return };
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let (principal, step) = (&session.caller.principal, Step::of(key, tally));
        // One page of the console asks after every bucket by itself.
        if self.of == Of::Buckets && step.shown.is_by_console {
            return;
        }
        if let Some(looks) = self.identities.get_mut(principal)
            && let Some((_, known)) = looks.objects.get_mut(object)
        {
            let rank = |step: &Step| (step.first, step.place);
            if rank(&step) < rank(known) {
                *known = step;
            }
            return;
        }
        let [of_principal, ..] = session.caller.levels();
        let now = Time::from_ms(key.hour.saturating_mul(Time::HOUR_MS));
        let (feature, value) = self.of.habit(object);
        let is_new = scene.baselines.frequency(of_principal, feature, &value, now) == Frequency::Unseen;
        if !is_new || !self.of.is_learnt(&session.caller, now, scene) {
            return;
        }
        let looks = self.identities.entry(principal.clone()).or_insert_with(|| Looks {
            caller: Arc::clone(&session.caller),
            objects: BTreeMap::new(),
            fired_hour: None,
        });
        if looks.objects.len() < OBJECTS_MAX {
            looks.objects.insert(Text::from(object), (key.hour, step));
        }
    }

    /// Judges the hour that ends here.
    pub(crate) fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let (hour, of) = (end.hour() - 1, self.of);
        for looks in self.identities.values_mut() {
            looks.objects.retain(|_, (first, _)| hour - *first < HOURS);
            let has_new = looks.objects.values().any(|(first, _)| *first == hour);
            let is_told = looks.fired_hour.is_some_and(|fired| hour - fired < HOURS);
            if has_new
                && !is_told
                && let Some(verdict) = looks.judge(of, hour, scene)
            {
                looks.fired_hour = Some(hour);
                // Which roles are learnt is the sessions' to say: what rolls out anew each day is told once.
                if of == Of::Buckets {
                    let [principal, ..] = looks.caller.levels();
                    scene.lessons.fired(principal, hour);
                }
                scene.verdicts.push(verdict);
            }
        }
        self.identities.retain(|_, looks| !looks.objects.is_empty());
        while self.identities.len() > IDENTITIES_MAX && self.identities.pop_first().is_some() {
            self.evicted += 1;
        }
    }

    /// How many identities gave way since the last call.
    pub(crate) fn evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    /// Buckets or roles held.
    pub(crate) fn len(&self) -> usize {
        self.identities.values().map(|looks| looks.objects.len()).sum()
    }
}

impl Looks {
    fn judge(&self, of: Of, hour: i64, scene: &Scene<'_>) -> Option<Verdict> {
        let now = Time::from_ms(hour.saturating_mul(Time::HOUR_MS));
        let count = self.objects.len();
        if (count as u64) < scene.thresholds.count(of.threshold()) {
            return None;
        }
        let [principal, ..] = self.caller.levels();
        let profile = scene.baselines.profile(principal)?;
        let is_young = profile.age_days(now) < AGE_DAYS_MIN || profile.active_hours() < ACTIVE_HOURS_MIN;
        let (feature, _) = of.habit("");
        // Who uses more buckets or roles than a profile holds has used this one before, for all we know.
        if is_young || profile.dropped(feature) > 0 {
            return None;
        }
        let new: BTreeSet<Cow<'_, str>> = self.objects.keys().map(|object| of.habit(object).1).collect();
        let known = profile.values(feature, now).iter().filter(|(value, _)| !new.contains(*value)).count();
        if count < known {
            return None;
        }
        match of {
            Of::Buckets => self.looks_around(profile, known, now, scene),
            Of::Roles => self.tries_roles(profile, known, now, scene),
        }
    }

    /// By time, with what they are about.
    fn in_order(&self) -> Vec<(&Text, &Step)> {
        let mut looks: Vec<(&Text, &Step)> = self.objects.iter().map(|(object, (_, step))| (object, step)).collect();
        looks.sort_by_key(|(object, step)| (step.first, *object));
        looks
    }

    fn tries_roles(&self, profile: Profile<'_>, known: usize, now: Time, scene: &Scene<'_>) -> Option<Verdict> {
        let looks = self.in_order();
        let &(_, step) = looks.last()?;
        let (name, count) = (self.caller.short_name(), looks.len());
        let denied = looks.iter().filter(|(_, step)| step.outcome == Outcome::Denied).count();
        let mut signal = Signal::new(INITIAL_ACCESS, severity(INITIAL_ACCESS), self.caller.principal.to_string());
        signal.account = self.caller.account.to_string();
        signal.region = step.shown.region.to_string();
        signal.role = Some(ResourceRole::Target);
        signal.resource =
            Resource { kind: ResourceKind::AccessKey, access_key: Some(access_key(step)), ..Resource::default() };
        signal.action = Action::ApiCall(action(step, "", &scene.context));
        let user = format!("{} : {name}", step.shown.user_type);
        signal.title = format!("The user {user} is anomalously invoking APIs commonly used in InitialAccess tactics.");
        signal.description =
            format!("The user {user} asked for {count} roles in 24 hours of names that it never assumed before.");
        let shown: Vec<&str> = looks.iter().take(SHOWN_MAX).map(|(arn, _)| arn.as_str()).collect();
        let more = if count > SHOWN_MAX { ", and more" } else { "" };
        signal.reasons = vec![
            format!(
                "`{name}` asked for {count} roles in 24 hours of names that it never assumed before; the first call was \
                 denied for {denied} of them: {}{more}.",
                shown.join(", ")
            ),
            format!(
                "Before that it assumed roles of {known} names, whatever the account and region, in {} active hours since {}.",
                profile.active_hours(),
                Time::from_ms(profile.first_day().saturating_mul(Time::DAY_MS)).date()
            ),
            format!(
                "Unusual are at least {} new roles in 24 hours that are as many as all names before: {count} ≥ {known}.",
                scene.thresholds.count(&NEW_ROLES)
            ),
        ];
        let mut anomaly = Anomaly::default();
        anomaly.unusual_amount("userIdentity", "newRoles", count as i64);
        signal.anomaly = Some(Box::new(anomaly));
        signal.consulted = vec!["baseline".to_owned()];
        Some(verdict(signal, &looks, now))
    }

    fn looks_around(&self, profile: Profile<'_>, known: usize, now: Time, scene: &Scene<'_>) -> Option<Verdict> {
        let looks = self.in_order();
        let &(bucket, step) = looks.last()?;
        let (name, count) = (self.caller.short_name(), looks.len());
        let shown: Vec<String> = looks.iter().take(SHOWN_MAX).map(|(bucket, _)| (*bucket).to_string()).collect();
        let entity = format!("{bucket} {}", self.caller.principal);
        let mut signal = Signal::new(DISCOVERY, severity(DISCOVERY), entity);
        signal.account = self.caller.account.to_string();
        signal.region = step.shown.region.to_string();
        signal.role = Some(ResourceRole::Target);
        let named = looks.iter().rev().take(SHOWN_MAX);
        signal.resource = Resource {
            kind: ResourceKind::S3Bucket,
            access_key: Some(access_key(step)),
            buckets: named.map(|(bucket, _)| scene.context.bucket(bucket, &self.caller.account)).collect(),
            ..Resource::default()
        };
        signal.action = Action::ApiCall(action(step, bucket, &scene.context));
        let user = format!("{} : {name}", step.shown.user_type);
        signal.title = format!("The user {user} is anomalously invoking APIs commonly used in Discovery tactics.");
        signal.description =
            format!("The user {user} looked into {count} buckets in 24 hours that it never used before.");
        let mut apis: Vec<&str> = looks.iter().map(|(_, step)| step.api()).collect();
        apis.sort_unstable();
        apis.dedup();
        let more = if count > SHOWN_MAX { ", and more" } else { "" };
        signal.reasons = vec![
            format!(
                "`{name}` looked into {count} buckets in 24 hours that it never used before, by {}: {}{more}.",
                apis.join(", "),
                shown.join(", ")
            ),
            format!(
                "Before that it used {known} buckets in {} active hours since {}.",
                profile.active_hours(),
                Time::from_ms(profile.first_day().saturating_mul(Time::DAY_MS)).date()
            ),
            format!(
                "Unusual are at least {} new buckets in 24 hours that are as many as all it used before: {count} ≥ {known}.",
                scene.thresholds.count(&NEW_BUCKETS)
            ),
        ];
        let mut anomaly = Anomaly::default();
        anomaly.unusual("userIdentity", "bucket", ProfileWord::Unseen, shown);
        anomaly.unusual_amount("userIdentity", "newBuckets", count as i64);
        signal.anomaly = Some(Box::new(anomaly));
        signal.consulted = vec!["baseline".to_owned()];
        Some(verdict(signal, &looks, now))
    }
}

/// Of what was done, by time.
fn verdict(signal: Signal, looks: &[(&Text, &Step)], now: Time) -> Verdict {
    let mut records: Vec<_> = looks.iter().map(|(_, step)| (step.first, step.place)).take(RECORDS_MAX).collect();
    records.sort_unstable();
    let begin = looks.first().map_or(now, |(_, step)| step.first);
    let end = looks.iter().map(|(_, step)| step.last).max().unwrap_or(now);
    let record_count = looks.iter().map(|(_, step)| step.calls).sum();
    Verdict { signal, begin, end, records, record_count }
}
