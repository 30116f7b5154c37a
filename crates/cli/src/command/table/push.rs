//! `diff`, `push` and `rollback`: what would change is shown, reviewed, agreed to, and written.

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::bail;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use purge_router_aws::{Push, PushDescription, PushError, caller};
use purge_router_config::{ApprovedDiff, Checksum, approval_checksum, check_approval};
use serde_json::{Value, json};

use super::edit::Edit;
use super::from_file::from_file;
use super::from_revision::from_revision;
use super::show;
use super::target::{Kind, OpenTable};
use crate::args::{DiffArgs, PushArgs, RollbackArgs, WritingArgs};
use crate::exit::End;
use crate::{print, shutdown};

/// How many partitions are written at once.
const CONCURRENT_WRITES: usize = 8;

pub(super) async fn diff(kind: Kind, args: &DiffArgs) -> anyhow::Result<End> {
    let table = OpenTable::open(&args.table).await?;
    let edits = from_file(kind, &table, &args.table, &args.file.path_or(&args.only)).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    show_edits(&table, &edits, args.json)?;
    Ok(if args.exit_code && edits.iter().any(Edit::needs_write) { End::Problems } else { End::Done })
}

pub(super) async fn run(kind: Kind, args: &PushArgs) -> anyhow::Result<End> {
    let table = OpenTable::open(&args.table).await?;
    let path = args.file.path_or(&args.only);
    let reading = from_file(kind, &table, &args.table, &path);
    let edits = print::spinning(&format!("comparing with {}", print::escaped(&table.name)), reading).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    write(&table, edits, &args.writing, "").await
}

pub(super) async fn rollback(kind: Kind, args: &RollbackArgs) -> anyhow::Result<End> {
    let table = OpenTable::open(&args.table).await?;
    let edits = from_revision(kind, &table, &args.table, args.revision).await?;
    let Some(edits) = edits else { return Ok(End::Problems) };
    let changes_something = edits.iter().any(Edit::needs_write);
    let end = write(&table, edits, &args.writing, &format!("rollback to revision {}: ", args.revision)).await?;
    if end == End::Done && changes_something {
        print::note("your mapping file is unchanged: pull again before you push it");
    }
    Ok(end)
}

/// The revision that a push wrote, or why it failed.
type Pushed = Result<u64, String>;

/// Writes what is needed of these edits: all or none of them are started.
async fn write(table: &OpenTable, edits: Vec<Edit>, args: &WritingArgs, summary_prefix: &str) -> anyhow::Result<End> {
    let mut approval = current_approval(table, &edits);
    if let Some(expected) = &args.expect {
        let as_started = approval_as_started(table, &edits, expected);
        if let Err(objection) = check_approval(expected, approval, as_started) {
            if !args.json {
                print::out(&as_text(table, &edits));
            }
            bail!(objection);
        }
        approval = expected.parse().ok();
    }
    let needed: Vec<&Edit> = edits.iter().filter(|edit| edit.needs_write()).collect();
    if needed.is_empty() {
        show_edits(table, &edits, args.json)?;
        return Ok(End::Done);
    }
    let text = as_text(table, needed.iter().copied());
    if !args.json {
        print::out(&text);
    }
    // While another push is in progress, the rows are not what a reviewer should judge.
    let pushes = prepare(table, &needed, args, approval, summary_prefix).await?;
    for edit in &needed {
        if let Err(objection) = edit.proposed().review(args.force) {
            bail!(print::escaped(&format!("{}: {objection}", edit.name())));
        }
    }
    if !args.yes && args.json {
        print::note(&text);
    }
    if !args.yes && !print::confirm(&format!("Write this to the table {}?", table.name)).await? {
        print::note("nothing was written");
        return Ok(End::Problems);
    }
    let pushed = push_all(table, &pushes).await;
    if args.json {
        print::json(&as_json(table, &edits, &pushed))?;
    }
    Ok(report(&needed, &pushed, args.json))
}

async fn prepare(
    table: &OpenTable,
    edits: &[&Edit],
    args: &WritingArgs,
    approval: Option<Checksum>,
    summary_prefix: &str,
) -> anyhow::Result<Vec<Push>> {
    let by = user(table).await;
    let prepared = edits.iter().map(|edit| {
        let description = PushDescription {
            by: by.clone(),
            summary: format!("{summary_prefix}{}", show::history_summary(edit)),
            message: args.message.clone(),
            approval,
            pulled: edit.pulled.clone(),
        };
        let push = table.prepare(&edit.snapshot, &edit.diff, description, args.take_over);
        push.map_err(|error| anyhow::anyhow!("{}: {error}", edit.name()))
    });
    prepared.collect()
}

/// The name of the user for the history: the ARN of the caller, or else `USER`.
async fn user(table: &OpenTable) -> String {
    match caller(&table.config).await {
        Ok(arn) => arn,
        Err(reason) => {
            let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
            let user = user.unwrap_or_else(|| "somebody".to_owned());
            print::warning(&format!("can't get your AWS identity; recording `{user}`: {reason}"));
            user
        }
    }
}

/// A push under way, and how it ended.
struct RunningPush<'p> {
    push: &'p Push,
    is_started: AtomicBool,
    transactions_done: AtomicUsize,
    pushed: OnceLock<Pushed>,
}

