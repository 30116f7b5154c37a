//! The edits that a mapping file asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::PartitionSnapshot;
use purge_router_config::{Fields, MappingFile, Row, RowKey, assign_row_keys, from_rows};
use purge_router_core::Code;
use purge_router_core::names::TeamName;
use purge_router_core::suggest::quoted;

use super::disabled_mappings::warn_of_disabled_mappings;
use super::edit::Edit;
use super::from_revision::grants_agree;
use super::partitions::{CONCURRENT_READS, grants, partitions};
use super::target::{Kind, Table};
use crate::args::TableArgs;
use crate::mappings::{no_grant, read};
use crate::print;
use crate::problems::draw;

/// One edit for each partition. The file's problems go to standard error; `None` says that there were some.
pub(super) async fn from_file(
    kind: Kind,
    table: &Table,
    args: &TableArgs,
    path: &Path,
) -> anyhow::Result<Option<Vec<Edit>>> {
    let text = read(path)?;
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
    let is_valid = |file: &MappingFile<'_>| {
        let mut problems = file.read().err().unwrap_or_default();
        // A file without any team is a request to remove those of `--team`.
        problems.retain(|problem| args.teams.is_empty() || problem.code != Code::NoTeams);
        if !problems.is_empty() {
            draw(path, &text, &problems);
        }
        problems.is_empty()
    };
    // What is wrong with the file says more than that the table has nothing of a team.
    if request.named.is_empty() && !is_valid(&file) {
        return Ok(None);
    }
    match kind {
        Kind::Mappings => {
            let partitions = partitions(table, &request.teams).await?;
            set_grants(table, &request, &partitions, &mut file)?;
            if !is_valid(&file) {
                return Ok(None);
            }
            edits_of_mappings(table, &request, partitions, &file).await.map(Some)
        }
        Kind::Grants => {
            if !is_valid(&file) {
                return Ok(None);
            }
            let edit = edit_of_grants(table, &request, &file).await?;
            Ok(edit.map(|edit| vec![edit]))
        }
    }
}

/// Which teams a file and the arguments are about.
struct Request {
    /// All teams of the command: those of `--team`, or else those in the file.
    teams: BTreeSet<TeamName>,
    /// Teams in the file.
    named: BTreeSet<TeamName>,
    /// Teams of `--team` that are not in the file.
    unnamed: BTreeSet<TeamName>,
}

impl Request {
    fn new(file: &MappingFile<'_>, args: &TableArgs) -> Self {
        // A bad name is reported as a problem of the file.
        let named: BTreeSet<TeamName> =
            file.teams().into_iter().filter_map(|name| TeamName::parse(name).ok()).collect();
        let requested: BTreeSet<TeamName> = args.teams.iter().cloned().collect();
        let teams = if requested.is_empty() { named.clone() } else { requested };
        let unnamed = teams.difference(&named).cloned().collect();
        Self { teams, named, unnamed }
    }
}

/// Validates mappings under the grants of the table, whatever the file says about them.
fn set_grants(
    table: &Table,
    request: &Request,
    partitions: &[(TeamName, PartitionSnapshot)],
    file: &mut MappingFile<'_>,
) -> anyhow::Result<()> {
    for (team, partition) in partitions {
        if request.unnamed.contains(team) {
            ensure!(exists(partition, |_| true), nothing_of(team, table));
            continue;
        }
        let grant = partition.grant.as_ref().ok_or_else(|| no_grant(team, &table.name))?;
        if !can_read_grant(team, grant) {
            let key = RowKey::GrantCopy(team.clone());
            let help = "the operator's next `purge-router grants push` rewrites it";
            bail!("the row {key}, which says what the team is granted, can't be read; {help}");
        }
        let in_file = file.grant(team);
        if request.named.contains(team) && !in_file.is_empty() && in_file != *grant {
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

/// Whether there is anything to remove: such a row, or what a push that was interrupted has left to do.
fn exists(partition: &PartitionSnapshot, is_wanted: impl Fn(&RowKey) -> bool) -> bool {
    partition.rows.keys().any(is_wanted) || partition.pending().is_some()
}

fn nothing_of(team: &TeamName, table: &Table) -> String {
    format!("neither the file nor the table {} has anything of team {team}", table.name)
}

async fn edits_of_mappings(
    table: &Table,
    request: &Request,
    partitions: Vec<(TeamName, PartitionSnapshot)>,
    file: &MappingFile<'_>,
) -> anyhow::Result<Vec<Edit>> {
    let edits = partitions.into_iter().map(|(team, partition)| {
        let after = assign_row_keys(&team, file.tables(&team), &partition.rows);
        let unnamed = request.unnamed.get(&team).cloned().into_iter().collect();
        let pulled = file.pulled(Some(&team));
        async move {
            let edit = Edit::new(&table.editor, Some(team), partition, &after).await?;
            anyhow::Ok(Edit { unnamed, pulled, ..edit })
        }
    });
    stream::iter(edits).buffered(CONCURRENT_READS).try_collect().await
}

/// The edit of all grants; `None` if together they have problems.
async fn edit_of_grants(table: &Table, request: &Request, file: &MappingFile<'_>) -> anyhow::Result<Option<Edit>> {
    if file.pulled(None).is_none()
        && let Some(team) = request.named.iter().find(|team| file.pulled(Some(team)).is_some())
    {
        let help = "pull with `purge-router grants pull`, and push that";
        bail!("this file is from `mappings pull --team {team}`, so its grant is the team's own copy: {help}");
    }
    let partition = grants(table).await?;
    let key = |team: &TeamName| RowKey::Grant(team.clone());
    for team in &request.unnamed {
        ensure!(exists(&partition, |row| *row == key(team)), nothing_of(team, table));
    }
    let is_requested = |key: &RowKey| key.team().is_some_and(|team| request.teams.contains(&team));
    let others: Vec<TeamName> =
        partition.rows.keys().filter(|key| !is_requested(key)).filter_map(RowKey::team).collect();
    if !others.is_empty() {
        let names = quoted(others.iter().map(TeamName::as_str));
        print::note(&format!("grants of other teams stay as they are: {names}"));
    }
    let mut after = partition.rows.clone();
    after.retain(|key, _| !is_requested(key));
    after.extend(request.named.iter().map(|team| (key(team), file.grant(team))));
    if !grants_agree(&after, "the grants of the table and of the file are not valid together") {
        return Ok(None);
    }
    let edit = Edit::new(&table.editor, None, partition, &after).await?;
    let edit = Edit { unnamed: request.unnamed.iter().cloned().collect(), pulled: file.pulled(None), ..edit };
    warn_of_disabled_mappings(&table.editor, &edit.diff).await?;
    Ok(Some(edit))
}
