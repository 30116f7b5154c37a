//! How the healthy teams of single seeds fare with and without the sick teams.

use std::time::Duration;

use purge_router_simulation::{Comparison, PERCENTILES, RunReport};

/// From which factor on a seed counts.
const FACTOR: f64 = 1.1;

/// How many seeds were slower than another run of them.
#[derive(Debug, Default)]
pub(crate) struct PerSeed([Slower; 2]);

#[derive(Debug, Default, Clone, Copy)]
struct Slower {
    /// By more than the factor.
    by_factor: u64,
    /// By more than the factor, and by more than 50 ms, or 100 ms.
    by_50_ms: u64,
    by_100_ms: u64,
    longest: Duration,
}

impl PerSeed {
    /// Adds two runs of a seed.
    pub(crate) fn add(&mut self, with: &RunReport, without: &RunReport) {
        let differences = Comparison { with, without }.differences();
        for (slower, (factor, difference)) in self.0.iter_mut().zip(differences) {
            slower.longest = slower.longest.max(difference);
            if factor > FACTOR {
                slower.by_factor += 1;
                slower.by_50_ms += u64::from(difference > Duration::from_millis(50));
                slower.by_100_ms += u64::from(difference > Duration::from_millis(100));
            }
        }
    }

    /// The rows of a table.
    pub(crate) fn rows(&self, name: &str) -> Vec<String> {
        let row = |(part, slower): (f64, Slower)| {
            let Slower { by_factor, by_50_ms, by_100_ms, longest } = slower;
            let (percentile, longest) = (part * 100.0, longest.as_secs_f64());
            format!("| {name} | p{percentile} | {by_factor} | {by_50_ms} | {by_100_ms} | {longest:.3} |")
        };
        PERCENTILES.into_iter().zip(self.0).map(row).collect()
    }
}
