//! How the failed messages of an event are retried.
//!
//! A message that a retry may purge is sent to the retry queue. There it is hidden after each failure, or replaced by one
//! that says what was purged of it. A message that no retry can purge is left to its own queue, which makes it a dead
//! letter after a few receives; in the retry queue, which allows many, it becomes one at once. Decisions 27 and 66 compare
//! other ways.

mod hiding;
mod lane;
mod permanent;
mod progress;
mod queued;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use purge_router_core::names::TeamName;
use purge_router_core::{Message, Origin, PurgedItems};

use self::hiding::Hiding;
use self::lane::Lane;
use self::permanent::permanently_failed;
use self::progress::Progress;
use self::queued::only_queued;
use crate::clock::{Clock, Timestamp};
use crate::metrics;
use crate::outcome::{FailedOrigin, Status};
use crate::patience::Patience;
use crate::report::Report;
use crate::retry_queue::{DeadLetter, Deferred, Hidden, RetryQueue};

/// The messages of one event, and where they are retried if they fail.
#[derive(Debug)]
pub struct Redelivery<'e, Q> {
    queue: Option<&'e Q>,
    clock: &'e Clock,
    started: Timestamp,
    lane: Lane,
    messages: HashMap<&'e str, &'e Message<'e>>,
}

impl<'e, Q: RetryQueue> Redelivery<'e, Q> {
    /// For the messages of one event; none for an event that is not from SQS.
    pub fn new(queue: Option<&'e Q>, messages: &'e [Message<'e>], clock: &'e Clock) -> Self {
        // All messages of one event are from one queue.
        let lane = match (messages.first(), queue) {
            (None, _) => Lane::Direct,
            (Some(_), None) => Lane::WithoutRetryQueue,
            (Some(message), Some(queue)) if queue.has_arn(&message.queue) => Lane::Retry,
            (Some(_), Some(_)) => Lane::First,
        };
        let messages = messages.iter().map(|message| (&*message.id, message)).collect();
        Self { queue, clock, started: clock.now(), lane, messages }
    }

    /// How long the event waits for its purges, from now on.
    pub fn patience(&self, deadline: Timestamp) -> Patience {
        let receives = self.messages.values().map(|message| message.receives()).max();
        self.lane.patience(receives.unwrap_or(1), self.clock.now(), deadline)
    }

    /// Whether what fails is retried within seconds, by a retry queue.
    pub fn is_soon(&self) -> bool {
        matches!(self.lane, Lane::First | Lane::Retry)
    }

    /// Arranges for failed messages to be retried. Returns the origins that are to be reported as failed, so that their
    /// own queue delivers them again.
    pub async fn redeliver(&self, report: &Report<'_>, deadline: Timestamp) -> Vec<Origin> {
        let moved = match (self.lane, self.queue) {
            // Without the id of its message, a failure is that of the whole invocation: all of it is delivered again.
            _ if report.failed.contains(&Origin::Invocation) => HashSet::new(),
            (Lane::First, Some(queue)) => self.defer(queue, report, deadline).await,
            (Lane::Retry, Some(queue)) => self.send_and_hide(queue, report, deadline).await,
            _ => HashSet::new(),
        };
        report.failed.iter().filter(|origin| !moved.contains(origin)).cloned().collect()
    }

    /// Sends messages that a retry may purge to the retry queue. Returns the origins of those that it took.
    async fn defer<'r>(&self, queue: &Q, report: &'r Report<'_>, deadline: Timestamp) -> HashSet<&'r Origin> {
        let permanent = permanently_failed(report);
        let retried = report.failed.iter().filter(|origin| !permanent.contains(origin));
        let progress = Progress::of(report);
        let purged = |origin: &&'r Origin| Some(progress.with_earlier(origin, self.message(origin)?));
        let deferred = retried.filter_map(|origin| Some((origin, purged(&origin)?, Duration::ZERO)));
        let sent = self.send(queue, deferred.collect(), report, deadline).await;
        log_count("deferred to the retry queue", sent.len());
        sent
    }

    /// Sends messages to the retry queue, each with what was purged of it, and after its delay. Returns the origins of those
    /// that the queue took.
    async fn send<'r>(
        &self,
        queue: &Q,
        messages: Vec<(&'r Origin, PurgedItems, Duration)>,
        report: &'r Report<'_>,
        deadline: Timestamp,
    ) -> HashSet<&'r Origin> {
        let teams = teams(report);
        let deferred = |(origin, purged, delay): (&'r Origin, PurgedItems, Duration)| {
            let body = self.message(origin)?.body()?.to_owned();
            Some((origin, Deferred { body, purged, team: teams.get(origin).copied().flatten().cloned(), delay }))
        };
        let (origins, messages): (Vec<&Origin>, Vec<Deferred>) = messages.into_iter().filter_map(deferred).unzip();
        if messages.is_empty() {
            return HashSet::new();
        }
        let sent = queue.defer(&messages, deadline - self.clock.now()).await;
        log_failed("can't defer messages to the retry queue: their own queue redelivers them", &sent);
        succeeded(origins, &sent)
    }

