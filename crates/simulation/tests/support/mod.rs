//! Runs seeds in a runtime whose clock is paused. The library can't do it: only tests and benchmarks have that clock.

use std::sync::Arc;

use purge_router_simulation::{Options, RunReport, Scenario, Seed, run, scenario};

/// Runs a seed.
pub fn run_seed(seed: u64, options: Options) -> RunReport {
    run_scenario(&Arc::new(scenario(Seed(seed))), options)
}

/// Runs a scenario.
pub fn run_scenario(scenario: &Arc<Scenario>, options: Options) -> RunReport {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without sockets").block_on(run(Arc::clone(scenario), options))
}

/// The runs of one seed.
pub struct SeedRuns {
    pub report: RunReport,
    pub with_sick: RunReport,
    pub without_sick: RunReport,
}

/// Runs a seed twice with chaos, and twice without: with and without the sick teams. Returns what is wrong, if anything is.
/// Checks of the names in `ignored` may fail.
pub fn examine(seed: u64, ignored: &[String]) -> Result<SeedRuns, String> {
    let scenario = Arc::new(scenario(Seed(seed)));
    let report = run_scenario(&scenario, Options::default());
    let again = run_scenario(&scenario, Options::default());
    if report != again {
        return Err(format!("its runs differ: {} and {} events", report.events, again.events));
    }
    let calm = Options { chaos: false, ..Options::default() };
    let with_sick = run_scenario(&scenario, calm);
    let without_sick = run_scenario(&scenario, Options { sick_teams: false, ..calm });
    let comparison = purge_router_simulation::Comparison { with: &with_sick, without: &without_sick };
    for run in [&report, &with_sick, &without_sick] {
        let mut violations =
            run.violations.iter().filter(|violation| ignored.iter().all(|name| name != violation.check));
        if let Some(violation) = violations.next() {
            return Err(format!("{violation} (and {} more)", violations.count()));
        }
    }
    comparison.same_purges()?;
    Ok(SeedRuns { report, with_sick, without_sick })
}
