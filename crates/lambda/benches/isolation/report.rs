//! The table, and whether the healthy teams were isolated.

use std::fmt;
use std::time::Duration;

use crate::measure::Measurement;
use crate::scenario::Scenario;

/// How much longer healthy teams may wait than without sick ones, on real parts.
const MAX_RATIO: f64 = 1.5;

/// All measurements, in order.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<(Scenario, Measurement)>);

impl Report {
    pub(crate) fn add(&mut self, scenario: Scenario, measurement: Measurement) {
        self.0.push((scenario, measurement));
    }

    /// Why healthy teams were not isolated. Without a retry queue, only lost changes count.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (scenario, measurement) in &self.0 {
            let name = scenario.name;
            if measurement.healthy_not_purged > 0 {
                failures.push(format!("{name}: {} healthy changes were not purged", measurement.healthy_not_purged));
            }
            for (percentile, ratio) in self.ratios(scenario, measurement).filter(|_| scenario.retries_apart) {
                if ratio > MAX_RATIO {
                    failures
                        .push(format!("{name}: p{percentile} is {ratio:.2} × the baseline's, more than {MAX_RATIO}"));
                }
            }
        }
        failures
    }

    /// p50 and p99 as multiples of the baseline's: the scenario without sick teams and with the same queues.
    fn ratios(&self, scenario: &Scenario, measurement: &Measurement) -> impl Iterator<Item = (usize, f64)> {
        let is_its_baseline = |other: &Scenario| other.is_baseline() && other.retries_apart == scenario.retries_apart;
        let baseline = self.0.iter().find(|(other, _)| is_its_baseline(other)).map(|(_, baseline)| baseline);
        let ratio = move |percent| {
            let healthy = measurement.percentile(percent).as_secs_f64();
            (percent, healthy / baseline.map_or(f64::NAN, |it| it.percentile(percent).as_secs_f64()))
        };
        [50, 99].into_iter().map(ratio)
    }
}

impl Measurement {
    /// The time within which this percentage of the healthy changes were purged.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1);
        self.latencies.get(rank - 1).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| scenario | healthy changes | p50, s | p99, s | p50 ratio | p99 ratio | invocations | requests to sick zones | deferred | dead letters | healthy, not purged |"
        )?;
        writeln!(f, "| --- |{}", " ---: |".repeat(10))?;
        for (scenario, measurement) in &self.0 {
            let ratios: Vec<String> =
                self.ratios(scenario, measurement).map(|(_, ratio)| format!("{ratio:.2}")).collect();
            writeln!(
                f,
                "| {} | {} | {:.2} | {:.2} | {} | {} | {} | {} | {} | {} |",
                scenario.name,
                measurement.latencies.len(),
                measurement.percentile(50).as_secs_f64(),
                measurement.percentile(99).as_secs_f64(),
                ratios.join(" | "),
                measurement.invocations,
                measurement.sick_requests,
                measurement.deferred,
                measurement.dead_letters,
                measurement.healthy_not_purged,
            )?;
        }
        Ok(())
    }
}
