//! What a check is.

use std::fmt;

use crate::clock::SimTime;
use crate::event::Entry;

/// Something that must hold. An error says what does not.
pub(crate) trait Check {
    /// Its name, as in its file's name.
    fn name(&self) -> &'static str;

    /// Looks at the next event.
    fn observe(&mut self, entry: &Entry) -> Result<(), String>;

    /// Looks back at the end of the run: all queues are empty, or the time is up.
    fn end(&mut self, _at: SimTime) -> Result<(), String> {
        Ok(())
    }
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name of the check.
    pub check: &'static str,
    /// What happened instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}
