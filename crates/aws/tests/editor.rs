//! Edits of the table on the real SDK and on AWS's own engine: the first push wins, nothing is lost, and a push may be
//! interrupted anywhere.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests are not seen as tests by clippy")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use purge_router_aws::{DynamoMappings, Editor, History, Note, PartitionSnapshot, Push, PushError, TableError};
use purge_router_config::{Diff, Fields, Partition, RowKey, Rows, TeamTables, assign_row_keys};
use purge_router_core::names::TeamName;
use purge_router_core::{decode, plan};
use purge_router_dynamodb_local::{Action, Call, Table};
use purge_router_pipeline::Clock;
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

const WRITE: &str = "TransactWriteItems";

fn web() -> TeamName {
    TeamName::parse("web").unwrap()
}

fn partition_of_web() -> Partition {
    Partition::Team(web())
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn note(by: &str) -> Note {
    let (by, summary) = (by.to_owned(), "some rows".to_owned());
    Note { by, summary, message: None, approval: "approved".to_owned(), pulled: None }
}

fn mapping(index: usize, include: &str) -> Fields {
    fields(
        json!({ "bucket": "assets", "prefix": format!("{index:04}/"), "zones": ["website.com"], "include": [include] }),
    )
}

fn tables(hostnames: &[&str], mappings: Vec<Fields>) -> TeamTables {
    let zone = fields(json!({ "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": hostnames }));
    TeamTables { zones: [("website.com".to_owned(), zone)].into(), mappings }
}

fn some(count: usize) -> TeamTables {
    tables(&["www.website.com"], (0..count).map(|index| mapping(index, "*.css")).collect())
}

struct TableFixture {
    table: Table,
    editor: Editor,
}

impl TableFixture {
    async fn new() -> Self {
        let table = Table::new().await;
        let editor = Editor::new(&table.config(), table.name.clone()).unwrap();
        table.put("GRANTS", "web", json!({ "version": 1, "owns": ["s3://assets/"] })).await;
        Self { table, editor }
    }

    async fn team(&self) -> PartitionSnapshot {
        self.editor.team(&web()).await.unwrap()
    }

    /// A push of these tables, prepared from what is there now.
    async fn prepared(&self, tables: &TeamTables, by: &str) -> Push {
        self.try_prepared(tables, by, false).await.unwrap()
    }

    async fn try_prepared(&self, tables: &TeamTables, by: &str, take_over: bool) -> Result<Push, PushError> {
        let partition = self.team().await;
        let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), tables.clone(), &partition.rows));
        self.editor.prepare(&partition, &diff, note(by), take_over)
    }

    async fn push(&self, tables: &TeamTables, by: &str) -> Result<(), PushError> {
        self.editor.push(&self.prepared(tables, by).await, |_| {}).await
    }

    /// Whether the table says what these tables say.
    async fn says(&self, tables: &TeamTables) -> bool {
        let rows = self.team().await.rows;
        Diff::between(&rows, &assign_row_keys(&web(), tables.clone(), &rows)).is_empty()
    }

    /// The URLs that the function would purge for changes of these objects, reading the table again.
    async fn purged(&self, keys: &[String]) -> BTreeSet<String> {
        let event = decode(s3("assets", keys).to_string().as_bytes()).unwrap();
        let (config, clock) = (self.table.config(), Clock::system());
        let store = DynamoMappings::new(&config, self.table.name.clone(), Duration::ZERO, clock.clone()).unwrap();
        let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
        let lookup = store.lookup(buckets, clock.now() + Duration::from_secs(30)).await;
        assert!(lookup.unreadable.is_empty(), "{:?}", lookup.unreadable);
        let plan = plan(&lookup.mappings, event);
        assert!(plan.rejected.is_empty(), "{:?}", plan.rejected);
        plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()).collect()
    }
}

fn items_of(call: &Call) -> usize {
    call.body["TransactItems"].as_array().unwrap().len()
}

/// Whether a transaction writes or checks `HEAD` on a condition.
fn is_guarded(call: &Call) -> bool {
    let mut items =
        call.body["TransactItems"].as_array().unwrap().iter().flat_map(|item| item.as_object().unwrap().values());
    items.any(|item| {
        let key = if item["Key"].is_null() { &item["Item"] } else { &item["Key"] };
        key["sk"]["S"] == "HEAD" && item["ConditionExpression"].is_string()
    })
}

