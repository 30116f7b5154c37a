//! Rows as specs: the fields of a file, with a version, and with `bucket` and `prefix` for `source`.

use crate::decoded::Decoded;
use crate::path::ConfigPath;
use crate::read::specs;
use crate::read::table_reader::TableReader;
use crate::read::version::is_readable;
use crate::rows::fields::Fields;
use crate::rows::row_key::RowKey;
use crate::spec::{GrantSpec, MappingSpec, TestSpec, ZoneSpec};

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
            bucket.map(|bucket| ["s3://", bucket, "/", prefix.unwrap_or_default()].concat())
        };
        specs::mapping(source, reader)
    })
}

pub(crate) fn decode_test(key: &RowKey, fields: &Fields) -> Decoded<TestSpec> {
    decode(key, fields, specs::test)
}

fn decode<S>(key: &RowKey, fields: &Fields, spec: impl FnOnce(&mut TableReader<'_>) -> S) -> Decoded<S> {
    let mut reader = TableReader::new(fields, ConfigPath::row(key));
    let is_readable = is_readable(&mut reader).unwrap_or(!reader.checker.is_wrong("version"));
    if !is_readable {
        reader.skip_rest();
    }
    let spec = is_readable.then(|| spec(&mut reader));
    reader.finish(spec)
}
