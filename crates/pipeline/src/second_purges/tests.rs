//! Which second purges are queued, without SQS.

use std::sync::{Arc, Mutex};

use purge_router_core::{Batch, Item, Mode, PurgeRequest, Rejected, RejectionKind, batches, decode, plan};
use purge_router_test_support::events::{s3, sqs};

use super::*;
use crate::outcome::{FailedOrigin, FailureKind, Outcome, Status};
use crate::test_support::paused_clock;

const PERMANENT: FailureKind = FailureKind::Permanent;
const TRANSIENT: FailureKind = FailureKind::Transient;
const UNTRIED: FailureKind = FailureKind::Untried;

/// A queue that takes messages whose body does not contain `refuses`.
#[derive(Debug, Default)]
struct Queue {
    refuses: Option<&'static str>,
    hangs: bool,
    sent: Mutex<Vec<Delayed>>,
}

impl DelayQueue for Queue {
    async fn send(&self, messages: &[Delayed], time: Duration) -> Vec<Result<(), String>> {
        if self.hangs {
            tokio::time::sleep(time).await;
            return vec![Err("deadline exceeded".to_owned()); messages.len()];
        }
        let send = |message: &Delayed| match self.refuses {
            Some(refused) if message.body.contains(refused) => Err("refused".to_owned()),
            _ => {
                self.sent.lock().unwrap().push(message.clone());
                Ok(())
            }
        };
        messages.iter().map(send).collect()
    }
}

impl Queue {
    /// The delay, the team and the keys of what was sent.
    fn sent(&self) -> Vec<(u64, String, String)> {
        let shown = |it: &Delayed| {
            let change = decode(it.body.as_bytes()).unwrap().changes.remove(0);
            assert_eq!(change.second_purge_of, Some(it.team.clone()));
            (it.delay.as_secs(), it.team.to_string(), change.key)
        };
        self.sent.lock().unwrap().iter().map(shown).collect()
    }
}

fn message(id: &str) -> Origin {
    Origin::Message(id.into())
}

/// Three URLs of the teams `red` (after 10 s) and `blue` (after 20 s), for each message with one key.
fn plan_for(messages: &[(&str, &str)]) -> Plan {
    let mut text = "version = 1\n".to_owned();
    for (team, after) in [("red", 10), ("blue", 20)] {
        text += &format!(
            "[teams.{team}]\nowns = [\"s3://files/\"]\n[teams.{team}.zones.\"{team}.com\"]\nzone_id = \"{after:032x}\"\n\
             hostnames = [\"www.{team}.com\", \"img.{team}.com\", \"css.{team}.com\"]\n\
             [[teams.{team}.mappings]]\nsource = \"s3://files/\"\nzones = [\"{team}.com\"]\nagain_after = {after}\n"
        );
    }
    let mappings = purge_router_config::from_toml(&text).unwrap();
    let event = sqs(messages.iter().map(|(id, key)| (*id, s3("files", [*key]))));
    plan(&mappings, decode(event.to_string().as_bytes()).unwrap())
}

/// The outcomes of both teams' batches: blue's, then red's. `failed` are those of red, one for each item.
fn outcomes(plan: &Plan, failed: &[(&str, FailureKind)]) -> Vec<Outcome> {
    let failed = failed.iter().map(|(id, kind)| FailedOrigin { origin: message(id), kind: *kind });
    vec![Outcome::new(0), outcome(plan, 1, failed.collect())]
}

/// An outcome in which the first items of these origins failed, one for each time that an origin is in the list.
fn outcome(plan: &Plan, index: usize, failed: Vec<FailedOrigin>) -> Outcome {
    let (batch, mut left) = (&plan.batches[index], failed.clone());
    let purged = batch.items().iter().filter(|item| {
        let position = left.iter().position(|failed| item.origins.contains(&failed.origin));
        position.map(|position| left.remove(position)).is_none()
    });
    let purged = if failed.is_empty() { Vec::new() } else { purged.map(|item| batch.purge_hash(item)).collect() };
    let status = if failed.is_empty() { Status::Purged } else { Status::ItemsRefused };
    Outcome { status, failed, purged, ..Outcome::new(index) }
}

async fn queue_all<'p>(queue: &Queue, report: Report<'p>) -> Report<'p> {
    let clock = paused_clock();
    queue_second_purges(Some(queue), report, &clock, clock.now() + Duration::from_secs(29)).await
}

