//! Buckets that an identity looks into for the first time, counted over 24 hours: who looks through an account makes calls
//! that it may make each day; only the places are new, and how many they are.

use super::caller::{Caller, Outcome};
use super::explain::{access_key, action, severity};
use super::scorer::RECORDS_MAX;
use super::session::{SessionKey, Step};
use super::text::{Text, shared};
use crate::shared::api_class::S3DataClass;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Scene, Threshold, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

const DISCOVERY: FindingType = FindingType::new("Discovery:S3/AnomalousBehavior");
/// Days since an identity was first seen, and hours in which it was active: of somebody younger everything is new. Source:
/// as for amounts on buckets.
const AGE_DAYS_MIN: u32 = 7;
const ACTIVE_HOURS_MIN: u32 = 3;
const HOURS: i64 = 24;
/// Buckets noted of one identity, and identities.
const BUCKETS_MAX: usize = 256;
const IDENTITIES_MAX: usize = 20_000;
/// Buckets named in a finding. Source: GuardDuty shows up to twenty values.
const SHOWN_MAX: usize = 20;

/// What identities looked into for the first time in the last 24 hours.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Breadth {
    identities: BTreeMap<Text, Looks>,
    evicted: u64,
}

/// Of one identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Looks {
    #[serde(with = "shared")]
    caller: Arc<Caller>,
    /// By bucket: the hour in which it was first looked into, with the first call.
    buckets: BTreeMap<Text, (i64, Step)>,
    /// The last hour that was reported.
    fired_hour: Option<i64>,
}

impl Breadth {
    /// Takes in calls.
    pub(crate) fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &Scene<'_>) {
        let is_look = &*key.api.source == "s3.amazonaws.com"
            && !key.bucket.is_empty()
            && S3DataClass::of(&key.api.name) == S3DataClass::Discovery
            && Outcome::of(&key.api.error_code) != Outcome::Error;
        if !is_look {
            return;
        }
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let (principal, step) = (&session.caller.principal, Step::of(key, tally));
        // One page of the console asks after every bucket by itself.
        let Some(bucket) = step.buckets.first().cloned().filter(|_| !step.shown.is_by_console) else { return };
        if let Some(looks) = self.identities.get_mut(principal)
            && let Some((_, known)) = looks.buckets.get_mut(&bucket)
        {
            let rank = |step: &Step| (step.first, step.place);
            if rank(&step) < rank(known) {
                *known = step;
            }
            return;
        }
        let [of_principal, ..] = session.caller.levels();
        let now = Time::from_ms(key.hour.saturating_mul(Time::HOUR_MS));
        if scene.baselines.frequency(of_principal, Feature::Bucket, &bucket, now) != Frequency::Unseen {
            return;
        }
        let looks = self.identities.entry(principal.clone()).or_insert_with(|| Looks {
            caller: Arc::clone(&session.caller),
            buckets: BTreeMap::new(),
            fired_hour: None,
        });
        if looks.buckets.len() < BUCKETS_MAX {
            looks.buckets.insert(bucket, (key.hour, step));
        }
    }

    /// Judges the hour that ends here.
    pub(crate) fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let hour = end.hour() - 1;
        for looks in self.identities.values_mut() {
            looks.buckets.retain(|_, (first, _)| hour - *first < HOURS);
            let has_new = looks.buckets.values().any(|(first, _)| *first == hour);
            let is_told = looks.fired_hour.is_some_and(|fired| hour - fired < HOURS);
            if has_new
                && !is_told
                && let Some(verdict) = looks.judge(hour, scene)
            {
                looks.fired_hour = Some(hour);
                let [principal, ..] = looks.caller.levels();
                scene.lessons.fired(principal, hour);
                scene.verdicts.push(verdict);
            }
        }
        self.identities.retain(|_, looks| !looks.buckets.is_empty());
        while self.identities.len() > IDENTITIES_MAX && self.identities.pop_first().is_some() {
            self.evicted += 1;
        }
    }

    /// How many identities gave way since the last call.
    pub(crate) fn evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    /// Buckets held.
    pub(crate) fn len(&self) -> usize {
        self.identities.values().map(|looks| looks.buckets.len()).sum()
    }
}

impl Looks {
    fn judge(&self, hour: i64, scene: &Scene<'_>) -> Option<Verdict> {
        let now = Time::from_ms(hour.saturating_mul(Time::HOUR_MS));
        let count = self.buckets.len();
        if (count as u64) < scene.thresholds.count(&NEW_BUCKETS) {
            return None;
        }
        let [principal, ..] = self.caller.levels();
        let profile = scene.baselines.profile(principal)?;
        let is_young = profile.age_days(now) < AGE_DAYS_MIN || profile.active_hours() < ACTIVE_HOURS_MIN;
        // Who uses more buckets than a profile holds has used this one before, for all we know.
        if is_young || profile.dropped(Feature::Bucket) > 0 {
            return None;
        }
        let known = self.known(profile, now);
        (count >= known).then(|| self.verdict(profile, known, now, scene)).flatten()
    }

    /// Buckets that it used before these 24 hours.
    fn known(&self, profile: Profile<'_>, now: Time) -> usize {
        let all = profile.values(Feature::Bucket, now);
        all.iter().filter(|(bucket, _)| !self.buckets.keys().any(|new| &**new == *bucket)).count()
    }

    fn verdict(&self, profile: Profile<'_>, known: usize, now: Time, scene: &Scene<'_>) -> Option<Verdict> {
        let mut looks: Vec<(&Text, &Step)> = self.buckets.iter().map(|(bucket, (_, step))| (bucket, step)).collect();
        looks.sort_by_key(|(bucket, step)| (step.first, *bucket));
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
        let mut records: Vec<_> = looks.iter().map(|(_, step)| (step.first, step.place)).take(RECORDS_MAX).collect();
        records.sort_unstable();
        let begin = looks.first().map_or(now, |(_, step)| step.first);
        let end = looks.iter().map(|(_, step)| step.last).max().unwrap_or(now);
        let record_count = looks.iter().map(|(_, step)| step.calls).sum();
        Some(Verdict { signal, begin, end, records, record_count })
    }
}
