//! The token of one zone while a plan runs: how far its circuit is closed, and its credential.

use std::sync::Arc;

use purge_router_cloudflare::{Accepted, Credential, Meaning, Refusal};
use purge_router_core::Zone;
use tokio::sync::OnceCell;

use super::credentials::{Credentials, TokenTry};
use super::probe_limiter::ProbeSlot;
use super::token_circuits::{TeamTokens, TokenCircuits, key};
use super::unusable::TokenUnusable;
use crate::circuit::{Circuit, CircuitOpen, CircuitPass, CircuitState};
use crate::clock::Clock;
use crate::store::{Freshness, TokenPlace, TokenStore};

/// The token of one zone, for all batches of an event.
#[derive(Debug)]
pub(crate) struct ZoneToken<'e, T> {
    zone: &'e Zone,
    clock: &'e Clock,
    credentials: Credentials<'e, T>,
    team: Arc<TeamTokens>,
    circuit: Arc<Circuit>,
    /// Whether the event began with a closed circuit: then its batches go on after one of them was refused, because a
    /// good token may be refused for a moment.
    began_closed: bool,
    is_admitted: OnceCell<bool>,
}

/// The right to send one request with the token, until it is dropped. An untested token's first request holds a probe
/// slot of its team.
#[derive(Debug)]
pub(crate) struct Admission(#[expect(dead_code, reason = "held for its Drop")] Option<ProbeSlot>);

impl<'e, T: TokenStore> ZoneToken<'e, T> {
    pub(crate) fn new(store: &'e T, circuits: &'e TokenCircuits, zone: &'e Zone) -> Self {
        let (team, circuit) = circuits.of(zone);
        let clock = circuits.clock();
        let began_closed = matches!(circuit.state(clock.now()), CircuitState::Closed { .. });
        // Only a token that is read afresh is worth a probe.
        let credentials = Credentials::new(store, zone, !began_closed);
        Self { zone, clock, credentials, team, circuit, began_closed, is_admitted: OnceCell::new() }
    }

    /// Lets a piece of a batch pass the circuit. If it is half-open, this waits while another piece probes the token.
    pub(crate) async fn enter(&self) -> Result<CircuitPass<'_>, TokenUnusable> {
        if self.began_closed {
            return Ok(CircuitPass::WITHOUT_PROBE);
        }
        self.circuit.enter(self.clock).await.map_err(|CircuitOpen(left)| TokenUnusable::CircuitOpen(left))
    }

    /// The credential for a request.
    pub(crate) async fn credential(&self, token_try: TokenTry) -> Result<(Credential, Freshness), TokenUnusable> {
        self.credentials.get(token_try).await
    }

    /// Waits until the team's probes have room for this zone's token, if it is not proven. Only the zone's first
    /// request takes a slot; the others of this event go with it.
    pub(crate) async fn admit(&self) -> Result<Admission, TokenUnusable> {
        if self.circuit.is_proven() {
            return Ok(Admission(None));
        }
        let mut slot = None;
        let acquire = async || {
            slot = self.team.probes.acquire(self.circuit.has_failed()).await.ok();
            slot.is_some()
        };
        let is_admitted = *self.is_admitted.get_or_init(acquire).await;
        if is_admitted || self.circuit.is_proven() { Ok(Admission(slot)) } else { Err(TokenUnusable::TooManyRefused) }
    }

    /// Notes what an answer says about the token that was sent.
    pub(crate) fn record(&self, freshness: Freshness, token_try: TokenTry, answer: &Result<Accepted, Refusal>) {
        match answer.as_ref().map_err(|refusal| refusal.meaning) {
            Ok(_) => {
                self.credentials.accepted(freshness);
                self.accepted();
            }
            // Cloudflare checked the token before it looked at the request. A proxy's answer, or an unknown code, which
            // may be about the token, says nothing.
            Err(Meaning::ItemRefused | Meaning::HostnameRefused | Meaning::RequestRefused)
                if answer.as_ref().is_err_and(Refusal::is_from_api) =>
            {
                self.accepted();
            }
            Err(Meaning::ItemRefused | Meaning::HostnameRefused | Meaning::RequestRefused | Meaning::Unclear) => {}
            Err(Meaning::TokenRefused) => {
                self.credentials.refused(freshness);
                if let (TokenTry::Second, Err(refusal)) = (token_try, answer) {
                    self.refused_again(refusal);
                }
            }
            Err(Meaning::RateLimited { .. } | Meaning::Unreachable | Meaning::ServerError) => {}
        }
    }

    fn accepted(&self) {
        self.circuit.close();
        self.team.probes.accepted(&key(self.zone));
    }

    fn refused_again(&self, refusal: &Refusal) {
        self.team.probes.refused(key(self.zone));
        let Some(open_for) = self.circuit.open(self.clock.now(), &CircuitPass::WITHOUT_PROBE) else { return };
        let (team, zone) = (self.zone.team.as_str(), self.zone.domain.as_str());
        let zone_id = self.zone.zone_id.as_str();
        // A field without a value is left out.
        let (parameter, variable) = match self.credentials.place() {
            TokenPlace::Parameter(parameter) => (Some(parameter), None),
            TokenPlace::Variable(variable) => (None, Some(variable)),
        };
        let (error, seconds) = (&refusal.message, open_for.as_secs_f64());
        let message = format!("token refused; not used for {seconds} s");
        tracing::error!(team, zone, zone_id, parameter, variable, error, seconds, "{message}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_support::{NoStore, paused_clock, zones};

    #[tokio::test(start_paused = true)]
    async fn only_an_answer_of_the_api_that_is_clear_proves_a_token() {
        let refusal = |meaning, status| Err(Refusal { meaning, message: String::new(), status, ray: None });
        for (answer, proves) in [
            (Ok(Accepted { ray: None }), true),
            (refusal(Meaning::ItemRefused, Some(413)), true),
            (refusal(Meaning::ItemRefused, None), false),
            (refusal(Meaning::HostnameRefused, Some(400)), true),
            (refusal(Meaning::RequestRefused, Some(404)), true),
            (refusal(Meaning::RequestRefused, None), false),
            (refusal(Meaning::Unclear, Some(400)), false),
            (refusal(Meaning::ServerError, Some(500)), false),
            (refusal(Meaning::Unreachable, None), false),
            (refusal(Meaning::RateLimited { retry_after: None, all_calls: false }, Some(429)), false),
        ] {
            let circuits = TokenCircuits::new(Duration::from_secs(5), paused_clock());
            let zones = zones(&[("red", "")]);
            let token = ZoneToken::new(&NoStore, &circuits, &zones[0]);
            token.record(Freshness::Cached, TokenTry::First, &answer);
            assert_eq!(token.circuit.is_proven(), proves, "{answer:?}");
            token.circuit.open(circuits.clock().now(), &CircuitPass::WITHOUT_PROBE);
            token.record(Freshness::Fresh, TokenTry::First, &answer);
            assert_eq!(token.circuit.has_failed(), !proves, "{answer:?}");
        }
    }
}
