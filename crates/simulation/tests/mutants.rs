//! What runs for each mutant of `cargo xtask mutants`: the ledgers, and the checks with a few seeds and bursts. Each test
//! ends with the first failure. `cargo test` runs all of this elsewhere, with more seeds.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Entry, Event, HealthyTimes, Load, Options, Refused, Seed};

mod support;

/// Seeds that once failed, and some more.
const SEEDS: [u64; 6] = [1, 4, 523, 7, 11, 15];

/// Those that are compared with a run without sick teams.
const COMPARED: usize = 2;

/// More zones than an address may have requests in a second.
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

#[test]
#[ignore = "`cargo xtask mutants` runs it"]
fn no_ledger_differs() {
    for ledger in &support::ledgers::LEDGERS {
        ledger.check(false).unwrap();
    }
}

#[test]
#[ignore = "`cargo xtask mutants` runs it"]
fn no_check_fails() {
    let (mut with_sick, mut without_sick) = (HealthyTimes::default(), HealthyTimes::default());
    let mut unchanged = 0;
    for (index, seed) in SEEDS.into_iter().enumerate() {
        let run = support::run_seed(seed, Options::default());
        assert_eq!(run.violations.first(), None, "seed {seed}");
        unchanged += run.figures.unchanged;
        if index < COMPARED {
            let compared = support::compare(seed).unwrap();
            with_sick.add(&compared.with_sick);
            without_sick.add(&compared.without_sick);
        }
    }
    with_sick.are_isolated_as(&mut without_sick).unwrap();
    assert!(unchanged > 0, "no purge of unchanged content was spared");
    let many_urls = Load { zones: 10, accounts: 2, objects: 20, variants: 20, ..MANY_ZONES };
    let many_tags = Load { zones: 40, accounts: 1, purge: "tags", ..MANY_ZONES };
    // How long each takes with the code as it is, and a bit.
    for (load, most) in [(MANY_ZONES, 15), (many_urls, 15), (many_tags, 30)] {
        burst(load, Duration::from_secs(most));
    }
}

/// A burst, of which no request may exceed a limit.
fn burst(load: Load, most: Duration) {
    let options = Options { chaos: false, mishaps: false, keep_trace: true, ..Options::default() };
    let run = support::run_scenario(&Arc::new(load.scenario(Seed(1))), options);
    assert_eq!(run.violations.first(), None, "{load:?}");
    let is_over_limit = |entry: &&Entry| matches!(entry.event, Event::Refused { reason: Refused::OverLimit, .. });
    assert_eq!(run.trace.iter().filter(is_over_limit).count(), 0, "{load:?}");
    assert_eq!(run.healthy_times.len(), load.zones * load.objects, "{load:?}");
    let longest = run.healthy_times.values().max().copied().unwrap_or_default();
    assert!(longest < most, "{load:?}: {longest:?}");
}
