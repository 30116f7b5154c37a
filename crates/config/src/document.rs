//! A mapping document as typed: a tree of values, read table by table, where every problem is noted and none stops
//! the reading. The same reader serves TOML files, whose spans it knows, and rows of a table, which have none.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use purge_router_core::bounds;
use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{Code, Invalid};

use crate::problem::{Place, Problem, Step};

/// A parsed TOML text with the place of each value.
pub(crate) struct Document<'a> {
    pub(crate) root: Value,
    spans: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses TOML; every syntax error is a problem.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Vec<Problem>> {
        let (spans, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(syntax_problem).collect());
        }
        let root = table_value(spans.get_ref());
        Ok(Self { root, spans })
    }

    /// The bytes of a place: of its value (or of its name, for `of_name`), or of the nearest table that should hold it.
    pub(crate) fn span(&self, place: &Place, of_name: bool) -> Range<usize> {
        let mut span = 0..0;
        let mut table: Option<&DeTable<'_>> = Some(self.spans.get_ref());
        let mut value: Option<&DeValue<'_>> = None;
        for step in place.steps() {
            let next = match (step, table, value) {
                (Step::Key(key), Some(table), _) => table.get_key_value(key.as_str()),
                (Step::Index(index), _, Some(DeValue::Array(array))) => {
                    let Some(item) = array.get(*index) else { break };
                    span = item.span();
                    table = item.get_ref().as_table();
                    value = Some(item.get_ref());
                    continue;
                }
                _ => None,
            };
            let Some((key, item)) = next else { break };
            // A table's own span may be its header or everything in it; its name is what a reader looks for.
            span = if item.get_ref().is_table() || of_name { key.span() } else { item.span() };
            table = item.get_ref().as_table();
            value = Some(item.get_ref());
        }
        span
    }
}

fn syntax_problem(error: &toml::de::Error) -> Problem {
    let help = match error.message().contains("duplicate key") {
        true => "it stands in the file already: put both into one",
        false => "write the file as TOML 1.0",
    };
    let mut problem =
        Problem::new(Place::root(), Invalid::new(Code::InvalidToml, error.message().replace('\n', ", "), help));
    problem.span = error.span();
    problem
}

fn table_value(table: &DeTable<'_>) -> Value {
    Value::Object(table.iter().map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref()))).collect())
}

fn value(item: &DeValue<'_>) -> Value {
    match item {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => {
            let whole = i64::from_str_radix(number.as_str(), number.radix()).map(Value::from);
            whole.unwrap_or_else(|_| Value::from(number.as_str().parse::<f64>().unwrap_or(f64::NAN)))
        }
        DeValue::Float(number) => Value::from(number.as_str().parse::<f64>().unwrap_or(f64::NAN)),
        // No field holds a date, so it is only told that there is one.
        DeValue::Datetime(_) => Value::Null,
        DeValue::Array(array) => Value::Array(array.iter().map(|item| value(item.get_ref())).collect()),
        DeValue::Table(table) => table_value(table),
    }
}

/// Where problems are collected.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, place: Place, fault: Invalid) {
        self.0.push(Problem::new(place, fault));
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn has_at(&self, place: &Place) -> bool {
        self.0.iter().any(|problem| problem.place == *place)
    }
}

/// One table being read. Each field is asked for once, by name; [`Table::finish`] reports what nobody asked for.
pub(crate) struct Table<'a> {
    fields: &'a Map<String, Value>,
    pub(crate) place: Place,
    known: Vec<&'static str>,
    is_given_up: bool,
}

