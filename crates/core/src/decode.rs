//! Bytes of an event → changes. The fields of a message show its shape, and each record fails alone.
//!
//! Supported: records of S3 and of other vendors, EventBridge events of S3, and CloudTrail's records of S3; in SQS, SNS,
//! EventBridge Pipes, HTTP requests and Lambda's destination records, also one in another. S3 form-encodes the keys of
//! its notifications; EventBridge and CloudTrail do not. Decision 35 says how the shapes are told apart.

mod cloudtrail;
mod event_names;
mod http_request;
mod lists;
mod mark;
mod message;
mod s3_change;
mod s3_event;
mod shape;
mod values;

use std::sync::Arc;

use serde_json::Value;

use self::cloudtrail::cloudtrail_record;
use self::http_request::http_body;
use self::lists::items;
use self::mark::with_mark;
pub use self::message::Message;
use self::s3_change::S3Event;
use self::s3_event::{eventbridge_event, s3_record};
use self::shape::{Shape, shape};
use self::values::{fields_of, kind_and_value, kind_of, message_at, not_json, string_at};
use crate::model::change::Origin;
use crate::model::escape::escaped;
use crate::model::event::{Event, Ignored, Rejected, RejectionKind};

/// The bytes hold no known shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event: found {found}; expected {EXPECTED}")]
pub struct NotAnEvent {
    found: String,
}

const EXPECTED: &str = "S3 event notifications (AWS, MinIO, Ceph and others), EventBridge events of aws.s3, or \
                        CloudTrail's records of S3, directly or in SQS, SNS, EventBridge Pipes, HTTP requests or \
                        Lambda's destination records";

/// Some tools write it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How deep one message may be wrapped in another: SQS holds SNS holds an event, with one to spare.
const DEPTH: usize = 4;

/// How much of what an event holds a reason quotes. The longest key of S3 has 1,024 bytes.
const MAX_REASON_CHARS: usize = 2000;

/// A decoded event, and the messages that it came in.
#[derive(Debug, Default)]
pub struct Decoded<'e> {
    /// What the event says.
    pub event: Event,
    /// Its SQS messages, without those that are broken. Empty if the event is not from SQS.
    pub messages: Vec<Message<'e>>,
    /// Whether it is a request of a function URL, an API gateway or a load balancer, whose response is one of HTTP.
    pub is_http_request: bool,
}

/// Reads an event.
///
/// # Errors
/// The bytes hold no known shape at all. A broken record of a known shape is rejected alone.
pub fn decode(bytes: &[u8]) -> Result<Event, NotAnEvent> {
    Ok(decode_with_messages(bytes)?.event)
}

/// Reads an event, and the SQS messages that it came in.
///
/// # Errors
/// As [`decode`].
pub fn decode_with_messages(bytes: &[u8]) -> Result<Decoded<'_>, NotAnEvent> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let json = std::str::from_utf8(bytes)
        .map_err(|error| NotAnEvent { found: format!("bytes that are not UTF-8 ({error})") })?;
    let mut decoded = Decoded::default();
    let mut reader = Reader { event: &mut decoded.event, origin: Origin::Invocation, depth: 0 };
    let Some(items) = items(json) else {
        let read = reader.lone_message(json, "");
        decoded.is_http_request = read.map_err(|found| NotAnEvent { found: quotable(&found) })?;
        return Ok(decoded);
    };
    for item in items {
        let message = Message::of(item.json);
        match message.as_ref().and_then(|message| Some((&message.id, message.body()?))) {
            Some((id, body)) => reader.of_message(id).inner_message(&body, "body"),
            // Also a broken message of SQS, so that its rejection says what is wrong with it.
            None => reader.item(item.json.get(), &item.place("")),
        }
        decoded.messages.extend(message);
    }
    Ok(decoded)
}

/// Reads one level of an event; all that it finds came from `origin`. A `place` such as `body.Records[0]` begins the
/// reason of each rejection.
struct Reader<'e> {
    event: &'e mut Event,
    origin: Origin,
    depth: usize,
}

