//! One edit: what a file, or an earlier revision, would change in one partition.

use anyhow::bail;
use purge_router_aws::{PartitionSnapshot, PushRecord};
use purge_router_config::{ApprovalState, Checksum, Diff, LastPush, ProposedPush, Pulled, Rows, StartedPush};
use purge_router_core::names::TeamName;

use super::target::OpenTable;
use crate::print;

/// The change that a push would make to one partition.
pub(super) struct Edit {
    /// Whose partition it is; `None`: all teams' grants.
    pub(super) team: Option<TeamName>,
    /// The partition as it is in the table now.
    pub(super) snapshot: PartitionSnapshot,
    /// From the rows in the table to the rows after the push.
    pub(super) diff: Diff,
    /// From the rows after the last push to the rows in the table.
    pub(super) drift: Diff,
    /// The checksum of the rows after the push.
    pub(super) rows_after: Checksum,
    /// The teams of `--team` that are not in the file: the push would remove their rows.
    pub(super) removed_teams: Vec<TeamName>,
    /// The `pulled` line of the file, if it has one.
    pub(super) pulled: Option<Pulled>,
}

impl Edit {
    pub(super) async fn new(
        table: &OpenTable,
        team: Option<TeamName>,
        snapshot: PartitionSnapshot,
        after: &Rows,
    ) -> anyhow::Result<Self> {
        if let Some(key) = snapshot.later_versions().next() {
            bail!("the row {key} has a later version than this release supports; use a later release");
        }
        let drift = drift(table, &snapshot).await;
        let diff = Diff::between(&snapshot.rows, after);
        let rows_after = Checksum::of(after);
        Ok(Self { team, snapshot, diff, drift, rows_after, removed_teams: Vec::new(), pulled: None })
    }

    /// The partition's name in messages: `team web` or `grants`.
    pub(super) fn name(&self) -> String {
        self.team.as_ref().map_or_else(|| "grants".to_owned(), |team| format!("team {team}"))
    }

    /// Whether there is anything to push: a difference, rows that were edited in the table, a push that was
    /// interrupted, or a stale copy of a grant.
    pub(super) fn needs_write(&self) -> bool {
        let is_pending = self.snapshot.pending().is_some();
        !self.diff.is_empty()
            || self.snapshot.is_edited()
            || is_pending
            || !self.snapshot.teams_with_stale_copy.is_empty()
    }

    fn last(&self) -> Option<&PushRecord> {
        self.snapshot.head.as_ref()?.last.as_ref()
    }

    /// What the push policy decides on.
    pub(super) fn proposed(&self) -> ProposedPush<'_> {
        let last = self.last();
        ProposedPush {
            team: self.team.as_ref(),
            before: &self.snapshot.rows,
            diff: &self.diff,
            revision: self.snapshot.revision,
            last: last.map(|last| LastPush { by: &last.by, at: &last.at, pulled: last.pulled.as_deref() }),
            pulled: self.pulled.as_ref(),
            removed_teams: &self.removed_teams,
        }
    }

    /// What an approval of the push is checked against.
    pub(super) fn approval_state(&self) -> ApprovalState<'_> {
        ApprovalState {
            partition: &self.snapshot.partition,
            revision: self.snapshot.revision,
            diff: &self.diff,
            rows_after: self.rows_after,
            pending: self.snapshot.pending().map(started),
            last: self.last().map(started),
            is_edited: self.snapshot.is_edited(),
            needs_write: self.needs_write(),
        }
    }
}

fn started(record: &PushRecord) -> StartedPush {
    StartedPush { approval: record.approval, diff: record.diff, rows_after: record.rows_after }
}

/// What was edited in the table since the last push. While a push is in progress, it is not known what its rows were.
async fn drift(table: &OpenTable, snapshot: &PartitionSnapshot) -> Diff {
    let Some(head) = snapshot.head.as_ref().filter(|head| head.pending.is_none() && snapshot.is_edited()) else {
        return Diff::default();
    };
    let reason = match table.document(&snapshot.partition, head.revision).await {
        Ok(Some(pushed)) => return Diff::between(&pushed, &snapshot.rows),
        Ok(None) => "it does not exist".to_owned(),
        Err(error) => error.to_string(),
    };
    print::warning(&format!(
        "rows of {} were edited since revision {}, but it is unknown which, because its document can't be read: {reason}",
        snapshot.partition, head.revision
    ));
    Diff::default()
}
