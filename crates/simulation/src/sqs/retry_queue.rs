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

    fn result(&self, is_taken: bool, fault: Fault) -> Result<(), String> {
        if is_taken {
            return Ok(());
        }
        self.queue.injected(fault);
        Err("InternalError".to_owned())
    }
}

impl RetryQueue for SimRetryQueue {
    fn has_arn(&self, other: &str) -> bool {
        arn(QueueName::Retry) == other
    }

    async fn defer(&self, messages: &[Deferred]) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay).await;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken {
                self.queue.send(Arc::from(&*message.body), change_of_body(&message.body));
            }
            results.push(self.result(is_taken, Fault::SendFailed));
        }
        results
    }

    async fn send_dead_letters(&self, messages: &[DeadLetter]) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay).await;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken {
                self.queue.add_dead_letter(change_of_body(&message.body));
            }
            results.push(self.result(is_taken, Fault::SendFailed));
        }
        results
    }

    async fn hide(&self, messages: &[Hidden]) -> Vec<Result<(), String>> {
        let (taken, delay) = self.call(messages.len());
        sleep(delay).await;
        let mut results = Vec::with_capacity(messages.len());
        for (message, is_taken) in messages.iter().zip(taken) {
            if is_taken && let Some(id) = message_of_handle(&message.receipt_handle) {
                self.queue.hide(id, message.time);
            }
            results.push(self.result(is_taken, Fault::HideFailed));
        }
        results
    }
}

impl std::fmt::Debug for SimRetryQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimRetryQueue")
    }
}
