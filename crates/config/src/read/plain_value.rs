//! Plain values: which are tables, which JSON lacks, and what is wrong with one of another type.

use serde_json::{Number, Value};

use purge_router_core::{Code, Invalid};

use crate::rows::fields::Fields;

/// The only field of the table that stands for a TOML value that JSON lacks. No file can spell it by mistake.
const NO_JSON_VALUE: &str = "\0no JSON value";

/// A plain value for one that JSON lacks, such as a date: no field accepts it, and problems call it by this name.
pub(crate) fn no_json_value(name: String) -> Value {
    Value::Object(Fields::from_iter([(NO_JSON_VALUE.to_owned(), Value::String(name))]))
}

/// The fields of a value that is a table.
pub(crate) fn table(value: &Value) -> Option<&Fields> {
    value.as_object().filter(|fields| !fields.contains_key(NO_JSON_VALUE))
}

/// `expected a string, found the number 3`.
pub(crate) fn wrong_type(expected: &str, value: &Value) -> Invalid {
    let found = match value {
        Value::Number(number) if expected == "a whole number" && is_too_large(value) => {
            format!("the number {}, which is too large", whole(number))
        }
        Value::Null => "a null".to_owned(),
        Value::Bool(boolean) => format!("the boolean {boolean}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string `{text}`"),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(fields) => match fields.get(NO_JSON_VALUE) {
            Some(Value::String(name)) => name.clone(),
            _ => "a table".to_owned(),
        },
    };
    Invalid::new(Code::WrongType, format!("expected {expected}, found {found}"), right_type(expected, value))
}

/// How to write a value of this type; with the value itself if that is clear.
fn right_type(expected: &str, value: &Value) -> String {
    let help = match (expected, value) {
        ("a whole number", Value::String(text)) if text.parse::<u32>().is_ok() => {
            return format!("write {text} without quotes");
        }
        ("a boolean", Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            return format!("write {text} without quotes");
        }
        ("a time", Value::Number(number)) if number.as_u64().is_some_and(|it| (1..=3600).contains(&it)) => {
            return format!("write it in quotes, with its unit: \"{number}s\"");
        }
        ("an array", Value::String(text)) if !text.contains(['"', '\\']) => {
            let items: Vec<String> = items_of(text).iter().map(|item| format!("\"{item}\"")).collect();
            return format!("write it in brackets: `[{}]`", items.join(", "));
        }
        ("an array", Value::Object(fields)) if !fields.contains_key(NO_JSON_VALUE) => {
            return format!("write it in brackets: `[{}]`", inline_table(fields));
        }
        ("a string", Value::Array(_)) => "write one string in quotes, without brackets",
        ("a string", _) => "write it in quotes",
        ("a time", _) => "write a time in quotes, such as \"30s\"",
        ("a boolean", _) => "write `true` or `false`, without quotes",
        ("a whole number", _) if is_too_large(value) => "write a smaller number",
        ("a whole number", _) => "write a whole number such as 30, without quotes",
        ("a number", _) => "write a number such as 0.01, without quotes",
        ("an array", _) => "write it in brackets: `[…]`",
        _ => "write a table",
    };
    help.to_owned()
}

/// The items of a list that is written as one text. A comma in braces belongs to a glob.
pub(super) fn items_of(text: &str) -> Vec<&str> {
    match text.contains('{') {
        true => vec![text.trim()],
        false => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
    }
}

/// `{ "CF-Device-Type" = "mobile" }`, if its values are strings.
fn inline_table(fields: &Fields) -> String {
    let pair = |(name, value): (&String, &Value)| Some(format!("{name:?} = {:?}", value.as_str()?));
    let pairs: Option<Vec<String>> = fields.iter().map(pair).collect();
    pairs.map_or_else(|| "{ … }".to_owned(), |pairs| format!("{{ {} }}", pairs.join(", ")))
}

/// Whether it is a whole number that no field can have.
fn is_too_large(value: &Value) -> bool {
    value.as_i64().is_none() && value.as_f64().is_some_and(|number| number.abs() >= i64::MAX as f64)
}

/// A whole number with all its digits.
fn whole(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(number) => format!("{number:.0}"),
        None => number.to_string(),
    }
}

pub(super) fn bad_headers(expected: &str, found: &Value) -> Invalid {
    Invalid { code: Code::BadVaryHeaders, ..wrong_type(expected, found) }
}
