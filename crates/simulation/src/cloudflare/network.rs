//! How long requests to a zone and their answers are under way, and what is lost. Each zone has a stream of its own, so
//! that no team's requests change those of another one.

use std::time::Duration;

use fastrand::Rng;

use crate::fault::Fault;
use crate::random::{Seed, chance, millis};
use crate::scenario::{Trouble, ZoneId};

/// How long a request and its answer are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journey {
    /// Until it arrives.
    pub(crate) to_cloudflare: Duration,
    /// Until the answer is back.
    pub(crate) to_function: Duration,
    /// Something fails although the zone has no trouble.
    pub(crate) mishap: Option<Mishap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Cloudflare answers 500.
    ServerError,
    /// Something in front of the API answers.
    Html,
    /// Cloudflare answers 200 without success.
    Unsuccessful,
    /// The connection is reset after the request was carried out.
    AnswerLost,
    /// The answer is cut off after the request was carried out.
    CutOff,
    /// A good token is refused.
    TokenRefused,
    /// Cloudflare answers 429.
    Limited,
}

impl Mishap {
    /// The fault, if the request is carried out all the same.
    pub(super) fn fault_of_answer(self) -> Option<Fault> {
        match self {
            Self::ServerError | Self::Html | Self::Unsuccessful | Self::TokenRefused | Self::Limited => None,
            Self::AnswerLost => Some(Fault::AnswerLost),
            Self::CutOff => Some(Fault::AnswerCutOff),
        }
    }
}

/// The journeys of all zones' requests.
#[derive(Debug)]
pub(crate) struct Network {
    of_zones: Vec<Rng>,
    mishaps: bool,
}

impl Network {
    pub(crate) fn new(seed: Seed, zones: usize, mishaps: bool) -> Self {
        Self { of_zones: (0..zones).map(|zone| seed.stream("network", zone)).collect(), mishaps }
    }

    pub(crate) fn journey(&mut self, zone: ZoneId, trouble: Option<Trouble>) -> Journey {
        let rng = &mut self.of_zones[zone];
        let to_cloudflare = millis(rng, 8..=25);
        let mut to_function = millis(rng, 15..=70);
        let is_late = chance(rng, 0.01);
        let late_by = millis(rng, 100..=500);
        if is_late && self.mishaps {
            to_function += late_by;
        }
        if trouble == Some(Trouble::Slow) {
            to_function += millis(rng, 2000..=12_000);
        }
        let mishap = match rng.u32(0..1000) {
            0 => Some(Mishap::ServerError),
            1 => Some(Mishap::AnswerLost),
            2 => Some(Mishap::Html),
            3 => Some(Mishap::Unsuccessful),
            4 => Some(Mishap::CutOff),
            _ => None,
        };
        let mishap = mishap.filter(|_| self.mishaps);
        let mishap = match trouble {
            Some(Trouble::CutOff) => Some(Mishap::CutOff),
            Some(Trouble::TokenFlickers) if rng.bool() => Some(Mishap::TokenRefused),
            Some(Trouble::LimitFlickers) if rng.bool() => Some(Mishap::Limited),
            _ => mishap,
        };
        Journey { to_cloudflare, to_function, mishap }
    }
}
