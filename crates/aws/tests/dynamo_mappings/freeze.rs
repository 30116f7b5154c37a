//! A process that is frozen in the middle of a read. What was read before the freeze is as old as the freeze is long.

use std::time::Duration;

use purge_router_dynamodb_local::{Action, Table};
use purge_router_test_support::until;
use serde_json::json;

use crate::fixture::{Store, bodies, look, planned, store, table_of};
use crate::logged::Logged;

const OLD: &str = r#"{"files":["https://www.team0.com/a.css"]}"#;
const NEW: &str = r#"{"files":["https://www.team0.com/new/a.css"]}"#;

/// From now on, the first Query has this fate, and all other calls pass.
fn first_query(table: &Table, action: Action) {
    let mut first = Some(action);
    table.proxy.calls();
    table.proxy.on_call(move |call| match call.operation.as_str() {
        "Query" => first.take().unwrap_or(Action::Pass),
        _ => Action::Pass,
    });
}

async fn change_row(table: &Table) {
    let mut row = table.get("TEAM#team0", "MAPPING#bucket-0/").await;
    row["add_prefix"] = json!("new/");
    table.put("TEAM#team0", "MAPPING#bucket-0/", row).await;
}

async fn planned_bodies(store: &Store) -> Vec<String> {
    bodies(&planned(store, &[("bucket-0", "a.css")]).await)
}

/// A cached bucket whose refresh in the background is answered with the old rows, though not before `release`; the row
/// has changed since.
async fn with_held_refresh(ttl: Duration) -> (Table, Store) {
    let table = table_of(1).await;
    let store = store(&table, ttl);
    assert_eq!(planned_bodies(&store).await, [OLD]);
    store.advance(ttl.mul_f64(0.8));
    first_query(&table, Action::HoldAnswer);
    assert_eq!(planned_bodies(&store).await, [OLD], "the refresh is in the background");
    table.proxy.answers_held(1).await;
    change_row(&table).await;
    (table, store)
}

/// Releases an answer, and waits until the store has noted it.
async fn release_and_note(table: &Table) {
    let logged = Logged::new();
    table.proxy.release();
    until(async || !logged.with("the read of a bucket ended").is_empty()).await;
}

#[tokio::test]
async fn old_rows_that_arrive_after_a_freeze_are_stale() {
    let (table, store) = with_held_refresh(Duration::from_secs(30)).await;
    store.advance(Duration::from_secs(3600));
    release_and_note(&table).await;
    assert_eq!(planned_bodies(&store).await, [NEW]);
}

#[tokio::test]
async fn a_read_from_before_a_freeze_is_abandoned_and_its_result_replaces_no_newer_one() {
    let (table, store) = with_held_refresh(Duration::from_secs(30)).await;
    store.advance(Duration::from_secs(3600));
    let logged = Logged::new();
    assert_eq!(planned_bodies(&store).await, [NEW], "the old read is still under way");
    assert_eq!(logged.with("using stale mappings"), [""; 0]);
    release_and_note(&table).await;
    table.proxy.calls();
    assert_eq!(planned_bodies(&store).await, [NEW]);
    assert_eq!(table.proxy.operations(), [""; 0], "it is cached");
}

#[tokio::test]
async fn the_age_is_checked_again_after_waiting_for_a_read() {
    let (table, store) = with_held_refresh(Duration::from_secs(4)).await;
    // The cached mappings are stale; the read under way is younger than the TTL, until it is answered.
    store.advance(Duration::from_secs(3));
    let (bodies, ()) = tokio::join!(planned_bodies(&store), async {
        store.advance(Duration::from_secs(3));
        table.proxy.release();
    });
    assert_eq!(bodies, [NEW]);
}

/// A connection that died during the freeze says nothing about DynamoDB now.
#[tokio::test]
async fn a_read_that_fails_after_a_freeze_does_not_stop_the_next_one() {
    for ttl in [30, 4].map(Duration::from_secs) {
        let table = table_of(1).await;
        let store = store(&table, ttl);
        assert_eq!(planned_bodies(&store).await, [OLD]);
        store.advance(ttl.mul_f64(0.8));
        first_query(&table, Action::HoldThenRefuse(500, "InternalServerError", "broken pipe"));
        assert_eq!(planned_bodies(&store).await, [OLD]);
        table.proxy.arrived("Query", 1).await;
        change_row(&table).await;
        store.advance(ttl.mul_f64(0.7));
        if ttl > Duration::from_secs(10) {
            // The failure is noted before the next event comes.
            release_and_note(&table).await;
        }
        let logged = Logged::new();
        let (bodies, ()) = tokio::join!(planned_bodies(&store), async { table.proxy.release() });
        assert_eq!(bodies, [NEW], "{ttl:?}");
        assert_eq!(logged.with("using stale mappings"), [""; 0]);
    }
}

#[tokio::test]
async fn stale_mappings_are_used_and_logged_if_dynamodb_fails_after_a_freeze() {
    let (table, store) = with_held_refresh(Duration::from_secs(30)).await;
    store.advance(Duration::from_secs(3600));
    release_and_note(&table).await;
    table.proxy.on_call(|_| Action::Refuse(400, "ThrottlingException", "slow down"));
    let logged = Logged::new();
    assert_eq!(planned_bodies(&store).await, [OLD]);
    let lines = logged.with("using stale mappings: can't read DynamoDB");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("seconds=360") && lines[0].contains("ThrottlingException"), "{lines:?}");
    look(&store, &["bucket-0"]).await;
}
