//! POT-W: a limit that good values exceed with a chosen probability, learnt from the values themselves.
//!
//! Peaks over threshold (Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017), with two
//! changes of our own. Values are meant to be `log2(1 + x)` minus a baseline. And a value above the limit is not thrown
//! away but learnt winsorised, cut to t + 1.25·(z − t): throwing alarms away teaches the estimator a tail that ends at
//! its own limit, which gave 3 to 13 times the chosen rate of alarms in simulation, winsorising 1.0 to 1.5 times.

use super::{exponential, natural_logarithm};
use serde::{Deserialize, Serialize};

/// Values before there is a limit. Source: our choice with [`START_PEAKS`]; a twentieth of them would leave no tail.
const START_POINTS: u64 = 1_000;
/// How many of the first values lie above the threshold: t is their 98 % quantile. Source: 0.998 in libspot, for longer
/// calibrations; 0.98 leaves a start of 1,000 enough of a tail.
const START_PEAKS: usize = 20;
/// Excesses kept. Source: libspot's default.
const EXCESSES_MAX: usize = 200;
/// Excesses below which a tail has no shape, and no limit is named. Source: our choice; half of what the start gives
/// where values do not repeat.
const EXCESSES_MIN: usize = 10;
/// A value above the limit counts as far as this times the limit's distance from the threshold. Source: our simulation.
const WINSOR: (i64, i64) = (5, 4);
/// Below this |ξ| the tail is taken for exponential. Source: avoids 0/0; the two forms agree to 1e-3 there.
const SHAPE_ZERO: f64 = 1e-3;
/// The least shape. A tail that ends (a link at its capacity) is thus taken to end a little later than it does, and alarms
/// less often than was chosen: without this, 2.8 times as often at 3e-4. Source: our simulation.
const SHAPE_MIN: f64 = -1.0;

/// The estimator's state: 0.9 KB when full. Values are in 1/1000 (of a bit, as [`super::log2_milli`] gives them).
///
/// The state depends on the order of the values, as time has one; equal sequences give equal states, bit by bit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeaksOverThreshold {
    /// The chosen probability that a good value exceeds the limit, in 1e-9.
    rate_ppb: u32,
    /// Values learnt.
    points: u64,
    /// Of these, how many lay above the threshold.
    peaks: u64,
    /// While starting: the largest values, ascending, one more than [`START_PEAKS`]. Then the last excesses, a ring.
    values: Vec<i32>,
    /// Where the ring's next excess goes.
    next: u8,
    /// `None` while starting.
    threshold_milli: Option<i32>,
}

/// The tail as it is now, in full: everything that the limit follows from.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct TailFit {
    /// n: values learnt.
    pub points: u64,
    /// N_t: how many of them lay above the threshold.
    pub peaks: u64,
    /// q: the chosen probability, in 1e-9.
    pub rate_ppb: u32,
    /// t, in 1/1000.
    pub threshold_milli: i64,
    /// ξ: above 0 the tail is heavy, below 0 it ends.
    pub shape: f64,
    /// σ, in 1/1000.
    pub scale_milli: f64,
    /// z, in 1/1000: what good values exceed with probability q.
    pub limit_milli: i64,
}

impl PeaksOverThreshold {
    /// Nothing learnt; good values are to exceed the limit with probability `rate_ppb`·1e-9. At least 1.
    pub fn new(rate_ppb: u32) -> Self {
        Self { rate_ppb: rate_ppb.max(1), points: 0, peaks: 0, values: Vec::new(), next: 0, threshold_milli: None }
    }

    /// The same over a threshold that is known from the start, where values below it are another matter than those above
    /// (none at all, say, beside some): a tail that begins in the gap between them has the wrong shape.
    pub fn above(rate_ppb: u32, threshold_milli: i32) -> Self {
        Self { threshold_milli: Some(threshold_milli), ..Self::new(rate_ppb) }
    }

    /// Chooses another rate from now on. What was learnt stays.
    pub fn set_rate(&mut self, rate_ppb: u32) {
        self.rate_ppb = rate_ppb.max(1);
    }

    /// Whether the value lies above the limit, then learns it. Never while there is no limit yet.
    pub fn observe(&mut self, value_milli: i64) -> bool {
        let value = value_milli.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let Some(threshold) = self.threshold_milli else {
            self.learn_first(value);
            return false;
        };
        self.points = self.points.saturating_add(1);
        if value <= threshold {
            return false;
        }
        let limit = self.limit_milli();
        let fired = limit.is_some_and(|limit| value_milli > limit);
        let excess = i64::from(value) - i64::from(threshold);
        let most = limit.filter(|_| fired).map_or(i64::MAX, |limit| winsorised(limit - i64::from(threshold)));
        self.learn_excess(excess.min(most).clamp(1, i32::MAX.into()) as i32);
        fired
    }

