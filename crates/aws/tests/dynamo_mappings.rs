//! The store of mappings on the real SDK and on AWS's own engine, behind a proxy that counts calls and lets them fail.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

mod logged;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_aws::{DynamoMappings, Lookup, TableError};
use purge_router_core::names::BucketName;
use purge_router_core::{Event, Plan, decode};
use purge_router_dynamodb_local::{Action, Table};
use serde_json::{Value, json};

use logged::Logged;

const LONG: Duration = Duration::from_secs(3600);

fn zone_id(nth: usize) -> String {
    format!("{nth:032x}")
}

/// A team with a grant, a zone and a mapping of each of its buckets.
fn team(nth: usize, buckets: &[String]) -> Vec<(String, String, Value)> {
    let (name, pk, domain) = (format!("team{nth}"), format!("TEAM#team{nth}"), format!("team{nth}.com"));
    let owns: Vec<String> = buckets.iter().map(|bucket| format!("s3://{bucket}/")).collect();
    let hostnames = [format!("www.{domain}")];
    let mut rows = vec![
        ("GRANTS".to_owned(), name, json!({ "version": 1, "owns": owns })),
        (
            pk.clone(),
            format!("ZONE#{domain}"),
            json!({ "version": 1, "zone_id": zone_id(nth), "hostnames": hostnames }),
        ),
    ];
    rows.extend(buckets.iter().map(|bucket| {
        let fields = json!({ "version": 1, "bucket": bucket, "prefix": "", "zones": [domain] });
        (pk.clone(), format!("MAPPING#{bucket}/"), fields)
    }));
    rows
}

fn bucket(nth: usize) -> String {
    format!("bucket-{nth}")
}

/// A table in which so many teams map a bucket each.
async fn table_of(teams: usize) -> Table {
    let table = Table::new().await;
    table.put_all((0..teams).flat_map(|nth| team(nth, &[bucket(nth)])).collect()).await;
    table
}

fn store(table: &Table, time_to_live: Duration) -> DynamoMappings {
    DynamoMappings::new(&table.config(), table.name.clone(), time_to_live).unwrap()
}

fn names(buckets: &[&str]) -> BTreeSet<BucketName> {
    buckets.iter().map(|name| BucketName::parse(name).unwrap()).collect()
}

async fn look(store: &DynamoMappings, buckets: &[&str]) -> Lookup {
    store.of(names(buckets), tokio::time::Instant::now() + Duration::from_secs(30)).await
}

/// The rows of the mappings that were found.
fn rows(lookup: &Lookup) -> Vec<&str> {
    assert!(lookup.unknown.is_empty(), "{:?}", lookup.unknown);
    lookup.mappings.all().iter().map(|mapping| mapping.name.as_str()).collect()
}

fn event(objects: &[(&str, &str)]) -> Event {
    let message = |(nth, (bucket, key)): (usize, &(&str, &str))| {
        let body = json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": bucket }, "object": { "key": key } } }] });
        json!({ "messageId": format!("m{nth}"), "eventSource": "aws:sqs", "body": body.to_string() })
    };
    let messages: Vec<Value> = objects.iter().enumerate().map(message).collect();
    decode(json!({ "Records": messages }).to_string().as_bytes()).unwrap()
}

async fn planned(store: &DynamoMappings, objects: &[(&str, &str)]) -> Plan {
    store.plan(event(objects), tokio::time::Instant::now() + Duration::from_secs(30)).await
}

fn bodies(plan: &Plan) -> Vec<String> {
    plan.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect()
}

