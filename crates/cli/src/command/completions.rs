//! `completions`: what a shell needs to complete the command line.

use clap::CommandFactory;

use crate::End;
use crate::args::{Args, CompletionsArgs};

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<End> {
    clap_complete::generate(args.shell, &mut Args::command(), "purge-router", &mut std::io::stdout());
    Ok(End::Done)
}
