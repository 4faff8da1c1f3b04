//! How often signing in may be tried: from one address, and with one access key.
//!
//! Secrets that the server made have 240 random bits and need no such protection; imported ones may be weaker.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Attempts with one access key that may fail at once, and how long it takes until one more may. Ours: ten mistypings in a
/// row are no accident, and 1,440 guesses a day lead nowhere with sixteen characters.
const OF_A_KEY: Allowance = Allowance { burst: 10.0, refill_ms: 60_000.0 };

/// The same for one address, behind which a whole office may sit.
const OF_AN_ADDRESS: Allowance = Allowance { burst: 30.0, refill_ms: 2_000.0 };

/// Counters. Who tries is hashed to one of them, with a key of this process, so that no number of made-up names takes
/// more memory; names that share one share its attempts.
const COUNTERS: usize = 4_096;

struct Allowance {
    burst: f64,
    refill_ms: f64,
}

/// Counts attempts that failed.
pub(crate) struct Throttle {
    hasher: RandomState,
    of_keys: Mutex<Vec<Counter>>,
    of_addresses: Mutex<Vec<Counter>>,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    /// Failures, each of which is forgotten after a while.
    failures: f64,
    /// When it was last brought up to date, milliseconds since 1970.
    at: i64,
}

impl Default for Throttle {
    fn default() -> Self {
        let counters = || Mutex::new(vec![Counter::default(); COUNTERS]);
        Self { hasher: RandomState::new(), of_keys: counters(), of_addresses: counters() }
    }
}

impl Throttle {
    /// Counts an attempt before it is made, so that many at once are as many as one after the other. Answers after how many
    /// seconds to try again if there were too many. `now` is in milliseconds since 1970.
    pub(crate) fn begin(&self, access_key_id: &str, address: &str, now: i64) -> Result<(), u64> {
        let wait_of_key = self.take(&self.of_keys, &OF_A_KEY, access_key_id, now);
        let wait_of_address = self.take(&self.of_addresses, &OF_AN_ADDRESS, address, now);
        match wait_of_key.max(wait_of_address) {
            0 => Ok(()),
            wait => Err(wait),
        }
    }

    /// An attempt that went well counts for nothing.
    pub(crate) fn succeeded(&self, access_key_id: &str, address: &str) {
        for (counters, who) in [(&self.of_keys, access_key_id), (&self.of_addresses, address)] {
            let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(counter) = counters.get_mut(self.at(who)) {
                counter.failures = (counter.failures - 1.0).max(0.0);
            }
        }
    }

    /// 0, or the seconds to wait. An attempt that is refused is not counted: who waits gets in.
    fn take(&self, counters: &Mutex<Vec<Counter>>, allowance: &Allowance, who: &str, now: i64) -> u64 {
        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counter) = counters.get_mut(self.at(who)) else { return 0 };
        // A clock that is set back gives nothing.
        let forgotten = (now - counter.at).max(0) as f64 / allowance.refill_ms;
        counter.failures = (counter.failures - forgotten).max(0.0);
        counter.at = now;
        let beyond = counter.failures + 1.0 - allowance.burst;
        if beyond > 0.0 {
            return (beyond * allowance.refill_ms / 1000.0).ceil().max(1.0) as u64;
        }
        counter.failures += 1.0;
        0
    }

    fn at(&self, who: &str) -> usize {
        (self.hasher.hash_one(who) % COUNTERS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_fails_too_often_waits_whatever_address_they_come_from() {
        let throttle = Throttle::default();
        for attempt in 0..10 {
            assert_eq!(throttle.begin("AKIA", &format!("192.0.2.{attempt}"), 0), Ok(()));
        }
        let wait = throttle.begin("AKIA", "192.0.2.99", 0).unwrap_err();
        assert_eq!(wait, 60);
        assert!(throttle.begin("AKIA", "192.0.2.99", 59_000).is_err());
        assert_eq!(throttle.begin("AKIA", "192.0.2.99", 60_000), Ok(()));
        assert!(throttle.begin("AKIA", "192.0.2.99", 60_000).is_err(), "one more, not ten");
    }

    #[test]
    fn an_address_that_tries_many_keys_waits() {
        let throttle = Throttle::default();
        let admitted = (0..100).filter(|key| throttle.begin(&format!("AKIA{key}"), "192.0.2.1", 0).is_ok()).count();
        assert_eq!(admitted, 30);
        assert_eq!(throttle.begin("AKIA0", "198.51.100.1", 0), Ok(()), "others do not");
    }

    #[test]
    fn attempts_that_go_well_are_not_counted() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            assert_eq!(throttle.begin("AKIA", "192.0.2.1", 0), Ok(()));
            throttle.succeeded("AKIA", "192.0.2.1");
        }
    }

    proptest! {
        #[test]
        fn no_timing_of_guesses_gives_more_than_the_allowance(pauses in proptest::collection::vec(-1_000i64..120_000, 1..200)) {
            let throttle = Throttle::default();
            let (mut now, mut passed, mut admitted) = (1_000_000i64, 0i64, 0.0);
            for pause in pauses {
                now += pause;
                passed += pause.max(0) + 1_000; // What a clock that jumps back may gain once.
                admitted += f64::from(throttle.begin("AKIA", "192.0.2.1", now).is_ok());
            }
            prop_assert!(admitted <= OF_A_KEY.burst + passed as f64 / OF_A_KEY.refill_ms + 1.0);
        }
    }
}
