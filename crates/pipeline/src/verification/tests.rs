//! What is queued, fetched and purged once more, without SQS and without sockets.

use std::sync::Mutex;

use purge_router_core::{Origin, decode, plan};
use purge_router_test_support::events::{records, s3, sqs};

use super::*;
use crate::outcome::{FailedOrigin, FailureKind, Outcome, Status};
use crate::test_support::paused_clock;

/// An edge whose URLs that contain one of these words are stale, hang, or fail.
#[derive(Default)]
struct FakeEdge {
    asked: Mutex<Vec<String>>,
}

impl Edge for &FakeEdge {
    async fn head(&self, url: &str, timeout: Duration) -> Result<EdgeResponse, String> {
        self.asked.lock().unwrap().push(url.to_owned());
        if url.contains("hangs") {
            // A client that does not keep its promise.
            tokio::time::sleep(timeout * 10).await;
        }
        if url.contains("fails") {
            return Err("connection refused".to_owned());
        }
        let age = if url.contains("stale") { u64::MAX } else { 0 };
        Ok(EdgeResponse { status: 200, cache_status: Some("HIT".to_owned()), age: Some(age), etag: None })
    }
}

impl FakeEdge {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

#[derive(Default)]
struct Queue(Mutex<Vec<Delayed>>);

impl DelayQueue for Queue {
    async fn send(&self, messages: &[Delayed], _: Duration) -> Vec<Result<(), String>> {
        self.0.lock().unwrap().extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }
}

impl Queue {
    /// The URLs of its messages, and the messages as an event.
    fn take(&self) -> (Vec<String>, String) {
        let bodies: Vec<String> = self.0.lock().unwrap().drain(..).map(|message| message.body).collect();
        let urls = bodies.iter().flat_map(|body| {
            let change = decode(body.as_bytes()).unwrap().changes.remove(0);
            change.verification.unwrap().urls.clone()
        });
        let messages = bodies.iter().enumerate();
        let messages = messages.map(|(index, body)| {
            serde_json::json!({ "messageId": format!("v-{index}"), "eventSource": "aws:sqs", "body": body })
        });
        (urls.collect(), records(messages).to_string())
    }
}

fn mappings(teams: &[&str]) -> purge_router_core::Mappings {
    let mut text = "version = 1\n".to_owned();
    for (index, team) in teams.iter().enumerate() {
        text += &format!(
            "[teams.{team}]\nowns = [\"s3://files/\"]\n[teams.{team}.zones.\"{team}.com\"]\nzone_id = \"{index:032x}\"\n\
             hostnames = [\"www.{team}.com\"]\nverify = 1\n\
             [[teams.{team}.mappings]]\nsource = \"s3://files/\"\nzones = [\"{team}.com\"]\n"
        );
    }
    purge_router_config::from_toml(&text).unwrap()
}

fn plan_of(teams: &[&str], event: &str) -> Plan {
    plan(&mappings(teams), decode(event.as_bytes()).unwrap())
}

/// An event of these keys, each in a message of its own.
fn event(keys: &[&str]) -> String {
    sqs(keys.iter().enumerate().map(|(index, key)| (format!("m-{index}"), s3("files", [*key])))).to_string()
}

fn verifier<'e>(edge: &'e FakeEdge, hosts: &str) -> Verifier<&'e FakeEdge> {
    Verifier::new(edge, hosts.parse().unwrap())
}

const DEADLINE: Duration = Duration::from_secs(20);

/// Queues what is purged, and returns the URLs and the event that brings it back.
async fn queue(
    verifier: &Verifier<&FakeEdge>,
    plan: &Plan,
    outcomes: Vec<Outcome>,
    clock: &Clock,
) -> (Vec<String>, String) {
    let queue = Queue::default();
    let report = Report::new(plan, outcomes);
    verifier.queue(&queue, &report, clock.wall_time(), clock, clock.now() + DEADLINE).await;
    assert!(queue.0.lock().unwrap().iter().all(|message| message.delay == VERIFY_AFTER));
    queue.take()
}

