//! `skip_unchanged` with two instances of the function, the sandbox's API and edge, and an origin server.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use std::time::{Duration, SystemTime};

use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::Client;
use purge_router_core::Mappings;
use purge_router_lambda::{Function, MappingSource};
use purge_router_pipeline::{Clock, Executor, NoDelayQueue, Settings};
use purge_router_sandbox::{Fault, FaultKind, Origin, Sandbox};
use purge_router_test_support::events::{message, records};
use purge_router_test_support::{LastPurgesInMemory, until};
use serde_json::json;
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
skip_unchanged = true
"#;

type Instance = Function<SandboxTokens, Client, SqsRetryQueue, NoDelayQueue, LastPurgesInMemory>;

/// What happened to `a.css`.
#[derive(Clone, Copy)]
struct Happened {
    name: &'static str,
    etag: Option<&'static str>,
    sequencer: Option<u32>,
}

/// A new content with this ETag.
fn put(etag: &'static str, sequencer: u32) -> Happened {
    Happened { name: "ObjectCreated:Put", etag: Some(etag), sequencer: Some(sequencer) }
}

impl Happened {
    fn record(self) -> serde_json::Value {
        let now = UtcDateTime::now().format(&Rfc3339).unwrap();
        let mut object = json!({ "key": "a.css" });
        if let Some(etag) = self.etag {
            object["eTag"] = json!(etag);
        }
        if let Some(sequencer) = self.sequencer {
            object["sequencer"] = json!(format!("{sequencer:016X}"));
        }
        let s3 = json!({ "bucket": { "name": "assets" }, "object": object });
        json!({ "eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": now, "eventName": self.name, "s3": s3 })
    }
}

struct World {
    sandbox: Sandbox,
    origin: Origin,
    store: LastPurgesInMemory,
}

impl World {
    async fn new() -> Self {
        let origin = Origin::start().await.unwrap();
        let sandbox = Sandbox::builder().mappings(&mappings("")).origin(None, origin.url());
        Self { sandbox: sandbox.start().await.unwrap(), origin, store: LastPurgesInMemory::default() }
    }

    fn instance(&self, store: &LastPurgesInMemory, mappings: Mappings) -> Instance {
        let client = Client::new(&self.sandbox.api_url()).unwrap();
        let clock = Clock::with_wall_time(SystemTime::now);
        let executor = Executor::new(client, SandboxTokens, Settings::default(), clock);
        Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None)
            .with_last_purges(Some(store.clone()))
    }

    /// Two instances that share what was purged last.
    fn instances(&self) -> [Instance; 2] {
        [(); 2].map(|()| self.instance(&self.store, mappings("")))
    }

    fn requests(&self) -> usize {
        self.sandbox.requests().len()
    }

    /// What a visitor gets, which is cached from then on.
    async fn visit(&self) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(format!("{}/a.css", self.sandbox.edge_url())).header("host", "www.website.com");
        request.send().await.unwrap().text().await.unwrap()
    }
}

fn mappings(more: &str) -> Mappings {
    purge_router_config::from_toml(&format!("{MAPPINGS}{more}")).unwrap()
}

/// Handles a message with these records. Returns whether it is done.
async fn handle(instance: &Instance, happened: &[Happened]) -> bool {
    let body = records(happened.iter().map(|it| it.record())).to_string();
    let event = records([message("m-0", &body)]).to_string();
    let deadline = instance.clock().now() + Duration::from_secs(20);
    instance.handle(event.as_bytes(), deadline).await.unwrap().batch_item_failures.is_empty()
}

fn refuse() -> Fault {
    Fault::new(FaultKind::Status { status: 403, code: 9109, message: "no".to_owned(), retry_after: None })
}

#[tokio::test]
async fn what_one_instance_purged_another_one_does_not_purge_again() {
    let world = World::new().await;
    let [one, two] = world.instances();
    assert!(handle(&one, &[put("a", 1)]).await);
    for (sequencer, instance) in (2..).zip([&two, &one, &two]) {
        assert!(handle(instance, &[put("a", sequencer)]).await);
    }
    assert_eq!(world.requests(), 1);
    assert!(handle(&two, &[put("b", 5)]).await);
    assert_eq!(world.requests(), 2);
}

