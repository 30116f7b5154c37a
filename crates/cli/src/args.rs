//! The command line.

mod event;
mod mappings;
mod parse;
mod purge;
mod sandbox;
mod setup;
mod table;
mod tags;
mod tokens;

use clap::{Parser, Subcommand};

pub(crate) use event::{EventArgs, EventKind, ExplainArgs, Explained, PlanArgs, RunArgs, SendingArgs};
pub(crate) use mappings::MappingsArg;
pub(crate) use purge::{PurgeArgs, PurgeMode};
pub(crate) use sandbox::SandboxArgs;
pub(crate) use setup::{CheckArgs, CompletionsArgs, Deny, ImportEnvArgs, InitArgs, SchemaArgs, TestArgs};
pub(crate) use table::{DiffArgs, EditCommand, HistoryArgs, PullArgs, PushArgs, RollbackArgs, TableArgs, WritingArgs};
pub(crate) use tags::{TagRuleArgs, TagsCommand};
pub(crate) use tokens::{PutArgs, RotateArgs, StatusArgs, TokensCommand, VerifyArgs, ZonesArgs};

/// Turns S3 object events into Cloudflare cache purges, for many sites and teams at once.
#[derive(Parser)]
#[command(
    name = "purge-router",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  purge-router init
  purge-router run event.json --sandbox

Exit codes:
  0  done
  1  problems were found, or a purge failed
  2  misuse: unknown options, or files that can't be read
  130, 143  stopped by Ctrl-C (SIGINT) or SIGTERM before all was done

Environment:
  CLOUDFLARE_API_TOKEN  token to use for every purge
  CLOUDFLARE_BASE_URL   URL of the API [default: https://api.cloudflare.com/client/v4]
  MAPPINGS_FILE         mapping file [default: mappings.toml]
  MAPPINGS_TABLE        table that `mappings` and `grants` read and write
  AWS_…                 region and credentials for the table and SSM, as for every AWS tool
  RUST_LOG              what to log on stderr, such as info
  NO_COLOR              if set, no colors"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) color: colorchoice_clap::Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a commented example of a mapping file
    Init(InitArgs),
    /// Check a mapping file or table, and show all its problems
    Check(CheckArgs),
    /// Run the tests of mappings: what must be purged when objects change
    Test(TestArgs),
    /// Print the JSON schema of mapping files, with which editors complete and check them
    Schema(SchemaArgs),
    /// Explain which mappings fire for a change of an object, or those of an event, what they purge, and why the others don't
    Explain(ExplainArgs),
    /// Show the requests that an event leads to, without sending them
    Plan(PlanArgs),
    /// Send the purges that an event leads to
    Run(RunArgs),
    /// Purge by hand: URLs, prefixes, hosts, tags or everything
    Purge(PurgeArgs),
    /// Read and edit zones, mappings and tests in the table: pull, diff, push, history, rollback
    #[command(
        subcommand,
        after_help = "Examples:\n  purge-router mappings diff --team web\n  purge-router mappings push --team web"
    )]
    Mappings(EditCommand),
    /// For operators: read and edit what each team may map: pull, diff, push, history, rollback
    #[command(
        subcommand,
        mut_subcommands(table::for_grants),
        after_help = "Examples:\n  purge-router grants pull > grants.toml\n  purge-router grants push --mappings grants.toml"
    )]
    Grants(EditCommand),
    /// Manage zone tokens in SSM: verify, status, put, rotate
    #[command(
        subcommand,
        after_help = "Examples:\n  purge-router tokens verify\n  purge-router tokens rotate --zone website.com"
    )]
    Tokens(TokensCommand),
    /// Let Cloudflare tag what an origin server can't, such as S3: rule
    #[command(subcommand, after_help = "Example:\n  purge-router tags rule --zone website.dev")]
    Tags(TagsCommand),
    /// Run a local stand-in for Cloudflare: its API, and an edge cache in front of your origin server
    Sandbox(SandboxArgs),
    /// Convert the environment variables of the single-zone script to a mapping file
    ImportEnv(ImportEnvArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
