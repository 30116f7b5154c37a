//! Rows of the table: their keys and fields, and the mappings and tests that they say.

pub(crate) mod check_rows;
pub(crate) mod decode;
pub(crate) mod fields;
pub(crate) mod from_rows;
pub(crate) mod needs;
pub(crate) mod read_tests;
pub(crate) mod row_key;
pub(crate) mod team_tables;