fn bodies(plan: &Plan) -> Vec<String> {
    plan.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_stale_is_purged_once_more_in_its_zone_and_nothing_else() {
    let (edge, clock) = (FakeEdge::default(), paused_clock());
    let verifier = verifier(&edge, "www.red.com, *.blue.com");
    let plan = plan_of(&["red", "blue"], &event(&["stale.css", "fresh.css", "fails.css"]));
    let (urls, back) = queue(&verifier, &plan, vec![Outcome::new(0), Outcome::new(1)], &clock).await;
    assert_eq!(urls.len(), 6, "{urls:?}");
    let plan = plan_of(&["red", "blue"], &back);
    assert_eq!((plan.batches.len(), plan.checks.len(), plan.samples.len()), (0, 6, 0));
    let again = verifier.check(&plan, &clock, clock.now() + DEADLINE).await;
    let body = |team: &str| format!("{{\"files\":[\"https://www.{team}.com/stale.css\"]}}");
    assert_eq!(bodies(&again), [body("blue"), body("red")]);
    assert_eq!(edge.asked().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn only_what_was_purged_on_an_allowed_host_is_queued_and_only_such_a_host_is_asked() {
    let (edge, clock) = (FakeEdge::default(), paused_clock());
    let all = verifier(&edge, "*.red.com, *.blue.com");
    let plan = plan_of(&["red", "blue"], &event(&["a.css"]));
    // Batches are in the order of teams: blue's is first.
    let failed = FailedOrigin { origin: Origin::Invocation, kind: FailureKind::Transient };
    let failed = Outcome { status: Status::Unreachable, failed: vec![failed], ..Outcome::new(0) };
    let purged = vec![plan.batches[0].purge_hash(&plan.batches[0].items()[0])];
    let in_part = Outcome { purged, ..failed.clone() };
    let (urls, _) = queue(&all, &plan, vec![failed, Outcome::new(1)], &clock).await;
    assert_eq!(urls, ["https://www.red.com/a.css"], "blue's was not purged");
    let (urls, _) = queue(&all, &plan, vec![in_part, Outcome::new(1)], &clock).await;
    assert_eq!(urls.len(), 2, "blue's was purged, and a retry does not purge it again: {urls:?}");
    let (_, back) = queue(&all, &plan, vec![Outcome::new(0), Outcome::new(1)], &clock).await;
    let reds = verifier(&edge, "*.red.com");
    let (urls, _) = queue(&reds, &plan, vec![Outcome::new(0), Outcome::new(1)], &clock).await;
    assert_eq!(urls, ["https://www.red.com/a.css"]);
    reds.check(&plan_of(&["red", "blue"], &back), &clock, clock.now() + DEADLINE).await;
    assert_eq!(edge.asked(), ["https://www.red.com/a.css"], "the setting may have changed in between");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_ends_after_three_seconds_and_delays_no_other() {
    let (edge, clock) = (FakeEdge::default(), paused_clock());
    let verifier = verifier(&edge, "*.red.com, *.blue.com");
    let keys: Vec<String> = (0..9).map(|index| format!("hangs{index}.css")).chain(["stale.css".to_owned()]).collect();
    let plan = plan_of(&["red"], &event(&keys.iter().map(String::as_str).collect::<Vec<_>>()));
    let (_, back) = queue(&verifier, &plan, vec![Outcome::new(0)], &clock).await;
    for (left, expected) in [(DEADLINE, CHECKING_TIME), (Duration::from_secs(2), Duration::from_secs(1))] {
        let start = clock.now();
        let again = verifier.check(&plan_of(&["red"], &back), &clock, start + left).await;
        assert_eq!((clock.now() - start, bodies(&again).len()), (expected, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_and_a_second_have_a_bound_and_teams_take_turns() {
    let (edge, clock) = (FakeEdge::default(), paused_clock());
    let verifier = verifier(&edge, "*.red.com, *.blue.com");
    let plan = plan_of(&["red", "blue"], &event(&["a.css"]));
    let (_, back) = queue(&verifier, &plan, vec![Outcome::new(0), Outcome::new(1)], &clock).await;
    let mut plan = plan_of(&["red", "blue"], &back);
    // One URL of blue after thirty of red.
    plan.checks.sort_by_key(|check| check.url.contains("blue"));
    plan.checks = [vec![plan.checks[0].clone(); 30], vec![plan.checks[1].clone()]].concat();
    verifier.check(&plan, &clock, clock.now() + DEADLINE).await;
    let asked = edge.asked();
    assert_eq!(asked.len(), CHECKS_PER_EVENT);
    assert!(asked.contains(&"https://www.blue.com/a.css".to_owned()), "{asked:?}");
    verifier.check(&plan, &clock, clock.now() + DEADLINE).await;
    assert_eq!(edge.asked(), [""; 0], "within the same second");
    clock.sleep_until(clock.now() + Duration::from_secs(1)).await;
    verifier.check(&plan, &clock, clock.now() + DEADLINE).await;
    assert_eq!(edge.asked().len(), CHECKS_PER_EVENT);
}
