//! The SQS messages of an event: what is needed to send one to another queue, or to hide it for a while.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::records::{Records, without_byte_order_mark};

/// An SQS message of an event.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'e> {
    /// Its id, as in [`Origin::Message`](crate::Origin::Message).
    #[serde(borrow, rename = "messageId")]
    pub id: Cow<'e, str>,
    /// What SQS wants to know when the message is hidden or deleted; empty if the event has none.
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
}

impl Message<'_> {
    /// Its body; `None` if that is not a string.
    pub fn body(&self) -> Option<String> {
        serde_json::from_str(self.body.get()).ok()
    }

    /// How often it was received, at least 1.
    pub fn receives(&self) -> u32 {
        self.attributes.receives.parse().unwrap_or(1).max(1)
    }
}

/// The SQS messages of an event, without those that are broken. Empty if the event is not from SQS.
pub fn messages(event: &[u8]) -> Vec<Message<'_>> {
    let Ok(Records { records }) = serde_json::from_slice(without_byte_order_mark(event)) else { return Vec::new() };
    records.into_iter().filter_map(|record| serde_json::from_str(record.get()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_has_what_sqs_says_of_it() {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:purge-router";
        let full = json!({
            "messageId": "m-0", "receiptHandle": "h\u{e9}\"0", "body": "{\"Records\": []}", "eventSource": "aws:sqs",
            "eventSourceARN": arn, "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1"},
        });
        let least = json!({"messageId": "m-1", "body": "text"});
        let broken = json!({"messageId": "m-2", "body": 7});
        let event = json!({"Records": [full, least, broken, {"messageId": 3}, "text", {"s3": {}}]}).to_string();
        let messages = messages(event.as_bytes());
        let seen: Vec<_> = messages
            .iter()
            .map(|message| {
                (&*message.id, &*message.receipt_handle, &*message.queue, message.receives(), message.body())
            })
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            seen,
            [
                ("m-0", "hé\"0", arn, 3, text("{\"Records\": []}")),
                ("m-1", "", "", 1, text("text")),
                ("m-2", "", "", 1, None)
            ]
        );
    }

    #[test]
    fn other_events_have_none() {
        for event in ["", "{}", "[]", "{\"Records\": 1}", "{\"Records\": [{\"s3\": {}}]}"] {
            assert!(messages(event.as_bytes()).is_empty(), "{event}");
        }
    }
}
