//! Where the function's metrics go: to standard output, after each invocation.

use std::io::{Write, stdout};
use std::time::SystemTime;

use metrics::SetRecorderError;
use purge_router_aws::EmbeddedMetrics;
use purge_router_pipeline::describe_metrics;

/// Collects metrics, and writes them after each invocation.
pub struct MetricsOutput(EmbeddedMetrics);

impl MetricsOutput {
    /// Collects metrics from now on.
    ///
    /// # Errors
    /// The process has a metrics recorder already.
    pub fn start() -> Result<Self, SetRecorderError<EmbeddedMetrics>> {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let metrics = EmbeddedMetrics::new("purge-router", ("function", function)).install()?;
        describe_metrics();
        metrics::describe_counter!("ColdStart", metrics::Unit::Count, "invocations that started a new instance");
        metrics::counter!("ColdStart").increment(1);
        Ok(Self(metrics))
    }

    /// Writes the metrics since the last flush: a line for each zone, and one for all of them.
    pub fn flush(&self) {
        let mut lines = Vec::new();
        // With one write, because background tasks may log at the same time.
        if let Err(error) = self.0.flush(SystemTime::now(), &mut lines).and_then(|()| stdout().write_all(&lines)) {
            tracing::warn!(%error, "can't write metrics");
        }
    }
}
