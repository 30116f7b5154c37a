//! A mapping, which can only name what its team owns.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexSet;

use purge_router_core::glob::{KnownPatterns, Pattern, Patterns};
use purge_router_core::names::{Hostname, Source};
use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{ChangeKind, Code, Invalid, Mapping, Mode, Purge, Team, UrlRules, Zone, oversize};

use crate::decoded::FieldChecker;
use crate::spec::MappingSpec;
use crate::validate::purge::purge;
use crate::validate::sample_rate::{check_sample_rate, sample_rate};
use crate::validate::shared_parts::SharedParts;
use crate::validate::url_rules::{has_url_rules, url_rules};
use crate::validate::words::word;

/// The most zones that one mapping may name. The function reads each of them, and any team may write a row.
pub(crate) const MAX_ZONES: usize = 64;

/// The team whose mappings are validated.
pub(crate) struct MappingOwner<'t> {
    /// With its valid zones only.
    pub(crate) team: &'t Team,
    /// All zones that it wrote, valid or not.
    pub(crate) declared_zones: &'t DeclaredZones<'t>,
    /// Whether these are all zones that it meant to write.
    pub(crate) zones_are_complete: bool,
    /// Whether all that the team may map is known.
    pub(crate) owns_is_complete: bool,
}

/// The domains of a team's zones, valid or not: a mapping that names a broken zone has no problem of its own.
#[derive(Default)]
pub(crate) struct DeclaredZones<'z>(BTreeSet<&'z str>);

impl<'z> FromIterator<&'z str> for DeclaredZones<'z> {
    fn from_iter<I: IntoIterator<Item = &'z str>>(domains: I) -> Self {
        Self(domains.into_iter().collect())
    }
}

/// The mapping, if it has no problem and all its zones are valid. `source` is its source, if that can be read.
pub(crate) fn mapping(
    owner: &MappingOwner<'_>,
    spec: &MappingSpec,
    source: Option<&Source>,
    shared: &mut SharedParts,
    checker: &mut FieldChecker,
) -> Option<Mapping> {
    let team = owner.team;
    let owned = |text: &str| {
        let source = source.map_or_else(|| Source::parse(text), |source| Ok(source.clone()))?;
        match team.owns(&source) || !owner.owns_is_complete {
            true => Ok(source),
            false => Err(not_owned(team, &source)),
        }
    };
    let source = checker.required("source", spec.source.as_deref(), "write `source = \"s3://bucket/prefix/\"`", owned);
    let zones = zones(owner, spec, checker);
    let include = patterns("include", spec.include.as_deref(), &mut shared.patterns, checker);
    let exclude = patterns("exclude", spec.exclude.as_deref(), &mut shared.patterns, checker);
    let event = word(Code::UnknownEvent, "an event", ChangeKind::WORDS);
    let help = "leave it out for created and removed";
    let events = checker.filled_list("events", spec.events.as_deref(), help, event);
    // A source with a problem of its own hides no other problem.
    let meant = source.clone().or_else(|| meant_source(spec.source.as_deref()?));
    let urls = match has_url_rules(spec) {
        true => Arc::new(url_rules(meant.as_ref(), spec, checker)),
        false => Arc::clone(&shared.default_urls),
    };
    let hostnames = hostnames(zones.as_deref(), spec, checker);
    let purge = purge(meant.as_ref(), &urls, spec, checker);
    check_hostnames_are_used(&hostnames, purge.as_ref(), &urls, checker);
    let mode = checker.optional("mode", spec.mode.as_deref(), word(Code::UnknownMode, "a mode", Mode::WORDS));
    let verify = sample_rate(spec.verify.as_ref(), checker);
    check_sample_rate(verify, purge.as_ref(), &urls, checker);
    if checker.has_problems() {
        return None;
    }
    let mapping = Mapping {
        name: checker.place.text(),
        team: team.name.clone(),
        source: source.filter(|source| team.owns(source))?,
        zones: zones?,
        include,
        exclude,
        events: events.unwrap_or_else(|| vec![ChangeKind::Created, ChangeKind::Removed]),
        urls,
        hostnames,
        purge: purge?,
        mode: mode.unwrap_or(Mode::Purge),
        again_after: spec.again_after.and_then(|seconds| u16::try_from(seconds).ok()).unwrap_or_default(),
        verify,
        skip_unchanged: spec.skip_unchanged.unwrap_or_default(),
    };
    if let Some(message) = oversize(&mapping) {
        let help = "write fewer or shorter ones, or purge by prefix or tag";
        checker.note_whole(Invalid::new(Code::TooManyUrls, message, help));
        return None;
    }
    Some(mapping)
}

fn check_hostnames_are_used(
    hostnames: &IndexSet<Hostname>,
    purge: Option<&Purge>,
    urls: &UrlRules,
    checker: &mut FieldChecker,
) {
    let is_whole_zone = matches!(purge, Some(Purge::Tags(_) | Purge::Everything)) && !urls.has_dependents();
    if is_whole_zone && !hostnames.is_empty() {
        let message = "purges by tag and of everything affect the whole zone, so `hostnames` has no effect";
        let help = "remove `hostnames`, or change `purge`";
        checker.note("hostnames", Invalid::new(Code::UnusedHostnames, message, help));
    }
}

