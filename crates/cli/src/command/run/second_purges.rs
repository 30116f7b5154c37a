//! The second purges of `run`: the same messages as the function's, kept in memory until they are due.

use std::sync::Mutex;
use std::time::Duration;

use purge_router_core::{Event, decode};
use purge_router_pipeline::{DelayQueue, Delayed};

/// A delay queue in memory.
#[derive(Default)]
pub(super) struct InMemory(Mutex<Vec<Delayed>>);

/// What is purged a second time at once.
pub(super) struct Due {
    /// The time since the first purge.
    pub(super) after: Duration,
    pub(super) event: Event,
}

impl DelayQueue for InMemory {
    async fn send(&self, messages: &[Delayed], _: Duration) -> Vec<Result<(), String>> {
        let sent = self.0.lock().map(|mut queue| queue.extend_from_slice(messages));
        vec![sent.map_err(|poisoned| poisoned.to_string()); messages.len()]
    }
}

impl InMemory {
    /// What its messages bring back, by their delay.
    pub(super) fn into_due(self) -> Vec<Due> {
        let mut messages = self.0.into_inner().unwrap_or_default();
        messages.sort_by_key(|message| message.delay);
        let due = messages.chunk_by(|one, other| one.delay == other.delay);
        due.filter_map(|messages| Some(Due { after: messages.first()?.delay, event: event(messages) })).collect()
    }
}

fn event(messages: &[Delayed]) -> Event {
    let events = messages.iter().filter_map(|message| decode(message.body.as_bytes()).ok());
    Event { changes: events.flat_map(|event| event.changes).collect(), ..Event::default() }
}
