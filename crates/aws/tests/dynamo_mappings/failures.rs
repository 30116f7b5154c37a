//! DynamoDB fails, hangs or throttles.

use std::time::{Duration, Instant};

use purge_router_aws::DynamoMappings;
use purge_router_dynamodb_local::{Action, Table};
use purge_router_pipeline::Clock;
use purge_router_test_support::until;
use serde_json::json;

use crate::fixture::{LONG, bodies, look, planned, rows, store, store_of, table_of};
use crate::logged::Logged;

#[tokio::test]
async fn a_bucket_does_not_wait_for_another_one_that_hangs() {
    let table = table_of(3).await;
    let store = store(&table, Duration::ZERO);
    look(&store, &["bucket-0", "bucket-1"]).await;
    let row = table.get("TEAM#team1", "MAPPING#bucket-1/").await;
    table.put("TEAM#team1", "MAPPING#bucket-1/new", row).await;
    table.proxy.on_call(|call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-0" {
        true => Action::Hang,
        false => Action::Pass,
    });
    let three = ["bucket-0", "bucket-1", "bucket-2"];
    until(async || look(&store, &three).await.mappings.all().len() == 4).await;
    let lookup = look(&store, &three).await;
    let of_team1 = ["TEAM#team1/MAPPING#bucket-1/", "TEAM#team1/MAPPING#bucket-1/new"];
    assert_eq!(
        rows(&lookup),
        ["TEAM#team0/MAPPING#bucket-0/", of_team1[0], of_team1[1], "TEAM#team2/MAPPING#bucket-2/"]
    );

    // Nor does one that was read a moment ago wait for long for one that is new.
    let store = crate::fixture::store(&table, LONG);
    look(&store, &["bucket-1"]).await;
    let begin = Instant::now();
    let lookup = look(&store, &["bucket-0", "bucket-1"]).await;
    let waited = begin.elapsed();
    assert_eq!(lookup.unreadable.len(), 1);
    assert_eq!(lookup.mappings.all().len(), 2);
    assert!(waited < Duration::from_secs(4), "and not for the SDK's 5 seconds: {waited:?}");
}

#[tokio::test]
async fn stale_mappings_are_used_if_dynamodb_fails() {
    for (action, expected) in [
        (
            Action::Refuse(400, "ThrottlingException", "slow down"),
            "DynamoDB throttled the request: ThrottlingException: slow down",
        ),
        (
            Action::Refuse(400, "ProvisionedThroughputExceededException", "slow down"),
            "DynamoDB throttled the request: ProvisionedThroughputExceededException: slow down",
        ),
        (Action::Refuse(500, "InternalServerError", "oh"), "DynamoDB does not answer: InternalServerError: oh"),
        (Action::Refuse(400, "AccessDeniedException", "no"), "access denied: AccessDeniedException: no"),
        (Action::Hang, "DynamoDB does not answer: no answer in time"),
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
            let prefix = "m1 s3://bucket-1/b.css: can't read the mappings of its bucket: ";
            assert!(rejected[0].starts_with(prefix), "{rejected:?}");
            assert_eq!(rejected[0], format!("{prefix}{expected}"));
            let lines = logged.with("using stale mappings: can't read DynamoDB");
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains("bucket=\"bucket-0\"") && lines[0].contains("WARN"), "{lines:?}");
            // When it answers again, nothing of it stays: the pause is over, and a hanging read is abandoned.
            table.proxy.release();
            store.advance(Duration::from_secs(2));
            let plan = planned(&store, &[("bucket-1", "b.css")]).await;
            assert_eq!(bodies(&plan), [r#"{"files":["https://www.team1.com/b.css"]}"#], "{action:?} of {failing}");
            assert_eq!(logged.with("using stale mappings").len(), 1);
        }
    }
}

#[tokio::test]
async fn a_change_that_stale_mappings_do_not_match_is_retried() {
    let table = table_of(1).await;
    let mut row = table.get("TEAM#team0", "MAPPING#bucket-0/").await;
    row["include"] = json!(["*.css"]);
    table.put("TEAM#team0", "MAPPING#bucket-0/", row).await;
    let store = store(&table, Duration::ZERO);
    let objects = [("bucket-0", "a.css"), ("bucket-0", "new/a.xyz")];
    let plan = planned(&store, &objects).await;
    assert_eq!((plan.unmatched.len(), plan.rejected.len()), (1, 0), "fresh mappings decide");
    table.proxy.on_call(|_| Action::Refuse(400, "ThrottlingException", "slow down"));
    let plan = planned(&store, &objects).await;
    assert_eq!(bodies(&plan), [r#"{"files":["https://www.team0.com/a.css"]}"#], "stale mappings are used");
    let failed: Vec<String> = plan.failed_origins().into_iter().map(ToString::to_string).collect();
    assert_eq!((failed, plan.unmatched.len()), (vec!["m1".to_owned()], 0), "a mapping that is new may accept it");
    let reason = "unmatched, but the known mappings of its bucket may be incomplete, so it is retried";
    assert_eq!(plan.rejected[0].reason, format!("s3://bucket-0/new/a.xyz: {reason}"));
}

#[tokio::test]
async fn a_new_instance_does_not_wait_to_the_deadline_for_a_bucket_that_hangs() {
    let table = table_of(2).await;
    let store = store(&table, LONG);
    table.proxy.on_call(|call| match call.body["ExpressionAttributeValues"][":bucket"]["S"] == "bucket-0" {
        true => Action::Hang,
        false => Action::Pass,
    });
    let begin = Instant::now();
    let lookup = store.lookup_within(&["bucket-0", "bucket-1"], Duration::from_secs(8)).await;
    assert!(begin.elapsed() < Duration::from_secs(7), "a quarter of the time, not all: {:?}", begin.elapsed());
    assert_eq!(lookup.unreadable.keys().map(ToString::to_string).collect::<Vec<_>>(), ["bucket-0"]);
    assert_eq!(lookup.mappings.all().len(), 1);
}

#[tokio::test]
async fn a_lookup_waits_one_second_for_fresh_mappings_and_a_failure_pauses_reads_for_one_second() {
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
    let store = crate::fixture::store(&table, Duration::ZERO);
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
async fn an_unreadable_bucket_fails_no_other() {
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
async fn a_missing_table_is_named() {
    let table = Table::new().await;
    let store = store_of("not-there", &table, LONG);
    let lookup = look(&store, &["bucket-0"]).await;
    let error = lookup.unreadable.values().next().unwrap().to_string();
    assert!(
        error.starts_with("DynamoDB has no table `not-there` with an index `by-bucket` in the region eu-west-1: "),
        "{error}"
    );
    for name in ["", "ab", "a b c", "ümlaut"] {
        let error =
            DynamoMappings::new(&table.config(), name.to_owned(), LONG, Clock::system()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{name}` is not a table name: ")), "{error}");
    }
}
