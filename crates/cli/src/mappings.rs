//! Reading a mapping file, and its problems drawn with carets.

use std::borrow::Cow;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use purge_router_cloudflare::mask;
use purge_router_core::{Mappings, Problem};
use serde::Serialize;

use crate::{Misuse, print};

/// Reads a mapping file. Its problems go to standard error; `None` says that there were some.
pub(crate) fn load(path: &Path) -> anyhow::Result<Option<Mappings>> {
    let text = read(path)?;
    match Mappings::from_toml(&text) {
        Ok(mappings) => Ok(Some(mappings)),
        Err(problems) => {
            draw(path, &text, &problems);
            Ok(None)
        }
    }
}

/// The text of a mapping file.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let hint = "name it with --mappings or MAPPINGS_FILE; `purge-router init` writes an example";
    let bytes =
        std::fs::read(path).map_err(|error| Misuse(format!("can't read the mapping file {shown}: {error}; {hint}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("the mapping file {shown} is not UTF-8, from byte {at} on; save it as UTF-8")
    })
}

/// Draws all problems on standard error, each under the line that it is in.
pub(crate) fn draw(path: &Path, text: &str, problems: &[Problem]) {
    let renderer = if print::stderr_is_colored() { Renderer::styled() } else { Renderer::plain() };
    let name = path.display().to_string();
    let masked = mask(text);
    let text = masked.as_ref();
    for problem in problems {
        let (message, help) = (print::shown(&mask(&problem.message)), print::shown(&mask(&problem.help)));
        let title = Level::ERROR.primary_title(&message).id(problem.code);
        let help = Level::HELP.message(&help);
        let place = mask(&problem.place.to_string()).into_owned();
        let span = problem.span.clone().unwrap_or_default();
        let snippet = Snippet::source(text).path(&name).annotation(AnnotationKind::Primary.span(span).label(&place));
        let report = [title.element(snippet).element(help)];
        anstream::eprintln!("{}\n", renderer.render(&report));
    }
    let count = problems.len();
    print::error(&format!("{name} has {count} problem{}", if count == 1 { "" } else { "s" }));
}

/// A problem for machines.
#[derive(Serialize)]
pub(crate) struct ProblemJson<'p> {
    code: &'static str,
    place: String,
    message: Cow<'p, str>,
    help: Cow<'p, str>,
    value: Cow<'p, str>,
    line: usize,
    column: usize,
}

impl<'p> ProblemJson<'p> {
    /// Lines and columns count from 1, columns in characters.
    pub(crate) fn new(text: &'p str, problem: &'p Problem) -> Self {
        let span = problem.span.clone().unwrap_or_default();
        let before = text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            code: problem.code,
            place: mask(&problem.place.to_string()).into_owned(),
            message: mask(&problem.message),
            help: mask(&problem.help),
            value: mask(text.get(span).unwrap_or_default()),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
