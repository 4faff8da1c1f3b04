//! Logarithms and powers that do not depend on the platform's mathematical library.

use std::f64::consts::LN_2;

/// Steps of the table between 1 and 2.
const STEPS: usize = 256;
/// `log2(1 + i/256)` in 1/65536 bit.
static TABLE: [u32; STEPS + 1] = table();

/// log2 of `numerator / denominator` in 1/1000 bit, to the nearest; off by less than 0.001 bit.
///
/// A zero counts as one: what we count comes in whole pieces, and nothing at all has no logarithm.
pub fn log2_milli(numerator: u64, denominator: u64) -> i64 {
    to_milli(log2_q16(numerator) - log2_q16(denominator))
}

/// log2(1 + x) in 1/1000 bit: 0 for nothing, 64 000 at most. The scale on which volumes are compared.
///
/// Source of the scale: `log2(1+x)` makes eight times as much the same step everywhere.
pub fn log2_one_plus_milli(x: u64) -> i64 {
    to_milli(log2_q16(x.saturating_add(1)))
}

/// The natural logarithm of a positive, finite number; relative error below 1e-14. Not a number for anything else.
pub fn natural_logarithm(x: f64) -> f64 {
    if !x.is_finite() || x < f64::MIN_POSITIVE {
        return f64::NAN;
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let (mantissa, exponent) = if mantissa > 1.5 { (mantissa / 2.0, exponent + 1) } else { (mantissa, exponent) };
    // ln m = 2·artanh((m − 1)/(m + 1)); the argument is at most 1/5, so eleven terms reach the last bit.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..12).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    2.0 * ratio * series + exponent as f64 * LN_2
}

/// e to the power of `x`; relative error below 1e-13. Infinite above 709, 0 below −708.
pub fn exponential(x: f64) -> f64 {
    if x.is_nan() || x > 709.0 {
        return if x.is_nan() { x } else { f64::INFINITY };
    }
    if x < -708.0 {
        return 0.0;
    }
    let doublings = (x / LN_2).round();
    let rest = x - doublings * LN_2;
    let series = (1..=16).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    // Between −1 021 and 1 023, so that the exponent's field can be written directly.
    series * f64::from_bits(((doublings as i64 + 1023) as u64) << 52)
}

/// log2 in 1/65536 bit, interpolated in the table.
fn log2_q16(x: u64) -> i64 {
    let x = x.max(1);
    let whole = 63 - x.leading_zeros();
    let mantissa = x << x.leading_zeros();
    let step = (mantissa >> 55) as usize & (STEPS - 1);
    let between = (mantissa >> 39) & 0xffff;
    let (low, high) = (u64::from(TABLE[step]), u64::from(TABLE[step + 1]));
    (i64::from(whole) << 16) + (low + (((high - low) * between) >> 16)) as i64
}

fn to_milli(q16: i64) -> i64 {
    (q16 * 1000 + (1 << 15)) >> 16
}

const fn table() -> [u32; STEPS + 1] {
    let mut table = [0; STEPS + 1];
    let mut step = 0;
    while step <= STEPS {
        table[step] = log2_by_squaring(step as u64);
        step += 1;
    }
    table
}

/// Squaring doubles a logarithm: each time the square passes 2, the next binary digit is 1. Rounded to 1/65536.
const fn log2_by_squaring(step: u64) -> u32 {
    if step == STEPS as u64 {
        return 1 << 16;
    }
    let mut value = (STEPS as u64 + step) << 23; // 31 binary places.
    let mut digits = 0u32;
    let mut place = 0;
    while place < 17 {
        value = (value * value) >> 31;
        digits <<= 1;
        if value >= 1 << 32 {
            value >>= 1;
            digits |= 1;
        }
        place += 1;
    }
    (digits + 1) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(log2_milli(8, 1), 3_000);
        assert_eq!(log2_milli(1, 1 << 24), -24_000);
        assert_eq!(log2_milli(0, 0), 0);
        assert_eq!(log2_one_plus_milli(0), 0);
        assert_eq!(log2_one_plus_milli(u64::MAX), 64_000);
    }

    #[test]
    fn what_has_no_logarithm_is_no_number() {
        assert!(natural_logarithm(0.0).is_nan() && natural_logarithm(-1.0).is_nan());
        assert!(natural_logarithm(f64::INFINITY).is_nan());
        assert_eq!(exponential(-1e9), 0.0);
        assert!(exponential(1e9).is_infinite() && exponential(f64::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_the_library(numerator in 1u64.., denominator in 1u64..) {
            let expected = ((numerator as f64).log2() - (denominator as f64).log2()) * 1000.0;
            prop_assert!((log2_milli(numerator, denominator) as f64 - expected).abs() < 1.0);
        }

        #[test]
        fn small_ratios_agree_too(numerator in 1u64..5_000, denominator in 1u64..5_000) {
            let expected = (numerator as f64 / denominator as f64).log2() * 1000.0;
            prop_assert!((log2_milli(numerator, denominator) as f64 - expected).abs() < 1.0);
        }

        #[test]
        fn a_larger_number_has_no_smaller_logarithm(x in 1u64..u64::MAX) {
            prop_assert!(log2_q16(x) <= log2_q16(x + 1));
        }

        #[test]
        fn natural_logarithms_agree_with_the_library(power in -300.0f64..300.0) {
            let x = 10f64.powf(power);
            prop_assert!((natural_logarithm(x) - x.ln()).abs() <= 1e-13 * (1.0 + x.ln().abs()));
        }

        #[test]
        fn powers_agree_with_the_library(x in -700.0f64..700.0) {
            prop_assert!((exponential(x) / x.exp() - 1.0).abs() < 1e-12);
        }
    }
}
