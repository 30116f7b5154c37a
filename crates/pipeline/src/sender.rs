//! Sends the batches of one zone, through layers. This is the one place where the layers are stacked.

mod attempt;
mod circuit_breaker;
mod deadline;
mod failure;
mod halving;
mod piece;
mod retry;
mod split;

use std::sync::Arc;

use purge_router_core::{Batch, Zone};

use self::attempt::Attempt;
use self::circuit_breaker::CircuitBreaker;
use self::deadline::Deadline;
use self::retry::Retry;
use self::split::Split;
use crate::api::PurgeApi;
use crate::clock::Timestamp;
use crate::outcome::{Outcome, Status};
use crate::shared::Shared;
use crate::store::TokenStore;
use crate::token_health::ZoneToken;
use crate::{log, metrics};

/// Sends the batches of one zone while a plan runs.
pub(crate) struct ZoneSender<'e, T, A> {
    shared: &'e Shared<T, A>,
    layers: Split<'e, T, A>,
}

impl<'e, T: TokenStore, A: PurgeApi> ZoneSender<'e, T, A> {
    pub(crate) fn new(shared: &'e Shared<T, A>, zone: &'e Zone, deadline: Timestamp) -> Self {
        let deadline = Deadline::new(&shared.clock, deadline);
        let token = Arc::new(ZoneToken::new(&shared.tokens, &shared.circuits, zone));

        let one_request = Attempt::new(shared, zone, Arc::clone(&token), deadline);
        let retried = Retry::new(one_request);
        let behind_circuit = CircuitBreaker::new(retried, token, deadline);
        let layers = Split::new(behind_circuit, shared.hostnames.of(zone));
        Self { shared, layers }
    }

    /// Sends a batch and logs its outcome. `index` is its position in the plan.
    pub(crate) async fn send(&self, index: usize, batch: &Batch) -> Outcome {
        let clock = &self.shared.clock;
        let start = clock.now();
        let mut outcome = self.layers.send_or_split(index, batch).await;
        if outcome.status == Status::Purged {
            outcome.latency = batch.changed_at().map(|changed_at| metrics::age(clock, changed_at));
        }
        log::batch(batch, &outcome, clock.now() - start);
        outcome
    }
}

#[cfg(test)]
mod tests;
