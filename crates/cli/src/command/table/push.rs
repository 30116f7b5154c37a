//! `diff`, `push` and `rollback`: what would change is shown, reviewed, agreed to, and written.

use anyhow::{bail, ensure};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::{Note, Push, caller};
use purge_router_config::{ApprovedDiff, approval_checksum, check_approval};
use serde_json::{Value, json};

use super::edit::Edit;
use super::from_file::from_file;
use super::from_revision::from_revision;
use super::show;
use super::target::{Kind, Table};
use crate::args::{DiffArgs, PushArgs, RollbackArgs, WritingArgs};
use crate::exit::End;
use crate::print;

/// How many partitions are written side by side.
const PARTITIONS: usize = 8;

pub(super) async fn diff(kind: Kind, args: &DiffArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = from_file(kind, &table, &args.table, &args.file.path()).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    show_edits(&table, &edits, args.json)?;
    Ok(if args.exit_code && edits.iter().any(Edit::is_needed) { End::Problems } else { End::Done })
}

pub(super) async fn run(kind: Kind, args: &PushArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = from_file(kind, &table, &args.table, &args.file.path()).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    write(&table, edits, &args.writing, "").await
}

pub(super) async fn rollback(kind: Kind, args: &RollbackArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = from_revision(kind, &table, &args.table, args.revision).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    let end = write(&table, edits, &args.writing, &format!("rollback to revision {}: ", args.revision)).await?;
    if end == End::Done {
        print::note("your mapping file is unchanged: pull again before you push it");
    }
    Ok(end)
}

/// How the push of one edit ended.
type Pushed = Result<u64, String>;

/// Writes what is needed of these edits: all or none of them are started.
async fn write(table: &Table, edits: Vec<Edit>, args: &WritingArgs, summary_prefix: &str) -> anyhow::Result<End> {
    if let Some(expected) = &args.expect {
        let approved = approved_again(table, &edits, expected);
        if let Err(objection) = check_approval(expected, approved_now(table, &edits).as_deref(), approved.as_deref()) {
            if !args.json {
                print::out(&as_text(table, &edits));
            }
            bail!(objection);
        }
    }
    let approval = args.expect.clone().or_else(|| approved_now(table, &edits)).unwrap_or_default();
    let (needed, settled): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(Edit::is_needed);
    if needed.is_empty() {
        show_edits(table, &settled, args.json)?;
        return Ok(End::Done);
    }
    if !args.json {
        print::out(&as_text(table, &needed));
    }
    let pushes = prepare(table, &needed, args, &approval, summary_prefix).await?;
    for edit in &needed {
        let reviewed = edit.proposed().review(args.force);
        reviewed.map_err(|objection| anyhow::anyhow!(print::escaped(&format!("{}: {objection}", edit.name()))))?;
    }
    if !args.yes && args.json {
        print::note(&as_text(table, &needed));
    }
    if !args.yes && !print::confirm(&format!("Write this to the table {}?", table.name))? {
        print::note("nothing was written");
        return Ok(End::Problems);
    }
    let pushed = push_all(table, &pushes).await?;
    report(table, &needed, &pushed, args.json)
}

async fn prepare(
    table: &Table,
    edits: &[Edit],
    args: &WritingArgs,
    approval: &str,
    summary_prefix: &str,
) -> anyhow::Result<Vec<Push>> {
    let by = user(table).await;
    let prepared = edits.iter().map(|edit| {
        let note = Note {
            by: by.clone(),
            summary: format!("{summary_prefix}{}", show::history_summary(edit)),
            message: args.message.clone(),
            approval: approval.to_owned(),
            pulled: edit.pulled.as_ref().map(ToString::to_string),
        };
        let prepared = table.editor.prepare(&edit.partition, &edit.diff, note, args.take_over);
        prepared.map_err(|error| anyhow::anyhow!("{}: {error}", edit.name()))
    });
    prepared.collect()
}

