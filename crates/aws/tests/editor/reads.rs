//! Partitions as they are read: the grants, the history, and rows that can't be read or written.

use purge_router_aws::History;
use purge_router_config::{Diff, Partition, RowKey, Rows};
use purge_router_dynamodb_local::Action;
use serde_json::{Value, json};

use crate::fixture::{TableFixture, description, fields, partition_of_web, some, tables, web};

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
        let push = fixture.editor.prepare(&partition, &diff, description("op"), false).unwrap();
        fixture.editor.push(&push, |_| {}).await.unwrap();
        push.transactions()
    };
    assert_eq!(fixture.editor.grants().await.unwrap().rows, rows(&[("web", "s3://assets/")]));
    let three = rows(&[("0day", "s3://a/"), ("web", "s3://b/"), ("zoo", "s3://c/")]);
    assert_eq!(push(three.clone()).await, 1);
    assert_eq!(fixture.editor.grants().await.unwrap().rows, three);
    assert_eq!(fixture.team().await.grant_copy, Some(grant("s3://b/")));
    assert_eq!(fixture.table.get("TEAM#0day", "GRANT").await, json!({ "version": 1, "owns": ["s3://a/"] }));
    push(rows(&[("web", "s3://b/")])).await;
    assert_eq!(fixture.table.get("TEAM#zoo", "GRANT").await, Value::Null);
    // A copy that somebody wrote over is written again by the next push, though the grant is the same.
    fixture.table.put("TEAM#web", "GRANT", json!({ "version": 1, "owns": ["s3://everything/"] })).await;
    assert_eq!(fixture.editor.grants().await.unwrap().teams_with_stale_copy, [web()]);
    push(rows(&[("web", "s3://b/")])).await;
    assert_eq!(fixture.team().await.grant_copy, Some(grant("s3://b/")));
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
        error.contains(
            "the row TEAM#web/REVISION#5th is not a revision: the number in its key does not have ten digits; delete it"
        ),
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
