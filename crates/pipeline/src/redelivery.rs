//! What becomes of the messages of an event that failed: they are deferred to the retry queue, or hidden there, or left to
//! their own queue. Decision 27 compares other ways.

mod lane;
mod permanent;

use std::collections::HashMap;

use indexmap::IndexSet;
use purge_router_core::names::TeamName;
use purge_router_core::{Message, Origin};

use self::lane::{Lane, hidden_for};
use self::permanent::permanently_failed;
use crate::clock::{Clock, Timestamp};
use crate::outcome::Status;
use crate::patience::Patience;
use crate::report::Report;
use crate::retry_queue::{Deferred, Hidden, RetryQueue};

/// The messages of one event, and where they go if they fail.
#[derive(Debug)]
pub struct Redelivery<'e, Q> {
    queue: Option<&'e Q>,
    clock: &'e Clock,
    lane: Lane,
    messages: HashMap<&'e str, &'e Message<'e>>,
}

impl<'e, Q: RetryQueue> Redelivery<'e, Q> {
    /// For the messages of one event; none for an event that is not from SQS.
    pub fn new(queue: Option<&'e Q>, messages: &'e [Message<'e>], clock: &'e Clock) -> Self {
        // All messages of one event are from one queue.
        let lane = match (messages.first(), queue) {
            (None, _) => Lane::Direct,
            (Some(_), None) => Lane::Only,
            (Some(message), Some(queue)) if queue.has_arn(&message.queue) => Lane::Retry,
            (Some(_), Some(_)) => Lane::First,
        };
        let messages = messages.iter().map(|message| (&*message.id, message)).collect();
        Self { queue, clock, lane, messages }
    }

    /// How long the event waits for zones in trouble, from now on.
    pub fn patience(&self, deadline: Timestamp) -> Patience {
        let receives = self.messages.values().map(|message| message.receives()).max();
        self.lane.patience(receives.unwrap_or(1), self.clock.now(), deadline)
    }

    /// Sends messages that a retry may purge to the retry queue, or hides them if they came from there. Returns the origins
    /// that are still to be reported as failed.
    pub async fn settle(&self, report: &Report<'_>, deadline: Timestamp) -> Vec<Origin> {
        let Some(queue) = self.queue else { return report.failed.clone() };
        match self.lane {
            Lane::Direct | Lane::Only => report.failed.clone(),
            Lane::First => self.defer(queue, report, deadline).await,
            Lane::Retry => {
                self.hide(queue, report, deadline).await;
                report.failed.clone()
            }
        }
    }

    /// Returns the origins that are not in the retry queue.
    async fn defer(&self, queue: &Q, report: &Report<'_>, deadline: Timestamp) -> Vec<Origin> {
        let permanent = permanently_failed(report);
        let teams = teams(report);
        let (origins, messages): (Vec<&Origin>, Vec<Deferred>) = report
            .failed
            .iter()
            .filter(|origin| !permanent.contains(origin))
            .filter_map(|origin| {
                let body = self.message(origin)?.body()?;
                let team = teams.get(origin).copied().flatten().cloned();
                Some((origin, Deferred { body, team }))
            })
            .unzip();
        if messages.is_empty() {
            return report.failed.clone();
        }
        let sent = self.clock.timeout_at(deadline, queue.send(&messages)).await;
        let sent = sent.unwrap_or_else(|_| vec![Err("deadline exceeded".to_owned()); messages.len()]);
        log(
            "deferred to the retry queue",
            "can't defer messages to the retry queue: their own queue redelivers them",
            &sent,
        );
        let deferred: IndexSet<&Origin> =
            origins.into_iter().zip(&sent).filter(|(_, sent)| sent.is_ok()).map(|(origin, _)| origin).collect();
        report.failed.iter().filter(|origin| !deferred.contains(origin)).cloned().collect()
    }

    async fn hide(&self, queue: &Q, report: &Report<'_>, deadline: Timestamp) {
        let hidden = |message: &Message<'_>| Hidden {
            receipt_handle: message.receipt_handle.to_string(),
            time: hidden_for(message.receives(), fastrand::f64()),
        };
        let messages: Vec<Hidden> =
            report.failed.iter().filter_map(|origin| Some(hidden(self.message(origin)?))).collect();
        if messages.is_empty() {
            return;
        }
        let hiding = self.clock.timeout_at(deadline, queue.hide(&messages)).await;
        let hiding = hiding.unwrap_or_else(|_| vec![Err("deadline exceeded".to_owned()); messages.len()]);
        log(
            "hidden until the next retry",
            "can't choose when messages are retried: the queue's own timeout counts",
            &hiding,
        );
    }

    fn message(&self, origin: &Origin) -> Option<&Message<'e>> {
        match origin {
            Origin::Message(id) => self.messages.get(&**id).copied(),
            Origin::Invocation => None,
        }
    }
}

/// The team of each origin that failed; none if several teams' batches failed.
fn teams<'r>(report: &'r Report<'_>) -> HashMap<&'r Origin, Option<&'r TeamName>> {
    let mut teams: HashMap<&Origin, Option<&TeamName>> = HashMap::new();
    let failed = report.outcomes.iter().filter(|outcome| outcome.status != Status::Purged);
    for outcome in failed {
        let Some(batch) = report.plan.batches.get(outcome.batch) else { continue };
        let team = Some(&batch.zone.team);
        for origin in &outcome.failed {
            teams.entry(origin).and_modify(|known| *known = known.filter(|known| Some(*known) == team)).or_insert(team);
        }
    }
    teams
}

fn log(done: &'static str, not_done: &'static str, results: &[Result<(), String>]) {
    let failed = results.iter().filter_map(|result| result.as_ref().err());
    let (count, first) = (failed.clone().count(), failed.clone().next());
    if results.len() > count {
        tracing::info!(messages = results.len() - count, "{done}");
    }
    if let Some(error) = first {
        tracing::warn!(messages = count, error, "{not_done}");
    }
}

#[cfg(test)]
mod tests;
