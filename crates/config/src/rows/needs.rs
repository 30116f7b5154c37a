//! Which grants and zones mappings need: so that the function reads these rows, and no others.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use purge_router_core::bounds;
use purge_router_core::names::{Hostname, Source, TeamName};

use crate::rows::decode::decode_grant;
use crate::rows::fields::{Row, source_of};
use crate::rows::row_key::RowKey;
use crate::validate::grant::grant;
use crate::validate::mapping::MAX_ZONES;

/// The grants and zones without which these mappings of one bucket can't be read.
pub fn needs_of<'r>(rows: impl IntoIterator<Item = &'r Row> + Clone) -> BTreeSet<RowKey> {
    let mut needs = grants_of(rows.clone());
    needs.extend(zones_of(rows, |_, _| true));
    needs
}

/// The grants without which these mappings can't be read.
pub fn grants_of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> BTreeSet<RowKey> {
    rows.into_iter().filter_map(|row| Some(RowKey::Grant(team_of_mapping(row)?.clone()))).collect()
}

/// The zones without which these mappings of one bucket can't be read. Mappings that their teams' grants don't allow
/// are ignored.
pub fn zones_within<'r>(rows: impl IntoIterator<Item = &'r Row>, grants: &[Row]) -> BTreeSet<RowKey> {
    let owns: HashMap<&TeamName, Vec<Source>> = grants.iter().filter_map(owns_of).collect();
    zones_of(rows, |team, row| {
        let source = source_of(&row.fields);
        source.is_some_and(|source| owns.get(team).is_some_and(|owns| owns.iter().any(|it| it.covers(&source))))
    })
}

fn owns_of(row: &Row) -> Option<(&TeamName, Vec<Source>)> {
    let RowKey::Grant(team) = &row.key else { return None };
    let mut decoded = decode_grant(&row.key, &row.fields);
    let grant = grant(team, &decoded.spec?, &mut decoded.checker);
    Some((team, grant.owns)).filter(|_| grant.tokens.is_some())
}

/// The zones of mappings, up to the number that one team may name in a bucket. The zones of a mapping that would exceed
/// it are not read, and the mapping is skipped.
fn zones_of<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    is_wanted: impl Fn(&TeamName, &Row) -> bool,
) -> BTreeSet<RowKey> {
    let mut zones: HashMap<&TeamName, BTreeSet<RowKey>> = HashMap::new();
    for row in rows {
        let Some(team) = team_of_mapping(row).filter(|team| is_wanted(team, row)) else { continue };
        let of_team = zones.entry(team).or_default();
        let new: Vec<RowKey> = zones_of_mapping(team, row).filter(|zone| !of_team.contains(zone)).collect();
        if of_team.len() + new.len() <= bounds::ZONES {
            of_team.extend(new);
        }
    }
    zones.into_values().flatten().collect()
}

fn team_of_mapping(row: &Row) -> Option<&TeamName> {
    match &row.key {
        RowKey::Mapping { team, .. } => Some(team),
        _ => None,
    }
}

fn zones_of_mapping(team: &TeamName, mapping: &Row) -> impl Iterator<Item = RowKey> {
    let zones = mapping.fields.get("zones").and_then(Value::as_array).into_iter().flatten();
    let domains = zones.take(MAX_ZONES).filter_map(|zone| Hostname::parse(zone.as_str()?).ok());
    domains.map(|domain| RowKey::zone(team, &domain))
}
