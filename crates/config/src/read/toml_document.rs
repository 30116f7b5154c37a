//! A TOML text as plain values, with the place of each in the text.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;

use indexmap::IndexMap;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use purge_router_core::{Code, Invalid};

use crate::path::{ConfigPath, PathStep};
use crate::problem::Problem;
use crate::read::plain_value::no_json_value;
use crate::read::toml_line::{LineMistake, line_mistake};
use crate::rows::fields::Fields;

/// A parsed TOML text.
pub(crate) struct TomlDocument<'t>(Spanned<DeTable<'t>>);

impl<'t> TomlDocument<'t> {
    /// Parses TOML.
    ///
    /// # Errors
    /// All errors of syntax; equal ones are one problem.
    pub(crate) fn parse(text: &'t str) -> Result<Self, Vec<Problem>> {
        if let Some((format, span)) = other_format(text) {
            let message = format!("the file is {format}, and mapping files are TOML");
            let help = "write it as TOML 1.0: `purge-router init -` prints an example";
            return Err(vec![syntax_problem(&message, help.to_owned(), Some(span))]);
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

/// The format of a text that is no TOML at all, and its first character: each of its lines would be an error.
fn other_format(text: &str) -> Option<(&'static str, Range<usize>)> {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    let (line, start) = (rest.lines().next()?, text.len() - rest.len());
    let span = start..start + rest.chars().next()?.len_utf8();
    let is_yaml_line =
        line.trim_end() == "---" || line.split_once(':').is_some_and(|(key, _)| !key.contains(['"', '[', ' ']));
    match rest.starts_with('{') {
        true => Some(("JSON", span)),
        // TOML has a `=` in each line but headers.
        false => (is_yaml_line && !text.contains('=')).then_some(("YAML", span)),
    }
}

/// What the parser says of duplicate keys.
const DUPLICATE: &str = "duplicate key";

/// Errors of syntax as problems. One mistake causes many errors, so the errors of a line whose mistake is known are one problem, and so
/// are equal errors, at the place of the first.
fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let (duplicates, mut others): (Vec<_>, Vec<_>) =
        errors.iter().partition(|error| error.message().contains(DUPLICATE));
    others.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let line_starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
    let line_of = |place: usize| line_starts.partition_point(|start| *start <= place);
    let line_at = |line: usize| {
        let start = line.checked_sub(1).and_then(|index| line_starts.get(index)).copied().unwrap_or_default();
        text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    };
    let has_long_strings = text.contains("\"\"\"") || text.contains("'''");
    let (mut mistaken, mut in_array) = (BTreeSet::new(), false);
    let mut equal: IndexMap<LineMistake, Vec<Option<Range<usize>>>> = IndexMap::new();
    for error in others {
        let line = error.span().map_or(0, |span| line_of(span.start));
        if mistaken.contains(&line) {
            continue;
        }
        // All that follows an array that is not closed is read as a part of it.
        let is_of_array = error.message().contains("array");
        if in_array && is_of_array {
            break;
        }
        // After an array that is not closed, the parser misses a comma in the next line, which may be right.
        let is_next = error.message().contains("missing comma") && !line_at(line).contains('[');
        let known = (!has_long_strings && !is_next).then(|| line_mistake(line_at(line))).flatten();
        if let Some(mistake) = &known {
            mistaken.insert(line);
            in_array |= mistake.is_unclosed;
        }
        let is_last = known.is_none() && is_of_array;
        equal.entry(known.unwrap_or_else(|| in_words_of_toml(error))).or_default().push(error.span());
        if is_last {
            break;
        }
    }
    let equal = equal.into_iter().map(|(mistake, places)| equal_errors(mistake, &places, line_of));
    let mut problems: Vec<Problem> = equal.collect();
    // What is below a header that can't be read is added to the table before it.
    let is_header = |line: &usize| line_at(*line).trim_start().starts_with('[');
    if !mistaken.iter().any(is_header) {
        problems.extend(duplicate_keys(text, &line_starts, &duplicates));
    }
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
    problems
}

/// How many lines a message names.
const LINES: usize = 5;

fn in_words_of_toml(error: &toml::de::Error) -> LineMistake {
    let help = match error.message().contains("array") {
        true => "write the file as TOML 1.0; a `]` may be missing further up",
        false => "write the file as TOML 1.0, with strings in quotes",
    };
    LineMistake::new(error.message(), help)
}

fn equal_errors(
    LineMistake { message, help, .. }: LineMistake,
    places: &[Option<Range<usize>>],
    line_of: impl Fn(usize) -> usize,
) -> Problem {
    let mut lines: Vec<usize> = places.iter().flatten().map(|span| line_of(span.start)).collect();
    lines.dedup();
    let others = lines.get(1..).unwrap_or_default();
    let shown = others.iter().take(LINES).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let also = match others.len().saturating_sub(LINES) {
        _ if others.is_empty() => String::new(),
        0 => format!("; also in line {shown}"),
        more => format!("; also in line {shown} and {more} more"),
    };
    syntax_problem(&format!("{message}{also}"), help, places.first().cloned().flatten())
}

/// Keys that are in a table twice. Of a table whose header is repeated, only the header is a problem, and of an array of tables that
/// is written with one bracket, only the first one.
fn duplicate_keys(text: &str, line_starts: &[usize], errors: &[&toml::de::Error]) -> Vec<Problem> {
    let line = |start: &usize| (*start, text.get(*start..).and_then(|rest| rest.lines().next()).unwrap_or_default());
    let headers: Vec<(usize, &str)> =
        line_starts.iter().map(line).filter(|(_, line)| line.trim_start().starts_with('[')).collect();
    let (mut problems, mut repeated, mut arrays) = (Vec::new(), None, BTreeSet::new());
    for error in errors {
        let place = error.span().map_or(0, |span| span.start);
        let section = headers.partition_point(|(start, _)| *start <= place).checked_sub(1);
        let header = section.and_then(|section| headers.get(section));
        let is_header = header.is_some_and(|(start, line)| place < start + line.len());
        let array = header.and_then(|(_, line)| single_bracket(line)).filter(|_| is_header);
        let is_known =
            (!is_header && repeated.is_some() && repeated == section) || array.is_some_and(|name| !arrays.insert(name));
        if is_header {
            repeated = section;
        }
        if !is_known {
            let help = array.map_or_else(|| "it is in the file already: put both into one".to_owned(), two_brackets);
            problems.push(syntax_problem(DUPLICATE, help, error.span()));
        }
    }
    problems
}

fn syntax_problem(message: &str, help: String, span: Option<Range<usize>>) -> Problem {
    let invalid = Invalid::new(Code::InvalidToml, message.replace('\n', ", "), help);
    Problem { span, ..Problem::new(ConfigPath::root(), invalid) }
}

/// How to write the header of an array of tables.
pub(crate) fn two_brackets(name: impl Display) -> String {
    format!("write `[[{name}]]`, with two brackets, before each of them")
}

/// The name in a header such as `[teams.web.mappings]`, which has one bracket too few.
fn single_bracket(header: &str) -> Option<&str> {
    let name = header.trim().strip_prefix('[')?.strip_suffix(']')?;
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
