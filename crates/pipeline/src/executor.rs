//! Sends a plan's batches: teams and zones side by side, each batch until it is settled or the time is over.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use purge_router_cloudflare::{Accepted, Client, Meaning, Refusal, redact};
use purge_router_core::limits::LimitClass;
use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Batch, Plan, Rejected, Unmatched, Zone};
use tokio::sync::{Mutex, OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::backoff::Backoff;
use crate::limits::RateLimits;
use crate::meter;
use crate::outcome::{Outcome, Report, Status};
use crate::pause::{Gate, Pass, Pauses, Trials};
use crate::store::{Freshness, TokenError, TokenStore};
use crate::zone_token::ZoneToken;

/// How long Cloudflare blocks all calls that were too many, where it does not say.
const GLOBAL_BLOCK: Duration = Duration::from_secs(300);

/// How long to wait before a refused token is tried once more: good ones were seen refused for a moment.
const PASSING: Duration = Duration::from_millis(100);

/// What may be set of an executor.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The longest time for one request.
    pub request_timeout: Duration,
    /// How many requests of one limit class one zone may have under way.
    pub requests_per_zone: usize,
    /// The waits between tries.
    pub backoff: Backoff,
    /// How long a token is left alone that was refused for good.
    pub token_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            requests_per_zone: 8,
            backoff: Backoff::default(),
            token_pause: Duration::from_secs(5),
        }
    }
}

/// Executes plans. It may be shared, and should live as long as its process: its rate limits outlast a plan.
#[derive(Debug)]
pub struct Executor<T> {
    client: Client,
    tokens: T,
    limits: RateLimits,
    pauses: Pauses,
    settings: Settings,
}

impl<T: TokenStore> Executor<T> {
    /// An executor with this client, these tokens and limits.
    pub fn new(client: Client, tokens: T, limits: RateLimits, settings: Settings) -> Self {
        Self { client, tokens, limits, pauses: Pauses::new(settings.token_pause), settings }
    }

    /// Executes a plan, logs what became of its records, and reports.
    pub async fn run<'p>(&self, plan: &'p Plan, deadline: Instant) -> Report<'p> {
        let start = Instant::now();
        for Rejected { origin, reason, .. } in &plan.rejected {
            tracing::warn!(%origin, reason = &*redact(reason), "rejected");
        }
        for Unmatched { bucket, key } in &plan.unmatched {
            tracing::info!(bucket, key = &*redact(key), "unmatched");
        }
        let report = Report::new(plan, self.execute(plan, deadline).await);
        meter::event(plan, &report.outcomes);
        tracing::info!(
            changes = plan.changes,
            ignored = plan.ignored.len(),
            rejected = plan.rejected.len(),
            unmatched = plan.unmatched.len(),
            batches = plan.batches.len(),
            purged = report.outcomes.iter().filter(|outcome| outcome.status == Status::Purged).count(),
            failed = report.failed.len(),
            milliseconds = start.elapsed().as_millis() as u64,
            "event"
        );
        report
    }

    /// Sends every batch; what is not settled at the deadline failed. One outcome per batch, in the plan's order.
    pub async fn execute(&self, plan: &Plan, deadline: Instant) -> Vec<Outcome> {
        let mut ways: BTreeMap<(&TeamName, &Hostname), Way<'_, T>> = BTreeMap::new();
        for batch in &plan.batches {
            let zone = batch.zone.as_ref();
            ways.entry((&zone.team, &zone.domain)).or_insert_with(|| {
                let gate = self.pauses.gate(zone);
                Way {
                    executor: self,
                    zone,
                    gate,
                    trial: Mutex::new(None),
                    trials: self.pauses.trials(zone),
                    may_go: OnceCell::new(),
                    slot_of_team: std::sync::Mutex::default(),
                    token: ZoneToken::new(&self.tokens, zone, gate == Gate::Ajar),
                    slots_for_urls: Semaphore::new(self.settings.requests_per_zone),
                    slots_for_requests: Semaphore::new(self.settings.requests_per_zone),
                    deadline,
                }
            });
        }
        let mut running: FuturesUnordered<_> = plan
            .batches
            .iter()
            .enumerate()
            .map(|(nth, batch)| ways[&(&batch.zone.team, &batch.zone.domain)].settle(nth, batch.clone()))
            .collect();
        let mut outcomes = Vec::with_capacity(plan.batches.len());
        while let Some(outcome) = running.next().await {
            outcomes.push(outcome);
        }
        outcomes.sort_by_key(|outcome| outcome.batch);
        outcomes
    }
}

