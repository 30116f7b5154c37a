//! Problems of a mapping file: drawn with carets for people, or as JSON.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use purge_router_cloudflare::mask;
use purge_router_config::Problem;
use purge_router_core::Code;
use serde::Serialize;
use serde_json::json;

use crate::print;

/// How many problems are drawn; the rest is counted.
const MAX_DRAWN: usize = 50;

/// Prints the first problems to standard error, each under its line of the file, and how many there are.
pub(crate) fn draw(path: &Path, text: &str, problems: &[Problem]) {
    let renderer = if print::stderr_is_colored() { Renderer::styled() } else { Renderer::plain() };
    let name = path.display().to_string();
    let masked = mask(text);
    let lines = Lines::of(&masked);
    for problem in problems.iter().take(MAX_DRAWN) {
        let (message, help) = (print::escaped(&mask(&problem.message)), print::escaped(&mask(&problem.help)));
        let title = Level::ERROR.primary_title(&message).id(problem.code.as_str());
        let help = Level::HELP.message(&help);
        let place = mask(&problem.place.to_string()).into_owned();
        let span = problem.span.clone().unwrap_or_default();
        // The renderer reads all that it gets, so it gets no more than the lines of the problem.
        let (index, excerpt) = lines.around(&span);
        let span = span.start - excerpt.start..span.end - excerpt.start;
        let snippet = Snippet::source(&masked[excerpt]).line_start(index + 1).path(&name);
        let snippet = snippet.annotation(AnnotationKind::Primary.span(span).label(&place));
        let report = [title.element(snippet).element(help)];
        anstream::eprintln!("{}\n", renderer.render(&report));
    }
    let hidden = problems.len().saturating_sub(MAX_DRAWN);
    let more =
        if hidden == 0 { String::new() } else { format!("; {hidden} more are not shown (check --json has all)") };
    print::error(&format!("{name} has {}{more}", print::count(problems.len(), "problem")));
}

/// The lines of a file's text, so that finding one does not read the text from its start.
pub(crate) struct Lines<'t> {
    text: &'t str,
    /// The byte at which each line starts.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The index, from 0 on, of the line that this byte is in.
    fn index_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte) - 1
    }

    /// The index of the first line that has bytes of the span, and the bytes of all these lines.
    fn around(&self, span: &Range<usize>) -> (usize, Range<usize>) {
        let (first, last) = (self.index_of(span.start), self.index_of(span.end));
        let end = self.starts.get(last + 1).copied().unwrap_or(self.text.len());
        (first, self.starts[first]..end)
    }

    /// Line and column of a byte, both from 1 on; columns count characters.
    fn position(&self, byte: usize) -> (usize, usize) {
        let index = self.index_of(byte);
        let before = self.text.get(self.starts[index]..byte).unwrap_or_default();
        (index + 1, before.chars().count() + 1)
    }
}

/// A problem that has no place in a file's text.
pub(crate) fn without_span(problem: &Problem) -> serde_json::Value {
    json!({
        "code": problem.code,
        "place": problem.place.to_string(),
        "message": problem.message,
        "help": problem.help,
    })
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
    pub(crate) fn new(lines: &Lines<'p>, problem: &'p Problem) -> Self {
        let span = problem.span.clone().unwrap_or_default();
        let (line, column) = lines.position(span.start);
        Self {
            code: problem.code,
            place: mask(&problem.place.to_string()).into_owned(),
            message: mask(&problem.message),
            help: mask(&problem.help),
            value: mask(lines.text.get(span).unwrap_or_default()),
            line,
            column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_found_by_byte() {
        let lines = Lines::of("one\nü = 2\n\nlast");
        for (byte, position) in
            [(0, (1, 1)), (2, (1, 3)), (3, (1, 4)), (4, (2, 1)), (6, (2, 2)), (11, (3, 1)), (12, (4, 1)), (16, (4, 5))]
        {
            assert_eq!(lines.position(byte), position, "{byte}");
        }
        for (span, index, excerpt) in
            [(0..0, 0, 0..4), (4..10, 1, 4..11), (1..5, 0, 0..11), (11..11, 2, 11..12), (12..16, 3, 12..16)]
        {
            assert_eq!(lines.around(&span), (index, excerpt), "{span:?}");
        }
        assert_eq!(Lines::of("").position(0), (1, 1));
    }
}
