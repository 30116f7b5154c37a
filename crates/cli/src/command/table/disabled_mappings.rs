//! The mappings that an edit of grants would disable: the function skips what a team is no longer granted.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use purge_router_config::{Diff, Fields, Row, RowKey, Rows, from_rows};
use purge_router_core::names::TeamName;

use super::partitions::CONCURRENT_READS;
use super::target::OpenTable;
use crate::print;

/// Warns of each team that would lose mappings, before anything is written, and of each that can't be read: an operator
/// must be able to change its grant all the same.
pub(super) async fn warn_of_disabled_mappings(table: &OpenTable, diff: &Diff) {
    let changed = diff.changed.iter().map(|(key, changed)| (key, &changed.before, Some(&changed.after)));
    let removed = diff.removed.iter().map(|(key, before)| (key, before, None));
    let edits = changed.chain(removed).filter_map(|(key, before, after)| match key {
        RowKey::Grant(team) => Some((team, before, after)),
        _ => None,
    });
    let warnings = edits.map(|(team, before, after)| warning(table, team, before, after));
    let mut warnings = stream::iter(warnings).buffered(CONCURRENT_READS);
    while let Some(warning) = warnings.next().await {
        warning.iter().for_each(|text| print::warning(text));
    }
}

/// The warning of one team, whose grant changes or is removed.
async fn warning(table: &OpenTable, team: &TeamName, before: &Fields, after: Option<&Fields>) -> Option<String> {
    let cause = if after.is_some() { "this grant" } else { "removing the grant" };
    let rows = match table.team(team).await {
        Ok(snapshot) => snapshot.rows,
        Err(error) => {
            return Some(format!("couldn't check which mappings of team {team} {cause} disables: {error}"));
        }
    };
    let skipped_before = skipped_mappings(team, &rows, Some(before));
    let count = skipped_mappings(team, &rows, after).difference(&skipped_before).count();
    (count > 0).then(|| format!("{cause} would disable {} of team {team}", print::count(count, "mapping")))
}

/// The team's mappings that the function skips under this grant.
fn skipped_mappings(team: &TeamName, rows: &Rows, grant: Option<&Fields>) -> BTreeSet<RowKey> {
    let rows = rows.iter().map(|(key, fields)| Row { key: key.clone(), fields: fields.clone() });
    let grant = grant.map(|fields| Row { key: RowKey::Grant(team.clone()), fields: fields.clone() });
    let rows: Vec<Row> = rows.chain(grant).collect();
    let (_, skipped) = from_rows(&rows);
    skipped.into_iter().map(|skipped| skipped.key).filter(|key| matches!(key, RowKey::Mapping { .. })).collect()
}
