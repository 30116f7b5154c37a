//! What happens in a run. Checks see only these events, and the scenario.

use std::fmt;
use std::time::Duration;

use purge_router_core::limits::LimitClass;
use purge_router_pipeline::CacheSizes;

use crate::call::Call;
use crate::clock::SimTime;
use crate::fault::Fault;
use crate::scenario::{ChangeId, TeamId, UrlId, ZoneId};

/// The number of a message among all messages of all queues of a run.
pub type MessageId = usize;
/// The number of an instance among all instances of a run.
pub type InstanceId = usize;

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueName {
    /// The queue that S3 sends to.
    Main,
    /// The queue of what could not be purged at once.
    Retry,
    /// The dead-letter queue.
    DeadLetters,
}

/// Why Cloudflare did not accept a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// 401 or 403.
    Token,
    /// 429, because the function exceeded the limit of a plan or of its address.
    OverLimit,
    /// 429, because the function exceeded the limit of a user's calls.
    OverCalls,
    /// 429, because of something else.
    Limited,
    /// 404.
    Zone,
    /// 400.
    Items,
    /// 500, or an answer that is not the API's.
    Server,
    /// No answer at all.
    NoAnswer,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// An object changed.
    Uploaded {
        /// The change.
        change: ChangeId,
    },
    /// A queue got a message, about a change or about nothing.
    Sent {
        /// The queue.
        queue: QueueName,
        /// The message.
        message: MessageId,
        /// What changed.
        change: Option<ChangeId>,
    },
    /// A message was deleted, because the function reported it as done.
    Deleted {
        /// The queue.
        queue: QueueName,
        /// The message.
        message: MessageId,
        /// What changed.
        change: Option<ChangeId>,
    },
    /// A message became a dead letter.
    DeadLetter {
        /// The queue.
        queue: QueueName,
        /// The message.
        message: MessageId,
        /// What changed.
        change: Option<ChangeId>,
    },
    /// A new instance was started.
    Started {
        /// The instance.
        instance: InstanceId,
    },
    /// An invocation began.
    Invoked {
        /// The instance.
        instance: InstanceId,
        /// The queue of its messages.
        queue: QueueName,
        /// How many messages it got.
        messages: usize,
    },
    /// An invocation answered.
    Answered {
        /// The instance.
        instance: InstanceId,
        /// How many messages it reported as failed.
        failed: usize,
        /// How long it took.
        took: Duration,
        /// How long it was allowed to take.
        allowed: Duration,
    },
    /// An instance had this many entries in its caches at the end of an invocation.
    Cached {
        /// The instance.
        instance: InstanceId,
        /// How many.
        sizes: CacheSizes,
    },
    /// The function called something outside of it. Only a trace that is kept has these.
    Called(Call),
    /// A change was not purged, because the same content was purged last.
    Skipped,
    /// An instance was killed during an invocation.
    Killed {
        /// The instance.
        instance: InstanceId,
        /// Whether it had used up its time.
        is_timeout: bool,
    },
    /// Cloudflare accepted a request.
    Accepted {
        /// The zone.
        zone: ZoneId,
        /// The class of its limit.
        class: LimitClass,
        /// How much of the limit it took.
        cost: usize,
        /// The URLs that were purged.
        urls: Vec<UrlId>,
    },
    /// Cloudflare did not accept a request.
    Refused {
        /// The zone.
        zone: ZoneId,
        /// Why.
        reason: Refused,
        /// The team whose token it had, if the token is known at all.
        token_of: Option<TeamId>,
    },
    /// Something went wrong outside of the function.
    Injected {
        /// What.
        fault: Fault,
    },
    /// A visitor got a URL from the edge's cache.
    Served {
        /// The URL.
        url: UrlId,
        /// How often its object had changed when it was fetched.
        version: usize,
        /// Whether a purge came while it was fetched.
        is_raced: bool,
    },
}

/// A report of what happened, as one line.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// An event with its time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it happened.
    pub at: SimTime,
    /// What happened.
    pub event: Event,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.event)
    }
}
