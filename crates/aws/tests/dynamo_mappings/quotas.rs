//! What a team can cost others by the rows that it writes.

use std::collections::BTreeSet;
use std::time::Duration;

use purge_router_dynamodb_local::Table;
use serde_json::{Value, json};

use crate::fixture::{LONG, look, rows, skipped, store, table_of};
use crate::logged::Logged;

#[tokio::test]
async fn rows_of_a_team_without_a_grant_for_the_bucket_cost_few_calls() {
    let table = table_of(2).await;
    let foreign = |index: usize| {
        let zones: Vec<String> = (0..64).map(|zone| format!("zone{zone}-{index}.com")).collect();
        let fields = json!({ "version": 1, "bucket": "bucket-0", "prefix": "", "zones": zones });
        ("TEAM#team1".to_owned(), format!("MAPPING#{index:03}"), fields)
    };
    table.put_all((0..150).map(foreign).collect()).await;
    let logged = Logged::new();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!((rows(&lookup), skipped(&lookup).len()), (vec!["TEAM#team0/MAPPING#bucket-0/"], 150));
    let keys = |call: &purge_router_dynamodb_local::Call| {
        call.body["RequestItems"][&table.name]["Keys"].as_array().map_or(0, Vec::len)
    };
    let calls: Vec<(String, usize)> = table.proxy.calls().iter().map(|it| (it.operation.clone(), keys(it))).collect();
    let expected = [("Query", 0), ("BatchGetItem", 2), ("BatchGetItem", 1)];
    assert_eq!(calls, expected.map(|(operation, keys)| (operation.to_owned(), keys)), "two grants, and one zone");
    assert_eq!(logged.with("row skipped row=TEAM#team1/MAPPING#").len(), 10);
    assert_eq!(
        logged.with("more rows are skipped; `check --table` lists all partition=\"TEAM#team1\" more=140").len(),
        1
    );
    assert_eq!(logged.with("mappings read buckets=1 mappings=1 skipped=150").len(), 1);

    // Its own rows that make no sense are read again, but not all of them.
    let own = |index: usize| {
        let fields = json!({ "version": 1, "bucket": "bucket-1", "prefix": "", "zones": ["gone.com"] });
        ("TEAM#team1".to_owned(), format!("MAPPING#own{index:03}"), fields)
    };
    table.put_all((0..150).map(own).collect()).await;
    table.proxy.calls();
    let lookup = look(&store(&table, LONG), &["bucket-1"]).await;
    assert_eq!((rows(&lookup), skipped(&lookup).len()), (vec!["TEAM#team1/MAPPING#bucket-1/"], 150));
    let calls: Vec<usize> = table.proxy.calls().iter().map(keys).collect();
    assert_eq!(calls, [0, 3, 25, 25, 25, 25, 3]);
}

