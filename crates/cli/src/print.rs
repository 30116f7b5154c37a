//! What people see: plans, outcomes, notes and errors. Machines get JSON. Nothing goes out that looks like a token, wherever
//! it came from.

use std::fmt::Write;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use purge_router_cloudflare::redact;
use purge_router_core::{Batch, Escalated, Method, Mode, Plan, Rejected};
use purge_router_pipeline::{Outcome, Report, Status};
use serde::Serialize;

use crate::Misuse;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// How many lines of one kind are shown before the rest is only counted.
const SHOWN: usize = 20;

pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: impl std::fmt::Display) -> String {
    styled(BOLD, text)
}

pub(crate) fn dim(text: impl std::fmt::Display) -> String {
    styled(DIM, text)
}

pub(crate) fn green(text: impl std::fmt::Display) -> String {
    styled(GREEN, text)
}

pub(crate) fn red(text: impl std::fmt::Display) -> String {
    styled(RED, text)
}

pub(crate) fn yellow(text: impl std::fmt::Display) -> String {
    styled(YELLOW, text)
}

/// Standard output. A reader that went away (`| head`) is no error; a full disk ends the command.
pub(crate) fn out(text: &str) {
    end_if_lost(write_to(anstream::stdout(), &redact(text)));
}

/// JSON goes out as it is, but for characters that a terminal would obey: inside of JSON they are always in a text,
/// where they may as well be escaped.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let is_raw = |char: char| char != '\n' && is_obeyed(char);
    let mut text = serde_json::to_string_pretty(value)?;
    if text.contains(is_raw) {
        let escape = |char| if is_raw(char) { format!("\\u{:04x}", u32::from(char)) } else { char.to_string() };
        text = text.chars().map(escape).collect();
    }
    end_if_lost(write_to(std::io::stdout(), &redact(&text)));
    Ok(())
}

fn write_to(mut out: impl std::io::Write, text: &str) -> std::io::Result<()> {
    writeln!(out, "{text}")?;
    out.flush()
}

