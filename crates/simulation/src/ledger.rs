//! What the function did in a run, as a text that a person can compare: counts, sums, and digests of all the rest.
//!
//! Checks say what must hold. A ledger says what happens: whatever changes a size, a wait, a count or a log line changes
//! the ledger of a scenario that gets there.

mod counts;
mod log_lines;
mod metric_sums;
mod recording;
mod text;

pub use recording::Recording;
pub use text::ledger;
