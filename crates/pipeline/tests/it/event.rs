//! Events as S3 and SQS write them.

use serde_json::{Value, json};

/// One object that was put. The key is form-encoded, as S3 writes it.
pub(crate) fn record(bucket: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-03-01T12:00:00.000Z",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "sequencer": "0055AED6DCD90281E5" } },
    })
}

/// A direct event.
pub(crate) fn s3<K: AsRef<str>>(bucket: &str, keys: impl IntoIterator<Item = K>) -> Value {
    records(keys.into_iter().map(|key| record(bucket, key.as_ref())))
}

/// A direct event of these records.
pub(crate) fn records(records: impl IntoIterator<Item = Value>) -> Value {
    json!({ "Records": records.into_iter().collect::<Vec<_>>() })
}

/// A message of a queue, with an event or any other text in it.
pub(crate) fn message(id: &str, body: &str) -> Value {
    json!({ "messageId": id, "eventSource": "aws:sqs", "body": body })
}

/// A batch of messages, each with an event of its own.
pub(crate) fn sqs<'m>(messages: impl IntoIterator<Item = (&'m str, Value)>) -> Value {
    records(messages.into_iter().map(|(id, event)| message(id, &event.to_string())))
}

/// `prefix0.css`, `prefix1.css`, …
pub(crate) fn keys(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}{index}.css")).collect()
}
