//! Rows of revisions: who pushed what and when.

use purge_router_config::{Partition, RowKey, ranges};
use serde::{Deserialize, Serialize};

use super::snapshot::PushRecord;
use crate::table::{Attributes, Table, TableError, key_attributes, key_of, text};

/// One finished push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number, from 1 on.
    pub revision: u64,
    /// Its other attributes.
    #[serde(flatten)]
    pub record: PushRecord,
}

/// The row of a revision.
pub(super) fn revision_row(partition: &Partition, revision: &Revision) -> Result<Attributes, TableError> {
    let mut item: Attributes =
        serde_dynamo::to_item(revision).map_err(|error| TableError::Refused(error.to_string()))?;
    let key = RowKey::Revision { partition: partition.clone(), revision: revision.revision };
    item.extend(key_attributes(&key));
    Ok(item)
}

/// The newest rows of revisions, the newest first.
pub(super) async fn newest_rows(
    table: &Table,
    partition: &Partition,
    limit: usize,
) -> Result<Vec<Attributes>, TableError> {
    let (first, last) = ranges::REVISIONS;
    let query = table.client.query().table_name(&table.name).consistent_read(true);
    let query = query.key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last");
    let query = query.expression_attribute_values(":pk", text(partition.to_string()));
    let query = query.expression_attribute_values(":first", text(first));
    let query = query.expression_attribute_values(":last", text(last));
    let query = query.scan_index_forward(false).limit(i32::try_from(limit).unwrap_or(i32::MAX));
    let mut items = query.into_paginator().items().send();
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(item) = items.next().await else { break };
        found.push(item.map_err(|error| table.failed(&error))?);
    }
    Ok(found)
}

/// The number of the newest revision, by the key of its row, whatever that says; 0 before the first.
pub(super) async fn newest_revision(table: &Table, partition: &Partition) -> Result<u64, TableError> {
    let newest = newest_rows(table, partition, 1).await?;
    match newest.first().map(key_of) {
        None => Ok(0),
        Some(RowKey::Revision { revision, .. }) => Ok(revision),
        Some(key) => Err(TableError::Refused(format!(
            "the row {key} is not a revision: the number in its key does not have ten digits; delete it"
        ))),
    }
}