#[tokio::test]
async fn a_push_is_one_transaction_with_its_revision() {
    let fixture = TableFixture::new().await;
    let note = Note { message: Some("the first".to_owned()), ..note("alice") };
    let partition = fixture.team().await;
    let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), some(2), &partition.rows));
    let push = fixture.editor.prepare(&partition, &diff, note, false).unwrap();
    fixture.table.proxy.calls();
    fixture.editor.push(&push, |_| {}).await.unwrap();
    let calls = fixture.table.proxy.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].operation.as_str(), items_of(&calls[0])), (WRITE, 6), "rows, head, revision, document");
    assert!(is_guarded(&calls[0]));
    assert_eq!(
        fixture.table.sorts("TEAM#web").await,
        [
            "DOCUMENT#0000000001#0000",
            "HEAD",
            "MAPPING#assets/0000/",
            "MAPPING#assets/0001/",
            "REVISION#0000000001",
            "ZONE#website.com"
        ]
    );
    let row = fixture.table.get("TEAM#web", "MAPPING#assets/0001/").await;
    let expected =
        json!({ "version": 1, "bucket": "assets", "prefix": "0001/", "zones": ["website.com"], "include": ["*.css"] });
    assert_eq!(row, expected);
    let history = fixture.editor.history(&partition_of_web(), 10).await.unwrap().revisions;
    assert_eq!(history.len(), 1);
    let (revision, stamp) = (history[0].revision, &history[0].stamp);
    assert_eq!((revision, stamp.by.as_str(), stamp.message.as_deref()), (1, "alice", Some("the first")));
    assert_eq!((stamp.at.len(), &stamp.at[10..11], &stamp.at[19..]), (20, "T", "Z"));
    assert_eq!(fixture.editor.document(&partition_of_web(), 1).await.unwrap().unwrap(), fixture.team().await.rows);
    assert_eq!(fixture.editor.document(&partition_of_web(), 2).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_pushes_at_once_one_wins_and_the_other_changes_nothing() {
    let fixture = TableFixture::new().await;
    for (count, of_loser) in [(2, 3), (2, 250), (250, 3), (250, 251)] {
        fixture.push(&some(1), "zoe").await.unwrap();
        let winner = fixture.prepared(&some(count), "alice").await;
        let loser = fixture.prepared(&some(of_loser), "bob").await;
        fixture.editor.push(&winner, |_| {}).await.unwrap();
        let before = fixture.table.sorts("TEAM#web").await;
        let error = fixture.editor.push(&loser, |_| {}).await.unwrap_err();
        let PushError::Lost { revision, by, .. } = &error else { panic!("{error}") };
        assert_eq!((*revision, by.as_str()), (winner.revision(), "alice"), "{error}");
        assert!(error.to_string().starts_with("another push came first: revision "), "{error}");
        assert_eq!(fixture.table.sorts("TEAM#web").await, before);
        assert!(fixture.says(&some(count)).await);
    }
}

#[tokio::test]
async fn concurrent_pushes_all_end_and_win_one_at_a_time() {
    let fixture = TableFixture::new().await;
    let pushes = futures_util::future::join_all((1..=8).map(|count| {
        let fixture = &fixture;
        async move { (count, fixture.push(&some(count), &format!("user{count}")).await) }
    }));
    let (won, lost): (Vec<_>, Vec<_>) = pushes.await.into_iter().partition(|(_, pushed)| pushed.is_ok());
    assert!(!won.is_empty());
    for (_, error) in &lost {
        assert!(matches!(error, Err(PushError::Lost { .. })), "{error:?}");
    }
    let history = fixture.editor.history(&partition_of_web(), 20).await.unwrap().revisions;
    assert_eq!(history.len(), won.len());
    let last: usize = history[0].stamp.by.strip_prefix("user").unwrap().parse().unwrap();
    assert!(fixture.says(&some(last)).await);
}

#[tokio::test]
async fn a_row_that_is_edited_in_the_meantime_is_not_overwritten() {
    for (sort, edit) in [
        ("MAPPING#assets/0001/", Some(json!({ "include": ["*.js"] }))),
        ("MAPPING#assets/0001/", Some(json!({ "mode": "invalidate" }))),
        ("MAPPING#assets/0001/", None),
        ("MAPPING#assets/0007/", Some(json!({ "include": ["*.png"] }))),
        ("ZONE#website.com", Some(json!({ "plan": "pro" }))),
    ] {
        let fixture = TableFixture::new().await;
        fixture.push(&some(3), "zoe").await.unwrap();
        let mut after = tables(&["cdn.website.com"], vec![mapping(0, "*.css"), mapping(7, "*.css")]);
        after.mappings.push(mapping(1, "*.svg"));
        let push = fixture.prepared(&after, "alice").await;
        let old = fixture.table.get("TEAM#web", sort).await;
        match &edit {
            Some(edit) => {
                let mut row = if old.is_null() { json!({}) } else { old.clone() };
                row.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
                fixture.table.put("TEAM#web", sort, row).await;
            }
            None => fixture.table.delete("TEAM#web", sort).await,
        }
        let before = fixture.table.sorts("TEAM#web").await;
        let edited = fixture.table.get("TEAM#web", sort).await;
        let error = fixture.editor.push(&push, |_| {}).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the row TEAM#web/{sort} was edited in the meantime; see what changed, and push again")
        );
        assert_eq!(fixture.table.sorts("TEAM#web").await, before);
        assert_eq!(fixture.table.get("TEAM#web", sort).await, edited);
        fixture.push(&after, "alice").await.unwrap();
        assert!(fixture.says(&after).await);
    }
}

