//! Logs as Lambda's own settings want them: `AWS_LAMBDA_LOG_FORMAT` (`JSON` or text) and `AWS_LAMBDA_LOG_LEVEL`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// Writes logs to standard output from now on. `RUST_LOG` is used if Lambda sets no level.
///
/// A JSON line has its fields at the top level, and a `timestamp`: Lambda treats a line without one as INFO, and would
/// drop it if the function logs warnings only.
pub fn init() {
    let lines = tracing_subscriber::fmt().with_env_filter(filter()).with_target(false);
    if std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        lines.json().flatten_event(true).with_span_list(false).init();
    } else {
        lines.with_ansi(false).init();
    }
}

/// Our own lines at the configured level, warnings of other crates, and always the request id.
fn filter() -> EnvFilter {
    let level = match std::env::var("AWS_LAMBDA_LOG_LEVEL") {
        Ok(level) if level.eq_ignore_ascii_case("fatal") => LevelFilter::ERROR,
        Ok(level) => level.parse().unwrap_or(LevelFilter::INFO),
        Err(_) => match EnvFilter::try_from_default_env() {
            Ok(filter) => return filter,
            Err(_) => LevelFilter::INFO,
        },
    };
    let others = level.min(LevelFilter::WARN);
    // This module has only the span of the request id, at the level INFO.
    EnvFilter::new(format!("{others},lambda_runtime::layers::trace=info,purge_router={level}"))
}
