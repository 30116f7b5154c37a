//! Events as their sources write them, and what is read of them.

use purge_router_core::{Event, decode};
use serde_json::{Value, json};

pub(crate) fn record(source: &str, name: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": source, "eventTime": "2026-11-02T09:30:00.000Z", "eventName": name,
        "s3": {"bucket": {"name": "assets"}, "object": {"key": key}},
    })
}

pub(crate) fn s3(key: &str) -> Value {
    json!({"Records": [record("aws:s3", "ObjectCreated:Put", key)]})
}

pub(crate) fn sqs(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "receiptHandle": "r", "body": body.to_string()})
}

pub(crate) fn sns(message: &Value) -> Value {
    json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": message.to_string()})
}

pub(crate) fn destination_record(payload: &Value) -> Value {
    json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": payload})
}

pub(crate) fn bridge(detail_type: &str, detail: &Value) -> Value {
    json!({"version": "0", "source": "aws.s3", "detail-type": detail_type, "time": "2026-11-02T09:30:00Z", "detail": detail})
}

pub(crate) fn detail(more: Value) -> Value {
    let mut detail = json!({"version": "0", "bucket": {"name": "assets"}, "object": {"key": "a+%20b"}});
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    detail
}

pub(crate) fn call(name: &str, more: Value) -> Value {
    let mut call = json!({
        "eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": name, "readOnly": false,
        "eventTime": "2026-11-02T09:29:58Z", "requestParameters": {"bucketName": "assets", "key": "a+%20b"},
    });
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

pub(crate) fn v2(body: Value, is_base64: bool) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "headers": {}, "isBase64Encoded": is_base64,
        "requestContext": {"http": {"method": "POST", "path": "/"}}, "body": body,
    })
}

pub(crate) fn v1(body: Value, is_base64: bool) -> Value {
    json!({
        "resource": "/", "path": "/", "httpMethod": "POST", "headers": {}, "isBase64Encoded": is_base64,
        "requestContext": {"httpMethod": "POST", "stage": "prod"}, "body": body,
    })
}

/// One line for each thing found, in the order of the three lists.
pub(crate) fn lines(event: &Value) -> Vec<String> {
    let Event { changes, ignored, rejected, .. } = decode(event.to_string().as_bytes()).unwrap();
    let changes = changes.iter().map(|c| format!("{} {} {}", c.origin, c.kind, c.key));
    let ignored = ignored.iter().map(|i| format!("{} ignored {}", i.origin, i.reason));
    let rejected = rejected.iter().map(|r| format!("{} rejected {}", r.origin, r.reason));
    changes.chain(ignored).chain(rejected).collect()
}
