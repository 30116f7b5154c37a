//! How many URLs an instance may fetch in a second, whatever its events ask for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// A count that starts again each second.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: usize,
    /// When the second began, and how many were taken in it.
    second: Mutex<Option<(Timestamp, usize)>>,
}

impl Pace {
    pub(super) fn new(per_second: usize) -> Self {
        Self { per_second, second: Mutex::default() }
    }

    /// Takes as many as are asked for, or those that are left.
    pub(super) fn take(&self, wanted: usize, now: Timestamp) -> usize {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let current = second.filter(|(began, _)| now - *began < Duration::from_secs(1));
        let (began, taken) = current.unwrap_or((now, 0));
        let granted = wanted.min(self.per_second - taken);
        *second = Some((began, taken + granted));
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::paused_clock;

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_is_taken_in_a_second() {
        let (clock, pace) = (paused_clock(), Pace::new(5));
        assert_eq!([3, 3, 3].map(|wanted| pace.take(wanted, clock.now())), [3, 2, 0]);
        clock.sleep_until(clock.now() + Duration::from_millis(999)).await;
        assert_eq!(pace.take(1, clock.now()), 0);
        clock.sleep_until(clock.now() + Duration::from_millis(1)).await;
        assert_eq!([9, 1].map(|wanted| pace.take(wanted, clock.now())), [5, 0]);
    }
}