fn end_if_lost(written: std::io::Result<()>) {
    match written {
        Err(lost) if lost.kind() != std::io::ErrorKind::BrokenPipe => {
            error(&format!("can't write the output: {lost}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

pub(crate) fn note(text: &str) {
    anstream::eprintln!("{}", dim(redact(text)));
}

/// What is not as it should be, and does not stop the command.
pub(crate) fn warning(text: &str) {
    anstream::eprintln!("{} {}", yellow("warning:"), redact(&shown(text)));
}

/// An error on one line, without anything that looks like a token or that a terminal would obey, whatever it quotes.
pub(crate) fn error(text: &str) {
    anstream::eprintln!("{} {}", red("error:"), redact(&shown(text)));
}

/// Asks on the terminal whether to write.
pub(crate) fn agreed(question: &str) -> anyhow::Result<bool> {
    use std::io::Write;
    if !std::io::stdin().is_terminal() {
        return Err(Misuse("nobody can be asked here: add --yes to write without asking".to_owned()).into());
    }
    let mut terminal = anstream::stderr();
    write!(terminal, "{} [y/N] ", bold(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

pub(crate) fn stderr_is_colored() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// `1 change`, `2 changes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match noun {
        "batch" => "batches".to_owned(),
        "prefix" => "prefixes".to_owned(),
        "everything" => return "everything".to_owned(),
        other => format!("{other}s"),
    };
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {plural}"),
    }
}

/// Text from outside on one line: what a terminal would obey, or what would turn the text around it, is escaped.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A document: on a terminal as [`shown`], line by line; into a file as it is.
pub(crate) fn document(text: &str) {
    match std::io::stdout().is_terminal() {
        true => out(&text.lines().map(shown).collect::<Vec<_>>().join("\n")),
        false => out(text),
    }
}

fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Lines, at most [`SHOWN`] of them.
fn push_some(text: &mut String, lines: impl ExactSizeIterator<Item = String>) {
    push_first(text, SHOWN, lines);
}

fn push_first(text: &mut String, shown: usize, lines: impl ExactSizeIterator<Item = String>) {
    let hidden = lines.len().saturating_sub(shown);
    for line in lines.take(shown) {
        let _ = writeln!(text, "{line}");
    }
    if hidden > 0 {
        let _ = writeln!(text, "      {}", dim(format!("… and {hidden} more (--json has all)")));
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

/// `purge 3 URLs of website.co.uk (team web)`.
fn deed(batch: &Batch) -> String {
    let verb = match batch.mode {
        Mode::Purge => "purge",
        Mode::Invalidate => "invalidate",
    };
    let what = count(batch.items().len(), noun(batch.method()));
    format!("{verb} {what} of {} {}", bold(&batch.zone.domain), dim(format!("(team {})", batch.zone.team)))
}

/// A batch's items; of many batches only a few each.
fn push_items(text: &mut String, plan: &Plan, batch: &Batch) {
    let shown_of_each = if plan.batches.len() > 3 { 3 } else { SHOWN };
    if batch.method() != Method::Everything {
        let lines = batch.items().iter().map(|item| format!("      {}", shown(&item.item.to_string())));
        push_first(text, shown_of_each, lines);
    }
}

/// A line per change: the mappings that it fires, or why those of its bucket decline.
pub(crate) fn reasons(changes: impl ExactSizeIterator<Item = (String, Vec<String>, Vec<String>)>) -> String {
    let mut text = String::new();
    push_some(
        &mut text,
        changes.map(|(change, fires, declines)| {
            let why = match (fires.is_empty(), &declines[..]) {
                (false, _) => fires.join(", "),
                (true, []) => yellow("no mapping of this bucket"),
                (true, [first]) => yellow(shown(first)),
                (true, [first, rest @ ..]) => yellow(format!("{}, and {} more decline", shown(first), rest.len())),
            };
            format!("  {} {} {why}", shown(&change), dim("→"))
        }),
    );
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A plan as text.
pub(crate) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for (nth, batch) in plan.batches.iter().enumerate().take(SHOWN) {
        let _ = writeln!(text, "{:>4}  {}", nth + 1, deed(batch));
        push_items(&mut text, plan, batch);
    }
    push_hidden_batches(&mut text, plan.batches.len().saturating_sub(SHOWN));
    left(&mut text, plan);
    let _ = write!(text, "{}", summary(plan));
    text
}

/// A plan with what became of it.
pub(crate) fn report(report: &Report<'_>) -> String {
    let mut text = String::new();
    let (good, bad): (Vec<&Outcome>, Vec<&Outcome>) =
        report.outcomes.iter().partition(|outcome| outcome.status == Status::Purged);
    for outcome in good.iter().take(SHOWN).chain(bad.iter().take(SHOWN)) {
        let batch = &report.plan.batches[outcome.batch];
        let _ = writeln!(text, "{:>4}  {} {}", outcome.batch + 1, deed(batch), verdict(outcome, batch));
        push_items(&mut text, report.plan, batch);
        let refused = outcome.refused_items.iter();
        push_some(&mut text, refused.map(|item| format!("      {} {}", red("refused"), shown(item))));
    }
    push_hidden_batches(&mut text, good.len().saturating_sub(SHOWN) + bad.len().saturating_sub(SHOWN));
    left(&mut text, report.plan);
    let partly = bad.iter().filter(|outcome| is_partly_done(outcome, &report.plan.batches[outcome.batch])).count();
    let _ = write!(text, "{}: {}", summary(report.plan), green(format!("{} done", good.len())));
    for (number, words) in [(partly, "partly done"), (bad.len() - partly, "failed")] {
        if number > 0 {
            let _ = write!(text, ", {}", red(format!("{number} {words}")));
        }
    }
    if !report.failed.is_empty() {
        let origins = report.failed.iter().take(SHOWN).map(|origin| shown(&origin.to_string())).collect::<Vec<_>>();
        let _ = write!(text, "\n{} {}", red("failed origins:"), origins.join(", "));
        if report.failed.len() > SHOWN {
            let _ = write!(text, " and {} more", report.failed.len() - SHOWN);
        }
    }
    text
}

/// How a batch ended, and on the next line why.
fn verdict(outcome: &Outcome, batch: &Batch) -> String {
    let words = match outcome.status {
        Status::Purged => green("done"),
        Status::ItemsRefused if is_partly_done(outcome, batch) => red("done but for what was refused"),
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
    let help = match outcome.status {
        Status::TokenRefused => format!(
            "\n      {} the token needs the permission Zone · Cache Purge on zone {}",
            bold("help:"),
            batch.zone.zone_id
        ),
        _ => String::new(),
    };
    let error = outcome.error.as_ref().map(|error| format!("\n      {} {}", red("error:"), shown(error)));
    format!("{words} {requests}{}{help}", error.unwrap_or_default())
}

/// Whether Cloudflare refused some items for good, and took all others.
fn is_partly_done(outcome: &Outcome, batch: &Batch) -> bool {
    let Outcome { status, refused_items, untried_items, .. } = outcome;
    *status == Status::ItemsRefused && *untried_items == 0 && refused_items.len() < batch.items().len()
}

fn push_hidden_batches(text: &mut String, hidden: usize) {
    if hidden > 0 {
        let noun = if hidden == 1 { "batch" } else { "batches" };
        let _ = writeln!(text, "{}", dim(format!("… and {hidden} more {noun} (--json has all)")));
    }
}

/// What led to no batch.
fn left(text: &mut String, plan: &Plan) {
    push_some(
        text,
        plan.escalated.iter().map(|escalated| {
            let Escalated { mapping, urls, above } = escalated;
            format!(
                "{} {mapping}: {urls} URLs are more than {above}, so its folder goes as a prefix",
                yellow("escalated")
            )
        }),
    );
    let unmatched = plan.unmatched.iter();
    push_some(text, unmatched.map(|u| format!("{} s3://{}/{}", yellow("unmatched"), u.bucket, shown(&u.key))));
    push_some(
        text,
        plan.ignored
            .iter()
            .map(|i| format!("{} {} ({})", dim("ignored"), shown(&i.reason), shown(&i.origin.to_string()))),
    );
    push_some(text, plan.rejected.iter().map(rejected));
}

fn rejected(rejected: &Rejected) -> String {
    format!("{} {} ({})", red("rejected"), shown(&rejected.reason), shown(&rejected.origin.to_string()))
}

fn summary(plan: &Plan) -> String {
    let zones: std::collections::BTreeSet<_> =
        plan.batches.iter().map(|batch| (&batch.zone.team, &batch.zone.domain)).collect();
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
