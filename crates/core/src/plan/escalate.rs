//! Many URLs of a mapping in one event → one folder.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Demand, Escalated, wanted};
use crate::model::mapping::{Mapping, Purge, Zone};
use crate::purge::item::Item;

/// Turns the URLs of a mapping into one prefix where the event has more of them than the mapping wants.
pub(super) fn escalate(
    demands: &mut [Demand<'_>],
    counted: &HashMap<usize, HashSet<u64>>,
    first: &mut HashMap<usize, usize>,
) -> Vec<Escalated> {
    let mut escalated: BTreeMap<usize, Escalated> = BTreeMap::new();
    for at in 0..demands.len() {
        let Demand { nth, mapping, change, same_as, .. } = demands[at];
        let (urls, above) = (counted.get(&nth).map_or(0, HashSet::len), limit_of(mapping));
        if above == 0 || urls <= above {
            continue;
        }
        escalated.insert(nth, Escalated { mapping: mapping.name.clone(), urls, above });
        if same_as.is_none() && first.get(&nth) != Some(&at) {
            demands[at].items = wanted(mapping, change, true).items;
            demands[at].same_as = same(&demands[at].items, nth, demands, first);
            if demands[at].same_as.is_some() {
                demands[at].items.clear();
            }
        }
    }
    escalated.into_values().collect()
}

/// The first demand of a mapping that has escalated, if it holds the same; without one, this one will be the first.
pub(super) fn same(
    items: &[(&Arc<Zone>, Item)],
    nth: usize,
    demands: &[Demand<'_>],
    first: &mut HashMap<usize, usize>,
) -> Option<usize> {
    match first.get(&nth) {
        Some(at) => {
            let others = &demands[*at].items;
            let mut pairs = items.iter().zip(others);
            let are_same = pairs.all(|((zone, item), other)| Arc::ptr_eq(zone, other.0) && *item == other.1);
            (are_same && others.len() == items.len()).then_some(*at)
        }
        None => {
            first.insert(nth, demands.len());
            None
        }
    }
}

pub(super) fn hash_of(item: &Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn limit_of(mapping: &Mapping) -> usize {
    match mapping.purge {
        Purge::Urls { escalate_above } => escalate_above,
        _ => 0,
    }
}
