//! Writes of single rows, each on the condition that the row is what the edit saw.

use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// A write that puts or deletes one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Which row.
    pub key: RowKey,
    /// The fields that the row must have, or the write fails; `None`: the row must not exist.
    pub before: Option<Fields>,
    /// The fields to put; `None`: the row is deleted.
    pub after: Option<Fields>,
}

/// The rows after these writes, without a check of what was there before.
pub fn apply_writes(mut rows: Rows, writes: &[Write]) -> Rows {
    for Write { key, after, .. } in writes {
        match after {
            Some(fields) => rows.insert(key.clone(), fields.clone()),
            None => rows.remove(key),
        };
    }
    rows
}
