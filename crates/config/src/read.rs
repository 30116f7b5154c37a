//! A mapping file, or rows of a table, → [`Mappings`]. All problems of a file at once; what is left out of a file with
//! problems is never used.

mod load;
mod mapping;
pub(crate) mod rows;
mod zone;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use purge_router_core::names::{CloudflareId, Hostname, KmsKey, Source, TeamName, TokenFolder};
use purge_router_core::{Code, Invalid};
use purge_router_core::{Mapping, Mappings, Team, Zone};

use crate::document::{Document, Problems, Table};
use crate::file::{MappingFile, PULLED, Pulled};
use crate::problem::{Place, Problem};
use crate::read::load::Loads;
use crate::rows::VERSION;

/// Reads a mapping file (TOML, version 1).
///
/// # Errors
/// All problems of the file, in the order of their places in it.
pub fn from_toml(text: &str) -> Result<Mappings, Vec<Problem>> {
    MappingFile::parse(text)?.read()
}

/// Reads a parsed file.
pub(crate) fn document(document: &Document<'_>) -> Result<Mappings, Vec<Problem>> {
    let mut problems = Problems::default();
    let mappings = read(&document.root, &mut problems);
    let mut problems = problems.into_vec();
    if problems.is_empty() {
        return Ok(mappings);
    }
    for problem in &mut problems {
        problem.span = Some(document.span(&problem.place, problem.code == Code::UnknownField));
    }
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start));
    Err(problems)
}

fn read(root: &Value, problems: &mut Problems) -> Mappings {
    let Some(mut root) = Table::at(root, Place::root(), problems) else { return Mappings::default() };
    if !version(&mut root, problems) {
        return Mappings::default();
    }
    root.optional(PULLED, Pulled::parse, problems);
    let mut teams = BTreeMap::new();
    let mut mappings = Vec::new();
    let mut places = BTreeMap::new();
    let before = problems.count();
    let tables = root.tables("teams", problems);
    if tables.is_empty() && problems.count() == before {
        let help = "write `[teams.<name>]` with `owns`; `purge-router init` writes an example";
        problems.add(root.place.clone(), Invalid::new(Code::NoTeams, "there is no team", help));
    }
    for (name, mut table) in tables {
        let place = table.place.clone();
        let parsed = TeamName::parse(name).map_err(|fault| problems.add(place.clone(), fault));
        let is_name = parsed.is_ok();
        let name = parsed.unwrap_or_else(|()| TeamName::unchecked(name));
        let (team, written) = team(name.clone(), &mut table, problems);
        let team = Arc::new(team);
        let mut loads = Loads::default();
        for (nth, item) in table.array("mappings", problems).unwrap_or_default().iter().enumerate() {
            let at = place.key("mappings").index(nth);
            let Some(mut table) = Table::at(item, at, problems) else { continue };
            let read = mapping::mapping(&team, &written, &mut table, problems);
            if let (Some(mapping), Some(fields)) = (&read, item.as_object())
                && let Err(fault) = loads.add(&mapping.source.bucket, fields)
            {
                problems.add(table.place.clone(), fault);
            }
            mappings.extend(read.map(Arc::new));
            table.finish(problems);
        }
        table.finish(problems);
        if is_name {
            places.insert(name.clone(), place);
            teams.insert(name, team);
        }
    }
    root.finish(problems);
    check_apart(
        &teams,
        |team| places[team].key("tokens"),
        |zone| places[&zone.team].key("zones").key(zone.domain.as_str()),
        problems,
    );
    mappings.sort_by(|one: &Arc<Mapping>, other| one.team.cmp(&other.team));
    if problems.count() > 0 {
        return Mappings::default();
    }
    Mappings::new(teams, mappings).unwrap_or_else(|error| {
        let help = "map only what the team owns, to its own zones";
        problems.add(Place::root(), Invalid::new(Code::SourceNotOwned, error.to_string(), help));
        Mappings::default()
    })
}

/// Whether the rest is worth reading: another version's fields may mean something else.
fn version(root: &mut Table<'_>, problems: &mut Problems) -> bool {
    let before = problems.count();
    let help = format!("write `version = {VERSION}` in the first line");
    match root.number("version", 0..=u64::from(u32::MAX), problems) {
        Some(version) if version as u64 == VERSION => return true,
        Some(version) => {
            let message = format!("version {version} is not known; this release reads version {VERSION}");
            problems.add(root.place_of("version"), Invalid::new(Code::UnknownVersion, message, help));
            return false;
        }
        None if problems.count() > before => {}
        None => problems.add(root.place.clone(), Invalid::new(Code::MissingField, "`version` is missing", help)),
    }
    true
}

