//! Rate limits, kept before Cloudflare has to: one token bucket per account, plan and class.
//!
//! Teams that share an account take turns: a team has at most one request waiting at the bucket, and the bucket serves
//! its waiters in order. Teams share an account only where the operator granted it to both: anybody may write an id. A
//! pause that Cloudflare asked one team for stops that team only; another finds out for itself.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::limits::{CloudflarePlan, LimitClass, Rate};
use purge_router_core::names::{CloudflareId, TeamName};
use tokio::time::{Instant, sleep_until, timeout_at};

/// How much of a bucket is used at once. Requests do not all travel equally fast: of two that were let pass a tenth of
/// a second apart, the second may arrive as soon as the first. What is not used is for that.
const USED_AT_ONCE: f64 = 0.9;

/// The rate limit will not let a request pass in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late;

/// The token buckets of all accounts that this process purges.
#[derive(Debug)]
pub struct RateLimits {
    copies: NonZeroU32,
    buckets: Mutex<HashMap<Key, Arc<Bucket>>>,
}

/// Who shares a bucket: the zones of one account on one plan; of one team, where only that team says whose account it
/// is. A zone whose account is not known has its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    plan: CloudflarePlan,
    class: LimitClass,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Account(CloudflareId),
    Claimed(TeamName, CloudflareId),
    Zone(TeamName, CloudflareId),
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    level: tokio::sync::Mutex<Level>,
    lanes: Mutex<HashMap<TeamName, Arc<Lane>>>,
}

/// What is left in a bucket, as of an instant; below zero after a request that was larger than the bucket.
#[derive(Debug)]
struct Level {
    left: f64,
    at: Instant,
}

/// One team at one bucket.
#[derive(Debug, Default)]
struct Lane {
    turn: tokio::sync::Mutex<()>,
    paused_until: Mutex<Option<Instant>>,
}

impl RateLimits {
    /// Limits for one of `copies` processes that run at once: each takes that share.
    pub fn new(copies: NonZeroU32) -> Self {
        Self { copies, buckets: Mutex::default() }
    }

    /// Waits until a request of this cost may go; `Err` says, as soon as that is known, that it may not in time.
    pub(crate) async fn acquire(
        &self,
        zone: &Zone,
        class: LimitClass,
        cost: usize,
        deadline: Instant,
    ) -> Result<(), Late> {
        let bucket = self.bucket(zone, class);
        let lane = bucket.lane(&zone.team);
        let _turn = timeout_at(deadline, lane.turn.lock()).await.map_err(|_| Late)?;
        loop {
            let pause = *lock(&lane.paused_until);
            match pause.filter(|until| *until > Instant::now()) {
                Some(until) if until >= deadline => return Err(Late),
                Some(until) => sleep_until(until).await,
                None => break,
            }
        }
        bucket.take(cost, deadline).await
    }

    /// Holds back the zone's team, in one class or in all, until this instant.
    pub(crate) fn pause(&self, zone: &Zone, class: Option<LimitClass>, until: Instant) {
        let classes = class.map_or_else(|| vec![LimitClass::Urls, LimitClass::Requests], |class| vec![class]);
        for class in classes {
            let lane = self.bucket(zone, class).lane(&zone.team);
            let mut pause = lock(&lane.paused_until);
            *pause = (*pause).max(Some(until));
        }
    }

    fn bucket(&self, zone: &Zone, class: LimitClass) -> Arc<Bucket> {
        let owner = match &zone.account_id {
            Some(account) if zone.account_is_granted => Owner::Account(account.clone()),
            Some(account) => Owner::Claimed(zone.team.clone(), account.clone()),
            None => Owner::Zone(zone.team.clone(), zone.zone_id.clone()),
        };
        let key = Key { owner, plan: zone.plan, class };
        let new = || Arc::new(Bucket::new(zone.plan.rate(class), self.copies));
        Arc::clone(lock(&self.buckets).entry(key).or_insert_with(new))
    }
}

