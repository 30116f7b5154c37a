//! Exponential backoff with full jitter: a wait is random, between zero and `base` doubled with each failure, at most
//! `cap`.

use std::time::Duration;

/// Exponential backoff with full jitter: each wait is random, up to a limit that doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The upper limit of the first wait.
    pub base: Duration,
    /// The upper limit of every wait.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(200), cap: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The wait before the next request, after this many failed ones.
    pub(crate) fn wait(&self, failed: u32) -> Duration {
        self.ceiling(failed).mul_f64(fastrand::f64())
    }

    fn ceiling(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(20);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_stay_below() {
        let backoff = Backoff::default();
        let ceilings: Vec<u128> = (1..=8).map(|failed| backoff.ceiling(failed).as_millis()).collect();
        assert_eq!(ceilings, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.cap);
        for failed in 0..100 {
            assert!(backoff.wait(failed) <= backoff.ceiling(failed));
        }
    }
}
