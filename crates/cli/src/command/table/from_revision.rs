//! The edit that restores the rows as they were after an earlier push.

use purge_router_config::{Problem, Row, RowKey, Rows, assign_row_keys, check_rows};

use super::disabled_mappings::warn_of_disabled_mappings;
use super::edit::Edit;
use super::partitions::{document, only_partition};
use super::target::{Kind, OpenTable};
use crate::args::TableArgs;
use crate::mappings::no_grant;
use crate::print;
use crate::problems::line_of;

/// The edit of one partition. Its problems go to standard error; `None` says that there were some.
pub(super) async fn from_revision(
    kind: Kind,
    table: &OpenTable,
    args: &TableArgs,
    revision: u64,
) -> anyhow::Result<Option<Vec<Edit>>> {
    let (team, snapshot) = only_partition(kind, table, args).await?;
    let rows = document(table, &snapshot, revision).await?;
    let Some(team) = team else {
        if !grants_agree(&rows, &format!("the grants of revision {revision} are not valid together")) {
            return Ok(None);
        }
        let edit = Edit::new(table, None, snapshot, &rows).await?;
        warn_of_disabled_mappings(table, &edit.diff).await;
        return Ok(Some(vec![edit]));
    };
    let grant = snapshot.grant_copy.as_ref().ok_or_else(|| no_grant(&team, &table.name))?;
    let grant = Row { key: RowKey::Grant(team.clone()), fields: grant.clone() };
    let problems = check_rows(as_rows(&rows).iter().chain([&grant]));
    if !is_clean(&problems, &format!("revision {revision} is not valid under the present grant of team {team}")) {
        return Ok(None);
    }
    let after = assign_row_keys(&team, rows.into(), &snapshot.rows);
    Ok(Some(vec![Edit::new(table, Some(team), snapshot, &after).await?]))
}

/// Whether all grants together are valid: no two teams may share a token folder. Prints the problems to standard error,
/// and the summary after them.
pub(super) fn grants_agree(grants: &Rows, summary: &str) -> bool {
    is_clean(&check_rows(&as_rows(grants)), summary)
}

fn as_rows(rows: &Rows) -> Vec<Row> {
    rows.iter().map(|(key, fields)| Row { key: key.clone(), fields: fields.clone() }).collect()
}

fn is_clean(problems: &[Problem], summary: &str) -> bool {
    for problem in problems {
        print::error(&line_of(problem));
    }
    if !problems.is_empty() {
        print::error(summary);
    }
    problems.is_empty()
}
