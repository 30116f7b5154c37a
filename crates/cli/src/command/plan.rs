//! `plan`: shows exactly the requests that `run` or the function would send.

use purge_router_core::plan;

use crate::args::PlanArgs;
use crate::command::event::{load, reasons};
use crate::exit::End;
use crate::print;

pub(super) async fn run(args: &PlanArgs) -> anyhow::Result<End> {
    let Some((mappings, event)) = load(&args.event).await? else { return Ok(End::Problems) };
    let reasons = (!args.event.json).then(|| reasons(&mappings, &event));
    let plan = plan(&mappings, event);
    match reasons {
        None => print::json(&plan)?,
        Some(reasons) => print::out(&(reasons + &print::plan(&plan))),
    }
    Ok(End::done_if(plan.failed_origins().is_empty()))
}