#[tokio::test]
async fn a_row_of_sets_as_the_console_writes_them_can_be_changed() {
    use aws_sdk_dynamodb::types::AttributeValue;
    let fixture = TableFixture::new().await;
    fixture.push(&some(1), "zoe").await.unwrap();
    let mut item: std::collections::HashMap<String, AttributeValue> = serde_dynamo::to_item(
        json!({ "pk": "TEAM#web", "sk": "MAPPING#by-hand", "bucket": "assets", "prefix": "", "zones": ["website.com"] }),
    )
    .unwrap();
    item.insert("include".to_owned(), AttributeValue::Ss(vec!["*.css".to_owned()]));
    fixture.table.put_item(item).await;
    assert_eq!(fixture.team().await.rows[&RowKey::parse("TEAM#web", "MAPPING#by-hand")]["include"], json!(["*.css"]));
    fixture.push(&some(2), "alice").await.unwrap();
    assert!(fixture.says(&some(2)).await);
}

/// An edit of more rows than one transaction takes: some mappings stay, some change, some go, some come, patterns move from
/// one mapping to another, and the zone's hostname changes.
fn large_edit() -> (TeamTables, TeamTables) {
    let before = (0..150).map(|index| mapping(index, if index % 2 == 0 { "*.css" } else { "*.js" })).collect();
    let after = (30..170).map(|index| mapping(index, if index % 3 == 0 { "*.css" } else { "*.js" })).collect();
    (tables(&["www.website.com", "old.website.com"], before), tables(&["www.website.com", "new.website.com"], after))
}

fn keys() -> Vec<String> {
    (0..170).flat_map(|index| [format!("{index:04}/a.css"), format!("{index:04}/a.js")]).collect()
}

#[tokio::test]
async fn a_large_push_may_be_interrupted_at_each_step_and_a_second_one_completes_it() {
    let (before, after) = large_edit();
    let mut index = 0;
    loop {
        // Refused, or written with the answer lost: the pusher sees no difference.
        let mut steps = 0;
        for action in [Action::Refuse(500, "InternalServerError", "gone"), Action::LoseAnswer] {
            let fixture = TableFixture::new().await;
            fixture.push(&before, "zoe").await.unwrap();
            let purged_before = fixture.purged(&keys()).await;
            let partition = fixture.team().await;
            let begun =
                Diff::between(&partition.rows, &assign_row_keys(&web(), after.clone(), &partition.rows)).checksum();
            let first = fixture.prepared(&after, "alice").await;
            steps = first.transactions();
            assert!(steps >= 4, "{steps}");
            fixture.table.proxy.calls();
            fixture.table.proxy.on_write_from(index, action.clone());
            let reported = Mutex::new(Vec::new());
            let pushed = fixture.editor.push(&first, |done| reported.lock().unwrap().push(done)).await;
            let calls = fixture.table.proxy.calls();
            let writes: Vec<&Call> = calls.iter().filter(|call| call.operation == WRITE).collect();
            assert!(writes.iter().all(|call| items_of(call) <= 100));
            assert!(writes.iter().all(|call| is_guarded(call)), "each goes on a condition of HEAD");
            assert_eq!(*reported.lock().unwrap(), (1..=index).collect::<Vec<_>>());
            fixture.table.proxy.release();
            let is_last_and_written = index + 1 == steps && action == Action::LoseAnswer;
            match (&pushed, index) {
                (Ok(()), _) => assert!(is_last_and_written, "{index} of {steps}"),
                (Err(PushError::Table(_)), 0) => {}
                (Err(error @ PushError::Interrupted { done, of, .. }), _) => {
                    assert_eq!((*done, *of), (index, steps));
                    assert!(error.to_string().ends_with(" are written: push again to complete them"), "{error}");
                }
                (Err(other), _) => panic!("{other}"),
            }
            let now = fixture.purged(&keys()).await;
            let second = fixture.try_prepared(&after, "bob", false).await.unwrap();
            fixture.editor.push(&second, |_| {}).await.unwrap();
            assert!(fixture.says(&after).await);
            let purged_after = fixture.purged(&keys()).await;
            let in_both: Vec<&String> = purged_before.intersection(&purged_after).collect();
            assert!(in_both.len() > 50, "{}", in_both.len());
            assert!(in_both.iter().all(|url| now.contains(*url)), "step {index}");
            let partition = fixture.team().await;
            assert_eq!(partition.head.unwrap().pending, None);
            let newest = &fixture.editor.history(&partition_of_web(), 1).await.unwrap().revisions[0];
            assert!(newest.stamp.diff == begun || is_last_and_written, "it is described as it was started");
            assert_eq!(
                fixture.editor.document(&partition_of_web(), newest.revision).await.unwrap().unwrap(),
                partition.rows
            );
        }
        index += 1;
        if index == steps {
            break;
        }
    }
}