/// What others write into a bucket is read once, and no more of it than they may have there: the rest is passed over.
#[tokio::test]
async fn many_and_large_rows_of_a_team_cost_other_teams_few_calls() {
    let table = table_of(3).await;
    let large = |team: usize, count: usize, bytes: usize| {
        (0..count).map(move |index| {
            let fields = json!({ "version": 1, "bucket": "bucket-1", "prefix": "", "zones": ["x".repeat(bytes)] });
            (format!("TEAM#team{team}"), format!("MAPPING#large{index:03}"), fields)
        })
    };
    // 18 MB before the bucket's own team, and as much behind it.
    table.put_all(large(0, 46, 390_000).collect()).await;
    table.put_all(large(2, 46, 390_000).collect()).await;
    let logged = Logged::new();
    table.proxy.calls();
    // Reading 34 MB may take longer than a quarter of a usual event's time, which is what a first read may take.
    let long = Duration::from_secs(400);
    let lookup = store(&table, LONG).lookup_within(&["bucket-1"], long).await;
    assert_eq!(rows(&lookup), ["TEAM#team1/MAPPING#bucket-1/"]);
    let queries: Vec<Value> =
        table.proxy.calls().into_iter().filter(|call| call.operation == "Query").map(|call| call.body).collect();
    assert!(queries.len() <= 36, "16 MB of each are 17 pages: {}", queries.len());
    let passed: Vec<&Value> = queries.iter().map(|body| &body["ExpressionAttributeValues"][":pk"]["S"]).collect();
    assert!(passed.contains(&&json!("TEAM#team0")), "{passed:?}");
    for team in [0, 2] {
        let lines = format!("partition=\"TEAM#team{team}\" most=10000 bytes=16777216");
        assert_eq!(logged.with(&lines).len(), 1);
    }

    // So it is with zones; and what one team has too much of costs no other its mappings.
    let domains: Vec<String> = (0..60).map(|index| format!("large{index}.com")).collect();
    let zone = |domain: &String| {
        let fields = json!({ "version": 1, "zone_id": "0".repeat(32), "hostnames": ["x".repeat(390_000)] });
        ("TEAM#team2".to_owned(), format!("ZONE#{domain}"), fields)
    };
    table.put_all(domains.iter().map(zone).collect()).await;
    let fields = json!({ "version": 1, "bucket": "bucket-2", "prefix": "", "zones": domains });
    table.put("TEAM#team2", "MAPPING#of-large-zones", fields).await;
    let lookup = store(&table, LONG).lookup_within(&["bucket-0", "bucket-2"], long).await;
    assert!(rows(&lookup).contains(&"TEAM#team0/MAPPING#bucket-0/"), "{:?}", rows(&lookup));
    assert!(!logged.with("the rows of a team are too large: ignored row=TEAM#team2/ZONE#").is_empty());
}

/// What may be read of a bucket is bounded for each bucket, and not for all that are read together.
#[tokio::test]
async fn many_buckets_with_many_zones_of_one_team_are_all_read() {
    let table = Table::new().await;
    let buckets: Vec<String> = (0..21).map(|index| format!("b{index}")).collect();
    let owns: Vec<String> = buckets.iter().map(|bucket| format!("s3://{bucket}/")).collect();
    // More than a team's rows may have, which operators do not write.
    let more = (0..2000).map(|index| format!("s3://b0/{index:060}/"));
    let mut all = vec![(
        "GRANTS".to_owned(),
        "web".to_owned(),
        json!({ "version": 1, "owns": owns.into_iter().chain(more).collect::<Vec<_>>() }),
    )];
    for (index, bucket) in buckets.iter().enumerate() {
        let domains: Vec<String> = (0..50).map(|of| format!("z{index}-{of}.com")).collect();
        for (of, domain) in domains.iter().enumerate() {
            let zone_id = format!("{:032x}", index * 100 + of);
            let zone = json!({ "version": 1, "zone_id": zone_id, "hostnames": [format!("www.{domain}")] });
            all.push(("TEAM#web".to_owned(), format!("ZONE#{domain}"), zone));
        }
        let mapping = json!({ "version": 1, "bucket": bucket, "prefix": "", "zones": domains });
        all.push(("TEAM#web".to_owned(), format!("MAPPING#{bucket}/"), mapping));
    }
    table.put_all(all).await;
    let names: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let lookup = look(&store(&table, LONG), &names).await;
    assert_eq!((rows(&lookup).len(), skipped(&lookup)), (21, vec![]));
}

/// A team that owns nothing of a bucket writes rows for it that are no sources: nothing of them is compiled.
#[tokio::test]
async fn globs_of_invalid_sources_are_not_compiled() {
    let table = table_of(2).await;
    let pattern = |index: usize| {
        format!("**/a{index}/**/*{{{}}}*", (0..55).map(|it| format!("{it}*")).collect::<Vec<_>>().join(","))
    };
    let patterns: Vec<String> = (0..64).map(pattern).collect();
    let row = |index: usize| {
        let fields = json!({ "version": 1, "bucket": "bucket-0", "prefix": "no-slash", "zones": ["team1.com"], "include": patterns });
        ("TEAM#team1".to_owned(), format!("MAPPING#odd{index}"), fields)
    };
    table.put_all((0..100).map(row).collect()).await;
    let start = std::time::Instant::now();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!(rows(&lookup), ["TEAM#team0/MAPPING#bucket-0/"]);
    let codes: BTreeSet<&str> =
        skipped(&lookup).into_iter().flat_map(|it| &it.problems).map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["prefix-without-slash"]));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
