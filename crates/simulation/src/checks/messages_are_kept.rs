//! Every message ends in one of two ways: it is deleted as done, or it is a dead letter. None is left at the end, but for what
//! no retry can purge: in the retry queue, it takes days to become a dead letter.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event, MessageId, QueueName};
use crate::scenario::{ChangeId, Scenario};

pub(super) struct MessagesAreKept {
    scenario: Arc<Scenario>,
    left: BTreeMap<MessageId, (QueueName, Option<ChangeId>)>,
}

impl MessagesAreKept {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: Arc::clone(scenario), left: BTreeMap::new() }
    }
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
        self.left.retain(|_, (queue, change)| {
            let is_hopeless = change.is_some_and(|change| self.scenario.is_hopeless(change));
            !(is_hopeless && *queue == QueueName::Retry)
        });
        let Some((message, (queue, change))) = self.left.first_key_value() else { return Ok(()) };
        let count = self.left.len();
        Err(format!("{at}: {count} messages are left, first {message} of {queue:?} about change {change:?}"))
    }
}