/// The zone is written twice, before the mappings and after them, and a transaction takes each row once.
#[tokio::test]
async fn a_zone_that_loses_a_hostname_is_pushed_with_any_number_of_mappings() {
    let zone_alone = tables(&["www.website.com", "a.website.com"], Vec::new());
    for count in (90..=100).chain(186..=196) {
        let fixture = TableFixture::new().await;
        fixture.push(&zone_alone, "alice").await.unwrap();
        let new = (0..count).map(|index| mapping(index, "*.css")).collect();
        let tables = tables(&["www.website.com", "b.website.com"], new);
        fixture.push(&tables, "alice").await.unwrap_or_else(|error| panic!("{count}: {error}"));
        assert!(fixture.says(&tables).await, "{count}");
    }
}

#[tokio::test]
async fn while_a_large_push_is_in_progress_no_other_is_written() {
    let (before, after) = large_edit();
    let fixture = TableFixture::new().await;
    fixture.push(&before, "zoe").await.unwrap();
    let first = fixture.prepared(&after, "alice").await;
    let small = fixture.prepared(&some(150), "carol").await;
    fixture.table.proxy.on_write_from(2, Action::Refuse(500, "InternalServerError", "gone"));
    fixture.editor.push(&first, |_| {}).await.unwrap_err();
    fixture.table.proxy.release();
    // One that was prepared before, and one of another document, are refused because of it.
    for error in [
        fixture.editor.push(&small, |_| {}).await.unwrap_err(),
        fixture.try_prepared(&some(3), "carol", false).await.unwrap_err(),
    ] {
        let PushError::InProgress { by, .. } = &error else { panic!("{error}") };
        assert_eq!(by, "alice");
        assert!(error.to_string().contains("add --take-over"), "{error}");
    }
    let over = fixture.try_prepared(&some(140), "carol", true).await.unwrap();
    let again = fixture.prepared(&after, "alice").await;
    fixture.editor.push(&over, |_| {}).await.unwrap();
    assert!(fixture.says(&some(140)).await);
    let error = fixture.editor.push(&again, |_| {}).await.unwrap_err();
    assert!(matches!(&error, PushError::Lost { by, .. } if by == "carol"), "{error}");
    assert!(fixture.says(&some(140)).await);
}

#[tokio::test]
async fn a_push_that_took_over_stops_the_one_that_is_in_progress() {
    let (before, after) = large_edit();
    let fixture = TableFixture::new().await;
    fixture.push(&before, "zoe").await.unwrap();
    let first = fixture.prepared(&after, "alice").await;
    fixture.table.proxy.calls();
    fixture.table.proxy.on_write_from(2, Action::Hold);
    let (error, ()) = tokio::join!(async { fixture.editor.push(&first, |_| {}).await.unwrap_err() }, async {
        fixture.table.proxy.arrived(WRITE, 3).await;
        let other = Editor::new(&fixture.table.config(), fixture.table.name.clone()).unwrap();
        let partition = other.team(&web()).await.unwrap();
        let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), some(150), &partition.rows));
        let over = other.prepare(&partition, &diff, note("carol"), true).unwrap();
        fixture.table.proxy.on_call(|_| Action::Pass);
        other.push(&over, |_| {}).await.unwrap();
        fixture.table.proxy.release();
    });
    let message = error.to_string();
    let PushError::Interrupted { error, done, .. } = error else { panic!("{error}") };
    assert!(matches!(&*error, PushError::Lost { by, .. } if by == "carol"), "{error}");
    assert_eq!(done, 2);
    assert!(message.contains("another push came first: ") && !message.contains("to complete"), "{message}");
    assert!(message.ends_with(&format!("; 2 of {} transactions are written", first.transactions())), "{message}");
    assert!(fixture.says(&some(150)).await);
}

