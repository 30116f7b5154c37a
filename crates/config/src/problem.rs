//! What is wrong in a mapping file: a stable code, the place, the value and the way out.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

use purge_router_core::{Code, Invalid};

/// One thing wrong in a mapping file (or in a row that stands for a part of one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {message} [{code}]; {help}")]
pub struct Problem {
    /// The kind of problem.
    pub code: Code,
    /// Where in the document.
    pub place: Place,
    /// What is wrong, with the value.
    pub message: String,
    /// The way out.
    pub help: String,
    /// Bytes of the file's text, where the document came from a file.
    pub span: Option<Range<usize>>,
}

impl Problem {
    pub(crate) fn new(place: Place, fault: Invalid) -> Self {
        Self { code: fault.code, place, message: fault.message, help: fault.help, span: None }
    }
}

/// A path into the document, such as `teams.web.mappings[0].source`, or into a row of the table, such as
/// `TEAM#web/ZONE#website.com: plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Vec<Step>);

/// One step of a [`Place`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To a row of the table; always the first step.
    Row(String),
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

impl Place {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A row of the table.
    pub(crate) fn row(key: &impl ToString) -> Self {
        Self(vec![Step::Row(key.to_string())])
    }

    /// The place of a key in this table.
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// The place of an item in this array.
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    /// The steps from the document's root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the file");
        }
        for (nth, step) in self.0.iter().enumerate() {
            match step {
                Step::Row(key) => f.write_str(key)?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = match nth.checked_sub(1).map(|before| &self.0[before]) {
                        None => "",
                        Some(Step::Row(_)) => ": ",
                        Some(_) => ".",
                    };
                    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                    if bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
