//! Events as S3 and SQS write them.

use serde_json::{Value, json};

/// S3's record of an object that was put. The key is form-encoded, as S3 writes it.
pub fn record(bucket: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "sequencer": "0055AED6DCD90281E5" } },
    })
}

/// An event of these records, of S3 or of SQS.
pub fn records(records: impl IntoIterator<Item = Value>) -> Value {
    json!({ "Records": records.into_iter().collect::<Vec<_>>() })
}

/// An event of S3 about objects of one bucket.
pub fn s3<K: AsRef<str>>(bucket: &str, keys: impl IntoIterator<Item = K>) -> Value {
    records(keys.into_iter().map(|key| record(bucket, key.as_ref())))
}

/// A message of a queue with this body, which need not be an event.
pub fn message(id: &str, body: &str) -> Value {
    json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
}

/// A batch of messages, each with an id and the event in its body.
pub fn sqs<I: AsRef<str>>(messages: impl IntoIterator<Item = (I, Value)>) -> Value {
    records(messages.into_iter().map(|(id, event)| message(id.as_ref(), &event.to_string())))
}
