//! The edits that a mapping file asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::PartitionSnapshot;
use purge_router_config::{Fields, MappingFile, Row, RowKey, assign_row_keys, from_rows};
use purge_router_core::names::TeamName;

use super::disabled_mappings::warn_of_disabled_mappings;
use super::edit::Edit;
use super::from_revision::grants_agree;
use super::partitions::{PARTITIONS, grants, partitions};
use super::target::{Kind, Table};
use crate::args::TableArgs;
use crate::mappings::{draw, read};
use crate::print;

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
        // A file that names none of the teams is a request to remove them.
        let problems = if request.is_removal { Vec::new() } else { file.read().err().unwrap_or_default() };
        if !problems.is_empty() {
            draw(path, &text, &problems);
        }
        problems.is_empty()
    };
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
    /// All of them.
    teams: BTreeSet<TeamName>,
    /// Those that the file names.
    named: BTreeSet<TeamName>,
    /// Those that it does not name.
    unnamed: BTreeSet<TeamName>,
    /// Whether the file names none of those that were asked for.
    is_removal: bool,
}

impl Request {
    fn new(file: &MappingFile<'_>, args: &TableArgs) -> Self {
        // A bad name is reported as a problem of the file.
        let named: BTreeSet<TeamName> =
            file.teams().into_iter().filter_map(|name| TeamName::parse(name).ok()).collect();
        let asked: BTreeSet<TeamName> = args.teams.iter().cloned().collect();
        let teams = if asked.is_empty() { named.clone() } else { asked };
        let unnamed = teams.difference(&named).cloned().collect();
        let is_removal = file.teams().is_empty() && !args.teams.is_empty();
        Self { teams, named, unnamed, is_removal }
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
            ensure_exists(&table.name, team, !partition.rows.is_empty())?;
            continue;
        }
        let Some(grant) = &partition.grant else {
            let help = "the operator writes one with `purge-router grants push`";
            bail!("team {team} has no grant in the table {}: {help}", table.name);
        };
        if !is_grant(team, grant) {
            let help = "the operator's next `purge-router grants push` rewrites it";
            bail!("the row TEAM#{team}/GRANT, which says what the team is granted, can't be read; {help}");
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

/// Whether a team's grant can be read.
fn is_grant(team: &TeamName, grant: &Fields) -> bool {
    let row = Row { key: RowKey::Grant(team.clone()), fields: grant.clone() };
    from_rows([&row]).1.is_empty()
}

fn ensure_exists(table: &str, team: &TeamName, exists: bool) -> anyhow::Result<()> {
    match exists {
        true => Ok(()),
        false => bail!("neither the file nor the table {table} has anything of team {team}"),
    }
}

async fn edits_of_mappings(
    table: &Table,
    request: &Request,
    partitions: Vec<(TeamName, PartitionSnapshot)>,
    file: &MappingFile<'_>,
) -> anyhow::Result<Vec<Edit>> {
    let edits = partitions.into_iter().map(|(team, partition)| {
        let after = assign_row_keys(&team, file.tables(&team), &partition.rows);
        let unnamed = request.unnamed.get(&team).cloned();
        let pulled = file.pulled(Some(&team));
        async move {
            let edit = Edit::new(&table.editor, Some(team), partition, &after).await?;
            anyhow::Ok(Edit { unnamed, pulled, ..edit })
        }
    });
    stream::iter(edits).buffered(PARTITIONS).try_collect().await
}

/// The edit of all grants; `None` if together they have problems.
async fn edit_of_grants(table: &Table, request: &Request, file: &MappingFile<'_>) -> anyhow::Result<Option<Edit>> {
    if file.pulled(None).is_none()
        && let Some(team) = request.named.iter().find(|team| file.pulled(Some(team)).is_some())
    {
        let help = "pull with `purge-router grants pull`, and push that";
        bail!("the file was pulled by team {team}, which may have written what it says about its grant: {help}");
    }
    let partition = grants(table).await?;
    let key = |team: &TeamName| RowKey::Grant(team.clone());
    for team in &request.unnamed {
        ensure_exists(&table.name, team, partition.rows.contains_key(&key(team)))?;
    }
    let is_asked = |key: &RowKey| key.team().is_some_and(|team| request.teams.contains(&team));
    let others: Vec<String> = partition.rows.keys().filter(|key| !is_asked(key)).map(RowKey::sort).collect();
    if !others.is_empty() {
        let names = others.join(", ");
        print::note(&format!("the file does not name {names}: their grants stay as they are"));
    }
    let mut after = partition.rows.clone();
    after.retain(|key, _| !is_asked(key));
    after.extend(request.named.iter().map(|team| (key(team), file.grant(team))));
    if !grants_agree(&after) {
        return Ok(None);
    }
    let edit = Edit::new(&table.editor, None, partition, &after).await?;
    let edit = Edit { unnamed: request.unnamed.first().cloned(), pulled: file.pulled(None), ..edit };
    warn_of_disabled_mappings(&table.editor, &edit.diff).await?;
    Ok(Some(edit))
}
