//! What an edit changes: rows before and after, their difference, the order in which it is written, and whether it may be.

pub(crate) mod assign_row_keys;
pub(crate) mod checksum;
pub(crate) mod diff;
pub(crate) mod large_change;
pub(crate) mod policy;
pub(crate) mod safe_order;
pub(crate) mod write;

#[cfg(test)]
mod tests;
