//! How sure a share is.

/// The lower end of Wilson's interval for `k` of `n`, in 1/10000, rounded down; 0 of nothing is 0.
///
/// With z = 2 (97.7 % one-sided), so that few observations never look certain: 4 of 4 are 0.5, 40 of 40 are 0.909.
/// `(k + 2 − 2·√(k·(n − k)/n + 1)) / (n + 4)`. Source: Wilson, "Probable Inference" (1927).
pub fn wilson_lower(k: u64, n: u64) -> u32 {
    if n == 0 {
        return 0;
    }
    // Four decimal places, carried as whole numbers; the root is rounded up, so that the bound is never too high.
    const SCALE: u128 = 10_000;
    let (k, n) = (u128::from(k.min(n)), u128::from(n));
    let variance = (k * (n - k) * SCALE).div_ceil(n) * SCALE + SCALE * SCALE;
    let floor = variance.isqrt();
    let root = floor + u128::from(floor * floor < variance);
    (((k + 2) * SCALE).saturating_sub(2 * root) / (n + 4)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_observations_never_look_certain() {
        assert_eq!(wilson_lower(0, 0), 0);
        assert_eq!(wilson_lower(0, 50), 0);
        assert_eq!(wilson_lower(4, 4), 5_000);
        assert_eq!(wilson_lower(40, 40), 9_090);
        assert_eq!(wilson_lower(158, 164), 9_213);
        assert_eq!(wilson_lower(u64::MAX, u64::MAX), 9_999);
    }

    proptest! {
        #[test]
        fn it_is_the_formula(n in 1u64..1_000_000_000, share in 0.0f64..=1.0) {
            let k = (n as f64 * share) as u64;
            let (p, n_f) = (k as f64 / n as f64, n as f64);
            let exact = (p + 2.0 / n_f - 2.0 * (p * (1.0 - p) / n_f + 1.0 / (n_f * n_f)).sqrt()) / (1.0 + 4.0 / n_f);
            let bound = f64::from(wilson_lower(k, n));
            prop_assert!(bound <= exact * 10_000.0 + 1e-3 && bound >= exact * 10_000.0 - 1.5, "{bound} {exact}");
        }

        #[test]
        fn more_of_the_same_is_surer(k in 1u64..1_000, n in 1u64..1_000) {
            prop_assert!(wilson_lower(k.min(n), n) <= wilson_lower(2 * k.min(n), 2 * n));
        }
    }
}
