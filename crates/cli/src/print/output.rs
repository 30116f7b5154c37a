//! Writing to standard output and standard error, with tokens redacted.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};

use purge_router_cloudflare::redact;
use serde::Serialize;

use crate::print::list::MAX_LINES;
use crate::print::style::{dim, red, yellow};
use crate::print::text::{escaped, is_control};

/// Writes a line to standard output. A reader that went away (`| head`) is not an error; a full disk ends the command.
pub(crate) fn out(text: &str) {
    exit_if_lost(write_line(anstream::stdout(), &redact(text)));
}

/// Writes JSON to standard output. Control characters can only be inside its strings, so they are escaped as JSON does.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    exit_if_lost(write_line(std::io::stdout(), &redact(&without_controls(serde_json::to_string_pretty(value)?))));
    Ok(())
}

/// Writes JSON on one line to standard output, like [`json`].
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    exit_if_lost(write_line(std::io::stdout(), &redact(&without_controls(serde_json::to_string(value)?))));
    Ok(())
}

fn without_controls(text: String) -> String {
    let must_escape = |c: char| c != '\n' && is_control(c);
    if !text.contains(must_escape) {
        return text;
    }
    let escape = |c| if must_escape(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Writes a document to standard output: escaped line by line on a terminal, unchanged into a file.
pub(crate) fn document(text: &str) {
    match std::io::stdout().is_terminal() {
        true => out(&text.lines().map(escaped).collect::<Vec<_>>().join("\n")),
        false => out(text),
    }
}

/// Writes a hint or progress to standard error.
pub(crate) fn note(text: &str) {
    anstream::eprintln!("{}", dim(redact(text)));
}

/// Writes what the command waits for to standard error, if that is a terminal.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        note(text);
    }
}

/// An argument as a shell reads it.
pub(crate) fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", escaped(&argument.replace('\'', r"'\''"))),
    }
}

/// The options with which the command was called that name its mappings, for a command that is suggested: ` --table prod`.
pub(crate) fn source_options() -> String {
    let given: Vec<String> = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    options_of(&given)
}

fn options_of(given: &[String]) -> String {
    let mut options = String::new();
    for (index, argument) in given.iter().enumerate() {
        for name in ["--table", "--mappings"] {
            let value = argument.strip_prefix(name).and_then(|rest| match rest {
                "" => given.get(index + 1).map(String::as_str),
                rest => rest.strip_prefix('='),
            });
            if let Some(value) = value {
                options.push_str(&format!(" {name} {}", quoted(value)));
            }
        }
    }
    options
}

/// The command as it was called, for a shell, with these arguments added.
pub(crate) fn command_line(more: &[&str]) -> String {
    let given: Vec<String> = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let more = more.iter().filter(|argument| !given.iter().any(|it| it == *argument)).map(|it| (*it).to_owned());
    let arguments: Vec<String> = given.iter().cloned().chain(more).map(|argument| quoted(&argument)).collect();
    format!("purge-router {}", arguments.join(" "))
}

/// Writes a warning on one line to standard error, escaped.
pub(crate) fn warning(text: &str) {
    anstream::eprintln!("{} {}", yellow("warning:"), redact(&escaped(text)));
}

/// Writes the first of these warnings, one on each line, and how many more there are.
pub(crate) fn warnings(warnings: &[impl Display]) {
    for it in warnings.iter().take(MAX_LINES) {
        warning(&it.to_string());
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(MAX_LINES) {
        warning(&format!("{more} more (`check --json` has all)"));
    }
}

/// Writes an error on one line to standard error, escaped.
pub(crate) fn error(text: &str) {
    anstream::eprintln!("{} {}", red("error:"), redact(&escaped(text)));
}

pub(crate) fn stderr_is_colored() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

fn write_line(mut stream: impl Write, text: &str) -> std::io::Result<()> {
    writeln!(stream, "{text}")?;
    stream.flush()
}

fn exit_if_lost(written: std::io::Result<()>) {
    match written {
        Err(lost) if lost.kind() != ErrorKind::BrokenPipe => {
            error(&format!("can't write the output: {lost}"));
            std::process::exit(1);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_name_the_mappings_are_repeated() {
        for (given, options) in [
            (&["check"][..], ""),
            (&["test", "--table", "prod", "--json"], " --table prod"),
            (&["test", "--mappings=my file.toml"], " --mappings 'my file.toml'"),
            (&["test", "--tables", "a"], ""),
        ] {
            let given: Vec<String> = given.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(options_of(&given), options, "{given:?}");
        }
    }
}
