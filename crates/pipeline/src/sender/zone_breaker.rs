//! Sends pieces only to a zone that answers. After a failure its circuit is open; then one piece probes the zone, and
//! the others wait for the result.

use std::sync::Arc;

use purge_router_cloudflare::Accepted;
use purge_router_core::Zone;

use super::deadline::Deadline;
use super::failure::{Failure, NotSent};
use super::layer::SendPiece;
use super::piece::Piece;
use crate::circuit::{Circuit, CircuitOpen, CircuitPass};
use crate::outcome::Status;

pub(super) struct ZoneBreaker<'e, S> {
    inner: S,
    zone: &'e Zone,
    circuit: Arc<Circuit>,
    deadline: Deadline<'e>,
}

/// What the result of sending a piece says about its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
    /// Nothing was sent, or the event ended before an answer could be expected.
    Unknown,
}

impl<'e, S> ZoneBreaker<'e, S> {
    pub(super) fn new(inner: S, zone: &'e Zone, circuit: Arc<Circuit>, deadline: Deadline<'e>) -> Self {
        Self { inner, zone, circuit, deadline }
    }

    fn open(&self, result: &Result<Accepted, Failure>, pass: &CircuitPass<'_>) {
        let Some(period) = self.circuit.open(self.deadline.now(), pass) else { return };
        let (team, zone, seconds) = (self.zone.team.as_str(), self.zone.domain.as_str(), period.as_secs_f64());
        let error = result.as_ref().err().map(|failure| failure.error.as_str());
        tracing::warn!(team, zone, error, seconds, "zone does not answer; not tried for {seconds} s");
    }
}

impl<S: SendPiece> SendPiece for ZoneBreaker<'_, S> {
    async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let deadline = &self.deadline;
        let probe = "another request had probed its zone";
        let pass = deadline.before_deadline(probe, self.circuit.enter(deadline.clock())).await?;
        let pass = pass.map_err(|CircuitOpen(left)| NotSent::ZoneCircuitOpen(left))?;

        let attempts_before = *attempts;
        let result = self.inner.send(piece, attempts).await;
        match answered(&result, *attempts > attempts_before) {
            Answered::Yes => self.circuit.close(),
            Answered::No => self.open(&result, &pass),
            Answered::Unknown => {}
        }
        result
    }
}

fn answered(result: &Result<Accepted, Failure>, was_sent: bool) -> Answered {
    if !was_sent {
        return Answered::Unknown;
    }
    let Err(failure) = result else { return Answered::Yes };
    match failure.status {
        Status::Unreachable if failure.was_cut_short => Answered::Unknown,
        Status::Unreachable => Answered::No,
        // The last try was not sent, so this is not an answer to it.
        Status::DeadlineExceeded | Status::TokenMissing => Answered::Unknown,
        _ => Answered::Yes,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::circuit::{CircuitState, OpenTimes};
    use crate::patience::Patience;
    use crate::sender::scripted::{Answer, Scripted, accepts, fails};
    use crate::test_support::{paused_clock, plan_of};

    const SECOND: Duration = Duration::from_secs(1);

    fn circuit() -> Arc<Circuit> {
        Arc::new(Circuit::new(OpenTimes { first: 5 * SECOND, longest: 5 * SECOND }))
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_zone_that_was_sent_to_and_did_not_answer_opens_its_circuit() {
        let unsent = |status| Answer { attempts: 0, ..fails(status) };
        let mut cut_short = fails(Status::Unreachable);
        cut_short.result = cut_short.result.map_err(|failure| Failure { was_cut_short: true, ..failure });
        for (answer, is_open) in [
            (cut_short, false),
            (accepts(), false),
            (fails(Status::Unreachable), true),
            (unsent(Status::Unreachable), false),
            (fails(Status::RateLimited), false),
            (fails(Status::TokenRefused), false),
            (fails(Status::ItemsRefused), false),
            (fails(Status::RequestRefused), false),
            (fails(Status::DeadlineExceeded), false),
            (unsent(Status::DeadlineExceeded), false),
            (fails(Status::TokenMissing), false),
        ] {
            let (clock, circuit, plan) = (paused_clock(), circuit(), plan_of(1));
            let deadline = Deadline::new(&clock, Patience::from(clock.now() + 60 * SECOND));
            let piece = Piece::whole(&plan.batches[0]);
            let breaker =
                ZoneBreaker::new(Scripted::new([answer.clone()]), &plan.batches[0].zone, circuit.clone(), deadline);
            let mut attempts = 3;
            let result = breaker.send(&piece, &mut attempts).await;
            assert_eq!((&result, attempts), (&answer.result, 3 + answer.attempts), "it passes the result on");
            assert_eq!(circuit.has_failed(), is_open, "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_decides_nothing_leaves_a_half_open_circuit_as_it_is_and_an_answer_closes_it() {
        let unsent = Answer { attempts: 0, ..fails(Status::RateLimited) };
        for (answer, closes) in [
            (accepts(), true),
            (fails(Status::RateLimited), true),
            (unsent, false),
            (fails(Status::TokenMissing), false),
        ] {
            let (clock, circuit, plan) = (paused_clock(), circuit(), plan_of(1));
            _ = circuit.open(clock.now(), &CircuitPass::WITHOUT_PROBE);
            advance(5 * SECOND).await;
            let deadline = Deadline::new(&clock, Patience::from(clock.now() + 60 * SECOND));
            let piece = Piece::whole(&plan.batches[0]);
            let breaker =
                ZoneBreaker::new(Scripted::new([answer.clone()]), &plan.batches[0].zone, circuit.clone(), deadline);
            _ = breaker.send(&piece, &mut 0).await;
            let is_closed = matches!(circuit.state(clock.now()), CircuitState::Closed { is_proven: true });
            assert_eq!(is_closed, closes, "{answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_while_the_circuit_is_open_and_one_piece_at_a_time_while_it_is_half_open() {
        let (clock, circuit, plan) = (paused_clock(), circuit(), plan_of(3 * 500));
        let deadline = Deadline::new(&clock, Patience::from(clock.now() + 60 * SECOND));
        let inner = Scripted::new([fails(Status::Unreachable), fails(Status::Unreachable)]);
        let breaker = ZoneBreaker::new(inner.clone(), &plan.batches[0].zone, circuit, deadline);
        let pieces: Vec<Piece<'_>> = plan.batches.iter().map(Piece::whole).collect();
        let send_all = async || {
            let sending = pieces.iter().map(async |piece| breaker.send(piece, &mut 0).await.map_err(|it| it.status));
            let results = futures_util::future::join_all(sending).await;
            (results.into_iter().filter(Result::is_ok).count(), inner.sent().len())
        };
        _ = breaker.send(&pieces[0], &mut 0).await;
        assert_eq!(send_all().await, (0, 1), "open");
        advance(5 * SECOND).await;
        assert_eq!(send_all().await, (0, 2), "the probe failed, and the others were not sent");
        advance(5 * SECOND).await;
        assert_eq!(send_all().await, (3, 5), "the probe was accepted, and so were the others");
        assert_eq!(inner.max_in_flight(), 2, "the probe was alone");
    }
}
