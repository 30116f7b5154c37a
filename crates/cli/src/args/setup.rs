//! Arguments of `init`, `check`, `fmt`, `test`, `schema`, `import-env`, `completions` and `man`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use clap_complete::Shell;
use purge_router_core::names::{BucketName, Hostname, TeamName};

use crate::args::mappings::{OnlyFileArg, TeamMappingsArg};
use crate::args::parse::parser;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router init")]
pub(crate) struct InitArgs {
    /// File to write, or - for standard output
    #[arg(value_name = "FILE", default_value = "mappings.toml")]
    pub(crate) file: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router check mappings.toml\n  purge-router check --json | jq '.problems[].code'"
)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) only: OnlyFileArg,
    #[command(flatten)]
    pub(crate) mappings: TeamMappingsArg,
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
    pub(crate) only: OnlyFileArg,
    #[command(flatten)]
    pub(crate) mappings: TeamMappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
Comments, values and their order stay. The file is replaced in one step.

Examples:
  purge-router fmt
  purge-router fmt --check mappings.toml")]
pub(crate) struct FmtArgs {
    /// Mapping file, or - for standard input, which is printed
    #[arg(value_name = "FILE", default_value = "mappings.toml")]
    pub(crate) file: PathBuf,
    /// Write nothing, and exit with 1 if the file is not formatted
    #[arg(long)]
    pub(crate) check: bool,
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
#[command(after_help = "Example:\n  purge-router man /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Folder to write them into; it is created if it does not exist
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(ClapArgs)]
#[command(after_help = "\
The script asks this command on each tab, so that teams, zones and revisions are completed, too: from the table of --table or \
MAPPINGS_TABLE, or from the mapping file. Write it again when you install another release.

Examples:
  purge-router completions bash > /etc/bash_completion.d/purge-router
  purge-router completions zsh > ~/.zfunc/_purge-router")]
pub(crate) struct CompletionsArgs {
    /// Shell to print completions for
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
