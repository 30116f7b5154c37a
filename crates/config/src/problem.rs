//! What is wrong in a mapping file or a row: a code, the place, the value and the way out.

use std::ops::Range;

use serde::Serialize;

use purge_router_core::{Code, Invalid};

use crate::path::ConfigPath;

/// One thing wrong in a mapping file or in a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {message} [{code}]; {help}")]
pub struct Problem {
    /// What kind of problem it is, for programs.
    pub code: Code,
    /// Where it is.
    pub place: ConfigPath,
    /// What is wrong, with the value.
    pub message: String,
    /// How to fix it, for people.
    pub help: String,
    /// Bytes of the file's text; none for a row.
    pub span: Option<Range<usize>>,
}

impl Problem {
    pub(crate) fn new(place: ConfigPath, invalid: Invalid) -> Self {
        Self { code: invalid.code, place, message: invalid.message, help: invalid.help, span: None }
    }
}
