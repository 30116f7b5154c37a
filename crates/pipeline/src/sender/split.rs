//! Sends a batch; if items are refused, it halves the batch until they are alone and the others are purged.

use purge_router_core::{Batch, BatchItem};

use super::failure::Failure;
use super::halving::{Halving, LastRefusal, NextStep};
use super::layer::SendPiece;
use crate::outcome::{FailedItems, Outcome, Reason};
use crate::refused_hostnames::ZoneHostnames;

pub(super) struct Split<S> {
    inner: S,
    hostnames: ZoneHostnames,
}

impl<S: SendPiece> Split<S> {
    pub(super) fn new(inner: S, hostnames: ZoneHostnames) -> Self {
        Self { inner, hostnames }
    }

    /// Sends a batch. `index` is its position in the plan.
    pub(super) async fn send(&self, index: usize, batch: &Batch) -> Outcome {
        let mut outcome = Outcome::new(index);
        let mut halving = Halving::new(batch, &self.hostnames);
        let mut purged: Vec<&BatchItem> = Vec::new();
        while let Some(step) = halving.next_step() {
            let piece = match step {
                NextStep::Send(piece) => piece,
                NextStep::Fail(items) => {
                    outcome.fail(items);
                    continue;
                }
            };
            let failure = match self.inner.send(&piece, &mut outcome.attempts).await {
                Ok(accepted) => {
                    outcome.ray = accepted.ray.or(outcome.ray);
                    halving.accepted(&piece);
                    purged.extend(piece.into_items());
                    continue;
                }
                Err(failure) => failure,
            };
            let Some(part) = failure.part else {
                // What stopped this piece would stop the others too. They are not tried, and not reported as done.
                let items = piece.into_items().into_iter().chain(halving.pending()).collect();
                let (reason, kind) = (Reason::Request(failure.status), failure.kind());
                outcome.fail(FailedItems { items, reason, kind, error: failure.error, ray: failure.ray });
                break;
            };
            let Failure { error, ray, is_permanent, .. } = failure;
            halving.refused(piece, part, LastRefusal { error, ray, is_permanent });
        }
        if !outcome.failed.is_empty() {
            outcome.purged = purged.into_iter().map(|item| batch.purge_hash(item)).collect();
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
