//! One URL: which objects and mappings lead to a purge of it, and why the others do not.

use std::collections::BTreeSet;
use std::fmt::Write;

use purge_router_core::names::Hostname;
use purge_router_core::{
    Change, Decline, Mapping, Mappings, Mismatch, Objects, PublicUrl, UrlAnswer, UrlSource, Via, near_hostname,
    near_miss, url_sources, url_verdict,
};
use serde_json::{Value, json};

use crate::command::explain::change::{declined_as_json, describe, push_hint};
use crate::print;

/// Whether the URL is purged; `None`: it depends on the object that is served there, or on the tags of its response.
pub(super) fn is_purged(mappings: &Mappings, url: &PublicUrl) -> Option<bool> {
    url_verdict(&url_sources(mappings, url))
}

pub(super) fn as_json(mappings: &Mappings, url: &PublicUrl) -> Value {
    let sources = url_sources(mappings, url);
    let shown: Vec<Value> = sources.iter().map(source_as_json).collect();
    let mut json = json!({ "url": url.text(), "purged": url_verdict(&sources), "sources": shown });
    if sources.is_empty() {
        json["hint"] = json!(no_source(mappings, url));
    }
    json
}

fn source_as_json(source: &UrlSource<'_>) -> Value {
    let UrlSource { mapping, zones, objects, via, answer } = source;
    let zones: Vec<Value> = zones
        .iter()
        .map(|zone| json!({ "zone": zone.domain, "zone_id": zone.zone_id, "environments": zone.environments }))
        .collect();
    let mut json = json!({
        "mapping": mapping.name,
        "team": mapping.team,
        "zones": zones,
        "events": mapping.events,
        "objects": objects_as_json(mapping, objects),
        "via": via.as_str(),
    });
    let (purged, more) = match answer {
        UrlAnswer::Purged => (json!(true), Value::Null),
        UrlAnswer::Unknown(tags) => (Value::Null, json!({ "tags": tags })),
        UrlAnswer::Differs(mismatch) => {
            (json!(false), json!({ "code": code(mismatch), "reason": reason(mapping, mismatch) }))
        }
        UrlAnswer::Declined(decline) => {
            let more = object_of(mapping, objects).map(|change| declined_as_json(mapping, &change, decline));
            (json!(false), more.unwrap_or_else(|| json!({ "code": decline.code(), "reason": decline.to_string() })))
        }
    };
    json["purged"] = purged;
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn objects_as_json(mapping: &Mapping, objects: &Objects) -> Value {
    let bucket = &mapping.source.bucket;
    match objects {
        Objects::Key(key) => json!({ "kind": "key", "bucket": bucket, "key": key }),
        Objects::In(prefix) => json!({ "kind": "in", "bucket": bucket, "prefix": prefix }),
        Objects::Below(prefix) => json!({ "kind": "below", "bucket": bucket, "prefix": prefix }),
        Objects::InOrAbove(prefix) => json!({ "kind": "in-or-above", "bucket": bucket, "prefix": prefix }),
        Objects::All => json!({ "kind": "all", "bucket": bucket, "prefix": mapping.source.prefix.as_str() }),
        Objects::Rendering(template) => json!({ "kind": "also", "bucket": bucket, "template": template }),
    }
}

pub(super) fn as_text(mappings: &Mappings, url: &PublicUrl) -> String {
    let sources = url_sources(mappings, url);
    let mut text = format!("{}\n\n", print::bold(print::escaped(&url.text())));
    let (other_prefixes, near): (Vec<_>, Vec<_>) =
        sorted(&sources).into_iter().partition(|source| is_elsewhere(source));
    if near.is_empty() {
        print::push_lines(&mut text, other_prefixes.into_iter().map(source_as_text));
    } else {
        print::push_lines(&mut text, near.into_iter().map(source_as_text));
        push_other_prefixes(&mut text, &other_prefixes);
    }
    if sources.is_empty() {
        let _ = writeln!(text, "{}", print::yellow("no mapping purges on this hostname"));
        push_hint(&mut text, &no_source(mappings, url));
    }
    text + "\n" + &verdict_as_text(&sources)
}

/// Whether the mapping is of another part of the bucket than the objects in question.
fn is_elsewhere(source: &UrlSource<'_>) -> bool {
    matches!(source.answer, UrlAnswer::Declined(Decline::OtherPrefix))
}

/// How many mappings there are besides, which have other prefixes.
fn push_other_prefixes(text: &mut String, sources: &[&UrlSource<'_>]) {
    let mut names: Vec<&str> = sources.iter().map(|source| source.mapping.name.as_str()).collect();
    names.dedup();
    let line = match names.len() {
        0 => return,
        1 => "1 mapping declines because of its prefix".to_owned(),
        count => format!("{count} mappings decline because of their prefixes"),
    };
    let _ = writeln!(text, "{}", print::dim(format!("{line} (--json has all)")));
}

/// How many of several URLs are purged.
pub(super) fn summary(mappings: &Mappings, urls: &[PublicUrl]) -> String {
    let verdicts: Vec<_> = urls.iter().map(|url| is_purged(mappings, url)).collect();
    let count = |verdict| verdicts.iter().filter(|it| **it == verdict).count();
    let (purged, not_purged, unknown) = (count(Some(true)), count(Some(false)), count(None));
    format!("{}: {purged} purged, {not_purged} not purged, {unknown} unknown", print::count(urls.len(), "URL"))
}

/// Mappings that purge the URL first, and of each mapping, the object whose own path it is.
fn sorted<'s, 'm>(sources: &'s [UrlSource<'m>]) -> Vec<&'s UrlSource<'m>> {
    let rank = |source: &UrlSource<'_>| match source.answer {
        UrlAnswer::Purged => 0,
        UrlAnswer::Unknown(_) => 1,
        UrlAnswer::Differs(_) | UrlAnswer::Declined(_) => 2,
    };
    let mut of_mappings: Vec<_> = sources.chunk_by(|one, next| std::ptr::eq(one.mapping, next.mapping)).collect();
    of_mappings.sort_by_key(|sources| sources.iter().map(rank).min());
    of_mappings.into_iter().flatten().collect()
}

