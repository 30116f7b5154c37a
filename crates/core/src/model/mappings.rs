//! All mappings of some teams. It is valid by construction: no mapping leads outside what its team owns, or to another
//! team's zone or token.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use indexmap::IndexSet;

use crate::model::change::Change;
use crate::model::mapping::Mapping;
use crate::model::names::{BucketName, TeamName};
use crate::model::zone::{Team, Zone};
use crate::route::bucket::Candidate;
use crate::route::located::LocatedChanges;
use crate::route::router::{LocatedChange, Router};

/// All valid mappings, found by bucket.
#[derive(Debug, Clone, Default)]
pub struct Mappings {
    teams: BTreeMap<TeamName, Arc<Team>>,
    mappings: Vec<Arc<Mapping>>,
    router: Router,
}

/// Why teams and mappings don't belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOwned {
    /// A team is listed under another name, or holds a zone or a token of another team.
    #[error("team {team}: `{what}` is another team's")]
    Team {
        /// The team's name.
        team: TeamName,
        /// The name, zone or token.
        what: String,
    },
    /// A mapping's team is not among the teams.
    #[error("{mapping}: unknown team {team}")]
    UnknownTeam {
        /// The mapping's [`Mapping::name`].
        mapping: String,
        /// The name of the mapping's team.
        team: TeamName,
    },
    /// A mapping's source is outside what its team owns.
    #[error("{mapping}: team {team} does not own `{place}`")]
    Source {
        /// The mapping's [`Mapping::name`].
        mapping: String,
        /// The name of the mapping's team.
        team: TeamName,
        /// Bucket and prefix.
        place: String,
    },
    /// A mapping names a zone that its team doesn't have.
    #[error("{mapping}: `{zone}` is not a zone of team {team}")]
    Zone {
        /// The mapping's [`Mapping::name`].
        mapping: String,
        /// The name of the mapping's team.
        team: TeamName,
        /// The domain that the mapping names.
        zone: String,
    },
}

impl NotOwned {
    /// The team whose grant doesn't allow it.
    pub fn team(&self) -> &TeamName {
        match self {
            Self::Team { team, .. } | Self::UnknownTeam { team, .. } => team,
            Self::Source { team, .. } | Self::Zone { team, .. } => team,
        }
    }
}

impl Mappings {
    /// Indexes by bucket the teams and mappings that belong together. What leads outside its team is left out and
    /// returned, so that one such mapping stops no other.
    pub fn new(mut teams: BTreeMap<TeamName, Arc<Team>>, mut mappings: Vec<Arc<Mapping>>) -> (Self, Vec<NotOwned>) {
        let mut refused = Vec::new();
        teams.retain(|name, team| check_team(name, team).map_err(|error| refused.push(error)).is_ok());
        mappings.retain(|mapping| {
            check_mapping(teams.get(&mapping.team), mapping).map_err(|error| refused.push(error)).is_ok()
        });
        (Self::indexed(teams, mappings), refused)
    }

    fn indexed(teams: BTreeMap<TeamName, Arc<Team>>, mappings: Vec<Arc<Mapping>>) -> Self {
        let router = Router::new(&mappings);
        Self { teams, mappings, router }
    }

    /// Joins parts that were read at different times, for example one for each bucket; the newest part comes first.
    ///
    /// What the newest part says of a team's grant and of a zone holds for the mappings of all parts: an older mapping
    /// uses the newest zone, and is dropped if the newest grant doesn't cover its source. An older mapping may need a
    /// zone that the newest grant no longer allows. Then its bucket is returned, too: it must be read again before it
    /// is planned.
    pub fn joined<'m>(newest_first: impl IntoIterator<Item = &'m Self>) -> (Self, BTreeSet<BucketName>) {
        let parts: Vec<&Self> = newest_first.into_iter().collect();
        let teams = newest_teams(&parts);
        let mut mappings = Vec::with_capacity(parts.iter().map(|part| part.mappings.len()).sum());
        let mut outdated_buckets = BTreeSet::new();
        // Parts that stay as they are keep their index.
        let mut router = Some(Router::default());
        for part in parts {
            let is_outdated = |team: &&Team| !teams.get(&team.name).is_some_and(|newest| is_up_to_date(team, newest));
            let outdated: HashSet<&TeamName> = part.teams().filter(is_outdated).map(|team| &team.name).collect();
            if outdated.is_empty() {
                router = router.and_then(|router| router.with(&part.router, mappings.len()));
                mappings.extend(part.mappings.iter().cloned());
                continue;
            }
            router = None;
            for mapping in &part.mappings {
                match teams.get(&mapping.team).filter(|_| outdated.contains(&mapping.team)) {
                    Some(newest) if !newest.owns(&mapping.source) => {}
                    Some(newest) => match updated(mapping, newest) {
                        Some(mapping) => mappings.push(mapping),
                        None => drop(outdated_buckets.insert(mapping.source.bucket.clone())),
                    },
                    None => mappings.push(Arc::clone(mapping)),
                }
            }
        }
        let router = router.unwrap_or_else(|| Router::new(&mappings));
        (Self { teams, mappings, router }, outdated_buckets)
    }

    /// The mappings that a condition accepts, with all teams.
    pub fn only(&self, accepts: impl Fn(&Mapping) -> bool) -> Self {
        let accepted = self.mappings.iter().filter(|mapping| accepts(mapping)).cloned().collect();
        Self::indexed(self.teams.clone(), accepted)
    }

    /// All mappings, by team, then in the order of the document.
    pub fn all(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    /// The mappings of one bucket, each with its index in [`Mappings::all`].
    pub fn of_bucket(&self, bucket: &BucketName) -> impl Iterator<Item = (usize, &Mapping)> {
        let indices = self.router.of_bucket(bucket);
        indices.filter_map(|index| Some((index, self.mappings.get(index)?.as_ref())))
    }

    /// Looks up the buckets of changes. For many changes, this is faster than one change after the other.
    pub fn locate<'m>(
        &'m self,
        changes: impl IntoIterator<Item = &'m Change>,
    ) -> impl Iterator<Item = LocatedChange<'m>> {
        LocatedChanges::new(&self.router, changes.into_iter())
    }

    /// The mappings of a bucket whose prefixes start a key, each with its index in [`Mappings::all`].
    pub(crate) fn candidates<'m>(&'m self, located: LocatedChange<'m>) -> impl Iterator<Item = (usize, Candidate<'m>)> {
        let LocatedChange { change, slot } = located;
        slot.into_iter().flat_map(|slot| self.router.candidates(slot, &change.key))
    }

    /// All teams, by name.
    pub fn teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.values().map(Arc::as_ref)
    }

    /// All zones, by team, then by domain.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.teams.values().flat_map(|team| team.zones.values())
    }
}

