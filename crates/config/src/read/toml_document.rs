//! A TOML text as plain values, with the place of each in the text.

use std::fmt::Display;
use std::ops::Range;

use indexmap::IndexMap;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use purge_router_core::{Code, Invalid};

use crate::path::{ConfigPath, PathStep};
use crate::problem::Problem;
use crate::read::table_reader::no_json_value;
use crate::rows::fields::Fields;

/// A parsed TOML text.
pub(crate) struct TomlDocument<'t>(Spanned<DeTable<'t>>);

impl<'t> TomlDocument<'t> {
    /// Parses TOML.
    ///
    /// # Errors
    /// All errors of syntax; equal ones are one problem.
    pub(crate) fn parse(text: &'t str) -> Result<Self, Vec<Problem>> {
        // No TOML begins like this, and each line of JSON would be an error.
        if text.trim_start().starts_with('{') {
            let help = "write it as TOML 1.0: `purge-router init -` prints an example";
            let invalid = Invalid::new(Code::InvalidToml, "the file is JSON, and mapping files are TOML", help);
            let start = text.len() - text.trim_start().len();
            return Err(vec![Problem { span: Some(start..start + 1), ..Problem::new(ConfigPath::root(), invalid) }]);
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        match errors.is_empty() {
            true => Ok(Self(table)),
            false => Err(syntax_problems(text, &errors)),
        }
    }

    /// All of it as plain values.
    pub(crate) fn to_fields(&self) -> Fields {
        fields(self.0.get_ref())
    }

    /// Gives each problem its bytes in the text, and sorts them by these.
    pub(crate) fn locate(&self, problems: &mut [Problem]) {
        for problem in problems.iter_mut() {
            // Of a field that is unknown, the name is wrong, and not the value.
            problem.span = Some(self.span(&problem.place, problem.code == Code::UnknownField));
        }
        problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
    }

    /// The bytes of a value (or of its name, for `of_name`), or of the nearest table that should hold it.
    pub(crate) fn span(&self, place: &ConfigPath, of_name: bool) -> Range<usize> {
        let mut span = 0..0;
        let mut table: Option<&DeTable<'_>> = Some(self.0.get_ref());
        let mut list: Option<&[Spanned<DeValue<'_>>]> = None;
        for step in place.steps() {
            let item = match step {
                PathStep::Row(_) => None,
                PathStep::Key(key) => table.and_then(|table| table.get_key_value(key.as_str())).map(|(key, item)| {
                    // A table's own span may be its header or everything in it; its name is what a reader looks for.
                    span = if item.get_ref().is_table() || of_name { key.span() } else { item.span() };
                    item
                }),
                PathStep::Index(index) => list.and_then(|list| list.get(*index)).inspect(|item| span = item.span()),
            };
            let Some(item) = item else { break };
            table = item.get_ref().as_table();
            list = item.get_ref().as_array().map(|array| &**array);
        }
        span
    }
}

/// What the parser says of duplicate keys.
const DUPLICATE: &str = "duplicate key";

/// Errors of syntax as problems. One mistake, such as a missing `]`, causes an error in each line that follows, so equal errors are
/// one problem, at the place of the first. Duplicate keys are independent of each other.
fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let (duplicates, others): (Vec<_>, Vec<_>) = errors.iter().partition(|error| error.message().contains(DUPLICATE));
    let mut places: IndexMap<&str, Vec<Option<Range<usize>>>> = IndexMap::new();
    for error in others {
        places.entry(error.message()).or_default().push(error.span());
    }
    let mut problems: Vec<Problem> =
        places.into_iter().map(|(message, places)| equal_errors(message, &places)).collect();
    let header = duplicates.first().and_then(|error| Some((error.span(), single_bracket_header(text, error)?)));
    match header {
        // Each field of the second table is a duplicate, too.
        Some((span, name)) => problems.push(syntax_problem(DUPLICATE, two_brackets(name), span)),
        None => problems.extend(duplicates.into_iter().map(|error| {
            syntax_problem(error.message(), "it is in the file already: put both into one".to_owned(), error.span())
        })),
    }
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
    problems
}

fn equal_errors(message: &str, places: &[Option<Range<usize>>]) -> Problem {
    let help = match message.contains("array") {
        true => "write the file as TOML 1.0; a `]` may be missing further up",
        false => "write the file as TOML 1.0, with strings in quotes",
    };
    let more = match places.len() - 1 {
        0 => String::new(),
        more => format!("; {more} more of these follow, perhaps from the same mistake"),
    };
    syntax_problem(&format!("{message}{more}"), help.to_owned(), places.first().cloned().flatten())
}

fn syntax_problem(message: &str, help: String, span: Option<Range<usize>>) -> Problem {
    let invalid = Invalid::new(Code::InvalidToml, message.replace('\n', ", "), help);
    Problem { span, ..Problem::new(ConfigPath::root(), invalid) }
}

/// How to write the header of an array of tables.
pub(crate) fn two_brackets(name: impl Display) -> String {
    format!("write `[[{name}]]`, with two brackets, before each of them")
}

/// The name in a header such as `[teams.web.mappings]`, which has one bracket too few, if the error is in one.
fn single_bracket_header<'t>(text: &'t str, error: &toml::de::Error) -> Option<&'t str> {
    let at = error.span()?.start;
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    (!name.starts_with('[') && (name.ends_with(".mappings") || name.ends_with(".tests"))).then_some(name)
}

fn fields(table: &DeTable<'_>) -> Fields {
    table.iter().map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref()))).collect()
}

fn value(item: &DeValue<'_>) -> Value {
    match item {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Integer(number) => {
            let whole = i64::from_str_radix(number.as_str(), number.radix()).map(Value::from);
            let whole = whole.or_else(|_| u64::from_str_radix(number.as_str(), number.radix()).map(Value::from));
            whole.unwrap_or_else(|_| float(number.as_str()))
        }
        DeValue::Float(number) => float(number.as_str()),
        DeValue::Datetime(date) => no_json_value(format!("the date {date}")),
        DeValue::Array(array) => Value::Array(array.iter().map(|item| value(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Object(fields(table)),
    }
}

fn float(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::from(number),
        _ => no_json_value(format!("the number {text}")),
    }
}
