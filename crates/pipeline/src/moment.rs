//! Ages that count while the function is frozen between two invocations.

#![expect(clippy::disallowed_methods, reason = "its users move to the Clock")]

use std::time::{Duration, Instant, SystemTime};

/// A point in time. Its age is that of the clock that says more: the monotonic one may stand still while the machine is
/// paused, and the other may be set back. What is older than it seems would be served for too long.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    instant: Instant,
    wall: SystemTime,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    /// The time since then.
    pub fn elapsed(&self) -> Duration {
        self.instant.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }

    /// The time from an earlier one to this.
    pub fn since(&self, earlier: &Self) -> Duration {
        let by_wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.instant.duration_since(earlier.instant).max(by_wall)
    }

    /// Whether it came first.
    pub fn is_before(&self, other: &Self) -> bool {
        self.instant < other.instant
    }
}
