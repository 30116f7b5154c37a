//! The SQS messages of an event: what is needed to send one to another queue, or to hide it there.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use time::UtcDateTime;

/// An SQS message of an event. Lambda writes the names with a small letter, SQS's own API with a capital.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'e> {
    /// Its id, as in [`Origin::Message`](crate::Origin::Message).
    #[serde(borrow, rename = "messageId", alias = "MessageId")]
    pub id: Cow<'e, str>,
    /// What SQS needs to hide or delete the message; empty if the event has none.
    #[serde(borrow, default, alias = "ReceiptHandle")]
    pub receipt_handle: Cow<'e, str>,
    /// The ARN of its queue; empty if the event has none.
    #[serde(borrow, default, rename = "eventSourceARN")]
    pub queue: Cow<'e, str>,
    #[serde(borrow, alias = "Body")]
    body: &'e RawValue,
    #[serde(borrow, default, alias = "Attributes")]
    attributes: Attributes<'e>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Attributes<'e> {
    #[serde(borrow, default, rename = "ApproximateReceiveCount")]
    receives: Cow<'e, str>,
    #[serde(borrow, default, rename = "SentTimestamp")]
    sent_at: Cow<'e, str>,
}

impl<'e> Message<'e> {
    /// The message that a record is; `None` if it is none, or is broken.
    pub(super) fn of(record: &'e RawValue) -> Option<Self> {
        // serde would read an array as the struct, too.
        let is_object = record.get().starts_with('{');
        let message: Self = is_object.then(|| serde_json::from_str(record.get()).ok()).flatten()?;
        (!message.id.is_empty()).then_some(message)
    }

    /// Its body. An input transformer of EventBridge Pipes may have parsed it: an object or an array is its JSON.
    /// `None` if it is anything else.
    pub fn body(&self) -> Option<String> {
        match self.body.get() {
            json if json.starts_with(['{', '[']) => Some(json.to_owned()),
            json => serde_json::from_str(json).ok(),
        }
    }

    /// How often it was received, at least 1.
    pub fn receives(&self) -> u32 {
        self.attributes.receives.parse().unwrap_or(1).max(1)
    }

    /// When it was sent to its queue, if SQS says so.
    pub fn sent_at(&self) -> Option<UtcDateTime> {
        let milliseconds: u64 = self.attributes.sent_at.parse().ok()?;
        UtcDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
    }
}
