//! Objects read, written and deleted in 24 hours: by one identity on one bucket, by it on all buckets, by everyone on the bucket.

use super::caller::{Caller, Network, Outcome};
use super::explain::{access_key, action, milli, severity};
use super::places;
use super::scorer::PRINCIPAL_HOURS;
use super::session::{SessionKey, Step};
use super::text::{Text, shared};
use crate::shared::api_class::S3DataClass;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Scene, Threshold, Verdict};
use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use watchfire_knowledge::baseline::{Entity, EntityKind, EntityRef, Lessons, Metric, Volume};
use watchfire_model::{Action, Anomaly, FindingType, ProfileWord, Resource, ResourceKind, ResourceRole, Signal, Time};

/// Fewer calls in 24 hours say nothing.
pub(crate) static CALLS: Threshold = Threshold {
    key: "s3.anomalous_behavior.calls",
    default: 100.0,
    min: 1.0,
    max: 1_000_000_000.0,
    unit: "calls in 24 hours",
    source: "suggested rule of the catalogue",
    summary: "Reads or deletions of one kind in 24 hours that are fewer are not judged.",
};
/// How many times the largest day of the last thirty.
pub(crate) static TIMES_LARGEST: Threshold = Threshold {
    key: "s3.anomalous_behavior.times_largest_day",
    default: 5.0,
    min: 1.0,
    max: 1_000.0,
    unit: "times",
    source: "our choice: the mean and six standard deviations where days differ by half of the mean or more",
    summary: "So many times the largest day of the last thirty is unusual.",
};

/// Days with such calls that must be known. Source: our choice; three days have a largest.
const DAYS_MIN: u32 = 3;
/// Days since the first of what is known. Source: as for sessions.
const AGE_DAYS_MIN: u32 = 7;
/// Hours in which a bucket must have been used for its users to be known. Source: our choice, as for days.
const BUCKET_HOURS_MIN: u32 = 3;
/// Calls that leave a whole object. Source: S3's API reference.
const WRITING: [&str; 2] = ["PutObject", "CompleteMultipartUpload"];
const HOURS: i64 = 24;
const PAIRS_MAX: usize = 100_000;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(super) enum Kind {
    /// `GetObject`, `CopyObject`, `SelectObjectContent`: the three that GuardDuty counts.
    Read,
    /// `DeleteObject`, `DeleteObjects` and the like.
    Delete,
    /// `PutObject` and the end of an upload in parts: who encrypts a bucket for ransom overwrites it.
    Write,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Pair {
    principal: Text,
    bucket: Text,
    kind: Kind,
}

/// A pair to be looked up.
#[derive(Hash)]
struct PairRef<'p> {
    principal: &'p str,
    bucket: &'p str,
    kind: Kind,
}

impl Equivalent<Pair> for PairRef<'_> {
    fn equivalent(&self, pair: &Pair) -> bool {
        (self.principal, self.bucket, self.kind) == (&*pair.principal, &*pair.bucket, pair.kind)
    }
}

/// The calls of one identity on one bucket in the last 24 hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recent {
    #[serde(with = "shared")]
    caller: Arc<Caller>,
    /// (hour, calls), oldest first.
    hours: Vec<(i64, u64)>,
    /// Most of the calls of the newest hour, to be shown.
    step: Step,
    /// From where that was called.
    #[serde(default)]
    network: Option<Network>,
    /// The last hour that was reported.
    fired_hour: Option<i64>,
}

/// Counters of the last 24 hours.
#[derive(Default, Serialize, Deserialize)]
#[serde(from = "SavedVolumes")]
pub(crate) struct Volumes {
    #[serde(serialize_with = "in_order")]
    pairs: HashMap<Pair, Recent, foldhash::fast::FixedState>,
    evicted: u64,
    /// The pairs in order, where those of one identity follow each other.
    #[serde(skip)]
    order: BTreeSet<Pair>,
    /// Which pairs have calls of an hour: what is new or too old is found without a look at all the others.
    #[serde(skip)]
    by_hour: BTreeMap<i64, Vec<Pair>>,
    #[serde(skip)]
    sums: Sums,
}

