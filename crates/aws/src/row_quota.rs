//! How many rows and bytes of one team are read of a bucket.

use purge_router_core::bounds;

use crate::attributes::{Attributes, key_of, size_of};

/// Counts the rows and bytes of one team after another, up to what a team may have.
#[derive(Default)]
pub(crate) struct RowQuota {
    pub(crate) partition: String,
    rows: usize,
    bytes: usize,
    /// The partitions with more than that.
    pub(crate) exceeded: Vec<String>,
}

impl RowQuota {
    /// Counts a row, and returns whether it is within the quota.
    pub(crate) fn charge(&mut self, item: &Attributes) -> bool {
        let partition = key_of(item).partition();
        if partition != self.partition {
            *self = Self { partition, exceeded: std::mem::take(&mut self.exceeded), ..Self::default() };
        }
        if self.is_exceeded() {
            return false;
        }
        self.rows += 1;
        self.bytes += size_of(item);
        // One more than allowed, so that the reader of the rows reports it.
        let is_within = self.rows <= bounds::MAPPINGS + 1 && self.bytes <= bounds::ROWS;
        if !is_within {
            self.exceeded.push(self.partition.clone());
        }
        is_within
    }

    /// Whether the current team's other rows are ignored.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded.last() == Some(&self.partition)
    }
}
