//! The queue and the event source, on Tokio's paused clock.

#![allow(clippy::unwrap_used, reason = "this is a test, though not in a folder of tests")]

mod event_source;
mod queue;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_source::{EventSource, Invoke, SourceSettings};
use queue::{BatchLimit, Message, Queue, QueueSettings, VisibilityError};
use serde_json::{Value, json};
use tokio::time::{Instant, advance, sleep};

const LIMIT: BatchLimit = BatchLimit { messages: 1000, bytes: 6 << 20 };
const VISIBILITY: Duration = Duration::from_secs(240);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn queue(max_receives: u32) -> Arc<Queue> {
    Arc::new(Queue::new(QueueSettings { visibility_timeout: VISIBILITY, max_receives }))
}

fn send(queue: &Queue, bodies: &[&str]) {
    bodies.iter().for_each(|body| drop(queue.send((*body).to_owned(), Duration::ZERO)));
}

fn bodies(batch: &[Message]) -> Vec<&str> {
    batch.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_received_message_is_invisible_until_its_timeout_and_then_a_dead_letter() {
    let queue = queue(2);
    send(&queue, &["a", "b"]);
    queue.send("later".to_owned(), seconds(300));
    for receives in [1, 2] {
        let batch = queue.receive(LIMIT);
        assert_eq!((bodies(&batch), batch[0].receives), (vec!["a", "b"], receives));
        assert!(queue.receive(LIMIT).is_empty());
        if receives == 2 {
            queue.delete(&batch[0].receipt);
        }
        advance(VISIBILITY).await;
    }
    assert_eq!(bodies(&queue.receive(LIMIT)), ["later"]);
    assert_eq!((queue.dead_letters(), queue.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn only_the_last_receipt_handle_is_valid() {
    let queue = queue(5);
    send(&queue, &["a"]);
    let first = queue.receive(LIMIT).remove(0).receipt;
    assert_eq!(queue.change_visibility(&first, seconds(10)), Ok(()));
    advance(seconds(10)).await;
    assert_eq!(queue.change_visibility(&first, seconds(10)), Err(VisibilityError::MessageNotInflight));
    let second = queue.receive(LIMIT).remove(0);
    assert_eq!((second.receives, queue.len()), (2, 1));
    queue.delete(&first);
    assert_eq!(queue.change_visibility(&first, seconds(10)), Err(VisibilityError::ReceiptHandleIsInvalid));
    assert_eq!(queue.len(), 1);
    queue.delete(&second.receipt);
    assert_eq!(queue.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_limited_by_messages_and_bytes() {
    let queue = queue(5);
    send(&queue, &["a", "b", "c", "d"]);
    assert_eq!(bodies(&queue.receive(BatchLimit { messages: 2, ..LIMIT })), ["a", "b"]);
    // A message of any size is received alone.
    assert_eq!(bodies(&queue.receive(BatchLimit { bytes: 1, ..LIMIT })), ["c"]);
}

/// What an invocation does: how long it takes, and what it responds, which may depend on the ids of its messages.
type Behavior = fn(&[Value]) -> (Duration, Result<Value, String>);

struct FakeFunction {
    behavior: Behavior,
    started: Instant,
    /// When each invocation began, and its bodies.
    invocations: Mutex<Vec<(u128, Vec<String>)>>,
}

impl Invoke for FakeFunction {
    async fn invoke(&self, event: String) -> Result<Value, String> {
        let event: Value = serde_json::from_str(&event).unwrap();
        let records = event["Records"].as_array().unwrap();
        let bodies = records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect();
        self.invocations.lock().unwrap().push((self.started.elapsed().as_millis(), bodies));
        let (time, response) = (self.behavior)(records);
        sleep(time).await;
        response
    }
}

/// The event source of a queue, with two concurrent invocations and a window of one second.
fn source(
    queue: &Arc<Queue>,
    messages: usize,
    behavior: Behavior,
) -> (Arc<EventSource<FakeFunction>>, Arc<FakeFunction>) {
    let function = Arc::new(FakeFunction { behavior, started: Instant::now(), invocations: Mutex::default() });
    let settings = SourceSettings {
        arn: "arn:aws:sqs:eu-west-1:123456789012:main".to_owned(),
        max_concurrency: 2,
        window: seconds(1),
        limit: BatchLimit { messages, ..LIMIT },
    };
    let source = Arc::new(EventSource::new(settings, Arc::clone(queue), Arc::clone(&function)));
    tokio::spawn(Arc::clone(&source).run());
    (source, function)
}

fn begun(function: &FakeFunction) -> Vec<(u128, String)> {
    function.invocations.lock().unwrap().iter().map(|(at, bodies)| (*at, bodies.concat())).collect()
}

fn invocations(expected: &[(u128, &str)]) -> Vec<(u128, String)> {
    expected.iter().map(|(at, bodies)| (*at, (*bodies).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_window_begins_with_the_first_message_and_ends_early_if_the_batch_is_full() {
    let queue = queue(5);
    let (source, function) = source(&queue, 3, |_| (Duration::ZERO, Ok(json!({ "batchItemFailures": [] }))));
    sleep(seconds(5)).await;
    send(&queue, &["a"]);
    sleep(Duration::from_millis(900)).await;
    send(&queue, &["b"]);
    sleep(seconds(4)).await;
    send(&queue, &["c"]);
    sleep(Duration::from_millis(100)).await;
    send(&queue, &["d", "e"]);
    sleep(seconds(2)).await;
    assert_eq!(begun(&function), invocations(&[(6_000, "ab"), (10_000, "cde")]));
    assert_eq!((source.invocations(), queue.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn messages_wait_in_the_queue_while_all_invocations_run() {
    let queue = queue(5);
    let (_, function) = source(&queue, 2, |_| (seconds(10), Ok(Value::Null)));
    send(&queue, &["a", "b", "c", "d", "e"]);
    sleep(seconds(5)).await;
    send(&queue, &["f"]);
    sleep(seconds(6)).await;
    assert_eq!(begun(&function), invocations(&[(0, "ab"), (0, "cd"), (10_000, "ef")]));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_deleted_is_received_again_after_its_timeout() {
    let only_b = |records: &[Value]| {
        let b = records.iter().filter(|record| record["body"] == "b");
        let failures: Value = b.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        (Duration::ZERO, Ok(json!({ "batchItemFailures": failures })))
    };
    let behaviors: [(Behavior, &str); 4] = [
        (only_b, "b"),
        (|_| (Duration::ZERO, Err("the function failed".to_owned())), "abc"),
        (|_| (Duration::ZERO, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "unknown" }] }))), "abc"),
        (|_| (Duration::ZERO, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": null }] }))), "abc"),
    ];
    for (behavior, again) in behaviors {
        let queue = queue(1);
        let (_, function) = source(&queue, 3, behavior);
        send(&queue, &["a", "b", "c"]);
        sleep(seconds(100)).await;
        assert_eq!(begun(&function), invocations(&[(0, "abc")]));
        assert_eq!((queue.len(), queue.dead_letters()), (again.len(), 0));
        sleep(seconds(200)).await;
        assert_eq!((queue.len(), queue.dead_letters()), (0, again.len()), "received as often as it may be");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_visibility_brings_a_message_earlier() {
    let queue = queue(5);
    let (_, function) = source(&queue, 1, |records| {
        (seconds(1), Ok(json!({ "batchItemFailures": [{ "itemIdentifier": records[0]["messageId"] }] })))
    });
    let id = queue.send("a".to_owned(), Duration::ZERO);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(queue.change_visibility(&format!("{id}#1"), seconds(20)), Ok(()));
    sleep(seconds(30)).await;
    assert_eq!(begun(&function), invocations(&[(0, "a"), (20_500, "a")]));
}