fn in_order<S: Serializer>(
    pairs: &HashMap<Pair, Recent, foldhash::fast::FixedState>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    super::scorer::pairs::serialize(&pairs.iter().collect(), serializer)
}

/// The counters as they are saved: the rest follows from them.
#[derive(Deserialize)]
struct SavedVolumes {
    pairs: Vec<(Pair, Recent)>,
    evicted: u64,
}

impl From<SavedVolumes> for Volumes {
    fn from(SavedVolumes { pairs, evicted }: SavedVolumes) -> Self {
        let (mut by_hour, mut sums) = (BTreeMap::<i64, Vec<Pair>>::new(), Sums::default());
        for (pair, recent) in &pairs {
            for (hour, calls) in &recent.hours {
                by_hour.entry(*hour).or_default().push(pair.clone());
                sums.add(pair, *calls);
            }
        }
        let order = pairs.iter().map(|(pair, _)| pair.clone()).collect();
        Self { pairs: pairs.into_iter().collect(), evicted, order, by_hour, sums }
    }
}

impl Kind {
    fn of(key: &CallTallyKey) -> Option<Self> {
        if key.is_data && !key.bucket.is_empty() { key.api.deed().counted } else { None }
    }

    /// What is counted of the data events of an API.
    pub(super) fn of_api(source: &str, name: &str, outcome: Outcome) -> Option<Self> {
        if source != "s3.amazonaws.com" || outcome != Outcome::Ok {
            return None;
        }
        match S3DataClass::of(name) {
            S3DataClass::Exfiltration => Some(Self::Read),
            S3DataClass::Impact if name.starts_with("Delete") => Some(Self::Delete),
            S3DataClass::Impact if WRITING.contains(&name) => Some(Self::Write),
            _ => None,
        }
    }

    const fn metric(self) -> Metric {
        match self {
            Self::Read => Metric::S3ReadsPerDay,
            Self::Delete => Metric::S3DeletesPerDay,
            Self::Write => Metric::S3WritesPerDay,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Delete => "deletions",
            Self::Write => "writes",
        }
    }

    const fn finding_type(self) -> FindingType {
        FindingType::new(match self {
            Self::Read => "Exfiltration:S3/AnomalousBehavior",
            Self::Delete => "Impact:S3/AnomalousBehavior.Delete",
            Self::Write => "Impact:S3/AnomalousBehavior.Write",
        })
    }
}

/// One of the three counters, with what is normal for it.
struct Counter {
    scope: &'static str,
    feature: &'static str,
    what: String,
    count: u64,
    usual: Option<Volume>,
    age_days: u32,
    /// The identity and the bucket are known for long, so that days without such calls say that it makes none.
    is_known: bool,
    /// So many are unusual whatever is known, if the identity is hardly known and calls from a network that is new to its account.
    of_stranger: Option<u64>,
}

impl Counter {
    fn of(
        entity: &Entity,
        (scope, feature): (&'static str, &'static str),
        count: u64,
        kind: Kind,
        now: Time,
        scene: &Scene<'_>,
    ) -> Self {
        let profile = scene.baselines.profile(entity);
        Self {
            scope,
            feature,
            what: feature_words(feature).to_owned(),
            count,
            usual: profile.and_then(|profile| profile.volume(kind.metric(), now, 1_000)),
            age_days: profile.map_or(0, |profile| profile.age_days(now)),
            is_known: false,
            of_stranger: None,
        }
    }

    fn is_beyond(&self, scene: &Scene<'_>) -> bool {
        let (periods, largest) =
            self.usual.as_ref().map_or((0, 0), |usual| (usual.periods, usual.max.max(usual.mean_milli() / 1_000)));
        if self.of_stranger.is_some_and(|most| self.count >= most) {
            return true;
        }
        let times = scene.thresholds.get(&TIMES_LARGEST);
        (periods >= DAYS_MIN || self.is_known)
            && self.age_days >= AGE_DAYS_MIN
            && self.count >= scene.thresholds.count(&CALLS)
            && self.count as f64 >= largest as f64 * times
    }

