//! What scores are held against: the settings, and what an account's own sessions exceed as rarely as a budget allows.
//!
//! A type of findings has a budget of false alarms by account and day: [`ALARMS_PER_DAY`] where its severity is low, 0.3
//! of it where medium, 0.1 where high (the budgets of the design). Each of the two scores may spend half of it. Of the
//! sessions of an account two kinds of tails are learnt ([`PeaksOverThreshold`]): one over all of them, for the whole
//! setting, and one for each type over the sessions that would get it, for its budget; a session of another type, or
//! without news, counts there as nothing. The larger limit holds, so that what is common in an account (incidents,
//! releases) raises the limit of its own type and of no other. Who comes from where nobody of the account was is held
//! against others who did, for the whole setting, and is not learnt if it fired: neither busy days at the desk nor a wave
//! of thefts is a reason to hear less of thefts.

use super::explain::{milli, severity};
use super::score::Score;
use crate::{Threshold, Thresholds};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use watchfire_knowledge::statistics::{PeaksOverThreshold, TailFit};
use watchfire_model::{FindingType, Severity, Time};

/// The score from which a session fires.
pub(crate) static SCORE: Threshold = Threshold {
    key: "calls.anomalous_behavior.score",
    default: 19.0,
    min: 5.0,
    max: 60.0,
    unit: "bits",
    source: "design measurements: one false session a day among 200 principals",
    summary: "A session whose five largest surprises and circumstances reach this fires.",
};
/// The score of the largest surprise alone.
pub(crate) static SINGLE_SCORE: Threshold = Threshold {
    key: "calls.anomalous_behavior.single_score",
    default: 33.0,
    min: 5.0,
    max: 80.0,
    unit: "bits",
    source: "design measurements: half of the alarms of one a day among 200 principals",
    summary: "A session whose largest surprise and circumstances reach this fires.",
};
/// Alarms of an account that its own scores may raise by chance.
pub(crate) static ALARMS_PER_DAY: Threshold = Threshold {
    key: "calls.anomalous_behavior.alarms_per_day",
    default: 1.0,
    min: 0.001,
    max: 100.0,
    unit: "alarms a day and account",
    source: "budget of findings of low severity; medium has 0.3 of it, high 0.1",
    summary: "The limits follow the account's own scores, so that good sessions exceed them this often.",
};

/// Days of an account after which its own scores may lower the limits; before that they only raise them. Source: our
/// choice; GuardDuty's users report 7 to 14.
const OWN_LIMIT_DAYS: u32 = 14;
/// Own limits stay within these shares of the settings, in percent: a quiet account does not make trifles into alarms,
/// and a noisy one does not make itself deaf. Source: our choice.
const OWN_LIMIT_PERCENT: (i64, i64) = (75, 200);
/// Tails begin at this share of the settings, in percent: below it lies no limit, and most sessions have no news at all,
/// so that a tail that began at nothing would be the middle of those with news. Source: our choice.
const TAIL_PERCENT: i64 = 50;
/// What a tail is made with; it learns, and is asked, at the rate of its budget. Source: libspot's default.
const LEARNING_RATE_PPB: u32 = 100_000;

/// What a limit is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    /// The type that would be reported.
    pub(crate) finding_type: FindingType,
    /// When the session began.
    pub(crate) now: Time,
    /// Whole days since the account was first seen.
    pub(crate) account_days: u32,
    /// From where, and with what, it is made.
    pub(crate) place: Place,
}

/// Who calls from such a place with such a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The caller itself.
    Usual,
    /// Others of its account.
    OfAccount,
    /// Nobody yet.
    Strange,
}

/// The limits in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Of the mean of the five largest.
    pub(crate) mean: Limit,
    /// Of the largest alone.
    pub(crate) single: Limit,
}

