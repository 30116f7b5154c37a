//! A mapping's table → [`Mapping`], which can only name what its team owns.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;
use serde_json::Value;

use purge_router_core::ChangeKind;
use purge_router_core::TagTemplate;
use purge_router_core::bounds;
use purge_router_core::glob::{Pattern, Patterns};
use purge_router_core::names::{Hostname, Prefix, Source};
use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{Code, Invalid};
use purge_router_core::{Mapping, Mode, Purge, Scheme, Team, UrlRules, Zone};

use super::Written;
use crate::document::{Problems, Table, shown, word};
use crate::problem::Place;

/// The most zones that one mapping may name. The function reads each of them, and anybody may write a row.
pub(super) const MOST_ZONES: usize = 64;

pub(super) fn mapping(
    team: &Team,
    written: &Written<'_>,
    table: &mut Table<'_>,
    problems: &mut Problems,
) -> Option<Mapping> {
    let before = problems.count();
    let owned = |text: &str| {
        let source = Source::parse(text)?;
        match is_owned(team, &source) || !written.all_of_owns_is_valid {
            true => Ok(source),
            false => Err(not_owned(team, &source)),
        }
    };
    const LISTS: [(&str, usize); 7] = [
        ("events", bounds::FEW_VALUES),
        ("schemes", bounds::FEW_VALUES),
        ("hostnames", bounds::VALUES),
        ("index_documents", bounds::FEW_VALUES),
        ("query_strings", bounds::VALUES),
        ("tags", bounds::FEW_VALUES),
        ("vary_headers", bounds::FEW_VALUES),
    ];
    for (key, most) in LISTS {
        table.is_bounded(key, most, problems);
    }
    if problems.count() > before {
        table.give_up();
        return None;
    }
    let source = table.required("source", "write `source = \"s3://bucket/prefix/\"`", owned, problems);
    let zones = zones(team, written, table, problems);
    let include = patterns("include", table, problems);
    let exclude = patterns("exclude", table, problems);
    let events = table
        .filled_list(
            "events",
            "leave it out for created and removed",
            word(Code::UnknownEvent, ChangeKind::WORDS),
            problems,
        )
        .unwrap_or_else(|| vec![ChangeKind::Created, ChangeKind::Removed]);
    let urls = url_rules(source.as_ref(), table, problems);
    let served = |text: &str| {
        let name = Hostname::parse(text)?;
        let all = || zones.iter().flatten().flat_map(|zone| &zone.hostnames);
        match zones.as_ref().is_none_or(|zones| zones.iter().any(|zone| zone.hostnames.contains(&name))) {
            true => Ok(name),
            false => Err(Invalid::new(
                Code::UnknownHostname,
                format!("`{name}` is not a hostname of this mapping's zones"),
                format!("these are {}", quoted(all().map(Hostname::as_str))),
            )),
        }
    };
    let before_hostnames = problems.count();
    let hostnames: IndexSet<Hostname> =
        table.list("hostnames", served, problems).unwrap_or_default().into_iter().collect();
    let hostnames_are_fine = problems.count() == before_hostnames && !hostnames.is_empty();
    let purge = purge(source.as_ref(), &urls, table, problems);
    for zone in zones.iter().flatten().filter(|_| hostnames_are_fine) {
        if !hostnames.iter().any(|name| zone.hostnames.contains(name)) {
            let message = format!("no hostname of the zone `{}` is in the mapping's `hostnames`", zone.domain);
            let help =
                format!("write one of {}, or leave the zone out", quoted(zone.hostnames.iter().map(Hostname::as_str)));
            problems.add(table.place_of("hostnames"), Invalid::new(Code::ZoneWithoutHostname, message, help));
        }
    }
    if let (Some(Purge::Tags(_) | Purge::Everything), false) = (&purge, hostnames.is_empty()) {
        let message = "tags and everything are purged of the whole zone, whatever its `hostnames` are";
        let help = "leave `hostnames` out, or write another `purge`";
        problems.add(table.place_of("hostnames"), Invalid::new(Code::UnusedHostnames, message, help));
    }
    let mode = table.optional("mode", word(Code::UnknownMode, Mode::WORDS), problems).unwrap_or(Mode::Purge);
    if problems.count() > before {
        return None;
    }
    let source = source.filter(|source| is_owned(team, source))?;
    let mapping = Mapping {
        name: table.place.to_string(),
        team: team.name.clone(),
        source,
        zones: zones?,
        include,
        exclude,
        events,
        urls,
        hostnames,
        purge: purge?,
        mode,
    };
    if let Some(message) = purge_router_core::oversize(&mapping) {
        let help = "write fewer or shorter ones, or purge by prefix or tag";
        problems.add(table.place.clone(), Invalid::new(Code::TooManyUrls, message, help));
        return None;
    }
    Some(mapping)
}

pub(super) fn is_owned(team: &Team, source: &Source) -> bool {
    team.owns.iter().any(|owned| owned.covers(source))
}

