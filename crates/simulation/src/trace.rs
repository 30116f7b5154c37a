//! The log of a run: it hashes each event, passes it to the checks, and keeps it if wanted.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::call::Call;
use crate::checks::{self, Check, Violation};
use crate::clock::SimClock;
use crate::event::{Entry, Event};
use crate::observer::Observer;
use crate::report::Figures;
use crate::scenario::{ChangeId, Scenario};

/// Violations beyond this many are not kept.
const MAX_VIOLATIONS: usize = 20;

/// The log of one run.
pub(crate) struct Trace {
    clock: SimClock,
    log: Mutex<Log>,
}

struct Log {
    hasher: DefaultHasher,
    events: usize,
    kept: Option<Vec<Entry>>,
    observer: Option<Observer>,
    checks: Vec<Box<dyn Check + Send>>,
    violations: Vec<Violation>,
}

/// What is known at the end of a run.
pub(crate) struct TraceEnd {
    pub(crate) hash: u64,
    pub(crate) events: usize,
    pub(crate) kept: Vec<Entry>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) figures: Figures,
    pub(crate) healthy_times: BTreeMap<ChangeId, Duration>,
}

impl Trace {
    pub(crate) fn new(clock: SimClock, scenario: &Arc<Scenario>, keep: bool) -> Self {
        let log = Log {
            hasher: DefaultHasher::new(),
            events: 0,
            kept: keep.then(Vec::new),
            observer: Some(Observer::new(scenario)),
            checks: checks::all(scenario),
            violations: Vec::new(),
        };
        Self { clock, log: Mutex::new(log) }
    }

    /// Notes that something happened now.
    pub(crate) fn note(&self, event: Event) {
        let entry = Entry { at: self.clock.now(), event };
        let mut log = self.log();
        entry.hash(&mut log.hasher);
        log.events += 1;
        if let Some(observer) = &mut log.observer {
            observer.observe(&entry);
        }
        log.check(|check| check.observe(&entry));
        if let Some(kept) = &mut log.kept {
            kept.push(entry);
        }
    }

    /// Notes a call of the function, if the trace is kept.
    pub(crate) fn note_call(&self, call: impl FnOnce() -> Call) {
        let is_kept = self.log().kept.is_some();
        if is_kept {
            self.note(Event::Called(call()));
        }
    }

    /// Asks the checks for the last time.
    pub(crate) fn end(&self) -> TraceEnd {
        let mut log = self.log();
        let end = self.clock.now();
        log.check(|check| check.end(end));
        let (figures, healthy_times) = log.observer.take().map(Observer::into_parts).unwrap_or_default();
        TraceEnd {
            hash: log.hasher.finish(),
            events: log.events,
            kept: log.kept.take().unwrap_or_default(),
            violations: std::mem::take(&mut log.violations),
            figures,
            healthy_times,
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn check(&mut self, mut ask: impl FnMut(&mut dyn Check) -> Result<(), String>) {
        for check in &mut self.checks {
            if let Err(what) = ask(check.as_mut())
                && self.violations.len() < MAX_VIOLATIONS
            {
                self.violations.push(Violation { check: check.name(), what });
            }
        }
    }
}
