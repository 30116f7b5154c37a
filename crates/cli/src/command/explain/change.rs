//! One change: which mappings fire, what they purge, and why the others decline.

use std::collections::BTreeSet;
use std::fmt::Write;

use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::suggest::nearest;
use purge_router_core::{
    Change, ChangeKind, Decline, Mapping, Mappings, NamedPaths, PathRewrite, Route, decoded_object, named_paths,
    near_exclude, near_miss,
};
use serde_json::{Value, json};

use crate::print;

/// What each mapping answers to a change, for programs.
pub(super) fn as_json(change: &Change, routes: &[Route<'_>]) -> Value {
    let fires: Vec<_> = hits(routes).map(|mapping| fires_as_json(mapping, change)).collect();
    let declined: Vec<_> =
        declines(routes).map(|(mapping, decline)| declined_as_json(mapping, change, decline)).collect();
    let mut answer = json!({ "object": change.object(), "event": change.kind, "fires": fires, "declined": declined });
    if let Some(team) = &change.second_purge_of {
        answer["second_purge_of"] = json!(team);
    }
    if let Some(verification) = &change.verification {
        answer["verification_of"] = json!(verification.team);
    }
    answer
}

/// A mapping that declines a change: the stable code of the reason, the reason, and what is near.
pub(super) fn declined_as_json(mapping: &Mapping, change: &Change, decline: &Decline<'_>) -> Value {
    let mut declined = json!({
        "mapping": mapping.name,
        "team": mapping.team,
        "code": decline.code(),
        "reason": decline.to_string(),
    });
    if let Some(hint) = near_miss(mapping, change, decline) {
        declined["hint"] = json!(hint);
    }
    declined
}

fn fires_as_json(mapping: &Mapping, change: &Change) -> Value {
    let mut fires = json!({ "mapping": mapping.name, "team": mapping.team });
    if may_skip(mapping, change) {
        fires["skip_unchanged"] = json!(UNLESS_UNCHANGED);
    }
    if let Some(paths) = named_paths(mapping, &change.key) {
        fires["paths"] = json!({ "url": paths.url, "prefix": paths.prefix, "reason": path_reason(mapping, &paths) });
    }
    if let Some(hint) = near_exclude(mapping, change) {
        fires["hint"] = json!(hint);
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

/// What the mappings are that were read.
pub(in crate::command) struct Scope<'s> {
    /// The buckets that mappings have.
    pub(super) buckets: BTreeSet<BucketName>,
    /// Whose mappings they are; empty: those of all teams.
    pub(super) teams: &'s [TeamName],
}

impl<'s> Scope<'s> {
    pub(in crate::command) fn of(mappings: &Mappings, teams: &'s [TeamName]) -> Self {
        Self { buckets: mappings.all().iter().map(|mapping| mapping.source.bucket.clone()).collect(), teams }
    }
}

/// What each mapping answers to a change.
pub(super) fn as_text(change: &Change, routes: &[Route<'_>], scope: &Scope<'_>) -> String {
    let kind = print::dim(print::kind(change));
    let mut text = format!("{} {kind}\n", print::bold(print::escaped(&change.object())));
    if let Some(object) = decoded_object(change) {
        let _ = writeln!(text, "{}", print::hint(&print::encoded_key(&object)));
    }
    text.push('\n');
    hits(routes).for_each(|mapping| push_hit(&mut text, mapping, change));
    if routes.iter().all(|route| matches!(route.answer, Err(Decline::OtherBucket))) {
        let _ = writeln!(text, "{}{}", print::yellow("no mapping of this bucket"), near_bucket(change, scope));
    }
    let of_bucket: Vec<_> = declines(routes).filter(|(_, reason)| !matches!(reason, Decline::OtherBucket)).collect();
    print::push_lines(&mut text, of_bucket.into_iter().map(|(mapping, decline)| declined(mapping, change, decline)));
    text
}

fn push_hit(text: &mut String, mapping: &Mapping, change: &Change) {
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
    if let Some(hint) = near_exclude(mapping, change) {
        push_hint(text, &hint);
    }
}

/// Why a mapping declines, and what is near.
fn declined(mapping: &Mapping, change: &Change, decline: &Decline<'_>) -> String {
    let reason = print::escaped(&decline.to_string());
    let mut text = format!("{} {}: {reason}", print::yellow("declines"), describe(mapping));
    if let Some(hint) = near_miss(mapping, change, decline) {
        text.push('\n');
        push_hint(&mut text, &hint);
        text.pop();
    }
    text
}

/// Appends a line with what may have been meant.
pub(super) fn push_hint(text: &mut String, hint: &str) {
    let _ = writeln!(text, "         {}", print::hint(hint));
}

/// Whose mappings were read, and the bucket that may have been meant.
fn near_bucket(change: &Change, Scope { buckets, teams }: &Scope<'_>) -> String {
    let teams: Vec<&str> = teams.iter().map(TeamName::as_str).collect();
    let of_teams = if teams.is_empty() { String::new() } else { format!(" (of team {})", teams.join(", ")) };
    match nearest(change.bucket.as_str(), buckets.iter().map(BucketName::as_str)) {
        Some(near) => format!("{of_teams}: did you mean `{near}`?"),
        None => of_teams,
    }
}

fn hits<'m>(routes: &[Route<'m>]) -> impl Iterator<Item = &'m Mapping> {
    routes.iter().filter(|route| route.is_hit()).map(|route| route.mapping)
}

fn declines<'r, 'm>(routes: &'r [Route<'m>]) -> impl Iterator<Item = (&'m Mapping, &'r Decline<'m>)> {
    routes.iter().filter_map(|route| Some((route.mapping, route.answer.as_ref().err()?)))
}

/// A mapping's name and source.
pub(super) fn describe(mapping: &Mapping) -> String {
    format!("{} {}", print::escaped(&mapping.name), print::dim(print::escaped(&mapping.source.to_string())))
}
