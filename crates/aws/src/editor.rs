//! Edits of the table: what a partition holds, and writing a difference so that nobody's edit is lost.

mod document;
mod history;
mod push;
mod read;
mod revisions;
mod row_write;
mod snapshot;
mod stored_checksum;
mod table_editor;
mod transactions;

pub use history::History;
pub use push::{Push, PushDescription, PushError};
pub use revisions::Revision;
pub use snapshot::{Head, PartitionSnapshot, PushRecord};
pub use table_editor::Editor;
