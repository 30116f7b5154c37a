//! When the last message of a change is deleted as done, Cloudflare has accepted a purge of its URLs since the change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event, MessageId, QueueName};
use crate::scenario::{ChangeId, Scenario};

pub(super) struct AcceptedBeforeDone {
    scenario: Arc<Scenario>,
    changed_at: BTreeMap<ChangeId, SimTime>,
    /// When Cloudflare last purged each URL.
    purged_at: Vec<Option<SimTime>>,
    /// The messages of each change that are in a queue. A dead letter stays one of them.
    messages: BTreeMap<ChangeId, BTreeSet<(QueueName, MessageId)>>,
}

impl AcceptedBeforeDone {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            changed_at: BTreeMap::new(),
            purged_at: vec![None; scenario.urls.len()],
            messages: BTreeMap::new(),
        }
    }

    fn deleted(&mut self, change: ChangeId, message: (QueueName, MessageId)) -> Result<(), String> {
        let Some(messages) = self.messages.get_mut(&change) else { return Ok(()) };
        messages.remove(&message);
        if !messages.is_empty() {
            return Ok(());
        }
        self.messages.remove(&change);
        let changed_at = self.changed_at.get(&change).copied();
        match self.scenario.urls_of(change).find(|url| self.purged_at[*url] < changed_at) {
            None => Ok(()),
            Some(url) => Err(format!("change {change} of {} is done without a purge", self.scenario.urls[url].text)),
        }
    }
}

impl Check for AcceptedBeforeDone {
    fn name(&self) -> &'static str {
        "accepted-before-done"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        match event {
            Event::Uploaded { change } => _ = self.changed_at.insert(*change, *at),
            Event::Sent { queue, message, change: Some(change) } => {
                self.messages.entry(*change).or_default().insert((*queue, *message));
            }
            Event::Accepted { urls, .. } => urls.iter().for_each(|url| self.purged_at[*url] = Some(*at)),
            Event::Deleted { queue, message, change: Some(change) } => {
                return self.deleted(*change, (*queue, *message));
            }
            _ => {}
        }
        Ok(())
    }
}
