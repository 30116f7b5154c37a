//! Bytes of an event → changes. The fields of a message show its shape, and each record fails alone.
//!
//! Supported: S3 records (AWS, MinIO, Ceph), SQS batches, SNS (to Lambda, and to SQS raw or wrapped) and EventBridge
//! (to Lambda, and to SQS). S3 form-encodes the keys of its notifications; EventBridge does not.

mod messages;
mod records;

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::messages::{Message, messages};
use self::records::{Records, without_byte_order_mark};
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::event::{Event, Ignored, Rejected, RejectionKind};
use crate::model::names::BucketName;

/// The bytes hold no known shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event: found {found}; expected {EXPECTED}")]
pub struct NotAnEvent {
    found: String,
}

const EXPECTED: &str = "S3 event notifications (AWS, MinIO, Ceph), directly or in SQS, SNS or both, \
                        or EventBridge events of aws.s3, directly or in SQS";

/// The `eventSource` of Ceph's records.
const CEPH: &str = "ceph:s3";

/// How deep one message may be wrapped in another: SQS holds SNS holds an event, with one to spare.
const DEPTH: usize = 4;

/// Reads an event.
///
/// # Errors
/// The bytes hold no known shape at all. A broken record of a known shape is rejected alone.
pub fn decode(bytes: &[u8]) -> Result<Event, NotAnEvent> {
    let bytes = without_byte_order_mark(bytes);
    let mut event = Event::default();
    let mut reader = Reader { event: &mut event, origin: Origin::Invocation, depth: 0 };
    let json = std::str::from_utf8(bytes).map_err(|error| format!("bytes that are not UTF-8 ({error})"));
    json.and_then(|json| reader.message(json, "")).map_err(|found| NotAnEvent { found })?;
    Ok(event)
}

fn not_json(json: &str, error: &serde_json::Error) -> String {
    if json.trim().is_empty() {
        return "only white space".to_owned();
    }
    format!("text that is not JSON ({error}), beginning with `{}`", excerpt(json))
}

/// Reads one level of an event; all that it finds came from `origin`.
struct Reader<'e> {
    event: &'e mut Event,
    origin: Origin,
    depth: usize,
}