    fn sentence(&self, kind: Kind) -> String {
        let count = self.count;
        match &self.usual {
            Some(usual) => format!(
                "{}: {count} {} in 24 hours; on the {} days with any, {} on average, at most {} in the last thirty days.",
                self.what,
                kind.words(),
                usual.periods,
                milli(i64::try_from(usual.mean_milli()).unwrap_or(i64::MAX)),
                usual.max
            ),
            None => format!("{}: {count} {} in 24 hours; none is known from before.", self.what, kind.words()),
        }
    }
}

const PAIR: &str = "callsOnBucket";
const ALL: &str = "callsOnAllBuckets";
const EVERYONE: &str = "callsByEveryone";

fn feature_words(feature: &str) -> &'static str {
    match feature {
        PAIR => "This identity on this bucket",
        ALL => "This identity on all buckets",
        _ => "Everyone on this bucket",
    }
}

impl Volumes {
    /// Takes in calls.
    pub(crate) fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &Scene<'_>) {
        let Some(kind) = Kind::of(key) else { return };
        let Some(session) = SessionKey::of(key, &scene.context) else { return };
        let looked_up = PairRef { principal: &session.caller.principal, bucket: &key.bucket, kind };
        let Some((pair, recent)) = self.pairs.get_key_value_mut(&looked_up) else {
            let step = Step::of(key, tally);
            let bucket = step.buckets.first().cloned().unwrap_or_default();
            let pair = Pair { principal: session.caller.principal.clone(), bucket, kind };
            let (caller, hours) = (Arc::clone(&session.caller), vec![(key.hour, tally.calls)]);
            self.by_hour.entry(key.hour).or_default().push(pair.clone());
            self.order.insert(pair.clone());
            self.sums.add(&pair, tally.calls);
            let network = Some((*session.network).clone());
            self.pairs.insert(pair, Recent { caller, hours, step, network, fired_hour: None });
            return;
        };
        match recent.hours.last_mut() {
            Some((hour, calls)) if *hour == key.hour => *calls = calls.saturating_add(tally.calls),
            _ => {
                recent.hours.push((key.hour, tally.calls));
                self.by_hour.entry(key.hour).or_default().push(pair.clone());
            }
        }
        self.sums.add(pair, tally.calls);
        // Shown is who brought most in the newest hour: beside a thief the service whose key it is goes on with its few.
        let old = &recent.step;
        let new = (tally.last.hour(), tally.calls, tally.last, tally.first);
        let shown = (old.last.hour(), old.latest_calls, old.last, old.first);
        if (new, &*key.deed().token, tally.place) > (shown, &*old.token, old.place) {
            recent.step = Step::of(key, tally);
            if recent.network.as_ref() != Some(&*session.network) {
                recent.network = Some((*session.network).clone());
            }
        }
    }

    /// Judges the counters as of the end of an hour, and teaches the hour.
    pub(crate) fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        let hour = end.hour() - 1;
        let now = Time::from_ms(hour.saturating_mul(Time::HOUR_MS));
        self.forget(hour - HOURS);
        let touched = self.by_hour.remove(&hour).unwrap_or_default();
        let calls_min = scene.thresholds.count(&CALLS);
        let mut name = String::new();
        for pair in &touched {
            let newest = self.pairs.get(pair).and_then(|recent| recent.hours.last());
            if let Some((_, calls)) = newest.filter(|(last, _)| *last == hour) {
                teach(pair, *calls, hour, scene.lessons, &mut name);
            }
        }
        // The order decides which of an identity's buckets is named. Nearly all are far from that.
        let mut judged: Vec<&Pair> = touched.iter().filter(|pair| self.sums.most_of(pair) >= calls_min).collect();
        judged.sort_unstable();
        for pair in judged {
            if let Some(verdict) = self.judge(pair, hour, now, scene) {
                for entity in [pair.as_principal(), pair.as_bucket(), EntityRef::from(&pair_entity(pair))] {
                    scene.lessons.fired(entity, hour);
                }
                scene.verdicts.push(verdict);
            }
        }
        if !touched.is_empty() {
            self.by_hour.insert(hour, touched);
        }
        while self.pairs.len() > PAIRS_MAX
            && let Some(pair) = self.order.pop_first()
        {
            if let Some(recent) = self.pairs.remove(&pair) {
                self.sums.take(&pair, recent.total());
            }
            self.evicted += 1;
        }
    }

    /// How many pairs gave way since the last call.
    pub(crate) fn evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    /// Pairs held.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Forgets the calls of this hour and of those before it.
    fn forget(&mut self, last: i64) {
        let kept = self.by_hour.split_off(&last.saturating_add(1));
        for pair in std::mem::replace(&mut self.by_hour, kept).into_values().flatten() {
            let Some(recent) = self.pairs.get_mut(&pair) else { continue };
            recent.hours.retain(|(hour, calls)| {
                let is_kept = *hour > last;
                if !is_kept {
                    self.sums.take(&pair, *calls);
                }
                is_kept
            });
            if recent.hours.is_empty() {
                self.pairs.remove(&pair);
                self.order.remove(&pair);
            }
        }
    }

    fn judge(&mut self, pair: &Pair, hour: i64, now: Time, scene: &Scene<'_>) -> Option<Verdict> {
        let recent = self.pairs.get(pair)?;
        let kind = pair.kind;
        let [all, everyone] = self.sums.of(pair);
        if all.max(everyone) < scene.thresholds.count(&CALLS) {
            return None;
        }
        // The pairs of one identity follow each other.
        let first = Pair { principal: pair.principal.clone(), bucket: Text::default(), kind };
        let of_identity = || {
            let own = |other: &&Pair| other.principal == pair.principal;
            let pairs = self.order.range(&first..).take_while(own).filter(|other| other.kind == kind);
            pairs.filter_map(|other| Some((other, self.pairs.get(other)?)))
        };
        // An identity is named once a day, whichever of its buckets it is about.
        if of_identity().any(|(_, recent)| recent.fired_hour.is_some_and(|fired| hour - fired < HOURS)) {
            return None;
        }
        let principal = Entity::new(EntityKind::Principal, pair.principal.as_str());
        let bucket = Entity::new(EntityKind::Bucket, pair.bucket.as_str());
        let is_known = is_known(&principal, &bucket, now, scene);
        let mut counters = [
            Counter::of(&pair_entity(pair), ("userIdentity", PAIR), recent.total(), kind, now, scene),
            Counter::of(&principal, ("userIdentity", ALL), all, kind, now, scene),
            Counter::of(&bucket, ("bucket", EVERYONE), everyone, kind, now, scene),
        ];
        counters[1].is_known = is_known;
        if is_stranger(recent, &principal, &bucket, now, scene) {
            let calls = scene.thresholds.count(&CALLS);
            let largest = counters[2].usual.as_ref().map_or(0, |usual| usual.max);
            counters[0].of_stranger = Some(calls.max(largest));
            counters[1].of_stranger = Some((calls as f64 * scene.thresholds.get(&TIMES_LARGEST)) as u64);
        }
        let [own, all, everyone] = &counters;
        // Of many buckets the one with the most calls is named. Who brought less than half of what is unusual on a bucket is
        // not the one to be named.
        let is_largest = of_identity().all(|(other, recent_there)| {
            (recent_there.total(), &pair.bucket) <= (recent.total(), &other.bucket) || other == pair
        });
        let brought_half = recent.total().saturating_mul(2) >= everyone.count;
        let by_stranger = own.of_stranger.is_some() && own.is_beyond(scene);
        let fires =
            ((all.is_beyond(scene) || by_stranger) && is_largest) || (everyone.is_beyond(scene) && brought_half);
        if !fires {
            return None;
        }
        let verdict = verdict(pair, recent, &counters, now, scene);
        if let Some(recent) = self.pairs.get_mut(pair) {
            recent.fired_hour = Some(hour);
        }
        Some(verdict)
    }
}

