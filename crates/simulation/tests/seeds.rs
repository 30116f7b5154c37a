//! Each seed of a range, and each seed that ever failed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use purge_router_simulation::HealthyTimes;

mod support;

/// Seeds that once failed, with what they found.
const ONCE_FAILED: &[(u64, &str)] = &[];

const SEEDS: u64 = 40;

/// Runs seeds on all cores. Returns what is wrong with the first failing one, or the healthy teams' times with and without
/// the sick teams.
fn examine_all(seeds: &[u64]) -> Result<(HealthyTimes, HealthyTimes), String> {
    let (next, times, failed) = (AtomicU64::new(0), Mutex::default(), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    match support::examine(*seed, &[]) {
                        Ok(runs) => {
                            let mut times: std::sync::MutexGuard<'_, (HealthyTimes, HealthyTimes)> =
                                times.lock().unwrap();
                            times.0.add(&runs.with_sick);
                            times.1.add(&runs.without_sick);
                        }
                        Err(what) => {
                            let command = format!("cargo xtask simulate --from {seed} --seeds 1 --trace");
                            failed.lock().unwrap().get_or_insert(format!("seed {seed}: {what}; `{command}` shows it"));
                            return;
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap() {
        Some(failed) => Err(failed),
        None => Ok(times.into_inner().unwrap()),
    }
}

#[test]
fn all_checks_hold_for_a_thousand_seeds() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    let (mut with_sick, mut without_sick) = examine_all(&seeds).unwrap_or_else(|failed| panic!("{failed}"));
    with_sick.are_isolated_as(&mut without_sick).unwrap();
}

#[test]
fn seeds_that_once_failed_do_not_fail_again() {
    let seeds: Vec<u64> = ONCE_FAILED.iter().map(|(seed, _)| *seed).collect();
    if let Err(failed) = examine_all(&seeds) {
        panic!("{failed}; known seeds: {ONCE_FAILED:?}");
    }
}
