//! How long healthy teams wait for their purges while other teams are sick. Real processes of the function, between a
//! model of SQS and the sandbox. Prints a Markdown table. `cargo xtask isolation` runs it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people")]

mod arguments;
mod aws_endpoint;
mod event_source;
mod function;
mod instance;
mod load;
mod measure;
mod progress;
mod queue;
mod report;
mod scenario;

use std::error::Error;
use std::process::ExitCode;

use arguments::Arguments;
use measure::measure;
use progress::progress;
use report::Report;
use scenario::Scenario;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(usage) => {
            progress(&usage);
            return ExitCode::FAILURE;
        }
    };
    // What is dropped on the way out kills the function's instances.
    let result = tokio::select! {
        result = run(arguments) => result,
        () = stopped() => Err("interrupted".into()),
    };
    match result {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            failures.iter().for_each(|failure| progress(failure));
            ExitCode::FAILURE
        }
        Err(error) => {
            progress(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! { _ = ctrl_c() => {}, _ = terminated.recv() => {} }
}

/// Measures and prints. Returns why the healthy teams were not isolated.
async fn run(Arguments { options, only }: Arguments) -> Result<Vec<String>, Box<dyn Error>> {
    if let Some(folder) = &options.logs {
        std::fs::create_dir_all(folder)?;
    }
    let wanted = |scenario: &Scenario| {
        scenario.is_baseline() || only.as_ref().is_none_or(|text| scenario.name.contains(text.as_str()))
    };
    let scenarios: Vec<Scenario> = Scenario::all().into_iter().filter(wanted).collect();
    let mut report = Report::default();
    for (index, scenario) in scenarios.iter().enumerate() {
        let seconds = options.load_time.as_secs();
        progress(&format!("[{}/{}] {}: {seconds} s of load", index + 1, scenarios.len(), scenario.name));
        let measurement = measure(scenario, &options).await?;
        progress(&format!(
            "      p50 {:.2} s, p99 {:.2} s, {} instances, {} messages not yet deleted",
            measurement.percentile(50).as_secs_f64(),
            measurement.percentile(99).as_secs_f64(),
            measurement.instances,
            measurement.left,
        ));
        report.add(scenario.clone(), measurement);
    }
    println!("{report}");
    Ok(report.failures())
}