/// What no two teams may share: a folder of tokens, and a zone.
pub(crate) fn check_apart(
    teams: &BTreeMap<TeamName, Arc<Team>>,
    place_of_tokens: impl Fn(&TeamName) -> Place,
    place_of_zone: impl Fn(&Zone) -> Place,
    problems: &mut Problems,
) {
    // Sorted, a folder stands right behind the ones that hold it.
    let mut folders: Vec<(&TokenFolder, &TeamName)> = teams.values().map(|team| (&team.tokens, &team.name)).collect();
    folders.sort();
    let mut outer: Option<(&TokenFolder, &TeamName)> = None;
    for (folder, name) in folders {
        let Some((held_by, earlier)) = outer.filter(|(outer, _)| folder.overlaps(outer)) else {
            outer = Some((folder, name));
            continue;
        };
        let message = format!("the folder of tokens `{folder}` overlaps team {earlier}'s `{held_by}`");
        let fault = Invalid::new(Code::SharedTokenFolder, message, "give each team a folder of its own");
        problems.add(place_of_tokens(name), fault);
    }
    let mut owners: HashMap<&str, &Arc<Zone>> = HashMap::new();
    for zone in teams.values().flat_map(|team| team.zones.values()) {
        let keys = [zone.zone_id.as_str(), zone.domain.as_str()];
        let others = keys.iter().filter_map(|key| owners.get(key));
        if let Some(other) = others.into_iter().find(|other| other.team != zone.team) {
            let message = format!("the zone `{}` is also team {}'s, as `{}`", zone.domain, other.team, other.domain);
            let fault = Invalid::new(Code::ZoneOfTwoTeams, message, "leave it to one team, and put its mappings there");
            problems.add(place_of_zone(zone), fault);
        }
        for key in keys {
            owners.entry(key).or_insert(zone);
        }
    }
}

/// What a team's table says, valid or not: a mapping that names a broken zone has no problem of its own.
struct Written<'a> {
    zones: Vec<&'a str>,
    all_of_owns_is_valid: bool,
}

/// What the operator says of a team.
struct Grant {
    owns: Vec<Source>,
    all_of_owns_is_valid: bool,
    tokens: TokenFolder,
    accounts: Vec<CloudflareId>,
    kms_key: Option<KmsKey>,
}

fn grant(name: &TeamName, table: &mut Table<'_>, problems: &mut Problems) -> Grant {
    let before = problems.count();
    if !table.has("owns") {
        let help = "write what the team may map: `owns = [\"s3://bucket/prefix/\"]`";
        problems.add(table.place.clone(), Invalid::new(Code::MissingField, "`owns` is missing", help));
    }
    let owns = table.list("owns", Source::parse, problems).unwrap_or_default();
    let all_of_owns_is_valid = problems.count() == before;
    let tokens =
        table.optional("tokens", TokenFolder::parse, problems).unwrap_or_else(|| TokenFolder::default_of(name));
    let accounts = table.list("accounts", CloudflareId::parse, problems).unwrap_or_default();
    let kms_key = table.optional("kms_key", KmsKey::parse, problems);
    Grant { owns, all_of_owns_is_valid, tokens, accounts, kms_key }
}

fn team<'a>(name: TeamName, table: &mut Table<'a>, problems: &mut Problems) -> (Team, Written<'a>) {
    table.optional(PULLED, Pulled::parse, problems);
    let Grant { owns, all_of_owns_is_valid, tokens, accounts, kms_key } = grant(&name, table, problems);
    let mut written = Written { zones: Vec::new(), all_of_owns_is_valid };
    let mut zones: BTreeMap<Hostname, Arc<Zone>> = BTreeMap::new();
    for (domain, mut zone_table) in table.tables("zones", problems) {
        written.zones.push(domain);
        let read = zone::zone(&name, (&tokens, &accounts), domain, &mut zone_table, problems);
        let place = zone_table.place_of("zone_id");
        zone_table.finish(problems);
        let Some(read) = read else { continue };
        if let Some(twin) = zones.values().find(|twin| twin.zone_id == read.zone_id) {
            let message = format!("`{}` has the same zone id as `{}`", read.domain, twin.domain);
            problems.add(place, Invalid::new(Code::DuplicateZoneId, message, "copy the zone's own id from Cloudflare"));
        }
        zones.insert(read.domain.clone(), Arc::new(read));
    }
    (Team { name, owns, tokens, kms_key, zones }, written)
}

#[cfg(test)]
mod tests;
