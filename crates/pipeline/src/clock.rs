//! The clock of the pipeline and its stores. It counts the time for which the process was frozen, and tests can move
//! it.
//!
//! Lambda freezes an instance between two invocations. The monotonic clock may stand still meanwhile, and the wall
//! clock may be set back. So a [`Clock`] follows the monotonic clock, and jumps ahead when the wall clock has run ahead
//! of it. What it was set back before is not part of such a jump: a clock that is set right again was not frozen.

#![expect(clippy::disallowed_methods, reason = "the one place of the pipeline that reads the system's clocks")]

use std::fmt;
use std::future::Future;
use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, timeout};

/// By how much the two clocks may differ before the process is taken to have been frozen, or the wall clock to be set
/// back.
const TOLERANCE: Duration = Duration::from_millis(100);

/// By how much a wall clock that was set back is expected to be set ahead again. A freeze seems shorter by as much at most.
const LONGEST_SET_BACK: Duration = Duration::from_secs(10);

/// A point in time of one [`Clock`]: the time since that clock was created. It never decreases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(Duration);

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The time between the two; zero if the other one is later.
impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The deadline passed before a future was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("deadline exceeded")]
pub struct DeadlineExceeded;

/// A clock that counts the time for which the process was frozen. Clones are the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    wall_time: Box<dyn Fn() -> SystemTime + Send + Sync>,
    anchor: Mutex<Anchor>,
}

/// The readings of both clocks at the last jump, and what this clock said then.
struct Anchor {
    monotonic: Instant,
    wall_time: SystemTime,
    timestamp: Timestamp,
    /// By how much the wall clock has been set back, and not yet ahead again.
    set_back: Duration,
}

impl Clock {
    /// The system's clocks. Under Tokio's paused time, the monotonic one is Tokio's.
    pub fn system() -> Self {
        Self::with_wall_time(SystemTime::now)
    }

    /// A clock whose wall time comes from this function, which tests use to freeze and to set back.
    pub fn with_wall_time(wall_time: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let (timestamp, set_back) = (Timestamp(Duration::ZERO), Duration::ZERO);
        let anchor = Anchor { monotonic: Instant::now(), wall_time: wall_time(), timestamp, set_back };
        Self(Arc::new(Inner { wall_time: Box::new(wall_time), anchor: Mutex::new(anchor) }))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        // A poisoned anchor is whole: it is replaced in one assignment.
        let mut anchor = self.0.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let (monotonic, wall_time) = (Instant::now(), self.wall_time());
        let elapsed = monotonic.duration_since(anchor.monotonic);
        // Where the wall clock would be if it had gone on as the monotonic one.
        let expected = anchor.wall_time + elapsed;
        let ahead = wall_time.duration_since(expected).unwrap_or_default();
        let behind = expected.duration_since(wall_time).unwrap_or_default();
        if ahead.max(behind) <= TOLERANCE {
            return anchor.timestamp + elapsed;
        }
        let frozen = ahead.saturating_sub(anchor.set_back);
        let set_back = (anchor.set_back.saturating_sub(ahead) + behind).min(LONGEST_SET_BACK);
        let timestamp = anchor.timestamp + elapsed + frozen;
        *anchor = Anchor { monotonic, wall_time, timestamp, set_back };
        timestamp
    }

    /// The time of day, for ages of what other machines dated.
    pub fn wall_time(&self) -> SystemTime {
        (self.0.wall_time)()
    }

    /// Waits until this time.
    pub async fn sleep_until(&self, time: Timestamp) {
        sleep(time - self.now()).await;
    }

    /// Waits for a future until the deadline.
    ///
    /// # Errors
    /// The deadline passed first.
    pub async fn timeout_at<F: Future>(&self, deadline: Timestamp, future: F) -> Result<F::Output, DeadlineExceeded> {
        timeout(deadline - self.now(), future).await.map_err(|_| DeadlineExceeded)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use tokio::time::advance;

    use super::*;

    /// A clock whose wall time follows Tokio's clock, and how many seconds it is ahead of it.
    fn clock() -> (Clock, Arc<AtomicI64>) {
        let ahead = Arc::new(AtomicI64::new(0));
        let (seconds, start, began) = (Arc::clone(&ahead), SystemTime::now(), Instant::now());
        let wall_time = move || {
            let now = start + began.elapsed();
            match seconds.load(Ordering::Relaxed) {
                ahead @ 0.. => now + Duration::from_secs(ahead.unsigned_abs()),
                behind => now - Duration::from_secs(behind.unsigned_abs()),
            }
        };
        (Clock::with_wall_time(wall_time), ahead)
    }

    #[tokio::test(start_paused = true)]
    async fn time_passes_while_the_process_is_frozen_and_never_goes_back() {
        let (clock, ahead) = clock();
        let start = clock.now();
        let elapsed = || (clock.now() - start).as_secs();
        advance(Duration::from_secs(5)).await;
        assert_eq!(elapsed(), 5);
        ahead.store(3600, Ordering::Relaxed);
        assert_eq!(elapsed(), 3605, "the process was frozen for an hour");
        ahead.store(-3600, Ordering::Relaxed);
        assert_eq!(elapsed(), 3605, "the wall clock was set back by two hours");
        advance(Duration::from_secs(5)).await;
        assert_eq!(elapsed(), 3610);
        ahead.store(0, Ordering::Relaxed);
        assert_eq!(elapsed(), 7200, "the process was frozen for an hour, of which ten seconds may be the clock's");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_set_right_again_is_no_freeze() {
        let (clock, ahead) = clock();
        let start = clock.now();
        let mut seen = Vec::new();
        // Set back by three seconds and by two more, set right, and frozen for four.
        for seconds in [-3, -5, 0, 4] {
            advance(Duration::from_secs(1)).await;
            ahead.store(seconds, Ordering::Relaxed);
            seen.push((clock.now() - start).as_secs());
        }
        assert_eq!(seen, [1, 2, 3, 8]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_read_often_does_not_run_fast() {
        let (clock, _) = clock();
        let start = clock.now();
        for _ in 0..10_000 {
            advance(Duration::from_micros(10)).await;
            clock.now();
        }
        assert_eq!((clock.now() - start).as_millis(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline() {
        let (clock, _) = clock();
        let start = clock.now();
        clock.sleep_until(start + Duration::from_secs(2)).await;
        let late = clock.timeout_at(start + Duration::from_secs(3), std::future::pending::<()>()).await;
        assert_eq!(late, Err(DeadlineExceeded));
        assert_eq!((clock.now() - start).as_secs(), 3);
    }
}
