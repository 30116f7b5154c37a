//! Each check finds what it is for: something is broken on purpose, and the check fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use purge_router_simulation::{Comparison, HealthyTimes, Options, Sabotage, Seed, scenario};

mod support;

/// In so many seeds, each check has something to find.
const SEEDS: u64 = 24;

/// Runs seeds with a sabotage until this check fails. Returns the names of the checks that failed.
fn failing_checks(sabotage: Sabotage, check: &str) -> BTreeSet<&'static str> {
    let options = Options { sabotage: Some(sabotage), ..Options::default() };
    let mut names = BTreeSet::new();
    let mut seeds = 0..SEEDS;
    while !names.contains(check)
        && let Some(seed) = seeds.next()
    {
        names.extend(support::run_seed(seed, options).violations.into_iter().map(|violation| violation.check));
    }
    names
}

#[test]
fn each_check_finds_what_is_broken_on_purpose() {
    for (sabotage, check) in [
        (Sabotage::FailuresAreHidden, "accepted-before-done"),
        (Sabotage::EdgeKeepsUrls, "edge-is-fresh"),
        (Sabotage::LimitsAreNotKept, "limits-are-kept"),
        (Sabotage::SharesAreNotKept, "no-refusals-in-steady-state"),
        (Sabotage::AnswersAreLate, "answers-before-deadline"),
        (Sabotage::TokensAreMixedUp, "tokens-stay-in-their-team"),
        (Sabotage::RefusalsAreRepeated, "refusals-are-bounded"),
        (Sabotage::MessagesAreDropped, "messages-are-kept"),
        (Sabotage::MemoryIsNotShared, "edge-is-fresh"),
        (Sabotage::CachesGrow, "caches-are-bounded"),
        (Sabotage::RetriesAreFew, "no-dead-letters"),
    ] {
        let failing = failing_checks(sabotage, check);
        assert!(failing.contains(&check), "{sabotage:?}: {check} is not among {failing:?}");
    }
}

#[test]
fn shared_fate_is_found_by_comparing_runs_with_and_without_sick_teams() {
    let (mut with_sick, mut without_sick) = (HealthyTimes::default(), HealthyTimes::default());
    for seed in 0..SEEDS {
        let scenario = Arc::new(scenario(Seed(seed)));
        let options = Options { chaos: false, sabotage: Some(Sabotage::TeamsShareTheirFate), ..Options::default() };
        with_sick.add(&support::run_scenario(&scenario, options));
        without_sick.add(&support::run_scenario(&scenario, Options { sick_teams: false, ..options }));
    }
    assert!(with_sick.are_isolated_as(&mut without_sick).is_err());
}

#[test]
fn purges_that_differ_are_found() {
    let report = support::run_seed(1, Options::default());
    let mut other = report.clone();
    let change = other.healthy_times.pop_last();
    assert!(change.is_some());
    let (forwards, backwards) =
        (Comparison { with: &report, without: &other }, Comparison { with: &other, without: &report });
    assert!(forwards.same_purges().is_err() && backwards.same_purges().is_err());
}

#[test]
fn a_seed_replays_and_another_one_differs() {
    let hashes = [1, 1, 2].map(|seed| support::run_seed(seed, Options::default()).hash);
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[1], hashes[2]);
}
