//! How unusual a session is: the arithmetic, in thousandths of a bit, so that it adds up the same everywhere.

use super::risk::{HIGH_RISK_TENTHS, Tactic};
use super::roles;
use super::session::{SessionKey, Step};
use super::text::Text;
use serde::{Deserialize, Serialize};
use watchfire_knowledge::baseline::{Baselines, EntityRef, Feature, Frequency, Habits, Profile, Surprise};
use watchfire_model::Time;

/// How many of the largest surprises make the score. Fewer count as five: one new call alone is judged by the single
/// score. Source: the design's measurements, in which the mean of the five largest found most with the owner's usual
/// calls mixed in; that fewer count as five is our choice, so that one new call of an administrator says little.
pub(crate) const LARGEST: usize = 5;
/// Of calls that are not of high risk, so many of one service count: one page of the console, or one new module of a
/// deployment, brings all the calls of a service at once, and that is one piece of news. Source: our choice.
pub(crate) const OF_ONE_SERVICE_MAX: usize = 2;

/// So many networks, and so many for each hundred hours in which the caller was active, make a rover: somebody at home, in the
/// office and on the way has a handful. Source: our choice; the builds of a hosted service meet a new piece of its address
/// space in more than half of the hours.
const ROVER_NETWORKS: u64 = 6;
const ROVER_PERCENT: u64 = 50;

/// Something unusual: how surprising it is, and how common at each level.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Factor {
    /// What was compared.
    pub(crate) feature: Feature,
    /// What was seen.
    pub(crate) value: Text,
    /// How surprising it is, with all that this follows from.
    pub(crate) surprise: Surprise,
    /// How common it is for the principal, its peers, the account.
    pub(crate) common: [Frequency; 3],
    /// What it adds to the score, in 1/1000: weighed, capped and halved as its kind is.
    pub(crate) points_milli: i64,
}

/// A step with what it adds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ScoredStep {
    /// What was done.
    pub(crate) step: Step,
    /// What it is for.
    pub(crate) tactic: Option<Tactic>,
    /// Its weight, in tenths.
    pub(crate) weight_tenths: i64,
    /// Its surprise; the points are `weight · bits`.
    pub(crate) factor: Factor,
    /// Whether it counts: not if it is muted, or the caller is too new for it.
    pub(crate) counts: bool,
    /// Why it does not count.
    pub(crate) muted: bool,
    /// Its regions, buckets and roles, where they add something.
    pub(crate) places: Vec<Factor>,
}

/// The score of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    /// The five largest, each weighed, by five, and the circumstances.
    pub(crate) mean_milli: i64,
    /// The largest alone, and the circumstances.
    pub(crate) single_milli: i64,
    /// The part of the circumstances in both.
    pub(crate) context_milli: i64,
}

/// How well a caller and its account are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// Hours in which the principal was active.
    pub(crate) hours: u32,
    /// Whole days since the account was first seen.
    pub(crate) account_days: u32,
    /// Whole days since the principal was.
    pub(crate) principal_days: u32,
}

/// What is known of the subject and of those it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Levels<'b> {
    habits: Habits<'b>,
    now: Time,
}

/// What a circumstance adds at most, and how much surprise is no news. Source: the design's measurements.
pub(crate) struct Circumstance {
    pub(crate) feature: Feature,
    cap_milli: i64,
    offset_milli: i64,
}

impl Circumstance {
    /// What its surprise may add at most, before it is halved, in 1/1000 bit.
    pub(crate) fn cap_milli(&self) -> i64 {
        self.cap_milli
    }

    /// What its surprise must exceed, in 1/1000 bit.
    pub(crate) fn offset_milli(&self) -> i64 {
        self.offset_milli
    }
}

/// In bits: what a circumstance may add before it is halved, and what it must exceed.
const fn circumstance(feature: Feature, cap: i64, offset: i64) -> Circumstance {
    Circumstance { feature, cap_milli: cap * 1_000, offset_milli: offset * 1_000 }
}

