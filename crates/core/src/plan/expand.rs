//! Hits → items: what is named becomes the URLs, prefixes, hosts and tags that a request holds.

use std::sync::Arc;

use crate::model::mapping::{Mapping, PathRewrite, Purge};
use crate::model::zone::Zone;
use crate::plan::dependents::DependentPath;
use crate::plan::hit::{Hit, Targets};
use crate::plan::planned_mapping::{PlannedMapping, ZoneItems};
use crate::purge::item::Item;
use crate::purge::urls::{add_url_items, dependent_items, prefix_items};

/// Adds the items of a hit, whose mapping may have escalated.
pub(super) fn expand<'p>(hit: &Hit<'p>, is_escalated: bool, mut add: impl FnMut(&'p Arc<Zone>, Item)) {
    add_object_items(hit, is_escalated, &mut add);
    add_dependent_items(hit, is_escalated, &mut add);
}

/// Adds the URLs of the paths that depend on the object, without those that its folder covers.
fn add_dependent_items<'p>(hit: &Hit<'p>, is_escalated: bool, add: &mut impl FnMut(&'p Arc<Zone>, Item)) {
    let mapping = hit.mapping.mapping;
    for it in dependents_by_url(hit, is_escalated) {
        let items = it.items.get_or_init(|| in_each_zone(mapping, |zone| dependent_items(mapping, zone, &it.path)));
        items.iter().for_each(|(zone, item)| add(zone, item.clone()));
    }
}

/// The paths that depend on the object, without those that its folder covers.
pub(super) fn dependents_by_url<'h, 'p>(
    hit: &'h Hit<'p>,
    is_escalated: bool,
) -> impl Iterator<Item = &'h DependentPath<'p>> {
    let folder = match (&hit.mapping.escalation_folder, &hit.targets) {
        (Some(folder), _) if is_escalated => Some(folder),
        (_, Targets::Prefix(prefix, _)) => Some(prefix),
        _ => None,
    };
    // A Transform Rule for objects may leave other paths as they are, so that the folder does not cover them.
    let folder = folder.filter(|_| hit.mapping.mapping.urls.path_rewrite == PathRewrite::Origin);
    let is_left = move |it: &&DependentPath<'p>| folder.is_none_or(|folder| !folder.covers(&it.path));
    hit.dependents.iter().map(|it| &**it).filter(is_left)
}

/// Adds the items of the object itself.
fn add_object_items<'p>(hit: &Hit<'p>, is_escalated: bool, add: &mut impl FnMut(&'p Arc<Zone>, Item)) {
    let mapping = hit.mapping.mapping;
    let escalation_folder = hit.mapping.escalation_folder.as_ref().filter(|_| is_escalated);
    match (&hit.targets, escalation_folder) {
        // Without a path there is nothing to cover.
        (Targets::Paths(paths), Some(_)) if paths.is_empty() => {}
        (Targets::Paths(paths) | Targets::Prefix(_, paths), Some(folder)) => {
            add_shared_items(&hit.mapping, add);
            for zone in &mapping.zones {
                let outside = paths.iter().filter(|path| !folder.covers(path));
                add_url_items(mapping, zone, outside, &mut |item| add(zone, item));
            }
        }
        (Targets::Paths(paths), None) => {
            for zone in &mapping.zones {
                add_url_items(mapping, zone, paths.iter(), &mut |item| add(zone, item));
            }
        }
        (Targets::Prefix(prefix, outside), None) => {
            for zone in &mapping.zones {
                prefix_items(mapping, zone, prefix).into_iter().for_each(|item| add(zone, item));
                add_url_items(mapping, zone, outside.iter(), &mut |item| add(zone, item));
            }
        }
        (Targets::Tags(tags), _) => {
            for zone in &mapping.zones {
                tags.iter().for_each(|tag| add(zone, tag.clone()));
            }
        }
        (Targets::WholeZones, _) => add_shared_items(&hit.mapping, add),
    }
}

/// Adds the items that all hits of the mapping share.
fn add_shared_items<'p>(planned: &PlannedMapping<'p>, add: &mut impl FnMut(&'p Arc<Zone>, Item)) {
    let mapping = planned.mapping;
    let of_zone = |zone: &Zone| match (&planned.escalation_folder, &mapping.purge) {
        (Some(folder), _) => prefix_items(mapping, zone, folder),
        (None, Purge::Hosts) => mapping.hostnames_of(zone).map(|name| Item::Host(name.to_string())).collect(),
        (None, _) => vec![Item::Everything],
    };
    let items = planned.shared.items.get_or_init(|| in_each_zone(mapping, of_zone));
    items.iter().for_each(|(zone, item)| add(zone, item.clone()));
}

fn in_each_zone(mapping: &Mapping, items: impl Fn(&Zone) -> Vec<Item>) -> ZoneItems<'_> {
    let zones = mapping.zones.iter();
    zones.flat_map(|zone| items(zone).into_iter().map(move |item| (zone, item))).collect()
}
