//! A mapping file → [`Mappings`]. All problems at once; what is left out of a file with problems is never used.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::change::ChangeKind;
use crate::document::{Document, Problems, Table, nearest, quoted, word};
use crate::glob::{Pattern, Patterns};
use crate::limits::CloudflarePlan;
use crate::mapping::{Mapping, Mappings, Mode, Purge, Scheme, Team, UrlRules, Zone};
use crate::names::{CloudflareId, Fault, Hostname, Prefix, Source, TeamName, TokenFolder};
use crate::problem::{Place, Problem};
use crate::tag::TagTemplate;

/// The version of the mapping file that this release reads.
const VERSION: u64 = 1;

impl Mappings {
    /// Reads a mapping file (TOML, version 1).
    ///
    /// # Errors
    /// All problems of the file, in the order of their places in it.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(text)?;
        let mut problems = Problems::default();
        let mappings = read(&document.root, &mut problems);
        let mut problems = problems.into_vec();
        if problems.is_empty() {
            return Ok(mappings);
        }
        for problem in &mut problems {
            problem.span = Some(document.span(&problem.place));
        }
        problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
        Err(problems)
    }
}

fn read(root: &Value, problems: &mut Problems) -> Mappings {
    let Some(mut root) = Table::at(root, Place::root(), problems) else { return Mappings::default() };
    version(&mut root, problems);
    let mut teams = BTreeMap::new();
    let mut mappings = Vec::new();
    let mut places = BTreeMap::new();
    for (name, mut table) in root.tables("teams", problems) {
        let place = table.place.clone();
        let Ok(name) = TeamName::parse(name).map_err(|fault| problems.add(place.clone(), fault)) else { continue };
        let (team, written) = team(name.clone(), &mut table, problems);
        let team = Arc::new(team);
        for (nth, item) in table.array("mappings", problems).unwrap_or_default().iter().enumerate() {
            let at = place.key("mappings").index(nth);
            let Some(mut table) = Table::at(item, at, problems) else { continue };
            mappings.extend(mapping(&team, &written, &mut table, problems));
            table.finish(problems);
        }
        table.finish(problems);
        places.insert(name.clone(), place);
        teams.insert(name, team);
    }
    if !root.has("teams") {
        let fault = Fault::new(
            "no-teams",
            "there is no team",
            "write `[teams.<name>]` with `owns`; `purge-router init` writes an example",
        );
        problems.add(root.place.clone(), fault);
    }
    root.finish(problems);
    apart(&teams, &places, problems);
    mappings.sort_by(|one: &Mapping, other| one.team.cmp(&other.team));
    Mappings::new(teams, mappings)
}

fn version(root: &mut Table<'_>, problems: &mut Problems) {
    let before = problems.count();
    let help = format!("write `version = {VERSION}` in the first line");
    match root.number("version", 0..=u64::from(u32::MAX), problems) {
        Some(version) if version as u64 == VERSION => {}
        Some(version) => {
            let message = format!("version {version} is not known; this release reads version {VERSION}");
            problems.add(root.place_of("version"), Fault::new("unknown-version", message, help));
        }
        None if problems.count() > before => {}
        None => problems.add(root.place.clone(), Fault::new("missing-field", "`version` is missing", help)),
    }
}

/// What no two teams may share: a folder of tokens, and a zone.
fn apart(teams: &BTreeMap<TeamName, Arc<Team>>, places: &BTreeMap<TeamName, Place>, problems: &mut Problems) {
    let all: Vec<&Arc<Team>> = teams.values().collect();
    for (nth, team) in all.iter().enumerate() {
        for earlier in &all[..nth] {
            let place = &places[&team.name];
            if team.tokens.overlaps(&earlier.tokens) {
                let message = format!(
                    "the folder of tokens `{}` overlaps team {}'s `{}`",
                    team.tokens, earlier.name, earlier.tokens
                );
                let fault = Fault::new("shared-token-folder", message, "give each team a folder of its own");
                problems.add(place.key("tokens"), fault);
            }
            for zone in team.zones.values() {
                let same = |other: &&Arc<Zone>| other.zone_id == zone.zone_id || other.domain == zone.domain;
                if let Some(other) = earlier.zones.values().find(same) {
                    let message =
                        format!("the zone `{}` is also team {}'s, as `{}`", zone.domain, earlier.name, other.domain);
                    let fault =
                        Fault::new("zone-of-two-teams", message, "leave it to one team, and put its mappings there");
                    problems.add(place.key("zones").key(zone.domain.as_str()), fault);
                }
            }
        }
    }
}

