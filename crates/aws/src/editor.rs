//! Edits of the table: what a partition holds, and writing a difference so that nobody's edit is lost.

mod document;
mod history;
mod push;
mod reading;
mod revisions;
mod snapshot;
mod steps;
mod transaction;

pub use history::History;
pub use push::{Note, Push, PushError};
pub use reading::Editor;
pub use revisions::Revision;
pub use snapshot::{Head, PartitionSnapshot, Stamp};