/// What the batches of one zone need on their way.
struct Way<'e, T> {
    executor: &'e Executor<T>,
    zone: &'e Zone,
    /// Whether the token may be used, and where one request tries it for all, what became of that.
    gate: Gate,
    trial: Mutex<Option<bool>>,
    trials: Arc<Trials>,
    may_go: OnceCell<bool>,
    /// What the zone has of its team's slots while its token is tried.
    slot_of_team: std::sync::Mutex<Option<OwnedSemaphorePermit>>,
    token: ZoneToken<'e, T>,
    slots_for_urls: Semaphore,
    slots_for_requests: Semaphore,
    deadline: Instant,
}

/// How one try ended.
enum Step {
    Accepted(Accepted),
    /// With what is known of the token that was sent.
    Refused(Refusal, Freshness),
    NoToken(TokenError),
    /// There was no time for it.
    Late(Failure),
    /// The token was refused to too many others.
    BadToken,
    /// Too many of the team's tokens were.
    TooManyRefused,
}

/// Why a request was given up.
#[derive(Debug)]
struct Failure {
    status: Status,
    error: String,
    ray: Option<String>,
}

impl<T: TokenStore> Way<'_, T> {
    /// Sends a batch; one with a bad item is halved until that item stands alone and the rest is purged.
    async fn settle(&self, nth: usize, batch: Batch) -> Outcome {
        let start = Instant::now();
        let (method, items) = (batch.method().field(), batch.items().len());
        let mut outcome = Outcome {
            batch: nth,
            status: Status::Purged,
            attempts: 0,
            error: None,
            refused_items: Vec::new(),
            ray: None,
            latency: None,
            failed: Vec::new(),
        };
        let since = batch.since().map(str::to_owned);
        let mut pieces = vec![batch];
        while let Some(piece) = pieces.pop() {
            let sent = self.send_if_open(&piece, &mut outcome.attempts).await;
            // However it ended, another zone may be tried now.
            *self.trial_slot() = None;
            let failure = match sent {
                Ok(accepted) => {
                    outcome.ray = accepted.ray.or(outcome.ray);
                    continue;
                }
                Err(failure) => failure,
            };
            let piece = match failure.status {
                Status::ItemsRefused => match piece.halves() {
                    Ok((first, second)) => {
                        pieces.extend([second, first]);
                        continue;
                    }
                    Err(piece) => piece,
                },
                _ => piece,
            };
            outcome.fail(&piece, failure);
            if outcome.status != Status::ItemsRefused {
                // What stopped this piece stops the others too: they are not tried, and not reported as done.
                pieces.drain(..).for_each(|piece| outcome.leave(&piece));
            }
        }
        let milliseconds = start.elapsed().as_millis() as u64;
        let (team, zone) = (self.zone.team.as_str(), self.zone.domain.as_str());
        let status = outcome.status.as_str();
        if outcome.status == Status::Purged {
            outcome.latency = since.and_then(|since| meter::ago(&since));
            let latency = outcome.latency.map(|latency| latency.as_millis() as u64);
            let Outcome { attempts, ray, .. } = &outcome;
            tracing::info!(team, zone, method, items, outcome = status, attempts, milliseconds, latency, ray, "batch");
        } else {
            let Outcome { attempts, ray, error, .. } = &outcome;
            tracing::warn!(team, zone, method, items, outcome = status, attempts, milliseconds, ray, error, "batch");
        }
        outcome
    }

    /// Sends one request, if the zone's token may be used.
    async fn send_if_open(&self, batch: &Batch, attempts: &mut u32) -> Result<Accepted, Failure> {
        match self.gate {
            Gate::Open => return self.send(batch, attempts).await,
            Gate::Shut(left) => return Err(paused(left)),
            Gate::Ajar => {}
        }
        let Some(mut is_good) = self.in_time(self.trial.lock()).await else {
            // A bad token is refused soon: it is something else that takes so long.
            return Err(no_time(Status::Unreachable, "its token, refused before, was tried by another request"));
        };
        match *is_good {
            Some(true) => {
                drop(is_good);
                self.send(batch, attempts).await
            }
            Some(false) => Err(bad_token()),
            None => {
                let sent = self.send(batch, attempts).await;
                *is_good = match &sent {
                    Ok(_) => Some(true),
                    Err(failure) => match failure.status {
                        Status::TokenRefused => Some(false),
                        // Cloudflare has looked past it, at what it was sent with.
                        Status::ItemsRefused | Status::RequestRefused => {
                            self.executor.pauses.accepted(self.zone);
                            Some(true)
                        }
                        _ => None,
                    },
                };
                sent
            }
        }
    }

    /// Sends one request until it is accepted, refused for good, or the time is over.
    async fn send(&self, batch: &Batch, attempts: &mut u32) -> Result<Accepted, Failure> {
        let mut last: Option<Failure> = None;
        let mut refused = false;
        let mut failed = 0;
        loop {
            let (refusal, freshness) = match self.try_once(batch, refused, attempts).await {
                Step::Accepted(accepted) => return Ok(accepted),
                Step::Refused(refusal, freshness) => (refusal, freshness),
                Step::Late(failure) => return Err(last.unwrap_or(failure)),
                Step::BadToken => return Err(bad_token()),
                Step::TooManyRefused => return Err(too_many_refused()),
                Step::NoToken(error @ TokenError::Missing { .. }) => return Err(no_token(&error)),
                Step::NoToken(error @ TokenError::Unavailable { .. }) => {
                    *self.trial_slot() = None;
                    failed += 1;
                    self.wait(self.executor.settings.backoff.wait(failed), no_token(&error), &mut last).await?;
                    continue;
                }
            };
            failed += 1;
            let meaning = refusal.meaning;
            let failure = Failure::from(refusal);
            if meaning != Meaning::TokenRefused || refused {
                *self.trial_slot() = None;
            }
            match meaning {
                Meaning::RateLimited { retry_after, all_calls } => {
                    meter::rate_limited(self.zone);
                    let asked = retry_after.filter(|delay| !delay.is_zero());
                    let delay = match asked {
                        Some(delay) => delay,
                        None if all_calls => GLOBAL_BLOCK,
                        None => self.executor.settings.backoff.wait(failed),
                    };
                    let class = (!all_calls).then(|| batch.method().class());
                    self.executor.limits.pause(self.zone, class, Instant::now() + delay);
                    self.wait(delay, failure, &mut last).await?;
                }
                // The deadline cut this one short, so that the answer before it says more.
                Meaning::Unreachable if Instant::now() >= self.deadline => return Err(last.unwrap_or(failure)),
                Meaning::Unreachable | Meaning::ServerTrouble => {
                    self.wait(self.executor.settings.backoff.wait(failed), failure, &mut last).await?;
                }
                Meaning::TokenRefused if !refused => {
                    self.token.refuse(freshness);
                    refused = true;
                    last = Some(failure);
                    // Read at once, so that those that wait for a slot do not send what was refused. The wait is for
                    // a 401 that passes.
                    self.in_time(self.token.get(refused)).await;
                    self.in_time(sleep(PASSING)).await;
                }
                Meaning::TokenRefused => {
                    self.token.refuse(freshness);
                    if let Some(pause) = self.executor.pauses.refused(self.zone) {
                        let (team, zone) = (self.zone.team.as_str(), self.zone.domain.as_str());
                        let (zone_id, parameter) = (self.zone.zone_id.as_str(), self.zone.token.as_str());
                        let error = &failure.error;
                        let seconds = pause.as_secs_f64();
                        tracing::error!(
                            team,
                            zone,
                            zone_id,
                            parameter,
                            error,
                            seconds,
                            "token refused, and left alone for a while"
                        );
                    }
                    return Err(failure);
                }
                Meaning::ItemRefused | Meaning::HostnameRefused | Meaning::Unclear | Meaning::RequestRefused => {
                    return Err(failure);
                }
            }
        }
    }

    /// One request, when the zone has a slot and the rate limit lets it pass.
    async fn try_once(&self, batch: &Batch, refused: bool, attempts: &mut u32) -> Step {
        let executor = self.executor;
        let class = batch.method().class();
        // The slot comes first: what passed the limit must go at once, or requests save up and go in a burst.
        let Some(_slot) = self.in_time(self.slots(class).acquire()).await else {
            return Step::Late(no_time(Status::Unreachable, "the zone's other requests were answered"));
        };
        // A missing token must not cost anything of a limit that others share.
        let too_late = || Step::Late(no_time(Status::TokenMissing, "its token was read"));
        match self.in_time(self.token.get(refused)).await {
            None => return too_late(),
            Some((Err(error), _)) => return Step::NoToken(error),
            Some((Ok(_), freshness)) if self.is_hopeless(refused, freshness) => return Step::BadToken,
            Some((Ok(_), _)) => {}
        }
        if executor.limits.acquire(self.zone, class, batch.cost(), self.deadline).await.is_err() {
            return Step::Late(no_time(Status::RateLimited, "the rate limit let it pass"));
        }
        // A second try is owed to each, for a good token may have been refused for a moment.
        if !refused {
            match self.in_time(self.may_go()).await {
                Some(true) => {}
                Some(false) => return Step::TooManyRefused,
                None => return Step::Late(no_time(Status::Unreachable, "its team's other zones were answered")),
            }
        }
        // While this waited, the token may have been refused to another request and read afresh.
        let (token, freshness) = match self.in_time(self.token.get(refused)).await {
            None => return too_late(),
            Some((Err(error), _)) => return Step::NoToken(error),
            Some((Ok(_), freshness)) if self.is_hopeless(refused, freshness) => return Step::BadToken,
            Some((Ok(token), freshness)) => (token, freshness),
        };
        *attempts += 1;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = executor.settings.request_timeout.min(left);
        let body = batch.body();
        match executor.client.send(&token, &self.zone.zone_id, batch.mode, &body, timeout).await {
            Ok(accepted) => {
                self.token.accept(freshness);
                executor.pauses.accepted(self.zone);
                self.trials.accepted(self.zone);
                *self.trial_slot() = None;
                Step::Accepted(accepted)
            }
            Err(refusal) => {
                if refusal.meaning == Meaning::TokenRefused && refused {
                    self.trials.refused(self.zone);
                }
                Step::Refused(refusal, freshness)
            }
        }
    }

    /// Whether the zone's requests may go. Of a team's zones whose token nobody knows, some go at a time, each until it is
    /// known whether that is good.
    async fn may_go(&self) -> bool {
        let pass = self.may_go.get_or_init(|| async {
            match self.trials.pass(self.zone).await {
                Pass::Good => true,
                Pass::Trial(slot) => {
                    *self.trial_slot() = Some(slot);
                    true
                }
                Pass::TooMany => false,
            }
        });
        self.trials.is_good(self.zone) || *pass.await
    }

    fn trial_slot(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.slot_of_team.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a first try would only meet what the others met. A second one is owed to every batch.
    fn is_hopeless(&self, refused: bool, freshness: Freshness) -> bool {
        !refused && freshness == Freshness::Fresh && self.token.is_bad(freshness)
    }

    fn slots(&self, class: LimitClass) -> &Semaphore {
        match class {
            LimitClass::Urls => &self.slots_for_urls,
            LimitClass::Requests => &self.slots_for_requests,
        }
    }

    /// Waits before the next try, or gives up at once where the time would be over.
    async fn wait(&self, delay: Duration, failure: Failure, last: &mut Option<Failure>) -> Result<(), Failure> {
        if Instant::now() + delay >= self.deadline {
            return Err(failure);
        }
        *last = Some(failure);
        sleep(delay).await;
        Ok(())
    }

    async fn in_time<F: Future>(&self, future: F) -> Option<F::Output> {
        timeout_at(self.deadline, future).await.ok()
    }
}

