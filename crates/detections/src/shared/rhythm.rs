//! How regular a series of contacts is: from histograms of the gaps and of the sizes, in whole numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use watchfire_knowledge::statistics::wilson_lower;

/// Gaps below this are reconnecting, not rhythm, in milliseconds. Source: detection-methods, section 4.
const GAP_MIN_MS: u64 = 5_000;
/// Neighbouring steps of 5 percent that make a band of ±20 percent.
const BAND_STEPS: u8 = 8;
/// Steps of 5 percent in an octave: ln 2 / ln 1.05 = 14.2.
const OCTAVE_STEPS: u8 = 14;
/// Neighbouring steps of 10 percent that count as one size.
const SIZE_STEPS: u8 = 2;
const STEPS: usize = 240;

/// The lower ends of the steps of gaps: from 5 seconds, each 5 percent above the last, to a week.
static GAP_STEPS: [u64; STEPS] = steps(GAP_MIN_MS, 105, 100);
/// The lower ends of the steps of sizes: from 1 byte, each 10 percent and at least one byte above the last, to 4 GB.
static SIZE_STEP_BYTES: [u64; STEPS] = steps(1, 11, 10);

const fn steps(first: u64, numerator: u64, denominator: u64) -> [u64; STEPS] {
    let mut steps = [first; STEPS];
    let mut at = 1;
    while at < STEPS {
        let next = steps[at - 1] * numerator / denominator;
        steps[at] = if next > steps[at - 1] { next } else { steps[at - 1] + 1 };
        at += 1;
    }
    steps
}

/// The gaps between contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gaps {
    steps: Counts,
    /// Gaps under five seconds.
    short: u64,
}

/// The bytes sent in each contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    steps: Counts,
}

/// How many of each step, in order of the steps. Saved as a map; a tree, of which each contact asked, took most of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts(Vec<(u8, u32)>);

impl Counts {
    fn add(&mut self, step: u8) {
        match self.0.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(place) => self.0[place].1 += 1,
            Err(place) => self.0.insert(place, (step, 1)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (u8, u32)> {
        self.0.iter().copied()
    }

    fn total(&self) -> u64 {
        self.iter().map(|(_, count)| u64::from(count)).sum()
    }

    /// How many of these neighbouring steps.
    fn within(&self, from: u8, count: u8) -> u64 {
        let begin = self.0.partition_point(|(step, _)| *step < from);
        let steps = self.0[begin..].iter().take_while(|(step, _)| *step < from.saturating_add(count));
        steps.map(|(_, count)| u64::from(*count)).sum()
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(BTreeMap::deserialize(deserializer)?.into_iter().collect()))
    }
}

/// How regular a series is. Shares in 1/10000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    /// Of so many gaps, under 5 seconds among them.
    gaps: u64,
    short: u64,
    /// In the best band, and an octave above it.
    in_band: u64,
    in_octave: u64,
    /// The band's ends.
    band_ms: (u64, u64),
    band: u32,
    sizes: u64,
    in_size: u64,
    size_bytes: (u64, u64),
    /// The lower bound of the share of one size, in 1/10000.
    pub(crate) size: u32,
    quartiles_ms: (u64, u64),
    /// The median gap, in milliseconds.
    pub(crate) median_ms: u64,
    deviation_ms: u64,
    regularity: u32,
    /// The score, in 1/10000.
    pub(crate) score: u32,
}

impl Gaps {
    pub(crate) fn add(&mut self, gap_ms: u64) {
        if gap_ms < GAP_MIN_MS {
            self.short += 1;
        } else {
            self.steps.add(step_of(&GAP_STEPS, gap_ms));
        }
    }

    /// Distinct steps.
    pub(crate) fn len(&self) -> usize {
        self.steps.0.len()
    }
}

impl Sizes {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.steps.add(step_of(&SIZE_STEP_BYTES, bytes.max(1)));
    }

    /// Distinct steps.
    pub(crate) fn len(&self) -> usize {
        self.steps.0.len()
    }
}

