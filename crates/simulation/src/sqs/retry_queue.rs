//! The retry queue, as the function uses it: calls take a moment, and some fail.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use purge_router_pipeline::{DeadLetter, Deferred, Hidden, RetryQueue};
use tokio::time::sleep;

use super::body::{arn, change_of_body, message_of_handle};
use super::queue::Queue;
use crate::call::{Call, Callee};
use crate::event::{InstanceId, QueueName};
use crate::fault::Fault;
use crate::options::Options;
use crate::random::{Seed, chance, millis};

/// How often SQS does not take a message.
const FAILURES: f64 = 0.001;

/// The retry queue, for one instance.
pub(crate) struct SimRetryQueue {
    queue: Arc<Queue>,
    fails: bool,
    rng: Mutex<Rng>,
}

impl SimRetryQueue {
    pub(crate) fn new(queue: &Arc<Queue>, options: Options, seed: Seed, instance: InstanceId) -> Self {
        Self { queue: Arc::clone(queue), fails: options.chaos, rng: Mutex::new(seed.stream("retry-queue", instance)) }
    }

    /// Calls SQS for these messages. It takes each but for a few, which has the `effect` of the call.
    async fn call<M: Sync + Debug>(
        &self,
        callee: Callee,
        messages: &[M],
        time: Duration,
        fault: Fault,
        effect: impl Fn(&M) + Send,
    ) -> Vec<Result<(), String>> {
        self.queue.note_call(|| Call::new(callee, messages.len(), time, &messages));
        let (taken, delay) = self.draw(messages.len());
        sleep(delay.min(time)).await;
        let result = |(message, is_taken): (&M, bool)| {
            if !is_taken {
                self.queue.injected(fault);
                return Err("InternalError".to_owned());
            }
            effect(message);
            // A late call has its effect, but the function does not learn of it.
            if delay > time { Err("deadline exceeded".to_owned()) } else { Ok(()) }
        };
        messages.iter().zip(taken).map(result).collect()
    }

    /// Whether SQS takes each of this many messages, and how long the call takes.
    fn draw(&self, messages: usize) -> (Vec<bool>, Duration) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = (0..messages).map(|_| !(self.fails && chance(&mut rng, FAILURES))).collect();
        (taken, millis(&mut rng, 3..=30))
    }
}

impl RetryQueue for SimRetryQueue {
    fn has_arn(&self, other: &str) -> bool {
        arn(QueueName::Retry) == other
    }

    async fn defer(&self, messages: &[Deferred], time: Duration) -> Vec<Result<(), String>> {
        let send = |Deferred { body, purged, delay, .. }: &Deferred| {
            let purged = Some(purged.text()).filter(|text| !text.is_empty()).map(Arc::from);
            self.queue.send_after(*delay, Arc::from(&**body), purged, change_of_body(body));
        };
        self.call(Callee::RetryQueue, messages, time, Fault::SendFailed, send).await
    }

    async fn send_dead_letters(&self, messages: &[DeadLetter], time: Duration) -> Vec<Result<(), String>> {
        let add = |message: &DeadLetter| self.queue.add_dead_letter(change_of_body(&message.body));
        self.call(Callee::DeadLetters, messages, time, Fault::SendFailed, add).await
    }

    async fn hide(&self, messages: &[Hidden], time: Duration) -> Vec<Result<(), String>> {
        let hide = |message: &Hidden| {
            if let Some(id) = message_of_handle(&message.receipt_handle) {
                self.queue.hide(id, message.time);
            }
        };
        self.call(Callee::Visibility, messages, time, Fault::HideFailed, hide).await
    }
}

impl std::fmt::Debug for SimRetryQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimRetryQueue")
    }
}
