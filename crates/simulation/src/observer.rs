//! Counts and times for the report, from the same events that the checks see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SimTime;
use crate::event::{Entry, Event, QueueName};
use crate::fault::Fault;
use crate::report::Figures;
use crate::scenario::{ChangeId, ObjectId, Scenario, UrlId};

/// A change of a healthy team that is not purged.
struct Waiting {
    /// When its first message was sent.
    sent_at: SimTime,
    /// The URLs that were not purged since the change.
    urls: BTreeSet<UrlId>,
}

/// Counts and times of one run.
pub(crate) struct Observer {
    scenario: Arc<Scenario>,
    figures: Figures,
    versions: Vec<usize>,
    /// The changes of each object that are not purged.
    waiting: BTreeMap<ObjectId, BTreeMap<ChangeId, Waiting>>,
    healthy_times: BTreeMap<ChangeId, Duration>,
}

impl Observer {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            figures: Figures::default(),
            versions: vec![0; scenario.objects.len()],
            waiting: BTreeMap::new(),
            healthy_times: BTreeMap::new(),
        }
    }

    pub(crate) fn observe(&mut self, Entry { at, event }: &Entry) {
        match event {
            Event::Uploaded { change } => {
                self.figures.changes += 1;
                self.versions[self.scenario.uploads[*change].object] += 1;
            }
            Event::Sent { queue, change, .. } => {
                self.figures.deferred += usize::from(*queue == QueueName::Retry);
                change.iter().for_each(|change| self.sent(*change, *at));
            }
            Event::Accepted { urls, .. } => {
                self.figures.accepted += 1;
                urls.iter().for_each(|url| self.purged(*url, *at));
            }
            Event::Refused { .. } => self.figures.refused += 1,
            Event::Skipped => self.figures.unchanged += 1,
            Event::DeadLetter { .. } => self.figures.dead_letters += 1,
            Event::Started { .. } => self.figures.instances += 1,
            Event::Invoked { .. } => self.figures.invocations += 1,
            Event::Killed { .. } => {
                self.figures.killed += 1;
                self.injected(Fault::Killed);
            }
            Event::Injected { fault } => self.injected(*fault),
            Event::Served { url, version, is_raced: true } => {
                self.figures.raced_fetches += usize::from(*version < self.versions[self.scenario.urls[*url].object]);
            }
            _ => {}
        }
    }

    pub(crate) fn into_parts(self) -> (Figures, BTreeMap<ChangeId, Duration>) {
        (self.figures, self.healthy_times)
    }

    fn injected(&mut self, fault: Fault) {
        *self.figures.faults.entry(fault).or_default() += 1;
    }

    fn sent(&mut self, change: ChangeId, at: SimTime) {
        // Whether it is purged depends on when others are.
        let may_be_skipped = self.scenario.uploads[change].may_be_skipped;
        let is_healthy = self.scenario.is_healthy(self.scenario.team_of(change)) && !may_be_skipped;
        if is_healthy && !self.healthy_times.contains_key(&change) {
            let object = self.scenario.uploads[change].object;
            let waiting = || Waiting { sent_at: at, urls: self.scenario.urls_of(change).collect() };
            self.waiting.entry(object).or_default().entry(change).or_insert_with(waiting);
        }
    }

    fn purged(&mut self, url: UrlId, at: SimTime) {
        let Some(changes) = self.waiting.get_mut(&self.scenario.urls[url].object) else { return };
        let times = &mut self.healthy_times;
        changes.retain(|change, waiting| {
            waiting.urls.remove(&url);
            let is_purged = waiting.urls.is_empty();
            if is_purged {
                times.insert(*change, at - waiting.sent_at);
            }
            !is_purged
        });
    }
}
