//! The deadline of an event, and the clock that measures it.

use std::future::Future;
use std::time::Duration;

use super::failure::NotSent;
use crate::clock::{Clock, Timestamp};

#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline<'e> {
    clock: &'e Clock,
    at: Timestamp,
}

impl<'e> Deadline<'e> {
    pub(super) fn new(clock: &'e Clock, at: Timestamp) -> Self {
        Self { clock, at }
    }

    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// The time until then; zero if it has passed.
    pub(super) fn left(&self) -> Duration {
        self.at - self.clock.now()
    }

    /// Waits for a future. `before` completes the sentence "deadline exceeded before …".
    pub(super) async fn before_deadline<F: Future>(
        &self,
        before: &'static str,
        future: F,
    ) -> Result<F::Output, NotSent> {
        self.clock.timeout_at(self.at, future).await.map_err(|_| NotSent::DeadlineExceeded(before))
    }

    /// Waits this long, or returns false at once if the deadline would pass meanwhile.
    pub(super) async fn sleep(&self, delay: Duration) -> bool {
        let until = self.clock.now() + delay;
        if until >= self.at {
            return false;
        }
        self.clock.sleep_until(until).await;
        true
    }
}