pub(super) fn not_owned(team: &Team, source: &Source) -> Invalid {
    let owned: Vec<String> = team.owns.iter().map(Source::to_string).collect();
    let help = match owned.is_empty() {
        true => format!("the operator writes what the team may map in `teams.{}.owns`", team.name),
        false => format!(
            "map something below {}, or let the operator add to `teams.{}.owns`",
            quoted(owned.iter().map(String::as_str)),
            team.name
        ),
    };
    Invalid::new(Code::SourceNotOwned, format!("team {} does not own `{source}`", team.name), help)
}

fn zones(team: &Team, written: &Written<'_>, table: &mut Table<'_>, problems: &mut Problems) -> Option<Vec<Arc<Zone>>> {
    let written_zones = table.array("zones", &mut Problems::default()).map_or(0, <[Value]>::len);
    if written_zones > MOST_ZONES {
        let message = format!("{written_zones} zones are more than {MOST_ZONES}");
        let fault = Invalid::new(Code::TooManyZones, message, "write several mappings, each with some of the zones");
        problems.add(table.place_of("zones"), fault);
        return None;
    }
    let help = "name at least one zone of the team: `zones = [\"website.com\"]`";
    let known = |text: &str| match team.zones.get(text) {
        Some(zone) => Ok(Some(Arc::clone(zone))),
        None if written.zones.contains(&text) => Ok(None),
        None => {
            let names = || written.zones.iter().copied();
            let help = match (nearest(text, names()), written.zones.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, true) => format!("the team has no zone; write `[teams.{}.zones.\"{text}\"]`", team.name),
                (None, false) => format!("the team's zones are {}", quoted(names())),
            };
            Err(Invalid::new(Code::UnknownZone, format!("`{text}` is not a zone of team {}", team.name), help))
        }
    };
    table.required_list("zones", help, known, problems)?.into_iter().collect()
}

fn patterns(key: &'static str, table: &mut Table<'_>, problems: &mut Problems) -> Patterns {
    let place = table.place_of(key);
    let read = table.list(key, Pattern::parse, problems).unwrap_or_default();
    Patterns::new(read).unwrap_or_else(|fault| {
        problems.add(place, fault);
        Patterns::default()
    })
}

fn url_rules(source: Option<&Source>, table: &mut Table<'_>, problems: &mut Problems) -> UrlRules {
    let leading = |text: &str| {
        let strip = Prefix::parse(text)?;
        match source {
            Some(source) if !strip.covers(&source.prefix) => Err(Invalid::new(
                Code::StripPrefixOutsideSource,
                format!("`{strip}` is not a leading part of the source's prefix `{}`", source.prefix),
                "not every key begins with it, so it can't be taken off; narrow the source, or strip less",
            )),
            _ => Ok(strip),
        }
    };
    let strip_prefix = table.optional("strip_prefix", leading, problems).unwrap_or_else(Prefix::empty);
    let add_prefix = table.optional("add_prefix", added_prefix, problems).unwrap_or_else(Prefix::empty);
    let index_documents =
        table.list("index_documents", file_name, problems).unwrap_or_else(|| vec!["index.html".to_owned()]);
    let clean_urls = table.flag("clean_urls", problems).unwrap_or_default();
    let query_strings = table
        .filled_list("query_strings", "write `[\"\"]` for no query string, or leave it out", query_string, problems)
        .unwrap_or_else(|| vec![String::new()]);
    let schemes = table
        .filled_list("schemes", "leave it out for https", word(Code::UnknownScheme, Scheme::WORDS), problems)
        .unwrap_or_else(|| vec![Scheme::Https]);
    let vary_headers = vary_headers(table, problems);
    UrlRules { strip_prefix, add_prefix, index_documents, clean_urls, query_strings, schemes, vary_headers }
}

fn added_prefix(text: &str) -> Result<Prefix, Invalid> {
    let bad = |what: &str, help: String| Err(Invalid::new(Code::BadAddPrefix, format!("`{text}` {what}"), help));
    if text.len() > bounds::TEXT {
        let message = format!("`add_prefix` has {} bytes, more than {}", text.len(), bounds::TEXT);
        return Err(Invalid::new(Code::TooLong, message, "write a shorter one"));
    }
    if text.starts_with('/') {
        return bad(
            "begins with `/`",
            format!("write `{}`: the URL's own `/` stands before it", text.trim_start_matches('/')),
        );
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return bad("has `.` or `..` segments, which no URL can hold", "write the path without them".to_owned());
    }
    Prefix::parse(text)
}

fn file_name(text: &str) -> Result<String, Invalid> {
    if text.is_empty() || text.contains('/') {
        let message = format!("`{text}` is not a file name");
        return Err(Invalid::new(Code::BadIndexDocument, message, "write a bare name, such as `index.html`"));
    }
    Ok(text.to_owned())
}

