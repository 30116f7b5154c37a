//! Events in one another, and lists of which each element fails alone.

use purge_router_core::decode_with_messages;
use serde_json::json;

use crate::events::{destination_record, lines, record, s3, sns, sqs, v1, v2};

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