/// The circumstances, in the order in which they are explained. The network without an autonomous system is a piece of
/// address space, of which each caller meets many: it may add less.
pub(crate) const CIRCUMSTANCES: [Circumstance; 8] = [
    circumstance(Feature::Asn, 12, 3),
    circumstance(Feature::Network, 9, 6),
    circumstance(Feature::Country, 10, 3),
    circumstance(Feature::AgentFamily, 8, 2),
    circumstance(Feature::UserType, 4, 2),
    circumstance(Feature::Region, 6, 3),
    circumstance(Feature::Bucket, 12, 3),
    circumstance(Feature::Role, 12, 3),
];

/// Circumstances of single steps: the most surprising of each counts once.
const OF_STEPS: [Feature; 3] = [Feature::Region, Feature::Bucket, Feature::Role];

impl<'b> Levels<'b> {
    /// The levels of a session's caller, as [`Caller::levels`](super::caller::Caller::levels) names them.
    pub(crate) fn of(levels: [EntityRef<'_>; 3], baselines: &'b Baselines, now: Time) -> Self {
        Self { habits: baselines.habits(levels), now }
    }

    /// How surprising a value is here, and how common. The points are still the bits themselves.
    pub(crate) fn factor(&self, feature: Feature, value: &Text) -> Factor {
        let (surprise, common) = self.habits.assess(feature, value, self.now);
        let points_milli = i64::from(surprise.bits_milli);
        Factor { feature, value: value.clone(), surprise, common, points_milli }
    }

    /// What a circumstance adds: half of what its surprise exceeds the offset by, at most half the cap.
    pub(crate) fn circumstance(&self, feature: Feature, value: &Text) -> Option<Factor> {
        let Circumstance { cap_milli, offset_milli, .. } = CIRCUMSTANCES.iter().find(|one| one.feature == feature)?;
        let mut factor = self.factor(feature, value);
        let points_milli = (factor.points_milli - offset_milli).clamp(0, *cap_milli) / 2;
        factor.points_milli = if factor.is_of_a_rover() { 0 } else { points_milli };
        Some(factor)
    }

    /// The circumstances that a whole session shares.
    pub(crate) fn of_session(&self, key: &SessionKey, user_type: &Text) -> Vec<Factor> {
        let network = if key.network.is_autonomous_system() { Feature::Asn } else { Feature::Network };
        let values = [
            (network, &key.network.name),
            (Feature::Country, &key.network.country),
            (Feature::AgentFamily, &key.agent),
            (Feature::UserType, user_type),
        ];
        values.into_iter().filter(|(_, value)| !value.is_empty()).filter_map(|(f, v)| self.circumstance(f, v)).collect()
    }

    /// Whether a role that nobody here assumed is news: see [`roles::are_learnt`].
    pub(crate) fn are_roles_learnt(&self) -> bool {
        let [.., account] = self.habits.profiles();
        roles::are_learnt(account, self.now)
    }

    /// How well the caller and its account are known.
    pub(crate) fn known(&self) -> Known {
        let [principal, _, account] = self.habits.profiles();
        let days = |profile: Option<Profile<'_>>| profile.map_or(0, |profile| profile.age_days(self.now));
        let hours = principal.map_or(0, |profile| profile.active_hours());
        Known { hours, account_days: days(account), principal_days: days(principal) }
    }
}

impl Factor {
    /// Whether it is the network of a caller that comes from another one nearly each time, as the builds of a hosted service
    /// do: that this one is new as well is no news.
    fn is_of_a_rover(&self) -> bool {
        let is_network = matches!(self.feature, Feature::Network | Feature::Asn);
        let of_caller = self.surprise.levels.first().filter(|_| is_network);
        of_caller.is_some_and(|level| {
            let per_hour = level.total_1024.saturating_mul(ROVER_PERCENT) / 100;
            level.distinct >= ROVER_NETWORKS && level.distinct.saturating_mul(1_024) >= per_hour
        })
    }

    /// Whether it is new, or was not seen for a month, for the caller itself.
    pub(crate) fn is_rare_for_caller(&self) -> bool {
        self.common[0] <= Frequency::Rare
    }