/// A limit, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    /// In 1/1000 bit.
    pub(crate) milli: i64,
    /// The setting, in 1/1000 bit.
    set_milli: i64,
    /// The tail that it follows from; `None` where the setting is in force.
    own: Option<Own>,
}

/// Sessions of an account that a limit follows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whose {
    All,
    OfType,
    Strangers,
}

/// A limit that was learnt.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Own {
    /// Whose scores it follows.
    of: Whose,
    /// The budget, in alarms a day.
    alarms_a_day: f64,
    sessions_a_day: f64,
    /// Sessions learnt from, those of them in the tail, and where it begins, in 1/1000 bit.
    tail: (u64, u64, i64),
    /// `None` where the tail has fewer sessions than the budget allows.
    fit: Option<TailFit>,
    /// The bounds, in 1/1000 bit.
    bounds: (i64, i64),
}

/// The scores of an account's sessions.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccountScores {
    /// When the first of them began.
    pub(crate) since: Time,
    all: Tails,
    /// Of those from strange places.
    #[serde(default = "Tails::new")]
    strange: Tails,
    /// By the type that they would get.
    by_type: BTreeMap<FindingType, Tails>,
}

/// The tails of the two scores.
#[derive(Clone, Serialize, Deserialize)]
struct Tails {
    mean: PeaksOverThreshold,
    single: PeaksOverThreshold,
}

impl Limits {
    /// Whether one of the scores reaches its limit.
    pub(crate) fn are_reached(self, score: Score) -> bool {
        score.mean_milli >= self.mean.milli || score.single_milli >= self.single.milli
    }

    /// The settings.
    pub(crate) fn set(thresholds: &Thresholds) -> Self {
        let limit = |threshold: &Threshold| {
            let milli = (thresholds.get(threshold) * 1_000.0).round() as i64;
            Limit { milli, set_milli: milli, own: None }
        };
        Self { mean: limit(&SCORE), single: limit(&SINGLE_SCORE) }
    }

    /// Where they come from, in full: one for both, or one for each.
    pub(crate) fn sentences(self) -> Vec<String> {
        if self.mean.own.is_none() && self.single.own.is_none() {
            return vec!["Both limits are the settings in force.".to_owned()];
        }
        [("score", self.mean), ("largest alone", self.single)]
            .map(|(of, limit)| format!("The limit of the {of}, {}, is {}.", milli(limit.milli), limit.words()))
            .into()
    }
}

impl Limit {
    fn words(self) -> String {
        let Some(Own { of, alarms_a_day, sessions_a_day, fit, tail: (points, peaks, begin), bounds: (least, most) }) =
            self.own
        else {
            return "the setting".to_owned();
        };
        let kind = match of {
            Whose::All => "all",
            Whose::OfType => "those of this type",
            Whose::Strangers => "those from places that are new to the account",
        };
        let begin = milli(begin);
        let tail = match fit {
            None => format!("{peaks} of n = {points} reached t = {begin}, no more than that allows: {begin}"),
            Some(fit) => format!(
                "t + σ/ξ·((q·n/N)^(−ξ) − 1) = {} with q = {:.9}, n = {points}, N = {peaks}, t = {begin}, ξ = {:.6}, σ = {:.6}",
                milli(fit.limit_milli),
                f64::from(fit.rate_ppb) * 1e-9,
                fit.shape,
                fit.scale_milli / 1_000.0,
            ),
        };
        format!(
            "learnt from the account's own sessions ({} a day, {kind} count), for {} alarms a day, half of them by each \
             score: {tail}; at least {}, at most {}",
            decimal(sessions_a_day, 3),
            decimal(alarms_a_day, 6),
            milli(least),
            milli(most),
        )
    }