/// Whether this is somebody of whom too little is known to have days of its own, a newcomer or a user who was forgotten, from
/// a network that is new to its account, on a bucket whose users are known.
fn is_stranger(recent: &Recent, principal: &Entity, bucket: &Entity, now: Time, scene: &Scene<'_>) -> bool {
    let Some(network) = &recent.network else { return false };
    !is_settled(principal, scene.thresholds.count(&PRINCIPAL_HOURS), now, scene)
        && is_settled(bucket, BUCKET_HOURS_MIN.into(), now, scene)
        && places::is_new_to_account(&recent.caller, network, now, scene)
}

/// Calls in 24 hours, by principal and kind, and by bucket and kind.
#[derive(Default)]
struct Sums {
    of_principals: HashMap<(Text, Kind), u64, foldhash::fast::FixedState>,
    of_buckets: HashMap<(Text, Kind), u64, foldhash::fast::FixedState>,
}

impl Sums {
    fn add(&mut self, pair: &Pair, calls: u64) {
        let Pair { principal, bucket, kind } = pair;
        for (sums, name) in [(&mut self.of_principals, principal), (&mut self.of_buckets, bucket)] {
            match sums.get_mut(&Counted(name, *kind)) {
                Some(sum) => *sum = sum.saturating_add(calls),
                None => {
                    sums.insert((name.clone(), *kind), calls);
                }
            }
        }
    }

