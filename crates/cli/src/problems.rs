//! Problems of a mapping file: drawn with carets for people, or as JSON.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use purge_router_cloudflare::mask;
use purge_router_config::{ConfigPath, LocatedWarning, Problem, Warning};
use purge_router_core::Code;
use serde::Serialize;
use serde_json::json;

use crate::input::shown;
use crate::print;

/// How many problems are drawn; the rest is counted.
const MAX_DRAWN: usize = 50;

/// How many warnings are drawn.
const MAX_WARNINGS: usize = 20;

/// Prints the first problems to standard error, each under its line of the file, and how many there are.
pub(crate) fn draw(path: &Path, text: &str, problems: &[Problem]) {
    let drawing = Drawing::new(path, text);
    for problem in problems.iter().take(MAX_DRAWN) {
        let Problem { code, place, message, help, span } = problem;
        let span = span.clone().unwrap_or_default();
        drawing.print(&Drawn { level: Level::ERROR, code: code.as_str(), message, help, place, span });
    }
    let hidden = problems.len().saturating_sub(MAX_DRAWN);
    let more =
        if hidden == 0 { String::new() } else { format!("; {hidden} more are not shown (check --json has all)") };
    print::error(&format!("{} has {}{more}", shown(path), print::count(problems.len(), "problem")));
}

/// Prints the first warnings to standard error, as problems are.
pub(crate) fn draw_warnings(path: &Path, text: &str, warnings: &[LocatedWarning]) {
    let drawing = Drawing::new(path, text);
    for LocatedWarning { warning, place, span } in warnings.iter().take(MAX_WARNINGS) {
        let (message, help, span) = (&warning.title(), &warning.help, span.clone());
        drawing.print(&Drawn { level: Level::WARNING, code: warning.code, message, help, place, span });
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(MAX_WARNINGS) {
        print::warning(&format!("{more} more (`check --json` has all)"));
    }
}

/// What is drawn under a line of a file.
struct Drawn<'p> {
    level: Level<'static>,
    code: &'static str,
    message: &'p str,
    help: &'p str,
    place: &'p ConfigPath,
    span: Range<usize>,
}

/// The file in which places are drawn.
struct Drawing<'t> {
    renderer: Renderer,
    name: String,
    masked: Cow<'t, str>,
    lines: Lines,
}

impl<'t> Drawing<'t> {
    fn new(path: &Path, text: &'t str) -> Self {
        let renderer = if print::stderr_is_colored() { Renderer::styled() } else { Renderer::plain() };
        let masked = mask(text);
        Self { renderer, name: shown(path), lines: Lines::of(&masked), masked }
    }

    fn print(&self, drawn: &Drawn<'_>) {
        let (message, help) = (print::escaped(&mask(drawn.message)), print::escaped(&mask(drawn.help)));
        let title = drawn.level.clone().primary_title(&message).id(drawn.code);
        let place = mask(&drawn.place.to_string()).into_owned();
        // The renderer reads all that it gets, so it gets no more than the lines of the problem.
        let (index, excerpt) = self.lines.around(&drawn.span);
        let span = drawn.span.start - excerpt.start..drawn.span.end - excerpt.start;
        let snippet = Snippet::source(&self.masked[excerpt]).line_start(index + 1).path(&self.name);
        let snippet = snippet.annotation(AnnotationKind::Primary.span(span).label(&place));
        let report = [title.element(snippet).element(Level::HELP.message(&help))];
        anstream::eprintln!("{}\n", self.renderer.render(&report));
    }
}

/// The lines of a file's text, so that finding one does not read the text from its start.
pub(crate) struct Lines {
    /// The byte at which each line starts.
    starts: Vec<usize>,
    /// The bytes of the text.
    length: usize,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_newlines).collect(), length: text.len() }
    }

    /// The index, from 0 on, of the line that this byte is in.
    fn index_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte) - 1
    }

    /// The index of the first line that has bytes of the span, and the bytes of all these lines.
    fn around(&self, span: &Range<usize>) -> (usize, Range<usize>) {
        let (first, last) = (self.index_of(span.start), self.index_of(span.end));
        let end = self.starts.get(last + 1).copied().unwrap_or(self.length);
        (first, self.starts[first]..end)
    }

    /// Line and column of a byte of the text, both from 1 on; columns count characters.
    fn position(&self, text: &str, byte: usize) -> (usize, usize) {
        let index = self.index_of(byte);
        let before = text.get(self.starts[index]..byte).unwrap_or_default();
        (index + 1, before.chars().count() + 1)
    }
}

/// A problem that has no place in a file's text.
pub(crate) fn without_span(problem: &Problem) -> serde_json::Value {
    json!({
        "code": problem.code,
        "place": mask(&problem.place.to_string()),
        "message": mask(&problem.message),
        "help": mask(&problem.help),
    })
}

/// A problem that has no place in a file's text, on one line, without tokens.
pub(crate) fn line_of(problem: &Problem) -> String {
    mask(&problem.to_string()).into_owned()
}

#[derive(Serialize)]
pub(crate) struct ProblemJson<'p> {
    code: Code,
    place: String,
    message: Cow<'p, str>,
    help: Cow<'p, str>,
    value: Cow<'p, str>,
    line: usize,
    column: usize,
}

impl<'p> ProblemJson<'p> {
    pub(crate) fn new(lines: &Lines, text: &'p str, problem: &'p Problem) -> Self {
        let span = problem.span.clone().unwrap_or_default();
        let (line, column) = lines.position(text, span.start);
        Self {
            code: problem.code,
            place: mask(&problem.place.to_string()).into_owned(),
            message: mask(&problem.message),
            help: mask(&problem.help),
            value: mask(text.get(span).unwrap_or_default()),
            line,
            column,
        }
    }
}

/// A warning with its place in a file.
#[derive(Serialize)]
pub(crate) struct WarningJson<'w> {
    #[serde(flatten)]
    warning: &'w Warning,
    place: &'w ConfigPath,
    line: usize,
    column: usize,
}

impl<'w> WarningJson<'w> {
    pub(crate) fn new(lines: &Lines, text: &str, located: &'w LocatedWarning) -> Self {
        let (line, column) = lines.position(text, located.span.start);
        Self { warning: &located.warning, place: &located.place, line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_found_by_byte() {
        let text = "one\nü = 2\n\nlast";
        let lines = Lines::of(text);
        for (byte, position) in
            [(0, (1, 1)), (2, (1, 3)), (3, (1, 4)), (4, (2, 1)), (6, (2, 2)), (11, (3, 1)), (12, (4, 1)), (16, (4, 5))]
        {
            assert_eq!(lines.position(text, byte), position, "{byte}");
        }
        for (span, index, excerpt) in
            [(0..0, 0, 0..4), (4..10, 1, 4..11), (1..5, 0, 0..11), (11..11, 2, 11..12), (12..16, 3, 12..16)]
        {
            assert_eq!(lines.around(&span), (index, excerpt), "{span:?}");
        }
        assert_eq!(Lines::of("").position("", 0), (1, 1));
    }
}
