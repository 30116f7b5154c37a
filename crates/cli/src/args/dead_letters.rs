//! Arguments of `dead-letters`.

use clap::{Args as ClapArgs, Subcommand};

use crate::args::deployment::DeploymentArgs;
use crate::args::output::OutputArgs;

#[derive(Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List what is in the dead-letter queue, by team, zone and cause
    List(ListLettersArgs),
    /// Explain messages: what they purge, and why they failed
    Explain(ExplainLettersArgs),
    /// Send messages to the queue of new messages again, and delete them here
    Redrive(RedriveArgs),
    /// Delete messages; what they name is not purged
    Drop(DropArgs),
}

/// Which messages.
#[derive(ClapArgs)]
pub(crate) struct LettersArgs {
    #[command(flatten)]
    pub(crate) deployment: DeploymentArgs,
    /// Only the message with this id. Can be repeated
    #[arg(long = "id", value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Messages are received, and are visible again when the command ends. Meanwhile, others don't see them.

Examples:
  purge-router dead-letters list --function purge-router-Function-1A2B3C
  purge-router dead-letters list --team web -o jsonl | jq -r .ids[]")]
pub(crate) struct ListLettersArgs {
    #[command(flatten)]
    pub(crate) letters: LettersArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router dead-letters explain --team web")]
pub(crate) struct ExplainLettersArgs {
    #[command(flatten)]
    pub(crate) letters: LettersArgs,
    /// Explain at most this many messages
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Each message is sent before it is deleted, so none is lost; one may be purged twice, which is harmless. A message that \
several teams share is redriven with any of them. One that fails again is a dead letter again, and is not redriven a second \
time by the same command.

Examples:
  purge-router dead-letters redrive --team web
  purge-router dead-letters redrive --max-per-second 50")]
pub(crate) struct RedriveArgs {
    #[command(flatten)]
    pub(crate) letters: LettersArgs,
    /// Send no more messages in a second, to spare Cloudflare's rate limits
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_per_second: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router dead-letters drop --id 5fea7756-0ea4-451a-a703-a558b933e274")]
pub(crate) struct DropArgs {
    #[command(flatten)]
    pub(crate) letters: LettersArgs,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
