//! The `purge-router` command: reads its arguments, runs one subcommand, and ends with its exit code.

mod args;
mod command;
mod environment;
mod exit;
mod mappings;
mod print;
mod problems;
mod sender;
mod shutdown;
mod token_source;
mod zone_choice;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::Args;

#[tokio::main]
async fn main() {
    let args = Args::parse();
    args.color.write_global();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let colored = print::stderr_is_colored();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colored).with_writer(std::io::stderr).init();
    let code = match shutdown::listen() {
        Ok(()) => exit::report(shutdown::run(command::run(&args.command)).await),
        Err(error) => exit::report(Ok(Err(error.into()))),
    };
    // Returning would wait for a question that a signal has ended.
    std::process::exit(code.into())
}