    /// Sends messages that no retry can purge to the dead-letter queue, and those of which something was purged to the retry
    /// queue once more. Hides the others and those that were not taken. Returns the origins of those that were taken.
    async fn send_and_hide<'r>(&self, queue: &Q, report: &'r Report<'_>, deadline: Timestamp) -> HashSet<&'r Origin> {
        let (permanent, queued, progress) = (permanently_failed(report), only_queued(report), Progress::of(report));
        let (mut partly_purged, mut hidden) = (Vec::new(), Vec::new());
        for origin in report.failed.iter().filter(|origin| !permanent.contains(origin)) {
            let Some(message) = self.message(origin) else { continue };
            let hiding = if queued.contains(origin) { Hiding::Queued } else { Hiding::Failed };
            let purged = progress.with_earlier(origin, message);
            match purged.len() > message.purged_items().len() {
                true => partly_purged.push((origin, purged, hiding)),
                false => hidden.push((origin, hiding)),
            }
        }
        let not_hidden = permanent.iter().map(|origin| (*origin, Hiding::Failed));
        let not_hidden = not_hidden.chain(partly_purged.iter().map(|(origin, _, hiding)| (*origin, *hiding)));
        let not_hidden: Vec<(&Origin, Hiding)> = not_hidden.collect();
        let replacements = partly_purged.into_iter().filter_map(|(origin, purged, hiding)| {
            let message = self.message(origin)?;
            Some((origin, purged, self.time(message, hiding)))
        });
        let dead_letters = self.send_dead_letters(queue, permanent.into_iter().collect(), deadline);
        let sent = self.send(queue, replacements.collect(), report, deadline);
        let (dead_letters, sent, ()) = tokio::join!(dead_letters, sent, self.hide(queue, hidden, deadline));
        log_count("purged in part: the rest is sent to the retry queue once more", sent.len());
        let moved: HashSet<&Origin> = dead_letters.into_iter().chain(sent).collect();
        let not_moved = not_hidden.into_iter().filter(|(origin, _)| !moved.contains(origin));
        self.hide(queue, not_moved.collect(), deadline).await;
        moved
    }

    async fn send_dead_letters<'r>(
        &self,
        queue: &Q,
        origins: Vec<&'r Origin>,
        deadline: Timestamp,
    ) -> HashSet<&'r Origin> {
        let dead_letter = |origin: &'r Origin| {
            let message = self.message(origin)?;
            Some((origin, DeadLetter { body: message.body()?.to_owned(), message_id: message.id.to_string() }))
        };
        let (origins, messages): (Vec<&Origin>, Vec<DeadLetter>) = origins.into_iter().filter_map(dead_letter).unzip();
        if messages.is_empty() {
            return HashSet::new();
        }
        let sent = queue.send_dead_letters(&messages, deadline - self.clock.now()).await;
        for (DeadLetter { message_id, .. }, _) in messages.iter().zip(&sent).filter(|(_, sent)| sent.is_ok()) {
            tracing::warn!(origin = message_id, "sent to the dead-letter queue: no retry can purge it");
        }
        log_failed("can't send messages to the dead-letter queue: they are retried", &sent);
        succeeded(origins, &sent)
    }

    async fn hide(&self, queue: &Q, origins: Vec<(&Origin, Hiding)>, deadline: Timestamp) {
        let hidden = |(origin, hiding): (_, Hiding)| {
            let message = self.message(origin)?;
            Some(Hidden { receipt_handle: message.receipt_handle.to_string(), time: self.time(message, hiding) })
        };
        let messages: Vec<Hidden> = origins.into_iter().filter_map(hidden).collect();
        if messages.is_empty() {
            return;
        }
        let hiding = queue.hide(&messages, deadline - self.clock.now()).await;
        log_count("hidden until the next retry", hiding.iter().filter(|result| result.is_ok()).count());
        log_failed("can't choose when messages are retried: the queue's own timeout counts", &hiding);
    }

    /// How long a message waits for its next retry. Without a `SentTimestamp`, it is taken for a new one.
    fn time(&self, message: &Message<'_>, hiding: Hiding) -> Duration {
        let age = message.sent_at().map_or(Duration::ZERO, |sent_at| metrics::age(self.clock, sent_at));
        hiding.after(age, message.receives(), self.clock.now() - self.started, fastrand::f64())
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
    let mut add = |origin: &'r Origin, team: &'r TeamName| {
        let entry = teams.entry(origin);
        entry.and_modify(|known| *known = known.filter(|known| *known == team)).or_insert(Some(team));
    };
    let failed = report.outcomes.iter().filter(|outcome| outcome.status != Status::Purged);
    for outcome in failed {
        let Some(batch) = report.plan.batches.get(outcome.batch) else { continue };
        outcome.failed.iter().for_each(|FailedOrigin { origin, .. }| add(origin, &batch.zone.team));
    }
    report.unfinished.iter().for_each(|it| add(&it.origin, &it.team));
    teams
}

fn succeeded<'r>(origins: Vec<&'r Origin>, results: &[Result<(), String>]) -> HashSet<&'r Origin> {
    origins.into_iter().zip(results).filter(|(_, result)| result.is_ok()).map(|(origin, _)| origin).collect()
}

fn log_count(done: &'static str, messages: usize) {
    if messages > 0 {
        tracing::info!(messages, "{done}");
    }
}

fn log_failed(not_done: &'static str, results: &[Result<(), String>]) {
    let failed: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    if let Some(error) = failed.first() {
        tracing::warn!(messages = failed.len(), error, "{not_done}");
    }
}

#[cfg(test)]
mod tests;
