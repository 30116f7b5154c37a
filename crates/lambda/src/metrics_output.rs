//! Metrics in CloudWatch's embedded format: lines of the log that CloudWatch turns into metrics.

use std::io::Write;

use metrics_cloudwatch_embedded::{Builder, Collector, Error};
use purge_router_pipeline::describe_metrics;

/// Collects metrics, and writes them after each invocation.
pub struct MetricsOutput(&'static Collector);

impl MetricsOutput {
    /// Collects metrics from now on.
    ///
    /// # Errors
    /// The process has a metrics recorder already.
    pub fn start() -> Result<Self, Error> {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let collector =
            Builder::new().cloudwatch_namespace("purge-router").with_dimension("function", function).init()?;
        describe_metrics();
        metrics::describe_counter!("ColdStart", metrics::Unit::Count, "invocations that started a new instance");
        metrics::counter!("ColdStart").increment(1);
        Ok(Self(collector))
    }

    /// Writes the metrics since the last flush to standard output: a line for each zone, and one for all of them.
    pub fn flush(&self) {
        let mut lines = Vec::new();
        // With one write, because background tasks may log at the same time.
        if let Err(error) = self.0.flush(&mut lines).and_then(|()| std::io::stdout().write_all(&lines)) {
            tracing::warn!(%error, "can't write metrics");
        }
    }
}
