//! How much there is in an hour or a day, and how much there may be.

use super::entity::EntityKind;
use super::feature::{Detail, Metric};
use super::presence::WINDOW_DAYS;
use crate::statistics::{PeaksOverThreshold, TailFit, exponential, log2_one_plus_milli};
use serde::{Deserialize, Serialize};

/// How often a good amount may exceed the limit while it is learnt: one in 10,000. Source: libspot's default. Who asks
/// for a limit names a rate.
const LEARNING_RATE_PPB: u32 = 100_000;
/// Hours of a week.
const WEEK_HOURS: u32 = 168;
/// The mean of an hour of the week takes in 1/(n+1) of what is new, later a fiftieth. Source: our choice, 0.02 as in
/// slow exponential smoothing: half of a change after 34 weeks.
const WEEK_STEPS_MAX: u8 = 49;
/// One amount moves the mean as if it differed by at most 1.5 bits. Source: our simulation, so that one flood does not
/// raise what is usual.
const WEEK_CLIP_MILLI: i64 = 1_500;

/// What is kept of one metric of one entity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct VolumeState {
    pub(super) metric: Metric,
    /// The newest period, to which more may come.
    open_period: u32,
    open_amount: u64,
    /// Earlier periods with an amount: how many, their sum, the sum of log2(1 + amount) in 1/1000.
    periods: u32,
    sum: u64,
    log_sum_milli: u64,
    /// Days of the last thirty with the largest amount that no later day reached, oldest first.
    maxima: Vec<(u32, u64)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tail: Option<Box<PeaksOverThreshold>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    week: Option<Box<Week>>,
}

/// What is usual in each hour of the week.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Week {
    /// Means of log2(1 + amount), in 1/1000.
    means_milli: Vec<u16>,
    /// How often each was learnt, up to [`WEEK_STEPS_MAX`].
    steps: Vec<u8>,
}

/// What is normal of a metric, as of a moment: only periods that were over by then.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Volume {
    /// The metric.
    pub metric: Metric,
    /// Periods with an amount since the beginning.
    pub periods: u32,
    /// Their sum.
    pub sum: u64,
    /// The largest amount of a period in the last thirty days; 0 if there was none.
    pub max: u64,
    /// The day of it, since the epoch.
    pub max_day: i64,
    /// The mean of log2(1 + amount), in 1/1000 bit.
    pub mean_log2_milli: i64,
    /// What is usual for this hour of the week, on the same scale; the mean where that is not kept.
    pub usual_log2_milli: i64,
    /// What the values of the tail are above, on the same scale: what is usual for this hour of the week, else 0.
    pub tail_begins_milli: i64,
    /// The tail; `None` where it is not kept, or still being learnt.
    pub tail: Option<TailFit>,
}

impl Volume {
    /// The mean of a period with an amount, in 1/1000.
    pub fn mean_milli(&self) -> u64 {
        (u128::from(self.sum) * 1000 / u128::from(self.periods.max(1))).try_into().unwrap_or(u64::MAX)
    }

    /// How far an amount lies above what is usual, in 1/1000 bit: 3,000 is eight times as much.
    pub fn above_usual_milli(&self, amount: u64) -> i64 {
        log2_one_plus_milli(amount) - self.usual_log2_milli
    }

    /// The largest amount within the limit; `None` where there is no limit yet.
    pub fn limit(&self) -> Option<u64> {
        let log2 = (self.tail?.limit_milli + self.tail_begins_milli) as f64 / 1000.0;
        // A cast of what is too large gives the largest number there is.
        Some((exponential(log2 * std::f64::consts::LN_2) - 1.0).max(0.0) as u64)
    }

    /// Whether an amount lies above the limit. `None` where there is no limit yet.
    pub fn is_beyond(&self, amount: u64) -> Option<bool> {
        Some(log2_one_plus_milli(amount) - self.tail_begins_milli > self.tail?.limit_milli)
    }
}

impl VolumeState {
    pub(super) fn new(metric: Metric, kind: EntityKind, hour: u32) -> Self {
        let detail = metric.detail(kind);
        Self {
            metric,
            open_period: metric.period().of_hour(hour),
            open_amount: 0,
            periods: 0,
            sum: 0,
            log_sum_milli: 0,
            maxima: Vec::new(),
            tail: (detail != Detail::Sums).then(|| Box::new(PeaksOverThreshold::new(LEARNING_RATE_PPB))),
            week: (detail == Detail::TailOfWeek).then(Box::default),
        }
    }

    /// Adds an amount to the period of this hour. What belongs to an earlier period than the newest is not taken.
    pub(super) fn add(&mut self, hour: u32, amount: u64) {
        let period = self.metric.period().of_hour(hour);
        if period > self.open_period {
            self.close();
            (self.open_period, self.open_amount) = (period, 0);
        }
        if period == self.open_period {
            self.open_amount = self.open_amount.saturating_add(amount);
        }
    }

