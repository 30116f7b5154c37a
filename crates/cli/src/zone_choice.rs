//! Zones and teams that the caller names: a name that is unknown, or that several zones have, is misuse. No command
//! picks one of several zones by itself.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;

use purge_router_core::names::TeamName;
use purge_router_core::suggest::nearest;
use purge_router_core::{Mappings, Zone};

use crate::exit::Misuse;

/// How many zones or teams an error names; the rest is counted.
const MAX_NAMES: usize = 10;

/// Checks that the mappings have all of these teams.
pub(crate) fn check_teams(mappings: &Mappings, teams: &[TeamName]) -> Result<(), Misuse> {
    let known: Vec<&str> = mappings.teams().map(|team| team.name.as_str()).collect();
    match teams.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(unknown_team(unknown, known.iter().copied())),
        None => Ok(()),
    }
}

/// The error for a team that is not one of the `known` ones.
pub(crate) fn unknown_team<'t>(team: &TeamName, known: impl Iterator<Item = &'t str> + Clone) -> Misuse {
    Misuse(format!("unknown team {team}; {}", did_you_mean("teams", team.as_str(), known)))
}

/// The error for a domain that none of the `known` zones has.
pub(crate) fn unknown_zone<'z>(domain: impl Display, known: impl Iterator<Item = &'z Zone>) -> Misuse {
    let known: Vec<&str> = known.map(|zone| zone.domain.as_str()).collect();
    let domain = domain.to_string();
    Misuse(format!("unknown zone {domain}; {}", did_you_mean("zones", &domain, known.into_iter())))
}

/// The error for a domain, hostname or parameter that several zones have: what they are, and the option that chooses.
pub(crate) fn ambiguous(subject: impl Display, zones: &[&Zone]) -> Misuse {
    let domains: BTreeSet<_> = zones.iter().map(|zone| &zone.domain).collect();
    let option = match domains.len() {
        1 => "--team",
        count if count == zones.len() => "--zone",
        _ => "--zone and --team",
    };
    let describe = |zone: &&Zone| match domains.len() {
        1 => format!("team {} (zone id {})", zone.team, zone.zone_id),
        _ => format!("{} of team {} (zone id {})", zone.domain, zone.team, zone.zone_id),
    };
    let mut described: Vec<String> = zones.iter().take(MAX_NAMES).map(describe).collect();
    if zones.len() > MAX_NAMES {
        described.push(format!("and {} more", zones.len() - MAX_NAMES));
    }
    Misuse(format!("{subject}: {}; choose one with {option}", described.join(", ")))
}

/// The name that may have been meant, or else the known ones.
fn did_you_mean<'n>(noun: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near}? {}", list(noun, known)),
        None => list(noun, known),
    }
}

fn list<T: Display>(noun: &str, names: impl Iterator<Item = T>) -> String {
    let mut seen = HashSet::new();
    let mut known: Vec<String> = names.map(|name| name.to_string()).filter(|name| seen.insert(name.clone())).collect();
    let hidden = known.len().saturating_sub(MAX_NAMES);
    known.truncate(MAX_NAMES);
    match (known.is_empty(), hidden) {
        (true, _) => format!("the mappings have no {noun}"),
        (false, 0) => format!("known {noun}: {}", known.join(", ")),
        (false, hidden) => format!("known {noun}: {}, and {hidden} more", known.join(", ")),
    }
}
