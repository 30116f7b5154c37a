//! The SQS messages of an event: what is needed to send one to another queue, or to hide it there.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use time::UtcDateTime;

/// An SQS message of an event.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'e> {
    /// Its id, as in [`Origin::Message`](crate::Origin::Message).
    #[serde(borrow, rename = "messageId")]
    pub id: Cow<'e, str>,
    /// What SQS needs to hide or delete the message; empty if the event has none.
    #[serde(borrow, default)]
    pub receipt_handle: Cow<'e, str>,
    /// The ARN of its queue; empty if the event has none.
    #[serde(borrow, default, rename = "eventSourceARN")]
    pub queue: Cow<'e, str>,
    #[serde(borrow)]
    body: &'e RawValue,
    #[serde(borrow, default)]
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

    /// Its body; `None` if that is not a string.
    pub fn body(&self) -> Option<String> {
        serde_json::from_str(self.body.get()).ok()
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
