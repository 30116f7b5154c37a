//! `plan`: exactly the requests that would be sent, and none is.

use purge_router_core::{Event, Mappings, decode, plan, route};

use super::event_bytes;
use crate::args::{EventArgs, PlanArgs};
use crate::{End, mappings, print};

pub(crate) async fn run(args: &PlanArgs) -> anyhow::Result<End> {
    let Some((mappings, event)) = load(&args.event).await? else { return Ok(End::Problems) };
    let why = (!args.event.json).then(|| reasons(&mappings, &event));
    let plan = plan(&mappings, event);
    match why {
        None => print::json(&plan)?,
        Some(why) => print::out(&(why + &print::plan(&plan))),
    }
    Ok(if plan.failed_origins().is_empty() { End::Done } else { End::Problems })
}

/// Reads mappings and event; `None` says that the mapping file has problems, which were shown.
pub(crate) async fn load(args: &EventArgs) -> anyhow::Result<Option<(Mappings, Event)>> {
    if args.mappings.table.is_none() {
        let Some(mappings) = mappings::load(&args.mappings).await? else { return Ok(None) };
        return Ok(Some((mappings, decode(&event_bytes(&args.event)?)?)));
    }
    let event = decode(&event_bytes(&args.event)?)?;
    let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
    let mappings = mappings::load_of(&args.mappings, buckets).await?;
    Ok(mappings.map(|mappings| (mappings, event)))
}

/// Why each change leads where it does, a line each.
pub(crate) fn reasons(mappings: &Mappings, event: &Event) -> String {
    print::reasons(event.changes.iter().map(|change| {
        let (mut fires, mut declines) = (Vec::new(), Vec::new());
        for route in route(mappings, change) {
            match route.answer {
                Ok(()) => fires.push(route.mapping.name.clone()),
                Err(reason) => declines.push(format!("{}: {reason}", route.mapping.name)),
            }
        }
        (format!("{} {}", change.object(), change.kind), fires, declines)
    }))
}
