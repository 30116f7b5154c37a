//! The limits of plans as Cloudflare enforces them: a bucket per account, plan and class, which is refilled
//! continuously.

use std::collections::HashMap;
use std::time::Duration;

use purge_router_core::limits::{CloudflarePlan, LimitClass};

use crate::clock::SimTime;

type Key = (usize, CloudflarePlan, LimitClass);

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub(crate) struct PlanLimits(HashMap<Key, Bucket>);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: SimTime,
}

impl PlanLimits {
    /// Takes `cost` out of a bucket, or says how long to wait if there is less in it.
    pub(crate) fn take(&mut self, key: Key, cost: usize, now: SimTime) -> Result<(), Duration> {
        let (_, plan, class) = key;
        let (capacity, per_second) = rate(plan, class);
        let cost = cost as f64;
        let bucket = self.0.entry(key).or_insert(Bucket { left: capacity, at: now });
        bucket.left = (bucket.left + (now - bucket.at).as_secs_f64() * per_second).min(capacity);
        bucket.at = now;
        if bucket.left < cost {
            return Err(Duration::from_secs_f64((cost - bucket.left) / per_second));
        }
        bucket.left -= cost;
        Ok(())
    }
}

/// The size of a bucket and its refill per second.
fn rate(plan: CloudflarePlan, class: LimitClass) -> (f64, f64) {
    let per_minute = |bucket: f64, refill: f64| (bucket, refill / 60.0);
    match (plan, class) {
        (CloudflarePlan::Free, LimitClass::Urls) => (800.0, 800.0),
        (CloudflarePlan::Free, LimitClass::Requests) => per_minute(25.0, 5.0),
        (CloudflarePlan::Pro, LimitClass::Urls) => (1500.0, 1500.0),
        (CloudflarePlan::Pro, LimitClass::Requests) => (25.0, 5.0),
        (CloudflarePlan::Business, LimitClass::Urls) => (1500.0, 1500.0),
        (CloudflarePlan::Business, LimitClass::Requests) => (50.0, 10.0),
        (CloudflarePlan::Enterprise, LimitClass::Urls) => (3000.0, 3000.0),
        (CloudflarePlan::Enterprise, LimitClass::Requests) => (500.0, 50.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_emptied_and_refilled() {
        let mut limits = PlanLimits::default();
        let key = (1, CloudflarePlan::Pro, LimitClass::Requests);
        let at = |millis| SimTime::after(Duration::from_millis(millis));
        assert!((0..25).all(|_| limits.take(key, 1, at(0)).is_ok()));
        assert_eq!(limits.take(key, 1, at(0)), Err(Duration::from_millis(200)));
        assert_eq!(limits.take(key, 1, at(200)), Ok(()));
        assert!(limits.take((2, CloudflarePlan::Pro, LimitClass::Requests), 1, at(200)).is_ok(), "another account");
    }
}
