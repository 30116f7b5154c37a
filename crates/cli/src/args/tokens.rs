//! What may be written after `tokens`.

use std::net::IpAddr;

use clap::{Args as ClapArgs, Subcommand};
use purge_router_core::names::{CloudflareId, Hostname, TeamName};

use super::{MappingsArg, parser};

#[derive(ClapArgs)]
pub(crate) struct ZonesArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Only the zones of this team; with --table, only its rows are read. May be given several times
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
    /// Only this zone, by its domain. May be given several times
    #[arg(long = "zone", value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) zones: Vec<Hostname>,
}

#[derive(Subcommand)]
pub(crate) enum TokensCommand {
    /// Find out whether each zone's token is there, active, and may purge the zone
    Verify(VerifyArgs),
    /// Show how old each token is, its version, and when it expires
    Status(StatusArgs),
    /// Store a token, from a prompt or standard input
    Put(PutArgs),
    /// Replace tokens without a gap: create, store, wait, delete the old ones
    Rotate(RotateArgs),
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  purge-router tokens verify
  purge-router tokens verify --team web --table purge-router --json | jq '.[].problems'

With CLOUDFLARE_API_TOKEN set to a token that may read tokens, it also tells what a zone's token may do beyond purging it.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Warn of tokens that expire within so many days
    #[arg(long, value_name = "DAYS", default_value = "14")]
    pub(crate) expiring_within: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  purge-router tokens status --team web")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  purge-router tokens put --zone website.com
  pass show cloudflare/website.com | purge-router tokens put --zone website.com")]
pub(crate) struct PutArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Overwrite the token that is there
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Store it without asking Cloudflare whether it may purge the zone
    #[arg(long)]
    pub(crate) unverified: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "CLOUDFLARE_API_TOKEN is the token that creates and deletes tokens, your own; without it, it is asked for.

Examples:
  purge-router tokens rotate --zone website.com
  purge-router tokens rotate --team web --expires-in 90 --yes
  purge-router tokens rotate --zone website.com --roll"
)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Until when the new tokens are good, in days; as long as the old ones were, unless given
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires_in: Option<u32>,
    /// From where the new tokens may be used, such as 192.0.2.0/24; as the old ones, unless given. May be given several times
    #[arg(long = "from", value_name = "CIDR", value_parser = range)]
    pub(crate) from: Vec<String>,
    /// Let the new tokens purge their zones and do nothing else, whatever the old ones may do
    #[arg(long)]
    pub(crate) least_rights: bool,
    /// How long to wait before the old tokens are deleted: longer than the function keeps them (TOKEN_TTL_SECONDS)
    #[arg(long, value_name = "SECONDS", default_value = "330")]
    pub(crate) wait: u64,
    /// For a leaked token: give it another secret at once. Purges are refused until the new one is stored
    #[arg(long, conflicts_with_all = ["expires_in", "from", "wait", "least_rights"])]
    pub(crate) roll: bool,
    /// With --roll, the token's id, if what is stored is refused already
    #[arg(long, value_name = "ID", requires = "roll", value_parser = parser(CloudflareId::parse))]
    pub(crate) token_id: Option<CloudflareId>,
    /// Go on though a token was made less than 10 minutes ago, by a rotation that may still be under way
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// A range of addresses, such as `192.0.2.0/24`, or one address.
fn range(text: &str) -> Result<String, String> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return Err("write an address, or a range such as 192.0.2.0/24 or 2001:db8::/32".to_owned()),
    };
    match bits.map_or(Ok(most), str::parse::<u8>) {
        Ok(bits) if bits <= most => Ok(text.to_owned()),
        _ => Err(format!("write 0 to {most} bits behind the `/`")),
    }
}
