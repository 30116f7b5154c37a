//! One token bucket, and the turns of the teams that share it.
//!
//! A team has at most one request waiting at the bucket, and the bucket serves its waiters in order. A pause that
//! Cloudflare asks of one team stops only that team; another team finds out for itself.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::Rate;
use purge_router_core::names::TeamName;

use super::pause::Pause;
use super::share::Share;
use crate::bounded_map::BoundedMap;
use crate::clock::{Clock, Timestamp};

/// How much of a bucket is used at once. Requests do not all travel equally fast: of two that were sent a tenth of a
/// second apart, the second may arrive as soon as the first. The unused part is for that.
const USED_AT_ONCE: f64 = 0.9;

/// How many teams may share one account. Beyond that, a team's pause is forgotten first.
const SHARING_TEAMS: usize = 1024;

/// The rate limit lets the request pass only after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AfterDeadline;

#[derive(Debug)]
pub(super) struct Bucket {
    clock: Clock,
    /// What all instances together use at once of the whole bucket.
    capacity: f64,
    /// The whole rate.
    per_second: f64,
    share: Arc<Share>,
    level: tokio::sync::Mutex<Level>,
    teams: BoundedMap<TeamName, TeamAtBucket>,
}

/// The tokens that are left; below zero after a request that was larger than the bucket.
#[derive(Debug)]
struct Level {
    tokens: f64,
    /// When that was, in seconds of [`Share::seconds`].
    at: f64,
}

/// A team's place at one bucket, where it has at most one request at a time.
#[derive(Debug, Default)]
struct TeamAtBucket {
    turn: tokio::sync::Mutex<()>,
    pause: Pause,
}

impl Bucket {
    /// A full bucket with one instance's share of a rate.
    pub(super) fn new(rate: Rate, share: Arc<Share>, clock: Clock) -> Self {
        let capacity = f64::from(rate.capacity) * USED_AT_ONCE;
        let tokens = capacity * share.part().of_bucket;
        let level = tokio::sync::Mutex::new(Level { tokens, at: share.seconds() });
        let per_second = f64::from(rate.refill) / f64::from(rate.period_seconds);
        Self { clock, capacity, per_second, share, level, teams: BoundedMap::new(SHARING_TEAMS) }
    }

    /// Waits for the team's turn, for the end of its pauses here and at all buckets, and for `cost` tokens.
    pub(super) async fn acquire(
        &self,
        team: &TeamName,
        all_buckets: &Pause,
        cost: usize,
        deadline: Timestamp,
    ) -> Result<(), AfterDeadline> {
        let at_bucket = self.team(team);
        let paused_until = || at_bucket.pause.until().max(all_buckets.until());
        let _turn = self.clock.timeout_at(deadline, at_bucket.turn.lock()).await.map_err(|_| AfterDeadline)?;
        while let Some(until) = paused_until().filter(|until| *until > self.clock.now()) {
            if until >= deadline {
                return Err(AfterDeadline);
            }
            self.clock.sleep_until(until).await;
        }
        self.take(cost, deadline).await
    }

    /// Holds back a team at this bucket.
    pub(super) fn pause(&self, team: &TeamName, until: Timestamp) {
        self.team(team).pause.extend(self.clock.now(), until);
    }

    /// Cloudflare accepted a request of a team.
    pub(super) fn accepted(&self, team: &TeamName) {
        self.team(team).pause.accepted(self.clock.now());
    }

    /// Takes `cost` tokens, after waiting for them. Waiters queue at the lock, which is fair. A request that is larger
    /// than the bucket waits for a full bucket and leaves a debt, so that a small share slows requests but never stops
    /// them.
    async fn take(&self, cost: usize, deadline: Timestamp) -> Result<(), AfterDeadline> {
        let cost = cost as f64;
        let mut level = self.clock.timeout_at(deadline, self.level.lock()).await.map_err(|_| AfterDeadline)?;
        self.refill(&mut level);
        let part = self.share.part();
        let missing = cost.min(self.capacity * part.of_bucket) - level.tokens;
        if missing > 0.0 {
            let until = self.clock.now() + Duration::from_secs_f64(missing / self.per_second / part.of_rate);
            if until >= deadline {
                return Err(AfterDeadline);
            }
            self.clock.sleep_until(until).await;
            self.refill(&mut level);
        }
        level.tokens -= cost;
        Ok(())
    }

    fn refill(&self, level: &mut Level) {
        let now = self.share.seconds();
        let capacity = self.capacity * self.share.part().of_bucket;
        level.tokens = (level.tokens + (now - level.at) * self.per_second).min(capacity);
        level.at = now;
    }

    fn team(&self, team: &TeamName) -> Arc<TeamAtBucket> {
        self.teams.get_or_insert_with(team, TeamAtBucket::default)
    }
}
