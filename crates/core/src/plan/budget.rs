//! How much one event may hold, in bytes, and how its teams share it.
//!
//! Shares are max-min fair: a team gets what it asks for up to an equal share, and teams that need less leave the rest
//! to others. No demand has to be known in advance: while there is room, every hit is admitted. When there is none, the
//! team with the most bytes gives back its latest hits, until all that ask for less have theirs.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::model::bounds;
use crate::model::mapping::Mapping;
use crate::model::names::TeamName;
use crate::plan::escalate::MappingCounts;
use crate::plan::hit::Hit;
use crate::plan::naming_work::naming_work;

/// The hits of one event that fit into its budget.
#[derive(Debug)]
pub(super) struct EventBudget<'p> {
    limit: usize,
    /// The bytes of all teams.
    bytes: usize,
    /// In order of their first hits. Operators write the names, so nobody can choose ones that collide.
    teams: IndexMap<&'p TeamName, TeamBudget<'p>, RandomState>,
    counts: MappingCounts<'p>,
    /// The team whose first hit is over the budget, and not charged. At most one team has such a hit.
    overdrawn: Option<&'p TeamName>,
    /// Hits that gave way to those of other teams.
    shed: Vec<Hit<'p>>,
}

/// What one team has of an event.
#[derive(Debug, Default)]
struct TeamBudget<'p> {
    /// The work of matching and naming, in bytes.
    work: usize,
    /// The bytes of its hits, without one that is over the budget.
    bytes: usize,
    hits: Vec<Hit<'p>>,
}

impl<'p> EventBudget<'p> {
    /// An event that may hold so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let counts = MappingCounts::default();
        Self { limit, bytes: 0, teams: IndexMap::default(), counts, overdrawn: None, shed: Vec::new() }
    }

    /// Charges the comparison of a mapping's globs with one key; `false` if the team has none left.
    pub(super) fn charge_matching(&mut self, mapping: &'p Mapping) -> bool {
        self.charge_work(&mapping.team, bounds::MATCHING_OVERHEAD + mapping.include.size() + mapping.exclude.size())
    }

    /// Charges the naming of what a mapping purges for a key, before it is named; `false` if the team has none left.
    pub(super) fn charge_naming(&mut self, mapping: &'p Mapping, key: &str) -> bool {
        self.charge_work(&mapping.team, naming_work(mapping, key))
    }

    fn charge_work(&mut self, team: &'p TeamName, bytes: usize) -> bool {
        let team = self.teams.entry(team).or_default();
        team.work = team.work.saturating_add(bytes);
        team.work <= bounds::WORK
    }

    /// Admits a hit, or says that it has no room.
    ///
    /// A hit is refused only if its team would have more than an equal share with it. One hit of an event, the first of
    /// its team, may be over the budget: so a hit that is larger than a share is not refused in every event.
    pub(super) fn admit(&mut self, mut hit: Hit<'p>) -> bool {
        let team = &hit.mapping.mapping.team;
        let bytes = self.counts.charge_of(&hit);
        if bytes > self.limit {
            return false;
        }
        if self.fits(team, bytes) {
            self.make_room(team, bytes);
            let refund = self.counts.add(&mut hit, true);
            let budget = self.teams.entry(team).or_default();
            budget.bytes = budget.bytes + bytes - refund;
            budget.hits.push(hit);
            self.bytes = self.bytes + bytes - refund;
            return true;
        }
        let budget = self.teams.entry(team).or_default();
        if self.overdrawn.is_some() || !budget.hits.is_empty() {
            return false;
        }
        self.overdrawn = Some(team);
        self.counts.add(&mut hit, false);
        budget.hits.push(hit);
        true
    }

    /// The hits that gave way since this was last asked.
    pub(super) fn take_shed(&mut self) -> Vec<Hit<'p>> {
        std::mem::take(&mut self.shed)
    }

    /// The admitted hits, by team, each team's in the order of changes.
    pub(super) fn hits(&self) -> impl Iterator<Item = &Hit<'p>> {
        let mut teams: Vec<_> = self.teams.iter().collect();
        teams.sort_unstable_by_key(|(name, _)| **name);
        teams.into_iter().flat_map(|(_, team)| &team.hits)
    }

    /// Takes the hits, in the order of [`Self::hits`]. The counts stay as they are.
    pub(super) fn take_hits(&mut self) -> impl Iterator<Item = Hit<'p>> + use<'p> {
        self.teams.sort_unstable_keys();
        std::mem::take(&mut self.teams).into_values().flat_map(|team| team.hits)
    }

    /// The hits of each mapping, counted.
    pub(super) fn counts(&self) -> &MappingCounts<'p> {
        &self.counts
    }

    /// Whether a team may have so many bytes more, if larger teams give back what they have beyond that.
    fn fits(&self, team: &TeamName, bytes: usize) -> bool {
        if self.bytes + bytes <= self.limit {
            return true;
        }
        let level = bytes + self.teams.get(team).map_or(0, |team| team.bytes);
        let others = self.teams.iter().filter(|(name, _)| **name != team);
        level + others.map(|(_, other)| other.bytes.min(level)).sum::<usize>() <= self.limit
    }

    /// Sheds the latest hits of the largest teams until a team may have so many bytes more.
    fn make_room(&mut self, team: &TeamName, bytes: usize) {
        while self.bytes + bytes > self.limit {
            let others = self.teams.iter_mut().filter(|(name, _)| **name != team);
            let Some((name, largest)) = others.max_by_key(|(name, other)| (other.bytes, **name)) else { return };
            let is_first = largest.hits.len() == 1;
            let Some(mut hit) = largest.hits.pop() else { return };
            let charged = if is_first && self.overdrawn.is_none() {
                let charged = self.counts.stop_charging(&mut hit);
                self.overdrawn = Some(name);
                largest.hits.push(hit);
                charged
            } else {
                let charged = self.counts.remove(&hit);
                self.shed.push(hit);
                charged
            };
            largest.bytes -= charged;
            self.bytes -= charged;
        }
    }
}

#[cfg(test)]
mod tests;
