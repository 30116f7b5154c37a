//! What the function asks others for: how much at once, and for how long it would wait.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::scenario::ZoneId;

/// Something outside of the function that it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callee {
    /// Cloudflare, for a zone.
    Cloudflare(ZoneId),
    /// SSM, for the token of a zone. The function may take what it has cached.
    Token(ZoneId),
    /// SSM, for a token that is not cached.
    FreshToken(ZoneId),
    /// The table of last purges, to read.
    LastPurges,
    /// The table of last purges, to write.
    NewLastPurges,
    /// The retry queue, to send to.
    RetryQueue,
    /// The retry queue, to hide messages.
    Visibility,
    /// The dead-letter queue.
    DeadLetters,
    /// The caller of the function, with its response.
    Caller,
}

/// One call of the function. No check looks at calls; ledgers have them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// How many items or messages the call is about.
    pub items: usize,
    /// How long the function would wait for it.
    pub time: Duration,
    /// A digest of what is asked for.
    pub content: u64,
}

impl Call {
    /// A call with this content.
    pub(crate) fn new(callee: Callee, items: usize, time: Duration, content: &impl Debug) -> Self {
        let mut hasher = DefaultHasher::new();
        format!("{content:?}").hash(&mut hasher);
        Self { callee, items, time, content: hasher.finish() }
    }
}
