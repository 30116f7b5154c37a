//! Mappings that add nothing to another one of the same team. All mappings that accept a change fire, and what they purge
//! falls together, so such a mapping can be removed.

use std::collections::HashMap;
use std::sync::Arc;

use purge_router_core::glob::Patterns;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{Mapping, Mappings};

use crate::lint::warning::Warning;

/// Mappings by team, bucket and prefix.
type BySource<'m> = HashMap<(&'m TeamName, &'m BucketName, &'m str), Vec<&'m Arc<Mapping>>>;

/// How many mappings of one prefix each mapping is compared with.
const COMPARED: usize = 100;

/// One warning for each mapping that another one makes superfluous.
pub(super) fn warnings(mappings: &Mappings) -> Vec<Warning> {
    let mut by_source = BySource::new();
    for mapping in mappings.all() {
        let source = (&mapping.team, &mapping.source.bucket, mapping.source.prefix.as_str());
        by_source.entry(source).or_default().push(mapping);
    }
    mappings.all().iter().filter_map(|mapping| warning(&by_source, mapping)).collect()
}

fn warning(by_source: &BySource<'_>, mapping: &Arc<Mapping>) -> Option<Warning> {
    let prefix = mapping.source.prefix.as_str();
    let prefixes = prefix.match_indices('/').rev().map(|(slash, _)| &prefix[..=slash]).chain([""]);
    let mut others = prefixes.filter_map(|prefix| by_source.get(&(&mapping.team, &mapping.source.bucket, prefix)));
    let other = others.find_map(|others| others.iter().take(COMPARED).find(|other| covers(other, mapping)))?;
    let message = format!("{} purges all of it, too", other.name);
    Some(Warning::of_mapping(mapping, "covered-mapping", message, "remove one of the two").in_field("source"))
}

/// Whether one mapping purges for each change all that another one does. Of two equal ones the first covers the second.
fn covers(one: &Arc<Mapping>, other: &Arc<Mapping>) -> bool {
    if Arc::ptr_eq(one, other) || !covers_or_equals(one, other) {
        return false;
    }
    !covers_or_equals(other, one) || one.name < other.name
}

fn covers_or_equals(one: &Mapping, other: &Mapping) -> bool {
    one.source.covers(&other.source)
        && accepts_all_keys_of(one, other)
        && other.events.iter().all(|event| one.events.contains(event))
        && other.zones.iter().all(|zone| one.zones.iter().any(|it| it.domain == zone.domain))
        && (one.hostnames.is_empty() || (one.hostnames == other.hostnames && one.zones.len() == other.zones.len()))
        && (!one.skip_unchanged || other.skip_unchanged)
        && (&one.urls, &one.purge, one.mode, one.again_after, one.verify)
            == (&other.urls, &other.purge, other.mode, other.again_after, other.verify)
}

fn accepts_all_keys_of(one: &Mapping, other: &Mapping) -> bool {
    let all = one.include.is_empty() && one.exclude.is_empty();
    let has = |patterns: &Patterns, pattern: &str| patterns.iter().any(|it| it == pattern);
    let is_wider = || {
        let includes_all = one.include.is_empty()
            || (!other.include.is_empty() && other.include.iter().all(|pattern| has(&one.include, pattern)));
        includes_all && one.exclude.iter().all(|pattern| has(&other.exclude, pattern))
    };
    all || (one.source == other.source && is_wider())
}
