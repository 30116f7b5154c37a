//! A table of plain values, read field by field.

use std::ops::RangeInclusive;

use serde_json::{Number, Value};

use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{Code, Invalid};

use crate::decoded::{Decoded, FieldChecker};
use crate::format::{Field, Strings, ValueType};
use crate::path::ConfigPath;
use crate::rows::fields::{Fields, value_of};

/// As many fields as a mapping may have, about.
const MOST_FIELDS: usize = 32;

/// One table that is being read. Each field is asked for once, by name; [`TableReader::finish`] reports all others.
pub(crate) struct TableReader<'v> {
    fields: &'v Fields,
    /// A bit for each length that the names of its fields have. Most fields that are asked for are not there.
    lengths: u64,
    known: Vec<&'static str>,
    /// How many fields of the table were asked for.
    found: usize,
    skips_rest: bool,
    pub(crate) checker: FieldChecker,
}

impl<'v> TableReader<'v> {
    pub(crate) fn new(fields: &'v Fields, place: ConfigPath) -> Self {
        let lengths = fields.keys().fold(0, |lengths, name| lengths | bit_of_length(name));
        Self {
            fields,
            lengths,
            known: Vec::with_capacity(MOST_FIELDS),
            found: 0,
            skips_rest: false,
            checker: FieldChecker::new(place),
        }
    }

    /// Ends the reading: reports every field that was not asked for.
    pub(crate) fn finish<S>(mut self, spec: Option<S>) -> Decoded<S> {
        if !self.skips_rest && self.found < self.fields.len() {
            self.reject_unknown_fields();
        }
        Decoded { spec, checker: self.checker }
    }

    fn reject_unknown_fields(&mut self) {
        let fields = self.fields;
        for key in fields.keys().filter(|key| !self.known.contains(&key.as_str())) {
            let help = match nearest(key, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields here are {}", quoted(self.known.iter().copied())),
            };
            let invalid = Invalid::new(Code::UnknownField, format!("unknown field `{key}`"), help);
            self.checker.push(self.checker.place.key(key), invalid);
        }
    }

    /// Reads no more of this table, and reports none of its other fields.
    pub(crate) fn skip_rest(&mut self) {
        self.skips_rest = true;
    }

    /// Ends one part of the table: what is noted from here on is noted with the next part.
    pub(crate) fn take_checker(&mut self) -> FieldChecker {
        let next = FieldChecker::new(self.checker.place.clone());
        std::mem::replace(&mut self.checker, next)
    }

    fn value(&mut self, field: &'static str) -> Option<&'v Value> {
        self.known.push(field);
        let value = self.find(field);
        self.found += usize::from(value.is_some());
        value
    }

    fn find(&self, field: &str) -> Option<&'v Value> {
        (self.lengths & bit_of_length(field) != 0).then(|| value_of(self.fields, field))?
    }

    /// Whether a field is there and is a string, for a field that may be one.
    fn has_string(&self, field: &str) -> bool {
        self.find(field).is_some_and(Value::is_string)
    }

    pub(crate) fn string(&mut self, field: &'static str) -> Option<&'v str> {
        match self.value(field)? {
            Value::String(text) => Some(text),
            other => self.reject(field, "a string", other),
        }
    }

    fn boolean(&mut self, field: &'static str) -> Option<bool> {
        match self.value(field)? {
            Value::Bool(boolean) => Some(*boolean),
            other => self.reject(field, "a boolean", other),
        }
    }

    fn integer(&mut self, field: &'static str) -> Option<i64> {
        let value = self.value(field)?;
        value.as_i64().or_else(|| self.reject(field, "a whole number", value))
    }

    /// A share of the whole. 0 and 1 are whole numbers, because DynamoDB does not keep a `1.0` as it was written.
    pub(crate) fn share(&mut self, field: &'static str) -> Option<Number> {
        let value = self.value(field)?;
        match value.as_f64() {
            Some(0.0) => Some(0.into()),
            Some(1.0) => Some(1.into()),
            _ => value.as_number().cloned().or_else(|| self.reject(field, "a number", value)),
        }
    }

    /// A whole number of a range that depends on no other field.
    pub(crate) fn number(&mut self, field: &'static str, range: RangeInclusive<usize>) -> Option<usize> {
        let number = self.integer(field);
        self.checker.number(field, number, range)
    }

    /// The value of a field, as it is described; `None` if it is not there, or of another type. What is wrong in an array
    /// is noted and read as empty, so that other items keep their indexes.
    pub(crate) fn field(&mut self, field: &'static Field) -> Option<Value> {
        let name = field.name;
        if self.find(name).is_none() {
            self.known.push(name);
            return None;
        }
        match &field.value {
            ValueType::String | ValueType::Word(_) => self.string(name).map(Value::from),
            ValueType::StringsOr(..) if self.has_string(name) => self.string(name).map(Value::from),
            ValueType::Boolean => self.boolean(name).map(Value::from),
            ValueType::Integer(range) => self.number(name, range.clone()).map(Value::from),
            ValueType::Share => self.share(name).map(Value::from),
            ValueType::Strings(strings) | ValueType::StringsOr(strings, _) => {
                self.strings(name, strings).map(Value::from)
            }
            ValueType::HeaderSets(max) => self.header_sets(name, *max).map(Value::from),
            // The reader of the file reads these by itself.
            ValueType::Version | ValueType::Tables(_) | ValueType::TableArray(_) => None,
        }
    }

    /// An array of strings, which is not looked into if it is too long.
    fn strings(&mut self, field: &'static str, bounds: &Strings) -> Option<Vec<Value>> {
        let items = self.array(field)?;
        if bounds.max.is_some_and(|max| self.is_too_long(field, items.len(), max)) {
            return None;
        }
        let mut strings = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::String(text) = item else {
                self.checker.note_item(field, index, wrong_type("a string", item));
                strings.push("".into());
                continue;
            };
            if let Some(max) = bounds.max_bytes.filter(|max| text.len() > *max) {
                let message = format!("a string of {} bytes is longer than {max}", text.len());
                self.checker.note_item(field, index, Invalid::new(Code::TooLong, message, "write a shorter one"));
            }
            strings.push(item.clone());
        }
        Some(strings)
    }

