//! Rate limits, kept before Cloudflare has to: one token bucket per account, plan and class.
//!
//! Anybody may write an account id, so teams share a bucket only if the grants of both name the account. A zone whose
//! account is unknown has a bucket of its own. The buckets of a team's own accounts and zones are bounded per team, so
//! that a team that writes many ids evicts only buckets of its own.

mod bucket;
mod pause;

use std::num::NonZeroU32;
use std::sync::Arc;

use purge_router_core::Zone;
use purge_router_core::limits::{CloudflarePlan, LimitClass};
use purge_router_core::names::CloudflareId;

pub(crate) use self::bucket::AfterDeadline;
use self::bucket::Bucket;
use self::pause::Pause;
use crate::bounded_map::BoundedMap;
use crate::clock::{Clock, Timestamp};
use crate::per_team::PerTeam;

/// Operators write grants, so at most this many granted accounts, times plans and classes, are in use at once.
const GRANTED: usize = 4096;

/// How many buckets of its own one team has. Beyond that, its least used bucket is evicted. When it is needed again, it
/// is full and has no pause of its own: the team may then send one burst too many, and Cloudflare rate limits it.
const PER_TEAM: usize = 512;

/// The token buckets of all accounts that this process purges.
#[derive(Debug)]
pub(crate) struct RateLimits {
    clock: Clock,
    instances: NonZeroU32,
    granted: BoundedMap<Key, Bucket>,
    teams: PerTeam<TeamLimits>,
}

/// What one team has for itself.
#[derive(Debug)]
struct TeamLimits {
    buckets: BoundedMap<Key, Bucket>,
    /// A pause of the team at all buckets, its own and granted ones.
    pause: Pause,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    plan: CloudflarePlan,
    class: LimitClass,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Account(CloudflareId),
    Zone(CloudflareId),
}

impl RateLimits {
    /// Limits for one of this many instances, which run at once and take equal shares.
    pub(crate) fn new(instances: NonZeroU32, clock: Clock) -> Self {
        Self { clock, instances, granted: BoundedMap::new(GRANTED), teams: PerTeam::new() }
    }

    /// Waits until a request of this cost may be sent.
    ///
    /// # Errors
    /// It can't be sent before the deadline. This is returned as soon as it is known.
    pub(crate) async fn acquire(
        &self,
        zone: &Zone,
        class: LimitClass,
        cost: usize,
        deadline: Timestamp,
    ) -> Result<(), AfterDeadline> {
        let team = self.team(zone);
        self.bucket(&team, zone, class).acquire(&zone.team, &team.pause, cost, deadline).await
    }

    /// Holds back the zone's team until this time: for one class at the zone's bucket, or for all requests of all of
    /// its zones. Cloudflare blocks all calls by account, by user or by address; which one it was, the answer does not
    /// say.
    pub(crate) fn pause(&self, zone: &Zone, class: Option<LimitClass>, until: Timestamp) {
        let team = self.team(zone);
        match class {
            Some(class) => self.bucket(&team, zone, class).pause(&zone.team, until),
            None => team.pause.extend(self.clock.now(), until),
        }
    }

    /// Notes that Cloudflare accepted a request, so that the next pause is no repetition of the last one.
    pub(crate) fn accepted(&self, zone: &Zone, class: LimitClass) {
        let team = self.team(zone);
        team.pause.accepted(self.clock.now());
        self.bucket(&team, zone, class).accepted(&zone.team);
    }

    fn team(&self, zone: &Zone) -> Arc<TeamLimits> {
        let new = || TeamLimits { buckets: BoundedMap::new(PER_TEAM), pause: Pause::default() };
        self.teams.get_or_insert_with(&zone.team, new)
    }

    fn bucket(&self, team: &TeamLimits, zone: &Zone, class: LimitClass) -> Arc<Bucket> {
        let owner = match &zone.account_id {
            Some(account) => Owner::Account(account.clone()),
            None => Owner::Zone(zone.zone_id.clone()),
        };
        let key = Key { owner, plan: zone.plan, class };
        let new = || Bucket::new(zone.plan.rate(class), self.instances, self.clock.clone());
        if zone.account_id.is_some() && zone.account_is_granted {
            return self.granted.get_or_insert_with(&key, new);
        }
        team.buckets.get_or_insert_with(&key, new)
    }
}

#[cfg(test)]
mod tests;
