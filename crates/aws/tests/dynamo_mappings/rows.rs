//! Rows that are invalid, or that the index shows too late.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_dynamodb_local::{Action, Table};
use purge_router_test_support::until;
use serde_json::{Value, json};

use crate::fixture::{LONG, bucket, look, rows, skipped, store, table_of, team};
use crate::logged::Logged;

/// A token of the older form, without a prefix.
const OLDER_TOKEN: &str = "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T";

#[tokio::test]
async fn invalid_rows_are_skipped_and_logged_by_key() {
    let table = table_of(3).await;
    let bad = |fields: Value| {
        let mut all = json!({ "version": 1, "bucket": "bucket-0", "prefix": "", "zones": ["team1.com"] });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    // Another team's bucket, a later version, a typing error, a zone of another team, a token, and bytes.
    table.put("TEAM#team1", "MAPPING#foreign", bad(json!({}))).await;
    table.put("TEAM#team0", "MAPPING#later", bad(json!({ "version": 2, "zones": ["team0.com"] }))).await;
    table.put("TEAM#team0", "MAPPING#typo", bad(json!({ "zones": ["team0.com"], "inclde": ["*.css"] }))).await;
    table.put("TEAM#team0", "MAPPING#zone", bad(json!({ "zones": ["team1.com"] }))).await;
    table.put("TEAM#team0", "MAPPING#token", bad(json!({ "zones": [OLDER_TOKEN] }))).await;
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
        ("TEAM#team0/MAPPING#typo", "unknown field `inclde` [unknown-field]; did you mean `include`?"),
        ("TEAM#team0/MAPPING#zone", "unknown zone `team1.com` [unknown-zone]"),
        ("TEAM#team0/MAPPING#token", &format!("unknown zone `{}`", "*".repeat(40))),
        ("TEAM#ghost/MAPPING#none", "team ghost has no grant [no-grant]"),
        ("TEAM#team0/MAPPING#bytes", "include: "),
    ] {
        let lines = logged.with(&format!("row skipped row={key} "));
        assert_eq!(lines.len(), 1, "{key}");
        assert!(lines[0].contains(reason) && lines[0].contains("WARN"), "{lines:?}");
        assert!(skipped(&lookup).iter().any(|skipped| skipped.key.to_string() == key));
    }
    let counted = logged.with("mappings read buckets=1 mappings=1 skipped=7");
    assert_eq!(counted.len(), 1, "{:?}", logged.with("mappings"));
    // What makes no sense was read once more, from the table.
    assert_eq!(table.proxy.operations(), ["Query", "BatchGetItem", "BatchGetItem", "BatchGetItem"]);
}

#[tokio::test]
async fn a_row_that_the_index_shows_as_it_was_is_read_from_the_table() {
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
    assert_eq!((skipped(&lookup).len(), logged.with("skipped row").len()), (0, 0));
}

#[tokio::test]
async fn a_row_that_the_index_shows_in_two_buckets_counts_in_the_right_one() {
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
    assert_eq!((rows(&lookup), skipped(&lookup).len()), (vec!["TEAM#team0/MAPPING#bucket-1/"], 0));
    assert_eq!(lookup.mappings.all()[0].source.to_string(), "s3://bucket-1/");
}