#[tokio::test]
async fn taking_over_from_an_outdated_state_changes_nothing() {
    let (before, after) = large_edit();
    let fixture = TableFixture::new().await;
    fixture.push(&before, "zoe").await.unwrap();
    let first = fixture.prepared(&after, "alice").await;
    fixture.table.proxy.on_write_from(3, Action::Refuse(500, "InternalServerError", "gone"));
    fixture.editor.push(&first, |_| {}).await.unwrap_err();
    fixture.table.proxy.release();
    let over = fixture.try_prepared(&before, "carol", true).await.unwrap();
    // Alice writes one more step, which the head records.
    let mut head = fixture.table.get("TEAM#web", "HEAD").await;
    assert_eq!(head["step"], 2);
    head["step"] = json!(3);
    fixture.table.put("TEAM#web", "HEAD", head).await;
    let sorts = fixture.table.sorts("TEAM#web").await;
    let error = fixture.editor.push(&over, |_| {}).await.unwrap_err();
    assert!(matches!(&error, PushError::InProgress { by, .. } if by == "alice"), "{error}");
    assert_eq!(fixture.table.sorts("TEAM#web").await, sorts);
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_done() {
    let fixture = TableFixture::new().await;
    fixture.table.proxy.on_call(|call| if call.operation == WRITE { Action::LoseAnswer } else { Action::Pass });
    fixture.push(&some(2), "alice").await.unwrap();
    fixture.table.proxy.on_call(|call| match call.operation == WRITE {
        true => Action::Refuse(500, "InternalServerError", "gone"),
        false => Action::Pass,
    });
    let error = fixture.push(&some(3), "alice").await.unwrap_err();
    assert!(matches!(error, PushError::Table(TableError::Unavailable(_))), "{error}");
    assert!(fixture.says(&some(2)).await);
}

#[tokio::test]
async fn transactions_that_conflict_are_retried() {
    let fixture = TableFixture::new().await;
    let mut left = 3;
    fixture.table.proxy.on_call(move |call| {
        if call.operation != WRITE || left == 0 {
            return Action::Pass;
        }
        left -= 1;
        let code = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"][left];
        let mut reasons = vec![json!({ "Code": "None" }); items_of(call)];
        reasons[1] = json!({ "Code": code, "Message": "again" });
        let body = json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "canceled", "CancellationReasons": reasons });
        Action::Answer(400, body)
    });
    fixture.push(&some(2), "alice").await.unwrap();
    let writes = fixture.table.proxy.operations().into_iter().filter(|operation| operation == WRITE).count();
    assert_eq!(writes, 4);
    assert!(fixture.says(&some(2)).await);
}

#[tokio::test]
async fn large_documents_are_kept_in_parts_and_large_rows_in_several_transactions() {
    let fixture = TableFixture::new().await;
    let noise = |seed: u64| {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..60_000).map(|_| random.alphanumeric()).collect::<String>()
    };
    let mappings = (0..60).map(|index| mapping(index as usize, &noise(index))).collect();
    let large = tables(&["www.website.com"], mappings);
    let push = fixture.prepared(&large, "alice").await;
    assert!(push.transactions() > 1, "3.6 MB are too many for one transaction, though 60 rows are not");
    fixture.editor.push(&push, |_| {}).await.unwrap();
    assert!(fixture.says(&large).await);
    let sorts = fixture.table.sorts("TEAM#web").await;
    assert!(sorts.iter().filter(|sort| sort.starts_with("DOCUMENT#")).count() > 5, "{sorts:?}");
    let document = fixture.editor.document(&partition_of_web(), 1).await.unwrap().unwrap();
    assert_eq!(document, fixture.team().await.rows);
}

