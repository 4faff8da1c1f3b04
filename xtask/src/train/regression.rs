//! Logistic regression by limited-memory BFGS, in arithmetic that gives the same bits on every machine.
//!
//! The loss is convex, so what comes out depends on the samples alone: no seed, no order, no learning rate. Sums run in one
//! order on one thread; only `+ - * /` and square roots are used, which IEEE 754 rounds exactly; `exp` and `ln` are our own,
//! because those of mathematics libraries differ in their last bits. Method: Nocedal and Wright, Numerical Optimization,
//! 2nd edition, algorithms 7.4 and 3.1.

use watchfire_detections::shared::dga::{BUCKETS, Grams};

/// Samples as sparse rows of unit length.
#[derive(Default)]
pub(crate) struct Samples {
    ends: Vec<usize>,
    buckets: Vec<u16>,
    values: Vec<f32>,
    generated: Vec<bool>,
}

impl Samples {
    /// Adds one label.
    pub(crate) fn push(&mut self, label: &str, generated: bool) {
        let grams = Grams::of(label);
        let square: u32 = grams.counted().map(|(_, count)| count * count).sum();
        let length = f64::from(square).sqrt();
        for (bucket, count) in grams.counted() {
            self.buckets.push(bucket);
            self.values.push((f64::from(count) / length) as f32);
        }
        self.ends.push(self.buckets.len());
        self.generated.push(generated);
    }

    fn rows(&self) -> impl Iterator<Item = (&[u16], &[f32], bool)> {
        (0..self.ends.len()).map(|row| {
            let from = if row == 0 { 0 } else { self.ends[row - 1] };
            (&self.buckets[from..self.ends[row]], &self.values[from..self.ends[row]], self.generated[row])
        })
    }

    /// What one sample of each class weighs (benign, generated): both classes together weigh a half.
    fn weights(&self) -> [f64; 2] {
        let generated = self.generated.iter().filter(|&&generated| generated).count();
        [0.5 / (self.generated.len() - generated).max(1) as f64, 0.5 / generated.max(1) as f64]
    }
}

/// One number for each bucket, and the bias behind them.
pub(crate) type Parameters = Vec<f64>;

/// Steps remembered. Source: Nocedal and Wright: 3 to 20.
const MEMORY: usize = 8;

/// Iterations at most; the gradient is then small enough that no quantised weight moves.
const ITERATIONS_MAX: usize = 120;

/// The gradient's length, as a share of its first, at which we stop.
const GRADIENT_SHARE: f64 = 1e-4;

/// The parameters with the least mean loss plus `penalty`/2 times the square of the weights (not of the bias).
pub(crate) fn fit(samples: &Samples, penalty: f64) -> Parameters {
    let mut at = vec![0.0; BUCKETS + 1];
    let (mut loss, mut gradient) = loss_and_gradient(samples, penalty, &at);
    let enough = GRADIENT_SHARE * length(&gradient);
    let mut memory: Vec<Step> = Vec::new();
    for _ in 0..ITERATIONS_MAX {
        if length(&gradient) <= enough {
            break;
        }
        let direction = direction(&memory, &gradient);
        let slope = dot(&direction, &gradient);
        // Backtracking until the loss falls as Armijo asks; the first step of all has no scale yet.
        let mut size = if memory.is_empty() { 1.0 / length(&gradient) } else { 1.0 };
        let found = loop {
            let next = added(&at, &direction, size);
            let (next_loss, next_gradient) = loss_and_gradient(samples, penalty, &next);
            if next_loss <= loss + 1e-4 * size * slope {
                break Some((next, next_loss, next_gradient));
            }
            size /= 2.0;
            if size < 1e-10 {
                break None;
            }
        };
        let Some((next, next_loss, next_gradient)) = found else { break };
        let step = Step::new(added(&next, &at, -1.0), added(&next_gradient, &gradient, -1.0));
        if step.curvature > 0.0 {
            memory.push(step);
            memory.drain(..memory.len().saturating_sub(MEMORY));
        }
        (at, loss, gradient) = (next, next_loss, next_gradient);
    }
    at
}

/// How far a step went, and how the gradient changed on the way.
struct Step {
    moved: Vec<f64>,
    changed: Vec<f64>,
    curvature: f64,
}

impl Step {
    fn new(moved: Vec<f64>, changed: Vec<f64>) -> Self {
        let curvature = dot(&moved, &changed);
        Self { moved, changed, curvature }
    }
}

/// Downhill, as the remembered steps say what the ground is like: the two loops of L-BFGS.
fn direction(memory: &[Step], gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|value| -value).collect();
    let mut shares = Vec::new();
    for step in memory.iter().rev() {
        let share = dot(&step.moved, &direction) / step.curvature;
        add(&mut direction, &step.changed, -share);
        shares.push(share);
    }
    if let Some(last) = memory.last() {
        let scale = last.curvature / dot(&last.changed, &last.changed);
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for (step, share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(&step.changed, &direction) / step.curvature;
        add(&mut direction, &step.moved, share - back);
    }
    direction
}

