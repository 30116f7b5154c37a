//! The delay queue of second purges. `aws` implements it with SQS.

use std::future::Future;
use std::time::Duration;

use purge_router_core::names::TeamName;

/// A queue of its own that delivers each message after the message's delay.
pub trait DelayQueue: Send + Sync {
    /// Sends messages, which may take this much `time`. Returns one result for each message, in their order: what was
    /// not confirmed by then has failed. Errors are for logs.
    fn send(&self, messages: &[Delayed], time: Duration) -> impl Future<Output = Vec<Result<(), String>>> + Send;
}

/// The message of a second purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delayed {
    /// What brings the change back: [`SecondPurge::message`](purge_router_core::SecondPurge::message).
    pub body: String,
    /// The team that it is for: the queue delivers the messages of different teams fairly.
    pub team: TeamName,
    /// When it is delivered, counted from when it is sent; at most 900 s.
    pub delay: Duration,
}

/// For callers without such a queue.
#[derive(Debug, Clone, Copy)]
pub enum NoDelayQueue {}

impl DelayQueue for NoDelayQueue {
    async fn send(&self, _: &[Delayed], _: Duration) -> Vec<Result<(), String>> {
        match *self {}
    }
}
