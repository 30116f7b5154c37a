//! What teams and operators write: mapping files, rows of the table, and edits of both.
//!
//! A file or rows are decoded into specs, and one validation turns specs into
//! [`Mappings`](purge_router_core::Mappings): [`from_toml`] refuses a file with all its problems at once, and
//! [`from_rows`] skips a wrong row and the mappings that need it.
//! Tests say what mappings must purge, and [`run_tests`] runs them. [`json_schema`] is what editors check a file with.
//! [`Diff`] is what an edit changes, and [`ProposedPush`] decides whether that may be written.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::expect_used))]

mod decoded;
mod edit;
mod file;
mod format;
mod lint;
mod mapping_test;
mod path;
mod problem;
mod read;
mod rows;
pub mod script_env;
mod spec;
mod validate;

pub use edit::approval::{ApprovalState, ApprovedDiff, StartedPush, approval_checksum, check_approval};
pub use edit::assign_row_keys::assign_row_keys;
pub use edit::checksum::{Checksum, NotAChecksum};
pub use edit::diff::{Changed, Diff, FieldChange};
pub use edit::large_change::{LargeChange, RowKind};
pub use edit::policy::{LastPush, Objection, ProposedPush, Stale};
pub use edit::write::{Write, apply_writes};
pub use file::located_warning::LocatedWarning;
pub use file::mapping_file::{MappingFile, from_toml};
pub use file::pulled::Pulled;
pub use file::to_toml::{FileOfTeam, NotInToml, to_toml};
pub use file::validate::Checked;
pub use format::json_schema::json_schema;
pub use lint::{Warning, warnings};
pub use mapping_test::MappingTest;
pub use mapping_test::run::{TestResult, name_mappings, run_tests};
pub use path::{ConfigPath, PathStep};
pub use problem::Problem;
pub use rows::check_rows::check_rows;
pub use rows::fields::{FIELDS, Fields, Row, Rows, VERSION, in_file_order};
pub use rows::from_rows::{Skipped, from_rows};
pub use rows::needs::{grants_of, needs_of, zones_within};
pub use rows::read_tests::tests_of_rows;
pub use rows::row_key::{MAX_PART, MAX_REVISION, Partition, PartitionKey, RowKey, ranges};
pub use rows::team_tables::TeamTables;
pub use spec::{GrantSpec, MappingSpec, QueryStringsSpec, TeamSpec, TestSpec, ZoneSpec};
pub use validate::cross_team::check_cross_team;
