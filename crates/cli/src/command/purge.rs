//! `purge`: by hand, in the same batches, with the same tokens and limits as everything else.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::is_tag;
use purge_router_core::limits::{PREFIX_SEPARATORS, TAG_LENGTH};
use purge_router_core::names::Hostname;
use purge_router_core::{Item, Mappings, Mode, Origin, Plan, PurgeRequest, Zone, batches};
use serde_json::json;
use tokio::time::Instant;
use url::{Position, Url};

use crate::args::{PurgeArgs, PurgeMode};
use crate::sender::Sender;
use crate::{End, Misuse, mappings, print, verify};

pub(crate) async fn run(args: &PurgeArgs) -> anyhow::Result<End> {
    let Some(mappings) = mappings::load(&args.mappings).await? else { return Ok(End::Problems) };
    let wanted = wanted(args, &mappings).map_err(Misuse)?;
    let mode = match args.mode {
        PurgeMode::Purge => Mode::Purge,
        PurgeMode::Invalidate => Mode::Invalidate,
    };
    let origin = Origin::Invocation;
    let requests = wanted.iter().map(|(zone, item)| {
        let item = Arc::new(item.clone());
        PurgeRequest { zone, mode, item, origin: &origin, changed_at: None }
    });
    let batches = batches(requests);
    let plan = Plan { batches, ..Plan::default() };
    let sender = Sender::new(&args.sending, &mappings).await?;
    let purged_at = Instant::now();
    let report = sender.send(&plan).await;
    let verified = match args.verify && report.failed.is_empty() {
        true => {
            verify::all(
                &urls_of(&wanted),
                args.edge.as_ref(),
                mode,
                purged_at,
                purged_at + Duration::from_secs(args.sending.deadline),
            )
            .await?
        }
        false => Vec::new(),
    };
    let done = report.failed.is_empty() && verified.iter().all(|check| check.fresh);
    if args.json {
        print::json(
            &json!({ "batches": plan.batches, "outcomes": report.outcomes, "failed": report.failed, "verified": verified }),
        )?;
    } else {
        print::out(&print::report(&report));
        verified.iter().for_each(|check| print::out(&check.to_string()));
    }
    Ok(if done { End::Done } else { End::Problems })
}

/// A URL in the spelling that clients send: another one would be accepted, and purge nothing.
fn sent_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}; write https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("`{text}` is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL holds a user or a password; leave them out: they are no part of what is cached".to_owned());
    }
    if url.fragment().is_some() {
        return Err(format!("`{text}` has a `#`; write it as %23, or leave the fragment out: it is never sent"));
    }
    let sent = &url[Position::BeforePath..];
    if path_and_query(text) != sent && !(path_and_query(text).is_empty() && sent == "/") {
        return Err(format!("no client sends `{text}` in this spelling; write `{url}`"));
    }
    Ok(url)
}

/// A prefix such as `host/folder/`, as the URL of that folder.
fn sent_prefix(text: &str) -> Result<Url, String> {
    let folder = text.split_once('/').map_or("", |(_, folder)| folder);
    if folder.bytes().all(|byte| byte == b'/') {
        return Err(format!("`{text}` is a whole host; purge that with --host"));
    }
    if text.contains("://") || text.contains(['?', '#']) || text.matches('/').count() > PREFIX_SEPARATORS {
        return Err(format!(
            "`{text}` is not a prefix: write host and folder, without scheme and query, with at most {PREFIX_SEPARATORS} `/`"
        ));
    }
    sent_url(&format!("https://{text}")).map_err(|problem| problem.replace("https://", ""))
}

/// What stands after the host, as typed.
fn path_and_query(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    &rest[rest.find(['/', '?']).unwrap_or(rest.len())..]
}

fn urls_of<'w>(wanted: &'w [(&Arc<Zone>, Item)]) -> Vec<&'w str> {
    let url = |(_, item): &'w (&Arc<Zone>, Item)| if let Item::Url(url) = item { Some(url.as_str()) } else { None };
    wanted.iter().filter_map(url).collect()
}

/// Everything that was asked for, each with its zone. An error names the value and the way out.
fn wanted<'m>(args: &PurgeArgs, mappings: &'m Mappings) -> Result<Vec<(&'m Arc<Zone>, Item)>, String> {
    let named = args.zone.as_deref().map(|domain| named_zone(mappings, domain)).transpose()?;
    let mut wanted = Vec::new();
    for text in &args.urls {
        let url = sent_url(text)?;
        wanted.push((zone_of(mappings, named, url.host_str().unwrap_or_default())?, Item::Url(url.to_string())));
    }
    for text in &args.prefixes {
        let url = sent_prefix(text)?;
        let prefix = url[Position::BeforeHost..Position::AfterPath].to_owned();
        wanted.push((zone_of(mappings, named, url.host_str().unwrap_or_default())?, Item::Prefix(prefix)));
    }
    for text in &args.hosts {
        let host = text.to_ascii_lowercase();
        wanted.push((zone_of(mappings, named, &host)?, Item::Host(host)));
    }
    if let Some(zone) = named {
        for tag in &args.tags {
            if !is_tag(tag) {
                return Err(format!(
                    "`{tag}` is not a cache tag: 1 to {TAG_LENGTH} printable ASCII characters, without space and comma"
                ));
            }
            wanted.push((zone, Item::Tag(tag.clone())));
        }
        if args.everything {
            wanted.push((zone, Item::Everything));
        }
    }
    match wanted.is_empty() {
        true => Err("nothing to purge: name URLs, or use --prefix, --host, --tag or --everything".to_owned()),
        false => Ok(wanted),
    }
}

fn named_zone<'m>(mappings: &'m Mappings, domain: &str) -> Result<&'m Arc<Zone>, String> {
    let known = || mappings.zones().map(|zone| zone.domain.as_str()).collect::<Vec<_>>().join(", ");
    let zone = mappings.zones().find(|zone| zone.domain.as_str() == domain);
    zone.ok_or_else(|| format!("`{domain}` is not a zone of the mapping file; its zones are {}", known()))
}

/// The zone that serves a host: the named one, else the one that lists it, else the nearest domain that it is in.
fn zone_of<'m>(mappings: &'m Mappings, named: Option<&'m Arc<Zone>>, host: &str) -> Result<&'m Arc<Zone>, String> {
    let host = Hostname::parse(&host.to_ascii_lowercase()).map_err(|fault| fault.to_string())?;
    let serves = |zone: &Zone| zone.hostnames.contains(&host) || host.is_within(&zone.domain);
    if let Some(zone) = named {
        return match serves(zone) {
            true => Ok(zone),
            false => Err(format!("`{host}` is not in the zone `{}`", zone.domain)),
        };
    }
    let listing: Vec<_> = mappings.zones().filter(|zone| zone.hostnames.contains(&host)).collect();
    match listing[..] {
        [zone] => Ok(zone),
        [] => mappings
            .zones()
            .filter(|zone| host.is_within(&zone.domain))
            .max_by_key(|zone| zone.domain.as_str().len())
            .ok_or_else(|| format!("no zone of the mapping file serves `{host}`; add it to the zone's hostnames")),
        _ => Err(format!("several zones serve `{host}`; say which with --zone")),
    }
}
