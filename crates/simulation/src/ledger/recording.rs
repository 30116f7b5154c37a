//! What is logged and counted while something runs.

use super::log_lines::LogLines;
use super::metric_sums::MetricSums;

/// What the function logged and counted while something ran.
#[derive(Debug, Default)]
pub struct Recording {
    pub(super) log: LogLines,
    pub(super) metrics: MetricSums,
}

impl Recording {
    /// Runs something, in this thread alone, and records what is logged and counted meanwhile.
    pub fn of<R>(run: impl FnOnce() -> R) -> (R, Self) {
        let recording = Self::default();
        let run = || {
            purge_router_pipeline::describe_metrics();
            run()
        };
        let log = recording.log.clone();
        let result = tracing::subscriber::with_default(log, || metrics::with_local_recorder(&recording.metrics, run));
        (result, recording)
    }
}