#[tokio::test]
async fn what_it_asks_for_does_not_depend_on_how_many_teams_there_are() {
    for teams in [10, 600] {
        let table = table_of(teams).await;
        let store = store(&table, LONG);
        let of_two = ["bucket-3", "bucket-7"];
        assert_eq!(
            rows(&look(&store, &of_two).await),
            ["TEAM#team3/MAPPING#bucket-3/", "TEAM#team7/MAPPING#bucket-7/"]
        );
        let calls = table.proxy.calls();
        let mut operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        operations.sort_unstable();
        assert_eq!(operations, ["BatchGetItem", "Query", "Query"], "{teams} teams");
        let query = calls.iter().find(|call| call.operation == "Query").unwrap();
        assert_eq!(query.body["IndexName"], "by-bucket");
        assert_ne!(query.body["ConsistentRead"], true);
        let get = calls.iter().find(|call| call.operation == "BatchGetItem").unwrap();
        let keys = get.body["RequestItems"][&table.name]["Keys"].as_array().unwrap();
        assert_eq!(keys.len(), 4, "two grants and two zones: {keys:?}");
        look(&store, &of_two).await;
        assert_eq!(table.proxy.operations(), [""; 0], "it is kept");
    }
}

#[tokio::test]
async fn that_a_bucket_has_no_mapping_is_kept_too() {
    let table = table_of(2).await;
    let store = store(&table, LONG);
    let plan = planned(&store, &[("nobody-maps-this", "a.css"), ("bucket-1", "a.css")]).await;
    assert_eq!(plan.unmatched.len(), 1);
    assert_eq!(bodies(&plan), [r#"{"files":["https://www.team1.com/a.css"]}"#]);
    assert_eq!(table.proxy.calls().len(), 3);
    let plan = planned(&store, &[("nobody-maps-this", "b.css")]).await;
    assert_eq!((plan.unmatched.len(), table.proxy.calls().len()), (1, 0));
    look(&store, &["another"]).await;
    assert_eq!(table.proxy.operations(), ["Query"], "nothing is needed of a bucket without mappings");
}

#[tokio::test]
async fn queries_go_side_by_side() {
    let table = table_of(20).await;
    table.proxy.on_call(|call| if call.operation == "Query" { Action::Hold } else { Action::Pass });
    let store = store(&table, LONG);
    let buckets: Vec<String> = (0..20).map(bucket).collect();
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let (lookup, ()) = tokio::join!(look(&store, &buckets), async {
        table.proxy.arrived("Query", 20).await;
        table.proxy.release();
    });
    assert_eq!(rows(&lookup).len(), 20);
}

#[tokio::test]
async fn many_needs_and_many_mappings_are_all_read() {
    let table = Table::new().await;
    let shared = "shared-media".to_owned();
    let mut all: Vec<_> = (0..150).flat_map(|nth| team(nth, std::slice::from_ref(&shared))).collect();
    // More than the megabyte that one answer of a Query holds.
    let patterns: Vec<String> = (0..40).map(|nth| format!("{nth}{}", "x".repeat(200))).collect();
    for (_, sort, fields) in &mut all {
        if sort.starts_with("MAPPING#") {
            fields["include"] = json!(patterns);
        }
    }
    table.put_all(all).await;
    let lookup = look(&store(&table, LONG), &[&shared]).await;
    assert_eq!((rows(&lookup).len(), lookup.skipped), (150, vec![]));
    let operations = table.proxy.operations();
    let count = |name: &str| operations.iter().filter(|operation| *operation == name).count();
    assert_eq!((count("Query"), count("BatchGetItem")), (2, 12), "150 grants, then 150 zones, 25 in a call");
}

#[tokio::test]
async fn keys_that_were_left_out_are_asked_for_again() {
    let table = table_of(12).await;
    let store = store(&table, LONG);
    table.proxy.on_call(|call| if call.operation == "BatchGetItem" { Action::LeaveHalfOut } else { Action::Pass });
    let buckets: Vec<String> = (0..12).map(bucket).collect();
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    assert_eq!(rows(&look(&store, &buckets).await).len(), 12);
    let keys: Vec<usize> = table
        .proxy
        .calls()
        .iter()
        .filter(|call| call.operation == "BatchGetItem")
        .map(|call| call.body["RequestItems"][&table.name]["Keys"].as_array().unwrap().len())
        .collect();
    assert_eq!(keys[..4], [24, 12, 6, 3]);

    table.put_all(team(20, &[bucket(20)])).await;
    let never = json!({ "Responses": {}, "UnprocessedKeys": { &table.name: { "Keys": [
        { "pk": { "S": "GRANTS" }, "sk": { "S": "team20" } }] } } });
    table.proxy.on_call(move |call| match call.operation == "BatchGetItem" {
        true => Action::Answer(200, never.clone()),
        false => Action::Pass,
    });
    let lookup = look(&store, &["bucket-20"]).await;
    let error = lookup.unknown.values().next().unwrap();
    assert!(matches!(error, TableError::Throttled(_)), "{error}");
}

#[tokio::test]
async fn an_edit_is_followed_when_its_time_is_over_and_read_behind_the_answer_before() {
    let table = table_of(2).await;
    let short = Duration::from_secs(4);
    let store = store(&table, short);
    let begin = Instant::now();
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), ["TEAM#team0/MAPPING#bucket-0/"]);
    table.delete("TEAM#team0", "MAPPING#bucket-0/").await;
    table.proxy.calls();
    look(&store, &["bucket-0"]).await;
    assert_eq!(table.proxy.calls().len(), 0);

    // In its last quarter it is served and read again; the answer does not wait for that.
    tokio::time::sleep((short * 4 / 5).saturating_sub(begin.elapsed())).await;
    table.proxy.on_call(|_| Action::Hold);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), ["TEAM#team0/MAPPING#bucket-0/"]);
    assert!(begin.elapsed() < short, "this machine is too slow to see it");
    table.proxy.arrived("Query", 1).await;
    look(&store, &["bucket-0"]).await;
    assert_eq!(table.proxy.operations(), ["Query"], "once");
    table.proxy.release();
    let followed = async {
        while !rows(&look(&store, &["bucket-0"]).await).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), followed).await.unwrap();
    table.put_all(team(0, &[bucket(0)])).await;

    let impatient = self::store(&table, Duration::ZERO);
    assert_eq!(rows(&look(&impatient, &["bucket-0"]).await).len(), 1, "its time is always over");
    table.put_all(team(0, &[bucket(0), bucket(3)])).await;
    assert_eq!(rows(&look(&impatient, &["bucket-3"]).await).len(), 1);
    table.delete("TEAM#team0", "MAPPING#bucket-3/").await;
    // What goes serves until a second read has not found it.
    let begin = Instant::now();
    assert_eq!(rows(&look(&impatient, &["bucket-3"]).await).len(), 1);
    while !rows(&look(&impatient, &["bucket-3"]).await).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_the_index_drops_before_it_shows_what_came_in_its_place_serves_on() {
    let table = table_of(1).await;
    let store = store(&table, Duration::ZERO);
    let (old, new) = ("TEAM#team0/MAPPING#bucket-0/", "TEAM#team0/MAPPING#bucket-0/new");
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [old]);
    let row = table.get("TEAM#team0", "MAPPING#bucket-0/").await;
    table.put("TEAM#team0", "MAPPING#bucket-0/new", row).await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/").await;
    table.proxy.on_call(|call| match call.operation == "Query" {
        true => Action::Answer(200, json!({ "Items": [], "Count": 0, "ScannedCount": 0 })),
        false => Action::Pass,
    });
    let plan = planned(&store, &[("bucket-0", "a.css")]).await;
    assert_eq!((bodies(&plan).len(), plan.unmatched.len()), (1, 0));
    table.proxy.on_call(|_| Action::Pass);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new, old]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);

    // The second begins when the first has ended, however long that took.
    let row = table.get("TEAM#team0", "MAPPING#bucket-0/new").await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/new").await;
    table.proxy.calls();
    table.proxy.on_call(|_| Action::Hold);
    let (slow, ()) = tokio::join!(look(&store, &["bucket-0"]), async {
        table.proxy.arrived("Query", 1).await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        table.proxy.release();
    });
    assert_eq!(rows(&slow), [new]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.put("TEAM#team0", "MAPPING#bucket-0/new", row).await;

    // With a long time to live, a bucket of which something went is read again after a second, behind the answer.
    let ttl = Duration::from_secs(6);
    let store = self::store(&table, ttl);
    look(&store, &["bucket-0"]).await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/new").await;
    tokio::time::sleep(ttl).await;
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.proxy.calls();
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    assert_eq!(table.proxy.operations(), [""; 0]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.proxy.arrived("Query", 1).await;
    let begin = Instant::now();
    while !rows(&look(&store, &["bucket-0"]).await).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_bucket_that_is_being_read_is_not_read_again() {
    let table = table_of(2).await;
    let store = store(&table, LONG);
    table.proxy.on_call(|call| if call.operation == "Query" { Action::Hold } else { Action::Pass });
    let (one, both, ()) = tokio::join!(
        look(&store, &["bucket-0"]),
        async {
            table.proxy.arrived("Query", 1).await;
            look(&store, &["bucket-0", "bucket-1"]).await
        },
        async {
            table.proxy.arrived("Query", 2).await;
            table.proxy.release();
        }
    );
    assert_eq!((rows(&one).len(), rows(&both).len()), (1, 2));
    let queries = table.proxy.operations().into_iter().filter(|operation| operation == "Query").count();
    assert_eq!(queries, 2);
}

#[tokio::test]
async fn a_bucket_that_is_read_does_not_wait_for_one_that_hangs() {
    let table = table_of(3).await;
    let store = store(&table, Duration::ZERO);
    look(&store, &["bucket-0", "bucket-1"]).await;
    let row = table.get("TEAM#team1", "MAPPING#bucket-1/").await;
    table.put("TEAM#team1", "MAPPING#bucket-1/new", row).await;
    table.proxy.on_call(|call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-0" {
        true => Action::Hang,
        false => Action::Pass,
    });
    let lookup = look(&store, &["bucket-0", "bucket-1", "bucket-2"]).await;
    assert_eq!(
        rows(&lookup),
        [
            "TEAM#team0/MAPPING#bucket-0/",
            "TEAM#team1/MAPPING#bucket-1/",
            "TEAM#team1/MAPPING#bucket-1/new",
            "TEAM#team2/MAPPING#bucket-2/"
        ]
    );

    // Nor does one that was read a moment ago wait for long for one that is new.
    let store = self::store(&table, LONG);
    look(&store, &["bucket-1"]).await;
    let begin = Instant::now();
    let lookup = look(&store, &["bucket-0", "bucket-1"]).await;
    let waited = begin.elapsed();
    assert_eq!(lookup.unknown.len(), 1);
    assert_eq!(lookup.mappings.all().len(), 2);
    assert!(waited < Duration::from_secs(4), "and not for the SDK's 5 seconds: {waited:?}");
}

#[tokio::test]
async fn rows_of_a_team_that_owns_nothing_there_cost_little() {
    let table = table_of(2).await;
    let foreign = |nth: usize| {
        let zones: Vec<String> = (0..64).map(|zone| format!("zone{zone}-{nth}.com")).collect();
        let fields = json!({ "version": 1, "bucket": "bucket-0", "prefix": "", "zones": zones });
        ("TEAM#team1".to_owned(), format!("MAPPING#{nth:03}"), fields)
    };
    table.put_all((0..150).map(foreign).collect()).await;
    let logged = Logged::new();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!((rows(&lookup), lookup.skipped.len()), (vec!["TEAM#team0/MAPPING#bucket-0/"], 150));
    let keys = |call: &purge_router_dynamodb_local::Call| {
        call.body["RequestItems"][&table.name]["Keys"].as_array().map_or(0, Vec::len)
    };
    let calls: Vec<(String, usize)> = table.proxy.calls().iter().map(|it| (it.operation.clone(), keys(it))).collect();
    let expected = [("Query", 0), ("BatchGetItem", 2), ("BatchGetItem", 1)];
    assert_eq!(calls, expected.map(|(operation, keys)| (operation.to_owned(), keys)), "two grants, and one zone");
    assert_eq!(logged.with("skipped row=TEAM#team1/MAPPING#").len(), 10);
    assert_eq!(logged.with("skipped, too; `check --table` tells of all partition=\"TEAM#team1\" more=140").len(), 1);
    assert_eq!(logged.with("mappings buckets=1 mappings=1 skipped=150").len(), 1);

    // Its own rows that make no sense are read again, but not all of them.
    let own = |nth: usize| {
        let fields = json!({ "version": 1, "bucket": "bucket-1", "prefix": "", "zones": ["gone.com"] });
        ("TEAM#team1".to_owned(), format!("MAPPING#own{nth:03}"), fields)
    };
    table.put_all((0..150).map(own).collect()).await;
    table.proxy.calls();
    let lookup = look(&store(&table, LONG), &["bucket-1"]).await;
    assert_eq!((rows(&lookup), lookup.skipped.len()), (vec!["TEAM#team1/MAPPING#bucket-1/"], 150));
    let calls: Vec<usize> = table.proxy.calls().iter().map(keys).collect();
    assert_eq!(calls, [0, 3, 25, 25, 25, 25, 3]);
}

/// What others write into a bucket is read once, and no more of it than they may have there: the rest is passed over.
#[tokio::test]
async fn large_rows_and_many_of_a_team_cost_others_little() {
    let table = table_of(3).await;
    let large = |team: usize, count: usize, bytes: usize| {
        (0..count).map(move |nth| {
            let fields = json!({ "version": 1, "bucket": "bucket-1", "prefix": "", "zones": ["x".repeat(bytes)] });
            (format!("TEAM#team{team}"), format!("MAPPING#large{nth:03}"), fields)
        })
    };
    // 18 MB before the bucket's own team, and as much behind it.
    table.put_all(large(0, 46, 390_000).collect()).await;
    table.put_all(large(2, 46, 390_000).collect()).await;
    let logged = Logged::new();
    table.proxy.calls();
    let lookup = look(&store(&table, LONG), &["bucket-1"]).await;
    assert_eq!(rows(&lookup), ["TEAM#team1/MAPPING#bucket-1/"]);
    let queries: Vec<Value> =
        table.proxy.calls().into_iter().filter(|call| call.operation == "Query").map(|call| call.body).collect();
    assert!(queries.len() <= 36, "16 MB of each are 17 pages: {}", queries.len());
    let passed: Vec<&Value> = queries.iter().map(|body| &body["ExpressionAttributeValues"][":pk"]["S"]).collect();
    assert!(passed.contains(&&json!("TEAM#team0")), "{passed:?}");
    for team in [0, 2] {
        let told = format!("partition=\"TEAM#team{team}\" most=10000 bytes=16777216");
        assert_eq!(logged.with(&told).len(), 1);
    }

    // So it is with zones; and what one team has too much of costs no other its mappings.
    let domains: Vec<String> = (0..60).map(|nth| format!("large{nth}.com")).collect();
    let zone = |domain: &String| {
        let fields = json!({ "version": 1, "zone_id": "0".repeat(32), "hostnames": ["x".repeat(390_000)] });
        ("TEAM#team2".to_owned(), format!("ZONE#{domain}"), fields)
    };
    table.put_all(domains.iter().map(zone).collect()).await;
    let fields = json!({ "version": 1, "bucket": "bucket-2", "prefix": "", "zones": domains });
    table.put("TEAM#team2", "MAPPING#of-large-zones", fields).await;
    let lookup = look(&store(&table, LONG), &["bucket-0", "bucket-2"]).await;
    assert!(rows(&lookup).contains(&"TEAM#team0/MAPPING#bucket-0/"), "{:?}", rows(&lookup));
    assert!(!logged.with("more bytes of zones than are read of a team: left out row=TEAM#team2/ZONE#").is_empty());
}

#[tokio::test]
async fn old_mappings_serve_while_dynamodb_fails() {
    for (action, expected) in [
        (Action::Refuse(400, "ThrottlingException", "slow down"), "DynamoDB throttles: ThrottlingException: slow down"),
        (
            Action::Refuse(400, "ProvisionedThroughputExceededException", "slow down"),
            "DynamoDB throttles: ProvisionedThroughputExceededException: slow down",
        ),
        (Action::Refuse(500, "InternalServerError", "oh"), "DynamoDB does not answer: InternalServerError: oh"),
        (Action::Refuse(400, "AccessDeniedException", "no"), "it may not be done: AccessDeniedException: no"),
        (Action::Hang, "DynamoDB does not answer: there was no answer in time"),
    ] {
        for failing in ["Query", "BatchGetItem"] {
            let table = table_of(2).await;
            let store = store(&table, Duration::ZERO);
            look(&store, &["bucket-0"]).await;
            let logged = Logged::new();
            let broken = action.clone();
            table.proxy.on_call(move |call| if call.operation == failing { broken.clone() } else { Action::Pass });
            let begin = Instant::now();
            let plan = planned(&store, &[("bucket-0", "a.css"), ("bucket-1", "b.css")]).await;
            assert!(begin.elapsed() < Duration::from_secs(25));
            assert_eq!(bodies(&plan), [r#"{"files":["https://www.team0.com/a.css"]}"#], "{action:?} of {failing}");
            let rejected: Vec<String> = plan.rejected.iter().map(|it| format!("{} {}", it.origin, it.reason)).collect();
            assert_eq!(rejected.len(), 1, "{rejected:?}");
            let unknown = "m1 s3://bucket-1/b.css: can't read the mappings of its bucket: ";
            assert!(rejected[0].starts_with(unknown), "{rejected:?}");
            assert_eq!(rejected[0], format!("{unknown}{expected}"));
            let told = logged.with("old mappings serve while DynamoDB can't be read");
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("bucket=\"bucket-0\"") && told[0].contains("WARN"), "{told:?}");
            // When it answers again, nothing of it stays.
            table.proxy.release();
            let begin = Instant::now();
            while planned(&store, &[("bucket-1", "b.css")]).await.batches.is_empty() {
                assert!(begin.elapsed() < Duration::from_secs(20));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(logged.with("old mappings serve").len(), 1);
        }
    }
}

#[tokio::test]
async fn old_mappings_wait_a_second_for_new_ones_and_a_failure_is_told_for_one() {
    let table = table_of(1).await;
    let store = store(&table, Duration::ZERO);
    look(&store, &["bucket-0"]).await;
    table.proxy.on_call(|_| Action::Hang);
    let begin = Instant::now();
    assert_eq!(rows(&look(&store, &["bucket-0"]).await).len(), 1);
    assert!(begin.elapsed() >= Duration::from_secs(1));
    table.proxy.calls();
    let begin = Instant::now();
    assert_eq!(rows(&look(&store, &["bucket-0"]).await).len(), 1);
    assert!(begin.elapsed() >= Duration::from_secs(1), "the same read is waited for");
    assert_eq!(table.proxy.operations(), [""; 0]);
    let store = self::store(&table, Duration::ZERO);
    table.proxy.release();
    look(&store, &["bucket-0"]).await;
    table.proxy.on_call(|_| Action::Refuse(400, "ThrottlingException", "slow down"));
    table.proxy.calls();
    look(&store, &["bucket-0"]).await;
    assert_eq!(table.proxy.operations(), ["Query"]);
    for _ in 0..10 {
        assert_eq!(rows(&look(&store, &["bucket-0"]).await).len(), 1);
    }
    assert_eq!(table.proxy.operations(), [""; 0], "a throttled table is left in peace for a moment");
}

#[tokio::test]
async fn wrong_rows_are_left_out_with_their_keys_and_the_others_work() {
    let table = table_of(3).await;
    let bad = |fields: Value| {
        let mut all = json!({ "version": 1, "bucket": "bucket-0", "prefix": "", "zones": ["team1.com"] });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    // Another team's bucket, a later version, a typing error, a zone of another team, and bytes.
    table.put("TEAM#team1", "MAPPING#foreign", bad(json!({}))).await;
    table.put("TEAM#team0", "MAPPING#later", bad(json!({ "version": 2, "zones": ["team0.com"] }))).await;
    table.put("TEAM#team0", "MAPPING#typo", bad(json!({ "zones": ["team0.com"], "inclde": ["*.css"] }))).await;
    table.put("TEAM#team0", "MAPPING#zone", bad(json!({ "zones": ["team1.com"] }))).await;
    table.put("TEAM#ghost", "MAPPING#none", bad(json!({}))).await;
    let mut odd = HashMap::from([("include".to_owned(), AttributeValue::B(vec![0xff].into()))]);
    for (name, value) in [("pk", "TEAM#team0"), ("sk", "MAPPING#bytes"), ("bucket", "bucket-0")] {
        odd.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
    }
    odd.insert("zones".to_owned(), AttributeValue::Ss(vec!["team0.com".to_owned()]));
    table.put_item(odd).await;
    let logged = Logged::new();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!(rows(&lookup), ["TEAM#team0/MAPPING#bucket-0/"]);
    for (key, reason) in [
        ("TEAM#team1/MAPPING#foreign", "team team1 does not own `s3://bucket-0/` [source-not-owned]"),
        ("TEAM#team0/MAPPING#later", "unknown version 2; this release reads version 1 [unknown-version]"),
        ("TEAM#team0/MAPPING#typo", "there is no field `inclde` here [unknown-field]; did you mean `include`?"),
        ("TEAM#team0/MAPPING#zone", "unknown zone `team1.com` [unknown-zone]"),
        ("TEAM#ghost/MAPPING#none", "team ghost has no grant [no-grant]"),
        ("TEAM#team0/MAPPING#bytes", "include: "),
    ] {
        let told = logged.with(&format!("skipped row={key} "));
        assert_eq!(told.len(), 1, "{key}");
        assert!(told[0].contains(reason) && told[0].contains("WARN"), "{told:?}");
        assert!(lookup.skipped.iter().any(|skipped| skipped.key.to_string() == key));
    }
    let counted = logged.with("mappings buckets=1 mappings=1 skipped=6");
    assert_eq!(counted.len(), 1, "{:?}", logged.with("mappings"));
    // What makes no sense was read once more, from the table.
    assert_eq!(table.proxy.operations(), ["Query", "BatchGetItem", "BatchGetItem", "BatchGetItem"]);
}

#[tokio::test]
async fn what_the_index_shows_too_late_is_read_from_the_table() {
    let table = table_of(1).await;
    // The team has just moved its mapping to a new zone; the index shows it as it was.
    let old = json!({ "pk": { "S": "TEAM#team0" }, "sk": { "S": "MAPPING#bucket-0/" }, "bucket": { "S": "bucket-0" },
        "prefix": { "S": "" }, "zones": { "L": [{ "S": "gone.com" }] } });
    let gone = json!({ "pk": { "S": "TEAM#team0" }, "sk": { "S": "MAPPING#bucket-0/gone" }, "bucket": { "S": "bucket-0" },
        "prefix": { "S": "" }, "zones": { "L": [{ "S": "gone.com" }] } });
    table.proxy.on_call(move |call| match call.operation == "Query" {
        true => Action::Answer(200, json!({ "Items": [old, gone], "Count": 2, "ScannedCount": 2 })),
        false => Action::Pass,
    });
    let logged = Logged::new();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!(rows(&lookup), ["TEAM#team0/MAPPING#bucket-0/"]);
    assert_eq!(lookup.mappings.all()[0].zones[0].domain.as_str(), "team0.com");
    assert_eq!((lookup.skipped.len(), logged.with("skipped row").len()), (0, 0));
}

#[tokio::test]
async fn a_row_that_two_buckets_show_counts_where_it_is() {
    let table = Table::new().await;
    table.put_all(team(0, &[bucket(0), bucket(1)])).await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/").await;
    // The mapping has just moved to the other bucket, under the same key, and to another zone.
    let old = json!({ "pk": { "S": "TEAM#team0" }, "sk": { "S": "MAPPING#bucket-1/" }, "bucket": { "S": "bucket-0" },
        "prefix": { "S": "" }, "zones": { "L": [{ "S": "gone.com" }] } });
    table.proxy.on_call(move |call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-0" {
        true => Action::Answer(200, json!({ "Items": [old], "Count": 1, "ScannedCount": 1 })),
        false => Action::Pass,
    });
    let lookup = look(&store(&table, LONG), &["bucket-0", "bucket-1"]).await;
    assert_eq!((rows(&lookup), lookup.skipped.len()), (vec!["TEAM#team0/MAPPING#bucket-1/"], 0));
    assert_eq!(lookup.mappings.all()[0].source.to_string(), "s3://bucket-1/");
}

#[tokio::test]
async fn one_bucket_that_can_not_be_read_fails_no_other() {
    let table = table_of(2).await;
    let store = store(&table, LONG);
    table.proxy.on_call(|call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-0" {
        true => Action::Refuse(500, "InternalServerError", "oh"),
        false => Action::Pass,
    });
    let plan = planned(&store, &[("bucket-0", "a.css"), ("bucket-1", "b.css")]).await;
    assert_eq!(bodies(&plan), [r#"{"files":["https://www.team1.com/b.css"]}"#]);
    assert_eq!(plan.rejected.iter().map(|it| it.origin.to_string()).collect::<Vec<_>>(), ["m0"]);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let table = Table::new().await;
    let store = DynamoMappings::new(&table.config(), "not-there".to_owned(), LONG).unwrap();
    let lookup = look(&store, &["bucket-0"]).await;
    let error = lookup.unknown.values().next().unwrap().to_string();
    assert!(
        error.starts_with("DynamoDB has no table `not-there` with an index `by-bucket` in the region eu-west-1: "),
        "{error}"
    );
    for name in ["", "ab", "a b c", "ümlaut"] {
        let error = DynamoMappings::new(&table.config(), name.to_owned(), LONG).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{name}` is not a table's name: ")), "{error}");
    }
}

/// What may be read of a bucket is bounded for each bucket, and not for all that are read together.
#[tokio::test]
async fn many_buckets_with_many_zones_of_one_team_are_all_read() {
    let table = Table::new().await;
    let buckets: Vec<String> = (0..21).map(|nth| format!("b{nth}")).collect();
    let owns: Vec<String> = buckets.iter().map(|bucket| format!("s3://{bucket}/")).collect();
    // More than a team's rows may have, which operators do not write.
    let more = (0..2000).map(|nth| format!("s3://b0/{nth:060}/"));
    let mut all = vec![(
        "GRANTS".to_owned(),
        "web".to_owned(),
        json!({ "version": 1, "owns": owns.into_iter().chain(more).collect::<Vec<_>>() }),
    )];
    for (nth, bucket) in buckets.iter().enumerate() {
        let domains: Vec<String> = (0..50).map(|of| format!("z{nth}-{of}.com")).collect();
        for (of, domain) in domains.iter().enumerate() {
            let zone_id = format!("{:032x}", nth * 100 + of);
            let zone = json!({ "version": 1, "zone_id": zone_id, "hostnames": [format!("www.{domain}")] });
            all.push(("TEAM#web".to_owned(), format!("ZONE#{domain}"), zone));
        }
        let mapping = json!({ "version": 1, "bucket": bucket, "prefix": "", "zones": domains });
        all.push(("TEAM#web".to_owned(), format!("MAPPING#{bucket}/"), mapping));
    }
    table.put_all(all).await;
    let names: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let lookup = look(&store(&table, LONG), &names).await;
    assert_eq!((rows(&lookup).len(), lookup.skipped), (21, vec![]));
}

/// A team that owns nothing of a bucket writes rows for it that are no sources: nothing of them is compiled.
#[tokio::test]
async fn globs_of_rows_that_are_no_sources_cost_no_time() {
    let table = table_of(2).await;
    let pattern =
        |nth: usize| format!("**/a{nth}/**/*{{{}}}*", (0..55).map(|it| format!("{it}*")).collect::<Vec<_>>().join(","));
    let patterns: Vec<String> = (0..64).map(pattern).collect();
    let row = |nth: usize| {
        let fields = json!({ "version": 1, "bucket": "bucket-0", "prefix": "no-slash", "zones": ["team1.com"], "include": patterns });
        ("TEAM#team1".to_owned(), format!("MAPPING#odd{nth}"), fields)
    };
    table.put_all((0..100).map(row).collect()).await;
    let start = std::time::Instant::now();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert_eq!(rows(&lookup), ["TEAM#team0/MAPPING#bucket-0/"]);
    let codes: BTreeSet<&str> =
        lookup.skipped.iter().flat_map(|it| &it.problems).map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["prefix-without-slash"]));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
