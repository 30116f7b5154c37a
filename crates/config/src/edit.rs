//! What an edit changes: the difference of rows before and after, the order in which it is written, and whether it may
//! be written.

pub(crate) mod approval;
pub(crate) mod assign_row_keys;
pub(crate) mod checksum;
pub(crate) mod diff;
pub(crate) mod large_change;
pub(crate) mod policy;
pub(crate) mod safe_order;
pub(crate) mod write;

#[cfg(test)]
mod tests;
