//! Sends the batches of one zone, through layers. This is the one place where the layers are stacked.

mod attempt;
mod deadline;
mod failure;
mod halving;
mod piece;
mod retry;
mod split;
mod token_breaker;
mod zone_breaker;

use std::sync::Arc;

use purge_router_core::{Batch, Zone};

use self::attempt::Attempt;
use self::deadline::Deadline;
use self::retry::Retry;
use self::split::Split;
use self::token_breaker::TokenBreaker;
use self::zone_breaker::ZoneBreaker;
use crate::api::PurgeApi;
use crate::outcome::{Outcome, Status};
use crate::patience::Patience;
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
    pub(crate) fn new(shared: &'e Shared<T, A>, zone: &'e Zone, patience: Patience) -> Self {
        let deadline = Deadline::new(&shared.clock, patience);
        let token = Arc::new(ZoneToken::new(&shared.tokens, &shared.circuits, zone));
        let zone_circuit = shared.zone_circuits.of(zone);

        let one_request = Attempt::new(shared, zone, Arc::clone(&token), Arc::clone(&zone_circuit), deadline);
        let retried = Retry::new(one_request);
        let of_good_tokens = TokenBreaker::new(retried, token, deadline);
        let of_answering_zones = ZoneBreaker::new(of_good_tokens, zone, zone_circuit, deadline);
        let layers = Split::new(of_answering_zones, shared.hostnames.of(zone));
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
