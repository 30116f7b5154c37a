//! Runs a load, all of which must be purged within the limits.

use std::io;
use std::sync::Arc;

use purge_router_simulation::{Entry, Event, Load, Options, Refused, RunReport, Sabotage, Seed, run};

pub(crate) struct Measured {
    pub(crate) report: RunReport,
    /// How many requests exceeded a limit: none.
    pub(crate) refused: usize,
}

/// Runs a load with the limits.
pub(crate) fn measured(load: Load, seed: Seed) -> io::Result<Measured> {
    let report = report(load, seed, None)?;
    let is_over_limit = |entry: &&Entry| matches!(entry.event, Event::Refused { reason: Refused::OverLimit, .. });
    let refused = report.trace.iter().filter(is_over_limit).count();
    let is_drained = report.healthy_times.len() == load.zones * load.objects && report.figures.dead_letters == 0;
    if !is_drained || refused > 0 || !report.violations.is_empty() {
        let what = format!("{load:?}: not all was purged, or a limit was exceeded: {:?}", report.violations);
        return Err(io::Error::other(what));
    }
    Ok(Measured { report, refused })
}

/// Runs a load, with something that is broken on purpose.
pub(crate) fn report(load: Load, seed: Seed, sabotage: Option<Sabotage>) -> io::Result<RunReport> {
    let options = Options { chaos: false, mishaps: false, keep_trace: true, sabotage, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(run(Arc::new(load.scenario(seed)), options)))
}
