//! The queue of messages that are retried. `aws` implements it with SQS.

use std::future::Future;
use std::time::Duration;

use purge_router_core::PurgedItems;
use purge_router_core::names::TeamName;

/// A queue of its own for what could not be purged at once, so that it never delays what can be.
///
/// Methods that send may take this much `time`. They return one result for each message, in the order of the messages:
/// what was not confirmed by then has failed. Errors are for logs.
pub trait RetryQueue: Send + Sync {
    /// Whether this is the queue with this ARN.
    fn has_arn(&self, arn: &str) -> bool;

    /// Sends messages to it.
    fn defer(&self, messages: &[Deferred], time: Duration) -> impl Future<Output = Vec<Result<(), String>>> + Send;

    /// Hides messages that were received from it.
    fn hide(&self, messages: &[Hidden], time: Duration) -> impl Future<Output = Vec<Result<(), String>>> + Send;

    /// Sends messages that were received from it to the dead-letter queue.
    fn send_dead_letters(
        &self,
        messages: &[DeadLetter],
        time: Duration,
    ) -> impl Future<Output = Vec<Result<(), String>>> + Send;
}

/// A message to be sent to the retry queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    /// The body of the message that it replaces.
    pub body: String,
    /// What was purged of that message, for the attribute [`PURGED_ITEMS`](purge_router_core::PURGED_ITEMS).
    pub purged: PurgedItems,
    /// The team that it is about, if it is about one: the queue delivers the messages of different teams fairly.
    pub team: Option<TeamName>,
    /// When it is delivered, counted from when it is sent, in whole seconds; at most 900 s.
    pub delay: Duration,
}

/// A message that is delivered again only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The handle from its last receive.
    pub receipt_handle: String,
    /// For how long, in whole seconds.
    pub time: Duration,
}

/// A message that no retry can purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The body of the message that it replaces.
    pub body: String,
    /// The id of the message that it replaces.
    pub message_id: String,
}
