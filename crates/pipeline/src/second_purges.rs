//! Queues the second purges of an event, after its first ones. Decision 40 says why it is done in this way.

use std::collections::HashSet;
use std::time::Duration;

use purge_router_core::names::TeamName;
use purge_router_core::{Origin, Plan, SecondPurge};

use crate::clock::{Clock, Timestamp};
use crate::delay_queue::{DelayQueue, Delayed};
use crate::report::{Report, Unfinished};

/// The longest that an event waits for the delay queue: other teams' messages may be in the same event.
const MAX_TIME: Duration = Duration::from_secs(5);

/// What is reserved before the deadline for queueing.
const RESERVE: Duration = Duration::from_secs(1);

/// How many messages are in memory at once.
const MESSAGES: usize = 1000;

/// When the batches of a plan must have ended, so that its second purges can still be queued.
pub fn sending_deadline(plan: &Plan, clock: &Clock, deadline: Timestamp) -> Timestamp {
    if plan.second_purges.is_empty() {
        return deadline;
    }
    let now = clock.now();
    let left = deadline - now;
    now + (left - RESERVE.min(left / 4))
}

/// Queues the second purges whose first ones were accepted, and returns the report with the origins of those that could
/// not be queued as failed: a retry purges and queues them again.
///
/// A retry purges only what is left, and queues the second purge of that.
pub async fn queue_second_purges<'p, Q: DelayQueue>(
    queue: Option<&Q>,
    mut report: Report<'p>,
    clock: &Clock,
    deadline: Timestamp,
) -> Report<'p> {
    let due = due(&report);
    let Some(queue) = queue else {
        if !due.is_empty() {
            tracing::warn!(changes = due.len(), "not purged a second time: there is no delay queue");
        }
        return report;
    };
    let end = clock.now() + MAX_TIME.min((deadline - clock.now()) / 2);
    let mut not_queued = Vec::new();
    for due in due.chunks(MESSAGES) {
        let results = send(queue, due, end - clock.now()).await;
        let results = due.iter().zip(results);
        not_queued.extend(results.filter_map(|(second, result)| Some(not_queued_of(second, result.err()?))));
    }
    log(due.len() - not_queued.len(), &not_queued);
    report.fail_unfinished(not_queued);
    report
}

async fn send(queue: &impl DelayQueue, due: &[&SecondPurge], time: Duration) -> Vec<Result<(), String>> {
    if time.is_zero() {
        return vec![Err("deadline exceeded".to_owned()); due.len()];
    }
    let delayed = |second: &&SecondPurge| Delayed {
        body: second.message(),
        team: second.team.clone(),
        delay: Duration::from_secs(second.after.into()),
    };
    queue.send(&due.iter().map(delayed).collect::<Vec<_>>(), time).await
}

fn not_queued_of(second: &SecondPurge, error: String) -> Unfinished {
    let team = second.team.clone();
    let error = format!("can't queue a second purge of team {team}: {error}");
    Unfinished { origin: second.change.origin.clone(), team, error }
}

fn log(queued: usize, not_queued: &[Unfinished]) {
    if queued > 0 {
        tracing::info!(changes = queued, "queued for a second purge");
    }
    if let Some(Unfinished { error, .. }) = not_queued.first() {
        tracing::warn!(changes = not_queued.len(), error, "can't queue second purges: their messages are retried");
    }
}

/// The second purges of which anything was accepted.
fn due<'p>(report: &Report<'p>) -> Vec<&'p SecondPurge> {
    let plan = report.plan;
    if plan.second_purges.is_empty() {
        return Vec::new();
    }
    let mut accepted: HashSet<(&Origin, &TeamName)> = HashSet::new();
    for outcome in &report.outcomes {
        let Some(batch) = plan.batches.get(outcome.batch) else { continue };
        let origins = outcome.accepted(batch).flat_map(|item| &item.origins);
        accepted.extend(origins.map(|origin| (origin, &batch.zone.team)));
    }
    let is_due = |second: &&SecondPurge| accepted.contains(&(&second.change.origin, &second.team));
    plan.second_purges.iter().filter(is_due).collect()
}

#[cfg(test)]
mod tests;
