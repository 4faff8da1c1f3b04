//! How often signing in may be tried: from one address, and with one access key.
//!
//! Secrets that the server made have 240 random bits and need no such protection; imported ones may be weaker.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Attempts with one access key that may fail at once, and how long it takes until one more may. Ours: ten mistypings in a
/// row are no accident, and 1,440 guesses a day lead nowhere with sixteen characters.
const OF_A_KEY: Allowance = Allowance { burst: 10.0, refill_ms: 60_000.0 };

/// The same for one address, behind which a whole office may sit.
const OF_AN_ADDRESS: Allowance = Allowance { burst: 30.0, refill_ms: 2_000.0 };

/// Pairs of an access key and an address that have signed in, the newest. Ours: more people than sit behind one console.
const KNOWN_MAX: usize = 1_024;

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
    /// Hashes of (access key, address) that signed in. What goes wrong there is counted for the pair alone: who guesses at a
    /// key from elsewhere must not keep its holder out.
    known: Mutex<VecDeque<u64>>,
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
        Self { hasher: RandomState::new(), of_keys: counters(), of_addresses: counters(), known: Mutex::default() }
    }
}

impl Throttle {
    /// Counts an attempt before it is made, so that many at once are as many as one after the other. Answers after how many
    /// seconds to try again if there were too many; that attempt is not counted: who waits gets in, and an address that may
    /// not try takes no attempt from a key. `now` is in milliseconds since 1970.
    pub(crate) fn begin(&self, access_key_id: &str, address: &str, now: i64) -> Result<(), u64> {
        let key = self.counted_as(access_key_id, address);
        let mut of_keys = self.of_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_addresses = self.of_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(of_key), Some(of_address)) = (of_keys.get_mut(self.at(&key)), of_addresses.get_mut(self.at(address)))
        else {
            return Ok(());
        };
        match of_key.wait(&OF_A_KEY, now).max(of_address.wait(&OF_AN_ADDRESS, now)) {
            0 => {
                of_key.failures += 1.0;
                of_address.failures += 1.0;
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// An attempt that went well counts for nothing, and its address is known from now on.
    pub(crate) fn succeeded(&self, access_key_id: &str, address: &str) {
        let key = self.counted_as(access_key_id, address);
        for (counters, who) in [(&self.of_keys, key.as_str()), (&self.of_addresses, address)] {
            let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(counter) = counters.get_mut(self.at(who)) {
                counter.failures = (counter.failures - 1.0).max(0.0);
            }
        }
        let pair = self.hasher.hash_one((access_key_id, address));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other| *other != pair);
        known.push_back(pair);
        if known.len() > KNOWN_MAX {
            known.pop_front();
        }
    }

    /// Whose attempts these are: the key's, or those of the key from an address that it has signed in from.
    fn counted_as(&self, access_key_id: &str, address: &str) -> String {
        let pair = self.hasher.hash_one((access_key_id, address));
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&pair) { format!("{access_key_id} {address}") } else { access_key_id.to_owned() }
    }

    fn at(&self, who: &str) -> usize {
        (self.hasher.hash_one(who) % COUNTERS as u64) as usize
    }
}

impl Counter {
    /// 0, or the seconds to wait until one more may fail.
    fn wait(&mut self, allowance: &Allowance, now: i64) -> u64 {
        // A clock that is set back gives nothing.
        let forgotten = (now - self.at).max(0) as f64 / allowance.refill_ms;
        self.failures = (self.failures - forgotten).max(0.0);
        self.at = now;
        let beyond = self.failures + 1.0 - allowance.burst;
        if beyond > 0.0 { (beyond * allowance.refill_ms / 1000.0).ceil().max(1.0) as u64 } else { 0 }
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
    fn an_address_that_may_not_try_takes_no_attempt_from_a_key() {
        let throttle = Throttle::default();
        for key in 0..30 {
            assert_eq!(throttle.begin(&format!("AKIA{key}"), "192.0.2.1", 0), Ok(()));
        }
        for _ in 0..100 {
            assert!(throttle.begin("AKIAHOLDER", "192.0.2.1", 0).is_err());
        }
        for _ in 0..10 {
            assert_eq!(throttle.begin("AKIAHOLDER", "198.51.100.1", 0), Ok(()));
        }
    }

    #[test]
    fn who_has_signed_in_from_an_address_is_not_kept_out_by_guesses_from_others() {
        let throttle = Throttle::default();
        assert_eq!(throttle.begin("AKIA", "192.0.2.1", 0), Ok(()));
        throttle.succeeded("AKIA", "192.0.2.1");
        while throttle.begin("AKIA", "203.0.113.9", 0).is_ok() {}
        assert_eq!(throttle.begin("AKIA", "192.0.2.1", 0), Ok(()), "known");
        assert!(throttle.begin("AKIA", "192.0.2.2", 0).is_err(), "a stranger");
        for _ in 0..9 {
            assert_eq!(throttle.begin("AKIA", "192.0.2.1", 0), Ok(()));
        }
        assert!(throttle.begin("AKIA", "192.0.2.1", 0).is_err(), "the known one has no more than others");
        for number in 0..2 * KNOWN_MAX {
            throttle.succeeded("AKIA", &number.to_string());
        }
        assert_eq!(throttle.known.lock().unwrap().len(), KNOWN_MAX);
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
