//! What is reported: which origins failed, and the JSON that others read.

use purge_router_sandbox::FaultKind;
use purge_router_test_support::events::{message, record, records, s3, sqs};
use serde_json::{Value, json};

use crate::log::LOG;
use crate::world::{PLENTY, World, assert_all_purged, failed, fault, red, zone_id};

fn a_bit_of_everything() -> Value {
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string();
    let mut read = record("red-files", "a.css");
    read["eventName"] = "ObjectAccessed:Get".into();
    let one_broken = records([record("red-files", "with-broken.css"), json!({ "eventSource": "aws:s3" })]);
    records([
        message("good", &s3("red-files", ["a.css"]).to_string()),
        message("test", &test_event),
        message("read", &records([read]).to_string()),
        message("garbage", "no JSON"),
        message("unmatched", &s3("red-files", ["a.txt"]).to_string()),
        message("dots", &s3("red-files", ["x/../a.css", "fine.css"]).to_string()),
        message("bad", &s3("red-files", ["bad.css"]).to_string()),
        message("broken", &one_broken.to_string()),
        message("broken-and-bad", &records([record("red-files", "bad.css"), json!({})]).to_string()),
    ])
}

async fn world() -> World {
    let world = World::new(red("", "include = [\"*.css\"]")).await;
    let url = "https://www.red.com/bad.css".to_owned();
    world.sandbox().add_fault(fault("red.com", FaultKind::RejectUrl { url }, None));
    world
}

#[tokio::test]
async fn what_was_rejected_or_not_purged_fails_once_and_nothing_else_does() {
    let world = world().await;
    let report = world.run(&a_bit_of_everything()).await;
    let mut origins = failed(&report);
    origins.sort();
    assert_eq!(origins, ["bad", "broken", "broken-and-bad", "garbage"]);
    let purged = world.purged_items("red.com");
    assert_eq!(purged, crate::world::urls("red.com", ["a.css", "fine.css", "with-broken.css"]));
}

#[tokio::test]
async fn a_direct_event_fails_as_a_whole() {
    let world = world().await;
    assert_all_purged(&world.run(&s3("red-files", ["a.css", "a.txt"])).await, "good and unmatched");
    assert_eq!(failed(&world.run(&s3("red-files", ["a.css", "bad.css"])).await), ["invocation"]);
}

#[tokio::test]
async fn nothing_matched_and_nothing_fails() {
    let world = world().await;
    let report = world.run(&sqs([("m-1", s3("red-files", ["a.txt"])), ("m-2", s3("others", ["a.css"]))])).await;
    assert!(report.failed.is_empty() && world.requests().is_empty());
}

#[tokio::test]
async fn the_json_of_a_report_is_as_documented() {
    let world = world().await;
    let report = world.run(&a_bit_of_everything()).await;
    let mut json = serde_json::to_value(&report).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["changes", "ignored", "rejected", "unmatched", "batches", "outcomes", "failed"]);
    assert_eq!(json["changes"], 7);
    let ignored = json!([
        { "origin": "test", "reason": "test-event" },
        { "origin": "read", "reason": "ObjectAccessed:Get" },
    ]);
    assert_eq!(json["ignored"], ignored);
    let rejected: Vec<&Value> = json["rejected"].as_array().unwrap().iter().map(|one| &one["origin"]).collect();
    assert_eq!(rejected, ["garbage", "broken", "broken-and-bad", "dots"]);
    assert_eq!(json["unmatched"], json!([{ "bucket": "red-files", "key": "a.txt" }]));
    let files = ["a", "fine", "bad", "with-broken"].map(|name| format!("https://www.red.com/{name}.css"));
    let batch = json!({
        "team": "red",
        "zone": "red.com",
        "zone_id": zone_id("red.com"),
        "mode": "purge",
        "body": { "files": files },
        "origins": ["good", "dots", "bad", "broken-and-bad", "broken"],
    });
    assert_eq!(json["batches"], json!([batch]));
    let outcome = json["outcomes"][0].as_object_mut().unwrap();
    assert!(outcome.remove("ray").unwrap().as_str().unwrap().ends_with("-SBX"));
    let error = outcome.remove("error").unwrap();
    assert!(error.as_str().unwrap().starts_with("HTTP 400: 1082 "), "{error}");
    let expected = json!({
        "batch": 0, "status": "items-refused", "attempts": 5, "refused_items": ["https://www.red.com/bad.css"],
    });
    assert_eq!(json["outcomes"], json!([expected]));
    assert_eq!(json["failed"], json!(["garbage", "broken", "broken-and-bad", "bad"]));
}

#[tokio::test]
async fn the_outcome_of_a_good_batch_is_short() {
    let report = world().await.run(&s3("red-files", ["a.css"])).await;
    let mut json = serde_json::to_value(&report).unwrap();
    json["outcomes"][0].as_object_mut().unwrap().remove("ray");
    assert_eq!(json["outcomes"], json!([{ "batch": 0, "status": "purged", "attempts": 1 }]));
    assert_eq!(json["failed"], json!([]));
}

/// The first reason, and how many more there are.
#[tokio::test]
async fn a_report_says_why_on_one_line() {
    let world = world().await;
    let reason = async |event: &Value| world.run(event).await.reason();
    assert_eq!(reason(&s3("red-files", ["a.css"])).await, "nothing failed");
    let refused = reason(&s3("red-files", ["bad.css"])).await;
    assert!(refused.starts_with("red.com of team red: items-refused: HTTP 400: 1082 "), "{refused}");
    let several = reason(&s3("red-files", ["cfut_secret/%zz.css", "bad.css"])).await;
    assert!(several.starts_with("Records[0].s3.object.key: `cfut_[redacted]/%zz.css`: "), "{several}");
    assert!(several.ends_with(", and 1 more: see the log"), "{several}");
}

#[tokio::test]
async fn the_log_line_of_a_failed_batch_names_its_origins() {
    let start = LOG.length();
    let world = world().await;
    let ids: Vec<String> = (0..12).map(|index| format!("origin-{index}")).collect();
    let bad = || s3("red-files", ["bad.css"]);
    world
        .run(&sqs(ids.iter().map(|id| (id.as_str(), bad())).chain([("origin-good", s3("red-files", ["a.css"]))])))
        .await;
    let log = LOG.text_from(start);
    let line = log.lines().find(|line| line.contains("origin-0")).unwrap();
    assert!(line.contains("WARN") && line.contains("outcome=\"items-refused\""), "{line}");
    let first: Vec<&str> = ids.iter().take(10).map(String::as_str).collect();
    assert!(line.contains(&format!("origins=\"{} and 2 more\"", first.join(", "))), "{line}");
    assert!(!line.contains("origin-good"), "{line}");
}

#[tokio::test]
async fn an_unpurgeable_record_is_warned_about_and_done() {
    let start = LOG.length();
    let world = world().await;
    let plan = world.plan(&sqs([("m-unpurgeable", s3("red-files", ["x/../unpurgeable.css"]))]));
    let report = world.executor().run(plan, world.executor().clock().now() + PLENTY).await;
    assert!(report.failed.is_empty() && world.requests().is_empty());
    let log = LOG.text_from(start);
    let line = log.lines().find(|line| line.contains("m-unpurgeable")).unwrap();
    assert!(line.contains("WARN") && line.contains(": unpurgeable origin=m-unpurgeable"), "{line}");
    assert!(log.lines().any(|line| line.contains("unpurgeable=1")), "the event's line counts it");
}
