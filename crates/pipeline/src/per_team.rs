//! What is kept for each team, so that no team's zones, tokens or hostnames evict what is known about another team's.

use std::sync::Arc;

use purge_router_core::names::TeamName;

use crate::bounded_map::BoundedMap;

/// Operators write teams. More than this many are not in use at once.
const TEAMS: usize = 4096;

/// One value for each team. Teams write any number of zones, so what is kept for each zone is in a [`BoundedMap`] of
/// the team's value.
#[derive(Debug)]
pub(crate) struct PerTeam<V>(BoundedMap<TeamName, V>);

impl<V> PerTeam<V> {
    pub(crate) fn new() -> Self {
        Self(BoundedMap::new(TEAMS))
    }

    pub(crate) fn get_or_insert_with(&self, team: &TeamName, new: impl FnOnce() -> V) -> Arc<V> {
        self.0.get_or_insert_with(team, new)
    }

    /// How many teams there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The largest of what this is for each team.
    pub(crate) fn largest(&self, of: impl Fn(&V) -> usize) -> usize {
        self.0.largest(of)
    }
}