/// What a source that is not owned or not well-formed probably names.
fn meant_source(text: &str) -> Option<Source> {
    let place = text.strip_prefix("s3://").unwrap_or(text);
    let slash = if place.ends_with('/') { "" } else { "/" };
    Source::parse(&format!("s3://{place}{slash}")).ok()
}

pub(crate) fn not_owned(team: &Team, source: &Source) -> Invalid {
    let name = &team.name;
    let owned: Vec<String> = team.owns.iter().map(Source::to_string).collect();
    let help = match owned.is_empty() {
        true => format!("the operator writes what the team may map in `teams.{name}.owns`"),
        false => {
            let owned = quoted(owned.iter().map(String::as_str));
            format!("map something below {owned}, or ask the operator to add to `teams.{name}.owns`")
        }
    };
    Invalid::new(Code::SourceNotOwned, format!("team {name} does not own `{source}`"), help)
}

/// The zones; `None` if one of them has a problem of its own.
fn zones(owner: &MappingOwner<'_>, spec: &MappingSpec, checker: &mut FieldChecker) -> Option<Vec<Arc<Zone>>> {
    let names = spec.zones.as_deref();
    if let Some(count) = names.map(<[String]>::len).filter(|count| *count > MAX_ZONES) {
        let message = format!("{count} zones are more than {MAX_ZONES}");
        let help = "write several mappings, each with some of the zones";
        checker.note("zones", Invalid::new(Code::TooManyZones, message, help));
        return None;
    }
    let known = |text: &str| match owner.team.zones.get(text) {
        Some(zone) => Ok(Some(Arc::clone(zone))),
        None if owner.declared_zones.0.contains(text) || !owner.zones_are_complete => Ok(None),
        None => Err(unknown_zone(owner, text)),
    };
    let help = "name at least one zone of the team: `zones = [\"website.com\"]`";
    checker.required_list("zones", names, help, known)?.into_iter().collect()
}

fn unknown_zone(owner: &MappingOwner<'_>, text: &str) -> Invalid {
    let names = &owner.declared_zones.0;
    let help = match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            format!("the team has no zone; write `[teams.{}.zones.\"{text}\"]`", owner.team.name)
        }
        None => format!("known zones: {}", quoted(names.iter().copied())),
    };
    Invalid::new(Code::UnknownZone, format!("unknown zone `{text}`"), help)
}

/// The list, which mappings with equal lists share.
fn patterns(
    field: &'static str,
    globs: Option<&[String]>,
    known: &mut KnownPatterns,
    checker: &mut FieldChecker,
) -> Patterns {
    let globs = globs.unwrap_or_default();
    if globs.is_empty() {
        return Patterns::default();
    }
    if let Some(patterns) = known.get(globs) {
        return patterns;
    }
    let patterns = checker.list(field, Some(globs), Pattern::parse).unwrap_or_default();
    match Patterns::new(patterns) {
        Ok(patterns) => {
            if !checker.is_wrong(field) {
                known.insert(globs, &patterns);
            }
            patterns
        }
        Err(invalid) => {
            checker.note(field, invalid);
            Patterns::default()
        }
    }
}

/// The valid hostnames of the mapping's own list, which must hold one of each zone.
fn hostnames(zones: Option<&[Arc<Zone>]>, spec: &MappingSpec, checker: &mut FieldChecker) -> IndexSet<Hostname> {
    let of_zones = |text: &str| {
        let name = Hostname::parse(text)?;
        match zones {
            Some(zones) if !zones.iter().any(|zone| zone.hostnames.contains(&name)) => {
                let all = zones.iter().flat_map(|zone| &zone.hostnames);
                let message = format!("`{name}` is not a hostname of this mapping's zones");
                let help = format!("these are {}", quoted(all.map(Hostname::as_str)));
                Err(Invalid::new(Code::UnknownHostname, message, help))
            }
            _ => Ok(name),
        }
    };
    let names = checker.list("hostnames", spec.hostnames.as_deref(), of_zones).unwrap_or_default();
    let names: IndexSet<Hostname> = names.into_iter().collect();
    if names.is_empty() || checker.is_wrong("hostnames") {
        return names;
    }
    for zone in zones.into_iter().flatten() {
        if !names.iter().any(|name| zone.hostnames.contains(name)) {
            let message = format!("no hostname of the zone `{}` is in the mapping's `hostnames`", zone.domain);
            let of_zone = quoted(zone.hostnames.iter().map(Hostname::as_str));
            let help = format!("write one of {of_zone}, or leave the zone out");
            checker.note("hostnames", Invalid::new(Code::ZoneWithoutHostname, message, help));
        }
    }
    names
}
