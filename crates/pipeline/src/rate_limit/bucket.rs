//! One token bucket, and the turns of the teams that share it.
//!
//! A team has at most one request waiting at the bucket, and the bucket serves its waiters in order. A pause that
//! Cloudflare asks of one team stops only that team; another team finds out for itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use purge_router_core::limits::{LimitClass, Rate};
use purge_router_core::names::TeamName;

use super::pause::Pause;
use super::share::{Division, Share};
use crate::bounded_map::BoundedMap;
use crate::clock::{Clock, Timestamp};

/// How much of a bucket is used at once. Requests do not all travel equally fast: of two that were sent a tenth of a
/// second apart, the second may arrive as soon as the first. The unused part is for that.
const USED_AT_ONCE: f64 = 0.9;

/// How many teams may share one account. Beyond that, a team's pause is forgotten first.
const SHARING_TEAMS: usize = 1024;

/// A limit lets the request pass only after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterDeadline {
    /// Other requests come first.
    Full,
    /// Cloudflare asked the team to pause.
    Paused,
}

#[derive(Debug)]
pub(super) struct Bucket {
    clock: Clock,
    /// What this instance uses at once: all have an equal part of the bucket, whatever they do.
    capacity: f64,
    /// The whole rate.
    per_second: f64,
    share: Arc<Share>,
    division: Division,
    level: tokio::sync::Mutex<Level>,
    /// Tokens for the level, which is locked while a request waits.
    given_back: Mutex<f64>,
    teams: BoundedMap<TeamName, TeamAtBucket>,
}

/// The tokens that are left; below zero after a request that was larger than the bucket.
#[derive(Debug)]
struct Level {
    tokens: f64,
    /// When that was, in seconds of [`Share::accrued`].
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
    pub(super) fn new(rate: Rate, class: LimitClass, share: Arc<Share>, clock: Clock) -> Self {
        let capacity = f64::from(rate.capacity) / f64::from(share.instances().get()) * USED_AT_ONCE;
        let division = Division::of(class);
        let level = tokio::sync::Mutex::new(Level { tokens: capacity, at: share.accrued(division) });
        let per_second = f64::from(rate.refill) / f64::from(rate.period_seconds);
        Self {
            clock,
            capacity,
            per_second,
            share,
            division,
            level,
            given_back: Mutex::default(),
            teams: BoundedMap::new(SHARING_TEAMS),
        }
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
        let turn = self.clock.timeout_at(deadline, at_bucket.turn.lock()).await;
        let _turn = turn.map_err(|_| AfterDeadline::Full)?;
        while let Some(until) = paused_until().filter(|until| *until > self.clock.now()) {
            if until >= deadline {
                return Err(AfterDeadline::Paused);
            }
            self.clock.sleep_until(until).await;
        }
        self.take(cost, deadline).await
    }

    /// How many teams it knows.
    pub(super) fn teams(&self) -> usize {
        self.teams.len()
    }

    /// Gives back what a request took that was not sent.
    pub(super) fn give_back(&self, cost: usize) {
        *self.given_back.lock().unwrap_or_else(PoisonError::into_inner) += cost as f64;
    }

    /// Until when the team is held back at this bucket.
    pub(super) fn paused_until(&self, team: &TeamName) -> Option<Timestamp> {
        self.team(team).pause.until()
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
        let mut level = self.clock.timeout_at(deadline, self.level.lock()).await.map_err(|_| AfterDeadline::Full)?;
        self.refill(&mut level);
        let missing = cost.min(self.capacity) - level.tokens;
        if missing > 0.0 {
            let per_second = self.per_second * self.share.part(self.division);
            let until = self.clock.now() + Duration::from_secs_f64(missing / per_second);
            if until >= deadline {
                return Err(AfterDeadline::Full);
            }
            self.clock.sleep_until(until).await;
            self.refill(&mut level);
        }
        level.tokens -= cost;
        Ok(())
    }

    fn refill(&self, level: &mut Level) {
        let now = self.share.accrued(self.division);
        let given_back = std::mem::take(&mut *self.given_back.lock().unwrap_or_else(PoisonError::into_inner));
        level.tokens = (level.tokens + given_back + (now - level.at) * self.per_second).min(self.capacity);
        level.at = now;
    }

    fn team(&self, team: &TeamName) -> Arc<TeamAtBucket> {
        self.teams.get_or_insert_with(team, TeamAtBucket::default)
    }
}
