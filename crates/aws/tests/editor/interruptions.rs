//! Pushes of several transactions that are interrupted, completed or taken over.

use std::sync::Mutex;

use purge_router_aws::{Editor, PushDescription, PushError};
use purge_router_config::{Checksum, Diff, RowKey, assign_row_keys};
use purge_router_dynamodb_local::{Action, Call};
use serde_json::json;

use crate::fixture::{
    TableFixture, WRITE, description, is_guarded, items_of, keys, large_edit, mapping, partition_of_web, some, tables,
    web,
};

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
            assert!(newest.record.diff == Some(begun) || is_last_and_written, "it is described as it was started");
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
        let over = other.prepare(&partition, &diff, description("carol"), true).unwrap();
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
async fn taking_over_from_a_stale_state_changes_nothing() {
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
        let another = Some(Checksum::of_texts(&["another"]));
        let description = PushDescription { approval: another, ..description("bob") };
        let partition = fixture.team().await;
        let diff = Diff::between(&partition.rows, &assign_row_keys(&web(), after.clone(), &partition.rows));
        let push = fixture.editor.prepare(&partition, &diff, description, false).unwrap();
        fixture.editor.push(&push, |_| {}).await.unwrap();
        assert!(fixture.says(&after).await);
        let last = fixture.team().await.head.unwrap().last.unwrap();
        assert_eq!((last.approval, last.diff == begun.diff), (another, false));
        assert!(!fixture.team().await.is_edited());
    }
}

#[tokio::test]
async fn an_unreadable_checksum_of_an_interrupted_push_counts_as_an_edit() {
    let (before, after) = large_edit();
    let fixture = TableFixture::new().await;
    fixture.push(&before, "zoe").await.unwrap();
    let first = fixture.prepared(&after, "alice").await;
    fixture.table.proxy.on_write_from(2, Action::Refuse(500, "InternalServerError", "gone"));
    fixture.editor.push(&first, |_| {}).await.unwrap_err();
    fixture.table.proxy.release();
    assert!(!fixture.team().await.is_edited());
    let head = fixture.table.get("TEAM#web", "HEAD").await;
    for rows in [json!("damaged"), json!("")] {
        let mut damaged = head.clone();
        damaged["rows"] = rows.clone();
        fixture.table.put("TEAM#web", "HEAD", damaged).await;
        assert!(fixture.team().await.is_edited(), "{rows}");
    }
}
