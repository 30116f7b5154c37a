//! `run`: sends what `plan` shows.

use purge_router_core::plan;

use crate::args::RunArgs;
use crate::command::event::{load, reasons};
use crate::exit::End;
use crate::print;
use crate::sender::Sender;

pub(super) async fn run(args: &RunArgs) -> anyhow::Result<End> {
    let Some((mappings, event)) = load(&args.event).await? else { return Ok(End::Problems) };
    let reasons = (!args.event.json).then(|| reasons(&mappings, &event));
    let plan = plan(&mappings, event);
    let sender = Sender::new(&args.sending, &mappings).await?;
    let report = sender.send(&plan).await;
    match reasons {
        None => print::json(&report)?,
        Some(reasons) => print::out(&(reasons + &print::report(&report))),
    }
    Ok(End::done_if(report.failed.is_empty()))
}