/// One instance purges A, the other one B, and the first one gets A again. Visitors come after each event.
async fn a_b_a(world: &World, one: &Instance, two: &Instance) -> String {
    for (content, sequencer, instance) in [("a", 1, one), ("b", 2, two), ("a", 3, one)] {
        world.origin.put("/a.css", content);
        assert!(handle(instance, &[put(content, sequencer)]).await);
        world.visit().await;
    }
    world.visit().await
}

#[tokio::test]
async fn content_that_came_back_is_purged_though_its_instance_did_not_see_the_other_content() {
    let world = World::new().await;
    let [one, two] = world.instances();
    assert_eq!(a_b_a(&world, &one, &two).await, "a");
    assert_eq!(world.requests(), 3);
}

/// Why the memory must be shared: what is wrong without that, this test shows.
#[tokio::test]
async fn with_a_memory_of_its_own_an_instance_would_skip_content_that_came_back() {
    let world = World::new().await;
    let [one, two] = [(); 2].map(|()| world.instance(&LastPurgesInMemory::default(), mappings("")));
    assert_eq!(a_b_a(&world, &one, &two).await, "b", "stale");
}

#[tokio::test]
async fn a_skip_during_the_purge_of_other_content_makes_that_purge_repeat() {
    let world = World::new().await;
    let [one, two] = world.instances();
    world.origin.put("/a.css", "a");
    assert!(handle(&one, &[put("a", 1)]).await);
    world.sandbox.add_fault(Fault { times: Some(1), ..Fault::new(FaultKind::Delay { milliseconds: 500 }) });
    world.origin.put("/a.css", "b");
    let b = [put("b", 2)];
    let slow = handle(&two, &b);
    let skipped = async {
        // The other instance has read that A was purged last, and Cloudflare takes its time.
        until(async || world.requests() == 2).await;
        assert_eq!(world.visit().await, "b");
        world.origin.put("/a.css", "a");
        assert!(handle(&one, &[put("a", 3)]).await, "no instance has received the event of B yet");
    };
    let (is_done, ()) = tokio::join!(slow, skipped);
    assert!(!is_done, "so B's message must not be done");
    assert!(handle(&two, &[put("b", 2)]).await);
    assert_eq!(world.visit().await, "a");
    assert!(handle(&one, &[put("a", 4)]).await);
    assert_eq!(world.requests(), 3, "B is older than what is remembered, so its purge changes nothing about that");
}

#[tokio::test]
async fn only_a_new_content_that_was_purged_last_is_skipped() {
    let name = |name| Happened { name, ..put("a", 2) };
    for (happened, requests) in [
        (put("a", 2), 0),
        (put("a", 1), 0),
        (put("b", 2), 1),
        (put("a", 0), 1),
        (Happened { etag: None, ..put("a", 2) }, 1),
        (Happened { sequencer: None, ..put("a", 2) }, 1),
        // They may have changed the Content-Type, or be the content of another object.
        (name("ObjectCreated:CompleteMultipartUpload"), 1),
        (name("ObjectCreated:Copy"), 1),
        (name("ObjectRemoved:Delete"), 1),
    ] {
        let world = World::new().await;
        let [one, two] = world.instances();
        assert!(handle(&one, &[put("a", 1)]).await);
        assert!(handle(&two, &[happened]).await);
        assert_eq!(world.requests() - 1, requests, "{} {:?}", happened.name, happened.etag);
        // Whatever came between, the content is purged, unless it was purged last.
        let is_known = requests == 0 || happened.sequencer == Some(0);
        assert!(handle(&one, &[put("a", 3)]).await);
        assert_eq!(world.requests() - 1 - requests, usize::from(!is_known), "{}", happened.name);
    }
}

