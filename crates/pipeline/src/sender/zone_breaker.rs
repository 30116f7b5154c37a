//! Sends requests only to a zone that answers. After a failure, none is sent for a while; then one request probes the zone,
//! and the others wait for its result.

use std::sync::Arc;
use std::time::Duration;

use purge_router_cloudflare::Accepted;
use purge_router_core::Zone;
use tokio::sync::MutexGuard;

use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::piece::Piece;
use super::token_breaker::TokenBreaker;
use crate::api::PurgeApi;
use crate::circuit::{Circuit, Passage};
use crate::outcome::Status;
use crate::store::TokenStore;

/// A request that was given less time than this, because its event ended, says nothing about its zone.
const SHORTEST_TRIAL: Duration = Duration::from_millis(500);

pub(super) struct ZoneBreaker<'e, T, A> {
    inner: TokenBreaker<'e, T, A>,
    zone: &'e Zone,
    circuit: Arc<Circuit>,
    deadline: Deadline<'e>,
}

impl<'e, T: TokenStore, A: PurgeApi> ZoneBreaker<'e, T, A> {
    pub(super) fn new(
        inner: TokenBreaker<'e, T, A>,
        zone: &'e Zone,
        circuit: Arc<Circuit>,
        deadline: Deadline<'e>,
    ) -> Self {
        Self { inner, zone, circuit, deadline }
    }

    /// Sends a piece, and counts in `attempts` how often.
    pub(super) async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let _probe = self.enter().await?;
        let (start, attempts_before) = (self.deadline.now(), *attempts);
        let result = self.inner.send(piece, attempts).await;
        if *attempts > attempts_before {
            let was_cut_short = self.deadline.left().is_zero() && self.deadline.now() - start < SHORTEST_TRIAL;
            match result.as_ref().map_err(|failure| failure.status) {
                Err(Status::Unreachable) if was_cut_short => {}
                Err(Status::Unreachable) => self.open(&result),
                Err(Status::DeadlineExceeded | Status::TokenMissing) => {}
                // It answered.
                Ok(_) | Err(_) => self.circuit.close(),
            }
        }
        result
    }

    /// Waits while another request probes the zone. The guard is that of a probe.
    async fn enter(&self) -> Result<Option<MutexGuard<'_, ()>>, NotSent> {
        match self.circuit.passage(self.deadline.now()) {
            Passage::Free => return Ok(None),
            Passage::Blocked(left) => return Err(NotSent::ZoneCircuitOpen(left)),
            Passage::OneProbe => {}
        }
        let probe =
            self.deadline.before_deadline("another request had probed its zone", self.circuit.begin_probe()).await?;
        match self.circuit.passage(self.deadline.now()) {
            Passage::Free => Ok(None),
            Passage::OneProbe => Ok(Some(probe)),
            Passage::Blocked(left) => Err(NotSent::ZoneCircuitOpen(left)),
        }
    }

    fn open(&self, result: &Result<Accepted, Failure>) {
        let Some(period) = self.circuit.open(self.deadline.now()) else { return };
        let (team, zone, seconds) = (self.zone.team.as_str(), self.zone.domain.as_str(), period.as_secs_f64());
        let error = result.as_ref().err().map(|failure| failure.error.as_str());
        tracing::warn!(team, zone, error, seconds, "zone does not answer; not tried for {seconds} s");
    }
}
