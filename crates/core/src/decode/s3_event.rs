//! Records of S3 and of other vendors, and EventBridge events of S3 → changes.

use smallvec::{SmallVec, smallvec};

use crate::decode::buckets::Buckets;
use crate::decode::cloudtrail::{cloudtrail_record, is_cloudtrail};
use crate::decode::event_names::{Meaning, Vendor, meaning_of_detail_type, meaning_of_event_name, near_event_name};
use crate::decode::json::Json;
use crate::decode::s3_change::{Changed, S3Event, bucket_at, key_at, whole_bucket};
use crate::decode::values::string_at;
use crate::model::last_purge::{ObjectVersion, Sequencer};

/// Where to report a name of an event that is in no table.
const REPORT: &str = "what it changes is unknown; report it to the maintainers of purge-router, with the record and its \
                      vendor, so that it can be added";

/// Reads a record in S3's own form, whose key is form-encoded by most vendors.
pub(super) fn s3_record(record: Json<'_>, buckets: &mut Buckets) -> Result<S3Event, String> {
    let fields = ["eventVersion", "eventName", "s3.bucket.name", "s3.object.key"];
    read_record(record, buckets).map_err(|problem| with_others_missing(record, "", &fields, problem))
}

fn read_record(record: Json<'_>, buckets: &mut Buckets) -> Result<S3Event, String> {
    let source = record.string("eventSource").unwrap_or_default();
    let vendor = Vendor::of_source(source);
    if record.get("eventVersion").is_none_or(Json::is_null) {
        return Err("eventVersion: missing (S3 writes `2.1`)".to_owned());
    }
    let version = string_at(record, "eventVersion")?;
    if !vendor.has_version(version) {
        return Err(format!("eventVersion: expected 2.x, found `{}`", version.escape_debug()));
    }
    let name = string_at(record, "eventName")?;
    let kind = match meaning_of_event_name(vendor, name) {
        Some(Meaning::Change(kind)) => kind,
        Some(Meaning::Nothing) => return Ok(S3Event::Ignored(name.to_owned())),
        Some(Meaning::WholeBucket) => return Err(format!("eventName: {}", whole_bucket(name))),
        None => {
            let near = near_event_name(vendor, name).map(|near| format!("did you mean `{near}`?"));
            let (name, source, more) = (name.escape_debug(), source.escape_debug(), near.as_deref().unwrap_or(REPORT));
            return Err(format!("eventName: `{name}` is not a known name of an event of `{source}`: {more}"));
        }
    };
    let encoded = key_at(record, "s3.object.key")?;
    let object = record.at("s3.object");
    let keys: SmallVec<[String; 1]> = match (form_decode(encoded), vendor.form_encodes_keys()) {
        (Ok(decoded), true) => smallvec![decoded],
        (Err(error), true) => return Err(format!("s3.object.key: `{}`: {error}", encoded.escape_debug())),
        // Either reading may be the object's: both are purged (decision 4).
        (Ok(decoded), false) if decoded != encoded => smallvec![encoded.to_owned(), decoded],
        (_, false) => smallvec![encoded.to_owned()],
    };
    let bucket = bucket_at(record, "s3.bucket.name", buckets)?;
    let has_content = vendor == Vendor::Aws && writes_content(name);
    let (version, etag) = version_of(object, ["eTag", "sequencer"], has_content);
    let changed = Changed::new(bucket, keys, kind, record.string("eventTime"));
    Ok(S3Event::Changed(Changed { version, ..changed.with_etag(etag) }))
}

