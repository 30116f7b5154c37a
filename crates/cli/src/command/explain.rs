//! `explain`: which mappings fire for one change, what they purge, and why the others decline.

use std::fmt::Write;

use purge_router_core::{Change, ChangeKind, Decline, Event, Mapping, Origin, Plan, Route, plan, route};
use serde_json::json;

use crate::args::{EventKind, ExplainArgs};
use crate::exit::End;
use crate::{mappings, print};

pub(super) async fn run(args: &ExplainArgs) -> anyhow::Result<End> {
    let (bucket, key) = args.object.clone();
    let buckets = [bucket.clone()].into();
    let Some(mappings) = mappings::load_of_buckets(&args.mappings, buckets).await? else { return Ok(End::Problems) };
    let kind = match args.event {
        EventKind::Created => ChangeKind::Created,
        EventKind::Removed => ChangeKind::Removed,
        EventKind::Restored => ChangeKind::Restored,
        EventKind::Tagged => ChangeKind::Tagged,
        EventKind::Acl => ChangeKind::Acl,
    };
    let change = Change { bucket, key, kind, time: None, sequencer: None, origin: Origin::Invocation };
    let route = route(&mappings, &change);
    let plan = plan(&mappings, Event { changes: vec![change.clone()], ..Event::default() });
    match args.json {
        true => print::json(&as_json(&change, &route, &plan))?,
        false => print::out(&as_text(&change, &route, &plan)),
    }
    Ok(End::done_if(plan.failed_origins().is_empty()))
}

fn as_json(change: &Change, route: &Route<'_>, plan: &Plan) -> serde_json::Value {
    let fires: Vec<_> =
        route.fires.iter().map(|mapping| json!({ "mapping": mapping.name, "team": mapping.team })).collect();
    let declined: Vec<_> = route
        .declined
        .iter()
        .map(|(mapping, reason)| json!({ "mapping": mapping.name, "team": mapping.team, "reason": reason.to_string() }))
        .collect();
    json!({
        "object": change.object(),
        "event": change.kind,
        "fires": fires,
        "declined": declined,
        "rejected": plan.rejected,
        "batches": plan.batches,
    })
}

fn as_text(change: &Change, route: &Route<'_>, plan: &Plan) -> String {
    let mut text = format!("{} {}\n\n", print::bold(print::escaped(&change.object())), print::dim(change.kind));
    for mapping in &route.fires {
        let zones: Vec<&str> = mapping.zones.iter().map(|zone| zone.domain.as_str()).collect();
        let _ = writeln!(text, "{} {} → {}", print::green("fires   "), describe(mapping), zones.join(", "));
    }
    let elsewhere = route.declined.iter().filter(|(_, reason)| *reason == Decline::OtherBucket).count();
    for (mapping, reason) in route.declined.iter().filter(|(_, reason)| *reason != Decline::OtherBucket) {
        let _ = writeln!(
            text,
            "{} {}: {}",
            print::yellow("declines"),
            describe(mapping),
            print::escaped(&reason.to_string())
        );
    }
    if elsewhere > 0 {
        let _ = writeln!(
            text,
            "{}",
            print::dim(format!("         {} of other buckets", print::count(elsewhere, "mapping")))
        );
    }
    let _ = write!(text, "\n{}", print::plan(plan));
    text
}

fn describe(mapping: &Mapping) -> String {
    format!("{} {}", mapping.name, print::dim(print::escaped(&mapping.source.to_string())))
}
