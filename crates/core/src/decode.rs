//! Bytes of an event → changes. Every shape is told apart by what it holds, and each record fails alone.
//!
//! Understood: S3 records (AWS, MinIO, Ceph), SQS batches, SNS (to Lambda, and to SQS raw or wrapped) and EventBridge
//! (to Lambda, and to SQS). S3 form-encodes the keys of its notifications; EventBridge does not.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::event::{Event, Ignored, Rejected, RejectionKind};
use crate::model::names::BucketName;

/// The bytes are no event at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event: saw {seen}; understood are {UNDERSTOOD}")]
pub struct NotAnEvent {
    seen: String,
}

/// Some tools put it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const UNDERSTOOD: &str = "S3 event notifications (AWS, MinIO, Ceph), directly or in SQS, SNS or both, \
                          and EventBridge events of aws.s3, directly or in SQS";

/// The source of Ceph's records.
const CEPH: &str = "ceph:s3";

/// How deep one message may be wrapped in another: SQS holds SNS holds an event, with one to spare.
const DEPTH: usize = 4;

/// Reads an event. Only bytes that hold no known shape at all are an error.
pub fn decode(bytes: &[u8]) -> Result<Event, NotAnEvent> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut event = Event::default();
    let mut reader = Reader { event: &mut event, origin: Origin::Invocation, depth: 0 };
    let json = std::str::from_utf8(bytes).map_err(|error| format!("bytes that are no UTF-8 ({error})"));
    json.and_then(|json| reader.message(json, "")).map_err(|seen| NotAnEvent { seen })?;
    Ok(event)
}

fn not_json(json: &str, error: &serde_json::Error) -> String {
    if json.trim().is_empty() {
        return "no bytes but white space".to_owned();
    }
    let start: String = json.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("no JSON ({error}), beginning with `{start}`")
}

/// A message of several records, not yet looked at: what is wrong with one must not reach the others.
#[derive(Deserialize)]
struct Records<'v> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'v RawValue>,
}

/// Reads one level of an event; `origin` is where all that it finds came from.
struct Reader<'e> {
    event: &'e mut Event,
    origin: Origin,
    depth: usize,
}