impl Bucket {
    /// A full bucket with this process's share of a rate.
    fn new(rate: Rate, copies: NonZeroU32) -> Self {
        let share = |whole: u32| f64::from(whole) / f64::from(copies.get());
        let capacity = share(rate.capacity) * USED_AT_ONCE;
        let level = tokio::sync::Mutex::new(Level { left: capacity, at: Instant::now() });
        let per_second = share(rate.refill) / f64::from(rate.period_seconds);
        Self { capacity, per_second, level, lanes: Mutex::default() }
    }

    /// Takes `cost` out, after waiting for it. Waiters queue at the lock, which is fair. A request that is larger than
    /// the bucket waits for a full one and leaves a debt, so that a small share slows requests but never stops them.
    async fn take(&self, cost: usize, deadline: Instant) -> Result<(), Late> {
        let cost = cost as f64;
        let mut level = timeout_at(deadline, self.level.lock()).await.map_err(|_| Late)?;
        level.refill(self);
        let missing = cost.min(self.capacity) - level.left;
        if missing > 0.0 {
            let until = Instant::now() + Duration::from_secs_f64(missing / self.per_second);
            if until >= deadline {
                return Err(Late);
            }
            sleep_until(until).await;
            level.refill(self);
        }
        level.left -= cost;
        Ok(())
    }

    fn lane(&self, team: &TeamName) -> Arc<Lane> {
        Arc::clone(lock(&self.lanes).entry(team.clone()).or_default())
    }
}

