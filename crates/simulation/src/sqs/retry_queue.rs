//! The retry queue, as the function uses it: calls take a moment, and some fail.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use purge_router_pipeline::{DeadLetter, Deferred, Hidden, RetryQueue};
use tokio::time::sleep;

use super::body::{arn, change_of_body, message_of_handle};
use super::queue::Queue;
use crate::event::{InstanceId, QueueName};
use crate::fault::Fault;
use crate::random::{Seed, chance, millis};

/// How often SQS does not take a message.
const FAILURES: f64 = 0.001;

/// The retry queue, for one instance.
pub(crate) struct SimRetryQueue {
    queue: Arc<Queue>,
    rng: Mutex<Rng>,
}

impl SimRetryQueue {
    pub(crate) fn new(queue: &Arc<Queue>, seed: Seed, instance: InstanceId) -> Self {
        Self { queue: Arc::clone(queue), rng: Mutex::new(seed.stream("retry-queue", instance)) }
    }

    /// Whether SQS takes each of this many messages, and how long the call takes.
    fn call(&self, messages: usize) -> (Vec<bool>, Duration) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = (0..messages).map(|_| !chance(&mut rng, FAILURES)).collect();
        (taken, millis(&mut rng, 3..=30))
    }

    /// A call that is late has its effect, but the function does not learn of it.
    fn result(&self, is_taken: bool, is_late: bool, fault: Fault) -> Result<(), String> {
        match (is_taken, is_late) {
            (true, false) => return Ok(()),
            (true, true) => return Err("deadline exceeded".to_owned()),
            (false, _) => {}
        }
        self.queue.injected(fault);
        Err("InternalError".to_owned())
    }
}

impl RetryQueue for SimRetryQueue {
    fn has_arn(&self, other: &str) -> bool {
        arn(QueueName::Retry) == other
    }

    async fn defer(&self, messages: &[Deferred], time: Duration) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay.min(time)).await;
        let is_late = delay > time;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken {
                self.queue.send(Arc::from(&*message.body), change_of_body(&message.body));
            }
            results.push(self.result(is_taken, is_late, Fault::SendFailed));
        }
        results
    }

    async fn send_dead_letters(&self, messages: &[DeadLetter], time: Duration) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay.min(time)).await;
        let is_late = delay > time;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken {
                self.queue.add_dead_letter(change_of_body(&message.body));
            }
            results.push(self.result(is_taken, is_late, Fault::SendFailed));
        }
        results
    }

    async fn hide(&self, messages: &[Hidden], time: Duration) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay.min(time)).await;
        let is_late = delay > time;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken && let Some(id) = message_of_handle(&message.receipt_handle) {
                self.queue.hide(id, message.time);
            }
            results.push(self.result(is_taken, is_late, Fault::HideFailed));
        }
        results
    }
}

impl std::fmt::Debug for SimRetryQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimRetryQueue")
    }
}
