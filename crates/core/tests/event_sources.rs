//! Ways by which events arrive besides S3, SQS and SNS, alone and in one another, and the records of vendors.

#![allow(clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

use purge_router_core::{Event, decode, decode_with_messages};
use serde_json::{Value, json};

fn record(source: &str, name: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": source, "eventTime": "2026-11-02T09:30:00.000Z", "eventName": name,
        "s3": {"bucket": {"name": "assets"}, "object": {"key": key}},
    })
}

fn s3(key: &str) -> Value {
    json!({"Records": [record("aws:s3", "ObjectCreated:Put", key)]})
}

fn sqs(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "receiptHandle": "r", "body": body.to_string()})
}

fn sns(message: &Value) -> Value {
    json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": message.to_string()})
}

fn destination_record(payload: &Value) -> Value {
    json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": payload})
}

fn bridge(detail_type: &str, detail: &Value) -> Value {
    json!({"version": "0", "source": "aws.s3", "detail-type": detail_type, "time": "2026-11-02T09:30:00Z", "detail": detail})
}

fn detail(more: Value) -> Value {
    let mut detail = json!({"version": "0", "bucket": {"name": "assets"}, "object": {"key": "a+%20b"}});
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    detail
}

fn call(name: &str, more: Value) -> Value {
    let mut call = json!({
        "eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": name, "readOnly": false,
        "eventTime": "2026-11-02T09:29:58Z", "requestParameters": {"bucketName": "assets", "key": "a+%20b"},
    });
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

fn v2(body: Value, is_base64: bool) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "headers": {}, "isBase64Encoded": is_base64,
        "requestContext": {"http": {"method": "POST", "path": "/"}}, "body": body,
    })
}

fn v1(body: Value, is_base64: bool) -> Value {
    json!({
        "resource": "/", "path": "/", "httpMethod": "POST", "headers": {}, "isBase64Encoded": is_base64,
        "requestContext": {"httpMethod": "POST", "stage": "prod"}, "body": body,
    })
}

/// One line for each thing found, in the order of the three lists.
fn lines(event: &Value) -> Vec<String> {
    let Event { changes, ignored, rejected } = decode(event.to_string().as_bytes()).unwrap();
    let changes = changes.iter().map(|c| format!("{} {} {}", c.origin, c.kind, c.key));
    let ignored = ignored.iter().map(|i| format!("{} ignored {}", i.origin, i.reason));
    let rejected = rejected.iter().map(|r| format!("{} rejected {}", r.origin, r.reason));
    changes.chain(ignored).chain(rejected).collect()
}

#[test]
fn every_wrapper() {
    let lone = sqs("1", &s3("a"));
    let received = json!({"MessageId": "1", "ReceiptHandle": "r", "MD5OfBody": "x", "Body": s3("a").to_string()});
    let by_lambda = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": s3("a").to_string()}}]});
    let bridged = json!({
        "source": "lambda", "detail-type": "Lambda Function Invocation Result - Failure",
        "detail": destination_record(&s3("a")),
    });
    for (name, event, origin) in [
        ("Pipes", json!([sqs("1", &s3("a"))]), "1"),
        ("Pipes, SNS in SQS", json!([sqs("1", &sns(&s3("a")))]), "1"),
        ("Pipes, parsed body", json!([{"messageId": "1", "body": s3("a")}]), "1"),
        ("Pipes, bodies alone", json!([s3("a")]), "invocation"),
        ("Pipes, bodies as strings", json!([s3("a").to_string()]), "invocation"),
        ("Pipes, records alone", json!([record("aws:s3", "ObjectCreated:Put", "a")]), "invocation"),
        ("Pipes, notifications alone", json!([sns(&s3("a"))]), "invocation"),
        ("a lone SQS message", lone, "1"),
        ("receive-message", json!({"Messages": [received], "ResponseMetadata": {}}), "1"),
        ("receive-message --query Messages", json!([received]), "1"),
        ("receive-message --query 'Messages[0]'", received.clone(), "1"),
        ("a lone record", record("aws:s3", "ObjectCreated:Put", "a"), "invocation"),
        ("destination record", destination_record(&s3("a")), "invocation"),
        ("destination record in SQS", json!({"Records": [sqs("1", &destination_record(&s3("a")))]}), "1"),
        ("destination record in SNS in SQS", json!([sqs("1", &sns(&destination_record(&s3("a"))))]), "1"),
        ("destination record of an SNS event in SQS", json!([sqs("1", &destination_record(&by_lambda))]), "1"),
        (
            "destination record of an SQS event",
            destination_record(&json!({"Records": [sqs("9", &s3("a"))]})),
            "invocation",
        ),
        (
            "destination record of an SQS event in SQS",
            json!({"Records": [sqs("1", &destination_record(&json!({"Records": [sqs("9", &s3("a"))]})))]}),
            "1",
        ),
        ("destination record over EventBridge", bridged, "invocation"),
        ("function URL", v2(json!(s3("a").to_string()), false), "invocation"),
        ("API gateway, version 1", v1(json!(s3("a").to_string()), false), "invocation"),
        ("SNS over HTTP", v2(json!(sns(&s3("a")).to_string()), false), "invocation"),
        ("SQS over HTTP", v2(json!(json!([sqs("9", &s3("a"))]).to_string()), false), "invocation"),
        ("Pipes from SQS to SQS", json!({"Records": [sqs("1", &sqs("9", &s3("a")))]}), "1"),
        ("receive-message in SQS", json!({"Records": [sqs("1", &json!({"Messages": [received]}))]}), "1"),
        ("StorageGRID's publish", json!({"Action": "Publish", "Message": s3("a"), "TopicArn": "t"}), "invocation"),
    ] {
        assert_eq!(lines(&event), [format!("{origin} created a")], "{name}");
    }
}

