//! From the arguments to items, each with its zone.

use std::sync::Arc;

use purge_router_core::limits::TAG_LENGTH;
use purge_router_core::{Item, Mappings, Zone, is_tag};
use url::Position;

use crate::args::PurgeArgs;
use crate::command::purge::spelling::{parse_prefix, parse_url};
use crate::command::purge::zone::ZoneChoice;
use crate::exit::Misuse;

pub(super) struct Requested<'m> {
    pub(super) zone: &'m Arc<Zone>,
    pub(super) item: Item,
}

impl Requested<'_> {
    /// The item, if it is a URL.
    pub(super) fn url(&self) -> Option<&str> {
        match &self.item {
            Item::Url(url) => Some(url),
            _ => None,
        }
    }
}

/// All items that the arguments name, and these URLs.
///
/// # Errors
/// A value is malformed or its zone is not clear; the message has the value and how to fix it.
pub(super) fn requested_items<'m>(
    args: &'m PurgeArgs,
    urls: &[String],
    mappings: &'m Mappings,
) -> Result<Vec<Requested<'m>>, Misuse> {
    let zones = ZoneChoice::new(mappings, args.zone.as_deref(), args.team.as_ref())?;
    let mut requested = Vec::new();
    for text in urls {
        let url = parse_url(text)?;
        let zone = zones.serving(url.host_str().unwrap_or_default())?;
        requested.push(Requested { zone, item: Item::Url(url.to_string()) });
    }
    for text in &args.prefixes {
        let url = parse_prefix(text, zones.any_hostname())?;
        let zone = zones.serving(url.host_str().unwrap_or_default())?;
        requested
            .push(Requested { zone, item: Item::Prefix(url[Position::BeforeHost..Position::AfterPath].to_owned()) });
    }
    for text in &args.hosts {
        let host = text.to_ascii_lowercase();
        requested.push(Requested { zone: zones.serving(&host)?, item: Item::Host(host) });
    }
    if let Some(zone) = zones.named() {
        for tag in &args.tags {
            requested.push(Requested { zone, item: Item::Tag(parse_tag(tag)?) });
        }
        if args.everything {
            requested.push(Requested { zone, item: Item::Everything });
        }
    }
    if requested.is_empty() {
        let help = "name URLs, or use --prefix, --host, --tag or --everything";
        return Err(Misuse(format!("nothing to purge: {help}")));
    }
    Ok(requested)
}

fn parse_tag(tag: &str) -> Result<String, Misuse> {
    match is_tag(tag) {
        true => Ok(tag.to_owned()),
        false => Err(Misuse(format!(
            "`{tag}` is not a cache tag: 1 to {TAG_LENGTH} printable ASCII characters, without spaces and commas"
        ))),
    }
}