#[tokio::test]
async fn a_removal_is_noticed_by_a_mapping_that_does_not_purge_it() {
    let world = World::new().await;
    let created = MAPPINGS.replace("skip_unchanged", "events = [\"created\"]\nskip_unchanged");
    let instance = world.instance(&world.store, purge_router_config::from_toml(&created).unwrap());
    assert!(handle(&instance, &[put("a", 1)]).await);
    assert!(handle(&instance, &[Happened { name: "ObjectRemoved:Delete", ..put("a", 2) }]).await);
    assert_eq!(world.requests(), 1);
    assert!(handle(&instance, &[put("a", 3)]).await);
    assert_eq!(world.requests(), 2, "visitors may have got a 404 in between, which is cached");
}

#[tokio::test]
async fn several_changes_in_one_message_are_skipped_only_together() {
    let world = World::new().await;
    let [one, _] = world.instances();
    assert!(handle(&one, &[put("a", 1)]).await);
    assert!(handle(&one, &[put("a", 2), put("a", 3)]).await);
    assert_eq!(world.requests(), 1);
    assert!(handle(&one, &[put("a", 4), put("b", 5), put("a", 6)]).await);
    assert_eq!(world.requests(), 2);
    assert!(handle(&one, &[put("b", 7)]).await, "the newest content counts, whatever the order in the message");
    assert_eq!(world.requests(), 3);
}

#[tokio::test]
async fn a_failed_purge_is_not_remembered_and_what_was_before_it_neither() {
    let world = World::new().await;
    let [one, two] = world.instances();
    assert!(handle(&one, &[put("a", 1)]).await);
    world.sandbox.add_fault(refuse());
    assert!(!handle(&two, &[put("b", 2)]).await);
    world.sandbox.clear_faults();
    // A fresh instance, whose circuit of the token is closed.
    let [one, _] = world.instances();
    let before = world.requests();
    assert!(handle(&one, &[put("a", 3)]).await);
    assert_eq!(world.requests(), before + 1, "a visitor may have got B");
}

#[tokio::test]
async fn an_edit_that_leads_to_other_urls_makes_an_unchanged_object_purge() {
    let world = World::new().await;
    for (edit, requests) in [
        ("", 1),
        ("include = [\"*.css\"]\n", 0),
        ("query_strings = [\"\", \"v=1\"]\n", 1),
        ("query_strings = [\"\", \"v=1\"]\n", 0),
        ("mode = \"invalidate\"\n", 1),
        ("also = [\"/\"]\n", 1),
        (
            "[[teams.web.mappings]]\nsource = \"s3://assets/\"\nzones = [\"website.com\"]\nskip_unchanged = true\npurge = \"hosts\"\n",
            2,
        ),
    ] {
        let before = world.requests();
        assert!(handle(&world.instance(&world.store, mappings(edit)), &[put("a", 1)]).await);
        assert_eq!(world.requests() - before, requests, "{edit}");
    }
}

#[tokio::test]
async fn other_mappings_and_other_teams_purge_what_is_unchanged() {
    let world = World::new().await;
    let more = "[[teams.web.mappings]]\nsource = \"s3://assets/\"\nzones = [\"website.com\"]\npurge = \"hosts\"\n";
    let instance = world.instance(&world.store, mappings(more));
    assert!(handle(&instance, &[put("a", 1)]).await);
    assert!(handle(&instance, &[put("a", 2)]).await);
    let methods: Vec<bool> =
        world.sandbox.requests().iter().map(|it| String::from_utf8_lossy(&it.body).contains("hosts")).collect();
    assert_eq!(methods.iter().filter(|is_hosts| **is_hosts).count(), 2);
    assert_eq!(methods.len(), 3);
}

#[tokio::test]
async fn what_can_not_be_read_or_written_is_purged_and_fails() {
    let world = World::new().await;
    let [one, _] = world.instances();
    assert!(handle(&one, &[put("a", 1)]).await);
    for (requests, (reads, writes)) in (2..).zip([(true, false), (false, true)]) {
        world.store.fail(reads, writes);
        assert!(!handle(&one, &[put("b", 2)]).await, "another instance may skip A, which must not be forgotten");
        assert_eq!(world.requests(), requests);
    }
    world.store.fail(false, false);
    assert!(handle(&one, &[put("b", 2)]).await);
    assert!(handle(&one, &[put("b", 3)]).await);
    assert_eq!(world.requests(), 4);
}
