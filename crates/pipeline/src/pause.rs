//! Tokens that were read afresh and refused again: each is left alone for a while, and then tried by one request.
//!
//! What a team's bad token would cost without it grows with the team's traffic: reads of SSM, and refusals, after too many
//! of which Cloudflare blocks an address for all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::names::{CloudflareId, TokenParameter};

use crate::moment::Moment;

/// The tokens that are left alone, by parameter and zone: one token of two zones may be good for one of them only.
#[derive(Debug)]
pub(crate) struct Pauses {
    pause: Duration,
    shut: Mutex<HashMap<Key, Shut>>,
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
        Self { pause, shut: Mutex::default() }
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
