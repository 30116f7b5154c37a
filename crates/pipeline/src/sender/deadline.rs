//! The deadline of an event and its patience, and the clock that measures them.

use std::future::Future;
use std::time::Duration;

use super::failure::NotSent;
use crate::clock::{Clock, Timestamp};
use crate::patience::Patience;

/// How long a request waits for the limit of the address at least. It has passed the limit of its plan then.
const ADDRESS_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline<'e> {
    clock: &'e Clock,
    patience: Patience,
}

impl<'e> Deadline<'e> {
    pub(super) fn new(clock: &'e Clock, patience: Patience) -> Self {
        Self { clock, patience }
    }

    pub(super) fn clock(&self) -> &'e Clock {
        self.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// [`Patience::rate_limit_deadline`].
    pub(super) fn rate_limit_deadline(&self) -> Timestamp {
        self.patience.rate_limit_deadline
    }

    /// Until when requests wait for the limit of the address: everybody shares it, and the wait is short.
    pub(super) fn address_deadline(&self) -> Timestamp {
        self.patience.rate_limit_deadline.max(self.patience.deadline.min(self.clock.now() + ADDRESS_WAIT))
    }

    /// [`Patience::retry_for`].
    pub(super) fn retry_for(&self) -> Duration {
        self.patience.retry_for
    }

    /// The time until the deadline; zero if it has passed.
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

    /// Waits this long, and returns whether it did: if the deadline is sooner, it returns false at once.
    pub(super) async fn sleep(&self, delay: Duration) -> bool {
        let until = self.clock.now() + delay;
        if until >= self.patience.deadline {
            return false;
        }
        self.clock.sleep_until(until).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;
    use crate::sender::failure::Failure;
    use crate::test_support::paused_clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_after_the_deadline() {
        let clock = paused_clock();
        let start = clock.now();
        let deadline = Deadline::new(&clock, Patience::from(start + 3 * SECOND));
        assert_eq!(deadline.before_deadline("it was done", async { 7 }).await, Ok(7));
        assert!(deadline.sleep(SECOND).await);
        assert_eq!((deadline.left(), clock.now() - start), (2 * SECOND, SECOND));
        assert!(!deadline.sleep(2 * SECOND).await);
        assert_eq!(clock.now() - start, SECOND, "it does not wait in vain");

        let late = deadline.before_deadline("it was done", std::future::pending::<()>()).await;
        assert_eq!((deadline.left(), clock.now() - start), (Duration::ZERO, 3 * SECOND));
        let failure = Failure::from(late.unwrap_err());
        assert_eq!(
            (failure.status, &*failure.error),
            (Status::DeadlineExceeded, "deadline exceeded before it was done")
        );
    }
}