impl RunningPush<'_> {
    async fn run(&self, table: &OpenTable, bar: &ProgressBar) {
        if shutdown::received().is_some() {
            return;
        }
        self.is_started.store(true, Ordering::Relaxed);
        let on_progress = |done| {
            self.transactions_done.store(done, Ordering::Relaxed);
            bar.inc(1);
            shutdown::received().map_or(ControlFlow::Continue(()), |_| ControlFlow::Break(()))
        };
        let written = match shutdown::write("writing", table.push_while(self.push, on_progress)).await {
            Err(PushError::Stopped) => return,
            written => written,
        };
        self.pushed.get_or_init(|| written.map(|()| self.push.revision()).map_err(|error| error.to_string()));
    }

    /// How it ended; if it did not, how far it is.
    fn end(self) -> Pushed {
        let (done, of) = (self.transactions_done.into_inner(), self.push.transactions());
        self.pushed.into_inner().unwrap_or_else(|| {
            Err(match of {
                _ if !self.is_started.into_inner() => "stopped: nothing was written".to_owned(),
                1 => "stopped: `diff` shows whether it was written".to_owned(),
                _ => {
                    let help = "`diff` shows what is left, and the same push completes it";
                    format!("stopped after {done} of {of} transactions: {help}")
                }
            })
        })
    }
}

/// Writes until all are written, or until a signal stops it between two transactions.
async fn push_all(table: &OpenTable, pushes: &[Push]) -> Vec<Pushed> {
    let bar = progress(pushes.iter().map(Push::transactions).sum());
    let start = |push| RunningPush {
        push,
        is_started: AtomicBool::new(false),
        transactions_done: AtomicUsize::new(0),
        pushed: OnceLock::new(),
    };
    let running: Vec<RunningPush<'_>> = pushes.iter().map(start).collect();
    let writes = stream::iter(&running).for_each_concurrent(CONCURRENT_WRITES, |push| push.run(table, &bar));
    match shutdown::until_stopped(writes).await {
        Ok(()) => bar.finish_and_clear(),
        Err(_) => bar.abandon(),
    }
    running.into_iter().map(RunningPush::end).collect()
}

fn report(edits: &[&Edit], pushed: &[Pushed], json: bool) -> End {
    for (edit, pushed) in edits.iter().zip(pushed) {
        match pushed {
            Ok(revision) if !json => {
                print::out(&format!("{}: {}", edit.name(), print::green(format!("revision {revision}"))));
            }
            Ok(_) => {}
            Err(error) => print::error(&format!("{}: {error}", edit.name())),
        }
    }
    let is_done = pushed.iter().all(Result::is_ok);
    if !is_done && shutdown::received().is_some() {
        print::note(&format!("to complete it: {}", print::command_line(&[])));
    }
    End::done_if(is_done)
}

/// A progress bar on a terminal; nothing elsewhere, or for a single transaction.
fn progress(transactions: usize) -> ProgressBar {
    let target = if transactions > 1 { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(transactions as u64), target);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} transactions, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn show_edits(table: &OpenTable, edits: &[Edit], json: bool) -> anyhow::Result<()> {
    match json {
        true => print::json(&as_json(table, edits, &[]))?,
        false => print::out(&as_text(table, edits)),
    }
    Ok(())
}

fn as_text<'e>(table: &OpenTable, edits: impl IntoIterator<Item = &'e Edit> + Clone) -> String {
    let mut texts: Vec<String> = edits.clone().into_iter().map(show::edit).collect();
    texts.extend(current_approval(table, edits).map(|checksum| print::dim(format!("checksum {checksum}"))));
    texts.join("\n")
}

/// All edits as JSON. `pushed` is of those that need a write, in their order.
fn as_json(table: &OpenTable, edits: &[Edit], pushed: &[Pushed]) -> Value {
    let mut edits_json: Vec<Value> = edits.iter().map(show::edit_json).collect();
    let needed = edits_json.iter_mut().zip(edits).filter(|(_, edit)| edit.needs_write()).map(|(json, _)| json);
    for (edit, pushed) in needed.zip(pushed) {
        match pushed {
            Ok(revision) => edit["pushed"] = json!({ "revision": revision }),
            Err(error) => edit["pushed"] = json!({ "error": error }),
        }
    }
    let checksum = current_approval(table, edits).map(|checksum| checksum.to_string());
    json!({ "table": table.name, "checksum": checksum, "edits": edits_json })
}

/// The checksum that `diff` shows for these edits, and by which they are approved; `None` if there is no difference.
fn current_approval<'e>(table: &OpenTable, edits: impl IntoIterator<Item = &'e Edit>) -> Option<Checksum> {
    let diffs: Vec<ApprovedDiff> = edits.into_iter().filter_map(|edit| edit.approval_state().current()).collect();
    approval_checksum(&table.name, &diffs)
}

/// The checksum as `diff` showed it before the push of these edits was started under this approval.
fn approval_as_started(table: &OpenTable, edits: &[Edit], approval: &str) -> Option<Checksum> {
    let diffs: Vec<ApprovedDiff> = edits.iter().filter_map(|edit| edit.approval_state().as_started(approval)).collect();
    approval_checksum(&table.name, &diffs)
}
