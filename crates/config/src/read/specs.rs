//! The fields of grants, zones, mappings and tests, which are the same in a file and in a row.

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

use purge_router_core::{Code, Invalid};

use crate::format::Field;
use crate::format::tables::{GRANT, MAPPING, SOURCE, TEST, ZONE};
use crate::read::table_reader::TableReader;
use crate::spec::{GrantSpec, MappingSpec, TestSpec, ZoneSpec};

pub(crate) fn grant(reader: &mut TableReader<'_>) -> GrantSpec {
    spec(reader, &GRANT)
}

pub(crate) fn zone(reader: &mut TableReader<'_>) -> ZoneSpec {
    spec(reader, &ZONE)
}

/// A mapping whose source was read already: a file and a row write it differently.
pub(crate) fn mapping(source: Option<String>, reader: &mut TableReader<'_>) -> MappingSpec {
    let mapping = spec(reader, MAPPING.iter().filter(|field| field.name != SOURCE.name));
    MappingSpec { source, ..mapping }
}

pub(crate) fn test(reader: &mut TableReader<'_>) -> TestSpec {
    spec(reader, &TEST)
}

/// Reads the fields of a table, and leaves out what is of the wrong type.
fn spec<S: DeserializeOwned + Default>(
    reader: &mut TableReader<'_>,
    fields: impl IntoIterator<Item = &'static Field>,
) -> S {
    let valid = fields.into_iter().filter_map(|field| reader.field(field).map(|value| (field.name, value)));
    let valid: MapDeserializer<'_, _, serde_json::Error> = MapDeserializer::new(valid);
    S::deserialize(valid).unwrap_or_else(|error| {
        let message = format!("the table can't be read: {error}");
        reader.checker.note_whole(Invalid::new(Code::WrongType, message, "this is a bug: please report it"));
        S::default()
    })
}
