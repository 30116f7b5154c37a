//! Rows of a table → [`Mappings`]. What is wrong in a row leaves out that row, and what needs it; all others work.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use purge_router_core::bounds;
use purge_router_core::names::{Hostname, Source, TeamName};
use purge_router_core::{Code, Invalid};
use purge_router_core::{Mapping, Mappings, Team, Zone};

use super::load::Loads;
use super::{Grant, Written, mapping, zone};
use crate::document::{Problems, Table};
use crate::problem::{Place, Problem};
use crate::rows::{Fields, Row, RowKey, VERSION, join_source, source_of, source_text};

/// A row that is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub key: RowKey,
    /// What is wrong with it; never empty.
    pub problems: Vec<Problem>,
}

/// The grants and zones without which these mappings of one bucket can't be read.
pub fn needs_of<'r>(rows: impl IntoIterator<Item = &'r Row> + Clone) -> BTreeSet<RowKey> {
    let mut needs = grants_of(rows.clone());
    needs.extend(few_zones_of(rows, |_, _| true));
    needs
}

/// The grants without which these mappings can't be read.
pub fn grants_of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> BTreeSet<RowKey> {
    rows.into_iter().filter_map(|row| Some(RowKey::grant(&team_of_mapping(row)?))).collect()
}

/// The zones without which these mappings of one bucket can't be read: those of mappings that their teams' grants allow.
pub fn zones_within<'r>(rows: impl IntoIterator<Item = &'r Row>, grants: &[Row]) -> BTreeSet<RowKey> {
    let owns = |grant: &Row| {
        let team = TeamName::parse(&grant.key.sort).ok()?;
        Some((team.clone(), read_grant(&team, &grant.fields, &mut Vec::new())?.owns))
    };
    let owns: HashMap<TeamName, Vec<Source>> = grants.iter().filter_map(owns).collect();
    few_zones_of(rows, |team, row| {
        let source = source_of(&row.fields);
        source.is_some_and(|source| owns.get(team).is_some_and(|owns| owns.iter().any(|it| it.covers(&source))))
    })
}

/// The zones of mappings, and no more of one team than it may name in a bucket: those of a mapping that would name more are
/// left out, and so is the mapping when it is read.
fn few_zones_of<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    is_wanted: impl Fn(&TeamName, &Row) -> bool,
) -> BTreeSet<RowKey> {
    let mut zones: HashMap<TeamName, BTreeSet<RowKey>> = HashMap::new();
    for row in rows {
        let Some(team) = team_of_mapping(row).filter(|team| is_wanted(team, row)) else { continue };
        let of_team = zones.entry(team.clone()).or_default();
        let new: Vec<RowKey> = zones_of(&team, row).filter(|zone| !of_team.contains(zone)).collect();
        if of_team.len() + new.len() <= bounds::ZONES {
            of_team.extend(new);
        }
    }
    zones.into_values().flatten().collect()
}

fn team_of_mapping(row: &Row) -> Option<TeamName> {
    row.key.team().filter(|_| row.key.sort.starts_with(RowKey::MAPPING))
}

fn zones_of(team: &TeamName, mapping: &Row) -> impl Iterator<Item = RowKey> {
    let zones = mapping.fields.get("zones").and_then(Value::as_array).into_iter().flatten();
    let domains = zones.take(mapping::MOST_ZONES).filter_map(|zone| Hostname::parse(zone.as_str()?).ok());
    domains.map(|domain| RowKey::zone(team, &domain))
}

/// What is known of one team.
#[derive(Default)]
struct OfTeam<'r> {
    grant: Option<&'r Fields>,
    zones: Vec<(&'r RowKey, &'r Fields)>,
    mappings: Vec<(&'r RowKey, &'r Fields)>,
}