    /// Learns so many values of zero, as [`Self::observe`] would, one by one.
    pub fn observe_zeros(&mut self, count: u64) {
        for done in 0..count {
            if self.threshold_milli.is_some_and(|threshold| threshold >= 0) {
                self.points = self.points.saturating_add(count - done);
                return;
            }
            self.observe(0);
        }
    }

    /// Whether so few values lay above the threshold that it may itself be the limit: fewer than the rate allows. `None`
    /// before the first thousand values.
    pub fn is_rarer_than(&self, rate_ppb: u32) -> Option<bool> {
        let allowed = u128::from(rate_ppb) * u128::from(self.points);
        (self.points >= START_POINTS).then(|| u128::from(self.peaks) * 1_000_000_000 <= allowed)
    }

    /// How many of the values lay above the threshold.
    pub fn peaks(&self) -> u64 {
        self.peaks
    }

    /// z in 1/1000; `None` while too little was learnt to name one.
    pub fn limit_milli(&self) -> Option<i64> {
        self.fit().map(|fit| fit.limit_milli)
    }

    /// Values learnt.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// The tail as it is now; `None` while too little was learnt.
    ///
    /// With m and v the mean and the variance of the excesses: `ξ = ½·(1 − m²/v)`, `σ = ½·m·(m²/v + 1)`,
    /// `z = t + (σ/ξ)·((q·n/N_t)^(−ξ) − 1)`, and `z = t − σ·ln(q·n/N_t)` where ξ is near 0.
    pub fn fit(&self) -> Option<TailFit> {
        self.fit_at(self.rate_ppb)
    }

    /// The same with another rate than the one at which values are learnt.
    pub fn fit_at(&self, rate_ppb: u32) -> Option<TailFit> {
        let threshold_milli = i64::from(self.threshold_milli?);
        if self.values.len() < EXCESSES_MIN || self.points < START_POINTS {
            return None;
        }
        let (shape, scale) = self.moments();
        let share = f64::from(rate_ppb.max(1)) * 1e-9 * self.points as f64 / self.peaks as f64;
        // Never below the threshold, which more than q of the values exceed as long as the share is below 1.
        let above = quantile(shape, scale, share).clamp(0.0, 1e9);
        let limit_milli = threshold_milli + above.round() as i64;
        let (points, peaks) = (self.points, self.peaks);
        Some(TailFit { points, peaks, rate_ppb, threshold_milli, shape, scale_milli: scale, limit_milli })
    }

    /// Bytes held besides the value itself.
    pub fn size_bytes(&self) -> usize {
        self.values.capacity() * size_of::<i32>()
    }

    /// The threshold lies below the twenty largest of the first thousand.
    fn learn_first(&mut self, value: i32) {
        self.points += 1;
        let at = self.values.partition_point(|&known| known <= value);
        self.values.insert(at, value);
        if self.values.len() > START_PEAKS + 1 {
            self.values.remove(0);
        }
        if self.points < START_POINTS {
            return;
        }
        let first = std::mem::take(&mut self.values);
        let threshold = first.first().copied().unwrap_or_default();
        self.threshold_milli = Some(threshold);
        // In ascending order: which of them came last is not known, and matters only to what is replaced first.
        first
            .iter()
            .filter(|&&value| value > threshold)
            .for_each(|&value| self.learn_excess(value.saturating_sub(threshold)));
    }

    fn learn_excess(&mut self, excess: i32) {
        self.peaks = self.peaks.saturating_add(1);
        if self.values.len() < EXCESSES_MAX {
            self.values.reserve_exact(1);
            self.values.push(excess);
            return;
        }
        let at = usize::from(self.next) % EXCESSES_MAX;
        self.values[at] = excess;
        self.next = ((at + 1) % EXCESSES_MAX) as u8;
    }

    /// ξ and σ by the method of moments, from sums of integers.
    fn moments(&self) -> (f64, f64) {
        let count = self.values.len() as i128;
        let sum: i128 = self.values.iter().map(|&excess| i128::from(excess)).sum();
        let squares: i128 = self.values.iter().map(|&excess| i128::from(excess) * i128::from(excess)).sum();
        let mean = sum as f64 / count as f64;
        let spread = squares * count - sum * sum; // count² times the variance.
        let ratio = if spread == 0 { f64::INFINITY } else { (sum * sum) as f64 / spread as f64 };
        let shape = (0.5 * (1.0 - ratio)).max(SHAPE_MIN);
        // σ = m·(1 − ξ), which is the formula above with m²/v = 1 − 2ξ.
        (shape, mean * (1.0 - shape))
    }
}

