//! One partition as it was read: its rows, and what its last pushes left.

use std::collections::HashMap;

use purge_router_config::{Checksum, Fields, MAX_REVISION, Partition, RowKey, Rows, VERSION, in_file_order};
use purge_router_core::names::TeamName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::table::{Attributes, TableError, fields, key_of};

/// The attributes of a [`PushRecord`], with which it is flattened into the row `HEAD`.
const FIELDS_OF_RECORD: [&str; 9] =
    ["push", "by", "at", "summary", "message", "document", "diff", "approval", "pulled"];

/// A partition as it was when it was read.
#[derive(Debug)]
pub struct PartitionSnapshot {
    /// The grants, or the zones, mappings and tests of one team.
    pub partition: Partition,
    /// The row `HEAD`; `None` before the first push, or if the row was deleted.
    pub head: Option<Head>,
    /// Zones, mappings and tests, or grants.
    pub rows: Rows,
    /// The copy of its grant that a team's partition holds.
    pub grant_copy: Option<Fields>,
    /// Of the partition of grants: the teams whose copy of their grant is missing or differs from it.
    pub teams_with_stale_copy: Vec<TeamName>,
    /// The newest revision; 0 before the first push.
    pub revision: u64,
    /// All attributes of `rows`, `HEAD` and the copy of the grant: a push is conditional on them.
    pub(super) attributes: HashMap<RowKey, Attributes>,
}

/// The row `HEAD` of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The newest revision, which is the number of finished pushes.
    #[serde(default)]
    pub revision: u64,
    /// The push that made the newest revision.
    #[serde(flatten)]
    pub last: Option<PushRecord>,
    /// A push that was started and is not finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PushRecord>,
    /// The checksum of the rows after the last transaction of the pending push.
    #[serde(default, rename = "rows", skip_serializing_if = "Option::is_none", with = "super::stored_checksum")]
    pub rows_of_pending: Option<Checksum>,
}

/// What the table says about one push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRecord {
    /// A random id.
    #[serde(rename = "push")]
    pub id: String,
    /// The user who pushed: an ARN if AWS knows it.
    pub by: String,
    /// The time at which the push was prepared, as RFC 3339 in UTC.
    pub at: String,
    /// The number of changes, such as `2 added, 1 changed`.
    pub summary: String,
    /// The reason for the push, if its user gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The checksum of all rows after the push.
    #[serde(rename = "document", with = "super::stored_checksum")]
    pub rows_after: Option<Checksum>,
    /// The checksum of the difference when the push was started; `None` if there was none.
    #[serde(default, with = "super::stored_checksum")]
    pub diff: Option<Checksum>,
    /// The checksum of all differences that were approved together, in this partition and in others.
    #[serde(default, with = "super::stored_checksum")]
    pub approval: Option<Checksum>,
    /// The `pulled` line of the file that was pushed: the text of [`purge_router_config::Pulled`], unless somebody
    /// edited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<String>,
}

impl PartitionSnapshot {
    pub(super) fn empty(partition: Partition) -> Self {
        Self {
            partition,
            head: None,
            rows: Rows::new(),
            grant_copy: None,
            teams_with_stale_copy: Vec::new(),
            revision: 0,
            attributes: HashMap::new(),
        }
    }

    /// Adds a row. Rows that users don't edit are neither shown nor removed.
    pub(super) fn add(&mut self, item: Attributes) -> Result<(), TableError> {
        let key = key_of(&item);
        match &key {
            RowKey::Head(_) => self.head = Some(read_head(&self.partition, item.clone())?),
            RowKey::GrantCopy(_) => self.grant_copy = Some(content(item.clone())),
            RowKey::Grant(_) | RowKey::Mapping { .. } | RowKey::Test { .. } | RowKey::Zone { .. } => {
                self.rows.insert(key.clone(), content(item.clone()));
            }
            RowKey::Document { .. } | RowKey::Revision { .. } | RowKey::Other { .. } => return Ok(()),
        }
        self.attributes.insert(key, item);
        Ok(())
    }

    /// A push that was started and is not finished.
    pub fn pending(&self) -> Option<&PushRecord> {
        self.head.as_ref()?.pending.as_ref()
    }

    /// Whether rows were edited since the last push, or since the one in progress wrote its last ones. Without a head
    /// that is not known.
    pub fn is_edited(&self) -> bool {
        let Some(head) = &self.head else { return false };
        // An unreadable checksum counts as an edit, because a push has not written it.
        match (&head.pending, &head.last) {
            (Some(_), _) => head.rows_of_pending != Some(Checksum::of(&self.rows)),
            (None, Some(last)) => last.rows_after != Some(Checksum::of(&self.rows)),
            (None, None) => false,
        }
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
    let has_record = || FIELDS_OF_RECORD.iter().any(|field| item.contains_key(*field));
    if head.last.is_none() && (head.pending.is_none() || has_record()) {
        // Serde reads a damaged record as `None`, because it is flattened into the row. Read alone, it gives the error.
        serde_dynamo::from_item::<_, PushRecord>(item).map_err(unreadable)?;
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
