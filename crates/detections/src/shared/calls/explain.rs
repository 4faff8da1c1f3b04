//! Why a session fired, with all the numbers that it takes to compute the score again: first what was unusual and what is
//! usual, in words; then the sum, the limits and the bits, which only those need who compute it again.

use super::caller::Outcome;
use super::limits::Limits;
use super::risk::TABLE_VERSION;
use super::score::{CIRCUMSTANCES, Factor, Known, LARGEST, ScoredStep, circumstances, largest, score};
use super::scorer::{Plane, RECORDS_MAX, Session};
use super::session::{Pace, SessionKey, Step};
use crate::{Context, Scene, Verdict};
use std::collections::BTreeMap;
use std::net::IpAddr;
use watchfire_knowledge::baseline::{Baselines, Entity, EntityKind, EntityRef, Feature, Frequency, Metric};
use watchfire_model::{
    AccessKey, Action, Anomaly, ApiCallAction, FindingType, ProfileWord, Resource, ResourceKind, ResourceRole,
    Severity, Signal, Time, catalogue,
};

/// Values of a profile shown for each word. Source: GuardDuty shows up to twenty.
const SHOWN_MAX: usize = 20;

/// What is to be explained.
pub(crate) struct Case<'c> {
    pub(crate) plane: Plane,
    pub(crate) key: &'c SessionKey,
    pub(crate) session: &'c Session,
    /// The steps that the finding is about.
    pub(crate) steps: &'c [&'c ScoredStep],
    pub(crate) limits: Limits,
    pub(crate) known: Known,
}

/// The finding; `None` if no step has the type.
pub(crate) fn verdict(finding_type: FindingType, case: &Case<'_>, scene: &Scene<'_>) -> Option<Verdict> {
    let primary = case.primary(finding_type)?;
    let mut signal = signal(finding_type, case, primary, &scene.context);
    signal.reasons = case.reasons(scene.baselines);
    note_missing(&mut signal, case);
    let anomaly = anomaly(case, scene.baselines);
    signal.additional = additional(case, primary, &anomaly);
    signal.anomaly = Some(Box::new(anomaly));
    signal.consulted = vec!["baseline".to_owned()];
    let mut records: Vec<_> = case.shown_steps(primary).map(|scored| (scored.step.first, scored.step.place)).collect();
    records.sort_unstable();
    records.dedup();
    let steps = case.steps.iter().map(|scored| &scored.step);
    let begin = steps.clone().map(|step| step.first).min()?;
    let end = steps.clone().map(|step| step.last).max()?;
    let record_count = steps.map(|step| step.calls).sum();
    Some(Verdict { signal, begin, end, records, record_count })
}

