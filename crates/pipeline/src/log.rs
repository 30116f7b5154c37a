//! The log lines of an event. Names of messages and fields are an interface: operators search for them.

use std::time::Duration;

use indexmap::IndexSet;
use purge_router_cloudflare::redact;
use purge_router_core::names::EnvironmentId;
use purge_router_core::{Batch, Origin, Plan, Rejected, RejectionKind, Unchanged, Unmatched};

use crate::outcome::{Outcome, Status};
use crate::report::Report;

/// How many failed origins a line names.
const MAX_ORIGINS: usize = 10;

/// One line for each record that leads to no batch.
pub(crate) fn records(plan: &Plan) {
    for Rejected { origin, kind, reason } in &plan.rejected {
        let reason = &*redact(reason);
        match kind {
            RejectionKind::Malformed | RejectionKind::Transient => tracing::warn!(%origin, reason, "rejected"),
            RejectionKind::Unpurgeable => tracing::warn!(%origin, reason, "unpurgeable"),
        }
    }
    for Unmatched { bucket, key, .. } in &plan.unmatched {
        tracing::info!(bucket, key = &*redact(key), "unmatched");
    }
    for Unchanged { team, bucket, key, etag } in &plan.unchanged {
        tracing::info!(%team, %bucket, key = &*redact(key), etag = &*redact(etag), "unchanged");
    }
}

/// What became of a batch. A failed one names its failed origins, so that a dead letter can be found by its message id.
pub(crate) fn batch(batch: &Batch, outcome: &Outcome, duration: Duration) {
    let (team, zone) = (batch.zone.team.as_str(), batch.zone.domain.as_str());
    let environment = batch.environment.as_ref().map(EnvironmentId::as_str);
    let (method, items) = (batch.method().field(), batch.items().len());
    let milliseconds = duration.as_millis() as u64;
    let Outcome { attempts, ray, error, .. } = outcome;
    let status = outcome.status.as_str();
    if outcome.status == Status::Purged {
        let latency = outcome.latency.map(|latency| latency.as_millis() as u64);
        tracing::info!(
            team,
            zone,
            environment,
            method,
            items,
            outcome = status,
            attempts,
            milliseconds,
            latency,
            ray,
            "batch"
        );
    } else {
        let origins = first_origins(outcome.failed.iter().map(|failed| &failed.origin));
        let untried = Some(outcome.untried_items).filter(|items| *items > 0);
        tracing::warn!(
            team,
            zone,
            environment,
            method,
            items,
            outcome = status,
            attempts,
            milliseconds,
            ray,
            error,
            untried,
            origins,
            "batch"
        );
    }
}

/// The whole event in numbers.
pub(crate) fn event(report: &Report<'_>, duration: Duration) {
    let Report { plan, outcomes, failed, .. } = report;
    let rejected = plan.rejected.iter().filter(|rejected| rejected.kind.is_failure()).count();
    let unpurgeable = Some(plan.rejected.len() - rejected).filter(|count| *count > 0);
    tracing::info!(
        changes = plan.changes,
        ignored = plan.ignored.len(),
        rejected,
        unpurgeable,
        unmatched = plan.unmatched.len(),
        unchanged = Some(plan.unchanged.len()).filter(|count| *count > 0),
        batches = plan.batches.len(),
        purged = outcomes.iter().filter(|outcome| outcome.status == Status::Purged).count(),
        failed = failed.len(),
        milliseconds = duration.as_millis() as u64,
        "event"
    );
}

/// The first ten different origins, and how many more there are.
fn first_origins<'o>(origins: impl Iterator<Item = &'o Origin>) -> String {
    let origins: IndexSet<&Origin> = origins.collect();
    let first: Vec<String> = origins.iter().take(MAX_ORIGINS).map(ToString::to_string).collect();
    match origins.len().saturating_sub(MAX_ORIGINS) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_origins_are_named_and_the_others_counted() {
        let origins = |count: usize| -> Vec<Origin> {
            (0..count).flat_map(|index| [index, 0]).map(|index| Origin::Message(format!("m{index}").into())).collect()
        };
        assert_eq!(first_origins(origins(2).iter()), "m0, m1");
        assert_eq!(first_origins(origins(10).iter()), "m0, m1, m2, m3, m4, m5, m6, m7, m8, m9");
        assert_eq!(first_origins(origins(13).iter()), "m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 3 more");
        assert_eq!(first_origins([&Origin::Invocation].into_iter()), "invocation");
    }
}
