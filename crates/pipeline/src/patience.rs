//! How long an event waits for its purges.

use std::time::Duration;

use crate::clock::Timestamp;

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// New messages of a queue; what fails is retried by a retry queue, if there is one.
    New,
    /// Messages of the retry queue.
    Retries,
    /// A direct invocation, or a command.
    Direct,
}

/// How long an event waits for its purges: for answers, and for rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// When the event ends. What is not purged by then has failed.
    pub deadline: Timestamp,
    /// How long a request waits for its answer, and for how long it is retried if the zone does not answer or answers
    /// with server errors.
    pub retry_for: Duration,
    /// Until when requests wait for rate limits. A request that would have to wait longer has failed.
    pub rate_limit_deadline: Timestamp,
    /// What the event is: the instance's share of the rate limits depends on it.
    pub work: Work,
}

/// All the time until the deadline: for callers who would rather wait than retry.
impl From<Timestamp> for Patience {
    fn from(deadline: Timestamp) -> Self {
        Self { deadline, retry_for: Duration::MAX, rate_limit_deadline: deadline, work: Work::Direct }
    }
}
