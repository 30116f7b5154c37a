//! What no two teams may share: a folder of tokens, and a zone.

use std::collections::HashMap;
use std::sync::Arc;

use purge_router_core::names::{TeamName, TokenFolder};
use purge_router_core::{Code, Invalid, Mappings, Team, Zone};

use crate::path::ConfigPath;
use crate::problem::Problem;
use crate::rows::row_key::RowKey;

/// What teams share in the table. Only an operator can see it: a team's push knows only its own rows.
pub fn check_cross_team(mappings: &Mappings) -> Vec<Problem> {
    let place_of_tokens = |team: &TeamName| ConfigPath::row(&RowKey::Grant(team.clone())).key("tokens");
    let place_of_zone = |zone: &Zone| ConfigPath::row(&RowKey::zone(&zone.team, &zone.domain));
    let teams: Vec<&Team> = mappings.teams().collect();
    shared(&teams, place_of_tokens, place_of_zone)
}

/// What these teams, each of another name, share.
pub(crate) fn shared(
    teams: &[&Team],
    place_of_tokens: impl Fn(&TeamName) -> ConfigPath,
    place_of_zone: impl Fn(&Zone) -> ConfigPath,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    // Sorted, a folder comes right after those that contain it.
    let mut folders: Vec<(&TokenFolder, &TeamName)> = teams.iter().map(|team| (&team.tokens, &team.name)).collect();
    folders.sort();
    let mut outer: Option<(&TokenFolder, &TeamName)> = None;
    for (folder, name) in folders {
        let Some((held_by, earlier)) = outer.filter(|(outer, _)| folder.overlaps(outer)) else {
            outer = Some((folder, name));
            continue;
        };
        let message = format!("the token folder `{folder}` overlaps team {earlier}'s `{held_by}`");
        let invalid = Invalid::new(Code::SharedTokenFolder, message, "give each team a folder of its own");
        problems.push(Problem::new(place_of_tokens(name), invalid));
    }
    let mut owners: HashMap<&str, &Arc<Zone>> = HashMap::new();
    for zone in teams.iter().flat_map(|team| team.zones.values()) {
        let keys = [zone.zone_id.as_str(), zone.domain.as_str()];
        let mut owners_of_keys = keys.iter().filter_map(|key| owners.get(key));
        if let Some(other) = owners_of_keys.find(|other| other.team != zone.team) {
            let message = format!("the zone `{}` is also team {}'s, as `{}`", zone.domain, other.team, other.domain);
            let help = "leave it to one team, and put its mappings there";
            problems.push(Problem::new(place_of_zone(zone), Invalid::new(Code::ZoneOfTwoTeams, message, help)));
        }
        for key in keys {
            owners.entry(key).or_insert(zone);
        }
    }
    problems
}

/// Of the zones of one team, those that have the id of an earlier one, each with that one.
pub(crate) fn duplicate_zone_ids<'z>(zones: impl IntoIterator<Item = &'z Arc<Zone>>) -> Vec<(&'z Zone, &'z Zone)> {
    let mut first_by_id: HashMap<&str, &Zone> = HashMap::new();
    let mut duplicates = Vec::new();
    for zone in zones {
        match first_by_id.get(zone.zone_id.as_str()) {
            Some(first) => duplicates.push((&**zone, *first)),
            None => drop(first_by_id.insert(zone.zone_id.as_str(), zone)),
        }
    }
    duplicates
}

/// The problem of a zone that has the id of another one of its team.
pub(crate) fn duplicate_zone_id(zone: &Zone, first: &Zone) -> Invalid {
    let message = format!("`{}` has the same zone id as `{}`", zone.domain, first.domain);
    Invalid::new(Code::DuplicateZoneId, message, "copy the zone's own id from Cloudflare")
}
