//! A plan with its outcomes, and which origins failed.

use std::collections::HashSet;

use indexmap::IndexSet;
use purge_router_cloudflare::redact;
use purge_router_core::names::TeamName;
use purge_router_core::{Batch, Origin, Plan, Zone};
use serde::Serialize;

use crate::outcome::{Outcome, Status};

/// A plan with its outcomes: what `run` prints, and what the function answers from.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    /// The plan that was executed.
    #[serde(flatten)]
    pub plan: &'p Plan,
    /// One outcome per batch that ended, in the plan's order. Without a stop, every batch ends.
    pub outcomes: Vec<Outcome>,
    /// The failed origins, each once: those of rejections that are failures, and of batches that were not purged, or did
    /// not end, and of what is unfinished.
    pub failed: Vec<Origin>,
    /// What could not be done after the batches.
    #[serde(skip)]
    pub unfinished: Vec<Unfinished>,
}

/// Something that had to be done after a change was purged, and could not: a retry purges it again, and does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Where the change came from.
    pub origin: Origin,
    /// Whose it is.
    pub team: TeamName,
    /// What can't be done, and why.
    pub error: String,
}

impl<'p> Report<'p> {
    /// Joins a plan and its outcomes.
    pub fn new(plan: &'p Plan, outcomes: Vec<Outcome>) -> Self {
        let not_purged = outcomes.iter().flat_map(|outcome| &outcome.failed).map(|failed| &failed.origin);
        let items = unended(plan, &outcomes).flat_map(|(_, batch)| batch.items());
        let not_ended = items.flat_map(|item| &item.origins);
        let failed: IndexSet<&Origin> = plan.failed_origins().into_iter().chain(not_purged).chain(not_ended).collect();
        let failed = failed.into_iter().cloned().collect();
        Self { plan, outcomes, failed, unfinished: Vec::new() }
    }

    /// Adds the origins of what is unfinished to those that failed.
    pub(crate) fn fail_unfinished(&mut self, unfinished: Vec<Unfinished>) {
        let known: HashSet<&Origin> = self.failed.iter().collect();
        let origins: IndexSet<&Origin> = unfinished.iter().map(|it| &it.origin).collect();
        let new: Vec<Origin> = origins.into_iter().filter(|origin| !known.contains(origin)).cloned().collect();
        self.failed.extend(new);
        self.unfinished.extend(unfinished);
    }

    /// The batches that were stopped before they ended, and their positions in the plan. They may be purged or not.
    pub fn stopped(&self) -> Vec<(usize, &'p Batch)> {
        unended(self.plan, &self.outcomes).collect()
    }

    /// Why origins failed, on one line and without any token: the first reason, and how many more there are.
    pub fn reason(&self) -> String {
        let rejected = self.plan.rejected.iter().filter(|rejected| rejected.kind.is_failure());
        let rejected = rejected.map(|rejected| redact(&rejected.reason).into_owned());
        let failed = self.outcomes.iter().filter(|outcome| outcome.status != Status::Purged).filter_map(|outcome| {
            let Zone { team, domain, .. } = self.plan.batches.get(outcome.batch)?.zone.as_ref();
            let error = outcome.error.as_deref().unwrap_or_default();
            Some(format!("{domain} of team {team}: {}: {error}", outcome.status.as_str()))
        });
        let unfinished = self.unfinished.iter().map(|it| redact(&it.error).into_owned());
        let reasons: Vec<String> = rejected.chain(failed).chain(unfinished).collect();
        match &reasons[..] {
            [] => "nothing failed".to_owned(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}, and {} more: see the log", rest.len()),
        }
    }
}

fn unended<'p>(plan: &'p Plan, outcomes: &[Outcome]) -> impl Iterator<Item = (usize, &'p Batch)> {
    let ended: HashSet<usize> = outcomes.iter().map(|outcome| outcome.batch).collect();
    plan.batches.iter().enumerate().filter(move |(index, _)| !ended.contains(index))
}

#[cfg(test)]
mod tests {
    use purge_router_core::{Rejected, RejectionKind};

    use super::*;
    use crate::outcome::{FailedOrigin, FailureKind};
    use crate::test_support::plan_of;

    fn message(id: &str) -> Origin {
        Origin::Message(id.into())
    }

    fn rejected(id: &str, kind: RejectionKind) -> Rejected {
        Rejected { origin: message(id), kind, reason: format!("{kind:?}") }
    }

    fn outcome(status: Status, failed: &[&str]) -> Outcome {
        let failed = failed.iter().map(|id| FailedOrigin { origin: message(id), kind: FailureKind::Transient });
        let error = (status != Status::Purged).then(|| "because".to_owned());
        Outcome { status, error, failed: failed.collect(), ..Outcome::new(0) }
    }

    #[test]
    fn each_failed_origin_is_named_once_and_what_is_unpurgeable_is_done() {
        let rejected = [
            rejected("a", RejectionKind::Malformed),
            rejected("b", RejectionKind::Transient),
            rejected("c", RejectionKind::Unpurgeable),
        ];
        let plan = Plan { rejected: rejected.into(), ..plan_of(1) };
        let outcomes = vec![outcome(Status::Unreachable, &["d", "a", "d"]), outcome(Status::Purged, &[])];
        let report = Report::new(&plan, outcomes);
        assert_eq!(report.failed, ["a", "b", "d"].map(message));
        assert_eq!(report.reason(), "Malformed, and 2 more: see the log");
    }

    #[test]
    fn the_only_reason_is_given_whole() {
        let plan = plan_of(1);
        let report = Report::new(&plan, vec![outcome(Status::Unreachable, &["m-0"])]);
        assert_eq!(report.reason(), "red.com of team red: unreachable: because");
        assert_eq!(Report::new(&plan, vec![outcome(Status::Purged, &[])]).reason(), "nothing failed");
    }

    #[test]
    fn no_token_is_in_a_reason() {
        let token = format!("cfut_{}", "a".repeat(40));
        let reason = format!("a token, {token}");
        let rejected = Rejected { origin: message("a"), kind: RejectionKind::Malformed, reason };
        let plan = Plan { rejected: vec![rejected], ..plan_of(1) };
        let reason = Report::new(&plan, vec![]).reason();
        assert!(reason.starts_with("a token, ") && !reason.contains(&token), "{reason}");
    }
}
