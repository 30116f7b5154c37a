//! What one record says, and its changes.

use serde_json::Value;
use time::UtcDateTime;
use time::format_description::well_known::Rfc3339;

use crate::decode::values::string_at;
use crate::model::bounds;
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::last_purge::ObjectVersion;
use crate::model::names::BucketName;

/// What a record of S3, or an EventBridge event of S3, says.
pub(super) enum S3Event {
    Changes(Vec<Change>),
    /// What is served stays the same; with the name of the event.
    Ignored(String),
}

/// The changes of an event: one for each key.
pub(super) fn changes(
    bucket: &BucketName,
    keys: Vec<String>,
    kind: ChangeKind,
    time: Option<&str>,
    version: ObjectVersion,
    origin: &Origin,
) -> S3Event {
    let time = time.and_then(|time| UtcDateTime::parse(time, &Rfc3339).ok());
    let change = |key| Change {
        bucket: bucket.clone(),
        key,
        kind,
        etag: None,
        time,
        origin: origin.clone(),
        second_purge_of: None,
        verification: None,
        version: version.clone(),
    };
    S3Event::Changes(keys.into_iter().map(change).collect())
}

impl S3Event {
    /// With the ETag at a place of the event, if there is one: S3 writes it without quotes, and other vendors with them.
    pub(super) fn with_etag(mut self, value: &Value, place: &str) -> Self {
        let etag = string_at(value, place).unwrap_or_default().trim_matches('"');
        let is_etag = (1..=bounds::ETAG).contains(&etag.len()) && etag.bytes().all(|byte| byte.is_ascii_graphic());
        if let Self::Changes(changes) = &mut self {
            changes.iter_mut().for_each(|change| change.etag = is_etag.then(|| etag.to_owned()));
        }
        self
    }
}

/// The bucket that is named at a place of an event.
pub(super) fn bucket_at(value: &Value, place: &str) -> Result<BucketName, String> {
    BucketName::parse(string_at(value, place)?).map_err(|invalid| format!("{place}: {invalid}"))
}

/// The key of an object, which is not empty.
pub(super) fn key_at<'v>(value: &'v Value, place: &str) -> Result<&'v str, String> {
    match string_at(value, place)? {
        "" => Err(format!("{place}: expected the key of an object, found an empty string")),
        key => Ok(key),
    }
}

/// What to do about an event that may change what all objects of a bucket serve.
pub(super) fn whole_bucket(name: &str) -> String {
    format!(
        "`{}` may change what all objects of the bucket serve; purge them with `purge-router purge` if it did, and let \
         your rule or notification leave out such events",
        name.escape_debug()
    )
}
