//! `completions`: prints the script with which a shell asks this command for completions.

use anyhow::Context;
use clap_complete::env::Shells;

use crate::args::CompletionsArgs;
use crate::complete::VARIABLE;
use crate::exit::End;
use crate::print;

const NAME: &str = "purge-router";

pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<End> {
    let shell = args.shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell).with_context(|| format!("no completions for {shell}"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    print::out(String::from_utf8(script)?.trim());
    Ok(End::Done)
}
