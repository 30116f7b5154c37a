//! What one record says, and its changes.

use serde_json::Value;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use crate::decode::values::string_at;
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::names::BucketName;

/// What a record of S3, or an EventBridge event of S3, says.
pub(super) enum S3Event {
    Changes(Vec<Change>),
    /// What is served stays the same; with the name of the event.
    Ignored(String),
}

/// The changes of an event: one for each key.
pub(super) fn changes(
    bucket: &str,
    keys: Vec<String>,
    kind: ChangeKind,
    time: Option<&str>,
    origin: &Origin,
) -> Result<S3Event, String> {
    let bucket = BucketName::parse(bucket).map_err(|invalid| invalid.to_string())?;
    let time = time.and_then(|time| UtcDateTime::parse(time, &Rfc3339).ok());
    let change = |key| Change { bucket: bucket.clone(), key, kind, time, origin: origin.clone() };
    Ok(S3Event::Changes(keys.into_iter().map(change).collect()))
}

/// The key of an object, which is not empty.
pub(super) fn key_at<'v>(value: &'v Value, place: &str) -> Result<&'v str, String> {
    match string_at(value, place)? {
        "" => Err(format!("{place}: expected the key of an object, found an empty string")),
        key => Ok(key),
    }
}
