//! Where something is in a mapping file, or in a row of the table.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::rows::row_key::RowKey;

/// A path into a mapping file, such as `teams.web.mappings[0].source`, or into a row of the table, such as
/// `TEAM#web/ZONE#website.com: plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigPath(Vec<PathStep>);

/// One step of a [`ConfigPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// To a row of the table; always the first step.
    Row(String),
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl ConfigPath {
    /// The file itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a row: its partition and sort key.
    pub fn row(key: &RowKey) -> Self {
        Self(vec![PathStep::Row(key.text())])
    }

    /// The path of a key in this table.
    pub fn key(&self, key: &str) -> Self {
        self.then(PathStep::Key(key.to_owned()))
    }

    /// The path of an item in this list.
    pub fn index(&self, index: usize) -> Self {
        self.then(PathStep::Index(index))
    }

    /// The steps from the file's root, or from the row.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// The path as text.
    pub(crate) fn text(&self) -> String {
        match self.0.as_slice() {
            [PathStep::Row(key)] => key.clone(),
            _ => self.to_string(),
        }
    }

    fn then(&self, step: PathStep) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the file");
        }
        let mut previous: Option<&PathStep> = None;
        for step in &self.0 {
            match step {
                PathStep::Row(key) => f.write_str(key)?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Key(key) => {
                    let separator = match previous {
                        None => "",
                        Some(PathStep::Row(_)) => ": ",
                        Some(_) => ".",
                    };
                    let is_bare =
                        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                    if is_bare { write!(f, "{separator}{key}")? } else { write!(f, "{separator}{key:?}")? }
                }
            }
            previous = Some(step);
        }
        Ok(())
    }
}

impl Serialize for ConfigPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
