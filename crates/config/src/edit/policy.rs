//! Whether a push may be written: a decision about what is known of it, without a table, a clock or a terminal.

use std::fmt;

use purge_router_core::names::TeamName;

use crate::edit::checksum::checksum_of_texts;
use crate::edit::diff::Diff;
use crate::edit::large_change::LargeChange;
use crate::file::pulled::Pulled;
use crate::rows::fields::Rows;

/// What is known of a push to one partition.
#[derive(Debug, Clone, Copy)]
pub struct ProposedPush<'p> {
    /// The rows that are in the table now.
    pub before: &'p Rows,
    /// What is to be written.
    pub diff: &'p Diff,
    /// The revision that is the newest now.
    pub revision: u64,
    /// Who made that revision, if that is known.
    pub last: Option<LastPush<'p>>,
    /// What the file was pulled from, if it says so.
    pub pulled: Option<&'p Pulled>,
    /// The teams that were asked for, and that the file does not name.
    pub unnamed: &'p [TeamName],
}

/// The push that made the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastPush<'p> {
    /// Who: an ARN if AWS knows it.
    pub by: &'p str,
    /// When, as RFC 3339 in UTC.
    pub at: &'p str,
    /// The line `pulled` of the file that was pushed.
    pub pulled: Option<&'p str>,
}

/// Why a push is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Others pushed since the file was pulled.
    #[error("{0}: pull again and redo your edit, or delete the `pulled` line to overwrite")]
    Stale(Stale),
    /// The file does not name these teams, which were asked for.
    #[error(
        "the file does not name {}, which would lose everything in the table: add --force if you mean that",
        teams(.0)
    )]
    RemovesTeams(Vec<TeamName>),
    /// More changes than usual.
    #[error(
        "{} of {} {}s would be changed or removed, more than 30 %: add --force if you mean that",
        .0.touched, .0.of, .0.kind
    )]
    LargeChange(LargeChange),
    /// Another difference was approved.
    #[error("the difference is now {found}, but {expected} was expected: review it again")]
    #[expect(missing_docs, reason = "the message says what they are")]
    NotApproved { expected: String, found: String },
    /// A difference was approved, and there is none.
    #[error("there is no difference, but {expected} was expected: was something else pushed?")]
    #[expect(missing_docs, reason = "the message says what it is")]
    NothingToApprove { expected: String },
}

/// A file that is older than the table. A table that was restored may be at an earlier revision than the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The revision that the file was pulled at.
    pub based_on: u64,
    /// The newest revision.
    pub current: u64,
    /// Who pushed that, and when.
    pub pushed: Option<(String, String)>,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { based_on, current, pushed } = self;
        write!(f, "your file is based on revision {based_on}; the table is at {current}")?;
        match pushed {
            Some((by, at)) => write!(f, " (pushed by {by} at {at})"),
            None => Ok(()),
        }
    }
}

impl ProposedPush<'_> {
    /// What others pushed since the file was pulled. The same file may be pushed again and again.
    pub fn stale(&self) -> Option<Stale> {
        let pulled = self.pulled?;
        let last_file = self.last.and_then(|last| last.pulled);
        if self.revision == pulled.revision || last_file == Some(pulled.to_string().as_str()) {
            return None;
        }
        let pushed = self.last.map(|last| (last.by.to_owned(), last.at.to_owned()));
        Some(Stale { based_on: pulled.revision, current: self.revision, pushed })
    }

    /// Whether it may be written. `force` overrules what a user may mean, but not that others pushed in the meantime.
    ///
    /// # Errors
    /// The first objection.
    pub fn review(&self, force: bool) -> Result<(), Objection> {
        if let Some(stale) = self.stale() {
            return Err(Objection::Stale(stale));
        }
        if force {
            return Ok(());
        }
        if !self.unnamed.is_empty() {
            return Err(Objection::RemovesTeams(self.unnamed.to_vec()));
        }
        match self.diff.large_change(self.before) {
            Some(large) => Err(Objection::LargeChange(large)),
            None => Ok(()),
        }
    }
}

/// `team web` or `teams web, zoo`.
fn teams(teams: &[TeamName]) -> String {
    let names: Vec<&str> = teams.iter().map(TeamName::as_str).collect();
    format!("team{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

/// One of the differences that are approved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffChecksum {
    /// The partition's name, such as `TEAM#web`.
    pub partition: String,
    /// The revision that it is based on: what was approved once is not approved again when the rows are what they were.
    pub revision: u64,
    /// The checksum of the difference.
    pub checksum: String,
}

/// The checksum by which these differences are approved, in this table only; `None` if there is none.
pub fn approval_checksum(table: &str, diffs: &[DiffChecksum]) -> Option<String> {
    let revisions: Vec<String> = diffs.iter().map(|diff| diff.revision.to_string()).collect();
    let mut texts = vec![table];
    for (diff, revision) in diffs.iter().zip(&revisions) {
        texts.extend([diff.partition.as_str(), revision, &diff.checksum]);
    }
    (!diffs.is_empty()).then(|| checksum_of_texts(&texts))
}

/// Whether what was approved is what there is to write: now, or when it was begun by a push that is completed.
///
/// # Errors
/// It is another difference, or there is none.
pub fn check_approval(expected: &str, now: Option<&str>, as_begun: Option<&str>) -> Result<(), Objection> {
    if [now, as_begun].contains(&Some(expected)) {
        return Ok(());
    }
    let expected = expected.to_owned();
    Err(match now {
        Some(found) => Objection::NotApproved { expected, found: found.to_owned() },
        None => Objection::NothingToApprove { expected },
    })
}

#[cfg(test)]
mod tests;
