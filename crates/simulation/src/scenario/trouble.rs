//! What goes wrong with a zone, and when.

use std::time::Duration;

use crate::clock::SimTime;

/// How long before the end of the uploads all trouble ends.
pub(super) const ENDS_BEFORE: Duration = Duration::from_secs(60);

/// What is wrong with a team in one period of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sickness {
    /// Its zones fail.
    Zones(Trouble),
    /// It uploads a hundred times as much as all other teams.
    Noisy,
    /// It uploads something that is no event.
    Malformed,
}

impl Sickness {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::Zones(Trouble::Hangs),
        Self::Zones(Trouble::ServerErrors),
        Self::Zones(Trouble::Resets),
        Self::Zones(Trouble::Html { status: 200 }),
        Self::Zones(Trouble::Html { status: 502 }),
        Self::Zones(Trouble::Unsuccessful),
        Self::Zones(Trouble::CutOff),
        Self::Zones(Trouble::Slow),
        Self::Zones(Trouble::RateLimited { retry_after: Some(30) }),
        Self::Zones(Trouble::RateLimited { retry_after: Some(300) }),
        Self::Zones(Trouble::RateLimited { retry_after: None }),
        Self::Zones(Trouble::AllCallsBlocked),
        Self::Zones(Trouble::TokenRevoked),
        Self::Zones(Trouble::TokenMissing),
        Self::Zones(Trouble::UnknownZone),
        Self::Zones(Trouble::RefusesItems),
        Self::Noisy,
        Self::Malformed,
    ];

    /// Whether its messages may become dead letters after the few receives of the main queue: Cloudflare refuses them
    /// for what they are, so somebody has to look at them.
    pub fn may_be_dead_letters(self) -> bool {
        matches!(self, Self::Malformed | Self::Zones(Trouble::RefusesItems | Trouble::UnknownZone))
    }
}

/// What is wrong with a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Requests are never answered.
    Hangs,
    /// Requests are answered with 500.
    ServerErrors,
    /// Connections are reset before an answer.
    Resets,
    /// Requests are answered with HTML, by something in front of the API.
    Html {
        /// The status of the answer.
        status: u16,
    },
    /// Requests are answered with 200 and `success: false`.
    Unsuccessful,
    /// Requests are accepted, but their answers are cut off.
    CutOff,
    /// Requests are accepted after seconds.
    Slow,
    /// Something else uses the account's limit: 429, which may say how many seconds to wait.
    RateLimited {
        /// The answer's `Retry-After`.
        retry_after: Option<u64>,
    },
    /// All calls of the account are blocked.
    AllCallsBlocked,
    /// The token was revoked before a new one was stored.
    TokenRevoked,
    /// The token is not in SSM.
    TokenMissing,
    /// Cloudflare does not know the zone: it was just moved.
    UnknownZone,
    /// Some URLs are refused, with those that share their request.
    RefusesItems,
    /// A good token is refused every other time.
    TokenFlickers,
    /// Every other request is answered with 429.
    LimitFlickers,
}

/// A zone's trouble, from one time until another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TroublePeriod {
    /// Its start.
    pub from: SimTime,
    /// Its end.
    pub until: SimTime,
    /// What is wrong.
    pub trouble: Trouble,
}

impl TroublePeriod {
    /// Whether it is going on.
    pub fn is_at(&self, time: SimTime) -> bool {
        self.from <= time && time < self.until
    }

    /// How long it lasts.
    pub fn length(&self) -> Duration {
        self.until - self.from
    }
}
