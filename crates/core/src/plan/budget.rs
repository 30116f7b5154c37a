//! How much one event may hold, in bytes, and how its teams share it.
//!
//! Shares are max-min fair: a team gets what it asks for up to an equal share, and teams that need less leave the rest to
//! others.
//! No demand has to be known in advance: while there is room, every hit is admitted. When there is none, the team with
//! the most bytes gives back its latest hits, until all that ask for less have theirs.

use std::collections::BTreeMap;

use crate::model::bounds;
use crate::model::mapping::Mapping;
use crate::model::names::TeamName;
use crate::plan::escalate::MappingCounts;
use crate::plan::hit::Hit;

/// The hits of one event that fit into its budget.
#[derive(Debug)]
pub(super) struct EventBudget<'p> {
    limit: usize,
    /// The bytes of all teams.
    bytes: usize,
    teams: BTreeMap<&'p TeamName, TeamBudget<'p>>,
    counts: MappingCounts<'p>,
    /// Whether one team has a hit that is over the budget.
    has_overdraft: bool,
    /// Hits that gave way to those of other teams.
    shed: Vec<Hit<'p>>,
}

/// What one team has of an event.
#[derive(Debug, Default)]
struct TeamBudget<'p> {
    /// Matching work, in bytes of patterns.
    matching: usize,
    /// The bytes of its hits, without an overdraft.
    bytes: usize,
    hits: Vec<Hit<'p>>,
    /// Whether the first hit is over the budget.
    is_overdrawn: bool,
}

impl<'p> EventBudget<'p> {
    /// An event that may hold so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let (teams, counts) = (BTreeMap::new(), MappingCounts::default());
        Self { limit, bytes: 0, teams, counts, has_overdraft: false, shed: Vec::new() }
    }

    /// Charges the comparison of a mapping's globs with one key; `false` if the team has none left.
    pub(super) fn charge_matching(&mut self, mapping: &'p Mapping) -> bool {
        let team = self.teams.entry(&mapping.team).or_default();
        team.matching += bounds::MATCHING_OVERHEAD + mapping.include.size() + mapping.exclude.size();
        team.matching <= bounds::MATCHING
    }

    /// Admits a hit, or says that it has no room.
    ///
    /// A hit is refused only if its team would have more than an equal share with it. One hit of an event, the first of
    /// its team, may be over the budget: so a hit that is larger than a share is not refused in every event.
    pub(super) fn admit(&mut self, hit: Hit<'p>) -> bool {
        let team = &hit.mapping.team;
        let bytes = self.counts.charge_of(&hit, self.counts.hits(hit.mapping_index));
        if bytes > self.limit {
            return false;
        }
        let fits = self.fits(team, bytes);
        let is_first = self.teams.get(team).is_none_or(|team| team.hits.is_empty());
        if !fits && (self.has_overdraft || !is_first) {
            return false;
        }
        if fits {
            self.make_room(team, bytes);
        }
        let refund = self.counts.add(&hit, fits);
        let team = self.teams.entry(team).or_default();
        if fits {
            self.bytes = self.bytes + bytes - refund;
            team.bytes = team.bytes + bytes - refund;
        } else {
            (self.has_overdraft, team.is_overdrawn) = (true, true);
        }
        team.hits.push(hit);
        true
    }

    /// The hits that gave way since this was last asked.
    pub(super) fn take_shed(&mut self) -> Vec<Hit<'p>> {
        std::mem::take(&mut self.shed)
    }

    /// The admitted hits, by team, each team's in the order of changes; and which mappings escalate.
    pub(super) fn into_hits(self) -> (Vec<Hit<'p>>, MappingCounts<'p>) {
        (self.teams.into_values().flat_map(|team| team.hits).collect(), self.counts)
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
            let Some((_, largest)) = others.max_by_key(|(_, other)| other.bytes) else { return };
            let is_only_one = largest.hits.len() == 1;
            let Some(hit) = largest.hits.pop() else { return };
            let charged;
            if is_only_one && !self.has_overdraft {
                charged = self.counts.stop_charging(&hit, 0);
                largest.hits.push(hit);
                (self.has_overdraft, largest.is_overdrawn) = (true, true);
            } else {
                charged = self.counts.remove(&hit);
                self.shed.push(hit);
            }
            largest.bytes -= charged;
            self.bytes -= charged;
        }
    }
}

#[cfg(test)]
mod tests;
