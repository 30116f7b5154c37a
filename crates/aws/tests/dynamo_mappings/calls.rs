//! What a lookup reads: how many calls, and which.

use purge_router_aws::TableError;
use purge_router_dynamodb_local::{Action, Table};
use serde_json::json;

use crate::fixture::{LONG, bodies, bucket, look, look_at_once, planned, rows, skipped, store, table_of, team};

#[tokio::test]
async fn the_number_of_calls_does_not_depend_on_the_number_of_teams() {
    for teams in [10, 600] {
        let table = table_of(teams).await;
        let store = store(&table, LONG);
        let of_two = ["bucket-3", "bucket-7"];
        assert_eq!(
            rows(&look_at_once(&table, &store, &of_two, Action::Pass).await),
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
async fn a_bucket_without_mappings_is_cached_too() {
    let table = table_of(2).await;
    let store = store(&table, LONG);
    let plan = planned(&store, &[("unmapped-bucket", "a.css"), ("bucket-1", "a.css")]).await;
    assert_eq!(plan.unmatched.len(), 1);
    assert_eq!(bodies(&plan), [r#"{"files":["https://www.team1.com/a.css"]}"#]);
    assert_eq!(table.proxy.calls().len(), 3);
    let plan = planned(&store, &[("unmapped-bucket", "b.css")]).await;
    assert_eq!((plan.unmatched.len(), table.proxy.calls().len()), (1, 0));
    look(&store, &["another"]).await;
    assert_eq!(table.proxy.operations(), ["Query"], "nothing is needed of a bucket without mappings");
}

#[tokio::test]
async fn queries_run_concurrently() {
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
async fn many_grants_zones_and_mappings_are_all_read() {
    let table = Table::new().await;
    let shared = "shared-media".to_owned();
    let mut all: Vec<_> = (0..150).flat_map(|index| team(index, std::slice::from_ref(&shared))).collect();
    // More than the megabyte that one answer of a Query holds.
    let patterns: Vec<String> = (0..40).map(|index| format!("{index}{}", "x".repeat(200))).collect();
    for (_, sort, fields) in &mut all {
        if sort.starts_with("MAPPING#") {
            fields["include"] = json!(patterns);
        }
    }
    table.put_all(all).await;
    let lookup = look(&store(&table, LONG), &[&shared]).await;
    assert_eq!((rows(&lookup).len(), skipped(&lookup)), (150, vec![]));
    let operations = table.proxy.operations();
    let count = |name: &str| operations.iter().filter(|operation| *operation == name).count();
    assert_eq!((count("Query"), count("BatchGetItem")), (2, 12), "150 grants, then 150 zones, 25 in a call");
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let table = table_of(12).await;
    let store = store(&table, LONG);
    let buckets: Vec<String> = (0..12).map(bucket).collect();
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    assert_eq!(rows(&look_at_once(&table, &store, &buckets, Action::LeaveHalfOut).await).len(), 12);
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
    let error = lookup.unreadable.values().next().unwrap();
    assert!(matches!(error, TableError::Throttled(_)), "{error}");
}

#[tokio::test]
async fn a_bucket_is_read_once_for_all_concurrent_lookups() {
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