/// One team's doubtful row, in a bucket of its own, must not fail the other buckets.
#[tokio::test]
async fn a_failed_second_read_of_invalid_rows_skips_only_these() {
    let table = table_of(2).await;
    let invalid = json!({ "version": 1, "bucket": "bucket-1", "prefix": "", "zones": ["gone.com"] });
    table.put("TEAM#team1", "MAPPING#invalid", invalid).await;
    for (status, code) in [(400, "ThrottlingException"), (500, "InternalServerError")] {
        for failing in ["the invalid row", "the grants and zones, after it"] {
            let mut is_read_again = false;
            table.proxy.on_call(move |call| {
                let keys = call.body["RequestItems"].to_string();
                let is_of_invalid = keys.contains("MAPPING#invalid");
                let fails = match failing {
                    "the invalid row" => is_of_invalid,
                    _ => is_read_again && keys.contains("team1"),
                };
                is_read_again |= is_of_invalid;
                if fails { Action::Refuse(status, code, "slow down") } else { Action::Pass }
            });
            let logged = Logged::new();
            let store = store(&table, LONG);
            let lookup = look(&store, &["bucket-0", "bucket-1"]).await;
            assert_eq!(rows(&lookup), ["TEAM#team0/MAPPING#bucket-0/", "TEAM#team1/MAPPING#bucket-1/"]);
            let skipped: Vec<String> = skipped(&lookup).iter().map(|skipped| skipped.key.to_string()).collect();
            assert_eq!(skipped, ["TEAM#team1/MAPPING#invalid"]);
            let warned = logged.with("can't read invalid rows a second time: skipped for now rows=1");
            assert_eq!(warned.len(), 1, "{code} {failing}");
            assert!(warned[0].contains("WARN") && warned[0].contains(code), "{warned:?}");
        }
    }
}

/// The row moved to another zone, and the index still shows the old one, when the second read is throttled.
#[tokio::test]
async fn a_mapping_whose_row_could_not_be_verified_stays_in_use_and_is_read_again_after_a_second() {
    let table = table_of(1).await;
    let store = store(&table, LONG);
    assert_eq!(rows(&look(&store, &["bucket-0"]).await), ["TEAM#team0/MAPPING#bucket-0/"]);
    let old = json!({ "pk": { "S": "TEAM#team0" }, "sk": { "S": "MAPPING#bucket-0/" }, "bucket": { "S": "bucket-0" },
        "prefix": { "S": "" }, "zones": { "L": [{ "S": "gone.com" }] } });
    let mut gets = 0;
    table.proxy.on_call(move |call| {
        gets += usize::from(call.operation == "BatchGetItem");
        match call.operation.as_str() {
            "Query" => Action::Answer(200, json!({ "Items": [old], "Count": 1, "ScannedCount": 1 })),
            _ if gets == 2 => Action::Refuse(400, "ThrottlingException", "slow down"),
            _ => Action::Pass,
        }
    });
    store.advance(LONG);
    let lookup = look(&store, &["bucket-0"]).await;
    assert_eq!((rows(&lookup), skipped(&lookup).len()), (vec!["TEAM#team0/MAPPING#bucket-0/"], 1));
    table.proxy.release();
    table.proxy.calls();
    store.advance(Duration::from_secs(1));
    look(&store, &["bucket-0"]).await;
    table.proxy.arrived("BatchGetItem", 1).await;
    until(async || skipped(&look(&store, &["bucket-0"]).await).is_empty()).await;
}

/// Zones are read from the table itself, so a second read would show the same.
#[tokio::test]
async fn an_invalid_zone_is_not_read_a_second_time() {
    let table = table_of(1).await;
    let mut zone = table.get("TEAM#team0", "ZONE#team0.com").await;
    zone["zone_id"] = json!("nonsense");
    table.put("TEAM#team0", "ZONE#team0.com", zone).await;
    table.proxy.calls();
    let lookup = look(&store(&table, LONG), &["bucket-0"]).await;
    assert!(skipped(&lookup).iter().any(|skipped| skipped.key.to_string() == "TEAM#team0/ZONE#team0.com"));
    let reads = table.proxy.calls();
    let reads = reads.iter().filter(|call| call.operation == "BatchGetItem").map(|call| call.body.to_string());
    let is_of_zone = |read: String| read.contains("ZONE#team0.com");
    // Its grant and zone, its mapping, and these needs of the mapping once more.
    assert_eq!(reads.map(is_of_zone).collect::<Vec<_>>(), [true, false, true]);
}
