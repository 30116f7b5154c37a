//! The healthy teams' purges of a seed, with and without the sick teams: they must be the same, and as fast.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::report::RunReport;
use crate::scenario::ChangeId;

/// By what factor the times may differ.
const FACTOR: f64 = 1.1;

/// The percentiles that are compared.
pub const PERCENTILES: [f64; 2] = [0.5, 0.99];

/// Two runs of one seed.
#[derive(Debug)]
pub struct Comparison<'r> {
    /// With the sick teams.
    pub with: &'r RunReport,
    /// Without them.
    pub without: &'r RunReport,
}

impl Comparison<'_> {
    /// Checks that the same changes of healthy teams are purged in both.
    ///
    /// # Errors
    /// Which change is purged in only one of them.
    pub fn same_purges(&self) -> Result<(), String> {
        let (with, without) = (&self.with.healthy_times, &self.without.healthy_times);
        let missing = |from: &BTreeMap<ChangeId, _>, to: &BTreeMap<ChangeId, _>| {
            from.keys().copied().find(|change| !to.contains_key(change))
        };
        match (missing(without, with), missing(with, without)) {
            (None, None) => Ok(()),
            (Some(change), _) => Err(format!("change {change} is purged only without the sick teams")),
            (_, Some(change)) => Err(format!("change {change} is purged only with the sick teams")),
        }
    }

    /// For both percentiles: by what factor it is larger with the sick teams, and by how much.
    pub fn differences(&self) -> [(f64, Duration); 2] {
        PERCENTILES.map(|part| {
            let [with, without] = self.percentiles(part);
            (with.as_secs_f64() / without.as_secs_f64().max(0.001), with.saturating_sub(without))
        })
    }

    fn percentiles(&self, part: f64) -> [Duration; 2] {
        [self.with, self.without].map(|run| {
            let mut times = HealthyTimes::default();
            times.add(run);
            times.percentile(part)
        })
    }
}

/// The times of healthy teams' purges, of any number of runs.
#[derive(Debug, Clone, Default)]
pub struct HealthyTimes(Vec<Duration>);

impl HealthyTimes {
    /// Adds those of a run.
    pub fn add(&mut self, run: &RunReport) {
        self.0.extend(run.healthy_times.values());
    }

    /// The time in which this part of the purges was done, such as 0.99; zero if there are none.
    pub fn percentile(&mut self, part: f64) -> Duration {
        self.0.sort_unstable();
        let index = ((self.0.len() as f64 * part).ceil() as usize).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Checks that these times, with sick teams, are within 1.1 times of those without.
    ///
    /// # Errors
    /// The percentile that is not, with both times.
    pub fn are_isolated_as(&mut self, without: &mut Self) -> Result<(), String> {
        for part in PERCENTILES {
            let (with, without) = (self.percentile(part), without.percentile(part));
            if with > without.mul_f64(FACTOR) {
                return Err(format!("isolation: p{} is {with:?} with sick teams, {without:?} without", part * 100.0));
            }
        }
        Ok(())
    }
}
