//! Metrics in CloudWatch's embedded format.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use purge_router_sandbox::{Fault, FaultKind, Sandbox, TokenStatus};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::function_process::{FunctionProcess, PLENTY, TOKEN, failures, sqs};

/// The metrics that a line declares, by their names: units and values. Checks its namespace, dimensions and time.
fn measured(line: &Value, dimensions: &[(&str, &str)]) -> BTreeMap<String, (Value, Value)> {
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    let [directive] = &line["_aws"]["CloudWatchMetrics"].as_array().unwrap()[..] else { panic!("{line}") };
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("purge-router"), &json!([names])));
    for (name, value) in dimensions {
        assert_eq!(line[name], *value);
    }
    let metrics = directive["Metrics"].as_array().unwrap().iter();
    let metrics: BTreeMap<_, _> = metrics
        .map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            (name.to_owned(), (metric["Unit"].clone(), line[name].clone()))
        })
        .collect();
    // There is nothing but metrics: no object key, for example.
    assert_eq!(line.as_object().unwrap().len(), 1 + dimensions.len() + metrics.len(), "{line}");
    metrics
}

#[tokio::test]
async fn metrics_are_per_zone_and_in_total() {
    let ago = |seconds: u64| {
        let then = time::UtcDateTime::from(SystemTime::now() - Duration::from_secs(seconds));
        json!(then.format(&Rfc3339).unwrap())
    };
    let at = |time: Value, bucket: &str, key: &str| {
        let mut event = s3(bucket, [key]);
        event["Records"][0]["eventTime"] = time;
        event
    };
    let first = sqs(&[
        at(ago(10), "www.website.com", "late.css"),
        at(ago(15), "www.website.com", "latest.css"),
        at(ago(5), "www.website.com", "late.css"),
        s3("www.website.com", ["no-time.css"]),
        at(json!("yesterday"), "www.website.com", "no-time-either.css"),
        s3("backups", ["a.css"]),
        json!("no JSON"),
    ]);
    // From a clock that is ahead of ours.
    let ahead = format!("{}-01-01T00:00:00.000Z", 9000);
    let second = sqs(&[at(json!(ahead), "cdn.website.com", "b.css")]);
    let limit = |sandbox: &Sandbox| {
        let kind = FaultKind::Status { status: 429, code: 1134, message: "limited".into(), retry_after: Some(1) };
        sandbox.add_fault(Fault { times: Some(1), ..Fault::new(kind) });
    };
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut process = FunctionProcess::within(PLENTY, &variables, &[first, second], limit).await;
    process.answer().await;
    process.answer().await;
    let printed = process.printed().await;
    let lines: Vec<&Value> = printed.iter().filter(|line| line["_aws"].is_object()).collect();
    let [all, www, all_again, cdn] = lines[..] else { panic!("{lines:#?}") };
    let one = (json!("Count"), json!(1));
    let without_latency = |mut metrics: BTreeMap<String, (Value, Value)>, least: f64, most: f64| {
        let (unit, values) = metrics.remove("Latency").unwrap();
        assert_eq!((unit, values.as_array().unwrap().len()), (json!("Milliseconds"), 1));
        let value = values[0].as_f64().unwrap();
        assert!((least..most).contains(&value), "{value}");
        metrics.into_iter().collect::<Vec<_>>()
    };
    let function = ("function", "purge-router");
    let of = |zone| [function, ("team", "script"), ("zone", zone)];
    let named = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), one.clone())).collect::<Vec<_>>();
    let names = ["ColdStart", "Purged", "RateLimitHits", "Rejected", "Unmatched"];
    assert_eq!(without_latency(measured(all, &[function]), 15_000.0, 45_000.0), named(&names));
    let names = ["Purged", "RateLimitHits"];
    assert_eq!(without_latency(measured(www, &of("www.website.com")), 15_000.0, 45_000.0), named(&names));
    assert_eq!(without_latency(measured(all_again, &[function]), 0.0, 0.1), named(&["Purged"]));
    assert_eq!(without_latency(measured(cdn, &of("cdn.website.com")), 0.0, 0.1), named(&["Purged"]));
}

#[tokio::test]
async fn a_zone_with_many_batches_has_one_latency() {
    let mut event = s3("www.website.com", (0..100 * 101).map(|index| format!("{index}.css")));
    for record in event["Records"].as_array_mut().unwrap() {
        record["eventTime"] = json!("2026-11-02T09:30:00.000Z");
    }
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut process = FunctionProcess::new(&variables, &[event]).await;
    assert_eq!(process.answer().await.0, "response");
    let printed = process.printed().await;
    assert!(printed.iter().all(|line| line["level"] != "ERROR"), "{printed:#?}");
    let of_zone = printed.iter().find(|line| line["_aws"].is_object() && line["zone"] == "www.website.com").unwrap();
    assert_eq!((of_zone["Purged"].as_u64(), of_zone["Latency"].as_array().unwrap().len()), (Some(101), 1));
}

#[tokio::test]
async fn rejected_tokens_are_counted_for_each_invocation() {
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let events = ["a.css", "b.css"].map(|key| sqs(&[s3("www.website.com", [key])]));
    let refuse = |sandbox: &Sandbox| assert!(sandbox.set_token_status(TOKEN, TokenStatus::Disabled));
    let mut process = FunctionProcess::within(PLENTY, &variables, &events, refuse).await;
    for _ in &events {
        assert_eq!(process.answer().await.1, failures(&["m-0"]));
    }
    let printed = process.printed().await;
    let counts =
        printed.iter().filter(|line| line["zone"] == "www.website.com").filter_map(|line| line.get("TokenRefused"));
    assert_eq!(counts.collect::<Vec<_>>(), [1, 1]);
    // The second one was not sent.
    let errors: Vec<&str> = printed.iter().filter_map(|line| line["error"].as_str()).collect();
    assert!(
        errors.last().unwrap().starts_with("not sent: the zone's token was refused; it is tried again"),
        "{errors:?}"
    );
}
