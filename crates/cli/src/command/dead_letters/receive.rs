//! Receiving the messages of the dead-letter queue, and making them visible again.

use std::collections::HashMap;
use std::time::Duration;

use purge_router_aws::{CallError, DeadMessage, SqsDeadLetters};

use crate::print::Progress;
use crate::{print, shutdown};

/// The most messages and the most bytes of bodies that one command keeps at a time.
pub(super) const MAX_MESSAGES: usize = 10_000;
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Messages that are hidden from others by this command.
pub(super) struct Received<'q> {
    queue: &'q SqsDeadLetters,
    /// The handle of each message that was received, by its id. SQS may deliver one again, with a new handle.
    handles: HashMap<String, String>,
    /// How long messages stay hidden.
    hidden_for: Duration,
}

/// Some messages, and whether these are all.
pub(super) struct Round {
    pub(super) messages: Vec<DeadMessage>,
    pub(super) is_last: bool,
}

impl<'q> Received<'q> {
    pub(super) fn new(queue: &'q SqsDeadLetters, hidden_for: Duration) -> Self {
        Self { queue, handles: HashMap::new(), hidden_for }
    }

    /// Receives messages that were not received before: all of them, or at most this many.
    pub(super) async fn next(&mut self, max: usize, progress: &Progress) -> Result<Round, CallError> {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while messages.len() < max && bytes < MAX_BYTES {
            let received = self.queue.receive(self.hidden_for).await?;
            if received.is_empty() {
                return Ok(Round { messages, is_last: true });
            }
            let before = messages.len();
            for message in received {
                let is_new = self.handles.insert(message.id.clone(), message.receipt_handle.clone()).is_none();
                if is_new {
                    bytes += message.body.len();
                    messages.push(message);
                }
            }
            progress.advance(messages.len() - before);
            // All of these were hidden for so long that they are visible again.
            if messages.len() == before && before == 0 {
                return Ok(Round { messages, is_last: true });
            }
        }
        Ok(Round { messages, is_last: false })
    }

    /// Forgets messages that were deleted.
    pub(super) fn forget<'m>(&mut self, deleted: impl IntoIterator<Item = &'m DeadMessage>) {
        for message in deleted {
            self.handles.remove(&message.id);
        }
    }

    /// How many messages are left.
    pub(super) fn len(&self) -> usize {
        self.handles.len()
    }

    /// Makes what is left visible again, also after a signal.
    pub(super) async fn release(self) {
        let handles: Vec<String> = self.handles.into_values().collect();
        if handles.is_empty() {
            return;
        }
        let results = shutdown::clean_up("making messages visible again", self.queue.release(&handles)).await;
        let failed = results.iter().filter(|result| result.is_err()).count();
        if let Some(Err(reason)) = results.iter().find(|result| result.is_err()) {
            let (count, seconds) = (print::count(failed, "message"), self.hidden_for.as_secs());
            print::warning(&format!("{count} can't be received by others for up to {seconds} s: {reason}"));
        }
    }
}
