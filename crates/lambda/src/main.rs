//! The function's process, which Lambda starts as `bootstrap`.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use purge_router_lambda::meter::Meter;
use purge_router_lambda::{from_settings, logs};
use serde_json::value::RawValue;
use tokio::time::Instant;

/// What is left of an invocation's time for its answer, but at most a quarter of it.
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
        return Err("this runs only inside of AWS Lambda; elsewhere use the `purge-router` command".into());
    }
    let function = from_settings(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned())).await?;
    let (function, meter) = (&function, &Meter::start()?);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + (left - MARGIN.min(left / 4));
        let answer = function.handle(event.payload.get().as_bytes(), deadline).await;
        meter.tell();
        answer
    }))
    .await
}
