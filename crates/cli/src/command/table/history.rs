//! `history`: who pushed what, and when.

use std::fmt::Write;

use anyhow::{Context, bail};
use purge_router_aws::{History, PartitionSnapshot, PushRecord, Revision};
use purge_router_config::{Diff, Rows};
use serde_json::json;

use super::all_history;
use super::partitions::{document, only_partition};
use super::show;
use super::target::{Kind, OpenTable};
use crate::args::{Format, HistoryArgs};
use crate::exit::End;
use crate::print;

pub(super) async fn run(kind: Kind, args: &HistoryArgs) -> anyhow::Result<End> {
    let table = OpenTable::open(&args.table).await?;
    if kind == Kind::Mappings && args.table.teams.len() != 1 && args.show.is_none() {
        return all_history::run(&table, args).await;
    }
    let format = args.output.format();
    let (team, snapshot) = only_partition(kind, &table, &args.table).await?;
    if let Some(revision) = args.show {
        return show_one(&table, &snapshot, revision, format != Format::Table).await;
    }
    let limit = usize::try_from(args.limit)?;
    let History { revisions, unreadable } = table.history(&snapshot.partition, limit).await?;
    for reason in &unreadable {
        print::warning(reason);
    }
    let pending = snapshot.pending();
    let has_history = !revisions.is_empty() || !unreadable.is_empty() || pending.is_some();
    if team.is_some() && !has_history && snapshot.grant_copy.is_none() && snapshot.rows.is_empty() {
        bail!("{} not found in the table {}", snapshot.partition, table.name);
    }
    if format == Format::Jsonl {
        revisions.iter().try_for_each(print::json_line)?;
        return Ok(End::Done);
    }
    if format == Format::Json {
        print::json(&json!({
            "table": table.name,
            "team": team,
            "pending": pending,
            "revisions": revisions,
            "unreadable": unreadable,
        }))?;
        return Ok(End::Done);
    }
    if let Some(pending) = pending {
        print::warning(&show::pending(pending));
    }
    let mut text = String::new();
    for Revision { revision, record } in &revisions {
        let PushRecord { by, at, summary, message, .. } = record;
        let (by, at, summary) = (print::escaped(by), print::escaped(at), print::escaped(summary));
        let _ = writeln!(text, "{} {at} {} {summary}", print::bold(format!("{revision:>5}")), print::dim(by));
        if let Some(message) = message {
            let _ = writeln!(text, "      {}", print::escaped(message));
        }
    }
    match revisions.is_empty() {
        // Each of them is reported.
        true if !unreadable.is_empty() => {}
        true => print::note("nothing was pushed yet"),
        false => print::out(text.trim_end()),
    }
    Ok(End::Done)
}

/// What one push changed, with what was edited in the table before it.
async fn show_one(table: &OpenTable, snapshot: &PartitionSnapshot, revision: u64, json: bool) -> anyhow::Result<End> {
    let (mut before, after) = (Rows::new(), document(table, snapshot, revision).await?);
    if revision > 1 {
        let unknown = || format!("can't find out what push {revision} changed");
        before = document(table, snapshot, revision - 1).await.with_context(unknown)?;
    }
    let diff = Diff::between(&before, &after);
    match json {
        true => print::json(&json!({ "table": table.name, "revision": revision, "changes": show::diff_json(&diff) }))?,
        false if diff.is_empty() => print::note("that push changed nothing"),
        false => print::out(show::diff(&diff).trim_end()),
    }
    Ok(End::Done)
}
