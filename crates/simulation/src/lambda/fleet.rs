//! The instances. Both event sources use the same ones, any of those that are idle.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::sleep;

use super::instance::{End, Instance};
use super::world::World;
use crate::event::{Event, MessageId, QueueName};
use crate::random::millis;
use crate::sqs::Received;

pub(crate) struct Fleet {
    world: World,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    idle: Vec<Instance>,
    started: usize,
    busy: usize,
}

impl Fleet {
    pub(crate) fn new(world: World) -> Self {
        let state = State { rng: world.scenario.seed.stream("fleet", 0), idle: Vec::new(), started: 0, busy: 0 };
        Self { world, state: Mutex::new(state) }
    }

    /// Handles messages with an idle instance or a new one. Returns the failed ones, or `None` if there was no answer.
    pub(crate) async fn invoke(&self, queue: QueueName, messages: &[Received]) -> Option<Vec<MessageId>> {
        let mut instance = self.idle_or_new().await;
        let end = instance.invoke(&self.world, queue, messages).await;
        let mut state = self.state();
        state.busy -= 1;
        match end {
            End::Answered(failed) => {
                instance.used_at = self.world.clock.now();
                state.idle.push(instance);
                Some(failed)
            }
            End::Killed => None,
        }
    }

    /// Handles an event that is from no queue.
    pub(crate) async fn invoke_directly(&self, event: &str) {
        let mut instance = self.idle_or_new().await;
        instance.invoke_directly(&self.world, event).await;
        instance.used_at = self.world.clock.now();
        let mut state = self.state();
        state.busy -= 1;
        state.idle.push(instance);
    }

    /// Whether all instances are frozen.
    pub(crate) fn is_frozen(&self) -> bool {
        self.state().busy == 0
    }

    async fn idle_or_new(&self) -> Instance {
        let now = self.world.clock.now();
        let (id, delay) = {
            let mut state = self.state();
            state.busy += 1;
            let replaced_at = self.world.scenario.replaced_at.filter(|at| *at <= now);
            state.idle.retain(|instance| {
                now - instance.used_at < instance.kept_for && replaced_at.is_none_or(|at| instance.started_at >= at)
            });
            let State { rng, idle, .. } = &mut *state;
            if !idle.is_empty() {
                return idle.swap_remove(rng.usize(..idle.len()));
            }
            state.started += 1;
            (state.started, millis(&mut state.rng, 100..=400))
        };
        sleep(delay).await;
        self.world.trace.note(Event::Started { instance: id });
        Instance::start(id, &self.world)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long Lambda takes to pass a batch to an instance.
pub(super) const INVOKE_DELAY: Duration = Duration::from_millis(5);
