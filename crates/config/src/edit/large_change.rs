//! Whether an edit changes or removes more than edits usually do.

use std::fmt;

use crate::edit::diff::Diff;
use crate::rows::fields::Rows;
use crate::rows::row_key::RowKey;

/// The share of a team's zones or mappings, in percent, that an edit may change or remove without an objection.
const USUAL_PERCENT: usize = 30;

/// An edit that changes or removes more rows of a kind than edits usually do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeChange {
    /// The kind of the rows that are counted.
    pub kind: RowKind,
    /// The number of rows that are changed or removed.
    pub touched: usize,
    /// The number of rows before the edit.
    pub of: usize,
}

/// The rows that users edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A row `MAPPING#…` in a team's partition.
    Mapping,
    /// A row `ZONE#…` in a team's partition.
    Zone,
    /// A row `TEST#…` in a team's partition.
    Test,
    /// A row of the partition `GRANTS`.
    Grant,
}

impl RowKind {
    const ALL: [Self; 4] = [Self::Mapping, Self::Zone, Self::Test, Self::Grant];

    /// What the row of this key holds; `None` if users don't edit it.
    pub fn of(key: &RowKey) -> Option<Self> {
        match key {
            RowKey::Mapping { .. } => Some(Self::Mapping),
            RowKey::Zone { .. } => Some(Self::Zone),
            RowKey::Test { .. } => Some(Self::Test),
            RowKey::Grant(_) => Some(Self::Grant),
            _ => None,
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mapping => "mapping",
            Self::Zone => "zone",
            Self::Test => "test",
            Self::Grant => "grant",
        })
    }
}

impl Diff {
    /// The first kind of row with more than 30 % of its rows, and more than one, changed or removed. One row is never
    /// too many, because most teams are small. Removing all rows of a kind, with none added, is always a large change.
    pub fn large_change(&self, before: &Rows) -> Option<LargeChange> {
        RowKind::ALL.into_iter().find_map(|kind| {
            let is_of_kind = |key: &&RowKey| RowKind::of(key) == Some(kind);
            let removed = self.removed.keys().filter(is_of_kind).count();
            let touched = removed + self.changed.keys().filter(is_of_kind).count();
            let of = before.keys().filter(is_of_kind).count();
            let is_emptied = of > 0 && removed == of && !self.added.keys().any(|key| is_of_kind(&key));
            let is_large = touched > 1 && touched * 100 > of * USUAL_PERCENT;
            (is_large || is_emptied).then_some(LargeChange { kind, touched, of })
        })
    }
}
