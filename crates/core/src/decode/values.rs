//! Reads JSON values, and says what is wrong with them.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The string at a place such as `s3.object.key`, or what is wrong there.
pub(super) fn string_at<'v>(value: &'v Value, place: &str) -> Result<&'v str, String> {
    match place.split('.').try_fold(value, |value, field| value.get(field)) {
        Some(Value::String(string)) => Ok(string),
        None | Some(Value::Null) => Err(format!("{place}: missing")),
        Some(other) => Err(format!("{place}: expected a string, found {}", kind_and_value(other))),
    }
}

/// What a value is, with its start, such as `the number 7`.
pub(super) fn kind_and_value(value: &Value) -> String {
    let article = match value {
        Value::Null => return "null".to_owned(),
        Value::Array(_) | Value::Object(_) => "an",
        _ => "the",
    };
    format!("{article} {} {}", kind_of(value), excerpt(&value.to_string()))
}

/// What an object without a known shape is: the names of its first fields.
pub(super) fn fields_of(fields: &Map<String, Value>) -> String {
    if fields.is_empty() {
        return "an empty JSON object".to_owned();
    }
    let names: Vec<_> = fields.keys().take(6).map(|name| format!("`{}`", name.escape_debug())).collect();
    format!("a JSON object with {}", names.join(", "))
}

/// The message at a place: a string, or an object or an array that an input transformer parsed.
pub(super) fn message_at<'v>(value: &'v Value, place: &str) -> Result<Cow<'v, str>, String> {
    match place.split('.').try_fold(value, |value, field| value.get(field)) {
        Some(parsed @ (Value::Object(_) | Value::Array(_))) => Ok(Cow::Owned(parsed.to_string())),
        _ => string_at(value, place).map(Cow::Borrowed),
    }
}

/// The start of a string on one line, for messages.
pub(super) fn excerpt(string: &str) -> String {
    string.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What a string is that can't be read as JSON.
pub(super) fn not_json(json: &str, error: &serde_json::Error) -> String {
    if json.trim().is_empty() {
        return "only white space".to_owned();
    }
    format!("text that is not JSON ({error}), beginning with `{}`", excerpt(json))
}
