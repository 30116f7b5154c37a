//! The mappings that an edit of grants would disable, and the tests that would fail then: the function skips what a team is
//! no longer granted.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use purge_router_config::{ConfigPath, Diff, Fields, Row, RowKey, Rows, from_rows, run_tests, tests_of_rows};
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
    let (skipped_before, failing_before) = skipped_and_failing(team, &rows, Some(before));
    let (skipped, failing) = skipped_and_failing(team, &rows, after);
    let (mappings, tests) = (skipped.difference(&skipped_before).count(), failing.difference(&failing_before).count());
    let failing = match tests {
        0 => String::new(),
        tests => format!(", so that {} would fail", print::count(tests, "test")),
    };
    (mappings > 0)
        .then(|| format!("{cause} would disable {} of team {team}{failing}", print::count(mappings, "mapping")))
}

/// The team's mappings that the function skips under this grant, and the places of the tests that fail. Without a grant, no
/// test can be run.
fn skipped_and_failing(
    team: &TeamName,
    rows: &Rows,
    grant: Option<&Fields>,
) -> (BTreeSet<RowKey>, BTreeSet<ConfigPath>) {
    let rows = rows.iter().map(|(key, fields)| Row { key: key.clone(), fields: fields.clone() });
    let grant = grant.map(|fields| Row { key: RowKey::Grant(team.clone()), fields: fields.clone() });
    let rows: Vec<Row> = rows.chain(grant).collect();
    let (mappings, skipped) = from_rows(&rows);
    let (tests, _) = tests_of_rows(&rows, &mappings);
    let results = run_tests(&mappings, &tests).into_iter();
    let failing = results.filter(|result| !result.is_passed()).map(|result| result.test.place.clone()).collect();
    let skipped = skipped.into_iter().map(|skipped| skipped.key);
    (skipped.filter(|key| matches!(key, RowKey::Mapping { .. })).collect(), failing)
}