#[tokio::test]
async fn grants_are_one_partition_and_each_team_has_a_copy_of_its_own() {
    let fixture = TableFixture::new().await;
    let grant = |owns: &str| fields(json!({ "owns": [owns] }));
    let rows = |teams: &[(&str, &str)]| -> Rows {
        teams.iter().map(|(team, owns)| (RowKey::parse("GRANTS", team), grant(owns))).collect()
    };
    let push = async |after: Rows| {
        let partition = fixture.editor.grants().await.unwrap();
        let diff = Diff::between(&partition.rows, &after);
        let push = fixture.editor.prepare(&partition, &diff, note("op"), false).unwrap();
        fixture.editor.push(&push, |_| {}).await.unwrap();
        push.transactions()
    };
    assert_eq!(fixture.editor.grants().await.unwrap().rows, rows(&[("web", "s3://assets/")]));
    let three = rows(&[("0day", "s3://a/"), ("web", "s3://b/"), ("zoo", "s3://c/")]);
    assert_eq!(push(three.clone()).await, 1);
    assert_eq!(fixture.editor.grants().await.unwrap().rows, three);
    assert_eq!(fixture.team().await.grant, Some(grant("s3://b/")));
    assert_eq!(fixture.table.get("TEAM#0day", "GRANT").await, json!({ "version": 1, "owns": ["s3://a/"] }));
    push(rows(&[("web", "s3://b/")])).await;
    assert_eq!(fixture.table.get("TEAM#zoo", "GRANT").await, Value::Null);
    // A copy that somebody wrote over is written again by the next push, though the grant is the same.
    fixture.table.put("TEAM#web", "GRANT", json!({ "version": 1, "owns": ["s3://everything/"] })).await;
    assert_eq!(fixture.editor.grants().await.unwrap().stale_copies, [web()]);
    push(rows(&[("web", "s3://b/")])).await;
    assert_eq!(fixture.team().await.grant, Some(grant("s3://b/")));
    let many: Rows =
        (0..120).map(|index| (RowKey::parse("GRANTS", &format!("team{index}")), grant("s3://many/"))).collect();
    assert!(push(many.clone()).await > 1);
    assert_eq!(fixture.editor.grants().await.unwrap().rows, many);
    assert_eq!(fixture.table.get("TEAM#team77", "GRANT").await["owns"], json!(["s3://many/"]));
    assert_eq!(fixture.editor.history(&Partition::Grants, 10).await.unwrap().revisions.len(), 4);
}

