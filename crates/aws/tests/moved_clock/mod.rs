//! A clock that a test can move ahead, as if the process had been frozen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use purge_router_pipeline::Clock;

pub(crate) struct MovedClock {
    pub(crate) clock: Clock,
    ahead: Arc<AtomicU64>,
}

impl MovedClock {
    pub(crate) fn new() -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let milliseconds = Arc::clone(&ahead);
        let wall_time = move || SystemTime::now() + Duration::from_millis(milliseconds.load(Ordering::Relaxed));
        Self { clock: Clock::with_wall_time(wall_time), ahead }
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.ahead.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
        // The clock jumps when it is read.
        self.clock.now();
    }
}
