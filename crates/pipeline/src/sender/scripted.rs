//! A layer that gives scripted answers, for tests of the layers above it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purge_router_cloudflare::Accepted;

use super::failure::{Failure, RefusedPart};
use super::layer::SendPiece;
use super::piece::Piece;
use crate::outcome::Status;

/// One answer: its duration, its number of requests, and its result.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) time: Duration,
    pub(super) attempts: u32,
    pub(super) result: Result<Accepted, Failure>,
}

/// A layer that answers as scripted, and accepts when its script is over. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Scripted {
    script: Arc<Mutex<VecDeque<Answer>>>,
    /// The items of each piece that it was given.
    sent: Arc<Mutex<Vec<Vec<String>>>>,
    in_flight: Arc<AtomicUsize>,
    max_in_flight: Arc<AtomicUsize>,
}

/// A piece is accepted after one request and a millisecond.
pub(super) fn accepts() -> Answer {
    Answer { time: Duration::from_millis(1), attempts: 1, result: Ok(Accepted { ray: None }) }
}

/// A piece fails with this status after one request and a millisecond.
pub(super) fn fails(status: Status) -> Answer {
    Answer { result: Err(failure(status, None)), ..accepts() }
}

/// A piece is refused for this part.
pub(super) fn refuses(part: RefusedPart) -> Answer {
    Answer { result: Err(failure(Status::ItemsRefused, Some(part))), ..accepts() }
}

fn failure(status: Status, part: Option<RefusedPart>) -> Failure {
    let is_permanent = matches!(status, Status::ItemsRefused | Status::RequestRefused);
    Failure { part, is_permanent, ..Failure::transient(status, format!("no: {status:?}")) }
}

impl Scripted {
    pub(super) fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        Self { script: Arc::new(Mutex::new(script.into_iter().collect())), ..Self::default() }
    }

    /// The items of each piece so far.
    pub(super) fn sent(&self) -> Vec<Vec<String>> {
        self.sent.lock().unwrap().clone()
    }

    /// How many pieces were in flight at once, at most.
    pub(super) fn max_in_flight(&self) -> usize {
        self.max_in_flight.load(Ordering::Relaxed)
    }
}

impl SendPiece for Scripted {
    async fn send(&self, piece: &Piece<'_>, attempts: &mut u32) -> Result<Accepted, Failure> {
        self.sent.lock().unwrap().push(piece.items().iter().map(|item| item.item.to_string()).collect());
        self.max_in_flight.fetch_max(self.in_flight.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let answer = self.script.lock().unwrap().pop_front().unwrap_or_else(accepts);
        tokio::time::sleep(answer.time).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        *attempts += answer.attempts;
        answer.result
    }
}
