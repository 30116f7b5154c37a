//! A hash of what hits purge: the same hash, the same items. An edit of a mapping or zone that leads to others changes it.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::mapping::{Mapping, Mode, Purge};
use crate::plan::hit::{Hit, Targets};
use crate::purge::item::Item;
use crate::purge::urls::{dependent_query_strings, object_query_strings};

/// The hash for these hits of one change, in the mappings' order; `None` if one purges less than its mapping asks for.
pub(super) fn fingerprint(hits: &[Hit<'_>]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    for hit in hits {
        if !hit.problems.is_empty() {
            return None;
        }
        hash_mapping(hit.mapping.mapping, &mut hasher);
        hash_paths(hit, &mut hasher);
    }
    Some(hasher.finish())
}

/// What all hits of a mapping share.
fn hash_mapping(mapping: &Mapping, hasher: &mut impl Hasher) {
    for zone in &mapping.zones {
        (&zone.zone_id, &zone.environments).hash(hasher);
        mapping.hostnames_of(zone).for_each(|hostname| hostname.hash(hasher));
    }
    let rules = &mapping.urls;
    rules.schemes.iter().for_each(|scheme| scheme.as_str().hash(hasher));
    object_query_strings(rules).chain(dependent_query_strings(rules)).for_each(|query| query.hash(hasher));
    rules.vary_headers.hash(hasher);
    (mapping.mode == Mode::Purge).hash(hasher);
    let method = match mapping.purge {
        Purge::Urls(_) => 0,
        Purge::Prefixes => 1,
        Purge::Hosts => 2,
        Purge::Tags(_) => 3,
        Purge::Everything => 4,
    };
    hasher.write_u8(method);
}

fn hash_paths(hit: &Hit<'_>, hasher: &mut impl Hasher) {
    match &hit.targets {
        Targets::Paths(paths) => paths.iter().for_each(|path| path.spellings.hash(hasher)),
        Targets::Prefix(prefix, paths) => {
            prefix.spellings.hash(hasher);
            paths.iter().for_each(|path| path.spellings.hash(hasher));
        }
        Targets::Tags(tags) => tags.iter().for_each(|tag| Item::hash(tag, hasher)),
        Targets::WholeZones => {}
    }
    hit.dependents.iter().for_each(|it| it.path.spellings.hash(hasher));
}
