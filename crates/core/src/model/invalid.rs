//! Why a value is refused: a stable code, the value and the way out.

use crate::model::code::Code;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({help})")]
pub struct Invalid {
    /// The kind of problem.
    pub code: Code,
    /// What is wrong, with the value.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Invalid {
    /// An error with this code.
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }
}
