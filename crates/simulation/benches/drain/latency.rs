//! How long new messages take while a part of the rate of a plan is in use.

use std::io;
use std::time::Duration;

use purge_router_core::limits::{CloudflarePlan, LimitClass};
use purge_router_simulation::{HealthyTimes, Load, Seed};

use crate::measured::{Measured, measured};

/// How long the load lasts.
const LASTS: Duration = Duration::from_secs(120);

/// How many URLs an object has.
const VARIANTS: usize = 5;

const ZONES: usize = 10;

/// Measures all plans at 5, 25 and 75 % of their rate, and prints a table.
pub(crate) fn print() -> io::Result<()> {
    println!("| plan | rate in use | URLs/s | changes | deferred | p50, s | p99, s | longest, s | 429 |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for plan in [CloudflarePlan::Free, CloudflarePlan::Pro, CloudflarePlan::Enterprise] {
        for percent in [5, 25, 75] {
            print_row(plan, percent)?;
        }
    }
    Ok(())
}

fn print_row(plan: CloudflarePlan, percent: usize) -> io::Result<()> {
    let rate = plan.rate(LimitClass::Urls);
    let per_second = rate.refill as usize / rate.period_seconds as usize * percent / 100;
    let objects = per_second * LASTS.as_secs() as usize / VARIANTS / ZONES;
    let load = Load {
        lane_concurrency: 2,
        zones: ZONES,
        zones_per_team: 1,
        accounts: 1,
        accounts_are_known: true,
        plan,
        purge: "urls",
        objects,
        variants: VARIANTS,
        spread: LASTS,
        replaced_after: None,
    };
    let Measured { report, refused } = measured(load, Seed(1))?;
    let mut times = HealthyTimes::default();
    times.add(&report);
    let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|part| times.percentile(part).as_secs_f64());
    let (plan, changes, deferred) = (plan.as_str(), report.figures.changes, report.figures.deferred);
    let deferred = deferred as f64 / changes as f64 * 100.0;
    println!(
        "| {plan} | {percent} % | {per_second} | {changes} | {deferred:.1} % | {p50:.2} | {p99:.2} | {longest:.2} | {refused} |"
    );
    Ok(())
}