    /// The calls of the pair's identity, and of everyone on its bucket.
    fn of(&self, pair: &Pair) -> [u64; 2] {
        [(&self.of_principals, &pair.principal), (&self.of_buckets, &pair.bucket)]
            .map(|(sums, name)| sums.get(&Counted(name, pair.kind)).copied().unwrap_or_default())
    }

    /// The larger of these.
    fn most_of(&self, pair: &Pair) -> u64 {
        let [all, everyone] = self.of(pair);
        all.max(everyone)
    }

    /// Takes back what was added; what is nothing then is forgotten.
    fn take(&mut self, pair: &Pair, calls: u64) {
        let Pair { principal, bucket, kind } = pair;
        for (sums, name) in [(&mut self.of_principals, principal), (&mut self.of_buckets, bucket)] {
            let Some(sum) = sums.get_mut(&Counted(name, *kind)) else { continue };
            *sum = sum.saturating_sub(calls);
            if *sum == 0 {
                sums.remove(&Counted(name, *kind));
            }
        }
    }
}

/// A name and kind to be looked up.
#[derive(Hash)]
struct Counted<'n>(&'n str, Kind);

impl Equivalent<(Text, Kind)> for Counted<'_> {
    fn equivalent(&self, (name, kind): &(Text, Kind)) -> bool {
        (self.0, self.1) == (&**name, *kind)
    }
}

/// Whether days without such calls tell something: the identity is no newcomer, and the bucket's calls were logged all
/// the time.
fn is_known(principal: &Entity, bucket: &Entity, now: Time, scene: &Scene<'_>) -> bool {
    is_settled(principal, scene.thresholds.count(&PRINCIPAL_HOURS), now, scene)
        && is_settled(bucket, BUCKET_HOURS_MIN.into(), now, scene)
}

/// Whether this is known for a week, and was active for so many hours.
fn is_settled(entity: &Entity, hours: u64, now: Time, scene: &Scene<'_>) -> bool {
    let profile = scene.baselines.profile(entity);
    profile.is_some_and(|it| it.age_days(now) >= AGE_DAYS_MIN && u64::from(it.active_hours()) >= hours)
}

impl Recent {
    fn total(&self) -> u64 {
        self.hours.iter().fold(0, |sum, (_, calls)| sum.saturating_add(*calls))
    }

    /// When it began: in the first hour that alone brought as much as a usual day, or, if none did, in the first of all. What
    /// is usual in the hours before is no part of it.
    fn begin(&self, usual: Option<&Volume>) -> Option<Time> {
        let a_day = usual.map_or(0, |usual| usual.mean_milli() / 1_000);
        let mut hours = self.hours.iter();
        let (hour, _) = hours.find(|(_, calls)| *calls >= a_day).or(self.hours.first())?;
        let begin = Time::from_ms(hour.saturating_mul(Time::HOUR_MS));
        // Of its own hour the first call is known.
        Some(if self.step.first.hour() == *hour { self.step.first } else { begin })
    }
}