impl Reader<'_> {
    /// Reads a whole message. An error says what was seen instead of a known shape.
    fn message(&mut self, json: &str, place: &str) -> Result<(), String> {
        // An array would do for the struct, too.
        let is_object = json.trim_start().starts_with('{');
        if let Some(Records { records }) = is_object.then(|| serde_json::from_str(json).ok()).flatten() {
            for (nth, record) in records.into_iter().map(RawValue::get).enumerate() {
                let place = format!("{place}Records[{nth}]");
                match serde_json::from_str(record) {
                    Ok(value) => self.record(&value, &place),
                    Err(error) => self.reject(format!("{place}: saw {}", not_json(record, &error))),
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
            self.take(read, place);
            return Ok(());
        }
        match fields.get("Type").and_then(Value::as_str) {
            Some("Notification") if fields.contains_key("Message") => {
                self.nested(fields.get("Message"), &format!("{place}Message"));
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
        let source = text(record, "/eventSource").or_else(|| text(record, "/EventSource")).unwrap_or_default();
        if source == "aws:sqs" || (record.get("body").is_some() && record.get("messageId").is_some()) {
            return self.sqs_message(record, place);
        }
        if source == "aws:sns" || record.get("Sns").is_some() {
            return self.nested(record.pointer("/Sns/Message"), &format!("{place}.Sns.Message"));
        }
        if source.ends_with(":s3") || record.get("s3").is_some() {
            let read = self.s3(record);
            return self.take(read, place);
        }
        let seen = if source.is_empty() { kind_of(record).to_owned() } else { format!("a record of `{source}`") };
        self.reject(format!("{place}: saw {seen}, expected a record of S3, SQS or SNS"));
    }

    /// An SQS message: from here on everything has its id as origin.
    fn sqs_message(&mut self, record: &Value, place: &str) {
        let Some(id) = text(record, "/messageId").filter(|id| !id.is_empty()) else {
            return self.reject(format!("{place}.messageId: missing"));
        };
        if self.depth > 0 {
            return self.reject(format!("{place}: an SQS message inside of another message"));
        }
        let mut inner = Reader { event: self.event, origin: Origin::Message(Arc::from(id)), depth: self.depth };
        inner.nested(record.get("body"), "body");
    }

    /// A message inside of another, as text.
    fn nested(&mut self, message: Option<&Value>, place: &str) {
        let Some(message) = message.and_then(Value::as_str) else {
            return self.reject(format!("{place}: missing"));
        };
        if self.depth == DEPTH {
            return self.reject(format!("{place}: wrapped more than {DEPTH} times"));
        }
        let mut inner = Reader { event: self.event, origin: self.origin.clone(), depth: self.depth + 1 };
        if let Err(seen) = inner.message(message, &format!("{place}.")) {
            self.reject(format!("{place}: not an event: saw {seen}"));
        }
    }

    /// A record of S3's own form, whose key is form-encoded.
    fn s3(&self, record: &Value) -> Result<Read, String> {
        let version = text(record, "/eventVersion").ok_or("eventVersion: missing")?;
        if version.split('.').next() != Some("2") {
            return Err(format!("eventVersion: saw `{}`, understood is 2.x", version.escape_debug()));
        }
        let name = text(record, "/eventName").ok_or("eventName: missing")?;
        let Some(kind) = ChangeKind::of_event_name(name) else {
            return Ok(Read::Ignored(name.to_owned()));
        };
        let encoded = text(record, "/s3/object/key").ok_or("s3.object.key: missing")?;
        let keys = match (form_decode(encoded), text(record, "/eventSource")) {
            // Ceph's documents say nothing of encoding, and its releases differ: both readings count.
            (Ok(decoded), Some(CEPH)) if decoded != encoded => vec![encoded.to_owned(), decoded],
            (Err(_), Some(CEPH)) => vec![encoded.to_owned()],
            (Ok(decoded), _) => vec![decoded],
            (Err(error), _) => return Err(format!("s3.object.key: `{}`: {error}", encoded.escape_debug())),
        };
        self.changes(
            text(record, "/s3/bucket/name").ok_or("s3.bucket.name: missing")?,
            keys,
            kind,
            text(record, "/eventTime"),
        )
    }

    /// An EventBridge event of S3, whose key is as it is.
    fn eventbridge(&self, event: &Value) -> Result<Read, String> {
        let detail_type = text(event, "/detail-type").ok_or("detail-type: missing")?;
        let Some(kind) = ChangeKind::of_detail_type(detail_type) else {
            return Ok(Read::Ignored(detail_type.to_owned()));
        };
        self.changes(
            text(event, "/detail/bucket/name").ok_or("detail.bucket.name: missing")?,
            vec![text(event, "/detail/object/key").ok_or("detail.object.key: missing")?.to_owned()],
            kind,
            text(event, "/time"),
        )
    }

    fn changes(&self, bucket: &str, keys: Vec<String>, kind: ChangeKind, time: Option<&str>) -> Result<Read, String> {
        if keys.iter().any(String::is_empty) {
            return Err("the object's key is empty".to_owned());
        }
        let bucket = BucketName::parse(bucket).map_err(|fault| fault.to_string())?;
        let change = |key| Change {
            bucket: bucket.clone(),
            key,
            kind,
            time: time.and_then(|time| UtcDateTime::parse(time, &Rfc3339).ok()),
            origin: self.origin.clone(),
        };
        Ok(Read::Changes(keys.into_iter().map(change).collect()))
    }

    fn take(&mut self, read: Result<Read, String>, place: &str) {
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

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Decodes `application/x-www-form-urlencoded`, strictly: a `%` without two hexadecimal digits is an error, and so
/// are bytes that are no UTF-8. The lenient decoders would turn such a key into that of another object.
fn form_decode(encoded: &str) -> Result<String, String> {
    let bytes = encoded.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let sequence: String = encoded[at..].chars().take(3).collect();
            return Err(format!("`{}` is no percent sequence", sequence.escape_debug()));
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
