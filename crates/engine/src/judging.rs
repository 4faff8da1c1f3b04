//! Behaviours, each shown the sums of a slice: on several threads, where that pays.
//!
//! The ordered part is the one that cannot be split by records. But no behaviour sees another: each thread takes the next
//! behaviour and shows it everything, in order. What they found is put in the order of the behaviours, and what they taught
//! adds up in any order, so that the number of threads leaves no trace.

use crate::index::{DetectionSet, ListenIndex};
use crate::learning::Learning;
use crate::tallies::Tallies;
use std::sync::{Mutex, MutexGuard, PoisonError};
use watchfire_detections::{Behaviour, Context, FlowView, Scene, Thresholds, Verdict};
use watchfire_knowledge::baseline::Lessons;
use watchfire_model::Time;

/// Sums of a slice from which further threads are started: to start one takes as long as to judge about fifty.
const SUMS_MIN: usize = if cfg!(test) { 0 } else { 200 };

/// What a slice shows to behaviours, and what they may ask.
pub(crate) struct Shown<'a> {
    pub(crate) index: &'a ListenIndex,
    pub(crate) context: Context<'a>,
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) baselines: &'a Learning,
    pub(crate) tallies: &'a Tallies,
    pub(crate) flows: &'a [FlowView<'a>],
    pub(crate) end: Time,
}

impl Shown<'_> {
    /// Shows everything to every behaviour; what they found, in their order.
    pub(crate) fn to_all(
        &self,
        behaviours: &mut [Option<Box<dyn Behaviour>>],
        lessons: &mut Lessons,
        threads: usize,
    ) -> Vec<Verdict> {
        let present = behaviours.iter_mut().enumerate().filter_map(|(place, one)| Some((place, one.as_deref_mut()?)));
        let queue: Mutex<Vec<_>> = Mutex::new(present.collect());
        let found = Mutex::new(Vec::new());
        let judge = |lessons: &mut Lessons| {
            loop {
                // Not in the condition of the loop: the queue must not stay locked while something is judged.
                let Some((place, behaviour)) = lock(&queue).pop() else { break };
                let mut verdicts = Vec::new();
                self.to(place, behaviour, lessons, &mut verdicts);
                if !verdicts.is_empty() {
                    lock(&found).push((place, verdicts));
                }
            }
        };
        let further = if self.has_much_for_all() { threads.saturating_sub(1) } else { 0 };
        let judge_apart = || {
            let mut own = Lessons::default();
            judge(&mut own);
            own
        };
        let taught: Vec<Lessons> = std::thread::scope(|scope| {
            let others: Vec<_> = (0..further).map(|_| scope.spawn(judge_apart)).collect();
            judge(lessons);
            let join = |thread: std::thread::ScopedJoinHandle<'_, Lessons>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).collect()
        });
        taught.iter().for_each(|own| lessons.merge(own));
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|&(place, _)| place);
        found.into_iter().flat_map(|(_, verdicts)| verdicts).collect()
    }

    /// Whether further threads pay. Calls alone are judged on one: few behaviours look at them, and what these share of each
    /// client would move from one processor to the other and back. Meanwhile others prepare the next hour, and learn the last.
    fn has_much_for_all(&self) -> bool {
        (SUMS_MIN..).contains(&(self.flows.len() + self.tallies.queries.len()))
    }

    fn to(&self, place: usize, behaviour: &mut dyn Behaviour, lessons: &mut Lessons, verdicts: &mut Vec<Verdict>) {
        let Self { index, context, thresholds, baselines, tallies, .. } = *self;
        let mut scene = Scene { context, thresholds, baselines, lessons, verdicts };
        let listens = |set: DetectionSet| set >> place & 1 == 1;
        if listens(index.call_tallies) {
            tallies.calls.iter().for_each(|(key, tally)| behaviour.call(key, tally, &mut scene));
        }
        if listens(index.flow_tallies) {
            self.flows.iter().for_each(|flow| behaviour.flow(flow, &mut scene));
        }
        if listens(index.query_tallies) {
            tallies.queries.iter().for_each(|(key, tally)| behaviour.query(key, tally, &mut scene));
        }
        behaviour.close(self.end, &mut scene);
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
