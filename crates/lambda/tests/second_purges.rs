//! `again_after`, from the first event to what visitors get: with a delay queue in memory, and an edge that stores what it
//! was fetching during a purge.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::Client;
use purge_router_lambda::{Function, MappingSource};
use purge_router_pipeline::{Clock, DelayQueue, Delayed, Executor, Settings};
use purge_router_sandbox::{Fault, FaultKind, Origin, Sandbox};
use purge_router_test_support::events::{message, records, s3, sqs};
use purge_router_test_support::until;

mod support;

use self::support::SandboxTokens;

const MAPPINGS: &str = r#"version = 1
[teams.web]
owns = ["s3://assets/"]
[teams.web.zones."website.com"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.com"]
[[teams.web.mappings]]
source = "s3://assets/"
zones = ["website.com"]
again_after = AGAIN
"#;

/// What was sent to it, unless it refuses everything.
#[derive(Clone, Default)]
struct Queue {
    sent: Arc<Mutex<Vec<Delayed>>>,
    refuses: Arc<Mutex<bool>>,
}

impl DelayQueue for Queue {
    async fn send(&self, messages: &[Delayed], _: Duration) -> Vec<Result<(), String>> {
        if *self.refuses.lock().unwrap() {
            return vec![Err("AccessDenied: no".to_owned()); messages.len()];
        }
        self.sent.lock().unwrap().extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }
}

impl Queue {
    /// The delays and bodies of its messages, which it has no more.
    fn take(&self) -> Vec<(u64, String)> {
        self.sent.lock().unwrap().drain(..).map(|it| (it.delay.as_secs(), it.body)).collect()
    }
}

struct World {
    sandbox: Sandbox,
    origin: Origin,
    queue: Queue,
    function: Function<SandboxTokens, Client, SqsRetryQueue, Queue>,
}

impl World {
    async fn new(again_after: u16) -> Self {
        let mappings = purge_router_config::from_toml(&MAPPINGS.replace("AGAIN", &again_after.to_string())).unwrap();
        let origin = Origin::start().await.unwrap();
        let sandbox = Sandbox::builder().mappings(&mappings).origin(None, origin.url()).purge_race(true);
        let sandbox = sandbox.start().await.unwrap();
        let client = Client::new(&sandbox.api_url()).unwrap();
        let clock = Clock::with_wall_time(SystemTime::now);
        let executor = Executor::new(client, SandboxTokens, Settings::default(), clock);
        let queue = Queue::default();
        let function = Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None);
        Self { sandbox, origin, function: function.with_delay_queue(Some(queue.clone())), queue }
    }

    /// Handles an event. Returns the failed messages, or the error of the whole.
    async fn handle(&self, event: &str) -> Result<Vec<String>, String> {
        let deadline = self.function.clock().now() + Duration::from_secs(20);
        let response = self.function.handle(event.as_bytes(), deadline).await.map_err(|error| error.to_string())?;
        Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
    }

    /// Delivers all that is in the delay queue. Returns the failed messages.
    async fn deliver(&self) -> Vec<String> {
        let messages = self.queue.take().into_iter().enumerate();
        let messages = messages.map(|(index, (_, body))| message(&format!("again-{index}"), &body));
        self.handle(&records(messages).to_string()).await.unwrap()
    }

    /// What a visitor gets, and whether it was cached.
    async fn visit(&self) -> (String, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{}/a.css", self.sandbox.edge_url())).header("host", "www.website.com");
        let answer = request.send().await.unwrap();
        let cache = answer.headers()["cf-cache-status"].to_str().unwrap().to_owned();
        (answer.text().await.unwrap(), cache)
    }

    /// Puts a new object, and handles its event, while the edge waits for the old one.
    async fn change_during_a_fetch(&self) {
        self.origin.put("/a.css", "old");
        self.origin.set_delay(Duration::from_millis(300));
        let change = async {
            until(async || self.origin.hits() > 0).await;
            self.origin.put("/a.css", "new");
            self.origin.set_delay(Duration::ZERO);
            assert_eq!(self.handle(&sqs([("m-0", s3("assets", ["a.css"]))]).to_string()).await, Ok(vec![]));
            assert_eq!(self.sandbox.requests().len(), 1, "purged while the edge waits");
        };
        let ((seen, _), ()) = tokio::join!(self.visit(), change);
        assert_eq!(seen, "old");
    }

    fn refuse(&self, refuses: bool) {
        *self.queue.refuses.lock().unwrap() = refuses;
    }
}

fn seen(text: &str, cache: &str) -> (String, String) {
    (text.to_owned(), cache.to_owned())
}

#[tokio::test]
async fn without_a_second_purge_what_was_being_fetched_stays_cached() {
    let world = World::new(0).await;
    world.change_during_a_fetch().await;
    assert_eq!(world.visit().await, seen("old", "HIT"), "after the purge");
    assert_eq!(world.queue.take(), []);
}

#[tokio::test]
async fn the_second_purge_evicts_what_was_being_fetched_and_is_the_last() {
    let world = World::new(10).await;
    world.change_during_a_fetch().await;
    assert_eq!(world.visit().await, seen("old", "HIT"), "after the first purge");
    let delays: Vec<u64> = world.queue.sent.lock().unwrap().iter().map(|message| message.delay.as_secs()).collect();
    assert_eq!(delays, [10]);
    assert_eq!(world.deliver().await, [""; 0]);
    assert_eq!(world.visit().await, seen("new", "MISS"), "after the second purge");
    assert_eq!(world.visit().await, seen("new", "HIT"));
    assert_eq!((world.queue.take(), world.sandbox.requests().len()), (vec![], 2), "there is no third purge");
}

#[tokio::test]
async fn a_second_purge_that_fails_is_retried_and_queues_nothing() {
    let world = World::new(900).await;
    world.handle(&sqs([("m-0", s3("assets", ["a.css"]))]).to_string()).await.unwrap();
    let bodies = world.queue.take();
    let [(900, body)] = &bodies[..] else { panic!("{bodies:?}") };
    world.sandbox.add_fault(Fault::new(FaultKind::Status {
        status: 403,
        code: 9109,
        message: "no".to_owned(),
        retry_after: None,
    }));
    let event = records([message("again-0", body)]).to_string();
    assert_eq!(world.handle(&event).await, Ok(vec!["again-0".to_owned()]));
    world.sandbox.clear_faults();
    assert_eq!(world.queue.take(), []);
}

#[tokio::test]
async fn a_change_whose_second_purge_can_not_be_queued_is_retried_until_it_can() {
    let world = World::new(10).await;
    let event = sqs([("m-0", s3("assets", ["a.css"])), ("m-1", s3("assets", ["%zz"]))]).to_string();
    world.refuse(true);
    assert_eq!(world.handle(&event).await, Ok(vec!["m-1".to_owned(), "m-0".to_owned()]));
    world.refuse(false);
    assert_eq!(world.handle(&event).await, Ok(vec!["m-1".to_owned()]));
    assert_eq!(world.queue.take().len(), 1);
}

#[tokio::test]
async fn a_direct_invocation_queues_second_purges_and_fails_if_it_can_not() {
    let world = World::new(10).await;
    let event = s3("assets", ["a.css", "b.css"]).to_string();
    assert_eq!(world.handle(&event).await, Ok(vec![]));
    assert_eq!(world.queue.take().len(), 2);
    world.refuse(true);
    let reason = "can't queue a second purge of team web: AccessDenied: no, and 1 more: see the log";
    assert_eq!(world.handle(&event).await, Err(reason.to_owned()));
}
