//! The outermost form of most events: a list of records or of messages.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode::message::Message;

/// One of a list, not yet parsed: a broken one must not affect the others.
pub(super) struct Item<'v> {
    /// The name of its list: empty if the list is the whole message.
    list: &'static str,
    index: usize,
    pub(super) json: &'v RawValue,
}

impl Item<'_> {
    /// Where it is, such as `Records[0]`, behind a place that is empty or ends in a dot.
    pub(super) fn place(&self, outer: &str) -> String {
        match self.list {
            "" => format!("{}[{}]", outer.trim_end_matches('.'), self.index),
            list => format!("{outer}{list}[{}]", self.index),
        }
    }
}

#[derive(Deserialize)]
struct Lists<'v> {
    /// Events of S3, SQS and SNS, and CloudTrail's files.
    #[serde(borrow, default, rename = "Records")]
    records: Option<Vec<&'v RawValue>>,
    /// What `aws sqs receive-message` and the SDKs return.
    #[serde(borrow, default, rename = "Messages")]
    messages: Option<&'v RawValue>,
}

/// The items of a message: of its `Records` and `Messages`, of an array (EventBridge Pipes), or a lone SQS message.
/// `None` if it is none of them.
pub(super) fn items(json: &str) -> Option<Vec<Item<'_>>> {
    match json.trim_start().as_bytes().first() {
        Some(b'[') => items_of_array(json),
        // serde would read an array as the struct, too.
        Some(b'{') => items_of_object(json),
        _ => None,
    }
}

fn items_of_object(json: &str) -> Option<Vec<Item<'_>>> {
    let Lists { records, messages } = serde_json::from_str(json).ok()?;
    // Records may have a field of this name that is no list.
    let messages: Option<Vec<&RawValue>> = messages.and_then(|messages| serde_json::from_str(messages.get()).ok());
    if records.is_none() && messages.is_none() {
        let json: &RawValue = serde_json::from_str(json).ok()?;
        return Message::of(json).is_some().then(|| numbered("", vec![json]).collect());
    }
    let records = numbered("Records", records.unwrap_or_default());
    Some(records.chain(numbered("Messages", messages.unwrap_or_default())).collect())
}

/// An array without any object or string is no list of messages.
fn items_of_array(json: &str) -> Option<Vec<Item<'_>>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let has_messages = items.iter().any(|item| item.get().starts_with(['{', '"']));
    has_messages.then(|| numbered("", items).collect())
}

fn numbered<'v>(list: &'static str, items: Vec<&'v RawValue>) -> impl Iterator<Item = Item<'v>> {
    items.into_iter().enumerate().map(move |(index, json)| Item { list, index, json })
}