    fn is_too_long(&mut self, field: &'static str, count: usize, max_values: usize) -> bool {
        if count > max_values {
            let message = format!("`{field}` has {count} values, more than {max_values}");
            self.checker.note(field, Invalid::new(Code::TooManyValues, message, "write fewer"));
        }
        count > max_values
    }

    /// An array of tables of headers.
    fn header_sets(&mut self, field: &'static str, max: usize) -> Option<Vec<Value>> {
        let items = self.array(field)?;
        if self.is_too_long(field, items.len(), max) {
            return None;
        }
        let mut sets = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let mut set = Fields::new();
            match table(item) {
                Some(headers) => {
                    for (name, value) in headers {
                        set.insert(name.clone(), self.header_value(field, index, name, value));
                    }
                }
                None => self.checker.note_item(field, index, bad_headers("a table of headers", item)),
            }
            sets.push(set.into());
        }
        Some(sets)
    }

    fn header_value(&mut self, field: &'static str, index: usize, name: &str, value: &Value) -> Value {
        if value.is_string() {
            return value.clone();
        }
        self.checker.note_inside(field, index, name, bad_headers("a string", value));
        "".into()
    }

    /// The place of a field that is one table.
    pub(crate) fn single_table(&mut self, field: &'static str) -> Option<ConfigPath> {
        let is_table = self.find(field).is_some_and(|value| table(value).is_some());
        is_table.then(|| {
            self.value(field);
            self.checker.place.key(field)
        })
    }

    pub(crate) fn array(&mut self, field: &'static str) -> Option<&'v [Value]> {
        match self.value(field)? {
            Value::Array(items) => Some(items),
            other => self.reject(field, "an array", other),
        }
    }

    /// A table of tables, in the order of the file.
    pub(crate) fn tables(&mut self, field: &'static str) -> Vec<(&'v str, ConfigPath, &'v Fields)> {
        let Some(value) = self.value(field) else { return Vec::new() };
        let Some(tables) = table(value) else { return self.reject(field, "a table", value).unwrap_or_default() };
        let mut found = Vec::new();
        for (name, value) in tables {
            let place = self.checker.place.key(field).key(name);
            match table(value) {
                Some(fields) => found.push((name.as_str(), place, fields)),
                None => {
                    self.checker.mark_wrong(field);
                    self.checker.push(place, wrong_type("a table", value));
                }
            }
        }
        found
    }

    fn reject<T>(&mut self, field: &'static str, expected: &str, found: &Value) -> Option<T> {
        self.checker.note(field, wrong_type(expected, found));
        None
    }
}

fn bit_of_length(name: &str) -> u64 {
    1 << (name.len() % 64)
}

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
        ("an array", Value::String(text)) if !text.contains(['"', '\\']) => {
            // A comma in braces belongs to a glob.
            let items: Vec<&str> = if text.contains('{') { vec![text] } else { text.split(',').collect() };
            let items: Vec<String> = items.iter().map(|item| format!("\"{}\"", item.trim())).collect();
            return format!("write it in brackets: `[{}]`", items.join(", "));
        }
        ("an array", Value::Object(fields)) if !fields.contains_key(NO_JSON_VALUE) => {
            return format!("write it in brackets: `[{}]`", inline_table(fields));
        }
        ("a string", Value::Array(_)) => "write one string in quotes, without brackets",
        ("a string", _) => "write it in quotes",
        ("a boolean", _) => "write `true` or `false`, without quotes",
        ("a whole number", _) if is_too_large(value) => "write a smaller number",
        ("a whole number", _) => "write a whole number such as 30, without quotes",
        ("a number", _) => "write a number such as 0.01, without quotes",
        ("an array", _) => "write it in brackets: `[…]`",
        _ => "write a table",
    };
    help.to_owned()
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

fn bad_headers(expected: &str, found: &Value) -> Invalid {
    Invalid { code: Code::BadVaryHeaders, ..wrong_type(expected, found) }
}
