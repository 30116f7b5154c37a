//! How long an event waits for zones in trouble.

use std::time::Duration;

use crate::clock::Timestamp;

/// How long an event waits for zones in trouble: ones that do not answer, answer with server errors, or are rate limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// When the event ends. What is not purged by then has failed.
    pub deadline: Timestamp,
    /// How long a request waits for its answer, and for how long it is retried while the zone is in trouble.
    pub trouble: Duration,
    /// Until when requests wait for rate limits. A request that would have to wait longer has failed.
    pub limits_until: Timestamp,
}

/// All the time until the deadline: for callers who would rather wait than retry.
impl From<Timestamp> for Patience {
    fn from(deadline: Timestamp) -> Self {
        Self { deadline, trouble: Duration::MAX, limits_until: deadline }
    }
}