fn query_string(text: &str) -> Result<String, Invalid> {
    let bad = |what: &str, help: &str| Err(Invalid::new(Code::BadQueryString, format!("`{text}` {what}"), help));
    if text.starts_with('?') {
        return bad("begins with `?`", "write it without the `?`");
    }
    let sequence = |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    if !text.bytes().all(|b| b.is_ascii_graphic() && !b"#\"<>'".contains(&b)) || !text.split('%').skip(1).all(sequence)
    {
        return bad(
            "is not as a browser sends it",
            "percent-encode spaces, quotes, `#`, `<`, `>`, `%` and all that is not ASCII",
        );
    }
    Ok(text.to_owned())
}

fn vary_headers(table: &mut Table<'_>, problems: &mut Problems) -> Vec<BTreeMap<String, String>> {
    let place = table.place_of("vary_headers");
    let items = table.array("vary_headers", problems).unwrap_or_default();
    let mut sets = Vec::new();
    for (nth, item) in items.iter().enumerate() {
        let place = place.index(nth);
        match item {
            Value::Object(fields) if (1..=bounds::HEADERS).contains(&fields.len()) => {
                sets.push(header_set(fields, &place, problems));
            }
            _ => {
                let help = "write a table of up to 10 header names and values: `{ \"CF-Device-Type\" = \"mobile\" }`";
                problems.add(
                    place,
                    Invalid::new(Code::BadVaryHeaders, format!("{} is not a set of headers", shown(item)), help),
                );
            }
        }
    }
    sets
}

fn header_set(
    fields: &serde_json::Map<String, Value>,
    place: &Place,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    for (name, value) in fields {
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        let is_twice = set.keys().any(|known: &String| known.eq_ignore_ascii_case(name));
        let is_value = |text: &str| {
            name.len() + text.len() <= bounds::TEXT && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        };
        match value {
            Value::String(text) if is_name && !is_twice && is_value(text) => {
                set.insert(name.clone(), text.clone());
            }
            _ => {
                let fault = Invalid::new(
                    Code::BadVaryHeaders,
                    format!("`{name}` is not a header with a value"),
                    "write header names, and values of printable ASCII in quotes, of 1024 bytes at most",
                );
                problems.add(place.key(name), fault);
            }
        }
    }
    set
}

fn purge(source: Option<&Source>, urls: &UrlRules, table: &mut Table<'_>, problems: &mut Problems) -> Option<Purge> {
    #[derive(Clone, Copy, PartialEq)]
    enum Method {
        Urls,
        Prefixes,
        Hosts,
        Tags,
        Everything,
    }
    const METHODS: &[(&str, Method)] = &[
        ("urls", Method::Urls),
        ("prefixes", Method::Prefixes),
        ("hosts", Method::Hosts),
        ("tags", Method::Tags),
        ("everything", Method::Everything),
    ];
    let before = problems.count();
    let method = table.optional("purge", word(Code::UnknownPurge, METHODS), problems);
    let method = if table.has("purge") { method? } else { Method::Urls };
    let tags_are_written = table.has("tags");
    let before_tags = problems.count();
    let tags = table.list("tags", TagTemplate::parse, problems).unwrap_or_default();
    let tags_are_fine = problems.count() == before_tags;
    let escalate_above = table.number("escalate_above", 0..=1_000_000, problems).unwrap_or_default();
    let mut bad = |key: &str, code, message: &str, help: &str| {
        problems.add(table.place_of(key), Invalid::new(code, message, help))
    };

    if method == Method::Tags && tags.is_empty() && tags_are_fine {
        bad("purge", Code::NoTags, "`purge = \"tags\"` needs tags", "write templates: `tags = [\"{bucket}/{dir}\"]`");
    }
    if method != Method::Tags && tags_are_written && !tags.is_empty() {
        bad(
            "tags",
            Code::UnusedTags,
            "tags are only purged with `purge = \"tags\"`",
            "write that, or leave `tags` out",
        );
    }
    if escalate_above > 0 && method != Method::Urls {
        bad(
            "escalate_above",
            Code::EscalationWithoutUrls,
            "only `purge = \"urls\"` can escalate",
            "leave `escalate_above` out",
        );
    } else if escalate_above > 0
        && source.is_some_and(|source| purge_router_core::shared_folder(urls, source).bytes().all(|byte| byte == b'/'))
    {
        let help =
            "give the URLs a folder by a prefix that is not stripped or by `add_prefix`, or leave `escalate_above` out";
        bad(
            "escalate_above",
            Code::EscalationWithoutPrefix,
            "the mapping's URLs share no folder, so that a prefix purge would take the whole host",
            help,
        );
    }
    let read = match method {
        Method::Urls => Purge::Urls { escalate_above },
        Method::Prefixes => Purge::Prefixes,
        Method::Hosts => Purge::Hosts,
        Method::Tags => Purge::Tags(tags),
        Method::Everything => Purge::Everything,
    };
    (problems.count() == before).then_some(read)
}
