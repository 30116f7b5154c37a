//! Sends a bounded number of a zone's pieces at once. The others wait, and find a circuit open that those before them
//! opened.

use purge_router_cloudflare::Accepted;
use purge_router_core::limits::LimitClass;
use tokio::sync::Semaphore;

use super::deadline::Deadline;
use super::failure::Failure;
use super::layer::SendPiece;
use super::piece::Piece;

pub(super) struct ConcurrencyLimit<'e, S> {
    inner: S,
    deadline: Deadline<'e>,
    slots_for_urls: Semaphore,
    slots_for_requests: Semaphore,
}

impl<'e, S> ConcurrencyLimit<'e, S> {
    /// Sends this many pieces of each limit class at once.
    pub(super) fn new(inner: S, slots: usize, deadline: Deadline<'e>) -> Self {
        Self { inner, deadline, slots_for_urls: Semaphore::new(slots), slots_for_requests: Semaphore::new(slots) }
    }

    fn slots(&self, class: LimitClass) -> &Semaphore {
        match class {
            LimitClass::Urls => &self.slots_for_urls,
            LimitClass::Requests => &self.slots_for_requests,
        }
    }
}

impl<S: SendPiece> SendPiece for ConcurrencyLimit<'_, S> {
    async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        let slot = self.slots(piece.class()).acquire();
        let _slot = self.deadline.before_deadline("the zone's other requests were answered", slot).await?;
        self.inner.send(piece, attempts).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;
    use crate::outcome::Status;
    use crate::patience::Patience;
    use crate::sender::scripted::{Answer, Scripted, accepts};
    use crate::test_support::{paused_clock, plan_of, plan_of_tags};

    const SECOND: Duration = Duration::from_secs(1);

    /// Sends each batch as one piece. Returns their results.
    async fn send(limit: &ConcurrencyLimit<'_, Scripted>, pieces: &[Piece<'_>]) -> Vec<Result<Accepted, Failure>> {
        join_all(pieces.iter().map(async |piece| limit.send(piece, &mut 0).await)).await
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_in_flight_are_limited_for_each_class() {
        let (clock, urls, tags) = (paused_clock(), plan_of(5 * 500), plan_of_tags(5));
        let deadline = Deadline::new(&clock, Patience::from(clock.now() + 60 * SECOND));
        let slow = std::iter::repeat_n(Answer { time: SECOND, ..accepts() }, 10);
        let inner = Scripted::new(slow);
        let limit = ConcurrencyLimit::new(inner.clone(), 2, deadline);
        let pieces: Vec<Piece<'_>> = urls.batches.iter().chain(&tags.batches).map(Piece::whole).collect();
        let start = clock.now();
        assert!(send(&limit, &pieces).await.iter().all(Result::is_ok));
        assert_eq!((inner.max_in_flight(), clock.now() - start), (4, 3 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_that_has_no_slot_until_the_deadline_is_not_sent() {
        let (clock, plan) = (paused_clock(), plan_of(2 * 500));
        let deadline = Deadline::new(&clock, Patience::from(clock.now() + SECOND));
        let inner = Scripted::new([Answer { time: 2 * SECOND, ..accepts() }]);
        let limit = ConcurrencyLimit::new(inner.clone(), 1, deadline);
        let pieces: Vec<Piece<'_>> = plan.batches.iter().map(Piece::whole).collect();
        let results = send(&limit, &pieces).await;
        let failure = results[1].as_ref().unwrap_err();
        assert_eq!((results[0].is_ok(), failure.status), (true, Status::DeadlineExceeded));
        assert_eq!((inner.sent().len(), inner.max_in_flight()), (1, 1));
    }
}
