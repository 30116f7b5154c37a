//! How many rows and bytes of one team are read of a bucket.

use purge_router_config::PartitionKey;
use purge_router_core::bounds;

use crate::attributes::{Attributes, key_of, size_of};

/// Counts the rows and bytes of one team after another, up to what a team may have.
#[derive(Default)]
pub(crate) struct RowQuota {
    /// The partition whose rows are counted now.
    partition: Option<PartitionKey>,
    rows: usize,
    bytes: usize,
    /// The partitions with more than that.
    pub(crate) exceeded: Vec<PartitionKey>,
}

impl RowQuota {
    /// Counts a row, and returns whether it is within the quota.
    pub(crate) fn charge(&mut self, item: &Attributes) -> bool {
        let partition = key_of(item).partition();
        if self.partition.as_ref() != Some(&partition) {
            *self = Self { exceeded: std::mem::take(&mut self.exceeded), ..Self::default() };
        }
        let partition = self.partition.get_or_insert(partition);
        if self.exceeded.last() == Some(partition) {
            return false;
        }
        self.rows += 1;
        self.bytes += size_of(item);
        // One more than allowed, so that the reader of the rows reports it.
        let is_within = self.rows <= bounds::MAPPINGS + 1 && self.bytes <= bounds::ROWS;
        if !is_within {
            self.exceeded.push(partition.clone());
        }
        is_within
    }

    /// The partition of the last row, if the rest of it is ignored.
    pub(crate) fn exceeded_now(&self) -> Option<&PartitionKey> {
        self.partition.as_ref().filter(|partition| self.exceeded.last() == Some(partition))
    }
}
