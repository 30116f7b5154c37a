//! Metrics in CloudWatch's embedded format: lines of the log, from which CloudWatch makes metrics.

use std::io::Write;

use metrics_cloudwatch_embedded::{Builder, Collector, Error};
use purge_router_pipeline::describe_metrics;

/// What has been measured since the last invocation.
pub struct Meter(&'static Collector);

impl Meter {
    /// Measures from now on. It fails where something measures already.
    pub fn start() -> Result<Self, Error> {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let meter = Builder::new().cloudwatch_namespace("purge-router").with_dimension("function", function).init()?;
        describe_metrics();
        metrics::describe_counter!("ColdStart", metrics::Unit::Count, "invocations that met a new copy");
        metrics::counter!("ColdStart").increment(1);
        Ok(Self(meter))
    }

    /// Writes what was measured to standard output, a line for each zone and one for all of them.
    pub fn tell(&self) {
        let mut lines = Vec::new();
        // In one piece: what goes on behind the answer may log meanwhile.
        if let Err(error) = self.0.flush(&mut lines).and_then(|()| std::io::stdout().write_all(&lines)) {
            tracing::warn!(%error, "metrics are lost");
        }
    }
}