impl Reader<'_> {
    /// Reads a whole message. An error says what was seen instead of a known shape.
    fn message(&mut self, json: &str, place: &str) -> Result<(), String> {
        // serde would read an array as the struct, too.
        let is_object = json.trim_start().starts_with('{');
        if let Some(Records { records }) = is_object.then(|| serde_json::from_str(json).ok()).flatten() {
            for (index, record) in records.into_iter().map(RawValue::get).enumerate() {
                let place = format!("{place}Records[{index}]");
                match serde_json::from_str(record) {
                    Ok(value) => self.record(&value, &place),
                    Err(error) => self.reject(format!("{place}: expected JSON, found {}", not_json(record, &error))),
                }
            }
            return Ok(());
        }
        let value: Value = serde_json::from_str(json).map_err(|error| not_json(json, &error))?;
        let Value::Object(fields) = &value else {
            return Err(format!("a JSON {}", kind_of(&value)));
        };
        if fields.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            self.ignore("test-event");
            return Ok(());
        }
        if fields.get("source").and_then(Value::as_str) == Some("aws.s3") {
            let read = self.eventbridge(&value);
            self.add(read, place);
            return Ok(());
        }
        match fields.get("Type").and_then(Value::as_str) {
            Some("Notification") if fields.contains_key("Message") => {
                self.nested(&value, "Message", place);
                return Ok(());
            }
            Some("SubscriptionConfirmation") if fields.contains_key("TopicArn") => {
                self.ignore("subscription-confirmation");
                return Ok(());
            }
            Some("UnsubscribeConfirmation") if fields.contains_key("TopicArn") => {
                self.ignore("unsubscribe-confirmation");
                return Ok(());
            }
            _ => {}
        }
        let names: Vec<String> = fields.keys().take(6).map(|name| format!("`{}`", name.escape_debug())).collect();
        Err(match names.len() {
            0 => "an empty JSON object".to_owned(),
            _ => format!("a JSON object with {}", names.join(", ")),
        })
    }

    /// Reads one of `Records`.
    fn record(&mut self, record: &Value, place: &str) {
        let source = string_at(record, "eventSource").or_else(|_| string_at(record, "EventSource")).unwrap_or_default();
        if source == "aws:sqs" || (record.get("body").is_some() && record.get("messageId").is_some()) {
            return self.sqs_message(record, place);
        }
        if source == "aws:sns" || record.get("Sns").is_some() {
            return self.nested(record, "Sns.Message", &format!("{place}."));
        }
        if source.ends_with(":s3") || record.get("s3").is_some() {
            let read = self.s3(record);
            return self.add(read, place);
        }
        let found = if source.is_empty() { kind_of(record).to_owned() } else { format!("a record of `{source}`") };
        self.reject(format!("{place}: expected a record of S3, SQS or SNS, found {found}"));
    }

    /// Reads an SQS message: everything in it has the message's id as origin.
    fn sqs_message(&mut self, record: &Value, place: &str) {
        let id = match string_at(record, "messageId") {
            Ok(id) if !id.is_empty() => id,
            Ok(_) => return self.reject(format!("{place}.messageId: empty")),
            Err(problem) => return self.reject(format!("{place}.{problem}")),
        };
        if self.depth > 0 {
            return self.reject(format!("{place}: an SQS message inside another message"));
        }
        let mut inner = Reader { event: self.event, origin: Origin::Message(Arc::from(id)), depth: self.depth };
        inner.nested(record, "body", "");
    }

    /// Reads a message inside another, which is a string.
    fn nested(&mut self, outer: &Value, field: &str, place_of_outer: &str) {
        let message = match string_at(outer, field) {
            Ok(message) => message,
            Err(problem) => return self.reject(format!("{place_of_outer}{problem}")),
        };
        let place = format!("{place_of_outer}{field}");
        if self.depth == DEPTH {
            return self.reject(format!("{place}: wrapped more than {DEPTH} times"));
        }
        let mut inner = Reader { event: self.event, origin: self.origin.clone(), depth: self.depth + 1 };
        if let Err(found) = inner.message(message, &format!("{place}.")) {
            self.reject(format!("{place}: not an event: found {found}"));
        }
    }

    /// Reads a record in S3's own form, whose key is form-encoded.
    fn s3(&self, record: &Value) -> Result<Read, String> {
        let version = string_at(record, "eventVersion")?;
        if version.split('.').next() != Some("2") {
            return Err(format!("eventVersion: expected 2.x, found `{}`", version.escape_debug()));
        }
        let name = string_at(record, "eventName")?;
        let Some(kind) = ChangeKind::of_event_name(name) else {
            return Ok(Read::Ignored(name.to_owned()));
        };
        let encoded = string_at(record, "s3.object.key")?;
        let keys = match (form_decode(encoded), string_at(record, "eventSource").ok()) {
            // Ceph doesn't document the encoding, and its releases differ: both readings are purged.
            (Ok(decoded), Some(CEPH)) if decoded != encoded => vec![encoded.to_owned(), decoded],
            (Err(_), Some(CEPH)) => vec![encoded.to_owned()],
            (Ok(decoded), _) => vec![decoded],
            (Err(error), _) => return Err(format!("s3.object.key: `{}`: {error}", encoded.escape_debug())),
        };
        self.changes(string_at(record, "s3.bucket.name")?, keys, kind, string_at(record, "eventTime").ok())
    }

    /// Reads an EventBridge event of S3, whose key is not encoded.
    fn eventbridge(&self, event: &Value) -> Result<Read, String> {
        let detail_type = string_at(event, "detail-type")?;
        let Some(kind) = ChangeKind::of_detail_type(detail_type) else {
            return Ok(Read::Ignored(detail_type.to_owned()));
        };
        self.changes(
            string_at(event, "detail.bucket.name")?,
            vec![string_at(event, "detail.object.key")?.to_owned()],
            kind,
            string_at(event, "time").ok(),
        )
    }

    fn changes(&self, bucket: &str, keys: Vec<String>, kind: ChangeKind, time: Option<&str>) -> Result<Read, String> {
        if keys.iter().any(String::is_empty) {
            return Err("the object's key is empty".to_owned());
        }
        let bucket = BucketName::parse(bucket).map_err(|invalid| invalid.to_string())?;
        let change = |key| Change {
            bucket: bucket.clone(),
            key,
            kind,
            time: time.and_then(|time| UtcDateTime::parse(time, &Rfc3339).ok()),
            origin: self.origin.clone(),
        };
        Ok(Read::Changes(keys.into_iter().map(change).collect()))
    }

    fn add(&mut self, read: Result<Read, String>, place: &str) {
        match read {
            Ok(Read::Changes(changes)) => self.event.changes.extend(changes),
            Ok(Read::Ignored(reason)) => self.ignore(&reason),
            Err(reason) => {
                let dot = if place.is_empty() || place.ends_with('.') { "" } else { "." };
                self.reject(format!("{place}{dot}{reason}"));
            }
        }
    }

    fn ignore(&mut self, reason: &str) {
        self.event.ignored.push(Ignored { origin: self.origin.clone(), reason: reason.to_owned() });
    }

    fn reject(&mut self, reason: String) {
        self.event.rejected.push(Rejected { origin: self.origin.clone(), kind: RejectionKind::Malformed, reason });
    }
}

/// What one record of S3 or EventBridge is.
enum Read {
    Changes(Vec<Change>),
    Ignored(String),
}

/// The string at a place such as `s3.object.key`, or what is wrong there.
fn string_at<'v>(value: &'v Value, place: &str) -> Result<&'v str, String> {
    match place.split('.').try_fold(value, |value, field| value.get(field)) {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(format!("{place}: missing")),
        Some(other) => {
            let article = if matches!(other, Value::Array(_) | Value::Object(_)) { "an" } else { "the" };
            let (kind, value) = (kind_of(other), excerpt(&other.to_string()));
            Err(format!("{place}: expected a string, found {article} {kind} {value}"))
        }
    }
}

/// The start of a text on one line, for messages.
fn excerpt(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Decodes `application/x-www-form-urlencoded`, strictly: a `%` without two hexadecimal digits is an error, and so
/// are bytes that are not UTF-8. A lenient decoder would turn such a key into that of another object.
fn form_decode(encoded: &str) -> Result<String, String> {
    let bytes = encoded.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let sequence: String = encoded[at..].chars().take(3).collect();
            return Err(format!("`{}` is not a percent sequence", sequence.escape_debug()));
        }
    }
    let spaced = encoded.replace('+', " ");
    match percent_encoding::percent_decode_str(&spaced).decode_utf8() {
        Ok(key) => Ok(key.into_owned()),
        Err(_) => Err("its bytes are not UTF-8".to_owned()),
    }
}

#[cfg(test)]
mod tests;
