//! `run`: sends what `plan` shows, and purges again what `again_after` asks for.

mod second_purges;

use purge_router_core::{Mappings, Plan, plan};
use purge_router_pipeline::Report;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use self::second_purges::{Due, InMemory};
use crate::args::RunArgs;
use crate::command::event::{load, reasons};
use crate::exit::End;
use crate::sender::Sender;
use crate::{print, shutdown};

/// A report with those of the second purges that the plan lists as `second_purges`, for programs.
#[derive(Serialize)]
struct Reports<'r, 'p> {
    #[serde(flatten)]
    first: &'r Report<'p>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    second_reports: Vec<Value>,
}

pub(super) async fn run(args: &RunArgs) -> anyhow::Result<End> {
    let Some((mappings, event)) = load(&args.event).await? else { return Ok(End::Problems) };
    let reasons = (!args.event.json).then(|| reasons(&mappings, &event));
    let mut plan = plan(&mappings, event);
    if args.once {
        plan.second_purges.clear();
    }
    let sender = Sender::new(&args.sending, &mappings, &plan).await?;
    let first = sender.send(&plan).await;
    let purged_at = Instant::now();
    if let Some(reasons) = &reasons {
        print::out(&(reasons.clone() + &print::report(&first)));
    }
    if !first.stopped().is_empty() {
        let again = print::command_line(&[]);
        print::note(&format!(
            "to send the rest, too (what was purged is purged once more, which is harmless): {again}"
        ));
    }
    let due = if args.once { Vec::new() } else { due(&sender, &plan, &first).await };
    warn_of_verification(&plan);
    let mut is_good = first.failed.is_empty() && plan.checks.is_empty();
    let mut second_reports = Vec::new();
    for due in due {
        let after = due.after.as_secs();
        let Some(plan) = plan_when_due(due, purged_at, &mappings).await else {
            is_good = false;
            break;
        };
        let report = sender.send(&plan).await;
        is_good &= report.failed.is_empty();
        match reasons {
            None => second_reports.push(as_json(after, &report)?),
            Some(_) => print::out(&format!("\nsecond purge, {after} s later\n{}", print::report(&report))),
        }
    }
    if reasons.is_none() {
        print::json(&Reports { first: &first, second_reports })?;
    }
    Ok(End::done_if(is_good))
}

/// Says which URLs would be looked at by the function, and are not here.
fn warn_of_verification(plan: &Plan) {
    let urls = plan.samples.iter().map(|sample| sample.urls.len()).sum::<usize>() + plan.checks.len();
    if urls > 0 {
        let help = "`purge-router purge URL --verify` purges and verifies a URL";
        print::warning(&format!("`run` does not verify: URLs that are not looked at: {urls}; {help}"));
    }
}

/// The second purges of what was purged.
async fn due(sender: &Sender, plan: &Plan, first: &Report<'_>) -> Vec<Due> {
    let queue = InMemory::default();
    sender.queue_second_purges(&queue, Report::new(plan, first.outcomes.clone())).await;
    queue.into_due()
}

/// Plans a second purge when it is due; `None` if a signal comes first.
async fn plan_when_due(Due { after, event }: Due, purged_at: Instant, mappings: &Mappings) -> Option<Plan> {
    print::progress(&format!("purges again {} s after the first purge; Ctrl-C leaves that out", after.as_secs()));
    let waiting = async {
        tokio::select! {
            () = sleep_until(purged_at + after) => true,
            _ = shutdown::requested() => false,
        }
    };
    shutdown::reporting(waiting).await.then(|| plan(mappings, event))
}

fn as_json(after: u64, report: &Report<'_>) -> serde_json::Result<Value> {
    let mut json = json!({ "after": after });
    if let (Value::Object(json), Value::Object(report)) = (&mut json, serde_json::to_value(report)?) {
        json.extend(report);
    }
    Ok(json)
}
