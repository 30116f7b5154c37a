//! The edits that a mapping file asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::PartitionSnapshot;
use purge_router_config::{
    Checked, Fields, MappingFile, Problem, Row, RowKey, assign_row_keys, from_rows, name_mappings,
};
use purge_router_core::Code;
use purge_router_core::names::TeamName;
use purge_router_core::suggest::quoted;

use super::disabled_mappings::warn_of_disabled_mappings;
use super::dropped_tests::warn_of_dropped_tests;
use super::edit::Edit;
use super::from_revision::grants_agree;
use super::partitions::{CONCURRENT_READS, grants, partitions};
use super::target::{Kind, OpenTable};
use crate::args::TableArgs;
use crate::mappings::{no_grant, option_of_file, read};
use crate::print;
use crate::problems::{draw, draw_warnings};

/// One edit for each partition. The file's problems go to standard error; `None` says that there were some.
pub(super) async fn from_file(
    kind: Kind,
    table: &OpenTable,
    args: &TableArgs,
    path: &Path,
) -> anyhow::Result<Option<Vec<Edit>>> {
    let text = read(path).await?;
    let mut file = match MappingFile::parse(&text) {
        Ok(file) => file,
        Err(problems) => {
            draw(path, &text, &problems);
            return Ok(None);
        }
    };
    if !args.teams.is_empty() {
        file.keep(|name| args.teams.iter().any(|team| team.as_str() == name));
    }
    let request = Request::new(&file, args);
    // A file without any team is invalid. That says more than that the team has no rows in the table.
    if request.in_file.is_empty() && draw_problems(path, &text, &file.read(), args) {
        return Ok(None);
    }
    match kind {
        Kind::Mappings => {
            let snapshots = partitions(table, &request.teams).await?;
            set_grants(table, &request, &snapshots, &mut file)?;
            let checked = file.check();
            if draw_problems(path, &text, &checked, args) {
                return Ok(None);
            }
            let edits = edits_of_mappings(table, &request, snapshots, &file).await?;
            if let Ok(Checked { mappings, .. }) = &checked {
                draw_warnings(path, &text, &file.warnings(mappings));
                edits.iter().for_each(|edit| warn_of_dropped_tests(&edit.diff, mappings));
            }
            Ok(Some(edits))
        }
        Kind::Grants => {
            if draw_problems(path, &text, &file.read(), args) {
                return Ok(None);
            }
            let edit = edit_of_grants(table, &request, &file).await?;
            Ok(edit.map(|edit| vec![edit]))
        }
    }
}

/// Prints the file's problems to standard error, and returns whether there are any.
fn draw_problems(path: &Path, text: &str, read: &Result<Checked, Vec<Problem>>, args: &TableArgs) -> bool {
    let mut problems = read.as_ref().err().cloned().unwrap_or_default();
    // A file without any team is a request to remove those of `--team`.
    problems.retain(|problem| args.teams.is_empty() || problem.code != Code::NoTeams);
    if !problems.is_empty() {
        problems.iter_mut().for_each(|problem| name_mappings(problem, &option_of_file(path)));
        draw(path, text, &problems);
    }
    !problems.is_empty()
}

/// Which teams a file and the arguments are about.
struct Request {
    /// All teams of the command: those of `--team`, or else those in the file.
    teams: BTreeSet<TeamName>,
    /// The teams in the file.
    in_file: BTreeSet<TeamName>,
    /// The teams of `--team` that are not in the file: the push removes their rows.
    removed: BTreeSet<TeamName>,
}

impl Request {
    fn new(file: &MappingFile<'_>, args: &TableArgs) -> Self {
        // A bad name is reported as a problem of the file.
        let in_file: BTreeSet<TeamName> =
            file.teams().into_iter().filter_map(|name| TeamName::parse(name).ok()).collect();
        let requested: BTreeSet<TeamName> = args.teams.iter().cloned().collect();
        let teams = if requested.is_empty() { in_file.clone() } else { requested };
        let removed = teams.difference(&in_file).cloned().collect();
        Self { teams, in_file, removed }
    }
}

