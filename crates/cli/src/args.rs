//! What may be written on the command line.

mod table;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use purge_router_core::names::{BucketName, Hostname, TeamName};

pub(crate) use table::{DiffArgs, EditCommand, HistoryArgs, PullArgs, PushArgs, RollbackArgs, TableArgs, WritingArgs};
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
  2  misuse: unknown options, files that can't be read

Environment:
  CLOUDFLARE_API_TOKEN  the token for every purge
  CLOUDFLARE_BASE_URL   the API, https://api.cloudflare.com/client/v4 unless set
  MAPPINGS_FILE         the mapping file, mappings.toml unless set
  MAPPINGS_TABLE        the table that `mappings` and `grants` read and write
  AWS_…                 region and credentials for the table, as for every AWS tool
  RUST_LOG              what to log on stderr, such as info
  NO_COLOR              no colours, if set"
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
    /// Find all problems of a mapping file
    Check(CheckArgs),
    /// Tell which mappings an object's change fires, what they purge, and why the others do not
    Explain(ExplainArgs),
    /// Show the requests that an event leads to, and send none
    Plan(PlanArgs),
    /// Send the purges that an event leads to
    Run(RunArgs),
    /// Purge by hand: URLs, prefixes, hosts, tags or everything
    Purge(PurgeArgs),
    /// Read and edit zones and mappings in the table: pull, diff, push, history, rollback
    #[command(
        subcommand,
        after_help = "Example:\n  purge-router mappings diff --team web\n  purge-router mappings push --team web"
    )]
    Mappings(EditCommand),
    /// Read and edit in the table what each team may map: pull, diff, push, history, rollback; for operators
    #[command(
        subcommand,
        after_help = "Example:\n  purge-router grants pull > grants.toml\n  purge-router grants push --mappings grants.toml"
    )]
    Grants(EditCommand),
    /// Look after the zones' tokens in SSM: verify, status, put, rotate
    #[command(
        subcommand,
        after_help = "Example:\n  purge-router tokens verify\n  purge-router tokens rotate --zone website.com"
    )]
    Tokens(TokensCommand),
    /// Run a stand-in for Cloudflare's API, and an edge cache before your origin server
    Sandbox(SandboxArgs),
    /// Turn the variables of the single-zone script into a mapping file
    ImportEnv(ImportEnvArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

#[derive(ClapArgs)]
pub(crate) struct MappingsArg {
    #[command(flatten)]
    pub(crate) file: FileArg,
    /// Read the table of this name instead of a file
    #[arg(long, value_name = "NAME", conflicts_with = "mappings")]
    pub(crate) table: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct FileArg {
    /// The mapping file [env: MAPPINGS_FILE] [default: mappings.toml]
    #[arg(long, value_name = "FILE")]
    mappings: Option<PathBuf>,
}

impl FileArg {
    /// The file that is named here, or in the environment, or the usual one. Clap's own way would let a variable that is
    /// always set stand against `--table`.
    pub(crate) fn path(&self) -> PathBuf {
        let variable = || std::env::var_os("MAPPINGS_FILE").filter(|text| !text.is_empty()).map(PathBuf::from);
        self.mappings.clone().or_else(variable).unwrap_or_else(|| "mappings.toml".into())
    }
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router init")]
pub(crate) struct InitArgs {
    /// Where to write it
    #[arg(value_name = "FILE", default_value = "mappings.toml")]
    pub(crate) file: PathBuf,
    /// Overwrite a file that is there
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
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router explain s3://assets.website.com/uk/css/app.css --event removed")]
pub(crate) struct ExplainArgs {
    /// The object, as s3://bucket/key; the key as it is, not encoded
    #[arg(value_name = "OBJECT", value_parser = object)]
    pub(crate) object: (BucketName, String),
    /// What happened to it
    #[arg(long, value_enum, default_value = "created")]
    pub(crate) event: EventKind,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum EventKind {
    Created,
    Removed,
    Restored,
    Tagged,
    Acl,
}

#[derive(ClapArgs)]
pub(crate) struct EventArgs {
    /// The event: a file with JSON as S3, SQS, SNS, EventBridge, MinIO or Ceph deliver it, or - for standard input
    #[arg(value_name = "EVENT")]
    pub(crate) event: PathBuf,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router plan event.json\n  purge-router plan - --json < event.json | jq '.batches[].body'"
)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) event: EventArgs,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  purge-router run event.json --sandbox\n  CLOUDFLARE_API_TOKEN=… purge-router run event.json --json"
)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) event: EventArgs,
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
}

#[derive(ClapArgs)]
pub(crate) struct SendingArgs {
    /// Send to a sandbox inside this process, with tokens of its own: no account is needed, nothing leaves the machine
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Give up what is not done, and not verified, after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) deadline: u64,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router purge https://www.website.co.uk/css/app.css --verify
  purge-router purge --prefix www.website.co.uk/blog/ --mode invalidate
  purge-router purge --tag release-7 --zone website.co.uk
  purge-router purge --everything --zone website.co.uk")]
pub(crate) struct PurgeArgs {
    /// URLs to purge, each spelled as clients send it
    #[arg(value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// A prefix to purge: host and folder without scheme, such as www.website.co.uk/blog/
    #[arg(long = "prefix", value_name = "PREFIX")]
    pub(crate) prefixes: Vec<String>,
    /// A hostname to purge
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// A cache tag to purge; needs --zone
    #[arg(long = "tag", value_name = "TAG", requires = "zone")]
    pub(crate) tags: Vec<String>,
    /// Purge everything of the zone; needs --zone
    #[arg(long, requires = "zone")]
    pub(crate) everything: bool,
    /// The zone's domain, where the URL, prefix or host does not say it
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) zone: Option<String>,
    /// Purge at once, or invalidate (Cloudflare's soft purge)
    #[arg(long, value_enum, default_value = "purge")]
    pub(crate) mode: PurgeMode,
    /// Fetch each URL afterwards and report its CF-Cache-Status; a URL still served from before the purge is a failure
    #[arg(long, conflicts_with = "sandbox", requires = "urls")]
    pub(crate) verify: bool,
    /// Fetch them from this address instead of their own, such as a sandbox's edge
    #[arg(long, value_name = "URL", requires = "verify", value_parser = edge)]
    pub(crate) edge: Option<url::Url>,
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    #[command(flatten)]
    pub(crate) sending: SendingArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PurgeMode {
    Purge,
    Invalidate,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:
  purge-router sandbox --origin http://127.0.0.1:9000/assets
  CLOUDFLARE_BASE_URL=http://127.0.0.1:8787/client/v4 CLOUDFLARE_API_TOKEN=sandbox \\
    purge-router purge https://www.website.co.uk/app.css --verify --edge http://127.0.0.1:8788

It is for loopback only: whoever reaches it may use and change it.")]
pub(crate) struct SandboxArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Where the API listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub(crate) api: SocketAddr,
    /// Where the edge listens; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    pub(crate) edge: SocketAddr,
    /// The origin server behind the edge, for one hostname or for all; a path is put before every path
    #[arg(long = "origin", value_name = "[HOST=]URL", value_parser = origin)]
    pub(crate) origins: Vec<(Option<String>, String)>,
    /// Answer however many requests come
    #[arg(long)]
    pub(crate) no_rate_limits: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "The variables are CLOUDFLARE_ZONE_ID, CLOUDFLARE_API_KEY or CLOUDFLARE_API_KEY_SSMPATH,
CLOUDFLARE_API_EMAIL, INCLUDED_EXTS and EXCLUDED_EXTS. No secret is printed.

Example:
  purge-router import-env --bucket www.website.com --domain website.com > mappings.toml")]
pub(crate) struct ImportEnvArgs {
    /// A bucket that the script served; its name is the hostname
    #[arg(long = "bucket", value_name = "BUCKET", required = true, value_parser = parser(BucketName::parse))]
    pub(crate) buckets: Vec<BucketName>,
    /// The zone's domain; what the buckets' names share unless set
    #[arg(long, value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) domain: Option<Hostname>,
    /// The team's name in the mapping file
    #[arg(long, value_name = "NAME", default_value = "web", value_parser = parser(TeamName::parse))]
    pub(crate) team: TeamName,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router completions bash > /etc/bash_completion.d/purge-router")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A parser of one of core's names, as clap wants it.
fn parser<T, E: std::fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| parse(text).map_err(|error| error.to_string())
}

fn object(text: &str) -> Result<(BucketName, String), String> {
    let (bucket, key) = text
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, key)| !key.is_empty())
        .ok_or("write s3://bucket/key")?;
    Ok((BucketName::parse(bucket).map_err(|fault| fault.to_string())?, key.to_owned()))
}

fn origin(text: &str) -> Result<(Option<String>, String), String> {
    let (host, url) = match text.split_once('=') {
        Some((host, url)) if !host.contains("://") => (Some(host.to_owned()), url),
        _ => (None, text),
    };
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok((host, url.to_owned())),
        Ok(_) => Err("write an http or https URL".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn edge(text: &str) -> Result<url::Url, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() => Ok(url),
        _ => Err("write scheme, host and port, such as http://127.0.0.1:8788".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
