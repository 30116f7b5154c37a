//! The format as a JSON schema, with which editors complete and check mapping files.
//!
//! It is of draft 7, the newest that Taplo and Even Better TOML read. It accepts all that the reader accepts, and more: what
//! depends on several fields, such as who owns a bucket, only `check` knows.

use serde_json::{Map, Value, json};

use purge_router_core::SampleRate;

use crate::format::tables::FILE;
use crate::format::{Field, Strings, ValueType, Words};
use crate::rows::fields::VERSION;

/// The JSON schema of mapping files.
pub fn json_schema() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A mapping file of purge-router",
    });
    if let Value::Object(schema) = &mut schema {
        schema.extend(table(&FILE));
    }
    schema
}

/// A table with these fields and no others.
fn table(fields: &[Field]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), property(field).into())).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut table = Map::new();
    table.insert("type".to_owned(), "object".into());
    table.insert("properties".to_owned(), properties.into());
    table.insert("required".to_owned(), required.into());
    table.insert("additionalProperties".to_owned(), false.into());
    table
}

fn property(field: &Field) -> Map<String, Value> {
    let mut property = Map::new();
    property.insert("description".to_owned(), field.doc.into());
    if let Ok(default) = serde_json::from_str::<Value>(field.default) {
        property.insert("default".to_owned(), default);
    }
    if let Value::Object(value) = value(&field.value) {
        property.extend(value);
    }
    property
}

fn value(value: &ValueType) -> Value {
    match value {
        ValueType::Version => json!({ "const": VERSION }),
        ValueType::Boolean => json!({ "type": "boolean" }),
        ValueType::Integer(range) => json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() }),
        ValueType::Share => {
            json!({ "anyOf": [{ "const": 0 }, { "type": "number", "minimum": SampleRate::LEAST, "maximum": 1 }] })
        }
        ValueType::String | ValueType::Time => json!({ "type": "string" }),
        ValueType::Word(words) => word(*words),
        ValueType::Strings(strings) => array(strings),
        ValueType::StringsOr(strings, word) => json!({ "anyOf": [{ "const": word }, array(strings)] }),
        ValueType::HeaderSets(max) => {
            let headers = json!({ "type": "object", "additionalProperties": { "type": "string" } });
            json!({ "type": "array", "items": headers, "maxItems": max })
        }
        ValueType::Tables(of) => json!({ "type": "object", "additionalProperties": table(of) }),
        ValueType::TableArray(of) => json!({ "type": "array", "items": table(of) }),
    }
}

fn word(words: Words) -> Value {
    json!({ "type": "string", "enum": words() })
}

fn array(Strings { max, max_bytes, is_filled, words }: &Strings) -> Value {
    let item = match (words, max_bytes) {
        (Some(words), _) => word(*words),
        // The schema counts characters, of which a string has no more than bytes.
        (None, Some(max_bytes)) => json!({ "type": "string", "maxLength": max_bytes }),
        (None, None) => json!({ "type": "string" }),
    };
    let mut array = Map::new();
    array.insert("type".to_owned(), "array".into());
    array.insert("items".to_owned(), item);
    array.extend(is_filled.then(|| ("minItems".to_owned(), 1.into())));
    array.extend(max.map(|max| ("maxItems".to_owned(), max.into())));
    array.into()
}
