//! Statistics that answer the same on every machine: logarithms, decay, bounds, tests, thresholds and sketches.
//!
//! What is kept between records is integers, so that state adds up in any order and equal states are equal bytes.
//! Logarithms and powers are our own (the platform's may differ in the last bit); where floating point is used at all
//! it is addition, multiplication, division and square root, which IEEE 754 fixes to the bit.

mod bottom_k;
mod decay;
mod logarithm;
mod sprt;
mod tail;
mod wilson;

pub use bottom_k::{BottomK, stable_hash};
pub use decay::{COUNT_ONE, EPOCH_DAYS, HALF_LIFE_DAYS, Mass, decayed};
pub use logarithm::{exponential, log2_milli, log2_one_plus_milli, natural_logarithm};
pub use sprt::{Sprt, log_likelihood_ratio_milli};
pub use tail::{PeaksOverThreshold, TailFit};
pub use wilson::wilson_lower;