    /// The limit that these tails of the same score give.
    fn learnt(self, all: Option<Own>, of_type: Option<Own>) -> Self {
        let limit_milli = |own: &Own| {
            let limit_milli = own.fit.map_or(own.tail.2, |fit| fit.limit_milli);
            limit_milli.clamp(own.bounds.0, own.bounds.1)
        };
        // Of equal ones that of all sessions.
        let larger = match (all, of_type) {
            (Some(all), Some(own)) if limit_milli(&own) > limit_milli(&all) => Some(own),
            (None, of_type) => of_type.filter(|own| limit_milli(own) > self.set_milli),
            (all, _) => all,
        };
        larger.map_or(self, |own| Self { milli: limit_milli(&own), own: Some(own), ..self })
    }
}

/// With so many digits after the point, without zeros at the end.
fn decimal(number: f64, digits: usize) -> String {
    format!("{number:.digits$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl AccountScores {
    /// None yet.
    pub(crate) fn begun(since: Time) -> Self {
        Self { since, all: Tails::new(), strange: Tails::new(), by_type: BTreeMap::new() }
    }

    /// Learns the score of a session with the type that it would get; `None` of one without news.
    pub(crate) fn learn(
        &mut self,
        scored: Option<(FindingType, Score)>,
        place: Place,
        now: Time,
        thresholds: &Thresholds,
    ) {
        let before = self.all.mean.points();
        let budget = thresholds.get(&ALARMS_PER_DAY);
        let none = Score { mean_milli: 0, single_milli: 0, context_milli: 0 };
        let rate_ppb = self.rate_ppb(budget, now);
        self.all.learn(scored.map_or(none, |(_, score)| score), rate_ppb);
        if let Some((_, score)) = scored.filter(|_| place == Place::Strange) {
            self.strange.catch_up(before);
            self.strange.learn(score, rate_ppb);
        }
        if let Some((finding_type, score)) = scored {
            let rate_ppb = self.rate_ppb(budget * share(finding_type), now);
            let tails = self.by_type.entry(finding_type).or_insert_with(Tails::new);
            tails.catch_up(before);
            tails.learn(score, rate_ppb);
        }
    }

    /// Of the days that scores were learnt on; the first is one from its beginning.
    fn sessions_a_day(&self, now: Time) -> f64 {
        let days = (now.ms() - self.since.ms()).max(0) / Time::DAY_MS + 1;
        self.all.mean.points() as f64 / days as f64
    }

    /// The probability with which one session may exceed each of the two limits, in 1e-9: half of the budget each.
    fn rate_ppb(&self, alarms_a_day: f64, now: Time) -> u32 {
        (alarms_a_day / 2.0 / self.sessions_a_day(now).max(1.0) * 1e9).clamp(1.0, 1e8) as u32
    }

    /// The limits for a session.
    pub(crate) fn limits(&self, question: Question, thresholds: &Thresholds) -> Limits {
        let set = Limits::set(thresholds);
        if !thresholds.is_default(&SCORE) || !thresholds.is_default(&SINGLE_SCORE) {
            return set;
        }
        let Question { finding_type, now, account_days, place } = question;
        let sessions_a_day = self.sessions_a_day(now);
        let budget = thresholds.get(&ALARMS_PER_DAY);
        let of_type = self.by_type.get(&finding_type).filter(|_| place != Place::Strange).map(|tails| {
            let mut tails = tails.clone();
            tails.catch_up(self.all.mean.points());
            tails
        });
        let strange = (place == Place::Strange).then(|| {
            let mut tails = self.strange.clone();
            tails.catch_up(self.all.mean.points());
            tails
        });
        let (all, whose) = strange.as_ref().map_or((&self.all, Whose::All), |tails| (tails, Whose::Strangers));
        let least = if account_days >= OWN_LIMIT_DAYS { OWN_LIMIT_PERCENT.0 } else { 100 };
        let own = |tail: &PeaksOverThreshold, set_milli: i64, of: Whose| {
            let alarms_a_day = if of == Whose::OfType { budget * share(finding_type) } else { budget };
            let rate_ppb = self.rate_ppb(alarms_a_day, now);
            let fit = if tail.is_rarer_than(rate_ppb)? { None } else { Some(tail.fit_at(rate_ppb)?) };
            let tail = (tail.points(), tail.peaks(), set_milli * TAIL_PERCENT / 100);
            let bounds = (set_milli * least / 100, set_milli * OWN_LIMIT_PERCENT.1 / 100);
            Some(Own { of, alarms_a_day, sessions_a_day, tail, fit, bounds })
        };
        let limit = |limit: Limit, tail: fn(&Tails) -> &PeaksOverThreshold| {
            let all = own(tail(all), limit.set_milli, whose).filter(|_| account_days >= OWN_LIMIT_DAYS);
            limit.learnt(all, of_type.as_ref().and_then(|tails| own(tail(tails), limit.set_milli, Whose::OfType)))
        };
        Limits { mean: limit(set.mean, |tails| &tails.mean), single: limit(set.single, |tails| &tails.single) }
    }

    /// Bytes, about.
    pub(crate) fn size_bytes(&self) -> usize {
        let tails = self.by_type.values().chain([&self.all, &self.strange]);
        tails.map(|tails| size_of::<Tails>() + tails.mean.size_bytes() + tails.single.size_bytes()).sum()
    }
}

impl Tails {
    fn new() -> Self {
        let tail = |setting: &Threshold| {
            let begin_milli = (setting.default * 1_000.0) as i64 * TAIL_PERCENT / 100;
            PeaksOverThreshold::above(LEARNING_RATE_PPB, begin_milli as i32)
        };
        Self { mean: tail(&SCORE), single: tail(&SINGLE_SCORE) }
    }

    /// What lies above the limit of this rate is learnt winsorised.
    fn learn(&mut self, score: Score, rate_ppb: u32) {
        for (tail, score_milli) in [(&mut self.mean, score.mean_milli), (&mut self.single, score.single_milli)] {
            tail.set_rate(rate_ppb);
            tail.observe(score_milli);
        }
    }

    /// Counts the sessions that were as good as nothing here.
    fn catch_up(&mut self, sessions: u64) {
        self.mean.observe_zeros(sessions.saturating_sub(self.mean.points()));
        self.single.observe_zeros(sessions.saturating_sub(self.single.points()));
    }
}

/// The share of the budget that findings of this type have. Source: the design's budgets, in alarms a day and account: low
/// 1, medium 0.3, high 0.1.
fn share(finding_type: FindingType) -> f64 {
    match severity(finding_type) {
        Severity::LOW => 1.0,
        Severity::HIGH => 0.1,
        _ => 0.3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSISTENCE: FindingType = FindingType::new("Persistence:IAMUser/AnomalousBehavior");
    const DISCOVERY: FindingType = FindingType::new("Discovery:IAMUser/AnomalousBehavior");
    const SESSIONS_A_DAY: u64 = 500;

    fn question(finding_type: FindingType, account_days: u32, place: Place) -> Question {
        let now = Time::from_ms(i64::from(account_days) * Time::DAY_MS - 1);
        Question { finding_type, now, account_days, place }
    }

    /// An account in which so many sessions a day would be of persistence, with scores from 12 to 26.
    fn learnt(days: u64, of_persistence: u64) -> AccountScores {
        let mut scores = AccountScores::begun(Time::default());
        for session in 0..days * SESSIONS_A_DAY {
            let spread = (session.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as i64 % 1_000;
            let mean_milli = 12_000 + spread * spread * 14 / 1_000;
            let score = Score { mean_milli, single_milli: 2 * mean_milli, context_milli: 0 };
            let has_news = session % SESSIONS_A_DAY < of_persistence;
            let now = Time::from_ms((session / SESSIONS_A_DAY) as i64 * Time::DAY_MS);
            scores.learn(has_news.then_some((PERSISTENCE, score)), Place::Usual, now, &Thresholds::default());
        }
        scores
    }

    #[test]
    fn what_is_common_raises_the_limit_of_its_own_type() {
        let thresholds = Thresholds::default();
        let noisy = learnt(30, 8);
        let persistence = noisy.limits(question(PERSISTENCE, 30, Place::Usual), &thresholds);
        let discovery = noisy.limits(question(DISCOVERY, 30, Place::Usual), &thresholds);
        assert!(persistence.mean.milli > 23_000, "{:?}", persistence.sentences());
        assert!(
            discovery.mean.milli < persistence.mean.milli,
            "{:?} {:?}",
            discovery.sentences(),
            persistence.sentences()
        );
        let stranger = noisy.limits(question(PERSISTENCE, 30, Place::Strange), &thresholds);
        assert!(stranger.mean.milli < persistence.mean.milli, "{:?}", stranger.sentences());
        // In an account where hardly anything happens a limit is not below its bound.
        let quiet = learnt(30, 0);
        assert_eq!(quiet.limits(question(PERSISTENCE, 30, Place::Usual), &thresholds).single.milli, 24_750);
        let mut seldom = learnt(30, 0);
        let score = |mean_milli| Score { mean_milli, single_milli: mean_milli, context_milli: 0 };
        let end = Time::from_ms(30 * Time::DAY_MS - 1);
        (0..12).for_each(|more| seldom.learn(Some((DISCOVERY, score(1_000 + more))), Place::Usual, end, &thresholds));
        assert_eq!(seldom.limits(question(PERSISTENCE, 30, Place::Usual), &thresholds).mean.milli, 14_250);
    }

    #[test]
    fn before_a_fortnight_limits_are_only_raised() {
        let thresholds = Thresholds::default();
        assert!(learnt(9, 8).limits(question(PERSISTENCE, 9, Place::OfAccount), &thresholds).mean.milli > 19_000);
        let low = learnt(9, 0).limits(question(PERSISTENCE, 9, Place::OfAccount), &thresholds);
        assert_eq!(low.mean.milli, 19_000, "{:?}", low.sentences());
    }

    #[test]
    fn a_setting_stands_as_it_was_set() {
        let mut thresholds = Thresholds::default();
        thresholds.set(&SCORE, 21.0);
        assert_eq!(
            learnt(30, 8).limits(question(PERSISTENCE, 30, Place::Usual), &thresholds),
            Limits::set(&thresholds)
        );
    }

    /// The number that stands after the first of these texts.
    fn number_after(text: &str, before: &str) -> f64 {
        let rest = &text[text.find(before).unwrap_or_else(|| panic!("{before} in {text}")) + before.len()..];
        let is_of_number = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-';
        let end = rest.find(|letter| !is_of_number(letter)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').parse().unwrap()
    }

    #[test]
    fn a_learnt_limit_can_be_computed_by_hand_from_the_sentence() {
        let sentences =
            learnt(30, 8).limits(question(PERSISTENCE, 30, Place::Usual), &Thresholds::default()).sentences();
        assert_eq!(sentences.len(), 2);
        for part in sentences.iter().map(|sentence| sentence.trim_end_matches('.')) {
            let number = |before: &str| number_after(part, before);
            let (q, n, peaks) = (number("with q = "), number(", n = "), number(", N = "));
            let by_budget = number(" count), for ") / 2.0 / number(" own sessions (");
            assert!((q - by_budget).abs() < 2e-9, "{q} {by_budget} {part}");
            let (t, shape, scale) = (number(", t = "), number("ξ = "), number("σ = "));
            let by_hand = t + scale / shape * ((q * n / peaks).powf(-shape) - 1.0);
            assert!((by_hand - number(" − 1) = ")).abs() < 0.01, "{by_hand} {part}");
            let bounded = by_hand.clamp(number("at least "), number("at most "));
            assert!((bounded - number(", ")).abs() < 0.01, "{bounded} {part}");
        }
    }
}
