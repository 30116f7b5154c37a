//! What a message or a record is, recognized by fields that only its kind has.

use crate::decode::cloudtrail::is_cloudtrail;
use crate::decode::event_names::meaning_of_detail_type;
use crate::decode::json::Json;

/// What a JSON value is.
pub(super) enum Shape<'v> {
    /// A message of SQS, whose `body` is another message.
    Sqs,
    /// A notification of SNS; the field holds another message.
    Sns(&'static str),
    /// A record that Lambda sent to a destination; the field holds the event that the function was invoked with.
    Destination(&'static str),
    /// A request of a function URL, an API gateway (version 1 or 2) or a load balancer, whose `body` is a message.
    Http,
    /// A record in S3's own form, of AWS or of another vendor.
    S3,
    /// An EventBridge event of S3, or of CloudTrail about S3.
    EventBridge,
    /// The `detail` of an EventBridge event of S3, alone.
    EventBridgeDetail,
    /// CloudTrail's record of a call of S3, as in its files, or the `detail` of its EventBridge event.
    CloudTrail,
    /// A message that says nothing of objects, and its name.
    Ignored(&'static str),
    /// None of these, with its `eventSource`, which may be empty.
    Unknown(&'v str),
}

/// Fields that hold something; S3's test event has none of them.
const CONTENTS: [&str; 5] = ["detail", "requestPayload", "Message", "body", "Records"];

pub(super) fn shape(value: Json<'_>) -> Shape<'_> {
    let string = |place| value.string(place).unwrap_or_default();
    let has = |place: &str| value.at(place).is_some();
    // SNS writes the name with a capital.
    let source = value.string("eventSource").or_else(|| value.string("EventSource")).unwrap_or_default();
    match source {
        "aws:sqs" => return Shape::Sqs,
        _ if (has("body") && has("messageId")) || (has("Body") && has("MessageId")) => return Shape::Sqs,
        "aws:sns" => return Shape::Sns("Sns.Message"),
        _ if has("Sns") => return Shape::Sns("Sns.Message"),
        _ if is_cloudtrail(value) => return Shape::CloudTrail,
        _ if source.ends_with(":s3") || has("s3") => return Shape::S3,
        _ => {}
    }
    match (string("source"), string("Type")) {
        _ if string("Event") == "s3:TestEvent" && !CONTENTS.iter().any(|field| has(field)) => {
            Shape::Ignored("test-event")
        }
        // An input transformer may leave out any field, and may move those of the detail.
        ("aws.s3", _) if !has("detail") && is_detail(value) => Shape::EventBridgeDetail,
        ("aws.s3", _) => Shape::EventBridge,
        ("", _) if value.get("detail").is_some_and(is_detail) => Shape::EventBridge,
        ("", _) if has("detail") && meaning_of_detail_type(string("detail-type")).is_some() => Shape::EventBridge,
        ("lambda", _) if has("detail.requestPayload") => Shape::Destination("detail.requestPayload"),
        _ if has("requestPayload") => Shape::Destination("requestPayload"),
        (_, "Notification") if has("Message") => Shape::Sns("Message"),
        (_, "SubscriptionConfirmation") if has("TopicArn") => Shape::Ignored("subscription-confirmation"),
        (_, "UnsubscribeConfirmation") if has("TopicArn") => Shape::Ignored("unsubscribe-confirmation"),
        // StorageGRID publishes to endpoints in the form of SNS's API.
        _ if string("Action") == "Publish" && has("Message") => Shape::Sns("Message"),
        _ if is_http_request(value) => Shape::Http,
        _ if is_detail(value) => Shape::EventBridgeDetail,
        _ => Shape::Unknown(source),
    }
}

/// Whether this is the detail of an EventBridge event of S3, or of CloudTrail about S3.
fn is_detail(value: Json<'_>) -> bool {
    is_cloudtrail(value) || (value.at("bucket.name").is_some() && value.at("object.key").is_some())
}

fn is_http_request(value: Json<'_>) -> bool {
    let has = |place: &str| value.at(place).is_some();
    let has_method = has("requestContext.http.method") || has("requestContext.httpMethod") || has("httpMethod");
    has("requestContext") && (has("isBase64Encoded") || (has_method && has("body")))
}
