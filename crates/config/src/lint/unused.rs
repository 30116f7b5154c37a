//! What is written and has no effect.

use std::collections::HashSet;

use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::suggest::quoted;
use purge_router_core::{ChangeKind, Mapping, Mappings, PathRewrite, Purge, QueryStrings, UrlRules};

use crate::lint::warning::Warning;

/// Zones that no mapping names, and hostnames of the others that no mapping purges.
pub(super) fn zones_and_hostnames(mappings: &Mappings) -> impl Iterator<Item = Warning> {
    let mut zones: HashSet<(&TeamName, &Hostname)> = HashSet::new();
    let mut hostnames: HashSet<(&TeamName, &Hostname)> = HashSet::new();
    for mapping in mappings.all() {
        for zone in &mapping.zones {
            zones.insert((&zone.team, &zone.domain));
            hostnames.extend(mapping.hostnames_of(zone).map(|hostname| (&zone.team, hostname)));
        }
    }
    mappings.zones().filter_map(move |zone| {
        if !zones.contains(&(&zone.team, &zone.domain)) {
            let help = "name it in `zones` of a mapping, or remove it";
            return Some(Warning::of_zone(zone, "unused-zone", "no mapping of the team names it".to_owned(), help));
        }
        let is_left_out = |hostname: &&Hostname| !hostnames.contains(&(&zone.team, *hostname));
        let left_out: Vec<&str> = zone.hostnames.iter().filter(is_left_out).map(Hostname::as_str).collect();
        let message = format!("nothing is purged on {}", quoted(left_out.iter().copied()));
        let help = "add it to `hostnames` of a mapping, or remove it from the zone's";
        (!left_out.is_empty()).then(|| Warning::of_zone(zone, "unpurged-hostname", message, help).in_field("hostnames"))
    })
}

/// Fields of a mapping that its purge method does not use.
pub(super) fn fields(mapping: &Mapping) -> Option<Warning> {
    let (UrlRules { strip_prefix, add_prefix, .. }, default) = (&*mapping.urls, UrlRules::default());
    let rules = &mapping.urls;
    let rewrites = *strip_prefix != default.strip_prefix || *add_prefix != default.add_prefix;
    let is_by_path = matches!(mapping.purge, Purge::Urls(_) | Purge::Prefixes);
    let names_paths = is_by_path || rules.has_dependents();
    // `tags rule` computes the key from the path by these fields.
    let has_keys_of_paths = is_by_path || matches!(mapping.purge, Purge::Tags(_));
    let rewrites_paths = names_paths || has_keys_of_paths;
    let fields = [
        ("strip_prefix", !rewrites_paths && *strip_prefix != default.strip_prefix),
        ("add_prefix", !rewrites_paths && *add_prefix != default.add_prefix),
        ("path_rewrite", !(has_keys_of_paths && rewrites) && rules.path_rewrite != PathRewrite::Origin),
        ("index_documents", !has_keys_of_paths && rules.index_documents != default.index_documents),
        ("clean_urls", !has_keys_of_paths && rules.clean_urls),
        ("spellings", !names_paths && rules.spellings != default.spellings),
        ("query_strings", has_unused_query_strings(mapping, names_paths, is_by_path)),
        ("schemes", !names_paths && rules.schemes != default.schemes),
        ("vary_headers", !names_paths && !rules.vary_headers.is_empty()),
    ];
    let unused: Vec<&str> = fields.into_iter().filter(|(_, is_unused)| *is_unused).map(|(field, _)| field).collect();
    let message = match has_keys_of_paths && unused == ["path_rewrite"] {
        true => "`path_rewrite` has no effect without `strip_prefix` or `add_prefix`".to_owned(),
        false => format!("its purge method does not use {}", quoted(unused.iter().copied())),
    };
    let field = unused.first()?;
    let help = "leave it out, or change `purge`";
    Some(Warning::of_mapping(mapping, "unused-field", message, help).in_field(field))
}

/// A `skip_unchanged` that skips nothing: only uploads can be of the content that was purged last.
pub(super) fn skip_unchanged(mapping: &Mapping) -> Option<Warning> {
    let is_unused = mapping.skip_unchanged && !mapping.events.contains(&ChangeKind::Created);
    let message = "`skip_unchanged` has no effect without `created` in `events`".to_owned();
    let help = "leave it out, or add `created` to `events`";
    is_unused.then(|| Warning::of_mapping(mapping, "unused-field", message, help).in_field("skip_unchanged"))
}

fn has_unused_query_strings(mapping: &Mapping, names_paths: bool, is_by_path: bool) -> bool {
    match &mapping.urls.query_strings {
        QueryStrings::Any => !is_by_path,
        each => !names_paths && *each != UrlRules::default().query_strings,
    }
}
