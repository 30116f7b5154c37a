//! The outermost form of most events: a list of records.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Records<'v> {
    #[serde(borrow, rename = "Records")]
    records: Vec<&'v RawValue>,
}

/// The records of a message, not yet parsed: a broken one must not affect the others. `None` if it has none.
pub(super) fn records(json: &str) -> Option<Vec<&RawValue>> {
    // serde would read an array as the struct, too.
    let is_object = json.trim_start().starts_with('{');
    let Records { records } = is_object.then(|| serde_json::from_str(json).ok()).flatten()?;
    Some(records)
}