    /// What was normal before this hour. The limit and the means of the week follow one period later than the sums.
    pub(super) fn as_of(&self, hour: u32, rate_ppb: u32) -> Volume {
        let period = self.metric.period().of_hour(hour);
        let last = if self.open_period < period { self.open_amount } else { 0 };
        let periods = self.periods.saturating_add((last > 0).into());
        let (mut max_day, mut max) = self.largest_since((hour / 24).saturating_sub(WINDOW_DAYS - 1));
        let last_day = self.metric.period().day(self.open_period);
        if last >= max && last > 0 && last_day + WINDOW_DAYS > hour / 24 {
            (max_day, max) = (last_day, last);
        }
        let log_sum = self.log_sum_milli.saturating_add(log2_one_plus_milli(last) as u64);
        let mean_log2_milli = (log_sum / u64::from(periods.max(1))) as i64;
        Volume {
            metric: self.metric,
            periods,
            sum: self.sum.saturating_add(last),
            max,
            max_day: max_day.into(),
            mean_log2_milli,
            usual_log2_milli: self.of_the_week(period).unwrap_or(mean_log2_milli),
            tail_begins_milli: self.tail_begins(period),
            tail: self.tail.as_ref().and_then(|tail| tail.fit_at(rate_ppb)),
        }
    }

    /// The same metric of the same entity from elsewhere.
    ///
    /// Sums, counts and maxima add up; the newest period too if both have it. A tail and the means of the week cannot be
    /// added: those that learnt more stay.
    pub(super) fn merge(&mut self, mut other: Self) {
        if other.open_period > self.open_period {
            std::mem::swap(self, &mut other);
        }
        if other.open_period == self.open_period {
            self.open_amount = self.open_amount.saturating_add(other.open_amount);
        } else {
            other.close();
        }
        self.periods = self.periods.saturating_add(other.periods);
        self.sum = self.sum.saturating_add(other.sum);
        self.log_sum_milli = self.log_sum_milli.saturating_add(other.log_sum_milli);
        let points = |state: &Self| state.tail.as_ref().map_or(0, |tail| tail.points());
        if points(&other) > points(self) {
            (self.tail, self.week) = (other.tail, other.week);
        }
        let mut maxima: Vec<(u32, u64)> = std::mem::take(&mut self.maxima);
        maxima.extend(other.maxima);
        maxima.sort_unstable();
        maxima.into_iter().for_each(|(day, amount)| self.note_maximum(day, amount));
    }

    /// Bytes held besides the value itself.
    pub(super) fn size_bytes(&self) -> usize {
        let tail = self.tail.as_ref().map_or(0, |tail| size_of::<PeaksOverThreshold>() + tail.size_bytes());
        let week = self
            .week
            .as_ref()
            .map_or(0, |week| size_of::<Week>() + 2 * week.means_milli.capacity() + week.steps.capacity());
        self.maxima.capacity() * size_of::<(u32, u64)>() + tail + week
    }

    /// The newest period is over.
    fn close(&mut self) {
        let (period, amount) = (self.open_period, self.open_amount);
        if amount == 0 {
            return;
        }
        let log2 = log2_one_plus_milli(amount);
        let begins = if self.periods == 0 && self.week.is_some() { log2 } else { self.tail_begins(period) };
        if let Some(tail) = &mut self.tail {
            tail.observe(log2 - begins);
        }
        if let Some(week) = &mut self.week {
            week.learn(period, begins, log2);
        }
        self.periods = self.periods.saturating_add(1);
        self.sum = self.sum.saturating_add(amount);
        self.log_sum_milli = self.log_sum_milli.saturating_add(log2 as u64);
        self.note_maximum(self.metric.period().day(period), amount);
    }

    /// A day can no longer be the largest once a later one has reached it.
    fn note_maximum(&mut self, day: u32, amount: u64) {
        while self.maxima.last().is_some_and(|&(_, earlier)| earlier <= amount) {
            self.maxima.pop();
        }
        let begin = day.saturating_sub(WINDOW_DAYS - 1);
        self.maxima.retain(|&(earlier, _)| earlier >= begin);
        // Of a day only its largest: a smaller one of the same day says nothing.
        if self.maxima.last().is_none_or(|&(last, _)| last != day) {
            self.maxima.reserve_exact(1);
            self.maxima.push((day, amount));
        }
    }

    fn largest_since(&self, day: u32) -> (u32, u64) {
        self.maxima.iter().copied().find(|&(of, _)| of >= day).unwrap_or_default()
    }

    /// What is usual in this hour of the week: the mean of all where that hour was never seen; `None` if it is not kept.
    fn of_the_week(&self, period: u32) -> Option<i64> {
        let mean = || (self.log_sum_milli / u64::from(self.periods.max(1))) as i64;
        self.week.as_ref().map(|week| week.mean(period).unwrap_or_else(mean))
    }

    /// What the tail is the tail above: what is usual in this hour, or nothing.
    fn tail_begins(&self, period: u32) -> i64 {
        self.of_the_week(period).unwrap_or(0)
    }
}

impl Week {
    fn mean(&self, hour: u32) -> Option<i64> {
        let slot = (hour % WEEK_HOURS) as usize;
        self.steps.get(slot).filter(|&&steps| steps > 0)?;
        self.means_milli.get(slot).map(|&mean| mean.into())
    }

    fn learn(&mut self, hour: u32, usual: i64, log2: i64) {
        let slot = (hour % WEEK_HOURS) as usize;
        self.means_milli.resize(WEEK_HOURS as usize, 0);
        self.steps.resize(WEEK_HOURS as usize, 0);
        let steps = self.steps[slot].min(WEEK_STEPS_MAX);
        let change = (log2 - usual).clamp(-WEEK_CLIP_MILLI, WEEK_CLIP_MILLI) / (i64::from(steps) + 1);
        self.means_milli[slot] = (usual + change).clamp(0, u16::MAX.into()) as u16;
        self.steps[slot] = (steps + 1).min(WEEK_STEPS_MAX);
    }
}
