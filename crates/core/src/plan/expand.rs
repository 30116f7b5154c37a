//! Hits → items: what is named becomes the URLs, prefixes, hosts and tags that a request holds.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::mapping::{Mapping, Purge};
use crate::model::zone::Zone;
use crate::plan::hit::{Hit, Targets, escalation_folder, outside, prefix_folder};
use crate::purge::item::Item;
use crate::purge::paths::ServedPath;
use crate::purge::urls::{prefix_items, url_items};

/// Items, each with its zone. Zones come in the mapping's order.
pub(super) type ZoneItems<'p> = Vec<(&'p Arc<Zone>, Arc<Item>)>;

/// Expands hits, and keeps the items that all hits of a mapping share.
#[derive(Debug, Default)]
pub(super) struct Expander<'p> {
    /// By the mapping's index.
    shared: HashMap<usize, ZoneItems<'p>>,
}

impl<'p> Expander<'p> {
    /// The items of a hit, whose mapping may have escalated.
    pub(super) fn expand(&mut self, hit: &Hit<'p>, is_escalated: bool) -> ZoneItems<'p> {
        let mapping = hit.mapping;
        match &hit.targets {
            // Without a path there is nothing to cover.
            Targets::Paths(paths) if paths.is_empty() => Vec::new(),
            Targets::Paths(paths) => match escalation_folder(mapping).filter(|_| is_escalated) {
                Some(folder) => {
                    let mut items = self.shared(hit, |zone| prefix_items(mapping, zone, &folder));
                    items.extend(in_each_zone(mapping, |zone| url_items(mapping, zone, outside(paths, &folder))));
                    items
                }
                None => in_each_zone(mapping, |zone| path_items(mapping, zone, paths)),
            },
            Targets::Tags(tags) => {
                mapping.zones.iter().flat_map(|zone| tags.iter().map(move |tag| (zone, Arc::clone(tag)))).collect()
            }
            Targets::WholeZones => self.shared(hit, |zone| whole_zone_items(mapping, zone)),
        }
    }

    fn shared(&mut self, hit: &Hit<'p>, items: impl Fn(&Zone) -> Vec<Item>) -> ZoneItems<'p> {
        self.shared.entry(hit.mapping_index).or_insert_with(|| in_each_zone(hit.mapping, items)).clone()
    }
}

fn in_each_zone(mapping: &Mapping, items: impl Fn(&Zone) -> Vec<Item>) -> ZoneItems<'_> {
    let zones = mapping.zones.iter();
    zones.flat_map(|zone| items(zone).into_iter().map(move |item| (zone, Arc::new(item)))).collect()
}

/// URLs; or the folder as a prefix, and by URL the paths outside of it.
fn path_items(mapping: &Mapping, zone: &Zone, paths: &[ServedPath]) -> Vec<Item> {
    let folder = if matches!(mapping.purge, Purge::Prefixes) { prefix_folder(paths) } else { None };
    let Some(folder) = folder else { return url_items(mapping, zone, paths.iter()) };
    let mut items = prefix_items(mapping, zone, folder);
    items.extend(url_items(mapping, zone, outside(paths, folder)));
    items
}

fn whole_zone_items(mapping: &Mapping, zone: &Zone) -> Vec<Item> {
    match mapping.purge {
        Purge::Hosts => mapping.hostnames_of(zone).map(|name| Item::Host(name.to_string())).collect(),
        _ => vec![Item::Everything],
    }
}
