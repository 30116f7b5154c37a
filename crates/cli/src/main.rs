//! The `purge-router` command: one of the doors to the pipeline. Exit codes: 0 done, 1 problems found or a purge failed,
//! 2 misuse.

mod args;
mod command;
mod mappings;
mod print;
mod sender;
mod verify;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};
use crate::command::table::Kind;

/// What the caller asked for makes no sense, or a file that it named can't be read: exit code 2.
#[derive(Debug)]
struct Misuse(String);

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// How a command ended that did not fail itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Problems,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    args.color.write_global();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let colored = print::stderr_is_colored();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colored).with_writer(std::io::stderr).init();
    match run(args.command).await {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Problems) => ExitCode::from(1),
        Err(error) => {
            print::error(&format!("{error:#}"));
            ExitCode::from(if error.is::<Misuse>() { 2 } else { 1 })
        }
    }
}

async fn run(command: Command) -> anyhow::Result<End> {
    match command {
        Command::Init(args) => command::init::run(&args),
        Command::Check(args) => command::check::run(&args).await,
        Command::Explain(args) => command::explain::run(&args).await,
        Command::Plan(args) => command::plan::run(&args).await,
        Command::Run(args) => command::run::run(&args).await,
        Command::Purge(args) => command::purge::run(&args).await,
        Command::Mappings(command) => command::table::run(Kind::Mappings, &command).await,
        Command::Grants(command) => command::table::run(Kind::Grants, &command).await,
        Command::Tokens(command) => command::tokens::run(&command).await,
        Command::Sandbox(args) => command::sandbox::run(&args).await,
        Command::ImportEnv(args) => command::import_env::run(&args),
        Command::Completions(args) => command::completions::run(&args),
    }
}
