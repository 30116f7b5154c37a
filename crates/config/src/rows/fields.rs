//! What rows hold, as plain values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use purge_router_core::names::Source;

use crate::rows::row_key::RowKey;

/// The fields of a row, or of a table in a mapping file, by name.
pub type Fields = Map<String, Value>;

/// The zones, mappings and tests of one team, or the grants of all teams, as they are or shall be in the table. Fields are
/// without the version. They may be invalid, of the wrong type or unknown: an edit must show, keep and restore them as
/// they are.
pub type Rows = BTreeMap<RowKey, Fields>;

/// A row as it is in the table.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Row {
    /// From the attributes `pk` and `sk`.
    pub key: RowKey,
    /// All other attributes, the version included.
    pub fields: Fields,
}

/// The version of files and rows that this release reads and writes.
pub const VERSION: u64 = 1;

/// All fields that grants, zones, mappings and tests may have, as rows or in a file, in the order in which they are written.
pub const FIELDS: [&str; 46] = [
    "version",
    "owns",
    "tokens",
    "accounts",
    "kms_key",
    "source",
    "bucket",
    "prefix",
    "zones",
    "zone_id",
    "hostnames",
    "custom_hostnames",
    "plan",
    "account_id",
    "token",
    "urls_per_request",
    "environments",
    "cache_reserve",
    "workers_caching",
    "include",
    "exclude",
    "events",
    "strip_prefix",
    "add_prefix",
    "path_rewrite",
    "index_documents",
    "clean_urls",
    "spellings",
    "query_strings",
    "schemes",
    "vary_headers",
    "also",
    "listings",
    "purge",
    "tags",
    "mode",
    "escalate_above",
    "escalate_after",
    "again_after",
    "verify",
    "skip_unchanged",
    "object",
    "event",
    "purges",
    "not_purges",
    "unmatched",
];

/// Sorts fields as [`FIELDS`] is; fields that are not listed there come last, by name.
pub fn in_file_order(fields: Fields) -> Fields {
    let mut sorted: Vec<(String, Value)> = fields.into_iter().collect();
    sorted.sort_by_cached_key(|(name, _)| {
        (FIELDS.iter().position(|known| known == name).unwrap_or(FIELDS.len()), name.clone())
    });
    sorted.into_iter().collect()
}

/// Replaces `source` by the two attributes of a row: `bucket`, which the table's index is keyed by, and `prefix`.
pub(crate) fn split_source(fields: &mut Fields) {
    let source = fields.get("source").and_then(Value::as_str).and_then(|text| Source::parse(text).ok());
    if let Some(source) = source {
        fields.shift_remove("source");
        fields.insert("bucket".to_owned(), source.bucket.as_str().into());
        fields.insert("prefix".to_owned(), source.prefix.as_str().into());
    }
}

/// Undoes [`split_source`].
pub(crate) fn join_source(fields: &mut Fields) {
    let Some(source) = source_text(fields) else { return };
    fields.shift_remove("bucket");
    fields.shift_remove("prefix");
    fields.shift_insert(0, "source".to_owned(), source.into());
}

/// The source of a mapping's row; `None` if it has none that is valid.
pub(crate) fn source_of(fields: &Fields) -> Option<Source> {
    Source::parse(&source_text(fields)?).ok()
}

/// The source of a mapping's row, valid or not; `None` if `bucket` is missing, or one of the two is not a string.
pub(crate) fn source_text(fields: &Fields) -> Option<String> {
    let bucket = value_of(fields, "bucket")?.as_str()?;
    let prefix = value_of(fields, "prefix").map_or(Some(""), Value::as_str)?;
    Some(["s3://", bucket, "/", prefix].concat())
}

/// The value of a field. A row has few, so comparing their names takes less time than the hash of one.
pub(crate) fn value_of<'f>(fields: &'f Fields, name: &str) -> Option<&'f Value> {
    fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
}
