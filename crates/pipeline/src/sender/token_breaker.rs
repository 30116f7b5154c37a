//! Sends pieces only while the circuit of the zone's token is closed. While it is half-open, one piece at a time probes
//! the token, with all its retries, and the others wait for the probe's result.

use std::sync::Arc;

use purge_router_cloudflare::Accepted;

use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::layer::SendPiece;
use super::piece::Piece;
use crate::store::TokenStore;
use crate::token_health::ZoneToken;

pub(super) struct TokenBreaker<'e, T, S> {
    inner: S,
    token: Arc<ZoneToken<'e, T>>,
    deadline: Deadline<'e>,
}

impl<'e, T, S> TokenBreaker<'e, T, S> {
    pub(super) fn new(inner: S, token: Arc<ZoneToken<'e, T>>, deadline: Deadline<'e>) -> Self {
        Self { inner, token, deadline }
    }
}

impl<T: TokenStore, S: SendPiece> SendPiece for TokenBreaker<'_, T, S> {
    async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let probe = "another request had probed its token";
        let pass = self.deadline.before_deadline(probe, self.token.enter()).await?;
        let _pass = pass.map_err(NotSent::from)?;
        self.inner.send(piece, attempts).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use purge_router_cloudflare::{Meaning, Refusal};
    use tokio::time::advance;

    use super::*;
    use crate::outcome::Status;
    use crate::patience::Patience;
    use crate::sender::scripted::Scripted;
    use crate::store::Freshness;
    use crate::test_support::{NoStore, paused_clock, plan_of};
    use crate::token_health::{TokenCircuits, TokenTry};

    const SECOND: Duration = Duration::from_secs(1);

    /// Records that a token was refused twice.
    fn refuse(token: &ZoneToken<'_, NoStore>) {
        let message = "no".to_owned();
        let refusal = Refusal { meaning: Meaning::TokenRefused, message, status: Some(403), ray: None };
        token.record(Freshness::Fresh, TokenTry::Second, &Err(refusal));
    }

    /// Sends all batches of a plan in one event. Returns how many were accepted, and the error of the last one.
    async fn send(circuits: &TokenCircuits, inner: &Scripted, spoil: bool) -> (usize, Option<Failure>) {
        let (clock, plan) = (paused_clock(), plan_of(3 * 500));
        let deadline = Deadline::new(&clock, Patience::from(clock.now() + 60 * SECOND));
        let token = Arc::new(ZoneToken::new(&NoStore, circuits, &plan.batches[0].zone));
        if spoil {
            refuse(&token);
        }
        let breaker = TokenBreaker::new(inner.clone(), token, deadline);
        let pieces: Vec<Piece<'_>> = plan.batches.iter().map(Piece::whole).collect();
        let results = join_all(pieces.iter().map(async |piece| breaker.send(piece, &mut 0).await)).await;
        let accepted = results.iter().filter(|result| result.is_ok()).count();
        (accepted, results.into_iter().next_back().and_then(Result::err))
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_began_with_a_closed_circuit_goes_on_and_later_ones_do_not() {
        let circuits = TokenCircuits::new(5 * SECOND, paused_clock());
        let inner = Scripted::default();
        assert_eq!(send(&circuits, &inner, true).await, (3, None));
        assert_eq!(inner.max_in_flight(), 3);
        let (accepted, failure) = send(&circuits, &inner, false).await;
        let failure = failure.unwrap();
        assert_eq!((accepted, failure.status), (0, Status::TokenRefused));
        assert_eq!(failure.error, "not sent: the zone's token was refused; it is tried again in 5 s");
        assert_eq!(inner.sent().len(), 3, "nothing more");
    }

    #[tokio::test(start_paused = true)]
    async fn one_piece_at_a_time_probes_a_half_open_circuit() {
        let circuits = TokenCircuits::new(5 * SECOND, paused_clock());
        send(&circuits, &Scripted::default(), true).await;
        advance(5 * SECOND).await;
        // The scripted layer does not report its acceptances to the circuit.
        let inner = Scripted::default();
        assert_eq!(send(&circuits, &inner, false).await, (3, None));
        assert_eq!((inner.sent().len(), inner.max_in_flight()), (3, 1));
    }
}
