//! One partition as it was read: its rows, and what its last pushes left.

use std::collections::HashMap;

use purge_router_config::{Checksum, Fields, MAX_REVISION, Partition, RowKey, Rows, VERSION, in_file_order};
use purge_router_core::names::TeamName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::table::{Attributes, TableError, fields, key_of};

/// The fields of a push: the row `HEAD` has all of them or none.
const FIELDS_OF_STAMP: [&str; 9] = ["push", "by", "at", "summary", "message", "document", "diff", "approval", "pulled"];

/// A partition as it was when it was read.
#[derive(Debug)]
pub struct PartitionSnapshot {
    /// Which one.
    pub id: Partition,
    /// The last push, or the one in progress.
    pub head: Option<Head>,
    /// Zones and mappings, or grants.
    pub rows: Rows,
    /// What the operator granted the team, as its copy says.
    pub grant: Option<Fields>,
    /// The teams whose copy of their grant is missing or differs from it.
    pub stale_copies: Vec<TeamName>,
    /// The number of the newest revision.
    pub revision: u64,
    /// The rows as they are, `HEAD` included.
    pub(super) as_read: HashMap<RowKey, Attributes>,
}

/// What the partition's row `HEAD` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many pushes there were.
    #[serde(default)]
    pub revision: u64,
    /// The push that made the newest revision.
    #[serde(flatten)]
    pub last: Option<Stamp>,
    /// A push that was started and is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Stamp>,
    /// The checksum of the rows as that push left them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
}

/// Who pushed what, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// A name for this push that no other has.
    pub push: String,
    /// Who: an ARN if AWS knows it.
    pub by: String,
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// What it changed, in short.
    pub summary: String,
    /// Why, in the words of the user who pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The checksum of all rows after it.
    pub document: String,
    /// The checksum of the difference that was to be written when it started.
    #[serde(default)]
    pub diff: String,
    /// The checksum of that and of the differences of other partitions that were approved with it.
    #[serde(default)]
    pub approval: String,
    /// The file that it was pushed from, if that was pulled: [`purge_router_config::Pulled`] as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<String>,
}

impl PartitionSnapshot {
    pub(super) fn empty(id: Partition) -> Self {
        Self {
            id,
            head: None,
            rows: Rows::new(),
            grant: None,
            stale_copies: Vec::new(),
            revision: 0,
            as_read: HashMap::new(),
        }
    }

    /// Adds a row. Rows that users don't edit are neither shown nor removed.
    pub(super) fn add(&mut self, item: Attributes) -> Result<(), TableError> {
        let key = key_of(&item);
        match &key {
            RowKey::Head(_) => self.head = Some(read_head(&self.id, item.clone())?),
            RowKey::GrantCopy(_) => self.grant = Some(content(item.clone())),
            RowKey::Grant(_) | RowKey::Mapping { .. } | RowKey::Zone { .. } => {
                self.rows.insert(key.clone(), content(item.clone()));
            }
            RowKey::Document { .. } | RowKey::Revision { .. } | RowKey::Other { .. } => return Ok(()),
        }
        self.as_read.insert(key, item);
        Ok(())
    }

    /// A push that was started and is not finished.
    pub fn pending(&self) -> Option<&Stamp> {
        self.head.as_ref()?.pending.as_ref()
    }

    /// Whether rows were edited since the last push, or since the one in progress wrote its last ones. Without a head that
    /// is not known.
    pub fn is_edited(&self) -> bool {
        let expected = self.head.as_ref().and_then(|head| match &head.pending {
            Some(_) => head.rows.as_ref(),
            None => head.last.as_ref().map(|last| &last.document),
        });
        expected.is_some_and(|expected| *expected != Checksum::of(&self.rows).to_string())
    }

    /// The rows of later versions, which this release must not overwrite.
    pub fn later_versions(&self) -> impl Iterator<Item = &RowKey> {
        let version = |fields: &Fields| fields.get("version").and_then(Value::as_u64);
        let later = self.rows.iter().filter(move |(_, fields)| version(fields).is_some_and(|it| it > VERSION));
        later.map(|(key, _)| key)
    }
}

pub(super) fn read_head(partition: &Partition, item: Attributes) -> Result<Head, TableError> {
    let unreadable = |error: serde_dynamo::Error| {
        let key = RowKey::Head(partition.clone());
        let help = "fix it, or delete it: the next push writes it";
        TableError::Refused(format!("the row {key} can't be read: {error}; {help}"))
    };
    let head: Head = serde_dynamo::from_item(item.clone()).map_err(unreadable)?;
    check_revision(partition, head.revision)?;
    let has_stamp = || FIELDS_OF_STAMP.iter().any(|field| item.contains_key(*field));
    if head.last.is_none() && (head.pending.is_none() || has_stamp()) {
        // A push that can't be read is no last push to serde, because it is flattened into the row.
        serde_dynamo::from_item::<_, Stamp>(item).map_err(unreadable)?;
    }
    Ok(head)
}

/// Checks that more revisions can follow.
pub(super) fn check_revision(partition: &Partition, revision: u64) -> Result<(), TableError> {
    if revision < MAX_REVISION {
        return Ok(());
    }
    let key = RowKey::Head(partition.clone());
    Err(TableError::Refused(format!(
        "the row {key} says revision {revision}, which is impossible; fix it, or delete it: the next push writes it"
    )))
}

/// What a row says, without its key and the version that this release writes.
fn content(mut item: Attributes) -> Fields {
    item.remove("pk");
    item.remove("sk");
    without_version(fields(item))
}

pub(super) fn without_version(mut fields: Fields) -> Fields {
    if fields.get("version").and_then(Value::as_u64) == Some(VERSION) {
        fields.shift_remove("version");
    }
    in_file_order(fields)
}
