//! The `purge-router` command: reads its arguments, runs one subcommand, and ends with its exit code.

mod args;
mod command;
mod complete;
mod deployment;
mod environment;
mod exit;
mod input;
mod mappings;
mod print;
mod problems;
mod sender;
mod shutdown;
mod token_source;
mod watched_client;
mod zone_choice;

use clap::{CommandFactory, Parser};
use clap_complete::CompleteEnv;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::exit::{End, Misuse};
use crate::shutdown::Signal;

fn main() {
    // Ends the process if a shell asks.
    CompleteEnv::with_factory(|| complete::with_candidates(Args::command())).var(complete::VARIABLE).complete();
    run(&Args::parse());
}

#[tokio::main]
async fn run(args: &Args) {
    args.color.write_global();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level(args.verbose)));
    let colored = print::stderr_is_colored();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colored).with_writer(std::io::stderr).init();
    let code = match shutdown::listen() {
        Ok(()) => exit_code(shutdown::run(command::run(&args.command)).await),
        Err(error) => exit_code(Ok(Err(error.into()))),
    };
    // Returning would wait for a question that a signal has ended.
    std::process::exit(code.into())
}

/// The log filter of `-v` and `-vv`. Of AWS's SDKs, only warnings are of interest.
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "off",
        1 => "info,aws_config=warn,aws_smithy_runtime=warn,hyper=warn",
        _ => "info,aws_config=warn,aws_smithy_runtime=warn,hyper=warn,purge_router=debug",
    }
}

/// Prints why the command ended, if it has not done so itself, and returns its exit code.
fn exit_code(ended: Result<anyhow::Result<End>, Signal>) -> u8 {
    let code = match ended {
        // What was done in spite of a signal is done.
        Ok(Ok(End::Done)) => return 0,
        Ok(Ok(End::Problems)) => 1,
        Ok(Ok(End::NotPurged)) => 3,
        Ok(Err(error)) => {
            print::error(&format!("{error:#}"));
            if error.is::<Misuse>() { 2 } else { 1 }
        }
        Err(signal) => {
            print::error(&shutdown::stopped(signal));
            signal.exit_code()
        }
    };
    shutdown::received().map_or(code, Signal::exit_code)
}
