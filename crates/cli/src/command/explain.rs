//! `explain`: which mappings fire for one change or those of an event, what they purge, and why the others decline.

use std::fmt::Write;

use purge_router_core::suggest::nearest;
use purge_router_core::{
    Change, ChangeKind, Decline, Event, Mapping, NamedPaths, PathRewrite, Plan, Route, named_paths, plan, route_all,
};
use serde_json::{Value, json};

use crate::args::{EventKind, ExplainArgs, Explained};
use crate::command::event::{buckets_of, read};
use crate::exit::{End, Misuse};
use crate::{mappings, print};

pub(super) async fn run(args: &ExplainArgs) -> anyhow::Result<End> {
    let event = event(args).await?;
    let Some(mappings) = mappings::load_of_buckets(&args.mappings, buckets_of(&event)).await? else {
        return Ok(End::Problems);
    };
    let plan = plan(&mappings, event.clone());
    let explanations = event.changes.iter().map(|change| (change, route_all(&mappings, change).collect::<Vec<_>>()));
    if args.json {
        let changes: Vec<Value> = explanations.map(|(change, routes)| as_json(change, &routes)).collect();
        print::json(&whole_as_json(&args.explained, changes, &plan)?)?;
    } else {
        let texts = explanations.map(|(change, routes)| as_text(change, &routes));
        print::out(&texts.chain([print::plan(&plan)]).collect::<Vec<_>>().join("\n"));
    }
    Ok(End::done_if(plan.failed_origins().is_empty()))
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

/// The plan with the explained changes of an event in place of their number; of an object, its explanation and what is
/// sent.
fn whole_as_json(explained: &Explained, mut changes: Vec<Value>, plan: &Plan) -> anyhow::Result<Value> {
    let mut plan = serde_json::to_value(plan)?;
    match (explained, changes.pop()) {
        (Explained::Object(..), Some(mut change)) => {
            for field in ["rejected", "batches", "again", "samples"] {
                if let Some(value) = plan.get_mut(field) {
                    change[field] = value.take();
                }
            }
            Ok(change)
        }
        (_, last) => {
            changes.extend(last);
            plan["changes"] = Value::Array(changes);
            Ok(plan)
        }
    }
}

fn as_json(change: &Change, routes: &[Route<'_>]) -> Value {
    let fires: Vec<_> = hits(routes).map(|mapping| fires_as_json(mapping, change)).collect();
    let declined: Vec<_> = declines(routes)
        .map(|(mapping, reason)| json!({ "mapping": mapping.name, "team": mapping.team, "reason": reason.to_string() }))
        .collect();
    let mut answer = json!({ "object": change.object(), "event": change.kind, "fires": fires, "declined": declined });
    if let Some(team) = &change.second_purge_of {
        answer["second_purge_of"] = json!(team);
    }
    if let Some(verification) = &change.verification {
        answer["verification_of"] = json!(verification.team);
    }
    answer
}

fn fires_as_json(mapping: &Mapping, change: &Change) -> Value {
    let mut fires = json!({ "mapping": mapping.name, "team": mapping.team });
    if may_skip(mapping, change) {
        fires["skip_unchanged"] = json!(UNLESS_UNCHANGED);
    }
    if let Some(paths) = named_paths(mapping, &change.key) {
        fires["paths"] = json!({ "url": paths.url, "prefix": paths.prefix, "reason": path_reason(mapping, &paths) });
    }
    fires
}

/// The command does not know what the function purged last.
const UNLESS_UNCHANGED: &str =
    "skip_unchanged: the function does not purge it if the content with the same ETag was purged last";

/// Whether the function may skip the change for this mapping.
fn may_skip(mapping: &Mapping, change: &Change) -> bool {
    mapping.skip_unchanged && change.kind == ChangeKind::Created && change.second_purge_of.is_none()
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

fn as_text(change: &Change, routes: &[Route<'_>]) -> String {
    let kind = print::dim(print::kind(change));
    let mut text = format!("{} {kind}\n\n", print::bold(print::escaped(&change.object())));
    for mapping in hits(routes) {
        let zones: Vec<&str> = mapping.zones.iter().map(|zone| zone.domain.as_str()).collect();
        let _ = writeln!(text, "{} {} → {}", print::green("fires   "), describe(mapping), zones.join(", "));
        if may_skip(mapping, change) {
            let _ = writeln!(text, "         {}", print::dim(format!("({UNLESS_UNCHANGED})")));
        }
        if let Some(paths) = named_paths(mapping, &change.key) {
            let prefix = paths.prefix.as_ref().map_or(String::new(), |prefix| format!(", prefix {prefix}"));
            let line = print::escaped(&format!("{} → URL {}{prefix}", change.key, paths.url));
            let _ = writeln!(text, "         {line} {}", print::dim(format!("({})", path_reason(mapping, &paths))));
        }
    }
    let is_elsewhere = |reason: &Decline<'_>| matches!(reason, Decline::OtherBucket);
    let elsewhere = declines(routes).filter(|(_, reason)| is_elsewhere(reason)).count();
    if elsewhere == routes.len() {
        let _ = writeln!(text, "{}{}", print::yellow("no mapping of this bucket"), near_bucket(change, routes));
    }
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
    text
}

/// The bucket that may have been meant, if mappings of others are known.
fn near_bucket(change: &Change, routes: &[Route<'_>]) -> String {
    let buckets = routes.iter().map(|route| route.mapping.source.bucket.as_str());
    let near = nearest(change.bucket.as_str(), buckets);
    near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
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
