//! Why a value is refused: a stable code, the value and the way out.

use crate::model::code::Code;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({help})")]
pub struct Invalid {
    /// What kind of problem it is, for programs.
    pub code: Code,
    /// What is wrong, with the value.
    pub message: String,
    /// How to fix it, for people.
    pub help: String,
}

impl Invalid {
    /// An error with this code.
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }
}