#[tokio::test]
async fn rows_that_can_not_be_read_are_reported() {
    let fixture = TableFixture::new().await;
    fixture.push(&some(2), "alice").await.unwrap();
    fixture.table.put("TEAM#web", "MAPPING#later", json!({ "version": 2, "bucket": "assets" })).await;
    let later: Vec<String> = fixture.team().await.later_versions().map(|key| key.to_string()).collect();
    assert_eq!(later, ["TEAM#web/MAPPING#later"]);
    fixture.table.delete("TEAM#web", "MAPPING#later").await;
    // Without the head, no history is lost.
    fixture.table.delete("TEAM#web", "HEAD").await;
    fixture.push(&some(3), "alice").await.unwrap();
    let history = fixture.editor.history(&partition_of_web(), 9).await.unwrap().revisions;
    assert_eq!(history.iter().map(|it| it.revision).collect::<Vec<_>>(), [2, 1]);
    // Not even where the newest revision can't be read.
    fixture.table.delete("TEAM#web", "HEAD").await;
    fixture.table.put("TEAM#web", "REVISION#0000000002", json!({ "revision": "two" })).await;
    assert_eq!(fixture.team().await.revision, 2);
    fixture.push(&some(4), "alice").await.unwrap();
    let History { revisions, unreadable } = fixture.editor.history(&partition_of_web(), 9).await.unwrap();
    assert_eq!((revisions.iter().map(|it| it.revision).collect::<Vec<_>>(), unreadable.len()), (vec![3, 1], 1));
    // A head that was set back to an earlier number overwrites no revision.
    let head = fixture.table.get("TEAM#web", "HEAD").await;
    let mut earlier = head.clone();
    earlier["revision"] = json!(1);
    fixture.table.put("TEAM#web", "HEAD", earlier).await;
    let error = fixture.push(&some(3), "alice").await.unwrap_err().to_string();
    let reason = "DynamoDB refused the request: the row TEAM#web/REVISION#0000000002 exists already, though the row \
                  TEAM#web/HEAD says that it comes next: delete TEAM#web/HEAD, and the next push writes it from the newest \
                  revision";
    assert_eq!(error, reason);
    fixture.table.delete("TEAM#web", "HEAD").await;
    fixture.table.put("TEAM#web", "REVISION#four", json!({})).await;
    fixture.push(&some(3), "alice").await.unwrap();
    assert_eq!(fixture.team().await.revision, 4);
    fixture.table.delete("TEAM#web", "HEAD").await;
    fixture.table.put("TEAM#web", "REVISION#5th", json!({})).await;
    let error = fixture.editor.team(&web()).await.unwrap_err().to_string();
    assert!(
        error.contains("the row TEAM#web/REVISION#5th is no revision: its key has no number of ten digits; delete it"),
        "{error}"
    );
    fixture.table.put("TEAM#web", "HEAD", json!({ "revision": "seven" })).await;
    assert_eq!(fixture.editor.all_rows().await.unwrap().len(), 5, "other commands still read the rows");
    let error = fixture.editor.team(&web()).await.unwrap_err().to_string();
    assert!(error.starts_with("DynamoDB refused the request: the row TEAM#web/HEAD can't be read: "), "{error}");
    fixture.table.put("TEAM#web", "DOCUMENT#0000000001#0000", json!({ "data": "text" })).await;
    let error = fixture.editor.document(&partition_of_web(), 1).await.unwrap_err().to_string();
    assert!(error.contains("the document of revision 1 of TEAM#web can't be read: "), "{error}");
    for (status, code, expected) in [
        (400, "AccessDeniedException", "access denied: AccessDeniedException: no"),
        (400, "ResourceNotFoundException", "DynamoDB has no table `"),
        (400, "ValidationException", "DynamoDB refused the request: ValidationException: no"),
        (400, "ExpiredTokenException", "can't call DynamoDB: ExpiredTokenException: no; set the AWS region and"),
    ] {
        fixture.table.proxy.on_call(move |_| Action::Refuse(status, code, "no"));
        let error = fixture.editor.team(&web()).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn an_edit_during_an_interrupted_push_is_noticed() {
    let (before, after) = large_edit();
    let fixture = TableFixture::new().await;
    fixture.push(&before, "zoe").await.unwrap();
    let steps = fixture.prepared(&after, "alice").await.transactions();
    for broken_at in 1..steps {
        let fixture = TableFixture::new().await;
        fixture.push(&before, "zoe").await.unwrap();
        assert!(!fixture.team().await.is_edited());
        let first = fixture.prepared(&after, "alice").await;
        fixture.table.proxy.on_write_from(broken_at, Action::Refuse(500, "InternalServerError", "gone"));
        fixture.editor.push(&first, |_| {}).await.unwrap_err();
        fixture.table.proxy.release();
        let partition = fixture.team().await;
        let begun = partition.head.as_ref().unwrap().pending.clone().unwrap();
        assert!(!partition.is_edited(), "what the push wrote is no edit: {broken_at} of {steps}");
        let key = partition.rows.keys().find(|key| matches!(key, RowKey::Mapping { .. })).unwrap();
        let sort = &key.sort();
        let mut row = fixture.table.get("TEAM#web", sort).await;
        row["mode"] = json!("invalidate");
        fixture.table.put("TEAM#web", sort, row).await;
        assert!(fixture.team().await.is_edited());
        // It is completed, but not as what was approved.
        let note = Note { approval: "another".to_owned(), ..note("bob") };
        let partition = fixture.team().await;
        let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), after.clone(), &partition.rows));
        let push = fixture.editor.prepare(&partition, &diff, note, false).unwrap();
        fixture.editor.push(&push, |_| {}).await.unwrap();
        assert!(fixture.says(&after).await);
        let last = fixture.team().await.head.unwrap().last.unwrap();
        assert_eq!((last.approval.as_str(), last.diff == begun.diff), ("another", false));
        assert!(!fixture.team().await.is_edited());
    }
}

