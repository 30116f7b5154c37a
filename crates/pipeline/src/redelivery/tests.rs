//! Which messages go where, without SQS.

use std::sync::Mutex;
use std::time::Duration;

use purge_router_core::{PURGED_ITEMS, Plan, PurgeHash, PurgedItems, Rejected, RejectionKind, decode_with_messages};
use serde_json::{Value, json};

use super::*;
use crate::outcome::{FailedOrigin, FailureKind, Outcome};
use crate::report::Unfinished;
use crate::test_support::{paused_clock, plan_of, plan_of_message};

const MAIN: &str = "arn:aws:sqs:eu-west-1:123456789012:main";
const RETRY: &str = "arn:aws:sqs:eu-west-1:123456789012:retry";

/// A queue that takes messages whose body is not in `refuses`.
#[derive(Debug, Default)]
struct Queue {
    refuses: Vec<&'static str>,
    hangs: bool,
    sent: Mutex<Vec<Deferred>>,
    hidden: Mutex<Vec<Hidden>>,
    dead_letters: Mutex<Vec<DeadLetter>>,
}

impl RetryQueue for Queue {
    fn has_arn(&self, arn: &str) -> bool {
        arn == RETRY
    }

    async fn defer(&self, messages: &[Deferred], time: Duration) -> Vec<Result<(), String>> {
        if self.hangs {
            tokio::time::sleep(time).await;
            return vec![Err("deadline exceeded".to_owned()); messages.len()];
        }
        let (accepted, refused): (Vec<_>, Vec<_>) = messages.iter().partition(|it| !self.refuses.contains(&&*it.body));
        self.sent.lock().unwrap().extend(accepted.into_iter().cloned());
        messages.iter().map(|it| if refused.contains(&it) { Err("refused".to_owned()) } else { Ok(()) }).collect()
    }

    async fn hide(&self, messages: &[Hidden], _: Duration) -> Vec<Result<(), String>> {
        self.hidden.lock().unwrap().extend(messages.iter().cloned());
        messages.iter().map(|_| Ok(())).collect()
    }

    async fn send_dead_letters(&self, messages: &[DeadLetter], _: Duration) -> Vec<Result<(), String>> {
        let results = messages.iter().map(|it| match self.refuses.contains(&&*it.body) {
            true => Err("refused".to_owned()),
            false => {
                self.dead_letters.lock().unwrap().push(it.clone());
                Ok(())
            }
        });
        results.collect()
    }
}

