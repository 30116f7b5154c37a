//! Arguments of `doctor`.

use clap::Args as ClapArgs;
use url::Url;

use crate::args::deployment::DeploymentArgs;

#[derive(ClapArgs)]
#[command(after_help = "\
Each line is good, bad, or unknown, if you may not see it. With a team's own rights and --team, it shows what the team may \
see. To try a zone's token, it purges a URL that does not exist.

If CLOUDFLARE_API_TOKEN is a token with the permission Allow Request Tracer · Read, --url asks Cloudflare's \
Trace whether the cache key of this URL is the one that a purge by URL names.

Examples:
  purge-router doctor --function purge-router-Function-1A2B3C
  purge-router doctor --team web --table purge-router-Table-1A2B3C
  purge-router doctor --function purge-router-Function-1A2B3C --json | jq '.[] | select(.state == \"bad\")'")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) deployment: DeploymentArgs,
    /// Ask Cloudflare's Trace about the cache key of this URL. Can be repeated
    #[arg(long = "url", value_name = "URL", value_parser = Url::parse)]
    pub(crate) urls: Vec<Url>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
