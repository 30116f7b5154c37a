//! `run`: sends what `plan` shows.

use purge_router_core::plan;

use super::plan::{load, reasons};
use crate::args::RunArgs;
use crate::sender::Sender;
use crate::{End, print};

pub(crate) async fn run(args: &RunArgs) -> anyhow::Result<End> {
    let Some((mappings, event)) = load(&args.event).await? else { return Ok(End::Problems) };
    let why = (!args.event.json).then(|| reasons(&mappings, &event));
    let plan = plan(&mappings, event);
    let sender = Sender::new(&args.sending, &mappings).await?;
    let report = sender.send(&plan).await;
    match why {
        None => print::json(&report)?,
        Some(why) => print::out(&(why + &print::report(&report))),
    }
    Ok(if report.failed.is_empty() { End::Done } else { End::Problems })
}
