//! Rate limits of purges, one token bucket per account (or zone without one), plan and class.
//!
//! The buckets are those of the crate governor, on purpose not the client's implementation, so that a mistake in one
//! shows against the other. Governor refills a bucket unit by unit, evenly over the period: five a minute is one every
//! twelve seconds. A refused request costs nothing.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use purge_router_core::limits::{CloudflarePlan, LimitClass, Rate};

use crate::zone::Zone;

type Bucket = DefaultDirectRateLimiter<StateInformationMiddleware>;

/// The token buckets of rate limits; each is created when it is first used.
#[derive(Default)]
pub(crate) struct Limits {
    buckets: HashMap<(String, CloudflarePlan, LimitClass), Bucket>,
}

/// The remaining quota of a bucket.
pub(crate) struct Allowance {
    /// Units that may be spent now.
    pub(crate) remaining: u32,
    /// Seconds until the bucket is full again, rounded up.
    pub(crate) full_in: u32,
}

impl Limits {
    /// Takes `cost` units. The error is the number of seconds (rounded up, at least 1) until the same request may pass.
    pub(crate) fn spend(&mut self, zone: &Zone, class: LimitClass, cost: NonZeroU32) -> Result<Allowance, u32> {
        let rate = zone.plan.rate(class);
        let owner = (zone.limits_owner().to_owned(), zone.plan, class);
        let bucket = self.buckets.entry(owner).or_insert_with(|| bucket(rate));
        // A zone may have more URLs per request than its bucket holds. Such a request never passes.
        let decision = bucket.check_n(cost).map_err(|_| seconds_to_refill(rate, rate.capacity))?;
        match decision {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Allowance { remaining, full_in: seconds_to_refill(rate, rate.capacity - remaining) })
            }
            Err(not_until) => Err(rounded_up(not_until.wait_time_from(DefaultClock::default().now()))),
        }
    }
}

fn bucket(rate: Rate) -> Bucket {
    let refill = NonZeroU32::new(rate.refill).unwrap_or(NonZeroU32::MIN);
    let capacity = NonZeroU32::new(rate.capacity).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(Duration::from_secs(rate.period_seconds.into()) / refill.get());
    RateLimiter::direct(quota.unwrap_or(Quota::per_second(refill)).allow_burst(capacity)).with_middleware()
}

fn seconds_to_refill(rate: Rate, units: u32) -> u32 {
    (units * rate.period_seconds).div_ceil(rate.refill)
}

fn rounded_up(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{SandboxZone, validate};

    fn zones() -> Vec<Zone> {
        let zone = |digit: &str, account: Option<&str>, plan| SandboxZone {
            zone_id: digit.repeat(32),
            domain: format!("{digit}.example"),
            account_id: account.map(str::to_owned),
            plan,
            ..SandboxZone::default()
        };
        let (free, pro) = (CloudflarePlan::Free, CloudflarePlan::Pro);
        validate(vec![
            zone("a", Some("x"), free),
            zone("b", Some("x"), free),
            zone("c", Some("x"), pro),
            zone("d", None, free),
        ])
        .unwrap()
    }

    fn units(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn zones_share_a_bucket_only_within_account_plan_and_class() {
        let (zones, mut limits) = (zones(), Limits::default());
        let left = limits.spend(&zones[0], LimitClass::Requests, units(20)).unwrap();
        assert_eq!((left.remaining, left.full_in), (5, 240));
        assert_eq!(limits.spend(&zones[1], LimitClass::Requests, units(5)).unwrap().remaining, 0);
        assert_eq!(limits.spend(&zones[0], LimitClass::Requests, units(1)).err(), Some(12));
        assert_eq!(limits.spend(&zones[0], LimitClass::Urls, units(1)).unwrap().remaining, 799);
        assert_eq!(limits.spend(&zones[2], LimitClass::Requests, units(1)).unwrap().remaining, 24);
        assert_eq!(limits.spend(&zones[3], LimitClass::Requests, units(1)).unwrap().remaining, 24);
    }

    #[test]
    fn a_refusal_costs_nothing_and_returns_the_wait_for_its_cost() {
        let (zones, mut limits) = (zones(), Limits::default());
        limits.spend(&zones[3], LimitClass::Requests, units(22)).unwrap();
        assert_eq!(limits.spend(&zones[3], LimitClass::Requests, units(5)).err(), Some(24));
        assert_eq!(limits.spend(&zones[3], LimitClass::Requests, units(26)).err(), Some(300));
        assert_eq!(limits.spend(&zones[3], LimitClass::Requests, units(3)).unwrap().remaining, 0);
    }
}
