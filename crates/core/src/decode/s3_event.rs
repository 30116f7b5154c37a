//! Records of S3 and EventBridge events of S3 → changes.

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

/// The `eventSource` of Ceph's records.
const CEPH: &str = "ceph:s3";

/// Reads a record in S3's own form, whose key is form-encoded.
pub(super) fn s3_record(record: &Value, origin: &Origin) -> Result<S3Event, String> {
    let version = string_at(record, "eventVersion")?;
    if version.split('.').next() != Some("2") {
        return Err(format!("eventVersion: expected 2.x, found `{}`", version.escape_debug()));
    }
    let name = string_at(record, "eventName")?;
    let Some(kind) = ChangeKind::of_event_name(name) else {
        return Ok(S3Event::Ignored(name.to_owned()));
    };
    let encoded = key_at(record, "s3.object.key")?;
    let keys = match (form_decode(encoded), string_at(record, "eventSource").ok()) {
        // Ceph doesn't document the encoding, and its releases differ: both readings are purged.
        (Ok(decoded), Some(CEPH)) if decoded != encoded => vec![encoded.to_owned(), decoded],
        (Err(_), Some(CEPH)) => vec![encoded.to_owned()],
        (Ok(decoded), _) => vec![decoded],
        (Err(error), _) => return Err(format!("s3.object.key: `{}`: {error}", encoded.escape_debug())),
    };
    let time = string_at(record, "eventTime").ok();
    changes(string_at(record, "s3.bucket.name")?, keys, kind, time, origin)
}

/// Reads an EventBridge event of S3, whose key is not encoded.
pub(super) fn eventbridge_event(event: &Value, origin: &Origin) -> Result<S3Event, String> {
    let detail_type = string_at(event, "detail-type")?;
    let Some(kind) = ChangeKind::of_detail_type(detail_type) else {
        return Ok(S3Event::Ignored(detail_type.to_owned()));
    };
    let (bucket, key) = (string_at(event, "detail.bucket.name")?, key_at(event, "detail.object.key")?);
    changes(bucket, vec![key.to_owned()], kind, string_at(event, "time").ok(), origin)
}

fn changes(
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

fn key_at<'v>(value: &'v Value, place: &str) -> Result<&'v str, String> {
    match string_at(value, place)? {
        "" => Err(format!("{place}: expected the key of an object, found an empty string")),
        key => Ok(key),
    }
}

/// Decodes `application/x-www-form-urlencoded`, strictly: a `%` without two hexadecimal digits is an error, and so
/// are bytes that are not UTF-8. A lenient decoder would turn such a key into that of another object.
fn form_decode(encoded: &str) -> Result<String, String> {
    let bytes = encoded.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let sequence: String = encoded[at..].chars().take(3).collect();
            return Err(format!("`{}` is not a percent sequence", sequence.escape_debug()));
        }
    }
    let spaced = encoded.replace('+', " ");
    match percent_encoding::percent_decode_str(&spaced).decode_utf8() {
        Ok(key) => Ok(key.into_owned()),
        Err(_) => Err("its bytes are not UTF-8".to_owned()),
    }
}
