//! Planning ends in time for sending: what is not planned by then fails, and the rest is purged.

#![allow(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::Client;
use purge_router_lambda::{Function, MappingSource};
use purge_router_pipeline::{Clock, Executor, Settings};
use purge_router_sandbox::Sandbox;
use purge_router_test_support::events::{s3, sqs};
use serde_json::Value;

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
"#;

/// Each reading of this clock is a minute later than the one before.
fn fast_clock() -> Clock {
    let readings = AtomicU32::new(0);
    let start = SystemTime::now();
    Clock::with_wall_time(move || start + Duration::from_secs(60) * readings.fetch_add(1, Ordering::Relaxed))
}

#[tokio::test]
async fn changes_that_are_not_planned_in_time_fail_and_the_others_are_purged() {
    let mappings = purge_router_config::from_toml(MAPPINGS).unwrap();
    let sandbox = Sandbox::builder().mappings(&mappings).start().await.unwrap();
    let client = Client::new(&sandbox.api_url()).unwrap();
    let executor = Executor::new(client, SandboxTokens, Settings::default(), fast_clock());
    let function = Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None);
    let messages = (0..100).map(|key| (key.to_string(), s3("assets", [format!("{key}.css")])));
    let event = sqs(messages).to_string();

    let deadline = function.clock().now() + Duration::from_secs(100 * 60);
    let response = function.handle(event.as_bytes(), deadline).await.unwrap();

    let failed: BTreeSet<u32> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.parse().unwrap()).collect();
    // The clock is read when the event arrives, for its planning and for its messages, and then before each change: at the
    // 50th reading, half of the time has passed.
    assert_eq!(failed, (48..100).collect(), "half of the time is for planning");
    let [request] = &sandbox.requests()[..] else { panic!("{:?}", sandbox.requests()) };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let purged: BTreeSet<String> =
        body["files"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<String> =
        (0..100).filter(|key| !failed.contains(key)).map(|key| format!("https://www.website.com/{key}.css")).collect();
    assert_eq!(purged, expected);
}