fn loss_and_gradient(samples: &Samples, penalty: f64, at: &[f64]) -> (f64, Vec<f64>) {
    let weights = samples.weights();
    let (bias, mut loss) = (at[BUCKETS], 0.0);
    let mut gradient: Vec<f64> = at[..BUCKETS].iter().map(|value| penalty * value).collect();
    gradient.push(0.0);
    for (buckets, values, generated) in samples.rows() {
        let pairs =
            || buckets.iter().map(|&bucket| usize::from(bucket)).zip(values.iter().map(|&value| f64::from(value)));
        let odds = bias + pairs().map(|(bucket, value)| at[bucket] * value).sum::<f64>();
        let weight = weights[usize::from(generated)];
        loss += weight * soft_plus(if generated { -odds } else { odds });
        let pull = weight * (logistic(odds) - f64::from(u8::from(generated)));
        for (bucket, value) in pairs() {
            gradient[bucket] += pull * value;
        }
        gradient[BUCKETS] += pull;
    }
    (loss + 0.5 * penalty * dot(&at[..BUCKETS], &at[..BUCKETS]), gradient)
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn length(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn added(to: &[f64], what: &[f64], times: f64) -> Vec<f64> {
    let mut sum = to.to_vec();
    add(&mut sum, what, times);
    sum
}

fn logistic(odds: f64) -> f64 {
    if odds < 0.0 { 1.0 - logistic(-odds) } else { 1.0 / (1.0 + exp_of_minus(odds)) }
}

/// ln(1 + eˣ).
fn soft_plus(x: f64) -> f64 {
    if x > 0.0 { x + ln_one_plus(exp_of_minus(x)) } else { ln_one_plus(exp_of_minus(-x)) }
}

/// e⁻ˣ for x ≥ 0: the square of the square …, of a Taylor series where it is exact.
fn exp_of_minus(x: f64) -> f64 {
    if x > 700.0 {
        return 0.0;
    }
    let small = x / 1024.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for number in 1..=9 {
        term *= -small / f64::from(number);
        sum += term;
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum
}

/// ln(1 + x) for 0 ≤ x ≤ 1, by the series of the area tangent: 2·(z + z³/3 + …) with z = x/(2 + x) ≤ 1/3.
fn ln_one_plus(x: f64) -> f64 {
    let z = x / (2.0 + x);
    let square = z * z;
    let (mut power, mut sum) = (z, 0.0);
    for number in 0..16 {
        sum += power / f64::from(2 * number + 1);
        power *= square;
    }
    2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_labels_are_told_apart_and_nothing_is_sure() {
        let mut samples = Samples::default();
        samples.push("aaaaaa", false);
        samples.push("qqqqqq", true);
        let parameters = fit(&samples, 0.01);
        let odds = |label: &str| {
            let mut one = Samples::default();
            one.push(label, true);
            let (buckets, values, _) = one.rows().next().unwrap();
            let pairs = buckets.iter().zip(values);
            parameters[BUCKETS]
                + pairs.map(|(&bucket, &value)| parameters[usize::from(bucket)] * f64::from(value)).sum::<f64>()
        };
        assert!(odds("qqqqqq") > 1.0 && odds("aaaaaa") < -1.0, "{} {}", odds("qqqqqq"), odds("aaaaaa"));
        assert!((odds("qqqqqq") + odds("aaaaaa")).abs() < 1e-6, "the same evidence on both sides");
    }

    #[test]
    fn at_the_least_loss_the_gradient_is_as_good_as_nothing() {
        let mut samples = Samples::default();
        for number in 0..200u32 {
            samples.push(&format!("site{}", number.wrapping_mul(2_654_435_761)), number % 3 == 0);
        }
        let parameters = fit(&samples, 1e-3);
        let (_, first) = loss_and_gradient(&samples, 1e-3, &vec![0.0; BUCKETS + 1]);
        let (_, last) = loss_and_gradient(&samples, 1e-3, &parameters);
        assert!(length(&last) < 1e-3 * length(&first), "{} {}", length(&last), length(&first));
    }

    proptest! {
        #[test]
        fn our_functions_are_those_of_mathematics(x in 0.0..50f64) {
            prop_assert!((exp_of_minus(x) / (-x).exp() - 1.0).abs() < 1e-11);
            prop_assert!((soft_plus(-x) / (-x).exp().ln_1p() - 1.0).abs() < 1e-9);
            prop_assert!((soft_plus(x) - (x + (-x).exp().ln_1p())).abs() < 1e-9);
            prop_assert!((logistic(x) + logistic(-x) - 1.0).abs() < 1e-12);
        }
    }
}
