//! Bytes of an event → changes. The fields of a message show its shape, and each record fails alone.
//!
//! Supported: records of S3 and of other vendors, EventBridge events of S3, and CloudTrail's records of S3; in SQS, SNS,
//! EventBridge Pipes, HTTP requests and Lambda's destination records, also one in another. S3 form-encodes the keys of
//! its notifications; EventBridge and CloudTrail do not. Decision 35 says how the shapes are told apart.

mod buckets;
mod cloudtrail;
mod event_names;
mod http_request;
mod json;
mod lists;
mod mark;
mod message;
mod place;
mod s3_change;
mod s3_event;
mod shape;
mod values;

use self::buckets::Buckets;
use self::cloudtrail::cloudtrail_record;
use self::http_request::http_body;
use self::json::{Document, Json};
use self::lists::{is_lone_message, items, may_have_messages, raw_items};
use self::mark::with_mark;
pub use self::message::Message;
use self::message::{purged_items, usual_batch};
use self::place::Place;
use self::s3_change::{Changed, S3Event};
use self::s3_event::{eventbridge_event, s3_record};
use self::shape::{Shape, shape};
use self::values::{fields_of, kind_and_value, message_at, not_json, string_at};
use crate::model::change::{Change, Origin};
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
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Where the message in an SQS message is.
const BODY: Place<'_> = Place::Field(&Place::Root, "body");

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
/// The bytes hold no known shape at all, or more than one JSON value. A broken record of a known shape is rejected alone.
pub fn decode(bytes: &[u8]) -> Result<Event, NotAnEvent> {
    Ok(decode_with_messages(bytes)?.event)
}

/// Reads an event, and the SQS messages that it came in.
///
/// # Errors
/// As [`decode`].
pub fn decode_with_messages(bytes: &[u8]) -> Result<Decoded<'_>, NotAnEvent> {
    let json = std::str::from_utf8(bytes)
        .map_err(|error| NotAnEvent { found: format!("bytes that are not UTF-8 ({error})") })?;
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    let mut decoded = decode_usual_batch(json).map_or_else(|| decode_any(json), Ok)?;
    decoded.event.purged = purged_items(&decoded.messages);
    Ok(decoded)
}

/// What [`decode_with_messages`] does with an event of any shape.
fn decode_any(json: &str) -> Result<Decoded<'_>, NotAnEvent> {
    let (mut decoded, mut scratch, mut document) = (Decoded::default(), Scratch::default(), Document::default());
    let mut reader = Reader { event: &mut decoded.event, scratch: &mut scratch, origin: Origin::Invocation, depth: 0 };
    if let Ok(message) = document.read(json)
        && !may_have_messages(message)
    {
        let read = reader.parsed_message(message, &Place::Root);
        decoded.is_http_request = read.map_err(|found| NotAnEvent { found: quotable(&found) })?;
        return Ok(decoded);
    }
    let Some(items) = raw_items(json) else {
        let read = reader.message(json, &Place::Root);
        decoded.is_http_request = read.map_err(|found| NotAnEvent { found: quotable(&found) })?;
        return Ok(decoded);
    };
    for item in items {
        let message = Message::of(item.value);
        match message.as_ref().and_then(|message| Some((&message.id, message.body()?))) {
            Some((id, body)) => reader.of_message(id).inner_message(body, &BODY),
            // Also a broken message of SQS, so that its rejection says what is wrong with it.
            None => reader.raw_item(item.value.get(), &item.place(&Place::Root)),
        }
        decoded.messages.extend(message);
    }
    Ok(decoded)
}

/// What [`decode_with_messages`] does with an event whose records are all SQS messages, in one pass over the event; `None`
/// for every other one.
fn decode_usual_batch(json: &str) -> Option<Decoded<'_>> {
    let messages = usual_batch(json)?;
    let (mut event, mut scratch) = (Event::default(), Scratch::default());
    event.changes.reserve(messages.len());
    let mut reader = Reader { event: &mut event, scratch: &mut scratch, origin: Origin::Invocation, depth: 0 };
    for message in &messages {
        reader.of_message(&message.id).inner_message(message.body()?, &BODY);
    }
    Some(Decoded { event, messages, is_http_request: false })
}