/// Who pushes: an ARN if AWS knows it.
async fn user(table: &Table) -> String {
    match caller(&table.config).await {
        Ok(arn) => arn,
        Err(reason) => {
            let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
            let user = user.unwrap_or_else(|| "somebody".to_owned());
            print::warning(&format!("AWS does not say who pushes, so the history will say {user}: {reason}"));
            user
        }
    }
}

async fn push_all(table: &Table, pushes: &[Push]) -> anyhow::Result<Vec<Pushed>> {
    let bar = progress(pushes.iter().map(Push::transactions).sum());
    let writes = pushes.iter().map(|push| {
        let bar = &bar;
        async move {
            let done = table.editor.push(push, |_| bar.inc(1)).await;
            done.map(|()| push.revision()).map_err(|error| error.to_string())
        }
    });
    let pushed = tokio::select! {
        pushed = stream::iter(writes).buffered(PARTITIONS).collect() => Some(pushed),
        _ = tokio::signal::ctrl_c() => None,
    };
    if let Some(pushed) = pushed {
        bar.finish_and_clear();
        return Ok(pushed);
    }
    let (done, of) = (bar.position(), bar.length().unwrap_or_default());
    bar.abandon();
    ensure!(of > 1, "stopped: `diff` shows whether it was written");
    bail!("stopped after {done} of {of} transactions: `diff` shows what is left, and the same push completes it")
}

fn report(table: &Table, edits: &[Edit], pushed: &[Pushed], json: bool) -> anyhow::Result<End> {
    if json {
        print::json(&as_json(table, edits, pushed))?;
    }
    for (edit, pushed) in edits.iter().zip(pushed) {
        match pushed {
            Ok(revision) if !json => {
                print::out(&format!("{}: {}", edit.name(), print::green(format!("revision {revision}"))));
            }
            Ok(_) => {}
            Err(error) => print::error(&print::escaped(&format!("{}: {error}", edit.name()))),
        }
    }
    Ok(if pushed.iter().all(Result::is_ok) { End::Done } else { End::Problems })
}

/// A progress bar on a terminal; nothing elsewhere, or for a single transaction.
fn progress(transactions: usize) -> ProgressBar {
    let target = if transactions > 1 { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(transactions as u64), target);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} transactions, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show_edits(table: &Table, edits: &[Edit], json: bool) -> anyhow::Result<()> {
    match json {
        true => print::json(&as_json(table, edits, &[]))?,
        false => print::out(&as_text(table, edits)),
    }
    Ok(())
}

fn as_text(table: &Table, edits: &[Edit]) -> String {
    let mut texts: Vec<String> = edits.iter().map(show::edit).collect();
    texts.extend(approved_now(table, edits).map(|checksum| print::dim(format!("checksum {checksum}"))));
    texts.join("\n")
}

fn as_json(table: &Table, edits: &[Edit], pushed: &[Pushed]) -> Value {
    let mut edits_json: Vec<Value> = edits.iter().map(show::edit_json).collect();
    for (edit, pushed) in edits_json.iter_mut().zip(pushed) {
        match pushed {
            Ok(revision) => edit["pushed"] = json!({ "revision": revision }),
            Err(error) => edit["pushed"] = json!({ "error": error }),
        }
    }
    json!({ "table": table.name, "checksum": approved_now(table, edits), "edits": edits_json })
}

/// The checksum by which these differences are approved; `None` if there is none.
fn approved_now(table: &Table, edits: &[Edit]) -> Option<String> {
    let diffs: Vec<ApprovedDiff> = edits.iter().filter_map(Edit::to_approve).collect();
    approval_checksum(&table.name, &diffs)
}

/// The checksum as it was when this was approved, if that is what is being written.
fn approved_again(table: &Table, edits: &[Edit], approval: &str) -> Option<String> {
    let diffs: Vec<ApprovedDiff> = edits.iter().filter_map(|edit| edit.to_approve_again(approval)).collect();
    approval_checksum(&table.name, &diffs)
}
