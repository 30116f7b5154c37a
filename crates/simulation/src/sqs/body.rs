//! The texts of messages and of the events that Lambda makes of them.

use std::fmt::Write;
use std::sync::Arc;

use super::queue::Received;
use crate::clock::SimTime;
use crate::event::{MessageId, QueueName};
use crate::scenario::{ChangeId, Scenario};

/// What S3 writes about a change.
pub(crate) fn notification(scenario: &Scenario, change: ChangeId, changed_at: SimTime) -> Arc<str> {
    let upload = &scenario.uploads[change];
    let object = &scenario.objects[upload.object];
    let bucket = Scenario::bucket(scenario.zones[object.zone].team);
    let name = if upload.is_removal { "ObjectRemoved:Delete" } else { "ObjectCreated:Put" };
    let (key, time) = (object.key.replace(' ', "+"), changed_at.rfc3339());
    let etag = if upload.is_removal { String::new() } else { format!(r#""eTag":"{:032x}","#, upload.content) };
    let text = format!(
        r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"{time}","eventName":"{name}","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}",{etag}"sequencer":"{change:016x}"}}}}}}]}}"#
    );
    Arc::from(text)
}

/// A message that is no event.
pub(crate) fn malformed_body() -> Arc<str> {
    Arc::from("no event")
}

/// The change that a message is about.
pub(crate) fn change_of_body(body: &str) -> Option<ChangeId> {
    let (_, rest) = body.split_once(r#""sequencer":""#)?;
    usize::from_str_radix(rest.get(..16)?, 16).ok()
}

/// The ARN of a queue.
pub(super) fn arn(queue: QueueName) -> &'static str {
    match queue {
        QueueName::Main => "arn:aws:sqs:eu-west-1:123456789012:purge-router",
        QueueName::Retry => "arn:aws:sqs:eu-west-1:123456789012:purge-router-retry",
        QueueName::DeadLetters => "arn:aws:sqs:eu-west-1:123456789012:purge-router-dead-letters",
    }
}

/// The message of a receipt handle.
pub(super) fn message_of_handle(handle: &str) -> Option<MessageId> {
    handle.strip_prefix("r-")?.parse().ok()
}

/// The event of an invocation.
pub(crate) fn batch_event(queue: QueueName, messages: &[Received]) -> Vec<u8> {
    let arn = arn(queue);
    let mut text = String::with_capacity(64 + messages.len() * 700);
    text.push_str(r#"{"Records":["#);
    for (index, message) in messages.iter().enumerate() {
        let (id, receives, sent_at) = (message.id, message.receives, message.sent_at.unix_milliseconds());
        let comma = if index == 0 { "" } else { "," };
        // Bodies hold no characters but quotes that JSON escapes.
        let body = message.body.replace('"', "\\\"");
        let attributes = message.purged.as_ref().map_or_else(String::new, |purged| {
            format!(r#""PurgedItems":{{"stringValue":"{purged}","binaryListValues":[],"stringListValues":[],"dataType":"String"}}"#)
        });
        let _ = write!(
            text,
            r#"{comma}{{"messageId":"m-{id}","receiptHandle":"r-{id}","body":"{body}","attributes":{{"ApproximateReceiveCount":"{receives}","SentTimestamp":"{sent_at}"}},"messageAttributes":{{{attributes}}},"eventSource":"aws:sqs","eventSourceARN":"{arn}","awsRegion":"eu-west-1"}}"#
        );
    }
    text.push_str("]}");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::random::Seed;
    use crate::scenario::scenario;

    #[test]
    fn a_body_names_its_change() {
        let scenario = scenario(Seed(1));
        let body = notification(&scenario, 5, SimTime::default());
        assert_eq!(change_of_body(&body), Some(5));
        assert_eq!(change_of_body(&malformed_body()), None);
        let sent_at = SimTime::after(Duration::from_secs(1));
        let messages = [
            Received { id: 3, body, purged: None, receives: 2, sent_at },
            Received { id: 4, body: malformed_body(), purged: Some(Arc::from("AAA")), receives: 1, sent_at },
        ];
        let event: serde_json::Value = serde_json::from_slice(&batch_event(QueueName::Main, &messages)).unwrap();
        assert_eq!(event["Records"][0]["body"].as_str(), Some(&*messages[0].body));
        assert_eq!(event["Records"][1]["messageId"], "m-4");
        assert_eq!(event["Records"][1]["attributes"]["SentTimestamp"], "1767225601000");
        assert_eq!(event["Records"][0]["messageAttributes"], serde_json::json!({}));
        assert_eq!(event["Records"][1]["messageAttributes"]["PurgedItems"]["stringValue"], "AAA");
    }
}
