//! `explain`: which mappings fire for one change, what they purge, and why the others decline.

use std::fmt::Write;

use purge_router_core::{Change, ChangeKind, Decline, Event, Mapping, Origin, Plan, Route, plan, route_all};
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
    let change = Change { bucket, key, kind, time: None, origin: Origin::Invocation };
    let routes: Vec<Route<'_>> = route_all(&mappings, &change).collect();
    let plan = plan(&mappings, Event { changes: vec![change.clone()], ..Event::default() });
    match args.json {
        true => print::json(&as_json(&change, &routes, &plan))?,
        false => print::out(&as_text(&change, &routes, &plan)),
    }
    Ok(End::done_if(plan.failed_origins().is_empty()))
}

fn as_json(change: &Change, routes: &[Route<'_>], plan: &Plan) -> serde_json::Value {
    let fires: Vec<_> = hits(routes).map(|mapping| json!({ "mapping": mapping.name, "team": mapping.team })).collect();
    let declined: Vec<_> = declines(routes)
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

fn as_text(change: &Change, routes: &[Route<'_>], plan: &Plan) -> String {
    let mut text = format!("{} {}\n\n", print::bold(print::escaped(&change.object())), print::dim(change.kind));
    for mapping in hits(routes) {
        let zones: Vec<&str> = mapping.zones.iter().map(|zone| zone.domain.as_str()).collect();
        let _ = writeln!(text, "{} {} → {}", print::green("fires   "), describe(mapping), zones.join(", "));
    }
    let is_elsewhere = |reason: &Decline<'_>| matches!(reason, Decline::OtherBucket);
    let elsewhere = declines(routes).filter(|(_, reason)| is_elsewhere(reason)).count();
    for (mapping, reason) in declines(routes).filter(|(_, reason)| !is_elsewhere(reason)) {
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

fn hits<'m>(routes: &[Route<'m>]) -> impl Iterator<Item = &'m Mapping> {
    routes.iter().filter(|route| route.is_hit()).map(|route| route.mapping)
}

fn declines<'r, 'm>(routes: &'r [Route<'m>]) -> impl Iterator<Item = (&'m Mapping, &'r Decline<'m>)> {
    routes.iter().filter_map(|route| Some((route.mapping, route.answer.as_ref().err()?)))
}

fn describe(mapping: &Mapping) -> String {
    format!("{} {}", print::escaped(&mapping.name), print::dim(print::escaped(&mapping.source.to_string())))
}
