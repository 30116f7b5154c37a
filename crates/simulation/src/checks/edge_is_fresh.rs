//! Once no message of a change is in a queue, a visitor gets the object as it was after that change, or later, or with the
//! same content.
//!
//! A mapping that skips unchanged content relies on the purges of earlier changes, so theirs must be done, too: the last
//! change before the first one whose messages are not done is what visitors must get.
//!
//! Answers that were fetched while a purge came are counted, but allowed: whether Cloudflare stores them is not
//! documented.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event};
use crate::scenario::{ChangeId, ObjectId, Scenario, UrlId};

pub(super) struct EdgeIsFresh {
    scenario: Arc<Scenario>,
    /// The changes of each object. The version after the first one is 1.
    changes: Vec<Vec<ChangeId>>,
    /// How many messages of each change are in a queue or dead letters.
    messages: BTreeMap<ChangeId, usize>,
    /// The changes of which no message is left.
    done: BTreeSet<ChangeId>,
    /// The version of each object that visitors must get, or a later one.
    expected: Vec<usize>,
}

impl EdgeIsFresh {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        let objects = scenario.objects.len();
        Self {
            scenario: Arc::clone(scenario),
            changes: vec![Vec::new(); objects],
            messages: BTreeMap::new(),
            done: BTreeSet::new(),
            expected: vec![0; objects],
        }
    }

    fn deleted(&mut self, change: ChangeId) {
        let Some(messages) = self.messages.get_mut(&change) else { return };
        *messages -= 1;
        if *messages == 0 {
            self.messages.remove(&change);
            self.done.insert(change);
            let object = self.scenario.uploads[change].object;
            let (changes, done) = (&self.changes[object], &self.done);
            let is_done = |change: &&ChangeId| done.contains(change);
            let expected = match self.scenario.skips_unchanged(change) {
                true => changes.iter().take_while(is_done).count(),
                false => changes.iter().rposition(|it| *it == change).map_or(0, |index| index + 1),
            };
            self.expected[object] = self.expected[object].max(expected);
        }
    }

    /// What was written with a version; `None` for the one before all changes.
    fn content(&self, object: ObjectId, version: usize) -> Option<usize> {
        let change = *self.changes[object].get(version.checked_sub(1)?)?;
        Some(self.scenario.uploads[change].content)
    }

    fn served(&self, url: UrlId, version: usize, at: SimTime) -> Result<(), String> {
        let object = self.scenario.urls[url].object;
        let expected = self.expected[object];
        if version >= expected || self.content(object, version) == self.content(object, expected) {
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
            Event::Uploaded { change } => self.changes[self.scenario.uploads[*change].object].push(*change),
            Event::Sent { change: Some(change), .. } => {
                self.done.remove(change);
                *self.messages.entry(*change).or_default() += 1;
            }
            Event::Deleted { change: Some(change), .. } => self.deleted(*change),
            Event::Served { url, version, is_raced: false } => return self.served(*url, *version, *at),
            _ => {}
        }
        Ok(())
    }
}
