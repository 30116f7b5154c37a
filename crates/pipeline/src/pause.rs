//! Tokens that were read afresh and refused again: each is left alone for a while, and then tried by one request.
//!
//! What a team's bad token would cost without it grows with the team's traffic: reads of SSM, and refusals, after too many
//! of which Cloudflare blocks an address for all. And a team may write any number of zones that are none: so that of
//! tokens that are not known to be good, only so many of a team are tried in a minute.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::names::{CloudflareId, TeamName, TokenParameter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::moment::Moment;

/// How many zones of one team may be under trial at once.
const TRIALS: usize = 32;

/// How many of a team's tokens may be refused in a minute, before only good ones are used; and how many of them may be such as
/// were refused before, so that they leave room for those that nobody knows yet.
const REFUSED: usize = 32;
const REFUSED_AGAIN: usize = 16;
const MINUTE: Duration = Duration::from_secs(60);

/// The tokens that are left alone, by parameter and zone: one token of two zones may be good for one of them only.
#[derive(Debug)]
pub(crate) struct Pauses {
    pause: Duration,
    shut: Mutex<HashMap<Key, Shut>>,
    teams: Mutex<HashMap<TeamName, Arc<Trials>>>,
}

/// What became of one team's tokens.
#[derive(Debug)]
pub(crate) struct Trials {
    slots: Arc<Semaphore>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    good: HashSet<Key>,
    /// Those that were refused last, whenever that was.
    bad: HashSet<Key>,
    /// Those that were refused in a minute, and when that began.
    refused: HashSet<Key>,
    since: Option<Moment>,
}

/// Whether the requests of a zone may go.
pub(crate) enum Pass {
    /// The token was accepted last.
    Good,
    /// It is tried, until this is dropped.
    Trial(OwnedSemaphorePermit),
    /// Too many of the team's tokens were refused.
    TooMany,
}

impl Trials {
    /// Whether the token was accepted last.
    pub(crate) fn is_good(&self, zone: &Zone) -> bool {
        self.known().good.contains(&key(zone))
    }

    /// Waits until a zone's token may be sent: at once, if it is good.
    pub(crate) async fn pass(&self, zone: &Zone) -> Pass {
        if self.is_good(zone) {
            return Pass::Good;
        }
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return Pass::TooMany };
        let mut known = self.known();
        if known.since.as_ref().is_none_or(|since| since.elapsed() >= MINUTE) {
            known.refused.clear();
            known.since = Some(Moment::now());
        }
        let most = if known.bad.contains(&key(zone)) { REFUSED_AGAIN } else { REFUSED };
        match known.refused.len() < most {
            true => Pass::Trial(slot),
            false => Pass::TooMany,
        }
    }

    pub(crate) fn accepted(&self, zone: &Zone) {
        let (mut known, key) = (self.known(), key(zone));
        known.refused.remove(&key);
        known.bad.remove(&key);
        known.good.insert(key);
    }

    /// A token that was read afresh was refused, too.
    pub(crate) fn refused(&self, zone: &Zone) {
        let (mut known, key) = (self.known(), key(zone));
        known.good.remove(&key);
        known.refused.insert(key.clone());
        known.bad.insert(key);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Key = (TokenParameter, CloudflareId);

#[derive(Debug)]
struct Shut {
    since: Moment,
    /// Whether it was logged.
    is_told: bool,
}

/// Whether a zone's token may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing speaks against it.
    Open,
    /// One request may try it, and the others wait for what becomes of that.
    Ajar,
    /// Not yet; for so long.
    Shut(Duration),
}

impl Pauses {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, shut: Mutex::default(), teams: Mutex::default() }
    }

    /// What became of the tokens of a zone's team.
    pub(crate) fn trials(&self, zone: &Zone) -> Arc<Trials> {
        let mut teams = self.teams.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Trials { slots: Arc::new(Semaphore::new(TRIALS)), known: Mutex::default() });
        Arc::clone(teams.entry(zone.team.clone()).or_insert_with(new))
    }

    /// Whether this zone's token may be used now. Who is let try it shuts the gate behind.
    pub(crate) fn gate(&self, zone: &Zone) -> Gate {
        let mut all = self.shut();
        let Some(shut) = all.get_mut(&key(zone)) else { return Gate::Open };
        match self.pause.checked_sub(shut.since.elapsed()).filter(|left| !left.is_zero()) {
            Some(left) => Gate::Shut(left),
            None => {
                *shut = Shut { since: Moment::now(), is_told: false };
                Gate::Ajar
            }
        }
    }

    /// Leaves a zone's token alone from now on, and tells for how long if that is news.
    pub(crate) fn refused(&self, zone: &Zone) -> Option<Duration> {
        let before = self.shut().insert(key(zone), Shut { since: Moment::now(), is_told: true });
        (!before.is_some_and(|shut| shut.is_told)).then_some(self.pause)
    }

    /// The token was accepted.
    pub(crate) fn accepted(&self, zone: &Zone) {
        self.shut().remove(&key(zone));
    }

    fn shut(&self) -> MutexGuard<'_, HashMap<Key, Shut>> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(zone: &Zone) -> Key {
    (zone.token.clone(), zone.zone_id.clone())
}
