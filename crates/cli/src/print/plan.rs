//! Plans as text, and which mappings each change fires.

use std::collections::BTreeSet;
use std::fmt::Write;

use purge_router_core::{
    Batch, Change, Drain, EdgeCheck, Escalated, Method, Mode, Origin, Plan, Rejected, Sample, SecondPurge, Unchanged,
};

use crate::print::list::{MAX_LINES, push_first_lines, push_lines};
use crate::print::style::{bold, dim, red, yellow};
use crate::print::text::{count, escaped};

/// What happened to an object; of a change that comes back, for what, and for which team.
pub(crate) fn kind(change: &Change) -> String {
    match (&change.second_purge_of, &change.verification) {
        (Some(team), _) => format!("{}, second purge of team {team}", change.kind),
        (None, Some(verification)) => format!("{}, verification of team {}", change.kind, verification.team),
        (None, None) => change.kind.to_string(),
    }
}

/// Where a change leads.
pub(crate) struct ChangeReasons {
    /// The object, and what happened to it.
    pub(crate) change: String,
    /// The mappings that fire.
    pub(crate) fires: Vec<String>,
    /// The other mappings of its bucket, each with its reason.
    pub(crate) declines: Vec<String>,
    /// What may have been meant instead.
    pub(crate) hints: Vec<String>,
}

/// One line per change: the mappings that fire, or why those of its bucket decline.
pub(crate) fn reasons(changes: impl ExactSizeIterator<Item = ChangeReasons>) -> String {
    let mut text = String::new();
    push_lines(
        &mut text,
        changes.map(|ChangeReasons { change, fires, declines, hints }| {
            let why = match (fires.is_empty(), &declines[..]) {
                (false, _) => escaped(&fires.join(", ")),
                (true, []) => yellow("not purged: no mapping of this bucket"),
                (true, [only]) => yellow(format!("not purged by {}", escaped(only))),
                (true, [first, rest @ ..]) => {
                    yellow(format!("not purged by {}, and {} more decline", escaped(first), rest.len()))
                }
            };
            let hints: String = hints.iter().map(|text| format!("\n    {}", hint(text))).collect();
            format!("  {} {} {why}{hints}", escaped(&change), dim("→"))
        }),
    );
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What may have been meant.
pub(crate) fn hint(text: &str) -> String {
    format!("{} {}", bold("hint:"), escaped(text))
}

/// A hint for a key that looks URL-encoded.
pub(crate) fn encoded_key(object: &str) -> String {
    format!("if the key was copied from an event or a URL, it is encoded: the object is {object}")
}

pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for (index, batch) in plan.batches.iter().enumerate().take(MAX_LINES) {
        let _ = writeln!(text, "{:>4}  {}", index + 1, batch_title(batch));
        push_items(&mut text, plan, batch);
    }
    push_hidden_batches(&mut text, plan.batches.len().saturating_sub(MAX_LINES));
    push_unbatched(&mut text, plan);
    text + &summary(plan)
}

/// `purge 3 URLs of website.co.uk (team web)`.
pub(crate) fn batch_title(batch: &Batch) -> String {
    let verb = match batch.mode {
        Mode::Purge => "purge",
        Mode::Invalidate => "invalidate",
    };
    let items = match batch.method() {
        Method::Everything => noun(Method::Everything).to_owned(),
        method => count(batch.items().len(), noun(method)),
    };
    let environment = batch.environment.as_ref().map(|id| format!(", environment {id}")).unwrap_or_default();
    let team = dim(format!("(team {}{environment})", batch.zone.team));
    format!("{verb} {items} of {} {team}", bold(&batch.zone.domain))
}

/// Appends a batch's items; only a few of each if there are many batches.
pub(crate) fn push_items(text: &mut String, plan: &Plan, batch: &Batch) {
    let max = if plan.batches.len() > 3 { 3 } else { MAX_LINES };
    if batch.method() != Method::Everything {
        let lines = batch.items().iter().map(|item| format!("      {}", escaped(&item.item.to_string())));
        push_first_lines(text, max, lines);
    }
}

pub(crate) fn push_hidden_batches(text: &mut String, hidden: usize) {
    if hidden > 0 {
        let noun = if hidden == 1 { "batch" } else { "batches" };
        let _ = writeln!(text, "{}", dim(format!("… and {hidden} more {noun} (--json has all)")));
    }
}

