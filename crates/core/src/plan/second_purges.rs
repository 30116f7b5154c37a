//! Which changes are purged once more, for which teams, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::change::Change;
use crate::model::second_purge::SecondPurge;
use crate::plan::hit::Hit;

/// The second purges of these hits, by change, team and time: a team's mappings with the same `again_after` share one. A
/// change that comes back for its second purge has no other.
pub(super) fn second_purges<'h, 'p: 'h>(hits: impl Iterator<Item = &'h Hit<'p>>) -> Vec<SecondPurge> {
    let is_due = |hit: &&Hit<'p>| {
        hit.mapping.mapping.again_after > 0 && hit.change.second_purge_of.is_none() && !hit.purges_nothing()
    };
    let due = hits.filter(is_due).map(|hit| {
        let mapping = hit.mapping.mapping;
        ((hit.change_index, &mapping.team, mapping.again_after), hit.change)
    });
    let due: BTreeMap<_, &Change> = due.collect();
    // The teams of a change share one copy of it.
    let mut copies: BTreeMap<usize, Arc<Change>> = BTreeMap::new();
    let second_purge = |((index, team, after), change): ((usize, _, _), &Change)| {
        let change = copies.entry(index).or_insert_with(|| Arc::new(change.clone()));
        SecondPurge { change: Arc::clone(change), team: Clone::clone(team), after }
    };
    due.into_iter().map(second_purge).collect()
}
