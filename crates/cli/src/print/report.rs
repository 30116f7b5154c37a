//! Plans with their outcomes as text.

use std::fmt::Write;

use purge_router_cloudflare::split_advice;
use purge_router_core::{Batch, Origin, Zone};
use purge_router_pipeline::{Outcome, Report, Status};

use crate::print::list::{MAX_LINES, push_lines};
use crate::print::output::source_options;
use crate::print::plan::{batch_title, push_hidden_batches, push_items, push_unbatched, summary};
use crate::print::style::{bold, dim, green, red};
use crate::print::text::{count, escaped};

/// What to do about a token that was refused with HTTP status 403, if its error does not say more.
const FORBIDDEN: &str = "either the token lacks the permission Zone · Cache Purge for this zone, or `zone_id` is wrong";

/// The command that advice names, which lacks the zone.
const PUT: &str = "purge-router tokens put --overwrite";

/// The same of other refusals.
const UNKNOWN_TOKEN: &str = "Cloudflare does not accept the token: store a valid one";

/// A plan with the outcome of each batch.
pub(crate) fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    let (good, bad): (Vec<&Outcome>, Vec<&Outcome>) =
        report.outcomes.iter().partition(|outcome| outcome.status == Status::Purged);
    for outcome in good.iter().take(MAX_LINES).chain(bad.iter().take(MAX_LINES)) {
        push_outcome(&mut text, report, outcome);
    }
    let stopped = report.stopped();
    for (index, batch) in stopped.iter().take(MAX_LINES) {
        let _ = writeln!(text, "{:>4}  {} {}", index + 1, batch_title(batch), red("stopped"));
        push_items(&mut text, report.plan, batch);
    }
    push_hidden_batches(
        &mut text,
        stopped.len().saturating_sub(MAX_LINES)
            + good.len().saturating_sub(MAX_LINES)
            + bad.len().saturating_sub(MAX_LINES),
    );
    push_unbatched(&mut text, report.plan);
    let partial = bad.iter().filter(|outcome| is_partial(outcome, &report.plan.batches[outcome.batch])).count();
    let _ = write!(text, "{}: {}", summary(report.plan), green(format!("{} done", good.len())));
    for (number, words) in [(partial, "partly done"), (bad.len() - partial, "failed"), (stopped.len(), "stopped")] {
        if number > 0 {
            let _ = write!(text, ", {}", red(format!("{number} {words}")));
        }
    }
    push_failed_origins(&mut text, report);
    let is_waiting = |outcome: &&&Outcome| outcome.status == Status::RateLimited && outcome.attempts == 0;
    let waiting = bad.iter().filter(is_waiting).count();
    if waiting > 0 {
        let batches = count(waiting, "batch");
        let _ =
            write!(text, "\n{} {batches} must wait for the rate limit: give more time with --deadline", bold("help:"));
    }
    text
}

fn push_outcome(text: &mut String, report: &Report<'_>, outcome: &Outcome) {
    let batch = &report.plan.batches[outcome.batch];
    let _ = writeln!(text, "{:>4}  {} {}", outcome.batch + 1, batch_title(batch), verdict(outcome, batch));
    push_items(text, report.plan, batch);
    let refused = outcome.refused_items.iter();
    push_lines(text, refused.map(|item| format!("      {} {}", red("refused"), escaped(item))));
    if outcome.untried_items > 0 {
        let _ = writeln!(text, "      {} {}", red("not tried"), count(outcome.untried_items, "item"));
    }
}

fn push_failed_origins(text: &mut String, report: &Report<'_>) {
    if report.failed.is_empty() {
        return;
    }
    let name = |origin: &Origin| match origin {
        Origin::Message(id) => format!("message {}", escaped(id)),
        Origin::Invocation => "the whole event".to_owned(),
    };
    let origins: Vec<String> = report.failed.iter().take(MAX_LINES).map(name).collect();
    let _ = write!(text, "\n{} {}", red("failed:"), origins.join(", "));
    if report.failed.len() > MAX_LINES {
        let _ = write!(text, " and {} more", report.failed.len() - MAX_LINES);
    }
}

/// How a batch ended; the error and its fix are on the next lines.
fn verdict(outcome: &Outcome, batch: &Batch) -> String {
    let status = match outcome.status {
        Status::Purged => green("done"),
        Status::ItemsRefused if is_partial(outcome, batch) => red("partly done"),
        Status::ItemsRefused => red("refused"),
        Status::TokenMissing => red("no token"),
        Status::TokenRefused => red("token refused"),
        Status::RequestRefused => red("request refused"),
        Status::RateLimited => red("rate limited"),
        Status::Unreachable => red("unreachable"),
        Status::DeadlineExceeded => red("deadline exceeded"),
    };
    let requests = match outcome.attempts {
        0 => dim("(nothing sent)"),
        attempts => dim(format!("in {}", count(attempts as usize, "request"))),
    };
    let (error, advice) = outcome.error.as_deref().map(split_advice).unzip();
    let is_forbidden = error.is_some_and(|error| error.starts_with("HTTP 403"));
    let of_token = if is_forbidden { FORBIDDEN } else { UNKNOWN_TOKEN };
    let shown_error = error.map(|error| format!("\n      {} {}", red("error:"), escaped(error)));
    let advice = advice.flatten().or((outcome.status == Status::TokenRefused).then_some(of_token));
    let help = advice.map(|advice| {
        let Zone { zone_id, domain, team, .. } = batch.zone.as_ref();
        let put = format!("{PUT} --zone {domain} --team {team}{}", source_options());
        let advice = advice.replace(PUT, &put);
        format!("\n      {} {} {}", bold("help:"), escaped(&advice), dim(format!("({domain}: zone_id {zone_id})")))
    });
    format!("{status} {requests}{}{}", shown_error.unwrap_or_default(), help.unwrap_or_default())
}

/// Whether Cloudflare refused some items for good, and accepted others.
fn is_partial(outcome: &Outcome, batch: &Batch) -> bool {
    let not_purged = outcome.refused_items.len() + outcome.untried_items;
    outcome.status == Status::ItemsRefused && not_purged < batch.items().len()
}
