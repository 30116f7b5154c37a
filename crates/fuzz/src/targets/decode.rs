//! Events: what is read twice is equal, each record fails alone, and an event that is read as a whole means the same as its
//! records one by one.

use purge_router_core::{Decoded, Event, decode, decode_with_messages, plan};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The lists of an event.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Lists<'v> {
    #[serde(borrow)]
    records: Option<Vec<&'v RawValue>>,
    #[serde(borrow)]
    messages: Option<Vec<&'v RawValue>>,
}

/// Fields and names of records that hold other records.
const NESTED: [&str; 9] = ["aws:sqs", "body", "Body", "\\u", "Sns", "Message", "requestPayload", "Records", "Messages"];

pub(crate) fn check(input: &[u8]) {
    let Ok(decoded) = decode_with_messages(input) else {
        let error = decode(input).expect_err("a second reading fails, too").to_string();
        assert!(!error.chars().any(char::is_control), "an error has control characters: {error:?}");
        return;
    };
    let event = decode(input).expect("a second reading succeeds, too");
    assert_eq!(decoded.event, event, "a second reading differs");
    assert!(decoded.messages.iter().all(|message| message.receives() >= 1), "a message was never received");
    decoded.messages.iter().for_each(|message| _ = message.sent_at());
    assert!(event.changes.iter().all(|change| !change.key.is_empty()), "a key is empty");
    for rejected in &event.rejected {
        assert!(!rejected.reason.is_empty(), "a rejection has no reason");
        assert!(rejected.reason.chars().count() <= 12_001, "a reason is long");
        assert!(!rejected.reason.chars().any(char::is_control), "a reason has control characters: {rejected:?}");
    }
    check_each_alone(input, &event);
    check_one_by_one(input, &decoded);
    // Nothing is mapped, so that each change must be unmatched.
    let planned = plan(&Default::default(), event.clone());
    assert_eq!(planned.unmatched.len(), event.changes.len());
    assert!(planned.batches.is_empty());
}

/// More white space than the fields by which a usual batch is recognized.
const MARGIN: &str = "                                                                ";

/// A field that is no value keeps an event from being read as a whole: then each of its records is read alone.
fn check_one_by_one(input: &[u8], decoded: &Decoded<'_>) {
    let text = std::str::from_utf8(input).unwrap_or_default().trim_start_matches('\u{feff}');
    let Some(fields) = text.trim_start().strip_prefix('{').filter(|fields| !fields.trim_start().starts_with('}'))
    else {
        return;
    };
    let broken = format!("{MARGIN}{{\"broken\":1e999,{fields}");
    let Lists { records, messages } = serde_json::from_str(text).unwrap_or_default();
    if let Ok(one_by_one) = decode_with_messages(broken.as_bytes())
        && (records.is_some() || messages.is_some())
    {
        assert_eq!(one_by_one.event, decoded.event, "the records one by one differ");
        assert_eq!(format!("{:?}", one_by_one.messages), format!("{:?}", decoded.messages));
    }
}

/// The outcome of a batch is that of its records, one by one, and each record of S3 has one outcome.
fn check_each_alone(input: &[u8], event: &Event) {
    let text = std::str::from_utf8(input).unwrap_or_default().trim_start_matches('\u{feff}');
    let records: Vec<&RawValue> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).unwrap_or_default(),
        false => {
            let Lists { records, messages } = serde_json::from_str(text).unwrap_or_default();
            records.into_iter().chain(messages).flatten().collect()
        }
    };
    if records.is_empty() {
        return;
    }
    let mut joined = Event::default();
    for record in records {
        let alone = decode(format!(r#"{{"Records":[{}]}}"#, record.get()).as_bytes()).expect("it has records");
        let outcomes = alone.ignored.len() + alone.rejected.len() + alone.changes.len().min(1);
        let is_text = record.get().starts_with('"');
        let is_nested = is_text || NESTED.iter().any(|name| record.get().contains(name));
        assert!(is_nested || outcomes == 1, "{outcomes} outcomes of {}", record.get());
        joined.changes.extend(alone.changes);
        joined.ignored.extend(alone.ignored);
        joined.rejected.extend(alone.rejected);
    }
    assert_eq!(joined.changes, event.changes, "a record affects its neighbors");
    assert_eq!(joined.ignored, event.ignored, "a record affects its neighbors");
    assert_eq!(joined.rejected.len(), event.rejected.len(), "a record affects its neighbors");
}
