//! Wald's sequential probability ratio test: as few observations as the chosen errors allow.

use super::natural_logarithm;
use serde::{Deserialize, Serialize};

/// One walk: the log likelihood ratio of *bad* against *good*, summed over observations, in 1/1000 nat.
///
/// Each observation adds `ln P(obs | bad) / P(obs | good)`. At [`Sprt::FIRE_MILLI`] and above the walk has fired; it
/// never falls below [`Sprt::FLOOR_MILLI`], so that a long good history cannot hide what begins today. Sums of
/// integers: the order of the observations between two firings matters only where the floor was touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sprt {
    walk_milli: i64,
}

impl Sprt {
    /// Fires at ln(β/α) = ln(0.99/0.00001) = 11.503. Source: detection probability β 0.99 as in Jung et al., "Fast
    /// Portscan Detection Using Sequential Hypothesis Testing" (2004); their false-alarm probability α of 0.01 floods
    /// at the rates of a cloud, so 1e-5 is our choice.
    pub const FIRE_MILLI: i64 = 11_503;
    /// Never below ln((1−β)/(1−α)) = ln(0.01/0.99999) = −4.605, where the paper would have called the subject good.
    pub const FLOOR_MILLI: i64 = -4_605;

    /// Takes one observation in, and says whether the walk is at the firing line or above.
    pub fn observe(&mut self, step_milli: i64) -> bool {
        self.walk_milli = self.walk_milli.saturating_add(step_milli).max(Self::FLOOR_MILLI);
        self.has_fired()
    }

    /// Where the walk is, in 1/1000 nat.
    pub fn walk_milli(&self) -> i64 {
        self.walk_milli
    }

    /// Whether the walk is at the firing line or above.
    pub fn has_fired(&self) -> bool {
        self.walk_milli >= Self::FIRE_MILLI
    }
}

/// `ln(bad/good)` of two probabilities in 1/10000, in 1/1000 nat. Zero counts as 1/10000: nothing is impossible.
pub fn log_likelihood_ratio_milli(bad_per_10000: u32, good_per_10000: u32) -> i64 {
    let of = |share: u32| f64::from(share.clamp(1, 10_000));
    (natural_logarithm(of(bad_per_10000) / of(good_per_10000)) * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The steps of Jung et al.: 0.8 of a scanner's contacts fail, 0.2 of a good host's.
    const FAILURE: i64 = 1_386;

    #[test]
    fn nine_failures_in_a_row_fire() {
        assert_eq!(log_likelihood_ratio_milli(8_000, 2_000), FAILURE);
        assert_eq!(log_likelihood_ratio_milli(2_000, 8_000), -FAILURE);
        let mut walk = Sprt::default();
        let fired: Vec<bool> = (0..9).map(|_| walk.observe(FAILURE)).collect();
        assert_eq!(fired.iter().position(|&fired| fired), Some(8));
    }

    #[test]
    fn the_limits_are_those_of_the_formula() {
        assert_eq!((natural_logarithm(0.99 / 1e-5) * 1000.0).round() as i64, Sprt::FIRE_MILLI);
        assert_eq!((natural_logarithm(0.01 / (1.0 - 1e-5)) * 1000.0).round() as i64, Sprt::FLOOR_MILLI);
    }

    #[test]
    fn a_long_good_history_does_not_hide_a_scan() {
        let mut walk = Sprt::default();
        (0..100_000).for_each(|_| assert!(!walk.observe(-FAILURE)));
        assert_eq!(walk.walk_milli(), Sprt::FLOOR_MILLI);
        assert!((0..12).any(|_| walk.observe(FAILURE)));
    }

    proptest! {
        /// α is a promise: of good hosts (0.2 of contacts fail) at most one in 100,000 fires before it is cleared. Here
        /// a thousand walks of a hundred contacts; even the restarts at the floor must not fire.
        #[test]
        fn good_hosts_do_not_fire(seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut fired = 0;
            for _ in 0..1_000 {
                let mut walk = Sprt::default();
                for _ in 0..100 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    walk.observe(if (state >> 33) % 5 == 0 { FAILURE } else { -FAILURE });
                }
                fired += u32::from(walk.has_fired());
            }
            prop_assert!(fired <= 2, "{fired}");
        }
    }
}
