//! `verify`, from the first event to what is logged and counted: with a delay queue in memory, and the edge of a sandbox.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use purge_router_aws::{EmbeddedMetrics, SqsRetryQueue};
use purge_router_cloudflare::{Client, EdgeClient};
use purge_router_lambda::{Function, MappingSource};
use purge_router_pipeline::{Clock, DelayQueue, Delayed, Executor, Settings, Verifier};
use purge_router_sandbox::{Fault, FaultKind, Origin, Sandbox};
use purge_router_test_support::events::{message, records, s3, sqs};
use purge_router_test_support::{LastPurgesInMemory, Written};
use serde_json::{Value, json};
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

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
verify = 1
"#;

/// What was sent to it.
#[derive(Clone, Default)]
struct Queue(Arc<Mutex<Vec<Delayed>>>);

impl DelayQueue for Queue {
    async fn send(&self, messages: &[Delayed], _: Duration) -> Vec<Result<(), String>> {
        self.0.lock().unwrap().extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }
}

struct World {
    sandbox: Sandbox,
    origin: Origin,
    queue: Queue,
    function: Function<SandboxTokens, Client, SqsRetryQueue, Queue, LastPurgesInMemory, EdgeClient>,
    metrics: EmbeddedMetrics,
    written: Written,
    _guards: (metrics::LocalRecorderGuard<'static>, tracing::subscriber::DefaultGuard),
}

impl World {
    async fn new(lines: &str) -> Self {
        let origin = Origin::start().await.unwrap();
        let mappings = purge_router_config::from_toml(&format!("{MAPPINGS}{lines}\n")).unwrap();
        let sandbox = Sandbox::builder().mappings(&mappings).origin(None, origin.url()).purge_race(true);
        let sandbox = sandbox.start().await.unwrap();
        let edge = EdgeClient::of_sandbox(&sandbox.edge_url()).unwrap();
        Self::with_edge(sandbox, origin, mappings, edge)
    }

    fn with_edge(sandbox: Sandbox, origin: Origin, mappings: purge_router_core::Mappings, edge: EdgeClient) -> Self {
        let client = Client::new(&sandbox.api_url()).unwrap();
        let executor =
            Executor::new(client, SandboxTokens, Settings::default(), Clock::with_wall_time(SystemTime::now));
        let queue = Queue::default();
        let function = Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None);
        let verifier = Verifier::new(edge, "*.website.com".parse().unwrap());
        let function = function.with_delay_queue(Some(queue.clone())).with_verifier(Some(verifier));
        let function = function.with_last_purges(Some(LastPurgesInMemory::default()));
        let metrics = EmbeddedMetrics::new("purge-router", ("function", "f".to_owned()));
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        // The runtime of these tests has one thread.
        let recorder: &'static EmbeddedMetrics = Box::leak(Box::new(metrics.clone()));
        let guards = (metrics::set_default_local_recorder(recorder), tracing::subscriber::set_default(lines));
        Self { sandbox, origin, queue, function, metrics, written, _guards: guards }
    }