/// What a team's table says, valid or not: a mapping that names a broken zone has no problem of its own.
struct Written<'a> {
    zones: Vec<&'a str>,
    all_of_owns_is_valid: bool,
}

fn team<'a>(name: TeamName, table: &mut Table<'a>, problems: &mut Problems) -> (Team, Written<'a>) {
    let before = problems.count();
    if !table.has("owns") {
        let help = "write what the team may map: `owns = [\"s3://bucket/prefix/\"]`";
        problems.add(table.place.clone(), Fault::new("missing-field", "`owns` is missing", help));
    }
    let owns = table.list("owns", Source::parse, problems).unwrap_or_default();
    let mut written = Written { zones: Vec::new(), all_of_owns_is_valid: problems.count() == before };
    let tokens =
        table.optional("tokens", TokenFolder::parse, problems).unwrap_or_else(|| TokenFolder::default_of(&name));
    let mut zones: BTreeMap<Hostname, Arc<Zone>> = BTreeMap::new();
    for (domain, mut zone_table) in table.tables("zones", problems) {
        written.zones.push(domain);
        let read = zone(&name, &tokens, domain, &mut zone_table, problems);
        let place = zone_table.place_of("zone_id");
        zone_table.finish(problems);
        let Some(read) = read else { continue };
        if let Some(twin) = zones.values().find(|twin| twin.zone_id == read.zone_id) {
            let message = format!("`{}` has the same zone id as `{}`", read.domain, twin.domain);
            problems.add(place, Fault::new("duplicate-zone-id", message, "copy the zone's own id from Cloudflare"));
        }
        zones.insert(read.domain.clone(), Arc::new(read));
    }
    (Team { name, owns, tokens, zones }, written)
}

fn zone(
    team: &TeamName,
    folder: &TokenFolder,
    domain: &str,
    table: &mut Table<'_>,
    problems: &mut Problems,
) -> Option<Zone> {
    let domain = Hostname::parse(domain).map_err(|fault| problems.add(table.place.clone(), fault)).ok();
    let zone_id =
        table.required("zone_id", "copy it from the zone's overview page in Cloudflare", CloudflareId::parse, problems);
    let account_id = table.optional("account_id", CloudflareId::parse, problems);
    let plan = table.optional("plan", word("unknown-plan", PLANS), problems).unwrap_or_default();
    let custom = table.list("custom_hostnames", Hostname::parse, problems).unwrap_or_default();
    let inside = |text: &str| {
        let name = Hostname::parse(text)?;
        match &domain {
            Some(domain) if !name.is_within(domain) && !custom.contains(&name) => Err(Fault::new(
                "foreign-hostname",
                format!("`{name}` is not in the zone `{domain}`"),
                format!(
                    "write a name that ends in `.{domain}`, or list it in `custom_hostnames` (Cloudflare for SaaS)"
                ),
            )),
            _ => Ok(name),
        }
    };
    let hostnames = hostnames(table, inside, problems);
    let name = |text: &str| folder.parameter(text);
    let token_is_written = table.has("token");
    let mut token = table.optional("token", name, problems);
    if !token_is_written {
        token = domain.as_ref().and_then(|domain| folder.parameter(domain.as_str()).ok());
    }
    let urls_per_request = table.number("urls_per_request", 1..=500, problems);
    Some(Zone {
        team: team.clone(),
        domain: domain?,
        zone_id: zone_id?,
        account_id,
        plan,
        hostnames: hostnames?,
        token: token?,
        urls_per_request,
    })
}

