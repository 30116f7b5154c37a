//! What teams and operators write: mapping files, rows of the table, and edits of both.
//!
//! [`from_toml`] and [`from_rows`] turn either into [`Mappings`](purge_router_core::Mappings). A file is refused with all its
//! problems at once; a row that is wrong is skipped, with the mappings that need it. [`Diff`] is what an edit changes.

mod document;
mod edit;
mod file;
mod problem;
mod read;
mod rows;
pub mod script_env;

pub use edit::{Changed, Checksum, Diff, Excess, FieldChange, Write, checksum_of_texts, rows_of, written};
pub use file::{FileOfTeam, MappingFile, Pulled, TeamTables, to_toml};
pub use problem::{Place, Problem, Step};
pub use read::from_toml;
pub use read::rows::{Skipped, check_cross_team, from_rows, grants_of, needs_of, zones_within};
pub use rows::{FIELDS, Fields, Row, RowKey, Rows, in_file_order};