#[test]
fn each_of_a_list_fails_alone_and_by_its_own_id() {
    let event = json!([
        sqs("1", &s3("a")), sqs("2", &json!([1])), sqs("3", &json!([sns(&s3("b")), s3("c"), 7])), 5,
        {"messageId": "4", "body": 7}, {"eventSource": "aws:kinesis"}, "hello", s3("d"),
        {"MessageId": "5", "Body": sns(&s3("e")).to_string()},
    ]);
    assert_eq!(
        lines(&event),
        [
            "1 created a",
            "3 created b",
            "3 created c",
            "invocation created d",
            "5 created e",
            "2 rejected body: not an event: found a JSON array",
            "3 rejected body[2]: expected a record of S3, SQS or SNS, found the number 7",
            "invocation rejected [3]: expected a record of S3, SQS or SNS, found the number 5",
            "4 rejected body: expected a string, found the number 7",
            "invocation rejected [5]: expected a record of S3, SQS or SNS, found a record of `aws:kinesis`",
            "invocation rejected [6]: not an event: found text that is not JSON (expected value at line 1 column 1), \
             beginning with `hello`",
        ]
    );
    let messages = decode_with_messages(event.to_string().as_bytes()).unwrap().messages.len();
    assert_eq!(messages, 5, "with the one whose body is broken");
}

#[test]
fn both_lists_of_a_message_are_read() {
    let mut event = s3("a");
    event["Messages"] = json!([{"MessageId": "1", "Body": s3("b").to_string()}]);
    assert_eq!(lines(&event), ["invocation created a", "1 created b"]);
}

#[test]
fn bodies_of_http_requests() {
    let request = |body: Value, is_base64| [v2(body.clone(), is_base64), v1(body, is_base64)];
    for (body, is_base64, expected) in [
        (json!(""), false, "rejected body: not an event: found only white space"),
        (json!(null), false, "rejected body: missing"),
        (json!("hello"), false, "rejected body: not an event: found text that is not JSON"),
        (json!("aGVsbG8="), true, "rejected body: not an event: found text that is not JSON"),
        (json!("//79"), true, "rejected body: expected text in base64, found bytes that are not UTF-8"),
        (json!("{\"a\"}"), true, "rejected body: expected base64, found `{"),
        // {"Records":[{"eventSource":"minio:s3"}]}
        (
            json!("eyJSZWNvcmRzIjpbeyJldmVudFNvdXJjZSI6Im1pbmlvOnMzIn1dfQ=="),
            true,
            "rejected body.Records[0].eventVersion: missing",
        ),
        // The same, but not encoded, though a proxy says so.
        (json!("{\"Records\":[]}"), true, "rejected body: expected base64"),
    ] {
        for request in request(body.clone(), is_base64) {
            let lines = lines(&request);
            assert!(lines.len() == 1 && lines[0].starts_with(&format!("invocation {expected}")), "{lines:?} of {body}");
        }
    }
    for method in ["GET", "HEAD"] {
        let mut request = v2(json!(null), false);
        request["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(lines(&request), ["invocation ignored health-check"]);
        request["body"] = json!(s3("a").to_string());
        assert_eq!(lines(&request), ["invocation created a"]);
    }
}

#[test]
fn only_an_http_request_has_an_http_response() {
    for (event, expected) in [
        (v2(json!(s3("a").to_string()), false), true),
        (v1(json!("hello"), false), true),
        (s3("a"), false),
        (destination_record(&v2(json!("{}"), false)), false),
        (json!({"Records": [sqs("1", &v2(json!(s3("a").to_string()), false))]}), false),
    ] {
        assert_eq!(decode_with_messages(event.to_string().as_bytes()).unwrap().is_http_request, expected, "{event}");
    }
}

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
    }
}

