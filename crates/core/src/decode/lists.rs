//! The outermost form of most events: a list of records or of messages.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode::json::Json;
use crate::decode::message::Message;
use crate::decode::place::Place;

/// One of a list.
pub(super) struct Item<T> {
    /// The name of its list: empty if the list is the whole message.
    list: &'static str,
    index: usize,
    pub(super) value: T,
}

impl<T> Item<T> {
    pub(super) fn place<'p>(&self, outer: &'p Place<'p>) -> Place<'p> {
        Place::Item(outer, self.list, self.index)
    }
}

/// Events of S3, SQS and SNS, and CloudTrail's files.
const RECORDS: &str = "Records";

/// What `aws sqs receive-message` and the SDKs return.
const MESSAGES: &str = "Messages";

/// The items of a message: of its `Records` and `Messages`, or of an array (EventBridge Pipes). `None` if it has none of
/// them.
pub(super) fn items(message: Json<'_>) -> Option<impl Iterator<Item = Item<Json<'_>>>> {
    // An array without any object or string is no list of messages.
    let has_messages = message.elements().any(|item| item.is_object() || item.is_string());
    let lists = if has_messages { [("", Some(message)), ("", None)] } else { lists(message)? };
    Some(lists.into_iter().flat_map(|(list, json)| numbered(list, elements_of(json))))
}

fn elements_of(list: Option<Json<'_>>) -> impl Iterator<Item = Json<'_>> {
    list.into_iter().flat_map(Json::elements)
}

fn lists(object: Json<'_>) -> Option<[(&'static str, Option<Json<'_>>); 2]> {
    let (mut records, mut messages) = (None, None);
    for (name, value) in object.fields() {
        let is_repeated = match name {
            RECORDS => records.replace(value).is_some(),
            MESSAGES => messages.replace(value).is_some(),
            _ => false,
        };
        if is_repeated {
            return None;
        }
    }
    let records = records.filter(|records| !records.is_null());
    // Records may have a field of this name that is no list.
    let messages = messages.filter(|messages| messages.is_array());
    let is_list = records.map_or(messages.is_some(), Json::is_array);
    is_list.then_some([(RECORDS, records), (MESSAGES, messages)])
}

/// Whether this is a lone message of SQS, with this text.
pub(super) fn is_lone_message(message: Json<'_>, text: &str) -> bool {
    let is_message = || serde_json::from_str(text).is_ok_and(|raw| Message::of(raw).is_some());
    has_message_id(message) && lists(message).is_none() && is_message()
}

/// Whether this may be a message of SQS, or a list with one.
pub(super) fn may_have_messages(message: Json<'_>) -> bool {
    has_message_id(message) || items(message).into_iter().flatten().any(|item| has_message_id(item.value))
}

fn has_message_id(value: Json<'_>) -> bool {
    value.get("messageId").or_else(|| value.get("MessageId")).is_some()
}

/// The items of a message that is not read as a whole, because a broken item must not affect the others: those of
/// [`items`], or a lone message of SQS.
pub(super) fn raw_items(json: &str) -> Option<Vec<Item<&RawValue>>> {
    match json.trim_start().as_bytes().first() {
        Some(b'[') => raw_items_of_array(json),
        // serde would read an array as the struct, too.
        Some(b'{') => raw_items_of_object(json),
        _ => None,
    }
}

#[derive(Deserialize)]
struct RawLists<'v> {
    #[serde(borrow, default, rename = "Records")]
    records: Option<Vec<&'v RawValue>>,
    #[serde(borrow, default, rename = "Messages")]
    messages: Option<&'v RawValue>,
}

fn raw_items_of_object(json: &str) -> Option<Vec<Item<&RawValue>>> {
    let RawLists { records, messages } = serde_json::from_str(json).ok()?;
    let messages: Option<Vec<&RawValue>> = messages.and_then(|messages| serde_json::from_str(messages.get()).ok());
    if records.is_none() && messages.is_none() {
        let json: &RawValue = serde_json::from_str(json).ok()?;
        return Message::of(json).is_some().then(|| numbered("", [json]).collect());
    }
    let (records, messages) = (records.unwrap_or_default(), messages.unwrap_or_default());
    Some(numbered(RECORDS, records).chain(numbered(MESSAGES, messages)).collect())
}

fn raw_items_of_array(json: &str) -> Option<Vec<Item<&RawValue>>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let has_messages = items.iter().any(|item| item.get().starts_with(['{', '"']));
    has_messages.then(|| numbered("", items).collect())
}

fn numbered<T>(list: &'static str, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = Item<T>> {
    items.into_iter().enumerate().map(move |(index, value)| Item { list, index, value })
}
