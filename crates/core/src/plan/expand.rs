//! Hits → items: what is named becomes the URLs, prefixes, hosts and tags that a request holds.

use std::sync::Arc;

use crate::model::mapping::{Mapping, PathRewrite, Purge};
use crate::model::zone::Zone;
use crate::plan::dependents::DependentPath;
use crate::plan::hit::{Hit, Targets};
use crate::plan::planned_mapping::{PlannedMapping, ZoneItems};
use crate::purge::item::Item;
use crate::purge::path_prefix::PathPrefix;
use crate::purge::paths::ServedPath;
use crate::purge::urls::{dependent_items, prefix_items, url_items};

/// The items of a hit, whose mapping may have escalated.
pub(super) fn expand<'p>(hit: &Hit<'p>, is_escalated: bool) -> ZoneItems<'p> {
    let mut items = object_items(hit, is_escalated);
    items.extend(dependent_items_of(hit, is_escalated));
    items
}

/// The URLs of the paths that depend on the object, without those that its folder covers.
pub(super) fn dependent_items_of<'p>(hit: &Hit<'p>, is_escalated: bool) -> ZoneItems<'p> {
    let folder = match (&hit.mapping.escalation_folder, &hit.targets) {
        (Some(folder), _) if is_escalated => Some(folder),
        (_, Targets::Prefix(prefix, _)) => Some(prefix),
        _ => None,
    };
    let mapping = hit.mapping.mapping;
    // A Transform Rule for objects may leave other paths as they are, so that the folder does not cover them.
    let folder = folder.filter(|_| mapping.urls.path_rewrite == PathRewrite::Origin);
    let outside = hit.dependents.iter().filter(|it| folder.is_none_or(|folder| !folder.covers(&it.path)));
    let items = |it: &DependentPath<'p>| {
        it.items.get_or_init(|| in_each_zone(mapping, |zone| dependent_items(mapping, zone, &it.path))).clone()
    };
    outside.flat_map(|it| items(it)).collect()
}

/// The items of the object itself.
pub(super) fn object_items<'p>(hit: &Hit<'p>, is_escalated: bool) -> ZoneItems<'p> {
    let mapping = hit.mapping.mapping;
    let escalation_folder = hit.mapping.escalation_folder.as_ref().filter(|_| is_escalated);
    match &hit.targets {
        // Without a path there is nothing to cover.
        Targets::Paths(paths) if paths.is_empty() => Vec::new(),
        Targets::Paths(paths) => match escalation_folder {
            Some(folder) => escalated_items(hit, folder, paths),
            None => in_each_zone(mapping, |zone| url_items(mapping, zone, paths.iter())),
        },
        Targets::Prefix(prefix, outside) => match escalation_folder {
            Some(folder) => escalated_items(hit, folder, outside),
            None => in_each_zone(mapping, |zone| {
                let mut items = prefix_items(mapping, zone, prefix);
                items.extend(url_items(mapping, zone, outside.iter()));
                items
            }),
        },
        Targets::Tags(tags) => {
            mapping.zones.iter().flat_map(|zone| tags.iter().map(move |tag| (zone, Arc::clone(tag)))).collect()
        }
        Targets::WholeZones => shared_items(&hit.mapping),
    }
}

/// The mapping's folder, and URLs of the paths that it does not cover.
fn escalated_items<'p>(hit: &Hit<'p>, folder: &PathPrefix, paths: &[ServedPath]) -> ZoneItems<'p> {
    let mapping = hit.mapping.mapping;
    let outside = paths.iter().filter(|path| !folder.covers(path));
    let mut items = shared_items(&hit.mapping);
    items.extend(in_each_zone(mapping, |zone| url_items(mapping, zone, outside.clone())));
    items
}

fn shared_items<'p>(planned: &PlannedMapping<'p>) -> ZoneItems<'p> {
    let mapping = planned.mapping;
    let of_zone = |zone: &Zone| match (&planned.escalation_folder, &mapping.purge) {
        (Some(folder), _) => prefix_items(mapping, zone, folder),
        (None, Purge::Hosts) => mapping.hostnames_of(zone).map(|name| Item::Host(name.to_string())).collect(),
        (None, _) => vec![Item::Everything],
    };
    planned.shared.items.get_or_init(|| in_each_zone(mapping, of_zone)).clone()
}

fn in_each_zone(mapping: &Mapping, items: impl Fn(&Zone) -> Vec<Item>) -> ZoneItems<'_> {
    let zones = mapping.zones.iter();
    zones.flat_map(|zone| items(zone).into_iter().map(move |item| (zone, Arc::new(item)))).collect()
}
