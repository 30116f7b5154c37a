//! Rows as specs: the fields of a file, with a version, and with `bucket` and `prefix` for `source`.

use purge_router_core::{Code, Invalid};

use crate::decoded::Decoded;
use crate::path::ConfigPath;
use crate::read::specs;
use crate::read::table_reader::TableReader;
use crate::rows::fields::{Fields, VERSION};
use crate::rows::row_key::RowKey;
use crate::spec::{GrantSpec, MappingSpec, ZoneSpec};

pub(crate) fn decode_grant(key: &RowKey, fields: &Fields) -> Decoded<GrantSpec> {
    decode(key, fields, specs::grant)
}

pub(crate) fn decode_zone(key: &RowKey, fields: &Fields) -> Decoded<ZoneSpec> {
    decode(key, fields, specs::zone)
}

pub(crate) fn decode_mapping(key: &RowKey, fields: &Fields) -> Decoded<MappingSpec> {
    decode(key, fields, |reader| {
        let (bucket, prefix) = (reader.string("bucket"), reader.string("prefix"));
        let source = if reader.checker.is_wrong("bucket") || reader.checker.is_wrong("prefix") {
            reader.checker.mark_wrong("source");
            None
        } else {
            bucket.map(|bucket| format!("s3://{bucket}/{}", prefix.unwrap_or_default()))
        };
        specs::mapping(source, reader)
    })
}

fn decode<S>(key: &RowKey, fields: &Fields, spec: impl FnOnce(&mut TableReader<'_>) -> S) -> Decoded<S> {
    let mut reader = TableReader::new(fields, ConfigPath::row(key));
    let spec = match is_of_this_version(&mut reader) {
        true => Some(spec(&mut reader)),
        false => {
            reader.skip_rest();
            None
        }
    };
    reader.finish(spec)
}

/// Whether the row is of this version, or of none: another version's fields may mean something else.
fn is_of_this_version(reader: &mut TableReader<'_>) -> bool {
    let version = reader.number("version", 0..=u32::MAX as usize);
    match version {
        Some(version) if version as u64 != VERSION => {
            let message = format!("unknown version {version}; this release reads version {VERSION}");
            let help = "use a release that reads it, or fix the row";
            reader.checker.note("version", Invalid::new(Code::UnknownVersion, message, help));
            false
        }
        _ => !reader.checker.is_wrong("version"),
    }
}