/// Reads one level of an event; all that it finds came from `origin`.
struct Reader<'e> {
    event: &'e mut Event,
    scratch: &'e mut Scratch,
    origin: Origin,
    depth: usize,
}

/// What is used again from one message to the next.
#[derive(Default)]
struct Scratch {
    /// Documents that nothing is read from at the moment.
    documents: Vec<Document>,
    buckets: Buckets,
}

impl Reader<'_> {
    /// Reads a whole message. Returns whether it is an HTTP request. An error says what was seen instead of a known shape.
    fn message(&mut self, json: &str, place: &Place<'_>) -> Result<bool, String> {
        let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
        let mut document = self.scratch.documents.pop().unwrap_or_default();
        let read = match document.read(json) {
            Ok(message) if is_lone_message(message, json) => {
                self.item(message, &Place::Item(place, "", 0));
                Ok(false)
            }
            Ok(message) => self.parsed_message(message, place),
            Err(error) => self.items_of_broken_message(json, place).ok_or_else(|| not_json(json, &error)),
        };
        self.scratch.documents.push(document);
        read
    }

    fn parsed_message(&mut self, message: Json<'_>, place: &Place<'_>) -> Result<bool, String> {
        if let Some(items) = items(message) {
            items.for_each(|item| self.item(item.value, &item.place(place)));
            return Ok(false);
        }
        // EventBridge's `InputPath` and input templates can deliver a message as a JSON string.
        if let Some(message) = message.as_str().filter(|text| text.trim_start().starts_with(['{', '['])) {
            self.inner_message(message, place);
            return Ok(false);
        }
        if !message.is_object() {
            return Err(format!("a JSON {}", message.kind()));
        }
        match shape(message) {
            Shape::Unknown(_) => Err(fields_of(message)),
            shape => {
                let is_http_request = matches!(shape, Shape::Http);
                self.value(shape, message, place);
                Ok(is_http_request)
            }
        }
    }

    /// Reads the items of a message that is not valid as a whole, each alone. `None` if it has none.
    fn items_of_broken_message(&mut self, json: &str, place: &Place<'_>) -> Option<bool> {
        raw_items(json)?.into_iter().for_each(|item| self.raw_item(item.value.get(), &item.place(place)));
        Some(false)
    }

    /// Reads one of a list.
    fn raw_item(&mut self, json: &str, place: &Place<'_>) {
        let mut document = self.scratch.documents.pop().unwrap_or_default();
        match document.read(json) {
            Ok(record) => self.item(record, place),
            Err(error) => self.reject(format!("{place}: expected JSON, found {}", not_json(json, &error))),
        }
        self.scratch.documents.push(document);
    }

    fn item(&mut self, record: Json<'_>, place: &Place<'_>) {
        match shape(record) {
            Shape::Unknown(source) => self.unknown_item(record, source, place),
            shape => self.value(shape, record, place),
        }
    }

    fn unknown_item(&mut self, record: Json<'_>, source: &str, place: &Place<'_>) {
        if let Some(message) = record.as_str() {
            return self.inner_message(message, place);
        }
        if record.is_object() && items(record).is_some() {
            return self.inner(place, |inner| inner.parsed_message(record, place));
        }
        let found = match record {
            _ if !source.is_empty() => format!("a record of `{source}`"),
            _ if record.is_object() => fields_of(record),
            _ => kind_and_value(record),
        };
        self.reject(format!("{place}: expected a record of S3, SQS or SNS, found {found}"));
    }

    /// Reads a value of a known shape.
    fn value(&mut self, shape: Shape<'_>, value: Json<'_>, place: &Place<'_>) {
        let buckets = &mut self.scratch.buckets;
        match shape {
            Shape::Sqs => self.sqs_message(value, place),
            Shape::Sns(field) | Shape::Destination(field) => self.nested(value, field, place),
            Shape::Http => match http_body(value) {
                Ok(Some(body)) => self.inner_message(&body, &Place::Field(place, "body")),
                Ok(None) => self.ignore("health-check"),
                Err(reason) => self.reject(place.reason(&reason)),
            },
            Shape::S3 => {
                let read = s3_record(value, buckets).and_then(|event| with_mark(value, event));
                self.add(read, place);
            }
            Shape::EventBridge => {
                let read = eventbridge_event(value, "detail.", buckets);
                self.add(read, place);
            }
            Shape::EventBridgeDetail => {
                let read = eventbridge_event(value, "", buckets);
                self.add(read, place);
            }
            Shape::CloudTrail => {
                let read = cloudtrail_record(value, "", buckets);
                self.add(read, place);
            }
            Shape::Ignored(name) => self.ignore(name),
            Shape::Unknown(_) => self.reject(format!("{place}: not an event")),
        }
    }

    /// Reads an SQS message: everything in it has the message's id as origin. If it came in something else, as EventBridge
    /// Pipes and destination records hold messages, that is what is retried, and its origin counts.
    fn sqs_message(&mut self, record: Json<'_>, place: &Place<'_>) {
        let [id, body] = match record.get("MessageId") {
            Some(_) => ["MessageId", "Body"],
            None => ["messageId", "body"],
        };
        match string_at(record, id) {
            Ok("") => self.reject(place.reason(&format!("{id}: empty"))),
            Ok(_) if self.depth > 0 => self.nested(record, body, place),
            Ok(id) => self.of_message(id).nested(record, body, &Place::Root),
            Err(problem) => self.reject(place.reason(&problem)),
        }
    }

    /// A reader of what is in an SQS message.
    fn of_message(&mut self, id: &str) -> Reader<'_> {
        Reader { event: self.event, scratch: self.scratch, origin: Origin::Message(id.into()), depth: self.depth }
    }

    /// Reads a message inside another, which is in `field`.
    fn nested(&mut self, outer: Json<'_>, field: &str, place_of_outer: &Place<'_>) {
        match message_at(outer, field) {
            Ok(message) => self.inner_message(&message, &Place::Field(place_of_outer, field)),
            Err(problem) => self.reject(place_of_outer.reason(&problem)),
        }
    }

    fn inner_message(&mut self, message: &str, place: &Place<'_>) {
        self.inner(place, |inner| inner.message(message, place));
    }

    /// Reads what is inside of this message.
    fn inner(&mut self, place: &Place<'_>, read: impl FnOnce(&mut Reader<'_>) -> Result<bool, String>) {
        if self.depth == DEPTH {
            return self.reject(format!("{place}: wrapped more than {DEPTH} times"));
        }
        let (origin, depth) = (self.origin.clone(), self.depth + 1);
        let mut inner = Reader { event: self.event, scratch: self.scratch, origin, depth };
        if let Err(found) = read(&mut inner) {
            self.reject(format!("{place}: not an event: found {found}"));
        }
    }

    /// Adds what was read at a place.
    fn add(&mut self, read: Result<S3Event, String>, place: &Place<'_>) {
        match read {
            Ok(S3Event::Changed(changed)) => self.add_changes(changed),
            Ok(S3Event::Ignored(reason)) => self.ignore(&reason),
            Err(reason) => self.reject(place.reason(&reason)),
        }
    }

    fn add_changes(&mut self, changed: Changed) {
        let Changed { bucket, keys, kind, time, etag, version, second_purge_of, verification } = changed;
        let changes = keys.into_iter().map(|key| Change {
            bucket: bucket.clone(),
            key,
            kind,
            etag: etag.clone(),
            version,
            time,
            origin: self.origin.clone(),
            second_purge_of: second_purge_of.clone(),
            verification: verification.clone(),
        });
        self.event.changes.extend(changes);
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
