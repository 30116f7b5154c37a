//! Pushes that write, win or are refused: the first one wins, and no edit is overwritten.

use purge_router_aws::{PushDescription, PushError, TableError};
use purge_router_config::{Diff, RowKey, assign_row_keys};
use purge_router_dynamodb_local::Action;
use serde_json::json;

use crate::fixture::{
    TableFixture, WRITE, description, is_guarded, items_of, mapping, partition_of_web, some, tables, web,
};

#[tokio::test]
async fn a_push_is_one_transaction_with_its_revision() {
    let fixture = TableFixture::new().await;
    let description = PushDescription { message: Some("the first".to_owned()), ..description("alice") };
    let partition = fixture.team().await;
    let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), some(2), &partition.rows));
    let push = fixture.editor.prepare(&partition, &diff, description, false).unwrap();
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
    let (revision, record) = (history[0].revision, &history[0].record);
    assert_eq!((revision, record.by.as_str(), record.message.as_deref()), (1, "alice", Some("the first")));
    assert_eq!((record.at.len(), &record.at[10..11], &record.at[19..]), (20, "T", "Z"));
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
    let last: usize = history[0].record.by.strip_prefix("user").unwrap().parse().unwrap();
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