/// Appends what led to no batch, to a batch of another method than its mapping names, to a second purge, or to a verification,
/// and what is unchanged.
pub(crate) fn push_unbatched(text: &mut String, plan: &Plan) {
    push_lines(text, plan.escalated.iter().map(escalated));
    push_lines(text, plan.second_purges.iter().map(second_purge));
    push_lines(text, plan.samples.iter().flat_map(sample).collect::<Vec<_>>().into_iter());
    push_lines(text, plan.checks.iter().map(check));
    push_lines(text, plan.unchanged.iter().map(unchanged));
    let unmatched = plan.unmatched.iter();
    push_lines(text, unmatched.map(|it| format!("{} s3://{}/{}", yellow("unmatched"), it.bucket, escaped(&it.key))));
    let ignored = plan.ignored.iter();
    push_lines(text, ignored.map(|it| format!("{} {}{}", dim("ignored"), escaped(&it.reason), of_message(&it.origin))));
    push_lines(text, plan.rejected.iter().map(rejected));
}

/// `2 changes → 3 items in 1 batch to 1 zone`.
pub(crate) fn summary(plan: &Plan) -> String {
    let zones: BTreeSet<_> = plan.batches.iter().map(|batch| (&batch.zone.team, &batch.zone.domain)).collect();
    let items: usize = plan.batches.iter().map(|batch| batch.items().len()).sum();
    let changes = match plan.changes {
        0 if !plan.batches.is_empty() => String::new(),
        changes => format!("{} → ", bold(count(changes, "change"))),
    };
    format!(
        "{changes}{} in {} to {}",
        count(items, "item"),
        bold(count(plan.batches.len(), "batch")),
        count(zones.len(), "zone"),
    )
}

fn escalated(escalated: &Escalated) -> String {
    let Escalated { mapping, urls, above, drain } = escalated;
    let mapping = escaped(mapping);
    let why = match drain {
        Some(Drain { time, after }) => {
            format!("which would take {:.1} s, longer than {} s", time.as_secs_f64(), after.as_secs())
        }
        None => format!("more than {above}"),
    };
    format!("{} {mapping}: {urls} URLs, {why}, so its folder is purged by prefix", yellow("escalated"))
}

fn second_purge(second: &SecondPurge) -> String {
    let SecondPurge { change, team, after } = second;
    format!(
        "{} {after} s later: {} {}",
        yellow("second purge"),
        escaped(&change.object()),
        dim(format!("(team {team})"))
    )
}

/// What the function verifies, if its `VERIFY_HOSTS` allows the hosts.
fn sample(Sample { team, urls, .. }: &Sample) -> impl Iterator<Item = String> {
    let of_team = dim(format!("(team {team})"));
    urls.iter().map(move |url| format!("{} after the purge: {} {of_team}", yellow("verify"), escaped(url)))
}

fn check(EdgeCheck { zone, url, .. }: &EdgeCheck) -> String {
    format!("{} now: {} {}", yellow("verify"), escaped(url), dim(format!("(team {})", zone.team)))
}

fn unchanged(unchanged: &Unchanged) -> String {
    let Unchanged { team, bucket, key, etag } = unchanged;
    let object = escaped(&format!("s3://{bucket}/{key}"));
    format!("{} {object}: ETag {} was purged last {}", dim("unchanged"), escaped(etag), dim(format!("(team {team})")))
}

fn rejected(rejected: &Rejected) -> String {
    let label = match rejected.kind.is_failure() {
        true => red("rejected"),
        false => yellow("unpurgeable"),
    };
    format!("{label} {}{}", escaped(&rejected.reason), of_message(&rejected.origin))
}

/// The message that something was in, if the event has messages.
fn of_message(origin: &Origin) -> String {
    match origin {
        Origin::Message(id) => format!(" (message {})", escaped(id)),
        Origin::Invocation => String::new(),
    }
}

fn noun(method: Method) -> &'static str {
    match method {
        Method::Files | Method::FilesWithHeaders => "URL",
        Method::Prefixes => "prefix",
        Method::Hosts => "host",
        Method::Tags => "tag",
        Method::Everything => "everything",
    }
}
