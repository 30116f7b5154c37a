//! Arguments of `purge`.

use clap::{Args as ClapArgs, ValueEnum};
use purge_router_core::names::TeamName;
use url::Url;

use crate::args::event::SendingArgs;
use crate::args::mappings::MappingsArg;
use crate::args::parse::parser;

#[derive(ClapArgs)]
#[command(after_help = "Examples:
  purge-router purge https://www.website.co.uk/css/app.css --verify
  purge-router purge - < urls.txt
  purge-router purge --prefix www.website.co.uk/blog/ --mode invalidate
  purge-router purge --tag release-7 --zone website.co.uk
  purge-router purge --everything --zone website.co.uk --team web --dry-run")]
pub(crate) struct PurgeArgs {
    /// URLs to purge, each spelled exactly as clients request it; - reads them from standard input, one on each line
    #[arg(value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// Prefix to purge: host and folder without scheme, such as www.website.co.uk/blog/. Can be repeated
    #[arg(long = "prefix", value_name = "PREFIX")]
    pub(crate) prefixes: Vec<String>,
    /// Hostname to purge. Can be repeated
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// Cache tag to purge; needs --zone. Can be repeated
    #[arg(long = "tag", value_name = "TAG", requires = "zone")]
    pub(crate) tags: Vec<String>,
    /// Purge everything in the zone; needs --zone
    #[arg(long, requires = "zone")]
    pub(crate) everything: bool,
    /// Domain of the zone [default: the zone that serves the URL, prefix or host]
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) zone: Option<String>,
    /// Purge hosts and everything without a question
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be sent, and send nothing
    #[arg(long, conflicts_with = "verify")]
    pub(crate) dry_run: bool,
    /// Purge only in this team's zones. Needed if several teams have the zone
    #[arg(long, value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) team: Option<TeamName>,
    /// How to purge: remove at once, or invalidate (Cloudflare's soft purge)
    #[arg(long, value_enum, default_value = "purge")]
    pub(crate) mode: PurgeMode,
    /// Fetch each URL after the purge and report its CF-Cache-Status; a URL whose cached response is from before the
    /// purge fails
    #[arg(long, conflicts_with = "sandbox", requires = "urls")]
    pub(crate) verify: bool,
    /// Fetch the URLs from this address, such as a sandbox's edge, instead of their own hosts
    #[arg(long, value_name = "URL", requires = "verify", value_parser = edge)]
    pub(crate) edge: Option<Url>,
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

fn edge(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() => Ok(url),
        _ => Err("write scheme, host and port, such as http://127.0.0.1:8788".to_owned()),
    }
}
