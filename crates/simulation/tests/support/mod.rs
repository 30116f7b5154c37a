//! Runs seeds in a runtime whose clock is paused. The library can't do it: only tests and benchmarks have that clock.

#![allow(dead_code, reason = "not every test runs all of it")]

use std::sync::Arc;

use purge_router_simulation::{Comparison, Options, RunReport, Scenario, Seed, run, scenario};

/// A run without instances that are killed and messages that are delivered twice.
const CALM: Options = Options { sick_teams: true, chaos: false, mishaps: true, keep_trace: false, sabotage: None };

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

/// Runs a seed with and without the sick teams, and checks that the healthy teams' purges are the same.
pub(crate) fn compare(seed: u64) -> Result<(RunReport, RunReport), String> {
    let scenario = Arc::new(scenario(Seed(seed)));
    let with = check(run_scenario(&scenario, CALM))?;
    let without = check(run_scenario(&scenario, Options { sick_teams: false, ..CALM }))?;
    Comparison { with: &with, without: &without }.same_purges()?;
    Ok((with, without))
}

fn check(run: RunReport) -> Result<RunReport, String> {
    match run.violations.first() {
        None => Ok(run),
        Some(violation) => Err(format!("{violation} (and {} more)", run.violations.len() - 1)),
    }
}
