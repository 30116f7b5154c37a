//! The source of an event, and what that means for its failed messages.
//!
//! Messages arrive in the *first lane*, where every team waits for every other, so nothing there may take long. What
//! could not be purged at once goes to the *retry lane*, a queue of its own, where there is time to wait.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::patience::{Patience, Work};

/// How long the first lane waits for a zone in trouble. Most purges take a tenth of that.
const FIRST_LANE_WAIT: Duration = Duration::from_secs(1);

/// The longest that a request waits for its answer at a later receive. Cloudflare answers within a few seconds, or not
/// at all.
const MAX_RETRY_PERIOD: Duration = Duration::from_secs(10);

/// How long requests wait for rate limits, except in the first lane: a burst passes, and a zone that is limited for
/// longer does not delay the others.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(4);

/// What is reserved before the deadline for dead letters and for hiding messages.
const REDELIVERY_RESERVE: Duration = Duration::from_secs(2);

/// Where an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// A direct invocation, whose caller waits for it.
    Direct,
    /// A queue of messages; failed ones go to the retry queue.
    First,
    /// A queue of messages, and there is no retry queue: failed ones are redelivered by their own queue.
    WithoutRetryQueue,
    /// The retry queue.
    Retry,
}

impl Lane {
    /// How long an event in this lane waits for its purges, from now on. `receives` is how often its most received
    /// message was received: a zone that is slow rather than dead needs more time the next time.
    pub(super) fn patience(self, receives: u32, now: Timestamp, deadline: Timestamp) -> Patience {
        let doubled = |times: u32| (FIRST_LANE_WAIT * (1 << times.min(10))).min(MAX_RETRY_PERIOD);
        match self {
            Self::Direct => Patience::from(deadline),
            Self::First => {
                let deadline = deadline.min(now + FIRST_LANE_WAIT);
                Patience { deadline, retry_for: FIRST_LANE_WAIT, rate_limit_deadline: now, work: Work::New }
            }
            Self::WithoutRetryQueue => {
                let rate_limit_deadline = deadline.min(now + RATE_LIMIT_WAIT);
                let retry_for = doubled(receives.saturating_sub(1));
                Patience { deadline, retry_for, rate_limit_deadline, work: Work::New }
            }
            Self::Retry => {
                let left = deadline - now;
                let deadline = now + (left - REDELIVERY_RESERVE.min(left / 2));
                let rate_limit_deadline = deadline.min(now + RATE_LIMIT_WAIT);
                Patience { deadline, retry_for: doubled(receives), rate_limit_deadline, work: Work::Retries }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::paused_clock;

    fn seconds(duration: Duration) -> f64 {
        duration.as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_lane_is_brief_and_later_receives_have_more_time() {
        let now = paused_clock().now();
        let deadline = now + Duration::from_secs(29);
        let patience = |lane: Lane, receives| {
            let patience = lane.patience(receives, now, deadline);
            (seconds(patience.deadline - now), seconds(patience.retry_for), seconds(patience.rate_limit_deadline - now))
        };
        for receives in [1, 5] {
            assert_eq!(patience(Lane::First, receives), (1.0, 1.0, 0.0));
            assert_eq!(patience(Lane::Direct, receives), (29.0, seconds(Duration::MAX), 29.0));
        }
        let retries = |lane| [1, 2, 3, 4, 5, u32::MAX].map(|receives| patience(lane, receives).1);
        assert_eq!(retries(Lane::WithoutRetryQueue), [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(retries(Lane::Retry), [2.0, 4.0, 8.0, 10.0, 10.0, 10.0]);
        assert_eq!(patience(Lane::WithoutRetryQueue, 1), (29.0, 1.0, 4.0));
        assert_eq!(patience(Lane::Retry, 1), (27.0, 2.0, 4.0), "hiding messages takes time, too");
        let soon = Lane::Retry.patience(1, now, now + Duration::from_secs(1));
        assert_eq!(seconds(soon.deadline - now), 0.5);
    }
}
