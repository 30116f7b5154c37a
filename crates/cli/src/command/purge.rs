//! `purge`: purges by hand, with the same batches, tokens and limits as every other purge.

mod request;
mod spelling;
mod verify;
mod zone;

use std::path::Path;
use std::time::Duration;

use purge_router_core::{Batch, Method, Mode, Origin, Plan, PurgeRequest, batches};
use serde_json::json;
use tokio::time::Instant;

use self::request::{Requested, requested_items};
use crate::args::{PurgeArgs, PurgeMode};
use crate::command::event::{check_stdin, lines, read_bytes};
use crate::exit::End;
use crate::sender::Sender;
use crate::{mappings, print, shutdown};

pub(super) async fn run(args: &PurgeArgs) -> anyhow::Result<End> {
    let urls = urls(args).await?;
    let Some(mappings) = mappings::load(&args.mappings, args.team.as_slice()).await? else {
        return Ok(End::Problems);
    };
    let requested = requested_items(args, &urls, &mappings)?;
    let plan = plan_of(&requested, mode(args));
    if args.dry_run {
        return show(&plan, args.json);
    }
    if !is_allowed(args, &plan).await? {
        print::note("nothing was purged");
        return Ok(End::Problems);
    }
    let sender = Sender::new(&args.sending, &mappings, &plan).await?;
    let purged_at = Instant::now();
    let report = sender.send(&plan).await;
    let checks = match args.verify && report.failed.is_empty() {
        true => match shutdown::until_stopped(verify(args, &requested, purged_at)).await {
            Ok(checks) => checks?,
            Err(_) => {
                print::warning("stopped before the edge was checked");
                Vec::new()
            }
        },
        false => Vec::new(),
    };
    let is_checked = !args.verify || shutdown::received().is_none() || !checks.is_empty();
    if args.json {
        print::json(
            &json!({ "batches": plan.batches, "outcomes": report.outcomes, "failed": report.failed, "verified": checks }),
        )?;
    } else {
        print::out(&print::report(&report));
        checks.iter().for_each(|check| print::out(&check.to_string()));
    }
    Ok(End::done_if(report.failed.is_empty() && is_checked && checks.iter().all(|check| check.fresh)))
}

/// The URLs of the arguments, with those of standard input in place of `-`.
async fn urls(args: &PurgeArgs) -> anyhow::Result<Vec<String>> {
    let mut urls = Vec::new();
    for url in &args.urls {
        match url.as_str() {
            "-" => {
                check_stdin(Path::new("-"), &args.mappings.source()?)?;
                let list = read_bytes(Path::new("-")).await?;
                urls.extend(lines(&list)?.map(|(_, line)| line.to_owned()));
            }
            url => urls.push(url.to_owned()),
        }
    }
    Ok(urls)
}

fn show(plan: &Plan, json: bool) -> anyhow::Result<End> {
    match json {
        true => print::json(&json!({ "batches": plan.batches }))?,
        false => print::out(&print::plan(plan)),
    }
    Ok(End::Done)
}

/// Asks before all that is cached for a host or a zone is purged: every visit after that is a miss.
async fn is_allowed(args: &PurgeArgs, plan: &Plan) -> anyhow::Result<bool> {
    let whole = |batch: &&Batch| matches!(batch.method(), Method::Hosts | Method::Everything);
    let wide: Vec<String> = plan.batches.iter().filter(whole).map(print::batch_title).collect();
    if wide.is_empty() || args.yes || args.sending.sandbox {
        return Ok(true);
    }
    print::confirm(&format!("{}?", wide.join(", "))).await
}

fn mode(args: &PurgeArgs) -> Mode {
    match args.mode {
        PurgeMode::Purge => Mode::Purge,
        PurgeMode::Invalidate => Mode::Invalidate,
    }
}

fn plan_of(requested: &[Requested<'_>], mode: Mode) -> Plan {
    let origin = Origin::Invocation;
    let requests = requested.iter().map(|Requested { zone, item }| PurgeRequest {
        zone,
        mode,
        item: item.clone(),
        origin: &origin,
        changed_at: None,
    });
    Plan { batches: batches(requests), ..Plan::default() }
}

async fn verify(
    args: &PurgeArgs,
    requested: &[Requested<'_>],
    purged_at: Instant,
) -> anyhow::Result<Vec<verify::EdgeCheck>> {
    let urls: Vec<&str> = requested.iter().filter_map(Requested::url).collect();
    let deadline = purged_at + Duration::from_secs(args.sending.deadline);
    verify::check_all(&urls, args.edge.as_ref(), mode(args), purged_at, deadline).await
}
