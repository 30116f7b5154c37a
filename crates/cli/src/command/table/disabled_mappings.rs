//! The mappings that an edit of grants would disable: the function skips what a team is no longer granted.

use std::collections::BTreeSet;

use purge_router_aws::Editor;
use purge_router_config::{Diff, Fields, Row, RowKey, Rows, from_rows};
use purge_router_core::names::TeamName;

use crate::print;

/// Warns of each team that would lose mappings, before anything is written.
pub(super) async fn warn_of_disabled_mappings(editor: &Editor, diff: &Diff) -> anyhow::Result<()> {
    let changed = diff.changed.iter().map(|(key, changed)| (key, &changed.before, Some(&changed.after)));
    let removed = diff.removed.iter().map(|(key, before)| (key, before, None));
    for (key, before, after) in changed.chain(removed) {
        let RowKey::Grant(team) = key else { continue };
        let rows = editor.team(team).await?.rows;
        let skipped_before = skipped_mappings(team, &rows, Some(before));
        let count = skipped_mappings(team, &rows, after).difference(&skipped_before).count();
        if count > 0 {
            let cause = if after.is_some() { "this grant" } else { "removing the grant" };
            print::warning(&format!("{cause} would disable {} of team {team}", print::count(count, "mapping")));
        }
    }
    Ok(())
}

/// The team's mappings that the function skips under this grant.
fn skipped_mappings(team: &TeamName, rows: &Rows, grant: Option<&Fields>) -> BTreeSet<RowKey> {
    let rows = rows.iter().map(|(key, fields)| Row { key: key.clone(), fields: fields.clone() });
    let grant = grant.map(|fields| Row { key: RowKey::Grant(team.clone()), fields: fields.clone() });
    let rows: Vec<Row> = rows.chain(grant).collect();
    let (_, skipped) = from_rows(&rows);
    skipped.into_iter().map(|skipped| skipped.key).filter(|key| matches!(key, RowKey::Mapping { .. })).collect()
}
