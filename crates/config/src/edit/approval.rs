//! What an approval is for: differences that were shown, of one table and of given revisions.
//!
//! A push that was approved may be interrupted and repeated. Then its difference is smaller than what was approved, and
//! the approval is checked against the difference that the push began with.

use crate::edit::checksum::Checksum;
use crate::edit::diff::Diff;
use crate::edit::policy::Objection;
use crate::rows::row_key::Partition;

/// One of the differences that are approved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedDiff {
    /// The partition that it changes.
    pub partition: Partition,
    /// The newest revision before it. It makes the approval serve once: the same difference later has another revision.
    pub revision: u64,
    /// [`Diff::checksum`]
    pub checksum: Checksum,
}

/// What the table says about a push that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedPush {
    /// The checksum that was approved; `None` if the table does not say.
    pub approval: Option<Checksum>,
    /// The checksum of the difference when the push was started; `None` if there was none, or the table does not say.
    pub diff: Option<Checksum>,
    /// The checksum of the rows after the push; `None` if the table does not say.
    pub rows_after: Option<Checksum>,
}

/// What an approval is checked against in one partition.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalState<'p> {
    /// The partition that is edited.
    pub partition: &'p Partition,
    /// The newest revision in the table.
    pub revision: u64,
    /// The difference that would be written now.
    pub diff: &'p Diff,
    /// The checksum of the rows after that.
    pub rows_after: Checksum,
    /// The push that is in progress or was interrupted.
    pub pending: Option<StartedPush>,
    /// The push that made the newest revision.
    pub last: Option<StartedPush>,
    /// Whether rows were edited in the table since the last write of a push.
    pub is_edited: bool,
    /// Whether there is anything to write.
    pub needs_write: bool,
}

impl ApprovalState<'_> {
    /// The difference to approve now; `None` if there is none.
    pub fn current(&self) -> Option<ApprovedDiff> {
        (!self.diff.is_empty()).then(|| self.approved(self.revision, self.diff.checksum()))
    }

    /// The difference that a push began with, if this one repeats it; otherwise the current one.
    ///
    /// This push repeats another one if that one was started under this approval, and no row was edited since. Besides,
    /// that one is pending and leads to the same rows, or it is the last one and left nothing to write.
    pub fn as_started(&self, approval: &str) -> Option<ApprovedDiff> {
        let started = match self.pending {
            Some(pending) if pending.rows_after == Some(self.rows_after) => Some((self.revision, pending)),
            Some(_) => None,
            // The push made the newest revision, so its difference is based on the one before.
            None => self.last.filter(|_| !self.needs_write).map(|last| (self.revision.saturating_sub(1), last)),
        };
        let is_approved = |push: &StartedPush| push.approval.is_some_and(|checksum| checksum.to_string() == approval);
        match started.filter(|(_, push)| is_approved(push) && !self.is_edited) {
            Some((revision, StartedPush { diff: Some(checksum), .. })) => Some(self.approved(revision, checksum)),
            _ => self.current(),
        }
    }

    fn approved(&self, revision: u64, checksum: Checksum) -> ApprovedDiff {
        ApprovedDiff { partition: self.partition.clone(), revision, checksum }
    }
}

