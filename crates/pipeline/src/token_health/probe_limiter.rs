//! How many unproven tokens of one team are tried: teams may write any number of zones that do not exist.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purge_router_core::names::{CloudflareId, TokenParameter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{Clock, Timestamp};

/// How many zones of one team are probed at once.
const PROBES: usize = 32;

/// How many of a team's tokens may be refused in a minute before only proven ones are used. Tokens that were refused
/// before take at most half of it, so that room is left for new ones.
const REFUSALS_PER_MINUTE: usize = 32;
const REFUSALS_OF_REFUSED: usize = 16;
const MINUTE: Duration = Duration::from_secs(60);

/// A token in one zone: a token that two zones share may be good for only one of them.
pub(super) type TokenKey = (TokenParameter, CloudflareId);

/// Limits the probes of one team.
#[derive(Debug)]
pub(super) struct ProbeLimiter {
    clock: Clock,
    slots: Arc<Semaphore>,
    minute: Mutex<Minute>,
}

/// The tokens that were refused since its start. At most those of a minute's limit, and of the probes under way then.
#[derive(Debug, Default)]
struct Minute {
    start: Option<Timestamp>,
    refused: HashSet<TokenKey>,
}

/// One of a team's probes. Dropping it lets another zone be probed.
#[derive(Debug)]
pub(super) struct ProbeSlot(#[expect(dead_code, reason = "held for its Drop")] OwnedSemaphorePermit);

/// Too many of the team's tokens were refused in this minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyRefused;

impl ProbeLimiter {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, slots: Arc::new(Semaphore::new(PROBES)), minute: Mutex::default() }
    }

    /// Waits for a slot.
    pub(super) async fn acquire(&self, was_refused: bool) -> Result<ProbeSlot, TooManyRefused> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| TooManyRefused)?;
        let limit = if was_refused { REFUSALS_OF_REFUSED } else { REFUSALS_PER_MINUTE };
        match self.minute().refused.len() < limit {
            true => Ok(ProbeSlot(slot)),
            false => Err(TooManyRefused),
        }
    }

    pub(super) fn accepted(&self, token: &TokenKey) {
        self.minute().refused.remove(token);
    }

    pub(super) fn refused(&self, token: TokenKey) {
        let mut minute = self.minute();
        if minute.refused.len() < REFUSALS_PER_MINUTE + PROBES {
            minute.refused.insert(token);
        }
    }

    /// How many tokens were refused in the current minute.
    pub(super) fn refused_in_minute(&self) -> usize {
        self.minute().refused.len()
    }

    /// The current minute; a new one if the last one is over.
    fn minute(&self) -> MutexGuard<'_, Minute> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if minute.start.is_none_or(|start| now - start >= MINUTE) {
            *minute = Minute { start: Some(now), refused: HashSet::new() };
        }
        minute
    }
}

#[cfg(test)]
mod tests {
    use purge_router_core::names::TeamName;
    use tokio::time::{advance, timeout};

    use super::*;
    use crate::test_support::paused_clock;

    fn token(index: usize) -> TokenKey {
        let team = TeamName::parse("red").unwrap();
        let folder = purge_router_core::names::TokenFolder::default_of(&team);
        let zone_id = CloudflareId::parse(&format!("{index:032x}")).unwrap();
        (folder.parameter(&format!("zone{index}.com")).unwrap(), zone_id)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_slot_is_given_back() {
        let probes = ProbeLimiter::new(paused_clock());
        let mut slots = Vec::new();
        for _ in 0..PROBES {
            slots.push(probes.acquire(false).await.unwrap());
        }
        assert!(timeout(MINUTE, probes.acquire(false)).await.is_err(), "all are taken");
        slots.pop();
        assert!(timeout(MINUTE, probes.acquire(false)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_a_minute_are_limited() {
        let probes = ProbeLimiter::new(paused_clock());
        let admits = async |was_refused| probes.acquire(was_refused).await.is_ok();
        for index in 0..REFUSALS_PER_MINUTE {
            let seen = (admits(false).await, admits(true).await);
            assert_eq!(seen, (true, index < REFUSALS_OF_REFUSED), "{index}");
            probes.refused(token(index));
            probes.refused(token(index));
        }
        assert!(!admits(false).await);
        probes.accepted(&token(7));
        assert!(admits(false).await, "a token that is accepted after all does not count");
        (0..10_000).for_each(|index| probes.refused(token(index)));
        assert_eq!(probes.minute().refused.len(), REFUSALS_PER_MINUTE + PROBES);
        advance(MINUTE).await;
        assert!(admits(true).await);
    }
}
