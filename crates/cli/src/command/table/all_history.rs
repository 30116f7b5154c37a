//! `mappings history` of several teams: their last pushes, newest first.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use purge_router_aws::{History, Revision};
use purge_router_config::RowKey;
use purge_router_core::names::TeamName;
use serde_json::json;

use super::partitions::{CONCURRENT_READS, grants, partitions};
use super::show;
use super::target::OpenTable;
use crate::args::{Format, HistoryArgs};
use crate::exit::End;
use crate::print::{self, ListRow};

/// The pushes of these teams, or if none is named, of all.
pub(super) async fn run(table: &OpenTable, args: &HistoryArgs) -> anyhow::Result<End> {
    let mut teams: BTreeSet<TeamName> = args.table.teams.iter().cloned().collect();
    if teams.is_empty() {
        teams = grants(table).await?.rows.keys().filter_map(RowKey::team).collect();
    }
    let limit = usize::try_from(args.limit)?;
    let snapshots = partitions(table, &teams).await?;
    let reads = snapshots.iter().map(|(team, snapshot)| async move {
        let history = table.history(&snapshot.partition, limit).await?;
        anyhow::Ok((team, snapshot, history))
    });
    let histories: Vec<_> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
    let mut pushes: Vec<(&TeamName, Revision)> = Vec::new();
    for (team, snapshot, History { revisions, unreadable }) in histories {
        unreadable.iter().for_each(|reason| print::warning(reason));
        if let Some(pending) = snapshot.pending() {
            print::warning(&format!("team {team}: {}", show::pending(pending)));
        }
        pushes.extend(revisions.into_iter().map(|revision| (team, revision)));
    }
    // Times are RFC 3339 in UTC, so they sort as text.
    pushes.sort_by(|(_, one), (_, other)| other.record.at.cmp(&one.record.at));
    pushes.truncate(limit);
    let rows: Vec<ListRow> = pushes.iter().map(|(team, revision)| row(team, revision)).collect();
    print::listing(args.output.format(), &["at", "team", "revision", "by", "summary", "message"], &rows)?;
    if rows.is_empty() && args.output.format() == Format::Table {
        print::note("nothing was pushed yet");
    }
    Ok(End::Done)
}

fn row(team: &TeamName, revision: &Revision) -> ListRow {
    let record = &revision.record;
    let cells = [
        record.at.clone(),
        team.to_string(),
        revision.revision.to_string(),
        record.by.clone(),
        record.summary.clone(),
        record.message.clone().unwrap_or_default(),
    ];
    let mut json = json!(revision);
    json["team"] = json!(team);
    ListRow { cells: cells.to_vec(), json }
}