fn check_team(name: &TeamName, team: &Team) -> Result<(), NotOwned> {
    let foreign = |what: &str| Err(NotOwned::Team { team: name.clone(), what: what.to_owned() });
    if team.name != *name {
        return foreign(team.name.as_str());
    }
    for (domain, zone) in &team.zones {
        if zone.team != *name || zone.domain != *domain {
            return foreign(domain.as_str());
        }
        if !team.tokens.contains(&zone.token) {
            return foreign(zone.token.as_str());
        }
    }
    Ok(())
}

fn check_mapping(team: Option<&Arc<Team>>, mapping: &Mapping) -> Result<(), NotOwned> {
    let (name, team_name) = (|| mapping.name.clone(), || mapping.team.clone());
    let Some(team) = team else {
        return Err(NotOwned::UnknownTeam { mapping: name(), team: team_name() });
    };
    if !team.owns(&mapping.source) {
        let place = mapping.source.to_string();
        return Err(NotOwned::Source { mapping: name(), team: team_name(), place });
    }
    let is_own = |zone: &&Arc<Zone>| team.zones.get(&zone.domain).is_some_and(|own| Arc::ptr_eq(own, zone));
    match mapping.zones.iter().find(|zone| !is_own(zone)) {
        Some(zone) => Err(NotOwned::Zone {
            mapping: name(),
            team: team_name(),
            zone: format!("{} of {}", zone.domain, zone.team),
        }),
        None => Ok(()),
    }
}

/// Each team as its newest part has it, with the zones that only older parts know.
fn newest_teams(newest_first: &[&Mappings]) -> BTreeMap<TeamName, Arc<Team>> {
    let mut teams: BTreeMap<TeamName, Arc<Team>> = BTreeMap::new();
    for (name, team) in newest_first.iter().flat_map(|part| &part.teams) {
        let mut newest = match teams.entry(name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(team));
                continue;
            }
            Entry::Occupied(entry) => entry,
        };
        for (domain, zone) in &team.zones {
            // A token outside of the newest grant's folder is not the team's any more.
            if !newest.get().zones.contains_key(domain) && newest.get().tokens.contains(&zone.token) {
                Arc::make_mut(newest.get_mut()).zones.insert(domain.clone(), Arc::clone(zone));
            }
        }
    }
    teams
}

/// Whether mappings that were read with `team` hold for `newest` as they are.
fn is_up_to_date(team: &Team, newest: &Team) -> bool {
    let has_zone = |zone: &Arc<Zone>| {
        let newest = newest.zones.get(&zone.domain);
        newest.is_some_and(|newest| Arc::ptr_eq(newest, zone) || newest == zone)
    };
    team.owns == newest.owns && team.zones.values().all(has_zone)
}

/// An older mapping with the newest zones; `None` if one of them is missing. If a zone no longer has any of the
/// mapping's hostnames, all hostnames are purged: an extra purge is only a cache miss.
fn updated(mapping: &Mapping, newest: &Team) -> Option<Arc<Mapping>> {
    let zones: Vec<Arc<Zone>> =
        mapping.zones.iter().map(|zone| newest.zones.get(&zone.domain).cloned()).collect::<Option<_>>()?;
    let is_served = |zone: &Arc<Zone>| mapping.hostnames.iter().any(|name| zone.hostnames.contains(name));
    let hostnames = if zones.iter().all(is_served) { mapping.hostnames.clone() } else { IndexSet::new() };
    Some(Arc::new(Mapping { zones, hostnames, ..mapping.clone() }))
}

#[cfg(test)]
mod tests;
