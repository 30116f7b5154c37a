//! The history of a partition: who pushed what and when, and the rows as they were after each push.

use purge_router_config::{MAX_PART, Partition, RowKey, Rows};

use super::document::unpack;
use super::revisions::{Revision, newest_rows};
use super::table_editor::Editor;
use crate::table::{TableError, key_of};

/// The last pushes of a partition.
#[derive(Debug, Default)]
pub struct History {
    /// The pushes, the newest first.
    pub revisions: Vec<Revision>,
    /// What is wrong with rows that can't be read.
    pub unreadable: Vec<String>,
}

impl Editor {
    /// The last pushes of a partition, the newest first, and which of them can't be read.
    ///
    /// # Errors
    /// [`TableError`]
    pub async fn history(&self, partition: &Partition, limit: usize) -> Result<History, TableError> {
        let mut history = History::default();
        for item in newest_rows(&self.table, partition, limit).await? {
            let key = key_of(&item);
            match serde_dynamo::from_item(item) {
                Ok(revision) => history.revisions.push(revision),
                Err(error) => {
                    history.unreadable.push(format!("the row {key} can't be read: {error}; fix it, or delete it"));
                }
            }
        }
        Ok(history)
    }

    /// The rows of a partition as they were after a push; `None` if there was no such push.
    ///
    /// # Errors
    /// [`TableError`]
    pub async fn document(&self, partition: &Partition, revision: u64) -> Result<Option<Rows>, TableError> {
        let sort = |part| RowKey::Document { partition: partition.clone(), revision, part }.sort();
        let parts = self.table.between(&partition.to_string(), &sort(0), &sort(MAX_PART)).await?;
        if parts.is_empty() {
            return Ok(None);
        }
        unpack(partition, revision, &parts).map(Some)
    }
}
