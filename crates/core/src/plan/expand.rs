//! Hits → items: what is named becomes the URLs, prefixes, hosts and tags that a request holds.

use std::sync::Arc;

use crate::model::mapping::{Mapping, Purge};
use crate::model::zone::Zone;
use crate::plan::hit::{Hit, Targets};
use crate::plan::planned_mapping::{PlannedMapping, ZoneItems};
use crate::purge::item::Item;
use crate::purge::urls::{prefix_items, url_items};

/// The items of a hit, whose mapping may have escalated.
pub(super) fn expand<'p>(hit: &Hit<'p>, is_escalated: bool) -> ZoneItems<'p> {
    let mapping = hit.mapping.mapping;
    match &hit.targets {
        // Without a path there is nothing to cover.
        Targets::Paths(paths) if paths.is_empty() => Vec::new(),
        Targets::Paths(paths) => match &hit.mapping.escalation_folder {
            Some(folder) if is_escalated => {
                let outside = paths.iter().filter(|path| !folder.covers(path));
                let mut items = shared_items(&hit.mapping);
                items.extend(in_each_zone(mapping, |zone| url_items(mapping, zone, outside.clone())));
                items
            }
            _ => in_each_zone(mapping, |zone| url_items(mapping, zone, paths.iter())),
        },
        Targets::Folder(folder, outside) => in_each_zone(mapping, |zone| {
            let mut items = prefix_items(mapping, zone, folder);
            items.extend(url_items(mapping, zone, outside.iter()));
            items
        }),
        Targets::Tags(tags) => {
            mapping.zones.iter().flat_map(|zone| tags.iter().map(move |tag| (zone, Arc::clone(tag)))).collect()
        }
        Targets::WholeZones => shared_items(&hit.mapping),
    }
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
