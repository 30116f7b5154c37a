//! Once no message of a change is in a queue, a visitor gets the object as it was after that change, or later.
//!
//! Answers that were fetched while a purge came are counted, but allowed: whether Cloudflare stores them is not
//! documented.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event};
use crate::scenario::{ChangeId, Scenario, UrlId};

pub(super) struct EdgeIsFresh {
    scenario: Arc<Scenario>,
    /// How often each object has changed.
    versions: Vec<usize>,
    /// The version after each change.
    version_after: BTreeMap<ChangeId, usize>,
    /// How many messages of each change are in a queue or dead letters.
    messages: BTreeMap<ChangeId, usize>,
    /// The latest version of each object of which no message is left.
    done: Vec<usize>,
}

impl EdgeIsFresh {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        let objects = scenario.objects.len();
        Self {
            scenario: Arc::clone(scenario),
            versions: vec![0; objects],
            version_after: BTreeMap::new(),
            messages: BTreeMap::new(),
            done: vec![0; objects],
        }
    }

    fn uploaded(&mut self, change: ChangeId) {
        let version = &mut self.versions[self.scenario.uploads[change].object];
        *version += 1;
        self.version_after.insert(change, *version);
    }

    fn deleted(&mut self, change: ChangeId) {
        let Some(messages) = self.messages.get_mut(&change) else { return };
        *messages -= 1;
        if *messages == 0 {
            self.messages.remove(&change);
            let done = &mut self.done[self.scenario.uploads[change].object];
            *done = (*done).max(self.version_after.get(&change).copied().unwrap_or_default());
        }
    }

    fn served(&self, url: UrlId, version: usize, at: SimTime) -> Result<(), String> {
        let expected = self.done[self.scenario.urls[url].object];
        if version >= expected {
            return Ok(());
        }
        let url = &self.scenario.urls[url].text;
        Err(format!("{at}: {url} is version {version}, though the messages of version {expected} are done"))
    }
}

impl Check for EdgeIsFresh {
    fn name(&self) -> &'static str {
        "edge-is-fresh"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        match event {
            Event::Uploaded { change } => self.uploaded(*change),
            Event::Sent { change: Some(change), .. } => *self.messages.entry(*change).or_default() += 1,
            Event::Deleted { change: Some(change), .. } => self.deleted(*change),
            Event::Served { url, version, is_raced: false } => return self.served(*url, *version, *at),
            _ => {}
        }
        Ok(())
    }
}