impl Rhythm {
    /// Of these gaps and sizes.
    pub(crate) fn of(gaps: &Gaps, sizes: &Sizes) -> Self {
        let long = gaps.steps.total();
        let count = long + gaps.short;
        let (from, in_band, in_octave) = best_band(&gaps.steps);
        let band = wilson_lower(in_band + in_octave * 7 / 10, count);
        let (size_from, in_size) = best(&sizes.steps, SIZE_STEPS);
        let size = wilson_lower(in_size, sizes.steps.total());
        let [lower, median, upper] = [1, 2, 3].map(|quarter| quantile(&gaps.steps, long, quarter));
        let deviation = deviation(&gaps.steps, long, median);
        let regularity = regularity(lower, median, upper, deviation);
        Self {
            gaps: count,
            short: gaps.short,
            in_band,
            in_octave,
            band_ms: ends(&GAP_STEPS, from, BAND_STEPS),
            band,
            sizes: sizes.steps.total(),
            in_size,
            size_bytes: ends(&SIZE_STEP_BYTES, size_from, SIZE_STEPS),
            size,
            quartiles_ms: (lower, upper),
            median_ms: median,
            deviation_ms: deviation,
            regularity,
            score: (4 * band + 3 * size + 3 * regularity) / 10,
        }
    }

    /// The period to name, in whole seconds: the mean gap where it lies in the step of the median gap, else the middle of that
    /// step. Steps are a twentieth wide, so the median alone, which is a step's lower end, says 57 seconds of a minute.
    pub(crate) fn period_seconds(&self, mean_gap_ms: u64) -> u64 {
        let end = ends(&GAP_STEPS, step_of(&GAP_STEPS, self.median_ms), 1).1;
        let is_in_step = (self.median_ms..=end).contains(&mean_gap_ms);
        let period_ms = if is_in_step { mean_gap_ms } else { self.median_ms.midpoint(end) };
        (period_ms + 500) / 1_000
    }

    pub(crate) fn band_text(&self) -> String {
        format!(
            "Band: {} of {} gaps lie from {} up to {} s, and {} an octave above, where a beat is missing, which count 0.7 \
             ({} are under 5 s): Wilson's lower bound of {} of {} is {}.",
            self.in_band,
            self.gaps,
            seconds(self.band_ms.0),
            seconds(self.band_ms.1),
            self.in_octave,
            self.short,
            self.in_band + self.in_octave * 7 / 10,
            self.gaps,
            share(self.band)
        )
    }

    pub(crate) fn size_text(&self) -> String {
        format!(
            "Size: {} of {} connections sent from {} up to {} bytes: the lower bound is {}.",
            self.in_size,
            self.sizes,
            self.size_bytes.0,
            self.size_bytes.1,
            share(self.size)
        )
    }

    pub(crate) fn regularity_text(&self) -> String {
        format!(
            "Regularity: the gaps' quartiles, each rounded down to a step of a twentieth, are {}, {} and {} s, their median \
             absolute deviation is {} s. Half of (1 − |Bowley skewness|) and (median − deviation) / median is {}.",
            seconds(self.quartiles_ms.0),
            seconds(self.median_ms),
            seconds(self.quartiles_ms.1),
            seconds(self.deviation_ms),
            share(self.regularity)
        )
    }

    pub(crate) fn score_text(&self) -> String {
        format!(
            "Score: 0.4 · {} + 0.3 · {} + 0.3 · {} = {}.",
            share(self.band),
            share(self.size),
            share(self.regularity),
            share(self.score)
        )
    }
}

/// "0.8571" of 8571.
fn share(of_10000: u32) -> String {
    format!("{}.{:04}", of_10000 / 10_000, of_10000 % 10_000)
}

/// "12.345" of 12345.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

fn step_of(steps: &[u64; STEPS], value: u64) -> u8 {
    // Fits: there are 240 steps.
    steps.partition_point(|lower| *lower <= value).saturating_sub(1) as u8
}

fn ends(steps: &[u64; STEPS], from: u8, count: u8) -> (u64, u64) {
    let at = |step: usize| steps[step.min(STEPS - 1)];
    (at(usize::from(from)), at(usize::from(from) + usize::from(count)))
}

/// The best run of so many neighbouring steps, and what lies in it. The lowest of equals.
fn best(steps: &Counts, count: u8) -> (u8, u64) {
    let runs = steps.iter().map(|(from, _)| (steps.within(from, count), std::cmp::Reverse(from)));
    runs.max().map_or((0, 0), |(inside, from)| (from.0, inside))
}

