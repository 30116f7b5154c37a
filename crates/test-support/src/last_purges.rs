//! What was purged last of each object, in memory: instances that share it are clones of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::{LastPurge, TeamObject};
use purge_router_pipeline::{LastPurgeStore, Remembered};

/// A store that forgets nothing. Reads and writes fail while it is told so.
#[derive(Debug, Clone, Default)]
pub struct LastPurgesInMemory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    objects: HashMap<TeamObject, LastPurge>,
    reads_fail: bool,
    writes_fail: bool,
}

impl LastPurgesInMemory {
    /// Whether reads and writes fail from now on.
    pub fn fail(&self, reads: bool, writes: bool) {
        let mut state = self.lock();
        (state.reads_fail, state.writes_fail) = (reads, writes);
    }

    /// What is remembered of an object.
    pub fn get(&self, object: &TeamObject) -> Option<LastPurge> {
        let state = self.lock();
        (!state.reads_fail).then(|| state.objects.get(object).cloned().unwrap_or_default())
    }

    /// Replaces what is remembered of an object, on the condition that its version is the one before.
    ///
    /// # Errors
    /// Another write came first, or writes fail.
    pub fn replace(&self, Remembered { object, last_purge }: &Remembered) -> Result<(), String> {
        let mut state = self.lock();
        if state.writes_fail {
            return Err("AccessDenied: no".to_owned());
        }
        let known = state.objects.entry(object.clone()).or_default();
        if known.version + 1 != last_purge.version {
            return Err("another purge of the object came first".to_owned());
        }
        known.clone_from(last_purge);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LastPurgeStore for LastPurgesInMemory {
    async fn read(&self, objects: &[TeamObject], _: Duration) -> Vec<Option<LastPurge>> {
        objects.iter().map(|object| self.get(object)).collect()
    }

    async fn write(&self, objects: &[Remembered], _: Duration) -> Vec<Result<(), String>> {
        objects.iter().map(|object| self.replace(object)).collect()
    }
}