#[tokio::test]
async fn a_damaged_head_is_reported_and_the_head_of_a_first_push_in_progress_is_not() {
    let fixture = TableFixture::new().await;
    let first = fixture.prepared(&some(150), "alice").await;
    fixture.table.proxy.on_write_from(2, Action::Refuse(500, "InternalServerError", "gone"));
    fixture.editor.push(&first, |_| {}).await.unwrap_err();
    fixture.table.proxy.release();
    let head = fixture.team().await.head.unwrap();
    assert_eq!((head.last, head.pending.unwrap().by.as_str()), (None, "alice"));
    fixture.push(&some(150), "alice").await.unwrap();
    let head = fixture.table.get("TEAM#web", "HEAD").await;
    for field in ["push", "by", "at", "summary", "document"] {
        let mut damaged = head.clone();
        damaged.as_object_mut().unwrap().remove(field);
        fixture.table.put("TEAM#web", "HEAD", damaged).await;
        let error = fixture.editor.team(&web()).await.unwrap_err().to_string();
        let reason = format!("the row TEAM#web/HEAD can't be read: missing field `{field}`; fix it, or delete it");
        assert!(error.contains(&reason), "{error}");
    }
    fixture.table.put("TEAM#web", "HEAD", json!({ "revision": 1 })).await;
    assert!(fixture.editor.team(&web()).await.is_err());
}

#[tokio::test]
async fn a_push_under_a_grant_that_changes_in_the_meantime_writes_nothing() {
    for count in [2, 150] {
        let fixture = TableFixture::new().await;
        fixture.table.put("TEAM#web", "GRANT", json!({ "version": 1, "owns": ["s3://assets/"] })).await;
        let push = fixture.prepared(&some(count), "alice").await;
        fixture.table.put("TEAM#web", "GRANT", json!({ "version": 1, "owns": ["s3://other/"] })).await;
        let error = fixture.editor.push(&push, |_| {}).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the row TEAM#web/GRANT was edited in the meantime; see what changed, and push again"
        );
        assert_eq!(fixture.table.sorts("TEAM#web").await, ["GRANT"]);
        let push = fixture.prepared(&some(count), "alice").await;
        fixture.editor.push(&push, |_| {}).await.unwrap();
        assert_eq!(fixture.table.get("TEAM#web", "GRANT").await["owns"], json!(["s3://other/"]));
    }
}

#[tokio::test]
async fn a_history_is_read_over_pages_and_past_rows_that_can_not_be_read() {
    let fixture = TableFixture::new().await;
    let revision = |index: usize| {
        json!({ "revision": index, "push": "1", "by": "zoe", "at": "now", "summary": "some", "document": "",
            "message": "x".repeat(300_000) })
    };
    for index in 1..=9 {
        fixture.table.put("TEAM#web", &format!("REVISION#{index:010}"), revision(index)).await;
    }
    fixture.table.put("TEAM#web", "REVISION#0000000007", json!({ "revision": "seven" })).await;
    for (most, expected) in [(20, vec![9, 8, 6, 5, 4, 3, 2, 1]), (3, vec![9, 8]), (4, vec![9, 8, 6])] {
        let history = fixture.editor.history(&partition_of_web(), most).await.unwrap();
        assert_eq!(history.revisions.iter().map(|it| it.revision).collect::<Vec<_>>(), expected);
        assert_eq!(history.unreadable.len(), 1);
        let reason = "the row TEAM#web/REVISION#0000000007 can't be read: ";
        assert!(history.unreadable[0].starts_with(reason), "{:?}", history.unreadable);
    }
    assert!(fixture.table.proxy.operations().len() > 3, "there are pages");
}

#[tokio::test]
async fn rows_that_no_push_can_write_are_named() {
    let fixture = TableFixture::new().await;
    fixture.push(&some(1), "zoe").await.unwrap();
    let mut row = fixture.table.get("TEAM#web", "MAPPING#assets/0000/").await;
    for index in 0..80 {
        row[format!("attribute{index}")] = json!(index);
    }
    fixture.table.put("TEAM#web", "MAPPING#assets/0000/", row.clone()).await;
    let error = fixture.push(&tables(&["www.website.com"], Vec::new()), "zoe").await.unwrap_err().to_string();
    let expected = "the row TEAM#web/MAPPING#assets/0000/ has 87 attributes, more than can be compared: delete those";
    assert!(error.contains(expected), "{error}");
    // Somewhat less can be written.
    for index in 73..80 {
        row.as_object_mut().unwrap().remove(&format!("attribute{index}"));
    }
    fixture.table.put("TEAM#web", "MAPPING#assets/0000/", row).await;
    fixture.push(&tables(&["www.website.com"], Vec::new()), "zoe").await.unwrap();
    fixture.table.put("TEAM#web", "HEAD", json!({ "revision": u64::MAX })).await;
    let error = fixture.editor.team(&web()).await.unwrap_err().to_string();
    assert!(
        error.contains(
            "the row TEAM#web/HEAD says revision 18446744073709551615, which is impossible; fix it, or delete it"
        ),
        "{error}"
    );
}