impl<'c> Case<'c> {
    /// The API that decides the type: the largest contributor of it.
    fn primary(&self, finding_type: FindingType) -> Option<&'c ScoredStep> {
        let of_type = || {
            self.steps
                .iter()
                .copied()
                .filter(|scored| scored.counts && self.plane.finding_type(scored) == Some(finding_type))
        };
        largest(of_type()).first().copied().or_else(|| of_type().next())
    }

    fn shown_steps(&self, primary: &'c ScoredStep) -> impl Iterator<Item = &'c ScoredStep> {
        std::iter::once(primary).chain(largest(self.steps.iter().copied())).take(RECORDS_MAX)
    }

    fn reasons(&self, baselines: &Baselines) -> Vec<String> {
        let name = self.key.caller.short_name();
        let largest = largest(self.steps.iter().copied());
        let mut reasons: Vec<String> =
            largest.iter().map(|scored| self.step_sentence(scored, name, baselines)).collect();
        let circumstances = circumstances(&self.session.shared, self.steps);
        reasons.extend(circumstances.iter().map(|factor| circumstance_sentence(factor, name)));
        reasons.push(self.history_sentence(name, baselines));
        reasons.extend(self.amount_sentence(name, baselines));
        reasons.extend(self.visit_sentence());
        reasons.push(self.sum_sentence(&largest, &circumstances));
        reasons.extend(self.limits.sentences());
        let calls = largest.iter().map(|scored| (judged(&scored.step), &scored.factor));
        let circumstances = circumstances.iter().map(|factor| (named(factor), *factor));
        reasons.extend(bits_sentences(calls.chain(circumstances)));
        reasons
    }

    /// "`alice` called iam:CreateAccessKey (ok, once). Never called by it before, … 13.9 bits × 1.5 = 20.85.".
    fn step_sentence(&self, scored: &ScoredStep, name: &str, baselines: &Baselines) -> String {
        let step = &scored.step;
        let what = scored.tactic.map_or(String::new(), |tactic| format!("Of use for {}: ", tactic.words()));
        let [_, peers, _] = self.key.caller.levels();
        let judged = scored.factor.value.as_str();
        let others = |entity: EntityRef<'_>| usual_users(baselines, entity, judged, step.first);
        let as_success = if *judged == *step.token { "" } else { ", judged as if it had succeeded" };
        let history = match scored.factor.common {
            [Frequency::Unseen, Frequency::Unseen, Frequency::Unseen] => {
                "Never called by it before, by its peers or in the account".to_owned()
            }
            [by_it, by_peers, in_account] => format!(
                "{}, {} by its peers{}, {} in the account",
                seen(
                    by_it,
                    "Never called by it before",
                    "Not called by it for a month",
                    "Rarely called by it",
                    "Often called by it"
                ),
                seen(by_peers, "never", "not for a month", "rarely", "often"),
                others(peers),
                seen(in_account, "never", "not for a month", "rarely", "often"),
            ),
        };
        format!(
            "`{name}` called {} ({}{as_success}, {}). {history}. {what}{} bits × {} = {}.",
            called(step),
            step.outcome.words(),
            times(step.calls),
            milli(scored.factor.surprise.bits_milli.into()),
            milli(scored.weight_tenths * 100),
            milli(scored.factor.points_milli),
        )
    }

    /// Why calls with hours between them are one session.
    fn visit_sentence(&self) -> Option<String> {
        let Session { begin, end, .. } = *self.session;
        (end.ms() - begin.ms() > Pace::USUAL.max_ms + Pace::USUAL.idle_gap_ms).then(|| {
            format!(
                "Its calls from {begin} to {end} are one session: from an unusual place all calls of {} hours are.",
                Pace::VISIT.max_ms / Time::HOUR_MS
            )
        })
    }

    fn sum_sentence(&self, largest: &[&ScoredStep], circumstances: &[&Factor]) -> String {
        let score = score(&self.session.shared, self.steps);
        let points: Vec<String> = largest.iter().map(|scored| milli(scored.points_milli())).collect();
        let context: Vec<String> = circumstances.iter().map(|factor| milli(factor.points_milli)).collect();
        let context = if context.is_empty() { "0".to_owned() } else { context.join(" + ") };
        format!(
            "Score: ({}) ÷ {LARGEST} + {context} = {}, the limit is {}. The largest alone: {} + {context} = {}, the limit \
             is {}. The weights are of table {TABLE_VERSION}.",
            if points.is_empty() { "0".to_owned() } else { points.join(" + ") },
            milli(score.mean_milli),
            milli(self.limits.mean.milli),
            points.first().map_or("0", String::as_str),
            milli(score.single_milli),
            milli(self.limits.single.milli),
        )
    }

    /// Since when, and compared with what.
    fn history_sentence(&self, name: &str, baselines: &Baselines) -> String {
        let [principal, ..] = self.key.caller.levels();
        let Known { hours, account_days: days, .. } = self.known;
        match baselines.profile(principal) {
            Some(profile) => format!(
                "`{name}` was active in {hours} hours on {} days since {}, with {} different calls; the account has been \
                 learnt for {days} days.",
                profile.active_days(),
                date(profile.first_day()),
                profile.distinct(Feature::Api),
            ),
            None => format!(
                "`{name}` was never seen before: its peers and the account stand in for it; the account has been learnt for \
                 {days} days."
            ),
        }
    }

    fn amount_sentence(&self, name: &str, baselines: &Baselines) -> Option<String> {
        let [principal, ..] = self.key.caller.levels();
        let usual = baselines.profile(principal)?.volume(Metric::ApiCallsPerHour, self.session.begin, 100_000)?;
        let calls: u64 = self.steps.iter().map(|scored| scored.step.calls).sum();
        Some(format!(
            "In this session {calls} calls; an hour in which `{name}` calls at all has {} on average, the largest of thirty \
             days had {}.",
            milli(i64::try_from(usual.mean_milli()).unwrap_or(i64::MAX)),
            usual.max
        ))
    }
}

fn usual_users(baselines: &Baselines, entity: EntityRef<'_>, token: &str, now: Time) -> String {
    let presence = baselines.profile(entity).and_then(|profile| profile.presence(Feature::Api, token, now));
    presence.map_or(String::new(), |presence| format!(" ({} of the last thirty days)", presence.days_seen))
}