/// Reads rows of a table: mappings, with the grants and zones that they need. What a team may map is what its grant
/// says, whatever its own rows say.
///
/// Rows that are wrong, of a later version, or of no team are left out, and so are the mappings that need them.
pub fn from_rows<'r>(rows: impl IntoIterator<Item = &'r Row>) -> (Mappings, Vec<Skipped>) {
    let mut skipped = Vec::new();
    let mut found: BTreeMap<TeamName, OfTeam<'r>> = BTreeMap::new();
    for Row { key, fields } in rows {
        if key.partition == RowKey::GRANTS {
            if let Ok(name) = TeamName::parse(&key.sort) {
                found.entry(name).or_default().grant = Some(fields);
            }
            continue;
        }
        let Some(team) = key.team() else {
            let help = "a team's rows are in the partition `TEAM#` and its name";
            let fault = Invalid::new(Code::NoTeam, format!("`{}` is no team's partition", key.partition), help);
            skipped.push(Skipped::new(key, fault));
            continue;
        };
        let team = found.entry(team).or_default();
        if key.sort.starts_with(RowKey::ZONE) {
            team.zones.push((key, fields));
        } else if key.sort.starts_with(RowKey::MAPPING) {
            team.mappings.push((key, fields));
        } else {
            let help = "the sort key of a mapping begins with `MAPPING#`";
            skipped.push(Skipped::new(key, Invalid::new(Code::NoMapping, "the row is no mapping", help)));
        }
    }
    let (mut teams, mut mappings) = (BTreeMap::new(), Vec::new());
    for (name, rows) in found {
        if let Some(team) = read_team(&name, &rows, &mut mappings, &mut skipped) {
            teams.insert(name, Arc::new(team));
        }
    }
    let mappings = Mappings::new(teams, mappings).unwrap_or_else(|error| {
        let help = "report this: the rows were read, though they lead outside of their team";
        let key = RowKey::new(RowKey::GRANTS, "");
        skipped.push(Skipped::new(&key, Invalid::new(Code::SourceNotOwned, error.to_string(), help)));
        Mappings::default()
    });
    (mappings, skipped)
}

/// What teams share in the table that no two may share. Nobody but an operator sees it: a team's push knows only its
/// own rows.
pub fn check_cross_team(mappings: &Mappings) -> Vec<Problem> {
    let mut problems = Problems::default();
    let tokens = |team: &TeamName| Place::row(&RowKey::grant(team)).key("tokens");
    let zone = |zone: &Zone| Place::row(&RowKey::zone(&zone.team, &zone.domain));
    super::check_apart(mappings.by_name(), tokens, zone, &mut problems);
    problems.into_vec()
}

impl Skipped {
    /// Whether it is left out for what it says, or is of a team that has nothing to say here.
    pub fn is_granted(&self) -> bool {
        !self.problems.iter().any(|problem| matches!(problem.code, Code::SourceNotOwned | Code::NoGrant))
    }

    fn new(key: &RowKey, fault: Invalid) -> Self {
        Self { key: key.clone(), problems: vec![Problem::new(Place::row(key), fault)] }
    }
}