impl TailFit {
    /// The probability that a good value is as large as this or larger, in 1e-9: what the value is worth as evidence.
    pub fn probability_ppb(&self, value_milli: i64) -> u64 {
        let excess = (value_milli - self.threshold_milli) as f64;
        let share = self.peaks as f64 / self.points as f64;
        if excess <= 0.0 {
            return 1_000_000_000;
        }
        let beyond = if self.shape.abs() < SHAPE_ZERO {
            exponential(-excess / self.scale_milli)
        } else {
            let base = 1.0 + self.shape * excess / self.scale_milli;
            if base <= 0.0 { 0.0 } else { exponential(-natural_logarithm(base) / self.shape) }
        };
        (share * beyond * 1e9).round() as u64
    }
}

/// How far above the threshold the tail leaves `share` of the peaks.
fn quantile(shape: f64, scale: f64, share: f64) -> f64 {
    let logarithm = natural_logarithm(share);
    if shape.abs() < SHAPE_ZERO { -scale * logarithm } else { scale / shape * (exponential(-shape * logarithm) - 1.0) }
}

fn winsorised(above_threshold: i64) -> i64 {
    above_threshold.saturating_mul(WINSOR.0) / WINSOR.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A generator of the tests: SplitMix64.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        /// Above 0 and below 1.
        fn share(&mut self) -> f64 {
            ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
        }
    }

    type Draw = fn(&mut Random) -> f64;

    /// Volumes of six kinds; what is observed is log2(1 + x).
    const VOLUMES: [(&str, Draw); 6] = [
        ("exponential", |random| -1_000.0 * random.share().ln()),
        ("log-normal", |random| (7.0 + 1.5 * random.normal()).exp()),
        ("Pareto, 1.5", |random| 100.0 * random.share().powf(-1.0 / 1.5)),
        (TAIL_THAT_ENDS, |random| 1e6 * random.share()),
        ("Weibull, 0.5", |random| 1_000.0 * (-random.share().ln()).powi(2)),
        ("two kinds of hour", |random| {
            if random.next() % 10 == 0 { (10.0 + random.normal()).exp() } else { (4.0 + random.normal()).exp() }
        }),
    ];

    const TAIL_THAT_ENDS: &str = "uniform";

    fn observed(volume: f64) -> i64 {
        ((1.0 + volume).log2() * 1000.0).round() as i64
    }

    /// Alarms for each alarm that was chosen, over `points` values after the start.
    fn alarm_rate(draw: Draw, rate_ppb: u32, points: u32, seed: u64) -> f64 {
        let mut random = Random(seed);
        let mut tail = PeaksOverThreshold::new(rate_ppb);
        (0..START_POINTS).for_each(|_| assert!(!tail.observe(observed(draw(&mut random)))));
        let alarms = (0..points).filter(|_| tail.observe(observed(draw(&mut random)))).count();
        alarms as f64 / (f64::from(points) * f64::from(rate_ppb) * 1e-9)
    }

    #[test]
    fn good_values_alarm_about_as_often_as_was_chosen() {
        for (name, draw) in VOLUMES {
            for rate_ppb in [1_000_000, 300_000] {
                let rates: Vec<f64> = (0..4).map(|seed| alarm_rate(draw, rate_ppb, 100_000, seed)).collect();
                let mean = rates.iter().sum::<f64>() / rates.len() as f64;
                let least = if name == TAIL_THAT_ENDS { 0.2 } else { 0.5 };
                assert!((least..=2.0).contains(&mean), "{name} at {rate_ppb}e-9: {rates:.2?}");
            }
        }
    }

    fn learnt(seed: u64) -> (PeaksOverThreshold, Random) {
        let mut random = Random(seed);
        let mut tail = PeaksOverThreshold::new(100_000);
        (0..5_000).for_each(|_| {
            tail.observe(observed(VOLUMES[1].1(&mut random)));
        });
        (tail, random)
    }

    #[test]
    fn a_value_eight_bits_beyond_the_limit_alarms_and_moves_it_by_less_than_one() {
        let (mut tail, _) = learnt(7);
        let before = tail.fit().unwrap();
        assert!(tail.observe(before.limit_milli + 8_000));
        let after = tail.fit().unwrap();
        assert!((0..1_000).contains(&(after.limit_milli - before.limit_milli)), "{before:?} {after:?}");
        assert_eq!((after.points, after.peaks), (before.points + 1, before.peaks + 1));
    }

    #[test]
    fn a_new_level_alarms_a_few_times_and_is_learnt() {
        let (mut tail, mut random) = learnt(8);
        let mut grown = || observed(1e6 * VOLUMES[1].1(&mut random));
        let first = (0..1_000).filter(|_| tail.observe(grown())).count();
        let then = (0..1_000).filter(|_| tail.observe(grown())).count();
        assert!((1..=20).contains(&first) && then <= 2, "{first} {then}");
    }

    #[test]
    fn there_is_no_limit_before_there_is_a_tail() {
        let mut tail = PeaksOverThreshold::new(1_000);
        (0..999).for_each(|value| assert!(!tail.observe(value)));
        assert_eq!(tail.limit_milli(), None);
        // A thousand values that are all the same have no tail either: the tenth that is larger gives it one.
        let mut constant = PeaksOverThreshold::new(1_000);
        (0..5_000).for_each(|_| assert!(!constant.observe(3_000)));
        (0..9).for_each(|step| assert!(!constant.observe(9_000 + step)));
        assert_eq!(constant.limit_milli(), None);
        assert!(!constant.observe(9_100) && constant.limit_milli().is_some());
    }

    #[test]
    fn over_a_known_threshold_most_values_may_be_nothing() {
        // One value in a hundred is something: 10 and an exponential excess.
        let mut random = Random(11);
        let mut tail = PeaksOverThreshold::above(100_000, 10_000);
        let mut next =
            |at: u32| if at.is_multiple_of(100) { 10_000 - (3_000.0 * random.share().ln()) as i64 } else { 0 };
        (0..900).for_each(|at| assert!(!tail.observe(next(at))));
        assert_eq!((tail.limit_milli(), tail.is_rarer_than(100_000)), (None, None), "before the thousandth value");
        (900..40_000).for_each(|at| {
            tail.observe(next(at));
        });
        // P(x > 10 + e) = e^(−e/3) ÷ 100, which is 1e-3 at 16.9.
        let limit = tail.fit_at(1_000_000).unwrap().limit_milli;
        assert!((16_000..18_000).contains(&limit), "{limit}");
        assert_eq!((tail.is_rarer_than(5_000_000), tail.is_rarer_than(20_000_000)), (Some(false), Some(true)));
    }

    #[test]
    fn the_limit_follows_from_what_is_shown() {
        let fit = learnt(9).0.fit().unwrap();
        let share = f64::from(fit.rate_ppb) * 1e-9 * fit.points as f64 / fit.peaks as f64;
        let by_hand = fit.threshold_milli as f64 + fit.scale_milli / fit.shape * (share.powf(-fit.shape) - 1.0);
        assert!((by_hand - fit.limit_milli as f64).abs() < 1.0, "{by_hand} {fit:?}");
        let chosen = fit.probability_ppb(fit.limit_milli) as f64 / f64::from(fit.rate_ppb);
        assert!((0.98..1.02).contains(&chosen), "{chosen}");
        assert_eq!(fit.probability_ppb(fit.threshold_milli), 1_000_000_000);
    }

    #[test]
    fn a_saved_state_goes_on_where_it_stopped() {
        let (mut tail, mut random) = learnt(10);
        let mut restored: PeaksOverThreshold = serde_json::from_str(&serde_json::to_string(&tail).unwrap()).unwrap();
        assert_eq!(restored, tail);
        for _ in 0..2_000 {
            let value = observed(VOLUMES[2].1(&mut random));
            assert_eq!(tail.observe(value), restored.observe(value));
        }
        assert_eq!(restored, tail);
    }

    proptest! {
        #[test]
        fn zeros_are_learnt_as_one_by_one(before in proptest::collection::vec(0i64..9, 0..1_200), zeros in 0u64..2_500, after in 0i64..9_000) {
            let mut at_once = PeaksOverThreshold::new(100_000);
            before.iter().for_each(|value| { at_once.observe(*value); });
            let mut one_by_one = at_once.clone();
            at_once.observe_zeros(zeros);
            (0..zeros).for_each(|_| { one_by_one.observe(0); });
            at_once.observe(after);
            one_by_one.observe(after);
            prop_assert_eq!(at_once, one_by_one);
        }

        #[test]
        fn any_values_are_survived(values in proptest::collection::vec(any::<i64>(), 0..1_500), rate in any::<u32>(), repeat in 1usize..4) {
            let mut tail = PeaksOverThreshold::new(rate);
            for value in values.iter().cycle().take(values.len() * repeat) {
                tail.observe(*value);
                prop_assert!(tail.values.len() <= EXCESSES_MAX);
            }
            if let Some(fit) = tail.fit() {
                prop_assert!(fit.limit_milli >= fit.threshold_milli && fit.shape < 0.5 && fit.scale_milli > 0.0);
            }
        }

        #[test]
        fn a_damaged_state_is_survived(values in proptest::collection::vec(any::<i32>(), 0..500), next in any::<u8>(),
            points in any::<u64>(), peaks in any::<u64>(), threshold in any::<i32>()) {
            let mut tail = PeaksOverThreshold { rate_ppb: 0, points, peaks, values, next, threshold_milli: Some(threshold) };
            (0..300).for_each(|step| { tail.observe(i64::from(threshold) + step * 1_000_000); });
        }
    }
}
