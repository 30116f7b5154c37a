//! What a message or a record is, recognized by fields that only its kind has.

use serde_json::{Map, Value};

use crate::decode::values::string_at;

/// What a message without `Records` is.
pub(super) enum MessageShape {
    /// An EventBridge event of S3.
    EventBridge,
    /// A notification of SNS, which holds another message.
    SnsNotification,
    /// A message that says nothing of objects, and its name.
    Ignored(&'static str),
    Unknown,
}

pub(super) fn message_shape(fields: &Map<String, Value>) -> MessageShape {
    let string = |field| fields.get(field).and_then(Value::as_str);
    let has = |field| fields.contains_key(field);
    match (string("Event"), string("source"), string("Type")) {
        (Some("s3:TestEvent"), _, _) => MessageShape::Ignored("test-event"),
        (_, Some("aws.s3"), _) => MessageShape::EventBridge,
        (_, _, Some("Notification")) if has("Message") => MessageShape::SnsNotification,
        (_, _, Some("SubscriptionConfirmation")) if has("TopicArn") => {
            MessageShape::Ignored("subscription-confirmation")
        }
        (_, _, Some("UnsubscribeConfirmation")) if has("TopicArn") => MessageShape::Ignored("unsubscribe-confirmation"),
        _ => MessageShape::Unknown,
    }
}

/// What one of `Records` is.
pub(super) enum RecordShape<'v> {
    /// A message of SQS, whose `body` is another message.
    Sqs,
    /// A notification of SNS to Lambda, whose `Sns.Message` is another message.
    Sns,
    /// A record in S3's own form, from AWS, MinIO or Ceph.
    S3,
    /// None of these, with its `eventSource`, which may be empty.
    Unknown(&'v str),
}

pub(super) fn record_shape(record: &Value) -> RecordShape<'_> {
    let has = |field| record.get(field).is_some();
    // SNS writes the name with a capital.
    let source = string_at(record, "eventSource").or_else(|_| string_at(record, "EventSource")).unwrap_or_default();
    match source {
        "aws:sqs" => RecordShape::Sqs,
        _ if has("body") && has("messageId") => RecordShape::Sqs,
        "aws:sns" => RecordShape::Sns,
        _ if has("Sns") => RecordShape::Sns,
        _ if source.ends_with(":s3") || has("s3") => RecordShape::S3,
        _ => RecordShape::Unknown(source),
    }
}
