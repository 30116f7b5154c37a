//! The result of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::checks::Violation;
use crate::event::Entry;
use crate::fault::Fault;
use crate::random::Seed;
use crate::scenario::ChangeId;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// The seed.
    pub seed: Seed,
    /// A hash of all events with their times. Runs with the same hash are the same.
    pub hash: u64,
    /// How many events there were.
    pub events: usize,
    /// How much time was simulated.
    pub simulated: Duration,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// For each change of a healthy team that was purged, the time from its message to the purge.
    pub healthy_times: BTreeMap<ChangeId, Duration>,
    /// What happened, counted.
    pub figures: Figures,
    /// The whole trace, if it was wanted.
    pub trace: Vec<Entry>,
}

/// What happened in a run, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Changes of objects.
    pub changes: usize,
    /// Invocations.
    pub invocations: usize,
    /// Instances that were started.
    pub instances: usize,
    /// Instances that were killed.
    pub killed: usize,
    /// Requests that Cloudflare accepted.
    pub accepted: usize,
    /// Requests that Cloudflare did not accept.
    pub refused: usize,
    /// Messages that were sent to the retry queue.
    pub deferred: usize,
    /// Messages that became dead letters.
    pub dead_letters: usize,
    /// Changes that were not purged, because the same content was purged last.
    pub unchanged: usize,
    /// Old answers from the edge that were fetched while a purge came.
    pub raced_fetches: usize,
    /// How often each fault was injected.
    pub faults: BTreeMap<Fault, usize>,
}

impl Figures {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.invocations += other.invocations;
        self.instances += other.instances;
        self.killed += other.killed;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.deferred += other.deferred;
        self.dead_letters += other.dead_letters;
        self.unchanged += other.unchanged;
        self.raced_fetches += other.raced_fetches;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}
