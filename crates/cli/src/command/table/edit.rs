//! One edit: what a file, or an earlier revision, would change in one partition.

use anyhow::bail;
use purge_router_aws::{Editor, PartitionSnapshot, Stamp};
use purge_router_config::{Checksum, Diff, DiffChecksum, LastPush, ProposedPush, Pulled, Rows};
use purge_router_core::names::TeamName;

use crate::print;

/// The change that a push would make to one partition.
pub(super) struct Edit {
    /// Whose partition it is; `None`: all teams' grants.
    pub(super) team: Option<TeamName>,
    /// The partition as it is in the table now.
    pub(super) partition: PartitionSnapshot,
    /// From the rows in the table to the rows after the push.
    pub(super) diff: Diff,
    /// From the rows after the last push to the rows in the table.
    pub(super) drift: Diff,
    /// The checksum of the rows after the push.
    pub(super) checksum: Checksum,
    /// The teams of `--team` that are not in the file: the push would remove their rows.
    pub(super) unnamed: Vec<TeamName>,
    /// The `pulled` line of the file, if it has one.
    pub(super) pulled: Option<Pulled>,
}

impl Edit {
    pub(super) async fn new(
        editor: &Editor,
        team: Option<TeamName>,
        partition: PartitionSnapshot,
        after: &Rows,
    ) -> anyhow::Result<Self> {
        if let Some(key) = partition.later_versions().next() {
            bail!("the row {key} is of a later version than this release writes; use a later release");
        }
        let drift = drift(editor, &partition).await;
        let diff = Diff::between(&partition.rows, after);
        Ok(Self { team, partition, diff, drift, checksum: Checksum::of(after), unnamed: Vec::new(), pulled: None })
    }

    /// The partition's name in messages: `team web` or `grants`.
    pub(super) fn name(&self) -> String {
        self.team.as_ref().map_or_else(|| "grants".to_owned(), |team| format!("team {team}"))
    }

    /// Whether there is anything to push: a difference, rows that were edited in the table, a push that was interrupted, or
    /// a stale copy of a grant.
    pub(super) fn needs_write(&self) -> bool {
        let is_pending = self.partition.pending().is_some();
        !self.diff.is_empty() || self.partition.is_edited() || is_pending || !self.partition.stale_copies.is_empty()
    }

    fn last(&self) -> Option<&Stamp> {
        self.partition.head.as_ref()?.last.as_ref()
    }

    /// What the push policy decides on.
    pub(super) fn proposed(&self) -> ProposedPush<'_> {
        let last = self.last();
        ProposedPush {
            before: &self.partition.rows,
            diff: &self.diff,
            revision: self.partition.revision,
            last: last.map(|last| LastPush { by: &last.by, at: &last.at, pulled: last.pulled.as_deref() }),
            pulled: self.pulled.as_ref(),
            unnamed: &self.unnamed,
        }
    }

    /// The difference to approve; `None` if there is none.
    pub(super) fn to_approve(&self) -> Option<DiffChecksum> {
        (!self.diff.is_empty()).then(|| self.approved(self.partition.revision, self.diff.checksum()))
    }

    /// The difference as it was when this was approved, if its push was started, or finished, and nobody wrote since.
    pub(super) fn to_approve_again(&self, approval: &str) -> Option<DiffChecksum> {
        let revision = self.partition.revision;
        let started = match self.partition.pending() {
            Some(started) => Some((revision, started)).filter(|(_, it)| it.document == self.checksum.to_string()),
            None => self.last().filter(|_| !self.needs_write()).map(|last| (revision.saturating_sub(1), last)),
        };
        match started.filter(|(_, started)| started.approval == approval && !self.partition.is_edited()) {
            Some((revision, started)) => Some(self.approved(revision, started.diff.clone())),
            None => self.to_approve(),
        }
    }

    fn approved(&self, revision: u64, checksum: String) -> DiffChecksum {
        DiffChecksum { partition: self.partition.id.to_string(), revision, checksum }
    }
}

/// What was edited in the table since the last push. While a push is in progress, it is not known what its rows were.
async fn drift(editor: &Editor, partition: &PartitionSnapshot) -> Diff {
    let Some(head) = partition.head.as_ref().filter(|head| head.pending.is_none() && partition.is_edited()) else {
        return Diff::default();
    };
    let reason = match editor.document(&partition.id, head.revision).await {
        Ok(Some(left)) => return Diff::between(&left, &partition.rows),
        Ok(None) => "it does not exist".to_owned(),
        Err(error) => error.to_string(),
    };
    print::warning(&format!(
        "rows of {} were edited since revision {}, but it is unknown which, because its document can't be read: {reason}",
        partition.id, head.revision
    ));
    Diff::default()
}
