//! `cargo xtask drain`: how long 100,000 URLs over 50 zones take, compared with the least time that the limits allow, and
//! with the time that the queue and the function need without any limit; and how long new messages take while a part of a
//! rate is in use. The clock is virtual, so that the figures are
//! the same on every machine.

#![allow(clippy::print_stdout, reason = "it prints a report")]

mod latency;
mod measured;

use std::io;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Load, RunReport, Sabotage, Seed};

use crate::measured::measured;

/// Each of them delays messages and answers in its own way.
const SEEDS: [Seed; 5] = [Seed(1), Seed(2), Seed(3), Seed(4), Seed(5)];

fn main() -> io::Result<()> {
    print_drain()?;
    println!();
    latency::print()
}

fn print_drain() -> io::Result<()> {
    println!(
        "| plan | accounts | instances | limits need, s | without limits, s | drained after, s | times the larger | 429 |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (plan, accounts) in [
        (CloudflarePlan::Free, 1),
        (CloudflarePlan::Pro, 1),
        (CloudflarePlan::Enterprise, 1),
        (CloudflarePlan::Free, 10),
        (CloudflarePlan::Free, 50),
    ] {
        for lane_concurrency in [2, 4, 10] {
            measure(Load {
                lane_concurrency,
                zones: 50,
                zones_per_team: 1,
                accounts,
                accounts_are_known: true,
                plan,
                purge: "urls",
                objects: 100,
                variants: 20,
                spread: Duration::ZERO,
                replaced_after: None,
            })?;
        }
    }
    Ok(())
}

fn measure(load: Load) -> io::Result<()> {
    let (mut refused, mut drained) = (0, Vec::new());
    for seed in SEEDS {
        let measured = measured(load, seed)?;
        refused += measured.refused;
        drained.push(drain_time(&measured.report));
    }
    drained.sort_unstable();
    let [least, median, most] = [0, SEEDS.len() / 2, SEEDS.len() - 1].map(|place| drained[place].as_secs_f64());
    // A bucket of an enterprise account holds all URLs of a zone.
    let unlimited = Load { accounts: load.zones, plan: CloudflarePlan::Enterprise, ..load };
    let unlimited = measured::report(unlimited, SEEDS[0], Some(Sabotage::LimitsAreNotKept))?;
    let (bound, unlimited) = (load.bound().as_secs_f64(), drain_time(&unlimited).as_secs_f64());
    let times = median / bound.max(unlimited);
    let (plan, accounts, instances) = (load.plan.as_str(), load.accounts, 2 * load.lane_concurrency);
    println!(
        "| {plan} | {accounts} | {instances} | {bound:.1} | {unlimited:.1} | {median:.1} ({least:.1}–{most:.1}) | {times:.2} \
         | {refused} |"
    );
    Ok(())
}

/// From the upload until the last URL was purged.
fn drain_time(report: &RunReport) -> Duration {
    report.healthy_times.values().max().copied().unwrap_or(Duration::ZERO)
}