    /// Whether it is that for its peers, or for the account.
    pub(crate) fn is_rare_for_others(&self) -> bool {
        self.common[1] <= Frequency::Rare || self.common[2] <= Frequency::Rare
    }
}

impl ScoredStep {
    /// `weight · bits`, in 1/1000; nothing if it does not count.
    pub(crate) fn points_milli(&self) -> i64 {
        if self.counts { self.factor.points_milli } else { 0 }
    }

    /// Whether it is of high risk.
    pub(crate) fn is_high_risk(&self) -> bool {
        self.weight_tenths >= HIGH_RISK_TENTHS
    }

    /// Whether it alone meets the gate: new for the caller, and new for others or of high risk.
    fn is_news(&self) -> bool {
        self.counts && self.factor.is_rare_for_caller() && (self.factor.is_rare_for_others() || self.is_high_risk())
    }
}

/// The steps that make the score, the largest first.
pub(crate) fn largest<'s>(steps: impl IntoIterator<Item = &'s ScoredStep>) -> Vec<&'s ScoredStep> {
    let mut steps: Vec<&ScoredStep> = steps.into_iter().filter(|step| step.points_milli() > 0).collect();
    steps.sort_unstable_by(|one, other| {
        let rank = |step: &ScoredStep| (std::cmp::Reverse((step.points_milli(), step.tactic)), step.step.first);
        rank(one).cmp(&rank(other)).then_with(|| one.step.token.cmp(&other.step.token))
    });
    let mut of_service: Vec<(&str, usize)> = Vec::new();
    steps.retain(|scored| {
        if scored.is_high_risk() {
            return true;
        }
        let service = scored.step.service();
        match of_service.iter_mut().find(|(known, _)| *known == service) {
            Some((_, count)) => {
                *count += 1;
                *count <= OF_ONE_SERVICE_MAX
            }
            None => {
                of_service.push((service, 1));
                true
            }
        }
    });
    steps.truncate(LARGEST);
    steps
}

/// The circumstances of a session: those that it shares, and its most surprising region, bucket and role.
pub(crate) fn circumstances<'s>(shared: &'s [Factor], steps: &[&'s ScoredStep]) -> Vec<&'s Factor> {
    let mut factors: Vec<&Factor> = shared.iter().collect();
    for feature in OF_STEPS {
        let of_steps = steps.iter().flat_map(|step| &step.places).filter(|place| place.feature == feature);
        factors.extend(
            of_steps.max_by(|one, other| {
                one.points_milli.cmp(&other.points_milli).then_with(|| other.value.cmp(&one.value))
            }),
        );
    }
    factors.retain(|factor| factor.points_milli > 0);
    factors
}

/// The points of all circumstances.
pub(crate) fn context_milli(shared: &[Factor], steps: &[&ScoredStep]) -> i64 {
    let most = |feature| {
        let of_steps = steps.iter().flat_map(|step| &step.places).filter(|place| place.feature == feature);
        of_steps.map(|place| place.points_milli).max().unwrap_or(0).max(0)
    };
    let shared: i64 = shared.iter().map(|factor| factor.points_milli.max(0)).sum();
    shared + OF_STEPS.map(most).iter().sum::<i64>()
}

/// `S = Σ of the five largest weight·bits ÷ 5 + circumstances`, and the same with the largest alone.
pub(crate) fn score(shared: &[Factor], steps: &[&ScoredStep]) -> Score {
    let context_milli = context_milli(shared, steps);
    let largest = largest(steps.iter().copied());
    let sum: i64 = largest.iter().map(|step| step.points_milli()).sum();
    let single = largest.first().map_or(0, |step| step.points_milli());
    Score { mean_milli: sum / LARGEST as i64 + context_milli, single_milli: single + context_milli, context_milli }
}

/// Whether there is anything to fire on: a step that a tactic needs, and something new for the caller that is also new
/// for others or of high risk.
pub(crate) fn gates_open(shared: &[Factor], steps: &[&ScoredStep]) -> bool {
    let has_tactic = steps.iter().any(|step| step.counts && step.tactic.is_some());
    let is_new = |factor: &Factor| factor.is_rare_for_caller() && factor.is_rare_for_others();
    has_tactic && (steps.iter().any(|step| step.is_news()) || circumstances(shared, steps).into_iter().any(is_new))
}
