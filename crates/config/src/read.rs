//! The decoding of TOML and of plain values into specs: every problem is noted, and none stops the reading.

pub(crate) mod plain_value;
pub(crate) mod specs;
pub(crate) mod table_reader;
pub(crate) mod toml_document;
mod toml_line;
pub(crate) mod version;
