//! The mappings that an edit of grants would disable: the function skips what a team is no longer granted.

use purge_router_aws::Editor;
use purge_router_config::{Diff, Fields, Row, RowKey, from_rows};
use purge_router_core::names::TeamName;

use crate::print;

/// Warns of each team that would lose mappings, before anything is written.
pub(super) async fn warn_of_disabled_mappings(editor: &Editor, diff: &Diff) -> anyhow::Result<()> {
    let changed = diff.changed.iter().map(|(key, changed)| (key, Some(&changed.after)));
    let removed = diff.removed.keys().map(|key| (key, None));
    for (key, grant) in changed.chain(removed) {
        let RowKey::Grant(team) = key else { continue };
        let count = count_disabled(editor, team, grant).await?;
        if count > 0 {
            let cause = if grant.is_some() { "this grant" } else { "removing the grant" };
            print::warning(&format!("{cause} would disable {} of team {team}", print::count(count, "mapping")));
        }
    }
    Ok(())
}

async fn count_disabled(editor: &Editor, team: &TeamName, grant: Option<&Fields>) -> anyhow::Result<usize> {
    let rows = editor.team(team).await?.rows.into_iter();
    let grant = grant.map(|fields| Row { key: RowKey::Grant(team.clone()), fields: fields.clone() });
    let rows: Vec<Row> = rows.map(|(key, fields)| Row { key, fields }).chain(grant).collect();
    let (_, skipped) = from_rows(&rows);
    Ok(skipped.iter().filter(|skipped| matches!(skipped.key, RowKey::Mapping { .. })).count())
}