fn read_team(
    name: &TeamName,
    rows: &OfTeam<'_>,
    mappings: &mut Vec<Arc<Mapping>>,
    skipped: &mut Vec<Skipped>,
) -> Option<Team> {
    let grant = match rows.grant {
        Some(fields) => read_grant(name, fields, skipped).ok_or_else(|| {
            let help = "the operator mends it; its own problem is told with it";
            Invalid::new(Code::BadGrant, format!("the grant of team {name} can't be read"), help)
        }),
        None => {
            let help = "the operator writes one: `purge-router grants push`";
            Err(Invalid::new(Code::NoGrant, format!("team {name} has no grant"), help))
        }
    };
    let Grant { owns, all_of_owns_is_valid: _, tokens, accounts, kms_key } = match grant {
        Ok(grant) => grant,
        Err(fault) => {
            skipped.extend(rows.mappings.iter().map(|(key, _)| Skipped::new(key, fault.clone())));
            return None;
        }
    };
    let mut team = Team { name: name.clone(), owns, tokens, kms_key, zones: BTreeMap::new() };
    // A source outside of `owns` is always a problem here: what of `owns` can't be read grants nothing.
    let mut written = Written { zones: Vec::new(), all_of_owns_is_valid: true };
    for (key, fields) in &rows.zones {
        let domain = &key.sort[RowKey::ZONE.len()..];
        written.zones.push(domain);
        let read = read_row(key, (*fields).clone(), skipped, |table, problems| {
            zone::zone(name, (&team.tokens, &accounts), domain, table, problems)
        });
        if let Some(zone) = read {
            team.zones.insert(zone.domain.clone(), Arc::new(zone));
        }
    }
    let mut loads = Loads::default();
    for (key, fields) in &rows.mappings {
        if !fields.get("bucket").is_some_and(Value::is_string) {
            let help =
                "write the bucket's name, and the prefix as `prefix`: the function finds mappings by their bucket";
            skipped.push(Skipped::new(key, Invalid::new(Code::MissingField, "`bucket` is missing", help)));
            continue;
        }
        if fields.contains_key("source") {
            let help = "write the bucket's name as `bucket`, and the rest as `prefix`";
            skipped
                .push(Skipped::new(key, Invalid::new(Code::UnknownField, "there is no field `source` in a row", help)));
            continue;
        }
        // Nothing is compiled of what others write about a bucket, nor of what is too much.
        let source = source_text(fields).map(|text| Source::parse(&text));
        let may_be_read = match &source {
            Some(Ok(source)) if mapping::is_owned(&team, source) => loads.add(&source.bucket, fields),
            Some(Ok(source)) => Err(mapping::not_owned(&team, source)),
            Some(Err(fault)) => Err(fault.clone()),
            None => Ok(()),
        };
        if let Err(fault) = may_be_read {
            let place = Place::row(key).key("source");
            skipped.push(Skipped { key: (*key).clone(), problems: vec![Problem::new(place, fault)] });
            continue;
        }
        let mut fields = (*fields).clone();
        join_source(&mut fields);
        mappings.extend(read_row(key, fields, skipped, |table, problems| {
            let before = problems.count();
            let mapping = mapping::mapping(&team, &written, table, problems);
            if mapping.is_none() && problems.count() == before {
                let help = "mend that zone's row; its own problem is told with it";
                problems.add(table.place_of("zones"), Invalid::new(Code::BadZone, "a zone's row can't be read", help));
            }
            mapping.map(Arc::new)
        }));
    }
    Some(team)
}

/// A grant whose folder is known; what of `owns` can't be read is told and grants nothing.
fn read_grant(name: &TeamName, fields: &Fields, skipped: &mut Vec<Skipped>) -> Option<Grant> {
    let key = RowKey::grant(name);
    let mut folder_is_known = false;
    let mut read = None;
    read_row(&key, fields.clone(), skipped, |table, problems| {
        let grant = super::grant(name, table, problems);
        let tokens = table.place_of("tokens");
        folder_is_known = !problems.has_at(&tokens);
        read = Some(grant);
        Some(())
    });
    read.filter(|_| folder_is_known)
}

/// Reads one row, whose every problem leaves it out.
fn read_row<T>(
    key: &RowKey,
    fields: Fields,
    skipped: &mut Vec<Skipped>,
    read: impl FnOnce(&mut Table<'_>, &mut Problems) -> Option<T>,
) -> Option<T> {
    let mut problems = Problems::default();
    let value = Value::Object(fields);
    let mut result = None;
    if let Some(mut table) = Table::at(&value, Place::row(key), &mut problems)
        && version(&mut table, &mut problems)
    {
        result = read(&mut table, &mut problems);
        table.finish(&mut problems);
    }
    let mut problems = problems.into_vec();
    if problems.is_empty() {
        return result;
    }
    // A row that is not the team's to write is not looked into any further.
    if problems.iter().any(|problem| problem.code == Code::SourceNotOwned) {
        problems.retain(|problem| problem.code == Code::SourceNotOwned);
    }
    for problem in problems.iter_mut().filter(|problem| problem.code == Code::UnknownField) {
        problem.help = problem.help.replace("`source`", "`bucket`, `prefix`");
    }
    skipped.push(Skipped { key: key.clone(), problems });
    None
}

/// Whether the row is of this version, or of none: another version's fields may mean something else.
fn version(table: &mut Table<'_>, problems: &mut Problems) -> bool {
    let before = problems.count();
    match table.number("version", 0..=u64::from(u32::MAX), problems) {
        Some(version) if version as u64 != VERSION => {
            let message = format!("version {version} is not known; this release reads version {VERSION}");
            let help = "use a release that reads it, or mend the row";
            problems.add(table.place_of("version"), Invalid::new(Code::UnknownVersion, message, help));
            false
        }
        _ => problems.count() == before,
    }
}

#[cfg(test)]
mod tests;