impl Pair {
    fn as_principal(&self) -> EntityRef<'_> {
        EntityRef::new(EntityKind::Principal, &self.principal)
    }

    fn as_bucket(&self) -> EntityRef<'_> {
        EntityRef::new(EntityKind::Bucket, &self.bucket)
    }
}

fn pair_entity(pair: &Pair) -> Entity {
    Entity::new(EntityKind::PrincipalBucket, format!("{} {}", pair.principal, pair.bucket))
}

/// `name` is room for the name of the pair.
fn teach(pair: &Pair, calls: u64, hour: i64, lessons: &mut Lessons, name: &mut String) {
    let metric = pair.kind.metric();
    name.clear();
    // Writing to a text does not fail.
    let _ = write!(name, "{} {}", pair.principal, pair.bucket);
    for entity in [pair.as_principal(), pair.as_bucket(), EntityRef::new(EntityKind::PrincipalBucket, name)] {
        lessons.volume(entity, metric, hour, calls);
    }
}

fn verdict(pair: &Pair, recent: &Recent, counters: &[Counter; 3], now: Time, scene: &Scene<'_>) -> Verdict {
    let (finding_type, step, words) = (pair.kind.finding_type(), &recent.step, pair.kind.words());
    let name = recent.caller.short_name();
    let mut signal = Signal::new(finding_type, severity(finding_type), format!("{} {}", pair.bucket, pair.principal));
    signal.account = recent.caller.account.to_string();
    signal.region = step.shown.region.to_string();
    signal.role = Some(ResourceRole::Target);
    signal.resource = Resource {
        kind: ResourceKind::S3Bucket,
        access_key: Some(access_key(step)),
        buckets: vec![scene.context.bucket(&pair.bucket, &recent.caller.account)],
        ..Resource::default()
    };
    signal.action = Action::ApiCall(action(step, &pair.bucket, &scene.context));
    let user = format!("{} : {name}", step.shown.user_type);
    signal.title =
        format!("The user {user} is anomalously invoking APIs commonly used in {} tactics.", finding_type.purpose());
    signal.description = format!(
        "The user {user} made {} {words} on the bucket {} in 24 hours, far more than what is usual.",
        recent.total(),
        pair.bucket
    );
    signal.reasons = counters.iter().map(|counter| counter.sentence(pair.kind)).collect();
    signal.reasons.push(format!(
        "Unusual are at least {} in 24 hours, {} times the largest of the last thirty days: this holds for {}.",
        scene.thresholds.count(&CALLS),
        scene.thresholds.get(&TIMES_LARGEST),
        counters
            .iter()
            .filter(|counter| counter.is_beyond(scene))
            .map(|counter| format!("\"{}\"", counter.what))
            .collect::<Vec<_>>()
            .join(" and ")
    ));
    if let [Some(on_bucket), Some(on_all)] = [counters[0].of_stranger, counters[1].of_stranger] {
        let network = recent.network.as_ref().map_or("", |network| &network.name);
        signal.reasons.push(format!(
            "Of `{name}` too little is known for days of its own, and the network {network} is new to its account. Of such an identity \
             unusual are {on_bucket} on one bucket, as many as everyone together made there on the largest day, or {on_all} \
             on all."
        ));
    }
    let mut anomaly = Anomaly::default();
    for counter in counters {
        let amount = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if counter.is_beyond(scene) {
            anomaly.unusual_amount(counter.scope, counter.feature, amount(counter.count));
        }
        if let Some(usual) = &counter.usual {
            let mean = amount(usual.mean_milli() / 1_000);
            anomaly.normal_amount(counter.scope, counter.feature, ProfileWord::Average, mean);
            anomaly.normal_amount(counter.scope, counter.feature, ProfileWord::Count, amount(usual.max));
        }
    }
    signal.anomaly = Some(Box::new(anomaly));
    signal.consulted = vec!["baseline".to_owned()];
    Verdict {
        signal,
        begin: recent.begin(counters[0].usual.as_ref()).unwrap_or(now).min(step.first),
        end: step.last,
        records: vec![(step.first, step.place)],
        record_count: recent.total(),
    }
}