fn verdict_as_text(sources: &[UrlSource<'_>]) -> String {
    let is_purged_perhaps = sources.iter().any(|source| matches!(source.answer, UrlAnswer::Purged));
    match url_verdict(sources) {
        Some(true) => print::green("a change of such an object purges this URL"),
        Some(false) => print::yellow("not purged: no change of an object purges this URL"),
        None if is_purged_perhaps => {
            print::yellow("unknown: it depends on the object from which this URL is served; explain that object")
        }
        None => print::yellow("unknown: only the cache tags of its response say whether it is purged"),
    }
}

fn source_as_text(source: &UrlSource<'_>) -> String {
    let UrlSource { mapping, objects, via, answer, .. } = source;
    let objects_text = print::escaped(&describe_objects(mapping, objects));
    let label = match answer {
        UrlAnswer::Purged => print::green("purged  "),
        UrlAnswer::Unknown(_) => print::yellow("perhaps "),
        UrlAnswer::Differs(_) => print::yellow("differs "),
        UrlAnswer::Declined(_) => print::yellow("declines"),
    };
    let change = object_of(mapping, objects);
    let mut hint = None;
    let why = match (answer, &change) {
        (UrlAnswer::Differs(mismatch), _) => reason(mapping, mismatch),
        (UrlAnswer::Unknown(tags), _) => format!("if its response carries the cache tag {}", tags.join(" or ")),
        (UrlAnswer::Declined(decline), Some(change)) => {
            hint = near_miss(mapping, change, decline);
            decline.to_string()
        }
        (UrlAnswer::Declined(decline), None) => decline.to_string(),
        (UrlAnswer::Purged, _) => words(*via).to_owned(),
    };
    let mut text = format!("{label} {objects_text}: {}\n         {}", print::escaped(&why), of_mapping(source));
    if let Some(hint) = hint {
        text.push('\n');
        push_hint(&mut text, &hint);
        text.pop();
    }
    text
}

/// `teams.web.mappings[0] s3://assets/ → website.com, when created or removed`.
fn of_mapping(source: &UrlSource<'_>) -> String {
    let zones: Vec<String> = source
        .zones
        .iter()
        .map(|zone| match zone.environments.len() {
            0 => zone.domain.to_string(),
            count => format!("{} and {} of it", zone.domain, print::count(count, "environment")),
        })
        .collect();
    let events: Vec<&str> = source.mapping.events.iter().map(|event| event.as_str()).collect();
    format!("{} → {}, when {}", describe(source.mapping), zones.join(", "), events.join(" or "))
}

fn describe_objects(mapping: &Mapping, objects: &Objects) -> String {
    let bucket = &mapping.source.bucket;
    match objects {
        Objects::Key(key) => format!("if the object is s3://{bucket}/{key}"),
        Objects::In(folder) => format!("with each object in s3://{bucket}/{folder}"),
        Objects::Below(folder) => format!("with each object below s3://{bucket}/{folder}"),
        Objects::InOrAbove(folder) => {
            // The site's root is no folder, and a folder above the source's prefix is another mapping's.
            let above = folder.trim_end_matches('/').rfind('/').and_then(|slash| folder.get(..=slash));
            let has_above = above.is_some_and(|above| above.starts_with(mapping.source.prefix.as_str()));
            let or_above = if has_above { " or in a folder above it" } else { "" };
            format!("with each object in s3://{bucket}/{folder}{or_above}")
        }
        Objects::All => format!("with each object of {}", mapping.source),
        Objects::Rendering(template) => format!("with each object for which `{template}` of `also` is this path"),
    }
}

fn words(via: Via) -> &'static str {
    match via {
        Via::Path => "this is its path",
        Via::Alias => "this is its folder or its clean URL",
        Via::Prefix => "its folder is purged by prefix",
        Via::Listing => "this lists its folder, or one above it",
        Via::Also => "`also` names this path",
        Via::Host => "the whole hostname is purged",
        Via::Everything => "the whole zone is purged",
        Via::Tag => "its cache tag is purged",
    }
}