fn keys(sent: &[(u64, String, String)], team: &str) -> Vec<String> {
    sent.iter().filter(|(_, of, _)| of == team).map(|(_, _, key)| key.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_team_has_its_own_message_with_its_delay() {
    let (queue, plan) = (Queue::default(), plan_for(&[("m-0", "a")]));
    let report = queue_all(&queue, Report::new(&plan, outcomes(&plan, &[]))).await;
    assert_eq!((report.failed, report.unfinished), (vec![], vec![]));
    let message = |after, team: &str| (after, team.to_owned(), "a".to_owned());
    assert_eq!(queue.sent(), [message(20, "blue"), message(10, "red")]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_which_anything_was_accepted_is_queued() {
    for (failed, queued) in [
        (vec![], true),
        (vec![("m-0", PERMANENT); 3], false),
        (vec![("m-0", PERMANENT)], true),
        // A retry purges only the rest.
        (vec![("m-0", TRANSIENT)], true),
        (vec![("m-0", TRANSIENT), ("m-0", PERMANENT)], true),
        (vec![("m-0", UNTRIED); 2], true),
        (vec![("m-0", TRANSIENT); 3], false),
        (vec![("m-1", TRANSIENT)], true),
    ] {
        let (queue, plan) = (Queue::default(), plan_for(&[("m-0", "a"), ("m-1", "b")]));
        let report = queue_all(&queue, Report::new(&plan, outcomes(&plan, &failed))).await;
        assert_eq!(report.unfinished, []);
        assert_eq!(keys(&queue.sent(), "red").contains(&"a".to_owned()), queued, "{failed:?}");
        assert_eq!(keys(&queue.sent(), "blue"), ["a", "b"], "the other team does not notice: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn batches_that_did_not_end_are_retried() {
    let (queue, plan) = (Queue::default(), plan_for(&[("m-0", "a")]));
    let report = queue_all(&queue, Report::new(&plan, vec![Outcome::new(0)])).await;
    assert_eq!(keys(&queue.sent(), "red"), [""; 0]);
    assert_eq!(keys(&queue.sent(), "blue"), ["a"]);
    assert_eq!(report.failed, [message("m-0")]);
}

#[tokio::test(start_paused = true)]
async fn what_of_a_direct_invocation_was_purged_is_queued_because_nobody_has_to_retry_it() {
    let mut plan = plan_for(&[("m-0", "a")]);
    plan.batches = plan.batches.iter().map(of_invocation).collect();
    for second in &mut plan.second_purges {
        Arc::make_mut(&mut second.change).origin = Origin::Invocation;
    }
    let failed = FailedOrigin { origin: Origin::Invocation, kind: TRANSIENT };
    let outcome = |batch, count| outcome(&plan, batch, vec![failed.clone(); count]);
    let queue = Queue::default();
    queue_all(&queue, Report::new(&plan, vec![outcome(0, 1), outcome(1, 3)])).await;
    assert_eq!((keys(&queue.sent(), "blue"), keys(&queue.sent(), "red")), (vec!["a".to_owned()], vec![]));
}

/// The same items, which the invocation itself asked for.
fn of_invocation(batch: &Batch) -> Batch {
    let request = |item: Item| {
        let (mode, origin) = (Mode::Purge, &Origin::Invocation);
        PurgeRequest { zone: &batch.zone, mode, item, origin, changed_at: None }
    };
    batches(batch.items().iter().map(|item| request(item.item.clone()))).remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_queued_fails_and_is_retried() {
    let (queue, plan) = (Queue { refuses: Some("\"b\""), ..Queue::default() }, plan_for(&[("m-0", "a"), ("m-1", "b")]));
    let report = queue_all(&queue, Report::new(&plan, outcomes(&plan, &[("m-1", PERMANENT)]))).await;
    assert_eq!(report.failed, [message("m-1")]);
    let teams: Vec<&str> = report.unfinished.iter().map(|it| it.team.as_str()).collect();
    assert_eq!(teams, ["blue", "red"]);
    assert!(report.reason().contains("red.com of team red: items-refused"), "{}", report.reason());
    let only = Report { outcomes: outcomes(&plan, &[]), ..report };
    assert_eq!(only.reason(), "can't queue a second purge of team blue: refused, and 1 more: see the log");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_costs_an_event_five_seconds_at_most() {
    let (queue, plan, clock) = (Queue { hangs: true, ..Queue::default() }, plan_for(&[("m-0", "a")]), paused_clock());
    for (left, waited) in [(29.0, 5.0), (4.0, 2.0), (0.0, 0.0)] {
        let start = clock.now();
        let report = Report::new(&plan, outcomes(&plan, &[]));
        let report = queue_second_purges(Some(&queue), report, &clock, start + Duration::from_secs_f64(left)).await;
        assert_eq!((clock.now() - start).as_secs_f64(), waited);
        assert_eq!(report.failed, [message("m-0")]);
        assert!(report.unfinished.iter().all(|it| it.error.ends_with(": deadline exceeded")));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_nothing_fails() {
    let (plan, clock) = (plan_for(&[("m-0", "a")]), paused_clock());
    let report = Report::new(&plan, outcomes(&plan, &[]));
    let report = queue_second_purges::<crate::NoDelayQueue>(None, report, &clock, clock.now()).await;
    assert_eq!((report.failed, report.unfinished), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn time_is_reserved_only_for_plans_with_second_purges() {
    let (clock, plan) = (paused_clock(), plan_for(&[("m-0", "a")]));
    let deadline = |plan: &Plan, left| {
        let now = clock.now();
        (sending_deadline(plan, &clock, now + Duration::from_secs_f64(left)) - now).as_secs_f64()
    };
    assert_eq!((deadline(&plan, 29.0), deadline(&plan, 2.0)), (28.0, 1.5));
    assert_eq!(deadline(&Plan::default(), 29.0), 29.0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_retried_does_not_hold_up_the_others_of_its_message() {
    let mut plan = plan_for(&[("m-0", "a.css"), ("m-1", "b.css")]);
    let (kind, reason) = (RejectionKind::Transient, "over budget".to_owned());
    plan.rejected.push(Rejected { origin: message("m-0"), kind, reason });
    let queue = Queue::default();
    queue_all(&queue, Report::new(&plan, outcomes(&plan, &[]))).await;
    assert_eq!(queue.sent().len(), 4, "{:?}", queue.sent());
}
