//! Reads JSON values, and says what is wrong with them.

use std::borrow::Cow;

use serde_json::Value;

use crate::decode::json::Json;

/// The string at a place such as `s3.object.key`, or what is wrong there.
pub(super) fn string_at<'d>(value: Json<'d>, place: &str) -> Result<&'d str, String> {
    match value.at(place).filter(|value| !value.is_null()) {
        None => Err(missing_at(value, place)),
        Some(found) => {
            found.as_str().ok_or_else(|| format!("{place}: expected a string, found {}", kind_and_value(found)))
        }
    }
}

/// Why nothing is at a place: it is missing, or what should hold it is no object.
fn missing_at(value: Json<'_>, place: &str) -> String {
    let holders = place.match_indices('.').filter_map(|(dot, _)| place.get(..dot));
    let other = |holder: &str| value.at(holder).filter(|found| !found.is_object() && !found.is_null());
    match holders.filter_map(|holder| Some((holder, other(holder)?))).next() {
        Some((holder, found)) => format!("{holder}: expected an object, found {}", kind_and_value(found)),
        None => format!("{place}: missing"),
    }
}

/// What a value is, with its start, such as `the number 7`.
pub(super) fn kind_and_value(json: Json<'_>) -> String {
    let article = match json.kind() {
        "null" => return "null".to_owned(),
        "array" | "object" => "an",
        _ => "the",
    };
    format!("{article} {} {}", json.kind(), excerpt(&Value::from(json).to_string()))
}

/// What an object without a known shape is: the names of its first fields.
pub(super) fn fields_of(object: Json<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in object.fields() {
        let name = format!("`{}`", name.escape_debug());
        if names.len() == 6 {
            break;
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.is_empty() {
        true => "an empty JSON object".to_owned(),
        false => format!("a JSON object with {}", names.join(", ")),
    }
}

/// The message at a place: a string, or an object or an array that an input transformer parsed.
pub(super) fn message_at<'d>(value: Json<'d>, place: &str) -> Result<Cow<'d, str>, String> {
    match value.at(place) {
        Some(parsed) if parsed.is_object() || parsed.is_array() => Ok(Cow::Owned(Value::from(parsed).to_string())),
        _ => string_at(value, place).map(Cow::Borrowed),
    }
}

/// The start of a string on one line, for messages.
pub(super) fn excerpt(string: &str) -> String {
    string.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What a string is that can't be read as JSON.
pub(super) fn not_json(json: &str, error: &serde_json::Error) -> String {
    if json.trim().is_empty() {
        return "only white space".to_owned();
    }
    format!("text that is not JSON ({error}), beginning with `{}`", excerpt(json))
}
