//! Sends a batch; if items are refused, it halves the batch until they are alone and the others are purged.

use purge_router_core::Batch;

use super::halving::{GivenUp, Halving, NextStep};
use super::zone_breaker::ZoneBreaker;
use crate::api::PurgeApi;
use crate::outcome::{Outcome, Status};
use crate::refused_hostnames::ZoneHostnames;
use crate::store::TokenStore;

pub(super) struct Split<'e, T, A> {
    inner: ZoneBreaker<'e, T, A>,
    hostnames: ZoneHostnames,
}

impl<'e, T: TokenStore, A: PurgeApi> Split<'e, T, A> {
    pub(super) fn new(inner: ZoneBreaker<'e, T, A>, hostnames: ZoneHostnames) -> Self {
        Self { inner, hostnames }
    }

    /// Sends a batch. `index` is its position in the plan.
    pub(super) async fn send_or_split(&self, index: usize, batch: &Batch) -> Outcome {
        let mut outcome = Outcome::new(index);
        let mut halving = Halving::new(batch, &self.hostnames);
        while let Some(step) = halving.next() {
            let piece = match step {
                NextStep::Send(piece) => piece,
                NextStep::GiveUp(given_up) => {
                    outcome.give_up(given_up);
                    continue;
                }
            };
            let failure = match self.inner.send(&piece, &mut outcome.attempts).await {
                Ok(accepted) => {
                    outcome.ray = accepted.ray.or(outcome.ray);
                    halving.accepted(&piece);
                    continue;
                }
                Err(failure) => failure,
            };
            match failure.part {
                Some(part) => halving.refused(piece, part, failure.error, failure.ray),
                None => {
                    // What stopped this piece would stop the others too. They are not tried, and not reported as done.
                    let items = piece.into_items().into_iter().chain(halving.rest());
                    outcome.fail(items, failure.status, failure.error, failure.ray);
                    break;
                }
            }
        }
        outcome
    }
}

impl Outcome {
    fn give_up(&mut self, given_up: GivenUp<'_>) {
        let (items, status, error, ray) = match given_up {
            GivenUp::Refused { items, error, ray } => {
                self.refused_items.extend(items.iter().map(|item| item.item.to_string()));
                (items, Status::ItemsRefused, error, ray)
            }
            GivenUp::Untried { items, error } => {
                self.untried_items += items.len();
                (items, Status::ItemsRefused, error, None)
            }
            GivenUp::Request { items, error, ray } => (items, Status::RequestRefused, error, ray),
        };
        self.fail(items, status, error, ray);
    }
}
