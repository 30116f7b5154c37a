//! The SQS messages of an event: what is needed to send one to another queue, or to hide it there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use time::UtcDateTime;

use crate::model::change::Origin;
use crate::model::purged_items::{PURGED_ITEMS, PurgedItems};

/// An SQS message of an event.
#[derive(Debug, Clone)]
pub struct Message<'e> {
    /// Its id, as in [`Origin::Message`].
    pub id: Cow<'e, str>,
    /// What SQS needs to hide or delete the message; empty if the event has none.
    pub receipt_handle: Cow<'e, str>,
    /// The ARN of its queue; empty if the event has none.
    pub queue: Cow<'e, str>,
    body: Option<Cow<'e, str>>,
    attributes: Attributes<'e>,
    /// The attributes that its sender chose, as JSON.
    message_attributes: Option<&'e RawValue>,
}

/// The fields of a message. Lambda writes the names with a small letter, SQS's own API with a capital.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'e, B> {
    #[serde(borrow, rename = "messageId", alias = "MessageId")]
    id: Cow<'e, str>,
    #[serde(borrow, default, alias = "ReceiptHandle")]
    receipt_handle: Cow<'e, str>,
    #[serde(borrow, default, rename = "eventSourceARN")]
    queue: Cow<'e, str>,
    #[serde(alias = "Body")]
    body: B,
    #[serde(borrow, default, alias = "Attributes")]
    attributes: Attributes<'e>,
    #[serde(borrow, default, alias = "MessageAttributes")]
    message_attributes: Option<&'e RawValue>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Attributes<'e> {
    #[serde(borrow, default, rename = "ApproximateReceiveCount")]
    receives: Cow<'e, str>,
    #[serde(borrow, default, rename = "SentTimestamp")]
    sent_at: Cow<'e, str>,
}

/// A string that borrows from the event if it has no escapes.
#[derive(Deserialize)]
struct Text<'e>(#[serde(borrow)] Cow<'e, str>);

/// The messages of an event whose `Records` are all SQS messages as Lambda writes them, read in one pass. `None` for
/// every other event.
pub(super) fn usual_batch(json: &str) -> Option<Vec<Message<'_>>> {
    #[derive(Deserialize)]
    struct Batch<'e> {
        #[serde(borrow, rename = "Records")]
        records: Vec<UsualMessage<'e>>,
        #[serde(default, rename = "Messages")]
        messages: Option<IgnoredAny>,
    }
    // Lambda writes the id first. Without this look, other events would be read twice.
    let start = json.get(..FIRST_FIELDS).unwrap_or(json);
    if !start.trim_start().starts_with('{') || !start.contains("\"messageId\"") {
        return None;
    }
    let Batch { records, messages } = serde_json::from_str(json).ok()?;
    let is_usual = messages.is_none() && records.iter().all(|message| !message.0.id.is_empty());
    is_usual.then(|| records.into_iter().map(|message| message.0).collect())
}

/// The bytes of an event in which a usual batch shows the first field of its first message.
const FIRST_FIELDS: usize = 64;

/// A message whose body is a string. It is an object: serde would read an array as [`Fields`], too.
struct UsualMessage<'e>(Message<'e>);

impl<'de: 'e, 'e> Deserialize<'de> for UsualMessage<'e> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'e> Visitor<'e> for ObjectVisitor {
    type Value = UsualMessage<'e>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of SQS")
    }

    fn visit_map<A: MapAccess<'e>>(self, map: A) -> Result<UsualMessage<'e>, A::Error> {
        let fields: Fields<'e, Text<'e>> = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(UsualMessage(Message::with_body(fields, |Text(body)| Some(body))))
    }
}

impl<'e> Message<'e> {
    /// The message that a record is; `None` if it is none, or is broken.
    pub(super) fn of(record: &'e RawValue) -> Option<Self> {
        // serde would read an array as the struct, too.
        let is_object = record.get().starts_with('{');
        let fields: Fields<'e, &'e RawValue> = is_object.then(|| serde_json::from_str(record.get()).ok()).flatten()?;
        (!fields.id.is_empty()).then(|| Self::with_body(fields, body_of))
    }

    fn with_body<B>(fields: Fields<'e, B>, body_of: impl FnOnce(B) -> Option<Cow<'e, str>>) -> Self {
        let Fields { id, receipt_handle, queue, body, attributes, message_attributes } = fields;
        Self { id, receipt_handle, queue, body: body_of(body), attributes, message_attributes }
    }

    /// Its body. An input transformer of EventBridge Pipes may have parsed it: an object or an array is its JSON.
    /// `None` if it is anything else.
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// How often it was received, at least 1.
    pub fn receives(&self) -> u32 {
        self.attributes.receives.parse().unwrap_or(1).max(1)
    }

    /// What earlier receives purged of it. None of it, if its attribute is not one that the function wrote.
    pub fn purged_items(&self) -> PurgedItems {
        #[derive(Deserialize)]
        struct MessageAttributes<'e> {
            #[serde(borrow, rename = "PurgedItems")]
            purged_items: MessageAttribute<'e>,
        }
        #[derive(Deserialize)]
        struct MessageAttribute<'e> {
            #[serde(borrow, rename = "stringValue", alias = "StringValue")]
            value: Cow<'e, str>,
        }
        let named = self.message_attributes.filter(|attributes| attributes.get().contains(PURGED_ITEMS));
        let attributes = named.and_then(|it| serde_json::from_str::<MessageAttributes<'_>>(it.get()).ok());
        attributes.map(|it| PurgedItems::parse(&it.purged_items.value)).unwrap_or_default()
    }

    /// When it was sent to its queue, if SQS says so.
    pub fn sent_at(&self) -> Option<UtcDateTime> {
        let milliseconds: u64 = self.attributes.sent_at.parse().ok()?;
        UtcDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
    }
}

/// What earlier receives purged, of each message of which they purged anything.
pub(super) fn purged_items(messages: &[Message<'_>]) -> HashMap<Origin, PurgedItems> {
    let purged = messages.iter().map(|message| (message, message.purged_items()));
    let purged = purged.filter(|(_, purged)| !purged.is_empty());
    purged.map(|(message, purged)| (Origin::Message((&*message.id).into()), purged)).collect()
}

fn body_of(json: &RawValue) -> Option<Cow<'_, str>> {
    match json.get() {
        json if json.starts_with(['{', '[']) => Some(Cow::Borrowed(json)),
        json => serde_json::from_str::<Text<'_>>(json).ok().map(|text| text.0),
    }
}
