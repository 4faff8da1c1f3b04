//! How many requests a second one access key may make.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// A bucket of permits for each access key, filled at the rate. Only keys that exist get one, so their number is bounded.
pub(crate) struct Rate {
    per_second: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    permits: f64,
    filled: Instant,
}

impl Rate {
    /// `per_second` on average, twice as many at once.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Takes a permit, if there is one.
    pub(crate) fn admits(&self, access_key_id: &str) -> bool {
        let now = Instant::now();
        let full = 2.0 * self.per_second;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(access_key_id) {
            // A full bucket is as good as none: what has not been used for two seconds is forgotten.
            buckets.retain(|_, bucket| now.duration_since(bucket.filled).as_secs() < 2);
            buckets.insert(access_key_id.to_owned(), Bucket { permits: full, filled: now });
        }
        let Some(bucket) = buckets.get_mut(access_key_id) else { return true };
        let gained = now.duration_since(bucket.filled).as_secs_f64() * self.per_second;
        bucket.permits = (bucket.permits + gained).min(full);
        bucket.filled = now;
        let admitted = bucket.permits >= 1.0;
        if admitted {
            bucket.permits -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_key_that_asks_too_often_waits_and_others_do_not() {
        let rate = Rate::new(10);
        let admitted = |key: &str| (0..100).filter(|_| rate.admits(key)).count();
        assert_eq!(admitted("one"), 20);
        assert_eq!(admitted("one"), 0);
        assert_eq!(admitted("other"), 20);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(admitted("one"), 10);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(admitted("third"), 20);
        assert_eq!(rate.buckets.lock().unwrap().len(), 1, "unused buckets are forgotten");
    }
}
