//! Reading the partitions that a command is about.

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::{PartitionSnapshot, TableError};
use purge_router_config::Rows;
use purge_router_core::names::TeamName;

use super::target::{Kind, OpenTable};
use crate::args::TableArgs;
use crate::exit::Misuse;

/// How many partitions are read at once.
pub(super) const CONCURRENT_READS: usize = 16;

/// The one partition of a command that takes no more than one team.
pub(super) async fn only_partition(
    kind: Kind,
    table: &OpenTable,
    args: &TableArgs,
) -> anyhow::Result<(Option<TeamName>, PartitionSnapshot)> {
    match (kind, &args.teams[..]) {
        (Kind::Mappings, [team]) => Ok((Some(team.clone()), partition_of_team(table, team).await?)),
        (Kind::Mappings, _) => Err(Misuse("name exactly one team with --team".to_owned()).into()),
        (Kind::Grants, []) => Ok((None, grants(table).await?)),
        (Kind::Grants, _) => Err(Misuse("the grants of all teams share one history: remove --team".to_owned()).into()),
    }
}

pub(super) async fn grants(table: &OpenTable) -> anyhow::Result<PartitionSnapshot> {
    table.grants().await.map_err(|error| {
        let help = match error {
            TableError::Denied(_) => {
                "; they are for operators, and a team sees its own with `mappings pull --team NAME`"
            }
            _ => "",
        };
        anyhow!("can't read the grants of all teams in the table {}: {error}{help}", table.name)
    })
}

pub(super) async fn partitions(
    table: &OpenTable,
    teams: &BTreeSet<TeamName>,
) -> anyhow::Result<Vec<(TeamName, PartitionSnapshot)>> {
    let reads = teams.iter().cloned().map(|team| async move {
        let snapshot = partition_of_team(table, &team).await?;
        anyhow::Ok((team, snapshot))
    });
    stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await
}

async fn partition_of_team(table: &OpenTable, team: &TeamName) -> anyhow::Result<PartitionSnapshot> {
    let what = || format!("can't read the rows of team {team} in the table {}", table.name);
    table.team(team).await.with_context(what)
}

/// The rows of a partition as they were after a push.
pub(super) async fn document(table: &OpenTable, snapshot: &PartitionSnapshot, revision: u64) -> anyhow::Result<Rows> {
    match table.document(&snapshot.partition, revision).await? {
        Some(rows) => Ok(rows),
        None => bail!("revision {revision} of {} not found; `history` lists all revisions", snapshot.partition),
    }
}
