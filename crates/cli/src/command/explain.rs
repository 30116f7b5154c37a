//! `explain`: which mappings fire for one change or those of an event, what they purge, and why the others decline.

use std::fmt::Write;

use purge_router_core::{
    Change, ChangeKind, Decline, Event, Mapping, NamedPaths, PathRewrite, Plan, Route, named_paths, plan, route_all,
};
use serde_json::json;

use crate::args::{EventKind, ExplainArgs, Explained};
use crate::command::event::{buckets_of, read};
use crate::exit::{End, Misuse};
use crate::{mappings, print};

pub(super) async fn run(args: &ExplainArgs) -> anyhow::Result<End> {
    let event = event(args).await?;
    let Some(mappings) = mappings::load_of_buckets(&args.mappings, buckets_of(&event)).await? else {
        return Ok(End::Problems);
    };
    let whole_plan = plan(&mappings, event.clone());
    let explanations = event.changes.iter().map(|change| {
        let routes: Vec<Route<'_>> = route_all(&mappings, change).collect();
        let plan = plan(&mappings, Event { changes: vec![change.clone()], ..Event::default() });
        (change, routes, plan)
    });
    match (&args.explained, args.json) {
        (Explained::Object(..), true) => {
            for (change, routes, plan) in explanations {
                print::json(&as_json(change, &routes, &plan))?;
            }
        }
        (Explained::Event(_), true) => {
            let changes: Vec<_> = explanations.map(|(change, routes, plan)| as_json(change, &routes, &plan)).collect();
            print::json(&json!({ "changes": changes, "ignored": event.ignored, "rejected": event.rejected }))?;
        }
        (_, false) => {
            let texts = explanations.map(|(change, routes, plan)| as_text(change, &routes, &plan));
            print::out(&texts.chain(unexplained(&event)).collect::<Vec<_>>().join("\n\n"));
        }
    }
    Ok(End::done_if(whole_plan.failed_origins().is_empty()))
}

/// The event, or an event of one change of an object.
async fn event(args: &ExplainArgs) -> anyhow::Result<Event> {
    let change = match &args.explained {
        Explained::Object(change) => change.clone(),
        Explained::Event(_) if args.event.is_some() => {
            return Err(Misuse("--event is for s3://bucket/key; an event says itself what happened".to_owned()).into());
        }
        Explained::Event(path) => {
            return read(path).await.map_err(|error| match error.downcast::<Misuse>() {
                Ok(Misuse(problem)) => Misuse(format!("{problem}; for one object write s3://bucket/key")).into(),
                Err(error) => error,
            });
        }
    };
    let kind = match args.event.unwrap_or(EventKind::Created) {
        EventKind::Created => ChangeKind::Created,
        EventKind::Removed => ChangeKind::Removed,
        EventKind::Restored => ChangeKind::Restored,
        EventKind::Tagged => ChangeKind::Tagged,
        EventKind::Acl => ChangeKind::Acl,
    };
    Ok(Event { changes: vec![Change { kind, ..change }], ..Event::default() })
}

/// What an event holds beside changes.
fn unexplained(event: &Event) -> Option<String> {
    let (ignored, rejected) = (event.ignored.clone(), event.rejected.clone());
    let is_empty = ignored.is_empty() && rejected.is_empty();
    (!is_empty || event.changes.is_empty())
        .then(|| print::plan(&plan(&Default::default(), Event { changes: Vec::new(), ignored, rejected })))
}

fn as_json(change: &Change, routes: &[Route<'_>], plan: &Plan) -> serde_json::Value {
    let fires: Vec<_> = hits(routes).map(|mapping| fires_as_json(mapping, change)).collect();
    let declined: Vec<_> = declines(routes)
        .map(|(mapping, reason)| json!({ "mapping": mapping.name, "team": mapping.team, "reason": reason.to_string() }))
        .collect();
    let mut answer = json!({
        "object": change.object(),
        "event": change.kind,
        "fires": fires,
        "declined": declined,
        "rejected": plan.rejected,
        "batches": plan.batches,
    });
    // As in a plan.
    if !plan.again.is_empty() {
        answer["again"] = json!(plan.again);
    }
    answer
}

fn fires_as_json(mapping: &Mapping, change: &Change) -> serde_json::Value {
    let mut fires = json!({ "mapping": mapping.name, "team": mapping.team });
    if let Some(paths) = named_paths(mapping, &change.key) {
        fires["paths"] = json!({ "url": paths.url, "prefix": paths.prefix, "reason": path_reason(mapping, &paths) });
    }
    fires
}

/// Why a mapping that rewrites paths purges these.
fn path_reason(mapping: &Mapping, paths: &NamedPaths) -> &'static str {
    match (mapping.urls.path_rewrite, &paths.prefix) {
        (_, None) => "a purge by URL names the path that visitors request",
        (PathRewrite::Origin, Some(_)) => {
            "path_rewrite is `origin`: paths are rewritten behind the cache, so that purges by URL and by prefix name the path \
             that visitors request"
        }
        (PathRewrite::TransformRule, Some(_)) => {
            "path_rewrite is `transform-rule`: a purge by URL names the path that visitors request, and a purge by prefix the \
             path after the rule"
        }
    }
}

fn as_text(change: &Change, routes: &[Route<'_>], plan: &Plan) -> String {
    let mut text = format!("{} {}\n\n", print::bold(print::escaped(&change.object())), print::dim(change.kind));
    for mapping in hits(routes) {
        let zones: Vec<&str> = mapping.zones.iter().map(|zone| zone.domain.as_str()).collect();
        let _ = writeln!(text, "{} {} → {}", print::green("fires   "), describe(mapping), zones.join(", "));
        if let Some(paths) = named_paths(mapping, &change.key) {
            let prefix = paths.prefix.as_ref().map_or(String::new(), |prefix| format!(", prefix {prefix}"));
            let line = print::escaped(&format!("{} → URL {}{prefix}", change.key, paths.url));
            let _ = writeln!(text, "         {line} {}", print::dim(format!("({})", path_reason(mapping, &paths))));
        }
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
