//! Sends the batches of one zone, through layers. This is the one place where the layers are stacked.

mod attempt;
mod concurrency_limit;
mod deadline;
mod failure;
mod halving;
mod layer;
mod piece;
mod retry;
#[cfg(test)]
mod scripted;
mod split;
mod token_breaker;
mod zone_breaker;

use std::sync::Arc;

use purge_router_core::{Batch, Zone};

use self::attempt::Attempt;
use self::concurrency_limit::ConcurrencyLimit;
use self::deadline::Deadline;
use self::retry::Retry;
use self::split::Split;
use self::token_breaker::TokenBreaker;
use self::zone_breaker::ZoneBreaker;
use crate::api::PurgeApi;
use crate::clock::Clock;
use crate::outcome::{Outcome, Status};
use crate::patience::Patience;
use crate::shared::Shared;
use crate::store::TokenStore;
use crate::token_health::ZoneToken;
use crate::{log, metrics};

/// Sends the batches of one zone while a plan runs.
pub(crate) struct ZoneSender<'e, T, A> {
    clock: &'e Clock,
    layers: Layers<'e, T, A>,
}

/// The layers, from the one that takes a batch to the one that sends a request.
type Layers<'e, T, A> =
    Split<ConcurrencyLimit<'e, ZoneBreaker<'e, TokenBreaker<'e, T, Retry<'e, T, Attempt<'e, T, A>>>>>>;

impl<'e, T: TokenStore, A: PurgeApi> ZoneSender<'e, T, A> {
    pub(crate) fn new(shared: &'e Shared<T, A>, zone: &'e Zone, patience: Patience) -> Self {
        let Shared { clock, limits, settings, .. } = shared;
        let deadline = Deadline::new(clock, patience);
        let token = Arc::new(ZoneToken::new(&shared.tokens, &shared.token_circuits, zone));
        let token = || Arc::clone(&token);

        let attempt = Attempt::new(shared, zone, token(), deadline);
        let retry = Retry::new(attempt, zone, token(), limits, settings.backoff, deadline);
        let token_breaker = TokenBreaker::new(retry, token(), deadline);
        let zone_breaker = ZoneBreaker::new(token_breaker, zone, shared.zone_circuits.of(zone), deadline);
        let concurrency_limit = ConcurrencyLimit::new(zone_breaker, settings.requests_per_zone, deadline);
        let split = Split::new(concurrency_limit, shared.hostnames.of(zone));
        Self { clock, layers: split }
    }

    /// Sends a batch and logs its outcome. `index` is its position in the plan.
    pub(crate) async fn send(&self, index: usize, batch: &Batch) -> Outcome {
        let clock = self.clock;
        let start = clock.now();
        let mut outcome = self.layers.send(index, batch).await;
        if outcome.status == Status::Purged {
            outcome.latency = batch.changed_at().map(|changed_at| metrics::age(clock, changed_at));
        }
        log::batch(batch, &outcome, clock.now() - start);
        outcome
    }
}

#[cfg(test)]
mod tests;
