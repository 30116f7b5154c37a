//! Reading partitions of the table.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_config::{Fields, Partition, Row, RowKey, ranges};
use purge_router_core::names::TeamName;

use super::revisions::newest_revision;
use super::snapshot::{Head, PartitionSnapshot, check_revision, read_head, without_version};
use super::table_editor::Editor;
use crate::table::{TableError, key_attributes, row};

/// How many partitions are read at once.
const CONCURRENT_READS: usize = 16;

impl Editor {
    /// A team's partition, as it is now.
    ///
    /// # Errors
    /// [`TableError`]
    pub async fn team(&self, team: &TeamName) -> Result<PartitionSnapshot, TableError> {
        // `HEAD` is read before mappings and zones, so that a push that starts later is noticed.
        self.partition(Partition::Team(team.clone()), &ranges::TEAM).await
    }

    /// The partition of all grants, as it is now.
    ///
    /// # Errors
    /// [`TableError`]
    pub async fn grants(&self) -> Result<PartitionSnapshot, TableError> {
        let mut grants = self.partition(Partition::Grants, &ranges::GRANTS).await?;
        let teams: Vec<TeamName> = grants.rows.keys().filter_map(RowKey::team).collect();
        let copies = self.table.rows(teams.iter().cloned().map(RowKey::GrantCopy)).await?;
        let copies: HashMap<RowKey, Fields> = copies.into_iter().map(|row| (row.key, row.fields)).collect();
        let is_stale = |team: &TeamName| {
            let copy = copies.get(&RowKey::GrantCopy(team.clone())).cloned().map(without_version);
            copy.as_ref() != grants.rows.get(&RowKey::Grant(team.clone()))
        };
        grants.teams_with_stale_copy = teams.into_iter().filter(is_stale).collect();
        Ok(grants)
    }

    /// All rows that the function might read: every grant, zone and mapping, and what else the index holds; and all tests.
    ///
    /// # Errors
    /// [`TableError`]
    pub async fn all_rows(&self) -> Result<Vec<Row>, TableError> {
        let mut rows = self.rows_between(&Partition::Grants, &ranges::GRANTS).await?;
        rows.retain(|row| !matches!(row.key, RowKey::Head(_)));
        let teams: Vec<TeamName> = rows.iter().filter_map(|row| row.key.team()).collect();
        let reads = teams
            .into_iter()
            .map(|team| async { self.rows_between(&Partition::Team(team), &ranges::EXCEPT_HISTORY).await });
        let of_teams: Vec<Vec<Row>> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let is_read = |row: &Row| {
            let is_known = matches!(row.key, RowKey::Zone { .. } | RowKey::Mapping { .. } | RowKey::Test { .. });
            is_known || row.fields.contains_key("bucket")
        };
        rows.extend(of_teams.into_iter().flatten().filter(is_read));
        Ok(rows)
    }

    async fn rows_between(&self, partition: &Partition, ranges: &[(&str, &str)]) -> Result<Vec<Row>, TableError> {
        let mut rows = Vec::new();
        for (from, to) in ranges {
            rows.extend(self.table.between(&partition.to_string(), from, to).await?.into_iter().map(row));
        }
        Ok(rows)
    }

    async fn partition(&self, partition: Partition, ranges: &[(&str, &str)]) -> Result<PartitionSnapshot, TableError> {
        let mut snapshot = PartitionSnapshot::empty(partition);
        for (from, to) in ranges {
            for item in self.table.between(&snapshot.partition.to_string(), from, to).await? {
                snapshot.add(item)?;
            }
        }
        snapshot.revision = match &snapshot.head {
            Some(head) => head.revision,
            // Perhaps somebody deleted it; the history continues without it.
            None => newest_revision(&self.table, &snapshot.partition).await?,
        };
        check_revision(&snapshot.partition, snapshot.revision)?;
        Ok(snapshot)
    }

    /// The row `HEAD` of a partition, as it is now.
    pub(super) async fn head(&self, partition: &Partition) -> Result<Option<Head>, TableError> {
        let key = key_attributes(&RowKey::Head(partition.clone()));
        let get = self.table.client.get_item().table_name(&self.table.name).set_key(Some(key)).consistent_read(true);
        let answer = get.send().await.map_err(|error| self.table.failed(&error))?;
        answer.item.map(|item| read_head(partition, item)).transpose()
    }
}
