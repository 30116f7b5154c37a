//! The arguments of `mappings` and `grants`.

use clap::{Args as ClapArgs, Subcommand};
use purge_router_core::names::TeamName;

use crate::args::mappings::FileArg;
use crate::args::parse::parser;

#[derive(ClapArgs)]
pub(crate) struct TableArgs {
    /// The table's name
    #[arg(long, value_name = "NAME", env = "MAPPINGS_TABLE")]
    pub(crate) table: Option<String>,
    /// Only this team; pull, diff and push take several of them
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
}

#[derive(Subcommand)]
pub(crate) enum EditCommand {
    /// Print what the table holds as a mapping file
    Pull(PullArgs),
    /// Show what a push would change, and what was edited since the last one
    Diff(DiffArgs),
    /// Write a mapping file to the table
    Push(PushArgs),
    /// List the pushes: who, when and what
    History(HistoryArgs),
    /// Push the result of an earlier push again
    Rollback(RollbackArgs),
}

#[derive(ClapArgs)]
#[command(after_help = "By the line `pulled`, a push of the file notices what others pushed in the meantime.

Examples:
  purge-router mappings pull --team web > mappings.toml
  purge-router grants pull > grants.toml")]
pub(crate) struct PullArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// As it was after this push
    #[arg(long, value_name = "NUMBER")]
    pub(crate) revision: Option<u64>,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router mappings diff --team web
  purge-router mappings diff --team web --json | jq -r .checksum
  purge-router grants diff --mappings grants.toml")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Exit with 1 if a push would write anything, or if rows were edited without one
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Teams that the file does not name stay as they are. A team that --team names and the file does
not loses what it has in the table; that needs --force. A file that was pulled before somebody else pushed is refused:
pull again, or delete the `pulled` line to overwrite.

Examples:
  purge-router mappings push --team web --message 'serve the shop from its own bucket'
  purge-router mappings push --team web --yes --expect \"$approved\"
  purge-router grants push --mappings grants.toml")]
pub(crate) struct PushArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) file: FileArg,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
}

#[derive(ClapArgs)]
pub(crate) struct WritingArgs {
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write even if more than 30 % (and more than one) of a team's mappings or zones, or of the grants, are changed or
    /// removed, or all that a team has. It does not overwrite what others pushed since the file was pulled
    #[arg(long)]
    pub(crate) force: bool,
    /// Take over from a push that is in progress or was interrupted
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Write only the difference of this checksum, which `diff` shows
    #[arg(long, value_name = "CHECKSUM")]
    pub(crate) expect: Option<String>,
    /// Why, for the history
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router mappings history --team web
  purge-router mappings history --team web --show 7
  purge-router grants history")]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// At most this many
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Show what this push changed
    #[arg(long, value_name = "REVISION", conflicts_with = "limit", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) show: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router mappings rollback 7 --team web")]
pub(crate) struct RollbackArgs {
    /// The push whose result is to be pushed again
    #[arg(value_name = "REVISION")]
    pub(crate) revision: u64,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
}
