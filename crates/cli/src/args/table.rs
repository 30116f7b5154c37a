//! The arguments of `mappings` and `grants`.

use clap::{Args as ClapArgs, Command, Subcommand};
use purge_router_core::names::{BucketName, Hostname, TeamName};

use crate::args::deployment::DeploymentArgs;
use crate::args::mappings::{FileArg, OnlyFileArg};
use crate::args::output::OutputArgs;
use crate::args::parse::parser;

#[derive(ClapArgs)]
pub(crate) struct TableArgs {
    /// Name of the DynamoDB table
    #[arg(long, value_name = "NAME", env = "MAPPINGS_TABLE", hide_env_values = true)]
    pub(crate) table: Option<String>,
    /// Only this team. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
}

#[derive(Subcommand)]
pub(crate) enum EditCommand {
    /// List the mappings of a table or a file
    List(ListArgs),
    /// Print the table's zones, mappings and tests as a mapping file
    Pull(PullArgs),
    /// Show what a push would change, and what was edited in the table since the last one
    Diff(DiffArgs),
    /// Write the zones, mappings and tests of a mapping file to the table
    Push(PushArgs),
    /// List the pushes: who, when and what
    History(HistoryArgs),
    /// Restore the state after an earlier push, as a new push
    Rollback(RollbackArgs),
}

/// Makes the commands of `grants` from those of `mappings`.
pub(crate) fn for_grants(command: Command) -> Command {
    let hide_team = |command: Command| command.mut_arg("teams", |team| team.hide(true).required(false));
    match command.get_name() {
        "list" => command
            .about("List what each team may map")
            .mut_arg("zones", |zones| zones.hide(true))
            .mut_arg("hostnames", |hostnames| hostnames.hide(true))
            .after_help("Example:\n  purge-router grants list --bucket assets.website.com"),
        "pull" => command
            .about("Print the grants as a mapping file")
            .after_help(format!("{PULLED_LINE}\n\nExample:\n  purge-router grants pull > grants.toml")),
        "diff" => command.after_help("Example:\n  purge-router grants diff --mappings grants.toml"),
        "push" => command
            .about("Write the grants of a mapping file to the table")
            .mut_arg("force", |force| force.help(FORCE_GRANTS))
            .after_help(
                "Grants of teams that are not in the file stay as they are. If --team names a team that is not in the file, \
                 the push removes its grant; that needs --force.\n\n\
                 A push is refused if somebody else pushed after you pulled. Pull again and redo your edit, or delete the \
                 `pulled` line to overwrite.\n\n\
                 Example:\n  purge-router grants push --mappings grants.toml",
            ),
        "history" => hide_team(command).after_help("Example:\n  purge-router grants history --show 7"),
        "rollback" => hide_team(command)
            .mut_arg("force", |force| force.help(FORCE_GRANTS))
            .after_help("Example:\n  purge-router grants rollback 7"),
        _ => command,
    }
}

#[derive(ClapArgs)]
#[command(after_help = "\
Examples:
  purge-router mappings list --team web
  purge-router mappings list --bucket assets.website.com -o jsonl | jq -r .hostnames[]")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) deployment: DeploymentArgs,
    /// Only of this bucket. Can be repeated
    #[arg(long = "bucket", value_name = "BUCKET", value_parser = parser(BucketName::parse))]
    pub(crate) buckets: Vec<BucketName>,
    /// Only to the zone of this domain. Can be repeated
    #[arg(long = "zone", value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) zones: Vec<Hostname>,
    /// Only to this hostname. Can be repeated
    #[arg(long = "hostname", value_name = "HOST", value_parser = parser(Hostname::parse))]
    pub(crate) hostnames: Vec<Hostname>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

const FORCE_GRANTS: &str =
    "Allow a push that removes the last grant, or that changes or removes more than 30 % of them and more than one";

const PULLED_LINE: &str = "The line `pulled` lets a push of the file detect what others pushed in the meantime.";

#[derive(ClapArgs)]
#[command(
    after_help = format!("{PULLED_LINE}\n\nExample:\n  purge-router mappings pull --team web > mappings.toml")
)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Print the state after this push instead of the current one
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<u64>,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router mappings diff --team web
  purge-router mappings diff --team web --json | jq -r .checksum")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) only: OnlyFileArg,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Exit with 1 if a push would write anything, or if rows were edited since the last push
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Teams that are not in the file stay as they are. If --team names a team that is not in the file, the push removes all \
its zones, mappings and tests; that needs --force.

A push is refused if a test of the file fails, or if somebody else pushed after you pulled. Pull again and redo your edit, \
or delete the `pulled` line to overwrite.

Examples:
  purge-router mappings push --team web --message 'serve the shop from its own bucket'
  purge-router mappings push --team web --yes --expect \"$approved\"")]
pub(crate) struct PushArgs {
    #[command(flatten)]
    pub(crate) only: OnlyFileArg,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) file: FileArg,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
}

#[derive(ClapArgs)]
pub(crate) struct WritingArgs {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Allow a push that changes or removes more than 30 % of a team's mappings, zones or tests, or of all grants (and more than
    /// one), or the last of them, or that removes a team of --team because the file lacks it
    #[arg(long)]
    pub(crate) force: bool,
    /// Take over from a push that is in progress or was interrupted
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Write only if the difference has this checksum, which `diff` shows
    #[arg(long, value_name = "CHECKSUM")]
    pub(crate) expect: Option<String>,
    /// Reason for the change, to be shown in the history
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:
  purge-router mappings history
  purge-router mappings history --team web --show 7",
    mut_arg("teams", |team| team.help("Team whose history to show [default: all]"))
)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// List at most this many pushes
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Show what this push changed
    #[arg(long, value_name = "REVISION", conflicts_with = "limit", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) show: Option<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Example:\n  purge-router mappings rollback 7 --team web",
    mut_arg("teams", |team| team.help("Team whose mappings and zones to restore").required(true))
)]
pub(crate) struct RollbackArgs {
    /// Revision to restore: the number of the push, as `history` shows it
    #[arg(value_name = "REVISION")]
    pub(crate) revision: u64,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
}
