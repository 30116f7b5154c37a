//! Why a value is refused: a stable code, the value and the way out.

/// Why a text is not a name: a stable kebab-case code, what is wrong, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({help})")]
pub struct Invalid {
    /// Kebab-case, stable across releases.
    pub code: &'static str,
    /// What is wrong, with the value.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Invalid {
    /// An error with this code.
    pub fn new(code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: help.into() }
    }
}
