//! The TTL, background refreshes, and the grace period of removed mappings.

use std::time::Duration;

use purge_router_dynamodb_local::{Action, Table};
use purge_router_test_support::until;
use serde_json::json;

use crate::fixture::{LONG, Store, bodies, bucket, look, planned, rows, store, table_of, team};
use crate::logged::Logged;

#[tokio::test]
async fn mappings_are_refreshed_in_the_background_and_read_again_after_the_ttl() {
    let table = table_of(2).await;
    let store = store(&table, Duration::from_secs(40));
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), ["TEAM#team0/MAPPING#bucket-0/"]);
    table.delete("TEAM#team0", "MAPPING#bucket-0/").await;
    table.proxy.calls();
    look(&store, &["bucket-0"]).await;
    assert_eq!(table.proxy.calls().len(), 0);

    // In the last quarter of the TTL, a lookup uses what is cached and does not wait for the read.
    store.advance(Duration::from_secs(32));
    table.proxy.on_call(|_| Action::Hold);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), ["TEAM#team0/MAPPING#bucket-0/"]);
    table.proxy.arrived("Query", 1).await;
    look(&store, &["bucket-0"]).await;
    assert_eq!(table.proxy.operations(), ["Query"], "once");
    table.proxy.release();
    until(async || {
        store.advance(Duration::from_secs(1));
        rows(&look(&store, &["bucket-0"]).await).is_empty()
    })
    .await;
    table.put_all(team(0, &[bucket(0)])).await;

    // With a TTL of zero, each lookup reads.
    let store = crate::fixture::store(&table, Duration::ZERO);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await).len(), 1);
    table.put_all(team(0, &[bucket(0), bucket(3)])).await;
    assert_eq!(rows(&look(&store, &["bucket-3"]).await).len(), 1);
    table.delete("TEAM#team0", "MAPPING#bucket-3/").await;
    for _ in 0..2 {
        assert_eq!(rows(&look(&store, &["bucket-3"]).await).len(), 1, "it is in its grace period");
    }
    store.advance(Duration::from_secs(1));
    assert_eq!(rows(&look(&store, &["bucket-3"]).await).len(), 0);
}

#[tokio::test]
async fn a_mapping_that_the_index_drops_too_early_stays_in_use() {
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
    let lookup = look(&store, &["bucket-0"]).await;
    let names: Vec<&str> = lookup.mappings.all().iter().map(|mapping| mapping.name.as_str()).collect();
    assert_eq!(names, [new, old], "what is in the table comes first");
    store.advance(Duration::from_millis(1100));
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);

    // The second read begins after the first has ended, however long that took.
    let row = table.get("TEAM#team0", "MAPPING#bucket-0/new").await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/new").await;
    table.proxy.calls();
    table.proxy.on_call(|_| Action::Hold);
    let (slow, ()) = tokio::join!(look(&store, &["bucket-0"]), async {
        table.proxy.arrived("Query", 1).await;
        store.advance(Duration::from_millis(1200));
        table.proxy.release();
    });
    assert_eq!(rows(&slow), [new]);
    store.advance(Duration::from_millis(200));
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.put("TEAM#team0", "MAPPING#bucket-0/new", row).await;

    // With a long TTL, a bucket with a removed mapping is read again in the background after a second.
    let ttl = Duration::from_secs(6);
    let store = crate::fixture::store(&table, ttl);
    look(&store, &["bucket-0"]).await;
    table.delete("TEAM#team0", "MAPPING#bucket-0/new").await;
    store.advance(ttl);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.proxy.calls();
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    assert_eq!(table.proxy.operations(), [""; 0]);
    store.advance(Duration::from_millis(1100));
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), [new]);
    table.proxy.arrived("Query", 1).await;
    until(async || rows(&look(&store, &["bucket-0"]).await).is_empty()).await;
}

/// A first read may come while the index shows neither a row that was removed nor the one that replaces it.
#[tokio::test]
async fn a_bucket_is_unconfirmed_until_it_is_read_again_a_second_later() {
    let is_unconfirmed = async |store: &Store| !look(store, &["bucket-0"]).await.unconfirmed.is_empty();
    let table = table_of(1).await;
    let ttl = Duration::from_secs(300);
    let store = store(&table, ttl);
    let gap = json!({ "Items": [], "Count": 0, "ScannedCount": 0 });
    table.proxy.on_call(move |_| Action::Answer(200, gap.clone()));
    let lookup = look(&store, &["bucket-0"]).await;
    assert_eq!((rows(&lookup).len(), lookup.unconfirmed.len()), (0, 1));
    table.proxy.on_call(|_| Action::Pass);
    table.proxy.calls();
    store.advance(Duration::from_millis(400));
    assert!(is_unconfirmed(&store).await);
    assert_eq!(table.proxy.operations(), [""; 0], "it is too early for a second read");

    // A second later, the lookup waits for the second read. If that fails, the bucket stays unconfirmed.
    store.advance(Duration::from_millis(700));
    table.proxy.on_call(|_| Action::Refuse(400, "ThrottlingException", "slow down"));
    assert!(is_unconfirmed(&store).await);
    table.proxy.release();
    store.advance(Duration::from_secs(2));
    let lookup = look(&store, &["bucket-0"]).await;
    assert_eq!((rows(&lookup), lookup.unconfirmed.len()), (vec!["TEAM#team0/MAPPING#bucket-0/"], 0));

    // Refreshes within the TTL keep it confirmed; a read after a longer time counts as the first one again.
    store.advance(ttl - Duration::from_secs(1));
    assert!(!is_unconfirmed(&store).await);
    table.proxy.arrived("Query", 1).await;
    until(async || table.proxy.operations().is_empty()).await;
    store.advance(ttl - Duration::from_secs(1));
    assert!(!is_unconfirmed(&store).await);
    store.advance(ttl * 2);
    assert!(is_unconfirmed(&store).await);
}

/// Both queries start together, but the second one is answered late, and zones are read after that.
#[tokio::test]
async fn the_zones_that_were_read_last_count_for_all_buckets_of_a_lookup() {
    let table = Table::new().await;
    table.put_all(team(0, &[bucket(0), bucket(1)])).await;
    let store = store(&table, LONG);
    table.proxy.on_call(|call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-1" {
        true => Action::Hold,
        false => Action::Pass,
    });
    let logged = Logged::new();
    let (plan, ()) = tokio::join!(planned(&store, &[("bucket-0", "a.css"), ("bucket-1", "b.css")]), async {
        until(async || !logged.with("the read of a bucket ended").is_empty()).await;
        let mut zone = table.get("TEAM#team0", "ZONE#team0.com").await;
        zone["hostnames"] = json!(["new.team0.com"]);
        table.put("TEAM#team0", "ZONE#team0.com", zone).await;
        table.proxy.release();
    });
    assert_eq!(bodies(&plan), [r#"{"files":["https://new.team0.com/a.css","https://new.team0.com/b.css"]}"#]);
}
