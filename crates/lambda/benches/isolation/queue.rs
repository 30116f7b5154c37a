//! A model of one SQS queue: visibility, receipt handles, receive counts and dead letters. Its clock is Tokio's.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How many bytes a record of an event takes beside its message's body, at least.
const RECORD_OVERHEAD: usize = 600;

/// When a message becomes visible, and its number: messages are received in this order.
type Position = (Instant, u64);

/// A queue's attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueSettings {
    pub(crate) visibility_timeout: Duration,
    /// A message that would be received more often becomes a dead letter.
    pub(crate) max_receives: u32,
}

/// A message, as it was received the last time.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    /// Its message attributes, as Lambda writes them.
    pub(crate) attributes: Value,
    pub(crate) sent_at: SystemTime,
    pub(crate) first_received_at: Option<SystemTime>,
    pub(crate) receives: u32,
    /// Of the last receive. Handles of earlier ones are no longer valid.
    pub(crate) receipt: String,
    /// What it takes in an event, in bytes.
    size: usize,
}

/// Why a visibility timeout can't be changed, as SQS names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VisibilityError {
    ReceiptHandleIsInvalid,
    MessageNotInflight,
}

/// At most so much is received at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimit {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: QueueSettings,
    state: Mutex<State>,
    /// A message may be visible earlier than before.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: BTreeMap<Position, Message>,
    receipts: HashMap<String, Position>,
    sent: u64,
    dead_letters: usize,
}

impl Queue {
    pub(crate) fn new(settings: QueueSettings) -> Self {
        Self { settings, state: Mutex::default(), changed: Notify::new() }
    }

    /// Sends a message, which is visible after `delay`, and returns its id.
    pub(crate) fn send(&self, body: String, delay: Duration) -> String {
        self.send_with(body, json!({}), delay)
    }

    /// As [`Queue::send`], with message attributes.
    pub(crate) fn send_with(&self, body: String, attributes: Value, delay: Duration) -> String {
        let mut state = self.state();
        state.sent += 1;
        let number = state.sent;
        let message = Message {
            id: format!("00000000-0000-4000-8000-{number:012x}"),
            size: escaped_length(&body) + attributes.to_string().len() + RECORD_OVERHEAD,
            body,
            attributes,
            sent_at: SystemTime::now(),
            first_received_at: None,
            receives: 0,
            receipt: String::new(),
        };
        let id = message.id.clone();
        state.messages.insert((Instant::now() + delay, number), message);
        self.changed.notify_one();
        id
    }

    /// Receives the messages that are visible, in the order in which they became so. Each becomes invisible for the
    /// visibility timeout.
    pub(crate) fn receive(&self, limit: BatchLimit) -> Vec<Message> {
        let now = Instant::now();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut state = self.state();
        while batch.len() < limit.messages
            && let Some(first) = state.messages.first_entry()
            && first.key().0 <= now
            && (batch.is_empty() || bytes + first.get().size <= limit.bytes)
        {
            let ((_, number), mut message) = first.remove_entry();
            state.receipts.remove(&message.receipt);
            if message.receives >= self.settings.max_receives {
                state.dead_letters += 1;
                continue;
            }
            message.receives += 1;
            message.first_received_at.get_or_insert_with(SystemTime::now);
            message.receipt = format!("{}#{}", message.id, message.receives);
            let position = (now + self.settings.visibility_timeout, number);
            state.receipts.insert(message.receipt.clone(), position);
            state.messages.insert(position, message.clone());
            bytes += message.size;
            batch.push(message);
        }
        batch
    }

    /// Deletes a message. An old receipt handle deletes nothing.
    pub(crate) fn delete(&self, receipt: &str) {
        let mut state = self.state();
        if let Some(position) = state.receipts.remove(receipt) {
            state.messages.remove(&position);
        }
    }

    /// Makes a message that was received visible after `timeout` from now.
    pub(crate) fn change_visibility(&self, receipt: &str, timeout: Duration) -> Result<(), VisibilityError> {
        let now = Instant::now();
        let mut state = self.state();
        let position = *state.receipts.get(receipt).ok_or(VisibilityError::ReceiptHandleIsInvalid)?;
        if position.0 <= now {
            return Err(VisibilityError::MessageNotInflight);
        }
        let message = state.messages.remove(&position).ok_or(VisibilityError::ReceiptHandleIsInvalid)?;
        let position = (now + timeout, position.1);
        state.receipts.insert(receipt.to_owned(), position);
        state.messages.insert(position, message);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits until a message is visible, and returns since when it is.
    pub(crate) async fn first_visible(&self) -> Instant {
        loop {
            let next = self.state().messages.keys().next().map(|(at, _)| *at);
            match next {
                Some(at) if at <= Instant::now() => return at,
                Some(at) => tokio::select! { () = sleep_until(at) => {}, () = self.changed.notified() => {} },
                None => self.changed.notified().await,
            }
        }
    }

    /// Waits until so much is visible that a batch is full.
    pub(crate) async fn full_batch(&self, limit: BatchLimit) {
        while !self.has_full_batch(limit) {
            self.changed.notified().await;
        }
    }

    fn has_full_batch(&self, limit: BatchLimit) -> bool {
        let now = Instant::now();
        let (mut messages, mut bytes) = (0, 0);
        for (_, message) in self.state().messages.iter().take_while(|((at, _), _)| *at <= now) {
            messages += 1;
            bytes += message.size;
            if messages >= limit.messages || bytes > limit.bytes {
                return true;
            }
        }
        false
    }

    /// How many messages became dead letters.
    pub(crate) fn dead_letters(&self) -> usize {
        self.state().dead_letters
    }

    /// How many messages it holds, visible or not.
    pub(crate) fn len(&self) -> usize {
        self.state().messages.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The length of a text as a JSON string.
fn escaped_length(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}
