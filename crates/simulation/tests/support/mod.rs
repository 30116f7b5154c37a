//! Runs seeds in a runtime whose clock is paused. The library can't do it: only tests and benchmarks have that clock.

#![allow(dead_code, reason = "not every test runs all of it")]

pub(crate) mod ledgers;

use std::sync::Arc;

use purge_router_simulation::{Comparison, Options, RunReport, Scenario, Seed, run, scenario};

/// A run without instances that are killed, messages that are delivered twice, and single requests that fail. These hit
/// one run or the other by chance, and are as many as the slowest hundredth of the purges.
const CALM: Options =
    Options { sick_teams: true, chaos: false, mishaps: false, noise: 0, keep_trace: false, sabotage: None };

/// Runs a seed.
pub(crate) fn run_seed(seed: u64, options: Options) -> RunReport {
    run_scenario(&Arc::new(scenario(Seed(seed))), options)
}

/// Runs a scenario.
pub(crate) fn run_scenario(scenario: &Arc<Scenario>, options: Options) -> RunReport {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without sockets").block_on(run(Arc::clone(scenario), options))
}

/// Runs a seed twice, and checks that both runs are the same, event by event, and that all checks hold.
pub(crate) fn replay(seed: u64) -> Result<RunReport, String> {
    let scenario = Arc::new(scenario(Seed(seed)));
    let [mut first, mut second] =
        [(); 2].map(|()| run_scenario(&scenario, Options { keep_trace: true, ..Options::default() }));
    let (trace, other) = (std::mem::take(&mut first.trace), std::mem::take(&mut second.trace));
    if let Some((entry, other)) = trace.iter().zip(&other).find(|(entry, other)| entry != other) {
        return Err(format!("its runs differ: {entry} in the first, {other} in the second"));
    }
    if first != second {
        return Err(format!("its runs differ: {} and {} events", first.events, second.events));
    }
    check(first)
}

/// Three runs of a seed.
pub(crate) struct Compared {
    pub(crate) with_sick: RunReport,
    pub(crate) without_sick: RunReport,
    /// Without the sick teams, too, but with other latencies and another order of messages.
    pub(crate) other_noise: RunReport,
}

/// Runs a seed with and without the sick teams, and checks that the healthy teams' purges are the same.
pub(crate) fn compare(seed: u64) -> Result<Compared, String> {
    let scenario = Arc::new(scenario(Seed(seed)));
    let calm = |options| check(run_scenario(&scenario, options));
    let compared = Compared {
        with_sick: calm(CALM)?,
        without_sick: calm(Options { sick_teams: false, ..CALM })?,
        other_noise: calm(Options { sick_teams: false, noise: 1, ..CALM })?,
    };
    Comparison { with: &compared.with_sick, without: &compared.without_sick }.same_purges()?;
    Ok(compared)
}

fn check(run: RunReport) -> Result<RunReport, String> {
    match run.violations.first() {
        None => Ok(run),
        Some(violation) => Err(format!("{violation} (and {} more)", run.violations.len() - 1)),
    }
}
