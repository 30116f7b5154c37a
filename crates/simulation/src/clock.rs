//! The true time of a run. It follows Tokio's clock, and is ahead of it by the time for which all instances were
//! frozen.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

/// The first of January 2026, when every run begins.
const START: Duration = Duration::from_secs(1_767_225_600);

/// A point in time of one run, in milliseconds since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

impl SimTime {
    /// The point in time that is this long after the start.
    pub fn after(start: Duration) -> Self {
        Self(start.as_millis() as u64)
    }

    /// The point in time that is this long after the start.
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// The minute that it is in.
    pub fn minute(self) -> u64 {
        self.0 / 60_000
    }

    /// As SQS says it.
    pub(crate) fn unix_milliseconds(self) -> u128 {
        (START + self.elapsed()).as_millis()
    }

    /// As an event of S3 says it. A run lasts less than a month.
    pub fn rfc3339(self) -> String {
        let (seconds, milliseconds) = (self.0 / 1000, self.0 % 1000);
        let (day, hour, minute) = (seconds / 86_400 + 1, seconds / 3600 % 24, seconds / 60 % 60);
        format!("2026-01-{day:02}T{hour:02}:{minute:02}:{:02}.{milliseconds:03}Z", seconds % 60)
    }
}

impl Add<Duration> for SimTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration.as_millis() as u64)
    }
}

/// The time between the two; zero if the other one is later.
impl Sub for SimTime {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Hours, minutes and seconds since the start.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        write!(f, "{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, self.0 % 1000)
    }
}

/// The clock of a run. Clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct SimClock {
    start: Instant,
    skipped_millis: Arc<AtomicU64>,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), skipped_millis: Arc::default() }
    }

    pub(crate) fn now(&self) -> SimTime {
        SimTime(self.start.elapsed().as_millis() as u64 + self.skipped_millis.load(Ordering::Relaxed))
    }

    /// The time of day that a machine with a right clock shows.
    pub(crate) fn wall_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + START + self.now().elapsed()
    }

    pub(crate) async fn sleep_until(&self, time: SimTime) {
        sleep(time - self.now()).await;
    }

    /// Lets time pass while Tokio's clock, which is the monotonic clock of the instances, stands still: all instances
    /// are frozen, and nothing else may wait for a point in time.
    pub(crate) fn skip(&self, time: Duration) {
        self.skipped_millis.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_passes_while_tokios_clock_stands_still() {
        let clock = SimClock::new();
        clock.sleep_until(SimTime::after(Duration::from_secs(5))).await;
        let monotonic = Instant::now();
        clock.skip(Duration::from_secs(3600));
        assert_eq!(monotonic, Instant::now());
        assert_eq!(clock.now().to_string(), "01:00:05.000");
        assert_eq!(clock.now().rfc3339(), "2026-01-01T01:00:05.000Z");
    }
}