    /// Handles an event. Returns the failed messages.
    async fn handle(&self, event: &Value) -> Vec<String> {
        let deadline = self.function.clock().now() + Duration::from_secs(20);
        let response = self.function.handle(event.to_string().as_bytes(), deadline).await.unwrap();
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// The messages of the delay queue, which has them no more, as an event.
    fn due(&self) -> Value {
        let messages: Vec<Delayed> = self.queue.0.lock().unwrap().drain(..).collect();
        assert!(messages.iter().all(|message| message.delay >= Duration::from_secs(10)), "{messages:?}");
        let messages = messages.iter().enumerate();
        records(messages.map(|(index, it)| message(&format!("due-{index}"), &it.body)))
    }

    /// What a visitor gets.
    async fn visit(&self, path: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = client.get(format!("{}{path}", self.sandbox.edge_url())).header("host", "www.website.com");
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Caches an old object, replaces it, and handles the event of that.
    async fn change(&self, key: &str) {
        let path = format!("/{key}");
        self.origin.put(&path, "old");
        assert_eq!(self.visit(&path).await, "old");
        self.sandbox.age_cached(Duration::from_secs(60));
        self.origin.put(&path, "new");
        assert_eq!(self.handle(&sqs([("m-0", s3("assets", [key]))])).await, [""; 0]);
    }

    fn accept_without_evicting(&self, times: u32) {
        self.sandbox.add_fault(Fault { times: Some(times), ..Fault::new(FaultKind::KeepCached) });
    }

    /// The URLs of all purges.
    fn purged(&self) -> Vec<String> {
        let bodies = self.sandbox.requests().into_iter().map(|request| request.body);
        bodies.map(|body| String::from_utf8_lossy(&body).into_owned()).collect()
    }

    /// The counts of verdicts: those of the zone, and in total.
    fn verdicts(&self) -> Vec<(String, u64)> {
        let mut lines = Vec::new();
        self.metrics.flush(SystemTime::now(), &mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let counts = lines.flat_map(|line| {
            let prefix =
                if line.get("zone").is_some() { format!("{}/{}/", line["team"], line["zone"]) } else { String::new() };
            let counts = line.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("AfterPurge"));
            let counts = counts.map(|(name, count)| (prefix.replace('"', "") + name, count.as_u64().unwrap()));
            counts.collect::<Vec<_>>()
        });
        counts.collect()
    }

    /// The lines of the log with this message.
    fn logged(&self, message: &str) -> Vec<Value> {
        let lines = self.written.text_from(0);
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

const STALE: &str = "stale after purge";
const A_CSS: &str = r#"{"files":["https://www.website.com/a.css"]}"#;

fn counted(verdict: &str) -> Vec<(String, u64)> {
    vec![(format!("{verdict}AfterPurge"), 1), (format!("web/website.com/{verdict}AfterPurge"), 1)]
}

#[tokio::test]
async fn a_purge_that_evicts_is_verified_and_nothing_else_happens() {
    let world = World::new("").await;
    world.change("a.css").await;
    assert_eq!(world.verdicts(), [], "not at once");
    assert_eq!(world.handle(&world.due()).await, [""; 0]);
    assert_eq!((world.verdicts(), world.purged()), (counted("Fresh"), vec![A_CSS.to_owned()]));
    assert_eq!(world.visit("/a.css").await, "new");
    world.sandbox.age_cached(Duration::from_secs(2));
    assert_eq!(world.logged(STALE), [] as [Value; 0]);
    assert_eq!(world.due(), json!({ "Records": [] }), "what is verified is not verified again");
}

#[tokio::test]
async fn a_purge_that_was_accepted_and_evicted_nothing_is_noticed_and_sent_once_more() {
    let world = World::new("").await;
    world.accept_without_evicting(1);
    world.change("a.css").await;
    assert_eq!(world.visit("/a.css").await, "old");
    assert_eq!(world.handle(&world.due()).await, [""; 0]);
    assert_eq!((world.verdicts(), world.purged()), (counted("Stale"), vec![A_CSS.to_owned(); 2]));
    assert_eq!(world.visit("/a.css").await, "new");
    let [line] = &world.logged(STALE)[..] else { panic!("{}", world.written.text_from(0)) };
    assert_eq!((&line["level"], &line["url"]), (&json!("WARN"), &json!("https://www.website.com/a.css")));
    assert_eq!((&line["team"], &line["zone"], &line["status"]), (&json!("web"), &json!("website.com"), &json!(200)));
    assert_eq!((&line["cache_status"], &line["reason"]), (&json!("HIT"), &json!("cached before the purge")));
    assert!(line["age"].as_u64().unwrap() >= 60, "{line}");
    assert_eq!(world.due(), json!({ "Records": [] }));
}

#[tokio::test]
async fn what_can_not_be_purged_once_more_is_retried() {
    let world = World::new("").await;
    world.accept_without_evicting(1);
    world.change("a.css").await;
    let due = world.due();
    let kind = FaultKind::Status { status: 400, code: 1012, message: "no".to_owned(), retry_after: None };
    world.sandbox.add_fault(Fault::new(kind));
    assert_eq!(world.handle(&due).await, ["due-0"]);
    world.sandbox.clear_faults();
    assert_eq!(world.handle(&due).await, [""; 0]);
    assert_eq!(world.visit("/a.css").await, "new");
}

#[tokio::test]
async fn what_has_a_second_purge_is_verified_after_that_one() {
    let world = World::new("again_after = 10").await;
    world.accept_without_evicting(2);
    world.change("a.css").await;
    let second_purge = world.due();
    assert!(second_purge.to_string().contains("secondPurgeOf"), "{second_purge}");
    world.handle(&second_purge).await;
    let verification = world.due();
    assert!(verification.to_string().contains("verificationOf"), "{verification}");
    world.handle(&verification).await;
    assert_eq!((world.verdicts(), world.purged().len()), (counted("Stale"), 3));
    assert_eq!(world.due(), json!({ "Records": [] }));
}

/// An upload of `a.css`, always of the same content.
fn upload(sequencer: u32) -> Value {
    let now = UtcDateTime::now().format(&Rfc3339).unwrap();
    let object = json!({ "key": "a.css", "eTag": "e", "sequencer": format!("{sequencer:016X}") });
    let s3 = json!({ "bucket": { "name": "assets" }, "object": object });
    let record = json!({ "eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": now, "eventName": "ObjectCreated:Put", "s3": s3 });
    sqs([("m-0", records([record]))])
}

#[tokio::test]
async fn content_that_was_stale_is_not_skipped() {
    for is_stale in [false, true] {
        let world = World::new("skip_unchanged = true").await;
        world.origin.put("/a.css", "old");
        world.visit("/a.css").await;
        world.sandbox.age_cached(Duration::from_secs(60));
        world.accept_without_evicting(is_stale.into());
        world.handle(&upload(1)).await;
        assert_eq!(world.handle(&world.due()).await, [""; 0]);
        assert_eq!(world.verdicts(), counted(if is_stale { "Stale" } else { "Fresh" }));
        let purges = world.purged().len();
        world.handle(&upload(2)).await;
        assert_eq!(world.purged().len(), purges + usize::from(is_stale), "stale: {is_stale}");
    }
}

#[tokio::test]
async fn content_whose_second_purge_failed_is_not_skipped() {
    for fails in [false, true] {
        let world = World::new("skip_unchanged = true\nagain_after = 10").await;
        world.handle(&upload(1)).await;
        let second_purge = world.due();
        let kind = FaultKind::Status { status: 400, code: 1012, message: "no".to_owned(), retry_after: None };
        world.sandbox.add_fault(Fault { times: Some(fails.into()), ..Fault::new(kind) });
        assert_eq!(world.handle(&second_purge).await.is_empty(), !fails);
        world.sandbox.clear_faults();
        let purges = world.purged().len();
        world.handle(&upload(2)).await;
        assert_eq!(world.purged().len(), purges + usize::from(fails), "fails: {fails}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new("").await;
    let elsewhere = Origin::start().await.unwrap();
    world.origin.put_redirect("/a.css", Box::leak(format!("{}/a.css", elsewhere.url()).into_boxed_str()));
    world.handle(&sqs([("m-0", s3("assets", ["a.css"]))])).await;
    world.handle(&world.due()).await;
    assert_eq!(world.verdicts(), counted("Fresh"), "it is from the origin server");
    assert_eq!((world.origin.hits(), elsewhere.hits()), (1, 0));
}

#[tokio::test]
async fn a_hanging_edge_holds_up_its_own_event_for_three_seconds_and_no_purge() {
    let world = World::new("").await;
    world.origin.put("/a.css", "text");
    world.handle(&sqs([("m-0", s3("assets", ["a.css"]))])).await;
    world.origin.set_delay(Duration::from_secs(15));
    // In one event with another purge, which is done before.
    let mut event = world.due();
    event["Records"].as_array_mut().unwrap().push(message("m-1", &s3("assets", ["b.css"]).to_string()));
    let start = Instant::now();
    let handled = async {
        assert_eq!(world.handle(&event).await, [""; 0]);
        start.elapsed()
    };
    let purged = async {
        purge_router_test_support::until(async || world.sandbox.requests().len() == 2).await;
        start.elapsed()
    };
    let (handled, purged) = tokio::join!(handled, purged);
    assert!(purged + Duration::from_secs(2) < handled, "{purged:?} of {handled:?}");
    assert!((3.0..12.0).contains(&handled.as_secs_f64()), "{handled:?}");
    assert_eq!(world.verdicts(), counted("Unknown"));
    assert_eq!(world.logged("not verified").len(), 1);
}

#[tokio::test]
async fn without_allowed_hosts_nothing_is_fetched() {
    let world = World::new("").await;
    let mappings = purge_router_config::from_toml(&MAPPINGS.replace("website", "elsewhere")).unwrap();
    let (sandbox, origin) =
        (Sandbox::builder().mappings(&mappings).start().await.unwrap(), Origin::start().await.unwrap());
    let edge = EdgeClient::of_sandbox(&world.sandbox.edge_url()).unwrap();
    let world = World::with_edge(sandbox, origin, mappings, edge);
    world.handle(&sqs([("m-0", s3("assets", ["a.css"]))])).await;
    assert_eq!(world.due(), json!({ "Records": [] }));
}

#[tokio::test]
async fn a_host_with_a_private_address_is_not_connected_to() {
    let origin = Origin::start().await.unwrap();
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let sandbox = Sandbox::builder().mappings(&mappings).origin(None, origin.url()).start().await.unwrap();
    let port = Sandbox::edge_url(&sandbox).rsplit(':').next().unwrap().parse().unwrap();
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let edge = EdgeClient::with_lookup(Arc::new(move |_| Box::pin(async move { Ok(vec![loopback]) }))).unwrap();
    let world = World::with_edge(sandbox, origin, mappings, edge);
    world.handle(&sqs([("m-0", s3("assets", ["a.css"]))])).await;
    world.handle(&world.due()).await;
    assert_eq!((world.verdicts(), world.origin.hits()), (counted("Unknown"), 0));
    let [line] = &world.logged("not verified")[..] else { panic!("{}", world.written.text_from(0)) };
    let error = line["error"].as_str().unwrap();
    assert!(error.ends_with("the host has no public address, but 127.0.0.1"), "{error}");
}
