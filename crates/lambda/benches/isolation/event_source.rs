//! A model of Lambda's event source mapping: collects the messages of one queue into batches, invokes the function with
//! each, and deletes those that the function did not report as failed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::queue::{BatchLimit, Message, Queue};

/// A function that can be invoked.
pub(crate) trait Invoke: Send + Sync + 'static {
    /// The function's response, or why there is none.
    fn invoke(&self, event: String) -> impl Future<Output = Result<Value, String>> + Send;
}

/// An event source's settings.
#[derive(Debug, Clone)]
pub(crate) struct SourceSettings {
    /// The queue's ARN.
    pub(crate) arn: String,
    /// How many invocations may run at once.
    pub(crate) max_concurrency: usize,
    /// How long messages are collected, from the first one on.
    pub(crate) window: Duration,
    pub(crate) limit: BatchLimit,
}

/// The event source of a queue.
pub(crate) struct EventSource<F> {
    settings: SourceSettings,
    queue: Arc<Queue>,
    function: Arc<F>,
    invocations: AtomicUsize,
}

impl<F: Invoke> EventSource<F> {
    pub(crate) fn new(settings: SourceSettings, queue: Arc<Queue>, function: Arc<F>) -> Self {
        Self { settings, queue, function, invocations: AtomicUsize::new(0) }
    }

    /// How many invocations it has begun.
    pub(crate) fn invocations(&self) -> usize {
        self.invocations.load(Ordering::Relaxed)
    }

    /// Serves the queue until it is dropped, which also ends the invocations.
    pub(crate) async fn run(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.settings.max_concurrency));
        let mut running = JoinSet::new();
        loop {
            let first = self.queue.first_visible().await;
            // A full batch ends the window early.
            let _ = timeout_at(first + self.settings.window, self.queue.full_batch(self.settings.limit)).await;
            // Messages are received only when they can be handled: Lambda, too, receives no more at its maximum
            // concurrency.
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let batch = self.queue.receive(self.settings.limit);
            if batch.is_empty() {
                continue;
            }
            let source = Arc::clone(&self);
            running.spawn(async move {
                source.invoke(&batch).await;
                drop(slot);
            });
            while running.try_join_next().is_some() {}
        }
    }

    async fn invoke(&self, batch: &[Message]) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
        let response = self.function.invoke(event(batch, &self.settings.arn)).await;
        let Ok(failed) = response.and_then(|response| failed_messages(&response, batch)) else { return };
        batch.iter().filter(|message| !failed.contains(&message.id)).for_each(|message| {
            self.queue.delete(&message.receipt);
        });
    }
}

/// The event of a batch, as Lambda sends it.
fn event(batch: &[Message], arn: &str) -> String {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": milliseconds(message.sent_at),
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": milliseconds(message.first_received_at.unwrap_or(message.sent_at)),
            },
            "messageAttributes": message.attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "eu-west-1",
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() }).to_string()
}

fn milliseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string()
}

/// The ids of the messages that failed. The error is a response that Lambda does not understand: the whole batch fails.
fn failed_messages(response: &Value, batch: &[Message]) -> Result<HashSet<String>, String> {
    let failures = match &response["batchItemFailures"] {
        Value::Null => return Ok(HashSet::new()),
        Value::Array(failures) => failures,
        other => return Err(format!("batchItemFailures is {other}")),
    };
    let known: HashSet<&str> = batch.iter().map(|message| message.id.as_str()).collect();
    let id = |failure: &Value| match failure["itemIdentifier"].as_str() {
        Some(id) if known.contains(id) => Ok(id.to_owned()),
        _ => Err(format!("{failure} names no message of the batch")),
    };
    failures.iter().map(id).collect()
}
