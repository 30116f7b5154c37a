//! The function's process, which Lambda starts as `bootstrap`.

use std::process::ExitCode;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use purge_router_lambda::metrics_output::MetricsOutput;
use purge_router_lambda::{from_settings, logs};
use purge_router_pipeline::Clock;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};

/// How long before the end of its time an invocation answers, but at most a quarter of that time.
const MARGIN: Duration = Duration::from_secs(1);

// Lambda gives most functions less than one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::init();
    let Err(reason) = run().await else { return ExitCode::SUCCESS };
    tracing::error!("{reason}");
    ExitCode::FAILURE
}

async fn run() -> Result<(), Error> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return Err("this program runs only in AWS Lambda; elsewhere use the `purge-router` command".into());
    }
    purge_router_http::trust_only_the_file();
    let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let clock = Clock::system();
    let function = from_settings(variable, clock.clone()).await?;
    let (function, clock, metrics) = (&function, &clock, &MetricsOutput::start()?);
    let mut terminated = signal(SignalKind::terminate())?;
    let invocations = lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let remaining = event.context.deadline().duration_since(clock.wall_time()).unwrap_or_default();
        let deadline = clock.now() + (remaining - MARGIN.min(remaining / 4));
        let response = function.respond(event.payload.get().as_bytes(), deadline).await;
        metrics.flush();
        response
    }));
    tokio::select! {
        ended = invocations => ended,
        _ = terminated.recv() => {
            // An invocation that is in progress is not answered, so its messages are redelivered. Its outcomes so far are
            // in the log already.
            metrics.flush();
            // Under the name of our crates, whose level is Lambda's.
            tracing::info!(target: "purge_router_lambda", "stopped by SIGTERM");
            // Returning would wait for name lookups, and Lambda kills the process 500 ms after the signal.
            std::process::exit(0)
        }
    }
}