fn circumstance_sentence(factor: &Factor, name: &str) -> String {
    let (cap, offset) = CIRCUMSTANCES
        .iter()
        .find(|one| one.feature == factor.feature)
        .map_or((0, 0), |one| (one.cap_milli(), one.offset_milli()));
    let history = match factor.common.map(word) {
        [by_it, by_peers, in_account] if by_it == by_peers && by_peers == in_account => {
            format!("{by_it} for `{name}`, its peers and the account")
        }
        [by_it, by_peers, in_account] => {
            format!("{by_it} for `{name}`, {by_peers} for its peers, {in_account} for the account")
        }
    };
    format!(
        "The {} is {history}: {} bits − {}, at most {}, halved: {}.",
        named(factor),
        milli(factor.surprise.bits_milli.into()),
        milli(offset),
        milli(cap),
        milli(factor.points_milli),
    )
}

/// `iam:CreateAccessKey`.
fn called(step: &Step) -> String {
    format!("{}:{}", step.service(), step.api())
}

/// The same with how it ended, unless it succeeded: each outcome has bits of its own.
fn judged(step: &Step) -> String {
    match step.outcome {
        Outcome::Ok => called(step),
        other => format!("{} ({})", called(step), other.words()),
    }
}

/// "network `203.0.0.0/16`".
fn named(factor: &Factor) -> String {
    format!("{} `{}`", factor.feature.words(), factor.value)
}

/// Where the bits come from: "Bits of …: −log2 of p, where p = …". What is equally unusual shares a sentence, at the place
/// of the first.
fn bits_sentences<'f>(factors: impl Iterator<Item = (String, &'f Factor)>) -> Vec<String> {
    let mut derived: Vec<(String, Vec<String>)> = Vec::new();
    for (name, factor) in factors {
        let formula = factor.surprise.to_string();
        match derived.iter_mut().find(|(known, _)| *known == formula) {
            // A call that failed in several ways has one name.
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => derived.push((formula, vec![name])),
        }
    }
    let sentence = |(formula, names): (String, Vec<String>)| {
        format!("Bits of {}: −log2 of p, where p = {formula}.", names.join(", "))
    };
    derived.into_iter().map(sentence).collect()
}

fn signal(finding_type: FindingType, case: &Case<'_>, primary: &ScoredStep, context: &Context<'_>) -> Signal {
    let (caller, step) = (&case.key.caller, &primary.step);
    let bucket = step.buckets.first().map_or("", |bucket| bucket.as_str());
    let is_s3 = case.plane == Plane::S3;
    let entity = if is_s3 { format!("{bucket} {}", caller.principal) } else { caller.principal.to_string() };
    let mut signal = Signal::new(finding_type, severity(finding_type), entity);
    signal.account = caller.account.to_string();
    signal.region = step.shown.region.to_string();
    signal.role = Some(ResourceRole::Target);
    signal.resource = Resource {
        kind: if is_s3 { ResourceKind::S3Bucket } else { ResourceKind::AccessKey },
        access_key: Some(access_key(step)),
        buckets: if bucket.is_empty() { Vec::new() } else { vec![context.bucket(bucket, &caller.account)] },
        ..Resource::default()
    };
    signal.action = Action::ApiCall(action(step, bucket, context));
    let (name, purpose) = (caller.short_name(), finding_type.purpose());
    let user = format!("{} : {name}", step.shown.user_type);
    signal.title = format!("The user {user} is anomalously invoking APIs commonly used in {purpose} tactics.");
    signal.description = format!(
        "APIs commonly used in {purpose} tactics were invoked by user {user} under unusual circumstances: above all {}:{}, \
         from {} with {}.",
        step.service(),
        step.name,
        step.shown.address,
        if step.shown.user_agent.is_empty() { "no user agent" } else { &step.shown.user_agent },
    );
    signal
}

/// As the catalogue has it.
pub(crate) fn severity(finding_type: FindingType) -> Severity {
    let number = catalogue::entry(finding_type.as_str())
        .and_then(|entry| entry.severity.as_ref())
        .and_then(|severity| severity.as_slice().first().copied());
    match number {
        Some(number) if number >= 7.0 => Severity::HIGH,
        Some(number) if number < 4.0 => Severity::LOW,
        _ => Severity::MEDIUM,
    }
}

