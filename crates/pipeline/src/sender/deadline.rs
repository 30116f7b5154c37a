//! The deadline of an event and its patience, and the clock that measures them.

use std::future::Future;
use std::time::Duration;

use super::failure::NotSent;
use crate::clock::{Clock, Timestamp};
use crate::patience::Patience;

#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline<'e> {
    clock: &'e Clock,
    patience: Patience,
}

impl<'e> Deadline<'e> {
    pub(super) fn new(clock: &'e Clock, patience: Patience) -> Self {
        Self { clock, patience }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Until when a request waits for rate limits.
    pub(super) fn of_limits(&self) -> Timestamp {
        self.patience.limits_until
    }

    /// How long a zone in trouble is waited for.
    pub(super) fn trouble(&self) -> Duration {
        self.patience.trouble
    }

    /// The time until then; zero if it has passed.
    pub(super) fn left(&self) -> Duration {
        self.patience.deadline - self.clock.now()
    }

    /// Waits for a future. `before` completes the sentence "deadline exceeded before …".
    pub(super) async fn before_deadline<F: Future>(
        &self,
        before: &'static str,
        future: F,
    ) -> Result<F::Output, NotSent> {
        self.clock.timeout_at(self.patience.deadline, future).await.map_err(|_| NotSent::DeadlineExceeded(before))
    }

    /// Waits this long, or returns false at once if the deadline would pass meanwhile.
    pub(super) async fn sleep(&self, delay: Duration) -> bool {
        let until = self.clock.now() + delay;
        if until >= self.patience.deadline {
            return false;
        }
        self.clock.sleep_until(until).await;
        true
    }
}
