//! `diff`, `push` and `rollback`: what would change is shown, agreed to, and written.

use anyhow::bail;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::{Note, Push, caller};
use purge_router_config::checksum_of_texts;
use serde_json::{Value, json};

use super::edits::{Edit, of_file, of_revision};
use super::{Kind, Table, show};
use crate::args::{DiffArgs, PushArgs, RollbackArgs, WritingArgs};
use crate::{End, print};

/// How many partitions are written side by side.
const PARTITIONS: usize = 8;

pub(super) async fn diff(kind: Kind, args: &DiffArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = of_file(kind, &table, &args.table, &args.file.path()).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    match args.json {
        true => print::json(&as_json(&table, &edits, &[]))?,
        false => print::out(&as_text(&table, &edits)),
    }
    Ok(if args.exit_code && edits.iter().any(Edit::is_needed) { End::Problems } else { End::Done })
}

pub(super) async fn run(kind: Kind, args: &PushArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = of_file(kind, &table, &args.table, &args.file.path()).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    write(&table, edits, &args.writing, "").await
}

pub(super) async fn rollback(kind: Kind, args: &RollbackArgs) -> anyhow::Result<End> {
    let table = Table::open(&args.table).await?;
    let edits = of_revision(kind, &table, &args.table, args.revision).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    let end = write(&table, edits, &args.writing, &format!("rollback to revision {}: ", args.revision)).await?;
    if end == End::Done {
        print::note("a mapping file still says what it said: pull it anew before you push it again");
    }
    Ok(end)
}

/// How the push of one edit ended.
type Pushed = Result<u64, String>;

async fn write(table: &Table, edits: Vec<Edit>, args: &WritingArgs, what: &str) -> anyhow::Result<End> {
    if let Some(expected) = &args.expect
        && ![checksum(table, &edits), checksum_of_approved(table, &edits, expected)].contains(&Some(expected.clone()))
    {
        if !args.json {
            print::out(&as_text(table, &edits));
        }
        match checksum(table, &edits) {
            Some(other) => {
                bail!("this difference is {other}, and not {expected}, which was expected: look at it again")
            }
            None => bail!("there is no difference, and {expected} was expected: was something else pushed?"),
        }
    }
    let approval = args.expect.clone().or_else(|| checksum(table, &edits)).unwrap_or_default();
    let (needed, settled): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(Edit::is_needed);
    if needed.is_empty() {
        match args.json {
            true => print::json(&as_json(table, &settled, &[]))?,
            false => print::out(&as_text(table, &settled)),
        }
        return Ok(End::Done);
    }
    if !args.json {
        print::out(&as_text(table, &needed));
    }
    let by = match caller(&table.config).await {
        Ok(arn) => arn,
        Err(reason) => {
            let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
            let user = user.unwrap_or_else(|| "somebody".to_owned());
            print::warning(&format!("AWS does not say who pushes, so the history will say {user}: {reason}"));
            user
        }
    };
    let prepared = needed.iter().map(|edit| {
        let summary = format!("{what}{}", show::deed(edit));
        let (by, message, approval) = (by.clone(), args.message.clone(), approval.clone());
        let note = Note { by, summary, message, approval, pulled: edit.pulled.as_ref().map(ToString::to_string) };
        let prepared = table.editor.prepare(&edit.partition, &edit.diff, note, args.take_over);
        prepared.map_err(|error| anyhow::anyhow!("{}: {error}", edit.name()))
    });
    // All or none is begun.
    let pushes: Vec<Push> = prepared.collect::<anyhow::Result<_>>()?;
    for edit in &needed {
        if let Some(since) = edit.pushed_since() {
            let help = "pull it anew and edit that, or delete its line `pulled` to write over what others pushed";
            bail!("{}: {since}: {help}", edit.name());
        }
    }
    for edit in needed.iter().filter(|_| !args.force) {
        if let Some(team) = edit.unnamed.first() {
            bail!(
                "the file does not name team {team}, which would lose what it has in the table: add --force if that is meant"
            );
        }
        if let Some(excess) = edit.diff.excess(&edit.partition.rows) {
            let (touched, of) = (excess.touched, print::count(excess.of, excess.kind));
            bail!(
                "{}: {touched} of {of} would change or go, more than 30 %: add --force if that is meant",
                edit.name()
            );
        }
    }
    if !args.yes && args.json {
        print::note(&as_text(table, &needed));
    }
    if !args.yes && !print::confirm(&format!("Write this to the table {}?", table.name))? {
        print::note("nothing was written");
        return Ok(End::Problems);
    }
    let bar = progress(pushes.iter().map(Push::steps).sum());
    let writes = pushes.iter().map(|push| {
        let bar = &bar;
        async move {
            let done = table.editor.push(push, |_| bar.inc(1)).await;
            done.map(|()| push.revision()).map_err(|error| error.to_string())
        }
    });
    let pushed: Vec<Pushed> = tokio::select! {
        pushed = stream::iter(writes).buffered(PARTITIONS).collect() => pushed,
        _ = tokio::signal::ctrl_c() => {
            let (done, of) = (bar.position(), bar.length().unwrap_or_default());
            bar.abandon();
            if of == 1 {
                bail!("stopped: `diff` shows whether it was written");
            }
            bail!("stopped after {done} of {of} transactions: `diff` shows what is left, and the same push completes it");
        }
    };
    bar.finish_and_clear();
    if args.json {
        print::json(&as_json(table, &needed, &pushed))?;
    }
    for (edit, pushed) in needed.iter().zip(&pushed) {
        match pushed {
            Ok(revision) if !args.json => {
                print::out(&format!("{}: {}", edit.name(), print::green(format!("revision {revision}"))));
            }
            Ok(_) => {}
            Err(error) => print::error(&print::escaped(&format!("{}: {error}", edit.name()))),
        }
    }
    Ok(if pushed.iter().all(Result::is_ok) { End::Done } else { End::Problems })
}

/// A bar on a terminal, of as many steps as there are transactions; nothing elsewhere, or for a single one.
fn progress(steps: usize) -> ProgressBar {
    let target = if steps > 1 { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(steps as u64), target);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} transactions, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn as_text(table: &Table, edits: &[Edit]) -> String {
    let mut texts: Vec<String> = edits.iter().map(show::edit).collect();
    texts.extend(checksum(table, edits).map(|checksum| print::dim(format!("checksum {checksum}"))));
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
    json!({ "table": table.name, "checksum": checksum(table, edits), "edits": edits_json })
}

/// The checksum of all differences; none where there is none.
fn checksum(table: &Table, edits: &[Edit]) -> Option<String> {
    joined(table, edits, Edit::checksum)
}

/// The checksum of all differences as they were when this was approved, if that is what is being written.
fn checksum_of_approved(table: &Table, edits: &[Edit], approved: &str) -> Option<String> {
    joined(table, edits, |edit| edit.checksum_of_approved(approved))
}

/// Of this table and these revisions: what was approved once is not approved again when the rows are what they were.
fn joined(table: &Table, edits: &[Edit], checksum: impl Fn(&Edit) -> Option<(u64, String)>) -> Option<String> {
    let of_edit = |edit: &Edit| {
        let (revision, checksum) = checksum(edit)?;
        Some([edit.partition.name.clone(), revision.to_string(), checksum])
    };
    let texts: Vec<String> = edits.iter().filter_map(of_edit).flatten().collect();
    let with_table = std::iter::once(&*table.name).chain(texts.iter().map(String::as_str));
    (!texts.is_empty()).then(|| checksum_of_texts(&with_table.collect::<Vec<_>>()))
}
