//! `cargo xtask drain`: how long 100,000 URLs over 50 zones take, compared with the least time that the limits allow. The
//! clock is virtual, so that the figures are the same on every machine.

#![allow(clippy::print_stdout, reason = "it prints a report")]

use std::sync::Arc;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Entry, Event, Load, Options, Refused, Seed, run};

fn main() {
    println!("| plan | accounts | instances | bound, s | drained after, s | times the bound | 429 |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (plan, accounts) in [
        (CloudflarePlan::Free, 1),
        (CloudflarePlan::Free, 10),
        (CloudflarePlan::Pro, 1),
        (CloudflarePlan::Enterprise, 1),
        (CloudflarePlan::Free, 50),
    ] {
        for lane_concurrency in [1, 2, 4, 10] {
            measure(Load { lane_concurrency, zones: 50, accounts, plan, purge: "urls", objects: 100, variants: 20 });
        }
    }
}

fn measure(load: Load) {
    let options = Options { chaos: false, keep_trace: true, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return };
    let report = runtime.block_on(run(Arc::new(load.scenario(Seed(1))), options));
    let drained = report.healthy_times.values().max().copied().unwrap_or_default().as_secs_f64();
    let is_over_limit = |entry: &&Entry| matches!(entry.event, Event::Refused { reason: Refused::OverLimit, .. });
    let (bound, refused) = (load.bound().as_secs_f64(), report.trace.iter().filter(is_over_limit).count());
    let (plan, accounts, instances) = (load.plan.as_str(), load.accounts, 2 * load.lane_concurrency);
    let times = drained / bound;
    println!("| {plan} | {accounts} | {instances} | {bound:.1} | {drained:.1} | {times:.2} | {refused} |");
}
