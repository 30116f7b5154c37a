//! How long requests to a zone and their answers are under way, and what is lost. Each zone has a stream of its own, so that no
//! team's requests change those of another one.

use std::time::Duration;

use fastrand::Rng;

use crate::random::{Seed, chance, millis};
use crate::scenario::{Trouble, ZoneId};

/// The way of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journey {
    /// Until it arrives.
    pub(crate) there: Duration,
    /// Until the answer is back.
    pub(crate) back: Duration,
    /// Something fails although the zone has no trouble.
    pub(crate) mishap: Option<Mishap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Cloudflare answers 500.
    ServerError,
    /// The connection is reset after the request has arrived.
    AnswerLost,
}

/// The journeys of all zones' requests.
#[derive(Debug)]
pub(crate) struct Network(Vec<Rng>);

impl Network {
    pub(crate) fn new(seed: Seed, zones: usize) -> Self {
        Self((0..zones).map(|zone| seed.stream("network", zone)).collect())
    }

    pub(crate) fn journey(&mut self, zone: ZoneId, trouble: Option<Trouble>) -> Journey {
        let rng = &mut self.0[zone];
        let there = millis(rng, 8..=25);
        let mut back = millis(rng, 15..=70);
        if chance(rng, 0.01) {
            back += millis(rng, 100..=500);
        }
        if trouble == Some(Trouble::Slow) {
            back += millis(rng, 2000..=12_000);
        }
        let mishap = match rng.u32(0..1000) {
            0 => Some(Mishap::ServerError),
            1 => Some(Mishap::AnswerLost),
            _ => None,
        };
        Journey { there, back, mishap }
    }
}
