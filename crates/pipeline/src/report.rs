//! A plan with its outcomes, and which origins failed.

use indexmap::IndexSet;
use purge_router_cloudflare::redact;
use purge_router_core::{Origin, Plan, Zone};
use serde::Serialize;

use crate::outcome::{Outcome, Status};

/// A plan with its outcomes: what `run` prints, and what the function answers from.
#[derive(Debug, Serialize)]
pub struct Report<'p> {
    /// The plan that was executed.
    #[serde(flatten)]
    pub plan: &'p Plan,
    /// One outcome per batch, in the plan's order.
    pub outcomes: Vec<Outcome>,
    /// The failed origins, each once: those of rejections that are failures, and of batches that were not purged.
    pub failed: Vec<Origin>,
}

impl<'p> Report<'p> {
    /// Joins a plan and its outcomes.
    pub fn new(plan: &'p Plan, outcomes: Vec<Outcome>) -> Self {
        let not_purged = outcomes.iter().flat_map(|outcome| &outcome.failed);
        let failed: IndexSet<&Origin> = plan.failed_origins().into_iter().chain(not_purged).collect();
        let failed = failed.into_iter().cloned().collect();
        Self { plan, outcomes, failed }
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
        let reasons: Vec<String> = rejected.chain(failed).collect();
        match &reasons[..] {
            [] => "nothing failed".to_owned(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first}, and {} more: see the log", rest.len()),
        }
    }
}
