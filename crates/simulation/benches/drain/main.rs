//! `cargo xtask drain`: how long 100,000 URLs over 50 zones take, compared with the least time that the limits allow, and
//! with the time that the queue and the function need without any limit. The clock is virtual, so that the figures are
//! the same on every machine.

#![allow(clippy::print_stdout, reason = "it prints a report")]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Entry, Event, Load, Options, Refused, RunReport, Sabotage, Seed, run};

fn main() -> io::Result<()> {
    println!(
        "| plan | accounts | instances | limits need, s | without limits, s | drained after, s | times the larger | 429 |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (plan, accounts) in [
        (CloudflarePlan::Free, 1),
        (CloudflarePlan::Pro, 1),
        (CloudflarePlan::Enterprise, 1),
        (CloudflarePlan::Free, 10),
        (CloudflarePlan::Free, 50),
    ] {
        for lane_concurrency in [2, 4, 10] {
            measure(Load { lane_concurrency, zones: 50, accounts, plan, purge: "urls", objects: 100, variants: 20 })?;
        }
    }
    Ok(())
}

fn measure(load: Load) -> io::Result<()> {
    let report = report(load, None)?;
    let is_over_limit = |entry: &&Entry| matches!(entry.event, Event::Refused { reason: Refused::OverLimit, .. });
    let refused = report.trace.iter().filter(is_over_limit).count();
    let is_drained = report.healthy_times.len() == load.zones * load.objects && report.figures.dead_letters == 0;
    if !is_drained || refused > 0 || !report.violations.is_empty() {
        let what = format!("{load:?}: not all was purged, or a limit was exceeded: {:?}", report.violations);
        return Err(io::Error::other(what));
    }
    // A bucket of an enterprise account holds all URLs of a zone.
    let unlimited = Load { accounts: load.zones, plan: CloudflarePlan::Enterprise, ..load };
    let unlimited = drained(&self::report(unlimited, Some(Sabotage::LimitsAreNotKept))?);
    let (bound, drained) = (load.bound().as_secs_f64(), drained(&report));
    let times = drained / bound.max(unlimited);
    let (plan, accounts, instances) = (load.plan.as_str(), load.accounts, 2 * load.lane_concurrency);
    println!(
        "| {plan} | {accounts} | {instances} | {bound:.1} | {unlimited:.1} | {drained:.1} | {times:.2} | {refused} |"
    );
    Ok(())
}

fn report(load: Load, sabotage: Option<Sabotage>) -> io::Result<RunReport> {
    let options = Options { chaos: false, mishaps: false, keep_trace: true, sabotage, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(run(Arc::new(load.scenario(Seed(1))), options)))
}

/// From the upload until the last URL was purged, in seconds.
fn drained(report: &RunReport) -> f64 {
    report.healthy_times.values().max().copied().unwrap_or(Duration::ZERO).as_secs_f64()
}
