//! `completions`: what a shell needs to complete the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Args, CompletionsArgs};
use crate::{End, print};

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "purge-router", &mut script);
    let mut script = String::from_utf8(script)?;
    if args.shell == Shell::Bash {
        // clap_complete 4.6 gives a name with a hyphen two spellings, so that nothing after a subcommand is completed
        // (clap issue 6421).
        script = script.replace("purge__subcmd__router", "purge__router");
    }
    print::out(script.trim_end());
    Ok(End::Done)
}
