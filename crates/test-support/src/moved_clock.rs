//! A clock that a test can move ahead, as if the process had been frozen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use purge_router_pipeline::Clock;

/// A clock that follows the system's, and is ahead of it by the time that a test chose.
#[derive(Debug)]
pub struct MovedClock {
    /// The clock, for what is tested.
    pub clock: Clock,
    ahead: Arc<AtomicU64>,
}

impl Default for MovedClock {
    fn default() -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let milliseconds = Arc::clone(&ahead);
        let wall_time = move || SystemTime::now() + Duration::from_millis(milliseconds.load(Ordering::Relaxed));
        Self { clock: Clock::with_wall_time(wall_time), ahead }
    }
}

impl MovedClock {
    /// Moves the clock ahead.
    pub fn advance(&self, time: Duration) {
        self.ahead.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
        // The clock jumps when it is read.
        self.clock.now();
    }
}
