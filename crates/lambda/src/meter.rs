//! Metrics in CloudWatch's embedded format: lines of the log, from which CloudWatch makes metrics.

use std::io::Write;

use metrics_cloudwatch_embedded::{Builder, Collector, Error};

/// What has been counted since the last invocation.
pub struct Meter(&'static Collector);

impl Meter {
    /// Counts from now on.
    ///
    /// # Errors
    /// Something counts already.
    pub fn start() -> Result<Self, Error> {
        Ok(Self(Builder::new().cloudwatch_namespace("purge-router").init()?))
    }

    /// Writes what was counted to standard output, a line for each zone and one for all of them.
    pub fn tell(&self) {
        let mut lines = Vec::new();
        // In one piece: what goes on behind the answer may log meanwhile.
        if let Err(error) = self.0.flush(&mut lines).and_then(|()| std::io::stdout().write_all(&lines)) {
            tracing::warn!(%error, "metrics are lost");
        }
    }
}