impl Outcome {
    /// Notes that a piece was not purged. An error that may pass outweighs items that are refused for good: the batch
    /// is to come again.
    fn fail(&mut self, piece: &Batch, failure: Failure) {
        if failure.status == Status::ItemsRefused {
            self.refused_items.extend(piece.items().iter().map(|item| item.item.to_string()));
        }
        self.leave(piece);
        self.status = failure.status;
        self.error = Some(failure.error);
        self.ray = failure.ray.or(self.ray.take());
    }

    fn leave(&mut self, piece: &Batch) {
        self.failed.extend(piece.origins().into_iter().cloned());
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.meaning {
            Meaning::RateLimited { .. } => Status::RateLimited,
            Meaning::Unreachable | Meaning::ServerTrouble => Status::Unreachable,
            Meaning::TokenRefused => Status::TokenRefused,
            Meaning::ItemRefused | Meaning::HostnameRefused | Meaning::Unclear => Status::ItemsRefused,
            Meaning::RequestRefused => Status::RequestRefused,
        };
        Self { status, error: refusal.message, ray: refusal.ray }
    }
}

fn no_token(error: &TokenError) -> Failure {
    Failure { status: Status::TokenMissing, error: error.to_string(), ray: None }
}

fn bad_token() -> Failure {
    let error = "not sent: the zone's token was refused to its other requests".to_owned();
    Failure { status: Status::TokenRefused, error, ray: None }
}

fn too_many_refused() -> Failure {
    let error =
        "not sent: Cloudflare refused the tokens of too many of the team's zones; it is tried again in a minute";
    Failure { status: Status::TokenRefused, error: error.to_owned(), ray: None }
}

fn paused(left: Duration) -> Failure {
    let seconds = left.as_secs_f64().ceil();
    let error = format!("not sent: the zone's token was refused a moment ago; it is tried again in {seconds} s");
    Failure { status: Status::TokenRefused, error, ray: None }
}

fn no_time(status: Status, before: &str) -> Failure {
    Failure { status, error: format!("the time was over before {before}"), ray: None }
}
