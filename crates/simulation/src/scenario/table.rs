//! The table of mappings over time: its rows, and when DynamoDB has trouble.

use serde_json::Value;

use crate::clock::SimTime;

/// The table of mappings over time.
#[derive(Debug, Default)]
pub(crate) struct MappingTable {
    pub(crate) rows: Vec<TableRow>,
    /// When calls are throttled or slow.
    pub(crate) bursts: Vec<(SimTime, SimTime)>,
}

/// A row, while it is there.
#[derive(Debug)]
pub(crate) struct TableRow {
    pub(crate) partition: String,
    pub(crate) sort: String,
    /// The bucket of a mapping.
    pub(crate) bucket: Option<String>,
    /// As the API shows it, keys included.
    pub(crate) item: Value,
    pub(crate) in_table: Lifetime,
    pub(crate) in_index: Lifetime,
}

/// From when until when a row is seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lifetime {
    pub(super) from: SimTime,
    pub(super) until: Option<SimTime>,
}

impl Lifetime {
    pub(crate) fn has(self, time: SimTime) -> bool {
        self.from <= time && self.until.is_none_or(|until| time < until)
    }
}