#[test]
fn details_of_eventbridge() {
    let key = "a+%20b";
    for (detail, expected) in [
        (detail(json!({"reason": "PutObject"})), format!("created {key}")),
        (detail(json!({"reason": "POST Object"})), format!("created {key}")),
        (detail(json!({"reason": "CompleteMultipartUpload"})), format!("created {key}")),
        (
            detail(json!({"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"})),
            format!("removed {key}"),
        ),
        (detail(json!({"deletion-type": "Permanently Deleted"})), format!("removed {key}")),
        (
            detail(json!({"restore-expiry-time": "2026-11-13", "source-storage-class": "GLACIER"})),
            format!("restored {key}"),
        ),
        (detail(json!({"source-storage-class": "GLACIER"})), "ignored Object Restore Initiated".to_owned()),
        (detail(json!({"destination-storage-class": "GLACIER"})), "ignored Object Storage Class Changed".to_owned()),
        (detail(json!({"detail-type": "Object Tags Added"})), format!("tagged {key}")),
        (json!({"detail-type": "Object Deleted", "detail": detail(json!({}))}), format!("removed {key}")),
        (json!({"detail-type": "Object ACL Updated", "detail": detail(json!({}))}), format!("acl {key}")),
        (json!({"detail": detail(json!({"reason": "PutObject"}))}), format!("created {key}")),
        (json!({"source": "aws.s3", "detail": detail(json!({"reason": "DeleteObject"}))}), format!("removed {key}")),
        (json!({"detail": call("PutObject", json!({}))}), format!("created {key}")),
        (json!({"source": "aws.s3", "detail": call("DeleteObject", json!({}))}), format!("removed {key}")),
        (detail(json!({"source": "aws.s3", "detail-type": "Object Deleted"})), format!("removed {key}")),
    ] {
        assert_eq!(lines(&detail), [format!("invocation {expected}")]);
        assert_eq!(lines(&json!([sqs("1", &detail), detail])).len(), 2);
        assert_eq!(lines(&json!({"Records": [sqs("1", &detail)]})), [format!("1 {expected}")]);
    }
}

#[test]
fn what_a_rule_leaves_out_is_not_guessed() {
    // Tags or an ACL: nothing in the detail says which.
    let same = detail(json!({"requester": "1"}));
    for (event, expected) in [
        (same.clone(), "detail-type: missing, and the detail alone does not say what happened"),
        (json!({"detail": same}), "detail-type: missing, and the detail alone does not say what happened"),
        (json!({"detail-type": "Object Created", "detail": {}}), "detail.bucket.name: missing"),
        (json!({"source": "aws.s3", "bucket": "assets", "key": "a"}), "detail-type: missing"),
        (json!({"bucket": "assets", "key": "a"}), "not an event: found a JSON object with `bucket`, `key`"),
        (
            json!({"bucket": "assets", "key": "a", "detail-type": "Object Created"}),
            "not an event: found a JSON object with `bucket`, `key`, `detail-type`",
        ),
    ] {
        let dot = if expected.starts_with("not") { ": " } else { "." };
        let lines = lines(&json!({"Records": [sqs("1", &event)]}));
        assert!(lines.len() == 1 && lines[0].starts_with(&format!("1 rejected body{dot}{expected}")), "{lines:?}");
    }
}

#[test]
fn unknown_names_are_rejected_with_advice() {
    for (event, expected) in [
        (
            record("minio:s3", "s3:ObjectCreated:PutSomething", "a"),
            "eventName: `s3:ObjectCreated:PutSomething` is not a known name of an event of `minio:s3`",
        ),
        (record("ceph:s3", "UnknownEvent", "a"), "eventName: `UnknownEvent` is not a known name"),
        (record("aws:s3", "ObjectFrozen:Put", "a"), "eventName: `ObjectFrozen:Put` is not a known name"),
        (bridge("Object Frozen", &detail(json!({}))), "detail-type: `Object Frozen` is not a known type"),
    ] {
        let lines = lines(&event);
        assert!(lines[0].starts_with(&format!("invocation rejected {expected}")), "{lines:?}");
        assert!(lines[0].contains("report it to the maintainers"), "{lines:?}");
    }
}

#[test]
fn records_of_vendors() {
    let mut scality = record("scality:s3", "s3:ObjectCreated:Put", "a b+c");
    scality["eventVersion"] = json!("1.0");
    let mut without_source = record("", "s3:ObjectCreated:Put", "a%2Fb");
    without_source.as_object_mut().unwrap().remove("eventSource");
    for (record, keys) in [
        (scality, &["a b+c", "a b c"][..]),
        (without_source, &["a%2Fb", "a/b"]),
        (record("rustfs:s3", "s3:ObjectCreated:Put", "a%2Fb"), &["a/b"]),
        (record("minio:s3", "s3:ObjectCreated:Put", "a%2Fb"), &["a/b"]),
        (record("sgws:s3", "ObjectCreated:Put", "a b"), &["a b"]),
        (record("sgws:s3", "ObjectCreated:Put", "100%"), &["100%"]),
        (record("wasabi:s3", "ObjectCreated:Put", "a+b"), &["a+b", "a b"]),
        (record("seaweedfs:s3", "ObjectCreated:Put", "a"), &["a"]),
    ] {
        let expected: Vec<String> = keys.iter().map(|key| format!("invocation created {key}")).collect();
        assert_eq!(lines(&json!({"Records": [record]})), expected);
    }
    let mut of_aws = record("aws:s3", "ObjectCreated:Put", "a");
    of_aws["eventVersion"] = json!("1.0");
    assert_eq!(lines(&of_aws), ["invocation rejected eventVersion: expected 2.x, found `1.0`"]);
}
