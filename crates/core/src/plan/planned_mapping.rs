//! What planning needs to know of a mapping. It is the same for all changes, and computed once in an event.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::bounds;
use crate::model::mapping::{Mapping, Purge};
use crate::model::zone::Zone;
use crate::plan::cost::{ItemsPerPath, Lengths};
use crate::purge::item::Item;
use crate::purge::path_prefix::PathPrefix;
use crate::route::Route;

/// A mapping that accepts changes of the event.
#[derive(Debug)]
pub(super) struct PlannedMapping<'p> {
    /// Its index in all mappings.
    pub(super) index: usize,
    pub(super) mapping: &'p Mapping,
    /// The folder that replaces its URLs if it escalates; `None` if it can't escalate.
    pub(super) escalation_folder: Option<PathPrefix>,
    /// The URLs that a spelled path leads to.
    pub(super) urls: ItemsPerPath,
    /// The URLs that a spelled path which depends on an object leads to.
    pub(super) dependent_urls: ItemsPerPath,
    /// The prefixes that a spelled folder leads to.
    pub(super) prefixes: ItemsPerPath,
    pub(super) shared: SharedItems<'p>,
}

/// The items that all hits of a mapping share: prefixes of its escalation folder, hosts, or everything.
#[derive(Debug)]
pub(super) struct SharedItems<'p> {
    pub(super) count: usize,
    pub(super) bytes: usize,
    /// The items, once a hit needs them.
    pub(super) items: OnceCell<ZoneItems<'p>>,
}

/// Items, each with its zone. Zones come in the mapping's order.
pub(super) type ZoneItems<'p> = Vec<(&'p Arc<Zone>, Item)>;

impl<'p> PlannedMapping<'p> {
    pub(super) fn new(index: usize, mapping: &'p Mapping) -> Self {
        let can_escalate = mapping.escalation().is_possible();
        let prefix = can_escalate.then_some(mapping.source.prefix.as_str());
        let escalation_folder = prefix.and_then(|prefix| PathPrefix::of_keys(&mapping.urls, prefix));
        let hostnames = Lengths::of_hostnames(mapping);
        let (urls, prefixes) = (ItemsPerPath::urls(mapping, hostnames), ItemsPerPath::prefixes(hostnames));
        let dependent_urls = ItemsPerPath::dependent_urls(mapping, hostnames);
        let (count, bytes) = match (&escalation_folder, &mapping.purge) {
            (Some(PathPrefix { spellings, .. }), _) => (spellings.len() * prefixes.count, prefixes.bytes(spellings)),
            (None, Purge::Hosts) => (hostnames.count, hostnames.of_items()),
            (None, Purge::Everything) => (mapping.zones.len(), mapping.zones.len() * bounds::ITEM_OVERHEAD),
            (None, Purge::Urls(_) | Purge::Prefixes | Purge::Tags(_)) => (0, 0),
        };
        let shared = SharedItems { count, bytes, items: OnceCell::new() };
        Self { index, mapping, escalation_folder, urls, dependent_urls, prefixes, shared }
    }
}

/// The mappings that accept changes of the event, by their index.
#[derive(Debug, Default)]
pub(super) struct PlannedMappings<'p>(HashMap<usize, Rc<PlannedMapping<'p>>, RandomState>);

impl<'p> PlannedMappings<'p> {
    /// The mapping of a route.
    pub(super) fn of(&mut self, route: &Route<'p>) -> Rc<PlannedMapping<'p>> {
        let new = || Rc::new(PlannedMapping::new(route.index, route.mapping));
        Rc::clone(self.0.entry(route.index).or_insert_with(new))
    }
}