/// Messages `m-0`, `m-1`, … of a queue, with the bodies `0`, `1`, … and so many receives each, sent at the start of the
/// clock.
fn event(queue: &str, receives: &[u32]) -> String {
    let message = |(index, receives): (usize, &u32)| {
        json!({
            "messageId": format!("m-{index}"), "receiptHandle": format!("h-{index}"), "body": index.to_string(),
            "eventSourceARN": queue,
            "attributes": { "ApproximateReceiveCount": receives.to_string(), "SentTimestamp": "0" },
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

const PERMANENT: FailureKind = FailureKind::Permanent;
const UNTRIED: FailureKind = FailureKind::Untried;
const TRANSIENT: FailureKind = FailureKind::Transient;
const QUEUED: FailureKind = FailureKind::Queued;

/// An outcome in which these messages failed.
fn outcome(status: Status, failed: &[(usize, FailureKind)]) -> Outcome {
    let failed = failed.iter().map(|(index, kind)| FailedOrigin { origin: message(*index), kind: *kind });
    Outcome { status, failed: failed.collect(), ..Outcome::new(0) }
}

/// Returns the messages that are reported as failed.
async fn redeliver(queue: &Queue, event: &str, plan: &Plan, outcomes: Vec<Outcome>) -> Vec<Origin> {
    redeliver_after(Duration::ZERO, queue, event, plan, outcomes).await
}

/// The messages have been in their queue for this long.
async fn redeliver_after(
    age: Duration,
    queue: &Queue,
    event: &str,
    plan: &Plan,
    outcomes: Vec<Outcome>,
) -> Vec<Origin> {
    let (clock, messages) = (paused_clock(), decode_with_messages(event.as_bytes()).unwrap().messages);
    tokio::time::sleep(age).await;
    let redelivery = Redelivery::new(Some(queue), &messages, &clock);
    redelivery.redeliver(&Report::new(plan, outcomes), clock.now() + Duration::from_secs(5)).await
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_may_purge_is_deferred_and_the_rest_is_reported() {
    let queue = Queue::default();
    let outcomes =
        vec![outcome(Status::Unreachable, &[(0, PERMANENT), (1, TRANSIENT), (2, PERMANENT), (1, TRANSIENT)])];
    let failed = redeliver(&queue, &event(MAIN, &[1, 1, 1]), &plan(3, &[]), outcomes).await;
    assert_eq!(failed, [message(0), message(2)]);
    let sent = queue.sent.into_inner().unwrap();
    let sent: Vec<_> = sent.iter().map(|it| (&*it.body, it.team.as_ref().map(TeamName::as_str), it.delay)).collect();
    assert_eq!(sent, [("1", Some("red"), Duration::ZERO)]);
    assert_eq!(queue.dead_letters.into_inner().unwrap(), [], "their own queue delivers them again");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_deferred_if_a_retry_may_purge_a_part_of_it() {
    let queue = Queue::default();
    let rejected = [
        (1, RejectionKind::Transient),
        (2, RejectionKind::Malformed),
        (3, RejectionKind::Unpurgeable),
        (4, RejectionKind::Malformed),
        (5, RejectionKind::Transient),
    ];
    let outcomes = vec![
        outcome(Status::ItemsRefused, &[(0, PERMANENT), (5, PERMANENT), (6, PERMANENT)]),
        outcome(Status::Unreachable, &[(0, TRANSIENT), (4, TRANSIENT)]),
    ];
    let failed = redeliver(&queue, &event(MAIN, &[1; 7]), &plan(7, &rejected), outcomes).await;
    assert_eq!(failed, [message(2), message(6)]);
    let sent: Vec<_> = queue.sent.into_inner().unwrap().into_iter().map(|it| (it.body, it.team.is_some())).collect();
    let deferred = |body: &str, of_a_team| (body.to_owned(), of_a_team);
    assert_eq!(sent, [deferred("1", false), deferred("4", true), deferred("5", true), deferred("0", true)]);
}

#[tokio::test(start_paused = true)]
async fn untried_items_are_retried_unless_their_message_has_a_refused_one() {
    for (failed, is_deferred) in [
        (&[(0, UNTRIED)][..], true),
        (&[(0, UNTRIED), (0, PERMANENT)], false),
        (&[(0, UNTRIED), (0, PERMANENT), (0, TRANSIENT)], true),
    ] {
        let queue = Queue::default();
        let outcomes = vec![outcome(Status::ItemsRefused, failed)];
        redeliver(&queue, &event(MAIN, &[1]), &plan(1, &[]), outcomes).await;
        assert_eq!(queue.sent.into_inner().unwrap().len(), usize::from(is_deferred), "{failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_retry_queue_what_no_retry_can_purge_is_a_dead_letter_at_once() {
    let rejected = [(3, RejectionKind::Malformed), (4, RejectionKind::Transient)];
    let outcomes = || {
        let failed = [(0, PERMANENT), (1, TRANSIENT), (2, PERMANENT), (5, PERMANENT), (5, TRANSIENT)];
        vec![outcome(Status::ItemsRefused, &failed)]
    };
    let letter = |index: usize| DeadLetter { body: index.to_string(), message_id: format!("m-{index}") };
    for (refuses, hidden, letters) in
        [(vec![], vec![1, 4, 5], vec![0, 2, 3]), (vec!["2"], vec![1, 2, 4, 5], vec![0, 3])]
    {
        let queue = Queue { refuses, ..Queue::default() };
        let mut failed = redeliver(&queue, &event(RETRY, &[1; 6]), &plan(6, &rejected), outcomes()).await;
        failed.sort_by_key(ToString::to_string);
        assert_eq!(failed, hidden.iter().map(|index| message(*index)).collect::<Vec<_>>());
        let mut handles: Vec<String> =
            queue.hidden.into_inner().unwrap().into_iter().map(|hidden| hidden.receipt_handle).collect();
        handles.sort();
        assert_eq!(handles, hidden.iter().map(|index| format!("h-{index}")).collect::<Vec<_>>());
        let mut sent = queue.dead_letters.into_inner().unwrap();
        sent.sort_by_key(|letter| letter.body.clone());
        assert_eq!(sent, letters.into_iter().map(letter).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_the_id_of_its_message_is_that_of_all_messages() {
    let queue = Queue::default();
    let rejected = Rejected { origin: Origin::Invocation, kind: RejectionKind::Malformed, reason: String::new() };
    let plan = Plan { rejected: vec![rejected], ..plan_of(1) };
    let outcomes = vec![outcome(Status::Unreachable, &[(0, TRANSIENT)])];
    let failed = redeliver(&queue, &event(MAIN, &[1]), &plan, outcomes).await;
    assert_eq!(failed, [Origin::Invocation, message(0)]);
    assert_eq!(queue.sent.into_inner().unwrap(), [], "nothing is sent twice");
}

#[tokio::test(start_paused = true)]
async fn what_the_retry_queue_does_not_take_is_reported() {
    let outcomes = || vec![outcome(Status::Unreachable, &[(0, TRANSIENT), (1, TRANSIENT), (2, TRANSIENT)])];
    let queue = Queue { refuses: vec!["1"], ..Queue::default() };
    assert_eq!(redeliver(&queue, &event(MAIN, &[1; 3]), &plan(3, &[]), outcomes()).await, [message(1)]);
    let queue = Queue { hangs: true, ..Queue::default() };
    let failed = redeliver(&queue, &event(MAIN, &[1; 3]), &plan(3, &[]), outcomes()).await;
    assert_eq!(failed, [message(0), message(1), message(2)], "at the deadline");
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_retry_queue_stay_there_and_are_hidden() {
    for (age, hidden_for) in [(0, 5..=10), (60, 30..=60), (3600, 150..=300)] {
        let queue = Queue::default();
        let outcomes = vec![outcome(Status::Unreachable, &[(0, TRANSIENT), (2, TRANSIENT)])];
        let (age, event) = (Duration::from_secs(age), event(RETRY, &[1, 1, 7]));
        let failed = redeliver_after(age, &queue, &event, &plan(3, &[]), outcomes).await;
        assert_eq!(failed, [message(0), message(2)]);
        assert_eq!(queue.sent.into_inner().unwrap(), []);
        let hidden = queue.hidden.into_inner().unwrap();
        assert_eq!(hidden.iter().map(|it| &*it.receipt_handle).collect::<Vec<_>>(), ["h-0", "h-2"]);
        assert!(hidden.iter().all(|it| hidden_for.contains(&it.time.as_secs())), "{age:?}: {hidden:?}");
    }
}

/// A plan of two batches with ten items each, all of one message, of which the first was purged. Of the second, items up
/// to this number were.
fn partly_purged(items: usize) -> (Plan, Vec<Outcome>) {
    let plan = plan_of_message(20);
    let hashes = plan.batches[1].items().iter().map(|item| plan.batches[1].purge_hash(item));
    let purged = hashes.take(items).collect();
    let outcomes = vec![Outcome::new(0), Outcome { batch: 1, purged, ..outcome(Status::RateLimited, &[(0, QUEUED)]) }];
    (plan, outcomes)
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_purged_in_part_goes_on_with_the_rest() {
    for (items, arn) in [(0, MAIN), (3, MAIN), (0, RETRY), (3, RETRY)] {
        let queue = Queue::default();
        let (plan, outcomes) = partly_purged(items);
        let failed = redeliver_after(Duration::from_secs(60), &queue, &event(arn, &[1]), &plan, outcomes).await;
        assert_eq!(failed, [], "the new message replaces it");
        let sent = queue.sent.into_inner().unwrap();
        let [Deferred { body, purged, team, delay }] = &sent[..] else { panic!("{sent:?}") };
        let expected = plan.batches.iter().flat_map(|batch| batch.items().iter().map(|item| batch.purge_hash(item)));
        assert_eq!(*purged, expected.take(10 + items).collect(), "{items} of the second batch");
        assert_eq!((&**body, team.as_ref().map(TeamName::as_str)), ("0", Some("red")));
        assert_eq!(delay.as_secs(), if arn == MAIN { 0 } else { 1 }, "as it would be hidden");
        assert!(queue.hidden.into_inner().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_again_only_with_more_than_it_has() {
    let (plan, outcomes) = partly_purged(3);
    let purged: PurgedItems = plan.batches[0].items().iter().map(|item| plan.batches[0].purge_hash(item)).collect();
    let mut event: Value = serde_json::from_str(&event(RETRY, &[1])).unwrap();
    event["Records"][0]["messageAttributes"] = json!({ PURGED_ITEMS: { "stringValue": purged.text() } });
    for (outcomes, sent, hidden) in [(outcomes, 1, 0), (partly_purged(0).1, 0, 1)] {
        let queue = Queue::default();
        redeliver(&queue, &event.to_string(), &plan, outcomes).await;
        let counts = (queue.sent.into_inner().unwrap().len(), queue.hidden.into_inner().unwrap().len());
        assert_eq!(counts, (sent, hidden));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_for_its_rest_as_long_as_it_would_be_hidden() {
    for (kind, seconds) in [(QUEUED, 1..=1), (TRANSIENT, 30..=60)] {
        for refuses in [vec![], vec!["0"]] {
            let queue = Queue { refuses: refuses.clone(), ..Queue::default() };
            let (plan, mut outcomes) = partly_purged(3);
            outcomes[1].failed[0].kind = kind;
            let age = Duration::from_secs(60);
            let failed = redeliver_after(age, &queue, &event(RETRY, &[1]), &plan, outcomes).await;
            let sent = queue.sent.into_inner().unwrap();
            let hidden = queue.hidden.into_inner().unwrap();
            let time = sent.first().map_or_else(|| hidden[0].time, |sent| sent.delay);
            assert!(seconds.contains(&time.as_secs()), "{kind:?}: {time:?}");
            let (of_sent, of_hidden) = if refuses.is_empty() { (1, 0) } else { (0, 1) };
            assert_eq!((failed.len(), sent.len(), hidden.len()), (of_hidden, of_sent, of_hidden));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_message_says_what_was_purged_of_it() {
    let queue = Queue::default();
    let plan = plan(4, &[(0, RejectionKind::Transient), (2, RejectionKind::Transient)]);
    let batch = &plan.batches[0];
    let hash = |index: usize| batch.purge_hash(&batch.items()[index]);
    let outcomes = vec![Outcome {
        purged: vec![hash(0), hash(3)],
        ..outcome(Status::Unreachable, &[(1, TRANSIENT), (2, TRANSIENT)])
    }];
    redeliver(&queue, &event(MAIN, &[1; 4]), &plan, outcomes).await;
    let mut sent = queue.sent.into_inner().unwrap();
    sent.sort_by_key(|it| it.body.clone());
    let sent: Vec<_> = sent.into_iter().map(|it| (it.body, it.purged)).collect();
    let purged = |hashes: &[PurgeHash]| hashes.iter().copied().collect::<PurgedItems>();
    let expected = [("0", vec![hash(0)]), ("1", vec![]), ("2", vec![])];
    assert_eq!(sent, expected.map(|(body, hashes)| (body.to_owned(), purged(&hashes))), "the fourth is done");
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_done_after_a_purge_is_done_after_another_one() {
    for team in ["red", "blue"] {
        let queue = Queue::default();
        let (plan, outcomes) = partly_purged(3);
        let (clock, event) = (paused_clock(), event(MAIN, &[1]));
        let messages = decode_with_messages(event.as_bytes()).unwrap().messages;
        let mut report = Report::new(&plan, outcomes);
        let team = TeamName::parse(team).unwrap();
        let is_of_plan = team == plan.batches[0].zone.team;
        report.fail_unfinished(vec![Unfinished { origin: message(0), team, error: "refused".to_owned() }]);
        let redelivery = Redelivery::new(Some(&queue), &messages, &clock);
        redelivery.redeliver(&report, clock.now() + Duration::from_secs(5)).await;
        assert_eq!(queue.sent.into_inner().unwrap()[0].purged.len(), if is_of_plan { 0 } else { 13 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_has_room_for_its_body_first() {
    for (body, items) in [(0, 13), (260_900, 13), (261_070, 4), (261_120, 0), (2_000_000, 0)] {
        let queue = Queue::default();
        let (plan, outcomes) = partly_purged(3);
        let mut event: Value = serde_json::from_str(&event(MAIN, &[1])).unwrap();
        event["Records"][0]["body"] = json!("a".repeat(body));
        redeliver(&queue, &event.to_string(), &plan, outcomes).await;
        assert_eq!(queue.sent.into_inner().unwrap()[0].purged.len(), items, "beside {body} bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_waits_for_its_turn_is_hidden_for_a_short_time() {
    let queue = Queue::default();
    let outcomes = vec![outcome(Status::RateLimited, &[(0, QUEUED), (1, QUEUED), (1, TRANSIENT)])];
    let event = event(RETRY, &[9, 9]);
    redeliver_after(Duration::from_secs(100), &queue, &event, &plan(2, &[]), outcomes).await;
    let hidden: Vec<u64> = queue.hidden.into_inner().unwrap().iter().map(|it| it.time.as_secs()).collect();
    assert!((1..=2).contains(&hidden[0]) && (50..=100).contains(&hidden[1]), "{hidden:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_in_the_event_counts_for_what_only_waits_for_its_turn() {
    for (kind, receives, waited, seconds) in
        [(QUEUED, 1, 0, 1..=1), (QUEUED, 1, 4, 0..=0), (QUEUED, 60, 4, 5..=15), (TRANSIENT, 1, 4, 5..=10)]
    {
        let (queue, clock, event) = (Queue::default(), paused_clock(), event(RETRY, &[receives]));
        let messages = decode_with_messages(event.as_bytes()).unwrap().messages;
        let plan = plan(1, &[]);
        let report = Report::new(&plan, vec![outcome(Status::RateLimited, &[(0, kind)])]);
        let redelivery = Redelivery::new(Some(&queue), &messages, &clock);
        tokio::time::sleep(Duration::from_secs(waited)).await;
        redelivery.redeliver(&report, clock.now() + Duration::from_secs(5)).await;
        let time = queue.hidden.into_inner().unwrap()[0].time;
        assert!(seconds.contains(&time.as_secs()) && time.subsec_nanos() == 0, "{kind:?} after {waited} s: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_retry_queue_and_without_messages_everything_is_reported() {
    let clock = paused_clock();
    let plan = plan(1, &[]);
    let report = Report::new(&plan, vec![outcome(Status::Unreachable, &[(0, TRANSIENT)])]);
    let event = event(MAIN, &[3]);
    let of_main = decode_with_messages(event.as_bytes()).unwrap().messages;
    let deadline = clock.now() + Duration::from_secs(29);
    let redelivery = Redelivery::<Queue>::new(None, &of_main, &clock);
    assert_eq!(redelivery.redeliver(&report, deadline).await, report.failed);
    assert_eq!(redelivery.patience(deadline).retry_for, Duration::from_secs(4));
    let queue = Queue::default();
    let direct = Redelivery::new(Some(&queue), &[], &clock);
    assert_eq!(direct.redeliver(&report, deadline).await, report.failed);
    assert_eq!(direct.patience(deadline), Patience::from(deadline));
    assert!(queue.sent.into_inner().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_second_purge_could_not_be_queued_is_retried() {
    let outcomes = || vec![outcome(Status::ItemsRefused, &[(0, PERMANENT)])];
    let team = TeamName::parse("red").unwrap();
    let unfinished = |index| Unfinished { origin: message(index), team: team.clone(), error: "refused".to_owned() };
    for (queue_arn, deferred, hidden) in [(MAIN, 2, 0), (RETRY, 0, 2)] {
        let (queue, clock, plan, event) = (Queue::default(), paused_clock(), plan(2, &[]), event(queue_arn, &[1; 2]));
        let messages = decode_with_messages(event.as_bytes()).unwrap().messages;
        let mut report = Report::new(&plan, outcomes());
        report.fail_unfinished(vec![unfinished(0), unfinished(1)]);
        assert_eq!(report.failed, [message(0), message(1)]);
        let redelivery = Redelivery::new(Some(&queue), &messages, &clock);
        redelivery.redeliver(&report, clock.now() + Duration::from_secs(5)).await;
        let sent = queue.sent.into_inner().unwrap();
        assert!(sent.iter().all(|it| it.team.as_ref() == Some(&team)), "{sent:?}");
        assert_eq!((sent.len(), queue.hidden.into_inner().unwrap().len()), (deferred, hidden));
        assert_eq!(queue.dead_letters.into_inner().unwrap(), []);
    }
}