impl Level {
    fn refill(&mut self, bucket: &Bucket) {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * bucket.per_second).min(bucket.capacity);
        self.at = now;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each critical section is one read or write, so a poisoned value is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {

    use super::*;

    const ACCOUNT: &str = "account_id = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";
    const CLAIMED: &str = "account_id = \"cccccccccccccccccccccccccccccccc\"";

    /// One zone each for the teams a, b, …, with these lines; all were granted one account.
    fn zones(teams: &[(&str, &str)]) -> Vec<Arc<Zone>> {
        let mut text = "version = 1\n".to_owned();
        for (nth, (team, lines)) in teams.iter().enumerate() {
            text += &format!(
                "[teams.{team}]\nowns = []\naccounts = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]\n[teams.{team}.zones.\"{team}.com\"]\nhostnames = [\"{team}.com\"]\n\
                 zone_id = \"{nth:032x}\"\n{lines}\n"
            );
        }
        purge_router_config::from_toml(&text).unwrap().zones().cloned().collect()
    }

    /// How many URLs may go within this many seconds, asked for in requests of 100.
    async fn urls_within(limits: &RateLimits, zone: &Zone, seconds: u64) -> usize {
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut urls = 0;
        while limits.acquire(zone, LimitClass::Urls, 100, end).await.is_ok() {
            urls += 100;
        }
        urls
    }

    /// Waits as long as it takes.
    async fn acquire(limits: &RateLimits, zone: &Zone, class: LimitClass, cost: usize) {
        limits.acquire(zone, class, cost, Instant::now() + Duration::from_secs(3600)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_then_the_rate() {
        for (plan, urls) in [("free", 800), ("pro", 1500), ("business", 1500), ("enterprise", 3000)] {
            let zone = &zones(&[("a", &format!("plan = \"{plan}\""))])[0];
            let seen = urls_within(&RateLimits::new(NonZeroU32::MIN), zone, 10).await;
            let expected = urls * 9 / 10 + 10 * urls;
            assert!((expected - 100..=expected).contains(&seen), "{plan}: {seen} of {expected}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_copy_takes_its_share() {
        let zone = &zones(&[("a", "")])[0];
        let seen = urls_within(&RateLimits::new(NonZeroU32::new(4).unwrap()), zone, 10).await;
        assert!((2000..=2180).contains(&seen), "a quarter of 800 a second for 10 seconds, and 180 at once: {seen}");
        // A share that is smaller than one request still lets it pass, as seldom as the share says.
        let seen = urls_within(&RateLimits::new(NonZeroU32::new(80).unwrap()), zone, 30).await;
        assert!((300..=400).contains(&seen), "10 a second for 30 seconds, and one request at once: {seen}");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_a_free_plan_come_back_five_a_minute() {
        let zone = &zones(&[("a", "")])[0];
        let limits = RateLimits::new(NonZeroU32::MIN);
        let start = Instant::now();
        for _ in 0..30 {
            acquire(&limits, zone, LimitClass::Requests, 1).await;
        }
        let seconds = start.elapsed().as_secs();
        assert!((89..=91).contains(&seconds), "22.5 at once, the other 7.5 at one in 12 seconds: {seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn zones_of_one_account_and_plan_share_a_bucket_and_others_do_not() {
        for (one, other, shared) in [
            (ACCOUNT, ACCOUNT, true),
            (ACCOUNT, "", false),
            (CLAIMED, CLAIMED, false),
            ("", "", false),
            (ACCOUNT, &format!("{ACCOUNT}\nplan = \"pro\""), false),
        ] {
            let zones = zones(&[("a", one), ("b", other)]);
            let limits = RateLimits::new(NonZeroU32::MIN);
            acquire(&limits, &zones[0], LimitClass::Urls, 800).await;
            let start = Instant::now();
            acquire(&limits, &zones[1], LimitClass::Urls, 400).await;
            assert_eq!(start.elapsed() > Duration::from_millis(400), shared, "{one} and {other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn zones_of_one_team_share_the_account_that_only_it_names() {
        let text = "version = 1\n[teams.a]\nowns = []\n".to_owned()
            + &["a", "b"].map(|name| {
                format!("[teams.a.zones.\"{name}.com\"]\nhostnames = [\"{name}.com\"]\nzone_id = \"{name:0>32}\"\n{CLAIMED}\n")
            }).concat();
        let mappings = purge_router_config::from_toml(&text).unwrap();
        let zones: Vec<&Arc<Zone>> = mappings.zones().collect();
        let limits = RateLimits::new(NonZeroU32::MIN);
        acquire(&limits, zones[0], LimitClass::Urls, 800).await;
        let start = Instant::now();
        acquire(&limits, zones[1], LimitClass::Urls, 400).await;
        assert!(start.elapsed() > Duration::from_millis(400));
    }

    #[tokio::test(start_paused = true)]
    async fn teams_of_one_account_take_turns() {
        let zones = zones(&[("a", ACCOUNT), ("b", ACCOUNT)]);
        let limits = Arc::new(RateLimits::new(NonZeroU32::MIN));
        for _ in 0..100 {
            let (limits, zone) = (Arc::clone(&limits), Arc::clone(&zones[0]));
            tokio::spawn(async move { acquire(&limits, &zone, LimitClass::Urls, 100).await });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let start = Instant::now();
        acquire(&limits, &zones[1], LimitClass::Urls, 100).await;
        let waited = start.elapsed();
        assert!(
            waited < Duration::from_millis(600),
            "one request of the other team goes first, not ninety: {waited:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_not_be_in_time_is_given_up_at_once() {
        let zones = zones(&[("a", ""), ("b", "")]);
        let limits = RateLimits::new(NonZeroU32::MIN);
        let start = Instant::now();
        limits.pause(&zones[0], None, start + Duration::from_secs(30));
        acquire(&limits, &zones[1], LimitClass::Urls, 800).await;
        for zone in &zones {
            let deadline = start + Duration::from_millis(100);
            assert_eq!(limits.acquire(zone, LimitClass::Urls, 100, deadline).await.err(), Some(Late));
        }
        assert!(start.elapsed() < Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_stops_its_team_and_class_only() {
        let zones = zones(&[("a", ACCOUNT), ("b", ACCOUNT)]);
        let limits = RateLimits::new(NonZeroU32::MIN);
        let start = Instant::now();
        limits.pause(&zones[0], Some(LimitClass::Urls), start + Duration::from_secs(30));
        acquire(&limits, &zones[0], LimitClass::Requests, 1).await;
        acquire(&limits, &zones[1], LimitClass::Urls, 1).await;
        assert_eq!(start.elapsed().as_secs(), 0);
        acquire(&limits, &zones[0], LimitClass::Urls, 1).await;
        assert_eq!(start.elapsed().as_secs(), 30);
        limits.pause(&zones[0], None, start + Duration::from_secs(60));
        limits.pause(&zones[0], None, start + Duration::from_secs(40));
        acquire(&limits, &zones[0], LimitClass::Requests, 1).await;
        assert_eq!(start.elapsed().as_secs(), 60, "a shorter pause does not end a longer one");
    }
}
