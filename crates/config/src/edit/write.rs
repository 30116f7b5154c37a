//! Single rows to be written.

use crate::rows::fields::{Fields, Rows};
use crate::rows::row_key::RowKey;

/// One row to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The row's key.
    pub key: RowKey,
    /// What it must hold until then; `None`: there is no such row.
    pub before: Option<Fields>,
    /// What it holds from then on; `None`: it is removed.
    pub after: Option<Fields>,
}

/// Rows after some writes.
pub fn apply_writes(mut rows: Rows, writes: &[Write]) -> Rows {
    for Write { key, after, .. } in writes {
        match after {
            Some(fields) => rows.insert(key.clone(), fields.clone()),
            None => rows.remove(key),
        };
    }
    rows
}
