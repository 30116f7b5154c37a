//! Arguments of `sandbox`.

use std::net::SocketAddr;

use clap::Args as ClapArgs;
use url::Url;

use crate::args::mappings::MappingsArg;

#[derive(ClapArgs)]
#[command(after_help = "Example:
  purge-router sandbox --origin http://127.0.0.1:9000/assets
  CLOUDFLARE_BASE_URL=http://127.0.0.1:8787/client/v4 CLOUDFLARE_API_TOKEN=sandbox \\
    purge-router purge https://www.website.co.uk/app.css --verify --edge http://127.0.0.1:8788

The sandbox listens on loopback only, because every client that reaches it can use and change it.")]
pub(crate) struct SandboxArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Address on which the API listens; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub(crate) api: SocketAddr,
    /// Address on which the edge listens; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    pub(crate) edge: SocketAddr,
    /// Origin server behind the edge, for one hostname or for all; a path in the URL is prepended to every request's
    /// path. Can be repeated
    #[arg(long = "origin", value_name = "[HOST=]URL", value_parser = origin)]
    pub(crate) origins: Vec<(Option<String>, String)>,
    /// Do not enforce Cloudflare's rate limits
    #[arg(long)]
    pub(crate) no_rate_limits: bool,
    /// Let the edge store what it was fetching during a purge, to try `again_after`
    #[arg(long)]
    pub(crate) purge_race: bool,
}

fn origin(text: &str) -> Result<(Option<String>, String), String> {
    let (host, url) = match text.split_once('=') {
        Some((host, url)) if !host.contains("://") => (Some(host.to_ascii_lowercase()), url),
        _ => (None, text),
    };
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok((host, url.to_owned())),
        Ok(_) => Err("write an http or https URL".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
