//! Rows as DynamoDB's attributes: keys, JSON values, and sizes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use purge_router_config::{Fields, Row, RowKey};
use purge_router_core::bounds;
use serde_json::Value;

use crate::table_error::TableError;

/// The attributes of a row, keys included.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn key_attributes(key: &RowKey) -> Attributes {
    [("pk".to_owned(), text(key.partition().to_string())), ("sk".to_owned(), text(key.sort()))].into()
}

pub(crate) fn row(mut attributes: Attributes) -> Row {
    let key = key_of(&attributes);
    attributes.remove("pk");
    attributes.remove("sk");
    Row { key, fields: fields(attributes) }
}

/// Attributes as JSON values. Bytes have none and become null, which no field of a mapping may be.
pub(crate) fn fields(attributes: Attributes) -> Fields {
    let value = |value| serde_dynamo::from_attribute_value(value).unwrap_or(Value::Null);
    attributes.into_iter().map(|(name, it)| (name, value(it))).collect()
}

/// JSON values as attributes.
pub(crate) fn attributes(fields: &Fields) -> Result<Attributes, TableError> {
    serde_dynamo::to_item(fields).map_err(|error| TableError::Refused(error.to_string()))
}

pub(crate) fn key_of(item: &Attributes) -> RowKey {
    let text = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).map_or("", String::as_str);
    RowKey::parse(text("pk"), text("sk"))
}

/// About how many bytes a row takes.
pub(crate) fn size_of(item: &Attributes) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// About how many bytes a value takes, overhead included.
fn size(value: &AttributeValue) -> usize {
    let text = match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(size).sum(),
        AttributeValue::M(values) => values.iter().map(|(name, value)| name.len() + size(value)).sum(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().map(|text| bounds::VALUE_OVERHEAD + text.len()).sum()
        }
        AttributeValue::Bs(all) => all.iter().map(|bytes| bounds::VALUE_OVERHEAD + bytes.as_ref().len()).sum(),
        _ => 0,
    };
    bounds::VALUE_OVERHEAD + text
}
