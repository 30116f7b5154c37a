//! One line of `doctor`.

use purge_router_aws::CallError;
use serde::Serialize;

use crate::print;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    Bad,
    /// The caller may not see it, or it could not be read.
    Unknown,
}

/// What was found of one part of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) state: State,
    /// The part, such as `table` or `bucket assets.website.com`.
    pub(super) what: String,
    pub(super) found: String,
    /// The command that repairs it, or says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Good, what: what.into(), found: found.into(), fix: None }
    }

    pub(super) fn bad(what: impl Into<String>, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Bad, what: what.into(), found: found.into(), fix: Some(fix.into()) }
    }

    pub(super) fn unknown(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Unknown, what: what.into(), found: found.into(), fix: None }
    }

    pub(super) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// What could not be read: nothing is known to be wrong with it.
    pub(super) fn unreadable(what: impl Into<String>, error: &CallError) -> Self {
        let found = match error.is_denied() {
            true => format!("you may not see it: {}", error.message),
            false => format!("can't be read: {error}"),
        };
        Self::unknown(what, found)
    }

    /// What only operators may look at, for a caller who names a team and so may have only its rights.
    pub(super) fn only_for_operators(what: impl Into<String>) -> Self {
        Self::unknown(what, "a team may not look at this: ask the operator")
    }

    /// What is not looked at.
    pub(super) fn skipped(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::unknown(what, format!("not looked at: {why}"))
    }

    pub(super) fn as_text(&self) -> String {
        let state = match self.state {
            State::Good => print::green("good   "),
            State::Bad => print::red("bad    "),
            State::Unknown => print::yellow("unknown"),
        };
        let (what, found) = (print::bold(print::escaped(&self.what)), print::escaped(&self.found));
        let fix = self.fix.as_deref().map(|fix| format!("\n        {} {}", print::dim("→"), print::escaped(fix)));
        format!("{state} {what}: {found}{}", fix.unwrap_or_default())
    }
}

/// Names in one line, of which the first three are enough to recognize what they are of.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        all => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_counted() {
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c", "d"]), "a, b, c, d");
        assert_eq!(listed(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