fn code(mismatch: &Mismatch) -> &'static str {
    match mismatch {
        Mismatch::AddPrefix(_) => "add-prefix",
        Mismatch::Scheme => "scheme",
        Mismatch::Query => "query-string",
        Mismatch::Spelling(_) => "spelling",
        Mismatch::Unpurgeable(_) => "unpurgeable",
        Mismatch::Other(_) => "other",
    }
}

fn reason(mapping: &Mapping, mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::AddPrefix(prefix) => format!("its paths begin with `/{prefix}` (add_prefix), and this one does not"),
        Mismatch::Scheme => {
            let schemes: Vec<&str> = mapping.urls.schemes.iter().map(|scheme| scheme.as_str()).collect();
            format!("it purges {} URLs only (`schemes`)", schemes.join(" and "))
        }
        Mismatch::Query => {
            "it does not purge this query string (add it to `query_strings`, or write `query_strings = \"any\"`)"
                .to_owned()
        }
        Mismatch::Spelling(spellings) => {
            let paths: Vec<String> = spellings.iter().map(|path| format!("/{path}")).collect();
            format!("it purges the path in other spellings only (spellings): {}", paths.join(", "))
        }
        Mismatch::Unpurgeable(reason) => reason.clone(),
        Mismatch::Other(items) => match items.is_empty() {
            true => "it purges nothing for this object".to_owned(),
            false => format!("it purges {}", items.join(", ")),
        },
    }
}

/// The change of an object that a URL may be of.
fn object_of(mapping: &Mapping, objects: &Objects) -> Option<Change> {
    let Objects::Key(key) = objects else { return None };
    Change::of_object(&format!("s3://{}/{key}", mapping.source.bucket), *mapping.events.first()?).ok()
}

/// Why no mapping purges on the URL's hostname.
fn no_source(mappings: &Mappings, url: &PublicUrl) -> String {
    let host = &url.host;
    let known: BTreeSet<&str> = mappings.zones().flat_map(|zone| &zone.hostnames).map(Hostname::as_str).collect();
    if let Some(zone) = mappings.zones().find(|zone| zone.hostnames.contains(host)) {
        let (domain, team) = (&zone.domain, &zone.team);
        return format!("zone {domain} of team {team} has the hostname {host}, but no mapping purges there");
    }
    if let Some(near) = near_hostname(host.as_str(), known.iter().copied()) {
        return format!("did you mean {near}?");
    }
    match mappings.zones().find(|zone| host.is_within(&zone.domain)) {
        Some(zone) => format!("{host} is not among the `hostnames` of zone {} of team {}", zone.domain, zone.team),
        None => format!("no zone of these mappings has the hostname {host}"),
    }
}
