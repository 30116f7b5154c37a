//! `completions`: prints a shell's completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Args, CompletionsArgs};
use crate::exit::End;
use crate::print;

pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "purge-router", &mut script);
    let mut script = String::from_utf8(script)?;
    if args.shell == Shell::Bash {
        // clap_complete 4.6 spells a name with a hyphen in two ways, so nothing after a subcommand would be completed
        // (clap issue 6421).
        script = script.replace("purge__subcmd__router", "purge__router");
    }
    print::out(script.trim_end());
    Ok(End::Done)
}
