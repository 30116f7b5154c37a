//! Whether a push may be written: a decision about what is known of it, without a table, a clock or a terminal.

use std::fmt;

use purge_router_core::names::TeamName;

use crate::edit::checksum::Checksum;
use crate::edit::diff::Diff;
use crate::edit::large_change::{LargeChange, RowKind};
use crate::file::pulled::Pulled;
use crate::rows::fields::Rows;

/// What is known of a push to one partition.
#[derive(Debug, Clone, Copy)]
pub struct ProposedPush<'p> {
    /// The team whose rows are pushed; `None`: the grants of all teams.
    pub team: Option<&'p TeamName>,
    /// The rows that are in the table now.
    pub before: &'p Rows,
    /// The difference that the push would write.
    pub diff: &'p Diff,
    /// The newest revision in the table.
    pub revision: u64,
    /// The push that made that revision; `None` if the table does not say.
    pub last: Option<LastPush<'p>>,
    /// The `pulled` line of the file, if it has one.
    pub pulled: Option<&'p Pulled>,
    /// The teams of `--team` that are not in the file: the push would remove their rows.
    pub removed_teams: &'p [TeamName],
}

/// The push that made the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastPush<'p> {
    /// The user who pushed: an ARN if AWS knows it.
    pub by: &'p str,
    /// The time of the push, as RFC 3339 in UTC.
    pub at: &'p str,
    /// The `pulled` line of the file that was pushed, as the table has it.
    pub pulled: Option<&'p str>,
}

/// Why a push is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Others pushed since the file was pulled.
    #[error("{stale}: pull again and redo your edit, or delete the `pulled` line {} to overwrite", place(team.as_ref()))]
    #[expect(missing_docs, reason = "they are those of the push")]
    Stale { stale: Stale, team: Option<TeamName> },
    /// The file does not name these teams, which were asked for.
    #[error(
        "{} not in the file, so this push would remove all {} rows from the table: add --force if you mean that",
        teams_are(.0), if .0.len() == 1 { "its" } else { "their" }
    )]
    RemovesTeams(Vec<TeamName>),
    /// More changes than usual.
    #[error("{}: add --force if you mean that", large_change(.0))]
    LargeChange(LargeChange),
    /// The approved difference is another one.
    #[error("the difference is now {found}, but {expected} was expected: review it again")]
    #[expect(missing_docs, reason = "the message says what they are")]
    NotApproved { expected: String, found: Checksum },
    /// A difference was approved, but the table is already what the push would make it.
    #[error("nothing to change, but the difference {expected} was expected: was something else pushed?")]
    #[expect(missing_docs, reason = "the message says what it is")]
    NothingToApprove { expected: String },
}

/// A file that was not pulled from the newest revision. After a restore, the table may be at an earlier revision than
/// the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The newest revision when the file was pulled.
    pub based_on: u64,
    /// The newest revision now.
    pub current: u64,
    /// The user who pushed the newest revision, and the time; `None` if the table does not say.
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
    /// What others pushed since the file was pulled.
    ///
    /// A file stays fresh after its own push: if the newest revision was pushed from the same pulled file, nothing of
    /// others would be lost.
    pub fn stale(&self) -> Option<Stale> {
        let pulled = self.pulled?;
        let is_newest = self.revision == pulled.revision;
        let is_own_push = self.last.and_then(|last| last.pulled) == Some(pulled.to_string().as_str());
        if is_newest || is_own_push {
            return None;
        }
        let pushed = self.last.map(|last| (last.by.to_owned(), last.at.to_owned()));
        Some(Stale { based_on: pulled.revision, current: self.revision, pushed })
    }

    /// Whether it may be written. `force` allows removed teams and large changes, but not to overwrite what others
    /// pushed.
    ///
    /// # Errors
    /// The first objection.
    pub fn review(&self, force: bool) -> Result<(), Objection> {
        if let Some(stale) = self.stale() {
            return Err(Objection::Stale { stale, team: self.team.cloned() });
        }
        if force {
            return Ok(());
        }
        if !self.removed_teams.is_empty() {
            return Err(Objection::RemovesTeams(self.removed_teams.to_vec()));
        }
        match self.diff.large_change(self.before) {
            Some(large) => Err(Objection::LargeChange(large)),
            None => Ok(()),
        }
    }
}

fn large_change(LargeChange { kind, touched, of }: &LargeChange) -> String {
    match of {
        1 if *kind == RowKind::Grant => "this would remove the last grant".to_owned(),
        1 => format!("this would remove the team's last {kind}"),
        _ => format!("{touched} of {of} {kind}s would be changed or removed, more than 30 %"),
    }
}

/// Where the file has the `pulled` line of the team, or of the grants.
fn place(team: Option<&TeamName>) -> String {
    team.map_or_else(|| "at the top".to_owned(), |team| format!("in [teams.{team}]"))
}

/// `team web is` or `teams web, zoo are`.
fn teams_are(teams: &[TeamName]) -> String {
    let names: Vec<&str> = teams.iter().map(TeamName::as_str).collect();
    match names[..] {
        [name] => format!("team {name} is"),
        _ => format!("teams {} are", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
