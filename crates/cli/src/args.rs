//! The command line.

mod dead_letters;
mod deployment;
mod doctor;
mod event;
mod event_kind;
mod mappings;
mod output;
mod parse;
mod purge;
mod sandbox;
mod setup;
mod table;
mod tags;
mod tokens;

use clap::{Parser, Subcommand};

pub(crate) use dead_letters::{
    DeadLettersCommand, DropArgs, ExplainLettersArgs, LettersArgs, ListLettersArgs, RedriveArgs,
};
pub(crate) use deployment::{DeploymentArgs, KnownFunction};
pub(crate) use doctor::DoctorArgs;
pub(crate) use event::{
    EventArgs, EventInput, ExplainArgs, Explained, Named, PlanArgs, RunArgs, SendingArgs, not_planned,
};
pub(crate) use event_kind::EventKind;
pub(crate) use mappings::{DEFAULT_FILE, MappingsArg, MappingsSource, TeamMappingsArg};
pub(crate) use output::Format;
pub(crate) use purge::{PurgeArgs, PurgeMode};
pub(crate) use sandbox::SandboxArgs;
pub(crate) use setup::{
    CheckArgs, CompletionsArgs, Deny, FmtArgs, ImportEnvArgs, InitArgs, ManArgs, SchemaArgs, TestArgs,
};
pub(crate) use table::{
    DiffArgs, EditCommand, HistoryArgs, ListArgs, PullArgs, PushArgs, RollbackArgs, TableArgs, WritingArgs,
};
pub(crate) use tags::{TagRuleArgs, TagsCommand};
pub(crate) use tokens::{PutArgs, RotateArgs, StatusArgs, TokensCommand, VerifyArgs, ZoneArgs, ZonesArgs};

/// Turns S3 object events into Cloudflare cache purges, for many sites and teams at once.
#[derive(Parser)]
#[command(
    name = "purge-router",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  purge-router init
  purge-router explain s3://assets.website.com/uk/css/app.css
  purge-router run s3://assets.website.com/uk/css/app.css --sandbox

Exit codes:
  0  done; `explain`: all that was asked for is purged
  1  problems were found, a purge failed, an event can't be read, or AWS did not answer
  2  misuse: unknown options, or files that can't be read
  3  `explain`: nothing purges it, or a part of it
  130, 143  stopped by Ctrl-C (SIGINT) or SIGTERM before all was done

Environment:
  CLOUDFLARE_API_TOKEN  token to use for every purge
  CLOUDFLARE_BASE_URL   URL of the API [default: https://api.cloudflare.com/client/v4]
  MAPPINGS_FILE         mapping file [default: mappings.toml]
  MAPPINGS_TABLE        table that is read instead of a file; `mappings` and `grants` write it
  PURGE_ROUTER_FUNCTION deployed function that `doctor` and `dead-letters` look at
  AWS_…                 region and credentials for the table and SSM, as for every AWS tool
  RUST_LOG              what to log on stderr, such as info (as -v does)
  NO_COLOR              if set, no colors"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) color: colorchoice_clap::Color,

    /// Log what the command does on standard error; -vv logs more. RUST_LOG has precedence
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a commented example of a mapping file
    Init(InitArgs),
    /// Check a mapping file or table, and show all its problems
    Check(CheckArgs),
    /// Write a mapping file in one style; comments stay
    Fmt(FmtArgs),
    /// Run the tests of mappings: what must be purged when objects change
    Test(TestArgs),
    /// Print the JSON schema of mapping files, with which editors complete and check them
    Schema(SchemaArgs),
    /// Explain why an object or a URL is purged or not: which mappings fire, what they purge, and why the others don't
    Explain(ExplainArgs),
    /// Show the requests that an event leads to, without sending them
    Plan(PlanArgs),
    /// Send the purges that an event leads to
    Run(RunArgs),
    /// Purge by hand: URLs, prefixes, hosts, tags or everything
    Purge(PurgeArgs),
    /// Read and edit zones, mappings and tests in the table: list, pull, diff, push, history, rollback
    #[command(
        subcommand,
        after_help = "Examples:\n  purge-router mappings diff --team web\n  purge-router mappings push --team web"
    )]
    Mappings(EditCommand),
    /// For operators: read and edit what each team may map: list, pull, diff, push, history, rollback
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
    /// Show whether a deployment works: region, identity, function, table, tokens, notifications, queues, alarms
    Doctor(DoctorArgs),
    /// Look at the messages that no retry could purge, and bring them back: list, explain, redrive, drop
    #[command(
        subcommand,
        after_help = "Examples:\n  purge-router dead-letters list --function purge-router-Function-1A2B3C\n  purge-router dead-letters redrive --team web"
    )]
    DeadLetters(DeadLettersCommand),
    /// Run a local stand-in for Cloudflare: its API, and an edge cache in front of your origin server
    Sandbox(SandboxArgs),
    /// Convert the environment variables of the single-zone script to a mapping file
    ImportEnv(ImportEnvArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
