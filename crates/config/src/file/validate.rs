//! The specs of a file → [`Mappings`], or all problems of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use purge_router_core::names::{TeamName, TokenFolder};
use purge_router_core::{Code, Invalid, Mapping, Mappings, NotOwned, Team, Zone};

use crate::file::decode::{DecodedFile, DecodedTeam};
use crate::file::pulled::{PULLED, Pulled};
use crate::mapping_test::MappingTest;
use crate::path::ConfigPath;
use crate::problem::Problem;
use crate::validate::cross_team::{duplicate_zone_id, duplicate_zone_ids, shared};
use crate::validate::grant::{Grant, grant};
use crate::validate::mapping::{DeclaredZones, MappingOwner, mapping};
use crate::validate::shared_parts::SharedParts;
use crate::validate::team_quota::TeamQuota;
use crate::validate::test::{not_owned, tests};
use crate::validate::zone::{ZoneGrant, zone};

/// What a valid file says.
#[derive(Debug)]
pub struct Checked {
    /// Its mappings.
    pub mappings: Mappings,
    /// The tests of these, in the order of the file.
    pub tests: Vec<MappingTest>,
}

/// What the file says, and all its problems; with any, the rest is of no use.
pub(crate) fn validate_file(file: &DecodedFile) -> (Checked, Vec<Problem>) {
    let mut checker = file.checker.clone();
    checker.optional(PULLED, file.pulled.as_deref(), Pulled::parse);
    let mut problems = checker.into_problems();
    let (mut teams, mut mappings, mut all_tests) = (BTreeMap::new(), Vec::new(), Vec::new());
    for decoded in &file.teams {
        let (team, of_team, tests) = validate_team(decoded, &mut problems);
        all_tests.extend(tests);
        if TeamName::parse(&decoded.name).is_ok() {
            mappings.extend(of_team.into_iter().map(Arc::new));
            teams.insert(team.name.clone(), Arc::new(team));
        }
    }
    let named: Vec<&Team> = teams.values().map(|team| &**team).collect();
    let place_of_team = |team: &TeamName| ConfigPath::root().key("teams").key(team.as_str());
    problems.extend(shared(
        &named,
        |team| place_of_team(team).key("tokens"),
        |zone| place_of_team(&zone.team).key("zones").key(zone.domain.as_str()),
    ));
    mappings.sort_by(|one: &Arc<Mapping>, other| one.team.cmp(&other.team));
    let (mappings, refused) = Mappings::new(teams, mappings);
    // What was wrong with a team may be why a mapping leads outside it.
    if problems.is_empty() {
        let help = "map only what the team owns, to its own zones";
        let invalid = |error: NotOwned| Invalid::new(Code::SourceNotOwned, error.to_string(), help);
        problems.extend(refused.into_iter().map(|error| Problem::new(ConfigPath::root(), invalid(error))));
    }
    (Checked { mappings, tests: all_tests }, problems)
}

fn validate_team(decoded: &DecodedTeam, problems: &mut Vec<Problem>) -> (Team, Vec<Mapping>, Vec<MappingTest>) {
    // A wrong name has a problem already, and must not hide what else is wrong with the team.
    let name = TeamName::parse(&decoded.name).unwrap_or_else(|_| TeamName::similar_to(&decoded.name));
    let mut checker = decoded.checker.clone();
    checker.optional(PULLED, decoded.pulled.as_deref(), Pulled::parse);
    problems.extend(checker.into_problems());

    let mut checker = decoded.grant.checker.clone();
    let spec = decoded.grant.spec.clone().unwrap_or_default();
    let Grant { owns, owns_is_complete, tokens, accounts, kms_key } = grant(&name, &spec, &mut checker);
    problems.extend(checker.into_problems());
    let tokens = tokens.unwrap_or_else(|| TokenFolder::default_of(&name));

    let zone_grant = ZoneGrant { team: &name, tokens: &tokens, accounts: &accounts };
    let zones = validate_zones(&zone_grant, decoded, problems);
    for (zone, first) in duplicate_zone_ids(&zones) {
        let place = decoded.checker.place.key("zones").key(zone.domain.as_str()).key("zone_id");
        problems.push(Problem::new(place, duplicate_zone_id(zone, first)));
    }
    let zones = zones.into_iter().map(|zone| (zone.domain.clone(), zone)).collect();
    let team = Team { name, owns, tokens, kms_key, zones };
    let mappings = validate_mappings(&team, owns_is_complete, decoded, problems);
    let tests =
        tests(&team, !decoded.misses_zones && team.zones.len() == decoded.zones.len(), &decoded.tests, problems);
    if owns_is_complete {
        problems.extend(not_owned(&team, &tests));
    }
    (team, mappings, tests)
}

/// The valid zones, in the order of the file.
fn validate_zones(grant: &ZoneGrant<'_>, decoded: &DecodedTeam, problems: &mut Vec<Problem>) -> Vec<Arc<Zone>> {
    let mut zones = Vec::new();
    for (domain, decoded) in &decoded.zones {
        let mut checker = decoded.checker.clone();
        let valid = decoded.spec.as_ref().and_then(|spec| zone(grant, domain, spec, &mut checker));
        problems.extend(checker.into_problems());
        zones.extend(valid.map(Arc::new));
    }
    zones
}

fn validate_mappings(
    team: &Team,
    owns_is_complete: bool,
    decoded: &DecodedTeam,
    problems: &mut Vec<Problem>,
) -> Vec<Mapping> {
    let declared_zones: DeclaredZones<'_> = decoded.zones.iter().map(|(domain, _)| domain.as_str()).collect();
    let zones_are_complete = !decoded.misses_zones;
    let owner = MappingOwner { team, declared_zones: &declared_zones, zones_are_complete, owns_is_complete };
    let (mut quota, mut shared) = (TeamQuota::default(), SharedParts::default());
    let mut mappings = Vec::new();
    for decoded in &decoded.mappings {
        let Some(spec) = &decoded.spec else { continue };
        let mut checker = decoded.checker.clone();
        let source = spec.source.as_deref().and_then(|source| shared.source(source).ok());
        match quota.charge(spec, source.as_ref()) {
            Ok(()) => mappings.extend(mapping(&owner, spec, source.as_ref(), &mut shared, &mut checker)),
            Err(invalid) => checker.note_whole(invalid),
        }
        problems.extend(checker.into_problems());
    }
    mappings
}
