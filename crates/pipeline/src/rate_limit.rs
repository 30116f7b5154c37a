//! Rate limits, kept before Cloudflare has to: one token bucket per account, plan and class.
//!
//! Anybody may write an account id, so teams share a bucket only if the grants of both name the account. A zone whose
//! account is unknown has a bucket of its own. The buckets of a team's own accounts and zones are bounded per team, so
//! that a team that writes many ids evicts only buckets of its own.
//!
//! Cloudflare also limits the client: the calls from its address, which all teams share, and the calls of each caller,
//! which are a team's own.

mod bucket;
mod call_window;
mod caller;
mod pause;
mod share;

use std::sync::Arc;

use purge_router_core::Zone;
use purge_router_core::limits::{CALLS_PER_ADDRESS, CALLS_PER_CALLER, CallLimit, CloudflarePlan, LimitClass};
use purge_router_core::names::CloudflareId;

pub(crate) use self::bucket::AfterDeadline;
use self::bucket::Bucket;
use self::call_window::CallWindow;
pub(crate) use self::caller::Caller;
use self::pause::Pause;
pub(crate) use self::share::Share;
use crate::bounded_map::BoundedMap;
use crate::clock::{Clock, Timestamp};
use crate::per_team::PerTeam;

/// Operators write grants, so at most this many granted accounts, times plans and classes, are in use at once.
const GRANTED: usize = 4096;

/// How many buckets of its own one team has, and how many callers. Beyond that, its least used bucket is evicted. When
/// it is needed again, it is full and has no pause of its own: the team may then send one burst too many, and Cloudflare
/// rate limits it.
const PER_TEAM: usize = 512;

/// What one team has of the calls from an address.
const HALF_OF_ADDRESS: CallLimit = CallLimit { calls: CALLS_PER_ADDRESS.calls / 2, period: CALLS_PER_ADDRESS.period };

/// The token buckets of all accounts that this process purges.
#[derive(Debug)]
pub(crate) struct RateLimits {
    clock: Clock,
    share: Arc<Share>,
    /// The calls from this process. Instances may have one address, that of a NAT gateway, so each takes its share.
    address: CallWindow,
    granted: BoundedMap<Key, Bucket>,
    teams: PerTeam<TeamLimits>,
}

/// What one team has for itself.
#[derive(Debug)]
struct TeamLimits {
    buckets: BoundedMap<Key, Bucket>,
    /// A pause of the team at all buckets, its own and granted ones.
    pause: Pause,
    /// The calls of its callers.
    callers: BoundedMap<Caller, CallWindow>,
    /// A team has at most one request waiting for the address.
    address_turn: tokio::sync::Mutex<()>,
    /// A team has at most half of the calls from the address, so that another one need not wait for it.
    address: CallWindow,
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
    /// Limits for one of the instances that share them.
    pub(crate) fn new(share: Share, clock: Clock) -> Self {
        let address = CallWindow::new(CALLS_PER_ADDRESS, share.instances(), clock.clone());
        Self { clock, share: Arc::new(share), address, granted: BoundedMap::new(GRANTED), teams: PerTeam::new() }
    }

    /// This instance's share of the rates.
    pub(crate) fn share(&self) -> &Share {
        &self.share
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

    /// Whether the caller may send a request of this class before the deadline, as far as that is known now. To ask
    /// first spares what others share.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn check_caller(
        &self,
        zone: &Zone,
        caller: Caller,
        class: LimitClass,
        deadline: Timestamp,
    ) -> Result<(), AfterDeadline> {
        let may_call = !class.counts_as_call() || self.caller(&self.team(zone), caller).may_admit_before(deadline);
        may_call.then_some(()).ok_or(AfterDeadline::Full)
    }

    /// Waits until the client may send one more request: the caller, if the class counts, and then the address.
    ///
    /// The address has a deadline of its own. Everybody shares it and the wait is a fraction of a second, so it is worth
    /// more waiting than a limit of a team.
    ///
    /// # Errors
    /// It can't be sent before the deadline. This is returned as soon as it is known.
    pub(crate) async fn acquire_call(
        &self,
        zone: &Zone,
        caller: Caller,
        class: LimitClass,
        deadline: Timestamp,
        address_deadline: Timestamp,
    ) -> Result<(), AfterDeadline> {
        let team = self.team(zone);
        if class.counts_as_call() {
            self.caller(&team, caller).acquire(deadline).await?;
        }
        let turn = self.clock.timeout_at(address_deadline, team.address_turn.lock());
        let _turn = turn.await.map_err(|_| AfterDeadline::Full)?;
        team.address.acquire(address_deadline).await?;
        self.address.acquire(address_deadline).await
    }

    /// Gives back to the account what a request took that is not sent.
    pub(crate) fn give_back(&self, zone: &Zone, class: LimitClass, cost: usize) {
        self.bucket(&self.team(zone), zone, class).give_back(cost);
    }

    /// Whether the zone's team is held back at present.
    pub(crate) fn is_paused(&self, zone: &Zone, class: LimitClass) -> bool {
        let team = self.team(zone);
        let until = self.bucket(&team, zone, class).paused_until(&zone.team).max(team.pause.until());
        until.is_some_and(|until| until > self.clock.now())
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

    /// How many teams are known.
    pub(crate) fn teams(&self) -> usize {
        self.teams.len()
    }

    /// How many teams the bucket with the most of them has.
    pub(crate) fn teams_at_bucket(&self) -> usize {
        let of_teams = self.teams.largest(|team| team.buckets.largest(Bucket::teams));
        self.granted.largest(Bucket::teams).max(of_teams)
    }

    /// How many buckets of granted accounts there are.
    pub(crate) fn granted_buckets(&self) -> usize {
        self.granted.len()
    }

    /// How many buckets of its own the team with the most of them has.
    pub(crate) fn buckets_of_team(&self) -> usize {
        self.teams.largest(|team| team.buckets.len())
    }

    /// How many callers the team with the most of them has.
    pub(crate) fn callers_of_team(&self) -> usize {
        self.teams.largest(|team| team.callers.len())
    }

    fn team(&self, zone: &Zone) -> Arc<TeamLimits> {
        let new = || TeamLimits {
            buckets: BoundedMap::new(PER_TEAM),
            pause: Pause::default(),
            callers: BoundedMap::new(PER_TEAM),
            address_turn: tokio::sync::Mutex::default(),
            address: CallWindow::new(HALF_OF_ADDRESS, self.share.instances(), self.clock.clone()),
        };
        self.teams.get_or_insert_with(&zone.team, new)
    }

    fn caller(&self, team: &TeamLimits, caller: Caller) -> Arc<CallWindow> {
        let new = || CallWindow::new(CALLS_PER_CALLER, self.share.instances(), self.clock.clone());
        team.callers.get_or_insert_with(&caller, new)
    }

    fn bucket(&self, team: &TeamLimits, zone: &Zone, class: LimitClass) -> Arc<Bucket> {
        let owner = match &zone.account_id {
            Some(account) => Owner::Account(account.clone()),
            None => Owner::Zone(zone.zone_id.clone()),
        };
        let key = Key { owner, plan: zone.plan, class };
        let new = || Bucket::new(zone.plan.rate(class), class, Arc::clone(&self.share), self.clock.clone());
        if zone.account_id.is_some() && zone.account_is_granted {
            return self.granted.get_or_insert_with(&key, new);
        }
        team.buckets.get_or_insert_with(&key, new)
    }
}

#[cfg(test)]
mod tests;
