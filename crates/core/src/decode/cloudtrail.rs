//! CloudTrail's records of calls of S3 → changes. Keys are not encoded. A call that failed changed nothing.
//!
//! Fields: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html>.
//! Calls: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use serde_json::Value;

use crate::decode::buckets::Buckets;
use crate::decode::event_names::{CallMeaning, meaning_of_call};
use crate::decode::json::Json;
use crate::decode::s3_change::{Changed, S3Event, bucket_at, key_at, whole_bucket};
use crate::decode::values::string_at;
use crate::model::change::ChangeKind;
use crate::model::names::BucketName;

/// Where a call that deletes several objects may list them. Its records mostly don't.
const LISTS: [&str; 3] = ["requestParameters", "additionalEventData", "responseElements"];

/// How the names of calls begin that only read.
const READS: [&str; 4] = ["Get", "Head", "List", "Select"];

/// The end of an alias of an access point, which stands for a bucket.
const ACCESS_POINT_ALIAS: &str = "-s3alias";

/// Reads the record that is at a place of a message; the place is empty or ends in a dot.
pub(super) fn cloudtrail_record(message: Json<'_>, place: &str, buckets: &mut Buckets) -> Result<S3Event, String> {
    let string = |field: &str| string_at(message, &format!("{place}{field}"));
    let name = string("eventName")?;
    if let Ok(code) = string("errorCode")
        && !code.is_empty()
    {
        return Ok(S3Event::Ignored(format!("{name} failed: {code}")));
    }
    let record = match place {
        "" => message,
        place => message.get(place.trim_end_matches('.')).unwrap_or(message),
    };
    let kind = match meaning_of_call(name) {
        Some(CallMeaning::Change(kind)) => kind,
        Some(CallMeaning::DeleteMany) => return deleted_objects(record, message, place, buckets),
        Some(CallMeaning::Nothing) => return Ok(S3Event::Ignored(name.to_owned())),
        Some(CallMeaning::WholeBucket) => {
            return Err(format!("{place}eventName: {}", whole_bucket(name)));
        }
        None if record.get("readOnly").is_some_and(Json::is_true)
            && READS.iter().any(|verb| name.starts_with(verb)) =>
        {
            return Ok(S3Event::Ignored(name.to_owned()));
        }
        None => {
            let name = name.escape_debug();
            return Err(format!("{place}eventName: `{name}` is not a call of S3 that purge-router knows; report it"));
        }
    };
    let key = key_at(message, &format!("{place}requestParameters.key"))?;
    let bucket = bucket_of(record, message, place, buckets)?;
    Ok(S3Event::Changed(Changed::new(bucket, [key.to_owned()], kind, record.string("eventTime"))))
}

/// Whether this is a record of CloudTrail about S3: `s3`, `s3express`, `s3-outposts` and others.
pub(super) fn is_cloudtrail(record: Json<'_>) -> bool {
    let source = record.string("eventSource").unwrap_or_default();
    source.starts_with("s3") && source.ends_with(".amazonaws.com")
}

fn deleted_objects(record: Json<'_>, message: Json<'_>, place: &str, buckets: &mut Buckets) -> Result<S3Event, String> {
    let bucket = bucket_of(record, message, place, buckets)?;
    // Different places list the same objects.
    let mut keys = IndexSet::new();
    for list in LISTS {
        let value = record.get(list).map_or(Value::Null, Value::from);
        collect_keys(&value, &mut keys).map_err(|found| format!("{place}{list}: {found}"))?;
    }
    let named =
        resources(record, "AWS::S3::Object").filter_map(|name| name.strip_prefix(bucket.as_str())?.strip_prefix('/'));
    keys.extend(named.filter(|key| !key.is_empty()).map(str::to_owned));
    if keys.is_empty() {
        return Err(format!(
            "{place}requestParameters: CloudTrail does not say which objects DeleteObjects deleted; let S3 itself \
             notify of deletions (EventBridge's `Object Deleted`, or `s3:ObjectRemoved:*`)"
        ));
    }
    Ok(S3Event::Changed(Changed::new(bucket, keys, ChangeKind::Removed, record.string("eventTime"))))
}

/// The keys in the lists of objects that a value holds, such as `delete.objects` and `deletedObjects`.
fn collect_keys(value: &Value, keys: &mut IndexSet<String>) -> Result<(), String> {
    let Value::Object(fields) = value else { return Ok(()) };
    for (name, value) in fields {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("delete" | "deleteresult" | "deleteobjectsoutput", Value::Object(_)) => collect_keys(value, keys)?,
            ("delete" | "object" | "objects" | "deleted" | "deletedobjects" | "objectidentifiers" | "keys", value) => {
                let one = std::slice::from_ref(value);
                for entry in value.as_array().map_or(one, Vec::as_slice) {
                    keys.extend(key_of(entry)?);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The key of an entry of such a list; `None` for the empty string, which CloudTrail writes for `delete`.
fn key_of(entry: &Value) -> Result<Option<String>, String> {
    let key = entry.as_str().or_else(|| entry["key"].as_str()).or_else(|| entry["Key"].as_str());
    match key {
        Some("") if entry.is_string() => Ok(None),
        Some(key) if !key.is_empty() => Ok(Some(key.to_owned())),
        _ if entry.is_null() => Ok(None),
        _ => Err("an entry of the deleted objects has no key".to_owned()),
    }
}

/// The bucket of the call. A call by an access point may name that instead; then `resources` name the bucket, or objects of
/// it.
fn bucket_of(record: Json<'_>, message: Json<'_>, place: &str, buckets: &mut Buckets) -> Result<BucketName, String> {
    let place = format!("{place}requestParameters.bucketName");
    let named = bucket_at(message, &place, buckets);
    if named.as_ref().is_ok_and(|name| !name.as_str().ends_with(ACCESS_POINT_ALIAS)) {
        return named;
    }
    let of_objects = resources(record, "AWS::S3::Object").filter_map(|object| object.split('/').next());
    let names: BTreeSet<&str> = resources(record, "AWS::S3::Bucket").chain(of_objects).collect();
    match (names.first().map(|name| buckets.parse(name)), names.len()) {
        (Some(Ok(bucket)), 1) => Ok(bucket),
        _ => Err(match named {
            Ok(alias) => access_point(&place, alias.as_str()),
            Err(problem) => match string_at(message, &place) {
                Ok(arn) if arn.starts_with("arn:") => access_point(&place, arn),
                _ => problem,
            },
        }),
    }
}

fn access_point(place: &str, name: &str) -> String {
    format!("{place}: `{}` is an access point, and `resources` name no single bucket", name.escape_debug())
}

/// The resources of a type, as `bucket` or `bucket/key`.
fn resources<'d>(record: Json<'d>, of_type: &str) -> impl Iterator<Item = &'d str> {
    let all = record.get("resources").into_iter().flat_map(Json::elements);
    let of_type = all.filter(move |resource| resource.string("type") == Some(of_type));
    of_type.filter_map(|resource| Some(resource.string("ARN")?.split_once(":s3:::")?.1))
}
