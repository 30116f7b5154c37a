//! A spec with what was wrong in it when it was decoded, and the checks of its fields.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use purge_router_core::{Code, Invalid};

use crate::path::ConfigPath;
use crate::problem::Problem;

/// A spec, and the checker that knows the problems found so far.
#[derive(Debug, Clone)]
pub(crate) struct Decoded<S> {
    /// `None` if it is of a version that this release does not read.
    pub(crate) spec: Option<S>,
    pub(crate) checker: FieldChecker,
}

/// Checks the fields of one spec and collects their problems. A field with a problem of decoding gets no second one.
#[derive(Debug, Clone)]
pub(crate) struct FieldChecker {
    pub(crate) place: ConfigPath,
    problems: Vec<Problem>,
    /// Fields, and items of lists, that have a problem.
    wrong: HashSet<(&'static str, Option<usize>)>,
}

impl FieldChecker {
    pub(crate) fn new(place: ConfigPath) -> Self {
        Self { place, problems: Vec::new(), wrong: HashSet::new() }
    }

    /// Notes what is wrong with the whole, or with a part that is checked on its own.
    pub(crate) fn push(&mut self, place: ConfigPath, invalid: Invalid) {
        self.problems.push(Problem::new(place, invalid));
    }

    pub(crate) fn note_whole(&mut self, invalid: Invalid) {
        self.push(self.place.clone(), invalid);
    }

    pub(crate) fn note(&mut self, field: &'static str, invalid: Invalid) {
        self.wrong.insert((field, None));
        self.push(self.place.key(field), invalid);
    }

    pub(crate) fn note_item(&mut self, field: &'static str, index: usize, invalid: Invalid) {
        self.wrong.insert((field, None));
        self.wrong.insert((field, Some(index)));
        self.push(self.place.key(field).index(index), invalid);
    }

    /// Notes what is wrong with a value inside of an item.
    pub(crate) fn note_inside(&mut self, field: &'static str, index: usize, key: &str, invalid: Invalid) {
        self.wrong.insert((field, None));
        self.push(self.place.key(field).index(index).key(key), invalid);
    }

    /// Marks a field as wrong without adding a problem, because its problem is reported at another place.
    pub(crate) fn mark_wrong(&mut self, field: &'static str) {
        self.wrong.insert((field, None));
    }

    /// Whether the field, or an item of it, has a problem.
    pub(crate) fn is_wrong(&self, field: &'static str) -> bool {
        self.wrong.contains(&(field, None))
    }

    pub(crate) fn is_wrong_item(&self, field: &'static str, index: usize) -> bool {
        self.wrong.contains(&(field, Some(index)))
    }

    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Notes that a field is missing, unless it is there.
    pub(crate) fn require(&mut self, field: &'static str, is_there: bool, help: &str) {
        if !is_there && !self.is_wrong(field) {
            self.wrong.insert((field, None));
            self.note_whole(Invalid::new(Code::MissingField, format!("`{field}` is missing"), help));
        }
    }

    /// A string that need not be there.
    pub(crate) fn optional<T>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        parse(text?).map_err(|invalid| self.note(field, invalid)).ok()
    }

    /// A string that must be there.
    pub(crate) fn required<T>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        help: &str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        self.require(field, text.is_some(), help);
        self.optional(field, text, parse)
    }

    /// The valid items of a list; `None` if it is not there.
    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        items: Option<&[String]>,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let mut valid = Vec::new();
        for (index, item) in items?.iter().enumerate() {
            if self.is_wrong_item(field, index) {
                continue;
            }
            match parse(item) {
                Ok(item) => valid.push(item),
                Err(invalid) => self.note_item(field, index, invalid),
            }
        }
        Some(valid)
    }

    /// The valid items of a list that must not be empty; `None` if it is not there, or nothing in it is valid.
    pub(crate) fn filled_list<T>(
        &mut self,
        field: &'static str,
        items: Option<&[String]>,
        help: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let valid = self.list(field, items, parse)?;
        if valid.is_empty() && !self.is_wrong(field) {
            self.note(field, Invalid::new(Code::EmptyList, format!("`{field}` is empty"), help));
        }
        Some(valid).filter(|valid| !valid.is_empty())
    }

    /// The valid items of a list that must be there and must not be empty.
    pub(crate) fn required_list<T>(
        &mut self,
        field: &'static str,
        items: Option<&[String]>,
        help: &str,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        self.require(field, items.is_some(), help);
        self.filled_list(field, items, help, parse)
    }

    /// A number that need not be there.
    pub(crate) fn number(
        &mut self,
        field: &'static str,
        number: Option<i64>,
        range: RangeInclusive<usize>,
    ) -> Option<usize> {
        let number = number?;
        let valid = usize::try_from(number).ok().filter(|number| range.contains(number));
        if valid.is_none() {
            let (from, to) = (range.start(), range.end());
            let message = format!("expected a whole number from {from} to {to}, found the number {number}");
            self.note(field, Invalid::new(Code::WrongType, message, "write a number in this range"));
        }
        valid
    }
}