/// The checksum by which these differences are approved, in this table only; `None` if there is none.
pub fn approval_checksum(table: &str, diffs: &[ApprovedDiff]) -> Option<Checksum> {
    let mut texts = vec![table.to_owned()];
    for ApprovedDiff { partition, revision, checksum } in diffs {
        texts.extend([partition.to_string(), revision.to_string(), checksum.to_string()]);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    (!diffs.is_empty()).then(|| Checksum::of_texts(&texts))
}

/// Whether the approved differences are those to write: as they are now, or as they were when the push was started.
///
/// # Errors
/// [`Objection::NotApproved`] or [`Objection::NothingToApprove`]
pub fn check_approval(expected: &str, now: Option<Checksum>, as_started: Option<Checksum>) -> Result<(), Objection> {
    if [now, as_started].into_iter().flatten().any(|checksum| checksum.to_string() == expected) {
        return Ok(());
    }
    let expected = expected.to_owned();
    Err(match now {
        Some(found) => Objection::NotApproved { expected, found },
        None => Objection::NothingToApprove { expected },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use purge_router_core::names::TeamName;

    use super::*;
    use crate::rows::fields::{Fields, Rows};
    use crate::rows::row_key::RowKey;

    fn checksum(text: &str) -> Checksum {
        Checksum::of_texts(&[text])
    }

    #[test]
    fn only_what_was_approved_is_written() {
        let [a, b, c] = ["a", "b", "c"].map(checksum);
        let expected = a.to_string();
        assert_eq!(check_approval(&expected, Some(a), None), Ok(()));
        assert_eq!(check_approval(&expected, Some(b), Some(a)), Ok(()), "a push that was started is completed");
        let other = Objection::NotApproved { expected: expected.clone(), found: b };
        assert_eq!(check_approval(&expected, Some(b), Some(c)), Err(other));
        let none = Objection::NothingToApprove { expected: expected.clone() };
        assert_eq!(check_approval(&expected, None, None), Err(none));
    }

    #[test]
    fn an_approval_is_for_one_table_and_one_revision() {
        let partition = Partition::Team(TeamName::parse("web").unwrap());
        let diff = |revision| ApprovedDiff { partition: partition.clone(), revision, checksum: checksum("0") };
        let checksums = [
            approval_checksum("one", &[diff(1)]),
            approval_checksum("two", &[diff(1)]),
            approval_checksum("one", &[diff(2)]),
            approval_checksum("one", &[diff(1), diff(1)]),
        ];
        let distinct: BTreeSet<String> = checksums.iter().map(|checksum| checksum.unwrap().to_string()).collect();
        assert_eq!((distinct.len(), approval_checksum("one", &[])), (4, None));
    }

    /// What changes in a state → whether the difference is the one that the push was started with, and its revision.
    #[test]
    fn a_repeated_push_is_checked_against_the_difference_that_it_was_started_with() {
        let key = RowKey::Grant(TeamName::parse("web").unwrap());
        let rest = Diff::between(&Rows::new(), &Rows::from([(key, Fields::new())]));
        let none = Diff::default();
        let started = StartedPush {
            approval: Some(checksum("approval")),
            diff: Some(checksum("whole")),
            rows_after: Some(checksum("rows")),
        };
        let interrupted = ApprovalState {
            partition: &Partition::Grants,
            revision: 7,
            diff: &rest,
            rows_after: checksum("rows"),
            pending: Some(started),
            last: None,
            is_edited: false,
            needs_write: true,
        };
        let finished =
            ApprovalState { diff: &none, pending: None, last: Some(started), needs_write: false, ..interrupted };
        let unapproved = StartedPush { approval: None, ..started };
        let (whole, now) = (checksum("whole"), rest.checksum());
        for (what, state, expected) in [
            ("interrupted", interrupted, Some((7, whole))),
            ("edited since", ApprovalState { is_edited: true, ..interrupted }, Some((7, now))),
            ("leads to other rows", ApprovalState { rows_after: checksum("others"), ..interrupted }, Some((7, now))),
            ("another approval", ApprovalState { pending: Some(unapproved), ..interrupted }, Some((7, now))),
            ("finished", finished, Some((6, whole))),
            ("finished, and edited", ApprovalState { is_edited: true, needs_write: true, ..finished }, None),
            ("finished under another approval", ApprovalState { last: Some(unapproved), ..finished }, None),
            ("there is more to write", ApprovalState { diff: &rest, needs_write: true, ..finished }, Some((7, now))),
        ] {
            let approved = state.as_started(&checksum("approval").to_string());
            assert_eq!(approved.map(|diff| (diff.revision, diff.checksum)), expected, "{what}");
        }
    }
}