/// Validates mappings under the grants of the table, whatever the file says about them.
fn set_grants(
    table: &OpenTable,
    request: &Request,
    snapshots: &[(TeamName, PartitionSnapshot)],
    file: &mut MappingFile<'_>,
) -> anyhow::Result<()> {
    for (team, snapshot) in snapshots {
        if request.removed.contains(team) {
            ensure!(exists(snapshot, |_| true), not_found(team, table));
            continue;
        }
        let grant = snapshot.grant_copy.as_ref().ok_or_else(|| no_grant(team, &table.name))?;
        if !can_read_grant(team, grant) {
            let key = RowKey::GrantCopy(team.clone());
            let help = "the operator's next `purge-router grants push` rewrites it";
            bail!("the row {key}, which says what the team is granted, can't be read; {help}");
        }
        let grant_in_file = file.grant(team);
        if request.in_file.contains(team) && !grant_in_file.is_empty() && grant_in_file != *grant {
            let help = "the table's is used, and only `grants push` changes it";
            print::warning(&format!("the file's grant of team {team} differs from the table's: {help}"));
        }
        file.set_grant(team, grant);
    }
    Ok(())
}

fn can_read_grant(team: &TeamName, grant: &Fields) -> bool {
    let row = Row { key: RowKey::Grant(team.clone()), fields: grant.clone() };
    from_rows([&row]).1.is_empty()
}

/// Whether there is anything to remove: such a row, or the rest of a push that was interrupted.
fn exists(snapshot: &PartitionSnapshot, is_wanted: impl Fn(&RowKey) -> bool) -> bool {
    snapshot.rows.keys().any(is_wanted) || snapshot.pending().is_some()
}

fn not_found(team: &TeamName, table: &OpenTable) -> String {
    format!("team {team} not found in the file or in the table {}", table.name)
}

async fn edits_of_mappings(
    table: &OpenTable,
    request: &Request,
    snapshots: Vec<(TeamName, PartitionSnapshot)>,
    file: &MappingFile<'_>,
) -> anyhow::Result<Vec<Edit>> {
    let edits = snapshots.into_iter().map(|(team, snapshot)| {
        let after = assign_row_keys(&team, file.tables(&team), &snapshot.rows);
        let removed_teams = request.removed.get(&team).cloned().into_iter().collect();
        let pulled = file.pulled(Some(&team));
        async move {
            let edit = Edit::new(table, Some(team), snapshot, &after).await?;
            anyhow::Ok(Edit { removed_teams, pulled, ..edit })
        }
    });
    stream::iter(edits).buffered(CONCURRENT_READS).try_collect().await
}

/// The edit of all grants; `None` if together they have problems.
async fn edit_of_grants(table: &OpenTable, request: &Request, file: &MappingFile<'_>) -> anyhow::Result<Option<Edit>> {
    if file.pulled(None).is_none()
        && let Some(team) = request.in_file.iter().find(|team| file.pulled(Some(team)).is_some())
    {
        bail!(
            "the file has a `pulled` line in [teams.{team}] and none at the top, as from `mappings pull --team {team}`, \
             which has only the team's own copy of its grant: pull with `purge-router grants pull`, and push that, or \
             delete all `pulled` lines to overwrite"
        );
    }
    let snapshot = grants(table).await?;
    let key = |team: &TeamName| RowKey::Grant(team.clone());
    for team in &request.removed {
        ensure!(exists(&snapshot, |row| *row == key(team)), not_found(team, table));
    }
    let is_requested = |key: &RowKey| key.team().is_some_and(|team| request.teams.contains(&team));
    let others: Vec<TeamName> =
        snapshot.rows.keys().filter(|key| !is_requested(key)).filter_map(RowKey::team).collect();
    if !others.is_empty() {
        let names = quoted(others.iter().map(TeamName::as_str));
        print::note(&format!("grants of other teams stay as they are: {names}"));
    }
    let mut after = snapshot.rows.clone();
    after.retain(|key, _| !is_requested(key));
    after.extend(request.in_file.iter().map(|team| (key(team), file.grant(team))));
    if !grants_agree(&after, "the grants of the table and of the file are not valid together") {
        return Ok(None);
    }
    let edit = Edit {
        removed_teams: request.removed.iter().cloned().collect(),
        pulled: file.pulled(None),
        ..Edit::new(table, None, snapshot, &after).await?
    };
    warn_of_disabled_mappings(table, &edit.diff).await;
    Ok(Some(edit))
}
