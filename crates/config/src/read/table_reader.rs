//! A table of plain values, read field by field.

use std::ops::RangeInclusive;

use serde_json::{Number, Value};

use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{Code, Invalid};

use crate::decoded::{Decoded, FieldChecker};
use crate::format::tables::tables_with;
use crate::format::{Field, Strings, ValueType};
use crate::path::ConfigPath;
use crate::read::plain_value::{bad_headers, table, wrong_type};
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
            let near = near_field(key, &self.known);
            let help = match (near, &tables_with(key)[..]) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, []) => format!("the fields here are {}", quoted(self.known.iter().copied())),
                (None, [table]) => format!("it is a field of {table}: write it there"),
                (None, tables) => format!("it is a field of {}: write it in one of them", tables.join(" and of ")),
            };
            // Then the field that is meant is not missing.
            if let Some(near) = near.filter(|near| self.find(near).is_none()) {
                self.checker.mark_wrong(near);
            }
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
        self.string_of(field, "a string")
    }

    fn string_of(&mut self, field: &'static str, expected: &str) -> Option<&'v str> {
        match self.value(field)? {
            Value::String(text) => Some(text),
            other => self.reject(field, expected, other),
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
            ValueType::Time => self.string_of(name, "a time").map(Value::from),
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

/// Words that users write, each with the fields that they mean.
const SYNONYMS: [(&str, &str); 9] = [
    ("domains", "hostnames"),
    ("hosts", "hostnames"),
    ("ignore", "exclude"),
    ("globs", "include"),
    ("patterns", "include"),
    ("bucket", "source"),
    ("prefix", "source"),
    ("strip", "strip_prefix"),
    ("method", "purge"),
];

/// The field that may have been meant, of those that the table has.
fn near_field(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let known = || known.iter().copied();
    let synonym = || SYNONYMS.iter().find(|(word, _)| *word == key).map(|(_, field)| *field);
    nearest(key, known()).or_else(|| synonym().filter(|field| known().any(|name| name == *field)))
}

fn bit_of_length(name: &str) -> u64 {
    1 << (name.len() % 64)
}