/// Reads an EventBridge event of S3, whose key is not encoded, or of CloudTrail about S3. Its detail is at a place: empty if
/// a rule or a pipe passes the detail alone, else `detail.`. Without a `detail-type`, the fields of the detail show most
/// types.
pub(super) fn eventbridge_event(event: Json<'_>, place: &str, buckets: &mut Buckets) -> Result<S3Event, String> {
    let detail = if place.is_empty() { Some(event) } else { event.get("detail") };
    let named = string_at(event, "detail-type");
    if detail.is_some_and(is_cloudtrail) || named.as_ref().is_ok_and(|name| name.ends_with(VIA_CLOUDTRAIL)) {
        return cloudtrail_record(event, place, buckets);
    }
    let Some(detail_type) = named.as_ref().ok().copied().or_else(|| detail_type_of(detail?)) else {
        return Err(match named {
            Err(problem) if detail.is_some_and(Json::is_object) => format!("{problem}, and {TYPE_UNKNOWN}"),
            other => other.err().unwrap_or_default(),
        });
    };
    let kind = match meaning_of_detail_type(detail_type) {
        Some(Meaning::Change(kind)) => kind,
        Some(Meaning::Nothing) => return Ok(S3Event::Ignored(detail_type.to_owned())),
        Some(Meaning::WholeBucket) => return Err(format!("detail-type: {}", whole_bucket(detail_type))),
        None => {
            let name = detail_type.escape_debug();
            return Err(format!("detail-type: `{name}` is not a known type of an event of `aws.s3`: {REPORT}"));
        }
    };
    let Some(detail) = detail else { return Err("detail: missing".to_owned()) };
    let fields = ["bucket.name", "object.key"];
    let in_detail = |problem| format!("{place}{}", with_others_missing(detail, place, &fields, problem));
    let bucket = bucket_at(detail, "bucket.name", buckets).map_err(in_detail)?;
    let key = key_at(detail, "object.key").map_err(in_detail)?;
    let reason = detail.string("reason").unwrap_or_default();
    let (version, etag) = version_of(detail.get("object"), ["etag", "sequencer"], WRITES.contains(&reason));
    let changed = Changed::new(bucket, [key.to_owned()], kind, event.string("time"));
    Ok(S3Event::Changed(Changed { version, ..changed.with_etag(etag) }))
}

/// The reasons of EventBridge for objects whose content was written. A copy may change metadata alone, and so may an upload in
/// parts: parts are copied, too, and equal parts give equal ETags.
const WRITES: [&str; 2] = ["PutObject", "POST Object"];

/// The same by the name of a record, with or without its `s3:`.
fn writes_content(event_name: &str) -> bool {
    let call = event_name.strip_prefix("s3:").unwrap_or(event_name).strip_prefix("ObjectCreated:");
    matches!(call, Some("Put" | "Post"))
}

/// Which version of its object an event is about, and the ETag, which it may have without having written content.
fn version_of<'d>(
    object: Option<Json<'d>>,
    [etag, sequencer]: [&str; 2],
    writes_content: bool,
) -> (ObjectVersion, Option<&'d str>) {
    let string = |field| object.and_then(|object| object.string(field));
    let sequencer = string(sequencer).and_then(Sequencer::parse);
    (ObjectVersion { writes_content, sequencer }, string(etag))
}

/// The end of the `detail-type` of what CloudTrail reports: `AWS API Call` or `AWS Service Event`.
const VIA_CLOUDTRAIL: &str = " via CloudTrail";

const TYPE_UNKNOWN: &str = "the detail alone does not say what happened to the object; let the rule or pipe pass the whole \
                            event, or `detail-type` and `detail`";

/// The `detail-type` of a `detail`, by fields that only its type has. Changes of tags and of ACLs look the same, and so
/// does an expired restore. The fields: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>.
fn detail_type_of(detail: Json<'_>) -> Option<&'static str> {
    let has = |field: &str| detail.get(field).is_some_and(Json::is_string);
    match detail.string("reason") {
        Some("PutObject" | "POST Object" | "CopyObject" | "CompleteMultipartUpload") => Some("Object Created"),
        Some("DeleteObject" | "Lifecycle Expiration") => Some("Object Deleted"),
        _ if has("deletion-type") => Some("Object Deleted"),
        _ if has("restore-expiry-time") => Some("Object Restore Completed"),
        _ if has("destination-storage-class") => Some("Object Storage Class Changed"),
        _ if has("destination-access-tier") => Some("Object Access Tier Changed"),
        _ if has("source-storage-class") => Some("Object Restore Initiated"),
        _ => None,
    }
}

/// A problem of a record, which begins with its field, and the other fields that the record lacks, of those that it needs. They are
/// named with a prefix, which the caller adds to the problem.
fn with_others_missing(record: Json<'_>, prefix: &str, fields: &[&str], problem: String) -> String {
    let place = problem.split(':').next().unwrap_or_default();
    let is_missing = |field: &&&str| record.at(field).is_none_or(Json::is_null) && !field.starts_with(place);
    let missing: Vec<String> = fields.iter().filter(is_missing).map(|field| format!("`{prefix}{field}`")).collect();
    match missing.is_empty() || problem.ends_with(REPORT) {
        true => problem,
        false => format!("{problem}; also missing: {}", missing.join(", ")),
    }
}

/// Decodes `application/x-www-form-urlencoded`, strictly: a `%` without two hexadecimal digits is an error, and so
/// are bytes that are not UTF-8. A lenient decoder would turn such a key into that of another object.
fn form_decode(encoded: &str) -> Result<String, String> {
    let bytes = encoded.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Ok(encoded.to_owned());
    }
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
