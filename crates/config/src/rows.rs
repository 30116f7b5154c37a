//! Rows of the table that teams edit: where each is, and what it holds as plain values.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use purge_router_core::names::{Hostname, Source, TeamName};

/// The fields of a row or of a table in a mapping file, by name.
pub type Fields = Map<String, Value>;

/// What a team, or the operator, wrote into one partition: fields by sort key, without the version.
pub type Rows = BTreeMap<String, Fields>;

/// The version of the rows that this release reads and writes.
pub(crate) const VERSION: u64 = 1;

/// All fields that grants, zones and mappings may have as rows or in a file, in the order in which a file is best read.
pub const FIELDS: [&str; 30] = [
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
    "include",
    "exclude",
    "events",
    "strip_prefix",
    "add_prefix",
    "index_documents",
    "clean_urls",
    "query_strings",
    "schemes",
    "vary_headers",
    "purge",
    "tags",
    "mode",
    "escalate_above",
];

/// Fields in the order in which a file is best read; those that are none come last, by name.
pub fn in_file_order(fields: Fields) -> Fields {
    let mut sorted: Vec<(String, Value)> = fields.into_iter().collect();
    sorted.sort_by_cached_key(|(name, _)| {
        (FIELDS.iter().position(|known| known == name).unwrap_or(FIELDS.len()), name.clone())
    });
    sorted.into_iter().collect()
}

/// Where a row is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// `GRANTS`, or `TEAM#` and a team's name: the attribute `pk`.
    pub partition: String,
    /// The attribute `sk`.
    pub sort: String,
}

impl RowKey {
    /// The partition that only operators write.
    pub const GRANTS: &'static str = "GRANTS";
    /// What a team's partition begins with.
    pub const TEAM: &'static str = "TEAM#";
    /// What the sort key of a zone begins with.
    pub const ZONE: &'static str = "ZONE#";
    /// What the sort key of a mapping begins with.
    pub const MAPPING: &'static str = "MAPPING#";

    /// A row's key.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }

    /// The partition of a team.
    pub fn partition_of(team: &TeamName) -> String {
        format!("{}{team}", Self::TEAM)
    }

    /// The row of a team's grant.
    pub fn grant(team: &TeamName) -> Self {
        Self::new(Self::GRANTS, team.as_str())
    }

    /// The row of a zone.
    pub fn zone(team: &TeamName, domain: &Hostname) -> Self {
        Self::new(Self::partition_of(team), format!("{}{domain}", Self::ZONE))
    }

    /// The team whose partition this is.
    pub fn team(&self) -> Option<TeamName> {
        TeamName::parse(self.partition.strip_prefix(Self::TEAM)?).ok()
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition, self.sort)
    }
}

/// A row as it is in the table: all attributes but the two keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it is.
    pub key: RowKey,
    /// What it holds.
    pub fields: Fields,
}

/// `source`, as a file has it, in the two attributes of a row: `bucket`, which the table's index is keyed by, and `prefix`.
pub(crate) fn split_source(fields: &mut Fields) {
    let source = fields.get("source").and_then(Value::as_str).and_then(|text| Source::parse(text).ok());
    if let Some(source) = source {
        fields.shift_remove("source");
        fields.insert("bucket".to_owned(), source.bucket.as_str().into());
        fields.insert("prefix".to_owned(), source.prefix.as_str().into());
    }
}

/// The opposite of [`split_source`].
pub(crate) fn join_source(fields: &mut Fields) {
    let Some(source) = source_text(fields) else { return };
    fields.shift_remove("bucket");
    fields.shift_remove("prefix");
    fields.shift_insert(0, "source".to_owned(), source.into());
}

/// What a mapping's row says of its source.
pub(crate) fn source_of(fields: &Fields) -> Option<Source> {
    Source::parse(&source_text(fields)?).ok()
}

pub(crate) fn source_text(fields: &Fields) -> Option<String> {
    let bucket = fields.get("bucket")?.as_str()?;
    let prefix = fields.get("prefix").map_or(Some(""), Value::as_str)?;
    Some(format!("s3://{bucket}/{prefix}"))
}
