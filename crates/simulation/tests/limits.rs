//! Limits with any number of instances: no 429 while all keep their shares, and a burst is purged whole.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Entry, Event, Load, Options, Refused, RunReport, Sabotage, Seed};

mod support;

/// More zones than an address may have requests in a second, each with one URL.
const MANY_ZONES: Load = Load {
    lane_concurrency: 2,
    zones: 600,
    zones_per_team: 1,
    accounts: 600,
    accounts_are_known: true,
    plan: CloudflarePlan::Pro,
    purge: "urls",
    objects: 1,
    variants: 1,
    spread: Duration::ZERO,
    replaced_after: None,
};

/// More URLs than the bucket of an account.
const MANY_URLS: Load = Load { zones: 10, accounts: 2, objects: 20, variants: 20, ..MANY_ZONES };

/// More requests than the bucket of an account: each zone has one.
const MANY_TAGS: Load = Load { zones: 40, accounts: 1, purge: "tags", ..MANY_ZONES };

/// More calls of one user than are allowed in five minutes: 2,000 in 100 seconds.
const MANY_CALLS: Load = Load {
    zones: 1000,
    zones_per_team: 1000,
    accounts: 4,
    accounts_are_known: true,
    plan: CloudflarePlan::Enterprise,
    purge: "tags",
    objects: 2,
    spread: Duration::from_secs(100),
    ..MANY_ZONES
};

fn run(load: Load, sabotage: Option<Sabotage>) -> RunReport {
    let options = Options { chaos: false, mishaps: false, sabotage, keep_trace: true, ..Options::default() };
    support::run_scenario(&Arc::new(load.scenario(Seed(1))), options)
}

/// How many requests exceeded a limit. The network refuses a few others.
fn over_limit(run: &RunReport) -> usize {
    let is_over_limit =
        |entry: &&Entry| matches!(entry.event, Event::Refused { reason: Refused::OverLimit | Refused::OverCalls, .. });
    run.trace.iter().filter(is_over_limit).count()
}

#[test]
fn any_number_of_instances_keeps_the_limits_without_429_and_recovers_after_a_burst() {
    for load in [MANY_ZONES, MANY_URLS] {
        for lane_concurrency in [1, 2, 4, 10] {
            let run = run(Load { lane_concurrency, ..load }, None);
            assert_eq!((over_limit(&run), run.violations.as_slice()), (0, &[][..]), "{lane_concurrency}");
            assert_eq!((run.healthy_times.len(), run.figures.dead_letters), (load.zones * load.objects, 0));
            assert!(run.simulated < Duration::from_secs(600), "{lane_concurrency}: {:?}", run.simulated);
        }
    }
}

#[test]
fn slow_limits_are_kept_and_used_with_any_number_of_instances() {
    for (plan, most) in [(CloudflarePlan::Free, 1200), (CloudflarePlan::Pro, 30), (CloudflarePlan::Enterprise, 5)] {
        for lane_concurrency in [2, 10] {
            let run = run(Load { plan, lane_concurrency, ..MANY_TAGS }, None);
            assert_eq!((over_limit(&run), run.violations.as_slice()), (0, &[][..]), "{plan:?}, {lane_concurrency}");
            assert_eq!((run.healthy_times.len(), run.figures.dead_letters), (40, 0));
            assert!(run.healthy_times.values().all(|time| time.as_secs() < most), "{plan:?}, {lane_concurrency}");
        }
    }
}

#[test]
fn a_user_with_more_calls_than_are_allowed_is_never_blocked() {
    for lane_concurrency in [1, 2, 4] {
        let run = run(Load { lane_concurrency, ..MANY_CALLS }, None);
        assert_eq!((over_limit(&run), run.violations.as_slice()), (0, &[][..]), "{lane_concurrency}");
        assert_eq!((run.healthy_times.len(), run.figures.dead_letters), (2000, 0));
        assert!(run.simulated < Duration::from_secs(900), "{lane_concurrency}: {:?}", run.simulated);
    }
}

/// Decision 59: new instances do not know what those before them sent.
#[test]
fn instances_that_are_replaced_in_the_middle_may_exceed_the_calls_and_lose_nothing() {
    let load = Load { replaced_after: Some(Duration::from_secs(90)), ..MANY_CALLS };
    let run = run(load, None);
    assert!(over_limit(&run) > 0);
    assert_eq!(run.violations, []);
    assert_eq!((run.healthy_times.len(), run.figures.dead_letters), (2000, 0));
    assert!(run.simulated < Duration::from_secs(1200), "{:?}", run.simulated);
}

/// The names of the checks that fail with this sabotage, in the order in which they do.
fn failing_checks(load: Load, sabotage: Sabotage) -> Vec<&'static str> {
    let run = run(load, Some(sabotage));
    let mut checks: Vec<_> = run.violations.iter().map(|violation| violation.check).collect();
    checks.dedup();
    checks
}

#[test]
fn a_request_of_too_many_from_one_address_or_user_is_found() {
    let many_zones = Load { lane_concurrency: 4, ..MANY_ZONES };
    for load in [many_zones, MANY_CALLS] {
        assert_eq!(failing_checks(load, Sabotage::SharesAreNotKept), ["no-refusals-in-steady-state"]);
        assert_eq!(failing_checks(load, Sabotage::LimitsAreNotKept)[..1], ["client-limits-are-kept"]);
    }
}