impl<'a> Table<'a> {
    /// The table at `place`, or a problem if there is something else.
    pub(crate) fn at(value: &'a Value, place: Place, problems: &mut Problems) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self { fields, place, known: Vec::new(), is_given_up: false }),
            other => {
                problems.add(place, wrong_type("a table", other));
                None
            }
        }
    }

    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.place.key(key)
    }

    /// Whether the field is written, whatever it holds.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    fn field(&mut self, key: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.fields.get(key)
    }

    /// A text that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
        problems: &mut Problems,
    ) -> Option<T> {
        if !self.has(key) {
            if !self.known.contains(&key) {
                self.known.push(key);
            }
            problems.add(self.place.clone(), Invalid::new(Code::MissingField, format!("`{key}` is missing"), help));
            return None;
        }
        self.optional(key, parse, problems)
    }

    /// A text that may be there.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
        problems: &mut Problems,
    ) -> Option<T> {
        let place = self.place_of(key);
        text_of(self.field(key)?, place, parse, problems)
    }

    /// A list of texts; `None` where it is not written. Items that are wrong are reported and left out.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
        problems: &mut Problems,
    ) -> Option<Vec<T>> {
        let place = self.place_of(key);
        let items = self.array(key, problems)?;
        Some(
            items
                .iter()
                .enumerate()
                .filter_map(|(nth, item)| text_of(item, place.index(nth), &parse, problems))
                .collect(),
        )
    }

    /// A list that must not be empty where it is written; `None` where it is not written, or nothing in it is valid.
    pub(crate) fn filled_list<T>(
        &mut self,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
        problems: &mut Problems,
    ) -> Option<Vec<T>> {
        let before = problems.count();
        let items = self.list(key, parse, problems)?;
        if items.is_empty() && problems.count() == before {
            problems.add(self.place_of(key), Invalid::new(Code::EmptyList, format!("`{key}` is empty"), help));
        }
        Some(items).filter(|items| !items.is_empty())
    }

    /// The same, for a list that must be written.
    pub(crate) fn required_list<T>(
        &mut self,
        key: &'static str,
        help: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
        problems: &mut Problems,
    ) -> Option<Vec<T>> {
        if !self.has(key) {
            problems.add(self.place.clone(), Invalid::new(Code::MissingField, format!("`{key}` is missing"), help));
        }
        self.filled_list(key, help, parse, problems)
    }

    /// Whether a list holds no more values than this, and none that is too long. The values are looked at elsewhere.
    pub(crate) fn is_bounded(&self, key: &'static str, most: usize, problems: &mut Problems) -> bool {
        let Some(Value::Array(items)) = self.fields.get(key) else { return true };
        let place = self.place_of(key);
        let before = problems.count();
        if items.len() > most {
            let message = format!("`{key}` has {} values, more than {most}", items.len());
            problems.add(place, Invalid::new(Code::TooManyValues, message, "write fewer"));
            return false;
        }
        for (nth, text) in items.iter().enumerate().filter_map(|(nth, item)| Some((nth, item.as_str()?))) {
            if text.len() > bounds::TEXT {
                let message = format!("a text of {} bytes is longer than {}", text.len(), bounds::TEXT);
                problems.add(place.index(nth), Invalid::new(Code::TooLong, message, "write a shorter one"));
            }
        }
        problems.count() == before
    }

    /// A list of anything; `None` where it is not written.
    pub(crate) fn array(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'a [Value]> {
        let place = self.place_of(key);
        match self.field(key)? {
            Value::Array(items) => Some(items),
            other => {
                problems.add(place, wrong_type("a list", other));
                None
            }
        }
    }

    /// A table of tables, in the order of the file.
    pub(crate) fn tables(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(&'a str, Table<'a>)> {
        let place = self.place_of(key);
        let Some(value) = self.field(key) else { return Vec::new() };
        let Some(table) = Table::at(value, place.clone(), problems) else { return Vec::new() };
        table
            .fields
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), Table::at(value, place.key(name), problems)?)))
            .collect()
    }

    /// A boolean that may be there.
    pub(crate) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let place = self.place_of(key);
        match self.field(key)? {
            Value::Bool(flag) => Some(*flag),
            other => {
                problems.add(place, wrong_type("true or false", other));
                None
            }
        }
    }

    /// A whole number from `range` that may be there.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
        problems: &mut Problems,
    ) -> Option<usize> {
        let place = self.place_of(key);
        let value = self.field(key)?;
        let number = value.as_u64().filter(|number| range.contains(number)).and_then(|n| usize::try_from(n).ok());
        if number.is_none() {
            problems.add(
                place,
                Invalid::new(
                    Code::WrongType,
                    format!("{} is not a whole number from {} to {}", shown(value), range.start(), range.end()),
                    "write such a number, without quotes",
                ),
            );
        }
        number
    }

    /// Leaves all other fields unread.
    pub(crate) fn give_up(&mut self) {
        self.is_given_up = true;
    }

    /// Reports every field that nobody asked for.
    pub(crate) fn finish(self, problems: &mut Problems) {
        let unknown = |key: &&String| !self.is_given_up && !self.known.contains(&key.as_str());
        for key in self.fields.keys().filter(unknown) {
            let help = match nearest(key, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields here are {}", quoted(self.known.iter().copied())),
            };
            problems.add(
                self.place.key(key),
                Invalid::new(Code::UnknownField, format!("there is no field `{key}` here"), help),
            );
        }
    }
}

fn text_of<T>(
    value: &Value,
    place: Place,
    parse: impl Fn(&str) -> Result<T, Invalid>,
    problems: &mut Problems,
) -> Option<T> {
    let Value::String(text) = value else {
        problems.add(place, wrong_type("a text", value));
        return None;
    };
    parse(text).map_err(|fault| problems.add(place, fault)).ok()
}

fn wrong_type(wanted: &str, seen: &Value) -> Invalid {
    Invalid::new(Code::WrongType, format!("{} is not {wanted}", shown(seen)), format!("write {wanted} here"))
}

pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "a date, a null, or a number that is none,".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// A parser of one word out of a closed set, with a suggestion for a near miss.
pub(crate) fn word<T: Copy>(code: Code, words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, Invalid> {
    move |text| {
        if let Some((_, found)) = words.iter().find(|(name, _)| *name == text) {
            return Ok(*found);
        }
        let names = || words.iter().map(|(name, _)| *name);
        let help = match nearest(text, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", quoted(names())),
        };
        Err(Invalid::new(code, format!("`{text}` is not known here"), help))
    }
}
