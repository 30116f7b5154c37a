//! The version of a file or a row: another version's fields may mean something else, so they are not read.

use purge_router_core::{Code, Invalid};

use crate::read::table_reader::TableReader;
use crate::rows::fields::VERSION;

/// Reads the field `version`: whether this release reads the table; `None` if no valid version is there.
pub(crate) fn is_readable(reader: &mut TableReader<'_>) -> Option<bool> {
    let version = reader.number("version", 0..=u32::MAX as usize)? as u64;
    if version != VERSION {
        let message = format!("unknown version {version}; this release reads version {VERSION}");
        let help = "use a release that reads it, or correct the version";
        reader.checker.note("version", Invalid::new(Code::UnknownVersion, message, help));
    }
    Some(version == VERSION)
}