/// `accessKeyDetails`.
pub(crate) fn access_key(step: &Step) -> AccessKey {
    AccessKey {
        access_key_id: step.shown.access_key_id.to_string(),
        principal_id: step.shown.principal_id.to_string(),
        user_name: step.shown.user_name.to_string(),
        user_type: step.shown.user_type.to_string(),
    }
}

/// `awsApiCallAction`.
pub(crate) fn action(step: &Step, bucket: &str, context: &Context<'_>) -> ApiCallAction {
    let mut affected_resources = BTreeMap::new();
    if !bucket.is_empty() {
        affected_resources.insert("AWS::S3::Bucket".to_owned(), bucket.to_owned());
    }
    ApiCallAction {
        api: step.name.clone(),
        service: step.source.clone(),
        caller_type: "Remote IP".to_owned(),
        error_code: step.error_code.clone(),
        user_agent: step.shown.user_agent.to_string(),
        remote: step.shown.address.parse::<IpAddr>().ok().map(|ip| context.knowledge.remote(ip)),
        affected_resources,
        ..ApiCallAction::default()
    }
}

fn note_missing(signal: &mut Signal, case: &Case<'_>) {
    if !case.key.network.is_autonomous_system() && &*case.key.network.name != "private" {
        signal.missing.push(format!(
            "The network of the address is not known: no database of autonomous systems that covers it was given \
             (--geoip). `{}` stands for it, and weighs less.",
            case.key.network.name
        ));
    }
    if case.session.steps.iter().any(|scored| scored.muted) {
        let muted: Vec<&str> = case.session.steps.iter().filter(|s| s.muted).map(|s| s.step.token.as_str()).collect();
        signal.missing.push(format!(
            "Not counted, because several principals began it within 24 hours: {}.",
            muted[..muted.len().min(SHOWN_MAX)].join(", ")
        ));
    }
    if signal.resource.kind == ResourceKind::S3Bucket && signal.resource.buckets.is_empty() {
        signal.missing.push("The event does not name the bucket.".to_owned());
    }
}

/// What was unusual, and the profiles that it was compared with.
fn anomaly(case: &Case<'_>, baselines: &Baselines) -> Anomaly {
    let mut anomaly = Anomaly::default();
    let now = case.session.begin;
    let levels = case.key.caller.levels();
    for (at, scope) in SCOPES {
        let entity = levels[at];
        for (feature, name) in FEATURES {
            note_profile(&mut anomaly, baselines, entity, scope, (feature, name), now);
        }
        note_unusual(&mut anomaly, case, at, scope);
    }
    if let Some(bucket) = case.steps.iter().flat_map(|scored| scored.step.buckets.first()).next() {
        let entity = Entity::new(EntityKind::Bucket, bucket.as_str());
        for (feature, name) in BUCKET_FEATURES {
            note_profile(&mut anomaly, baselines, (&entity).into(), "bucket", (feature, name), now);
        }
        let caller = &case.key.caller.principal;
        let frequency = baselines.frequency(&entity, Feature::Principal, caller, now);
        if frequency <= Frequency::Rare {
            anomaly.unusual("bucket", "userName", profile_word(frequency), vec![caller.to_string()]);
        }
    }
    anomaly
}

/// Levels by their scope in the anomaly block.
const SCOPES: [(usize, &str); 2] = [(0, "userIdentity"), (2, "account")];
/// Features by their name there.
const FEATURES: [(Feature, &str); 6] = [
    (Feature::Api, "api"),
    (Feature::Asn, "asnOrg"),
    (Feature::Network, "network"),
    (Feature::AgentFamily, "userAgent"),
    (Feature::UserType, "userType"),
    (Feature::Bucket, "bucket"),
];
const BUCKET_FEATURES: [(Feature, &str); 4] = [
    (Feature::Asn, "asnOrg"),
    (Feature::Principal, "userName"),
    (Feature::AgentFamily, "userAgent"),
    (Feature::UserType, "userType"),
];

fn note_profile(
    anomaly: &mut Anomaly,
    baselines: &Baselines,
    entity: EntityRef<'_>,
    scope: &str,
    (feature, name): (Feature, &str),
    now: Time,
) {
    let Some(profile) = baselines.profile(entity) else { return };
    let values = profile.values(feature, now);
    for frequency in [Frequency::Frequent, Frequency::Infrequent, Frequency::Rare] {
        let texts = values
            .iter()
            .filter(|(_, presence)| Frequency::of(Some(*presence)) == frequency)
            .map(|(value, _)| (*value).to_owned())
            .take(SHOWN_MAX);
        anomaly.normal(scope, name, profile_word(frequency), texts.collect());
    }
}

