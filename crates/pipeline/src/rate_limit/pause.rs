//! Until when something is paused.

use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Timestamp>>);

impl Pause {
    /// Pauses until this time. A shorter pause does not end a longer one.
    pub(super) fn extend(&self, until: Timestamp) {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = (*pause).max(Some(until));
    }

    /// The end of the last pause, which may have passed.
    pub(super) fn until(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
