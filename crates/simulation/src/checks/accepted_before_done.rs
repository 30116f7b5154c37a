//! When the last message of a change is deleted as done, Cloudflare has accepted a purge of its URLs since the change. If its
//! mapping skips unchanged content, the change may also have written what caches hold since the last purge, or what is left
//! of it is still to be purged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event, MessageId, QueueName};
use crate::scenario::{ChangeId, Scenario, UrlId};

pub(super) struct AcceptedBeforeDone {
    scenario: Arc<Scenario>,
    changed_at: BTreeMap<ChangeId, SimTime>,
    /// The changes of each object.
    changes: Vec<Vec<ChangeId>>,
    /// When Cloudflare last purged each URL.
    purged_at: Vec<Option<SimTime>>,
    /// The messages of each change that are in a queue. A dead letter stays one of them.
    messages: BTreeMap<ChangeId, BTreeSet<(QueueName, MessageId)>>,
    /// The changes of which no message is left.
    done: BTreeSet<ChangeId>,
}

impl AcceptedBeforeDone {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            changed_at: BTreeMap::new(),
            changes: vec![Vec::new(); scenario.objects.len()],
            purged_at: vec![None; scenario.urls.len()],
            messages: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }

    fn deleted(&mut self, change: ChangeId, message: (QueueName, MessageId)) -> Result<(), String> {
        let Some(messages) = self.messages.get_mut(&change) else { return Ok(()) };
        messages.remove(&message);
        if !messages.is_empty() {
            return Ok(());
        }
        self.messages.remove(&change);
        self.done.insert(change);
        match self.scenario.urls_of(change).find(|url| !self.is_purged(*url, change)) {
            None => Ok(()),
            Some(url) => Err(format!("change {change} of {} is done without a purge", self.scenario.urls[url].text)),
        }
    }

    fn is_purged(&self, url: UrlId, change: ChangeId) -> bool {
        let Some(purged_at) = self.purged_at[url] else { return false };
        self.changed_at.get(&change).is_none_or(|changed_at| purged_at >= *changed_at)
            || (self.scenario.skips_unchanged(change) && self.is_unchanged_since(purged_at, change))
    }

    /// Whether each version that was fetched since a purge, and before this change, has its content or is not done.
    fn is_unchanged_since(&self, purged_at: SimTime, change: ChangeId) -> bool {
        let content = |change: &ChangeId| self.scenario.uploads[*change].content;
        let changes = &self.changes[self.scenario.uploads[change].object];
        let until = changes.iter().take_while(|it| **it != change).count();
        let before = &changes[..until];
        let Some(current) = before.iter().rposition(|it| self.changed_at[it] <= purged_at) else { return false };
        before[current..].iter().all(|it| content(it) == content(&change) || !self.done.contains(it))
    }
}

impl Check for AcceptedBeforeDone {
    fn name(&self) -> &'static str {
        "accepted-before-done"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        match event {
            Event::Uploaded { change } => {
                self.changed_at.insert(*change, *at);
                self.changes[self.scenario.uploads[*change].object].push(*change);
            }
            Event::Sent { queue, message, change: Some(change) } => {
                self.done.remove(change);
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