/// The best band of gaps: where it begins, what lies in it, and what an octave above, without what lies in both.
fn best_band(steps: &Counts) -> (u8, u64, u64) {
    let runs = steps.iter().map(|(from, _)| {
        let octave = steps.within(from.saturating_add(OCTAVE_STEPS), BAND_STEPS);
        let inside = steps.within(from, BAND_STEPS);
        (inside * 10 + octave * 7, std::cmp::Reverse(from), inside, octave)
    });
    runs.max().map_or((0, 0, 0), |(_, from, inside, octave)| (from.0, inside, octave))
}

/// The lower end of the step in which so many quarters of the gaps are reached.
fn quantile(steps: &Counts, total: u64, quarters: u64) -> u64 {
    let wanted = (total * quarters).div_ceil(4).max(1);
    let mut so_far = 0;
    for (step, count) in steps.iter() {
        so_far += u64::from(count);
        if so_far >= wanted {
            return GAP_STEPS[usize::from(step)];
        }
    }
    0
}

/// The median of the distances from the median.
fn deviation(steps: &Counts, total: u64, median: u64) -> u64 {
    let mut distances: Vec<(u64, u64)> =
        steps.iter().map(|(step, count)| (GAP_STEPS[usize::from(step)].abs_diff(median), u64::from(count))).collect();
    distances.sort_unstable();
    let wanted = total.div_ceil(2).max(1);
    let mut so_far = 0;
    for (distance, count) in distances {
        so_far += count;
        if so_far >= wanted {
            return distance;
        }
    }
    0
}

/// ½ · ((1 − |Bowley skewness|) + (median − deviation) / median), in 1/10000.
fn regularity(lower: u64, median: u64, upper: u64, deviation: u64) -> u32 {
    if median == 0 {
        return 0;
    }
    let width = upper - lower;
    let skew = ((lower + upper).abs_diff(2 * median) * 10_000).checked_div(width).unwrap_or(0).min(10_000);
    let spread = median.saturating_sub(deviation) * 10_000 / median;
    // At most 10,000.
    ((10_000 - skew + spread) / 2) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rhythm(gaps_s: &[u64], sizes: &[u64]) -> Rhythm {
        let (mut gaps, mut of_sizes) = (Gaps::default(), Sizes::default());
        gaps_s.iter().for_each(|gap| gaps.add(gap * 1_000));
        sizes.iter().for_each(|size| of_sizes.add(*size));
        Rhythm::of(&gaps, &of_sizes)
    }

    #[test]
    fn the_steps_reach_a_week_and_four_gigabytes() {
        assert!(GAP_STEPS[STEPS - 2] > 500_000_000 && SIZE_STEP_BYTES[STEPS - 1] > 4_000_000_000);
        assert!(GAP_STEPS.is_sorted_by(|one, next| one < next) && SIZE_STEP_BYTES.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn an_even_beat_scores_high() {
        let even = rhythm(&[300; 99], &[850; 100]);
        // Wilson of 99 of 99: 99/103 = 0.961; of 100 of 100: 100/104 = 0.961.
        assert_eq!((even.band, even.size, even.regularity), (9_611, 9_615, 10_000));
        assert_eq!(even.score, (4 * 9_611 + 3 * 9_615 + 3 * 10_000) / 10);
    }

    #[test]
    fn missed_beats_cost_little() {
        let gaps: Vec<u64> = (0..100).map(|at| if at % 5 == 0 { 600 } else { 300 }).collect();
        let missed = rhythm(&gaps, &[850; 101]);
        assert_eq!((missed.in_band, missed.in_octave), (80, 20));
        assert!(missed.score > 8_500, "{missed:?}");
    }

    #[test]
    fn gaps_over_four_octaves_score_low() {
        let wide = rhythm(
            &(0..100).map(|at| 10 << (at % 8)).collect::<Vec<_>>(),
            &(1..100).map(|at| at * 97).collect::<Vec<_>>(),
        );
        assert!(wide.score < 5_000, "{wide:?}");
    }

    #[test]
    fn nothing_scores_nothing() {
        assert_eq!(Rhythm::of(&Gaps::default(), &Sizes::default()).score, 0);
        assert_eq!(rhythm(&[1; 50], &[850; 51]).band, 0);
    }
}
