//! Each seed of a range, and each seed that ever failed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use purge_router_simulation::HealthyTimes;

mod support;

const SEEDS: u64 = 1000;

/// How many of the seeds are run without the sick teams, too.
const COMPARED: u64 = 100;

/// Lines of a seed, a space, and what it showed.
const FAILED: &str = include_str!("failed_seeds.txt");

/// Does something with all seeds, on all cores. Returns the results or, as soon as one fails, what is wrong with it.
fn for_all<T: Send>(seeds: &[u64], work: impl Fn(u64) -> Result<T, String> + Sync) -> Result<Vec<T>, String> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let next_seed = || seeds.get(next.fetch_add(1, Ordering::Relaxed)).copied();
    let worker = || {
        while let Some(seed) = next_seed() {
            let result = work(seed);
            let command = format!("cargo xtask simulate --seed {seed} --trace");
            let result = result.map_err(|what| format!("seed {seed}: {what}; `{command}` shows it"));
            if result.is_err() {
                next.store(seeds.len(), Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        }
    };
    std::thread::scope(|scope| {
        (0..std::thread::available_parallelism().map_or(1, usize::from)).for_each(|_| _ = scope.spawn(worker));
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

#[test]
fn all_checks_hold_for_a_thousand_seeds_and_each_replays() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    for_all(&seeds, support::replay).unwrap();
}

#[test]
fn sick_teams_do_not_change_the_purges_of_healthy_ones() {
    let seeds: Vec<u64> = (0..COMPARED).collect();
    let (mut with_sick, mut without_sick) = (HealthyTimes::default(), HealthyTimes::default());
    for compared in for_all(&seeds, support::compare).unwrap() {
        with_sick.add(&compared.with_sick);
        without_sick.add(&compared.without_sick);
    }
    with_sick.are_isolated_as(&mut without_sick).unwrap();
}

#[test]
fn seeds_that_once_failed_do_not_fail_again() {
    let lines = FAILED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let failed: Vec<(u64, &str)> = lines
        .map(|line| {
            let (seed, shown) = line.split_once(' ').unwrap();
            (seed.parse().unwrap(), shown)
        })
        .collect();
    let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    let runs = for_all(&seeds, |seed| support::replay(seed).and_then(|_| support::compare(seed)));
    if let Err(again) = runs {
        panic!("{again}; known seeds: {failed:?}");
    }
}
