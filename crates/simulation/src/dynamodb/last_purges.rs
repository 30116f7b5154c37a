//! The table of last purges, as the function uses it: calls take a moment, and some fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use purge_router_core::{LastPurge, TeamObject};
use purge_router_pipeline::{LastPurgeStore, Remembered};
use purge_router_test_support::LastPurgesInMemory;
use tokio::time::sleep;

use crate::call::{Call, Callee};
use crate::event::{Event, InstanceId};
use crate::fault::Fault;
use crate::options::{Options, Sabotage};
use crate::random::{Seed, chance, millis};
use crate::trace::Trace;

/// How often an object is not read, is not written, or is written without an answer.
const UNREAD: f64 = 0.002;
const UNWRITTEN: f64 = 0.002;
const ANSWER_LOST: f64 = 0.002;

/// The table, for one instance.
pub(crate) struct SimLastPurges {
    rows: LastPurgesInMemory,
    trace: Arc<Trace>,
    fails: bool,
    rng: Mutex<Rng>,
}

impl SimLastPurges {
    pub(crate) fn new(
        shared: &LastPurgesInMemory,
        trace: &Arc<Trace>,
        options: Options,
        seed: Seed,
        instance: InstanceId,
    ) -> Self {
        let is_shared = options.sabotage != Some(Sabotage::MemoryIsNotShared);
        Self {
            rows: if is_shared { shared.clone() } else { LastPurgesInMemory::default() },
            trace: Arc::clone(trace),
            fails: options.chaos,
            rng: Mutex::new(seed.stream("last-purges", instance)),
        }
    }

    fn happens(&self, fault: Fault, probability: f64) -> bool {
        let happens = chance(&mut self.rng(), probability) && self.fails;
        if happens {
            self.trace.note(Event::Injected { fault });
        }
        happens
    }

    async fn wait(&self) {
        let delay = millis(&mut self.rng(), 2..=40);
        sleep(delay).await;
    }

    fn write_one(&self, object: &Remembered) -> Result<(), String> {
        if self.happens(Fault::MemoryUnwritten, UNWRITTEN) {
            return Err("simulated".to_owned());
        }
        let before = self.rows.get(&object.object).and_then(|known| known.content);
        self.rows.replace(object)?;
        if before.is_some() && before == object.last_purge.content {
            self.trace.note(Event::Skipped);
        }
        match self.happens(Fault::MemoryAnswerLost, ANSWER_LOST) {
            true => Err("simulated".to_owned()),
            false => Ok(()),
        }
    }

    fn rng(&self) -> MutexGuard<'_, Rng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LastPurgeStore for SimLastPurges {
    async fn read(&self, objects: &[TeamObject], time: Duration) -> Vec<Option<LastPurge>> {
        self.trace.note_call(|| Call::new(Callee::LastPurges, objects.len(), time, &objects));
        self.wait().await;
        let read = |object| if self.happens(Fault::MemoryUnread, UNREAD) { None } else { self.rows.get(object) };
        objects.iter().map(read).collect()
    }

    async fn write(&self, objects: &[Remembered], time: Duration) -> Vec<Result<(), String>> {
        self.trace.note_call(|| Call::new(Callee::NewLastPurges, objects.len(), time, &objects));
        self.wait().await;
        objects.iter().map(|object| self.write_one(object)).collect()
    }
}
