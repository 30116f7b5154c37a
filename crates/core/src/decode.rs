//! Bytes of an event → changes. The fields of a message show its shape, and each record fails alone.
//!
//! Supported: S3 records (AWS, MinIO, Ceph), SQS batches, SNS (to Lambda, and to SQS raw or wrapped) and EventBridge
//! (to Lambda, and to SQS). S3 form-encodes the keys of its notifications; EventBridge does not.

mod message;
mod records;
mod s3_event;
mod shape;
mod values;

use std::sync::Arc;

use serde_json::Value;

pub use self::message::Message;
use self::records::records;
use self::s3_event::{S3Event, eventbridge_event, s3_record};
use self::shape::{MessageShape, RecordShape, message_shape, record_shape};
use self::values::{kind_of, not_json, string_at};
use crate::model::change::Origin;
use crate::model::escape::escaped;
use crate::model::event::{Event, Ignored, Rejected, RejectionKind};

/// The bytes hold no known shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event: found {found}; expected {EXPECTED}")]
pub struct NotAnEvent {
    found: String,
}

const EXPECTED: &str = "S3 event notifications (AWS, MinIO, Ceph), directly or in SQS, SNS or both, \
                        or EventBridge events of aws.s3, directly or in SQS";

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
    let Some(records) = records(json) else {
        reader.message_without_records(json, "").map_err(|found| NotAnEvent { found: quotable(&found) })?;
        return Ok(decoded);
    };
    for (index, record) in records.into_iter().enumerate() {
        let message = Message::of(record);
        match message.as_ref().and_then(|message| Some((&message.id, message.body()?))) {
            Some((id, body)) => reader.of_message(id).inner_message(&body, "body"),
            // Also a broken message of SQS, so that its rejection says what is wrong with it.
            None => reader.json_record(record.get(), &format!("Records[{index}]")),
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
        let Some(records) = records(json) else { return self.message_without_records(json, place) };
        for (index, record) in records.into_iter().enumerate() {
            self.json_record(record.get(), &format!("{place}Records[{index}]"));
        }
        Ok(())
    }

    fn message_without_records(&mut self, json: &str, place: &str) -> Result<(), String> {
        let message: Value = serde_json::from_str(json).map_err(|error| not_json(json, &error))?;
        let Value::Object(fields) = &message else {
            return Err(format!("a JSON {}", kind_of(&message)));
        };
        match message_shape(fields) {
            MessageShape::EventBridge => self.add(eventbridge_event(&message, &self.origin), place),
            MessageShape::SnsNotification => self.nested(&message, "Message", place),
            MessageShape::Ignored(name) => self.ignore(name),
            MessageShape::Unknown if fields.is_empty() => return Err("an empty JSON object".to_owned()),
            MessageShape::Unknown => {
                let names: Vec<_> = fields.keys().take(6).map(|name| format!("`{}`", name.escape_debug())).collect();
                return Err(format!("a JSON object with {}", names.join(", ")));
            }
        }
        Ok(())
    }

    /// Reads one of `Records`.
    fn json_record(&mut self, json: &str, place: &str) {
        let record: Value = match serde_json::from_str(json) {
            Ok(record) => record,
            Err(error) => return self.reject(format!("{place}: expected JSON, found {}", not_json(json, &error))),
        };
        match record_shape(&record) {
            RecordShape::Sqs => self.sqs_message(&record, place),
            RecordShape::Sns => self.nested(&record, "Sns.Message", &format!("{place}.")),
            RecordShape::S3 => self.add(s3_record(&record, &self.origin), &format!("{place}.")),
            RecordShape::Unknown(source) => {
                let is_named = !source.is_empty();
                let found = if is_named { format!("a record of `{source}`") } else { kind_of(&record).to_owned() };
                self.reject(format!("{place}: expected a record of S3, SQS or SNS, found {found}"));
            }
        }
    }

    /// Reads an SQS message: everything in it has the message's id as origin.
    fn sqs_message(&mut self, record: &Value, place: &str) {
        match string_at(record, "messageId") {
            Ok("") => self.reject(format!("{place}.messageId: empty")),
            Ok(_) if self.depth > 0 => self.reject(format!("{place}: an SQS message inside another message")),
            Ok(id) => self.of_message(id).nested(record, "body", ""),
            Err(problem) => self.reject(format!("{place}.{problem}")),
        }
    }

    /// A reader of what is in an SQS message.
    fn of_message(&mut self, id: &str) -> Reader<'_> {
        Reader { event: self.event, origin: Origin::Message(Arc::from(id)), depth: self.depth }
    }

    /// Reads a message inside another, which is the string in `field`.
    fn nested(&mut self, outer: &Value, field: &str, place_of_outer: &str) {
        match string_at(outer, field) {
            Ok(message) => self.inner_message(message, &format!("{place_of_outer}{field}")),
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