const PLANS: &[(&str, CloudflarePlan)] = &[
    ("free", CloudflarePlan::Free),
    ("pro", CloudflarePlan::Pro),
    ("business", CloudflarePlan::Business),
    ("enterprise", CloudflarePlan::Enterprise),
];

/// The zone's hostnames. None at all is a problem: a zone that silently purges nothing would serve stale files.
fn hostnames(
    table: &mut Table<'_>,
    parse: impl Fn(&str) -> Result<Hostname, Fault>,
    problems: &mut Problems,
) -> Option<Vec<Hostname>> {
    let help = "list the hostnames that serve the objects: `hostnames = [\"www.website.com\"]`";
    if !table.has("hostnames") {
        problems.add(table.place.clone(), Fault::new("missing-field", "`hostnames` is missing", help));
    }
    not_empty(table, "hostnames", help, parse, problems)
}

/// A list that must not be empty where it is written.
fn not_empty<T>(
    table: &mut Table<'_>,
    key: &'static str,
    help: &str,
    parse: impl Fn(&str) -> Result<T, Fault>,
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let before = problems.count();
    let items = table.list(key, parse, problems)?;
    if items.is_empty() && problems.count() == before {
        problems.add(table.place_of(key), Fault::new("empty-list", format!("`{key}` is empty"), help));
    }
    Some(items).filter(|items| !items.is_empty())
}

fn mapping(team: &Team, written: &Written<'_>, table: &mut Table<'_>, problems: &mut Problems) -> Option<Mapping> {
    let before = problems.count();
    let is_owned = |source: &Source| team.owns.iter().any(|owned| owned.covers(source));
    let owned = |text: &str| {
        let source = Source::parse(text)?;
        match is_owned(&source) || !written.all_of_owns_is_valid {
            true => Ok(source),
            false => Err(not_owned(team, &source)),
        }
    };
    let source = table.required("source", "write `source = \"s3://bucket/prefix/\"`", owned, problems);
    let zones = zones(team, written, table, problems);
    let include = patterns("include", table, problems);
    let exclude = patterns("exclude", table, problems);
    let events = not_empty(
        table,
        "events",
        "leave it out for created and removed",
        word("unknown-event", ChangeKind::WORDS),
        problems,
    )
    .unwrap_or_else(|| vec![ChangeKind::Created, ChangeKind::Removed]);
    let urls = url_rules(source.as_ref(), table, problems);
    let served = |text: &str| {
        let name = Hostname::parse(text)?;
        let all = || zones.iter().flatten().flat_map(|zone| &zone.hostnames);
        match zones.is_none() || all().any(|known| *known == name) {
            true => Ok(name),
            false => Err(Fault::new(
                "unknown-hostname",
                format!("`{name}` is not a hostname of this mapping's zones"),
                format!("these are {}", quoted(all().map(Hostname::as_str))),
            )),
        }
    };
    let hostnames = table.list("hostnames", served, problems).unwrap_or_default();
    let purge = purge(source.as_ref(), &urls, table, problems);
    let mode = table.optional("mode", word("unknown-mode", Mode::WORDS), problems).unwrap_or(Mode::Purge);
    if problems.count() > before {
        return None;
    }
    let source = source.filter(is_owned)?;
    Some(Mapping {
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
    })
}

fn not_owned(team: &Team, source: &Source) -> Fault {
    let owned: Vec<String> = team.owns.iter().map(Source::to_string).collect();
    let help = match owned.is_empty() {
        true => format!("the operator writes what the team may map in `teams.{}.owns`", team.name),
        false => format!(
            "map something below {}, or let the operator add to `teams.{}.owns`",
            quoted(owned.iter().map(String::as_str)),
            team.name
        ),
    };
    Fault::new("source-not-owned", format!("team {} does not own `{source}`", team.name), help)
}

