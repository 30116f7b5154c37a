//! How much of an event one team has taken, and whether there is room for more.

use std::sync::Arc;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::mapping::{Mapping, Zone};
use crate::purge::item::Item;

/// Why a change comes again, though there is nothing wrong with it.
pub(super) const TOO_MUCH: &str = "the team asks for more than one event may hold, so that it comes again: let its mappings be fewer, \
                        or purge by prefix or tag";

/// How much of an event one team has taken so far.
#[derive(Default)]
pub(super) struct Spent {
    matching: usize,
    pub(super) items: usize,
}

impl Spent {
    /// Whether there is room to compare a mapping with a change.
    pub(super) fn may_match(&mut self, mapping: &Mapping) -> bool {
        self.matching += bounds::BESIDE_PATTERNS + mapping.include.size() + mapping.exclude.size();
        self.matching <= bounds::MATCHING
    }

    /// Whether there is room for what a change may lead to. A first one may need more, or it would never be purged.
    pub(super) fn has_room_for(&self, mapping: &Mapping, change: &Change) -> bool {
        let most = mapping.most_of(&change.key);
        self.items + most <= bounds::ITEMS || (self.items == 0 && most <= 2 * bounds::ITEMS)
    }

    pub(super) fn take(&mut self, items: &[(&Arc<Zone>, Item)], problems: &[String]) {
        let items = items.iter().map(|(_, item)| item.size());
        self.items +=
            items.chain(problems.iter().map(String::len)).map(|size| bounds::BESIDE_AN_ITEM + size).sum::<usize>();
    }
}