fn note_unusual(anomaly: &mut Anomaly, case: &Case<'_>, at: usize, scope: &str) {
    let shared = circumstances(&case.session.shared, case.steps);
    let steps = case.steps.iter().filter(|scored| scored.counts).map(|scored| &scored.factor);
    let factors: Vec<&Factor> = steps.chain(shared).collect();
    for (feature, name) in FEATURES {
        for frequency in [Frequency::Unseen, Frequency::Rare] {
            let texts = factors
                .iter()
                .filter(|factor| factor.feature == feature && factor.common[at] == frequency)
                .map(|factor| factor.value.to_string())
                .take(SHOWN_MAX);
            anomaly.unusual(scope, name, profile_word(frequency), texts.collect());
        }
    }
}

/// The keys that GuardDuty's own findings of these types have in `additionalInfo`.
fn additional(case: &Case<'_>, primary: &ScoredStep, anomaly: &Anomaly) -> BTreeMap<String, serde_json::Value> {
    let agent = serde_json::json!({
        "fullUserAgent": primary.step.shown.user_agent,
        "userAgentCategory": case.key.agent.as_str(),
    });
    let anomalies = serde_json::json!({ "anomalousAPIs": anomalous_apis(case) });
    let mut profiled = BTreeMap::new();
    let mut unusual = BTreeMap::new();
    for (scope, suffix) in [("account", "AccountProfiling"), ("userIdentity", "UserIdentityProfiling")] {
        for (feature, plural) in
            [("api", "APIs"), ("asnOrg", "ASNs"), ("userAgent", "UserAgents"), ("userType", "UserTypes")]
        {
            let observed = anomaly.profiles.get(scope).and_then(|features| features.get(feature));
            for one in observed.into_iter().flatten() {
                let word = one.word.name().to_ascii_lowercase();
                profiled.insert(format!("{word}Profiled{plural}{suffix}"), one.texts.join(" , "));
            }
            if let Some(one) = anomaly.unusual.get(scope).and_then(|features| features.get(feature)) {
                unusual.insert(format!("unusual{plural}{suffix}"), one.texts.join(" , "));
            }
        }
    }
    [
        ("userAgent", agent),
        ("anomalies", anomalies),
        ("profiledBehavior", serde_json::json!(profiled)),
        ("unusualBehavior", serde_json::json!(unusual)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// `iam:[CreateAccessKey:success , ListUsers:AccessDenied] , ec2:[…]`, as GuardDuty writes it.
fn anomalous_apis(case: &Case<'_>) -> String {
    let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for scored in case.steps.iter().filter(|scored| scored.counts && scored.factor.is_rare_for_caller()) {
        let step = &scored.step;
        let outcome = if step.outcome == Outcome::Ok { "success" } else { &step.error_code };
        services.entry(step.service()).or_default().push(format!("{}:{outcome}", step.name));
    }
    let services: Vec<String> = services
        .into_iter()
        .map(|(service, mut apis)| {
            apis.truncate(SHOWN_MAX);
            format!("{service}:[{}]", apis.join(" , "))
        })
        .collect();
    services.join(" , ")
}

fn profile_word(frequency: Frequency) -> ProfileWord {
    match frequency {
        Frequency::Unseen => ProfileWord::Unseen,
        Frequency::Rare => ProfileWord::Rare,
        Frequency::Infrequent => ProfileWord::Infrequent,
        Frequency::Frequent => ProfileWord::Frequent,
    }
}

fn word(frequency: Frequency) -> &'static str {
    seen(frequency, "new", "rare", "infrequent", "usual")
}

fn seen(
    frequency: Frequency,
    unseen: &'static str,
    rare: &'static str,
    infrequent: &'static str,
    frequent: &'static str,
) -> &'static str {
    match frequency {
        Frequency::Unseen => unseen,
        Frequency::Rare => rare,
        Frequency::Infrequent => infrequent,
        Frequency::Frequent => frequent,
    }
}

fn times(calls: u64) -> String {
    if calls == 1 { "once".to_owned() } else { format!("{calls} times") }
}

fn date(day: i64) -> String {
    Time::from_ms(day.saturating_mul(Time::DAY_MS)).date()
}

/// Thousandths as a decimal number, without zeros at the end.
pub(crate) fn milli(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "−" } else { "" };
    let absolute = thousandths.unsigned_abs();
    let text = format!("{sign}{}.{:03}", absolute / 1_000, absolute % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
