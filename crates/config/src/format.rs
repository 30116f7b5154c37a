//! The format of a mapping file, as data: each field with its type, bounds, default and meaning.
//!
//! The reader accepts what is described here, and [`json_schema()`](json_schema::json_schema) writes the same for editors.

pub(crate) mod json_schema;
pub(crate) mod tables;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use purge_router_core::bounds;

/// One field of a table.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) value: ValueType,
    /// Whether a table without it is refused.
    pub(crate) is_required: bool,
    /// What applies without it, as JSON; empty if that is nothing, or depends on other fields.
    pub(crate) default: &'static str,
    /// What it says, in one sentence.
    pub(crate) doc: &'static str,
}

impl Field {
    const fn new(name: &'static str, value: ValueType, doc: &'static str) -> Self {
        Self { name, value, is_required: false, default: "", doc }
    }

    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}

/// The words of a closed set.
pub(crate) type Words = fn() -> Vec<&'static str>;

/// What a field may hold.
pub(crate) enum ValueType {
    /// The version of the file's format.
    Version,
    Boolean,
    Integer(RangeInclusive<usize>),
    /// 0, or a number from a millionth to 1.
    Share,
    String,
    /// A string such as `30s`.
    Time,
    /// A string of a closed set.
    Word(Words),
    Strings(Strings),
    /// An array of strings, or this one string instead.
    StringsOr(Strings, &'static str),
    /// An array of at most so many tables, each with strings by the names of headers.
    HeaderSets(usize),
    /// A table of tables by name.
    Tables(&'static [Field]),
    /// An array of tables.
    TableArray(&'static [Field]),
}

/// An array of strings.
pub(crate) struct Strings {
    /// The most strings, if that is bounded here.
    pub(crate) max: Option<usize>,
    /// The longest string in bytes, if that is bounded here.
    pub(crate) max_bytes: Option<usize>,
    /// Whether an array of none is refused.
    pub(crate) is_filled: bool,
    /// The set that its strings are of, if that is closed.
    pub(crate) words: Option<Words>,
}

impl Strings {
    /// What is bounded by the validation, such as globs by the bytes of all of them.
    const UNBOUNDED: Self = Self { max: None, max_bytes: None, is_filled: false, words: None };

    const fn up_to(max: usize) -> Self {
        Self { max: Some(max), max_bytes: Some(bounds::TEXT), ..Self::UNBOUNDED }
    }

    const fn of(words: Words) -> Self {
        Self { words: Some(words), is_filled: true, ..Self::up_to(bounds::FEW_VALUES) }
    }

    const fn filled(self) -> Self {
        Self { is_filled: true, ..self }
    }
}
