//! Which messages go where, without SQS.

use std::sync::Mutex;
use std::time::Duration;

use purge_router_core::{Plan, Rejected, RejectionKind, messages};
use serde_json::json;

use super::*;
use crate::outcome::Outcome;
use crate::test_support::plan_of;

const MAIN: &str = "arn:aws:sqs:eu-west-1:123456789012:main";
const RETRY: &str = "arn:aws:sqs:eu-west-1:123456789012:retry";

/// A queue that takes messages whose body is not in `refuses`.
#[derive(Debug, Default)]
struct Queue {
    refuses: Vec<&'static str>,
    hangs: bool,
    sent: Mutex<Vec<Deferred>>,
    hidden: Mutex<Vec<Hidden>>,
}

impl RetryQueue for Queue {
    fn has_arn(&self, arn: &str) -> bool {
        arn == RETRY
    }

    async fn send(&self, messages: &[Deferred]) -> Vec<Result<(), String>> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let (accepted, refused): (Vec<_>, Vec<_>) = messages.iter().partition(|it| !self.refuses.contains(&&*it.body));
        self.sent.lock().unwrap().extend(accepted.into_iter().cloned());
        messages.iter().map(|it| if refused.contains(&it) { Err("refused".to_owned()) } else { Ok(()) }).collect()
    }

    async fn hide(&self, messages: &[Hidden]) -> Vec<Result<(), String>> {
        self.hidden.lock().unwrap().extend(messages.iter().cloned());
        messages.iter().map(|_| Ok(())).collect()
    }
}

/// Messages `m-0`, `m-1`, … of a queue, with the bodies `0`, `1`, … and so many receives each.
fn event(queue: &str, receives: &[u32]) -> String {
    let message = |(index, receives): (usize, &u32)| {
        json!({
            "messageId": format!("m-{index}"), "receiptHandle": format!("h-{index}"), "body": index.to_string(),
            "eventSourceARN": queue, "attributes": { "ApproximateReceiveCount": receives.to_string() },
        })
    };
    json!({ "Records": receives.iter().enumerate().map(message).collect::<Vec<_>>() }).to_string()
}

fn message(index: usize) -> Origin {
    Origin::Message(format!("m-{index}").into())
}

/// A plan whose one batch has the messages up to this number, and these rejections.
fn plan(urls: usize, rejected: &[(usize, RejectionKind)]) -> Plan {
    let rejected = rejected.iter();
    let rejected =
        rejected.map(|(index, kind)| Rejected { origin: message(*index), kind: *kind, reason: String::new() });
    Plan { rejected: rejected.collect(), ..plan_of(urls) }
}

fn outcome(status: Status, failed: &[usize]) -> Outcome {
    Outcome { status, failed: failed.iter().map(|index| message(*index)).collect(), ..Outcome::new(0) }
}

/// Returns the numbers of the messages that are reported as failed.
async fn settle(queue: &Queue, event: &str, plan: &Plan, outcomes: Vec<Outcome>) -> Vec<Origin> {
    let (clock, messages) = (Clock::system(), messages(event.as_bytes()));
    let redelivery = Redelivery::new(Some(queue), &messages, &clock);
    redelivery.settle(&Report::new(plan, outcomes), clock.now() + Duration::from_secs(5)).await
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_may_purge_is_deferred_and_the_rest_is_reported() {
    for (status, is_deferred) in [
        (Status::RateLimited, true),
        (Status::Unreachable, true),
        (Status::DeadlineExceeded, true),
        (Status::TokenMissing, true),
        (Status::TokenRefused, true),
        (Status::ItemsRefused, false),
        (Status::RequestRefused, false),
    ] {
        let queue = Queue::default();
        let failed = settle(&queue, &event(MAIN, &[1, 1]), &plan(2, &[]), vec![outcome(status, &[1, 1])]).await;
        let sent: Vec<Deferred> = queue.sent.into_inner().unwrap();
        let copy = Deferred { body: "1".into(), team: TeamName::parse("red").ok() };
        let expected = if is_deferred { (vec![], vec![copy]) } else { (vec![message(1)], vec![]) };
        assert_eq!((failed, sent), expected, "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejections_are_deferred_if_they_are_transient() {
    let queue = Queue::default();
    let rejected = [
        (1, RejectionKind::Transient),
        (2, RejectionKind::Malformed),
        (3, RejectionKind::Unpurgeable),
        (4, RejectionKind::Malformed),
    ];
    // The fourth message has a part that could be retried, too.
    let outcomes = vec![outcome(Status::Unreachable, &[0, 4])];
    let failed = settle(&queue, &event(MAIN, &[1; 5]), &plan(5, &rejected), outcomes).await;
    assert_eq!(failed, [message(2), message(4)]);
    let sent: Vec<_> = queue.sent.into_inner().unwrap().into_iter().map(|it| (it.body, it.team.is_some())).collect();
    assert_eq!(sent, [("1".to_owned(), false), ("0".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_retry_queue_does_not_take_is_reported() {
    let outcomes = || vec![outcome(Status::Unreachable, &[0, 1, 2])];
    let queue = Queue { refuses: vec!["1"], ..Queue::default() };
    assert_eq!(settle(&queue, &event(MAIN, &[1; 3]), &plan(3, &[]), outcomes()).await, [message(1)]);
    let queue = Queue { hangs: true, ..Queue::default() };
    let failed = settle(&queue, &event(MAIN, &[1; 3]), &plan(3, &[]), outcomes()).await;
    assert_eq!(failed, [message(0), message(1), message(2)], "at the deadline");
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_retry_queue_stay_there_and_are_hidden() {
    let queue = Queue::default();
    let outcomes = vec![outcome(Status::Unreachable, &[0, 2])];
    let failed = settle(&queue, &event(RETRY, &[1, 1, 7]), &plan(3, &[]), outcomes).await;
    assert_eq!(failed, [message(0), message(2)]);
    assert_eq!(queue.sent.into_inner().unwrap(), []);
    let hidden = queue.hidden.into_inner().unwrap();
    let ranges = [(hidden[0].receipt_handle.as_str(), 5..=10), (hidden[1].receipt_handle.as_str(), 150..=300)];
    assert_eq!((hidden.len(), ranges[0].0, ranges[1].0), (2, "h-0", "h-2"));
    assert!(hidden.iter().zip(&ranges).all(|(it, (_, range))| range.contains(&it.time.as_secs())), "{hidden:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_retry_queue_and_without_messages_everything_is_reported() {
    let clock = Clock::system();
    let plan = plan(1, &[]);
    let report = Report::new(&plan, vec![outcome(Status::Unreachable, &[0])]);
    let event = event(MAIN, &[3]);
    let of_main = messages(event.as_bytes());
    let deadline = clock.now() + Duration::from_secs(29);
    let redelivery = Redelivery::<Queue>::new(None, &of_main, &clock);
    assert_eq!(redelivery.settle(&report, deadline).await, report.failed);
    assert_eq!(redelivery.patience(deadline).trouble, Duration::from_secs(4));
    let queue = Queue::default();
    let direct = Redelivery::new(Some(&queue), &[], &clock);
    assert_eq!(direct.settle(&report, deadline).await, report.failed);
    assert_eq!(direct.patience(deadline), Patience::from(deadline));
    assert!(queue.sent.into_inner().unwrap().is_empty());
}
