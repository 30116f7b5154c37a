//! Arguments of `init`, `check`, `test`, `schema`, `import-env` and `completions`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use clap_complete::Shell;
use purge_router_core::names::{BucketName, Hostname, TeamName};

use crate::args::mappings::MappingsArg;
use crate::args::parse::parser;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router init")]
pub(crate) struct InitArgs {
    /// File to write
    #[arg(value_name = "FILE", default_value = "mappings.toml")]
    pub(crate) file: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router check --mappings mappings.toml\n  purge-router check --json | jq '.problems[].code'"
)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// End with exit code 1 if there are any
    #[arg(long, value_name = "WHAT")]
    pub(crate) deny: Option<Deny>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `check` does not accept besides problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// Warnings
    Warnings,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router test --team web\n  purge-router test --json | jq '.tests[] | select(.passed | not)'"
)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Only the tests of this team. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
A mapping file names the schema in its first line, relative to the file, for Taplo and Even Better TOML:
  #:schema ./purge-router.schema.json

Example:
  purge-router schema > purge-router.schema.json")]
pub(crate) struct SchemaArgs {}

#[derive(ClapArgs)]
#[command(after_help = "\
The variables are CLOUDFLARE_ZONE_ID, CLOUDFLARE_API_KEY or CLOUDFLARE_API_KEY_SSMPATH, CLOUDFLARE_API_EMAIL, \
INCLUDED_EXTS and EXCLUDED_EXTS. No secret is printed.

Example:
  purge-router import-env --bucket www.website.com --domain website.com > mappings.toml")]
pub(crate) struct ImportEnvArgs {
    /// Bucket that the script served; its name is the hostname. Can be repeated
    #[arg(long = "bucket", value_name = "BUCKET", required = true, value_parser = parser(BucketName::parse))]
    pub(crate) buckets: Vec<BucketName>,
    /// Domain of the zone [default: the longest domain that all bucket names share]
    #[arg(long, value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) domain: Option<Hostname>,
    /// Name of the team in the mapping file
    #[arg(long, value_name = "NAME", default_value = "web", value_parser = parser(TeamName::parse))]
    pub(crate) team: TeamName,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router completions bash > /etc/bash_completion.d/purge-router")]
pub(crate) struct CompletionsArgs {
    /// Shell to print completions for
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
