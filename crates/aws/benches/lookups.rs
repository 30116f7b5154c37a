//! What the mappings of an event's buckets cost, cold and warm, in small and large tables, beside a Scan of the table,
//! as a function would do that keeps all mappings; and what a push of many mappings costs, beside BatchWriteItem, which
//! knows no conditions. Prints Markdown tables. `cargo xtask lookups` runs it.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "this is a program for people, and what fails ends it")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use purge_router_aws::{DynamoMappings, Editor, PushDescription};
use purge_router_config::{Diff, RowKey, Rows};
use purge_router_core::names::{BucketName, TeamName};
use purge_router_dynamodb_local::Table;
use purge_router_pipeline::Clock;
use serde_json::{Value, json};

const ROUNDS: usize = 20;
const LONG: Duration = Duration::from_secs(3600);

/// So many teams, each with a hundred buckets.
async fn table(buckets: usize) -> Table {
    let table = Table::new().await;
    let mut rows = Vec::new();
    for index in 0..buckets {
        let team = format!("team{}", index / 100);
        let bucket = format!("bucket-{index}");
        let domain = format!("{team}.com");
        if index % 100 == 0 {
            let owns: Vec<String> = (index..index + 100).map(|index| format!("s3://bucket-{index}/")).collect();
            rows.push(("GRANTS".to_owned(), team.clone(), json!({ "version": 1, "owns": owns })));
            let zone =
                json!({ "version": 1, "zone_id": format!("{index:032x}"), "hostnames": [format!("www.{domain}")] });
            rows.push((format!("TEAM#{team}"), format!("ZONE#{domain}"), zone));
        }
        let mapping = json!({ "version": 1, "bucket": bucket, "prefix": "", "zones": [domain], "include": ["*.css"] });
        rows.push((format!("TEAM#{team}"), format!("MAPPING#{bucket}/"), mapping));
    }
    table.put_all(rows).await;
    table
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let clock = Clock::system();
    println!(
        "| buckets in the table | buckets in the event | cold: requests | cold, ms | warm: requests | warm, ms | Scan: requests | Scan, ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for buckets in [10, 100_000] {
        let table = table(buckets).await;
        let (scan_requests, scan) = scan(&table).await;
        for of_event in [1, 10] {
            let (mut cold, mut warm) = (Vec::new(), Vec::new());
            let (mut cold_requests, mut warm_requests) = (0, 0);
            for round in 0..ROUNDS {
                let scattered = |index: usize| (round * 7919 + index * 104_729) % buckets;
                // In a small table all of them.
                let names = (0..of_event).map(|at| if buckets == 10 { at } else { scattered(at) });
                let names: BTreeSet<BucketName> =
                    names.map(|index| BucketName::parse(&format!("bucket-{index}")).unwrap()).collect();
                let store = DynamoMappings::new(&table.config(), table.name.clone(), LONG, clock.clone()).unwrap();
                let look = async || {
                    let start = Instant::now();
                    let found = store.lookup(names.clone(), clock.now() + Duration::from_secs(30)).await;
                    assert_eq!((found.mappings.all().len(), found.unreadable.len()), (names.len(), 0));
                    start.elapsed()
                };
                table.proxy.calls();
                cold.push(look().await);
                cold_requests = table.proxy.calls().len();
                warm.push(look().await);
                warm_requests = table.proxy.calls().len();
                // A Query for each bucket, and one BatchGetItem, however many there are in the table.
                assert_eq!((cold_requests, warm_requests), (of_event + 1, 0));
            }
            println!(
                "| {buckets} | {of_event} | {cold_requests} | {:.1} | {warm_requests} | {:.3} | {scan_requests} | {scan:.1} |",
                median(cold),
                median(warm)
            );
        }
    }
    pushes().await;
}

/// One team's mappings, each of a folder of its own.
fn mappings(count: usize) -> Vec<(String, Value)> {
    let mapping = |index: usize| {
        let fields =
            json!({ "bucket": "media", "prefix": format!("{index}/"), "zones": ["a.com"], "include": ["*.css"] });
        (format!("MAPPING#media/{index}/"), fields)
    };
    (0..count).map(mapping).collect()
}

async fn pushes() {
    println!("\n| mappings | push: transactions | push, s | BatchWriteItem: requests | BatchWriteItem, s |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for count in [90, 1_000, 100_000] {
        let table = Table::new().await;
        let editor = Editor::new(&table.config(), table.name.clone()).unwrap();
        let partition = editor.team(&TeamName::parse("media").unwrap()).await.unwrap();
        let after: Rows = mappings(count)
            .into_iter()
            .map(|(sort, it)| (RowKey::parse("TEAM#media", &sort), it.as_object().unwrap().clone()))
            .collect();
        let description = PushDescription {
            by: "bench".to_owned(),
            summary: "all".to_owned(),
            message: None,
            approval: None,
            pulled: None,
        };
        let start = Instant::now();
        let push = editor.prepare(&partition, &Diff::between(&partition.rows, &after), description, false).unwrap();
        editor.push(&push, |_| {}).await.unwrap();
        let pushed = start.elapsed();
        let table = Table::new().await;
        let rows = mappings(count).into_iter().map(|(sort, it)| ("TEAM#media".to_owned(), sort, it)).collect();
        let start = Instant::now();
        table.put_all(rows).await;
        let (pushed, put) = (pushed.as_secs_f64(), start.elapsed().as_secs_f64());
        println!("| {count} | {} | {pushed:.2} | {} | {put:.2} |", push.transactions(), count.div_ceil(25));
    }
}

/// All rows, a page after another.
async fn scan(table: &Table) -> (usize, f64) {
    let client = aws_sdk_dynamodb::Client::new(&table.config());
    let rounds = 3;
    let mut times = Vec::new();
    for _ in 0..rounds {
        table.proxy.calls();
        let start = Instant::now();
        let mut pages = client.scan().table_name(&table.name).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            item.unwrap();
        }
        times.push(start.elapsed());
    }
    (table.proxy.calls().len(), median(times))
}
