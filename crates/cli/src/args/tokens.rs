//! Arguments of `tokens`.

use std::net::IpAddr;

use clap::{Args as ClapArgs, Subcommand};
use purge_router_core::names::{CloudflareId, Hostname, TeamName};

use crate::args::mappings::MappingsArg;
use crate::args::parse::parser;

#[derive(ClapArgs)]
pub(crate) struct ZonesArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// Only this team's zones; with --table, a team's own credentials suffice. Can be repeated
    #[arg(long = "team", value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) teams: Vec<TeamName>,
    /// Only the zone of this domain. Can be repeated
    #[arg(long = "zone", value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) zones: Vec<Hostname>,
}

/// One zone.
#[derive(ClapArgs)]
pub(crate) struct ZoneArgs {
    #[command(flatten)]
    pub(crate) mappings: MappingsArg,
    /// The zone's team. Needed if several teams have the zone; of a table, a team's own credentials suffice
    #[arg(long, value_name = "NAME", value_parser = parser(TeamName::parse))]
    pub(crate) team: Option<TeamName>,
    /// The zone's domain [default: the only zone that there is]
    #[arg(long, value_name = "DOMAIN", value_parser = parser(Hostname::parse))]
    pub(crate) zone: Option<Hostname>,
}

#[derive(Subcommand)]
pub(crate) enum TokensCommand {
    /// Check that each zone's token is stored, active and able to purge the zone
    Verify(VerifyArgs),
    /// Show each token's age, version and expiry
    Status(StatusArgs),
    /// Store a token, read from a prompt or standard input
    Put(PutArgs),
    /// Replace tokens without a gap: create, store, wait, delete the old ones
    Rotate(RotateArgs),
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  purge-router tokens verify
  purge-router tokens verify --team web --table purge-router --json | jq '.[].problems'

If CLOUDFLARE_API_TOKEN is a token that can read tokens, verify also reports what else a zone's token can do.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Warn about tokens that expire within this many days
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
    pub(crate) zone: ZoneArgs,
    /// Overwrite a stored token
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Store the token without checking that it can purge the zone
    #[arg(long)]
    pub(crate) unverified: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "\
CLOUDFLARE_API_TOKEN is your admin token, which creates and deletes tokens. If it is not set, the command prompts for \
it.

Examples:
  purge-router tokens rotate --zone website.com
  purge-router tokens rotate --team web --expires-in 90 --yes
  purge-router tokens rotate --zone website.com --roll")]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) zones: ZonesArgs,
    /// Lifetime of the new tokens [default: that of the old ones]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires_in: Option<u32>,
    /// Addresses that may use the new tokens, such as 192.0.2.0/24 [default: as for the old ones]. Can be repeated
    #[arg(long = "from", value_name = "CIDR", value_parser = range)]
    pub(crate) from: Vec<String>,
    /// Give the new tokens only the right to purge their zones, whatever the old ones can do
    #[arg(long)]
    pub(crate) least_rights: bool,
    /// How long to wait before deleting the old tokens. If it is less than the function's TOKEN_TTL_SECONDS, some purges may be
    /// sent with a deleted token, and are retried
    #[arg(long, value_name = "SECONDS", default_value = "330")]
    pub(crate) wait: u64,
    /// For a leaked token: replace its secret at once. Purges fail until the new secret is stored
    #[arg(long, conflicts_with_all = ["expires_in", "from", "wait", "least_rights"])]
    pub(crate) roll: bool,
    /// With --roll: id of the token, if Cloudflare already refuses the stored one
    #[arg(long, value_name = "ID", requires = "roll", value_parser = token_id)]
    pub(crate) token_id: Option<CloudflareId>,
    /// Continue even if another rotation created a token less than 10 minutes ago and may still be running
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

fn token_id(text: &str) -> Result<CloudflareId, String> {
    let help = "write the 32 hexadecimal digits that `tokens status` shows, or that end the address of the token's page at Cloudflare";
    CloudflareId::parse(text).map_err(|_| format!("`{text}` is not the id of a token: {help}"))
}

/// A range of addresses, such as `192.0.2.0/24`, or one address.
fn range(text: &str) -> Result<String, String> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let max_bits = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return Err("write an address, or a range such as 192.0.2.0/24 or 2001:db8::/32".to_owned()),
    };
    match bits.map_or(Ok(max_bits), str::parse::<u8>) {
        Ok(bits) if bits <= max_bits => Ok(text.to_owned()),
        _ => Err(format!("write 0 to {max_bits} bits after the `/`")),
    }
}
