//! Every message ends in one of two ways: it is deleted as done, or it is a dead letter. None is left at the end.

use std::collections::BTreeMap;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event, MessageId, QueueName};
use crate::scenario::ChangeId;

#[derive(Default)]
pub(super) struct MessagesAreKept {
    left: BTreeMap<MessageId, (QueueName, Option<ChangeId>)>,
}

impl Check for MessagesAreKept {
    fn name(&self) -> &'static str {
        "messages-are-kept"
    }

    fn observe(&mut self, Entry { event, .. }: &Entry) -> Result<(), String> {
        match event {
            Event::Sent { queue, message, change } => _ = self.left.insert(*message, (*queue, *change)),
            Event::Deleted { message, .. } | Event::DeadLetter { message, .. } => _ = self.left.remove(message),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, at: SimTime) -> Result<(), String> {
        let Some((message, (queue, change))) = self.left.first_key_value() else { return Ok(()) };
        let count = self.left.len();
        Err(format!("{at}: {count} messages are left, first {message} of {queue:?} about change {change:?}"))
    }
}