fn zones(team: &Team, written: &Written<'_>, table: &mut Table<'_>, problems: &mut Problems) -> Option<Vec<Arc<Zone>>> {
    let help = "name at least one zone of the team: `zones = [\"website.com\"]`";
    if !table.has("zones") {
        problems.add(table.place.clone(), Fault::new("missing-field", "`zones` is missing", help));
    }
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
            Err(Fault::new("unknown-zone", format!("`{text}` is not a zone of team {}", team.name), help))
        }
    };
    not_empty(table, "zones", help, known, problems)?.into_iter().collect()
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
            Some(source) if !strip.covers(&source.prefix) => Err(Fault::new(
                "strip-prefix-outside-source",
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
    let query_strings = not_empty(
        table,
        "query_strings",
        "write `[\"\"]` for no query string, or leave it out",
        query_string,
        problems,
    )
    .unwrap_or_else(|| vec![String::new()]);
    let schemes =
        not_empty(table, "schemes", "leave it out for https", word("unknown-scheme", Scheme::WORDS), problems)
            .unwrap_or_else(|| vec![Scheme::Https]);
    let vary_headers = vary_headers(table, problems);
    UrlRules { strip_prefix, add_prefix, index_documents, clean_urls, query_strings, schemes, vary_headers }
}

fn added_prefix(text: &str) -> Result<Prefix, Fault> {
    let bad = |what: &str, help: String| Err(Fault::new("bad-add-prefix", format!("`{text}` {what}"), help));
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

fn file_name(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.contains('/') {
        let message = format!("`{text}` is not a file name");
        return Err(Fault::new("bad-index-document", message, "write a bare name, such as `index.html`"));
    }
    Ok(text.to_owned())
}

fn query_string(text: &str) -> Result<String, Fault> {
    let bad = |what: &str, help: &str| Err(Fault::new("bad-query-string", format!("`{text}` {what}"), help));
    if text.starts_with('?') {
        return bad("begins with `?`", "write it without the `?`");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'#' && b != b'"' && b != b'<' && b != b'>') {
        return bad(
            "is not as a browser sends it",
            "percent-encode spaces, quotes, `#`, `<`, `>` and all that is not ASCII",
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
            Value::Object(fields) if !fields.is_empty() => sets.push(header_set(fields, &place, problems)),
            _ => {
                let help = "write a table of header names and values: `{ \"CF-Device-Type\" = \"mobile\" }`";
                problems.add(place, Fault::new("bad-vary-headers", "this is not a set of headers", help));
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
        let is_value = |text: &str| text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        match value {
            Value::String(text) if is_name && is_value(text) => {
                set.insert(name.clone(), text.clone());
            }
            _ => {
                let fault = Fault::new(
                    "bad-vary-headers",
                    format!("`{name}` is not a header with a value"),
                    "write header names, and values of printable ASCII in quotes",
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
    let method = table.optional("purge", word("unknown-purge", METHODS), problems);
    let method = if table.has("purge") { method? } else { Method::Urls };
    let tags_are_written = table.has("tags");
    let before_tags = problems.count();
    let tags = table.list("tags", TagTemplate::parse, problems).unwrap_or_default();
    let tags_are_fine = problems.count() == before_tags;
    let escalate_above = table.number("escalate_above", 0..=1_000_000, problems).unwrap_or_default();
    let mut bad =
        |key: &str, code, message: &str, help: &str| problems.add(table.place_of(key), Fault::new(code, message, help));

    if method == Method::Tags && tags.is_empty() && tags_are_fine {
        bad("purge", "no-tags", "`purge = \"tags\"` needs tags", "write templates: `tags = [\"{bucket}/{dir}\"]`");
    }
    if method != Method::Tags && tags_are_written && !tags.is_empty() {
        bad("tags", "unused-tags", "tags are only purged with `purge = \"tags\"`", "write that, or leave `tags` out");
    }
    if escalate_above > 0 && method != Method::Urls {
        bad(
            "escalate_above",
            "escalation-without-urls",
            "only `purge = \"urls\"` can escalate",
            "leave `escalate_above` out",
        );
    } else if escalate_above > 0 && source.is_some_and(|source| crate::urls::folder_of_all(urls, source).is_empty()) {
        let help = "give the source a prefix that is not stripped, or write `purge = \"hosts\"`, or leave `escalate_above` out";
        bad(
            "escalate_above",
            "escalation-without-prefix",
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

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