impl Reader<'_> {
    /// Reads a whole message. An error says what was seen instead of a known shape.
    fn message(&mut self, json: &str, place: &str) -> Result<(), String> {
        let Some(items) = items(json) else { return self.lone_message(json, place).map(|_| ()) };
        for item in items {
            self.item(item.json.get(), &item.place(place));
        }
        Ok(())
    }

    /// Reads a message that is no list. Returns whether it is an HTTP request.
    fn lone_message(&mut self, json: &str, place: &str) -> Result<bool, String> {
        let message: Value = serde_json::from_str(json).map_err(|error| not_json(json, &error))?;
        let Value::Object(fields) = &message else {
            return Err(format!("a JSON {}", kind_of(&message)));
        };
        let shape = shape(&message);
        let is_http_request = matches!(shape, Shape::Http);
        match shape {
            Shape::Unknown(_) => Err(fields_of(fields)),
            shape => {
                self.value(shape, &message, place.trim_end_matches('.'));
                Ok(is_http_request)
            }
        }
    }

    /// Reads one of a list.
    fn item(&mut self, json: &str, place: &str) {
        let record: Value = match serde_json::from_str(json) {
            Ok(record) => record,
            Err(error) => return self.reject(format!("{place}: expected JSON, found {}", not_json(json, &error))),
        };
        match (shape(&record), &record) {
            (Shape::Unknown(_), Value::String(message)) => self.inner_message(message, place),
            (Shape::Unknown(_), Value::Object(_)) if items(json).is_some() => self.inner_message(json, place),
            (Shape::Unknown(source), record) => {
                let found = match record {
                    _ if !source.is_empty() => format!("a record of `{source}`"),
                    Value::Object(fields) => fields_of(fields),
                    _ => kind_and_value(record),
                };
                self.reject(format!("{place}: expected a record of S3, SQS or SNS, found {found}"));
            }
            (shape, _) => self.value(shape, &record, place),
        }
    }

    /// Reads a value of a known shape.
    fn value(&mut self, shape: Shape<'_>, value: &Value, place: &str) {
        let dotted = if place.is_empty() { String::new() } else { format!("{place}.") };
        match shape {
            Shape::Sqs => self.sqs_message(value, place),
            Shape::Sns(field) | Shape::Destination(field) => self.nested(value, field, &dotted),
            Shape::Http => match http_body(value) {
                Ok(Some(body)) => self.inner_message(&body, &format!("{dotted}body")),
                Ok(None) => self.ignore("health-check"),
                Err(reason) => self.reject(format!("{dotted}{reason}")),
            },
            Shape::S3 => {
                let read = s3_record(value, &self.origin).and_then(|event| with_mark(value, event));
                self.add(read, &dotted);
            }
            Shape::EventBridge => self.add(eventbridge_event(value, "detail.", &self.origin), &dotted),
            Shape::EventBridgeDetail => self.add(eventbridge_event(value, "", &self.origin), &dotted),
            Shape::CloudTrail => self.add(cloudtrail_record(value, "", &self.origin), &dotted),
            Shape::Ignored(name) => self.ignore(name),
            Shape::Unknown(_) => self.reject(format!("{place}: not an event")),
        }
    }

    /// Reads an SQS message: everything in it has the message's id as origin. If it came in something else, as EventBridge
    /// Pipes and destination records hold messages, that is what is retried, and its origin counts.
    fn sqs_message(&mut self, record: &Value, place: &str) {
        let [id, body] = match record.get("MessageId") {
            Some(_) => ["MessageId", "Body"],
            None => ["messageId", "body"],
        };
        let dotted = if place.is_empty() { String::new() } else { format!("{place}.") };
        match string_at(record, id) {
            Ok("") => self.reject(format!("{dotted}{id}: empty")),
            Ok(_) if self.depth > 0 => self.nested(record, body, &dotted),
            Ok(id) => self.of_message(id).nested(record, body, ""),
            Err(problem) => self.reject(format!("{dotted}{problem}")),
        }
    }

    /// A reader of what is in an SQS message.
    fn of_message(&mut self, id: &str) -> Reader<'_> {
        Reader { event: self.event, origin: Origin::Message(Arc::from(id)), depth: self.depth }
    }

    /// Reads a message inside another, which is in `field`.
    fn nested(&mut self, outer: &Value, field: &str, place_of_outer: &str) {
        match message_at(outer, field) {
            Ok(message) => self.inner_message(&message, &format!("{place_of_outer}{field}")),
            Err(problem) => self.reject(format!("{place_of_outer}{problem}")),
        }
    }

    fn inner_message(&mut self, message: &str, place: &str) {
        if self.depth == DEPTH {
            return self.reject(format!("{place}: wrapped more than {DEPTH} times"));
        }
        let mut inner = Reader { event: self.event, origin: self.origin.clone(), depth: self.depth + 1 };
        if let Err(found) = inner.message(message, &format!("{place}.")) {
            self.reject(format!("{place}: not an event: found {found}"));
        }
    }

    /// Adds what was read at a place, which is empty or ends in a dot.
    fn add(&mut self, read: Result<S3Event, String>, place: &str) {
        match read {
            Ok(S3Event::Changes(changes)) => self.event.changes.extend(changes),
            Ok(S3Event::Ignored(reason)) => self.ignore(&reason),
            Err(reason) => self.reject(format!("{place}{reason}")),
        }
    }

    fn ignore(&mut self, reason: &str) {
        self.event.ignored.push(Ignored { origin: self.origin.clone(), reason: quotable(reason) });
    }

    fn reject(&mut self, reason: String) {
        let reason = quotable(&reason);
        self.event.rejected.push(Rejected { origin: self.origin.clone(), kind: RejectionKind::Malformed, reason });
    }
}

/// The start of a text that quotes the event, for logs and responses: an event of 6 MB may be one wrong name.
fn quotable(text: &str) -> String {
    match text.char_indices().nth(MAX_REASON_CHARS) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text),
    }
}

#[cfg(test)]
mod tests;
