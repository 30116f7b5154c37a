//! Calls of S3 that CloudTrail reports.

use purge_router_core::decode;
use serde_json::{Value, json};

use crate::events::{bridge, call, lines};

#[test]
fn calls_that_cloudtrail_reports() {
    let key = "a+%20b";
    for (call, expected) in [
        (call("PutObject", json!({})), format!("created {key}")),
        (call("CopyObject", json!({})), format!("created {key}")),
        (call("CompleteMultipartUpload", json!({})), format!("created {key}")),
        (call("DeleteObject", json!({})), format!("removed {key}")),
        (call("PutObjectTagging", json!({})), format!("tagged {key}")),
        (call("PutObjectAcl", json!({})), format!("acl {key}")),
        (call("PutObject", json!({"errorCode": "AccessDenied"})), "ignored PutObject failed: AccessDenied".to_owned()),
        (call("PutObject", json!({"errorCode": null})), format!("created {key}")),
        (call("PutObject", json!({"errorCode": ""})), format!("created {key}")),
        (call("UploadPart", json!({})), "ignored UploadPart".to_owned()),
        (call("CreateMultipartUpload", json!({})), "ignored CreateMultipartUpload".to_owned()),
        (call("RestoreObject", json!({})), "ignored RestoreObject".to_owned()),
        (call("GetObject", json!({})), "ignored GetObject".to_owned()),
        (call("GetSomethingNew", json!({"readOnly": true})), "ignored GetSomethingNew".to_owned()),
    ] {
        for (place, event) in [
            ("over EventBridge", bridge("AWS API Call via CloudTrail", &call)),
            ("its detail alone", call.clone()),
            ("a file of CloudTrail", json!({"Records": [call]})),
            ("in SQS by Pipes", json!([{"messageId": "1", "body": call}])),
        ] {
            let lines = lines(&event);
            assert!(lines.len() == 1 && lines[0].ends_with(&expected), "{place}: {lines:?}");
        }
    }
}

#[test]
fn calls_that_are_not_understood_are_rejected() {
    for (call, expected) in [
        (call("PutObject", json!({"requestParameters": {"bucketName": "assets"}})), "requestParameters.key: missing"),
        (call("PutObject", json!({"requestParameters": null})), "requestParameters.key: missing"),
        (
            call("ExpireObject", json!({"readOnly": true})),
            "eventName: `ExpireObject` is not a call of S3 that purge-router knows",
        ),
        (call("RenameObject", json!({})), "eventName: `RenameObject` is not a call of S3 that purge-router knows"),
        (call("PutBucketPolicy", json!({})), "eventName: `PutBucketPolicy` may change what all objects"),
    ] {
        let lines = lines(&bridge("AWS API Call via CloudTrail", &call));
        assert!(lines[0].starts_with(&format!("invocation rejected detail.{expected}")), "{lines:?}");
    }
    assert_eq!(
        lines(&json!({"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": {}})),
        ["invocation rejected detail.eventName: missing"]
    );
}

#[test]
fn deleted_objects_are_purged_where_cloudtrail_names_them() {
    let resources = json!([
        {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::assets/"},
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::assets/x y"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::assets", "accountId": "1"},
    ]);
    let objects = json!([{"key": "x y"}, {"Key": "z"}]);
    let params = |more: Value| {
        let mut params = json!({"bucketName": "assets", "Host": "assets.s3.amazonaws.com", "delete": ""});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    for (more, keys) in [
        (json!({"requestParameters": params(json!({}))}), &[][..]),
        (json!({"requestParameters": params(json!({})), "resources": resources}), &["x y"]),
        (json!({"requestParameters": params(json!({"delete": {"objects": objects}}))}), &["x y", "z"]),
        (json!({"requestParameters": params(json!({"delete": {"object": {"key": "z"}}}))}), &["z"]),
        (json!({"requestParameters": params(json!({"objects": ["x y", "z"]}))}), &["x y", "z"]),
        (
            json!({"requestParameters": params(json!({})), "additionalEventData": {"deletedObjects": objects},
                "resources": resources}),
            &["x y", "z"],
        ),
    ] {
        let lines = lines(&bridge("AWS API Call via CloudTrail", &call("DeleteObjects", more)));
        if keys.is_empty() {
            let reason = "invocation rejected detail.requestParameters: CloudTrail does not say which objects";
            assert!(lines.len() == 1 && lines[0].starts_with(reason), "{lines:?}");
        } else {
            assert_eq!(lines, keys.iter().map(|key| format!("invocation removed {key}")).collect::<Vec<_>>());
        }
    }
}

#[test]
fn calls_by_an_access_point_name_the_bucket_in_their_resources() {
    let resources = json!([
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::assets/a"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::assets"},
    ]);
    for name in ["web-abcdefghijk-s3alias", "arn:aws:s3:eu-west-1:123456789012:accesspoint/web"] {
        let more = json!({"requestParameters": {"bucketName": name, "key": "a"}, "resources": resources});
        let event = decode(call("PutObject", more).to_string().as_bytes()).unwrap();
        assert_eq!(event.changes[0].object(), "s3://assets/a");
        let more = json!({"requestParameters": {"bucketName": name, "key": "a"}, "resources": []});
        let reason = &decode(call("PutObject", more).to_string().as_bytes()).unwrap().rejected[0].reason;
        let expected = format!("`{name}` is an access point, and `resources` name no single bucket");
        assert!(reason.ends_with(&expected), "{reason}");
    }
    let alias = json!({"bucketName": "web-abcdefghijk-s3alias", "key": "a"});
    for (resources, expected) in [
        (json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::assets/a"}]), "s3://assets/a"),
        (json!([]), "rejected"),
        (
            json!([
                {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::assets/a"},
                {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::other"},
            ]),
            "rejected",
        ),
    ] {
        let more = json!({"requestParameters": alias, "resources": resources});
        let event = decode(call("PutObject", more).to_string().as_bytes()).unwrap();
        let found = event.changes.first().map_or("rejected".to_owned(), |change| change.object());
        assert_eq!((found.as_str(), event.changes.len() + event.rejected.len()), (expected, 1), "{resources}");
    }
}
