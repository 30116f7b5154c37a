//! One standard queue.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::call::Call;
use crate::clock::{SimClock, SimTime};
use crate::event::{Event, MessageId, QueueName};
use crate::fault::Fault;
use crate::options::{Options, Sabotage};
use crate::random::{Seed, chance, millis, seconds};
use crate::scenario::ChangeId;
use crate::trace::Trace;

/// How often a received message stays visible, so that it is delivered twice.
const DUPLICATES: f64 = 0.002;

/// The numbers of messages, for all queues of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageIds(Arc<AtomicUsize>);

impl MessageIds {
    fn next(&self) -> MessageId {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// The settings of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueSettings {
    pub(crate) name: QueueName,
    pub(crate) visibility_timeout: Duration,
    /// After this many receives, a message becomes a dead letter.
    pub(crate) max_receives: u32,
}

/// A standard queue.
pub(crate) struct Queue {
    pub(crate) settings: QueueSettings,
    clock: SimClock,
    trace: Arc<Trace>,
    options: Options,
    ids: MessageIds,
    changed: Notify,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    messages: BTreeMap<MessageId, Message>,
    /// When each message becomes visible, with its place among those of the same time.
    by_visibility: BTreeMap<(SimTime, u32), MessageId>,
}

struct Message {
    body: Arc<str>,
    purged: Option<Arc<str>>,
    change: Option<ChangeId>,
    receives: u32,
    sent_at: SimTime,
    place: (SimTime, u32),
}

/// A message that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: MessageId,
    pub(crate) body: Arc<str>,
    /// Its attribute `PurgedItems`.
    pub(crate) purged: Option<Arc<str>>,
    /// How often it was received, with this time.
    pub(crate) receives: u32,
    pub(crate) sent_at: SimTime,
}

impl Queue {
    pub(crate) fn new(
        settings: QueueSettings,
        seed: Seed,
        options: Options,
        ids: &MessageIds,
        clock: &SimClock,
        trace: &Arc<Trace>,
    ) -> Self {
        let rng = seed.stream("queue", settings.name as usize);
        let state = State { rng, messages: BTreeMap::new(), by_visibility: BTreeMap::new() };
        let (clock, trace, ids) = (clock.clone(), Arc::clone(trace), ids.clone());
        Self { settings, clock, trace, options, ids, changed: Notify::new(), state: Mutex::new(state) }
    }

    pub(crate) fn send(&self, body: Arc<str>, change: Option<ChangeId>) {
        self.send_after(Duration::ZERO, body, None, change);
    }

    /// Sends a message that becomes visible after this delay. `purged` is its attribute `PurgedItems`.
    pub(super) fn send_after(
        &self,
        delay: Duration,
        body: Arc<str>,
        purged: Option<Arc<str>>,
        change: Option<ChangeId>,
    ) {
        let message = self.ids.next();
        let now = self.clock.now();
        self.trace.note(Event::Sent { queue: self.settings.name, message, change });
        let mut state = self.state();
        let place = state.place(now + delay);
        state.messages.insert(message, Message { body, purged, change, receives: 0, sent_at: now, place });
        state.by_visibility.insert(place, message);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until a message is visible.
    pub(crate) async fn wait_for_message(&self) {
        loop {
            let next = self.state().by_visibility.first_key_value().map(|((at, _), _)| *at);
            let now = self.clock.now();
            match next {
                Some(at) if at <= now => return,
                Some(at) => _ = timeout(at - now, self.changed.notified()).await,
                None => self.changed.notified().await,
            }
        }
    }

    /// Takes up to this many visible messages, in any order.
    pub(crate) fn receive(&self, limit: usize) -> Vec<Received> {
        let now = self.clock.now();
        let mut state = self.state();
        let visible = state.by_visibility.range(..(now + Duration::from_millis(1), 0));
        let mut ids: Vec<MessageId> = visible.map(|(_, id)| *id).take(limit).collect();
        state.rng.shuffle(&mut ids);
        let received: Vec<Received> = ids.into_iter().filter_map(|id| self.receive_one(&mut state, id, now)).collect();
        received
    }

    fn receive_one(&self, state: &mut State, id: MessageId, now: SimTime) -> Option<Received> {
        let is_duplicate = self.options.chaos && chance(&mut state.rng, DUPLICATES);
        let hidden_for = match is_duplicate {
            true => seconds(&mut state.rng, 0..=5),
            false => self.settings.visibility_timeout,
        };
        let place = state.place(now + hidden_for);
        let message = state.messages.get_mut(&id)?;
        state.by_visibility.remove(&message.place);
        if message.receives >= self.settings.max_receives {
            let change = message.change;
            state.messages.remove(&id);
            self.trace.note(Event::DeadLetter { queue: self.settings.name, message: id, change });
            return None;
        }
        if is_duplicate {
            self.injected(Fault::DeliveredTwice);
        }
        message.receives += 1;
        message.place = place;
        let (body, purged, sent_at) = (Arc::clone(&message.body), message.purged.clone(), message.sent_at);
        let received = Received { id, body, purged, receives: message.receives, sent_at };
        if self.options.sabotage == Some(Sabotage::MessagesAreDropped) && id % 50 == 7 {
            state.messages.remove(&id);
            return Some(received);
        }
        state.by_visibility.insert(place, id);
        Some(received)
    }

    /// Hides a message for another time than the queue's, from now on.
    pub(crate) fn hide(&self, id: MessageId, time: Duration) {
        let mut state = self.state();
        let place = state.place(self.clock.now() + time);
        let Some(message) = state.messages.get_mut(&id) else { return };
        let old = std::mem::replace(&mut message.place, place);
        state.by_visibility.remove(&old);
        state.by_visibility.insert(place, id);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Deletes a message that the function reported as done.
    pub(crate) fn delete(&self, id: MessageId) {
        let mut state = self.state();
        let Some(Message { change, place, .. }) = state.messages.remove(&id) else { return };
        state.by_visibility.remove(&place);
        self.trace.note(Event::Deleted { queue: self.settings.name, message: id, change });
    }

    /// Notes that the function sent a message to the dead-letter queue. It stays there.
    pub(super) fn add_dead_letter(&self, change: Option<ChangeId>) {
        let (queue, message) = (QueueName::DeadLetters, self.ids.next());
        self.trace.note(Event::Sent { queue, message, change });
        self.trace.note(Event::DeadLetter { queue, message, change });
    }

    /// Notes a fault of this queue.
    pub(super) fn injected(&self, fault: Fault) {
        self.trace.note(Event::Injected { fault });
    }

    /// Notes a call of the function to this queue.
    pub(super) fn note_call(&self, call: impl FnOnce() -> Call) {
        self.trace.note_call(call);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state().messages.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A free place among the messages that become visible then: before or after the others, but never much earlier.
    fn place(&mut self, visible_at: SimTime) -> (SimTime, u32) {
        let visible_at = visible_at + millis(&mut self.rng, 1..=40);
        loop {
            let place = (visible_at, self.rng.u32(1..));
            if !self.by_visibility.contains_key(&place) {
                return place;
            }
        }
    }
}
